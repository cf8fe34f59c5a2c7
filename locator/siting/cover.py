"""Maximum cover: the most demand within the coverage standard (MCLP), and backup cover.

Church & ReVelle 1974, *The maximal covering location problem*, Papers of the RSA 32:101-118;
backup: Hogan & ReVelle 1986, *Concepts and applications of backup coverage*, Management Science
32:1434-1444.
"""

from dataclasses import dataclass, replace

import numpy as np

from locator.errors import InputError
from locator.siting.bound import CoverRelaxation, Relaxation
from locator.siting.greedy import CoverSearch, fill, improve
from locator.siting.kernel import Answer, Solver
from locator.siting.kernel_cover import cover_model, sites_of
from locator.siting.polish import polish, value_of
from locator.siting.problem import CoverProblem, Floats, Ints, Rules, all_whole, floor_bound
from locator.siting.reduce import Cover, reduce_cover, restrict
from locator.siting.repair import first_selection
from locator.siting.result import Certificate, Proof, Siting, assign_cover
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible

PROVEN = 1e-6
_KERNEL_ENTRIES = 600_000  # a larger kernel gives HiGHS no useful bound in minutes
_TINY = 2_000
_FEW_COLUMNS = 300
_TINY_ITERATIONS = 320


@dataclass
class Outcome:
    """What a search for maximum cover has reached so far, in added demand."""

    sites: Ints
    value: float
    bound: float = np.inf
    solver_bound: float = np.inf
    relaxed: Relaxation | None = None
    kernel: tuple[int, int, int] = (0, 0, 0)
    whole: bool = False

    def best_bound(self) -> float:
        """Return the better bound, rounded down where every value is a whole number."""
        best = min(self.bound, self.solver_bound)
        return max(floor_bound(best) if self.whole else best, self.value)

    def gap(self) -> float:
        """Return the gap of what is added."""
        best = self.best_bound()
        return 0.0 if best <= self.value else (best - self.value) / max(best, 1e-300)

    def offer(self, sites: Ints, value: float) -> None:
        """Keep a selection if it is better."""
        if value > self.value:
            self.sites, self.value = np.sort(sites), value


@interruptible
def solve_mclp(problem: CoverProblem, rules: Rules, *, effort: Effort | None = None) -> Siting:
    """Choose sites that cover the most demand not covered yet.

    Parameters
    ----------
    problem
        Coverage, weights and what is served already.
    rules
        At least a number of new sites or a budget.
    effort
        Time limit, gap, cancellation, progress; the defaults are those of
        :class:`~locator.siting.watch.Effort`.

    Returns
    -------
    Siting
        Objective, baseline and bound in the units of the weights.

    Raises
    ------
    InputError
        If an argument is wrong, or neither a number nor a budget is given.
    SitingError
        If no selection keeps the rules; the sentence names the rule.
    """
    return _solve(problem, rules, effort or Effort(), "MCLP", 0.0)


@interruptible
def solve_backup_cover(
    problem: CoverProblem, rules: Rules, *, backup: float = 0.5, effort: Effort | None = None
) -> Siting:
    """Choose sites so that demand is covered, and covered twice where that is worth more.

    The objective is the demand covered at least once plus ``backup`` times that covered at least
    twice (the weighted form of BACOP2, Hogan & ReVelle 1986). ``problem.served`` counts existing
    stations: 2 means that a point has its backup.

    Parameters
    ----------
    backup
        What a second cover is worth as a share of the first, 0 to 1.

    Raises
    ------
    InputError, SitingError
        As :func:`solve_mclp`.
    """
    if not 0 <= backup <= 1:
        raise InputError(f"A second cover is worth {backup} of the first; it must be 0 to 1.")
    return _solve(problem, rules, effort or Effort(), "backup cover", backup)


def _solve(
    problem: CoverProblem, rules: Rules, effort: Effort, model: str, backup: float
) -> Siting:
    if rules.new is None and rules.budget is None:
        raise InputError("Say how many new sites (new) or how much they may cost (budget).")
    watch = Watch(effort)
    watch.begin("reduce")
    terms = compile_rules(rules, problem.shape[1])
    cover = reduce_cover(problem, terms, backup=backup)
    outcome = search_cover(cover, terms, watch)
    served, weights = problem.served, problem.weights
    baseline = float(weights[served > 0].sum() + backup * weights[served > 1].sum())
    certificate = _certificate(problem, cover, terms, outcome.relaxed, backup)
    proven = outcome.gap() <= PROVEN
    by_solver = outcome.solver_bound < outcome.bound and outcome.best_bound() < _rounded(outcome)
    proof: Proof = "solver" if by_solver else "certificate"
    return Siting(
        model=model,
        chosen=outcome.sites,
        assignment=assign_cover(problem, outcome.sites),
        objective=baseline + outcome.value,
        baseline=baseline,
        bound=baseline + (outcome.value if proven else outcome.best_bound()),
        status="optimal" if proven else "feasible",
        proof=proof,
        certificate=certificate,
        certificate_bound=baseline + certificate.bound(),
        seconds=watch.end(),
        kernel=outcome.kernel,
        stopped="" if proven else watch.why(outcome.gap()),
    )


