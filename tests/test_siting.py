"""Every siting model against looking at every selection, and what its certificate says."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from locator.errors import SitingError
from locator.siting import (
    BEYOND,
    EXISTING,
    Certificate,
    CoverProblem,
    Effort,
    Options,
    Rules,
    Siting,
    TimeProblem,
    solve_backup_cover,
    solve_capacitated_cover,
    solve_lscp,
    solve_mclp,
    solve_p_center,
    solve_p_median,
    trace_curve,
    week_problem,
)
from tests.patience import examples, patience
from tests.siting_support import Instance, instances, keeps, selections

LIMIT_S = 200.0
FAR_S = 400.0
SHORT = Effort(
    time_limit_s=patience(10)
)  # a proof takes milliseconds here; a fault shall not take hours
THOROUGH = settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SOME = settings(THOROUGH, max_examples=examples(80))


def covered(one: Instance, chosen: tuple[int, ...], *, backup: float = 0.0) -> float:
    near = one.times[:, list(chosen)] <= LIMIT_S
    count = near.sum(axis=1) + (one.served_s <= LIMIT_S)
    return float(one.weights @ (count >= 1) + backup * (one.weights @ (count >= 2)))


def total_time(one: Instance, chosen: tuple[int, ...]) -> float:
    best = np.minimum(one.times[:, list(chosen)].min(axis=1, initial=np.inf), one.served_s)
    return float(one.weights @ np.minimum(best, FAR_S))


def worst_time(one: Instance, chosen: tuple[int, ...]) -> float:
    best = np.minimum(one.times[:, list(chosen)].min(axis=1, initial=np.inf), one.served_s)
    return float(best[one.weights > 0].max(initial=0.0))


def served_most(one: Instance, capacity: np.ndarray, chosen: tuple[int, ...]) -> float:
    """Return what a selection can serve, by a linear programme of its own."""
    open_points = np.flatnonzero((one.served_s > LIMIT_S) & (one.weights > 0))
    pairs = [(i, j) for i in open_points for j in chosen if one.times[i, j] <= LIMIT_S]
    value = float(one.weights[one.served_s <= LIMIT_S].sum())
    if not pairs:
        return value
    upper = np.zeros((len(open_points) + len(chosen), len(pairs)))
    for at, (i, j) in enumerate(pairs):
        upper[list(open_points).index(i), at] = 1.0
        upper[len(open_points) + chosen.index(j), at] = 1.0
    right = np.concatenate([one.weights[open_points], capacity[list(chosen)]])
    return value - linprog(-np.ones(len(pairs)), A_ub=upper, b_ub=right).fun


def recomputed(proof: Certificate) -> float:
    """Return a certificate's bound by dense numpy, from the formula and nothing of the package."""
    matrix, terms = proof.matrix.toarray(), proof.terms
    if proof.kind == "saving":
        worth = np.maximum(matrix - proof.rows[:, None], 0)[:, :].sum(0, where=matrix > 0)
        phi = proof.rows.sum()
    else:
        worth = (matrix > 0).T @ proof.rows
        once = proof.first - proof.rows
        phi = np.maximum(0, np.maximum(once, once + proof.second - proof.rows)).sum()
    r = worth - terms.matrix.toarray().T @ proof.rules
    assert (proof.rows >= 0).all()
    assert (proof.rules >= 0).all()
    inside = np.where(r > 0, terms.high * r, terms.low * r).sum()
    return float(phi + proof.rules @ terms.right + inside)


def agree(result: Siting, best: float, one: Instance) -> None:
    """Check a proven result against the best of all selections."""
    assert result.status == "optimal"
    assert result.objective == pytest.approx(best, rel=2e-6, abs=1e-6)
    assert result.bound == pytest.approx(best, rel=2e-6, abs=1e-6)
    assert keeps(one.rules, tuple(result.chosen))


def impossible(one: Instance) -> bool:
    return next(selections(one.rules, one.times.shape[1]), None) is None


@THOROUGH
@given(instances())
def test_mclp_under_all_rules_is_the_best_of_all_selections(one: Instance) -> None:
    if impossible(one):
        with pytest.raises(SitingError):
            solve_mclp(one.cover(LIMIT_S), one.rules, effort=SHORT)
        return
    result = solve_mclp(one.cover(LIMIT_S), one.rules, effort=SHORT)
    every = selections(one.rules, one.times.shape[1])
    agree(result, max(covered(one, chosen) for chosen in every), one)
    assert covered(one, tuple(result.chosen)) == pytest.approx(result.objective)
    assert result.baseline == pytest.approx(covered(one, ()))
    assert result.certificate is not None
    bound = result.baseline + recomputed(result.certificate)
    assert bound == pytest.approx(result.certificate_bound)
    assert bound >= result.objective - 1e-6


