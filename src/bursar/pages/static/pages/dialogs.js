// Buttons that open a dialog by its id, and those inside that close it. The browser keeps the focus where it belongs.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.opens)?.showModal();
    return;
  }
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target.closest("[data-closes]") || event.target === dialog)) dialog.close();
});
