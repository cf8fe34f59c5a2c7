"""A siting study's folder, and one of several moments, as a report reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import geopandas as gpd

from locator.files import read_layers
from locator.reporting.folder import (
    MANIFEST,
    TABLES,
    PlainTable,
    Table,
    check_shape,
    outdated,
    read_json,
    to_table,
)
from locator.reporting.sites_folder import (
    BACKGROUND_LAYERS,
    CERTIFICATE,
    COMPARISON,
    COMPARISON_COLUMNS,
    LAYERS_OF,
    SITES_CSV,
    SITES_GEOJSON,
    SITES_LAYERS,
    TABLES_OF,
    Asked,
    Comparison,
    SiteSummary,
)

__all__ = [
    "ComparedFolder",
    "SiteFolder",
    "is_comparison",
    "is_siting",
    "read_compared",
    "read_sites",
]

_COMMAND = "site"
_NEEDED = (*LAYERS_OF, "stations")


@dataclass(frozen=True)
class SiteFolder:
    """What a siting study's folder holds.

    Attributes
    ----------
    summary, asked
        The manifest, and what was asked.
    tables
        By name, those of :data:`locator.reporting.sites_folder.TABLES_OF`.
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
    studies: tuple[SiteFolder, ...]
    table: Table


def is_siting(folder: Path) -> bool:
    """Tell whether a folder is of a siting study."""
    return any((folder / name).is_file() for name in (SITES_CSV, SITES_GEOJSON, SITES_LAYERS))


def is_comparison(folder: Path) -> bool:
    """Tell whether a folder is of a siting study of several moments."""
    return (folder / COMPARISON).is_file()


def read_sites(folder: Path) -> SiteFolder:
    """Read a siting study's folder.

    Raises
    ------
    InputError
        A file in it cannot be read, or another locator wrote it.
    """
    summary = read_json(folder / MANIFEST, command=_COMMAND)
    check_shape(summary, SiteSummary, MANIFEST, folder, command=_COMMAND)
    manifest = cast("SiteSummary", summary)
    check_shape(manifest["question"], Asked, f"{MANIFEST}, question", folder, command=_COMMAND)
    tables = read_json(folder / TABLES, command=_COMMAND)
    check_shape(tables, dict[str, PlainTable], TABLES, folder, command=_COMMAND)
    plain = cast("dict[str, PlainTable]", tables)
    found = {}
    for name, columns in TABLES_OF.items():
        if name not in plain:
            raise outdated(folder, f"{TABLES} has no table {name!r}", command=_COMMAND)
        found[name] = to_table(plain[name], name, folder, command=_COMMAND)
        _check_columns(found[name], name, columns, folder)
    return SiteFolder(
        summary=manifest,
        asked=cast("Asked", manifest["question"]),
        tables=found,
        layers=_read_layers(folder),
        certificate=(folder / CERTIFICATE).is_file(),
    )


def read_compared(folder: Path) -> ComparedFolder:
    """Read the folder of several moments, with the folder of each.

    Raises
    ------
    InputError
        A file in it cannot be read, or another locator wrote it.
    """
    read = read_json(folder / COMPARISON, command=_COMMAND)
    check_shape(read, Comparison, COMPARISON, folder, command=_COMMAND)
    compared = cast("Comparison", read)
    moments, names = compared["moments"], compared["folders"]
    if len(moments) < 2 or len(moments) != len(names):
        raise outdated(folder, f"{COMPARISON} does not have a folder a moment", command=_COMMAND)
    for name in names:
        if Path(name).name != name or not (folder / name / MANIFEST).is_file():
            raise outdated(folder, f"the folder {name!r} of a moment is missing", command=_COMMAND)
    table = to_table(compared["table"], "comparison", folder, command=_COMMAND)
    _check_columns(table, "comparison", COMPARISON_COLUMNS, folder)
    studies = tuple(read_sites(folder / name) for name in names)
    return ComparedFolder(tuple(moments), studies, table)


def _check_columns(table: Table, name: str, columns: tuple[str, ...], folder: Path) -> None:
    if lacking := [column for column in columns if column not in table.columns]:
        raise outdated(folder, f"the table {name!r} has no column {lacking[0]!r}", command=_COMMAND)


def _read_layers(folder: Path) -> dict[str, gpd.GeoDataFrame]:
    path = folder / SITES_LAYERS
    layers = read_layers(path, [*_NEEDED, *BACKGROUND_LAYERS])
    if lacking := [name for name in _NEEDED if name not in layers]:
        what = f"{SITES_LAYERS} has no layer {lacking[0]!r}"
        raise outdated(folder, what, command=_COMMAND)
    for name, columns in {**LAYERS_OF, "stations": ("eligible",)}.items():
        for column in columns:
            if column not in layers[name]:
                what = f"the layer {name!r} has no column {column!r}"
                raise outdated(folder, what, command=_COMMAND)
    return layers
