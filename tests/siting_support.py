"""Small siting instances, and the best selection by looking at every one."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from locator.siting import CoverProblem, Rules, TimeProblem


@dataclass(frozen=True)
class Instance:
    """Times between a few points and a few candidates; inf is out of reach."""

    times: np.ndarray
    weights: np.ndarray
    served_s: np.ndarray
    rules: Rules

    @property
    def matrix(self) -> csr_array:
        finite = np.isfinite(self.times)
        rows, columns = np.nonzero(finite)
        return csr_array((self.times[finite], (rows, columns)), shape=self.times.shape)

    def cover(self, limit_s: float) -> CoverProblem:
        return CoverProblem.within(
            self.matrix, self.weights, limit_s=limit_s, served_s=self.served_s
        )

    def median(self, unserved_s: float) -> TimeProblem:
        return TimeProblem(self.matrix, self.weights, served_s=self.served_s, unserved_s=unserved_s)


@st.composite
def rules_for(draw: st.DrawFn, count: int) -> Rules:
    """Draw rules of every kind, one, several or all together."""
    asked = draw(st.sampled_from(["new", "budget", "both"]))
    prices = draw(hnp.arrays(np.float64, count, elements=st.sampled_from([1.0, 2.0, 2.5, 4.0])))
    sites = st.integers(0, count - 1)
    forced_in = draw(st.lists(sites, max_size=1)) if draw(st.booleans()) else []
    forced_out = draw(st.lists(sites, max_size=2)) if draw(st.booleans()) else []
    grouped = draw(st.booleans())
    least = draw(st.sampled_from([{}, {}, {0: 1}, {0: 1, 1: 1}]))
    return Rules(
        new=draw(st.integers(1, 3)) if asked != "budget" else None,
        budget=draw(st.sampled_from([2.0, 4.5, 7.0])) if asked != "new" else None,
        prices=prices,
        forced_in=tuple(forced_in),
        forced_out=tuple(set(forced_out) - set(forced_in)),
        groups=draw(hnp.arrays(np.int64, count, elements=st.integers(-1, 1))) if grouped else None,
        districts=draw(hnp.arrays(np.int64, count, elements=st.integers(0, 1))),
        at_least=least,
        positions_m=draw(
            hnp.arrays(np.float64, (count, 2), elements=st.sampled_from([0.0, 100.0, 250.0]))
        ),
        apart_m=draw(st.sampled_from([0.0, 0.0, 120.0])),
    )


@st.composite
def instances(draw: st.DrawFn, *, free: bool = False) -> Instance:
    """Draw an instance; ``free`` leaves all rules out but the number of sites."""
    points, count = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    seconds = st.sampled_from([1.0, 60.0, 100.0, 100.5, 180.0, 240.0, 300.0, np.inf])
    times = draw(hnp.arrays(np.float64, (points, count), elements=seconds))
    weight = st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.5, 10.0])
    served = st.sampled_from([30.0, 150.0, np.inf, np.inf, np.inf])
    return Instance(
        times,
        draw(hnp.arrays(np.float64, points, elements=weight)),
        draw(hnp.arrays(np.float64, points, elements=served)),
        Rules(new=draw(st.integers(0, 3))) if free else draw(rules_for(count)),
    )


def selections(rules: Rules, count: int) -> Iterator[tuple[int, ...]]:
    """Yield every selection that keeps the rules, checked one by one."""
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            if keeps(rules, chosen):
                yield chosen


def keeps(rules: Rules, chosen: tuple[int, ...]) -> bool:
    """Return whether a selection keeps the rules."""
    sites = list(chosen)
    if rules.new is not None and len(sites) > rules.new:
        return False
    price = np.ones(100) if rules.prices is None else np.asarray(rules.prices)
    if rules.budget is not None and price[sites].sum() > rules.budget + 1e-9:
        return False
    if not set(rules.forced_in) <= set(sites) or set(rules.forced_out) & set(sites):
        return False
    groups = [] if rules.groups is None else [g for g in np.asarray(rules.groups)[sites] if g >= 0]
    if len(groups) != len(set(groups)):
        return False
    for district, least in rules.at_least.items():
        if (np.asarray(rules.districts)[sites] == district).sum() < least:
            return False
    places = np.zeros((0, 2)) if rules.positions_m is None else np.asarray(rules.positions_m)[sites]
    return all(np.hypot(*(one - other)) >= rules.apart_m for one, other in combinations(places, 2))
