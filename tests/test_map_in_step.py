"""The map in the rider's own page: it follows the list, and says what was tapped."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Frame, Page, Route, expect
from shapely.geometry import Point

from locator.maps import MapLayers, MapOptions, asset_files, build_map, render_parts
from tests.browser_support import watch_page
from tests.conftest import Server
from tests.patience import patience
from tests.test_maps import (
    HOSTILE,
    NONCE,
    asset_url,
    make_layers,
    make_station,
    make_stations,
    wrap_parts,
)

OPTIONS = MapOptions(
    title="宝鸡骑手驿站", caption="", basemap="none", station_url="/stations/", for_list=True
)
OWN, OTHER = "http://map.test", "http://other.test"
HOST = """<!DOCTYPE html><title>host</title><style>body{margin:0}iframe{border:0}</style>
<iframe src="MAP" width="390" height="380"></iframe>
<script>
var said = [], frame = document.querySelector("iframe");
addEventListener("message", function (event) {
  if (event.source === frame.contentWindow) { said.push([event.origin, event.data]); }
});
function post(message) { frame.contentWindow.postMessage(message, "*"); }
</script>"""
RIDER = {"lon": 107.1525, "lat": 34.3605, "accuracy_m": 120}
LISTED = ["bj-1", "bj-0", "bj-2", "bj-3"]
FIND_MAP = "Object.values(window).find(value => value instanceof L.Map)"


@dataclass(frozen=True)
class Talk:
    """The page around a map, and the map."""

    page: Page
    map: Frame

    def show(self, **message: Any) -> None:
        """Tell the map what to show, and wait until it has heard it."""
        whole = {"type": "locator:show", "rider": None, "chosen": None, "listed": []} | message
        self.send(whole)

    def send(self, message: object) -> None:
        """Send the map anything, and wait until it has heard it."""
        self.page.evaluate("message => post(message)", message)
        self.map.evaluate("() => new Promise(done => setTimeout(done))")

    def said(self) -> list[Any]:
        """Return what the map has said so far, but for the ground that was tapped."""
        heard = self.page.evaluate("said")
        assert all(origin == OWN for origin, _ in heard)
        return [data for _, data in heard if data["type"] != "locator:point"]

    def view(self) -> tuple[list[float], int]:
        """Return the middle of the map and its zoom."""
        found = self.map.evaluate(
            f"() => [{FIND_MAP}].map(m => [m.getCenter().lng, m.getCenter().lat, m.getZoom()])[0]"
        )
        return found[:2], found[2]

    def sees(self, lon: float, lat: float) -> bool:
        """Say whether a point lies in what the map shows."""
        asked = f"([lon, lat]) => {FIND_MAP}.getBounds().contains([lat, lon])"
        return bool(self.map.evaluate(asked, [lon, lat]))


def serve(page: Page, layers: MapLayers, options: MapOptions) -> list[str]:
    """Answer for two sites: ours with a map and a page around it, and another that frames it."""
    parts = render_parts(build_map(layers, options), nonce=NONCE, asset_url=asset_url)
    policy = f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'nonce-{NONCE}'; img-src *"
    pages = {
        f"{OWN}/": HOST.replace("MAP", "/map"),
        f"{OWN}/hidden": HOST.replace("MAP", "/map").replace("<iframe", "<iframe hidden"),
        f"{OTHER}/": HOST.replace("MAP", f"{OWN}/map"),
    }
    others: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        name = url.removeprefix(f"{OWN}/assets/")
        if url in pages:
            route.fulfill(body=pages[url], content_type="text/html; charset=utf-8")
        elif url == f"{OWN}/map":
            route.fulfill(
                body=wrap_parts(parts),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": policy},
            )
        elif name in asset_files():
            route.fulfill(path=asset_files()[name])
        else:
            others.append(url)
            route.fulfill(status=404)

    page.route("**/*", answer)
    return others


def talk(
    page: Page, layers: MapLayers | None = None, options: MapOptions = OPTIONS, path: str = "/"
) -> Talk:
    """Open the page and wait until the map takes messages."""
    serve(page, layers or make_layers(), options)
    page.goto(OWN + path)
    page.wait_for_function("said.length > 0")
    opened = Talk(page, page.frames[1])
    assert opened.said() == [{"type": "locator:ready"}]
    return opened


@pytest.fixture
def still(chromium: Browser) -> Iterator[Page]:
    """Return a page of someone who asked for less motion."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 400}, reduced_motion="reduce", locale="zh-CN"
    )
    opened, troubles = context.new_page(), []
    watch_page(opened, troubles)
    yield opened
    context.close()
    assert not troubles


