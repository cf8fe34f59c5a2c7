"""A layer of road lines becomes the edges of a road network: what bureaus have instead of OSM.

Shapefile, GeoPackage or GeoJSON. Lines meet where they end within half a metre of each other, so
they must be split where roads meet; those that end on the middle of another are counted, and split
there if that is asked for. What a class is to a rider is looked up in the same table as
for OpenStreetMap (``osm_profile.py``), after the mapping translated the layer's own words.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import LineString

from locator.datum import in_metres, mercator_scale, to_mercator, to_wgs84
from locator.errors import InputError, RoadsError
from locator.files import read_layer
from locator.files.encoding import check_encoding
from locator.schema import Datum
from locator.travel.edges import RoadEdges, shape_lengths_m, travel_ms
from locator.travel.osm_profile import Profile, judge_way

SNAP_M = 0.5  # ends of lines this near to each other are one junction
# Notes that are reasons for doubt (``road_warnings``).
CLASSLESS = "lines without a class"
FAST = "of them named like motorways"
UNMET = "lines that end on the middle of another"
_FAST = re.compile(r"高速|快速路|motorway|expressway|freeway", re.IGNORECASE)
_DIRECTIONS = ("both", "forward", "backward", "closed")
_ONEWAY = MappingProxyType({"both": "no", "forward": "yes", "backward": "-1"})
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("0", "b", "both", "no", "n", "false", "双向"), "both"),
        **dict.fromkeys(("1", "f", "ft", "forward", "yes", "y", "true", "单向"), "forward"),
        **dict.fromkeys(("-1", "t", "tf", "backward", "reverse"), "backward"),
    }
)


@dataclass(frozen=True)
class LineMapping:
    """Which columns of a layer say what.

    Attributes
    ----------
    road_class
        Column of the class, such as ``highway`` or ``道路等级``; empty if there is none.
    oneway, speed, name
        Columns of direction, speed in km/h and street name; empty if there is none.
    classes
        The layer's classes and the ``highway`` values they stand for, such as 主干路 to primary.
        A class that is not named must be a ``highway`` value itself.
    directions
        The layer's values of ``oneway`` and ``both``, ``forward``, ``backward`` or ``closed``.
        Without it, the usual codes are read (0, 1, -1, B, F, T, FT, TF, yes, no, 双向, 单向).
    direction
        What a line without a word about it is: ``both``, or ``forward`` in a layer that has a row
        for each direction of a road.
    default_class
        The ``highway`` value of lines without a class; empty: a line without one is refused.
    encoding
        Of a Shapefile's texts; empty: what its .cpg says, else UTF-8 or GBK, whichever fits.
    split
        Cut lines where another ends on them.
    """

    road_class: str = ""
    oneway: str = ""
    speed: str = ""
    name: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    direction: str = "both"
    default_class: str = ""
    encoding: str = ""
    split: bool = False


def read_line_mapping(path: Path) -> LineMapping:
    """Read a mapping from TOML.

    ``direction``, ``class`` (of lines without one), ``encoding``, ``split``, and the tables
    ``[columns]``, ``[classes]`` and ``[directions]``.

    Raises
    ------
    RoadsError
        The file cannot be read or is not such a mapping.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RoadsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RoadsError(f"{path.name} is not TOML: {error}.") from error
    direction = str(document.pop("direction", "both"))
    default_class, encoding = (str(document.pop(key, "")) for key in ("class", "encoding"))
    split = document.pop("split", False) is True
    tables = {name: document.pop(name, {}) for name in ("columns", "classes", "directions")}
    if document or not all(isinstance(table, dict) for table in tables.values()):
        raise RoadsError(f"{path.name}: write the tables [columns], [classes] and [directions].")
    text = {n: {str(k): str(v) for k, v in table.items()} for n, table in tables.items()}
    columns = text["columns"]
    unknown = sorted(set(columns) - {"road_class", "oneway", "speed", "name"})
    if unknown or not (default_class or "road_class" in columns):
        raise RoadsError(
            f"{path.name}: [columns] names road_class and, if there are, oneway, speed and name; "
            'for a layer without classes say class = "residential" above it.'
        )
    wrong = sorted({direction, *text["directions"].values()} - set(_DIRECTIONS))
    if wrong:
        allowed = ", ".join(_DIRECTIONS)
        raise RoadsError(f"{path.name}: {wrong[0]!r} is no direction; use {allowed}.")
    return LineMapping(
        **columns,
        classes=text["classes"],
        directions=text["directions"],
        direction=direction,
        default_class=default_class,
        encoding=encoding,
        split=split,
    )


