"""An OpenStreetMap extract becomes the edges of a road network.

One pass: barriers on nodes, ways with the places of their nodes, turn restrictions. What a way is
to a rider is judged in ``osm_profile.py``; ways are cut into edges in ``osm_edges.py``.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import osmium
import shapely
from osmium.filter import IdFilter, KeyFilter, TagFilter
from osmium.osm import NODE, RELATION, WAY, Node, Relation, Way, osm_entity_bits

from locator.datum import from_mercator, mercator_scale, to_mercator
from locator.errors import RoadsError
from locator.travel.edges import RoadEdges
from locator.travel.osm_edges import NOWHERE, PER_DEGREE, Gathered, cut_ways
from locator.travel.osm_profile import Profile, judge_barrier, judge_way
from locator.travel.restrictions import read_restriction

Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Progress = Callable[[float], None]

_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
# Places of nodes, 16 bytes each; where the system lets memory grow in place, none is copied.
_LOCATIONS = ("sparse_mmap_array", "flex_mem")
_EVERY = 500  # barriers and ways between two words about progress
_ASKED = 1000  # of the vertices without a place, whether their node stands further down the file
_OF_BARRIERS = 0.1  # of the time that reading takes: places of nodes are read beside them


BARRIER_KEYS = ("barrier", "waterway", "natural", "railway")
_PER_DEGREE = 10_000_000
_NOWHERE = 2**31 - 1  # libosmium's coordinate of a node that is not in the file
# A gate is 3 to 6 m wide, and the leg from the door is a straight line that need not meet its
# middle: this much of the line is open to each side of it.
_OPEN_M = 5.0

_STOPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Climbed over by few and by nobody with a bicycle of up to 55 kg.
        "barrier": frozenset({"fence", "wall", "city_wall", "retaining_wall", "hedge"})
        | frozenset({"guard_rail", "jersey_barrier", "ditch"}),
        "waterway": frozenset({"river", "canal", "riverbank", "dock"}),
        "natural": frozenset({"water", "coastline", "cliff"}),
        # Trams run in the street; what is disused or razed may be walked over.
        "railway": frozenset({"rail", "light_rail", "subway", "narrow_gauge", "preserved"}),
        "highway": frozenset({"motorway", "motorway_link"}),
    }
)
# The line runs above or below the ground there; a culvert is a tunnel of water.
_ELSEWHERE = ("bridge", "tunnel", "covered")


def is_barrier(tags: Mapping[str, str]) -> bool:
    """Tell whether the line of a way stops a person with an e-bike."""
    if any(tags.get(key, "no") != "no" for key in _ELSEWHERE):
        return False
    if tags.get("location") in {"underground", "overhead"}:
        return False
    if tags.get("intermittent") == "yes":  # a bed that is dry for most of the year
        return False
    if tags.get("motorroad") == "yes":
        return True
    return any(tags.get(key) in values for key, values in _STOPS.items())


def is_water(tags: Mapping[str, str]) -> bool:
    """Tell whether a relation is an area of water: its members' lines are the banks."""
    water = tags.get("natural") == "water" or tags.get("waterway") == "riverbank"
    return tags.get("type") == "multipolygon" and water and is_barrier(tags)


def is_crossing(tags: Mapping[str, str]) -> bool:
    """Tell whether a node on a railway is a crossing (Tag:railway=level_crossing)."""
    return tags.get("railway") in {"level_crossing", "crossing"}


