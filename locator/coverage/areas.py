"""Gap areas: gaps that lie together, under a name a person can use."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from locator.datum import geodesic_m
from locator.schema import CRS

JOIN_M = 300.0  # gaps on both sides of a wide road, or of one station's circle, are one matter
_BEARINGS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_AT_PLACE_M = 500.0


def merge_gaps(
    gaps: gpd.GeoDataFrame, *, crs: pyproj.CRS, join_m: float = JOIN_M
) -> tuple[gpd.GeoDataFrame, npt.NDArray[np.int64]]:
    """Join gaps that lie within ``join_m`` of each other, and rank the areas by unserved demand.

    Parameters
    ----------
    gaps
        From :func:`locator.coverage.find_gaps` or :func:`locator.coverage.find_point_gaps`.
    crs
        A local metric projection.

    Returns
    -------
    GeoDataFrame
        EPSG:4326: ``rank, gaps, unserved_demand_per_h, area_m2, zone_names, district_name`` (of
        most of the demand) and the nearest station of the area's largest gap.
    array
        (n,) the row of the area that each gap is part of.
    """
    shapes = gaps.geometry.to_crs(crs).to_numpy()
    part = _components(shapes, join_m)
    demand = gaps["unserved_demand_per_h"].to_numpy(dtype=np.float64)
    total = np.bincount(part, weights=demand, minlength=int(part.max(initial=-1)) + 1)
    order = np.argsort(-total, kind="stable")
    rank_of = np.empty(len(order), dtype=np.int64)
    rank_of[order] = np.arange(len(order))
    area = rank_of[part]
    # Gaps are ranked by demand, so the first of an area is its largest.
    first = pd.Series(np.arange(len(gaps))).groupby(area).first().to_numpy()
    largest = gaps.iloc[first].reset_index(drop=True)
    grouped = pd.Series(np.arange(len(gaps))).groupby(area)
    table = {
        "rank": np.arange(1, len(order) + 1),
        "gaps": np.bincount(area, minlength=len(order)),
        "unserved_demand_per_h": total[order],
        "area_m2": np.bincount(area, weights=gaps["area_m2"], minlength=len(order)),
        "zone_names": [_names(gaps, rows) for _, rows in grouped],
        "district_name": [_usual(gaps, rows, demand) for _, rows in grouped],
    }
    for column in [c for c in largest if str(c).startswith("nearest_")]:
        table[column] = largest[column]
    joined = [shapely.union_all(gaps.geometry.to_numpy()[rows]) for _, rows in grouped]
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(joined, crs=CRS), crs=CRS), area


def _components(shapes: npt.NDArray[np.object_], join_m: float) -> npt.NDArray[np.int64]:
    """Return the number of the cluster that each shape is part of."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(shapes):
        return np.empty(0, dtype=np.int64)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=join_m)
    near = coo_array((np.ones(len(one)), (one, other)), shape=(len(shapes), len(shapes)))
    return np.asarray(connected_components(near, directed=False)[1], dtype=np.int64)


def _names(gaps: gpd.GeoDataFrame, rows: "pd.Series[int]") -> str | None:
    if "zone_name" not in gaps:
        return None
    names = gaps["zone_name"].iloc[rows].dropna()
    return "、".join(dict.fromkeys(str(name) for name in names)) or None


def _usual(
    gaps: gpd.GeoDataFrame, rows: "pd.Series[int]", demand: npt.NDArray[np.float64]
) -> str | None:
    """Return the district of most of the demand; None where most of it lies in none."""
    names = gaps["district_name"].iloc[rows]
    sums: dict[str | None, float] = {}
    for name, amount in zip(names, demand[rows], strict=True):
        key = None if pd.isna(name) else str(name)
        sums[key] = sums.get(key, 0.0) + float(amount)
    return max(sums, key=lambda name: sums[name])


def name_areas(areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> list[dict[str, object]]:
    """Return where each area lies: ``place``, ``place_m`` and ``bearing`` from the nearest place.

    The bearing is one of eight winds, None within 500 m of the place. Without places all are None.

    Parameters
    ----------
    areas, places
        EPSG:4326; places have ``name``.
    """
    nowhere: dict[str, object] = {"place": None, "place_m": None, "bearing": None}
    if places.empty:
        return [dict(nowhere) for _ in range(len(areas))]
    inside = areas.geometry.representative_point()
    px, py = places.geometry.x.to_numpy(), places.geometry.y.to_numpy()
    found = []
    for x, y in zip(inside.x, inside.y, strict=True):
        metres = geodesic_m(np.full(len(px), x), np.full(len(px), y), px, py)
        at = int(np.argmin(metres))
        east, north = (x - px[at]) * np.cos(np.radians(y)), y - py[at]
        wind = round(float(np.degrees(np.arctan2(east, north))) / 45) % 8
        far = float(metres[at])
        found.append(
            {
                "place": str(places["name"].iloc[at]),
                "place_m": far,
                "bearing": _BEARINGS[wind] if far > _AT_PLACE_M else None,
            }
        )
    return found
