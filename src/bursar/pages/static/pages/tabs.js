// Rows of links that are wider than a phone begin at the page that one is on, not at the first.
for (const row of document.querySelectorAll(".tabs, .main-nav")) {
  const current = row.querySelector("[aria-current]");
  if (!current) continue;
  const { left, right } = current.getBoundingClientRect();
  const frame = row.getBoundingClientRect();
  if (left < frame.left || right > frame.right) row.scrollLeft += left - frame.left - (frame.width - (right - left)) / 2;
}
