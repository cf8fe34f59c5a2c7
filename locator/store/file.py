"""The GeoPackage file of a store: its layers, our own tables, and the triggers.

Everything that must hold whoever writes (version, audit, extent) is a trigger, because QGIS
edits the file without going through this program.
"""

# ruff: noqa: S608 - every statement is made of names from the schema, nothing from outside

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pyogrio

from locator.schema import CRS, LAYERS, Layer
from locator.store.tables import declare_column

__all__ = ["OUTSIDE_ACTOR", "SCHEMA_VERSION", "write_file"]

SCHEMA_VERSION = 1
OUTSIDE_ACTOR = "outside"  # an edit that did not come through this program


def write_file(path: Path) -> None:
    """Make an empty store: GDAL makes the file and its R-trees, the columns follow."""
    for layer in LAYERS.values():
        empty = gpd.GeoDataFrame(geometry=gpd.GeoSeries([], crs=CRS))
        pyogrio.write_dataframe(
            empty,
            path,
            layer=layer.name,
            driver="GPKG",
            geometry_type=layer.geometry_type,
            layer_options={"GEOMETRY_NAME": "geom", "FID": "fid", "SPATIAL_INDEX": "YES"},
        )
    _finish_file(path)


def _finish_file(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        for layer in LAYERS.values():
            for column in layer.columns:
                connection.execute(
                    f'ALTER TABLE "{layer.name}" ADD COLUMN {declare_column(column)}'
                )
            connection.execute(f'CREATE UNIQUE INDEX "{layer.name}_id" ON "{layer.name}" (id)')
        for statement in (*_OWN_TABLES, *_trigger_statements()):
            connection.execute(statement)
        connection.executemany(
            "INSERT INTO locator_meta (key, value) VALUES (?, ?)",
            [
                ("schema_version", str(SCHEMA_VERSION)),
                ("store_id", uuid.uuid4().hex[:12]),
                ("version", "0"),
                ("actor", OUTSIDE_ACTOR),
            ],
        )
        connection.commit()
    finally:
        connection.close()


_OWN_TABLES = (
    "CREATE TABLE locator_meta (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
    "key TEXT NOT NULL UNIQUE, value TEXT)",
    "CREATE TABLE locator_audit (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, layer TEXT, "
    "feature_id TEXT, action TEXT, at TEXT, actor TEXT, before TEXT, after TEXT)",
    "CREATE INDEX locator_audit_feature ON locator_audit (layer, feature_id)",
    "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
    "VALUES ('locator_audit', 'attributes', 'locator_audit')",
    "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
    "VALUES ('locator_meta', 'attributes', 'locator_meta')",
)

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


def _trigger_statements() -> Iterator[str]:
    for layer in LAYERS.values():
        for action, event, row in (
            ("insert", "INSERT", "NEW"),
            ("update", "UPDATE", "NEW"),
            ("delete", "DELETE", "OLD"),
        ):
            before = "NULL" if action == "insert" else _row_json(layer, "OLD")
            after = "NULL" if action == "delete" else _row_json(layer, "NEW")
            # Every part is a name from the schema; nothing comes from outside.
            yield (
                f'CREATE TRIGGER "locator_{layer.name}_{action}" AFTER {event} ON "{layer.name}" '
                "BEGIN UPDATE locator_meta SET value = CAST(value AS INTEGER) + 1 "
                "WHERE key = 'version'; "
                "INSERT INTO locator_audit (layer, feature_id, action, at, actor, before, after) "
                f"SELECT '{layer.name}', {row}.id, '{action}', {_NOW}, value, {before}, {after} "
                "FROM locator_meta WHERE key = 'actor'; "
                f"UPDATE gpkg_contents SET last_change = {_NOW}{_extent(row, action)} "
                f"WHERE table_name = '{layer.name}'; END"
            )


def _row_json(layer: Layer, row: str) -> str:
    parts = [f"'{c.name}', {row}.\"{c.name}\"" for c in layer.columns]
    if layer.geometry_type == "Point":
        parts += [f"'lon', ST_MinX({row}.geom)", f"'lat', ST_MinY({row}.geom)"]
    else:
        parts.append(f"'geom', hex({row}.geom)")
    return f"json_object({', '.join(parts)})"


def _extent(row: str, action: str) -> str:
    if action == "delete":  # the extent may be larger than the rows, never smaller
        return ""
    grown = [
        f"{name} = {pick}(coalesce({name}, ST_{function}({row}.geom)), "
        f"coalesce(ST_{function}({row}.geom), {name}))"
        for name, pick, function in (
            ("min_x", "min", "MinX"),
            ("min_y", "min", "MinY"),
            ("max_x", "max", "MaxX"),
            ("max_y", "max", "MaxY"),
        )
    ]
    return ", " + ", ".join(grown)
