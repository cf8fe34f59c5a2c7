"""Reading a request's query or form into what the library takes; every fault is an InputError."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from flask import current_app, request
from werkzeug.datastructures import MIMEAccept, MultiDict

from locator.errors import InputError
from locator.nearest import OpenRule, StationFilter, Wishes
from locator.schema import Host, Kind, LabelledEnum, Service, Weather
from locator.service import Service as LocatorService

__all__ = [
    "best_media",
    "get_service",
    "read_filter",
    "read_number",
    "read_position",
    "read_rule",
    "read_wishes",
]

Values = MultiDict[str, str]
N = TypeVar("N", int, float)
E = TypeVar("E", bound=LabelledEnum)


def get_service() -> LocatorService:
    """Return the application's service."""
    return cast("LocatorService", current_app.extensions["locator"])


def best_media(offered: Sequence[str]) -> str | None:
    """Return which of some media types the request's ``Accept`` likes best, or None.

    What stands behind a media type (``;version=1``) is no reason to refuse, and ``*`` is any.
    """
    ranges = (
        (text.split(";", maxsplit=1)[0].strip(), quality)
        for text, quality in request.accept_mimetypes
    )
    plain = MIMEAccept(("*/*" if text == "*" else text, quality) for text, quality in ranges)
    return plain.best_match(offered)


def read_number(values: Values, name: str, kind: Callable[[str], N], default: N | None = None) -> N:
    """Read a number.

    Raises
    ------
    InputError
        It is missing without a default, or is not a number.
    """
    text = values.get(name, "").strip()
    if not text:
        if default is None:
            raise InputError(f"'{name}' is missing.")
        return default
    try:
        return kind(text)
    except ValueError as error:
        raise InputError(f"{name}={text[:40]!r} is not a number.") from error


def read_position(values: Values) -> tuple[float, float]:
    """Read ``lon`` and ``lat`` in degrees, WGS-84."""
    return read_number(values, "lon", float), read_number(values, "lat", float)


def _members(values: Values, name: str, enum: type[E]) -> frozenset[E]:
    members = set()
    for item in values.getlist(name):
        for part in filter(None, (piece.strip() for piece in item.split(","))):
            try:
                members.add(enum.parse(part))
            except ValueError as error:
                raise InputError(f"{name}={part[:40]!r} {error}.") from error
    return frozenset(members)


def read_filter(values: Values) -> StationFilter:
    """Read ``kind``, ``host``, ``service`` (repeated or with commas), ``platform``, ``unknown``."""
    return StationFilter(
        kinds=_members(values, "kind", Kind),
        hosts=_members(values, "host", Host),
        services=_members(values, "service", Service),
        platform=values.get("platform", "").strip().casefold() or None,
        or_unknown=_read_flag(values, "unknown"),
    )


def read_rule(values: Values, default: OpenRule) -> OpenRule:
    """Read ``open``: any, known or yes."""
    text = values.get("open", "").strip()
    if not text:
        return default
    try:
        return OpenRule(text)
    except ValueError as error:
        raise InputError(f"open={text[:40]!r} must be any, known or yes.") from error


def read_wishes(values: Values) -> Wishes:
    """Read ``night`` (1 or 0), ``weather`` (a code or a label) and ``toward`` (LON,LAT)."""
    return Wishes(
        all_night=_read_flag(values, "night"),
        weather=_read_weather(values),
        toward=_read_toward(values),
    )


def _read_flag(values: Values, name: str) -> bool:
    text = values.get(name, "").strip()
    if text not in {"", "0", "1"}:
        raise InputError(f"{name}={text[:40]!r} must be 1 or 0.")
    return text == "1"


def _read_weather(values: Values) -> Weather:
    text = values.get("weather", "").strip()
    if not text:
        return Weather.NONE
    try:
        return Weather.parse(text)
    except ValueError as error:
        raise InputError(f"weather={text[:40]!r} {error}.") from error


def _read_toward(values: Values) -> tuple[float, float] | None:
    text = values.get("toward", "").strip()
    if not text:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"toward={text[:40]!r} must be a longitude and a latitude with a comma between, "
            "such as 107.15,34.36."
        ) from error
    return lon, lat
