"""Nearest: the same as brute force, ordered, filtered, and honest about arrival."""

from datetime import datetime

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from locator.errors import InputError
from locator.hours import HoursRules
from locator.nearest import OpenRule, StationFilter, StationIndex
from locator.schema import LAYERS, Amenity, Kind, State
from locator.service import Service
from locator.travel import StraightLine
from locator.travel import straightline as straightline_module
from tests.conftest import MONDAY_NOON, SHANGHAI
from tests.patience import examples

MODEL = StraightLine(speed_kmh=18.0, detour_factor=1.3)
RULES = HoursRules(SHANGHAI, "CN", {})


def make_index(*rows: dict[str, object]) -> StationIndex:
    """Build an index of stations given by ``id, lon, lat`` and any other field."""
    base = dict.fromkeys(LAYERS["stations"].column_names)
    base |= {"kind": "rest_post", "status": "active"}
    records = [base | {k: v for k, v in row.items() if k not in {"lon", "lat"}} for row in rows]
    points = gpd.points_from_xy([r["lon"] for r in rows], [r["lat"] for r in rows])
    frame = gpd.GeoDataFrame(records, geometry=points, crs="EPSG:4326")
    return StationIndex(frame, MODEL, RULES)


def ids(index: StationIndex, **options: object) -> list[str]:
    origin = np.array([[107.0, 34.0]])
    found = index.find(origin, at=MONDAY_NOON, **options)  # type: ignore[arg-type]
    return [str(index.stations["id"].iloc[item.row]) for item in found.of(0)]


def test_a_thousand_positions_equal_brute_force_over_all_stations(service: Service) -> None:
    index = service.snapshot().index
    rng = np.random.default_rng(20261123)
    origins = np.column_stack([rng.uniform(105.8, 108.6, 1000), rng.uniform(33.2, 35.4, 1000)])
    found = index.find(origins, at=MONDAY_NOON, k=5)
    geod = Geod(ellps="WGS84")
    for number, (lon, lat) in enumerate(origins):
        metres = [geod.inv(lon, lat, x, y)[2] for x, y in index.lonlat]
        expected = np.argsort(metres, kind="stable")[:5]
        assert found.index[number].tolist() == expected.tolist()
        assert found.distance_m[number] == pytest.approx(np.array(metres)[expected], abs=1e-6)


CENTRES = [(107, 34), (0, 0), (180, 0.5), (-180, -45), (30, 90), (0, -90), (179.999, 89.999)]


@settings(deadline=None, max_examples=examples(150))
@given(
    st.sampled_from(CENTRES),
    st.floats(-8, 2),
    st.integers(1, 300),
    st.integers(1, 12),
    st.integers(0, 2**32 - 1),
)
def test_the_tree_gives_the_order_of_geodesics_everywhere(
    centre: tuple[float, float], spread: float, stations: int, k: int, seed: int
) -> None:
    """At poles, the antimeridian, antipodes and mirrored and equal places, by brute force."""
    rng = np.random.default_rng(seed)
    spots = np.array(centre) + rng.normal(0, 10**spread, (stations, 2))
    mirrored = spots * [-1, 1] + [2 * centre[0], 0]
    lonlat = np.concatenate([spots, mirrored, spots + [180, 0] * np.array([1, -1]), spots[::-1]])
    origins = np.concatenate([[centre], spots[:3], [centre], rng.normal(0, 60, (3, 2))])
    origins[4] = centre[0] + 180, -centre[1]
    for given_points in (lonlat, origins):
        given_points[:, 0] = (given_points[:, 0] + 180) % 360 - 180
        given_points[:, 1] = np.clip(given_points[:, 1], -90, 90)
    tree = straightline_module._build_tree(lonlat)
    by_tree = straightline_module._search_tree(tree, origins, lonlat, min(k, len(lonlat)))
    metres = straightline_module._distances(origins, lonlat)
    expected = np.argsort(metres, axis=1, kind="stable")[:, :k]
    assert by_tree[0].tolist() == expected.tolist()
    assert by_tree[1] == pytest.approx(
        np.take_along_axis(metres, expected, axis=1), rel=0, abs=2e-8
    )


