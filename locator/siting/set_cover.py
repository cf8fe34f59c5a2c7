"""Fewest or cheapest sites for all demand, or for a share of it (LSCP).

Toregas, Swain, ReVelle & Bergman 1971, *The location of emergency service facilities*, Operations
Research 19:1363-1373; a share of demand: Church & ReVelle 1974. Reductions: rows that another row
implies and columns that another column makes needless go, in turn, until nothing goes.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from locator.errors import InputError, SitingError
from locator.siting.greedy import CoverSearch, column_worth
from locator.siting.kernel import Answer, Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.problem import CoverProblem, Floats, Ints, Rules, all_whole, floor_bound
from locator.siting.reduce import (
    Cover,
    dominated_columns,
    implied_rows,
    reduce_cover,
    select_entries,
)
from locator.siting.repair import first_selection
from locator.siting.result import Certificate, Siting, assign_cover
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible

_PROVEN = 1e-6
_NO_ANSWER = Answer("stopped", None, np.inf, 0.0)


@dataclass(frozen=True, eq=False)
class SetCover:
    """A covering model: rows to cover, all of them or so much of their weight.

    ``target`` is the weight to cover; ``inf`` asks for every row.
    """

    cover: Cover
    terms: Terms
    target: float

    @property
    def all_rows(self) -> bool:
        """Whether every row has to be covered."""
        return not np.isfinite(self.target)


@interruptible
def solve_lscp(
    problem: CoverProblem, rules: Rules, *, share: float = 1.0, effort: Effort | None = None
) -> Siting:
    """Choose the cheapest sites that cover all demand, or a share of it.

    Parameters
    ----------
    problem
        Coverage, weights and what is served already. Points of no weight need not be covered.
    rules
        Prices are 1 each unless given: the fewest sites.
    share
        Share of the whole demand that is to be covered in the end, existing stations included.

    Returns
    -------
    Siting
        ``objective`` is the price of the chosen sites.

    Raises
    ------
    InputError
        If an argument is wrong.
    SitingError
        If demand is out of reach of every candidate, or no selection keeps the rules.
    """
    if not 0 < share <= 1:
        raise InputError(f"The share to cover is {share}; it must lie above 0 and up to 1.")
    watch = Watch(effort or Effort())
    watch.begin("reduce")
    terms = compile_rules(rules, problem.shape[1])
    full = reduce_cover(problem, terms)
    target = _target(problem, full, share)
    model = SetCover(full, terms, target)
    if target == np.inf:
        model = reduce_all(model)
    with Solver() as solver:
        watch.begin("greedy")
        found = cheap_cover(model, np.zeros(0))  # to its end, so that there is an answer
        watch.begin("bound")
        if len(model.cover.indices) > 4_000:
            solver.warm()
        certificate, found = _quick(problem, terms, model, found, watch)
        relaxed = _relax(model, watch, solver)
        exact = _certificate(problem, model, relaxed)
        certificate = max(certificate, exact, key=lambda one: one.bound())
        if relaxed.x is not None:
            better = cheap_cover(model, relaxed.x[: full.width], watch)
            found = _cheaper(terms, found, better)
        watch.begin("kernel")
        answer, size = _prove(model, found, certificate.bound(), watch, solver)
        if answer.x is not None:
            found = _cheaper(terms, found, sites_of(answer.x, full.width))
        if found is None:
            nothing = np.zeros(full.width)
            first_selection(terms, nothing, watch, solver)  # names a rule if they cannot be kept
            if answer.ended == "infeasible":
                raise SitingError(
                    "The demand can be covered, but not by a selection that keeps the rules; "
                    "raise the number or the budget, or relax the rules."
                )
            raise SitingError("No selection that covers the demand was found in time; allow more.")
    return _result(problem, model, found, answer, certificate, watch, size)


def _target(problem: CoverProblem, cover: Cover, share: float) -> float:
    """Return the weight that new sites have to cover, ``inf`` for every row."""
    weights, served = problem.weights, problem.served > 0
    reachable = cover.row_of >= 0
    lost = (weights > 0) & ~served & ~reachable
    total = float(weights.sum())
    most = 1.0 if total == 0 else 1.0 - float(weights[lost].sum()) / total
    if share > most * (1 + 1e-12):
        raise SitingError(
            f"{int(lost.sum())} demand points are out of reach of every candidate that may be "
            f"chosen (the first is {int(np.flatnonzero(lost)[0])}); at most {most:.4%} of demand "
            "can be covered: ask for that, widen the standard or add candidates."
        )
    if share == 1.0:
        return np.inf
    return max(0.0, share * total - float(weights[served].sum()))


def reduce_all(model: SetCover) -> SetCover:
    """Drop rows and columns that others imply, in turn, until nothing goes."""
    cover, terms = model.cover, model.terms
    for _ in range(10):
        out = dominated_columns(cover, terms) & (terms.high > 0)
        if out.any():
            terms = replace(terms, high=np.where(out, 0.0, terms.high))
            cover = select_entries(cover, np.ones(cover.height, dtype=bool), terms.high > 0)
        gone = implied_rows(cover)
        if gone.any():
            cover = select_entries(cover, ~gone, terms.high > 0)
        elif not out.any():
            break
    return SetCover(cover, terms, model.target)


def cheap_cover(model: SetCover, share: Floats, watch: Watch | None = None) -> Ints | None:
    """Return a cheap selection by greedy choice, without what is needless; None if rules break.

    The next site is that of the most weight not covered yet for its price (Chvatal 1979,
    Mathematics of Operations Research 4:233-235), times its share in the relaxation if known.
    """
    cover, terms = model.cover, model.terms
    weights = np.ones(cover.height) if model.all_rows else cover.first
    needed = float(weights.sum()) if model.all_rows else model.target
    search = CoverSearch(replace(cover, first=weights), terms)
    slack = 1e-9 * max(1.0, needed)
    favour = (share + 1e-3 if len(share) else 1.0) / np.maximum(terms.prices, 1e-9)
    while search.value < needed - slack or search.slack.missing():
        may = search.slack.may_add()
        if not search.slack.missing():
            may &= search.gain > slack
        if not may.any() or (watch is not None and watch.stop()):
            return None
        search.add(int(np.argmax(np.where(may, search.gain * favour, -np.inf))))
    order = np.lexsort((search.slack.sites(), -terms.prices[search.slack.sites()]))
    for site in search.slack.sites()[order]:
        if terms.low[site] == 0 and search.value - search.loss(int(site)) >= needed - slack:
            search.remove(int(site))
            if search.slack.missing():
                search.add(int(site))
    return search.slack.sites()


def _cheaper(terms: Terms, one: Ints | None, other: Ints | None) -> Ints | None:
    if one is None or other is None:
        return other if one is None else one
    return other if terms.prices[other].sum() < terms.prices[one].sum() - 1e-9 else one


def set_cover_model(model: SetCover, *, whole: bool, start: Ints | None = None) -> Model:
    """Return the model as HiGHS sees it: sites x, then, where a share is asked, covered z."""
    cover, terms = model.cover, model.terms
    height, width = cover.height, cover.width
    matrix = cover.matrix()
    extra = 0 if model.all_rows else height
    if model.all_rows:
        rows = matrix
        low = np.ones(height)
    else:
        least = csr_array(cover.first[None, :])
        rows = vstack(
            [hstack([matrix, -eye_array(height)]), hstack([csr_array((1, width)), least])],
            format="csr",
        )
        low = np.concatenate([np.zeros(height), [model.target]])
    rule_rows = hstack([terms.matrix, csr_array((len(terms.right), extra))])
    point = None
    if start is not None:
        x = np.zeros(width)
        x[start] = 1.0
        point = np.concatenate([x, np.minimum(matrix @ x, 1.0)]) if extra else x
    return Model(
        matrix=csr_array(vstack([rows, rule_rows], format="csr")),
        row_low=np.concatenate([low, np.full(len(terms.right), -np.inf)]),
        row_high=np.concatenate([np.full(len(low), np.inf), terms.right]),
        cost=np.concatenate([terms.prices, np.zeros(extra)]),
        low=np.concatenate([terms.low, np.zeros(extra)]),
        high=np.concatenate([terms.high, np.ones(extra)]),
        whole=np.full(width + extra, whole) & (np.arange(width + extra) < width),
        start=point,
    )


def _quick(
    problem: CoverProblem, terms: Terms, model: SetCover, found: Ints | None, watch: Watch
) -> tuple[Certificate, Ints | None]:
    """Return a bound from subgradients, and the cover that is cheap at their prices if better."""
    if not model.all_rows or model.cover.height == 0:
        return _certificate(problem, model, _NO_ANSWER), found
    upper = float(terms.prices.sum() if found is None else terms.prices[found].sum())
    until_s = watch.left_s() * 0.1
    duals, share = price_rows(model.cover, model.terms, upper, watch, until_s=until_s)
    other = cheap_cover(model, share, watch)
    rules = np.zeros(len(terms.right))
    answer = Answer("stopped", None, np.inf, 0.0, np.concatenate([duals, rules]))
    return _certificate(problem, model, answer), _cheaper(terms, found, other)


def _relax(model: SetCover, watch: Watch, solver: Solver) -> Answer:
    if model.cover.height == 0:
        return _NO_ANSWER
    return solver.solve(set_cover_model(model, whole=False), Watch(watch.part(0.4)))


def _certificate(problem: CoverProblem, model: SetCover, relaxed: Answer) -> Certificate:
    """Return the duals of the relaxation, on the demand points, each row's on its first point.

    Its upper bounds are zero too where another candidate makes one needless.
    """
    terms = model.terms
    weights = np.where(problem.served > 0, 0.0, problem.weights)
    rows = np.zeros(len(weights))
    rules = np.zeros(len(model.terms.right))
    share, target = 0.0, 0.0 if model.all_rows else model.target
    cover = model.cover
    if relaxed.duals is not None and len(relaxed.duals):
        duals = np.maximum(relaxed.duals[: cover.height], 0.0)
        rules = np.maximum(-relaxed.duals[len(relaxed.duals) - len(rules) :], 0.0)
        inside = np.flatnonzero(cover.row_of >= 0)
        if model.all_rows:
            at, first = np.unique(cover.row_of[inside], return_index=True)
            rows[inside[first]] = duals[at]
        else:
            share = max(0.0, float(relaxed.duals[cover.height]))
            to = cover.row_of[inside]
            rows[inside] = weights[inside] * (duals / np.maximum(cover.first, 1e-300))[to]
    none = np.zeros(len(weights))
    return Certificate("set cover", problem.cover, weights, none, rows, rules, terms, share, target)


def _prove(
    model: SetCover, found: Ints | None, bound: float, watch: Watch, solver: Solver
) -> tuple[Answer, tuple[int, int, int]]:
    price = np.inf if found is None else float(model.terms.prices[found].sum())
    gap = max(_PROVEN, watch.effort.gap)

    def enough(objective: float, lower: float) -> bool:
        best = min(objective, price)
        watch.objective, watch.bound = best, _rounded(model.terms, max(lower, bound))
        return bool(np.isfinite(best) and best - watch.bound <= gap * max(1.0, best))

    if enough(price, bound):
        return Answer("stopped", None, np.inf, -np.inf), (0, 0, 0)
    whole = set_cover_model(model, whole=True, start=found)
    return solver.solve(whole, watch, enough=enough), whole.size


def _rounded(terms: Terms, bound: float) -> float:
    """Return the bound, rounded up where every price is a whole number."""
    if all_whole(terms.prices):
        return -floor_bound(-bound)
    return bound


def _result(
    problem: CoverProblem,
    model: SetCover,
    found: Ints,
    answer: Answer,
    certificate: Certificate,
    watch: Watch,
    size: tuple[int, int, int],
) -> Siting:
    price = float(model.terms.prices[found].sum())
    own = certificate.bound()
    solver_bound = np.inf if answer.ended == "infeasible" else answer.bound
    best = min(price, _rounded(model.terms, max(own, solver_bound)))
    proven = price - best <= _PROVEN * max(1.0, price)
    by_solver = _rounded(model.terms, own) < best - 1e-9
    return Siting(
        model="LSCP",
        chosen=found,
        assignment=assign_cover(problem, found),
        objective=price,
        baseline=float("nan"),
        bound=price if proven else best,
        status="optimal" if proven else "feasible",
        proof="solver" if by_solver else "certificate",
        certificate=certificate,
        certificate_bound=own,
        seconds=watch.end(),
        kernel=size,
        stopped="" if proven else watch.why((price - best) / max(price, 1e-300)),
    )


def price_rows(
    cover: Cover, terms: Terms, upper: float, watch: Watch, *, until_s: float, rounds: int = 600
) -> tuple[Floats, Floats]:
    """Return dual numbers of the rows, (n',), and how often each site was worth it, (m,).

    Parameters
    ----------
    upper
        Price of a known cover, or of all candidates.
    until_s, rounds
        Seconds and rounds to spend at most.
    """
    until = watch.effort.clock() + until_s
    matrix = cover.matrix()
    size = np.maximum(np.diff(cover.col_indptr), 1)
    rate = (terms.prices / size)[cover.indices]
    start = cover.indptr[:-1].astype(np.int64)
    prices: Floats = np.minimum.reduceat(rate, start) if cover.height else np.zeros(0)
    best, bound = prices, -np.inf
    share = np.zeros(cover.width)
    direction: Floats | None = None
    step, stuck = 1.0, 0
    for _ in range(rounds):
        r = terms.prices - column_worth(cover, prices)
        value = float(prices.sum()) + float(np.where(r < 0, terms.high * r, terms.low * r).sum())
        if value > bound + 1e-6 * abs(upper):
            best, bound, stuck = prices, value, 0
        else:
            stuck += 1
        ended = watch.effort.clock() >= until or watch.stop()
        if ended or step < 1e-4 or upper - bound <= 1e-7 * upper:
            break
        if stuck >= 15:
            prices, direction, step, stuck = best, None, step * 0.66, 0
            continue
        x = np.where(r < 0, terms.high, terms.low)
        share = 0.95 * share + 0.05 * x
        gradient = 1.0 - matrix @ x
        gradient[(prices <= 0) & (gradient < 0)] = 0.0
        direction = gradient if direction is None else 0.3 * gradient + 0.7 * direction
        length = float(direction @ direction)
        if length <= 1e-12:
            break
        move = step * max(upper * 1.01 - value, 1e-9) / length
        prices = np.maximum(0.0, prices + move * direction)
    return best, share