# --------------------------------------------------------------------------- what is sent


def test_the_map_beside_a_list_is_small_and_bare(client: FlaskClient) -> None:
    page = client.get("/embed/map?for=list")
    named = {unescape(a) for a in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)}
    assert not [name for name in named if "search" in name or "cluster" in name]
    assert not re.search("jquery|bootstrap", page.text, re.IGNORECASE)
    assert "<header" not in page.text
    assert 'class="lmap-title"' not in page.text
    assert 'class="lmap-illustrative"' in page.text
    bodies = [page.data, *(client.get(name).data for name in named)]
    assert sum(len(gzip.compress(body)) for body in bodies) < 300_000


def test_other_maps_keep_their_search_and_title(client: FlaskClient) -> None:
    for path in ("/map", "/embed/map"):
        page = client.get(path).text
        assert "map-search.js" in page
        assert "map-list" not in page
        assert 'class="lmap-title"' in page


@pytest.mark.parametrize("path", ["/map", "/embed/map", "/embed/map?for=list"])
def test_maps_speak_the_language_of_the_page(client: FlaskClient, path: str) -> None:
    chinese = client.get(path, headers={"Accept-Language": "zh-CN"}).text
    english = client.get(path, headers={"Accept-Language": "en"}).text
    for text, heading, label in (
        (chinese, "骑手驿站地图", '"legend":"图例"'),
        (english, "Map of rider stations", '"legend":"Legend"'),
    ):
        assert f"<title>{heading}</title>" in text
        assert f">{heading}</h1>" in text
        assert label in text or path == "/embed/map"  # which sends it with its drawing


# --------------------------------------------------------------------------- page to map


@pytest.mark.slow
@pytest.mark.browser
def test_the_first_message_says_where_to_look(page: Page) -> None:
    opened = talk(page)
    assert opened.map.locator(".lmap-mark").count() == 0  # nothing is drawn twice
    opened.show(rider=RIDER, listed=LISTED)
    badges = opened.map.locator(".lmap-badge")
    expect(badges).to_have_text(["1", "2", "3", "4"], use_inner_text=True)
    for lon in (107.14, 107.15, 107.16, RIDER["lon"]):
        assert opened.sees(lon, 34.36)
    expect(badges.first).to_have_attribute("title", re.compile(r"^1 · 经二路驿站1 · "))
    # The stations' own marks lie below their numbers, out of reach.
    expect(opened.map.locator(".lmap-mark.is-covered")).to_have_count(4)
    assert opened.view()[1] >= 13


@pytest.mark.slow
@pytest.mark.browser
def test_no_tile_is_asked_for_before_the_place_is_known(page: Page) -> None:
    asked = serve(page, make_layers(), replace(OPTIONS, basemap=OWN + "/tiles/{z}/{x}/{y}.png"))
    page.goto(f"{OWN}/")
    page.wait_for_function("said.length > 0")
    page.wait_for_timeout(patience(300))
    assert asked == []
    opened = Talk(page, page.frames[1])
    opened.show(rider={"lon": 107.2, "lat": 34.4, "accuracy_m": None})
    page.wait_for_timeout(patience(300))
    zooms = {url.split("/")[4] for url in asked}
    assert zooms == {str(opened.view()[1])}  # nor of any other zoom first


@pytest.mark.slow
@pytest.mark.browser
def test_the_rider_is_shown_with_the_circle_and_in_the_legend(page: Page) -> None:
    opened = talk(page)
    rider, circle = opened.map.locator(".lmap-rider"), opened.map.locator(".lmap-accuracy")
    opened.show(listed=LISTED)
    expect(rider).to_have_count(0)
    opened.map.locator(".lmap-legend summary").click()
    expect(opened.map.locator(".lmap-rider-key")).to_be_hidden()
    expect(opened.map.get_by_text("数字：列表中的名次")).to_be_attached()
    opened.show(rider=RIDER, listed=LISTED)
    expect(opened.map.locator(".lmap-rider-key")).to_be_visible()
    expect(rider).to_have_attribute("aria-label", re.compile("您的位置"))
    width = circle.bounding_box()["width"]  # type: ignore[index]
    opened.show(rider=RIDER | {"accuracy_m": 240}, listed=LISTED)
    assert circle.bounding_box()["width"] > 1.8 * width  # type: ignore[index]
    opened.show(rider=RIDER | {"accuracy_m": None}, listed=LISTED)
    expect(circle).to_have_count(0)
    expect(rider).to_have_count(1)


