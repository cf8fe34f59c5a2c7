"""Measuring one standard after the other: which stations count, coverage, gaps, the manifest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.coverage import (
    Coverage,
    DemandPoints,
    Scenario,
    choose_cells_m,
    cover_points,
    cover_zones,
    covered_area_m2,
    find_gaps,
    find_point_gaps,
    hour_of_week,
    hourly_factors,
    sample_zones,
    split_zones,
    take_points,
    zone_demand,
)
from locator.coverage.quality import nearest_seconds
from locator.coverage.share import share_of_demand
from locator.datum import Positions, local_crs
from locator.errors import DatumError, InputError
from locator.hours import STATES, HoursRules, calendar_warnings, read_spans
from locator.nearest import StationFilter
from locator.register.rows import RejectedRow
from locator.report.folder import Result
from locator.schema import CRS, State
from locator.service import Service, Snapshot
from locator.travel import BoundModel, StraightLine
from locator.travel.base import Origins

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_POINT_CELL_M = 500.0
_STRETCH = 1.05  # no local projection makes lengths longer by more


def read_snapshot(service: Service, as_of: datetime | None) -> Snapshot:
    """Return what the store holds, or held at a moment.

    Raises
    ------
    InputError
        The history does not reach back to it.
    """
    return service.snapshot() if as_of is None else service.snapshot_as_of(as_of)


@dataclass(frozen=True)
class Standard:
    """A coverage standard: a riding time, or a distance as the crow flies."""

    amount: float
    unit: str  # "min" or "m"

    @property
    def label(self) -> str:
        """Return it in words, such as ``5 min``."""
        return f"{self.amount:g} {self.unit}"

    @property
    def slug(self) -> str:
        """Return it as part of a layer's name, such as ``5min``."""
        return f"{self.amount:g}{self.unit}".replace(".", "_")


@dataclass(frozen=True)
class GapsInputs:
    """What is measured: hot zones, or demand points instead (the other is None).

    ``warnings`` are doubts that a reader must see first; ``weighted`` tells whether the points'
    file gave weights, without which each counts 1.
    """

    snapshot: Snapshot
    hot_zones: gpd.GeoDataFrame | None
    points: gpd.GeoDataFrame | None
    rejected: tuple[RejectedRow, ...] = ()
    header: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weighted: bool = True


@dataclass(frozen=True)
class Question:
    """What is asked of the inputs.

    Attributes
    ----------
    standards
        Coverage standards; the first is drawn and looked into.
    chosen
        The stations that count, whatever their hours.
    at
        A moment with a time zone: the demand of that hour, and only stations that are open then.
        None leaves opening hours out and takes the week's mean demand; the summary says so.
    week_of
        A day of the week that is gone through hour by hour; None leaves the week out.
    scenario
        The register as it might be; then the summary holds the results before it, too.
    progress
        Called with the share that is done, 0 to 1.
    """

    standards: tuple[Standard, ...]
    chosen: StationFilter = field(default_factory=StationFilter)
    at: datetime | None = None
    week_of: date | None = None
    scenario: Scenario | None = None
    progress: Callable[[float], None] = lambda _: None


@dataclass(frozen=True)
class Outcome:
    """One standard, measured."""

    standard: Standard
    result: Result
    gaps: gpd.GeoDataFrame
    coverage: Coverage | None
    points: gpd.GeoDataFrame | None


