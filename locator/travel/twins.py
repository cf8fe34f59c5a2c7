"""Edges that lie upon each other: roads drawn twice, and layers with a row for each direction."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from locator.travel.edges import CLOSED, RoadEdges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


def merge_twins(edges: RoadEdges) -> RoadEdges:
    """Make one edge of those with the same ends and the same shape, in either direction.

    Ways drawn twice, and layers with a row a direction: a rider on such a road can leave it both
    ways, so it must be one edge. The quicker time and the first one's class and name stay.
    """
    first, turned = find_twins(edges)
    stays = first == np.arange(len(first), dtype=np.int32)
    if stays.all():
        return edges
    number = (np.cumsum(stays, dtype=np.int32) - np.int32(1))[first]
    never = np.uint32(2**32 - 1)
    there = np.where(turned, edges.backward_ms, edges.forward_ms)
    back = np.where(turned, edges.forward_ms, edges.backward_ms)
    best = np.full((2, int(stays.sum())), never, dtype=np.uint32)
    for row, times in zip(best, (there, back), strict=True):
        np.minimum.at(row, number, np.where(times == CLOSED, never, times))
    best[best == never] = CLOSED

    def renamed(arc: int) -> int:
        return int(2 * number[arc // 2] + (arc % 2 ^ int(turned[arc // 2])))

    return replace(
        take_edges(edges, stays),
        forward_ms=best[0],
        backward_ms=best[1],
        forbidden=tuple(dict.fromkeys(tuple(map(renamed, seq)) for seq in edges.forbidden)),
        notes=edges.notes | {"edges drawn more than once": len(first) - len(best[0])},
    )


def find_twins(edges: RoadEdges) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return which edge each one is drawn upon, most often itself, and whether it runs against it.

    Twins have the same ends and the same shape; the first of them is the one that stays.
    """
    first = _first_of_each_kind(edges)
    turned = edges.tail > edges.head
    return first, turned ^ turned[first]


def _first_of_each_kind(edges: RoadEdges) -> Ints:
    first = np.arange(len(edges.tail), dtype=np.int32)
    lower = np.minimum(edges.tail, edges.head).astype(np.int64)
    ends = lower * len(edges.node_lonlat) + np.maximum(edges.tail, edges.head)
    # A loop's direction does not show in its ends, so loops stay as they are.
    ends[edges.tail == edges.head] = -1
    order = np.argsort(ends, kind="stable")
    ordered = ends[order]
    alike = np.zeros(len(ends), dtype=bool)
    same = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
    alike[order[1:]] = same
    alike[order[:-1]] |= same
    if not alike.any():
        return first
    some = take_edges(edges, alike)
    size = np.diff(some.vertex_start)
    middle = np.add.reduceat(some.vertex_lonlat, some.vertex_start[:-1], axis=0) / size[:, None]
    keys = [ends[alike], size, np.rint(some.length_m * 100), *np.rint(middle.T * 1e6)]
    first[alike] = first[alike][_first_rows(np.column_stack(keys))]
    return first


def _first_rows(keys: Floats) -> npt.NDArray[np.int64]:
    """Return for each row the first one that equals it."""
    order = np.lexsort(keys.T)
    new = np.append(True, (keys[order][1:] != keys[order][:-1]).any(axis=1))
    first = np.empty(len(keys), dtype=np.int64)
    first[order] = order[new][np.cumsum(new) - 1]  # the sort is stable
    return first


def take_edges(edges: RoadEdges, kept: npt.NDArray[np.bool_]) -> RoadEdges:
    """Return some of the edges; forbidden turns keep the numbers that the arcs had."""
    size = np.diff(edges.vertex_start)
    start = np.concatenate([[0], np.cumsum(size[kept])])
    return replace(
        edges,
        tail=edges.tail[kept],
        head=edges.head[kept],
        vertex_start=start,
        vertex_lonlat=edges.vertex_lonlat[np.repeat(kept, size)],
        length_m=edges.length_m[kept],
        forward_ms=edges.forward_ms[kept],
        backward_ms=edges.backward_ms[kept],
        road_class=edges.road_class[kept],
        name=edges.name[kept],
    )
