"""Who may do dear work in a server's thread: few at a time, so that riders always find one free."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from locator.errors import BusyError

__all__ = ["KEPT_FREE", "Admission", "Kind"]

KEPT_FREE = 3  # threads of a server that dear work never takes
_WAIT_S = 20.0
_AT_ONCE = 1  # pieces of work: a long export does not stop the maps

Kind = Literal["maps", "planner", "exports", "features"]


class Admission:
    """Lets threads in to do dear work, in the order they came, each kind one at a time.

    Who waits holds a thread of the server too, so those who wait are counted with those who work:
    past the number of places whoever comes is sent away at once.

    Parameters
    ----------
    threads
        How many the server has; ``KEPT_FREE`` of them are never given away. A server of fewer
        than that and one has one place all the same.
    at_once
        How many pieces of work may be under way, each of another kind.
    """

    def __init__(self, threads: int = 8, *, at_once: int = _AT_ONCE) -> None:
        self._places = max(1, threads - KEPT_FREE)
        self._at_once = at_once
        self._changed = threading.Condition()
        self._line: deque[tuple[int, Kind]] = deque()  # who waits, by thread
        self._working: dict[int, Kind] = {}  # by thread

    @contextmanager
    def turn(self, kind: Kind, *, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Wait for a turn and hold it; no other thread works on the same kind meanwhile.

        A thread that holds a turn of this kind goes on within it.

        Raises
        ------
        BusyError
            All places are taken, or the wait was too long; nothing was done.
        """
        me = threading.get_ident()
        if self._working.get(me) == kind:
            yield
            return
        self._enter(me, kind, wait_s)
        try:
            yield
        finally:
            with self._changed:
                del self._working[me]
                self._changed.notify_all()

    def _enter(self, me: int, kind: Kind, wait_s: float) -> None:
        with self._changed:
            if me in self._working:
                raise RuntimeError("a turn of another kind is held by this thread")
            if len(self._line) + len(self._working) >= self._places:
                raise BusyError("Too many ask for maps, figures or files just now; ask again soon.")
            own, until = (me, kind), time.monotonic() + wait_s
            self._line.append(own)
            try:
                while not self._may_begin(own):
                    left = until - time.monotonic()
                    if left <= 0:
                        raise BusyError("Others' maps, figures or files take too long; ask again.")
                    self._changed.wait(left)
                self._working[me] = kind
            finally:
                self._line.remove(own)
                self._changed.notify_all()  # who stands behind may be of a kind that is free

    def _may_begin(self, own: tuple[int, Kind]) -> bool:
        """Tell whether it is somebody's turn: nobody before could begin as well."""
        busy = set(self._working.values())
        if len(self._working) >= self._at_once:
            return False
        free = next((waiting for waiting in self._line if waiting[1] not in busy), None)
        return free == own
