// The best sites on the planner's page: a job is started, followed, cancelled, and its answer shown.
// Names and reasons were written by people or made of their words; they are only ever set as text.
(function () {
  "use strict";

  const POLL_MS = 700;
  const RETRY_MS = 3000;
  const ID = /^[\w-]{16,64}$/;
  const AROUND = 0.012; // degrees around the chosen places
  const OPEN = ["waiting", "running"];
  const PAGE_KEY = "locator-planner-page";

  const node = (id) => document.getElementById(id);

  function make(tag, parent, text) {
    const made = parent.appendChild(document.createElement(tag));
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function clear(box) { while (box.firstChild) { box.removeChild(box.firstChild); } }

  // A page in its tab: how many jobs it may have open is counted by this, and nothing else.
  function pageMark() {
    try {
      let mark = sessionStorage.getItem(PAGE_KEY);
      if (!mark) {
        mark = Array.from(crypto.getRandomValues(new Uint8Array(12))).map((n) => ("0" + n.toString(16)).slice(-2)).join("");
        sessionStorage.setItem(PAGE_KEY, mark);
      }
      return mark;
    } catch (error) { return ""; }
  }

  // planner: question() -> plain object, draft, map, words, stationOf(id), when(hour), hourOf(moment), version(), written(),
  // take(act), newStation(site, asked, draft).
  function create(planner) {
    const said = planner.words.said;
    const fill = planner.words.fill;
    let job = null; // its id
    let found = null; // what was last heard of it
    let timer = 0;
    let markers = [];
    let isOwn = false; // started here and now, so that whoever did waits for it

    // ---------------------------------------------------------------- what is asked

    function amount(id) {
      const text = node(id).value;
      return text === "" || !(Number(text) >= 0) ? null : Number(text);
    }

    function prices() {
      const post = amount("price-post");
      const service = amount("price-service");
      const hours = [["price-evening", "Mo-Su 08:00-22:00"], ["price-always", "24/7"]];
      return {
        unit: said.price_unit,
        new_post: post === null ? null : { cost: post, hours: "24/7" },
        extend_hours: hours.map((pair) => ({ cost: amount(pair[0]), hours: pair[1] })).filter((one) => one.cost !== null),
        add_service: service === null ? null : { cost: service },
      };
    }

    function isBudget() { return document.querySelector("input[name=sites-by]:checked").value === "budget"; }

    function question() {
      const asked = planner.question();
      asked.candidates = node("sites-source").value;
      if (isBudget()) {
        asked.budget = amount("sites-budget");
        asked.prices = prices();
      } else {
        asked.new = amount("sites-new");
      }
      if (node("sites-where").value === "map") {
        const box = planner.map.getBounds();
        asked.bbox = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((degrees) => Math.round(degrees * 1e6) / 1e6);
      }
      asked.page = pageMark();
      return asked;
    }

    // ---------------------------------------------------------------- the server

    function send(path, body) {
      const options = { credentials: "same-origin", cache: "no-store" };
      if (body !== undefined) {
        options.method = "POST";
        options.headers = { "Content-Type": "application/json" };
        options.body = JSON.stringify(body);
      }
      return fetch(path, options).then((response) => response.json().then((answer) => ({ status: response.status, body: answer })));
    }

    function start() {
      node("sites-start").disabled = true;
      send("/planner/sites", question()).then((got) => {
        node("sites-start").disabled = false;
        if (got.status !== 202) { trouble(fill("refused", { reason: got.body.error })); return; }
        follow(got.body.id);
        isOwn = true;
        node("sites-run").scrollIntoView({ block: "nearest" });
        planner.written();
      }).catch(() => {
        node("sites-start").disabled = false;
        trouble(said.no_answer);
      });
    }

    function follow(id) {
      const next = id && ID.test(id) ? id : null;
      if (next === job) { return; }
      window.clearTimeout(timer);
      job = next;
      found = null;
      isOwn = false;
      hideAll();
      if (job) {
        node("sites-run").hidden = false;
        node("sites-state").textContent = said.sites_asking;
        look();
      }
    }

    function look() {
      const id = job;
      send("/planner/jobs/" + encodeURIComponent(id)).then((got) => {
        if (id !== job) { return; }
        if (got.status === 404) { hideAll(); trouble(said.sites_gone); return; }
        if (got.status !== 200) { timer = window.setTimeout(look, RETRY_MS); return; }
        hear(got.body);
      }).catch(() => {
        if (id !== job) { return; }
        node("sites-state").textContent = said.no_answer;
        timer = window.setTimeout(look, RETRY_MS);
      });
    }

    function cancel() {
      node("sites-cancel").disabled = true;
      send("/planner/jobs/" + encodeURIComponent(job) + "/cancel", {}).then((got) => {
        if (got.status !== 200) { node("sites-cancel").disabled = false; }
      }).catch(() => { node("sites-cancel").disabled = false; });
    }

    function hear(body) {
      found = body;
      if (OPEN.indexOf(body.state) >= 0) {
        progress();
        timer = window.setTimeout(look, POLL_MS);
        return;
      }
      node("sites-run").hidden = true;
      if (body.answer) {
        present();
      } else if (body.state === "cancelled") {
        trouble(said.sites_cancelled);
      } else {
        trouble(body.restarted ? said.sites_restarted : fill("refused", { reason: body.error }));
      }
      node("sites").dataset.state = body.state;
      if (isOwn && body.answer) {
        node("sites-result").focus({ preventScroll: true });
        node("sites-headline").scrollIntoView({ block: "nearest" });
      }
    }

    // ---------------------------------------------------------------- what is shown

    function hideAll() {
      ["sites-run", "sites-trouble", "sites-result"].forEach((id) => { node(id).hidden = true; });
      node("sites-cancel").disabled = false;
      delete node("sites").dataset.state;
      mark([]);
    }

    function trouble(text) {
      node("sites-trouble-text").textContent = text;
      node("sites-trouble").hidden = false;
      node("sites-again").hidden = !node("sites-form");
    }

    function percent(share) { return share === null ? "—" : (100 * share).toFixed(1) + "%"; }

    function count(number) {
      const digits = Math.abs(number) >= 100 ? 0 : 1;
      return number.toLocaleString(said.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }

    function gapOf(objective, bound) { return objective > 0 ? Math.max(0, bound - objective) / objective : null; }

    function progress() {
      node("sites-run").hidden = false;
      node("sites-progress").value = found.share;
      let text;
      if (found.cancelling) {
        text = said.sites_cancelling;
      } else if (found.state === "waiting") {
        text = found.ahead ? fill("sites_ahead", { n: found.ahead }) : said.sites_soon;
      } else {
        text = said["phase_" + found.phase.replace(" ", "_")] || said.phase_search;
        if (found.objective !== null && found.bound !== null) {
          text += " · " + fill("sites_so_far", {
            best: count(found.objective), bound: count(found.bound), gap: percent(gapOf(found.objective, found.bound)),
          });
        }
      }
      if (node("sites-state").textContent !== text) { node("sites-state").textContent = text; }
    }

    function unit(name) {
      return { "orders/h": said.unit_hour, "orders/week": said.unit_week }[name] || name;
    }

    function proof(figures) {
      const holes = {
        best: count(figures.objective), bound: count(figures.bound), unit: unit(figures.unit),
        gap: percent(figures.gap_added === null ? figures.gap : figures.gap_added),
      };
      return fill(figures.status === "optimal" ? "sites_proven" : "sites_not_proven", holes);
    }

    function basis(asked, question) {
      const names = (codes, pairs) => codes.map((code) => (pairs.find((pair) => pair[0] === code) || [code, code])[1]);
      const hour = asked.at ? planner.hourOf(asked.at) : null;
      const parts = [planner.when(hour), fill("within", { n: asked.minutes })];
      if (asked.at) { parts[0] = fill("at_moment", { when: parts[0], day: asked.at.slice(0, 10) }); }
      if (asked.week_of) { parts[0] += " (" + fill("week_from", { day: asked.week_of }) + ")"; }
      const more = names(asked.services, said.service_names).concat(names(asked.kinds, said.kind_names));
      if (more.length) { parts.push(more.join(" + ")); }
      if (asked.bbox) { parts.push(said.sites_in_view); }
      if (question.scenario) { parts.push(said.sites_with_scenario); }
      return fill("sites_basis", { what: parts.join(" · ") }) + (found.answer.version === planner.version() ? "" : " " + said.sites_older);
    }

    function headline(answer) {
      const figures = answer.figures;
      if (!answer.features.length) { return said.sites_none; }
      const text = fill("sites_headline", {
        n: answer.features.length, now: percent(figures.covered_share_before), then: percent(figures.covered_share_after),
        more: count(figures.covered_after - figures.covered_before), unit: unit(figures.unit),
      });
      const wanted = answer.question.new;
      return wanted !== null && answer.features.length < wanted ? text + " " + said.sites_no_more : text;
    }

    function present() {
      const answer = found.answer;
      node("sites-result").hidden = false;
      node("sites-headline").textContent = (found.state === "cancelled" ? said.sites_best_then + " " : "") + headline(answer);
      node("sites-proof").textContent = answer.features.length ? proof(answer.figures) : "";
      node("sites-basis").textContent = basis(answer.question, found.question);
      node("sites-take").hidden = !answer.features.length;
      const list = node("sites-list");
      clear(list);
      answer.features.forEach((site) => item(list, site.properties, answer));
      clear(node("sites-notes"));
      answer.notes.forEach((note) => make("li", node("sites-notes"), note));
      mark(answer.features.map((site) => site.properties));
    }

    function item(list, site, answer) {
      const line = make("li", list);
      line.dataset.rank = site.rank;
      const button = make("button", line);
      button.type = "button";
      button.className = "site-name";
      make("span", button, String(site.rank)).className = "site-rank";
      make("b", button, site.name || site.id);
      button.addEventListener("click", () => show(site));
      const gain = make("span", line, "+" + count(site.gain) + " " + unit(answer.figures.unit));
      gain.className = "site-gain";
      const facts = [said["option_" + site.option] || site.option];
      if (site.option !== "new_post") { facts.push(said.language === "en" ? site.hours_en : site.hours_zh); }
      if (site.place && site.place !== site.name) { facts.push(fill("sites_near", { place: site.place, km: (site.place_m / 1000).toFixed(1) })); }
      if (site.district_name) { facts.push(site.district_name); }
      if (site.cost !== null) { facts.push(fill("sites_cost", { cost: site.cost.toLocaleString(said.language), unit: said.price_unit })); }
      if (site.kept_share !== null) { facts.push(fill("sites_kept", { share: Math.round(100 * site.kept_share) })); }
      make("p", line, facts.join(" · ")).className = "quiet";
      const why = make("details", line);
      why.className = "site-why";
      make("summary", why, said.sites_why);
      make("p", why, said.language === "en" ? site.why_en : site.why_zh);
    }

    // ---------------------------------------------------------------- the map

    function mark(sites) {
      markers.forEach((marker) => marker.remove());
      markers = sites.slice().reverse().map((site) => {
        const face = document.createElement("span");
        face.textContent = String(site.rank);
        const marker = L.marker([site.lat, site.lon], {
          icon: L.divIcon({ className: "planner-site", iconSize: null, html: face }), zIndexOffset: 5000, keyboard: true,
        }).addTo(planner.map);
        const label = site.rank + " · " + (site.name || site.id);
        marker.getElement().title = label;
        marker.getElement().setAttribute("aria-label", label);
        marker.on("click", () => goTo(site));
        marker.on("keypress", (event) => { if (event.originalEvent.key === "Enter") { goTo(site); } });
        return marker;
      });
      if (!sites.length) { return; }
      const box = L.latLngBounds(sites.map((site) => [site.lat, site.lon]));
      window.locatorMap.fitView(planner.map, [
        [box.getSouth() - AROUND, box.getWest() - AROUND], [box.getNorth() + AROUND, box.getEast() + AROUND],
      ], false);
    }

    function goTo(site) {
      const line = node("sites-list").querySelector("[data-rank='" + site.rank + "'] button");
      line.focus();
      line.scrollIntoView({ block: "center" });
    }

    function show(site) {
      if (!markers.length) { mark(found.answer.features.map((one) => one.properties)); }
      planner.map.setView([site.lat, site.lon], Math.max(planner.map.getZoom(), 15));
      node("map").scrollIntoView({ block: "nearest" });
    }

    // ---------------------------------------------------------------- taking it over

    // Hours that a station is extended to are added to its own, as the rules of OSM write it.
    function joined(own, more) { return !own || own === "24/7" || more === "24/7" ? more : own + ", " + more; }

    function take() {
      const answer = found.answer;
      const asked = answer.question;
      const sites = answer.features.map((site) => site.properties);
      const isSite = (site) => site.option === "new_post" || (site.option === "add_cabinet" && site.origin !== "station");
      const all = planner.draft.get();
      if (all.add.length + sites.filter((site) => isSite(site) || site.option === "add_cabinet").length > planner.draft.most) {
        trouble(said.full);
        return;
      }
      mark([]);
      planner.take((then) => {
        sites.forEach((site) => {
          const row = planner.stationOf(site.id);
          if (isSite(site) || site.option === "add_cabinet") { then.add.push(planner.newStation(site, asked, then)); return; }
          const own = site.id in then.hours ? then.hours[site.id] : row && row[5];
          if (site.option === "extend_hours" || site.option === "add_service_and_hours") { then.hours[site.id] = joined(own, site.hours); }
          if (site.option !== "extend_hours") {
            const has = (row && row[6]) || []; // null is not recorded
            then.services[site.id] = [].concat(then.services[site.id] || [], asked.services.filter((code) => has.indexOf(code) < 0));
          }
        });
      });
    }

    // ---------------------------------------------------------------- together

    if (node("sites-form")) {
      node("sites-form").addEventListener("submit", (event) => { event.preventDefault(); start(); });
      Array.from(document.querySelectorAll("input[name=sites-by]")).forEach((radio) => radio.addEventListener("change", () => {
        node("sites-new-part").hidden = isBudget();
        node("sites-budget-part").hidden = !isBudget();
      }));
      node("sites-again").addEventListener("click", start);
    }
    node("sites-cancel").addEventListener("click", cancel);
    node("sites-take").addEventListener("click", take);
    node("sites-drop").addEventListener("click", () => { follow(null); planner.written(); });

    return { follow: follow, job: () => job };
  }

  window.locatorSites = { create: create };
})();