class Study:
    """What is the same for every standard, worked out once.

    Attributes
    ----------
    whatever_hours, mask
        (m,) the stations that count, whatever their hours; of these the ones open at the hour.
    unknown
        (m,) stations that would count if they are open, which nobody knows.
    perhaps, unrecorded
        (m,) stations that would count if they offer what is asked, which nobody recorded; of these
        the ones not known to be closed at the hour.
    """

    def __init__(
        self,
        service: Service,
        inputs: GapsInputs,
        question: Question,
        *,
        sample: float | None = None,
    ) -> None:
        self._sample = sample  # about how many points zones become; None is enough for any share
        self.inputs, self.question, self.chosen = inputs, question, question.chosen
        self.settings = service.settings
        self.travel = service.travel
        self.made_at = service.now()
        self.at = question.at
        self.notes, self.warnings = list(inputs.notes), list(inputs.warnings)
        if self.at is not None:
            self.notes += calendar_warnings(service.rules, self.at)
        if question.week_of is not None:
            self.notes += _unusual_days(service.rules, question.week_of, self.notes)
        index = inputs.snapshot.index
        self.whatever_hours = index.mask(question.chosen)
        self.perhaps = index.possible(question.chosen)
        self.unrecorded = self.perhaps
        self.unknown = np.zeros(len(self.whatever_hours), dtype=bool)
        self.open_then = np.ones(len(self.whatever_hours), dtype=bool)
        if self.at is not None:
            states = index.states(self.at)
            self.unknown = self.whatever_hours & (states == STATES.index(State.UNKNOWN))
            self.unrecorded = self.perhaps & (states != STATES.index(State.CLOSED))
            self.open_then = states == STATES.index(State.OPEN)
        self.mask = mask = self.whatever_hours & self.open_then
        if not mask.any():
            self.notes.append("No station counts: the filter, or the hour, leaves none.")
        self.lonlat = index.lonlat
        self.bound: BoundModel = self.travel.bind(index.lonlat)
        self._seconds: dict[bytes, Floats] = {}
        frame = inputs.hot_zones if inputs.hot_zones is not None else inputs.points
        if frame is None:
            raise InputError("There is nothing to measure.")
        west, south, east, north = (float(value) for value in frame.total_bounds)
        try:
            self.crs = local_crs((west, south, east, north))
        except DatumError as error:
            raise InputError(" ".join([*self.warnings, str(error)])) from error
        if inputs.hot_zones is not None:
            self.demand_per_h = zone_demand(inputs.hot_zones, hour=self.hour)
            self.pieces = split_zones(
                inputs.hot_zones,
                inputs.snapshot.districts,
                crs=self.crs,
                demand_per_h=self.demand_per_h,
            )

    def _considered(self, share: float | None) -> float | None:
        """Return a share that hangs on opening hours; None where they are not considered."""
        return None if self.at is None else share

    @property
    def asks_what_may_be_unknown(self) -> bool:
        """Tell whether stations are chosen by services or hosts, which may not be recorded."""
        return bool(self.chosen.services or self.chosen.hosts)

    def limit_s(self, standard: Standard) -> float:
        """Return a standard as riding time in seconds."""
        if standard.unit == "min":
            return standard.amount * 60
        return self.travel.limit_s(standard.amount)

    def reach(self, standard: Standard) -> shapely.MultiPolygon:
        """Return from where a station that counts is reached within a standard, EPSG:4326."""
        return self.bound.reach(limit_s=self.limit_s(standard), mask=self.mask)

    def measure(self, standard: Standard) -> Outcome:
        """Measure one standard, against hot zones or points."""
        if self.inputs.points is not None:
            return self._measure_points(standard, self.inputs.points)
        return self._measure_zones(standard)

    @cached_property
    def points(self) -> DemandPoints:
        """The demand as points: those given, or zones in squares; every count rests on these."""
        zones = self.inputs.hot_zones
        if zones is None:
            assert self.inputs.points is not None  # noqa: S101 - one of the two is there
            return take_points(self.inputs.points)
        factors = dict(zip(zones["id"], hourly_factors(zones), strict=True))
        # The pieces hold the demand of the studied hour; here the week's mean is spread again.
        mean = dict(zip(zones["id"], zone_demand(zones), strict=True))
        area = self.pieces["area_m2"].to_numpy(dtype=np.float64)
        whole = self.pieces.groupby("zone_id")["area_m2"].transform("sum").to_numpy(np.float64)
        demand = self.pieces["zone_id"].map(mean).to_numpy(dtype=np.float64) * area / whole
        cells_m = choose_cells_m(area, demand, count=self._sample)
        return sample_zones(self.pieces.assign(demand_per_h=demand), factors, cell_m=cells_m)

    @cached_property
    def origins(self) -> Origins:
        """The demand points as the travel model knows them, for the many questions about them."""
        return self.travel.snap(self.points.lonlat)

    @cached_property
    def hour(self) -> int | None:
        """The hour of the week that is studied; None is the week's mean."""
        return None if self.at is None else hour_of_week(self.at)

    def seconds(self, mask: Mask) -> Floats:
        """Return (n,) seconds from each demand point to the nearest station of some."""
        key = np.packbits(mask).tobytes()
        if key not in self._seconds:
            self._seconds[key] = nearest_seconds(self.bound, self.origins, mask)
        return self._seconds[key]

    def covered_share(self, mask: Mask, limit_s: float) -> float | None:
        """Return the share of demand from which some stations are reached within a limit.

        This is the one count behind every figure of cover: by the exact areas of circles where
        the model is the straight line, else by the demand points' own times.
        """
        if self.inputs.points is None and isinstance(self.travel, StraightLine):
            return self._cover_by(self.travel, limit_s, mask).covered_share
        return share_of_demand(self.points.at(self.hour), self.seconds(mask) <= limit_s)

    def _measure_zones(self, standard: Standard) -> Outcome:
        limit_s = self.limit_s(standard)
        uncovered: DemandPoints | None = None
        if isinstance(self.travel, StraightLine):
            coverage = self._cover_by(self.travel, limit_s, self.mask)
        else:
            covered = self.seconds(self.mask) <= limit_s
            reach = gpd.GeoSeries([self.reach(standard)], crs=CRS).to_crs(self.crs)
            coverage = cover_zones(self.pieces, reach, points=self.points, covered=covered)
            uncovered = self.points.take(~covered, self.hour)
        stations = self.inputs.snapshot.stations
        gaps = find_gaps(coverage, stations, self.bound, mask=self.mask, uncovered=uncovered)
        result = Result(
            standard=standard.label,
            limit_s=limit_s,
            demand_per_h=coverage.demand_per_h,
            covered_demand_per_h=coverage.covered_demand_per_h,
            covered_share=coverage.covered_share,
            covered_share_if_unknown_open=self._share_if_open(limit_s, coverage.covered_share),
            covered_share_if_unknown_offered=self._share_if_offered(
                limit_s, coverage.covered_share
            ),
            covered_share_straight_line=self._straight_share(limit_s),
            area_m2=coverage.area_m2,
            covered_area_m2=coverage.covered_area_m2,
            covered_area_exact_m2=self._exact_area_m2(limit_s),
            gaps=len(gaps),
            unserved_demand_per_h=coverage.demand_per_h - coverage.covered_demand_per_h,
        )
        return Outcome(standard, result, gaps, coverage, None)

    def _share_if_open(self, limit_s: float, share: float | None) -> float | None:
        """Return the share with unknown hours as open; None where hours are not considered."""
        if self.at is None or not self.unknown.any():
            return self._considered(share)
        return self.covered_share(self.mask | self.unknown, limit_s)

    def _share_if_offered(self, limit_s: float, share: float | None) -> float | None:
        """Return the most the share can be: all that is unknown, of services and hours, granted.

        None where neither services nor hosts are asked for.
        """
        if not self.asks_what_may_be_unknown:
            return None
        granted = self.unknown | self.unrecorded
        return self.covered_share(self.mask | granted, limit_s) if granted.any() else share

    def _cover_by(self, travel: StraightLine, limit_s: float, mask: Mask) -> Coverage:
        stations = self._near_zones(self.lonlat[mask], limit_s / travel.seconds_per_m)
        areas = travel.bind(stations).service_areas(limit_s=limit_s)
        return cover_zones(self.pieces, areas.to_crs(self.crs))

    def _near_zones(self, stations: Positions, radius_m: float) -> Positions:
        """Return the stations whose circles may meet a zone: drawing the others takes longest."""
        points = gpd.GeoSeries(shapely.points(stations), crs=CRS).to_crs(self.crs).to_numpy()
        tree = shapely.STRtree(self.pieces.geometry.to_numpy())
        near, _ = tree.query(points, predicate="dwithin", distance=radius_m * _STRETCH)
        kept: Positions = stations[np.unique(near)]
        return kept

    def straight_line(self) -> StraightLine | None:
        """Return the estimate that times along roads are compared with."""
        if isinstance(self.travel, StraightLine):
            return None
        return StraightLine(self.settings.ride_speed_kmh, self.settings.detour_factor)

    def _straight_share(self, limit_s: float) -> float | None:
        """Return the share as the crow flies, to be compared with; None where that is the model."""
        line = self.straight_line()
        if line is None:
            return None
        seconds = nearest_seconds(line.bind(self.lonlat), self.origins, self.mask)
        return share_of_demand(self.points.at(self.hour), seconds <= limit_s)

    def _exact_area_m2(self, limit_s: float) -> float | None:
        """Return the covered area with true circles, which only the straight line has."""
        if not isinstance(self.travel, StraightLine) or self.inputs.hot_zones is None:
            return None
        points = self.inputs.snapshot.stations.geometry[self.mask].to_crs(self.crs)
        centres = np.column_stack([points.x, points.y])
        radius_m = limit_s / self.travel.seconds_per_m
        zones = self.inputs.hot_zones.geometry.to_crs(self.crs)
        return float(sum(covered_area_m2(zone, centres, radius_m) for zone in zones))

    def _measure_points(self, standard: Standard, points: gpd.GeoDataFrame) -> Outcome:
        limit_s = self.limit_s(standard)
        xy = np.column_stack([points.geometry.x, points.geometry.y])
        demand = points["demand_per_h"].to_numpy(dtype=np.float64)
        covered, row, seconds = cover_points(xy, self.bound, limit_s=limit_s, mask=self.mask)
        stations = self.inputs.snapshot.stations
        ids = [*stations["id"], None]
        measured = points.assign(
            covered=covered,
            nearest_station_id=pd.Series([ids[i] for i in row], dtype=object),
            nearest_ride_s=np.where(np.isfinite(seconds), seconds, np.nan),
        )
        gaps = find_point_gaps(
            measured[~covered],
            stations,
            self.bound,
            mask=self.mask,
            crs=self.crs,
            cell_m=_POINT_CELL_M,
        )
        share = share_of_demand(demand, covered)
        result = Result(
            standard=standard.label,
            limit_s=limit_s,
            demand_per_h=float(demand.sum()),
            covered_demand_per_h=float(demand[covered].sum()),
            covered_share=share,
            covered_share_if_unknown_open=self._share_if_open(limit_s, share),
            covered_share_if_unknown_offered=self._share_if_offered(limit_s, share),
            covered_share_straight_line=self._straight_share(limit_s),
            area_m2=None,
            covered_area_m2=None,
            covered_area_exact_m2=None,
            gaps=len(gaps),
            unserved_demand_per_h=float(demand[~covered].sum()),
        )
        return Outcome(standard, result, gaps, None, measured)


