// Why this browser can't get notifications, in one sentence for each cause, as window.pushObstacles.
"use strict";
(() => {
  const FIRST_IOS = [16, 4];
  const SAYS = {
    https: "Notifications need https. Open this page by an address that begins with https://.",
    oldIos: "Notifications need iOS 16.4 or later. Update this device, then add PFS Notice to its Home Screen.",
    homeScreen:
      "On an iPhone or iPad: tap Share, then “Add to Home Screen”. Open PFS Notice from there, sign in and press this button again.",
    privateWindow: "Private windows get no notifications. Open this page in an ordinary window.",
    noWorker: "This browser runs no service workers, which show notifications. Use a current Firefox, Chrome, Edge or Safari.",
    noPush: "This browser can't get notifications from web pages. Use a current Firefox, Chrome, Edge or Safari.",
    denied:
      "The browser does not allow notifications from this page. Allow them in its settings for this page, or leave the private window if this is one, and try again.",
    closed: "You closed the browser’s question. Press the button again and choose Allow.",
    worker: "The browser could not start the service worker of this page. Allow this site to store data, reload and try again.",
  };
  const agent = navigator.userAgent;
  // An iPad says that it is a Mac, but no Mac has a touch screen.
  const isApple = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
  const isInstalled = navigator.standalone === true || window.matchMedia("(display-mode: standalone)").matches;
  const version = (/ OS (\d+)_(\d+)/.exec(agent) || /Version\/(\d+)\.(\d+)/.exec(agent) || []).slice(1).map(Number);
  const isOld = version.length === 2 && (version[0] < FIRST_IOS[0] || (version[0] === FIRST_IOS[0] && version[1] < FIRST_IOS[1]));

  // What has to be done before the button can work; "" where nothing is known to be in the way.
  const find = () => {
    if (!window.isSecureContext) {
      return SAYS.https;
    }
    if (isApple && !isInstalled) {
      return isOld ? SAYS.oldIos : SAYS.homeScreen;
    }
    if (!("serviceWorker" in navigator)) {
      return /Firefox\//.test(agent) ? SAYS.privateWindow : SAYS.noWorker;
    }
    if (!("PushManager" in window && "Notification" in window)) {
      return isApple ? SAYS.oldIos : SAYS.noPush;
    }
    return Notification.permission === "denied" ? SAYS.denied : "";
  };

  // Where the page has to be installed first, the person is told without pressing anything.
  const hint = document.querySelector("[data-push-hint]");
  if (hint && isApple && !isInstalled) {
    hint.textContent = find();
    hint.classList.remove("d-none");
  }
  window.pushObstacles = { SAYS, find, isInstalled };
})();
