"""More stations than a browser can draw, as numbers: how many there are in each part of a map."""

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.theme import dense_range

__all__ = ["count_stations"]

_ACROSS = 16  # parts side by side where most stations lie
_MOST = 1_000  # parts; a browser draws so many numbers at once
_DIGITS = 5  # 1 m
_AROUND = 1e-5  # degrees beside the outermost station of a part, so that its box holds it


def count_stations(stations: gpd.GeoDataFrame) -> list[list[float]]:
    """Return the parts of a grid that hold stations, the fullest first.

    Returns
    -------
    ``[lon, lat, number, west, south, east, north]`` of each: the middle of its stations, how many
    they are, and the box around them, in degrees, EPSG:4326.
    """
    x, y = stations.geometry.x.to_numpy(), stations.geometry.y.to_numpy()
    (west, east), (south, north) = dense_range(x), dense_range(y)
    shrunk = max(0.05, float(np.cos(np.radians((south + north) / 2))))
    size = max((east - west), (north - south) / shrunk, 1e-6) / _ACROSS
    places = pd.DataFrame({"x": x, "y": y})
    while True:  # stations far outside may need more parts than there should be
        grid = np.floor((x - west) / size), np.floor((y - south) / (size * shrunk))
        groups = places.groupby(list(grid))
        if groups.ngroups <= _MOST:
            break
        size *= 2
    table = groups.agg(
        lon=("x", "mean"),
        lat=("y", "mean"),
        number=("x", "size"),
        west=("x", "min"),
        south=("y", "min"),
        east=("x", "max"),
        north=("y", "max"),
    )
    table[["west", "south"]] -= _AROUND
    table[["east", "north"]] += _AROUND
    fullest = table.sort_values("number", ascending=False, kind="stable").round(_DIGITS)
    parts: list[list[float]] = fullest.astype(object).to_numpy().tolist()
    return parts
