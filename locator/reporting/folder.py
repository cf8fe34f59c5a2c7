"""A study's folder: what it holds, as the study writes it and a report reads it."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import TypedDict, cast, get_args, get_origin, get_type_hints, is_typeddict

import geopandas as gpd
import pandas as pd

from locator.errors import InputError
from locator.files import read_layers

__all__ = [
    "LAYERS_FILE",
    "MANIFEST",
    "REJECTED",
    "TABLES",
    "Cell",
    "PlainTable",
    "Result",
    "Sampling",
    "StudyFolder",
    "Summary",
    "Table",
    "WeekTotals",
    "check_shape",
    "number",
    "outdated",
    "read_folder",
    "read_json",
    "to_table",
]

MANIFEST, TABLES, LAYERS_FILE, REJECTED = "summary.json", "tables.json", "gaps.gpkg", "rejected.csv"
_HOURS = 168
# What a report cannot do without; "hours" and its sisters are there where the week was studied.
_NEEDED: dict[str, str] = {
    "curve": "minutes covered_share",
    "times": "level name median_s worst_tenth_s",
    "services": "service stations stations_unknown",
    "kinds": "kind stations",
    "hosts": "host stations",
    "modes": "mode travel",
    "backup": "standard share_with_1 share_with_2",
    "stations": "id name lost_demand_per_h adds_nothing",
    "equity": "level name",
    "sensitivity": "what covered_share",
    "intervals": "what low high replicates",
    "hours": "hour demand_per_h covered_per_h covered_share always_per_h",
    "gap_areas": "rank unserved_demand_per_h",
}
_LAYERS = ("gap_areas", "stations", "hot_zones", "districts", "places", "gained", "lost")
Cell = str | int | float | bool | None


class PlainTable(TypedDict):
    """A table as JSON holds it; what is unknown or does not exist is null."""

    columns: list[str]
    rows: list[list[Cell]]


class Result(TypedDict):
    """One standard's totals; what does not exist is null."""

    standard: str
    limit_s: float
    demand_per_h: float
    covered_demand_per_h: float
    covered_share: float | None
    covered_share_if_unknown_open: float | None
    covered_share_if_unknown_offered: float | None  # null where no service or host is asked for
    covered_share_straight_line: float | None  # for comparison, where times are along roads
    area_m2: float | None
    covered_area_m2: float | None
    covered_area_exact_m2: float | None
    gaps: int
    unserved_demand_per_h: float


class WeekTotals(TypedDict):
    """The first standard over a whole week."""

    monday: str
    standard: str
    covered_share: float | None
    possible_share: float | None
    offered_share: float | None  # the most, with unknown services granted too; as of Result
    always_share: float | None
    lost_to_hours: float | None
    worst_hour: int | None
    worst_unserved_per_h: float


class Sampling(TypedDict):
    """How polygons were turned into points for the tables, and what that changes."""

    points: int
    cell_m: float
    covered_share: float | None  # of the first standard, to hold against the polygons'


class Summary(TypedDict):
    """The manifest: what was run, on what, with which settings, and the totals."""

    title: str
    made_at: str
    program: str
    illustrative: bool
    data_hash: str
    data_version: str
    as_of: str | None
    travel: str
    network: str  # digest of what the roads were read from; empty as the crow flies
    credit: str  # whose roads they are, where somebody is owed a notice
    hours: str
    stations_counted: int
    stations_hours_unknown: int | None  # null where opening hours are not considered
    stations_services_unknown: int | None  # null where no service or host is asked for
    filter: dict[str, list[str]]
    demand: str
    demand_rests_on: list[str]  # what hot zones that were built assumed; a sentence a build
    demand_unit: str  # orders an hour, the weight of points, or points
    results: list[Result]
    week: WeekTotals | None
    sampling: Sampling
    scenario: dict[str, str | list[str]] | None
    before: list[Result]
    rejected_points: int
    notes: list[str]
    warnings: list[str]  # what a reader must see first
    settings: dict[str, str | float | int]


@dataclass(frozen=True)
class Table:
    """A table as a report reads it: columns by name, and rows of plain cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def records(self) -> Iterator[dict[str, Cell]]:
        """Yield the rows with their columns' names."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def numbers(self, column: str) -> list[float | None]:
        """Return a column's numbers; none where there is no such column."""
        return [number(record.get(column)) for record in self.records()]


@dataclass(frozen=True)
class StudyFolder:
    """What a study's folder holds.

    Attributes
    ----------
    summary
        The manifest.
    tables
        By name, as ``locator/study/tables.py`` makes them, and ``gap_areas`` without its shapes.
    layers
        ``gaps`` of the first standard, and of ``gap_areas, stations, hot_zones, districts,
        places, gained, lost`` those that are there; EPSG:4326.
    rejected
        Header and rows of the rejected points.
    """

    summary: Summary
    tables: dict[str, Table]
    layers: dict[str, gpd.GeoDataFrame]
    rejected: list[list[str]] = field(default_factory=list)


