"""Which datum coordinates fit best, and how surely; nothing is ever converted by it."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from locator.datum import from_wgs84, geodesic_m, to_wgs84
from locator.schema import Datum

__all__ = ["DatumFit", "DatumHint", "fit_datums", "hint_datum"]

_MIN_PAIRS = 3
_MAX_AGREEING_M = 100.0  # the datums lie 420 m and more apart in China's cities
_CLEARLY_NEARER = 3.0
_CLEARLY_MORE_INSIDE = 0.02


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
    """

    datum: Datum
    known_pairs: int
    known_off_m: float | None
    inside_share: float | None


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
) -> tuple[DatumFit, ...]:
    """Compare the datums on a file's points.

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
    """
    lon, lat = from_wgs84(stations.geometry.x, stations.geometry.y, stated)
    pairs = stations[["id"]].assign(row=range(len(stations)))
    pairs = pairs.merge(known[["id", "geometry"]], on="id")
    rows = pairs["row"].to_numpy()
    there = gpd.GeoSeries(pairs["geometry"])
    whole = shapely.union_all(districts.geometry.to_numpy()) if len(districts) else None
    shapely.prepare(whole)
    fits = []
    for datum in Datum:
        x, y = to_wgs84(lon, lat, datum)
        off = geodesic_m(x[rows], y[rows], there.x, there.y) if len(pairs) else None
        inside = shapely.contains_xy(whole, x, y) if whole is not None and len(x) else None
        fits.append(
            DatumFit(
                datum,
                len(pairs),
                None if off is None else float(np.median(off)),
                None if inside is None else float(np.mean(inside)),
            )
        )
    return tuple(fits)


def hint_datum(fits: tuple[DatumFit, ...], stated: Datum) -> DatumHint | None:
    """Return the datum that fits clearly better than the stated one, if any.

    Stations that are known already decide where there are three or more; else the districts do.
    """
    here = next(fit for fit in fits if fit.datum is stated)
    if here.known_off_m is not None and here.known_pairs >= _MIN_PAIRS:
        off = {fit.datum: fit.known_off_m or 0.0 for fit in fits}
        best = min(off, key=lambda datum: off[datum])
        if off[best] <= _MAX_AGREEING_M and off[stated] > _CLEARLY_NEARER * off[best] + 50:
            return DatumHint(
                best,
                f"{here.known_pairs} stations that are known already lie {off[stated]:.0f} m from "
                f"their place read as {stated.value}, {off[best]:.0f} m read as {best.value}",
            )
        return None
    if here.inside_share is not None:
        inside = {fit.datum: fit.inside_share or 0.0 for fit in fits}
        best = max(inside, key=lambda datum: inside[datum])
        if inside[best] - inside[stated] > _CLEARLY_MORE_INSIDE:
            return DatumHint(
                best,
                f"{inside[stated]:.0%} of the points lie inside the known districts read as "
                f"{stated.value}, {inside[best]:.0%} read as {best.value}",
            )
    return None
