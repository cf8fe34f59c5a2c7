"""Results that are made once and kept for whoever asks next; those unused longest are let go."""

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")


class Cache(Generic[T]):
    """A bounded number of results by key, for many threads; one is made at a time.

    Parameters
    ----------
    limit
        How much all results may take together. One that is larger stands alone: if it were not
        kept, it would be made each time.
    size_of
        How much a result takes; by default each is 1, and ``limit`` is their number.
    turn
        What is held while a result is made, such as :meth:`Admission.turn`; what is kept already
        is given to anybody.
    """

    def __init__(
        self,
        limit: float,
        size_of: Callable[[T], float] = lambda _: 1,
        *,
        turn: Callable[[], AbstractContextManager[object]] | None = None,
    ) -> None:
        own = threading.RLock()
        self._turn = turn or (lambda: own)
        self._lock = threading.Lock()
        self._version: object = None
        self._results: LRUCache[Hashable, T] = LRUCache(
            limit, getsizeof=lambda result: min(size_of(result), limit)
        )

    def get(self, key: Hashable, make: Callable[[], T], *, version: object = None) -> T:
        """Return the result for a key; many who ask for the same at once wait for one.

        Parameters
        ----------
        version
            Of what results are made from; those of another version are let go.

        Raises
        ------
        BusyError
            ``turn`` gives none; nothing was done.
        """
        found = self.find(key, version=version)
        if found is not None:
            return found
        with self._turn():
            found = self.find(key, version=version)  # somebody may have asked for the same
            return self.keep(key, make(), version=version) if found is None else found

    def find(self, key: Hashable, *, version: object = None) -> T | None:
        """Return a result, or None if it is not kept."""
        with self._lock:
            return self._results.get(key) if version == self._version else None

    def keep(self, key: Hashable, result: T, *, version: object = None) -> T:
        """Keep a result, and return it."""
        with self._lock:
            if version != self._version:
                self._results.clear()
                self._version = version
            self._results[key] = result
        return result

    def clear(self) -> None:
        """Let go of all results."""
        with self._lock:
            self._results.clear()

    @property
    def size(self) -> float:
        """How much the results take, each at most the limit."""
        return self._results.currsize

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._results
