"""A register into a store: read in pieces, checked, and put in as one change or not at all.

A million rows need no more memory than twenty thousand.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator import register
from locator.errors import InputError
from locator.paths import refuse_store
from locator.schema import Datum, Provenance
from locator.store import Change, Revision, Store

ImportMode = Literal["merge", "replace", "add"]
Progress = Callable[[float], None]  # told the share of the file that has been read, 0 to 1

_T = TypeVar("_T")
KEPT = 1_000  # of each kind of finding; the rest is counted


@dataclass
class Tally:
    """What has been read of a register so far; of findings, the first :data:`KEPT`.

    Attributes
    ----------
    good, rejected, doubtful, outside
        Rows that can be taken; rows that cannot; cells taken with a doubt; stations outside every
        known district (none known, none outside).
    faults, warnings, outside_ids
        The first of each.
    unplaced
        The first pairs of numbers of rejected rows that are no position as they are.
    """

    good: int = 0
    rejected: int = 0
    doubtful: int = 0
    outside: int = 0
    faults: list[register.Fault] = field(default_factory=list)
    warnings: list[register.Fault] = field(default_factory=list)
    outside_ids: list[str] = field(default_factory=list)
    unplaced: list[tuple[float, float]] = field(default_factory=list)
    unread_columns: tuple[str, ...] = ()

    def add(self, piece: register.RegisterRead, districts: gpd.GeoDataFrame) -> None:
        """Count a piece of the file."""
        points = piece.stations.geometry
        warnings = register.position_warnings(
            points.x.to_numpy(), points.y.to_numpy(), piece.row_numbers
        )
        _keep_first(self.unplaced, piece.unplaced)
        outside = _outside(piece.stations, districts)
        self.good += len(piece.stations)
        self.rejected += len(piece.rejected)
        self.doubtful += len(piece.warnings) + len(warnings)
        self.outside += len(outside)
        _keep_first(self.faults, [fault for row in piece.rejected for fault in row.faults])
        _keep_first(self.warnings, [*piece.warnings, *warnings])
        _keep_first(self.outside_ids, outside)
        self.unread_columns = piece.unread_columns


@dataclass
class Foreseen:
    """What a register says that the store does not; of ids and changes, the first :data:`KEPT`.

    ``absent`` counts stations of the store, not closed, that the file does not have; None where
    they are left as they are. A change is id, field, stored value and the file's.
    """

    new: int = 0
    changed: int = 0
    absent: int | None = None
    new_ids: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, stations: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> None:
        """Compare a piece of the file with the stored rows of the same ids."""
        found = register.find_changes(stations, known)
        self.new += len(found.new)
        self.changed += len({change[0] for change in found.changed})
        if self.absent is not None:
            self.absent -= int((known["status"] != "closed").sum())
        _keep_first(self.new_ids, found.new)
        _keep_first(self.changes, found.changed)


@dataclass(frozen=True)
class ImportResult:
    """What an import did, or would do.

    Attributes
    ----------
    tally
        What the file holds.
    hint
        Another datum that fits clearly better, judged by the first piece of the file.
    revision
        What was written; None on a dry run, when refused, or with no good row.
    foreseen
        On a dry run, the file against the store; else None.
    refused
        Why nothing was written although there are good rows; empty otherwise.
    """

    tally: Tally
    hint: register.DatumHint | None
    revision: Revision | None = None
    foreseen: Foreseen | None = None
    refused: str = ""


class _RefusedError(Exception):
    """Ends the transaction of an import that must not be carried out."""


def import_register(  # noqa: PLR0913 - each is a question the sender of a file answers
    store: Store,
    path: Path,
    *,
    datum: Datum,
    mode: ImportMode = "merge",
    mapping: register.Mapping | None = None,
    provenance: Provenance | None = None,
    dry_run: bool = False,
    rejected: Path | None = None,
    actor: str,
    progress: Progress = lambda _: None,
    piece_rows: int = register.PIECE_ROWS,
    road_distance_m: register.RoadDistance | None = None,
    options: register.ReadOptions = register.AS_IT_IS,
    number: str | None = None,
) -> ImportResult:
    """Read a register and put its valid rows into the store, all or nothing.

    Parameters
    ----------
    mode
        ``merge`` upserts by id; ``replace`` closes what the file does not have, and refuses a
        file with rejected rows; ``add`` refuses ids that are stored already.
    rejected
        Where the rejected rows go; whole before anything is committed, so that none is lost.
    piece_rows
        Rows that are held in memory at a time.
    road_distance_m
        Distance of places from the nearest road, for the hint.
    options
        How the file is to be read, where it does not show it.
    number
        What ids begin with that rows without one are given.

    Raises
    ------
    RegisterError
        The file as a whole cannot be read, or ``rejected`` cannot be written.
    ConflictError
        ``add`` and an id is stored already; nothing was written.
    """
    if rejected is not None and rejected.resolve() == path.resolve():
        raise InputError(
            f"{path} would be overwritten by its own rejected rows; name another file."
        )
    if rejected is not None:
        refuse_store(rejected)  # before the file is read, whether or not a row is rejected
    reading = _Reading(
        store,
        path,
        datum,
        mapping,
        provenance,
        progress,
        piece_rows,
        road_distance_m,
        options,
        number,
        partial=mode == "merge",
    )
    with closing(reading.good_rows(rejected, complete=mode == "replace")) as pieces:
        try:
            first = next(pieces, None)  # a file of one piece is parsed before the store is locked
            if first is None:
                return reading.result()
            good: Iterable[gpd.GeoDataFrame] = chain([first], pieces)
            if dry_run:
                foreseen = reading.foresee(good, absent=mode == "replace")
                return replace(reading.result(), foreseen=foreseen)
            if mode == "replace" and "status" not in first:
                good = (piece.assign(status="active") for piece in good)
            change = Change(
                "stations",
                good,
                on_existing="error" if mode == "add" else "update",
                absent="close" if mode == "replace" else "keep",
            )
            revision = store.apply(change, actor=actor)
        except _RefusedError as error:
            return replace(reading.result(), refused=str(error))
    return replace(reading.result(), revision=revision)


@dataclass(frozen=True)
class CheckResult:
    """What a file holds and what importing it would mean; nothing was written."""

    tally: Tally
    fits: tuple[register.DatumFit, ...]
    hint: register.DatumHint | None
    duplicates: tuple[register.Duplicate, ...]
    foreseen: Foreseen


def check_register(  # noqa: PLR0913 - as import_register
    store: Store,
    path: Path,
    *,
    datum: Datum,
    mapping: register.Mapping | None = None,
    progress: Progress = lambda _: None,
    piece_rows: int = register.PIECE_ROWS,
    road_distance_m: register.RoadDistance | None = None,
    options: register.ReadOptions = register.AS_IT_IS,
    number: str | None = None,
) -> CheckResult:
    """Look a register over without importing it: its datum, duplicates, and what it changes.

    Raises
    ------
    RegisterError
        The file as a whole cannot be read.
    """
    reading = _Reading(
        store,
        path,
        datum,
        mapping,
        None,
        progress,
        piece_rows,
        road_distance_m,
        options,
        number,
        partial=True,
    )
    named: list[gpd.GeoDataFrame] = []

    def remembered(pieces: Iterable[gpd.GeoDataFrame]) -> Iterator[gpd.GeoDataFrame]:
        for piece in pieces:
            named.append(piece[["id", "name", "geometry"]].copy())
            yield piece

    with closing(reading.good_rows(None, complete=False)) as pieces:
        foreseen = reading.foresee(remembered(pieces), absent=True)
    known = store.read("stations", columns=["id", "name"])  # all columns of many rows fill memory
    stations = pd.concat(named, ignore_index=True) if named else known.iloc[:0]
    return CheckResult(
        tally=reading.tally,
        fits=reading.fits,
        hint=reading.hint(),
        duplicates=register.find_duplicates(stations, known),
        foreseen=foreseen,
    )


@dataclass
class _Reading:
    """A register being read beside a store, and what has been found so far."""

    store: Store
    path: Path
    datum: Datum
    mapping: register.Mapping | None
    provenance: Provenance | None
    progress: Progress
    piece_rows: int
    road_distance_m: register.RoadDistance | None
    options: register.ReadOptions
    number: str | None
    partial: bool  # rows of stored ids may hold what changes alone
    tally: Tally = field(default_factory=Tally)
    fits: tuple[register.DatumFit, ...] = ()

    def good_rows(
        self, rejected: Path | None, *, complete: bool
    ) -> Generator[gpd.GeoDataFrame, None, None]:
        """Yield the good rows in pieces; if the file must be complete, refuse it at its end."""
        districts = self.store.read("districts")
        columns = frozenset(self.mapping.columns.values()) if self.mapping else frozenset()
        with (
            register.open_table(self.path, columns=columns, options=self.options) as table,
            register.keep_rejected(rejected, table.header) as keep,
        ):
            for piece in register.parse_pieces(
                table,
                datum=self.datum,
                mapping=self.mapping,
                provenance=self.provenance,
                numbering=self._numbering(),
                stored=self._stored if self.partial else None,
                rows=self.piece_rows,
            ):
                self.tally.add(piece, districts)
                keep(piece.rejected)
                self.progress(table.share_read())
                if not self.fits:
                    self.fits = self._fit(piece.stations, districts)
                if len(piece.stations):
                    yield piece.stations
        if complete and self.tally.rejected:
            raise _RefusedError(
                f"{self.tally.rejected} rows of {self.path.name} are rejected, and --mode replace "
                "would close their stations; mend them first (--rejected FILE), or use "
                "--mode merge."
            )

    def foresee(self, pieces: Iterable[gpd.GeoDataFrame], *, absent: bool) -> Foreseen:
        foreseen = Foreseen()
        if absent:
            foreseen.absent = int(
                (self.store.read("stations", columns=["status"])["status"] != "closed").sum()
            )
        for piece in pieces:
            foreseen.add(piece, self._known(piece))
        return foreseen

    def hint(self) -> register.DatumHint | None:
        if not self.fits:
            return None
        return register.hint_datum(self.fits, self.datum) or register.hint_unit(
            self.tally.unplaced,
            self.tally.rejected,
            self.datum,
            projected=self.options.crs is not None,
            districts=self.store.read("districts"),
        )

    def result(self) -> ImportResult:
        return ImportResult(tally=self.tally, hint=self.hint())

    def _fit(
        self, stations: gpd.GeoDataFrame, districts: gpd.GeoDataFrame
    ) -> tuple[register.DatumFit, ...]:
        return register.fit_datums(
            stations,
            stated=self.datum,
            known=self._known(stations),
            districts=districts,
            places=self.store.read("places"),
            road_distance_m=self.road_distance_m,
        )

    def _numbering(self) -> register.Numbering | None:
        if self.number is None:
            return None
        known = self.store.read("stations", columns=["id", "name"])
        return register.Numbering.after(self.number, known)

    def _stored(self, ids: list[str]) -> gpd.GeoDataFrame:
        return self.store.read("stations", where={"id": ids})

    def _known(self, stations: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return self.store.read("stations", where={"id": [str(i) for i in stations["id"]]})


def _keep_first(kept: list[_T], found: Sequence[_T]) -> None:
    kept += found[: KEPT - len(kept)]


def _outside(stations: gpd.GeoDataFrame, districts: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Return the ids of stations outside every known district; none known, none outside."""
    if districts.empty or stations.empty:
        return ()
    tree = shapely.STRtree(districts.geometry.to_numpy())
    inside, _ = tree.query(stations.geometry.to_numpy(), predicate="intersects")
    rows = np.setdiff1d(np.arange(len(stations)), inside)
    return tuple(str(i) for i in stations["id"].to_numpy()[rows])
