"""Named places to stand at: a district's built-up middle, a hot zone, a town.

A district's polygon says nothing of where its people are: its centroid may lie in the mountains
an hour from the nearest street. Its middle here is the one demand or station of it from which the
others are nearest on the whole, a weighted geometric median brought back to a real place.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

_DECIMALS = 6  # 0.1 m
_STEPS = 100
_NEAR_DEG = 1e-9  # 0.1 mm: keeps a step from dividing by nothing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A named place a rider may stand at or ride to; degrees, WGS-84."""

    name: str
    lon: float
    lat: float


def named_places(
    *,
    districts: gpd.GeoDataFrame,
    hot_zones: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
) -> list[Place]:
    """Return the named places: districts, then hot zones, then towns; a name stands once.

    Parameters
    ----------
    stations
        Those that count, with which a district without demand is weighed.
    """
    found: dict[str, Place] = {}
    middles = (
        district_middles(districts, hot_zones, stations),
        shapely.get_coordinates(hot_zones.geometry.representative_point().to_numpy()),
        shapely.get_coordinates(places.geometry.representative_point().to_numpy()),
    )
    for layer, points in zip((districts, hot_zones, places), middles, strict=True):
        for name, (lon, lat) in zip(layer["name"], points.tolist(), strict=True):
            found.setdefault(name, Place(name, round(lon, _DECIMALS), round(lat, _DECIMALS)))
    return list(found.values())


def district_middles(
    districts: gpd.GeoDataFrame, hot_zones: gpd.GeoDataFrame, stations: gpd.GeoDataFrame
) -> Floats:
    """Return the built-up middle of each district, (n, 2) degrees, WGS-84.

    Weighed by the demand of the hot zones whose middle lies in the district; where there is none,
    by its stations, each alike; where there are none either, a point inside the polygon.
    """
    areas = districts.geometry.to_numpy()
    middles = shapely.get_coordinates(shapely.point_on_surface(areas)).reshape(-1, 2)
    for points, weights in (
        (stations.geometry.to_numpy(), np.ones(len(stations))),
        (hot_zones.geometry.representative_point().to_numpy(), _demand(hot_zones)),
    ):  # demand last: where there is some, it counts
        # Asked by the polygons, which are large: a query prepares what it is asked by.
        district, rows = shapely.STRtree(points).query(areas, predicate="intersects")
        known = weights[rows] > 0
        rows, district = rows[known], district[known]
        lonlat = shapely.get_coordinates(points)
        for number in np.unique(district).tolist():
            own = rows[district == number]
            middles[number] = _median_place(lonlat[own], weights[own])
    return middles


def _demand(hot_zones: gpd.GeoDataFrame) -> Floats:
    given = hot_zones["demand_per_h"].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(given), given, 0.0)


def _median_place(lonlat: Floats, weights: Floats) -> Floats:
    """Return the place nearest to the weighted geometric median (Weiszfeld's iteration, 1937)."""
    flat = lonlat * [np.cos(np.radians(lonlat[:, 1].mean())), 1.0]
    middle = np.average(flat, axis=0, weights=weights)
    for _ in range(_STEPS):
        pull = weights / np.maximum(np.hypot(*(flat - middle).T), _NEAR_DEG)
        middle = (flat * pull[:, None]).sum(axis=0) / pull.sum()
    place: Floats = lonlat[int(np.hypot(*(flat - middle).T).argmin())]
    return place
