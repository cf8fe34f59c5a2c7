"""A register file as a plain table of texts, nothing interpreted yet."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pyproj import CRS

from locator.errors import RegisterError
from locator.files.encoding import check_encoding, encoding_of_file
from locator.files.geojson import features_of, load_json
from locator.files.projection import in_degrees, to_degrees
from locator.register.grid import (
    LOOKED_AT,
    Line,
    Row,
    check_columns,
    find_rows,
    number_columns,
    rate_header,
)
from locator.register.layers import (
    FEATURE_ID,
    FEATURE_POSITION,
    as_register_error,
    open_layer,
)
from locator.register.projected import Projection
from locator.register.sheets import cell_text, read_sheet, sheet_heads
from locator.schema import LAYERS

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


OUR_COLUMNS_PREFIX = "#"  # columns that a file of rejected rows carries for the person mending it
AS_REJECTED = f"{OUR_COLUMNS_PREFIX}as-rejected"
_MAX_BYTES = 2_000_000_000
_MAX_WHOLE_BYTES = 100_000_000  # of a file that is not read in pieces
_SAMPLE = 1 << 16
_DELIMITERS = ",;\t"
_PIECE = 1 << 20
_FORMULA_STARTS = "=+-@"
# Names by which a header is known among titles and notes; mappings add their own.
_POSITION = "lon lat 经度 纬度 坐标 经纬度 lng longitude latitude 經度 緯度"


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read, where it does not show it or shows it wrong.

    Attributes
    ----------
    encoding
        Of its text; None decides it on the text.
    sheet
        Of a workbook, by name or number from 1; None takes the first that holds a table.
    header
        Whether the first lines name the columns; else they are called 1, 2, 3 …
    crs
        The projection of its coordinates; None is what the file declares, else degrees.
    """

    encoding: str | None = None
    sheet: str | None = None
    header: bool = True
    crs: Projection | None = None


AS_IT_IS = ReadOptions()


@dataclass(frozen=True)
class Table:
    """A file's header and rows; empty cells are left out of a row.

    Attributes
    ----------
    rows
        All of them from :func:`read_table`; from :func:`open_table` they can be gone through once.
    share_read
        Tells how much of the file has been gone through, 0 to 1.
    crs
        The projection that its coordinates are still in; None is degrees, or a datum's metres.
    """

    source: str
    header: tuple[str, ...]
    rows: Iterable[Row]
    share_read: Callable[[], float] = lambda: 1.0
    crs: Projection | None = None


def read_table(
    path: Path, *, columns: frozenset[str] = frozenset(), options: ReadOptions = AS_IT_IS
) -> Table:
    """Read a file whole; see :func:`open_table`."""
    with open_table(path, columns=columns, options=options) as table:
        return replace(table, rows=tuple(table.rows), share_read=lambda: 1.0)


@contextmanager
def open_table(
    path: Path, *, columns: frozenset[str] = frozenset(), options: ReadOptions = AS_IT_IS
) -> Iterator[Table]:
    """Open a file by its ending; CSV, XLSX and GDAL's layers are read as rows are asked for.

    Parameters
    ----------
    columns
        The file's own names of columns that a mapping uses, by which its header is found.

    Raises
    ------
    RegisterError
        The file is missing, too large, of another kind, damaged, or has no header or rows; what
        is damaged further down is found when it is reached.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RegisterError(
            f"{path.name}: this ending is not known; save it as one of {', '.join(READABLE)}."
        )
    try:
        check_size(path, _MAX_WHOLE_BYTES if reader is _open_geojson else _MAX_BYTES)
        with reader(path, known_names(columns), options) as table:
            rows = iter(table.rows)
            first = next(rows, None)
            if first is None:
                raise RegisterError(f"{path.name} has no rows below its header.")
            yield replace(table, rows=chain([first], rows))
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error


def known_names(columns: frozenset[str]) -> frozenset[str]:
    """Return the names by which a header is known, in lower case: ours and a mapping's."""
    ours = (name for c in LAYERS["stations"].columns for name in (c.name, c.zh))
    return frozenset(name.casefold() for name in (*ours, *_POSITION.split(), *columns))


