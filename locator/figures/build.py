"""Maps for reports, laid out and drawn: map, overview, legend, table, notes."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from locator.errors import InputError
from locator.figures.labels import choose_scale_m, draw_labels
from locator.figures.layers import (
    CHANGES,
    LAYER_Z,
    Frames,
    Group,
    View,
    coats,
    draw_group,
    draw_marks,
    group_layers,
    numbers,
    project,
    unserved,
    usable,
)
from locator.figures.paper import (
    BODY,
    COLUMN_GAP,
    INSET,
    LINE,
    MARGIN,
    SMALL,
    TITLE,
    Box,
    FigureOptions,
    Pen,
    Sheet,
    style,
)
from locator.paths import written_whole
from locator.schema import is_illustrative
from locator.theme import PALETTE

_LEAST_MAP_MM = 40.0
_FITTINGS = 4
_HAIR_MM = 0.01


_TOP_GAPS = 10


_TOP_SITES = 15


def _draw_scale_and_north(sheet: Sheet, axes: Axes, view: View) -> None:
    """Draw the scale bar, in the metres of the map itself, and the north arrow."""
    length_m, ink = choose_scale_m(view.box[2] - view.box[0]), PALETTE["ink"]
    left, low = view.box[0] + 3 / view.per_m, view.box[1] + 2.5 / view.per_m
    for share, face, gid in ((1.0, PALETTE["paper"], "scale-bar"), (0.5, ink, "scale-bar-half")):
        bar = Rectangle((left, low), share * length_m, 1.1 / view.per_m, facecolor=face)
        bar.set(edgecolor=ink, linewidth=0.6, zorder=8, gid=gid)
        axes.add_patch(bar)
    x0, top, x1, bottom = view.place
    text = sheet.pen.distance(length_m).replace(".0 ", " ")
    sheet.write(x0 + 3, bottom - 5.6, text, size=SMALL, halo=True)
    x, y = x1 - 4.5, top + 3
    arrow = Polygon([(x, y), (x + 1.7, y + 5), (x, y + 3.9), (x - 1.7, y + 5)], facecolor=ink)
    arrow.set(edgecolor=PALETTE["paper"], linewidth=0.6)
    sheet.axes.add_patch(arrow)
    sheet.write(x, y + 7, sheet.pen.word["north"], align="center", halo=True)


def _inset_box(frames: Frames, view: View) -> Box | None:
    """Return the box of the overview, in metres; none where the map shows all districts whole."""
    if "districts" not in frames:
        return None
    x0, y0, x1, y1 = (float(edge) for edge in frames["districts"].total_bounds)
    a0, b0, a1, b1 = view.box
    if a0 <= x0 and b0 <= y0 and a1 >= x1 and b1 >= y1:
        return None
    # Both, in a square, as the panel is.
    x0, y0, x1, y1 = min(x0, a0), min(y0, b0), max(x1, a1), max(y1, b1)
    half = 0.54 * max(x1 - x0, y1 - y0)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - half, y - half, x + half, y + half


def _draw_inset(sheet: Sheet, view: View, box: Box, groups: Sequence[Group], y: float) -> None:
    """Draw where the map lies among the districts, and every gap as a point."""
    right = sheet.size_mm[0] - MARGIN
    axes = sheet.panel((right - INSET, y, right, y + INSET), box)
    overview = View(box, 0, 0, INSET / (box[2] - box[0]))
    sites = any(group.layer == "sites" for group in groups)
    for group in groups:
        if group.layer == "districts":
            thin = replace(group, paint={**group.paint, "linewidth": 0.3})
            draw_group(axes, thin, overview, 1)
        if group.layer in {"gaps", "sites", *CHANGES} - ({"gained"} if sites else set()):
            points = shapely.get_coordinates(group.rows.representative_point().array)
            colour = PALETTE["accent" if sites else "gap"]
            axes.plot(*points.T, ".", markersize=2.5, color=colour)
    a0, b0, a1, b1 = view.box
    here = Rectangle((a0, b0), a1 - a0, b1 - b0, facecolor="none", edgecolor=PALETTE["ink"])
    axes.add_patch(here)


def _count(group: Group, pen: Pen) -> str:
    if group.layer in {"districts", "reach"}:
        return group.text
    return pen.word["count"].format(group.text, len(group.rows))


def _table_widths(table: Sequence[tuple[str, ...]], pen: Pen) -> list[float]:
    columns = zip(*table, strict=True)
    return [max(pen.width_mm(text, BODY) for text in column) + COLUMN_GAP for column in columns]


def _legend_places(
    groups: Sequence[Group], table: Sequence[tuple[str, ...]], width: float, pen: Pen
) -> tuple[float, float, float]:
    """Return where the table of gaps stands in the legend (x, y), and the legend's height."""
    first = 12 + max((pen.width_mm(_count(group, pen), BODY) for group in groups), default=0)
    height, more = len(groups) * LINE, len(table) * LINE
    _, name, *numbers = [*_table_widths(table, pen), 0, 0]
    if table and first + 5 + min(name, 28) + sum(numbers) > width:  # then it stands below
        return 0, height + 2, height + 2 + more
    return first, 0, max(height, more)


