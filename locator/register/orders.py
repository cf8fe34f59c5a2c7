"""Orders or shops from a long file: positions, times and weights as arrays, faults apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.datum import in_china, in_metres, limits, to_wgs84
from locator.errors import RegisterError
from locator.register.columns import ColumnPiece, ColumnTable
from locator.register.coordinates import PAIR_FIELD, Axis, parse_coordinate, parse_pair
from locator.register.mapping import POSITION_FIELDS, Mapping, rename_columns
from locator.register.tables import Table
from locator.register.times import parse_times, what_is_missing
from locator.schema import Datum

ORDER_FIELDS = (
    {"id": "编号", "time": "时间", "end_time": "送达时间", "weight": "权重"}
    | {"demand_per_h": "每小时需求"}
    | POSITION_FIELDS
    | {PAIR_FIELD: "坐标"}
)
WEIGHT_UNITS = 10_000  # weights are kept in whole parts of these: sums in any order are the same
_MAX_WEIGHT = 1e6
_PIECE_ROWS = 10_000  # larger ones keep the garbage collector busy
_FIRST_YEAR = np.datetime64("2000-01-01", "s")  # before it, a clock that was never set

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Reason(StrEnum):
    """Why a row is left out, or listed although it counts."""

    NO_POSITION = "no_position"
    ZERO = "zero"
    SWAPPED = "swapped"
    OUTSIDE = "outside"
    TIME_UNREADABLE = "time_unreadable"
    TIME_IMPLAUSIBLE = "time_implausible"
    TIME_ORDER = "time_order"
    WEIGHT = "weight"
    DUPLICATE = "duplicate"
    IDENTICAL = "identical"
    ONE_POSITION = "one_position"


@dataclass(frozen=True)
class OrderFault:
    """One finding: the file's row and column, the value, which reason it is, and in words."""

    row: int
    reason: Reason
    column: str
    value: str
    words: str


@dataclass(frozen=True)
class OrderRules:
    """What a file's sender and the caller say of it.

    Attributes
    ----------
    datum
        Of the file's coordinates.
    timezone
        Of times without an offset.
    now
        Local time: later moments have not happened.
    box
        West, south, east, north in WGS-84 of where points should lie: what lies outside as it is
        and inside with its coordinates exchanged is swapped. None: only what is impossible is.
    repair_swapped
        Take swapped coordinates exchanged, and list them, instead of leaving them out.
    hour_of
        The field whose hour counts, ``time`` or ``end_time``; None takes the rows without times.
    """

    datum: Datum
    timezone: ZoneInfo
    now: np.datetime64
    box: tuple[float, float, float, float] | None = None
    repair_swapped: bool = False
    hour_of: str | None = "time"


@dataclass(frozen=True)
class OrderPiece:
    """The good rows of a piece, and what was found.

    Attributes
    ----------
    number, key
        (n,) the file's row; a hash of the order's id, or of the whole row where there is none.
    lon, lat
        (n,) degrees WGS-84.
    time
        (n,) local ``datetime64[s]``; None where the file has no times.
    weight
        (n,) parts of :data:`WEIGHT_UNITS`.
    faults
        Rows left out, and swapped ones that were repaired.
    read
        Rows of the piece, good and bad.
    coarse
        Good rows whose position has three decimals or fewer, some 100 m.
    """

    number: npt.NDArray[np.int64]
    key: npt.NDArray[np.uint64]
    lon: Floats
    lat: Floats
    time: npt.NDArray[np.datetime64] | None
    weight: npt.NDArray[np.int64]
    faults: tuple[OrderFault, ...]
    read: int
    coarse: int


def parse_orders(
    table: ColumnTable,
    rules: OrderRules,
    *,
    mapping: Mapping | None = None,
    rows: int = _PIECE_ROWS,
) -> tuple[dict[str, str], Iterator[OrderPiece]]:
    """Return the file's column of each field, and the pieces, read as they are asked for.

    Parameters
    ----------
    rows
        Rows in a piece; the good rows and the faults do not depend on it.

    Raises
    ------
    RegisterError
        There is no column for the position, or two for the weight, or none for the hour.
    """
    mapping = mapping or Mapping()
    head = Table(table.source, table.header, ())
    columns, _ = rename_columns(head, mapping, ORDER_FIELDS)
    _check_columns(columns, table, rules)
    parser = _Parser(columns, mapping, rules)
    wanted = list(dict.fromkeys(columns.values()))
    return columns, (parser.parse(piece) for piece in table.pieces(wanted, rows))


