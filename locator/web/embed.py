"""Maps in pages: ``/map`` with the frame of the site, ``/embed/map`` without, for an iframe."""

from dataclasses import replace

from flask import Blueprint, g, render_template
from markupsafe import Markup

from locator.maps import MapParts, build_map, render_parts
from locator.study import map_layers, map_options
from locator.web.assets import asset_url
from locator.web.request import get_service

__all__ = ["blueprint"]

blueprint = Blueprint("embed", __name__)


@blueprint.get("/map")
def map_page() -> str:
    """Show the city's map in a page."""
    return render_template("map.html", parts=_draw())


@blueprint.get("/embed/map")
def embedded_map() -> str:
    """Show the city's map alone; other sites may frame this page."""
    g.framed = True
    return render_template("embed_map.html", parts=_draw())


def _draw() -> MapParts:
    """Return the map's HTML, marked as such: the maps' room has escaped what people wrote."""
    service = get_service()
    at = service.now()
    layers = map_layers(service.snapshot(), at=at)
    options = map_options(service.settings, layers, at=at)
    shown = bool(service.settings.map_approval) or g.local
    options = replace(options, station_url="/stations/", show_districts=shown)
    parts = render_parts(build_map(layers, options), nonce=g.nonce, asset_url=asset_url)
    return MapParts(*(Markup(part) for part in (parts.head, parts.body, parts.script)))  # noqa: S704
