"""WGS-84, GCJ-02, BD-09 and local metric projections: the only place that reprojects.

GCJ-02 and BD-09 have no published standard; the constants are those of the open
implementations in use since 2013 (Krasovsky 1940 ellipsoid, a = 6 378 245 m,
e² = 0.006 693 421 622 965 943). All arrays are float64 degrees, longitude and latitude apart.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Geod

from locator.errors import DatumError
from locator.schema import Datum

__all__ = [
    "GEOD",
    "MAX_LOCAL_RADIUS_M",
    "bd09_to_gcj02",
    "from_mercator",
    "from_wgs84",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "geodesic_m",
    "in_china",
    "local_crs",
    "mercator_scale",
    "steps_m",
    "to_mercator",
    "to_wgs84",
    "wgs84_to_gcj02",
]

Degrees = npt.NDArray[np.float64]
Pair = tuple[Degrees, Degrees]

GEOD = Geod(ellps="WGS84")

_A = 6_378_245.0
_EE = 0.006_693_421_622_965_943
_BD_PI = np.pi * 3000.0 / 180.0
_INVERSE_STEPS = 5  # the naive inverse errs up to 2.4 m, two steps 1.2 cm, five less than 0.1 mm

_SHORT_M = 5000.0
_WGS84_A = 6_378_137.0  # NGA.STND.0036, table 3.1
_WGS84_E = np.sqrt(0.006_694_379_990_14)

# An azimuthal equidistant projection stretches lengths across the radius by r / (R sin(r/R)),
# 0.1 % at this radius (Snyder 1987, USGS Professional Paper 1395, p. 191-194).
MAX_LOCAL_RADIUS_M = 490_000.0


def in_china(lon: Degrees, lat: Degrees) -> npt.NDArray[np.bool_]:
    """Tell which points lie in the box inside which GCJ-02 differs from WGS-84."""
    inside: npt.NDArray[np.bool_] = (
        (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    )
    return inside


def _offset(lon: Degrees, lat: Degrees) -> Pair:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    short = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + short
    d_lat += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short
    d_lon += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    w = 1.0 - _EE * np.sin(phi) ** 2
    d_lat = np.degrees(d_lat / (_A * (1.0 - _EE) / (w * np.sqrt(w))))
    d_lon = np.degrees(d_lon / (_A / np.sqrt(w) * np.cos(phi)))
    china = in_china(lon, lat)
    return np.where(china, d_lon, 0.0), np.where(china, d_lat, 0.0)


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Convert WGS-84 to GCJ-02; outside China the two are equal."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    d_lon, d_lat = _offset(x, y)
    return x + d_lon, y + d_lat


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Convert GCJ-02 to WGS-84 by fixed-point iteration."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    wx, wy = x, y
    for _ in range(_INVERSE_STEPS):
        d_lon, d_lat = _offset(wx, wy)
        wx, wy = x - d_lon, y - d_lat
    return wx, wy


def gcj02_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Convert GCJ-02 to BD-09."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    z = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_PI)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_PI)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def bd09_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Convert BD-09 to GCJ-02 by fixed-point iteration on :func:`gcj02_to_bd09`."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    gx, gy = x - 0.0065, y - 0.006
    for _ in range(_INVERSE_STEPS):
        bx, by = gcj02_to_bd09(gx, gy)
        gx, gy = gx + x - bx, gy + y - by
    return gx, gy


def _same(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """Convert coordinates of a stated datum to WGS-84."""
    steps: dict[Datum, Callable[[npt.ArrayLike, npt.ArrayLike], Pair]] = {
        Datum.WGS84: _same,
        Datum.GCJ02: gcj02_to_wgs84,
        Datum.BD09: _bd09_to_wgs84,
    }
    return steps[datum](lon, lat)


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """Convert WGS-84 coordinates to a datum, for handing them to somebody else's map."""
    steps: dict[Datum, Callable[[npt.ArrayLike, npt.ArrayLike], Pair]] = {
        Datum.WGS84: _same,
        Datum.GCJ02: wgs84_to_gcj02,
        Datum.BD09: _wgs84_to_bd09,
    }
    return steps[datum](lon, lat)


