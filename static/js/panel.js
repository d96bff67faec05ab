// What every page of the panel needs: questions before deleting, toasts that go away, a calmer poll.
"use strict";
(() => {
  const HIDDEN_PAUSE = 20000;
  const TOAST_LIFE = 20000;
  let polledAt = 0;

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

  // A page that nobody sees asks for news less often.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.matches("[data-poll]")) {
      return;
    }
    const now = Date.now();
    if (document.hidden && now - polledAt < HIDDEN_PAUSE) {
      event.preventDefault();
      return;
    }
    polledAt = now;
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

  // Signed out meanwhile: the page says so instead of staying silent.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.target.matches("[data-poll]") && event.detail.xhr.status === 403) {
      window.location.reload();
    }
  });
})();
