"""What a map is made from and what it is handed over as."""

from dataclasses import dataclass, fields
from datetime import date

import geopandas as gpd

from locator.errors import InputError
from locator.schema import CRS, Language
from locator.theme import Theme

# Above the first, markers are clustered; above the second, a browser no longer keeps up, and the
# map shows how many stations there are where.
CLUSTER_ABOVE = 1_000
MAX_STATIONS = 20_000

_POINTS = frozenset({"Point"})
_POLYGONS = frozenset({"Polygon", "MultiPolygon"})
_GEOMETRIES = {
    "stations": _POINTS,
    "hot_zones": _POLYGONS,
    "districts": _POLYGONS,
    "places": _POINTS,
    "gaps": _POLYGONS,
    "sites": _POINTS,
    "reach": _POLYGONS,
}


@dataclass(frozen=True)
class MapLayers:
    """The frames a map draws, all EPSG:4326; None is a layer that is not drawn.

    Attributes
    ----------
    stations
        Columns of the stations of :data:`locator.schema.LAYERS`; may carry ``state`` (codes of
        :class:`locator.schema.State`) and ``hours_note`` (a sentence shown beside it).
    hot_zones
        Columns of the hot zones; may carry ``covered_share`` (0 to 1, NaN is not computed).
    districts, places
        Columns of their layers in :data:`locator.schema.LAYERS`.
    gaps
        Polygons with any of ``rank``, ``zone_id``, ``zone_name``, ``district_name``,
        ``unserved_demand_per_h``, ``area_m2``, ``nearest_station_name``, ``nearest_m``.
    sites
        Chosen sites, points with ``rank``, ``name``, ``gain_words``, ``district_name`` and
        ``opening_hours``. With them ``gaps`` are what stays uncovered, ``reach`` what is newly
        covered, and the legend says so.
    reach
        Areas around stations that do not overlap, the nearest first, at most three, already
        simplified; ``name`` says in words what each is.
    """

    stations: gpd.GeoDataFrame | None = None
    hot_zones: gpd.GeoDataFrame | None = None
    districts: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    gaps: gpd.GeoDataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    reach: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class MapOptions:
    """How a map is drawn and what is written on it.

    Attributes
    ----------
    title, caption
        Text; the caption says date, model and source.
    language
        ``zh`` or ``en``.
    basemap
        ``osm``, ``tianditu``, ``none``, or a tile address with ``{z}``, ``{x}`` and ``{y}``.
    basemap_key
        Tianditu's ``tk``.
    map_approval
        审图号, shown below the map when set.
    illustrative
        Say in words that the data are made up for illustration.
    show_districts
        Draw the districts' lines and names.
    station_url
        Start of a station's address, such as ``/stations/``; the id follows it, encoded. Without
        it, popups hold no link.
    day
        The day the map is for: notices that are not valid on it are left out. Without it all are
        shown with their dates.
    for_list
        The map stands in the rider's own page and follows its list, told by messages: no title,
        no search, hot zones and gaps switched off at first.
    extent
        West, south, east, north in degrees: where the map starts, instead of where it finds best.
    theme
        Of a file: ``auto`` follows the reader's device.
    """

    title: str
    caption: str
    language: Language = "zh"
    basemap: str = "osm"
    basemap_key: str = ""
    map_approval: str = ""
    illustrative: bool = False
    show_districts: bool = True
    station_url: str | None = None
    day: date | None = None
    for_list: bool = False
    extent: tuple[float, float, float, float] | None = None
    theme: Theme = "auto"


@dataclass(frozen=True)
class MapParts:
    """A map as three pieces of HTML for a page under a strict Content-Security-Policy.

    Attributes
    ----------
    head
        Style sheets, for ``<head>``.
    body
        A ``<figure>`` that fills its parent; give the parent a height.
    script
        Scripts, for the end of ``<body>``.
    """

    head: str
    body: str
    script: str


def check_layers(layers: MapLayers) -> MapLayers:
    """Return the layers without empty frames and empty geometries.

    Raises
    ------
    InputError
        A frame is not EPSG:4326, or holds other geometries than its layer draws.
    """
    checked: dict[str, gpd.GeoDataFrame | None] = {}
    for field in fields(MapLayers):
        frame: gpd.GeoDataFrame | None = getattr(layers, field.name)
        checked[field.name] = None if frame is None else _check_frame(frame, field.name)
    return MapLayers(**checked)


def _check_frame(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame | None:
    shown = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if shown.empty:
        return None
    if frame.crs is None or frame.crs != CRS:
        raise InputError(f"{layer}: a map draws EPSG:4326 (WGS-84), this frame is {frame.crs}.")
    wrong = sorted(set(shown.geom_type) - _GEOMETRIES[layer])
    if wrong:
        expected = " or ".join(sorted(_GEOMETRIES[layer]))
        raise InputError(f"{layer}: a map draws {expected} here, this frame holds {wrong[0]}.")
    return shown
