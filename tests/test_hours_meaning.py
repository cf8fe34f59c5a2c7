"""What a text means beyond its times: the sun, open ends, comments, fallbacks, nights."""

from datetime import datetime

import numpy as np
import pytest

from locator.hours import HoursRules, HoursTable, Moments, Span, read_spans, sun_place
from locator.hours_rules import split_chains
from locator.schema import State
from tests.conftest import SHANGHAI

RULES = HoursRules(SHANGHAI, "CN", {})
BAOJI = (107.2, 34.36)
CLOSED, OPEN, UNKNOWN = State.CLOSED, State.OPEN, State.UNKNOWN


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def span_at(text: str, moment: str, rules: HoursRules = RULES) -> Span:
    when = at(moment)
    spans = read_spans(text, rules, start=when, days=2, place=BAOJI)
    return next(span for span in spans if span.start <= when < span.end)


def moment_at(text: str, moment: str) -> Moments:
    table = HoursTable([text], RULES, start=at(moment), places=[BAOJI])
    return table.at(np.zeros(1, dtype=np.int64), np.array([at(moment).timestamp()]))


def test_the_sun_is_that_of_the_station_on_that_day() -> None:
    winter = span_at("sunrise-sunset", "2026-11-30T12:00")
    assert (winter.start, winter.end) == (at("2026-11-30T07:38"), at("2026-11-30T17:41"))
    summer = span_at("sunrise-sunset", "2026-06-21T12:00")
    assert summer.end > at("2026-06-21T19:55")
    assert summer.start < at("2026-06-21T05:45")


def test_without_a_place_the_sun_is_unknown_and_nothing_else_is() -> None:
    (span,) = read_spans("sunrise-sunset", RULES, start=at("2026-11-30T00:00"), days=1)
    assert span.state is UNKNOWN
    hours = read_spans('10:00-18:00 open "sunset"', RULES, start=at("2026-11-30T00:00"), days=1)
    assert len(hours) == 3


def test_stations_under_one_sun_share_a_schedule_and_others_do_not() -> None:
    assert sun_place("sunrise-sunset", (107.2, 34.36)) == sun_place(
        "sunrise-sunset", (107.21, 34.35)
    )
    assert sun_place("10:00-18:00", BAOJI) is None
    table = HoursTable(
        ["sunrise-sunset"] * 2, RULES, start=at("2026-11-30T00:00"), places=[BAOJI, (121.5, 31.2)]
    )
    found = table.at(np.arange(2), np.full(2, at("2026-11-30T17:20").timestamp()))
    assert found.state.tolist() == [1, 0]  # the sun of Shanghai has set


@pytest.mark.parametrize(
    ("text", "moment", "state", "comment"),
    [
        # An open end: open, and from midnight on nobody knows.
        ("18:00+", "2026-11-30T17:59", CLOSED, ""),
        ("18:00+", "2026-11-30T18:00", OPEN, ""),
        ("18:00+", "2026-12-01T02:00", UNKNOWN, ""),
        ("18:00+", "2026-12-01T06:00", CLOSED, ""),
        ("18:00-20:00+", "2026-11-30T19:59", OPEN, ""),
        ("18:00-20:00+", "2026-11-30T20:00", UNKNOWN, ""),
        ("20:00-02:00+", "2026-12-01T01:00", OPEN, ""),
        ("20:00-02:00+", "2026-12-01T03:00", UNKNOWN, ""),
        ("sunset+", "2026-11-30T18:00", OPEN, ""),
        ("Jan 1+ 10:00-18:00", "2026-11-30T19:00", CLOSED, ""),  # an open end of dates
        # A comment alone makes a rule unknown while it applies.
        ('Mo-Fr 09:00-20:00 "凭预约"', "2026-11-30T10:00", UNKNOWN, "凭预约"),
        ('Mo-Fr 09:00-20:00 "凭预约"', "2026-11-30T21:00", CLOSED, ""),
        ('Mo-Fr 09:00-20:00 open "出示证件"', "2026-11-30T10:00", OPEN, "出示证件"),
        ('Mo-Fr off "装修"', "2026-11-30T10:00", CLOSED, "装修"),
        ('09:00-12:00 "凭预约", 14:00-18:00', "2026-11-30T15:00", OPEN, ""),
        ('"only; on || request +"', "2026-11-30T10:00", UNKNOWN, "only; on || request +"),
        # A fallback holds where all before it are closed.
        ('08:00-18:00 || "打电话"', "2026-11-30T17:59", OPEN, ""),
        ('08:00-18:00 || "打电话"', "2026-11-30T18:30", UNKNOWN, "打电话"),
        ('08:00-18:00 || 18:00-20:00 "a" || off "b"', "2026-11-30T19:00", UNKNOWN, "a"),
        ('Mo-Fr 08:00-18:00 || "打电话"; PH off', "2026-10-01T10:00", CLOSED, ""),
        # Nights, past midnight, by the day they begin on.
        ("Fr 20:00-02:00; Sa 10:00-18:00", "2026-11-28T01:00", CLOSED, ""),
        ("Fr 20:00-02:00, Sa 10:00-18:00", "2026-11-28T01:00", OPEN, ""),
        # Only a rule that stands later in the text cuts a night short.
        ("Mo-Fr 11:00-02:00; Sa-Su 12:00-02:00", "2026-07-11T01:00", CLOSED, ""),
        ("Mo-Fr 11:00-02:00; Sa-Su 12:00-02:00", "2026-07-13T01:00", OPEN, ""),
        ("Mo 12:00-01:00; Tu-Sa 12:00-02:00; Su 12:00-01:00", "2026-07-13T00:30", OPEN, ""),
        # A list of days may have spaces.
        ("Mo-Fr 07:00-19:00; Sa, Su 09:00-16:00", "2026-07-11T03:00", CLOSED, ""),
        ("Mo-Fr 07:00-19:00; Sa, Su 09:00-16:00", "2026-07-11T10:00", OPEN, ""),
        ("10:00-18:00; Mo, PH off", "2026-07-13T12:00", CLOSED, ""),
        ("Mo 10:00-12:00, Tu, We 14:00-16:00", "2026-07-14T11:00", CLOSED, ""),
        ("Mo-Su 22:00-06:00; PH off", "2026-09-30T23:00", OPEN, ""),
        ("Mo-Su 22:00-06:00; PH off", "2026-10-01T03:00", CLOSED, ""),  # cut by PH off
        ("Mo-Su 22:00-06:00; PH off", "2026-10-01T23:00", CLOSED, ""),
        ("Mo-Su 22:00-06:00; PH off", "2026-10-02T03:00", CLOSED, ""),  # it never began
        ("Mo-Su 22:00-06:00; PH off", "2026-10-02T23:00", OPEN, ""),
    ],
)
def test_what_a_text_means_at_a_moment(text: str, moment: str, state: State, comment: str) -> None:
    found = span_at(text, moment)
    assert (found.state, found.comment) == (state, comment)


