"""Moments and periods (RFC 3339), as microseconds since 1970 in UTC, so that arrays compare."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from locator.errors import InputError

__all__ = ["BEGINNING", "END", "Period", "day_period", "parse_moment", "parse_period", "to_micros"]

BEGINNING, END = -(2**62), 2**62  # sides that are open
_MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}T?")  # GDAL writes a day with a T behind it
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
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


def parse_period(text: str, timezone: ZoneInfo, *, parameter: str = "datetime") -> Period:
    """Read a moment, a day, or two of them with ``/`` between; ``..`` or nothing is an open side.

    Raises
    ------
    InputError
        It is none of these, or ends before it begins.
    """
    sides = text.split("/")
    found = [period for side in sides if (period := _side(side, timezone)) is not None]
    if len(sides) > 2 or len(found) < len(sides) or (len(sides) == 1 and text in {"", ".."}):
        raise InputError(
            f"{parameter}={text[:80]!r} is not a time; write 2026-11-23T08:00:00Z, a day, or two "
            "of them with / between, .. being an open side."
        )
    start, end = found[0].start, found[-1].end
    if start > end:
        raise InputError(f"{parameter}={text[:80]!r} ends before it begins.")
    return Period(start, end)


def _side(text: str, timezone: ZoneInfo) -> Period | None:
    return Period(BEGINNING, END) if text in {"", ".."} else parse_moment(text, timezone)
