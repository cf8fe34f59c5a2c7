"""The gap study: standards, stations that count, coverage and gaps, into one folder."""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio

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
from locator.errors import InputError, StudyError
from locator.hours import STATES, calendar_doubts, parse_moment
from locator.maps import MapLayers
from locator.nearest import StationFilter
from locator.register import Mapping, guard_cell, parse_points, read_table, write_rejected
from locator.register.rows import RejectedRow
from locator.schema import Datum, State, check_frame, is_illustrative
from locator.service import Service, Snapshot, read_layer_file
from locator.study.drawing import draw, map_options, settings_language
from locator.travel import BoundModel, StraightLine

__all__ = [
    "GapsInputs",
    "Standard",
    "Summary",
    "gaps_inputs",
    "parse_standards",
    "run_gaps",
    "summary_lines",
]

_POINT_CELL_M = 500.0
_MANIFEST = "summary.json"
_FILES = frozenset(
    {"gaps.gpkg", "gaps.geojson", "summary.csv", "map.html", "map.png", "rejected.csv", _MANIFEST}
)


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


def parse_standards(*, minutes: str | None, metres: str | None) -> tuple[Standard, ...]:
    """Read ``"3,5,10"`` minutes or metres; exactly one of the two must be given.

    Raises
    ------
    InputError
        None or both are given, or a number is not above 0.
    """
    if (minutes is None) == (metres is None):
        raise InputError("Say the coverage standard: either --minutes 5,10 or --metres 1000.")
    unit, text = ("min", minutes) if minutes is not None else ("m", metres)
    standards = []
    for part in (text or "").split(","):
        try:
            amount = float(part)
        except ValueError:
            amount = math.nan
        if not 0 < amount < math.inf:
            raise InputError(f"{part!r} is not a standard; write numbers above 0, such as 5,10.")
        standards.append(Standard(amount, unit))
    return tuple(dict.fromkeys(standards))


def gaps_inputs(
    service: Service,
    *,
    hot_zones: Path | None = None,
    points: Path | None = None,
    datum: Datum = Datum.WGS84,
    mapping: Mapping | None = None,
) -> GapsInputs:
    """Read what is to be measured; without a file, the store's hot zones.

    Raises
    ------
    InputError
        A file cannot be read or does not fit, or there is nothing to measure.
    """
    snapshot = service.snapshot()
    if points is not None and hot_zones is not None:
        raise InputError("Give either --hot-zones or --points, not both.")
    if points is not None:
        columns = frozenset(mapping.columns.values()) if mapping else frozenset()
        read = parse_points(read_table(points, columns=columns), datum=datum, mapping=mapping)
        weight = "the file's weights" if read.weighted else "1 a point, the same at every hour"
        return GapsInputs(
            snapshot,
            None,
            read.points,
            rejected=read.rejected,
            header=read.header,
            notes=(f"Demand: {len(read.points)} points of {points.name}, {weight}.",),
        )
    zones = snapshot.hot_zones
    if hot_zones is not None:
        zones = read_layer_file(hot_zones)
        check_frame(zones, "hot_zones")
    if zones.empty:
        raise InputError("There are no hot zones to measure; name a file with --hot-zones.")
    return GapsInputs(snapshot, zones, None)


