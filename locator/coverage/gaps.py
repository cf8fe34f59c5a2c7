"""Gaps: the places of a hot zone that no station reaches in time, ranked by unserved demand."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from locator.coverage.demand import union_by
from locator.coverage.points import DemandPoints
from locator.coverage.share import Coverage
from locator.datum import GEOD, geodesic_m
from locator.schema import CRS
from locator.travel import BoundModel

GAP_COLUMNS = (
    "rank",
    "zone_id",
    "zone_name",
    "zone_kind",
    "district_id",
    "district_name",
    "unserved_demand_per_h",
    "area_m2",
    "nearest_station_id",
    "nearest_station_name",
    "nearest_m",
    "nearest_ride_s",
    "nearest_ride_m",
)
_SLIVER_M2 = 1.0  # what cutting circles out of polygons leaves behind


def find_gaps(
    coverage: Coverage,
    stations: gpd.GeoDataFrame,
    bound: BoundModel,
    *,
    mask: npt.NDArray[np.bool_],
    uncovered: DemandPoints | None = None,
) -> gpd.GeoDataFrame:
    """Return the uncovered parts of zones as polygons, the most unserved demand first.

    Parameters
    ----------
    coverage
        From :func:`locator.coverage.cover_zones`.
    stations
        The stations that ``bound`` goes to, in the same order.
    bound
        The travel model, for the nearest station of each gap (from a point inside it).
    mask
        The stations that count.
    uncovered
        Where the coverage was counted on points, those out of reach, with the demand that was
        asked about: a gap's demand and area are those of its points, so that gaps add up to what
        is unserved. A part that holds no point is how the outline was drawn, not a gap.

    Returns
    -------
    GeoDataFrame
        EPSG:4326, with the columns of :data:`GAP_COLUMNS`. Parts under one square metre are
        left out; they are what cutting leaves behind.
    """
    left = coverage.pieces.assign(piece=np.arange(len(coverage.pieces)))
    left = left[~left.geometry.is_empty].explode(ignore_index=True)
    size = left.geometry.area.to_numpy()
    left, size = left[size >= _SLIVER_M2], size[size >= _SLIVER_M2]
    if uncovered is None:
        share = size / left["area_m2"].to_numpy()
        gaps = left.assign(
            unserved_demand_per_h=left["demand_per_h"].to_numpy() * share, area_m2=size
        )
    else:
        gaps = _filled(left, coverage.pieces, uncovered)
    return _describe(gaps, stations, bound, mask)


def _filled(
    left: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, uncovered: DemandPoints
) -> gpd.GeoDataFrame:
    """Return the parts that hold uncovered points, with the demand and area of those."""
    places = gpd.GeoSeries.from_xy(*uncovered.lonlat.T, crs=CRS).to_crs(left.crs)
    part = _parts_of(left, places.to_numpy(), uncovered.piece)
    # No part was drawn where these points lie: their squares are.
    lost = np.flatnonzero(part < 0)
    half = np.sqrt(uncovered.area_m2[lost]) / 2
    x, y = places.x.to_numpy()[lost], places.y.to_numpy()[lost]
    squares = shapely.box(x - half, y - half, x + half, y + half)
    piece = uncovered.piece[lost]
    numbers = np.unique(piece)
    drawn = union_by(squares, piece, len(pieces))[numbers]
    part[lost] = len(left) + np.searchsorted(numbers, piece)
    more = pieces.iloc[numbers].set_geometry(gpd.GeoSeries(drawn, crs=left.crs).to_numpy())
    gaps = pd.concat([left, more.set_crs(left.crs)], ignore_index=True)
    count = len(gaps)
    held = np.bincount(part, minlength=count) > 0
    gaps = gaps.assign(
        unserved_demand_per_h=np.bincount(part, uncovered.demand_per_h, count),
        area_m2=np.bincount(part, uncovered.area_m2, count),
    )
    return gaps[held]


def _parts_of(
    left: gpd.GeoDataFrame, places: npt.NDArray[np.object_], piece: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return (n,) the nearest part of its own piece to each place; -1 where the piece has none."""
    part = np.full(len(places), -1, dtype=np.int64)
    shapes, owner = left.geometry.to_numpy(), left["piece"].to_numpy()
    for number in np.unique(piece):
        rows, parts = np.flatnonzero(piece == number), np.flatnonzero(owner == number)
        if len(parts):
            found = shapely.STRtree(shapes[parts]).query_nearest(places[rows], all_matches=False)
            part[rows[found[0]]] = parts[found[1]]
    return part


