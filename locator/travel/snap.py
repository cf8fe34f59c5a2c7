"""Places off the road are brought to the nearest stretch of road that leads everywhere."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import from_mercator, mercator_scale, to_mercator
from locator.travel.base import Positions
from locator.travel.graph import RoadGraph

__all__ = ["SnapIndex", "Snapped"]


@dataclass(frozen=True)
class Snapped:
    """Where n places meet the road.

    Attributes
    ----------
    edge
        (n,) edge; -1 where no road of the giant component is near enough.
    share
        (n,) how far along the edge's shape, 0 to 1.
    access_m
        (n,) metres from the place to the road; ``inf`` where the edge is -1.
    """

    edge: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]
    access_m: npt.NDArray[np.float64]

    def take(self, rows: npt.NDArray[np.int64]) -> "Snapped":
        """Return some of the places."""
        return Snapped(self.edge[rows], self.share[rows], self.access_m[rows])


class SnapIndex:
    """An R-tree over the edges of a graph's giant component; read-only.

    Attributes
    ----------
    edge, lines
        The edges of the giant component, and their shapes on the Mercator plane.
    """

    def __init__(self, graph: RoadGraph) -> None:
        edges = graph.edges
        self.edge = np.flatnonzero(graph.edge_in_giant)
        size = np.diff(edges.vertex_start)
        owner = np.repeat(np.arange(len(size)), size)
        chosen = graph.edge_in_giant[owner]
        number = np.cumsum(graph.edge_in_giant) - 1
        # On a conformal plane the nearest line is the nearest on the ground.
        plane = to_mercator(edges.vertex_lonlat[chosen])
        self.lines = np.asarray(shapely.linestrings(plane, indices=number[owner[chosen]]))
        self._tree = shapely.STRtree(self.lines)

    def snap(self, lonlat: Positions, *, max_m: float) -> Snapped:
        """Return where places, (n, 2) degrees WGS-84, meet the road within a distance."""
        count = len(lonlat)
        edge = np.full(count, -1, dtype=np.int64)
        share, access_m = np.zeros(count), np.full(count, np.inf)
        usable = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat[:, 1]) < 89)
        rows = np.flatnonzero(usable)
        if not len(rows) or not len(self.lines):
            return Snapped(edge, share, access_m)
        points = np.asarray(shapely.points(to_mercator(lonlat[rows])))
        scale = mercator_scale(lonlat[rows, 1])
        (source, line), distance = self._tree.query_nearest(
            points, max_distance=max_m * float(scale.max()), all_matches=False, return_distance=True
        )
        metres = distance / scale[source]
        near = metres <= max_m
        source, line = source[near], line[near]
        found = rows[source]
        edge[found] = self.edge[line]
        share[found] = shapely.line_locate_point(self.lines[line], points[source], normalized=True)
        share[np.isnan(share)] = 0.0  # an edge without length
        access_m[found] = metres[near]
        return Snapped(edge, share, access_m)

    def places(self, snapped: Snapped) -> Positions:
        """Return where snapped places lie on the road, (n, 2) degrees; NaN off every road."""
        lonlat = np.full((len(snapped.edge), 2), np.nan)
        on = np.flatnonzero(snapped.edge >= 0)
        lines = self.lines[np.searchsorted(self.edge, snapped.edge[on])]
        points = shapely.line_interpolate_point(lines, snapped.share[on], normalized=True)
        lonlat[on] = from_mercator(shapely.get_coordinates(points))
        return lonlat
