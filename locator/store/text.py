"""Text in a store that is not UTF-8: SQLite keeps any bytes, and other programs write them.

Such a text is read with its bytes as lone surrogates (PEP 383), so that nothing is lost and
everybody can tell; a row with one is kept aside, never shown, and ``locator doctor`` mends it.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from locator.store.base import Cell

_NOT_UTF8 = "Could not decode to UTF-8"  # how Python's sqlite3 begins; it gives no code
_FIRST_CJK = "\u0800"


def lenient(data: bytes) -> str:
    """Return text from the file; what is not UTF-8 becomes lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def is_broken(value: object) -> bool:
    """Tell whether a value is text that was not UTF-8 in the file."""
    if not isinstance(value, str) or value.isascii():
        return False
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def any_broken(values: Iterable[object]) -> bool:
    """Tell whether one of the values is text that was not UTF-8."""
    return any(is_broken(value) for value in values)


def shown(value: object) -> str:
    """Return a value as a sentence may hold it, each broken byte written out in hexadecimal."""
    raw = str(value).encode("utf-8", "surrogateescape")
    return repr(raw.decode("utf-8", "backslashreplace"))[:80]


def mended(value: str) -> str:
    """Return the text that was most likely meant, with U+FFFD for what nobody can tell.

    Bytes of which no part is Chinese in UTF-8, but all of it in GB18030, were written in that.
    """
    raw = value.encode("utf-8", "surrogateescape")
    text = raw.decode("utf-8", "replace")
    if all(letter < _FIRST_CJK or letter == "\ufffd" for letter in text):
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return text


def mended_json(value: str) -> str:
    """Return a JSON text with each text in it as :func:`mended` has it."""

    def walk(part: object) -> object:
        if isinstance(part, dict):
            return {str(walk(name)): walk(item) for name, item in part.items()}
        if isinstance(part, list):
            return [walk(item) for item in part]
        return mended(part) if is_broken(part) and isinstance(part, str) else part

    try:
        return json.dumps(walk(json.loads(value)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def fetch_all(connection: sa.Connection, query: sa.Select[Any]) -> tuple[Sequence[Any], bool]:
    """Return the rows of a query, and whether some of them hold text that is not UTF-8.

    The driver's own decoding is half again as fast; only where it fails the rows are read anew.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        return connection.execute(query).all(), False
    driver.text_factory = str
    try:
        return connection.execute(query).all(), False
    except sa.exc.OperationalError as error:
        if not str(error.orig).startswith(_NOT_UTF8):
            raise
    finally:
        driver.text_factory = lenient
    return connection.execute(query).all(), True


def keep_whole(
    layer: str, rows: Sequence[Sequence[Cell]], names: Sequence[str]
) -> tuple[list[Sequence[Cell]], list[str]]:
    """Return the rows that can be shown, and a sentence for each that cannot.

    Parameters
    ----------
    rows
        Each of fid, geometry and the columns.
    names
        The columns' names.
    """
    place = names.index("id") + 2 if "id" in names else 0
    kept, aside = [], []
    for row in rows:
        wrong = [name for name, value in zip(names, row[2:], strict=True) if is_broken(value)]
        if not wrong:
            kept.append(row)
            continue
        where = f"{layer}, row {shown(row[place])} (fid {row[0]!r})"
        aside.append(
            f"{where}: {', '.join(wrong)} holds bytes that are not UTF-8; the row is kept aside; "
            "'locator doctor --mend' puts it right."
        )
    return kept, aside
