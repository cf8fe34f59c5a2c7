"""What makes points doubtful: rows that stand twice, one position for many, a constant offset."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import GEOD
from locator.hotzones.cells import CellIds
from locator.hotzones.zones import cell_polygons

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_WHOLLY, _PARTLY = 1, 2
_BUCKETS = 1 << 16
_CROWDED_SHARE = 0.01  # of all rows: a default position, not a busy shop
_CROWDED_ROWS = 30
_DIRECTIONS = 16
_STEPS_M = (500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0)
_CLEARLY_MORE_INSIDE = 0.02  # as the datum's hint asks (docs/methods.md)


def first_of_each(key: npt.NDArray[np.uint64], *by: npt.NDArray[np.generic]) -> Bools:
    """Tell of each row whether it is the first of those with its key, in the order of ``by``.

    Parameters
    ----------
    key
        (n,) equal for rows that are the same order.
    by
        (n,) arrays, the most important first; the last should leave no ties.
    """
    order = np.lexsort((*reversed(by), key))
    first = np.ones(len(key), dtype=bool)
    first[order[1:]] = key[order[1:]] != key[order[:-1]]
    return first


@dataclass
class CrowdedPositions:
    """Finds positions that hold more than their share of all rows, in bounded memory.

    Counted twice: every row by a hash of its position, then exactly the rows whose hash came often
    enough. The order of rows changes nothing.
    """

    _rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BUCKETS, dtype=np.int64))
    _counts: dict[tuple[float, float], int] = field(default_factory=dict)

    def add(self, lon: Floats, lat: Floats) -> None:
        """Count rows the first time."""
        self._rows += np.bincount(_bucket(lon, lat), minlength=_BUCKETS)

    def add_again(self, lon: Floats, lat: Floats) -> None:
        """Count rows the second time, all having been counted once."""
        often = (self._rows >= self._least())[_bucket(lon, lat)]
        places, rows = np.unique(np.column_stack([lon, lat])[often], axis=0, return_counts=True)
        for (x, y), count in zip(places.tolist(), rows.tolist(), strict=True):
            self._counts[x, y] = self._counts.get((x, y), 0) + count

    def found(self) -> list[tuple[float, float, int]]:
        """Return longitude, latitude and rows of the crowded positions, the most rows first."""
        least = self._least()
        found = [(x, y, count) for (x, y), count in self._counts.items() if count >= least]
        return sorted(found, key=lambda item: (-item[2], item))

    def _least(self) -> float:
        return max(_CROWDED_SHARE * int(self._rows.sum()), _CROWDED_ROWS)


def _bucket(lon: Floats, lat: Floats) -> npt.NDArray[np.int64]:
    bits = lon.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits ^= lat.view(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    bits ^= bits >> np.uint64(29)
    return ((bits * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(48)).astype(np.int64)


class AreaTest:
    """Tells which points lie in an area; only in cells that its edge crosses is each looked at."""

    def __init__(self, area: shapely.Geometry) -> None:
        shapely.prepare(area)
        self._area = area
        self._known: dict[int, int] = {}

    def inside(self, lon: Floats, lat: Floats, cells: CellIds) -> Bools:
        """Tell which points lie inside: (n,) degrees WGS-84, and the H3 cell of each."""
        ids, place = np.unique(cells, return_inverse=True)
        new = np.array([cell for cell in ids.tolist() if cell not in self._known], dtype=np.uint64)
        if len(new):
            hexagons = np.array(cell_polygons(new), dtype=object)
            wholly = shapely.contains_properly(self._area, hexagons)
            partly = shapely.intersects(self._area, hexagons) & ~wholly
            self._known |= dict(zip(new.tolist(), (wholly + 2 * partly).tolist(), strict=True))
        state = np.array([self._known[cell] for cell in ids.tolist()], dtype=np.int64)[place]
        inside: Bools = state == _WHOLLY
        look = state == _PARTLY
        inside[look] = shapely.intersects_xy(self._area, lon[look], lat[look])
        return inside


@dataclass(frozen=True)
class Offset:
    """A shift of all points that brings clearly more of them into the districts."""

    east_m: float
    north_m: float
    inside_share: float
    inside_share_as_is: float


def fit_offset(lon: Floats, lat: Floats, districts: gpd.GeoDataFrame) -> Offset | None:
    """Return the shift, up to 50 km, that puts most points into the districts, if it is clear.

    A shift that only brings a few stragglers in is none: 2 in 100 points more must lie inside, and
    in the end 98 in 100. Where the points fill the districts' middle only, a small offset cannot
    show.
    """
    if not len(districts) or not len(lon):
        return None
    area = shapely.union_all(shapely.make_valid(districts.geometry.to_numpy()))
    shapely.prepare(area)
    as_is = float(shapely.intersects_xy(area, lon, lat).mean())
    best = Offset(0.0, 0.0, as_is, as_is)
    for step_m in _STEPS_M:
        for azimuth in np.arange(_DIRECTIONS) * (360.0 / _DIRECTIONS):
            x, y, _ = GEOD.fwd(lon, lat, np.full(len(lon), azimuth), np.full(len(lon), step_m))
            share = float(shapely.intersects_xy(area, x, y).mean())
            if share > best.inside_share + 1e-9:
                angle = np.radians(azimuth)
                east, north = step_m * np.sin(angle), step_m * np.cos(angle)
                best = Offset(float(east), float(north), share, as_is)
    clear = best.inside_share - as_is > _CLEARLY_MORE_INSIDE and best.inside_share >= 0.98
    return best if clear else None
