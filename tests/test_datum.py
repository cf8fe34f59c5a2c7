"""Datums: the check vector, round trips, and what lies outside China."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locator.datum import (
    bd09_to_bd09mc,
    bd09_to_gcj02,
    bd09mc_to_bd09,
    from_wgs84,
    gcj02_to_bd09,
    geodesic_m,
    in_metres,
    limits,
    local_crs,
    to_wgs84,
    wgs84_to_gcj02,
)
from locator.errors import DatumError
from locator.schema import Datum

WGS84 = (107.2330471, 34.3646018)
GCJ02 = (107.2377452, 34.3631904)
BD09 = (107.2443216, 34.3690025)
# The vector was taken from a map service; it and the open formula agree to 0.7 m.
VECTOR_AGREES_M = 0.75

lon_in_china = st.floats(75.0, 134.0)
lat_in_china = st.floats(18.5, 53.0)


def apart_m(a: tuple[object, object], b: tuple[object, object]) -> float:
    return float(geodesic_m(a[0], a[1], b[0], b[1]))


def test_check_vector_of_baoji() -> None:
    assert apart_m(wgs84_to_gcj02(*WGS84), GCJ02) < VECTOR_AGREES_M
    assert apart_m(from_wgs84(*WGS84, Datum.BD09), BD09) < VECTOR_AGREES_M
    assert apart_m(to_wgs84(*GCJ02, Datum.GCJ02), WGS84) < VECTOR_AGREES_M
    assert apart_m(to_wgs84(*BD09, Datum.BD09), WGS84) < VECTOR_AGREES_M


def test_at_baoji_the_datums_lie_as_far_apart_as_measured() -> None:
    assert 421 <= apart_m(wgs84_to_gcj02(*WGS84), WGS84) <= 481
    assert 1100 <= apart_m(from_wgs84(*WGS84, Datum.BD09), WGS84) <= 1180


@given(lon_in_china, lat_in_china, st.sampled_from(list(Datum)))
def test_there_and_back_is_exact_to_a_millimetre(lon: float, lat: float, datum: Datum) -> None:
    there = from_wgs84(lon, lat, datum)
    # Between two bands of Baidu's metres lies a gap of 1 cm that has none.
    exact_m = 0.02 if in_metres(datum) else 0.001
    assert apart_m(to_wgs84(*there, datum), (lon, lat)) < exact_m


# The first two pairs are what Baidu's own programs give: BMap.MercatorProjection.lngLatToPoint in
# its JavaScript API, and the demonstration of its panorama SDK (whole metres). The others are
# test values of two independent converters.
@pytest.mark.parametrize(
    ("degrees", "metres", "exact_m"),
    [
        ((116.404, 39.915), (12958175.0, 4825923.77), 0.03),
        ((116.40391285827147, 39.91403075654526), (12958165, 4825783), 1.0),
        ((121.499, 31.240), (13525353.98, 3641593.36), 0.03),
        ((116.403874, 39.914889), (12958160.97, 4825907.72), 0.03),
    ],
)
def test_baidus_metres_are_those_of_baidus_programs(
    degrees: tuple[float, float], metres: tuple[float, float], exact_m: float
) -> None:
    assert apart_m(bd09mc_to_bd09(*metres), degrees) < exact_m
    assert np.hypot(*np.subtract(bd09_to_bd09mc(*degrees), metres)) < exact_m / 0.75


def test_baidus_metres_from_wgs84_as_the_panorama_sdk_says() -> None:
    wgs84, metres = (116.39129554889048, 39.906283536127169), (12958165.0, 4825783.0)
    assert apart_m(to_wgs84(*metres, Datum.BD09MC), wgs84) < VECTOR_AGREES_M
    assert np.subtract(from_wgs84(*wgs84, Datum.BD09MC), metres) == pytest.approx(0, abs=0.75)


@given(st.floats(-180, 180), st.floats(-74, 74))
def test_baidus_metres_lie_within_their_limits_and_mirror_at_the_equator(
    lon: float, lat: float
) -> None:
    east, north = bd09_to_bd09mc(lon, lat)
    assert abs(east) <= limits(Datum.BD09MC)[0] + 0.01
    # Past 60 degrees, far from China, the published tables are rougher.
    assert abs(north) <= limits(Datum.BD09MC)[1] + 20
    assert bd09_to_bd09mc(-lon, -lat) == (-east, -north)


def test_limits_are_those_of_the_unit() -> None:
    assert limits(Datum.GCJ02) == (180.0, 90.0)
    assert not in_metres(Datum.BD09)
    assert limits(Datum.BD09MC) == pytest.approx(tuple(map(float, bd09_to_bd09mc(180, 74))), abs=10)


@given(lon_in_china, lat_in_china)
def test_bd09_inverts_to_a_millimetre(lon: float, lat: float) -> None:
    assert apart_m(bd09_to_gcj02(*gcj02_to_bd09(lon, lat)), (lon, lat)) < 0.001


@pytest.mark.parametrize(("lon", "lat"), [(2.35, 48.85), (139.7, 35.7), (-74.0, 40.7)])
def test_outside_china_gcj02_is_wgs84(lon: float, lat: float) -> None:
    assert wgs84_to_gcj02(lon, lat) == (lon, lat)
    assert to_wgs84(lon, lat, Datum.GCJ02) == (lon, lat)


def test_arrays_keep_their_shape() -> None:
    lon, lat = wgs84_to_gcj02(np.full((2, 3), 107.0), np.full((2, 3), 34.0))
    assert lon.shape == lat.shape == (2, 3)


def test_a_local_projection_is_true_from_its_middle() -> None:
    from pyproj import Transformer

    crs = local_crs((106.3, 33.5, 108.1, 35.1))
    project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = project.transform([107.2, 108.1], [34.3, 35.1])
    assert np.hypot(x[1], y[1]) == pytest.approx(apart_m((107.2, 34.3), (108.1, 35.1)), rel=1e-9)


def test_an_area_too_wide_for_one_projection_is_refused() -> None:
    with pytest.raises(DatumError, match="divide it"):
        local_crs((75.0, 20.0, 130.0, 50.0))
    with pytest.raises(DatumError, match="metres"):
        local_crs((400_000.0, 3_800_000.0, 500_000.0, 3_900_000.0))
