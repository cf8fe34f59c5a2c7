"""What the doctor looks for in the values of rows: codes, dates and amounts that are none.

The program never writes them, other programs may; :func:`locator.schema.drop_unusable` says what
is made of such a row, the same for every page, file and command.
"""

# ruff: noqa: S608 - every statement is made of names from the schema, nothing from outside

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

from locator.schema import LAYERS, Column, is_decisive, split_set
from locator.store.faults import MENDABLE, Fault
from locator.store.text import is_broken, shown

__all__ = ["check_values"]

_SHOWN = 5
_BY_HAND = "Put the rows right in QGIS, or import them again."


def check_values(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Look at every column whose values have rules, layer by layer."""
    for name, layer in LAYERS.items():
        there = {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{name}")')}
        if "fid" not in there:
            continue  # another check says so
        for column in layer.columns:
            if column.name in there and column.name != "id":
                yield from _look(connection, name, column)


def _look(connection: sqlite3.Connection, layer: str, column: Column) -> Iterator[Fault]:
    own, empty, wrong = column.name, [], dict[int, object]()
    known: dict[object, bool] = {}
    for fid, value in connection.execute(f'SELECT fid, "{own}" FROM "{layer}" ORDER BY fid'):
        if value is None or str(value).strip() == "":
            empty.append(fid)
            continue
        if value not in known:
            known[value] = is_broken(value) or _fits(value, column)  # that is another check's
        if not known[value]:
            wrong[fid] = value
    if empty and column.required:
        yield Fault(f"{own} is empty; not shown", _where(layer, empty), _BY_HAND)
    if empty and column.default is not None:
        what = f"{own} is empty, which counts as {column.default}"
        yield Fault(what, _where(layer, empty), MENDABLE, _fill(layer, column))
    if wrong:
        some = ", ".join(shown(value) for value in list(dict.fromkeys(wrong.values()))[:_SHOWN])
        fate = "not shown" if is_decisive(column) else "read as unknown"
        yield Fault(f"{own} holds {some}; {fate}", _where(layer, list(wrong)), _BY_HAND)


def _fill(layer: str, column: Column) -> Callable[[sqlite3.Connection], None]:
    def fill(connection: sqlite3.Connection) -> None:
        own = f'"{column.name}"'
        connection.execute(
            f"UPDATE \"{layer}\" SET {own} = ? WHERE {own} IS NULL OR trim({own}) = ''",
            (column.default,),
        )

    return fill


def _fits(value: object, column: Column) -> bool:
    if column.dtype in {"integer", "number"}:  # what is no number is another check's
        return not isinstance(value, int | float) or value >= 0
    text = str(value)
    if column.choices is not None:
        codes = {member.value for member in column.choices}
        return (split_set(text) if column.dtype == "set" else {text}) <= codes
    try:
        if column.dtype == "date":
            date.fromisoformat(text)
        if column.dtype == "datetime":
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _where(layer: str, fids: Sequence[int]) -> str:
    more = f" and {len(fids) - _SHOWN} more" if len(fids) > _SHOWN else ""
    return f"{layer}, fid {', '.join(map(str, fids[:_SHOWN]))}{more}"
