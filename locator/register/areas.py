"""Areas of a file, hot zones or districts: valid ones and rejected rows, each with its reason."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.files import LayerInfo, open_layers
from locator.files.projection import in_degrees
from locator.register.grid import Row
from locator.register.layers import FEATURE_ID, as_register_error, cell_of, whole_name
from locator.register.mapping import Mapping, field_cells, rename_columns, require_columns
from locator.register.rows import Fault, RejectedRow, parse_cells
from locator.register.tables import AS_IT_IS, ReadOptions, Table
from locator.schema import CRS, LAYERS, Datum, Value

_GEOMETRY = "geometry"


@dataclass(frozen=True)
class AreasRead:
    """Valid areas in WGS-84 with the layer's columns that the file has, and the rejected rows."""

    areas: gpd.GeoDataFrame
    rejected: tuple[RejectedRow, ...]
    unread_columns: tuple[str, ...]
    header: tuple[str, ...]


def area_fields(layer: str) -> dict[str, str]:
    """Return a layer's fields that a file may have, and their Chinese names."""
    return {column.name: column.zh for column in LAYERS[layer].given}


def read_areas(
    path: Path,
    layer: str,
    *,
    datum: Datum,
    mapping: Mapping | None = None,
    options: ReadOptions = AS_IT_IS,
) -> AreasRead:
    """Read hot zones or districts from a GeoPackage, Shapefile, KML or GeoJSON file.

    Parameters
    ----------
    layer
        Of the store: ``hot_zones`` or ``districts``.
    datum
        Of the coordinates, once they are degrees.
    mapping
        For a file whose columns are not ours.
    options
        ``crs`` and ``encoding`` count.

    Raises
    ------
    RegisterError
        The file cannot be read, lacks a required column, or has no row.
    """
    mapping = mapping or Mapping()
    with as_register_error(), open_layers(path, encoding=options.encoding) as file:
        if not file.layers:
            raise RegisterError(f"{path.name} holds no layer with geometry.")
        frame = file.read(_chosen(file.layers, layer).name)
    if frame.empty:
        raise RegisterError(f"{path.name} has no features.")
    fields = area_fields(layer)
    table = _table(frame, path, list(fields))
    columns, unread = rename_columns(table, mapping, fields)
    require_columns(table, {*columns, *mapping.fill}, LAYERS[layer].required)
    shapes = _in_wgs84(frame, datum, options)
    good: list[dict[str, Value]] = []
    kept: list[object] = []
    rejected = []
    seen: dict[str, int] = {}
    for row, shape in zip(table.rows, shapes, strict=True):
        cells = field_cells(row, columns, mapping)
        record, faults = parse_cells(row, cells, LAYERS[layer].given, columns, seen)
        reason = _what_is_wrong(shape)
        if reason is not None:
            faults.append(Fault(row.number, _GEOMETRY, _kind_of(shape), reason))
        if faults:
            rejected.append(RejectedRow(row, tuple(faults)))
        else:
            seen[str(record["id"])] = row.number
            good.append(record)
            kept.append(shape)
    names = [name for name in fields if name in columns or name in mapping.fill]
    data = {name: pd.Series([r[name] for r in good], dtype=object) for name in names}
    areas = gpd.GeoDataFrame(data, geometry=np.array(kept, dtype=object), crs=CRS)
    return AreasRead(areas, tuple(rejected), unread, table.header)


def _chosen(layers: Sequence[LayerInfo], ours: str) -> LayerInfo:
    """Return the layer of our name, such as hot zones beside their cells, else the first."""
    return next((info for info in layers if info.name == ours), layers[0])


def _table(frame: gpd.GeoDataFrame, path: Path, fields: list[str]) -> Table:
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    short = path.suffix.lower() == ".shp"
    whole = [whole_name(name, fields) if short else name for name in names]
    columns = [frame[name].tolist() for name in names]
    rows = []
    for number in range(len(frame)):
        texts = {n: cell_of(values[number]) for n, values in zip(whole, columns, strict=True)}
        rows.append(Row(number + 1, {name: text for name, text in texts.items() if text}))
    return Table(path.name, tuple(name for name in whole if name != FEATURE_ID), rows)


def _in_wgs84(frame: gpd.GeoDataFrame, datum: Datum, options: ReadOptions) -> list[object]:
    shapes = gpd.GeoSeries(frame.geometry.to_numpy(), crs=frame.crs)
    if options.crs is not None:
        shapes = shapes.set_crs(options.crs.crs, allow_override=True)
    if not in_degrees(shapes.crs):
        shapes = shapes.to_crs(CRS)
    flat = shapely.force_2d(shapes.to_numpy())
    if datum is Datum.WGS84:
        return list(flat)
    moved = shapely.transform(flat, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum)))
    return list(moved)


def _kind_of(shape: object) -> str:
    return str(getattr(shape, "geom_type", "nothing"))


def _what_is_wrong(shape: object) -> str | None:
    """Return why a shape is no area on the Earth, None if it is one."""
    if not isinstance(shape, (shapely.Polygon, shapely.MultiPolygon)) or shape.is_empty:
        return "must be a polygon"
    west, south, east, north = shape.bounds
    if not all(map(math.isfinite, shape.bounds)):
        return "has a corner without a place"
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        swapped = -180 <= south <= north <= 180 and -90 <= west <= east <= 90
        why = "are longitude and latitude exchanged?" if swapped else "is it in another --crs?"
        return f"reaches latitude {north:.4f}, longitude {east:.4f}, which are none; {why}"
    if not shape.is_valid:
        return f"is no valid polygon: {shapely.is_valid_reason(shape)}; draw it again"
    if shape.area == 0:
        return "has no area"
    return None
