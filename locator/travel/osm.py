"""An OpenStreetMap extract becomes the edges of a road network.

One pass: barriers on nodes, ways with the places of their nodes, turn restrictions. What a way is
to a rider is judged in ``osm_profile.py``; ways are cut into edges in ``osm_edges.py``.
"""

import os
from collections.abc import Callable
from pathlib import Path

import osmium
from osmium.filter import KeyFilter, TagFilter
from osmium.osm import NODE, RELATION, WAY, Node, Relation, Way

from locator.errors import RoadsError
from locator.travel.edges import RoadEdges
from locator.travel.osm_edges import PER_DEGREE, Gathered, cut_ways
from locator.travel.osm_profile import Profile, is_shut, judge_way
from locator.travel.restrictions import read_restriction

__all__ = ["Box", "read_osm"]

Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Progress = Callable[[float], None]

_ENDINGS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
# Places of nodes, 16 bytes each; where the system lets memory grow in place, none is copied.
_LOCATIONS = next(
    kind for kind in ("sparse_mmap_array", "flex_mem") if kind in osmium.index.map_types()
)
_EVERY = 500  # barriers, ways and relations between two words about progress


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
    read = Gathered(tuple(round(side * PER_DEGREE) for side in bbox) if bbox else None)
    dated = _scan(path, profile, read, progress or _silent)
    if not read.roads:
        found = f"{read.lines} ways, none of them open to the profile {profile.name}"
        raise RoadsError(f"{path.name} holds no roads ({found}); is it the extract you mean?")
    edges = cut_ways(read, dated) if read.sizes else None
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


def _scan(path: Path, profile: Profile, read: Gathered, progress: Progress) -> str:
    """Fill ``read`` from the file and return the day of its data."""
    try:
        stat = path.stat()
        processor = osmium.FileProcessor(path, NODE | WAY | RELATION)
        processor = processor.with_locations(_LOCATIONS)
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


def _take_way(way: Way, profile: Profile, read: Gathered) -> None:
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
