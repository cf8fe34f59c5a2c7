"""What could be done instead of opening a post, and what each costs: a small YAML file.

Costs are in one unit of the file's own (``unit``); the defaults are examples, not prices of a city.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from locator.errors import InputError
from locator.hours import is_readable
from locator.study.scenario import load_yaml, read_short

_KEYS = ("unit", "new_post", "extend_hours", "add_service", "add_cabinet")


@dataclass(frozen=True)
class Prices:
    """What may be done, each with its cost; None is not on offer.

    Attributes
    ----------
    unit
        What a cost is counted in, such as ``万元/年``.
    new_post
        Cost and opening hours of a new post; a candidate's own cost goes before it.
    extend_hours
        Costs and hours to which a station may be extended: it is then open in its own hours and
        in these. At most one of them for a station.
    add_service
        Cost of each service that a station lacks.
    add_cabinet
        Cost and hours of a battery-swap cabinet, where the swap is what is asked for.
    """

    unit: str = "cost"
    new_post: tuple[float, str] | None = (10.0, "Mo-Su 08:00-22:00")
    extend_hours: tuple[tuple[float, str], ...] = (
        (2.0, "Mo-Su 08:00-22:00"),
        (5.0, "24/7"),
    )
    add_service: float | None = 1.0
    add_cabinet: tuple[float, str] | None = (8.0, "24/7")

    def to_json(self) -> dict[str, object]:
        """Return the prices as JSON, and as the keys of their file."""

        def pair(given: tuple[float, str] | None) -> dict[str, object] | None:
            return None if given is None else {"cost": given[0], "hours": given[1]}

        return {
            "unit": self.unit,
            "new_post": pair(self.new_post),
            "extend_hours": [pair(one) for one in self.extend_hours],
            "add_service": None if self.add_service is None else {"cost": self.add_service},
            "add_cabinet": pair(self.add_cabinet),
        }

    @classmethod
    def from_json(cls, given: object, *, source: str = "prices") -> "Prices":
        """Read prices; a key that is absent or null is not on offer.

        Raises
        ------
        InputError
            A key is unknown, or a cost or hours are wrong; the sentence names the entry.
        """
        if not isinstance(given, Mapping):
            raise InputError(f"{source} needs keys such as {', '.join(_KEYS)}.")
        unknown = [str(key) for key in given if key not in _KEYS]
        if unknown:
            raise InputError(f"{source}: {unknown[0][:40]!r} is not one of {', '.join(_KEYS)}.")
        unit = given.get("unit", "cost")
        if not isinstance(unit, str) or not unit.strip() or len(unit) > 40:
            raise InputError(f"{source}: unit must be a short text, such as 万元/年.")
        more = given.get("extend_hours") or []
        if not isinstance(more, list):
            raise InputError(f"{source}: extend_hours must be a list of a cost and hours each.")
        service = given.get("add_service")
        prices = cls(
            unit=unit.strip(),
            new_post=_offer(given.get("new_post"), f"{source}: new_post"),
            extend_hours=tuple(_must(one, f"{source}: extend_hours") for one in more),
            add_service=None if service is None else _cost(service, f"{source}: add_service"),
            add_cabinet=_offer(given.get("add_cabinet"), f"{source}: add_cabinet"),
        )
        if not any((prices.new_post, more, service is not None, prices.add_cabinet)):
            raise InputError(f"{source} offers nothing; it needs one of {', '.join(_KEYS[1:])}.")
        return prices


DEFAULT_PRICES = Prices()


def read_prices(path: Path) -> Prices:
    """Read a file of prices; docs/planner.md shows one.

    Raises
    ------
    InputError
        The file cannot be read or is not YAML, or an entry is wrong; names it.
    """
    given = load_yaml(read_short(path), path.name, yaml.SafeLoader)
    return Prices.from_json(given, source=path.name)


def _offer(given: object, where: str) -> tuple[float, str] | None:
    return None if given is None else _must(given, where)


def _must(given: object, where: str) -> tuple[float, str]:
    cost = _cost(given, where, ("cost", "hours"))
    hours = given.get("hours", "24/7") if isinstance(given, Mapping) else None
    if not isinstance(hours, str) or len(hours) > 400 or not is_readable(hours):
        raise InputError(f"{where}: hours must be opening hours, such as 'Mo-Su 08:00-22:00'.")
    return cost, hours.strip()


def _cost(given: object, where: str, keys: tuple[str, ...] = ("cost",)) -> float:
    if not isinstance(given, Mapping) or "cost" not in given:
        raise InputError(f"{where} needs a cost, such as {{cost: 2}}.")
    unknown = [str(key) for key in given if key not in keys]
    if unknown:
        raise InputError(f"{where}: {unknown[0][:40]!r} is not one of {', '.join(keys)}.")
    cost = given["cost"]
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < 1e12:
        raise InputError(f"{where}: the cost must be a number, 0 or more.")
    return float(cost)
