/* The browser's half of locator/maps: the search for a station.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 */
(function (maps) {
  "use strict";

  var make = maps.make;
  var symbol = maps.symbol;
  var quieten = maps.quieten;

  var LISTED = 8; // stations a search lists

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

  maps.addSearch = addSearch;
})(window.locatorMap = window.locatorMap || {});
