"""Demand: hot zones and their weekly profiles, cut at district lines."""

import json
from datetime import datetime

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from locator.errors import InputError

HOURS_OF_WEEK = 168
_SHARE_SUM_TOLERANCE = 1e-3
_SLIVER_M2 = 0.01  # leftovers of cutting along lines that should meet


def hour_of_week(moment: datetime) -> int:
    """Return the hour of the week of a local moment: 0 is Monday 00:00 to 01:00."""
    return moment.weekday() * 24 + moment.hour


def zone_demand(zones: gpd.GeoDataFrame, *, hour: int | None = None) -> npt.NDArray[np.float64]:
    """Return each zone's demand in orders per hour.

    Parameters
    ----------
    zones
        Hot zones; ``demand_per_h`` is the mean over the week, ``profile`` 168 shares of it.
    hour
        Hour of the week (:func:`hour_of_week`), for ``demand_per_h * 168 * share``; None for the
        mean. A zone without a profile has the same demand at every hour.

    Raises
    ------
    InputError
        A demand is missing or negative, or a profile is not 168 shares that add up to 1.
    """
    mean: npt.NDArray[np.float64] = np.asarray(zones["demand_per_h"], dtype=np.float64)
    bad = ~(mean >= 0) | ~np.isfinite(mean)
    if bad.any():
        zone = zones["id"].to_numpy()[bad][0]
        raise InputError(f"Hot zone {zone!r}: demand_per_h must be a number, 0 or more.")
    return mean if hour is None else mean * hourly_factors(zones)[:, hour]


def hourly_factors(zones: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """Return (n, 168) demand of each hour of the week over the week's mean: 168 times the share.

    A zone without a profile has ones.

    Raises
    ------
    InputError
        A profile is not 168 shares that add up to 1.
    """
    factors = np.ones((len(zones), HOURS_OF_WEEK))
    if "profile" in zones:
        for row, (zone, profile) in enumerate(zip(zones["id"], zones["profile"], strict=True)):
            if profile is not None and not (isinstance(profile, float) and np.isnan(profile)):
                factors[row] = HOURS_OF_WEEK * _read_shares(zone, profile)
    return factors


def _read_shares(zone: str, profile: object) -> npt.NDArray[np.float64]:
    try:
        values = json.loads(profile) if isinstance(profile, str) else profile
        shares: npt.NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"Hot zone {zone!r}: its profile is not a list of numbers.") from error
    good = shares.shape == (HOURS_OF_WEEK,) and bool((shares >= 0).all())
    if not good or abs(shares.sum() - 1.0) > _SHARE_SUM_TOLERANCE:
        raise InputError(
            f"Hot zone {zone!r}: its profile must be {HOURS_OF_WEEK} shares, 0 or more, "
            "that add up to 1 (the first is Monday 00:00)."
        )
    return shares


def split_zones(
    zones: gpd.GeoDataFrame,
    districts: gpd.GeoDataFrame,
    *,
    crs: pyproj.CRS,
    demand_per_h: npt.NDArray[np.float64],
) -> gpd.GeoDataFrame:
    """Cut zones at district lines; a piece has its share of the zone's demand by area.

    Parameters
    ----------
    zones, districts
        EPSG:4326.
    crs
        The local metric projection to cut and measure in.
    demand_per_h
        Demand of each zone.

    Returns
    -------
    GeoDataFrame
        In ``crs``: ``zone_id, zone_name, zone_kind, district_id, district_name`` (null outside
        every district), ``demand_per_h, area_m2`` and the piece's polygon. Areas of a zone's
        pieces add up to the zone's, and so do their demands.

    Raises
    ------
    InputError
        A zone's polygon is not valid.
    """
    shapes = zones.geometry.to_crs(crs).to_numpy()
    invalid = ~shapely.is_valid(shapes)
    if invalid.any():
        first = int(np.flatnonzero(invalid)[0])
        raise InputError(
            f"Hot zone {zones['id'].iloc[first]!r}: its polygon is not valid "
            f"({shapely.is_valid_reason(shapes[first])}); mend it in QGIS with 'Fix geometries'."
        )
    lines = districts.geometry.to_crs(crs).to_numpy()
    zone_at, district_at = shapely.STRtree(lines).query(shapes, predicate="intersects")
    parts = shapely.intersection(shapes[zone_at], lines[district_at])
    inside = union_by(parts, zone_at, len(shapes))
    rest = shapely.difference(shapes, inside)
    row = np.concatenate([zone_at, np.arange(len(shapes))])
    district = np.concatenate([district_at, np.full(len(shapes), -1)])
    pieces = np.concatenate([parts, rest])
    area = shapely.area(pieces)
    keep = area > _SLIVER_M2
    row, district, pieces, area = row[keep], district[keep], pieces[keep], area[keep]
    whole = np.bincount(row, weights=area, minlength=len(shapes))
    return gpd.GeoDataFrame(
        {
            "zone_id": zones["id"].to_numpy()[row],
            "zone_name": zones["name"].to_numpy()[row],
            "zone_kind": zones["kind"].to_numpy()[row],
            "district_id": _pick(districts["id"], district),
            "district_name": _pick(districts["name"], district),
            "demand_per_h": demand_per_h[row] * area / whole[row],
            "area_m2": area,
        },
        geometry=pieces,
        crs=crs,
    ).sort_values(["zone_id", "district_id"], ignore_index=True)


def _pick(column: "pd.Series[str]", rows: npt.NDArray[np.int64]) -> "pd.Series[str]":
    """Return a column's values at rows; row -1 is null."""
    values = [*column, None]
    return pd.Series([values[row] for row in rows], dtype=object)


def union_by(
    parts: npt.NDArray[np.object_], group: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.object_]:
    """Return the union of the parts of each group; a group without parts is empty."""
    unions = np.full(count, shapely.Polygon(), dtype=object)
    if not len(group):
        return unions
    order = np.argsort(group, kind="stable")
    groups, starts = np.unique(group[order], return_index=True)
    for place, members in zip(groups, np.split(order, starts[1:]), strict=True):
        unions[place] = shapely.union_all(parts[members])
    return unions
