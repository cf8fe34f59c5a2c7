"""The stations and a travel model put together: what every search runs on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.cache import Cache
from locator.datum import Positions, geodesic_m
from locator.errors import InputError
from locator.hours import STATES, HoursRules, HoursTable, Moments
from locator.lent import LentFrame
from locator.nearest.found import Found, NearestStations
from locator.nearest.question import HELP_S, HELPS, OpenRule, StationFilter, Wishes
from locator.schema import CRS, State, Weather, split_set
from locator.travel import TravelModel
from locator.travel.base import Prepared

_OPEN = STATES.index(State.OPEN)
_CLOSED = STATES.index(State.CLOSED)
_UNKNOWN = STATES.index(State.UNKNOWN)
_KEPT_DAYS = 16  # hours tables are kept for the days last asked for
_NIGHT_ENDS = 6  # o'clock; a night begins at midnight
Origins: TypeAlias = npt.ArrayLike | gpd.GeoSeries | gpd.GeoDataFrame


def station_mask(stations: gpd.GeoDataFrame, chosen: StationFilter) -> npt.NDArray[np.bool_]:
    """Return which stations a filter lets through, (m,), without an index of them."""
    services, platforms = ([split_set(t) for t in stations[c]] for c in ("services", "platforms"))
    return _passing(stations, chosen, services, platforms)


def possible_mask(stations: gpd.GeoDataFrame, chosen: StationFilter) -> npt.NDArray[np.bool_]:
    """Return which stations a filter leaves out only for what is unknown of them, (m,).

    Their services or their host are null; in everything that is known of them they fit.
    """
    possible = np.zeros(len(stations), dtype=bool)
    if chosen.or_unknown or not (chosen.services or chosen.hosts):
        return possible
    # Only rows of which something is unknown are looked at, so that a large register costs little.
    rows = np.flatnonzero(stations[["services", "host"]].isna().any(axis=1))
    part = stations[["kind", "host", "status", "services", "platforms"]].iloc[rows]
    possible[rows] = station_mask(part, replace(chosen, or_unknown=True))
    possible[rows] &= ~station_mask(part, chosen)
    return possible


def _passing(
    frame: gpd.GeoDataFrame,
    chosen: StationFilter,
    services: Sequence[frozenset[str]],
    platforms: Sequence[frozenset[str]],
) -> npt.NDArray[np.bool_]:
    passes = np.ones(len(frame), dtype=bool)
    for column, wanted in (
        ("kind", chosen.kinds),
        ("host", chosen.hosts),
        ("status", chosen.statuses),
    ):
        if wanted:
            fits = frame[column].isin([member.value for member in wanted]).to_numpy()
            # A null kind or status is a damaged row; a null host is one that nobody wrote down.
            if column == "host" and chosen.or_unknown:
                fits = fits | frame[column].isna().to_numpy()
            passes &= fits
    if chosen.services:
        needed = frozenset(member.value for member in chosen.services)
        fits = np.array([needed <= given for given in services], dtype=bool)
        if chosen.or_unknown:
            fits = fits | frame["services"].isna().to_numpy()
        passes &= fits
    if chosen.platform:
        passes &= np.array([not p or chosen.platform in p for p in platforms], dtype=bool)
    return passes


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

    stations = LentFrame()

    def __init__(self, stations: gpd.GeoDataFrame, model: TravelModel, rules: HoursRules) -> None:
        self.stations = stations
        self._stations = stations
        self.model = model
        self._rules = rules
        self.lonlat: Positions = np.column_stack([stations.geometry.x, stations.geometry.y])
        self.lonlat.flags.writeable = False
        self._bound = model.bind(self.lonlat)
        self._hours: Cache[HoursTable] = Cache(_KEPT_DAYS)
        self._services = [split_set(text) for text in stations["services"]]
        self._platforms = [split_set(text) for text in stations["platforms"]]

    def find(
        self,
        origins: Origins,
        *,
        at: datetime,
        k: int = 5,
        chosen: StationFilter | None = None,
        rule: OpenRule = OpenRule.ANY,
        min_minutes_left: int = 0,
        wishes: Wishes | None = None,
    ) -> NearestStations:
        """Return the k nearest stations of each origin, by travel time, then by id.

        In a weather, or on the way to a place, the order is that of ``docs/methods.md``,
        "Weather and the way on"; the key is computed over every station that fits.

        Parameters
        ----------
        origins
            (n, 2) longitude and latitude in degrees, WGS-84, anywhere on Earth; or a GeoSeries or
            GeoDataFrame of points in any coordinate system that it names.
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
        wishes
            The night, the weather, the way on.

        Raises
        ------
        InputError
            An origin or the destination is not on Earth, or k is below 1.
        """
        wishes = wishes or Wishes()
        origins = check_positions(origins)
        local = at.astimezone(self._rules.timezone)
        mask = self.mask(chosen or StationFilter())
        if wishes.all_night:
            mask &= self.open_all_night(local)
        total = int(mask.sum())
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 or more stations.")
        width = max(1, min(k, total))
        fetch = width if rule is OpenRule.ANY else min(total, 4 * width)
        if wishes.reorders:
            fetch = total
        while True:
            answer = self._fetch(origins, local, max(fetch, 1), mask)
            if wishes.reorders and total:
                answer = self._reorder(answer, origins, wishes)
            keep = _passes(answer, local, rule, min_minutes_left)
            if fetch >= total or bool((keep.sum(axis=1) >= width).all()):
                return _compact(answer, keep, width)
            fetch = min(total, fetch * 4)

    def mask(self, chosen: StationFilter) -> npt.NDArray[np.bool_]:
        """Return which stations a filter lets through, (m,)."""
        return _passing(self._stations, chosen, self._services, self._platforms)

    def possible(self, chosen: StationFilter) -> npt.NDArray[np.bool_]:
        """Return which stations a filter leaves out only for what is unknown of them, (m,)."""
        return possible_mask(self.stations, chosen)

    def open_all_night(self, at: datetime) -> npt.NDArray[np.bool_]:
        """Return which stations are certainly open from 00:00 to 06:00 of the coming night, (m,).

        Before 06:00 local time that is the night going on, from its beginning.
        """
        local = at.astimezone(self._rules.timezone)
        day = local.date() + timedelta(days=int(local.hour >= _NIGHT_ENDS))
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._rules.timezone)
        begins = np.full(len(self._stations), midnight.timestamp())
        moments = self._hours_of(local).at(np.arange(len(self._stations)), begins)
        lasts = np.isnan(moments.sure_until)
        lasts |= moments.sure_until >= midnight.replace(hour=_NIGHT_ENDS).timestamp()
        return np.asarray((moments.state == _OPEN) & lasts)

    def look_up(self, row: int, *, at: datetime) -> Found:
        """Return one station as found by somebody who stands there at a moment."""
        local = at.astimezone(self._rules.timezone)
        table = self._hours_of(local)
        moments = table.at(np.array([row]), np.array([local.timestamp()]))
        there = NearestStations(
            index=np.array([[row]]),
            distance_m=np.zeros((1, 1)),
            ride_m=np.zeros((1, 1)),
            ride_s=np.zeros((1, 1)),
            added_s=np.full((1, 1), np.nan),
            state=moments.state.reshape(1, 1),
            closes_at=moments.closes_at.reshape(1, 1),
            sure_until=moments.sure_until.reshape(1, 1),
            opens_at=moments.opens_at.reshape(1, 1),
            comment=moments.comment.reshape(1, 1),
            comments=table.comments,
            at=local,
        )
        return next(there.of(0))

    def prepare(self) -> bool:
        """Do what makes later answers quicker, if the travel model has such work; tell whether."""
        return isinstance(self._bound, Prepared) and self._bound.prepare()

    def times(self, origin: Positions, mask: npt.NDArray[np.bool_]) -> dict[int, float]:
        """Return the riding seconds from one place, (1, 2), to the stations of a mask in reach."""
        near = self._bound.nearest(origin, k=max(1, int(mask.sum())), mask=mask)
        rows, seconds = near.index[0], near.seconds[0]
        return {int(r): float(s) for r, s in zip(rows, seconds, strict=True) if r >= 0}

    def reach(self, limit_s: float, mask: npt.NDArray[np.bool_]) -> shapely.MultiPolygon:
        """Return from where the nearest station of a mask is reached in time, EPSG:4326."""
        return self._bound.reach(limit_s=limit_s, mask=mask)

    def states(self, at: datetime) -> npt.NDArray[np.int8]:
        """Return every station's state at a moment, codes into STATES, (m,)."""
        when = np.full(len(self._stations), at.timestamp())
        return self._hours_of(at).at(np.arange(len(self._stations)), when).state

    def _fetch(
        self, origins: Positions, at: datetime, k: int, mask: npt.NDArray[np.bool_]
    ) -> NearestStations:
        near = self._bound.nearest(origins, k=k, mask=mask)
        found = near.index >= 0
        safe = np.where(found, near.index, 0)
        if len(self._stations):
            there = self.lonlat[safe]
            straight = geodesic_m(
                origins[:, None, 0], origins[:, None, 1], there[..., 0], there[..., 1]
            )
            arrival = at.timestamp() + np.where(found, near.seconds, 0.0)
            table = self._hours_of(at)
            moments, comments = table.at(safe, arrival), table.comments
        else:
            straight, never = np.full(safe.shape, np.inf), np.full(safe.shape, np.nan)
            state = np.full(safe.shape, _UNKNOWN, dtype=np.int8)
            none = np.zeros(safe.shape, dtype=np.int32)
            moments, comments = Moments(state, never, never, never, none), ("",)
        return NearestStations(
            index=near.index,
            distance_m=np.where(found, straight, np.inf),
            ride_m=near.metres,
            ride_s=near.seconds,
            added_s=np.full(safe.shape, np.nan),
            state=moments.state,
            closes_at=moments.closes_at,
            sure_until=moments.sure_until,
            opens_at=moments.opens_at,
            comment=moments.comment,
            comments=comments,
            at=at,
        )

    def _reorder(
        self, answer: NearestStations, origins: Positions, wishes: Wishes
    ) -> NearestStations:
        """Order by riding time or added minutes, less what helps in the weather, then by id.

        Of stations that add the same whole minutes, the soonest reached is first: on a straight way
        every station adds nothing.
        """
        found = answer.index >= 0
        safe = np.where(found, answer.index, 0)
        help_s = self._help_s(wishes.weather)[safe]
        # Whole milliseconds, because rounding is no order.
        ride_ms = np.floor(answer.ride_s * 1000 + 0.5)
        keys = [ride_ms - help_s * 1000]
        if wishes.toward is not None:
            target = self.model.bind(check_positions(np.array([wishes.toward])))
            onward = target.nearest(self.lonlat, k=1).seconds[:, 0]
            direct = target.nearest(origins, k=1).seconds
            # No way over a third place is shorter; rounding alone says so.
            added = np.maximum(answer.ride_s + onward[safe] - direct, 0.0)
            answer = replace(answer, added_s=np.where(found, added, np.nan))
            keys = [ride_ms, np.floor((added - help_s) / 60 + 0.5)]
        order = np.lexsort((answer.index, *(np.where(found, key, np.inf) for key in keys)))
        return answer.arranged(order, np.take_along_axis(found, order, axis=1))

    def _help_s(self, weather: Weather) -> npt.NDArray[np.float64]:
        """Return by how much each station counts as nearer, (m,) seconds."""
        helpful = frozenset(member.value for member in HELPS[weather])
        return np.array([HELP_S * len(helpful & given) for given in self._services])

    def _hours_of(self, at: datetime) -> HoursTable:
        day = at.astimezone(self._rules.timezone).date()

        def make() -> HoursTable:
            given = self._stations["opening_hours"]
            texts = [None if pd.isna(text) else str(text) for text in given]
            return HoursTable(texts, self._rules, start=at, places=self.lonlat)

        return self._hours.get(day, make)


