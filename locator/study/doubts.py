"""What a reader of a study must see first: changes that change nothing, demand in another city."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from locator.coverage import Scenario, idle_changes
from locator.datum import Positions, geodesic_m

__all__ = ["districts_away", "doubt_places", "doubt_scenario"]

_NEAR_M = 1_000.0  # district lines are generalised
_IDLE = {
    "open": "is in service already",
    "close": "is out of service already",
    "hours": "has these opening hours already: {has}",
    "services": "offers these services already: {has}",
    "move": "stands there already: {has}",
}


def doubt_scenario(
    stations: gpd.GeoDataFrame, scenario: Scenario, districts: gpd.GeoDataFrame
) -> list[str]:
    """Return a sentence for each change that changes nothing, and for stations far from the city.

    Parameters
    ----------
    stations
        The register before the scenario.
    districts
        The districts that are known, EPSG:4326.
    """
    said = [
        f"The scenario ({idle.verb}) changes nothing at {idle.id} ({idle.name}): it "
        f"{_IDLE[idle.verb].format(has=idle.has)}."
        for idle in idle_changes(stations, scenario)
    ]
    places = {identity: ("moved", place) for identity, place in scenario.move.items()}
    if scenario.add is not None:
        for identity, at in zip(scenario.add["id"], scenario.add.geometry, strict=True):
            places[str(identity)] = ("added", (at.x, at.y))
    for identity, (verb, place) in places.items():
        metres, names = districts_away(np.array([place]), districts)
        if len(metres) and metres[0] > _NEAR_M:
            said.append(
                f"The scenario's station {identity}, {verb}, lies {metres[0] / 1000:,.0f} km from "
                f"the nearest known district, {names[0]}: check its position."
            )
    return said


def doubt_places(lonlat: Positions, districts: gpd.GeoDataFrame, *, what: str) -> list[str]:
    """Return a sentence if places lie outside every known district.

    Parameters
    ----------
    lonlat
        (n, 2) degrees, WGS-84.
    what
        What they are, in English and in the plural, with their file.
    """
    metres, names = districts_away(lonlat, districts)
    away = np.flatnonzero(metres > _NEAR_M)
    if not len(away):
        return []
    near, far = away[np.argmin(metres[away])], away[np.argmax(metres[away])]
    span = f"{metres[near] / 1000:,.0f}"
    if round(metres[far] / 1000) > round(metres[near] / 1000):
        span += f" to {metres[far] / 1000:,.0f}"
    return [
        f"Outside the known districts: {len(away):,} of {len(metres):,} {what}, {span} km from the "
        f"nearest, {names[near]}; check their datum, or that they are of this city."
    ]


def districts_away(
    lonlat: Positions, districts: gpd.GeoDataFrame
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Sequence[str]]:
    """Return (n,) metres from places to the nearest district, 0 inside, and the district's name.

    Both are empty where no district is known. The nearest point is found on a plate carrée
    (longitudes shortened by the cosine of the districts' latitude) and measured on the ellipsoid:
    exact to a part in a thousand within a few hundred kilometres.
    """
    if districts.empty or not len(lonlat):
        return np.empty(0), ()
    squeeze = float(np.cos(np.radians(districts.total_bounds[[1, 3]].mean())))
    shapes = shapely.transform(districts.geometry.to_numpy(), lambda xy: xy * [squeeze, 1.0])
    points = shapely.points(lonlat * [squeeze, 1.0])
    _, nearest = shapely.STRtree(shapes).query_nearest(points, all_matches=False)
    lines = shapely.shortest_line(shapes[nearest], points)
    there = shapely.get_coordinates(shapely.get_point(lines, 0)) / [squeeze, 1.0]
    metres = geodesic_m(lonlat[:, 0], lonlat[:, 1], there[:, 0], there[:, 1])
    return np.asarray(metres, dtype=np.float64), [str(districts["name"].iloc[i]) for i in nearest]
