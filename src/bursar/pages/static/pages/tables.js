// Tables whose rows can be picked: the box in the head picks all that are shown, and a bar says how many are picked.
export function watchTables(root) {
  for (const table of root.querySelectorAll("[data-picks]")) watch(table);
}

function watch(table) {
  if (table.dataset.watched) return;
  table.dataset.watched = "yes";
  const all = table.querySelector("[data-picks-all]");
  table.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes(table)) box.checked = all.checked;
    count(table, all);
  });
  count(table, all);
}

function count(table, all) {
  const every = boxes(table);
  const picked = every.filter((box) => box.checked).length;
  if (all) {
    all.checked = picked > 0 && picked === every.length;
    all.indeterminate = picked > 0 && picked < every.length;
  }
  for (const box of every) box.closest("tr")?.classList.toggle("picked", box.checked);
  for (const place of table.querySelectorAll("[data-picked-count]")) place.textContent = String(picked);
  for (const part of table.querySelectorAll("[data-when-picked]")) part.hidden = picked === 0;
}

function boxes(table) {
  return [...table.querySelectorAll("input[data-pick]")];
}
