"""The register as it travels to a phone."""

import gzip
import json
import re
from datetime import datetime, timedelta

import geopandas as gpd
import numpy as np
import pytest
from flask.testing import FlaskClient
from shapely.geometry import Point

from locator import phone
from locator.hours import STATES
from locator.service import Service
from locator.store import Change, GeoPackageStore
from locator.web.navigation import app_links, navigation_links
from tests.conftest import MONDAY_NOON, SHANGHAI


def test_the_shipped_register_travels_in_well_under_20_kb(client: FlaskClient) -> None:
    answer = client.get("/stations.json", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 12_000
    register = json.loads(gzip.decompress(answer.data))
    assert len(register["stations"]) == 120
    assert register["helps"]["rain"] == ["seats", "rain_gear"]
    plain = client.get("/stations.json")
    assert plain.get_json() == register
    again = client.get("/stations.json", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.slow
def test_the_register_changes_with_the_store_and_with_the_hour(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    before = client.get("/stations.json")
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(name="换了名字")), actor="t")
    after = client.get("/stations.json", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "换了名字" in after.text
    store.apply(Change("stations", row.assign(status="temporarily_closed")), actor="t")
    assert "BJ-R-045" not in client.get("/stations.json").text


@pytest.mark.slow
@pytest.mark.parametrize("start", ["2026-11-23T00:00", "2026-11-23T12:00", "2026-09-30T23:59"])
def test_intervals_say_what_the_hours_table_says(service: Service, start: str) -> None:
    at = datetime.fromisoformat(start).replace(tzinfo=SHANGHAI)
    register = json.loads(phone.phone_register(service, at=at))
    snapshot = service.snapshot()
    rows = {own[0]: own for own in register["stations"]}
    first = at.replace(hour=0, minute=0)
    assert register["days"][0] * 60 == first.timestamp()
    assert register["days"][8] - register["days"][0] == 8 * 1440
    for minute in (*range(0, 8 * 1440, 97), 8 * 1440 - 1):
        states = snapshot.index.states(at) if minute == 0 else None
        moment = first + timedelta(minutes=minute)
        table = snapshot.index._hours_of(at)
        when = np.full(len(snapshot.stations), moment.timestamp())
        states = table.at(np.arange(len(snapshot.stations)), when).state
        for station, state in zip(snapshot.stations["id"], states, strict=True):
            spans = register["schedules"][rows[station][6]]
            told = 2 if spans is None else 0
            told = next((s for a, b, s in spans or [] if a <= minute < b), told)
            assert told == state, (station, moment, STATES[state])


def test_places_are_found_by_their_sound() -> None:
    assert phone._pinyin("渭滨区") == ("weibinqu", "wbq")
    assert phone._pinyin("虢镇") == ("guozhen", "gz")
    assert phone._pinyin("重庆路") == ("chongqinglu", "cql")


@pytest.fixture
def many(store: GeoPackageStore) -> GeoPackageStore:
    """Give a store with more stations than travel whole, on both sides of zero degrees."""
    rng = np.random.default_rng(1)
    count = phone.MANY_STATIONS + 200
    lonlat = np.column_stack([rng.uniform(-1, 1, count), rng.uniform(-1, 1, count)])
    frame = gpd.GeoDataFrame(
        {"id": [f"m{n:05d}" for n in range(count)], "name": "站", "kind": "rest_post"},
        geometry=[Point(*place) for place in lonlat],
        crs="EPSG:4326",
    )
    store.apply(Change("stations", frame), actor="t")
    return store


@pytest.mark.slow
def test_cells_hold_every_station_once(client: FlaskClient, many: GeoPackageStore) -> None:
    head = client.get("/stations.json").get_json()
    assert "stations" not in head
    assert len(client.get("/stations.json").data) < 20_000
    found = []
    for key, number in head["cells"].items():
        cell = client.get(f"/stations/cells/{key}.json").get_json()
        assert len(cell["stations"]) == number
        column, row = (int(part) for part in key.split("_"))
        for own in cell["stations"]:
            assert column <= own[3] / head["cell_deg"] <= column + 1
            assert row <= own[4] / head["cell_deg"] <= row + 1
        found += [own[0] for own in cell["stations"]]
    active = many.read("stations", where={"status": "active"})
    assert sorted(found) == sorted(active["id"])
    assert client.get("/stations/cells/999_999.json").status_code == 404
    assert client.get("/stations/cells/x.json").status_code == 404


def test_notices_travel_only_while_they_matter(service: Service, store: GeoPackageStore) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    for begins, ends, travels in (
        ("2026-11-20", "2026-11-30", True),
        ("2026-12-01", None, True),
        ("2026-12-02", None, False),
        (None, "2026-11-22", False),
    ):
        noted = row.assign(notice="清凉用品", notice_from=begins, notice_until=ends)
        store.apply(Change("stations", noted), actor="t")
        assert ("清凉用品" in phone.phone_register(service, at=MONDAY_NOON)) == travels


def test_what_is_packed_and_what_is_not(client: FlaskClient) -> None:
    packed = {"Accept-Encoding": "gzip, br"}
    for path in ("/", "/stations/BJ-R-001", "/assets/site.css", "/assets/leaflet/leaflet.js"):
        answer = client.get(path, headers=packed)
        assert answer.headers["Content-Encoding"] == "gzip", path
        assert "Accept-Encoding" in answer.headers["Vary"]
        plain = client.get(path).data
        assert len(gzip.decompress(answer.data)) == len(plain)  # a page's nonce differs each time
        assert len(answer.data) < len(plain) / 2
    assert "Content-Encoding" not in client.get("/", headers={"Accept-Encoding": "br"}).headers
    assert (
        "Content-Encoding" not in client.get("/", headers={"Accept-Encoding": "gzip;q=0"}).headers
    )
    assert "Content-Encoding" not in client.get("/healthz", headers=packed).headers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "cookie", "accepts", "expected"),
    [
        ("", "", "", "zh-CN"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "", "en-GB,en;q=0.9", "en"),
        ("", "", "fr,en;q=0.5", "en"),
        ("", "", "fr", "zh-CN"),
        ("", "zh", "en", "zh-CN"),
        ("?lang=en", "zh", "zh", "en"),
        ("?lang=xx", "", "zh", "zh-CN"),
    ],
)
def test_the_language_is_chosen_then_asked_for_then_chinese(
    client: FlaskClient, query: str, cookie: str, accepts: str, expected: str
) -> None:
    if cookie:
        client.set_cookie("lang", cookie)
    page = client.get(f"/{query}", headers={"Accept-Language": accepts} if accepts else {})
    assert f'<html lang="{expected}">' in page.text


