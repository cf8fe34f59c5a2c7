"""Opening hours that can be read and may not be meant: they are taken, and said."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from locator.hours import HoursRules, Span, read_rules_alone
from locator.hours_rules import Night, Reading, split_chains
from locator.schema import State

_RANGE = re.compile(r"(?<![\d:])(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)(?!\s*[\d:+])")
_QUOTED = re.compile(r'"[^"]*"')
_NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_FIVE, _NINE, _TEN, _NOON = 300, 540, 600, 720  # minutes
_LATE_NIGHT = 270  # 4:30
# A year, so that every season and every holiday has its nights; any place's sun does.
_RULES = HoursRules(ZoneInfo("UTC"), "CN", {})
_START, _DAYS, _PLACE = datetime(2026, 1, 1, tzinfo=_RULES.timezone), 366, (107.0, 34.0)
_MOST = 10  # nights a year of one weekday, that it is the weekday's and not a holiday's


@lru_cache(maxsize=4096)
def hours_warnings(text: str) -> tuple[str, ...]:
    """Return what is doubtful of hours that can be read, as the ends of sentences.

    A night that a later rule cuts at midnight, and an end in the morning where the evening of a
    twelve-hour clock is likelier (``9:00-5:00``).
    """
    return (*_exchanged_halves(text), *_cut_nights(text))


def _exchanged_halves(text: str) -> Iterator[str]:
    for found in _RANGE.finditer(_QUOTED.sub("", text)):
        start, end = (60 * int(found[n]) + int(found[n + 1]) for n in (1, 3))
        padded = found[3][0] == "0"  # 10:00-05:00 is a karaoke's, and so is 10:00-04:00
        earliest, last = (_LATE_NIGHT, _TEN - 1) if padded else (60, _NOON)
        likelier = end + _NOON
        if _FIVE <= start <= last and earliest <= end < min(_NINE, start) and start < likelier:
            lasts = (end - start) % 1440 / 60
            meant = f"{found[1]}:{found[2]}-{likelier // 60}:{likelier % 60:02}"
            yield f"lasts {lasts:g} hours, till the next morning; is {meant} meant?"


def _cut_nights(text: str) -> Iterator[str]:
    cut: dict[date, Span] = {}
    for chain in split_chains(text):
        for night in chain.nights:
            if night.rest != night.rule:
                cut |= _cut_by_later(night)
    if not cut:
        return
    first = cut[min(cut)]
    days = Counter(day.weekday() for day in cut)
    often = [day for day in sorted(days) if days[day] >= _MOST]
    advice = ""
    if often:
        when = f"the night of {', '.join(_NAMES[(day - 1) % 7] for day in often)}"
        advice = "; if it goes on, part the rules with a comma instead of a semicolon"
    elif set(cut) <= _holidays():
        when = "the night before a public holiday"
    else:
        when = f"the night before {min(cut)}"
    yield (
        f"ends {when} at midnight instead of {first.end:%H:%M}, because a later rule is for the "
        f"day after{advice}"
    )


def _cut_by_later(night: Night) -> dict[date, Span]:
    """Return the mornings on which a night is over at midnight, with what it would be alone."""
    alone, rest = _year(night.rule), _year(night.rest)
    over = {
        span.end
        for span, following in pairwise(rest)
        if span.state is not State.CLOSED and following.state is State.CLOSED
    }
    found: dict[date, Span] = {}
    for span in alone:
        midnight = (span.start + timedelta(days=1)).replace(hour=0, minute=0)
        if span.state is not State.CLOSED and span.start < midnight < span.end and midnight in over:
            found[midnight.date()] = span
    return found


def _year(rules: Reading) -> list[Span]:
    return read_rules_alone(rules, _RULES, start=_START, days=_DAYS, place=_PLACE)


@lru_cache(maxsize=1)
def _holidays() -> frozenset[date]:
    return frozenset(
        span.start.date() for span in _year(Reading("PH", "PH")) if span.state is State.OPEN
    )
