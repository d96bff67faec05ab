// The rows of a plan: add one, remove one. Without this script there are always three empty rows.
"use strict";
(() => {
  const plan = document.querySelector("[data-plan]");
  if (!plan) {
    return;
  }
  const total = document.querySelector(`[name="${plan.dataset.plan}-TOTAL_FORMS"]`);
  const template = document.querySelector("#plan-row-template");
  const add = document.querySelector("[data-plan-add]");

  // The preview of a registration goes by its plan.
  const tell = () => plan.dispatchEvent(new Event("plan-changed", { bubbles: true }));

  const remove = (row) => {
    const box = row.querySelector('input[type="checkbox"][name$="-DELETE"]');
    if (box) {
      box.checked = true;
    }
    row.hidden = true;
    tell();
  };

  // Only a call can be repeated.
  const redialed = new Set(plan.dataset.redialed.split(" "));
  const showRedials = (row) => {
    const cell = row.querySelector(".plan-redials");
    cell.hidden = !redialed.has(row.querySelector('select[name$="-target"]').value);
  };
  plan.addEventListener("change", (event) => {
    if (event.target.matches('select[name$="-target"]')) {
      showRedials(event.target.closest(".plan-row"));
    }
  });
  plan.querySelectorAll(".plan-row").forEach(showRedials);

  // The plan follows the member whom the registration is for: a step to the one chosen before goes to the new one.
  const chosen = document.querySelector('select[name="member"]');
  const data = document.querySelector("#plan-targets");
  if (chosen && data) {
    const targets = JSON.parse(data.textContent);
    let before = chosen.value;
    chosen.addEventListener("change", () => {
      const old = targets[before] || [];
      const own = targets[chosen.value] || [];
      before = chosen.value;
      plan.querySelectorAll(".plan-row").forEach((row) => {
        const select = row.querySelector('select[name$="-target"]');
        const was = old.find((one) => String(one.pk) === select.value);
        if (was) {
          const now = own.find((one) => one.kind === was.kind) || own[0];
          select.value = now ? String(now.pk) : "";
          showRedials(row);
        }
      });
      tell();
    });
  }

  plan.addEventListener("click", (event) => {
    const button = event.target.closest("[data-plan-remove]");
    if (!button) {
      return;
    }
    remove(button.closest(".plan-row"));
    (plan.querySelector(".plan-row:not([hidden]) select") || add).focus();
  });

  add.addEventListener("click", () => {
    const number = Number(total.value);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(number));
    const row = holder.firstElementChild;
    plan.append(row);
    showRedials(row);
    total.value = String(number + 1);
    row.querySelector("select").focus();
    tell();
  });

  // Empty rows beyond the first are only for those without scripts.
  const isEmpty = (row) => row.dataset.isNew === "1" && !row.querySelector("select").value;
  [...plan.querySelectorAll(".plan-row")].slice(1).filter(isEmpty).forEach((row) => {
    row.hidden = true;
  });
})();
