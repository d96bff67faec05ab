// Notifications in this browser: "Notify me in this browser", and what every page does to keep them coming.
// The service worker does the work; a page asks it.
"use strict";
(() => {
  const PATIENCE = 5000;
  const SUBSCRIBING = 30000;
  const { owner, worker: workerAddress } = document.currentScript.dataset;
  const scope = workerAddress.slice(0, workerAddress.lastIndexOf("/") + 1);
  const obstacles = window.pushObstacles;
  const canNotify = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  // Returns what the worker answers; throws what it failed with.
  const ask = (worker, data, patience = PATIENCE) =>
    new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel();
      window.setTimeout(() => reject(new Error("The browser does not answer. Reload the page and try again.")), patience);
      port1.onmessage = ({ data: { result, error } }) => (error === undefined ? resolve(result) : reject(new Error(error)));
      worker.postMessage(data, [port2]);
    });

  // Returns null where no worker runs: this browser has never subscribed.
  const told = async (data) => {
    const registration = canNotify && (await navigator.serviceWorker.getRegistration(scope));
    return registration && registration.active ? ask(registration.active, data) : null;
  };

  const browserName = () => {
    const agent = navigator.userAgent;
    const names = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]];
    const systems = [[/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]];
    const find = (list) => (list.find(([pattern]) => pattern.test(agent)) || [null, ""])[1];
    return [find(names) || (obstacles.isInstalled ? "Web app" : "Browser"), find(systems)].filter(Boolean).join(" on ");
  };

  const subscribe = async () => {
    const obstacle = obstacles.find();
    if (obstacle) {
      throw new Error(obstacle);
    }
    const permission = await Notification.requestPermission();
    if (permission !== "granted") {
      throw new Error(permission === "denied" ? obstacles.SAYS.denied : obstacles.SAYS.closed);
    }
    try {
      await navigator.serviceWorker.register(workerAddress, { scope });
    } catch {
      throw new Error(obstacles.SAYS.worker);
    }
    const { active } = await navigator.serviceWorker.ready;
    await ask(active, { what: "subscribe", label: browserName() }, SUBSCRIBING);
  };

  const button = document.querySelector("[data-push]");
  if (button) {
    const place = document.querySelector("[data-push-problem]");
    const say = (text) => {
      place.textContent = text;
      place.classList.toggle("d-none", !text);
    };
    button.addEventListener("click", async () => {
      button.disabled = true;
      say("");
      try {
        await subscribe();
        window.location.reload();
      } catch (error) {
        say(error.message);
        button.disabled = false;
      }
    });
  }

  // The subscription may be lost, or bound to another key of the server than today's.
  told({ what: "check" }).catch(() => undefined);

  // Notices that were acknowledged elsewhere: {tags: [...]} in the event's detail.
  document.addEventListener("notices-closed", ({ detail }) => {
    told({ what: "close", tags: detail.tags }).catch(() => undefined);
  });

  // Signing out asks whether the notices of this member are still to be shown here.
  const dialog = document.getElementById("sign-out");
  const leave = async (form) => {
    const isOwn = (await told({ what: "owner" })) === owner;
    if (!isOwn || !dialog) {
      return true;
    }
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    if (dialog.returnValue === "end") {
      await told({ what: "end" });
    }
    return dialog.returnValue !== "";
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-sign-out]")) {
      return;
    }
    event.preventDefault();
    if (await leave(form).catch(() => true)) {
      form.submit();
    }
  });
})();
