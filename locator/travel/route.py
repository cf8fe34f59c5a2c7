"""The way itself: its line, its time and length, and the streets it takes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra
from shapely.ops import substring

from locator.datum import from_mercator, to_mercator
from locator.travel.base import Positions
from locator.travel.graph import Floats, RoadGraph, split_weight, weigh
from locator.travel.legs import direct_weights, entries_of, exits_of, with_sources
from locator.travel.snap import Snapped

__all__ = ["Route", "Street", "find_route"]


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


def find_route(graph: RoadGraph, ends: Positions, places: Snapped) -> Route | None:
    """Return the quickest way from the first of two places to the second; None if there is none.

    Parameters
    ----------
    ends
        (2, 2) longitude and latitude.
    places
        Where the two meet the road.
    """
    if (places.edge < 0).any():
        return None
    origin, destination = places.take(np.array([0])), places.take(np.array([1]))
    _, _, straight = direct_weights(graph, origin, destination)
    direct = float(straight[0]) if len(straight) else np.inf
    weight, states = _search(graph, origin, destination)
    if not np.isfinite(min(direct, weight)):
        return None
    edge, share = places.edge.tolist(), places.share.tolist()
    if direct <= weight:
        pieces = [_Piece(edge[0], share[0], share[1])]
    else:
        pieces = _pieces(graph, states, places)
    seconds, metres = split_weight(np.array([min(direct, weight)]))
    return Route(
        _line(graph, pieces, ends), float(seconds[0]), float(metres[0]), _streets(graph, pieces)
    )


def _search(graph: RoadGraph, origin: Snapped, destination: Snapped) -> tuple[float, list[int]]:
    """Return the weight of the way over at least one junction, and its states."""
    exits, entries = exits_of(graph, origin), entries_of(graph, destination)
    backward = with_sources(graph.backward, entries.start, entries.state, entries.weight)
    weight, after = dijkstra(backward, indices=graph.states, return_predecessors=True)
    total = exits.weight[0] + weight[exits.state[0]]
    side = int(np.argmin(total))
    if not np.isfinite(total[side]):
        return np.inf, []
    states = [int(exits.state[0, side])]
    while (following := int(after[states[-1]])) != graph.states:
        states.append(following)
    return float(total[side]), states


def _pieces(graph: RoadGraph, states: list[int], places: Snapped) -> list[_Piece]:
    """Return the parts of edges of a way that passes states."""
    (first, last), (left, met) = places.edge.tolist(), places.share.tolist()
    begins_forward = _leaves_forward(graph, places, states[0])
    pieces = [_Piece(first, left, 1.0 if begins_forward else 0.0)]
    for here, there in pairwise(states):
        low, high = graph.forward.indptr[here], graph.forward.indptr[here + 1]
        entry = low + int(np.flatnonzero(graph.forward.indices[low:high] == there)[0])
        arc = int(graph.forward_arc[entry])
        pieces.append(_Piece(arc // 2, float(arc % 2), float(1 - arc % 2)))
    arrives_forward = _arrives_forward(graph, places, states[-1])
    pieces.append(_Piece(last, 0.0 if arrives_forward else 1.0, met))
    return [piece for piece in pieces if piece.begin != piece.end]


def _leaves_forward(graph: RoadGraph, places: Snapped, state: int) -> bool:
    exits = exits_of(graph, places.take(np.array([0])))
    weight = np.where(exits.state[0] == state, exits.weight[0], np.inf)
    return bool(weight[0] <= weight[1])


def _arrives_forward(graph: RoadGraph, places: Snapped, state: int) -> bool:
    """Tell whether the last edge is entered at its tail: by the quicker side that is allowed."""
    links, start = graph.arc_links
    edge, share = int(places.edge[1]), float(places.share[1])
    times = (graph.edges.forward_ms[edge] * share, graph.edges.backward_ms[edge] * (1.0 - share))
    sides: Floats = np.full(2, np.inf)
    for side in (0, 1):
        arc = 2 * edge + side
        if state in links[start[arc] : start[arc + 1]]:
            sides[side] = weigh(times[side], 0.0)
    return bool(sides[0] <= sides[1])


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
