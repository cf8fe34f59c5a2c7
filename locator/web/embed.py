"""Maps in pages: ``/map`` with the frame of the site, ``/embed/map`` without, for an iframe."""

from dataclasses import replace

from flask import Blueprint, g, render_template, request
from markupsafe import Markup

from locator.maps import MapParts, build_map, render_parts
from locator.schema import Language
from locator.study import map_layers, map_options
from locator.web.assets import asset_url
from locator.web.request import get_service

__all__ = ["blueprint"]

blueprint = Blueprint("embed", __name__)

_HEADINGS: dict[Language, str] = {"zh": "骑手驿站地图", "en": "Map of rider stations"}


@blueprint.get("/map")
def map_page() -> str:
    """Show the city's map in a page."""
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
    at = service.now()
    layers = map_layers(service.snapshot(), at=at)
    settings = replace(service.settings, language=_language())
    options = replace(
        map_options(settings, layers, at=at),
        station_url="/stations/",
        show_districts=bool(settings.map_approval) or g.local,
        for_list=for_list,
    )
    parts = render_parts(build_map(layers, options), nonce=g.nonce, asset_url=asset_url)
    return MapParts(*(Markup(part) for part in (parts.head, parts.body, parts.script)))  # noqa: S704
