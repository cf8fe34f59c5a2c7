"""Greedy choice and swaps for maximum cover, in time proportional to what changes.

Adding by the largest gain: Church & ReVelle 1974, Papers of the RSA 32:101-118; exchanging one
site for another: Teitz & Bart 1968, Operations Research 16:955-961.
"""

import numpy as np

from locator.siting.problem import Floats, Ints, sums_at, take_slices
from locator.siting.reduce import Cover
from locator.siting.slack import Slack
from locator.siting.terms import Terms
from locator.siting.watch import Watch


class CoverSearch:
    """A selection on a coverage model, with what each candidate would add; mutable."""

    def __init__(self, cover: Cover, terms: Terms) -> None:
        self.cover = cover
        self.slack = Slack(terms)
        self.counts = np.zeros(cover.height, dtype=np.int32)
        self.gain = column_worth(cover, cover.first)
        self.value = 0.0
        self._start = self.gain.copy()
        for site in np.flatnonzero(terms.low > 0):
            self.add(int(site))

    def _rows(self, site: int) -> Ints:
        at = self.cover.col_indptr
        rows: Ints = self.cover.col_indices[at[site] : at[site + 1]]
        return rows

    def _worth(self, rows: Ints, counts: Ints) -> Floats:
        cover = self.cover
        once = np.where(counts == 0, cover.first[rows], 0.0)
        return np.where(counts == 1, cover.second[rows], once)

    def _spread(self, rows: Ints, change: Floats) -> None:
        moved = np.flatnonzero(change)
        columns, counts = take_slices(self.cover.indptr, self.cover.indices, rows[moved])
        values = np.repeat(change[moved], counts)
        if len(columns) * 8 < len(self.gain):
            np.add.at(self.gain, columns, values)
        else:
            self.gain += sums_at(columns, values, len(self.gain))

    def add(self, site: int) -> None:
        """Choose a candidate."""
        rows = self._rows(site)
        counts = self.counts[rows]
        worth = self._worth(rows, counts)
        self.value += float(worth.sum())
        self._spread(rows, self._worth(rows, counts + 1) - worth)
        self.counts[rows] = counts + 1
        self.slack.add(site)

    def remove(self, site: int) -> None:
        """Give a candidate back."""
        rows = self._rows(site)
        counts = self.counts[rows] - 1
        worth = self._worth(rows, counts)
        self.value -= float(worth.sum())
        self._spread(rows, worth - self._worth(rows, counts + 1))
        self.counts[rows] = counts
        self.slack.remove(site)

    def loss(self, site: int) -> float:
        """Return what giving a candidate back would cost."""
        rows = self._rows(site)
        return float(self._worth(rows, self.counts[rows] - 1).sum())

    def exact_value(self) -> float:
        """Return the value of the selection, summed anew."""
        cover, counts = self.cover, self.counts
        return float(cover.first[counts > 0].sum() + cover.second[counts > 1].sum())

    def move_to(self, sites: Ints) -> None:
        """Change the selection into another one, touching only what differs."""
        target = np.zeros(self.cover.width, dtype=bool)
        target[sites] = True
        for site in np.flatnonzero(self.slack.chosen & ~target):
            self.remove(int(site))
        for site in np.flatnonzero(target & ~self.slack.chosen):
            self.add(int(site))
        self.value = self.exact_value()


def column_worth(cover: Cover, values: Floats) -> Floats:
    """Return the sum of a number per row over the rows of each column, (m,), in doubles."""
    sums = np.zeros(cover.width)
    for start in range(0, cover.height, 65_536):
        stop = min(cover.height, start + 65_536)
        counts = np.diff(cover.indptr[start : stop + 1])
        columns = cover.indices[cover.indptr[start] : cover.indptr[stop]]
        weights = np.repeat(values[start:stop], counts)
        sums += sums_at(columns, weights, cover.width)
    return sums


def _best(search: CoverSearch, *, by_price: bool) -> int:
    """Return the candidate to add next, -1 if none adds anything; of equals the first."""
    slack = search.slack
    allowed = np.flatnonzero(slack.may_add())
    if not len(allowed):
        return -1
    missing = slack.missing()
    least = 1e-12 * max(1.0, float(search.cover.first.sum()))
    rate = search.gain[allowed]
    useful = rate > least
    if missing:
        useful |= np.isin(slack.terms.district[allowed], list(missing))
    if not useful.any():
        return -1
    if by_price:
        rate = rate / np.maximum(slack.terms.prices[allowed], 1e-12)
    return int(allowed[np.argmax(np.where(useful, rate, -np.inf))])


def fill(search: CoverSearch, watch: Watch | None = None, *, by_price: bool = False) -> None:
    """Add the best candidate while one adds something and the rules allow it.

    ``by_price`` goes by gain per price, as budgets want it.
    """
    while (site := _best(search, by_price=by_price)) >= 0:
        search.add(site)
        if watch is not None and watch.stop():
            return


def complete(search: CoverSearch, order: Ints) -> None:
    """Add candidates in an order as far as the rules allow, then the best that still fit."""
    for site in order:
        if search.slack.may_add()[site]:
            search.add(int(site))
    fill(search, by_price=np.isfinite(search.slack.terms.budget))


def improve(search: CoverSearch, watch: Watch, *, rounds: int = 1000) -> None:
    """Exchange one site at a time for a better one until no exchange helps.

    Under a budget what an exchange leaves over is filled again before it is judged.
    """
    slack = search.slack
    refill = np.isfinite(slack.terms.budget) or len(slack.terms.needs) > 0
    for _ in range(rounds):
        better = False
        for site in slack.sites():
            if slack.terms.low[site] > 0 or not slack.chosen[site]:
                continue
            if watch.stop():
                return
            better |= _exchange(search, int(site), refill=refill)
        if not better:
            return


def _exchange(search: CoverSearch, site: int, *, refill: bool) -> bool:
    """Put the best candidate in the place of one; return whether that was better."""
    before = search.value
    least = 1e-9 * max(1.0, abs(before))
    search.remove(site)
    added: list[int] = []
    while (other := _best(search, by_price=False)) >= 0:
        search.add(other)
        added.append(other)
        if not refill:
            break
    if search.value > before + least and search.slack.whole():
        return True
    for other in reversed(added):
        search.remove(other)
    search.add(site)
    search.value = before
    return False
