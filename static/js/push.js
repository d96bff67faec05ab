// "Notify me in this browser": asks for permission, subscribes, and tells the server.
"use strict";
(() => {
  const button = document.querySelector("[data-push]");
  if (!button) {
    return;
  }
  const place = document.querySelector("[data-push-problem]");
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

  const say = (text) => {
    place.textContent = text;
    place.classList.toggle("d-none", !text);
  };

  const bytes = (base64url) => {
    const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(window.atob(base64), (character) => character.charCodeAt(0));
  };

  const browserName = () => {
    const agent = navigator.userAgent;
    const names = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]];
    const systems = [[/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]];
    const find = (list) => (list.find(([pattern]) => pattern.test(agent)) || [null, ""])[1];
    return [find(names) || "Browser", find(systems)].filter(Boolean).join(" on ");
  };

  const subscribe = async () => {
    if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
      throw new Error("This browser can't show notifications from web pages. Over plain http they work on localhost only.");
    }
    if ((await Notification.requestPermission()) !== "granted") {
      throw new Error("The browser does not allow notifications from this page. Allow them in its settings for this page, and try again.");
    }
    await navigator.serviceWorker.register(button.dataset.worker, { scope: "/" });
    const registration = await navigator.serviceWorker.ready;
    const { key } = await (await fetch(button.dataset.key)).json();
    const old = await registration.pushManager.getSubscription();
    if (old) {
      await old.unsubscribe();
    }
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    const answer = await fetch(button.dataset.subscribe, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ ...subscription.toJSON(), label: browserName(), replaces: old ? old.endpoint : "" }),
    });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw new Error(problem.detail || "The server did not take the subscription.");
    }
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
})();
