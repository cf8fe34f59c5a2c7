"""Which datum coordinates fit best, and how surely; nothing is ever converted by it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.datum import from_wgs84, geodesic_m, in_metres, to_wgs84
from locator.schema import Datum

_MIN_PAIRS = 3
_MAX_AGREEING_M = 100.0  # the datums lie 420 m and more apart in China's cities
_CLEARLY_NEARER = 3.0
_CLEARLY_MORE_INSIDE = 0.02
# Simulated with places 0.2 to 1.5 km off in each axis: a right datum is doubted once in a hundred.
_MIN_PLACES = 8
_CLEARLY_NEARER_PLACES = 1.5
_AHEAD_OF_OTHERS = (
    1.15  # neither stated nor best, another datum must still be farther off than best
)
_ITSELF_M = 0.5  # stations that are this near are the file's own
_MIN_MORE_INSIDE = 2.5  # points
_BEYOND_ROADS_M = 1_000.0
_NAMES_LOOKED_AT = 10_000  # of a long file; its places repeat
_SHORTEST_NAME = 2
# Tried on Jinan's roads with places 15 to 80 m off the road: GCJ-02 for WGS-84 shows in 100 to 45
# per cent of the files, and no right datum was doubted.
_MIN_BY_ROADS = 30
_CLEARLY_NEARER_ROADS, _CLEARLY_M = 1.6, 10.0
RoadDistance = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class DatumFit:
    """How well a file's coordinates fit, read as one datum; None is nothing to compare with.

    Attributes
    ----------
    known_pairs
        Stations of the file whose id is in the store already.
    known_off_m
        Median distance of those from where the store has them.
    inside_share
        Share of the points that lie inside the known districts.
    place_pairs
        Known places that stations name, each counted once however many name it.
    place_off_m
        Median distance of those places from the middle of the stations that name them. A place is
        one point for a whole town, often a kilometre off: over few places only BD-09 for another
        datum shows, and 0.4 km shows where the points are good.
    points
        Points of the file that were compared.
    road_off_m
        The median distance from the nearest road, where roads were imported.
    road_points
        Points that this is of: those within a kilometre of a road in one of the datums.
    """

    datum: Datum
    known_pairs: int
    known_off_m: float | None
    inside_share: float | None
    place_pairs: int = 0
    place_off_m: float | None = None
    points: int = 0
    road_off_m: float | None = None
    road_points: int = 0


@dataclass(frozen=True)
class DatumHint:
    """What fits clearly better, and the sentence that says why; no datum where two fit alike."""

    datum: Datum | None
    reason: str


def fit_datums(
    stations: gpd.GeoDataFrame,
    *,
    stated: Datum,
    known: gpd.GeoDataFrame,
    districts: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame | None = None,
    road_distance_m: RoadDistance | None = None,
) -> tuple[DatumFit, ...]:
    """Compare the datums of the stated one's unit on a file's points.

    Parameters
    ----------
    stations
        The rows as read under the stated datum, in WGS-84.
    stated
        That datum.
    known
        Stations in the store: rows with the same id should lie at the same place.
    districts
        The city's polygons: stations should lie inside.
    places
        Named points: stations that name one should lie around it.
    road_distance_m
        Gives the distance of places, (n, 2) degrees WGS-84, from the nearest road: stations lie
        at roads.
    """
    lon, lat = from_wgs84(stations.geometry.x, stations.geometry.y, stated)
    pairs = stations[["id"]].assign(row=range(len(stations)))
    pairs = pairs.merge(known[["id", "geometry"]], on="id")
    rows = pairs["row"].to_numpy()
    there = gpd.GeoSeries(pairs["geometry"])
    whole = shapely.union_all(districts.geometry.to_numpy()) if len(districts) else None
    shapely.prepare(whole)
    named = _named_places(stations, places, districts)
    fits = []
    roads = _RoadDistances(road_distance_m)
    # Metres read as degrees, or degrees as metres, are no position at all.
    for datum in (datum for datum in Datum if in_metres(datum) is in_metres(stated)):
        x, y = to_wgs84(lon, lat, datum)
        off = geodesic_m(x[rows], y[rows], there.x, there.y) if len(pairs) else None
        inside = shapely.contains_xy(whole, x, y) if whole is not None and len(x) else None
        place_off = _place_off_m(x, y, named)
        fits.append(
            DatumFit(
                datum,
                len(pairs),
                None if off is None else float(np.median(off)),
                None if inside is None else float(np.mean(inside)),
                len(place_off),
                float(np.median(place_off)) if len(place_off) else None,
                len(x),
            )
        )
        roads.add(x, y)
    return tuple(
        replace(fit, road_off_m=off, road_points=roads.points)
        for fit, off in zip(fits, roads.medians(), strict=True)
    )


def _named_places(
    stations: gpd.GeoDataFrame, places: gpd.GeoDataFrame | None, districts: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the stations that name exactly one place: ``row`` of the station, the place's point.

    Not used are a city's name, which every address may have, a name that stands for two places,
    and one that a district's name contains.
    """
    pairs: list[tuple[int, float, float]] = []
    if places is not None and len(places) and len(stations):
        usable = places[(places["kind"] != "city") & ~places["name"].duplicated(keep=False)]
        areas = "\n".join(str(name) for name in districts["name"])
        points = {
            str(name): (float(point.x), float(point.y))
            for name, point in zip(usable["name"], usable.geometry, strict=True)
            if isinstance(name, str) and len(name) >= _SHORTEST_NAME and name not in areas
        }
        # The longest first: a name within a longer one is not named.
        words = sorted(map(re.escape, points), key=len, reverse=True)
        pattern = re.compile("|".join(words) or "(?!)")
        texts = [stations[c] for c in ("name", "address") if c in stations]
        for row in range(0, len(stations), len(stations) // _NAMES_LOOKED_AT + 1):
            found = {name for column in texts for name in pattern.findall(str(column.iloc[row]))}
            if len(found) == 1:
                pairs.append((row, *points[found.pop()]))
    return pd.DataFrame(pairs, columns=["row", "place_lon", "place_lat"])


def _place_off_m(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], named: pd.DataFrame
) -> npt.NDArray[np.float64]:
    """Return each named place's distance from the middle of the stations that name it."""
    rows = named["row"].to_numpy(dtype=np.int64)
    table = named.assign(lon=lon[rows], lat=lat[rows])
    middle = table.groupby(["place_lon", "place_lat"])[["lon", "lat"]].median().reset_index()
    return geodesic_m(middle["place_lon"], middle["place_lat"], middle["lon"], middle["lat"])


