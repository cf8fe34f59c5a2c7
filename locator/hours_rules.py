"""What a text of opening hours leaves open, made explicit for the library that reads it.

``opening-hours-py`` takes a rule that has only a comment for open, an open end (``18:00+``) for
midnight, and a fallback (``||``) for whole days. So a text is split into its rules, outside
quotation marks, and written anew with the same selectors: nothing is evaluated here.
"""

import re
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import lru_cache

_QUOTED = re.compile(r'("[^"]*")')
_PIECE = re.compile(r'"[^"]*"|\|\||;|[^";|]+|["|]')
_MODIFIER = re.compile(r"\b(?:open|off|closed|unknown)\s*$", re.IGNORECASE)
_SAYS_HOURS = re.compile(
    r"\d{1,2}:\d\d|24/7|\b(?:open|off|closed|unknown|sunrise|sunset|dawn|dusk)\b", re.IGNORECASE
)
_HOURS_FIRST = re.compile(rf"\s*\(?(?:{_SAYS_HOURS.pattern})", re.IGNORECASE)
_SUN = re.compile(r"\b(?:sunrise|sunset|dawn|dusk)\b", re.IGNORECASE)
_AT = r"(?:\d{1,2}:\d{2}|\(?\b(?:sunrise|sunset|dawn|dusk)\b(?:\s*[+-]\s*\d{1,2}:\d{2}\s*\))?)"
_OPEN_END = re.compile(rf"(?P<at>{_AT})(?:\s*-\s*(?P<until>{_AT}))?\s*\+(?!\s*\d)", re.IGNORECASE)
_RANGE = re.compile(rf"(?P<at>{_AT})\s*-\s*(?P<until>{_AT})", re.IGNORECASE)
_HOURS = {"dawn": 5, "sunrise": 6, "sunset": 18, "dusk": 19}  # only for which of two comes first
_DAY, _AFTERNOON, _SMALL_HOURS = 24, 17, 30  # hours; an open evening is over at 6:00 for certain


@dataclass(frozen=True)
class Reading:
    """Rules as the library reads them, twice.

    Attributes
    ----------
    sure
        An open end lasts till the midnight that follows, a later end till that end.
    longest
        An open end lasts as long as it may; the same text where there is none.
    """

    sure: str
    longest: str

    def until_midnight(self) -> "Reading":
        """Return the rules with each night ended at midnight: what begins on a day alone."""
        return Reading(*(_rewritten(text, _RANGE, _till_midnight) for text in astuple(self)))

    def has_nights(self) -> bool:
        """Tell whether something lasts, or may last, past midnight."""
        return self.until_midnight() != self


@dataclass(frozen=True)
class Night:
    """A rule that lasts past midnight, alone, and with the rules that stand after it.

    Only these cut its nights short, by a rule for the day after; the library lets any rule do so.
    """

    rule: Reading
    rest: Reading


@dataclass(frozen=True)
class Chain:
    """Rules that hold together, and those of them that have nights."""

    whole: Reading
    nights: tuple[Night, ...]


def needs_sun(text: str) -> bool:
    """Tell whether the text names sunrise, sunset, dawn or dusk, so that the place matters."""
    return any(_SUN.search(part) for part in _QUOTED.split(text)[::2])


@lru_cache(maxsize=8192)
def split_chains(text: str) -> tuple[Chain, ...]:
    """Return the rules of a readable text, and after them its fallbacks in order.

    A fallback holds where all before it are closed. It is followed by the rules that stand after
    it, which override it like any other.
    """
    rules = _split(text)
    plain = [rule for separator, rule in rules if separator == ";"]
    found = [plain] if plain else []
    for number, (separator, rule) in enumerate(rules):
        if separator == "||":
            found.append([rule, *(r for s, r in rules[number + 1 :] if s == ";")])
    return tuple(_chain([_with_lists(_say_unknown(rule)) for rule in chain]) for chain in found)


def _split(text: str) -> list[tuple[str, str]]:
    """Return each rule with the separator before it, ``;`` for the first."""
    rules, separator, rule = [], ";", ""
    for piece in [*_PIECE.findall(text), ";"]:
        if piece not in {";", "||"}:
            rule += piece
            continue
        if rule.strip():
            rules.append((separator, rule.strip()))
            separator = piece
        elif piece == "||":
            separator = piece
        rule = ""
    return rules


def _say_unknown(rule: str) -> str:
    """Write ``unknown`` before each comment that has no state of its own (the specification)."""
    parts = _QUOTED.split(rule)
    for number in range(1, len(parts), 2):
        before = parts[number - 1]
        if not _MODIFIER.search(before) and not parts[number + 1].lstrip().startswith(":"):
            parts[number - 1] = f"{before.rstrip()} unknown ".lstrip()  # it takes no two spaces
    return "".join(parts).strip()


def _with_lists(rule: str) -> str:
    """Mend ``Sa, Su 09:00-16:00`` and ``Sa, 09:00-16:00``, which the library takes for two rules.

    A comma parts rules only where hours or a state stand before it: else it joins days, or is one
    too many.
    """
    parts, said = _QUOTED.split(rule), False
    for number in range(0, len(parts), 2):
        written = ""
        for place, piece in enumerate(parts[number].split(",")):
            if place and (said or not written.strip()):
                written += ","
                said = False
            elif place:
                written = written.rstrip() + (" " if _HOURS_FIRST.match(piece) else ",")
                piece = piece.lstrip()  # noqa: PLW2901
            written += piece
            said |= bool(_SAYS_HOURS.search(piece))
        parts[number] = written
        said = True  # a comment ends a rule
    return "".join(parts)


def _chain(rules: list[str]) -> Chain:
    readings = [_reading(rule) for rule in rules]
    nights = (
        Night(reading, _reading("; ".join(rules[number:])))
        for number, reading in enumerate(readings)
        if reading.has_nights()
    )
    return Chain(_reading("; ".join(rules)), tuple(nights))


def _reading(text: str) -> Reading:
    sure = _rewritten(text, _OPEN_END, lambda found: _ended(found, longest=False))
    return Reading(sure, _rewritten(text, _OPEN_END, lambda found: _ended(found, longest=True)))


def _rewritten(text: str, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]) -> str:
    """Replace a pattern outside quotation marks."""
    parts = _QUOTED.split(text)
    parts[::2] = [pattern.sub(write, part) for part in parts[::2]]
    return "".join(parts)


def _ended(found: re.Match[str], *, longest: bool) -> str:
    at, until = found["at"], found["until"]
    if not longest:
        return f"{at}-{until or '24:00'}"
    begins = _hour(at)
    evening = until is None or begins >= _AFTERNOON
    return f"{at}-{min(_SMALL_HOURS, int(begins) + _DAY) if evening else _DAY}:00"


def _till_midnight(found: re.Match[str]) -> str:
    at, until = _hour(found["at"]), _hour(found["until"])
    by_sun = not found["until"][0].isdigit()
    past = until > _DAY or (until <= at and not (by_sun and at < _HOURS["sunrise"]))
    return f"{found['at']}-24:00" if past and at < _DAY else found[0]


def _hour(time: str) -> float:
    event = _SUN.search(time)
    if event:
        return _HOURS[event[0].lower()]
    hours, minutes = time.split(":")
    return int(hours) + int(minutes) / 60