def _rounded(outcome: Outcome) -> float:
    return replace(outcome, solver_bound=np.inf).best_bound()


def _certificate(
    problem: CoverProblem, cover: Cover, terms: Terms, relaxed: Relaxation | None, backup: float
) -> Certificate:
    """Return the dual numbers of the merged rows, shared out to the demand points by weight."""
    served = problem.served
    first = np.where(served == 0, 1.0, np.where(served == 1, backup, 0.0)) * problem.weights
    second = np.where(served == 0, backup, 0.0) * problem.weights
    rows = first.copy()
    rules = np.zeros(len(terms.right))
    if relaxed is not None:
        rules = relaxed.rules
        inside = cover.row_of >= 0
        to = cover.row_of[inside]
        rows[~inside] = first[~inside] * (np.diff(problem.cover.indptr)[~inside] == 0)
        rows[inside] = first[inside] * (relaxed.rows / np.maximum(cover.first, 1e-300))[to]
    return Certificate("cover", problem.cover, first, second, rows, rules, terms)


def search_cover(cover: Cover, terms: Terms, watch: Watch) -> Outcome:
    """Search the best selection of a reduced model and a bound, until proof, gap or time.

    Raises
    ------
    SitingError
        If no selection keeps the rules.
    """
    with Solver() as solver:
        watch.begin("greedy")
        outcome = _start(cover, terms, watch, solver)
        outcome.whole = all_whole(cover.first, cover.second)
        _refine(cover, terms, watch, outcome, solver)
    return outcome


def _start(cover: Cover, terms: Terms, watch: Watch, solver: Solver) -> Outcome:
    """Return the better of the greedy selections, by gain and by gain per price."""
    best: Outcome | None = None
    ways = (False, True) if np.isfinite(terms.budget) else (False,)
    for by_price in ways:
        search = CoverSearch(cover, terms)
        fill(search, watch, by_price=by_price)
        if not search.slack.whole():
            search.move_to(first_selection(terms, search.gain, watch, solver))
            fill(search, watch, by_price=by_price)
        if cover.second.any() or cover.height * cover.width < 10_000_000:
            improve(search, watch, rounds=3)
        outcome = Outcome(search.slack.sites(), search.exact_value())
        if best is None or outcome.value > best.value:
            best = outcome
    assert best is not None  # noqa: S101 - there is always one way
    watch.objective = best.value
    return best


def _refine(cover: Cover, terms: Terms, watch: Watch, outcome: Outcome, solver: Solver) -> None:
    start = np.zeros(cover.width)
    start[outcome.sites] = 1.0
    watch.begin("bound")
    relaxation = CoverRelaxation(cover, terms, start)
    tiny = len(cover.indices) <= _TINY  # HiGHS settles these before a relaxation has converged
    steps = ((3e-3, 0.15, 0.3), (3e-4, 0.25, 0.6), (2e-5, 0.3, 3.0))
    for close, share, wander_s in steps:
        watch.begin("bound")
        limit = watch.left_s() * share
        relaxed = relaxation.run(
            watch,
            until_s=limit,
            close=close,
            incumbent=outcome.value,
            iterations=_TINY_ITERATIONS if tiny else 1_000_000,
        )
        _take(outcome, relaxed)
        if _done(outcome, watch):
            return
        if tiny:
            break
        solver.warm()
        watch.begin("swaps")
        spent = watch.seconds["bound"]  # no longer than the bound took, which may prove it later
        _polish(cover, terms, watch, outcome, min(wander_s, spent, watch.left_s() * share))
        if _done(outcome, watch) or _settle(cover, terms, watch, outcome, solver):
            return
    _finish(cover, terms, watch, outcome, solver, relaxation)


def _take(outcome: Outcome, relaxed: Relaxation) -> None:
    if outcome.relaxed is None or relaxed.bound <= outcome.bound:
        outcome.relaxed, outcome.bound = relaxed, relaxed.bound


