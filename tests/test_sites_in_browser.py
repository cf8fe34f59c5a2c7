"""Best sites on the planner's page, in a real Chromium, from a server in a process of its own."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from locator.settings import Settings
from locator.store import Change, open_store
from tests.browser_support import watch_page
from tests.conftest import Server, fixed_clock, running_server
from tests.patience import patience
from tests.test_jobs import freeze

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(os.name == "nt", reason="SIGSTOP is a matter of POSIX"),
]

HOSTILE = "<img src=x onerror=alert(1)></script>{{7*7}}${1}"
DONE_MS = patience(60_000)


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an address of the planner in a tab of its own."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_tab(url: str, *, width: int = 390, locale: str = "zh-CN") -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 844}, locale=locale)
        contexts.append(context)
        page = context.new_page()
        watch_page(page, troubles)
        own = urlsplit(url).netloc
        page.on(
            "request",
            lambda r: troubles.append(r.url) if urlsplit(r.url).netloc not in {own, ""} else None,
        )
        page.goto(url)
        page.wait_for_selector("#planner[aria-busy=false]")
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert not troubles


def ended(page: Page, state: str = "done") -> None:
    page.wait_for_selector(f"#sites[data-state={state}]", timeout=DONE_MS)


def begin(page: Page) -> None:
    """Press the button, and wait until the job's id is in the address."""
    page.locator("#sites-start").click()
    expect(page).to_have_url(re.compile("&j="), timeout=DONE_MS)


def test_the_best_places_become_a_scenario_with_the_share_that_was_promised(
    server: Server, tabs: Callable[..., Page]
) -> None:
    page = tabs(f"{server.url}/planner", width=1280)
    page.locator("#sites-new").fill("3")
    begin(page)
    ended(page)
    items = page.locator("#sites-list > li")
    expect(items).to_have_count(3)
    expect(page.locator(".planner-site")).to_have_count(3)
    expect(page.locator("#sites-proof")).to_contain_text("已证明最好")
    promised = re.search(r"到 ([\d.]+%)", page.locator("#sites-headline").inner_text())
    assert promised is not None
    with page.expect_response("**/planner/answer"):
        page.locator("#sites-take").click()
    expect(page.locator("#share")).to_have_text(promised[1])
    expect(page.locator("#changes > li")).to_have_count(3)
    with page.expect_download() as download:
        page.locator("#download").click()
    text = Path(download.value.path()).read_text("utf-8")
    assert items.first.locator("b").inner_text() in text
    page.locator("#undo").click()
    expect(page.locator("#changes > li")).to_have_count(0)  # all of them were one step


