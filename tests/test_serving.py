"""The server: who is slow, idle or too large does not stand in riders' way; an end is no cut."""

import contextlib
import gc
import http.client
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from locator.cli.serving import MAX_BODY_BYTES, Limits, Server
from locator.settings import Settings
from tests.conftest import free_port
from tests.load_support import served

# waitress leaves what a client that went away had begun to send to the collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Start = Callable[..., Any]
LONG = 40 * 2**20


class App:
    """A small application: ``/held`` waits until it is let go, ``/long`` never ends soon."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/held":
            self.begun.set()
            self.go.wait(60)
            return [b"x" * 5_000_000]
        if environ["PATH_INFO"] == "/long":
            return (b"x" * 2**20 for _ in range(LONG // 2**20))
        return [b"well"]


@contextmanager
def serving(
    app: App, limits: Limits | None = None, threads: int = 4
) -> Iterator[tuple[Server, int]]:
    port = free_port()
    server = Server(app, host="127.0.0.1", port=port, threads=threads, limits=limits)
    runs = threading.Thread(target=server.run)
    runs.start()
    try:
        yield server, port
    finally:
        app.go.set()
        server.stop()
        runs.join(60)
        assert not runs.is_alive()
        gc.collect()


def ask(port: int, path: str = "/", **options: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(options.pop("method", "GET"), path, **options)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def sockets(port: int, count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    opened = []
    try:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), timeout=30)
            opened.append(one)
            if first:
                one.sendall(first)
        yield opened
    finally:
        for one in opened:
            one.close()


def test_idle_connections_past_the_limit_leave_riders_their_place() -> None:
    """A bare waitress takes no more past its limit, and is silent."""
    with serving(App(), Limits(connections=40)) as (_, port), sockets(port, 150):
        for _ in range(5):
            assert ask(port) == (200, b"well")


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["head", "body", "chunks"],
)
def test_slow_senders_are_closed_and_riders_answered_meanwhile(first: bytes) -> None:
    """What comes a byte at a time keeps a connection alive for ever in a bare waitress."""
    limits = Limits(connections=40, request_s=1.0)
    with serving(App(), limits) as (_, port), sockets(port, 60, first) as slow:
        deadline, left = time.monotonic() + 60, slow
        while left and time.monotonic() < deadline:
            assert ask(port) == (200, b"well")
            left = [
                one for one in left if _goes_on(one, b"1\r\nx\r\n" if b"chunk" in first else b"x")
            ]
            time.sleep(0.2)
        assert not left


def _goes_on(one: socket.socket, more: bytes) -> bool:
    try:
        one.sendall(more)
        one.setblocking(False)
        return one.recv(100) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        one.settimeout(30)


def test_a_body_past_the_limit_is_refused_by_its_announcement_and_by_its_length() -> None:
    with serving(App()) as (_, port):
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {150 * 2**20}\r\n\r\n".encode()
        with sockets(port, 1, head) as (one,):  # nothing of the body is sent
            assert one.recv(100).startswith(b"HTTP/1.1 413")
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        sent = 0
        with sockets(port, 1, head) as (one,), contextlib.suppress(OSError):
            while sent < 3 * MAX_BODY_BYTES:
                one.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                sent += 2**20
        assert sent < 3 * MAX_BODY_BYTES
        assert ask(port) == (200, b"well")
        with sockets(port, 1, b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000) as (one,):
            assert one.recv(100).startswith(b"HTTP/1.0 431")


def test_who_does_not_take_a_long_answer_gives_its_thread_back() -> None:
    limits = Limits(unread_s=1.0)
    with serving(App(), limits, threads=2) as (_, port):
        with sockets(port, 4, b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n"):
            time.sleep(0.5)  # both threads are writing now
            assert ask(port) == (200, b"well")
        assert len(ask(port, "/long")[1]) == LONG


def test_connections_of_one_address_are_counted_but_not_those_of_a_proxy_on_this_machine() -> None:
    def channel(address: str, quiet_since: float, *, answered: bool = False) -> Any:
        return SimpleNamespace(
            addr=(address, 1), request=None, requests=[1] if answered else [],
            total_outbufs_len=0, last_activity=quiet_since, will_close=False,
        )  # fmt: skip

    greedy = [channel("203.0.113.9", 100 + n / 100, answered=n < 3) for n in range(30)]
    others = [channel("198.51.100.1", 100.0), *(channel("127.0.0.1", 100.0) for _ in range(30))]
    Limits(of_one_address=20).look(greedy + others, now=101.0)
    closed = [n for n, own in enumerate(greedy) if own.will_close]
    assert closed == list(range(3, 13))  # the quietest that nobody is answering
    assert not any(own.will_close for own in others)


def test_the_end_waits_for_what_is_under_way_and_takes_nothing_new() -> None:
    app, found = App(), []
    with serving(app) as (server, port):
        asking = threading.Thread(target=lambda: found.append(ask(port, "/held")))
        asking.start()
        assert app.begun.wait(30)
        server.stop()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                ask(port)
                continue
            break
        assert not found
        app.go.set()
        asking.join(60)
    assert found == [(200, b"x" * 5_000_000)]


def test_the_end_may_be_asked_for_again_after_it_came() -> None:
    with serving(App()) as (server, _):
        server.stop()
        deadline = time.monotonic() + 30
        while server._map and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not server._map
        server.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_finishes_and_ends_well(settings: Settings, number: signal.Signals) -> None:
    """A picture that is being drawn comes whole, and the exit code is 0."""
    with served(settings) as (url, process):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("GET", "/embed/map.png?dpi=200")
        time.sleep(0.2)
        process.send_signal(number)
        answer = connection.getresponse()
        assert (answer.status, answer.read()[-8:-4]) == (200, b"IEND")
        connection.close()
        assert process.wait(60) == 0
