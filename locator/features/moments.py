"""Moments and periods (RFC 3339), as microseconds since 1970 in UTC, so that arrays compare."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from locator.questions import NOT_A_MOMENT, wrong

BEGINNING, END = -(2**62), 2**62  # sides that are open
_MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}T?")  # GDAL writes a day with a T behind it
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_DURATION = re.compile(  # ISO 8601, 5.5.2.2
    r"P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.]\d{1,6})?)S)?)?",
    re.ASCII,
)


_NOT_A_PERIOD = (
    f"{NOT_A_MOMENT}, a day, or two of them with / between, .. being an open side, or one and a "
    "duration such as P1D"
)


@dataclass(frozen=True)
class Period:
    """A time from a first to a last moment, both included."""

    start: int
    end: int


def to_micros(moment: datetime) -> int:
    """Return a moment with an offset as microseconds since 1970."""
    return (moment - _EPOCH) // _MICRO


def day_period(day: date, timezone: ZoneInfo) -> Period:
    """Return a local day as a period; its last moment is the microsecond before midnight."""
    begins = to_micros(datetime(day.year, day.month, day.day, tzinfo=timezone))
    return Period(begins, begins + 86_400_000_000 - 1)


def parse_moment(text: str, timezone: ZoneInfo) -> Period | None:
    """Read a moment, or a day, which is a period; None if it is neither.

    A moment without an offset is local time.
    """
    try:
        if _DAY.fullmatch(text):
            return day_period(date.fromisoformat(text.rstrip("T")), timezone)
        if not _MOMENT.fullmatch(text):
            return None
        moment = datetime.fromisoformat(text.upper())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone)
        micros = to_micros(aware)
    except (ValueError, OverflowError):  # 30 February, or the year 0
        return None
    return Period(micros, micros)


def parse_period(text: str, timezone: ZoneInfo, *, name: str = "datetime") -> Period:
    """Read a moment, a day, or two of them with ``/`` between; ``..`` or nothing is an open side.

    One of two may be a duration (``P1D``, ``PT8H``; ISO 8601): from a day on, or up to one, it ends
    with a day; months and days are the calendar's.

    Raises
    ------
    InputError
        It is none of these, or ends before it begins.
    """
    sides = text.split("/")
    lasting = [_DURATION.fullmatch(side) for side in sides]
    if len(sides) == 2 and any(lasting):
        period = _lasting_period(sides, lasting, timezone)
        found = [] if period is None else [period, period]
    else:
        found = [period for side in sides if (period := _side(side, timezone)) is not None]
    if len(sides) > 2 or len(found) < len(sides) or (len(sides) == 1 and text in {"", ".."}):
        raise wrong(name, text, _NOT_A_PERIOD)
    start, end = found[0].start, found[-1].end
    if start > end:
        raise wrong(name, text, "ends before it begins")
    return Period(start, end)


def _lasting_period(
    sides: list[str], lasting: list[re.Match[str] | None], timezone: ZoneInfo
) -> Period | None:
    """Read a time and a duration, in either order; None if they are none."""
    after, before = lasting[1], lasting[0]
    known = parse_moment(sides[0] if after else sides[1], timezone)
    given = after or before
    if known is None or given is None or (after and before):
        return None
    try:
        if after:
            until = to_micros(_shift(known.start, given, 1, timezone))
            # A day is a period: what lasts from it on ends as days end.
            return Period(known.start, until - (known.end > known.start))
        next_day = known.end > known.start
        return Period(to_micros(_shift(known.end + next_day, given, -1, timezone)), known.end)
    except (ValueError, OverflowError):  # out of the calendar
        return None


def _shift(micros: int, lasting: re.Match[str], sign: int, timezone: ZoneInfo) -> datetime:
    """Return a moment so much later or earlier: dates by the calendar, hours by the clock."""
    years, months, weeks, days, hours, minutes = (int(n or 0) for n in lasting.groups()[:6])
    seconds = timedelta(hours=hours, minutes=minutes, seconds=float(lasting[7] or 0))
    local = (_EPOCH + micros * _MICRO).astimezone(timezone)
    month = local.year * 12 + local.month - 1 + sign * (years * 12 + months)
    first = local.replace(year=month // 12, month=month % 12 + 1, day=1)
    last = monthrange(first.year, first.month)[1]
    moved = first.replace(day=min(local.day, last)) + sign * timedelta(days=days + 7 * weeks)
    return moved.astimezone(UTC) + sign * seconds


def _side(text: str, timezone: ZoneInfo) -> Period | None:
    return Period(BEGINNING, END) if text in {"", ".."} else parse_moment(text, timezone)
