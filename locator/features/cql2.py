"""CQL2 text (OGC 21-065r2, Annex B) into a tree of a few frozen classes.

The grammar is LALR and its tree is built from the leaves, so that no text, however nested, makes
the parser recurse; what is deep or long is refused. Operands of any kind parse; ``filter.py``
checks that they fit their operator.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import shapely
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from locator.errors import InputError

_MAX_LENGTH = 4_000
_MAX_DEPTH = 40

_GRAMMAR = r"""
start: or_
?or_: and_ (_OR and_)*                                   -> any_of
?and_: not_ (_AND not_)*                                 -> all_of
?not_: _NOT not_                                         -> negate
     | comparison
?comparison: sum
     | sum COMPARISON sum                                -> compare
     | sum _LIKE sum                                     -> like
     | sum _NOT _LIKE sum                                -> not_like
     | sum _BETWEEN sum _AND sum                         -> between
     | sum _NOT _BETWEEN sum _AND sum                    -> not_between
     | sum _IN "(" or_ ("," or_)* ")"                    -> one_of
     | sum _NOT _IN "(" or_ ("," or_)* ")"               -> not_one_of
     | sum _IS _NULL                                     -> is_null
     | sum _IS _NOT _NULL                                -> not_null
?sum: product | sum SIGN product                         -> arithmetic
?product: power | product FACTOR power                   -> arithmetic
?power: unary | unary POWER power                        -> arithmetic
?unary: SIGN unary                                       -> signed
      | atom
?atom: NUMBER                                            -> number
     | TEXT                                              -> text
     | TRUE                                              -> true
     | FALSE                                             -> false
     | NAME                                              -> name
     | QUOTED                                            -> name
     | NAME "(" [or_ ("," or_)*] ")"                     -> call
     | wkt                                               -> geometry
     | "(" or_ ")"
     | "(" or_ ("," or_)+ ")"                            -> items
     | "(" ")"                                           -> items
?wkt: shape | COLLECTION "(" shape ("," shape)* ")"      -> collection
shape: SHAPE (flat | ringed | nested)
!flat: "(" coordinate ("," coordinate)* ")"
!ringed: "(" flat ("," flat)* ")"
!nested: "(" ringed ("," ringed)* ")"
!coordinate: (SIGN? NUMBER)+
SHAPE.5: /(MULTI)?(POINT|LINESTRING|POLYGON)(\s*Z)?(?=\s*\()/i
COLLECTION.5: /GEOMETRYCOLLECTION(\s*Z)?(?=\s*\()/i
_OR.4: /OR\b/i
_AND.4: /AND\b/i
_NOT.4: /NOT\b/i
_LIKE.4: /LIKE\b/i
_BETWEEN.4: /BETWEEN\b/i
_IN.4: /IN\b/i
_IS.4: /IS\b/i
_NULL.4: /NULL\b/i
TRUE.4: /TRUE\b/i
FALSE.4: /FALSE\b/i
FACTOR: "*" | "/" | "%" | /DIV\b/i
POWER: "^"
SIGN: "+" | "-"
COMPARISON: "=" | "<>" | "<=" | ">=" | "<" | ">"
NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
TEXT: /'(?:''|\\'|[^'\\]|\\(?!'))*'/
QUOTED: /"[^"]+"/
NAME: /[^\W\d][\w.:]*/
%ignore /\s+/
"""


@dataclass(frozen=True)
class Literal:
    """A text, a number or a truth value."""

    value: str | float | bool
    depth: int = field(default=1, init=False)


@dataclass(frozen=True)
class Geometry:
    """A geometry in the filter's coordinate system."""

    value: shapely.Geometry
    depth: int = field(default=1, init=False)


@dataclass(frozen=True)
class Property:
    """A property by its name."""

    name: str
    depth: int = field(default=1, init=False)


@dataclass(frozen=True)
class Items:
    """A list in parentheses."""

    members: "tuple[Expression, ...]"
    depth: int


@dataclass(frozen=True)
class Call:
    """An operator or a function with its operands; the names are those of CQL2's JSON."""

    name: str
    operands: "tuple[Expression, ...]"
    depth: int


Expression = Literal | Geometry | Property | Items | Call


