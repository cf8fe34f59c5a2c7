"""Which lines of an extract stop a person with an e-bike, and where they can be passed.

They bound the leg from a door to the road, which no way describes. Keys and values are those of
wiki.openstreetmap.org: Key:barrier, Key:waterway, Tag:natural=water, Key:railway, Key:bridge.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import from_mercator, mercator_scale, to_mercator

__all__ = ["BARRIER_KEYS", "GatheredBarriers", "is_barrier", "is_crossing", "is_water"]

BARRIER_KEYS = ("barrier", "waterway", "natural", "railway")
_PER_DEGREE = 10_000_000
_NOWHERE = 2**31 - 1  # libosmium's coordinate of a node that is not in the file
# A gate is 3 to 6 m wide, and the leg from the door is a straight line that need not meet its
# middle: this much of the line is open to each side of it.
_OPEN_M = 5.0

_STOPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Climbed over by few and by nobody with a bicycle of up to 55 kg.
        "barrier": frozenset({"fence", "wall", "city_wall", "retaining_wall", "hedge"})
        | frozenset({"guard_rail", "jersey_barrier", "ditch"}),
        "waterway": frozenset({"river", "canal", "riverbank", "dock"}),
        "natural": frozenset({"water", "coastline", "cliff"}),
        # Trams run in the street; what is disused or razed may be walked over.
        "railway": frozenset({"rail", "light_rail", "subway", "narrow_gauge", "preserved"}),
        "highway": frozenset({"motorway", "motorway_link"}),
    }
)
# The line runs above or below the ground there; a culvert is a tunnel of water.
_ELSEWHERE = ("bridge", "tunnel", "covered")


def is_barrier(tags: Mapping[str, str]) -> bool:
    """Tell whether the line of a way stops a person with an e-bike."""
    if any(tags.get(key, "no") != "no" for key in _ELSEWHERE):
        return False
    if tags.get("location") in {"underground", "overhead"}:
        return False
    if tags.get("intermittent") == "yes":  # a bed that is dry for most of the year
        return False
    if tags.get("motorroad") == "yes":
        return True
    return any(tags.get(key) in values for key, values in _STOPS.items())


def is_water(tags: Mapping[str, str]) -> bool:
    """Tell whether a relation is an area of water: its members' lines are the banks."""
    water = tags.get("natural") == "water" or tags.get("waterway") == "riverbank"
    return tags.get("type") == "multipolygon" and water and is_barrier(tags)


def is_crossing(tags: Mapping[str, str]) -> bool:
    """Tell whether a node on a railway is a crossing (Tag:railway=level_crossing)."""
    return tags.get("railway") in {"level_crossing", "crossing"}


@dataclass
class GatheredBarriers:
    """What one pass gathers, compactly: 16 bytes a vertex.

    Attributes
    ----------
    box
        West, south, east, north in 1e-7 degrees: lines without a node inside are left out.
    open
        Nodes where a line is open: gates that are passed, crossings.
    ways
        The ways that were taken.
    banks
        Ways that are the banks of an area of water: they may carry no tags of their own.
    """

    box: tuple[int, ...] | None = None
    refs: "array[int]" = field(default_factory=lambda: array("q"))
    x: "array[int]" = field(default_factory=lambda: array("i"))
    y: "array[int]" = field(default_factory=lambda: array("i"))
    sizes: "array[int]" = field(default_factory=lambda: array("i"))
    open: set[int] = field(default_factory=set)
    ways: set[int] = field(default_factory=set)
    banks: set[int] = field(default_factory=set)

    def take(self, way: int, nodes: Iterable[tuple[int, int, int]]) -> None:
        """Take a line: reference and place of each of its nodes, in 1e-7 degrees."""
        known = [node for node in nodes if node[1] != _NOWHERE]
        if len(known) < 2 or way in self.ways:
            return
        if self.box is not None:
            west, south, east, north = self.box
            if not any(west <= x <= east and south <= y <= north for _, x, y in known):
                return
        self.ways.add(way)
        for values, of in zip((self.refs, self.x, self.y), zip(*known, strict=True), strict=True):
            values.extend(of)
        self.sizes.append(len(known))

    def lines(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return where each line starts, (n + 1,), and the vertices, (v, 2) degrees, gates cut."""
        start = np.concatenate([[0], np.cumsum(np.frombuffer(self.sizes, dtype=np.int32))])
        lonlat = np.column_stack([self.x, self.y]).reshape(-1, 2) / _PER_DEGREE
        is_open = np.fromiter((ref in self.open for ref in self.refs), bool, len(self.refs))
        with_gates = np.zeros(len(self.sizes), dtype=bool)
        with_gates[np.searchsorted(start, np.flatnonzero(is_open), side="right") - 1] = True
        shapes = [lonlat[~np.repeat(with_gates, np.diff(start))]]
        sizes = [np.diff(start)[~with_gates]]
        for row in np.flatnonzero(with_gates).tolist():
            here = slice(int(start[row]), int(start[row + 1]))
            for piece in _opened(lonlat[here], is_open[here]):
                shapes.append(piece)
                sizes.append(np.array([len(piece)]))
        size = np.concatenate(sizes)
        return np.concatenate([[0], np.cumsum(size)]).astype(np.int64), np.concatenate(shapes)


def _opened(
    lonlat: npt.NDArray[np.float64], is_open: npt.NDArray[np.bool_]
) -> Iterable[npt.NDArray[np.float64]]:
    """Yield what remains of a line that is open at some of its vertices."""
    xy = to_mercator(lonlat)
    metre = float(mercator_scale(lonlat[0, 1]))
    gaps = shapely.buffer(shapely.multipoints(xy[is_open]), _OPEN_M * metre)
    for part in shapely.get_parts(shapely.difference(shapely.LineString(xy), gaps)):
        if not part.is_empty:
            yield from_mercator(shapely.get_coordinates(part))
