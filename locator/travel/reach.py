"""Reach: from where the nearest of many stations is reached in time, as one area.

The union of all service areas at one limit is where the time to the nearest station is within it.
So along roads it takes one search from all stations at once and one contour, not a search and a
contour for each; along straight lines it is the union of circles.
"""

from collections.abc import Iterator
from itertools import pairwise

import contourpy
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import from_mercator, mercator_scale
from locator.travel.areas import CELL_M, AreaSampler
from locator.travel.graph import Floats, split_weight
from locator.travel.legs import Snapped, direct_ways

__all__ = ["ReachSampler"]

Rows = npt.NDArray[np.int64]

_TILE = 512  # cells a side: what is traced at a time, 20 km
# As for the area of one station: see docs/travel-times.md, "Service areas".
_SIMPLIFY_M = 10.0
_SLIVER_M2 = CELL_M**2
_HOLE_M2 = 4 * CELL_M**2


class ReachSampler(AreaSampler):
    """Points along the roads, for the areas of one station and of all together; read-only."""

    def reach(self, stations: Snapped, weight: Floats, limit_s: float) -> shapely.MultiPolygon:
        """Return where the nearest of some stations is in reach, EPSG:4326; empty if nowhere.

        Parameters
        ----------
        stations
            The places, all on a road.
        weight
            (s,) weights from every state to the nearest of them, infinite past the limit.
        """
        if not len(stations):
            return shapely.MultiPolygon()
        time_s = self._times(stations, split_weight(weight)[0], limit_s)
        reached = self._xy[time_s <= limit_s]
        if not len(reached):
            return shapely.MultiPolygon()
        # One scale for the whole: a cell is 1 % off 100 km north or south of the middle.
        unit = float(mercator_scale(from_mercator(reached.mean(axis=0))[1]))
        low = reached.min(axis=0) - unit * CELL_M * self._halo
        places = np.rint((reached - low) / (unit * CELL_M)).astype(np.int64)
        pieces = [
            piece
            for tile in self._tiles(places)
            for piece in self._traced(tile, time_s, low, unit, limit_s)
        ]
        whole = _without_noise(shapely.union_all(pieces))
        return _polygons(shapely.transform(whole, lambda xy: from_mercator(xy * unit + low)))

    @property
    def _halo(self) -> int:
        """Cells around a tile that what lies in it depends on."""
        return int(np.ceil(self._max_snap_m / CELL_M)) + 2

    def _times(self, stations: Snapped, seconds: Floats, limit_s: float) -> Floats:
        """Return the time from every sample to its nearest station, (p,); inf past the limit."""
        all_times = np.full(len(self._xy), np.inf)
        samples, time_s = self._timed(stations.take(np.array([0])), seconds, limit_s)
        all_times[samples] = time_s
        edge = np.unique(stations.edge)
        beside = self._samples_of(edge)
        ways = direct_ways(self._at(beside, np.repeat(edge, self._count[edge])), stations)
        np.minimum.at(all_times, beside[ways.origin], split_weight(ways.weight)[0])
        return all_times

    def _tiles(self, places: Rows) -> Rows:
        """Return the tiles, (t, 2), that may hold a part of the area: within a halo of a cell."""
        last = places.max() // _TILE + 2  # cells beside the corner lie a halo inside the first tile
        taken = np.zeros((last, last), dtype=bool)
        for x in (-self._halo, self._halo):
            for y in (-self._halo, self._halo):
                column, row = ((places + np.array([x, y])) // _TILE).T
                taken[column, row] = True
        return np.argwhere(taken)

    def _traced(
        self, tile: Rows, time_s: Floats, low: Floats, unit: float, limit_s: float
    ) -> Iterator[shapely.Polygon]:
        """Yield the parts of the area in one tile, in metres from the corner."""
        begin = tile * _TILE - self._halo
        count = np.full(2, _TILE + 2 * self._halo)
        corner = low + begin * (unit * CELL_M)
        box = (corner - unit * CELL_M / 2, corner + (count + 0.5) * unit * CELL_M)
        edge = np.flatnonzero(((self._high >= box[0]) & (self._low <= box[1])).all(axis=1))
        samples = self._samples_of(edge)
        xy = self._xy[samples]
        inside = ((xy >= box[0]) & (xy <= box[1])).all(axis=1)
        samples, xy_m = samples[inside], (xy[inside] - corner) / unit
        if not len(samples):
            return
        grid = self._grid(xy_m, time_s[samples].astype(np.float32), count, limit_s)
        core = slice(self._halo, self._halo + _TILE + 1)
        x, y = ((first * _TILE + np.arange(_TILE + 1)) * CELL_M for first in tile)
        yield from _contour(x, y, grid[core, core], limit_s)


def _contour(x: Floats, y: Floats, grid: Floats, limit_s: float) -> Iterator[shapely.Polygon]:
    """Yield the polygons in which a grid of times is within the limit."""
    lines = contourpy.contour_generator(x, y, grid, fill_type=contourpy.FillType.OuterOffset)
    for points, offsets in zip(*lines.filled(-1.0, limit_s), strict=True):
        outer, *holes = (points[a:b] for a, b in pairwise(offsets))
        yield from _polygons(shapely.make_valid(shapely.Polygon(outer, holes))).geoms


def _without_noise(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Leave out specks and small holes, and simplify."""
    parts = _polygons(shape).geoms
    largest = max((part.area for part in parts), default=0.0)
    kept = [
        shapely.Polygon(
            part.exterior,
            [hole for hole in part.interiors if shapely.Polygon(hole).area >= _HOLE_M2],
        )
        for part in parts
        if part.area >= min(_SLIVER_M2, largest)
    ]
    return _polygons(shapely.simplify(shapely.MultiPolygon(kept), _SIMPLIFY_M))


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the polygons of a shape, mended if it crosses itself."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    return shapely.MultiPolygon([p for p in parts if p.geom_type == "Polygon" and not p.is_empty])
