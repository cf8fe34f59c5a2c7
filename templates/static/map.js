/* The browser's half of locator/maps: the view, and everything put together.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 */
(function (maps) {
  "use strict";

  var CLOSE_UP = 15; // zoom at which a station found by name is shown
  var FAR = 11.5; // below this zoom symbols are small
  var WIDE_PX = 720; // from here on the legend starts open
  var LEGEND_PX = 300; // what it takes of the map's width then

  var make = maps.make;

  function isReduced() {
    return !!window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** Look at a box.
   *
   * Tiles are sharp at whole zooms only, so with them a little may be cut off: of a city, but not
   * of a list.
   */
  function fitView(map, view, isAnimated) {
    if (!view) {
      map.setView([0, 0], 2, { animate: false });
      return;
    }
    var bounds = L.latLngBounds(view);
    var isWhole = map.options.lmapFollows;
    var right = map.getSize().x >= WIDE_PX && !isWhole ? LEGEND_PX : 24;
    var step = map.options.zoomSnap;
    map.options.zoomSnap = 0;
    var zoom = map.getBoundsZoom(bounds, false, L.point(24 + right, 64 + 32));
    map.options.zoomSnap = step;
    zoom = Math.floor((zoom + (step === 1 && !isWhole ? 0.35 : 0)) / step) * step;
    zoom = Math.max(0, Math.min(CLOSE_UP, zoom));
    var middle = map.project(bounds.getCenter(), zoom).add([(right - 24) / 2, (32 - 64) / 2]);
    map.setView(map.unproject(middle, zoom), zoom, { animate: isAnimated && !isReduced() });
  }

  /** A map in a folded or hidden part of a page has no size until it is shown. */
  function watchSize(map) {
    var node = map.getContainer();
    // Not map.getSize(): it would be remembered, and a map without a view yet does not ask again.
    var hasSize = function () { return node.clientWidth > 0 && node.clientHeight > 0; };
    var isFitted = hasSize();
    function check() {
      map.invalidateSize({ animate: false });
      node.style.setProperty("--map-height", node.clientHeight + "px");
      if (!isFitted && hasSize()) {
        isFitted = true;
        if (map._loaded) { fitView(map, map.lmapView, false); }
      }
    }
    if (window.ResizeObserver) {
      new ResizeObserver(check).observe(node);
    } else { // Chrome before 64
      window.addEventListener("resize", check);
      check();
    }
  }

  /** Say so when no tile arrives, and show our own place names instead. */
  function watchTiles(map, data, tiles, switches) {
    var hasTile = false;
    var isTold = false;
    tiles.forEach(function (layer) {
      layer.on("tileload", function () { hasTile = true; });
      layer.on("tileerror", function () {
        if (hasTile || isTold) { return; }
        isTold = true;
        map.getContainer().classList.add("is-plain");
        if (switches.places) {
          switches.places.show();
          addNote(map, data.labels.no_tiles);
        }
      });
    });
  }

  /** Symbols shrink where a whole city is in view; what a finger can hit does not. */
  function watchZoom(map) {
    function apply() { map.getContainer().classList.toggle("is-far", map.getZoom() < FAR); }
    map.on("zoomend", apply);
    apply();
  }

  function addNote(map, text) {
    var note = make("p", "lmap-note", text);
    note.setAttribute("role", "status");
    map.getContainer().appendChild(note);
  }

  function buildLayers(map, data) {
    var entries = [];
    var labels = [];
    var isFull = !data.forList; // beside a list the map starts quiet
    var hasLines = isFull || data.showPlaces; // without tiles the districts are the base map
    if (data.stations.length) {
      entries.push({
        name: "stations", layers: [maps.stationLayer(map, data)], show: true, isKeyed: true
      });
    }
    if (data.counts.length) {
      entries.push({
        name: "cluster", layers: [maps.countLayer(map, data)], show: true, swatch: "cluster"
      });
    }
    if (data.sites) {
      entries.push({
        name: "sites", layers: [maps.siteLayer(map, data)], show: true, swatch: "site"
      });
    }
    if (data.gaps) {
      var gaps = maps.gapLayer(map, data);
      maps.thinLabels(map, [gaps.lmapBadges], 13, 24);
      entries.push({ name: "gaps", layers: [gaps], show: isFull, swatch: "gap" });
    }
    if (data.zones) {
      var zones = maps.zoneLayer(map, data);
      entries.push({ name: "hot_zones", layers: [zones], show: isFull, swatch: "zone" });
    }
    if (data.reach) {
      entries.push({ name: "reach", layers: [maps.reachLayer(data)], show: true, bands: data.reach });
    }
    if (data.districts) {
      labels.push(maps.labelLayer(data.districts.labels, "is-district"));
      var lines = maps.districtLayer(data);
      entries.push({
        name: "districts", layers: [lines, labels[0]], show: hasLines, swatch: "district"
      });
    }
    if (data.places.length) {
      labels.push(maps.labelLayer(data.places, "is-place"));
      entries.push({
        name: "places", layers: [labels[labels.length - 1]], show: data.showPlaces, swatch: "place"
      });
    }
    maps.thinLabels(map, labels, 13, 22);
    return entries;
  }

  /** Make a map that looks at [[south, west], [north, east]] before any tile is asked for. */
  function create(id, view, hasTiles, follows) {
    var still = isReduced();
    var map = L.map(id, {
      maxZoom: 19,
      zoomSnap: hasTiles ? 1 : 0.25,
      zoomControl: false,
      lmapFollows: follows,
      fadeAnimation: false,
      zoomAnimation: !still,
      markerZoomAnimation: !still,
      inertia: !still
    });
    map.attributionControl.setPrefix(false);
    map.lmapView = view;
    map.getContainer().lmapMap = map; // for a page that draws on it, too
    if (!follows) { fitView(map, view, false); } // else the page around it says where to look
    watchSize(map);
    return map;
  }

  function addControls(map, data) {
    L.control.scale({ imperial: false, maxWidth: 120 }).addTo(map);
    L.control.zoom({
      position: "bottomright", zoomInTitle: data.labels.zoom_in, zoomOutTitle: data.labels.zoom_out
    }).addTo(map);
    var bar = make("div", "lmap-bar");
    return map.getContainer().insertBefore(bar, map.getContainer().firstChild);
  }

  /** Show a station that was found by name, whatever hides it: distance, a switch, a cluster. */
  function showStation(map, data, stations, place) {
    var marker = stations.lmapMarkers[place];
    map.setView(marker.getLatLng(), Math.max(map.getZoom(), CLOSE_UP), { animate: false });
    if (data.cluster) {
      stations.zoomToShowLayer(marker, function () { marker.openPopup(); });
    } else {
      marker.openPopup();
    }
  }

  /** Draw everything; returns the layer of the stations, if there are any. */
  function drawMap(map, tiles, data) {
    maps.addPanes(map);
    map.getContainer().classList.toggle("is-plain", tiles.length === 0);
    var bar = addControls(map, data);
    var entries = buildLayers(map, data);
    var switches = {};
    if (data.stations.length && !data.forList) {
      maps.addSearch(map, data, bar, function (place) {
        switches.stations.show();
        showStation(map, data, entries[0].layers[0], place);
      });
    }
    if (entries.length) {
      var isOpen = map.getSize().x >= WIDE_PX && !data.forList;
      switches = maps.addLegend(map, data, bar, entries, isOpen);
    } else {
      addNote(map, data.labels.empty);
    }
    watchPopups(map, data);
    watchKeys(map);
    watchZoom(map);
    watchTiles(map, data, tiles, switches);
    return data.stations.length ? entries[0].layers[0] : null;
  }

  function start(map, tiles, data) {
    if (data.forList) {
      maps.follow(map, data, function () { return drawMap(map, tiles, data); });
    } else {
      map.lmapStations = drawMap(map, tiles, data);
      map.lmapData = data;
    }
  }

  function select(source, isSelected) {
    var node = source && source.getElement && source.getElement();
    if (!node) { return; }
    node.classList.toggle("is-selected", isSelected);
    if (source.setZIndexOffset) {
      if (isSelected) { source.lmapOffset = source.options.zIndexOffset; }
      source.setZIndexOffset(isSelected ? 10000 : source.lmapOffset || 0);
    }
  }

  /** Focus goes into a popup with its opening, and back when it closes. */
  function watchPopups(map, data) {
    var opener = null;
    map.on("popupopen", function (event) {
      var node = event.popup.getElement();
      var close = node.querySelector(".leaflet-popup-close-button");
      if (close) { close.setAttribute("aria-label", data.labels.close); }
      select(event.popup._source, true);
      opener = document.activeElement;
      if (map.getContainer().contains(opener) && opener !== map.getContainer()) {
        node.tabIndex = -1;
        node.focus({ preventScroll: true });
      }
    });
    map.on("popupclose", function (event) {
      select(event.popup._source, false);
      // Focus was in the popup, which is gone; a click elsewhere has moved it already.
      if (opener && document.activeElement === document.body) {
        opener.focus({ preventScroll: true });
      }
    });
  }

  function watchKeys(map) {
    map.getContainer().addEventListener("keydown", function (event) {
      if (event.key === "Escape") { map.closePopup(); }
      if (event.key === " " && event.target.classList.contains("leaflet-marker-icon")) {
        event.preventDefault();
        event.target.click();
      }
    });
  }

  maps.create = create;
  maps.draw = start;
  maps.fitView = fitView;
})(window.locatorMap = window.locatorMap || {});
