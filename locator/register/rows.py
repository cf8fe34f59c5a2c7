"""From a table of texts to stations: every cell checked, every fault with its place and reason."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.hours import is_readable
from locator.register.cells import Value, parse_cell, parse_text
from locator.register.coordinates import PAIR_FIELD, parse_coordinate, parse_pair
from locator.register.hours_text import normalise_hours
from locator.register.mapping import STATION_FIELDS, Mapping, field_cells, rename_columns
from locator.register.tables import AS_REJECTED, OUR_COLUMNS_PREFIX, Row, Table, row_digest
from locator.schema import (
    CRS,
    POSITION_DECIMALS,
    STATION_COLUMNS,
    Column,
    Datum,
    Provenance,
)

__all__ = [
    "PIECE_ROWS",
    "Fault",
    "RegisterRead",
    "RejectedRow",
    "parse_pieces",
    "parse_position",
    "parse_table",
]

PIECE_ROWS = 20_000
_MAX_ID = 80
_NOWHERE = "0, 0 is not a place; leave out the row"
_MAX_NAME = 200


@dataclass(frozen=True)
class Fault:
    """What is wrong or doubtful with one cell: the file's row and column, value and reason."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class RejectedRow:
    """A row that was not taken: as it stood in the file, with all its faults."""

    row: Row
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class RegisterRead:
    """What a file, or a piece of it, holds.

    Attributes
    ----------
    stations
        The valid rows in WGS-84, with the columns that the file has, and no others.
    rejected
        The rows that were not taken.
    warnings
        Cells that were taken with a doubt, such as hours that cannot be read.
    unread_columns
        Columns of the file that mean nothing to a register.
    header
        The file's header, for writing the rejected rows as they stood.
    row_numbers
        The file's row of each station, in the order of ``stations``.
    """

    stations: gpd.GeoDataFrame
    rejected: tuple[RejectedRow, ...]
    warnings: tuple[Fault, ...]
    unread_columns: tuple[str, ...]
    header: tuple[str, ...]
    row_numbers: tuple[int, ...]


def parse_table(
    table: Table,
    *,
    datum: Datum,
    mapping: Mapping | None = None,
    provenance: Provenance | None = None,
) -> RegisterRead:
    """Check a whole table and make stations of the good rows; see :func:`parse_pieces`."""
    pieces = parse_pieces(table, datum=datum, mapping=mapping, provenance=provenance, rows=None)
    return next(iter(pieces))


def parse_pieces(
    table: Table,
    *,
    datum: Datum,
    mapping: Mapping | None = None,
    provenance: Provenance | None = None,
    rows: int | None = PIECE_ROWS,
) -> Iterator[RegisterRead]:
    """Check a table row by row and yield what each piece of it holds.

    Parameters
    ----------
    table
        What :func:`locator.register.open_table` gave.
    datum
        The datum of the file's coordinates, as its sender states it.
    mapping
        For a file whose columns are not ours.
    provenance
        Written into every row that does not say itself.
    rows
        Rows in a piece; None is all of them in one.

    Raises
    ------
    RegisterError
        A required column is missing, or the mapping does not fit the file.
    """
    mapping = mapping or Mapping()
    columns, unread = rename_columns(table, mapping, STATION_FIELDS)
    _check_required(table, columns, mapping)
    names = [c.name for c in STATION_COLUMNS if c.name in columns or c.name in mapping.fill]
    with closing(_RowParser(columns, datum)) as parser:
        for piece in _cut(table.rows, rows):
            good, numbers, rejected = parser.parse_rows(piece, mapping)
            yield RegisterRead(
                stations=_to_frame(good, names, datum, provenance),
                rejected=tuple(rejected),
                warnings=parser.take_warnings(),
                unread_columns=unread,
                header=table.header,
                row_numbers=tuple(numbers),
            )


def _cut(rows: Iterable[Row], size: int | None) -> Iterator[Iterable[Row]]:
    if size is None:
        yield rows
        return
    stream = iter(rows)
    while piece := list(islice(stream, size)):
        yield piece


def _check_required(table: Table, columns: dict[str, str], mapping: Mapping) -> None:
    required = [*(c.name for c in STATION_COLUMNS if c.required), "lon", "lat"]
    given = {*columns, *mapping.fill, *(("lon", "lat") if PAIR_FIELD in columns else ())}
    missing = [name for name in required if name not in given]
    if missing:
        raise RegisterError(
            f"{table.source} has no column for {', '.join(missing)}; it has "
            f"{', '.join(h for h in table.header if h)}. Rename a column, name it with --map, "
            "or fill it with --set."
        )


