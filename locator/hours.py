"""Opening hours: text in OpenStreetMap's syntax to states over a window of time.

The text is read by ``opening-hours-py``, never by us. What that library cannot know stands in
a calendar: make-up workdays and the days around a public holiday that a country's government
moves from year to year. A text that is missing or cannot be read is *unknown*, not closed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import opening_hours

from locator.errors import InputError
from locator.schema import State

__all__ = [
    "STATES",
    "WINDOW_DAYS",
    "YEARS",
    "CalendarDay",
    "HoursRules",
    "HoursTable",
    "Moments",
    "Span",
    "calendar_doubts",
    "is_readable",
    "parse_calendar",
    "parse_moment",
    "read_spans",
]

YEARS = range(1970, 9999)  # a window past it has no dates
WINDOW_DAYS = 8  # a week and the rest of today: "closed until Tuesday" has its Tuesday

# Positions in this tuple are the codes of the arrays below.
STATES: tuple[State, ...] = (State.CLOSED, State.OPEN, State.UNKNOWN)
_CODES = {
    opening_hours.State.CLOSED: 0,
    opening_hours.State.OPEN: 1,
    opening_hours.State.UNKNOWN: 2,
}
_OPEN, _UNKNOWN = 1, 2
_ONLY_COMMENT = re.compile(r"\s*\"[^\"]*\"\s*")  # "by appointment" says nothing of when


@dataclass(frozen=True)
class CalendarDay:
    """A day that is not what the week says: it runs like another day.

    ``workday`` rows hold for every text; ``holiday`` rows only for texts that have a rule for
    public holidays (``PH``), because a place that does not name them keeps its week.
    """

    day: date
    kind: Literal["workday", "holiday"]
    like: date
    reason: str


@dataclass(frozen=True)
class HoursRules:
    """What a text's meaning depends on besides itself: time zone, country, calendar."""

    timezone: ZoneInfo
    country: str
    calendar: Mapping[date, CalendarDay]


@dataclass(frozen=True)
class Span:
    """A stretch of one state, in local time; ``end`` is exclusive."""

    start: datetime
    end: datetime
    state: State


def is_readable(text: str) -> bool:
    """Tell whether a text is opening hours that can be read."""
    try:
        return bool(text) and opening_hours.validate(text)
    except UnicodeEncodeError:  # half a character, which no text file can hold
        return False


def parse_calendar(rows: Iterable[Mapping[str, str]]) -> dict[date, CalendarDay]:
    """Read the calendar's rows: ``date, kind, like, reason``.

    Raises
    ------
    InputError
        Names the row and the column that is wrong.
    """
    calendar: dict[date, CalendarDay] = {}
    for number, row in enumerate(rows, start=2):
        try:
            day, like = (date.fromisoformat(row[column]) for column in ("date", "like"))
        except (KeyError, TypeError, ValueError) as error:  # a short row's cells are None
            raise InputError(
                f"The calendar's row {number} needs dates like 2026-10-10 in 'date' and 'like'."
            ) from error
        kind, reason = row.get("kind"), row.get("reason") or ""
        if kind == "workday":
            calendar[day] = CalendarDay(day, "workday", like, reason)
        elif kind == "holiday":
            calendar[day] = CalendarDay(day, "holiday", like, reason)
        else:
            raise InputError(
                f"The calendar's row {number} has kind {kind!r}; it must be workday or holiday."
            )
    return calendar


def parse_moment(text: str, timezone: ZoneInfo) -> datetime:
    """Read an ISO 8601 moment; without an offset it is local time in ``timezone``.

    Raises
    ------
    InputError
        The text is not a moment, or one outside :data:`YEARS`.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a moment; write it like 2026-11-23T12:30, in local time."
        ) from error
    if moment.year not in YEARS:
        raise InputError(
            f"{text!r} is too far from our time: opening hours are known for the years "
            f"{YEARS.start} to {YEARS.stop - 1}."
        )
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone)
    return moment.astimezone(timezone)


def read_spans(
    text: str | None, rules: HoursRules, *, start: datetime, days: int = WINDOW_DAYS
) -> list[Span]:
    """Return the states from local midnight of ``start``'s day over ``days`` days, merged.

    A missing or unreadable text is one span of unknown.
    """
    midnight = _midnight(start.astimezone(rules.timezone).date(), rules.timezone)
    end = _midnight(midnight.date() + timedelta(days=days), rules.timezone)
    if not text or not is_readable(text) or _ONLY_COMMENT.fullmatch(text):
        return [Span(midnight, end, State.UNKNOWN)]
    expression = opening_hours.OpeningHours(
        text,
        timezone=rules.timezone,
        country=rules.country,
        auto_country=False,
        auto_timezone=False,
    )
    spans: list[Span] = []
    for piece in _pieces(expression, text, rules, midnight, end):
        if spans and spans[-1].state is piece.state and spans[-1].end >= piece.start:
            spans[-1] = Span(spans[-1].start, piece.end, piece.state)
        else:
            spans.append(piece)
    return spans


def calendar_doubts(rules: HoursRules, moment: datetime) -> list[str]:
    """Say that the calendar does not reach a moment's year: its moved holidays are not known."""
    last = max(rules.calendar, default=None)
    if last is None or moment.year <= last.year:
        return []
    return [
        f"The calendar of make-up workdays and moved holidays ends with {last.year}; on such days "
        f"of {moment.year} opening hours may be wrong (LOCATOR_CALENDAR)."
    ]


