// Lets the site open without a network: the home page with its data, and the pages visited last.
//
// What is kept, and under which key:
//   the home page, stations, notices       their path; no query is ever part of a key
//   assets and icons                       their path and ?v=, the digest of their content
//   /stations.json, the manifest           their path
// Nothing else: no question (POST, ?place=, /api/), so no position and no place is kept here.
// ?lang= is left out of the key: the server remembers it in a cookie, so the answer to /?lang=en
// is what / is from then on.
//
// A page is kept whole, headers and body: its policy names the nonce that its scripts carry, so
// a kept page runs as it did when it was new.
//
// Above this text the server writes LOCATOR_BUILD = {digest, home, optional, styles}
// (locator/web/offline.py); a new deployment changes it, and by that this file.
(function () {
  "use strict";

  const BUILD = self.LOCATOR_BUILD;
  const PREFIX = "locator-";
  const SHELL = PREFIX + BUILD.digest;
  const PAGES = SHELL + "-pages";
  const LIMIT_MS = 3000; // a rider waits no longer for a network that may not come
  const KEPT_PAGES = 50;
  const FOREVER_S = 30 * 24 * 3600; // what may be kept that long has its digest in its address
  const DATA = ["/stations.json", "/manifest.webmanifest"];
  const UNTOUCHED = ["/api/", "/healthz", "/ogc", "/sw.js"];
  // Vary names headers (Accept-Encoding, Cookie) that do not matter to what is kept here.
  const ANY = { ignoreVary: true };
  const LATE = {};

  // ---------------------------------------------------------------- what is what

  /** No query, or the language only. */
  function isPlain(url) {
    return url.search === "" || /^\?lang=[a-z]{2}$/.test(url.search);
  }

  function isAsset(url) {
    return /^\/(assets|icons)\//.test(url.pathname) && /^\?v=[0-9a-f]+$/.test(url.search);
  }

  function isKeptPage(url) {
    return isPlain(url) && /^\/($|notices$|stations\/)/.test(url.pathname);
  }

  function isWhole(answer) {
    return answer.status === 200 && answer.type === "basic" && !answer.redirected;
  }

  function isPage(answer) {
    return isWhole(answer) && /^text\/html/.test(answer.headers.get("Content-Type") || "");
  }

  /** Whether the server says that an address never changes its content. */
  function isForever(answer) {
    const age = /max-age=(\d+)/.exec(answer.headers.get("Cache-Control") || "");
    return isWhole(answer) && !!age && Number(age[1]) >= FOREVER_S;
  }

  // ---------------------------------------------------------------- keeping

  function ask(path) {
    return fetch(path, { credentials: "same-origin" }); // Chrome before 72 sends no cookies else
  }

  /** Let go of an answer that no one reads: it would hold its connection, and others wait for it. */
  function drop(answer) {
    if (answer && answer.body) { answer.body.cancel().catch(() => undefined); }
  }

  async function keep(name, key, answer, most) {
    const cache = await caches.open(name);
    await cache.delete(key, ANY); // so that the newest stands last
    await cache.put(key, answer);
    const keys = most ? await cache.keys() : [];
    await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((old) => cache.delete(old)));
  }

  function keepPage(path, answer) {
    return path === "/" ? keep(SHELL, path, answer) : keep(PAGES, path, answer, KEPT_PAGES);
  }

  async function findPage(path) {
    const cache = await caches.open(path === "/" ? SHELL : PAGES);
    return cache.match(path, ANY);
  }

  /** The home page has to be there, or the worker before this one stays with what it has. */
  async function fillShell() {
    const home = await ask(BUILD.home);
    if (!isPage(home)) {
      drop(home);
      throw new Error("The home page cannot be kept: " + home.status);
    }
    await keep(SHELL, BUILD.home, home);
    await Promise.all(BUILD.optional.map(async (path) => {
      try {
        const answer = await ask(path);
        if (DATA.includes(path) ? isWhole(answer) : isForever(answer)) {
          await keep(SHELL, path, answer);
        } else {
          drop(answer);
        }
      } catch (error) {
        // It is missing now and comes when a page asks for it.
      }
    }));
  }

  async function dropOthers() {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(PREFIX) && name !== SHELL && name !== PAGES);
    await Promise.all(old.map((name) => caches.delete(name)));
  }

  // ---------------------------------------------------------------- answering

  /** The network's answer; what is kept, if there is none in time or the server is in trouble. */
  async function networkFirst(network, find) {
    const late = new Promise((resolve) => { setTimeout(resolve, LIMIT_MS, LATE); });
    const answer = await Promise.race([network, late]).catch(() => null);
    if (answer && answer !== LATE && answer.status < 500) { return answer; }
    const kept = await find();
    if (!kept) { return answer === LATE ? network : answer || Response.error(); }
    network.then(drop, () => undefined);
    return kept;
  }

  /** Answer from the network first, and keep the answer, also when it comes too late for now. */
  function answerAndKeep(event, isGood, store, find) {
    const network = fetch(event.request);
    event.waitUntil(
      network
        .then((answer) => (isGood(answer) ? store(answer.clone()) : undefined))
        .catch(() => undefined) // no network, or no room: the page goes on without
    );
    return networkFirst(network, find);
  }

  function answerPage(event, url) {
    const isGood = (answer) => isKeptPage(url) && isPage(answer);
    // A question to the home page (/?place=) finds the kept home page, which lists around the phone.
    return answerAndKeep(
      event, isGood, (answer) => keepPage(url.pathname, answer), () => findPage(url.pathname)
    ).then((answer) => (answer.type === "error" ? offlinePage() : answer), offlinePage);
  }

  function answerData(event, url) {
    return answerAndKeep(
      event, isWhole, (answer) => keep(SHELL, url.pathname, answer),
      async () => (await caches.open(SHELL)).match(url.pathname, ANY)
    );
  }

  async function answerAsset(event, url) {
    const key = url.pathname + url.search;
    const cache = await caches.open(SHELL);
    const kept = await cache.match(key, ANY);
    if (kept) { return kept; }
    try {
      const answer = await fetch(event.request);
      if (isForever(answer)) {
        event.waitUntil(keep(SHELL, key, answer.clone()).catch(() => undefined));
      }
      return answer;
    } catch (error) {
      // A page kept before the last deployment: the file as it is now is better than none.
      const newer = await cache.match(url.pathname, { ignoreSearch: true, ignoreVary: true });
      return newer || Response.error();
    }
  }

  /** What stands where a page was never visited. Fixed text: nothing of the address is shown. */
  function offlinePage() {
    const styles = BUILD.styles.map((url) => `<link rel="stylesheet" href="${url}">`).join("");
    const text =
      '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">' +
      '<meta name="viewport" content="width=device-width, initial-scale=1">' +
      `<title>没有网络 · Offline</title>${styles}</head><body><main>` +
      "<h1>没有网络</h1><p>手机现在连不上网，这一页没有存在手机里。</p>" +
      '<p><a href="/" target="_top">打开首页</a>，看手机里存着的驿站；或者联网后<a href="">再试一次</a>。</p>' +
      '<div lang="en"><h1>You are offline</h1>' +
      "<p>The phone has no network now, and this page is not kept on it.</p>" +
      '<p><a href="/" target="_top">Open the home page</a> with the stations kept on this phone, ' +
      'or <a href="">try again</a> when you are online.</p></div></main></body></html>';
    return new Response(text, {
      status: 503,
      headers: {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy":
          "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store"
      }
    });
  }

  // ---------------------------------------------------------------- events

  self.addEventListener("install", (event) => {
    // Taking over at once is safe here, and a rider should not see last month's pages until every
    // tab is closed: pages name their assets by digest and get everything else from the network
    // while there is one, so a page that is open already works the same under the new worker.
    event.waitUntil(fillShell().then(() => self.skipWaiting()));
  });

  self.addEventListener("activate", (event) => {
    // The page that registered the worker is claimed too, so that the first visit counts as one.
    event.waitUntil(dropOthers().then(() => self.clients.claim()));
  });

  self.addEventListener("fetch", (event) => {
    const request = event.request;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== self.location.origin) { return; }
    if (UNTOUCHED.some((start) => url.pathname.startsWith(start))) { return; }
    // Of what others frame, only the map beside our own list is kept: it has the same path.
    if (url.pathname.startsWith("/embed") && url.searchParams.get("for") !== "list") { return; }
    if (isAsset(url)) {
      event.respondWith(answerAsset(event, url));
    } else if (DATA.includes(url.pathname) && isPlain(url)) {
      event.respondWith(answerData(event, url));
    } else if (request.mode === "navigate") {
      event.respondWith(answerPage(event, url));
    }
  });
})();
