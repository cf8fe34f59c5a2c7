"""Areas along roads: from where a place is reached in time, drawn from the model's own times.

The time of a cell is that of its middle, as :meth:`BoundModel.nearest` gives it: the same places
meet the same roads, and no leg crosses a barrier that a rider's leg may not. Cells of 80 m near
the roads that are reached are asked first; those whose time is near the limit, or whose neighbour
is on its other side, are asked again in quarters, down to 20 m. The outline is the contour of the
finest cells at the limit. What is smaller than a few cells is left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import contourpy
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import Positions, from_mercator, mercator_scale
from locator.travel.graph import Floats, RoadGraph
from locator.travel.legs import Snapped
from locator.travel.snap import SnapIndex

CELL_M = 20.0
_LEVELS = 2  # halvings from the coarsest cells
_COARSE_M = CELL_M * 2**_LEVELS
_TILE = 64  # coarse cells a side that are looked at together: 5 km
_HALO = 1  # coarse cells around a tile, so that tiles meet
_SIMPLIFY_M = 2.0
_SLIVER_M2 = 1 * CELL_M**2
_HOLE_M2 = 1 * CELL_M**2
_MARGIN = 0.75  # of a cell's side, pushed: about half its diagonal

Cells = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AreaRules:
    """What an area hangs on besides the times.

    Attributes
    ----------
    limit_s
        The time within which a place is in the area.
    within_m
        A place farther from every road is out of reach.
    push_m_per_s
        How fast the way between a place and the road is pushed.
    """

    limit_s: float
    within_m: float
    push_m_per_s: float


def reached_roads(
    graph: RoadGraph, index: SnapIndex, stations: Snapped, seconds: Floats, limit_s: float
) -> Floats:
    """Return places on the roads that may be within a limit, (n, 2) on the Mercator plane.

    One every 40 m or closer. Ferries are left out: what lies near their lines is water.

    Parameters
    ----------
    stations
        The places that are reached.
    seconds
        (s,) from every state of the graph to the nearest of them.
    """
    state = graph.arc_state.reshape(-1, 2)
    after_s = np.where(state < 0, np.inf, seconds[state])
    near = np.minimum(after_s[:, 0], after_s[:, 1]) <= limit_s
    near[stations.edge] = True
    rows = np.flatnonzero(near[index.edge])
    count = np.ceil(graph.edges.length_m[index.edge[rows]] / (_COARSE_M / 2)).astype(np.int64) + 1
    count = np.maximum(count, 2)
    line = np.repeat(rows, count)
    step = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    share = step / np.repeat(count - 1, count)
    points = shapely.line_interpolate_point(index.lines[line], share, normalized=True)
    return shapely.get_coordinates(points)


def trace_area(
    time_of: Callable[[Positions], Floats], roads: Floats, rules: AreaRules
) -> shapely.MultiPolygon:
    """Return where a time is within a limit, EPSG:4326; empty if nowhere.

    Parameters
    ----------
    time_of
        Gives the seconds of places, (n, 2) degrees WGS-84; ``inf`` is out of reach.
    roads
        From :func:`reached_roads`: the area lies near these.
    """
    if not len(roads):
        return shapely.MultiPolygon()
    # One scale for the whole: a cell is 1 % off 100 km north or south of the middle.
    unit = float(mercator_scale(from_mercator(roads.mean(axis=0))[1]))
    field = _Field(time_of, roads.min(axis=0), unit, rules)
    coarse = _near(np.floor((roads - field.corner) / (unit * _COARSE_M)).astype(np.int64), rules)
    pieces = [
        piece
        for tile in np.unique(coarse // _TILE, axis=0)
        for piece in _contour(field.grid(tile, coarse), field.first(tile), rules.limit_s)
    ]
    whole = _without_noise(shapely.union_all(pieces))
    return _polygons(shapely.transform(whole, lambda xy: from_mercator(xy * unit + field.corner)))


def _near(cells: Cells, rules: AreaRules) -> Cells:
    """Return the coarse cells from which a road in some cells may be near enough, (k, 2)."""
    cells = np.unique(cells, axis=0)
    most = int(np.ceil(rules.within_m / _COARSE_M)) + 1
    x, y = (a.ravel() for a in np.meshgrid(*[np.arange(-most, most + 1)] * 2))
    disc = np.hypot(x, y) <= most + 1
    around = np.column_stack([x[disc], y[disc]])
    return np.unique((cells[:, None] + around).reshape(-1, 2), axis=0)


@dataclass(frozen=True)
class _Field:
    """Times on cells; ``corner`` is the lattice's on the Mercator plane, ``unit`` its scale."""

    time_of: Callable[[Positions], Floats]
    corner: Floats
    unit: float
    rules: AreaRules

    def first(self, tile: Cells) -> Floats:
        """Return the middle of a tile's first fine cell, metres from the corner."""
        first: Floats = tile * (_TILE * _COARSE_M) + CELL_M / 2
        return first

    def grid(self, tile: Cells, coarse: Cells) -> Floats:
        """Return the times of a tile's fine cells and of one more row and column, by row."""
        begin = tile * _TILE - _HALO
        size = _TILE + 2 * _HALO
        times = np.full((size, size), np.inf)
        inside = coarse - begin
        inside = inside[((inside >= 0) & (inside < size)).all(axis=1)]
        asked = np.zeros((size, size), dtype=bool)
        asked[inside[:, 1], inside[:, 0]] = True
        self._ask(times, asked, begin, _COARSE_M)
        for level in range(1, _LEVELS + 1):
            cell_m = _COARSE_M / 2**level
            asked = np.kron(self._unsure(times, 2 * cell_m), np.ones((2, 2), dtype=bool))
            times = np.kron(times, np.ones((2, 2)))
            self._ask(times, asked, begin * 2**level, cell_m)
        fine = 2**_LEVELS
        core = slice(_HALO * fine, (_HALO + _TILE) * fine + 1)
        # A contour runs midway between a cell within and one beyond, wherever there is a step.
        spread = CELL_M / self.rules.push_m_per_s
        low, high = self.rules.limit_s - spread, self.rules.limit_s + spread
        grid: Floats = np.clip(times[core, core], low, high)
        return grid

    def _unsure(self, times: Floats, cell_m: float) -> Mask:
        """Tell which cells the limit may run through."""
        limit_s = self.rules.limit_s
        unsure = np.abs(times - limit_s) <= _MARGIN * cell_m / self.rules.push_m_per_s
        within = times <= limit_s
        for axis in (0, 1):
            step = np.diff(within, axis=axis)
            ahead = [(0, 0), (0, 0)]
            ahead[axis] = (0, 1)
            behind = [(0, 0), (0, 0)]
            behind[axis] = (1, 0)
            unsure |= np.pad(step, ahead) | np.pad(step, behind)
        return unsure

    def _ask(self, times: Floats, asked: Mask, begin: Cells, cell_m: float) -> None:
        """Fill in the times of some cells."""
        row, column = np.nonzero(asked)
        if len(row):
            middle = (np.column_stack([column, row]) + begin + 0.5) * cell_m
            times[row, column] = self.time_of(from_mercator(middle * self.unit + self.corner))


def _contour(grid: Floats, first: Floats, limit_s: float) -> Iterator[shapely.Polygon]:
    """Yield the polygons in which a grid of times is within the limit."""
    y, x = (start + np.arange(n) * CELL_M for start, n in zip(first[::-1], grid.shape, strict=True))
    lines = contourpy.contour_generator(x, y, grid, fill_type=contourpy.FillType.OuterOffset)
    for points, offsets in zip(*lines.filled(-np.inf, limit_s), strict=True):
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
