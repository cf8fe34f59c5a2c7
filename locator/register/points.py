"""Demand points from a file: shops or orders with a position and, if known, a weight."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.register.coordinates import PAIR_FIELD
from locator.register.grid import Row
from locator.register.mapping import (
    POSITION_FIELDS,
    Mapping,
    field_cells,
    rename_columns,
    require_columns,
)
from locator.register.position_warnings import position_warnings
from locator.register.projected import Projection
from locator.register.rows import Fault, RejectedRow, parse_position
from locator.register.tables import Table
from locator.schema import CRS, Datum, Number

_DEMAND = Number("demand_per_h", "每小时需求")
POINT_FIELDS = (
    {"name": "名称", _DEMAND.name: _DEMAND.zh, "district": "区县"}
    | POSITION_FIELDS
    | {PAIR_FIELD: "坐标"}
)


@dataclass(frozen=True)
class PointsRead:
    """Valid points in WGS-84 (``name, demand_per_h, district_name``), and the rejected rows.

    ``weighted`` tells whether the file gave weights; without, every point counts 1.
    """

    points: gpd.GeoDataFrame
    rejected: tuple[RejectedRow, ...]
    header: tuple[str, ...]
    weighted: bool
    unread_columns: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()


def parse_points(table: Table, *, datum: Datum, mapping: Mapping | None = None) -> PointsRead:
    """Read demand points from a table.

    Parameters
    ----------
    table
        From :func:`locator.register.read_table`.
    datum
        The datum of the file's coordinates, as its sender states it.
    mapping
        For a file whose columns are not ours; the fields are those of :data:`POINT_FIELDS`.

    Raises
    ------
    RegisterError
        There is no column for the position, or no row is valid.
    """
    mapping = mapping or Mapping()
    columns, unread = rename_columns(table, mapping, POINT_FIELDS)
    require_columns(table, {*columns, *mapping.fill}, list(POSITION_FIELDS))
    records, rejected, numbers = [], [], []
    for row in table.rows:
        cells = field_cells(row, columns, mapping)
        record, faults = _parse_row(row, cells, columns, datum, table.crs)
        if faults:
            rejected.append(RejectedRow(row, tuple(faults)))
        else:
            numbers.append(row.number)
            records.append((cells.get("name"), cells.get("district"), *record))
    if not records:
        raise RegisterError(f"{table.source}: no row has a position that can be read.")
    names, districts, lon, lat, demand = zip(*records, strict=True)
    x, y = to_wgs84(np.array(lon), np.array(lat), datum)
    warnings = position_warnings(x, y, numbers, crowds=False)
    frame = gpd.GeoDataFrame(
        {
            "name": pd.Series(names, dtype=object),
            "district_name": pd.Series(districts, dtype=object),
            "demand_per_h": np.array(demand, dtype=np.float64),
        },
        geometry=shapely.points(x, y),
        crs=CRS,
    )
    return PointsRead(
        frame, tuple(rejected), table.header, "demand_per_h" in columns, unread, tuple(warnings)
    )


def _parse_row(
    row: Row,
    cells: dict[str, str],
    columns: dict[str, str],
    datum: Datum,
    crs: Projection | None,
) -> tuple[list[float], list[Fault]]:
    lonlat, faults = parse_position(row, cells, columns, datum, crs)
    demand = 1.0
    try:
        if (text := cells.get("demand_per_h")) is not None:
            demand = _DEMAND.parse(text)
    except ValueError as error:
        column = columns["demand_per_h"]
        faults.append(Fault(row.number, column, cells["demand_per_h"], str(error)))
    return [*lonlat.values(), demand], faults
