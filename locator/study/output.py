"""What a gap study leaves behind: layers, tables, manifest, map and figure, and words."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from locator.coverage import compare_gaps
from locator.maps import MapLayers
from locator.register import guard_cell, write_rejected
from locator.reporting.folder import GAPS_LAYERS, MANIFEST, TABLES, Result, Summary, WeekTotals
from locator.reporting.pictures import areas_to_draw
from locator.reporting.sentences import translate
from locator.schema import CRS, Language
from locator.service import Service
from locator.study.basis import Basis
from locator.study.drawing import as_of_words, draw, map_options
from locator.study.manifest import DAYS
from locator.study.measure import GapsInputs, Outcome, Standard, Study
from locator.study.reach import reach_bands
from locator.study.tables import Tables

__all__ = [
    "Run",
    "dated",
    "summary_lines",
    "summary_table",
    "write_json",
    "write_layer",
    "write_maps",
    "write_tables",
]

_REACH_UP_TO = 5_000  # stations
_UNITS = {"weight": "of the points' weight", "points": "points"}


def summary_table(outcomes: list[Outcome]) -> pd.DataFrame:
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
            "covered_share_if_unknown_offered",
            "covered_share_straight_line",
        )
        total = head | {"level": "total", "id": "", "name": ""} | {k: result[k] for k in keys}  # type: ignore[literal-required]
        parts.append(pd.DataFrame([total]))
        for level, table in _breakdown(outcome).items():
            parts.append(table.assign(standard=outcome.standard.label, level=level))
    return pd.concat(parts, ignore_index=True)


def _breakdown(outcome: Outcome) -> dict[str, pd.DataFrame]:
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


@dataclass(frozen=True)
class Run:
    """Everything a study found, before it is written."""

    inputs: GapsInputs
    study: Study
    basis: Basis
    outcomes: list[Outcome]
    before: list[Outcome]
    tables: Tables
    areas: gpd.GeoDataFrame
    summary: Summary


def write_tables(folder: Path, run: Run) -> None:
    """Write the layers, the tables, the manifest and the rejected points into a folder."""
    with dated(run.study.made_at):
        _write_layers(folder, run)
    summary = run.summary
    table = summary_table(run.outcomes).round(6)
    table = table.assign(hours=summary["hours"], illustrative=summary["illustrative"])
    for column in ("id", "name"):  # names are other people's text, and Excel opens this file
        table[column] = [guard_cell(value) for value in table[column]]
    table.to_csv(folder / "summary.csv", index=False, encoding="utf-8-sig")
    write_json(folder / MANIFEST, summary)
    write_json(folder / TABLES, run.tables)
    if run.inputs.rejected:
        write_rejected(run.inputs.rejected, run.inputs.header, folder / "rejected.csv")


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a manifest or tables; NaN and infinity are refused."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def dated(moment: datetime) -> Iterator[None]:
    """Have GDAL date what it writes by the study's clock: the same input gives the same bytes."""
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    pyogrio.set_gdal_config_options({key: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({key: before})


def _write_layers(folder: Path, run: Run) -> None:
    layers, study = folder / GAPS_LAYERS, run.study
    combined = []
    for outcome in run.outcomes:
        slug = outcome.standard.slug
        write_layer(outcome.gaps, layers, f"gaps_{slug}", "MultiPolygon")
        combined.append(outcome.gaps.assign(standard=outcome.standard.label))
        if outcome.coverage is not None:
            table = pd.DataFrame(outcome.coverage.pieces.drop(columns="geometry"))
            pieces = gpd.GeoDataFrame(table, geometry=study.pieces.geometry, crs=study.crs)
            write_layer(pieces.to_crs(CRS), layers, f"coverage_{slug}", "MultiPolygon")
        if outcome.points is not None:
            write_layer(outcome.points, layers, f"points_{slug}", "Point")
    write_layer(run.areas, layers, "gap_areas", "MultiPolygon")
    if run.before:
        for name, changed in compare_gaps(run.before[0].gaps, run.outcomes[0].gaps).items():
            write_layer(changed, layers, name, "MultiPolygon")
    snapshot = run.inputs.snapshot
    write_layer(snapshot.stations.assign(counted=study.mask), layers, "stations", "Point")
    if run.inputs.hot_zones is not None:
        zones = run.inputs.hot_zones.assign(demand_per_h=study.demand_per_h)
        write_layer(zones.to_crs(CRS), layers, "hot_zones", "MultiPolygon")
    write_layer(snapshot.districts, layers, "districts", "MultiPolygon")
    write_layer(snapshot.places, layers, "places", "Point")
    everything = gpd.GeoDataFrame(pd.concat(combined, ignore_index=True), crs=CRS)
    pyogrio.write_dataframe(
        everything,
        folder / "gaps.geojson",
        driver="GeoJSON",
        layer="gaps",
        layer_options={"COORDINATE_PRECISION": "7", "RFC7946": "YES"},
    )


def write_layer(frame: gpd.GeoDataFrame, path: Path, layer: str, geometry_type: str) -> None:
    """Write a frame as one layer of a GeoPackage."""
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer,
        driver="GPKG",
        geometry_type=geometry_type,
        promote_to_multi=geometry_type.startswith("Multi"),
    )


def write_maps(folder: Path, service: Service, run: Run, *, language: Language) -> None:
    """Write the map and the figure of the first standard into a folder."""
    inputs, study, first, summary = run.inputs, run.study, run.outcomes[0], run.summary
    snapshot = inputs.snapshot
    zones = inputs.hot_zones
    if (
        zones is not None
    ):  # the map shows the demand that was measured, the hour's where there is one
        zones = zones.assign(demand_per_h=study.demand_per_h)
    places = snapshot.places.dropna(subset=["name", "name_en"])
    english = dict(zip(places["name"], places["name_en"], strict=True))
    names = english if language == "en" else {}
    layers = MapLayers(
        stations=snapshot.stations[study.mask],
        hot_zones=zones,
        districts=snapshot.districts,
        places=snapshot.places,
        gaps=areas_to_draw(run.areas, demand_unit=summary["demand_unit"], names=names),
        reach=_reach(study, first.standard, language),
    )
    share = first.result["covered_share"]
    percent = "—" if share is None else f"{share:.1%}"
    title = f"Gaps at {first.standard.label}"
    if language == "zh":
        unit = "分钟" if first.standard.unit == "min" else "米"
        title = f"骑手驿站服务空白（{first.standard.amount:g} {unit}）"
        hours = "未考虑开放时间，需求为一周平均"
        if study.at is not None:
            hours = f"{study.at:%Y-%m-%d %H:%M} 营业的站点与该小时的需求"
        words = [f"需求覆盖率 {percent}", study.travel.describe("zh"), hours]
    else:
        words = [f"{percent} of demand covered", summary["travel"], summary["hours"]]
    words += [translate(said, language) for said in summary["demand_rests_on"]]
    if snapshot.as_of is not None:
        words.insert(0, as_of_words(snapshot.as_of, language))
    named = "数据" if language == "zh" else "data"
    words += [f"{named} {summary['data_hash']}", *filter(None, [summary["credit"]])]
    caption = " · ".join([summary["made_at"][:10], *words])
    plain = replace(service.settings, basemap="none", language=language)
    day = snapshot.as_of or study.made_at
    options = map_options(plain, layers, at=day, title=title, caption=caption)
    options = replace(options, illustrative=summary["illustrative"])
    for name in ("map.html", "map.png"):
        draw(layers, options, folder / name)


def _reach(study: Study, standard: Standard, language: Language) -> gpd.GeoDataFrame | None:
    """Return what lies behind the gaps; of very many stations it would outweigh the map."""
    if int(study.mask.sum()) > _REACH_UP_TO:
        return None
    return reach_bands([(standard, study.reach(standard))], language)


def summary_lines(summary: Summary) -> list[str]:
    """Return the summary as lines for a terminal."""
    lines = []
    unit = _UNITS.get(summary["demand_unit"], "orders/h")
    for result in summary["results"]:
        share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
        text = f"{result['standard']}: "
        text += "no demand" if share is None else f"{share:.1%} of demand covered"
        if share is not None and possible is not None and possible > share:
            text += f" ({possible:.1%} if every station of unknown hours is open)"
        text += _if_offered(summary, result)
        straight = result["covered_share_straight_line"]
        if straight is not None:
            text += f" (as the crow flies {straight:.1%})"
        if result["area_m2"] and result["covered_area_m2"] is not None:
            text += f", {result['covered_area_m2'] / result['area_m2']:.1%} of hot-zone area"
        gaps = f"{result['gaps']} gap{'' if result['gaps'] == 1 else 's'}"
        text += f"; {gaps}, {result['unserved_demand_per_h']:,.1f} {unit} unserved"
        lines.append(text)
    lines += _week_lines(summary["week"], unit)
    lines += _before_lines(summary)
    counted = f"Stations counted: {summary['stations_counted']}"
    if unknown := summary["stations_services_unknown"]:
        are = "station's services are" if unknown == 1 else "stations' services are"
        counted += f" ({unknown:,} more {are} unknown)"
    lines.append(f"{counted}; {summary['hours']}.")
    if summary["as_of"] is not None:
        lines.append(f"Register as of {summary['as_of'][:16].replace('T', ' ')} local time.")
    lines.append(f"Travel time: {summary['travel']}.")
    lines += [f"Demand: {said}." for said in summary["demand_rests_on"]]
    lines += summary["notes"]
    lines += [f"Warning: {warning}" for warning in summary["warnings"]]
    if summary["rejected_points"]:
        lines.append(f"{summary['rejected_points']} points were rejected; see rejected.csv.")
    if summary["illustrative"]:
        lines.append("Illustrative data: no figure above describes the real city.")
    return lines


def _if_offered(summary: Summary, result: Result) -> str:
    """Say the most that the share can be, where nobody recorded what stations offer."""
    share, offered = result["covered_share"], result["covered_share_if_unknown_offered"]
    unknown = summary["stations_services_unknown"]
    if share is None or offered is None or not unknown:
        return ""
    one = unknown == 1
    who = f"the {unknown:,} station{'' if one else 's'} of unknown services"
    hours = " and unknown hours are open" if summary["stations_hours_unknown"] else ""
    return f" (up to {offered:.1%} if {who} offer{'s' if one else ''} it{hours})"


def _week_lines(week: WeekTotals | None, unit: str) -> list[str]:
    """Say how the first standard fares over a whole week."""
    if week is None or week["covered_share"] is None:
        return []
    line = (
        f"Week of {week['monday']}, {week['standard']}: {week['covered_share']:.1%} of the week's "
        f"demand while a station is open, {week['lost_to_hours'] or 0:.1%} lost to opening hours"
    )
    possible, offered = week["possible_share"] or 0.0, week["offered_share"]
    if offered is not None and offered > possible:
        line += f" (up to {offered:.1%} if stations of unknown services and hours offer it)"
    if week["worst_hour"] is not None:
        day, hour = divmod(week["worst_hour"], 24)
        unserved = f"{week['worst_unserved_per_h']:,.0f} {unit} unserved"
        line += f"; worst {DAYS[day]} {hour:02d}:00, {unserved}"
    return [line + "."]


def _before_lines(summary: Summary) -> list[str]:
    """Say what a scenario changes."""
    lines = []
    for was, now in zip(summary["before"], summary["results"], strict=False):
        before, after = was["covered_share"], now["covered_share"]
        if before is not None and after is not None:
            lines.append(
                f"Before the scenario, {was['standard']}: {before:.1%} "
                f"({100 * (after - before):+.1f} percentage points)."
            )
    return lines
