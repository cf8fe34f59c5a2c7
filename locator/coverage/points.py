"""Demand points: demand as weights at places, which times and hours are asked of."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from locator.coverage.demand import HOURS_OF_WEEK
from locator.datum import Positions
from locator.schema import CRS

PIECE_COLUMNS = ("zone_id", "zone_name", "district_id", "district_name")
_MOST_POINTS = 200_000
# A share by points errs where the limit runs through a square: by about 0.3 of a square each, up
# or down. Of n points some sqrt(n) to 10 sqrt(n) are such, so 30,000 err by 0.02 to 0.12 points of
# a hundred, whatever the zones' size (measured: docs/methods.md, "Demand points and sampling").
ENOUGH_POINTS = 30_000
_CELL_M = (5.0, 100.0)
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DemandPoints:
    """Weights at places, each in one piece: the part of one hot zone in one district.

    Attributes
    ----------
    lonlat
        (n, 2) degrees, WGS-84.
    demand_per_h
        (n,) mean orders per hour over the week.
    area_m2
        (n,) what of a polygon each point stands for; 0 for points as they were given.
    piece
        (n,) row in ``pieces`` of each point.
    pieces
        One row a piece: ``zone_id, zone_name, district_id, district_name``; null is none.
    factors
        (p, 168) demand of each hour of the week over the week's mean, per piece.
    cell_m
        Side of the largest squares that polygons were sampled by; 0 for points as they were given.
    """

    lonlat: Positions
    demand_per_h: Floats
    area_m2: Floats
    piece: Rows
    pieces: pd.DataFrame
    factors: Floats
    cell_m: float

    def __len__(self) -> int:
        return len(self.demand_per_h)

    def at(self, hour: int | None) -> Floats:
        """Return (n,) orders per hour in one hour of the week; None is the week's mean."""
        if hour is None:
            return self.demand_per_h
        demand: Floats = self.demand_per_h * self.factors[self.piece, hour]
        return demand

    @property
    def side_m(self) -> Floats:
        """Return (n,) the side of the squares that each point's piece was sampled by."""
        largest = np.zeros(len(self.pieces))
        np.maximum.at(largest, self.piece, self.area_m2)
        side: Floats = np.sqrt(largest)[self.piece]
        return side

    def take(self, rows: Rows | npt.NDArray[np.bool_], hour: int | None) -> "DemandPoints":
        """Return some of the points, with the demand of one hour of the week as theirs."""
        return replace(
            self,
            lonlat=self.lonlat[rows],
            demand_per_h=self.at(hour)[rows],
            area_m2=self.area_m2[rows],
            piece=self.piece[rows],
        )

    def hourly(self) -> Floats:
        """Return (p, 168) orders per hour of each piece."""
        total = np.bincount(self.piece, weights=self.demand_per_h, minlength=len(self.pieces))
        demand: Floats = total[:, None] * self.factors
        return demand

    def regroup(self, group: Rows, labels: pd.DataFrame) -> "DemandPoints":
        """Return the points of groups 0 and above, each piece now the part of a zone in a group.

        Parameters
        ----------
        group
            (n,) row in ``labels`` of each point; -1 leaves it out.
        labels
            ``id`` and ``name`` of each group, which take the place of the zone's.
        """
        kept = np.flatnonzero(group >= 0)
        pairs = np.column_stack([group[kept], self.piece[kept]])
        distinct, piece = np.unique(pairs, axis=0, return_inverse=True)
        pieces = self.pieces.iloc[distinct[:, 1]].reset_index(drop=True)
        chosen = labels.iloc[distinct[:, 0]]
        return DemandPoints(
            lonlat=self.lonlat[kept],
            demand_per_h=self.demand_per_h[kept],
            area_m2=self.area_m2[kept],
            piece=piece.ravel(),
            pieces=pieces.assign(
                zone_id=chosen["id"].to_numpy(), zone_name=chosen["name"].to_numpy()
            ),
            factors=self.factors[distinct[:, 1]],
            cell_m=self.cell_m,
        )


def choose_cells_m(area_m2: Floats, demand_per_h: Floats, *, count: float | None = None) -> Floats:
    """Return the side of the squares to sample each piece by, (p,) whole metres.

    Half of the squares go by area, half by demand, so that a small zone that holds much of the
    demand is not left with a few. Sides are 5 to 100 m.

    Parameters
    ----------
    area_m2, demand_per_h
        (p,) of each piece.
    count
        About how many squares there shall be in all; None is :data:`ENOUGH_POINTS`.
    """
    count = ENOUGH_POINTS if count is None else count
    least, most = _CELL_M
    by_area = area_m2 / max(float(area_m2.sum()), 1.0)
    by_demand = demand_per_h / max(float(demand_per_h.sum()), 1e-300)
    squares = count * (by_area + by_demand) / 2
    side = np.sqrt(area_m2 / np.maximum(squares, 1.0))
    cells: Floats = np.clip(np.floor(side), least, most)
    return cells


