"""Opening hours: three states, holidays, make-up workdays, nights, and what cannot be read."""

import csv
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locator.errors import InputError
from locator.hours import (
    STATES,
    HoursRules,
    HoursTable,
    is_readable,
    parse_calendar,
    read_spans,
)
from locator.schema import State
from locator.service import read_rules
from locator.settings import Settings
from tests.conftest import SHANGHAI

OFFICE = "Mo-Fr 09:00-12:00,14:00-18:00; PH off"
NO_CALENDAR = HoursRules(SHANGHAI, "CN", {})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def state(text: str | None, moment: str, rules: HoursRules = NO_CALENDAR) -> State:
    when = at(moment)
    found = HoursTable([text], rules, start=when).at(np.array([0]), np.array([when.timestamp()]))
    return STATES[found.state[0]]


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        (OFFICE, "2026-11-23T08:59", State.CLOSED),
        (OFFICE, "2026-11-23T09:00", State.OPEN),
        (OFFICE, "2026-11-23T12:00", State.CLOSED),
        (OFFICE, "2026-11-22T10:00", State.CLOSED),  # a Sunday
        (OFFICE, "2026-10-01T10:00", State.CLOSED),  # National Day, a Thursday
        ("22:00-06:00", "2026-11-23T03:00", State.OPEN),
        ("22:00-06:00", "2026-11-23T12:00", State.CLOSED),
        ("24/7", "2026-11-23T03:00", State.OPEN),
        ("off", "2026-11-23T12:00", State.CLOSED),
        ("09:00-18:00 unknown", "2026-11-23T12:00", State.UNKNOWN),
        (None, "2026-11-23T12:00", State.UNKNOWN),
        ("", "2026-11-23T12:00", State.UNKNOWN),
        ("早8点到晚10点", "2026-11-23T12:00", State.UNKNOWN),
    ],
)
def test_states(text: str | None, moment: str, expected: State) -> None:
    assert state(text, moment) is expected


def test_make_up_workdays_and_bridged_holidays_come_from_the_calendar(rules: HoursRules) -> None:
    assert state(OFFICE, "2026-10-10T10:00", rules) is State.OPEN  # a Saturday that is worked
    assert state(OFFICE, "2026-10-10T10:00") is State.CLOSED  # the same without the calendar
    assert state(OFFICE, "2026-10-06T10:00", rules) is State.CLOSED  # National Day week
    assert state(OFFICE, "2026-10-06T10:00") is State.OPEN
    # A shop that has no rule for holidays keeps its week through them.
    assert state("Mo-Su 10:00-22:00", "2026-10-06T10:00", rules) is State.OPEN


def test_closing_and_opening_have_their_day() -> None:
    table = HoursTable([OFFICE, "24/7", "18:00-03:00"], NO_CALENDAR, start=at("2026-11-20T00:00"))
    friday_evening = at("2026-11-20T19:00").timestamp()
    found = table.at(np.arange(3), np.full(3, friday_evening))
    assert [STATES[c] for c in found.state] == [State.CLOSED, State.OPEN, State.OPEN]
    assert found.opens_at[0] == at("2026-11-23T09:00").timestamp()  # after the weekend
    assert np.isnan(found.closes_at[1])  # never closes
    assert found.closes_at[2] == at("2026-11-21T03:00").timestamp()


def test_past_the_window_everything_is_unknown() -> None:
    start = at("2026-11-20T00:00")
    table = HoursTable(["24/7"], NO_CALENDAR, start=start)
    far = np.array([start.timestamp() + 9 * 86_400, start.timestamp() - 1])
    assert set(table.at(np.zeros(2, dtype=np.int64), far).state) == {STATES.index(State.UNKNOWN)}


texts = st.sampled_from(
    [OFFICE, "24/7", "18:00-03:00", "Sa-Su 10:00-22:00", "Mo 00:00-24:00", "off", "nonsense", None]
)


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), st.integers(0, 7 * 1440 - 1))
def test_the_table_agrees_with_the_library_asked_directly(
    given_texts: list[str | None], minute: int
) -> None:
    import opening_hours

    start = at("2026-11-23T00:00")
    when = start.timestamp() + minute * 60 + 1
    table = HoursTable(given_texts, NO_CALENDAR, start=start)
    found = table.at(np.arange(len(given_texts)), np.full(len(given_texts), when))
    for text, code in zip(given_texts, found.state, strict=True):
        if text is None or not is_readable(text):
            assert STATES[code] is State.UNKNOWN
            continue
        direct = opening_hours.OpeningHours(text, timezone=SHANGHAI, country="CN")
        expected = direct.is_open(datetime.fromtimestamp(when, SHANGHAI))
        assert (STATES[code] is State.OPEN) == expected


def test_spans_touch_and_cover_the_window(rules: HoursRules) -> None:
    spans = read_spans(OFFICE, rules, start=at("2026-09-30T15:00"))
    assert spans[0].start == at("2026-09-30T00:00")
    assert spans[-1].end == at("2026-10-08T00:00")
    assert all(a.end == b.start and a.state != b.state for a, b in pairwise(spans))


def test_a_wrong_calendar_row_is_named() -> None:
    with pytest.raises(InputError, match="row 3"):
        parse_calendar(
            [
                {"date": "2026-10-10", "kind": "workday", "like": "2026-10-09"},
                {"date": "10/10", "kind": "workday", "like": "2026-10-09"},
            ]
        )
    with pytest.raises(InputError, match="workday or holiday"):
        parse_calendar([{"date": "2026-10-10", "kind": "feast", "like": "2026-10-09"}])


@pytest.mark.realdata
def test_real_opening_hours_read_or_are_unknown(realdata: Path) -> None:
    lines = (realdata / "text" / "osm_opening_hours_distinct.txt").read_text("utf-8").splitlines()
    unreadable = [line for line in lines if not is_readable(line)]
    assert len(unreadable) == 18
    table = HoursTable(lines, NO_CALENDAR, start=at("2026-11-23T00:00"))
    noon = np.full(len(lines), at("2026-11-23T12:00").timestamp())
    found = table.at(np.arange(len(lines)), noon)
    bad = {lines.index(line) for line in unreadable}
    assert all(STATES[found.state[i]] is State.UNKNOWN for i in bad)


HEAD = b"date,kind,like,reason\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEAD + b"2026-10-10,workday\n", "row 2 needs dates"),  # a row cut short
        (HEAD + "2026-10-10,workday,2026-10-09,国庆节".encode("gb18030"), "not UTF-8"),
        (HEAD + b'2026-10-10,workday,2026-10-09,"' + b"x" * 200_000, "not CSV after line 1"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "calendar.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_rules(Settings(calendar=str(path)))


def test_a_calendar_day_needs_no_reason() -> None:
    (day,) = parse_calendar(
        csv.DictReader(["date,kind,like,reason", "2026-10-10,workday,2026-10-09"])
    ).values()
    assert day.reason == ""