def _draw_sample(axes: Axes, x: float, y: float, group: Group) -> None:
    """Draw a group's sample for the legend."""
    draw_marks(axes, np.array([[x, y]]), group, 3)
    for coat in coats(group.paint) if group.mark is None else []:
        axes.add_patch(Rectangle((x - 2.2, y - 1.3), 4.4, 2.6, **coat))


def _draw_legend(sheet: Sheet, groups: Sequence[Group], x: float, y: float) -> None:
    """Draw samples with words and counts."""
    for i, group in enumerate(groups):
        middle = y + (i + 0.5) * LINE
        _draw_sample(sheet.axes, x + 2.4, middle, group)
        sheet.write(x + 6, middle, _count(group, sheet.pen))


def _draw_table(
    sheet: Sheet, table: Sequence[tuple[str, ...]], x: float, y: float, right: float, of: str
) -> None:
    """Write the largest gaps: ranks, names, and numbers one below the other."""
    pen = sheet.pen
    _, widest, *widths = _table_widths(table, pen)
    room = min(widest, right - x - 5 - sum(widths))
    ends = x + 5 + room - COLUMN_GAP + np.cumsum(widths)
    for i, (rank, name, *amounts) in enumerate(table):
        middle, colour = y + (i + 0.5) * LINE, "ink" if rank else "ink-quiet"
        if rank:
            sheet.rank(x + 2, middle, rank, colour=of)
        sheet.write(
            x + (5 if rank else 0), middle, pen.trim(name, BODY, room - COLUMN_GAP), colour=colour
        )
        for end, text in zip(ends, amounts, strict=True):
            sheet.write(end, middle, text, align="right", colour=colour)


def _notes(frames: Frames, lost: Mapping[str, int], view: View, pen: Pen) -> str:
    """Say what was given and is not drawn."""
    names = ("stations", "sites", "hot_zones", "gaps", *CHANGES)
    counted = {name: frames[name] for name in names if name in frames}
    outside = {name: len(frame) - len(view.seen(frame)) for name, frame in counted.items()}
    notes = [] if "stations" in frames or "stations" not in lost else [pen.word["no_stations"]]
    for key, counts in (("outside", outside), ("unusable", lost)):
        parts = [f"{pen.word[name]} {number}" for name, number in counts.items() if number]
        if parts:
            notes.append(pen.word[key].format(pen.word["comma"].join(parts)))
    return " ".join(notes)


def _foot(options: FigureOptions, note: str, pen: Pen, *, districts: bool) -> list[str]:
    """Return the lines under everything: caption, note, map approval."""
    texts = [options.caption, note]
    if options.map_approval:
        texts.append(pen.word["approval"].format(options.map_approval))
    elif districts:
        texts.append(pen.word["no_approval"])
    return [line for t in texts for line in pen.wrap(t, SMALL, options.width_mm - 2 * MARGIN)]


@dataclass(frozen=True)
class _Layout:
    """Where everything stands on a sheet, in millimetres from its upper left corner."""

    frames: Frames
    view: View
    title: list[str]
    groups: list[Group]
    largest: gpd.GeoDataFrame
    table: list[tuple[str, ...]]
    inset: Box | None
    right: float  # where the legend ends
    table_at: tuple[float, float]  # in the legend
    legend_y: float
    foot: list[str]
    foot_y: float
    height_mm: float


def _lay_out(
    frames: Frames,
    lost: Mapping[str, int],
    options: FigureOptions,
    pen: Pen,
    shape: float | None = None,
) -> _Layout:
    inner = options.width_mm - 2 * MARGIN
    frames, box = project(frames, options.extent, shape)
    title = pen.wrap(options.title, TITLE, inner)
    top = MARGIN + 6 * len(title) + (6 if options.illustrative else 0)
    view = View(box, MARGIN, top, inner / (box[2] - box[0]))
    groups = group_layers(frames, view, pen)
    largest = ranked(frames)
    table = rank_table(largest, pen)
    inset = _inset_box(frames, view)
    x1, y = options.width_mm - MARGIN, view.place[3] + 3
    right = x1 - INSET - 4 if inset else x1
    dx, dy, legend_mm = _legend_places(groups, table, right - MARGIN, pen)
    foot = _foot(options, _notes(frames, lost, view, pen), pen, districts="districts" in frames)
    foot_y = y + max(legend_mm, INSET if inset else 0) + 2.5
    return _Layout(
        frames=frames,
        view=view,
        title=title,
        groups=groups,
        largest=largest,
        table=table,
        inset=inset,
        right=right,
        table_at=(dx, dy),
        legend_y=y,
        foot=foot,
        foot_y=foot_y,
        height_mm=foot_y + 3.4 * len(foot) + MARGIN,
    )


