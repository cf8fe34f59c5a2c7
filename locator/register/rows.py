"""From a table of texts to stations: every cell checked, every fault with its place and reason."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.hours import is_readable
from locator.register.coordinates import (
    AXES,
    PAIR_FIELD,
    parse_coordinate,
    parse_pair,
    parse_projected,
    split_pair,
)
from locator.register.grid import Row
from locator.register.hours_text import normalise_hours
from locator.register.hours_warnings import hours_warnings
from locator.register.mapping import (
    Mapping,
    field_cells,
    rename_columns,
    station_fields,
)
from locator.register.numbering import Numbering
from locator.register.projected import Projection
from locator.register.tables import AS_REJECTED, OUR_COLUMNS_PREFIX, Table, row_digest
from locator.schema import (
    CRS,
    LAYERS,
    POSITION_DECIMALS,
    SEPARATORS,
    Column,
    Datum,
    Hours,
    LabelledEnum,
    Provenance,
    Text,
    Value,
    is_shortened,
)

PIECE_ROWS = 20_000
_NOWHERE = "0, 0 is not a place; leave out the row"
_WORDS_LOOKED_AT = 1_000  # rows in which one word of ours shows what a column means
_NO_KIND = "; if the column means something else, say --set kind=rest_post, or another of these"
_MAX_SHOWN = 200  # characters of a value that is wrong
_MAX_UNPLACED = 2_000  # rejected positions that are kept, to say what unit they may be in
_SHORTENED = "is a number that Excel has shortened; left out, type it again as text"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE_OF_EXCEL = re.compile(
    rf"{_MONTH}[-/ ]\d{{1,2}}|\d{{1,2}}[-/ ]{_MONTH}|\d{{4}}-\d\d-\d\d|\d{{1,2}}月\d{{1,2}}日?",
    re.IGNORECASE,
)


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
    unplaced
        Both coordinates of rejected rows, as numbers, where they are two and no position.
    """

    stations: gpd.GeoDataFrame
    rejected: tuple[RejectedRow, ...]
    warnings: tuple[Fault, ...]
    unread_columns: tuple[str, ...]
    header: tuple[str, ...]
    row_numbers: tuple[int, ...]
    unplaced: tuple[tuple[float, float], ...] = ()


def parse_table(
    table: Table,
    *,
    datum: Datum,
    mapping: Mapping | None = None,
    provenance: Provenance | None = None,
    numbering: Numbering | None = None,
) -> RegisterRead:
    """Check a whole table and make stations of the good rows; see :func:`parse_pieces`."""
    pieces = parse_pieces(
        table, datum=datum, mapping=mapping, provenance=provenance, numbering=numbering, rows=None
    )
    return next(iter(pieces))


