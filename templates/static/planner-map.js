// What the planner's page draws on the map: squares out of reach, and stations that might be.
// Texts were written by people; they are only ever set as text.
(function () {
  "use strict";

  const DEGREE_M = 111320;
  const PANE = "lmap-squares";
  const STATES = { o: "open", c: "closed", u: "unknown", "?": "unknown", "-": "open" };

  function colours(map) {
    const style = getComputedStyle(map.getContainer());
    const read = (name) => style.getPropertyValue("--" + name).trim();
    return { gap: read("gap"), gain: read("gain"), loss: read("loss") };
  }

  // ---------------------------------------------------------------- squares

  function squareLayer(map, inputs) {
    const pane = map.createPane(PANE);
    pane.style.zIndex = 370;
    pane.style.pointerEvents = "none";
    const renderer = L.canvas({ pane: PANE, padding: 0.3 });
    const scale = Math.pow(10, inputs.digits);
    const high = inputs.cell_m / 2 / DEGREE_M;
    const squares = [];
    for (let i = 0; i < inputs.squares.length; i += 2) {
      const lon = inputs.squares[i] / scale;
      const lat = inputs.squares[i + 1] / scale;
      const wide = high / Math.cos(lat * Math.PI / 180);
      squares.push({
        look: "",
        layer: L.rectangle([[lat - high, lon - wide], [lat + high, lon + wide]], {
          renderer: renderer, pane: PANE, interactive: false, stroke: false, fill: false, weight: 1,
        }).addTo(map),
      });
    }
    const digit = (text, i) => text.charCodeAt(i) - 48;

    function paint(square, look, style) {
      if (square.look === look) { return; }
      square.look = look;
      square.layer.setStyle(style);
    }

    function fill(colour, opacity, edge) {
      return {
        fill: opacity > 0, fillColor: colour, fillOpacity: opacity, stroke: !!edge, color: colour, opacity: 1,
      };
    }

    // view: now, then or change.
    return function show(now, then, view) {
      const tint = colours(map);
      const text = view === "now" || !then ? now : then;
      squares.forEach((square, i) => {
        const shade = digit(text, i);
        const more = view === "change" && then ? digit(now, i) - shade : 0;
        if (more > 0) {
          paint(square, "gain" + more + tint.gain, fill(tint.gain, 0.25 + 0.06 * more, false));
        } else if (more < 0) {
          paint(square, "loss" + more + tint.loss, fill(tint.loss, 0.25 - 0.06 * more, true));
        } else {
          const faint = view === "change" && then ? 0.3 : 1;
          const opacity = shade ? faint * (0.2 + 0.06 * shade) : 0;
          paint(square, "gap" + shade + faint + tint.gap, fill(tint.gap, opacity, false));
        }
      });
    };
  }

  // ---------------------------------------------------------------- the register's stations

  function stationStates(map, inputs) {
    const rows = new Map(inputs.stations.map((row, place) => [row[0], place]));
    const data = map.lmapData;
    const group = map.lmapStations;
    // shut(id) is "closed", "moved" or nothing.
    return function show(states, shut) {
      if (!group || data.cluster) { return; } // a cluster draws its own
      group.lmapMarkers.forEach((marker, place) => {
        const node = marker.getElement();
        if (!node) { return; }
        const id = data.stations[place][4];
        const letter = states.charAt(rows.get(id));
        const picture = node.querySelector("svg");
        ["open", "closed", "unknown"].forEach((name) => {
          picture.classList.toggle("is-" + name, STATES[letter] === name);
        });
        node.classList.toggle("is-uncounted", letter === "-" || !!shut(id));
        node.classList.toggle("is-shut", shut(id) === "closed");
      });
    };
  }

  // The card of a station gets buttons; acts is a list of [label, function].
  function cardButtons(map, actsOf) {
    map.on("popupopen", (event) => {
      const source = event.popup._source;
      if (!source || source.lmapPlace === undefined) { return; }
      const card = event.popup.getElement().querySelector(".lmap-card");
      if (!card || card.querySelector(".planner-acts")) { return; }
      const box = card.insertBefore(document.createElement("p"), card.querySelector(".lmap-facts"));
      box.className = "planner-acts";
      actsOf(map.lmapData.stations[source.lmapPlace][4]).forEach((act) => {
        const button = box.appendChild(document.createElement("button"));
        button.type = "button";
        button.textContent = act[0];
        button.addEventListener("click", () => { map.closePopup(); act[1](); });
      });
      // Not popup.update(): it would make the card anew, without the buttons.
    });
  }

  // ---------------------------------------------------------------- stations that might be

  function ghost(map, glyph, dragged) {
    const face = document.createElement("span");
    face.textContent = glyph;
    const marker = L.marker([0, 0], {
      icon: L.divIcon({ className: "planner-ghost", iconSize: null, html: face }),
      draggable: true, autoPan: true, zIndexOffset: 6000,
    });
    marker.on("dragstart", () => dragged("start"));
    marker.on("drag", () => dragged("drag", marker.getLatLng().wrap()));
    marker.on("dragend", () => dragged("end", marker.getLatLng().wrap()));
    return marker;
  }

  // wanted: [{id, glyph, title, lon, lat}]; dragged(id, phase, place) and opened(id) are told.
  function ghostLayer(map, dragged, opened) {
    const markers = new Map();
    return function show(wanted) {
      const ids = new Set(wanted.map((one) => one.id));
      markers.forEach((marker, id) => {
        if (!ids.has(id)) { marker.remove(); markers.delete(id); }
      });
      wanted.forEach((one) => {
        if (!markers.has(one.id)) {
          const marker = ghost(map, one.glyph, (phase, place) => dragged(one.id, phase, place));
          marker.on("click", () => opened(one.id));
          marker.setLatLng([one.lat, one.lon]).addTo(map);
          markers.set(one.id, marker);
        }
        const marker = markers.get(one.id);
        const at = marker.getLatLng();
        if (Math.abs(at.lat - one.lat) > 1e-6 || Math.abs(at.lng - one.lon) > 1e-6) {
          marker.setLatLng([one.lat, one.lon]);
        }
        const node = marker.getElement();
        node.title = one.title;
        node.setAttribute("aria-label", one.title);
      });
    };
  }

  // While it is on, a click on the map is a place and nothing below it opens.
  function placing(map, placed, turned) {
    const box = map.getContainer();
    let isOn = false;
    function turn(on) {
      isOn = on;
      box.classList.toggle("is-placing", on);
      if (on) { map.closePopup(); }
      turned(on);
    }
    map.on("click", (event) => {
      if (!isOn) { return; }
      turn(false);
      placed(event.latlng.wrap());
    });
    document.addEventListener("keydown", (event) => {
      if (isOn && event.key === "Escape") { turn(false); }
    });
    return { turn: turn, isOn: () => isOn };
  }

  function find() {
    const box = document.querySelector("#map .lmap-canvas");
    return box && box.lmapMap;
  }

  window.locatorPlannerMap = { find, squareLayer, stationStates, cardButtons, ghostLayer, placing };
})();
