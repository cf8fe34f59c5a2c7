"""The answer to "what is nearest?" as GeoJSON: the same for the interface and the command line."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypedDict

import geopandas as gpd
import numpy as np

from locator.errors import InputError, NoWayError
from locator.hours import calendar_warnings
from locator.hours_words import clock_words
from locator.nearest import Found, OpenRule, StationFilter, Wishes, check_positions
from locator.schema import LAYERS, Amenity, Json, State, is_illustrative
from locator.service import Service
from locator.travel import Routed

_DECIMALS = 7
_LONG_MIN = 120  # from here on the minutes left are nobody's worry


class Geometry(TypedDict):
    """A GeoJSON point, RFC 7946."""

    type: str
    coordinates: list[float]


class Feature(TypedDict):
    """One station; ``properties`` hold its fields and those of :class:`locator.nearest.Found`."""

    type: str
    id: str
    geometry: Geometry
    properties: dict[str, Json]


class Answer(TypedDict):
    """A GeoJSON FeatureCollection that says what was asked, how, and of what kind its data are."""

    type: str
    features: list[Feature]
    at: str
    open: str
    all_night: bool
    weather: str
    toward: list[float] | None
    travel: str
    services_unknown: int  # left out for services or hosts that nobody recorded; see or_unknown
    illustrative: bool
    warnings: list[str]
    data_version: str


def nearest_answer(
    service: Service,
    lon: float,
    lat: float,
    *,
    k: int,
    chosen: StationFilter,
    rule: OpenRule,
    at: datetime | None = None,
    wishes: Wishes | None = None,
) -> Answer:
    """Answer one question from the store as it is now.

    Parameters
    ----------
    lon, lat
        Degrees, WGS-84.
    at
        Moment of leaving, with a time zone; None is now.
    wishes
        The night, the weather, the way on.

    Raises
    ------
    InputError
        A position or k is not possible.
    """
    wishes = wishes or Wishes()
    snapshot = service.snapshot()
    moment = at or service.now()
    found = snapshot.index.find(
        np.array([[lon, lat]]),
        at=moment,
        k=k,
        chosen=chosen,
        rule=rule,
        min_minutes_left=service.settings.min_minutes_left,
        wishes=wishes,
    )
    rows = list(found.of(0))
    left_out = snapshot.index.possible(chosen)
    if wishes.all_night:
        left_out &= snapshot.index.open_all_night(moment)
    stations = snapshot.stations.iloc[[item.row for item in rows]]
    return Answer(
        type="FeatureCollection",
        features=_features(stations, rows),
        at=moment.isoformat(timespec="seconds"),
        open=rule.value,
        all_night=wishes.all_night,
        weather=wishes.weather.value,
        toward=list(wishes.toward) if wishes.toward else None,
        travel=service.travel.describe(),
        services_unknown=int(left_out.sum()),
        illustrative=is_illustrative(stations),
        warnings=calendar_warnings(service.rules, moment),
        data_version=snapshot.version,
    )


class RouteProperties(TypedDict):
    """What a route says of itself; ``streets`` holds name, class and metres of each stretch."""

    station: str
    name: str
    ride_s: float
    ride_m: float
    streets: list[tuple[str, str, float]]
    travel: str
    credit: str


class RouteFeature(TypedDict):
    """A way as a GeoJSON feature with a line."""

    type: str
    geometry: dict[str, Json | list[list[float]]]
    properties: RouteProperties


def route_answer(service: Service, lon: float, lat: float, station_id: str) -> RouteFeature:
    """Return the way from a place to a station; a straight line where there are no roads.

    Raises
    ------
    InputError
        There is no such station, or the place is not on Earth.
    NoWayError
        No road leads there.
    """
    snapshot = service.snapshot()
    rows = np.flatnonzero((snapshot.stations["id"] == station_id).to_numpy())
    if not len(rows):
        raise InputError(f"There is no station {station_id[:80]!r}.")
    own = snapshot.stations.iloc[int(rows[0])]
    here = check_positions(np.array([[lon, lat]]))
    there = np.array([[own.geometry.x, own.geometry.y]])
    line, streets = [[lon, lat], [float(there[0, 0]), float(there[0, 1])]], []
    if isinstance(service.travel, Routed):
        found = service.travel.route(here[0], there[0])
        if found is None:
            raise NoWayError(f"No road leads from {lon:g}, {lat:g} to {own['name']}.")
        line = [[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in found.line.coords]
        streets = [(s.name, s.road_class, round(s.length_m, 1)) for s in found.streets]
        ride_s, ride_m = found.ride_s, found.ride_m
    else:
        near = service.travel.bind(there).nearest(here, k=1)
        if near.index[0, 0] < 0:
            raise NoWayError(f"{own['name']} is out of reach of {lon:g}, {lat:g}.")
        ride_s, ride_m = float(near.seconds[0, 0]), float(near.metres[0, 0])
    return RouteFeature(
        type="Feature",
        geometry={"type": "LineString", "coordinates": line},
        properties=RouteProperties(
            station=station_id,
            name=str(own["name"]),
            ride_s=round(ride_s, 1),
            ride_m=round(ride_m, 1),
            streets=streets,
            travel=service.travel.describe(),
            credit=service.travel.credit if isinstance(service.travel, Routed) else "",
        ),
    )


def times_answer(
    service: Service, lon: float, lat: float, stations: Sequence[str]
) -> dict[str, dict[str, float | None] | str]:
    """Return the riding seconds to each named station (null: out of reach), and by which model."""
    snapshot = service.snapshot()
    wanted = snapshot.stations["id"].isin(list(stations)).to_numpy()
    here = check_positions(np.array([[lon, lat]]))
    near = snapshot.index.times(here, wanted)
    ids = snapshot.stations["id"].to_numpy()
    seconds: dict[str, float | None] = {str(i): None for i in ids[wanted]}
    seconds |= {str(ids[row]): round(s, 1) for row, s in near.items()}
    return {"ride_s": seconds, "travel": service.travel.describe()}


def station_feature(service: Service, station_id: str) -> Feature | None:
    """Return one station as it is now, seen from its own door; None if there is no such id."""
    snapshot = service.snapshot()
    rows = np.flatnonzero((snapshot.stations["id"] == station_id).to_numpy())
    if not len(rows):
        return None
    found = snapshot.index.look_up(int(rows[0]), at=service.now())
    return _features(snapshot.stations.iloc[rows[:1]], [found])[0]


def _features(stations: gpd.GeoDataFrame, found: Sequence[Found]) -> list[Feature]:
    """Return features from a frame's rows and what was found of each, in the same order."""
    fields = [_fields(record) for record in stations.drop(columns="geometry").to_dict("records")]
    return [
        Feature(
            type="Feature",
            id=str(own["id"]),
            geometry=Geometry(
                type="Point", coordinates=[round(point.x, _DECIMALS), round(point.y, _DECIMALS)]
            ),
            properties=own | _measures(item),
        )
        for own, point, item in zip(fields, stations.geometry, found, strict=True)
    ]


