"""What is drawn: layers checked, projected, grouped for the legend, and their polygons as paths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path as Outline
from shapely.geometry.polygon import orient

from locator.datum import local_crs
from locator.errors import InputError
from locator.figures.paper import Box, Numbers, Pen
from locator.schema import Kind, State, Status
from locator.theme import KIND_LOOKS, PALETTE, Mark, dense_range

Frames = dict[str, gpd.GeoDataFrame]
Fill = Literal["full", "left", "none"]  # open or not said, unknown, closed or out of service


_CROWD = 60  # stations in sight, above which they are drawn smaller


_SITE = Mark(PALETTE["accent"], "o", "●")


_UNKNOWN_KIND = Mark(PALETTE["ink-quiet"], "X", "✖")


_OF_POINTS = frozenset({"stations", "places", "sites"})


_POLYGONS = frozenset({"Polygon", "MultiPolygon", "GeometryCollection"})


LAYER_Z = {"reach": 0.5, "districts": 1, "hot_zones": 2, "gaps": 3, "gained": 3, "lost": 3}
LAYER_Z |= {"uncovered": 2.5, "stations": 4, "sites": 5}


# Of bands of reach, the nearest first: opacity and line, told apart in grey too.
_BANDS = ((0.36, "-"), (0.22, "--"), (0.1, ":"))
CHANGES = ("gained", "lost")


@dataclass(frozen=True)
class View:
    """The box of the map, in metres, and where it lies on the sheet, in millimetres."""

    box: Box
    left: float
    top: float
    per_m: float

    @property
    def place(self) -> Box:
        """Return where the map lies on the sheet, in millimetres."""
        x0, y0, x1, y1 = self.box
        right, bottom = self.left + (x1 - x0) * self.per_m, self.top + (y1 - y0) * self.per_m
        return self.left, self.top, right, bottom

    def to_mm(self, points: Numbers) -> Numbers:
        """Return where points of the map lie on the sheet."""
        x, y = (points - [self.box[0], self.box[3]]).T * self.per_m
        return np.column_stack([self.left + x, self.top - y])

    def points_mm(self, frame: gpd.GeoDataFrame) -> Numbers:
        """Return a point inside each row's geometry, on the sheet."""
        return self.to_mm(shapely.get_coordinates(frame.representative_point().to_numpy()))

    def seen(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the rows whose box meets the map's."""
        b = frame.bounds
        x0, y0, x1, y1 = self.box
        return frame[(b.minx <= x1) & (b.maxx >= x0) & (b.miny <= y1) & (b.maxy >= y0)]

    def cut(self, frame: gpd.GeoDataFrame, margin_mm: float = 2) -> npt.NDArray[np.object_]:
        """Return polygons clipped to the map, simplified by less than can be seen."""
        x0, y0, x1, y1 = self.box
        edge = margin_mm / self.per_m
        shapes = shapely.make_valid(frame.geometry.to_numpy())
        shapes = shapely.make_valid(shapely.simplify(shapes, 0.05 / self.per_m))
        cut = shapely.clip_by_rect(shapes, x0 - edge, y0 - edge, x1 + edge, y1 + edge)
        return np.asarray(cut, dtype=np.object_)


@dataclass(frozen=True)
class Group:
    """Rows drawn alike, and their line of the legend."""

    text: str
    layer: str
    rows: gpd.GeoDataFrame
    mark: Mark | None = None
    fill: Fill = "full"
    size: float = 5.2  # points
    paint: Mapping[str, Any] = field(default_factory=dict)


def usable(given: Mapping[str, gpd.GeoDataFrame | None]) -> tuple[Frames, dict[str, int]]:
    """Return the layers that hold something, and how many rows of each cannot be drawn."""
    frames, lost = {}, {}
    for name, frame in given.items():
        if frame is None:
            continue
        lost[name] = 0
        if not len(frame):
            continue
        if frame.crs is None or frame.crs.to_epsg() != 4326:
            raise InputError(f"{name}: geometry must be EPSG:4326 (WGS-84), it is {frame.crs}.")
        types = {"Point"} if name in _OF_POINTS else _POLYGONS
        good = frame.geom_type.isin(types) & np.isfinite(frame.bounds).all(axis=1)
        lost[name] = int((~good).sum())
        if good.any():
            frames[name] = frame[good].reset_index(drop=True)
    return frames, lost


def numbers(frame: gpd.GeoDataFrame, column: str) -> Numbers:
    """Return a column as numbers; unknown, unreadable and infinite are NaN."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def unserved(frame: gpd.GeoDataFrame) -> Numbers:
    """Return the unserved demand, an hour's or that of points without an hour."""
    column = "unserved_demand" if "unserved_demand" in frame else "unserved_demand_per_h"
    return numbers(frame, column)


def _focus(frames: Frames) -> Box:
    """Return the box, in degrees, of what answers the question.

    That is what changes, all of it, and chosen sites; else the middle 90 % of the gaps, weighed
    by their unserved demand; or else where most of the stations are.
    """
    shown = ("sites", "gained") if "sites" in frames else CHANGES
    changes = [frames[name].total_bounds for name in shown if name in frames]
    if changes:
        low, high = np.min(changes, axis=0), np.max(changes, axis=0)
        return float(low[0]), float(low[1]), float(high[2]), float(high[3])
    order = ("gaps", "stations", "reach", "hot_zones", "places", "districts")
    first = next(name for name in order if name in frames)
    frame = frames[first]
    if first == "stations":
        (west, east), (south, north) = dense_range(frame.geometry.x), dense_range(frame.geometry.y)
        return west, south, east, north
    weights = np.nan_to_num(unserved(frame)).clip(min=0)
    weights = weights if weights.any() else np.ones(len(frame))
    edges = []
    for values, share in zip(frame.bounds.to_numpy().T, (0.05, 0.05, 0.95, 0.95), strict=True):
        rising = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[rising])
        edges.append(float(values[rising][np.searchsorted(reached, share * reached[-1])]))
    return edges[0], edges[1], edges[2], edges[3]


