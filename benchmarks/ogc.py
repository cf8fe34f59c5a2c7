"""A page of 1,000 features from ``/ogc``, against a plain Flask route that sends the same bytes."""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np

from locator.intake import create_store
from locator.settings import Settings
from locator.store import Change, open_store

SEED = 20261123
PATH = "/ogc/collections/stations/items?limit=1000"
REQUESTS = 300
MORE_PAGES = 15


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


class Client:
    """One connection that is kept open, and reads of an answer's head no more than its length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(4 * 2**20)
        self._host = f"127.0.0.1:{port}"

    def get(self, address: str) -> tuple[float, bytes]:
        """Return the seconds that an answer took, and its body."""
        begin = time.perf_counter()
        self._socket.sendall(f"GET {address} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        view, size, start, end = memoryview(self._buffer), 0, 0, 0
        while not end or size < end:
            size += self._socket.recv_into(view[size:])
            if not end and (at := self._buffer.find(b"\r\n\r\n", 0, size)) >= 0:
                head = bytes(view[:at]).lower().split(b"content-length: ")[1]
                start = at + 4
                end = start + int(head.split(b"\r\n")[0])
        seconds = time.perf_counter() - begin
        return seconds, bytes(view[start:end])


def bench_ogc(count: int) -> dict[str, object]:
    """Compare medians of requests that take turns; and of pages that nobody asked for before.

    These are the pages that follow, and boxes, filters, sorts and another coordinate system.
    ``same_application`` is a plain route of the application itself, with its headers and languages.
    """
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
            first, same = client.get(PATH)[1], client.get("/plain/")[1]
            assert json.loads(first)["features"] == json.loads(same)["features"]
            ours, peer, here = _turns(client, [PATH] * REQUESTS)
            unseen, _, _ = _turns(client, list(_following(client, first)))
            fresh = {name: _turns(client, own)[0] for name, own in _never_asked().items()}
        finally:
            server.terminate()
            server.wait()
    return {
        "what": f"1,000 features of {count:,} from /ogc ({len(first):,} bytes)",
        "peer": "a Flask route that sends the same bytes",
        "ours_s": ours,
        "peer_s": peer,
        "ratio": peer / ours,
        "same_application_s": here,
        "same_application_ratio": here / ours,
        "unseen_s": unseen,
        **{f"unseen_{name}_s": seconds for name, seconds in fresh.items()},
    }


def _turns(client: Client, addresses: list[str]) -> list[float]:
    """Return the medians of ours and of the two plain routes, which take turns."""
    times = [[client.get(own)[0] for own in (address, "/plain/", "/here")] for address in addresses]
    return [statistics.median(own) for own in zip(*times, strict=True)]


def _never_asked() -> dict[str, list[str]]:
    """Return addresses of pages that nobody asked for before, by what they ask for."""
    rng = np.random.default_rng(SEED)
    crs = "http://www.opengis.net/def/crs/EPSG/0/3857"

    def box() -> str:
        west, south = rng.uniform(105, 106.5), rng.uniform(33, 34)
        return f"{PATH}&bbox={west:.5f},{south:.5f},{west + 2:.5f},{south + 1.5:.5f}"

    def one_of(name: str) -> str:
        least, other = rng.integers(4, 30), rng.integers(1, 10**9)
        return {
            "box": box(),
            "filter": f"{PATH}&filter=capacity%3E{least}%20AND%20name%3C%3E%27{other}%27",
            "sort": f"{box()}&sortby=-capacity,name",
            "crs": f"{box()}&crs={crs}",
        }[name]

    return {n: [one_of(n) for _ in range(MORE_PAGES)] for n in ("box", "filter", "sort", "crs")}


def _following(client: Client, page: bytes) -> Iterator[str]:
    """Yield addresses of the pages after a page, asked for in another language than later."""
    for _ in range(MORE_PAGES):
        links = {link["rel"]: link["href"] for link in json.loads(page)["links"]}
        if "next" not in links:
            return
        address = links["next"].partition("/ogc")[2]
        yield f"/ogc{address}&lang=en"
        page = client.get(f"/ogc{address}")[1]


def _connected(port: int) -> Client:
    for _ in range(600):
        try:
            return Client(port)
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start in a minute")