def _fit_height(
    frames: Frames, lost: Mapping[str, int], options: FigureOptions, pen: Pen, first: _Layout
) -> _Layout:
    """Lay out anew with a map as high as the rest of the sheet leaves room for.

    What stands below may change with the map: a row more in the notes, an overview less. The
    sheet has its height in any case; what is left over stays empty.
    """
    height_mm = options.height_mm or 0.0
    width_mm, layout, most = options.width_mm - 2 * MARGIN, first, 0.0
    for _ in range(_FITTINGS):
        most = max(most, layout.height_mm - (layout.view.place[3] - layout.view.top))
        room_mm = height_mm - most
        if room_mm < _LEAST_MAP_MM:
            needed_mm = math.ceil(most + _LEAST_MAP_MM)
            pixels = math.ceil(needed_mm / 25.4 * options.dpi)
            raise InputError(
                f"A height of {height_mm:.0f} mm leaves no room for the map; this figure needs at "
                f"least {needed_mm} mm, which is {pixels} pixels at {options.dpi} dpi."
            )
        layout = _lay_out(frames, lost, options, pen, room_mm / width_mm)
        if layout.height_mm <= height_mm + _HAIR_MM:
            break
    return replace(layout, height_mm=height_mm)


def _compose(frames: Frames, lost: Mapping[str, int], options: FigureOptions) -> Figure:
    """Lay the sheet out from top to bottom, then draw on it."""
    pen = Pen(options.language)
    layout = _lay_out(frames, lost, options, pen)
    if options.height_mm is not None:
        layout = _fit_height(frames, lost, options, pen, layout)
    view, groups, frames = layout.view, layout.groups, layout.frames
    sheet = Sheet((options.width_mm, layout.height_mm), options.dpi, pen)
    sheet.figure.set_label(pen.plain(options.title))
    axes = sheet.panel(view.place, view.box)
    for i, group in enumerate(groups):  # of one layer, the later lies over the earlier
        draw_group(axes, group, view, LAYER_Z[group.layer] + i / 100)
    for i, line in enumerate(layout.title):
        sheet.write(MARGIN, MARGIN + 2.2 + 6 * i, line, size=TITLE)
    if options.illustrative:
        sheet.tag(MARGIN, view.top - 3.8, pen.word["illustrative"])
    if frames:
        _draw_scale_and_north(sheet, axes, view)
        draw_labels(sheet, view, frames, layout.largest)
    else:
        x0, y0, x1, y1 = view.place
        sheet.write((x0 + x1) / 2, (y0 + y1) / 2, pen.word["nothing"], align="center")
    _draw_legend(sheet, groups, MARGIN, layout.legend_y)
    if layout.table:
        dx, dy = layout.table_at
        of = "accent" if "sites" in frames else "gap"
        _draw_table(sheet, layout.table, MARGIN + dx, layout.legend_y + dy, layout.right, of)
    if layout.inset:
        _draw_inset(sheet, view, layout.inset, groups, layout.legend_y)
    for i, line in enumerate(layout.foot):
        sheet.write(MARGIN, layout.foot_y + 1.7 + 3.4 * i, line, size=SMALL, colour="ink-quiet")
    return sheet.figure


def draw_map(
    *,
    stations: gpd.GeoDataFrame | None = None,
    hot_zones: gpd.GeoDataFrame | None = None,
    districts: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    gaps: gpd.GeoDataFrame | None = None,
    reach: gpd.GeoDataFrame | None = None,
    changes: Mapping[str, gpd.GeoDataFrame] | None = None,
    options: FigureOptions,
) -> Figure:
    """Draw a map of what is given; any layer may be missing or empty.

    The map shows all that changes (``changes``), or else the middle 90 % of the gaps (by
    unserved demand), or of the stations. What lies outside of it or has no usable position is
    counted in a note, and an overview shows where it lies among the districts.

    Parameters
    ----------
    stations, hot_zones, districts, places
        Layers as :mod:`locator.schema` describes them, EPSG:4326.
    gaps
        Polygons, EPSG:4326; ``rank``, ``zone_name`` (or ``district_name``), ``area_m2``,
        ``unserved_demand_per_h`` and ``nearest_m`` (or ``nearest_ride_m``) are used where they
        are there.
    reach
        Areas that do not overlap, EPSG:4326, the nearest first, at most three; ``name`` is what
        the legend says of each.
    changes
        ``gained`` and ``lost``: polygons, EPSG:4326, that one register covers and another does
        not; ``uncovered``: what neither does; ``sites``: points with ``rank``, ``name`` and
        ``gain``, which are then ranked in the place of gaps.
    options
        Texts, language and size.

    Raises
    ------
    InputError
        A layer is not EPSG:4326.
    DatumError
        The coordinates are not degrees, or the area is too large for one local projection.
    """
    frames, unusable = usable(
        {
            "stations": stations,
            "hot_zones": hot_zones,
            "gaps": gaps,
            "reach": reach,
            **(changes or {}),
            "places": places,
            "districts": districts if options.show_districts else None,
        }
    )
    made_up = options.illustrative or any(is_illustrative(frame) for frame in frames.values())
    with style():
        return _compose(frames, unusable, replace(options, illustrative=made_up))


