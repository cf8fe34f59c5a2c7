"""Ways that were read become edges: cut at junctions, ends and shut barriers, within little memory.

Arrays as long as all vertices are what reading costs, so they are kept as small as they can be
(whole 1e-7 degrees, positions of 32 bits), worked on in pieces, and let go of when they were used.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from locator.travel.edges import Arcs, RoadEdges, shape_lengths_m, travel_ms
from locator.travel.osm_profile import WayRule
from locator.travel.restrictions import Restriction, among, resolve

PER_DEGREE = 10_000_000  # OSM keeps coordinates as whole 1e-7 degrees
NOWHERE = 2**31 - 1  # libosmium's coordinate of a node that is not in the file
_AT_ONCE = 1 << 13  # vertices, or edges

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Whole = TypeVar("_Whole", np.int32, np.int64)


@dataclass
class Gathered:
    """What one pass gathers, compactly: 16 bytes a vertex of road, 20 a way."""

    box: tuple[int, ...] | None = None
    refs: "array[int]" = field(default_factory=lambda: array("q"))
    x: "array[int]" = field(default_factory=lambda: array("i"))
    y: "array[int]" = field(default_factory=lambda: array("i"))
    sizes: "array[int]" = field(default_factory=lambda: array("i"))
    ways: "array[int]" = field(default_factory=lambda: array("q"))
    rule_of: "array[int]" = field(default_factory=lambda: array("i"))
    name_of: "array[int]" = field(default_factory=lambda: array("i"))
    rules: dict[WayRule, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=lambda: {"": 0})
    shut: set[int] = field(default_factory=set)
    valves: dict[int, bool] = field(default_factory=dict)  # passed one way: whether along the way
    restrictions: list[Restriction] = field(default_factory=list)
    lines: int = 0
    roads: int = 0


def cut_ways(read: Gathered, dated: str) -> RoadEdges | None:
    """Return the edges of the ways, None if there is none; ``read`` is used up.

    Parameters
    ----------
    dated
        Day of the data.
    """
    places = _take_places(read)
    if places.first.all():
        return None
    cut = _cut(places, read.shut, read.valves)
    del places
    return _fill(read, cut, dated)


@dataclass
class _Places:
    """Vertices of ways in their order, those without a place taken out."""

    ref: Longs
    x: Ints
    y: Ints
    first: Flags  # not joined to the vertex before it
    way_start: Longs
    missing: int


def _take_places(read: Gathered) -> _Places:
    ref = np.frombuffer(read.refs, dtype=np.int64)
    x, y = np.frombuffer(read.x, dtype=np.int32), np.frombuffer(read.y, dtype=np.int32)
    sizes = np.frombuffer(read.sizes, dtype=np.int32)
    read.refs, read.x, read.y = array("q"), array("i"), array("i")
    read.sizes = array("i")
    start = np.cumsum(sizes, dtype=np.int64) - sizes
    missing = (x == NOWHERE) | (y == NOWHERE)
    # A node that follows itself adds nothing.
    repeated = np.zeros(len(ref), dtype=bool)
    np.equal(ref[1:], ref[:-1], out=repeated[1:])
    repeated[start[start < len(ref)]] = False
    dropped = np.flatnonzero(missing | repeated)
    gaps = np.flatnonzero(missing & ~repeated)
    kept = len(ref) - len(dropped)
    start -= np.searchsorted(dropped, start)
    # Nothing may be missing between two that are joined, but for a repeat.
    breaks = np.concatenate([start, gaps - np.searchsorted(dropped, gaps)])
    first = np.zeros(kept, dtype=bool)
    first[breaks[breaks < kept]] = True
    count = int(missing.sum())
    del missing, repeated
    ref, x, y = _without(ref, dropped), _without(x, dropped), _without(y, dropped)
    return _Places(ref, x, y, first, start, count)


def _without(values: npt.NDArray[_Whole], dropped: Longs) -> npt.NDArray[_Whole]:
    """Take rows out of an array, within its own memory."""
    to = 0
    for begin, end in _pieces(len(values)):
        low, high = np.searchsorted(dropped, [begin, end])
        some = np.delete(values[begin:end], dropped[low:high] - begin)
        values[to : to + len(some)] = some
        to += len(some)
    return values[:to]


def _pieces(count: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, _AT_ONCE):
        yield begin, min(begin + _AT_ONCE, count)


def _number(ref: Longs) -> tuple[Longs, Flags, Ints]:
    """Return the different ids in order, whether each is used twice, and each vertex's number."""
    ids = np.sort(ref)
    new = np.ones(len(ids) + 1, dtype=bool)
    np.not_equal(ids[1:], ids[:-1], out=new[1:-1])
    ids, twice = ids[new[:-1]], ~new[1:][new[:-1]]
    number = np.empty(len(ref), dtype=np.int32)
    for begin, end in _pieces(len(ref)):
        number[begin:end] = np.searchsorted(ids, ref[begin:end])
    return ids, twice, number


