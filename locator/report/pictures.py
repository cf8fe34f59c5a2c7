"""The figures of a report: which each picture is, and what stands on every one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.figures import (
    CHANGES,
    Bar,
    Figure,
    FigureOptions,
    Line,
    draw_bars,
    draw_curve,
    draw_heat_table,
    draw_map,
    render_figure,
)
from locator.report.blocks import Picture, percent
from locator.report.draft import Draft, GapsDraft, Report, SitesDraft
from locator.report.folder import Cell, number
from locator.report.labels import DAYS, choose, code_label, column_of, standard_label
from locator.report.sentences import in_language
from locator.theme import dense_range

MOST_MAPS = 6  # of moments
_GAPS = ("gaps", "city", "week", "curve", "services", "critical", "change")
_SITES = (
    *("sites", "sites-city", "curve", "firmness"),
    *(f"sites-{number}" for number in range(1, MOST_MAPS + 1)),
)
FIGURE_FILES = frozenset(f"{name}.{e}" for name in (*_GAPS, *_SITES) for e in ("png", "svg"))
_MOST_BARS = 12
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Image:
    """One figure as the bytes of two files: PNG at 300 dpi for Word, SVG for the page."""

    png: bytes
    svg: bytes


def draw_pictures(report: Report) -> dict[str, Image]:
    """Draw the figures that a report names, in its order."""
    drawn = {}
    for block in report.draft.blocks:
        if isinstance(block, Picture):
            figure = report.draw(block)
            drawn[block.name] = Image(render_figure(figure, "png"), render_figure(figure, "svg"))
    return drawn


def _options(draft: Draft, picture: Picture) -> FigureOptions:
    """Return what stands on every figure: title, caption, sources, 审图号, illustrative or not."""
    return FigureOptions(
        title=picture.title[:200],
        caption=f"{picture.rests_on}{_sources(draft)}"[:2000],
        language=draft.language,
        map_approval=str(draft.made["settings"].get("map_approval", "")),
        illustrative=draft.made["illustrative"],
    )


def _sources(draft: Draft) -> str:
    """Say where the stations are from, and whose roads the times go by."""
    stations, credit = draft.layers["stations"], draft.made["credit"]
    named = [str(source) for source in pd.unique(stations.get("source", pd.Series()).dropna())]
    if credit:
        named = [*named[:2], credit]
    if not named:
        return ""
    named = [in_language(source, draft.language) for source in named]
    text = draft.say("、", ", ").join(named[:3]) + ("…" if len(named) > 3 else "")
    return draft.say(f"；来源：{text}", f"; source: {text}").rstrip("。.")


def _dense_box(points: gpd.GeoSeries, whole: gpd.GeoDataFrame, *, far_wider: float) -> Box | None:
    """Return the box where most points are, in degrees, if a map of the whole is far wider."""
    (west, east), (south, north) = (
        dense_range(points.x.to_numpy()),
        dense_range(points.y.to_numpy()),
    )
    x0, y0, x1, y1 = (float(edge) for edge in whole.total_bounds)
    if max((x1 - x0) / max(east - west, 1e-9), (y1 - y0) / max(north - south, 1e-9)) < far_wider:
        return None
    return west, south, east, north


def _draw_map(
    draft: Draft,
    stations: gpd.GeoDataFrame,
    options: FigureOptions,
    *,
    gaps: gpd.GeoDataFrame | None = None,
    changes: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> Figure:
    return draw_map(
        stations=stations,
        hot_zones=draft.layers.get("hot_zones"),
        districts=draft.layers.get("districts"),
        places=draft.layers.get("places"),
        gaps=gaps,
        changes=changes,
        options=options,
    )


# Of a gap study


def draw_gaps_picture(draft: GapsDraft, picture: Picture) -> Figure:
    """Draw one picture of a gap report."""
    makers: dict[str, Callable[[GapsDraft, FigureOptions], Figure]] = {
        "gaps": _gaps,
        "city": _city,
        "week": _week,
        "curve": _time_curve,
        "services": _services,
        "critical": _critical,
        "change": _change,
    }
    return makers[picture.name](draft, _options(draft, picture))


def gaps_extent(draft: GapsDraft) -> Box | None:
    """Return the box where most stations are, in degrees, if the map of all gaps is far wider."""
    points, gaps = _counted(draft).geometry, draft.layers["gaps"]
    if not len(points) or not len(gaps):
        return None
    return _dense_box(points, gaps, far_wider=2.0)


def _counted(draft: GapsDraft) -> gpd.GeoDataFrame:
    stations = draft.layers["stations"]
    if "counted" not in stations:
        return stations
    return stations[stations["counted"].astype(bool)]


def areas_to_draw(
    areas: gpd.GeoDataFrame, *, demand_unit: str, names: Mapping[str, str] | None = None
) -> gpd.GeoDataFrame:
    """Return gap areas with ``zone_name``, by their hot zones or else the nearest place.

    Where demand is no number of orders an hour, ``unserved_demand`` stands in the place of
    ``unserved_demand_per_h``.

    Parameters
    ----------
    areas
        The layer ``gap_areas`` of a study.
    demand_unit
        ``orders``, ``weight`` or ``points``.
    names
        What places are called in the language, where it is not their name.
    """
    known = names or {}
    place = areas["place"].map(lambda name: known.get(name, name) if isinstance(name, str) else "")
    zone = areas["zone_names"].where(areas["zone_names"].notna(), place)
    drawn = areas.assign(zone_name=pd.Series(zone, dtype=object))
    if demand_unit == "orders":
        return drawn
    return drawn.rename(columns={"unserved_demand_per_h": "unserved_demand"})


def _gaps(draft: GapsDraft, options: FigureOptions) -> Figure:
    areas = areas_to_draw(
        draft.layers["gap_areas"],
        demand_unit=draft.study.summary["demand_unit"],
        names=draft.names,
    )
    return _draw_map(draft, _counted(draft), options, gaps=areas)


def _city(draft: GapsDraft, options: FigureOptions) -> Figure:
    return _gaps(draft, replace(options, extent=gaps_extent(draft)))


def _change(draft: GapsDraft, options: FigureOptions) -> Figure:
    changes = {name: draft.layers[name] for name in CHANGES if name in draft.layers}
    return _draw_map(draft, _counted(draft), options, changes=changes)


def _week(draft: GapsDraft, options: FigureOptions) -> Figure:
    week = draft.study.summary["week"]
    return draw_heat_table(
        _floats(draft.study.tables["hours"].numbers("covered_share")),
        days=[choose(day, draft.language) for day in DAYS],
        worst=None if week is None else week["worst_hour"],
        options=options,
    )


def _time_curve(draft: GapsDraft, options: FigureOptions) -> Figure:
    curve, say = draft.study.tables["curve"], draft.say
    names = {
        "covered_share": say("本次条件", "As studied"),
        "covered_share_any_hours": say("不计开放时间", "Opening hours left out"),
    }
    x = _floats(curve.numbers("minutes"))
    lines = [
        Line(name, x, _floats(curve.numbers(column)))
        for column, name in names.items()
        if column in curve.columns
    ]
    marks = [
        (
            result["limit_s"] / 60,
            f"{standard_label(result['standard'], draft.language)} "
            f"{percent(result['covered_share'])}",
        )
        for result in draft.study.summary["results"]
    ]
    unit = say("到最近站点的骑行时间（分钟）", "Riding time to the nearest station (min)")
    return draw_curve(lines, marks=marks, unit=unit, options=options)


def _services(draft: GapsDraft, options: FigureOptions) -> Figure:
    table, say = draft.study.tables["services"], draft.say
    first = draft.study.summary["results"][0]["standard"]
    column = f"covered_share_{first.replace(' ', '').replace('.', '_')}"
    bars = [
        Bar(
            code_label("service", str(row["service"]), draft.language),
            number(row.get(column)),
            number(row.get("week_covered_share")),
        )
        for row in table.records()
    ]
    standard = standard_label(first, draft.language)
    names = (
        say(f"{standard}之内", f"Within {standard}"),
        say("一周内确定开放时", "Over the week, while surely open"),
    )
    return draw_bars(bars, names=names, percent=True, options=options)


def _critical(draft: GapsDraft, options: FigureOptions) -> Figure:
    table = draft.study.tables["stations"]
    weekly = "lost_orders_per_week" in table.columns
    column = "lost_orders_per_week" if weekly else "lost_demand_per_h"
    bars = [
        Bar(_text(row["name"]) or _text(row["id"]), number(row.get(column)))
        for row in table.records()
        if (number(row.get(column)) or 0.0) > 0
    ][:_MOST_BARS]
    name = draft.header(column_of(column))
    return draw_bars(bars, names=(name, ""), percent=False, options=options)


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _floats(values: list[float | None]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


# Of a siting study


def draw_sites_picture(draft: SitesDraft, picture: Picture) -> Figure:
    """Draw one picture of a report on one siting study."""
    options = _options(draft, picture)
    if picture.name == "curve":
        return _choice_curve(draft, options)
    if picture.name == "firmness":
        return _firmness(draft, options)
    if picture.name == "sites-city":
        options = replace(options, extent=sites_extent(draft))
    return draw_sites(draft, options)


def sites_extent(draft: SitesDraft) -> Box | None:
    """Return the box of the chosen where most stations are, in degrees; none if all are there."""
    points, chosen = _eligible(draft).geometry, draft.layers["chosen"]
    if not len(points) or len(chosen) < 2:
        return None
    box = _dense_box(points, chosen, far_wider=1.5)
    if box is None:
        return None
    west, south, east, north = box
    return box if len(chosen.cx[west:east, south:north]) else None


def _eligible(draft: SitesDraft) -> gpd.GeoDataFrame:
    stations = draft.layers["stations"]
    return stations[stations["eligible"].astype(bool)]


def draw_sites(draft: SitesDraft, options: FigureOptions) -> Figure:
    """Draw the chosen, the stations that count, what is newly covered and what stays uncovered."""
    layers = draft.layers
    chosen = layers["chosen"]
    names = [draft.place(name if isinstance(name, str) else None) for name in chosen["name"]]
    changes = {
        "sites": chosen.assign(name=names),
        "gained": layers["newly_covered"],
        "uncovered": layers["uncovered"],
    }
    return _draw_map(draft, _eligible(draft), options, changes=changes)


def _firmness(draft: SitesDraft, options: FigureOptions) -> Figure:
    """Draw in which share of the varied runs each is chosen again, by rank."""
    kept = {row["id"]: number(row["kept_share"]) for row in draft.records("sensitivity")}
    bars = [
        Bar(f"{row['rank']}. {draft.place(row['name'])}", kept.get(row["id"]))
        for row in draft.sites()
    ]
    name = draft.say("再次选中的试算占比", "Share of the varied runs")
    return draw_bars(bars, names=(name, ""), percent=True, options=options)


def _choice_curve(draft: SitesDraft, options: FigureOptions) -> Figure:
    """Draw the shares that each number covers, their bound, and the nested choice."""
    say, figures = draft.say, draft.study.summary["figures"]
    whole, before = figures["demand"], figures["covered_share_before"] or 0.0
    free, nested = (draft.curve(nested=which) for which in (False, True))
    lines = []
    for rows, column, name in (
        (free, "covered", say("最好的选法", "The best choice")),
        (free, "bound", say("任何选法的上限", "No choice passes")),
        (nested, "covered", say("逐个建设", "Opened one after the other")),
    ):
        if rows:
            x = [0.0, *(number(row["limit"]) or 0.0 for row in rows)]
            covered = [number(row[column]) for row in rows]
            y = [before, *(np.nan if v is None or whole <= 0 else v / whole for v in covered)]
            lines.append(Line(name, np.array(x), np.array(y)))
    asked = draft.study.asked
    by_budget = free[0]["by"] == "budget"
    last = asked["budget"] if by_budget else asked["new"]
    after = percent(figures["covered_share_after"])
    what = draft.cost(last or 0.0) if by_budget else f"{last}"
    name = say(f"所问：{what}，{after}", f"asked: {what}, {after}")
    marks = [] if last is None else [(float(last), name)]
    unit = say("新设驿站数", "New posts")
    if by_budget:
        unit = say("预算", "Budget") + (f" ({draft.cost_unit})" if draft.cost_unit else "")
    least = 0.5 if before >= 0.6 else 0.0  # the foot is said at the axis
    return draw_curve(lines, marks=marks, unit=unit, options=options, least=least)
