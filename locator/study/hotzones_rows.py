"""The rows of a file of orders or shops: read in pieces, cleaned, counted by cell and hour."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator import register
from locator.errors import InputError
from locator.hotzones import (
    AreaTest,
    Cells,
    CellTally,
    CrowdedPositions,
    Span,
    assign_cells,
    first_of_each,
    fit_offset,
    hours_of_week,
)
from locator.register.columns import ColumnTable
from locator.register.orders import OrderFault, OrderPiece, OrderRules, Reason, parse_orders
from locator.schema import CRS

_SAMPLE = 4_000  # points by which datum and offset are judged
_MOSTLY = 0.5
_DAY = np.timedelta64(1, "D")
_REPEATED = 0.01

Report = Callable[[OrderFault], None]


_ROW = np.dtype(
    [
        ("key", np.uint64),
        ("time", np.int64),
        ("lon", np.float64),
        ("lat", np.float64),
        ("weight", np.int64),
        ("number", np.int64),
    ]
)
PARTS = 32


@dataclass
class Spool:
    """Rows in parts by their key: rows that are the same order stand in the same part.

    The folder is a temporary one and is gone at the block's end.
    """

    _stack: ExitStack = field(default_factory=ExitStack)
    _files: list[IO[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="locator-")))
        for part in range(PARTS):
            self._files.append(self._stack.enter_context((folder / f"{part}").open("w+b")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, piece: OrderPiece) -> None:
        """Put the good rows of a piece aside."""
        rows = np.empty(len(piece.number), dtype=_ROW)
        for name in ("key", "lon", "lat", "weight", "number"):
            rows[name] = getattr(piece, name)
        rows["time"] = 0 if piece.time is None else piece.time.astype(np.int64)
        part = (rows["key"] % PARTS).astype(np.int64)
        order = np.argsort(part, kind="stable")
        bounds = np.searchsorted(part[order], np.arange(PARTS + 1))
        for number, file in enumerate(self._files):
            chosen = order[bounds[number] : bounds[number + 1]]
            file.write(rows[chosen].tobytes())

    def parts(self) -> Iterator[npt.NDArray[np.void]]:
        """Yield the parts, one in memory at a time."""
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), dtype=_ROW)


@dataclass(frozen=True)
class Gathering:
    """What is to be gathered, and what is known of the place.

    Attributes
    ----------
    districts
        Polygons in which points should lie; without any, none is outside.
    since, until
        Local time that counts, ``until`` not included; None is as far as the file goes.
    keep_identical
        Count rows that are the same in every cell each by itself, where there is no id.
    road_distance_m
        Distance from the nearest road, where roads are known, to judge the datum by.
    """

    rules: OrderRules
    resolution: int
    districts: gpd.GeoDataFrame
    since: np.datetime64 | None = None
    until: np.datetime64 | None = None
    keep_identical: bool = False
    mapping: register.Mapping | None = None
    road_distance_m: register.RoadDistance | None = None
    piece_rows: int = 10_000


@dataclass(frozen=True)
class Gathered:
    """What was read and counted.

    Attributes
    ----------
    cells
        The good rows by cell and hour of the week.
    span
        The whole hours they cover; None where the file has no times.
    read, left_out, repaired
        Rows of the file; rows that do not count, by reason; swapped rows that do.
    days_with_rows
        Days of the span on which there is any row.
    warnings
        Sentences on what counts but may be wrong.
    """

    cells: Cells
    span: Span | None
    columns: dict[str, str]
    read: int
    left_out: dict[str, int]
    repaired: int
    days_with_rows: int
    warnings: list[str]


@dataclass
class _Counts:
    read: int = 0
    good: int = 0
    coarse: int = 0
    midnight: int = 0
    repaired: int = 0
    timed: bool = False
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, reason: str, rows: int) -> None:
        if rows:
            self.left_out[reason] = self.left_out.get(reason, 0) + rows


def gather(
    table: ColumnTable,
    asked: Gathering,
    report: Report,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Gathered:
    """Read a file's rows, leave out what cannot count, and count the rest.

    Neither the order of the rows nor the size of the pieces changes what is counted: rows are put
    aside by a hash of what identifies them, and the parts are gone through one after the other.

    Parameters
    ----------
    report
        Told every row that is left out or mended, with its reason.
    progress
        Told the share that is done, 0 to 1.

    Raises
    ------
    InputError
        No row can be used, most points lie outside the districts, or the times are dates only.
    """
    counts, crowded = _Counts(), CrowdedPositions()
    with Spool() as spool:
        columns = _read(table, asked, report, spool, counts, crowded, progress)
        _check_read(table.source, counts, asked)
        sweep = _Sweep(asked, counts, crowded, report, "id" in columns)
        for number, rows in enumerate(spool.parts(), start=1):
            sweep.add(rows)
            progress(0.7 + 0.3 * number / PARTS)
    return sweep.finish(table.source, columns)


def _read(
    table: ColumnTable,
    asked: Gathering,
    report: Report,
    spool: Spool,
    counts: _Counts,
    crowded: CrowdedPositions,
    progress: Callable[[float], None],
) -> dict[str, str]:
    columns, pieces = parse_orders(table, asked.rules, mapping=asked.mapping, rows=asked.piece_rows)
    for piece in pieces:
        counts.read += piece.read
        counts.good += len(piece.number)
        counts.coarse += piece.coarse
        for fault in piece.faults:
            report(fault)
            if fault.reason is Reason.SWAPPED and asked.rules.repair_swapped:
                counts.repaired += 1
            else:
                counts.leave_out(fault.reason.value, 1)
        if piece.time is not None:
            counts.timed = True
            counts.midnight += int((piece.time.astype("datetime64[D]") == piece.time).sum())
        crowded.add(piece.lon, piece.lat)
        spool.add(piece)
        progress(0.7 * table.share_read())
    return columns


def _check_read(source: str, counts: _Counts, asked: Gathering) -> None:
    if not counts.good:
        reasons = ", ".join(f"{rows} {reason}" for reason, rows in counts.left_out.items())
        ask = " Say --swap if that is what they are." if "swapped" in counts.left_out else ""
        raise InputError(f"{source}: no row can be used ({reasons or 'there are none'}).{ask}")
    if counts.midnight > _MOSTLY * counts.good:
        column = asked.rules.hour_of
        raise InputError(
            f"{source}: {counts.midnight:,} of {counts.good:,} times in the column for {column} "
            "are midnight: it holds dates without hours. Name another column with --map, or say "
            "--no-times to take the points without times."
        )


class _Sweep:
    """Goes through the parts: what stands twice, what is outside, and the rest into cells."""

    def __init__(
        self,
        asked: Gathering,
        counts: _Counts,
        crowded: CrowdedPositions,
        report: Report,
        identified: bool,
    ) -> None:
        self._asked, self._counts, self._crowded, self._report = asked, counts, crowded, report
        self._identified = identified
        self._tally = CellTally()
        self._test = _area_test(asked.districts)
        self._sample: list[npt.NDArray[np.float64]] = []
        self._repeated = 0
        self._placed = 0
        self._days: set[int] = set()
        self._first, self._last = np.iinfo(np.int64).max, np.iinfo(np.int64).min

    def add(self, rows: npt.NDArray[np.void]) -> None:
        """Count a part."""
        self._crowded.add_again(rows["lon"], rows["lat"])
        rows = self._once(rows)
        if self._counts.timed:
            rows = self._in_time(rows)
        share = min(1.0, _SAMPLE / max(self._counts.good, 1))
        chosen = rows["key"] <= np.uint64(share * (2**64 - 2049))
        self._sample.append(np.column_stack([rows["lon"], rows["lat"]])[chosen])
        cells = assign_cells(rows["lon"], rows["lat"], self._asked.resolution)
        self._placed += len(rows)
        if self._test is not None:
            inside = self._test.inside(rows["lon"], rows["lat"], cells)
            words = "lies outside every district of the store"
            self._list(rows[~inside], Reason.OUTSIDE, "position", words)
            rows, cells = rows[inside], cells[inside]
        time = rows["time"].astype("datetime64[s]")
        hours = np.zeros(len(rows), dtype=np.int64)
        if self._counts.timed and len(rows):
            hours = hours_of_week(time)
            self._days |= set(np.unique(time.astype("datetime64[D]").astype(np.int64)).tolist())
            self._first = min(self._first, int(rows["time"].min()))
            self._last = max(self._last, int(rows["time"].max()))
        self._tally.add(cells, hours, rows["weight"])

    def _once(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        by = [rows[name] for name in ("time", "lon", "lat", "weight", "number")]
        first = first_of_each(rows["key"], *by)
        kept, again = np.sort(rows[first], order="key"), rows[~first]
        counted = kept["number"][np.searchsorted(kept["key"], again["key"])]
        if self._identified:
            words = "has an id that stands in another row, which counts"
            self._list(again, Reason.DUPLICATE, "id", words, counted)
            return rows[first]
        self._repeated += len(again)
        if self._asked.keep_identical:
            return rows
        words = "is the same in every cell as another row (--keep-identical counts both)"
        self._list(again, Reason.IDENTICAL, "", words, counted)
        return rows[first]

    def _in_time(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        keep = np.ones(len(rows), dtype=bool)
        for limit, later in ((self._asked.since, True), (self._asked.until, False)):
            if limit is not None:
                time = rows["time"].astype("datetime64[s]")
                keep &= (time >= limit) if later else (time < limit)
        self._counts.leave_out("other_time", int((~keep).sum()))
        return rows[keep]

    def _list(
        self,
        rows: npt.NDArray[np.void],
        reason: Reason,
        column: str,
        words: str,
        counted: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """List rows; the value is the row that counts instead, or the position."""
        self._counts.leave_out(reason.value, len(rows))
        for place in np.argsort(rows["number"]).tolist():
            row = rows[place]
            value = f"{row['lon']:.6f},{row['lat']:.6f}"
            if counted is not None:
                value = f"row {counted[place]}"
            self._report(OrderFault(int(row["number"]), reason, column, value, words))

    def finish(self, source: str, columns: dict[str, str]) -> Gathered:
        """Return what was gathered, having looked for what makes it doubtful."""
        outside = self._counts.left_out.get(Reason.OUTSIDE.value, 0)
        if outside > _MOSTLY * self._placed:
            raise InputError(
                f"{source}: {outside / self._placed:.0%} of the points lie outside the districts "
                f"of the store, read as {self._asked.rules.datum.value}; is it another datum "
                "(--datum)? For another city, --anywhere counts them all."
            )
        if outside == self._placed:
            raise InputError(f"{source}: no row lies in the time that counts (--from, --until).")
        cells = self._tally.finish()
        span = None
        if self._counts.timed:
            span = self._span()
        warnings = self._warnings(span)
        return Gathered(
            cells=cells,
            span=span,
            columns=columns,
            read=self._counts.read,
            left_out=dict(sorted(self._counts.left_out.items())),
            repaired=self._counts.repaired,
            days_with_rows=len(self._days),
            warnings=warnings,
        )

    def _span(self) -> Span:
        asked = self._asked
        first = np.datetime64(self._first, "s").astype("datetime64[h]")
        last = np.datetime64(self._last, "s").astype("datetime64[h]") + np.timedelta64(1, "h")
        since = first if asked.since is None else asked.since.astype("datetime64[h]")
        until = last if asked.until is None else asked.until.astype("datetime64[h]")
        return Span(since, until)

    def _warnings(self, span: Span | None) -> list[str]:
        counts, warnings = self._counts, []
        if counts.coarse > _MOSTLY * counts.good:
            warnings.append(
                f"{counts.coarse / counts.good:.0%} of the positions have three decimals or fewer, "
                "some 100 m: small cells mean little."
            )
        if self._repeated > _REPEATED * counts.good:
            done = "all were counted" if self._asked.keep_identical else "each was counted once"
            warnings.append(f"{self._repeated:,} rows are the same as another; {done}.")
        warnings += self._crowded_warnings()
        if span is not None:
            warnings += _span_warnings(span, len(self._days))
        points = np.concatenate(self._sample) if self._sample else np.zeros((0, 2))
        warnings += _place_warnings(points, self._asked)
        return warnings

    def _crowded_warnings(self) -> list[str]:
        crowded = self._crowded.found()
        for lon, lat, rows in crowded:
            value, words = f"{lon:.6f},{lat:.6f}", f"{rows} rows have this one position; counted"
            self._report(OrderFault(0, Reason.ONE_POSITION, "position", value, words))
        if not crowded:
            return []
        share = sum(rows for *_, rows in crowded) / self._counts.good
        return [
            f"{len(crowded)} exact position(s) hold {share:.0%} of the rows: made up, or a map's "
            "default? They are listed, and counted."
        ]


def _area_test(districts: gpd.GeoDataFrame) -> AreaTest | None:
    if not len(districts):
        return None
    # Districts that somebody has edited may cross themselves.
    return AreaTest(shapely.union_all(shapely.make_valid(districts.geometry.to_numpy())))


def _span_warnings(span: Span, days_with_rows: int) -> list[str]:
    warnings = []
    days = int((span.until - span.since + _DAY - np.timedelta64(1, "h")) // _DAY)
    if days_with_rows < _MOSTLY * days:
        warnings.append(
            f"There are rows on {days_with_rows:,} of the {days:,} days from {span.since} to "
            f"{span.until}: a stray date makes demand per hour too small; say --from and --until."
        )
    unseen = int((span.times_each() == 0).sum())
    if unseen:
        warnings.append(
            f"{unseen} of the 168 hours of the week do not occur in the time covered: their share "
            "is the mean of the same hour on other days."
        )
    return warnings


def _made_up(points: npt.NDArray[np.float64]) -> list[str]:
    """Say whether most points lie on a diagonal, as made-up ones do."""
    found = register.position_warnings(points[:, 0], points[:, 1], range(len(points)), crowds=False)
    return [f"Of a sample, {d.reason}" for d in found if "diagonal" in d.reason]


def _place_warnings(points: npt.NDArray[np.float64], asked: Gathering) -> list[str]:
    """Say whether another datum or a constant offset fits clearly better; nothing is moved."""
    warnings = _made_up(points)
    if not len(points) or not len(asked.districts):
        return warnings
    stated = asked.rules.datum
    names = [str(number) for number in range(len(points))]
    frame = gpd.GeoDataFrame({"id": names}, geometry=shapely.points(points), crs=CRS)
    fits = register.fit_datums(
        frame,
        stated=stated,
        known=frame.iloc[:0],
        districts=asked.districts,
        road_distance_m=asked.road_distance_m,
    )
    hint = register.hint_datum(fits, stated)
    if hint is not None and hint.datum is not stated:
        return [*warnings, f"The datum is in doubt: {hint.reason}; nothing was converted."]
    offset = fit_offset(points[:, 0], points[:, 1], asked.districts)
    if offset is None:
        return warnings
    return [
        *warnings,
        f"{offset.inside_share_as_is:.0%} of the points lie inside the districts; moved "
        f"{offset.east_m:,.0f} m east and {offset.north_m:,.0f} m north {offset.inside_share:.0%} "
        "would: a constant offset? Nothing was moved.",
    ]
