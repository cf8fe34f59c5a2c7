/* The browser's half of locator/maps: the legend with its switches, and the search.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 */
(function (maps) {
  "use strict";

  var make = maps.make;
  var symbol = maps.symbol;

  var LISTED = 8; // stations a search lists

  function quieten(node) {
    L.DomEvent.disableClickPropagation(node);
    L.DomEvent.disableScrollPropagation(node);
    return node;
  }

  function layerSwitch(map, label, layers, isShown, swatch) {
    var line = make("label", "lmap-layer");
    var box = line.appendChild(make("input"));
    box.type = "checkbox";
    box.checked = isShown;
    if (swatch) { line.appendChild(make("i", "lmap-swatch is-" + swatch)); }
    line.appendChild(make("span", "", label));
    function apply() {
      layers.forEach(function (layer) { map[box.checked ? "addLayer" : "removeLayer"](layer); });
      map.fire("lmap:layers");
    }
    box.addEventListener("change", apply);
    apply();
    return { node: line, show: function () { box.checked = true; apply(); } };
  }

  function legendRow(list, picture, text, count) {
    var line = list.appendChild(make("li"));
    line.appendChild(picture);
    line.appendChild(make("span", "", text));
    if (count) { line.appendChild(make("span", "lmap-count", String(count))); }
  }

  function stationKey(data) {
    var list = make("ul", "lmap-key");
    var kinds = {};
    var states = {};
    data.stations.forEach(function (row) {
      kinds[row[2]] = (kinds[row[2]] || 0) + 1;
      states[row[3]] = true;
    });
    data.kinds.forEach(function (kind, place) {
      if (kinds[place]) { legendRow(list, symbol(data, place, -1), kind[1], kinds[place]); }
    });
    if (kinds[-1]) {
      legendRow(list, symbol(data, -1, -1), data.labels.kind_unknown, kinds[-1]);
    }
    data.states.forEach(function (state, place) {
      if (states[place]) { legendRow(list, symbol(data, -1, place), state[1]); }
    });
    if (data.cluster) { legendRow(list, make("i", "lmap-swatch is-cluster"), data.labels.cluster); }
    return list;
  }

  function addLegend(map, data, bar, entries, isOpen) {
    var panel = quieten(make("details", "lmap-legend"));
    panel.open = isOpen;
    panel.appendChild(make("summary", "", data.labels.legend));
    var body = panel.appendChild(make("div", "lmap-legend-body"));
    var switches = {};
    entries.forEach(function (entry) {
      var line = layerSwitch(map, data.labels[entry.name], entry.layers, entry.show, entry.swatch);
      switches[entry.name] = line;
      body.appendChild(line.node);
      if (entry.isKeyed) { body.appendChild(stationKey(data)); }
    });
    bar.appendChild(panel);
    return switches;
  }

  function findStations(data, query) {
    var wanted = query.trim().toLowerCase();
    if (!wanted) { return []; }
    var address = data.terms.findIndex(function (term) { return term[0] === "address"; });
    var byName = [];
    var byAddress = [];
    data.stations.forEach(function (row, place) {
      if (row[5].toLowerCase().indexOf(wanted) >= 0) {
        byName.push(place);
      } else {
        for (var i = 0; i < row[7].length; i += 2) {
          var isAddress = row[7][i] === address;
          if (isAddress && data.texts[row[7][i + 1]].toLowerCase().indexOf(wanted) >= 0) {
            byAddress.push(place);
          }
        }
      }
    });
    return byName.concat(byAddress);
  }

  function searchParts(map, data) {
    var id = map.getContainer().id + "-found";
    var form = quieten(make("div", "lmap-search"));
    form.setAttribute("role", "search");
    var input = form.appendChild(make("input"));
    var list = form.appendChild(make("ul", "lmap-found"));
    var status = form.appendChild(make("p", "lmap-status"));
    var attributes = {
      type: "search", role: "combobox", autocomplete: "off", "aria-autocomplete": "list",
      "aria-expanded": "false", "aria-controls": id,
      "aria-label": data.labels.search, placeholder: data.labels.search
    };
    Object.keys(attributes).forEach(function (key) { input.setAttribute(key, attributes[key]); });
    list.id = id;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", data.labels.stations);
    list.hidden = true;
    status.setAttribute("role", "status");
    return { form: form, input: input, list: list, status: status, marked: -1 };
  }

  /** Mark one of the listed stations as the one Enter goes to; -1 marks none. */
  function mark(parts, place) {
    parts.marked = place;
    Array.from(parts.list.children).forEach(function (option, i) {
      option.setAttribute("aria-selected", String(i === place));
      if (i === place) { option.scrollIntoView({ block: "nearest" }); }
    });
    if (place >= 0) {
      parts.input.setAttribute("aria-activedescendant", parts.list.children[place].id);
    } else {
      parts.input.removeAttribute("aria-activedescendant");
    }
  }

  function fold(parts, isFolded) {
    parts.list.hidden = isFolded;
    parts.input.setAttribute("aria-expanded", String(!isFolded));
    mark(parts, -1);
  }

  function listStations(data, parts, pick) {
    var found = findStations(data, parts.input.value);
    parts.list.textContent = "";
    found.slice(0, LISTED).forEach(function (place, i) {
      var row = data.stations[place];
      var option = parts.list.appendChild(make("li"));
      option.id = parts.list.id + "-" + i;
      option.setAttribute("role", "option");
      option.appendChild(symbol(data, row[2], row[3]));
      option.appendChild(make("span", "", row[5] || data.labels.unnamed));
      option.addEventListener("click", function () { pick(place); });
      option.dataset.place = place;
    });
    var words = found.length ? data.labels.found : data.labels.none_found;
    var isAsked = parts.input.value.trim() !== "";
    parts.status.textContent = isAsked ? words.replace("{n}", found.length) : "";
    parts.status.classList.toggle("is-seen", isAsked && !found.length);
    fold(parts, !found.length);
  }

  function steer(parts, event, pick) {
    var options = parts.list.hidden ? [] : parts.list.children;
    if (event.isComposing || event.keyCode === 229) { return; }
    if (event.key === "Escape") { fold(parts, true); }
    if (!options.length) { return; }
    if (event.key === "ArrowDown") {
      mark(parts, (parts.marked + 1) % options.length);
    } else if (event.key === "ArrowUp") {
      mark(parts, parts.marked <= 0 ? options.length - 1 : parts.marked - 1);
    } else if (event.key === "Enter") {
      pick(Number(options[Math.max(parts.marked, 0)].dataset.place));
    } else {
      return;
    }
    event.preventDefault();
  }

  function addSearch(map, data, bar, goTo) {
    var parts = searchParts(map, data);
    var input = parts.input;
    function pick(place) {
      fold(parts, true);
      goTo(place);
    }
    function list() { listStations(data, parts, pick); }
    input.addEventListener("input", function (event) {
      if (!event.isComposing) { list(); } // letters of an unfinished Chinese word match nothing
    });
    input.addEventListener("compositionend", list);
    input.addEventListener("focus", function () { if (input.value) { list(); } });
    input.addEventListener("blur", function () { fold(parts, true); });
    input.addEventListener("keydown", function (event) { steer(parts, event, pick); });
    // A press on the list must not take the focus from the field and so close the list.
    parts.list.addEventListener("mousedown", function (event) { event.preventDefault(); });
    bar.appendChild(parts.form);
  }

  maps.addLegend = addLegend;
  maps.addSearch = addSearch;
})(window.locatorMap = window.locatorMap || {});
