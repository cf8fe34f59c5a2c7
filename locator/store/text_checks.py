"""What the doctor looks for in texts: bytes that are not UTF-8, wherever SQLite kept them."""

# ruff: noqa: S608 - every statement is made of names from the schema, nothing from outside

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence

from locator.schema import LAYERS
from locator.store.faults import MENDABLE, Fault
from locator.store.file import OUTSIDE_ACTOR, newest_schema
from locator.store.text import any_broken, is_broken, mended, mended_json, shown

_TRIGGER, _VIEW = "trigger", "view"


def check_schema_text(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at the texts of the schema: names and statements of tables, triggers, views."""
    rows = connection.execute("SELECT rowid, type, name, sql FROM sqlite_master").fetchall()
    for number, kind, name, statement in rows:
        if not any_broken((name, statement)):
            continue
        what, where = "its text is not UTF-8", f"the {kind} {shown(name)}"
        if kind in {_TRIGGER, _VIEW}:  # ours are made anew by the checks that follow
            yield Fault(what, where, MENDABLE, _forget(number))
        else:
            yield Fault(what, where, "Rename it in QGIS, or restore a backup.")


def _forget(number: int) -> Callable[[sqlite3.Connection], None]:
    """Return what takes a trigger or view out of the schema; its name may be no text to say."""

    def forget(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA writable_schema=ON")
        try:
            connection.execute("DELETE FROM sqlite_master WHERE rowid = ?", (number,))
        finally:
            connection.execute("PRAGMA writable_schema=RESET")

    return forget


def check_meta(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at the store's own numbers; what is broken is known from the rest of the file."""
    rows = connection.execute("SELECT id, key, value FROM locator_meta").fetchall()
    for number, key, value in rows:
        if is_broken(key) or (is_broken(value) and key not in _TRUE):
            what = "a line is not UTF-8 and means nothing"
            drop = f"DELETE FROM locator_meta WHERE id = {int(number)}"
            yield Fault(what, f"locator_meta, {shown(key)}", MENDABLE, _run(drop))
        elif is_broken(value):
            yield Fault(
                f"the {key} is not UTF-8: {shown(value)}", "locator_meta", MENDABLE, _TRUE[key]
            )


def _run(statement: str, *values: object) -> Callable[[sqlite3.Connection], None]:
    def run(connection: sqlite3.Connection) -> None:
        connection.execute(statement, values)

    return run


def _set(key: str, value: str) -> Callable[[sqlite3.Connection], None]:
    return _run(f"UPDATE locator_meta SET value = {value} WHERE key = '{key}'")


def _new_identity(connection: sqlite3.Connection) -> None:
    _set("store_id", f"'{uuid.uuid4().hex[:12]}'")(connection)


def _known_schema(connection: sqlite3.Connection) -> None:
    _set("schema_version", f"iif({_DOCUMENTS} = 2, '{newest_schema()}', '1')")(connection)


_DOCUMENTS = "(SELECT count(*) FROM sqlite_master WHERE name IN ('locator_kept', 'locator_jobs'))"
_TRUE = {
    "schema_version": _known_schema,
    "version": _set("version", "coalesce((SELECT max(id) FROM locator_audit), 0)"),
    "store_id": _new_identity,
    "actor": _set("actor", f"'{OUTSIDE_ACTOR}'"),
    "moment": _set("moment", "NULL"),
    "jobs": _set("jobs", "0"),
}


def check_rows(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at the texts of every layer; the one that was meant is put in their place."""
    for layer in LAYERS:
        yield from _look(connection, layer, "fid", LAYERS[layer].column_names, _rewrite)


def check_documents(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at kept documents and jobs."""
    yield from _look(connection, "locator_jobs", "id", _JOBS, _delete)
    yield from _look(connection, "locator_kept", "id", _KEPT, _delete)


def check_history(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at the history, in which mending the rows has put their broken texts once more."""
    yield from _look(connection, "locator_audit", "id", _AUDIT, _rewrite)


def check_numbers(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look for what stands in a column of numbers and is none; it is read as unknown."""
    for name, layer in LAYERS.items():
        there = {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{name}")')}
        for column in layer.columns:
            if column.operand != "number" or not {column.name, "fid"} <= there:
                continue
            own = f'"{column.name}"'
            query = (
                f"SELECT fid FROM \"{name}\" WHERE typeof({own}) NOT IN ('integer', 'real', "
                f"'null') OR abs({own}) > 1e300 ORDER BY fid"
            )
            fids = [str(row[0]) for row in connection.execute(query)]
            if fids:
                what = f"{column.name} is no number in {len(fids)} rows and is read as unknown"
                advice = "Put the rows right in QGIS, or import them again."
                yield Fault(what, f"{name}, fid {', '.join(fids[:_SHOWN])}", advice)


_SHOWN = 5
_AUDIT = ("layer", "feature_id", "action", "at", "actor", "before", "after")
_JOBS = (
    "job", "kind", "question", "owner", "state", "phase", "made_at", "started_at", "ended_at",
    "seen_at", "mark", "error",
)  # fmt: skip
_KEPT = ("digest", "kind", "made_at", "data_version", "title", "question")
Remedy = Callable[[str, str, int, dict[str, str]], Callable[[sqlite3.Connection], None]]


def _look(
    connection: sqlite3.Connection, table: str, key: str, names: Sequence[str], remedy: Remedy
) -> Iterator[Fault]:
    there = {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}")')}
    names = [name for name in names if name in there]
    if key not in there or not names:
        return  # another check says so
    columns = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(f'SELECT {key}, {columns} FROM "{table}" ORDER BY {key}')
    for number, *values in found.fetchall():
        wrong = {n: v for n, v in zip(names, values, strict=True) if is_broken(v)}
        if not wrong:
            continue
        if remedy is _delete:
            meant = "the row is removed" if table == "locator_jobs" else "it cannot be proven"
        else:
            meant = ", ".join(f"{n} becomes {shown(_meant(table, n, v))}" for n, v in wrong.items())
        what = f"{', '.join(wrong)} holds bytes that are not UTF-8 ({meant})"
        yield Fault(what, f"{table}, {key} {number}", MENDABLE, remedy(table, key, number, wrong))


def _meant(table: str, name: str, value: str) -> str:
    nested = table == "locator_audit" and name in {"before", "after"}
    return mended_json(value) if nested else mended(value)


def _rewrite(
    table: str, key: str, number: int, wrong: dict[str, str]
) -> Callable[[sqlite3.Connection], None]:
    sets = ", ".join(f'"{name}" = ?' for name in wrong)
    values = [_meant(table, name, value) for name, value in wrong.items()]
    return _run(f'UPDATE "{table}" SET {sets} WHERE {key} = ?', *values, number)


def _delete(
    table: str, key: str, number: int, wrong: dict[str, str]
) -> Callable[[sqlite3.Connection], None]:
    """Remove a job, or a document that is no longer what was kept; the backup has it."""
    del wrong
    return _run(f'DELETE FROM "{table}" WHERE {key} = ?', number)