def parse_pieces(
    table: Table,
    *,
    datum: Datum,
    mapping: Mapping | None = None,
    provenance: Provenance | None = None,
    numbering: Numbering | None = None,
    stored: Callable[[list[str]], gpd.GeoDataFrame] | None = None,
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
    numbering
        Gives ids to rows that have none.
    stored
        Gives the stored stations of some ids: where the file has no column for something that is
        required, a row of a stored id keeps what is stored.
    rows
        Rows in a piece; None is all of them in one.

    Raises
    ------
    RegisterError
        A required column is missing, or the mapping does not fit the file.
    """
    mapping = mapping or Mapping()
    columns, unread = rename_columns(table, mapping, station_fields())
    doubted = _doubted(columns, mapping)
    head, table = _look_ahead(table)
    foreign = {columns.pop(name) for name in doubted if not _is_ours(name, columns[name], head)}
    unread = tuple(h for h in table.header if h in foreign or h in unread)
    lacking = _lacking(columns, mapping, numbered=numbering is not None)
    if lacking and (stored is None or "id" not in columns):
        raise _missing_columns(table, lacking)
    given = {*columns, *mapping.fill, *lacking, *(("id",) if numbering else ())}
    names = [c.name for c in LAYERS["stations"].columns if c.name in given]
    ask = stored if lacking else None
    unsure = "kind" not in mapping.fill and _is_guessed("kind", columns, mapping)
    state = _RowParser(columns, datum, table.crs, numbering, ask, lacking, may_be_no_kind=unsure)
    with closing(state) as parser:
        for piece in _cut(table.rows, rows):
            good, numbers, rejected = parser.parse_rows(piece, mapping)
            frame = _to_frame(good, names, datum, provenance, parser.stored)
            yield RegisterRead(
                stations=frame,
                rejected=tuple(rejected),
                warnings=parser.take_warnings(),
                unread_columns=unread,
                header=table.header,
                row_numbers=tuple(numbers),
                unplaced=parser.take_unplaced(),
            )


def _doubted(columns: dict[str, str], mapping: Mapping) -> list[str]:
    """Return the fields of a list of words whose column was guessed by its name.

    A kind is required, so only one that is given otherwise is doubted. A status never is: a column
    that says it in other words may say that a station is closed.
    """
    fields = ["kind"] if "kind" in mapping.fill else []
    return [name for name in (*fields, "host", "services") if _is_guessed(name, columns, mapping)]


def _is_guessed(name: str, columns: dict[str, str], mapping: Mapping) -> bool:
    """Tell whether a column is taken for a field by a name that may mean something else."""
    ours = columns.get(name, name).casefold() in {name, station_fields()[name]}
    said = {*mapping.columns, *dict(mapping.values)}
    return not ours and name not in said


def _is_ours(name: str, column: str, head: Sequence[Row]) -> bool:
    """Tell whether a column is empty, or has one of a field's words in some row."""
    (choices,) = (c.choices for c in LAYERS["stations"].columns if c.name == name)
    cells = [row.cells[column] for row in head if column in row.cells]
    parts = (part for cell in cells for part in SEPARATORS.split(cell))
    return not cells or any(_is_word(part, choices) for part in parts)


def _is_word(text: str, choices: type[LabelledEnum]) -> bool:
    try:
        choices.parse(text)
    except ValueError:
        return False
    return True


def _look_ahead(table: Table) -> tuple[list[Row], Table]:
    """Return the first rows, and the table with all of them still to be gone through."""
    rows = iter(table.rows)
    head = list(islice(rows, _WORDS_LOOKED_AT))
    return head, replace(table, rows=chain(head, rows))


def _cut(rows: Iterable[Row], size: int | None) -> Iterator[Iterable[Row]]:
    if size is None:
        yield rows
        return
    stream = iter(rows)
    while piece := list(islice(stream, size)):
        yield piece


def _lacking(columns: dict[str, str], mapping: Mapping, *, numbered: bool) -> tuple[str, ...]:
    """Return the required fields that a table has no column for."""
    required = [*LAYERS["stations"].required, "lon", "lat"]
    given = {*columns, *mapping.fill, *(("lon", "lat") if PAIR_FIELD in columns else ())}
    if numbered:
        given.add("id")
    return tuple(name for name in required if name not in given)


def _missing_columns(table: Table, lacking: Sequence[str]) -> RegisterError:
    number = ", and ids with --number PREFIX" if "id" in lacking else ""
    return RegisterError(
        f"{table.source} has no column for {', '.join(lacking)}; it has "
        f"{', '.join(h for h in table.header if h and h[0] != '@')}. Rename a column, name it "
        f"with --map, or fill it with --set{number}."
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

    def __init__(
        self,
        columns: dict[str, str],
        datum: Datum,
        crs: Projection | None,
        numbering: Numbering | None,
        stored: Callable[[list[str]], gpd.GeoDataFrame] | None,
        lacking: Sequence[str],
        *,
        may_be_no_kind: bool,
    ) -> None:
        self._may_be_no_kind = may_be_no_kind
        self._columns, self._datum, self._crs = columns, datum, crs
        self._numbering, self._ask, self._lacking = numbering, stored, frozenset(lacking)
        self.stored: dict[str, dict[str, Any]] = {}
        self._seen = _SeenIds()
        self._warnings: list[Fault] = []
        self._unplaced: list[tuple[float, float]] = []

    def close(self) -> None:
        self._seen.close()

    def take_warnings(self) -> tuple[Fault, ...]:
        taken, self._warnings = tuple(self._warnings), []
        return taken

    def take_unplaced(self) -> tuple[tuple[float, float], ...]:
        taken, self._unplaced = tuple(self._unplaced), []
        return taken

    def parse_rows(
        self, rows: Iterable[Row], mapping: Mapping
    ) -> tuple[list[dict[str, Value]], list[int], list[RejectedRow]]:
        good, numbers, rejected = [], [], []
        named = [(row, field_cells(row, self._columns, mapping)) for row in rows]
        if self._ask is not None:
            known = self._ask([cells["id"] for _, cells in named if "id" in cells])
            self.stored = {str(item["id"]): item for item in known.to_dict("records")}
        for row, cells in named:
            record, faults = self.parse(row, cells)
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

    def parse(self, row: Row, cells: dict[str, str]) -> tuple[dict[str, Value], list[Fault]]:
        record: dict[str, Value] = {}
        faults = []
        before = self.stored.get(cells.get("id", ""))
        for column in LAYERS["stations"].columns:
            if column.name in self._lacking and before is not None:
                record[column.name] = before[column.name]
                continue
            try:
                record[column.name] = self._parse_cell(row, column, cells.get(column.name))
            except ValueError as error:
                foreign = column.name == "kind" in cells and self._may_be_no_kind
                reason = f"{error}{_NO_KIND if foreign else ''}"
                faults.append(self._fault(row, column.name, cells, reason))
        if before is not None and {"lon", "lat"} <= self._lacking:
            lonlat: dict[str, float] = {}
            record |= {"lon": np.nan, "lat": np.nan}
        else:
            lonlat, bad = parse_position(row, cells, self._columns, self._datum, self._crs)
            record |= lonlat
            faults += bad
            self._keep_unplaced(cells, bad)
        if not faults and record["id"] is None and self._numbering is not None:
            lon, lat = to_wgs84(lonlat["lon"], lonlat["lat"], self._datum)
            record["id"] = self._numbering.number(str(record["name"]), float(lon), float(lat))
            if self._seen.row_of(str(record["id"])) is not None:
                faults.append(self._fault(row, "id", cells, f"{record['id']} stands already"))
        if not faults:
            self._seen.add(str(record["id"]), row.number)
        return record, faults

    def _keep_unplaced(self, cells: dict[str, str], faults: list[Fault]) -> None:
        if faults and len(self._unplaced) < _MAX_UNPLACED:
            try:
                self._unplaced.append(numbers_of(cells))
            except ValueError:
                return

    def _parse_cell(self, row: Row, column: Column, text: str | None) -> Value:
        if text is None:
            if column.name == "id" and self._numbering is not None:
                return None
            if column.required:
                new = " for a station that is new" if column.name in self._lacking else ""
                raise ValueError(f"is empty; it is required{new}")
            return None
        if isinstance(column, Text) and column.name != "id" and is_shortened(text):
            self._warnings.append(Fault(row.number, self._columns[column.name], text, _SHORTENED))
            return None
        value = column.parse(text)
        before = self._seen.row_of(str(value)) if column.name == "id" else None
        if before is not None:
            raise ValueError(f"stands already in row {before}")
        if isinstance(column, Hours):
            name = self._columns.get(column.name, column.name)
            if not is_readable(str(value)):
                value = self._read_hours(row, name, text)
            warnings = hours_warnings(str(value)) if is_readable(str(value)) else ()
            self._warnings += [Fault(row.number, name, str(value), warning) for warning in warnings]
        return value

    def _read_hours(self, row: Row, column: str, text: str) -> str:
        """Return hours that people wrote in OpenStreetMap's syntax, or as they are if in doubt."""
        certain = normalise_hours(text)
        if certain is None and _DATE_OF_EXCEL.fullmatch(text.strip()):
            reason = "is a date that Excel made of what was typed, perhaps of 24/7; hours unknown"
            self._warnings.append(Fault(row.number, column, text, reason))
            return " ".join(text.split())
        reason = (
            f"was read as {certain!r}"
            if certain is not None
            else "is not certain to read: kept as it is, shown as hours unknown"
        )
        self._warnings.append(Fault(row.number, column, text, reason))
        return " ".join(text.split()) if certain is None else certain

    def _fault(self, row: Row, name: str, cells: dict[str, str], reason: str) -> Fault:
        return Fault(row.number, self._columns.get(name, name), cells.get(name, ""), reason)


def parse_cells(
    row: Row,
    cells: dict[str, str],
    wanted: Iterable[Column],
    columns: dict[str, str],
    seen: dict[str, int],
) -> tuple[dict[str, Value], list[Fault]]:
    """Return a row's values, and what is wrong with them.

    Parameters
    ----------
    cells
        Our fields to the row's texts.
    wanted
        The columns to be read.
    columns
        Our fields to the file's columns.
    seen
        The ids so far, and the rows they stood in.
    """
    record: dict[str, Value] = {}
    faults = []
    for column in wanted:
        text, reason = cells.get(column.name), ""
        try:
            value = record[column.name] = column.read(text)
        except ValueError as error:
            reason = str(error)
        else:
            if column.name == "id" and str(value) in seen:
                reason = f"stands already in row {seen[str(value)]}"
        if reason:
            name = columns.get(column.name, column.name)
            faults.append(Fault(row.number, name, (text or "")[:_MAX_SHOWN], reason))
    return record, faults


def parse_position(
    row: Row,
    cells: dict[str, str],
    columns: dict[str, str],
    datum: Datum,
    crs: Projection | None = None,
) -> tuple[dict[str, float], list[Fault]]:
    """Read a row's position in its datum's unit, from two cells or from one that holds both.

    Of a projection's metres the answer is degrees of the datum.
    """
    faults = []

    def fault(name: str, reason: str) -> None:
        faults.append(Fault(row.number, columns.get(name, name), cells.get(name, ""), reason))

    lonlat: dict[str, float] = {}
    paired = PAIR_FIELD in cells and not {"lon", "lat"} & set(cells)
    if crs is not None and not crs.in_degrees:
        where = PAIR_FIELD if paired else "lon"
        try:
            lonlat = dict(zip(("lon", "lat"), crs.degrees(*numbers_of(cells)), strict=True))
        except ValueError as error:
            fault(where, str(error))
        return lonlat, faults
    if paired:
        try:
            pair = parse_pair(cells[PAIR_FIELD], columns.get(PAIR_FIELD, ""), datum)
            lonlat = dict(zip(("lon", "lat"), pair, strict=True))
        except ValueError as error:
            fault(PAIR_FIELD, str(error))
    else:
        for axis in AXES:
            try:
                lonlat[axis] = parse_coordinate(cells.get(axis), axis, datum)
            except ValueError as error:
                fault(axis, str(error))
    if lonlat == {"lon": 0.0, "lat": 0.0}:
        where = PAIR_FIELD if paired else "lon"
        faults.append(Fault(row.number, columns.get(where, where), "0", _NOWHERE))
    return lonlat, faults


def numbers_of(cells: dict[str, str]) -> tuple[float, float]:
    """Return both coordinates of a row as they stand, ValueError if they are no numbers."""
    if PAIR_FIELD in cells and not {"lon", "lat"} & set(cells):
        return split_pair(cells[PAIR_FIELD])
    return parse_projected(cells.get("lon")), parse_projected(cells.get("lat"))


def _to_frame(
    records: list[dict[str, Value]],
    names: list[str],
    datum: Datum,
    provenance: Provenance | None,
    stored: dict[str, dict[str, Any]],
) -> gpd.GeoDataFrame:
    data = pd.DataFrame(
        {name: pd.Series([r[name] for r in records], dtype=object) for name in names}
    )
    lon, lat = (np.array([r[axis] for r in records], dtype=np.float64) for axis in ("lon", "lat"))
    wgs_lon, wgs_lat = to_wgs84(lon, lat, datum)
    # A row without a position of its own keeps the one that is stored.
    kept = {n: stored[str(records[n]["id"])] for n in np.flatnonzero(np.isnan(lon)).tolist()}
    for n, before in kept.items():
        wgs_lon[n], wgs_lat[n] = before["geometry"].x, before["geometry"].y
    if provenance is not None:
        given = data["provenance"] if "provenance" in data else pd.Series([None] * len(data))
        data["provenance"] = [provenance.value if v is None else v for v in given]
    # A file of our own is WGS-84 already and says what its rows arrived in: that is kept.
    arrived = data["source_datum"] if "source_datum" in data else pd.Series([None] * len(data))
    keep = datum is Datum.WGS84
    data["source_datum"] = [v if keep and v is not None else datum.value for v in arrived]
    for n, before in kept.items():
        data.loc[n, "source_datum"] = before["source_datum"]
    # As many as files hold, so that a register that went out comes back the same.
    geometry = shapely.points(*(np.round(axis, POSITION_DECIMALS) for axis in (wgs_lon, wgs_lat)))
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)
