"""The shipped data and whole layers into a store."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import shapely

from locator import register
from locator.coverage import zone_demand
from locator.errors import InputError
from locator.files import open_layers
from locator.paths import geodata_dir
from locator.schema import Datum, check_frame
from locator.service import utc_now
from locator.settings import Settings
from locator.store import Change, GeoPackageStore, Revision, open_store, store_path

__all__ = ["create_store", "import_hot_zones", "load_geodata", "read_layer_file"]


def create_store(
    settings: Settings, *, force: bool = False, clock: Callable[[], datetime] = utc_now
) -> tuple[Revision | None, Path | None]:
    """Make the store and load the data that ships; an existing store is left as it is.

    Parameters
    ----------
    force
        Back up an existing store beside itself, then load the shipped data over it.

    Returns
    -------
    tuple
        What was written (None: nothing, the store was there) and the backup (None: none made).
    """
    path = store_path(settings.store)
    if not path.exists():
        with GeoPackageStore.create(path, clock=clock) as store:
            return load_geodata(store), None
    with open_store(settings.store, clock=clock) as store:
        store.migrate()
        if not force:
            return None, None
        stamp = clock().strftime("%Y%m%dT%H%M%SZ")
        backup = path.with_name(f"{path.stem}-backup-{stamp}{path.suffix}")
        store.backup(backup)
        return load_geodata(store), backup


def load_geodata(store: GeoPackageStore) -> Revision:
    """Load ``geodata/`` into a store in one transaction; rows of other origin are removed."""
    folder = geodata_dir()
    table = register.read_table(folder / "stations.csv")
    stations = register.parse_table(table, datum=Datum.WGS84).stations
    changes = [Change("stations", stations, absent="remove")]
    for layer in ("hot_zones", "districts", "places"):
        frame = read_layer_file(folder / f"{layer}.geojson")
        changes.append(Change(layer, frame, absent="remove"))
    return store.apply(*changes, actor="locator init")


def read_layer_file(path: Path) -> gpd.GeoDataFrame:
    """Read hot zones, districts or places from a file GDAL can read, as EPSG:4326.

    Raises
    ------
    InputError
        The file is missing, damaged, or says no datum.
    """
    with open_layers(path) as file:
        # Of several layers, such as a build's, the hot zones; else the first.
        ours = [info.name for info in file.layers[1:] if info.name == "hot_zones"]
        frame = file.read(ours[0] if ours else None)
    if frame.empty:
        raise InputError(f"{path} has no features.")
    if frame.crs is None:
        raise InputError(f"{path} does not say its datum; save it with EPSG:4326.")
    frame.geometry = shapely.force_2d(frame.geometry.to_numpy())
    return frame.to_crs("EPSG:4326")


def import_hot_zones(store: GeoPackageStore, path: Path, *, actor: str) -> Revision:
    """Put hot zones from a file in the place of the store's.

    Raises
    ------
    InputError
        The file cannot be read, or breaks the layer's contract.
    """
    zones = read_layer_file(path)
    check_frame(zones, "hot_zones")
    zone_demand(zones)
    return store.apply(Change("hot_zones", zones, absent="remove"), actor=actor)
