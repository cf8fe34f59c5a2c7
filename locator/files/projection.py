"""Projections that files name: by a code or as WKT, never by a link or a file of shifts."""

import re

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from locator.errors import InputError

_CODE = re.compile(r"(?:urn:(?:x-)?ogc:def:crs:)?(EPSG|ESRI|OGC):(?:[\w.]*:)?(\w+)", re.IGNORECASE)
_LONLAT = frozenset({"CRS84", "84"})
# What lets PROJ open another file; @null is none.
_NAMES_A_FILE = re.compile(
    r"PARAMETERFILE|(?:nad|geoid|xy|vertical_?)_?grids?\s*=\s*(?!@null\b)|\+grids\s*=|\+file\s*=",
    re.IGNORECASE,
)


def crs_from_code(authority: str, code: str | int) -> CRS:
    """Return the projection of an authority's code, ValueError if there is none."""
    try:
        return CRS.from_authority(authority.upper(), code)
    except CRSError as error:
        raise ValueError(f"{authority}:{code} is no projection that is known") from error


def crs_from_name(name: str) -> CRS:
    """Return the projection of ``EPSG:4545`` or ``urn:ogc:def:crs:EPSG::4545``, else ValueError."""
    match = _CODE.fullmatch(name.strip())
    if match is None:
        raise ValueError(f"{name[:60]!r} is not a projection; write EPSG and its number")
    authority, code = match.groups()
    if authority.upper() == "OGC":
        if code.upper() not in _LONLAT:
            raise ValueError(f"{name[:60]!r} is no projection that is known")
        return CRS.from_epsg(4326)
    return crs_from_code(authority, code)


def crs_from_wkt(text: str, source: str) -> CRS | None:
    """Return the projection that a text of a file describes, None if it describes none.

    Raises
    ------
    InputError
        It names a file.
    """
    check_wkt(text, source)
    try:
        return CRS.from_wkt(text)
    except CRSError:
        return None


def check_wkt(text: str, source: str) -> None:
    """Refuse a description of a projection by which PROJ would open another file.

    Raises
    ------
    InputError
        It is one.
    """
    if _NAMES_A_FILE.search(text):
        raise InputError(
            f"{source}: its projection names another file, which is not opened; "
            "save it in another projection, such as EPSG:4326."
        )


def in_degrees(crs: CRS | None) -> bool:
    """Tell whether a projection's coordinates are degrees already, whatever their datum."""
    return crs is None or bool(crs.is_geographic)


def to_degrees(
    x: npt.ArrayLike, y: npt.ArrayLike, crs: CRS | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitude and latitude of a projection's coordinates; NaN where it has none.

    Degrees of CGCS2000 are those of WGS-84 to some centimetres; degrees of any datum stay as they
    are, for it is the sender who knows what they are.
    """
    east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if crs is None or in_degrees(crs):
        return east, north
    try:
        lon, lat = Transformer.from_crs(crs, CRS.from_epsg(4326), always_xy=True).transform(
            east, north
        )
    except ProjError:
        return np.full(east.shape, np.nan), np.full(east.shape, np.nan)
    known = np.isfinite(lon) & np.isfinite(lat)
    return np.where(known, lon, np.nan), np.where(known, lat, np.nan)
