"""The best exchange of one site for another, found at once for all pairs.

For each chosen site j and each candidate l the value after the exchange is
``value + gain[l] + shared[j, l] - loss[j]``: gain over what nobody covers, loss of what j alone
covers, shared what j alone covers and l would cover too. The three are kept up to date row by row,
as Resende & Werneck 2007 (European Journal of Operational Research 174:54-68) do for the p-median.
Rows count once here; backup cover exchanges by :func:`locator.siting.greedy.improve`.
"""

import numpy as np
import numpy.typing as npt

from locator.siting.problem import Ints, Truths, sums_at, take_slices
from locator.siting.reduce import Cover
from locator.siting.slack import Slack
from locator.siting.terms import Terms


class SwapSearch:
    """A selection with the value of every exchange; mutable, deterministic.

    Parameters
    ----------
    cover
        A model with ``second`` zero.
    slots
        How many sites a selection may hold at most.
    """

    def __init__(self, cover: Cover, terms: Terms, sites: Ints, *, slots: int) -> None:
        self.cover = cover
        self.slack = Slack(terms)
        self.value = 0.0
        self.counts = np.zeros(cover.height, dtype=np.int32)
        self.owners = np.zeros(cover.height, dtype=np.int64)  # sum of the slots that cover a row
        self.site_at = np.full(slots, -1, dtype=np.int64)
        self.shared = np.zeros((slots, cover.width))
        self.loss = np.zeros(slots)
        entries = np.repeat(cover.first, np.diff(cover.indptr))
        self.gain = sums_at(cover.indices, entries, cover.width)
        self._fixed = terms.low > 0
        for site in sites:
            self.add(int(site))

    def sites(self) -> Ints:
        """Return the selection, ascending."""
        return self.slack.sites()

    def _spread(self, rows: Ints, sign: float, slots: Ints | None) -> None:
        """Add the rows' worth to what their candidates gain, or share with the rows' slots."""
        columns, counts = take_slices(self.cover.indptr, self.cover.indices, rows)
        values = np.repeat(sign * self.cover.first[rows], counts)
        if slots is None:
            width = len(self.gain)
            self.gain += sums_at(columns, values, width)
            return
        flat = np.repeat(slots * self.cover.width, counts) + columns
        np.add.at(self.shared.reshape(-1), flat, values)

    def add(self, site: int) -> None:
        """Choose a candidate."""
        slot = int(np.flatnonzero(self.site_at < 0)[0])
        self.site_at[slot] = site
        self.slack.add(site)
        at = self.cover.col_indptr
        rows = self.cover.col_indices[at[site] : at[site + 1]]
        before = self.counts[rows]
        fresh, single = rows[before == 0], rows[before == 1]
        first = self.cover.first
        if len(fresh):
            worth = float(first[fresh].sum())
            self.value += worth
            self.loss[slot] = worth
            self._spread(fresh, -1.0, None)
            self._spread(fresh, 1.0, np.full(len(fresh), slot))
        if len(single):
            others = self.owners[single]
            np.subtract.at(self.loss, others, first[single])
            self._spread(single, -1.0, others)
        self.counts[rows] = before + 1
        self.owners[rows] += slot

    def remove(self, site: int) -> None:
        """Give a candidate back."""
        slot = int(np.flatnonzero(self.site_at == site)[0])
        self.site_at[slot] = -1
        self.slack.remove(site)
        at = self.cover.col_indptr
        rows = self.cover.col_indices[at[site] : at[site + 1]]
        after = self.counts[rows] - 1
        self.counts[rows] = after
        self.owners[rows] -= slot
        lost, single = rows[after == 0], rows[after == 1]
        first = self.cover.first
        if len(lost):
            self.value -= float(first[lost].sum())
            self._spread(lost, 1.0, None)
        self.shared[slot] = 0.0
        self.loss[slot] = 0.0
        if len(single):
            others = self.owners[single]
            np.add.at(self.loss, others, first[single])
            self._spread(single, 1.0, others)

    def best_exchange(self) -> tuple[float, int, int]:
        """Return what the best exchange adds, the site it gives up and the one it takes."""
        used = np.flatnonzero(self.site_at >= 0)
        used = used[~self._fixed[self.site_at[used]]]
        if not len(used):
            return 0.0, -1, -1
        score = self.gain + self.shared[used]
        score -= self.loss[used][:, None]
        score = np.where(allowed_exchanges(self.slack, self.site_at[used]), score, -np.inf)
        best = int(np.argmax(score))
        row, site = divmod(best, self.cover.width)
        return float(score.reshape(-1)[best]), int(self.site_at[used[row]]), site

    def descend(self, *, least: float, limit: int = 10_000) -> None:
        """Take the best exchange while one adds at least so much."""
        for _ in range(limit):
            added, out, into = self.best_exchange()
            if added < least:
                return
            self.remove(out)
            self.add(into)

    def fill(self, *, least: float) -> None:
        """Add the best candidate, by gain per price under a budget, while the rules allow."""
        terms = self.slack.terms
        price = np.maximum(terms.prices, 1e-12) if np.isfinite(terms.budget) else 1.0
        while True:
            useful = self.slack.may_add() & (self.gain > least)
            if not useful.any() or not (self.site_at < 0).any():
                return
            self.add(int(np.argmax(np.where(useful, self.gain / price, -np.inf))))

    def move_to(self, sites: Ints) -> None:
        """Change the selection into another one."""
        target: npt.NDArray[np.bool_] = np.zeros(self.cover.width, dtype=bool)
        target[sites] = True
        for site in np.flatnonzero(self.slack.chosen & ~target):
            self.remove(int(site))
        for site in np.flatnonzero(target & ~self.slack.chosen):
            self.add(int(site))


def allowed_exchanges(slack: Slack, out: Ints) -> Truths:
    """Return which candidates may take the place of each of some chosen sites.

    (m,) where that is the same for all of them, else (sites, m).
    """
    terms = slack.terms
    open_to_all: Truths = (terms.high > 0) & ~slack.chosen
    if terms.simple and not np.isfinite(terms.budget):
        return open_to_all
    left = terms.budget - slack.spent + 1e-9 * max(1.0, abs(slack.spent))
    may = open_to_all & (terms.prices[None, :] <= left + terms.prices[out][:, None])
    same = (terms.group[out][:, None] == terms.group[None, :]) & (terms.group[None, :] >= 0)
    may &= (slack.group_load() - same) <= 0
    if terms.near is not None:
        may &= (slack.close_load() - terms.near[out].toarray()) <= 0
    for place, least in terms.needs.items():
        if slack.inside(place) <= least:
            leaving = terms.district[out] == place
            may &= ~leaving[:, None] | (terms.district == place)[None, :]
    return may
