"""What a study's folder holds, read back and checked against its contract."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import cast, get_args, get_origin, get_type_hints, is_typeddict

import geopandas as gpd
import pandas as pd

from locator.errors import InputError
from locator.files import read_layers
from locator.report.folder import (
    BACKGROUND_LAYERS,
    CERTIFICATE,
    COMPARISON,
    COMPARISON_COLUMNS,
    FOLDER_VERSION,
    GAPS_LAYERS,
    LAYERS_OF,
    MANIFEST,
    REJECTED,
    SITES_CSV,
    SITES_GEOJSON,
    SITES_LAYERS,
    TABLES,
    TABLES_OF,
    Asked,
    Cell,
    Comparison,
    PlainTable,
    SiteSummary,
    Summary,
    Table,
)

_HOURS = 168
# What a gap report cannot do without; "hours" is there where the week was studied.
_GAP_TABLES: dict[str, str] = {
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
}
_GAP_AREAS = "rank unserved_demand_per_h"
_GAP_LAYERS = ("gap_areas", "stations", "hot_zones", "districts", "places", "gained", "lost")


@dataclass(frozen=True)
class GapsFolder:
    """What a gap study's folder holds.

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
    rejected: list[list[str]]


@dataclass(frozen=True)
class SitesFolder:
    """What a siting study's folder holds.

    Attributes
    ----------
    summary, asked
        The manifest, and what was asked.
    tables
        By name, those of :data:`locator.report.folder.TABLES_OF`.
    layers
        Those of ``LAYERS_OF`` and of ``BACKGROUND_LAYERS`` that are there; EPSG:4326.
    certificate
        Whether the numbers lie beside it from which the bound is recomputed.
    """

    summary: SiteSummary
    asked: Asked
    tables: dict[str, Table]
    layers: dict[str, gpd.GeoDataFrame]
    certificate: bool


@dataclass(frozen=True)
class ComparedFolder:
    """What the folder of several moments holds: one study a moment, and what differs."""

    moments: tuple[str, ...]
    studies: tuple[SitesFolder, ...]
    table: Table


def read_folder(folder: Path) -> GapsFolder | SitesFolder | ComparedFolder:
    """Read the folder of any study; what lies in it tells which.

    Raises
    ------
    InputError
        It is none, a file in it cannot be read, or another locator wrote it.
    """
    if (folder / COMPARISON).is_file():
        return read_compared(folder)
    if any((folder / name).is_file() for name in (SITES_CSV, SITES_GEOJSON, SITES_LAYERS)):
        return read_sites(folder)
    return read_gaps(folder)