@pytest.mark.parametrize(
    ("text", "moment", "state"),
    [
        # 4 January 2026 is a Sunday that is worked like Monday the 5th.
        ("Mo-Fr 20:00-02:00", "2026-01-04T01:00", CLOSED),  # Saturday's night did not begin
        ("Mo-Fr 20:00-02:00", "2026-01-04T21:00", OPEN),
        ("Mo-Fr 20:00-02:00", "2026-01-05T01:00", OPEN),  # the worked Sunday's night
        ("Sa,Su 20:00-02:00", "2026-01-04T01:00", OPEN),  # Saturday's night
        ("Sa,Su 20:00-02:00", "2026-01-04T21:00", CLOSED),
        ("Sa,Su 20:00-02:00", "2026-01-05T01:00", CLOSED),  # Sunday's did not begin
        ("Mo-Fr 20:00-02:00", "2026-10-10T01:00", OPEN),  # Friday's night before a worked Saturday
        ("Mo-Fr 20:00-02:00", "2026-10-11T01:00", OPEN),  # and its own
        ("Mo-Fr 20:00-02:00", "2026-10-12T01:00", CLOSED),
        ("Mo-Fr 00:00-06:00", "2026-01-04T01:00", OPEN),  # Monday's own morning
        # The holidays of October 2026 are the 1st to the 7th.
        ("Mo-Su 22:00-06:00; PH off", "2026-10-04T03:00", CLOSED),
        ("Mo-Su 22:00-06:00; PH off", "2026-10-08T03:00", CLOSED),
        ("Mo-Su 22:00-06:00; PH off", "2026-10-08T23:00", OPEN),
        # Qingming, which the library does not know, is cut as 1 October is.
        ("Mo-Su 22:00-06:00; PH off", "2026-04-04T03:00", CLOSED),
        ("Mo-Su 22:00-06:00", "2026-10-08T03:00", OPEN),
        ("24/7", "2026-01-04T00:30", OPEN),
    ],
)
def test_nights_beside_days_that_run_like_another(
    text: str, moment: str, state: State, rules: HoursRules
) -> None:
    assert span_at(text, moment, rules).state is state


def test_an_open_end_has_no_closing_time() -> None:
    open_end = moment_at("18:00+", "2026-11-30T18:30")
    assert np.isnan(open_end.closes_at[0])
    assert open_end.sure_until[0] == at("2026-12-01T00:00").timestamp()
    ends = moment_at("18:00-22:00", "2026-11-30T18:30")
    assert ends.closes_at[0] == ends.sure_until[0] == at("2026-11-30T22:00").timestamp()


def test_a_comment_is_at_hand() -> None:
    text = 'Mo-Fr 09:00-20:00 "凭预约"'
    table = HoursTable([text], RULES, start=at("2026-11-30T00:00"))
    when = np.array([at("2026-11-30T10:00").timestamp(), at("2026-11-30T21:00").timestamp()])
    found = table.at(np.zeros(2, dtype=np.int64), when)
    assert [table.comments[number] for number in found.comment] == ["凭预约", ""]


def test_nothing_in_quotation_marks_is_touched() -> None:
    text = '10:00-12:00 open "18:00+ || 20:00-02:00; x"'
    (chain,) = split_chains(text)
    assert chain.whole.sure == chain.whole.longest == chain.whole.until_midnight().sure == text
