// Runs before the page is drawn: dark or light as the system is, and a mark that scripts run.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  root.classList.add("has-js");
  apply();
  dark.addEventListener("change", apply);
})();