def check_size(path: Path, limit: int) -> None:
    """Refuse a file of more bytes than a limit."""
    size = path.stat().st_size
    if size > limit:
        raise RegisterError(
            f"{path.name} has {size / 1e6:,.0f} MB; more than {limit // 1_000_000:,} MB of "
            f"{path.suffix} is not read: divide it, or save it as CSV or GeoPackage."
        )


def row_digest(row: Row) -> str:
    """Return a short digest of a row's cells, ours left out, by which a mended row is known."""
    cells = sorted((k, v) for k, v in row.cells.items() if not k.startswith(OUR_COLUMNS_PREFIX))
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class CsvLines:
    """A CSV file being read.

    Attributes
    ----------
    lines
        Its lines' cells as they stand, with the number of the line each starts in.
    text, delimiter
        What has not been taken yet, for who wants to read on faster; what parts the cells.
    lines_taken
        Tells how many lines of text have been taken.
    share_read
        Tells how much of the file has been gone through, 0 to 1.
    """

    lines: Iterator[Line]
    text: TextIO
    delimiter: str
    lines_taken: Callable[[], int]
    share_read: Callable[[], float]


@contextmanager
def open_csv_lines(
    path: Path, known: frozenset[str], options: ReadOptions = AS_IT_IS
) -> Iterator[CsvLines]:
    """Open a CSV file, its encoding and delimiter found."""
    size = max(path.stat().st_size, 1)
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding=_find_encoding(path, options), newline="") as text,
        _decoded(path),
    ):
        sample = text.read(_SAMPLE)
        text.seek(0)
        delimiter = _find_delimiter(sample, known)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        yield CsvLines(
            numbered_lines(reader, path.name),
            text,
            delimiter,
            lambda: reader.line_num,
            lambda: min(raw.tell() / size, 1.0),
        )


def numbered_lines(reader: "CsvReader", source: str, *, before: int = 0) -> Iterator[Line]:
    """Yield the cells of each line of a CSV with its number, ``before`` lines having gone before.

    Raises
    ------
    RegisterError
        A quote is never closed, or something follows one.
    """
    start = 1
    try:
        for values in reader:
            yield before + start, values
            start = reader.line_num + 1
    except csv.Error as error:
        raise RegisterError(f"{source}, line {before + reader.line_num}: {error}.") from error


@contextmanager
def _open_csv(path: Path, known: frozenset[str], options: ReadOptions) -> Iterator[Table]:
    with open_csv_lines(path, known, options) as csv_file:
        plain = ((n, [unguard(value) for value in values]) for n, values in csv_file.lines)
        header, rows = _rows_of(plain, known, path, options)
        yield Table(path.name, tuple(header), rows, csv_file.share_read, options.crs)


@contextmanager
def _decoded(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:  # only of an encoding that somebody named
        raise RegisterError(
            f"{path.name} is not text in {error.encoding}; leave --encoding out, or name another."
        ) from error


def _rows_of(
    lines: Iterable[Line], known: frozenset[str], path: Path, options: ReadOptions
) -> tuple[list[str], Iterator[Row]]:
    find = find_rows if options.header else number_columns
    return find(lines, known, path.name)


def _find_delimiter(sample: str, known: frozenset[str]) -> str:
    """Return what parts the header's names: further down, lists and hours hold delimiters too."""

    def lines(delimiter: str) -> Iterator[tuple[int, list[str]]]:
        with suppress(csv.Error):  # read with another delimiter, or cut off where the sample ends
            yield from enumerate(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))

    return max(_DELIMITERS, key=lambda delimiter: rate_header(lines(delimiter), known))


def _find_encoding(path: Path, options: ReadOptions) -> str:
    """Return the encoding that the whole file is in, having gone through it in pieces."""
    with as_register_error():
        if options.encoding is not None:
            return check_encoding(options.encoding)
        return encoding_of_file(path)


