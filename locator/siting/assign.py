"""Who serves whom once the sites are chosen."""

import numpy as np
from scipy.sparse import csr_array

from locator.siting.problem import CoverProblem, Floats, Ints
from locator.siting.result import BEYOND, EXISTING

__all__ = ["assign_cover", "nearest_of"]


def nearest_of(times: csr_array, sites: Ints) -> tuple[Ints, Floats]:
    """Return the nearest of some candidates for each demand point, -2 if none, and its seconds.

    Of equal times the lower position wins.
    """
    size = int(times.shape[0])
    among = np.zeros(times.shape[1], dtype=bool)
    among[sites] = True
    entries = np.flatnonzero(among[times.indices])
    row = np.searchsorted(times.indptr, entries, side="right") - 1
    seconds = times.data[entries].astype(np.float64)
    column = times.indices[entries].astype(np.int64)
    order = np.lexsort((column, seconds, row))
    rows, first = np.unique(row[order], return_index=True)
    site = np.full(size, BEYOND, dtype=np.int64)
    best = np.full(size, np.inf)
    site[rows] = column[order][first]
    best[rows] = seconds[order][first]
    return site, best


def assign_cover(problem: CoverProblem, sites: Ints) -> Ints:
    """Return who covers each demand point: the nearest, where times are known.

    An existing station comes before a new one at the same time, or where times are unknown.
    """
    served = problem.served > 0
    if problem.times is None or problem.served_s is None:
        site, _ = nearest_of(_flat(problem.cover), sites)
        return np.where(served, EXISTING, site)
    among = np.zeros(problem.shape[1], dtype=bool)
    among[sites] = True
    site, seconds = nearest_of(problem.times, sites)
    inside, _ = nearest_of(_flat(problem.cover), sites)
    site = np.where(inside == BEYOND, BEYOND, site)
    return np.where(served & (problem.served_s <= seconds), EXISTING, site)


def _flat(cover: csr_array) -> csr_array:
    ones = np.ones(len(cover.indices), dtype=np.bool_)
    return csr_array((ones, cover.indices, cover.indptr), shape=cover.shape)
