"""Named places: a district is where its people are, on the phone, on the page, in an embed."""

import json
import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from flask.testing import FlaskClient

from locator.answer import nearest_answer
from locator.datum import geodesic_m
from locator.nearest import OpenRule, StationFilter
from locator.phone import phone_register
from locator.places import district_middles
from locator.service import Service
from tests.conftest import MONDAY_NOON

AWAY_M = 5_000  # the next quarter


def test_each_district_is_answered_from_where_its_stations_are(service: Service) -> None:
    """From the polygon's centroid 金台区 was 17 minutes away from everything, 陈仓区 125."""
    snapshot = service.snapshot()
    assert len(snapshot.districts) == 12
    tree = shapely.STRtree(snapshot.stations.geometry.to_numpy())
    places = {place.name: place for place in snapshot.named_places}
    for name, area in zip(snapshot.districts["name"], snapshot.districts.geometry, strict=True):
        place = places[name]
        assert area.intersects(shapely.Point(place.lon, place.lat)), name
        answer = nearest_answer(
            service, place.lon, place.lat, k=1, chosen=StationFilter(), rule=OpenRule.ANY
        )
        first = answer["features"][0]
        inside = tree.query(area, predicate="intersects")
        own = shapely.get_coordinates(snapshot.stations.geometry.to_numpy()[inside])
        lon, lat = first["geometry"]["coordinates"]
        away = geodesic_m(lon, lat, own[:, 0], own[:, 1])
        assert away.min() <= 1.0, name  # the first station offered is one of the district's
        assert float(str(first["properties"]["ride_s"])) <= 10 * 60, name
        others = np.sort(away)[1 : max(2, len(away) // 4)]
        if len(away) > 4:
            assert others.max() <= AWAY_M, name  # and others of it stand around


def test_phone_page_and_embed_stand_at_the_same_middle(
    service: Service, client: FlaskClient
) -> None:
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    sent = {name: (lon, lat) for name, lon, lat, *_ in register["places"]}
    for name in service.snapshot().districts["name"]:
        page = client.get("/", query_string={"place": name, "open": "any"}).get_data(as_text=True)
        found = re.search(r'data-lon="([\d.]+)" data-lat="([\d.]+)"', page)
        assert found, name
        assert (float(found[1]), float(found[2])) == sent[name]
        first = re.search(r'class="minutes"><b>(\d+)</b>', page)
        assert first, name
        assert int(first[1]) <= 10


def square(west: float, south: float, side: float = 1.0) -> shapely.Polygon:
    return shapely.box(west, south, west + side, south + side)


def frame(geometry: list[shapely.Geometry], **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")


def test_demand_counts_before_stations_and_stations_before_the_polygon() -> None:
    districts = frame([square(107, 34), square(108, 34), square(109, 34)], name=["A", "B", "C"])
    zones = frame(
        [square(107.1, 34.1, 0.01), square(107.8, 34.8, 0.01), square(107.82, 34.8, 0.01)],
        demand_per_h=[5.0, 4.0, 4.0],
    )
    stations = [(107.5, 34.5), (108.2, 34.2), (108.9, 34.9), (108.9, 34.91)]
    middles = district_middles(districts, zones, frame([shapely.Point(at) for at in stations]))
    assert middles[0] == pytest.approx([107.805, 34.805], abs=0.02)
    assert middles[1] == pytest.approx([108.9, 34.9], abs=0.02)
    assert shapely.Point(middles[2]).within(districts.geometry.iloc[2])


def test_a_zone_of_unknown_demand_or_none_weighs_nothing() -> None:
    districts = frame([square(107, 34)], name=["A"])
    zones = frame([square(107.1, 34.1, 0.01)] * 2, demand_per_h=[None, 0.0])
    middles = district_middles(districts, zones, frame([shapely.Point(107.5, 34.5)]))
    assert middles[0] == pytest.approx([107.5, 34.5])


def test_no_districts_no_zones_no_stations_no_places() -> None:
    empty = frame([], name=[], demand_per_h=[])
    assert district_middles(empty, empty, empty).shape == (0, 2)
    middles = district_middles(frame([square(107, 34)], name=["A"]), empty, empty)
    assert middles.shape == (1, 2)