def run_gaps(
    service: Service,
    inputs: GapsInputs,
    *,
    standards: tuple[Standard, ...],
    chosen: StationFilter,
    at: str | None = None,
    out: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> Summary:
    """Measure coverage at every standard and write a folder of results, whole or not at all.

    The folder holds ``gaps.gpkg`` (gaps and coverage per standard, stations), ``gaps.geojson``,
    ``summary.csv``, ``summary.json``, ``map.html``, ``map.png``, and ``rejected.csv`` where
    demand points were rejected.

    Parameters
    ----------
    standards
        Coverage standards, the first of which is drawn.
    chosen
        The stations that count, whatever their hours.
    at
        ISO moment: the demand of that hour, and only stations that are open then. None leaves
        opening hours out and takes the week's mean demand; the summary says so.
    out
        The folder; an earlier run's is replaced, any other that is not empty is refused.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        A demand or a moment is wrong.
    StudyError
        The folder cannot be written.
    """
    _check_folder(out)
    study = _Study(service, inputs, chosen, at)
    outcomes = []
    for number, standard in enumerate(standards):
        outcomes.append(study.measure(standard))
        progress(0.6 * (number + 1) / len(standards))
    summary = study.summarise(outcomes)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            draft = Path(folder) / "run"
            draft.mkdir()
            _write_tables(draft, inputs, study, outcomes, summary)
            progress(0.8)
            _write_maps(draft, service, inputs, study, outcomes[0], summary)
            if out.exists():
                out.rename(Path(folder) / "earlier")
            draft.rename(out)
            shutil.rmtree(Path(folder) / "earlier", ignore_errors=True)
    except OSError as error:
        raise StudyError(f"{out} cannot be written: {error.strerror or error}.") from error
    except pyogrio.errors.DataSourceError as error:
        raise StudyError(f"{out} cannot be written: {error}.") from error
    progress(1.0)
    return summary


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise StudyError(f"{out} is a file; name a folder with --out.")
    others = sorted(p.name for p in out.iterdir() if p.name not in _FILES) if out.is_dir() else []
    if others:
        raise StudyError(f"{out} holds other files ({others[0]}); name a new folder with --out.")


@dataclass(frozen=True)
class _Outcome:
    """One standard, measured."""

    standard: Standard
    result: Result
    gaps: gpd.GeoDataFrame
    coverage: Coverage | None
    points: gpd.GeoDataFrame | None


class _Study:
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

    def measure(self, standard: Standard) -> _Outcome:
        """Measure one standard, against hot zones or points."""
        if self.inputs.points is not None:
            return self._measure_points(standard, self.inputs.points)
        return self._measure_zones(standard)

    def _measure_zones(self, standard: Standard) -> _Outcome:
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
            area_m2=coverage.area_m2,
            covered_area_m2=coverage.covered_area_m2,
            covered_area_exact_m2=self._exact_area_m2(limit_s),
            gaps=len(gaps),
            unserved_demand_per_h=coverage.demand_per_h - coverage.covered_demand_per_h,
        )
        return _Outcome(standard, result, gaps, coverage, None)

    def _cover(self, limit_s: float, mask: npt.NDArray[np.bool_]) -> Coverage:
        areas = self.travel.bind(self.lonlat[mask]).service_areas(limit_s=limit_s)
        return cover_zones(self.pieces, areas.to_crs(self.crs))

    def _exact_area_m2(self, limit_s: float) -> float | None:
        """Return the covered area with true circles, which only the straight line has."""
        if not isinstance(self.travel, StraightLine) or self.inputs.hot_zones is None:
            return None
        points = self.inputs.snapshot.stations.geometry[self.mask].to_crs(self.crs)
        centres = np.column_stack([points.x, points.y])
        radius_m = limit_s / self.travel.seconds_per_m
        zones = self.inputs.hot_zones.geometry.to_crs(self.crs)
        return float(sum(covered_area_m2(zone, centres, radius_m) for zone in zones))

    def _measure_points(self, standard: Standard, points: gpd.GeoDataFrame) -> _Outcome:
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
            area_m2=None,
            covered_area_m2=None,
            covered_area_exact_m2=None,
            gaps=len(gaps),
            unserved_demand_per_h=float(demand[~covered].sum()),
        )
        return _Outcome(standard, result, gaps, None, measured)

    def summarise(self, outcomes: list[_Outcome]) -> Summary:
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


def summary_table(outcomes: list[_Outcome]) -> pd.DataFrame:
    """Return one row a standard for the total, each district and each zone (or district)."""
    parts = []
    for outcome in outcomes:
        result = outcome.result
        head = {"standard": outcome.standard.label}
        keys = (
            "demand_per_h",
            "covered_demand_per_h",
            "covered_share",
            "area_m2",
            "covered_area_m2",
            "covered_area_exact_m2",
            "covered_share_if_unknown_open",
        )
        total = head | {"level": "total", "id": "", "name": ""} | {k: result[k] for k in keys}  # type: ignore[literal-required]
        parts.append(pd.DataFrame([total]))
        for level, table in _breakdown(outcome).items():
            parts.append(table.assign(standard=outcome.standard.label, level=level))
    return pd.concat(parts, ignore_index=True)


def _breakdown(outcome: _Outcome) -> dict[str, pd.DataFrame]:
    if outcome.coverage is not None:
        tables = {}
        for level in ("district", "zone"):
            table = outcome.coverage.by(f"{level}_id")
            tables[level] = table.rename(columns={f"{level}_id": "id", f"{level}_name": "name"})
        return tables
    points = pd.DataFrame(outcome.points).drop(columns="geometry")
    points["covered_demand_per_h"] = points["demand_per_h"] * points["covered"]
    grouped = points.groupby("district_name", dropna=False)
    sums = (
        grouped[["demand_per_h", "covered_demand_per_h"]]
        .sum()
        .reset_index()
        .rename(columns={"district_name": "name"})
    )
    sums["covered_share"] = sums["covered_demand_per_h"] / sums["demand_per_h"]
    return {"district": sums}


