"""Who may use which way, in which direction and how fast: OpenStreetMap's tags, read by a table.

A profile is a rider: an e-bike (电动自行车, in law a non-motor vehicle) or a walker. What is known
about a class of road stands in one line of its table, with its reason. Keys and values are those
of wiki.openstreetmap.org: Key:access, Key:oneway, Key:cycleway, Key:barrier, Tag:route=ferry,
Relation:restriction.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType

from locator.errors import InputError

__all__ = [
    "E_BIKE",
    "WALK",
    "ClassRule",
    "Profile",
    "Use",
    "WayRule",
    "is_shut",
    "judge_restriction",
    "judge_way",
]


class Use(StrEnum):
    """What the table says of a class of road before a way's own tags are read."""

    RIDE = "ride"
    TAGGED = "tagged"  # only where the way's tags allow it by name
    PUSH = "push"  # on foot beside the bicycle
    NEVER = "never"


@dataclass(frozen=True)
class ClassRule:
    """One line of a profile's table; ``cap_kmh`` is the most that class allows."""

    use: Use
    cap_kmh: float
    why: str


@dataclass(frozen=True)
class WayRule:
    """What a way is to a rider: speeds in km/h, 0 where closed.

    ``fixed_s`` is the time of the whole way where it does not follow from a speed (a ferry).
    """

    road_class: str
    forward_kmh: float
    backward_kmh: float
    fixed_s: float | None = None


def _table(
    *rows: tuple[str, Use, float, str],
) -> Mapping[str, ClassRule]:
    return MappingProxyType(
        {name: ClassRule(use, cap, why) for names, use, cap, why in rows for name in names.split()}
    )


# Caps are ours, by judgement, in the range of the bicycle profiles of OSRM and GraphHopper; 25 is
# the most an e-bike may be built for (GB 17761-2018, 4.1), 15 what the law allows it in a lane for
# non-motor vehicles (Road Traffic Safety Law of the PRC, art. 58). A rider's own pace is the
# profile's speed; a cap counts only where it is lower. docs/travel-times.md says how to calibrate.
_RIDE_TABLE = _table(
    ("motorway motorway_link", Use.NEVER, 0, "no bicycles (Road Traffic Safety Law, art. 67)"),
    ("trunk trunk_link", Use.TAGGED, 25, "often closed to bicycles: where cycling is tagged"),
    ("primary primary_link secondary secondary_link", Use.RIDE, 25, "a lane for bicycles beside"),
    ("tertiary tertiary_link unclassified road", Use.RIDE, 25, "shared with cars"),
    ("residential", Use.RIDE, 20, "parked cars, crossings"),
    ("living_street service", Use.RIDE, 12, "people on foot, gates, courtyards"),
    ("cycleway", Use.RIDE, 25, "made for it"),
    ("busway bus_guideway", Use.TAGGED, 20, "buses only, unless tagged"),
    ("track path", Use.RIDE, 12, "narrow or unpaved"),
    ("bridleway", Use.TAGGED, 10, "horses only, unless tagged"),
    ("footway pedestrian", Use.PUSH, 10, "people on foot; ridden where cycling is tagged"),
    ("steps", Use.TAGGED, 2, "an e-bike weighs up to 55 kg: only with a ramp for bicycles"),
    ("ferry", Use.RIDE, 8, "aboard, unless tagged; by its duration where that is tagged"),
)
_WALK_TABLE = _table(
    ("motorway motorway_link", Use.NEVER, 0, "nobody on foot"),
    ("trunk trunk_link busway bus_guideway", Use.TAGGED, 6, "where walking is tagged"),
    ("primary primary_link secondary secondary_link", Use.RIDE, 6, "a pavement beside"),
    ("tertiary tertiary_link unclassified road", Use.RIDE, 6, "a pavement or none"),
    ("residential living_street service", Use.RIDE, 6, "at the side"),
    ("cycleway track path bridleway footway pedestrian", Use.RIDE, 6, "open to people on foot"),
    ("steps", Use.RIDE, 2.5, "about half the pace of the flat, along the slope"),
    ("ferry", Use.RIDE, 8, "aboard, unless tagged"),
)


