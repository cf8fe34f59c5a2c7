"""Reading and writing layers through SQLAlchemy Core: one code path for every store."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry import MultiPolygon, Polygon

from locator.errors import ConflictError, InputError, StoreError
from locator.schema import CRS, LAYERS, SAME_PLACE_DEG, Column, Status, check_frame
from locator.store.base import AuditRow, Cell, Change, Record, Where
from locator.store.tables import audit_table, layer_table
from locator.store.text import fetch_all, keep_whole

__all__ = ["Counts", "apply_change", "make_frame", "read_layer", "read_since"]

_IDS_PER_QUERY = 500  # SQLite's oldest limit is 999 variables a statement
_HUGE = 1e300  # more than any number means; SQLite keeps infinity, too
_KEPT_BY_US = frozenset({"updated_at"})


class Window(Protocol):
    """A store's own way to say "its box meets this box"."""

    def __call__(
        self, table: sa.Table, bbox: tuple[float, float, float, float]
    ) -> sa.ColumnElement[bool]:
        """Return the condition."""


class Counts:
    """What one transaction has done so far."""

    def __init__(self) -> None:
        self.inserted = self.updated = self.unchanged = self.closed = self.removed = 0


def read_layer(
    connection: sa.Connection,
    layer: str,
    *,
    bbox: tuple[float, float, float, float] | None,
    where: Where | None,
    columns: Sequence[str] | None,
    window: Window,
    aside: Callable[[str], None],
) -> gpd.GeoDataFrame:
    """Read a layer as a frame; rows whose geometry is missing are left out.

    Rows with text that is not UTF-8 are, too; ``aside`` is told of each in a sentence.
    """
    if layer not in LAYERS:
        raise InputError(f"There is no layer {layer!r}; there are {', '.join(LAYERS)}.")
    table = layer_table(layer)
    wanted_columns = _columns(layer, columns)
    named = [table.c[column.name] for column in wanted_columns]
    query = (
        sa.select(table.c.fid, table.c.geom, *named)
        .where(table.c.geom.is_not(None))
        .order_by(table.c.id)
    )
    if bbox is not None:
        query = query.where(window(table, bbox))
    for name, wanted in (where or {}).items():
        if name not in LAYERS[layer].column_names:
            raise InputError(f"The layer {layer!r} has no column {name!r}.")
        column = table.c[name]
        query = query.where(
            column == wanted if isinstance(wanted, str) else column.in_(list(wanted))
        )
    rows, broken = fetch_all(connection, query)
    if broken:
        names = [column.name for column in wanted_columns]
        rows, sentences = keep_whole(layer, rows, names)
        for sentence in sentences:
            aside(sentence)
    return _to_frame(layer, rows, wanted_columns)


def _columns(layer: str, names: Sequence[str] | None) -> list[Column]:
    columns = LAYERS[layer].columns
    missing = set(names or ()) - {column.name for column in columns}
    if missing:
        raise InputError(f"The layer {layer!r} has no column {min(missing)!r}.")
    return [column for column in columns if names is None or column.name in names]


def read_since(
    connection: sa.Connection, layer: str, stamp: str
) -> tuple[list[Record], list[AuditRow]]:
    """Read all rows of a layer, and the audit rows after the last change at or before a moment."""
    audit, table = audit_table(), layer_table(layer)
    last = sa.select(sa.func.max(audit.c.id)).where(audit.c.layer == layer, audit.c.at <= stamp)
    since = (
        sa.select(audit)
        .where(audit.c.layer == layer, audit.c.id > sa.func.coalesce(last.scalar_subquery(), 0))
        .order_by(audit.c.id)
    )
    rows = [AuditRow(*row) for row in connection.execute(since).all()]
    found = connection.execute(sa.select(table)).mappings()
    return [{str(name): value for name, value in row.items()} for row in found], rows


def make_frame(layer: str, records: Sequence[Record]) -> gpd.GeoDataFrame:
    """Make a frame of rows, as :func:`read_layer` would."""
    names = LAYERS[layer].column_names
    rows = [(None, r["geom"], *(r[name] for name in names)) for r in records]
    return _to_frame(layer, rows, LAYERS[layer].columns)