def unguard(value: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a text as a formula."""
    guarded = len(value) > 1 and value[0] == "'" and value[1] in _FORMULA_STARTS
    return value[1:] if guarded else value


@contextmanager
def _open_geojson(path: Path, known: frozenset[str], options: ReadOptions) -> Iterator[Table]:
    del known
    with as_register_error():
        document = load_json(path)
        if isinstance(document, list) and document and all(map(_is_feature, document)):
            document = {"features": document}  # the bare array that some programs write
        if isinstance(document, list) and all(isinstance(item, dict) for item in document):
            yield _table_of_objects(document, path, options)
            return
        features, crs = features_of(
            document, path.name, stated=options.crs.crs if options.crs else None
        )
    header: dict[str, None] = {}
    rows = []
    for number, feature in enumerate(features, start=1):
        cells = dict(_feature_cells(feature, crs))
        header.update(dict.fromkeys(cells))
        check_columns(len(header), path.name)
        rows.append(Row(number, cells))
    yield Table(path.name, tuple(header), rows)


def _feature_cells(feature: dict[str, object], crs: CRS | None) -> Iterator[tuple[str, str]]:
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
            yield from zip(FEATURE_POSITION, _position(coordinates, crs), strict=False)
        else:
            yield FEATURE_POSITION[0], f"({geometry.get('type')})"


def _position(coordinates: list[object], crs: CRS | None) -> Iterable[str]:
    """Return a point's coordinates as texts, in degrees if it says it is projected."""
    numbers = [c for c in coordinates[:2] if isinstance(c, (int, float))]
    if in_degrees(crs) or len(numbers) < 2:
        return map(_json_text, coordinates)
    return [repr(float(axis)) for axis in to_degrees(numbers[0], numbers[1], crs)]


def _json_text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ";".join(_json_text(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return cell_text(value)


def _is_feature(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "Feature"


def _table_of_objects(items: list[dict[str, object]], path: Path, options: ReadOptions) -> Table:
    """Return an array of objects as a table: a row each, a column a name."""
    rows = []
    header: dict[str, None] = {}
    for number, item in enumerate(items, start=1):
        texts = {str(name): _json_text(value).strip() for name, value in item.items()}
        cells = {name: text for name, text in texts.items() if text}
        header.update(dict.fromkeys(cells))
        rows.append(Row(number, cells))
    return Table(path.name, tuple(header), rows, crs=options.crs)


@contextmanager
def _open_xlsx(path: Path, known: frozenset[str], options: ReadOptions) -> Iterator[Table]:
    name = options.sheet or _sheet_with_a_table(path, known)
    with closing(read_sheet(path, name)) as lines:
        header, rows = _rows_of(lines, known, path, options)
        yield Table(path.name, tuple(header), rows, crs=options.crs)


def _sheet_with_a_table(path: Path, known: frozenset[str]) -> str | None:
    """Return the first sheet whose header has names we know, if it is not the first of all.

    Raises
    ------
    RegisterError
        Several of the others look like a table, and the first does not.
    """
    heads = sheet_heads(path, LOOKED_AT)
    marks = [(rate_header(lines, known)[0], name) for name, lines in heads]
    first, *others = marks or [(0, "")]
    if first[0] >= 2 or not others:
        return None
    good = [name for mark, name in others if mark >= 2]
    if len(good) > 1:
        raise RegisterError(
            f"{path.name} has tables on the sheets {', '.join(good)}; say which with --sheet."
        )
    return good[0] if good else None


@contextmanager
def _open_layer(path: Path, known: frozenset[str], options: ReadOptions) -> Iterator[Table]:
    del known
    names = LAYERS["stations"].column_names
    crs = options.crs.crs if options.crs else None
    with open_layer(path, names, encoding=options.encoding, crs=crs) as layer:
        rows_read = 0

        def counted() -> Iterator[Row]:
            nonlocal rows_read
            for row in layer.rows:
                rows_read += 1
                yield row

        count = max(layer.count, 1)
        yield Table(path.name, tuple(layer.header), counted(), lambda: min(rows_read / count, 1.0))


_Reader = Callable[[Path, frozenset[str], ReadOptions], AbstractContextManager[Table]]
_READERS: dict[str, _Reader] = {
    ".csv": _open_csv,
    ".txt": _open_csv,
    ".tsv": _open_csv,
    ".xlsx": _open_xlsx,
    ".geojson": _open_geojson,
    ".json": _open_geojson,
    ".gpkg": _open_layer,
    ".shp": _open_layer,
    ".kml": _open_layer,
}
READABLE = tuple(_READERS)
