"""What :mod:`locator.store.doctor` looks for in a store's file, a function a matter."""

# ruff: noqa: S608 - every statement is made of names from the schema, nothing from outside

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import shapely

from locator.errors import StoreError
from locator.schema import LAYERS, Column, Layer
from locator.store.faults import MENDABLE, Check, Fault
from locator.store.file import (
    document_statements,
    newest_schema,
    trigger_statements,
    upgrade_file,
    write_file,
)
from locator.store.tables import declare_column, geometry_srs, geometry_wkb
from locator.store.text import is_broken, shown
from locator.store.text_checks import (
    check_documents,
    check_history,
    check_meta,
    check_numbers,
    check_rows,
    check_schema_text,
)

_SHOWN = 5
_TYPE_IDS = {"Point": 0, "MultiPolygon": 6}
_BY_HAND = "Put the rows right in QGIS, or import them again."


def look(connection: sqlite3.Connection, check: Check) -> list[Fault]:
    """Return what one check finds; pages that cannot be read are a finding, too."""
    try:
        return list(check(connection))
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return [Fault(f"the file is damaged: {error}", "the file", "Restore a backup.")]


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the schema version that a file says it has."""
    query = "SELECT value FROM locator_meta WHERE key = 'schema_version'"
    text = connection.execute(query).fetchone()[0]
    if not is_broken(text):
        return int(text)
    documents = "SELECT count(*) FROM sqlite_master WHERE name IN ('locator_kept', 'locator_jobs')"
    return newest_schema() if connection.execute(documents).fetchone()[0] == 2 else 1


# --- the file as a whole ----------------------------------------------------------------------


def _check_pages(connection: sqlite3.Connection) -> Iterator[Fault]:
    def reindex(connection: sqlite3.Connection) -> None:
        connection.execute("REINDEX")
        if _integrity(connection) != ["ok"]:
            raise StoreError("restore a backup")

    found = _integrity(connection)
    if found == ["ok"]:
        return
    some = "; ".join(found[:_SHOWN])
    if all("index" in line for line in found):
        yield Fault(f"an index does not fit its rows: {some}", "the file", MENDABLE, reindex)
    else:
        yield Fault(f"the file is damaged: {some}", "the file", "Restore a backup.")


def _integrity(connection: sqlite3.Connection) -> list[str]:
    return [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]


def _check_keys(connection: sqlite3.Connection) -> Iterator[Fault]:
    for table, fid, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        what = f"a row names a row of {parent} that does not exist"
        yield Fault(what, f"{table}, row {fid}", "Restore a backup.")


def _check_schema(connection: sqlite3.Connection) -> Iterator[Fault]:
    found = schema_version(connection)
    if found < newest_schema():
        what = f"the store has schema {found}; this program writes {newest_schema()}"
        yield Fault(what, "the file", MENDABLE, lambda c: upgrade_file(c, found))


def _check_version(connection: sqlite3.Connection) -> Iterator[Fault]:
    version, last = connection.execute(
        "SELECT (SELECT CAST(value AS INTEGER) FROM locator_meta WHERE key = 'version'), "
        "(SELECT max(id) FROM locator_audit)"
    ).fetchone()
    if last is not None and version != last:
        what = f"the store counts {version} changes and its history {last}"
        advice = "Compare the rows with a backup: the file may have been mixed with another copy."
        yield Fault(what, "the file", advice, lambda _: None)  # _record sets both alike


# --- a layer's own parts ----------------------------------------------------------------------


def _columns(connection: sqlite3.Connection, layer: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{layer}")')}


def _whole_layers(connection: sqlite3.Connection) -> list[Layer]:
    needed = {"fid", "geom", "id"}
    return [spec for name, spec in LAYERS.items() if needed <= _columns(connection, name)]


def _check_columns(connection: sqlite3.Connection) -> Iterator[Fault]:
    schema = schema_version(connection)
    for name, spec in LAYERS.items():
        there = _columns(connection, name)
        if not {"fid", "geom"} <= there:
            what = "the layer is gone, or its columns fid and geom are"
            yield Fault(what, name, "Restore a backup.")
            continue
        for column in spec.columns:
            if column.name not in there and column.since <= schema:  # mending it makes the others
                statement = f'ALTER TABLE "{name}" ADD COLUMN {declare_column(column)}'
                what = f"the column {column.name!r} is missing"
                yield Fault(what, name, MENDABLE, _run(statement))


def _run(*statements: str) -> Callable[[sqlite3.Connection], None]:
    def run(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return run


def _check_ids(connection: sqlite3.Connection) -> Iterator[Fault]:
    for layer in _whole_layers(connection):
        name = layer.name
        twice = connection.execute(
            f'SELECT id FROM "{name}" WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1'
        ).fetchall()
        if twice:
            some = ", ".join(str(row[0]) for row in twice[:_SHOWN])
            yield Fault(f"{len(twice)} ids stand more than once", f"{name}: {some}", _BY_HAND)
        elif not _has_unique_id(connection, name):
            statement = f'CREATE UNIQUE INDEX "{name}_id" ON "{name}" (id)'
            drop = f'DROP INDEX IF EXISTS "{name}_id"'
            what = "the index that keeps ids unique is missing"
            yield Fault(what, name, MENDABLE, _run(drop, statement))
        without = _fids(connection, name, "id IS NULL OR trim(id) = ''")
        if without:
            yield Fault("rows have no id", _rows(name, without), _BY_HAND)


def _has_unique_id(connection: sqlite3.Connection, layer: str) -> bool:
    for row in connection.execute(f'PRAGMA index_list("{layer}")').fetchall():
        columns = connection.execute(f'PRAGMA index_info("{row[1]}")').fetchall()
        if row[2] and not row[4] and [column[2] for column in columns] == ["id"]:
            return True
    return False


def _fids(connection: sqlite3.Connection, layer: str, condition: str) -> list[int]:
    query = f'SELECT fid FROM "{layer}" WHERE {condition} ORDER BY fid'
    return [int(row[0]) for row in connection.execute(query)]


def _rows(layer: str, fids: Sequence[int]) -> str:
    more = f" and {len(fids) - _SHOWN} more" if len(fids) > _SHOWN else ""
    return f"{layer}, fid {', '.join(map(str, fids[:_SHOWN]))}{more}"


def _check_triggers(connection: sqlite3.Connection) -> Iterator[Fault]:
    there = _triggers(connection)
    current = schema_version(connection) == newest_schema()
    layers = {layer.name for layer in _whole_layers(connection)}
    for name, statement in trigger_statements().items():
        layer = name.removeprefix("locator_").rpartition("_")[0]
        if layer not in layers or not current:  # mending the schema makes them
            continue
        if there.get(name) != statement:
            state = "is not as it should be" if name in there else "is missing"
            what = f"the trigger {name} {state}; changes may be missing from the history"
            remedy = _run(f'DROP TRIGGER IF EXISTS "{name}"', statement)
            yield Fault(what, layer, MENDABLE, remedy)


def _check_shelves(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look for the tables of kept documents and jobs, and what guards them."""
    if schema_version(connection) < newest_schema():
        return  # mending the schema makes them
    with closing(sqlite3.connect(":memory:")) as model:
        model.execute("CREATE TABLE gpkg_contents (table_name PRIMARY KEY, data_type, identifier)")
        for statement in document_statements():
            model.execute(statement)
        wanted, there = _parts(model), _parts(connection)
    wrong = sorted(part for part in wanted if there.get(part) != wanted[part])
    if wrong:
        names = ", ".join(dict.fromkeys(name for _, name in wrong))
        drops = [f"DROP {kind} IF EXISTS {name}" for kind, name in wrong if kind == "TRIGGER"]
        remedy = _run(*drops, *document_statements())
        yield Fault(f"missing or not as it should be: {names}", "the file", MENDABLE, remedy)


