"""The rider's page in a real Chromium at 390 px: every way to an answer, what leaves the phone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources

import geopandas as gpd
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from shapely.geometry import Point

from locator.service import open_service
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from tests.browser_support import watch_page
from tests.conftest import MONDAY_NOON, served
from tests.patience import patience

pytestmark = pytest.mark.browser

HERE = {"longitude": 107.1489, "latitude": 34.3692, "accuracy": 20}
AWAY = {"longitude": 107.2330, "latitude": 34.3646, "accuracy": 20}
PARIS = {"longitude": 2.35, "latitude": 48.85, "accuracy": 20}
WECHAT = (
    "Mozilla/5.0 (Linux; Android 10; MI 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/107.0 Mobile Safari/537.36 MicroMessenger/8.0.40 NetType/4G Language/zh_CN"
)
FAILS = "navigator.geolocation.getCurrentPosition = (good, bad) => bad({ code: %d });"


@dataclass
class Site:
    """A running site whose clock stands where the test puts it."""

    url: str
    now: datetime = MONDAY_NOON


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Run the site in a thread, at noon of a Monday."""
    held = Site("")
    with served(create_app(settings, clock=lambda: held.now)) as held.url:
        yield held


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """Collect dialogs, script errors and policy violations; any fails the test."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def phone(chromium: Browser, site: Site, troubles: list[str]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page on a phone of 390 px, its clock at the site's."""
    contexts: list[BrowserContext] = []

    def open_phone(*, script: str = "", **options: object) -> Page:
        given = {"locale": "zh-CN", "geolocation": HERE, "permissions": ["geolocation"]} | options
        context = chromium.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True,
            base_url=site.url, **given,  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.clock.set_fixed_time(site.now)
        watch_page(page, troubles)
        return page

    yield open_phone
    for context in contexts:
        context.close()


def cards(page: Page) -> list[str]:
    """Return the names on the cards once the list is there."""
    expect(page.locator("#cards .card .name").first).to_be_visible()
    return page.locator("#cards .card .name").all_inner_texts()


def test_a_position_is_answered_on_the_phone_and_leaves_no_trace(
    phone: Callable[..., Page], site: Site
) -> None:
    page = phone()
    asked: list[Request] = []
    page.context.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    page.goto("/")  # the position is allowed already: nobody has to press anything
    assert cards(page)[0] == "经二路城市驿站"
    expect(page.locator("#status")).to_have_text("定位精度约 20 米")
    expect(page.locator("h1")).to_have_text("离您最近")
    page.locator("#filters label", has_text="手机充电").click()
    page.get_by_role("button", name="再看 10 个").click()
    expect(page.locator(".card")).to_have_count(20)
    page.get_by_role("button", name="地图", exact=True).click()
    page.wait_for_load_state("networkidle")
    page.locator(".card .whole").first.click()
    expect(page.locator("h1")).to_have_text("经二路城市驿站")
    page.wait_for_load_state("networkidle")
    assert {request.method for request in asked} == {"GET"}
    told = [text for r in asked for text in (r.url, r.post_data or "", str(r.all_headers()))]
    assert not [text for text in told if "107.1" in text or "34.36" in text or "34.37" in text]
    assert {re.sub(r"\?.*", "", r.url.removeprefix(site.url)) for r in asked} >= {
        "/", "/stations.json", "/embed/map",
    }  # fmt: skip


@pytest.mark.slow
def test_the_first_tap_finds_where_the_phone_is(phone: Callable[..., Page]) -> None:
    page = phone(script="navigator.permissions.query = () => Promise.resolve({state: 'prompt'});")
    page.goto("/")
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#open-now summary").first).to_be_visible()
    button = page.get_by_role("button", name="用我的位置找最近的")
    assert button.bounding_box()["height"] >= 48  # type: ignore[index]
    button.click()
    assert len(cards(page)) == 10
    page.context.set_geolocation(AWAY)  # type: ignore[arg-type]
    before = cards(page)
    page.get_by_role("button", name="更新位置").click()
    expect(page.locator(".card .name").first).not_to_have_text(before[0])


