"""The nearest usable station of every demand point, whatever the hour and the threshold.

In a week of 672 quarter-hours the set of open stations changes a few dozen times. For each such
set the time to the nearest is kept; after that a threshold is one comparison and an hour a choice
of sets. It is another way to the numbers of :func:`locator.coverage.cover_week`, which starts
from one threshold and goes through the schedules.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.coverage import DemandPoints
from locator.coverage.demand import HOURS_OF_WEEK
from locator.coverage.week import QUARTERS
from locator.errors import InputError

SLOTS = HOURS_OF_WEEK * QUARTERS
MAX_CELLS = 12_000_000  # times that one reach may hold: 48 MB
Times = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """Times to the nearest under every set of open stations that the week knows.

    Attributes
    ----------
    seconds
        (c, n) from each point to the nearest station of each set; ``inf`` is none.
    set_of
        (672,) the set that is open in each quarter-hour.
    """

    seconds: Times
    set_of: Rows

    def covered_per_h(self, points: DemandPoints, *, limit_s: float) -> Floats:
        """Return (p, 168) demand of each piece within the limit, orders per hour."""
        covered = self.seconds <= limit_s
        count = len(points)
        spread = csr_array(
            (points.demand_per_h, (points.piece, np.arange(count))),
            shape=(len(points.pieces), count),
        )
        per_set = np.asarray(spread @ covered.T.astype(np.float64))
        per_hour = per_set[:, self.set_of].reshape(-1, HOURS_OF_WEEK, QUARTERS).mean(axis=2)
        demand: Floats = per_hour * points.factors
        return demand

    def weights(self, points: DemandPoints, hour: int | None) -> Floats:
        """Return (p, c) demand of an hour over the week's mean that falls under each set.

        Rows add up to the piece's factor of that hour; for the week (None) to the mean factor, 1.
        """
        hours = np.arange(HOURS_OF_WEEK) if hour is None else np.array([hour])
        slots = (hours[:, None] * QUARTERS + np.arange(QUARTERS)).ravel()
        chosen = np.zeros((len(slots), len(self.seconds)))
        chosen[np.arange(len(slots)), self.set_of[slots]] = 1.0 / len(slots)
        weight: Floats = np.repeat(points.factors[:, hours], QUARTERS, axis=1) @ chosen
        return weight


def find_reach(seconds: Times, usable: Mask) -> Reach:
    """Find the nearest usable station under each set of open ones.

    Parameters
    ----------
    seconds
        (m, n) from each point to the stations that count.
    usable
        (m, 672) when each of them can be used.

    Raises
    ------
    InputError
        The schedules differ so much that it would be too much for a page.
    """
    first, of = _distinct(usable)
    schedules = usable[first]
    of_set, set_of = _distinct(schedules.T)
    sets = schedules.T[of_set]
    count = seconds.shape[1]
    if len(sets) * count > MAX_CELLS:
        raise InputError(
            f"{len(sets)} different sets of open stations and {count:,} demand points are too "
            "much for a page; use the command line: locator gaps --hourly --scenario FILE.yaml"
        )
    # Stations that keep the same hours are one: first the nearest of each schedule.
    nearest = np.full((len(schedules), count), np.inf, dtype=np.float32)
    for row in range(len(schedules)):
        nearest[row] = seconds[of == row].min(axis=0, initial=np.inf)
    found = np.full((len(sets), count), np.inf, dtype=np.float32)
    for row, members in enumerate(sets):
        if members.any():
            found[row] = nearest[members].min(axis=0)
    return Reach(found, set_of)


def _distinct(rows: Mask) -> tuple[Rows, Rows]:
    """Return the first of each distinct row, and which of those each row is."""
    packed = np.packbits(rows, axis=1)
    if not packed.shape[1]:  # no columns: all rows are one
        return np.zeros(min(1, len(rows)), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), inverse.ravel().astype(np.int64)
