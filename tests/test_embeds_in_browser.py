"""Embeds in a page of another origin, in Chromium: two servers, two ports."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from locator.settings import Settings
from locator.store import GeoPackageStore
from locator.web.embed.snippet import Frame as Embed
from locator.web.embed.snippet import snippet_html
from tests.browser_support import watch_page
from tests.conftest import Server, running_server
from tests.patience import patience
from tests.test_embeds import HOSTILE, hostile_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = {"longitude": 107.1489, "latitude": 34.3692}
SECRET = "SECRET-OF-THE-OFFICE"

# What a frame could learn of the page around it; every look is written down. The page's own
# window is told apart from the frame's by who asks.
TRAPS = """
(() => {
  if (window === window.top) { return; }
  const looks = [];
  window.looks = looks;
  const real = window.parent;
  const spy = new Proxy({}, {
    get: (_, name) => {
      looks.push("parent." + String(name));
      return name === "postMessage" ? real.postMessage.bind(real) : undefined;
    },
    set: (_, name) => { looks.push("parent." + String(name) + "="); return true; }
  });
  Object.defineProperty(window, "parent", { get: () => spy, configurable: true });
  Object.defineProperty(Document.prototype, "referrer", {
    get: () => { looks.push("referrer"); return ""; }
  });
  Object.defineProperty(window, "frameElement", {
    get: () => { looks.push("frameElement"); return null; }
  });
})();
"""


@dataclass
class Office:
    """Another site; its pages are what a test puts there."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)

    def frame(self, embed: str, *, asks_position: bool = False, script: str = "") -> str:
        """Put a page there that pastes the snippet of an embed; return its address."""
        snippet = snippet_html(Embed(embed, "t", 300, asks_position=asks_position))
        self.pages["/page"] = (
            "<!DOCTYPE html><meta name=viewport content='width=device-width'>"
            f"<title>{SECRET}</title><body style='margin:0'><p id=own>{SECRET}</p>{snippet}"
            f"<script>window.heard = []; addEventListener('message', e => heard.push(e.data));"
            f"{script}</script>"
        )
        return f"{self.url}/page?token={SECRET}"


@pytest.fixture
def office() -> Iterator[Office]:
    """Return a running site of another origin."""
    here = Office("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = here.pages.get(urlsplit(self.path).path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{site.server_port}"
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield here
    site.shutdown()
    thread.join()
    site.server_close()


@dataclass
class Visit:
    """A reader's phone, and everything it asked for."""

    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def open(self, address: str) -> Frame:
        """Open a page with one frame; return the frame."""
        self.page.goto(address)
        self.page.wait_for_function("document.querySelector('iframe') !== null")
        expect(self.page.frame_locator("iframe").locator("h1")).to_have_count(1)
        return self.page.frames[1]

    def frame_height(self) -> float:
        box = self.page.locator("iframe").bounding_box()
        assert box
        return box["height"]


def start_visit(chromium: Browser, *, position: bool, width: int = 390, height: int = 844) -> Visit:
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN",
        geolocation=HERE if position else None,
        permissions=["geolocation"] if position else [],
    )  # fmt: skip
    visit = Visit(context, context.new_page())
    context.on("request", lambda request: visit.asked.append(request.url))
    context.on("request", lambda request: visit.sent.append(request.post_data or ""))
    watch_page(visit.page, visit.troubles)
    return visit


@pytest.fixture
def reader(chromium: Browser) -> Iterator[Visit]:
    """Return a reader who lets the browser say where he is."""
    visit = start_visit(chromium, position=True)
    yield visit
    visit.context.close()
    assert not visit.troubles


@pytest.fixture
def shy(chromium: Browser) -> Iterator[Visit]:
    """Return a reader who does not."""
    visit = start_visit(chromium, position=False)
    yield visit
    visit.context.close()
    assert not visit.troubles


def hosts(visit: Visit) -> set[str]:
    return {urlsplit(url).netloc for url in visit.asked if not url.startswith(("data:", "blob:"))}


