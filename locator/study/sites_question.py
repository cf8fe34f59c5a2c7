"""The question of a siting study: frozen, checked, and the same after a way through JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from locator import questions
from locator.errors import InputError
from locator.hours import is_readable
from locator.nearest import StationFilter
from locator.questions import Box, Given, Reader
from locator.schema import Amenity, Kind
from locator.study.sites_prices import Prices

Model = Literal["mclp", "backup", "capacitated", "lscp", "p-median", "p-center"]
CandidateSource = Literal["grid", "venues", "file"]
MODELS: tuple[Model, ...] = get_args(Model)
_SOURCES: tuple[CandidateSource, ...] = get_args(CandidateSource)
_MOST_NEW = 10_000


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
    services: tuple[Amenity, ...] = ()
    kinds: tuple[Kind, ...] = ()
    candidates: CandidateSource = "grid"
    spacing_m: float = 200.0
    bbox: Box | None = None
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
        """Refuse what cannot be answered: a wrong value, or values that contradict each other."""
        for name, reader in _READERS.items():
            if (value := getattr(self, name)) is not None:
                reader(name, value)
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
    def from_json(cls, plain: object) -> "SiteQuestion":
        """Read a question that :meth:`to_json` wrote, or somebody sent.

        Raises
        ------
        InputError
            A key is unknown or a value is wrong; the sentence names it.
        """
        if not isinstance(plain, Mapping):
            raise InputError("A siting question is an object with keys such as new and minutes.")
        return cls.read(Given(plain, tuple(_READERS)))

    @classmethod
    def read(cls, given: Given) -> "SiteQuestion":
        """Read a question's words; what is absent is default.

        Raises
        ------
        InputError
            A value is wrong, or two contradict each other.
        """
        read = {name: given.read(name, _READERS[name]) for name in _READERS if name in given}
        return cls(**read)  # type: ignore[arg-type]


def _check_target(asked: SiteQuestion) -> None:
    if asked.model == "lscp":
        if asked.new is not None or asked.budget is not None:
            raise InputError("The fewest sites for a share of demand take no number or budget.")
    elif asked.share is not None:
        raise InputError(f"A share to cover goes with the model lscp, not with {asked.model}.")
    elif asked.new is None and asked.budget is None:
        raise InputError("Say how many new sites (new), for how much (budget), or what to cover.")
    if asked.model != "capacitated" and asked.capacity_per_h is not None:
        raise InputError(
            "A capacity (--capacity; capacity_per_h in JSON) goes with the model capacitated alone."
        )


def _check_time(asked: SiteQuestion) -> None:
    if asked.at is not None and asked.hourly:
        raise InputError("Ask for one moment (at) or for the whole week (hourly), not for both.")
    if asked.week_of is not None and not asked.hourly:
        raise InputError("A week is named, but the week is not asked for (hourly).")
    if asked.hourly and asked.model not in {"mclp", "lscp"}:
        raise InputError(f"The model {asked.model} goes with one hour or none; leave out hourly.")
    if asked.hours is not None and asked.prices is not None:
        raise InputError("The prices say the hours of a new post; leave out hours.")
    if asked.prices is not None and asked.model not in {"mclp", "lscp"}:
        raise InputError(f"Options beside new posts go with mclp and lscp, not {asked.model}.")


def _check_places(asked: SiteQuestion) -> None:
    both = sorted(set(asked.forced_in) & set(asked.forced_out))
    if both:
        raise InputError(f"Candidate {both[0]!r} is forced in and forced out; drop one of the two.")


def _moment(name: str, value: object) -> str:
    """Read a moment and return it as it was written: which zone it is in the store says."""
    questions.moment(ZoneInfo("UTC"))(name, value)
    return questions.text(name, value)


def _week(name: str, value: object) -> str:
    return questions.day(name, value).isoformat()


def _hours(name: str, value: object) -> str:
    said = questions.text(name, value)
    if not is_readable(said):
        raise questions.wrong(name, said, "are no opening hours; write them like Mo-Su 08:00-22:00")
    return said


def _share(name: str, value: object) -> float:
    """Read a share, ``0.95`` or ``95%``."""
    part, percent, _ = value.partition("%") if isinstance(value, str) else (value, "", "")
    try:
        found = questions.number(0, 100 if percent else 1, above=True)(name, part)
    except InputError as error:
        reason = "is not a share above 0 and at most 1; write 0.95 or 95%"
        raise questions.wrong(name, value, reason) from error
    return found / 100 if percent else found


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _ids(name: str, value: object) -> tuple[str, ...]:
    """Read ids, which may hold commas."""
    return tuple(questions.text(name, item) for item in _items(value))


def _needs(name: str, value: object) -> tuple[tuple[str, int], ...]:
    """Read pairs of a district's id and a number, ``610302=2`` or a list of both."""
    pairs = []
    for item in _items(value):
        pair = item.split("=") if isinstance(item, str) else _items(item)
        if len(pair) != 2:
            reason = "must be a district's id and a number, such as 610302=2"
            raise questions.wrong(name, item, reason)
        pairs.append((questions.text(name, pair[0]), _NEED(name, pair[1])))
    return tuple(pairs)


def _prices(_: str, value: object) -> Prices:
    return value if isinstance(value, Prices) else Prices.from_json(value)


_NEED = questions.whole(0, _MOST_NEW)
_LARGEST_GAP = 0.999
_READERS: Mapping[str, Reader[object]] = {
    "model": questions.choice(*MODELS),
    "minutes": questions.number(0, 600, above=True),
    "new": questions.whole(0, _MOST_NEW),
    "budget": questions.number(0, 1e15),
    "share": _share,
    "at": _moment,
    "hourly": questions.flag,
    "week_of": _week,
    "services": questions.codes(Amenity),
    "kinds": questions.codes(Kind),
    "candidates": questions.choice(*_SOURCES),
    "spacing_m": questions.number(20, 10_000),
    "bbox": questions.box,
    "forced_in": _ids,
    "forced_out": _ids,
    "at_least": _needs,
    "apart_m": questions.number(0, 1e6),
    "existing": questions.flag,
    "hours": _hours,
    "capacity_per_h": questions.number(0, 1e12, above=True),
    "prices": _prices,
    "time_limit_s": questions.number(0, 86_400, above=True),
    "gap": questions.number(0, _LARGEST_GAP),
    "curve": questions.flag,
    "runs": questions.whole(0, 1_000),
    "seed": questions.whole(0),
}
