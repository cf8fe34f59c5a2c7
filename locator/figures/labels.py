"""Ranks and names over the map, placed so that they do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.errors import InputError
from locator.figures.layers import Frames, View, numbers
from locator.figures.paper import BODY, POINTS_PER_MM, SMALL, Box, Numbers, Pen, Sheet
from locator.theme import PALETTE

_NAMED_STATIONS = 12  # names of stations only where they are this few


_PLACES_TRIED = 60


_HIDING_MM = 25.0  # gaps up to this size keep names off


_PLACE_ORDER = {"city": 0, "county_seat": 1, "subdistrict": 2, "town": 3}


def choose_scale_m(width_m: float, *, share: float = 0.25) -> float:
    """Return the longest of 1, 2, 5 × 10ⁿ metres that fits into a share of a map's width."""
    room = width_m * share
    if not 0 < room < float("inf"):
        raise InputError(f"A map cannot be {width_m} metres wide.")
    power = 10.0 ** np.floor(np.log10(room))
    return float(next(step * power for step in (5, 2, 1) if step * power <= room * (1 + 1e-9)))


@dataclass(frozen=True)
class _Label:
    """A text that wants a place: it takes the first free of its spots (its middle, in mm)."""

    text: str
    spots: Numbers
    size: float = SMALL
    colour: str = "ink"
    dot: Numbers | None = None
    rank: bool = False


def _beside(at: Numbers, width: float, height: float, away: float) -> Numbers:
    """Return the middles of a box right, left, above, below and askew of a point."""
    x, y = away + width / 2, away + height / 2
    around = [(x, 0), (-x, 0), (0, -y), (0, y), (x, -y), (-x, -y), (x, y), (-x, y)]
    return np.asarray(at + np.array(around), dtype=np.float64)


def _inner_points(shape: shapely.Geometry, depth_m: float) -> Numbers:
    """Return points at least so deep inside a polygon, the farthest from its edge first."""
    x0, y0, x1, y1 = shapely.bounds(shape)
    steps = (np.arange(15) + 0.5) / 15
    grid = np.array(list(product(x0 + steps * (x1 - x0), y0 + steps * (y1 - y0))))
    grid = grid[shapely.contains_xy(shape, grid)]
    depth = shapely.distance(shapely.boundary(shape), shapely.points(grid))
    inner: Numbers = grid[np.argsort(-depth, kind="stable")[: np.sum(depth >= depth_m)]]
    return inner


def _name_labels(rows: gpd.GeoDataFrame, view: View, pen: Pen, colour: str) -> list[_Label]:
    labels = []
    for (_, row), point in zip(rows.iterrows(), view.points_mm(rows), strict=True):
        if text := pen.trim(pen.name(row), SMALL, 34):
            width, dot = pen.width_mm(text, SMALL), point if colour == "place" else None
            spots = _beside(point, width, SMALL / POINTS_PER_MM, 1.0 if dot is not None else 1.7)
            labels.append(_Label(text, spots, colour=colour, dot=dot))
    return labels


def _rank_labels(largest: gpd.GeoDataFrame, view: View) -> list[_Label]:
    """Return the ranks: in the middle of a gap, but beside one that they would hide."""
    labels = []
    seen = view.seen(largest)
    sizes = seen.bounds.to_numpy() @ [[-1, 0], [0, -1], [1, 0], [0, 1]] * view.per_m
    for rank, point, (width, height) in zip(seen["rank"], view.points_mm(seen), sizes, strict=True):
        spots = [point[None], _beside(point, 3.6, 3.6, max(1.2, min(width, height) / 2))]
        small = 0 < max(width, height) < 5  # a point's rank stands on it
        labels.append(_Label(f"{rank:.0f}", np.vstack(spots[::-1] if small else spots), rank=True))
    return labels


