"""One collection at one version of the store, read-only, with what queries need of it kept.

Columns are turned into arrays when they are first asked for, and the features of the plain order
into GeoJSON in blocks of which a bounded number is kept: a page of them is a join of bytes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.cache import Cache
from locator.features.collections import COLLECTIONS, About, Collection
from locator.features.moments import BEGINNING, END, parse_moment
from locator.schema import Column, is_illustrative
from locator.service import Snapshot

BLOCK_ROWS = 500
_BLOCKS_KEPT = 64  # about 20 MB of stations

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Cells:
    """A column as an array: what is unknown holds a filler, and ``known`` is False there.

    Attributes
    ----------
    kind
        What stands in ``data``: text, float64 numbers, booleans, or texts that are joined sets.
    """

    kind: Literal["text", "number", "boolean", "set"]
    data: npt.NDArray[np.object_] | npt.NDArray[np.float64] | Flags
    known: Flags


@dataclass(frozen=True)
class Times:
    """A column of days or moments: microseconds since 1970, first and last of each."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    known: Flags


@dataclass(frozen=True)
class Block:
    """Encoded features in one piece, commas between them, and where each ends with its comma."""

    text: bytes
    ends: list[int]

    def slice(self, first: int, last: int) -> bytes:
        """Return the features from one place to before another, commas between them."""
        begin = self.ends[first - 1] if first else 0
        return self.text[begin : self.ends[last - 1] - 1]  # of the whole: no copy


class View:
    """The rows of one collection; build it with :class:`Views`."""

    def __init__(
        self,
        collection: Collection,
        frame: gpd.GeoDataFrame,
        timezone: ZoneInfo,
        about: About | None = None,
    ) -> None:
        self.collection = collection
        self.about = about
        self.frame = frame
        self.timezone = timezone
        self.ids: list[str] = [str(i) for i in frame["id"]]
        self.illustrative = is_illustrative(frame)
        self._cells: dict[str, Cells] = {}
        self._times: dict[str, Times] = {}
        self._ranks: dict[str, tuple[npt.NDArray[np.float64], list[str] | list[float]]] = {}
        self.blocks: Cache[Block] = Cache(_BLOCKS_KEPT)  # of encoded features, by number
        self.rows: Rows = np.arange(len(frame))

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Column:
        """Return a public column; the caller has checked its name."""
        found = self.collection.column(name)
        if found is None:
            raise KeyError(name)
        return found

    @cached_property
    def geometry(self) -> Geometries:
        """Geometries in degrees, longitude first; polygons valid, shells counter-clockwise."""
        shapes: Geometries = self.frame.geometry.to_numpy()
        if self.collection.geometry_type != "Point":
            # RFC 7946, section 3.1.6; normalize() turns shells clockwise.
            shapes = shapely.reverse(shapely.normalize(shapely.make_valid(shapes)))
        return shapes

    @cached_property
    def bounds(self) -> npt.NDArray[np.float64]:
        """West, south, east, north of each row, (n, 4) degrees."""
        return np.asarray(shapely.bounds(self.frame.geometry.to_numpy()))

    def extent(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north of all rows; None if there is none."""
        if not len(self):
            return None
        west, south = self.bounds[:, :2].min(axis=0)
        east, north = self.bounds[:, 2:].max(axis=0)
        return float(west), float(south), float(east), float(north)

    def time_extent(self) -> tuple[int | None, int | None]:
        """Return the first and last time of change, microseconds since 1970."""
        times = self.times(self.collection.dates[0])
        if not times.known.any():
            return None, None
        return int(times.start[times.known].min()), int(times.end[times.known].max())

    def cells(self, name: str) -> Cells:
        """Return a column as an array."""
        if name not in self._cells:
            self._cells[name] = self._read_cells(name)
        return self._cells[name]

    def _read_cells(self, name: str) -> Cells:
        column, series = self.column(name), self.frame[name]
        if column.operand == "number":
            numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
            known = np.isfinite(numbers)
            return Cells("number", np.where(known, numbers, 0.0), known)
        known = series.notna().to_numpy(dtype=bool)
        if column.operand == "boolean":
            return Cells(
                "boolean", series.eq(other=True).to_numpy(dtype=bool, na_value=False), known
            )
        texts = series.to_numpy(dtype=object).copy()
        texts[~known] = ""
        return Cells("set" if column.operand == "set" else "text", texts, known)

    def times(self, name: str) -> Times:
        """Return a column of days or moments; what is not one counts as unknown."""
        if name not in self._times:
            codes, texts = pd.factorize(self.frame[name].to_numpy(dtype=object))
            periods = [parse_moment(str(text), self.timezone) for text in texts] + [None]
            starts = np.array([p.start if p else BEGINNING for p in periods], dtype=np.int64)
            ends = np.array([p.end if p else END for p in periods], dtype=np.int64)
            known = np.array([p is not None for p in periods], dtype=bool)
            self._times[name] = Times(starts[codes], ends[codes], known[codes])
        return self._times[name]

    def ranks(self, name: str) -> tuple[npt.NDArray[np.float64], list[str] | list[float]]:
        """Return each row's place among a column's values (unknown: NaN), and these values."""
        if name not in self._ranks:
            cells = self.cells(name)
            known = np.flatnonzero(cells.known)
            given = [cells.data[row] for row in known]
            values = sorted(set(given))
            number = {value: place for place, value in enumerate(values)}
            places = np.full(len(self), np.nan)
            places[known] = [number[value] for value in given]
            self._ranks[name] = places, values
        return self._ranks[name]


class Views:
    """The views of a process: one a collection, made anew when the snapshot is another."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self._timezone = timezone
        self._views: Cache[View] = Cache(len(COLLECTIONS))

    def view(self, snapshot: Snapshot, collection: Collection) -> View:
        """Return a collection's view at a snapshot."""

        def make() -> View:
            rows, about = collection.rows(snapshot), collection.about(snapshot)
            return View(collection, rows, self._timezone, about)

        return self._views.get(collection.id, make, version=snapshot)