@pytest.mark.parametrize(
    ("options", "script", "told"),
    [
        ({"permissions": []}, "", "没有位置权限"),
        ({}, FAILS % 2, "定不了位"),
        ({}, FAILS % 3, "定位用时太久"),
        ({}, "Object.defineProperty(window, 'isSecureContext', {value: false});", "需要 https"),
    ],
)
def test_without_a_position_a_place_is_found_by_name_or_pinyin(
    phone: Callable[..., Page], options: dict[str, object], script: str, told: str
) -> None:
    page = phone(script=script, **options)
    page.goto("/")
    expect(page.locator("#place")).not_to_have_attribute("list", "places")
    if page.locator("#locate").is_visible() and told not in page.locator("#status").inner_text():
        page.get_by_role("button", name="用我的位置找最近的").click()
    expect(page.locator("#status")).to_contain_text(told)
    expect(page.locator("#place")).to_be_focused()
    for typed, first in (("jinger", "经二路商圈"), ("jelsq", "经二路商圈"), ("虢", "虢镇商圈")):
        page.locator("#place").fill(typed)
        expect(page.locator(".suggestion", has_text=first).first).to_be_visible()
    page.locator("#place").fill("jelsq")
    page.locator("#place").press("Enter")
    expect(page.locator("h1")).to_have_text("离经二路商圈最近")
    assert len(cards(page)) == 10
    page.get_by_role("button", name="换地点").click()
    page.locator("#place").fill("没有的地方")
    page.locator("#place").press("Enter")
    expect(page.locator("#status")).to_contain_text("没有找到“没有的地方”")


@pytest.mark.slow
def test_a_station_is_found_by_its_name(phone: Callable[..., Page]) -> None:
    page = phone(permissions=[])
    page.goto("/")
    expect(page.locator("#place")).not_to_have_attribute("list", "places")
    page.locator("#place").fill("经二路城市")
    page.locator(".suggestion", has_text="经二路城市驿站").click()
    expect(page).to_have_url(re.compile("/stations/BJ-R-045$"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "told", "left"),
    [
        ("zh-CN", "定位很粗（约 3 公里）", "还剩"),
        ("en-US", "Your position is coarse (about 3 km)", "min left"),
    ],
)
def test_a_coarse_position_opens_the_place_box_and_makes_minutes_a_range(
    phone: Callable[..., Page], site: Site, language: str, told: str, left: str
) -> None:
    site.now = MONDAY_NOON.replace(hour=11, minute=20)  # many close at noon
    page = phone(locale=language)
    page.goto("/")
    names = cards(page)
    exact = [int(text) for text in page.locator(".minutes b").all_inner_texts()]
    assert any(left in text for text in page.locator(".state").all_inner_texts())
    page = phone(geolocation={**HERE, "accuracy": 3000}, locale=language)
    page.goto("/")
    expect(page.locator("#status")).to_contain_text(told)
    assert cards(page) == names
    expect(page.locator("#place")).to_be_visible()
    expect(page.locator("#place")).to_be_focused()
    ranges = [text.split("–") for text in page.locator(".minutes b").all_inner_texts()]
    slack = 3000 * 1.3 / (18 / 3.6) / 60
    for (low, high), minutes in zip(ranges, exact, strict=True):
        assert int(low) == pytest.approx(max(1, minutes - slack), abs=1)
        assert int(high) == pytest.approx(minutes + slack, abs=1)
    assert not any(left in text for text in page.locator(".state").all_inner_texts())
    page.locator("#elsewhere").focus()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#elsewhere")).to_be_focused()  # what renews itself takes no focus
    page.context.set_geolocation(HERE)  # type: ignore[arg-type]
    page.locator("#update").click()
    expect(page.locator("#place")).to_be_hidden()
    expect(page.locator(".minutes b").first).to_have_text(str(exact[0]))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_a_position_in_another_city_is_told_and_the_place_box_waits(
    phone: Callable[..., Page], language: str
) -> None:
    page = phone(geolocation=PARIS, locale=language)
    page.goto("/")
    far = "公里以外：这个位置可能不在本市" if language == "zh-CN" else "km away"
    expect(page.locator("#remark")).to_contain_text(far)
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#place")).to_be_visible()
    expect(page.locator("#place")).to_be_focused()
    page.locator("#place").fill("金台区")
    page.locator("#place").press("Enter")
    assert cards(page)
    assert int(page.locator(".minutes b").first.inner_text()) <= 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", r"开放 · 12:00 关门（到时还剩 \d+ 分）"),
        ("en-US", r"open until 12:00 \(\d+ min left when you arrive\)"),
    ],
)
def test_closing_is_a_clock_time_and_what_is_left_is_left_on_arrival(
    phone: Callable[..., Page], site: Site, language: str, words: str
) -> None:
    site.now = MONDAY_NOON.replace(hour=11, minute=20)
    page = phone(locale=language)
    page.goto("/")
    cards(page)
    states = page.locator("#cards .state .words").all_inner_texts()
    assert any(re.fullmatch(words, text) for text in states)
    page.goto("/embed/nearest?place=经二路商圈&count=10")
    states = page.locator("#cards .state .words").all_inner_texts()
    assert any(re.fullmatch(words, text) for text in states)
    page.goto("/stations/BJ-R-001")  # nobody knows when its reader arrives
    now = "（现在还剩 40 分）" if language == "zh-CN" else "(40 min left now)"
    expect(page.locator("main > .state")).to_contain_text(now)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_without_roads_there_is_no_button_for_a_way(
    phone: Callable[..., Page], language: str
) -> None:
    page = phone(locale=language)
    page.goto("/")
    cards(page)
    expect(page.locator(".way")).to_have_count(0)
    assert "way_" not in page.locator("#words").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_a_station_that_is_shut_sends_nobody_there(
    phone: Callable[..., Page], store: GeoPackageStore, language: str
) -> None:
    rows = store.read("stations")
    shut = rows[rows["id"].isin(["BJ-R-045", "BJ-S-01"])]
    store.apply(Change("stations", shut.assign(status="temporarily_closed")), actor="test")
    page = phone(locale=language)
    page.goto("/stations/BJ-R-045")
    expect(page.locator("main .notice").first).to_be_visible()
    expect(page.locator("a.go.wide, .links.apps, table.week")).to_have_count(0)
    expect(page.locator("main a[href*='amap.com']")).to_have_count(1)  # of the one that is open
    told = page.locator("script[type='application/ld+json']").text_content() or ""
    assert (
        '"specialOpeningHoursSpecification": []' in told
    )  # a search engine is told no hours either
    offered = page.locator("#instead + .cards .card")
    expect(offered).to_have_count(1)
    assert offered.get_attribute("data-id") != "BJ-R-045"
    assert offered.locator(".state .glyph").inner_text() in "●◐"
    assert violations(page) == []
    offered.locator(".whole").click()
    expect(page.locator("a.go.wide")).to_be_visible()
    page.goto("/stations/BJ-S-01")  # whoever wants a battery is helped by a cabinet alone
    other = page.locator("#instead + .cards .card").get_attribute("data-id") or ""
    assert other.startswith("BJ-S-")


@pytest.mark.slow
def test_a_copied_address_holds_no_coordinates(phone: Callable[..., Page]) -> None:
    page = phone()
    for station in ("BJ-R-001", "BJ-S-01"):
        page.goto(f"/stations/{station}")
        text = page.locator("#copy-address").get_attribute("data-text") or ""
        assert text.startswith(page.locator("h1").inner_text())
        assert not re.search(r"\d+\.\d{3,}", text)
    page.goto("/stations/BJ-R-001")
    copied = page.locator("#copy-address").get_attribute("data-text")
    assert copied == "经二路社区党群服务中心驿站 渭滨区经二路街道经二路"


@pytest.mark.slow
def test_the_last_position_serves_until_there_is_a_new_one(
    phone: Callable[..., Page], site: Site
) -> None:
    page = phone()
    page.goto("/")
    first = cards(page)
    page.context.clear_permissions()
    page.clock.set_fixed_time(site.now + timedelta(minutes=12))
    page.reload()
    expect(page.locator("#status")).to_have_text("上次的位置，12 分钟前")
    assert cards(page) == first
    page.get_by_role("button", name="更新位置").click()
    expect(page.locator("#status")).to_contain_text("下面先用上次的位置")
    assert cards(page) == first


@pytest.mark.slow
def test_stations_of_unknown_services_are_counted_and_listed_on_a_tap(
    store: GeoPackageStore, phone: Callable[..., Page]
) -> None:
    stations = store.read("stations").assign(services=None)
    store.apply(Change("stations", stations), actor="test")
    page = phone()
    page.goto("/")
    assert len(cards(page)) > 0
    expect(page.locator("#left-out")).to_be_hidden()  # nobody asked for a service
    page.locator("#filters label", has_text="热水").click()
    expect(page.locator("#remark")).to_contain_text("没有符合条件的驿站")
    expect(page.locator("#left-out")).to_contain_text(f"另有 {len(stations)} 个驿站没有登记服务")
    page.get_by_role("link", name="也列出来").click()
    expect(page.locator("#left-out")).to_be_hidden()
    assert len(cards(page)) > 0
    assert set(page.locator(".card .services").all_inner_texts()) == {"服务未知"}
    page.locator("#filters label", has_text="热水").click()
    page.locator(
        "#filters label", has_text="微波炉"
    ).click()  # another question: only what is known
    expect(page.locator("#left-out")).to_be_visible()


@pytest.mark.slow
def test_filters_answer_at_once_and_stay_on_the_phone(phone: Callable[..., Page]) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    page.locator("#filters label", has_text="换电").click()
    swap = cards(page)
    assert len(swap) == 3
    assert page.locator(".card .services").first.inner_text().startswith("换电")
    page.get_by_text("更多条件").click()
    page.get_by_label("我的平台").select_option("eleme")
    expect(page.locator("#remark")).to_contain_text("没有符合条件的驿站")
    page.reload()
    page.get_by_text("更多条件").click()
    expect(page.get_by_label("我的平台")).to_have_value("eleme")
    expect(page.locator("#remark")).to_contain_text("没有符合条件的驿站")
    page.get_by_label("我的平台").select_option("meituan")
    assert cards(page) == swap
    page.locator("#filters label", has_text="换电").click()
    page.get_by_label("类型").select_option("member_station")
    assert all("流动党员" in text for text in page.locator(".card .kind").all_inner_texts())
    page.get_by_label("类型").select_option("")
    page.locator("#filters label", has_text="通宵").click()
    assert all(text.endswith("开放") for text in page.locator(".card .state").all_inner_texts())


@pytest.mark.slow
def test_when_nothing_is_surely_open_the_rest_is_listed_with_words(
    phone: Callable[..., Page], store: GeoPackageStore
) -> None:
    stations = store.read("stations")
    silent = stations[["id", "name", "kind", "geometry"]].assign(opening_hours=None)
    store.apply(Change("stations", silent), actor="test")
    page = phone()
    page.goto("/")
    assert len(cards(page)) == 10
    expect(page.locator("#remark")).to_contain_text("没有到达后确定还能开 15 分钟的驿站")
    assert {t[2:] for t in page.locator(".card .state").all_inner_texts()} == {"开放时间未知"}


@pytest.mark.slow
def test_weather_and_the_next_drop_change_the_order_not_the_minutes(
    phone: Callable[..., Page],
) -> None:
    page = phone()
    page.goto("/")
    plain = cards(page)
    page.get_by_text("更多条件").click()
    page.get_by_label("天气").select_option("rain")
    expect(page.locator(".card .services").first).to_contain_text("雨具")
    page.get_by_label("天气").select_option("none")
    assert cards(page) == plain
    page.get_by_label("顺路去").fill("gaoxinguangchang")
    page.get_by_label("顺路去").press("Enter")
    expect(page.locator("h1")).to_have_text("顺路去高新广场商圈")
    added = page.locator(".card .added").all_inner_texts()
    minutes = [int(re.findall(r"\+(\d+)", text)[0]) for text in added]
    assert minutes == sorted(minutes)
    assert minutes[0] <= 1


@pytest.mark.slow
def test_a_station_tapped_on_the_map_that_is_not_listed_has_its_card_too(
    phone: Callable[..., Page],
) -> None:
    """Ten are listed; the eleventh, tapped on the map, comes to their end."""
    page = phone()
    page.goto("/")
    assert len(cards(page)) == 10
    page.locator("#map-toggle").click()
    expect(page.frame_locator("iframe").locator(".lmap-badge").first).to_be_visible()
    frame = next(f for f in page.frames if "/embed/map" in f.url)
    frame.evaluate(
        "parent.postMessage({ type: 'locator:choose', id: 'BJ-R-071' }, location.origin)"
    )
    card = page.locator("#cards .card[data-id=BJ-R-071]")
    expect(card).to_be_attached()
    expect(page.locator("#cards .card")).to_have_count(11)
    expect(card.locator(".go")).to_be_visible()
    frame.evaluate(
        "parent.postMessage({ type: 'locator:choose', id: 'BJ-R-071' }, location.origin)"
    )
    page.wait_for_timeout(patience(200))
    expect(page.locator("#cards .card")).to_have_count(11)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_words_in_an_empty_box_fit_it(phone: Callable[..., Page], locale: str) -> None:
    page = phone(permissions=[], locale=locale)
    page.goto("/")
    page.locator("#place").wait_for()
    room, needed = page.evaluate(
        """() => {
            const box = document.getElementById("place"), style = getComputedStyle(box);
            const pen = document.createElement("canvas").getContext("2d");
            pen.font = `${style.fontSize} ${style.fontFamily}`;
            const pad = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
            return [box.clientWidth - pad, pen.measureText(box.placeholder).width];
        }"""
    )
    assert room > 0
    assert needed <= room


@pytest.mark.slow
def test_a_tap_on_the_map_says_where_the_rider_goes(phone: Callable[..., Page]) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    page.get_by_text("更多条件").click()
    page.get_by_role("button", name="在地图上点").click()
    expect(page.locator("#status")).to_have_text("在地图上点一下要去的地方")
    frame = page.frame_locator("iframe")
    expect(frame.locator(".lmap-badge").first).to_be_visible()
    ground = frame.locator(".leaflet-container")
    ground.click(position={"x": 330, "y": 250})
    expect(page.locator("h1")).to_have_text("顺路去地图上的点")
    expect(page.locator(".card .added").first).to_contain_text("顺路 +")
    first = cards(page)
    ground.click(position={"x": 30, "y": 200})  # a tap that nobody asked for changes nothing
    page.wait_for_timeout(patience(300))
    assert cards(page) == first


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
@pytest.mark.parametrize("moment", ["2026-11-23T12:00", "2026-11-23T21:40", "2026-11-28T06:10"])
def test_server_and_phone_show_the_same_cards(
    phone: Callable[..., Page], site: Site, language: str, moment: str
) -> None:
    site.now = datetime.fromisoformat(moment).replace(tzinfo=MONDAY_NOON.tzinfo)
    for query in ("open=any", "open=yes&service=hot_water"):
        served = phone(java_script_enabled=False, locale=language)
        served.goto(f"/?place=经二路商圈&{query}")
        expected = served.locator("#cards .card").all_inner_texts()
        links = [a.get_attribute("href") for a in served.locator("#cards .go").all()]
        assert len(expected) == 10
        page = phone(permissions=[], locale=language)
        page.goto("/")
        expect(page.locator("#place")).not_to_have_attribute("list", "places")
        expect(page.locator("#data-age")).not_to_be_empty()
        if query == "open=any":
            page.locator("#filters label").first.click()
        else:
            page.locator("#filters label", has=page.locator("[value=hot_water]")).click()
        page.locator("#place").fill("经二路商圈")
        page.locator("#place").press("Enter")
        expect(page.locator("#cards .card")).to_have_count(10)
        told = page.locator("#cards .card").all_inner_texts()
        assert told == expected
        assert [a.get_attribute("href") for a in page.locator("#cards .go").all()] == links


