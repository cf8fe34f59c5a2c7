"""Years whose holidays are not announced: statutory days by the lunar calendar, and it is said."""

import json
from collections.abc import Callable
from datetime import date, datetime

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from locator.hours import (
    HoursRules,
    calendar_warnings,
    parse_calendar,
    read_spans,
    unannounced_year,
    with_expected,
)
from locator.schema import State
from locator.settings import Settings
from locator.web import create_app
from tests.conftest import SHANGHAI

OFFICE = "Mo-Su 09:00-18:00; PH off"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def state_at(rules: HoursRules, moment: str) -> State:
    when = at(moment)
    spans = read_spans(OFFICE, rules, start=when, days=2)
    return next(span.state for span in spans if span.start <= when < span.end)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2027-02-05T10:00", State.CLOSED),  # New Year's Eve of the lunar calendar
        ("2027-02-08T10:00", State.CLOSED),
        ("2027-02-09T10:00", State.OPEN),  # what the State Council adds is not guessed
        ("2027-04-05T10:00", State.CLOSED),  # Qingming
        ("2027-10-02T10:00", State.CLOSED),
        ("2027-10-04T10:00", State.OPEN),
        ("2033-01-31T10:00", State.CLOSED),
        ("2026-10-06T10:00", State.CLOSED),  # announced
    ],
)
def test_statutory_days_of_later_years_are_expected(
    rules: HoursRules, moment: str, state: State
) -> None:
    assert state_at(rules, moment) is state


def test_expected_days_are_marked_and_no_workday_is_guessed(rules: HoursRules) -> None:
    later = [row for day, row in rules.calendar.items() if day.year > 2026]
    assert {row.kind for row in later} == {"holiday"}
    assert all(row.expected and row.reason.endswith("（预计）") for row in later)
    assert not any(row.expected for day, row in rules.calendar.items() if day.year == 2026)


def test_a_year_that_is_announced_is_not_looked_up() -> None:
    row = {"date": "2027-02-15", "kind": "workday", "like": "2027-02-16"}
    expected = [
        {"date": day, "kind": "expected", "like": day} for day in ("2027-02-06", "2028-01-26")
    ]
    calendar = with_expected(parse_calendar([row]), parse_calendar(expected))
    assert sorted(calendar) == [date(2027, 2, 15), date(2028, 1, 26)]
    assert with_expected({}, parse_calendar(expected)) == {}


def test_the_doubt_begins_where_the_window_reaches_the_year(rules: HoursRules) -> None:
    assert calendar_warnings(rules, at("2026-12-20T12:00")) == []
    assert unannounced_year(rules, at("2026-12-28T12:00")) == 2027
    (warning,) = calendar_warnings(rules, at("2027-03-01T12:00"))
    assert "2027 are expected (预计)" in warning
    (far,) = calendar_warnings(rules, at("2050-03-01T12:00"))
    assert "on such days of 2050" in far


def test_command_line_and_interface_say_it(cli: Callable[..., Result], client: FlaskClient) -> None:
    said = cli("nearest", "107.1489", "34.3692", "--at", "2027-02-06T10:00", "-k", "1").output
    assert "2027 are expected (预计)" in said
    answer = json.loads(
        client.get("/api/nearest?lon=107.1489&lat=34.3692&at=2027-02-06T10:00").data
    )
    assert len(answer["warnings"]) == 1
    now = json.loads(client.get("/api/nearest?lon=107.1489&lat=34.3692").data)
    assert now["warnings"] == []
    assert "放假安排尚未公布" not in client.get("/").text


def test_pages_say_it(settings: Settings) -> None:
    app = create_app(settings, clock=lambda: at("2027-02-06T10:00"))
    with app.test_client() as later:
        assert "2027 年的放假安排尚未公布：节假日为预计" in later.get("/").text
        assert "2027 are not announced yet" in later.get("/?lang=en").text.replace("&#39;", "'")
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()
