"""Siting at sizes where bounds, kernels and the solver's process work: against other solvers."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, vstack
from scipy.spatial import cKDTree

from locator.errors import InputError, SitingError
from locator.siting import (
    CoverProblem,
    Effort,
    Progress,
    Rules,
    Siting,
    TimeProblem,
    median,
    solve_backup_cover,
    solve_capacitated_cover,
    solve_lscp,
    solve_mclp,
    solve_p_center,
    solve_p_median,
    trace_curve,
)
from locator.siting.bound import CoverRelaxation
from locator.siting.reduce import merge_rows, reduce_cover
from locator.siting.terms import compile_rules
from locator.siting.watch import Watch
from tests.patience import examples, patience

ROOT = Path(__file__).resolve().parents[1]
LINE = [[0, 0], [5, 0], [9, 0], [99, 0]]


def city(points: int, candidates: int, *, seed: int = 0, reach: float = 0.12) -> CoverProblem:
    """Return random places in a square, those within reach covered, a tenth served already."""
    rng = np.random.default_rng(seed)
    there, sites = rng.random((points, 2)), rng.random((candidates, 2))
    near = cKDTree(there).sparse_distance_matrix(cKDTree(sites), reach, output_type="coo_matrix")
    times = csr_array(near)
    times.data = np.maximum(times.data * 1000, 0.001)
    served = np.where(rng.random(points) < 0.1, 10.0, np.inf)
    weights = rng.integers(1, 20, points).astype(float)
    return CoverProblem.within(times, weights, limit_s=reach * 1000, served_s=served)


def whole_model(problem: CoverProblem, new: int, *, relaxed: bool = False) -> float:
    """Return the optimum of maximum cover, or of its relaxation, by scipy on the whole model."""
    open_rows = np.flatnonzero(problem.served == 0)
    matrix = csr_array(problem.cover[open_rows]).astype(np.float64)
    matrix.data[:] = 1.0
    height, width = matrix.shape
    number = csr_array(np.r_[np.ones(width), np.zeros(height)][None, :])
    rows = vstack([hstack([-matrix, eye_array(height)]), number])
    found = milp(
        np.r_[np.zeros(width), -problem.weights[open_rows]],
        integrality=np.r_[np.full(width, int(not relaxed)), np.zeros(height)],
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, -np.inf, np.r_[np.zeros(height), new]),
        options={"mip_rel_gap": 0.0},
    )
    return float(problem.weights[problem.served > 0].sum()) - float(found.fun)


@pytest.mark.parametrize("seed", range(4))
def test_mclp_agrees_with_the_whole_model(seed: int) -> None:
    problem = city(800, 90, seed=seed)
    result = solve_mclp(problem, Rules(new=7))
    assert result.status == "optimal"
    assert result.objective == pytest.approx(whole_model(problem, 7))
    assert result.certificate_bound >= result.objective - 1e-6


def test_the_bound_approaches_the_linear_relaxation() -> None:
    problem = city(1500, 150, seed=5)
    terms = compile_rules(Rules(new=10), 150)
    cover = reduce_cover(problem, terms)
    watch = Watch(Effort(time_limit_s=patience(60)))
    relaxed = CoverRelaxation(cover, terms, np.zeros(150)).run(watch, close=1e-5)
    served = float(problem.weights[problem.served > 0].sum())
    exact = whole_model(problem, 10, relaxed=True) - served
    assert exact * (1 - 1e-9) <= relaxed.bound <= exact * (1 + 1e-3)


def test_what_the_bound_cannot_prove_is_said_to_rest_on_the_solver() -> None:
    """Any 3 in a row of a ring of 7: fractions cover all with 7/3 sites, two sites cover 6."""
    ring = (np.arange(7)[:, None] - np.arange(7)) % 7 < 3
    result = solve_mclp(CoverProblem(csr_array(ring), np.full(7, 1.0)), Rules(new=2))
    assert (result.objective, result.bound) == (6.0, 6.0)
    relaxed = solve_lscp(CoverProblem(csr_array(ring), np.full(7, 1.5)), Rules())
    assert (relaxed.objective, relaxed.status) == (3.0, "optimal")
    assert relaxed.certificate_bound == pytest.approx(7 / 3, rel=1e-5)


def test_the_bound_of_an_lscp_is_recomputed_from_its_duals() -> None:
    """Duality by hand: rows >= 0 with A' rows <= prices sum to no more than any cover costs."""
    problem = city(600, 80, seed=2, reach=0.2)
    result = solve_lscp(problem, Rules(prices=np.arange(80) % 3 + 1.0))
    proof = result.certificate
    assert proof is not None
    ones = (proof.matrix.toarray() > 0).astype(float)
    excess = np.minimum(0, proof.terms.prices - ones.T @ proof.rows).sum()
    assert proof.rows.sum() + excess == pytest.approx(result.certificate_bound)
    assert result.certificate_bound <= result.objective
    assert result.status == "optimal"
    unserved = (problem.served == 0) & (problem.weights > 0)
    assert (ones[np.ix_(unserved, result.chosen)].sum(1) >= 1).all()


