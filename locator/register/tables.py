"""A register file as a plain table of texts: CSV, XLSX or GeoJSON, nothing interpreted yet."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from locator.errors import RegisterError

__all__ = [
    "FEATURE_ID",
    "FEATURE_POSITION",
    "OUR_COLUMNS_PREFIX",
    "READABLE",
    "Row",
    "Table",
    "read_table",
]

OUR_COLUMNS_PREFIX = "#"  # columns that a file of rejected rows carries for the person mending it
FEATURE_ID = "@id"  # what GeoJSON says beside a feature's properties
FEATURE_POSITION = ("@lon", "@lat")
_MAX_BYTES = 50_000_000
_FORMULA_STARTS = "=+-@"


@dataclass(frozen=True)
class Row:
    """One row: its number as a person sees it in the file, and its cells by header."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A file's header and rows; empty cells are left out of a row."""

    source: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Read a file by its ending.

    Raises
    ------
    RegisterError
        The file is missing, too large, of another kind, damaged, or has no header or rows.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RegisterError(
            f"{path.name}: this ending is not known; save it as one of {', '.join(READABLE)}."
        )
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise RegisterError(
                f"{path.name} has {size / 1e6:.0f} MB; more than {_MAX_BYTES // 1_000_000} MB "
                "is not read in one piece: divide it."
            )
        header, rows = reader(path)
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not rows:
        raise RegisterError(f"{path.name} has no rows below its header.")
    return Table(path.name, tuple(header), tuple(rows))


def _read_csv(path: Path) -> tuple[list[str], list[Row]]:
    text = _decode(path)
    if "\0" in text:
        raise RegisterError(f"{path.name} has NUL bytes; it is not a CSV file.")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        header = _check_header(path, next(reader, []))
        rows = []
        start = reader.line_num + 1
        for values in reader:
            cells = _cells(header, [_unguard(value) for value in values])
            if cells:
                if len(values) > len(header):
                    raise RegisterError(
                        f"{path.name}, row {start}: {len(values)} cells for {len(header)} columns; "
                        "is a comma missing its quotes?"
                    )
                rows.append(Row(start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise RegisterError(f"{path.name}, line {reader.line_num}: {error}.") from error
    return header, rows


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    encodings = ("utf-16",) if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RegisterError(
        f"{path.name} is neither UTF-8 nor GB18030 text; save it as 'CSV UTF-8' in Excel."
    )


def _unguard(value: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a text as a formula."""
    guarded = len(value) > 1 and value[0] == "'" and value[1] in _FORMULA_STARTS
    return value[1:] if guarded else value


def _read_xlsx(path: Path) -> tuple[list[str], list[Row]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise RegisterError(
            f"{path.name} is not an Excel workbook; open it in Excel and save it as .xlsx."
        ) from error
    try:
        sheet = book.worksheets[0]
        lines = sheet.iter_rows(values_only=True)
        header = _check_header(path, [_text(value) for value in next(lines, ())])
        rows = []
        for number, values in enumerate(lines, start=2):
            cells = _cells(header, [_text(value) for value in values])
            if cells:
                rows.append(Row(number, cells))
    finally:
        book.close()
    return header, rows


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return ";".join(_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _read_geojson(path: Path) -> tuple[list[str], list[Row]]:
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RegisterError(f"{path.name} is not JSON: {error}.") from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise RegisterError(f"{path.name} is not a GeoJSON FeatureCollection.")
    header: dict[str, None] = {}
    rows = []
    for number, feature in enumerate(features, start=1):
        cells = dict(_feature_cells(feature)) if isinstance(feature, dict) else {}
        header.update(dict.fromkeys(cells))
        rows.append(Row(number, cells))
    return list(header), rows


def _feature_cells(feature: dict[str, object]) -> Iterator[tuple[str, str]]:
    properties = feature.get("properties")
    if feature.get("id") is not None:
        yield FEATURE_ID, _text(feature["id"])
    if isinstance(properties, dict):
        for name, value in properties.items():
            text = _text(value).strip()
            if text:
                yield str(name), text
    geometry = feature.get("geometry")
    if isinstance(geometry, dict):
        coordinates = geometry.get("coordinates")
        if geometry.get("type") == "Point" and isinstance(coordinates, list):
            yield from zip(FEATURE_POSITION, map(_text, coordinates), strict=False)
        else:
            yield FEATURE_POSITION[0], f"({geometry.get('type')})"


def _check_header(path: Path, names: Sequence[str]) -> list[str]:
    header = [name.strip() for name in names]
    while header and not header[-1]:
        header.pop()
    if not any(header):
        raise RegisterError(f"{path.name} has no header in its first row.")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise RegisterError(
            f"{path.name}: the column {min(twice)!r} stands twice in the header; rename one."
        )
    return header


def _cells(header: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    pairs = zip(header, values, strict=False)
    return {name: value.strip() for name, value in pairs if name and value.strip()}


_READERS: dict[str, Callable[[Path], tuple[list[str], list[Row]]]] = {
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
}
READABLE = tuple(_READERS)
