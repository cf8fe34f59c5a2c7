// The rider's page. The register travels to the phone once; the position never leaves it.
(function () {
  "use strict";

  const phone = window.locatorPhone;
  const words = window.locatorWords;
  const ranking = window.locatorRank;
  const cardOf = window.locatorCards.cardOf;
  const refill = window.locatorCards.refill;
  const PAGE = 10;
  const FAR_M = 50000;
  const COARSE_M = 1000;
  const OLD_MS = 75 * 60000; // the server makes the register anew each hour
  const TICK_MS = 60000;
  const STALE_MS = 15 * 60000;
  const FILTERS = "locator.filters";
  const LAST = "locator.last";

  const at = (id) => document.getElementById(id);
  const form = at("search");
  const now = { register: null, index: null, cells: null, online: false, origin: null, toward: null,
    shown: PAGE, found: [], orUnknown: false, map: null, tapping: false, turn: 0, asked: 0 };

  const map = window.locatorRiderMap.create(now, { say, choose, headline, draw, choices, question });

  function say(text) { at("status").textContent = text; }

  // ---- the question -------------------------------------------------------------------------

  function choices() {
    const ticked = (name) => Array.from(form.querySelectorAll("input[name=" + name + "]:checked"));
    const value = (name) => form.querySelector("select[name=" + name + "]").value;
    return {
      services: ticked("service").map((box) => box.value),
      night: ticked("night").length > 0,
      open: at("open-yes").checked,
      platform: value("platform"),
      kind: value("kind"),
      weather: value("weather"),
      app: value("app"),
    };
  }

  function restore() {
    const kept = phone.recall(FILTERS);
    if (!kept) { return; }
    form.querySelectorAll("input[name=service]").forEach((box) => {
      box.checked = (kept.services || []).indexOf(box.value) >= 0;
    });
    form.querySelector("input[name=night]").checked = Boolean(kept.night);
    at("open-yes").checked = kept.open !== false;
    ["platform", "kind", "weather", "app"].forEach((name) => {
      const list = form.querySelector("select[name=" + name + "]");
      list.value = kept[name] || "";
      if (list.selectedIndex < 0) { list.selectedIndex = 0; }
    });
  }

  function question(chosen, rule) {
    return {
      lon: now.origin.lon, lat: now.origin.lat, at: Date.now(), k: now.shown,
      services: chosen.services, kinds: chosen.kind ? [chosen.kind] : [],
      platform: chosen.platform || null, rule: rule, allNight: chosen.night,
      weather: chosen.weather || now.register.weather, toward: now.toward,
      orUnknown: now.orUnknown,
    };
  }

  // ---- the answer ---------------------------------------------------------------------------

  function remark(text) {
    at("remark").textContent = text;
    at("remark").hidden = !text;
  }

  function answer() {
    if (!now.register || !now.origin) { return; }
    const chosen = choices();
    let relaxed = false;
    let found = ranking.rank(now.index, question(chosen, chosen.open ? "yes" : "any"));
    if (!found.length && chosen.open) {
      found = ranking.rank(now.index, question(chosen, "known"));
      relaxed = found.length > 0;
    }
    const nowhere = now.cells && !now.register.stations.length;
    const nearest_m = nowhere ? now.cells.nearest(now.origin.lon, now.origin.lat)
      : Math.min(...found.map((one) => one.distance_m));
    const far = nearest_m < Infinity && nearest_m > FAR_M;
    now.found = far ? [] : found;
    at("answer").hidden = false;
    at("locate").hidden = true;
    at("update").hidden = false;
    at("elsewhere").hidden = false;
    document.body.classList.add("answered");
    if (far) {
      remark(words.fill("far", { km: Math.round(nearest_m / 1000) }));
    } else if (!found.length) {
      remark(words.said.none);
    } else {
      remark(relaxed ? words.fill("relaxed", { minutes: now.register.min_minutes_left }) : "");
    }
    window.locatorCards.leftOut(far ? 0 : ranking.leftOut(now.index, question(chosen)));
    doubt(far);
    draw(chosen);
    at("show-more").hidden = far || found.length < now.shown;
    headline();
    map.tell(null);
  }

  // A position that cannot be the rider's, or is a district wide: the place box is the way out.
  function doubt(far) {
    const origin = now.origin;
    if (origin.kind === "place" || origin.told) { return; }
    origin.told = true; // once: what the page renews by itself takes nobody's focus
    const coarse = origin.accuracy > COARSE_M;
    if (!far && !coarse) {
      if (document.activeElement !== at("place")) { openPlaces(false); }
      return;
    }
    openPlaces(true);
    at("place").focus({ preventScroll: true });
  }

  function draw(chosen) {
    const focused = document.activeElement && document.activeElement.closest(".card");
    const kept = focused ? focused.dataset.id : null;
    const slack_s = words.slack(now.register, now.origin.accuracy);
    now.found.forEach((one) => { one.slack_s = slack_s; });
    refill(at("cards"), now.found.map((one) => cardOf(now.register, one, chosen)));
    const again = kept && Array.from(at("cards").children).find((card) => card.dataset.id === kept);
    if (again) { again.querySelector(".whole").focus({ preventScroll: true }); }
    at("by-road").hidden = !now.register.roads || !now.found.length;
  }

  // What is listed, by the roads: minutes, states on arrival and order are those of the way.
  function byRoad() {
    const asked = now.found;
    say(words.said.asking_roads);
    phone.rideTimes(now.origin, asked.map((one) => one.id)).then((answer) => {
      if (now.found !== asked) { return; } // the rider has asked for something else meanwhile
      const reached = asked.filter((one) => typeof answer.ride_s[one.id] === "number");
      now.found = reached.map((one) => {
        const ride_s = answer.ride_s[one.id];
        const there = ranking.state(now.index, one.row, Date.now() + ride_s * 1000);
        return Object.assign({}, one, there, { ride_s: ride_s, added_s: null });
      }).sort((a, b) => a.ride_s - b.ride_s);
      draw(choices());
      say(words.said.by_roads);
    }, () => say(words.said.no_roads));
  }

  function headline() {
    const origin = now.origin;
    const title = origin.name ? words.fill("near", { place: origin.name }) : words.said.here;
    at("title").textContent = now.toward ? words.fill("on_the_way", { place: now.toward.name }) : title;
    if (origin.kind === "last") {
      say(words.fill("last", { age: words.age(Date.now() - origin.when) }));
    } else if (origin.kind === "gps") {
      say(origin.accuracy > COARSE_M
        ? words.fill("coarse", { km: (origin.accuracy / 1000).toFixed(0) })
        : words.fill("accuracy", { metres: Math.round(origin.accuracy) }));
    } else {
      say("");
    }
  }

  // ---- where the rider is ---------------------------------------------------------------------

  // Each new place is a turn of its own: what arrives late for an earlier one is dropped.
  function stand(origin, shown) {
    const turn = now.turn += 1;
    now.origin = origin;
    now.shown = shown || PAGE;
    if (origin.kind === "gps") {
      phone.remember(LAST, { lon: origin.lon, lat: origin.lat, accuracy: origin.accuracy, when: Date.now() });
    }
    if (!now.register) { return refresh(); }
    if (!now.cells) { answer(); return Promise.resolve(); }
    return now.cells.around(origin.lon, origin.lat).then((register) => {
      if (turn !== now.turn) { return; }
      now.register = register;
      now.index = ranking.load(register);
      answer();
    }, () => { if (turn === now.turn) { nothing(); } });
  }

  function nothing() {
    refill(at("cards"), []);
    remark("");
    say(words.said.no_data);
  }

  function locate(mayBeKept) {
    const turn = now.turn;
    say(words.said.locating);
    return phone.position(mayBeKept).then(
      (found) => (turn === now.turn ? stand(Object.assign({ kind: "gps" }, found)) : undefined),
      (error) => {
        if (turn !== now.turn) { return; }
        const also = now.origin ? " " + words.said.last_also : "";
        say(words.said[error.message] + also);
        openPlaces(true);
        if (!now.origin) { at("place").focus({ preventScroll: true }); }
      }
    );
  }

  function openPlaces(open) {
    document.body.classList.toggle("elsewhere", open);
    at("elsewhere").setAttribute("aria-expanded", String(open));
  }

  function choose(hit, forWay) {
    if (hit.id) { location.href = "/stations/" + encodeURIComponent(hit.id); return; }
    if (forWay) {
      now.toward = hit;
      answer();
      return;
    }
    at("suggestions").hidden = true;
    openPlaces(false);
    stand({ kind: "place", name: hit.name, lon: hit.lon, lat: hit.lat });
    window.scrollTo(0, 0);
  }

  function suggest() {
    const list = at("suggestions");
    const hits = now.register ? phone.search(now.register, at("place").value, 6) : [];
    refill(list, hits.map((hit) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const note = document.createElement("span");
      button.type = "button";
      button.className = "suggestion";
      button.textContent = hit.name;
      note.className = "quiet";
      note.textContent = " " + (hit.id ? words.said.station : words.said.place);
      button.append(note);
      button.addEventListener("click", () => choose(hit, false));
      item.append(button);
      return item;
    }));
    list.hidden = !hits.length;
  }

  function submit(event) {
    if (!now.register) { return; } // without the register the server answers for a named place
    event.preventDefault();
    if (document.activeElement === at("toward")) { way(); return; }
    const text = at("place").value;
    const hits = phone.search(now.register, text, 1);
    if (hits.length) { choose(hits[0], false); } else { say(words.fill("no_place", { text: text })); }
  }

  function way() {
    const text = at("toward").value;
    if (!text.trim()) { now.toward = null; answer(); return; }
    const hits = now.register ? phone.search(now.register, text, 6).filter((hit) => !hit.id) : [];
    if (hits.length) { choose(hits[0], true); return; }
    now.toward = null;
    answer();
    say(words.fill("no_place", { text: text }));
  }

  // ---- the register ------------------------------------------------------------------------------

  function dataAge() {
    const register = now.register;
    const age = Date.now() - register.made_at * 1000;
    const told = [words.fill(now.online && age < OLD_MS ? "data_of" : "data_old", { age: words.age(age) })];
    if (Date.now() / 60000 >= register.days[register.days.length - 1]) { told.push(words.said.hours_ended); }
    at("data-age").textContent = told.join(" ");
    at("data-age").classList.toggle("hint", told.length > 1 || !now.online || age >= OLD_MS);
  }

  function refresh() {
    now.asked = Date.now();
    return phone.load().then((loaded) => {
      now.register = loaded.register;
      now.online = loaded.online;
      now.cells = loaded.register.cells ? new phone.Cells(loaded.register) : null;
      if (!now.cells) { now.index = ranking.load(loaded.register); }
      dataAge();
      if (document.activeElement === at("place")) { suggest(); } // typed before there was anything to search
      return now.origin ? stand(now.origin, now.shown) : undefined;
    }, () => { if (!now.register) { nothing(); } });
  }

  // A page that stays open for days asks anew, and says how old its data are.
  function tick() {
    if (document.hidden) { return; }
    if (Date.now() - now.asked > STALE_MS || !now.register) { refresh(); return; }
    dataAge();
    answer();
  }

  function wire() {
    at("locate").addEventListener("submit", (event) => { event.preventDefault(); locate(false); });
    at("update").addEventListener("click", () => locate(false));
    at("elsewhere").addEventListener("click", () => {
      const open = !document.body.classList.contains("elsewhere");
      openPlaces(open);
      if (open) { at("place").focus(); }
    });
    at("place").addEventListener("input", suggest);
    form.addEventListener("submit", submit);
    form.addEventListener("change", (event) => {
      if (event.target === at("toward")) { way(); return; }
      if (event.target === at("place")) { return; }
      now.orUnknown = false;
      phone.remember(FILTERS, choices());
      answer();
    });
    at("by-road").addEventListener("click", byRoad);
    at("list-unknown").addEventListener("click", (event) => {
      event.preventDefault(); // without a script the server lists them
      now.orUnknown = true;
      answer();
    });
    at("show-more").addEventListener("click", () => { now.shown += PAGE; answer(); });
    at("map-toggle").addEventListener("click", map.toggle);
    at("tap-map").addEventListener("click", map.tap);
    at("cards").addEventListener("click", (event) => {
      const button = event.target.closest(".way");
      if (button) { map.showWay(button); }
    });
    at("cards").addEventListener("focusin", (event) => {
      const card = event.target.closest(".card");
      if (card) { map.mark(card.dataset.id); }
    });
    window.addEventListener("message", map.hear);
    document.addEventListener("visibilitychange", tick);
    window.addEventListener("online", refresh);
    setInterval(tick, TICK_MS);
  }

  // A list that the server made for a named place is taken over; what its address asks for counts,
  // not what the phone kept.
  function start() {
    const served = at("answer").dataset;
    if (!location.search || location.search.indexOf("?lang=") === 0) { restore(); }
    now.orUnknown = /[?&]unknown=1(&|$)/.test(location.search);
    wire();
    const last = phone.recall(LAST);
    if (served.name) {
      now.origin = { kind: "place", name: served.name, lon: Number(served.lon), lat: Number(served.lat) };
    } else if (last) {
      now.origin = Object.assign({ kind: "last" }, last);
    }
    refresh().then(() => phone.allowed()).then((yes) => { if (yes && !served.name) { locate(true); } });
    // After the list, so that a poor network carries it first; everything works without, too.
    if ("serviceWorker" in navigator && window.isSecureContext) {
      window.addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => undefined));
    }
  }

  start();
})();
