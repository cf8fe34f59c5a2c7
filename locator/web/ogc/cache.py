"""Answers that are asked for again and again, kept whole but for their time stamp, and packed."""

import threading
import zlib
from collections import OrderedDict

__all__ = ["GZIP", "AnswerCache", "CachedAnswer"]

GZIP = 31  # zlib's wbits for a gzip header around the largest window
_ANSWERS = 32
_BYTES = 16 * 2**20


class CachedAnswer:
    """An answer but for its end, and the system of its coordinates."""

    def __init__(self, body: bytes, crs_uri: str) -> None:
        self.body = body
        self.crs_uri = crs_uri
        self._lock = threading.Lock()
        self._packed = b""
        self._packer = zlib.compressobj(level=6, wbits=GZIP)

    def packed(self, end: bytes) -> bytes:
        """Return the answer with an end as gzip; all but the end is packed only once."""
        with self._lock:
            if not self._packed:
                begun = self._packer.compress(self.body)
                self._packed = begun + self._packer.flush(zlib.Z_SYNC_FLUSH)
            packer = self._packer.copy()
        return self._packed + packer.compress(end) + packer.flush()


class AnswerCache:
    """A bounded number of answers by their tag, which names data, question and language."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, CachedAnswer] = OrderedDict()
        self._size = 0

    def get(self, tag: str) -> CachedAnswer | None:
        """Return an answer, if it is kept."""
        with self._lock:
            if tag in self._answers:
                self._answers.move_to_end(tag)
            return self._answers.get(tag)

    def keep(self, tag: str, answer: CachedAnswer) -> None:
        """Keep an answer, and let go of those unused for the longest time."""
        with self._lock:
            if tag in self._answers:
                return
            self._answers[tag] = answer
            self._size += len(answer.body)
            while len(self._answers) > _ANSWERS or self._size > _BYTES:
                _, gone = self._answers.popitem(last=False)
                self._size -= len(gone.body)
