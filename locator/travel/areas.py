"""Service areas: from where a station is reached in time, as an outline of the roads' times.

Roads are sampled every 20 m. A cell of a 40 m grid takes the quickest sample in it; a cell
without road takes the nearest one's time and the walk from there. The outline is the contour at
the limit, simplified by 10 m; what is smaller than a few cells is noise and left out.
"""

from itertools import pairwise

import contourpy
import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import distance_transform_edt

from locator.datum import from_mercator, mercator_scale
from locator.travel.edges import CLOSED
from locator.travel.graph import Floats, RoadGraph, split_weight
from locator.travel.legs import Snapped, direct_ways
from locator.travel.snap import SnapIndex

__all__ = ["CELL_M", "AreaSampler"]

Rows = npt.NDArray[np.int64]

CELL_M = 40.0
_STEP_M = 20.0
_EDGES_AT_ONCE = 50_000
_SIMPLIFY_M = 10.0
_SLIVER_M2 = CELL_M**2
_HOLE_M2 = 4 * CELL_M**2


class AreaSampler:
    """Points along the roads of the giant component; read-only."""

    def __init__(self, graph: RoadGraph, index: SnapIndex, max_snap_m: float) -> None:
        length_m = graph.edges.length_m
        self._graph = graph
        self._max_snap_m = max_snap_m
        self._count = np.zeros(len(length_m), dtype=np.int64)
        # Ferries are sampled and never timed: what lies nearest to one is water.
        edges = np.concatenate([index.edge, index.ferry_edge])
        lines = np.concatenate([index.lines, index.ferry_lines])
        self._aboard = np.zeros(len(length_m), dtype=bool)
        self._aboard[index.ferry_edge] = True
        self._count[edges] = np.maximum(np.ceil(length_m[edges] / _STEP_M) + 1, 2)
        self._first = np.cumsum(self._count) - self._count
        self._low, self._high = np.full((2, len(length_m), 2), np.inf)
        bounds = shapely.bounds(lines)
        self._low[edges], self._high[edges] = bounds[:, :2], bounds[:, 2:]
        self._share = np.empty(self._count.sum())
        self._xy = np.empty((len(self._share), 2))
        for begin in range(0, len(edges), _EDGES_AT_ONCE):  # bounds the memory
            some = slice(begin, begin + _EDGES_AT_ONCE)
            self._sample(edges[some], lines[some])

    def _sample(self, edge: Rows, lines: npt.NDArray[np.object_]) -> None:
        """Fill in the samples of some edges."""
        count = self._count[edge]
        row = np.repeat(np.arange(len(edge)), count)
        step = np.arange(len(row)) - (np.cumsum(count) - count)[row]
        share = step / (count - 1)[row]
        samples = self._samples_of(edge)
        self._share[samples] = share
        points = shapely.line_interpolate_point(lines[row], share, normalized=True)
        self._xy[samples] = shapely.get_coordinates(points)

    def outline(self, station: Snapped, weight: Floats, limit_s: float) -> shapely.MultiPolygon:
        """Return the area around one station, EPSG:4326; empty if nothing is within the limit.

        Parameters
        ----------
        station
            The one place.
        weight
            (s,) weights from every state to it, infinite past the limit.
        """
        if not station.found.all():
            return shapely.MultiPolygon()
        samples, time_s = self._timed(station, split_weight(weight)[0], limit_s)
        reached = self._xy[samples[time_s <= limit_s]]
        if not len(reached):
            return shapely.MultiPolygon()
        # The plane's units are metres times a factor that hardly changes over one area.
        unit = float(mercator_scale(from_mercator(reached.mean(axis=0))[1]))
        margin = (self._max_snap_m + 2 * CELL_M) * unit
        low, high = reached.min(axis=0) - margin, reached.max(axis=0) + margin
        beside = _meet(self._low, self._high, low, high)
        all_times = np.full(len(self._xy), np.inf, dtype=np.float32)
        all_times[samples] = time_s
        samples = self._samples_of(np.flatnonzero(beside))
        samples = samples[_meet(self._xy[samples], self._xy[samples], low, high)]
        cells = np.ceil((high - low) / (unit * CELL_M)).astype(np.int64) + 1
        grid = self._grid((self._xy[samples] - low) / unit, all_times[samples], cells, limit_s)
        outline = _trace(grid, limit_s)
        return _polygons(shapely.transform(outline, lambda xy: from_mercator(xy * unit + low)))

    def _samples_of(self, edge: Rows) -> Rows:
        count = self._count[edge]
        before = np.cumsum(count) - count
        return np.repeat(self._first[edge] - before, count) + np.arange(count.sum())

    def _timed(self, station: Snapped, seconds: Floats, limit_s: float) -> tuple[Rows, Floats]:
        """Return the samples on edges that may be within the limit, and their times."""
        graph, edges = self._graph, self._graph.edges
        state = graph.arc_state.reshape(-1, 2)
        after_s = np.where(state < 0, np.inf, seconds[state])
        near = np.minimum(after_s[:, 0], after_s[:, 1]) <= limit_s
        near[station.edge] = True
        edge = np.flatnonzero(near & ~self._aboard)
        samples = self._samples_of(edge)
        of = np.repeat(edge, self._count[edge])
        whole = np.stack([edges.forward_ms[of], edges.backward_ms[of]], axis=-1)
        share = self._share[samples]
        rest = np.stack([1.0 - share, share], axis=-1)
        both = np.where(whole == CLOSED, np.inf, rest * whole / 1000.0 + after_s[of])
        time_s: Floats = np.minimum(both[:, 0], both[:, 1])
        beside = np.flatnonzero(np.isin(of, station.edge))
        ways = direct_ways(self._at(samples[beside], of[beside]), station)
        np.minimum.at(time_s, beside[ways.origin], split_weight(ways.weight)[0])
        return samples, time_s

    def _at(self, samples: Rows, edge: Rows) -> Snapped:
        """Return samples as places on their edges."""
        count = len(samples)
        lonlat = from_mercator(self._xy[samples])
        start = np.arange(count + 1)
        return Snapped(self._graph, lonlat, start, edge, self._share[samples], np.zeros(count))

    def _grid(
        self, xy_m: Floats, time_s: npt.NDArray[np.float32], cells: Rows, limit_s: float
    ) -> Floats:
        """Return (rows, columns) of times, no higher than what lies one cell past the limit."""
        push_m_per_s = self._graph.profile.push_kmh / 3.6
        place = np.rint(xy_m / CELL_M).astype(np.int64)
        off_m = np.hypot(*(xy_m - place * CELL_M).T)
        shape = (int(cells[1]) + 1, int(cells[0]) + 1)
        time = np.full(shape, np.inf)
        empty = np.ones(shape, dtype=bool)
        np.minimum.at(time, (place[:, 1], place[:, 0]), time_s + off_m / push_m_per_s)
        empty[place[:, 1], place[:, 0]] = False
        away_m, (row, column) = distance_transform_edt(empty, sampling=CELL_M, return_indices=True)
        time = time[row, column] + away_m / push_m_per_s
        time[away_m > self._max_snap_m] = np.inf
        time[[0, -1]] = time[:, [0, -1]] = np.inf
        grid: Floats = np.minimum(time, limit_s + CELL_M / push_m_per_s)
        return grid


