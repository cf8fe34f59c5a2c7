"""Candidate sites of a siting study: a grid in hot zones, host venues, or a file's."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from locator.coverage import DemandPoints
from locator.datum import Positions
from locator.errors import InputError
from locator.nearest import station_mask
from locator.schema import CRS, POSITION_DECIMALS, Status
from locator.service import Snapshot
from locator.study.sites_question import SiteQuestion
from locator.travel import TravelModel
from locator.travel.base import OnRoads

COLUMNS = (
    "id",
    "name",
    "origin",
    "host",
    "cost",
    "capacity",
    "district_id",
    "district_name",
    "place",
    "place_m",
    "provenance",
)
_MOST_GRID = 20_000
_ALIKE_M = 1.0


@dataclass(frozen=True)
class Candidates:
    """Where a post could open.

    Attributes
    ----------
    frame
        EPSG:4326, one row a candidate with :data:`COLUMNS`; ``origin`` is ``grid``, ``road grid``,
        ``candidate`` (of the store or a file), ``place`` or ``station`` (one that does not count).
    xy
        (m, 2) metres in the study's projection.
    notes
        Sentences on where they come from.
    """

    frame: gpd.GeoDataFrame
    xy: Positions
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def lonlat(self) -> Positions:
        """Return (m, 2) degrees."""
        return np.column_stack([self.frame.geometry.x, self.frame.geometry.y])


def find_candidates(
    snapshot: Snapshot,
    question: SiteQuestion,
    points: DemandPoints,
    *,
    given: gpd.GeoDataFrame | None,
    stored: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame | None,
    travel: TravelModel,
    crs: pyproj.CRS,
) -> Candidates:
    """Return the candidates that a question asks for, with district and nearest place.

    Parameters
    ----------
    points
        The demand: where there are no hot zones, the grid has a candidate in each square with some.
    given
        A file's candidates; only ``candidates="file"`` reads them.
    stored
        The store's layer ``candidates``.
    crs
        The local metric projection.

    Raises
    ------
    InputError
        There is no candidate, or an id that is forced in or out is none.
    """
    notes: list[str] = []
    if question.candidates == "file":
        if given is None:
            raise InputError("The candidates of a file are asked for, but no file was given.")
        frame = given.assign(origin="candidate")
    elif question.candidates == "venues":
        frame = _venues(snapshot, stored, question)
        notes.append(_venue_words(frame))
    else:
        frame = _grid(question, points, zones, travel, crs)
        notes.append(_grid_words(frame, question, zones))
    if question.bbox is not None:
        frame = frame.cx[question.bbox[0] : question.bbox[2], question.bbox[1] : question.bbox[3]]
    if frame.empty:
        where = " in the box" if question.bbox is not None else ""
        raise InputError(f"There is no candidate site{where}; take another source or a finer grid.")
    frame = _located(frame.reset_index(drop=True), snapshot, crs)
    known = set(frame["id"])
    for identity in (*question.forced_in, *question.forced_out):
        if identity not in known:
            raise InputError(f"Candidate {identity!r} is forced in or out, but there is none.")
    metres = frame.geometry.to_crs(crs)
    return Candidates(frame, np.column_stack([metres.x, metres.y]), tuple(notes))


def _grid(
    question: SiteQuestion,
    points: DemandPoints,
    zones: gpd.GeoDataFrame | None,
    travel: TravelModel,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    """Return the middles of squares in hot zones, brought to the road where there are roads."""
    if zones is None:
        xy, names = _squares_of_points(points, question.spacing_m, crs)
    else:
        xy, names = _squares_of_zones(zones, question.spacing_m, crs)
    places = gpd.GeoSeries(shapely.points(xy), crs=crs).to_crs(CRS)
    lonlat = np.column_stack([places.x, places.y])
    origin = "grid"
    if isinstance(travel, OnRoads):
        origin, lonlat = "road grid", travel.on_road(lonlat)
        kept = np.flatnonzero(np.isfinite(lonlat).all(axis=1))
        kept = kept[_first_of_each(lonlat[kept])]
        lonlat, names = lonlat[kept], [names[row] for row in kept]
    lonlat = np.round(lonlat, POSITION_DECIMALS)
    ids = [f"G-{number:05d}" for number in range(1, len(names) + 1)]
    frame = pd.DataFrame(
        {
            "id": ids,
            "name": _numbered(names) if zones is not None else ids,
            "origin": origin,
        }
    )
    return gpd.GeoDataFrame(frame, geometry=shapely.points(lonlat), crs=CRS)


def _first_of_each(lonlat: Positions) -> npt.NDArray[np.int64]:
    """Return the first of places that are the same to a metre or so."""
    cells = np.round(lonlat / (_ALIKE_M * 1e-5)).astype(np.int64)
    return np.sort(np.unique(cells, axis=0, return_index=True)[1]).astype(np.int64)


def _numbered(names: list[str]) -> list[str]:
    """Return names with their number among the same, such as ``经二路商圈 3``."""
    count: dict[str, int] = {}
    result = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        result.append(f"{name} {count[name]}".strip())
    return result


def _squares_of_zones(
    zones: gpd.GeoDataFrame, spacing_m: float, crs: pyproj.CRS
) -> tuple[Positions, list[str]]:
    """Return the middles of squares that lie in a zone; a zone without any has a point inside."""
    parts, names = [], []
    total = 0
    taken = set[tuple[int, int]]()
    for name, shape in zip(zones["name"], zones.geometry.to_crs(crs), strict=True):
        west, south, east, north = (np.floor(bound / spacing_m) for bound in shape.bounds)
        if (east - west) * (north - south) > 100 * _MOST_GRID:
            raise InputError(_too_many(spacing_m))
        x, y = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
        column, row = x.ravel(), y.ravel()
        middle = np.column_stack([(column + 0.5) * spacing_m, (row + 0.5) * spacing_m])
        shapely.prepare(shape)
        inside = shapely.intersects_xy(shape, middle[:, 0], middle[:, 1])
        # A square of two zones that overlap is one candidate.
        cells = list(zip(column.astype(int), row.astype(int), strict=True))
        fresh = [at for at in np.flatnonzero(inside) if cells[at] not in taken]
        taken.update(cells[at] for at in fresh)
        found = middle[fresh]
        if not inside.any():
            point = shape.representative_point()
            found = np.array([[point.x, point.y]])
        total += len(found)
        if total > _MOST_GRID:
            raise InputError(_too_many(spacing_m))
        parts.append(found)
        names += [str(name)] * len(found)
    return np.concatenate([*parts, np.empty((0, 2))]), names


def _too_many(spacing_m: float) -> str:
    return (
        f"A grid of {spacing_m:g} m has more than {_MOST_GRID:,} candidates; take a wider "
        "spacing_m."
    )


def _squares_of_points(
    points: DemandPoints, spacing_m: float, crs: pyproj.CRS
) -> tuple[Positions, list[str]]:
    """Return the middles of the squares that hold demand."""
    metres = gpd.GeoSeries(shapely.points(points.lonlat), crs=CRS).to_crs(crs)
    cells = np.floor(np.column_stack([metres.x, metres.y]) / spacing_m).astype(np.int64)
    squares = np.unique(cells, axis=0)
    if len(squares) > _MOST_GRID:
        raise InputError(_too_many(spacing_m))
    middle = np.asarray((squares + 0.5) * spacing_m, dtype=np.float64)
    return middle, [""] * len(squares)


def _grid_words(
    frame: gpd.GeoDataFrame, question: SiteQuestion, zones: gpd.GeoDataFrame | None
) -> str:
    where = "in hot zones" if zones is not None else "where there is demand"
    how = (
        "brought to the nearest road"
        if len(frame) and frame["origin"].iloc[0] == "road grid"
        else "not checked against roads or buildings, as no road network was imported"
    )
    return (
        f"Candidates: {len(frame):,} points of a grid of {question.spacing_m:g} m {where}, {how}."
    )


def _venues(
    snapshot: Snapshot, stored: gpd.GeoDataFrame, question: SiteQuestion
) -> gpd.GeoDataFrame:
    """Return the store's candidates, its places, and stations that do not count as they are."""
    idle = snapshot.stations[~station_mask(snapshot.stations, question.chosen)]
    idle = idle[idle["status"].isin([s.value for s in Status])]
    parts = [
        stored.assign(origin="candidate"),
        snapshot.places.drop(columns=["kind"], errors="ignore").assign(origin="place"),
        idle.drop(columns=["capacity"]).assign(origin="station"),
    ]
    columns = ["id", "name", "origin", "host", "cost", "capacity", "provenance", "geometry"]
    parts = [part.reindex(columns=columns).astype({"host": object}) for part in parts if len(part)]
    if not parts:
        raise InputError("The store has no candidates and no places; take a grid or a file.")
    frame = pd.concat([pd.DataFrame(part).astype(object) for part in parts], ignore_index=True)
    frame = frame.drop_duplicates("id", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def _venue_words(frame: gpd.GeoDataFrame) -> str:
    count = frame["origin"].value_counts()
    kinds = (
        ("candidate", "candidate", "candidates"),
        ("place", "place", "places"),
        (
            "station",
            "station that does not count as it is",
            "stations that do not count as they are",
        ),
    )
    parts = [
        f"{count[origin]:,} {one if count[origin] == 1 else many}"
        for origin, one, many in kinds
        if origin in count
    ]
    return f"Candidates: host venues of the store: {', '.join(parts)}."


def _located(frame: gpd.GeoDataFrame, snapshot: Snapshot, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return candidates with their district and the nearest place, and every column."""
    where = locate(frame.geometry, snapshot, crs)
    located = frame.reindex(columns=[*COLUMNS, "geometry"])
    for column in where:
        located[column] = where[column].to_numpy()
    for column in ("cost", "capacity"):
        located[column] = pd.to_numeric(located[column]).astype(np.float64)
    for column in ("host", "provenance"):
        values = [value if isinstance(value, str) else None for value in located[column]]
        located[column] = pd.Series(values, dtype=object)
    return gpd.GeoDataFrame(located, geometry="geometry", crs=CRS)


def locate(points: gpd.GeoSeries, snapshot: Snapshot, crs: pyproj.CRS) -> pd.DataFrame:
    """Return ``district_id, district_name, place, place_m`` of places; null where there is none."""
    district = _containing(points.to_numpy(), snapshot.districts.geometry.to_numpy())
    place, place_m = _nearest(points, snapshot.places, crs)
    return pd.DataFrame(
        {
            "district_id": _pick(snapshot.districts["id"], district),
            "district_name": _pick(snapshot.districts["name"], district),
            "place": _pick(snapshot.places["name"], place),
            "place_m": place_m,
        }
    )


def _containing(
    points: npt.NDArray[np.object_], areas: npt.NDArray[np.object_]
) -> npt.NDArray[np.int64]:
    """Return the first area that each point lies in; -1 for none."""
    found = np.full(len(points), -1, dtype=np.int64)
    point, area = shapely.STRtree(areas).query(points, predicate="intersects")
    order = np.lexsort((-area, point))  # the last one written is the first area
    found[point[order]] = area[order]
    return found


def _nearest(
    points: gpd.GeoSeries, places: gpd.GeoDataFrame, crs: pyproj.CRS
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the nearest place of each candidate and how far it is, in m; -1 and nan for none."""
    row = np.full(len(points), -1, dtype=np.int64)
    metres = np.full(len(points), np.nan)
    if len(places):
        tree = shapely.STRtree(places.geometry.to_crs(crs).to_numpy())
        (at, near), distance = tree.query_nearest(
            points.to_crs(crs).to_numpy(), all_matches=False, return_distance=True
        )
        row[at], metres[at] = near, np.round(distance, 1)
    return row, metres


def _pick(column: "pd.Series[str]", rows: npt.NDArray[np.int64]) -> "pd.Series[str]":
    values = [*column, None]
    return pd.Series([values[row] for row in rows], dtype=object)
