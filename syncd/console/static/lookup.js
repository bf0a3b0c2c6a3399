"use strict";
// Enter looks up, Shift+Enter is a new line.
document.addEventListener("keydown", (event) => {
  const { target, key, shiftKey, isComposing } = event;
  if (target.id !== "text" || key !== "Enter" || shiftKey || isComposing) return;
  event.preventDefault();
  target.form.requestSubmit();
});
// The answer is seen where the window is small; the box keeps the focus.
document.addEventListener("htmx:after:swap", () =>
  document.querySelector(".verdict, #lookup [role=status]")?.scrollIntoView({ block: "nearest" }));
document.addEventListener("click", ({ target }) => target.matches("[data-print]") && print());
