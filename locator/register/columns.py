"""A long file as columns of texts, a piece at a time: what millions of rows are read by.

:mod:`~locator.register.tables` gives a row at a time, which a register of stations needs to say
what is wrong with each. Here nothing is built for a row of a CSV file, and a piece is turned into
columns at once.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from locator.errors import RegisterError
from locator.register.grid import Line, Row, check_width, find_lines
from locator.register.tables import (
    CsvLines,
    check_size,
    known_names,
    numbered_lines,
    open_csv_lines,
    open_table,
    unguard,
)

_MAX_CSV_BYTES = 20_000_000_000
_FIRST_LINES = 20  # past those in which the header was looked for
_BLOCK = 1 << 20
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
        with open_csv_lines(path, known) as csv_file:
            header, below = find_lines(csv_file.lines, known, path.name)
            shape = _Shape(path.name, tuple(header), csv_file.delimiter)

            def pieces(wanted: Sequence[str], size: int) -> Iterator[ColumnPiece]:
                yield from _line_pieces(islice(below, _FIRST_LINES), shape, wanted, size)
                yield from _text_pieces(csv_file, shape, wanted, size)

            yield ColumnTable(path.name, shape.header, pieces, csv_file.share_read)
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True)
class _Shape:
    source: str
    header: tuple[str, ...]
    delimiter: str


def _text_pieces(
    csv_file: CsvLines, shape: _Shape, wanted: Sequence[str], size: int
) -> Iterator[ColumnPiece]:
    """Read on in blocks of whole lines; one without quotes is parted at every delimiter."""
    text, taken = csv_file.text, csv_file.lines_taken()
    while block := text.read(_BLOCK):
        block += text.readline()
        plain = block.replace("\r\n", "\n")
        if '"' in plain or "\r" in plain:
            # From here on, a quoted cell may hold delimiters and line ends.
            rest = chain(io.StringIO(block, newline=""), text)
            reader = csv.reader(rest, delimiter=shape.delimiter, strict=True)
            lines = numbered_lines(reader, shape.source, before=taken)
            yield from _line_pieces(lines, shape, wanted, size)
            return
        rows = plain.removesuffix("\n").split("\n")
        for start in range(0, len(rows), size):
            piece = _plain_piece(rows[start : start + size], taken + start + 1, shape, wanted)
            if piece is not None:
                yield piece
        taken += len(rows)


def _plain_piece(
    rows: list[str], first: int, shape: _Shape, wanted: Sequence[str]
) -> ColumnPiece | None:
    width, delimiter = len(shape.header), shape.delimiter
    whole = [row.replace(delimiter, _APART) for row in rows]
    # The separator counts as white space: what strip leaves nothing of is an empty row.
    if {row.count(delimiter) for row in rows} != {width - 1} or not all(map(str.strip, whole)):
        lines = ((first + place, row.split(delimiter)) for place, row in enumerate(rows))
        return next(_line_pieces(lines, shape, wanted, len(rows)), None)
    cells = delimiter.join(rows).split(delimiter)
    return ColumnPiece(
        np.arange(first, first + len(rows)),
        {name: _plain(cells[shape.header.index(name) :: width]) for name in wanted},
        whole,
    )


def _line_pieces(
    lines: Iterable[Line], shape: _Shape, wanted: Sequence[str], size: int
) -> Iterator[ColumnPiece]:
    stream, header = iter(lines), shape.header
    while taken := list(islice(stream, size)):
        numbers, rows = zip(*taken, strict=True)
        whole = list(map(_APART.join, rows))
        if set(map(len, rows)) != {len(header)} or not all(map(str.strip, whole)):
            numbers, rows = _squared(taken, header, shape.source)
            whole = list(map(_APART.join, rows))
        if not rows:
            continue
        columns = list(zip(*rows, strict=True))
        yield ColumnPiece(
            np.array(numbers, dtype=np.int64),
            {name: _plain(columns[header.index(name)]) for name in wanted},
            whole,
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
    if "'" in {text[:1] for text in texts}:
        texts = [unguard(text) for text in texts]
    return [text.strip() for text in texts]


def _row_pieces(rows: Iterable[Row], wanted: Sequence[str], size: int) -> Iterator[ColumnPiece]:
    stream = iter(rows)
    while taken := list(islice(stream, size)):
        yield ColumnPiece(
            np.array([row.number for row in taken], dtype=np.int64),
            {name: [row.cells.get(name, "") for row in taken] for name in wanted},
            [_APART.join(f"{k}{_APART}{v}" for k, v in sorted(row.cells.items())) for row in taken],
        )