def _why_unusual(rules: HoursRules, day: date) -> str:
    """Say why a day does not run like its weekday; nothing where it does.

    The calendar has the days around a public holiday; the holiday itself, which is the first day,
    is known by its date, and is named as the days that run like it.
    """
    if row := rules.calendar.get(day):
        return row.reason or row.kind
    midnight = datetime.combine(day, time(), rules.timezone)
    holiday = read_spans("PH 00:00-24:00", rules, start=midnight, days=1)
    if holiday[0].state is not State.OPEN:
        return ""
    around = [row for row in rules.calendar.values() if row.kind == "holiday" and row.like == day]
    nearest = min(around, key=lambda row: abs(row.day - day), default=None)
    return (nearest.reason if nearest else "") or "public holiday"


def _unusual_days(rules: HoursRules, day: date, said: Sequence[str]) -> list[str]:
    """Say which days of a week do not run like their weekday, and where nobody knows."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=number) for number in range(7)]
    sunday = datetime.combine(days[-1], time(), rules.timezone)
    notes = [note for note in calendar_warnings(rules, sunday) if note not in said]
    if unusual := {day: why for day in days if (why := _why_unusual(rules, day))}:
        named = ", ".join(f"{day} ({why})" for day, why in unusual.items())
        notes.append(f"The week studied has days that are not what the week says: {named}.")
    return notes
