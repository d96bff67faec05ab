// Gets pushes (eventinvoke/channels/webpush says what is in them), shows them, and reports what became of them.
// Subscribes for the pages (static/js/push.js), and keeps the subscription alive with the token that it got for it.
"use strict";

// All our addresses are below the place from which this file comes.
const BASE = new URL("./", self.location.href).pathname;
const below = (address) => `${BASE}${address}`;
const GENERIC = { title: "PFS Notice", body: "Something needs your attention. Open the inbox to see it.", url: below("inbox/") };
const MAX_ACTIONS = 2;
const PAUSES = [0, 2000, 30000];
const STORE = BASE === "/" ? "push-subscription" : `push-subscription ${BASE}`;
const KEPT = below("push/kept");
const CHROMIUM = "userAgentData" in self.navigator;

const text = (value, fallback = "") => (typeof value === "string" ? value : fallback);

// Something is always shown, also for a payload that makes no sense: a page that shows nothing loses its permission.
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

const post = (address, body, credentials = "omit") =>
  fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials,
    keepalive: true,
  });

// Returns what the server said, or null where it could not be told.
const report = async (address, what, startsAt = "") => {
  if (!address) {
    return null;
  }
  try {
    const answer = await post(address, startsAt ? { what, starts_at: startsAt } : { what });
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
    icon: below("static/icon-192.png"),
    badge: below("static/icon-192.png"),
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

// Closed by us, which Firefox also reports as closed by the person.
const closedHere = new Set();

const close = (notification) => {
  const { report: address } = notification.data || {};
  if (address) {
    closedHere.add(address);
  }
  notification.close();
};

const closeTags = async (tags) => {
  const shown = await self.registration.getNotifications();
  shown.filter((one) => one.tag && tags.includes(one.tag)).forEach(close);
};

// Takes a notification back. A push has to show something, or the browser takes the permission away, so a silent one
// takes its place first. It stays in Chromium, which otherwise shows a generic one, unless a page of ours is open.
const takeBack = async (payload) => {
  const tag = text(payload.tag);
  await closeTags([tag]);
  const options = { body: text(payload.body), lang: text(payload.language), silent: true, tag };
  options.data = { url: webAddress(payload.url), report: "" };
  await self.registration.showNotification(text(payload.title, GENERIC.title), options);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!CHROMIUM || pages.some((page) => page.visibilityState === "visible")) {
    await closeTags([tag]);
  }
};

const showPush = async (event) => {
  const payload = read(event.data);
  try {
    await (payload.close === true && text(payload.tag) ? takeBack(payload) : show(payload));
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

// What this browser got at subscribing: {token, owner, endpoint}. The token alone renews the subscription.
const kept = async () => {
  const found = await (await caches.open(STORE)).match(KEPT);
  return found ? found.json() : null;
};

const keep = async (what) => (await caches.open(STORE)).put(KEPT, new Response(JSON.stringify(what)));

const serverKey = async () => bytes((await (await fetch(below("push/key"), { cache: "no-store" })).json()).key);

const isBoundTo = (subscription, key) => {
  const bound = new Uint8Array(subscription.options.applicationServerKey || []);
  return bound.length === key.length && bound.every((byte, index) => byte === key[index]);
};

const subscribeTo = async (key) => {
  try {
    return await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (error) {
    throw new Error(`The push service of this browser did not answer, or is switched off in the settings (${error.message}).`);
  }
};

// Two at once would use the same token.
let last = Promise.resolve();
const inTurn = (work) => {
  last = last.catch(() => undefined).then(work);
  return last;
};

// Subscribes for the member who is signed in. An earlier subscription in this browser ends, also that of another member.
const subscribe = async ({ label }) => {
  const [old, known, key] = [await self.registration.pushManager.getSubscription(), await kept(), await serverKey()];
  if (old) {
    await old.unsubscribe();
  }
  const fresh = await subscribeTo(key);
  const replaces = (old || known || { endpoint: "" }).endpoint;
  const answer = await post(below("targets/subscribe"), { ...fresh.toJSON(), label: text(label), replaces }, "same-origin");
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(said.detail || "The server did not take the subscription.");
  }
  await keep({ token: said.token, owner: said.owner, endpoint: fresh.endpoint });
};

// Subscribed before there were tokens, or lost it: the member who is signed in gets one for the same target.
const askToken = async (subscription) => {
  const { endpoint } = subscription;
  const answer = await post(below("targets/subscribe/token"), { endpoint }, "same-origin");
  if (!answer.ok) {
    return null;
  }
  const { token, owner } = await answer.json();
  await keep({ token, owner, endpoint });
  return { token, owner, endpoint };
};

// Renews the subscription if the browser has lost it or has another one, or if it is bound to another key of the server.
const renew = async () => {
  let current = await self.registration.pushManager.getSubscription();
  const known = (await kept()) || (current && (await askToken(current)));
  if (!known || Notification.permission !== "granted") {
    return;
  }
  const key = await serverKey();
  if (current && !isBoundTo(current, key)) {
    await current.unsubscribe();
    current = null;
  }
  if (current && current.endpoint === known.endpoint) {
    return;
  }
  current = current || (await subscribeTo(key));
  const answer = await post(below("targets/subscribe/renew"), { ...current.toJSON(), token: known.token });
  if (answer.status === 403) {
    await caches.delete(STORE);
    await current.unsubscribe();
  } else if (answer.ok) {
    await keep({ ...known, token: (await answer.json()).token, endpoint: current.endpoint });
  } else {
    throw new Error("The server did not take the subscription.");
  }
};

// The browser has lost its subscription, perhaps while the server is away. The next page that opens tries it again too.
const renewLost = async () => {
  for (const pause of PAUSES) {
    await new Promise((done) => setTimeout(done, pause));
    try {
      await inTurn(renew);
      return;
    } catch {} // tried again
  }
};

// The member signs out here and wants no more notices here.
const end = async () => {
  const known = await kept();
  const current = await self.registration.pushManager.getSubscription();
  await Promise.allSettled([
    known && post(below("targets/subscribe/end"), { token: known.token }),
    current && current.unsubscribe(),
    caches.delete(STORE),
  ]);
};

// What pages ask for: {what, ...}; the answer goes to the port that came with it.
const WORK = {
  subscribe: (data) => inTurn(() => subscribe(data)),
  check: () => inTurn(renew),
  end: () => inTurn(end),
  owner: async () => ((await kept()) || { owner: "" }).owner,
  close: ({ tags }) => closeTags(Array.isArray(tags) ? tags : []),
};

const serve = async (event) => {
  const data = event.data || {};
  const work = Object.hasOwn(WORK, data.what) ? WORK[data.what] : async () => undefined;
  const said = await work(data).then(
    (result) => ({ result }),
    (error) => ({ error: error.message }),
  );
  if (event.ports[0]) {
    event.ports[0].postMessage(said);
  }
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(showPush(event)));
self.addEventListener("message", (event) => event.waitUntil(serve(event)));
self.addEventListener("notificationclose", (event) => {
  const data = event.notification.data || {};
  if (!closedHere.delete(data.report)) {
    event.waitUntil(report(data.report, "closed"));
  }
});
self.addEventListener("notificationclick", (event) => {
  close(event.notification);
  event.waitUntil(answer(event).catch(() => undefined));
});
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renewLost());
});
