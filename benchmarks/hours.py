"""Opening hours against the npm package ``opening_hours``: the state, and the next change of it.

    npm install opening_hours                      # anywhere; LGPL, so it stays outside
    python benchmarks/hours.py VALUES.txt --npm node_modules [--country CN] [--show KIND]

Every value of the file, one a line, is asked at 50 seeded moments of 2026 (``--seed``) by both, in
one time zone, at one place and with the public holidays that npm has for the country. Differences
are counted by kind; ``docs/opening-hours.md`` says why each is there. ``--answers FILE`` keeps
npm's answers at nine moments, of every eighth value and of those that differ, for
``tests/vectors/npm_hours.json``.
"""

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from locator.hours import CalendarDay, HoursRules, is_readable, read_spans

ZONE = ZoneInfo("Asia/Shanghai")
PLACE = (107.15, 34.36)  # Baoji
MOMENTS = 50
HORIZON_DAYS = 7  # a change past it is "none soon" for both
NODE = """
const [library, country, lon, lat, horizon] = process.argv.slice(1);
const Hours = require(library);
const place = {lon, lat, address: {country_code: country, state: "Shaanxi"}};
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = asked.values.map((value) => {
  let hours;
  try { hours = new Hours(value, place, {mode: 0, tag_key: "opening_hours", map_value: false}); }
  catch (error) { return null; }
  return asked.moments.map((moment) => {
    const state = (at) => hours.getUnknown(at) ? "unknown" : hours.getState(at) ? "open" : "closed";
    try {
      const here = state(new Date(moment * 1000));
      const steps = hours.getIterator(new Date(moment * 1000));
      while (steps.advance()) {  // a change of comment alone is none
        const seconds = steps.getDate().getTime() / 1000;
        if (seconds > moment + horizon * 86400) break;
        const now = steps.getUnknown() ? "unknown" : steps.getState() ? "open" : "closed";
        if (now !== here) return [here, seconds];
      }
      return [here, null];
    } catch (error) { return null; }
  });
});
process.stdout.write(JSON.stringify(answers));
"""

Answer = tuple[str, int | None]
Answers = list[list[Answer | None] | None]


def seeded_moments(seed: int, count: int = MOMENTS) -> list[int]:
    """Return whole minutes of 2026 as POSIX seconds."""
    chance = random.Random(seed)
    first = int(datetime(2026, 1, 2, tzinfo=ZONE).timestamp())
    return sorted(first + 60 * chance.randrange(360 * 24 * 60) for _ in range(count))


def ask_npm(values: Sequence[str], moments: Sequence[int], modules: Path, country: str) -> Answers:
    """Ask the npm package, which reads "local time" from TZ."""
    arguments = [str((modules / "opening_hours").resolve()), country.lower()]
    arguments += [str(number) for number in (*PLACE, HORIZON_DAYS)]
    done = subprocess.run(
        ["node", "-e", NODE, *arguments],
        input=json.dumps({"values": list(values), "moments": list(moments)}),
        env=os.environ | {"TZ": str(ZONE)},
        capture_output=True,
        text=True,
        check=True,
    )
    answers: Answers = json.loads(done.stdout)
    return answers


def ask_us(value: str, moments: Sequence[int], rules: HoursRules) -> list[Answer] | None:
    """Return our answers; None for what we do not read."""
    return [_at(value, moment, rules) for moment in moments] if is_readable(value) else None


def _at(value: str, moment: int, rules: HoursRules) -> Answer:
    when = datetime.fromtimestamp(moment, ZONE)
    spans = read_spans(value, rules, start=when, days=HORIZON_DAYS + 2, place=PLACE)
    number = next(n for n, span in enumerate(spans) if span.start <= when < span.end)
    state = spans[number].state
    end = next((s.start for s in spans[number:] if s.state is not state), None)
    late = end is None or end.timestamp() > moment + HORIZON_DAYS * 86_400
    return state.value, None if end is None or late else int(end.timestamp())


def agreed_rules(modules: Path, country: str) -> HoursRules:
    """Return our rules with npm's public holidays of 2026: a calendar adds some and takes others.

    npm has days of China that are no holiday for everybody, and none of the lunar calendar.
    """
    noons = [datetime(2026, 1, 1, 12, tzinfo=ZONE) + timedelta(days=n) for n in range(372)]
    moments = [int(noon.timestamp()) for noon in noons]
    (theirs,) = ask_npm(["PH"], moments, modules, country)
    ours = ask_us("PH", moments, HoursRules(ZONE, country, {}))
    if theirs is None or ours is None:
        raise SystemExit("One of the two does not read PH.")
    feasts = {
        noon.date(): a is not None and a[0] == "open" for noon, a in zip(noons, theirs, strict=True)
    }
    own = {noon.date(): a[0] == "open" for noon, a in zip(noons, ours, strict=True)}
    feast = next(day for day, is_feast in feasts.items() if is_feast and own[day])
    calendar = {}
    for day, is_feast in feasts.items():
        if is_feast and not own[day]:
            calendar[day] = CalendarDay(day, "holiday", feast, "npm's")
        elif own[day] and not is_feast:
            calendar[day] = CalendarDay(day, "workday", day - timedelta(days=7), "not npm's")
    return HoursRules(ZONE, country, calendar)


