"""The pages and the interface: right answers, safe headers, and no page that fails."""

import json
import logging
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from locator.errors import StoreMissingError
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from locator.web.navigation import navigation_links
from tests.conftest import fixed_clock
from tests.patience import examples

PAGES = [
    "/",
    "/?place=经二路商圈",
    "/?place=虢镇",
    "/?place=nowhere",
    "/map",
    "/embed/map",
    "/embed/nearest",
    "/embed/coverage",
    "/stations/BJ-R-001",
    "/stations/BJ-S-01",
    "/nope",
    "/stations/nope",
]


def around(client: FlaskClient, **more: str) -> str:
    """Return the page of the list around a place, as it is without a script."""
    return client.get("/", query_string={"place": "经二路商圈", "open": "any"} | more).text


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_pages_say_that_the_data_are_illustrative(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == (404 if "nope" in page else 200)
    assert "示例数据" in answer.text
    assert '<html lang="zh-CN">' in answer.text
    assert "user-scalable" not in answer.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [*PAGES, "/api/nearest?lon=107&lat=34", "/healthz", "/assets/site.css"]
)
def test_headers_keep_pages_and_positions_safe(client: FlaskClient, page: str) -> None:
    headers = client.get(page).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    framed = page.startswith("/embed/")
    assert ("frame-ancestors *" in policy) == framed
    assert ("frame-ancestors 'none'" in policy) == (not framed)


def test_a_place_is_answered_with_cards_in_order(client: FlaskClient) -> None:
    page = around(client)
    assert page.count('class="card"') == 11  # the empty form for the script is one of them
    assert page.index("经二路商圈外卖骑手党群服务站") < page.index("经二路城市驿站</span>")
    assert "uri.amap.com/navigation" in page


def test_a_position_is_taken_by_no_page_and_not_logged(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.post("/", data={"lon": "107.1", "lat": "34.3"}).status_code == 405
    with caplog.at_level(logging.DEBUG):
        client.get("/api/nearest?lon=107.123456&lat=34.345678")
        client.get("/api/nearest?lon=107.123456&lat=94.345678")
    assert "107.123456" not in caplog.text


def test_scripts_of_other_sites_may_ask_where_all_is_public(client: FlaskClient) -> None:
    """And nowhere else; faults are theirs to read too, no cookie is asked for, set or counted."""
    asking = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    asking["Access-Control-Request-Headers"] = "content-type"
    for path in ("/api/nearest?lon=107.1&lat=34.3", "/ogc/api?lang=en", "/exports/gbfs/gbfs.json"):
        before = client.options(path, headers=asking)
        assert before.status_code == 200
        assert "Content-Type" in before.headers["Access-Control-Allow-Headers"]
        assert "GET" in before.headers["Access-Control-Allow-Methods"]
        assert before.headers["Access-Control-Max-Age"] == "0"
        for answer in (before, client.get(path), client.get(f"{path.split('?')[0]}?nobody=1")):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Set-Cookie" not in answer.headers
            if path.startswith("/api/"):
                assert answer.headers["Cache-Control"] == "no-store"
    for path in ("/", "/planner", "/api/route?lon=107.1&lat=34.3&station=x", "/api/ride-times"):
        assert "Access-Control-Allow-Origin" not in client.options(path, headers=asking).headers


def test_when_nothing_is_surely_open_the_page_says_so_and_lists_the_rest(
    settings: Settings, store: GeoPackageStore
) -> None:
    stations = store.read("stations")
    silent = stations[["id", "name", "kind", "geometry"]].assign(opening_hours=None)
    store.apply(Change("stations", silent), actor="test")
    app = create_app(settings, clock=fixed_clock)
    page = around(app.test_client(), open="yes")
    app.extensions["locator"].close()
    assert "没有到达后确定还能开 15 分钟的驿站" in page
    shown = page[: page.index("<template")]
    assert shown.count('class="card"') == 10
    assert "开放时间未知" in shown
    assert "已关门" not in shown


def test_services_asked_for_come_first(client: FlaskClient) -> None:
    page = around(client, service="microwave")
    first = page[page.index('class="services"') :][:200]
    assert "微波炉" in first.split("</span></span>")[0]


def test_a_place_by_part_of_its_name(client: FlaskClient) -> None:
    many = client.get("/?place=镇").text
    assert "您指的是哪里？" in many
    one = client.get("/?place=经二路商圈").text
    assert ">离经二路商圈最近</h1>" in one
    station = client.get("/?place=经二路城市").text
    assert 'href="/stations/BJ-R-045"' in station
    district = client.get("/?place=陈仓").text
    assert 'href="#district-陈仓区"' in district


@pytest.mark.slow
def test_a_register_of_ones_own_is_not_called_illustrative(
    cli: Callable[..., Result], client: FlaskClient, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("id,name,kind,lon,lat\nx,站,rest_post,107.1489,34.3692\n", "utf-8")
    done = cli("stations", "import", path, "--mode", "replace", "--provenance", "official")
    assert done.exit_code == 0
    for page in ("/", "/stations/x"):
        assert "示例数据" not in client.get(page).text
    assert "lmap-illustrative" in client.get("/map").text  # the hot zones still are
    zones = tmp_path / "zones.geojson"
    zones.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"z",'
        '"name":"区","kind":"campus","demand_per_h":3},"geometry":{"type":"Polygon","coordinates":'
        "[[[107.1,34.3],[107.2,34.3],[107.2,34.4],[107.1,34.3]]]}}]}",
        "utf-8",
    )
    done = cli("hotzones", "import", zones, "--mode", "replace")
    assert "1 new, 0 changed, 49 removed" in done.stdout
    assert "lmap-illustrative" not in client.get("/map").text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("lon=107&lat=34", 200, ""),
        ("", 400, "'lon' is missing"),
        ("lon=x&lat=34", 400, "lon='x' is not a longitude"),
        ("lon=nan&lat=34", 400, "longitude first"),
        ("lon=inf&lat=34", 400, "longitude first"),
        ("lon=107&lat=34&k=0", 400, "must lie from 1 to 100"),
        ("lon=107&lat=34&k=1.5", 400, "must be a whole number"),
        ("lon=107&lat=34&kind=pub", 400, "must be one of"),
        ("lon=107&lat=34&open=maybe", 400, "must be one of any, known, yes"),
        ("lon=107&lat=34&at=noon", 400, "local time"),
        ("lon=107&lat=34&limit=5", 400, "not a parameter"),
    ],
)
def test_the_interface_names_what_is_wrong(
    client: FlaskClient, query: str, status: int, reason: str
) -> None:
    answer = client.get(f"/api/nearest?{query}")
    assert answer.status_code == status
    if status == 400:
        assert reason in answer.get_json()["error"]


