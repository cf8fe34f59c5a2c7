"""Which candidates may still be added to a selection."""

import numpy as np

from locator.siting.problem import Floats, Ints, Truths
from locator.siting.terms import Terms


class Slack:
    """The rules while a selection grows and shrinks; mutable, of one search.

    What the districts' least numbers still need is kept free: the number of sites, and the price
    of the cheapest candidates there.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.chosen: Truths = np.zeros(len(terms.low), dtype=bool)
        self.count = 0
        self.spent = 0.0
        self._free: Truths = terms.high > 0
        self._taken = np.zeros(int(terms.group.max(initial=-1)) + 2, dtype=np.int64)
        self._close = np.zeros(len(terms.low), dtype=np.int64)
        self._inside = dict.fromkeys(terms.needs, 0)

    def add(self, site: int) -> None:
        """Choose a candidate."""
        self._move(site, 1)

    def remove(self, site: int) -> None:
        """Give a candidate back."""
        self._move(site, -1)

    def _move(self, site: int, step: int) -> None:
        terms = self.terms
        self.chosen[site] = step > 0
        self.count += step
        self.spent += step * float(terms.prices[site])
        if terms.group[site] >= 0:
            self._taken[terms.group[site]] += step
        if terms.near is not None:
            near = terms.near
            self._close[near.indices[near.indptr[site] : near.indptr[site + 1]]] += step
        place = int(terms.district[site])
        if place in self._inside:
            self._inside[place] += step

    def sites(self) -> Ints:
        """Return the selection, ascending."""
        return np.flatnonzero(self.chosen)

    def group_load(self) -> Ints:
        """Return how many of each candidate's group are chosen, (m,); 0 where it has none."""
        group = self.terms.group
        return np.where(group >= 0, self._taken[group], 0)

    def close_load(self) -> Ints:
        """Return how many chosen sites lie too near to each candidate, (m,)."""
        return self._close

    def inside(self, place: int) -> int:
        """Return how many chosen sites lie in a district that has a least number."""
        return self._inside[place]

    def missing(self) -> dict[int, int]:
        """Return the districts that still need sites, and how many."""
        return {
            place: least - self._inside[place]
            for place, least in self.terms.needs.items()
            if least > self._inside[place]
        }

    def may_add(self) -> Truths:
        """Return which candidates keep every rule if added now."""
        terms = self.terms
        if self.count >= terms.new:
            return np.zeros(len(self.chosen), dtype=bool)
        mask: Truths = self._free & ~self.chosen & (self._close == 0)
        if len(self._taken) > 1:
            mask &= (terms.group < 0) | (self._taken[terms.group] == 0)
        left = terms.budget - self.spent
        missing = self.missing()
        if not missing:
            mask &= terms.prices <= left + 1e-9 * max(1.0, abs(terms.budget))
            return mask
        needy = np.isin(terms.district, list(missing))
        if self.count + sum(missing.values()) >= terms.new:
            mask &= needy
        if np.isfinite(terms.budget):
            mask &= terms.prices + self._reserve(mask, missing) <= left * (1 + 1e-9) + 1e-9
        return mask

    def _reserve(self, mask: Truths, missing: dict[int, int]) -> Floats:
        """Return what the districts' needs would still cost after adding each candidate."""
        terms = self.terms
        reserve = np.zeros(len(mask))
        for place, least in missing.items():
            inside = mask & (terms.district == place)
            cheapest = np.sort(terms.prices[inside])
            reserve += float(cheapest[:least].sum())
            if 0 < least <= len(cheapest):
                reserve[inside] -= np.minimum(terms.prices[inside], cheapest[least - 1])
        return reserve

    def whole(self) -> bool:
        """Return whether the selection is complete: every least number is met."""
        return not self.missing() and bool(self.chosen[self.terms.low > 0].all())
