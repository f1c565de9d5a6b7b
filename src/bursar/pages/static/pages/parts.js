// What htmx leaves open: failures are said in words, new parts are watched, the focus stays where the reader is.
import { leave, say } from "./toasts.js";
import { watchTables } from "./tables.js";

const TOO_LARGE = 413;

export function watchParts() {
  const body = document.body;
  const words = (name) => body.dataset[name] ?? "";
  document.addEventListener("htmx:load", (event) => {
    watchTables(event.detail.elt);
    for (const toast of document.querySelectorAll("[data-toast]")) {
      delete toast.dataset.toast;
      leave(toast);
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    say(words(event.detail.xhr.status === TOO_LARGE ? "tooLarge" : "failed"), "bad");
  });
  document.addEventListener("htmx:sendError", () => say(words("offline"), "bad"));
  document.addEventListener("htmx:timeout", () => say(words("offline"), "bad"));
}