def graph_like_or_library(nodes: int, edges: int, seed: int) -> np.ndarray:
    """Return shortest paths of a graph as OR-Library's p-median files give it.

    A ring, then random edges; where one occurs twice the last cost counts.
    """
    rng = np.random.default_rng(seed)
    far = np.full((nodes, nodes), np.inf)
    np.fill_diagonal(far, 0.0)
    for at in range(edges):
        one, other = (at, (at + 1) % nodes) if at < nodes else rng.choice(nodes, 2, replace=False)
        far[one, other] = far[other, one] = rng.integers(1, 101)
    for middle in range(nodes):
        far = np.minimum(far, far[:, [middle]] + far[[middle], :])
    return far


def median_optimum(times: np.ndarray, new: int) -> float:
    """Return the optimum of the p-median by scipy on the whole model."""
    size, width = times.shape
    count = size * width
    row, column = np.divmod(np.arange(count), width)
    share = csr_array((np.ones(count), (row, width + np.arange(count))), (size, width + count))
    of_site = csr_array((-np.ones(count), (np.arange(count), column)), (count, width))
    link = hstack([of_site, eye_array(count)])
    total = csr_array(np.r_[np.ones(width), np.zeros(count)][None, :])
    found = milp(
        np.r_[np.zeros(width), times.ravel()],
        integrality=np.r_[np.ones(width), np.zeros(count)],
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(
            vstack([share, link, total]),
            np.r_[np.ones(size), np.full(count, -np.inf), -np.inf],
            np.r_[np.ones(size), np.zeros(count), new],
        ),
        options={"mip_rel_gap": 0.0},
    )
    return float(found.fun)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "new"), [(1, 5), (2, 10), (3, 20)])
def test_the_median_of_a_graph_agrees_with_the_whole_model(seed: int, new: int) -> None:
    times = np.maximum(graph_like_or_library(60, 150, seed), 1e-3)
    result = solve_p_median(TimeProblem(csr_array(times), np.ones(60)), Rules(new=new))
    assert result.status == "optimal"
    assert result.objective == pytest.approx(median_optimum(times, new), rel=1e-6)


@pytest.mark.realdata
def test_published_medians_are_reached(realdata: Path) -> None:
    """OR-Library's pmed1 to pmed5 (Beasley 1985, Networks 15:257-273) with their known optima."""
    published = dict(zip(range(1, 6), (5819, 4093, 4250, 3034, 1355), strict=True))
    files = {n: realdata / "orlib" / f"pmed{n}.txt" for n in published}
    present = {n: file for n, file in files.items() if file.exists()}
    if not present:
        pytest.skip(f"no OR-Library files at {realdata / 'orlib'}")
    for number, file in present.items():
        words = np.array(file.read_text("ascii").split(), dtype=np.int64)
        nodes, new = int(words[0]), int(words[2])
        far = np.full((nodes, nodes), np.inf)
        np.fill_diagonal(far, 0.0)
        for one, other, cost in words[3:].reshape(-1, 3):
            far[one - 1, other - 1] = far[other - 1, one - 1] = cost
        for middle in range(nodes):
            far = np.minimum(far, far[:, [middle]] + far[[middle], :])
        times = csr_array(np.where(far > 0, far, 1e-9))
        result = solve_p_median(TimeProblem(times, np.ones(nodes)), Rules(new=new))
        assert result.objective == pytest.approx(published[number], abs=1e-3)
        assert result.status == "optimal"


@given(st.lists(st.frozensets(st.integers(0, 5), max_size=6), max_size=30))
@settings(max_examples=examples(200), deadline=None)
def test_rows_are_merged_just_where_they_are_equal(rows: list[frozenset[int]]) -> None:
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    indices = np.array([c for row in rows for c in sorted(row)], dtype=np.int64)
    to, kept = merge_rows(indptr, indices, 6)
    assert len(kept) == len(set(rows))
    for row, target in zip(rows, to, strict=True):
        assert rows[kept[target]] == row


def test_a_median_that_the_solver_cannot_take_is_searched_until_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(median, "_ENTRIES", 0)
    monkeypatch.setattr(median, "_SMALL", 0)
    times = csr_array(np.random.default_rng(1).random((80, 80)) + 0.01)  # no geography: hard
    effort = Effort(time_limit_s=1)
    found = solve_p_median(TimeProblem(times, np.ones(80)), Rules(new=8), effort=effort)
    assert (found.status, found.stopped) == ("feasible", "time")
    assert found.bound < found.objective
    assert {"bound", "swaps", "kernel"} <= set(found.seconds)


def test_a_search_that_ends_as_close_as_was_asked_for_says_so() -> None:
    cover = solve_mclp(hard(), Rules(new=40), effort=Effort(gap=0.5))
    times = np.maximum(graph_like_or_library(60, 150, 3), 1e-3) + 0.25
    far = TimeProblem(csr_array(times), np.ones(60))
    for found in (cover, solve_p_median(far, Rules(new=20), effort=Effort(gap=0.5))):
        assert (found.status, found.stopped) == ("feasible", "gap")
        assert 0 < found.gap_added <= 0.5


def test_bounds_of_whole_numbers_are_whole_numbers() -> None:
    early = Effort(gap=0.9)
    cover = CoverProblem(hard().cover[:200], hard().weights[:200])
    times = csr_array(np.maximum(graph_like_or_library(60, 150, 3), 1))
    bounds = [
        solve_mclp(cover, Rules(new=9), effort=early).bound,
        solve_lscp(cover, Rules(), effort=early).bound,
        solve_p_median(TimeProblem(times, np.ones(60)), Rules(new=20), effort=early).bound,
        *(point.bound for point in trace_curve(cover, Rules(), new=[3, 9], effort=early).points),
    ]
    assert bounds == [round(bound) for bound in bounds]


def test_capacities_are_kept_when_the_time_is_up() -> None:
    cover, row = np.random.default_rng(1).random((40, 12)) < 0.3, np.arange(40)
    cover[row, row % 12] = True
    effort = Effort(time_limit_s=1e-3, clock=count(0.0, 1e-4).__next__)
    found = solve_capacitated_cover(
        CoverProblem(csr_array(cover), np.ones(40)),
        Rules(new=4),
        capacity=[5.0] * 12,
        effort=effort,
    )
    assert 0 < found.objective <= 20
    assert found.bound >= found.objective


def test_the_same_question_has_the_same_answer() -> None:
    problem = city(900, 120, seed=8)
    one, other = (solve_mclp(problem, Rules(new=6)) for _ in range(2))
    assert list(one.chosen) == list(other.chosen)
    assert one.bound == other.bound


@cache
def hard() -> CoverProblem:
    """Return a problem that takes minutes to prove: coverage without any geography."""
    rng = np.random.default_rng(4)
    cover = rng.random((4000, 400)) < 0.02
    cover[np.arange(4000), rng.integers(0, 400, 4000)] = True
    return CoverProblem(csr_array(cover), rng.integers(1, 50, 4000))


def children() -> set[int]:
    """Return the processes that this one has started and that still run."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == os.getpid():
            found.add(int(status.parent.name))
    return found


@pytest.mark.slow
def test_the_time_limit_ends_the_search_with_its_best_and_no_process_is_left() -> None:
    before = children()
    began = time.perf_counter()
    result = solve_lscp(hard(), Rules(), effort=Effort(time_limit_s=1))
    assert time.perf_counter() - began < 30  # the solver alone needs many minutes
    assert (result.status, result.stopped) == ("feasible", "time")
    assert 0 < result.gap < 1
    assert result.bound <= result.objective
    assert children() <= before


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C as Python does: a program begun in the background is begun to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_is_not_lost_where_python_drops_exceptions() -> None:
    """An exception raised while an object is taken away is dropped by Python."""

    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def tell(progress: Progress) -> None:
        if progress.phase == "bound" and not said:
            said.append(Dying())
            said[0] = None

    said: list[Dying | None] = []
    result = solve_mclp(
        hard(), Rules(new=40), effort=Effort(time_limit_s=patience(30), progress=tell)
    )
    assert said
    assert result.stopped == "cancelled"


@pytest.mark.slow
@pytest.mark.usefixtures("_ctrl_c")
def test_a_program_that_handles_ctrl_c_itself_keeps_its_way() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    problem = hard()
    timer = interrupt_after(0.3)
    result = solve_mclp(problem, Rules(new=40), effort=Effort(time_limit_s=1))
    timer.join()
    assert (heard, result.stopped) == ([signal.SIGINT], "time")


@pytest.mark.slow
@pytest.mark.parametrize(
    "solve",
    [
        lambda effort: solve_mclp(hard(), Rules(new=40), effort=effort),
        lambda effort: solve_lscp(hard(), Rules(), effort=effort),
    ],
    ids=["mclp", "lscp"],
)
@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_ends_every_model_with_its_best(solve: Callable[[Effort], Siting]) -> None:
    hard()
    timer = interrupt_after(0.5)
    result = solve(Effort(time_limit_s=patience(60)))
    timer.join()
    assert (result.status, result.stopped) == ("feasible", "cancelled")
    assert len(result.chosen) > 30
    assert 0 < result.gap_added < 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_progress_tells_phases_in_order_and_bounds_that_close() -> None:
    told: list[Progress] = []
    solve_mclp(hard(), Rules(new=40), effort=Effort(time_limit_s=1, progress=told.append))
    assert [p.elapsed_s for p in told] == sorted(p.elapsed_s for p in told)
    assert {"greedy", "bound", "swaps"} <= {p.phase for p in told}
    both = [p for p in told if p.objective is not None and p.bound is not None]
    assert both
    assert all(p.objective <= p.bound + 1e-6 for p in both if p.objective and p.bound)


@pytest.mark.slow
def test_a_script_without_a_main_guard_may_use_the_solver(tmp_path: Path) -> None:
    script = tmp_path / "plan.py"
    script.write_text(
        "import numpy as np\n"
        "from scipy.sparse import csr_array\n"
        "from locator.siting import CoverProblem, Effort, Rules, solve_lscp\n"
        "print('once')\n"
        "cover = csr_array(np.random.default_rng(0).random((3000, 80)) < 0.1)\n"
        "problem = CoverProblem(cover, np.ones(3000) * (cover.sum(axis=1) > 0))\n"
        "print(solve_lscp(problem, Rules(), effort=Effort(time_limit_s=1)).kernel[2] > 4000)\n"
        "few = CoverProblem(csr_array(np.eye(4, dtype=bool)), np.ones(4))\n"
        "print(solve_lscp(few, Rules(), share=0.6).objective)\n",
        encoding="utf-8",
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["once", "True", "3.0"]  # and no banner of the solver's


def two_by_two() -> CoverProblem:
    return CoverProblem(csr_array(np.eye(4, dtype=bool)), np.ones(4))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Rules(new=1, forced_in=(0, 1)), "2 candidates are forced in"),
        (Rules(budget=2, prices=[1, 2, 1, 1], forced_in=(0, 1)), "forced in cost 3, but"),
        (Rules(new=2, forced_in=(1,), forced_out=(1,)), "Candidate 1 is forced in and"),
        (Rules(new=3, districts=[0, 0, 1, 1], at_least={1: 3}), "District 1 needs 3"),
        (Rules(new=2, districts=[0, 0, 1, 1], at_least={0: 2, 1: 1}), "make 3 sites, but only 2"),
        (
            Rules(budget=3, prices=[2, 2, 2, 2], districts=[0, 0, 1, 1], at_least={0: 1, 1: 1}),
            "cost at least 4, but the budget is 3",
        ),
        (
            Rules(new=4, forced_in=(0, 1), positions_m=LINE, apart_m=9),
            "Candidates 0 and 1 are both forced in but lie nearer",
        ),
        (Rules(new=4, groups=[7, 7, -1, -1], forced_in=(0, 1)), "Two candidates of group 7"),
        (
            Rules(
                new=3,
                districts=[0, 0, 1, 1],
                at_least={0: 2},
                positions_m=LINE,
                apart_m=9,
            ),
            "giving up one of these would do: at least 2 in district 0; 9 m apart",
        ),
    ],
)
def test_rules_that_cannot_be_kept_are_named(rules: Rules, words: str) -> None:
    with pytest.raises(SitingError, match=words.replace(".", r"\.")):
        solve_mclp(two_by_two(), rules)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: solve_mclp(two_by_two(), Rules()), "how many new sites"),
        (lambda: solve_mclp(two_by_two(), Rules(new=-1)), "cannot be negative"),
        (lambda: solve_mclp(two_by_two(), Rules(new=1, forced_in=(4,))), "candidates 0 to 3"),
        (lambda: solve_mclp(two_by_two(), Rules(budget=1, prices=[1, 2])), "4 values are needed"),
        (lambda: solve_mclp(two_by_two(), Rules(new=1, at_least={0: 1})), "no districts"),
        (lambda: solve_mclp(two_by_two(), Rules(new=1, apart_m=5)), "positions are not given"),
        (lambda: solve_backup_cover(two_by_two(), Rules(new=1), backup=2), "0 to 1"),
        (lambda: solve_lscp(two_by_two(), Rules(), share=0), "share to cover"),
        (
            lambda: solve_capacitated_cover(two_by_two(), Rules(new=1), capacity=[1]),
            "4 numbers from zero up",
        ),
        (lambda: CoverProblem(csr_array(np.eye(2)), [1, np.nan]), "position 1: nan"),
        (lambda: CoverProblem(csr_array(np.eye(2)), [1, 2, 3]), "2 values are needed"),
        (lambda: CoverProblem.within(csr_array(-np.eye(2)), [1, 1], limit_s=9), "zero, negative"),
        (lambda: CoverProblem.within(csr_array(np.eye(2)), [1, 1], limit_s=0), "above zero"),
        (lambda: TimeProblem(csr_array(np.eye(2) * 9), [1, 1], unserved_s=5), "less than"),
        (lambda: trace_curve(two_by_two(), Rules()), "one of both"),
        (lambda: Effort(time_limit_s=0), "above zero"),
    ],
)
def test_wrong_input_is_one_sentence(wrong: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        wrong()  # type: ignore[operator]


def test_demand_out_of_reach_is_told_before_anything_is_solved() -> None:
    cover = CoverProblem(csr_array(np.array([[1, 0], [0, 0], [0, 1]], bool)), [2, 1, 1])
    with pytest.raises(SitingError, match=r"1 demand points .* \(the first is 1\); at most 75"):
        solve_lscp(cover, Rules())
    assert solve_lscp(cover, Rules(), share=0.75).objective == 2
    far = TimeProblem(csr_array(np.array([[1.0, 0.0], [0.0, 0.0]])), np.ones(2))
    with pytest.raises(SitingError, match="out of reach"):
        solve_p_center(far, Rules(new=1))


def test_one_dual_vector_bounds_a_linear_programme_of_its_own() -> None:
    """The bound of a curve at each k is no lower than the relaxation's optimum, by scipy."""
    problem = city(300, 40, seed=3)
    curve = trace_curve(problem, Rules(), new=range(1, 9))
    for point in curve.points:
        exact = whole_model(problem, int(point.limit))
        assert point.covered <= exact + 1e-6 <= point.bound + 2e-6
        assert point.bound <= whole_model(problem, int(point.limit), relaxed=True) * 1.05
