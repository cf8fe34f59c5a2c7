"""Maximum cover where a site serves only so much demand.

Current & Storbeck 1988, *Capacitated covering models*, Environment and Planning B 15:153-163.
Demand of a point is orders per hour and may be split between sites. HiGHS solves the reduced model
as it is, so this is for a city's size (some hundred thousand entries).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from locator.errors import InputError
from locator.siting.kernel import Answer, Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.problem import CoverProblem, Floats, Ints, Rules, all_whole, floor_bound
from locator.siting.reduce import Cover, reduce_cover
from locator.siting.repair import first_selection
from locator.siting.result import BEYOND, EXISTING, Siting
from locator.siting.terms import Terms, compile_rules
from locator.siting.watch import Effort, Watch, interruptible

_PROVEN = 1e-6


@interruptible
def solve_capacitated_cover(
    problem: CoverProblem,
    rules: Rules,
    *,
    capacity: npt.ArrayLike,
    effort: Effort | None = None,
) -> Siting:
    """Choose sites that serve the most demand within the standard and within their capacity.

    What existing stations serve is taken as served in full; a station that is full goes in as a
    candidate that is forced in.

    Parameters
    ----------
    capacity
        (m,) most demand that each candidate serves, in the unit of the weights.

    Returns
    -------
    Siting
        ``assignment`` names the site that serves the most of a point; ``certificate`` is None, the
        bound is the solver's.

    Raises
    ------
    InputError, SitingError
        As :func:`~locator.siting.cover.solve_mclp`.
    """
    if rules.new is None and rules.budget is None:
        raise InputError("Say how many new sites (new) or how much they may cost (budget).")
    most = np.asarray(capacity, dtype=np.float64)
    if most.shape != (problem.shape[1],) or np.isnan(most).any() or (most < 0).any():
        raise InputError(f"Capacities: {problem.shape[1]} numbers from zero up are needed.")
    watch = Watch(effort or Effort())
    watch.begin("reduce")
    terms = compile_rules(rules, problem.shape[1])
    cover = reduce_cover(problem, terms)
    most = np.minimum(most, float(cover.first.sum()))
    with Solver() as solver:
        watch.begin("greedy")
        start = _greedy(cover, terms, most, watch, solver)
        watch.begin("kernel")
        model = _model(cover, terms, most)
        answer = solver.solve(model, watch, enough=_enough(watch))
        sites = start if answer.x is None else sites_of(answer.x, cover.width)
        watch.begin("assign")
        flow = _flow(cover, most, sites, solver, watch)
    return _result(problem, cover, most, sites, flow, answer, watch, model)


def _enough(watch: Watch) -> Callable[[float, float], bool]:
    def enough(objective: float, bound: float) -> bool:
        return bool(objective - bound <= max(_PROVEN, watch.effort.gap) * abs(objective))

    return enough


def _greedy(cover: Cover, terms: Terms, most: Floats, watch: Watch, solver: Solver) -> Ints:
    """Return a selection that keeps the rules, by what each site could serve alone."""
    alone = np.minimum(most, cover.matrix().T @ cover.first)
    return first_selection(terms, alone, watch, solver)


def _model(cover: Cover, terms: Terms, most: Floats) -> Model:
    """Return the model: sites x, then the share of a row's demand that each of its sites serves."""
    count, width = len(cover.indices), cover.width
    row = np.repeat(np.arange(cover.height), np.diff(cover.indptr))
    at = np.arange(count)
    worth = cover.first[row]
    shape = width + count
    whole = csr_array((np.ones(count), (row, width + at)), shape=(cover.height, shape))
    load = csr_array(
        (
            np.concatenate([worth, -most]),
            (
                np.concatenate([cover.indices, np.arange(width)]),
                np.concatenate([width + at, np.arange(width)]),
            ),
        ),
        shape=(width, shape),
    )
    link = csr_array(
        (
            np.concatenate([np.ones(count), -np.ones(count)]),
            (np.concatenate([at, at]), np.concatenate([width + at, cover.indices])),
        ),
        shape=(count, shape),
    )
    rules = csr_array(
        (terms.matrix.data, terms.matrix.indices, terms.matrix.indptr),
        shape=(len(terms.right), shape),
    )
    right = np.concatenate([np.ones(cover.height), np.zeros(width + count), terms.right])
    return Model(
        matrix=csr_array(vstack([whole, load, link, rules], format="csr")),
        row_low=np.full(len(right), -np.inf),
        row_high=right,
        cost=np.concatenate([np.zeros(width), -worth]),
        low=np.concatenate([terms.low, np.zeros(count)]),
        high=np.concatenate([terms.high, np.ones(count)]),
        whole=np.arange(shape) < width,
    )


