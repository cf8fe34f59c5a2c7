// The page that writes the snippet: everything works without this; it copies.
(function () {
  "use strict";

  function copy(area) {
    if (navigator.clipboard && navigator.clipboard.writeText) {
      return navigator.clipboard.writeText(area.value);
    }
    area.select();
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject(new Error("refused"));
  }

  Array.from(document.querySelectorAll("button[data-copies]")).forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const area = document.getElementById(button.dataset.copies);
      const say = (text) => { document.getElementById("copy-said").textContent = text; };
      copy(area).then(() => say(button.dataset.done), () => { area.select(); say(button.dataset.failed); });
    });
  });
})();
