"""The figures of a report, as PNG at 300 dpi for Word and as SVG for the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt

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
from locator.reporting.areas import areas_to_draw
from locator.reporting.captions import figure_options
from locator.reporting.draft import Draft, Picture, percent
from locator.reporting.folder import Cell, number
from locator.reporting.labels import DAYS, choose, code_label, column_of, standard_label
from locator.reporting.opening import rests_on
from locator.theme import dense_range

__all__ = ["PICTURES", "Image", "dense_extent", "draw_pictures"]

PICTURES = ("gaps", "city", "week", "curve", "services", "critical", "change")
_MOST_BARS = 12
_FAR_WIDER = 2.0


@dataclass(frozen=True)
class Image:
    """One figure as the bytes of two files."""

    png: bytes
    svg: bytes


def draw_pictures(draft: Draft) -> dict[str, Image]:
    """Draw the figures that a draft names, in its order."""
    drawing: tuple[Callable[[Draft, FigureOptions], Figure], ...]
    drawing = (_gaps, _city, _week, _curve, _services, _critical, _change)
    makers = dict(zip(PICTURES, drawing, strict=True))
    drawn = {}
    for block in draft.blocks:
        if isinstance(block, Picture):
            figure = makers[block.name](draft, _options(draft, block))
            drawn[block.name] = Image(render_figure(figure, "png"), render_figure(figure, "svg"))
    return drawn


def _options(draft: Draft, picture: Picture) -> FigureOptions:
    said = rests_on(draft, weekly=picture.name == "week")
    study = draft.study
    return figure_options(draft, picture, study.summary, study.layers["stations"], rests_on=said)


def _layer(draft: Draft, name: str) -> gpd.GeoDataFrame | None:
    return draft.study.layers.get(name)


def _counted(draft: Draft) -> gpd.GeoDataFrame:
    stations = draft.study.layers["stations"]
    if "counted" not in stations:
        return stations
    return stations[stations["counted"].astype(bool)]


def _gaps(draft: Draft, options: FigureOptions) -> Figure:
    return draw_map(
        stations=_counted(draft),
        hot_zones=_layer(draft, "hot_zones"),
        districts=_layer(draft, "districts"),
        places=_layer(draft, "places"),
        gaps=areas_to_draw(
            draft.study.layers["gap_areas"],
            demand_unit=draft.study.summary["demand_unit"],
            names=draft.names,
        ),
        options=options,
    )


def _city(draft: Draft, options: FigureOptions) -> Figure:
    return _gaps(draft, replace(options, extent=dense_extent(draft)))


def dense_extent(draft: Draft) -> tuple[float, float, float, float] | None:
    """Return the box where most stations are, in degrees, if the map of all gaps is far wider."""
    points, gaps = _counted(draft).geometry, draft.study.layers["gaps"]
    if not len(points) or not len(gaps):
        return None
    (west, east), (south, north) = (
        dense_range(points.x.to_numpy()),
        dense_range(points.y.to_numpy()),
    )
    x0, y0, x1, y1 = (float(edge) for edge in gaps.total_bounds)
    if max((x1 - x0) / max(east - west, 1e-9), (y1 - y0) / max(north - south, 1e-9)) < _FAR_WIDER:
        return None
    return west, south, east, north


def _change(draft: Draft, options: FigureOptions) -> Figure:
    return draw_map(
        stations=_counted(draft),
        hot_zones=_layer(draft, "hot_zones"),
        districts=_layer(draft, "districts"),
        places=_layer(draft, "places"),
        changes={name: draft.study.layers[name] for name in CHANGES if name in draft.study.layers},
        options=options,
    )


def _week(draft: Draft, options: FigureOptions) -> Figure:
    week = draft.study.summary["week"]
    return draw_heat_table(
        _floats(draft.study.tables["hours"].numbers("covered_share")),
        days=[choose(day, draft.language) for day in DAYS],
        worst=None if week is None else week["worst_hour"],
        options=options,
    )


def _curve(draft: Draft, options: FigureOptions) -> Figure:
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


def _services(draft: Draft, options: FigureOptions) -> Figure:
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


def _critical(draft: Draft, options: FigureOptions) -> Figure:
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