@hypothesis_settings(
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(
        st.sampled_from(["lon", "lat", "k", "kind", "service", "at", "open", "platform", "place"]),
        st.one_of(st.text(max_size=30), st.floats().map(str), st.integers().map(str)),
    ),
    st.sampled_from(["/", "/api/nearest", "/stations.json", "/notices"]),
)
def test_no_query_ends_in_a_500(client: FlaskClient, query: dict[str, str], path: str) -> None:
    assert client.get(path, query_string=query).status_code in {200, 400}


def test_answers_are_strict_json(client: FlaskClient) -> None:
    def refuse(text: str) -> None:
        pytest.fail(f"{text} is not JSON")

    text = client.get("/api/nearest?lon=107&lat=34&k=100").text
    json.loads(text, parse_constant=refuse)


@pytest.mark.slow
def test_the_page_follows_the_store(client: FlaskClient, store: GeoPackageStore) -> None:
    assert "换了名字" not in around(client)
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(name="换了名字")), actor="test")
    assert "换了名字" in around(client)


def test_a_store_that_fails_is_503_not_a_traceback(client: FlaskClient, settings: Settings) -> None:
    path = settings.store.removeprefix("geopackage:")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE locator_meta")
    connection.close()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text


def test_without_a_store_the_application_does_not_start(settings: Settings) -> None:
    with pytest.raises(StoreMissingError, match="locator init"):
        create_app(replace(settings, store="geopackage:/nowhere/at-all.gpkg"))


@pytest.mark.slow
def test_district_lines_wait_for_the_approval_number(settings: Settings) -> None:
    def drawn(host: str, approval: str, hosts: str = "") -> bool:
        told = replace(settings, map_approval=approval, hosts=hosts)
        app = create_app(told, clock=fixed_clock)
        page = app.test_client().get("/map", headers={"Host": host}).text
        app.extensions["locator"].close()
        return '"districts":{' in page

    assert drawn("127.0.0.1:5000", "")
    assert drawn("localhost", "")
    assert not drawn("stations.example.cn", "", "stations.example.cn")
    assert not drawn("192.168.1.5:5000", "", "192.168.1.5")
    assert not drawn("localhost", "", "localhost")
    assert drawn("stations.example.cn", "GS(2026)0000号", "stations.example.cn")


def test_only_known_files_are_served(client: FlaskClient) -> None:
    for name in ("site.css", "tokens.css", "rider.js", "leaflet/leaflet.js"):
        assert client.get(f"/assets/{name}").status_code == 200
    for name in ("../base.html", "..%2fbase.html", "base.html", "leaflet/../map.css", ""):
        assert client.get(f"/assets/{name}").status_code == 404


def test_navigation_links_carry_the_datum_their_app_wants() -> None:
    """The check vector: WGS-84 107.2330471, 34.3646018 is GCJ-02 107.23774, 34.36319."""
    links = {link.name: link.url for link in navigation_links("站 & co", 107.2330471, 34.3646018)}
    assert links["高德地图"].startswith(
        "https://uri.amap.com/navigation?to=107.237740,34.363186,%E7%AB%99%20%26%20co&mode=ride"
    )
    assert "location=34.363186,107.237740" in links["百度地图"]
    assert "coord_type=gcj02" in links["百度地图"]
    assert "tocoord=34.364602,107.233047&coord_type=1" in links["腾讯地图"]
    assert "daddr=34.363186,107.237740" in links["苹果地图"]