@SOME
@given(instances(), st.sampled_from([0.25, 0.5, 1.0]))
def test_backup_cover_is_the_best_of_all_selections(one: Instance, backup: float) -> None:
    if impossible(one):
        return
    result = solve_backup_cover(one.cover(LIMIT_S), one.rules, backup=backup, effort=SHORT)
    every = selections(one.rules, one.times.shape[1])
    agree(result, max(covered(one, chosen, backup=backup) for chosen in every), one)
    assert result.certificate is not None
    bound = result.baseline + recomputed(result.certificate)
    assert bound == pytest.approx(result.certificate_bound)
    assert bound >= result.objective - 1e-6


@SOME
@given(instances(), st.integers(0, 2**32 - 1))
def test_capacitated_cover_is_the_best_of_all_selections(one: Instance, seed: int) -> None:
    if impossible(one):
        return
    capacity = np.random.default_rng(seed).choice([0.0, 1.0, 3.0, 8.0], one.times.shape[1])
    result = solve_capacitated_cover(one.cover(LIMIT_S), one.rules, capacity=capacity, effort=SHORT)
    every = selections(one.rules, one.times.shape[1])
    agree(result, max(served_most(one, capacity, chosen) for chosen in every), one)


@SOME
@given(instances(), st.sampled_from([1.0, 0.9, 0.6]))
def test_lscp_is_the_cheapest_of_all_selections(one: Instance, share: float) -> None:
    needed = share * one.weights.sum() - 1e-9
    every = selections(one.rules, one.times.shape[1])
    enough = [chosen for chosen in every if covered(one, chosen) >= needed]
    if not enough:
        with pytest.raises(SitingError):
            solve_lscp(one.cover(LIMIT_S), one.rules, share=share, effort=SHORT)
        return
    result = solve_lscp(one.cover(LIMIT_S), one.rules, share=share, effort=SHORT)
    prices = np.asarray(one.rules.prices)
    agree(result, min(prices[list(chosen)].sum() for chosen in enough), one)
    assert covered(one, tuple(result.chosen)) >= needed
    assert result.certificate_bound <= result.objective + 1e-6


@THOROUGH
@given(instances())
def test_p_median_is_the_best_of_all_selections(one: Instance) -> None:
    if impossible(one):
        return
    result = solve_p_median(one.median(FAR_S), one.rules, effort=SHORT)
    every = selections(one.rules, one.times.shape[1])
    agree(result, min(total_time(one, chosen) for chosen in every), one)
    assert total_time(one, tuple(result.chosen)) == pytest.approx(result.objective)
    assert result.certificate is not None
    bound = result.baseline - recomputed(result.certificate)
    assert bound == pytest.approx(result.certificate_bound)
    assert bound <= result.objective + 1e-6


@SOME
@given(instances())
def test_p_center_is_the_best_of_all_selections(one: Instance) -> None:
    every = selections(one.rules, one.times.shape[1])
    best = min((worst_time(one, chosen) for chosen in every), default=np.inf)
    if np.isinf(best):
        with pytest.raises(SitingError):
            solve_p_center(one.median(FAR_S), one.rules, effort=SHORT)
        return
    result = solve_p_center(one.median(FAR_S), one.rules, effort=SHORT)
    agree(result, best, one)


@SOME
@given(instances(free=True))
def test_each_point_is_assigned_to_the_nearest_that_covers_it(one: Instance) -> None:
    result = solve_mclp(one.cover(LIMIT_S), one.rules, effort=SHORT)
    for point, site in enumerate(result.assignment):
        times = {int(j): one.times[point, j] for j in result.chosen}
        near = min(times.values(), default=np.inf)
        if site == EXISTING:
            assert one.served_s[point] <= min(LIMIT_S, near)
        elif site == BEYOND:
            assert one.served_s[point] > LIMIT_S
            assert near > LIMIT_S
        else:
            assert times[int(site)] == near <= LIMIT_S


@SOME
@given(instances(free=True), st.booleans())
def test_a_curve_is_bounded_at_every_step(one: Instance, nested: bool) -> None:
    steps = [1, 2, 3]
    problem = one.cover(LIMIT_S)
    curve = trace_curve(problem, Rules(), new=steps, nested=nested)
    for point, before in zip(curve.points, (None, *curve.points), strict=False):
        every = selections(Rules(new=int(point.limit)), one.times.shape[1])
        best = max(covered(one, chosen) for chosen in every)
        assert covered(one, tuple(point.chosen)) == pytest.approx(point.covered)
        assert point.covered <= best + 1e-6
        assert point.bound >= best - 1e-6
        if not nested:
            assert point.covered == pytest.approx(best)
        if nested and before is not None:
            assert list(point.chosen[: len(before.chosen)]) == list(before.chosen)
        if before is not None:
            assert point.covered >= before.covered - 1e-9


