"""A column type is a class: everything that a file, a store, an interface or a page asks of it.

A column of a layer is an instance (:data:`locator.schema.LAYERS`). Values stand in frames and in
the store as texts and numbers; null is *unknown*. Where a value cannot be what its column says,
because another program wrote it, it counts as unknown, too.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from locator.schema.enums import LabelledEnum, Language, join_set, split_set

Value = str | int | float | list[float] | None  # what a cell of a file means
Cell = str | int | float | None  # what a store or a file holds
Json = str | int | float | bool | list[str] | None
JsonSchema = dict[str, object]
FilterType = Literal["text", "number", "boolean", "set", "time"]
Dtype = Literal["Int64", "float64", "object"]

POSITION_DECIMALS = 7  # a centimetre
SEPARATORS = re.compile(r"[;；、,，|]")  # between the members of a set, as people write them
_HUGE = 1e300  # more than any number means; SQLite keeps infinity, too
_WEEK_HOURS = 168
_MAX_TEXT = 2000
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
# Unicode's categories Cc and Cs, and the code points it has set aside as no characters.
_NO_TEXT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{2,3}", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # 3.11.2026 is the third of November
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?")


def is_shortened(text: str) -> bool:
    """Tell whether a text is a number that Excel has shortened, such as ``6.10302E+11``."""
    return _SHORTENED.fullmatch(text.strip()) is not None


def is_missing(value: object) -> bool:
    """Tell whether a cell of a frame holds nothing: None, NA or NaN."""
    return value is None or value is pd.NA or value != value  # noqa: PLR0124 - NaN alone does


def tidy_text(text: str, longest: int = _MAX_TEXT) -> str:
    """Return a text with its white space tidied; ValueError says what is wrong with it."""
    value = " ".join(text.split())
    if _NO_TEXT.search(value):
        raise ValueError("has control characters; type it anew")
    if len(value) > longest:
        raise ValueError(f"is longer than {longest} characters")
    return value


@dataclass(frozen=True)
class Column:
    """One column of a layer; each subclass is a type of column.

    Attributes
    ----------
    name, zh
        What programs call it, and what a Chinese file does.
    en
        English name for people; empty where the name says it.
    required
        A row without a value is no row.
    choices
        The codes that there are.
    default
        What an empty cell of a new row means.
    public
        Everybody is given it: interfaces and exports. A new column is not until it says so.
    on_page
        A station's page lists it among its facts.
    since
        The schema of the store that has it first: raise it by one for a new column.
    note
        What the template says of it; empty where the type says enough.
    """

    name: str
    zh: str
    en: str = ""
    required: bool = False
    choices: type[LabelledEnum] = LabelledEnum  # without a member
    default: str | None = None
    public: bool = False
    on_page: bool = False
    since: int = 1
    note: str = ""

    # The type in a store's DDL, so that GDAL and QGIS offer the right editor; that of a frame's
    # column; what filters take it for; its JSON schema; whether one of its choices is picked from
    # a list; whether what does not fit is taken out, or whoever reads it looks; a template's note.
    sql: ClassVar[str] = "TEXT"
    dtype: ClassVar[Dtype] = "object"
    operand: ClassVar[FilterType] = "text"
    schema: ClassVar[JsonSchema] = {"type": "string"}
    is_picked: ClassVar[bool] = False
    is_cleaned: ClassVar[bool] = True
    explained: ClassVar[str] = ""

    def label(self, language: Language) -> str:
        """Return its name for people."""
        if language == "zh":
            return self.zh
        return self.en or self.name.replace("_", " ").capitalize()

    @cached_property
    def codes(self) -> dict[str, LabelledEnum]:
        """The codes of its choices, in their order, and what has each."""
        return {member.value: member for member in self.choices}

    @property
    def is_decisive(self) -> bool:
        """Whether a row without a usable value is shown nowhere.

        Required values decide what a row is; a status that is none, whether anybody may go there.
        """
        return self.required or self.default is not None

    def explain(self) -> str:
        """Return what the template says of it, in Chinese."""
        choices = "、".join(member.zh for member in self.choices)
        return self.note or self.explained + choices

    def read(self, text: str | None) -> Value:
        """Return what a cell means, None of an empty one; ValueError says what is wrong."""
        if text is None and self.required:
            raise ValueError("is empty; it is required")
        return None if text is None else self.parse(text)

    def parse(self, text: str) -> Value:
        """Return what a person wrote into a cell; ValueError says what it must be."""
        return tidy_text(text)

    def cell(self, value: object, language: Language | None = None) -> Cell:
        """Return what a file holds; with a language, labels in place of codes."""
        del language
        return self.to_store(value)

    def words(self, value: Json, language: Language) -> str:
        """Return a value that is known as a page says it."""
        members = value if isinstance(value, list) else [value]
        plain = (f"{m:g}" if isinstance(m, float) else str(m) for m in members)
        return "、".join(self._label_of(member, language) for member in plain)

    def _label_of(self, code: str, language: Language) -> str:
        return self.codes[code].label(language) if code in self.codes else code

    def link(self, value: Json) -> str | None:
        """Return the address that a page makes of a value, None where it is none."""
        del value
        return None

    def json(self, value: object) -> Json:
        """Return a value as interfaces give it."""
        return self.to_store(value)

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of a value that is known."""
        return self.schema | ({"enum": [*self.codes]} if self.codes else {})

    def to_store(self, value: object) -> Cell:
        """Return what a store holds of a frame's value."""
        if type(value) is str:  # most are
            return value
        return None if is_missing(value) else str(value)

    def from_store(self, values: Sequence[object]) -> pd.Series:
        """Return a frame's column; what is no value of its type is unknown."""
        return pd.Series(values, dtype=self.dtype)

    def fits(self, value: object) -> bool:
        """Tell whether a value in a store, which is neither null nor empty, is what it should."""
        del value
        return True

    def usable(self, series: pd.Series) -> pd.Series:
        """Return a frame's column: what does not fit is unknown, what is empty the default."""
        if not self.is_cleaned:
            return series
        values = [self._usable(value) for value in series]
        return pd.Series(values, index=series.index, dtype=object)

    def _usable(self, value: object) -> str | None:
        if self.default is not None and (not isinstance(value, str) or not value.strip()):
            return self.default
        return value if isinstance(value, str) and self.fits(value) else None


