// An embed: says how high it would like to be, and fetches its map when it is looked at.
// The page around it is told one number and asked for nothing.
(function () {
  "use strict";

  const SLOW_MS = 8000;
  const RETRIES_MS = [2000, 5000]; // a busy server, a gap in the network
  const NARROW = [320, 560]; // heights of a map alone, by its width
  const settings = JSON.parse(document.getElementById("embed").textContent);
  const at = (id) => document.getElementById(id);
  const isMap = document.body.classList.contains("fills");
  const loaded = {};
  let told = 0;
  let captionText = null;
  let titleText = null;

  // ---- how high

  function wanted() {
    if (!isMap) { return at("main").offsetHeight; }
    const width = document.documentElement.clientWidth;
    const caption = document.querySelector(".lmap-caption");
    const words = (caption ? caption.offsetHeight : 0) + document.querySelector(".foot").offsetHeight;
    return Math.min(NARROW[1], Math.max(NARROW[0], width * 0.75)) + words;
  }

  function tell() {
    const height = Math.ceil(wanted());
    if (window.parent === window || height === told) { return; }
    told = height;
    window.parent.postMessage({ type: "locator:height", height: height }, "*"); // a number, no secret
  }

  function watch() {
    if (window.ResizeObserver) { new ResizeObserver(tell).observe(at("main")); }
    window.addEventListener("resize", tell);
    window.addEventListener("load", tell);
    tell();
  }

  // ---- the map

  function add(node) {
    return new Promise((resolve, reject) => {
      node.nonce = document.querySelector("script[nonce]").nonce;
      node.onload = resolve;
      node.onerror = () => { node.remove(); reject(new Error(node.src || node.href)); };
      document.head.appendChild(node);
    });
  }

  function style(address) {
    return add(Object.assign(document.createElement("link"), { rel: "stylesheet", href: address }));
  }

  function script(address) {
    return add(Object.assign(document.createElement("script"), { src: address, async: false }));
  }

  function once(address, fetchIt) {
    if (!loaded[address]) {
      loaded[address] = fetchIt(address).catch((error) => { delete loaded[address]; throw error; });
    }
    return loaded[address];
  }

  function say(text) { at("said").textContent = text; }

  function load(tries) {
    at("again").hidden = true;
    say(settings.words.loading);
    const slow = setTimeout(() => say(settings.words.slow), SLOW_MS);
    Promise.all(settings.styles.map((address) => once(address, style))
      .concat(settings.scripts.map((address) => once(address, script))))
      .then(() => script(settings.drawing))
      .then(() => {
        clearTimeout(slow);
        at("waiting").remove();
        if (captionText !== null) { document.querySelector(".lmap-source").textContent = captionText; }
        if (titleText !== null) {
          document.querySelector(".lmap-title").textContent = titleText;
          document.querySelector(".lmap-canvas").setAttribute("aria-label", titleText);
        }
        tell();
      }, () => {
        clearTimeout(slow);
        if (tries < RETRIES_MS.length) {
          setTimeout(() => load(tries + 1), RETRIES_MS[tries]);
          return;
        }
        say(settings.words.failed);
        at("again").hidden = false;
      });
  }

  // A map far down a page costs nothing until it is scrolled to.
  function whenSeen(begin) {
    if (!window.IntersectionObserver) { begin(); return; }
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) { return; }
      observer.disconnect();
      begin();
    }, { rootMargin: "200px" });
    observer.observe(at("later"));
  }

  // The drawing says what it drew: hours and shares are of the same moment as the map.
  window.locatorEmbed = {
    caption: (text, title) => { captionText = text; titleText = title; }, tell: tell,
  };

  watch();
  if (at("later")) {
    at("again").addEventListener("click", () => load(0));
    whenSeen(() => load(0));
  }
})();
