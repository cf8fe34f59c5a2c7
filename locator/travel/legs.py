"""The first and the last leg: from a place to the states of the road graph, and back.

A place has several candidates: edges near it. A rider leaves one by either end of the edge, where
the direction is open; they arrive at it from any state from which the edge may be entered; and
where candidates of two places lie on one edge, there is the way straight along it. The leg between
place and road is pushed. Of all candidates the quickest way counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.datum import Positions
from locator.travel.edges import CLOSED
from locator.travel.graph import Floats, Ints, RoadGraph, weigh

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Snapped:
    """Where n places meet the road: candidates, ragged, the nearest first; read-only.

    Those of place ``i`` are ``edge[start[i]:start[i + 1]]``; a place has none where no road of
    the giant component is near enough.

    Attributes
    ----------
    graph
        The network whose edges these are.
    lonlat
        (n, 2) the places themselves, degrees WGS-84.
    start
        (n + 1,) where the candidates of each place begin.
    edge
        (c,) edges.
    share
        (c,) how far along the edge's shape, 0 to 1.
    access_m
        (c,) metres from the place to the road.
    """

    graph: RoadGraph
    lonlat: Positions
    start: Rows
    edge: Rows
    share: Floats
    access_m: Floats

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Which places have a road, (n,)."""
        return np.diff(self.start) > 0

    @property
    def nearest_m(self) -> Floats:
        """Metres to the nearest candidate, (n,); ``inf`` where there is none."""
        metres = np.full(len(self), np.inf)
        metres[self.found] = self.access_m[self.start[:-1][self.found]]
        return metres

    @cached_property
    def owner(self) -> Rows:
        """Place of each candidate, (c,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @cached_property
    def exits(self) -> "Legs":
        """How origins leave these places, kept with them."""
        return exits_of(self)

    def take(self, rows: Rows) -> "Snapped":
        """Return some of the places."""
        start, at = pick(self.start, rows)
        return Snapped(
            self.graph, self.lonlat[rows], start, self.edge[at], self.share[at], self.access_m[at]
        )

    def keys(self) -> list[bytes]:
        """Return what the times of each place depend on; equal where they are equal."""
        both = np.column_stack([self.edge, self.share, self.access_m])
        return [both[low:high].tobytes() for low, high in pairwise(self.start)]


@dataclass(frozen=True)
class Legs:
    """States that n places are left to, or entered from: ragged, by place.

    Attributes
    ----------
    start
        (n + 1,) where those of each place begin.
    state, weight
        (l,) states, and the weights from the place to them, or from them to the place.
    arc, candidate
        (l,) the arcs that are travelled in part, and the candidates that lie on them.
    """

    start: Rows
    state: Ints
    weight: Floats
    arc: Ints
    candidate: Ints

    def __len__(self) -> int:
        return len(self.start) - 1

    def quickest(self) -> "Legs":
        """Keep one of those with the same place and the same state: the quickest."""
        place = np.repeat(np.arange(len(self)), np.diff(self.start))
        order = np.lexsort((self.weight, self.state, place))
        place, state = place[order], self.state[order]
        kept = np.ones(len(order), dtype=bool)
        kept[1:] = (place[1:] != place[:-1]) | (state[1:] != state[:-1])
        order = order[kept]
        start = np.searchsorted(place[kept], np.arange(len(self) + 1))
        return Legs(
            start, self.state[order], self.weight[order], self.arc[order], self.candidate[order]
        )

    def pieces(self, most: int) -> Iterator[slice]:
        """Yield runs of places with about as many legs as given at most, a place at least."""
        begin = 0
        while begin < len(self):
            end = int(np.searchsorted(self.start, self.start[begin] + most, side="right")) - 1
            end = min(max(end, begin + 1), len(self))
            yield slice(begin, end)
            begin = end

    def piece(self, places: slice) -> "Legs":
        """Return those of a run of places."""
        low, high = int(self.start[places.start]), int(self.start[places.stop])
        start = self.start[places.start : places.stop + 1] - low
        some = slice(low, high)
        return Legs(
            start, self.state[some], self.weight[some], self.arc[some], self.candidate[some]
        )


@dataclass(frozen=True)
class Direct:
    """Ways along one edge, (w,): between which places and candidates, and their weights."""

    origin: Rows
    destination: Rows
    weight: Floats
    leave: Rows
    meet: Rows


def pick(start: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """Return where some rows of a ragged array begin in it alone, and the positions they take."""
    count = np.diff(start)[rows]
    picked = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return picked, np.repeat(start[rows] - picked[:-1], count) + np.arange(picked[-1])


def least(start: Rows, values: Floats) -> Floats:
    """Return the least value of each row of a ragged last axis, (…, n); ``inf`` of none."""
    found: Floats = np.full((*values.shape[:-1], len(start) - 1), np.inf)
    some = np.flatnonzero(np.diff(start))
    if len(some):
        found[..., some] = np.minimum.reduceat(values, start[some], axis=-1)
    return found


def _access_ms(graph: RoadGraph, access_m: Floats) -> Floats:
    return access_m / (graph.profile.push_kmh / 3.6) * 1000.0


def _along(places: Snapped, share: Floats) -> Floats:
    """Return the weights of shares, (c, 2), of both arcs with the leg to them."""
    edges, access_m = places.graph.edges, places.access_m[:, None]
    whole_ms = np.stack([edges.forward_ms[places.edge], edges.backward_ms[places.edge]], axis=-1)
    weight = weigh(
        share * whole_ms + _access_ms(places.graph, access_m),
        share * edges.length_m[places.edge][:, None] + access_m,
    )
    return np.where(whole_ms == CLOSED, np.inf, weight)


def exits_of(places: Snapped) -> Legs:
    """Return how n origins leave their candidates."""
    weight = _along(places, np.stack([1.0 - places.share, places.share], axis=-1)).reshape(-1)
    is_open = np.flatnonzero(np.isfinite(weight))
    candidate = is_open // 2
    arc = (2 * places.edge[candidate] + is_open % 2).astype(np.int32)
    return Legs(
        np.searchsorted(places.owner[candidate], np.arange(len(places) + 1)),
        places.graph.arc_state[arc],
        weight[is_open],
        arc,
        candidate.astype(np.int32),
    )


def entries_of(places: Snapped) -> Legs:
    """Return how m destinations are reached, from each state in the quickest way."""
    links, link_start = places.graph.arc_links
    weight = _along(places, np.stack([places.share, 1.0 - places.share], axis=-1)).reshape(-1)
    arc = np.stack([2 * places.edge, 2 * places.edge + 1], axis=-1).reshape(-1)
    start, position = pick(link_start.astype(np.int64), arc)
    count = np.diff(start)
    every = Legs(
        np.append(start[::2][places.start[:-1]], start[-1]),
        links[position],
        np.repeat(weight, count),
        np.repeat(arc, count).astype(np.int32),
        np.repeat(np.arange(len(arc)) // 2, count).astype(np.int32),
    )
    return every.quickest()


def direct_ways(origins: Snapped, destinations: Snapped) -> Direct:
    """Return the ways between candidates on one edge, along that edge."""
    graph = origins.graph
    is_met = np.zeros(len(graph.edges.tail), dtype=bool)
    is_met[destinations.edge] = True
    leave = np.flatnonzero(is_met[origins.edge])
    order = np.argsort(destinations.edge, kind="stable")
    sorted_edge = destinations.edge[order]
    low = np.searchsorted(sorted_edge, origins.edge[leave], side="left")
    count = np.searchsorted(sorted_edge, origins.edge[leave], side="right") - low
    first = np.cumsum(count) - count
    meet = order[np.repeat(low - first, count) + np.arange(count.sum())]
    leave = np.repeat(leave, count)
    edge = origins.edge[leave]
    ahead = destinations.share[meet] - origins.share[leave]
    forward, backward = graph.edges.forward_ms[edge], graph.edges.backward_ms[edge]
    onwards = (ahead > 0) | ((ahead == 0) & (forward != CLOSED))
    whole_ms = np.where(onwards, forward, backward)
    access_m = origins.access_m[leave] + destinations.access_m[meet]
    weight = weigh(
        np.abs(ahead) * whole_ms + _access_ms(graph, access_m),
        np.abs(ahead) * graph.edges.length_m[edge] + access_m,
    )
    is_open = np.flatnonzero(whole_ms != CLOSED)
    leave, meet = leave[is_open], meet[is_open]
    return Direct(origins.owner[leave], destinations.owner[meet], weight[is_open], leave, meet)


def with_sources(graph: csr_array, legs: Legs) -> csr_array:
    """Return a graph with a row more a place: virtual states that lead into it, never led to."""
    states, more = graph.shape[0], len(legs)
    indptr = np.concatenate([graph.indptr, graph.indptr[-1] + legs.start[1:]])
    return csr_array(
        (
            np.concatenate([graph.data, legs.weight]),
            np.concatenate([graph.indices, legs.state]).astype(np.int32),
            indptr.astype(np.int32),
        ),
        shape=(states + more, states + more),
    )