def _polish(cover: Cover, terms: Terms, watch: Watch, outcome: Outcome, until_s: float) -> None:
    assert outcome.relaxed is not None  # noqa: S101 - the bound comes first
    share, ceiling = outcome.relaxed.share, outcome.best_bound()
    sites = polish(cover, terms, share, outcome.sites, watch, until_s=until_s, ceiling=ceiling)
    outcome.offer(sites, value_of(cover, sites))


def _done(outcome: Outcome, watch: Watch) -> bool:
    watch.objective, watch.bound = outcome.value, outcome.best_bound()
    return outcome.gap() <= max(PROVEN, watch.effort.gap) or watch.stop()


def _finish(
    cover: Cover,
    terms: Terms,
    watch: Watch,
    outcome: Outcome,
    solver: Solver,
    relaxation: CoverRelaxation,
) -> None:
    """Fix what the bound fixes and give the rest to HiGHS; else search on until the time is up."""
    while True:
        keep, ones = _unfixed(terms, outcome)
        small, rules, ids, base = restrict(cover, terms, keep, ones)
        if len(small.indices) <= _KERNEL_ENTRIES:
            watch.begin("kernel")
            answer = _solve_kernel(small, rules, ids, base, outcome, watch, solver)
            if answer.ended != "stopped" or watch.stop() or _done(outcome, watch):
                return
        watch.begin("bound")
        before = outcome.bound
        limit = watch.left_s() * 0.3
        _take(outcome, relaxation.run(watch, until_s=limit, close=1e-6, incumbent=outcome.value))
        watch.begin("swaps")
        _polish(cover, terms, watch, outcome, watch.left_s() * 0.4)
        if _done(outcome, watch) or (outcome.bound == before and watch.left_s() < 0.1):
            return


def _settle(cover: Cover, terms: Terms, watch: Watch, outcome: Outcome, solver: Solver) -> bool:
    """Solve what the bound leaves open where that takes milliseconds; return whether it did."""
    keep, ones = _unfixed(terms, outcome)
    if np.count_nonzero(keep & ~ones) > _FEW_COLUMNS:
        return False
    small, rules, ids, base = restrict(cover, terms, keep, ones)
    if len(small.indices) > _TINY:
        return False
    watch.begin("kernel")
    answer = _solve_kernel(small, rules, ids, base, outcome, watch, solver)
    return _done(outcome, watch) or answer.ended != "stopped"


def _unfixed(
    terms: Terms, outcome: Outcome
) -> tuple[
    "np.ndarray[tuple[int], np.dtype[np.bool_]]", "np.ndarray[tuple[int], np.dtype[np.bool_]]"
]:
    """Return which candidates may be in a better selection, and which must be.

    Forcing a candidate against the sign of its reduced worth r costs ``|r|`` of the bound; where
    that leaves less than the best selection has, it need not be looked at (reduced-cost fixing:
    Dantzig, Fulkerson & Johnson 1954, Operations Research 2:393-410).
    """
    relaxed = outcome.relaxed
    assert relaxed is not None  # noqa: S101 - the bound comes first
    r: Floats = relaxed.worth - terms.matrix.T @ relaxed.rules
    better = outcome.value + (1.0 - 1e-6 if outcome.whole else 1e-9 * max(1.0, outcome.value))
    slack = relaxed.bound - better
    keep = (terms.high > 0) & ((r >= 0) | (relaxed.bound + r >= better))
    ones = (terms.high > 0) & (r > slack) & (r > 0)
    keep[outcome.sites] = True
    return keep, ones | (terms.low > 0)


def _solve_kernel(
    small: Cover,
    rules: Terms,
    ids: Ints,
    base: float,
    outcome: Outcome,
    watch: Watch,
    solver: Solver,
) -> Answer:
    model = cover_model(small, rules, np.isin(ids, outcome.sites))
    outcome.kernel = model.size
    gap = max(PROVEN, watch.effort.gap)

    def enough(objective: float, bound: float) -> bool:
        heard = replace(outcome, solver_bound=min(outcome.solver_bound, base - bound))
        heard.offer(outcome.sites, base - objective)
        watch.bound = heard.best_bound()
        return heard.gap() <= gap

    answer = solver.solve(model, watch, enough=enough)
    if answer.x is not None:
        sites = ids[sites_of(answer.x, small.width)]
        outcome.offer(sites, base + value_of(small, np.searchsorted(ids, sites)))
    if answer.ended == "infeasible":
        outcome.solver_bound = outcome.value  # nothing better than the best is left
    elif np.isfinite(answer.bound):
        outcome.solver_bound = max(outcome.value, base - answer.bound)
    return answer