def parse_cql2(text: str) -> Expression:
    """Parse a filter.

    Raises
    ------
    InputError
        It is not CQL2 text, too long or too deep; the message says where it went wrong.
    """
    if len(text) > _MAX_LENGTH:
        raise InputError(f"The filter has {len(text)} characters; {_MAX_LENGTH} are the most.")
    try:
        return cast("Expression", _parser().parse(text))
    except UnexpectedInput as error:
        rest = "" if error.pos_in_stream is None else text[error.pos_in_stream :]
        near = repr(rest[:20]) if rest else "its end"
        raise InputError(f"The filter is not CQL2 text, near {near}.") from error
    except VisitError as error:
        raise InputError(str(error.orig_exc)) from error


@cache
def _parser() -> Lark:
    # Built at the first filter: 20 ms that a server without filters does not spend.
    return Lark(_GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


def _make(name: str, *operands: Expression) -> Call:
    return Call(name, operands, _depth(operands))


def _depth(operands: tuple[Expression, ...]) -> int:
    depth = 1 + max((operand.depth for operand in operands), default=0)
    if depth > _MAX_DEPTH:
        raise InputError(f"The filter is nested deeper than {_MAX_DEPTH} levels; simplify it.")
    return depth


def _negate(call: Call) -> Call:
    return _make("not", call)


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Make the tree's classes, from the leaves up, while the parser runs."""

    def start(self, root: Expression) -> Expression:
        return root

    def any_of(self, *operands: Expression) -> Expression:
        return operands[0] if len(operands) == 1 else _make("or", *operands)

    def all_of(self, *operands: Expression) -> Expression:
        return operands[0] if len(operands) == 1 else _make("and", *operands)

    def negate(self, operand: Expression) -> Call:
        return _make("not", operand)

    def compare(self, left: Expression, sign: Token, right: Expression) -> Call:
        return _make(str(sign), left, right)

    def like(self, value: Expression, pattern: Expression) -> Call:
        return _make("like", value, pattern)

    def not_like(self, value: Expression, pattern: Expression) -> Call:
        return _negate(self.like(value, pattern))

    def between(self, value: Expression, low: Expression, high: Expression) -> Call:
        return _make("between", value, low, high)

    def not_between(self, value: Expression, low: Expression, high: Expression) -> Call:
        return _negate(self.between(value, low, high))

    def one_of(self, value: Expression, *members: Expression) -> Call:
        return _make("in", value, *members)

    def not_one_of(self, value: Expression, *members: Expression) -> Call:
        return _negate(self.one_of(value, *members))

    def is_null(self, value: Expression) -> Call:
        return _make("isNull", value)

    def not_null(self, value: Expression) -> Call:
        return _negate(self.is_null(value))

    def arithmetic(self, left: Expression, sign: Token, right: Expression) -> Call:
        return _make(str(sign).lower(), left, right)

    def signed(self, sign: Token, value: Expression) -> Expression:
        if isinstance(value, Literal) and isinstance(value.value, float):
            return Literal(-value.value) if sign == "-" else value
        return _make("*", Literal(-1.0 if sign == "-" else 1.0), value)

    def number(self, token: Token) -> Literal:
        value = float(token)
        if math.isinf(value):
            raise InputError(f"The filter's number {str(token)[:20]} is too large.")
        return Literal(value)

    def text(self, token: Token) -> Literal:
        return Literal(token[1:-1].replace("''", "'").replace("\\'", "'"))

    def true(self, _token: Token) -> Literal:
        return Literal(value=True)

    def false(self, _token: Token) -> Literal:
        return Literal(value=False)

    def name(self, token: Token) -> Property:
        return Property(token.strip('"'))

    def call(self, name: Token, *operands: Expression) -> Call:
        return _make(name.lower(), *operands)

    def items(self, *members: Expression) -> Items:
        return Items(members, _depth(members))

    def flat(self, *parts: str) -> str:
        return " ".join(parts)

    ringed = nested = shape = flat

    def coordinate(self, *parts: str) -> str:
        return " ".join(parts).replace("+ ", "").replace("- ", "-")

    def collection(self, word: Token, *shapes: str) -> str:
        return f"{word} ({', '.join(shapes)})"

    def geometry(self, text: str) -> Geometry:
        try:
            return Geometry(shapely.from_wkt(text))
        except (shapely.GEOSException, ValueError) as error:
            raise InputError(f"The filter's geometry {text[:60]!r} cannot be read.") from error
