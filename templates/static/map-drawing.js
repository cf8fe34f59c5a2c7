/* The browser's half of locator/maps: symbols, cards and layers.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 * Rows, as locator/maps/payload.py writes them:
 *   station  [lon, lat, kind, state, id, name, note, [term, text, term, text, ...]]
 *   place    [lon, lat, name]
 */
(function (maps) {
  "use strict";

  var SVG = "http://www.w3.org/2000/svg";
  var SHAPES = {
    o: ["circle", { cx: 12, cy: 12, r: 8 }],
    s: ["rect", { x: 4.5, y: 4.5, width: 15, height: 15 }],
    "^": ["path", { d: "M12 3 L21.5 20 L2.5 20 Z" }],
    D: ["path", { d: "M12 2 L22 12 L12 22 L2 12 Z" }]
  };

  // ---------------------------------------------------------------- small tools

  function make(tag, className, text) {
    var node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text !== undefined) { node.textContent = text; }
    return node;
  }

  function draw(tag, attributes, parent) {
    var node = document.createElementNS(SVG, tag);
    Object.keys(attributes).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    if (parent) { parent.appendChild(node); }
    return node;
  }

  function coordinates(row) { return L.latLng(row[1], row[0]); }

  /** A kind's shape: filled when open or not said, hollow when closed, with "?" when unknown. */
  function symbol(data, kind, state) {
    var shape = SHAPES[kind < 0 ? "o" : data.kinds[kind][2]] || SHAPES.o;
    var picture = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
    picture.classList.add("lmap-symbol");
    var code = state < 0 ? "open" : data.states[state][0];
    picture.classList.add("is-" + code);
    if (kind >= 0) {
      picture.style.setProperty("--mark", "var(--kind-" + data.kinds[kind][0] + ")");
    }
    draw(shape[0], shape[1], picture).setAttribute("class", "lmap-halo");
    draw(shape[0], shape[1], picture).setAttribute("class", "lmap-shape");
    if (code === "unknown") {
      draw("text", { x: 12, y: 17, "text-anchor": "middle" }, picture).textContent = "?";
    }
    return picture;
  }

  /** The rider: a person on a dark disc, so unlike any station. */
  function riderSymbol() {
    var picture = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
    picture.setAttribute("class", "lmap-person");
    draw("circle", { cx: 12, cy: 12, r: 11, "class": "lmap-person-disc" }, picture);
    draw("circle", { cx: 12, cy: 8.7, r: 3.1, "class": "lmap-person-shape" }, picture);
    draw("path", { d: "M5.8 18a6.2 5.2 0 0 1 12.4 0z", "class": "lmap-person-shape" }, picture);
    return picture;
  }

  // ---------------------------------------------------------------- popups

  function addFacts(data, parent, facts) {
    var list = make("dl", "lmap-facts");
    for (var i = 0; i < facts.length; i += 2) {
      var term = data.terms[facts[i]];
      var text = data.texts[facts[i + 1]];
      var line = make("div", "lmap-fact is-" + term[0]);
      line.appendChild(make("dt", "", term[1]));
      var value = line.appendChild(make("dd"));
      var digits = term[0] === "phone" ? text.replace(/[^0-9+]/g, "") : "";
      if (digits.length > 2) {
        value.appendChild(make("a", "", text)).href = "tel:" + digits;
      } else {
        value.textContent = text;
      }
      list.appendChild(line);
    }
    parent.appendChild(list);
  }

  function stationPopup(data, row) {
    var card = make("div", "lmap-card");
    card.appendChild(make("h3", "", row[5] || data.labels.unnamed));
    var kind = card.appendChild(make("p", "lmap-kind"));
    kind.appendChild(symbol(data, row[2], -1));
    kind.appendChild(make("span", "", kindLabel(data, row)));
    if (row[3] >= 0) {
      var state = card.appendChild(make("p", "lmap-state is-" + data.states[row[3]][0]));
      state.appendChild(make("strong", "", data.states[row[3]][1]));
      if (row[6]) { state.appendChild(make("span", "", " · " + row[6])); }
    } else if (row[6]) {
      card.appendChild(make("p", "lmap-state", row[6]));
    }
    addFacts(data, card, row[7]);
    if (data.stationUrl !== null) {
      var link = card.appendChild(make("a", "lmap-details", data.labels.details));
      link.href = data.stationUrl + encodeURIComponent(row[4]);
      // Station pages refuse to be framed: out of another's frame they open in a page of their
      // own, out of ours in place of the list, so that Back leads to it.
      if (maps.host && maps.host()) {
        link.target = "_parent";
      } else if (window.top !== window) {
        link.target = "_blank";
        link.rel = "noopener";
      }
    }
    return card;
  }

  function areaPopup(data, feature) {
    var card = make("div", "lmap-card");
    card.appendChild(make("h3", "", feature.properties.name));
    if (feature.properties.kind) {
      card.appendChild(make("p", "lmap-kind", feature.properties.kind));
    }
    addFacts(data, card, feature.properties.facts);
    return card;
  }

  function kindLabel(data, row) {
    return row[2] < 0 ? data.labels.kind_unknown : data.kinds[row[2]][1];
  }

  function stationTitle(data, row) {
    var state = row[3] < 0 ? "" : " · " + data.states[row[3]][1];
    return (row[5] || data.labels.unnamed) + " · " + kindLabel(data, row) + state;
  }

  function bindCard(map, layer, build) {
    var height = map.getSize().y;
    layer.bindPopup(build, {
      minWidth: Math.max(200, Math.min(300, map.getSize().x - 60)),
      maxWidth: Math.max(200, Math.min(340, map.getSize().x - 60)),
      maxHeight: Math.max(140, Math.round(Math.min(height * 0.65, height - 160))),
      autoPanPaddingTopLeft: [12, 64],
      autoPanPaddingBottomRight: [12, 36],
      className: "lmap-popup"
    });
  }

  // ---------------------------------------------------------------- layers

  function addPanes(map) {
    var panes = { reach: 330, districts: 340, zones: 360, gaps: 380, labels: 390 };
    Object.keys(panes).forEach(function (name) {
      map.createPane("lmap-" + name).style.zIndex = panes[name];
    });
    map.getPane("lmap-labels").style.pointerEvents = "none";
  }

  function stationIcons(data) {
    // One icon a kind and state, shared by all markers: each marker draws its own symbol from it.
    var cache = {};
    var Icon = L.DivIcon.extend({
      createIcon: function (old) {
        var node = L.DivIcon.prototype.createIcon.call(this, old);
        node.appendChild(symbol(data, this.options.kind, this.options.state));
        return node;
      }
    });
    return function (kind, state) {
      var key = kind + "/" + state;
      if (!cache[key]) {
        cache[key] = new Icon({
          className: "lmap-mark", html: false, iconSize: null, popupAnchor: [0, -10],
          kind: kind, state: state
        });
      }
      return cache[key];
    };
  }

  function stationLayer(map, data) {
    var icon = stationIcons(data);
    var markers = data.stations.map(function (row, place) {
      var marker = L.marker(coordinates(row), {
        icon: icon(row[2], row[3]),
        zIndexOffset: row[2] > 0 ? 1000 : 0, // the rarer kinds lie above the common one
        title: stationTitle(data, row)
      });
      marker.lmapPlace = place;
      bindCard(map, marker, function () { return stationPopup(data, row); });
      return marker;
    });
    var group = data.cluster ? clusterGroup(data) : L.featureGroup();
    if (data.cluster) { group.addLayers(markers); } else { markers.forEach(group.addLayer, group); }
    group.lmapMarkers = markers;
    return group;
  }

  function clusterGroup(data) {
    return L.markerClusterGroup({
      animate: false,
      maxClusterRadius: 60,
      showCoverageOnHover: false,
      disableClusteringAtZoom: 17,
      spiderfyOnMaxZoom: false,
      iconCreateFunction: function (cluster) {
        var count = cluster.getChildCount();
        cluster.options.title = data.labels.here.replace("{n}", count);
        return L.divIcon({
          className: "lmap-cluster", iconSize: null, html: make("span", "", String(count))
        });
      }
    });
  }

  /** Of more stations than can be drawn, how many there are in each part of the map. */
  function countLayer(map, data) {
    var group = L.featureGroup();
    data.counts.forEach(function (part) {
      var words = data.labels.counted.replace("{n}", part[2].toLocaleString("en"));
      var marker = L.marker(coordinates(part), {
        icon: L.divIcon({
          className: "lmap-cluster", iconSize: null, popupAnchor: [0, -12],
          html: make("span", "", short(part[2]))
        }),
        title: words,
        alt: words,
        zIndexOffset: part[2]
      });
      if (data.stationUrl === null) { // a file: there is nobody to ask for the part
        marker.on("click", function () {
          maps.fitView(map, [[part[4], part[3]], [part[6], part[5]]], true);
        });
      } else {
        bindCard(map, marker, function () { return partPopup(data, words, part.slice(3)); });
      }
      group.addLayer(marker);
    });
    return group;
  }

  function short(number) {
    return number < 1000 ? String(number) : (number / 1000).toPrecision(2).replace(".0", "") + "k";
  }

  function partPopup(data, words, box) {
    var card = make("div", "lmap-card");
    card.appendChild(make("h3", "", words));
    var asked = new URLSearchParams(window.location.search);
    asked.set("bbox", box.join(","));
    card.appendChild(make("a", "lmap-details", data.labels.look_here)).href = "?" + asked;
    return card;
  }

  function makeFocusable(layer, label) {
    layer.on("add", function () {
      var node = layer.getElement();
      if (!node) { return; }
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", label);
    });
  }

  function zoneLayer(map, data) {
    return L.geoJSON(data.zones, {
      pane: "lmap-zones",
      style: function (feature) {
        return {
          className: "lmap-zone", weight: 1, fillOpacity: 0.12 + 0.5 * feature.properties.weight
        };
      },
      onEachFeature: function (feature, layer) {
        bindCard(map, layer, function () { return areaPopup(data, feature); });
        makeFocusable(layer, feature.properties.name);
      }
    });
  }

  function reachLayer(data) {
    return L.geoJSON(data.reach, {
      pane: "lmap-reach",
      interactive: false,
      style: function (feature) {
        return { className: "lmap-reach is-band-" + feature.properties.band, weight: 1.5 };
      }
    });
  }

  function hatch(id, parent) {
    var picture = draw("svg", { width: 0, height: 0, "aria-hidden": "true" }, parent);
    picture.setAttribute("class", "lmap-defs");
    var pattern = draw("pattern", {
      id: id, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"
    }, draw("defs", {}, picture));
    draw("rect", { width: 8, height: 8, "class": "lmap-hatch-ground" }, pattern);
    draw("rect", { width: 2, height: 8, "class": "lmap-hatch-line" }, pattern);
  }

  function gapLayer(map, data) {
    var id = map.getContainer().id + "-hatch";
    hatch(id, map.getContainer());
    var group = L.featureGroup();
    group.lmapBadges = L.layerGroup();
    L.geoJSON(data.gaps, {
      pane: "lmap-gaps",
      style: { className: "lmap-gap", weight: 2, fillColor: "url(#" + id + ")", fillOpacity: 1 },
      onEachFeature: function (feature, layer) {
        var build = function () { return areaPopup(data, feature); };
        bindCard(map, layer, build);
        makeFocusable(layer, feature.properties.name);
        if (feature.properties.rank !== null) {
          bindCard(map, addBadge(group.lmapBadges, feature.properties), build);
        }
      }
    }).addTo(group);
    return group.addLayer(group.lmapBadges);
  }

  /** A gap's rank, for eye and finger; the keyboard reaches the gap itself. */
  function addBadge(group, gap, isSite) {
    var badge = L.marker(coordinates(gap.at), {
      icon: L.divIcon({
        className: isSite ? "lmap-rank is-site" : "lmap-rank", iconSize: null, popupAnchor: [0, -12],
        html: make("span", "", String(gap.rank))
      }),
      title: gap.name,
      alt: gap.name,
      keyboard: !!isSite,
      zIndexOffset: isSite ? 6000 : 5000
    });
    group.addLayer(badge);
    return badge;
  }

  /** Chosen sites by rank; a site has no area of its own, so the keyboard reaches its number. */
  function siteLayer(map, data) {
    var group = L.layerGroup();
    data.sites.forEach(function (site) {
      var badge = addBadge(group, site, true);
      bindCard(map, badge, function () { return areaPopup(data, { properties: site }); });
    });
    return group;
  }

  function districtLayer(data) {
    return L.geoJSON(data.districts.lines, {
      pane: "lmap-districts",
      interactive: false,
      style: { className: "lmap-district", weight: 1.2, fill: false }
    });
  }

  function labelLayer(rows, className) {
    var group = L.layerGroup();
    rows.forEach(function (row) {
      group.addLayer(L.marker(coordinates(row), {
        pane: "lmap-labels",
        interactive: false,
        keyboard: false,
        icon: L.divIcon({
          className: "lmap-label " + className, iconSize: null, html: make("span", "", row[2])
        })
      }));
    });
    return group;
  }

  /** Width of a text in pixels, near enough: Chinese letters are about twice as wide as Latin. */
  function textWidth(text, letterPx) {
    return Array.from(text).reduce(function (sum, letter) {
      return sum + (letter > "\u2e80" ? letterPx : letterPx * 0.6);
    }, 0);
  }

  /** Show a label only where it does not touch one that came before it. */
  function thinLabels(map, groups, letterPx, heightPx) {
    function thin() {
      var taken = [];
      groups.forEach(function (group) {
        if (!map.hasLayer(group)) { return; }
        group.eachLayer(function (label) {
          var node = label.getElement();
          var half = textWidth(node.textContent, letterPx) / 2 + 7;
          var at = map.latLngToLayerPoint(label.getLatLng());
          var box = [at.x - half, at.y - heightPx / 2, at.x + half, at.y + heightPx / 2];
          var isFree = taken.every(function (other) {
            return box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3];
          });
          node.hidden = !isFree;
          if (isFree) { taken.push(box); }
        });
      });
    }
    map.on("zoomend lmap:layers", thin);
  }

  maps.make = make;
  maps.symbol = symbol;
  maps.riderSymbol = riderSymbol;
  maps.stationPopup = stationPopup;
  maps.stationTitle = stationTitle;
  maps.bindCard = bindCard;
  maps.addPanes = addPanes;
  maps.stationLayer = stationLayer;
  maps.countLayer = countLayer;
  maps.zoneLayer = zoneLayer;
  maps.reachLayer = reachLayer;
  maps.gapLayer = gapLayer;
  maps.siteLayer = siteLayer;
  maps.districtLayer = districtLayer;
  maps.labelLayer = labelLayer;
  maps.thinLabels = thinLabels;
})(window.locatorMap = window.locatorMap || {});
