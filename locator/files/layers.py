"""Layers of points, lines and polygons out of files, in pieces or whole, of five endings."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from locator.errors import InputError
from locator.files import gpkg, shapefile
from locator.files.geojson import open_geojson
from locator.files.kml import open_kml

_KINDS = {
    ".gpkg": "GeoPackage",
    ".shp": "Shapefile",
    ".kml": "KML file",
    ".geojson": "GeoJSON file",
    ".json": "GeoJSON file",
}
ENDINGS = tuple(_KINDS)
_MAX_WHOLE_BYTES = 100_000_000  # of a file that is not read in pieces
_PIECE = 20_000


class _Open(Protocol):
    def names(self) -> tuple[str, ...]: ...
    def fields(self, name: str) -> tuple[str, ...]: ...
    def crs(self, name: str) -> CRS | None: ...
    def count(self, name: str) -> int: ...
    def pieces(self, name: str, size: int) -> Iterator[gpd.GeoDataFrame]: ...


@dataclass(frozen=True)
class LayerInfo:
    """A layer: its name, its columns without the geometry, its rows, its projection if it says."""

    name: str
    fields: tuple[str, ...]
    count: int
    crs: CRS | None


class LayerFile:
    """An open file of layers."""

    def __init__(self, path: Path, opened: _Open) -> None:
        self._path, self._open = path, opened
        self.layers = tuple(
            LayerInfo(name, opened.fields(name), opened.count(name), opened.crs(name))
            for name in opened.names()
        )

    def pieces(self, layer: str, *, size: int = _PIECE) -> Iterator[gpd.GeoDataFrame]:
        """Yield a layer's rows in pieces, in the file's projection.

        Raises
        ------
        InputError
            The file is damaged further down.
        """
        with _told(self._path):
            yield from self._open.pieces(layer, size)

    def read(self, layer: str | None = None) -> gpd.GeoDataFrame:
        """Return a layer's rows, of the first layer by default, in the file's projection.

        Raises
        ------
        InputError
            There is no such layer, or the file is damaged.
        """
        names = [info.name for info in self.layers]
        if layer is not None and layer not in names:
            raise InputError(
                f"{self._path.name} has no layer {layer!r}; it has {', '.join(names) or 'none'}."
            )
        if not names:
            raise InputError(f"{self._path.name} holds no layer with geometry.")
        chosen = self.layers[names.index(layer)] if layer else self.layers[0]
        pieces = list(self.pieces(chosen.name))
        if not pieces:
            columns = pd.DataFrame(columns=list(chosen.fields), dtype=object)
            return gpd.GeoDataFrame(columns, geometry=[], crs=chosen.crs)
        if len(pieces) == 1:
            return pieces[0]
        return gpd.GeoDataFrame(pd.concat(pieces, ignore_index=True), crs=chosen.crs)


@contextmanager
def open_layers(path: Path, *, encoding: str | None = None) -> Iterator[LayerFile]:
    """Open a GeoPackage, Shapefile, KML or GeoJSON file.

    Parameters
    ----------
    encoding
        Of a Shapefile's texts; None decides it on the texts.

    Raises
    ------
    InputError
        The file is missing, damaged, too large, or its content is not what its ending says.
    """
    ending = path.suffix.lower()
    if ending not in _KINDS:
        raise InputError(
            f"{path.name}: this ending is not known; save it as one of {', '.join(ENDINGS)}."
        )
    with ExitStack() as stack:
        with _told(path):
            _check_start(path, ending)
            opened: _Open
            if ending == ".gpkg":
                opened = stack.enter_context(gpkg.open_gpkg(path))
            elif ending == ".shp":
                opened = stack.enter_context(shapefile.open_shapefile(path, encoding))
            else:
                opened = open_kml(path) if ending == ".kml" else open_geojson(path)
            file = LayerFile(path, opened)
        yield file


def read_layer(
    path: Path, layer: str | None = None, *, encoding: str | None = None
) -> gpd.GeoDataFrame:
    """Return a layer of a file whole, in the file's projection; the first by default."""
    with open_layers(path, encoding=encoding) as file:
        return file.read(layer)


def read_layers(path: Path, wanted: Sequence[str]) -> dict[str, gpd.GeoDataFrame]:
    """Return those of the wanted layers that a file has, whole."""
    with open_layers(path) as file:
        there = {info.name for info in file.layers}
        return {name: file.read(name) for name in wanted if name in there}


def _check_start(path: Path, ending: str) -> None:
    """Refuse content that is not what the ending says, before anything takes it for another."""
    with path.open("rb") as stream:
        start = stream.read(100)
        size = stream.seek(0, 2)
    signature = {".gpkg": gpkg.SIGNATURE, ".shp": shapefile.SIGNATURE}.get(ending)
    if signature is not None and not start.startswith(signature):
        raise ValueError("its first bytes are not those of one")
    if signature is None and size > _MAX_WHOLE_BYTES:
        raise InputError(
            f"{path.name} has {size / 1e6:,.0f} MB; more than {_MAX_WHOLE_BYTES // 1_000_000:,} MB "
            f"of {ending} is not read: divide it, or save it as GeoPackage."
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a damaged file into one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"The texts of {path.name} are not {error.encoding}; name what they are in with "
            "--encoding, such as gb18030, big5 or utf-8."
        ) from error
    except (sqlite3.Error, ValueError) as error:
        kind = _KINDS[path.suffix.lower()]
        raise InputError(
            f"{path.name} is damaged or not a {kind}; export it again ({short_reason(error)})."
        ) from error


def short_reason(error: Exception) -> str:
    """Return what a library says is wrong, to stand in brackets."""
    return str(error).strip(" .:;") or "it cannot be read"
