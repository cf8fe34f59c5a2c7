"""Excel workbooks as lines of texts: merged cells filled, bombs refused before they open."""

import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import cast

import openpyxl
from openpyxl import Workbook
from openpyxl.utils import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet.worksheet import Worksheet

from locator.errors import RegisterError
from locator.register.grid import MAX_COLUMNS

_MAX_UNPACKED = 2_000_000_000  # a full sheet of a million rows and fifteen columns
_MERGES_UP_TO = 40_000_000  # past that a sheet is read as a stream, which knows no merged cells
_MERGES_WITHIN = 500_000  # cells from the first to the last used; past that, streamed too
_MAX_MERGED = 1_000_000
_MAX_RATIO = 200
_MERGE = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?\bref\s*=\s*["']([A-Z]+\d+:[A-Z]+\d+)["']""")


def sheet_heads(path: Path, lines: int) -> list[tuple[str, list[tuple[int, list[str]]]]]:
    """Return each visible sheet's name and first lines.

    Raises
    ------
    RegisterError
        It is no workbook, or damaged.
    """
    _check_archive(path)
    heads = []
    with (
        path.open("rb") as stream,
        _told(path),
        closing(openpyxl.load_workbook(stream, read_only=True, keep_links=False)) as book,
    ):
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                cast("ReadOnlyWorksheet", sheet).reset_dimensions()
                values = sheet.iter_rows(max_row=lines, max_col=MAX_COLUMNS, values_only=True)
                texts = [[cell_text(value) for value in row] for row in values]
                heads.append((str(sheet.title), list(enumerate(texts, start=1))))
    return heads


def read_sheet(path: Path, name: str | None = None) -> Generator[tuple[int, list[str]]]:
    """Yield number and cells of each line of a workbook's sheet; formulas as last computed.

    Parameters
    ----------
    name
        Of the sheet, or its number from 1; None is the first.

    Raises
    ------
    RegisterError
        It is no workbook, damaged, would unpack to more than is read, or is absurdly wide.
    """
    unpacked = _check_archive(path)
    # Opened here, because openpyxl leaves a file open when it cannot read it.
    with path.open("rb") as stream, _told(path):
        if unpacked <= _MERGES_UP_TO:
            _check_merges(path)
            with closing(openpyxl.load_workbook(stream, data_only=True, keep_links=False)) as book:
                sheet = _chosen_sheet(book, path, name)
                merged = _merged_values(sheet)
                if sheet.max_row * sheet.max_column <= _MERGES_WITHIN:
                    yield from _lines(sheet, merged, path)
                    return
        with closing(
            openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        ) as book:
            sheet = _chosen_sheet(book, path, name)
            # What a file says of its own size may be a bomb.
            cast("ReadOnlyWorksheet", sheet).reset_dimensions()
            yield from _lines(sheet, {}, path)


def _chosen_sheet(book: Workbook, path: Path, name: str | None) -> Worksheet:
    sheets = book.worksheets
    if not sheets:
        raise RegisterError(f"{path.name} has no sheet.")
    if name is None:
        return sheets[0]
    by_name = [sheet for sheet in sheets if sheet.title == name]
    if not by_name and name.isdecimal() and 1 <= int(name) <= len(sheets):
        return sheets[int(name) - 1]
    if not by_name:
        raise RegisterError(
            f"{path.name} has no sheet {name!r}; it has {', '.join(s.title for s in sheets)}."
        )
    return by_name[0]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what openpyxl raises on a damaged workbook into one sentence."""
    try:
        yield
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        SyntaxError,
    ) as error:
        raise RegisterError(
            f"{path.name} is not an Excel workbook, or is damaged; open it in Excel and save "
            "it as .xlsx."
        ) from error


def _lines(
    sheet: Worksheet, merged: dict[tuple[int, int], str], path: Path
) -> Iterator[tuple[int, list[str]]]:
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if len(values) > MAX_COLUMNS:
            raise RegisterError(
                f"{path.name}, row {number}: {len(values):,} columns; a register has fewer than "
                f"{MAX_COLUMNS:,}. Delete what stands to the right of the table."
            )
        texts = [cell_text(value) for value in values]
        if merged:
            for column in range(len(texts)):
                texts[column] = texts[column] or merged.get((number, column + 1), "")
        yield number, texts


def _check_archive(path: Path) -> int:
    """Return how much a workbook unpacks to, having looked only at its table of contents."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(item.file_size, item.compress_size) for item in archive.infolist()]
    # A table of contents may name a packing that zipfile does not know, or make no sense.
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise RegisterError(
            f"{path.name} is not an Excel workbook; open it in Excel and save it as .xlsx."
        ) from error
    unpacked, packed = sum(size for size, _ in sizes), sum(size for _, size in sizes)
    if unpacked > _MAX_UNPACKED or (unpacked > 10_000_000 and unpacked > _MAX_RATIO * packed):
        raise RegisterError(
            f"{path.name} would unpack to {unpacked / 1e6:,.0f} MB; save the sheet as CSV instead."
        )
    return unpacked


def _check_merges(path: Path) -> None:
    """Refuse merged areas so large that openpyxl would not come to an end laying them out."""
    merged = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                for area in _MERGE.finditer(archive.read(name)):
                    west, north, east, south = range_boundaries(area.group(1).decode())
                    merged += ((east or 0) - (west or 0) + 1) * ((south or 0) - (north or 0) + 1)
    if merged > _MAX_MERGED:
        raise RegisterError(f"{path.name} has {merged:,} merged cells; undo the merging in Excel.")


def _merged_values(sheet: Worksheet) -> dict[tuple[int, int], str]:
    """Return what a merged cell says for every place it covers."""
    values: dict[tuple[int, int], str] = {}
    for area in sheet.merged_cells.ranges:
        text = cell_text(sheet.cell(area.min_row, area.min_col).value)
        if text:
            values.update(dict.fromkeys(area.cells, text))
    return values


def cell_text(value: object) -> str:
    """Return a cell's value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
