"""WGS-84, GCJ-02, BD-09 and local metric projections: the only place that reprojects.

GCJ-02 and BD-09 have no published standard; the constants are those of the open
implementations in use since 2013 (Krasovsky 1940 ellipsoid, a = 6 378 245 m,
e² = 0.006 693 421 622 965 943). All arrays are float64 degrees, longitude and latitude apart.

BD-09 in metres (bd09mc) is BD-09 under Baidu's own Mercator: east and north as polynomials of
sixth degree, one a band of 15 degrees. The coefficients are those of Baidu's JavaScript API (its
tables MCBAND, MC2LL, LLBAND and LL2MC), as several independent open implementations quote them,
digit for digit.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Geod

from locator.errors import DatumError
from locator.schema import Datum

Degrees = npt.NDArray[np.float64]
Positions = npt.NDArray[np.float64]  # (n, 2) longitude and latitude in degrees, WGS-84
Pair = tuple[Degrees, Degrees]

GEOD = Geod(ellps="WGS84")

_A = 6_378_245.0
_EE = 0.006_693_421_622_965_943
_BD_PI = np.pi * 3000.0 / 180.0
_INVERSE_STEPS = 5  # the naive inverse errs up to 2.4 m, two steps 1.2 cm, five less than 0.1 mm

_METRES_A_DEGREE = 111_320.702  # of longitude, in every band of the tables below
_BAIDU_NORTH_END = 74.0  # degrees; Baidu's map goes no further
_BAIDU_LIMITS_M = (20_037_726.37, 12_474_104.17)  # 180 degrees east, 74 degrees north
# A row a band, from the equator on: where the band starts (metres for the first table, degrees for
# the second), constant and factor of the longitude, the latitude's seven coefficients, lowest
# power first, and what the latitude is divided by before.
_MC2LL = (
    (
        (0.0, 2.890871144776878e-9, 8.983055095805407e-6),
        (-3.068298e-8, 7.47137025468032, -3.53937994e-6, -0.02145144861037),
        (-1.234426596e-5, 1.0322952773e-4, -3.23890364e-6, 826088.5),
    ),
    (
        (1678043.12, 3.09191371068437e-9, 8.983055096812155e-6),
        (6.995724062e-5, 23.10934304144901, -2.3663490511e-4, -0.6321817810242),
        (-6.63494467273e-3, 0.03430082397953, -4.66043876332e-3, 2555164.4),
    ),
    (
        (3481989.83, -1.981981304930552e-8, 8.983055099779535e-6),
        (0.03278182852591, 40.31678527705744, 0.65659298677277, -4.44255534477492),
        (0.85341911805263, 0.12923347998204, -0.04625736007561, 4482777.06),
    ),
    (
        (5591021.0, -3.030883460898826e-8, 8.98305509983578e-6),
        (0.30071316287616, 59.74293618442277, 7.357984074871, -25.38371002664745),
        (13.45380521110908, -3.29883767235584, 0.32710905363475, 6856817.37),
    ),
    (
        (8362377.87, -7.435856389565537e-9, 8.983055097726239e-6),
        (-0.78625201886289, 96.32687599759846, -1.85204757529826, -59.36935905485877),
        (47.40033549296737, -16.50741931063887, 2.28786674699375, 10260144.86),
    ),
    (
        (12890594.86, 1.410526172116255e-8, 8.98305509648872e-6),
        (-1.9939833816331, 200.9824383106796, -187.2403703815547, 91.6087516669843),
        (-23.38765649603339, 2.57121317296198, -0.03801003308653, 17337981.2),
    ),
)
_LL2MC = (
    (
        (0.0, -3.218135878613132e-4, 111320.7020701615),
        (3.69383431289e-3, 823725.6402795718, 0.46104986909093, 2351.343141331292),
        (1.58060784298199, 8.77738589078284, 0.37238884252424, 7.45),
    ),
    (
        (15.0, -3.441963504368392e-4, 111320.7020576856),
        (278.2353980772752, 2485758.690035394, 6070.750963243378, 54821.18345352118),
        (9540.606633304236, -2710.55326746645, 1405.483844121726, 22.5),
    ),
    (
        (30.0, 2.20636496208e-3, 111320.7020209128),
        (51751.86112841131, 3796837.749470245, 992013.7397791013, -1221952.21711287),
        (1340652.697009075, -620943.6990984312, 144416.9293806241, 37.5),
    ),
    (
        (45.0, 3.37398766765e-3, 111320.7020202162),
        (4481351.045890365, -23393751.19931662, 79682215.47186455, -115964993.2797253),
        (97236711.15602145, -43661946.33752821, 8477230.501135234, 52.5),
    ),
    (
        (60.0, 8.277824516172526e-4, 111320.7020463578),
        (647795574.6671607, -4082003173.641316, 10774905663.51142, -15171875531.51559),
        (12053065338.62167, -5124939663.577472, 913311935.9512032, 67.5),
    ),
)  # the sixth band, from 75 degrees on, lies past the map's end
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


def _baidu_polynomials(
    x: Degrees, y: Degrees, table: tuple[tuple[tuple[float, ...], ...], ...]
) -> Pair:
    """Evaluate one of Baidu's tables; south and west mirror north and east."""
    rows = np.array([start + low + high for start, low, high in table])
    north = np.abs(y)
    row = rows[np.searchsorted(rows[:, 0], north, side="right") - 1]
    d = north / row[..., 10]
    value = row[..., 9]
    for power in range(8, 2, -1):
        value = value * d + row[..., power]
    return np.copysign(row[..., 1] + row[..., 2] * np.abs(x), x), np.copysign(value, y)