def test_a_position_is_asked_for_on_a_tap_and_stays_on_the_phone(
    reader: Visit, office: Office, server: Server
) -> None:
    frame = reader.open(office.frame(f"{server.url}/embed/nearest", asks_position=True))
    reader.page.wait_for_timeout(patience(500))
    expect(frame.locator("#cards .card")).to_have_count(0)  # nobody has tapped
    assert frame.evaluate("JSON.stringify(localStorage)").find("107.1") < 0
    frame.get_by_role("button", name="用我的位置找最近的").click()
    expect(frame.locator("#cards .card")).to_have_count(3)
    expect(frame.locator("#title")).to_have_text("离您最近")
    km = [float(text) for text in frame.locator("#cards .km").all_inner_texts()]
    assert km == sorted(km)
    assert km[0] < 1
    told = "\n".join(reader.asked + reader.sent)
    for figure in ("107.14", "34.36", "107.15", "34.37"):
        assert figure not in told
    heard = json.dumps(reader.page.evaluate("heard"))
    assert "107." not in heard
    assert "34.3" not in heard
    assert "locator.last" not in frame.evaluate("JSON.stringify(localStorage)")
    for link in frame.locator("#cards a").all():  # a station's page refuses to be framed
        assert link.get_attribute("target") == "_blank"
        assert "noreferrer" in str(link.get_attribute("rel"))
    assert frame.locator("#cards .way").count() == 0


def test_denied_it_leads_to_picking_a_place(shy: Visit, office: Office, server: Server) -> None:
    frame = shy.open(office.frame(f"{server.url}/embed/nearest", asks_position=True))
    frame.get_by_role("button", name="用我的位置找最近的").click()
    expect(frame.locator("#status")).to_contain_text("没有位置权限")
    expect(frame.locator("#place")).to_be_focused()
    frame.locator("#place").fill("经二路商圈")
    frame.get_by_role("button", name="查找").click()
    expect(frame.locator("#cards .card")).to_have_count(3)
    expect(frame.locator("#title")).to_have_text("离经二路商圈最近")
    assert not any("place=" in url for url in shy.asked)
    frame.locator("#place").fill("zhen")  # many places
    frame.get_by_role("button", name="查找").click()
    frame.locator(".suggestion").first.click()
    expect(frame.locator("#title")).not_to_have_text("离经二路商圈最近")
    frame.locator("#place").fill("no such place")
    frame.get_by_role("button", name="查找").click()
    expect(frame.locator("#status")).to_contain_text("没有找到")


def test_where_the_page_around_does_not_allow_it_the_reader_is_told(
    reader: Visit, office: Office, server: Server
) -> None:
    frame = reader.open(office.frame(f"{server.url}/embed/nearest", asks_position=False))
    frame.get_by_role("button", name="用我的位置找最近的").click()
    expect(frame.locator("#status")).to_contain_text("没有位置权限")
    reader.troubles.clear()  # Chromium reports the page's own policy


@pytest.mark.parametrize("path", ["/embed/map", "/embed/nearest", "/embed/coverage"])
def test_the_frame_takes_the_height_that_the_embed_asks_for(
    reader: Visit, office: Office, server: Server, path: str
) -> None:
    frame = reader.open(office.frame(f"{server.url}{path}", asks_position=True))
    if path == "/embed/nearest":
        frame.get_by_role("button", name="用我的位置找最近的").click()
        expect(frame.locator("#cards .card")).to_have_count(3)
    else:
        expect(frame.locator(".leaflet-marker-icon").first).to_be_attached()
    reader.page.wait_for_function("document.querySelector('iframe').height !== '300'")
    reader.page.wait_for_timeout(patience(300))
    heard = reader.page.evaluate("heard")
    assert all(set(said) == {"type", "height"} for said in heard)
    assert all(said["type"] == "locator:height" for said in heard)
    assert len(heard) < 10  # it settles
    assert reader.frame_height() == pytest.approx(heard[-1]["height"], abs=5)
    sizes = frame.evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert sizes[0] <= sizes[1] + 1  # nothing to scroll inside


