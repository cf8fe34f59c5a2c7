"""Store, travel model and index put together once, for the web, the command line and notebooks.

No rule lives here: what is composed is decided in the rooms below.
"""

import csv
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from locator import register
from locator.coverage import zone_demand
from locator.errors import InputError
from locator.hours import HoursRules, parse_calendar
from locator.nearest import StationIndex
from locator.paths import geodata_dir
from locator.schema import Datum, Provenance, check_frame, drop_unusable
from locator.settings import Settings
from locator.store import Change, GeoPackageStore, Revision, open_store, store_path
from locator.travel import StraightLine, TravelModel

__all__ = [
    "CheckResult",
    "ImportMode",
    "ImportResult",
    "Service",
    "Snapshot",
    "check_register",
    "create_store",
    "import_hot_zones",
    "import_register",
    "load_geodata",
    "open_service",
    "read_layer_file",
]

ImportMode = Literal["merge", "replace", "add"]

_OUTSIDE_SHOWN = 20


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Snapshot:
    """Everything the store held at one version, read-only."""

    version: str
    stations: gpd.GeoDataFrame
    hot_zones: gpd.GeoDataFrame
    districts: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    index: StationIndex


class Service:
    """A store, opened, with what is needed to answer from it; close it after use."""

    def __init__(
        self, settings: Settings, store: GeoPackageStore, clock: Callable[[], datetime]
    ) -> None:
        self.settings = settings
        self.store = store
        self.rules = read_rules(settings)
        self.travel: TravelModel = StraightLine(settings.ride_speed_kmh, settings.detour_factor)
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def now(self) -> datetime:
        """Return the time in the stations' own time zone."""
        return self._clock().astimezone(self.rules.timezone)

    def snapshot(self) -> Snapshot:
        """Return what the store holds; it is read anew when the store's version has changed."""
        version = self.store.version()
        with self._lock:
            if self._snapshot is None or self._snapshot.version != version:
                self._snapshot = self._read()
            return self._snapshot

    def _read(self) -> Snapshot:
        version, stored = self.store.read_all("stations", "hot_zones", "districts", "places")
        frames = {}
        for layer, frame in stored.items():
            frames[layer], doubts = drop_unusable(frame, layer)
            for doubt in doubts:
                logging.getLogger("locator").warning("%s", doubt)
        index = StationIndex(frames["stations"], self.travel, self.rules)
        return Snapshot(version=version, index=index, **frames)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_service(settings: Settings, *, clock: Callable[[], datetime] = _now) -> Service:
    """Open the store that the settings name.

    Raises
    ------
    StoreMissingError
        There is none yet.
    SettingsError, InputError
        A setting is wrong.
    """
    return Service(settings, open_store(settings.store, clock=clock), clock)


def read_rules(settings: Settings) -> HoursRules:
    """Return what opening hours depend on, the calendar read from its file."""
    name = settings.calendar or str(geodata_dir() / f"calendar_{settings.country.lower()}.csv")
    path = Path(name)
    calendar = {}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as stream:
            calendar = parse_calendar(csv.DictReader(stream))
    elif settings.calendar:
        raise InputError(f"The calendar {path} does not exist; see LOCATOR_CALENDAR.")
    return HoursRules(ZoneInfo(settings.timezone), settings.country, calendar)


