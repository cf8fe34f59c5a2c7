"""Who may do dear work in a server's thread: one at a time, so that riders always find one free."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from locator.errors import BusyError

KEPT_FREE = 3  # threads of a server that dear work never takes
_WAIT_S = 20.0


class Admission:
    """Lets threads in to do dear work, one at a time, in the order they came.

    One, because the interpreter is shared: two would halve what riders get of it. Who waits holds
    a thread of the server too, so those who wait are counted with the one who works: past the
    number of places whoever comes is sent away at once.

    Parameters
    ----------
    threads
        How many the server has; ``KEPT_FREE`` of them are never given away. A server of no more
        than that has one place all the same.
    """

    def __init__(self, threads: int = 8) -> None:
        self._places = max(1, threads - KEPT_FREE)
        self._changed = threading.Condition()
        self._line: deque[int] = deque()  # threads: the first works, or is about to
        self._holder: int | None = None

    @contextmanager
    def turn(self, *, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Wait for a turn and hold it; a thread that holds it already goes on within it.

        Raises
        ------
        BusyError
            All places are taken, or the wait was too long; nothing was done.
        """
        me = threading.get_ident()
        if self._holder == me:
            yield
            return
        self._enter(me, wait_s)
        try:
            yield
        finally:
            self._leave(me)

    def _enter(self, me: int, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        with self._changed:
            if len(self._line) >= self._places:
                raise BusyError("Too many ask for maps, figures or files just now; ask again soon.")
            self._line.append(me)
            while self._line[0] != me:
                left = until - time.monotonic()
                if left <= 0:
                    self._line.remove(me)
                    raise BusyError("Others' maps, figures or files take too long; ask again soon.")
                self._changed.wait(left)
            self._holder = me

    def _leave(self, me: int) -> None:
        with self._changed:
            self._holder = None
            self._line.remove(me)
            self._changed.notify_all()
