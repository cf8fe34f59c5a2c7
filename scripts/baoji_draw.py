"""Where the illustrative stations and hot zones of geodata/ lie, and when demand comes.

Each row draws from its own seed, so that a row added to ``baoji_tables.py`` leaves the others
where they are (but for posts that now stand too close to it).
"""

import zlib
from collections.abc import Sequence

import baoji_tables as tables
import click
import numpy as np
import numpy.typing as npt
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from locator.datum import GEOD
from locator.schema import ZoneKind

__all__ = ["MIN_APART_M", "draw_zone", "scatter", "week_profile"]

SEED = 610300  # the city's code
MIN_APART_M = 110.0  # between any two stations
HOURS_A_WEEK = 168

Floats = npt.NDArray[np.float64]


def draws_for(key: str) -> np.random.Generator:
    """Return a row's own random numbers, so that a new row does not move the others."""
    return np.random.default_rng([SEED, zlib.crc32(key.encode("utf-8"))])


def move(lon: float, lat: float, east_m: float, north_m: float) -> tuple[float, float]:
    """Move a point by metres along the geodesic."""
    azimuth = float(np.degrees(np.arctan2(east_m, north_m)))
    east, north, _ = GEOD.fwd(lon, lat, azimuth, float(np.hypot(east_m, north_m)))
    return round(float(east), 7), round(float(north), 7)


def scatter(
    key: str, area: dict[str, str], area_polygon: BaseGeometry, taken: list[tuple[float, float]]
) -> tuple[float, float]:
    """Draw a place within an area: in its district, and apart from the places already taken."""
    draws = draws_for(key)
    for _ in range(1000):
        distance = float(area["radius_m"]) * float(np.sqrt(draws.random()))
        angle = 2.0 * np.pi * float(draws.random())
        lon, lat = move(
            float(area["lon"]),
            float(area["lat"]),
            distance * float(np.cos(angle)),
            distance * float(np.sin(angle)),
        )
        apart = all(GEOD.inv(lon, lat, *other)[2] >= MIN_APART_M for other in taken)
        if apart and area_polygon.covers(Point(lon, lat)):
            taken.append((lon, lat))
            return lon, lat
    raise click.ClickException(f"No room is left for {key} around {area['area']}.")


def draw_zone(row: dict[str, str]) -> MultiPolygon:
    """Draw a hot zone: an uneven ring around its middle, stretched and turned."""
    draws = draws_for(row["name"])
    corners = 9 + int(5 * draws.random())
    turn = (np.arange(corners) + 0.6 * draws.random(corners)) * 2.0 * np.pi / corners
    radius_m = float(row["radius_m"]) * (0.84 + 0.32 * draws.random(corners))
    longer = float(np.sqrt(float(row["stretch"])))
    along, across = radius_m * np.cos(turn) * longer, radius_m * np.sin(turn) / longer
    angle = float(np.radians(float(row["angle"])))
    east = along * np.cos(angle) - across * np.sin(angle)
    north = along * np.sin(angle) + across * np.cos(angle)
    ring = [
        tuple(round(degree, 6) for degree in move(float(row["lon"]), float(row["lat"]), e, n))
        for e, n in zip(east.tolist(), north.tolist(), strict=True)
    ]
    return MultiPolygon([orient(Polygon(ring))])


def day_curve(heights: Sequence[float]) -> Floats:
    """Return a day's 24 weights: a floor, lower while people sleep, and a hill for each meal."""
    floor, *peaks = heights
    clock = np.arange(24) + 0.5
    asleep = (clock >= tables.ASLEEP_H[0]) & (clock < tables.ASLEEP_H[1])
    curve = np.where(asleep, floor * tables.ASLEEP_FACTOR, floor)
    for peak, hour, width in zip(peaks, tables.MEALS_H, tables.MEAL_WIDTHS_H, strict=True):
        away = (clock - hour + 12.0) % 24.0 - 12.0
        curve = curve + peak * np.exp(-0.5 * (away / width) ** 2)
    return np.asarray(curve, dtype=np.float64)


def week_profile(name: str, kind: ZoneKind) -> list[float]:
    """Return a zone's 168 shares, Monday first: whole millionths whose sum is exactly one."""
    weekday, weekend = (day_curve(heights) for heights in tables.DAY_CURVES[kind])
    weights = np.concatenate([weekday] * 5 + [weekend] * 2)
    weights = weights * (0.94 + 0.12 * draws_for("profile " + name).random(HOURS_A_WEEK))
    millionths = weights / weights.sum() * 1e6
    whole = np.floor(millionths).astype(np.int64)
    left = int(1_000_000 - whole.sum())
    whole[np.argsort(-(millionths - whole), kind="stable")[:left]] += 1
    return [int(share) / 1e6 for share in whole]
