"""Clients for load: riders whose waits are measured, and others who ask for dear things at once."""

import http.client
import itertools
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import TypeAlias
from urllib.parse import urlsplit

from locator.settings import Settings
from tests.conftest import free_port

__all__ = ["RIDERS_ASK", "Waits", "busy", "draw", "held", "measure_riders", "served", "slide"]

RIDERS_ASK = ("/", "/stations.json", "/stations/BJ-R-045", "/notices")
# A program begun in the background may be begun to ignore Ctrl-C.
_SERVE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from locator.cli import main; main(prog_name='locator')"
)
_PACK = {"Accept-Encoding": "gzip"}
Process: TypeAlias = "subprocess.Popen[bytes]"
Answers: TypeAlias = "multiprocessing.Queue[int]"


@contextmanager
def held(turn: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Let another thread hold a turn for dear work."""
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with turn():
            begun.set()
            end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert begun.wait(60)
    try:
        yield
    finally:
        end.set()
        thread.join()


@dataclass(frozen=True)
class Waits:
    """How long riders waited, in milliseconds: of the server's processor time, and of the clock."""

    cpu_ms: tuple[float, ...]
    clock_ms: tuple[float, ...]

    def share(self, part: float) -> float:
        """Return the wait in processor time that a part of the answers stayed below."""
        return _share(self.cpu_ms, part)

    def figures(self) -> dict[str, float]:
        """Return the figures of a table."""
        return {
            "p50_cpu_ms": round(_share(self.cpu_ms, 0.5), 1),
            "p99_cpu_ms": round(_share(self.cpu_ms, 0.99), 1),
            "p50_ms": round(_share(self.clock_ms, 0.5), 1),
            "p99_ms": round(_share(self.clock_ms, 0.99), 1),
        }


def _share(values: tuple[float, ...], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process so far, by Linux's id of its clock."""
    return time.clock_gettime((~pid << 3) | 2)


@contextmanager
def served(settings: Settings, *, threads: int = 8) -> Iterator[tuple[str, Process]]:
    """Run ``locator serve`` in a process of its own that takes Ctrl-C as one in front does."""
    port = free_port()
    # A file, not a pipe: a pipe that nobody empties would stop the server.
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    words = ["serve", "--port", str(port), "--threads", str(threads)]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, "--store", settings.store, *words],
        env=os.environ | {"LOCATOR_BASEMAP": "none", "PYTHONUTF8": "1"},
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1_200):
            with suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=10):
                break
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        yield url, process
    finally:
        process.kill()
        process.wait()
        errors.seek(0)
        said = errors.read().decode()
        errors.close()
        assert "Traceback" not in said, said


def _connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)


def measure_riders(url: str, count: int, *, pid: int, pause_s: float = 0.01) -> Waits:
    """Let a rider ask ``count`` times, with a pause after each answer, of the server ``pid``."""
    connection = _connect(url)
    cpu, clock = [], []
    for number in range(count):
        begun, start = _cpu_s(pid), time.perf_counter()
        connection.request("GET", RIDERS_ASK[number % len(RIDERS_ASK)], headers=_PACK)
        answer = connection.getresponse()
        answer.read()
        cpu.append(1000 * (_cpu_s(pid) - begun))
        clock.append(1000 * (time.perf_counter() - start))
        assert answer.status == 200, answer.status
        time.sleep(pause_s)
    connection.close()
    return Waits(tuple(cpu), tuple(clock))


def slide(connection: http.client.HTTPConnection, number: int) -> int:
    """Move the planner's slider once."""
    asked = {"minutes": 1 + number % 590 / 10, "hour": number % 168, "services": [], "kinds": []}
    connection.request(
        "POST", "/planner/answer", json.dumps(asked), {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    answer.read()
    return answer.status


def draw(connection: http.client.HTTPConnection, number: int) -> int:
    """Ask for a picture that nobody has asked for before."""
    box = f"107.{number % 9000:04d},34.2,107.95,34.6"
    connection.request("GET", f"/embed/map.png?width=700&height=500&bbox={box}")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _work(url: str, kind: str, clients: int, end: Event, answers: Answers) -> None:
    work = {"slide": slide, "draw": draw}[kind]
    numbers = itertools.count(random.randrange(10**6))

    def client() -> None:
        connection = _connect(url)
        while not end.is_set():
            try:
                answers.put(work(connection, next(numbers)))
            except (OSError, http.client.HTTPException):
                connection.close()
                answers.put(0)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    end.wait()


@contextmanager
def busy(url: str, **clients: int) -> Iterator[Answers]:
    """Let clients work in processes of their own: ``slide=10, draw=18``; yields their statuses."""
    context = multiprocessing.get_context("spawn")
    end, answers = context.Event(), context.Queue()
    processes = [
        context.Process(target=_work, args=(url, kind, count, end, answers), daemon=True)
        for kind, count in clients.items()
    ]
    for process in processes:
        process.start()
    for _ in processes:
        answers.get(timeout=120)
    try:
        yield answers
    finally:
        end.set()
        for process in processes:
            process.terminate()
            process.join()