@dataclass
class _Cut:
    """Edges by the vertices they lie between, ``begin`` to ``end``, and the nodes at both."""

    x: Ints
    y: Ints
    begin: Ints
    end: Ints
    tail: Ints
    head: Ints
    node_lonlat: npt.NDArray[np.float64]
    node_ref: Longs
    way: Ints
    missing: int


def _cut(v: _Places, shut_ids: set[int], valves: Mapping[int, bool]) -> _Cut:
    """Cut ways at the nodes used twice, at their ends and at barriers that stop somebody."""
    ids, special, number = _number(v.ref)
    v.ref = np.empty(0, dtype=np.int64)
    shut = np.zeros(len(ids), dtype=bool)
    shut[among(ids, shut_ids)] = True
    special |= shut
    special[among(ids, valves)] = True
    cut = np.append(v.first[1:], True)  # the last of those joined, and the first
    cut |= v.first
    cut |= special[number]
    at = np.flatnonzero(cut).astype(np.int32)
    del special, cut
    linked = ~v.first[at[1:]]  # from a cut to the next one, within one way
    begin, end = at[:-1][linked], at[1:][linked]
    vertex = np.concatenate([begin, end])
    ends = number[vertex]
    del at, linked, number
    # Behind a shut barrier each side ends at a node of its own.
    walled = np.flatnonzero(shut[ends])
    ends[walled] = len(ids) + np.arange(len(walled), dtype=np.int32)
    is_used = np.zeros(len(ids) + len(walled), dtype=bool)
    is_used[ends] = True
    node_ref = np.append(ids, np.full(len(walled), -1))[is_used]
    del ids
    ends = (np.cumsum(is_used, dtype=np.int32) - np.int32(1))[ends]
    place = np.empty((len(node_ref), 2))
    place[ends, 0] = v.x[vertex]
    place[ends, 1] = v.y[vertex]
    place /= PER_DEGREE
    way = np.searchsorted(v.way_start, begin, side="right").astype(np.int32) - np.int32(1)
    tail, head = ends[: len(begin)], ends[len(begin) :]
    return _Cut(v.x, v.y, begin, end, tail, head, place, node_ref, way, v.missing)


def _shapes(cut: _Cut) -> tuple[Longs, npt.NDArray[np.float64]]:
    """Return where each edge's shape starts, and the vertices of all."""
    size = cut.end - cut.begin + 1
    start = np.zeros(len(size) + 1, dtype=np.int64)
    np.cumsum(size, out=start[1:])
    shape = np.empty((int(start[-1]), 2))
    for low, high in _pieces(len(size)):
        to = slice(int(start[low]), int(start[high]))
        skip = np.repeat(cut.begin[low:high] - start[low:high], size[low:high])
        vertex = skip + np.arange(to.start, to.stop)
        shape[to, 0] = cut.x[vertex] / PER_DEGREE
        shape[to, 1] = cut.y[vertex] / PER_DEGREE
    return start, shape


