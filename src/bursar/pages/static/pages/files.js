// A field for a file says which one was picked, and lights up while one is dragged over it.
document.addEventListener("change", (event) => {
  const field = event.target.closest?.("[data-drop]");
  if (!field || event.target.type !== "file") return;
  const names = [...event.target.files].map((file) => file.name).join(", ");
  const words = field.querySelector("label .quiet");
  if (names) words.textContent = names;
  field.classList.toggle("chosen", Boolean(names));
});

for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => event.target.closest?.("[data-drop]")?.classList.toggle("over", over));
}
