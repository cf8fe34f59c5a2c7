"""Who may use which way, in which direction and how fast: OpenStreetMap's tags, read by a table.

A profile is a rider: an e-bike (电动自行车, in law a non-motor vehicle) or a walker. What is known
about a class of road stands in one line of its table, with its reason. Keys and values are those
of wiki.openstreetmap.org; the page a rule comes from is named beside it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from locator.errors import InputError

WALKING_KMH = 6.0  # maxspeed=walk names no number; the most a walker goes in the profiles' tables
_LIVING_STREET_KMH = 12.0  # the cap of that class for an e-bike: the law of each country differs
_UNITS = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_SPEED = re.compile(rf"{_NUMBER}\s*(km/h|kmh|kph|mph|knots|)")
_ZONE = re.compile(r"(?:[a-z]{2}(?:-[a-z]+)?:)?(.+)")  # CN:urban, BE-VLG:rural, walk
_ISO = re.compile(
    r"p(?:0+y)?(?:0+m)?"  # a crossing of years is none: only zeros are read
    rf"(?:{_NUMBER}w)?(?:{_NUMBER}d)?(?:t(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?)?"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{1,2})(?::(\d{1,2}))?")
_STEPS_S = (604_800, 86_400, 3600, 60, 1)


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

    A ferry's ``aboard_s`` is the time of the whole way where that is tagged, its ``wait_s`` what
    passes at each landing before it leaves.
    """

    road_class: str
    forward_kmh: float
    backward_kmh: float
    aboard_s: float | None = None
    wait_s: float = 0.0


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
    ("ferry", Use.RIDE, 8, "aboard, whoever rides, where no duration is tagged"),
)
_WALK_TABLE = _table(
    ("motorway motorway_link", Use.NEVER, 0, "nobody on foot"),
    ("trunk trunk_link busway bus_guideway", Use.TAGGED, 6, "where walking is tagged"),
    ("primary primary_link secondary secondary_link", Use.RIDE, 6, "a pavement beside"),
    ("tertiary tertiary_link unclassified road", Use.RIDE, 6, "a pavement or none"),
    ("residential living_street service", Use.RIDE, 6, "at the side"),
    ("cycleway track path bridleway footway pedestrian", Use.RIDE, 6, "open to people on foot"),
    ("steps", Use.RIDE, 2.5, "about half the pace of the flat, along the slope"),
    ("ferry", Use.RIDE, 8, "aboard, where no duration is tagged"),
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


# Values of access keys; any other value is read as yes (Key:access lists over a hundred), and
# "unknown" as if nothing was said.
_NO = frozenset({"no", "agricultural", "forestry", "military", "emergency", "psv", "bus"})
_PRIVATE = frozenset({"private", "residents", "employees", "permit"})
_ON_FOOT = frozenset({"dismount", "use_sidepath"})
_BY_NAME = frozenset({"yes", "designated", "permissive", "official"})
_NO_LANE = frozenset({"no", "none", "separate", "use_sidepath"})
_LANE_KEYS = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
_TRUE = frozenset({"yes", "1", "true"})
_BACK = frozenset({"-1", "reverse"})
_SIDES = ("forward", "backward")


def _said(tags: Mapping[str, str], keys: tuple[str, ...], side: str) -> str | None:
    """Return what the tags say of one direction (``forward``, ``backward``).

    Of several keys the first counts, the most particular mode of transport: ``bicycle`` before
    ``vehicle`` before ``access``. Within one mode the direction counts before the whole:
    ``bicycle:backward`` before ``bicycle``. Key:access (transport mode hierarchy), Forward &
    backward, left & right.
    """
    for key in keys:
        for name in (f"{key}:{side}", key):
            if tags.get(name, "unknown") != "unknown":
                return tags[name]
    return None


def judge_way(tags: Mapping[str, str], profile: Profile) -> WayRule | None:
    """Return what a way is to a rider; None if nothing.

    A direction that may not be ridden is pushed where that is said of it (``dismount``), or where
    no direction may be ridden; else it is closed: ``vehicle:backward=no`` is a one-way street, and
    a one-way street is not passed against.

    Parameters
    ----------
    tags
        All tags of the way.
    """
    road_class = "ferry" if tags.get("route") == "ferry" else tags.get("highway", "")
    rule = profile.classes.get(road_class)
    if rule is None or rule.use is Use.NEVER or tags.get("motorroad") == "yes":
        return None
    rides = [_may_ride(tags, rule, road_class, profile, side) for side in _SIDES]
    pushes = [_may_push(tags, rule, road_class, profile, side) for side in _SIDES]
    if not any(rides) and not any(pushes):
        return None
    is_open = _directions(tags, road_class, profile)
    on_foot = _open_on_foot(tags)
    kmh = [0.0, 0.0]
    for at, side in enumerate(_SIDES):
        if rides[at]:
            kmh[at] = is_open[at] * _ride_kmh(tags, rule, road_class, profile, side)
        elif pushes[at] and (not any(rides) or _said(tags, profile.access_keys, side) in _ON_FOOT):
            kmh[at] = on_foot[at] * profile.push_kmh
    found = WayRule(road_class, kmh[0], kmh[1])
    if road_class != "ferry":
        return found
    aboard_s = parse_duration_s(tags.get("duration", ""))
    return replace(found, aboard_s=aboard_s, wait_s=profile.ferry_wait_s)


def _may_ride(
    tags: Mapping[str, str], rule: ClassRule, road_class: str, profile: Profile, side: str
) -> bool:
    said = _said(tags, profile.access_keys, side)
    if said in _NO or (said in _PRIVATE and not (profile.walks and profile.push_private)):
        return False
    if said in _ON_FOOT and not profile.walks:
        return False
    if rule.use is Use.RIDE or (profile.trunk and road_class.startswith("trunk")):
        return True
    by_name = _said(tags, profile.access_keys[:-1], side) in _BY_NAME
    if road_class == "steps":
        return "yes" in {tags.get("ramp:bicycle"), tags.get("ramp:stroller")}
    if rule.use is Use.PUSH:
        return by_name
    if profile.walks:
        return by_name or tags.get("sidewalk") in {"both", "left", "right", "yes"}
    return by_name or any(tags[key] not in _NO_LANE for key in _LANE_KEYS if key in tags)


def _may_push(
    tags: Mapping[str, str], rule: ClassRule, road_class: str, profile: Profile, side: str
) -> bool:
    """Tell whether somebody on foot may pass: not along a trunk road, nor up steps with a bike."""
    if profile.walks or road_class == "ferry" or not _lets_push(tags, profile, side):
        return False
    by_name = _said(tags, ("foot", "access"), side) in _BY_NAME and road_class != "steps"
    return by_name or rule.use in {Use.RIDE, Use.PUSH}


def _lets_push(tags: Mapping[str, str], profile: Profile, side: str) -> bool:
    """Tell whether access lets a rider through on foot, on a way and at a barrier alike.

    Whoever pushes a bicycle goes as one on foot (Tag:bicycle=dismount): ``foot`` decides, and
    ``access`` where neither ``foot`` nor ``dismount`` is said. ``vehicle=no`` keeps nobody on foot
    out.
    """
    said = _said(tags, profile.access_keys, side)
    foot = _said(tags, ("foot",), side)
    if foot is None and said not in _ON_FOOT:
        foot = _said(tags, ("access",), side)
    if foot in _NO or foot in _BY_NAME:
        return foot in _BY_NAME
    return profile.push_private or not (foot in _PRIVATE or said in _PRIVATE)


def _directions(tags: Mapping[str, str], road_class: str, profile: Profile) -> tuple[bool, bool]:
    """Return whether a way is open along its line and against it (Key:oneway)."""
    if profile.walks and road_class != "ferry":
        return _open_on_foot(tags)
    own = next((tags[k] for k in ("oneway:electric_bicycle", "oneway:bicycle") if k in tags), None)
    said = own if own is not None else tags.get("oneway:vehicle", tags.get("oneway"))
    if said is None and tags.get("junction") in {"roundabout", "circular"}:
        said = "yes"
    if said == "reversible":
        return False, False  # open one way or the other by the hour
    if said in _TRUE:
        return True, own is None and _contraflow(tags, "backward", profile)
    if said in _BACK:
        return own is None and _contraflow(tags, "forward", profile), True
    return True, True


def _open_on_foot(tags: Mapping[str, str]) -> tuple[bool, bool]:
    oneway = tags.get("oneway:foot", "no")
    return oneway not in _BACK, oneway not in _TRUE


def _contraflow(tags: Mapping[str, str], side: str, profile: Profile) -> bool:
    """Tell whether a one-way street is open to bicycles the other way, ``side``.

    By ``cycleway=opposite*`` or ``cycleway*:oneway`` where there is such a lane (Key:cycleway), or
    by ``bicycle:backward`` (Key:oneway, exceptions). ``vehicle:backward=yes`` is none: it says of
    all vehicles the opposite of ``oneway``.
    """
    for key in profile.access_keys[:-2]:
        said = tags.get(f"{key}:{side}")
        if said is not None:
            return said not in _NO | _PRIVATE | _ON_FOOT
    against = {"no", "-1" if side == "backward" else "yes"}
    for key in _LANE_KEYS:
        lane = next((tags[k] for k in (key, "cycleway:both", "cycleway") if k in tags), "")
        if tags.get(key, "").startswith("opposite"):
            return True
        if lane not in _NO_LANE and tags.get(f"{key}:oneway") in against:
            return True
    return False


def _ride_kmh(
    tags: Mapping[str, str], rule: ClassRule, road_class: str, profile: Profile, side: str
) -> float:
    """Return the pace: the rider's, the class's cap or the tagged limit, whichever is lowest.

    A limit for bicycles and for the direction counts before the general one (Key:maxspeed). A
    ferry goes at its own pace.
    """
    if road_class == "ferry":
        return rule.cap_kmh
    said = _said(tags, ("maxspeed:bicycle", "maxspeed"), side) or ""
    return min(rule.cap_kmh, profile.speed_kmh, parse_speed_kmh(said) or float("inf"))


# Kinds of barrier that an e-bike cannot be got through, and those that nobody can, unless tagged.
_TOO_NARROW = frozenset({"stile", "kissing_gate", "turnstile", "full-height_turnstile"})
_CLOSED = frozenset(
    {"wall", "fence", "hedge", "ditch", "retaining_wall", "city_wall", "guard_rail"}
)


def judge_barrier(tags: Mapping[str, str], profile: Profile) -> tuple[bool, bool]:
    """Return whether a barrier on a way lets a rider through along the way and against it.

    The access tags on it are read as on a way (Key:barrier, Key:access): what keeps vehicles out
    and nobody on foot is passed pushing.
    """
    there, back = (_lets_through(tags, profile, side) for side in _SIDES)
    return there, back


def _lets_through(tags: Mapping[str, str], profile: Profile, side: str) -> bool:
    kind = tags.get("barrier", "")
    narrow = kind in _TOO_NARROW and not profile.walks
    # "access=yes" on a stile is said of people on foot.
    said = _said(tags, profile.access_keys[:-1] if narrow else profile.access_keys, side)
    if said is None:
        by_name = _said(tags, ("foot",), side) in _BY_NAME
        return not narrow and (kind not in _CLOSED or by_name)
    if said not in _NO | _PRIVATE | _ON_FOOT:
        return True
    if profile.walks:
        return said in _ON_FOOT or (said in _PRIVATE and profile.push_private)
    return not narrow and _lets_push(tags, profile, side)


# By the hour, as it was written before restriction:conditional (Relation:restriction).
_BY_HOUR = ("day_on", "day_off", "hour_on", "hour_off")


def judge_restriction(tags: Mapping[str, str], profile: Profile) -> str:
    """Return ``no`` or ``only`` where a turn restriction binds this rider, else why it does not.

    The reasons are ``others`` (for other vehicles, or bicycles are excepted), ``conditional``
    (by the hour: not honoured) and ``unknown``. Relation:restriction.
    """
    modes = ("foot",) if profile.walks else ("bicycle", "vehicle")
    said = next((tags[key] for m in modes if (key := f"restriction:{m}") in tags), None)
    if said is None and not profile.walks:
        said = tags.get("restriction")
        if said is not None and set(modes) & set(re.split(r"\s*;\s*", tags.get("except", ""))):
            return "others"
    if said is None:
        conditional = {f"restriction:{mode}:conditional" for mode in modes}
        if not profile.walks:
            conditional.add("restriction:conditional")
        return "conditional" if conditional & set(tags) else "others"
    if any(key in tags for key in _BY_HOUR):
        return "conditional"
    if said.startswith("no_"):
        return "no"
    return "only" if said.startswith("only_") else "unknown"


def parse_speed_kmh(text: str) -> float | None:
    """Return a speed limit in km/h; None where there is none, or none that can be read.

    Numbers are km/h, or in the unit that follows (km/h, mph, knots); of several (``50;30``) the
    lowest counts. ``walk`` and ``XX:walk`` are walking pace, ``XX:living_street`` the pace of that
    class, ``XX:zone30`` its number. ``none``, ``signals``, ``variable`` and what else a country
    has by default (``CN:urban``, ``DE:rural``) lie above every bicycle's pace. Key:maxspeed.
    """
    limits = [limit for part in text.split(";") if (limit := _one_speed_kmh(part)) is not None]
    return min(limits, default=None)


def _one_speed_kmh(text: str) -> float | None:
    said = text.strip().casefold()
    match = _SPEED.fullmatch(said)
    if match is None:
        zone = _ZONE.fullmatch(said)
        word = zone[1] if zone else ""
        if word == "walk":
            return WALKING_KMH
        if word == "living_street":
            return _LIVING_STREET_KMH
        match = _SPEED.fullmatch(word.removeprefix("zone").removeprefix(":"))
    if match is None:
        return None
    return _number(match[1]) * _UNITS[match[2]] or None  # 0 is a slip, not a standstill


def parse_duration_s(text: str) -> float | None:
    """Return a duration in seconds; None where it cannot be read or is zero.

    ISO 8601 (``PT10M``, ``PT1H30M``, ``P0DT10M``), ``HH:MM``, ``HH:MM:SS``, or minutes.
    Key:duration.
    """
    said = text.strip().casefold()
    if match := _CLOCK.fullmatch(said):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(hours * 3600 + minutes * 60 + seconds) or None
    if re.fullmatch(_NUMBER, said):
        return _number(said) * 60.0 or None
    if match := _ISO.fullmatch(said):
        parts = zip(match.groups(), _STEPS_S, strict=True)
        return sum(_number(part) * step_s for part, step_s in parts if part) or None
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))
