"""The planner's page in a real Chromium: what moves is followed, and nobody else is asked."""

import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from locator.settings import Settings
from locator.study import parse_scenario
from locator.web import create_app
from tests.browser_support import watch_page
from tests.conftest import fixed_clock, served
from tests.patience import patience

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GAP = (107.1977, 34.3472)  # of the shipped city on Friday at 22:00, 5 minutes
NEW = {
    "id": "NEW-1", "name": "假设驿站 1", "kind": "rest_post", "lon": GAP[0], "lat": GAP[1],
    "services": ["drinking_water"], "opening_hours": "24/7",
}  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)></script>{{7*7}}${1}"
MAP = "document.querySelector('#map .lmap-canvas')"
# The canvas of the squares as the browser holds it.
PICTURE = f"{MAP}.querySelector('.leaflet-lmap-squares-pane canvas').toDataURL()"


@pytest.fixture
def site(settings: Settings) -> Iterator[str]:
    """Run the site in a thread, at noon of a Monday."""
    with served(create_app(settings, clock=fixed_clock)) as url:
        yield url


@pytest.fixture
def planner(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the planner's page and waits for its first answer."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_planner_page(
        fragment: str = "", *, width: int = 1280, is_quiet: bool = True, **options: Any
    ) -> Page:
        given = {"locale": "zh-CN", "accept_downloads": True} | options
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, base_url=site, **given
        )
        contexts.append(context)
        page = context.new_page()
        watch_page(page, troubles)
        if is_quiet:
            page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.goto(f"/planner{fragment}")
        page.wait_for_selector("#planner[aria-busy=false]")
        return page

    yield open_planner_page
    for context in contexts:
        context.close()
    assert not troubles


def link(scenario: dict[str, Any], rest: str = "m=5&h=118") -> str:
    """Return the part of an address that holds a scenario."""
    return f"#{rest}&x={quote(json.dumps(scenario, ensure_ascii=False))}"


def share(page: Page) -> float:
    """Return the covered percentage that the page shows."""
    return float(page.locator("#share").inner_text().removesuffix("%"))


def settle(page: Page, act: Callable[[], object]) -> None:
    """Act, and wait until the answer to it has changed what is shown."""
    with page.expect_response("**/planner/answer"):
        act()
    page.wait_for_timeout(patience(100))


