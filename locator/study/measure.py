"""Measuring one standard after the other: which stations count, coverage, gaps, the manifest."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator import __version__
from locator.coverage import (
    Coverage,
    cover_points,
    cover_zones,
    covered_area_m2,
    find_gaps,
    find_point_gaps,
    hour_of_week,
    split_zones,
    zone_demand,
)
from locator.datum import local_crs
from locator.errors import InputError
from locator.hours import STATES, calendar_doubts, parse_moment
from locator.nearest import StationFilter
from locator.register.rows import RejectedRow
from locator.schema import State, is_illustrative
from locator.service import Service, Snapshot
from locator.travel import BoundModel, StraightLine, TravelModel
from locator.travel.base import Positions

__all__ = ["GapsInputs", "Outcome", "Result", "Standard", "Study", "Summary"]

_POINT_CELL_M = 500.0


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
    """What is measured: hot zones, or demand points instead (the other is None)."""

    snapshot: Snapshot
    hot_zones: gpd.GeoDataFrame | None
    points: gpd.GeoDataFrame | None
    rejected: tuple[RejectedRow, ...] = ()
    header: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Result(TypedDict):
    """One standard's totals; what does not exist is null."""

    standard: str
    limit_s: float
    demand_per_h: float
    covered_demand_per_h: float
    covered_share: float | None
    covered_share_if_unknown_open: float | None
    covered_share_straight_line: float | None  # for comparison, where times are along roads
    area_m2: float | None
    covered_area_m2: float | None
    covered_area_exact_m2: float | None
    gaps: int
    unserved_demand_per_h: float


class Summary(TypedDict):
    """The manifest: what was run, on what, with which settings, and the totals."""

    title: str
    made_at: str
    program: str
    illustrative: bool
    data_hash: str
    data_version: str
    as_of: str | None
    travel: str
    hours: str
    stations_counted: int
    stations_hours_unknown: int
    filter: dict[str, list[str]]
    demand: str
    results: list[Result]
    rejected_points: int
    notes: list[str]
    settings: dict[str, str | float | int]


@dataclass(frozen=True)
class Outcome:
    """One standard, measured."""

    standard: Standard
    result: Result
    gaps: gpd.GeoDataFrame
    coverage: Coverage | None
    points: gpd.GeoDataFrame | None


