// The cards of the list: the page's own empty card, filled with what was found.
(function () {
  "use strict";

  const words = window.locatorWords;
  const at = (id) => document.getElementById(id);

  // replaceChildren is newer than the phones that ride here.
  function refill(parent, parts) {
    while (parent.firstChild) { parent.firstChild.remove(); }
    parts.forEach((part) => parent.append(part));
  }

  function leftOut(count) {
    at("left-out").firstChild.textContent = words.fill("left_out", { count });
    at("left-out").hidden = !count;
  }

  function put(card, name, text) {
    const place = card.querySelector("." + name);
    if (text) { place.textContent = text; } else { place.remove(); }
  }

  function services(card, found, chosen) {
    const place = card.querySelector(".services");
    const first = found.services.filter((code) => chosen.services.indexOf(code) >= 0);
    const rest = found.services.filter((code) => chosen.services.indexOf(code) < 0);
    if (found.services_unknown) { place.textContent = words.said.services_unknown; return; }
    if (!found.services.length) { place.remove(); }
    first.concat(rest).forEach((code) => {
      const chip = at("service-form").content.cloneNode(true);
      chip.querySelector("use").setAttribute("href", "#i-" + code);
      chip.querySelector("span span").textContent = words.said.services[code];
      place.appendChild(chip);
    });
  }

  function cardOf(register, found, chosen) {
    const card = at("card-form").content.querySelector("li").cloneNode(true);
    const kind = card.querySelector(".kind");
    const state = card.querySelector(".state");
    found.shift = register.stations[found.row].slice(9, 11);
    card.dataset.id = found.id;
    card.querySelector(".whole").href = "/stations/" + encodeURIComponent(found.id);
    card.querySelector(".minutes b").textContent = words.minutes(found);
    card.querySelector(".minutes").classList.toggle("range", words.isRange(found));
    card.querySelector(".name").textContent = found.name;
    card.querySelector(".km").textContent = (found.distance_m / 1000).toFixed(1);
    kind.textContent = words.said.kinds[found.kind][1] + " " + words.said.kinds[found.kind][0];
    kind.classList.add("kind-" + found.kind);
    state.classList.add("state-" + found.state);
    state.querySelector(".glyph").textContent = words.glyph(found);
    state.querySelector(".words").textContent = words.state(register, found);
    if (found.added_s !== null && found.added_s !== undefined) {
      const added = document.createElement("span");
      added.className = "added";
      added.textContent = words.fill("added", { minutes: Math.max(0, Math.round(found.added_s / 60)) });
      card.querySelector(".facts").after(added);
    }
    put(card, "restriction", words.restriction(found));
    put(card, "notice", words.notice(register, found, Date.now()));
    services(card, found, chosen);
    put(card, "checked", words.checked(register, found.extra && found.extra.checked));
    const go = card.querySelector(".go");
    go.href = words.navigation(found, chosen.app);
    const way = card.querySelector(".way");
    if (way && !register.roads) { way.remove(); } // a straight line is no way to show
    [go, way].forEach((one) => {
      if (one) { one.setAttribute("aria-label", one.textContent + " " + found.name); }
    });
    return card;
  }

  window.locatorCards = { cardOf, leftOut, refill };
})();
