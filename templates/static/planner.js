// The planner's page: what is asked, the one question under way, and what the answer changes.
(function () {
  "use strict";

  const words = window.locatorWords;
  const said = words.said;
  const fill = words.fill;
  const maps = window.locatorPlannerMap;
  const node = (id) => document.getElementById(id);
  const AGAIN_MS = 1000;
  const SPOKEN_MS = 700;
  const WRITTEN_MS = 250; // Chrome allows 200 changes of an address in 30 s
  const HOURS = 24;

  const map = maps.find();
  const state = { minutes: 5, hour: null, services: [], kinds: [], view: "now" };
  const draft = window.locatorDraft.create(changed);
  let inputs = null;
  let answer = null;
  let show = null;
  let strip = null;
  let changes = null;
  let sites = null;

  // ---------------------------------------------------------------- the question

  function plainQuestion() {
    return {
      minutes: state.minutes, hour: state.hour, services: state.services, kinds: state.kinds,
      scenario: draft.plain(),
    };
  }

  function question() { return JSON.stringify(plainQuestion()); }

  let isAsking = false;
  let asked = "";

  // One question at a time: what moved meanwhile is asked next, what lies between is skipped.
  function ask() {
    const text = question();
    if (isAsking || !inputs || text === asked) { return; }
    isAsking = true;
    asked = text;
    post(text).then((found) => {
      isAsking = false;
      // An answer to what has moved on still shows the way, unless its changes are others by now.
      if (found) { take(found, text); }
      if (question() !== text) { ask(); }
    });
  }

  function post(text) {
    return fetch("/planner/answer", {
      method: "POST", body: text, credentials: "same-origin", headers: { "Content-Type": "application/json" },
    }).then((response) => response.json().then((body) => {
      if (response.ok) { return body; }
      if (response.status === 503) {
        window.setTimeout(() => { asked = ""; ask(); }, AGAIN_MS);
        complain(said.busy);
      } else {
        complain(fill("refused", { reason: body.error }));
      }
      return null;
    })).catch(() => {
      window.setTimeout(() => { asked = ""; ask(); }, 3 * AGAIN_MS);
      complain(said.no_answer);
      return null;
    });
  }

  function complain(text) {
    node("trouble").textContent = text;
    node("trouble").hidden = !text;
    node("download").disabled = !!text;
  }

  function take(found, text) {
    if (found.id !== inputs.id) {
      complain(said.renewed);
      return;
    }
    answer = found;
    changes.show(); // hours that were typed come back in words
    answer.asked = JSON.parse(text);
    complain("");
    present();
    node("planner").dataset.shown = String(Number(node("planner").dataset.shown || 0) + 1);
  }

  // ---------------------------------------------------------------- what is shown

  function say(id, text) {
    if (node(id).textContent !== text) { node(id).textContent = text; }
  }

  function percent(share) { return share === null ? "—" : (100 * share).toFixed(1) + "%"; }
  function minutes(seconds) {
    return seconds === null ? "—" : fill("minutes", { n: (seconds / 60).toFixed(1) });
  }
  function whole(number) { return String(Math.round(number)); }

  const FIGURES = [
    ["covered", (f) => percent(f.covered_share)],
    ["possible", (f) => percent(f.possible_share)],
    ["offered", (f) => percent(f.offered_share) + (f.services_unknown ? " (" + f.services_unknown + ")" : "")],
    ["always", (f) => percent(f.always_share)],
    ["lost", (f) => percent(f.lost_to_hours)],
    ["demand", (f) => whole(f.demand_per_h)],
    ["unserved", (f) => f.unserved_per_h.toFixed(1)],
    ["stations", (f) => f.stations + " / " + f.open_stations],
    ["median", (f) => minutes(f.times.median_s)],
    ["mean", (f) => minutes(f.times.mean_s)],
    ["p90", (f) => minutes(f.times.p90_s)],
  ];

  function when(hour) {
    if (hour === null) { return said.whole_week; }
    return said.weekdays[Math.floor(hour / HOURS)] + " " + (hour % HOURS < 10 ? "0" : "") + (hour % HOURS) + ":00";
  }

  // The hour of the week that a moment of the stations' own clock lies in.
  function hourOf(moment) {
    const day = (new Date(moment.slice(0, 10) + "T00:00:00Z").getUTCDay() + 6) % 7;
    return day * HOURS + Number(moment.slice(11, 13));
  }

  function rows(table, lines) {
    const body = table.querySelector("tbody");
    while (body.children.length > lines.length) { body.removeChild(body.lastChild); }
    lines.forEach((line, i) => {
      const row = body.children[i] || body.appendChild(document.createElement("tr"));
      line.forEach((text, k) => {
        const cell = row.children[k] || row.appendChild(document.createElement(k ? "td" : "th"));
        if (!k) { cell.setAttribute("scope", "row"); }
        if (cell.textContent !== text) { cell.textContent = text; }
      });
      while (row.children.length > line.length) { row.removeChild(row.lastChild); }
    });
    table.classList.toggle("has-then", lines.length > 0 && !!(answer && answer.then));
  }

  function headline() {
    const now = answer.now.figures;
    const then = answer.then && answer.then.figures;
    say("share", percent((then || now).covered_share));
    const place = when(answer.asked.hour);
    let text = place + " · " + fill("within", { n: answer.asked.minutes });
    if (then && then.covered_share !== null && now.covered_share !== null) {
      const points = 100 * (then.covered_share - now.covered_share);
      const sign = points > 0.05 ? "+" : points < -0.05 ? "−" : "±";
      text += " · " + fill("against", { now: percent(now.covered_share), points: sign + Math.abs(points).toFixed(1) });
    }
    say("change", text);
    window.clearTimeout(headline.timer);
    headline.timer = window.setTimeout(() => say("spoken", percent((then || now).covered_share) + " · " + text), SPOKEN_MS);
  }

  function legend(view) {
    const list = node("legend");
    const lines = view === "change" ? ["gain", "loss", "gap_both"] : ["gap"];
    while (list.firstChild) { list.removeChild(list.firstChild); }
    lines.concat(["station_open", "station_closed"]).forEach((name) => {
      const line = list.appendChild(document.createElement("li"));
      line.appendChild(document.createElement("i")).className = "is-" + name;
      line.appendChild(document.createElement("span")).textContent = fill("legend_" + name, { m: inputs.cell_m });
    });
  }

  function zones() {
    const then = answer.then;
    const lines = inputs.zones.map((zone, i) => ({
      missing: answer.zone_demand[i] * (1 - (answer.now.zones[i] || 0)),
      cells: [zone[1], whole(answer.zone_demand[i]), percent(answer.now.zones[i])]
        .concat(then ? [percent(then.zones[i])] : []),
    }));
    lines.sort((a, b) => b.missing - a.missing);
    rows(node("zones"), lines.map((line) => line.cells));
  }

  function present() {
    const then = answer.then;
    const view = then ? state.view : "now";
    const seen = view === "now" ? answer.now : then;
    headline();
    rows(node("figures"), FIGURES.map((figure) => [said["figure_" + figure[0]], figure[1](answer.now.figures)]
      .concat(then ? [figure[1](then.figures)] : [])));
    show.squares(answer.now.squares, then && then.squares, view);
    const all = draft.get();
    show.states(seen.states, (id) => {
      if (view === "now") { return ""; }
      return all.close.indexOf(id) >= 0 ? "closed" : id in all.move ? "moved" : "";
    });
    say("strip-note", view === "change" ? said.strip_change : said.strip_share);
    strip.show({
      shares: seen.hours, unserved: seen.unserved, hour: state.hour,
      before: view === "change" ? answer.now.hours : undefined,
    });
    if (node("zones-part").open) { zones(); }
    say("command", answer.command);
    node("planner").setAttribute("aria-busy", "false");
  }

  function controls() {
    node("minutes").value = state.minutes;
    node("minutes-range").value = state.minutes;
    node("day").value = state.hour === null ? "" : String(Math.floor(state.hour / HOURS));
    node("hour").value = state.hour === null ? "0" : String(state.hour % HOURS);
    node("hour").disabled = state.hour === null;
    [["services", state.services], ["kinds", state.kinds]].forEach((pair) => {
      Array.from(node(pair[0]).querySelectorAll("input")).forEach((box) => {
        box.checked = pair[1].indexOf(box.value) >= 0;
      });
    });
    const count = state.services.length + state.kinds.length;
    node("filters-count").textContent = count ? String(count) : "";
    const has = !!draft.plain();
    Array.from(document.querySelectorAll("#views input")).forEach((radio) => {
      radio.disabled = radio.value !== "now" && !has;
      radio.checked = radio.value === (has ? state.view : "now");
    });
    node("take").hidden = !has;
    node("no-changes").hidden = has;
    node("undo").disabled = !draft.canUndo();
    legend(has ? state.view : "now");
  }

  // ---------------------------------------------------------------- the address

  function write() {
    window.clearTimeout(write.timer);
    write.timer = window.setTimeout(() => {
      const parts = ["m=" + state.minutes];
      if (state.hour !== null) { parts.push("h=" + state.hour); }
      if (state.services.length) { parts.push("s=" + state.services.join(",")); }
      if (state.kinds.length) { parts.push("k=" + state.kinds.join(",")); }
      if (state.view !== "now") { parts.push("v=" + state.view); }
      if (sites && sites.job()) { parts.push("j=" + sites.job()); }
      if (draft.plain()) { parts.push("x=" + encodeURIComponent(JSON.stringify(draft.plain()))); }
      write.last = "#" + parts.join("&");
      history.replaceState(null, "", write.last);
    }, WRITTEN_MS);
  }

  function codes(text, id) {
    const known = Array.from(node(id).querySelectorAll("input")).map((box) => box.value);
    return (text || "").split(",").filter((code) => known.indexOf(code) >= 0);
  }

  // What has not the right form is left at its start: an address is typed and cut by hand.
  function read() {
    const given = new Map(location.hash.slice(1).split("&").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)];
    }));
    setMinutes(given.get("m"));
    const hour = Number(given.get("h"));
    state.hour = given.has("h") && hour >= 0 && hour < 7 * HOURS && hour % 1 === 0 ? hour : null;
    state.services = codes(given.get("s"), "services");
    state.kinds = codes(given.get("k"), "kinds");
    state.view = ["then", "change"].indexOf(given.get("v")) >= 0 ? given.get("v") : "now";
    let scenario = null;
    try { scenario = given.has("x") ? JSON.parse(decodeURIComponent(given.get("x"))) : null; } catch (error) { scenario = null; }
    draft.load(scenario);
    sites.follow(given.get("j"));
  }

  function setMinutes(text) {
    const number = Math.round(Number(text) * 10) / 10;
    const box = node("minutes");
    const fits = text !== "" && number >= Number(box.min) && number <= Number(box.max);
    if (fits) { state.minutes = number; }
    node("minutes-wrong").hidden = fits || text === undefined; // an address need not say them
  }

  // ---------------------------------------------------------------- what moves

  function moved() {
    controls();
    write();
    ask();
    if (answer) { present(); }
  }

  function changed(isLive) {
    if (!show) { return; }
    show.ghosts(ghosts());
    if (!isLive) {
      changes.show();
      controls();
      write();
    }
    if (answer) { ask(); }
  }

  function chooseHour(hour) {
    state.hour = hour;
    moved();
  }

  function stationOf(id) { return inputs.byId.get(id); }

  function ghosts() {
    const all = draft.get();
    const moves = Object.keys(all.move).filter(stationOf).map((id) => ({
      id: id, glyph: "→", title: said.moved + ": " + stationOf(id)[1], lon: all.move[id][0], lat: all.move[id][1],
    }));
    return moves.concat(all.add.map((one) => ({
      id: one.id, glyph: "+", title: said.added + ": " + one.name, lon: one.lon, lat: one.lat,
    })));
  }

  function rounded(place) { return [place.lng, place.lat].map((degrees) => Math.round(degrees * 1e6) / 1e6); }

  function dragged(id, phase, place) {
    if (phase === "start") { draft.remember(); return; }
    const act = (all) => {
      const at = rounded(place);
      const one = draft.find(id);
      if (one) { one.lon = at[0]; one.lat = at[1]; } else { all.move[id] = at; }
    };
    draft.slide(act);
    if (phase === "end") { draft.settle(); }
  }

  function newStation(place, wanted) {
    const at = rounded(place);
    let number = 1;
    while (draft.find("NEW-" + number) || stationOf("NEW-" + number)) { number += 1; }
    const services = ["drinking_water", "seats", "phone_charging", "toilet"];
    return {
      id: "NEW-" + number, name: fill("new_name", { n: number }), kind: wanted.kinds[0] || "rest_post",
      lon: at[0], lat: at[1], opening_hours: "24/7",
      services: services.concat(wanted.services.filter((code) => services.indexOf(code) < 0)),
    };
  }

  // A chosen site as a station of the scenario: its name and hours are those of the answer.
  function siteStation(site, asked) {
    const one = newStation({ lng: site.lon, lat: site.lat }, asked);
    one.name = String(site.name || one.name).slice(0, 80);
    one.opening_hours = site.hours || one.opening_hours;
    if (site.option === "add_cabinet") { one.kind = "swap_cabinet"; one.services = asked.services.slice(); }
    return one;
  }

  function then(act) {
    if (state.view === "now") { state.view = "then"; }
    draft.step(act);
  }

  function add(place) {
    if (draft.isFull()) { complain(said.full); return; }
    const one = newStation(place, state);
    then((all) => all.add.push(one));
    changes.open(one.id);
  }

  function actsOf(id) {
    const row = stationOf(id);
    if (!row) { return []; }
    const all = draft.get();
    const later = (act) => () => then(act);
    const isOpen = row[7] ? all.close.indexOf(id) < 0 : all.open.indexOf(id) >= 0;
    const acts = [isOpen
      ? [said.act_close, later((it) => { if (row[7]) { it.close.push(id); } else { it.open = it.open.filter((o) => o !== id); } })]
      : [said.act_open, later((it) => { if (row[7]) { it.close = it.close.filter((o) => o !== id); } else { it.open.push(id); } })]];
    acts.push([said.act_move, () => { later((it) => { it.move[id] = [row[3], row[4]]; })(); changes.open(id); }]);
    acts.push([said.act_hours, () => { later((it) => { it.hours[id] = "24/7"; })(); changes.open("hours " + id); }]);
    return acts;
  }

  // ---------------------------------------------------------------- taking it away

  function download() {
    if (!answer || !answer.file) { return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([answer.file.text], { type: "application/yaml" }));
    link.download = answer.file.name;
    document.body.appendChild(link);
    link.click();
    document.body.removeChild(link);
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function copyLink() {
    const button = node("copy-link");
    const tell = (text) => {
      const before = said.copy_link;
      button.textContent = text;
      window.setTimeout(() => { button.textContent = before; }, 2000);
    };
    if (!navigator.clipboard) { tell(said.copy_failed); return; }
    navigator.clipboard.writeText(location.href).then(() => tell(said.copied), () => tell(said.copy_failed));
  }

  // ---------------------------------------------------------------- together

  function listen() {
    node("minutes-range").addEventListener("input", () => { setMinutes(node("minutes-range").value); moved(); });
    node("minutes").addEventListener("change", () => { setMinutes(node("minutes").value); moved(); });
    node("day").addEventListener("change", () => {
      chooseHour(node("day").value === "" ? null : Number(node("day").value) * HOURS + Number(node("hour").value));
    });
    node("hour").addEventListener("change", () => chooseHour(Number(node("day").value) * HOURS + Number(node("hour").value)));
    ["services", "kinds"].forEach((id) => node(id).addEventListener("change", () => {
      state[id] = Array.from(node(id).querySelectorAll("input:checked")).map((box) => box.value);
      moved();
    }));
    node("views").addEventListener("change", (event) => { state.view = event.target.value; moved(); });
    node("zones-part").addEventListener("toggle", () => { if (answer) { zones(); } });
    node("undo").addEventListener("click", draft.undo);
    node("place").addEventListener("click", () => placer.turn(!placer.isOn()));
    node("place-middle").addEventListener("click", () => add(map.getCenter()));
    node("download").addEventListener("click", download);
    node("copy-link").addEventListener("click", copyLink);
    window.addEventListener("hashchange", () => { if (location.hash !== write.last) { read(); moved(); } });
  }

  const placer = maps.placing(map, add, (isOn) => {
    node("place").setAttribute("aria-pressed", String(isOn));
    node("place").textContent = isOn ? said.placing : said.place;
  });

  function options() {
    const day = node("day");
    const all = [["", said.whole_week]].concat(said.weekdays.map((name, i) => [String(i), name]));
    all.forEach((pair) => { day.appendChild(new Option(pair[1], pair[0])); });
    for (let hour = 0; hour < HOURS; hour += 1) {
      node("hour").appendChild(new Option((hour < 10 ? "0" : "") + hour + ":00", String(hour)));
    }
  }

  function begin(found) {
    inputs = found;
    inputs.byId = new Map(inputs.stations.map((row) => [row[0], row]));
    strip = window.locatorStrip.create(node("strip"), words, chooseHour);
    changes = window.locatorChanges.create(node("changes"), words, draft, stationOf,
      (text) => answer && answer.hours_words[text]);
    show = {
      squares: maps.squareLayer(map, inputs),
      states: maps.stationStates(map, inputs),
      ghosts: maps.ghostLayer(map, dragged, (id) => changes.open(id, true)),
    };
    maps.cardButtons(map, actsOf);
    sites = window.locatorSites.create({
      question: plainQuestion, draft: draft, map: map, words: words, stationOf: stationOf, when: when, hourOf: hourOf,
      written: write, take: then, newStation: siteStation, version: () => inputs.id.split(" ")[0],
    });
    node("basis").textContent = fill("basis", { monday: inputs.monday, m: inputs.sample_m });
    read();
    lookAtChanges();
    moved();
  }

  // Whoever opens a link is shown what it changes, with the streets around.
  function lookAtChanges() {
    const places = ghosts().map((one) => [one.lat, one.lon]).concat(
      draft.get().close.map(stationOf).filter(Boolean).map((row) => [row[4], row[3]]));
    if (!places.length) { return; }
    const box = L.latLngBounds(places);
    const around = 0.012;
    window.locatorMap.fitView(map, [
      [box.getSouth() - around, box.getWest() - around], [box.getNorth() + around, box.getEast() + around],
    ], false);
  }

  // What the map says with its own legend stands below it here; what is asked needs the room.
  function arrange() {
    const own = map.getContainer().querySelector(".lmap-legend");
    if (own) { own.open = false; }
    node("filters-part").open = window.matchMedia("(min-width: 60rem)").matches;
  }

  options();
  arrange();
  listen();
  // The first to ask waits for the inputs to be laid; a busy or silent server is asked again.
  function load() {
    fetch("/planner/inputs.json", { credentials: "same-origin" }).then((response) => response.json().then((body) => {
      if (response.ok) {
        complain("");
        begin(body);
      } else if (response.status === 503) {
        complain(said.busy);
        window.setTimeout(load, AGAIN_MS);
      } else {
        complain(fill("refused", { reason: body.error }));
      }
    })).catch(() => {
      complain(said.no_answer);
      window.setTimeout(load, 3 * AGAIN_MS);
    });
  }

  load();
})();