class Study:
    """What is the same for every standard, worked out once."""

    def __init__(
        self, service: Service, inputs: GapsInputs, chosen: StationFilter, at: str | None
    ) -> None:
        self.inputs, self.chosen = inputs, chosen
        self.settings = service.settings
        self.travel = service.travel
        self.made_at = service.now()
        self.at: datetime | None = None
        self.notes = list(inputs.notes)
        if at is not None:
            self.at = parse_moment(at, service.rules.timezone)
            self.notes += calendar_doubts(service.rules, self.at)
        index = inputs.snapshot.index
        mask = index.mask(chosen)
        self.unknown = np.zeros(len(mask), dtype=bool)
        if self.at is not None:
            states = index.states(self.at)
            self.unknown = mask & (states == STATES.index(State.UNKNOWN))
            mask = mask & (states == STATES.index(State.OPEN))
        self.mask = mask
        if not mask.any():
            self.notes.append("No station counts: the filter, or the hour, leaves none.")
        self.lonlat = index.lonlat
        self.bound: BoundModel = self.travel.bind(index.lonlat)
        frame = inputs.hot_zones if inputs.hot_zones is not None else inputs.points
        if frame is None:
            raise InputError("There is nothing to measure.")
        west, south, east, north = (float(value) for value in frame.total_bounds)
        self.crs = local_crs((west, south, east, north))
        if inputs.hot_zones is not None:
            hour = None if self.at is None else hour_of_week(self.at)
            self.demand_per_h = zone_demand(inputs.hot_zones, hour=hour)
            self.pieces = split_zones(
                inputs.hot_zones,
                inputs.snapshot.districts,
                crs=self.crs,
                demand_per_h=self.demand_per_h,
            )

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

    def _measure_zones(self, standard: Standard) -> Outcome:
        limit_s = self.limit_s(standard)
        coverage = self._cover(limit_s, self.mask)
        gaps = find_gaps(coverage, self.inputs.snapshot.stations, self.bound, mask=self.mask)
        possible = coverage
        if self.unknown.any():
            possible = self._cover(limit_s, self.mask | self.unknown)
        result = Result(
            standard=standard.label,
            limit_s=limit_s,
            demand_per_h=coverage.demand_per_h,
            covered_demand_per_h=coverage.covered_demand_per_h,
            covered_share=coverage.covered_share,
            covered_share_if_unknown_open=possible.covered_share,
            covered_share_straight_line=self._straight_share(limit_s),
            area_m2=coverage.area_m2,
            covered_area_m2=coverage.covered_area_m2,
            covered_area_exact_m2=self._exact_area_m2(limit_s),
            gaps=len(gaps),
            unserved_demand_per_h=coverage.demand_per_h - coverage.covered_demand_per_h,
        )
        return Outcome(standard, result, gaps, coverage, None)

    def _cover(self, limit_s: float, mask: npt.NDArray[np.bool_]) -> Coverage:
        return self._cover_by(self.travel, limit_s, mask)

    def _cover_by(
        self, travel: TravelModel, limit_s: float, mask: npt.NDArray[np.bool_]
    ) -> Coverage:
        areas = travel.bind(self.lonlat[mask]).service_areas(limit_s=limit_s)
        return cover_zones(self.pieces, areas.to_crs(self.crs))

    def _straight_line(self) -> StraightLine | None:
        """Return the estimate that times along roads are compared with."""
        if isinstance(self.travel, StraightLine):
            return None
        return StraightLine(self.settings.ride_speed_kmh, self.settings.detour_factor)

    def _straight_share(self, limit_s: float) -> float | None:
        line = self._straight_line()
        return None if line is None else self._cover_by(line, limit_s, self.mask).covered_share

    def _straight_point_share(
        self, xy: Positions, demand: npt.NDArray[np.float64], limit_s: float
    ) -> float | None:
        line, total = self._straight_line(), float(demand.sum())
        if line is None or not total:
            return None
        covered, _, _ = cover_points(xy, line.bind(self.lonlat), limit_s=limit_s, mask=self.mask)
        return float(demand[covered].sum()) / total

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
        possible = covered
        if self.unknown.any():
            either = self.mask | self.unknown
            possible, _, _ = cover_points(xy, self.bound, limit_s=limit_s, mask=either)
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
        total = float(demand.sum())
        result = Result(
            standard=standard.label,
            limit_s=limit_s,
            demand_per_h=total,
            covered_demand_per_h=float(demand[covered].sum()),
            covered_share=float(demand[covered].sum()) / total if total else None,
            covered_share_if_unknown_open=float(demand[possible].sum()) / total if total else None,
            covered_share_straight_line=self._straight_point_share(xy, demand, limit_s),
            area_m2=None,
            covered_area_m2=None,
            covered_area_exact_m2=None,
            gaps=len(gaps),
            unserved_demand_per_h=float(demand[~covered].sum()),
        )
        return Outcome(standard, result, gaps, None, measured)

    def summarise(self, outcomes: list[Outcome]) -> Summary:
        """Return the manifest of the run."""
        inputs, snapshot = self.inputs, self.inputs.snapshot
        zones = inputs.hot_zones
        used = snapshot.stations[self.mask | self.unknown]
        hours = (
            "opening hours were not considered; demand is the week's mean"
            if self.at is None
            else f"stations open at {self.at:%Y-%m-%d %H:%M} local time; demand of that hour"
        )
        shown = asdict(self.settings)
        shown.pop("basemap_key")
        return Summary(
            title="Gaps in rider-station coverage",
            made_at=self.made_at.isoformat(timespec="seconds"),
            program=f"locator {__version__}",
            illustrative=is_illustrative(used) or (zones is not None and is_illustrative(zones)),
            data_hash=_hash(snapshot.stations, zones if zones is not None else inputs.points),
            data_version=snapshot.version,
            as_of=snapshot.as_of.isoformat() if snapshot.as_of else None,
            travel=self.travel.describe(),
            hours=hours,
            stations_counted=int(self.mask.sum()),
            stations_hours_unknown=int(self.unknown.sum()),
            filter={
                "kind": sorted(kind.value for kind in self.chosen.kinds),
                "service": sorted(service.value for service in self.chosen.services),
            },
            demand="hot zones, spread evenly over each polygon" if zones is not None else "points",
            results=[outcome.result for outcome in outcomes],
            rejected_points=len(inputs.rejected),
            notes=self.notes,
            settings=shown,
        )


def _hash(*frames: gpd.GeoDataFrame | None) -> str:
    """Return a digest of what the figures rest on: attributes and geometry, not when stored."""
    digest = hashlib.sha256()
    for frame in frames:
        if frame is None:
            continue
        table = pd.DataFrame(frame.drop(columns=["geometry", "updated_at"], errors="ignore"))
        digest.update(table.to_csv(index=False).encode())
        for wkb in frame.geometry.to_wkb():
            digest.update(wkb)
    return digest.hexdigest()[:16]
