"""Which road network lies beside a store and counts, and the travel model that follows."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from locator.datum import Positions
from locator.errors import RoadsError
from locator.paths import written_whole
from locator.settings import Settings
from locator.store import FileStore, Store, file_of
from locator.travel import StraightLine, TravelModel

if TYPE_CHECKING:
    from locator.travel.osm_profile import Profile
    from locator.travel.roads import RoadOptions, Roads

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


def use_roads(store: Store, kept: Path, source: str) -> None:
    """Make a kept graph the one that counts; the others go, and the store remembers that it is.

    A server reads a graph whole and keeps no file open, so what it answers from may go. Where one
    is being read just now, Windows keeps it, and the next import removes it.

    Parameters
    ----------
    source
        Name of the file that the network was made of.
    """
    folder = roads_folder(store)
    with written_whole(folder / _CURRENT) as draft:
        draft.write_text(kept.name, encoding="utf-8")
    store.remember_roads(source)
    _remove_graphs(folder, except_for=kept.name)


def remove_roads(store: Store) -> bool:
    """Go back to the straight line; tell whether there was a network, here or remembered."""
    folder = roads_folder(store)
    found = (folder / _CURRENT).is_file() or bool(store.roads_source())
    store.remember_roads("")  # first: a server must not miss what is about to go
    (folder / _CURRENT).unlink(missing_ok=True)
    _remove_graphs(folder)
    with suppress(OSError):
        folder.rmdir()  # only if nothing else lies in it
    return found


def _remove_graphs(folder: Path, *, except_for: str = "") -> None:
    for graph in (*folder.glob("roads-*.npz"), *folder.glob(".draft-*.npz")):
        if graph.name != except_for:
            with suppress(OSError):
                graph.unlink()


def missing_roads(store: Store) -> str:
    """Return what to say of roads that a store remembers and that are not beside it, or nothing."""
    source = store.roads_source()
    if not source or roads_stamp(store):
        return ""
    return (
        f"The roads of this store ({source}) are not beside it, in {roads_folder(store)}: put "
        "the folder back, import them again with 'locator roads import', or forget them with "
        "'locator roads remove'."
    )


def find_road_trouble(settings: Settings, store: Store) -> str:
    """Return what is wrong with the roads of a store in a sentence, or nothing."""
    try:
        missing = missing_roads(store)
        if not missing:
            read_roads(settings, store)
    except RoadsError as error:
        return str(error)
    return missing


def back_up_roads(store: Store, backup: Path) -> Path | None:
    """Copy the network that counts to where a store at ``backup`` looks for it.

    Returns
    -------
    Path or None
        The folder; None where there are no roads to copy.

    Raises
    ------
    RoadsError
        They are missing or cannot be copied.
    """
    missing = missing_roads(store)
    if missing:
        raise RoadsError(missing)
    stamp = roads_stamp(store)
    source, target = roads_folder(store), _folder_beside(backup)
    if not stamp or target.resolve() == source.resolve():
        return None
    name = stamp.split(" ")[0]
    try:
        with written_whole(target / name) as draft:
            shutil.copyfile(source / name, draft)
        with written_whole(target / _CURRENT) as draft:
            draft.write_text(name, encoding="utf-8")
    except OSError as error:
        raise RoadsError(
            f"The roads could not be copied to {target}: {error.strerror or error}."
        ) from error
    return target


def roads_stamp(store: Store) -> str:
    """Return a text that changes when another network counts; empty without one."""
    if not isinstance(store, FileStore):
        return ""
    pointer = _folder_beside(store.path) / _CURRENT
    try:
        return f"{pointer.read_text(encoding='utf-8')} {pointer.stat().st_mtime_ns}"
    except OSError:
        return ""


def read_roads(settings: Settings, store: Store) -> "Roads | None":
    """Return the network that counts as a travel model, or None if none was imported.

    Raises
    ------
    RoadsError
        Its file is damaged or gone.
    """
    stamp = roads_stamp(store)
    if not stamp:
        return None  # before what takes long to import
    from locator.travel.graph_file import load_graph
    from locator.travel.roads import Roads

    while stamp:
        try:
            graph = load_graph(roads_folder(store) / stamp.split(" ")[0])
        except RoadsError:
            now = roads_stamp(store)
            if now == stamp:
                raise
            stamp = now  # others were imported meanwhile, and these are gone
        else:
            return Roads(graph, road_options(settings))
    return None


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


def road_distances(settings: Settings, store: Store) -> Callable[[Positions], Positions] | None:
    """Return what tells how far places are from a road, in m; None where no roads were imported.

    What is farther than the roads reach counts as that far.
    """
    roads = read_roads(settings, store)
    if roads is None:
        return None
    return lambda places: np.minimum(roads.snap(places).nearest_m, settings.max_snap_m)


def choose_travel(settings: Settings, store: Store) -> TravelModel:
    """Return the travel model that the settings and the store's folder give.

    An estimate along straight lines says so where the store remembers roads that are missing.

    Raises
    ------
    RoadsError
        Roads are asked for and none were imported, their file is damaged, or they were imported
        for another rider than the settings describe.
    """
    roads = None if settings.travel == "straightline" else read_roads(settings, store)
    if roads is not None:
        _check_profile(roads, settings)
        return roads
    if settings.travel == "straightline":
        return StraightLine(settings.ride_speed_kmh, settings.detour_factor)
    if settings.travel == "roads":
        raise RoadsError(
            missing_roads(store)
            or "No roads were imported yet; run 'locator roads import EXTRACT' first."
        )
    return StraightLine(
        settings.ride_speed_kmh, settings.detour_factor, missing_roads=store.roads_source()
    )


def road_options(settings: Settings) -> "RoadOptions":
    """Return what the settings say of the model besides the graph."""
    from locator.travel.roads import RoadOptions

    return RoadOptions(max_snap_m=settings.max_snap_m, detour_factor=settings.detour_factor)


def roads_folder(store: Store) -> Path:
    """Return the folder beside the store in which graphs are kept.

    Raises
    ------
    StoreError
        The store is no file, so nothing lies beside it.
    """
    return _folder_beside(file_of(store, "a road network").path)


def _folder_beside(store: Path) -> Path:
    return store.with_name(f"{store.stem}-roads")
