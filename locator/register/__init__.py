"""Registers of stations: files that people fill in, to valid rows and rejected rows, and back.

Nothing here touches the store: :func:`locator.intake.import_register` puts the two together.
"""

from locator.register.check import Changes, Duplicate, find_changes, find_duplicates
from locator.register.formats import FORMATS, POSITION, Format, LayerFile, guard_cell, write_layer
from locator.register.hint import DatumFit, DatumHint, RoadDistance, fit_datums, hint_datum
from locator.register.mapping import Mapping, read_mapping
from locator.register.numbering import Numbering
from locator.register.points import PointsRead, parse_points
from locator.register.position_warnings import position_warnings
from locator.register.projected import Projection, projection_of
from locator.register.rejected import keep_rejected, write_rejected
from locator.register.rows import (
    PIECE_ROWS,
    Fault,
    RegisterRead,
    RejectedRow,
    parse_pieces,
    parse_table,
)
from locator.register.tables import (
    AS_IT_IS,
    READABLE,
    ReadOptions,
    Table,
    open_table,
    read_table,
)
from locator.register.unit_hint import hint_unit
from locator.register.write import place_columns, write_register, write_template

__all__ = [
    "AS_IT_IS",
    "FORMATS",
    "PIECE_ROWS",
    "POSITION",
    "READABLE",
    "Changes",
    "DatumFit",
    "DatumHint",
    "Duplicate",
    "Fault",
    "Format",
    "LayerFile",
    "Mapping",
    "Numbering",
    "PointsRead",
    "Projection",
    "ReadOptions",
    "RegisterRead",
    "RejectedRow",
    "RoadDistance",
    "Table",
    "find_changes",
    "find_duplicates",
    "fit_datums",
    "guard_cell",
    "hint_datum",
    "hint_unit",
    "keep_rejected",
    "open_table",
    "parse_pieces",
    "parse_points",
    "parse_table",
    "place_columns",
    "position_warnings",
    "projection_of",
    "read_mapping",
    "read_table",
    "write_layer",
    "write_register",
    "write_rejected",
    "write_template",
]