def create_store(
    settings: Settings, *, force: bool = False, clock: Callable[[], datetime] = _now
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
    try:
        frame = pyogrio.read_dataframe(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path} has no geometry.")
    if frame.empty:
        raise InputError(f"{path} has no features.")
    if frame.crs is None:
        raise InputError(f"{path} does not say its datum; save it with EPSG:4326.")
    frame.geometry = shapely.force_2d(frame.geometry.to_numpy())
    return frame.to_crs("EPSG:4326")


@dataclass(frozen=True)
class ImportResult:
    """What an import did, or would do.

    Attributes
    ----------
    read
        What the file holds.
    revision
        What was written; None on a dry run, when refused, or with no good row.
    changes
        The file against the store as it was before.
    refused
        Why nothing was written although there are good rows; empty otherwise.
    """

    read: register.RegisterRead
    revision: Revision | None
    changes: register.Changes
    hint: register.DatumHint | None
    outside: tuple[str, ...]
    refused: str = ""


def import_register(  # noqa: PLR0913 - each is a question the sender of a file answers
    store: GeoPackageStore,
    path: Path,
    *,
    datum: Datum,
    mode: ImportMode = "merge",
    mapping: register.Mapping | None = None,
    provenance: Provenance | None = None,
    dry_run: bool = False,
    rejected: Path | None = None,
    actor: str,
) -> ImportResult:
    """Read a register and put its valid rows into the store, all or nothing.

    Parameters
    ----------
    mode
        ``merge`` upserts by id; ``replace`` closes what the file does not have, and refuses a
        file with rejected rows; ``add`` refuses ids that are stored already.
    rejected
        Where the rejected rows go; written before the store is, so that none is lost.

    Raises
    ------
    RegisterError
        The file as a whole cannot be read, or ``rejected`` cannot be written.
    ConflictError
        ``add`` and an id is stored already; nothing was written.
    """
    if rejected is not None and rejected.resolve() == path.resolve():
        raise InputError(
            f"{path} would be overwritten by its own rejected rows; name another file."
        )
    read = _read_register(path, datum, mapping, provenance)
    known, districts = store.read("stations"), store.read("districts")
    fits = register.fit_datums(read.stations, stated=datum, known=known, districts=districts)
    result = ImportResult(
        read=read,
        revision=None,
        changes=register.find_changes(read.stations, known),
        hint=register.hint_datum(fits, datum),
        outside=_outside(read.stations, districts),
    )
    if rejected is not None and read.rejected:
        register.write_rejected(read.rejected, read.header, rejected)
    if mode == "replace" and read.rejected:
        refused = (
            f"{len(read.rejected)} rows of {path.name} are rejected, and --mode replace would "
            "close their stations; mend them first (--rejected FILE), or use --mode merge."
        )
        return replace(result, refused=refused)
    if dry_run or not len(read.stations):
        return result
    stations = read.stations
    if mode == "replace" and "status" not in stations:
        stations = stations.assign(status="active")
    change = Change(
        "stations",
        stations,
        on_existing="error" if mode == "add" else "update",
        absent="close" if mode == "replace" else "keep",
    )
    return replace(result, revision=store.apply(change, actor=actor))


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


@dataclass(frozen=True)
class CheckResult:
    """What a file holds and what importing it would mean; nothing was written."""

    read: register.RegisterRead
    fits: tuple[register.DatumFit, ...]
    hint: register.DatumHint | None
    duplicates: tuple[register.Duplicate, ...]
    changes: register.Changes
    outside: tuple[str, ...]


def check_register(
    store: GeoPackageStore,
    path: Path,
    *,
    datum: Datum,
    mapping: register.Mapping | None = None,
) -> CheckResult:
    """Look a register over without importing it: its datum, duplicates, and what it changes.

    Raises
    ------
    RegisterError
        The file as a whole cannot be read.
    """
    read = _read_register(path, datum, mapping, None)
    known, districts = store.read("stations"), store.read("districts")
    fits = register.fit_datums(read.stations, stated=datum, known=known, districts=districts)
    return CheckResult(
        read=read,
        fits=fits,
        hint=register.hint_datum(fits, datum),
        duplicates=register.find_duplicates(read.stations, known),
        changes=register.find_changes(read.stations, known),
        outside=_outside(read.stations, districts),
    )


def _read_register(
    path: Path,
    datum: Datum,
    mapping: register.Mapping | None,
    provenance: Provenance | None,
) -> register.RegisterRead:
    columns = frozenset(mapping.columns.values()) if mapping else frozenset()
    table = register.read_table(path, columns=columns)
    return register.parse_table(table, datum=datum, mapping=mapping, provenance=provenance)


def _outside(stations: gpd.GeoDataFrame, districts: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Return the ids of stations outside every known district; none known, none outside."""
    if districts.empty or stations.empty:
        return ()
    tree = shapely.STRtree(districts.geometry.to_numpy())
    inside, _ = tree.query(stations.geometry.to_numpy(), predicate="intersects")
    rows = np.setdiff1d(np.arange(len(stations)), inside)
    return tuple(str(i) for i in stations["id"].to_numpy()[rows])
