"use strict";
// A file that is dropped on the form is chosen, and read.
const drop = document.querySelector("form.drop");
if (drop) {
  drop.addEventListener("dragover", (event) => event.preventDefault());
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.elements.file.files = event.dataTransfer.files;
    if (drop.elements.file.files.length) drop.requestSubmit();
  });
}
