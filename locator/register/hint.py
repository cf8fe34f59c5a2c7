"""A hint when coordinates fit another datum than the one stated; nothing is converted by it."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from locator.datum import from_wgs84, geodesic_m, to_wgs84
from locator.schema import Datum

__all__ = ["DatumHint", "hint_datum"]

_MIN_PAIRS = 3
_MAX_AGREEING_M = 100.0  # the datums lie 420 m and more apart in China's cities
_CLEARLY_NEARER = 3.0
_CLEARLY_MORE_INSIDE = 0.02


@dataclass(frozen=True)
class DatumHint:
    """Another datum fits better, and the sentence that says why."""

    datum: Datum
    reason: str


def hint_datum(
    stations: gpd.GeoDataFrame,
    *,
    stated: Datum,
    known: gpd.GeoDataFrame,
    districts: gpd.GeoDataFrame,
) -> DatumHint | None:
    """Compare the three datums and return the one that fits clearly better, if any.

    Parameters
    ----------
    stations
        The rows as read under the stated datum, in WGS-84.
    stated
        That datum.
    known
        Stations already in the store: rows with the same id should lie at the same place.
    districts
        The city's polygons: stations should lie inside.
    """
    if stations.empty:
        return None
    lon, lat = from_wgs84(stations.geometry.x, stations.geometry.y, stated)
    places = {datum: to_wgs84(lon, lat, datum) for datum in Datum}
    pairs = stations[["id"]].assign(row=range(len(stations)))
    pairs = pairs.merge(known[["id", "geometry"]], on="id")
    if len(pairs) >= _MIN_PAIRS:
        rows = pairs["row"].to_numpy()
        there = gpd.GeoSeries(pairs["geometry"])
        off = {
            datum: float(np.median(geodesic_m(x[rows], y[rows], there.x, there.y)))
            for datum, (x, y) in places.items()
        }
        best = min(off, key=lambda datum: off[datum])
        if off[best] <= _MAX_AGREEING_M and off[stated] > _CLEARLY_NEARER * off[best] + 50:
            return DatumHint(
                best,
                f"{len(pairs)} stations that are known already lie {off[stated]:.0f} m from their "
                f"place read as {stated.value}, {off[best]:.0f} m read as {best.value}",
            )
        return None
    if districts.empty:
        return None
    whole = shapely.union_all(districts.geometry.to_numpy())
    shapely.prepare(whole)
    inside = {d: float(shapely.contains_xy(whole, x, y).mean()) for d, (x, y) in places.items()}
    best = max(inside, key=lambda datum: inside[datum])
    if inside[best] - inside[stated] > _CLEARLY_MORE_INSIDE:
        return DatumHint(
            best,
            f"{inside[stated]:.0%} of the points lie inside the known districts read as "
            f"{stated.value}, {inside[best]:.0%} read as {best.value}",
        )
    return None
