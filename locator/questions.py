"""The words of a question, each read in one way, wherever it was asked.

An address, a form, a JSON body, a command line and a file say the same things: some as texts, some
as JSON's numbers, truths and lists. A *reader* takes a word's name as its writer wrote it
(``minutes``, ``--minutes``, ``LON``) and its value, and returns what the library takes. What is
wrong is told in one sentence, the same at every door: ``--minutes='zero' is not a number; …``.
"""

import json
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import TypeVar, overload
from zoneinfo import ZoneInfo

from locator.errors import InputError
from locator.hours import YEARS
from locator.schema import LabelledEnum, Language

T = TypeVar("T")
D = TypeVar("D")
C = TypeVar("C", bound=str)
E = TypeVar("E", bound=LabelledEnum)
Reader = Callable[[str, object], T]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees, WGS-84

NOT_A_MOMENT = "is not a moment; write it like 2026-11-23T12:00, in local time"
NOT_A_DATE = "is not a date; write it like 2026-11-23"
_NOT_A_PLACE = (
    "must be a longitude and a latitude in degrees, longitude first, with a comma between, "
    "such as 107.15,34.36"
)
_TOO_FAR = (
    "is too far from our time: opening hours are known for the years "
    f"{YEARS.start} to {YEARS.stop - 1}"
)
NOT_A_BOX = "must be west,south,east,north in degrees (WGS-84), such as 107.0,34.3,107.3,34.4"
_MOST_LETTERS = 500
_EXACT = 2**53  # what follows computes with floats, which hold no larger whole numbers


def wrong(name: str, value: object, reason: str) -> InputError:
    """Return the error of a word: name and value as they were written, and what is asked for."""
    if isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return InputError(f"{name}={said.strip()[:40]!r} {reason}.")


def parts_of(value: object) -> list[object]:
    """Return what a word lists: given several times, with commas between, or as a JSON list."""
    items = value if isinstance(value, (list, tuple)) else [value]
    pieces = (item.split(",") if isinstance(item, str) else [item] for item in items)
    return [part.strip() if isinstance(part, str) else part for own in pieces for part in own]


def listed(value: object) -> list[object]:
    """Return what a word lists, without what is empty."""
    return [part for part in parts_of(value) if part is not None and part != ""]


def text(name: str, value: object) -> str:
    """Read a text that stands once, without the spaces around it."""
    if isinstance(value, (list, tuple)):
        if len(value) != 1:
            raise InputError(f"{name} is given {len(value)} times; give it once.")
        value = value[0]
    if not isinstance(value, str) or not value.strip():
        raise wrong(name, value, "must be a text")
    return value.strip()


def _number(name: str, value: object) -> float:
    number = math.nan
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise wrong(name, value, "is not a number; write it like 5")
    return number


def numbers(
    low: float = -math.inf, high: float = math.inf, *, above: bool = False, whole: bool = False
) -> Reader[tuple[float, ...]]:
    """Return what reads numbers from ``low`` (or ``above`` it) to ``high``, each taken once."""

    def read(name: str, value: object) -> tuple[float, ...]:
        found = []
        for part in listed(value):
            number = _number(name, part)
            if whole and not number.is_integer():
                raise wrong(name, part, "must be a whole number")
            if not low <= number <= high or (above and number == low):
                raise wrong(name, part, _span(low, high, above=above))
            found.append(number)
        if not found:
            raise wrong(name, value, "is not a number; write it like 5")
        return tuple(dict.fromkeys(found))

    return read


def _span(low: float, high: float, *, above: bool) -> str:
    least = f"above {low:,.10g}" if above else f"at least {low:,.10g}"
    if math.isinf(high):
        return f"must be {least}"
    if above:
        return f"must be {least} and at most {high:,.10g}"
    return f"must lie from {low:,.10g} to {high:,.10g}"


