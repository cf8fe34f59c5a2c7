"""The order of features, and the marks in it that pages begin after.

A mark holds the sorted values and the id of a row, not its number, so that pages stay in step
while the register changes: no row is given twice or left out because another came or went.
"""

import base64
import binascii
import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locator.errors import InputError
from locator.features.collections import Collection
from locator.features.view import Rows, View

_MAX_KEYS = 5
_MAX_MARK = 4_000
_HUGE = 1e300
Cell = str | float | None


@dataclass(frozen=True)
class SortKey:
    """A column and its direction; unknown values come last in both."""

    name: str
    descending: bool


@dataclass(frozen=True)
class Mark:
    """A place in an order: the sorted values and the id of the row that stands there.

    The page that it names follows it, or comes before it where ``backwards``.
    """

    values: tuple[Cell, ...]
    id: str
    backwards: bool


def parse_sort(text: str, collection: Collection) -> tuple[SortKey, ...]:
    """Read ``name,-capacity``: a sign, or none, and a property, with commas between.

    Raises
    ------
    InputError
        A name is not a property, or is a set; there are too many.
    """
    keys = []
    for part in text.split(","):
        name = part.strip().removeprefix("+").removeprefix("-")  # a + arrives as a space
        column = collection.column(name)
        if column is None or column.operand == "set":
            known = ["id", *(c.name for c in collection.columns if c.operand != "set")]
            raise InputError(f"sortby={part[:40]!r}: sort by {', '.join(known)}.")
        keys.append(SortKey(name, part.strip().startswith("-")))  # a second time adds nothing
    if len(keys) > _MAX_KEYS:
        raise InputError(f"sortby names {len(keys)} properties; {_MAX_KEYS} are the most.")
    return tuple(keys)


def order_rows(view: View, rows: Rows, keys: Sequence[SortKey]) -> Rows:
    """Return rows in the order of the keys, then of the id; a view's own order is that of ids."""
    if not keys or not len(rows):
        return rows
    columns = [_place(view, key)[rows] for key in keys]
    return rows[np.lexsort([rows, *reversed(columns)])]


def split_rows(view: View, rows: Rows, keys: Sequence[SortKey], mark: Mark) -> tuple[int, int]:
    """Return how many of the ordered rows stand before a mark, and before or at it."""
    own = bisect_left(view.ids, mark.id)
    exact = own < len(view) and view.ids[own] == mark.id
    places = np.zeros(len(rows), dtype=np.int8)  # -1 before the mark, 1 after it, 0 undecided
    for key, value in zip(keys, mark.values, strict=True):
        column, wanted = _place(view, key)[rows], _place_of(view, key, value)
        step = np.where(column < wanted, -1, np.where(column > wanted, 1, 0)).astype(np.int8)
        places = np.where(places == 0, step, places)
    by_id = np.where(rows < own, -1, np.where((rows > own) | (not exact), 1, 0)).astype(np.int8)
    places = np.where(places == 0, by_id, places)
    return int((places < 0).sum()), int((places <= 0).sum())


def _place(view: View, key: SortKey) -> npt.NDArray[np.float64]:
    """Return a number a row that sorts as the key says, unknown last."""
    ranks, _ = view.ranks(key.name)
    return np.where(np.isnan(ranks), np.inf, -ranks if key.descending else ranks)


def _place_of(view: View, key: SortKey, value: Cell) -> float:
    """Return where a value stands among those of now; between two of them it is a half."""
    if value is None:
        return math.inf
    _, known = view.ranks(key.name)
    place = bisect_left(known, value)
    rank = float(place) if place < len(known) and known[place] == value else place - 0.5
    return -rank if key.descending else rank


def make_mark(view: View, row: int, keys: Sequence[SortKey], *, backwards: bool) -> str:
    """Return the mark of a row as a text for an address."""
    values: list[Cell] = []
    for key in keys:
        cells = view.cells(key.name)
        value = cells.data[row] if cells.known[row] else None
        values.append(float(value) if isinstance(value, np.floating | float) else value)
    parts = [_names(keys), values, view.ids[row], backwards]
    body = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def parse_mark(text: str, collection: Collection, keys: Sequence[SortKey]) -> Mark:
    """Read a mark.

    Raises
    ------
    InputError
        It is none, or one of another order.
    """
    wrong = InputError(
        f"page={text[:40]!r} does not belong to this order; follow the links of the first page."
    )
    if len(text) > _MAX_MARK:
        raise wrong
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        body = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise wrong from error
    if not isinstance(body, list) or len(body) != 4:
        raise wrong
    names, values, identity, backwards = body
    typed = isinstance(values, list) and isinstance(identity, str) and isinstance(backwards, bool)
    if not typed or names != _names(keys) or len(values) != len(keys):
        raise wrong
    if not all(_fits(value, collection, key) for value, key in zip(values, keys, strict=True)):
        raise wrong
    return Mark(tuple(values), identity, backwards)


def _names(keys: Sequence[SortKey]) -> list[str]:
    return [("-" if key.descending else "") + key.name for key in keys]


def _fits(value: object, collection: Collection, key: SortKey) -> bool:
    column = collection.column(key.name)
    if value is None or column is None:
        return column is not None
    if column.operand == "number":
        return isinstance(value, float | int) and abs(value) < _HUGE  # and no NaN
    return isinstance(value, str)
