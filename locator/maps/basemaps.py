"""Base maps: where the tiles come from, what has to be written beside them."""

import re
from html import escape
from urllib.parse import quote, urlsplit

import folium

from locator.errors import InputError
from locator.maps.model import MapOptions

_OSM = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
_OSM_CREDIT = '© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a>'
# CGCS2000 lies within centimetres of WGS-84: nothing is shifted. cva holds the labels of vec.
_TIANDITU = (
    "https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0"
    "&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    "&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)
_TIANDITU_CREDIT = '© <a href="https://www.tianditu.gov.cn">天地图</a>'
_PLACEHOLDER = re.compile(r"\{(?:[zxysr]|-y)\}")


def check_basemap(options: MapOptions) -> None:
    """Check the base map's name or address and its key.

    Raises
    ------
    InputError
        The base map cannot be drawn; the message says what it may be.
    """
    if options.basemap in {"osm", "none"}:
        return
    if options.basemap == "tianditu":
        if not options.basemap_key:
            raise InputError(
                "The base map 'tianditu' needs a key: set LOCATOR_BASEMAP_KEY, or choose another."
            )
        return
    address = options.basemap
    parts = urlsplit(address)
    complete = all(part in address for part in ("{z}", "{x}")) and (
        "{y}" in address or "{-y}" in address
    )
    # Braces that are no placeholder would be read by Leaflet, or by folium's template engine.
    stray = re.search(r"[{}<>\s\"']", _PLACEHOLDER.sub("", address))
    if parts.scheme not in {"http", "https"} or not parts.netloc or not complete or stray:
        raise InputError(
            f"The base map {address!r} is not known; it must be osm, tianditu, none, or a tile "
            "address with {z}, {x} and {y}."
        )


def tile_layers(options: MapOptions) -> list[folium.TileLayer]:
    """Return the tile layers of the base map, lowest first; none for ``none``."""
    if options.basemap == "none":
        return []
    if options.basemap == "osm":
        return [_layer(_OSM, _OSM_CREDIT, max_native_zoom=19)]
    if options.basemap == "tianditu":
        key = quote(options.basemap_key, safe="")
        return [
            _layer(
                _TIANDITU.format(layer=layer, key=key),
                _TIANDITU_CREDIT,
                max_native_zoom=18,
                subdomains="01234567",
            )
            for layer in ("vec", "cva")
        ]
    host = urlsplit(options.basemap).netloc.rpartition("@")[2]
    return [_layer(options.basemap, escape(_PLACEHOLDER.sub("", host).strip(".")))]


def tile_origins(basemap: str) -> tuple[str, ...]:
    """Return the origins tiles come from, as sources for a page's ``img-src``."""
    if basemap == "none":
        return ()
    if basemap == "tianditu":
        return ("https://*.tianditu.gov.cn",)
    parts = urlsplit(_OSM if basemap == "osm" else basemap)
    host = parts.netloc.rpartition("@")[2]
    if "{" in host:  # a source may hold a wildcard only as its first label
        host = "*." + host.rpartition("}")[2].partition(".")[2]
    return (f"{parts.scheme}://{host}",)


def _layer(
    address: str, credit: str, *, max_native_zoom: int = 18, subdomains: str = "abc"
) -> folium.TileLayer:
    return folium.TileLayer(
        address,
        attr=credit,
        name="base",
        max_zoom=20,
        max_native_zoom=max_native_zoom,
        subdomains=subdomains,
        # Our pages are sent with no-referrer, and tile servers refuse requests without one.
        referrer_policy="strict-origin",
    )
