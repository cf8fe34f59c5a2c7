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
from locator.siting.kernel import Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.median_bound import MedianBound
from locator.siting.problem import (
    Floats,
    Ints,
    Rules,
    TimeProblem,
    Truths,
    all_whole,
    floor_bound,
    sums_at,
    take_slices,
)
from locator.siting.repair import first_selection
from locator.siting.result import BEYOND, EXISTING, Certificate, Siting, nearest_of
from locator.siting.slack import Slack
from locator.siting.swap import allowed_exchanges
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible

_PROVEN = 1e-6
_SMALL = 4_000
_ENTRIES = 400_000
_STAGES = ((150, 0.1), (600, 0.2), (100_000, 0.3))  # rounds, and share of the time left


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
