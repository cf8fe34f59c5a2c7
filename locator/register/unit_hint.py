"""What rejected coordinates may be: Baidu's metres, Web Mercator, Gauss–Krüger, exchanged axes.

Every reading is tried on the numbers before it is named: most of them must come to lie where the
city is. Two that fit alike are both named, with nothing to choose between them.
"""

import math
from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import shapely

from locator.datum import in_metres, to_wgs84
from locator.register.hint import DatumHint
from locator.register.projected import GAUSS_KRUGER, Projection, projection_of
from locator.schema import Datum

Pair = tuple[float, float]
Reading = Callable[[Pair], Pair]

_MIN_ROWS = 3
_SAMPLE = 200
_FITS = 0.5  # share of the numbers that must come to lie where the city is
_AHEAD = 0.25  # by which one reading must be ahead of the others to be named alone
_BESIDE_DEG = 0.2  # some 20 km: stations may lie beyond the districts that are known
_HALF_ZONE_M = 334_000  # 3 degrees at the equator
_NORTH_M = (300_000, 6_000_000)  # of China's latitudes, 3 to 54 degrees
_ZONES = range(13, 46)  # 6-degree and 3-degree ones
_MERCATOR_END = 20_037_508.35  # half the equator of WGS-84, in metres
_CHINA = shapely.box(73.0, 18.0, 135.5, 54.0)


def hint_unit(
    unplaced: Sequence[Pair],
    rejected: int,
    stated: Datum,
    *,
    projected: bool,
    districts: gpd.GeoDataFrame,
) -> DatumHint | None:
    """Return what most of the rejected rows' coordinates may be, if anything fits.

    Parameters
    ----------
    unplaced
        Both numbers of rejected rows, as they stand.
    rejected
        All rejected rows.
    stated
        The datum the file was read in.
    projected
        Whether a projection was stated too.
    districts
        Where the city is; empty if it is not known, then China is.
    """
    if projected or len(unplaced) < _MIN_ROWS or 2 * len(unplaced) <= rejected:
        return None
    sample = list(unplaced[:: max(1, len(unplaced) // _SAMPLE)])
    area = _CHINA
    if len(districts):
        area = shapely.union_all(districts.geometry.to_numpy()).buffer(_BESIDE_DEG)
    shapely.prepare(area)
    marks = {name: _share(sample, read, area) for name, read in _readings(stated).items()}
    best = max(marks.values(), default=0.0)
    share = f"{min(1.0, len(unplaced) / max(rejected, 1)):.0%} of the rejected rows"
    if best < _FITS:
        return _unknown(sample, share)
    alike = [name for name, mark in marks.items() if mark > best - _AHEAD]
    if len(alike) > 3:
        return _unknown(sample, share)
    named = " or ".join(alike)
    ask = "; they lie kilometres apart, ask who sent the file" if len(alike) > 1 else ""
    return DatumHint(
        _DATUM_OF.get(alike[0]) if len(alike) == 1 else None,
        f"{share} have coordinates like {named}{ask}",
    )


_BAIDU, _DEGREES = "Baidu's metres (bd09mc)", "degrees (bd09)"
_DATUM_OF = {_BAIDU: Datum.BD09MC, _DEGREES: Datum.BD09}


def _readings(stated: Datum) -> dict[str, Reading]:
    if in_metres(stated):
        return {_DEGREES: lambda pair: pair}
    readings: dict[str, Reading] = {
        "exchanged longitude and latitude": lambda pair: (pair[1], pair[0]),
        _BAIDU: _from_baidu,
        "Web Mercator (--crs EPSG:3857)": _from(projection_of("EPSG:3857")),
    }
    for meridian, code in GAUSS_KRUGER.items():
        name = f"Gauss–Krüger at {meridian}° E (--crs EPSG:{code})"
        readings[name] = _from(projection_of(f"EPSG:{code}"))
    return readings


def _from(projection: Projection) -> Reading:
    return lambda pair: projection.degrees(*pair)


def _from_baidu(pair: Pair) -> Pair:
    if min(map(abs, pair)) <= 180:
        raise ValueError
    lon, lat = to_wgs84(*pair, Datum.BD09MC)
    return float(lon), float(lat)


def _share(sample: Sequence[Pair], read: Reading, area: shapely.Geometry) -> float:
    places = []
    for pair in sample:
        try:
            places.append(read(pair))
        except ValueError:
            continue
    usable = np.array([p for p in places if all(map(math.isfinite, p))]).reshape(-1, 2)
    inside = shapely.contains_xy(area, usable[:, 0], usable[:, 1])
    return float(np.count_nonzero(inside)) / len(sample)


def _unknown(sample: Sequence[Pair], share: str) -> DatumHint | None:
    """Return a word on metres that no reading brings to the city."""
    gauss_kruger = "Gauss–Krüger metres: ask for the central meridian and say --crs, EPSG:4545 for "
    gauss_kruger += "108° E in zones of 3 degrees"
    if all(_is_gauss_kruger(pair) or _is_gauss_kruger(pair[::-1]) for pair in sample):
        return DatumHint(None, f"{share} have coordinates like {gauss_kruger}")
    if not all(180 < max(map(abs, pair)) <= _MERCATOR_END for pair in sample):
        return None
    first, second = (float(axis) for axis in np.median(np.array(sample), axis=0))
    lon, lat = projection_of("EPSG:3857").degrees(first, second)
    return DatumHint(
        None,
        f"{share} have coordinates in metres that lie elsewhere: Web Mercator (--crs EPSG:3857) "
        f"puts them at latitude {lat:.1f}, longitude {lon:.1f}; ask who sent the file",
    )


def _is_gauss_kruger(pair: Sequence[float]) -> bool:
    """Tell whether east and north are within a zone in China, its number before the east or not."""
    east, north = pair
    zone, east = divmod(east, 1_000_000)
    in_zone = abs(east - 500_000) <= _HALF_ZONE_M and (zone == 0 or zone in _ZONES)
    return in_zone and _NORTH_M[0] <= north <= _NORTH_M[1]
