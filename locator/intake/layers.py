"""The shipped data and whole layers into a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
import shapely

from locator import register
from locator.coverage import zone_demand
from locator.errors import InputError
from locator.files import open_layers
from locator.paths import geodata_dir, refuse_store
from locator.register.areas import AreasRead, read_areas
from locator.schema import Datum, check_frame
from locator.service import utc_now
from locator.settings import Settings
from locator.store import Change, Revision, Store, file_of, make_store, open_store, store_exists


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
    if not store_exists(settings.store):
        with make_store(settings.store, clock=clock) as store:
            return load_geodata(store), None
    with open_store(settings.store, clock=clock) as store:
        store.migrate()
        if not force:
            return None, None
        file, stamp = file_of(store, "--force"), clock().strftime("%Y%m%dT%H%M%SZ")
        backup = file.path.with_name(f"{file.path.stem}-backup-{stamp}{file.path.suffix}")
        file.backup(backup)
        return load_geodata(store), backup


def load_geodata(store: Store) -> Revision:
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


@dataclass(frozen=True)
class AreasImport:
    """What an import of areas did, or would do.

    Attributes
    ----------
    good
        Rows that can be taken.
    rejected
        Those that cannot, each with its faults.
    unread_columns
        Columns of the file that mean nothing to the layer.
    new, changed, removed
        Ids that the store gets, gets anew, and loses.
    warnings
        What looks wrong, a sentence each.
    written
        Whether the store was changed.
    refused
        Why it was not, although it was asked to be; empty otherwise.
    """

    good: int
    rejected: tuple[register.RejectedRow, ...]
    unread_columns: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    written: bool = False
    refused: str = ""


def import_areas(  # noqa: PLR0913 - each is a question the sender of a file answers
    store: Store,
    path: Path,
    layer: str,
    *,
    datum: Datum = Datum.WGS84,
    mapping: register.Mapping | None = None,
    options: register.ReadOptions = register.AS_IT_IS,
    mode: Literal["merge", "replace"] | None = None,
    dry_run: bool = False,
    rejected: Path | None = None,
    actor: str,
) -> AreasImport:
    """Bring hot zones or districts of a file into the store.

    Nothing is written if a row is rejected, unless ``rejected`` says where such rows go: then the
    stored rows of their ids stay as they are.

    Parameters
    ----------
    layer
        ``hot_zones`` or ``districts``.
    mode
        What becomes of the stored rows that are not in the file: ``merge`` keeps and ``replace``
        removes them. None is enough where there are none; else nothing is written.
    rejected
        A CSV for the rejected rows.

    Raises
    ------
    InputError
        The file cannot be read, has no good row, or breaks the layer's contract.
    """
    if rejected is not None:
        refuse_store(rejected)
    read = read_areas(path, layer, datum=datum, mapping=mapping, options=options)
    if layer == "hot_zones":
        zone_demand(read.areas)
    stored = store.read(layer)
    kept = _rows_kept(read, stored)
    areas = read.areas if kept.empty else _joined(read.areas, kept)
    absent = [str(i) for i in stored["id"] if i not in set(areas["id"])]
    result = AreasImport(
        good=len(read.areas),
        rejected=read.rejected,
        unread_columns=read.unread_columns,
        new=tuple(i for i in areas["id"] if i not in set(stored["id"])),
        changed=_changed(areas, stored),
        removed=() if mode == "merge" else tuple(absent),
        warnings=_warnings(read.areas, store.read("districts") if layer == "hot_zones" else None),
    )
    if dry_run:
        return result
    if read.rejected and rejected is None:
        return replace(
            result,
            refused=f"{len(read.rejected)} of {len(read.rejected) + len(read.areas)} rows of "
            f"{path.name} are rejected; mend them, or say with --rejected FILE where they go.",
        )
    if read.areas.empty:
        return replace(result, refused=f"No row of {path.name} can be taken.")
    if mode is None and absent:
        return replace(result, refused=_mode_missing(path, layer, stored, absent))
    check_frame(areas, layer)
    with register.keep_rejected(rejected, read.header) as keep:
        keep(read.rejected)
    keep_or_remove: Literal["keep", "remove"] = "keep" if mode == "merge" else "remove"
    store.apply(Change(layer, areas, absent=keep_or_remove), actor=actor)
    return replace(result, written=True)


def _mode_missing(path: Path, layer: str, stored: gpd.GeoDataFrame, absent: Sequence[str]) -> str:
    """Say that stored rows are not in the file, and how to say what becomes of them."""
    some = ", ".join(absent[:3]) + (" …" if len(absent) > 3 else "")
    return (
        f"{len(absent)} of the store's {len(stored)} {layer.replace('_', ' ')} are not in "
        f"{path.name} ({some}): say --mode replace, and they go, or --mode merge, and they stay."
    )


def _rows_kept(read: AreasRead, stored: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the stored rows whose ids the rejected rows have."""
    cells = {value for item in read.rejected for value in item.row.cells.values()}
    return stored[stored["id"].isin(cells - set(read.areas["id"]))]


def _joined(areas: gpd.GeoDataFrame, kept: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    parts = [pd.DataFrame(areas), pd.DataFrame(kept[areas.columns])]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=areas.crs)


def _changed(areas: gpd.GeoDataFrame, stored: gpd.GeoDataFrame) -> tuple[str, ...]:
    before = {str(row["id"]): row for row in stored.to_dict("records")}
    changed = []
    for row in areas.to_dict("records"):
        was = before.get(str(row["id"]))
        if was is None:
            continue
        same = shapely.equals(row["geometry"], was["geometry"]) and all(
            str(was[name]) == str(value) or (value is None and pd.isna(was[name]))
            for name, value in row.items()
            if name not in {"geometry", "profile"}
        )
        if not same:
            changed.append(str(row["id"]))
    return tuple(changed)


def _warnings(areas: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None) -> tuple[str, ...]:
    if districts is None or districts.empty or areas.empty:
        return ()
    tree = shapely.STRtree(districts.geometry.to_numpy())
    middle = shapely.centroid(areas.geometry.to_numpy())
    inside, _ = tree.query(middle, predicate="intersects")
    outside = sorted(set(range(len(areas))) - set(inside.tolist()))
    if not outside:
        return ()
    some = ", ".join(str(areas["id"].iloc[n]) for n in outside[:5])
    turned = shapely.points(shapely.get_y(middle[outside]), shapely.get_x(middle[outside]))
    swapped = len(set(tree.query(turned, predicate="intersects")[0].tolist()))
    why = f"; {swapped} would lie inside with longitude and latitude exchanged" if swapped else ""
    return (f"{len(outside)} of {len(areas)} lie outside the known districts: {some}{why}.",)