@pytest.mark.slow
def test_inside_wechat_app_links_give_way_to_the_address(phone: Callable[..., Page]) -> None:
    page = phone(user_agent=WECHAT)
    page.goto("/")
    expect(page.locator(".card .go").first).to_have_attribute("href", re.compile("^https://"))
    page.goto("/stations/BJ-R-045")
    expect(page.locator(".in-wechat")).to_be_visible()
    expect(page.locator(".apps")).to_be_hidden()
    page.get_by_role("button", name="复制地址").click()
    expect(page.locator("#status")).to_have_text(re.compile("已复制|复制不了"))
    page = phone()
    page.goto("/stations/BJ-R-045")
    expect(page.locator(".apps a").last).to_have_attribute(
        "href", re.compile(r"^geo:34\.\d{6},107")
    )
    expect(page.locator(".in-wechat")).to_be_hidden()


@pytest.mark.slow
def test_the_language_is_the_browsers_and_can_be_switched(phone: Callable[..., Page]) -> None:
    page = phone(locale="en-US")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert len(cards(page)) == 10
    shown = page.locator("main").inner_text() + page.locator("footer").inner_text()
    names = cards(page)
    for name in names:
        shown = shown.replace(name, "")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_have_text("离您最近")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


@pytest.mark.slow
def test_a_notice_is_on_the_card_the_page_and_the_weeks_list(
    phone: Callable[..., Page], store: GeoPackageStore
) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    noted = row.assign(notice="今天发清凉用品", notice_from="2026-11-23", notice_until="2026-11-24")
    store.apply(Change("stations", noted), actor="test")
    page = phone()
    page.goto("/")
    expect(page.locator(".card").first).to_contain_text("通知：今天发清凉用品")
    page.goto("/stations/BJ-R-045")
    expect(page.locator("main")).to_contain_text("通知：今天发清凉用品")
    page.get_by_role("link", name="本周通知").click()
    expect(page.locator(".notices")).to_contain_text("今天发清凉用品")
    expect(page.locator(".notices")).to_contain_text("到 2026-11-24")


@pytest.mark.slow
def test_a_large_register_comes_in_cells_and_gives_the_servers_answer(
    phone: Callable[..., Page], site: Site, settings: Settings, store: GeoPackageStore
) -> None:
    rng = np.random.default_rng(5)
    places = np.column_stack([rng.uniform(105, 109, 6000), rng.uniform(33, 36, 6000)])
    frame = gpd.GeoDataFrame(
        {
            "id": [f"L{n:05d}" for n in range(6000)],
            "name": [f"站{n}" for n in range(6000)],
            "kind": "rest_post",
            "opening_hours": "24/7",
        },
        geometry=[Point(*place) for place in places],
        crs="EPSG:4326",
    )
    store.apply(Change("stations", frame), actor="test")
    page = phone(geolocation={"longitude": 105.9, "latitude": 33.4, "accuracy": 10})
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    shown = cards(page)
    cells = [url for url in asked if "/stations/cells/" in url]
    with open_service(settings, clock=lambda: site.now) as service:
        index = service.snapshot().index
        found = index.find(np.array([[105.9, 33.4]]), at=site.now, k=10)
        names = service.snapshot().stations["name"].to_numpy()[found.index[0]].tolist()
    assert shown == names
    for pattern in ("**/stations/cells/**", "**/stations*"):  # the worker may keep the head
        page.route(pattern, lambda route: route.abort())
        page.reload()
        assert cards(page) == shown  # the cells around the phone were kept
    page.unroute("**/stations*")
    page.unroute("**/stations/cells/**")
    page.context.set_geolocation({"longitude": -0.1, "latitude": 51.5})
    page.reload()
    expect(page.locator("#remark")).to_contain_text("公里以外：这个位置可能不在本市")
    assert 1 <= len(cells) <= 25
    assert not [url for url in asked if "105.9" in url]


