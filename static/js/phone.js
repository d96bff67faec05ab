// The simulated phone: asks the server what happens at it, shows it, and does what a person does with it.
"use strict";
(() => {
  const phone = document.getElementById("phone");
  if (!phone) {
    return;
  }
  const IDLE_PAUSE = 1000;
  const CALL_PAUSE = 400;
  const HIDDEN_PAUSE = 5000;
  const TROUBLE_PAUSE = 5000;
  const STATES = {
    queued: "A call is on its way",
    initiated: "A call is on its way",
    ringing: "Incoming call",
    "in-progress": "In a call",
    completed: "Call ended",
    busy: "Declined",
    "no-answer": "Missed call",
    failed: "Could not be reached",
    canceled: "Taken back before it was answered",
  };
  const sounds = window.phoneSounds;
  const at = (id) => document.getElementById(id);
  const token = phone.querySelector("[name=csrfmiddlewaretoken]").value;
  const title = document.title;
  let etag = "";
  let timer = null;
  let call = null;
  let heard = { sid: "", count: 0 };
  let asked = 0;
  let shownOf = 0;
  let isSoundWanted = true;

  const element = (name, text, className = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = className;
    return made;
  };

  const time = (instant) => {
    // In the zone of the member, as all times of the panel are.
    const made = element("time", new Date(instant).toLocaleString(undefined, { timeZone: phone.dataset.zone || undefined }));
    made.dateTime = instant;
    return made;
  };

  // Links in a text message can be followed; everything else stays text.
  const linked = (text) => {
    const whole = document.createDocumentFragment();
    text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/).forEach((part, index) => {
      if (index % 2 === 0) {
        whole.append(part);
        return;
      }
      const link = element("a", part);
      link.href = part;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      whole.append(link);
    });
    return whole;
  };

  const isLive = (one) => one.status === "ringing" || one.status === "in-progress";

  // Each thing is spoken once, also when the words repeat; a page opened in mid-call begins with the present one.
  const speakNew = () => {
    const total = call.utterance_number;
    if (heard.sid !== call.sid) {
      heard = { sid: call.sid, count: call.saying ? total - 1 : total };
    }
    const fresh = Math.min(total - heard.count, call.transcript.length);
    if (fresh > 0) {
      call.transcript.slice(-fresh).filter((one) => one.kind === "say").forEach((one) => sounds.say(one.text, one.language));
    }
    heard.count = total;
  };

  const showWords = () => {
    const words = at("call-words");
    const shown = call ? call.transcript : [];
    const id = call ? call.sid : "";
    // Only what is new is added, so that a screen reader reads only that.
    if (words.dataset.sid !== id || words.children.length > shown.length) {
      words.replaceChildren();
      words.dataset.sid = id;
    }
    shown.slice(words.children.length).forEach((one) => {
      const line = element("p", one.kind === "say" ? one.text : `♪ ${one.text}`);
      line.lang = one.language;
      words.append(line);
    });
    [...words.children].forEach((line, index) => {
      line.classList.toggle("is-now", Boolean(call && call.saying) && index === shown.length - 1);
    });
    words.scrollTop = words.scrollHeight;
  };

  const hint = () => {
    if (!call || call.status !== "in-progress" || !call.listening) {
      return "\u00a0";
    }
    return call.listening.digits ? `You pressed ${call.listening.digits}` : "Waiting for you to press a key";
  };

  const setText = (node, text) => {
    if (node.textContent !== text) {
      node.textContent = text;
    }
  };

  const showCall = () => {
    const isRinging = Boolean(call) && call.status === "ringing";
    const isTalking = Boolean(call) && call.status === "in-progress";
    phone.classList.toggle("is-ringing", isRinging);
    phone.dataset.status = call ? call.status : "";
    setText(at("call-state"), call ? STATES[call.status] : "Waiting for a call");
    setText(at("call-from"), call ? `from ${call.from}` : "\u00a0");
    setText(at("call-hint"), hint());
    // They share one place, so that no key slips under a finger that was about to answer.
    at("ringing-buttons").classList.toggle("d-none", !isRinging);
    at("call-words").classList.toggle("d-none", isRinging);
    at("hang-up").disabled = !isTalking;
    phone.querySelectorAll("[data-key]").forEach((button) => {
      button.disabled = !isTalking;
    });
    document.title = isRinging ? `☎ Incoming call · ${title}` : title;
    showWords();
    if (isRinging) {
      sounds.ring();
    } else {
      sounds.stopRinging();
    }
    if (isTalking) {
      speakNew();
    } else {
      sounds.hush();
    }
  };

  const showMessages = (messages) => {
    const arrived = messages.filter((one) => one.is_there).reverse();
    const thread = at("messages");
    const known = new Set([...thread.querySelectorAll("[data-sid]")].map((one) => one.dataset.sid));
    const fresh = arrived.filter((one) => !known.has(one.sid));
    if (fresh.length === 0) {
      return;
    }
    if (known.size === 0) {
      thread.replaceChildren();
    }
    fresh.forEach((one) => {
      const bubble = element("div", "", one.direction === "inbound" ? "phone-message phone-message-own" : "phone-message");
      bubble.dataset.sid = one.sid;
      bubble.append(linked(one.body), time(one.created_at));
      thread.append(bubble);
    });
    thread.scrollTop = thread.scrollHeight;
  };

  const showCalls = (calls) => {
    const over = calls.filter((one) => one.is_over);
    if (over.length === 0) {
      return;
    }
    at("calls").replaceChildren(
      ...over.map((one) => {
        const row = element("div", "", "list-group-item d-flex justify-content-between gap-2 flex-wrap");
        const length = one.duration ? `, ${one.duration} s` : "";
        row.append(element("span", `${STATES[one.status]}${length}`), time(one.created_at));
        row.dataset.sid = one.sid;
        row.dataset.status = one.status;
        return row;
      }),
    );
  };

  const show = (state) => {
    // The newest call that lives; else the last one, so that its words stay readable.
    call = state.calls.find(isLive) || state.calls[0] || null;
    showCall();
    showMessages(state.messages);
    showCalls(state.calls);
  };

  const trouble = (text) => setText(at("phone-trouble"), text);

  const look = async () => {
    let pause = document.hidden ? HIDDEN_PAUSE : IDLE_PAUSE;
    asked += 1;
    const own = asked;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      const response = await fetch(phone.dataset.stateUrl, { headers, cache: "no-store" });
      if (response.status === 403) {
        window.location.reload();
        return;
      }
      if (response.ok) {
        const state = await response.json();
        // An answer that a later one has overtaken is old news.
        if (own > shownOf) {
          shownOf = own;
          etag = response.headers.get("ETag") || "";
          show(state);
        }
        trouble("");
      } else if (response.status !== 304) {
        trouble((await response.json()).message);
        pause = TROUBLE_PAUSE;
      }
    } catch {
      trouble("The server does not answer.");
      pause = TROUBLE_PAUSE;
    }
    // Also in the background, once a call comes in.
    if (call && !call.is_over) {
      pause = Math.min(pause, CALL_PAUSE);
    }
    window.clearTimeout(timer);
    timer = window.setTimeout(look, pause);
  };

  const send = async (url, fields) => {
    const body = new URLSearchParams(fields);
    try {
      const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token }, body });
      const answer = await response.json();
      trouble(response.ok ? "" : answer.message);
      if (answer.is_heard) {
        sounds.hush();
      }
    } catch {
      trouble("The server does not answer.");
    }
    window.clearTimeout(timer);
    await look();
  };

  const act = (action, fields = {}) =>
    send(phone.dataset.actUrl.replace("ACTION", action), { ...fields, sid: call ? call.sid : "" });

  const press = (key) => {
    if (call && call.status === "in-progress") {
      sounds.key(key);
      act("keys", { digits: key });
    }
  };

  const showSound = () => {
    const isOn = sounds.isOn();
    const button = at("phone-sound");
    button.setAttribute("aria-pressed", String(isOn));
    button.textContent = isOn ? "Sound is on: turn it off" : "Sound is off: turn it on";
  };

  phone.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.disabled) {
      return;
    }
    if (button.dataset.key) {
      press(button.dataset.key);
    } else if (button.dataset.act) {
      act(button.dataset.act);
    }
  });

  const writing = at("write");
  if (writing) {
    writing.addEventListener("submit", (event) => {
      event.preventDefault();
      send(writing.action, { body: writing.elements.body.value });
      writing.reset();
    });
  }

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea") || event.ctrlKey || event.altKey || event.metaKey;
    if (!isTyping && !event.repeat && /^[0-9*#]$/.test(event.key)) {
      press(event.key);
    }
  });

  at("phone-sound").addEventListener("click", async () => {
    isSoundWanted = !sounds.isOn();
    await (isSoundWanted ? sounds.unlock() : sounds.silence());
    showSound();
  });

  // The first thing that a person does on the page lets it sound, unless sound was turned off.
  const unlock = async (event) => {
    if (isSoundWanted && !sounds.isOn() && !event.target.closest("#phone-sound")) {
      await sounds.unlock();
      showSound();
    }
  };
  document.addEventListener("pointerdown", unlock);
  document.addEventListener("keydown", unlock);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      window.clearTimeout(timer);
      look();
    }
  });
  window.addEventListener("pagehide", () => sounds.hush());
  look();
})();
