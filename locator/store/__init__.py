"""Where stations, hot zones, districts, places and candidates are kept.

:func:`open_store` opens one by its address; the contract is :class:`Store`. A store of another
kind is a class that fulfils it, passes ``tests/test_store_contract.py``, and a scheme here.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from locator.errors import InputError
from locator.paths import default_store_path
from locator.store.base import (
    AuditRow,
    Change,
    Document,
    DocumentFacts,
    FileStore,
    HistoryStore,
    Job,
    Jobs,
    JobState,
    Revision,
    Store,
    file_of,
    history_of,
)
from locator.store.documents import DOCUMENT_LIMIT_BYTES
from locator.store.geopackage import GeoPackageStore

__all__ = [
    "DOCUMENT_LIMIT_BYTES",
    "AuditRow",
    "Change",
    "Document",
    "DocumentFacts",
    "FileStore",
    "GeoPackageStore",
    "HistoryStore",
    "Job",
    "JobState",
    "Jobs",
    "Revision",
    "Store",
    "file_of",
    "history_of",
    "make_store",
    "open_store",
    "store_exists",
    "store_path",
]


def _now() -> datetime:
    return datetime.now(UTC)


def store_path(url: str) -> Path:
    """Return the file that the address of a store in a file means; empty is the user's own.

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


def store_exists(url: str) -> bool:
    """Tell whether there is a store at an address."""
    return store_path(url).exists()


def make_store(url: str, *, clock: Callable[[], datetime] = _now) -> Store:
    """Make an empty store at an address, and open it.

    Raises
    ------
    StoreError
        There is one already, or none can be made there.
    """
    return GeoPackageStore.create(store_path(url), clock=clock)


def open_store(url: str | Path = "", *, clock: Callable[[], datetime] = _now) -> Store:
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
