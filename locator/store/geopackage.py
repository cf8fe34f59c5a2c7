"""The store as one OGC GeoPackage, written with plain SQLite while GDAL and QGIS read it."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import geopandas as gpd
import shapely
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from locator.errors import StoreBusyError, StoreError, StoreMissingError, StoreVersionError
from locator.paths import written_whole
from locator.store.base import AuditRow, Change, Revision, Where
from locator.store.file import OUTSIDE_ACTOR, SCHEMA_VERSION, write_file
from locator.store.sql import Counts, apply_change, read_layer
from locator.store.tables import audit_table, geometry_wkb, meta_table

__all__ = ["GeoPackageStore"]

_BUSY_S = 10.0


class GeoPackageStore:
    """A store in a GeoPackage file; use :meth:`create` or :meth:`open`, then close it."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime]) -> None:
        self.path = path
        self._clock = clock
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_S}
        )
        sa.event.listen(self._engine, "connect", _on_connect)
        sa.event.listen(self._engine, "begin", _on_begin)
        self._writer = self._engine.execution_options(writes=True)

    @classmethod
    def create(cls, path: Path, *, clock: Callable[[], datetime]) -> Self:
        """Make an empty store; the file appears only when it is whole.

        Raises
        ------
        StoreError
            A file is there already, or the folder cannot be written.
        """
        if path.exists():
            raise StoreError(f"{path} exists already; it was not touched.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".locator-") as folder:
                draft = Path(folder) / "draft.gpkg"
                write_file(draft)
                _publish(draft, path)
        except OSError as error:
            raise StoreError(
                f"No store can be made at {path}: {error.strerror or error}; choose another place "
                "with --store geopackage:PATH."
            ) from error
        return cls.open(path, clock=clock)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], datetime]) -> Self:
        """Open the store in a file, and check that it is one of ours.

        Raises
        ------
        StoreMissingError
            There is no such file.
        StoreVersionError
            It is not a locator's store, or a newer locator wrote it.
        """
        if not path.is_file():
            raise StoreMissingError(f"There is no store at {path} yet; run 'locator init' first.")
        store = cls(path, clock=clock)
        try:
            store._check_version()
        except StoreVersionError:
            store.close()
            raise
        return store

    def _check_version(self) -> None:
        try:
            found = int(self._meta("schema_version"))
        except (sa.exc.DatabaseError, StoreError, ValueError) as error:
            raise StoreVersionError(
                f"{self.path} is not a locator's store; choose another with --store, "
                "or make one with 'locator init'."
            ) from error
        if found > SCHEMA_VERSION:
            raise StoreVersionError(
                f"{self.path} was written by a newer locator (schema {found}, this one knows "
                f"{SCHEMA_VERSION}); update the program."
            )

    def _meta(self, key: str) -> str:
        table = meta_table()
        with self._reading() as connection:
            value = connection.execute(
                sa.select(table.c.value).where(table.c.key == key)
            ).scalar_one_or_none()
        if value is None:
            raise StoreError(f"{self.path} has lost its {key}; restore a backup.")
        return str(value)

    def version(self) -> str:
        """Return a text that changes with every committed write, whoever made it."""
        with self._reading() as connection:
            return _version(connection)

    def read(
        self,
        layer: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        where: Where | None = None,
    ) -> gpd.GeoDataFrame:
        """Return a layer's rows in EPSG:4326, ordered by id; see :class:`Store`."""
        with self._reading() as connection:
            return read_layer(connection, layer, bbox=bbox, where=where, window=_window)

    def read_all(self, *layers: str) -> tuple[str, dict[str, gpd.GeoDataFrame]]:
        """Read several layers and the version they belong to, as of one moment."""
        with self._reading() as connection:
            version = _version(connection)
            frames = {
                layer: read_layer(connection, layer, bbox=None, where=None, window=_window)
                for layer in layers
            }
        return version, frames

    def apply(self, *changes: Change, actor: str) -> Revision:
        """Commit changes in one transaction, with audit rows under the actor's name.

        Raises
        ------
        InputError, ConflictError
            A change is wrong or contradicts what is stored; nothing was written.
        StoreBusyError
            Somebody else held the file for more than ten seconds.
        StoreError
            The file cannot be written (disk full, read-only).
        """
        counts = Counts()
        try:
            with self._writer.begin() as connection:
                _set_actor(connection, actor)
                for change in changes:
                    apply_change(connection, change, clock=self._clock, counts=counts)
                _set_actor(connection, OUTSIDE_ACTOR)
        except sa.exc.OperationalError as error:
            raise self._explain(error) from error
        return Revision(
            version=self.version(),
            inserted=counts.inserted,
            updated=counts.updated,
            unchanged=counts.unchanged,
            closed=counts.closed,
            removed=counts.removed,
        )

    def audit(self, *, layer: str | None = None, feature_id: str | None = None) -> list[AuditRow]:
        """Return the audit rows, oldest first."""
        table = audit_table()
        query = sa.select(table).order_by(table.c.id)
        if layer is not None:
            query = query.where(table.c.layer == layer)
        if feature_id is not None:
            query = query.where(table.c.feature_id == feature_id)
        with self._reading() as connection:
            return [AuditRow(*row) for row in connection.execute(query).all()]

    def migrate(self) -> int:
        """Bring an older store to this version; this first version has none older to bring."""
        return int(self._meta("schema_version"))

    def backup(self, target: Path) -> None:
        """Write a whole copy of the store as it is now, in use or not, to a new file.

        Raises
        ------
        StoreError
            The target exists already or cannot be written.
        """
        if target.exists():
            raise StoreError(f"{target} exists already; name a new file for the backup.")
        try:
            with (
                written_whole(target) as draft,
                closing(sqlite3.connect(self.path)) as source,
                closing(sqlite3.connect(draft)) as copy,
            ):
                source.backup(copy)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The backup {target} could not be written: {error}.") from error

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            raise self._explain(error) from error

    def _explain(self, error: sa.exc.OperationalError) -> StoreError:
        reason = str(error.orig)
        if "locked" in reason or "busy" in reason:
            return StoreBusyError(
                f"{self.path} was locked by another program for {_BUSY_S:.0f} s; try again."
            )
        return StoreError(f"{self.path}: {reason}; nothing was written.")


