"""Shapefiles by ESRI's description of 1998 (J-7855): shapes, table, projection; nothing else.

Of the files beside a ``.shp`` those are opened that bear its name, lie in its folder and are no
links out of it: ``.shx`` where the records stand, ``.dbf`` their table, ``.prj`` the projection,
``.cpg`` what the table's texts are said to be encoded in.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from locator.errors import InputError
from locator.files.encoding import decode, find_encoding
from locator.files.projection import crs_from_wkt

SIGNATURE = (9994).to_bytes(4, "big")
_HEADER = 100  # bytes of .shp and .shx before their records
_POINTS, _LINES, _POLYGONS, _MULTIPOINTS = {1, 11, 21}, {3, 13, 23}, {5, 15, 25}, {8, 18, 28}
_MAX_SIDECAR = 100_000  # bytes of a .prj or .cpg
_FIELD = struct.Struct("<11sc4xBB14x")
_DELETED = ord("*")
_LOOKED_AT = 100_000  # rows by which an encoding is decided


@dataclass(frozen=True)
class _Field:
    raw_name: bytes
    kind: str
    at: int
    width: int
    decimals: int


class _Table:
    """The .dbf: fields, and records as they are asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        head = stream.read(32)
        if len(head) < 32:
            raise ValueError("its .dbf is cut off")
        self.count, self._start, self._size = struct.unpack("<IHH", head[4:12])
        self.fields: list[_Field] = []
        at = 1
        while (item := stream.read(32))[:1] not in {b"\r", b""}:
            if len(item) < 32:
                raise ValueError("its .dbf is cut off")
            name, kind, width, decimals = _FIELD.unpack(item)
            long = width + 256 * decimals if kind == b"C" else width
            name = name.split(b"\0")[0].strip()
            self.fields.append(_Field(name, kind.decode("latin-1"), at, long, decimals))
            at += long
        if at > self._size:
            raise ValueError("its .dbf contradicts itself")

    def records(self, first: int, count: int) -> list[bytes]:
        """Return records, each with its deletion mark."""
        self._stream.seek(self._start + first * self._size)
        block = self._stream.read(count * self._size)
        if len(block) < count * self._size:
            raise ValueError("its .dbf is cut off")
        return [block[n : n + self._size] for n in range(0, len(block), self._size)]

    def texts(self) -> Iterator[bytes]:
        """Yield names and texts, a line each, by which an encoding is decided."""
        yield b"\n".join(field.raw_name for field in self.fields) + b"\n"
        wanted = [f for f in self.fields if f.kind == "C"]
        for first in range(0, min(self.count, _LOOKED_AT), 1000):
            for record in self.records(first, min(1000, self.count - first)):
                for f in wanted:
                    # A text that fills its column may have been cut within a character.
                    text = record[f.at : f.at + f.width].rstrip(b"\0 ")
                    if len(text) < f.width and not text.isascii():
                        yield text + b"\n"


class Shapefile:
    """An open Shapefile."""

    def __init__(
        self, path: Path, parts: dict[str, BinaryIO], crs: CRS | None, encoding: str | None
    ) -> None:
        self._name, self._shp, self._crs = path.stem, parts[".shp"], crs
        self._places = _places(parts[".shp"], parts.get(".shx"))
        self._table = _Table(parts[".dbf"]) if ".dbf" in parts else None
        self._encoding = "utf-8"
        self._columns: tuple[str, ...] = ()
        if self._table is not None:
            if self._table.count != len(self._places):
                raise ValueError(
                    f"its .shp has {len(self._places):,} shapes, "
                    f"its .dbf {self._table.count:,} rows"
                )
            said = _said_encoding(parts.get(".cpg"))
            self._encoding = encoding or find_encoding(
                self._table.texts(), path.with_suffix(".dbf").name, said=said
            )
            names = [decode(f.raw_name, self._encoding) for f in self._table.fields]
            self._columns = tuple(_distinct(names))

    def names(self) -> tuple[str, ...]:
        """Return the layer's name."""
        return (self._name,)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the names of the table's columns."""
        del name
        return self._columns

    def crs(self, name: str) -> CRS | None:
        """Return the projection that the .prj describes; None without one."""
        del name
        return self._crs

    def count(self, name: str) -> int:
        """Count the shapes."""
        del name
        return len(self._places)

    def pieces(self, name: str, size: int) -> Iterator[gpd.GeoDataFrame]:
        """Yield the rows that are not marked as deleted, of ``size`` records at a time."""
        del name
        for first in range(0, len(self._places), size):
            places = self._places[first : first + size]
            records = self._table.records(first, len(places)) if self._table else []
            kept = [n for n in range(len(places)) if not records or records[n][0] != _DELETED]
            contents = _contents(self._shp, [places[n] for n in kept])
            shapes = np.array([_read_shape(content) for content in contents], dtype=object)
            data = self._cells([records[n] for n in kept] if records else [])
            index = pd.RangeIndex(len(kept))
            yield gpd.GeoDataFrame(pd.DataFrame(data, index=index), geometry=shapes, crs=self._crs)

    def _cells(self, records: list[bytes]) -> dict[str, "pd.Series[Any]"]:
        if self._table is None:
            return {}
        return {
            name: _column([r[f.at : f.at + f.width] for r in records], f, self._encoding)
            for name, f in zip(self._columns, self._table.fields, strict=True)
        }


