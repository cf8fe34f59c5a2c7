// The way to a station: asked of the server where it knows the roads, told in words here, drawn by
// the map (map-list.js). Without roads nobody is asked: the cards have no button for it.
(function () {
  "use strict";

  const phone = window.locatorPhone;
  const words = window.locatorWords;
  const TINY_M = 60; // shorter stretches, and nameless ones up to the next, go with their neighbours
  const NAMELESS_M = 80;
  const MOST = 12;

  const now = {
    place: document.getElementById("way"), below: document.getElementById("way-streets"),
    origin: null, there: null, changed: null, shown: null, turn: 0, agreed: false,
  };

  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text) { node.textContent = text; }
    return node;
  }

  function button(className, text, action) {
    const node = make("button", className, text);
    node.type = "button";
    node.addEventListener("click", action);
    return node;
  }

  function far(metres) {
    return metres < 995 ? Math.max(10, Math.round(metres / 10) * 10) + " m" : (metres / 1000).toFixed(1) + " km";
  }

  function minutes(seconds) { return Math.max(1, Math.round(seconds / 60)); }

  // Streets as [words, metres]: what is too short to notice counts with what came before it.
  function stretches(streets) {
    const list = [];
    let carried = 0;
    streets.forEach(([name, kind, metres], i) => {
      const called = name || words.said.road_classes[kind.replace(/_link$/, "")] || words.said.road_other;
      const last = list[list.length - 1];
      const tiny = metres < (name ? TINY_M : NAMELESS_M);
      if (last && (tiny || last[0] === called)) {
        last[1] += metres;
      } else if (tiny && i + 1 < streets.length) {
        carried += metres;
      } else {
        list.push([called, metres + carried]);
        carried = 0;
      }
    });
    return list;
  }

  // ---- the panel above the map ------------------------------------------------------------------

  function frame() {
    const place = now.place;
    empty(now.below);
    empty(place);
    const head = make("div", "way-head");
    const title = make("h2", "", words.fill("way_to", { name: now.there.name }));
    title.tabIndex = -1;
    head.append(title, button("quiet-button", words.said.way_close, close));
    const told = make("p");
    told.setAttribute("role", "status");
    place.append(head, told);
    place.hidden = false;
    return title;
  }

  function empty(place) {
    while (place.firstChild) { place.firstChild.remove(); }
  }

  function tell(text, more) {
    const told = now.place.querySelector("p");
    while (told.nextSibling) { told.nextSibling.remove(); }
    told.textContent = text;
    if (more) { now.place.append(more); }
  }

  function hide() {
    now.turn += 1;
    now.shown = null;
    now.place.hidden = true;
    empty(now.below);
  }

  function close() {
    hide();
    now.changed();
    const cards = Array.from(document.querySelectorAll("#cards .card"));
    const card = cards.find((one) => one.dataset.id === now.there.id);
    if (card) { card.querySelector(".way").focus(); }
  }

  // From where the rider is, not from the rounded place that was sent.
  function draw(rest) {
    now.shown = { key: now.turn, line: [[now.origin.lon, now.origin.lat]].concat(rest) };
    now.changed();
  }

  // ---- asking -----------------------------------------------------------------------------------

  function answered(way) {
    const own = way.properties;
    draw(way.geometry.coordinates.slice(1));
    const list = make("ol", "streets");
    const all = stretches(own.streets);
    list.setAttribute("aria-label", words.said.way_streets);
    all.slice(0, MOST).forEach(([called, metres]) => list.append(make("li", "", called + " " + far(metres))));
    if (all.length > MOST) {
      list.append(make("li", "quiet", words.fill("way_more", { count: all.length - MOST })));
    }
    now.below.append(list); // under the map: a long list would push it out of sight
    if (own.credit) { now.below.append(make("p", "quiet", own.credit)); }
    tell(words.fill("way_roads", { minutes: minutes(own.ride_s), km: far(own.ride_m) }));
    now.place.querySelector("p").className = "way-sum";
  }

  function failed(error) {
    if (error.message === "404") { tell(words.said.way_none); return; }
    const answers = /^\d+$/.test(error.message); // a status: the server was reached
    const again = make("p");
    again.append(button("quiet-button", words.said.way_retry, () => { focusTitle(); send(); }));
    tell(words.said[answers ? "way_trouble" : "way_offline"], again);
  }

  function focusTitle() { now.place.querySelector("h2").focus({ preventScroll: true }); }

  function send() {
    const turn = now.turn += 1;
    now.agreed = true;
    tell(words.said.way_asking);
    phone.route(now.origin, now.there.id).then(
      (way) => { if (turn === now.turn) { answered(way); } },
      (error) => { if (turn === now.turn) { failed(error); } }
    );
  }

  // What the rider has agreed to once is not asked again on this page; it is said each time.
  function ask(origin, there, changed) {
    Object.assign(now, { origin, there, changed, shown: null, turn: now.turn + 1 });
    const title = frame();
    changed();
    if (now.agreed) {
      send();
    } else {
      const line = make("p");
      line.append(button("", words.said.way_send, () => { focusTitle(); send(); }));
      tell(words.said.way_ask, line);
    }
    title.focus({ preventScroll: true });
    now.place.scrollIntoView({ block: "start" });
  }

  // What the map draws; another place to start from makes it void.
  function from(origin) {
    if (origin !== now.origin && !now.place.hidden) { hide(); }
    return now.shown;
  }

  function chosen() { return now.place.hidden ? null : now.there.id; }

  window.locatorRoute = { ask, from, chosen };
})();
