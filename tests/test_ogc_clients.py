"""Live clients of ``/ogc``, the server in a process of its own behind a proxy of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyogrio
import pytest
from owslib.ogcapi.features import Features

from locator.settings import Settings
from locator.store import GeoPackageStore
from tests.conftest import Server, answers, free_port, running_server
from tests.patience import patience, wait_until
from tests.required import absent

ROOT = Path(__file__).resolve().parents[1]
BOX = (107.1, 34.3, 107.2, 34.4)


@dataclass(frozen=True)
class Site:
    """A server as a deployer runs it, and what was asked of it."""

    url: str
    log: Path

    def asked(self) -> list[dict[str, list[str]]]:
        """Return the queries that asked for stations, in their order."""
        lines = [urlsplit(line) for line in self.log.read_text("utf-8").splitlines()]
        return [parse_qs(own.query) for own in lines if own.path.endswith("/stations/items")]


@pytest.fixture(scope="module")
def running_site(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a server behind a proxy that notes requests, for all tests here: they only read."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(loaded_store, folder / "store.gpkg")
    settings = Settings(store=f"geopackage:{folder / 'store.gpkg'}")
    port, log = free_port(), folder / "requests.txt"
    log.touch()
    script = str(Path(__file__).with_name("recording_proxy.py"))
    told = {"PROXIES": "1", "HOSTS": "127.0.0.1", "MAP_APPROVAL": "GS(2026)"}
    with running_server(settings, **{f"LOCATOR_{k}": v for k, v in told.items()}) as server:
        target = str(urlsplit(server.url).port)
        proxy = subprocess.Popen([sys.executable, script, str(port), target, str(log)])
        try:
            url = f"http://127.0.0.1:{port}/ogc"
            wait_until(lambda: answers(url), f"{url} answers", s=60)
            yield Site(url, log)
        finally:
            proxy.terminate()
            proxy.wait(timeout=patience(10))


@pytest.fixture
def site(running_site: Site) -> Site:
    """Return the running site, of which nothing was asked yet."""
    running_site.log.write_text("", "utf-8")
    return running_site


def test_gdal_lists_the_layers_with_their_geometry(site: Site) -> None:
    layers = {str(name): str(kind) for name, kind in pyogrio.list_layers(f"OAPIF:{site.url}")}
    assert layers == {
        "stations": "Point",
        "hot_zones": "MultiPolygon",
        "districts": "MultiPolygon",
        "places": "Point",
        "gaps": "Unknown",
    }


def test_gdal_reads_every_station_page_by_page(site: Site, store: GeoPackageStore) -> None:
    """120 stations in pages of 50 are three requests, and the links are the proxy's."""
    read = pyogrio.read_dataframe(f"OAPIF:{site.url}", layer="stations", PAGE_SIZE=50)
    own = store.read("stations").set_index("id")
    assert list(read["id"]) == sorted(own.index)
    assert list(read["name"]) == list(own.loc[read["id"], "name"])
    there = own.loc[read["id"]].geometry
    assert np.abs(read.geometry.x.to_numpy() - there.x.to_numpy()).max() < 1e-7
    assert np.abs(read.geometry.y.to_numpy() - there.y.to_numpy()).max() < 1e-7
    assert list(read["services"].iloc[0])[:1] == ["drinking_water"]
    pages = [query for query in site.asked() if query.get("limit") == ["50"]]
    assert [bool(query.get("page")) for query in pages] == [False, True, True]


def test_gdal_pushes_a_box_down(site: Site, store: GeoPackageStore) -> None:
    read = pyogrio.read_dataframe(f"OAPIF:{site.url}", layer="stations", bbox=BOX)
    assert set(read["id"]) == set(store.read("stations", bbox=BOX)["id"])
    sent = [float(side) for side in site.asked()[-1]["bbox"][0].split(",")]
    assert sent == pytest.approx(BOX)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("kind = 'swap_cabinet'", 3),
        ("capacity >= 30", None),
        ("kind IN ('swap_cabinet', 'member_station') AND NOT (name = 'x')", 5),
        ("updated_at > '2020-01-01T00:00:00Z' AND kind = 'swap_cabinet'", 3),
        ("last_verified IS NOT NULL", 0),
    ],
)
def test_gdal_pushes_a_condition_down(
    site: Site, store: GeoPackageStore, where: str, count: int | None
) -> None:
    read = pyogrio.read_dataframe(f"OAPIF:{site.url}", layer="stations", where=where)
    if count is None:
        count = int((store.read("stations")["capacity"] >= 30).sum())
    assert len(read) == count
    assert "filter" in site.asked()[-1]


