"""The contract of a store, and what goes in and comes out of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import geopandas as gpd

__all__ = [
    "AuditRow",
    "Cell",
    "Change",
    "DocumentFacts",
    "Kept",
    "Record",
    "Revision",
    "Store",
    "Where",
]

Cell = str | int | float | bytes | None
Record = dict[str, Cell]  # a row: its columns, and its geometry as WKB under "geom"

# Column name to the value it must have, or to the several it may have.
Where = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Change:
    """What is to happen to one layer, all or nothing.

    Attributes
    ----------
    layer
        Name of the layer.
    upserts
        Rows to insert, or to update by ``id``, as one frame or in pieces that are asked for one
        after the other inside the transaction; no id stands twice. Columns that are absent keep
        what is stored (new rows: the default); a null in a column that is present is written as
        null.
    on_existing
        ``error`` refuses the whole change when an id is already stored.
    absent
        What happens to stored rows whose id is not in ``upserts``: nothing, ``close`` (their
        status becomes ``closed``; stations only) or ``remove``.
    removals
        Ids of rows to remove.
    unchanged_since
        Number of a change in the history: if one of the ids named here has changed after it, the
        whole change is refused.
    """

    layer: str
    upserts: gpd.GeoDataFrame | Iterable[gpd.GeoDataFrame]
    on_existing: Literal["update", "error"] = "update"
    absent: Literal["keep", "close", "remove"] = "keep"
    removals: Sequence[str] = ()
    unchanged_since: int | None = None


@dataclass(frozen=True)
class Revision:
    """What a committed change did; ``version`` is the store's version after it."""

    version: str
    inserted: int
    updated: int
    unchanged: int
    closed: int
    removed: int


@dataclass(frozen=True)
class AuditRow:
    """One change of one row: who, when, before and after (JSON texts, null where there is none)."""

    number: int
    layer: str
    feature_id: str
    action: str
    at: str
    actor: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class DocumentFacts:
    """What is known of a kept document without reading it.

    Attributes
    ----------
    digest
        SHA-256 of the content, in hexadecimal; see :meth:`Store.keep`.
    kind
        What it is, such as ``embed`` or ``gaps``.
    made_at
        When it was first kept, in UTC.
    data_version
        The store's version that it was made from.
    title, question
        Its heading, and what was asked, a JSON text.
    size_bytes
        Length of the body.
    """

    digest: str
    kind: str
    made_at: datetime
    data_version: str
    title: str
    question: str
    size_bytes: int


@dataclass(frozen=True)
class Kept(DocumentFacts):
    """A kept document: its facts and its body."""

    body: bytes


class Store(Protocol):
    """What every store can do."""

    def version(self) -> str:
        """Return a text that changes with every committed write, whoever made it."""

    def read(
        self,
        layer: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        where: Where | None = None,
        columns: Sequence[str] | None = None,
    ) -> gpd.GeoDataFrame:
        """Return a layer's rows in EPSG:4326, ordered by id.

        Parameters
        ----------
        layer
            Name of the layer.
        bbox
            West, south, east, north in degrees: only rows whose box meets it.
        where
            Columns that must have a value, or one of several.
        columns
            Those that are read beside the geometry, in the layer's order; None is all.
        """

    def apply(self, *changes: Change, actor: str) -> Revision:
        """Commit changes in one transaction, with audit rows under the actor's name."""

    def last_change(self) -> datetime | None:
        """Return the moment of the last change in the history, in UTC; None before the first."""

    def audit(
        self,
        *,
        layer: str | None = None,
        feature_id: str | None = None,
        number: int | None = None,
    ) -> list[AuditRow]:
        """Return the audit rows, oldest first."""

    def read_since(self, layer: str, stamp: str) -> tuple[list[Record], list[AuditRow]]:
        """Return a layer's rows now, and the audit rows after a moment, as of one moment.

        Parameters
        ----------
        stamp
            The moment, as audit rows write it; what counts is the last change at or before it.
        """

    def keep(
        self,
        kind: str,
        title: str,
        question: str,
        body: bytes,
        *,
        made_at: datetime,
        data_version: str | None = None,
        actor: str = "locator",
    ) -> str:
        """Keep a document for ever and return its digest.

        The digest is the SHA-256 of the JSON text ``[kind, title, question]`` (UTF-8, no spaces,
        characters as they are), a line feed, and the body. The same content again is the same
        digest, and the first stays as it is; nothing that is kept is ever changed. Keeping is a
        write: the version changes and the history says who kept it, under the layer ``kept``.

        Parameters
        ----------
        kind
            One word of small letters, such as ``embed`` or ``gaps``.
        title, question
            Its heading, and what was asked as a JSON text.
        body
            The document; at most :data:`KEPT_LIMIT_BYTES`.
        made_at
            The moment, with its time zone.
        data_version
            The store's version it was made from; None is the one now.
        """

    def list_kept(self, kind: str | None = None) -> tuple[DocumentFacts, ...]:
        """Return the facts of what is kept, of one kind or all, the newest first."""

    def read_kept(self, digest: str) -> Kept | None:
        """Return a kept document, or None if there is none of that digest."""

    def discard_kept(self, digest: str, *, actor: str = "locator") -> bool:
        """Remove a kept document; the history keeps its facts. False: there was none."""

    def migrate(self) -> int:
        """Bring an older store to this version, a backup first; return its schema version."""

    def backup(self, target: Path) -> None:
        """Write a whole copy of the store as it is now to a new file."""

    def close(self) -> None:
        """Give the connections back."""
