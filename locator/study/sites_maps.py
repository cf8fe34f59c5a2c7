"""The maps of a siting study: the chosen by rank, what they add, what stays uncovered."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from locator.hours import STATES
from locator.hours_words import week_words
from locator.maps import MapLayers
from locator.reporting.sentences import translate
from locator.reporting.sites_folder import SiteSummary
from locator.schema import CRS, Language
from locator.service import Service
from locator.study.drawing import draw, map_options
from locator.study.sites import SiteAnswer
from locator.study.sites_layers import covered_areas
from locator.study.sites_words import UNITS_ZH

__all__ = ["MAP_PAGE", "MAP_PICTURE", "write_site_map"]

MAP_PAGE, MAP_PICTURE = "map.html", "map.png"


def write_site_map(
    folder: Path, service: Service, answer: SiteAnswer, *, summary: SiteSummary, language: Language
) -> None:
    """Write ``map.html`` of an answer; it opens from a disk without a network.

    Parameters
    ----------
    summary
        The manifest: date, model, hours and data hash go into the caption.
    """
    setup = answer.setup
    study = setup.basis.study
    snapshot, zones = study.inputs.snapshot, study.inputs.hot_zones
    areas = covered_areas(answer)
    stations = snapshot.stations[setup.counts]
    if study.at is not None:
        states = snapshot.index.states(study.at)[setup.counts]
        stations = stations.assign(state=[STATES[code].value for code in states])
    if zones is not None:
        zones = zones.assign(demand_per_h=study.demand_per_h)
    layers = MapLayers(
        stations=stations,
        hot_zones=zones,
        districts=snapshot.districts,
        places=snapshot.places,
        gaps=areas["uncovered"].rename(columns={"demand": "unserved_demand"}),
        sites=_sites(answer, language),
        reach=_gained(areas["newly_covered"], language),
    )
    minutes = f"{answer.question.minutes:g}"
    zh, en = f"选址结果（{minutes} 分钟）", f"Where next, {minutes} min"
    plain = replace(service.settings, basemap="none", language=language)
    options = map_options(
        plain,
        layers,
        at=snapshot.as_of or study.made_at,
        title=zh if language == "zh" else en,
        caption=_caption(summary, language),
    )
    options = replace(options, illustrative=summary["illustrative"])
    for name in (MAP_PAGE, MAP_PICTURE):
        draw(layers, options, folder / name)


def _caption(summary: SiteSummary, language: Language) -> str:
    figures = summary["figures"]
    before, after = figures["covered_share_before"], figures["covered_share_after"]
    words = [summary["made_at"][:10]]
    if before is not None and after is not None:
        covered = "需求覆盖率" if language == "zh" else "demand covered"
        words.append(f"{covered} {before:.1%} → {after:.1%}")
    words += [translate(summary[key], language) for key in ("travel", "hours")]
    words += [translate(said, language) for said in summary["demand_rests_on"]]
    words.append(f"{'数据' if language == 'zh' else 'data'} {summary['data_hash']}")
    return " · ".join([*words, *filter(None, [summary["credit"]])])


def _sites(answer: SiteAnswer, language: Language) -> gpd.GeoDataFrame:
    sites = answer.sites
    unit = answer.setup.unit
    unit = UNITS_ZH.get(unit, unit) if language == "zh" else unit
    said = [f"{value:,.1f} {unit}" for value in sites["gain"]]
    columns = {
        "rank": sites["rank"],
        "name": sites["name"],
        "gain": sites["gain"],
        "gain_words": pd.Series(said, index=sites.index, dtype=object),
        "hours_words": [week_words(text, language) for text in sites["hours"]],
        "district_name": sites["district_name"],
    }
    return gpd.GeoDataFrame(columns, geometry=sites.geometry, crs=CRS)


def _gained(areas: gpd.GeoDataFrame, language: Language) -> gpd.GeoDataFrame | None:
    if areas.empty:
        return None
    name = "新增覆盖" if language == "zh" else "Newly covered"
    whole = shapely.union_all(areas.geometry.to_numpy())
    return gpd.GeoDataFrame({"name": [name]}, geometry=[whole], crs=CRS)