def _parts(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Return triggers with their text, and the names of tables and of what GDAL lists."""
    query = (
        "SELECT upper(type), name, iif(type = 'trigger', sql, '') FROM sqlite_master "
        "WHERE type IN ('table', 'index', 'trigger') "
        "UNION ALL SELECT 'LISTED', table_name, data_type FROM gpkg_contents"
    )
    rows = connection.execute(query).fetchall()
    return {(kind, name): text for kind, name, text in rows if name.startswith("locator_")}


def _triggers(connection: sqlite3.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    return {str(name): str(sql) for name, sql in connection.execute(query)}


# --- what is made from the rows ---------------------------------------------------------------


def _check_trees(connection: sqlite3.Connection) -> Iterator[Fault]:
    triggers = _triggers(connection)
    for layer in _whole_layers(connection):
        tree = f"rtree_{layer.name}_geom"
        kept = all(any(n.startswith(f"{tree}_{k}") for n in triggers) for k in _TREE_TRIGGERS)
        what = "the R-tree or its triggers are missing"
        with suppress(sqlite3.Error):
            wrong = _count_wrong_boxes(connection, layer.name)
            if kept and not wrong:
                continue
            if kept:
                what = f"{wrong} rows are not in the R-tree where they are on the map"
        yield Fault(what, layer.name, MENDABLE, _rebuild_tree(layer.name))


_TREE_TRIGGERS = ("insert", "update", "delete")


def _count_wrong_boxes(connection: sqlite3.Connection, layer: str) -> int:
    wrong, orphans = connection.execute(
        f'SELECT (SELECT count(*) FROM "{layer}" t LEFT JOIN rtree_{layer}_geom r ON r.id = t.fid '
        "WHERE ST_MinX(t.geom) IS NOT NULL AND (r.id IS NULL OR r.minx > ST_MinX(t.geom) "
        "OR r.maxx < ST_MaxX(t.geom) OR r.miny > ST_MinY(t.geom) OR r.maxy < ST_MaxY(t.geom))), "
        f"(SELECT count(*) FROM rtree_{layer}_geom WHERE id NOT IN "
        f'(SELECT fid FROM "{layer}" WHERE geom IS NOT NULL))'
    ).fetchone()
    return int(wrong) + int(orphans)


def _rebuild_tree(layer: str) -> Callable[[sqlite3.Connection], None]:
    tree = f"rtree_{layer}_geom"

    def rebuild(connection: sqlite3.Connection) -> None:
        for name in _triggers(connection):
            if name.startswith(f"{tree}_"):
                connection.execute(f'DROP TRIGGER "{name}"')
        with suppress(sqlite3.Error):  # a table whose parts are missing goes part by part
            connection.execute(f'DROP TABLE IF EXISTS "{tree}"')
        connection.execute(f'CREATE VIRTUAL TABLE "{tree}" USING rtree(id, minx, maxx, miny, maxy)')
        connection.execute(
            f'INSERT INTO "{tree}" SELECT fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), '
            f'ST_MaxY(geom) FROM "{layer}" WHERE ST_MinX(geom) IS NOT NULL'
        )
        _copy_tree_parts(connection, layer)

    return rebuild


def _copy_tree_parts(connection: sqlite3.Connection, layer: str) -> None:
    """Take the triggers that keep an R-tree from a store made anew."""
    tree = f"rtree_{layer}_geom"
    with tempfile.TemporaryDirectory(prefix="locator-") as folder:
        model = Path(folder) / "model.gpkg"
        write_file(model)
        with closing(sqlite3.connect(model)) as fresh:
            triggers = _triggers(fresh)
            chosen = "WHERE extension_name = 'gpkg_rtree_index' AND table_name = ?"
            query = f"SELECT * FROM gpkg_extensions {chosen}"
            row = fresh.execute(query, (layer,)).fetchone()
    for name, statement in triggers.items():
        if name.startswith(f"{tree}_"):
            connection.execute(statement)
    if connection.execute(query, (layer,)).fetchone() is None:
        connection.execute("INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", row)


def _check_extents(connection: sqlite3.Connection) -> Iterator[Fault]:
    for layer in _whole_layers(connection):
        sides = (
            f'(SELECT min(ST_MinX(geom)) FROM "{layer.name}"), '
            f'(SELECT min(ST_MinY(geom)) FROM "{layer.name}"), '
            f'(SELECT max(ST_MaxX(geom)) FROM "{layer.name}"), '
            f'(SELECT max(ST_MaxY(geom)) FROM "{layer.name}")'
        )
        true = connection.execute(f"SELECT {sides}").fetchone()
        query = "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?"
        said = connection.execute(query, (layer.name,)).fetchone()
        if said is None:
            yield Fault("the table of contents lacks the layer", layer.name, "Restore a backup.")
        elif true[0] is not None and not _covers(said, true):
            statement = (
                f"UPDATE gpkg_contents SET (min_x, min_y, max_x, max_y) = ({sides}) "
                f"WHERE table_name = '{layer.name}'"
            )
            what = "the extent in the table of contents does not cover the rows"
            yield Fault(what, layer.name, MENDABLE, _run(statement))


def _covers(said: Sequence[float | None], true: Sequence[float]) -> bool:
    west, south, east, north = said
    if west is None or south is None or east is None or north is None:
        return False
    return west <= true[0] and south <= true[1] and east >= true[2] and north >= true[3]


# --- the rows themselves ----------------------------------------------------------------------


def _check_geometry(connection: sqlite3.Connection) -> Iterator[Fault]:
    for layer in _whole_layers(connection):
        rows = connection.execute(f'SELECT fid, geom FROM "{layer.name}" ORDER BY fid').fetchall()
        none = [fid for fid, blob in rows if blob is None]
        if none:
            yield Fault(
                "rows have no geometry; they are not shown", _rows(layer.name, none), _BY_HAND
            )
        given = [(fid, blob) for fid, blob in rows if blob is not None]
        for what, fids in _sort_by_fault(layer, given).items():
            yield Fault(what, _rows(layer.name, fids), _BY_HAND)


def _sort_by_fault(layer: Layer, rows: Sequence[tuple[int, object]]) -> dict[str, list[int]]:
    faults: dict[str, list[int]] = {}
    fids, bodies = [], []
    for fid, blob in rows:
        try:
            body = geometry_wkb(blob)  # type: ignore[arg-type] # SQLite keeps anything anywhere
            if geometry_srs(blob) != 4326:  # type: ignore[arg-type]
                faults.setdefault("geometry is not in EPSG:4326", []).append(fid)
        except (StoreError, TypeError):
            faults.setdefault("geometry is not a GeoPackage geometry", []).append(fid)
            continue
        fids.append(fid)
        bodies.append(body)
    for what, wrong in _look_at_shapes(layer, bodies).items():
        found = [fid for fid, bad in zip(fids, wrong, strict=True) if bad]
        if found:
            faults[what] = found
    return faults


def _look_at_shapes(layer: Layer, bodies: Sequence[bytes]) -> dict[str, Sequence[bool]]:
    shapes = shapely.from_wkb(np.array(bodies, dtype=object), on_invalid="ignore")
    kinds = shapely.get_type_id(shapes)
    bounds = shapely.bounds(shapes)
    outside = (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1) | (np.abs(bounds[:, 1::2]) > 90).any(
        axis=1
    )
    wrong_type = (kinds >= 0) & (kinds != _TYPE_IDS[layer.geometry_type])
    return {
        "geometry cannot be read": shapes == None,  # noqa: E711 - element by element
        f"geometry is not a {layer.geometry_type}": wrong_type,
        "geometry is empty": shapely.is_empty(shapes),
        "geometry lies outside the Earth's degrees": outside,
        "outlines cross themselves": (kinds >= 0) & ~shapely.is_valid(shapes),
    }


def _check_values(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look for codes, dates and amounts that are none.

    The program never writes them, other programs may; :func:`locator.schema.drop_unusable` says
    what is made of such a row, the same for every page, file and command.
    """
    for name, layer in LAYERS.items():
        there = _columns(connection, name)
        if "fid" not in there:
            continue  # another check says so
        for column in layer.columns:
            if column.name in there and column.name != "id":
                yield from _look_at_values(connection, name, column)


def _look_at_values(connection: sqlite3.Connection, layer: str, column: Column) -> Iterator[Fault]:
    own, empty, wrong = column.name, [], dict[int, object]()
    known: dict[object, bool] = {}
    for fid, value in connection.execute(f'SELECT fid, "{own}" FROM "{layer}" ORDER BY fid'):
        if value is None or str(value).strip() == "":
            empty.append(fid)
            continue
        if value not in known:
            known[value] = is_broken(value) or column.fits(value)  # that is another check's
        if not known[value]:
            wrong[fid] = value
    if empty and column.required:
        yield Fault(f"{own} is empty; not shown", _rows(layer, empty), _BY_HAND)
    if empty and column.default is not None:
        what = f"{own} is empty, which counts as {column.default}"
        yield Fault(what, _rows(layer, empty), MENDABLE, _fill(layer, column))
    if wrong:
        some = ", ".join(shown(value) for value in list(dict.fromkeys(wrong.values()))[:_SHOWN])
        fate = "not shown" if column.is_decisive else "read as unknown"
        yield Fault(f"{own} holds {some}; {fate}", _rows(layer, list(wrong)), _BY_HAND)


def _fill(layer: str, column: Column) -> Callable[[sqlite3.Connection], None]:
    def fill(connection: sqlite3.Connection) -> None:
        own = f'"{column.name}"'
        connection.execute(
            f"UPDATE \"{layer}\" SET {own} = ? WHERE {own} IS NULL OR trim({own}) = ''",
            (column.default,),
        )

    return fill


CHECKS: tuple[Check, ...] = (
    _check_pages,
    check_schema_text,
    check_meta,
    _check_keys,
    _check_columns,
    _check_schema,
    _check_version,
    _check_ids,
    _check_triggers,
    _check_shelves,
    check_rows,
    check_documents,
    check_history,
    check_numbers,
    _check_values,
    _check_trees,
    _check_extents,
    _check_geometry,
)
