"""Store, travel model and index put together once, for the web, the command line and notebooks.

No rule lives here: what is composed is decided in the packages below.
"""

import csv
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.cache import Cache
from locator.errors import InputError, RoadsError, StoreError
from locator.hours import CalendarDay, HoursRules, parse_calendar, with_expected
from locator.lent import LentFrame
from locator.nearest import StationFilter, StationIndex
from locator.network import choose_travel, missing_roads, roads_stamp
from locator.notebook import facts_table
from locator.paths import geodata_dir
from locator.places import Place, named_places
from locator.published import PublishedGaps, read_published
from locator.schema import Status, drop_unusable, is_illustrative
from locator.settings import Settings
from locator.store import Store, open_store
from locator.store.history import read_as_of, read_stations_as_of
from locator.travel import StraightLine, TravelModel
from locator.travel.base import Routed

_KEPT_AREAS = 32


def utc_now() -> datetime:
    """Return the time: the clock of whoever brings no other."""
    return datetime.now(UTC)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything the store held at one version, read-only: the frames it hands out are copies.

    Where ``as_of`` is not None, stations and hot zones are those of that moment. ``changed_at`` is
    when the store had changed last, in UTC; ``published`` is the study that a steward has shown.
    """

    version: str
    index: StationIndex
    stations: LentFrame = LentFrame()  # noqa: RUF009 - a descriptor, not a default
    hot_zones: LentFrame = LentFrame()  # noqa: RUF009
    districts: LentFrame = LentFrame()  # noqa: RUF009
    places: LentFrame = LentFrame()  # noqa: RUF009
    changed_at: datetime | None = None
    published: PublishedGaps | None = None
    as_of: datetime | None = None

    @cached_property
    def district_rows(self) -> npt.NDArray[np.int64]:
        """The row of the district that each station lies in, -1 where it lies in none."""
        rows = np.full(len(self.stations), -1)
        # A tree of the points, asked with polygons: 20,000 against 12 the other way took 0.6 s.
        tree = shapely.STRtree(self.stations.geometry.to_numpy())
        district, at = tree.query(self.districts.geometry.to_numpy(), predicate="intersects")
        rows[at] = district
        rows.flags.writeable = False
        return rows

    @cached_property
    def named_places(self) -> tuple[Place, ...]:
        """The places that can be named instead of a position, worked out once."""
        in_service = self.stations["status"] != Status.CLOSED.value
        return tuple(
            named_places(
                districts=self.districts,
                hot_zones=self.hot_zones,
                places=self.places,
                stations=self.stations[in_service],
            )
        )

    def _repr_html_(self) -> str:
        """Say what is in it, for a notebook."""
        layers, moment = (self.stations, self.hot_zones), self.as_of or self.changed_at
        return facts_table(
            "登记册 register",
            {
                "站点 stations": len(self.stations),
                "热区 hot zones": len(self.hot_zones),
                "区县 districts": len(self.districts),
                "地名 places": len(self.places),
                "示例数据 illustrative": any(is_illustrative(frame) for frame in layers),
                "版本 version": self.version,
                "截至 as of": f"{moment:%Y-%m-%d %H:%M %Z}" if moment else None,
            },
        )


class Service:
    """A store, opened, with what is needed to answer from it; close it after use."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], datetime],
        *,
        prepares: bool = False,
    ) -> None:
        self.settings = settings
        self.store = store
        self.rules = read_rules(settings)
        self._roads = roads_stamp(store)
        self.travel: TravelModel = self._choose_travel()
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._reach: Cache[shapely.MultiPolygon] = Cache(_KEPT_AREAS)
        self._prepares = prepares

    def now(self) -> datetime:
        """Return the time in the stations' own time zone."""
        return self._clock().astimezone(self.rules.timezone)

    def snapshot(self) -> Snapshot:
        """Return what the store holds; it is read anew when the store or its roads have changed."""
        version, roads = self.store.version(), roads_stamp(self.store)
        with self._lock:
            if roads != self._roads:
                self._take_roads(roads)
            if self._snapshot is None or self._snapshot.version != version:
                self._snapshot = self._read()
                if self._prepares:
                    # Nobody waits for it: until it is done, each question is searched.
                    work = self._snapshot.index.prepare
                    threading.Thread(target=work, name="prepare", daemon=True).start()
            return self._snapshot

    @property
    def roads_state(self) -> str:
        """``used``, ``none``, or ``missing`` where some were imported and are gone."""
        if self.roads_missing:
            return "missing"
        return "used" if isinstance(self.travel, Routed) else "none"

    def _choose_travel(self) -> TravelModel:
        travel = choose_travel(self.settings, self.store)
        self.roads_missing = isinstance(travel, StraightLine) and bool(travel.missing_roads)
        if self.roads_missing:
            logging.getLogger("locator").warning(
                "%s Times are estimates until then.", missing_roads(self.store)
            )
        return travel

    def _take_roads(self, stamp: str) -> None:
        """Take the roads that count now; what cannot be taken leaves the answers as they were."""
        self._roads = stamp
        try:
            self.travel = self._choose_travel()
        except RoadsError as error:
            logging.getLogger("locator").warning("%s Answers go on as before.", error)
        else:
            self._snapshot = None

    def snapshot_as_of(self, moment: datetime) -> Snapshot:
        """Return the store with its stations and hot zones as they were at a moment.

        Districts and places are those of now: no one changes them to say what happened.

        Raises
        ------
        InputError
            The moment lies in the future, or the history has no station of then.
        """
        local = moment.astimezone(self.rules.timezone)
        then = {
            "stations": read_stations_as_of(self.store, local, now=self.now()),
            "hot_zones": read_as_of(self.store, "hot_zones", moment),
        }
        now = self.snapshot()
        frames = {layer: _usable(frame, layer) for layer, frame in then.items()}
        index = StationIndex(frames["stations"], self.travel, self.rules)
        return replace(now, index=index, as_of=local, **frames)

    def reach(self, snapshot: Snapshot, minutes: int) -> shapely.MultiPolygon:
        """Return from where a station in service is reached in time; kept while the snapshot is.

        Opening hours are not considered. One is worked out at a time: many maps that ask for the
        same area wait for one search.
        """

        def search() -> shapely.MultiPolygon:
            return snapshot.index.reach(minutes * 60.0, snapshot.index.mask(StationFilter()))

        return self._reach.get(minutes, search, version=snapshot)

    def _read(self) -> Snapshot:
        # Asked first: a moment too early makes somebody fetch again, one too late keeps the old.
        changed_at = self.store.last_change()
        version, stored = self.store.read_all("stations", "hot_zones", "districts", "places")
        frames = {layer: _usable(frame, layer) for layer, frame in stored.items()}
        index = StationIndex(frames["stations"], self.travel, self.rules)
        return Snapshot(
            version=version,
            index=index,
            changed_at=changed_at,
            published=self._published(),
            **frames,
        )

    def _published(self) -> PublishedGaps | None:
        """Return the published gaps; what cannot be read is no reason to show no station."""
        try:
            return read_published(self.store)
        except StoreError as error:
            logging.getLogger("locator").warning("%s", error)
            return None

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _usable(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return a layer's rows that can be shown; the log names the others."""
    usable, warnings = drop_unusable(frame, layer)
    for warning in warnings:
        logging.getLogger("locator").warning("%s", warning)
    return usable


def open_service(
    settings: Settings | str | Path = "",
    *,
    clock: Callable[[], datetime] = utc_now,
    prepares: bool = False,
    store: Store | None = None,
) -> Service:
    """Open the store that the settings name.

    Parameters
    ----------
    settings
        All of them; or the store alone, as its address or its path, the rest by default. Empty is
        the user's own store.
    clock
        Where "now" comes from.
    prepares
        Work ahead in a thread of its own whenever the store has changed: for a server, whose
        riders shall not wait for it.
    store
        One that is open already, in place of the one that the settings name; it is closed with
        the service.

    Raises
    ------
    StoreMissingError
        There is none yet.
    SettingsError, InputError
        A setting is wrong.
    """
    if not isinstance(settings, Settings):
        settings = Settings(store=str(settings))
    if store is None:
        store = open_store(settings.store, clock=clock)
    return Service(settings, store, clock, prepares=prepares)


def read_rules(settings: Settings) -> HoursRules:
    """Return what opening hours depend on, the calendar read from its file.

    Raises
    ------
    InputError
        The calendar is missing or cannot be read.
    """
    country = settings.country.lower()
    path = Path(settings.calendar or geodata_dir() / f"calendar_{country}.csv")
    calendar: dict[date, CalendarDay] = {}
    if path.is_file():
        calendar = _read_calendar(path)
    elif settings.calendar:
        raise InputError(f"The calendar {path} does not exist; see LOCATOR_CALENDAR.")
    beyond = geodata_dir() / f"calendar_{country}_expected.csv"
    if beyond.is_file():
        calendar = with_expected(calendar, _read_calendar(beyond))
    return HoursRules(ZoneInfo(settings.timezone), settings.country, calendar)


def _read_calendar(path: Path) -> dict[date, CalendarDay]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            return parse_calendar(reader)
        except UnicodeDecodeError as error:
            raise InputError(f"The calendar {path} is not UTF-8; save it as UTF-8.") from error
        except csv.Error as error:
            where = f"The calendar {path} is not CSV after line {reader.line_num}"
            raise InputError(f"{where}: {error}.") from error
