"""From a table of texts to stations: every cell checked, every fault with its place and reason."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.hours import is_readable
from locator.register.coordinates import PAIR_FIELD, parse_degrees, parse_pair
from locator.register.hours_text import normalise_hours
from locator.register.mapping import STATION_FIELDS, Mapping, field_cells, rename_columns
from locator.register.tables import AS_REJECTED, OUR_COLUMNS_PREFIX, Row, Table, row_digest
from locator.schema import (
    CRS,
    STATION_COLUMNS,
    Column,
    Datum,
    LabelledEnum,
    Platform,
    Provenance,
    join_set,
)

__all__ = ["Fault", "RegisterRead", "RejectedRow", "parse_position", "parse_table"]

Value = str | int | None

_MAX_ID = 80
_NOWHERE = "0, 0 is not a place; leave out the row"
_MAX_NAME = 200
_MAX_TEXT = 2000
_SEPARATORS = re.compile(r"[;；、,，|]")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")


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
    """What a file holds.

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
    """Check a table row by row and make stations of the good rows.

    Parameters
    ----------
    table
        What :func:`locator.register.read_table` returned.
    datum
        The datum of the file's coordinates, as its sender states it.
    mapping
        For a file whose columns are not ours.
    provenance
        Written into every row that does not say itself.

    Raises
    ------
    RegisterError
        A required column is missing, or the mapping does not fit the file.
    """
    mapping = mapping or Mapping()
    columns, unread = rename_columns(table, mapping, STATION_FIELDS)
    required = [*(c.name for c in STATION_COLUMNS if c.required), "lon", "lat"]
    given = {*columns, *mapping.fill, *(("lon", "lat") if PAIR_FIELD in columns else ())}
    missing = [name for name in required if name not in given]
    if missing:
        raise RegisterError(
            f"{table.source} has no column for {', '.join(missing)}; it has "
            f"{', '.join(h for h in table.header if h)}. Rename a column, name it with --map, "
            "or fill it with --set."
        )
    parser = _RowParser(columns)
    records, numbers, rejected = [], [], []
    for row in table.rows:
        record, faults = parser.parse(row, field_cells(row, columns, mapping))
        mark = row.cells.get(AS_REJECTED)
        if not faults and mark is not None and mark == row_digest(row):
            reasons = row.cells.get(f"{OUR_COLUMNS_PREFIX}reasons", "")
            faults = [Fault(row.number, AS_REJECTED, "", f"is as it was rejected: {reasons}")]
        if faults:
            rejected.append(RejectedRow(row, tuple(faults)))
        else:
            records.append(record)
            numbers.append(row.number)
    names = [c.name for c in STATION_COLUMNS if c.name in columns or c.name in mapping.fill]
    return RegisterRead(
        stations=_to_frame(records, names, datum, provenance),
        rejected=tuple(rejected),
        warnings=tuple(parser.warnings),
        unread_columns=unread,
        header=table.header,
        row_numbers=tuple(numbers),
    )


class _RowParser:
    """Parses rows one after the other; it must remember the ids it has seen."""

    def __init__(self, columns: dict[str, str]) -> None:
        self._columns = columns
        self._seen: dict[str, int] = {}
        self.warnings: list[Fault] = []

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
        lonlat, bad = parse_position(row, cells, self._columns)
        record |= lonlat
        faults += bad
        if not faults:
            self._seen[str(record["id"])] = row.number
        return record, faults

    def _parse_cell(self, row: Row, column: Column, text: str | None) -> Value:
        if text is None:
            if column.required:
                raise ValueError("is empty; it is required")
            return None
        if column.name == "id":
            return self._parse_id(text)
        if column.name == "platforms":
            return _parse_platforms(text)
        value = _PARSERS[column.dtype](text, column)
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
        self.warnings.append(Fault(row.number, column, text, reason))
        return " ".join(text.split()) if certain is None else certain

    def _parse_id(self, text: str) -> str:
        if len(text) > _MAX_ID:
            raise ValueError(f"is longer than {_MAX_ID} characters")
        value = _parse_text(text, None)
        if value in self._seen:
            raise ValueError(f"stands already in row {self._seen[value]}")
        return value

    def _fault(self, row: Row, name: str, cells: dict[str, str], reason: str) -> Fault:
        return Fault(row.number, self._columns.get(name, name), cells.get(name, ""), reason)


def parse_position(
    row: Row, cells: dict[str, str], columns: dict[str, str]
) -> tuple[dict[str, float], list[Fault]]:
    """Read a row's longitude and latitude, from two cells or from one that holds both."""
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
        read(PAIR_FIELD, lambda: dict(zip(("lon", "lat"), parse_pair(pair, header), strict=True)))
        zero = PAIR_FIELD
    else:
        read("lon", lambda: {"lon": parse_degrees(cells.get("lon"), 180.0)})
        read("lat", lambda: {"lat": parse_degrees(cells.get("lat"), 90.0)})
        zero = "lon"
    if lonlat == {"lon": 0.0, "lat": 0.0}:
        faults.append(Fault(row.number, columns.get(zero, zero), "0", _NOWHERE))
    return lonlat, faults


def _parse_text(text: str, column: Column | None) -> str:
    del column
    value = " ".join(text.split())
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in value):
        raise ValueError("has control characters; type it anew")
    if len(value) > _MAX_TEXT:
        raise ValueError(f"is longer than {_MAX_TEXT} characters")
    return value


def _parse_enum(text: str, column: Column) -> str:
    return _choices(column).parse(text).value


def _choices(column: Column) -> type[LabelledEnum]:
    if column.choices is None:
        raise TypeError(f"the column {column.name} has no choices")
    return column.choices


def _members(text: str) -> Iterable[str]:
    return (part.strip() for part in _SEPARATORS.split(text) if part.strip())


def _parse_set(text: str, column: Column) -> str:
    choices = _choices(column)
    members = []
    for part in _members(text):
        try:
            members.append(choices.parse(part).value)
        except ValueError as error:
            raise ValueError(f"{part!r} {error}") from error
    return join_set(members, choices)


def _parse_platforms(text: str) -> str:
    members = []
    for part in _members(_parse_text(text, None)):
        try:
            members.append(Platform.parse(part).value)
        except ValueError:
            members.append(part.casefold())
    return join_set(members)


def _parse_integer(text: str, column: Column) -> int:
    del column
    plain = unicodedata.normalize("NFKC", text).replace(",", "")
    if not plain.isdecimal() or len(plain) > 9:
        raise ValueError("must be a whole number, 0 or more")
    return int(plain)


def _parse_date(text: str, column: Column) -> str:
    del column
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text))
    try:
        year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise ValueError("must be a date like 2026-11-23") from error


_PARSERS: dict[str, Callable[[str, Column], Value]] = {
    "text": _parse_text,
    "enum": _parse_enum,
    "set": _parse_set,
    "integer": _parse_integer,
    "date": _parse_date,
    "datetime": _parse_text,
}


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
    geometry = shapely.points(np.round(wgs_lon, 9), np.round(wgs_lat, 9))
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)