@SOME
@given(st.integers(0, 2**32 - 1))
def test_the_best_mix_of_options_is_that_of_all_mixes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, places, options, hours = 5, 4, 6, 12
    reach = csr_array(rng.random((points, places)) < 0.5)
    demand = rng.integers(0, 4, (points, hours)).astype(float)
    served = rng.random((points, hours)) < 0.3
    mix = Options(
        place=rng.integers(0, places, options),
        hours=np.repeat(rng.random((options, 3)) < 0.5, hours // 3, axis=1),
        prices=rng.choice([1.0, 2.0, 3.0], options),
        groups=rng.integers(-1, 2, options),
    )
    rules = Rules(budget=5.0, prices=mix.prices, groups=mix.groups)
    problem, _ = week_problem(reach, demand, served, mix)
    result = solve_mclp(problem, rules)

    def order_hours(chosen: tuple[int, ...]) -> float:
        there = served.copy()
        for option in chosen:
            there |= reach.toarray()[:, [mix.place[option]]] & mix.hours[option]
        return float(demand[there].sum())

    assert result.baseline == order_hours(())
    assert result.objective == max(order_hours(chosen) for chosen in selections(rules, options))
    assert result.objective == order_hours(tuple(int(j) for j in result.chosen))


def test_two_sites_of_four_worked_by_hand() -> None:
    """Weights 5, 4, 3, 2; candidates cover {0, 1}, {1, 2}, {2, 3}, {3}.

    {0, 1} and {2, 3} cover all 14; no other pair covers more than 12.
    """
    cover = csr_array(np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], bool))
    result = solve_mclp(CoverProblem(cover, [5, 4, 3, 2]), Rules(new=2))
    assert list(result.chosen) == [0, 2]
    assert (result.objective, result.baseline, result.added, result.gap_added) == (14, 0, 14, 0)
    assert list(result.assignment) == [0, 0, 2, 2]


def test_an_existing_station_changes_where_the_next_one_goes() -> None:
    """As above, but 0 and 1 are served: one site adds 5 at {2, 3}, and covers 14 with what is."""
    cover = csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], bool))
    problem = CoverProblem(cover, [5, 4, 3, 2], served=[True, True, False, False])
    result = solve_mclp(problem, Rules(new=1))
    assert list(result.chosen) == [2]
    assert (result.baseline, result.added, result.objective) == (9, 5, 14)
    assert list(result.assignment) == [EXISTING, EXISTING, 2, 2]


def test_the_median_of_a_line_worked_by_hand() -> None:
    """Points at 0, 10, 20 and 100 on a line, each a candidate, two sites.

    One at 10 and one at 100 cost 10 + 10; every other pair costs 30 or more.
    """
    at = np.array([0.0, 10.0, 20.0, 100.0])
    times = np.maximum(np.abs(at[:, None] - at), 0.001)
    result = solve_p_median(TimeProblem(csr_array(times), np.ones(4)), Rules(new=2))
    assert list(result.chosen) == [1, 3]
    assert result.objective == pytest.approx(20.002)
    assert result.status == "optimal"
    far = solve_p_center(TimeProblem(csr_array(times), np.ones(4)), Rules(new=2))
    assert (list(far.chosen), far.objective, far.bound) == ([1, 3], 10.0, 10.0)


def test_where_no_candidate_can_be_afforded_nothing_is_chosen_and_that_is_proven() -> None:
    """The only candidate in the budget covers nobody; fractions of the other would."""
    cover = csr_array(np.array([[1, 0], [1, 0]], bool))
    result = solve_mclp(CoverProblem(cover, [1, 1]), Rules(budget=2, prices=[4, 1]))
    assert (list(result.chosen), result.objective, result.status) == ([], 0.0, "optimal")


def test_a_search_that_is_cancelled_returns_what_it_has() -> None:
    rng = np.random.default_rng(1)
    cover = csr_array(rng.random((3000, 300)) < 0.02)
    problem = CoverProblem(cover, rng.integers(1, 9, 3000))
    told: list[str] = []
    result = solve_mclp(
        problem,
        Rules(new=40),
        effort=Effort(cancelled=lambda: "bound" in told, progress=lambda p: told.append(p.phase)),
    )
    assert result.stopped == "cancelled"
    assert result.status == "feasible"
    assert len(result.chosen) == 40
    assert result.baseline <= result.objective <= result.bound <= cover.shape[0] * 9
