"""Coverage hour by hour: on paper, against a plain triple loop, and against the minutes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from locator.coverage import OpenWeek, cover_week, open_week
from locator.coverage.week import within_reach
from locator.hours import HoursRules, read_spans
from locator.schema import State
from locator.service import Service
from tests.conftest import SHANGHAI
from tests.paper_city import (
    ALL,
    DEMAND,
    FAR,
    HOURS,
    MONDAY,
    SECONDS,
    demand_points,
    paper_points,
    paper_week,
    pieces,
    sparse,
)
from tests.patience import examples

PLAIN = HoursRules(SHANGHAI, "CN", {})


def test_the_hours_of_the_paper_city() -> None:
    """Within 300 s: a of S1 and S2, b of S1, c of S2 alone, d of none.

    Monday 10:00: demand 40 + 60 + 20 + 10 = 130, covered 120, all that ever is.
    Monday 20:00: S2 is closed, so c is lost: 100 of 130 are covered, 20 lost to hours.
    Sunday 23:00: b has no demand: 40 of 70, 20 lost.
    """
    week = cover_week(paper_points(), sparse(SECONDS), paper_week(), limit_s=300, mask=ALL)
    hours = week.shares().set_index("hour")
    assert hours["demand_per_h"].loc[[10, 20, 167]].tolist() == [130, 130, 70]
    assert hours["covered_per_h"].loc[[10, 20, 167]].tolist() == [120, 100, 40]
    assert hours["always_per_h"].loc[[10, 20, 167]].tolist() == [120, 120, 60]
    expected = [0, 20 / 130, 20 / 70]
    assert hours["lost_to_hours"].loc[[10, 20, 167]].tolist() == pytest.approx(expected)
    assert hours["possible_share"].tolist() == hours["covered_share"].tolist()


def test_the_whole_week_of_the_paper_city() -> None:
    """Demand 100 an hour, 16,800 a week. Covered: a 40 x 168, b 30 x 168, c 20 in 50 hours.

    That is 6,720 + 5,040 + 1,000 = 12,760; around the clock 90 x 168 = 15,120. The worst hour is
    a weekday's night in which b orders twice: 20 of c and 10 of d are unserved at any of them, so
    the first, Monday 00:00. District n is whole; s loses 118 hours; outside, d is never served.
    """
    week = cover_week(paper_points(), sparse(SECONDS), paper_week(), limit_s=300, mask=ALL)
    assert week.week() == pytest.approx(
        {
            "covered_share": 12_760 / 16_800,
            "possible_share": 12_760 / 16_800,
            "always_share": 15_120 / 16_800,
            "lost_to_hours": 2_360 / 16_800,
        }
    )
    by = week.by("district")
    assert by["id"].tolist()[:2] == ["n", "s"]
    assert by["id"].isna().tolist() == [False, False, True]
    assert by["demand_per_week"].tolist() == pytest.approx([70 * 168, 20 * 168, 10 * 168])
    assert by["covered_share"].tolist() == pytest.approx([1.0, 50 / 168, 0.0])
    assert by["lost_to_hours"].tolist() == pytest.approx([0.0, 118 / 168, 0.0])
    assert by["worst_hour"].isna().tolist() == [True, False, False]
    assert by["worst_hour"].tolist()[1:] == [0, 0]
    assert by["worst_unserved_per_h"].tolist() == pytest.approx([0, 20, 10])
    assert week.by("zone")["id"].tolist() == ["a", "b", "c", "d"]


def test_unknown_hours_are_possible_and_never_sure() -> None:
    """At 400 s S3 reaches c, and nobody knows when: c may be served at night, not surely."""
    week = cover_week(paper_points(), sparse(SECONDS), paper_week(), limit_s=400, mask=ALL)
    night = week.shares().set_index("hour").loc[20]
    assert night["covered_per_h"] == 100
    assert night["possible_per_h"] == 120
    assert night["always_per_h"] == 120


def test_a_station_that_does_not_count_covers_nothing() -> None:
    week = cover_week(
        paper_points(), sparse(SECONDS), paper_week(), limit_s=300, mask=np.array([0, 1, 1], bool)
    )
    shares = week.week()
    # a in reach of S2 for 50 hours, c likewise; b of nobody.
    assert shares["covered_share"] == pytest.approx(50 * 60 / 16_800)
    assert shares["always_share"] == pytest.approx(168 * 60 / 16_800)
    nobody = cover_week(
        paper_points(), sparse(SECONDS), paper_week(), limit_s=300, mask=np.zeros(3, bool)
    )
    assert nobody.week()["always_share"] == 0.0


def test_an_hour_that_is_half_open_counts_half() -> None:
    open_ = np.zeros((1, 672), dtype=bool)
    open_[0, 40:42] = True  # Monday 10:00 to 10:30
    week = OpenWeek(MONDAY, open_, open_)
    points = demand_points([8.0], [0], pieces(["a"], ["n"]))
    hours = cover_week(points, sparse([[60]]), week, limit_s=300, mask=ALL[:1]).shares()
    assert hours["covered_per_h"].tolist() == [4.0 if hour == 10 else 0.0 for hour in range(168)]


def test_a_zone_without_demand_has_no_shares() -> None:
    points = demand_points([0.0], [0], pieces(["a"], ["n"]))
    week = cover_week(points, sparse([[60, FAR, FAR]]), paper_week(), limit_s=300, mask=ALL)
    assert set(week.week().values()) == {None}
    assert week.shares()["covered_share"].isna().all()
    row = week.by("zone").iloc[0]
    assert row["covered_share"] is None
    assert row["worst_hour"] is None


@pytest.mark.parametrize(("points", "stations"), [(0, 0), (0, 3), (2, 0)])
def test_no_points_or_no_stations_are_no_trouble(points: int, stations: int) -> None:
    table = pieces(["a"] * bool(points), ["n"] * bool(points))
    given_points = demand_points([1.0] * points, [0] * points, table)
    usable = np.ones((stations, 672), dtype=bool)
    week = cover_week(
        given_points,
        sparse(np.full((points, stations), FAR)),
        OpenWeek(MONDAY, usable, usable),
        limit_s=300,
        mask=np.ones(stations, dtype=bool),
    )
    assert week.covered_per_h.shape == (bool(points), 168)
    assert not week.covered_per_h.any()
    assert len(week.by("zone")) == bool(points)
    assert {"id", "covered_share", "worst_hour"} <= set(week.by("zone").columns)


@st.composite
def cities(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    points, stations = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    minutes = arrays.arrays(np.int64, (points, stations), elements=st.integers(1, 20))
    seconds = draw(minutes) * 60.0
    seconds[seconds > 900] = np.inf
    demand = draw(arrays.arrays(np.int64, points, elements=st.integers(0, 9))).astype(float)
    piece = draw(arrays.arrays(np.int64, points, elements=st.integers(0, 2)))
    mask = draw(arrays.arrays(np.bool_, stations))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    # Some stations keep the same hours, some their own.
    schedules = rng.random((max(1, stations - 1), 672)) < rng.random()
    usable = schedules[rng.integers(0, len(schedules), stations)]
    factors = rng.random((3, 168)) * 2
    return seconds, demand, piece, mask, usable, factors


@settings(deadline=None, max_examples=examples(30))
@given(cities())
def test_the_week_against_a_plain_loop(city: tuple[np.ndarray, ...]) -> None:
    seconds, demand, piece, mask, usable, factors = city
    points = demand_points(demand, piece, pieces("abc", "nns"), factors)
    found = cover_week(
        points, sparse(seconds), OpenWeek(MONDAY, usable, usable), limit_s=600, mask=mask
    )
    expected = np.zeros((3, 168))
    for point in range(len(demand)):
        reached = [s for s in range(len(mask)) if mask[s] and seconds[point, s] <= 600]
        for hour in range(168):
            for slot in range(4 * hour, 4 * hour + 4):
                if any(usable[s, slot] for s in reached):
                    expected[piece[point], hour] += demand[point] * factors[piece[point], hour] / 4
    np.testing.assert_allclose(found.covered_per_h, expected, rtol=1e-6, atol=1e-9)


def test_more_than_sixty_four_schedules() -> None:
    """A hundred stations, each with hours of its own; of 6,000 points each reaches three."""
    rng = np.random.default_rng(7)
    usable = rng.random((100, 672)) < 0.2
    seconds = np.full((6000, 100), np.inf)
    for point in range(6000):
        seconds[point, rng.choice(100, 3, replace=False)] = 60
    demand = rng.random(6000)
    points = demand_points(demand, np.zeros(6000), pieces(["a"], ["n"]))
    week = OpenWeek(MONDAY, usable, usable)
    found = cover_week(points, sparse(seconds), week, limit_s=300, mask=np.ones(100, bool))
    reached = (np.isfinite(seconds).astype(int) @ usable.astype(int)) > 0
    expected = (demand @ reached).reshape(168, 4).mean(axis=1)
    np.testing.assert_allclose(found.covered_per_h[0], expected)


def test_reach_keeps_rows_without_stations() -> None:
    reach = within_reach(sparse(SECONDS), limit_s=300, mask=np.array([True, False, True]))
    assert reach.toarray().tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]


def minutes_open(
    text: str | None, rules: HoursRules, monday: date, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return which middles of the week's quarters are open, and which unknown, span by span."""
    start = datetime(monday.year, monday.month, monday.day, tzinfo=rules.timezone)
    spans = read_spans(text, rules, start=start)
    surely, unknown = np.zeros(672, dtype=bool), np.zeros(672, dtype=bool)
    for slot in range(672):
        # Local times are added to by the clock on the wall.
        middle = (start + timedelta(minutes=15 * slot + 7.5)).astimezone(UTC)
        for number, span in enumerate(spans):
            if span.start.astimezone(UTC) <= middle < span.end.astimezone(UTC):
                unknown[slot] = span.state is State.UNKNOWN
                lasts = number == len(spans) - 1 or (
                    span.end.astimezone(UTC) - middle >= timedelta(minutes=least)
                )
                surely[slot] = span.state is State.OPEN and lasts
    return surely, unknown


