"""From lines of cells to a header and rows: title lines, group headers and empty lines aside."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

from locator.errors import RegisterError

MAX_COLUMNS = 1_000  # a register has some thirty; more is another kind of file
LOOKED_AT = 12  # lines that may stand before the data: titles, notes, group headers
_HEADER_LINES = 3
_ENOUGH_KNOWN = 2
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")

AGAIN = " (again, column "  # begins what is added to a name that stands twice

Line = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Row:
    """One row: its number as a person sees it in the file, and its cells by header."""

    number: int
    cells: dict[str, str]


def find_rows(
    lines: Iterable[Line], known: frozenset[str], source: str
) -> tuple[list[str], Iterator[Row]]:
    """Return the header and the rows below it, which are read as they are asked for.

    The header is the line, or the up to three lines together, in which most columns have a name
    we know; a table in which none has is taken to begin with its first line of two cells or more.

    Parameters
    ----------
    lines
        Number and cells of each line.
    known
        Names of columns that mean something, in lower case.
    source
        The file's name, for messages.

    Raises
    ------
    RegisterError
        There is no header, a name stands twice in it, or another table above it; later, a row
        has more cells than it.
    """
    header, below = find_lines(lines, known, source)
    rows = (_row(header, number, cells, source) for number, cells in below)
    return header, (row for row in rows if row is not None)


def number_columns(
    lines: Iterable[Line], known: frozenset[str], source: str
) -> tuple[list[str], Iterator[Row]]:
    """Return numbers from 1 as the header, and every line as a row: nothing names the columns."""
    del known
    stream = iter(lines)
    head = list(islice(stream, LOOKED_AT))
    header = [str(n) for n in range(1, max((len(cells) for _, cells in head), default=0) + 1)]
    rows = (_row(header, number, cells, source) for number, cells in chain(head, stream))
    return header, (row for row in rows if row is not None)


def find_lines(
    lines: Iterable[Line], known: frozenset[str], source: str
) -> tuple[list[str], Iterator[Line]]:
    """Return the header and the lines below it as they are; see :func:`find_rows`."""
    stream = iter(lines)
    head = []
    for number, cells in islice(stream, LOOKED_AT):
        check_columns(len(cells), source)
        head.append((number, _strip(cells)))
    first, last = _find_header(head, known)
    above = _table_above(head[:last], known)
    if above is not None:
        raise RegisterError(
            f"{source} has two tables: one begins in row {above}, another in row "
            f"{head[last - 1][0]}; put each into a file of its own."
        )
    header = _join_header([cells for _, cells in head[first:last]], known)
    return _distinct(header, known, source), chain(head[last:], stream)


def _table_above(head: Sequence[tuple[int, list[str]]], known: frozenset[str]) -> int | None:
    """Return the number of a line that is a header too, with a row of data below it.

    Another delimiter may part that table, so that its lines came as one cell each.
    """
    for (number, cells), (_, below) in pairwise(head):
        for delimiter in (None, ";", ","):
            names, row = (_parted(line, delimiter) for line in (cells, below))
            found = {name.casefold() for name in names} & known
            fits = len(row) <= len(names) and any(map(_NUMBER.fullmatch, row))
            if fits and len(found) >= _ENOUGH_KNOWN:
                return number
    return None


def _parted(cells: Sequence[str], delimiter: str | None) -> list[str]:
    parts = cells if delimiter is None else delimiter.join(cells[:1]).split(delimiter)
    return [part.strip() for part in parts]


def rate_header(lines: Iterable[Line], known: frozenset[str]) -> tuple[int, int, int]:
    """Tell how well lines begin a table; of two ways to read a file the greater is the right one.

    Returns
    -------
    tuple
        Known names in the header; its place, counted downwards from 0, the earlier the better; its
        columns.
    """
    some = ((number, cells[:MAX_COLUMNS]) for number, cells in islice(lines, LOOKED_AT))
    head = [(number, _strip(cells)) for number, cells in some]
    first, last = _find_header(head, known)
    names = _join_header([cells for _, cells in head[first:last]], known)
    return len({name.casefold() for name in names} & known), -first, len(names)


def _strip(cells: Sequence[str]) -> list[str]:
    stripped = [" ".join(cell.split()) for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _find_header(head: Sequence[tuple[int, list[str]]], known: frozenset[str]) -> tuple[int, int]:
    best, where = _ENOUGH_KNOWN - 1, None
    for first in range(len(head)):
        for last in range(first + 1, min(first + _HEADER_LINES, len(head)) + 1):
            names = _join_header([cells for _, cells in head[first:last]], known)
            score = len({name.casefold() for name in names} & known)
            if score > best:
                best, where = score, (first, last)
    if where is not None:
        return where
    for number, (_, cells) in enumerate(head):
        if len([cell for cell in cells if cell]) > 1:
            return number, number + 1
    return 0, min(1, len(head))


def _join_header(lines: Sequence[Sequence[str]], known: frozenset[str]) -> list[str]:
    """Return each column's name: the lowest that is known, else the lowest there is."""
    width = max((len(line) for line in lines), default=0)
    header = []
    for column in range(width):
        names = [line[column] for line in lines if column < len(line) and line[column]]
        recognised = [name for name in names if name.casefold() in known]
        header.append((recognised or names or [""])[-1])
    return header


def _distinct(header: Sequence[str], known: frozenset[str], source: str) -> list[str]:
    """Return a header with no name twice: a later column of an unknown name gets its number."""
    if not any(header):
        raise RegisterError(f"{source} has no header in its first lines.")
    names: list[str] = []
    for number, name in enumerate(header, 1):
        again = bool(name) and name in names
        if again and name.casefold() in known:
            raise twice_in_header(source, name)
        names.append(f"{name}{AGAIN}{number})" if again else name)
    return names


def twice_in_header(source: str, name: str) -> RegisterError:
    """Return the error for a column that is read and stands twice."""
    return RegisterError(f"{source}: the column {name!r} stands twice in the header; rename one.")


def _row(header: Sequence[str], number: int, cells: Sequence[str], source: str) -> Row | None:
    named = zip(header, cells, strict=False)
    found = {name: cell.strip() for name, cell in named if name and cell.strip()}
    if not found:
        return None
    check_width(header, number, cells, source)
    return Row(number, found)


def check_columns(count: int, source: str) -> None:
    """Refuse a table of more columns than ``MAX_COLUMNS``.

    Raises
    ------
    RegisterError
        Names the limit.
    """
    if count > MAX_COLUMNS:
        raise RegisterError(
            f"{source} has {count:,} columns; at most {MAX_COLUMNS:,} are read: "
            "keep those of a station, a row each."
        )


def check_width(header: Sequence[str], number: int, cells: Sequence[str], source: str) -> None:
    """Refuse a line with more cells than the header has names.

    Raises
    ------
    RegisterError
        Names the line.
    """
    if any(cell.strip() for cell in cells[len(header) :]):
        raise RegisterError(
            f"{source}, row {number}: {len(cells)} cells for {len(header)} columns; "
            "is a comma missing its quotes, or a name missing in the header?"
        )
