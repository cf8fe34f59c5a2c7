"""What is to be shown: the question behind a map in a page, a picture or a file.

It is read from plain texts, so that an address, a form and a command say the same in the same
words, and written back as such.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from locator import questions
from locator.errors import InputError
from locator.nearest import StationFilter, filter_words, read_filter
from locator.questions import Box, Given
from locator.schema import Language
from locator.theme import THEMES, Theme

# In the order they are named; what a map shows that is asked for nothing is a choice of these.
LAYERS = ("stations", "hot_zones", "gaps", "reach", "districts", "places")
MAP_NAMES = ("layers", "bbox", "kind", "service", "minutes", "at", "language", "theme")
NOW: Literal["now"] = "now"
COVERAGE_MINUTES = 5  # where none are named; the planner's page begins with the same

_MOST_MINUTES, _MOST_BANDS = 60, 3
_SMALLEST_DEG = 0.001  # about 100 m
_FARTHEST_LAT = 85.0  # beyond it web Mercator draws nothing


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
        A moment in the stations' time zone, to the minute, or ``now``; stations count that are open
        then. None leaves opening hours out of areas and gaps.
    language, theme
        Of the words, and of pages and files; pictures are always light.
    """

    layers: tuple[str, ...] = ()
    bbox: Box | None = None
    chosen: StationFilter = field(default_factory=StationFilter)
    minutes: tuple[int, ...] = ()
    at: datetime | Literal["now"] | None = None
    language: Language = "zh"
    theme: Theme = "auto"

    def moment(self, now: datetime) -> datetime | None:
        """Return the moment whose opening hours count."""
        return self.at if isinstance(self.at, datetime) or self.at is None else now

    def query(self) -> dict[str, str]:
        """Return the texts that this view is read from, in a fixed order, none empty."""
        at = self.at.isoformat(timespec="minutes") if isinstance(self.at, datetime) else self.at
        given = {
            "layers": ",".join(self.layers),
            "bbox": ",".join(f"{edge:.6f}".rstrip("0").rstrip(".") for edge in self.bbox or ()),
            **filter_words(self.chosen),
            "minutes": ",".join(map(str, self.minutes)),
            "at": at,
            "language": self.language,
            "theme": "" if self.theme == "auto" else self.theme,
        }
        return {name: text for name, text in given.items() if text}


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
    both = [name for name in ("minutes", "reach") if name in given]
    if len(both) > 1:
        raise InputError("Give minutes or reach (its older name), not both.")
    asked = given.read("layers", _layers, ())
    minutes = given.read(both[0], _minutes, ()) if both else ()
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - the service's own
    view = MapView(
        layers=tuple(name for name in LAYERS if name in asked),
        bbox=given.read("bbox", _box),
        chosen=read_filter(given),
        minutes=tuple(sorted(int(number) for number in minutes)),
        at=given.read("at", lambda name, value: _at(name, value, zone)),
        language=given.read("language", questions.language, language),
        theme=given.read("theme", questions.choice(*THEMES), "auto"),
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


def _layers(name: str, value: object) -> tuple[str, ...]:
    known = questions.choice(*LAYERS)
    return tuple(known(name, part) for part in questions.listed(value))


def _minutes(name: str, value: object) -> tuple[float, ...]:
    found = questions.numbers(1, _MOST_MINUTES, whole=True)(name, value)
    if len(found) > _MOST_BANDS:
        raise InputError(f"{name} names {len(found)} standards; a map shows at most {_MOST_BANDS}.")
    return found


def _box(name: str, value: object) -> Box:
    west, south, east, north = box = questions.box(name, value)
    if min(east - west, north - south) < _SMALLEST_DEG:
        raise questions.wrong(name, value, f"is smaller than {_SMALLEST_DEG} degrees")
    if max(abs(south), abs(north)) > _FARTHEST_LAT:
        raise questions.wrong(name, value, f"lies beyond {_FARTHEST_LAT:g} degrees of latitude")
    return box


def _at(name: str, value: object, zone: ZoneInfo) -> datetime | Literal["now"]:
    if questions.text(name, value) == NOW:
        return NOW
    return questions.moment(zone)(name, value).replace(second=0, microsecond=0)
