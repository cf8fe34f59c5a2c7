"""Reading and writing layers through SQLAlchemy Core: one code path for every store."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import geopandas as gpd
import sqlalchemy as sa

from locator.errors import StoreVersionError
from locator.schema import LAYERS, Status, check_frame
from locator.store.base import AuditRow, Cell, Change, Record, Where
from locator.store.records import (
    Counts,
    already_stored,
    changed_record,
    changed_since,
    check_closable,
    choose_columns,
    find_layer,
    frame_of_rows,
    to_records,
)
from locator.store.tables import audit_table, layer_table, meta_table
from locator.store.text import fetch_all, keep_whole

_IDS_PER_QUERY = 500  # SQLite's oldest limit is 999 variables a statement


class Window(Protocol):
    """A store's own way to say "its box meets this box"."""

    def __call__(
        self, table: sa.Table, bbox: tuple[float, float, float, float]
    ) -> sa.ColumnElement[bool]:
        """Return the condition."""


def read_layer(
    connection: sa.Connection,
    layer: str,
    *,
    window: Window,
    aside: Callable[[str], None],
    bbox: tuple[float, float, float, float] | None = None,
    where: Where | None = None,
    columns: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Read a layer as a frame; rows whose geometry is missing are left out.

    Rows with text that is not UTF-8 are, too; ``aside`` is told of each in a sentence.
    """
    spec, table = find_layer(layer), layer_table(layer, _schema(connection))
    chosen = choose_columns(spec, columns)
    # What a store of an older schema has no column for is unknown.
    named = [table.c.get(column.name, sa.null()) for column in chosen]
    query = (
        sa.select(table.c.fid, table.c.geom, *named)
        .where(table.c.geom.is_not(None))
        .order_by(table.c.id)
    )
    if bbox is not None:
        query = query.where(window(table, bbox))
    for name, wanted in (where or {}).items():
        choose_columns(spec, [name])
        column = table.c.get(name, sa.null())
        query = query.where(
            column == wanted if isinstance(wanted, str) else column.in_(list(wanted))
        )
    rows, broken = fetch_all(connection, query)
    if broken:
        names = [column.name for column in chosen]
        rows, sentences = keep_whole(layer, rows, names)
        for sentence in sentences:
            aside(sentence)
    return frame_of_rows(layer, rows, chosen)


def _schema(connection: sa.Connection) -> int:
    meta = meta_table()
    query = sa.select(meta.c.value).where(meta.c.key == "schema_version")
    return int(connection.execute(query).scalar_one())


def read_since(
    connection: sa.Connection, layer: str, stamp: str
) -> tuple[list[Record], list[AuditRow]]:
    """Read all rows of a layer, and the audit rows after the last change at or before a moment."""
    audit, table = audit_table(), layer_table(layer, _schema(connection))
    last = sa.select(sa.func.max(audit.c.id)).where(audit.c.layer == layer, audit.c.at <= stamp)
    since = (
        sa.select(audit)
        .where(audit.c.layer == layer, audit.c.id > sa.func.coalesce(last.scalar_subquery(), 0))
        .order_by(audit.c.id)
    )
    rows = [AuditRow(*row) for row in connection.execute(since).all()]
    found = connection.execute(sa.select(table)).mappings()
    return [{str(name): value for name, value in row.items()} for row in found], rows


def apply_change(
    connection: sa.Connection, change: Change, *, clock: Callable[[], datetime], counts: Counts
) -> None:
    """Carry out one change inside the caller's transaction.

    Raises
    ------
    InputError
        The frame breaks its layer's contract.
    StoreVersionError
        The frame says something that an older store has no column for.
    ConflictError
        ``on_existing="error"`` and an id is stored already, or a row has changed after
        ``unchanged_since``.
    """
    find_layer(change.layer)
    whole = isinstance(change.upserts, gpd.GeoDataFrame)
    stamp = clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    table = layer_table(change.layer, _schema(connection))
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
    records = to_records(_fitting(piece, table), change.layer)
    ids = [str(r["id"]) for r in records]
    if change.unchanged_since is not None:
        _refuse_changed(connection, change, [*ids, *change.removals], change.unchanged_since)
    stored = _read_stored(connection, table, ids)
    if change.on_existing == "error" and stored:
        raise already_stored(stored)
    new = [r | {"updated_at": stamp} for r in records if r["id"] not in stored]
    old = [changed_record(r, stored[str(r["id"])]) for r in records if r["id"] in stored]
    changed = [r | {"updated_at": stamp} for r in old if r is not None]
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
            sa.select(audit)
            .where(audit.c.layer == change.layer, audit.c.id > since)
            .where(audit.c.feature_id.in_(chunk))
            .order_by(audit.c.id.desc())
        )
        newer = connection.execute(query.limit(1)).first()
        if newer is not None:
            raise changed_since(AuditRow(*newer))


def _fitting(piece: gpd.GeoDataFrame, table: sa.Table) -> gpd.GeoDataFrame:
    """Leave out what a store of an older schema has no column for, and refuse what is said there.

    Raises
    ------
    StoreVersionError
        A row says something in such a column.
    """
    given = [column.name for column in LAYERS[table.name].given if column.name in piece]
    late = [name for name in given if name not in table.c]
    for name in late:
        if piece[name].notna().any():
            raise StoreVersionError(
                f"The store was made by an older locator and has no column {name!r}; run "
                "'locator init', which brings it up to date after a backup."
            )
    return piece.drop(columns=late)


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
    check_closable(find_layer(change.layer))
    still = table.c.status.is_distinct_from(Status.CLOSED.value)
    values = {"status": Status.CLOSED.value, "updated_at": stamp}
    closing = connection.execute(sa.update(table).where(gone, still).values(values))
    counts.closed += closing.rowcount
