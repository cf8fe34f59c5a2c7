"""Rows as GeoJSON features (RFC 7946) in bytes: unknown is null, times have an offset."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from json.encoder import encode_basestring

import numpy as np
import shapely

from locator.features.crs import CRS84, Crs
from locator.features.moments import parse_moment
from locator.features.view import BLOCK_ROWS, Block, Rows, View
from locator.schema import Column, Json, Moment, is_missing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shape:
    """How features are written: their coordinate system, and which properties (None: all)."""

    crs: Crs = CRS84
    properties: tuple[str, ...] | None = None


def encode_rows(view: View, rows: Rows, shape: Shape) -> Iterator[bytes]:
    """Yield features with commas between, in pieces, so that memory stays bounded.

    Parameters
    ----------
    rows
        Positions in the view, (n,).
    """
    plain = shape == Shape() and len(rows) > 0 and int(rows[-1]) - int(rows[0]) == len(rows) - 1
    if plain and bool((np.diff(rows) == 1).all()):
        yield from _from_blocks(view, int(rows[0]), int(rows[-1]) + 1)
        return
    for begin in range(0, len(rows), BLOCK_ROWS):
        piece = rows[begin : begin + BLOCK_ROWS]
        yield b",".join(
            _scattered(view, piece) if shape == Shape() else _encode(view, piece, shape)
        )


def _from_blocks(view: View, begin: int, end: int) -> Iterator[bytes]:
    for number in range(begin // BLOCK_ROWS, (end - 1) // BLOCK_ROWS + 1):
        first, last = number * BLOCK_ROWS, min((number + 1) * BLOCK_ROWS, len(view))
        block = view.blocks.get(number, partial(_block, view, np.arange(first, last)))
        yield block.slice(max(begin - first, 0), min(end, last) - first)


def _block(view: View, rows: Rows) -> Block:
    features = _encode(view, rows, Shape())
    return Block(b",".join(features), list(accumulate(len(feature) + 1 for feature in features)))


def _scattered(view: View, rows: Rows) -> list[bytes]:
    """Return features out of the blocks that are kept; only those of no kept block are encoded."""
    numbers = (rows // BLOCK_ROWS).tolist()
    blocks = {number: view.blocks.find(number) for number in set(numbers)}
    missing = np.array([blocks[number] is None for number in numbers], dtype=bool)
    fresh = iter(_encode(view, rows[missing], Shape()))
    found = []
    for number, place in zip(numbers, (rows % BLOCK_ROWS).tolist(), strict=True):
        block = blocks[number]
        found.append(next(fresh) if block is None else block.slice(place, place + 1))
    return found


def _encode(view: View, rows: Rows, shape: Shape) -> list[bytes]:
    """Return features as JSON, column by column: each value is turned into text once a call."""
    columns = [
        column
        for column in view.collection.columns
        if shape.properties is None or column.name in shape.properties
    ]
    names = b",".join(_quoted(column.name).replace(b"%", b"%%") + b":%b" for column in columns)
    feature = b'{"type":"Feature","id":%b,"geometry":%b,"properties":{' + names + b"}}"
    ids = [_quoted(view.ids[row]) for row in rows]
    cells = [_written(view, column, rows) for column in columns]
    parts = zip(ids, _geometries(view, rows, shape.crs), *cells, strict=True)
    return [feature % each for each in parts]


def _geometries(view: View, rows: Rows, crs: Crs) -> list[bytes]:
    shapes = view.geometry[rows]
    if view.collection.geometry_type == "Point":
        xy: list[list[float]] = crs.from_lonlat(shapely.get_coordinates(shapes)).tolist()
        return [b'{"type":"Point","coordinates":[%a,%a]}' % (x, y) for x, y in xy]
    texts = shapely.to_geojson(shapely.transform(shapes, crs.from_lonlat))
    return [text.encode() for text in texts]


def _written(view: View, column: Column, rows: Rows) -> list[bytes]:
    """Return a column's cells as JSON."""
    cells, write = view.cells(column.name), _writer(view, column)
    known: dict[object, bytes] = {}

    def text_of(value: object) -> bytes:
        text = known.get(value)
        if text is None:
            plain = write(value)
            text = known[value] = _quoted(plain) if isinstance(plain, str) else _dump(plain)
        return text

    pairs = zip(cells.data[rows].tolist(), cells.known[rows].tolist(), strict=True)
    return [text_of(value) if there else b"null" for value, there in pairs]


def properties_of(
    view: View, rows: Rows, names: Sequence[str] | None = None
) -> list[dict[str, Json]]:
    """Return the public properties of rows; sets are lists, unknown is None."""
    columns = [c for c in view.collection.columns if names is None or c.name in names]
    read = {c.name: list(map(_writer(view, c), view.frame[c.name].iloc[rows])) for c in columns}
    return [{name: values[place] for name, values in read.items()} for place in range(len(rows))]


def _writer(view: View, column: Column) -> Callable[[object], Json]:
    """Return what turns a column's values into JSON; moments are given in UTC."""
    if not isinstance(column, Moment):
        return column.json

    def write(value: object) -> Json:
        period = None if is_missing(value) else parse_moment(str(value), view.timezone)
        return None if period is None else iso_moment(period.start)

    return write


def iso_moment(micros: int) -> str:
    """Return microseconds since 1970 as RFC 3339 in UTC, to the second."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _quoted(text: str) -> bytes:
    return encode_basestring(text).encode("utf-8", "replace")  # half a surrogate pair is no text


def _dump(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # half a surrogate pair is no text
