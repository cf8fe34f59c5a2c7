"""Excel workbooks as lines of texts: merged cells filled, bombs refused before they open."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import openpyxl
from openpyxl import Workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from locator.errors import RegisterError

__all__ = ["cell_text", "read_sheet"]

_MAX_UNPACKED = 400_000_000
_MERGES_UP_TO = 40_000_000  # past that a sheet is read as a stream, which knows no merged cells
_MAX_RATIO = 200


def read_sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each line of a workbook's first sheet; formulas as last computed.

    Raises
    ------
    RegisterError
        It is no workbook, or would unpack to more than is read.
    """
    unpacked = _check_archive(path)
    streamed = unpacked > _MERGES_UP_TO
    # Opened here, because openpyxl leaves a file open when it cannot read it.
    with path.open("rb") as stream:
        try:
            book = openpyxl.load_workbook(stream, read_only=streamed, data_only=True)
        except (
            InvalidFileException,
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            SyntaxError,
        ) as error:
            raise RegisterError(
                f"{path.name} is not an Excel workbook; open it in Excel and save it as .xlsx."
            ) from error
        try:
            yield from _read_lines(book, path, streamed=streamed)
        finally:
            book.close()


def _read_lines(book: Workbook, path: Path, *, streamed: bool) -> Iterator[tuple[int, list[str]]]:
    if not book.worksheets:
        raise RegisterError(f"{path.name} has no sheet.")
    sheet = book.worksheets[0]
    merged = {} if streamed else _merged_values(sheet)
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = [cell_text(value) for value in values]
        for column in range(len(texts)):
            texts[column] = texts[column] or merged.get((number, column + 1), "")
        yield number, texts


def _check_archive(path: Path) -> int:
    """Return how much a workbook unpacks to, having looked only at its table of contents."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(item.file_size, item.compress_size) for item in archive.infolist()]
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


def _merged_values(sheet: Worksheet) -> dict[tuple[int, int], str]:
    """Return what a merged cell says for every place it covers."""
    values = {}
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
