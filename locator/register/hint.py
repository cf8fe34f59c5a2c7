"""Which datum coordinates fit best, and how surely; nothing is ever converted by it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.datum import from_wgs84, geodesic_m, in_metres, to_wgs84
from locator.register.coordinates import SAY_DEGREES, SAY_METRES
from locator.register.rows import Fault
from locator.schema import Datum

__all__ = ["DatumFit", "DatumHint", "RoadDistance", "fit_datums", "hint_datum"]

_MIN_PAIRS = 3
_MAX_AGREEING_M = 100.0  # the datums lie 420 m and more apart in China's cities
_CLEARLY_NEARER = 3.0
_CLEARLY_MORE_INSIDE = 0.02
# Simulated with places 0.2 to 1.5 km off in each axis: a right datum is doubted once in a hundred.
_MIN_PLACES = 8
_CLEARLY_NEARER_PLACES = 1.5
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
        Their median distance from the nearest road, where roads were imported.
    """

    datum: Datum
    known_pairs: int
    known_off_m: float | None
    inside_share: float | None
    place_pairs: int = 0
    place_off_m: float | None = None
    points: int = 0
    road_off_m: float | None = None


@dataclass(frozen=True)
class DatumHint:
    """Another datum fits clearly better, and the sentence that says why."""

    datum: Datum
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
                _road_off_m(x, y, road_distance_m),
            )
        )
    return tuple(fits)


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


def _road_off_m(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], distance_m: RoadDistance | None
) -> float | None:
    if distance_m is None or not len(lon):
        return None
    return float(np.median(distance_m(np.column_stack([lon, lat]))))


def hint_datum(
    fits: tuple[DatumFit, ...], stated: Datum, *, faults: Sequence[Fault] = ()
) -> DatumHint | None:
    """Return the datum that fits clearly better than the stated one, if any.

    Stations that are known already decide where there are three or more; else the districts do,
    and where they do not, the places that stations name, if there are eight, then the roads, if
    there are thirty points.

    Parameters
    ----------
    fits
        From :func:`fit_datums`.
    stated
        The datum the file was read in.
    faults
        Of the file's rejected rows: most of these in another unit is a hint too.
    """
    here = next(fit for fit in fits if fit.datum is stated)
    if here.known_off_m is not None and here.known_pairs >= _MIN_PAIRS:
        return _hint_by_known(fits, here)
    return (
        _hint_by_districts(fits, here)
        or _hint_by_places(fits, here)
        or _hint_by_roads(fits, here)
        or _hint_by_unit(faults)
    )


def _hint_by_known(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    best = min(fits, key=lambda fit: fit.known_off_m or 0.0)
    off_m, best_m = here.known_off_m or 0.0, best.known_off_m or 0.0
    if best_m > _MAX_AGREEING_M or off_m <= _CLEARLY_NEARER * best_m + 50:
        return None
    return DatumHint(
        best.datum,
        f"{here.known_pairs} stations that are known already lie {off_m:.0f} m from "
        f"their place read as {here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )


def _hint_by_districts(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    best = max(fits, key=lambda fit: fit.inside_share or 0.0)
    inside, most = here.inside_share or 0.0, best.inside_share or 0.0
    if most - inside <= _CLEARLY_MORE_INSIDE:
        return None
    return DatumHint(
        best.datum,
        f"{inside:.0%} of the points lie inside the known districts read as "
        f"{here.datum.value}, {most:.0%} read as {best.datum.value}",
    )


def _hint_by_places(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    if here.place_pairs < _MIN_PLACES:
        return None
    best = min(fits, key=lambda fit: fit.place_off_m or 0.0)
    off_m, best_m = here.place_off_m or 0.0, best.place_off_m or 0.0
    less_inside = (here.inside_share or 0.0) - (best.inside_share or 0.0) > _CLEARLY_MORE_INSIDE
    if less_inside or off_m <= _CLEARLY_NEARER_PLACES * best_m + 100:
        return None
    return DatumHint(
        best.datum,
        f"stations that name one of {here.place_pairs} known places lie {off_m:.0f} m from it "
        f"read as {here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )


def _hint_by_roads(fits: tuple[DatumFit, ...], here: DatumFit) -> DatumHint | None:
    if here.road_off_m is None or here.points < _MIN_BY_ROADS:
        return None
    best = min(fits, key=lambda fit: fit.road_off_m or 0.0)
    best_m = best.road_off_m or 0.0
    if here.road_off_m <= _CLEARLY_NEARER_ROADS * best_m + _CLEARLY_M:
        return None
    return DatumHint(
        best.datum,
        f"half of the points lie over {here.road_off_m:.0f} m from a road read as "
        f"{here.datum.value}, {best_m:.0f} m read as {best.datum.value}",
    )


def _hint_by_unit(faults: Sequence[Fault]) -> DatumHint | None:
    rejected = len({fault.row for fault in faults})
    for datum, ending in ((Datum.BD09MC, SAY_METRES), (Datum.BD09, SAY_DEGREES)):
        count = len({fault.row for fault in faults if fault.reason.endswith(ending)})
        if count >= _MIN_PAIRS and 2 * count > rejected:
            what = "Baidu's metres" if in_metres(datum) else "degrees"
            return DatumHint(
                datum,
                f"{count / rejected:.0%} of the rejected rows have coordinates like {what} "
                f"({datum.value})",
            )
    return None