def test_the_snippet_believes_its_own_frame_only(
    reader: Visit, office: Office, server: Server
) -> None:
    lie = "postMessage({type: 'locator:height', height: 1999}, '*');"
    reader.open(office.frame(f"{server.url}/embed/map", script=lie))
    reader.page.wait_for_function("document.querySelector('iframe').height !== '300'")
    reader.page.evaluate(lie)
    reader.page.wait_for_timeout(patience(200))
    assert reader.frame_height() < 1000
    frame = reader.page.frames[1]
    for wrong in ("'9999999'", "-5", "NaN", "null", "{}"):
        frame.evaluate(f"parent.postMessage({{type: 'locator:height', height: {wrong}}}, '*')")
    reader.page.wait_for_timeout(patience(200))
    assert reader.frame_height() <= 2000


@pytest.mark.parametrize("path", ["/embed/map?minutes=5", "/embed/nearest", "/embed/coverage"])
def test_no_other_host_is_asked_and_nothing_of_the_page_around_is_read(
    reader: Visit, office: Office, server: Server, path: str
) -> None:
    reader.context.add_init_script(TRAPS)
    frame = reader.open(office.frame(f"{server.url}{path}", asks_position=True))
    if "nearest" in path:
        frame.get_by_role("button", name="用我的位置找最近的").click()
        expect(frame.locator("#cards .card")).to_have_count(3)
    else:
        expect(frame.locator(".leaflet-marker-icon").first).to_be_attached()
        frame.locator(".lmap-mark").last.dispatch_event("click")
        expect(frame.locator(".leaflet-popup-content")).to_be_visible()
    reader.page.wait_for_load_state("networkidle")
    assert set(frame.evaluate("window.looks")) == {"parent.postMessage"}
    assert hosts(reader) == {urlsplit(office.url).netloc, urlsplit(server.url).netloc}
    own = [url for url in reader.asked if url.startswith(server.url)]
    assert own
    assert not any(SECRET in url for url in own)


def test_a_frame_is_sent_no_referrer(chromium: Browser, office: Office, server: Server) -> None:
    visit = start_visit(chromium, position=False)
    headers: list[dict[str, str]] = []
    visit.page.on("request", lambda request: headers.append(request.headers))
    visit.open(office.frame(f"{server.url}/embed/coverage"))
    visit.page.wait_for_load_state("networkidle")
    visit.context.close()
    assert headers
    assert not any(SECRET in own.get("referer", "") for own in headers)
    assert not any(urlsplit(office.url).netloc in own.get("referer", "") for own in headers)


def test_a_page_that_is_not_named_may_not_frame(
    chromium: Browser, office: Office, settings: Settings
) -> None:
    for allowed in (office.url, "https://www.example.gov.cn", "'none'"):
        with running_server(settings, LOCATOR_FRAME_ANCESTORS=allowed) as running:
            visit = start_visit(chromium, position=False)
            refused: list[str] = []
            visit.page.on(
                "console",
                lambda m, refused=refused: (
                    refused.append(m.text) if "frame-ancestors" in m.text else None
                ),
            )
            visit.page.goto(office.frame(f"{running.url}/embed/coverage"))
            visit.page.wait_for_timeout(patience(1500))
            shown = visit.page.frame_locator("iframe").locator(".share").count()
            visit.context.close()
            assert bool(shown) == (allowed == office.url)
            assert bool(refused) == (allowed != office.url)


def test_a_map_out_of_sight_waits_until_it_is_scrolled_to(
    reader: Visit, office: Office, server: Server
) -> None:
    address = office.frame(f"{server.url}/embed/map")
    tall = office.pages["/page"].replace("<iframe", "<div style='height:4000px'></div><iframe")
    office.pages["/page"] = tall.replace(' loading="lazy"', "")  # the shell itself comes
    frame = reader.open(address)
    reader.page.wait_for_timeout(patience(700))
    assert not any("leaflet" in url or "map.js" in url for url in reader.asked)
    reader.page.locator("iframe").scroll_into_view_if_needed()
    expect(frame.locator(".leaflet-marker-icon").first).to_be_attached()


