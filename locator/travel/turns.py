"""The turn-expanded graph: forbidden turns become states.

A rider's *state* is the node they are at and how much of a forbidden sequence of arcs they have
just travelled. Most nodes have one state; a node at which a restriction is under way has one more
for each beginning of a forbidden sequence that ends there. So the graph is as exact as the one
whose nodes are all arcs, and hardly larger than the plain one. The states are those of the
string-matching machine of Aho & Corasick 1975 (Communications of the ACM 18(6), p. 333-340),
with arcs for letters.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locator.travel.edges import Arcs

__all__ = ["Expanded", "expand"]


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
