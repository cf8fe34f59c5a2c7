"""Coverage: hand-worked cases, the naive way as a second opinion, and exact circles."""

import json
from datetime import datetime

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from locator.coverage import (
    cover_points,
    cover_zones,
    covered_area_m2,
    find_gaps,
    find_point_gaps,
    hour_of_week,
    split_zones,
    zone_demand,
)
from locator.datum import local_crs
from locator.errors import InputError
from locator.nearest import StationFilter
from locator.service import Service
from locator.travel import StraightLine
from tests.conftest import SHANGHAI
from tests.patience import examples

UTM = "EPSG:32648"  # metres, for the cases worked out on paper


def zones(*shapes: Polygon, demand: float = 10.0, **columns: object) -> gpd.GeoDataFrame:
    ids = [f"z{n}" for n in range(len(shapes))]
    data = {"id": ids, "name": ids, "kind": "campus", "demand_per_h": demand} | columns
    return gpd.GeoDataFrame(data, geometry=list(shapes), crs=UTM)


def districts(*shapes: Polygon) -> gpd.GeoDataFrame:
    ids = [f"d{n}" for n in range(len(shapes))]
    return gpd.GeoDataFrame({"id": ids, "name": ids}, geometry=list(shapes), crs=UTM)


def pieces(given_zones: gpd.GeoDataFrame, given_districts: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    crs = given_zones.crs
    return split_zones(given_zones, given_districts, crs=crs, demand_per_h=zone_demand(given_zones))


def test_a_zone_across_a_line_is_cut_and_its_demand_shared_by_area() -> None:
    """A 400 by 100 m zone, 100 m of it in d0, 200 m in d1, 100 m in no district."""
    cut = pieces(
        zones(box(0, 0, 400, 100)), districts(box(-500, -500, 100, 500), box(100, -500, 300, 500))
    )
    found = {
        d: (a, w)
        for d, a, w in zip(cut["district_id"], cut["area_m2"], cut["demand_per_h"], strict=True)
    }
    assert found["d0"] == pytest.approx((10_000, 2.5))
    assert found["d1"] == pytest.approx((20_000, 5.0))
    assert found[None] == pytest.approx((10_000, 2.5))


def test_covered_demand_is_the_covered_share_of_each_zone() -> None:
    """z0: half covered. z1: untouched. z2: covered twice over, counted once.

    Demand 10 each: 5 + 0 + 10 of 30 is one half; area 5000 + 0 + 10000 of 30000 likewise.
    """
    three = zones(box(0, 0, 100, 100), box(1000, 0, 1100, 100), box(2000, 0, 2100, 100))
    areas = gpd.GeoSeries(
        [box(-50, -50, 50, 150), box(1990, -10, 2110, 110), box(1990, -10, 2200, 110)], crs=UTM
    )
    coverage = cover_zones(pieces(three, districts(box(-1e4, -1e4, 1e4, 1e4))), areas)
    assert coverage.covered_share == pytest.approx(0.5)
    assert coverage.covered_area_m2 == pytest.approx(15_000)
    by_zone = coverage.by("zone_id").set_index("zone_id")["covered_share"]
    assert by_zone.to_dict() == pytest.approx({"z0": 0.5, "z1": 0.0, "z2": 1.0})
    assert coverage.by("district_id")["demand_per_h"].tolist() == pytest.approx([30.0])


def test_percent_covered_is_of_demand_not_of_zones() -> None:
    two = zones(box(0, 0, 100, 100), box(1000, 0, 1100, 100)).assign(demand_per_h=[90.0, 10.0])
    coverage = cover_zones(
        pieces(two, districts()), gpd.GeoSeries([box(-1, -1, 101, 101)], crs=UTM)
    )
    assert coverage.covered_share == pytest.approx(0.9)


def test_without_stations_nothing_is_covered_and_without_demand_there_is_no_share() -> None:
    one = pieces(zones(box(0, 0, 100, 100)), districts())
    nothing = gpd.GeoSeries([], crs=UTM)
    assert cover_zones(one, nothing).covered_share == 0.0
    idle = pieces(zones(box(0, 0, 100, 100), demand=0.0), districts())
    assert cover_zones(idle, nothing).covered_share is None


def test_gaps_are_ranked_by_unserved_demand_and_know_their_nearest_station(
    service: Service,
) -> None:
    snapshot = service.snapshot()
    index, model = snapshot.index, StraightLine(18.0, 1.3)
    crs = local_crs(tuple(snapshot.hot_zones.total_bounds))
    demand = zone_demand(snapshot.hot_zones)
    cut = split_zones(snapshot.hot_zones, snapshot.districts, crs=crs, demand_per_h=demand)
    bound, mask = model.bind(index.lonlat), index.mask(StationFilter())
    for minutes in (5, 10):
        areas = bound.service_areas(limit_s=minutes * 60).to_crs(crs)
        coverage = cover_zones(cut, areas)
        gaps = find_gaps(coverage, snapshot.stations, bound, mask=mask)
        # The obvious way, on the same circles: one union of everything, one difference.
        naive = shapely.difference(cut.geometry.to_numpy(), shapely.union_all(areas.to_numpy()))
        left_m2 = coverage.area_m2 - coverage.covered_area_m2
        assert left_m2 == pytest.approx(shapely.area(naive).sum(), rel=1e-6)
        assert gaps["area_m2"].sum() == pytest.approx(left_m2, rel=1e-4)
        unserved = coverage.demand_per_h - coverage.covered_demand_per_h
        assert gaps["unserved_demand_per_h"].sum() == pytest.approx(unserved, rel=1e-4)
        assert gaps["unserved_demand_per_h"].is_monotonic_decreasing
        assert gaps["rank"].tolist() == list(range(1, len(gaps) + 1))
        # A gap is out of reach: from inside it the nearest station is past the standard.
        assert (gaps["nearest_ride_s"] > minutes * 60 * 0.999).all()
        # True circles cover no less than the polygons inscribed in them, and hardly more.
        points = snapshot.stations.geometry.to_crs(crs)
        centres = np.column_stack([points.x, points.y])
        radius_m = minutes * 60 / model.seconds_per_m
        exact = sum(
            covered_area_m2(z, centres, radius_m) for z in snapshot.hot_zones.geometry.to_crs(crs)
        )
        assert coverage.covered_area_m2 == pytest.approx(exact, rel=1e-4)


def test_the_area_of_circles_worked_out_on_paper() -> None:
    """A disc of radius 1 in a wide square; the half-plane; two discs one radius apart.

    Two unit discs with centres 1 apart overlap in 2 pi/3 - sqrt(3)/2 (Weisstein, MathWorld,
    Circle-Circle Intersection), so their union is 2 pi minus that.
    """
    wide = box(-10, -10, 10, 10)
    assert covered_area_m2(wide, np.array([[0.0, 0.0]]), 1.0) == pytest.approx(np.pi)
    assert covered_area_m2(box(0, -10, 10, 10), np.array([[0.0, 0.0]]), 1.0) == pytest.approx(
        np.pi / 2
    )
    lens = 2 * np.pi / 3 - np.sqrt(3) / 2
    two = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert covered_area_m2(wide, two, 1.0) == pytest.approx(2 * np.pi - lens)
    assert covered_area_m2(wide, np.array([[0.0, 0.0], [0.0, 0.0]]), 1.0) == pytest.approx(np.pi)
    assert covered_area_m2(box(0, 0, 0.5, 0.5), np.array([[0.0, 0.0]]), 1.0) == pytest.approx(0.25)
    assert covered_area_m2(box(5, 5, 6, 6), np.array([[0.0, 0.0]]), 1.0) == 0.0


def test_the_exact_area_of_a_zone_hears_nothing_of_far_stations() -> None:
    zone, near = (
        box(1e5, 2e5, 1e5 + 400, 2e5 + 300),
        np.array([[1e5 - 1000, 2e5], [1e5 - 9, 2e5 - 1100]]),
    )
    far = np.random.default_rng(5).uniform(-5e5, 9e4, (1000, 2))
    alone = covered_area_m2(zone, near, 1154.0)
    assert 0 < alone < zone.area
    assert covered_area_m2(zone, np.concatenate([far, near, -far]), 1154.0) == alone
    assert covered_area_m2(zone, far, 1154.0) == 0.0
    assert covered_area_m2(Polygon(), near, 1154.0) == 0.0


coordinates = st.floats(-1500, 1500)


@settings(deadline=None, max_examples=examples(60))
@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=12),
    st.floats(50, 900),
    st.booleans(),
)
def test_circles_agree_with_finely_drawn_polygons(
    centres: list[tuple[float, float]], radius_m: float, holed: bool
) -> None:
    shape: Polygon = box(-1000, -700, 900, 800)
    if holed:
        shape = shape.difference(box(-300, -300, 350, 250))
    drawn = shapely.union_all([shapely.Point(c).buffer(radius_m, quad_segs=512) for c in centres])
    expected = shape.intersection(drawn).area
    found = covered_area_m2(shape, np.array(centres), radius_m)
    assert found == pytest.approx(expected, rel=1e-5, abs=radius_m**2 * len(centres) * 1e-5)


