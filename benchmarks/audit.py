"""``make audit``: the rider's pages as a phone gets them, written to docs/audit.md.

Lighthouse (from npm, mobile preset) on the pages, the bytes that travel, and how long a phone with
a processor slowed four times takes from its position to the list. Needs Chromium and npx.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from locator.intake import create_store
from locator.settings import Settings
from locator.store import Change, open_store
from locator.web import create_app

ROOT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = "lighthouse@13.5.0"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
HERE = {"longitude": 107.1489, "latitude": 34.3692, "accuracy": 20}
PAGES = {"rider page": "/", "station page": "/stations/BJ-R-045", "notices": "/notices"}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
MANY = 20_000
RUNS = 9

# From the moment the phone knows where it is to the moment the cards stand in the page.
STOPWATCH = """
window.__ms = [];
navigator.geolocation.getCurrentPosition = (good) => {
  const start = performance.now();
  const watch = new MutationObserver(() => {
    if (document.querySelectorAll('#cards .card').length < 10) { return; }
    watch.disconnect();
    window.__ms.push(performance.now() - start);
  });
  watch.observe(document.getElementById('cards'), { childList: true });
  const off = 0.001 * window.__ms.length;
  good({ coords: { longitude: 107.1489 + off, latitude: 34.3692, accuracy: 20 } });
};
"""


@contextmanager
def running_site(folder: Path, stations: int | None = None) -> Iterator[str]:
    """Serve the shipped data, or that many made-up stations, and give the address."""
    settings = Settings(store=f"geopackage:{folder}/{stations or 'shipped'}.gpkg", basemap="none")
    create_store(settings)
    if stations:
        rng = np.random.default_rng(20261123)
        lon, lat = rng.uniform(105, 109, stations), rng.uniform(33, 36, stations)
        frame = gpd.GeoDataFrame(
            {
                "id": [f"M{n:05d}" for n in range(stations)],
                "name": [f"驿站 {n}" for n in range(stations)],
                "kind": "rest_post",
                "services": "drinking_water;seats",
                "opening_hours": rng.choice(
                    ["24/7", "Mo-Su 08:00-22:00", "Mo-Fr 09:00-18:00"], stations
                ),
            },
            geometry=gpd.points_from_xy(lon, lat, crs="EPSG:4326"),
        )
        with open_store(settings.store) as store:
            store.apply(Change("stations", frame, absent="remove"), actor="audit")
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["locator"].close()


def score(site: str, path: str, folder: Path) -> dict[str, int]:
    """Return Lighthouse's scores of a page, 0 to 100."""
    out = folder / "lighthouse.json"
    command = ["npx", "--yes", LIGHTHOUSE, site + path, "--quiet", "--output=json"]
    command += [f"--output-path={out}", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
    command += [f"--only-categories={','.join(CATEGORIES)}"]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads(out.read_text("utf-8"))["categories"]
    return {name: round(100 * found[name]["score"]) for name in CATEGORIES}


def open_phone(browser: Browser, site: str, script: str = "") -> Page:
    """Open a page on a phone of 390 px that stands in the city."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, locale="zh-CN",
        geolocation=HERE, permissions=["geolocation"], base_url=site, service_workers="block",
        bypass_csp=bool(script),  # the stopwatch is asked by text
    )  # fmt: skip
    if script:
        context.add_init_script(script)
    return context.new_page()


def count_bytes(browser: Browser, site: str) -> tuple[int, int]:
    """Return the bytes that travel until the list is there, and with the map opened."""
    page = open_phone(browser, site)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on(
        "Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"]))
    )
    page.goto("/")
    page.wait_for_selector("#cards .card")
    page.wait_for_load_state("networkidle")
    listed = sum(sizes)
    page.click("#map-toggle")
    page.frame_locator("iframe").locator(".leaflet-container").wait_for()
    page.wait_for_load_state("networkidle")
    return listed, sum(sizes)


def time_list(browser: Browser, site: str) -> list[float]:
    """Return milliseconds from position to list, the processor slowed four times; first cold."""
    page = open_phone(browser, site, STOPWATCH)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto("/")
    for number in range(RUNS):
        page.wait_for_function(f"window.__ms.length > {number}")
        page.click("#update")
    return [float(ms) for ms in page.evaluate("window.__ms")][:RUNS]


def main() -> None:
    """Measure, and write docs/audit.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "audit.md")
    out = parser.parse_args().out
    lines = [
        "# Audit of the rider's pages",
        "",
        f"Written by `make audit` on {datetime.now(UTC):%Y-%m-%d}; shipped data, base map off,",
        "two shared cores.",
        f"Lighthouse is {LIGHTHOUSE} with its mobile preset.",
        "",
        f"| page | {' | '.join(CATEGORIES)} |",
        f"|---|{'---:|' * len(CATEGORIES)}",
    ]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with running_site(folder) as site:
            for label, path in PAGES.items():
                scores = score(site, path, folder)
                lines.append(f"| {label} | {' | '.join(str(scores[c]) for c in CATEGORIES)} |")
            listed, mapped = count_bytes(browser, site)
            few = time_list(browser, site)
        with running_site(folder, MANY) as site:
            many = time_list(browser, site)
        browser.close()
    lines += ["", "| what | measured |", "|---|---:|"]
    lines.append(f"| bytes until the list is shown, headers included | {listed:,} |")
    lines.append(f"| with the map opened, no tiles | {mapped:,} |")
    for count, times in ((120, few), (MANY, many)):
        later = statistics.median(times[1:])
        lines.append(
            f"| {count:,} stations, position to list, processor slowed 4 times | "
            f"{later:.0f} ms (first {times[0]:.0f} ms) |"
        )
    lines += [
        "",
        f"With {MANY:,} stations the register travels in cells; the first time contains fetching",
        "those around the phone.",
        "",
    ]
    out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
