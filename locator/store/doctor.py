"""What can be wrong with a store's file: found by :func:`examine`, put right by :func:`mend`.

Rows that people wrote are reported and never changed; what is made from them (R-trees, extents,
indexes, triggers) is made anew.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from locator.errors import StoreError, StoreVersionError
from locator.paths import written_whole
from locator.store.checks import CHECKS, look, schema_version
from locator.store.connect import connect, explain, log_is_foreign, register_functions
from locator.store.faults import Fault
from locator.store.file import newest_schema
from locator.store.geopackage import free_name

_BUSY_S = 10.0
_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a store.

    Attributes
    ----------
    what
        What is wrong.
    where
        The file, the layer, or the layer and its rows.
    mended
        Whether it has been put right.
    advice
        What to do about it, or what was done.
    """

    what: str
    where: str
    mended: bool
    advice: str


def examine(path: Path) -> list[Finding]:
    """Look a store through and change nothing; no finding means that nothing is wrong.

    Raises
    ------
    StoreMissingError
        There is no such file.
    StoreVersionError
        It is not a locator's store, or a newer locator wrote it.
    StoreError
        It cannot be opened.
    """
    if log_is_foreign(path):  # to open it would be to apply the log
        return [_finding(_foreign_log(path))]
    with _opened(path) as connection:
        connection.execute("BEGIN")
        faults = _look_through(connection)
    return [_finding(fault) for fault in (*faults, *_leftovers(path))]


def mend(path: Path) -> list[Finding]:
    """Put right what can be, after a backup beside the store; tell what was wrong.

    Everything is mended in one transaction. Programs may go on using the store, except where a
    log of another store lies beside it: then end them first.

    Raises
    ------
    StoreError
        As :func:`examine`; or the backup or the file cannot be written, and nothing was changed.
    """
    findings = []
    if log_is_foreign(path):
        fault = _foreign_log(path)
        _move_log_away(path)
        findings.append(Finding(fault.what, fault.where, True, "It was put aside."))
    with _opened(path) as connection:
        faults = _look_through(connection)
        if not any(fault.remedy for fault in faults):
            findings += [_finding(fault) for fault in faults]
        else:
            _back_up(connection, free_name(path, "before-mend"))
            connection.execute("BEGIN IMMEDIATE")
            for check in CHECKS:  # a remedy may be what the next check needs
                findings += [_treat(connection, fault) for fault in look(connection, check)]
            _record(connection)
            connection.execute("COMMIT")
    return findings + [_finding(fault) for fault in _leftovers(path)]


def _look_through(connection: sqlite3.Connection) -> list[Fault]:
    """Return all that is wrong; of a damaged file only that it is: nothing more is done to it."""
    faults: list[Fault] = []
    for check in CHECKS:
        faults += look(connection, check)
        if any(fault.what.startswith("the file is damaged") for fault in faults):
            break
    return faults


def _finding(fault: Fault) -> Finding:
    return Finding(fault.what, fault.where, False, fault.advice)


def _treat(connection: sqlite3.Connection, fault: Fault) -> Finding:
    if fault.remedy is None:
        return _finding(fault)
    connection.execute("SAVEPOINT remedy")
    try:
        fault.remedy(connection)
    except (sqlite3.Error, StoreError) as error:
        connection.execute("ROLLBACK TO remedy")
        return Finding(fault.what, fault.where, False, f"It could not be mended: {error}.")
    finally:
        connection.execute("RELEASE remedy")
    return Finding(fault.what, fault.where, True, "It was put right.")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield the doctor's connection to a file that is a store of a version known here."""
    try:
        with closing(connect(path, _BUSY_S)) as connection:
            register_functions(connection, lenient=True)
            _refuse_foreign(path, connection)
            yield connection
    except sqlite3.Error as error:
        raise explain(path, error, _BUSY_S) from error


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    try:
        version = schema_version(connection)
    except (sqlite3.OperationalError, TypeError, ValueError) as error:
        raise StoreVersionError(
            f"{path} is not a locator's store, or has lost its first pages; restore a backup."
        ) from error
    if version > newest_schema():
        raise StoreVersionError(
            f"{path} was written by a newer locator (schema {version}, this one knows "
            f"{newest_schema()}); update the program."
        )


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    try:
        with written_whole(target) as draft, closing(sqlite3.connect(draft)) as copy:
            connection.backup(copy)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The backup {target} could not be written ({error}); nothing was mended."
        ) from error


def _record(connection: sqlite3.Connection) -> None:
    """Change the version, so that running programs read anew; the history says why."""
    connection.execute(
        "INSERT INTO locator_audit (id, layer, feature_id, action, at, actor) SELECT "
        "max(coalesce((SELECT max(id) FROM locator_audit), 0), CAST(value AS INTEGER)) + 1, "
        "'', '', 'mend', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'locator doctor' "
        "FROM locator_meta WHERE key = 'version'"
    )
    connection.execute(
        "UPDATE locator_meta SET value = (SELECT max(id) FROM locator_audit) WHERE key = 'version'"
    )


# --- beside the file --------------------------------------------------------------------------


def _foreign_log(path: Path) -> Fault:
    return Fault(
        "the log of another store lies beside it and would damage it",
        f"{path.name}-wal",
        "End the programs that use the store; then 'locator doctor --mend' puts the log aside.",
    )


def _move_log_away(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        log = path.with_name(path.name + ending)
        if log.exists():
            log.rename(free_name(log.with_name(f"{path.stem}{ending}.stale"), "of-another"))


def _leftovers(path: Path) -> Iterator[Fault]:
    drafts = [*path.parent.glob(".draft-*.gpkg*"), *path.parent.glob(".locator-*")]
    if drafts:
        yield Fault(
            f"{len(drafts)} drafts of interrupted work lie beside the store",
            ", ".join(sorted(draft.name for draft in drafts)[:_SHOWN]),
            "Delete them when no backup is being written.",
        )
