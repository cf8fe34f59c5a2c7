"""The pictures of README and docs, taken from a running site and from the command line.

    locator serve --port 5000 &
    python scripts/take_pictures.py http://127.0.0.1:5000

Needs the extra ``dev`` (playwright) and Chromium; run it on the shipped data. Only route.png
wants a site with roads, which the shipped data lack, so it is taken apart: the one in docs is of
Porto, with five made-up stations and the extract that tests read (LOCATOR_REALDATA), on a store
of its own.

    locator stations import porto.csv --mode replace && locator roads import porto.osm.pbf
    python scripts/take_pictures.py http://127.0.0.1:5000 --route -8.6150 41.1580
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import click
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
HERE = {"longitude": 107.1489, "latitude": 34.3692, "accuracy": 20}
WECHAT = "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/107.0 Mobile MicroMessenger/8.0"
TIMED_OUT = "navigator.geolocation.getCurrentPosition = (good, bad) => bad({ code: 3 });"


def open_phone(browser: Browser, site: str, **options: object) -> Page:
    """Open a page on a phone of 390 px that stands in the city."""
    given = {"locale": "zh-CN", "geolocation": HERE, "permissions": ["geolocation"]} | options
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, base_url=site, **given  # type: ignore[arg-type]
    )  # fmt: skip
    return context.new_page()


def take(page: Page, name: str) -> None:
    """Take a picture of what is on the screen."""
    page.wait_for_timeout(400)
    page.screenshot(path=PICTURES / f"{name}.png")


def take_lists(browser: Browser, site: str) -> None:
    """Take the list as riders meet it: granted, moved, in English, in the dark, with the map."""
    page = open_phone(browser, site)
    page.goto("/")
    page.wait_for_selector("#cards .card")
    take(page, "list")
    page.click("#more summary")
    take(page, "filters")
    page.fill("#toward", "gaoxin")
    page.press("#toward", "Enter")
    page.click("#more summary")
    take(page, "on-the-way")
    page.reload()
    page.click("#map-toggle")
    page.frame_locator("iframe").locator(".lmap-badge").first.wait_for()
    page.locator("iframe").scroll_into_view_if_needed()
    take(page, "map-in-list")
    phones: dict[str, dict[str, object]] = {
        "list-english": {"locale": "en-US"},
        "list-dark": {"color_scheme": "dark"},
        "list-wechat": {"user_agent": WECHAT},
        "list-moved": {
            "geolocation": {"longitude": 107.233, "latitude": 34.3646, "accuracy": 3000}
        },
    }
    for name, options in phones.items():
        page = open_phone(browser, site, **options)
        page.goto("/")
        page.wait_for_selector("#cards .card")
        take(page, name)


def take_dead_ends(browser: Browser, site: str) -> None:
    """Take what a rider sees without a position, a script or a network."""
    page = open_phone(browser, site, permissions=[])
    page.goto("/")
    take(page, "home")
    page.click("#locate button")
    page.fill("#place", "jt")
    take(page, "denied")
    page = open_phone(browser, site)
    page.context.add_init_script(TIMED_OUT)
    page.goto("/")
    take(page, "timed-out")
    page = open_phone(browser, site, java_script_enabled=False)
    page.goto("/?place=经二路商圈")
    take(page, "no-script")
    page = open_phone(browser, site)
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.wait_for_timeout(1500)
    page.context.set_offline(True)
    page.reload()
    page.wait_for_selector("#cards .card")
    take(page, "offline")


def take_route(browser: Browser, site: str, lon: float, lat: float) -> None:
    """Take the way to the last station of the list, on a site that knows the roads."""
    here = {"longitude": lon, "latitude": lat, "accuracy": 20}
    page = open_phone(browser, site, geolocation=here)
    page.goto("/")
    page.locator("#cards .way").last.click()
    page.wait_for_timeout(1500)  # the page scrolls to the map
    page.click("#way p button")
    page.wait_for_selector(".streets")
    page.frame_locator("iframe").locator("path.lmap-route").wait_for()
    take(page, "route")


def take_pages(browser: Browser, site: str) -> None:
    """Take a station's page, inside WeChat too, and the map."""
    phones: dict[str, dict[str, object]] = {"station": {}, "station-wechat": {"user_agent": WECHAT}}
    for name, options in phones.items():
        page = open_phone(browser, site, **options)
        page.goto("/stations/BJ-R-001")
        take(page, name)
    desk = browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    desk.goto(f"{site}/map")
    desk.wait_for_timeout(1500)
    desk.screenshot(path=PICTURES / "map.png")