def find_point_gaps(
    points: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    bound: BoundModel,
    *,
    mask: npt.NDArray[np.bool_],
    crs: pyproj.CRS,
    cell_m: float,
) -> gpd.GeoDataFrame:
    """Return areas of square cells that hold unserved demand points, touching cells merged.

    Parameters
    ----------
    points
        Unserved demand points, EPSG:4326, with ``demand_per_h`` and ``district_name``.
    stations, bound, mask
        As for :func:`find_gaps`.
    crs
        The local metric projection in which the cells are square.
    cell_m
        Side of a cell in metres.
    """
    projected = points.geometry.to_crs(crs)
    xy = np.column_stack([projected.x, projected.y])
    cells = np.unique(np.floor(xy / cell_m).astype(np.int64), axis=0)
    squares = shapely.box(
        cells[:, 0] * cell_m,
        cells[:, 1] * cell_m,
        (cells[:, 0] + 1) * cell_m,
        (cells[:, 1] + 1) * cell_m,
    )
    areas = shapely.get_parts(shapely.union_all(squares))
    area_of_point = _first_per_point(areas, projected.to_numpy())
    weights = points["demand_per_h"].to_numpy(dtype=np.float64)
    demand = np.bincount(area_of_point, weights=weights, minlength=len(areas))
    names = pd.DataFrame({"area": area_of_point, "name": points["district_name"].to_numpy()})
    # The district of most of an area's points; value_counts sorts them, and drops the nulls.
    usual = names.value_counts().reset_index().drop_duplicates("area").set_index("area")["name"]
    gaps = gpd.GeoDataFrame(
        {
            "unserved_demand_per_h": demand,
            "area_m2": shapely.area(areas),
            "district_name": pd.Series(
                [usual.get(number) for number in range(len(areas))], dtype=object
            ),
        },
        geometry=areas,
        crs=crs,
    )
    return _describe(gaps, stations, bound, mask)


def compare_gaps(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return what a change covers and uncovers: ``gained`` and ``lost``, one polygon a part.

    Parameters
    ----------
    before, after
        Gaps of the same zones, EPSG:4326.
    """
    was, now = (shapely.union_all(frame.geometry.to_numpy()) for frame in (before, after))
    found = {}
    for name, shape in (("gained", was.difference(now)), ("lost", now.difference(was))):
        parts = gpd.GeoSeries(_polygons(shape), crs=CRS)
        area_m2 = np.abs([GEOD.geometry_area_perimeter(part)[0] for part in parts])
        kept = area_m2 >= _SLIVER_M2
        found[name] = gpd.GeoDataFrame(
            {"area_m2": area_m2[kept]}, geometry=parts[kept].reset_index(drop=True), crs=CRS
        )
    return found


def _polygons(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the polygons of a difference, which may hold lines where two areas touch."""
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def _first_per_point(
    areas: npt.NDArray[np.object_], points: npt.NDArray[np.object_]
) -> npt.NDArray[np.int64]:
    """Return one area for each point; a point on a shared corner belongs to the first."""
    point_at, area_at = shapely.STRtree(areas).query(points, predicate="intersects")
    order = np.lexsort((area_at, point_at))
    _, first = np.unique(point_at[order], return_index=True)
    return np.asarray(area_at[order][first], dtype=np.int64)


def _describe(
    gaps: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    bound: BoundModel,
    mask: npt.NDArray[np.bool_],
) -> gpd.GeoDataFrame:
    """Rank the gaps and add each one's nearest station, as seen from a point inside it."""
    columns = [c for c in GAP_COLUMNS if c in gaps]
    gaps = gaps[[*columns, "geometry"]].sort_values(
        "unserved_demand_per_h", ascending=False, ignore_index=True, kind="stable"
    )
    inside = gaps.geometry.representative_point().to_crs(CRS)
    near = bound.nearest(np.column_stack([inside.x, inside.y]), k=1, mask=mask)
    row, found = near.index[:, 0], near.index[:, 0] >= 0
    for name, column in (("nearest_station_id", "id"), ("nearest_station_name", "name")):
        names = [*stations[column], None]
        gaps[name] = pd.Series([names[i] for i in row], dtype=object)
    there = stations.geometry.iloc[np.where(found, row, 0)] if len(stations) else inside
    straight = geodesic_m(inside.x, inside.y, there.x, there.y)
    gaps["nearest_m"] = np.where(found, straight, np.nan)
    gaps["nearest_ride_s"] = np.where(found, near.seconds[:, 0], np.nan)
    gaps["nearest_ride_m"] = np.where(found, near.metres[:, 0], np.nan)
    gaps.insert(0, "rank", np.arange(1, len(gaps) + 1))
    return gaps.to_crs(CRS)