def render_figure(figure: Figure, file_format: Literal["png", "svg"]) -> bytes:
    """Return a figure as the bytes of a PNG or SVG file: the same figure, the same bytes."""
    about: dict[str, str | None] = {"Title": str(figure.get_label())}
    about |= {"Software": None} if file_format == "png" else {"Date": None, "Creator": "locator"}
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=file_format, dpi=figure.dpi, metadata=about)
    return buffer.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, by the file's ending, whole or not at all.

    Raises
    ------
    InputError
        The ending is another one.
    """
    ending = path.suffix.lower()
    if ending not in {".png", ".svg"}:
        raise InputError(f"{path}: a figure can be written as .png or .svg; choose one of them.")
    content = render_figure(figure, "png" if ending == ".png" else "svg")
    with written_whole(path) as draft:
        draft.write_bytes(content)


def ranked(frames: Frames) -> gpd.GeoDataFrame:
    """Return what a map ranks: chosen sites where there are some, else the largest gaps."""
    if "sites" not in frames:
        return largest_gaps(frames.get("gaps", gpd.GeoDataFrame(geometry=[])))
    sites = frames["sites"]
    return sites.assign(rank=numbers(sites, "rank"), gain=numbers(sites, "gain")).dropna(
        subset=["rank"]
    )


def _site_table(sites: gpd.GeoDataFrame, pen: Pen) -> list[tuple[str, ...]]:
    """Return the first sites with what each adds."""
    unknown, shown = pen.word["unknown"], sites.head(_TOP_SITES)
    gains = [f"{gain:,.1f}" if np.isfinite(gain) else unknown for gain in shown["gain"]]
    names = [pen.plain(name) or unknown for name in shown["name"]]
    rows = [(f"{rank:.0f}", *row) for rank, *row in zip(shown["rank"], names, gains, strict=True)]
    return [("", pen.word["sites"], pen.word["gain"]), *rows] if rows else []


def largest_gaps(gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the largest gaps in order: by their rank, else by unserved demand, else by area."""
    rank, demand = numbers(gaps, "rank"), unserved(gaps)
    if np.isnan(rank).all():
        area = np.where(np.isnan(given := numbers(gaps, "area_m2")), gaps.area, given)
        rank[np.lexsort([-area, -np.nan_to_num(demand, nan=-1.0)])] = np.arange(1, len(gaps) + 1)
    ranked = gaps.assign(rank=rank)[np.isfinite(rank)]
    return ranked.sort_values("rank", kind="stable").head(_TOP_GAPS)


def rank_table(largest: gpd.GeoDataFrame, pen: Pen) -> list[tuple[str, ...]]:
    """Return gaps or sites as rows of rank, name and numbers; the first row is the heading."""
    if "gain" in largest:
        return _site_table(largest, pen)
    unknown, blank = pen.word["unknown"], pd.Series(None, index=largest.index, dtype=object)
    names = largest.get("zone_name", largest.get("district_name", blank))
    columns = [
        ["", *(f"{rank:.0f}" for rank in largest["rank"])],
        [
            pen.word["largest_areas" if "gaps" in largest else "largest"],
            *(pen.plain(name) or unknown for name in names),
        ],
    ]
    for column in ("unserved_demand_per_h", "unserved_demand"):
        if column in largest:
            demand = numbers(largest, column)
            texts = [f"{value:.1f}" if np.isfinite(value) else unknown for value in demand]
            columns.append([pen.word[column], *texts])
    for column in ("nearest_m", "nearest_ride_m"):
        if column in largest:
            texts = [pen.distance(metres) for metres in numbers(largest, column)]
            columns.append([pen.word["nearest"], *texts])
            break
    return list(zip(*columns, strict=True)) if len(largest) else []
