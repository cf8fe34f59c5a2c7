"""What programs ask: the nearest stations as GeoJSON, and whether the service is well."""

import json

from flask import Blueprint, Response, request

from locator import questions
from locator.answer import nearest_answer, route_answer, times_answer
from locator.errors import InputError
from locator.nearest import OpenRule, read_filter, read_wishes
from locator.web.request import get_service, given_address, given_form

blueprint = Blueprint("api", __name__)

_MAX_K = 100
_ROUNDED = 3  # decimals of a degree: about 100 m
_NEAREST = (
    *("lon", "lat", "k", "kind", "host", "service", "platform", "unknown"),
    *("at", "open", "night", "weather", "toward"),
)
_ROUTE = ("lon", "lat", "station")


@blueprint.get("/api/nearest")
def nearest() -> Response:
    """Answer with GeoJSON.

    ``lon, lat, k, kind, host, service, platform, unknown, at, open, night, weather, toward``.
    """
    service, given = get_service(), given_address(_NEAREST)
    answer = nearest_answer(
        service,
        given.need("lon", questions.lon),
        given.need("lat", questions.lat),
        k=given.read("k", questions.whole(1, _MAX_K), 5),
        chosen=read_filter(given),
        rule=given.read("open", questions.choice(*OpenRule), OpenRule.ANY),
        at=given.read("at", questions.moment(service.rules.timezone)),
        wishes=read_wishes(given),
    )
    return _json(answer, "application/geo+json")


@blueprint.route("/api/route", methods=["GET", "POST"])
def route() -> Response:
    """Answer ``lon, lat, station`` with the way there, as a GeoJSON feature; 404 if there is none.

    A phone asks in the body of a POST, so that no log holds its position; the answers are equal.
    """
    posted = request.method == "POST"
    if posted and request.args:
        raise InputError("A POST to /api/route carries lon, lat and station in its body only.")
    given = given_form(_ROUTE) if posted else given_address(_ROUTE)
    answer = route_answer(
        get_service(),
        given.need("lon", questions.lon),
        given.need("lat", questions.lat),
        given.read("station", questions.text, ""),
    )
    return _json(answer, "application/geo+json")


@blueprint.post("/api/ride-times")
def ride_times() -> Response:
    """Answer ``lon, lat, station`` (repeated) in the body with seconds by station.

    It is for a rider who asks for times along the roads: the phone rounds its position to about
    100 m before it is sent, and so does this; it is neither kept nor logged.
    """
    given = given_form()
    lon = round(given.need("lon", questions.lon), _ROUNDED)
    lat = round(given.need("lat", questions.lat), _ROUNDED)
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


def _json(body: object, kind: str) -> Response:
    # jsonify would write NaN and Infinity, which no browser reads.
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, mimetype=kind)
