"""The way itself: its line, its time and length, and the streets it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra
from shapely.ops import substring

from locator.datum import Positions, from_mercator, to_mercator
from locator.travel.graph import RoadGraph, split_weight
from locator.travel.legs import Snapped, direct_ways, entries_of, with_sources


@dataclass(frozen=True)
class Street:
    """One line of the turn list; ``name`` is empty where the street has none."""

    name: str
    road_class: str
    length_m: float


@dataclass(frozen=True)
class Route:
    """The quickest way between two places.

    Attributes
    ----------
    line
        From door to door, EPSG:4326; the legs between door and road are straight.
    ride_s, ride_m
        Time and length of the whole line's way.
    streets
        The streets in their order, without the legs to and from the road.
    """

    line: shapely.LineString
    ride_s: float
    ride_m: float
    streets: tuple[Street, ...]


@dataclass(frozen=True)
class _Piece:
    """Part of an edge, travelled from one share of its shape to another."""

    edge: int
    begin: float
    end: float


def find_route(ends: Snapped) -> Route | None:
    """Return the quickest way from the first of two places to the second; None if there is none."""
    if not ends.found.all():
        return None
    graph = ends.graph
    origin, destination = ends.take(np.array([0])), ends.take(np.array([1]))
    weight, pieces = _over_junctions(origin, destination)
    ways = direct_ways(origin, destination)
    if len(ways.weight) and ways.weight.min() <= weight:
        best = int(np.argmin(ways.weight))
        weight = float(ways.weight[best])
        left, met = int(ways.leave[best]), int(ways.meet[best])
        begin, end = float(origin.share[left]), float(destination.share[met])
        pieces = [_Piece(int(origin.edge[left]), begin, end)]
    if not np.isfinite(weight):
        return None
    seconds, metres = split_weight(np.array([weight]))
    line = _line(graph, pieces, ends.lonlat)
    return Route(line, float(seconds[0]), float(metres[0]), _streets(graph, pieces))


def _over_junctions(origin: Snapped, destination: Snapped) -> tuple[float, list[_Piece]]:
    """Return the weight of the quickest way over at least one junction, and its parts."""
    graph, exits, entries = origin.graph, origin.exits, entries_of(destination)
    backward = with_sources(graph.backward, entries)
    weight, after = dijkstra(backward, indices=graph.states, return_predecessors=True)
    total = exits.weight + weight[exits.state]
    if not np.isfinite(total).any():
        return np.inf, []
    leave = int(np.argmin(total))
    states = [int(exits.state[leave])]
    while (following := int(after[states[-1]])) != graph.states:
        states.append(following)
    enter = int(np.flatnonzero(entries.state == states[-1])[0])
    arc, share = int(exits.arc[leave]), float(origin.share[exits.candidate[leave]])
    pieces = [_Piece(arc // 2, share, float(1 - arc % 2))]
    pieces.extend(_pieces(graph, states))
    arc, share = int(entries.arc[enter]), float(destination.share[entries.candidate[enter]])
    pieces.append(_Piece(arc // 2, float(arc % 2), share))
    return float(total[leave]), pieces


def _pieces(graph: RoadGraph, states: list[int]) -> Iterator[_Piece]:
    """Yield the edges of a way that passes states."""
    for here, there in pairwise(states):
        low, high = graph.forward.indptr[here], graph.forward.indptr[here + 1]
        entry = low + int(np.flatnonzero(graph.forward.indices[low:high] == there)[0])
        arc = int(graph.forward_arc[entry])
        yield _Piece(arc // 2, float(arc % 2), float(1 - arc % 2))


def _line(graph: RoadGraph, pieces: list[_Piece], ends: Positions) -> shapely.LineString:
    edges = graph.edges
    parts = [ends[:1]]
    for piece in pieces:
        start, stop = edges.vertex_start[piece.edge : piece.edge + 2]
        shape = edges.vertex_lonlat[start:stop]
        if {piece.begin, piece.end} == {0.0, 1.0}:
            parts.append(shape if piece.begin == 0.0 else shape[::-1])
            continue
        part = substring(
            shapely.LineString(to_mercator(shape)), piece.begin, piece.end, normalized=True
        )
        parts.append(from_mercator(shapely.get_coordinates(part)))
    parts.append(ends[1:])
    points = np.concatenate(parts)
    new = np.append(True, (np.abs(np.diff(points, axis=0)) > 1e-9).any(axis=1))
    points = points[new]
    return shapely.LineString(points if len(points) > 1 else np.repeat(points, 2, axis=0))


def _streets(graph: RoadGraph, pieces: list[_Piece]) -> tuple[Street, ...]:
    edges = graph.edges
    streets: list[Street] = []
    for piece in pieces:
        name = edges.names[edges.name[piece.edge]]
        road_class = edges.classes[edges.road_class[piece.edge]]
        metres = float(edges.length_m[piece.edge]) * abs(piece.end - piece.begin)
        last = streets[-1] if streets else None
        if last is not None and last.name == name and (name or last.road_class == road_class):
            streets[-1] = Street(name, last.road_class, last.length_m + metres)
        else:
            streets.append(Street(name, road_class, metres))
    return tuple(streets)
