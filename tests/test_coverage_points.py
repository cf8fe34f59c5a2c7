"""Demand points: polygons sampled by squares, points as they were given, points by areas."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from locator.coverage import (
    cover_zones,
    covered_by_limit,
    hourly_factors,
    sample_zones,
    split_zones,
    take_points,
    zone_demand,
)
from locator.coverage.quality import nearest_seconds
from locator.datum import local_crs
from locator.nearest import StationFilter
from locator.service import Service
from tests.paper_city import demand_points, pieces
from tests.patience import examples

METRES = local_crs((106.9, 34.2, 107.3, 34.5))
coordinates = st.floats(-400, 400)


def cut(*shapes: Polygon | MultiPolygon, demand: float = 10.0) -> gpd.GeoDataFrame:
    """Return pieces of zones as split_zones gives them, in metres."""
    table = pieces([f"z{n}" for n in range(len(shapes))], ["n"] * len(shapes))
    frame = gpd.GeoDataFrame(table, geometry=list(shapes), crs=METRES)
    return frame.assign(demand_per_h=demand, area_m2=frame.geometry.area)


def test_a_zone_of_four_squares() -> None:
    """200 by 200 m in squares of 100 m: a quarter of the demand at the middle of each."""
    points = sample_zones(cut(box(0, 0, 200, 200)), {}, cell_m=100)
    places = gpd.GeoSeries.from_xy(*points.lonlat.T, crs=4326).to_crs(METRES)
    found = sorted(zip(places.x.round(3), places.y.round(3), strict=True))
    assert found == [(50, 50), (50, 150), (150, 50), (150, 150)]
    assert points.demand_per_h.tolist() == pytest.approx([2.5] * 4)
    assert points.cell_m == 100


def test_a_square_cut_by_the_edge_has_its_share_by_area() -> None:
    """150 by 100 m: a whole square and half a one, 2 to 1."""
    points = sample_zones(cut(box(0, 0, 150, 100), demand=9.0), {}, cell_m=100)
    assert sorted(points.demand_per_h.tolist()) == pytest.approx([3.0, 6.0])


@settings(deadline=None, max_examples=examples(40))
@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8),
    st.floats(7, 300),
    st.floats(0, 50),
)
def test_the_points_of_a_piece_hold_its_demand(
    ring: list[tuple[float, float]], cell_m: float, demand: float
) -> None:
    hull = shapely.convex_hull(shapely.MultiPoint(ring))
    if hull.area < 1:
        return
    holed = hull.difference(box(-50, -50, 60, 40))
    shapes = [hull] if holed.area < 1 else [hull, holed]
    points = sample_zones(cut(*shapes, demand=demand), {}, cell_m=cell_m)
    sums = np.bincount(points.piece, weights=points.demand_per_h, minlength=len(shapes))
    assert sums.tolist() == pytest.approx([demand] * len(shapes))
    assert (points.demand_per_h >= 0).all()


def test_every_zone_has_a_point_however_small() -> None:
    points = sample_zones(cut(box(3, 3, 4, 4), box(-0.5, -0.5, 0.5, 0.5)), {}, cell_m=100)
    assert set(points.piece.tolist()) == {0, 1}


def test_zones_far_apart_are_cut_one_by_one() -> None:
    """Two squares of 100 m, 400 km from each other: the 32 million squares between are not made."""
    shape = MultiPolygon([box(0, 0, 100, 100), box(4e5, 2e5, 4e5 + 100, 2e5 + 100)])
    points = sample_zones(cut(shape), {}, cell_m=50)
    assert len(points) == 8


def test_without_zones_there_are_no_points() -> None:
    points = sample_zones(cut().astype({"demand_per_h": float}), {}, cell_m=100)
    assert len(points) == 0
    assert points.hourly().shape == (0, 168)


@pytest.mark.slow
def test_large_zones_are_sampled_more_coarsely() -> None:
    """200,000 points are the most: 600 by 600 km at 100 m would be 36 million."""
    points = sample_zones(cut(box(-3e5, -3e5, 3e5, 3e5)), {}, cell_m=100)
    assert points.cell_m == pytest.approx(np.sqrt(3.6e11 / 200_000))
    assert 190_000 < len(points) < 205_000


def test_each_zone_keeps_its_own_hours() -> None:
    peak = np.zeros(168)
    peak[12] = 168.0
    points = sample_zones(cut(box(0, 0, 100, 100), box(300, 0, 400, 100)), {"z0": peak}, cell_m=100)
    assert points.at(12).tolist() == pytest.approx([1680.0, 10.0])
    assert points.at(13).tolist() == pytest.approx([0.0, 10.0])
    assert points.at(None).tolist() == pytest.approx([10.0, 10.0])
    assert points.hourly().sum(axis=1).tolist() == pytest.approx([1680.0, 1680.0])


def test_sampled_cover_comes_close_to_the_polygons_as_squares_shrink(service: Service) -> None:
    snapshot = service.snapshot()
    zones, index = snapshot.hot_zones, snapshot.index
    metres = local_crs(tuple(zones.total_bounds))
    cut_zones = split_zones(zones, snapshot.districts, crs=metres, demand_per_h=zone_demand(zones))
    bound = service.travel.bind(index.lonlat)
    areas = bound.service_areas(limit_s=300.0).to_crs(metres)
    exact = cover_zones(cut_zones, areas).covered_share
    assert exact is not None
    factors = dict(zip(zones["id"], hourly_factors(zones), strict=True))
    errors = []
    for cell_m in (400, 100, 25):
        points = sample_zones(cut_zones, factors, cell_m=cell_m)
        assert points.demand_per_h.sum() == pytest.approx(zone_demand(zones).sum())
        seconds = nearest_seconds(bound, points.lonlat, index.mask(StationFilter()))
        share = covered_by_limit(seconds, points.demand_per_h, np.array([300.0]))[0]
        errors.append(abs(share - exact))
    assert errors[2] < errors[0]
    assert errors[1] < 0.003
    assert errors[2] < 0.0005


def given_points(districts: list[str | None]) -> gpd.GeoDataFrame:
    count = len(districts)
    return gpd.GeoDataFrame(
        {
            "demand_per_h": np.arange(1.0, count + 1),
            "district_name": pd.Series(districts, dtype=object),
        },
        geometry=gpd.points_from_xy(107.0 + np.arange(count) / 100, [34.3] * count, crs=4326),
    )


def test_points_stay_as_they_were_given() -> None:
    points = take_points(given_points(["n", None, "s", "n"]))
    assert points.lonlat[:, 0].tolist() == pytest.approx([107.0, 107.01, 107.02, 107.03])
    assert points.cell_m == 0
    names = points.pieces["district_name"]
    assert [names[piece] for piece in points.piece] == ["n", None, "s", "n"]
    assert points.pieces["zone_id"].isna().all()
    # The same at every hour.
    assert points.at(5).tolist() == points.at(None).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert points.hourly()[:, 0].tolist() == [5.0, 2.0, 3.0]


@pytest.mark.parametrize("districts", [[None], ["n"], [None, None], []])
def test_few_points_and_no_district(districts: list[str | None]) -> None:
    points = take_points(given_points(districts))
    assert len(points) == len(districts)
    assert points.hourly().sum() == pytest.approx(168 * sum(range(1, len(districts) + 1)))


def test_points_by_area_keep_the_hours_of_their_zone() -> None:
    """Two zones in two areas: the first area has a point of each, the second one of the second.

    One point lies in no area.
    """
    factors = np.ones((2, 168))
    factors[1] = np.repeat([2.0, 0.0], 84)
    points = demand_points([1, 2, 4, 8], [0, 1, 1, 0], pieces("ab", "ns"), factors)
    labels = pd.DataFrame({"id": [1, 2], "name": ["one", "two"]})
    found = points.regroup(np.array([0, 0, 1, -1]), labels)
    assert found.demand_per_h.tolist() == [1.0, 2.0, 4.0]
    assert found.pieces["zone_id"].tolist() == [1, 1, 2]
    assert found.pieces["zone_name"].tolist() == ["one", "one", "two"]
    assert found.pieces["district_id"].tolist() == ["n", "s", "s"]
    assert found.at(0).tolist() == [1.0, 4.0, 8.0]
    assert found.at(100).tolist() == [1.0, 0.0, 0.0]
    nobody = points.regroup(np.full(4, -1), labels)
    assert len(nobody) == len(nobody.pieces) == 0
