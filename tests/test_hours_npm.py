"""The state and its next change against the npm package ``opening_hours``: its answers are kept.

``tests/vectors/npm_hours.json`` was written by ``benchmarks/hours.py``, which compares all values;
it holds answers by line and hash, and none of the values, which are OpenStreetMap's (ODbL).
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from locator.hours import HoursRules, is_readable, parse_calendar, read_spans

KEPT = json.loads((Path(__file__).parent / "vectors" / "npm_hours.json").read_text("utf-8"))
ZONE = ZoneInfo(KEPT["timezone"])
RULES = HoursRules(ZONE, KEPT["country"], parse_calendar(KEPT["calendar"]))
DAYS = 7
# Lines whose answers differ, for the reasons of docs/opening-hours.md.
DIFFERENT = {11, 23, 476, 477, 796, 899, 1118, 1167}
UNREAD = {897}  # Mo-Su 24/7


def answer(text: str, moment: int) -> list[str | int | None]:
    when = datetime.fromtimestamp(moment, ZONE)
    spans = read_spans(text, RULES, start=when, days=DAYS + 2, place=tuple(KEPT["place"]))
    number = next(n for n, span in enumerate(spans) if span.start <= when < span.end)
    state = spans[number].state
    changes = (int(s.start.timestamp()) for s in spans[number:] if s.state is not state)
    change = next(changes, None)
    late = change is None or change > moment + DAYS * 86_400
    return [state.value, None if late else change]


@pytest.mark.realdata
def test_answers_are_those_of_the_npm_package(realdata: Path) -> None:
    lines = (realdata / "text" / "osm_opening_hours_distinct.txt").read_text("utf-8").splitlines()
    different, unread = set(), set()
    for kept in KEPT["values"]:
        text = lines[kept["line"] - 1]
        assert hashlib.sha256(text.encode()).hexdigest()[:16] == kept["sha256"]
        if kept["answers"] is None or not is_readable(text):
            unread.add(kept["line"])
        elif [answer(text, moment) for moment in KEPT["moments"]] != kept["answers"]:
            different.add(kept["line"])
    assert len(KEPT["values"]) - len(unread) > 140
    assert different == DIFFERENT
    assert unread == UNREAD