@dataclass(frozen=True)
class Profile:
    """A rider.

    Attributes
    ----------
    name
        ``e-bike`` or ``walk``.
    speed_kmh
        The rider's pace where nothing slows, stops included.
    push_kmh
        The pace on foot beside the bicycle: footways, the leg from the door to the road.
    trunk
        Whether trunk roads without a word about cycling are ridden (rural national roads).
    push_private
        Whether private ways and gates are passed, pushing: a rider delivers behind them.
    ferry_wait_s
        The wait for a ferry.
    """

    name: str = "e-bike"
    speed_kmh: float = 18.0
    push_kmh: float = 4.5
    trunk: bool = False
    push_private: bool = True
    ferry_wait_s: float = 300.0

    def __post_init__(self) -> None:
        if self.name not in _TABLES:
            raise InputError(f"There is no profile {self.name!r}; use {' or '.join(_TABLES)}.")
        if not (1 <= self.speed_kmh <= 60 and 1 <= self.push_kmh <= 10):
            raise InputError(
                f"{self.speed_kmh:g} km/h riding and {self.push_kmh:g} km/h pushing: "
                "give 1 to 60 and 1 to 10."
            )

    @property
    def walks(self) -> bool:
        """Whether this is a walker."""
        return self.name == "walk"

    @property
    def classes(self) -> Mapping[str, ClassRule]:
        """The table: OSM's ``highway`` (or ``ferry``) to a rule."""
        return _TABLES[self.name]

    @property
    def access_keys(self) -> tuple[str, ...]:
        """Keys that permit or forbid, the most particular first (Key:access, hierarchy)."""
        if self.walks:
            return ("foot", "access")
        return ("electric_bicycle", "bicycle", "vehicle", "access")

    @property
    def key(self) -> str:
        """A text that differs wherever the graph would: part of a cache's name."""
        return json.dumps(asdict(self), sort_keys=True)


_TABLES: Mapping[str, Mapping[str, ClassRule]] = MappingProxyType(
    {"e-bike": _RIDE_TABLE, "walk": _WALK_TABLE}
)
E_BIKE = Profile()
WALK = Profile(name="walk", speed_kmh=5.0, push_kmh=4.5)


# Values of access keys; any other value is read as yes (Key:access lists over a hundred).
_NO = frozenset({"no", "agricultural", "forestry", "military", "emergency", "psv", "bus"})
_PRIVATE = frozenset({"private", "residents", "employees", "permit"})
_ON_FOOT = frozenset({"dismount", "use_sidepath"})
_BY_NAME = frozenset({"yes", "designated", "permissive", "official"})
_NO_LANE = frozenset({"no", "none", "separate", "use_sidepath"})
_LANE_KEYS = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
_TRUE = frozenset({"yes", "1", "true"})
_BACK = frozenset({"-1", "reverse"})


