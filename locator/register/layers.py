"""Point layers of other programs through GDAL: GeoPackage, Shapefile, KML."""

import os
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import geopandas as gpd
import pyogrio

from locator.errors import RegisterError
from locator.register.grid import Row, check_columns
from locator.register.sheets import cell_text
from locator.schema import CRS

__all__ = ["FEATURE_ID", "FEATURE_POSITION", "PointLayer", "open_layer", "short_reason"]

FEATURE_ID = "@id"  # what a feature says beside its properties
FEATURE_POSITION = ("@lon", "@lat")
_PIECE = 20_000
_SHAPEFILE_NAME = 10  # characters that a Shapefile keeps of a column's name
# What GDAL adds to each row of a KML file; beside its id the file's own column is called id2.
_PLACEMARK = frozenset({"id", "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude"})
_DRAWN = frozenset({"visibility", "drawOrder", "icon"})
_KINDS = {".gpkg": "GeoPackage", ".shp": "Shapefile", ".kml": "KML file"}
# What GDAL tells who calls it, not who made the file.
_ADVICE = re.compile(r";? ?It might help to specify.*|\. Set SHAPE_RESTORE_SHX.*", re.DOTALL)
_DEGREES = frozenset({4326, 4490, 4214, 4610})  # WGS-84, CGCS2000 and older names for degrees


@dataclass(frozen=True)
class PointLayer:
    """A file's header, its features as rows to go through once, and how many there are."""

    header: tuple[str, ...]
    rows: Iterator[Row]
    count: int


def open_layer(path: Path, fields: Sequence[str]) -> PointLayer:
    """Return the features of a file's layers, read in pieces as they are asked for.

    Parameters
    ----------
    fields
        Names of our columns, by which a Shapefile's shortened names are known again.

    Raises
    ------
    RegisterError
        GDAL cannot read the file, or it holds no layer with geometry.
    """
    encoding = _shapefile_encoding(path) if path.suffix.lower() == ".shp" else None
    with _told(path):
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if not names:
            raise RegisterError(f"{path.name} holds no layer with geometry.")
        chosen = _chosen(names)
        infos = {n: pyogrio.read_info(path, layer=n, encoding=encoding) for n in chosen}
    for info in infos.values():
        check_columns(len(info["fields"]), path.name)
    short = dict.fromkeys(str(field) for info in infos.values() for field in info["fields"])
    if path.suffix.lower() == ".kml" and _is_undescribed(path, chosen, short):
        del short["description"]
    whole = {name: _whole_name(name, path.suffix.lower(), fields) for name in short}
    return PointLayer(
        header=(*whole.values(), *FEATURE_POSITION),
        rows=_rows(path, chosen, encoding, whole),
        count=sum(max(int(info["features"]), 0) for info in infos.values()),
    )


def _rows(
    path: Path, layers: Sequence[str], encoding: str | None, whole: dict[str, str]
) -> Iterator[Row]:
    numbers = count(1)
    for layer in layers:
        for start in count(0, _PIECE):
            with _told(path):
                piece = pyogrio.read_dataframe(
                    path, layer=layer, encoding=encoding, skip_features=start, max_features=_PIECE
                )
            if not isinstance(piece, gpd.GeoDataFrame) or piece.empty:
                break
            piece = _in_degrees(piece)
            columns = [(name, piece[name].tolist()) for name in whole if name in piece]
            for place, geometry in enumerate(piece.geometry):
                cells = {whole[name]: _text(values[place]) for name, values in columns}
                yield Row(
                    next(numbers), {k: v for k, v in cells.items() if v} | _position(geometry)
                )
            if len(piece) < _PIECE:
                break


def _text(value: object) -> str:
    missing = value is None or value != value  # noqa: PLR0124 - NaN and NaT alone differ from themselves
    return "" if missing else cell_text(value).strip().removesuffix(" 00:00:00")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what GDAL raises on a damaged file into one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on a damaged file
            yield
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.GeometryError,
        UnicodeDecodeError,
    ) as error:
        kind = _KINDS.get(path.suffix.lower(), "layer")
        reason = short_reason(path, error)
        raise RegisterError(
            f"{path.name} is damaged or not a {kind}; export it again ({reason})."
        ) from error


def short_reason(path: Path, error: Exception) -> str:
    """Return what GDAL says is wrong, without its advice to programmers and the folder."""
    words = _ADVICE.sub("", str(error)).replace(f"{path.parent}{os.sep}", "").split("; ")[-1]
    # Whoever says the reason has named the file.
    words = words.removeprefix(f"{path.name}: ").removeprefix(f"'{path.name}' ")
    return words.strip(" .:;") or "it cannot be read"


def _in_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring a file in another projection to degrees of the same datum."""
    if frame.crs is None or frame.crs.to_epsg() in _DEGREES:
        return frame
    return frame.to_crs(CRS)


def _position(geometry: object) -> dict[str, str]:
    kind = getattr(geometry, "geom_type", None)
    if kind == "Point" and not geometry.is_empty:  # type: ignore[attr-defined]
        place = (repr(float(geometry.x)), repr(float(geometry.y)))  # type: ignore[attr-defined]
        return dict(zip(FEATURE_POSITION, place, strict=True))
    return {FEATURE_POSITION[0]: f"({kind or 'no geometry'})"}


def _chosen(names: Sequence[str]) -> Sequence[str]:
    """Return our own layer if the file is an export of ours, else every layer."""
    return ["stations"] if "stations" in names else names


def _is_undescribed(path: Path, layers: Sequence[str], fields: Collection[str]) -> bool:
    """Tell whether no placemark has a description; GDAL adds the column at all events."""
    if "description" not in fields:
        return False
    some = {"where": "description <> ''", "max_features": 1, "read_geometry": False}
    with _told(path):
        return all(pyogrio.read_dataframe(path, layer=n, **some).empty for n in layers)


def _whole_name(short: str, ending: str, fields: Sequence[str]) -> str:
    """Return a column's name as it was before a format shortened or changed it."""
    if ending == ".kml":
        return (
            f"@{short}"
            if short in _PLACEMARK | _DRAWN
            else "id"
            if short.lower() == "id2"
            else short
        )
    if ending != ".shp":
        return short
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