class _RoadDistances:
    """Distances from the nearest road, a row a datum; points far from roads in all are left out."""

    def __init__(self, distance_m: RoadDistance | None) -> None:
        self._distance_m = distance_m
        self._rows: list[npt.NDArray[np.float64]] = []

    def add(self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> None:
        if self._distance_m is None or not len(lon):
            self._rows.append(np.empty(0))
        else:
            self._rows.append(self._distance_m(np.column_stack([lon, lat])))

    def _near(self) -> npt.NDArray[np.bool_]:
        near: npt.NDArray[np.bool_] = np.min(self._rows, axis=0) <= _BEYOND_ROADS_M
        return near

    @property
    def points(self) -> int:
        return int(np.count_nonzero(self._near()))

    def medians(self) -> list[float | None]:
        near = self._near()
        return [float(np.median(row[near])) if near.any() else None for row in self._rows]


def hint_datum(fits: tuple[DatumFit, ...], stated: Datum) -> DatumHint | None:
    """Return the datum that fits clearly better than the stated one and every other, if any.

    Stations that are known already decide where there are three or more; else the districts do,
    and where they do not, the places that stations name, if there are eight, then the roads, if
    there are thirty points. Stations that lie exactly where the file has them came from it, rightly
    or wrongly read: then all else is asked first.

    Parameters
    ----------
    fits
        From :func:`fit_datums`.
    stated
        The datum the file was read in.
    """
    here = next(fit for fit in fits if fit.datum is stated)
    if here.known_off_m is None or here.known_pairs < _MIN_PAIRS:
        return _hint_by_ground(fits, here)
    copy = min(fits, key=lambda fit: fit.known_off_m or 0.0)
    if (copy.known_off_m or 0.0) > _ITSELF_M:
        return _hint_by_known(fits, here)
    if copy is here:
        return _hint_by_ground(fits, here)
    against = _hint_by_ground(fits, copy)
    if against is not None and against.datum is here.datum:
        return None
    return _hint_by_known(fits, here)


def _hint_by_ground(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    return (
        _hint_by_districts(fits, here) or _hint_by_places(fits, here) or _hint_by_roads(fits, here)
    )


def _is_ahead(best_m: float, others_m: Sequence[float], ratio: float, more_m: float) -> bool:
    """Tell whether one distance is clearly the least of all."""
    return all(other > ratio * best_m + more_m for other in others_m)


def _others(fits: tuple[DatumFit, ...], best: DatumFit) -> list[DatumFit]:
    return [fit for fit in fits if fit is not best]


def _hint_by_known(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    best = min(fits, key=lambda fit: fit.known_off_m or 0.0)
    off_m, best_m = here.known_off_m or 0.0, best.known_off_m or 0.0
    others = [fit.known_off_m or 0.0 for fit in _others(fits, best)]
    if best is here or best_m > _MAX_AGREEING_M:
        return None
    if not _is_ahead(best_m, others, _CLEARLY_NEARER, 50.0):
        return None
    return DatumHint(
        best.datum,
        f"{here.known_pairs} stations that are known already lie {off_m:.0f} m from "
        f"their place read as {here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )


def _hint_by_districts(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    best = max(fits, key=lambda fit: fit.inside_share or 0.0)
    inside, most = here.inside_share or 0.0, best.inside_share or 0.0
    few = here.points and (most - inside) * here.points < _MIN_MORE_INSIDE
    if few or most - inside <= _CLEARLY_MORE_INSIDE:
        return None
    alike = [f for f in fits if most - (f.inside_share or 0.0) <= _CLEARLY_MORE_INSIDE]
    named = " or ".join(fit.datum.value for fit in alike)
    return DatumHint(
        best.datum if len(alike) == 1 else None,
        f"{inside:.0%} of the points lie inside the known districts read as "
        f"{here.datum.value}, {most:.0%} read as {named}",
    )


def _hint_by_places(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    if here.place_pairs < _MIN_PLACES:
        return None
    best = min(fits, key=lambda fit: fit.place_off_m or 0.0)
    off_m, best_m = here.place_off_m or 0.0, best.place_off_m or 0.0
    less_inside = (here.inside_share or 0.0) - (best.inside_share or 0.0) > _CLEARLY_MORE_INSIDE
    if less_inside or best is here or off_m <= _CLEARLY_NEARER_PLACES * best_m + 100:
        return None
    others = [fit.place_off_m or 0.0 for fit in _others(fits, best)]
    if not _is_ahead(best_m, others, _AHEAD_OF_OTHERS, 0.0):
        return None
    return DatumHint(
        best.datum,
        f"stations that name one of {here.place_pairs} known places lie {off_m:.0f} m from it "
        f"read as {here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )


def _hint_by_roads(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    if here.road_off_m is None or here.road_points < _MIN_BY_ROADS:
        return None
    best = min(fits, key=lambda fit: fit.road_off_m or 0.0)
    best_m = best.road_off_m or 0.0
    less_inside = (here.inside_share or 0.0) - (best.inside_share or 0.0) > _CLEARLY_MORE_INSIDE
    if less_inside or here.road_off_m <= _CLEARLY_NEARER_ROADS * best_m + _CLEARLY_M:
        return None
    others = [fit.road_off_m or 0.0 for fit in _others(fits, best)]
    if not _is_ahead(best_m, others, _AHEAD_OF_OTHERS, 0.0):
        return None
    return DatumHint(
        best.datum,
        f"half of the points lie over {here.road_off_m:.0f} m from a road read as "
        f"{here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )
