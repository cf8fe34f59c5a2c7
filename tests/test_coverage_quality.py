"""Quality of cover, catchments, equity, uncertainty, reasons: on paper and by a second method."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from locator.coverage import (
    OpenWeek,
    Reason,
    TimeSummary,
    bootstrap_share,
    cover_week,
    covered_by_limit,
    demand_lost_by_closing,
    explain_points,
    floating_catchment,
    gini,
    main_reasons,
    moved_share,
    share_with_backup,
    summarise_times,
    week_lost_by_closing,
    worst_served_mean,
)
from locator.coverage.catchment import BANDS
from locator.coverage.quality import nearest_seconds, weighted_quantile
from locator.coverage.reasons import REASONS
from locator.coverage.uncertainty import Interval, move_within, spread_of
from locator.datum import geodesic_m
from locator.errors import InputError
from locator.travel import StraightLine
from tests.paper_city import (
    ALL,
    DEMAND,
    FAR,
    MONDAY,
    SECONDS,
    demand_points,
    paper_points,
    paper_week,
    pieces,
    sparse,
)
from tests.patience import examples

NEAREST = SECONDS.min(axis=1)  # 100, 200, 280, 700
weights = arrays.arrays(np.int64, st.integers(1, 12), elements=st.integers(0, 6))


def test_times_are_weighted_by_demand() -> None:
    """Nearest 100 s for 40, 200 for 30, 280 for 20, 700 for 10.

    Mean (4,000 + 6,000 + 5,600 + 7,000) / 100 = 226. Half of the demand is reached within 200,
    nine tenths within 280 (40 + 30 + 20 is exactly 90), the worst waits 700.
    """
    assert summarise_times(NEAREST, DEMAND) == TimeSummary(226.0, 200.0, 280.0, 700.0, 0.0)


def test_out_of_reach_is_a_share_and_no_time() -> None:
    """Without d's way: over 90, mean 15,600 / 90; a tenth of the demand reaches nothing."""
    seconds = np.array([100.0, 200.0, 280.0, FAR])
    found = summarise_times(seconds, DEMAND)
    assert found.mean_s == pytest.approx(15_600 / 90)
    assert (found.median_s, found.p90_s, found.worst_s) == (200.0, 280.0, 280.0)
    assert found.unreachable_share == pytest.approx(0.1)
    nowhere = np.full(4, FAR)
    assert summarise_times(nowhere, DEMAND) == TimeSummary(None, None, None, None, 1.0)
    assert summarise_times(NEAREST, DEMAND * 0) == TimeSummary(None, None, None, None, None)
    assert summarise_times(np.empty(0), np.empty(0)) == TimeSummary(None, None, None, None, None)


def test_where_all_is_reached_nothing_is_out_of_reach() -> None:
    """Sums of the same numbers in another order differ by rounding: no share comes of that."""
    for seed in range(20):
        demand = np.random.default_rng(seed).random(1000)
        demand[::3] = 0
        assert summarise_times(np.ones(1000), demand).unreachable_share == 0.0


def test_a_place_without_demand_is_not_the_worst() -> None:
    assert summarise_times(np.array([60.0, 9000.0]), np.array([1.0, 0.0])).worst_s == 60.0


@given(weights, st.data(), st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]))
def test_a_weighted_quantile_is_that_of_repeated_values(
    weight: np.ndarray, data: st.DataObject, share: float
) -> None:
    assume(weight.sum() > 0)
    values = data.draw(arrays.arrays(np.float64, len(weight), elements=st.integers(0, 50)))
    repeated = np.sort(np.repeat(values, weight))
    expected = float(np.quantile(repeated, share, method="inverted_cdf"))
    assert weighted_quantile(values, weight.astype(float), share) == expected


def test_the_curve_rises_with_the_standard() -> None:
    """A limit counts whoever needs exactly that long."""
    limits = np.array([99.0, 100.0, 250.0, 280.0, 699.0, 700.0])
    found = covered_by_limit(NEAREST, DEMAND, limits)
    assert found.tolist() == pytest.approx([0.0, 0.4, 0.7, 0.9, 0.9, 1.0])
    beyond = covered_by_limit(np.array([FAR, 60.0]), np.array([1.0, 3.0]), np.array([1e9]))
    assert beyond.tolist() == [0.75]
    assert np.isnan(covered_by_limit(NEAREST, DEMAND * 0, limits)).all()


def test_backup_is_a_second_station_in_reach() -> None:
    """Within 300 s only a has two; at 400 s c as well, S3 being the second. Nobody has three."""
    times = sparse(SECONDS)

    def share(limit_s: float, least: int, mask: np.ndarray = ALL) -> float | None:
        return share_with_backup(DEMAND, times, limit_s=limit_s, mask=mask, least=least)

    assert share(300, 1) == 0.9
    assert share(300, 2) == 0.4
    assert share(400, 2) == pytest.approx(0.6)
    assert share(400, 3) == 0.0
    assert share(300, 2, np.array([True, False, True])) == 0.0
    assert share_with_backup(DEMAND * 0, times, limit_s=300, mask=ALL) is None


def test_what_a_closing_costs() -> None:
    """At 300 s b hangs on S1 alone (30), c on S2 (20); a has both, d nobody, S3 adds nothing."""
    times = sparse(SECONDS)
    assert demand_lost_by_closing(DEMAND, times, limit_s=300, mask=ALL).tolist() == [30, 20, 0]
    # At 400 s S3 stands in for S2.
    assert demand_lost_by_closing(DEMAND, times, limit_s=400, mask=ALL).tolist() == [30, 0, 0]
    without = demand_lost_by_closing(DEMAND, times, limit_s=300, mask=np.array([1, 0, 1], bool))
    assert without[[0, 2]].tolist() == [70, 0]
    assert np.isnan(without[1])


def test_what_a_closing_costs_over_the_week() -> None:
    """At 300 s. S1: a hangs on it while S2 is closed, 118 hours of 40; b always, 30 x 168.

    S2: c in the 50 hours it is open, 20 each; a has S1. S3 is never surely open.
    """
    lost = week_lost_by_closing(
        paper_points(), sparse(SECONDS), paper_week(), limit_s=300, mask=ALL
    )
    assert lost.tolist() == pytest.approx([118 * 40 + 168 * 30, 50 * 20, 0])


