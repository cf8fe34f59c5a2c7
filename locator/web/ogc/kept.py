"""Answers that are asked for again and again, kept whole but for their time."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Kept", "KeptAnswers"]

_ANSWERS = 32
_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Kept:
    """An answer after its time stamp: all but its features, and these; and their system."""

    head: bytes
    features: bytes
    crs_uri: str

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.head) + len(self.features)


class KeptAnswers:
    """A bounded number of answers by their tag, which names data, question and language."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Kept] = OrderedDict()
        self._size = 0

    def get(self, tag: str) -> Kept | None:
        """Return an answer, if it is kept."""
        with self._lock:
            if tag in self._answers:
                self._answers.move_to_end(tag)
            return self._answers.get(tag)

    def keep(self, tag: str, answer: Kept) -> None:
        """Keep an answer, and let go of those unused for the longest time."""
        with self._lock:
            if tag in self._answers:
                return
            self._answers[tag] = answer
            self._size += answer.size
            while len(self._answers) > _ANSWERS or self._size > _BYTES:
                _, gone = self._answers.popitem(last=False)
                self._size -= gone.size
