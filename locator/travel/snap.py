"""Places off the road are brought to the stretches of road near them that lead everywhere."""

import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import from_mercator, mercator_scale, to_mercator
from locator.travel.base import Positions
from locator.travel.graph import Floats, RoadGraph
from locator.travel.legs import Rows, Snapped

__all__ = ["SnapIndex"]

# A place on a crossing, or a door between a street and its pavement, belongs to all of them: the
# tolerance is about the width of a street with its pavements.
_SPARE_M = 20.0
_MOST = 8
_TIE_M = 0.01
_PLACES_AT_ONCE = 50_000
Lines = npt.NDArray[np.object_]


class SnapIndex:
    """An R-tree over the edges of a graph's giant component; read-only.

    Attributes
    ----------
    edge, lines
        The edges that a place may lie at, and their shapes on the Mercator plane.
    ferry_edge, ferry_lines
        Ferries: they are boarded at their landings, so no place lies at one.
    """

    def __init__(self, graph: RoadGraph) -> None:
        self._graph = graph
        edges = graph.edges
        aboard = np.zeros(len(edges.tail), dtype=bool)
        if "ferry" in edges.classes:
            aboard = edges.road_class == edges.classes.index("ferry")
        self.edge, self.lines = _shapes(graph, graph.edge_in_giant & ~aboard)
        self.ferry_edge, self.ferry_lines = _shapes(graph, graph.edge_in_giant & aboard)
        self._tree = shapely.STRtree(self.lines)
        self._ferries = shapely.STRtree(self.ferry_lines)

    def snap(self, lonlat: Positions, *, max_m: float) -> Snapped:
        """Return where places, (n, 2) degrees WGS-84, meet the road within a distance.

        Candidates are the roads at most 20 m farther than the nearest, and of those the eight
        nearest with what is as near as the eighth. A place on a ferry's line and farther than
        that from the road is on the water: it has none.
        """
        parts = [
            self._candidates(lonlat, rows, max_m)
            for rows in _pieces(np.flatnonzero(_usable(lonlat)))
        ]
        if not parts:
            parts = [(np.zeros(0, dtype=np.int64),) * 2 + (np.zeros(0),) * 2]
        owner, line, share, access_m = (np.concatenate(part) for part in zip(*parts, strict=True))
        start = np.searchsorted(owner, np.arange(len(lonlat) + 1))
        return Snapped(self._graph, lonlat, start, self.edge[line], share, access_m)

    def _candidates(
        self, lonlat: Positions, rows: Rows, max_m: float
    ) -> tuple[Rows, Rows, Floats, Floats]:
        """Return rows of places, and lines, shares and metres, by row and distance."""
        points = np.asarray(shapely.points(to_mercator(lonlat[rows])))
        scale = mercator_scale(lonlat[rows, 1])
        (at, _), distance = self._tree.query_nearest(
            points, max_distance=max_m * float(scale.max()), all_matches=False, return_distance=True
        )
        nearest_m = np.full(len(rows), np.inf)
        nearest_m[at] = distance / scale[at]
        near = np.flatnonzero(nearest_m <= max_m)
        near = near[~self._on_water(points[near], scale[near], nearest_m[near])]
        limit_m = np.minimum(nearest_m[near] + _SPARE_M, max_m)
        at, line = self._tree.query(
            points[near], predicate="dwithin", distance=limit_m * scale[near] * (1 + 1e-12)
        )
        at = near[at]
        metres = shapely.distance(points[at], self.lines[line]) / scale[at]
        order = np.lexsort((line, metres, at))
        order = order[_first_of_each(at[order], metres[order])]
        at, line = at[order], line[order]
        share = shapely.line_locate_point(self.lines[line], points[at], normalized=True)
        share[np.isnan(share)] = 0.0  # an edge without length
        return rows[at], line, share, metres[order]

    def _on_water(self, points: Lines, scale: Floats, road_m: Floats) -> npt.NDArray[np.bool_]:
        """Tell which places lie on a ferry's line and not on the road."""
        found = np.zeros(len(points), dtype=bool)
        if len(self.ferry_lines) and len(points):
            (at, _), distance = self._ferries.query_nearest(
                points,
                max_distance=_SPARE_M * float(scale.max()),
                all_matches=False,
                return_distance=True,
            )
            found[at] = distance / scale[at] + _SPARE_M < road_m[at]
        return found

    def places(self, snapped: Snapped) -> Positions:
        """Return the nearest place on a road of each, (n, 2) degrees; NaN off every road."""
        lonlat = np.full((len(snapped), 2), np.nan)
        first = snapped.start[:-1][snapped.found]
        lines = self.lines[np.searchsorted(self.edge, snapped.edge[first])]
        points = shapely.line_interpolate_point(lines, snapped.share[first], normalized=True)
        lonlat[snapped.found] = from_mercator(shapely.get_coordinates(points))
        return lonlat


def _usable(lonlat: Positions) -> npt.NDArray[np.bool_]:
    usable: npt.NDArray[np.bool_] = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat[:, 1]) < 89)
    return usable


def _pieces(rows: Rows) -> list[Rows]:
    return [rows[i : i + _PLACES_AT_ONCE] for i in range(0, len(rows), _PLACES_AT_ONCE)]


def _first_of_each(at: Rows, metres: Floats) -> npt.NDArray[np.bool_]:
    """Tell which of candidates, by place and distance, are kept: the nearest, and their ties."""
    first = np.searchsorted(at, at)
    rank = np.arange(len(at)) - first
    last = np.minimum(first + _MOST - 1, np.searchsorted(at, at, side="right") - 1)
    kept: npt.NDArray[np.bool_] = (rank < _MOST) | (metres <= metres[last] + _TIE_M)
    return kept


def _shapes(graph: RoadGraph, chosen: npt.NDArray[np.bool_]) -> tuple[Rows, Lines]:
    """Return the edges chosen, and their lines."""
    edges = graph.edges
    size = np.diff(edges.vertex_start)
    inside = np.repeat(chosen, size)
    number = np.cumsum(chosen) - 1
    # On a conformal plane the nearest line is the nearest on the ground.
    plane = to_mercator(edges.vertex_lonlat[inside])
    owner = np.repeat(number[chosen], size[chosen])
    return np.flatnonzero(chosen), np.asarray(shapely.linestrings(plane, indices=owner))
