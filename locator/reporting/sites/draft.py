"""The report of a siting study as it is drawn up: what every part of it asks."""

from collections.abc import Mapping

from locator.reporting.columns import Pair
from locator.reporting.draft import Head, Paper, percent
from locator.reporting.folder import Cell, number
from locator.reporting.labels import choose, standard_label, translate
from locator.reporting.sites.labels import UNITS
from locator.reporting.sites.read import SiteFolder
from locator.schema import Language

__all__ = ["SiteDraft", "numeral"]

_SCENARIO = "Stations as the scenario "  # as locator/study/sites.py begins that sentence
_FEW_EN = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def numeral(count: int, language: Language) -> str:
    """Return a count within a sentence: up to ten as a word in English."""
    return _FEW_EN[count] if language == "en" and count < len(_FEW_EN) else f"{count:,}"


class SiteDraft(Paper):
    """The report of a siting study as it grows."""

    def __init__(
        self, study: SiteFolder, language: Language, *, names: Mapping[str, str] | None = None
    ) -> None:
        summary = study.summary
        super().__init__(
            Head(summary["made_at"], summary["data_hash"], summary["program"]),
            study.tables,
            language,
            names=names or {},
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

    def gain(self, rows: list[dict[str, Cell]]) -> float:
        """Return what some of the chosen add together."""
        return sum(number(row["gain"]) or 0.0 for row in rows)

    def rests_on(self) -> str:
        """Return what a caption must say: date, model, hours, data hash, illustrative data."""
        summary, language = self.study.summary, self.language
        parts = [
            summary["made_at"][:10],
            translate(summary["travel"], language),
            translate(summary["hours"], language),
            *(translate(said, language) for said in summary["demand_rests_on"]),
            self.say(f"数据 {summary['data_hash']}", f"data {summary['data_hash']}"),
        ]
        parts += self.what_if()
        if summary["illustrative"]:
            parts.append(self.say("示例数据", "illustrative data"))
        return self.say("（", "(") + self.say("；", "; ").join(parts) + self.say("）", ")")

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


def _cost_unit(study: SiteFolder) -> str:
    prices = study.summary["question"].get("prices")
    unit = prices.get("unit") if isinstance(prices, dict) else None
    return unit if isinstance(unit, str) and unit != "cost" else ""
