"""The layers that a siting study's maps are drawn from."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.hours import STATES
from locator.schema import CRS
from locator.study.sites import SiteAnswer

__all__ = ["map_layers"]

_POINT_M = 150.0  # the side of a point's square on a map, where points were given
_TOUCH = 1.1  # squares overlap a little, so that neighbours join


def map_layers(answer: SiteAnswer) -> dict[str, tuple[gpd.GeoDataFrame, str]]:
    """Return layers by name, EPSG:4326, each with its type of geometry.

    ``newly_covered`` and ``uncovered`` as :data:`locator.reporting.sites_folder.LAYERS_OF` has
    them, and those of ``MAP_LAYERS`` that there are.
    """
    ground = answer.ground
    study = ground.basis.study
    snapshot = study.inputs.snapshot
    demand = ground.demand
    total = demand.sum(axis=1)
    before = np.where(ground.served, demand, 0.0).sum(axis=1)
    after = np.where(answer.gains.covered, demand, 0.0).sum(axis=1)
    lacking = (total > 0) & (after < 0.5 * total)
    stations = snapshot.stations.assign(counted=ground.counts)
    if study.at is not None:
        states = [STATES[code].value for code in snapshot.index.states(study.at)]
        stations = stations.assign(state=states)
    found = {
        "newly_covered": (_areas(answer, after - before, after > before), "MultiPolygon"),
        "uncovered": (_areas(answer, total - after, lacking), "MultiPolygon"),
        "stations": (stations, "Point"),
        "districts": (snapshot.districts, "MultiPolygon"),
        "places": (snapshot.places, "Point"),
    }
    if study.inputs.hot_zones is not None:
        zones = study.inputs.hot_zones.assign(demand_per_h=study.demand_per_h)
        found["hot_zones"] = (zones.to_crs(CRS), "MultiPolygon")
    return found


def _areas(
    answer: SiteAnswer, amount: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    """Return the squares of some demand points, joined where they touch, with their demand."""
    basis = answer.ground.basis
    study, points = basis.study, basis.points
    zones = study.inputs.points is None
    half = 0.5 * (_TOUCH * points.cell_m if zones else _POINT_M)
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
