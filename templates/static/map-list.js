/* The browser's half of locator/maps: a map in the rider's own page that follows its list.
 *
 * The page and the map talk by messages, in the same origin only:
 *   page to map  {type: "locator:show", rider: {lon, lat, accuracy_m} | null, chosen: id | null,
 *                 listed: [id, ...], route: {key, line: [[lon, lat], ...]} | null}
 *   map to page  {type: "locator:ready"}            messages are heard from now on
 *                {type: "locator:choose", id}       a station was tapped
 *                {type: "locator:point", lon, lat}  the ground between the stations was tapped
 * The rider's position stays in the two windows: nothing here sends or keeps it.
 *
 * Texts in the data were written by people. They are only ever set as textContent or as an
 * attribute's value, never as HTML. Colours come from the style sheet's custom properties.
 */
(function (maps) {
  "use strict";

  var FIRST = 3; // stations of the list that the first view holds
  var MOST = 99; // stations with a number: two digits fit
  var WAIT_MS = 3000; // for a page that says nothing
  var EDGE_PX = 16; // nearer to the edge than this is out of sight
  // How markers lie above one another; the common ones lie below 1000, an opened one at 10000.
  var RIDER_Z = 3000;
  var LISTED_Z = 4000;
  var CHOSEN_Z = 9000;

  var make = maps.make;

  /** The window of our own page around the map; null alone, in a file or in another's page. */
  function host() {
    try {
      var isOwn = window.parent !== window &&
        window.parent.location.origin === window.location.origin;
      return isOwn ? window.parent : null;
    } catch (error) { // a page of another origin may not even be asked
      return null;
    }
  }

  // ---------------------------------------------------------------- what the page says

  function isDegrees(value, most) {
    return typeof value === "number" && Math.abs(value) <= most; // NaN is not
  }

  function readRider(said) {
    if (!said || !isDegrees(said.lon, 180) || !isDegrees(said.lat, 90)) { return null; }
    var isExact = !(said.accuracy_m > 0 && said.accuracy_m < 1e6);
    return { at: L.latLng(said.lat, said.lon), radius: isExact ? 0 : said.accuracy_m };
  }

  /** The way to a station; all of it or none, so that no line leads astray. */
  function readRoute(said) {
    var line = said && Array.isArray(said.line) ? said.line : [];
    var isLine = line.length > 1 && line.every(function (point) {
      return Array.isArray(point) && isDegrees(point[0], 180) && isDegrees(point[1], 90);
    });
    return isLine ? { key: said.key, points: line.map(function (point) {
      return L.latLng(point[1], point[0]);
    }) } : null;
  }

  /** What a message says to show: ids become places in the data; strangers are left out. */
  function readShow(places, said) {
    var ranks = new Map();
    var listed = Array.isArray(said.listed) ? said.listed.slice(0, MOST) : [];
    listed.forEach(function (id, i) {
      var place = places.get(id);
      if (place !== undefined && !ranks.has(place)) { ranks.set(place, i + 1); }
    });
    var chosen = places.get(said.chosen);
    return {
      rider: readRider(said.rider), ranks: ranks, chosen: chosen === undefined ? -1 : chosen,
      route: readRoute(said.route)
    };
  }

  // ---------------------------------------------------------------- the rider

  function riderMark(map, data) {
    var picture = maps.riderSymbol();
    var dot = L.marker([0, 0], {
      icon: L.divIcon({ className: "lmap-rider", iconSize: null, html: picture }),
      interactive: false, keyboard: false, zIndexOffset: RIDER_Z
    });
    dot.on("add", function () {
      dot.getElement().setAttribute("role", "img");
      dot.getElement().setAttribute("aria-label", data.labels.rider);
    });
    var circle = L.circle([0, 0], {
      className: "lmap-accuracy", interactive: false, weight: 1.5, radius: 1
    });
    return function (rider) {
      map.getContainer().classList.toggle("has-rider", !!rider);
      if (rider) { dot.setLatLng(rider.at).addTo(map); } else { dot.remove(); }
      if (rider && rider.radius) {
        circle.setLatLng(rider.at).setRadius(rider.radius).addTo(map);
      } else {
        circle.remove();
      }
    };
  }

  // ---------------------------------------------------------------- the way

  function routeMark(map, data) {
    var line = [];
    map.createPane("lmap-route").style.zIndex = 395; // above areas and names, below the markers
    return function (route) {
      line.forEach(function (part) { part.remove(); });
      map.getContainer().classList.toggle("has-route", !!route);
      if (!route) { line = []; return; }
      line = ["lmap-route-edge", "lmap-route"].map(function (name) {
        return L.polyline(route.points, {
          pane: "lmap-route", className: name, interactive: false, smoothFactor: 0.5
        }).addTo(map);
      });
      line[1].getElement().setAttribute("role", "img");
      line[1].getElement().setAttribute("aria-label", data.labels.route);
    };
  }

  // ---------------------------------------------------------------- the list's stations

  /** A marker over a station that carries its number, or its symbol if it has none. */
  function addBadge(map, data, place) {
    var row = data.stations[place];
    var face = make("span");
    var marker = L.marker(L.latLng(row[1], row[0]), {
      icon: L.divIcon({ className: "lmap-badge", iconSize: null, popupAnchor: [0, -14], html: face })
    });
    marker.lmapPlace = place;
    maps.bindCard(map, marker, function () { return maps.stationPopup(data, row); });
    marker.addTo(map);
    return { marker: marker, face: face };
  }

  /** The element stays the same, so that focus and an open popup outlive a change. */
  function updateBadge(data, badge, place, rank, isChosen) {
    var row = data.stations[place];
    var marker = badge.marker;
    var state = row[3] < 0 ? "open" : data.states[row[3]][0];
    var height = isChosen ? CHOSEN_Z : LISTED_Z + MOST - (rank || MOST);
    badge.face.className = "is-" + state + (isChosen ? " is-chosen" : "");
    badge.face.textContent = rank ? String(rank) : "";
    if (!rank) { badge.face.appendChild(maps.symbol(data, row[2], row[3])); }
    var node = marker.getElement();
    node.title = (rank ? rank + " · " : "") + maps.stationTitle(data, row);
    if (isChosen) {
      node.setAttribute("aria-current", "true");
    } else {
      node.removeAttribute("aria-current");
    }
    // While its popup is open a marker lies above all others; this is where it falls back to.
    if (marker.isPopupOpen()) { marker.lmapOffset = height; } else { marker.setZIndexOffset(height); }
  }

  /** The station's own marker is not seen or reached below its badge. */
  function cover(marker, isCovered) {
    marker.lmapCovered = isCovered;
    if (marker.getElement()) { marker.getElement().classList.toggle("is-covered", isCovered); }
  }

  function badgeLayer(map, data, stations) {
    var badges = new Map();
    stations.lmapMarkers.forEach(function (marker) {
      // A cluster makes its markers anew each time it opens.
      marker.on("add", function () { cover(marker, !!marker.lmapCovered); });
    });
    map.on("popupclose", function (event) {
      var badge = badges.get(event.popup._source && event.popup._source.lmapPlace);
      // Focus returns to what opened the popup; if that is covered by now, to what covers it.
      if (badge && document.activeElement === document.body) {
        badge.marker.getElement().focus({ preventScroll: true });
      }
    });
    return function (shown) {
      var wanted = new Map(shown.ranks);
      if (shown.chosen >= 0 && !wanted.has(shown.chosen)) { wanted.set(shown.chosen, 0); }
      badges.forEach(function (badge, place) {
        if (wanted.has(place)) { return; }
        badge.marker.remove();
        badges.delete(place);
        cover(stations.lmapMarkers[place], false);
      });
      wanted.forEach(function (rank, place) {
        if (!badges.has(place)) {
          badges.set(place, addBadge(map, data, place));
          cover(stations.lmapMarkers[place], true);
        }
        updateBadge(data, badges.get(place), place, rank, place === shown.chosen);
      });
      map.getContainer().classList.toggle("is-listing", wanted.size > 0);
    };
  }

  // ---------------------------------------------------------------- the view

  function pointOf(data, place) {
    return L.latLng(data.stations[place][1], data.stations[place][0]);
  }

  /** What the first look is about: the rider, and the chosen station or the first few. */
  function pointsOf(data, shown) {
    var places = shown.chosen >= 0 ? [shown.chosen] : Array.from(shown.ranks.keys()).slice(0, FIRST);
    var points = places.map(function (place) { return pointOf(data, place); });
    return shown.rider ? points.concat([shown.rider.at]) : points;
  }

  function isSeen(map, point) {
    var at = map.latLngToContainerPoint(point);
    var size = map.getSize();
    return at.x >= EDGE_PX && at.y >= EDGE_PX &&
      at.x <= size.x - EDGE_PX && at.y <= size.y - EDGE_PX;
  }

  /** The place in the data of the station whose card is open; -1 is none. */
  function openedPlace(map) {
    var source = map._popup && map._popup.isOpen() && map._popup._source;
    return source && source.lmapPlace !== undefined ? source.lmapPlace : -1;
  }

  /** Move only where there is something to look for: the chosen station, or all there is. */
  function needsMove(map, data, shown) {
    if (shown.chosen >= 0) {
      // Opening its card has made room for it already.
      return openedPlace(map) !== shown.chosen && !isSeen(map, pointOf(data, shown.chosen));
    }
    var points = pointsOf(data, shown);
    return points.length > 0 && !points.some(function (point) { return isSeen(map, point); });
  }

  // ---------------------------------------------------------------- together

  /** Draw the marks of a list on a finished map; returns what shows a message on it. */
  function listen(map, data, stations, tell) {
    var showRider = riderMark(map, data);
    var showRoute = routeMark(map, data);
    var showBadges = stations ? badgeLayer(map, data, stations) : function () {};
    map.on("popupopen", function (event) {
      var place = event.popup._source && event.popup._source.lmapPlace;
      if (place !== undefined) { tell({ type: "locator:choose", id: data.stations[place][4] }); }
    });
    // A tap beside an open card closes it before the click is heard; it means no place.
    var hasClosed = false;
    map.on("popupclose", function () {
      hasClosed = true;
      window.setTimeout(function () { hasClosed = false; });
    });
    map.on("click", function (event) {
      if (hasClosed) { return; }
      var at = event.latlng.wrap();
      tell({ type: "locator:point", lon: at.lng, lat: at.lat });
    });
    return function (shown) {
      // The page turned to another station: the card of the one before would hide it.
      if (shown.chosen >= 0 && openedPlace(map) !== shown.chosen) { map.closePopup(); }
      showRider(shown.rider);
      showRoute(shown.route);
      showBadges(shown);
    };
  }

  /** Which place in the data an id has. A Map, because ids are people's: "__proto__" is one too. */
  function placesOf(data) {
    return new Map(data.stations.map(function (row, place) { return [row[4], place]; }));
  }

  /** Wait for the page's first message, look where it says and draw; then follow the others.
   *
   * The map has no view until then, so that no tile is asked for in vain.
   */
  function follow(map, data, drawStations) {
    var page = host();
    var places = placesOf(data);
    var show = null;
    var isFirst = true;
    var lastWay = null; // a way that was looked at is not looked for again
    function tell(message) { if (page) { page.postMessage(message, window.location.origin); } }
    function begin() {
      if (show) { return; }
      if (!map._loaded) { maps.fitView(map, map.lmapView, false); }
      show = listen(map, data, drawStations(), tell);
    }
    function look(shown) {
      var isNewWay = shown.route && shown.route.key !== lastWay;
      var points = isNewWay ? shown.route.points : pointsOf(data, shown);
      lastWay = shown.route ? shown.route.key : null;
      if (points.length && (isFirst || isNewWay || needsMove(map, data, shown))) {
        map.lmapView = L.latLngBounds(points);
        maps.fitView(map, map.lmapView, !isFirst);
        isFirst = false;
      }
    }
    if (!page) { begin(); return; }
    window.addEventListener("message", function (event) {
      if (event.source !== page || event.origin !== window.location.origin) { return; }
      if (!event.data || event.data.type !== "locator:show") { return; }
      var shown = readShow(places, event.data);
      look(shown);
      begin();
      show(shown);
    });
    window.setTimeout(begin, WAIT_MS);
    tell({ type: "locator:ready" });
  }

  maps.host = host;
  maps.follow = follow;
})(window.locatorMap = window.locatorMap || {});
