"""Sums over a sparse matrix in pieces, and the best multipliers of the rules."""

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from locator.siting.problem import Floats, sums_at
from locator.siting.terms import Terms

_PIECE = 2_000_000  # entries handled at once: 16 MB a temporary


def _pieces(matrix: csr_array) -> list[tuple[int, int]]:
    """Return ranges of rows that hold about so many entries each."""
    indptr = matrix.indptr
    marks = np.searchsorted(indptr, np.arange(_PIECE, int(indptr[-1]), _PIECE))
    edges = np.unique(np.concatenate([[0], marks, [len(indptr) - 1]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def column_sums(matrix: csr_array, rows: Floats) -> Floats:
    """Return the sum of a number per row over the rows that each column has an entry in, (m,)."""
    sums = np.zeros(matrix.shape[1])
    for first, last in _pieces(matrix):
        counts = np.diff(matrix.indptr[first : last + 1])
        at = slice(matrix.indptr[first], matrix.indptr[last])
        values = np.repeat(rows[first:last], counts)
        sums += sums_at(matrix.indices[at], values, len(sums))
    return sums


def column_excess(matrix: csr_array, rows: Floats) -> Floats:
    """Return for each column the sum of ``max(0, entry - number of its row)``, (m,)."""
    sums = np.zeros(matrix.shape[1])
    for first, last in _pieces(matrix):
        counts = np.diff(matrix.indptr[first : last + 1])
        at = slice(matrix.indptr[first], matrix.indptr[last])
        values = np.maximum(matrix.data[at] - np.repeat(rows[first:last], counts), 0.0)
        sums += sums_at(matrix.indices[at], values, len(sums))
    return sums


def best_rules(worth: Floats, terms: Terms, rules: Floats) -> Floats:
    """Return the multipliers with that of the main row at its best, the others as they are.

    With one row ``a x <= b`` and 0 <= x <= 1, the best multiplier is the value per unit of the
    candidate at which filling by value per unit uses up b (Dantzig 1957, Operations Research
    5:266-288): for "at most k sites" the k-th largest worth.

    Parameters
    ----------
    worth
        (m,) column sums under the row duals.
    rules
        (r,) multipliers, not negative.
    """
    result = np.maximum(np.asarray(rules, dtype=np.float64), 0.0)
    main = terms.main
    if main < 0:
        return result
    result[main] = 0.0
    left = worth - terms.matrix.T @ result
    load = terms.matrix[[main]].toarray().ravel()
    spare = float(terms.right[main] - load @ terms.low)
    rate = np.full(len(left), -np.inf)
    free = (terms.high > terms.low) & (left > 0) & (load > 0)
    rate[free] = left[free] / load[free]
    order = np.argsort(-rate, kind="stable")[: int(free.sum())]
    filled = np.cumsum(load[order])
    full = int(np.searchsorted(filled, spare * (1 + 1e-12), side="right"))
    result[main] = rate[order[full]] if full < len(order) else 0.0
    return result


def dual_value(worth: Floats, terms: Terms, rules: Floats) -> float:
    """Return ``rules @ h + sum(max(high * r, low * r))`` with r the worth less the rules."""
    r = worth - terms.matrix.T @ rules
    inside = np.where(r > 0, terms.high * r, terms.low * r)
    return float(rules @ terms.right) + float(inside.sum())
