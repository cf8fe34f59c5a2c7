"""A report as it is drawn up, in one language; HTML and DOCX are made from the same blocks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd

from locator.datum import geodesic_m
from locator.errors import InputError
from locator.figures import Figure
from locator.report.blocks import (
    LEFT_FORMS,
    UNKNOWN,
    Band,
    Block,
    Facts,
    Grid,
    Heading,
    Picture,
    Points,
    Signatures,
    Text,
    digits_of,
    percent,
    show,
)
from locator.report.folder import Cell, Made, Table, number
from locator.report.labels import CODES, UNITS, Column, Pair, choose, column_of, standard_label
from locator.report.reading import GapsFolder, SitesFolder
from locator.report.sentences import translate
from locator.schema import Language

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
_SCENARIO = "Stations as the scenario "  # as locator/study/sites.py begins that sentence
_CITY_WITHIN_M = 60_000.0


class Draft:
    """A report that grows, whatever it is about: what is added comes after what is there.

    Parameters
    ----------
    made
        The study's manifest.
    tables, layers
        The study's by name; the layers tell what places and districts are called.
    unit
        What demand counts: ``orders``, ``weight`` (of points) or ``points``.
    weekly
        Whether demand is of a whole week wherever a column speaks of an hour.
    cost_unit
        What a cost is counted in; empty where nobody said.
    """

    def __init__(
        self,
        made: Made,
        tables: Mapping[str, Table],
        layers: Mapping[str, gpd.GeoDataFrame],
        language: Language,
        *,
        unit: str,
        weekly: bool = False,
        cost_unit: str = "",
    ) -> None:
        self.made, self.tables, self.layers, self.language = made, tables, layers, language
        self.weekly, self.cost_unit = weekly, cost_unit
        self.unit = unit if unit in _PER_H else "orders"
        self.names = _english_names(layers) if language == "en" else {}
        self.blocks: list[Block] = []
        self._counts: dict[str, int] = {}

    def continue_in(self, other: "Draft") -> None:
        """Add from now on to another draft, with its numbers of sections, tables and figures."""
        self.blocks, self._counts = other.blocks, other._counts  # noqa: SLF001 - of one class

    def say(self, zh: str, en: str) -> str:
        """Return one of two texts that say the same."""
        return zh if self.language == "zh" else en

    @property
    def per_h(self) -> str:
        """Return what demand counts: orders an hour, or points that have no hour."""
        return self.per_week if self.weekly else choose(_PER_H[self.unit], self.language)

    @property
    def per_week(self) -> str:
        """Return what demand counts over a week: a point that is there at each hour, 168 times."""
        return choose(_PER_WEEK[self.unit], self.language)

    def demand(self, amount: float, *, weekly: bool = False) -> str:
        """Return an amount of demand within a sentence."""
        words = _IN_WEEK if weekly or self.weekly else _IN_HOUR
        return choose(words[self.unit], self.language).format(f"{amount:,.0f}")

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
                right=frozenset(i for i, c in enumerate(known) if c.form not in LEFT_FORMS),
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

    def picture(self, name: str, title: str, text: str, *, rests_on: str = "") -> None:
        """Add a figure; its caption says what it shows and what it rests on, as all or as given."""
        said = rests_on or self.rests_on()
        ends = self.say(f"（{said}）", f" ({said})")
        caption = self._caption("图 ", "Figure ", text + ends, "picture")
        self.blocks.append(Picture(name, title, caption, text, said))

    def warn(self, text: str) -> None:
        """Add what nobody may overlook."""
        self.blocks.append(Band(text))

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Add names and values."""
        self.blocks.append(Facts(tuple(rows)))

    def signatures(self) -> None:
        """Add the lines to sign on."""
        say = self.say
        prepared, reviewed = say("编制", "Prepared by"), say("审核", "Reviewed by")
        approved, date = say("批准", "Approved by"), say("日期", "Date")
        self.blocks.append(Signatures((prepared, reviewed, approved, date)))

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

    # What every study says of itself.

    def what_if(self) -> list[str]:
        """Return what is supposed of the stations, if anything is."""
        return []

    def rests_on(self, *, hours: str = "") -> str:
        """Return what a caption must say: date, model, hours, data hash, and illustrative data.

        ``hours`` is said instead of the study's.
        """
        made, language = self.made, self.language
        parts = [
            made["made_at"][:10],
            translate(made["travel"], language),
            hours or translate(made["hours"], language),
            *(translate(said, language) for said in made["demand_rests_on"]),
            self.say(f"数据 {made['data_hash']}", f"data {made['data_hash']}"),
            *self.what_if(),
        ]
        if made["illustrative"]:
            parts.append(self.say("示例数据", "illustrative data"))
        return self.say("；", "; ").join(parts)

    def condition(self) -> str:
        """Say whether opening hours count: nothing changes the shares more."""
        hours = translate(self.made["hours"], self.language)
        return self.say(f"条件：{hours}。", f"{hours[:1].upper()}{hours[1:]}.")

    def illustrative(self) -> str:
        """Say that the data are made up."""
        return self.say(
            "示例数据：本报告所用的站点或热区为演示而编，任何数字均不反映真实城市。",
            "Illustrative data: the stations or hot zones used here are made up for demonstration; "
            "no figure in this report describes the real city.",
        )

    def dated(self) -> str:
        """Return the line below the title: the day, and the data's digest."""
        day, digest = self.made["made_at"][:10], self.made["data_hash"]
        return self.say(f"{day}　数据 {digest}", f"{day} · data {digest}")

    def when_made(self) -> Iterator[tuple[str, str]]:
        """Yield when the study was made, and of which register."""
        yield self.say("计算时间", "Computed"), self.made["made_at"][:16].replace("T", " ")
        if self.made["as_of"] is not None:
            as_of = self.made["as_of"][:16].replace("T", " ")
            yield self.say("登记册截至", "Register as of"), as_of

    def how_measured(self) -> Iterator[tuple[str, str]]:
        """Yield by which travel times, hours and demand."""
        made, language = self.made, self.language
        yield self.say("出行模型", "Travel model"), translate(made["travel"], language)
        yield self.say("开放时间", "Opening hours"), translate(made["hours"], language)
        yield self.say("需求", "Demand"), translate(made["demand"], language)
        for said in made["demand_rests_on"]:
            yield self.say("需求的依据", "Demand rests on"), translate(said, language)

    def made_from(self) -> Iterator[tuple[str, str]]:
        """Yield of which data it is, and by which program."""
        yield self.say("数据摘要", "Data hash"), self.made["data_hash"]
        if self.made["network"]:
            yield self.say("路网摘要", "Road network hash"), self.made["network"]
        yield self.say("程序", "Program"), self.made["program"]

    def chosen(self, codes: Mapping[str, Sequence[str]], everything: str) -> str:
        """Return the words of codes by column, or what is said where there are none."""
        words = [
            choose(CODES[column][code], self.language) if code in CODES[column] else code
            for column, given in codes.items()
            if column in CODES
            for code in given
        ]
        return self.say("、", ", ").join(words) or everything

    def title(self, zh: str, en: str, *, areas: Sequence[str]) -> str:
        """Return a title with the city's name.

        ``areas`` are the layers that say what is measured; the first that holds something counts.
        """
        city = _city_of(self.layers, areas, self.language)
        return self.say(f"{city}{zh}", f"{en}, {city}" if city else en)

    def _caption(self, zh: str, en: str, text: str, series: str) -> str:
        return f"{self.say(zh, en)}{self._next(series)}{self.say('　', '. ')}{text}"

    def _next(self, series: str) -> int:
        self._counts[series] = self._counts.get(series, 0) + 1
        return self._counts[series]