@dataclass(frozen=True)
class Text(Column):
    """A text of people, on one line."""

    longest: int = _MAX_TEXT

    def parse(self, text: str) -> str:
        """Return the text with its white space tidied."""
        return tidy_text(text, self.longest)


@dataclass(frozen=True)
class Identifier(Text):
    """An id that stands in the address of a page."""

    longest: int = 80

    def parse(self, text: str) -> str:
        """Return the id."""
        if is_shortened(text):
            raise ValueError(
                "is a number that Excel has shortened; give the column the format Text and type "
                "it again"
            )
        value = tidy_text(text, self.longest)
        if value.startswith("cells/") or not {"", ".", ".."}.isdisjoint(value.split("/")):
            raise ValueError(
                "cannot be the address of a page: leave out '.', '..' and '/' at its ends, "
                "'//', and 'cells/' at its start"
            )
        return value


@dataclass(frozen=True)
class Phone(Text):
    """A number to call."""

    def link(self, value: Json) -> str | None:
        """Return the address that dials it."""
        return f"tel:{str(value).replace(' ', '')}"


@dataclass(frozen=True)
class Url(Text):
    """An address in the web; any other kind of address is none."""

    schema: ClassVar[JsonSchema] = {"type": "string", "format": "uri"}
    explained = "网址，以 https:// 或 http:// 开头"

    def parse(self, text: str) -> str:
        """Return the address."""
        value = tidy_text(text, self.longest)
        if not self.fits(value):
            raise ValueError("must be an address like https://example.org/photo.jpg")
        return value

    def link(self, value: Json) -> str | None:
        """Return the address itself."""
        return str(value) if self.fits(value) else None

    def fits(self, value: object) -> bool:
        """Tell whether it is an address of a web page."""
        with suppress(ValueError):  # a bracket that is not closed
            parts = urlsplit(str(value))
            return (
                parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in str(value)
            )
        return False