def transferred(page: Page) -> Callable[[], int]:
    """Count the bytes that travel to a page, as they travel."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    counted: list[int] = []
    session.on("Network.loadingFinished", lambda e: counted.append(int(e["encodedDataLength"])))
    return lambda: sum(counted)


@pytest.mark.slow
def test_the_list_needs_40_kb_and_the_map_300(phone: Callable[..., Page]) -> None:
    page = phone(service_workers="block")
    count = transferred(page)
    page.goto("/")
    cards(page)
    page.wait_for_load_state("networkidle")
    assert count() <= 40_000
    page.get_by_role("button", name="地图", exact=True).click()
    expect(page.frame_locator("iframe").locator(".leaflet-container")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert count() <= 300_000


AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong, WCAG 2.2 AA and best practices."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {n['html'][:120]}" for v in found["violations"] for n in v["nodes"]]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_axe_finds_nothing_on_any_page_or_state(
    phone: Callable[..., Page], scheme: str, language: str
) -> None:
    page = phone(color_scheme=scheme, locale=language)
    for path in ("/stations/BJ-R-045", "/stations/BJ-S-01", "/notices", "/nope", "/?place=虢"):
        page.goto(path)
        assert violations(page) == [], path
    page.goto("/")
    cards(page)
    page.locator("#more summary").click()
    assert violations(page) == []
    page = phone(color_scheme=scheme, locale=language, permissions=[])
    page.goto("/")
    page.locator("#locate button").click()
    page.locator("#place").fill("jt")
    assert violations(page) == []


@pytest.mark.slow
def test_every_target_is_48_px_high_and_every_state_has_a_word(phone: Callable[..., Page]) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    page.locator("#more summary").click()
    targets = page.locator(
        "main button:visible, main select:visible, main summary:visible, main .go:visible, "
        "main .chips label:visible, main input[type=search]:visible, header a:visible"
    )
    small = []
    for target in targets.all():
        box = target.bounding_box()
        if box and box["height"] < 47.5:
            small.append((target.inner_text()[:20], box["height"]))
    assert not small
    assert all(len(t.strip()) > 1 for t in page.locator(".card .state").all_inner_texts())


@pytest.mark.slow
def test_the_keyboard_reaches_everything_in_the_order_of_reading(
    phone: Callable[..., Page],
) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.closest('.card') ? 'card' : "
                "document.activeElement.id || document.activeElement.name || ''"
            )
        )
    assert seen.index("elsewhere") < seen.index("update") < seen.index("open-yes")
    assert seen.index("open-yes") < seen.index("card")


@pytest.mark.slow
def test_without_a_network_the_last_register_answers_and_says_its_age(
    phone: Callable[..., Page], site: Site
) -> None:
    page = phone(service_workers="block")
    page.goto("/")
    first = cards(page)
    page.route("**/stations.json", lambda route: route.abort())
    page.clock.set_fixed_time(site.now + timedelta(hours=3))
    page.reload()
    assert cards(page)[0] == first[0]
    expect(page.locator("#data-age")).to_have_text("现在连不上网：这是 3 小时前 的数据。")
    page.clock.set_fixed_time(site.now + timedelta(days=9))
    page.reload()
    cards(page)
    expect(page.locator("#data-age")).to_contain_text("开放时间已经过期")
    assert {t[2:] for t in page.locator(".card .state").all_inner_texts()} == {"开放时间未知"}


@pytest.mark.slow
def test_a_steward_sets_the_weather_and_a_rider_may_choose_another(
    settings: Settings,
) -> None:
    app = create_app(replace(settings, weather="rain"), clock=lambda: MONDAY_NOON)
    assert app.test_client().get("/stations.json").get_json()["weather"] == "rain"
    app.extensions["locator"].close()


@pytest.mark.slow
def test_a_page_left_open_renews_itself_and_its_age(phone: Callable[..., Page], site: Site) -> None:
    page = phone(service_workers="block")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    cards(page)
    before = len([url for url in asked if url.endswith("/stations.json")])
    site.now += timedelta(days=2)
    page.clock.set_fixed_time(site.now)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#data-age")).to_have_text("数据更新于 刚才")
    assert len([url for url in asked if url.endswith("/stations.json")]) == before + 1
    page.route("**/stations.json", lambda route: route.abort())
    page.clock.set_fixed_time(site.now + timedelta(days=9))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#data-age")).to_contain_text("开放时间已经过期")


@pytest.mark.slow
def test_cells_of_two_days_never_mix(phone: Callable[..., Page]) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    days = page.evaluate(
        """() => {
          const made = (day, id) => ({ days: [day], dates: [String(day)], schedules: [null],
            stations: [[id, id, 0, 107, 34, 0, 0, 0, 0, 0, 0]] });
          const all = new locatorPhone.Cells({ cell_deg: 0.25, cells: { "1_1": 1, "1_2": 1 } });
          all.cells.set("1_1", made(10, "old"));
          all.cells.set("1_2", made(20, "new"));
          const dropped = all.dropOlder();
          const merged = all.merge();
          return [dropped, merged.days, merged.stations.map((own) => own[0])];
        }"""
    )
    assert days == [True, [20], ["new"]]


@pytest.mark.slow
def test_a_network_that_stalls_leaves_what_the_phone_has(phone: Callable[..., Page]) -> None:
    stalled = (
        "const real = window.fetch; const never = () => new Promise(() => {});"
        "window.fetch = (url, more) => sessionStorage.stall && url === '/stations.json'"
        " ? Promise.resolve({ ok: true, json: never }) : real(url, more);"
    )
    page = phone(script=stalled, service_workers="block")
    page.goto("/")
    first = cards(page)
    page.evaluate("sessionStorage.stall = 1")
    page.reload()
    expect(page.locator("#cards .card").first).to_be_visible(timeout=patience(12_000))
    assert cards(page) == first


@pytest.mark.slow
def test_without_any_register_the_page_says_so_and_tries_again(phone: Callable[..., Page]) -> None:
    page = phone(service_workers="block")
    page.route("**/stations.json", lambda route: route.abort())
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("读不到驿站数据")
    page.unroute("**/stations.json")
    page.get_by_role("button", name="用我的位置找最近的").click()
    assert len(cards(page)) == 10


@pytest.mark.slow
def test_a_position_that_comes_late_does_not_replace_a_chosen_place(
    phone: Callable[..., Page],
) -> None:
    slow = (
        "const real = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);"
        "navigator.geolocation.getCurrentPosition = (good, bad, how) =>"
        " real((found) => { window.late = () => good(found); }, bad, how);"
    )
    page = phone(script=slow, service_workers="block")
    page.goto("/")
    expect(page.locator("#data-age")).not_to_be_empty()
    page.wait_for_timeout(patience(800))  # the phone is looking for itself
    page.locator("#place").fill("虢镇商圈")
    page.locator("#place").press("Enter")
    expect(page.locator("h1")).to_have_text("离虢镇商圈最近")
    page.evaluate("window.late && window.late()")
    page.wait_for_timeout(patience(200))
    expect(page.locator("h1")).to_have_text("离虢镇商圈最近")


@pytest.mark.slow
def test_a_list_of_the_server_is_taken_over_with_its_own_filters(
    phone: Callable[..., Page],
) -> None:
    page = phone(permissions=[])
    page.goto("/")
    page.locator("#filters label", has_text="换电").click()
    page.goto("/?place=经二路商圈&open=any&service=toilet")
    expect(page.locator("#elsewhere")).to_be_visible()
    expect(page.locator("#filters [value=battery_swap]")).not_to_be_checked()
    expect(page.locator("#filters [value=toilet]")).to_be_checked()
    before = cards(page)
    page.locator("#filters label", has_text="换电").click()
    expect(page.locator("#remark")).to_contain_text("没有符合条件的驿站")
    page.locator("#filters label", has_text="换电").click()
    assert cards(page) == before
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Nearest to 经二路商圈")
    expect(page.locator("#filters [value=toilet]")).to_be_checked()


@pytest.mark.slow
def test_a_place_that_is_not_there_ends_the_way_on(phone: Callable[..., Page]) -> None:
    page = phone()
    page.goto("/")
    cards(page)
    page.get_by_text("更多条件").click()
    page.get_by_label("顺路去").fill("weibinqu")
    page.get_by_label("顺路去").press("Enter")
    expect(page.locator("h1")).to_have_text("顺路去渭滨区")
    page.locator("#toward").fill("nonsense")
    page.locator("#toward").press("Enter")
    expect(page.locator("#status")).to_contain_text("没有找到“nonsense”")
    expect(page.locator("h1")).to_have_text("离您最近")
    expect(page.locator(".added")).to_have_count(0)
