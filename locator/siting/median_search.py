"""Greedy choice and fast interchange for the p-median.

Interchange: Teitz & Bart 1968, Operations Research 16:955-961; with the best and second best of
each point kept, after Whitaker 1983 (INFOR 21:95-108) and Resende & Werneck 2007 (European Journal
of Operational Research 174:54-68): the exchange of j for l changes the value by
``gain[l] + extra[j, l] - loss[j]``.
"""

import numpy as np
from scipy.sparse import csr_array

from locator.siting.arrays import sums_at, take_slices
from locator.siting.median_bound import MedianBound
from locator.siting.problem import Floats, Ints
from locator.siting.slack import Slack
from locator.siting.swap import allowed_exchanges
from locator.siting.terms import Terms
from locator.siting.watch import Watch

__all__ = ["MedianSearch", "wander"]

_SEED = 20261123


class MedianSearch:
    """A selection on a savings matrix with the value of every exchange; mutable."""

    def __init__(self, savings: csr_array, terms: Terms) -> None:
        self.savings = savings
        self.slack = Slack(terms)
        size, width = (int(n) for n in savings.shape)
        turned = csr_array(savings.T)
        self._rows_of = (turned.indptr, turned.indices)
        self.best = np.zeros(size)
        self.second = np.zeros(size)
        self.owner = np.full(size, -1, dtype=np.int64)  # slot of the best
        self.slot_of = np.full(width, -1, dtype=np.int64)
        self.site_at = np.full(16, -1, dtype=np.int64)
        self.extra = np.zeros((16, width))
        self.loss = np.zeros(16)
        self.gain = sums_at(savings.indices, savings.data, width)
        self.value = 0.0
        self.least = 1e-9 * max(1.0, float(savings.data.sum()) / max(1, size))
        for site in np.flatnonzero(terms.low > 0):
            self.add(int(site))

    def sites(self) -> Ints:
        """Return the selection, ascending."""
        return self.slack.sites()

    def halfway(self) -> Floats:
        """Return the middle of each point's best and second best saving.

        Between the two lies its dual number where the relaxation is whole: a good start.
        """
        middle: Floats = 0.5 * (self.best + self.second)
        return middle

    def exact_value(self) -> float:
        """Return the value of the selection, summed anew."""
        return float(self.best.sum())

    def add(self, site: int) -> None:
        """Choose a candidate."""
        free = np.flatnonzero(self.site_at < 0)
        if not len(free):
            self._grow()
            free = np.flatnonzero(self.site_at < 0)
        self.slot_of[site], self.site_at[free[0]] = free[0], site
        self.slack.add(site)
        self._refresh(site)

    def remove(self, site: int) -> None:
        """Give a candidate back."""
        slot = self.slot_of[site]
        self.slack.remove(site)
        self.slot_of[site] = -1
        self._refresh(site)
        self.site_at[slot] = -1
        self.extra[slot] = 0.0
        self.loss[slot] = 0.0

    def _grow(self) -> None:
        more = len(self.site_at)
        self.site_at = np.concatenate([self.site_at, np.full(more, -1, dtype=np.int64)])
        self.extra = np.concatenate([self.extra, np.zeros_like(self.extra)])
        self.loss = np.concatenate([self.loss, np.zeros(more)])

    def _refresh(self, site: int) -> None:
        """Bring the rows of a candidate that came or went up to date."""
        at = self._rows_of[0]
        rows = self._rows_of[1][at[site] : at[site + 1]].astype(np.int64)
        if not len(rows):
            return
        columns, counts = take_slices(self.savings.indptr, self.savings.indices, rows)
        values, _ = take_slices(self.savings.indptr, self.savings.data, rows)
        local = np.repeat(np.arange(len(rows)), counts)
        self._spread(rows, local, columns, values, -1.0)
        mine = np.flatnonzero(self.slot_of[columns] >= 0)
        order = mine[np.lexsort((columns[mine], -values[mine], local[mine]))]
        row = local[order]
        top = np.ones(len(order), dtype=bool)
        top[1:] = row[1:] != row[:-1]
        next_best = np.zeros(len(order), dtype=bool)
        next_best[1:] = top[:-1] & ~top[1:]
        self.value -= float(self.best[rows].sum())
        self.best[rows], self.second[rows], self.owner[rows] = 0.0, 0.0, -1
        self.best[rows[row[top]]] = values[order[top]]
        self.owner[rows[row[top]]] = self.slot_of[columns[order[top]]]
        self.second[rows[row[next_best]]] = values[order[next_best]]
        self.value += float(self.best[rows].sum())
        self._spread(rows, local, columns, values, 1.0)

    def _spread(self, rows: Ints, local: Ints, columns: Ints, values: Floats, sign: float) -> None:
        """Add, or take back, what some rows contribute to gain, loss and extra."""
        best, second, owner = self.best[rows], self.second[rows], self.owner[rows]
        over = np.maximum(values - best[local], 0.0)
        width = len(self.gain)
        self.gain += sign * sums_at(columns, over, width)
        owned = np.flatnonzero(owner >= 0)
        np.add.at(self.loss, owner[owned], sign * (best - second)[owned])
        extra = np.maximum(values - second[local], 0.0) - over
        some = np.flatnonzero((extra > 0) & (owner[local] >= 0))
        flat = owner[local[some]] * width + columns[some]
        np.add.at(self.extra.reshape(-1), flat, sign * extra[some])

    def best_exchange(self) -> tuple[float, int, int]:
        """Return what the best exchange saves, the site it gives up and the one it takes."""
        used = np.flatnonzero(self.site_at >= 0)
        used = used[self.slack.terms.low[self.site_at[used]] == 0]
        if not len(used):
            return 0.0, -1, -1
        score = self.gain + self.extra[used] - self.loss[used][:, None]
        score = np.where(allowed_exchanges(self.slack, self.site_at[used]), score, -np.inf)
        best = int(np.argmax(score))
        row, site = divmod(best, len(self.gain))
        return float(score.reshape(-1)[best]), int(self.site_at[used[row]]), site

    def descend(self, watch: Watch) -> None:
        """Take the best exchange while one helps, then fill what the rules leave free."""
        while not watch.stop():
            saved, out, into = self.best_exchange()
            if saved < self.least:
                break
            self.remove(out)
            self.add(into)
        self.fill(watch)

    def fill(self, watch: Watch) -> None:
        """Add the best candidate, by saving per price under a budget, while the rules allow."""
        terms = self.slack.terms
        price = np.maximum(terms.prices, 1e-12) if np.isfinite(terms.budget) else 1.0
        while not watch.stop():
            missing = self.slack.missing()
            useful = self.gain > self.least
            if missing:
                useful |= np.isin(terms.district, list(missing))
            may = self.slack.may_add() & useful
            if not may.any():
                return
            self.add(int(np.argmax(np.where(may, self.gain / price, -np.inf))))

    def move_to(self, sites: Ints) -> None:
        """Change the selection into another one."""
        target = np.zeros(len(self.gain), dtype=bool)
        target[sites] = True
        for site in np.flatnonzero(self.slack.chosen & ~target):
            self.remove(int(site))
        for site in np.flatnonzero(target & ~self.slack.chosen):
            self.add(int(site))


