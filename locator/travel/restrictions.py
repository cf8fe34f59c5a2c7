"""Turn restrictions of OpenStreetMap become sequences of arcs that may not follow each other.

Relation:restriction. ``no_*`` forbids one sequence *from, via, to*. ``only_*`` forbids every way
out but the one it names, at each node along the *via*. A *via* is a node, or ways in their order.

An arc stands here for all that are drawn upon it (``twins.py``): the footway on the nodes of the
street that ``only_straight_on`` leads to is no way out beside it, and a forbidden street is not
entered by its twin.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from osmium.osm import Relation

from locator.travel.edges import Arcs, RoadEdges
from locator.travel.osm_profile import Profile, judge_restriction
from locator.travel.twins import find_twins, take_edges

HONOURED = "restrictions honoured"
EMPTY = "restrictions without a turn in this network"
BROKEN = "restrictions not understood"  # a part is missing, or it can be read in two ways


@dataclass(frozen=True)
class Restriction:
    """One relation; ``kind`` is ``no``, ``only``, or why it does not count."""

    kind: str
    from_ways: tuple[int, ...]
    via_node: int | None
    via_ways: tuple[int, ...]
    to_ways: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether no part is missing."""
        via = self.via_node is not None or bool(self.via_ways)
        return via and bool(self.from_ways) and bool(self.to_ways)


def read_restriction(relation: Relation, profile: Profile) -> Restriction:
    """Read a relation of the type ``restriction``."""
    members: dict[tuple[str, str], list[int]] = {}
    for member in relation.members:
        members.setdefault((member.role, member.type), []).append(member.ref)
    via = members.get(("via", "n"), [])
    return Restriction(
        kind=judge_restriction(dict(relation.tags), profile),
        from_ways=tuple(members.get(("from", "w"), [])),
        via_node=via[0] if len(via) == 1 else None,
        via_ways=tuple(members.get(("via", "w"), [])),
        to_ways=tuple(members.get(("to", "w"), [])),
    )


def among(values: npt.NDArray[np.int64], some: Collection[int]) -> npt.NDArray[np.int64]:
    """Return the rows of values that are among some, in order; needs little memory."""
    wanted = np.sort(np.fromiter(some, np.int64, len(some)))
    if not len(wanted):
        return wanted
    place = np.searchsorted(wanted, values)
    np.minimum(place, len(wanted) - 1, out=place)
    return np.flatnonzero(wanted[place] == values)


