"""Geodesic distance times a detour factor at a speed: an estimate, and called so.

The travel time from *a* to *b* is ``detour_factor * geodesic(a, b) / speed``. It knows no river,
railway or one-way street.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import GEOD, Positions, geodesic_m
from locator.errors import InputError
from locator.schema import CRS, Language
from locator.travel.base import Nearest, Origins

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

Result = TypeVar("Result")
Indices = npt.NDArray[np.int64]

CIRCLE_SIDES = 256  # an inscribed 256-gon is 0.01 % smaller than its circle
_FLOOR_S = 0.001
_EVERY_PAIR_UP_TO = 2048  # destinations; past that a tree is quicker than every distance
_PAIRS_UP_TO = 20_000  # past that a tree, though scipy has to be imported first
_PAIRS_AT_ONCE = 50_000  # what a thread holds at a time
_SPARE = 1  # fetched past k: enough to know nothing nearer was missed, nearly always
_CELLS = 256  # a side; the number of a cell fits 16 bits, which numpy sorts by radix

# Semi-axes of WGS-84 (NGA.STND.0036, table 3.1), in metres.
_A, _B = 6_378_137.0, 6_356_752.314245
# The bound of docs/methods.md, "Nearest": the ellipsoid's smallest radius of curvature, the
# longest chord it is used for, and more than rounding does to a chord and a geodesic together.
_BEND_M = _B**2 / _A
_LONG_M = 1e7
_ROUNDING_M = 1e-7
_SHORT_M = 20_000.0  # up to here the arc of one circle is the geodesic's length to 20 nm
_ARC_M = 100_000.0  # and up to here to 1 um: what a time to the millisecond does not show


@dataclass(frozen=True)
class StraightLine:
    """The estimate; ``speed_kmh`` includes stops, ``detour_factor`` is way over straight line.

    ``missing_roads`` names roads that should be used and are gone; every answer says so.
    """

    speed_kmh: float
    detour_factor: float
    missing_roads: str = ""

    def describe(self, language: Language = "en") -> str:
        """Return one line for whatever shows an answer."""
        if language == "zh":
            way = f"直线距离 × {self.detour_factor:g}"
            gone = f"（导入过的路网 {self.missing_roads} 缺失）" if self.missing_roads else ""
            return f"估算：{way}，时速 {self.speed_kmh:g} 公里，未按道路计算{gone}"
        gone = f" (the imported roads, {self.missing_roads}, are missing)"
        return (
            f"estimate: straight line × {self.detour_factor:g} at {self.speed_kmh:g} km/h, "
            f"not along roads{gone if self.missing_roads else ''}"
        )

    def snap(self, lonlat: Origins) -> Positions:
        """Return places as they are: there is no road to bring them to."""
        return _positions(lonlat)

    def bind(self, destinations: Positions) -> "BoundStraightLine":
        """Keep the destinations, (m, 2) longitude and latitude."""
        return BoundStraightLine(self, np.asarray(destinations, dtype=np.float64).reshape(-1, 2))

    def limit_s(self, metres: float) -> float:
        """Return the riding time that stands for a straight distance."""
        return metres * self.seconds_per_m

    @property
    def seconds_per_m(self) -> float:
        """Seconds for a metre of straight line."""
        return self.detour_factor / (self.speed_kmh / 3.6)


class BoundStraightLine:
    """The estimate towards a fixed set of destinations."""

    def __init__(self, model: StraightLine, destinations: Positions) -> None:
        if not np.isfinite(destinations).all():
            raise InputError("A station's position is not a number; mend it in the register.")
        self._model = model
        self._lonlat = destinations

    @cached_property
    def _tree(self) -> "cKDTree":
        return _build_tree(self._lonlat)

    def nearest(
        self, origins: Origins, *, k: int, mask: npt.NDArray[np.bool_] | None = None
    ) -> Nearest:
        """Return the k nearest destinations of each origin; see :class:`BoundModel`."""
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 or more stations.")
        origins = _positions(origins)
        chosen = np.arange(len(self._lonlat)) if mask is None else np.flatnonzero(mask)
        index = np.full((len(origins), k), -1, dtype=np.int64)
        metres = np.full((len(origins), k), np.inf)
        if len(chosen) and len(origins):
            found, straight = self._search(origins, min(k, len(chosen)), chosen, whole=mask is None)
            width = found.shape[1]
            index[:, :width], metres[:, :width] = chosen[found], straight
        seconds = np.maximum(metres * self._model.seconds_per_m, _FLOOR_S)
        return Nearest(index, seconds, metres * self._model.detour_factor)

    def _search(
        self, origins: Positions, k: int, chosen: Indices, *, whole: bool
    ) -> tuple[Indices, npt.NDArray[np.float64]]:
        lonlat = self._lonlat[chosen]
        pairs = len(origins) * len(chosen)
        if len(chosen) <= _EVERY_PAIR_UP_TO and pairs <= _PAIRS_UP_TO:
            return _rank(_distances(origins, lonlat), k)
        tree = self._tree if whole else _build_tree(lonlat)
        index = np.empty((len(origins), k), dtype=np.int64)
        metres = np.empty((len(origins), k))

        def search(rows: Indices) -> None:
            index[rows], metres[rows] = _search_tree(tree, origins[rows], lonlat, k)

        _in_threads(search, _pieces(_by_place(origins), k + _SPARE))
        return index, metres

    def times(self, origins: Origins, *, limit_s: float) -> "csr_array":
        """Return seconds within the limit as a sparse matrix; see :class:`BoundModel`."""
        from scipy.sparse import csr_array

        origins = _positions(origins)
        shape = (len(origins), len(self._lonlat))
        if 0 in shape:
            return csr_array(shape, dtype=np.float64)
        radius_m = limit_s / self._model.seconds_per_m
        points = _to_ecef(origins)
        # A chord is never longer than the geodesic, so the ball holds every pair within reach.
        near = self._tree.query_ball_point(points, radius_m * (1 + 1e-12))
        row = np.repeat(np.arange(len(origins)), [len(n) for n in near])
        column = np.concatenate([np.asarray(n, dtype=np.int64) for n in near])

        def measure(some: Indices) -> npt.NDArray[np.float64]:
            starts, ends = points[row[some]], self._tree.data[column[some]]
            chord = np.linalg.norm(starts - ends, axis=1)
            metres = _arc_m(starts, ends, chord)
            far = np.flatnonzero(chord > _ARC_M)
            here, there = origins[row[some[far]]], self._lonlat[column[some[far]]]
            metres[far] = geodesic_m(here[:, 0], here[:, 1], there[:, 0], there[:, 1])
            return metres

        straight = np.concatenate(_in_threads(measure, _pieces(np.arange(len(row)), 1)))
        within = straight <= radius_m
        seconds = np.maximum(straight[within] * self._model.seconds_per_m, _FLOOR_S)
        return csr_array((seconds, (row[within], column[within])), shape=shape)

    def service_areas(self, *, limit_s: float) -> gpd.GeoSeries:
        """Return geodesic circles of :data:`CIRCLE_SIDES` sides, EPSG:4326."""
        radius_m = limit_s / self._model.seconds_per_m
        azimuth = np.linspace(0.0, 360.0, CIRCLE_SIDES, endpoint=False)

        def draw(rows: Indices) -> npt.NDArray[np.object_]:
            lon, lat = (np.repeat(self._lonlat[rows, axis], CIRCLE_SIDES) for axis in (0, 1))
            lon, lat, _ = GEOD.fwd(
                lon, lat, np.tile(azimuth, len(rows)), np.full(len(lon), radius_m)
            )
            rings = np.stack([lon, lat], axis=-1).reshape(len(rows), CIRCLE_SIDES, 2)
            return np.asarray(shapely.polygons(rings), dtype=object)

        drawn = _in_threads(draw, _pieces(np.arange(len(self._lonlat)), CIRCLE_SIDES))
        return gpd.GeoSeries(np.concatenate(drawn), crs=CRS)

    def reach(
        self, *, limit_s: float, mask: npt.NDArray[np.bool_] | None = None
    ) -> shapely.MultiPolygon:
        """Return the union of the circles (of those in the mask); see :class:`BoundModel`."""
        areas = self.service_areas(limit_s=limit_s).to_numpy()
        # Circles that do not hang together are not compared: 5,000 take under a second.
        whole = shapely.disjoint_subset_union_all(areas if mask is None else areas[mask])
        return shapely.MultiPolygon([part for part in shapely.get_parts(whole) if part.area > 0])


def _positions(origins: Origins) -> Positions:
    """Return places as an (n, 2) array, also of those that another model snapped."""
    lonlat = origins if isinstance(origins, np.ndarray) else getattr(origins, "lonlat", origins)
    return np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)


def _pieces(rows: Indices, width: int) -> list[Indices]:
    """Cut rows of so many numbers each into pieces that fit into memory; at least one piece."""
    count = max(1, -(-len(rows) * width // _PAIRS_AT_ONCE))
    return list(np.array_split(rows, count))


def _in_threads(action: Callable[[Indices], Result], pieces: Sequence[Indices]) -> list[Result]:
    """Act on every piece; PROJ, scipy and shapely let go of the interpreter as they work."""
    if len(pieces) == 1:
        return [action(pieces[0])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(action, pieces))


def _by_place(origins: Positions) -> Indices:
    """Return an order in which neighbours follow each other, so that they share the cache."""
    west_south = origins.min(axis=0)
    size = np.maximum(np.ptp(origins, axis=0), 1e-9)
    cell = ((origins - west_south) / size * (_CELLS - 1)).astype(np.uint16)
    return np.argsort(cell[:, 1] * _CELLS + cell[:, 0], kind="stable")


def _distances(origins: Positions, lonlat: Positions) -> npt.NDArray[np.float64]:
    return geodesic_m(
        origins[:, None, 0], origins[:, None, 1], lonlat[None, :, 0], lonlat[None, :, 1]
    )


def _rank(metres: npt.NDArray[np.float64], k: int) -> tuple[Indices, npt.NDArray[np.float64]]:
    """Return the k smallest of each row; among equals the first column wins."""
    order = np.argsort(metres, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(metres, order, axis=1)


def _to_ecef(lonlat: Positions) -> npt.NDArray[np.float64]:
    """Return earth-centred coordinates in metres on the ellipsoid."""
    lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    e2 = 1.0 - (_B / _A) ** 2
    n = _A / np.sqrt(1.0 - e2 * np.sin(lat) ** 2)
    return np.stack(
        [
            n * np.cos(lat) * np.cos(lon),
            n * np.cos(lat) * np.sin(lon),
            n * (1.0 - e2) * np.sin(lat),
        ],
        axis=-1,
    )


def _build_tree(lonlat: Positions) -> "cKDTree":
    from scipy.spatial import cKDTree  # half a second to import: only where it is used

    # Cut at the middle of the box, not at the median: as quick to search, twice as quick to build,
    # and many stations at one place do not make it deep.
    return cKDTree(_to_ecef(lonlat), balanced_tree=False)


def _longest(chord: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what a geodesic of this chord is at most: the arc of the most bent circle."""
    half = np.minimum(chord, _LONG_M) / (2 * _BEND_M)
    arc = 2 * _BEND_M * np.arcsin(half) + _ROUNDING_M
    return np.where(chord < _LONG_M, arc, np.inf)