@contextmanager
def open_shapefile(path: Path, encoding: str | None = None) -> Iterator[Shapefile]:
    """Open a Shapefile to read.

    Raises
    ------
    ValueError, OSError
        It is damaged; also while its rows are read.
    InputError
        Its texts' encoding is not certain, or a file beside it is a link out of its folder.
    """
    with ExitStack() as stack:
        parts: dict[str, BinaryIO] = {".shp": stack.enter_context(path.open("rb"))}
        for ending in (".shx", ".dbf", ".prj", ".cpg"):
            beside = _beside(path, ending)
            if beside is not None:
                parts[ending] = stack.enter_context(beside.open("rb"))
        crs = None
        if ".prj" in parts:
            text = parts[".prj"].read(_MAX_SIDECAR).decode("utf-8-sig", "replace").strip("\0 \r\n")
            crs = crs_from_wkt(text, path.with_suffix(".prj").name) if text else None
        yield Shapefile(path, parts, crs, encoding)


def _beside(path: Path, ending: str) -> Path | None:
    """Return the file of the same name with another ending, small or capital."""
    for name in (ending, ending.upper()):
        found = path.with_suffix(name)
        if found.is_file():
            if found.is_symlink() and found.resolve().parent != path.resolve().parent:
                raise InputError(
                    f"{found.name} is a link to another folder, which is not opened; "
                    f"copy the file itself beside {path.name}."
                )
            return found
    return None


