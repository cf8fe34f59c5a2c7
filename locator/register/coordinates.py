"""Coordinates as people write them: decimal degrees, degrees-minutes-seconds, pairs in one cell."""

import re
import unicodedata

__all__ = ["PAIR_FIELD", "PAIR_HEADERS", "parse_degrees", "parse_pair"]

PAIR_FIELD = "position"
PAIR_HEADERS = (
    "坐标",
    "经纬度",
    "经度,纬度",
    "经度，纬度",
    "经度、纬度",
    "纬度,经度",
    "纬度，经度",
    "lonlat",
    "latlon",
)

_DMS = re.compile(
    r"([NSEW东西南北]?)(\d{1,3})[°度:\s](?:(\d{1,2}(?:\.\d+)?)['′分:\s]?)?"
    r"(?:(\d{1,2}(?:\.\d+)?)[\"″秒]?)?([NSEW东西南北]?)"
)
_HEMISPHERES = {"N": 90, "S": -90, "E": 180, "W": -180, "北": 90, "南": -90, "东": 180, "西": -180}
_APART = re.compile(r"[,;、\s]+")


def parse_degrees(text: str | None, limit: float) -> float:
    """Read a longitude (limit 180) or a latitude (limit 90); ValueError says what it must be."""
    if not text:
        raise ValueError("is empty; it is required")
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        value = float(plain.rstrip("°度"))
    except ValueError:
        value = _parse_dms(plain, limit)
    if not abs(value) <= limit:
        raise ValueError(
            f"must lie between -{limit:.0f} and {limit:.0f} degrees; "
            "are longitude and latitude swapped, or is it metres?"
        )
    return value


def _parse_dms(text: str, limit: float) -> float:
    plain = (
        text.replace("′′", '"')
        .replace("''", '"')
        .replace("’", "'")
        .replace("”", '"')
        .replace("“", '"')
        .upper()
    )
    match = _DMS.fullmatch(re.sub(r"(?<=[°度'′分])\s+", "", plain).strip())
    if match is None:
        raise ValueError("must be degrees as a number, such as 107.2330471, or 107°13′58.9″")
    before, degrees, minutes, seconds, after = match.groups(default="")
    parts = [float(part or 0) for part in (minutes, seconds)]
    if any(part >= 60 for part in parts) or (before and after):
        raise ValueError("has minutes or seconds of 60 and more, or two hemispheres")
    hemisphere = _HEMISPHERES.get(before or after, limit)
    if abs(hemisphere) != limit:
        raise ValueError("names the other axis; are longitude and latitude swapped?")
    value = float(degrees) + parts[0] / 60 + parts[1] / 3600
    return -value if hemisphere < 0 else value


def parse_pair(text: str, header: str) -> tuple[float, float]:
    """Read longitude and latitude from one cell.

    The order is that of the column's name if it names both, else the one that is possible: a
    number past 90 is a longitude. If both orders are possible, ValueError says so.

    Parameters
    ----------
    text
        Two numbers in degrees, separated by a comma or a space.
    header
        The name of the file's column.
    """
    plain = unicodedata.normalize("NFKC", text).strip().strip("()[]")
    parts = [part for part in _APART.split(plain) if part]
    if len(parts) != 2:
        raise ValueError("must be a longitude and a latitude, such as 107.2330471,34.3646018")
    try:
        first, second = (float(part.rstrip("°度")) for part in parts)
    except ValueError as error:
        raise ValueError(
            "must be two numbers in degrees, such as 107.2330471,34.3646018"
        ) from error
    names = [header.find(word) for word in ("经", "纬")]
    if -1 in names or header == "经纬度":
        lowered = header.casefold()
        names = [lowered.find("lon"), lowered.find("lat")]
    if -1 not in names:
        lon, lat = (first, second) if names[0] < names[1] else (second, first)
    elif abs(first) > 90 >= abs(second):
        lon, lat = first, second
    elif abs(second) > 90 >= abs(first):
        lon, lat = second, first
    else:
        raise ValueError("may be read in both orders; name the column 经度,纬度 or 纬度,经度")
    return parse_degrees(repr(lon), 180.0), parse_degrees(repr(lat), 90.0)
