// Forms and the session: nothing that was typed is lost when the session ends or the page is left by mistake.
"use strict";
(() => {
  const cookie = () => (document.cookie.match(/(?:^|; )csrftoken=([^;]+)/) || [])[1] || "";
  const dialog = document.getElementById("sign-in");
  const edited = new Set();
  let isDismissed = false;

  // A sign-in, here or in another tab, changes the token: each form and request is sent with the present one.
  document.addEventListener("formdata", ({ formData }) => {
    if (cookie() && formData.has("csrfmiddlewaretoken")) {
      formData.set("csrfmiddlewaretoken", cookie());
    }
  });
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (cookie()) {
      detail.headers["X-CSRFToken"] = cookie();
    }
  });

  // The zone of this browser, for a member who has none yet.
  document.querySelectorAll("[data-zone]").forEach((field) => {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  });
  if (!dialog) {
    return;
  }

  const form = dialog.querySelector("form");
  const problem = dialog.querySelector("[data-problem]");
  const isOwn = ({ account }) => String(account) === dialog.dataset.account;

  // Whether the page's account is still signed in. A server that does not answer is the business of the request itself.
  const isSignedIn = async () => {
    try {
      const response = await fetch(form.action, { cache: "no-store" });
      return !response.ok || isOwn(await response.json());
    } catch {
      return true;
    }
  };

  // Ask for the password, and return whether the page's account is signed in again.
  const signIn = async () => {
    problem.textContent = "";
    dialog.returnValue = "";
    if (!dialog.open) {
      dialog.showModal();
      form.elements.password.focus();
    }
    await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    isDismissed = dialog.returnValue !== "done";
    return !isDismissed;
  };

  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const response = await fetch(form.action, { method: "POST", headers: { "X-CSRFToken": cookie() }, body: new FormData(form) });
      const answer = response.headers.get("Content-Type") === "application/json" ? await response.json() : {};
      if (response.ok && isOwn(answer)) {
        form.elements.password.value = "";
        dialog.close("done");
      } else {
        problem.textContent = answer.problem || "That did not work. Try again.";
      }
    } catch {
      problem.textContent = "The server does not answer.";
    }
  });

  // Signed out meanwhile: a page with edits asks for the password; another one is loaded again, which leads to the sign-in.
  document.addEventListener("htmx:afterRequest", async ({ target, detail: { xhr } }) => {
    if (!target.matches("[data-poll]")) {
      return;
    }
    if (dialog.open) {
      if (xhr.status < 300 && xhr.status >= 200 && (await isSignedIn())) {
        dialog.close("done");
      }
    } else if (xhr.status === 403) {
      if (edited.size === 0) {
        window.location.reload();
      } else if (!isDismissed) {
        signIn();
      }
    }
  });

  // Leaving with edits asks.
  const isKept = (one) => one && one.method === "post" && one.closest("main");
  const note = ({ target }) => {
    if (isKept(target.form)) {
      edited.add(target.form);
    }
  };
  document.addEventListener("input", note);
  document.addEventListener("change", note);
  document.querySelectorAll("main form").forEach((one) => {
    // What the server sent back with a problem is not stored either.
    if (isKept(one) && one.querySelector(".errorlist, [data-unsaved]")) {
      edited.add(one);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (edited.size > 0) {
      event.preventDefault();
      event.returnValue = "";
    }
  });

  const send = (one, submitter) => {
    if (submitter && submitter.name) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = submitter.name;
      field.value = submitter.value;
      one.append(field);
    }
    edited.clear();
    one.submit();
  };

  // Before a form is sent, the session is looked at: a request without one would lose it.
  document.addEventListener("submit", async (event) => {
    const one = event.target;
    if (event.defaultPrevented || !isKept(one)) {
      return;
    }
    event.preventDefault();
    if (one.dataset.sending) {
      return;
    }
    one.dataset.sending = "1";
    if ((await isSignedIn()) || (await signIn())) {
      send(one, event.submitter);
    }
    delete one.dataset.sending;
  });
  // A page that the browser's "back" brings again has sent nothing.
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-sending]").forEach((one) => delete one.dataset.sending));
})();