def sample_zones(
    pieces: gpd.GeoDataFrame, factors: dict[str, Floats], *, cell_m: float | Floats
) -> DemandPoints:
    """Cut pieces of zones into squares; each part is a point with its share of the demand by area.

    Parameters
    ----------
    pieces
        From :func:`locator.coverage.split_zones`, in a metric projection.
    factors
        (168,) of each zone's id, from :func:`locator.coverage.hourly_factors`.
    cell_m
        Side of a square, one for all or one a piece (:func:`choose_cells_m`); coarser ones are
        taken where there would be more than 200,000 points.
    """
    size = pieces["area_m2"].to_numpy(dtype=np.float64)
    side = np.broadcast_to(np.asarray(cell_m, dtype=np.float64), size.shape)
    expected = float(np.sum(size / side**2))
    side = side * max(1.0, float(np.sqrt(expected / _MOST_POINTS)))
    parts = [_cut(shape, float(m)) for shape, m in zip(pieces.geometry, side, strict=True)]
    piece = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    shapes = np.concatenate([*parts, np.empty(0, dtype=object)])
    area = shapely.area(shapes)
    total = np.bincount(piece, weights=area, minlength=len(pieces))
    demand = pieces["demand_per_h"].to_numpy(dtype=np.float64)
    places = gpd.GeoSeries(shapely.centroid(shapes), crs=pieces.crs).to_crs(CRS)
    table = pd.DataFrame(pieces[list(PIECE_COLUMNS)]).reset_index(drop=True)
    flat = np.ones(HOURS_OF_WEEK)
    return DemandPoints(
        lonlat=np.column_stack([places.x, places.y]),
        demand_per_h=demand[piece] * area / total[piece],
        area_m2=area,
        piece=piece,
        pieces=table,
        factors=np.stack([factors.get(zone, flat) for zone in table["zone_id"]])
        if len(table)
        else np.empty((0, HOURS_OF_WEEK)),
        cell_m=float(side.max(initial=0.0)),
    )


def _cut(shape: BaseGeometry, cell_m: float) -> npt.NDArray[np.object_]:
    """Return the parts of a polygon in the squares of a grid that all polygons share.

    Each polygon of a multipolygon by itself: what lies between them may be wide.
    """
    parts = [_cut_one(part, cell_m) for part in shapely.get_parts(shape)]
    return np.concatenate([*parts, np.empty(0, dtype=object)])


def _cut_one(shape: BaseGeometry, cell_m: float) -> npt.NDArray[np.object_]:
    west, south, east, north = (np.floor(bound / cell_m) for bound in shape.bounds)
    x, y = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
    x, y = x.ravel() * cell_m, y.ravel() * cell_m
    squares = shapely.box(x, y, x + cell_m, y + cell_m)
    shapely.prepare(shape)
    inside = shapely.contains(shape, squares)
    crossed = np.flatnonzero(~inside & shapely.intersects(shape, squares))
    squares[crossed] = shapely.intersection(shape, squares[crossed])
    inside[crossed] = shapely.area(squares[crossed]) > 0
    kept: npt.NDArray[np.object_] = squares[inside]
    return kept


def take_points(points: gpd.GeoDataFrame) -> DemandPoints:
    """Return demand points as they were given, the same at every hour, a piece a district.

    Parameters
    ----------
    points
        EPSG:4326 with ``demand_per_h`` and ``district_name`` (null is outside every district).
    """
    names = points["district_name"].astype(object).where(points["district_name"].notna(), None)
    codes, distinct = pd.factorize(names, use_na_sentinel=False)
    table = pd.DataFrame(index=range(len(distinct)), columns=list(PIECE_COLUMNS), dtype=object)
    table["district_name"] = [None if pd.isna(name) else name for name in distinct]
    table["district_id"] = table["district_name"]
    table = table.astype(object).where(table.notna(), None)
    return DemandPoints(
        lonlat=np.column_stack([points.geometry.x, points.geometry.y]),
        demand_per_h=points["demand_per_h"].to_numpy(dtype=np.float64),
        area_m2=np.zeros(len(points)),
        piece=codes.astype(np.int64),
        pieces=table,
        factors=np.ones((len(table), HOURS_OF_WEEK)),
        cell_m=0.0,
    )
