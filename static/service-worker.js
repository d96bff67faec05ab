// Gets pushes (eventinvoke/channels/webpush says what is in them), shows them, and reports what became of them.
"use strict";

const GENERIC = { title: "PFS Notice", body: "Something needs your attention. Open the inbox to see it.", url: "/inbox/" };
const MAX_ACTIONS = 2;

const text = (value, fallback = "") => (typeof value === "string" ? value : fallback);

// Whatever comes, something is shown: a browser that showed nothing would lose its permission.
const read = (data) => {
  let found = null;
  try {
    found = data ? data.json() : null;
  } catch {
    found = null;
  }
  return found && typeof found === "object" && !Array.isArray(found) && text(found.title) ? found : GENERIC;
};

// Only our own pages are told anything, and only web addresses are opened.
const ownAddress = (value) => {
  try {
    const address = new URL(text(value), self.location.origin);
    return text(value) && address.origin === self.location.origin ? address.href : "";
  } catch {
    return "";
  }
};

const webAddress = (value) => {
  try {
    const address = new URL(text(value) || GENERIC.url, self.location.origin);
    return ["http:", "https:"].includes(address.protocol) ? address.href : new URL(GENERIC.url, self.location.origin).href;
  } catch {
    return new URL(GENERIC.url, self.location.origin).href;
  }
};

const actionsOf = (payload) => {
  const list = Array.isArray(payload.actions) ? payload.actions : [];
  return list
    .filter((one) => one && typeof one === "object" && text(one.action) && text(one.title))
    .slice(0, MAX_ACTIONS)
    .map(({ action, title }) => ({ action, title }));
};

// Returns what the server said, or null where it could not be told.
const report = async (address, what, startsAt = "") => {
  if (!address) {
    return null;
  }
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(startsAt ? { what, starts_at: startsAt } : { what }),
      credentials: "omit",
      keepalive: true,
    });
    return answer.ok ? await answer.json().catch(() => ({})) : null;
  } catch {
    return null;
  }
};

const show = async (payload) => {
  const tag = text(payload.tag);
  const address = ownAddress(payload.report);
  const options = {
    body: text(payload.body),
    lang: text(payload.language),
    icon: "/static/icon-192.png",
    badge: "/static/icon-192.png",
    requireInteraction: payload.severity === "critical",
    actions: actionsOf(payload),
    data: { url: webAddress(payload.url), report: address, startsAt: text(payload.starts_at) },
  };
  if (tag) {
    options.tag = tag;
    options.renotify = true;
  }
  await self.registration.showNotification(text(payload.title, GENERIC.title), options);
  await report(address, "shown");
};

const showPush = async (event) => {
  const payload = read(event.data);
  try {
    await show(payload);
  } catch {
    await self.registration.showNotification(GENERIC.title, { body: GENERIC.body, data: { url: webAddress(""), report: "" } });
  }
};

const open = async (address) => {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const same = windows.find((one) => one.url === address);
  if (same) {
    return same.focus();
  }
  return self.clients.openWindow(address);
};

const answer = async (event) => {
  const data = event.notification.data || {};
  if (event.action === "confirm" || event.action === "snooze") {
    // With the start that the notice told of: the event may have moved since.
    const said = await report(data.report, event.action, data.startsAt);
    if (said === null) {
      // The answer did not get through: let the person give it on the page.
      await open(webAddress(""));
    }
    return;
  }
  await Promise.all([report(data.report, "clicked"), open(webAddress(data.url))]);
};

const bytes = (base64url) => {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
};

// The push service gave the browser another address: tell it to the server, as the member's own page would.
const resubscribe = async (event) => {
  const { key } = await (await fetch("/push/key")).json();
  const fresh =
    event.newSubscription ||
    (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) }));
  const old = event.oldSubscription ? event.oldSubscription.endpoint : "";
  await fetch("/targets/subscribe", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...fresh.toJSON(), replaces: old }),
  });
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(showPush(event)));
self.addEventListener("notificationclose", (event) => {
  const data = event.notification.data || {};
  event.waitUntil(report(data.report, "closed"));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(answer(event).catch(() => undefined));
});
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(resubscribe(event).catch(() => undefined));
});
