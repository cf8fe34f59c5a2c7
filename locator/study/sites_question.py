"""The question of a siting study: frozen, checked, and the same after a way through JSON."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Literal, get_args

from locator.errors import InputError
from locator.hours import YEARS, is_readable
from locator.nearest import StationFilter
from locator.schema import Kind, Service
from locator.study.sites_prices import Prices

__all__ = ["MODELS", "CandidateSource", "Model", "SiteQuestion"]

Model = Literal["mclp", "backup", "capacitated", "lscp", "p-median", "p-center"]
CandidateSource = Literal["grid", "venues", "file"]
MODELS: tuple[Model, ...] = get_args(Model)
_SOURCES: tuple[CandidateSource, ...] = get_args(CandidateSource)
_MOST_NEW, _MOST_MINUTES, _MOST_SECONDS, _MOST_RUNS = 10_000, 600.0, 86_400.0, 1_000
_MOST_WHOLE = 2**53
_SPACING_M = (20.0, 10_000.0)


@dataclass(frozen=True)
class SiteQuestion:
    """Where next: what is wanted, under which rules.

    Attributes
    ----------
    model
        ``mclp``: most demand covered; ``backup``: the same, a second station within the standard
        worth half; ``capacitated``: most demand served by sites of limited capacity; ``lscp``:
        fewest (or cheapest) sites for a share of demand; ``p-median``: shortest mean time;
        ``p-center``: shortest longest time.
    minutes
        The coverage standard, riding time.
    new, budget, share
        How many, for how much, or (``lscp`` alone) the share of demand to cover, existing
        stations included. A number and a budget may be given together.
    at
        ISO moment, local time: the demand of that hour, and stations open then.
    hourly, week_of
        The covered orders of a whole week, hour by hour; ``week_of`` is an ISO date in the week.
    services, kinds
        Which existing stations count, as in the gap analysis; a new post offers all of it.
    candidates, spacing_m
        A grid of this spacing in hot zones, host venues, or a file's candidates.
    bbox
        West, south, east, north in degrees: only candidates in this box. Demand counts everywhere.
    forced_in, forced_out
        Ids of candidates that must, or must not, be chosen.
    at_least
        District id and the least number of new sites in it, in pairs.
    apart_m
        The least distance between new sites, straight line.
    existing
        Whether the stations there are count; without them the city is planned anew.
    hours
        Opening hours of a new post, OpenStreetMap syntax; None: open whenever it is looked at.
    capacity_per_h
        For ``capacitated``: orders per hour that a candidate serves if it does not say itself.
    prices
        What else could be done than opening posts, and for how much; None: new posts alone.
    time_limit_s, gap
        How long to search, and the gap of the added coverage that is good enough; 0: proof.
    curve
        Also trace coverage against the number or the budget.
    runs, seed
        How many times the inputs are varied to see how firmly each site is chosen; 0: not.
    """

    model: Model = "mclp"
    minutes: float = 5.0
    new: int | None = None
    budget: float | None = None
    share: float | None = None
    at: str | None = None
    hourly: bool = False
    week_of: str | None = None
    services: tuple[Service, ...] = ()
    kinds: tuple[Kind, ...] = ()
    candidates: CandidateSource = "grid"
    spacing_m: float = 200.0
    bbox: tuple[float, float, float, float] | None = None
    forced_in: tuple[str, ...] = ()
    forced_out: tuple[str, ...] = ()
    at_least: tuple[tuple[str, int], ...] = ()
    apart_m: float = 0.0
    existing: bool = True
    hours: str | None = None
    capacity_per_h: float | None = None
    prices: Prices | None = field(default=None)
    time_limit_s: float = 60.0
    gap: float = 0.0
    curve: bool = True
    runs: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be answered."""
        _check_numbers(self)
        _check_target(self)
        _check_time(self)
        _check_places(self)

    @property
    def chosen(self) -> StationFilter:
        """Return which existing stations count, whatever their hours."""
        return StationFilter(kinds=frozenset(self.kinds), services=frozenset(self.services))

    @property
    def limit_s(self) -> float:
        """Return the standard in seconds."""
        return self.minutes * 60.0

    def to_json(self) -> dict[str, object]:
        """Return the question as JSON holds it; :meth:`from_json` reads it back."""
        plain: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Prices):
                value = value.to_json()
            elif isinstance(value, tuple):
                value = [list(v) if isinstance(v, tuple) else v for v in value]
            plain[one.name] = value
        plain["services"] = [service.value for service in self.services]
        plain["kinds"] = [kind.value for kind in self.kinds]
        return plain

    @classmethod
    def from_json(cls, given: object) -> "SiteQuestion":
        """Read a question that :meth:`to_json` wrote, or a page sent; what is absent is default.

        Raises
        ------
        InputError
            A key is unknown or a value is wrong; the sentence names it.
        """
        if not isinstance(given, Mapping):
            raise InputError("A siting question is an object with keys such as new and minutes.")
        unknown = [str(key) for key in given if key not in _READERS]
        if unknown:
            names = ", ".join(_READERS)
            raise InputError(f"A siting question has no {unknown[0][:40]!r}; it has {names}.")
        read = {str(key): _READERS[key](key, value) for key, value in given.items()}
        return cls(**read)  # type: ignore[arg-type]


