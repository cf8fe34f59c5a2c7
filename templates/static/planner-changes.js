// The list of changes: what each is, in words, and a small form to set it exactly.
// Names and hours were written by people; they are only ever set as text or as an input's value.
(function () {
  "use strict";

  const HOURS = ["24/7", "Mo-Su 07:00-23:00", "Mo-Su 09:00-18:00"];

  function make(tag, parent, text) {
    const node = parent.appendChild(document.createElement(tag));
    if (text !== undefined) { node.textContent = text; }
    return node;
  }

  function button(parent, text, act) {
    const node = make("button", parent, text);
    node.type = "button";
    node.className = "quiet-button";
    node.addEventListener("click", act);
    return node;
  }

  function field(parent, label, input) {
    const line = make("label", parent, label + " ");
    line.appendChild(input);
    return input;
  }

  function input(type, value, changed) {
    const node = document.createElement("input");
    node.type = type;
    if (type === "number") { node.step = "any"; } else { node.maxLength = 80; }
    node.value = value;
    node.addEventListener("change", () => changed(node.value));
    return node;
  }

  function select(options, chosen, changed) {
    const node = document.createElement("select");
    options.forEach((option) => {
      const line = make("option", node, option[1]);
      line.value = option[0];
      line.selected = option[0] === chosen;
    });
    node.addEventListener("change", () => changed(node.value));
    return node;
  }

  // wordsOf: a text of opening hours in words, once an answer has brought them.
  function create(list, words, draft, stationOf, wordsOf) {
    const said = words.said;
    let shown = ""; // what the list was built from
    let opened = null;

    function knownHours(text) {
      return text === "24/7" ? said.always : text.replace("Mo-Su ", said.daily);
    }

    function hoursSaid(text) {
      return HOURS.indexOf(text) >= 0 ? knownHours(text) : wordsOf(text) || said.own_hours;
    }

    function hoursForm(parent, value, changed) {
      const isKnown = HOURS.indexOf(value) >= 0;
      const options = HOURS.map((text) => [text, knownHours(text)]);
      const own = field(parent, said.own_hours, input("text", value, (text) => {
        if (text.trim()) { changed(text.trim()); }
      }));
      own.parentNode.hidden = isKnown;
      const pick = select(options.concat([["", said.own_hours]]), isKnown ? value : "", (text) => {
        own.parentNode.hidden = text !== "";
        if (text) { own.value = text; changed(text); } else { own.focus(); }
      });
      parent.insertBefore(document.createElement("label"), own.parentNode);
      const line = own.parentNode.previousSibling;
      line.textContent = said.hours + " ";
      line.appendChild(pick);
    }

    function placeForm(parent, lon, lat, changed) {
      const x = field(parent, said.lon, input("number", lon, apply));
      const y = field(parent, said.lat, input("number", lat, apply));
      function apply() {
        const place = [Number(x.value), Number(y.value)];
        if (x.value && y.value && Math.abs(place[0]) <= 180 && Math.abs(place[1]) <= 90) { changed(place); }
      }
    }

    function item(id, text, note, remove) {
      const line = make("li", list);
      line.dataset.id = id;
      const part = make("details", line);
      part.open = opened === id;
      part.addEventListener("toggle", () => { if (part.open) { opened = id; } else if (opened === id) { opened = null; } });
      const summary = make("summary", part);
      make("b", summary, text);
      make("span", summary, " " + note).className = "quiet";
      const form = make("div", part);
      form.className = "change-form";
      button(line, said.remove, () => draft.step(remove)).setAttribute("aria-label", said.remove + ": " + text);
      return form;
    }

    function addedItem(one) {
      const edit = (act) => draft.step(() => act(draft.find(one.id)));
      const form = item(one.id, one.name, said.added + " · " + hoursSaid(one.opening_hours), (all) => {
        all.add = all.add.filter((other) => other.id !== one.id);
      });
      field(form, said.name, input("text", one.name, (text) => {
        if (text.trim()) { edit((it) => { it.name = text.trim(); }); }
      }));
      field(form, said.kind, select(said.kind_names, one.kind, (code) => edit((it) => { it.kind = code; })));
      hoursForm(form, one.opening_hours, (text) => edit((it) => { it.opening_hours = text; }));
      placeForm(form, one.lon, one.lat, (place) => edit((it) => { it.lon = place[0]; it.lat = place[1]; }));
      const box = make("fieldset", form);
      box.className = "chips";
      make("legend", box, said.services);
      said.service_names.forEach((pair) => {
        const line = make("label", box);
        const tick = make("input", line);
        tick.type = "checkbox";
        tick.checked = one.services.indexOf(pair[0]) >= 0;
        make("span", line, pair[1]);
        tick.addEventListener("change", () => edit((it) => {
          it.services = it.services.filter((code) => code !== pair[0]).concat(tick.checked ? [pair[0]] : []);
        }));
      });
    }

    function nameOf(id) {
      const row = stationOf(id);
      return row ? row[1] : id;
    }

    function others(all) {
      all.close.forEach((id) => item("close " + id, nameOf(id), said.closed_then, (it) => {
        it.close = it.close.filter((other) => other !== id);
      }));
      all.open.forEach((id) => item("open " + id, nameOf(id), said.opened_then, (it) => {
        it.open = it.open.filter((other) => other !== id);
      }));
      Object.keys(all.move).forEach((id) => {
        const form = item(id, nameOf(id), said.moved, (it) => { delete it.move[id]; });
        placeForm(form, all.move[id][0], all.move[id][1], (place) => draft.step((it) => { it.move[id] = place; }));
      });
      Object.keys(all.hours).forEach((id) => {
        const form = item("hours " + id, nameOf(id), said.hours + " " + hoursSaid(all.hours[id]), (it) => { delete it.hours[id]; });
        hoursForm(form, all.hours[id], (text) => draft.step((it) => { it.hours[id] = text; }));
      });
      Object.keys(all.services).forEach((id) => item("services " + id, nameOf(id),
        said.services + " " + [].concat(all.services[id]).join(" "), (it) => { delete it.services[id]; }));
    }

    // Focus stays in the field that was changed, though the list is made anew.
    function show() {
      const all = draft.get();
      const hours = all.add.map((one) => one.opening_hours).concat(Object.keys(all.hours).map((id) => all.hours[id]));
      const text = JSON.stringify([draft.plain(), hours.map(hoursSaid)]);
      if (text === shown) { return; }
      shown = text;
      const fields = Array.from(list.querySelectorAll("input, select, button, summary"));
      const at = fields.indexOf(document.activeElement);
      while (list.firstChild) { list.removeChild(list.firstChild); }
      all.add.forEach(addedItem);
      others(all);
      if (at >= 0) {
        const now = list.querySelectorAll("input, select, button, summary");
        (now[Math.min(at, now.length - 1)] || document.getElementById("place")).focus();
      }
    }

    // Opens a change's form; going there is for who asked for it, not for who works on the map.
    function open(id, isAsked) {
      opened = id;
      Array.from(list.children).forEach((line) => {
        line.firstChild.open = line.dataset.id === id;
        if (isAsked && line.dataset.id === id) { line.querySelector("summary").focus(); }
      });
    }

    return { show: show, open: open };
  }

  window.locatorChanges = { create: create };
})();
