"""The gap study: from a question and its inputs to one folder, whole or not at all."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from locator import questions
from locator.coverage import Scenario, apply_scenario, idle_changes
from locator.datum import Positions, geodesic_m
from locator.errors import InputError
from locator.nearest import StationIndex
from locator.register import AS_IT_IS, Fault, Mapping, ReadOptions, parse_points, read_table
from locator.register.areas import read_areas
from locator.report import write_report
from locator.report.folder import GAPS_FILES, Summary
from locator.schema import Datum, Language, check_frame
from locator.service import Service, Snapshot
from locator.study.areas import describe_areas
from locator.study.basis import make_basis
from locator.study.checkpoints import Checkpoints
from locator.study.folder import check_folder, replaced_folder
from locator.study.gaps_output import Run, write_gaps, write_gaps_map
from locator.study.manifest import make_summary
from locator.study.measure import (
    GapsInputs,
    Outcome,
    Question,
    Standard,
    Study,
    read_snapshot,
)
from locator.study.tables import make_tables

_SHOWN = 5  # doubts of one kind

_NEAR_M = 1_000.0  # district lines are generalised
_IDLE = {
    "open": "is in service already",
    "close": "is out of service already",
    "hours": "has these opening hours already: {has}",
    "services": "offers these services already: {has}",
    "move": "stands there already: {has}",
}
# Circles of ten hours' riding leave every local projection.
_MOST = {"min": 600, "m": 200_000}


def parse_standards(*, minutes: str | None, metres: str | None) -> tuple[Standard, ...]:
    """Read ``"3,5,10"`` minutes or metres; exactly one of the two must be given.

    Raises
    ------
    InputError
        None or both are given, or a number is not above 0 or past 600 minutes or 200 km.
    """
    if (minutes is None) == (metres is None):
        raise InputError("Say the coverage standard: either --minutes 5,10 or --metres 1000.")
    name, unit, text = (
        ("--metres", "m", metres) if minutes is None else ("--minutes", "min", minutes)
    )
    amounts = questions.numbers(0, _MOST[unit], above=True)(name, text)
    return tuple(Standard(amount, unit) for amount in amounts)


def gaps_inputs(
    service: Service,
    *,
    hot_zones: Path | None = None,
    points: Path | None = None,
    datum: Datum = Datum.WGS84,
    mapping: Mapping | None = None,
    options: ReadOptions = AS_IT_IS,
    as_of: datetime | None = None,
) -> GapsInputs:
    """Read what is to be measured; without a file, the store's hot zones.

    Parameters
    ----------
    datum, mapping, options
        Of the file, as its sender states them.
    as_of
        Stations and the store's hot zones as they were at this moment; None is as they are.

    Raises
    ------
    InputError
        A file cannot be read or does not fit, there is nothing to measure, or the history does
        not reach back to the moment.
    """
    snapshot = read_snapshot(service, as_of)
    if points is not None and hot_zones is not None:
        raise InputError("Give either --hot-zones or --points, not both.")
    if points is not None:
        columns = frozenset(mapping.columns.values()) if mapping else frozenset()
        table = read_table(points, columns=columns, options=options)
        read = parse_points(table, datum=datum, mapping=mapping)
        weight = "the file's weights" if read.weighted else "1 a point, the same at every hour"
        return GapsInputs(
            snapshot,
            None,
            read.points,
            rejected=read.rejected,
            header=read.header,
            notes=(
                f"Demand: {len(read.points)} points of {points.name}, {weight}.",
                *unread_words(points.name, read.unread_columns),
            ),
            warnings=(
                *_far(snapshot, read.points, f"demand points of {points.name}"),
                *warning_words(points.name, read.warnings),
            ),
            weighted=read.weighted,
        )
    zones = snapshot.hot_zones
    warnings: tuple[str, ...] = ()
    if hot_zones is not None:
        areas = read_areas(hot_zones, "hot_zones", datum=datum, mapping=mapping, options=options)
        if areas.rejected:
            fault = areas.rejected[0].faults[0]
            raise InputError(
                f"{hot_zones.name}, row {fault.row}, {fault.column} {fault.value!r}: "
                f"{fault.reason}. Mend the file first."
            )
        zones = areas.areas
        check_frame(zones, "hot_zones")
        warnings = _far(snapshot, zones, f"hot zones of {hot_zones.name}")
    if zones.empty:
        then = f" at {snapshot.as_of:%Y-%m-%d %H:%M}" if snapshot.as_of else ""
        raise InputError(f"There are no hot zones to measure{then}; name a file with --hot-zones.")
    return GapsInputs(snapshot, zones, None, warnings=warnings)


def unread_words(source: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence that names the columns of a file that were not read, if there are any."""
    return (f"Columns of {source} that were not read: {', '.join(columns)}.",) if columns else ()


