"""The server of ``locator serve``: waitress with limits of its own, and an end without a cut.

waitress takes connections in one thread and hands whole requests to others. What holds that one
thread up is a connection that never asks, asks slowly, or does not take its answer: such ones are
closed here, and where there are too many, those that have been quiet for the longest time.
"""

import ipaddress
import logging
import signal
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waitress.channel import HTTPChannel

MAX_BODY_BYTES = 8 * 2**20  # waitress takes no more; each address of the site far less
WAITING_THREADS = 24  # beside those that answer: dear work waits its turn in them
_MAX_HEADER_BYTES = 32 * 1024
_CONNECTIONS = 512  # most systems let a process open 1,024 files, and select() of Windows takes 512
_OF_ONE_ADDRESS = 100
_DRAIN_S = 30.0
_QUIET_S = 0.5  # a connection that is as new may have a request under way
_POLL_S = 0.2
_SWITCH_S = 0.0005


class Limits:
    """Which connections are closed: a look at all of them, about once a second.

    Parameters
    ----------
    idle_s
        How long a connection may stay without a request.
    request_s
        How long a request may take to arrive, head and body.
    unread_s
        How long a client may take nothing of its answer.
    connections, of_one_address
        How many may be open, and how many from one address that is not this machine's own (a
        proxy's are: it limits its clients itself).
    """

    def __init__(
        self,
        *,
        idle_s: float = 20.0,
        request_s: float = 20.0,
        unread_s: float = 60.0,
        connections: int = _CONNECTIONS,
        of_one_address: int = _OF_ONE_ADDRESS,
    ) -> None:
        self.idle_s, self.request_s, self.unread_s = idle_s, request_s, unread_s
        self.connections, self.of_one_address = connections, of_one_address
        self._arriving: dict[int, tuple[object, float]] = {}  # a channel's request, first seen

    def look(self, channels: "list[HTTPChannel]", now: float) -> None:
        """Mark the channels that are to be closed; ``now`` in seconds as of ``time.time``."""
        arriving: dict[int, tuple[object, float]] = {}
        for channel in channels:
            if channel.request is not None:
                request, since = self._arriving.get(id(channel), (None, now))
                since = since if request is channel.request else now
                arriving[id(channel)] = (channel.request, since)
                late = now - since > self.request_s
            elif channel.total_outbufs_len:
                late = now - channel.last_activity > self.unread_s
                if late and not channel.will_close:
                    _hang_up(channel)
            else:
                late = not channel.requests and now - channel.last_activity > self.idle_s
            channel.will_close = channel.will_close or late
        self._arriving = arriving
        open_ones = [channel for channel in channels if not channel.will_close]
        open_ones.sort(key=self._quiet_since)
        groups = defaultdict(list)
        for channel in open_ones:
            groups[str(channel.addr[0])].append(channel)
        for address, own in groups.items():
            if not _is_loopback(address):
                _close_first(own, self.of_one_address)
        # Room is made before there is none: between two looks others may come.
        _close_first([c for c in open_ones if not c.will_close], self.connections * 3 // 4)

    def _quiet_since(self, channel: "HTTPChannel") -> float:
        """Return since when a connection brought nothing whole: a slow sender is quiet too."""
        found = self._arriving.get(id(channel))
        return float(channel.last_activity if found is None else found[1])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"  # a socket of the file system


def _hang_up(channel: "HTTPChannel") -> None:
    """Make a connection that takes nothing ready to be closed: until it takes, nobody looks."""
    with suppress(OSError):
        channel.socket.shutdown(socket.SHUT_RDWR)


def _close_first(channels: "list[HTTPChannel]", most: int) -> None:
    """Mark the first of those that are above a number, but none that is being answered."""
    spare = [c for c in channels if not c.requests and not c.total_outbufs_len]
    for channel in spare[: max(0, len(channels) - most)]:
        channel.will_close = True


class Server:
    """waitress at one address; :meth:`run` returns when it was asked to stop and all is answered.

    Raises
    ------
    OSError
        The address cannot be listened at.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        *,
        host: str,
        port: int,
        threads: int,
        limits: Limits | None = None,
    ) -> None:
        import waitress
        from waitress.server import BaseWSGIServer

        # It says so for each request that waits: under load, when there is enough to do.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        # Whoever works long gives way to riders ten times as often as by default.
        sys.setswitchinterval(_SWITCH_S)
        self._limits = limits or Limits()
        self._map: dict[int, Any] = {}
        self._stop = threading.Event()
        self._deadline = 0.0
        self._server = waitress.create_server(
            app,
            map=self._map,
            host=host,
            port=port,
            threads=threads,
            ident="locator",
            # The application believes as many proxies as the setting says, or none; but that
            # such a header came tells it that there is one.
            clear_untrusted_proxy_headers=False,
            connection_limit=self._limits.connections,
            cleanup_interval=1,
            channel_timeout=int(self._limits.idle_s),
            max_request_header_size=_MAX_HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            log_socket_errors=False,  # a phone that went away is no error
            asyncore_loop_timeout=1,
            asyncore_use_poll=True,
        )
        self._listeners = [own for own in self._map.values() if isinstance(own, BaseWSGIServer)]
        for listener in self._listeners:
            listener.maintenance = self._maintain

    def _maintain(self, now: float) -> None:
        self._limits.look(self._channels(), now)

    def _channels(self) -> "list[HTTPChannel]":
        return [own for listener in self._listeners for own in listener.active_channels.values()]

    def stop(self) -> None:
        """Ask for the end; from a signal's handler or another thread. Twice: at once."""
        if self._stop.is_set():  # it polls already, or has ended and closed its trigger
            self._deadline = 0.0
            return
        self._deadline = time.monotonic() + _DRAIN_S
        self._stop.set()
        self._listeners[0].pull_trigger()

    def run(self) -> None:
        """Answer until :meth:`stop`, then take nothing new and finish what is under way."""
        from waitress import wasyncore

        while not self._stop.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)  # not its trigger, which the threads still pull
        while self._channels() and time.monotonic() < self._deadline:
            self._close_idle(time.time())
            wasyncore.loop(timeout=_POLL_S, use_poll=True, map=self._map, count=1)
        self._listeners[0].task_dispatcher.shutdown(timeout=1)
        if not self._listeners[0].task_dispatcher.threads:  # else one may still pull a trigger
            wasyncore.close_all(self._map)

    def _close_idle(self, now: float) -> None:
        for channel in self._channels():
            idle = not channel.requests and not channel.total_outbufs_len
            if idle and channel.request is None and now - channel.last_activity > _QUIET_S:
                channel.will_close = True
        self._limits.look(self._channels(), now)


@contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call a function at SIGINT and SIGTERM, and at Ctrl-Break on Windows."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