def read_lines(
    path: Path,
    mapping: LineMapping,
    profile: Profile,
    *,
    datum: Datum = Datum.WGS84,
    layer: str | None = None,
) -> RoadEdges:
    """Read a layer of lines.

    Parameters
    ----------
    datum
        Of the coordinates, once they are degrees: a layer in metres is projected back first.
    layer
        Which layer of the file; the first by default.

    Raises
    ------
    RoadsError
        The file cannot be read, a column is missing, a word is not understood, the coordinates
        are metres of an unknown projection, or no line is a road for the profile.
    """
    frame = _read_frame(path, layer, mapping.encoding)
    for column in (mapping.road_class, mapping.oneway, mapping.speed, mapping.name):
        if column and column not in frame.columns:
            there = ", ".join(str(name) for name in frame.columns if name != "geometry")
            raise RoadsError(f"{path.name} has no column {column!r}; it has {there}.")
    notes = {"lines in the layer": len(frame)}
    frame = _lines_alone(frame, notes, path.name)
    forward, backward, classes = _judge(frame, mapping, profile, path.name, notes)
    is_open = (forward > 0) | (backward > 0)
    if not is_open.any():
        raise RoadsError(
            f"{path.name} holds no line open to the profile {profile.name}; "
            "check the classes of the mapping."
        )
    notes["lines closed to the profile"] = int((~is_open).sum())
    names = _texts(frame, mapping.name)[is_open]
    shapes = _in_wgs84(frame.geometry[is_open], datum, path.name)
    speeds = np.stack([forward[is_open], backward[is_open]])
    return _join(shapes, speeds, classes[is_open], names, notes, split=mapping.split)


def _read_frame(path: Path, layer: str | None, encoding: str) -> gpd.GeoDataFrame:
    try:
        named = check_encoding(encoding) if encoding else None
        with np.errstate(invalid="ignore"):  # vertices that are no numbers are counted later
            frame = read_layer(path, layer, encoding=named)
    except InputError as error:
        raise RoadsError(str(error)) from error
    if frame.empty:
        raise RoadsError(f"{path.name} holds no lines.")
    return frame


def _lines_alone(frame: gpd.GeoDataFrame, notes: dict[str, int], source: str) -> gpd.GeoDataFrame:
    """Return the rows that are lines, one line each; the notes count the others."""
    there = ~(frame.geometry.isna() | frame.geometry.is_empty)
    notes["rows without a geometry"] = int((~there).sum())
    # A polygon or a point is no road; several lines in a row are several roads.
    frame = frame[there].explode(index_parts=False, ignore_index=True)
    is_line = frame.geom_type.to_numpy() == "LineString"
    notes["rows without a line"] = int((~is_line).sum())
    frame = frame[is_line].reset_index(drop=True)
    vertex, owner = shapely.get_coordinates(frame.geometry.to_numpy(), return_index=True)
    broken = np.zeros(len(frame), dtype=bool)
    broken[owner[~np.isfinite(vertex).all(axis=1)]] = True
    notes["lines with a vertex that is no number"] = int(broken.sum())
    if broken.all():
        raise RoadsError(f"None of the {len(there):,} rows of {source} holds a line.")
    return frame[~broken].reset_index(drop=True)


def _texts(frame: gpd.GeoDataFrame, column: str) -> npt.NDArray[np.str_]:
    """Return a column as text, empty where it has nothing; whole numbers without a point."""
    if not column:
        return np.full(len(frame), "", dtype=np.str_)
    values = frame[column]
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return np.array(["" if pd.isna(v) else str(v).strip() for v in values], dtype=np.str_)


