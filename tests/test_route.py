"""The way to a station: the same asked by GET and by POST, told in words, drawn on the map."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib import resources
from pathlib import Path

import geopandas as gpd
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from shapely.geometry import LineString, Point

from locator.intake.roads import import_roads
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.travel.lines import LineMapping
from locator.web import create_app
from tests.browser_support import watch_page
from tests.conftest import MONDAY_NOON, fixed_clock, served

NORTH, SOUTH, WEST, EAST = 34.3700, 34.3660, 107.1000, 107.1300
HOSTILE = "<img src=x onerror=alert(1)>${alert(1)}{{ 7 * 7 }}"
# A river with one bridge, far in the east; on the south bank a nameless lane leads on.
ROADS = (
    ((WEST, NORTH), (EAST, NORTH), "primary", HOSTILE),
    ((EAST, NORTH), (EAST, SOUTH), "secondary_link", "桥"),
    ((EAST, SOUTH), (107.1200, SOUTH), "residential", ""),
    ((107.1200, SOUTH), (107.1199, SOUTH), "residential", "短街"),
    ((107.1199, SOUTH), (WEST, SOUTH), "residential", ""),
)
HERE = {"longitude": 107.101049, "latitude": 34.370012, "accuracy": 20}
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
ASK = {"lon": "107.101", "lat": "34.370", "station": "across"}


@pytest.fixture
def city(settings: Settings, store: GeoPackageStore, tmp_path: Path) -> Settings:
    """Return settings of a store with a station on each bank, one out of reach, and roads."""
    stations = gpd.GeoDataFrame(
        {
            "id": ["across", "along", "far-away"],
            "name": ["对岸", "同岸", "没有路"],
            "kind": "rest_post",
            "opening_hours": "24/7",
        },
        geometry=[Point(107.1010, SOUTH), Point(107.1120, NORTH), Point(107.2, 34.5)],
        crs="EPSG:4326",
    )
    store.apply(Change("stations", stations, absent="close"), actor="t")
    lines = gpd.GeoDataFrame(
        {"highway": [kind for *_, kind, _ in ROADS], "name": [name for *_, name in ROADS]},
        geometry=[LineString(ends) for *ends, _, _ in ROADS],
        crs="EPSG:4326",
    )
    lines.to_file(tmp_path / "roads.gpkg")
    mapping = LineMapping("highway", name="name")
    import_roads(settings, store, tmp_path / "roads.gpkg", mapping=mapping)
    return settings


@pytest.fixture
def asked(city: Settings) -> Iterator[FlaskClient]:
    """Return a client of an application that knows the roads."""
    app = create_app(city, clock=fixed_clock)
    with app.test_client() as opened:
        yield opened
    app.extensions["locator"].close()


def test_a_post_answers_as_a_get_and_nothing_is_logged(
    asked: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    by_get = asked.get("/api/route", query_string=ASK)
    caplog.clear()
    by_post = asked.post("/api/route", data=ASK)
    assert by_post.status_code == by_get.status_code == 200
    assert by_post.data == by_get.data
    assert json.loads(by_post.data)["properties"]["streets"][0][0] == HOSTILE
    assert by_post.headers["Referrer-Policy"] == "no-referrer"
    assert by_post.headers["Cache-Control"] == "no-store"
    for wrong in (ASK | {"station": "nope"}, ASK | {"lon": "x"}, ASK | {"lat": "134.37"}):
        one, other = asked.post("/api/route", data=wrong), asked.get("/api/route?", data=wrong)
        assert one.status_code == other.status_code == 400
    assert "107.101" not in caplog.text
    assert "34.37" not in caplog.text


def test_out_of_reach_is_told_from_wrong(asked: FlaskClient) -> None:
    for ask in (ASK | {"station": "far-away"}, ASK | {"lon": "2.35", "lat": "48.85"}):
        for answer in (
            asked.post("/api/route", data=ask),
            asked.get("/api/route", query_string=ask),
        ):
            assert answer.status_code == 404
            assert "No road leads" in answer.get_json()["error"]
    assert asked.get("/api/route", query_string=ASK | {"station": "nope"}).status_code == 400


def test_a_post_takes_a_position_from_its_body_only(asked: FlaskClient) -> None:
    for query, body in ((ASK, {}), (ASK, ASK), ({"lon": "107.1"}, ASK)):
        answer = asked.post("/api/route", query_string=query, data=body)
        assert answer.status_code == 400
        assert "body only" in answer.get_json()["error"]
    assert asked.post("/api/route", data=ASK | {"k": "1"}).status_code == 400
    assert asked.put("/api/route", data=ASK).status_code == 405


@pytest.mark.slow
def test_only_a_page_that_knows_roads_says_that_a_position_is_sent(
    asked: FlaskClient, client: FlaskClient, settings: Settings
) -> None:
    knows = asked.get("/").get_data(as_text=True)
    assert "“发送位置，看路线”时才发送" in knows
    app = create_app(replace(settings, travel="straightline"), clock=fixed_clock)
    plain = app.test_client().get("/").get_data(as_text=True)
    assert "不发送，不记录" in plain
    assert "发送位置" not in plain
    assert "way_" not in plain
    assert 'class="quiet-button way' in knows
    assert 'class="quiet-button way' not in plain
    assert "route.js" in knows
    app.extensions["locator"].close()
    assert client.get("/").status_code == 200


# -- on a phone ------------------------------------------------------------------------------------

Opener = Callable[..., Page]


@pytest.fixture
def phone(chromium: Browser, city: Settings) -> Iterator[Opener]:
    """Return a function that opens the list on a phone, of a site with roads or without."""
    contexts: list[BrowserContext] = []
    sites = ExitStack()
    troubles: list[str] = []

    def open_phone(*, travel: str = "auto", width: int = 390, **options: object) -> Page:
        app = create_app(replace(city, travel=travel), clock=fixed_clock)
        url = sites.enter_context(served(app))
        given = {"locale": "zh-CN", "geolocation": HERE, "permissions": ["geolocation"]} | options
        context = chromium.new_context(
            viewport={"width": width, "height": 700}, reduced_motion="reduce",
            service_workers="block", base_url=url,
            **given,  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        watch_page(page, troubles)
        page.clock.set_fixed_time(MONDAY_NOON)
        page.goto("/")
        expect(page.locator("#cards .card").first).to_be_visible()
        return page

    yield open_phone
    for context in contexts:
        context.close()
    sites.close()
    assert not troubles


def ask_way(page: Page, name: str) -> None:
    page.locator("#cards .card", has_text=name).locator(".way").click()
    expect(page.locator("#way h2")).to_be_focused()


def line_on_map(page: Page) -> list[list[float]]:
    """Return the corners of the drawn way once there is one."""
    expect(page.frame_locator("iframe").locator("path.lmap-route")).to_have_count(1)
    frame = next(f for f in page.frames if "/embed/map" in f.url)
    found: list[list[float]] = frame.evaluate(
        "() => { const map = Object.values(window).find(v => v instanceof L.Map); let line = null;"
        "const isLine = layer => /^lmap-route( |$)/.test(layer.options.className || '');"
        "map.eachLayer(layer => { if (isLine(layer)) { line = layer; } });"
        "return line.getLatLngs().map(p => [p.lng, p.lat]); }"
    )
    return found


@pytest.mark.slow
@pytest.mark.browser
def test_the_way_is_sent_for_only_when_told_and_drawn_with_its_streets(phone: Opener) -> None:
    page = phone()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))  # noqa: PLW0108
    ask_way(page, "对岸")
    expect(page.locator("#way [role=status]")).to_contain_text("约 100 米精度")
    page.wait_for_load_state("networkidle")
    assert {request.method for request in sent} == {"GET"}
    page.get_by_role("button", name="发送位置，看路线").click()
    expect(page.locator("#way [role=status]")).to_have_text("按道路：19 分钟 · 5.8 km")
    posts = [request for request in sent if request.method == "POST"]
    assert [post.url.rpartition("/")[2] for post in posts] == ["route"]
    assert posts[0].post_data == "lon=107.101&lat=34.370&station=across"
    assert not [request for request in sent if "107.10" in request.url]
    # The short street counts with the lane around it, which has no name.
    streets = page.locator(".streets li")
    assert streets.all_inner_texts() == [f"{HOSTILE} 2.7 km", "桥 440 m", "街巷 2.7 km"]
    line = line_on_map(page)
    assert line[0] == [HERE["longitude"], HERE["latitude"]]  # the rider, not what was sent
    assert max(lon for lon, _ in line) == pytest.approx(EAST, abs=1e-6)
    picture = page.frame_locator("iframe").locator("path.lmap-route")
    expect(picture).to_have_attribute("aria-label", "去所选驿站的路线")
    assert page.locator("img").count() == 0
    # Once agreed to, it is not asked again, but said.
    ask_way(page, "同岸")
    expect(page.locator("#way [role=status]")).to_contain_text("按道路")
    assert streets.count() == 1
    page.get_by_role("button", name="收起路线").click()
    expect(page.frame_locator("iframe").locator("path.lmap-route")).to_have_count(0)
    expect(page.locator("#cards .card", has_text="同岸").locator(".way")).to_be_focused()
    expect(streets).to_have_count(0)


@pytest.mark.slow
@pytest.mark.browser
def test_unreachable_offline_and_trouble_each_have_their_sentence(phone: Opener) -> None:
    page = phone()
    ask_way(page, "没有路")
    page.locator("#way p button").click()
    told = page.locator("#way [role=status]")
    expect(told).to_contain_text("按道路到不了")
    page.route("**/api/route", lambda route: route.abort())
    ask_way(page, "对岸")
    expect(told).to_contain_text("现在连不上网")
    page.unroute("**/api/route")
    page.route("**/api/route", lambda route: route.fulfill(status=500, body="no"))
    page.get_by_role("button", name="再试一次").click()
    expect(told).to_contain_text("服务器出错")
    expect(page.locator("#way h2")).to_be_focused()
    page.unroute("**/api/route")
    page.get_by_role("button", name="再试一次").click()
    expect(told).to_contain_text("按道路：19 分钟")
    assert len(line_on_map(page)) > 2


@pytest.mark.slow
@pytest.mark.browser
def test_another_place_to_start_from_takes_the_way_away(phone: Opener) -> None:
    page = phone()
    ask_way(page, "对岸")
    page.locator("#way p button").click()
    assert len(line_on_map(page)) > 2
    page.context.set_geolocation(HERE | {"longitude": 107.1100})  # type: ignore[arg-type]
    page.get_by_role("button", name="更新位置").click()
    expect(page.locator("#way")).to_be_hidden()
    expect(page.frame_locator("iframe").locator("path.lmap-route")).to_have_count(0)
    expect(page.locator(".streets")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.browser
def test_a_script_that_does_not_come_is_said(phone: Opener) -> None:
    page = phone()
    page.route("**/route.js*", lambda route: route.abort())
    page.locator("#cards .way").first.click()
    expect(page.locator("#status")).to_contain_text("现在连不上网")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "send"), [("zh-CN", "看路线"), ("en-US", "Send and show")])
def test_the_way_by_keyboard_on_a_narrow_phone_without_a_fault_of_axe(
    phone: Opener, scheme: str, language: str, send: str
) -> None:
    page = phone(width=320, color_scheme=scheme, locale=language)

    def check() -> None:
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        for button in page.locator("#way button:visible, .way:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 47.5

    button = page.locator("#cards .card", has_text="对岸").locator(".way")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#way h2")).to_be_focused()
    page.frame_locator("iframe").locator(".lmap-badge").first.wait_for()
    check()
    page.keyboard.press("Tab")  # to close
    page.keyboard.press("Tab")
    assert send in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    expect(page.locator(".streets li")).to_have_count(3)
    check()
    if language == "en-US":
        expect(page.locator("#way [role=status]")).to_have_text("By road: 19 min · 5.8 km")
        expect(page.locator(".streets li").last).to_have_text("Residential street 2.7 km")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(button).to_be_focused()