def _check_numbers(asked: SiteQuestion) -> None:
    if asked.model not in MODELS:
        raise InputError(f"model {asked.model!r} is not one of {', '.join(MODELS)}.")
    _within("minutes", asked.minutes, 0.0, _MOST_MINUTES, open_low=True)
    _within("time_limit_s", asked.time_limit_s, 0.0, _MOST_SECONDS, open_low=True)
    _within("runs", asked.runs, 0, _MOST_RUNS)
    _within("seed", asked.seed, 0, _MOST_WHOLE)
    _within("apart_m", asked.apart_m, 0.0, 1e6)
    if not 0 <= asked.gap < 1:
        raise InputError(f"gap is {asked.gap:g}; it must lie from 0 to below 1.")


def _check_target(asked: SiteQuestion) -> None:
    if asked.new is not None:
        _within("new", asked.new, 0, _MOST_NEW)
    if asked.budget is not None:
        _within("budget", asked.budget, 0.0, 1e15)
    if asked.model == "lscp":
        if asked.share is not None:
            _within("cover", asked.share, 0.0, 1.0, open_low=True)
        if asked.new is not None or asked.budget is not None:
            raise InputError("The fewest sites for a share of demand take no number or budget.")
    elif asked.share is not None:
        raise InputError(f"A share to cover goes with the model lscp, not with {asked.model}.")
    elif asked.new is None and asked.budget is None:
        raise InputError("Say how many new sites (new), for how much (budget), or what to cover.")
    if asked.model == "capacitated" and asked.capacity_per_h is not None:
        _within("capacity_per_h", asked.capacity_per_h, 0.0, 1e12, open_low=True)
    elif asked.capacity_per_h is not None:
        raise InputError(
            "A capacity (--capacity; capacity_per_h in JSON) goes with the model capacitated alone."
        )


def _check_time(asked: SiteQuestion) -> None:
    if asked.at is not None and asked.hourly:
        raise InputError("Ask for one moment (at) or for the whole week (hourly), not for both.")
    if asked.week_of is not None:
        if not asked.hourly:
            raise InputError("A week is named, but the week is not asked for (hourly).")
        _read_week(asked.week_of)
    if asked.hourly and asked.model not in {"mclp", "lscp"}:
        raise InputError(f"The model {asked.model} goes with one hour or none; leave out hourly.")
    if asked.hours is not None and not is_readable(asked.hours):
        raise InputError(
            f"hours {asked.hours[:80]!r} are not opening hours; write them like Mo-Su 08:00-22:00."
        )
    if asked.hours is not None and asked.prices is not None:
        raise InputError("The prices say the hours of a new post; leave out hours.")
    if asked.prices is not None and asked.model not in {"mclp", "lscp"}:
        raise InputError(f"Options beside new posts go with mclp and lscp, not {asked.model}.")


