"""The coverage model as HiGHS sees it."""

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from locator.siting.kernel import Model
from locator.siting.problem import Floats, Ints, Truths
from locator.siting.reduce import Cover
from locator.siting.terms import Terms


def cover_model(cover: Cover, terms: Terms, start: Truths) -> Model:
    """Return maximum cover as a minimum: sites x, then covered once z1, then twice z2.

    Parameters
    ----------
    start
        (m,) a selection that keeps the rules.
    """
    alone = (np.diff(cover.indptr) == 1) & (cover.second == 0)
    cost = -np.bincount(
        cover.indices[cover.indptr[:-1][alone]],
        weights=cover.first[alone],
        minlength=cover.width,
    )
    shared = np.flatnonzero(~alone)
    twice = np.flatnonzero(cover.second[shared] > 0)
    matrix = cover.matrix()[shared]
    height = len(shared)
    once = eye_array(height, format="csr")
    blocks = [-matrix, once, once[:, twice]]
    rule_rows = len(terms.right)
    empty = csr_array((rule_rows, height + len(twice)))
    whole = vstack([hstack(blocks), hstack([terms.matrix, empty])], format="csr")
    count = cover.width + height + len(twice)
    return Model(
        matrix=csr_array(whole),
        row_low=np.full(height + rule_rows, -np.inf),
        row_high=np.concatenate([np.zeros(height), terms.right]),
        cost=np.concatenate([cost, -cover.first[shared], -cover.second[shared][twice]]),
        low=np.concatenate([terms.low, np.zeros(count - cover.width)]),
        high=np.concatenate([terms.high, np.ones(count - cover.width)]),
        whole=np.arange(count) < cover.width,
        start=_start(matrix, start, twice),
    )


def _start(matrix: csr_array, start: Truths, twice: Ints) -> Floats:
    x = start.astype(np.float64)
    counts = matrix @ x
    second = np.clip(counts - 1, 0, 1)[twice]
    point: Floats = np.concatenate([x, np.minimum(counts, 1), second])
    return point


def sites_of(x: Floats, width: int) -> Ints:
    """Return the sites of a solution."""
    return np.flatnonzero(x[:width] > 0.5)
