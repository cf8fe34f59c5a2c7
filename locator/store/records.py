"""Rows as records, and records as frames: what every store does with them, whatever keeps them."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import MultiPolygon, Polygon

from locator.errors import ConflictError, InputError, StoreError
from locator.schema import CRS, LAYERS, SAME_PLACE_DEG, Column, Layer
from locator.store.base import AuditRow, Cell, Record, Revision

__all__ = [
    "Counts",
    "already_stored",
    "changed_record",
    "changed_since",
    "check_closable",
    "choose_columns",
    "find_layer",
    "frame_of_rows",
    "make_frame",
    "to_records",
]

_HUGE = 1e300  # more than any number means; SQLite keeps infinity, too
_KEPT_BY_US = frozenset({"updated_at"})


class Counts:
    """What one transaction has done so far."""

    def __init__(self) -> None:
        self.inserted = self.updated = self.unchanged = self.closed = self.removed = 0

    def revision(self, version: str) -> Revision:
        """Return them with the version after it."""
        return Revision(version=version, **vars(self))


def find_layer(name: str) -> Layer:
    """Return a layer.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in LAYERS:
        raise InputError(f"There is no layer {name!r}; there are {', '.join(LAYERS)}.")
    return LAYERS[name]


def choose_columns(layer: Layer, names: Sequence[str] | None) -> list[Column]:
    """Return a layer's columns of some names, in the layer's order; None is all.

    Raises
    ------
    InputError
        There is no column of a name.
    """
    missing = set(names or ()) - set(layer.column_names)
    if missing:
        raise InputError(f"The layer {layer.name!r} has no column {min(missing)!r}.")
    return [column for column in layer.columns if names is None or column.name in names]


def make_frame(
    layer: str, records: Sequence[Record], columns: Sequence[Column] | None = None
) -> gpd.GeoDataFrame:
    """Make a frame of records, as :meth:`Store.read` would; without columns, of all."""
    columns = LAYERS[layer].columns if columns is None else columns
    rows = [(None, r["geom"], *(r[column.name] for column in columns)) for r in records]
    return frame_of_rows(layer, rows, columns)


def frame_of_rows(
    layer: str, rows: Sequence[Sequence[Cell]], columns: Sequence[Column]
) -> gpd.GeoDataFrame:
    """Make a frame of rows, each a row number, a geometry as WKB and the columns' values.

    Raises
    ------
    StoreError
        A geometry cannot be read.
    """
    data: dict[str, object] = {}
    for offset, column in enumerate(columns, start=2):  # fid and geom come first
        values = [row[offset] for row in rows]
        if column.dtype == "integer":
            whole = [v if isinstance(v, int) else _whole(v) for v in values]
            data[column.name] = pd.Series(whole, dtype="Int64")
        elif column.dtype == "number":
            finite = [v if isinstance(v, float) and abs(v) < _HUGE else _number(v) for v in values]
            data[column.name] = pd.Series(finite, dtype="float64")
        else:
            data[column.name] = pd.Series(values, dtype=object)
    try:
        geometry = gpd.GeoSeries.from_wkb([row[1] for row in rows], crs=CRS)
    except shapely.GEOSException as error:
        raise StoreError(
            f"A geometry in the layer {layer!r} cannot be read; 'locator doctor' says which."
        ) from error
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)


def _number(value: Cell) -> float | None:
    """Return a number, or None for what is none: SQLite keeps anything in any column."""
    return float(value) if isinstance(value, int | float) and abs(value) < _HUGE else None


def _whole(value: Cell) -> int | None:
    number = _number(value)
    return (
        int(number) if number is not None and number.is_integer() and abs(number) < 2**62 else None
    )


def to_records(frame: gpd.GeoDataFrame, layer: str) -> list[Record]:
    """Return a frame's rows as they are stored: its own columns, and what is empty by default."""
    spec = LAYERS[layer]
    columns = [c for c in spec.columns if c.name in frame and c.name not in _KEPT_BY_US]
    geometry = frame.geometry.to_numpy()
    if spec.geometry_type == "MultiPolygon":
        geometry = [MultiPolygon([g]) if isinstance(g, Polygon) else g for g in geometry]
    records: list[Record] = [{"geom": bytes(wkb)} for wkb in shapely.to_wkb(geometry, byte_order=1)]
    for column in columns:
        values = frame[column.name]
        for record, value in zip(records, values, strict=True):
            record[column.name] = _plain(value, column.dtype)
    # A new row takes the default where the file has the column but left the cell empty.
    defaults = {c.name: c.default for c in columns if c.default is not None}
    for record in records:
        for name, default in defaults.items():
            if record[name] is None:
                record[name] = default
    return records


def _plain(value: object, dtype: str) -> Cell:
    if dtype == "profile" and isinstance(value, (list, np.ndarray)):
        return json.dumps([float(share) for share in value])
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if dtype == "integer":
        return int(str(value).removesuffix(".0"))
    if dtype == "number":
        return float(str(value))
    return str(value)


def changed_record(record: Record, stored: Mapping[str, Cell]) -> Record | None:
    """Return a record as it is to be written over the stored row; None if nothing would change."""
    settled = _settled(record, stored)
    return settled if any(stored[name] != value for name, value in settled.items()) else None


def _settled(record: Record, stored: Mapping[str, Cell]) -> Record:
    """Return a row with the stored position if it is the same to the decimals that files hold.

    Else a register that was exported and imported would change rows of which nobody changed a word.
    """
    new, old = record["geom"], stored["geom"]
    if new == old or not isinstance(new, bytes) or not isinstance(old, bytes):
        return record
    with suppress(shapely.GEOSException):  # a damaged geometry is another one
        a, b = shapely.from_wkb(new), shapely.from_wkb(old)
        moved = [abs(get(a) - get(b)) for get in (shapely.get_x, shapely.get_y)]
        if all(part <= SAME_PLACE_DEG for part in moved):  # NaN, of what is no point, is not
            return record | {"geom": old}
    return record


def already_stored(ids: Collection[str]) -> ConflictError:
    """Return the error of a change that must not meet these ids in the store."""
    some = ", ".join(sorted(ids)[:5])
    return ConflictError(
        f"{len(ids)} of the ids are in the store already ({some}); "
        "use --mode merge to update them, or give the new rows other ids."
    )


def changed_since(row: AuditRow) -> ConflictError:
    """Return the error of a change that this one has overtaken."""
    return ConflictError(
        f"{row.feature_id!r} was changed since by {row.actor} ({row.at}, change {row.number}); "
        "nothing was written; undo that change first."
    )


def check_closable(layer: Layer) -> None:
    """Refuse to close rows of a layer that has no status.

    Raises
    ------
    InputError
        It has none.
    """
    if "status" not in layer.column_names:
        raise InputError(f"Rows of {layer.name!r} have no status; they cannot be closed.")
