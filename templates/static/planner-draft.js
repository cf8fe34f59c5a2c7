// A scenario as the page holds it: what changes against the register, with a way back.
// Its keys are those of the file (docs/planner.md, scenarios), so that what is sent is the file.
(function () {
  "use strict";

  const KEYS = ["close", "open", "hours", "services", "move", "add"];
  const MOST = 50;
  const KEPT = 100; // steps that can be undone

  // Ids are people's: in a bare object "__proto__" is a key like any other.
  function bare(given) {
    const kept = Object.create(null);
    if (given && typeof given === "object") {
      Object.keys(given).forEach((key) => { kept[key] = given[key]; });
    }
    return kept;
  }

  function empty() {
    return { close: [], open: [], hours: bare(), services: bare(), move: bare(), add: [] };
  }

  function texts(value) { return Array.isArray(value) ? value.filter((one) => typeof one === "string") : []; }

  function isPlace(value) {
    return Array.isArray(value) && value.length === 2 &&
      Math.abs(value[0]) <= 180 && Math.abs(value[1]) <= 90;
  }

  function keepOnly(given, isGood) {
    const kept = bare(given);
    Object.keys(kept).forEach((key) => { if (!isGood(kept[key])) { delete kept[key]; } });
    return kept;
  }

  function station(given) {
    if (!given || typeof given.id !== "string" || !isPlace([given.lon, given.lat])) { return null; }
    return {
      id: given.id,
      name: typeof given.name === "string" ? given.name : given.id,
      kind: typeof given.kind === "string" ? given.kind : "rest_post",
      lon: given.lon,
      lat: given.lat,
      services: texts(given.services),
      opening_hours: typeof given.opening_hours === "string" ? given.opening_hours : "24/7",
    };
  }

  // What a link brings was made by somebody: only what has the right form is taken.
  function read(given) {
    const draft = empty();
    if (!given || typeof given !== "object") { return draft; }
    draft.close = texts(given.close);
    draft.open = texts(given.open);
    draft.hours = keepOnly(given.hours, (value) => typeof value === "string");
    draft.services = keepOnly(given.services, Array.isArray);
    draft.move = keepOnly(given.move, isPlace);
    draft.add = (Array.isArray(given.add) ? given.add : []).map(station).filter(Boolean).slice(0, MOST);
    return draft;
  }

  function size(value) { return Array.isArray(value) ? value.length : Object.keys(value).length; }

  function plain(draft) {
    const said = {};
    KEYS.forEach((key) => { if (size(draft[key])) { said[key] = draft[key]; } });
    return Object.keys(said).length ? said : null;
  }

  // changed() is called after every step; isLive tells that more of the same are on their way.
  function create(changed) {
    let draft = empty();
    let steps = [];

    function remember() {
      steps.push(JSON.stringify(draft));
      steps = steps.slice(-KEPT);
    }

    function step(act) {
      remember();
      act(draft);
      changed(false);
    }

    return {
      get: () => draft,
      plain: () => plain(draft),
      step: step,
      remember: remember,
      slide: (act) => { act(draft); changed(true); },
      settle: () => changed(false),
      canUndo: () => steps.length > 0,
      most: MOST,
      isFull: () => draft.add.length >= MOST,
      undo: () => {
        if (!steps.length) { return; }
        draft = read(JSON.parse(steps.pop()));
        changed(false);
      },
      load: (given) => { draft = read(given); steps = []; changed(false); },
      find: (id) => draft.add.find((one) => one.id === id),
    };
  }

  window.locatorDraft = { create: create };
})();