class _SeenIds:
    """Ids and the rows they stood in, in a temporary file: a million need no memory."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID")

    def row_of(self, station: str) -> int | None:
        found = self._db.execute("SELECT number FROM seen WHERE id = ?", (station,)).fetchone()
        return None if found is None else int(found[0])

    def add(self, station: str, number: int) -> None:
        self._db.execute("INSERT INTO seen VALUES (?, ?)", (station, number))

    def close(self) -> None:
        self._db.close()


class _RowParser:
    """Parses rows one after the other; it must remember the ids it has seen."""

    def __init__(self, columns: dict[str, str], datum: Datum) -> None:
        self._columns, self._datum = columns, datum
        self._seen = _SeenIds()
        self._warnings: list[Fault] = []

    def close(self) -> None:
        self._seen.close()

    def take_warnings(self) -> tuple[Fault, ...]:
        taken, self._warnings = tuple(self._warnings), []
        return taken

    def parse_rows(
        self, rows: Iterable[Row], mapping: Mapping
    ) -> tuple[list[dict[str, Value | float]], list[int], list[RejectedRow]]:
        good, numbers, rejected = [], [], []
        for row in rows:
            record, faults = self.parse(row, field_cells(row, self._columns, mapping))
            mark = row.cells.get(AS_REJECTED)
            if not faults and mark is not None and mark == row_digest(row):
                reasons = row.cells.get(f"{OUR_COLUMNS_PREFIX}reasons", "")
                faults = [Fault(row.number, AS_REJECTED, "", f"is as it was rejected: {reasons}")]
            if faults:
                rejected.append(RejectedRow(row, tuple(faults)))
            else:
                good.append(record)
                numbers.append(row.number)
        return good, numbers, rejected

    def parse(
        self, row: Row, cells: dict[str, str]
    ) -> tuple[dict[str, Value | float], list[Fault]]:
        record: dict[str, Value | float] = {}
        faults = []
        for column in STATION_COLUMNS:
            try:
                record[column.name] = self._parse_cell(row, column, cells.get(column.name))
            except ValueError as error:
                faults.append(self._fault(row, column.name, cells, str(error)))
        lonlat, bad = parse_position(row, cells, self._columns, self._datum)
        record |= lonlat
        faults += bad
        if not faults:
            self._seen.add(str(record["id"]), row.number)
        return record, faults

    def _parse_cell(self, row: Row, column: Column, text: str | None) -> Value:
        if text is None:
            if column.required:
                raise ValueError("is empty; it is required")
            return None
        if column.name == "id":
            return self._parse_id(text)
        value = parse_cell(text, column)
        if column.name == "name" and len(text) > _MAX_NAME:
            raise ValueError(f"is longer than {_MAX_NAME} characters")
        if column.name == "opening_hours" and not is_readable(str(value)):
            value = self._read_hours(row, text)
        return value

    def _read_hours(self, row: Row, text: str) -> str:
        """Return hours that people wrote in OpenStreetMap's syntax, or as they are if in doubt."""
        certain = normalise_hours(text)
        reason = (
            f"was read as {certain!r}"
            if certain is not None
            else "is not certain to read: kept as it is, shown as hours unknown"
        )
        column = self._columns.get("opening_hours", "opening_hours")
        self._warnings.append(Fault(row.number, column, text, reason))
        return " ".join(text.split()) if certain is None else certain

    def _parse_id(self, text: str) -> str:
        if len(text) > _MAX_ID:
            raise ValueError(f"is longer than {_MAX_ID} characters")
        value = parse_text(text)
        if value.startswith("cells/") or not {"", ".", ".."}.isdisjoint(value.split("/")):
            raise ValueError(
                "cannot be the address of a page: leave out '.', '..' and '/' at its ends, "
                "'//', and 'cells/' at its start"
            )
        before = self._seen.row_of(value)
        if before is not None:
            raise ValueError(f"stands already in row {before}")
        return value

    def _fault(self, row: Row, name: str, cells: dict[str, str], reason: str) -> Fault:
        return Fault(row.number, self._columns.get(name, name), cells.get(name, ""), reason)


def parse_position(
    row: Row, cells: dict[str, str], columns: dict[str, str], datum: Datum
) -> tuple[dict[str, float], list[Fault]]:
    """Read a row's position in its datum's unit, from two cells or from one that holds both."""
    lonlat: dict[str, float] = {}
    faults = []

    def read(name: str, action: Callable[[], dict[str, float]]) -> None:
        try:
            lonlat.update(action())
        except ValueError as error:
            column = columns.get(name, name)
            faults.append(Fault(row.number, column, cells.get(name, ""), str(error)))

    if PAIR_FIELD in cells and not {"lon", "lat"} & set(cells):
        header = columns.get(PAIR_FIELD, "")
        pair = cells[PAIR_FIELD]
        read(
            PAIR_FIELD,
            lambda: dict(zip(("lon", "lat"), parse_pair(pair, header, datum), strict=True)),
        )
        zero = PAIR_FIELD
    else:
        read("lon", lambda: {"lon": parse_coordinate(cells.get("lon"), "lon", datum)})
        read("lat", lambda: {"lat": parse_coordinate(cells.get("lat"), "lat", datum)})
        zero = "lon"
    if lonlat == {"lon": 0.0, "lat": 0.0}:
        faults.append(Fault(row.number, columns.get(zero, zero), "0", _NOWHERE))
    return lonlat, faults


def _to_frame(
    records: list[dict[str, Value | float]],
    names: list[str],
    datum: Datum,
    provenance: Provenance | None,
) -> gpd.GeoDataFrame:
    data = pd.DataFrame(
        {name: pd.Series([r[name] for r in records], dtype=object) for name in names}
    )
    lon, lat = (np.array([r[axis] for r in records], dtype=np.float64) for axis in ("lon", "lat"))
    wgs_lon, wgs_lat = to_wgs84(lon, lat, datum)
    if provenance is not None:
        given = data["provenance"] if "provenance" in data else pd.Series([None] * len(data))
        data["provenance"] = [provenance.value if v is None else v for v in given]
    # A file of our own is WGS-84 already and says what its rows arrived in: that is kept.
    arrived = data["source_datum"] if "source_datum" in data else pd.Series([None] * len(data))
    keep = datum is Datum.WGS84
    data["source_datum"] = [v if keep and v is not None else datum.value for v in arrived]
    # As many as files hold, so that a register that went out comes back the same.
    geometry = shapely.points(*(np.round(axis, POSITION_DECIMALS) for axis in (wgs_lon, wgs_lat)))
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)
