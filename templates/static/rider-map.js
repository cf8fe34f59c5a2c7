// The map in the rider's page: opened when asked for, told what the list shows, and heard.
(function () {
  "use strict";

  const phone = window.locatorPhone;
  const words = window.locatorWords;
  const ranking = window.locatorRank;
  const at = (id) => document.getElementById(id);

  // now: what the page knows; page: its say, choose, headline, draw, choices, question.
  function create(now, page) {
    function tellMap(chosen) {
      if (!now.map || !now.map.contentWindow) { return; }
      const origin = now.origin;
      now.map.contentWindow.postMessage({
        type: "locator:show",
        rider: origin ? { lon: origin.lon, lat: origin.lat, accuracy_m: origin.accuracy || 0 } : null,
        chosen: chosen,
        listed: now.found.map((one) => one.id),
        route: window.locatorRoute ? window.locatorRoute.from(origin) : null,
      }, location.origin);
    }

    function showWay(button) {
      const one = now.found.find((own) => own.id === button.closest(".card").dataset.id);
      if (!one) { return; }
      const [id, name, , lon, lat] = now.register.stations[one.row];
      const there = { id, name, lon, lat, found: one };
      (window.locatorRoute ? Promise.resolve() : phone.script(at("way").dataset.script)).then(() => {
        if (!now.map) { toggleMap(); }
        window.locatorRoute.ask(now.origin, there, () => mark(id));
      }, () => page.say(words.said.way_offline));
    }

    function hear(event) {
      if (event.origin !== location.origin || !now.map || event.source !== now.map.contentWindow) { return; }
      if (event.data.type === "locator:ready") { tellMap(window.locatorRoute ? window.locatorRoute.chosen() : null); }
      if (event.data.type === "locator:choose") { tapped(event.data.id); }
      if (event.data.type === "locator:point" && now.tapping) {
        now.tapping = false;
        page.choose({ name: words.said.tapped, lon: event.data.lon, lat: event.data.lat }, true);
      }
    }

    // A station may be where the rider goes next, too.
    function tapped(id) {
      const own = now.tapping && now.register.stations.find((one) => one[0] === id);
      if (!own) { alsoList(id); mark(id); return; }
      now.tapping = false;
      page.choose({ name: own[1], lon: own[3], lat: own[4] }, true);
    }

    // What the list leaves out comes to its end when it is tapped: its card shows the way.
    function alsoList(id) {
      if (!now.origin || !now.index || now.found.some((one) => one.id === id)) { return; }
      const every = Object.assign(page.question({ services: [] }, "any"), { k: now.register.stations.length });
      const one = ranking.rank(now.index, every).find((own) => own.id === id);
      if (!one) { return; }
      now.found = now.found.concat(one);
      page.draw(page.choices());
    }

    function mark(id) {
      Array.from(at("cards").children).forEach((card) => {
        card.classList.toggle("chosen", card.dataset.id === id);
      });
      tellMap(id);
    }

    // The next tap on the map says where the rider goes.
    function tapMap() {
      now.tapping = true;
      if (!now.map) { toggleMap(); }
      page.say(words.said.tap_map);
      at("map-section").scrollIntoView({ block: "nearest" });
    }

    function toggleMap() {
      const open = !now.map;
      at("map-toggle").setAttribute("aria-expanded", String(open));
      at("map-toggle").textContent = words.said[open ? "map_hide" : "map_show"];
      if (!open) {
        now.map.remove();
        now.map = null;
        if (now.tapping) { now.tapping = false; page.headline(); }
        return;
      }
      now.map = document.createElement("iframe");
      now.map.title = words.said.map_show;
      now.map.className = "map-inset";
      now.map.src = "/embed/map?for=list";
      at("map-place").append(now.map);
    }

    return { tell: tellMap, showWay: showWay, hear: hear, mark: mark, tap: tapMap, toggle: toggleMap };
  }

  window.locatorRiderMap = { create: create };
})();