def _places(shp: BinaryIO, shx: BinaryIO | None) -> list[tuple[int, int]]:
    """Return where each record's content starts and how long it is, in bytes."""
    head = shp.read(_HEADER)
    if len(head) < _HEADER:
        raise ValueError("its .shp is cut off")
    end = shp.seek(0, 2)
    said = 2 * int.from_bytes(head[24:28], "big")
    if said > end:
        raise ValueError(f"its .shp is cut off: {end:,} of {said:,} bytes are there")
    if shx is not None:
        index = np.frombuffer(shx.read()[_HEADER:], dtype=">i4")
        pairs = 2 * index[: len(index) // 2 * 2].reshape(-1, 2).astype(np.int64)
        if (pairs < 0).any() or (pairs.sum(axis=1) + 8 > end).any():
            raise ValueError("its .shx does not fit it")
        return [(int(at) + 8, int(size)) for at, size in pairs]
    found = []
    at = _HEADER
    while at + 8 <= said:
        shp.seek(at)
        _, words = struct.unpack(">ii", shp.read(8))
        if words < 0 or at + 8 + 2 * words > end:
            raise ValueError("its .shp is damaged")
        found.append((at + 8, 2 * words))
        at += 8 + 2 * words
    return found


def _contents(shp: BinaryIO, places: list[tuple[int, int]]) -> list[bytes]:
    """Return the contents of records, read at once where they lie together."""
    first = min((at for at, _ in places), default=0)
    span = max((at + size for at, size in places), default=0) - first
    if span <= 2 * sum(size + 8 for _, size in places):
        shp.seek(first)
        block = shp.read(span)
        return [block[at - first : at - first + size] for at, size in places]
    contents = []
    for at, size in places:
        shp.seek(at)
        contents.append(shp.read(size))
    return contents


def _read_shape(content: bytes) -> shapely.Geometry | None:
    kind = int.from_bytes(content[:4], "little")
    try:
        if kind in _POINTS:
            x, y = struct.unpack_from("<dd", content, 4)
            return shapely.Point(x, y)
        if kind in _MULTIPOINTS:
            count = struct.unpack_from("<i", content, 36)[0]
            return shapely.MultiPoint(_vertices(content, 40, count))
        if kind in _LINES | _POLYGONS:
            parts, count = struct.unpack_from("<ii", content, 36)
            if parts < 0 or 44 + 4 * parts > len(content):
                raise ValueError("a shape's parts are cut off")
            starts = np.frombuffer(content, "<i4", parts, 44)
            xy = _vertices(content, 44 + 4 * parts, count)
            if parts == 1 and kind in _LINES and count > 1 and starts[0] == 0:
                return shapely.LineString(xy)
            if (starts < 0).any() or (starts > count).any() or (np.diff(starts) < 0).any():
                raise ValueError("a shape's parts contradict each other")
            runs = [run for run in np.split(xy, starts[1:]) if len(run)]
            return _line(runs) if kind in _LINES else _polygon(runs)
    except (struct.error, shapely.errors.GEOSException) as error:
        raise ValueError(f"a shape is damaged: {error}") from error
    return None  # a null shape, or surfaces of three dimensions


def _vertices(content: bytes, at: int, count: int) -> npt.NDArray[np.float64]:
    if count < 0 or at + 16 * count > len(content):
        raise ValueError("a shape's vertices are cut off")
    return np.frombuffer(content, "<f8", 2 * count, at).reshape(-1, 2).astype(np.float64)


def _line(runs: list[npt.NDArray[np.float64]]) -> shapely.Geometry | None:
    lines = [shapely.LineString(run) for run in runs if len(run) > 1]
    if len(lines) < 2:
        return lines[0] if lines else None
    return shapely.MultiLineString(lines)


def _polygon(runs: list[npt.NDArray[np.float64]]) -> shapely.Geometry | None:
    """Return rings as polygons: clockwise ones are outer, each other a hole of one around it."""
    rings = [shapely.LinearRing(run) for run in runs if len(run) > 3]
    outer = [shapely.Polygon(ring) for ring in rings if not ring.is_ccw]
    holes = [ring for ring in rings if ring.is_ccw]
    if not outer:  # drawn the wrong way round
        outer, holes = [shapely.Polygon(ring) for ring in rings], []
    inside: list[list[shapely.LinearRing]] = [[] for _ in outer]
    for hole in holes:
        point = shapely.Point(hole.coords[0])
        around = [n for n, shape in enumerate(outer) if shape.intersects(point)]
        if around:
            inside[min(around, key=lambda n: outer[n].area)].append(hole)
        else:
            outer.append(shapely.Polygon(hole))
            inside.append([])
    shapes = [shapely.Polygon(o.exterior, h) for o, h in zip(outer, inside, strict=True)]
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    return shapely.MultiPolygon(shapes)


def _said_encoding(cpg: BinaryIO | None) -> str | None:
    """Return what a .cpg says, as Python calls it; a number is a code page of Windows."""
    if cpg is None:
        return None
    text = cpg.read(_MAX_SIDECAR).decode("ascii", "ignore").strip().lower()
    number = re.fullmatch(r"(?:ansi |cp|ms|windows-?)?(\d{3,5})", text)
    if number is None:
        return text or None
    return {"65001": "utf-8", "936": "gb18030"}.get(number[1], f"cp{number[1]}")


def _distinct(names: list[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        plain = name or f"column{place}"
        seen[plain] = seen.get(plain, 0) + 1
        yield plain if seen[plain] == 1 else f"{plain}_{seen[plain]}"


def _column(cells: list[bytes], field: _Field, encoding: str) -> "pd.Series[Any]":
    if field.kind == "C":
        whole = field.width
        texts = [decode(c, encoding, cut=len(c.rstrip(b"\0 ")) == whole) for c in cells]
        return pd.Series([text.rstrip("\0 ") or None for text in texts], dtype=object)
    values = pd.Series([_value(cell, field) for cell in cells], dtype=object)
    if field.kind in "NFIBO":
        return pd.to_numeric(values)
    return values


def _value(cell: bytes, field: _Field) -> object:
    if field.kind == "I" and len(cell) == 4:
        return int.from_bytes(cell, "little", signed=True)
    if field.kind in "BO" and len(cell) == 8:
        return struct.unpack("<d", cell)[0]
    text = cell.decode("latin-1").strip("\0 *")
    try:
        if field.kind in "NF":
            return (
                int(text) if field.decimals == 0 and text.lstrip("+-").isdecimal() else float(text)
            )
        if field.kind == "D":
            return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError:
        return None
    if field.kind == "L":
        return {"T": True, "Y": True, "F": False, "N": False}.get(text.upper())
    return None  # a memo lies in another file
