/* The browser's half of locator/maps: the legend with its switches.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 */
(function (maps) {
  "use strict";

  var make = maps.make;
  var symbol = maps.symbol;

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
    return line;
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
    if (data.forList) {
      legendRow(list, make("i", "lmap-swatch is-ranked", "1"), data.labels.ranked);
      legendRow(list, maps.riderSymbol(), data.labels.rider).classList.add("lmap-rider-key");
      legendRow(list, make("i", "lmap-swatch is-route"), data.labels.route)
        .classList.add("lmap-route-key");
    }
    return list;
  }

  function bandKey(bands) {
    var list = make("ul", "lmap-key");
    bands.features.forEach(function (feature) {
      var swatch = make("i", "lmap-swatch is-band-" + feature.properties.band);
      legendRow(list, swatch, feature.properties.name);
    });
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
      if (entry.bands) { body.appendChild(bandKey(entry.bands)); }
    });
    bar.appendChild(panel);
    return switches;
  }

  maps.quieten = quieten;
  maps.addLegend = addLegend;
})(window.locatorMap = window.locatorMap || {});