def test_a_tab_that_was_closed_finds_its_job_again(
    settings: Settings, server: Server, tabs: Callable[..., Page]
) -> None:
    first = tabs(f"{server.url}/planner#m=4&h=118")
    begin(first)
    worker = freeze(settings)
    try:
        address = first.url
        first.context.close()
        again = tabs(address)
        expect(again.locator("#sites-run")).to_be_visible()
        expect(again.locator("#sites-state")).not_to_be_empty()
        expect(again.locator("#minutes")).to_have_value("4")
    finally:
        os.kill(worker, signal.SIGCONT)
    ended(again)
    expect(again.locator("#sites-list > li")).to_have_count(5)
    expect(again.locator("#sites-basis")).to_contain_text("周五 22:00")
    assert again.evaluate("document.documentElement.scrollWidth") == 390
    for target in again.locator("#sites button:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 36


def test_an_answer_says_that_the_register_has_changed_since(
    settings: Settings, server: Server, tabs: Callable[..., Page]
) -> None:
    page = tabs(f"{server.url}/planner")
    begin(page)
    ended(page)
    expect(page.locator("#sites-basis")).not_to_contain_text("改过")
    with open_store(settings.store, clock=fixed_clock) as store:
        rows = store.read("stations", where={"id": "BJ-R-001"})
        rows["capacity"] = 7
        store.apply(Change("stations", rows), actor="t")
    page.reload()
    ended(page)
    expect(page.locator("#sites-basis")).to_contain_text("那以后登记的数据改过")


def test_a_job_is_cancelled_from_the_page(
    settings: Settings, server: Server, tabs: Callable[..., Page]
) -> None:
    one, two = tabs(f"{server.url}/planner"), tabs(f"{server.url}/planner")
    begin(one)
    worker = freeze(settings)
    try:
        begin(two)
        expect(two.locator("#sites-state")).to_contain_text("前面还有 1 个")
        two.locator("#sites-cancel").click()
        ended(two, "cancelled")
        expect(two.locator("#sites-trouble-text")).to_have_text("已取消，还没有结果。")
        one.locator("#sites-cancel").click()
        expect(one.locator("#sites-state")).to_have_text("正在取消…")
    finally:
        os.kill(worker, signal.SIGCONT)
    ended(one, "cancelled")


def test_a_worker_that_was_killed_is_said_and_started_again(
    settings: Settings, server: Server, tabs: Callable[..., Page]
) -> None:
    page = tabs(f"{server.url}/planner")
    begin(page)
    os.kill(freeze(settings), signal.SIGKILL)
    ended(page, "failed")
    expect(page.locator("#sites-trouble-text")).to_contain_text("中途停了")
    page.locator("#sites-again").click()
    ended(page)
    expect(page.locator("#sites-trouble")).to_be_hidden()


def test_names_are_shown_and_never_run(settings: Settings, tabs: Callable[..., Page]) -> None:
    with open_store(settings.store, clock=fixed_clock) as store:
        for layer in ("hot_zones", "places", "stations"):
            rows = store.read(layer)
            rows["name"] = HOSTILE
            store.apply(Change(layer, rows), actor="t")
    with running_server(settings) as server:
        page = tabs(f"{server.url}/planner")
        begin(page)
        ended(page)
        assert HOSTILE in page.locator("#sites-list b").first.inner_text()
        page.locator("#sites-list summary").first.click()
        expect(page.locator("#sites-list .site-why p").first).to_contain_text(HOSTILE)
        page.locator("#sites-take").click()
        expect(page.locator("#changes > li")).to_have_count(5)
        assert page.locator("#sites img").count() == 0


def test_everything_can_be_done_from_the_keyboard(
    server: Server, tabs: Callable[..., Page]
) -> None:
    page = tabs(f"{server.url}/planner", width=1280)
    page.locator("#sites-new").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    ended(page)
    assert page.evaluate("document.activeElement.id") == "sites-result"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "site-name"
    page.keyboard.press("Enter")
    page.locator(".planner-site").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#sites-list') !== null")


def test_a_budget_is_spent_on_what_helps_most(server: Server, tabs: Callable[..., Page]) -> None:
    page = tabs(f"{server.url}/planner", locale="en-US")
    page.locator("label", has_text="By budget").click()
    page.locator("#sites-budget").fill("9")
    page.locator("#price-post").fill("")
    begin(page)
    ended(page)
    expect(page.locator("#sites-list")).to_contain_text("longer hours")
    expect(page.locator("#sites-list")).to_contain_text("10,000 yuan/year")
    expect(page.locator("#sites-proof")).to_contain_text("optimality gap")
    promised = re.search(r"to ([\d.]+%)", page.locator("#sites-headline").inner_text())
    assert promised is not None
    with page.expect_response("**/planner/answer"):
        page.locator("#sites-take").click()
    expect(page.locator("#share")).to_have_text(promised[1])


def test_what_is_refused_is_said_beside_the_button(
    server: Server, tabs: Callable[..., Page]
) -> None:
    page = tabs(f"{server.url}/planner")
    middle = "document.querySelector('#map .lmap-canvas').lmapMap.setView([34.9, 108.3], 15)"
    page.evaluate(f"() => {{ {middle}; }}")
    page.locator("#sites-where").select_option("map")
    begin(page)
    ended(page, "failed")
    expect(page.locator("#sites-trouble-text")).to_contain_text("no candidate site in the box")
    gone = tabs(f"{server.url}/planner#m=5&j={'A' * 24}")
    expect(gone.locator("#sites-trouble-text")).to_contain_text("72 小时")


def test_where_visitors_may_not_start_jobs_the_page_names_the_command(
    settings: Settings, tabs: Callable[..., Page]
) -> None:
    with running_server(settings) as server:
        page = tabs(f"{server.url}/planner")
        begin(page)
        ended(page)
        fragment = urlsplit(page.url).fragment
    with running_server(settings, LOCATOR_JOBS="nobody") as server:
        page = tabs(f"{server.url}/planner#{fragment}")
        expect(page.locator("#sites-form")).to_have_count(0)
        expect(page.locator("#sites code").first).to_contain_text("locator site")
        ended(page)  # who was sent the link sees what was found
        expect(page.locator("#sites-list > li")).to_have_count(5)
