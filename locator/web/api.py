"""What programs ask: the nearest stations as GeoJSON, and whether the service is well."""

import json

from flask import Blueprint, Response, request

from locator.answer import nearest_answer, route_answer, times_answer
from locator.errors import InputError
from locator.nearest import OpenRule
from locator.web.request import (
    Values,
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
_ROUNDED = 3  # decimals of a degree: about 100 m
_KNOWN = frozenset(
    {"lon", "lat", "k", "kind", "host", "service", "platform", "at", "open"}
    | {"night", "weather", "toward", "unknown"}
)


@blueprint.get("/api/nearest")
def nearest() -> Response:
    """Answer with GeoJSON.

    ``lon, lat, k, kind, host, service, platform, unknown, at, open, night, weather, toward``.
    """
    values = request.args
    _refuse_unknown(values, _KNOWN)
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


@blueprint.route("/api/route", methods=["GET", "POST"])
def route() -> Response:
    """Answer ``lon, lat, station`` with the way there, as a GeoJSON feature; 404 if there is none.

    A phone asks in the body of a POST, so that no log holds its position; the answers are equal.
    """
    values = request.args
    if request.method == "POST":
        if request.args:
            raise InputError("A POST to /api/route carries lon, lat and station in its body only.")
        values = request.form
    _refuse_unknown(values, frozenset({"lon", "lat", "station"}))
    lon, lat = read_position(values)
    answer = route_answer(get_service(), lon, lat, values.get("station", ""))
    return _json(answer, "application/geo+json")


@blueprint.post("/api/ride-times")
def ride_times() -> Response:
    """Answer ``lon, lat, station`` (repeated) in the body with seconds by station.

    It is for a rider who asks for times along the roads: the phone rounds its position to about
    100 m before it is sent, and so does this; it is neither kept nor logged.
    """
    lon, lat = (round(value, _ROUNDED) for value in read_position(request.form))
    stations = request.form.getlist("station")[:_MAX_K]
    return _json(times_answer(get_service(), lon, lat, stations), "application/json")


@blueprint.get("/healthz")
def health() -> Response:
    """Say whether the store can be read, how much it holds, and whether its roads are there."""
    service = get_service()
    snapshot = service.snapshot()
    body = {
        "status": "ok",
        "stations": len(snapshot.stations),
        "data_version": snapshot.version,
        "roads": service.roads_state,
    }
    return _json(body, "application/json")


def _refuse_unknown(values: Values, known: frozenset[str]) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(
            f"{unknown[0][:40]!r} is not a parameter; there are {', '.join(sorted(known))}."
        )


def _json(body: object, kind: str) -> Response:
    # jsonify would write NaN and Infinity, which no browser reads.
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, mimetype=kind)
