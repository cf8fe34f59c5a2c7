"""``/embed/map.png`` and its like: the same map as a picture, for reports and articles."""

from typing import cast

from flask import Blueprint, Response, request

from locator.errors import InputError
from locator.showing import (
    MAP_NAMES,
    PICTURE_NAMES,
    MapView,
    PictureFormat,
    PictureOptions,
    picture_bytes,
    read_map_view,
    read_picture,
)
from locator.study.maps import settings_language
from locator.web.embed.asking import (
    mark_of,
    picture_cache,
    shown_for,
)
from locator.web.request import get_service, given_address

blueprint = Blueprint("pictures", __name__)

MEDIA: dict[str, str] = {"png": "image/png", "svg": "image/svg+xml"}
_MAX_AGE_S = 300
# Opened by itself an SVG may style itself, and do nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@blueprint.errorhandler(InputError)
def _wrong(error: InputError) -> Response:
    return Response(str(error), status=400, mimetype="text/plain")


@blueprint.get("/embed/<any(map, coverage):what>.<any(png, svg):ending>")
def picture(what: str, ending: str) -> Response:
    """Send a map as a picture; it is drawn once, whoever asks, until the data or the day change."""
    service = get_service()
    given = given_address((*MAP_NAMES, "reach", *PICTURE_NAMES))
    # The same address is the same picture, whoever asks: it is pasted, linked and kept by caches.
    view = read_map_view(
        given,
        what=what,
        now=service.now(),
        language=settings_language(service.settings),
    )
    size = read_picture(given)
    if view.theme == "dark":
        raise InputError("A picture is always light, as paper is: leave theme=dark out.")
    mark = mark_of(what, view, ending, repr(size))
    if request.if_none_match.contains_weak(mark):
        response = Response(status=304)
    else:
        kind = cast("PictureFormat", ending)
        body = picture_cache().get(mark, lambda: _draw(what, view, size, kind))
        response = send_picture(body, ending, name=f"rider-stations-{what}")
    response.set_etag(mark, weak=True)  # an SVG may be sent packed
    response.cache_control.public = True
    response.cache_control.max_age = _MAX_AGE_S
    return response


def _draw(what: str, view: MapView, size: PictureOptions, kind: PictureFormat) -> bytes:
    # Without a moment no station is marked open: a picture outlives the minute it was made in.
    return picture_bytes(shown_for(what, view, now_states=False), size, kind)


def send_picture(body: bytes, ending: str, *, name: str) -> Response:
    """Return a picture as an answer that any page may show."""
    response = Response(body, mimetype=MEDIA[ending])
    response.headers["Content-Disposition"] = f'inline; filename="{name}.{ending}"'
    response.headers["Content-Security-Policy"] = _POLICY
    return response
