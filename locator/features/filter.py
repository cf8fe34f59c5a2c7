"""A CQL2 tree as a mask over a view's rows.

Conditions are true, false or unknown (SQL's three values): ``NOT`` of unknown is unknown, and
only what is true is found, so that a cell nobody filled in answers neither yes nor no.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from locator.errors import InputError
from locator.features.cql2 import Call, Expression, Literal, Property, parse_cql2
from locator.features.crs import Crs
from locator.features.operands import (
    Booleans,
    Context,
    Numbers,
    Operand,
    Shapes,
    Spans,
    Texts,
    as_spans,
    members_of,
    names_of,
    operand,
)
from locator.features.view import Flags, Rows, View

_MAX_CONDITIONS = 50
_MAX_MEMBERS = 1_000
_ORDERS: dict[str, Callable[..., Flags]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SPATIAL: dict[str, Callable[..., Flags]] = {
    "s_intersects": shapely.intersects,
    "s_disjoint": shapely.disjoint,
    "s_contains": shapely.contains,
    "s_within": shapely.within,
    "s_touches": shapely.touches,
    "s_crosses": shapely.crosses,
    "s_overlaps": shapely.overlaps,
    "s_equals": shapely.equals,
}
# Allen's relations of two times a and b (OGC 21-065r2, 7.8).
_TEMPORAL: dict[str, Callable[[Spans, Spans], Flags]] = {
    "t_after": lambda a, b: a.start > b.end,
    "t_before": lambda a, b: a.end < b.start,
    "t_contains": lambda a, b: (a.start < b.start) & (a.end > b.end),
    "t_disjoint": lambda a, b: (a.start > b.end) | (a.end < b.start),
    "t_during": lambda a, b: (a.start > b.start) & (a.end < b.end),
    "t_equals": lambda a, b: (a.start == b.start) & (a.end == b.end),
    "t_finishedby": lambda a, b: (a.start < b.start) & (a.end == b.end),
    "t_finishes": lambda a, b: (a.start > b.start) & (a.end == b.end),
    "t_intersects": lambda a, b: (a.start <= b.end) & (a.end >= b.start),
    "t_meets": lambda a, b: a.end == b.start,
    "t_metby": lambda a, b: a.start == b.end,
    "t_overlappedby": lambda a, b: (a.start > b.start) & (a.start < b.end) & (a.end > b.end),
    "t_overlaps": lambda a, b: (a.start < b.start) & (a.end > b.start) & (a.end < b.end),
    "t_startedby": lambda a, b: (a.start == b.start) & (a.end > b.end),
    "t_starts": lambda a, b: (a.start == b.start) & (a.end < b.end),
}
_ARRAYS: dict[str, Callable[[frozenset[str], frozenset[str]], bool]] = {
    "a_contains": operator.ge,
    "a_containedby": operator.le,
    "a_equals": operator.eq,
    "a_overlaps": lambda a, b: bool(a & b),
}


@dataclass(frozen=True)
class Truth:
    """Of each row, whether a condition is true and whether it is false; unknown is neither."""

    true: Flags
    false: Flags


def filter_rows(view: View, rows: Rows, text: str, crs: Crs) -> Rows:
    """Return the rows for which a filter in CQL2 text is true.

    Parameters
    ----------
    crs
        The system of the filter's geometries.

    Raises
    ------
    InputError
        The filter cannot be read, or does not fit the collection.
    """
    tree = parse_cql2(text)
    if _conditions(tree) > _MAX_CONDITIONS:
        raise InputError(f"The filter has more than {_MAX_CONDITIONS} conditions; divide it.")
    found: Rows = rows[_truth(tree, Context(view, rows, crs)).true]
    return found


def _conditions(tree: Expression) -> int:
    if not isinstance(tree, Call):
        return 0
    inner = sum(_conditions(part) for part in tree.operands)
    return inner + (tree.name not in {"and", "or", "not", "date", "timestamp", "interval"})


def _truth(tree: Expression, context: Context) -> Truth:
    if isinstance(tree, Literal) and isinstance(tree.value, bool):
        every = context.all_known()
        return Truth(every, ~every) if tree.value else Truth(~every, every)
    if not isinstance(tree, Call):
        raise InputError("The filter is no condition; compare something, such as name = 'x'.")
    for names, judge in _JUDGES:
        if tree.name in names:
            return judge(tree, context)
    raise InputError(f"The filter's {tree.name[:40]!r} is no condition here.")


def _known(mask: npt.NDArray[np.bool_], known: Flags) -> Truth:
    flags = np.asarray(mask, dtype=bool)
    return Truth(flags & known, ~flags & known)


def _not(call: Call, context: Context) -> Truth:
    inner = _truth(call.operands[0], context)
    return Truth(inner.false, inner.true)


def _and_or(call: Call, context: Context) -> Truth:
    parts = [_truth(part, context) for part in call.operands]
    true, false = [part.true for part in parts], [part.false for part in parts]
    if call.name == "and":
        return Truth(_every(true), _any(false))
    return Truth(_any(true), _every(false))


def _every(flags: list[Flags]) -> Flags:
    return np.asarray(np.logical_and.reduce(flags), dtype=bool)


def _any(flags: list[Flags]) -> Flags:
    return np.asarray(np.logical_or.reduce(flags), dtype=bool)


def _compare(call: Call, context: Context) -> Truth:
    left, right = (operand(part, context) for part in call.operands)
    return _ordered(call.name, left, right, context)


def _ordered(
    sign: str,
    left: Operand,
    right: Operand,
    context: Context,
) -> Truth:
    if isinstance(left, Spans) or isinstance(right, Spans):
        a, b = as_spans(left, context), as_spans(right, context)
        # A day counts as its beginning, against a moment and against a day.
        return _known(_ORDERS[sign](a.start, b.start), a.known & b.known)
    if isinstance(left, Numbers) and isinstance(right, Numbers):
        return _known(_ORDERS[sign](left.values, right.values), left.known & right.known)
    if isinstance(left, Booleans) and isinstance(right, Booleans):
        return _known(_ORDERS[sign](left.values, right.values), left.known & right.known)
    if not isinstance(left, Texts) or not isinstance(right, Texts):
        raise InputError(
            "The filter compares what are not two texts, numbers, times or truth values."
        )
    if left.is_set or right.is_set:
        raise InputError("The filter compares a set; write A_CONTAINS(services, ('hot_water')).")
    return _known(_ORDERS[sign](left.values, right.values), left.known & right.known)


def _between(call: Call, context: Context) -> Truth:
    value, low, high = (operand(part, context) for part in call.operands)
    above, below = _ordered(">=", value, low, context), _ordered("<=", value, high, context)
    return Truth(above.true & below.true, above.false | below.false)


def _in(call: Call, context: Context) -> Truth:
    value, *members = call.operands
    if len(members) > _MAX_MEMBERS:
        raise InputError(f"The filter's IN has more than {_MAX_MEMBERS} members; divide it.")
    texts = [m.value for m in members if isinstance(m, Literal) and isinstance(m.value, str)]
    left = operand(value, context)
    if isinstance(left, Texts) and not left.is_set and len(texts) == len(members):
        wanted = set(texts)
        mask = np.fromiter((text in wanted for text in left.values), bool, len(left.values))
        return _known(mask, left.known)
    if len(members) > _MAX_CONDITIONS:
        raise InputError(f"The filter's IN takes {_MAX_CONDITIONS} members, or texts only.")
    parts = [_ordered("=", left, operand(member, context), context) for member in members]
    return Truth(_any([part.true for part in parts]), _every([part.false for part in parts]))


def _like(call: Call, context: Context) -> Truth:
    left, right = (operand(part, context) for part in call.operands)
    patterns = {str(p) for p in right.values} if isinstance(right, Texts) else set()
    if not isinstance(left, Texts) or (len(context.rows) and len(patterns) != 1):
        raise InputError("The filter's LIKE stands between a text and a pattern in quotes.")
    if not len(context.rows):
        return _known(context.all_known(), context.all_known())
    pattern = like_pattern(patterns.pop())
    mask = [pattern.fullmatch(text) is not None for text in left.values]
    return _known(np.array(mask, dtype=bool), left.known)


def like_pattern(text: str) -> re.Pattern[str]:
    r"""Return LIKE's pattern, ``%`` any text, ``_`` one character, ``\`` before either itself.

    What stands between two ``%`` is matched at its first place for good (an atomic group), which
    is enough for a last piece that may stand anywhere: no pattern takes more than linear time a
    piece.
    """
    pieces = [""]
    for part in re.findall(r"\\.|.|\\", text, re.DOTALL):
        if part == "%":
            pieces.append("")
        else:
            one = "." if part == "_" else re.escape(part[1:] if len(part) == 2 else part)
            pieces[-1] += one
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    return re.compile(f"{pieces[0]}{middle}.*{pieces[-1]}", re.DOTALL)


def _is_null(call: Call, context: Context) -> Truth:
    (part,) = call.operands
    if not isinstance(part, Property):
        raise InputError("The filter's IS NULL takes a property.")
    value = operand(part, context)
    known = context.all_known() if isinstance(value, Shapes) else value.known
    return Truth(~known, known)


def _spatial(call: Call, context: Context) -> Truth:
    sides = [operand(part, context) for part in call.operands]
    shapes = [side.values for side in sides if isinstance(side, Shapes)]
    if len(shapes) != 2 or len(sides) != 2:
        raise InputError(f"The filter's {call.name.upper()} takes two geometries.")
    for shape in shapes:
        if isinstance(shape, shapely.Geometry):
            shapely.prepare(shape)
    try:
        mask = _SPATIAL[call.name](shapes[0], shapes[1])
    except shapely.GEOSException as error:
        raise InputError(f"The filter's {call.name.upper()} fails on its geometry.") from error
    return _known(np.broadcast_to(mask, len(context.rows)), context.all_known())


def _temporal(call: Call, context: Context) -> Truth:
    if len(call.operands) != 2:
        raise InputError(f"The filter's {call.name.upper()} takes two times.")
    a, b = (as_spans(operand(part, context), context) for part in call.operands)
    return _known(_TEMPORAL[call.name](a, b), a.known & b.known)


def _array(call: Call, context: Context) -> Truth:
    if len(call.operands) != 2:
        raise InputError(f"The filter's {call.name.upper()} takes a set and a list.")
    left, right = (names_of(part, context) for part in call.operands)
    size, test = len(context.rows), _ARRAYS[call.name]
    pairs = zip(members_of(left, size), members_of(right, size), strict=True)
    known = context.all_known()
    for side in (left, right):
        known = known & side.known if isinstance(side, Texts) else known
    return _known(np.fromiter((test(a, b) for a, b in pairs), bool, size), known)


_JUDGES: tuple[tuple[frozenset[str], Callable[[Call, Context], Truth]], ...] = (
    (frozenset({"and", "or"}), _and_or),
    (frozenset({"not"}), _not),
    (frozenset(_ORDERS), _compare),
    (frozenset({"between"}), _between),
    (frozenset({"in"}), _in),
    (frozenset({"like"}), _like),
    (frozenset({"isNull"}), _is_null),
    (frozenset(_SPATIAL), _spatial),
    (frozenset(_TEMPORAL), _temporal),
    (frozenset(_ARRAYS), _array),
)
