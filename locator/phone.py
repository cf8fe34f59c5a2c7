"""What travels to a phone once, so that it can answer by itself and no position has to travel.

The whole register, compact: opening hours as the intervals of the next eight days, computed
here, so that the phone parses nothing; named places with their pinyin, so that it can search.
Past a number of stations the phone is told of cells and fetches those around it.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.datum import from_wgs84
from locator.hours import STATES, WINDOW_DAYS, LonLat, read_spans, sun_place
from locator.nearest import HELPS
from locator.schema import Amenity, Datum, Kind, State, Status, Weather, is_illustrative, split_set
from locator.service import Service, Snapshot
from locator.travel import Routed

FORMAT = 1
MANY_STATIONS = 5_000  # past that the register does not travel whole
CELL_DEG = 0.25  # about 25 km: a cell says no more of a rider than the city they are in
_DECIMALS = 6  # 0.1 m

Rows = npt.NDArray[np.int64]
# Minutes after the window's start, half-open, a code into STATES, and why it is unknown.
Span = tuple[int, int, int] | tuple[int, int, int, str]
Extra = dict[str, str | list[str | None]]
Row = list[str | int | float | list[str] | Extra | None]


class Register(TypedDict, total=False):
    """What is sent: see ``docs/architecture.md``, "The register on the phone"."""

    format: int
    version: str
    made_at: int
    illustrative: bool
    timezone: str
    days: list[int]
    dates: list[str]
    min_minutes_left: int
    weather: str
    speed_kmh: float
    detour: float
    kinds: list[str]
    services: list[str]
    helps: dict[str, list[str]]  # weather to the services that help in it
    schedules: list[list[Span] | None]
    stations: list[Row]
    places: list[list[str | float]]
    cell_deg: float
    cells: dict[str, int]
    roads: bool  # the server knows times along roads, and can be asked for them


def phone_register(service: Service, *, at: datetime) -> str:
    """Return the register as compact JSON; of a large one, everything but the stations.

    Parameters
    ----------
    at
        Now, in the stations' time zone: the window of opening hours begins with its day.
    """
    snapshot = service.snapshot()
    register = _head(service, snapshot, at)
    stations = _active(snapshot)
    if len(stations) <= MANY_STATIONS:
        register |= _stations(service, stations, at)
    else:
        register["cell_deg"] = CELL_DEG
        register["cells"] = {key: len(rows) for key, rows in cell_rows(snapshot).items()}
    return _compact(register)


def cell_rows(snapshot: Snapshot) -> dict[str, Rows]:
    """Return the rows of the active stations in each cell: ``428_137`` is column and row."""
    active = np.flatnonzero((snapshot.stations["status"] == Status.ACTIVE.value).to_numpy())
    points = snapshot.stations.geometry.iloc[active]
    cells = np.floor(np.column_stack([points.x, points.y]) / CELL_DEG).astype(np.int64)
    found, group = np.unique(cells, axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    parts = np.split(active[order], np.cumsum(np.bincount(group.ravel()))[:-1])
    return {f"{x}_{y}": part for (x, y), part in zip(found.tolist(), parts, strict=True)}


def phone_cell(service: Service, rows: Rows, *, at: datetime) -> str:
    """Return the stations of one cell, with the window that their hours are counted in."""
    cell = _stations(service, service.snapshot().stations.iloc[rows], at)
    return _compact(cell | _window(service, at))


def _compact(register: Register) -> str:
    return json.dumps(register, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _active(snapshot: Snapshot) -> gpd.GeoDataFrame:
    return snapshot.stations[snapshot.stations["status"] == Status.ACTIVE.value]


def _midnights(service: Service, at: datetime) -> list[datetime]:
    zone = service.rules.timezone
    first = at.astimezone(zone).date()
    dates = [first + timedelta(days=n) for n in range(WINDOW_DAYS + 1)]
    return [datetime(d.year, d.month, d.day, tzinfo=zone) for d in dates]


def _window(service: Service, at: datetime) -> Register:
    midnights = _midnights(service, at)
    return Register(
        days=[int(moment.timestamp()) // 60 for moment in midnights],
        dates=[moment.date().isoformat() for moment in midnights],
    )


def _head(service: Service, snapshot: Snapshot, at: datetime) -> Register:
    settings = service.settings
    head = Register(
        format=FORMAT,
        version=snapshot.version,
        made_at=int(at.timestamp()),
        illustrative=is_illustrative(_active(snapshot)),
        timezone=settings.timezone,
        min_minutes_left=settings.min_minutes_left,
        weather=settings.weather,
        roads=isinstance(service.travel, Routed),
        speed_kmh=settings.ride_speed_kmh,
        detour=settings.detour_factor,
        kinds=[kind.value for kind in Kind],
        services=[member.value for member in Amenity],
        helps={w.value: [s.value for s in Amenity if s in HELPS[w]] for w in Weather},
        places=[
            [place.name, place.lon, place.lat, *_pinyin(place.name)]
            for place in snapshot.named_places
        ],
    )
    return head | _window(service, at)


def _stations(service: Service, stations: gpd.GeoDataFrame, at: datetime) -> Register:
    schedules: list[list[Span] | None] = []
    positions: dict[str, int] = {}
    rows: list[Row] = []
    spans_of: dict[tuple[str | None, LonLat | None], list[Span] | None] = {}
    kinds = {kind.value: number for number, kind in enumerate(Kind)}
    lon, lat = (_rounded(axis) for axis in (stations.geometry.x, stations.geometry.y))
    shifted = [
        [round(float(value), _DECIMALS) for value in axis]
        for axis in from_wgs84(lon, lat, Datum.GCJ02)
    ]
    for number, own in enumerate(stations.drop(columns="geometry").to_dict("records")):
        hours = None if pd.isna(own["opening_hours"]) else str(own["opening_hours"])
        where = sun_place(hours, (lon[number], lat[number]))
        if (hours, where) not in spans_of:
            spans_of[hours, where] = _spans(service, hours, where, at)
        spans = spans_of[hours, where]
        key = json.dumps(spans)
        if key not in positions:
            positions[key] = len(schedules)
            schedules.append(spans)
        rows.append(
            [
                str(own["id"]),
                str(own["name"]),
                kinds[str(own["kind"])],
                lon[number],
                lat[number],
                _bits(own["services"]),
                positions[key],
                sorted(split_set(own["platforms"])) or 0,
                _extra(own, _midnights(service, at)) or 0,
                # Where Chinese map apps have it: millionths of a degree to GCJ-02.
                round((shifted[0][number] - lon[number]) * 1e6),
                round((shifted[1][number] - lat[number]) * 1e6),
            ]
        )
    return Register(schedules=schedules, stations=rows)


def _rounded(degrees: Iterable[float]) -> list[float]:
    """Round as the interface does, then to what is sent, so that both name the same place."""
    return [round(round(float(value), 7), _DECIMALS) for value in degrees]


def _spans(
    service: Service, text: str | None, place: LonLat | None, at: datetime
) -> list[Span] | None:
    """Return the stretches that are not closed; None if nothing is known of any."""
    spans = read_spans(text, service.rules, start=at, place=place)
    if len(spans) == 1 and spans[0].state is State.UNKNOWN and not spans[0].comment:
        return None
    first = spans[0].start.timestamp()
    found: list[Span] = []
    for span in spans:
        begin, end = (int(t.timestamp() - first) // 60 for t in (span.start, span.end))
        if span.state is State.UNKNOWN and span.comment:
            found.append((begin, end, STATES.index(span.state), span.comment))
        elif span.state is not State.CLOSED:
            found.append((begin, end, STATES.index(span.state)))
    return found


def _bits(services: object) -> int | None:
    """Return a bit for each service; None where nobody wrote down what there is."""
    if not isinstance(services, str):
        return None
    offered = split_set(services)
    return sum(1 << number for number, member in enumerate(Amenity) if member.value in offered)


def _extra(own: dict[str, object], midnights: list[datetime]) -> Extra:
    """Return what few stations have: conditions, the date of the last check, a notice."""
    extra: Extra = {}
    for name, field in (("access", "access"), ("checked", "last_verified")):
        if isinstance(own[field], str) and own[field]:
            extra[name] = str(own[field])
    begins, ends = (_date(own[field]) for field in ("notice_from", "notice_until"))
    first, last = (moment.date().isoformat() for moment in (midnights[0], midnights[-1]))
    if isinstance(own["notice"], str) and (begins or "") <= last and (ends or "9999") >= first:
        extra["notice"] = [own["notice"], begins, ends]
    return extra


def _date(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _pinyin(name: str) -> tuple[str, str]:
    """Return a name as it sounds and its initials: 渭滨区, ``weibinqu``, ``wbq``."""
    from pypinyin import Style, lazy_pinyin

    whole = "".join(lazy_pinyin(name)).casefold()
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).casefold()
    return whole, initials
