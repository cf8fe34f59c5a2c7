"""Features of a file of layers as rows of a register: GeoPackage, Shapefile, KML."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import geopandas as gpd
import pyproj

from locator.errors import InputError, RegisterError
from locator.files import LayerFile, LayerInfo, open_layers
from locator.files.projection import in_degrees
from locator.register.grid import Row, check_columns
from locator.register.sheets import cell_text
from locator.schema import CRS

FEATURE_ID = "@id"  # what a feature says beside its properties
FEATURE_POSITION = ("@lon", "@lat")
_SHAPEFILE_NAME = 10  # characters that a Shapefile keeps of a column's name


@dataclass(frozen=True)
class PointLayer:
    """A file's header, its features as rows to go through once, and how many there are."""

    header: tuple[str, ...]
    rows: Iterator[Row]
    count: int


@contextmanager
def open_layer(
    path: Path, fields: Sequence[str], *, encoding: str | None = None, crs: pyproj.CRS | None = None
) -> Iterator[PointLayer]:
    """Open the features of a file's layers, read in pieces as they are asked for.

    Parameters
    ----------
    fields
        Names of our columns, by which a Shapefile's shortened names are known again.
    encoding
        Of a Shapefile's texts; None decides it on the texts.
    crs
        The projection that the coordinates are in, whatever the file declares.

    Raises
    ------
    RegisterError
        The file cannot be read, or it holds no layer with geometry.
    """
    with as_register_error(), open_layers(path, encoding=encoding) as file:
        if not file.layers:
            raise RegisterError(f"{path.name} holds no layer with geometry.")
        chosen = _chosen(file.layers)
        for info in chosen:
            check_columns(len(info.fields), path.name)
        names = dict.fromkeys(field for info in chosen for field in info.fields)
        is_short = path.suffix.lower() == ".shp"
        whole = {name: whole_name(name, fields) if is_short else name for name in names}
        yield PointLayer(
            header=(*whole.values(), *FEATURE_POSITION),
            rows=_rows(file, chosen, whole, crs),
            count=sum(info.count for info in chosen),
        )


@contextmanager
def as_register_error() -> Iterator[None]:
    """Turn what is wrong with a file into what is wrong with a register."""
    try:
        yield
    except RegisterError:
        raise
    except InputError as error:
        raise RegisterError(str(error)) from error


def _rows(
    file: LayerFile, layers: Sequence[LayerInfo], whole: dict[str, str], crs: pyproj.CRS | None
) -> Iterator[Row]:
    numbers = count(1)
    for layer in layers:
        for raw in file.pieces(layer.name):
            piece = _in_degrees(raw if crs is None else raw.set_crs(crs, allow_override=True))
            columns = [(name, piece[name].tolist()) for name in whole if name in piece]
            for place, geometry in enumerate(piece.geometry):
                cells = {whole[name]: cell_of(values[place]) for name, values in columns}
                yield Row(
                    next(numbers), {k: v for k, v in cells.items() if v} | _position(geometry)
                )


def cell_of(value: object) -> str:
    """Return a feature's value as a person would type it; lists as JSON."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    missing = value is None or value != value  # noqa: PLR0124 - NaN and NaT alone differ from themselves
    return "" if missing else cell_text(value).strip().removesuffix(" 00:00:00")


def _in_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring a file in another projection to degrees of the same datum."""
    return frame if in_degrees(frame.crs) else frame.to_crs(CRS)


def _position(geometry: object) -> dict[str, str]:
    kind = getattr(geometry, "geom_type", None)
    if kind == "Point" and not geometry.is_empty:  # type: ignore[attr-defined]
        place = (repr(float(geometry.x)), repr(float(geometry.y)))  # type: ignore[attr-defined]
        return dict(zip(FEATURE_POSITION, place, strict=True))
    return {FEATURE_POSITION[0]: f"({kind or 'no geometry'})"}


def _chosen(layers: Sequence[LayerInfo]) -> Sequence[LayerInfo]:
    """Return our own layer if the file is an export of ours, else every layer."""
    return [info for info in layers if info.name == "stations"] or layers


def whole_name(short: str, fields: Sequence[str]) -> str:
    """Return a column's name as it was before a Shapefile shortened it."""
    longer = [name for name in fields if name[:_SHAPEFILE_NAME] == short]
    return longer[0] if len(longer) == 1 else short
