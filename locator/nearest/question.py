"""What can be asked of the stations besides a place and a moment."""

from dataclasses import dataclass, field
from enum import StrEnum

from locator import questions
from locator.questions import Given
from locator.schema import Amenity, Host, Kind, Status, Weather

# Each service that helps in the weather makes a station count as two minutes nearer. Two minutes
# are 460 m as the crow flies with the shipped settings: enough to choose among the posts of one
# neighbourhood, too little to send anybody across the city. A choice of ours, not a measurement.
HELP_S = 120.0

HELPS: dict[Weather, frozenset[Amenity]] = {
    weather: frozenset(service for service in Amenity if service.helps is weather)
    for weather in Weather
}


class OpenRule(StrEnum):
    """Which stations count, by their state on arrival."""

    ANY = "any"  # open or not
    KNOWN = "known"  # not those that will be closed
    YES = "yes"  # only those that will certainly be open, for long enough


@dataclass(frozen=True)
class StationFilter:
    """Which stations count, whatever their hours; empty sets let everything through.

    What a station offers and who hosts it has three states: null is unknown, not none. A station
    whose unknown keeps it from passing is left out, and counted
    (:meth:`locator.nearest.StationIndex.possible`), unless ``or_unknown`` lets it in.

    Attributes
    ----------
    kinds, hosts
        One of these.
    services
        All of these.
    platform
        Stations for this platform's riders, and those for everyone.
    statuses
        One of these.
    or_unknown
        Take a station of unknown services or host for one that has what is asked.
    """

    kinds: frozenset[Kind] = frozenset()
    hosts: frozenset[Host] = frozenset()
    services: frozenset[Amenity] = frozenset()
    platform: str | None = None
    statuses: frozenset[Status] = field(default_factory=lambda: frozenset({Status.ACTIVE}))
    or_unknown: bool = False


@dataclass(frozen=True)
class Wishes:
    """What else a rider may wish; without any wish the nearest station comes first.

    Attributes
    ----------
    all_night
        Only stations certainly open all through the coming night, 00:00 to 06:00 local time;
        before 06:00 that is the night going on.
    weather
        A station counts as :data:`HELP_S` nearer for each service that helps in this weather
        (:data:`HELPS`). Nothing is left out for it.
    toward
        Longitude and latitude in degrees of where the rider goes next: the station that adds
        the least time to that ride comes first.
    """

    all_night: bool = False
    weather: Weather = Weather.NONE
    toward: tuple[float, float] | None = None

    @property
    def reorders(self) -> bool:
        """Tell whether the order is another one than by riding time alone."""
        return self.weather is not Weather.NONE or self.toward is not None


def read_filter(given: Given) -> StationFilter:
    """Read ``kind``, ``host``, ``service`` (each may list several), ``platform`` and ``unknown``.

    Raises
    ------
    InputError
        One of them is wrong.
    """
    platform = given.read("platform", questions.text)
    return StationFilter(
        kinds=frozenset(given.read("kind", questions.codes(Kind), ())),
        hosts=frozenset(given.read("host", questions.codes(Host), ())),
        services=frozenset(given.read("service", questions.codes(Amenity), ())),
        platform=platform.casefold() if platform else None,
        or_unknown=given.read("unknown", questions.flag, default=False),
    )


def filter_words(chosen: StationFilter) -> dict[str, str]:
    """Return kinds and services as the texts that they are read from."""
    return {
        "kind": ",".join(sorted(kind.value for kind in chosen.kinds)),
        "service": ",".join(sorted(service.value for service in chosen.services)),
    }


def read_wishes(given: Given) -> Wishes:
    """Read ``night`` (1 or 0), ``weather`` (a code or a label) and ``toward`` (LON,LAT).

    Raises
    ------
    InputError
        One of them is wrong.
    """
    return Wishes(
        all_night=given.read("night", questions.flag, default=False),
        weather=given.read("weather", questions.code(Weather), Weather.NONE),
        toward=given.read("toward", questions.place),
    )
