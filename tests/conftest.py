"""The vocabulary of the tests: a store with Baoji's data, a service, a client, a server."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from locator.cli import main
from locator.coverage import points as sampling
from locator.figures import paper
from locator.hours import HoursRules
from locator.intake import create_store
from locator.service import Service, open_service
from locator.settings import Settings
from locator.store import GeoPackageStore, store_path
from locator.study import tables
from locator.web import create_app
from tests.patience import patience, wait_until
from tests.required import absent

pytest_plugins = ["tests.browser_support"]
# No example of hypothesis is judged by its time: a busy machine is not a fault.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=SHANGHAI)


FIGURES_DPI = 60  # of a figure in a test that does not ask for ``print_dpi``


def local(text: str) -> datetime:
    """Return a moment of Baoji that is written without an offset."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def fixed_clock() -> datetime:
    """Return noon of a Monday in Baoji."""
    return MONDAY_NOON.astimezone(UTC)


@pytest.fixture(scope="session", autouse=True)
def _coarser() -> Iterator[None]:
    """Cut zones into a fifth of the points, move them a tenth as often, draw for a screen.

    ``all_demand_points`` and ``print_dpi`` are for what hangs on them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "ENOUGH_POINTS", sampling.ENOUGH_POINTS // 5)
        patch.setattr(tables, "_MOVES", tables._MOVES // 10)
        patch.setattr(paper, "PRINT_DPI", FIGURES_DPI)
        yield


@pytest.fixture
def all_demand_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut zones into as many points as the program does."""
    monkeypatch.setattr(sampling, "ENOUGH_POINTS", sampling.ENOUGH_POINTS * 5)


@pytest.fixture
def print_dpi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures as sharp as the program does."""
    monkeypatch.setattr(paper, "PRINT_DPI", 300)


@pytest.fixture(scope="session")
def loaded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with the shipped data, to be copied and never opened."""
    path = tmp_path_factory.mktemp("store") / "shipped.gpkg"
    create_store(Settings(store=f"geopackage:{path}"), clock=fixed_clock)
    return path


@pytest.fixture
def settings(loaded_store: Path, tmp_path: Path) -> Settings:
    """Return settings with a store of this test's own, no base map."""
    path = tmp_path / "store.gpkg"
    shutil.copy(loaded_store, path)
    return Settings(store=f"geopackage:{path}", basemap="none")


@pytest.fixture
def store(settings: Settings) -> Iterator[GeoPackageStore]:
    """Return the open store."""
    with GeoPackageStore.open(store_path(settings.store), clock=fixed_clock) as opened:
        yield opened


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Return the service at noon of a Monday."""
    with open_service(settings, clock=fixed_clock) as opened:
        yield opened


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    """Return a client of the application at noon of a Monday."""
    app = create_app(settings, clock=fixed_clock)
    with app.test_client() as opened:
        yield opened
    close_app(app)


@pytest.fixture
def rules(service: Service) -> HoursRules:
    """Return the rules of Baoji: time zone, country, calendar."""
    return service.rules


@pytest.fixture
def cli(settings: Settings) -> Callable[..., Result]:
    """Return a function that runs the command line on this test's store."""

    def run(*arguments: object) -> Result:
        runner = CliRunner(env={"LOCATOR_BASEMAP": "none"})
        words = ["--store", settings.store, *map(str, arguments)]
        return runner.invoke(main, words, catch_exceptions=False)

    return run


@dataclass(frozen=True)
class Server:
    """A server that answers at an address."""

    url: str


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """Serve this test's store from this process; ``running_server`` is the command itself."""
    with served(create_app(settings)) as url:
        yield Server(url)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application from a thread of this process, then close it; gives the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close_app(app)


def close_app(app: Flask) -> None:
    """Close what an application holds open."""
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(settings: Settings, **more: str) -> Iterator[Server]:
    """Run ``locator serve`` on a store, with more variables of the environment."""
    port = free_port()
    environment = os.environ | {"LOCATOR_BASEMAP": "none", "PYTHONUTF8": "1"} | more
    command = [sys.executable, "-m", "locator", "--store", settings.store, "serve"]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, process)
        yield Server(url)
    finally:
        process.terminate()
        process.communicate(timeout=patience(30))


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]") -> None:
    def is_up() -> bool:
        if process.poll() is not None:
            errors = process.stderr.read().decode() if process.stderr else ""
            pytest.fail(f"the server ended: {errors}")
        return answers(f"{url}/healthz")

    wait_until(is_up, "the server answers", s=60)


def answers(url: str) -> bool:
    """Return whether a server answers at an address."""
    try:
        with urllib.request.urlopen(url, timeout=patience(2)):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real files; without it skip, or fail where everything is required."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LOCATOR_REALDATA", default))
    if not folder.is_dir():
        absent(f"there are no real files at {folder} (LOCATOR_REALDATA)")
    return folder