def _version(connection: sa.Connection) -> str:
    table = meta_table()
    query = sa.select(table.c.key, table.c.value).where(table.c.key.in_(["store_id", "version"]))
    meta = {str(key): str(value) for key, value in connection.execute(query)}
    if len(meta) != 2:
        raise StoreError("The store has lost its version; restore a backup.")
    return f"{meta['store_id']}-{meta['version']}"


def _on_connect(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Set what holds for one connection only; QGIS turns WAL off when it is alone."""
    del record
    connection.isolation_level = None  # we say BEGIN ourselves, see _on_begin
    for number, name in enumerate(("MinX", "MinY", "MaxX", "MaxY")):
        connection.create_function(f"ST_{name}", 1, _bound(number), deterministic=True)
    connection.create_function("ST_IsEmpty", 1, _is_empty, deterministic=True)
    cursor = connection.cursor()
    # A read-only folder is read without WAL; a file that is no database fails the version check.
    with suppress(sqlite3.DatabaseError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a power cut must not lose what was acknowledged
    cursor.close()


def _on_begin(connection: sa.Connection) -> None:
    # A deferred BEGIN that later wants to write fails at once when somebody else has written.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _bound(number: int) -> Callable[[bytes | None], float | None]:
    def bound(blob: bytes | None) -> float | None:
        if blob is None:
            return None
        value = float(shapely.from_wkb(geometry_wkb(blob)).bounds[number])
        return None if value != value else value  # noqa: PLR0124 - NaN: an empty geometry

    return bound


def _is_empty(blob: bytes | None) -> int | None:
    return None if blob is None else int(shapely.from_wkb(geometry_wkb(blob)).is_empty)


def _window(table: sa.Table, bbox: tuple[float, float, float, float]) -> sa.ColumnElement[bool]:
    west, south, east, north = bbox
    tree = sa.table(
        f"rtree_{table.name}_geom", *(sa.column(c) for c in ("id", "minx", "maxx", "miny", "maxy"))
    )
    found = sa.select(tree.c.id).where(
        tree.c.minx <= east, tree.c.maxx >= west, tree.c.miny <= north, tree.c.maxy >= south
    )
    return table.c.fid.in_(found)


def _set_actor(connection: sa.Connection, actor: str) -> None:
    table = meta_table()
    connection.execute(sa.update(table).where(table.c.key == "actor").values(value=actor))


def _publish(draft: Path, path: Path) -> None:
    """Give the finished file its name without ever overwriting another's."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise StoreError(f"{path} exists already; it was not touched.") from error
    except OSError:  # a file system without hard links
        draft.replace(path)
