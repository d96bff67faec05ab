// The phone's sounds: a ring tone from Web Audio, and the browser's voice. Browsers let a page
// sound only after a person did something on it, so everything here is silent until `unlock`.
"use strict";

window.phoneSounds = (() => {
  const RING_HERTZ = [440, 480];
  const RING_SECONDS = 1;
  const PAUSE_SECONDS = 3;
  const KEY_HERTZ = {
    1: [697, 1209], 2: [697, 1336], 3: [697, 1477],
    4: [770, 1209], 5: [770, 1336], 6: [770, 1477],
    7: [852, 1209], 8: [852, 1336], 9: [852, 1477],
    "*": [941, 1209], 0: [941, 1336], "#": [941, 1477],
  };
  const speech = window.speechSynthesis;
  let context = null;
  let ringing = null;

  const isOn = () => context !== null && context.state === "running";

  const unlock = async () => {
    const AudioContext = window.AudioContext || window.webkitAudioContext;
    if (!AudioContext) {
      return false;
    }
    context = context || new AudioContext();
    if (context.state === "suspended") {
      await context.resume();
    }
    return isOn();
  };

  const silence = async () => {
    stopRinging();
    hush();
    if (context) {
      await context.suspend();
    }
  };

  const tone = (frequencies, seconds, volume) => {
    if (!isOn()) {
      return;
    }
    const now = context.currentTime;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(volume, now + 0.02);
    gain.gain.setValueAtTime(volume, now + seconds - 0.02);
    gain.gain.linearRampToValueAtTime(0, now + seconds);
    gain.connect(context.destination);
    frequencies.forEach((frequency) => {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(gain);
      oscillator.start(now);
      oscillator.stop(now + seconds);
    });
  };

  const ring = () => {
    if (ringing === null) {
      const once = () => tone(RING_HERTZ, RING_SECONDS, 0.08);
      once();
      ringing = window.setInterval(once, (RING_SECONDS + PAUSE_SECONDS) * 1000);
    }
  };

  const stopRinging = () => {
    window.clearInterval(ringing);
    ringing = null;
  };

  const voiceFor = (language) => {
    const wanted = language.toLowerCase().replace("_", "-");
    const voices = speech.getVoices();
    const known = (voice) => voice.lang.toLowerCase().replace("_", "-");
    return (
      voices.find((voice) => known(voice) === wanted) ||
      voices.find((voice) => known(voice).split("-")[0] === wanted.split("-")[0]) ||
      null
    );
  };

  const say = (text, language) => {
    if (!speech || !isOn()) {
      return;
    }
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = language;
    utterance.voice = voiceFor(language);
    speech.speak(utterance);
  };

  const hush = () => {
    if (speech) {
      speech.cancel();
    }
  };

  const key = (name) => tone(KEY_HERTZ[name], 0.15, 0.05);

  return { isOn, unlock, silence, ring, stopRinging, say, hush, key };
})();
