"""The pages in a real Chromium at 390 px: the rider's way, hostile text, and who is asked."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import geopandas as gpd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from shapely.geometry import Point

from locator.schema import LAYERS, Text
from locator.store import Change, GeoPackageStore
from tests.browser_support import watch_page
from tests.conftest import Server
from tests.patience import patience

pytestmark = pytest.mark.browser

HOSTILE = (
    "<img src=x onerror=alert(1)>${alert(2)}`${alert(3)}`</script><script>alert(4)</script>{{7*7}}"
)
HERE = {"longitude": 107.1489, "latitude": 34.3692}


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    """Return a phone that stands in the city and may say so."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True,
        locale="zh-CN", geolocation=HERE, permissions=["geolocation"],
    )  # fmt: skip
    yield context
    context.close()


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """Collect dialogs, script errors and policy violations; any fails the test."""
    found: list[str] = []
    yield found
    assert not found


def open_page(phone: BrowserContext, troubles: list[str]) -> Page:
    page = phone.new_page()
    watch_page(page, troubles)
    return page


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/?place=经二路商圈", "/stations/BJ-R-001", "/map"])
def test_text_at_twice_its_size_still_fits(
    phone: BrowserContext, server: Server, troubles: list[str], path: str
) -> None:
    page = open_page(phone, troubles)
    page.goto(server.url + path)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_the_maps_popup_is_not_styled_by_the_page(
    phone: BrowserContext, server: Server, troubles: list[str]
) -> None:
    page = open_page(phone, troubles)
    page.goto(f"{server.url}/map")
    page.locator(".lmap-mark").last.dispatch_event("click")
    facts = page.locator(".leaflet-popup-content dd").first
    expect(facts).to_be_visible()
    assert facts.bounding_box()["width"] > 100  # type: ignore[index]


def test_without_scripts_the_page_still_helps(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, locale="zh-CN"
    )
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.get_by_role("button", name="用我的位置找最近的")).to_be_hidden()
    page.get_by_label("地点").fill("经二路商圈")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("h1")).to_have_text("离经二路商圈最近")
    context.close()


def poison(store: GeoPackageStore) -> None:
    """Put hostile text into every text field of every layer."""
    for name, layer in LAYERS.items():
        frame = store.read(name)
        if frame.empty:
            continue
        texts = [
            c.name
            for c in layer.columns
            if isinstance(c, Text) and c.name not in {"id", "opening_hours", "kind"}
        ]
        assert texts, name
        changes = frame.copy()
        for column in texts:
            changes[column] = HOSTILE
        if name == "stations":
            changes["opening_hours"] = HOSTILE
            extra = gpd.GeoDataFrame(
                {"id": [HOSTILE], "name": ["怪编号"], "kind": "rest_post", "platforms": [HOSTILE]},
                geometry=[Point(107.1489, 34.3692)], crs="EPSG:4326",
            )  # fmt: skip
            store.apply(Change(name, extra), actor=HOSTILE)
        store.apply(Change(name, changes), actor=HOSTILE)


def test_hostile_text_is_shown_as_text_on_every_page(
    phone: BrowserContext, server: Server, store: GeoPackageStore, troubles: list[str]
) -> None:
    poison(store)
    page = open_page(phone, troubles)
    page.goto(f"{server.url}/?place={quote(HOSTILE)}&open=any")
    expect(page.locator("body")).to_contain_text(HOSTILE)
    page.goto(server.url)
    expect(page.locator("#filters")).to_be_visible()
    page.locator("#filters label").first.click()  # open or not
    page.get_by_role("button", name="换地点").click()
    page.locator("#place").fill("img src")
    expect(page.locator(".suggestion").first).to_contain_text(HOSTILE)
    expect(page.locator(".card .name").nth(1)).to_have_text(HOSTILE)
    expect(page.locator(".card .restriction").nth(1)).to_contain_text(HOSTILE)
    page.locator(".card .whole").nth(1).click()
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect(page.locator("dl")).to_contain_text(HOSTILE)
    page.goto(f"{server.url}/stations/{quote(HOSTILE, safe='')}")
    expect(page.locator("h1")).to_have_text("怪编号")
    for path in ("/map", "/embed/map"):
        page.goto(server.url + path)
        expect(page.locator(".leaflet-marker-icon").first).to_be_attached()
        page.locator(".lmap-mark").last.dispatch_event("click")
        expect(page.locator(".leaflet-popup-content")).to_contain_text(HOSTILE)
    page.goto(f"{server.url}/stations/{quote('<script>alert(5)</script>')}")
    page.goto(f"{server.url}/?kind={quote(HOSTILE)}")
    expect(page.locator("h1")).to_have_text("请求有误")
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/", "/?place=虢镇", "/map", "/embed/map", "/stations/BJ-R-001", "/notices"]
)
def test_no_page_asks_another_host(
    phone: BrowserContext, server: Server, troubles: list[str], path: str
) -> None:
    asked: list[str] = []
    failed: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
    page = open_page(phone, troubles)
    page.goto(server.url + path)
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(server.url).netloc}
    assert not failed


@pytest.fixture
def office(server: Server) -> Iterator[str]:
    """Return another site, whose pages /map and /list frame ours."""
    framed = {"/map": "/embed/map", "/list": "/"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source = server.url + framed.get(self.path, "/nope")
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe src='{source}' width=380 height=500></iframe>".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{site.server_port}"
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.mark.slow
def test_the_map_can_be_framed_by_another_site_and_the_list_cannot(
    phone: BrowserContext, office: str
) -> None:
    page = phone.new_page()
    refused: list[str] = []
    page.on("console", lambda m: refused.append(m.text) if "frame-ancestors" in m.text else None)
    page.goto(f"{office}/map")
    expect(page.frame_locator("iframe").locator(".lmap-mark").first).to_be_attached()
    assert not refused
    page.goto(f"{office}/list")
    page.wait_for_timeout(patience(500))
    assert refused
