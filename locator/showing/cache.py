"""Work that takes a while, for many who ask: made once, and the last results kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from locator.admission import Admission

__all__ = ["ResultCache"]

T = TypeVar("T")


class ResultCache(Generic[T]):
    """Results of one piece of work at a time.

    Parameters
    ----------
    size_of
        How much a result takes.
    most
        How much all results that are kept may take together; those unused for the longest time
        go first.
    admission
        Who may work; what is kept is given to anybody.
    """

    def __init__(
        self, *, size_of: Callable[[T], int], most: int, admission: Admission | None = None
    ) -> None:
        self._size_of, self._most = size_of, most
        self._admission = admission or Admission()
        self._shelf = threading.Lock()
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result for a key; it is made once, whoever asks.

        Raises
        ------
        BusyError
            Too many wait already, or the wait was too long; nothing was done.
        """
        found = self._find(key)
        if found is not None:
            return found
        with self._admission.turn():
            found = self._find(key)  # somebody may have asked for the same
            return self._keep(key, make()) if found is None else found

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
