// What the phone keeps: the register, the last position, the rider's choices. All of it stays here.
(function () {
  "use strict";

  const REGISTER = "locator.register";
  const PATIENCE_MS = 6000;
  const ENOUGH = 40;
  const MAX_RING = 12;
  const METRES_A_DEGREE = 111320;

  // Private windows and full phones refuse to store; nothing may depend on it.
  function recall(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch (error) { return null; }
  }

  function remember(name, value) {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch (error) { /* not kept, then */ }
  }

  // The patience lasts until the last byte: a poor network stalls in the middle.
  function ask(address, body) {
    const stopper = "AbortController" in window ? new AbortController() : null;
    const late = new Promise((resolve, reject) => setTimeout(() => {
      reject(new Error("late"));
      if (stopper) { stopper.abort(); }
    }, PATIENCE_MS));
    const signal = stopper ? stopper.signal : undefined;
    const method = body ? "POST" : "GET";
    const whole = fetch(address, { method, body, signal, credentials: "omit" })
      .then((answer) => {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.json();
      });
    return Promise.race([whole, late]);
  }

  // From the network, else as it was when the phone last had one.
  function load() {
    return ask("/stations.json").then(
      (register) => {
        if (!register.cells) { remember(REGISTER, register); }
        return { register, online: true };
      },
      () => {
        const kept = recall(REGISTER);
        if (!kept || kept.format !== 1) { throw new Error("no register"); }
        return { register: kept, online: false };
      }
    );
  }

  // A large register comes in cells of a quarter degree: the phone asks for whole cells around it,
  // so that what travels says no more than the city the rider is in.
  function Cells(register) {
    this.register = register;
    this.cells = new Map();
  }

  Cells.prototype.fetchRing = function (column, row, ring) {
    const wanted = [];
    for (let x = column - ring; x <= column + ring; x += 1) {
      for (let y = row - ring; y <= row + ring; y += 1) {
        const key = x + "_" + y;
        if (key in this.register.cells && !this.cells.has(key)) { wanted.push(key); }
      }
    }
    return Promise.all(wanted.map((key) =>
      ask("/stations/cells/" + key + ".json").then((cell) => { this.cells.set(key, cell); })
    )).then(() => this.dropOlder() && this.fetchRing(column, row, ring));
  };

  // Hours are counted from the day a cell was made: cells of another day do not go together.
  Cells.prototype.dropOlder = function () {
    const days = Array.from(this.cells.values()).map((cell) => cell.days[0]);
    const newest = Math.max(...days);
    this.cells.forEach((cell, key) => { if (cell.days[0] < newest) { this.cells.delete(key); } });
    return this.cells.size < days.length;
  };

  // The stations fetched are all there are within `reach`; more rings until that is enough. Where
  // the network fails, what was kept the last time answers.
  Cells.prototype.around = function (lon, lat) {
    const size = this.register.cell_deg;
    const column = Math.floor(lon / size);
    const row = Math.floor(lat / size);
    const shrink = Math.cos(lat * Math.PI / 180);
    const widen = (ring) => this.fetchRing(column, row, ring).then(() => {
      const edge = Math.min(lon - (column - ring) * size, (column + ring + 1) * size - lon);
      const side = Math.min(lat - (row - ring) * size, (row + ring + 1) * size - lat);
      const reach = METRES_A_DEGREE * Math.min(edge * shrink, side);
      const merged = this.merge();
      const near = merged.stations.filter((own) =>
        Math.hypot((own[3] - lon) * shrink, own[4] - lat) * METRES_A_DEGREE < reach
      );
      if (near.length < ENOUGH && ring < MAX_RING) { return widen(ring + 1); }
      if (merged.stations.length) { remember(REGISTER, merged); }
      return merged;
    });
    return widen(1).catch((error) => {
      const kept = recall(REGISTER);
      if (!kept || !kept.stations) { throw error; }
      return kept;
    });
  };

  // How far the nearest cell with stations is, about, in metres.
  Cells.prototype.nearest = function (lon, lat) {
    const size = this.register.cell_deg;
    const shrink = Math.cos(lat * Math.PI / 180);
    return Math.min(...Object.keys(this.register.cells).map((key) => {
      const [x, y] = key.split("_").map(Number);
      return Math.hypot(((x + 0.5) * size - lon) * shrink, (y + 0.5) * size - lat) * METRES_A_DEGREE;
    }));
  };

  Cells.prototype.merge = function () {
    const merged = Object.assign({}, this.register, { schedules: [], stations: [], cells: undefined });
    this.cells.forEach((cell) => {
      const before = merged.schedules.length;
      merged.days = cell.days;
      merged.dates = cell.dates;
      cell.schedules.forEach((spans) => merged.schedules.push(spans));
      cell.stations.forEach((own) => {
        const row = own.slice();
        row[6] += before;
        merged.stations.push(row);
      });
    });
    merged.stations.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    return merged;
  };

  // A rider who presses the button has moved: a kept position may only serve unasked.
  function position(mayBeKept) {
    return new Promise((resolve, reject) => {
      if (!("geolocation" in navigator) || window.isSecureContext === false) {
        reject(new Error("insecure"));
        return;
      }
      const failures = { 1: "denied", 2: "unavailable", 3: "timeout" };
      navigator.geolocation.getCurrentPosition(
        (found) => resolve({
          lon: found.coords.longitude, lat: found.coords.latitude, accuracy: found.coords.accuracy,
        }),
        (error) => reject(new Error(failures[error.code] || "unavailable")),
        { enableHighAccuracy: true, timeout: 10000, maximumAge: mayBeKept ? 30000 : 0 }
      );
    });
  }

  // The only thing that ever sends where the rider is: when asked to, rounded to about 100 m, in
  // the body of a request, so that no address and no log holds it.
  function tell(address, origin, ids) {
    const body = new URLSearchParams();
    body.set("lon", origin.lon.toFixed(3));
    body.set("lat", origin.lat.toFixed(3));
    ids.forEach((id) => body.append("station", id));
    return ask(address, body);
  }

  const rideTimes = (origin, ids) => tell("/api/ride-times", origin, ids);
  const route = (origin, id) => tell("/api/route", origin, [id]);

  // A script that few need is fetched when it is asked for, under the page's own nonce.
  function script(address) {
    return new Promise((resolve, reject) => {
      const node = document.createElement("script");
      node.nonce = document.querySelector("script[nonce]").nonce;
      node.onload = resolve;
      node.onerror = reject;
      node.src = address;
      document.head.append(node);
    });
  }

  // Resolves to whether the phone may be asked for its position without a question on the screen.
  function allowed() {
    if (!navigator.permissions || !navigator.permissions.query) { return Promise.resolve(false); }
    return navigator.permissions.query({ name: "geolocation" })
      .then((answer) => answer.state === "granted", () => false);
  }

  // Places by name, by pinyin (weibinqu) or by initials (wbq); what begins so stands first.
  function search(register, text, limit) {
    const bare = (words) => words.toLowerCase().replace(/\s+/g, "");
    const wanted = bare(text);
    if (!wanted) { return []; }
    const found = [];
    register.places.forEach((place) => {
      const [name, lon, lat, whole, initials] = place;
      const at = [bare(name).indexOf(wanted), whole.indexOf(wanted), initials.indexOf(wanted)];
      const best = Math.min(...at.map((position) => (position < 0 ? 99 : position)));
      if (best < 99) { found.push({ name, lon, lat, best, exact: bare(name) === wanted }); }
    });
    (register.stations || []).forEach((own) => {
      const best = bare(own[1]).indexOf(wanted);
      if (best >= 0) { found.push({ name: own[1], id: own[0], best: best + 50, exact: false }); }
    });
    // Of equals, the register's order: districts, hot zones, towns.
    found.sort((a, b) => b.exact - a.exact || a.best - b.best);
    return found.slice(0, limit);
  }

  window.locatorPhone = { load, recall, remember, position, rideTimes, route, script, allowed, search, Cells };
})();
