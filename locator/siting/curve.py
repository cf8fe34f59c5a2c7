"""Coverage against the number of new sites or the budget, each point with a certified bound.

One set of dual numbers bounds every number and every budget at once: only the multiplier of the
main row changes with it (:func:`~locator.siting.dual.best_rules`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from locator.errors import InputError
from locator.siting.bound import CoverRelaxation, Relaxation
from locator.siting.cover import search_cover
from locator.siting.dual import best_rules, dual_value
from locator.siting.greedy import CoverSearch, fill
from locator.siting.polish import value_of
from locator.siting.problem import CoverProblem, Floats, Ints, Rules, all_whole, floor_bound
from locator.siting.reduce import Cover, reduce_cover
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """One number of sites, or one budget.

    Attributes
    ----------
    limit
        The number, or the budget.
    chosen
        The selection, in the order chosen where the curve is nested, else ascending.
    covered, added, marginal
        Demand covered; what the new sites add; what this step adds to the last one.
    bound
        No selection within the limit, nested or not, covers more.
    gap_added
        ``(bound - covered) / (bound - baseline)``.
    """

    limit: float
    chosen: Ints
    covered: float
    added: float
    marginal: float
    bound: float
    gap_added: float


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, by rising limit; ``baseline`` is covered without new sites."""

    by: Literal["new", "budget"]
    nested: bool
    baseline: float
    points: tuple[CurvePoint, ...]
    seconds: dict[str, float]


@interruptible
def trace_curve(
    problem: CoverProblem,
    rules: Rules,
    *,
    new: Sequence[int] = (),
    budgets: Sequence[float] = (),
    nested: bool = True,
    effort: Effort | None = None,
) -> Curve:
    """Trace maximum cover over numbers of sites or over budgets.

    Parameters
    ----------
    rules
        Every rule but the one that is varied.
    new, budgets
        The limits: one of the two.
    nested
        True: what was chosen first stays, the order in which posts would be opened. False: each
        point is the best selection of its own.
    effort
        For the whole curve.

    Raises
    ------
    InputError
        If not just one of ``new`` and ``budgets`` is given.
    SitingError
        If the rules cannot be kept at some limit.
    """
    if bool(len(new)) == bool(len(budgets)):
        raise InputError("Give the numbers of new sites or the budgets of the curve, one of both.")
    by: Literal["new", "budget"] = "new" if len(new) else "budget"
    limits = sorted({float(limit) for limit in (new or budgets)})
    watch = Watch(effort or Effort())
    watch.begin("reduce")
    size = problem.shape[1]
    all_terms = [compile_rules(_at(rules, by, limit), size) for limit in limits]
    cover = reduce_cover(problem, all_terms[-1])
    selections = (_nested if nested else _free)(cover, all_terms, watch)
    found = [(sites, value_of(cover, sites)) for sites, _ in selections]
    relaxed = [answer for _, answer in selections if answer is not None]
    relaxed += _relaxations(cover, all_terms, found, watch, relaxed)
    baseline = float(problem.weights[problem.served > 0].sum())
    whole = all_whole(cover.first, cover.second)
    points, before = [], 0.0
    for limit, terms, (sites, value) in zip(limits, all_terms, found, strict=True):
        bound = min(_bound(cover, terms, one) for one in relaxed)
        bound = max(value, floor_bound(bound) if whole else bound)
        gap = (bound - value) / bound if bound > 0 else 0.0
        points.append(
            CurvePoint(limit, sites, baseline + value, value, value - before, baseline + bound, gap)
        )
        before = value
    return Curve(by, nested, baseline, tuple(points), watch.end())


def _at(rules: Rules, by: str, limit: float) -> Rules:
    return replace(rules, new=int(limit)) if by == "new" else replace(rules, budget=limit)


def _nested(
    cover: Cover, all_terms: list[Terms], watch: Watch
) -> list[tuple[Ints, Relaxation | None]]:
    """Return growing selections, greedy from one limit to the next."""
    watch.begin("greedy")
    result: list[tuple[Ints, Relaxation | None]] = []
    order: list[int] = []
    for terms in all_terms:
        search = CoverSearch(cover, terms)
        for site in order:
            if not search.slack.chosen[site]:
                search.add(site)
        fill(search, by_price=np.isfinite(terms.budget))
        fresh = [int(site) for site in search.slack.sites() if site not in set(order)]
        order += _ordered(cover, terms, order, fresh)
        result.append((np.array(order, dtype=np.int64), None))
    return result


def _ordered(cover: Cover, terms: Terms, order: list[int], fresh: list[int]) -> list[int]:
    """Return new sites by what each adds after those before it."""
    free = replace(terms, low=np.zeros_like(terms.low))
    search = CoverSearch(cover, free)
    for site in order:
        search.add(site)
    result = []
    left = list(fresh)
    while left:
        best = max(left, key=lambda site: (search.gain[site], -site))
        left.remove(best)
        search.add(best)
        result.append(best)
    return result


def _free(
    cover: Cover, all_terms: list[Terms], watch: Watch
) -> list[tuple[Ints, Relaxation | None]]:
    """Return the best selection of each limit, each with a fair part of the time."""
    result: list[tuple[Ints, Relaxation | None]] = []
    watch.begin("search")
    for done, terms in enumerate(all_terms):
        part = Watch(watch.part(1.0 / (len(all_terms) - done)))
        outcome = search_cover(cover, terms, part)
        sites, value = outcome.sites, outcome.value
        if result and value_of(cover, result[-1][0]) > value:
            sites = result[-1][0]
        result.append((np.sort(sites), outcome.relaxed))
    return result


def _relaxations(
    cover: Cover,
    all_terms: list[Terms],
    found: list[tuple[Ints, float]],
    watch: Watch,
    known: list[Relaxation],
) -> list[Relaxation]:
    """Return relaxations at the first, middle and last limit, where the search left none."""
    if len(known) == len(all_terms):
        return []
    watch.begin("bound")
    wanted = sorted({0, len(all_terms) // 4, len(all_terms) // 2, len(all_terms) - 1})
    result = []
    for done, at in enumerate(wanted):
        start = np.zeros(cover.width)
        start[found[at][0]] = 1.0
        until = watch.left_s() / (len(wanted) - done)
        run = CoverRelaxation(cover, all_terms[at], start)
        result.append(run.run(watch, until_s=until, close=2e-4))
    return result


def _bound(cover: Cover, terms: Terms, relaxed: Relaxation) -> float:
    """Return the bound that some dual numbers give under another limit."""
    rules = best_rules(relaxed.worth, terms, relaxed.rules)
    rest: Floats = cover.first - relaxed.rows
    phi = np.maximum(0.0, np.maximum(rest, rest + cover.second - relaxed.rows))
    return float(phi.sum()) + dual_value(relaxed.worth, terms, rules)
