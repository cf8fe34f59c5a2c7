"""Where stations, hot zones, districts, places and candidates are kept.

:func:`open_store` opens one by its address; the contract is :class:`Store`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from locator.errors import InputError
from locator.paths import default_store_path
from locator.store.base import AuditRow, Change, DocumentFacts, Kept, Revision, Store
from locator.store.documents import KEPT_LIMIT_BYTES
from locator.store.geopackage import GeoPackageStore
from locator.store.jobs import Job, JobRows, JobState

__all__ = [
    "KEPT_LIMIT_BYTES",
    "AuditRow",
    "Change",
    "DocumentFacts",
    "GeoPackageStore",
    "Job",
    "JobRows",
    "JobState",
    "Kept",
    "Revision",
    "Store",
    "open_store",
    "store_path",
]


def _now() -> datetime:
    return datetime.now(UTC)


def store_path(url: str) -> Path:
    """Return the file a store's address means; the empty address is the user's own file.

    Raises
    ------
    InputError
        The address is of a kind this version has no store for.
    """
    if not url:
        return default_store_path()
    scheme, separator, rest = url.partition(":")
    if scheme == "geopackage" and separator and rest:
        return Path(rest.removeprefix("//")).expanduser()
    if Path(url).suffix.lower() == ".gpkg":
        return Path(url).expanduser()
    raise InputError(
        f"The store {url!r} is not one this version can open; write geopackage:PATH.gpkg."
    )


def open_store(url: str | Path = "", *, clock: Callable[[], datetime] = _now) -> GeoPackageStore:
    """Open an existing store.

    Parameters
    ----------
    url
        ``geopackage:PATH`` or a path that ends in ``.gpkg``; empty for the user's own file.
    clock
        Where ``updated_at`` takes the time from.

    Raises
    ------
    StoreMissingError
        There is none yet; ``locator init`` makes it.
    StoreVersionError
        The file is not a locator's store, or a newer locator wrote it.
    """
    return GeoPackageStore.open(store_path(str(url)), clock=clock)