def test_demand_at_an_hour_follows_the_profile() -> None:
    shares = np.zeros(168)
    shares[12], shares[18] = 0.75, 0.25
    one = zones(box(0, 0, 1, 1), demand=2.0, profile=[json.dumps(shares.tolist())])
    monday_noon = hour_of_week(datetime(2026, 11, 23, 12, 59, tzinfo=SHANGHAI))
    assert monday_noon == 12
    assert zone_demand(one, hour=monday_noon) == pytest.approx([2.0 * 168 * 0.75])
    assert zone_demand(one, hour=0) == pytest.approx([0.0])
    assert zone_demand(one) == pytest.approx([2.0])
    flat = one.assign(profile=[None])
    assert zone_demand(flat, hour=77) == pytest.approx([2.0])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"demand": -1.0}, "0 or more"),
        ({"demand": np.nan}, "0 or more"),
        ({"profile": ["[1, 2]"]}, "168 shares"),
        ({"profile": ["oops"]}, "not a list"),
        ({"profile": [json.dumps([0.5] * 168)]}, "add up to 1"),
    ],
)
def test_a_wrong_demand_is_named(columns: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=f"'z0'.*{reason}"):
        zone_demand(zones(box(0, 0, 1, 1), **columns), hour=3)  # type: ignore[arg-type]


