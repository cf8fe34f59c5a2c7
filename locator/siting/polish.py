"""Better selections near the relaxation: rounding, exchanges, and searching on from there."""

import numpy as np

from locator.siting.greedy import CoverSearch, complete, improve
from locator.siting.problem import Floats, Ints
from locator.siting.reduce import Cover, restrict
from locator.siting.swap import SwapSearch
from locator.siting.terms import Terms
from locator.siting.watch import Watch

_CELLS = 20_000_000  # numbers in the table of exchanges: 160 MB
_SEED = 20261123


def value_of(cover: Cover, sites: Ints) -> float:
    """Return what a selection is worth on a model, summed anew."""
    counts = np.zeros(cover.height, dtype=np.int32)
    for site in sites:
        counts[cover.col_indices[cover.col_indptr[site] : cover.col_indptr[site + 1]]] += 1
    return float(cover.first[counts > 0].sum() + cover.second[counts > 1].sum())


def polish(
    cover: Cover,
    terms: Terms,
    share: Floats,
    sites: Ints,
    watch: Watch,
    *,
    until_s: float,
    ceiling: float = np.inf,
) -> Ints:
    """Return a selection at least as good, from candidates that the relaxation favours.

    Two starts (the selection at hand, and the greedy one by gain times share of the relaxation)
    are exchanged down to where no exchange helps; then a few sites at a time are given up at
    random and the search goes on from there (iterated local search: Lourenco, Martin & Stutzle
    2003, Handbook of Metaheuristics, 320-353), with a fixed seed.

    Parameters
    ----------
    share
        (m,) fractional selection.
    until_s
        Seconds to spend at most.
    ceiling
        A bound: where it is reached the search ends.
    """
    keep = share > 1e-3
    keep[sites] = True
    if not keep.any():
        return sites  # the rules leave room for nothing
    none = np.zeros(cover.width, dtype=bool)
    small, rules, ids, _ = restrict(cover, terms, keep, none)
    at = np.searchsorted(ids, sites)
    slots = _slots(rules)
    if cover.second.any() or slots * small.width > _CELLS:
        return ids[_by_exchange(small, rules, share[ids], at, watch)]
    until = watch.effort.clock() + until_s
    return ids[_Wander(small, rules, share[ids], at, slots).run(watch, until, ceiling)]


def _slots(terms: Terms) -> int:
    """Return how many sites a selection may hold at most."""
    most = min(len(terms.low), terms.new)
    if np.isfinite(terms.budget):
        cheapest = np.cumsum(np.sort(terms.prices))
        most = min(most, int(np.searchsorted(cheapest, terms.budget * (1 + 1e-9), side="right")))
    return int(most) + 1


def _by_exchange(cover: Cover, terms: Terms, share: Floats, at: Ints, watch: Watch) -> Ints:
    best, value = at, value_of(cover, at)
    search = CoverSearch(cover, terms)
    complete(search, np.argsort(-share, kind="stable")[: len(at)])
    if not search.slack.whole():
        return best
    improve(search, watch, rounds=3)
    return search.slack.sites() if search.exact_value() > value * (1 + 1e-12) else best


class _Wander:
    """Iterated local search on a small model; mutable."""

    def __init__(self, cover: Cover, terms: Terms, share: Floats, at: Ints, slots: int) -> None:
        self.search = SwapSearch(cover, terms, at, slots=slots)
        self.share = share
        self.best, self.value = at, self.search.value
        self.least = 1e-9 * max(1.0, float(cover.first.sum()))
        self.free = terms.low == 0

    def run(self, watch: Watch, until: float, ceiling: float) -> Ints:
        """Search on until the time, and return the best selection."""
        self._settle()
        self._round()
        self._settle()
        rng = np.random.default_rng(_SEED)
        rounds = 0
        while watch.effort.clock() < until and not watch.stop() and rounds < 200_000:
            if self.value >= ceiling - self.least or not self._jump(rng):
                break
            self._settle()
            rounds += 1
        return self.best

    def _settle(self) -> None:
        """Exchange and fill until nothing helps; keep what is better, else go back to the best."""
        search = self.search
        search.descend(least=self.least)
        search.fill(least=self.least)
        if search.value > self.value + self.least and search.slack.whole():
            self.best, self.value = search.sites(), search.value
        elif search.value < self.value - self.least or not search.slack.whole():
            search.move_to(self.best)

    def _round(self) -> None:
        """Start anew: the candidate with the most gain times share, one after the other."""
        search = self.search
        search.move_to(np.flatnonzero(~self.free))
        while True:
            missing = search.slack.missing()
            score = np.where(search.slack.may_add(), search.gain * self.share, -np.inf)
            site = int(np.argmax(score))
            if not score[site] > (-np.inf if missing else self.least):
                return
            search.add(site)

    def _jump(self, rng: np.random.Generator) -> bool:
        """Give up a few sites and take as many others; return whether there was anything to do."""
        search = self.search
        chosen = np.flatnonzero(search.slack.chosen & self.free)
        if len(chosen) == 0:
            return False
        count = min(len(chosen), int(rng.integers(2, 6)))
        for site in rng.choice(chosen, count, replace=False):
            search.remove(int(site))
        for _ in range(count):
            open_sites = np.flatnonzero(search.slack.may_add())
            if not len(open_sites):
                break
            worth = self.share[open_sites] * np.maximum(search.gain[open_sites], 0.0) + 1e-12
            search.add(int(rng.choice(open_sites, p=worth / worth.sum())))
        return True