def test_gdal_fetches_one_station_by_its_id(site: Site) -> None:
    read = pyogrio.read_dataframe(f"OAPIF:{site.url}", layer="stations", where="id = 'BJ-S-01'")
    assert list(read["kind"]) == ["swap_cabinet"]
    assert "/ogc/collections/stations/items/BJ-S-01" in site.log.read_text("utf-8")


@pytest.mark.parametrize("code", [3857, 4326, 4490])
def test_gdal_reads_other_systems_in_the_right_order_of_axes(
    site: Site, store: GeoPackageStore, code: int
) -> None:
    read = pyogrio.read_dataframe(f"OAPIF:{site.url}", layer="stations", CRS=f"EPSG:{code}")
    # GDAL takes CRS84, which is first in the list, for EPSG:4326.
    assert read.crs.to_epsg() == (None if code == 4326 else code)
    there = store.read("stations").set_index("id").loc[read["id"]].geometry
    metres = read.geometry.to_crs(32648).distance(there.to_crs(32648), align=False)
    assert metres.max() < 0.02


def test_owslib_reads_landing_collections_queryables_and_items(site: Site) -> None:
    client = Features(site.url + "/")
    assert set(client.feature_collections()) == {
        "stations",
        "hot_zones",
        "districts",
        "places",
        "gaps",
    }
    assert client.api()["openapi"].startswith("3.0")
    assert "capacity" in client.collection_queryables("stations")["properties"]
    page = client.collection_items(
        "stations", limit=2, bbox=list(BOX), filter="kind = 'rest_post' AND name LIKE '%驿站%'"
    )
    assert page["numberReturned"] == 2
    assert page["numberMatched"] > 2
    assert client.collection_item("stations", "BJ-S-01")["properties"]["kind"] == "swap_cabinet"


@pytest.mark.slow
def test_schemathesis_finds_nothing_with_every_check_on(server: Server, tmp_path: Path) -> None:
    """Some two thousand requests made from the OpenAPI document, the same in every run."""
    program = shutil.which("st", path=Path(sys.executable).parent) or shutil.which("st")
    if program is None:
        absent("schemathesis is not installed (pip install -e '.[dev]')")
        return
    command = [program, "run", f"{server.url}/ogc/api?f=json", "--checks", "all", "--no-color"]
    command += ["--max-examples", "15", "--generation-deterministic"]
    python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    more = {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": python_path}
    done = subprocess.run(
        command,
        cwd=tmp_path, env=os.environ | more, capture_output=True, text=True, check=False,
        timeout=patience(300),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


QGIS = """
import sys
from qgis.core import QgsApplication, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(sys.argv[1], "stations", "OAPIF")
assert layer.isValid(), layer.error().message()
print(sum(1 for _ in layer.getFeatures()))
layer.setSubsetString("kind = 'swap_cabinet'")
print(sum(1 for _ in layer.getFeatures()))
"""


@pytest.mark.slow
def test_qgis_reads_and_filters_the_stations(site: Site, tmp_path: Path) -> None:
    python = "/usr/bin/python3"
    probe = [python, "-c", "import qgis.core"]
    if (
        not Path(python).exists()
        or subprocess.run(probe, capture_output=True, check=False).returncode
    ):
        pytest.skip("QGIS is not installed (Debian: apt-get install python3-qgis)")
    source = f"url='{site.url}' typename='stations'"
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-c", QGIS, source],
        env=environment, capture_output=True, text=True, check=False, timeout=patience(120),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["120", "3"]
