// What django-unfold's pages lack for those who use a keyboard or a screen reader: where the content is, and buttons that are buttons.
const CLICKABLE = "a:not([href]), span.material-symbols-outlined, div.cursor-pointer";

function makeButton(element) {
  element.setAttribute("role", "button");
  element.tabIndex = 0;
  if (element.matches("span.material-symbols-outlined")) element.setAttribute("aria-label", "Menu");
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    element.click();
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("main")?.setAttribute("role", "main");
  document.querySelectorAll("[x-on\\:click]").forEach((element) => {
    if (element.matches(CLICKABLE)) makeButton(element);
  });
});
