"""The p-median: sites that make the mean time to the nearest one smallest.

Hakimi 1964, *Optimum locations of switching centers*, Operations Research 12:450-459. The model
here is what new sites save: S_ij = weight_i * (time_i now - time_ij) where that is positive, and
the value of a selection is the sum over i of its largest S_ij.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np
from scipy.sparse import csr_array, vstack

from locator.errors import InputError
from locator.siting.assign import nearest_of
from locator.siting.kernel import Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.median_bound import MedianBound
from locator.siting.median_search import MedianSearch, wander
from locator.siting.problem import Floats, Ints, Rules, TimeProblem, Truths, all_whole, floor_bound
from locator.siting.repair import first_selection
from locator.siting.result import BEYOND, EXISTING, Certificate, Siting
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible

__all__ = ["savings_of", "solve_p_median"]

_PROVEN = 1e-6
_SMALL = 4_000
_ENTRIES = 400_000
_STAGES = ((150, 0.1), (600, 0.2), (100_000, 0.3))  # rounds, and share of the time left


def savings_of(problem: TimeProblem) -> tuple[csr_array, Floats]:
    """Return what each candidate would save each point, (n, m), and the time each has now."""
    now = np.minimum(problem.served_s, problem.unserved_s)
    times = problem.times
    row = np.repeat(np.arange(len(now)), np.diff(times.indptr))
    saved = (now[row] - times.data) * problem.weights[row]
    keep = saved > 0
    indptr = np.concatenate([[0], np.cumsum(keep)])[times.indptr].astype(times.indptr.dtype)
    matrix = csr_array((saved[keep], times.indices[keep], indptr), shape=times.shape)
    matrix.has_canonical_format = True
    return matrix, now


@interruptible
def solve_p_median(problem: TimeProblem, rules: Rules, *, effort: Effort | None = None) -> Siting:
    """Choose sites that make the weighted time to the nearest station smallest.

    Parameters
    ----------
    problem
        Times, weights, existing stations, and what a point out of reach counts.
    rules
        At least a number of new sites or a budget.

    Returns
    -------
    Siting
        ``objective``, ``baseline`` and ``bound`` are sums of weight times seconds; divided by the
        sum of weights they are mean seconds.

    Raises
    ------
    InputError
        If an argument is wrong, or neither a number nor a budget is given.
    SitingError
        If no selection keeps the rules; the sentence names the rule.
    """
    if rules.new is None and rules.budget is None:
        raise InputError("Say how many new sites (new) or how much they may cost (budget).")
    watch = Watch(effort or Effort())
    watch.begin("reduce")
    terms = compile_rules(rules, problem.shape[1])
    savings, now = savings_of(problem)
    with Solver() as solver:
        hunt = _Hunt(savings, terms, watch, solver)
        hunt.run()
    return _result(problem, now, hunt)


class _Hunt:
    """The search for one p-median; mutable."""

    def __init__(self, savings: csr_array, terms: Terms, watch: Watch, solver: Solver) -> None:
        self.savings, self.terms, self.watch, self.solver = savings, terms, watch, solver
        self.kernel = (0, 0, 0)
        self.whole = all_whole(savings.data)
        self.solver_bound = np.inf
        watch.begin("greedy")
        self.search = MedianSearch(savings, terms)
        self.search.fill(watch)
        if not self.search.slack.whole():
            self.search.move_to(first_selection(terms, self.search.gain, watch, solver))
            self.search.fill(watch)
        self.sites, self.value = self.search.sites(), self.search.exact_value()
        self.bounds = MedianBound(savings, terms, self.search.halfway())

    def best_bound(self) -> float:
        """Return the better of both bounds."""
        best = min(self.bounds.bound, self.solver_bound)
        return max(self.value, floor_bound(best) if self.whole else best)

    def gap(self) -> float:
        """Return the gap of what is saved."""
        bound = self.best_bound()
        return (bound - self.value) / bound if bound > 0 else 0.0

    def _done(self) -> bool:
        self.watch.objective, self.watch.bound = self.value, self.best_bound()
        return self.gap() <= max(_PROVEN, self.watch.effort.gap) or self.watch.stop()

    def run(self) -> None:
        """Exchange, bound, and where they do not meet, search on or ask HiGHS."""
        watch = self.watch
        watch.begin("swaps")
        self.search.descend(watch)
        self._keep()
        self.bounds = MedianBound(self.savings, self.terms, self.search.halfway())
        for rounds, share in _STAGES:
            watch.begin("bound")
            until = watch.effort.clock() + watch.left_s() * share
            self.bounds.run(watch, until=until, target=self.value, rounds=rounds)
            if self._done():
                return
            watch.begin("swaps")
            seconds = min(watch.seconds["bound"], watch.left_s() * share)
            wander(self.search, self.bounds, watch, watch.effort.clock() + seconds)
            self._keep()
            watch.begin("kernel")
            if self._done() or self._ask(_SMALL):  # milliseconds, where so little is left
                return
        self._go_on()

    def _go_on(self) -> None:
        """Ask HiGHS, or search and bound in turn until what is left open is small enough for it."""
        watch, asked = self.watch, (np.nan, np.nan)
        for turn in count(1):
            if asked != (self.bounds.bound, self.value):
                asked = (self.bounds.bound, self.value)
                watch.begin("kernel")
                if self._ask(_ENTRIES) is not None:
                    return
            watch.begin("bound")
            self.bounds.resume()
            until = watch.effort.clock() + watch.left_s() * 0.25
            self.bounds.run(watch, until=until, target=self.value)
            watch.begin("swaps")
            until = watch.effort.clock() + watch.left_s() * 0.25
            wander(self.search, self.bounds, watch, until, turn=turn)
            self._keep()
            if self._done():
                return

    def _keep(self) -> None:
        value = self.search.exact_value()
        if value > self.value and self.search.slack.whole():
            self.sites, self.value = self.search.sites(), value

    def _ask(self, entries: int) -> bool | None:
        """Give what the bound leaves open to HiGHS; return whether that settled it.

        None where more than ``entries`` are left.
        """
        found = solve_median_kernel(
            self.savings,
            self.terms,
            self.bounds,
            (self.sites, self.value),
            self.watch,
            self.solver,
            entries=entries,
        )
        if found is None:
            return None
        self.kernel = found.size
        self.solver_bound = min(self.solver_bound, found.bound)
        if found.value > self.value:
            self.sites, self.value = found.sites, found.value
        return self._done()


def _result(problem: TimeProblem, now: Floats, hunt: _Hunt) -> Siting:
    sites: Ints = np.sort(hunt.sites)
    baseline = float(problem.weights @ now)
    site, seconds = nearest_of(problem.times, sites)
    existing = problem.served_s <= seconds
    assignment = np.where(existing & np.isfinite(problem.served_s), EXISTING, site)
    assignment[~np.isfinite(np.minimum(problem.served_s, seconds))] = BEYOND
    best_s = np.minimum(now, seconds)
    objective = float(problem.weights @ best_s)
    ones = np.zeros(len(now))
    certificate = Certificate(
        "saving", hunt.savings, ones, ones, hunt.bounds.rows, hunt.bounds.rules, hunt.terms
    )
    proven = hunt.gap() <= _PROVEN
    return Siting(
        model="p-median",
        chosen=sites,
        assignment=assignment,
        objective=objective,
        baseline=baseline,
        bound=objective if proven else min(objective, baseline - hunt.best_bound()),
        status="optimal" if proven else "feasible",
        proof="solver" if hunt.solver_bound < hunt.bounds.bound else "certificate",
        certificate=certificate,
        certificate_bound=baseline - certificate.bound(),
        seconds=hunt.watch.end(),
        kernel=hunt.kernel,
        stopped="" if proven else hunt.watch.why(hunt.gap()),
    )


@dataclass(frozen=True, eq=False)
class Found:
    """What HiGHS found and proved about savings."""

    sites: Ints
    value: float
    bound: float
    size: tuple[int, int, int]


def solve_median_kernel(
    savings: csr_array,
    terms: Terms,
    bounds: MedianBound,
    known: tuple[Ints, float],
    watch: Watch,
    solver: Solver,
    *,
    entries: int,
) -> Found | None:
    """Fix what reduced costs fix, and solve the rest; None where too much is left.

    Parameters
    ----------
    known
        The best selection, and what it saves.
    entries
        The largest model to solve.
    """
    sites, value = known
    whole = all_whole(savings.data)
    better = value + (1.0 - 1e-6 if whole else 1e-9 * max(1.0, value))
    r = bounds.worth - terms.matrix.T @ bounds.rules
    keep = (terms.high > 0) & ((r >= 0) | (bounds.bound + r >= better))
    ones = (terms.high > 0) & (r > 0) & (bounds.bound - r < better)
    ones |= terms.low > 0
    keep |= ones
    keep[sites] = True
    model, base, ids = median_model(savings, terms, keep, ones, sites)
    if model.size[2] > entries:
        return None

    def enough(objective: float, bound: float) -> bool:
        heard = min(bounds.bound, base - bound)
        watch.bound = floor_bound(heard) if whole else heard
        best = max(value, base - objective)
        gap = max(1e-6, watch.effort.gap)
        return bool(watch.bound - best <= gap * max(watch.bound, 1e-300))

    answer = solver.solve(model, watch, enough=enough)
    if answer.ended == "infeasible":
        return Found(sites, value, value, model.size)
    best_sites, best = sites, value
    if answer.x is not None:
        picked = ids[sites_of(answer.x, len(ids))]
        saved = float(savings[:, picked].max(axis=1).toarray().sum()) if len(picked) else 0.0
        if saved > best:
            best_sites, best = picked, saved
    return Found(best_sites, best, max(best, base - answer.bound), model.size)


def median_model(
    savings: csr_array, terms: Terms, keep: Truths, ones: Truths, start: Ints
) -> tuple[Model, float, Ints]:
    """Return the p-median over some columns as a minimum, the value of ``ones``, and the columns.

    Variables are the sites x and, for each saving beyond what the fixed sites save, the share of
    the point that gets it.
    """
    size = int(savings.shape[0])
    ids = np.flatnonzero(keep)
    new = np.cumsum(keep) - 1
    row = np.repeat(np.arange(size), np.diff(savings.indptr))
    base = np.zeros(size)
    fixed = ones[savings.indices]
    np.maximum.at(base, row[fixed], savings.data[fixed])
    use = keep[savings.indices] & ~fixed & (savings.data > base[row])
    row, column = row[use], new[savings.indices[use]]
    worth = savings.data[use] - base[row]
    count, width = len(worth), len(ids)
    at = np.arange(count)
    once = csr_array((np.ones(count), (row, width + at)), shape=(size, width + count))
    once = once[np.flatnonzero(np.diff(once.indptr) > 0)]
    both = (np.concatenate([np.ones(count), -np.ones(count)]),
            (np.concatenate([at, at]), np.concatenate([width + at, column])))  # fmt: skip
    link = csr_array(both, shape=(count, width + count))
    part = terms.take(ids, ones[ids])
    rules = csr_array((part.matrix.data, part.matrix.indices, part.matrix.indptr),
                      shape=(len(part.right), width + count))  # fmt: skip
    matrix = vstack([once, link, rules], format="csr")
    right = np.concatenate([np.ones(once.shape[0]), np.zeros(count), part.right])
    x = np.isin(ids, start).astype(np.float64)
    model = Model(
        matrix=csr_array(matrix),
        row_low=np.full(len(right), -np.inf),
        row_high=right,
        cost=np.concatenate([np.zeros(width), -worth]),
        low=np.concatenate([part.low, np.zeros(count)]),
        high=np.concatenate([part.high, np.ones(count)]),
        whole=np.arange(width + count) < width,
        start=np.concatenate([x, _shares(row, column, worth, x)]),
    )
    return model, float(base.sum()), ids


def _shares(row: Ints, column: Ints, worth: Floats, x: Floats) -> Floats:
    """Return one at each point's best saving among the chosen sites."""
    order = np.lexsort((column, -worth, row))
    order = order[x[column[order]] > 0]
    _, first = np.unique(row[order], return_index=True)
    share = np.zeros(len(worth))
    share[order[first]] = 1.0
    return share
