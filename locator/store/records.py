"""Rows as records, and records as frames: what every store does with them, whatever keeps them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import geopandas as gpd
import shapely
from shapely.geometry import MultiPolygon, Polygon

from locator.errors import ConflictError, InputError, StoreError
from locator.schema import CRS, LAYERS, SAME_PLACE_DEG, Column, Layer
from locator.store.base import AuditRow, Cell, Record, Revision


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
    rows = [(None, r["geom"], *(r.get(column.name) for column in columns)) for r in records]
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
        data[column.name] = column.from_store([row[offset] for row in rows])
    try:
        geometry = gpd.GeoSeries.from_wkb([row[1] for row in rows], crs=CRS)
    except shapely.GEOSException as error:
        raise StoreError(
            f"A geometry in the layer {layer!r} cannot be read; 'locator doctor' says which."
        ) from error
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)


def to_records(frame: gpd.GeoDataFrame, layer: str) -> list[Record]:
    """Return a frame's rows as they are stored: its own columns, and what is empty by default."""
    spec = LAYERS[layer]
    columns = [column for column in spec.given if column.name in frame]
    geometry = frame.geometry.to_numpy()
    if spec.geometry_type == "MultiPolygon":
        geometry = [MultiPolygon([g]) if isinstance(g, Polygon) else g for g in geometry]
    records: list[Record] = [{"geom": bytes(wkb)} for wkb in shapely.to_wkb(geometry, byte_order=1)]
    for column in columns:
        values = frame[column.name]
        for record, value in zip(records, values, strict=True):
            record[column.name] = column.to_store(value)
    # A new row takes the default where the file has the column but left the cell empty.
    defaults = {c.name: c.default for c in columns if c.default is not None}
    for record in records:
        for name, default in defaults.items():
            if record[name] is None:
                record[name] = default
    return records


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
