// Buttons that copy a text; they are shown only where copying is possible.
import { say } from "./toasts.js";

if (navigator.clipboard) {
  const show = (root) => root.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = false; });
  show(document);
  document.addEventListener("htmx:load", (event) => show(event.detail.elt));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  say(button.dataset.done, "good");
});