def warning_words(source: str, warnings: Sequence[Fault]) -> tuple[str, ...]:
    """Return sentences on positions of a file that look made up, the first few."""
    return tuple(f"{source}, row {d.row}: {d.value or 'it'} {d.reason}." for d in warnings[:_SHOWN])


def _far(snapshot: Snapshot, frame: gpd.GeoDataFrame, what: str) -> tuple[str, ...]:
    inside = shapely.get_coordinates(frame.representative_point().to_numpy())
    return tuple(place_warnings(inside, snapshot.districts, what=what))


def scenario_warnings(
    stations: gpd.GeoDataFrame, scenario: Scenario, districts: gpd.GeoDataFrame
) -> list[str]:
    """Return a sentence for each change that changes nothing, and for stations far from the city.

    Parameters
    ----------
    stations
        The register before the scenario.
    districts
        The districts that are known, EPSG:4326.
    """
    said = [
        f"The scenario ({idle.verb}) changes nothing at {idle.id} ({idle.name}): it "
        f"{_IDLE[idle.verb].format(has=idle.has)}."
        for idle in idle_changes(stations, scenario)
    ]
    places = {identity: ("moved", place) for identity, place in scenario.move.items()}
    if scenario.add is not None:
        for identity, at in zip(scenario.add["id"], scenario.add.geometry, strict=True):
            places[str(identity)] = ("added", (at.x, at.y))
    for identity, (verb, place) in places.items():
        metres, names = districts_away(np.array([place]), districts)
        if len(metres) and metres[0] > _NEAR_M:
            said.append(
                f"The scenario's station {identity}, {verb}, lies {metres[0] / 1000:,.0f} km from "
                f"the nearest known district, {names[0]}: check its position."
            )
    return said


def place_warnings(lonlat: Positions, districts: gpd.GeoDataFrame, *, what: str) -> list[str]:
    """Return a sentence if places lie outside every known district.

    Parameters
    ----------
    lonlat
        (n, 2) degrees, WGS-84.
    what
        What they are, in English and in the plural, with their file.
    """
    metres, names = districts_away(lonlat, districts)
    away = np.flatnonzero(metres > _NEAR_M)
    if not len(away):
        return []
    near, far = away[np.argmin(metres[away])], away[np.argmax(metres[away])]
    span = f"{metres[near] / 1000:,.0f}"
    if round(metres[far] / 1000) > round(metres[near] / 1000):
        span += f" to {metres[far] / 1000:,.0f}"
    return [
        f"Outside the known districts: {len(away):,} of {len(metres):,} {what}, {span} km from the "
        f"nearest, {names[near]}; check their datum, or that they are of this city."
    ]


