"""What bounds leave open of a p-median, as a model for HiGHS."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from locator.siting.kernel import Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.median_bound import MedianBound
from locator.siting.problem import Floats, Ints, Truths, all_whole, floor_bound
from locator.siting.terms import Terms
from locator.siting.watch import Watch

__all__ = ["Found", "median_model", "solve_median_kernel"]


@dataclass(frozen=True, eq=False)
class Found:
    """What HiGHS found and proved about savings."""

    sites: Ints
    value: float
    bound: float
    size: tuple[int, int, int]


def solve_median_kernel(
    savings: csr_array,
    terms: Terms,
    bounds: MedianBound,
    known: tuple[Ints, float],
    watch: Watch,
    solver: Solver,
    *,
    entries: int,
) -> Found | None:
    """Fix what reduced costs fix, and solve the rest; None where too much is left.

    Parameters
    ----------
    known
        The best selection, and what it saves.
    entries
        The largest model to solve.
    """
    sites, value = known
    whole = all_whole(savings.data)
    better = value + (1.0 - 1e-6 if whole else 1e-9 * max(1.0, value))
    r = bounds.worth - terms.matrix.T @ bounds.rules
    keep = (terms.high > 0) & ((r >= 0) | (bounds.bound + r >= better))
    ones = (terms.high > 0) & (r > 0) & (bounds.bound - r < better)
    ones |= terms.low > 0
    keep |= ones
    keep[sites] = True
    model, base, ids = median_model(savings, terms, keep, ones, sites)
    if model.size[2] > entries:
        return None

    def enough(objective: float, bound: float) -> bool:
        heard = min(bounds.bound, base - bound)
        watch.bound = floor_bound(heard) if whole else heard
        best = max(value, base - objective)
        gap = max(1e-6, watch.effort.gap)
        return bool(watch.bound - best <= gap * max(watch.bound, 1e-300))

    answer = solver.solve(model, watch, enough=enough)
    if answer.ended == "infeasible":
        return Found(sites, value, value, model.size)
    best_sites, best = sites, value
    if answer.x is not None:
        picked = ids[sites_of(answer.x, len(ids))]
        saved = float(savings[:, picked].max(axis=1).toarray().sum()) if len(picked) else 0.0
        if saved > best:
            best_sites, best = picked, saved
    return Found(best_sites, best, max(best, base - answer.bound), model.size)


def median_model(
    savings: csr_array, terms: Terms, keep: Truths, ones: Truths, start: Ints
) -> tuple[Model, float, Ints]:
    """Return the p-median over some columns as a minimum, the value of ``ones``, and the columns.

    Variables are the sites x and, for each saving beyond what the fixed sites save, the share of
    the point that gets it.
    """
    size = int(savings.shape[0])
    ids = np.flatnonzero(keep)
    new = np.cumsum(keep) - 1
    row = np.repeat(np.arange(size), np.diff(savings.indptr))
    base = np.zeros(size)
    fixed = ones[savings.indices]
    np.maximum.at(base, row[fixed], savings.data[fixed])
    use = keep[savings.indices] & ~fixed & (savings.data > base[row])
    row, column = row[use], new[savings.indices[use]]
    worth = savings.data[use] - base[row]
    count, width = len(worth), len(ids)
    at = np.arange(count)
    once = csr_array((np.ones(count), (row, width + at)), shape=(size, width + count))
    once = once[np.flatnonzero(np.diff(once.indptr) > 0)]
    both = (np.concatenate([np.ones(count), -np.ones(count)]),
            (np.concatenate([at, at]), np.concatenate([width + at, column])))  # fmt: skip
    link = csr_array(both, shape=(count, width + count))
    part = terms.take(ids, ones[ids])
    rules = csr_array((part.matrix.data, part.matrix.indices, part.matrix.indptr),
                      shape=(len(part.right), width + count))  # fmt: skip
    matrix = vstack([once, link, rules], format="csr")
    right = np.concatenate([np.ones(once.shape[0]), np.zeros(count), part.right])
    x = np.isin(ids, start).astype(np.float64)
    model = Model(
        matrix=csr_array(matrix),
        row_low=np.full(len(right), -np.inf),
        row_high=right,
        cost=np.concatenate([np.zeros(width), -worth]),
        low=np.concatenate([part.low, np.zeros(count)]),
        high=np.concatenate([part.high, np.ones(count)]),
        whole=np.arange(width + count) < width,
        start=np.concatenate([x, _shares(row, column, worth, x)]),
    )
    return model, float(base.sum()), ids


def _shares(row: Ints, column: Ints, worth: Floats, x: Floats) -> Floats:
    """Return one at each point's best saving among the chosen sites."""
    order = np.lexsort((column, -worth, row))
    order = order[x[column[order]] > 0]
    _, first = np.unique(row[order], return_index=True)
    share = np.zeros(len(worth))
    share[order[first]] = 1.0
    return share