def kind_of(value: str, ours: Answer, theirs: Answer) -> str:
    """Name the kind of a difference by the text and the two answers."""
    bare = re.sub(r'"[^"]*"', "", value)
    if re.search(r"\d:\d\d\s*\+", bare):
        return "open end"
    apart = abs((ours[1] or 0) - (theirs[1] or 0))
    if re.search(r"sunrise|sunset|dawn|dusk", bare) and apart <= 300:
        return "sun, within 5 minutes"
    if re.search(r"Feb 3[01]", bare):
        return "a date that does not exist"
    if re.search(r";\s*\d{1,2}:", bare):
        return "a later rule without days"
    if "PH off" in bare:
        return "the night of a day that is off"
    return "other"


def main() -> None:
    """Compare, and print what differs by kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("values", type=Path)
    parser.add_argument("--npm", type=Path, required=True, help="the node_modules folder")
    parser.add_argument("--country", default="CN")
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--show", help="print the values of a kind")
    parser.add_argument("--answers", type=Path, help="write npm's answers of a sample")
    asked = parser.parse_args()
    values = asked.values.read_text("utf-8").splitlines()
    rules = agreed_rules(asked.npm, asked.country)
    moments = seeded_moments(asked.seed)
    theirs = ask_npm(values, moments, asked.npm, asked.country)
    states, changes, examples = Counter[str](), Counter[str](), dict[str, dict[str, list[str]]]()
    unread = Counter[str]()
    pairs = 0
    for value, answers in zip(values, theirs, strict=True):
        own = ask_us(value, moments, rules)
        if own is None or answers is None:
            unread["both" if own is answers else "we do not read" if own is None else "npm"] += 1
            if asked.show == "unread" and own is not answers:
                print("  ", "we" if own is None else "npm", value)
            continue
        for moment, we, they in zip(moments, own, answers, strict=True):
            pairs += 1
            if they is None or (we[0], we[1]) == (they[0], they[1]):
                continue
            kind = kind_of(value, we, (they[0], they[1]))
            (states if we[0] != they[0] else changes)[kind] += 1
            line = (
                f"{datetime.fromtimestamp(moment, ZONE):%a %F %R} we {_say(we)}, npm {_say(they)}"
            )
            examples.setdefault(kind, {}).setdefault(value, []).append(line)
    if asked.answers:
        differing = {value for kind in examples.values() for value in kind}
        kept = _sample(values, moments, theirs, rules, differing)
        asked.answers.write_text(kept, "utf-8")
    print(f"{len(values)} values, {len(moments)} moments, {pairs} pairs; not read: {dict(unread)}")
    for kind in sorted(examples):
        print(
            f"{kind}: {len(examples[kind])} values, {states[kind]} states, {changes[kind]} changes"
        )
        if kind == asked.show:
            for value, lines in examples[kind].items():
                print("  ", value, "|", len(lines), "|", lines[0])


def _say(answer: Sequence[object]) -> str:
    until = answer[1]
    end = "-" if not isinstance(until, int) else f"{datetime.fromtimestamp(until, ZONE):%a %d %R}"
    return f"{answer[0]} till {end}"


def _sample(
    values: Sequence[str],
    moments: Sequence[int],
    answers: Answers,
    rules: HoursRules,
    differing: set[str],
) -> str:
    """Return npm's answers at every sixth moment, of every eighth value and those that differ."""
    kept = [
        {
            "line": number + 1,
            "sha256": hashlib.sha256(value.encode()).hexdigest()[:16],
            "answers": None if (row := answers[number]) is None else row[::6],
        }
        for number, value in enumerate(values)
        if number % 8 == 0 or value in differing
    ]
    calendar = [
        {"date": str(day), "kind": row.kind, "like": str(row.like)}
        for day, row in rules.calendar.items()
    ]
    head = {"moments": list(moments[::6]), "place": PLACE, "timezone": str(ZONE)}
    head |= {"country": rules.country, "calendar": calendar}
    return json.dumps(head | {"values": kept}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