def _midnight(day: date, timezone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone)


def _pieces(
    expression: opening_hours.OpeningHours,
    text: str,
    rules: HoursRules,
    start: datetime,
    end: datetime,
) -> Iterator[Span]:
    """Yield the spans of ``[start, end)``, cut at each day that runs like another one."""
    names_holidays = re.search(r"\bPH\b", text) is not None
    begin, day = start, start.date()
    while day < end.date():
        special = rules.calendar.get(day)
        following = _midnight(day + timedelta(days=1), rules.timezone)
        if special is not None and (special.kind == "workday" or names_holidays):
            yield from _read(expression, begin, _midnight(day, rules.timezone))
            shift = day - special.like
            like = _midnight(special.like, rules.timezone)
            for span in _read(expression, like, like + timedelta(days=1)):
                yield Span(span.start + shift, span.end + shift, span.state)
            begin = following
        day += timedelta(days=1)
    yield from _read(expression, begin, end)


def _read(expression: opening_hours.OpeningHours, start: datetime, end: datetime) -> Iterator[Span]:
    if start >= end:
        return
    for first, last, state, _comment in expression.intervals(start, end):
        yield Span(max(first, start), min(last, end), STATES[_CODES[state]])


@dataclass(frozen=True)
class Moments:
    """States at many moments, one array each; times are POSIX seconds, NaN where there is none.

    Attributes
    ----------
    state
        Codes into :data:`STATES`.
    closes_at
        End of the open stretch; NaN when not open or open past the window.
    opens_at
        Next opening that is certain; NaN when open, unknown, or not within the window.
    """

    state: npt.NDArray[np.int8]
    closes_at: npt.NDArray[np.float64]
    opens_at: npt.NDArray[np.float64]


class HoursTable:
    """The states of many stations over one window, as arrays: built once, then read-only.

    Parameters
    ----------
    texts
        Opening hours of each station; None or unreadable is unknown.
    rules
        Time zone, country and calendar.
    start
        The window runs from local midnight of this moment's day over :data:`WINDOW_DAYS` days.
    """

    def __init__(self, texts: Sequence[str | None], rules: HoursRules, *, start: datetime) -> None:
        distinct = list(dict.fromkeys(texts))
        position = {text: number for number, text in enumerate(distinct)}
        self._schedule = np.array([position[text] for text in texts], dtype=np.int64)
        midnight = _midnight(start.astimezone(rules.timezone).date(), rules.timezone)
        self.start_s = midnight.timestamp()
        last = _midnight(midnight.date() + timedelta(days=WINDOW_DAYS), rules.timezone)
        self._length_s = last.timestamp() - self.start_s
        # Schedules lie end to end on one axis, so that one searchsorted answers for all.
        keys, states, ends, opens = [], [], [], []
        for number, text in enumerate(distinct):
            offset = number * self._length_s
            spans = read_spans(text, rules, start=midnight)
            next_open = _next_open(spans)
            for span, opening in zip(spans, next_open, strict=True):
                keys.append(offset + span.start.timestamp() - self.start_s)
                states.append(STATES.index(span.state))
                ends.append(span.end.timestamp())
                opens.append(opening)
        self._keys = np.array(keys, dtype=np.float64)
        self._states = np.array(states, dtype=np.int8)
        self._ends = np.array(ends, dtype=np.float64)
        self._opens = np.array(opens, dtype=np.float64)

    def at(self, station: npt.NDArray[np.int64], when_s: npt.NDArray[np.float64]) -> Moments:
        """Return the states of stations (by position in ``texts``) at POSIX times; same shapes.

        A moment outside the window is unknown.
        """
        inside = when_s - self.start_s
        valid = (inside >= 0) & (inside < self._length_s)
        key = self._schedule[station] * self._length_s + np.where(valid, inside, 0.0)
        segment = np.searchsorted(self._keys, key, side="right") - 1
        state = np.where(valid, self._states[segment], _UNKNOWN).astype(np.int8)
        end = self._ends[segment]
        open_ended = end >= self.start_s + self._length_s
        closes = np.where((state == _OPEN) & ~open_ended, end, np.nan)
        opens = np.where(valid & (state == 0), self._opens[segment], np.nan)
        return Moments(state, closes, opens)


def _next_open(spans: Sequence[Span]) -> list[float]:
    """For each span, the start of the next open one, unless something unknown comes before."""
    answer = [np.nan] * len(spans)
    upcoming = np.nan
    for index in range(len(spans) - 1, -1, -1):
        answer[index] = upcoming
        if spans[index].state is State.OPEN:
            upcoming = spans[index].start.timestamp()
        elif spans[index].state is State.UNKNOWN:
            upcoming = np.nan
    return answer