@pytest.mark.slow
def test_a_notice_shows_between_its_dates_only(client: FlaskClient, store: GeoPackageStore) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    for begins, ends, shown in (
        ("2026-11-20", "2026-11-30", True),
        ("2026-11-24", None, False),
        (None, "2026-11-22", False),
        (None, None, True),
    ):
        noted = row.assign(notice="今天发清凉用品", notice_from=begins, notice_until=ends)
        store.apply(Change("stations", noted), actor="test")
        assert ("今天发清凉用品" in around(client)) == shown


def test_a_closed_station_keeps_its_page(client: FlaskClient, store: GeoPackageStore) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(status="closed")), actor="test")
    assert "这个驿站停用" in client.get("/stations/BJ-R-045").text
    assert "经二路城市驿站" not in around(client)


def test_the_cabinets_say_whose_riders_they_serve(client: FlaskClient) -> None:
    assert "仅限美团骑手" in client.get("/stations/BJ-S-01").text


def test_ids_with_strange_characters_have_a_page(
    cli: Callable[..., Result], client: FlaskClient, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,name,kind,lon,lat\nnode/1?#<b>,怪,rest_post,107.1489,34.3692\n", "utf-8")
    assert cli("stations", "import", path).exit_code == 0
    page = around(client)
    assert "/stations/node/1%3F%23%3Cb%3E" in page
    assert client.get("/stations/node/1%3F%23%3Cb%3E").status_code == 200


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("*", "frame-ancestors *"),
        ("'none'", "frame-ancestors 'self'"),
        ("https://a.cn https://b.cn", "frame-ancestors 'self' https://a.cn https://b.cn"),
    ],
)
def test_our_own_page_may_always_frame_the_map(settings: Settings, setting: str, told: str) -> None:
    app = create_app(replace(settings, frame_ancestors=setting), clock=fixed_clock)
    policy = app.test_client().get("/embed/map").headers["Content-Security-Policy"]
    app.extensions["locator"].close()
    assert policy.endswith(told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/ride-times", 9_000, 413),
        ("/api/route", 9_000, 413),
        ("/", 9_000, 413),
        ("/planner/answer", 9_000, 400),
        ("/planner/answer", 66_000, 413),
    ],
)
def test_a_body_is_as_long_as_its_address_needs(
    client: FlaskClient, path: str, size: int, status: int
) -> None:
    answer = client.post(path, data="x" * size, content_type="application/json")
    assert answer.status_code == status


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_shows_hours_as_they_are_coded(client: FlaskClient, language: str) -> None:
    said = {
        "zh": "周一至周五 8:30–12:00、14:00–18:00；节假日休息",
        "en": "Mon–Fri 8:30–12:00, 14:00–18:00; closed on public holidays",
    }[language]
    for path in ("/stations/BJ-R-001", "/map", "/embed/map.js"):
        page = client.get(path, query_string={"lang": language, "language": language}).text
        assert "Mo-Fr" not in page, path
        assert "PH off" not in page, path
        assert said in page, path


@pytest.mark.slow
def test_search_engines_are_told_what_is_made_up(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    """In the structured data of a station, and by keeping pages out of the index while it is so."""
    pages = ("/", "/stations/BJ-R-045", "/map", "/notices", "/planner", "/exports", "/ogc?f=html")
    noindex = '<meta name="robots" content="noindex">'
    assert all(noindex in client.get(page).text for page in pages)
    told = linked_data(client)
    assert told["additionalProperty"]["value"] == "illustrative"  # type: ignore[index]
    assert "不是真实驿站" in str(told["description"])
    stations = store.read("stations").assign(provenance="surveyed")
    store.apply(Change("stations", stations), actor="test")
    assert not any(noindex in client.get(page).text for page in pages)
    told = linked_data(client)
    assert told["additionalProperty"]["value"] == "surveyed"  # type: ignore[index]
    assert "description" not in told


def linked_data(client: FlaskClient) -> dict[str, object]:
    """Return what a station's page tells search engines."""
    page = client.get("/stations/BJ-R-045").text
    found = re.search(r"<script type=.application/ld.json.[^>]*>(.*?)</script>", page, re.DOTALL)
    assert found is not None
    told: dict[str, object] = json.loads(found[1])
    return told


@pytest.mark.slow
def test_more_stations_than_a_map_draws_are_a_map_all_the_same(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at 180,000: numbers, and a part of them drawn one by one."""
    for module in ("locator.maps.payload", "locator.showing.compose"):
        monkeypatch.setattr(f"{module}.MAX_STATIONS", 100)
    for address in ("/map", "/embed/map.js", "/embed/map?for=list"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert '"counts":[[10' in answer.text
        assert "BJ-R-045" not in answer.text
    assert "共 120 个站点，数字是各处的个数" in client.get("/map").text
    assert "的开放状态" not in client.get("/map").text
    part = client.get("/map?bbox=107.1,34.35,107.2,34.4").text
    assert '"counts":[]' in part
    assert "BJ-R-045" in part
    assert "的开放状态" in part
