"""Coordinates as people write them: degrees in decimals or minutes, metres, pairs in one cell."""

import json
import re
import unicodedata
from typing import Literal

from locator.datum import in_metres, limits
from locator.schema import Datum

Axis = Literal["lon", "lat"]
AXES: tuple[Axis, Axis] = ("lon", "lat")

_PLAIN_METRES = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:m|米)?")

# What the reasons of values in another unit end with.
SAY_METRES = "is it metres? Say --datum bd09mc for Baidu's, --crs EPSG:n for a projection's"
SAY_DEGREES = "are these degrees? Then say --datum bd09"

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
_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3},\d+[°度]?")  # degrees have no thousands
# Well-known text; its order, and that of GeoJSON, is longitude first.
_WKT = re.compile(r"(?:SRID=4326;)?POINT\s*Z?\s*\(([^()]*)\)", re.IGNORECASE)
_LAT_FIRST = "geo_point_2d"  # Opendatasoft's portals write latitude first
_APART = re.compile(r"[,;、\s]+")
# China east and north in Baidu's metres; an easting with its zone before it lies farther out.
_CHINA_M = ((7_000_000.0, 15_500_000.0), (1_000_000.0, 7_600_000.0))


def parse_coordinate(text: str | None, axis: Axis, datum: Datum) -> float:
    """Read one coordinate in its datum's own unit; ValueError says what it must be."""
    limit = limits(datum)[0 if axis == "lon" else 1]
    return parse_metres(text, limit) if in_metres(datum) else parse_degrees(text, limit)


def parse_degrees(text: str | None, limit: float) -> float:
    """Read a longitude (limit 180) or a latitude (limit 90); ValueError says what it must be."""
    if not text:
        raise ValueError("is empty; it is required")
    plain = unicodedata.normalize("NFKC", text).strip()
    if _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    try:
        value = float(plain.rstrip("°度"))
    except ValueError:
        value = _parse_dms(plain, limit)
    if not abs(value) <= limit:
        low, high = _CHINA_M[0 if limit > 90 else 1]
        question = "are longitude and latitude swapped, or is it metres?"
        raise ValueError(
            f"must lie between -{limit:.0f} and {limit:.0f} degrees; "
            f"{SAY_METRES if low <= value <= high else question}"
        )
    return value


def parse_metres(text: str | None, limit: float) -> float:
    """Read metres east or north up to a limit; ValueError says what it must be."""
    if not text:
        raise ValueError("is empty; it is required")
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        value = float(plain.removesuffix("米"))
    except ValueError as error:
        raise ValueError("must be metres as a number, such as 11938512.59") from error
    if abs(value) <= 180:
        raise ValueError(f"must be Baidu's metres, not a number up to 180; {SAY_DEGREES}")
    if not abs(value) <= limit:
        raise ValueError(
            f"must lie between -{limit:.0f} and {limit:.0f} metres; "
            "are they Baidu's metres, east first?"
        )
    return value


def parse_projected(text: str | None) -> float:
    """Read one coordinate of a projection in metres; ValueError says what it must be."""
    if not text:
        raise ValueError("is empty; it is required")
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").strip()
    if not _PLAIN_METRES.fullmatch(plain):
        raise ValueError("must be metres as a number, such as 421712.06")
    return float(plain.rstrip("m米").replace(",", "."))


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


def parse_pair(text: str, header: str, datum: Datum = Datum.WGS84) -> tuple[float, float]:
    """Read longitude and latitude, or east and north, from one cell.

    The order is that of well-known text or GeoJSON, or of the column's name if it names both, else
    the one that is possible: in
    degrees a number past 90 is a longitude, in metres China lies farther east than north. If both
    orders are possible, ValueError says so.

    Parameters
    ----------
    text
        Two numbers, separated by a comma or a space; or a point as WKT or GeoJSON.
    header
        The name of the file's column.
    datum
        What the numbers are coordinates of, and so their unit.
    """
    first, second = split_pair(text, datum)
    is_format = _format_of(text) is not None
    forward, backward = (True, False) if is_format else _orders(first, second, header, datum)
    if forward and backward:
        raise ValueError("may be read in both orders; name the column lon,lat or lat,lon")
    lon, lat = (second, first) if backward else (first, second)
    return parse_coordinate(repr(lon), "lon", datum), parse_coordinate(repr(lat), "lat", datum)


def split_pair(text: str, datum: Datum = Datum.WGS84) -> tuple[float, float]:
    """Return the two numbers of a cell, ValueError if they are not two."""
    example = "11938512.59,4054113.13" if in_metres(datum) else "107.2330471,34.3646018"
    stated = _format_of(text)
    plain = unicodedata.normalize("NFKC", text).strip().strip("()[]")
    parts = [part for part in _APART.split(plain) if part] if stated is None else stated
    if len(parts) != 2:
        raise ValueError(f"must be a longitude and a latitude, such as {example}")
    try:
        first, second = (float(part.rstrip("°度m米")) for part in parts)
    except ValueError as error:
        raise ValueError(f"must be two numbers, such as {example}") from error
    return first, second


def _format_of(text: str) -> list[str] | None:
    """Return the numbers of a point as WKT or GeoJSON, none if it is no point; None is no format.

    Heights are left out.
    """
    stripped = text.strip()
    match = _WKT.fullmatch(stripped)
    if match is not None:
        return match[1].split()[:2]
    if not stripped.startswith("{"):
        return None
    try:
        shape = json.loads(stripped)
    except (ValueError, RecursionError):
        return []
    numbers = shape.get("coordinates")
    if shape.get("type") == "MultiPoint" and isinstance(numbers, list) and len(numbers) == 1:
        numbers = numbers[0]
    elif shape.get("type") != "Point":
        return []
    return [str(number) for number in numbers[:2]] if isinstance(numbers, list) else []


def _orders(first: float, second: float, header: str, datum: Datum) -> tuple[bool, bool]:
    """Tell whether the longitude may stand first, and whether it may stand second."""
    lowered = header.casefold().replace("lng", "lon")
    if lowered == _LAT_FIRST:
        return False, True
    names = [header.find(word) for word in ("经", "纬")]
    if -1 in names or header == "经纬度":
        names = [lowered.find("lon"), lowered.find("lat")]
    if -1 not in names:
        return names[0] < names[1], names[0] > names[1]
    if in_metres(datum) and max(abs(first), abs(second)) > 180:
        orders = [
            all(low <= value <= high for value, (low, high) in zip(pair, _CHINA_M, strict=True))
            for pair in ((first, second), (second, first))
        ]
        # Abroad, metres do not tell which is which.
        return (orders[0], orders[1]) if any(orders) else (True, True)
    return abs(second) <= 90, abs(first) <= 90
