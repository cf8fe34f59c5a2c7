"""Files that are made once and sent many times, until the store changes."""

import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from locator.admission import Admission
from locator.errors import RegisterError, StoreError

__all__ = ["CachedFile", "FileCache"]

_PIECE_BYTES = 64 * 1024
_WAIT_S = 30.0


class CachedFile:
    """A file without a name: it is gone when the process is, however that ends."""

    def __init__(self, source: IO[bytes]) -> None:
        self._stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._stream.close)
        shutil.copyfileobj(source, self._stream)
        self.size_bytes = self._stream.seek(0, os.SEEK_END)
        self._lock = threading.Lock()

    def pieces(self) -> Iterator[bytes]:
        """Yield the content; several readers may be at it at once."""
        place = 0
        while place < self.size_bytes:
            with self._lock:
                self._stream.seek(place)
                piece = self._stream.read(_PIECE_BYTES)
            place += len(piece)
            yield piece


class FileCache:
    """A bounded number of bytes of files, all of one version of the store.

    Files are made one at a time: many who ask for a large one wait for one writer.
    """

    def __init__(self, limit_bytes: int, admission: Admission | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._admission = admission or Admission()
        self._files: OrderedDict[str, CachedFile] = OrderedDict()
        self._version = ""
        self._lock = threading.Lock()

    def get(self, version: str, name: str, make: Callable[[Path], None]) -> CachedFile:
        """Return a file, made if it is not kept.

        Parameters
        ----------
        version
            Of the store; files of another one are let go.
        name
            Says which file it is; ends as ``make`` wants it.
        make
            Writes the file to a path that ends like ``name``.

        Raises
        ------
        StoreError
            There is no room for it, or no place.
        BusyError
            Too many wait already, or the wait was too long.
        """
        kept = self._find(version, name)
        if kept is not None:
            return kept
        with self._admission.turn(wait_s=_WAIT_S):
            kept = self._find(version, name)  # somebody was faster
            if kept is None:
                kept = _made(name, make)
                self._keep(version, name, kept)
        return kept

    def _find(self, version: str, name: str) -> CachedFile | None:
        with self._lock:
            if self._version != version:
                return None
            if name in self._files:
                self._files.move_to_end(name)
            return self._files.get(name)

    def _keep(self, version: str, name: str, kept: CachedFile) -> None:
        with self._lock:
            if self._version != version:
                self._files.clear()
                self._version = version
            self._files[name] = kept
            while sum(own.size_bytes for own in self._files.values()) > self._limit_bytes:
                self._files.popitem(last=False)


def _made(name: str, make: Callable[[Path], None]) -> CachedFile:
    try:
        with tempfile.TemporaryDirectory(prefix="locator-export-") as folder:
            path = Path(folder) / f"export{Path(name).suffix}"
            make(path)
            with path.open("rb") as stream:
                return CachedFile(stream)
    except (OSError, RegisterError) as error:  # what a writer says of a full disk
        raise StoreError(f"The export {name} could not be made: {error}") from error