def _fill(read: Gathered, cut: _Cut, dated: str) -> RoadEdges:
    """Give each edge its shape, length, times, class and name, and find the forbidden turns."""
    start, shape = _shapes(cut)
    cut.x = cut.y = cut.begin = cut.end = np.empty(0, dtype=np.int32)
    length_m = shape_lengths_m(shape, start)
    rules = list(read.rules)
    of = np.frombuffer(read.rule_of, dtype=np.int32)[cut.way]
    kmh = np.array([[rule.forward_kmh, rule.backward_kmh] for rule in rules]).T
    forward_ms, backward_ms = (travel_ms(length_m, speed[of]) for speed in kmh)
    _sail(cut, rules, of, length_m, (forward_ms, backward_ms))
    classes = sorted({rule.road_class for rule in rules})
    of_class = np.array([classes.index(rule.road_class) for rule in rules], dtype=np.uint8)
    edges = RoadEdges(
        node_lonlat=cut.node_lonlat,
        tail=cut.tail,
        head=cut.head,
        vertex_start=start,
        vertex_lonlat=shape,
        length_m=length_m,
        forward_ms=forward_ms,
        backward_ms=backward_ms,
        road_class=of_class[of],
        classes=tuple(classes),
        name=np.frombuffer(read.name_of, dtype=np.int32)[cut.way],
        names=tuple(read.names),
        dated=dated,
        forbidden=tuple(_against_valves(cut, read.valves)),
    )
    del of
    way_id = np.frombuffer(read.ways, dtype=np.int64)[cut.way]
    notes = {"vertices missing": cut.missing}
    return resolve(edges, read.restrictions, way_id, cut.node_ref, notes)


def _sail(
    cut: _Cut,
    rules: list[WayRule],
    of: Ints,
    length_m: npt.NDArray[np.float64],
    times_ms: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
) -> None:
    """Put the times of ferries right: by their duration where it is tagged, and with the wait.

    A way's duration is spread over its length. The wait passes wherever a ferry leaves a landing,
    that is a node where a road meets it or where it ends: not where two ways of one line, or two
    lines on the water, are joined (Tag:route=ferry).
    """
    row = np.flatnonzero(np.array([rule.road_class == "ferry" for rule in rules])[of])
    if not len(row):
        return
    nodes = len(cut.node_ref)
    ends = np.bincount(np.append(cut.tail, cut.head), minlength=nodes)
    of_ferries = np.bincount(np.append(cut.tail[row], cut.head[row]), minlength=nodes)
    is_landing = (ends > of_ferries) | (of_ferries == 1)
    aboard_s = np.array([rule.aboard_s or np.nan for rule in rules])[of[row]]
    wait_ms = np.rint(np.array([rule.wait_s for rule in rules])[of[row]] * 1000.0)
    whole_m = np.bincount(cut.way[row], length_m[row])[cut.way[row]]
    with np.errstate(divide="ignore", invalid="ignore"):
        pace_kmh = whole_m / aboard_s * 3.6
    for times, leaves in zip(times_ms, (cut.tail, cut.head), strict=True):
        is_open = times[row] > 0
        tagged = is_open & np.isfinite(aboard_s)
        times[row[tagged]] = travel_ms(length_m[row[tagged]], pace_kmh[tagged])
        boards = is_open & is_landing[leaves[row]]
        times[row[boards]] = np.minimum(times[row[boards]] + wait_ms[boards], 2**32 - 2)


def _against_valves(cut: _Cut, valves: Mapping[int, bool]) -> Iterator[Arcs]:
    """Yield the steps from edge to edge of one way that a barrier stops in that direction."""
    if not valves:
        return
    here = {int(n): valves[int(cut.node_ref[n])] for n in among(cut.node_ref, valves)}
    joined = np.flatnonzero((cut.way[1:] == cut.way[:-1]) & (cut.tail[1:] == cut.head[:-1]))
    for edge in joined[np.isin(cut.head[joined], list(here))].tolist():
        arc = 2 * edge
        if here[int(cut.head[edge])]:
            yield (arc + 3, arc + 1)
        else:
            yield (arc, arc + 2)