def _first(tags: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((tags[key] for key in keys if key in tags), None)


def judge_way(tags: Mapping[str, str], profile: Profile) -> WayRule | None:
    """Return what a way is to a rider; None if nothing.

    Parameters
    ----------
    tags
        All tags of the way.
    """
    road_class = "ferry" if tags.get("route") == "ferry" else tags.get("highway", "")
    rule = profile.classes.get(road_class)
    if rule is None or rule.use is Use.NEVER or tags.get("motorroad") == "yes":
        return None
    if _may_ride(tags, rule, road_class, profile):
        forward, backward = _directions(tags, profile)
        speed = min(rule.cap_kmh, profile.speed_kmh, _max_speed_kmh(tags))
        fixed = _crossing_s(tags, profile) if road_class == "ferry" else None
        return WayRule(road_class, speed * forward, speed * backward, fixed)
    if _may_push(tags, rule, road_class, profile):
        oneway = tags.get("oneway:foot", "")
        there, back = oneway not in _BACK, oneway not in _TRUE
        return WayRule(road_class, profile.push_kmh * there, profile.push_kmh * back)
    return None


def _may_ride(tags: Mapping[str, str], rule: ClassRule, road_class: str, profile: Profile) -> bool:
    said = _first(tags, profile.access_keys)
    if said in _NO or said in _PRIVATE or said in _ON_FOOT:
        return profile.walks and said in _PRIVATE and profile.push_private
    if rule.use is Use.RIDE or (profile.trunk and road_class.startswith("trunk")):
        return True
    by_name = _first(tags, profile.access_keys[:-1]) in _BY_NAME
    if road_class == "steps":
        return "yes" in {tags.get("ramp:bicycle"), tags.get("ramp:stroller")}
    if rule.use is Use.PUSH:
        return by_name
    if profile.walks:
        return by_name or tags.get("sidewalk") in {"both", "left", "right", "yes"}
    return by_name or any(tags[key] not in _NO_LANE for key in _LANE_KEYS if key in tags)


def _may_push(tags: Mapping[str, str], rule: ClassRule, road_class: str, profile: Profile) -> bool:
    """Tell whether somebody on foot may pass: not along a trunk road, nor up steps with a bike."""
    if profile.walks or road_class == "ferry":
        return False
    said = _first(tags, ("foot", "access"))
    if said in _NO or (said in _PRIVATE and not profile.push_private):
        return False
    private = _first(tags, profile.access_keys) in _PRIVATE
    if private and not profile.push_private:
        return False
    return rule.use in {Use.RIDE, Use.PUSH} or (said in _BY_NAME and road_class != "steps")


def _directions(tags: Mapping[str, str], profile: Profile) -> tuple[bool, bool]:
    """Return whether a way is open along its line and against it."""
    if profile.walks:
        on_foot = tags.get("oneway:foot", "no")
        return on_foot not in _BACK, on_foot not in _TRUE
    own = _first(tags, ("oneway:electric_bicycle", "oneway:bicycle"))
    said = own if own is not None else tags.get("oneway")
    if said is None and tags.get("junction") in {"roundabout", "circular"}:
        said = "yes"
    if said == "reversible":
        return False, False  # open one way or the other by the hour
    if said in _TRUE:
        return True, own is None and _contraflow(tags, "-1")
    if said in _BACK:
        return own is None and _contraflow(tags, "yes"), True
    return True, True


def _contraflow(tags: Mapping[str, str], against: str) -> bool:
    """Tell whether a one-way street has a way back for bicycles (Key:cycleway, contraflow)."""
    if any(tags.get(key, "").startswith("opposite") for key in _LANE_KEYS):
        return True
    return any(tags.get(f"{key}:oneway") in {"no", against} for key in _LANE_KEYS[1:])


def _max_speed_kmh(tags: Mapping[str, str]) -> float:
    match = re.fullmatch(r"(\d{1,3})( ?mph)?", tags.get("maxspeed", "").strip())
    if match is None or int(match[1]) == 0:
        return float("inf")
    return int(match[1]) * (1.609344 if match[2] else 1.0)


def _crossing_s(tags: Mapping[str, str], profile: Profile) -> float | None:
    """Return a ferry's tagged duration with the wait (Key:duration: ``HH:MM``, or minutes)."""
    match = re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,3})(?::(\d{2}))?", tags.get("duration", "").strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return profile.ferry_wait_s + hours * 3600 + minutes * 60 + seconds


# Kinds of barrier that an e-bike cannot be got through, and those that nobody can, unless tagged.
_TOO_NARROW = frozenset({"stile", "kissing_gate", "turnstile", "full-height_turnstile"})
_CLOSED = frozenset(
    {"wall", "fence", "hedge", "ditch", "retaining_wall", "city_wall", "guard_rail"}
)


def is_shut(tags: Mapping[str, str], profile: Profile) -> bool:
    """Tell whether a barrier on a way stops a rider (Key:barrier, with the access keys on it)."""
    kind = tags.get("barrier", "")
    said = _first(tags, profile.access_keys)
    on_foot = tags.get("foot") in _BY_NAME and kind not in _TOO_NARROW
    if said in _NO:
        return not on_foot
    if said in _PRIVATE:
        return not (profile.push_private or on_foot)
    if said is not None:
        return False
    return kind in _CLOSED or (kind in _TOO_NARROW and not profile.walks)


def judge_restriction(tags: Mapping[str, str], profile: Profile) -> str:
    """Return ``no`` or ``only`` where a turn restriction binds this rider, else why it does not.

    The reasons are ``others`` (for other vehicles, or bicycles are excepted), ``conditional``
    (by the hour: not honoured) and ``unknown``.
    """
    vehicle = "foot" if profile.walks else "bicycle"
    said = tags.get(f"restriction:{vehicle}")
    if said is None and not profile.walks:
        said = tags.get("restriction")
        if said is not None and vehicle in re.split(r"\s*;\s*", tags.get("except", "")):
            return "others"
    if said is None:
        conditional = {"restriction:conditional", f"restriction:{vehicle}:conditional"}
        if profile.walks:
            conditional.discard("restriction:conditional")
        return "conditional" if conditional & set(tags) else "others"
    if said.startswith("no_"):
        return "no"
    return "only" if said.startswith("only_") else "unknown"
