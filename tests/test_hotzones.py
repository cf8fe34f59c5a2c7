"""Hot zones, the method: Gi* by hand and by PySAL, no zones by chance."""

import math
from collections.abc import Sequence

import geopandas as gpd
import h3
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from esda.getisord import G_Local
from hypothesis import given
from hypothesis import strategies as st
from libpysal.weights import W

from locator.coverage.demand import HOURS_OF_WEEK
from locator.errors import InputError
from locator.hotzones import (
    AreaTest,
    Cells,
    CellTally,
    CrowdedPositions,
    Span,
    ZoneNames,
    ZoneRules,
    assign_cells,
    cell_polygons,
    find_clusters,
    find_neighbours,
    find_zones,
    first_of_each,
    fit_offset,
    join_cells,
    name_zones,
    outline_cells,
    pool_hours,
    profile_demand,
    study_area,
    zone_id,
)
from locator.hotzones import clusters as clusters_module
from locator.hotzones.clusters import shuffled_p

MIDDLE = h3.latlng_to_cell(34.3692, 107.1489, 9)
NOWHERE = gpd.GeoDataFrame({"name": [], "kind": []}, geometry=[], crs=4326)


def disk(rings: int, centre: str = MIDDLE) -> npt.NDArray[np.uint64]:
    return np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(centre, rings)), dtype=np.uint64)


def counted(ids: npt.NDArray[np.uint64], rows: Sequence[int], hour: int = 12) -> Cells:
    tally = CellTally()
    each = np.repeat(ids, rows)
    tally.add(each, np.full(len(each), hour), np.ones(len(each), dtype=np.int64))
    return tally.finish()


