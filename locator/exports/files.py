"""A collection as a file: GeoJSON from the encoder of ``/ogc``, the rest from the register's."""

import json
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from locator.errors import RegisterError, StoreError
from locator.features import Collection, Shape, View, encode_rows, find_collection
from locator.register import FORMATS as WRITTEN
from locator.register import POSITION, Format, LayerFile, place_columns, write_layer
from locator.schema import Language

# What a link offers, by ending.
FORMATS: dict[str, Format] = {
    ending.removeprefix("."): known for ending, known in WRITTEN.items() if known.media_type
}
LABELLED = FORMATS.keys() - {"geojson"}  # may have headers and labels in a language
_OFFERED = ("stations", "hot_zones", "gaps")
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Export:
    """A collection that is offered as files, and its columns there."""

    collection: Collection
    layer: LayerFile


def find_export(name: str) -> Export | None:
    """Return an export by its collection's name; districts have none, their lines are guarded."""
    collection = find_collection(name) if name in _OFFERED else None
    if collection is None:
        return None
    columns = tuple(c for c in collection.layer.columns if c.public or c.name == "id")
    if collection.geometry_type == "Point":
        placed = place_columns(columns)
    else:
        placed = (*columns[:2], *POSITION, *columns[2:])
    layer = LayerFile(collection.id, collection.title.zh, placed, collection.geometry_type)
    return Export(collection, layer)


def write_export(
    export: Export, view: View, path: Path, *, language: Language | None, said: dict[str, object]
) -> None:
    """Write a collection's rows to a file by its ending.

    Parameters
    ----------
    path
        Ends in one of :data:`FORMATS`.
    language
        Headers and labels in a language; None writes field names and codes.
    said
        What a GeoJSON file says of itself beside its features; the others have no place for it.
    """
    if path.suffix == ".geojson":
        _write_geojson(view, path, said)
        return
    frame = view.frame.set_geometry(view.geometry, crs=view.frame.crs)
    write_layer(frame, path, export.layer, language=language)


def _write_geojson(view: View, path: Path, said: dict[str, object]) -> None:
    head = {"type": "FeatureCollection", "name": view.collection.id, **said}
    text = json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    with path.open("wb") as stream:
        stream.write(text.encode("utf-8", "replace")[:-1] + b',"features":[\n')
        for number, piece in enumerate(encode_rows(view, view.rows, Shape())):
            stream.write(b",\n" if number else b"")
            stream.write(piece)
        stream.write(b"\n]}\n")


class CachedFile:
    """A file without a name: it is gone when the process is, however that ends."""

    def __init__(self, source: IO[bytes]) -> None:
        self._stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._stream.close)
        shutil.copyfileobj(source, self._stream)
        self.size_bytes = self._stream.seek(0, os.SEEK_END)
        self._lock = threading.Lock()

    def pieces(self) -> Iterator[bytes]:
        """Yield the content; several readers may be at it at once."""
        place = 0
        while place < self.size_bytes:
            with self._lock:
                self._stream.seek(place)
                piece = self._stream.read(_PIECE_BYTES)
            place += len(piece)
            yield piece


def cached_file(name: str, make: Callable[[Path], None]) -> CachedFile:
    """Make a file and take its content.

    Parameters
    ----------
    name
        Says which file it is; ends as ``make`` wants it.
    make
        Writes the file to a path that ends like ``name``.

    Raises
    ------
    StoreError
        There is no room for it, or no place.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="locator-export-") as folder:
            path = Path(folder) / f"export{Path(name).suffix}"
            make(path)
            with path.open("rb") as stream:
                return CachedFile(stream)
    except (OSError, RegisterError) as error:  # what a writer says of a full disk
        raise StoreError(f"The export {name} could not be made: {error}") from error