@settings(deadline=None, max_examples=examples(300))
@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(-9, 2.2),
    st.floats(0, 2 * np.pi),
)
def test_a_geodesic_lies_between_its_chord_and_the_bound(
    lon: float, lat: float, spread: float, direction: float
) -> None:
    step = 10**spread * np.array([np.cos(direction), np.sin(direction)])
    ends = np.array([[lon, lat], [lon + step[0], np.clip(lat + step[1], -90, 90)]])
    chord = np.linalg.norm(np.diff(straightline_module._to_ecef(ends), axis=0), axis=1)
    metres = straightline_module.geodesic_m(*ends[0], *ends[1])
    assert chord <= metres + straightline_module._ROUNDING_M / 2
    assert metres <= straightline_module._longest(chord) - straightline_module._ROUNDING_M / 2


@settings(deadline=None, max_examples=examples(300))
@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-6, 4.3), st.floats(0, 360))
def test_a_short_geodesic_is_the_arc_over_its_chord(
    lon: float, lat: float, length: float, azimuth: float
) -> None:
    """To 20 nanometres; PROJ itself promises 15 (Karney 2013)."""
    there = Geod(ellps="WGS84").fwd(lon, lat, azimuth, 10**length)[:2]
    start, end = straightline_module._to_ecef(np.array([[lon, lat], there]))
    chord = np.linalg.norm(end - start)
    arc = straightline_module._arc_m(start, end, chord)
    assert arc == pytest.approx(Geod(ellps="WGS84").inv(lon, lat, *there)[2], rel=0, abs=2e-8)


def test_many_points_are_searched_in_pieces_and_come_back_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(11)
    stations = np.column_stack([rng.uniform(107, 107.4, 300), rng.uniform(34.3, 34.4, 300)])
    origins = np.column_stack([rng.uniform(107, 107.4, 500), rng.uniform(34.3, 34.4, 500)])
    mask = rng.random(300) < 0.5
    bound = MODEL.bind(stations)
    whole, part = bound.nearest(origins, k=3), bound.nearest(origins, k=3, mask=mask)
    circles = bound.service_areas(limit_s=300)
    monkeypatch.setattr(straightline_module, "_PAIRS_UP_TO", 0)
    monkeypatch.setattr(straightline_module, "_PAIRS_AT_ONCE", 64)
    for kept, expected in ((None, whole), (mask, part)):
        found = MODEL.bind(stations).nearest(origins, k=3, mask=kept)
        assert found.index.tolist() == expected.index.tolist()
        assert found.metres == pytest.approx(expected.metres, rel=0, abs=3e-8)
    assert bound.service_areas(limit_s=300).geom_equals_exact(circles, 0.0).all()


def test_times_hold_exactly_the_pairs_within_the_limit() -> None:
    rng = np.random.default_rng(7)
    bound = MODEL.bind(np.column_stack([rng.uniform(107, 107.4, 80), rng.uniform(34.3, 34.4, 80)]))
    origins = np.column_stack([rng.uniform(107, 107.4, 50), rng.uniform(34.3, 34.4, 50)])
    times = bound.times(origins, limit_s=600.0)
    near = bound.nearest(origins, k=80)
    expected = {
        (i, int(j))
        for i in range(50)
        for j, s in zip(near.index[i], near.seconds[i], strict=True)
        if s <= 600
    }
    assert set(zip(*(part.tolist() for part in times.nonzero()), strict=True)) == expected


def test_at_the_very_place_a_time_is_not_zero() -> None:
    bound = MODEL.bind(np.array([[107.0, 34.0]]))
    assert bound.nearest(np.array([[107.0, 34.0]]), k=1).seconds[0, 0] == 0.001
    assert bound.times(np.array([[107.0, 34.0]]), limit_s=60).toarray()[0, 0] == 0.001


