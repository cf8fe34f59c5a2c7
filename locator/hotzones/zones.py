"""Significant cells that touch become zones: a polygon, a name, an id that stays."""

from dataclasses import dataclass

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from locator.datum import geodesic_m
from locator.hotzones.cells import CellIds, find_neighbours
from locator.schema import POSITION_DECIMALS, Language

Ints = npt.NDArray[np.int64]

_NAMED_WITHIN_M = 5_000.0  # a place is one point for a town or a quarter
_UNNAMED: dict[Language, str] = {"zh": "热区", "en": "Hot zone"}


def join_cells(ids: CellIds) -> Ints:
    """Return for each cell the number of its zone: cells that share an edge share a zone.

    Parameters
    ----------
    ids
        (n,) H3 cells, ascending.
    """
    focal, near = find_neighbours(ids)
    size = len(ids)
    links = coo_array((np.ones(len(focal), dtype=bool), (focal, near)), shape=(size, size))
    _, zone = connected_components(links, directed=False)
    return np.asarray(zone, dtype=np.int64)


def zone_id(ids: CellIds, weight: Ints) -> str:
    """Return a zone's id: that of its strongest cell, of equal ones the lowest.

    It stays as long as that cell stays the strongest, whatever happens at the zone's edge.
    """
    strongest = ids[weight == weight.max()].min()
    return f"HZ-{int(strongest):x}"


def outline_cells(ids: CellIds) -> shapely.MultiPolygon:
    """Return the outline of cells, degrees WGS-84."""
    shape = shapely.geometry.shape(h3.cells_to_geo(ids.tolist()))
    parts = shapely.get_parts(shapely.normalize(shape))
    rounded = [shapely.transform(part, _round) for part in parts]
    return shapely.MultiPolygon(rounded)


def _round(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.round(xy, POSITION_DECIMALS)


def cell_polygons(ids: CellIds) -> list[shapely.Polygon]:
    """Return the hexagon of each cell, degrees WGS-84."""
    boundaries = (h3.cell_to_boundary(cell) for cell in ids.tolist())
    return [shapely.Polygon([(lon, lat) for lat, lon in boundary]) for boundary in boundaries]


@dataclass(frozen=True)
class ZoneNames:
    """What zones are named by: layers ``places`` and ``districts`` of a store, and the language."""

    places: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame
    language: Language = "zh"


def name_zones(
    centres: npt.NDArray[np.float64],
    demand_per_h: npt.NDArray[np.float64],
    names: ZoneNames,
) -> list[str]:
    """Name zones by the nearest place and the district; several around one are numbered.

    Parameters
    ----------
    centres
        (n, 2) degrees WGS-84: the middle of each zone's strongest cell, which is what is named.
    demand_per_h
        (n,) by which zones of one name are numbered, the greatest first.

    Returns
    -------
    list
        Such as ``虢镇 2（陈仓区）``. A place farther than 5 km names nothing, nor does a city's.
    """
    bases = [_base_name(lon, lat, names) for lon, lat in centres]
    result = [""] * len(bases)
    for base in dict.fromkeys(bases):
        zones = [zone for zone, other in enumerate(bases) if other == base]
        zones.sort(key=lambda zone: (-demand_per_h[zone], *centres[zone]))
        word, district = base
        for number, zone in enumerate(zones, start=1):
            # An unnamed zone has nothing but its number.
            numbered = f"{word} {number}" if len(zones) > 1 or not district else word
            result[zone] = _with_district(numbered, district, names.language)
    return result


def _base_name(lon: float, lat: float, names: ZoneNames) -> tuple[str, str]:
    """Return the place's name and the district's, or the district's twice over where no place is.

    Without either, the language's word for a hot zone and nothing.
    """
    district = _name_at(lon, lat, names)
    places = names.places[names.places["kind"] != "city"] if len(names.places) else names.places
    if len(places):
        away = geodesic_m(lon, lat, places.geometry.x, places.geometry.y)
        nearest = int(away.argmin())
        if away[nearest] <= _NAMED_WITHIN_M:
            return _text(places.iloc[nearest], names.language), district
    return (district, district) if district else (_UNNAMED[names.language], "")


def _name_at(lon: float, lat: float, names: ZoneNames) -> str:
    inside = shapely.intersects_xy(names.districts.geometry.to_numpy(), lon, lat)
    rows = np.flatnonzero(inside)
    return _text(names.districts.iloc[int(rows[0])], names.language) if len(rows) else ""


def _text(row: "gpd.GeoSeries", language: Language) -> str:
    english = row.get("name_en")
    return str(english) if language == "en" and isinstance(english, str) else str(row["name"])


def _with_district(name: str, district: str, language: Language) -> str:
    if not district or name.startswith(district):
        return name
    return f"{name} ({district})" if language == "en" else f"{name}（{district}）"
