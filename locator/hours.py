"""Opening hours: text in OpenStreetMap's syntax to states over a window of time.

The text is read by ``opening-hours-py``, rule by rule (:mod:`locator.hours_rules`). What that
library cannot know stands in a calendar: make-up workdays and the days around a public holiday that
a country's government moves from year to year. A text that is missing or cannot be read is
*unknown*, not closed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import opening_hours

from locator.errors import InputError
from locator.hours_rules import Reading, needs_sun, split_chains
from locator.schema import State

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
_Expression = opening_hours.OpeningHours
_SUN_STEP_DEG = 0.05  # some 10 seconds of the sun's way; the library rounds to minutes

LonLat = tuple[float, float]  # longitude and latitude in degrees, WGS-84


@dataclass(frozen=True)
class CalendarDay:
    """A day that is not what the week says: it runs like another day.

    ``workday`` rows hold for every text; ``holiday`` rows only for texts that have a rule for
    public holidays (``PH``), because a place that does not name them keeps its week. A holiday is
    ``expected`` where its year has not been announced: by law, and by the lunar calendar.
    """

    day: date
    kind: Literal["workday", "holiday"]
    like: date
    reason: str
    expected: bool = False


@dataclass(frozen=True)
class HoursRules:
    """What a text's meaning depends on besides itself: time zone, country, calendar."""

    timezone: ZoneInfo
    country: str
    calendar: Mapping[date, CalendarDay]


@dataclass(frozen=True)
class Span:
    """A stretch of one state, in local time; ``end`` is exclusive.

    ``comment`` is what the rule says in quotation marks.
    """

    start: datetime
    end: datetime
    state: State
    comment: str = ""


def is_readable(text: str) -> bool:
    """Tell whether a text is opening hours that can be read."""
    try:
        return bool(text) and opening_hours.validate(text) and _reads_as_written_anew(text)
    except UnicodeEncodeError:  # half a character, which no text file can hold
        return False


def _reads_as_written_anew(text: str) -> bool:
    parts = split_chains(text)
    readings = {part.whole for part in parts} | {n.rest for part in parts for n in part.nights}
    texts = {text for reading in readings for text in (reading.sure, reading.longest)}
    return all(map(opening_hours.validate, texts - {text}))


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
        elif kind == "expected":
            calendar[day] = CalendarDay(day, "holiday", like, reason, expected=True)
        else:
            raise InputError(
                f"The calendar's row {number} has kind {kind!r}; it must be workday or holiday "
                "(or expected, in a year that is not announced yet)."
            )
    return calendar


def with_expected(
    announced: Mapping[date, CalendarDay], expected: Mapping[date, CalendarDay]
) -> dict[date, CalendarDay]:
    """Return a calendar with what is expected of the years after those that are announced."""
    last = max((day.year for day, row in announced.items() if not row.expected), default=0)
    later = {day: row for day, row in expected.items() if day.year > last}
    return later | dict(announced) if last else dict(announced)


def read_spans(
    text: str | None,
    rules: HoursRules,
    *,
    start: datetime,
    days: int = WINDOW_DAYS,
    place: LonLat | None = None,
) -> list[Span]:
    """Return the states from local midnight of ``start``'s day over ``days`` days, merged.

    A missing or unreadable text is one span of unknown; so is one that names the sun, without a
    place.

    Parameters
    ----------
    place
        Longitude and latitude in degrees, WGS-84: where the sun rises and sets.
    """
    midnight = _midnight(start.astimezone(rules.timezone).date(), rules.timezone)
    end = _midnight(midnight.date() + timedelta(days=days), rules.timezone)
    reader = _reader(text, rules, place)
    if reader is None:
        return [Span(midnight, end, State.UNKNOWN)]
    return _merged(reader.read(midnight, end))


def read_rules_alone(
    reading: Reading, rules: HoursRules, *, start: datetime, days: int, place: LonLat
) -> list[Span]:
    """Return what the library says of rules, with no calendar and no day put together by us."""
    reader = _Reader("24/7", rules, place)
    midnight = _midnight(start.astimezone(rules.timezone).date(), rules.timezone)
    return _merged(_Days(reader, [reading]).read(midnight, midnight + timedelta(days=days)))


