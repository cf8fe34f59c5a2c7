"""Coordinate reference systems by reference (OGC 18-058r1, OGC API – Features – Part 2).

Axes are in the order their authority gives: longitude first in CRS84, latitude first in EPSG:4326
and EPSG:4490. CGCS2000 (EPSG:4490) is taken as equal to WGS-84: they differ by less than a metre.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from locator.datum import from_web_mercator, to_web_mercator
from locator.errors import InputError

Coordinates = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees


@dataclass(frozen=True)
class Crs:
    """One system: its URI, the order of its axes, whether it is web Mercator, its decimals."""

    uri: str
    axes: Literal["xy", "yx"]
    mercator: bool
    decimals: int  # about a centimetre or finer

    def from_lonlat(self, lonlat: Coordinates) -> Coordinates:
        """Return (n, 2) coordinates in this system, rounded, from degrees longitude first."""
        xy = to_web_mercator(lonlat) if self.mercator else lonlat
        ordered = xy[:, ::-1] if self.axes == "yx" else xy
        return np.round(ordered, self.decimals)

    def to_lonlat(self, coordinates: Coordinates) -> Coordinates:
        """Return (n, 2) degrees, longitude first, from coordinates in this system."""
        xy = coordinates[:, ::-1] if self.axes == "yx" else coordinates
        return from_web_mercator(xy) if self.mercator else xy


_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "xy", mercator=False, decimals=7)
CRS_TABLE: tuple[Crs, ...] = (
    CRS84,
    Crs(_EPSG + "4326", "yx", mercator=False, decimals=7),
    Crs(_EPSG + "3857", "xy", mercator=True, decimals=3),
    Crs(_EPSG + "4490", "yx", mercator=False, decimals=7),
)


def parse_crs(text: str, *, parameter: str = "crs") -> Crs:
    """Return the system that a URI names.

    Raises
    ------
    InputError
        It is none of ours.
    """
    for crs in CRS_TABLE:
        if text == crs.uri:
            return crs
    known = ", ".join(crs.uri for crs in CRS_TABLE)
    raise InputError(f"{parameter}={text[:80]!r} is not offered; there are {known}.")


def corner_boxes(low: tuple[float, float], high: tuple[float, float], crs: Crs) -> tuple[Box, ...]:
    """Return the box between two corners given in a system's axes.

    Returns
    -------
    One box in degrees, longitude first; two where its west lies east of its east, that is where it
    crosses the 180th meridian (RFC 7946, section 5.2).

    Raises
    ------
    InputError
        South lies above north.
    """
    corners = crs.to_lonlat(np.array([low, high]))
    (west, south), (east, north) = ((float(x), float(y)) for x, y in corners)
    if south > north:
        raise InputError("A box has its south above its north.")
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return ((west, south, east, north),)