def _judge(
    frame: gpd.GeoDataFrame,
    mapping: LineMapping,
    profile: Profile,
    source: str,
    notes: dict[str, int],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Return speeds along and against each line in km/h, 0 where closed, and its class."""
    said = _texts(frame, mapping.road_class)
    classes = np.array([mapping.classes.get(word, word) for word in said.tolist()], dtype=np.str_)
    known = {*profile.classes, "construction", "proposed"}
    if mapping.default_class and mapping.default_class not in known:
        raise RoadsError(
            f"The class {mapping.default_class!r} is no highway value; use one such as "
            "residential, tertiary or primary."
        )
    silent = classes == ""
    if silent.any() and not mapping.default_class:
        raise RoadsError(
            f"{source}: {silent.sum():,} of {len(said):,} lines have no class; say with --class "
            "which highway value they stand for, such as residential."
        )
    classes = np.where(silent, mapping.default_class, classes)
    notes[CLASSLESS] = int(silent.sum())
    is_fast = [bool(_FAST.search(name)) for name in _texts(frame[silent], mapping.name).tolist()]
    notes[FAST] = sum(is_fast)
    strange = sorted({w for w, c in zip(said, classes, strict=True) if str(c) not in known})
    if strange:
        raise RoadsError(
            f"{source}: the class {str(strange[0])!r} is not known; say in the mapping's "
            "[classes] which highway value it stands for, such as primary or residential. If it "
            "is garbled, name the file's --encoding."
        )
    directions = _directions(_texts(frame, mapping.oneway), mapping, source)
    rules = {
        pair: judge_way({"highway": pair[0], "oneway": _ONEWAY.get(pair[1], "no")}, profile)
        for pair in set(zip(classes.tolist(), directions, strict=True))
    }
    speeds = np.zeros((2, len(frame)))
    for row, pair in enumerate(zip(classes.tolist(), directions, strict=True)):
        rule = rules[pair]
        if rule is not None and pair[1] != "closed":
            speeds[:, row] = rule.forward_kmh, rule.backward_kmh
    if mapping.speed:
        top = pd.to_numeric(frame[mapping.speed], errors="coerce").to_numpy(dtype=np.float64)
        speeds = np.where(top > 0, np.minimum(speeds, top), speeds)  # nan and 0: not known
    return speeds[0], speeds[1], classes


def _directions(words: npt.NDArray[np.str_], mapping: LineMapping, source: str) -> Sequence[str]:
    table = {**_WORDS, "": mapping.direction, **mapping.directions}
    found = [table.get(word) or table.get(word.casefold(), "?") for word in words.tolist()]
    if "?" in found:
        word = words[found.index("?")]
        raise RoadsError(
            f"{source}: the direction {str(word)!r} is not understood; say in the mapping's "
            f"[directions] which it is: {', '.join(_DIRECTIONS)}."
        )
    return found


def _in_wgs84(shapes: gpd.GeoSeries, datum: Datum, source: str) -> gpd.GeoSeries:
    if in_metres(datum):
        shapes = shapes.set_crs(None, allow_override=True)  # no projection file can say Baidu's
    elif shapes.crs is not None and not CRS(shapes.crs).is_geographic:
        shapes = shapes.to_crs(4326)
    west, south, east, north = shapes.total_bounds
    if not in_metres(datum) and not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise RoadsError(
            f"{source} has coordinates like {west:.0f}, {south:.0f}, which are metres, and does "
            "not say of which projection; put its .prj file beside it, or say --datum bd09mc if "
            "they are Baidu's."
        )
    if datum is Datum.WGS84:
        return shapes
    moved = shapely.transform(
        shapes.to_numpy(), lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum))
    )
    return gpd.GeoSeries(moved)


def _join(
    shapes: gpd.GeoSeries,
    speeds: npt.NDArray[np.float64],
    classes: npt.NDArray[np.str_],
    names: npt.NDArray[np.str_],
    notes: dict[str, int],
    *,
    split: bool = False,
) -> RoadEdges:
    """Make edges of lines and nodes of the ends that meet."""
    lines = shapes.to_numpy()
    row, ends = _ends_on_the_middle(lines)
    notes[UNMET] = 0 if split else len(np.unique(ends, axis=0))
    if split and len(row):
        notes["lines split where another ends on them"] = len(np.unique(row))
        lines, of = _split(lines, row, ends)
        speeds, classes, names = speeds[:, of], classes[of], names[of]
    vertex, owner = shapely.get_coordinates(lines, return_index=True)
    start = np.searchsorted(owner, np.arange(len(lines) + 1)).astype(np.int64)
    ends = np.concatenate([vertex[start[:-1]], vertex[start[1:] - 1]])
    node, place = _junctions(ends)
    tail, head = node[: len(lines)], node[len(lines) :]
    length_m = shape_lengths_m(vertex, start)
    # A line from a junction to itself that leads nowhere is a slip of the pen.
    kept = ~((tail == head) & (length_m < SNAP_M))
    notes["lines without length"] = int((~kept).sum())
    size = np.diff(start)[kept]
    inside = np.repeat(kept, np.diff(start))
    class_names, of_class = np.unique(classes[kept], return_inverse=True)
    street_names, of_name = np.unique(np.append("", names[kept]), return_inverse=True)
    return RoadEdges(
        node_lonlat=place,
        tail=tail[kept].astype(np.int32),
        head=head[kept].astype(np.int32),
        vertex_start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        vertex_lonlat=vertex[inside],
        length_m=length_m[kept],
        forward_ms=travel_ms(length_m[kept], speeds[0, kept]),
        backward_ms=travel_ms(length_m[kept], speeds[1, kept]),
        road_class=of_class.astype(np.uint8),
        classes=tuple(str(name) for name in class_names),
        name=of_name[1:].astype(np.int32),
        names=tuple(str(name) for name in street_names),
        notes=notes,
    )


def _plane(lonlat: npt.NDArray[np.float64], middle_lat: float) -> npt.NDArray[np.float64]:
    # One scale for the layer: half a metre is no matter of a few per cent.
    return to_mercator(lonlat) / mercator_scale(middle_lat)


def _ends_on_the_middle(
    lines: npt.NDArray[np.object_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return rows of lines on whose middle another ends, and the place of that end, a pair each.

    An end lies on a line within the snap, and on neither of its own ends.
    """
    first, last = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    ends = np.unique(shapely.get_coordinates(np.concatenate([first, last])), axis=0)
    middle_lat = float(ends[:, 1].mean())
    flat = shapely.transform(lines, lambda lonlat: _plane(lonlat, middle_lat))
    place = _plane(ends, middle_lat)
    of, row = shapely.STRtree(flat).query(
        shapely.points(place), predicate="dwithin", distance=SNAP_M
    )
    own = np.stack([_plane(shapely.get_coordinates(tip), middle_lat)[row] for tip in (first, last)])
    away = np.hypot(*(own - place[of]).transpose(2, 0, 1)).min(axis=0) > SNAP_M
    return row[away].astype(np.int64), ends[of[away]]


def _split(
    lines: npt.NDArray[np.object_],
    row: npt.NDArray[np.int64],
    ends: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Cut lines at the ends that lie on them; return the pieces and the line each is of."""
    pieces: list[npt.NDArray[np.object_]] = []
    order = np.argsort(row, kind="stable")
    cut, begin = np.unique(row[order], return_index=True)
    for line, places in zip(lines[cut], np.split(ends[order], begin[1:]), strict=True):
        pieces.append(_cut_line(line, places))
    whole = np.setdiff1d(np.arange(len(lines)), cut)
    of = np.concatenate([whole, np.repeat(cut, [len(some) for some in pieces])])
    stable = np.argsort(of, kind="stable")
    return np.concatenate([lines[whole], *pieces])[stable], of[stable].astype(np.int64)


def _cut_line(line: LineString, places: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Return the pieces of a line between places on it; each place becomes a vertex of both."""
    vertex = shapely.get_coordinates(line)
    squeeze = np.array([np.cos(np.radians(vertex[0, 1])), 1.0])  # metres alike in both directions
    flat = shapely.linestrings(vertex * squeeze)
    at = shapely.line_locate_point(flat, shapely.points(places * squeeze))
    along = np.append(0.0, np.hypot(*np.diff(vertex * squeeze, axis=0).T).cumsum())
    where, kind = np.append(along, at), np.append(np.zeros(len(along)), np.ones(len(at)))
    order = np.lexsort((kind, where))
    whole, is_cut = np.concatenate([vertex, places])[order], kind[order] == 1
    stops = [0, *np.flatnonzero(is_cut).tolist(), len(whole) - 1]
    parts = [whole[a : b + 1] for a, b in pairwise(stops) if b > a]
    return np.array([shapely.linestrings(part) for part in parts], dtype=object)


def _junctions(
    ends: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the node of each end, and the nodes' places: ends within the snap are one node."""
    unique, of = np.unique(ends, axis=0, return_inverse=True)
    plane = _plane(unique, float(unique[:, 1].mean()))
    pairs = cKDTree(plane).query_pairs(SNAP_M, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])),
        shape=(len(unique), len(unique)),
    )
    count, label = connected_components(links, directed=False)
    place = np.empty((count, 2))
    place[label] = unique
    return label[of.reshape(-1)].astype(np.int64), place
