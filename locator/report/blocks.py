"""What a report is made of: blocks of plain text, tables and pictures, and cells as text.

A text is data wherever it comes from: whoever renders a block escapes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from locator.hours_words import week_words
from locator.report.folder import Cell, number
from locator.report.labels import Form, choose, code_label, hour_label, standard_label
from locator.report.sentences import translate
from locator.schema import Language

UNKNOWN = "—"
_WHOLE: frozenset[Form] = frozenset({"count", "metres", "area", "seconds"})
# Of the forms, those that stand at the left of a table's column.
LEFT_FORMS: frozenset[Form] = frozenset(
    {"text", "code", "codes", "words", "hour", "hours", "standard"}
)


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 begins a section."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Band:
    """A warning that nobody may overlook."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and values, one pair a row."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table: caption, header, rows; the columns in ``right`` hold numbers.

    Those in ``short`` hold a word or two that stay on one line.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]
    short: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A figure by its name: a title to stand in it, a caption below, and a text instead of it.

    ``rests_on`` is what the caption ends with, without its brackets, for the figure to say too.
    """

    name: str
    title: str
    caption: str
    alt: str
    rests_on: str


@dataclass(frozen=True)
class Signatures:
    """Lines to sign on."""

    labels: tuple[str, ...]


Block = Heading | Text | Points | Band | Facts | Grid | Picture | Signatures


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as per cent."""
    return UNKNOWN if share is None else f"{share:.{digits}%}"


def digits_of(values: Iterable[Cell]) -> int:
    """Return how many decimals the numbers of a column have, all alike: by the largest."""
    most = max((abs(amount) for v in values if (amount := number(v)) is not None), default=0.0)
    return 0 if most >= 100 else 1 if most >= 10 else 2


def show(
    value: Cell, form: Form, language: Language, *, column: str = "", digits: int | None = None
) -> str:
    """Return a cell as text, in the unit that its column's header names.

    ``digits`` are the decimals of its column's numbers; None goes by the number alone.
    """
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, str):
        texts = {
            "code": lambda: code_label(column, value, language),
            "codes": lambda: code_label(column, value, language),
            "standard": lambda: standard_label(value, language),
            "words": lambda: translate(value, language),
            "hours": lambda: week_words(value, language),
        }
        return texts[form]() if form in texts else value
    if form == "flag":
        return choose(("是", "yes") if value else ("否", "no"), language)
    amount = number(value)
    if amount is None:
        return UNKNOWN
    if form == "hour":
        return hour_label(int(amount), language)
    return _amount(amount, form, digits_of([amount]) if digits is None else digits)


def _amount(value: float, form: Form, digits: int) -> str:
    if form == "share":
        return f"{100 * value:.1f}"
    if form == "change":
        return f"{100 * value:+.1f}" if abs(value) >= 0.0005 else "0.0"
    if form == "minutes":
        return f"{value / 60:,.1f}"
    if form == "degrees":
        return f"{value:.5f}"  # about a metre
    if form == "cost":
        return f"{value:,.10g}"
    return f"{value:,.{0 if form in _WHOLE else digits}f}"
