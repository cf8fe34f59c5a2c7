"""What stands on either side of a filter's operator: a column, a value, a time, a geometry.

Each is an array a row, or one value for all rows; unknown cells are marked, not compared.
"""

import operator
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from locator.errors import InputError
from locator.features.cql2 import Call, Expression, Geometry, Items, Literal, Property
from locator.features.crs import Crs, corner_boxes
from locator.features.moments import BEGINNING, END, Period, parse_moment, parse_period
from locator.features.view import Flags, Rows, View
from locator.schema import split_set

_MOMENTS = frozenset({"date", "timestamp", "interval"})
_ARITHMETIC: dict[str, Callable[..., npt.NDArray[np.float64]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": np.fmod,
    "div": lambda a, b: np.trunc(a / b),
    "^": np.power,
}


@dataclass(frozen=True)
class Context:
    """What a filter is asked of: the rows of a view, and the system of its geometries."""

    view: View
    rows: Rows
    crs: Crs

    def all_known(self) -> Flags:
        """Return a flag a row, all set."""
        return np.ones(len(self.rows), dtype=bool)


@dataclass(frozen=True)
class Texts:
    """Texts; ``is_set`` where each is a joined set."""

    values: npt.NDArray[np.object_]
    known: Flags
    is_set: bool = False


@dataclass(frozen=True)
class Numbers:
    """Numbers, float64."""

    values: npt.NDArray[np.float64]
    known: Flags


@dataclass(frozen=True)
class Booleans:
    """True or false; false orders before true, as in SQL."""

    values: Flags
    known: Flags


@dataclass(frozen=True)
class Spans:
    """Times from a first to a last moment, microseconds since 1970."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    known: Flags


@dataclass(frozen=True)
class Shapes:
    """Geometries in degrees, longitude first: one a row, or one for all rows."""

    values: npt.NDArray[np.object_] | shapely.Geometry


Operand = Texts | Numbers | Booleans | Spans | Shapes


def operand(expression: Expression, context: Context) -> Operand:
    """Return the value of an expression that is no condition.

    Raises
    ------
    InputError
        A property, a function or a value does not exist or does not fit.
    """
    if isinstance(expression, Property):
        return _property(expression.name, context)
    if isinstance(expression, Literal):
        return _literal(expression.value, context)
    if isinstance(expression, Geometry):
        return Shapes(_to_lonlat(expression.value, context))
    if isinstance(expression, Items):
        raise InputError("The filter has a list in parentheses where one value belongs.")
    if expression.name in _ARITHMETIC:
        return _arithmetic(expression, context)
    if expression.name in _MOMENTS:
        return _moment(expression, context)
    if expression.name in {"casei", "accenti"}:
        return _folded(expression, context)
    if expression.name == "bbox":
        return Shapes(_box(expression, context))
    raise InputError(f"The filter's {expression.name[:40]!r} is no function here.")


def _property(name: str, context: Context) -> Operand:
    view, rows = context.view, context.rows
    if name == "geometry":
        return Shapes(view.geometry[rows])
    column = view.collection.column(name)
    if column is None:
        known = ", ".join(["geometry", "id", *(c.name for c in view.collection.columns)])
        raise InputError(f"The filter's {name[:40]!r} is no property; there are {known}.")
    if column.operand == "time":
        times = view.times(name)
        return Spans(times.start[rows], times.end[rows], times.known[rows])
    cells = view.cells(name)
    if cells.kind == "number":
        return Numbers(cells.data[rows].astype(np.float64), cells.known[rows])
    if cells.kind == "boolean":
        return Booleans(cells.data[rows].astype(bool), cells.known[rows])
    return Texts(cells.data[rows].astype(object), cells.known[rows], cells.kind == "set")


def _literal(value: str | float | bool, context: Context) -> Operand:
    size, known = len(context.rows), context.all_known()
    if isinstance(value, bool):
        return Booleans(np.full(size, value), known)
    if isinstance(value, float):
        return Numbers(np.full(size, value), known)
    return Texts(np.full(size, value, dtype=object), known)


def _same(period: Period, context: Context) -> Spans:
    size = len(context.rows)
    return Spans(np.full(size, period.start), np.full(size, period.end), context.all_known())


def _moment(call: Call, context: Context) -> Spans:
    """Return the times of ``DATE``, ``TIMESTAMP`` or ``INTERVAL``.

    An interval's sides are texts or properties; where a row's ends before it begins, it is none,
    and the row's answer unknown.
    """
    wanted, name = (2 if call.name == "interval" else 1), call.name.upper()
    texts = [o.value for o in call.operands if isinstance(o, Literal) and isinstance(o.value, str)]
    if len(call.operands) == len(texts) == wanted:
        zone = context.view.timezone
        return _same(parse_period("/".join(texts), zone, name=f"The filter's {name}"), context)
    if wanted == 1 or len(call.operands) != wanted:
        raise InputError(f"The filter's {name} takes {wanted} text(s) in quotes.")
    first, last = (_side(o, context) for o in call.operands)
    known = first.known & last.known & (first.start <= last.end)
    return Spans(first.start, last.end, known)


def _side(side: Expression, context: Context) -> Spans:
    if isinstance(side, Literal) and side.value in {"", ".."}:
        return _same(Period(BEGINNING, END), context)
    return as_spans(operand(side, context), context)


def as_spans(value: Operand, context: Context) -> Spans:
    """Return times; a text that writes a time is one.

    Raises
    ------
    InputError
        It is no time.
    """
    if isinstance(value, Spans):
        return value
    if isinstance(value, Texts) and len(set(value.values)) == 1:
        period = parse_moment(str(value.values[0]), context.view.timezone)
        if period is not None:
            return _same(period, context)
    if isinstance(value, Texts) and not len(context.rows):
        return Spans(np.zeros(0, np.int64), np.zeros(0, np.int64), context.all_known())
    raise InputError("The filter compares a time with what is none; write DATE('2026-11-23').")


def _arithmetic(call: Call, context: Context) -> Numbers:
    left, right = (operand(o, context) for o in call.operands)
    if not isinstance(left, Numbers) or not isinstance(right, Numbers):
        raise InputError(f"The filter's {call.name!r} stands between what are not both numbers.")
    with np.errstate(all="ignore"):
        values = _ARITHMETIC[call.name](left.values, right.values)
    return Numbers(values, left.known & right.known & np.isfinite(values))


def _folded(call: Call, context: Context) -> Texts:
    inner = operand(call.operands[0], context) if len(call.operands) == 1 else None
    if not isinstance(inner, Texts):
        raise InputError(f"The filter's {call.name.upper()} takes one text.")
    fold = str.casefold if call.name == "casei" else _unaccented
    values = np.array([fold(text) for text in inner.values], dtype=object)
    return Texts(values.reshape(len(inner.values)), inner.known, inner.is_set)


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _box(call: Call, context: Context) -> shapely.Geometry:
    numbers = [o.value for o in call.operands if isinstance(o, Literal)]
    sides = [n for n in numbers if isinstance(n, float)]
    if len(sides) != len(call.operands) or len(sides) not in {4, 6}:
        raise InputError("The filter's BBOX takes four numbers.")
    half = len(sides) // 2
    boxes = corner_boxes((sides[0], sides[1]), (sides[half], sides[half + 1]), context.crs)
    return shapely.union_all([shapely.box(*box) for box in boxes])


def _to_lonlat(shape: shapely.Geometry, context: Context) -> shapely.Geometry:
    flat = shapely.force_2d(shape)
    return shapely.transform(flat, context.crs.to_lonlat)


def names_of(expression: Expression, context: Context) -> Texts | list[str]:
    """Return a set column, or the members that a list names.

    Raises
    ------
    InputError
        It is neither.
    """
    if isinstance(expression, Property):
        found = _property(expression.name, context)
        if isinstance(found, Texts) and found.is_set:
            return found
    members = expression.members if isinstance(expression, Items) else (expression,)
    names = [m.value for m in members if isinstance(m, Literal) and isinstance(m.value, str)]
    if len(names) != len(members):
        raise InputError("The filter's A_ functions take a set such as services, and ('a','b').")
    return names


def members_of(value: Texts | list[str], size: int) -> list[frozenset[str]]:
    """Return the members of each row's set."""
    if isinstance(value, list):
        return [frozenset(value)] * size
    return [split_set(text) for text in value.values]
