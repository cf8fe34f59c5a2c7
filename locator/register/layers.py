"""Point layers of other programs through GDAL: GeoPackage, Shapefile, KML."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from locator.errors import RegisterError
from locator.register.grid import Row
from locator.register.sheets import cell_text
from locator.schema import CRS

__all__ = ["FEATURE_ID", "FEATURE_POSITION", "read_layer"]

FEATURE_ID = "@id"  # what a feature says beside its properties
FEATURE_POSITION = ("@lon", "@lat")
_SHAPEFILE_NAME = 10  # characters that a Shapefile keeps of a column's name
_DEGREES = frozenset({4326, 4490, 4214, 4610})  # WGS-84, CGCS2000 and older names for degrees


def read_layer(path: Path, fields: Sequence[str]) -> tuple[list[str], list[Row]]:
    """Return the header and the features of the first layer that holds any.

    Parameters
    ----------
    fields
        Names of our columns, by which a Shapefile's shortened names are known again.

    Raises
    ------
    RegisterError
        GDAL cannot read the file, or it holds no layer with geometry.
    """
    frame = _read_frame(path)
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    header = [_whole_name(name, fields) for name in names] if path.suffix == ".shp" else names
    rows = []
    columns = [frame[name].tolist() for name in names]
    for number, geometry in enumerate(frame.geometry, start=1):
        cells = {}
        for name, values in zip(header, columns, strict=True):
            value = values[number - 1]
            text = "" if value is None or value != value else cell_text(value).strip()  # noqa: PLR0124
            if text:
                cells[name] = text.removesuffix(" 00:00:00")
        cells |= _position(geometry)
        rows.append(Row(number, cells))
    return [*header, *FEATURE_POSITION], rows


def _position(geometry: object) -> dict[str, str]:
    kind = getattr(geometry, "geom_type", None)
    if kind == "Point" and not geometry.is_empty:  # type: ignore[attr-defined]
        place = (repr(float(geometry.x)), repr(float(geometry.y)))  # type: ignore[attr-defined]
        return dict(zip(FEATURE_POSITION, place, strict=True))
    return {FEATURE_POSITION[0]: f"({kind or 'no geometry'})"}


def _read_frame(path: Path) -> gpd.GeoDataFrame:
    encoding = _shapefile_encoding(path) if path.suffix.lower() == ".shp" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on a damaged file
            return _read_layers(path, encoding)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.GeometryError,
        UnicodeDecodeError,
    ) as error:
        raise RegisterError(f"{path.name} cannot be read: {error}.") from error


def _read_layers(path: Path, encoding: str | None) -> gpd.GeoDataFrame:
    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if not names:
        raise RegisterError(f"{path.name} holds no layer with geometry.")
    parts = [pyogrio.read_dataframe(path, layer=n, encoding=encoding) for n in _chosen(names)]
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if frame.crs is None or frame.crs.to_epsg() in _DEGREES:
        return frame
    # What a file says to be in another projection is brought to degrees of the same datum.
    return frame.to_crs(CRS)


def _chosen(names: Sequence[str]) -> Sequence[str]:
    """Return our own layer if the file is an export of ours, else every layer."""
    return ["stations"] if "stations" in names else names


def _whole_name(short: str, fields: Sequence[str]) -> str:
    longer = [name for name in fields if name[:_SHAPEFILE_NAME] == short]
    return longer[0] if len(longer) == 1 else short


def _shapefile_encoding(path: Path) -> str | None:
    """Return the encoding of a Shapefile that does not say; Chinese ones are GBK or UTF-8."""
    if any(path.with_suffix(ending).exists() for ending in (".cpg", ".CPG")):
        return None
    table = path.with_suffix(".dbf")
    if not table.exists():
        return None
    try:
        table.read_bytes()[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
