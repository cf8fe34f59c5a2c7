"""A long file as columns of texts, a piece at a time: what millions of rows are read by.

:mod:`~locator.register.tables` gives a row at a time, which a register of stations needs to say
what is wrong with each. Here nothing is built for a row of a CSV file, and a piece is turned into
columns at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from locator.errors import RegisterError
from locator.register.grid import Line, check_width, find_lines
from locator.register.tables import (
    Row,
    check_size,
    known_names,
    open_csv_lines,
    open_table,
    unguard,
)

__all__ = ["ColumnPiece", "ColumnTable", "open_columns"]

_MAX_CSV_BYTES = 20_000_000_000
_APART = "\x1f"  # no text has it: the row as one text


@dataclass(frozen=True)
class ColumnPiece:
    """A part of a file.

    Attributes
    ----------
    numbers
        (n,) the rows' numbers as a person sees them in the file.
    cells
        Column to its n texts, ``""`` where a cell is empty.
    whole
        n texts, each all cells of a row, by which identical rows are known.
    """

    numbers: npt.NDArray[np.int64]
    cells: dict[str, list[str]]
    whole: list[str]


@dataclass(frozen=True)
class ColumnTable:
    """A file's header, and its rows as pieces of columns, to be gone through once.

    Attributes
    ----------
    pieces
        Gives the pieces, from the columns wanted and the rows in a piece.
    share_read
        Tells how much of the file has been gone through, 0 to 1.
    """

    source: str
    header: tuple[str, ...]
    pieces: Callable[[Sequence[str], int], Iterator[ColumnPiece]]
    share_read: Callable[[], float]


@contextmanager
def open_columns(path: Path, *, columns: frozenset[str] = frozenset()) -> Iterator[ColumnTable]:
    """Open a file by its ending, to read it in pieces of columns.

    Parameters
    ----------
    columns
        Further names by which the header is found: those of our fields and of a mapping.

    Raises
    ------
    RegisterError
        As :func:`locator.register.open_table`, and a later line may have too many cells.
    """
    if path.suffix.lower() == ".csv":
        with _open_csv(path, columns) as table:
            yield table
        return
    with open_table(path, columns=columns) as rows:
        yield ColumnTable(
            rows.source,
            rows.header,
            lambda wanted, size: _row_pieces(rows.rows, wanted, size),
            rows.share_read,
        )


@contextmanager
def _open_csv(path: Path, columns: frozenset[str]) -> Iterator[ColumnTable]:
    known = known_names(columns)
    try:
        check_size(path, _MAX_CSV_BYTES)
        with open_csv_lines(path, known) as (lines, share_read):
            header, below = find_lines(lines, known, path.name)
            yield ColumnTable(
                path.name,
                tuple(header),
                lambda wanted, size: _line_pieces(below, header, path.name, wanted, size),
                share_read,
            )
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error


def _line_pieces(
    lines: Iterable[Line], header: list[str], source: str, wanted: Sequence[str], size: int
) -> Iterator[ColumnPiece]:
    places = [(name, header.index(name)) for name in wanted]
    stream = iter(lines)
    while taken := list(islice(stream, size)):
        numbers, rows = zip(*taken, strict=True)
        if set(map(len, rows)) != {len(header)} or not all(map(any, rows)):
            numbers, rows = _squared(taken, header, source)
        if not rows:
            continue
        columns = list(zip(*rows, strict=True))
        yield ColumnPiece(
            np.array(numbers, dtype=np.int64),
            {name: _plain(columns[place]) for name, place in places},
            [_APART.join(row) for row in rows],
        )


def _squared(
    lines: Sequence[Line], header: Sequence[str], source: str
) -> tuple[tuple[int, ...], tuple[Sequence[str], ...]]:
    """Give every line the header's length and leave out the empty ones."""
    numbers, rows = [], []
    for number, cells in lines:
        check_width(header, number, cells, source)
        cut = [*cells[: len(header)], *[""] * (len(header) - len(cells))]
        if any(map(str.strip, cut)):
            numbers.append(number)
            rows.append(cut)
    return tuple(numbers), tuple(rows)


def _plain(texts: Sequence[str]) -> list[str]:
    return [unguard(text.strip()) for text in texts]


def _row_pieces(rows: Iterable[Row], wanted: Sequence[str], size: int) -> Iterator[ColumnPiece]:
    stream = iter(rows)
    while taken := list(islice(stream, size)):
        yield ColumnPiece(
            np.array([row.number for row in taken], dtype=np.int64),
            {name: [row.cells.get(name, "") for row in taken] for name in wanted},
            [_APART.join(f"{k}{_APART}{v}" for k, v in sorted(row.cells.items())) for row in taken],
        )
