"""The first and the last leg: from a place to the states of the road graph, and back.

A place lies beside an edge. A rider leaves it by either end of the edge, where the direction is
open; they arrive at it from any state from which the edge may be entered; and where both places
lie on one edge, there is the way straight along it. The leg between place and road is pushed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.travel.edges import CLOSED
from locator.travel.graph import Floats, Ints, RoadGraph, weigh
from locator.travel.snap import Snapped

__all__ = ["Entries", "Exits", "direct_weights", "entries_of", "exits_of", "with_sources"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Exits:
    """States that n origins leave to, (n, 2), and the weights until there; ``inf`` if closed."""

    state: Ints
    weight: Floats


@dataclass(frozen=True)
class Entries:
    """States from which m destinations are entered: ragged, by destination.

    Those of destination ``j`` are ``state[start[j]:start[j + 1]]``.
    """

    start: Rows
    state: Ints
    weight: Floats


def _access_ms(graph: RoadGraph, access_m: Floats) -> Floats:
    return access_m / (graph.profile.push_kmh / 3.6) * 1000.0


def exits_of(graph: RoadGraph, places: Snapped) -> Exits:
    """Return how n origins leave their edges."""
    found = places.edge >= 0
    edge = np.where(found, places.edge, 0)
    rest = np.stack([1.0 - places.share, places.share], axis=-1)
    whole_ms = np.stack([graph.edges.forward_ms[edge], graph.edges.backward_ms[edge]], axis=-1)
    is_open = (whole_ms != CLOSED) & found[:, None]
    access_m = np.where(found, places.access_m, 0.0)[:, None]
    weight = weigh(
        rest * whole_ms + _access_ms(graph, access_m),
        rest * graph.edges.length_m[edge][:, None] + access_m,
    )
    state = graph.arc_state[np.stack([2 * edge, 2 * edge + 1], axis=-1)]
    return Exits(np.where(is_open, state, 0).astype(np.int32), np.where(is_open, weight, np.inf))


def entries_of(graph: RoadGraph, places: Snapped) -> Entries:
    """Return how m destinations are reached along their edges."""
    links, link_start = graph.arc_links
    found = places.edge >= 0
    edge = np.where(found, places.edge, 0)
    arc = np.stack([2 * edge, 2 * edge + 1], axis=-1)
    travelled = np.stack([places.share, 1.0 - places.share], axis=-1)
    access_m = np.where(found, places.access_m, 0.0)[:, None]
    whole_ms = np.stack([graph.edges.forward_ms[edge], graph.edges.backward_ms[edge]], axis=-1)
    weight = weigh(
        travelled * whole_ms + _access_ms(graph, access_m),
        travelled * graph.edges.length_m[edge][:, None] + access_m,
    )
    count = np.where(found[:, None], link_start[arc + 1] - link_start[arc], 0)
    flat = count.reshape(-1)
    first = np.cumsum(flat) - flat
    position = np.repeat(link_start[arc].reshape(-1) - first, flat) + np.arange(flat.sum())
    start = np.concatenate([[0], np.cumsum(count.sum(axis=1))]).astype(np.int64)
    return Entries(start, links[position], np.repeat(weight.reshape(-1), flat))


def direct_weights(
    graph: RoadGraph, origins: Snapped, destinations: Snapped
) -> tuple[Rows, Rows, Floats]:
    """Return (origin, destination, weight) for the pairs on one edge, along that edge."""
    order = np.argsort(destinations.edge, kind="stable")
    edges = destinations.edge[order]
    low = np.searchsorted(edges, origins.edge, side="left")
    high = np.searchsorted(edges, origins.edge, side="right")
    count = np.where(origins.edge >= 0, high - low, 0)
    row = np.repeat(np.arange(len(origins.edge)), count)
    first = np.cumsum(count) - count
    column = order[np.repeat(low - first, count) + np.arange(count.sum())]
    edge = origins.edge[row]
    ahead = destinations.share[column] - origins.share[row]
    forward, backward = graph.edges.forward_ms[edge], graph.edges.backward_ms[edge]
    onwards = (ahead > 0) | ((ahead == 0) & (forward != CLOSED))
    whole_ms = np.where(onwards, forward, backward)
    access_m = origins.access_m[row] + destinations.access_m[column]
    weight = weigh(
        np.abs(ahead) * whole_ms + _access_ms(graph, access_m),
        np.abs(ahead) * graph.edges.length_m[edge] + access_m,
    )
    return row, column, np.where(whole_ms != CLOSED, weight, np.inf)


def with_sources(graph: csr_array, starts: Sequence[int] | Rows, to: Ints, by: Floats) -> csr_array:
    """Return a graph with more rows: virtual states that lead into it and are never led to.

    Parameters
    ----------
    starts, to, by
        As in CSR: the states of new row ``i`` are ``to[starts[i]:starts[i + 1]]``.
    """
    states, more = graph.shape[0], len(starts) - 1
    indptr = np.concatenate([graph.indptr, graph.indptr[-1] + np.asarray(starts[1:])])
    return csr_array(
        (
            np.concatenate([graph.data, by]),
            np.concatenate([graph.indices, to]).astype(np.int32),
            indptr.astype(np.int32),
        ),
        shape=(states + more, states + more),
    )
