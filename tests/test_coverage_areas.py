"""Gaps joined into areas under a name, and what a change covers and uncovers."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from locator.coverage import compare_gaps, merge_gaps, name_areas
from locator.datum import local_crs
from tests.paper_city import gaps

AREA = (107.0, 34.3, 107.3, 34.5)
METRES = local_crs(AREA)


def square(east_m: float, north_m: float, side_m: float = 100.0) -> Polygon:
    """Return a square so many metres from the middle, in degrees."""
    shape = box(east_m, north_m, east_m + side_m, north_m + side_m)
    return gpd.GeoSeries([shape], crs=METRES).to_crs(4326).iloc[0]


def test_gaps_within_300_m_are_one_area() -> None:
    """100 m squares: 0 and 1 lie 250 m apart, 1 and 2 too, 3 is a kilometre away.

    0, 1 and 2 hang together in a chain: 5 + 1 + 1 = 7 orders; 3 has 6 and comes second.
    """
    shapes = [square(0, 0), square(1800, 0), square(350, 0), square(700, 0)]
    given = gaps(
        shapes,
        unserved_demand_per_h=[5.0, 6.0, 1.0, 1.0],
        area_m2=[10_000.0] * 4,
        district_name=["n", "s", None, "n"],
        zone_name=["甲", "乙", "甲", "丙"],
    )
    given = given.sort_values("unserved_demand_per_h", ascending=False, ignore_index=True)
    areas, area_of = merge_gaps(given, crs=METRES)
    assert areas["rank"].tolist() == [1, 2]
    assert areas["unserved_demand_per_h"].tolist() == [7.0, 6.0]
    assert areas["gaps"].tolist() == [3, 1]
    assert areas["area_m2"].tolist() == [30_000, 10_000]
    assert areas["zone_names"].tolist() == ["甲、丙", "乙"]
    assert areas["district_name"].tolist() == ["n", "s"]
    # Given in order of demand: 乙 (6), 甲 (5), 甲 (1), 丙 (1).
    assert area_of.tolist() == [1, 0, 0, 0]
    assert areas["nearest_station_id"].tolist() == ["s0", "s1"]
    assert shapely.area(areas.geometry.to_numpy()) == pytest.approx(
        [sum(s.area for s in (shapes[0], shapes[2], shapes[3])), shapes[1].area]
    )


def test_the_distance_at_which_gaps_join_is_a_parameter() -> None:
    given = gaps([square(0, 0), square(350, 0)])
    assert len(merge_gaps(given, crs=METRES)[0]) == 1
    assert len(merge_gaps(given, crs=METRES, join_m=249)[0]) == 2
    assert len(merge_gaps(given, crs=METRES, join_m=251)[0]) == 1


def test_the_district_is_that_of_most_of_the_demand_even_if_it_is_none() -> None:
    """Two thirds of the demand lie in no district: the area is in none."""
    given = gaps([square(0, 0), square(150, 0)], district_name=[None, "n"])
    areas, _ = merge_gaps(given, crs=METRES)
    assert areas["district_name"].isna().tolist() == [True]


def test_gaps_without_demand_have_a_rank_too() -> None:
    given = gaps([square(0, 0), square(5000, 0)], unserved_demand_per_h=[0.0, 0.0])
    areas, area_of = merge_gaps(given, crs=METRES)
    assert areas["rank"].tolist() == [1, 2]
    assert area_of.tolist() == [0, 1]


def test_point_gaps_have_no_zones() -> None:
    given = gaps([square(0, 0)]).drop(columns="zone_name")
    assert merge_gaps(given, crs=METRES)[0]["zone_names"].isna().all()


def test_no_gaps_are_no_areas() -> None:
    areas, area_of = merge_gaps(gaps([]), crs=METRES)
    assert len(areas) == len(area_of) == 0
    assert {"rank", "gaps", "unserved_demand_per_h", "district_name"} <= set(areas.columns)
    assert areas.crs.to_epsg() == 4326


def places(**at: tuple[float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": list(at)}, geometry=[Point(p) for p in at.values()], crs="EPSG:4326"
    )


@pytest.mark.parametrize(
    ("east_m", "north_m", "bearing"),
    [
        (0, 2000, "N"),
        (2000, 2000, "NE"),
        (2000, 0, "E"),
        (2000, -2000, "SE"),
        (0, -2000, "S"),
        (-2000, -2000, "SW"),
        (-2000, 0, "W"),
        (-2000, 2000, "NW"),
        (200, 200, None),
    ],
)
def test_an_area_lies_to_one_side_of_its_nearest_place(
    east_m: float, north_m: float, bearing: str | None
) -> None:
    """The place is at the middle of the projection, another one 20 km off."""
    middle = gpd.GeoSeries([Point(0, 0)], crs=METRES).to_crs(4326).iloc[0]
    known = places(far=(middle.x + 0.2, middle.y), 近=(middle.x, middle.y))
    areas = merge_gaps(gaps([square(east_m - 50, north_m - 50)]), crs=METRES)[0]
    (found,) = name_areas(areas, known)
    assert found["place"] == "近"
    assert found["bearing"] == bearing
    assert found["place_m"] == pytest.approx(np.hypot(east_m, north_m), rel=0.002)


def test_without_places_areas_have_no_name() -> None:
    areas = merge_gaps(gaps([square(0, 0)]), crs=METRES)[0]
    nowhere = {"place": None, "place_m": None, "bearing": None}
    assert name_areas(areas, places()) == [nowhere]
    assert name_areas(areas.iloc[:0], places(a=(107.1, 34.4))) == []


def test_what_a_change_covers_and_uncovers() -> None:
    """Before: a square of 100 m. After: its eastern half, and 50 m beyond: 5,000 m² each way."""
    before = gaps([square(0, 0)])
    wide = gpd.GeoSeries([box(50, 0, 150, 100)], crs=METRES).to_crs(4326).iloc[0]
    found = compare_gaps(before, gaps([wide]))
    assert found["gained"]["area_m2"].tolist() == pytest.approx([5000], rel=1e-3)
    assert found["lost"]["area_m2"].tolist() == pytest.approx([5000], rel=1e-3)
    east = found["lost"].geometry.iloc[0].centroid.x
    assert east > found["gained"].geometry.iloc[0].centroid.x


def test_no_change_is_neither_gained_nor_lost() -> None:
    for given in (gaps([]), gaps([square(0, 0), square(500, 500)])):
        for part in compare_gaps(given, given).values():
            assert len(part) == 0
            assert part.crs.to_epsg() == 4326
    all_gained = compare_gaps(gaps([square(0, 0)]), gaps([]))
    assert len(all_gained["gained"]) == 1
    assert len(all_gained["lost"]) == 0
    # Areas that only touch leave lines behind, which are no areas.
    touching = compare_gaps(gaps([square(0, 0)]), gaps([square(100, 0)]))
    assert [len(part) for part in touching.values()] == [1, 1]