def place_at(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Bring a place to the middle of the map and return where it is on the screen."""
    page.evaluate(
        f"([lon, lat]) => {{ {MAP}.lmapMap.setView([lat, lon], 14, {{ animate: false }}); }}",
        [lon, lat],
    )
    box = page.locator("#map .lmap-canvas").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_moving_the_threshold_changes_the_number_and_the_map(
    planner: Callable[..., Page],
) -> None:
    page = planner()
    before, picture = share(page), page.evaluate(PICTURE)
    page.locator("#minutes-range").focus()
    settle(page, lambda: page.keyboard.press("ArrowLeft"))
    expect(page.locator("#minutes")).to_have_value("4.5")
    assert share(page) < before
    assert page.evaluate(PICTURE) != picture
    page.locator("#minutes").fill("12")
    settle(page, lambda: page.locator("#minutes").press("Enter"))
    assert share(page) > before
    expect(page.locator("#minutes-range")).to_have_value("12")
    page.locator("#minutes").fill("0")
    page.locator("#minutes").press("Enter")
    expect(page.locator("#minutes")).to_have_value("12")  # not a standard: the last one stays


@pytest.mark.parametrize("given", ["0", "61", "-3", ""])
def test_minutes_that_cannot_be_are_explained(planner: Callable[..., Page], given: str) -> None:
    page = planner()
    before = share(page)
    page.locator("#minutes").fill(given)
    page.locator("#minutes").press("Enter")
    expect(page.locator("#minutes-wrong")).to_have_text("请填 1 到 60 之间的分钟数；没有改变。")
    expect(page.locator("#minutes-wrong")).to_be_visible()
    expect(page.locator("#minutes")).to_have_value("5")
    assert share(page) == before
    settle(
        page, lambda: (page.locator("#minutes").fill("6"), page.locator("#minutes").press("Enter"))
    )
    expect(page.locator("#minutes-wrong")).to_be_hidden()


def test_the_strip_rounds_as_the_report_does(planner: Callable[..., Page]) -> None:
    page = planner()
    with page.expect_response("**/planner/answer") as caught:
        page.locator("#minutes-range").press("ArrowLeft")
    shares = caught.value.json()["now"]["hours"]
    page.wait_for_timeout(patience(200))
    cells = page.locator("#strip button").all_inner_texts()
    apart = [abs(int(text) - 100 * value) for text, value in zip(cells, shares, strict=True)]
    assert max(apart) <= 0.5 + 1e-6
    assert any(int(text) > 100 * value for text, value in zip(cells, shares, strict=True))


def test_the_strip_is_the_picker_of_hours(planner: Callable[..., Page]) -> None:
    page = planner()
    cell = page.get_by_role("button", name="周五 22:00", exact=False)
    settle(page, cell.click)
    expect(cell).to_have_attribute("aria-pressed", "true")
    assert str(int(share(page))) == cell.inner_text()
    expect(page.locator("#change")).to_contain_text("周五 22:00")
    expect(page.locator("#day")).to_have_value("4")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    settle(page, lambda: page.keyboard.press("Enter"))
    expect(page.locator("#change")).to_contain_text("周四 21:00")
    page.keyboard.press("Enter")
    expect(page.locator("#change")).to_contain_text("全周")
    assert page.locator("#strip button[tabindex='0']").count() == 1
    assert page.locator("#strip button").count() == 168
    settle(page, lambda: page.locator("#day").select_option("6"))
    expect(page.locator("#change")).to_contain_text("周日")


def test_services_leave_stations_out(planner: Callable[..., Page]) -> None:
    page = planner()
    before = share(page)
    settle(page, lambda: page.locator("#services label", has_text="微波炉").click())
    assert share(page) < before
    assert page.locator(".lmap-mark.is-uncounted").count() > 0
    expect(page.locator("#command")).to_contain_text("--service microwave")


def test_a_dropped_station_covers_more_and_can_be_dragged_and_taken_back(
    planner: Callable[..., Page],
) -> None:
    page = planner("#m=5&h=118")
    before, picture = share(page), page.evaluate(PICTURE)
    x, y = place_at(page, *GAP)
    page.get_by_role("button", name="在地图上放驿站").click()
    settle(page, lambda: page.mouse.click(x, y))
    covered = share(page)
    assert covered > before
    assert page.evaluate(PICTURE) != picture
    expect(page.locator("#change")).to_contain_text(f"现状 {before:.1f}%，变化 +")
    ghost = page.get_by_role("button", name="新增: 假设驿站 1")
    expect(ghost).to_be_visible()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 200, y - 150, steps=5)
    settle(page, page.mouse.up)
    expect(page.locator("#share")).not_to_have_text(f"{covered:.1f}%")
    settle(page, page.get_by_role("button", name="撤销").click)
    assert share(page) == covered
    settle(page, page.get_by_role("button", name="撤销").click)
    assert share(page) == before
    expect(page.locator("#no-changes")).to_be_visible()
    expect(page.locator(".planner-ghost")).to_have_count(0)


def test_everything_of_a_change_can_be_typed(planner: Callable[..., Page]) -> None:
    page = planner("#m=5&h=118", is_quiet=False)  # the refused hours are an error in its console
    before = share(page)
    settle(page, lambda: page.get_by_role("button", name="放在地图中间").press("Enter"))
    form = page.locator("#changes li").first
    form.get_by_label("经度").fill(str(GAP[0]))
    settle(page, lambda: form.get_by_label("经度").press("Tab"))
    form.get_by_label("纬度").fill(str(GAP[1]))
    settle(page, lambda: form.get_by_label("纬度").press("Tab"))
    covered = share(page)
    assert covered > before
    settle(page, lambda: form.get_by_label("开放时间").select_option("Mo-Su 09:00-18:00"))
    assert share(page) == before  # Friday, 22:00
    form.get_by_label("开放时间").select_option("")
    form.get_by_role("textbox", name="自己写").fill("Fr 20:00-24:00")
    settle(page, lambda: form.get_by_role("textbox", name="自己写").press("Tab"))
    assert share(page) == covered
    expect(form.locator("summary")).to_contain_text("周五 20:00–24:00")  # its words, not the code
    form.get_by_role("textbox", name="自己写").fill("有空就开")
    settle(page, lambda: form.get_by_role("textbox", name="自己写").press("Tab"))
    expect(page.locator("#trouble")).to_contain_text("opening_hours")
    expect(page.locator("#download")).to_be_disabled()
    settle(page, page.get_by_role("button", name="撤销").click)
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_station_is_closed_moved_and_kept_open_from_its_card(
    planner: Callable[..., Page],
) -> None:
    page = planner("#m=5&h=12")
    before = share(page)
    name = "渭水苑"
    mark = page.locator(f".lmap-mark[title*='{name}']").first
    mark.dispatch_event("click")
    settle(page, page.get_by_role("button", name="假设关闭").click)
    assert share(page) < before
    mark.dispatch_event("click")
    settle(page, page.get_by_role("button", name="假设开放").click)
    assert share(page) == before
    mark.dispatch_event("click")
    settle(page, page.get_by_role("button", name="假设移动").click)
    expect(page.get_by_role("button", name="移动: ")).to_be_visible()
    settle(page, page.locator("#changes").get_by_role("button", name="去掉").click)
    mark.dispatch_event("click")
    settle(page, page.get_by_role("button", name="假设改时间").click)
    expect(page.locator("#changes summary")).to_contain_text("开放时间 24 小时")


def test_now_then_and_the_difference_are_told_apart_in_words(
    planner: Callable[..., Page],
) -> None:
    page = planner(link({"add": [NEW], "close": ["BJ-R-045"]}) + "&v=change")
    expect(page.locator("#legend")).to_contain_text("新覆盖")
    expect(page.locator("#legend")).to_contain_text("失去覆盖")
    cells = page.locator("#strip button").all_inner_texts()
    assert any(text.startswith("+") for text in cells)
    change = page.evaluate(PICTURE)
    page.locator("#views label", has_text="现状").click()
    expect(page.locator("#legend")).not_to_contain_text("新覆盖")
    now = page.evaluate(PICTURE)
    page.locator("#views label", has_text="情景").click()
    assert len({change, now, page.evaluate(PICTURE)}) == 3


def test_the_downloaded_file_is_the_scenario(planner: Callable[..., Page]) -> None:
    page = planner(link({"add": [NEW], "close": ["BJ-R-045"]}))
    with page.expect_download() as caught:
        page.get_by_role("button", name="下载情景文件").click()
    assert caught.value.suggested_filename == "scenario.yaml"
    text = Path(caught.value.path()).read_text("utf-8")
    read = parse_scenario(text, source="scenario.yaml")
    assert read.close == ("BJ-R-045",)
    assert read.add is not None
    assert read.add["name"].tolist() == ["假设驿站 1"]
    expect(page.locator("#command")).to_contain_text("--scenario scenario.yaml")


def test_the_address_takes_a_colleague_to_the_same_view(planner: Callable[..., Page]) -> None:
    page = planner(link({"add": [NEW]}, "m=7.5&h=118&s=toilet&k=rest_post&v=change"))
    page.wait_for_timeout(patience(1000))
    seen, address = page.locator("#planner").inner_text(), urlsplit(page.url).fragment
    settle(page, lambda: page.locator("#minutes-range").press("ArrowRight"))
    page.wait_for_timeout(patience(500))
    assert urlsplit(page.url).fragment != address
    other = planner("#" + address)
    other.wait_for_timeout(patience(1000))
    assert other.locator("#planner").inner_text() == seen
    assert urlsplit(other.url).fragment == address


def test_a_link_shows_the_place_that_it_changes(planner: Callable[..., Page]) -> None:
    page = planner(link({"move": {"BJ-R-001": [106.85, 34.9]}}))
    ghost = page.get_by_role("button", name="移动: ").bounding_box()
    box = page.locator("#map .lmap-canvas").bounding_box()
    assert ghost is not None
    assert box is not None
    assert box["x"] < ghost["x"] < box["x"] + box["width"] - ghost["width"]
    assert box["y"] < ghost["y"] < box["y"] + box["height"] - ghost["height"]


@pytest.mark.parametrize(
    "fragment",
    ["#m=zwei&h=400&s=sauna&v=upside", "#x=%7Bnot", "#x=%E0%A4%A", "#x=[1]",
     "#x=%7B%22add%22%3A5%7D", "#" + "x" * 2000, "#m=1e9&h=-1&h=2.5"],
)  # fmt: skip
def test_a_broken_address_opens_the_page_all_the_same(
    planner: Callable[..., Page], fragment: str
) -> None:
    page = planner(fragment)
    expect(page.locator("#share")).to_have_text("76.8%")
    expect(page.locator("#trouble")).to_be_hidden()


def test_names_from_an_address_are_shown_as_text(planner: Callable[..., Page]) -> None:
    given = {"add": [NEW | {"name": HOSTILE, "id": "__proto__"}], "hours": {"BJ-R-001": "24/7"}}
    page = planner(link(given))
    expect(page.locator("#changes b").first).to_have_text(HOSTILE)
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert page.evaluate("({}).lon") is None


def test_fast_moves_end_with_the_answer_to_the_last(planner: Callable[..., Page]) -> None:
    page = planner()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/answer") else None)
    page.evaluate(
        """async () => {
          const slider = document.getElementById("minutes-range");
          for (let step = 0; step < 60; step += 1) {
            slider.value = 1 + step / 4;
            slider.dispatchEvent(new Event("input"));
            await new Promise((done) => setTimeout(done, 5));
          }
          slider.value = 8;
          slider.dispatchEvent(new Event("input"));
        }"""
    )
    expect(page.locator("#change")).to_contain_text("8 分钟内")
    page.wait_for_timeout(patience(300))
    expected = page.evaluate(
        """() => fetch("/planner/answer", { method: "POST", body: '{"minutes": 8}',
          headers: { "Content-Type": "application/json" } })
          .then((response) => response.json()).then((body) => body.now.figures.covered_share)"""
    )
    assert share(page) == pytest.approx(100 * expected, abs=0.051)
    assert len(asked) < 62  # what lay between was skipped


def test_a_busy_server_is_said_and_asked_again(planner: Callable[..., Page]) -> None:
    page = planner(is_quiet=False)
    answers = iter([503, 503])

    def answer(route: Any) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, json={"error": "busy"})

    page.route("**/planner/answer", answer)
    before = share(page)
    page.locator("#minutes").fill("9")
    page.locator("#minutes").press("Enter")
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#trouble")).to_be_hidden(timeout=patience(10_000))
    assert share(page) > before
    grounds = iter([503])

    def inputs(route: Any) -> None:
        if next(grounds, None):
            route.fulfill(status=503, json={"error": "busy"})
        else:
            route.continue_()

    page.route("**/planner/inputs.json", inputs)
    page.reload()
    expect(page.locator("#trouble")).to_be_visible()
    page.wait_for_selector("#planner[aria-busy=false]")
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("locale", "scheme"), [("zh-CN", "light"), ("en-US", "dark")])
def test_it_fits_and_axe_finds_nothing(
    planner: Callable[..., Page], width: int, locale: str, scheme: str
) -> None:
    page = planner(link({"add": [NEW], "close": ["BJ-R-045"]}, "m=5&h=118&v=change"),
                width=width, locale=locale, color_scheme=scheme, bypass_csp=True)  # fmt: skip
    page.locator("#zones-part summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    code = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(code)
    found = page.evaluate("axe.run(document)")
    assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in found["violations"]] == []
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_asks_its_own_server_only(planner: Callable[..., Page], site: str) -> None:
    page = planner()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("#planner[aria-busy=false]")
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(site).netloc}


def test_without_scripts_it_says_that_it_needs_them(chromium: Browser, site: str) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site}/planner")
    expect(page.locator("main noscript .notice")).to_contain_text("JavaScript")
    expect(page.locator("#planner")).to_be_hidden()
    context.close()