def number(cell: Cell) -> float | None:
    """Return a cell's number; None where it is no finite number."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return float(cell) if math.isfinite(cell) else None


def read_folder(folder: Path) -> StudyFolder:
    """Read a study's folder.

    Raises
    ------
    InputError
        It is none, a file in it cannot be read, or another locator wrote it.
    """
    if not (folder / MANIFEST).is_file():
        raise InputError(
            f"{folder} is no folder of a study: it has no {MANIFEST}; "
            "make one with 'locator gaps' or 'locator site … --out FOLDER'."
        )
    summary = read_json(folder / MANIFEST)
    check_shape(summary, Summary, MANIFEST, folder)
    tables = read_json(folder / TABLES)
    check_shape(tables, dict[str, PlainTable], TABLES, folder)
    plain = cast("dict[str, PlainTable]", tables)
    found = {name: to_table(table, name, folder) for name, table in plain.items()}
    manifest = cast("Summary", summary)
    if not manifest["results"]:
        raise outdated(folder, f"{MANIFEST} has no results")
    layers = _read_layers(folder, manifest)
    areas = pd.DataFrame(layers["gap_areas"].drop(columns="geometry"))
    found["gap_areas"] = _plain(areas)
    _check_tables(found, manifest, folder)
    return StudyFolder(manifest, found, layers, _read_rejected(folder / REJECTED))


def _check_tables(tables: dict[str, Table], summary: Summary, folder: Path) -> None:
    weekly = summary["week"] is not None
    for name, columns in _NEEDED.items():
        if name not in tables:
            if name != "hours" or weekly:
                raise outdated(folder, f"{TABLES} has no table {name!r}")
            continue
        if lacking := [c for c in columns.split() if c not in tables[name].columns]:
            raise outdated(folder, f"the table {name!r} has no column {lacking[0]!r}")
    worst = summary["week"]["worst_hour"] if summary["week"] is not None else None
    if "hours" in tables and len(tables["hours"].rows) != _HOURS:
        raise outdated(folder, f"the table 'hours' does not have {_HOURS} rows")
    if worst is not None and not 0 <= worst < _HOURS:
        raise outdated(folder, f"{worst} is no hour of the week")


def read_json(path: Path, *, command: str = "gaps") -> object:
    """Return what a JSON file of a study holds.

    Raises
    ------
    InputError
        It cannot be read, or is none.
    """
    try:
        read: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON; run 'locator {command}' again.") from error
    return read


def outdated(folder: Path, why: str, *, command: str = "gaps") -> InputError:
    """Return the error of a folder that another locator wrote, or that was changed."""
    return InputError(f"{folder}: {why}; run 'locator {command}' again.")


def check_shape(
    value: object, kind: object, where: str, folder: Path, *, command: str = "gaps"
) -> None:
    """Refuse a value that a file holds if it has not the type, a ``TypedDict``, that it is to have.

    Raises
    ------
    InputError
        It has not; the sentence says where.
    """
    if (wrong := _first_wrong(value, kind, where)) is not None:
        raise outdated(folder, f"{wrong} is not what a study writes there", command=command)


def _first_wrong(value: object, kind: object, where: str) -> str | None:
    """Return where a value from a file first differs from the type it is to have."""
    if isinstance(kind, UnionType):
        found = [_first_wrong(value, option, where) for option in get_args(kind)]
        # Of "a table or nothing", the one that fits farthest tells what is wrong.
        return None if None in found else max((w for w in found if w), key=len)
    inner = _members(value, kind, where)
    if inner is None:
        return where
    return next((w for parts in inner if (w := _first_wrong(*parts)) is not None), None)


def _members(value: object, kind: object, where: str) -> list[tuple[object, object, str]] | None:
    """Return what a value holds, with the types to have; None where it is another type itself."""
    args: tuple[object, ...] = get_args(kind)
    if is_typeddict(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        return [(value.get(key, ...), hint, f"{where}, {key}") for key, hint in hints.items()]
    if get_origin(kind) is list and isinstance(value, list):
        return [(item, args[0], where) for item in value]
    if get_origin(kind) is dict and isinstance(value, dict):
        return [(item, args[1], f"{where}, {key}") for key, item in value.items()]
    if kind is float:
        return [] if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind is int:
        return [] if isinstance(value, int) and not isinstance(value, bool) else None
    if is_typeddict(kind):
        return None
    return [] if isinstance(kind, type) and isinstance(value, kind) else None


def to_table(table: PlainTable, name: str, folder: Path, *, command: str = "gaps") -> Table:
    """Return a table of a file; its rows must be as long as its header.

    Raises
    ------
    InputError
        One is not.
    """
    if any(len(row) != len(table["columns"]) for row in table["rows"]):
        why = f"{TABLES}, {name}: a row is not as long as the header"
        raise outdated(folder, why, command=command)
    return Table(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))


def _plain(frame: pd.DataFrame) -> Table:
    cells: Iterable[list[Cell]] = (
        [None if pd.isna(value) else value for value in frame[name].astype(object)]
        for name in frame.columns
    )
    return Table(tuple(str(name) for name in frame.columns), tuple(zip(*cells, strict=True)))


def _read_layers(folder: Path, summary: Summary) -> dict[str, gpd.GeoDataFrame]:
    path = folder / LAYERS_FILE
    slug = summary["results"][0]["standard"].replace(" ", "").replace(".", "_")
    names = {"gaps": f"gaps_{slug}"} | {name: name for name in _LAYERS}
    found = read_layers(path, list(names.values()))
    if lacking := {"gap_areas", "stations", names["gaps"]} - set(found):
        raise outdated(folder, f"{LAYERS_FILE} has no layer {min(lacking)!r}")
    return {name: found[layer] for name, layer in names.items() if layer in found}


def _read_rejected(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
