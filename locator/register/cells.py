"""One cell of a register: its text to the value of its column, or what is wrong with it."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date

from locator.schema import Column, LabelledEnum, Platform, join_set

__all__ = ["Value", "is_shortened", "parse_amount", "parse_cell", "parse_text"]

Value = str | int | None

_MAX_TEXT = 2000
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
# Unicode's categories Cc and Cs, and the code points it has set aside as no characters.
_NO_TEXT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_SEPARATORS = re.compile(r"[;；、,，|]")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # 3.11.2026 is the third of November
_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{2,3}", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")


def parse_cell(text: str, column: Column) -> Value:
    """Return a column's value; ValueError says what the cell must be."""
    if column.name == "platforms":
        return _parse_platforms(text)
    return _PARSERS[column.dtype](text, column)


def parse_amount(text: str) -> float:
    """Return an amount: a number from 0 up, ``1200`` or ``1,200``; ``1,5`` could be two things.

    Raises
    ------
    ValueError
        It is none.
    """
    plain = text.strip()
    try:
        amount = float(plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain)
    except ValueError as error:
        raise ValueError("must be a number, 0 or more") from error
    if not 0 <= amount < math.inf:
        raise ValueError("must be a number, 0 or more")
    return amount


def is_shortened(text: str) -> bool:
    """Tell whether a text is a number that Excel has shortened, such as ``6.10302E+11``."""
    return _SHORTENED.fullmatch(text.strip()) is not None


def parse_text(text: str) -> str:
    """Return a text with its white space tidied; ValueError says what is wrong with it."""
    value = " ".join(text.split())
    if _NO_TEXT.search(value):
        raise ValueError("has control characters; type it anew")
    if len(value) > _MAX_TEXT:
        raise ValueError(f"is longer than {_MAX_TEXT} characters")
    return value


def _parse_enum(text: str, column: Column) -> str:
    return _choices(column).parse(text).value


def _choices(column: Column) -> type[LabelledEnum]:
    if column.choices is None:
        raise TypeError(f"the column {column.name} has no choices")
    return column.choices


def _members(text: str) -> Iterable[str]:
    return (part.strip() for part in _SEPARATORS.split(text) if part.strip())


def _parse_set(text: str, column: Column) -> str:
    choices = _choices(column)
    members = []
    for part in _members(text):
        try:
            members.append(choices.parse(part).value)
        except ValueError as error:
            raise ValueError(f"{part!r} {error}") from error
    return join_set(members, choices)


def _parse_platforms(text: str) -> str:
    members = []
    for part in _members(parse_text(text)):
        try:
            members.append(Platform.parse(part).value)
        except ValueError:
            members.append(part.casefold())
    return join_set(members)


def _parse_integer(text: str, column: Column) -> int:
    del column
    plain = unicodedata.normalize("NFKC", text).replace(",", "")
    if not plain.isdecimal() or len(plain) > 9:
        raise ValueError("must be a whole number, 0 or more")
    return int(plain)


def _parse_date(text: str, column: Column) -> str:
    del column
    plain = unicodedata.normalize("NFKC", text).strip()
    match, backwards = _DATE.fullmatch(plain), _DAY_FIRST.fullmatch(plain)
    parts = match.groups() if match else backwards.groups()[::-1] if backwards else (0, 0, 0)
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise ValueError("must be a date like 2026-11-23") from error


_PARSERS: dict[str, Callable[[str, Column], Value]] = {
    "text": lambda text, _: parse_text(text),
    "enum": _parse_enum,
    "set": _parse_set,
    "integer": _parse_integer,
    "date": _parse_date,
    "datetime": lambda text, _: parse_text(text),
}
