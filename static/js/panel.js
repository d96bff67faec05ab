// What every page of the panel needs: questions before deleting, toasts that go away, a calmer poll.
"use strict";
(() => {
  const HIDDEN_PAUSE = 20000;
  const TOAST_LIFE = 20000;
  const polledAt = new Map();

  // A form with data-confirm asks first.
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
    }
  });

  // A select with data-submit sends its form when it changes.
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submit]")) {
      event.target.form.requestSubmit();
    }
  });

  // A page in the background polls less often.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-poll]")) {
      return;
    }
    const now = Date.now();
    if (document.hidden && now - (polledAt.get(event.target.id) || 0) < HIDDEN_PAUSE) {
      event.preventDefault();
      return;
    }
    polledAt.set(event.target.id, now);
  });

  const forget = (toast) => {
    if (!toast.matches(":hover, :focus-within")) {
      toast.remove();
      return;
    }
    toast.addEventListener("mouseleave", () => toast.remove(), { once: true });
  };

  // A toast goes away by itself, unless it is critical.
  document.addEventListener("htmx:oobAfterSwap", () => {
    document.querySelectorAll(".toast-place .toast:not([data-seen])").forEach((toast) => {
      toast.dataset.seen = "1";
      if (!toast.classList.contains("toast-critical")) {
        window.setTimeout(() => forget(toast), TOAST_LIFE);
      }
    });
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-close-toast]");
    if (button) {
      button.closest(".toast").remove();
    }
  });

  // An open menu is not taken away by a refresh; the next poll brings it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (target.matches("[data-poll]:not(#inbox-poll)") && document.querySelector(".dropdown-menu.show")) {
      event.detail.shouldSwap = false;
    }
  });

  // A wait counts down, and its button can be pressed when it is over.
  const sayWait = (seconds) => {
    const minutes = Math.ceil(seconds / 60);
    if (seconds <= 60) {
      return `${seconds} second${seconds === 1 ? "" : "s"}`;
    }
    return minutes <= 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
  };
  document.querySelectorAll("[data-countdown]").forEach((place) => {
    const button = place.closest("button");
    const end = Date.now() + Number(place.dataset.countdown) * 1000;
    const show = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      button.disabled = left > 0;
      if (left > 0) {
        place.textContent = `(in ${sayWait(left)})`;
      } else {
        place.remove();
        window.clearInterval(timer);
      }
    };
    const timer = window.setInterval(show, 500);
    show();
  });
})();