def _read_week(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"week_of {text[:40]!r} is not a date; write it 2026-11-23.") from error
    if day.year not in YEARS:
        raise InputError(f"week_of {text!r}: opening hours are known for other years only.")
    return day


def _check_places(asked: SiteQuestion) -> None:
    if asked.candidates not in _SOURCES:
        raise InputError(f"candidates {asked.candidates!r} is not one of {', '.join(_SOURCES)}.")
    _within("spacing_m", asked.spacing_m, *_SPACING_M)
    both = sorted(set(asked.forced_in) & set(asked.forced_out))
    if both:
        raise InputError(f"Candidate {both[0]!r} is forced in and forced out; drop one of the two.")
    for district, least in asked.at_least:
        _within(f"at_least of district {district}", least, 0, _MOST_NEW)
    if asked.bbox is not None:
        west, south, east, north = asked.bbox
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise InputError("bbox must be west, south, east, north in degrees.")


def _within(name: str, value: float, low: float, high: float, *, open_low: bool = False) -> None:
    good = math.isfinite(value) and low <= value <= high and not (open_low and value == low)
    if not good:
        above = "above " if open_low else ""
        raise InputError(f"{name} is {value:g}; it must lie from {above}{low:g} to {high:g}.")


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 400:
        raise InputError(f"{key} must be a text.")
    return value.strip()


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} must be a number.")
    if isinstance(value, int) and abs(value) > _MOST_WHOLE:
        raise InputError(f"{key} is too large a number.")
    return float(value)


def _whole(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} must be a whole number.")
    if abs(value) > _MOST_WHOLE:
        raise InputError(f"{key} is too large a number.")
    return value


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{key} must be true or false.")
    return value


def _list(key: str, value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{key} must be a list.")
    return list(value)


def _texts(key: str, value: object) -> tuple[str, ...]:
    return tuple(_text(f"each entry of {key}", item) for item in _list(key, value))


def _services(key: str, value: object) -> tuple[Service, ...]:
    try:
        return tuple(Service.parse(text) for text in _texts(key, value))
    except ValueError as error:
        raise InputError(f"{key}: {error}.") from error


def _kinds(key: str, value: object) -> tuple[Kind, ...]:
    try:
        return tuple(Kind.parse(text) for text in _texts(key, value))
    except ValueError as error:
        raise InputError(f"{key}: {error}.") from error


def _box(key: str, value: object) -> tuple[float, float, float, float]:
    numbers = [_number(f"each number of {key}", item) for item in _list(key, value)]
    if len(numbers) != 4:
        raise InputError(f"{key} must be west, south, east, north in degrees.")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _needs(key: str, value: object) -> tuple[tuple[str, int], ...]:
    pairs = []
    for item in _list(key, value):
        pair = _list(f"each entry of {key}", item)
        if len(pair) != 2:
            raise InputError(f"{key} must be pairs of a district's id and a number.")
        pairs.append((_text(key, pair[0]), _whole(key, pair[1])))
    return tuple(pairs)


def _prices(_: str, value: object) -> Prices:
    return Prices.from_json(value)


def _or_none(read: Callable[[str, object], object]) -> Callable[[str, object], object]:
    return lambda key, value: None if value is None else read(key, value)


_READERS: Mapping[str, Callable[[str, object], object]] = {
    "model": _text,
    "minutes": _number,
    "new": _or_none(_whole),
    "budget": _or_none(_number),
    "share": _or_none(_number),
    "at": _or_none(_text),
    "hourly": _flag,
    "week_of": _or_none(_text),
    "services": _services,
    "kinds": _kinds,
    "candidates": _text,
    "spacing_m": _number,
    "bbox": _or_none(_box),
    "forced_in": _texts,
    "forced_out": _texts,
    "at_least": _needs,
    "apart_m": _number,
    "existing": _flag,
    "hours": _or_none(_text),
    "capacity_per_h": _or_none(_number),
    "prices": _or_none(_prices),
    "time_limit_s": _number,
    "gap": _number,
    "curve": _flag,
    "runs": _whole,
    "seed": _whole,
}