@dataclass(frozen=True)
class Hours(Text):
    """Opening hours in OpenStreetMap's syntax; what cannot be read is kept, and is unknown."""

    explained = "OpenStreetMap opening_hours 写法，如 Mo-Fr 09:00-18:00; PH off 或 24/7"


@dataclass(frozen=True)
class Choice(Column):
    """One of its choices."""

    is_picked = True
    explained = "选一："

    def parse(self, text: str) -> str:
        """Return the code of a code or a label."""
        return self.choices.parse(text).value

    def cell(self, value: object, language: Language | None = None) -> Cell:
        """Return the code, or its label."""
        text = self.to_store(value)
        return text if language is None or text is None else self._label_of(str(text), language)

    def fits(self, value: object) -> bool:
        """Tell whether it is one of the codes."""
        return str(value) in self.codes


def _members(text: str) -> Iterable[str]:
    return (part.strip() for part in SEPARATORS.split(text) if part.strip())


@dataclass(frozen=True)
class OpenSet(Column):
    """A set of codes, some of them known by name; others are kept as they are written."""

    operand = "set"

    known: type[LabelledEnum] = LabelledEnum

    def parse(self, text: str) -> str:
        """Return the canonical text of the set."""
        members = []
        for part in _members(tidy_text(text)):
            try:
                members.append(self.known.parse(part).value)
            except ValueError:
                members.append(part.casefold())
        return join_set(members)

    def json(self, value: object) -> Json:
        """Return the members as a list, in the order of the codes if there are any."""
        given = split_set(value)
        ordered = [code for code in self.codes if code in given] if self.codes else sorted(given)
        return None if is_missing(value) else ordered

    def json_schema(self) -> JsonSchema:
        """Return a list's."""
        return {"type": "array", "items": super().json_schema()}


@dataclass(frozen=True)
class ChoiceSet(OpenSet):
    """Some of its choices; the empty text is none of them, null is unknown."""

    explained = "可多选，用分号隔开："

    def parse(self, text: str) -> str:
        """Return the canonical text of a set of codes or labels."""
        members = []
        for part in _members(text):
            try:
                members.append(self.choices.parse(part).value)
            except ValueError as error:
                raise ValueError(f"{part!r} {error}") from error
        return join_set(members, self.choices)

    def cell(self, value: object, language: Language | None = None) -> Cell:
        """Return the codes as they stand, or their labels."""
        text = self.to_store(value)
        if language is None or not text:
            return text
        given = split_set(text)
        return ";".join(m.label(language) for code, m in self.codes.items() if code in given)

    def fits(self, value: object) -> bool:
        """Tell whether all members are known."""
        return split_set(value) <= self.codes.keys()

    def _usable(self, value: object) -> str | None:
        if not isinstance(value, str):
            return None
        known = split_set(value) & self.codes.keys()
        # Of a text that names nothing that is known it is not known what it says.
        return join_set(known, self.choices) if known or not value.strip() else None


@dataclass(frozen=True)
class Number(Column):
    """An amount, 0 or more."""

    schema: ClassVar[JsonSchema] = {"type": "number"}
    sql = "REAL"
    dtype: ClassVar[Dtype] = "float64"
    operand = "number"

    def parse(self, text: str) -> float:
        """Return a number from 0 up, ``1200`` or ``1,200``; ``1,5`` could be two things."""
        plain = text.strip()
        try:
            amount = float(plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain)
        except ValueError as error:
            raise ValueError("must be a number, 0 or more") from error
        if not 0 <= amount < math.inf:
            raise ValueError("must be a number, 0 or more")
        return amount

    def cell(self, value: object, language: Language | None = None) -> Cell:
        """Return the number, rounded as positions are."""
        del language
        number = self.to_store(value)
        return None if number is None else round(number, POSITION_DECIMALS)

    def json(self, value: object) -> Json:
        """Return the number; infinity is unknown."""
        number = self.to_store(value)
        return number if number is not None and math.isfinite(number) else None

    def to_store(self, value: object) -> float | None:
        """Return the number."""
        return None if is_missing(value) else float(str(value))

    def from_store(self, values: Sequence[object]) -> pd.Series:
        """Return the numbers; SQLite keeps anything in any column."""
        finite = [v if isinstance(v, float) and abs(v) < _HUGE else _finite(v) for v in values]
        return pd.Series(finite, dtype=self.dtype)

    def fits(self, value: object) -> bool:
        """Tell whether it is not below 0; what is no number is another check's."""
        return not isinstance(value, int | float) or value >= 0

    def usable(self, series: pd.Series) -> pd.Series:
        """Return the numbers that are 0 or more."""
        return series.where(series >= 0)


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < _HUGE else None