def project(frames: Frames, extent: Box | None, shape: float | None = None) -> tuple[Frames, Box]:
    """Return the layers in metres and the box to show: padded, at least 2 km, not too slim.

    With a ``shape``, height over width, the box has just that.
    """
    if not frames:
        return frames, (0.0, 0.0, 2000.0, 2000.0 * (shape or 0.5))
    focus = extent or _focus(frames)
    crs = local_crs(focus)
    x0, y0, x1, y1 = gpd.GeoSeries([shapely.box(*focus)], crs=4326).to_crs(crs).total_bounds
    width, height = max(1.12 * (x1 - x0), 2000.0), max(1.12 * (y1 - y0), 2000.0)
    flattest, steepest = (0.45, 0.85) if shape is None else (shape, shape)
    width = max(width, height / steepest)
    height = max(height, width * flattest)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return {name: frame.to_crs(crs) for name, frame in frames.items()}, box


def _station_groups(frame: gpd.GeoDataFrame, view: View, pen: Pen) -> list[Group]:
    """Return the stations by kind; those out of service, closed or unknown then apart.

    They are smaller where they crowd.
    """
    size = 5.2 if len(view.seen(frame)) <= _CROWD else 4.0
    nothing = pd.Series("", index=frame.index)
    kinds = frame.get("kind", nothing)
    out = frame.get("status", nothing).isin([Status.CLOSED, Status.TEMPORARILY_CLOSED])
    looks = [(kinds == kind, kind.label(pen.language), KIND_LOOKS[kind]) for kind in Kind]
    looks.append((~kinds.isin(list(Kind)), pen.word["kind_unknown"], _UNKNOWN_KIND))
    states = frame.get("state", nothing)
    shut, unsure = ~out & (states == State.CLOSED), ~out & (states == State.UNKNOWN)
    ways: list[tuple[str, pd.Series[bool], Fill]] = [
        ("", ~(out | shut | unsure), "full"),
        ("unsure", unsure, "left"),
        ("shut", shut, "none"),
        ("inactive", out, "none"),
    ]
    groups = []
    for (mask, label, mark), (word, such, fill) in product(looks, ways):
        text = pen.word[word].format(label) if word else label
        groups.append(Group(text, "stations", frame[mask & such], mark, fill, size))
    return groups


def _zone_groups(frame: gpd.GeoDataFrame, pen: Pen) -> list[Group]:
    """Return up to three classes of demand, highest first, cut at round thirds."""
    demand = numbers(frame, "demand_per_h")
    known = demand[np.isfinite(demand)]
    cuts: Numbers = np.array([])
    if len(np.unique(known)) > 3:
        cuts = np.unique([float(f"{cut:.2g}") for cut in np.quantile(known, [1 / 3, 2 / 3])])
        cuts = cuts[(cuts > known.min()) & (cuts <= known.max())]
    spans = [f"{a:g}–{b:g}" for a, b in pairwise(cuts)]
    spans = [f"< {cuts[0]:g}", *spans, f"≥ {cuts[-1]:g}"] if len(cuts) else [""]
    line = PALETTE["zone"]
    dashed = {"facecolor": "none", "edgecolor": line, "linewidth": 0.6, "linestyle": "--"}
    unknown = frame[np.isnan(demand)]
    groups = [Group(pen.word["zone_unknown"], "hot_zones", unknown, paint=dashed)]
    for i, span in enumerate(spans):
        rows = frame[np.isfinite(demand) & (np.searchsorted(cuts, demand, side="right") == i)]
        text = pen.word["zone_class"].format(span) if span else pen.word["zone"]
        face = to_rgba(PALETTE["zone-fill"], 0.2 + 0.3 * i)
        paint = {"facecolor": face, "edgecolor": line, "linewidth": 0.4}
        groups.append(Group(text, "hot_zones", rows, paint=paint))
    return groups[::-1]