class GapsDraft(Draft):
    """The report of a gap study as it grows."""

    def __init__(self, study: GapsFolder, language: Language) -> None:
        summary = study.summary
        super().__init__(summary, study.tables, study.layers, language, unit=summary["demand_unit"])
        self.study = study

    @property
    def standard(self) -> str:
        """Return the first standard in words: the one that is looked into."""
        return standard_label(self.study.summary["results"][0]["standard"], self.language)

    def rests_on_week(self) -> str:
        """Return what a caption must say of what goes by the week, not by the study's hour."""
        week = self.study.summary["week"]
        if week is None:
            return self.rests_on()
        monday = week["monday"]
        return self.rests_on(
            hours=self.say(f"{monday} 起一周逐小时", f"hour by hour in the week from {monday}")
        )

    def points_apart(self) -> float | None:
        """Return how many points of a hundred the tables' sampled share lies off page one's.

        None where nothing was sampled, or there is no demand.
        """
        summary = self.study.summary
        share, sampled = (
            summary["results"][0]["covered_share"],
            summary["sampling"]["covered_share"],
        )
        if share is None or sampled is None or summary["sampling"]["cell_m"] <= 0:
            return None
        return 100 * abs(sampled - share)


class SitesDraft(Draft):
    """The report of a siting study as it grows."""

    def __init__(self, study: SitesFolder, language: Language) -> None:
        summary = study.summary
        super().__init__(
            summary,
            study.tables,
            study.layers,
            language,
            unit=UNITS["points" if summary["demand"] == "points" else "hot zones"],
            weekly=study.asked["hourly"],
            cost_unit=_cost_unit(study),
        )
        self.study = study

    @property
    def standard(self) -> str:
        """Return the coverage standard in words."""
        return standard_label(f"{self.study.asked['minutes']:g} min", self.language)

    @property
    def moment(self) -> str:
        """Return the moment that was asked for, such as ``2026-11-23 12:00``; empty for none."""
        return (self.study.asked["at"] or "").replace("T", " ")

    def cost(self, amount: float) -> str:
        """Return a cost with its unit."""
        return f"{amount:,.10g} {self.cost_unit}".strip()

    def sites(self) -> list[dict[str, Cell]]:
        """Return the chosen, by rank."""
        return self.records("sites")

    def curve(self, *, nested: bool) -> list[dict[str, Cell]]:
        """Return the points of a curve in order of their limit."""
        rows = [
            row
            for row in self.records("curve")
            if row["nested"] is nested and number(row["limit"]) is not None
        ]
        return sorted(rows, key=lambda row: number(row["limit"]) or 0.0)

    def gain(self, rows: list[dict[str, Cell]]) -> float:
        """Return what some of the chosen add together."""
        return sum(number(row["gain"]) or 0.0 for row in rows)

    def what_if(self) -> list[str]:
        """Return what the study says of a scenario that changed its stations; none without one."""
        notes = [note for note in self.study.summary["notes"] if note.startswith(_SCENARIO)]
        return [translate(note, self.language).rstrip(".。") for note in notes]

    def options_offered(self) -> bool:
        """Tell whether something else than new posts was on offer."""
        return isinstance(self.study.summary["question"].get("prices"), dict)

    def one_of(self, pair: Pair) -> str:
        """Return a pair's text in the language."""
        return choose(pair, self.language)

    def share(self, part: float, whole: float, digits: int = 0) -> str:
        """Return a part of a whole as per cent."""
        return percent(part / whole if whole > 0 else None, digits)