def _write_tables(
    folder: Path, inputs: GapsInputs, study: _Study, outcomes: list[_Outcome], summary: Summary
) -> None:
    layers = folder / "gaps.gpkg"
    combined = []
    for outcome in outcomes:
        slug = outcome.standard.slug
        _write_layer(outcome.gaps, layers, f"gaps_{slug}", "MultiPolygon")
        combined.append(outcome.gaps.assign(standard=outcome.standard.label))
        if outcome.coverage is not None:
            table = pd.DataFrame(outcome.coverage.pieces.drop(columns="geometry"))
            pieces = gpd.GeoDataFrame(table, geometry=study.pieces.geometry, crs=study.crs)
            _write_layer(pieces.to_crs("EPSG:4326"), layers, f"coverage_{slug}", "MultiPolygon")
        if outcome.points is not None:
            _write_layer(outcome.points, layers, f"points_{slug}", "Point")
    stations = inputs.snapshot.stations
    _write_layer(stations.assign(counted=study.mask), layers, "stations", "Point")
    everything = gpd.GeoDataFrame(pd.concat(combined, ignore_index=True), crs="EPSG:4326")
    pyogrio.write_dataframe(
        everything,
        folder / "gaps.geojson",
        driver="GeoJSON",
        layer="gaps",
        layer_options={"COORDINATE_PRECISION": "7", "RFC7946": "YES"},
    )
    table = summary_table(outcomes).round(6)
    table = table.assign(hours=summary["hours"], illustrative=summary["illustrative"])
    for column in ("id", "name"):  # names are other people's text, and Excel opens this file
        table[column] = [guard_cell(value) for value in table[column]]
    table.to_csv(folder / "summary.csv", index=False, encoding="utf-8-sig")
    text = json.dumps(summary, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / _MANIFEST).write_text(text + "\n", encoding="utf-8")
    if inputs.rejected:
        write_rejected(inputs.rejected, inputs.header, folder / "rejected.csv")


def _write_layer(frame: gpd.GeoDataFrame, path: Path, layer: str, geometry_type: str) -> None:
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer,
        driver="GPKG",
        geometry_type=geometry_type,
        promote_to_multi=geometry_type.startswith("Multi"),
    )


def _write_maps(
    folder: Path,
    service: Service,
    inputs: GapsInputs,
    study: _Study,
    first: _Outcome,
    summary: Summary,
) -> None:
    snapshot = inputs.snapshot
    zones = inputs.hot_zones
    if (
        zones is not None
    ):  # the map shows the demand that was measured, the hour's where there is one
        zones = zones.assign(demand_per_h=study.demand_per_h)
    layers = MapLayers(
        stations=snapshot.stations[study.mask],
        hot_zones=zones,
        districts=snapshot.districts,
        places=snapshot.places,
        gaps=first.gaps,
    )
    zh = settings_language(service.settings) == "zh"
    share = first.result["covered_share"]
    percent = "—" if share is None else f"{share:.1%}"
    title = f"Gaps at {first.standard.label}"
    if zh:
        unit = "分钟" if first.standard.unit == "min" else "米"
        title = f"骑手驿站服务空白（{first.standard.amount:g} {unit}）"
        hours = "未考虑开放时间，需求为一周平均"
        if study.at is not None:
            hours = f"{study.at:%Y-%m-%d %H:%M} 营业的站点与该小时的需求"
        words = [f"需求覆盖率 {percent}", study.travel.describe("zh"), hours]
    else:
        words = [f"{percent} of demand covered", summary["travel"], summary["hours"]]
    caption = " · ".join([summary["made_at"][:10], *words, f"data {summary['data_hash']}"])
    plain = replace(service.settings, basemap="none")
    options = map_options(plain, layers, at=study.made_at, title=title, caption=caption)
    options = replace(options, illustrative=summary["illustrative"])
    for name in ("map.html", "map.png"):
        draw(layers, options, folder / name)


def summary_lines(summary: Summary) -> list[str]:
    """Return the summary as lines for a terminal."""
    lines = []
    for result in summary["results"]:
        share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
        text = f"{result['standard']}: "
        text += "no demand" if share is None else f"{share:.1%} of demand covered"
        if share is not None and possible is not None and possible > share:
            text += f" ({possible:.1%} if every station of unknown hours is open)"
        if result["area_m2"] and result["covered_area_m2"] is not None:
            text += f", {result['covered_area_m2'] / result['area_m2']:.1%} of hot-zone area"
        unit = "orders/h" if summary["demand"] != "points" else "of the points' demand"
        gaps = f"{result['gaps']} gap{'' if result['gaps'] == 1 else 's'}"
        text += f"; {gaps}, {result['unserved_demand_per_h']:,.1f} {unit} unserved"
        lines.append(text)
    lines.append(f"Stations counted: {summary['stations_counted']}; {summary['hours']}.")
    lines.append(f"Travel time: {summary['travel']}.")
    lines += summary["notes"]
    if summary["rejected_points"]:
        lines.append(f"{summary['rejected_points']} points were rejected; see rejected.csv.")
    if summary["illustrative"]:
        lines.append("Illustrative data: no figure above describes the real city.")
    return lines