def _reach_groups(frame: gpd.GeoDataFrame, pen: Pen) -> list[Group]:
    """Return the bands of reach, each under its own name."""
    groups = []
    for i, (opacity, line) in zip(range(len(frame)), _BANDS, strict=False):
        covered = PALETTE["covered"]
        face = to_rgba(covered, opacity)
        paint = {"facecolor": face, "edgecolor": covered, "linewidth": 0.7, "linestyle": line}
        rows = frame.iloc[i : i + 1]
        groups.append(Group(pen.plain(rows["name"].iloc[0]), "reach", rows, paint=paint))
    return groups


def group_layers(frames: Frames, view: View, pen: Pen) -> list[Group]:
    """Return what is drawn, in the order of the legend."""
    groups = []
    if "sites" in frames:
        groups.append(Group(pen.word["site"], "sites", frames["sites"], _SITE, size=7.0))
    if "stations" in frames:
        groups += _station_groups(frames["stations"], view, pen)
    if "gaps" in frames:
        red = PALETTE["gap"]
        paint = {"facecolor": to_rgba(red, 0.14), "edgecolor": red, "linewidth": 0.8}
        rows = frames["gaps"]
        word = pen.word["gap_area" if "gaps" in rows else "gap"]
        groups.append(Group(word, "gaps", rows, paint=paint | {"hatch": "//////"}))
    changed = (("gained", "accent", "oo"), ("lost", "gap", "xxxx"), ("uncovered", "gap", "////"))
    for name, colour, hatch in changed:
        if name in frames:
            line = PALETTE[colour]
            paint = {"facecolor": to_rgba(line, 0.18), "edgecolor": line, "linewidth": 0.8}
            rows = frames[name]
            groups.append(Group(pen.word[name], name, rows, paint=paint | {"hatch": hatch}))
    if "hot_zones" in frames:
        groups += _zone_groups(frames["hot_zones"], pen)
    if "reach" in frames:
        groups += _reach_groups(frames["reach"], pen)
    if "districts" in frames:
        paint = {"facecolor": "none", "edgecolor": PALETTE["district"], "linewidth": 0.6}
        rows = frames["districts"]
        groups.append(Group(pen.word["district"], "districts", rows, paint=paint))
    return [group for group in groups if len(group.rows)]


def _outline(geometry: shapely.Geometry) -> Outline:
    """Return the polygons of a geometry as one path, holes wound the other way round."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    wound = [orient(part) for part in parts if part.geom_type == "Polygon"]
    rings = [ring for part in wound for ring in (part.exterior, *part.interiors)]
    outlines = [Outline(shapely.get_coordinates(ring), closed=True) for ring in rings]
    return Outline.make_compound_path(*outlines)


def draw_marks(axes: Axes, points: Numbers, group: Group, zorder: float) -> None:
    """Draw points in a group's mark, if it has one."""
    if group.mark is None:
        return
    colour, paper = group.mark.colour, PALETTE["paper"]
    full = group.fill == "full"
    axes.plot(
        *points.T,
        linestyle="none",
        marker=group.mark.marker,
        markersize=group.size,
        fillstyle="left" if group.fill == "left" else "full",
        markerfacecolor=paper if group.fill == "none" else colour,
        markerfacecoloralt=paper,
        markeredgecolor=paper if full else colour,
        markeredgewidth=0.5 if full else 1.0,
        zorder=zorder,
    )


def coats(paint: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return fill and hatch apart: SVG would give the hatch the opacity of the fill."""
    if "hatch" not in paint:
        return [dict(paint)]
    return [{**paint, "hatch": None}, {**paint, "facecolor": "none"}]


def draw_group(axes: Axes, group: Group, view: View, zorder: float) -> None:
    """Draw what is seen of a group: marks, or polygons coat by coat."""
    if group.mark is not None:
        points = shapely.get_coordinates(view.seen(group.rows).geometry.array)
        draw_marks(axes, points, group, zorder)
        return
    outlines = [_outline(shape) for shape in view.cut(view.seen(group.rows))]
    for coat in coats(group.paint):
        axes.add_collection(PathCollection(outlines, zorder=zorder, **coat), autolim=False)
