"""Geodesic distance times a detour factor at a speed: an estimate, and called so.

The travel time from *a* to *b* is ``detour_factor * geodesic(a, b) / speed``. It knows no river,
railway or one-way street.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import GEOD, geodesic_m
from locator.errors import InputError
from locator.schema import CRS, Language
from locator.travel.base import Nearest, Positions

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

__all__ = ["CIRCLE_SIDES", "StraightLine"]

CIRCLE_SIDES = 256  # an inscribed 256-gon is 0.01 % smaller than its circle
_FLOOR_S = 0.001
_EVERY_PAIR_UP_TO = 2048  # destinations; past that a tree is quicker than every distance
_PAIRS_AT_ONCE = 2_000_000
_SPARE = 1  # fetched past k: enough to know nothing nearer was missed, nearly always

# Semi-axes of WGS-84 (NGA.STND.0036, table 3.1), in metres.
_A, _B = 6_378_137.0, 6_356_752.314245


@dataclass(frozen=True)
class StraightLine:
    """The estimate; ``speed_kmh`` includes stops, ``detour_factor`` is way over straight line."""

    speed_kmh: float
    detour_factor: float

    def describe(self, language: Language = "en") -> str:
        """Return one line for whatever shows an answer."""
        if language == "zh":
            way = f"直线距离 × {self.detour_factor:g}"
            return f"估算：{way}，时速 {self.speed_kmh:g} 公里，未按道路计算"
        return (
            f"estimate: straight line × {self.detour_factor:g} at {self.speed_kmh:g} km/h, "
            "not along roads"
        )

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
        self, origins: Positions, *, k: int, mask: npt.NDArray[np.bool_] | None = None
    ) -> Nearest:
        """Return the k nearest destinations of each origin; see :class:`BoundModel`."""
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 or more stations.")
        origins = np.asarray(origins, dtype=np.float64).reshape(-1, 2)
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
        self, origins: Positions, k: int, chosen: npt.NDArray[np.int64], *, whole: bool
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        lonlat = self._lonlat[chosen]
        if len(chosen) <= _EVERY_PAIR_UP_TO:
            rows = max(1, _PAIRS_AT_ONCE // len(chosen))
            parts = [
                _rank(_distances(origins[start : start + rows], lonlat), k)
                for start in range(0, len(origins), rows)
            ]
            return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        return _search_tree(self._tree if whole else _build_tree(lonlat), origins, lonlat, k)

    def times(self, origins: Positions, *, limit_s: float) -> "csr_array":
        """Return seconds within the limit as a sparse matrix; see :class:`BoundModel`."""
        from scipy.sparse import csr_array

        origins = np.asarray(origins, dtype=np.float64).reshape(-1, 2)
        shape = (len(origins), len(self._lonlat))
        if 0 in shape:
            return csr_array(shape, dtype=np.float64)
        radius_m = limit_s / self._model.seconds_per_m
        # A chord is never longer than the geodesic, so the ball holds every pair within reach.
        near = self._tree.query_ball_point(_to_ecef(origins), radius_m * (1 + 1e-12))
        row = np.repeat(np.arange(len(origins)), [len(n) for n in near])
        column = np.concatenate([np.asarray(n, dtype=np.int64) for n in near])
        there = self._lonlat[column]
        straight = geodesic_m(origins[row, 0], origins[row, 1], there[:, 0], there[:, 1])
        within = straight <= radius_m
        seconds = np.maximum(straight[within] * self._model.seconds_per_m, _FLOOR_S)
        return csr_array((seconds, (row[within], column[within])), shape=shape)

    def service_areas(self, *, limit_s: float) -> gpd.GeoSeries:
        """Return geodesic circles of :data:`CIRCLE_SIDES` sides, EPSG:4326."""
        radius_m = limit_s / self._model.seconds_per_m
        azimuth = np.linspace(0.0, 360.0, CIRCLE_SIDES, endpoint=False)
        count = len(self._lonlat)
        lon, lat, _ = GEOD.fwd(
            np.repeat(self._lonlat[:, 0], CIRCLE_SIDES),
            np.repeat(self._lonlat[:, 1], CIRCLE_SIDES),
            np.tile(azimuth, count),
            np.full(count * CIRCLE_SIDES, radius_m),
        )
        rings = np.stack([lon, lat], axis=-1).reshape(count, CIRCLE_SIDES, 2)
        return gpd.GeoSeries(shapely.polygons(rings), crs=CRS)


def _distances(origins: Positions, lonlat: Positions) -> npt.NDArray[np.float64]:
    return geodesic_m(
        origins[:, None, 0], origins[:, None, 1], lonlat[None, :, 0], lonlat[None, :, 1]
    )


def _rank(
    metres: npt.NDArray[np.float64], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
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

    return cKDTree(_to_ecef(lonlat))


def _search_tree(
    tree: "cKDTree", origins: Positions, lonlat: Positions, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Search by chord and rank by geodesic, fetching more until the answer is certain.

    A chord is never longer than its geodesic. So once the k-th geodesic is shorter than the
    last chord fetched, nothing outside what was fetched can be nearer.
    """
    points = _to_ecef(origins)
    index = np.empty((len(origins), k), dtype=np.int64)
    metres = np.empty((len(origins), k))
    open_rows = np.arange(len(origins))
    fetch = k + _SPARE
    while len(open_rows):
        fetch = min(fetch, len(lonlat))
        chord, found = tree.query(points[open_rows], k=np.arange(1, fetch + 1))
        # In order of the destinations, so that equal distances keep that order.
        by_position = np.argsort(found, axis=1, kind="stable")
        found = np.take_along_axis(found, by_position, axis=1)
        here = origins[open_rows]
        straight = geodesic_m(
            here[:, None, 0], here[:, None, 1], lonlat[found, 0], lonlat[found, 1]
        )
        order, best = _rank(straight, k)
        index[open_rows] = np.take_along_axis(found, order, axis=1)
        metres[open_rows] = best
        certain = (best[:, -1] < chord[:, -1]) | (fetch == len(lonlat))
        open_rows = open_rows[~certain]
        fetch *= 4
    return index, metres
