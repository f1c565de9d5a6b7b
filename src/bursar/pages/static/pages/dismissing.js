// News that a reader has seen: `data-seen` names where this browser keeps it, `data-about` what it is about.
function read(name) {
  try {
    return new Set(JSON.parse(localStorage.getItem(name)) ?? []);
  } catch {
    return new Set();
  }
}

for (const news of document.querySelectorAll("[data-seen]")) {
  const about = news.dataset.about.split(" ");
  const seen = read(news.dataset.seen);
  const button = news.querySelector("[data-dismisses]");
  news.hidden = about.every((one) => seen.has(one));
  button.hidden = false;
  button.addEventListener("click", () => {
    try {
      localStorage.setItem(news.dataset.seen, JSON.stringify(about));
    } finally {
      news.hidden = true;
      document.querySelector("h1")?.setAttribute("tabindex", "-1");
      document.querySelector("h1")?.focus();
    }
  });
}
