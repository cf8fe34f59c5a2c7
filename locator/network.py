"""Which road network lies beside a store and counts, and the travel model that follows."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from locator.errors import RoadsError
from locator.paths import written_whole
from locator.settings import Settings
from locator.store import store_path
from locator.travel import StraightLine, TravelModel
from locator.travel.base import Positions

if TYPE_CHECKING:
    from locator.travel.osm_profile import Profile
    from locator.travel.roads import RoadOptions, Roads

__all__ = [
    "choose_travel",
    "read_roads",
    "remove_roads",
    "rider_profile",
    "road_distances",
    "road_options",
    "roads_folder",
    "roads_stamp",
    "use_roads",
]

# What a graph is built with, and the setting that says it.
_PROFILE_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "name": "profile",
        "speed_kmh": "ride_speed_kmh",
        "push_kmh": "push_speed_kmh",
        "trunk": "trunk_roads",
        "push_private": "private_ways",
        "ferry_wait_s": "ferry_wait_minutes",
    }
)
_CURRENT = "current.txt"  # names the graph that counts: the others are older or another profile's


def use_roads(settings: Settings, kept: Path) -> None:
    """Make a kept graph the one that counts."""
    with written_whole(roads_folder(settings) / _CURRENT) as draft:
        draft.write_text(kept.name, encoding="utf-8")


def remove_roads(settings: Settings) -> bool:
    """Go back to the straight line; tell whether there was a network."""
    pointer = roads_folder(settings) / _CURRENT
    found = pointer.is_file()
    pointer.unlink(missing_ok=True)
    return found


def roads_stamp(settings: Settings) -> str:
    """Return a text that changes when another network counts; empty without one."""
    pointer = roads_folder(settings) / _CURRENT
    try:
        return f"{pointer.read_text(encoding='utf-8')} {pointer.stat().st_mtime_ns}"
    except OSError:
        return ""


def read_roads(settings: Settings) -> "Roads | None":
    """Return the network that counts as a travel model, or None if none was imported.

    Raises
    ------
    RoadsError
        Its file is damaged or gone.
    """
    stamp = roads_stamp(settings)
    if not stamp:
        return None
    from locator.travel.graph_file import load_graph
    from locator.travel.roads import Roads

    return Roads(load_graph(roads_folder(settings) / stamp.split(" ")[0]), road_options(settings))


def rider_profile(settings: Settings) -> "Profile":
    """Return the profile that the settings describe: roads are imported for it."""
    from locator.travel.osm_profile import Profile

    return Profile(
        name=settings.profile,
        speed_kmh=settings.ride_speed_kmh,
        push_kmh=settings.push_speed_kmh,
        trunk=settings.trunk_roads == "open",
        push_private=settings.private_ways == "push",
        ferry_wait_s=settings.ferry_wait_minutes * 60.0,
    )


def _check_profile(roads: "Roads", settings: Settings) -> None:
    """Refuse roads that were imported for another rider than the settings describe."""
    held, wanted = asdict(roads.graph.profile), asdict(rider_profile(settings))
    for field, name in _PROFILE_SETTINGS.items():
        if held[field] != wanted[field]:
            raise RoadsError(
                f"The roads were imported under another LOCATOR_{name.upper()} than "
                f"{getattr(settings, name)}; run 'locator roads import EXTRACT' again, or set it "
                "back."
            )


def road_distances(settings: Settings) -> Callable[[Positions], Positions] | None:
    """Return what tells how far places are from a road, in m; None where no roads were imported.

    What is farther than the roads reach counts as that far.
    """
    roads = read_roads(settings)
    if roads is None:
        return None
    return lambda places: np.minimum(roads.snap(places).nearest_m, settings.max_snap_m)


def choose_travel(settings: Settings) -> TravelModel:
    """Return the travel model that the settings and the store's folder give.

    Raises
    ------
    RoadsError
        Roads are asked for and none were imported, their file is damaged, or they were imported
        for another rider than the settings describe.
    """
    roads = None if settings.travel == "straightline" else read_roads(settings)
    if roads is not None:
        _check_profile(roads, settings)
        return roads
    if settings.travel == "roads":
        raise RoadsError("No roads were imported yet; run 'locator roads import EXTRACT' first.")
    return StraightLine(settings.ride_speed_kmh, settings.detour_factor)


def road_options(settings: Settings) -> "RoadOptions":
    """Return what the settings say of the model besides the graph."""
    from locator.travel.roads import RoadOptions

    return RoadOptions(max_snap_m=settings.max_snap_m, detour_factor=settings.detour_factor)


def roads_folder(settings: Settings) -> Path:
    """Return the folder beside the store in which graphs are kept."""
    store = store_path(settings.store)
    return store.with_name(f"{store.stem}-roads")
