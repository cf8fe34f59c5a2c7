"""Covered demand and area: by local difference through an index, never one giant union."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.coverage.demand import union_by
from locator.coverage.points import DemandPoints
from locator.datum import Positions
from locator.notebook import facts_table
from locator.travel import BoundModel


@dataclass(frozen=True)
class Coverage:
    """What lies within reach of the stations.

    Attributes
    ----------
    pieces
        Parts of zones as :func:`locator.coverage.split_zones` cuts them, in the same projection,
        with ``covered_area_m2`` and ``covered_demand_per_h``; geometry is the part out of reach.
    demand_per_h, covered_demand_per_h
        Sums over all pieces, in orders per hour.
    area_m2, covered_area_m2
        Sums over all pieces, in square metres of the projection.
    """

    pieces: gpd.GeoDataFrame
    demand_per_h: float
    covered_demand_per_h: float
    area_m2: float
    covered_area_m2: float

    @property
    def covered_share(self) -> float | None:
        """Covered share of demand, 0 to 1; None when there is no demand at all."""
        return self.covered_demand_per_h / self.demand_per_h if self.demand_per_h > 0 else None

    def _repr_html_(self) -> str:
        """Say the sums, for a notebook."""
        share = self.covered_share
        return facts_table(
            "覆盖 coverage",
            {
                "每小时需求 demand per h": self.demand_per_h,
                "已覆盖 covered per h": self.covered_demand_per_h,
                "覆盖率 covered share": None if share is None else f"{share:.1%}",
                "面积 area, km²": self.area_m2 / 1e6,
                "已覆盖 covered, km²": self.covered_area_m2 / 1e6,
            },
        )

    def by(self, key: str) -> pd.DataFrame:
        """Return the sums by ``zone_id`` or ``district_id``, with the name and the shares."""
        name = key.replace("_id", "_name")
        table = pd.DataFrame(self.pieces.drop(columns="geometry"))
        sums = ["demand_per_h", "covered_demand_per_h", "area_m2", "covered_area_m2"]
        grouped = table.groupby(key, dropna=False, sort=True)
        result = grouped[sums].sum().join(grouped[name].first()).reset_index()
        demand = result["demand_per_h"].to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            result["covered_share"] = result["covered_demand_per_h"].to_numpy() / demand
        return result[[key, name, *sums, "covered_share"]]


def cover_zones(
    pieces: gpd.GeoDataFrame,
    areas: gpd.GeoSeries,
    *,
    points: DemandPoints | None = None,
    covered: npt.NDArray[np.bool_] | None = None,
) -> Coverage:
    """Take the stations' service areas away from the pieces of zones.

    Demand is spread evenly over a piece, so its covered demand is its covered share of area. Where
    areas are exact (circles) that share is measured on the polygons. Along roads an area is only a
    drawing of the times: there the share is counted on the piece's demand points, each asked for
    its own time, and the polygons show where.

    Parameters
    ----------
    pieces
        From :func:`locator.coverage.split_zones`, in a metric projection.
    areas
        Service area of each station that counts, in the same projection.
    points, covered
        The pieces' demand points, and which of them are within reach; None measures polygons.
    """
    shapes = pieces.geometry.to_numpy()
    stations = areas.to_numpy()
    left = _subtract(shapes, stations) if len(stations) else shapes
    area = pieces["area_m2"].to_numpy(dtype=np.float64)
    if points is None or covered is None:
        share = np.clip(1.0 - shapely.area(left) / area, 0.0, 1.0)
    else:
        within = np.bincount(points.piece[covered], points.area_m2[covered], len(pieces))
        share = within / np.bincount(points.piece, points.area_m2, len(pieces))
    demand = pieces["demand_per_h"].to_numpy(dtype=np.float64)
    result = pieces.assign(
        covered_area_m2=area * share, covered_demand_per_h=demand * share
    ).set_geometry(gpd.GeoSeries(left, crs=pieces.crs))
    return Coverage(
        pieces=result,
        demand_per_h=float(demand.sum()),
        covered_demand_per_h=float(result["covered_demand_per_h"].sum()),
        area_m2=float(area.sum()),
        covered_area_m2=float(result["covered_area_m2"].sum()),
    )


def _subtract(
    shapes: npt.NDArray[np.object_], areas: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    """Return what the areas leave of each shape, uniting only those that meet it."""
    tree = shapely.STRtree(areas)
    left = shapes.copy()
    # Most shapes lie whole inside one area: no union has to be made for them.
    whole, _ = tree.query(shapes, predicate="covered_by")
    left[whole] = shapely.Polygon()
    open_shapes = np.setdiff1d(np.arange(len(shapes)), whole)
    shape_at, area_at = tree.query(shapes[open_shapes], predicate="intersects")
    near = union_by(areas[area_at], shape_at, len(open_shapes))
    left[open_shapes] = shapely.difference(shapes[open_shapes], near)
    return left


def share_of_demand(
    demand: npt.NDArray[np.float64], covered: npt.NDArray[np.bool_]
) -> float | None:
    """Return the covered share of the demand of n points, 0 to 1; None without demand."""
    total = float(demand.sum())
    return float(demand[covered].sum()) / total if total > 0 else None


def cover_points(
    points: Positions, bound: BoundModel, *, limit_s: float, mask: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return which demand points are within the limit, their nearest station and its seconds.

    Parameters
    ----------
    points
        (n, 2) longitude and latitude.
    bound
        The travel model bound to all stations.
    limit_s
        The coverage standard in seconds.
    mask
        The stations that count.
    """
    near = bound.nearest(points, k=1, mask=mask)
    seconds = near.seconds[:, 0]
    return seconds <= limit_s, near.index[:, 0], seconds
