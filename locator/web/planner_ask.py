"""Reading what the planner's page sends into what the library takes; faults are InputErrors."""

import json
import math
from typing import TypeVar

from flask import request

from locator.errors import InputError
from locator.nearest import StationFilter
from locator.planner import Ask
from locator.schema import Kind, LabelledEnum, Service

__all__ = ["MINUTES", "read_ask", "read_body"]

MINUTES = (1.0, 60.0)
_DIGITS = 16
E = TypeVar("E", bound=LabelledEnum)


def read_body(keys: frozenset[str]) -> dict[str, object]:
    """Read a request's body: a JSON object with these keys.

    Raises
    ------
    InputError
        It is something else.
    """
    if request.mimetype != "application/json":
        raise InputError("The question must be JSON, sent as application/json.")

    try:
        text = request.get_data().decode("utf-8")
        body = json.loads(text, parse_constant=_refuse, parse_float=_number, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InputError("The question is not JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise InputError("The question must be a map with minutes, hour, services, kinds.")
    unknown = sorted(set(body) - keys)
    if unknown:
        raise InputError(
            f"{unknown[0][:40]!r} is not part of a question; there are {', '.join(sorted(keys))}."
        )
    return body


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _number(text: str) -> float:
    """Read a number with a point or an exponent; 1e309 would be infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise InputError(f"The question holds {text[:20]}, which is no number that counts here.")
    return number


def _whole(text: str) -> int:
    if len(text) > _DIGITS:  # what follows computes with floats, which hold no more
        raise InputError(f"The question holds a whole number of {len(text)} digits.")
    return int(text)


def read_ask(body: dict[str, object]) -> Ask:
    """Read ``minutes``, ``hour``, ``services`` and ``kinds``.

    Raises
    ------
    InputError
        One of them is wrong.
    """
    least, most = MINUTES
    minutes, hour = body.get("minutes"), body.get("hour")
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
        raise InputError(f"minutes must be a number from {least:g} to {most:g}.")
    if not least <= minutes <= most:
        raise InputError(f"minutes={minutes:g} must lie between {least:g} and {most:g}.")
    if hour is not None and (isinstance(hour, bool) or not isinstance(hour, int)):
        raise InputError("hour must be a whole number from 0 (Monday 00:00) to 167, or null.")
    if hour is not None and not 0 <= hour < 168:
        raise InputError("hour must lie between 0 (Monday 00:00) and 167, or be null.")
    chosen = StationFilter(
        kinds=_members(body, "kinds", Kind), services=_members(body, "services", Service)
    )
    return Ask(limit_s=60.0 * minutes, hour=hour, chosen=chosen)


def _members(body: dict[str, object], name: str, enum: type[E]) -> frozenset[E]:
    given = body.get(name)
    if given is None:
        return frozenset()
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise InputError(f"{name} must be a list of codes.")
    try:
        return frozenset(enum.parse(item) for item in given)
    except ValueError as error:
        raise InputError(f"{name} {error}.") from error
