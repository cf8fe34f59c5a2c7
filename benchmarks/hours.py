"""Opening hours against the npm package ``opening_hours``: the state, and the next change of it.

    npm install opening_hours                      # anywhere; LGPL, so it stays outside
    python benchmarks/hours.py VALUES.txt --npm node_modules [--country CN] [--show KIND]

Every value of the file, one a line, is asked at 50 seeded moments of 2026 (``--seed``) by both, in
one time zone and at one place. With ``--country CN`` both read public holidays, each its own; a
moment counts only if they agree on the public holidays from the day before to the eighth day
after. Differences are counted by kind, the kinds are told by the text and the two answers:
``docs/opening-hours.md`` says why each is there. ``--answers FILE`` keeps npm's answers of every
tenth value at 8 moments, by line and hash, as ``tests/vectors/npm_hours.json`` holds them.
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
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from locator.hours import HoursRules, is_readable, read_spans

ZONE = ZoneInfo("Asia/Shanghai")
PLACE = (107.15, 34.36)  # Baoji
MOMENTS = 50
HORIZON_DAYS = 7  # a change past it is "none soon" for both
NODE = """
const [library, country, lon, lat, horizon] = process.argv.slice(1);
const Hours = require(library);
const place = {lon: +lon, lat: +lat, address: {country_code: country, state: "Shaanxi"}};
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


def agreed(moments: Sequence[int], modules: Path, rules: HoursRules) -> list[int]:
    """Return the moments around which both sides have the same public holidays."""
    (theirs,) = ask_npm(["PH"], _days(moments), modules, rules.country)
    ours = ask_us("PH", _days(moments), rules)
    if theirs is None or ours is None:
        raise SystemExit("One of the two does not read PH.")
    same = [a is not None and a[0] == b[0] for a, b in zip(theirs, ours, strict=True)]
    width = HORIZON_DAYS + 3
    return [m for n, m in enumerate(moments) if all(same[n * width : (n + 1) * width])]


def _days(moments: Sequence[int]) -> list[int]:
    return [m + 86_400 * day for m in moments for day in range(-1, HORIZON_DAYS + 2)]


def kind_of(value: str, ours: Answer, theirs: Answer) -> str:
    """Name the kind of a difference by the text and the two answers."""
    bare = re.sub(r'"[^"]*"', "", value)
    sun = re.search(r"sunrise|sunset|dawn|dusk", bare)
    changes = ours[1], theirs[1]
    if re.search(r"\d\s*\+|(?:sunset|dusk)\s*\+", bare):
        return "open end"
    if sun and ours[0] == theirs[0] and None not in changes:
        apart = abs((ours[1] or 0) - (theirs[1] or 0))
        return "sun, within 5 minutes" if apart <= 300 else "sun"
    if "SH" in bare:
        return "school holidays"
    if "PH" in bare:
        return "PH"
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
    rules = HoursRules(ZONE, asked.country, {})
    moments = agreed(seeded_moments(asked.seed), asked.npm, rules)
    theirs = ask_npm(values, moments, asked.npm, asked.country)
    if asked.answers:
        asked.answers.write_text(_sample(values, moments, theirs), "utf-8")
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


def _sample(values: Sequence[str], moments: Sequence[int], answers: Answers) -> str:
    """Return npm's answers of every tenth value at every sixth moment, without the values."""
    kept = [
        {
            "line": number + 1,
            "sha256": hashlib.sha256(values[number].encode()).hexdigest()[:16],
            "answers": None if (row := answers[number]) is None else row[::6],
        }
        for number in range(0, len(values), 8)
    ]
    head = {"moments": list(moments[::6]), "place": PLACE, "timezone": str(ZONE)}
    return json.dumps(head | {"values": kept}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