@pytest.mark.slow
@pytest.mark.browser
def test_the_chosen_one_is_larger_and_keeps_its_number(page: Page) -> None:
    opened = talk(page)
    opened.show(rider=RIDER, listed=LISTED)
    badge = opened.map.locator(".lmap-badge", has_text="2")
    usual = badge.locator("span").bounding_box()
    opened.show(rider=RIDER, listed=LISTED, chosen="bj-0")
    larger = badge.locator("span").bounding_box()
    assert usual is not None
    assert larger is not None
    assert larger["width"] > usual["width"] + 8
    expect(badge).to_have_attribute("aria-current", "true")
    opened.show(listed=["bj-2"], chosen="bj-3")  # chosen, but not in the list
    expect(opened.map.locator(".lmap-badge")).to_have_text(["1", ""])
    expect(opened.map.locator(".lmap-badge .lmap-symbol")).to_have_count(1)
    opened.show()
    expect(opened.map.locator(".lmap-badge")).to_have_count(0)
    expect(opened.map.locator(".is-covered")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.browser
def test_the_view_moves_for_a_reason_only(still: Page) -> None:
    layers = replace(
        make_layers(),
        stations=make_stations(
            *(make_station(n) for n in range(4)), make_station(9, geometry=Point(107.4, 34.5))
        ),
    )
    opened = talk(still, layers)
    opened.show(rider=RIDER, listed=LISTED)
    start = opened.view()
    opened.show(rider=RIDER, listed=LISTED, chosen="bj-2")
    opened.show(rider=RIDER | {"lat": 34.3615}, listed=LISTED[::-1], chosen="bj-0")
    opened.show(rider=RIDER, listed=[])
    assert opened.view() == start
    opened.show(rider=RIDER, listed=LISTED, chosen="bj-9")
    # At once: an animation would still be at the first view.
    assert opened.sees(107.4, 34.5)
    assert opened.sees(RIDER["lon"], RIDER["lat"])
    away = opened.view()
    opened.show(rider=RIDER, listed=LISTED)
    assert opened.view() == away
    opened.show(rider={"lon": 108.2, "lat": 34.1}, listed=[])  # another place: nothing is in sight
    assert opened.sees(108.2, 34.1)


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_not_understood_is_left_out(page: Page) -> None:
    stations = make_stations(make_station(0, id="__proto__"), make_station(1, id=HOSTILE))
    opened = talk(page, MapLayers(stations))
    for junk in (None, 7, "x", [], {}, {"type": "locator:else"}, {"type": 1}):
        opened.send(junk)
    assert opened.map.locator(".lmap-mark").count() == 0
    opened.show(
        rider={"lon": "107", "lat": 95}, chosen={"id": 1}, listed=["constructor", 3, None, "nope"]
    )
    expect(opened.map.locator(".lmap-mark")).to_have_count(2)
    expect(opened.map.locator(".lmap-rider")).to_have_count(0)
    opened.show(rider=7, listed="bj-0")
    opened.show(listed=["nope", HOSTILE, HOSTILE, "__proto__"])
    expect(opened.map.locator(".lmap-badge")).to_have_text(["2", "4"], use_inner_text=True)


@pytest.mark.slow
@pytest.mark.browser
def test_only_our_own_page_is_heard(page: Page) -> None:
    opened = talk(page)
    opened.map.evaluate("message => window.postMessage(message, '*')", message())
    page.evaluate(
        "() => { const other = document.body.appendChild(document.createElement('iframe'));"
        "other.contentWindow.eval(`parent.frames[0].postMessage(${JSON.stringify("
        + json.dumps(message())
        + ")}, '*')`) }"
    )
    page.wait_for_timeout(patience(200))
    expect(opened.map.locator(".lmap-badge")).to_have_count(0)


def message() -> dict[str, Any]:
    return {"type": "locator:show", "rider": RIDER, "chosen": None, "listed": LISTED}


@pytest.mark.slow
@pytest.mark.browser
def test_in_anothers_page_the_map_is_drawn_and_hears_nothing(page: Page) -> None:
    serve(page, make_layers(), OPTIONS)
    page.goto(f"{OTHER}/")
    inside = page.frames[1]
    expect(inside.locator(".lmap-mark")).to_have_count(4)
    page.evaluate("message => post(message)", message())
    page.wait_for_timeout(patience(200))
    expect(inside.locator(".lmap-badge")).to_have_count(0)
    inside.locator(".lmap-mark").last.dispatch_event("click")
    expect(inside.locator(".lmap-details")).to_have_attribute("target", "_blank")
    assert page.evaluate("said") == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_page_that_says_nothing_gets_a_map_too(page: Page) -> None:
    opened = talk(page)
    expect(opened.map.locator(".lmap-mark")).to_have_count(4)  # after a while
    opened.show(rider={"lon": 108.2, "lat": 34.1, "accuracy_m": 10})
    assert opened.sees(108.2, 34.1)  # the first message still says where to look


@pytest.mark.slow
@pytest.mark.browser
def test_a_folded_map_looks_right_when_it_is_shown(page: Page) -> None:
    opened = talk(page, path="/hidden")
    opened.show(rider=RIDER, listed=LISTED)
    page.evaluate("frame.hidden = false")
    page.wait_for_timeout(patience(300))
    assert opened.view()[1] >= 13
    for lon in (107.14, 107.15, 107.16):
        assert opened.sees(lon, 34.36)


@pytest.mark.slow
@pytest.mark.browser
def test_a_clustered_station_of_the_list_is_seen(page: Page) -> None:
    rows = [make_station(n, geometry=Point(107 + n / 5000, 34.36)) for n in range(1_001)]
    opened = talk(page, MapLayers(make_stations(*rows)))
    opened.show(listed=["bj-0", "bj-1", "bj-1000"])
    expect(opened.map.locator(".lmap-badge")).to_have_text(["1", "2", "3"], use_inner_text=True)


@pytest.mark.slow
@pytest.mark.browser
def test_it_starts_quiet(page: Page) -> None:
    opened = talk(page)
    opened.show(rider=RIDER, listed=LISTED)
    for selector in (".lmap-search", ".lmap-zone", ".lmap-gap", ".lmap-rank", ".lmap-title"):
        expect(opened.map.locator(selector)).to_have_count(0)
    expect(opened.map.locator(".lmap-district").first).to_be_attached()  # the base map, here
    opened.map.locator(".lmap-legend summary").click()
    opened.map.locator(".lmap-layer", has_text="热区").click()
    expect(opened.map.locator(".lmap-zone")).to_have_count(1)


# --------------------------------------------------------------------------- map to page


@pytest.mark.slow
@pytest.mark.browser
def test_a_tapped_station_is_told_and_its_card_stays(page: Page) -> None:
    noted = make_station(
        0, notice="停水", notice_from=date(2026, 11, 1), notice_until=date(2026, 11, 30)
    )
    layers = MapLayers(make_stations(noted, *(make_station(n) for n in (1, 2, 3))))
    opened = talk(page, layers, replace(OPTIONS, day=date(2026, 11, 23)))
    opened.show(rider=RIDER, listed=["bj-0", "bj-1"])
    opened.map.locator(".lmap-badge", has_text="1").click()
    opened.page.wait_for_function("said.length > 1")
    assert opened.said()[1:] == [{"type": "locator:choose", "id": "bj-0"}]
    expect(opened.map.locator(".lmap-fact.is-notice")).to_contain_text("停水")
    page.wait_for_timeout(patience(400))  # the map makes room for the card
    view = opened.view()
    opened.show(rider=RIDER, listed=["bj-0", "bj-1"], chosen="bj-0")
    page.wait_for_timeout(patience(300))
    expect(opened.map.locator(".lmap-card")).to_be_visible()
    assert opened.view() == view
    link = opened.map.locator(".lmap-details")
    expect(link).to_have_attribute("target", "_parent")
    opened.show(rider=RIDER, listed=["bj-0", "bj-1"], chosen="bj-1")
    expect(opened.map.locator(".lmap-card")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.browser
def test_a_station_outside_the_list_can_be_chosen_by_keyboard(page: Page) -> None:
    opened = talk(page)
    opened.show(rider=RIDER, listed=["bj-0"])
    opened.map.locator(".lmap-mark:not(.is-covered)").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("said.length > 1")
    assert opened.said()[1] == {"type": "locator:choose", "id": "bj-1"}
    opened.show(rider=RIDER, listed=["bj-0"], chosen="bj-1")
    expect(opened.map.locator(".lmap-card h3")).to_have_text("经二路驿站1")
    page.keyboard.press("Escape")
    expect(opened.map.locator(".lmap-card")).to_have_count(0)
    title = opened.map.evaluate("document.activeElement.title")  # the badge that covers it
    assert title.startswith("经二路驿站1 · ")


@pytest.mark.slow
@pytest.mark.browser
def test_the_tapped_ground_is_told(page: Page) -> None:
    opened = talk(page)
    opened.show(rider=RIDER, listed=LISTED)
    opened.map.locator(".lmap-canvas").click(position={"x": 60, "y": 300})
    page.wait_for_function("said.length > 1")
    ((_, point),) = page.evaluate("said.slice(1)")
    assert point["type"] == "locator:point"
    assert opened.sees(point["lon"], point["lat"])
    opened.map.locator(".lmap-badge").first.click()
    expect(opened.map.locator(".lmap-card")).to_be_visible()
    page.wait_for_timeout(patience(400))
    opened.map.locator(".lmap-canvas").click(position={"x": 20, "y": 300})  # closes the card
    expect(opened.map.locator(".lmap-card")).to_have_count(0)
    page.wait_for_timeout(patience(100))
    assert len(page.evaluate("said.filter(one => one[1].type === 'locator:point')")) == 1


@pytest.mark.browser
def test_the_served_map_talks_to_a_page_of_the_same_site(page: Page, server: Server) -> None:
    host = HOST.replace("MAP", "/embed/map?for=list")
    page.route(
        f"{server.url}/host", lambda route: route.fulfill(body=host, content_type="text/html")
    )
    page.goto(f"{server.url}/host")
    page.wait_for_function("said.length > 0")
    opened = Talk(page, page.frames[1])
    opened.show(rider={"lon": 107.1489, "lat": 34.3692, "accuracy_m": 30}, listed=["BJ-R-045"])
    expect(opened.map.locator(".lmap-badge")).to_have_text("1", use_inner_text=True)
    opened.map.locator(".lmap-badge").click()
    page.wait_for_function("said.length > 1")
    assert page.evaluate("said[1][1]") == {"type": "locator:choose", "id": "BJ-R-045"}
    page.wait_for_timeout(patience(400))  # the map makes room for the card
    opened.map.locator(".lmap-details").click()
    page.wait_for_url(f"{server.url}/stations/BJ-R-045")
    expect(page.locator("h1")).to_have_text("经二路城市驿站")


def test_a_way_is_drawn_looked_at_once_and_taken_away(still: Page) -> None:
    talking = talk(still)
    line = [[107.1525, 34.3605], [107.1700, 34.3605], [107.1700, 34.3800]]
    way = {"key": 1, "line": line}
    talking.show(rider=RIDER, listed=LISTED, route=way)
    drawn = talking.map.locator("path.lmap-route")
    expect(drawn).to_have_count(1)
    assert all(talking.sees(*corner) for corner in line)
    talking.map.evaluate(f"() => {FIND_MAP}.setView([34.3605, 107.1525], 17)")
    before = talking.view()
    talking.show(rider=RIDER, listed=LISTED, route=way)
    assert talking.view() == before
    talking.show(rider=RIDER, listed=LISTED)
    expect(drawn).to_have_count(0)


@pytest.mark.parametrize(
    "line",
    [None, "x", [], [[107, 34]], [[107, 34], [107, None]], [[107, 34], "x"], [[999, 34], [1, 2]]],
)
def test_a_way_that_is_not_understood_is_left_out_whole(page: Page, line: object) -> None:
    talking = talk(page)
    talking.show(rider=RIDER, listed=LISTED, route={"key": 1, "line": line})
    expect(talking.map.locator(".lmap-badge").first).to_be_visible()
    expect(talking.map.locator("path.lmap-route")).to_have_count(0)
