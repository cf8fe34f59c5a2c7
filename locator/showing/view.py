"""What is to be shown: the question behind a map in a page, a picture or a file.

It is read from plain texts, so that an address, a form and a command say the same in the same
words, and written back as such.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from locator.errors import InputError
from locator.hours import parse_moment
from locator.nearest import StationFilter
from locator.schema import Kind, LabelledEnum, Language, Service
from locator.theme import THEMES, Theme

__all__ = [
    "COVERAGE_MINUTES",
    "LAYERS",
    "MAP_NAMES",
    "NOW",
    "Box",
    "Given",
    "MapView",
    "read_map_view",
]

Box = tuple[float, float, float, float]
E = TypeVar("E", bound=LabelledEnum)
N = TypeVar("N", int, float)

# In the order they are named; what a map shows that is asked for nothing is a choice of these.
LAYERS = ("stations", "hot_zones", "gaps", "reach", "districts", "places")
MAP_NAMES = ("layers", "bbox", "kind", "service", "minutes", "at", "language", "theme")
NOW = "now"
COVERAGE_MINUTES = 5  # where none are named; the planner's page begins with the same

_MOST_MINUTES, _MOST_BANDS = 60, 3
_MOST_LETTERS = 500
_SMALLEST_DEG = 0.001  # about 100 m


@dataclass(frozen=True)
class MapView:
    """What a map shows.

    Attributes
    ----------
    layers
        Names of :data:`LAYERS`; empty is what the map shows by itself.
    bbox
        West, south, east, north in degrees (WGS-84): only what meets it; None is everything.
    chosen
        The stations that count.
    minutes
        Whole riding minutes in order, at most three: the areas from where a station is reached.
    at
        ISO moment, local time, or ``now``; stations count that are open then. Empty leaves opening
        hours out of areas and gaps.
    language, theme
        Of the words, and of pages and files; pictures are always light.
    """

    layers: tuple[str, ...] = ()
    bbox: Box | None = None
    chosen: StationFilter = field(default_factory=StationFilter)
    minutes: tuple[int, ...] = ()
    at: str = ""
    language: Language = "zh"
    theme: Theme = "auto"

    def moment(self, now: datetime) -> datetime | None:
        """Return the moment whose opening hours count, in the time zone of ``now``."""
        if not self.at:
            return None
        zone = now.tzinfo
        assert isinstance(zone, ZoneInfo)  # noqa: S101 - the service's own
        return now if self.at == NOW else parse_moment(self.at, zone)

    def query(self) -> dict[str, str]:
        """Return the texts that this view is read from, in a fixed order, none empty."""
        given = {
            "layers": ",".join(self.layers),
            "bbox": ",".join(f"{edge:.6f}".rstrip("0").rstrip(".") for edge in self.bbox or ()),
            "kind": ",".join(sorted(kind.value for kind in self.chosen.kinds)),
            "service": ",".join(sorted(service.value for service in self.chosen.services)),
            "minutes": ",".join(map(str, self.minutes)),
            "at": self.at,
            "language": self.language,
            "theme": "" if self.theme == "auto" else self.theme,
        }
        return {name: text for name, text in given.items() if text}


class Given:
    """Options as they came, as texts; each is read once by its name.

    Raises
    ------
    InputError
        A name is not one of those that are allowed, or a text is too long to mean anything.
    """

    def __init__(
        self, values: Mapping[str, Sequence[str]], allowed: Collection[str], *, strict: bool = True
    ) -> None:
        self._values = {
            name: [text.strip() for text in texts if text.strip()]
            for name, texts in values.items()
            if name in allowed
        }
        for name, texts in values.items():
            if name in allowed and sum(map(len, texts)) > _MOST_LETTERS:
                raise InputError(f"{name} is longer than {_MOST_LETTERS} letters; name less.")
        unknown = [name for name in values if name not in allowed]
        if strict and unknown:
            known = ", ".join(allowed)
            raise InputError(f"{unknown[0][:40]!r} is no option here; there are {known}.")

    def one(self, name: str) -> str:
        """Return the text of an option that may stand once; empty where it is absent."""
        texts = self._values.get(name, [])
        if len(texts) > 1:
            raise InputError(f"{name} stands {len(texts)} times; give it once.")
        return texts[0] if texts else ""

    def many(self, name: str) -> list[str]:
        """Return the parts of an option that may be repeated, or written with commas."""
        parts = [part.strip() for text in self._values.get(name, []) for part in text.split(",")]
        return list(dict.fromkeys(filter(None, parts)))

    def members(self, name: str, enum: type[E]) -> frozenset[E]:
        """Return codes, or labels, of an enum."""
        members = set()
        for part in self.many(name):
            try:
                members.add(enum.parse(part))
            except ValueError as error:
                raise InputError(f"{name}={part[:40]!r} {error}.") from error
        return frozenset(members)

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """Return one of a few words."""
        text = self.one(name) or default
        if text not in known:
            raise InputError(f"{name}={text[:40]!r} must be one of {', '.join(known)}.")
        return text

    def number(self, name: str, kind: Callable[[str], N], span: tuple[N, N]) -> N | None:
        """Return a number within a span; None where it is absent."""
        text, (least, most) = self.one(name), span
        if not text:
            return None
        try:
            value = kind(text) if re.fullmatch(r"[-+]?[0-9.]{1,20}", text) else None
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise InputError(f"{name}={text[:40]!r} must be a number from {least} to {most}.")
        return value


def read_map_view(given: Given, *, what: str, now: datetime, language: Language = "zh") -> MapView:
    """Read a map's question, ``map`` or ``coverage``.

    Parameters
    ----------
    now
        In the stations' own time zone.
    language
        Of the words, where the texts name none.

    Raises
    ------
    InputError
        A text is wrong; the sentence names it and says what it may be.
    """
    layers = given.many("layers")
    for name in layers:
        if name not in LAYERS:
            raise InputError(f"layers={name[:40]!r} is no layer; there are {', '.join(LAYERS)}.")
    view = MapView(
        layers=tuple(name for name in LAYERS if name in layers),
        bbox=_read_box(given.one("bbox")),
        chosen=StationFilter(
            kinds=given.members("kind", Kind), services=given.members("service", Service)
        ),
        minutes=_read_minutes(given),
        at=_read_at(given.one("at"), now),
        language="en" if given.choice("language", ("zh", "en"), language) == "en" else "zh",
        theme=next(t for t in THEMES if t == given.choice("theme", THEMES, "auto")),
    )
    return _with_minutes(view, what)


def _with_minutes(view: MapView, what: str) -> MapView:
    """Check that layers and minutes fit; coverage has a standard of its own."""
    if what == "coverage":
        minutes = view.minutes or (COVERAGE_MINUTES,)
        if len(minutes) > 1:
            raise InputError("Coverage has one standard: give one number of minutes.")
        return replace(view, minutes=minutes)
    if "gaps" in view.layers and len(view.minutes) != 1:
        raise InputError("layers=gaps needs one number of minutes, such as minutes=5.")
    if "reach" in view.layers and not view.minutes:
        raise InputError("layers=reach needs minutes, such as minutes=5,10.")
    return view


def _read_minutes(given: Given) -> tuple[int, ...]:
    both = [name for name in ("minutes", "reach") if given.many(name)]
    if len(both) > 1:
        raise InputError("Give minutes or reach (its older name), not both.")
    minutes = set()
    for part in given.many(both[0]) if both else ():
        number = int(part) if re.fullmatch(r"[0-9]{1,4}", part) else 0
        if not 1 <= number <= _MOST_MINUTES:
            raise InputError(
                f"{both[0]}={part[:20]!r} is not a number of minutes; write whole numbers from 1 "
                f"to {_MOST_MINUTES}, such as 5,10."
            )
        minutes.add(number)
    if len(minutes) > _MOST_BANDS:
        raise InputError(
            f"{both[0]} names {len(minutes)} standards; a map shows at most {_MOST_BANDS}."
        )
    return tuple(sorted(minutes))


def _read_at(text: str, now: datetime) -> str:
    if text in {"", NOW}:
        return text
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - the service's own
    return parse_moment(text, zone).isoformat(timespec="minutes")


def _read_box(text: str) -> Box | None:
    if not text:
        return None
    wrong = (
        f"bbox={text[:60]!r} must be west,south,east,north in degrees (WGS-84), such as "
        "107.0,34.3,107.3,34.4."
    )
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(wrong) from error
    edges = (west, south, east, north)
    inside = all(math.isfinite(edge) for edge in edges) and west >= -180 and east <= 180
    wide = east - west >= _SMALLEST_DEG and north - south >= _SMALLEST_DEG
    if not (inside and wide and south >= -85 and north <= 85):
        raise InputError(wrong)
    return edges
