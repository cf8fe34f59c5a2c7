"""An OpenStreetMap extract becomes the edges of a road network.

One pass: barriers on nodes, ways with the places of their nodes, turn restrictions. Ways are
split where a node is used twice. What a way is to a rider is judged in ``osm_profile.py``.
"""

import os
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import osmium
from osmium.filter import KeyFilter, TagFilter
from osmium.osm import NODE, RELATION, WAY, Node, Relation, Way

from locator.errors import RoadsError
from locator.travel.edges import RoadEdges, shape_lengths_m, travel_ms
from locator.travel.osm_profile import Profile, WayRule, is_shut, judge_way
from locator.travel.restrictions import Restriction, read_restriction, resolve

__all__ = ["Box", "read_osm"]

Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Progress = Callable[[float], None]

_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_NOWHERE = 2**31 - 1  # libosmium's coordinate of a node that is not in the file
_PER_DEGREE = 10_000_000  # OSM keeps coordinates as whole 1e-7 degrees
_EVERY = 500  # barriers, ways and relations between two words about progress


@dataclass
class _Read:
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
    restrictions: list[Restriction] = field(default_factory=list)
    lines: int = 0
    roads: int = 0


def read_osm(
    path: Path, profile: Profile, *, bbox: Box | None = None, progress: Progress | None = None
) -> RoadEdges:
    """Read an extract: ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.

    Parameters
    ----------
    bbox
        West, south, east, north in degrees: ways without a node inside are left out.
    progress
        Called now and then with the share of the file that was read, 0 to 1.

    Raises
    ------
    RoadsError
        The file cannot be read, is cut off or not an extract, or holds no road of the profile.
    """
    if not path.name.lower().endswith(_ENDINGS):
        raise RoadsError(f"{path.name} is not an OpenStreetMap extract; give .osm.pbf or .osm.")
    read = _Read(tuple(round(side * _PER_DEGREE) for side in bbox) if bbox else None)
    dated = _scan(path, profile, read, progress or _silent)
    if not read.roads:
        found = f"{read.lines} ways, none of them open to the profile {profile.name}"
        raise RoadsError(f"{path.name} holds no roads ({found}); is it the extract you mean?")
    edges = _split(read, dated) if read.sizes else None
    if edges is None:
        where = "with places: sort it with 'osmium sort'"
        if bbox:
            west, south, east, north = bbox
            where = (
                f"inside the box {west:.2f} to {east:.2f} east, {south:.2f} to {north:.2f} north; "
                "is it the extract of the stations' city?"
            )
        raise RoadsError(f"{path.name} holds no road {where}")
    return edges


def _silent(_: float) -> None:
    """Say nothing."""


def _scan(path: Path, profile: Profile, read: _Read, progress: Progress) -> str:
    """Fill ``read`` from the file and return the day of its data."""
    try:
        stat = path.stat()
        processor = osmium.FileProcessor(path, NODE | WAY | RELATION).with_locations()
        for wanted, kind in (
            (KeyFilter("barrier"), NODE),
            (KeyFilter("highway", "route"), WAY),
            (TagFilter(("type", "restriction")), RELATION),
        ):
            wanted.enable_for(kind)
            processor.with_filter(wanted)
        for number, item in enumerate(processor):
            if number % _EVERY == 0:
                progress(_share_read(stat))
            if isinstance(item, Way):
                _take_way(item, profile, read)
            elif isinstance(item, Node):
                if is_shut(dict(item.tags), profile):
                    read.shut.add(item.id)
            elif isinstance(item, Relation):
                read.restrictions.append(read_restriction(item, profile))
        progress(1.0)
        return processor.header.get("osmosis_replication_timestamp")[:10]
    except OSError as error:
        raise RoadsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except RuntimeError as error:  # libosmium's only kind
        raise RoadsError(
            f"{path.name} is cut off or not an OpenStreetMap extract ({error}); download it again."
        ) from error


def _take_way(way: Way, profile: Profile, read: _Read) -> None:
    read.lines += 1
    tags = dict(way.tags)
    rule = judge_way(tags, profile)
    if rule is None or not (rule.forward_kmh or rule.backward_kmh):
        return
    read.roads += 1
    nodes = list(way.nodes)
    x, y = [node.x for node in nodes], [node.y for node in nodes]
    if read.box is not None:
        west, south, east, north = read.box
        if not any(west <= a <= east and south <= b <= north for a, b in zip(x, y, strict=True)):
            return
    read.refs.extend([node.ref for node in nodes])
    read.x.extend(x)
    read.y.extend(y)
    read.sizes.append(len(nodes))
    read.ways.append(way.id)
    read.rule_of.append(read.rules.setdefault(rule, len(read.rules)))
    read.name_of.append(read.names.setdefault(tags.get("name", ""), len(read.names)))


def _share_read(stat: os.stat_result) -> float:
    """Return how far into the file its reader is.

    libosmium does not say, so its open file is found among this process's by what it is.
    """
    for number in range(3, 64):
        try:
            here = os.fstat(number)
            if (here.st_dev, here.st_ino) == (stat.st_dev, stat.st_ino):
                return min(1.0, os.lseek(number, 0, os.SEEK_CUR) / max(stat.st_size, 1))
        except OSError:
            continue
    return 1.0  # read to the end, and closed


