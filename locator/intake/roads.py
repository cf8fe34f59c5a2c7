"""A road network beside the store: from an extract or a layer of lines, checked, then it counts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from locator.datum import Positions
from locator.errors import InputError, RoadsError
from locator.network import rider_profile, road_options, roads_folder, use_roads
from locator.schema import Datum, Status
from locator.settings import Settings
from locator.store import Store
from locator.travel.edges import RoadEdges
from locator.travel.graph import RoadGraph, RoadReport, build_graph
from locator.travel.graph_file import file_digest, graph_path, load_graph, save_graph
from locator.travel.lines import CLASSLESS, FAST, UNMET, LineMapping, read_lines
from locator.travel.osm import read_osm
from locator.travel.osm_profile import Profile
from locator.travel.roads import Roads

_EXTRACTS = (".pbf", ".osm", ".gz", ".bz2")
_MARGIN_KM = 10.0

Box = tuple[float, float, float, float]


Progress = Callable[[float], None]
Check = Callable[[RoadGraph], None]


_RULES = 2  # one more whenever the same file would give other roads: what is kept is read anew
_FAR_M = 100.0
_READ, _BUILT = 0.8, 0.95  # of the work, once the file is read and the graph is built
_TORN = 0.8  # below this share of the kilometres in one piece, something is missing


def import_extract(
    path: Path,
    folder: Path,
    profile: Profile,
    *,
    bbox: Box | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> tuple[RoadGraph, Path]:
    """Return the graph of an OpenStreetMap extract and the file it is kept in.

    A graph of the same extract, profile and box that is kept already is loaded.

    Parameters
    ----------
    folder
        Where graphs are kept.
    bbox
        West, south, east, north in degrees: only ways that touch it.
    progress
        Called with the share of the work that was done, 0 to 1.
    check
        Called with the graph before it is kept: what it refuses by raising leaves no file.

    Raises
    ------
    RoadsError
        The extract gives no road network; the message says why.
    """
    return _kept(
        path,
        folder,
        profile,
        repr(bbox),
        lambda part: read_osm(path, profile, bbox=bbox, progress=part),
        progress,
        check,
    )


def import_lines(
    path: Path,
    folder: Path,
    profile: Profile,
    mapping: LineMapping,
    *,
    datum: Datum = Datum.WGS84,
    layer: str | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> tuple[RoadGraph, Path]:
    """Return the graph of a layer of lines and the file it is kept in.

    Parameters
    ----------
    progress, check
        As of :func:`import_extract`.

    Raises
    ------
    RoadsError
        The layer gives no road network; the message says why.
    """
    return _kept(
        path,
        folder,
        profile,
        f"{mapping!r} {datum} {layer}",
        lambda _: read_lines(path, mapping, profile, datum=datum, layer=layer),
        progress,
        check,
    )


def _kept(
    path: Path,
    folder: Path,
    profile: Profile,
    extra: str,
    read: Callable[[Progress | None], RoadEdges],
    progress: Progress | None,
    check: Check | None,
) -> tuple[RoadGraph, Path]:
    digest = _digest(path)
    kept = graph_path(folder, digest, profile, f"{_RULES} {extra}")
    tell = progress or (lambda _: None)
    graph = _load_kept(kept)
    is_new = graph is None
    if graph is None:
        part = None if progress is None else (lambda share: tell(share * _READ))
        graph = build_graph(read(part), profile, source=path.name, digest=digest)
        tell(_BUILT)
    if check is not None:
        check(graph)
    if is_new:
        save_graph(graph, kept)
        tell(1.0)
    return graph, kept


def _load_kept(kept: Path) -> RoadGraph | None:
    """Return a graph that is kept already; a damaged one can be made again."""
    if not kept.exists():
        return None
    try:
        return load_graph(kept)
    except RoadsError:
        return None


def _digest(path: Path) -> str:
    """Return the digest of a file, with its companions if it is a Shapefile."""
    parts = [path]
    if path.suffix.lower() == ".shp":
        parts = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.is_file()) or [path]
    digests = [file_digest(part) for part in parts]
    return digests[0] if len(digests) == 1 else "-".join(digest[:16] for digest in digests)


def box_around(lonlat: Positions, *, margin_km: float = 10.0) -> Box:
    """Return a box around places, (n, 2) degrees, with a margin."""
    west, south = np.min(lonlat, axis=0)
    east, north = np.max(lonlat, axis=0)
    up = margin_km / 111.0
    aside = up / max(0.01, float(np.cos(np.radians(max(abs(south), abs(north))))))
    return float(west - aside), float(south - up), float(east + aside), float(north + up)


def road_warnings(report: RoadReport) -> tuple[str, ...]:
    """Return what looks wrong with a network, a sentence each."""
    warnings = []
    if report.giant_share < _TORN:
        warnings.append(
            f"Only {report.giant_share:.0%} of the kilometres hang together; are tiles missing, or "
            "do the lines not end where roads meet?"
        )
    missing = report.notes.get("vertices missing", 0)
    if missing:
        warnings.append(
            f"{missing:,} points of roads lie outside the extract; they end at its border."
        )
    classless, fast = report.notes.get(CLASSLESS, 0), report.notes.get(FAST, 0)
    if classless:
        named = f"{fast:,} are named like motorways; " if fast else ""
        warnings.append(
            f"{classless:,} lines have no class and are taken for the default one; {named}where "
            "motorways are among them, e-bikes now ride them."
        )
    unmet = report.notes.get(UNMET, 0)
    if unmet:
        warnings.append(
            f"{unmet:,} ends of lines lie on the middle of another, which they do not meet; "
            "--split cuts the lines there."
        )
    return tuple(warnings)


@dataclass(frozen=True)
class StationFit:
    """How stations lie to the roads: rows of those far from one, and of those out of reach."""

    far: tuple[int, ...]
    out_of_reach: tuple[int, ...]


def fit_stations(roads: Roads, lonlat: Positions, *, far_m: float = _FAR_M) -> StationFit:
    """Tell which stations snap far or not at all.

    Raises
    ------
    RoadsError
        No station lies near the roads: they are another place's.
    """
    places = roads.snap(lonlat)
    out = np.flatnonzero(~places.found)
    if len(out) and len(out) == len(places):
        west, south = roads.graph.edges.node_lonlat.min(axis=0)
        east, north = roads.graph.edges.node_lonlat.max(axis=0)
        raise RoadsError(
            f"No station lies within {roads.options.max_snap_m:g} m of the roads of "
            f"{roads.graph.source}, which cover {west:.2f} to {east:.2f} east and {south:.2f} to "
            f"{north:.2f} north; import the extract of the stations' city."
        )
    far = np.flatnonzero(places.found & (places.nearest_m > far_m))
    return StationFit(tuple(far.tolist()), tuple(out.tolist()))


@dataclass(frozen=True)
class RoadsImport:
    """What an import made.

    Attributes
    ----------
    roads
        The travel model.
    path
        Where its graph is kept.
    warnings
        What looks wrong, a sentence each.
    far, out_of_reach
        Ids of stations over 100 m from a road, and of those no road reaches.
    """

    roads: Roads
    path: Path
    warnings: tuple[str, ...]
    far: tuple[str, ...]
    out_of_reach: tuple[str, ...]


def import_roads(
    settings: Settings,
    store: Store,
    path: Path,
    *,
    bbox: Box | None = None,
    whole: bool = False,
    mapping: LineMapping | None = None,
    datum: Datum = Datum.WGS84,
    progress: Callable[[float], None] | None = None,
) -> RoadsImport:
    """Make the network of an OpenStreetMap extract, or of a layer of lines, the one that counts.

    Parameters
    ----------
    store
        Beside which the network is to lie; without a box, an extract is read around its active
        stations.
    whole
        Read all of the extract.
    mapping
        For a layer of lines: which columns say what.

    Raises
    ------
    RoadsError
        The file gives no network, or one of another place; what counted before still does.
    """
    stations = store.read("stations")
    active = stations[stations["status"] == Status.ACTIVE.value]
    lonlat = np.column_stack([active.geometry.x, active.geometry.y])
    folder = roads_folder(store)
    profile = rider_profile(settings)
    checked: list[tuple[Roads, StationFit]] = []

    def check(graph: RoadGraph) -> None:
        roads = Roads(graph, road_options(settings))
        checked.append((roads, fit_stations(roads, lonlat)))

    if path.suffix.lower() in _EXTRACTS:
        if mapping is not None:
            raise InputError(f"{path.name} is an extract: --map and --class are for line layers.")
        if bbox is None and not whole and len(lonlat):
            bbox = box_around(lonlat, margin_km=_MARGIN_KM)
        graph, kept = import_extract(
            path, folder, profile, bbox=bbox, progress=progress, check=check
        )
    elif mapping is None:
        raise InputError(
            f"{path.name} is a layer of lines: say with --map FILE.toml which of its columns hold "
            "class and direction, or with --class which road every line is, such as residential."
        )
    else:
        graph, kept = import_lines(
            path, folder, profile, mapping, datum=datum, progress=progress, check=check
        )
    ((roads, fit),) = checked
    use_roads(store, kept, graph.source)
    ids = active["id"].to_numpy()
    return RoadsImport(
        roads=roads,
        path=kept,
        warnings=road_warnings(graph.report()),
        far=tuple(str(ids[row]) for row in fit.far),
        out_of_reach=tuple(str(ids[row]) for row in fit.out_of_reach),
    )