def _arc_m(
    starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], chord: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the geodesics over short chords: arcs as bent as the ellipsoid is along the chord."""
    axes = np.array([_A**-2, _A**-2, _B**-2])
    steep = (np.linalg.norm(starts * axes, axis=-1) + np.linalg.norm(ends * axes, axis=-1)) / 2
    # The angle of the arc, chord times curvature; under a metre it changes nothing.
    angle = (ends - starts) ** 2 @ axes / (steep * np.maximum(chord, 1.0))
    arc: npt.NDArray[np.float64] = chord * (1 + angle**2 / 24 + 3 * angle**4 / 640)
    return arc


def _search_tree(
    tree: "cKDTree", origins: Positions, lonlat: Positions, k: int
) -> tuple[Indices, npt.NDArray[np.float64]]:
    """Search by chord; where chords are too much alike to tell, rank by geodesic.

    A geodesic is no shorter than its chord and no longer than :func:`_longest`. So where every
    chord is longer than the last one's longest geodesic, the order of the geodesics is theirs.
    """
    points = _to_ecef(origins)
    fetch = min(k + _SPARE, len(lonlat))
    chord, found = tree.query(points, k=np.arange(1, fetch + 1))
    alike = (chord[:, 1:] <= _longest(chord[:, :-1])).any(axis=1)
    index = found[:, :k].astype(np.int64)
    metres = _arc_m(points[:, None], tree.data[index], chord[:, :k])
    row, column = np.nonzero(chord[:, :k] >= _SHORT_M)
    here, there = origins[row], lonlat[index[row, column]]
    metres[row, column] = geodesic_m(here[:, 0], here[:, 1], there[:, 0], there[:, 1])
    open_rows = np.flatnonzero(alike)
    while len(open_rows):
        certain = []
        for rows in _pieces(open_rows, fetch):
            index[rows], metres[rows], sure = _rank_found(
                tree.query(points[rows], k=np.arange(1, fetch + 1)), origins[rows], lonlat, k
            )
            certain.append(sure)
        open_rows = open_rows[~np.concatenate(certain)]
        fetch = min(fetch * 4, len(lonlat))
    return index, metres


def _rank_found(
    found: tuple[npt.NDArray[np.float64], Indices],
    origins: Positions,
    lonlat: Positions,
    k: int,
) -> tuple[Indices, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Rank what the tree found by geodesic, and tell where nothing else can be nearer."""
    chord, candidates = found
    # In order of the destinations, so that equal distances keep that order.
    candidates = np.sort(candidates, axis=1)
    there = lonlat[candidates]
    order, best = _rank(geodesic_m(origins[:, :1], origins[:, 1:], there[..., 0], there[..., 1]), k)
    certain = (best[:, -1] + _ROUNDING_M < chord[:, -1]) | (chord.shape[1] == len(lonlat))
    return np.take_along_axis(candidates, order, axis=1), best, certain