def _check_columns(columns: dict[str, str], table: ColumnTable, rules: OrderRules) -> None:
    missing = [name for name in POSITION_FIELDS if name not in columns]
    has = ", ".join(name for name in table.header if name)
    if missing and PAIR_FIELD not in columns:
        raise RegisterError(
            f"{table.source} has no column for {', '.join(missing)}; it has {has}. "
            "Name it with --map."
        )
    if "weight" in columns and "demand_per_h" in columns:
        raise RegisterError(
            f"{table.source} has columns for weight and for demand_per_h; remove one."
        )
    timed = rules.hour_of is not None and not {"time", "end_time"}.isdisjoint(columns)
    if timed and "demand_per_h" in columns:
        raise RegisterError(
            f"{table.source} has times and a demand_per_h; with times a row's weight is a number "
            "of orders: name that column 'weight', or remove the times."
        )
    if timed and rules.hour_of not in columns:
        raise RegisterError(
            f"{table.source} has no column for {rules.hour_of}; it has {has}. Name it with --map, "
            "or say --hour-of."
        )


class _Parser:
    """Turns pieces of texts into arrays; what is wrong with a row is found once, the first."""

    def __init__(self, columns: dict[str, str], mapping: Mapping, rules: OrderRules) -> None:
        self._columns, self._mapping, self._rules = columns, mapping, rules
        self._weight = "weight" if "weight" in columns else "demand_per_h"

    def parse(self, piece: ColumnPiece) -> OrderPiece:
        finding = _Findings(piece, self._columns)
        x, y, lon, lat = self._positions(piece, finding)
        time = self._times(piece, finding)
        weight = self._weights(piece, finding)
        good = ~finding.bad
        coarse = np.zeros(len(good), dtype=bool)
        if not in_metres(self._rules.datum):
            coarse = good & (np.round(x, 3) == x) & (np.round(y, 3) == y)
        return OrderPiece(
            number=piece.numbers[good],
            key=self._keys(piece)[good],
            lon=lon[good],
            lat=lat[good],
            time=None if time is None else time[good],
            weight=weight[good],
            faults=tuple(sorted(finding.faults, key=lambda fault: fault.row)),
            read=len(good),
            coarse=int(coarse.sum()),
        )

    def _texts(self, piece: ColumnPiece, name: str) -> list[str]:
        """Return a field's cells, foreign values translated and empty ones filled."""
        texts = piece.cells[self._columns[name]]
        meanings = dict(self._mapping.values).get(name)
        fill = self._mapping.fill.get(name, "")
        if meanings:
            texts = [meanings.get(text, text) for text in texts]
        return [text or fill for text in texts] if fill else texts

    def _positions(
        self, piece: ColumnPiece, finding: "_Findings"
    ) -> tuple[Floats, Floats, Floats, Floats]:
        rules = self._rules
        x, y = self._coordinates(piece, finding)
        finding.add((x == 0) & (y == 0), Reason.ZERO, "lon", "0, 0 is not a place")
        as_is, exchanged = _in_datum(x, y, rules.datum), _in_datum(y, x, rules.datum)
        swapped = _is_swapped(as_is, exchanged, rules) & ~finding.bad
        words = "longitude and latitude are exchanged"
        if rules.repair_swapped:
            finding.note(swapped, Reason.SWAPPED, "lon", f"{words}; counted where they should be")
        else:
            finding.add(swapped, Reason.SWAPPED, "lon", f"{words}; left out (--swap mends it)")
        lon = np.where(swapped, exchanged[0], as_is[0])
        lat = np.where(swapped, exchanged[1], as_is[1])
        impossible = ~(np.isfinite(lon) & np.isfinite(lat)) & ~finding.bad
        for row in np.flatnonzero(impossible).tolist():
            finding.explain(row, self._why(float(x[row]), float(y[row])))
        return x, y, lon, lat

    def _coordinates(self, piece: ColumnPiece, finding: "_Findings") -> tuple[Floats, Floats]:
        """Return both coordinates in the file's unit, NaN where a cell is no number."""
        if PAIR_FIELD in self._columns and not {"lon", "lat"} <= set(self._columns):
            return self._pairs(piece, finding)
        return self._axis("lon", piece, finding), self._axis("lat", piece, finding)

    def _axis(self, axis: Axis, piece: ColumnPiece, finding: "_Findings") -> Floats:
        texts = self._texts(piece, axis)
        values = _to_numbers(texts)
        for row in np.flatnonzero(np.isnan(values)).tolist():
            try:
                values[row] = parse_coordinate(texts[row], axis, self._rules.datum)
            except ValueError as error:
                finding.explain(row, str(error), axis)
        return values

    def _pairs(self, piece: ColumnPiece, finding: "_Findings") -> tuple[Floats, Floats]:
        texts, header = self._texts(piece, PAIR_FIELD), self._columns[PAIR_FIELD]
        x, y = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
        for row, text in enumerate(texts):
            try:
                x[row], y[row] = parse_pair(text, header, self._rules.datum)
            except ValueError as error:
                finding.explain(row, str(error), PAIR_FIELD)
        return x, y

    def _why(self, x: float, y: float) -> str:
        try:
            parse_coordinate(repr(x), "lon", self._rules.datum)
            parse_coordinate(repr(y), "lat", self._rules.datum)
        except ValueError as error:
            return str(error)
        return "is no position in this datum"

    def _times(self, piece: ColumnPiece, finding: "_Findings") -> npt.NDArray[np.datetime64] | None:
        rules = self._rules
        if rules.hour_of is None or rules.hour_of not in self._columns:
            return None
        texts = self._texts(piece, rules.hour_of)
        time = parse_times(texts, rules.timezone)
        unread = np.flatnonzero(np.isnat(time)).tolist()
        for words in sorted({what_is_missing(texts[row]) for row in unread}):
            rows = np.zeros(len(texts), dtype=bool)
            rows[[row for row in unread if what_is_missing(texts[row]) == words]] = True
            finding.add(rows, Reason.TIME_UNREADABLE, rules.hour_of, words)
        wrong = (time > rules.now) | (time < _FIRST_YEAR)
        words = "lies in the future or before the year 2000"
        finding.add(wrong, Reason.TIME_IMPLAUSIBLE, rules.hour_of, words)
        other = "end_time" if rules.hour_of == "time" else "time"
        if other in self._columns:
            second = parse_times(self._texts(piece, other), rules.timezone)
            first, last = (time, second) if other == "end_time" else (second, time)
            finding.add(last < first, Reason.TIME_ORDER, "end_time", "is before the first time")
        return time

    def _weights(self, piece: ColumnPiece, finding: "_Findings") -> npt.NDArray[np.int64]:
        if self._weight not in self._columns:
            return np.full(len(piece.numbers), WEIGHT_UNITS, dtype=np.int64)
        texts = self._texts(piece, self._weight)
        values = _to_numbers([text or "1" for text in texts])
        good = (values >= 0) & (values <= _MAX_WEIGHT)
        words = f"must be a number from 0 to {_MAX_WEIGHT:,.0f}"
        finding.add(~good, Reason.WEIGHT, self._weight, words)
        return np.round(np.where(good, values, 0.0) * WEIGHT_UNITS).astype(np.int64)

    def _keys(self, piece: ColumnPiece) -> npt.NDArray[np.uint64]:
        texts = piece.whole
        if "id" in self._columns:
            ids = self._texts(piece, "id")
            # An empty id says nothing: such a row is known by all its cells, as others are by it.
            texts = [f"i{i}" if i else f"r{r}" for i, r in zip(ids, texts, strict=True)]
        hashed = pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
        return np.asarray(hashed, dtype=np.uint64)