@st.composite
def reaches(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, stations = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    minutes = arrays.arrays(np.int64, (points, stations), elements=st.integers(1, 20))
    seconds = draw(minutes) * 60.0
    seconds[seconds > 900] = np.inf
    demand = draw(arrays.arrays(np.int64, points, elements=st.integers(0, 9))).astype(float)
    return seconds, demand, draw(arrays.arrays(np.bool_, stations))


@settings(deadline=None)
@given(reaches())
def test_closing_each_station_and_measuring_again(
    city: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    seconds, demand, mask = city
    found = demand_lost_by_closing(demand, sparse(seconds), limit_s=600, mask=mask)

    def covered(stations: np.ndarray) -> float:
        return float(demand[(seconds[:, stations] <= 600).any(axis=1)].sum())

    for station in range(len(mask)):
        closed = mask.copy()
        closed[station] = False
        if mask[station]:
            assert found[station] == covered(mask) - covered(closed)
        else:
            assert np.isnan(found[station])


@settings(deadline=None, max_examples=examples(30))
@given(reaches(), st.integers(0, 2**32 - 1))
def test_closing_each_station_for_a_week_and_measuring_again(
    city: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    seconds, demand, mask = city
    rng = np.random.default_rng(seed)
    usable = rng.random((len(mask), 672)) < rng.random((len(mask), 1))
    week = OpenWeek(MONDAY, usable, usable)
    factors = rng.random((2, 168)) * 2
    piece = rng.integers(0, 2, len(demand))
    points, times = demand_points(demand, piece, pieces("ab", "nn"), factors), sparse(seconds)
    found = week_lost_by_closing(points, times, week, limit_s=600, mask=mask)

    def covered(stations: np.ndarray) -> float:
        return float(
            cover_week(points, times, week, limit_s=600, mask=stations).covered_per_h.sum()
        )

    for station in np.flatnonzero(mask):
        closed = mask.copy()
        closed[station] = False
        expected = covered(mask) - covered(closed)
        assert found[station] == pytest.approx(expected, rel=1e-5, abs=1e-4)
    assert np.isnan(found[~mask]).all()


def test_the_catchments_of_the_paper_city() -> None:
    """Bands to 200, 400, 600 s weigh 1, 0.68, 0.22. One place at each station.

    S1 is asked by a 40 and b 30, both within 200 s: 1/70. S2 by a 0.68 x 40 and c 0.68 x 20:
    1/40.8. S3 by c at 400 s, 0.68 x 20: 1/13.6. So a has 1/70 + 0.68/40.8 = 1/70 + 1/60,
    b 1/70, c 1/60 + 0.68/13.6 = 1/60 + 1/20, and d, past every band, none.
    """
    access = floating_catchment(sparse(SECONDS), DEMAND, np.ones(3))
    assert access.tolist() == pytest.approx([1 / 70 + 1 / 60, 1 / 70, 1 / 60 + 1 / 20, 0.0])
    assert float(DEMAND @ access) == pytest.approx(3.0)  # every place is handed out
    assert not floating_catchment(sparse(SECONDS), DEMAND * 0, np.ones(3)).any()
    assert floating_catchment(sparse(SECONDS), DEMAND, np.array([1.0, 0, 0])).tolist() == (
        pytest.approx([1 / 70, 1 / 70, 0, 0])
    )


@pytest.mark.parametrize(
    ("bands", "words"),
    [([], "rise"), ([(300, 1), (200, 1)], "rise"), ([(0, 1)], "rise"), ([(60, 1.5)], "0 to 1")],
)
def test_wrong_bands(bands: list[tuple[float, float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        floating_catchment(sparse(SECONDS), DEMAND, np.ones(3), bands=bands)


@settings(deadline=None, max_examples=examples(25))
@given(reaches())
def test_the_catchments_of_pysal(city: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """PySAL's ``access`` with the same steps; it leaves out points that reach nothing."""
    from access import fca
    from access.weights import step_fn

    seconds, demand, _ = city
    supply = np.arange(1.0, seconds.shape[1] + 1)
    # Without demand at a station's door PySAL divides by zero; we hand nothing out.
    demand = demand + 1
    row, column = np.nonzero(seconds <= BANDS[-1][0])
    assume(len(row))
    expected = np.zeros(len(demand))
    theirs = fca.two_stage_fca(
        pd.DataFrame({"demand": demand}),
        pd.DataFrame({"supply": supply}),
        pd.DataFrame({"origin": row, "dest": column, "cost": seconds[row, column]}),
        max_cost=BANDS[-1][0],
        demand_index=True,
        supply_index=True,
        weight_fn=step_fn(dict(BANDS)),
    )
    expected[theirs.index] = theirs.to_numpy()
    np.testing.assert_allclose(floating_catchment(sparse(seconds), demand, supply), expected)


def test_gini_on_paper() -> None:
    """All equal is 0. One of four has everything: 1 - 1/4. 1 and 3 evenly: |1-3| x 2 / (2x4x2)."""
    assert gini(np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 4.0])) == 0.0
    assert gini(np.array([0.0, 0, 0, 5]), np.ones(4)) == pytest.approx(0.75)
    assert gini(np.array([1.0, 3.0]), np.ones(2)) == pytest.approx(0.25)
    assert gini(np.array([7.0, 3.0]), np.array([0.0, 2.0])) == 0.0
    assert gini(np.zeros(3), np.ones(3)) is None
    assert gini(np.ones(3), np.zeros(3)) is None
    assert gini(np.empty(0), np.empty(0)) is None


@given(weights, st.data())
def test_gini_against_its_definition(weight: np.ndarray, data: st.DataObject) -> None:
    """Mean absolute difference of all pairs over twice the mean."""
    values = data.draw(arrays.arrays(np.float64, len(weight), elements=st.integers(0, 9)))
    found = gini(values, weight.astype(float))
    whole = float(weight @ values)
    if whole == 0:
        assert found is None
        return
    pairs = np.abs(values[:, None] - values) * weight[:, None] * weight
    assert found == pytest.approx(pairs.sum() / (2 * weight.sum() * whole), abs=1e-12)


def test_the_worst_served_tenth() -> None:
    """The last 10 of 100 are d at 700 s; the last 20 are d and half of c: (7,000 + 2,800) / 20."""
    assert worst_served_mean(NEAREST, DEMAND) == 700.0
    assert worst_served_mean(NEAREST, DEMAND, share=0.2) == pytest.approx(490.0)
    assert worst_served_mean(NEAREST, DEMAND, share=1.0) == pytest.approx(226.0)
    assert worst_served_mean(np.array([60.0, FAR]), np.array([99.0, 1.0])) == FAR
    assert worst_served_mean(np.array([60.0, FAR]), np.array([1.0, 0.0])) == 60.0
    assert worst_served_mean(NEAREST, DEMAND * 0) is None


def test_drawing_demand_anew_on_paper() -> None:
    """Where all units fare alike there is nothing to draw; two of which one is covered give all.

    Of two units of one order each, one covered, a draw holds none, one or two covered with chances
    1/4, 1/2, 1/4: the middle 95 per cent of a thousand draws reach from 0 to 1.
    """
    rng = np.random.default_rng(1)
    demand = np.array([3.0, 1.0, 0.1])
    assert bootstrap_share(demand, demand, rng=rng) == Interval(1.0, 1.0, 1000)
    assert bootstrap_share(demand * 0, demand, rng=rng) == Interval(0.0, 0.0, 1000)
    two = bootstrap_share(np.array([1.0, 0.0]), np.ones(2), rng=rng, replicates=500)
    assert two == Interval(0.0, 1.0, 500)
    assert bootstrap_share(np.ones(1), np.ones(1), rng=rng) is None
    assert bootstrap_share(np.ones(3), np.array([1.0, 0, 0]), rng=rng) is None
    with pytest.raises(InputError, match="replicate"):
        spread_of(np.empty(0))


def test_the_bootstrap_agrees_with_the_normal_interval_of_many_units() -> None:
    """400 units of one order, 300 covered: 0.75 with a standard error of sqrt(0.75 x 0.25 / 400).

    1.96 of them are 0.0424; both ends are within 0.005 of that.
    """
    covered = np.repeat([1.0, 0.0], [300, 100])
    found = bootstrap_share(covered, np.ones(400), rng=np.random.default_rng(2), replicates=4000)
    assert found is not None
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert found.low == pytest.approx(0.75 - half, abs=0.005)
    assert found.high == pytest.approx(0.75 + half, abs=0.005)


def test_the_same_seed_gives_the_same_interval() -> None:
    covered, demand = np.array([1.0, 0, 2, 0]), np.array([1.0, 1, 2, 3])
    one, two = (bootstrap_share(covered, demand, rng=np.random.default_rng(5)) for _ in range(2))
    assert one == two


def test_stations_move_evenly_within_their_accuracy() -> None:
    """No farther than their accuracy, and half of them within its half area: r / sqrt 2."""
    lonlat = np.tile([107.14, 34.36], (4000, 1))
    radius = np.repeat([0.0, 300.0], 2000)
    moved = move_within(lonlat, radius, rng=np.random.default_rng(3))
    metres = geodesic_m(lonlat[:, 0], lonlat[:, 1], moved[:, 0], moved[:, 1])
    assert metres[:2000].max() < 1e-6
    assert metres[2000:].max() <= 300.0 + 1e-6
    assert np.median(metres[2000:]) == pytest.approx(300 / np.sqrt(2), rel=0.03)
    assert moved[2000:].mean(axis=0) == pytest.approx([107.14, 34.36], abs=1e-4)


def test_positions_that_are_exact_leave_one_value() -> None:
    model = StraightLine(18.0, 1.3)
    demand = np.array([[107.10, 34.36], [107.20, 34.36]])

    def measure(lonlat: np.ndarray) -> float:
        seconds = nearest_seconds(model.bind(lonlat), demand, np.ones(len(lonlat), bool))
        return float((seconds <= 300).mean())

    stations = np.array([[107.11, 34.36]])
    rng = np.random.default_rng(4)
    exact = moved_share(measure, stations, np.zeros(1), rng=rng, replicates=20)
    assert exact == Interval(0.5, 0.5, 20)
    # 920 m away with 1,154 m of reach: 500 m of doubt bring it out of reach at times.
    vague = moved_share(measure, stations, np.array([500.0]), rng=rng, replicates=200)
    assert (vague.low, vague.high) == (0.0, 0.5)


def test_why_a_point_is_not_covered() -> None:
    """The easiest cure that would do comes first; who would need two is named by the first."""
    rows = {
        Reason.HOURS_UNKNOWN: (True, True, True, True, True),
        Reason.SERVICES_UNKNOWN: (False, True, True, True, True),
        Reason.CLOSED_THEN: (False, False, True, True, True),
        Reason.SERVICE_MISSING: (False, False, False, True, True),
        Reason.BARRIER: (False, False, False, False, True),
        Reason.NONE_NEAR: (False, False, False, False, False),
    }
    table = np.array(list(rows.values()))
    names = ("possible", "unrecorded", "chosen", "every", "straight")
    codes = explain_points(**dict(zip(names, table.T, strict=True)))
    assert [REASONS[code] for code in codes] == list(rows)


def test_the_main_reason_is_that_of_most_demand() -> None:
    """Area 0: 3 of closed against 2 of none near. Area 1: no demand, two points of three agree.

    Area 2 has no point at all.
    """
    closed, near = REASONS.index(Reason.CLOSED_THEN), REASONS.index(Reason.NONE_NEAR)
    found = main_reasons(
        np.array([0, 0, 0, 1, 1, 1]),
        np.array([closed, near, near, near, closed, near], dtype=np.int8),
        np.array([3.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        groups=3,
    )
    assert found["reason"].tolist()[:2] == ["closed_then", "none_near"]
    assert found["reason"].isna().tolist() == [False, False, True]
    assert found["reason_share"].tolist()[:2] == pytest.approx([0.6, 2 / 3])


def test_without_stations_nobody_is_near() -> None:
    bound = StraightLine(18.0, 1.3).bind(np.empty((0, 2)))
    seconds = nearest_seconds(bound, np.array([[107.0, 34.0]]), np.empty(0, dtype=bool))
    assert seconds.tolist() == [np.inf]
    empty = bound.times(np.array([[107.0, 34.0]]), limit_s=600)
    assert demand_lost_by_closing(
        np.ones(1), empty, limit_s=300, mask=np.empty(0, dtype=bool)
    ).shape == (0,)
    assert share_with_backup(np.ones(1), empty, limit_s=300, mask=np.empty(0, bool)) == 0.0
    assert floating_catchment(empty, np.ones(1), np.empty(0)).tolist() == [0.0]
    week = OpenWeek(MONDAY, np.empty((0, 672), bool), np.empty((0, 672), bool))
    points = demand_points([1.0], [0], pieces("a", "n"))
    mask = np.empty(0, dtype=bool)
    assert week_lost_by_closing(points, empty, week, limit_s=300, mask=mask).shape == (0,)
