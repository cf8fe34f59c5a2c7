"""A report as it is drawn up: blocks of plain text, tables and pictures, in one language.

HTML and DOCX are made from the same blocks, so they say the same. A text is data wherever it
comes from: whoever renders a block escapes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from locator.errors import InputError
from locator.hours_words import week_words
from locator.reporting.folder import Cell, StudyFolder, Table, number
from locator.reporting.labels import (
    Column,
    Form,
    choose,
    code_label,
    column_of,
    hour_label,
    standard_label,
    translate,
)
from locator.schema import Language

__all__ = [
    "UNKNOWN",
    "Band",
    "Block",
    "Draft",
    "Facts",
    "Grid",
    "Head",
    "Heading",
    "Paper",
    "Picture",
    "Points",
    "Signatures",
    "Text",
    "digits_of",
    "percent",
    "show",
]

UNKNOWN = "—"
_PER_H = {
    "orders": ("单/小时", "orders/h"), "weight": ("权重", "weight"), "points": ("点", "points"),
}  # fmt: skip
_PER_WEEK = {
    "orders": ("单/周", "orders/week"),
    "weight": ("权重×小时", "weight × h"),
    "points": ("点×小时", "point-hours"),
}
_IN_HOUR = {
    "orders": ("每小时 {} 单", "{} orders an hour"),
    "weight": ("权重 {}", "a weight of {}"),
    "points": ("{} 个点", "{} points"),
}
_IN_WEEK = {
    "orders": ("每周 {} 单", "{} orders a week"),
    "weight": ("一周 {} 权重×小时", "{} weight-hours a week"),
    "points": ("一周 {} 点×小时", "{} point-hours a week"),
}
_WHOLE: frozenset[Form] = frozenset({"count", "metres", "area", "seconds"})
_LEFT: frozenset[Form] = frozenset({"text", "code", "codes", "words", "hour", "hours", "standard"})


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
    """A figure by its name: a title to stand in it, a caption below, and a text instead of it."""

    name: str
    title: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Signatures:
    """Lines to sign on."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """When a study was made (ISO, with its offset), on which data, by which program."""

    made_at: str
    data_hash: str
    program: str


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


@dataclass
class Paper:
    """A report that grows, whatever it is about: what is added comes after what is there.

    Attributes
    ----------
    head
        What every report says of its making.
    tables
        The study's tables by name.
    names
        What places and districts are called in the language, where it is not their name.
    unit
        What demand counts: ``orders``, ``weight`` (of points) or ``points``.
    weekly
        Whether demand is of a whole week wherever a column speaks of an hour.
    cost_unit
        What a cost is counted in; empty where nobody said.
    """

    head: Head
    tables: Mapping[str, Table]
    language: Language
    names: Mapping[str, str] = field(default_factory=dict)
    unit: str = "orders"
    weekly: bool = False
    cost_unit: str = ""
    blocks: list[Block] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def continue_in(self, other: "Paper") -> None:
        """Add from now on to another paper, with its numbers of sections, tables and figures."""
        self.blocks, self._counts = other.blocks, other._counts  # noqa: SLF001 - of one class

    def say(self, zh: str, en: str) -> str:
        """Return one of two texts that say the same."""
        return zh if self.language == "zh" else en

    @property
    def per_h(self) -> str:
        """Return what demand counts: orders an hour, or points that have no hour."""
        return self.per_week if self.weekly else choose(_PER_H[self._unit], self.language)

    @property
    def per_week(self) -> str:
        """Return what demand counts over a week: a point that is there at each hour, 168 times."""
        return choose(_PER_WEEK[self._unit], self.language)

    @property
    def _unit(self) -> str:
        return self.unit if self.unit in _PER_H else "orders"

    def demand(self, amount: float, *, weekly: bool = False) -> str:
        """Return an amount of demand within a sentence."""
        words = _IN_WEEK if weekly or self.weekly else _IN_HOUR
        return choose(words[self._unit], self.language).format(f"{amount:,.0f}")

    def records(self, table: str) -> list[dict[str, Cell]]:
        """Return a table's rows; none where the study has no such table."""
        found = self.tables.get(table)
        return [] if found is None else list(found.records())

    def place(self, name: Cell) -> str:
        """Return a place's or district's name in the language, where it has one."""
        text = "" if name is None else str(name)
        return self.names.get(text, text) or UNKNOWN

    def named(self, sentence: str) -> str:
        """Return a sentence with the places and districts in it as the language calls them."""
        for name, other in self.names.items():
            sentence = sentence.replace(name, other)
        return sentence

    def heading(self, zh: str, en: str, *, level: int = 1) -> None:
        """Add a heading; sections are numbered."""
        text = self.say(zh, en)
        if level == 1:
            text = f"{self._next('section')}  {text}"
        self.blocks.append(Heading(text, level))

    def text(self, *sentences: str) -> None:
        """Add a paragraph of the sentences that are not empty."""
        given = [sentence for sentence in sentences if sentence]
        if given:
            self.blocks.append(Text(self.say("", " ").join(given)))

    def points(self, items: Iterable[str]) -> None:
        """Add a list of the sentences that are not empty."""
        given = tuple(item for item in items if item)
        if given:
            self.blocks.append(Points(given))

    def grid(
        self,
        zh: str,
        en: str,
        columns: Sequence[str],
        records: Iterable[Mapping[str, Cell]],
    ) -> None:
        """Add a table of the columns that the records have; none where there are no records."""
        rows = list(records)
        if not rows:
            return
        shown = [name for name in columns if name in rows[0]]
        known = [column_of(name) for name in shown]
        digits = [digits_of(row[name] for row in rows) for name in shown]
        self.blocks.append(
            Grid(
                caption=self._caption("表 ", "Table ", self.say(zh, en), "table"),
                header=tuple(self.header(column) for column in known),
                rows=tuple(
                    tuple(
                        self.cell(row[name], name, column, digits=fine)
                        for name, column, fine in zip(shown, known, digits, strict=True)
                    )
                    for row in rows
                ),
                right=frozenset(i for i, c in enumerate(known) if c.form not in _LEFT),
                short=frozenset(i for i, c in enumerate(known) if c.form in {"hour", "standard"}),
            )
        )

    def plain_grid(
        self, caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 99
    ) -> None:
        """Add a table of texts; from the column ``right`` on they are numbers."""
        texts = tuple(tuple(row) for row in rows)
        if any(len(row) != len(header) for row in texts):
            raise InputError("A table's rows must be as long as its header.")
        numbers = frozenset(range(right, len(header)))
        caption = self._caption("表 ", "Table ", caption, "table")
        self.blocks.append(Grid(caption, tuple(header), texts, numbers))

    def picture(self, name: str, title: str, text: str, *, rests_on: str) -> None:
        """Add a figure; its caption says what it shows and what it rests on."""
        caption = self._caption("图 ", "Figure ", text + self.say("", " ") + rests_on, "picture")
        self.blocks.append(Picture(name, title, caption, text))

    def header(self, column: Column) -> str:
        """Return a column's header, with what demand counts."""
        unit = f"（{self.cost_unit}）" if self.language == "zh" else f" ({self.cost_unit})"
        return column.label(self.language).format(
            per_h=self.per_h, per_week=self.per_week, cost=unit if self.cost_unit else ""
        )

    def cell(self, value: Cell, name: str, column: Column, *, digits: int | None = None) -> str:
        """Return a cell as text."""
        text = show(value, column.form, self.language, column=name, digits=digits)
        return self.place(text) if name in {"place", "district_name", "name"} else text

    def plain_cell(self, value: Cell, name: str, *, digits: int | None = None) -> str:
        """Return a cell of a known column as text."""
        return self.cell(value, name, column_of(name), digits=digits)

    def _caption(self, zh: str, en: str, text: str, series: str) -> str:
        return f"{self.say(zh, en)}{self._next(series)}{self.say('　', '. ')}{text}"

    def _next(self, series: str) -> int:
        self._counts[series] = self._counts.get(series, 0) + 1
        return self._counts[series]


class Draft(Paper):
    """The report of a gap study as it grows."""

    def __init__(
        self, study: StudyFolder, language: Language, *, names: Mapping[str, str] | None = None
    ) -> None:
        summary = study.summary
        head = Head(summary["made_at"], summary["data_hash"], summary["program"])
        super().__init__(
            head, study.tables, language, names=names or {}, unit=summary["demand_unit"]
        )
        self.study = study

    @property
    def standard(self) -> str:
        """Return the first standard in words: the one that is looked into."""
        return standard_label(self.study.summary["results"][0]["standard"], self.language)
