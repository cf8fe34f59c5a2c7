"""What the planner page answers from: demand points, times to stations, opening hours."""

from dataclasses import dataclass, field
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from locator.cache import Cache
from locator.coverage import DemandPoints, OpenWeek, open_week
from locator.coverage import points as sampling
from locator.datum import Positions
from locator.errors import InputError
from locator.hours import HoursRules, sun_place
from locator.schema import CRS
from locator.service import Service, Snapshot
from locator.study import GapsInputs, Question, Standard
from locator.study.basis import make_basis
from locator.study.measure import Study
from locator.travel import BoundModel, TravelModel
from locator.travel.base import Origins

HORIZON_S = 86_400.0  # a day: whatever is farther is out of reach for a rider
MAX_PAIRS = 40_000_000  # times that are kept: 160 MB
_LEAST_POINTS = 5_000  # fewer would not do: a share would be off by more than half a point
_EDGES = 1.5  # squares that zones' edges cut make so many more of them, at the most
SQUARE_M = 100.0  # the page draws what is missing in squares of this side
_MAX_ZONES = 2_000
_KEPT_COLUMNS = 200
_KEPT_TEXTS = 500
Times = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass
class _Remembered:
    """What questions so far have worked out; one question at a time may use it."""

    columns: Cache[Times] = field(default_factory=lambda: Cache(_KEPT_COLUMNS))
    hours: Cache[tuple[Mask, Mask]] = field(default_factory=lambda: Cache(_KEPT_TEXTS))
    bound: BoundModel | None = None


@dataclass(frozen=True)
class PlannerInputs:
    """Everything that does not change from question to question.

    Not for two threads at once: it keeps the times to places that were asked about before.

    Attributes
    ----------
    snapshot
        The store's stations and zones.
    points
        The demand, n points: hot zones in squares, as a study samples them.
    origins
        The same, as the travel model knows them.
    seconds
        (m, n) riding time from each point to each station, float32: to the millisecond up to two
        hours; ``inf`` is out of reach.
    monday
        The week whose opening hours, holidays included, count.
    square
        (n,) the square each point lies in; points of several zones may share one.
    squares
        (q, 2) the squares' middles, longitude and latitude in degrees, WGS-84.
    """

    snapshot: Snapshot
    travel: TravelModel
    rules: HoursRules
    min_minutes_left: int
    points: DemandPoints
    origins: Origins = field(repr=False)
    seconds: Times
    monday: date
    square: Rows
    squares: Positions
    _kept: _Remembered = field(default_factory=_Remembered, repr=False, compare=False)

    def seconds_to(self, stations: gpd.GeoDataFrame) -> Times:
        """Return (k, n) riding times to stations; only places that are new are worked out."""
        known = {place: row for row, place in enumerate(_places(self.snapshot.stations))}
        rows = np.empty((len(stations), len(self.points)), dtype=np.float32)
        for number, place in enumerate(_places(stations)):
            row = known.get(place)
            rows[number] = self.seconds[row] if row is not None else self._column(place)
        return rows

    def _column(self, place: tuple[float, float]) -> Times:
        def measure() -> Times:
            # Held on to: a road model takes over from the last set of stations that is alive.
            self._kept.bound = self.travel.bind(np.array([place]))
            row: Times = _dense(self._kept.bound.times(self.origins, limit_s=HORIZON_S))[0]
            return row

        return self._kept.columns.get(place, measure)

    def open_week(self, stations: gpd.GeoDataFrame) -> OpenWeek:
        """Return when stations can be used in the week."""
        places = zip(hours_texts(stations), _places(stations), strict=True)
        keys = [(text, sun_place(text, place)) for text, place in places]
        found = {key: self._kept.hours.find(key) for key in keys}
        new = [key for key, pair in found.items() if pair is None]
        if new:
            week = open_week(
                [text for text, _ in new],
                self.rules,
                day=self.monday,
                min_minutes_left=self.min_minutes_left,
                places=[place or (0.0, 0.0) for _, place in new],
            )
            for key, pair in zip(new, zip(week.open, week.possible, strict=True), strict=True):
                found[key] = self._kept.hours.keep(key, pair)
        pairs = [pair for pair in map(found.get, keys) if pair is not None]
        if not pairs:
            nothing = np.zeros((0, 672), dtype=bool)
            return OpenWeek(self.monday, nothing, nothing)
        opened, possible = (np.stack([pair[side] for pair in pairs]) for side in (0, 1))
        return OpenWeek(self.monday, opened, possible)


def check_size(snapshot: Snapshot) -> None:
    """Refuse what would keep a server busy for long; the command line has no such limit.

    Raises
    ------
    InputError
        There are no hot zones, too many zones, or too many stations.
    """
    zones, stations = snapshot.hot_zones, len(snapshot.stations)
    if zones.empty:
        raise InputError("There are no hot zones; bring them in with locator hotzones import FILE.")
    if len(zones) > _MAX_ZONES or _sample(stations) < _LEAST_POINTS:
        raise InputError(
            f"{len(zones):,} hot zones and {stations:,} stations are too much for a page; use the "
            "command line: locator gaps --minutes 5 --hourly --scenario FILE.yaml --out gaps"
        )


def _sample(stations: int) -> float:
    """Return how many demand points a page can hold times of: as many as a study, or fewer."""
    return min(sampling.ENOUGH_POINTS, MAX_PAIRS / (_EDGES * max(stations, 1)))


def make_inputs(service: Service, snapshot: Snapshot, monday: date) -> PlannerInputs:
    """Sample the demand and ask the travel model for every time.

    Raises
    ------
    InputError
        There is too much (:func:`check_size`), or a zone is wrong.
    """
    check_size(snapshot)
    standards = (Standard(HORIZON_S / 60, "min"),)
    measured = GapsInputs(snapshot, snapshot.hot_zones, None)
    sample = _sample(len(snapshot.stations))
    study = Study(service, measured, Question(standards), sample=sample)
    basis = make_basis(service, study, standards, week_of=None)
    lonlat = gpd.GeoSeries(gpd.points_from_xy(*basis.points.lonlat.T), crs=CRS).to_crs(study.crs)
    cells = np.floor(np.column_stack([lonlat.x, lonlat.y]) / SQUARE_M).astype(np.int64)
    distinct, square = np.unique(cells, axis=0, return_inverse=True)
    middles = gpd.GeoSeries(
        gpd.points_from_xy(*((distinct + 0.5) * SQUARE_M).T), crs=study.crs
    ).to_crs(CRS)
    return PlannerInputs(
        snapshot=snapshot,
        travel=service.travel,
        rules=service.rules,
        min_minutes_left=service.settings.min_minutes_left,
        points=basis.points,
        origins=study.origins,
        seconds=_dense(basis.times),
        monday=monday,
        square=square.ravel().astype(np.int64),
        squares=np.column_stack([middles.x, middles.y]),
    )


def _dense(times: csr_array) -> Times:
    """Return (k, n) times; what is absent is out of reach, for no time is under 1 ms."""
    seconds: Times = times.T.astype(np.float32).toarray()
    seconds[seconds <= 0] = np.inf
    return seconds


def _places(stations: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    xy = shapely.get_coordinates(stations.geometry.to_numpy())
    return [(float(x), float(y)) for x, y in xy]


def hours_texts(stations: gpd.GeoDataFrame) -> list[str | None]:
    """Return each station's opening hours; None is unknown."""
    return [None if pd.isna(text) else str(text) for text in stations["opening_hours"]]
