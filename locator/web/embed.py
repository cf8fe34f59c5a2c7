"""Maps in pages: ``/map`` with the frame of the site, ``/embed/map`` without, for an iframe."""

from dataclasses import replace

from flask import Blueprint, g, render_template, request
from markupsafe import Markup

from locator.maps import MapParts, build_map, render_parts
from locator.schema import Language
from locator.study import map_layers, map_options, parse_reach, reach_caption, reach_layer
from locator.web.assets import asset_url
from locator.web.request import get_service

__all__ = ["blueprint"]

blueprint = Blueprint("embed", __name__)

_HEADINGS: dict[Language, str] = {"zh": "骑手驿站地图", "en": "Map of rider stations"}


@blueprint.get("/map")
def map_page() -> str:
    """Show the city's map in a page; ``?reach=5,10`` adds what is within so many minutes."""
    return render_template("map.html", parts=_draw(), heading=_HEADINGS[_language()])


@blueprint.get("/embed/map")
def embedded_map() -> str:
    """Show the city's map alone; other sites may frame this page.

    ``?for=list`` is the map in the rider's own page: it follows the list there by messages
    (``templates/static/map-list.js``).
    """
    g.framed = True
    parts = _draw(for_list=request.args.get("for") == "list")
    return render_template("embed_map.html", parts=parts, heading=_HEADINGS[_language()])


def _language() -> Language:
    """Return the page's language; the settings' where the request has none."""
    return "en" if g.get("language", get_service().settings.language) == "en" else "zh"


def _draw(*, for_list: bool = False) -> MapParts:
    """Return the map's HTML, marked as such: the maps' room has escaped what people wrote."""
    service = get_service()
    asked = request.args.get("reach", "").strip()
    minutes = parse_reach(asked) if asked else ()
    at, snapshot = service.now(), service.snapshot()
    reach = reach_layer(service, snapshot, minutes, _language())
    layers = replace(map_layers(snapshot, at=at), reach=reach)
    settings = replace(service.settings, language=_language())
    options = map_options(settings, layers, at=at)
    if reach is not None:
        caption = f"{options.caption} · {reach_caption(service.travel, _language())}"
        options = replace(options, caption=caption)
    options = replace(
        options,
        station_url="/stations/",
        show_districts=bool(settings.map_approval) or g.local,
        for_list=for_list,
    )
    parts = render_parts(build_map(layers, options), nonce=g.nonce, asset_url=asset_url)
    return MapParts(*(Markup(part) for part in (parts.head, parts.body, parts.script)))  # noqa: S704