def test_equal_times_are_ordered_by_id() -> None:
    same = {"lon": 107.01, "lat": 34.0}
    index = make_index(
        {"id": "a", **same}, {"id": "b", **same}, {"id": "c", "lon": 107.0, "lat": 34.0}
    )
    assert ids(index, k=3) == ["c", "a", "b"]


def test_filters_by_kind_service_platform_and_status() -> None:
    near, far = {"lon": 107.0, "lat": 34.0}, {"lon": 107.02, "lat": 34.0}
    index = make_index(
        {"id": "cabinet", **near, "kind": "swap_cabinet", "platforms": "meituan"},
        {"id": "closed", **near, "status": "closed"},
        {"id": "water", **far, "services": "hot_water;seats"},
    )
    assert ids(index) == ["cabinet", "water"]
    assert ids(index, chosen=StationFilter(kinds=frozenset({Kind.REST_POST}))) == ["water"]
    assert ids(index, chosen=StationFilter(services=frozenset({Amenity.HOT_WATER}))) == ["water"]
    assert ids(index, chosen=StationFilter(platform="eleme")) == ["water"]
    assert ids(index, chosen=StationFilter(platform="meituan")) == ["cabinet", "water"]
    assert ids(index, chosen=StationFilter(services=frozenset({Amenity.TOILET}))) == []


def test_open_is_judged_on_arrival_not_on_leaving() -> None:
    # 5 km as the crow flies is 6.5 km of way: 21 min 40 s at 18 km/h. Leaving at 12:00, the
    # station that closes at 12:20 is open now and closed on arrival.
    away = {"lon": 107.0543, "lat": 34.0}
    index = make_index(
        {"id": "closes", **away, "opening_hours": "Mo-Su 09:00-12:20"},
        {"id": "opens", **away, "opening_hours": "Mo-Su 12:20-18:00"},
        {"id": "short", **away, "opening_hours": "Mo-Su 09:00-12:30"},
        {"id": "unknown", **away},
    )
    assert ids(index) == ["closes", "opens", "short", "unknown"]
    assert ids(index, rule=OpenRule.KNOWN) == ["opens", "short", "unknown"]
    assert ids(index, rule=OpenRule.YES) == ["opens", "short"]
    assert ids(index, rule=OpenRule.YES, min_minutes_left=15) == ["opens"]
    found = list(index.find(np.array([[107.0, 34.0]]), at=MONDAY_NOON).of(0))
    assert [item.state for item in found] == [State.CLOSED, State.OPEN, State.OPEN, State.UNKNOWN]
    assert found[2].minutes_left == 8
    assert found[0].opens_at == datetime(2026, 11, 24, 9, 0, tzinfo=SHANGHAI)


def test_a_filter_that_drops_the_nearest_still_finds_k() -> None:
    rows: list[dict[str, object]] = [
        {"id": f"s{n:03}", "lon": 107.0 + n * 1e-4, "lat": 34.0, "opening_hours": "off"}
        for n in range(200)
    ]
    rows += [{"id": f"t{n}", "lon": 107.5, "lat": 34.0, "opening_hours": "24/7"} for n in range(3)]
    assert ids(make_index(*rows), k=2, rule=OpenRule.YES) == ["t0", "t1"]


def test_an_empty_register_answers_with_nothing() -> None:
    index = make_index({"id": "x", "lon": 107.0, "lat": 34.0, "status": "closed"})
    assert ids(index) == []


@pytest.mark.parametrize("origin", [(np.nan, 34.0), (181.0, 34.0), (107.0, 91.0), (np.inf, 0.0)])
def test_positions_that_are_not_on_earth_are_refused(origin: tuple[float, float]) -> None:
    index = make_index({"id": "x", "lon": 107.0, "lat": 34.0})
    with pytest.raises(InputError, match="longitude first"):
        index.find(np.array([origin]), at=MONDAY_NOON)
    with pytest.raises(InputError, match="1 or more"):
        index.find(np.array([[107.0, 34.0]]), at=MONDAY_NOON, k=0)
