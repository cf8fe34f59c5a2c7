"""A rider's question end to end: a server in a process of its own, one connection kept open."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np

from locator.intake import create_store
from locator.intake.roads import import_roads
from locator.settings import Settings
from locator.store import Change, open_store

WAIT_S = 5.0  # for the table of times, which the server fills beside its answers
WARM = 20


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Run ``locator serve`` and give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "locator", "--store", settings.store, "serve"]
    environment = os.environ | {"LOCATOR_BASEMAP": "none"}
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait()


def connect(port: int) -> http.client.HTTPConnection:
    """Return a connection, once the server answers."""
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            ask(connection, "/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise RuntimeError("The server did not answer in 30 s.")


def ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    """Return the body of an answer, which must be a good one."""
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return body


def bench_server(extract: Path, stations: np.ndarray, places: np.ndarray) -> dict[str, object]:
    """Ask for the five nearest of each place, and return how long the answers took."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"geopackage:{folder}/bench.gpkg", basemap="none")
        create_store(settings)
        frame = gpd.GeoDataFrame(
            {
                "id": [f"P{number:03d}" for number in range(len(stations))],
                "name": [f"驿站 {number}" for number in range(len(stations))],
                "kind": "rest_post",
                "opening_hours": "Mo-Su 08:00-22:00",
            },
            geometry=gpd.points_from_xy(*stations.T, crs="EPSG:4326"),
        )
        with open_store(settings.store) as store:
            store.apply(Change("stations", frame, absent="remove"), actor="benchmark")
            import_roads(settings, store, extract, whole=True)
        with serving(settings) as port:
            connection = connect(port)
            questions = [f"/api/nearest?lon={x:.6f}&lat={y:.6f}&k=5" for x, y in places]
            start = time.perf_counter()
            first = json.loads(ask(connection, questions[0]))
            first_s = time.perf_counter() - start
            if not first["travel"].startswith("roads, "):
                raise RuntimeError(f"The server answers by {first['travel']}.")
            time.sleep(WAIT_S)
            waits = []
            for question in questions[:WARM] + questions:
                start = time.perf_counter()
                ask(connection, question)
                waits.append(1000 * (time.perf_counter() - start))
            connection.close()
    p50, p99 = np.percentile(waits[WARM:], [50, 99])
    return {
        "what": f"GET /api/nearest, {len(stations)} stations, {len(questions)} questions",
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "first_ms": 1000 * first_s,
    }