def geodesic_m(
    lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return geodesic distances in metres on WGS-84 (Karney 2013, through PROJ)."""
    given = [np.asarray(a, dtype=np.float64) for a in (lon1, lat1, lon2, lat2)]
    arrays = np.broadcast_arrays(*given)
    x1, y1, x2, y2 = (np.ascontiguousarray(a) for a in arrays)
    _, _, metres = GEOD.inv(x1, y1, x2, y2)
    return np.asarray(metres, dtype=np.float64).reshape(arrays[0].shape)


def steps_m(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the length of each step along a line of (n, 2) degrees WGS-84, (n - 1,) metres.

    A short step is measured on the tangent plane with the radii of curvature at its middle
    (Snyder 1987, p. 24-25, eq. 4-18 and 4-20): within 1 mm up to 5 km below 60° of latitude. A
    longer one is measured as a geodesic.
    """
    phi = np.radians((lonlat[1:, 1] + lonlat[:-1, 1]) / 2)
    w = 1.0 - (_WGS84_E * np.sin(phi)) ** 2
    d_lon, d_lat = np.radians(np.diff(lonlat, axis=0)).T
    east = _WGS84_A / np.sqrt(w) * np.cos(phi) * d_lon
    north = _WGS84_A * (1.0 - _WGS84_E**2) / (w * np.sqrt(w)) * d_lat
    metres: npt.NDArray[np.float64] = np.hypot(east, north)
    far = np.flatnonzero((metres > _SHORT_M) | (np.abs(phi) > np.pi / 3))
    metres[far] = geodesic_m(*lonlat[far].T, *lonlat[far + 1].T)
    return metres


def local_crs(bounds: tuple[float, float, float, float]) -> CRS:
    """Return an azimuthal equidistant projection in metres centred on a box of degrees.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees WGS-84, as ``GeoDataFrame.total_bounds`` gives them.

    Raises
    ------
    DatumError
        The box is so large that lengths would be wrong by more than 0.1 %.
    """
    west, south, east, north = bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise DatumError(f"The area {bounds} is not a box of degrees; are the coordinates metres?")
    lon, lat = float(west + east) / 2, float(south + north) / 2
    radius_m = float(geodesic_m([lon, lon], [lat, lat], [west, west], [south, north]).max())
    if radius_m > MAX_LOCAL_RADIUS_M:
        raise DatumError(
            f"The area reaches {radius_m / 1000:.0f} km from its middle; past "
            f"{MAX_LOCAL_RADIUS_M / 1000:.0f} km one local projection errs by more than 0.1 %: "
            "divide it, for example by province."
        )
    return CRS.from_proj4(f"+proj=aeqd +lat_0={lat!r} +lon_0={lon!r} +datum=WGS84 +units=m")


def to_mercator(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project (n, 2) degrees WGS-84 to the ellipsoidal Mercator plane of the same shape.

    It is conformal: what is nearest on the ground is nearest on the plane, near and far from any
    centre. Its lengths are too long by :func:`mercator_scale` (Snyder 1987, USGS Professional
    Paper 1395, p. 44, eq. 7-6 and 7-7).
    """
    phi = np.radians(lonlat[..., 1])
    esin = _WGS84_E * np.sin(phi)
    y = np.arctanh(np.sin(phi)) - _WGS84_E * np.arctanh(esin)
    return np.stack([_WGS84_A * np.radians(lonlat[..., 0]), _WGS84_A * y], axis=-1)


def from_mercator(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Undo :func:`to_mercator` by fixed-point iteration (Snyder 1987, p. 44, eq. 7-9)."""
    psi = xy[..., 1] / _WGS84_A
    phi = np.arctan(np.sinh(psi))
    for _ in range(_INVERSE_STEPS):
        phi = np.arctan(np.sinh(psi + _WGS84_E * np.arctanh(_WGS84_E * np.sin(phi))))
    return np.stack([np.degrees(xy[..., 0] / _WGS84_A), np.degrees(phi)], axis=-1)


def mercator_scale(lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return by what the Mercator plane lengthens a metre (Snyder 1987, p. 44, eq. 7-8)."""
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    scale: npt.NDArray[np.float64] = np.sqrt(1.0 - (_WGS84_E * np.sin(phi)) ** 2) / np.cos(phi)
    return scale
