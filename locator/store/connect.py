"""Connections to one GeoPackage file, which other programs write, move, replace and fill up.

A file can be replaced, cut short or deleted under a running program. SQLite would go on reading
the old one, or apply the old one's log to the new one; so each use looks at the file first.
"""

import re
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import shapely
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from locator.errors import StoreBusyError, StoreError, StoreMissingError, StoreVersionError
from locator.store.tables import geometry_wkb
from locator.store.text import lenient

_CANNOT_OPEN = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_FILE_HEADER, _LOG_HEADER, _FRAME_HEADER = 100, 32, 24
_POINT = struct.Struct("<BIdd")  # a point's WKB, little-endian
_POINT_START = b"\x01\x01\x00\x00\x00"


@dataclass(frozen=True)
class _Trace:
    """What a file looked like when it was last used: which one it is, and how long."""

    file: tuple[int, int]
    size: int
    mtime_ns: int
    log: int | None  # inode of the -wal beside it

    @classmethod
    def of(cls, path: Path) -> "_Trace":
        try:
            found = path.stat()
        except FileNotFoundError as error:
            raise StoreMissingError(
                f"There is no store at {path} (any more); restore a backup, or run 'locator init'."
            ) from error
        except OSError as error:
            raise StoreError(f"{path} cannot be reached: {error.strerror or error}.") from error
        log = None
        with suppress(OSError):
            log = _beside(path, "-wal").stat().st_ino
        return cls((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns, log)


class Connections:
    """Pooled connections to one file; opened when first used, anew when the file is another.

    Parameters
    ----------
    path
        The GeoPackage.
    busy_s
        How long to wait for somebody else's lock.
    check
        Called with the first connection to a file; raises if it is not one of ours.
    """

    def __init__(
        self, path: Path, *, busy_s: float, check: Callable[[sa.Connection], None]
    ) -> None:
        self._path = path
        self._busy_s = busy_s
        self._check = check
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._trace: _Trace | None = None
        self._frozen = False

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment."""
        with self._explained(), self._current().connect() as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[sqlite3.Connection]:
        """Yield the driver's own connection for one reading statement, which needs no BEGIN."""
        with self._explained():
            pooled = self._current().raw_connection()
            try:
                yield cast("sqlite3.Connection", pooled.driver_connection)
            finally:
                pooled.close()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection that may write; what it wrote is committed when the block ends well.

        Raises
        ------
        StoreError
            Nothing was written, or the file was replaced while it was written.
        """
        with self._explained():
            engine = self._current().execution_options(writes=True)
            with engine.begin() as connection:
                used = _Trace.of(self._path)
                yield connection
        if _Trace.of(self._path).file != used.file:
            raise StoreError(
                f"{self._path} was replaced while it was written, and the change went with the "
                "old file; do it again."
            )

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            self._drop()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise explain(self._path, error.orig, self._busy_s) from error
        except sqlite3.Error as error:
            raise explain(self._path, error, self._busy_s) from error
        except UnicodeError as error:  # in a message of SQLite's, or a text to look for
            raise StoreError(
                f"{self._path}: a text is not UTF-8; run 'locator doctor', or restore a backup."
            ) from error

    def _current(self) -> sa.Engine:
        with self._lock:
            trace = _Trace.of(self._path)
            if self._engine is None or self._trace is None:
                return self._open(trace)
            if trace.file != self._trace.file:
                return self._follow(trace)
            shorter = trace.size < self._trace.size
            rewritten = self._frozen and trace.mtime_ns != self._trace.mtime_ns
            if shorter or rewritten:
                return self._reexamine(trace)
            self._trace = trace
            return self._engine

    def _open(self, trace: _Trace) -> sa.Engine:
        if log_is_foreign(self._path):
            raise _stale_log(self._path)
        engine = self._make_engine()
        try:
            with engine.connect() as connection:
                driver = connection.connection.driver_connection
                self._frozen = getattr(driver, "immutable", False)
                self._check(connection)
        except BaseException:
            engine.dispose()
            raise
        self._engine, self._trace = engine, trace
        return engine

    def _follow(self, trace: _Trace) -> sa.Engine:
        """Turn to the file that now has the name, unless the old one's log lies beside it."""
        old = self._trace.log if self._trace is not None else None
        if old is not None and trace.log == old and _log_size(self._path) > _LOG_HEADER:
            raise _stale_log(self._path)
        if log_is_foreign(self._path):
            raise _stale_log(self._path)
        self._drop()
        return self._open(trace)

    def _reexamine(self, trace: _Trace) -> sa.Engine:
        """Look through a file that became shorter: somebody tidied it, or cut it off."""
        if trace.size < _FILE_HEADER:  # SQLite would take it for a new, empty database
            raise StoreError(f"{self._path} was cut off and is empty; restore a backup.")
        fresh = self._make_engine()
        try:
            with fresh.connect() as connection:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                self._check(connection)
        finally:
            fresh.dispose()
        if found != "ok":
            raise StoreError(f"{self._path} is damaged ({found}); restore a backup.")
        self._drop()
        return self._open(trace)

    def _drop(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._trace = None

    def _make_engine(self) -> sa.Engine:
        engine = sa.create_engine(
            "sqlite://", creator=lambda: connect(self._path, self._busy_s), poolclass=QueuePool
        )
        sa.event.listen(engine, "begin", _on_begin)
        return engine


class _Connection(sqlite3.Connection):
    immutable: bool = False


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open one connection as this program needs it; what is set here holds for it alone.

    In a folder that cannot be written SQLite cannot make the files it shares among readers; where
    no log lies beside the store, it is then read as a file that does not change.
    """
    if not path.is_file():  # SQLite would make an empty one
        raise StoreMissingError(f"There is no store at {path} (any more); restore a backup.")
    plain = path.absolute().as_uri()
    try:
        return _prepare(f"{plain}?mode=rw", busy_s)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _CANNOT_OPEN or _log_size(path) > _LOG_HEADER:
            raise
    connection = _prepare(f"{plain}?immutable=1", busy_s)
    connection.immutable = True
    return connection


def _prepare(address: str, busy_s: float) -> _Connection:
    connection = sqlite3.connect(
        address,
        timeout=busy_s,
        isolation_level=None,  # we say BEGIN ourselves, see _on_begin
        check_same_thread=False,
        factory=_Connection,
        uri=True,
    )
    assert isinstance(connection, _Connection)  # noqa: S101 - the factory says so
    connection.text_factory = lenient  # what is not UTF-8 costs its row, not the whole question
    try:
        register_functions(connection)
        # QGIS turns WAL off when it is alone with the file. What cannot be written has none.
        with suppress(sqlite3.DatabaseError):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # a power cut loses nothing acknowledged
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def register_functions(connection: sqlite3.Connection, *, lenient: bool = False) -> None:
    """Give a connection the functions that the triggers of a GeoPackage call.

    Parameters
    ----------
    lenient
        What is not a geometry has no bounds, instead of being an error.
    """
    for number, name in enumerate(("MinX", "MinY", "MaxX", "MaxY")):
        bound = _bound(number, lenient=lenient)
        connection.create_function(f"ST_{name}", 1, bound, deterministic=True)
    connection.create_function("ST_IsEmpty", 1, _is_empty, deterministic=True)


def _bound(number: int, *, lenient: bool) -> Callable[[bytes | None], float | None]:
    faults = (StoreError, shapely.GEOSException, TypeError) if lenient else ()

    def bound(blob: bytes | None) -> float | None:
        if blob is None:
            return None
        try:
            value = _bounds(geometry_wkb(blob))[number]
        except faults:
            return None
        return None if value != value else value  # noqa: PLR0124 - NaN: an empty geometry

    return bound


def _bounds(wkb: bytes) -> tuple[float, float, float, float]:
    # The triggers ask ten times a row: a point is read without making a geometry of it.
    if len(wkb) == _POINT.size and wkb[:5] == _POINT_START:
        _, _, x, y = _POINT.unpack(wkb)
        return x, y, x, y
    west, south, east, north = shapely.from_wkb(wkb).bounds
    return float(west), float(south), float(east), float(north)


def _is_empty(blob: bytes | None) -> int | None:
    if blob is None:
        return None
    west = _bounds(geometry_wkb(blob))[0]
    return int(west != west)  # noqa: PLR0124 - NaN: an empty geometry


def _on_begin(connection: sa.Connection) -> None:
    # A deferred BEGIN that later wants to write fails at once when somebody else has written.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full, and nothing was written; free some space and try again",
    sqlite3.SQLITE_READONLY: "it can only be read here, and nothing was written; "
    "allow writing to the file and its folder, or choose another with --store",
    sqlite3.SQLITE_CANTOPEN: "it or the files SQLite keeps beside it cannot be opened; "
    "allow writing to the file and its folder",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written (full, a limit, or failing), "
    "and nothing was written; see to the disk and try again",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; run 'locator doctor', or restore a backup",
}


def explain(path: Path, error: object, busy_s: float) -> StoreError:
    """Return what an error of SQLite means for whoever asked, in one sentence."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreBusyError(
            f"{path} was locked by another program for {busy_s:.0f} s; try again."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return StoreVersionError(
            f"{path} is not a locator's store; choose another with --store, "
            "or make one with 'locator init'."
        )
    advice = _ADVICE.get(code, f"{error}, and nothing was written; run 'locator doctor'")
    return StoreError(f"{path}: {advice}.")


def _beside(path: Path, ending: str) -> Path:
    return Path(f"{path}{ending}")


def _log_size(path: Path) -> int:
    try:
        return _beside(path, "-wal").stat().st_size
    except OSError:
        return 0


def _stale_log(path: Path) -> StoreError:
    return StoreError(
        f"{path} was replaced, but the log of the store it replaced still lies beside it "
        f"({path.name}-wal) and would damage it; end the programs that use the store, then run "
        "'locator doctor --mend'."
    )


def log_is_foreign(path: Path) -> bool:
    """Tell whether the -wal beside a store was written by another store.

    SQLite would apply it. Every transaction of a store writes the page that holds its identity,
    so the log shows whose it is.
    """
    if _log_size(path) <= _LOG_HEADER:
        return False
    try:
        address = f"{path.absolute().as_uri()}?immutable=1"  # the file alone, without its log
        with closing(sqlite3.connect(address, uri=True)) as connection:
            page, own = connection.execute(
                "SELECT rootpage, (SELECT value FROM locator_meta WHERE key = 'store_id') "
                "FROM sqlite_master WHERE name = 'locator_meta'"
            ).fetchone()
    except (sqlite3.DatabaseError, TypeError):  # what is wrong shows when it is opened
        return False
    found = _identity_in_log(_beside(path, "-wal"), page)
    return found is not None and found != own


def _identity_in_log(log: Path, wanted: int) -> str | None:
    with suppress(OSError), log.open("rb") as stream:
        header = stream.read(_LOG_HEADER)
        size, salts = int.from_bytes(header[8:12]), header[16:24]
        while len(frame := stream.read(_FRAME_HEADER)) == _FRAME_HEADER:
            if frame[8:16] != salts:
                break  # left from before the log was begun anew
            if int.from_bytes(frame[:4]) == wanted:
                match = re.search(rb"store_id([0-9a-f]{12})", stream.read(size))
                return match[1].decode() if match else ""
            stream.seek(size, 1)
    return None
