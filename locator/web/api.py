"""What programs ask: the nearest stations as GeoJSON, and whether the service is well."""

import json

from flask import Blueprint, Response, request

from locator.answer import nearest_answer
from locator.errors import InputError
from locator.nearest import OpenRule
from locator.web.request import (
    get_service,
    read_filter,
    read_number,
    read_position,
    read_rule,
    read_wishes,
)

__all__ = ["blueprint"]

blueprint = Blueprint("api", __name__)

_MAX_K = 100
_KNOWN = frozenset(
    {"lon", "lat", "k", "kind", "host", "service", "platform", "at", "open"}
    | {"night", "weather", "toward"}
)


@blueprint.get("/api/nearest")
def nearest() -> Response:
    """Answer with GeoJSON.

    ``lon, lat, k, kind, host, service, platform, at, open, night, weather, toward``.
    """
    values = request.args
    unknown = sorted(set(values) - _KNOWN)
    if unknown:
        raise InputError(
            f"{unknown[0][:40]!r} is not a parameter; there are {', '.join(sorted(_KNOWN))}."
        )
    lon, lat = read_position(values)
    k = read_number(values, "k", int, 5)
    if not 1 <= k <= _MAX_K:
        raise InputError(f"k={k} must lie between 1 and {_MAX_K}.")
    answer = nearest_answer(
        get_service(),
        lon,
        lat,
        k=k,
        chosen=read_filter(values),
        rule=read_rule(values, OpenRule.ANY),
        at=values.get("at") or None,
        wishes=read_wishes(values),
    )
    return _json(answer, "application/geo+json")


@blueprint.get("/healthz")
def health() -> Response:
    """Say whether the store can be read, and how much it holds."""
    snapshot = get_service().snapshot()
    body = {"status": "ok", "stations": len(snapshot.stations), "data_version": snapshot.version}
    return _json(body, "application/json")


def _json(body: object, kind: str) -> Response:
    # jsonify would write NaN and Infinity, which no browser reads.
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, mimetype=kind)