class _Network:
    """The arcs of ways and nodes, for the few that restrictions name."""

    def __init__(
        self,
        edges: RoadEdges,
        way_id: npt.NDArray[np.int64],
        node_ref: npt.NDArray[np.int64],
        restrictions: Sequence[Restriction],
    ) -> None:
        self._edges = edges
        named = {w for r in restrictions for w in (*r.from_ways, *r.via_ways, *r.to_ways)}
        self._arcs: dict[int, list[int]] = {}
        touched = np.zeros(len(node_ref), dtype=bool)
        for edge in among(way_id, named).tolist():
            arcs = [arc for arc in (2 * edge, 2 * edge + 1) if self._is_open(arc)]
            self._arcs.setdefault(int(way_id[edge]), []).extend(arcs)
            touched[[edges.tail[edge], edges.head[edge]]] = True
        vias = {r.via_node for r in restrictions if r.via_node is not None}
        self._node = {int(node_ref[i]): i for i in among(node_ref, vias).tolist()}
        near = touched[edges.tail] | touched[edges.head]
        self._leaving: dict[int, list[int]] = {}
        for edge in np.flatnonzero(near).tolist():
            for arc in (2 * edge, 2 * edge + 1):
                if self._is_open(arc):
                    self._leaving.setdefault(self.tail(arc), []).append(arc)
        self._stands_for = _twin_arcs(edges, near)

    def _stands(self, arcs: Iterable[int]) -> list[int]:
        """Return the arcs that these lie upon, each once."""
        return list(dict.fromkeys(self._stands_for.get(arc, arc) for arc in arcs))

    def _is_open(self, arc: int) -> bool:
        times = self._edges.backward_ms if arc % 2 else self._edges.forward_ms
        return bool(times[arc // 2])

    def tail(self, arc: int) -> int:
        """Return the node an arc leaves."""
        return int((self._edges.head if arc % 2 else self._edges.tail)[arc // 2])

    def head(self, arc: int) -> int:
        """Return the node an arc arrives at."""
        return self.tail(arc ^ 1)

    def node(self, ref: int) -> int | None:
        """Return the node of an OSM id."""
        return self._node.get(ref)

    def into(self, way: int, node: int) -> list[int]:
        """Return the open arcs of a way that arrive at a node."""
        return self._stands(arc for arc in self._arcs.get(way, []) if self.head(arc) == node)

    def out_of(self, way: int, node: int) -> list[int]:
        """Return the open arcs of a way that leave a node."""
        return self._stands(arc for arc in self._arcs.get(way, []) if self.tail(arc) == node)

    def leaving(self, node: int) -> list[int]:
        """Return every open arc that leaves a node of a named way."""
        return self._stands(self._leaving.get(node, []))

    def along(self, way: int, node: int) -> Iterator[Arcs]:
        """Yield the ways to travel a whole way from a node: along it and against it."""
        for parity in (0, 1):
            arcs = [arc for arc in self._arcs.get(way, []) if arc % 2 == parity]
            arcs = arcs[::-1] if parity else arcs
            whole = all(self.head(a) == self.tail(b) for a, b in pairwise(arcs))
            if arcs and whole and self.tail(arcs[0]) == node:
                yield tuple(self._stands(arcs))

    def ends(self, ways: tuple[int, ...]) -> set[int]:
        """Return the nodes that ways touch."""
        arcs = [arc for way in ways for arc in self._arcs.get(way, [])]
        return {int(node) for arc in arcs for node in (self.tail(arc), self.head(arc))}


def _twin_arcs(edges: RoadEdges, some: npt.NDArray[np.bool_]) -> dict[int, int]:
    """Return the arc that stands for each one that is drawn upon another, among some edges."""
    first, turned = find_twins(take_edges(edges, some))
    number = np.flatnonzero(some)
    twins = np.flatnonzero(first != np.arange(len(first)))
    return {
        2 * int(number[twin]) + side: 2 * int(number[first[twin]]) + (side ^ int(turned[twin]))
        for twin in twins.tolist()
        for side in (0, 1)
    }


def resolve(
    edges: RoadEdges,
    restrictions: Sequence[Restriction],
    way_id: npt.NDArray[np.int64],
    node_ref: npt.NDArray[np.int64],
    notes: dict[str, int],
) -> RoadEdges:
    """Return the edges with their forbidden turns, and notes of what was honoured.

    Parameters
    ----------
    way_id, node_ref
        OSM's ids of each edge's way and of each node.
    """
    network = _Network(edges, way_id, node_ref, restrictions)
    counted: Counter[str] = Counter(notes)
    forbidden: dict[Arcs, None] = {}
    for restriction in restrictions:
        if restriction.kind not in {"no", "only"}:
            counted[f"restrictions: {restriction.kind}"] += 1
            continue
        paths = list(_paths(restriction, network))
        ambiguous = len(paths) > 1 and len(restriction.from_ways) == len(restriction.to_ways) == 1
        if ambiguous or not restriction.is_whole:
            counted[BROKEN] += 1
            continue
        if not paths:
            counted[EMPTY] += 1
            continue
        counted[HONOURED] += 1
        for path in paths:
            forbidden.update(dict.fromkeys(_sequences(path, restriction.kind, network)))
    forbidden.update(dict.fromkeys(edges.forbidden))
    return replace(edges, forbidden=tuple(forbidden), notes=dict(counted))


def _paths(restriction: Restriction, network: _Network) -> Iterator[Arcs]:
    """Yield the sequences of open arcs from *from* through *via* to *to*."""
    if restriction.via_ways:
        first = restriction.via_ways[0]
        starts = network.ends(restriction.from_ways) & network.ends((first,))
    else:
        node = None if restriction.via_node is None else network.node(restriction.via_node)
        starts = set() if node is None else {node}
    for start, begin, finish in product(sorted(starts), restriction.from_ways, restriction.to_ways):
        for through in _chains(restriction.via_ways, start, network):
            last = network.head(through[-1]) if through else start
            for a, b in product(network.into(begin, start), network.out_of(finish, last)):
                yield (a, *through, b)


def _chains(ways: tuple[int, ...], node: int, network: _Network) -> Iterator[Arcs]:
    if not ways:
        yield ()
        return
    for head in network.along(ways[0], node):
        for rest in _chains(ways[1:], network.head(head[-1]), network):
            yield (*head, *rest)


def _sequences(path: Arcs, kind: str, network: _Network) -> Iterator[Arcs]:
    if kind == "no":
        yield path
        return
    for step in range(1, len(path)):
        node = network.tail(path[step])
        for arc in network.leaving(node):
            if arc != path[step]:
                yield (*path[:step], arc)
