"""Without a network: the service worker, the manifest and the icons, in a real Chromium."""

import gzip
import hashlib
import io
import json
import re
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import matplotlib.image
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from locator.settings import Settings
from locator.theme import PALETTE
from locator.web import create_app, offline
from tests.browser_support import watch_page
from tests.conftest import fixed_clock
from tests.patience import patience, wait_until

STATION, OTHER_STATION = "/stations/BJ-R-001", "/stations/BJ-R-002"
ICONS = ("icon-192.png", "icon-512.png", "maskable-192.png", "maskable-512.png", "touch-180.png")
REGISTER = """async () => {
  const own = await navigator.serviceWorker.register("/sw.js");
  for (let i = 0; i < 100; i += 1) {
    const controller = navigator.serviceWorker.controller;
    if (controller && controller.state === "activated") { return own.scope; }
    await new Promise(done => setTimeout(done, 100));
  }
  throw new Error("the worker did not take over in 10 s");
}"""
KEPT = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    found[name] = (await (await caches.open(name)).keys()).map(request => request.url);
  }
  return found;
}"""


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def make_app(settings: Settings) -> Flask:
    app = create_app(settings, clock=fixed_clock)
    if "offline" not in app.blueprints:
        app.register_blueprint(offline.blueprint)
    return app


class Site:
    """The application behind a server that goes away, is slow, fails, and comes back changed."""

    def __init__(self, settings: Settings) -> None:
        self.app = make_app(settings)
        self.gate = threading.Event()
        self.gate.set()
        self.held = ""  # the path that waits for the gate
        self.failing = ""  # the path, or its start, that answers with 500
        self.missing = ""  # the path that answers with 404
        self.asked: list[tuple[str, str]] = []
        self._server: BaseWSGIServer | None = None
        self._port = 0
        self.start()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append((environ["REQUEST_METHOD"], path))
        if path == "/host":  # a page of ours that has no script of its own
            return self._plain(start, 200, b"<!DOCTYPE html><title>host</title>")
        if path == self.held:
            self.gate.wait(patience(30))
        if self.failing and path.startswith(self.failing):
            return self._plain(start, 500, b"trouble")
        if path == self.missing:
            return self._plain(start, 404, b"missing")
        return self.app.wsgi_app(environ, start)

    @staticmethod
    def _plain(start: Callable[..., Any], status: int, body: bytes) -> list[bytes]:
        words = f"{status} {HTTPStatus(status).phrase}"
        start(words, [("Content-Type", "text/html"), ("Cache-Control", "no-store")])
        return [body]

    def start(self) -> None:
        """Serve, on the port it had before."""
        self._server = make_server(
            "127.0.0.1", self._port, self, threaded=True, request_handler=QuietHandler
        )
        self._port = self._server.port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Take the network away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        """Return the address of the site."""
        return f"http://127.0.0.1:{self._port}"

    def deploy_style(self, text: str) -> None:
        """Go on with another style sheet, as after a deployment."""
        assets = self.app.extensions["locator.assets"]
        content = text.encode()
        digest = hashlib.sha256(content).hexdigest()[:12]
        assets["site.css"] = replace(
            assets["site.css"], content=content, packed=gzip.compress(content), digest=digest
        )
        self.app.extensions["locator.pages"].clear()  # a new process has made none yet


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = make_app(settings)
    yield made
    made.extensions["locator"].close()


@pytest.fixture
def pages(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    made = Site(settings)
    yield made
    made.gate.set()
    made.stop()
    made.app.extensions["locator"].close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """Return a page whose script errors and policy violations fail the test."""
    opened, troubles = phone.new_page(), []
    watch_page(opened, troubles)
    yield opened
    assert not troubles


def visit(page: Page, url: str) -> Response:
    answer = page.goto(url)
    assert answer is not None
    return answer


def install(page: Page, site: Site) -> None:
    """Open a page and wait until the worker answers for it."""
    visit(page, f"{site.url}/host")
    assert page.evaluate(REGISTER) == f"{site.url}/"


def kept(page: Page) -> set[str]:
    """Return the addresses of everything that is kept, without the host."""
    found = page.evaluate(KEPT)
    return {url.removeprefix(origin(page)) for urls in found.values() for url in urls}


def origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


def wait_for_kept(page: Page, address: str) -> None:
    """Wait until an answer is kept; that happens beside the page."""
    wait_until(
        lambda: page.evaluate(
            "async path => !!(await caches.match(path, {ignoreVary: true}))", address
        ),
        f"{address} is kept",
    )


def read_build(client: FlaskClient) -> dict[str, Any]:
    found = re.match(r"self\.LOCATOR_BUILD = (.*);\n", client.get("/sw.js").text)
    assert found is not None
    build: dict[str, Any] = json.loads(found[1])
    return build


# --------------------------------------------------------------------------- what is served


def test_the_worker_is_asked_for_each_time_and_names_what_it_keeps(pages: FlaskClient) -> None:
    answer = pages.get("/sw.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert answer.cache_control.no_cache
    assert not answer.cache_control.max_age
    again = pages.get("/sw.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    build = read_build(pages)
    for address in [build["home"], *build["optional"], *build["styles"]]:
        found = pages.get(address)
        assert found.status_code == 200, address
        if "?" in address:  # only what never changes has a query
            assert re.search(r"\?v=[0-9a-f]{12}$", address)
            assert (found.cache_control.max_age or 0) > 30 * 86_400
    # Everything the home page and a station's page load is in it, and nothing of the map.
    for path in ("/", STATION):
        for used in re.findall(r'"(/assets/[^"]+)"', pages.get(path).text):
            assert used in build["optional"]
    assert not [address for address in build["optional"] if "leaflet" in address]


def test_another_asset_means_another_worker(app: Flask) -> None:
    client = app.test_client()
    before = read_build(client)
    assert read_build(client) == before
    assets = app.extensions["locator.assets"]
    assets["site.css"] = replace(assets["site.css"], digest="0123456789ab")
    after = read_build(client)
    assert after["digest"] != before["digest"]
    assert "/assets/site.css?v=0123456789ab" in after["optional"]


def test_the_manifest_says_what_a_home_screen_needs(pages: FlaskClient) -> None:
    answer = pages.get("/manifest.webmanifest", headers={"Accept-Language": "zh-CN"})
    assert answer.mimetype == "application/manifest+json"
    said = json.loads(answer.text)
    assert (said["name"], said["lang"]) == ("骑手驿站", "zh-CN")
    assert (said["start_url"], said["scope"], said["display"]) == ("/", "/", "standalone")
    assert said["theme_color"] == PALETTE["accent"]
    assert said["background_color"] == PALETTE["paper"]
    shown = {(icon["purpose"], icon["sizes"]) for icon in said["icons"]}
    assert shown == {(p, s) for p in ("any", "maskable") for s in ("192x192", "512x512")}
    for icon in said["icons"]:
        found = pages.get(icon["src"])
        assert found.mimetype == icon["type"] == "image/png"
        width, height = struct.unpack(">II", found.data[16:24])
        assert f"{width}x{height}" == icon["sizes"]
    english = json.loads(pages.get("/manifest.webmanifest", headers={"Accept-Language": "en"}).text)
    assert (english["name"], english["lang"]) == ("Rider stations", "en")


def test_icons_are_small_and_kept_by_their_digest(app: Flask, pages: FlaskClient) -> None:
    with app.test_request_context():
        addresses = {name: offline.icon_url(name) for name in (*ICONS, "favicon.svg")}
    for name, address in addresses.items():
        answer = pages.get(address)
        assert len(answer.data) < 10_000
        assert answer.cache_control.max_age == 31_536_000
        assert pages.get(f"/icons/{name}").cache_control.max_age == 86_400
    assert pages.get(addresses["favicon.svg"]).mimetype == "image/svg+xml"
    for name in ("nope.png", "..%2fsite.css", "../site.css"):
        assert pages.get(f"/icons/{name}").status_code == 404


@pytest.mark.parametrize("name", ICONS)
def test_a_cut_icon_still_shows_its_mark(pages: FlaskClient, name: str) -> None:
    """What is cut to the middle 80 % keeps the whole white mark, on the accent."""
    pixels = matplotlib.image.imread(io.BytesIO(pages.get(f"/icons/{name}").data), format="png")
    size = len(pixels)
    red, alpha = pixels[..., 0], pixels[..., 3]
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    white = (red > 0.9) & (alpha > 0.9)
    assert 0.1 < white.mean() < 0.4
    assert np.hypot(x, y)[white].max() <= 0.4 * size
    fills = not name.startswith("icon")
    assert (alpha.min() == 1) == fills
    assert (alpha[0, 0] == 0) != fills


# --------------------------------------------------------------------------- without a network


@pytest.mark.slow
@pytest.mark.browser
def test_the_home_page_opens_without_a_network(page: Page, site: Site) -> None:
    install(page, site)
    site.stop()
    answer = visit(page, f"{site.url}/")
    assert answer.from_service_worker
    assert answer.status == 200
    expect(page.locator("h1")).to_be_visible()
    # Header and body were kept together: the nonces fit, and the scripts and styles are there.
    nonces = set(re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"]))
    carried = page.evaluate("Array.from(document.querySelectorAll('script[nonce]'), s => s.nonce)")
    assert set(carried) == nonces
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
    page.reload()
    expect(page.locator("h1")).to_be_visible()
    made = page.evaluate("fetch('/stations.json').then(answer => answer.json())")
    assert made["made_at"]


@pytest.mark.slow
@pytest.mark.browser
def test_a_visited_station_opens_and_another_says_that_it_is_not_kept(
    page: Page, site: Site
) -> None:
    install(page, site)
    visit(page, site.url + STATION)
    name = page.locator("h1").inner_text()
    wait_for_kept(page, STATION)
    site.stop()
    visit(page, site.url + STATION)
    expect(page.locator("h1")).to_have_text(name)
    answer = visit(page, f"{site.url}{OTHER_STATION}?<script>alert(1)</script>")
    assert answer.status == 503
    expect(page.locator("h1")).to_have_text(["没有网络", "You are offline"])
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"  # it has its style
    page.get_by_role("link", name="打开首页").click()
    expect(page).to_have_url(f"{site.url}/")
    expect(page.locator("header.site")).to_be_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_back_online_the_page_that_was_missing_comes(page: Page, site: Site) -> None:
    install(page, site)
    site.stop()
    visit(page, site.url + STATION)
    site.start()
    page.get_by_role("link", name="再试一次").click()
    expect(page.locator("header.site")).to_be_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_no_question_and_no_position_is_kept(page: Page, site: Site) -> None:
    install(page, site)
    position = "lon=107.148912&lat=34.369212"
    for path in (
        "/?place=虢镇", f"/?{position}", f"{STATION}?{position}", "/map", "/embed/map?for=list",
        f"/notices?{position}", "/nope",
    ):  # fmt: skip
        visit(page, site.url + path)
    page.evaluate(
        """async position => {
          const form = new URLSearchParams(position);
          const questions = [
            fetch("/", {method: "POST", body: form}),
            fetch("/?" + position), fetch("/stations.json?" + position),
            fetch("/assets/site.css?" + position), fetch("/assets/site.css?v=0&" + position),
            fetch("/api/nearest?" + position), fetch("/healthz"),
            fetch("/stations/cells/428_137.json")
          ];
          await Promise.all(questions);
        }""",
        position,
    )
    page.wait_for_timeout(patience(300))
    found = kept(page)
    assert "/" in found
    assert not [url for url in found if not re.fullmatch(r"[^?#]+(\?v=[0-9a-f]{12})?", url)]
    assert not [url for url in found if "107." in url or "428" in url]
    pages = {url for url in found if not url.startswith(("/assets/", "/icons/"))}
    assert pages == {"/", "/stations.json", "/manifest.webmanifest"}


@pytest.mark.slow
@pytest.mark.browser
def test_questions_and_the_interface_are_left_to_the_network(page: Page, site: Site) -> None:
    install(page, site)
    by_worker: dict[str, bool] = {}
    page.on("response", lambda r: by_worker.update({r.url: r.from_service_worker}))
    ask = """path => fetch(path, path === "/" ? {method: "POST", body: "x=1"} : {})
        .then(answer => answer.status, () => 0)"""
    paths = ("/api/nearest?lon=107.1&lat=34.4", "/healthz", "/ogc", "/")
    statuses = [page.evaluate(ask, path) for path in paths]
    assert statuses[:2] == [200, 200]
    assert 0 not in statuses
    assert {by_worker[site.url + path] for path in paths} == {False}
    assert visit(page, f"{site.url}/").from_service_worker
    site.stop()
    assert [page.evaluate(ask, path) for path in paths] == [0, 0, 0, 0]


@pytest.mark.slow
@pytest.mark.browser
def test_a_question_to_the_home_page_finds_it_without_a_network(page: Page, site: Site) -> None:
    install(page, site)
    site.stop()
    assert visit(page, f"{site.url}/?place=虢镇").status == 200
    expect(page.locator("header.site")).to_be_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_the_language_that_was_chosen_is_kept(page: Page, site: Site) -> None:
    install(page, site)
    visit(page, f"{site.url}/?lang=en")
    read = "async () => (await caches.match('/', {ignoreVary: true})).text()"
    wait_until(lambda: '<html lang="en">' in page.evaluate(read), "the page is kept in English")
    site.stop()
    visit(page, f"{site.url}/")
    expect(page.locator("html")).to_have_attribute("lang", "en")


# --------------------------------------------------------------------------- poor networks


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/stations.json"])
def test_a_slow_network_is_not_waited_for(page: Page, site: Site, path: str) -> None:
    install(page, site)
    site.held = path
    site.gate.clear()
    if path == "/":
        assert visit(page, site.url + path).status == 200
    else:
        assert page.evaluate("path => fetch(path).then(answer => answer.status)", path) == 200
    assert not site.gate.is_set()  # the server has not answered yet


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_that_is_not_kept_is_waited_for(page: Page, site: Site) -> None:
    install(page, site)
    site.held = STATION
    site.gate.clear()
    threading.Timer(4, site.gate.set).start()
    assert visit(page, site.url + STATION).status == 200


@pytest.mark.slow
@pytest.mark.browser
def test_a_server_in_trouble_is_as_good_as_none(page: Page, site: Site) -> None:
    install(page, site)
    site.failing = "/"
    assert visit(page, f"{site.url}/").status == 200
    assert visit(page, site.url + STATION).status == 500  # nothing better is kept
    assert STATION not in kept(page)


@pytest.mark.slow
@pytest.mark.browser
def test_new_data_is_shown_while_there_is_a_network(page: Page, site: Site) -> None:
    install(page, site)
    before = len([path for _, path in site.asked if path == "/stations.json"])
    page.evaluate("fetch('/stations.json')")
    assert len([path for _, path in site.asked if path == "/stations.json"]) == before + 1


# --------------------------------------------------------------------------- install and update


@pytest.mark.slow
@pytest.mark.browser
def test_one_missing_file_does_not_stop_it(page: Page, site: Site) -> None:
    site.missing = "/stations.json"
    site.failing = "/icons/"
    install(page, site)
    found = kept(page)
    assert "/stations.json" not in found
    assert not [url for url in found if url.startswith("/icons/")]
    site.missing = ""
    page.evaluate("fetch('/stations.json')")
    wait_for_kept(page, "/stations.json")  # it is kept when it comes


@pytest.mark.slow
@pytest.mark.browser
def test_without_a_home_page_it_is_not_installed(page: Page, site: Site) -> None:
    visit(page, f"{site.url}/host")
    site.failing = "/"
    refused = page.evaluate(
        "() => navigator.serviceWorker.register('/sw.js').then(() => false, () => true)"
    )
    assert refused
    site.failing = ""
    site.missing = "/"
    state = page.evaluate(
        """async () => {
          const own = await navigator.serviceWorker.register("/sw.js");
          const worker = own.installing;
          await new Promise(done => worker.addEventListener("statechange", done));
          return worker.state;
        }"""
    )
    assert state == "redundant"
    site.missing = ""
    install(page, site)


@pytest.mark.slow
@pytest.mark.browser
def test_a_deployment_replaces_what_is_kept(page: Page, site: Site) -> None:
    install(page, site)
    visit(page, site.url + STATION)
    wait_for_kept(page, STATION)
    before = set(page.evaluate("caches.keys()"))
    site.deploy_style("body { margin: 7px }")
    page.evaluate(
        """async () => {
          const changed = new Promise(
            done => navigator.serviceWorker.addEventListener("controllerchange", done));
          await (await navigator.serviceWorker.getRegistration()).update();
          await changed;
        }"""
    )
    wait_until(lambda: not before & set(page.evaluate("caches.keys()")), "old caches are gone")
    found = kept(page)
    styles = [url for url in found if url.startswith("/assets/site.css")]
    assert len(styles) == 1
    site.stop()
    visit(page, f"{site.url}/")
    assert page.evaluate("getComputedStyle(document.body).margin") == "7px"


@pytest.mark.slow
@pytest.mark.browser
def test_the_last_fifty_pages_are_kept(page: Page, site: Site) -> None:
    install(page, site)
    # 404 pages are not kept, so these are stations there are.
    register = page.evaluate("fetch('/api/nearest?lon=107.15&lat=34.37&k=53&open=any')"
                             ".then(answer => answer.json())")  # fmt: skip
    paths = [f"/stations/{feature['id']}" for feature in register["features"]]
    for path in paths:
        visit(page, site.url + path)
        wait_for_kept(page, path)
    found = {url for url in kept(page) if url.startswith("/stations/")}
    assert found == set(paths[3:])


@pytest.mark.slow
@pytest.mark.browser
def test_an_asset_is_fetched_once(page: Page, site: Site) -> None:
    install(page, site)
    visit(page, f"{site.url}/map")
    address = page.evaluate("document.querySelector('script[src*=\"leaflet/\"]').src")
    wait_for_kept(page, address)
    asked = len(site.asked)
    page.evaluate("address => fetch(address, {cache: 'reload'})", address)
    assert len(site.asked) == asked


@pytest.mark.slow
@pytest.mark.browser
def test_everything_works_without_a_worker(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(service_workers="block", locale="zh-CN")
    page, troubles = context.new_page(), []
    watch_page(page, troubles)
    for path in ("/", STATION, "/map"):
        answer = visit(page, site.url + path)
        assert answer.status == 200
        assert not answer.from_service_worker
        expect(page.locator("h1").first).to_be_attached()
    context.close()
    assert not troubles
