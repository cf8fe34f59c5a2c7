"""A bound on the p-median by Lagrangian relaxation.

Each point may be served by several sites, at a price v per point: for any v >= 0 no selection saves
more than ``sum(v)`` plus the largest sum over an allowed selection of
``rho_j = sum_i max(0, S_ij - v_i)`` (Cornuejols, Fisher & Nemhauser 1977, Management Science
23:789-810). v is improved by subgradients with Polyak's step, deflected as in the volume
algorithm (Barahona & Anbil 2000, Mathematical Programming 87:385-399).
"""

import numpy as np
from scipy.sparse import csr_array

from locator.siting.dual import best_rules, column_excess, dual_value
from locator.siting.problem import Floats, sums_at
from locator.siting.terms import Terms
from locator.siting.watch import Watch


class MedianBound:
    """The best dual numbers found so far; mutable.

    Attributes
    ----------
    rows, rules, bound
        (n,) prices v, multipliers of the rules, and the bound they give.
    share
        (m,) how often a site was in the relaxed selection, lately: 0 to 1.
    """

    def __init__(self, savings: csr_array, terms: Terms, start: Floats) -> None:
        self.savings, self.terms = savings, terms
        self._row = np.repeat(np.arange(savings.shape[0], dtype=np.int32), np.diff(savings.indptr))
        self.rows = start
        self.worth = column_excess(savings, start)
        self.rules = best_rules(self.worth, terms, np.zeros(len(terms.right)))
        self.bound = float(start.sum()) + dual_value(self.worth, terms, self.rules)
        self.share = np.zeros(savings.shape[1])
        self._centre = (start, self.rules.copy())
        self._direction: Floats | None = None
        self._step = 1.0
        self._stuck = 0

    def run(self, watch: Watch, *, until: float, target: float, rounds: int = 20_000) -> None:
        """Improve the bound until the time, or until it meets the target."""
        for _ in range(rounds):
            if watch.effort.clock() >= until or watch.stop() or self._step < 1e-5:
                return
            if self.bound - target <= 1e-7 * max(1.0, abs(self.bound)):
                return
            self._improve(target)
        return

    def resume(self) -> None:
        """Go on from the best dual numbers with longer steps, where the last ones were used up."""
        self._step, self._stuck = max(self._step, 0.3), 0
        self._centre, self._direction = (self.rows, self.rules), None

    def _improve(self, target: float) -> None:
        rows, rules = self._centre
        over = self.savings.data - rows[self._row]
        positive = over > 0
        worth = sums_at(self.savings.indices[positive], over[positive], len(self.share))
        rules = best_rules(worth, self.terms, rules)
        value = float(rows.sum()) + dual_value(worth, self.terms, rules)
        x = self._selection(worth, rules)
        served = sums_at(self._row[positive], x[self.savings.indices[positive]], len(rows))
        if self._judge(value, rows, rules, worth):
            return
        gradient = 1.0 - served
        gradient[(rows <= 0) & (gradient > 0)] = 0.0  # prices stay at zero from below
        old = self._direction
        direction = gradient if old is None else 0.3 * gradient + 0.7 * old
        self._direction = direction
        self.share = 0.95 * self.share + 0.05 * x
        slack = self.terms.right - self.terms.matrix @ x
        if self.terms.main >= 0:
            slack[self.terms.main] = 0.0
        length = float(direction @ direction) + float(slack @ slack)
        if length <= 1e-12:
            self._step *= 0.5
            return
        step = self._step * max(value - target, 1e-9 * abs(value)) / length
        self._centre = (
            np.maximum(0.0, rows - step * direction),
            np.maximum(0.0, rules - step * slack),
        )

    def _selection(self, worth: Floats, rules: Floats) -> Floats:
        """Return the best relaxed selection, whole but for the last site that fits the main row."""
        terms = self.terms
        r = worth - terms.matrix.T @ rules
        x = np.where(terms.low > 0, 1.0, 0.0)
        tied = np.abs(r) <= 1e-12 * max(1.0, float(np.abs(worth).max(initial=0.0)))
        x[(r > 0) & ~tied & (terms.high > 0)] = 1.0
        if terms.main < 0:
            return x
        load = terms.matrix[[terms.main]].toarray().ravel()
        spare = float(terms.right[terms.main] - load @ x)
        for site in np.flatnonzero(tied & (terms.high > 0) & (x == 0) & (worth > 0)):
            if spare <= 0:
                break
            x[site] = min(1.0, spare / load[site]) if load[site] > 0 else 1.0
            spare -= load[site] * x[site]
        return x

    def _judge(self, value: float, rows: Floats, rules: Floats, worth: Floats) -> bool:
        """Keep the best bound; where nothing improves, shorten the step and say to return to it."""
        if value < self.bound - 1e-9 * abs(self.bound):
            self.bound, self.rows, self.rules, self.worth = value, rows, rules, worth
            self._stuck = 0
            return False
        self._stuck += 1
        if self._stuck < 20:
            return False
        self._step *= 0.66
        self._stuck = 0
        self._centre, self._direction = (self.rows, self.rules), None
        return True