@dataclass(frozen=True)
class Report:
    """A report drawn up, to be written as page, document, workbook and figures.

    Attributes
    ----------
    draw
        Draws one of the draft's pictures.
    manifest, tables
        The workbook's first sheet as names and values, and its tables by name in their order;
        ``week`` is shown as days and hours, with ``week_note`` below.
    """

    draft: Draft
    title: str
    draw: Callable[[Picture], Figure]
    manifest: Sequence[tuple[str, Cell]]
    tables: Mapping[str, Table]
    week_note: str = ""


def _cost_unit(study: SitesFolder) -> str:
    prices = study.summary["question"].get("prices")
    unit = prices.get("unit") if isinstance(prices, dict) else None
    return unit if isinstance(unit, str) and unit != "cost" else ""


def _english_names(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, str]:
    """Return the English names of districts and places, where they have one."""
    names: dict[str, str] = {}
    for layer in ("places", "districts"):
        frame = layers.get(layer)
        if frame is not None and {"name", "name_en"} <= set(frame.columns):
            known = frame.dropna(subset=["name", "name_en"])
            names |= dict(zip(known["name"].map(str), known["name_en"].map(str), strict=True))
    return names


def _city_of(
    layers: Mapping[str, gpd.GeoDataFrame], areas: Sequence[str], language: Language
) -> str:
    """Return the largest city near what is measured; none where no place says so."""
    places = layers.get("places")
    area = next((layers[name] for name in areas if name in layers and len(layers[name])), None)
    if places is None or area is None or "kind" not in places:
        return ""
    cities = places[places["kind"] == "city"]
    west, south, east, north = (float(edge) for edge in area.total_bounds)
    if cities.empty:
        return ""
    x, y = cities.geometry.x.to_numpy(), cities.geometry.y.to_numpy()
    metres = geodesic_m(x, y, 0 * x + (west + east) / 2, 0 * y + (south + north) / 2)
    near = cities[metres <= _CITY_WITHIN_M]
    if near.empty:
        return ""
    first = near.sort_values("population", ascending=False).iloc[0]
    english = first.get("name_en") if language == "en" else None
    return str(english or first["name"])