def _meet(low: Floats, high: Floats, box_low: Floats, box_high: Floats) -> npt.NDArray[np.bool_]:
    """Tell which boxes, (n, 2) corners each, meet one box."""
    touch: npt.NDArray[np.bool_] = (high[:, 0] >= box_low[0]) & (low[:, 0] <= box_high[0])
    touch &= (high[:, 1] >= box_low[1]) & (low[:, 1] <= box_high[1])
    return touch


def _trace(grid: Floats, limit_s: float) -> shapely.MultiPolygon:
    """Return the contour at the limit, in metres from the grid's corner, without noise."""
    y, x = (np.arange(size) * CELL_M for size in grid.shape)
    lines = contourpy.contour_generator(x, y, grid, fill_type=contourpy.FillType.OuterOffset)
    pieces = []
    for points, offsets in zip(*lines.filled(-1.0, limit_s), strict=True):
        outer, *holes = (points[a:b] for a, b in pairwise(offsets))
        inner = [hole for hole in holes if shapely.Polygon(hole).area >= _HOLE_M2]
        pieces.append(shapely.Polygon(outer, inner))
    pieces.sort(key=lambda piece: -piece.area)
    kept = pieces[:1] + [piece for piece in pieces[1:] if piece.area >= _SLIVER_M2]
    simple = shapely.simplify(shapely.MultiPolygon(kept), _SIMPLIFY_M)
    return _polygons(simple)


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Return the polygons of a shape, mended if it crosses itself."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    return shapely.MultiPolygon([p for p in parts if p.geom_type == "Polygon" and not p.is_empty])
