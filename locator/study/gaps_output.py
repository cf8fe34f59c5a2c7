"""What a gap study leaves behind: layers, tables, manifest, map and figure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from locator.coverage import compare_gaps
from locator.report.folder import GAPS_CSV, GAPS_GEOJSON, GAPS_LAYERS, Summary
from locator.report.pictures import areas_to_draw
from locator.schema import CRS, Language
from locator.service import Service
from locator.study.basis import Basis
from locator.study.folder import Layer, background_layers, write_results
from locator.study.maps import (
    REACH_UP_TO,
    as_of_words,
    reach_bands,
    study_layers,
    write_study_map,
)
from locator.study.measure import GapsInputs, Outcome, Study
from locator.study.tables import Tables


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


def write_gaps(folder: Path, run: Run) -> None:
    """Write the layers, the tables, the manifest and the rejected points into a folder."""
    summary = run.summary
    table = summary_table(run.outcomes).round(6)
    table = table.assign(hours=summary["hours"], illustrative=summary["illustrative"])
    gaps = [o.gaps.assign(standard=o.standard.label) for o in run.outcomes]
    write_results(
        folder,
        run.inputs,
        summary,
        run.tables,
        csv=(GAPS_CSV, table),
        layers=(GAPS_LAYERS, _layers(run)),
        geojson=(
            *(GAPS_GEOJSON, "gaps"),
            gpd.GeoDataFrame(pd.concat(gaps, ignore_index=True), crs=CRS),
        ),
    )


def _layers(run: Run) -> Iterator[Layer]:
    study = run.study
    for outcome in run.outcomes:
        slug = outcome.standard.slug
        yield f"gaps_{slug}", outcome.gaps, "MultiPolygon"
        if outcome.coverage is not None:
            table = pd.DataFrame(outcome.coverage.pieces.drop(columns="geometry"))
            pieces = gpd.GeoDataFrame(table, geometry=study.pieces.geometry, crs=study.crs)
            yield f"coverage_{slug}", pieces.to_crs(CRS), "MultiPolygon"
        if outcome.points is not None:
            yield f"points_{slug}", outcome.points, "Point"
    yield "gap_areas", run.areas, "MultiPolygon"
    if run.before:
        for name, changed in compare_gaps(run.before[0].gaps, run.outcomes[0].gaps).items():
            yield name, changed, "MultiPolygon"
    stations = run.inputs.snapshot.stations.assign(counted=study.mask)
    yield from background_layers(study, stations)


def write_gaps_map(folder: Path, service: Service, run: Run, *, language: Language) -> None:
    """Write the map of the first standard into a folder, as a page and as a figure."""
    study, first, summary = run.study, run.outcomes[0], run.summary
    snapshot = run.inputs.snapshot
    places = snapshot.places.dropna(subset=["name", "name_en"])
    english = dict(zip(places["name"], places["name_en"], strict=True))
    names = english if language == "en" else {}
    reach = None
    if int(study.mask.sum()) <= REACH_UP_TO:  # what lies behind the gaps
        reach = reach_bands([(first.standard, study.reach(first.standard))], language)
    layers = study_layers(
        study,
        snapshot.stations[study.mask],
        gaps=areas_to_draw(run.areas, demand_unit=summary["demand_unit"], names=names),
        reach=reach,
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
    if snapshot.as_of is not None:
        words.insert(0, as_of_words(snapshot.as_of, language))
    write_study_map(
        folder, service, study, summary, layers, title=title, words=words, language=language
    )
