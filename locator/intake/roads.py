"""A road network beside the store: from an extract or a layer of lines, checked, then it counts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from locator.errors import InputError
from locator.network import rider_profile, road_options, roads_folder, use_roads
from locator.schema import Datum, Status
from locator.settings import Settings
from locator.store import Store
from locator.travel.graph import RoadGraph
from locator.travel.importing import (
    StationFit,
    box_around,
    fit_stations,
    import_extract,
    import_lines,
    report_doubts,
)
from locator.travel.lines import LineMapping
from locator.travel.roads import Roads

__all__ = ["RoadsImport", "import_roads"]

_EXTRACTS = (".pbf", ".osm", ".gz", ".bz2")
_MARGIN_KM = 10.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class RoadsImport:
    """What an import made.

    Attributes
    ----------
    roads
        The travel model.
    path
        Where its graph is kept.
    doubts
        What looks wrong, a sentence each.
    far, out_of_reach
        Ids of stations over 100 m from a road, and of those no road reaches.
    """

    roads: Roads
    path: Path
    doubts: tuple[str, ...]
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
        doubts=report_doubts(graph.report()),
        far=tuple(str(ids[row]) for row in fit.far),
        out_of_reach=tuple(str(ids[row]) for row in fit.out_of_reach),
    )