def check_positions(positions: Origins) -> Positions:
    """Return places as (n, 2) degrees, longitude first.

    Raises
    ------
    InputError
        One is not on Earth, or what has a geometry names no coordinate system or is no point.
    """
    if isinstance(positions, (gpd.GeoSeries, gpd.GeoDataFrame)):
        positions = _degrees(positions.geometry)
    points = np.asarray(positions, dtype=np.float64).reshape(-1, 2)
    good = np.isfinite(points).all(axis=1)
    good &= (np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90)
    if not good.all():
        lon, lat = points[~good][0]
        raise InputError(
            f"{lon:g}, {lat:g} is not a longitude and a latitude in degrees "
            "(longitude first, -180 to 180; latitude -90 to 90)."
        )
    return points


def _degrees(places: gpd.GeoSeries) -> Positions:
    if places.crs is None:
        raise InputError(
            "The places name no coordinate system; say which with .set_crs(), such as EPSG:4326."
        )
    if not (places.geom_type == "Point").all():
        raise InputError("The places must all be points; of areas take .representative_point().")
    lonlat = places.to_crs(CRS)
    return np.column_stack([lonlat.x, lonlat.y])


def _passes(
    answer: NearestStations, at: datetime, rule: OpenRule, min_minutes_left: int
) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = answer.index >= 0
    if rule is OpenRule.ANY:
        return found
    if rule is OpenRule.KNOWN:
        return np.asarray(found & (answer.state != _CLOSED))
    left_s = answer.sure_until - (at.timestamp() + answer.ride_s)
    long_enough = np.isnan(answer.sure_until) | (left_s >= min_minutes_left * 60)
    return np.asarray(found & (answer.state == _OPEN) & long_enough)


def _compact(answer: NearestStations, keep: npt.NDArray[np.bool_], width: int) -> NearestStations:
    """Move what is kept to the front of each row, in order, and cut the rows to a width."""
    order = np.argsort(~keep, axis=1, kind="stable")[:, :width]
    return answer.arranged(order, np.take_along_axis(keep, order, axis=1))
