"""The exact area of a polygon inside a union of equal discs, without making polygons of them.

Green's theorem over the boundary of the intersection: the polygon's edges inside the discs and
the circles' arcs inside the polygon, ``A = 1/2 * closed integral of (x dy - y dx)``
(Courant & John, Introduction to Calculus and Analysis II, 1974, section 5.2).
"""

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

Array = npt.NDArray[np.float64]
_ON_EDGE = 1e-6


def covered_area_m2(polygon: BaseGeometry, centres: Array, radius_m: float) -> float:
    """Return the area of ``polygon`` within ``radius_m`` of any centre.

    Parameters
    ----------
    polygon
        Polygon or multipolygon in a metric projection.
    centres
        (n, 2) x and y in the same projection.
    radius_m
        Radius of every disc, above 0.
    """
    given = np.asarray(centres, dtype=np.float64).reshape(-1, 2)
    # A country's stations, a street's zone: leave out the far ones before the slow steps.
    west, south, east, north = polygon.bounds
    x, y = given.T
    far = radius_m + 1.0
    across = (x > west - far) & (x < east + far)
    given = given[across & (y > south - far) & (y < north + far)]
    # Circles closer than a micrometre are one: rounding could not tell which lies outside.
    points = np.unique(np.round(given, 6), axis=0)
    near = shapely.distance(shapely.points(points), polygon) < radius_m
    points = points[near]
    if not len(points) or polygon.is_empty:
        return 0.0
    # Cross products of large coordinates cancel; so work around the polygon's own middle.
    origin = np.array(polygon.centroid.coords[0])
    local = shapely.transform(shapely.orient_polygons(polygon), lambda xy: xy - origin)
    points = points - origin
    starts, steps = _edges(local)
    shapely.prepare(local)
    area = _edge_part(starts, steps, points, radius_m)
    return area + sum(
        _arc_part(local, starts, steps, points, number, radius_m) for number in range(len(points))
    )


def _edges(polygon: BaseGeometry) -> tuple[Array, Array]:
    """Return start and step of every edge, shells counter-clockwise and holes clockwise."""
    starts, steps = [], []
    for part in shapely.get_parts(polygon):
        for ring in shapely.get_rings(part):
            xy = shapely.get_coordinates(ring)
            starts.append(xy[:-1])
            steps.append(np.diff(xy, axis=0))
    return np.concatenate(starts), np.concatenate(steps)


def _line_circle(
    starts: Array, steps: Array, centres: Array, radius_m: float
) -> tuple[Array, Array]:
    """Return the parameters where lines enter and leave circles; NaN where they miss."""
    offset = starts[:, None, :] - centres[None, :, :]
    a = (steps**2).sum(axis=1)[:, None]
    b = (offset * steps[:, None, :]).sum(axis=2)
    c = (offset**2).sum(axis=2) - radius_m**2
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(b * b - a * c)
        return (-b - root) / a, (-b + root) / a


def _edge_part(starts: Array, steps: Array, centres: Array, radius_m: float) -> float:
    enter, leave = _line_circle(starts, steps, centres, radius_m)
    enter, leave = np.clip(enter, 0.0, 1.0), np.clip(leave, 0.0, 1.0)
    empty = ~(leave > enter)
    enter, leave = np.where(empty, 0.0, enter), np.where(empty, 0.0, leave)
    order = np.argsort(enter, axis=1)
    enter, leave = np.take_along_axis(enter, order, 1), np.take_along_axis(leave, order, 1)
    reached = np.maximum.accumulate(leave, axis=1)
    before = np.column_stack([np.zeros(len(starts)), reached[:, :-1]])
    length = np.maximum(leave - np.maximum(enter, before), 0.0).sum(axis=1)
    cross = starts[:, 0] * steps[:, 1] - starts[:, 1] * steps[:, 0]
    return float(0.5 * (cross * length).sum())


def _arc_part(
    polygon: BaseGeometry,
    starts: Array,
    steps: Array,
    centres: Array,
    number: int,
    radius_m: float,
) -> float:
    """Return the part of one circle that bounds the intersection."""
    centre = centres[number]
    others = np.delete(centres, number, axis=0)
    step = others - centre
    distance = np.hypot(step[:, 0], step[:, 1])
    others = others[distance < 2 * radius_m]
    step, distance = step[distance < 2 * radius_m], distance[distance < 2 * radius_m]
    towards = np.arctan2(step[:, 1], step[:, 0])
    half = np.arccos(distance / (2 * radius_m))
    cuts = [towards - half, towards + half]
    for parameter in _line_circle(starts, steps, centre[None, :], radius_m):
        t = parameter[:, 0]
        # A vertex may lie on the circle: a cut too many is harmless, one missed is not.
        on_edge = (t >= -_ON_EDGE) & (t <= 1 + _ON_EDGE)
        hit = starts[on_edge] + t[on_edge, None] * steps[on_edge] - centre
        cuts.append(np.arctan2(hit[:, 1], hit[:, 0]))
    angle = np.unique(np.concatenate([np.mod(a, 2 * np.pi) for a in cuts] + [np.zeros(1)]))
    begin, end = angle, np.append(angle[1:], 2 * np.pi)
    middle = (begin + end) / 2
    probe = centre + radius_m * np.column_stack([np.cos(middle), np.sin(middle)])
    outside = (((probe[:, None, :] - others[None, :, :]) ** 2).sum(axis=2) >= radius_m**2).all(
        axis=1
    )
    bounding = outside & shapely.contains_xy(polygon, probe[:, 0], probe[:, 1])
    begin, end = begin[bounding], end[bounding]
    whole = radius_m**2 * (end - begin)
    whole += radius_m * centre[0] * (np.sin(end) - np.sin(begin))
    whole -= radius_m * centre[1] * (np.cos(end) - np.cos(begin))
    return float(0.5 * whole.sum())
