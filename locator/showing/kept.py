"""Work that takes a while, for many who ask: one piece at a time, and the last results kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from locator.errors import DeskBusyError

__all__ = ["Easel"]

T = TypeVar("T")

_WAIT_S = 20.0
_MOST_WAITING = 3  # threads of the server that may stand in line; the others go on serving riders


class Easel(Generic[T]):
    """One piece of work at a time for a running process.

    Parameters
    ----------
    size_of
        How much a result takes.
    most
        How much all results that are kept may take together; those unused for the longest time
        go first.
    """

    def __init__(
        self,
        *,
        size_of: Callable[[T], int],
        most: int,
        wait_s: float = _WAIT_S,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._size_of, self._most = size_of, most
        self._wait_s, self._most_waiting = wait_s, most_waiting
        self._work, self._shelf = threading.Lock(), threading.Lock()
        self._waiting = 0
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result for a key; it is made once, whoever asks.

        Raises
        ------
        DeskBusyError
            Too many wait already, or the wait was too long; nothing was done.
        """
        found = self._find(key)
        if found is not None:
            return found
        with self._shelf:
            if self._waiting > self._most_waiting:
                raise DeskBusyError("Too many maps are being drawn just now; ask again soon.")
            self._waiting += 1
        try:
            if not self._work.acquire(timeout=self._wait_s):
                raise DeskBusyError("Others' maps take too long just now; ask again soon.")
            try:
                found = self._find(key)  # somebody may have asked for the same
                return self._keep(key, make()) if found is None else found
            finally:
                self._work.release()
        finally:
            with self._shelf:
                self._waiting -= 1

    def _find(self, key: Hashable) -> T | None:
        with self._shelf:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, made: T) -> T:
        with self._shelf:
            self._kept[key] = made
            while len(self._kept) > 1 and sum(map(self._size_of, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
        return made
