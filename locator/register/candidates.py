"""Candidate sites from a file: places where a post could open, with host, cost and capacity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import to_wgs84
from locator.errors import RegisterError
from locator.register.coordinates import PAIR_FIELD
from locator.register.mapping import (
    POSITION_FIELDS,
    Mapping,
    field_cells,
    rename_columns,
    require_columns,
)
from locator.register.position_warnings import position_warnings
from locator.register.rows import Fault, RejectedRow, parse_cells, parse_position
from locator.register.tables import Table
from locator.schema import CRS, LAYERS, POSITION_DECIMALS, Datum, Value

_COSTS = re.compile(
    r"费|成本|造价|预算|金额|价格|投资|万元|租金|cost|price|budget|expense|capex", re.IGNORECASE
)


@dataclass(frozen=True)
class CandidatesRead:
    """Valid candidates in WGS-84 with the columns of the schema, and the rejected rows."""

    candidates: gpd.GeoDataFrame
    rejected: tuple[RejectedRow, ...]
    header: tuple[str, ...]
    unread_columns: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()


def candidate_fields() -> dict[str, str]:
    """Return the fields that a file of candidates may have, and their Chinese names."""
    own = {column.name: column.zh for column in LAYERS["candidates"].given}
    return own | POSITION_FIELDS | {PAIR_FIELD: "坐标"}


def parse_candidates(
    table: Table, *, datum: Datum, mapping: Mapping | None = None
) -> CandidatesRead:
    """Read candidate sites from a table.

    Parameters
    ----------
    table
        From :func:`locator.register.read_table`.
    datum
        The datum of the file's coordinates, as its sender states it.
    mapping
        For a file whose columns are not ours; the fields are those of :func:`candidate_fields`.

    Raises
    ------
    RegisterError
        A column that is required is missing, a column of costs is not read, or no row is valid.
    """
    mapping = mapping or Mapping()
    columns, unread = rename_columns(table, mapping, candidate_fields())
    required = [*LAYERS["candidates"].required, *POSITION_FIELDS]
    require_columns(table, {*columns, *mapping.fill}, required, where="--candidates-map")
    _refuse_unread_costs(table, columns, unread)
    good: list[dict[str, Value]] = []
    rejected, numbers = [], []
    seen: dict[str, int] = {}
    for row in table.rows:
        cells = field_cells(row, columns, mapping)
        record, faults = parse_cells(row, cells, LAYERS["candidates"].given, columns, seen)
        lonlat, misplaced = parse_position(row, cells, columns, datum, table.crs)
        if faults := faults + misplaced:
            rejected.append(RejectedRow(row, tuple(faults)))
        else:
            seen[str(record["id"])] = row.number
            good.append({**record, **lonlat})
            numbers.append(row.number)
    if not good:
        first = f": row {rejected[0].row.number}, {_words(rejected[0].faults)}" if rejected else ""
        raise RegisterError(f"{table.source}: no row is a candidate site{first}.")
    frame = _frame(good, datum)
    warnings = position_warnings(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy(), numbers)
    return CandidatesRead(frame, tuple(rejected), table.header, unread, tuple(warnings))


def _refuse_unread_costs(table: Table, columns: dict[str, str], unread: Sequence[str]) -> None:
    """Refuse costs under a name that is not understood: each would count as 1."""
    strange = [name for name in unread if _COSTS.search(name)]
    if strange and "cost" not in columns:
        raise RegisterError(
            f"{table.source}: the column {strange[0]!r} looks like costs and was not read; name it "
            "with --candidates-map (cost), or leave it out."
        )


def _words(faults: Sequence[Fault]) -> str:
    return f"{faults[0].column} {faults[0].value[:40]!r} {faults[0].reason}"


def _frame(records: list[dict[str, Value]], datum: Datum) -> gpd.GeoDataFrame:
    lon, lat = (np.array([r[axis] for r in records], dtype=np.float64) for axis in ("lon", "lat"))
    x, y = (np.round(axis, POSITION_DECIMALS) for axis in to_wgs84(lon, lat, datum))
    names = [column.name for column in LAYERS["candidates"].given]
    data = {name: pd.Series([r[name] for r in records], dtype=object) for name in names}
    return gpd.GeoDataFrame(data, geometry=shapely.points(x, y), crs=CRS)
