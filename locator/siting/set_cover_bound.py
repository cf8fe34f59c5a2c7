"""A quick bound on the price of a full cover, by Lagrangian relaxation.

Every row may stay uncovered at a price u: for any u >= 0 no cover costs less than
``sum(u) + sum_j min(0, price_j - sum of u over the rows of j)``; u is improved by subgradients
(Caprara, Fischetti & Toth 1999, *A heuristic method for the set covering problem*, Operations
Research 47:730-743; deflected as in Barahona & Anbil 2000, Mathematical Programming 87:385-399).
"""

import numpy as np

from locator.siting.greedy import column_worth
from locator.siting.problem import Floats
from locator.siting.reduce import Cover
from locator.siting.terms import Terms
from locator.siting.watch import Watch

__all__ = ["price_rows"]


def price_rows(
    cover: Cover, terms: Terms, upper: float, watch: Watch, *, until_s: float, rounds: int = 600
) -> tuple[Floats, Floats]:
    """Return dual numbers of the rows, (n',), and how often each site was worth it, (m,).

    Parameters
    ----------
    upper
        Price of a known cover, or of all candidates.
    until_s, rounds
        Seconds and rounds to spend at most.
    """
    until = watch.effort.clock() + until_s
    matrix = cover.matrix()
    size = np.maximum(np.diff(cover.col_indptr), 1)
    rate = (terms.prices / size)[cover.indices]
    start = cover.indptr[:-1].astype(np.int64)
    prices: Floats = np.minimum.reduceat(rate, start) if cover.height else np.zeros(0)
    best, bound = prices, -np.inf
    share = np.zeros(cover.width)
    direction: Floats | None = None
    step, stuck = 1.0, 0
    for _ in range(rounds):
        r = terms.prices - column_worth(cover, prices)
        value = float(prices.sum()) + float(np.where(r < 0, terms.high * r, terms.low * r).sum())
        if value > bound + 1e-6 * abs(upper):
            best, bound, stuck = prices, value, 0
        else:
            stuck += 1
        ended = watch.effort.clock() >= until or watch.stop()
        if ended or step < 1e-4 or upper - bound <= 1e-7 * upper:
            break
        if stuck >= 15:
            prices, direction, step, stuck = best, None, step * 0.66, 0
            continue
        x = np.where(r < 0, terms.high, terms.low)
        share = 0.95 * share + 0.05 * x
        gradient = 1.0 - matrix @ x
        gradient[(prices <= 0) & (gradient < 0)] = 0.0
        direction = gradient if direction is None else 0.3 * gradient + 0.7 * direction
        length = float(direction @ direction)
        if length <= 1e-12:
            break
        move = step * max(upper * 1.01 - value, 1e-9) / length
        prices = np.maximum(0.0, prices + move * direction)
    return best, share