def chain_of(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    pairs = [(i, j) for i in range(size) for j in (i - 1, i, i + 1) if 0 <= j < size]
    focal, near = np.array(pairs).T
    return focal, near


# Gi* ---------------------------------------------------------------------------------------------


def test_gi_star_of_seven_cells_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven cells in a row hold 0 0 4 5 4 1 0.

    Sum 14, m = 2; squares add up to 58, s² = 58/7 - 4 = 30/7. The fourth cell and its two
    neighbours hold 13 where 3 m = 6 is expected; the variance is s² · 3 · (7-3) / (7-1) = 60/7, so
    z = 7 / sqrt(60/7) = 2.391. The first cell and its only neighbour hold 0, expected 4, variance
    s² · 2 · 5/6 = 50/7: z = -4 / sqrt(50/7) = -1.497.

    Three draws from {0 (3/7), 1 (1/7), 4 (2/7), 5 (1/7)} reach 13 as 5+5+5 (1/343), as two 5 and a
    4 (3 · 2/343), as a 5 and two 4 (3 · 4/343): 19/343; two-sided, 38/343.
    """
    monkeypatch.setattr(clusters_module, "MIN_CELLS", 7)
    values = np.array([0, 0, 4, 5, 4, 1, 0])
    found = find_clusters(values, *chain_of(7))
    assert found.z[3] == pytest.approx(7 / math.sqrt(60 / 7))
    assert found.z[0] == pytest.approx(-4 / math.sqrt(50 / 7))
    assert found.p[3] == pytest.approx(38 / 343)
    assert found.p[0] == 1.0
    upper = 0.5 * math.erfc(float(found.z[3]) / math.sqrt(2))
    assert found.p_normal[3] == pytest.approx(2 * upper)
    assert not found.significant.any()


def test_gi_star_is_pysals(rng: np.random.Generator) -> None:
    """The other construction: PySAL's older W, from h3's own neighbours, self left to PySAL."""
    area = disk(9)
    values = rng.poisson(20, len(area))
    found = find_clusters(values, *find_neighbours(area))
    names = [h3.int_to_str(int(cell)) for cell in area]
    inside = set(names)
    neighbours = {c: [d for d in h3.grid_ring(c, 1) if d in inside] for c in names}
    weights = W(neighbours, id_order=names, silence_warnings=True)
    theirs = G_Local(values.astype(float), weights, transform="B", star=True, permutations=0)
    np.testing.assert_allclose(found.z, theirs.Zs, rtol=1e-9)
    high = found.z > 0
    np.testing.assert_allclose(found.p_normal[high], 2 * theirs.p_norm[high], rtol=1e-9)


def test_the_shuffled_p_is_what_shuffling_gives(rng: np.random.Generator) -> None:
    """20,000 shuffles without replacement of skewed counts; three standard errors are allowed."""
    area = disk(6)
    values = rng.negative_binomial(0.5, 0.05, len(area))
    focal, near = find_neighbours(area)
    inner = np.flatnonzero(np.bincount(focal) == 7)
    p = shuffled_p(values, focal, near)[inner]
    sums = np.bincount(focal, weights=values[near])[inner]
    drawn = np.array([rng.choice(values, 7, replace=False).sum() for _ in range(20_000)])
    simulated = np.array([2 * (drawn >= total).mean() for total in sums])
    told = (p < 0.9) & (p > 0.005)
    assert told.sum() > 20
    error = 2 * np.sqrt(p / 2 * (1 - p / 2) / 20_000)
    # With replacement is on the safe side: p may exceed the simulated one a little, not fall short.
    assert (p[told] >= simulated[told] - 3 * error[told]).all()
    assert np.abs(p[told] - simulated[told]).max() < 0.06


@pytest.mark.slow
@given(st.integers(2, 400))
def test_the_unit_of_the_values_changes_nothing(unit: int) -> None:
    values = np.array([0, 3, 9, 4, 1, 0, 0, 2] * 3)
    one, other = (find_clusters(values * by, *chain_of(24)) for by in (1, unit))
    np.testing.assert_allclose(one.z, other.z, rtol=1e-7)
    np.testing.assert_array_equal(one.p, other.p)


@pytest.mark.soak
def test_chance_makes_no_zones_in_more_runs_than_alpha() -> None:
    """Pure noise over 331 cells, from sparse to dense, 300 runs with fixed seeds.

    With nothing to find, every zone is a false one, and the false-discovery rate is the share of
    runs with any.
    """
    ids, false = disk(10), []
    for mean, k in ((3, 1), (6, 10), (10, 10), (30, 10), (100, 10)):
        for seed in range(60):
            rows = np.random.default_rng(seed).poisson(mean, len(ids))
            cells = counted(ids[rows > 0], rows[rows > 0].tolist())
            if cells.shown(k).any():
                found = find_zones(cells, ZoneRules(k=k), ZoneNames(NOWHERE, NOWHERE))
                false.append(len(found.zones) > 0)
    assert len(false) > 290
    assert np.mean(false) <= 0.05


def test_the_normal_curve_makes_zones_of_chance_where_cells_hold_few_rows() -> None:
    """Why it is not the default: mean 6, cells under 10 suppressed, 20 seeds of pure noise."""
    ids, names = disk(10), ZoneNames(NOWHERE, NOWHERE)
    false = {True: 0, False: 0}
    for seed in range(20):
        rows = np.random.default_rng(seed).poisson(6, len(ids))
        cells = counted(ids[rows > 0], rows[rows > 0].tolist())
        for normal in false:
            false[normal] += len(find_zones(cells, ZoneRules(normal=normal), names).zones) > 0
    assert false[True] > 10 > false[False]


def test_equal_cells_have_no_cluster_and_few_cells_no_answer() -> None:
    found = find_clusters(np.full(30, 7), *chain_of(30))
    assert not found.significant.any()
    with pytest.raises(InputError, match="fill 5 cells"):
        find_clusters(np.arange(5), *chain_of(5))


# Cells -------------------------------------------------------------------------------------------


def test_the_area_is_the_cells_with_rows_and_those_around() -> None:
    area = study_area(disk(1))
    np.testing.assert_array_equal(area, disk(2))
    focal, near = find_neighbours(area)
    sizes = np.bincount(focal)
    # 7 inner cells see 7, 6 corners 4 and 6 edge cells 5 of the 19.
    assert sorted(sizes.tolist()) == [4] * 6 + [5] * 6 + [7] * 7
    assert {(a, b) for a, b in zip(focal, near, strict=True)} >= {(i, i) for i in range(19)}


def test_a_position_is_in_the_cell_that_h3_says(rng: np.random.Generator) -> None:
    lon, lat = rng.uniform(107, 108, 50), rng.uniform(34, 35, 50)
    cells = assign_cells(lon, lat, 8)
    assert [h3.int_to_str(int(c)) for c in cells] == [
        h3.latlng_to_cell(y, x, 8) for x, y in zip(lon, lat, strict=True)
    ]


@pytest.mark.slow
@given(st.data())
def test_counting_in_pieces_is_counting_at_once(data: st.DataObject) -> None:
    cell = st.sampled_from(disk(1).tolist())
    row = st.tuples(cell, st.integers(0, 167), st.integers(0, 50))
    rows = data.draw(st.lists(row, min_size=1, max_size=60))
    cut = data.draw(st.integers(1, 60))
    whole, parts = CellTally(), CellTally()
    whole.add(*_columns(rows))
    shuffled = data.draw(st.permutations(rows))
    for start in range(0, len(rows), cut):
        parts.add(*_columns(shuffled[start : start + cut]))
    one, other = whole.finish(), parts.finish()
    for name in ("ids", "rows", "weight", "cell", "hour", "hour_rows", "hour_weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.rows.sum() == len(rows)


def _columns(
    rows: Sequence[tuple[int, int, int]],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    cells, hours, weights = zip(*rows, strict=True)
    return np.array(cells, dtype=np.uint64), np.array(hours), np.array(weights)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=37), st.integers(1, 12))
def test_no_count_below_k_is_shown_nor_found_by_subtraction(rows: list[int], k: int) -> None:
    cells = counted(disk(3)[: len(rows)], rows)
    shown = cells.shown(k)
    assert (cells.rows[shown] >= k).all()
    hidden = cells.rows[~shown]
    assert not len(hidden) or shown.sum() == 0 or (len(hidden) > 1 and hidden.sum() >= k)


# Profile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "hours"), [("2026-11-23T00", 168), ("2026-11-25T07", 400), ("2026-11-28T23", 5)]
)
def test_each_hour_of_the_week_is_counted_as_often_as_it_occurs(since: str, hours: int) -> None:
    start = np.datetime64(since, "h")
    span = Span(start, start + np.timedelta64(hours, "h"))
    expected = [0] * HOURS_OF_WEEK
    for hour in range(hours):
        moment = (start + np.timedelta64(hour, "h")).astype(object)
        expected[moment.weekday() * 24 + moment.hour] += 1
    assert span.times_each().tolist() == expected
    assert span.hours == hours == sum(expected)


def test_a_part_week_does_not_bend_the_shares() -> None:
    """Ten days from a Monday: Monday to Wednesday come twice.

    One order an hour, every hour: 240 rows. Each hour of the week has a demand of 1 an hour and a
    share of 1/168, though Monday's hours hold two rows and Sunday's one.
    """
    start = np.datetime64("2026-11-23T00", "h")
    times = Span(start, start + np.timedelta64(240, "h")).times_each()
    profile = profile_demand(times.copy(), times.copy(), times, 1, 1)
    assert profile.demand_per_h == pytest.approx(1.0)
    assert profile.shares is not None
    np.testing.assert_allclose(profile.shares, 1 / 168)


def test_hours_that_the_span_does_not_have_are_as_the_same_hour_of_other_days() -> None:
    """Monday only, 20 rows at noon, 10 an hour else: noon of every day has 20."""
    times = np.array([1] * 24 + [0] * 144)
    rows = np.array(([10] * 12 + [20] + [10] * 11) + [0] * 144)
    profile = profile_demand(rows, rows, times, 10, 1)
    assert profile.shares is not None
    rate = profile.shares * 168 * profile.demand_per_h
    np.testing.assert_allclose(rate.reshape(7, 24), np.tile(rows[:24], (7, 1)), rtol=1e-9)


@pytest.mark.slow
@given(st.lists(st.integers(0, 30), min_size=168, max_size=168), st.integers(2, 20))
def test_no_pool_of_hours_tells_on_fewer_than_k(rows: list[int], k: int) -> None:
    counts = np.array(rows)
    counts[0] += k
    pool = pool_hours(counts, k)
    assert (np.bincount(pool, weights=counts) >= k).all()
    assert set(pool.tolist()) == set(range(int(pool.max()) + 1))
    # An hour with k rows stands by itself, or took in what was left over.
    alone = [hour for hour in range(168) if counts[hour] >= k]
    assert len({int(pool[hour]) for hour in alone}) == len(alone)


def test_hours_with_few_rows_are_put_with_their_like() -> None:
    """Tuesday and Thursday noon hold 6 each, below a k of 10: one pool. The others hold 10."""
    rows = np.full(168, 10)
    rows[[36, 84]] = 6
    pool = pool_hours(rows, 10)
    assert pool[36] == pool[84]
    assert len(set(pool.tolist())) == 167


def test_a_zone_of_few_rows_is_flat_and_one_of_fewer_refused() -> None:
    rows = np.zeros(168, dtype=np.int64)
    rows[12] = 11
    # That the other hours hold none would tell as much as a number.
    alone = profile_demand(rows, rows, np.ones(168, dtype=np.int64), 10, 1)
    assert alone.shares is None
    rows[12] = 6
    rows[13] = 5
    pooled = profile_demand(rows, rows, np.ones(168, dtype=np.int64), 10, 1)
    assert pooled.pools == 1
    assert pooled.shares is None
    assert pooled.demand_per_h == pytest.approx(11 / 168)
    with pytest.raises(InputError, match="fewer than 20"):
        profile_demand(rows, rows, np.ones(168, dtype=np.int64), 20, 1)


# Zones -------------------------------------------------------------------------------------------


def test_cells_that_touch_are_one_zone_with_their_outline() -> None:
    far = h3.latlng_to_cell(34.40, 107.30, 9)
    ids = np.sort(np.concatenate([disk(1), disk(1, far)]))
    zone = join_cells(ids)
    assert sorted(np.bincount(zone).tolist()) == [7, 7]
    one = ids[zone == zone[0]]
    outline = outline_cells(one)
    assert outline.is_valid
    assert outline.geom_type == "MultiPolygon"
    union = shapely.union_all(cell_polygons(one))
    assert outline.symmetric_difference(union).area < 1e-4 * union.area


def test_a_zones_id_is_its_strongest_cells() -> None:
    ids = disk(1)
    weight = np.array([1, 1, 9, 1, 9, 1, 1])
    assert zone_id(ids, weight) == f"HZ-{h3.int_to_str(int(min(ids[2], ids[4])))}"
    assert zone_id(ids[2:], weight[2:]) == zone_id(ids, weight)


def test_zones_are_named_by_place_and_district() -> None:
    places = gpd.GeoDataFrame(
        {"name": ["虢镇", "大城"], "name_en": ["Guozhen", None], "kind": ["town", "city"]},
        geometry=gpd.points_from_xy([107.38, 107.0], [34.36, 34.0]),
        crs=4326,
    )
    districts = gpd.GeoDataFrame(
        {"name": ["陈仓区"], "name_en": ["Chencang District"]},
        geometry=[shapely.box(107.3, 34.2, 107.6, 34.5)],
        crs=4326,
    )
    centres = np.array([[107.381, 34.361], [107.39, 34.35], [107.55, 34.45], [106.0, 34.0]])
    demand = np.array([5.0, 9.0, 1.0, 1.0])
    chinese = name_zones(centres, demand, ZoneNames(places, districts, "zh"))
    assert chinese == ["虢镇 2（陈仓区）", "虢镇 1（陈仓区）", "陈仓区", "热区 1"]
    english = name_zones(centres, demand, ZoneNames(places, districts, "en"))
    assert english[:3] == [
        "Guozhen 2 (Chencang District)",
        "Guozhen 1 (Chencang District)",
        "Chencang District",
    ]


# Cleaning ----------------------------------------------------------------------------------------


def test_of_rows_with_one_key_the_first_by_content_stays() -> None:
    key = np.array([7, 8, 7, 7], dtype=np.uint64)
    time = np.array([30, 0, 10, 10])
    number = np.array([1, 2, 4, 3])
    assert first_of_each(key, time, number).tolist() == [False, True, False, True]


def test_a_position_that_holds_more_than_its_share_is_found(rng: np.random.Generator) -> None:
    lon = np.concatenate([rng.uniform(107, 108, 3_000), np.full(40, 107.5), np.full(25, 107.6)])
    lat = np.concatenate([rng.uniform(34, 35, 3_000), np.full(40, 34.5), np.full(25, 34.6)])
    for order in (slice(None), slice(None, None, -1)):
        crowded = CrowdedPositions()
        crowded.add(lon[order], lat[order])
        for start in range(0, len(lon), 500):
            piece = slice(start, start + 500)
            crowded.add_again(lon[order][piece], lat[order][piece])
        # 25 rows are fewer than the 30 and the hundredth that it takes.
        assert crowded.found() == [(107.5, 34.5, 40)]


def test_a_constant_offset_is_seen_at_the_districts_edge(rng: np.random.Generator) -> None:
    districts = gpd.GeoDataFrame(geometry=[shapely.box(107.0, 34.0, 107.2, 34.2)], crs=4326)
    lon, lat = rng.uniform(107.0, 107.2, 2_000), rng.uniform(34.0, 34.2, 2_000)
    assert fit_offset(lon, lat, districts) is None
    moved = fit_offset(lon + 0.0217, lat, districts)  # 2 km east
    assert moved is not None
    assert moved.east_m == pytest.approx(-2_000, abs=1)
    assert moved.north_m == pytest.approx(0, abs=1)
    assert moved.inside_share > 0.98 > moved.inside_share_as_is


def test_asking_cells_first_is_asking_every_point(rng: np.random.Generator) -> None:
    area = shapely.Point(107.1489, 34.3692).buffer(0.013)
    lon, lat = rng.uniform(107.12, 107.18, 5_000), rng.uniform(34.34, 34.40, 5_000)
    test = AreaTest(area)
    inside = np.concatenate(
        [test.inside(lon[p], lat[p], assign_cells(lon[p], lat[p], 9))
         for p in (slice(0, 2_000), slice(2_000, None))]
    )  # fmt: skip
    np.testing.assert_array_equal(inside, shapely.intersects_xy(area, lon, lat))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)