class _Findings:
    """What is wrong with the rows of a piece; a row is left out for the first thing found."""

    def __init__(self, piece: ColumnPiece, columns: dict[str, str]) -> None:
        self.bad = np.zeros(len(piece.numbers), dtype=bool)
        self.faults: list[OrderFault] = []
        self._piece, self._columns = piece, columns

    def add(self, rows: Bools, reason: Reason, field: str, words: str) -> None:
        """Leave rows out."""
        rows = rows & ~self.bad
        self.note(rows, reason, field, words)
        self.bad |= rows

    def note(self, rows: Bools, reason: Reason, field: str, words: str) -> None:
        """List rows without leaving them out."""
        column = self._column(field)
        cells = self._piece.cells.get(column)
        for row in np.flatnonzero(rows):
            value = cells[row] if cells else ""
            number = int(self._piece.numbers[row])
            self.faults.append(OrderFault(number, reason, column, value, words))

    def explain(self, row: int, words: str, field: str = "lon") -> None:
        """Leave one row out because of its position."""
        if not self.bad[row]:
            chosen = np.zeros(len(self.bad), dtype=bool)
            chosen[row] = True
            self.add(chosen, Reason.NO_POSITION, field, words)

    def _column(self, field: str) -> str:
        if field in POSITION_FIELDS and field not in self._columns:
            field = PAIR_FIELD
        return self._columns.get(field, field)


def _to_numbers(texts: Sequence[str]) -> Floats:
    read = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    return np.asarray(read, dtype=np.float64).copy()


def _in_datum(x: Floats, y: Floats, datum: Datum) -> tuple[Floats, Floats]:
    """Return WGS-84 degrees of what can be coordinates of a datum, NaN for the rest."""
    east, north = limits(datum)
    possible = (np.abs(x) <= east) & (np.abs(y) <= north)
    if in_metres(datum):
        possible &= (np.abs(x) > 180) & (np.abs(y) > 180)
    lon, lat = np.full(len(x), np.nan), np.full(len(x), np.nan)
    lon[possible], lat[possible] = to_wgs84(x[possible], y[possible], datum)
    return lon, lat


def _is_swapped(
    as_is: tuple[Floats, Floats], exchanged: tuple[Floats, Floats], rules: OrderRules
) -> Bools:
    swapped: Bools = np.isnan(as_is[0]) & np.isfinite(exchanged[0])
    if rules.box is not None:
        swapped |= ~_in_box(*as_is, rules.box) & _in_box(*exchanged, rules.box)
    elif in_metres(rules.datum):
        swapped |= ~in_china(*as_is) & in_china(*exchanged)
    return swapped


def _in_box(lon: Floats, lat: Floats, box: tuple[float, float, float, float]) -> Bools:
    west, south, east, north = box
    inside: Bools = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside
