// Ranks the stations on the phone, by the rules of locator/nearest, so that no position is sent.
// Server and phone are held to one table of answers, tests/vectors/ranking.json, and to each other.
// Nothing here touches the page: a register and a question go in, rows come out.
(function () {
  "use strict";

  // ---- distances ----------------------------------------------------------------------------

  // WGS-84 (NGA.STND.0036, table 3.1), metres.
  const A = 6378137.0;
  const F = 1 / 298.257223563;
  const B = A * (1 - F);
  const E2 = F * (2 - F);
  const MEAN_M = (2 * A + B) / 3;
  const BEND_M = B * B / A; // the ellipsoid's smallest radius of curvature
  const LONG_M = 1e7; // the longest chord whose longest geodesic is known
  const ROUNDING_M = 1e-6; // more than rounding does to a chord and a geodesic together
  const ENOUGH_RAD = 1e-12; // the step after one this small is less than a micrometre

  const radians = (degrees) => degrees * Math.PI / 180;

  function haversine(lat1, lat2, turn) {
    const up = Math.sin((lat2 - lat1) / 2);
    const across = Math.sin(turn / 2);
    const h = up * up + Math.cos(lat1) * Math.cos(lat2) * across * across;
    return 2 * MEAN_M * Math.asin(Math.min(1, Math.sqrt(h)));
  }

  // Length of the geodesic in metres: Vincenty 1975, "Direct and inverse solutions of geodesics on
  // the ellipsoid with application of nested equations", Survey Review 23(176):88-93; names are
  // his. Near the antipodes it does not converge: there a sphere must do, 0.6 % off at most.
  function metresBetween(from, to) {
    const across = to.lon - from.lon;
    const L = radians(Math.abs(across) > 180 ? across - 360 * Math.sign(across) : across);
    const tanU1 = (1 - F) * Math.tan(radians(from.lat));
    const tanU2 = (1 - F) * Math.tan(radians(to.lat));
    const cosU1 = 1 / Math.sqrt(1 + tanU1 * tanU1);
    const cosU2 = 1 / Math.sqrt(1 + tanU2 * tanU2);
    const sinU1 = tanU1 * cosU1;
    const sinU2 = tanU2 * cosU2;
    let lambda = L;
    for (let step = 0; step < 100 && Math.abs(lambda) <= Math.PI; step += 1) {
      const sinL = Math.sin(lambda);
      const cosL = Math.cos(lambda);
      const east = cosU2 * sinL;
      const north = cosU1 * sinU2 - sinU1 * cosU2 * cosL;
      const sinSigma = Math.sqrt(east * east + north * north);
      if (sinSigma === 0) { break; } // one place, or its antipode: the sphere knows which
      const cosSigma = sinU1 * sinU2 + cosU1 * cosU2 * cosL;
      const sigma = Math.atan2(sinSigma, cosSigma);
      const sinAlpha = cosU1 * cosU2 * sinL / sinSigma;
      const cos2Alpha = 1 - sinAlpha * sinAlpha;
      // On the equator cos2Alpha is 0, and so is what this is multiplied with.
      const cos2M = cos2Alpha > 0 ? cosSigma - 2 * sinU1 * sinU2 / cos2Alpha : 0;
      const C = F / 16 * cos2Alpha * (4 + F * (4 - 3 * cos2Alpha));
      const before = lambda;
      lambda = L + (1 - C) * F * sinAlpha *
        (sigma + C * sinSigma * (cos2M + C * cosSigma * (2 * cos2M * cos2M - 1)));
      if (Math.abs(lambda - before) <= ENOUGH_RAD) {
        return arcLength(sigma, sinSigma, cosSigma, cos2Alpha, cos2M);
      }
    }
    return haversine(radians(from.lat), radians(to.lat), L);
  }

  function arcLength(sigma, sinSigma, cosSigma, cos2Alpha, cos2M) {
    const u2 = cos2Alpha * (A * A - B * B) / (B * B);
    const bigA = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const bigB = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const m2 = cos2M * cos2M;
    const change = bigB * sinSigma * (cos2M + bigB / 4 * (cosSigma * (2 * m2 - 1) -
      bigB / 6 * cos2M * (4 * sinSigma * sinSigma - 3) * (4 * m2 - 3)));
    return B * bigA * (sigma - change);
  }

  // Earth-centred coordinates in metres: straight distances between them cost next to nothing.
  function earthCentred(lon, lat) {
    const sinLat = Math.sin(radians(lat));
    const cosLat = Math.cos(radians(lat));
    const n = A / Math.sqrt(1 - E2 * sinLat * sinLat);
    const turn = radians(lon);
    return [n * cosLat * Math.cos(turn), n * cosLat * Math.sin(turn), n * (1 - E2) * sinLat];
  }

  function chord(index, row, point) {
    const dx = index.points[3 * row] - point[0];
    const dy = index.points[3 * row + 1] - point[1];
    const dz = index.points[3 * row + 2] - point[2];
    return Math.sqrt(dx * dx + dy * dy + dz * dz);
  }

  // A geodesic is no shorter than its chord, and no longer than the arc of the most bent circle
  // over it (docs/methods.md, "Nearest").
  function longest(straight) {
    if (straight >= LONG_M) { return Infinity; }
    return 2 * BEND_M * Math.asin(straight / (2 * BEND_M)) + ROUNDING_M;
  }

  // ---- the register, prepared once ------------------------------------------------------------

  const [CLOSED, OPEN, UNKNOWN] = [0, 1, 2];
  const STATES = ["closed", "open", "unknown"];
  const MORNING_MIN = 18 * 60; // 06:00, counted back from midnight: the clock may change before

  // Takes the register of /stations.json, its stations ordered by id; keeps it, changes nothing.
  function load(register) {
    if (register.format !== 1) {
      throw new Error("The register has format " + register.format + "; this page reads 1.");
    }
    const days = register.days;
    const lengthMin = days[days.length - 1] - days[0];
    const points = new Float64Array(3 * register.stations.length);
    register.stations.forEach((own, row) => points.set(earthCentred(own[3], own[4]), 3 * row));
    // Seconds after the window's start; hours that are not known are one stretch of unknown.
    const schedules = register.schedules.map((spans) =>
      (spans || [[0, lengthMin, UNKNOWN]]).map((span) =>
        ({ start: span[0] * 60, end: span[1] * 60, state: span[2], comment: span[3] || null })));
    const [startS, lengthS] = [days[0] * 60, lengthMin * 60];
    const secondsPerM = register.detour / (register.speed_kmh / 3.6);
    return { register, points, schedules, startS, lengthS, secondsPerM };
  }

  // ---- opening hours --------------------------------------------------------------------------

  const NOTHING = { closes: null, sure: null, opens: null, comment: null };

  // The state at a moment in seconds after the window's start, when it ends, what is said of it,
  // and, in the same seconds or null, the closing (or null, where what follows is unknown), till
  // when it is open for certain, and the next opening that is certain.
  function momentOf(index, schedule, inside) {
    if (!(inside >= 0 && inside < index.lengthS)) { // nothing is known outside the window
      return { ...NOTHING, state: UNKNOWN, until: inside < 0 ? 0 : Infinity };
    }
    const spans = index.schedules[schedule];
    let low = 0;
    let high = spans.length; // looks for the first stretch that is not over
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spans[middle].end > inside) { high = middle; } else { low = middle + 1; }
    }
    const next = low < spans.length ? spans[low] : { start: index.lengthS, state: CLOSED };
    if (next.start > inside) {
      const opens = next.state === OPEN ? next.start : null;
      return { ...NOTHING, state: CLOSED, until: next.start, opens };
    }
    // What is open to the window's end may never close.
    const sure = next.state === OPEN && next.end < index.lengthS ? next.end : null;
    const after = spans[low + 1];
    const closes = after && after.start === next.end && after.state === UNKNOWN ? null : sure;
    return { state: next.state, until: next.end, closes, sure, opens: null, comment: next.comment };
  }

  function told(index, schedule, arrivesAt) {
    const moment = momentOf(index, schedule, arrivesAt - index.startS);
    const closes = moment.closes === null ? null : index.startS + moment.closes;
    return {
      arrives_at: arrivesAt,
      state: STATES[moment.state],
      minutes_left: closes === null ? null : Math.floor((closes - arrivesAt) / 60),
      closes_at: closes,
      sure_until: moment.sure === null ? null : index.startS + moment.sure,
      hours_comment: moment.comment,
      opens_at: moment.opens === null ? null : index.startS + moment.opens,
    };
  }

  // The coming night, 00:00 to 06:00 on the stations' clock, in seconds after the window's start;
  // before 06:00 it is the night going on. Null where the register does not reach that far.
  function nightAfter(index, atMs) {
    const days = index.register.days;
    const minute = atMs / 60000;
    for (let day = 0; minute >= days[0] && day + 1 < days.length; day += 1) {
      const ends = days[day + 1] - MORNING_MIN;
      if (minute < ends) { return [(days[day] - days[0]) * 60, (ends - days[0]) * 60]; }
    }
    return null;
  }

  function isOpenAll(index, schedule, night) {
    if (night === null) { return false; }
    const moment = momentOf(index, schedule, night[0]);
    return moment.state === OPEN && (moment.sure === null || moment.sure >= night[1]);
  }

  // ---- the question ---------------------------------------------------------------------------

  const FLOOR_S = 0.001; // no ride takes less
  const LONGEST_RIDE_MS = 1e11; // three years
  // Each service that helps in the weather makes a station count as two minutes nearer: HELP_S of
  // locator/nearest/question.py, which says why. The register says which help; one that was kept
  // on the phone from before it did says of none.
  const HELP_S = 120;
  const WEATHERS = ["none", "heat", "cold", "rain"];

  function check(question) {
    [question, question.toward].filter(Boolean).forEach((place) => {
      if (!(Math.abs(place.lon) <= 180 && Math.abs(place.lat) <= 90)) {
        throw new RangeError(place.lon + ", " + place.lat + " is not on Earth.");
      }
    });
    if (!(question.k >= 1)) { throw new RangeError("k is " + question.k + "; ask for 1 or more."); }
    if (["any", "known", "yes"].indexOf(question.rule) < 0 ||
        WEATHERS.indexOf(question.weather) < 0) {
      throw new RangeError("Nobody knows the rule or the weather that was asked for.");
    }
  }

  function bitsOf(known, codes) {
    const places = codes.map((code) => known.indexOf(code)).filter((place) => place >= 0);
    return places.reduce((bits, place) => bits | (1 << place), 0);
  }

  // Rows that fit, whatever their hours on arrival. Null bits are services that nobody recorded.
  function passing(index, question) {
    const register = index.register;
    const isKnown = question.services.every((code) => register.services.indexOf(code) >= 0);
    if (!isKnown) { return new Int32Array(0); } // no station has a service nobody has heard of
    const needed = bitsOf(register.services, question.services);
    const kinds = bitsOf(register.kinds, question.kinds);
    const night = question.allNight ? nightAfter(index, question.at) : null;
    const nights = index.schedules.map((_, number) => isOpenAll(index, number, night));
    const rows = new Int32Array(register.stations.length);
    let count = 0;
    register.stations.forEach((own, row) => {
      const fits = ((own[5] & needed) === needed || (question.orUnknown && own[5] === null)) &&
        (!question.kinds.length || (kinds & (1 << own[2])) !== 0) &&
        (!question.platform || !own[7] || own[7].indexOf(question.platform) >= 0) &&
        (!question.allNight || nights[own[6]]);
      if (fits) { rows[count] = row; count += 1; }
    });
    return rows.subarray(0, count);
  }

  // ---- the search -----------------------------------------------------------------------------

  // Stations are taken in the order of a key that is at most their true one, so that the search
  // may stop as soon as nothing left can be nearer: few geodesics are ever computed.
  function Search(index, question) {
    this.index = index;
    this.question = question;
    this.leaves = question.at / 1000;
    this.here = earthCentred(question.lon, question.lat);
    this.there = question.toward ? earthCentred(question.toward.lon, question.toward.lat) : null;
    this.directS = question.toward ? this.seconds(metresBetween(question, question.toward)) : 0;
    this.reorders = question.toward !== null || question.weather !== "none";
    this.helpful = bitsOf(index.register.services,
      (index.register.helps || {})[question.weather] || []);
  }

  Search.prototype.seconds = function (metres) {
    return Math.max(metres * this.index.secondsPerM, FLOOR_S);
  };

  // With a next place, the minutes shown, and of equal ones the soonest reached, in whole ms.
  Search.prototype.keyOf = function (row, addedS, rideS) {
    let help = 0;
    let bits = this.index.register.stations[row][5] & this.helpful;
    for (; bits !== 0; bits &= bits - 1) { help += HELP_S; } // one bit fewer each time
    const rideMs = Math.round(rideS * 1000);
    if (!this.there) { return rideMs - help * 1000; }
    return Math.round((addedS - help) / 60) * LONGEST_RIDE_MS + rideMs;
  };

  Search.prototype.leastKey = function (row) {
    const near = chord(this.index, row, this.here) - ROUNDING_M;
    if (!this.reorders) { return near; }
    const rideS = Math.max(near, 0) * this.index.secondsPerM;
    if (!this.there) { return this.keyOf(row, 0, rideS); }
    const onward = chord(this.index, row, this.there) - ROUNDING_M;
    const addedS = rideS + onward * this.index.secondsPerM - this.directS;
    return this.keyOf(row, Math.max(addedS, 0), rideS);
  };

  Search.prototype.measure = function (row) {
    const own = this.index.register.stations[row];
    const place = { lon: own[3], lat: own[4] };
    const metres = metresBetween(this.question, place);
    const rideS = this.seconds(metres);
    let addedS = null;
    if (this.there) {
      const onwardS = this.seconds(metresBetween(place, this.question.toward));
      // No way over a third place is shorter; rounding alone says so.
      addedS = Math.max(rideS + onwardS - this.directS, 0);
    }
    const key = this.reorders ? this.keyOf(row, addedS, rideS) : metres;
    return { row, key, metres, rideS, addedS };
  };

  Search.prototype.momentAt = function (row, when) {
    return momentOf(this.index, this.index.register.stations[row][6], when - this.index.startS);
  };

  Search.prototype.isKept = function (moment, arrivesAt) {
    if (this.question.rule === "any") { return true; }
    if (this.question.rule === "known") { return moment.state !== CLOSED; }
    if (moment.state !== OPEN) { return false; }
    const leftS = this.index.startS + moment.sure - arrivesAt;
    return moment.sure === null || leftS >= this.index.register.min_minutes_left * 60;
  };

  // Whether the rule drops a station at the soonest it can be reached, and nothing changes until
  // the latest: by night nearly all are, and none of them needs its geodesic.
  Search.prototype.isHopeless = function (row) {
    if (this.question.rule === "any") { return false; }
    const straight = chord(this.index, row, this.here);
    const soonest = this.leaves + Math.max(straight - ROUNDING_M, 0) * this.index.secondsPerM;
    const latest = this.leaves + this.seconds(longest(straight));
    const moment = this.momentAt(row, soonest);
    const lasts = moment.until === Infinity || this.index.startS + moment.until > latest;
    return lasts && !this.isKept(moment, soonest);
  };

  Search.prototype.run = function (rows) {
    const keys = new Float64Array(this.index.register.stations.length);
    rows.forEach((row) => { keys[row] = this.leastKey(row); });
    const queue = new Queue(rows, keys);
    const k = this.question.k;
    const best = [];
    while (queue.size > 0) {
      const row = queue.pop();
      if (best.length === k && keys[row] > best[best.length - 1].key) { break; }
      if (this.isHopeless(row)) { continue; }
      const found = this.measure(row);
      const arrivesAt = this.leaves + found.rideS;
      if (this.isKept(this.momentAt(row, arrivesAt), arrivesAt)) { keep(best, found, k); }
    }
    return best;
  };

  // Puts a station into the best k, in the order of keys, then of ids.
  function keep(best, found, k) {
    const isBefore = (one) => found.key < one.key || (found.key === one.key && found.row < one.row);
    let place = best.length;
    while (place > 0 && isBefore(best[place - 1])) { place -= 1; }
    best.splice(place, 0, found);
    if (best.length > k) { best.pop(); }
  }

  // A binary heap of rows, the least key on top: only what is taken out is ever sorted.
  function Queue(rows, keys) {
    this.rows = rows;
    this.keys = keys;
    this.size = rows.length;
    for (let place = (this.size >> 1) - 1; place >= 0; place -= 1) { this.sink(place); }
  }

  Queue.prototype.pop = function () {
    const first = this.rows[0];
    this.size -= 1;
    this.rows[0] = this.rows[this.size];
    this.sink(0);
    return first;
  };

  Queue.prototype.sink = function (top) {
    const { rows, keys, size } = this;
    const row = rows[top];
    let place = top;
    for (let child = 2 * place + 1; child < size; child = 2 * place + 1) {
      if (child + 1 < size && keys[rows[child + 1]] < keys[rows[child]]) { child += 1; }
      if (keys[rows[child]] >= keys[row]) { break; }
      rows[place] = rows[child];
      place = child;
    }
    rows[place] = row;
  };

  const DEFAULTS = { k: 5, services: [], kinds: [], platform: null, rule: "any", allNight: false,
    orUnknown: false };

  // The question: lon, lat, at (milliseconds), k, services (all of), kinds (any of), platform,
  // rule (yes, known, any), allNight, orUnknown (stations of unknown services, too), weather,
  // toward ({lon, lat} or null).
  function rank(index, question) {
    const asked = Object.assign({}, DEFAULTS, question);
    asked.weather = asked.weather || "none";
    asked.toward = asked.toward || null;
    check(asked);
    const search = new Search(index, asked);
    const register = index.register;
    return search.run(passing(index, asked)).map((found) => {
      const [id, name, kind, lon, lat, bits, schedule, platforms, extra] = register.stations[found.row];
      return Object.assign({
        row: found.row, id, name, lon, lat,
        kind: register.kinds[kind],
        services: register.services.filter((_, bit) => (bits & (1 << bit)) !== 0),
        services_unknown: bits === null,
        platforms: platforms || [], extra: extra || {},
        distance_m: found.metres,
        ride_m: found.metres * register.detour,
        ride_s: found.rideS,
        added_s: found.addedS,
      }, told(index, schedule, search.leaves + found.rideS));
    });
  }

  // How many stations fit in all that is known of them, but nobody recorded what they offer.
  function leftOut(index, question) {
    const fit = (orUnknown) => passing(index, Object.assign({}, DEFAULTS, question, { orUnknown }));
    return question.orUnknown ? 0 : fit(true).length - fit(false).length;
  }

  // A station's state for somebody who stands there at a moment in milliseconds.
  function state(index, row, atMs) {
    return told(index, index.register.stations[row][6], atMs / 1000);
  }

  // Whether a station is certainly open all through the coming night.
  function nightIsOpen(index, row, atMs) {
    return isOpenAll(index, index.register.stations[row][6], nightAfter(index, atMs));
  }

  window.locatorRank = { load, rank, leftOut, state, nightIsOpen, metresBetween };
})();