def _to_frame(
    layer: str, rows: Sequence[Sequence[Cell]], columns: Sequence[Column]
) -> gpd.GeoDataFrame:
    data: dict[str, object] = {}
    for offset, column in enumerate(columns, start=2):  # fid and geom come first
        values = [row[offset] for row in rows]
        if column.dtype == "integer":
            whole = [v if isinstance(v, int) else _whole(v) for v in values]
            data[column.name] = pd.Series(whole, dtype="Int64")
        elif column.dtype == "number":
            finite = [v if isinstance(v, float) and abs(v) < _HUGE else _number(v) for v in values]
            data[column.name] = pd.Series(finite, dtype="float64")
        else:
            data[column.name] = pd.Series(values, dtype=object)
    try:
        geometry = gpd.GeoSeries.from_wkb([row[1] for row in rows], crs=CRS)
    except shapely.GEOSException as error:
        raise StoreError(
            f"A geometry in the layer {layer!r} cannot be read; 'locator doctor' says which."
        ) from error
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)


def _number(value: Cell) -> float | None:
    """Return a number, or None for what is none: SQLite keeps anything in any column."""
    return float(value) if isinstance(value, int | float) and abs(value) < _HUGE else None


def _whole(value: Cell) -> int | None:
    number = _number(value)
    return (
        int(number) if number is not None and number.is_integer() and abs(number) < 2**62 else None
    )


def apply_change(
    connection: sa.Connection, change: Change, *, clock: Callable[[], datetime], counts: Counts
) -> None:
    """Carry out one change inside the caller's transaction.

    Raises
    ------
    InputError
        The frame breaks its layer's contract.
    ConflictError
        ``on_existing="error"`` and an id is stored already, or a row has changed after
        ``unchanged_since``.
    """
    if change.layer not in LAYERS:
        raise InputError(f"There is no layer {change.layer!r}; there are {', '.join(LAYERS)}.")
    whole = isinstance(change.upserts, gpd.GeoDataFrame)
    stamp = clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    table = layer_table(change.layer)
    with _present_ids(connection) as present:
        for piece in [change.upserts] if whole else change.upserts:
            ids = _upsert(connection, table, change, piece, stamp, counts)
            if ids and change.absent != "keep":
                connection.execute(sa.insert(present), [{"id": i} for i in ids])
        _remove(connection, table, change.removals, counts)
        if change.absent != "keep":
            _treat_absent(connection, table, present, change, stamp, counts)


def _upsert(
    connection: sa.Connection,
    table: sa.Table,
    change: Change,
    piece: gpd.GeoDataFrame,
    stamp: str,
    counts: Counts,
) -> list[str]:
    """Insert and update the rows of a piece; return their ids."""
    check_frame(piece, change.layer)
    records = _to_records(piece, change.layer)
    ids = [str(r["id"]) for r in records]
    if change.unchanged_since is not None:
        _refuse_changed(connection, change, [*ids, *change.removals], change.unchanged_since)
    stored = _read_stored(connection, table, ids)
    if change.on_existing == "error" and stored:
        some = ", ".join(sorted(stored)[:5])
        raise ConflictError(
            f"{len(stored)} of the ids are in the store already ({some}); "
            "use --mode merge to update them, or give the new rows other ids."
        )
    new = [r | {"updated_at": stamp} for r in records if r["id"] not in stored]
    old = [_settled(r, stored[str(r["id"])]) for r in records if r["id"] in stored]
    changed = [r | {"updated_at": stamp} for r in old if _differs(r, stored[str(r["id"])])]
    if new:
        connection.execute(sa.insert(table), new)
    if changed:
        _update(connection, table, changed)
    counts.inserted += len(new)
    counts.updated += len(changed)
    counts.unchanged += len(old) - len(changed)
    return ids


@contextmanager
def _present_ids(connection: sa.Connection) -> Iterator[sa.Table]:
    """Give a temporary table for the ids of a change, which may be too many for memory."""
    table = sa.Table(
        "locator_present",
        sa.MetaData(),
        sa.Column("id", sa.Text, primary_key=True),
        prefixes=["TEMPORARY"],
    )
    table.create(connection, checkfirst=False)
    yield table
    table.drop(connection, checkfirst=False)


def _remove(connection: sa.Connection, table: sa.Table, ids: Sequence[str], counts: Counts) -> None:
    for chunk in _chunks(ids, _IDS_PER_QUERY):
        removed = connection.execute(sa.delete(table).where(table.c.id.in_(chunk)))
        counts.removed += removed.rowcount