def _labels(frames: Frames, view: View, pen: Pen) -> list[_Label]:
    """Return the names over the map, the most important first."""
    labels = []
    if "districts" in frames:
        seen = view.seen(frames["districts"])
        for (_, row), shape in zip(seen.iterrows(), view.cut(seen, margin_mm=0), strict=True):
            text = pen.trim(pen.name(row), BODY, 40)
            if text and len(spots := _inner_points(shape, 2.5 / view.per_m)):
                labels.append(_Label(text, view.to_mm(spots), BODY, "district"))
    if "places" in frames:
        seen = view.seen(frames["places"])
        kinds = seen.get("kind", pd.Series("", index=seen.index)).map(_PLACE_ORDER).fillna(9)
        first = np.lexsort([-np.nan_to_num(numbers(seen, "population")), kinds])
        labels += _name_labels(seen.iloc[first[:_PLACES_TRIED]], view, pen, "place")
    if "stations" in frames and len(seen := view.seen(frames["stations"])) <= _NAMED_STATIONS:
        labels += _name_labels(seen, view, pen, "ink")
    return labels


def _apart(boxes: Numbers, others: Numbers) -> npt.NDArray[np.bool_]:
    """Tell of each pair of boxes whether they lie apart: (n, 4) and (m, 4) give (n, m)."""
    after, before = boxes[:, None, :2] >= others[:, 2:], boxes[:, None, 2:] <= others[:, :2]
    return np.asarray(np.any(after | before, axis=2), dtype=np.bool_)


def _boxes(middles: Numbers, half: float | Numbers) -> Numbers:
    return np.hstack([middles - half, middles + half])


def _place(
    labels: Sequence[_Label], taken: Numbers, frame: Box, pen: Pen
) -> tuple[list[tuple[_Label, Numbers]], Numbers]:
    """Give each label its first free spot; return them, and the boxes that are taken now.

    A name that finds no spot, or whose dot is covered, is left out; a rank never is.
    """
    placed = []
    for label in labels:
        size = np.array([pen.width_mm(label.text, label.size) + 0.8, label.size * 0.42])
        boxes = _boxes(label.spots, 1.85 if label.rank else size / 2)
        dot = np.empty((0, 4)) if label.dot is None else _boxes(label.dot[None], 0.7)
        inside = np.all((boxes - frame) * [1, 1, -1, -1] >= 0, axis=1)
        free = np.flatnonzero(inside & np.all(_apart(boxes, taken), axis=1))
        if label.rank or (len(free) and np.all(_apart(dot, taken))):
            best = free[0] if len(free) else 0
            taken = np.vstack([taken, boxes[best], dot])
            placed.append((label, label.spots[best]))
    return placed, taken


def draw_labels(sheet: Sheet, view: View, frames: Frames, largest: gpd.GeoDataFrame) -> None:
    """Write ranks first, then names, around stations, gaps, scale bar and north arrow."""
    x0, y0, x1, y1 = view.place
    bar = choose_scale_m(view.box[2] - view.box[0]) * view.per_m
    taken = np.array([[x0, y1 - 9, x0 + max(bar, 10) + 6, y1], [x1 - 9, y0, x1, y0 + 13]])
    stations = np.empty((0, 4))
    if "stations" in frames:
        stations = _boxes(view.points_mm(view.seen(frames["stations"])), 1.1)
    if "sites" in frames:  # a site's rank stands on it, whatever else is there
        placed, taken = _place(_rank_labels(largest, view), taken, view.place, sheet.pen)
        taken = np.vstack([taken, stations])
    else:
        taken = np.vstack([taken, stations])
        placed, taken = _place(_rank_labels(largest, view), taken, view.place, sheet.pen)
    if "gaps" in frames:
        b = view.seen(frames["gaps"]).bounds.to_numpy()
        boxes = np.hstack([view.to_mm(b[:, [0, 3]]), view.to_mm(b[:, [2, 1]])])
        small = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) < _HIDING_MM
        taken = np.vstack([taken, boxes[small]])
    names, _ = _place(_labels(frames, view, sheet.pen), taken, view.place, sheet.pen)
    for label, (x, y) in [*placed, *names]:
        if label.rank:
            sheet.rank(x, y, label.text, colour="accent" if "sites" in frames else "gap")
            continue
        if label.dot is not None:
            sheet.axes.plot(*label.dot, ".", markersize=3, color=PALETTE["place"])
        size, colour = label.size, label.colour
        sheet.write(x, y, label.text, size=size, colour=colour, align="center", halo=True)