@dataclass
class GatheredBarriers:
    """What one pass gathers, compactly: 16 bytes a vertex.

    Attributes
    ----------
    box
        West, south, east, north in 1e-7 degrees: lines without a node inside are left out.
    open
        Nodes where a line is open: gates that are passed, crossings.
    ways
        The ways that were taken.
    banks
        Ways that are the banks of an area of water: they may carry no tags of their own.
    """

    box: tuple[int, ...] | None = None
    refs: "array[int]" = field(default_factory=lambda: array("q"))
    x: "array[int]" = field(default_factory=lambda: array("i"))
    y: "array[int]" = field(default_factory=lambda: array("i"))
    sizes: "array[int]" = field(default_factory=lambda: array("i"))
    open: set[int] = field(default_factory=set)
    ways: set[int] = field(default_factory=set)
    banks: set[int] = field(default_factory=set)

    def take(self, way: int, nodes: Iterable[tuple[int, int, int]]) -> None:
        """Take a line: reference and place of each of its nodes, in 1e-7 degrees."""
        known = [node for node in nodes if node[1] != _NOWHERE]
        if len(known) < 2 or way in self.ways:
            return
        if self.box is not None:
            west, south, east, north = self.box
            if not any(west <= x <= east and south <= y <= north for _, x, y in known):
                return
        self.ways.add(way)
        for values, of in zip((self.refs, self.x, self.y), zip(*known, strict=True), strict=True):
            values.extend(of)
        self.sizes.append(len(known))

    def lines(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return where each line starts, (n + 1,), and the vertices, (v, 2) degrees, gates cut."""
        start = np.concatenate([[0], np.cumsum(np.frombuffer(self.sizes, dtype=np.int32))])
        lonlat = np.column_stack([self.x, self.y]).reshape(-1, 2) / _PER_DEGREE
        is_open = np.fromiter((ref in self.open for ref in self.refs), bool, len(self.refs))
        with_gates = np.zeros(len(self.sizes), dtype=bool)
        with_gates[np.searchsorted(start, np.flatnonzero(is_open), side="right") - 1] = True
        shapes = [lonlat[~np.repeat(with_gates, np.diff(start))]]
        sizes = [np.diff(start)[~with_gates]]
        for row in np.flatnonzero(with_gates).tolist():
            here = slice(int(start[row]), int(start[row + 1]))
            for piece in _opened(lonlat[here], is_open[here]):
                shapes.append(piece)
                sizes.append(np.array([len(piece)]))
        size = np.concatenate(sizes)
        return np.concatenate([[0], np.cumsum(size)]).astype(np.int64), np.concatenate(shapes)


def _opened(
    lonlat: npt.NDArray[np.float64], is_open: npt.NDArray[np.bool_]
) -> Iterable[npt.NDArray[np.float64]]:
    """Yield what remains of a line that is open at some of its vertices."""
    xy = to_mercator(lonlat)
    metre = float(mercator_scale(lonlat[0, 1]))
    gaps = shapely.buffer(shapely.multipoints(xy[is_open]), _OPEN_M * metre)
    for part in shapely.get_parts(shapely.difference(shapely.LineString(xy), gaps)):
        if not part.is_empty:
            yield from_mercator(shapely.get_coordinates(part))


def read_osm(
    path: Path, profile: Profile, *, bbox: Box | None = None, progress: Progress | None = None
) -> RoadEdges:
    """Read an extract: ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.

    Parameters
    ----------
    bbox
        West, south, east, north in degrees: ways without a node inside are left out.
    progress
        Called now and then with the share that was done, 0 to 1. The file is then read once more,
        to count what there is: a tenth of the time.

    Raises
    ------
    RoadsError
        The file cannot be read, is cut off, unsorted or a history, is not an extract, or holds no
        road of the profile.
    """
    if not path.name.lower().endswith(_ENDINGS):
        raise RoadsError(f"{path.name} is not an OpenStreetMap extract; give .osm.pbf or .osm.")
    read = Gathered(tuple(round(side * PER_DEGREE) for side in bbox) if bbox else None)
    barriers = GatheredBarriers(read.box)
    dated = _scan(path, profile, read, barriers, progress)
    if not read.lines:
        raise RoadsError(
            f"{path.name} holds no ways with a highway tag; is it cut off, or an extract without "
            "roads? Download it again."
        )
    if not read.roads:
        found = f"{read.lines} ways, none of them open to the profile {profile.name}"
        raise RoadsError(f"{path.name} holds no roads ({found}); is it the extract you mean?")
    edges = cut_ways(read, dated) if read.sizes else None
    if edges is None:
        where = "with places: its nodes are missing. Make the extract again, with its nodes."
        if bbox:
            west, south, east, north = bbox
            where = (
                f"inside the box {west:.2f} to {east:.2f} east, {south:.2f} to {north:.2f} north; "
                "is it the extract of the stations' city?"
            )
        raise RoadsError(f"{path.name} holds no road {where}")
    del read
    start, lonlat = barriers.lines()
    if progress is not None:
        progress(1.0)
    return replace(edges, barrier_start=start, barrier_lonlat=lonlat)


def _processor(path: Path, kinds: osm_entity_bits) -> osmium.FileProcessor:
    """Return what goes through barriers, ways and turn restrictions in the order of the file."""
    processor = osmium.FileProcessor(path, kinds)
    for wanted, kind in (
        (KeyFilter("barrier", "railway"), NODE),
        (KeyFilter("highway", "route", *BARRIER_KEYS), WAY),
        (TagFilter(("type", "restriction"), ("type", "multipolygon")), RELATION),
    ):
        wanted.enable_for(kind)
        processor.with_filter(wanted)
    return processor


class _Steps:
    """Tells how far reading has come, as a share of the barriers and ways counted before."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._progress = progress
        counted = Counter(map(type, _processor(path, NODE | WAY)))
        shares = {Node: _OF_BARRIERS, Way: 1.0 - _OF_BARRIERS}
        self._step = {kind: share / max(1, counted[kind]) for kind, share in shares.items()}
        self._done = self._told = 0.0

    def take(self, kind: type) -> None:
        """Count one that was read."""
        self._done += self._step.get(kind, 0.0)
        if self._done - self._told > _EVERY * self._step[Way]:
            self._told = self._done
            self._progress(min(1.0, self._done))


def _refuse_history(path: Path, processor: osmium.FileProcessor) -> None:
    """Refuse what holds several versions of one thing: ways that were would be ridden today."""
    if processor.header.has_multiple_object_versions:
        raise RoadsError(
            f"{path.name} is a history or a change file, not an extract of one day; make one with "
            f"'osmium time-filter {path.name} -o extract.osm.pbf'."
        )


def _refuse_repeats(path: Path, item: Way, before: int) -> None:
    if item.id == before or not item.visible:
        what = "twice" if item.id == before else "as deleted"
        raise RoadsError(
            f"{path.name} holds way {item.id} {what}, so it is a history file or several files "
            f"put together; run 'osmium time-filter {path.name} -o extract.osm.pbf', or "
            "'osmium merge' on the files it was made of."
        )


def _place_negative(path: Path, read: Gathered) -> None:
    """Give nodes with negative ids (drawn in an editor, never uploaded) their places.

    libosmium's locations know none of them, so they are read once more, which is rare.
    """
    refs = np.frombuffer(read.refs, dtype=np.int64)
    x, y = np.frombuffer(read.x, dtype=np.int32), np.frombuffer(read.y, dtype=np.int32)
    rows = np.flatnonzero((refs < 0) & (x == NOWHERE))
    wanted = set(refs[rows].tolist())
    if not wanted:
        return
    places = {
        node.id: (node.location.x, node.location.y)
        for node in osmium.FileProcessor(path, NODE)
        if isinstance(node, Node) and node.id in wanted
    }
    for row in rows.tolist():
        x[row], y[row] = places.get(int(refs[row]), (NOWHERE, NOWHERE))


def _refuse_unsorted(
    path: Path, read: Gathered, locations: osmium.index.LocationTable | None
) -> None:
    """Tell nodes that lie outside an extract from those that stand behind their ways in it."""
    if locations is None:
        return
    refs = np.frombuffer(read.refs, dtype=np.int64)
    nowhere = np.flatnonzero((np.frombuffer(read.x, dtype=np.int32) == NOWHERE) & (refs > 0))
    for row in nowhere[:: max(1, len(nowhere) // _ASKED)].tolist():
        try:
            locations.get(int(refs[row]))
        except KeyError:
            continue
        raise RoadsError(
            f"{path.name} is not sorted: ways stand in it before their nodes; run "
            f"'osmium sort {path.name} -o sorted.osm.pbf' and import that file."
        )


def _scan(
    path: Path,
    profile: Profile,
    read: Gathered,
    barriers: GatheredBarriers,
    progress: Progress | None,
) -> str:
    """Fill ``read`` and ``barriers`` from the file and return the day of its data."""
    try:
        path.stat()
        steps = _Steps(path, progress) if progress is not None else None
        storage = next(kind for kind in _LOCATIONS if kind in osmium.index.map_types())
        processor = _processor(path, NODE | WAY | RELATION).with_locations(storage)
        _refuse_history(path, processor)
        way_before = 0
        for item in processor:
            if steps is not None:
                steps.take(type(item))
            if isinstance(item, Way):
                _refuse_repeats(path, item, way_before)
                way_before = item.id
            _take(item, profile, read, barriers)
        _refuse_unsorted(path, read, processor.node_location_storage)
        _place_negative(path, read)
        dated = processor.header.get("osmosis_replication_timestamp")
        del processor  # with its table of places
        _take_banks(path, storage, barriers)
    except OSError as error:
        raise RoadsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except RuntimeError as error:  # libosmium's only kind
        if not path.stat().st_size:
            raise RoadsError(f"{path.name} is empty; download it again.") from error
        raise RoadsError(
            f"{path.name} is cut off or not an OpenStreetMap extract ({error}); download it again."
        ) from error
    return dated[:10]


def _take(item: object, profile: Profile, read: Gathered, barriers: GatheredBarriers) -> None:
    if isinstance(item, Way):
        _take_way(item, profile, read, barriers)
    elif isinstance(item, Node):
        _take_node(item, profile, read, barriers)
    elif isinstance(item, Relation):
        _take_relation(item, profile, read, barriers)


def _take_node(node: Node, profile: Profile, read: Gathered, barriers: GatheredBarriers) -> None:
    tags = dict(node.tags)
    there, back = judge_barrier(tags, profile) if "barrier" in tags else (True, True)
    if not (there or back):
        read.shut.add(node.id)
        return
    if not (there and back):
        read.valves[node.id] = there
    if "barrier" in tags or is_crossing(tags):
        barriers.open.add(node.id)


def _take_relation(
    relation: Relation, profile: Profile, read: Gathered, barriers: GatheredBarriers
) -> None:
    if relation.tags["type"] == "restriction":
        read.restrictions.append(read_restriction(relation, profile))
    elif is_water(dict(relation.tags)):
        barriers.banks.update(member.ref for member in relation.members if member.type == "w")


def _take_barrier(way: Way, barriers: GatheredBarriers) -> None:
    barriers.take(way.id, ((node.ref, node.x, node.y) for node in way.nodes))


def _take_banks(path: Path, storage: str, barriers: GatheredBarriers) -> None:
    """Read the banks that carry no tags: they come before the areas that they belong to."""
    banks = barriers.banks - barriers.ways
    if not banks:
        return
    processor = osmium.FileProcessor(path, NODE | WAY).with_locations(storage)
    for wanted, kind in ((IdFilter([]), NODE), (IdFilter(banks), WAY)):
        wanted.enable_for(kind)
        processor.with_filter(wanted)
    for way in processor:
        if isinstance(way, Way):
            _take_barrier(way, barriers)


def _take_way(way: Way, profile: Profile, read: Gathered, barriers: GatheredBarriers) -> None:
    tags = dict(way.tags)
    if is_barrier(tags):
        _take_barrier(way, barriers)
    if not ("highway" in tags or "route" in tags):
        return
    read.lines += 1
    rule = judge_way(tags, profile)
    if rule is None or not (rule.forward_kmh or rule.backward_kmh):
        return
    read.roads += 1
    nodes = list(way.nodes)
    x, y = [node.x for node in nodes], [node.y for node in nodes]
    if read.box is not None:
        west, south, east, north = read.box
        inside = any(west <= a <= east and south <= b <= north for a, b in zip(x, y, strict=True))
        if not inside and all(node.ref > 0 for node in nodes):  # the others are placed later
            return
    read.refs.extend([node.ref for node in nodes])
    read.x.extend(x)
    read.y.extend(y)
    read.sizes.append(len(nodes))
    read.ways.append(way.id)
    read.rule_of.append(read.rules.setdefault(rule, len(read.rules)))
    read.name_of.append(read.names.setdefault(tags.get("name", ""), len(read.names)))