def take_embeds(browser: Browser, site: str) -> None:
    """Take the page that writes the snippet, with its preview."""
    desk = browser.new_page(viewport={"width": 900, "height": 1100}, locale="zh-CN")
    desk.goto(f"{site}/embed?what=coverage&minutes=5")
    preview = desk.locator("iframe")
    preview.evaluate("frame => frame.scrollIntoView()")
    desk.frame_locator("iframe").locator(".leaflet-marker-icon").first.wait_for()
    preview.evaluate("frame => { frame.style.height = '54rem'; }")
    desk.wait_for_timeout(1000)
    take(desk, "embed")


def take_planner(browser: Browser, site: str) -> None:
    """Take the planner's page with two hypothetical stations, and what they change."""
    scenario = {
        "close": ["BJ-R-056"],
        "add": [
            {"id": "NEW-1", "name": "假设站点 1", "lon": 107.1977, "lat": 34.3472},
            {"id": "NEW-2", "name": "假设站点 2", "lon": 107.102, "lat": 34.3616},
        ],
    }
    desk = browser.new_page(viewport={"width": 1280, "height": 1024}, locale="zh-CN")
    desk.goto(f"{site}/planner#m=5&h=118&v=change&x={quote(json.dumps(scenario))}")
    desk.wait_for_selector("#planner[aria-busy=false]")
    take(desk, "planner")
    desk.goto(f"{site}/planner#m=5&h=118")
    desk.reload()
    desk.wait_for_selector("#planner[aria-busy=false]")
    desk.click("#sites-start")
    desk.wait_for_selector("#sites[data-state=done]")
    desk.locator("#sites-headline").evaluate("node => node.scrollIntoView()")
    take(desk, "planner-sites")


def take_study(browser: Browser, folder: Path) -> None:
    """Take the figure and the first pages of the report of the shipped city's week."""
    command = [sys.executable, "-m", "locator", "gaps", "--minutes", "5,10", "--hourly"]
    subprocess.run([*command, "--out", str(folder)], check=True)  # noqa: S603
    (PICTURES / "gaps.png").write_bytes((folder / "map.png").read_bytes())
    page = browser.new_page(viewport={"width": 900, "height": 1240})
    for language in ("zh", "en"):
        again = [sys.executable, "-m", "locator", "report", str(folder), "--language", language]
        subprocess.run(again, check=True)  # noqa: S603
        page.goto((folder / "report.html").as_uri())
        take(page, f"report-{language}")


def take_sites(folder: Path) -> None:
    """Take the map of eight new posts at 22:00, of the report that holds lunch against it."""
    command = [sys.executable, "-m", "locator", "site", "--new", "8", "--minutes", "5"]
    moments = ["--at", "2026-11-23T12:00", "--at", "2026-11-23T22:00"]
    more = ["--runs", "0", "--language", "zh", "--out", str(folder)]
    subprocess.run([*command, *moments, *more], check=True)  # noqa: S603
    (PICTURES / "sites.png").write_bytes((folder / "figures" / "sites-2.png").read_bytes())


@click.command()
@click.argument("site", default="http://127.0.0.1:5000")
@click.option("--chromium", default="/usr/bin/chromium", show_default=True)
@click.option("--route", type=float, nargs=2, metavar="LON LAT", help="Only route.png, from there.")
def main(site: str, chromium: str, route: tuple[float, float] | None) -> None:
    """Take every picture anew."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        if route is not None:
            take_route(browser, site, *route)
            return
        take_lists(browser, site)
        take_dead_ends(browser, site)
        take_pages(browser, site)
        take_embeds(browser, site)
        take_planner(browser, site)
        with tempfile.TemporaryDirectory() as folder:
            take_study(browser, Path(folder) / "gaps")
            take_sites(Path(folder) / "sites")
        browser.close()
    command = [sys.executable, "-m", "locator", "map", "--reach", "5,10"]
    subprocess.run([*command, "--out", f"{PICTURES}/reach.png"], check=True)  # noqa: S603
    click.echo(f"The pictures are in {PICTURES}")


if __name__ == "__main__":
    main()