def read_gaps(folder: Path) -> GapsFolder:
    """Read a gap study's folder.

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
    files = _Files(folder, "gaps")
    summary = cast("Summary", files.manifest(MANIFEST, Summary))
    tables = files.tables()
    if not summary["results"]:
        raise files.outdated(f"{MANIFEST} has no results")
    slug = summary["results"][0]["standard"].replace(" ", "").replace(".", "_")
    names = {"gaps": f"gaps_{slug}"} | {name: name for name in _GAP_LAYERS}
    needed = sorted(("gap_areas", "stations", names["gaps"]))
    found = files.layers(GAPS_LAYERS, list(names.values()), needed)
    layers = {name: found[layer] for name, layer in names.items() if layer in found}
    for name, columns in _GAP_TABLES.items():
        if name != "hours" or name in tables or summary["week"] is not None:
            files.check_table(tables, name, columns.split())
    tables["gap_areas"] = _without_shapes(layers["gap_areas"])
    files.check_table(tables, "gap_areas", _GAP_AREAS.split())
    if "hours" in tables and len(tables["hours"].rows) != _HOURS:
        raise files.outdated(f"the table 'hours' does not have {_HOURS} rows")
    worst = summary["week"]["worst_hour"] if summary["week"] is not None else None
    if worst is not None and not 0 <= worst < _HOURS:
        raise files.outdated(f"{worst} is no hour of the week")
    return GapsFolder(summary, tables, layers, _read_rejected(folder / REJECTED))


def read_sites(folder: Path) -> SitesFolder:
    """Read a siting study's folder.

    Raises
    ------
    InputError
        A file in it cannot be read, or another locator wrote it.
    """
    files = _Files(folder, "site")
    summary = cast("SiteSummary", files.manifest(MANIFEST, SiteSummary))
    files.check_shape(summary["question"], Asked, f"{MANIFEST}, question")
    tables = files.tables()
    for name, columns in TABLES_OF.items():
        files.check_table(tables, name, columns)
    needed = (*LAYERS_OF, "stations")
    layers = files.layers(SITES_LAYERS, [*needed, *BACKGROUND_LAYERS], needed)
    for name, columns in {**LAYERS_OF, "stations": ("eligible",)}.items():
        for column in columns:
            if column not in layers[name]:
                raise files.outdated(f"the layer {name!r} has no column {column!r}")
    return SitesFolder(
        summary=summary,
        asked=cast("Asked", summary["question"]),
        tables={name: tables[name] for name in TABLES_OF},
        layers=layers,
        certificate=(folder / CERTIFICATE).is_file(),
    )


def read_compared(folder: Path) -> ComparedFolder:
    """Read the folder of several moments, with the folder of each.

    Raises
    ------
    InputError
        A file in it cannot be read, or another locator wrote it.
    """
    files = _Files(folder, "site")
    compared = cast("Comparison", files.manifest(COMPARISON, Comparison))
    moments, names = compared["moments"], compared["folders"]
    if len(moments) < 2 or len(moments) != len(names):
        raise files.outdated(f"{COMPARISON} does not have a folder a moment")
    for name in names:
        if Path(name).name != name or not (folder / name / MANIFEST).is_file():
            raise files.outdated(f"the folder {name!r} of a moment is missing")
    table = files.table(compared["table"], "comparison")
    files.check_table({"comparison": table}, "comparison", COMPARISON_COLUMNS)
    studies = tuple(read_sites(folder / name) for name in names)
    return ComparedFolder(tuple(moments), studies, table)


@dataclass(frozen=True)
class _Files:
    """The files of a folder, and the command that makes it anew."""

    folder: Path
    command: str

    def outdated(self, why: str) -> InputError:
        """Return the error of a folder that an older locator wrote, or that was changed."""
        return InputError(f"{self.folder}: {why}; run 'locator {self.command}' again.")

    def manifest(self, name: str, kind: object) -> object:
        """Return what a manifest holds, if this locator reads folders of its number."""
        read = self._json(name)
        if isinstance(read, dict):
            inner = read.get("summaries")
            for each in (read, *(inner if isinstance(inner, list) else [])):
                if isinstance(each, dict):
                    each.setdefault("folder_version", 1)
            version = read["folder_version"]
            if isinstance(version, int) and version > FOLDER_VERSION:
                raise InputError(
                    f"{self.folder} is of version {version}, which a newer locator wrote, and "
                    f"this one reads folders up to {FOLDER_VERSION}; update it, or run 'locator "
                    f"{self.command}' again."
                )
        self.check_shape(read, kind, name)
        return read

    def tables(self) -> dict[str, Table]:
        """Return the tables by name."""
        read = self._json(TABLES)
        self.check_shape(read, dict[str, PlainTable], TABLES)
        plain = cast("dict[str, PlainTable]", read)
        return {name: self.table(table, name) for name, table in plain.items()}

    def table(self, plain: PlainTable, name: str) -> Table:
        """Return a table of a file, if its rows are as long as its header."""
        if any(len(row) != len(plain["columns"]) for row in plain["rows"]):
            raise self.outdated(f"{TABLES}, {name}: a row is not as long as the header")
        return Table(tuple(plain["columns"]), tuple(tuple(row) for row in plain["rows"]))

    def layers(
        self, name: str, wanted: Iterable[str], needed: Iterable[str]
    ) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers that are there, if those that are needed are."""
        found = read_layers(self.folder / name, list(wanted))
        if lacking := [layer for layer in needed if layer not in found]:
            raise self.outdated(f"{name} has no layer {lacking[0]!r}")
        return found

    def check_table(self, tables: Mapping[str, Table], name: str, columns: Iterable[str]) -> None:
        """Refuse tables without one, or one without a column."""
        if name not in tables:
            raise self.outdated(f"{TABLES} has no table {name!r}")
        if lacking := [column for column in columns if column not in tables[name].columns]:
            raise self.outdated(f"the table {name!r} has no column {lacking[0]!r}")

    def check_shape(self, value: object, kind: object, where: str) -> None:
        """Refuse a value that has not the type, a ``TypedDict``, that it is to have."""
        if (wrong := _first_wrong(value, kind, where)) is not None:
            raise self.outdated(f"{wrong} is not what a study writes there")

    def _json(self, name: str) -> object:
        path = self.folder / name
        try:
            read: object = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not JSON; run 'locator {self.command}' again.") from error
        return read


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


def _without_shapes(areas: gpd.GeoDataFrame) -> Table:
    frame = pd.DataFrame(areas.drop(columns="geometry"))
    cells: Iterable[list[Cell]] = (
        [None if pd.isna(value) else value for value in frame[name].astype(object)]
        for name in frame.columns
    )
    return Table(tuple(str(name) for name in frame.columns), tuple(zip(*cells, strict=True)))


def _read_rejected(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
