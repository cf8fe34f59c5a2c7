"""Lines that nobody crosses between a door and the road: fences, walls, water, railways."""

import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import to_mercator
from locator.travel.edges import RoadEdges

__all__ = ["BarrierIndex", "shorten"]

# Lines are drawn about as well as this: a road along a wall, or a door in one, is not across it.
_DRAWN_M = 0.5
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class BarrierIndex:
    """An R-tree over the pieces of barrier lines, on the Mercator plane; read-only."""

    def __init__(self, edges: RoadEdges) -> None:
        xy = to_mercator(edges.barrier_lonlat)
        begin = np.ones(len(xy), dtype=bool)
        begin[edges.barrier_start[1:] - 1] = False  # the last of each line begins no piece
        first = np.flatnonzero(begin)
        self._pieces = np.asarray(shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1)))
        self._tree = shapely.STRtree(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def around(self, xy: Floats, radius: Floats) -> npt.NDArray[np.object_]:
        """Return the barriers about places, (n, 2) on the plane, prepared; None where none is.

        Parameters
        ----------
        radius
            (n,) units of the plane; around a place with none nothing is looked for.
        """
        around = np.full(len(xy), None, dtype=object)
        rows = np.flatnonzero(radius > 0)
        low, high = xy[rows] - radius[rows, None], xy[rows] + radius[rows, None]
        place, piece = self._tree.query(shapely.box(*low.T, *high.T))
        shapely.multilinestrings(self._pieces[piece], indices=rows[place], out=around)
        shapely.prepare(around)
        return around


def shorten(
    legs: npt.NDArray[np.object_], unit: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    """Return straight legs without what cannot be told from a barrier they begin or end on.

    Parameters
    ----------
    legs
        (n,) lines of two points on the plane.
    unit
        (n,) units of the plane in a metre.
    """
    ends = shapely.get_coordinates(legs).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(*along.T)
    spare = _DRAWN_M * unit
    share = np.where(length > 2 * spare, spare / np.maximum(length, spare), 0.5)
    step = along * share[:, None]
    return np.asarray(shapely.linestrings(ends + np.stack([step, -step], axis=1)))