@dataclass(frozen=True)
class Integer(Number):
    """A whole number, 0 or more."""

    schema: ClassVar[JsonSchema] = {"type": "integer"}
    sql = "INTEGER"
    dtype = "Int64"
    explained = "整数"

    def parse(self, text: str) -> int:
        """Return the number."""
        plain = unicodedata.normalize("NFKC", text).replace(",", "")
        if not plain.isdecimal() or len(plain) > 9:
            raise ValueError("must be a whole number, 0 or more")
        return int(plain)

    def to_store(self, value: object) -> int | None:
        """Return the number, which may stand in a column of floats or of texts."""
        if is_missing(value):
            return None
        return int(value if isinstance(value, int | float) else str(value).removesuffix(".0"))

    def from_store(self, values: Sequence[object]) -> pd.Series:
        """Return the whole numbers."""
        whole = [v if isinstance(v, int) else _whole(v) for v in values]
        return pd.Series(whole, dtype=self.dtype)


def _whole(value: object) -> int | None:
    number = _finite(value)
    if number is None or not number.is_integer() or abs(number) >= 2**62:
        return None
    return int(number)


@dataclass(frozen=True)
class Boolean(Column):
    """Yes or no. No layer has one yet; filters know them."""

    operand = "boolean"
    is_cleaned = False


@dataclass(frozen=True)
class Date(Column):
    """A day."""

    schema: ClassVar[JsonSchema] = {"type": "string", "format": "date"}
    sql = "DATE"
    is_cleaned = False
    operand = "time"
    explained = "日期，如 2026-11-23"

    def parse(self, text: str) -> str:
        """Return the day in ISO 8601, from that or from how Chinese and Europeans write one."""
        plain = unicodedata.normalize("NFKC", text).strip()
        match, backwards = _DATE.fullmatch(plain), _DAY_FIRST.fullmatch(plain)
        parts = match.groups() if match else backwards.groups()[::-1] if backwards else (0, 0, 0)
        try:
            year, month, day = (int(part) for part in parts)
            return date(year, month, day).isoformat()
        except ValueError as error:
            raise ValueError("must be a date like 2026-11-23") from error

    def json(self, value: object) -> Json:
        """Return the day in ISO 8601; what is none is unknown."""
        try:
            return None if is_missing(value) else date.fromisoformat(str(value)).isoformat()
        except ValueError:
            return None

    def fits(self, value: object) -> bool:
        """Tell whether it is a day."""
        return self.json(value) is not None


@dataclass(frozen=True)
class Moment(Column):
    """A moment in ISO 8601."""

    schema: ClassVar[JsonSchema] = {"type": "string", "format": "date-time"}
    sql = "DATETIME"
    is_cleaned = False
    operand = "time"

    def fits(self, value: object) -> bool:
        """Tell whether it is a moment."""
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Profile(Column):
    """The shares of a week's 168 hours, as JSON in a store; null is flat."""

    is_cleaned = False

    def parse(self, text: str) -> list[float]:
        """Return the shares of a week from JSON, or from numbers with separators."""
        values: object = None
        with suppress(ValueError, RecursionError):
            values = json.loads(text if text.startswith("[") else f"[{text.replace(';', ',')}]")
        shares = values if isinstance(values, list) else []
        if len(shares) != _WEEK_HOURS or not all(type(share) in {int, float} for share in shares):
            raise ValueError(f"must be {_WEEK_HOURS} numbers, the shares of the week's hours")
        return [float(share) for share in shares]

    def to_store(self, value: object) -> Cell:
        """Return the shares as JSON."""
        if isinstance(value, (list, np.ndarray)):
            return json.dumps([float(share) for share in value])
        return super().to_store(value)
