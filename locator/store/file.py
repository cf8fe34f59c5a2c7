"""The GeoPackage file of a store: its layers, our own tables, and the triggers.

Everything that must hold whoever writes (version, audit, extent) is a trigger, because QGIS
edits the file without going through this program.
"""

# ruff: noqa: S608 - every statement is made of names from the schema, nothing from outside

import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pyogrio

from locator.schema import CRS, LAYERS, Layer
from locator.store.styles import add_styles
from locator.store.tables import declare_column

# 1: the first. 2: audit rows hold the geometry and numbers exactly, and one moment a change.
# 3: documents that are kept, and background jobs. 4: what an edit from outside leaves empty is
# filled and dated by triggers; forms for QGIS. From 5 on, columns: each says since when it is.
_BEFORE_COLUMNS = 4
DOCUMENTS_SINCE = 3
OUTSIDE_ACTOR = "outside"  # an edit that did not come through this program


def newest_schema() -> int:
    """Return the schema that this program writes."""
    since = (column.since for layer in LAYERS.values() for column in layer.columns)
    return max(_BEFORE_COLUMNS, *since)


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
        for statement in (*_OWN_TABLES, *trigger_statements().values(), *document_statements()):
            connection.execute(statement)
        add_styles(connection)
        connection.executemany(
            "INSERT INTO locator_meta (key, value) VALUES (?, ?)",
            [
                ("schema_version", str(newest_schema())),
                ("store_id", uuid.uuid4().hex[:12]),
                ("version", "0"),
                ("actor", OUTSIDE_ACTOR),
                ("moment", None),
                ("jobs", "0"),
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


_DOCUMENTS = (
    "CREATE TABLE IF NOT EXISTS locator_kept (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
    "digest TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, made_at TEXT NOT NULL, "
    "data_version TEXT NOT NULL, title TEXT NOT NULL, question TEXT NOT NULL, "
    "size_bytes INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS locator_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
    "job TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, question TEXT NOT NULL, owner TEXT NOT NULL, "
    "state TEXT NOT NULL, share REAL NOT NULL, phase TEXT NOT NULL, objective REAL, bound REAL, "
    "made_at TEXT NOT NULL, started_at TEXT, ended_at TEXT, seen_at TEXT, pid INTEGER, mark TEXT, "
    "cancel INTEGER NOT NULL, answer BLOB, error TEXT)",
    "CREATE INDEX IF NOT EXISTS locator_jobs_state ON locator_jobs (state)",
)


def document_statements() -> tuple[str, ...]:
    """Return what makes the tables of kept documents and jobs, where they are not there yet.

    A kept document is never changed, whoever tries, and keeping and discarding are changes of the
    store. A job's row is not one: it only counts in ``locator_meta``, because every transaction
    must write the page that says whose log it is in (see ``connect.log_is_foreign``).
    """
    listed = (
        "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) "
        f"VALUES ('{table}', 'attributes', '{table}')"
        for table in ("locator_kept", "locator_jobs")
    )
    counted = (
        f"CREATE TRIGGER IF NOT EXISTS locator_jobs_{event.lower()} AFTER {event} ON locator_jobs "
        "BEGIN UPDATE locator_meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'jobs'; END"
        for event in ("INSERT", "UPDATE", "DELETE")
    )
    fixed = (
        "CREATE TRIGGER IF NOT EXISTS locator_kept_update BEFORE UPDATE ON locator_kept "
        "BEGIN SELECT RAISE(ABORT, 'a kept document never changes'); END"
    )
    return (
        *_DOCUMENTS,
        *listed,
        *counted,
        fixed,
        _kept_trigger("insert"),
        _kept_trigger("delete"),
    )


def _kept_trigger(action: str) -> str:
    row = "NEW" if action == "insert" else "OLD"
    names = ("digest", "kind", "made_at", "data_version", "title", "question", "size_bytes")
    pairs = ", ".join(f"'{name}', {row}.{name}" for name in names)
    facts = f"json_object({pairs})"
    values = f"NULL, {facts}" if action == "insert" else f"{facts}, NULL"
    return (
        f"CREATE TRIGGER IF NOT EXISTS locator_kept_{action} AFTER {action.upper()} "
        "ON locator_kept BEGIN UPDATE locator_meta SET value = CAST(value AS INTEGER) + 1 "
        "WHERE key = 'version'; "
        "INSERT INTO locator_audit (layer, feature_id, action, at, actor, before, after) "
        f"SELECT 'kept', {row}.digest, '{action}', {_MOMENT}, value, {values} "
        "FROM locator_meta WHERE key = 'actor'; "
        f"UPDATE gpkg_contents SET last_change = {_NOW} WHERE table_name = 'locator_kept'; END"
    )


def upgrade_file(connection: sqlite3.Connection, found: int) -> None:
    """Bring an older file to this schema, inside the caller's transaction."""
    if found < 2:
        connection.execute(
            "INSERT INTO locator_meta (key, value) VALUES ('moment', NULL) ON CONFLICT DO NOTHING"
        )
    if found < DOCUMENTS_SINCE:
        connection.execute(
            "INSERT INTO locator_meta (key, value) VALUES ('jobs', '0') ON CONFLICT DO NOTHING"
        )
        for statement in document_statements():
            connection.execute(statement)
    for layer in LAYERS.values():
        there = {row[1] for row in connection.execute(f'PRAGMA table_info("{layer.name}")')}
        for column in layer.columns:
            if column.since > found and column.name not in there:
                connection.execute(
                    f'ALTER TABLE "{layer.name}" ADD COLUMN {declare_column(column)}'
                )
    for name, statement in trigger_statements().items():
        connection.execute(f'DROP TRIGGER IF EXISTS "{name}"')
        connection.execute(statement)
    add_styles(connection)
    connection.execute(
        "UPDATE locator_meta SET value = ? WHERE key = 'schema_version'", (str(newest_schema()),)
    )


_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
# A change of ours has one moment for all its rows; an edit from outside has the clock's.
_MOMENT = f"coalesce((SELECT value FROM locator_meta WHERE key = 'moment'), {_NOW})"
_ACTIONS = (("insert", "INSERT", "NEW"), ("update", "UPDATE", "NEW"), ("delete", "DELETE", "OLD"))


def trigger_statements() -> dict[str, str]:
    """Return the triggers every store has, by name."""
    recorded = {
        f"locator_{layer.name}_{action}": _trigger(layer, action, event, row)
        for layer in LAYERS.values()
        for action, event, row in _ACTIONS
    }
    filled = {
        f"locator_{layer.name}_fill{action}": _fill_trigger(layer, action, event)
        for layer in LAYERS.values()
        for action, event, _ in _ACTIONS[:2]
    }
    return recorded | filled


_ACTOR = "(SELECT value FROM locator_meta WHERE key = 'actor')"
_FILLER = "filling"  # the actor while a trigger completes a row; the change is recorded with it
_STAMP = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


def _fills(layer: Layer, row: str) -> dict[str, str]:
    """Return what an edit from outside cannot know, by column: the moment, and what is left empty.

    QGIS writes NULL where a form was left alone; that a default stands in the DDL changes nothing.
    """
    fills = {
        column.name: f"coalesce({row}\"{column.name}\", '{column.default}')"
        for column in layer.columns
        if column.default is not None
    }
    return fills | {"updated_at": _STAMP}


def _fill_trigger(layer: Layer, action: str, event: str) -> str:
    sets = ", ".join(f'"{name}" = {value}' for name, value in _fills(layer, "").items())
    turn = "UPDATE locator_meta SET value = '{}' WHERE key = 'actor'; "
    return (
        f'CREATE TRIGGER "locator_{layer.name}_fill{action}" AFTER {event} ON "{layer.name}" '
        f"WHEN {_ACTOR} = '{OUTSIDE_ACTOR}' BEGIN "
        + turn.format(_FILLER)
        + f'UPDATE "{layer.name}" SET {sets} WHERE fid = NEW.fid; '
        + turn.format(OUTSIDE_ACTOR)
        + "END"
    )


def _trigger(layer: Layer, action: str, event: str, row: str) -> str:
    before = "NULL" if action == "insert" else _row_json(layer, "OLD", {})
    after = "NULL" if action == "delete" else _row_json(layer, "NEW", _fills(layer, "NEW."))
    when = f"WHEN {_ACTOR} IS NOT '{_FILLER}' " if action == "update" else ""
    return (
        f'CREATE TRIGGER "locator_{layer.name}_{action}" AFTER {event} ON "{layer.name}" {when}'
        "BEGIN UPDATE locator_meta SET value = CAST(value AS INTEGER) + 1 "
        "WHERE key = 'version'; "
        "INSERT INTO locator_audit (layer, feature_id, action, at, actor, before, after) "
        f"SELECT '{layer.name}', {row}.id, '{action}', {_MOMENT}, value, {before}, {after} "
        "FROM locator_meta WHERE key = 'actor'; "
        f"UPDATE gpkg_contents SET last_change = {_NOW}{_extent(row, action)} "
        f"WHERE table_name = '{layer.name}'; END"
    )


def _row_json(layer: Layer, row: str, fills: Mapping[str, str]) -> str:
    """Return a row as JSON; ``fills`` where the change comes from outside (``value`` is who)."""
    parts = []
    for column in layer.columns:
        own = f'{row}."{column.name}"'
        if column.name in fills:
            own = f"iif(value = '{OUTSIDE_ACTOR}', {fills[column.name]}, {own})"
        exact = _exact(own) if column.sql == "REAL" else own
        parts.append(f"'{column.name}', {exact}")
    if layer.geometry_type == "Point":
        parts += [f"'lon', ST_MinX({row}.geom)", f"'lat', ST_MinY({row}.geom)"]
    parts.append(f"'geom', hex({row}.geom)")
    return f"json_object({', '.join(parts)})"


def _exact(value: str) -> str:
    """Return a number with all its digits; json_object alone keeps fifteen."""
    finite = f"typeof({value}) = 'real' AND abs({value}) < 1e300"
    return f"CASE WHEN {finite} THEN json(printf('%!.17g', {value})) ELSE {value} END"


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