def sun_place(text: str | None, place: LonLat) -> LonLat | None:
    """Return where a text's sun is asked for, within some 10 seconds; None if it names no sun.

    Stations of the same text and the same answer can share one schedule.
    """
    if text is None or not needs_sun(text):
        return None
    lon, lat = (round(degrees / _SUN_STEP_DEG) * _SUN_STEP_DEG for degrees in place)
    return round(lon, 6), round(lat, 6)


def unannounced_year(rules: HoursRules, moment: datetime) -> int | None:
    """Return the year whose holidays are not announced, if a window that begins now reaches it."""
    last = max((day.year for day, row in rules.calendar.items() if not row.expected), default=None)
    until = moment.astimezone(rules.timezone) + timedelta(days=WINDOW_DAYS)
    return None if last is None or until.year <= last else max(moment.year, last + 1)


def calendar_warnings(rules: HoursRules, moment: datetime) -> list[str]:
    """Say that the calendar does not reach a moment's week: its holidays are not announced."""
    year = unannounced_year(rules, moment)
    if year is None:
        return []
    last = max(day.year for day, row in rules.calendar.items() if not row.expected)
    ends = f"The calendar of make-up workdays and moved holidays ends with {last}"
    if not any(day.year == year for day in rules.calendar):
        return [f"{ends}; on such days of {year} opening hours may be wrong (LOCATOR_CALENDAR)."]
    return [
        f"{ends}: the public holidays of {year} are expected (预计), by law and the lunar "
        "calendar, and make-up workdays are not known; near holidays opening hours may be wrong "
        "(LOCATOR_CALENDAR)."
    ]


def _midnight(day: date, timezone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone)


def _reader(text: str | None, rules: HoursRules, place: LonLat | None) -> "_Reader | None":
    if not text or not is_readable(text) or (place is None and needs_sun(text)):
        return None
    try:
        return _Reader(text, rules, place)
    except (  # the library's stubs leave its errors out
        opening_hours.InvalidCoordinatesError,  # type: ignore[attr-defined]
        opening_hours.ParserError,  # type: ignore[attr-defined]
    ):
        return None


class _Days:
    """Readings of which each fills what is closed in those before it, day by day."""

    def __init__(self, reader: "_Reader", readings: Sequence[Reading]) -> None:
        self._timezone = reader.timezone
        self._asked = [
            (
                reader.expression(reading.sure),
                None if reading.longest == reading.sure else reader.expression(reading.longest),
            )
            for reading in readings
        ]
        self._days: dict[date, list[Span]] = {}

    def read(self, start: datetime, end: datetime) -> list[Span]:
        found: list[Span] = []
        for sure, longest in self._asked:
            spans = list(_asked(sure, start, end))
            if longest is not None:  # what an open end may last is unknown
                later = [
                    span if span.state is State.CLOSED else replace(span, state=State.UNKNOWN)
                    for span in _asked(longest, start, end)
                ]
                spans = list(_filled(spans, later))
            found = list(_filled(found, spans)) if found else spans
        return found

    def of(self, day: date) -> list[Span]:
        """Return the spans of a day, whole."""
        if day not in self._days:
            start = _midnight(day, self._timezone)
            self.keep(start, start + timedelta(days=1))
        return self._days[day]

    def keep(self, start: datetime, end: datetime) -> None:
        """Ask for many days at once."""
        spans = self.read(start, end)
        number = 0
        while start < end:
            following = start + timedelta(days=1)
            while spans[number].end <= start:
                number += 1
            self._days[start.date()] = _clipped(spans[number:], start, following)
            start = following


