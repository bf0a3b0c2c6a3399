"use strict";
// Enter looks up, Shift+Enter is a new line.
document.addEventListener("keydown", (event) => {
  const { target, key, shiftKey, isComposing } = event;
  if (target.id !== "text" || key !== "Enter" || shiftKey || isComposing) return;
  event.preventDefault();
  target.form.requestSubmit();
});
document.addEventListener("click", ({ target }) => target.matches("[data-print]") && print());
