"""The ground that questions are asked on: demand points, times to stations, opening hours."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.coverage import DemandPoints, OpenWeek, open_week
from locator.errors import InputError
from locator.hours import HoursRules
from locator.schema import CRS
from locator.service import Service, Snapshot
from locator.study import GapsInputs, Question, Standard
from locator.study.basis import CELL_M, make_basis
from locator.study.measure import Study
from locator.travel import BoundModel, TravelModel
from locator.travel.base import Positions

__all__ = [
    "HORIZON_S",
    "MAX_PAIRS",
    "MAX_POINTS",
    "Ground",
    "check_size",
    "hours_texts",
    "make_ground",
]

HORIZON_S = 86_400.0  # a day: whatever is farther is out of reach for a rider
MAX_POINTS = 20_000
MAX_PAIRS = 3_000_000  # times that are kept: 24 MB
_MAX_ZONES = 2_000
_DEGREE_M = 111_320.0  # of latitude, on average; good enough to say what is too much
_KEPT_COLUMNS = 200
_KEPT_TEXTS = 500
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass
class _Kept:
    """What questions so far have worked out; one question at a time may use it."""

    columns: "OrderedDict[tuple[float, float], Floats]" = field(default_factory=OrderedDict)
    hours: "OrderedDict[str | None, tuple[Mask, Mask]]" = field(default_factory=OrderedDict)
    bound: BoundModel | None = None


@dataclass(frozen=True)
class Ground:
    """Everything that does not change from question to question.

    Not for two threads at once: it keeps the times to places that were asked about before.

    Attributes
    ----------
    snapshot
        The store's stations and zones.
    points
        The demand, n points: hot zones in squares, as a study samples them.
    seconds
        (m, n) riding time from each point to each station; ``inf`` is out of reach.
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
    seconds: Floats
    monday: date
    square: Rows
    squares: Positions
    _kept: _Kept = field(default_factory=_Kept, repr=False, compare=False)

    def seconds_to(self, stations: gpd.GeoDataFrame) -> Floats:
        """Return (k, n) riding times to stations; only places that are new are worked out."""
        known = {place: row for row, place in enumerate(_places(self.snapshot.stations))}
        rows = np.empty((len(stations), len(self.points)))
        for number, place in enumerate(_places(stations)):
            row = known.get(place)
            rows[number] = self.seconds[row] if row is not None else self._column(place)
        return rows

    def _column(self, place: tuple[float, float]) -> Floats:
        kept = self._kept.columns
        if place not in kept:
            # Held on to: a road model takes over from the last set of stations that is alive.
            self._kept.bound = self.travel.bind(np.array([place]))
            kept[place] = _dense(self._kept.bound, self.points.lonlat)[0]
            while len(kept) > _KEPT_COLUMNS:
                kept.popitem(last=False)
        kept.move_to_end(place)
        return kept[place]

    def open_week(self, texts: Sequence[str | None]) -> OpenWeek:
        """Return when stations with these opening hours can be used in the week."""
        kept = self._kept.hours
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        if new:
            week = open_week(
                new, self.rules, day=self.monday, min_minutes_left=self.min_minutes_left
            )
            kept.update(zip(new, zip(week.open, week.possible, strict=True), strict=True))
        pairs = [kept[text] for text in texts]
        while len(kept) > _KEPT_TEXTS:
            kept.popitem(last=False)
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
        There are no hot zones, too many zones, too large ones, or too many stations for them.
    """
    zones, stations = snapshot.hot_zones, len(snapshot.stations)
    if zones.empty:
        raise InputError("There are no hot zones; bring them in with locator hotzones import FILE.")
    points = _expected_points(zones)
    if len(zones) > _MAX_ZONES or points > MAX_POINTS or points * stations > MAX_PAIRS:
        raise InputError(
            f"{len(zones):,} hot zones (about {points:,.0f} squares of {CELL_M:.0f} m) and "
            f"{stations:,} stations are too much for a page; use the command line: "
            "locator gaps --minutes 5 --hourly --scenario FILE.yaml --out gaps"
        )


def make_ground(service: Service, snapshot: Snapshot, monday: date) -> Ground:
    """Sample the demand and ask the travel model for every time.

    Raises
    ------
    InputError
        There is too much (:func:`check_size`), or a zone is wrong.
    """
    check_size(snapshot)
    standards = (Standard(HORIZON_S / 60, "min"),)
    study = Study(service, GapsInputs(snapshot, snapshot.hot_zones, None), Question(standards))
    basis = make_basis(service, study, standards, week_of=None)
    lonlat = gpd.GeoSeries(gpd.points_from_xy(*basis.points.lonlat.T), crs=CRS).to_crs(study.crs)
    cell_m = basis.points.cell_m
    cells = np.floor(np.column_stack([lonlat.x, lonlat.y]) / cell_m).astype(np.int64)
    distinct, square = np.unique(cells, axis=0, return_inverse=True)
    middles = gpd.GeoSeries(
        gpd.points_from_xy(*((distinct + 0.5) * cell_m).T), crs=study.crs
    ).to_crs(CRS)
    seconds = basis.times.T.toarray()
    return Ground(
        snapshot=snapshot,
        travel=service.travel,
        rules=service.rules,
        min_minutes_left=service.settings.min_minutes_left,
        points=basis.points,
        seconds=np.where(seconds > 0, seconds, np.inf),
        monday=monday,
        square=square.ravel().astype(np.int64),
        squares=np.column_stack([middles.x, middles.y]),
    )


def _dense(bound: BoundModel, points: Positions) -> Floats:
    """Return (k, n) times; what is absent is out of reach, for no time is under 1 ms."""
    seconds = bound.times(points, limit_s=HORIZON_S).T.toarray()
    dense: Floats = np.where(seconds > 0, seconds, np.inf)
    return dense


def _places(stations: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    xy = shapely.get_coordinates(stations.geometry.to_numpy())
    return [(float(x), float(y)) for x, y in xy]


def hours_texts(stations: gpd.GeoDataFrame) -> list[str | None]:
    """Return each station's opening hours; None is unknown."""
    return [None if pd.isna(text) else str(text) for text in stations["opening_hours"]]


def _expected_points(zones: gpd.GeoDataFrame) -> float:
    """Return about how many points squares make of zones: their areas, and their edges."""
    shapes = zones.geometry.to_numpy()
    lat = np.radians(shapely.get_y(shapely.centroid(shapes)))
    squares = shapely.area(shapes) * np.cos(lat) * (_DEGREE_M / CELL_M) ** 2
    edges = shapely.length(shapes) * _DEGREE_M / CELL_M
    return float(np.nansum(squares + edges / 2 + 1))
