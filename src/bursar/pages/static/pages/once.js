// A double click sends a form once: the second of two clicks would make another token, or ask for the same twice.
const WITHIN = 1000;
const sent = new WeakMap();

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  const by = event.submitter ?? event.target;
  if (event.timeStamp - (sent.get(by) ?? -WITHIN) < WITHIN) event.preventDefault();
  else sent.set(by, event.timeStamp);
});