def bd09mc_to_bd09(east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> Pair:
    """Convert Baidu's metres to BD-09 degrees."""
    x, y = np.asarray(east_m, dtype=np.float64), np.asarray(north_m, dtype=np.float64)
    return _baidu_polynomials(x, y, _MC2LL)


def bd09_to_bd09mc(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Convert BD-09 degrees to Baidu's metres, up to 74 degrees north and south.

    Baidu's two tables were fitted apart and disagree by up to 27 cm in China; what metres mean is
    what :func:`bd09mc_to_bd09` makes of them, so the other table's answer is only where the
    fixed-point iteration starts. Between two bands a gap of 1 cm has no metres of its own.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    y = np.clip(y, -_BAIDU_NORTH_END, _BAIDU_NORTH_END)
    east, north = _baidu_polynomials(x, y, _LL2MC)
    stretch = _METRES_A_DEGREE / np.cos(np.radians(y))  # a Mercator's, northwards
    for _ in range(_INVERSE_STEPS):
        back_x, back_y = _baidu_polynomials(east, north, _MC2LL)
        east = east + (x - back_x) * _METRES_A_DEGREE
        north = north + (y - back_y) * stretch
    return east, north


def _same(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def _bd09mc_to_wgs84(east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> Pair:
    return _bd09_to_wgs84(*bd09mc_to_bd09(east_m, north_m))


def _wgs84_to_bd09mc(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    return bd09_to_bd09mc(*_wgs84_to_bd09(lon, lat))


def in_metres(datum: Datum) -> bool:
    """Tell whether a datum's coordinates are metres east and north, not degrees."""
    return datum is Datum.BD09MC


def limits(datum: Datum) -> tuple[float, float]:
    """Return the largest longitude and latitude (or east and north) of a datum, in its unit."""
    return _BAIDU_LIMITS_M if in_metres(datum) else (180.0, 90.0)


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """Convert coordinates of a stated datum, in its own unit, to WGS-84."""
    steps: dict[Datum, Callable[[npt.ArrayLike, npt.ArrayLike], Pair]] = {
        Datum.WGS84: _same,
        Datum.GCJ02: gcj02_to_wgs84,
        Datum.BD09: _bd09_to_wgs84,
        Datum.BD09MC: _bd09mc_to_wgs84,
    }
    return steps[datum](lon, lat)


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: Datum) -> Pair:
    """Convert WGS-84 coordinates to a datum, for handing them to somebody else's map."""
    steps: dict[Datum, Callable[[npt.ArrayLike, npt.ArrayLike], Pair]] = {
        Datum.WGS84: _same,
        Datum.GCJ02: wgs84_to_gcj02,
        Datum.BD09: _wgs84_to_bd09,
        Datum.BD09MC: _wgs84_to_bd09mc,
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


def to_web_mercator(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project (n, 2) degrees WGS-84 to the metres of EPSG:3857 (IOGP 373-07-2, method 1024)."""
    phi = np.radians(lonlat[..., 1])
    return _WGS84_A * np.stack([np.radians(lonlat[..., 0]), np.arctanh(np.sin(phi))], axis=-1)


def from_web_mercator(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Undo :func:`to_web_mercator`: (n, 2) metres of EPSG:3857 to degrees WGS-84."""
    x, y = xy[..., 0] / _WGS84_A, xy[..., 1] / _WGS84_A
    with np.errstate(over="ignore"):  # far past a pole is the pole
        return np.stack([np.degrees(x), np.degrees(np.arctan(np.sinh(y)))], axis=-1)
