// Short words at the edge of the page that are read out and go by themselves; not while they are looked at.
const SHOWN = 6000;

export function say(text, tone = "info") {
  const toast = document.createElement("div");
  toast.className = `toast ${tone}`;
  const words = document.createElement("p");
  words.textContent = text;
  toast.append(words);
  document.getElementById("toasts").append(toast);
  leave(toast);
}

export function leave(toast) {
  const go = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(go, SHOWN);
    else toast.remove();
  };
  setTimeout(go, SHOWN);
}