def districts_away(
    lonlat: Positions, districts: gpd.GeoDataFrame
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Sequence[str]]:
    """Return (n,) metres from places to the nearest district, 0 inside, and the district's name.

    Both are empty where no district is known. The nearest point is found on a plate carrée
    (longitudes shortened by the cosine of the districts' latitude) and measured on the ellipsoid:
    exact to a part in a thousand within a few hundred kilometres.
    """
    if districts.empty or not len(lonlat):
        return np.empty(0), ()
    squeeze = float(np.cos(np.radians(districts.total_bounds[[1, 3]].mean())))
    shapes = shapely.transform(districts.geometry.to_numpy(), lambda xy: xy * [squeeze, 1.0])
    points = shapely.points(lonlat * [squeeze, 1.0])
    _, nearest = shapely.STRtree(shapes).query_nearest(points, all_matches=False)
    lines = shapely.shortest_line(shapes[nearest], points)
    there = shapely.get_coordinates(shapely.get_point(lines, 0)) / [squeeze, 1.0]
    metres = geodesic_m(lonlat[:, 0], lonlat[:, 1], there[:, 0], there[:, 1])
    return np.asarray(metres, dtype=np.float64), [str(districts["name"].iloc[i]) for i in nearest]


def run_gaps(
    service: Service,
    inputs: GapsInputs,
    question: Question,
    *,
    out: Path,
    report: Language | None = None,
) -> Summary:
    """Measure coverage and write a folder of results, whole or not at all.

    The folder holds the layers (``gaps.gpkg``, ``gaps.geojson``), the tables (``summary.csv``,
    ``tables.json``), the manifest (``summary.json``) and ``rejected.csv`` where demand points were
    rejected; with a report, a map and a figure of the first standard too (``map.html``,
    ``map.png``). Tables that a run cut off had finished are taken up.

    Parameters
    ----------
    out
        The folder; an earlier run's is replaced, any other that is not empty is refused.
    report
        The language of maps and report; None writes none (:func:`locator.report.write_report`
        can make the report later).

    Raises
    ------
    InputError
        A demand, a moment or the scenario is wrong.
    StudyError
        The folder cannot be written.
    """
    check_folder(out, GAPS_FILES)
    progress = question.progress
    now, before = inputs, None
    if question.scenario is not None:
        before = _measure(service, inputs, question)
        now = change_inputs(service, inputs, question.scenario)
    study = Study(service, now, question)
    outcomes = []
    for number, standard in enumerate(question.standards):
        outcomes.append(study.measure(standard))
        progress(0.4 * (number + 1) / len(question.standards))
    basis = make_basis(service, study, question.standards, week_of=question.week_of)
    summary = make_summary(study, basis, outcomes, before or [], given=inputs.snapshot)
    with replaced_folder(out) as draft:
        checkpoints = Checkpoints(out.parent / f".{out.name}-unfinished", _key(summary, study))
        tables = make_tables(basis, checkpoints.take, lambda share: progress(0.4 + 0.3 * share))
        areas = describe_areas(basis, outcomes[0].gaps)
        run = Run(now, study, basis, outcomes, before or [], tables, areas, summary)
        write_gaps(draft, run)
        progress(0.8)
        if report is not None:
            write_gaps_map(draft, service, run, language=report)
            progress(0.85)
            write_report(draft, language=report)
    checkpoints.clear()
    progress(1.0)
    return summary


def _measure(service: Service, inputs: GapsInputs, question: Question) -> list[Outcome]:
    study = Study(service, inputs, question)
    return [study.measure(standard) for standard in question.standards]


def change_inputs(service: Service, inputs: GapsInputs, scenario: Scenario) -> GapsInputs:
    """Return the inputs with the stations as a scenario has them.

    Raises
    ------
    InputError
        The scenario does not fit the register.
    """
    given = inputs.snapshot
    stations = apply_scenario(given.stations, scenario)
    index = StationIndex(stations, service.travel, service.rules)
    warnings = scenario_warnings(given.stations, scenario, given.districts)
    return replace(
        inputs,
        snapshot=replace(given, stations=stations, index=index),
        warnings=(*inputs.warnings, *warnings),
    )


def _key(summary: Summary, study: Study) -> str:
    """Return what tells one question from another: everything but when it was asked."""
    asked = {name: value for name, value in summary.items() if name != "made_at"}
    chosen = {
        name: sorted(map(str, value)) if isinstance(value, frozenset) else value
        for name, value in asdict(study.chosen).items()
    }
    more = {"chosen": chosen, "at": study.at.isoformat() if study.at else None}
    return json.dumps(asked | more, ensure_ascii=False, sort_keys=True)