def test_a_map_that_does_not_come_leaves_words_and_a_way_on(
    reader: Visit, office: Office, server: Server
) -> None:
    gone = {"now": True}

    def answer(route: object) -> None:
        (route.abort if gone["now"] else route.continue_)()  # type: ignore[attr-defined]

    reader.context.route("**/embed/map.js*", answer)
    frame = reader.open(office.frame(f"{server.url}/embed/map"))
    expect(frame.locator("#said")).to_have_text("地图没有载入。", timeout=patience(15_000))
    expect(frame.get_by_role("link", name="只看图片")).to_be_visible()
    gone["now"] = False
    frame.get_by_role("button", name="再试一次").click()
    expect(frame.locator(".leaflet-marker-icon").first).to_be_attached()
    expect(frame.locator("#waiting")).to_have_count(0)


def test_text_from_people_stays_text_in_every_layer(
    reader: Visit, office: Office, server: Server, store: GeoPackageStore
) -> None:
    hostile_store(store)
    layers = "layers=stations,hot_zones,gaps,reach,districts,places&minutes=5"
    for path in (f"/embed/map?{layers}", f"/embed/coverage?{layers}"):
        frame = reader.open(office.frame(server.url + path))
        expect(frame.locator(".leaflet-marker-icon").first).to_be_attached()
        for mark in (".lmap-mark", ".lmap-zone", ".lmap-gap", ".lmap-rank"):
            for each in frame.locator(mark).all()[:4]:
                each.dispatch_event("click")
        assert frame.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    frame = reader.open(office.frame(f"{server.url}/embed/nearest", asks_position=True))
    frame.get_by_role("button", name="用我的位置找最近的").click()
    expect(frame.locator("#cards .name").filter(has_text="onerror").first).to_have_text(HOSTILE)
    assert frame.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize("path", ["/embed/map", "/embed/nearest", "/embed/coverage", "/embed"])
def test_embeds_fit_a_phone_and_a_small_frame(chromium: Browser, server: Server, path: str) -> None:
    for width, height in ((390, 844), (600, 400), (320, 480)):
        visit = start_visit(chromium, position=False, width=width, height=height)
        visit.page.goto(server.url + path)
        visit.page.wait_for_load_state("networkidle")
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        small = visit.page.evaluate(
            """() => Array.from(document.querySelectorAll("button"))
                 .filter(b => b.offsetParent && !b.closest(".lmap"))
                 .map(b => b.offsetHeight).filter(h => h < 44)"""
        )
        visit.context.close()
        assert wide <= width
        assert small == []  # a finger hits every button
        assert not visit.troubles


def test_a_theme_holds_whatever_the_device_says(chromium: Browser, server: Server) -> None:
    for device in ("light", "dark"):
        context = chromium.new_context(color_scheme=device)
        page = context.new_page()
        colours = {}
        for theme in ("light", "dark", "auto"):
            page.goto(f"{server.url}/embed/coverage?theme={theme}")
            colours[theme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        context.close()
        assert colours["light"] == "rgb(255, 255, 255)"
        assert colours["dark"] == "rgb(18, 24, 30)"
        assert colours["auto"] == colours[device]


def test_the_builder_copies_the_snippet_and_shows_it(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(
        locale="zh-CN", permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    troubles: list[str] = []
    watch_page(page, troubles)
    page.goto(f"{server.url}/embed?what=coverage")
    page.get_by_role("button", name="复制代码").click()
    expect(page.locator("#copy-said")).to_have_text("已复制")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#snippet").input_value()
    page.locator("iframe").scroll_into_view_if_needed()
    expect(page.frame_locator("iframe").locator("h1")).to_contain_text("5 分钟")
    context.close()
    assert not troubles


def test_the_builder_works_without_scripts(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{server.url}/embed")
    page.get_by_label("骑手驿站的覆盖").check()
    page.get_by_label("骑行分钟数").fill("8")
    page.get_by_role("button", name="生成代码").click()
    expect(page.locator("#snippet")).to_contain_text("/embed/coverage?minutes=8")
    expect(page.get_by_role("button", name="复制代码")).to_be_hidden()
    context.close()