@pytest.mark.slow
@pytest.mark.parametrize("least", [0, 15, 20])
@pytest.mark.parametrize(
    "text",
    [
        "24/7",
        "Mo-Fr 08:00-18:00",
        "Mo-Su 22:00-06:00",
        "Mo-Fr 07:50-12:10,14:00-20:00; Sa 09:00-12:00; PH off",
        "08:00-20:00; PH 10:00-16:00",
        'Mo-Fr 09:00-17:00 unknown "ask"',
        None,
        "whenever",
    ],
)
def test_the_open_week_against_the_spans(service: Service, text: str | None, least: int) -> None:
    """Two weeks: an ordinary one, and that of the national holiday with its make-up workday."""
    for day in (date(2026, 11, 25), date(2026, 10, 7)):
        week = open_week([text, "24/7"], service.rules, day=day, min_minutes_left=least)
        assert week.monday == day - timedelta(days=2)
        surely, unknown = minutes_open(text, service.rules, week.monday, least)
        assert week.open[0].tolist() == surely.tolist()
        assert week.possible[0].tolist() == (surely | unknown).tolist()
        assert week.open[1].all()


def test_where_clocks_change_hours_are_those_on_the_wall() -> None:
    """In Berlin clocks go forward on Sunday 2026-03-29 and back on 2026-10-25, both at night.

    A station open on Sundays from 10:00 to 12:00 is open in the hours 154 and 155 of each week.
    """
    rules = HoursRules(ZoneInfo("Europe/Berlin"), "DE", {})
    for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 29)):
        week = open_week(["Su 10:00-12:00"], rules, day=day, min_minutes_left=0)
        hours = week.open[0].reshape(168, 4)
        assert np.flatnonzero(hours.all(axis=1)).tolist() == [154, 155]
        assert hours.sum() == 8


def test_who_closes_too_soon_is_not_open() -> None:
    week = open_week(["Mo 08:00-09:00"], PLAIN, day=MONDAY, min_minutes_left=15)
    # 08:37.5 leaves 22.5 minutes, 08:52.5 leaves 7.5.
    assert np.flatnonzero(week.open[0]).tolist() == [32, 33, 34]


def test_the_paper_hours_are_read_as_they_are_written() -> None:
    read = open_week(HOURS, PLAIN, day=date(2026, 11, 29), min_minutes_left=0)
    assert read.monday == MONDAY
    assert (read.open == paper_week().open).all()
    assert (read.possible == paper_week().possible).all()
    assert open_week([], PLAIN, day=MONDAY, min_minutes_left=0).open.shape == (0, 672)


def test_what_is_given_is_not_changed() -> None:
    points, times = paper_points(), sparse(SECONDS)
    kept = times.copy()
    cover_week(points, times, paper_week(), limit_s=300, mask=ALL)
    assert (times != kept).nnz == 0
    assert points.demand_per_h.tolist() == DEMAND.tolist()
