"""Speeds and durations as OpenStreetMap writes them.

wiki.openstreetmap.org: Key:maxspeed (values, units), Map Features/Units (speed), Key:duration.
"""

import re

__all__ = ["WALKING_KMH", "parse_duration_s", "parse_speed_kmh"]

WALKING_KMH = 6.0  # maxspeed=walk names no number; the most a walker goes in the profiles' tables
_LIVING_STREET_KMH = 12.0  # the cap of that class for an e-bike: the law of each country differs
_UNITS = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_SPEED = re.compile(rf"{_NUMBER}\s*(km/h|kmh|kph|mph|knots|)")
_ZONE = re.compile(r"(?:[a-z]{2}(?:-[a-z]+)?:)?(.+)")  # CN:urban, BE-VLG:rural, walk
_ISO = re.compile(
    r"p(?:0+y)?(?:0+m)?"  # a crossing of years is none: only zeros are read
    rf"(?:{_NUMBER}w)?(?:{_NUMBER}d)?(?:t(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?)?"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{1,2})(?::(\d{1,2}))?")
_STEPS_S = (604_800, 86_400, 3600, 60, 1)


def parse_speed_kmh(text: str) -> float | None:
    """Return a speed limit in km/h; None where there is none, or none that can be read.

    Numbers are km/h, or in the unit that follows (km/h, mph, knots); of several (``50;30``) the
    lowest counts. ``walk`` and ``XX:walk`` are walking pace, ``XX:living_street`` the pace of that
    class, ``XX:zone30`` its number. ``none``, ``signals``, ``variable`` and what else a country
    has by default (``CN:urban``, ``DE:rural``) lie above every bicycle's pace. Key:maxspeed.
    """
    limits = [limit for part in text.split(";") if (limit := _one_speed_kmh(part)) is not None]
    return min(limits, default=None)


def _one_speed_kmh(text: str) -> float | None:
    said = text.strip().casefold()
    match = _SPEED.fullmatch(said)
    if match is None:
        zone = _ZONE.fullmatch(said)
        word = zone[1] if zone else ""
        if word == "walk":
            return WALKING_KMH
        if word == "living_street":
            return _LIVING_STREET_KMH
        match = _SPEED.fullmatch(word.removeprefix("zone").removeprefix(":"))
    if match is None:
        return None
    return _number(match[1]) * _UNITS[match[2]] or None  # 0 is a slip, not a standstill


def parse_duration_s(text: str) -> float | None:
    """Return a duration in seconds; None where it cannot be read or is zero.

    ISO 8601 (``PT10M``, ``PT1H30M``, ``P0DT10M``), ``HH:MM``, ``HH:MM:SS``, or minutes.
    Key:duration.
    """
    said = text.strip().casefold()
    if match := _CLOCK.fullmatch(said):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(hours * 3600 + minutes * 60 + seconds) or None
    if re.fullmatch(_NUMBER, said):
        return _number(said) * 60.0 or None
    if match := _ISO.fullmatch(said):
        parts = zip(match.groups(), _STEPS_S, strict=True)
        return sum(_number(part) * step_s for part, step_s in parts if part) or None
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))
