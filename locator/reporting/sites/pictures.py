"""The figures of a siting report: maps of the chosen, the curve, how firmly each is chosen."""

from dataclasses import replace

import geopandas as gpd
import numpy as np

from locator.figures import Bar, Figure, FigureOptions, Line, draw_bars, draw_curve, draw_map
from locator.reporting.captions import figure_options
from locator.reporting.draft import Paper, Picture, percent
from locator.reporting.folder import number
from locator.reporting.sites.curve import curve_points
from locator.reporting.sites.draft import SiteDraft
from locator.theme import dense_range

__all__ = ["MOST_MAPS", "SITE_PICTURES", "dense_extent", "draw_sites", "site_figure"]

_FAR_WIDER = 1.5
MOST_MAPS = 6  # of moments
SITE_PICTURES = (
    "sites",
    "sites-city",
    *(f"sites-{number}" for number in range(1, MOST_MAPS + 1)),
    "curve",
    "firmness",
)


def site_figure(draft: SiteDraft, picture: Picture) -> Figure:
    """Draw one picture of a report on one study."""
    study, said = draft.study, draft.rests_on()
    stations = study.layers["stations"]
    options = figure_options(draft, picture, study.summary, stations, rests_on=said)
    if picture.name == "sites-city":
        return draw_sites(draft, replace(options, extent=dense_extent(draft)))
    if picture.name == "curve":
        return _curve(draft, options)
    return _firmness(draft, options) if picture.name == "firmness" else draw_sites(draft, options)


def draw_sites(draft: SiteDraft, options: FigureOptions) -> Figure:
    """Draw the chosen, the stations that count, what is newly covered and what stays uncovered."""
    layers = draft.study.layers
    stations = layers["stations"]
    chosen = layers["chosen"]
    return draw_map(
        stations=stations[stations["eligible"].astype(bool)],
        hot_zones=layers.get("hot_zones"),
        districts=layers.get("districts"),
        places=layers.get("places"),
        changes={
            "sites": chosen.assign(name=_names(draft, chosen)),
            "gained": layers["newly_covered"],
            "uncovered": layers["uncovered"],
        },
        options=options,
    )


def dense_extent(draft: SiteDraft) -> tuple[float, float, float, float] | None:
    """Return the box of the chosen where most stations are, in degrees; none if all are there."""
    stations, chosen = draft.study.layers["stations"], draft.study.layers["chosen"]
    points = stations[stations["eligible"].astype(bool)].geometry
    if not len(points) or len(chosen) < 2:
        return None
    (west, east), (south, north) = (
        dense_range(points.x.to_numpy()),
        dense_range(points.y.to_numpy()),
    )
    x0, y0, x1, y1 = (float(edge) for edge in chosen.total_bounds)
    if max((x1 - x0) / max(east - west, 1e-9), (y1 - y0) / max(north - south, 1e-9)) < _FAR_WIDER:
        return None
    inside = chosen.cx[west:east, south:north]
    return (west, south, east, north) if len(inside) else None


def _names(draft: Paper, chosen: gpd.GeoDataFrame) -> list[str]:
    return [draft.place(name if isinstance(name, str) else None) for name in chosen["name"]]


def _curve(draft: SiteDraft, options: FigureOptions) -> Figure:
    """Draw the shares that each number covers, their bound, and the nested choice."""
    say, figures = draft.say, draft.study.summary["figures"]
    whole, before = figures["demand"], figures["covered_share_before"] or 0.0
    free, nested = (curve_points(draft, nested=which) for which in (False, True))
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


def _firmness(draft: SiteDraft, options: FigureOptions) -> Figure:
    """Draw in which share of the varied runs each is chosen again, by rank."""
    kept = {row["id"]: number(row["kept_share"]) for row in draft.records("sensitivity")}
    bars = [
        Bar(f"{row['rank']}. {draft.place(row['name'])}", kept.get(row["id"]))
        for row in draft.sites()
    ]
    name = draft.say("再次选中的试算占比", "Share of the varied runs")
    return draw_bars(bars, names=(name, ""), percent=True, options=options)
