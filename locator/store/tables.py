"""The tables of a store in SQLAlchemy Core, made from the schema, and the geometry type."""

import struct
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from locator.errors import StoreError
from locator.schema import LAYERS, Column

_SRS_ID = 4326
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}


class Geometry(TypeDecorator[bytes]):
    """WKB in the program; GeoPackage's binary in the file (OGC 12-128r18, clause 2.1.3)."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Put GeoPackage's header before the WKB: little-endian, no envelope, EPSG:4326."""
        del dialect
        if value is None:
            return None
        return b"GP\x00\x01" + struct.pack("<i", _SRS_ID) + value

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Take GeoPackage's header off."""
        del dialect
        if value is None:
            return None
        return geometry_wkb(value)


def geometry_wkb(blob: bytes) -> bytes:
    """Return the WKB inside a GeoPackage geometry.

    Raises
    ------
    StoreError
        The bytes are not a GeoPackage geometry.
    """
    envelope = (blob[3] >> 1) & 0b111 if len(blob) > 8 else 7
    if blob[:2] != b"GP" or envelope not in _ENVELOPE_BYTES:
        raise StoreError("A geometry in the store is not a GeoPackage geometry; restore a backup.")
    return blob[8 + _ENVELOPE_BYTES[envelope] :]


def geometry_srs(blob: bytes) -> int:
    """Return the number of the coordinate system that a GeoPackage geometry names."""
    little = bool(blob[3] & 1)
    return int.from_bytes(blob[4:8], "little" if little else "big", signed=True)


_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {"INTEGER": sa.Integer, "REAL": sa.Float}


def declare_column(column: Column) -> str:
    """Return a column's definition in the file's DDL, with the default QGIS leaves empty."""
    quoted = f'"{column.name}" {column.sql}'
    return quoted + (f" DEFAULT '{column.default}'" if column.default else "")


def layer_table(layer: str, schema: int) -> sa.Table:
    """Return the table of a layer as a store of some schema has it."""
    columns = [column for column in LAYERS[layer].columns if column.since <= schema]
    return sa.Table(
        layer,
        sa.MetaData(),
        sa.Column("fid", sa.Integer, primary_key=True),
        sa.Column("geom", Geometry),
        *(sa.Column(c.name, _TYPES.get(c.sql, sa.String)) for c in columns),
    )


def meta_table() -> sa.Table:
    """Return the table of the store's own numbers: schema version, version, identity, actor."""
    return sa.Table(
        "locator_meta",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String),
        sa.Column("value", sa.String),
    )


def audit_table() -> sa.Table:
    """Return the table of every change."""
    return sa.Table(
        "locator_audit",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(
            sa.Column(name, sa.String)
            for name in ("layer", "feature_id", "action", "at", "actor", "before", "after")
        ),
    )


def documents_table() -> sa.Table:
    """Return the table of kept documents; the body is packed with zlib."""
    texts = ("digest", "kind", "made_at", "data_version", "title", "question")
    return sa.Table(
        "locator_kept",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String) for name in texts),
        sa.Column("size_bytes", sa.Integer),
        sa.Column("body", sa.LargeBinary),
    )


def jobs_table() -> sa.Table:
    """Return the table of background jobs; the answer is packed with zlib."""
    return sa.Table(
        "locator_jobs",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String) for name in ("job", "kind", "question", "owner", "state")),
        *(sa.Column(name, sa.Float) for name in ("share", "objective", "bound")),
        *(sa.Column(n, sa.String) for n in ("made_at", "started_at", "ended_at", "seen_at")),
        *(sa.Column(name, sa.String) for name in ("phase", "mark", "error")),
        *(sa.Column(name, sa.Integer) for name in ("pid", "cancel")),
        sa.Column("answer", sa.LargeBinary),
    )
