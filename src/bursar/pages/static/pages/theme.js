// Light, dark or what the device says, without loading the page anew.
import { keep } from "./cookies.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-themes] button");
  if (!button) return;
  event.preventDefault();
  const theme = button.value === "system" ? "" : button.value;
  keep("bursar_theme", theme);
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
});
