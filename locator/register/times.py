"""Moments as files write them: ISO 8601, Chinese dates, seconds since 1970, to local time."""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

Moments = npt.NDArray[np.datetime64]

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_OFFSET = re.compile(_ISO.pattern + r"(?:Z|[+-]\d\d:?\d\d)")
_WRITTEN = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时点]\s*(\d{1,2})(?:\s*[:分]\s*(\d{1,2})?(?:\.\d+)?)?\s*[秒分]?)?"
)
_TOGETHER = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?")
_CLOCK = r"\d{1,2}\s*[:时点]\s*\d{1,2}(?:\s*[:分]\s*\d{1,2}(?:\.\d+)?)?\s*[秒分]?(?:\s*[ap]m)?"
_NO_DATE = re.compile(_CLOCK, re.IGNORECASE)
_NO_YEAR = re.compile(rf"\d{{1,2}}\s*[-/.月]\s*\d{{1,2}}\s*日?\s*(?:{_CLOCK})?", re.IGNORECASE)
_UNREADABLE = np.datetime64("NaT", "s")


def parse_times(texts: Sequence[str], timezone: ZoneInfo) -> Moments:
    """Read moments to the second.

    Parameters
    ----------
    texts
        ISO 8601 with or without an offset, ``2026/11/23 9:05``, ``2026年11月23日 9时5分``,
        ``20261123090500``, or seconds or milliseconds since 1970 (UTC).
    timezone
        The zone of texts without an offset, and of the answer.

    Returns
    -------
    array
        (n,) ``datetime64[s]`` in local time, NaT where a text is no moment.
    """
    result = np.full(len(texts), _UNREADABLE, dtype="datetime64[s]")
    rest = list(range(len(texts)))
    for pattern, zone in ((_ISO, None), (_OFFSET, timezone)):
        fits = [row for row in rest if pattern.fullmatch(texts[row])]
        if fits:
            result[fits] = _read_iso([texts[row] for row in fits], zone)
            rest = [] if len(fits) == len(rest) else sorted(set(rest).difference(fits))
    for row in rest:
        result[row] = _read_other(texts[row], timezone)
    return result


def what_is_missing(text: str) -> str:
    """Return why a text is no moment, as a reason that follows it."""
    plain = text.strip()
    if _NO_DATE.fullmatch(plain):
        return "has no date, and so no day of the week; add it, or take the rows with --no-times"
    if _NO_YEAR.fullmatch(plain):
        return "has no year; write it like 2026-11-23 12:30"
    return "is no moment; write it like 2026-11-23 12:30"


def _read_iso(texts: list[str], zone: ZoneInfo | None) -> Moments:
    """Read ISO 8601; with a zone, the texts have offsets and the zone's time is wanted."""
    series = pd.Series(texts, dtype=object)
    read = pd.to_datetime(series, format="ISO8601", errors="coerce", utc=zone is not None)
    if zone is not None:
        read = read.dt.tz_convert(zone).dt.tz_localize(None)
    return np.asarray(read.to_numpy(), dtype="datetime64[s]")


def _read_other(text: str, timezone: ZoneInfo) -> np.datetime64:
    try:
        if _EPOCH.fullmatch(text):
            milli = len(text.split(".", maxsplit=1)[0]) == 13
            moment = datetime.fromtimestamp(float(text) / (1000 if milli else 1), timezone)
            return np.datetime64(moment.replace(tzinfo=None), "s")
        match = _WRITTEN.fullmatch(text) or _TOGETHER.fullmatch(text)
        if match is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall clock
            return np.datetime64(local, "s")
    except (ValueError, OverflowError, OSError):
        pass
    return _UNREADABLE
