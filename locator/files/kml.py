"""Placemarks of a KML file: names, extended data and shapes; links, styles, entities aside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

OWN_ID, OWN_NAME = "@id", "@name"  # a placemark's own, beside what its data call so
_LAYER = "placemarks"
_PARTS = {"name": OWN_NAME, "description": "description", "address": "address"}
_PARTS |= {"phoneNumber": "phone"}
_DEEPEST = 200  # elements within each other
_CHUNK = 1 << 16


@dataclass(frozen=True)
class _Placemark:
    cells: dict[str, str]
    shape: shapely.Geometry | None


class Placemarks:
    """A KML file's placemarks, in whatever folder, as its one layer."""

    def __init__(self, placemarks: list[_Placemark]) -> None:
        self._placemarks = placemarks
        columns: dict[str, None] = {}
        for placemark in placemarks:
            columns.update(dict.fromkeys(placemark.cells))
        self._columns = tuple(columns)

    def names(self) -> tuple[str, ...]:
        """Return the layer's name."""
        return (_LAYER,)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the names of data."""
        del name
        return self._columns

    def crs(self, name: str) -> CRS | None:
        """Return WGS-84: a KML file has no other."""
        del name
        return CRS.from_epsg(4326)

    def count(self, name: str) -> int:
        """Count the placemarks."""
        del name
        return len(self._placemarks)

    def pieces(self, name: str, size: int) -> Iterator[gpd.GeoDataFrame]:
        """Yield the placemarks, ``size`` at a time."""
        for start in range(0, len(self._placemarks), size):
            some = self._placemarks[start : start + size]
            data = {
                column: pd.Series([p.cells.get(column) for p in some], dtype=object)
                for column in self._columns
            }
            shapes = np.array([p.shape for p in some], dtype=object)
            index = pd.RangeIndex(len(some))
            yield gpd.GeoDataFrame(
                pd.DataFrame(data, index=index), geometry=shapes, crs=self.crs(name)
            )


def open_kml(path: Path) -> Placemarks:
    """Read a KML file whole.

    Raises
    ------
    ValueError
        It is damaged, no KML, or declares entities.
    """
    reader = _Reader()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                reader.parser.Parse(chunk, False)
        reader.parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:  # the latter: an encoding nobody knows
        raise ValueError(str(error)) from error
    if reader.root != "kml":
        raise ValueError(f"its outermost element is {reader.root[:40]!r}")
    return Placemarks(reader.found)


@dataclass
class _Reader:
    """Takes placemarks out of a stream of elements; what stands outside them is not kept."""

    found: list[_Placemark] = field(default_factory=list)
    root: str = ""
    builder: TreeBuilder | None = None
    depth: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type, which may open other files")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition("}")[2]
        self.root = self.root or tag
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("its elements lie too deep in each other")
        if tag == "Placemark" and self.builder is None:
            self.builder = TreeBuilder()
        if self.builder is not None:
            self.builder.start(tag, attributes)

    def _end(self, name: str) -> None:
        tag = name.rpartition("}")[2]
        self.depth -= 1
        if self.builder is not None:
            self.builder.end(tag)
            if tag == "Placemark":
                element, self.builder = self.builder.close(), None
                self.found.append(_Placemark(_cells(element), _shape(element)))

    def _data(self, text: str) -> None:
        if self.builder is not None:
            self.builder.data(text)


def _cells(placemark: Element) -> dict[str, str]:
    cells: dict[str, str] = {OWN_ID: str(placemark.get("id"))} if placemark.get("id") else {}
    for data in placemark.iter("Data"):
        value = (data.findtext("value") or "").strip()
        if value and data.get("name"):
            cells[str(data.get("name"))] = value
    for data in placemark.iter("SimpleData"):
        value = (data.text or "").strip()
        if value and data.get("name"):
            cells[str(data.get("name"))] = value
    for tag, name in _PARTS.items():
        value = (placemark.findtext(tag) or "").strip()
        if value:
            cells.setdefault(name, value)
    return cells


def _shape(element: Element) -> shapely.Geometry | None:
    shapes: list[shapely.Geometry | None] = []
    try:
        for child in element:
            if child.tag == "Point":
                shapes.append(shapely.Point(*_coordinates(child)))
            elif child.tag == "LineString":
                shapes.append(shapely.LineString(_coordinates(child)))
            elif child.tag == "Polygon":
                shapes.append(_polygon(child))
            elif child.tag == "MultiGeometry":
                shapes.append(_shape(child))
    except (ValueError, shapely.errors.GEOSException):
        return None
    kept = [shape for shape in shapes if shape is not None]
    return _together(kept)


def _together(shapes: Sequence[shapely.Geometry]) -> shapely.Geometry | None:
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    if all(isinstance(shape, (shapely.Polygon, shapely.MultiPolygon)) for shape in shapes):
        return shapely.MultiPolygon([part for shape in shapes for part in shapely.get_parts(shape)])
    return shapely.GeometryCollection(shapes)


def _polygon(element: Element) -> shapely.Polygon | None:
    outer = element.find("outerBoundaryIs/LinearRing")
    if outer is None:
        return None
    holes = [_coordinates(ring) for ring in element.findall("innerBoundaryIs/LinearRing")]
    return shapely.Polygon(_coordinates(outer), holes)


def _coordinates(element: Element) -> list[tuple[float, ...]]:
    text = element.findtext("coordinates") or ""
    return [tuple(float(part) for part in place.split(",")[:2]) for place in text.split()]
