"use strict";
// A log-in link has its secret behind the "#", which no server log sees.
const form = document.querySelector("form[data-ticket]");
if (form && location.hash.length > 1) {
  form.elements.token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  form.submit();
}
// Enter looks up, Shift+Enter is a new line.
document.addEventListener("keydown", (event) => {
  const { target, key, shiftKey, isComposing } = event;
  if (target.id !== "text" || key !== "Enter" || shiftKey || isComposing) return;
  event.preventDefault();
  target.form.requestSubmit();
});
// The answer is seen where the window is small; the box keeps the focus, or has it again.
document.addEventListener("htmx:after:swap", () => {
  if (document.activeElement === document.body) document.querySelector("#text")?.focus({ preventScroll: true });
  document.querySelector(".verdict, #lookup [role=status]")?.scrollIntoView({ block: "nearest" });
});
document.addEventListener("click", ({ target }) => target.matches("[data-print]") && print());
// Minutes go on from where they were when they came.
setInterval(() => document.querySelectorAll("[data-seconds]").forEach((it) => {
  it.began ??= Date.now() - 1000 * it.dataset.seconds;
  it.textContent = it.textContent.replace(/\d+/, Math.floor((Date.now() - it.began) / 60000));
  it.nextElementSibling.hidden = true;
}), 1000);
// A file that is dropped on the form is chosen, and read.
const drop = document.querySelector("form.drop");
drop?.addEventListener("dragover", (event) => event.preventDefault());
drop?.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.elements.file.files = event.dataTransfer.files;
  if (drop.elements.file.files.length) drop.requestSubmit();
});