def wander(
    search: MedianSearch, bounds: MedianBound, watch: Watch, until: float, *, turn: int = 0
) -> None:
    """Give up a few sites at random, take others, exchange again; keep what is better.

    Iterated local search with a fixed seed for each turn; what is taken is drawn by its worth in
    the relaxation.
    """
    rng = np.random.default_rng((_SEED, turn))
    best, value = search.sites(), search.exact_value()
    worth = np.maximum(bounds.share, 1e-3)
    for _ in range(100_000):
        chosen = np.flatnonzero(search.slack.chosen & (search.slack.terms.low == 0))
        ended = watch.effort.clock() >= until or watch.stop()
        if ended or len(chosen) == 0 or value >= bounds.bound * (1 - 1e-9):
            break
        count = min(len(chosen), int(rng.integers(1, 4)))
        for site in rng.choice(chosen, count, replace=False):
            search.remove(int(site))
        for _ in range(count):
            may = np.flatnonzero(search.slack.may_add())
            if not len(may):
                break
            odds = worth[may] * (np.maximum(search.gain[may], 0.0) + search.least)
            search.add(int(rng.choice(may, p=odds / odds.sum())))
        search.descend(watch)
        now = search.exact_value()
        if now > value + search.least and search.slack.whole():
            best, value = search.sites(), now
        else:
            search.move_to(best)
    search.move_to(best)
