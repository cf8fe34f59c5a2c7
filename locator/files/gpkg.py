"""Feature tables of a GeoPackage, read by SQLite itself: views and virtual tables are not."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from locator.files.projection import crs_from_code, crs_from_wkt

SIGNATURE = b"SQLite format 3\0"
_ENVELOPES = (0, 32, 48, 48, 64)  # bytes of the header's box (OGC 12-128r18, table 6)
_GEOMETRY = "@geometry"
_LAYERS = """
    SELECT g.table_name, g.column_name, g.srs_id, s.organization, s.organization_coordsys_id,
           s.definition
    FROM gpkg_geometry_columns g
    JOIN gpkg_contents c ON lower(c.table_name) = lower(g.table_name) AND c.data_type = 'features'
    JOIN sqlite_master m ON lower(m.name) = lower(g.table_name) AND m.type = 'table'
         AND m.sql NOT LIKE 'CREATE VIRTUAL%'
    LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
    ORDER BY c.rowid"""


@dataclass(frozen=True)
class _Layer:
    geometry: str
    columns: dict[str, str]  # without geometry and key, and their declared types
    crs: CRS | None


class GeoPackage:
    """An open GeoPackage."""

    def __init__(self, connection: sqlite3.Connection, source: str) -> None:
        self._db, self._source = connection, source
        self._layers = {row[0]: self._layer(*row) for row in connection.execute(_LAYERS).fetchall()}

    def names(self) -> tuple[str, ...]:
        """Return the layers' names."""
        return tuple(self._layers)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return a layer's columns without its geometry."""
        return tuple(self._layers[name].columns)

    def crs(self, name: str) -> CRS | None:
        """Return a layer's projection; None if it does not say."""
        return self._layers[name].crs

    def count(self, name: str) -> int:
        """Count a layer's rows."""
        return int(self._db.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0])  # noqa: S608 - quoted

    def pieces(self, name: str, size: int) -> Iterator[gpd.GeoDataFrame]:
        """Yield a layer's rows, ``size`` at a time."""
        layer = self._layers[name]
        wanted = ", ".join(_quoted(column) for column in (layer.geometry, *layer.columns))
        with closing(self._db.execute(f"SELECT {wanted} FROM {_quoted(name)}")) as cursor:  # noqa: S608 - quoted
            while rows := cursor.fetchmany(size):
                yield _frame(rows, layer)

    def _layer(
        self,
        table: str,
        geometry: str,
        srs: int,
        organisation: str | None,
        code: int | None,
        definition: str | None,
    ) -> _Layer:
        columns = {}
        for _, name, declared, _, _, key in self._db.execute(
            f"PRAGMA table_info({_quoted(table)})"
        ):
            if name.casefold() != geometry.casefold() and not (key and "INT" in declared.upper()):
                columns[name] = declared.upper()
        return _Layer(geometry, columns, self._crs(srs, organisation, code, definition))

    def _crs(
        self, srs: int, organisation: str | None, code: int | None, definition: str | None
    ) -> CRS | None:
        if srs in {0, -1} or not definition:
            return None
        if str(organisation).upper() in {"EPSG", "ESRI"} and code is not None:
            try:
                return crs_from_code(str(organisation), code)
            except ValueError:
                pass
        return crs_from_wkt(definition, self._source)


@contextmanager
def open_gpkg(path: Path) -> Iterator[GeoPackage]:
    """Open a GeoPackage to read.

    Raises
    ------
    sqlite3.Error, UnicodeDecodeError, ValueError
        It is damaged, or no GeoPackage; also while its rows are read.
    InputError
        Its projection names another file.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA mmap_size = 0")
        yield GeoPackage(connection, path.name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _frame(rows: Sequence[Sequence[object]], layer: _Layer) -> gpd.GeoDataFrame:
    shapes, *columns = zip(*rows, strict=True)
    data = {
        name: _typed(values, declared)
        for (name, declared), values in zip(layer.columns.items(), columns, strict=True)
    }
    return gpd.GeoDataFrame(
        pd.DataFrame(data, index=pd.RangeIndex(len(rows))), geometry=_shapes(shapes), crs=layer.crs
    )


def _typed(values: Sequence[object], declared: str) -> "pd.Series[Any]":
    """Return a column as what it is declared to be; SQLite itself lets it hold anything."""
    column: pd.Series[Any] = pd.Series(list(values), dtype=object)
    try:
        if declared.startswith("DATE"):
            return pd.to_datetime(column, format="ISO8601", utc=False)
        if declared == "BOOLEAN":
            return column.map({0: False, 1: True}) if column.isin([0, 1]).all() else column
        if "INT" in declared or declared in {"FLOAT", "DOUBLE", "REAL"}:
            return pd.to_numeric(column)
    except (ValueError, TypeError):
        pass
    return column


def _shapes(blobs: Sequence[object]) -> npt.NDArray[np.object_]:
    return np.asarray(
        shapely.from_wkb(np.array([_wkb(b) for b in blobs], dtype=object), on_invalid="ignore")
    )


def _wkb(blob: object) -> bytes | None:
    """Return what follows the header of a GeoPackage's geometry, None for none (OGC 12-128r18)."""
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        return None
    envelope = blob[3] >> 1 & 7
    if envelope >= len(_ENVELOPES) or blob[3] & 0x20:
        return None
    return blob[8 + _ENVELOPES[envelope] :] or None