def _fields(record: dict[str, object]) -> dict[str, Json]:
    """Return a station's own fields; unknown is null, sets are lists."""
    return {c.name: c.json(record.get(c.name)) for c in LAYERS["stations"].columns}


def _measures(item: Found) -> dict[str, Json]:
    return {
        "rank": item.rank,
        "distance_m": round(item.distance_m, 1),
        "ride_m": round(item.ride_m, 1),
        "ride_s": round(item.ride_s, 1),
        "added_s": None if item.added_s is None else round(item.added_s, 1),
        "arrives_at": _iso(item.arrives_at),
        "state": item.state.value,
        "minutes_left": item.minutes_left,
        "closes_at": _iso(item.closes_at),
        "sure_until": _iso(item.sure_until),
        "opens_at": _iso(item.opens_at),
        "hours_comment": item.hours_comment,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def describe_line(feature: Feature) -> str:
    """Return one line of text for a terminal."""
    own = feature["properties"]
    minutes = max(1, round(float(str(own["ride_s"])) / 60))
    services = own["services"]
    words = "services unknown"
    if isinstance(services, list):
        words = "、".join(Amenity.parse(code).zh for code in services)
    km = float(str(own["distance_m"])) / 1000
    line = f"{own['rank']}. {minutes} min · {km:.1f} km · {own['name']} [{feature['id']}]"
    added = own["added_s"]
    detour = "" if added is None else f"{round(float(str(added)) / 60)} min added"
    return " · ".join(part for part in (line, detour, state_words(own, "en"), words) if part)


def state_words(properties: dict[str, Json], language: str, *, arriving: bool = True) -> str:
    """Say a station's state, with when it closes or opens next.

    Parameters
    ----------
    properties
        Of a feature.
    arriving
        Whether the state is that on arrival; otherwise it is that of now.
    """
    state = State.parse(str(properties["state"]))
    zh = language == "zh"
    if state is State.OPEN:
        return _open_words(properties, zh=zh, arriving=arriving)
    if state is State.CLOSED:
        opens = properties["opens_at"]
        if opens is None:
            return "已关门" if zh else "closed"
        return _until(datetime.fromisoformat(str(opens)), properties, zh=zh)
    unknown, comment = "开放时间未知" if zh else "hours unknown", properties.get("hours_comment")
    return f"{unknown} · {comment}" if comment else unknown


def _open_words(properties: dict[str, Json], *, zh: bool, arriving: bool) -> str:
    left = properties["minutes_left"]
    if not isinstance(left, int):
        sure = properties.get("sure_until")
        if sure is None:
            return "开放" if zh else "open"
        least = datetime.fromisoformat(str(sure))
        if least.time() == datetime.min.time():  # 18:00+ has an end, but nobody knows it
            return "开放 · 关门时间未知" if zh else "open, closing time unknown"
        clock = _end_words(least, properties, zh=zh)
        return f"开放 · 至少到 {clock}" if zh else f"open at least until {clock}"
    closes = datetime.fromisoformat(str(properties["closes_at"]))
    clock = _end_words(closes, properties, zh=zh)
    until = f"开放 · {clock} 关门" if zh else f"open until {clock}"
    if left >= _LONG_MIN:
        return until
    if zh:
        return f"{until}（{'到时' if arriving else '现在'}还剩 {left} 分）"
    return f"{until} ({left} min left{' when you arrive' if arriving else ' now'})"


def _until(opens: datetime, properties: dict[str, Json], *, zh: bool) -> str:
    day, clock = _day(opens.date(), properties, zh=zh), _clock(opens)
    return f"已关门 · {day} {clock} 开门" if zh else f"closed until {day} {clock}"


def _end_words(closes: datetime, properties: dict[str, Json], *, zh: bool) -> str:
    """Say when a station closes: midnight is 24:00 of the day that ends, other days are named."""
    midnight = closes.time() == datetime.min.time()
    last = (closes - timedelta(days=1)).date() if midnight else closes.date()
    clock = "24:00" if midnight else _clock(closes)
    arrives = datetime.fromisoformat(str(properties["arrives_at"])).date()
    tonight = last == arrives or (not midnight and closes.hour < 12 and (last - arrives).days == 1)
    return clock if tonight else f"{_day(last, properties, zh=zh)} {clock}"


def _clock(moment: datetime) -> str:
    return clock_words(60 * moment.hour + moment.minute)


def _day(day: date, properties: dict[str, Json], *, zh: bool) -> str:
    """Name a day as seen from the arrival: today, tomorrow, its weekday, next week's weekday."""
    days = (day - datetime.fromisoformat(str(properties["arrives_at"])).date()).days
    if zh:
        week = "下周" if days >= 7 else "周"
        return {0: "今天", 1: "明天"}.get(days, week + "一二三四五六日"[day.weekday()])
    return {0: "today", 1: "tomorrow"}.get(days, f"{'next ' if days >= 7 else ''}{day:%a}")
