"""The store as one OGC GeoPackage, written with plain SQLite while GDAL and QGIS read it."""

import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import geopandas as gpd
import sqlalchemy as sa

from locator.errors import StoreError, StoreMissingError, StoreVersionError
from locator.paths import written_whole
from locator.store.base import (
    AuditRow,
    Change,
    Document,
    DocumentFacts,
    FileStore,
    HistoryStore,
    Record,
    Revision,
    Where,
    stamp_of,
)
from locator.store.connect import Connections
from locator.store.documents import (
    check_document,
    digest_of,
    discard_row,
    keep_row,
    list_rows,
    read_row,
)
from locator.store.file import (
    DOCUMENTS_SINCE,
    OUTSIDE_ACTOR,
    newest_schema,
    upgrade_file,
    write_file,
)
from locator.store.jobs import JobRows
from locator.store.records import Counts
from locator.store.sql import apply_change, read_layer, read_since
from locator.store.tables import audit_table, meta_table
from locator.store.text import is_broken

_BUSY_S = 10.0
_ROADS = "roads"
_VERSION = "SELECT key, value FROM locator_meta WHERE key IN ('store_id', 'version')"


class GeoPackageStore(FileStore, HistoryStore):
    """A store in a GeoPackage file; use :meth:`create` or :meth:`open`, then close it."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime]) -> None:
        self.path, self.address = path, f"geopackage:{path}"
        self._clock = clock
        self._connections = Connections(path, busy_s=_BUSY_S, check=self._check)
        self._told: tuple[str, set[str]] = ("", set())
        self.jobs = JobRows(self._reading_documents, self._writing_documents, clock)

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
        with store._reading():
            return store

    def _check(self, connection: sa.Connection) -> None:
        """Refuse a file that is not a locator's store, or a newer locator's."""
        try:
            text = _meta(connection, "schema_version")
            found = -1 if is_broken(text) else int(text)
        except (sa.exc.OperationalError, StoreError, ValueError) as error:
            if isinstance(error, sa.exc.OperationalError) and "no such table" not in str(error):
                raise
            raise StoreVersionError(
                f"{self.path} is not a locator's store; choose another with --store, "
                "or make one with 'locator init'."
            ) from error
        if found < 0:
            raise StoreError(
                f"{self.path} has lost its schema version to bytes that are not UTF-8; run "
                "'locator doctor --mend', or restore a backup."
            )
        if found > newest_schema():
            raise StoreVersionError(
                f"{self.path} was written by a newer locator (schema {found}, this one knows "
                f"{newest_schema()}); update the program."
            )
        last = connection.execute(sa.select(sa.func.max(audit_table().c.id))).scalar_one()
        if last is not None and str(last) != _meta(connection, "version"):
            raise StoreError(
                f"{self.path} has {_meta(connection, 'version')} changes and a history of {last}: "
                "it was mixed with another copy; restore a backup, or run 'locator doctor --mend'."
            )

    def version(self) -> str:
        """See :class:`Store`."""
        with self._connections.asking() as connection:  # at every request, so the short way
            return _join_version(connection.execute(_VERSION).fetchall())

    def read(
        self,
        layer: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        where: Where | None = None,
        columns: Sequence[str] | None = None,
    ) -> gpd.GeoDataFrame:
        """See :class:`Store`."""
        with self._reading() as connection:
            told = self._aside(_version(connection))
            return read_layer(
                connection,
                layer,
                window=_window,
                aside=told,
                bbox=bbox,
                where=where,
                columns=columns,
            )

    def read_all(self, *layers: str) -> tuple[str, dict[str, gpd.GeoDataFrame]]:
        """See :class:`Store`."""
        with self._reading() as connection:
            version = _version(connection)
            told = self._aside(version)
            frames = (read_layer(connection, n, window=_window, aside=told) for n in layers)
            return version, dict(zip(layers, frames, strict=True))

    def apply(self, *changes: Change, actor: str) -> Revision:
        """See :class:`Store`."""
        counts = Counts()
        with self._connections.writing() as connection:
            with self._authored(connection, actor):
                for change in changes:
                    apply_change(connection, change, clock=self._clock, counts=counts)
            version = _version(connection)
        return counts.revision(version)

    def last_change(self) -> datetime | None:
        """See :class:`Store`."""
        table = audit_table()
        query = sa.select(table.c.at).order_by(table.c.id.desc()).limit(1)
        with self._reading() as connection:
            found = connection.execute(query).scalar_one_or_none()
        try:
            return None if found is None else datetime.fromisoformat(str(found))
        except ValueError:  # somebody wrote into the history; 'locator doctor' says so
            return None

    def audit(
        self,
        *,
        layer: str | None = None,
        feature_id: str | None = None,
        number: int | None = None,
    ) -> list[AuditRow]:
        """See :class:`HistoryStore`."""
        table = audit_table()
        query = sa.select(table).order_by(table.c.id)
        wanted = {table.c.layer: layer, table.c.feature_id: feature_id, table.c.id: number}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        with self._reading() as connection:
            return [AuditRow(*row) for row in connection.execute(query).all()]

    def read_since(self, layer: str, stamp: str) -> tuple[list[Record], list[AuditRow]]:
        """See :class:`HistoryStore`."""
        with self._reading() as connection:
            return read_since(connection, layer, stamp)

    def keep_document(
        self,
        kind: str,
        title: str,
        question: str,
        body: bytes,
        *,
        made_at: datetime,
        data_version: str | None = None,
        actor: str = "locator",
    ) -> str:
        """See :class:`Store`."""
        check_document(kind, title, question, body, made_at)
        digest, facts = digest_of(kind, title, question, body), (kind, title, question)
        if self.read_document(digest) is not None:
            return digest
        with self._writing_documents() as connection:
            if read_row(connection, digest) is not None:  # somebody was faster
                return digest
            version = _version(connection) if data_version is None else data_version
            with self._authored(connection, actor):
                keep_row(connection, facts, body, made_at=made_at, data_version=version)
        return digest

    def list_documents(self, kind: str | None = None) -> tuple[DocumentFacts, ...]:
        """See :class:`Store`."""
        with self._reading() as connection:
            return list_rows(connection, kind) if _has_documents(connection) else ()

    def read_document(self, digest: str) -> Document | None:
        """See :class:`Store`."""
        with self._reading() as connection:
            return read_row(connection, digest) if _has_documents(connection) else None

    def discard_document(self, digest: str, *, actor: str = "locator") -> bool:
        """See :class:`Store`."""
        if all(facts.digest != digest for facts in self.list_documents()):
            return False
        with self._writing_documents() as connection, self._authored(connection, actor):
            return discard_row(connection, digest)

    def migrate(self) -> int:
        """Bring an older store to this version, a backup beside it first.

        Returns
        -------
        int
            The schema version after it; a store that has it already is not touched.
        """
        with self._reading() as connection:
            found = int(_meta(connection, "schema_version"))
        if found == newest_schema():
            return found
        self.backup(free_name(self.path, f"schema-{found}"))
        with self._connections.writing() as connection:
            found = int(_meta(connection, "schema_version"))  # somebody may have been faster
            if found < newest_schema():
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)  # noqa: S101
                upgrade_file(driver, found)
        return newest_schema()

    def roads_source(self) -> str:
        """See :class:`Store`."""
        table = meta_table()
        query = sa.select(table.c.value).where(table.c.key == _ROADS)
        with self._reading() as connection:
            return str(connection.execute(query).scalar_one_or_none() or "")

    def remember_roads(self, source: str) -> None:
        """See :class:`Store`; no row that is shown changes, so the version stays."""
        table = meta_table()
        with self._connections.writing() as connection:
            connection.execute(sa.delete(table).where(table.c.key == _ROADS))
            if source:
                connection.execute(sa.insert(table).values(key=_ROADS, value=source))

    def backup(self, target: Path) -> None:
        """See :class:`FileStore`."""
        if target.exists():
            raise StoreError(f"{target} exists already; name a new file for the backup.")
        with self._reading() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)  # noqa: S101
            try:
                with written_whole(target) as draft, closing(sqlite3.connect(draft)) as copy:
                    source.backup(copy)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"The backup {target} could not be written: {error}.") from error

    def close(self) -> None:
        """See :class:`Store`."""
        self._connections.close()

    def _aside(self, version: str) -> Callable[[str], None]:
        """Return what logs a sentence about a row kept aside, once a version."""

        def tell(sentence: str) -> None:
            if self._told[0] != version:
                self._told = (version, set())
            if sentence not in self._told[1]:
                self._told[1].add(sentence)
                logging.getLogger("locator").warning("%s", sentence)

        return tell

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return self._connections.reading()

    @contextmanager
    def _authored(self, connection: sa.Connection, actor: str) -> Iterator[None]:
        """Tell the triggers who writes, and one moment for all rows: no state shows half of it."""
        _set_author(connection, actor, stamp_of(self._clock()))
        yield
        _set_author(connection, OUTSIDE_ACTOR, None)

    @contextmanager
    def _reading_documents(self) -> Iterator[sa.Connection]:
        with self._reading() as connection:
            self._refuse_old(connection)
            yield connection

    @contextmanager
    def _writing_documents(self) -> Iterator[sa.Connection]:
        with self._connections.writing() as connection:
            self._refuse_old(connection)
            yield connection

    def _refuse_old(self, connection: sa.Connection) -> None:
        if not _has_documents(connection):
            raise StoreVersionError(
                f"{self.path} was made by an older locator and can keep neither documents nor "
                "jobs; run 'locator init', which brings it up to date after a backup."
            )


def free_name(path: Path, purpose: str) -> Path:
    """Return a name beside a file that no file has yet, for a backup that says what it is for."""
    names = (
        path.with_name(f"{path.stem}-{purpose}{number}{path.suffix}")
        for number in ("", *(f"-{n}" for n in range(2, 1_000_000)))
    )
    return next(name for name in names if not name.exists())


def _meta(connection: sa.Connection, key: str) -> str:
    table = meta_table()
    query = sa.select(table.c.value).where(table.c.key == key)
    value = connection.execute(query).scalar_one_or_none()
    if value is None:
        raise StoreError(f"The store has lost its {key}; restore a backup.")
    return str(value)


def _has_documents(connection: sa.Connection) -> bool:
    return int(_meta(connection, "schema_version")) >= DOCUMENTS_SINCE


def _version(connection: sa.Connection) -> str:
    return _join_version(connection.exec_driver_sql(_VERSION).all())


def _join_version(rows: Iterable[Sequence[object]]) -> str:
    meta = {str(key): str(value) for key, value in rows}
    if len(meta) != 2:
        raise StoreError("The store has lost its version; restore a backup.")
    text = f"{meta['store_id']}-{meta['version']}"
    return text.encode("ascii", "backslashreplace").decode()  # it stands in headers


def _window(table: sa.Table, bbox: tuple[float, float, float, float]) -> sa.ColumnElement[bool]:
    west, south, east, north = bbox
    tree = sa.table(
        f"rtree_{table.name}_geom", *(sa.column(c) for c in ("id", "minx", "maxx", "miny", "maxy"))
    )
    found = sa.select(tree.c.id).where(
        tree.c.minx <= east, tree.c.maxx >= west, tree.c.miny <= north, tree.c.maxy >= south
    )
    return table.c.fid.in_(found)


def _set_author(connection: sa.Connection, actor: str, moment: str | None) -> None:
    """Tell the triggers who writes, and when."""
    table = meta_table()
    for key, value in (("actor", actor), ("moment", moment)):
        connection.execute(sa.update(table).where(table.c.key == key).values(value=value))


def _publish(draft: Path, path: Path) -> None:
    """Give the finished file its name without ever overwriting another's."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise StoreError(f"{path} exists already; it was not touched.") from error
    except OSError:  # a file system without hard links
        draft.replace(path)
