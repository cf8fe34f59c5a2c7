"""The nearest stations: k of them, filtered, and whether they will be open on arrival."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.datum import geodesic_m
from locator.errors import InputError
from locator.hours import STATES, HoursRules, HoursTable
from locator.schema import Host, Kind, Service, State, Status, split_set
from locator.travel import TravelModel
from locator.travel.base import Positions

__all__ = ["Found", "NearestStations", "OpenRule", "StationFilter", "StationIndex"]

_OPEN = STATES.index(State.OPEN)
_CLOSED = STATES.index(State.CLOSED)
_UNKNOWN = STATES.index(State.UNKNOWN)
_KEPT_DAYS = 16  # hours tables are kept for the days last asked for


class OpenRule(StrEnum):
    """Which stations count, by their state on arrival."""

    ANY = "any"  # open or not
    KNOWN = "known"  # not those that will be closed
    YES = "yes"  # only those that will certainly be open, for long enough


@dataclass(frozen=True)
class StationFilter:
    """Which stations count, whatever their hours; empty sets let everything through.

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
    """

    kinds: frozenset[Kind] = frozenset()
    hosts: frozenset[Host] = frozenset()
    services: frozenset[Service] = frozenset()
    platform: str | None = None
    statuses: frozenset[Status] = field(default_factory=lambda: frozenset({Status.ACTIVE}))


@dataclass(frozen=True)
class Found:
    """One station in an answer; what is unknown is None.

    ``state``, ``closes_at`` and ``opens_at`` are of the moment of arrival.
    """

    rank: int
    row: int
    distance_m: float
    ride_m: float
    ride_s: float
    arrives_at: datetime
    state: State
    minutes_left: int | None
    closes_at: datetime | None
    opens_at: datetime | None


@dataclass(frozen=True)
class NearestStations:
    """The answer for n origins, k stations each, as arrays of (n, k); absent is index -1.

    ``distance_m`` is the geodesic, ``ride_m`` the way, ``ride_s`` the time; ``state`` holds
    codes into :data:`locator.hours.STATES`; times are POSIX seconds, NaN where there is none.
    """

    index: npt.NDArray[np.int64]
    distance_m: npt.NDArray[np.float64]
    ride_m: npt.NDArray[np.float64]
    ride_s: npt.NDArray[np.float64]
    state: npt.NDArray[np.int8]
    closes_at: npt.NDArray[np.float64]
    opens_at: npt.NDArray[np.float64]
    at: datetime

    def of(self, origin: int) -> Iterator[Found]:
        """Yield the stations found for one origin, nearest first."""
        zone = self.at.tzinfo
        for place, row in enumerate(self.index[origin]):
            if row < 0:
                return
            closes, opens = self.closes_at[origin, place], self.opens_at[origin, place]
            arrives = self.at.timestamp() + self.ride_s[origin, place]
            yield Found(
                rank=place + 1,
                row=int(row),
                distance_m=float(self.distance_m[origin, place]),
                ride_m=float(self.ride_m[origin, place]),
                ride_s=float(self.ride_s[origin, place]),
                arrives_at=datetime.fromtimestamp(arrives, zone),
                state=STATES[self.state[origin, place]],
                minutes_left=None if np.isnan(closes) else int((closes - arrives) // 60),
                closes_at=None if np.isnan(closes) else datetime.fromtimestamp(closes, zone),
                opens_at=None if np.isnan(opens) else datetime.fromtimestamp(opens, zone),
            )


class StationIndex:
    """Stations and a travel model put together once; read-only, shared by threads.

    Parameters
    ----------
    stations
        Rows of the schema in EPSG:4326, ordered by id: equal times keep that order.
    model
        How long a ride takes.
    rules
        What opening hours mean.
    """

    def __init__(self, stations: gpd.GeoDataFrame, model: TravelModel, rules: HoursRules) -> None:
        self.stations = stations
        self.model = model
        self._rules = rules
        self.lonlat: Positions = np.column_stack([stations.geometry.x, stations.geometry.y])
        self._bound = model.bind(self.lonlat)
        self._hours: dict[date, HoursTable] = {}
        self._lock = threading.Lock()
        self._services = [split_set(text) for text in stations["services"]]
        self._platforms = [split_set(text) for text in stations["platforms"]]

    def find(
        self,
        origins: Positions,
        *,
        at: datetime,
        k: int = 5,
        chosen: StationFilter | None = None,
        rule: OpenRule = OpenRule.ANY,
        min_minutes_left: int = 0,
    ) -> NearestStations:
        """Return the k nearest stations of each origin, by travel time, then by id.

        Parameters
        ----------
        origins
            (n, 2) longitude and latitude in degrees, WGS-84, anywhere on Earth.
        at
            The moment of leaving, with a time zone.
        k
            How many stations; fewer come back where fewer fit.
        chosen
            Filter by kind, host, service, platform and status.
        rule
            Filter by the state on arrival.
        min_minutes_left
            For ``OpenRule.YES``: minutes the station must stay open after arrival.

        Raises
        ------
        InputError
            An origin is not on Earth, or k is below 1.
        """
        origins = _check_origins(origins)
        local = at.astimezone(self._rules.timezone)
        mask = self.mask(chosen or StationFilter())
        total = int(mask.sum())
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 or more stations.")
        width = max(1, min(k, total))
        fetch = width if rule is OpenRule.ANY else min(total, 4 * width)
        while True:
            answer = self._fetch(origins, local, max(fetch, 1), mask)
            keep = _passes(answer, local, rule, min_minutes_left)
            if fetch >= total or bool((keep.sum(axis=1) >= width).all()):
                return _compact(answer, keep, width)
            fetch = min(total, fetch * 4)

    def mask(self, chosen: StationFilter) -> npt.NDArray[np.bool_]:
        """Return which stations a filter lets through, (m,)."""
        frame = self.stations
        passes = np.ones(len(frame), dtype=bool)
        for column, wanted in (
            ("kind", chosen.kinds),
            ("host", chosen.hosts),
            ("status", chosen.statuses),
        ):
            if wanted:
                passes &= frame[column].isin([member.value for member in wanted]).to_numpy()
        if chosen.services:
            needed = frozenset(member.value for member in chosen.services)
            passes &= np.array([needed <= given for given in self._services], dtype=bool)
        if chosen.platform:
            passes &= np.array([not p or chosen.platform in p for p in self._platforms], dtype=bool)
        return passes

    def look_up(self, row: int, *, at: datetime) -> Found:
        """Return one station as found by somebody who stands there at a moment."""
        local = at.astimezone(self._rules.timezone)
        moments = self._hours_of(local).at(np.array([row]), np.array([local.timestamp()]))
        there = NearestStations(
            index=np.array([[row]]),
            distance_m=np.zeros((1, 1)),
            ride_m=np.zeros((1, 1)),
            ride_s=np.zeros((1, 1)),
            state=moments.state.reshape(1, 1),
            closes_at=moments.closes_at.reshape(1, 1),
            opens_at=moments.opens_at.reshape(1, 1),
            at=local,
        )
        return next(there.of(0))

    def states(self, at: datetime) -> npt.NDArray[np.int8]:
        """Return every station's state at a moment, codes into STATES, (m,)."""
        when = np.full(len(self.stations), at.timestamp())
        return self._hours_of(at).at(np.arange(len(self.stations)), when).state

    def _fetch(
        self, origins: Positions, at: datetime, k: int, mask: npt.NDArray[np.bool_]
    ) -> NearestStations:
        near = self._bound.nearest(origins, k=k, mask=mask)
        found = near.index >= 0
        safe = np.where(found, near.index, 0)
        if len(self.stations):
            there = self.lonlat[safe]
            straight = geodesic_m(
                origins[:, None, 0], origins[:, None, 1], there[..., 0], there[..., 1]
            )
            arrival = at.timestamp() + np.where(found, near.seconds, 0.0)
            moments = self._hours_of(at).at(safe, arrival)
            state, closes, opens = moments.state, moments.closes_at, moments.opens_at
        else:
            straight = np.full(safe.shape, np.inf)
            state = np.full(safe.shape, _UNKNOWN, dtype=np.int8)
            closes = opens = np.full(safe.shape, np.nan)
        return NearestStations(
            index=near.index,
            distance_m=np.where(found, straight, np.inf),
            ride_m=near.metres,
            ride_s=near.seconds,
            state=state,
            closes_at=closes,
            opens_at=opens,
            at=at,
        )

    def _hours_of(self, at: datetime) -> HoursTable:
        day = at.astimezone(self._rules.timezone).date()
        with self._lock:
            table = self._hours.get(day)
            if table is None:
                given = self.stations["opening_hours"]
                texts = [None if pd.isna(text) else str(text) for text in given]
                table = HoursTable(texts, self._rules, start=at)
                if len(self._hours) >= _KEPT_DAYS:
                    self._hours.pop(next(iter(self._hours)))
                self._hours[day] = table
        return table