def _refuse_changed(
    connection: sa.Connection, change: Change, ids: Sequence[str], since: int
) -> None:
    audit = audit_table()
    for chunk in _chunks(ids, _IDS_PER_QUERY):
        query = (
            sa.select(audit.c.feature_id, audit.c.at, audit.c.actor, audit.c.id)
            .where(audit.c.layer == change.layer, audit.c.id > since)
            .where(audit.c.feature_id.in_(chunk))
            .order_by(audit.c.id.desc())
        )
        newer = connection.execute(query).first()
        if newer is not None:
            raise ConflictError(
                f"{newer[0]!r} was changed since by {newer[2]} ({newer[1]}, change {newer[3]}); "
                "nothing was written; undo that change first."
            )


def _to_records(frame: gpd.GeoDataFrame, layer: str) -> list[Record]:
    spec = LAYERS[layer]
    columns = [c for c in spec.columns if c.name in frame and c.name not in _KEPT_BY_US]
    geometry = frame.geometry.to_numpy()
    if spec.geometry_type == "MultiPolygon":
        geometry = [MultiPolygon([g]) if isinstance(g, Polygon) else g for g in geometry]
    records: list[Record] = [{"geom": bytes(wkb)} for wkb in shapely.to_wkb(geometry, byte_order=1)]
    for column in columns:
        values = frame[column.name]
        for record, value in zip(records, values, strict=True):
            record[column.name] = _plain(value, column.dtype)
    # A new row takes the default where the file has the column but left the cell empty.
    defaults = {c.name: c.default for c in columns if c.default is not None}
    for record in records:
        for name, default in defaults.items():
            if record[name] is None:
                record[name] = default
    return records


def _plain(value: object, dtype: str) -> Cell:
    if dtype == "profile" and isinstance(value, (list, np.ndarray)):
        return json.dumps([float(share) for share in value])
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if dtype == "integer":
        return int(str(value).removesuffix(".0"))
    if dtype == "number":
        return float(str(value))
    return str(value)


def _read_stored(
    connection: sa.Connection, table: sa.Table, ids: Sequence[str]
) -> dict[str, Mapping[str, Cell]]:
    stored: dict[str, Mapping[str, Cell]] = {}
    for chunk in _chunks(ids, _IDS_PER_QUERY):
        query = sa.select(table).where(table.c.id.in_(chunk))
        for row in connection.execute(query).mappings():
            stored[str(row["id"])] = {str(name): value for name, value in row.items()}
    return stored


def _chunks(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _settled(record: Record, stored: Mapping[str, Cell]) -> Record:
    """Return a row with the stored position if it is the same to the decimals that files hold.

    Else a register that was exported and imported would change rows of which nobody changed a word.
    """
    new, old = record["geom"], stored["geom"]
    if new == old or not isinstance(new, bytes) or not isinstance(old, bytes):
        return record
    with suppress(shapely.GEOSException):  # a damaged geometry is another one
        a, b = shapely.from_wkb(new), shapely.from_wkb(old)
        moved = [abs(get(a) - get(b)) for get in (shapely.get_x, shapely.get_y)]
        if all(part <= SAME_PLACE_DEG for part in moved):  # NaN, of what is no point, is not
            return record | {"geom": old}
    return record


def _differs(record: Record, stored: Mapping[str, Cell]) -> bool:
    return any(stored[name] != value for name, value in record.items())


def _update(connection: sa.Connection, table: sa.Table, records: list[Record]) -> None:
    names = [name for name in records[0] if name != "id"]
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
    )
    rows = [
        {"row_id": record["id"]} | {f"new_{name}": record[name] for name in names}
        for record in records
    ]
    connection.execute(statement, rows)


def _treat_absent(
    connection: sa.Connection,
    table: sa.Table,
    present: sa.Table,
    change: Change,
    stamp: str,
    counts: Counts,
) -> None:
    gone = table.c.id.not_in(sa.select(present.c.id))
    if change.absent == "remove":
        counts.removed += connection.execute(sa.delete(table).where(gone)).rowcount
        return
    if "status" not in table.c:
        raise InputError(f"Rows of {change.layer!r} have no status; they cannot be closed.")
    still = table.c.status.is_distinct_from(Status.CLOSED.value)
    values = {"status": Status.CLOSED.value, "updated_at": stamp}
    closing = connection.execute(sa.update(table).where(gone, still).values(values))
    counts.closed += closing.rowcount
