"""How long riders wait while others ask for dear things, each against the quiet of the same run.

In the server's own processor time, which other work of the machine does not lengthen, and by the
clock. Then `/` kept against made anew, at 120 and at 20,000 stations. Linux only.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np

from locator.intake import create_store
from locator.settings import Settings
from locator.store import Change, open_store
from locator.web import create_app
from tests.load_support import busy, measure_riders, served

STAGES: dict[str, dict[str, int]] = {
    "quiet": {},
    "10 at the slider": {"slide": 10},
    "18 drawing": {"draw": 18},
    "both": {"slide": 10, "draw": 18},
}
ASKED = 100


def measure_load(settings: Settings, count: int) -> None:
    """Print riders' waits in each stage."""
    with served(settings) as (url, process):
        measure_riders(url, 50, pid=process.pid)
        quiet = None
        for name, clients in STAGES.items():
            with busy(url, **clients) as answers:
                waits = measure_riders(url, count, pid=process.pid)
            seen = Counter(iter(lambda: answers.get() if not answers.empty() else -1, -1))
            quiet = quiet or waits
            row = {"what": name} | waits.figures()
            row["p99_to_quiet"] = round(waits.share(0.99) / quiet.share(0.99), 2)
            print(json.dumps(row | {"dear_answers": dict(seen)}), flush=True)


def many(settings: Settings, count: int) -> None:
    """Put as many stations of forty different hours into a store."""
    rng = np.random.default_rng(20261130)
    hours = [f"Mo-Su {6 + n % 8:02d}:00-{17 + n % 7:02d}:00" for n in range(40)]
    frame = gpd.GeoDataFrame(
        {
            "id": [f"M{n:05d}" for n in range(count)],
            "name": [f"驿站 {n}" for n in range(count)],
            "kind": "rest_post",
            "opening_hours": rng.choice(hours, count),
        },
        geometry=gpd.points_from_xy(
            rng.uniform(106.9, 107.5, count), rng.uniform(34.2, 34.5, count), crs="EPSG:4326"
        ),
    )
    with open_store(settings.store) as store:
        store.apply(Change("stations", frame, absent="remove"), actor="benchmark")


def measure_page(settings: Settings, stations: int) -> None:
    """Print what ``/`` costs, kept and made anew, in milliseconds of processor time."""
    app = create_app(settings)
    client, pages = app.test_client(), app.extensions["locator.pages"]
    client.get("/", headers={"Accept-Encoding": "gzip"})

    def cost(*, anew: bool) -> float:
        start = time.process_time()
        for _ in range(ASKED):
            if anew:
                pages.clear()
            client.get("/", headers={"Accept-Encoding": "gzip"})
        return 1000 * (time.process_time() - start) / ASKED

    kept, anew = cost(anew=False), cost(anew=True)
    row = {"what": "/", "stations": stations, "kept_ms": round(kept, 2), "anew_ms": round(anew, 1)}
    print(json.dumps(row | {"ratio": round(anew / kept, 1)}), flush=True)
    app.extensions["locator"].close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="rider's questions a stage")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"geopackage:{Path(folder) / 'store.gpkg'}", basemap="none")
        create_store(settings)
        measure_page(settings, 120)
        measure_load(settings, given.count)
        many(settings, 20_000)
        measure_page(settings, 20_000)


if __name__ == "__main__":
    main()