class _Reader:
    """A text at a place: its states by the library, put together day by day where it must be.

    A day has what begins on it and what lasts from the evening before. A day that runs like
    another has the other's own hours, and its night before is the one that really was. A night is
    that of the day on which it begins: if that day is off (``PH off``), so are its small hours.
    """

    def __init__(self, text: str, rules: HoursRules, place: LonLat | None) -> None:
        self._rules, self._place, self.timezone = rules, place, rules.timezone
        parts = split_chains(text)
        self._whole = _Days(self, [part.whole for part in parts])
        nights = [night.rest for part in parts for night in part.nights]
        self._begun = self._whole
        if nights:
            self._begun = _Days(self, [part.whole.until_midnight() for part in parts])
        self._nights = [
            (_Days(self, [night]), _Days(self, [night.until_midnight()])) for night in nights
        ]
        self._names_holidays = re.search(r"\bPH\b", text) is not None

    def read(self, start: datetime, end: datetime) -> Iterable[Span]:
        """Return the spans of ``[start, end)``, both midnights."""
        first, last = start.date(), end.date()
        days = [first + timedelta(days=n) for n in range(-1, (last - first).days)]
        if not self._nights and all(self._like(day) == day for day in days):
            return self._whole.read(start, end)
        before, after = _midnight(days[0], self._rules.timezone), end + timedelta(days=1)
        for series in (self._begun, *chain.from_iterable(self._nights)):
            series.keep(before, after)
        return chain.from_iterable(self._day(day) for day in days[1:])

    def _day(self, day: date) -> Sequence[Span]:
        like, before = self._like(day), self._like(day - timedelta(days=1))
        own = _moved(self._begun.of(like), day - like)
        if like != day and self._begins_night(like - timedelta(days=1)) and not self._night(like):
            return own  # the day that this one runs like has a rule against nights before it
        following = before + timedelta(days=1)
        return list(_filled(own, _moved(self._night(following), day - following)))

    def _night(self, day: date) -> list[Span]:
        """Return what lasts into a day from the evening before, if it began then."""
        before, found = day - timedelta(days=1), list[Span]()
        if not self._begins_night(before):
            return found
        for night, begun in self._nights:
            if begun.of(before)[-1].state is not State.CLOSED:
                found += _first_stretch(night.of(day))
        return found

    def _begins_night(self, day: date) -> bool:
        return self._begun.of(day)[-1].state is not State.CLOSED

    def _like(self, day: date) -> date:
        special = self._rules.calendar.get(day)
        if special is None or not (special.kind == "workday" or self._names_holidays):
            return day
        return special.like

    def expression(self, text: str) -> _Expression:
        # The library knows the sun of a place only when it may look up the place's time zone; the
        # one that is given still holds.
        lon, lat = self._place or (0.0, 0.0)
        return opening_hours.OpeningHours(
            text,
            timezone=self._rules.timezone,
            country=self._rules.country,
            coords=None if self._place is None else (lat, lon),
            auto_country=False,
            auto_timezone=self._place is not None,
        )


def _asked(expression: _Expression, start: datetime, end: datetime) -> Iterator[Span]:
    for first, last, state, comment in expression.intervals(start, end):
        yield Span(max(first, start), min(last, end), STATES[_CODES[state]], comment)


