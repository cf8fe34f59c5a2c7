"""What a column of a report is: its words in both languages, and the form of its values."""

from dataclasses import dataclass
from typing import Literal

from locator.schema import Language

__all__ = ["Column", "Form", "Pair"]

Pair = tuple[str, str]
Form = Literal[
    "text", "code", "codes", "flag", "count", "share", "change", "number", "minutes", "seconds",
    "metres", "area", "hour", "standard", "words", "degrees", "cost", "hours",
]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column's header in both languages, with its unit, and the form of its values."""

    zh: str
    en: str
    form: Form

    def label(self, language: Language) -> str:
        """Return the header in a language."""
        return self.zh if language == "zh" else self.en