def _check_origins(origins: Positions) -> Positions:
    points = np.asarray(origins, dtype=np.float64).reshape(-1, 2)
    good = np.isfinite(points).all(axis=1)
    good &= (np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90)
    if not good.all():
        lon, lat = points[~good][0]
        raise InputError(
            f"{lon:g}, {lat:g} is not a longitude and a latitude in degrees "
            "(longitude first, -180 to 180; latitude -90 to 90)."
        )
    return points


def _passes(
    answer: NearestStations, at: datetime, rule: OpenRule, min_minutes_left: int
) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = answer.index >= 0
    if rule is OpenRule.ANY:
        return found
    if rule is OpenRule.KNOWN:
        return np.asarray(found & (answer.state != _CLOSED))
    left_s = answer.closes_at - (at.timestamp() + answer.ride_s)
    long_enough = np.isnan(answer.closes_at) | (left_s >= min_minutes_left * 60)
    return np.asarray(found & (answer.state == _OPEN) & long_enough)


def _compact(answer: NearestStations, keep: npt.NDArray[np.bool_], width: int) -> NearestStations:
    """Move what is kept to the front of each row, in order, and cut the rows to a width."""
    order = np.argsort(~keep, axis=1, kind="stable")[:, :width]
    kept = np.take_along_axis(keep, order, axis=1)

    def pick(values: npt.NDArray[np.float64], absent: float) -> npt.NDArray[np.float64]:
        return np.where(kept, np.take_along_axis(values, order, axis=1), absent)

    return NearestStations(
        index=np.where(kept, np.take_along_axis(answer.index, order, axis=1), -1),
        distance_m=pick(answer.distance_m, np.inf),
        ride_m=pick(answer.ride_m, np.inf),
        ride_s=pick(answer.ride_s, np.inf),
        state=np.where(kept, np.take_along_axis(answer.state, order, axis=1), _UNKNOWN).astype(
            np.int8
        ),
        closes_at=pick(answer.closes_at, np.nan),
        opens_at=pick(answer.opens_at, np.nan),
        at=answer.at,
    )
