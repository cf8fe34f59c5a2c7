"""Where a siting study covers more than before, and where it still does not: areas for maps."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.schema import CRS
from locator.study.sites import SiteAnswer

__all__ = ["covered_areas"]

_POINT_M = 150.0  # the side of a point's square on a map, where points were given
_TOUCH = 1.1  # squares overlap a little, so that neighbours join


def covered_areas(answer: SiteAnswer) -> dict[str, gpd.GeoDataFrame]:
    """Return what is newly covered and what stays uncovered, EPSG:4326.

    The layers ``newly_covered`` and ``uncovered`` of
    :data:`locator.reporting.folder.LAYERS_OF`.
    """
    setup = answer.setup
    demand = setup.demand
    total = demand.sum(axis=1)
    before = np.where(setup.served, demand, 0.0).sum(axis=1)
    after = np.where(answer.gains.covered, demand, 0.0).sum(axis=1)
    return {
        "newly_covered": _areas(answer, after - before, after > before),
        "uncovered": _areas(answer, total - after, (total > 0) & (after < 0.5 * total)),
    }


def _areas(
    answer: SiteAnswer, amount: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    """Return the squares of some demand points, joined where they touch, with their demand."""
    basis = answer.setup.basis
    study, points = basis.study, basis.points
    zones = study.inputs.points is None
    half = 0.5 * (_TOUCH * points.side_m[chosen] if zones else _POINT_M)
    at = gpd.GeoSeries(shapely.points(points.lonlat[chosen]), crs=CRS).to_crs(study.crs)
    squares = shapely.box(at.x - half, at.y - half, at.x + half, at.y + half)
    joined = shapely.union_all(squares)
    if zones and len(squares):
        joined = shapely.intersection(joined, shapely.union_all(study.pieces.geometry.to_numpy()))
    parts = shapely.get_parts(joined)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]  # 3: polygons
    sums = np.zeros(len(parts))
    if len(parts):
        where = shapely.STRtree(parts).nearest(shapely.points(at.x, at.y))
        sums += np.bincount(where, weights=amount[chosen], minlength=len(parts))
    frame = gpd.GeoDataFrame(
        {"demand": pd.Series(sums, dtype=np.float64).round(6)}, geometry=parts, crs=study.crs
    )
    return frame.to_crs(CRS)
