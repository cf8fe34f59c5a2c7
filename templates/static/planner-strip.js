// The week as a table of 168 cells: a heat strip, a picker of hours and a table to read, in one.
// Days are rows on a desk and columns on a phone. One cell is in the order of the Tab key; arrows
// lead to the others.
(function () {
  "use strict";

  const DAYS = 7;
  const HOURS = 24;
  const NARROW = "(max-width: 700px)";
  const STEPS = [0.05, 0.1, 0.2, 0.4]; // uncovered share at which the next shade begins

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function make(tag, parent, text) {
    const node = parent.appendChild(document.createElement(tag));
    if (text !== undefined) { node.textContent = text; }
    return node;
  }

  function shade(share) {
    const missing = 1 - share;
    return STEPS.filter((step) => missing > step).length;
  }

  function header(parent, text, scope) {
    make("th", parent, text).setAttribute("scope", scope);
  }

  function create(frame, words, choose) {
    const narrow = window.matchMedia(NARROW);
    let cells = [];
    let shown = null; // what was shown last, for a table that is turned
    let last = 0; // the cell that Tab leads to

    function addCell(row, hour) {
      const cell = make("button", make("td", row));
      cell.type = "button";
      cell.tabIndex = -1;
      cell.addEventListener("click", () => choose(shown && shown.hour === hour ? null : hour));
      cells[hour] = cell;
    }

    function build() {
      while (frame.firstChild) { frame.removeChild(frame.firstChild); }
      cells = [];
      const table = make("table", frame);
      table.className = "strip " + (narrow.matches ? "is-tall" : "is-wide");
      table.setAttribute("aria-labelledby", "strip-title");
      table.setAttribute("aria-describedby", "strip-note");
      const head = make("tr", make("thead", table));
      const body = make("tbody", table);
      make("td", head);
      if (narrow.matches) {
        words.said.weekdays.forEach((day) => header(head, day, "col"));
        for (let hour = 0; hour < HOURS; hour += 1) {
          const row = make("tr", body);
          header(row, two(hour), "row");
          for (let day = 0; day < DAYS; day += 1) { addCell(row, day * HOURS + hour); }
        }
      } else {
        for (let hour = 0; hour < HOURS; hour += 1) { header(head, two(hour), "col"); }
        words.said.weekdays.forEach((name, day) => {
          const row = make("tr", body);
          header(row, name, "row");
          for (let hour = 0; hour < HOURS; hour += 1) { addCell(row, day * HOURS + hour); }
        });
      }
      table.addEventListener("keydown", walk);
      if (shown) { show(shown); } else { cells[last].tabIndex = 0; }
    }

    function walk(event) {
      const step = {
        ArrowRight: narrow.matches ? HOURS : 1, ArrowLeft: narrow.matches ? -HOURS : -1,
        ArrowDown: narrow.matches ? 1 : HOURS, ArrowUp: narrow.matches ? -1 : -HOURS,
      }[event.key];
      const at = cells.indexOf(document.activeElement);
      if (step === undefined || at < 0) { return; }
      event.preventDefault();
      tabTo((at + step + DAYS * HOURS) % (DAYS * HOURS));
      cells[last].focus();
    }

    function tabTo(hour) {
      cells[last].tabIndex = -1;
      last = hour;
      cells[last].tabIndex = 0;
    }

    function label(hour, share, unserved) {
      const when = words.said.weekdays[Math.floor(hour / HOURS)] + " " + two(hour % HOURS) + ":00";
      if (share === null) { return words.fill("cell_none", { when: when }); }
      return words.fill("cell", {
        when: when, share: (100 * share).toFixed(1), unserved: Math.round(unserved),
      });
    }

    function face(share, before) {
      if (share === null) { return "·"; }
      if (before === undefined) { return (100 * share).toFixed(0); } // as the report rounds
      const points = Math.round(100 * (share - before));
      return points === 0 ? "0" : (points > 0 ? "+" : "−") + Math.abs(points);
    }

    // shares, unserved: 168 each; before: 168 for the change against them, else undefined.
    function show(said) {
      shown = said;
      cells.forEach((cell, hour) => {
        const share = said.shares[hour];
        const before = said.before && said.before[hour];
        const isChange = before !== undefined && before !== null && share !== null;
        const text = face(share, isChange ? before : undefined);
        const tone = share === null ? "is-none"
          : !isChange ? "is-" + shade(share)
            : text === "0" ? "is-same" : share > before ? "is-gain" : "is-loss";
        const isChosen = said.hour === hour;
        if (cell.textContent !== text) { cell.textContent = text; }
        if (cell.className !== tone) { cell.className = tone; }
        const words_ = label(hour, share, said.unserved[hour]);
        if (cell.title !== words_) {
          cell.title = words_;
          cell.setAttribute("aria-label", words_);
        }
        cell.setAttribute("aria-pressed", String(isChosen));
      });
      if (said.hour !== null && document.activeElement !== cells[last]) { tabTo(said.hour); }
      if (cells[last].tabIndex !== 0) { tabTo(last); }
    }

    if (narrow.addEventListener) { narrow.addEventListener("change", build); } else { narrow.addListener(build); }
    build();
    return { show: show };
  }

  window.locatorStrip = { create: create };
})();
