"""Rows put aside on the disk while a file is read, so that millions need little memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from locator.register.orders import OrderPiece

__all__ = ["PARTS", "Spool"]

_ROW = np.dtype(
    [
        ("key", np.uint64),
        ("time", np.int64),
        ("lon", np.float64),
        ("lat", np.float64),
        ("weight", np.int64),
        ("number", np.int64),
    ]
)
PARTS = 32


@dataclass
class Spool:
    """Rows in parts by their key: rows that are the same order stand in the same part.

    The folder is a temporary one and is gone at the block's end.
    """

    _stack: ExitStack = field(default_factory=ExitStack)
    _files: list[IO[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="locator-")))
        for part in range(PARTS):
            self._files.append(self._stack.enter_context((folder / f"{part}").open("w+b")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, piece: OrderPiece) -> None:
        """Put the good rows of a piece aside."""
        rows = np.empty(len(piece.number), dtype=_ROW)
        for name in ("key", "lon", "lat", "weight", "number"):
            rows[name] = getattr(piece, name)
        rows["time"] = 0 if piece.time is None else piece.time.astype(np.int64)
        part = (rows["key"] % PARTS).astype(np.int64)
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(PARTS + 1))
        for number, file in enumerate(self._files):
            chosen = order[bounds[number] : bounds[number + 1]]
            file.write(rows[chosen].tobytes())

    def parts(self) -> Iterator[npt.NDArray[np.void]]:
        """Yield the parts, one in memory at a time."""
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), dtype=_ROW)