def test_english_pages_say_nothing_of_ours_in_chinese(client: FlaskClient) -> None:
    names = re.compile(r"[\u4e00-\u9fff]")
    for path in ("/", "/?place=nowhere", "/notices", "/nope", "/stations/BJ-R-045"):
        page = client.get(path, headers={"Accept-Language": "en"}).text
        ours = r'lang="zh-CN">中文|<details.*?</details>'
        page = re.sub(ours, "", page, flags=re.DOTALL)
        page = re.sub(r"\"source\".*", "", page)
        left = [
            line
            for line in page.splitlines()
            if names.search(line) and not any(word in line for word in ("经二路", "示意", "渭滨"))
        ]
        assert not left, path


def test_links_open_the_apps_with_their_own_datum(client: FlaskClient) -> None:
    """The check vector: WGS-84 107.2330471, 34.3646018 is GCJ-02 107.23774, 34.36319."""
    with client.application.test_request_context():
        web = {link.code: link.url for link in navigation_links("站 &", 107.2330471, 34.3646018)}
        app = {link.code: link.url for link in app_links("站 &", 107.2330471, 34.3646018)}
    assert "lat=34.363186&lon=107.237740&dev=0" in app["amap_app"]
    assert "rideType=elebike" in app["amap_app"]
    assert "latlng:34.363186,107.237740|name:%E7%AB%99%20%26" in app["baidu_app"]
    assert "coord_type=gcj02" in app["baidu_app"]
    assert "tocoord=34.363186,107.237740" in app["tencent_app"]
    assert app["geo"] == "geo:34.364602,107.233047?q=34.364602,107.233047(%E7%AB%99%20%26)"
    assert "mode=ride" in web["amap"]
