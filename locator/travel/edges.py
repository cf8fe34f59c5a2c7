"""What a reader of roads hands over: edges between nodes, before they become a graph.

An *edge* is a stretch of road between two junctions, with its shape. Its two *arcs* are its
directions: arc ``2 e`` runs along the shape of edge ``e``, arc ``2 e + 1`` against it. Time is
kept in whole milliseconds, at least one, so that sums are exact and never zero.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locator.datum import steps_m

_EDGES_AT_ONCE = 1 << 12
Arcs = tuple[int, ...]
CLOSED = np.uint32(0)  # the time of a direction that may not be used


@dataclass(frozen=True)
class RoadEdges:
    """Edges of a road network, WGS-84.

    Attributes
    ----------
    node_lonlat
        (n, 2) degrees.
    tail, head
        (e,) nodes at the beginning and the end of each edge's shape.
    vertex_start, vertex_lonlat
        (e + 1,) and (v, 2): the shape of edge ``i`` is ``vertex_lonlat[start[i]:start[i + 1]]``.
    length_m
        (e,) geodesic length of the shape.
    forward_ms, backward_ms
        (e,) time along the shape and against it; 0 where closed.
    road_class, name
        (e,) positions in ``classes`` and ``names``; name 0 is no name.
    forbidden
        Sequences of two or more arcs that may not follow each other.
    notes
        What the reader counted, for the report.
    dated
        Day of the data (ISO), or empty.
    barrier_start, barrier_lonlat
        (b + 1,) and (w, 2) degrees: lines that no leg between a door and the road crosses.
    """

    node_lonlat: npt.NDArray[np.float64]
    tail: npt.NDArray[np.int32]
    head: npt.NDArray[np.int32]
    vertex_start: npt.NDArray[np.int64]
    vertex_lonlat: npt.NDArray[np.float64]
    length_m: npt.NDArray[np.float64]
    forward_ms: npt.NDArray[np.uint32]
    backward_ms: npt.NDArray[np.uint32]
    road_class: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    name: npt.NDArray[np.int32]
    names: tuple[str, ...]
    forbidden: tuple[Arcs, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    dated: str = ""
    barrier_start: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    barrier_lonlat: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))


def arc_tails(tail: npt.NDArray[np.int32], head: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the node each arc leaves, (2 e,)."""
    return np.column_stack([tail, head]).reshape(-1)


def arc_heads(tail: npt.NDArray[np.int32], head: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the node each arc arrives at, (2 e,)."""
    return np.column_stack([head, tail]).reshape(-1)


def arc_ms(
    forward_ms: npt.NDArray[np.uint32], backward_ms: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Return the time of each arc, (2 e,); 0 where closed."""
    return np.column_stack([forward_ms, backward_ms]).reshape(-1)


def travel_ms(
    length_m: npt.NDArray[np.float64], speed_kmh: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint32]:
    """Return the time of a length at a speed, at least 1 ms; 0 where the speed is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.rint(length_m / (speed_kmh / 3.6) * 1000.0)
    return np.where(speed_kmh > 0, np.clip(exact, 1, 2**32 - 2), CLOSED).astype(np.uint32)


def shape_lengths_m(
    vertex_lonlat: npt.NDArray[np.float64], vertex_start: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the geodesic length of each ragged shape."""
    length_m = np.empty(len(vertex_start) - 1)
    for begin in range(0, len(length_m), _EDGES_AT_ONCE):  # bounds the memory
        start = vertex_start[begin : begin + _EDGES_AT_ONCE + 1]
        steps = np.append(steps_m(vertex_lonlat[start[0] : start[-1]]), 0.0)
        steps[start[1:] - start[0] - 1] = 0.0  # from the end of one shape to the start of the next
        length_m[begin : begin + len(start) - 1] = np.add.reduceat(steps, start[:-1] - start[0])
    return length_m
