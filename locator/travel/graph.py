"""The road graph: frozen arrays of edges, and the states and links a rider moves through.

Weights are whole numbers kept in float64: ``time in ms x 2**28 + length in cm``. They add up
exactly (to 9 hours, 53 bits), a shortest path by weight is one by time, among equal times the
shorter, and both come out of one search.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from locator.travel.edges import CLOSED, Arcs, RoadEdges, arc_heads, arc_ms, arc_tails
from locator.travel.osm_profile import Profile
from locator.travel.twins import merge_twins

LENGTH_BITS = 28  # 2,684 km in centimetres
_LENGTH = float(1 << LENGTH_BITS)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


def weigh(milliseconds: npt.ArrayLike, length_m: npt.ArrayLike) -> Floats:
    """Return the weights of times and lengths; no weight is below 1 ms."""
    whole_ms = np.maximum(np.rint(np.asarray(milliseconds, dtype=np.float64)), 1.0)
    return np.asarray(whole_ms * _LENGTH + np.rint(np.asarray(length_m) * 100.0))


def split_weight(weight: Floats) -> tuple[Floats, Floats]:
    """Return seconds and metres; infinity stays what it is."""
    with np.errstate(invalid="ignore"):
        whole_ms = np.floor(weight / _LENGTH)
        length_cm = weight - whole_ms * _LENGTH
    reached = np.isfinite(weight)
    return whole_ms / 1000.0, np.where(reached, length_cm / 100.0, np.inf)


@dataclass(frozen=True)
class RoadReport:
    """What an import found.

    Attributes
    ----------
    nodes, edges, states, links
        Junctions, stretches between them, and the turn-expanded graph's size.
    km_by_class
        Kilometres of road, each direction's road counted once.
    giant_share
        Share of the kilometres in the largest part in which every place reaches every other.
    notes
        Counted by the reader: restrictions honoured and not, vertices missing, lines left out.
    """

    nodes: int
    edges: int
    states: int
    links: int
    km_by_class: dict[str, float]
    giant_share: float
    notes: dict[str, int]


@dataclass(frozen=True)
class RoadGraph:
    """A road network for one profile; see :class:`locator.travel.edges.RoadEdges` for its edges.

    Attributes
    ----------
    edges
        The edges, twins merged.
    profile
        Whose times these are.
    source, digest
        Name of the file it was made of, and its SHA-256.
    state_node
        (s,) node of each state; the first n are the nodes themselves (``turns.py``).
    link_start, link_state, link_arc
        Links by the state they leave, as in CSR: states arrived at and arcs travelled.
    in_giant
        (s,) whether a state is in the largest strong component.
    """

    edges: RoadEdges
    profile: Profile
    source: str
    digest: str
    state_node: Ints
    link_start: Ints
    link_state: Ints
    link_arc: Ints
    in_giant: npt.NDArray[np.bool_]

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.state_node)

    @cached_property
    def top_m_per_s(self) -> float:
        """The quickest pace anywhere: no way is faster on average."""
        times = arc_ms(self.edges.forward_ms, self.edges.backward_ms) / 1000.0
        length_m = np.repeat(self.edges.length_m, 2)
        paces = length_m[times > 0] / times[times > 0]
        return float(max(self.profile.push_kmh / 3.6, paces.max(initial=0.0)))

    @cached_property
    def link_from(self) -> Ints:
        """State each link leaves, (l,)."""
        counts = np.diff(self.link_start)
        return np.repeat(np.arange(self.states, dtype=np.int32), counts)

    @cached_property
    def forward(self) -> csr_array:
        """Weights from state to state, (s, s); of parallel links the quickest."""
        return self._weigh_links()

    @cached_property
    def forward_arc(self) -> Ints:
        """Arc of each entry of :attr:`forward`."""
        return self.link_arc[self._kept[0]]

    @cached_property
    def backward(self) -> csr_array:
        """The transposed :attr:`forward`."""
        return self._weigh_links().T.tocsr()  # most questions need this one alone

    def _weigh_links(self) -> csr_array:
        keep, start = self._kept
        arc = self.link_arc[keep]
        times = arc_ms(self.edges.forward_ms, self.edges.backward_ms)[arc]
        weight = weigh(times, self.edges.length_m[arc // 2])
        return csr_array((weight, self.link_state[keep], start), shape=(self.states, self.states))

    @cached_property
    def _kept(self) -> tuple[npt.NDArray[np.bool_], Ints]:
        # Links are sorted by states and weight: the first of each pair of states is the quickest.
        pair = self.link_from.astype(np.int64) * self.states + self.link_state
        keep = np.append(True, pair[1:] != pair[:-1]) if len(pair) else np.zeros(0, dtype=bool)
        counts = np.bincount(self.link_from[keep], minlength=self.states)
        return keep, np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    @cached_property
    def arc_state(self) -> Ints:
        """State after travelling each arc with nothing before it, (2 e,); -1 where closed."""
        state = np.full(2 * len(self.edges.tail), -1, dtype=np.int32)
        plain = self.link_from < len(self.edges.node_lonlat)
        state[self.link_arc[plain]] = self.link_state[plain]
        return state

    @cached_property
    def arc_links(self) -> tuple[Ints, Ints]:
        """States from which each arc may be travelled: (l,) by arc, and where each begins."""
        order = np.argsort(self.link_arc, kind="stable")
        start = np.searchsorted(self.link_arc[order], np.arange(2 * len(self.edges.tail) + 1))
        return self.link_from[order], start.astype(np.int32)

    @cached_property
    def edge_in_giant(self) -> npt.NDArray[np.bool_]:
        """Edges from which everywhere can be reached and which can be reached, (e,)."""
        inside = self.in_giant[self.link_from] & self.in_giant[self.link_state]
        found = np.zeros(len(self.edges.tail), dtype=bool)
        found[self.link_arc[inside] // 2] = True
        return found

    def report(self) -> RoadReport:
        """Count what the graph holds."""
        edges = self.edges
        km = np.bincount(edges.road_class, edges.length_m, minlength=len(edges.classes)) / 1000
        inside = float(edges.length_m[self.edge_in_giant].sum())
        total = float(edges.length_m.sum())
        return RoadReport(
            nodes=len(edges.node_lonlat),
            edges=len(edges.tail),
            states=self.states,
            links=len(self.link_arc),
            km_by_class=dict(zip(edges.classes, np.round(km, 3).tolist(), strict=True)),
            giant_share=inside / total if total else 0.0,
            notes=dict(edges.notes),
        )


def build_graph(edges: RoadEdges, profile: Profile, *, source: str, digest: str = "") -> RoadGraph:
    """Build the graph of a profile from the edges read for it.

    Parameters
    ----------
    source, digest
        Name and SHA-256 of the file the edges were read from, to be shown and compared.
    """
    edges = merge_twins(edges)
    tail, head = arc_tails(edges.tail, edges.head), arc_heads(edges.tail, edges.head)
    times = arc_ms(edges.forward_ms, edges.backward_ms)
    nodes = len(edges.node_lonlat)
    grown = expand(nodes, tail, head, times != CLOSED, edges.forbidden)
    weight = weigh(times[grown.link_arc], np.repeat(edges.length_m, 2)[grown.link_arc])
    order = np.lexsort((weight, grown.link_to, grown.link_from))
    states = len(grown.state_node)
    counts = np.bincount(grown.link_from, minlength=states)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    state = grown.link_to[order]
    return RoadGraph(
        edges=edges,
        profile=profile,
        source=source,
        digest=digest,
        state_node=grown.state_node,
        link_start=start,
        link_state=state,
        link_arc=grown.link_arc[order],
        in_giant=_giant(start, state, states),
    )


def _giant(start: Ints, state: Ints, states: int) -> npt.NDArray[np.bool_]:
    graph = csr_array((np.ones(len(state), dtype=np.int8), state, start), shape=(states, states))
    _, label = connected_components(graph, directed=True, connection="strong")
    inside: npt.NDArray[np.bool_] = label == np.bincount(label).argmax()
    return inside


@dataclass(frozen=True)
class Expanded:
    """States and the links between them.

    Attributes
    ----------
    state_node
        (s,) node of each state; the first n states are the nodes, nothing under way.
    link_from, link_to, link_arc
        (l,) states before and after travelling an arc.
    """

    state_node: npt.NDArray[np.int32]
    link_from: npt.NDArray[np.int32]
    link_to: npt.NDArray[np.int32]
    link_arc: npt.NDArray[np.int32]


@dataclass
class _Step:
    """One node of the tree of forbidden sequences."""

    last: int
    after: dict[int, int] = field(default_factory=dict)
    fallback: int = 0
    forbidden: bool = False


def _machine(sequences: Sequence[Arcs]) -> list[_Step]:
    """Build the tree and where each of its nodes falls back to: the longest ending that begins."""
    steps = [_Step(-1)]
    for sequence in sequences:
        at = 0
        for arc in sequence:
            if arc not in steps[at].after:
                steps[at].after[arc] = len(steps)
                steps.append(_Step(arc))
            at = steps[at].after[arc]
        steps[at].forbidden = True
    queue = deque(steps[0].after.values())
    while queue:
        at = queue.popleft()
        step = steps[at]
        step.forbidden |= steps[step.fallback].forbidden
        for arc, following in step.after.items():
            steps[following].fallback = _advance(steps, step.fallback, arc)
            queue.append(following)
    return steps


def _advance(steps: list[_Step], at: int, arc: int) -> int:
    while at and arc not in steps[at].after:
        at = steps[at].fallback
    return steps[at].after.get(arc, 0)


def expand(
    nodes: int,
    tail: npt.NDArray[np.int32],
    head: npt.NDArray[np.int32],
    is_open: npt.NDArray[np.bool_],
    forbidden: Sequence[Arcs],
) -> Expanded:
    """Return the states and links of a network.

    Parameters
    ----------
    nodes
        How many nodes there are.
    tail, head, is_open
        (a,) the node each arc leaves, the one it arrives at, whether it may be used.
    forbidden
        Sequences of two or more arcs that may not follow each other.
    """
    steps = _machine(forbidden)
    kept = [i for i, step in enumerate(steps) if i and not step.forbidden and step.after]
    state_of = {at: nodes + number for number, at in enumerate(kept)}

    def state_after(at: int, arc: int) -> int:
        return state_of.get(at) or int(head[arc])

    arcs = np.flatnonzero(is_open).astype(np.int32)
    target = head[arcs].copy()
    for arc, at in steps[0].after.items():
        place = np.searchsorted(arcs, arc)
        if place < len(arcs) and arcs[place] == arc:
            target[place] = state_after(at, arc)
    order = np.argsort(tail[arcs], kind="stable")
    by_tail = arcs[order]
    leaves = tail[by_tail]
    more: list[tuple[int, int, int]] = []
    for at in kept:
        node = int(head[steps[at].last])
        low, high = np.searchsorted(leaves, [node, node + 1])
        for arc in by_tail[low:high].tolist():
            following = _advance(steps, at, arc)
            if not steps[following].forbidden:
                more.append((state_of[at], state_after(following, arc), arc))
    extra = np.array(more, dtype=np.int32).reshape(-1, 3)
    places = np.array([head[steps[at].last] for at in kept], dtype=np.int32)
    return Expanded(
        state_node=np.concatenate([np.arange(nodes, dtype=np.int32), places]),
        link_from=np.concatenate([tail[arcs], extra[:, 0]]),
        link_to=np.concatenate([target, extra[:, 1]]),
        link_arc=np.concatenate([arcs, extra[:, 2]]),
    )
