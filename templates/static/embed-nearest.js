// The list in another's page. The position is asked for on a tap only, stays in this window, and
// is neither kept nor sent: the register comes whole, and the browser ranks it.
(function () {
  "use strict";

  const phone = window.locatorPhone;
  const words = window.locatorWords;
  const ranking = window.locatorRank;
  const refill = window.locatorCards.refill;
  const settings = JSON.parse(document.getElementById("embed").textContent);
  const COARSE_M = 1000;
  const SUGGESTED = 6;
  const at = (id) => document.getElementById(id);
  let loading = null;
  let turn = 0; // what arrives late for an earlier question is dropped

  function say(text) { at("status").textContent = text; }

  function register() {
    if (!loading) {
      loading = phone.load().then((found) => found.register);
      loading.catch(() => { loading = null; });
    }
    return loading;
  }

  function around(origin) {
    return register().then((whole) =>
      (whole.cells ? new phone.Cells(whole).around(origin.lon, origin.lat) : whole));
  }

  // Stations' pages refuse to be framed, and the way there is asked for on our own page.
  function alone(card) {
    const way = card.querySelector(".way");
    if (way) { way.remove(); }
    card.querySelectorAll("a").forEach((link) => { link.target = "_blank"; link.rel = "noreferrer"; });
    return card;
  }

  function show(near, origin) {
    const index = ranking.load(near);
    const question = {
      lon: origin.lon, lat: origin.lat, at: Date.now(), k: settings.count,
      services: settings.services, kinds: settings.kinds, platform: null,
      allNight: false, orUnknown: settings.unknown, weather: near.weather, toward: null,
    };
    const ask = (rule) => ranking.rank(index, Object.assign({ rule }, question));
    const open = ask("yes");
    const found = open.length ? open : ask("known");
    const relaxed = !open.length && found.length;
    const remark = found.length ? "" : words.said.none;
    at("remark").textContent = relaxed
      ? words.fill("relaxed", { minutes: near.min_minutes_left }) : remark;
    at("remark").hidden = !at("remark").textContent;
    window.locatorCards.leftOut(ranking.leftOut(index, question));
    at("list-unknown").onclick = (event) => {
      event.preventDefault(); // the position stays here: the server is not asked
      settings.unknown = true;
      show(near, origin);
    };
    const chosen = { services: settings.services, app: "" };
    const slack_s = words.slack(near, origin.accuracy);
    found.forEach((one) => { one.slack_s = slack_s; });
    refill(at("cards"), found.map((one) => alone(window.locatorCards.cardOf(near, one, chosen))));
    at("title").textContent = origin.name ? words.fill("near", { place: origin.name }) : words.said.here;
    window.locatorEmbed.tell();
  }

  function stand(origin, said) {
    const own = turn += 1;
    at("suggestions").hidden = true;
    return around(origin).then((near) => {
      if (own !== turn) { return; }
      show(near, origin);
      say(said);
    }, () => { if (own === turn) { say(words.said.no_data); } });
  }

  function accuracy(metres) {
    return metres > COARSE_M
      ? words.fill("coarse", { km: (metres / 1000).toFixed(0) })
      : words.fill("accuracy", { metres: Math.round(metres) });
  }

  function locate(event) {
    event.preventDefault();
    const own = turn += 1;
    say(words.said.locating);
    phone.position(false).then(
      (found) => {
        if (own !== turn) { return undefined; }
        if (found.accuracy > COARSE_M) { at("place").focus(); }
        return stand(found, accuracy(found.accuracy));
      },
      (error) => {
        if (own !== turn) { return; }
        say(words.said[error.message]);
        at("place").focus();
      }
    );
  }

  function suggest(hits) {
    refill(at("suggestions"), hits.map((hit) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "suggestion";
      button.textContent = hit.name;
      button.addEventListener("click", () => stand(hit, ""));
      item.appendChild(button);
      return item;
    }));
    at("suggestions").hidden = !hits.length;
  }

  function search(event) {
    event.preventDefault();
    const text = at("place").value;
    register().then((whole) => {
      const hits = phone.search(whole, text, 4 * SUGGESTED).filter((hit) => !hit.id);
      if (!hits.length) { say(words.fill("no_place", { text: text })); return; }
      if (hits.length === 1 || hits[0].exact) { stand(hits[0], ""); return; }
      say("");
      suggest(hits.slice(0, SUGGESTED));
    }, () => say(words.said.no_data));
  }

  Array.from(document.querySelectorAll("#cards .card")).forEach(alone);
  at("locate").addEventListener("submit", locate);
  at("search").addEventListener("submit", search);
})();