@dataclass(frozen=True)
class _Vertices:
    """Vertices of ways in their order, those without a place taken out."""

    ref: npt.NDArray[np.int64]
    lonlat: npt.NDArray[np.float64]
    way: npt.NDArray[np.int32]
    joined: npt.NDArray[np.bool_]  # to the vertex before it
    missing: int


def _vertices(read: _Read) -> _Vertices:
    ref = np.frombuffer(read.refs, dtype=np.int64)
    x, y = np.frombuffer(read.x, dtype=np.int32), np.frombuffer(read.y, dtype=np.int32)
    sizes = np.frombuffer(read.sizes, dtype=np.int32)
    way = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    placed = (x != _NOWHERE) & (y != _NOWHERE)
    # A node that follows itself adds nothing.
    repeated = np.zeros(len(ref), dtype=bool)
    repeated[1:] = (ref[1:] == ref[:-1]) & (way[1:] == way[:-1])
    row = np.flatnonzero(placed & ~repeated)
    joined = np.zeros(len(row), dtype=bool)
    # Nothing may be missing between two that are joined, but for a repeat.
    gap = np.cumsum(~(placed | repeated), dtype=np.int32)[row]
    joined[1:] = (way[row[1:]] == way[row[:-1]]) & (gap[1:] == gap[:-1])
    lonlat = np.column_stack([x[row], y[row]]) / _PER_DEGREE
    return _Vertices(ref[row], lonlat, way[row], joined, int((~placed).sum()))


def _split(read: _Read, dated: str) -> RoadEdges | None:
    """Cut ways at the nodes used twice, at their ends and at shut barriers."""
    v = _vertices(read)
    if not v.joined.any():
        return None
    unique, position, uses = np.unique(v.ref, return_inverse=True, return_counts=True)
    shut = np.isin(unique, np.fromiter(read.shut, dtype=np.int64, count=len(read.shut)))
    first = ~v.joined
    last = np.append(first[1:], True)
    cut = (uses[position] > 1) | shut[position] | first | last
    at = np.flatnonzero(cut)
    linked = ~first[at[1:]]  # from a cut to the next one, within one way
    begin, end = at[:-1][linked], at[1:][linked]
    tail, head = position[begin].astype(np.int64), position[end].astype(np.int64)
    # Behind a shut barrier each side ends at a node of its own.
    ends = np.concatenate([tail, head])
    walled = np.flatnonzero(shut[ends])
    ends[walled] = len(unique) + np.arange(len(walled))
    lonlat = np.concatenate([begin, end])
    used, ends = np.unique(ends, return_inverse=True)
    place = np.empty((len(used), 2))
    place[ends] = v.lonlat[lonlat]
    tail, head = ends[: len(begin)], ends[len(begin) :]
    size = end - begin + 1
    start = np.concatenate([[0], np.cumsum(size)])
    vertex = np.repeat(begin - start[:-1], size) + np.arange(start[-1])
    node_ref = np.append(unique, np.full(len(walled), -1))[used]
    return _fill(read, v, _Cut(tail, head, place, node_ref, start, vertex, v.way[begin]), dated)


@dataclass(frozen=True)
class _Cut:
    tail: npt.NDArray[np.int64]
    head: npt.NDArray[np.int64]
    node_lonlat: npt.NDArray[np.float64]
    node_ref: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    vertex: npt.NDArray[np.int64]
    way: npt.NDArray[np.int32]


def _fill(read: _Read, v: _Vertices, cut: _Cut, dated: str) -> RoadEdges:
    """Give each edge its length, times, class and name, and find the forbidden turns."""
    shape = v.lonlat[cut.vertex]
    length_m = shape_lengths_m(shape, cut.start)
    of = np.frombuffer(read.rule_of, dtype=np.int32)[cut.way]
    rules = list(read.rules)
    forward = np.array([rule.forward_kmh for rule in rules])[of]
    backward = np.array([rule.backward_kmh for rule in rules])[of]
    fixed = np.array([rule.fixed_s or np.nan for rule in rules])[of]
    whole_m = np.bincount(cut.way, length_m)[cut.way]
    with np.errstate(divide="ignore", invalid="ignore"):  # a ferry's pace follows from its time
        pace_kmh = whole_m / fixed * 3.6
    forward = np.where(np.isnan(pace_kmh) | (forward == 0), forward, pace_kmh)
    backward = np.where(np.isnan(pace_kmh) | (backward == 0), backward, pace_kmh)
    classes = sorted({rule.road_class for rule in rules})
    of_class = np.array([classes.index(rule.road_class) for rule in rules], dtype=np.uint8)
    edges = RoadEdges(
        node_lonlat=cut.node_lonlat,
        tail=cut.tail.astype(np.int32),
        head=cut.head.astype(np.int32),
        vertex_start=cut.start,
        vertex_lonlat=shape,
        length_m=length_m,
        forward_ms=travel_ms(length_m, forward),
        backward_ms=travel_ms(length_m, backward),
        road_class=of_class[of],
        classes=tuple(classes),
        name=np.frombuffer(read.name_of, dtype=np.int32)[cut.way],
        names=tuple(read.names),
        dated=dated,
    )
    way_id = np.frombuffer(read.ways, dtype=np.int64)[cut.way]
    return resolve(edges, read.restrictions, way_id, cut.node_ref, {"vertices missing": v.missing})
