// The form of a standing registration: fields that are put into the text, and errors that come while typing.
"use strict";
(() => {
  const form = document.querySelector("[data-standing]");
  if (!form) {
    return;
  }

  // A click puts the field where the cursor stands.
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (!chip) {
      return;
    }
    const text = form.querySelector('[name="text"]');
    text.setRangeText(chip.dataset.insert, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // What stands next to a field is tied to it, for those who can't see it.
  const tie = () => {
    form.querySelectorAll("[id$='_errors']").forEach((place) => {
      const control = document.getElementById(place.id.replace(/_errors$/, ""));
      if (!control || control.matches("div")) {
        return;
      }
      const list = place.querySelector(".errorlist");
      const others = (control.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && !id.endsWith("_error"));
      control.removeAttribute("aria-invalid");
      if (list) {
        control.setAttribute("aria-invalid", "true");
        others.push(list.id);
      }
      if (others.length) {
        control.setAttribute("aria-describedby", others.join(" "));
      } else {
        control.removeAttribute("aria-describedby");
      }
    });
  };
  document.addEventListener("htmx:oobAfterSwap", tie);
})();
