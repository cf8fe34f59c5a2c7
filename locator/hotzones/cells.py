"""Points to H3 cells: demand by cell and hour of the week, and which cells may be shown."""

from dataclasses import dataclass, field

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from locator.coverage.demand import HOURS_OF_WEEK

CellIds = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_FIRST_MONDAY = np.datetime64("1970-01-05", "h")


def assign_cells(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], resolution: int
) -> CellIds:
    """Return the H3 cell of each position.

    Parameters
    ----------
    lon, lat
        (n,) degrees WGS-84.
    resolution
        0 to 15; at 9 a cell has 0.105 km², at 8 0.737 km² (h3geo.org, "Tables of cell statistics").
    """
    count = len(lon)
    cells = map(h3.latlng_to_cell, lat.tolist(), lon.tolist(), [resolution] * count)
    return np.fromiter(cells, dtype=np.uint64, count=count)


def hours_of_week(time: npt.NDArray[np.datetime64]) -> Ints:
    """Return the hour of the week of local moments: 0 is Monday 00:00 to 01:00."""
    hours = (time.astype("datetime64[h]") - _FIRST_MONDAY).astype(np.int64)
    return np.asarray(hours % HOURS_OF_WEEK)


@dataclass(frozen=True)
class Cells:
    """What was counted, by cell in ascending order.

    Attributes
    ----------
    ids
        (n,) H3 cells with at least one row.
    rows, weight
        (n,) rows, and their weights added up, in whole units of the file's reader.
    cell, hour, hour_rows, hour_weight
        The same by cell (its place in ``ids``) and hour of the week, where there is any.
    """

    ids: CellIds
    rows: Ints
    weight: Ints
    cell: Ints
    hour: Ints
    hour_rows: Ints
    hour_weight: Ints

    def shown(self, k: int) -> Bools:
        """Tell which cells may be shown, so that no cell's count below ``k`` can be found.

        Left out are cells with fewer than ``k`` rows (Sweeney 2002, *k-anonymity*, Int. J.
        Uncertainty, Fuzziness and Knowledge-Based Systems 10:557-570; here of rows). The rows left
        out are total less shown: so that they are never one cell's, and never fewer than ``k``,
        the smallest cells shown are left out too until it is so (complementary suppression:
        Willenborg & de Waal 2001, *Elements of Statistical Disclosure Control*, ch. 4).
        """
        shown: Bools = self.rows >= k
        order = np.lexsort((self.ids, self.rows))
        for place in order[np.count_nonzero(~shown) :]:
            hidden = self.rows[~shown]
            if not len(hidden) or (len(hidden) > 1 and hidden.sum() >= k):
                break
            shown[place] = False
        return shown


@dataclass
class CellTally:
    """Counts cells piece by piece; whole numbers, so that the order of rows changes nothing."""

    _parts: list[Ints] = field(default_factory=list)

    def add(self, cells: CellIds, hours: Ints, weight: Ints) -> None:
        """Count rows: (n,) cells, hours of the week, weights."""
        self._parts.append(_group(cells.view(np.int64), hours, np.ones_like(weight), weight))
        if len(self._parts) > 1 and len(self._parts[-1][0]) * 2 >= len(self._parts[-2][0]):
            self._parts = [_group(*np.concatenate(self._parts, axis=1))]

    def finish(self) -> Cells:
        """Return all that was counted."""
        cell, hour, rows, weight = _group(*np.concatenate(self._parts, axis=1))
        ids, starts, place = np.unique(cell, return_index=True, return_inverse=True)
        return Cells(
            ids=ids.view(np.uint64),
            rows=np.add.reduceat(rows, starts),
            weight=np.add.reduceat(weight, starts),
            cell=place,
            hour=hour,
            hour_rows=rows,
            hour_weight=weight,
        )


def _group(cell: Ints, hour: Ints, rows: Ints, weight: Ints) -> Ints:
    """Add up rows and weight by cell and hour; (4, m), ascending."""
    order = np.lexsort((hour, cell))
    table = np.stack([cell, hour, rows, weight])[:, order]
    if not table.shape[1]:
        return table
    new = np.ones(table.shape[1], dtype=bool)
    new[1:] = (np.diff(table[0]) != 0) | (np.diff(table[1]) != 0)
    starts = np.flatnonzero(new)
    return np.concatenate([table[:2, starts], np.add.reduceat(table[2:], starts, axis=1)])


def study_area(ids: CellIds) -> CellIds:
    """Return the cells with rows and those around them, ascending: what Gi* compares.

    An empty cell next to demand says where demand ends, and belongs to the area. Farther ones do
    not: with every field and lake of a district in the mean, all that is built up would be hot.
    """
    around = {near for cell in ids.tolist() for near in h3.grid_disk(cell, 1)}
    return np.array(sorted(around), dtype=np.uint64)


def find_neighbours(ids: CellIds) -> tuple[Ints, Ints]:
    """Return pairs of places in ``ids``: each cell with itself and with its neighbours there.

    Parameters
    ----------
    ids
        (n,) H3 cells, ascending.
    """
    disks = [h3.grid_disk(cell, 1) for cell in ids.tolist()]
    focal = np.repeat(np.arange(len(ids)), [len(disk) for disk in disks])
    near = np.array([cell for disk in disks for cell in disk], dtype=np.uint64)
    place = np.minimum(np.searchsorted(ids, near), max(len(ids) - 1, 0))
    inside = ids[place] == near
    return focal[inside], place[inside]