def number(low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> Reader[float]:
    """Return what reads one number from ``low`` (or ``above`` it) to ``high``."""
    return _only(numbers(low, high, above=above))


def whole(low: float = -_EXACT, high: float = _EXACT) -> Reader[int]:
    """Return what reads one whole number from ``low`` to ``high``."""
    one = _only(numbers(low, high, whole=True))
    return lambda name, value: int(one(name, value))


def _only(several: Reader[tuple[float, ...]]) -> Reader[float]:
    def read(name: str, value: object) -> float:
        found = several(name, value)
        if len(found) > 1:
            raise InputError(f"{name} names {len(found)} numbers; give one.")
        return found[0]

    return read


def lon(name: str, value: object) -> float:
    """Read a longitude in degrees, WGS-84."""
    return _degrees(name, value, 180, "longitude", "107.15")


def lat(name: str, value: object) -> float:
    """Read a latitude in degrees, WGS-84."""
    return _degrees(name, value, 90, "latitude", "34.37")


def _degrees(name: str, value: object, most: int, what: str, example: str) -> float:
    try:
        return number(-most, most)(name, value)
    except InputError as error:
        reason = (
            f"is not a {what}; write degrees (WGS-84), longitude first, from -{most} to {most}, "
            f"such as {example}"
        )
        raise wrong(name, value, reason) from error


def place(name: str, value: object) -> tuple[float, float]:
    """Read a longitude and a latitude in degrees, WGS-84, as two numbers or with a comma."""
    try:
        east, north = parts_of(value)
        return lon(name, east), lat(name, north)
    except (ValueError, InputError) as error:
        raise wrong(name, value, _NOT_A_PLACE) from error


def box(name: str, value: object) -> Box:
    """Read west, south, east and north in degrees, WGS-84."""
    try:
        west, south, east, north = (_number(name, part) for part in parts_of(value))
    except (ValueError, InputError) as error:
        raise wrong(name, value, NOT_A_BOX) from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise wrong(name, value, NOT_A_BOX)
    return west, south, east, north


def flag(name: str, value: object) -> bool:
    """Read yes or no: 1 or 0, and true or false."""
    said = value if isinstance(value, int) else text(name, value)
    if said not in {True, False, "1", "0", "true", "false"}:  # 1 and 0 equal True and False
        raise wrong(name, said, "must be 1 or 0, or true or false")
    return said in {True, "1", "true"}


def choice(*known: C) -> Reader[C]:
    """Return what reads one of a few words."""

    def read(name: str, value: object) -> C:
        said = text(name, value)
        for word in known:
            if word == said:
                return word
        raise wrong(name, said, f"must be one of {', '.join(known)}")

    return read


_LANGUAGES: tuple[Language, ...] = ("zh", "en")
language: Reader[Language] = choice(*_LANGUAGES)


def code(enum: type[E]) -> Reader[E]:
    """Return what reads one code, or label, of an enum."""

    def read(name: str, value: object) -> E:
        said = text(name, value)
        try:
            return enum.parse(said)
        except ValueError as error:
            raise wrong(name, said, str(error)) from error

    return read


def codes(enum: type[E]) -> Reader[tuple[E, ...]]:
    """Return what reads codes, or labels, of an enum, each taken once."""
    one = code(enum)
    return lambda name, value: tuple(dict.fromkeys(one(name, part) for part in listed(value)))


def written_moment(name: str, value: object) -> datetime:
    """Read an ISO 8601 moment as it is written: with an offset, or without one."""
    said = text(name, value)
    try:
        return datetime.fromisoformat(said)
    except ValueError as error:
        raise wrong(name, said, NOT_A_MOMENT) from error


def hour(name: str, value: object) -> datetime:
    """Read a whole hour in local time, which is written without an offset."""
    found = written_moment(name, value)
    if found.tzinfo is not None or (found.minute, found.second, found.microsecond) != (0, 0, 0):
        raise wrong(name, value, "must be a whole hour in local time, without an offset")
    return found


def moment(zone: ZoneInfo) -> Reader[datetime]:
    """Return what reads an ISO 8601 moment; without an offset it is local time in ``zone``."""

    def read(name: str, value: object) -> datetime:
        found = written_moment(name, value)
        _check_year(name, value, found.year)
        return found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)

    return read


def day(name: str, value: object) -> date:
    """Read a date, within the years whose opening hours are known."""
    said = text(name, value)
    try:
        found = date.fromisoformat(said)
    except ValueError as error:
        raise wrong(name, said, NOT_A_DATE) from error
    _check_year(name, said, found.year)
    return found


def _check_year(name: str, value: object, year: int) -> None:
    if year not in YEARS:
        raise wrong(name, value, _TOO_FAR)


class Given:
    """The words of one question as they came, each read by its name.

    Parameters
    ----------
    values
        Texts, lists of texts, or what JSON holds, by the names of the library.
    known
        The words that there are; None takes any.
    names
        What the writer calls a word, where it is not its name: ``--spacing`` for ``spacing_m``.
    strict
        Refuse what is not known, instead of passing it over.

    Raises
    ------
    InputError
        A word is unknown.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        known: Collection[str] | None = None,
        *,
        names: Mapping[str, str] | None = None,
        strict: bool = True,
    ) -> None:
        self._names = names or {}
        unknown = [] if known is None else [name for name in values if name not in known]
        if strict and unknown:
            there = f"there are {', '.join(known or ())}" if known else "there are none here"
            raise InputError(f"{str(unknown[0])[:40]!r} is not a parameter; {there}.")
        present = {name: _present(value) for name, value in values.items() if name not in unknown}
        self._values = {name: value for name, value in present.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        """Tell whether a word is given and not empty."""
        return name in self._values

    def called(self, name: str) -> str:
        """Return a word's name as its writer writes it."""
        return self._names.get(name, name)

    @overload
    def read(self, name: str, reader: Reader[T]) -> T | None: ...

    @overload
    def read(self, name: str, reader: Reader[T], default: D) -> T | D: ...

    def read(self, name: str, reader: Reader[T], default: object = None) -> object:
        """Read a word; without it, the default.

        Raises
        ------
        InputError
            The value is wrong; the sentence names word and value.
        """
        value = self.value(name)
        return default if value is None else reader(self.called(name), value)

    def need(self, name: str, reader: Reader[T]) -> T:
        """Read a word that must be there.

        Raises
        ------
        InputError
            It is not there, or wrong.
        """
        if name not in self:
            raise InputError(f"'{self.called(name)}' is missing.")
        return reader(self.called(name), self.value(name))

    def value(self, name: str) -> object:
        """Return a word's value as it came; None where it is absent or empty."""
        value = self._values.get(name)
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, str) and len(item) > _MOST_LETTERS for item in items):
            raise InputError(
                f"{self.called(name)} is longer than {_MOST_LETTERS} letters; name less."
            )
        return value


def _present(value: object) -> object:
    """Return a value without empty texts; None where nothing is left of it."""
    if isinstance(value, (list, tuple)) and value:
        return [item for item in map(_present, value) if item is not None] or None
    return None if isinstance(value, str) and not value.strip() else value