def _flow(cover: Cover, most: Floats, sites: Ints, solver: Solver, watch: Watch) -> Floats:
    """Return the share of each entry at the best for a selection: a linear programme."""
    among = np.zeros(cover.width, dtype=bool)
    among[sites] = True
    use = np.flatnonzero(among[cover.indices])
    row = np.repeat(np.arange(cover.height), np.diff(cover.indptr))[use]
    column = cover.indices[use]
    at = np.arange(len(use))
    share = np.zeros(len(cover.indices))
    if not len(use):
        return share
    matrix = vstack(
        [
            csr_array((np.ones(len(use)), (row, at)), shape=(cover.height, len(use))),
            csr_array((cover.first[row], (column, at)), shape=(cover.width, len(use))),
        ],
        format="csr",
    )
    ones = np.ones(len(use))
    model = Model(
        matrix=csr_array(matrix),
        row_low=np.full(matrix.shape[0], -np.inf),
        row_high=np.concatenate([np.ones(cover.height), most]),
        cost=-cover.first[row],
        low=np.zeros(len(use)),
        high=ones,
        whole=np.zeros(len(use), dtype=bool),
    )
    least = Watch(Effort(time_limit_s=max(1.0, watch.left_s()), clock=watch.effort.clock))
    answer = solver.solve(model, least)
    if answer.x is None:  # the time was up
        share[use] = _fill(cover.first, row, column, most)
    else:
        share[use] = np.clip(answer.x, 0.0, 1.0)
    return share


def _fill(demand: Floats, row: Ints, column: Ints, most: Floats) -> Floats:
    """Return a flow by filling one site after the other: not the best, but one that can be."""
    left, share = demand.copy(), np.zeros(len(row))
    for site in np.unique(column):
        at = np.flatnonzero(column == site)
        taken = np.diff(np.minimum(np.cumsum(left[row[at]]), most[site]), prepend=0.0)
        share[at] = taken / np.maximum(demand[row[at]], 1e-300)
        left[row[at]] -= taken
    return share


def _result(
    problem: CoverProblem,
    cover: Cover,
    most: Floats,
    sites: Ints,
    flow: Floats,
    answer: Answer,
    watch: Watch,
    model: Model,
) -> Siting:
    row = np.repeat(np.arange(cover.height), np.diff(cover.indptr))
    value = float((cover.first[row] * flow).sum())
    baseline = float(problem.weights[problem.served > 0].sum())
    total = float(cover.first.sum())
    bound = min(total, -answer.bound) if np.isfinite(answer.bound) else total
    if all_whole(cover.first, most):  # what flows is whole then (Hoffman & Kruskal 1956)
        bound = floor_bound(bound)
    proven = bound - value <= _PROVEN * max(1.0, value)
    biggest = np.full(cover.height, BEYOND, dtype=np.int64)
    order = np.lexsort((cover.indices, -flow, row))
    order = order[flow[order] > 1e-9]
    rows, first = np.unique(row[order], return_index=True)
    biggest[rows] = cover.indices[order][first]
    inside = cover.row_of >= 0
    assignment = np.full(problem.shape[0], BEYOND, dtype=np.int64)
    assignment[inside] = biggest[cover.row_of[inside]]
    assignment[problem.served > 0] = EXISTING
    return Siting(
        model="capacitated cover",
        chosen=np.sort(sites),
        assignment=assignment,
        objective=baseline + value,
        baseline=baseline,
        bound=baseline + (value if proven else bound),
        status="optimal" if proven else "feasible",
        proof="solver",
        certificate=None,
        certificate_bound=float("nan"),
        seconds=watch.end(),
        kernel=model.size,
        stopped="" if proven else watch.why((bound - value) / max(bound, 1e-300)),
    )
