"""The p-center: sites that make the longest time to the nearest station smallest.

Hakimi 1964, Operations Research 12:450-459; found by bisection over the distinct times, each step
asking whether the sites allowed cover everybody within that time (Minieka 1970, SIAM Review
12:138-139).
"""

from dataclasses import replace

import numpy as np

from locator.errors import InputError, SitingError
from locator.siting.kernel import Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.problem import CoverProblem, Floats, Ints, Rules, TimeProblem
from locator.siting.reduce import reduce_cover
from locator.siting.repair import first_selection
from locator.siting.result import EXISTING, Siting, nearest_of
from locator.siting.set_cover import SetCover, cheap_cover, reduce_all, set_cover_model
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible


@interruptible
def solve_p_center(problem: TimeProblem, rules: Rules, *, effort: Effort | None = None) -> Siting:
    """Choose sites that make the longest time to the nearest station smallest.

    Points of no weight do not count.

    Parameters
    ----------
    problem
        Times, weights and existing stations; ``unserved_s`` plays no part.
    rules
        At least a number of new sites or a budget.

    Returns
    -------
    Siting
        ``objective``, ``baseline`` and ``bound`` are seconds. The bound is the first time that
        was not proven too short.

    Raises
    ------
    InputError
        If an argument is wrong, or neither a number nor a budget is given.
    SitingError
        If no selection reaches everybody and keeps the rules.
    """
    if rules.new is None and rules.budget is None:
        raise InputError("Say how many new sites (new) or how much they may cost (budget).")
    watch = Watch(effort or Effort())
    watch.begin("reduce")
    terms = compile_rules(rules, problem.shape[1])
    with Solver() as solver:
        found = _bisect(problem, terms, watch, solver)
    sites, bound = found
    site, seconds = nearest_of(problem.times, sites)
    counted = problem.weights > 0
    best_s = np.minimum(problem.served_s, seconds)
    objective = float(best_s[counted].max(initial=0.0))
    existing = (problem.served_s <= seconds) & np.isfinite(problem.served_s)
    return Siting(
        model="p-center",
        chosen=np.sort(sites),
        assignment=np.where(existing, EXISTING, site),
        objective=objective,
        baseline=float(problem.served_s[counted].max(initial=0.0)),
        bound=min(objective, bound),
        status="optimal" if bound >= objective else "feasible",
        proof="solver",
        certificate=None,
        certificate_bound=float("nan"),
        seconds=watch.end(),
        stopped="" if bound >= objective else watch.why(1.0 - bound / objective),
    )


def _bisect(problem: TimeProblem, terms: Terms, watch: Watch, solver: Solver) -> tuple[Ints, float]:
    """Return the best selection found and the first time that was not proven too short."""
    radii = _radii(problem, terms)
    first = first_selection(terms, np.zeros(problem.shape[1]), watch, solver)
    low, high = 0, len(radii) - 1
    sure = True  # whether everything below ``low`` is proven too short
    best: Ints | None = None
    proven = low
    while low <= high and not watch.stop():
        middle = (low + high) // 2
        sites, settled = _reach(problem, terms, float(radii[middle]), watch, solver)
        if sites is not None:
            best, high = sites, middle - 1
            watch.objective = float(radii[middle])
            continue
        sure &= settled
        low = middle + 1
        if sure:
            proven = low
            watch.bound = float(radii[min(low, len(radii) - 1)])
    if best is None:
        if proven >= len(radii):
            raise SitingError(
                f"No selection that keeps the rules reaches every demand point within "
                f"{radii[-1]:g} s, the longest time given; raise the number, the budget or the "
                "reach."
            )
        return _fallback(problem, first, radii, proven)
    return best, float(radii[min(proven, len(radii) - 1)])


def _fallback(problem: TimeProblem, sites: Ints, radii: Floats, proven: int) -> tuple[Ints, float]:
    _, seconds = nearest_of(problem.times, sites)
    reached = np.isfinite(np.minimum(problem.served_s, seconds)) | (problem.weights == 0)
    if not reached.all():
        raise SitingError("No selection that reaches everybody was found in time; allow more.")
    return sites, float(radii[proven])


def _radii(problem: TimeProblem, terms: Terms) -> Floats:
    """Return the times that the answer can be, ascending."""
    counted = problem.weights > 0
    allowed = terms.high[problem.times.indices] > 0
    row = np.repeat(np.arange(len(counted)), np.diff(problem.times.indptr))
    use = allowed & counted[row]
    nearest = np.full(len(counted), np.inf)
    np.minimum.at(nearest, row[use], problem.times.data[use])
    floor = np.minimum(nearest, problem.served_s)[counted]
    if np.isinf(floor).any():
        lost = np.flatnonzero(counted)[np.isinf(floor)]
        raise SitingError(
            f"{len(lost)} demand points are out of reach of every candidate that may be chosen "
            f"and of every station (the first is {lost[0]}); widen the reach or add candidates."
        )
    finite = problem.served_s[counted & np.isfinite(problem.served_s)]
    radii = np.unique(np.concatenate([problem.times.data[use], finite, [0.0]]))
    least = float(floor.max(initial=0.0))
    return radii[radii >= least]


def _reach(
    problem: TimeProblem, terms: Terms, radius_s: float, watch: Watch, solver: Solver
) -> tuple[Ints | None, bool]:
    """Return a selection that reaches everybody in time, or None and whether that is proven."""
    far = np.where(problem.weights > 0, 1.0, 0.0)
    if radius_s > 0:
        inside = CoverProblem.within(
            problem.times, far, limit_s=radius_s, served_s=problem.served_s
        )
    else:
        inside = CoverProblem(problem.times, far, served=problem.served_s <= 0)
    watch.begin("reduce")
    cover = reduce_cover(inside, terms)
    counted = (far > 0) & (inside.served == 0)
    if (cover.row_of[counted] < 0).any():
        return None, True
    ones = np.ones(len(terms.low))
    if np.isinf(terms.budget):
        terms = replace(terms, prices=ones)  # prices play no part: more candidates are needless
    model = reduce_all(SetCover(cover, terms, np.inf))
    watch.begin("greedy")
    quick = cheap_cover(model, np.zeros(0), watch)
    if quick is not None and terms.kept_by(quick).all():
        return quick, True
    watch.begin("kernel")
    by_number = SetCover(model.cover, replace(model.terms, prices=ones), np.inf)
    answer = solver.solve(
        set_cover_model(by_number, whole=True),
        watch,
        enough=lambda objective, bound: bool(objective <= terms.new or bound > terms.new + 1e-6),
    )
    if answer.x is not None:
        return sites_of(answer.x, cover.width), True
    return None, answer.ended == "infeasible" or answer.bound > terms.new + 1e-6
