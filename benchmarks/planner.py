"""``make bench-planner``: how soon the planner's page follows what is moved, in Chromium.

From the event of an input to the frame that shows the new figures and squares, on the shipped
city: 30 moves each of the threshold, the hour and a hypothetical station that is dragged. Also the
server's share of it, and a register at the page's limits. Prints one JSON object a line.
"""

import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
from audit import ARGUMENTS, CHROMIUM, running_site
from playwright.sync_api import Page, sync_playwright

from locator.intake import create_store
from locator.planner import Ask, PlannerPage, read_draft
from locator.service import open_service
from locator.settings import Settings
from locator.store import Change, open_store

MOVES = 30
STATIONS = 1_400  # times the shipped city's 2,057 demand points: 2.9 of at most 3 million pairs
SLIDER = """(value) => {
  const box = document.getElementById('minutes-range');
  box.value = value;
  box.dispatchEvent(new Event('input'));
}"""
HOUR = "(hour) => document.querySelectorAll('#strip button')[hour].click()"
# Moves the marker as a drag does, and tells the page.
DRAG = """(step) => {
  const map = document.querySelector('#map .lmap-canvas').lmapMap;
  map.eachLayer((layer) => {
    if (!layer.options || !layer.options.draggable) { return; }
    layer.fire('dragstart');
    layer.setLatLng([34.3472 + 0.0007 * step, 107.1977 - 0.0011 * step]);
    layer.fire('drag');
    layer.fire('dragend');
  });
}"""
# Resolves in the frame after the answer has been written into figures, strip and squares.
WATCH = """(move) => (value) => new Promise((done) => {
  const start = performance.now();
  const watch = new MutationObserver(() => {
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  });
  watch.observe(document.getElementById('planner'), {
    attributes: true, attributeFilter: ['data-shown'],
  });
  move(value);
})"""


def measure(page: Page, move: str, values: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of milliseconds over some moves."""
    page.evaluate(f"void (window.__move = ({WATCH})({move}))")
    times = []
    for value in values:
        times.append(float(page.evaluate("(value) => window.__move(value)", value)))
        page.wait_for_timeout(50)
    ranked = sorted(times)
    return {
        "p50_ms": round(statistics.median(ranked)),
        "p95_ms": round(ranked[int(0.95 * (len(ranked) - 1))]),
        "worst_ms": round(ranked[-1]),
        "moves": len(ranked),
    }


def measure_page(site: str) -> None:
    """Print how soon the page follows."""
    station = {
        "id": "NEW-1", "name": "x", "kind": "rest_post", "lon": 107.1977, "lat": 34.3472,
        "services": [], "opening_hours": "24/7",
    }  # fmt: skip
    moves: dict[str, tuple[str, list[float]]] = {
        "threshold": (SLIDER, [3 + n / 2 for n in range(MOVES)]),
        "hour": (HOUR, [6 + 5 * n for n in range(MOVES)]),
        "dragged station": (DRAG, [float(n + 1) for n in range(MOVES)]),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (move, values) in moves.items():
            # Not under the page's policy: the stopwatch is asked by text.
            context = browser.new_context(
                viewport={"width": 1280, "height": 900}, bypass_csp=True, base_url=site
            )
            page = context.new_page()
            fragment = json.dumps({"add": [station]}) if name == "dragged station" else ""
            page.goto("/planner#h=118&v=then" + (f"&x={fragment}" if fragment else ""))
            page.wait_for_selector("#planner[aria-busy=false]")
            page.wait_for_timeout(500)
            print(json.dumps({"what": f"page: {name}"} | measure(page, move, values)))
            context.close()
        browser.close()


def timed(work: Callable[[int], object], count: int = MOVES) -> dict[str, float]:
    """Return the median and 95th percentile of milliseconds."""
    times = []
    for number in range(count):
        start = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(0.95 * (count - 1))], 1),
    }


def measure_desk(settings: Settings, label: str) -> None:
    """Print what the server takes of it."""
    with open_service(settings) as service:
        planner_page = PlannerPage(service)
        start = time.perf_counter()
        inputs = planner_page.inputs()
        row: dict[str, object] = {
            "what": f"planner_page, {label}",
            "stations": len(inputs.snapshot.stations),
            "points": len(inputs.points),
            "ground_ms": round(1000 * (time.perf_counter() - start)),
        }

        def add(number: int) -> None:
            added = {"id": "N", "name": "N", "kind": "rest_post", "lon": 107.1 + number / 1000}
            draft = read_draft({"add": [added | {"lat": 34.36, "opening_hours": "24/7"}]})
            planner_page.ask(Ask(300.0, hour=118), draft)

        row["threshold"] = timed(lambda n: planner_page.ask(Ask(60.0 * (1 + n), hour=118)))
        row["hour"] = timed(lambda n: planner_page.ask(Ask(300.0, hour=5 * n)))
        row["new place"] = timed(add)
        print(json.dumps(row))


def crowded(folder: Path) -> Settings:
    """Return a store with as many stations as the page takes, of forty different hours."""
    settings = Settings(store=f"geopackage:{folder}/crowded.gpkg", basemap="none")
    create_store(settings)
    rng = np.random.default_rng(20261123)
    hours = [f"Mo-Su {6 + n % 8:02d}:{15 * (n % 4):02d}-{17 + n % 7:02d}:00" for n in range(40)]
    frame = gpd.GeoDataFrame(
        {
            "id": [f"M{n:05d}" for n in range(STATIONS)],
            "name": [f"驿站 {n}" for n in range(STATIONS)],
            "kind": "rest_post",
            "opening_hours": rng.choice(hours, STATIONS),
        },
        geometry=gpd.points_from_xy(
            rng.uniform(106.9, 107.5, STATIONS), rng.uniform(34.2, 34.5, STATIONS), crs="EPSG:4326"
        ),
    )
    with open_store(settings.store) as store:
        store.apply(Change("stations", frame, absent="remove"), actor="benchmark")
    return settings


def main() -> None:
    """Measure and print."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_site(folder) as site:
            measure_page(site)
        measure_desk(Settings(store=f"geopackage:{folder}/shipped.gpkg"), "the shipped city")
        measure_desk(crowded(folder), "crowded")


if __name__ == "__main__":
    main()