def _filled(spans: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans, and where they are closed, what is not closed of the others."""
    number = 0
    for span in spans:
        if span.state is not State.CLOSED:
            yield span
            continue
        at = span.start
        while number < len(others) and others[number].end <= at:
            number += 1
        for other in others[number:]:
            if other.start >= span.end:
                break
            if other.state is State.CLOSED or other.end <= at:
                continue
            begin, end = max(other.start, at), min(other.end, span.end)
            if at < begin:
                yield replace(span, start=at, end=begin)
            yield replace(other, start=begin, end=end)
            at = end
        if at < span.end:
            yield replace(span, start=at)


def _clipped(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    inside = takewhile(lambda span: span.start < end, spans)
    return [replace(s, start=max(s.start, start), end=min(s.end, end)) for s in inside]


def _first_stretch(spans: Sequence[Span]) -> list[Span]:
    """Return the spans up to the first that is closed: what lasts from the evening before."""
    return list(takewhile(lambda span: span.state is not State.CLOSED, spans))


def _moved(spans: Iterable[Span], by: timedelta) -> list[Span]:
    return [replace(span, start=span.start + by, end=span.end + by) for span in spans]


def _merged(pieces: Iterable[Span]) -> list[Span]:
    """Join what touches and is of one state; of what is unknown, why is kept apart."""
    spans: list[Span] = []
    for piece in pieces:
        last = spans[-1] if spans else None
        same = last is not None and last.state is piece.state and last.end >= piece.start
        if last is None or not same:
            spans.append(piece)
        elif last.comment == piece.comment:
            spans[-1] = replace(last, end=piece.end)
        elif piece.state is State.UNKNOWN:
            spans.append(piece)
        else:
            spans[-1] = replace(last, end=piece.end, comment="")
    return spans


@dataclass(frozen=True)
class Moments:
    """States at many moments, one array each; times are POSIX seconds, NaN where there is none.

    Attributes
    ----------
    state
        Codes into :data:`STATES`.
    closes_at
        When the open stretch is over; NaN when not open, open past the window, or not known.
    sure_until
        Till when it is open for certain: ``closes_at``, or the end of what is certain
        (``18:00-20:00+``); NaN when not open or open past the window.
    opens_at
        Next opening that is certain; NaN when open, unknown, or not within the window.
    comment
        Positions in :attr:`HoursTable.comments`; 0 is none.
    """

    state: npt.NDArray[np.int8]
    closes_at: npt.NDArray[np.float64]
    sure_until: npt.NDArray[np.float64]
    opens_at: npt.NDArray[np.float64]
    comment: npt.NDArray[np.int32]


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
    places
        (m, 2) degrees, WGS-84: where each station's sun rises and sets; without them, hours that
        name the sun are unknown.

    Attributes
    ----------
    comments
        What rules say in quotation marks, each once; the first is empty.
    """

    def __init__(
        self,
        texts: Sequence[str | None],
        rules: HoursRules,
        *,
        start: datetime,
        places: npt.ArrayLike | None = None,
    ) -> None:
        keys = _keys(texts, places)
        distinct = list(dict.fromkeys(keys))
        position = {key: number for number, key in enumerate(distinct)}
        self._schedule = np.array([position[key] for key in keys], dtype=np.int64)
        midnight = _midnight(start.astimezone(rules.timezone).date(), rules.timezone)
        self.start_s = midnight.timestamp()
        last = _midnight(midnight.date() + timedelta(days=WINDOW_DAYS), rules.timezone)
        self._length_s = last.timestamp() - self.start_s
        # Schedules lie end to end on one axis, so that one searchsorted answers for all.
        begins, states, ends, known, opens, said = [], [], [], [], [], []
        comments: dict[str, int] = {"": 0}
        for number, (text, place) in enumerate(distinct):
            offset = number * self._length_s
            spans = read_spans(text, rules, start=midnight, place=place)
            for span, opening, ended in zip(
                spans, _next_open(spans), _ends_known(spans), strict=True
            ):
                begins.append(offset + span.start.timestamp() - self.start_s)
                states.append(STATES.index(span.state))
                ends.append(span.end.timestamp())
                known.append(ended)
                opens.append(opening)
                said.append(comments.setdefault(span.comment, len(comments)))
        self._keys = np.array(begins, dtype=np.float64)
        self._states = np.array(states, dtype=np.int8)
        self._ends = np.array(ends, dtype=np.float64)
        self._known = np.array(known, dtype=bool)
        self._opens = np.array(opens, dtype=np.float64)
        self._said = np.array(said, dtype=np.int32)
        self.comments = tuple(comments)

    def schedules(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the first station of each distinct schedule, (d,), and each one's schedule, (m,).

        What is worked out for the first of each holds for all of it.
        """
        _, first = np.unique(self._schedule, return_index=True)
        return first, self._schedule

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
        sure = np.where((state == _OPEN) & ~open_ended, end, np.nan)
        closes = np.where(self._known[segment], sure, np.nan)
        opens = np.where(valid & (state == 0), self._opens[segment], np.nan)
        comment = np.where(valid, self._said[segment], 0).astype(np.int32)
        return Moments(state, closes, sure, opens, comment)


_Key = tuple[str | None, LonLat | None]


def _keys(texts: Sequence[str | None], places: npt.ArrayLike | None) -> list[_Key]:
    """Return what each station's schedule depends on."""
    if places is None:
        return [(text, None) for text in texts]
    lonlat = np.asarray(places, dtype=np.float64).reshape(-1, 2).tolist()
    where = {text: text is not None and needs_sun(text) for text in dict.fromkeys(texts)}
    return [
        (text, sun_place(text, (lon, lat)) if where[text] else None)
        for text, (lon, lat) in zip(texts, lonlat, strict=True)
    ]


def _ends_known(spans: Sequence[Span]) -> list[bool]:
    """Tell of each span whether what follows is known: an open end is followed by unknown."""
    return [following.state is not State.UNKNOWN for following in spans[1:]] + [True] * bool(spans)


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
