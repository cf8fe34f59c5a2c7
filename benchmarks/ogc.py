"""A page of 1,000 features from ``/ogc``, against a plain Flask route that sends the same bytes."""

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np

from locator.intake import create_store
from locator.settings import Settings
from locator.store import Change, open_store

SEED = 20261123
PATH = "/ogc/collections/stations/items?limit=1000"
REQUESTS = 200


def make_store(path: Path, count: int) -> None:
    """Write a store with that many stations, filled in as a real register is."""
    settings = Settings(store=f"geopackage:{path}")
    create_store(settings)
    rng = np.random.default_rng(SEED)
    frame = gpd.GeoDataFrame(
        {
            "id": [f"M{n:06d}" for n in range(count)],
            "name": [f"骑手服务驿站 {n}" for n in range(count)],
            "kind": "rest_post",
            "host": "community_centre",
            "address": "渭滨区经二路街道",
            "services": "drinking_water;hot_water;seats;phone_charging",
            "opening_hours": "Mo-Su 08:00-22:00",
            "capacity": rng.integers(4, 60, count),
            "provenance": "official",
        },
        geometry=gpd.points_from_xy(
            rng.uniform(105, 109, count), rng.uniform(33, 36, count), crs="EPSG:4326"
        ),
    )
    with open_store(settings.store) as store:
        store.apply(Change("stations", frame, absent="remove"), actor="benchmark")


def bench_ogc(count: int) -> dict[str, object]:
    """Compare medians of requests that take turns on one connection that is kept open."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.gpkg"
        make_store(path, count)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        script = str(Path(__file__).with_name("ogc_server.py"))
        server = subprocess.Popen([sys.executable, script, str(path), str(port), PATH])
        try:
            client = _connected(port)
            first = _read(client, PATH)[1]
            same = _read(client, "/plain/")[1]
            assert json.loads(first)["features"] == json.loads(same)["features"]
            times: dict[str, list[float]] = {PATH: [], "/plain/": []}
            for number in range(REQUESTS):
                for address in sorted(times, reverse=bool(number % 2)):
                    times[address].append(_read(client, address)[0])
        finally:
            server.terminate()
            server.wait()
    ours, peer = (statistics.median(times[address]) for address in (PATH, "/plain/"))
    return {
        "what": f"1,000 features of {count:,} from /ogc ({len(first):,} bytes)",
        "peer": "a Flask route that sends the same bytes",
        "ours_s": ours,
        "peer_s": peer,
        "ratio": peer / ours,
    }


def _connected(port: int) -> http.client.HTTPConnection:
    for _ in range(600):
        client = http.client.HTTPConnection("127.0.0.1", port)
        try:
            client.connect()
        except OSError:
            time.sleep(0.1)
        else:
            return client
    raise TimeoutError("the server did not start in a minute")


def _read(client: http.client.HTTPConnection, address: str) -> tuple[float, bytes]:
    begin = time.perf_counter()
    client.request("GET", address)
    body = client.getresponse().read()
    return time.perf_counter() - begin, body