def test_a_polygon_that_crosses_itself_is_named() -> None:
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(InputError, match="'z0'.*Fix geometries"):
        pieces(zones(bow_tie), districts())


def test_demand_points_and_their_gaps() -> None:
    """Two points near the station, three far from it in two cells that do not touch."""
    model = StraightLine(18.0, 1.3)
    bound = model.bind(np.array([[107.0, 34.0]]))
    lonlat = np.array([[107.0, 34.0], [107.001, 34.0], [107.2, 34.0], [107.2, 34.0], [107.4, 34.0]])
    covered, nearest, _ = cover_points(lonlat, bound, limit_s=300.0, mask=np.array([True]))
    assert covered.tolist() == [True, True, False, False, False]
    assert nearest.tolist() == [0] * 5
    points = gpd.GeoDataFrame(
        {"demand_per_h": [1.0, 1.0, 2.0, 3.0, 4.0], "district_name": ["a", "a", "b", "b", None]},
        geometry=gpd.points_from_xy(lonlat[:, 0], lonlat[:, 1], crs="EPSG:4326"),
    )
    station = gpd.GeoDataFrame({"id": ["s"], "name": ["站"]}, geometry=points.geometry[:1])
    crs = local_crs(tuple(points.total_bounds))
    gaps = find_point_gaps(
        points[~covered], station, bound, mask=np.array([True]), crs=crs, cell_m=500
    )
    assert gaps["unserved_demand_per_h"].tolist() == [5.0, 4.0]
    assert gaps["district_name"].tolist() == ["b", None]
    assert gaps["area_m2"].tolist() == pytest.approx([250_000, 250_000])
    assert gaps["nearest_station_name"].tolist() == ["站", "站"]
    nobody = cover_points(lonlat, bound, limit_s=300.0, mask=np.array([False]))
    assert not nobody[0].any()
    assert nobody[1].tolist() == [-1] * 5
