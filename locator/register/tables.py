"""A register file as a plain table of texts, nothing interpreted yet."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from locator.errors import RegisterError
from locator.register.grid import Row, find_rows
from locator.register.layers import FEATURE_ID, FEATURE_POSITION, read_layer
from locator.register.sheets import cell_text, read_sheet
from locator.schema import STATION_COLUMNS

__all__ = [
    "AS_REJECTED",
    "FEATURE_ID",
    "FEATURE_POSITION",
    "OUR_COLUMNS_PREFIX",
    "READABLE",
    "Row",
    "Table",
    "read_table",
    "row_digest",
]

OUR_COLUMNS_PREFIX = "#"  # columns that a file of rejected rows carries for the person mending it
AS_REJECTED = f"{OUR_COLUMNS_PREFIX}as-rejected"
_MAX_BYTES = 100_000_000
_FORMULA_STARTS = "=+-@"
_MAX_CELL = 100_000
# Names by which a header is known among titles and notes; mappings add their own.
_KNOWN = frozenset(
    name.casefold() for column in STATION_COLUMNS for name in (column.name, column.zh)
) | {"lon", "lat", "经度", "纬度", "坐标", "经纬度"}


@dataclass(frozen=True)
class Table:
    """A file's header and rows; empty cells are left out of a row."""

    source: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, *, columns: frozenset[str] = frozenset()) -> Table:
    """Read a file by its ending.

    Parameters
    ----------
    columns
        The file's own names of columns that a mapping uses, by which its header is found.

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
    known = _KNOWN | {name.casefold() for name in columns}
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise RegisterError(
                f"{path.name} has {size / 1e6:.0f} MB; more than {_MAX_BYTES // 1_000_000} MB "
                "is not read in one piece: divide it."
            )
        header, rows = reader(path, known)
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not rows:
        raise RegisterError(f"{path.name} has no rows below its header.")
    return Table(path.name, tuple(header), tuple(rows))


def row_digest(row: Row) -> str:
    """Return a short digest of a row's cells, ours left out, by which a mended row is known."""
    cells = sorted((k, v) for k, v in row.cells.items() if not k.startswith(OUR_COLUMNS_PREFIX))
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]


def _read_csv(path: Path, known: frozenset[str]) -> tuple[list[str], list[Row]]:
    text = _decode(path)
    if "\0" in text:
        raise RegisterError(f"{path.name} has NUL bytes; it is not a CSV file.")
    sample = text[:4096]
    delimiter = max(",;\t", key=sample.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)

    def lines() -> Iterator[tuple[int, list[str]]]:
        start = 1
        for values in reader:
            yield start, [_unguard(value) for value in values]
            start = reader.line_num + 1

    try:
        return find_rows(lines(), known, path.name)
    except csv.Error as error:
        raise RegisterError(f"{path.name}, line {reader.line_num}: {error}.") from error


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


def _read_geojson(path: Path, known: frozenset[str]) -> tuple[list[str], list[Row]]:
    del known
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
        yield FEATURE_ID, _json_text(feature["id"])
    if isinstance(properties, dict):
        for name, value in properties.items():
            text = _json_text(value).strip()
            if text:
                yield str(name), text
    geometry = feature.get("geometry")
    if isinstance(geometry, dict):
        coordinates = geometry.get("coordinates")
        if geometry.get("type") == "Point" and isinstance(coordinates, list):
            yield from zip(FEATURE_POSITION, map(_json_text, coordinates), strict=False)
        else:
            yield FEATURE_POSITION[0], f"({geometry.get('type')})"


def _json_text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ";".join(_json_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return cell_text(value)


def _read_xlsx(path: Path, known: frozenset[str]) -> tuple[list[str], list[Row]]:
    return find_rows(read_sheet(path), known, path.name)


def _read_layer(path: Path, known: frozenset[str]) -> tuple[list[str], list[Row]]:
    del known
    return read_layer(path, [column.name for column in STATION_COLUMNS])


_READERS: dict[str, Callable[[Path, frozenset[str]], tuple[list[str], list[Row]]]] = {
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
    ".gpkg": _read_layer,
    ".shp": _read_layer,
    ".kml": _read_layer,
}
READABLE = tuple(_READERS)
