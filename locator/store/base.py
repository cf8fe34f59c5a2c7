"""The contract of a store, and what goes in and comes out of it.

:class:`Store` is what every store can do and all that its users may ask for. What not every one
can do is a class below it, asked for by :func:`history_of` and :func:`file_of`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, Self

import geopandas as gpd

from locator.errors import StoreError

Cell = str | int | float | bytes | None
Record = dict[str, Cell]  # a row: its columns, and its geometry as WKB under "geom"

# Column name to the value it must have, or to the several it may have.
Where = Mapping[str, str | Sequence[str]]

# Given a worker's pid and mark: does it live? None if that cannot be told from here.
Alive = Callable[[int, str], bool | None]


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
    """One change of one row: who, when, before and after.

    ``before`` and ``after`` are JSON texts of the columns, None where there was no row; ``geom`` in
    them is the geometry in hexadecimal, as WKB or as a GeoPackage holds it, and of a point ``lon``
    and ``lat`` stand beside it.
    """

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
        SHA-256 of the content, in hexadecimal; see :meth:`Store.keep_document`.
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
class Document(DocumentFacts):
    """A kept document: its facts and its body."""

    body: bytes


class JobState(StrEnum):
    """What has become of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """One job as its row has it.

    Attributes
    ----------
    id
        Random and not to be guessed: who knows it may read and cancel the job.
    kind, question
        What is to be done, and a JSON text that says it exactly.
    owner
        The page session that asked; empty if none.
    state
        Where it stands.
    share, phase
        Part of the work that is done, 0 to 1, and a word for what is being done.
    objective, bound
        The best so far, and what no selection can surpass; None while there is none.
    made_at, started_at, ended_at
        Moments in UTC, or None.
    ahead
        How many jobs are before it: waiting ones made earlier, and those that run.
    cancel_asked
        Whether somebody wants it to end.
    error
        Why it failed, one sentence, or None.
    """

    id: str
    kind: str
    question: str
    owner: str
    state: JobState
    share: float
    phase: str
    objective: float | None
    bound: float | None
    made_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    ahead: int
    cancel_asked: bool
    error: str | None


class Jobs(Protocol):
    """The rows of background jobs; every method is one transaction.

    A row is written by pages (make, cancel) and by the one process that works on it (claim,
    progress, finish). Nothing here changes the store's version: a job is no change of the register.
    """

    def make(
        self,
        kind: str,
        question: str,
        *,
        owner: str = "",
        most_waiting: int = 20,
        most_of_owner: int = 2,
    ) -> str:
        """Put a job in the line and return its id.

        Raises
        ------
        JobsFullError
            As many as allowed wait, or are open for this owner.
        InputError
            The question is longer than :data:`QUESTION_LIMIT_BYTES`.
        """

    def find(self, job: str) -> Job | None:
        """Return a job, or None if there is none of that id."""

    def answer(self, job: str) -> str | None:
        """Return what came of a job, a JSON text, or None."""

    def waits(self) -> bool:
        """Tell whether a job waits and none runs, so that somebody should begin."""

    def claim(self, *, pid: int, mark: str, at_once: int = 1) -> Job | None:
        """Take the job that has waited longest, unless ``at_once`` run already.

        Parameters
        ----------
        pid, mark
            The process that will work on it, and what tells it from a later one of that number.
        """

    def progress(
        self,
        job: str,
        *,
        share: float,
        phase: str,
        objective: float | None = None,
        bound: float | None = None,
    ) -> bool:
        """Write how far a running job is; False tells the worker to stop."""

    def cancel(self, job: str) -> bool:
        """Ask for a job's end: at once while it waits, by a flag while it runs.

        Returns
        -------
        bool
            False if there is none of that id, or it has ended already.
        """

    def finish(
        self, job: str, *, answer: str | None, error: str | None = None, cancelled: bool = False
    ) -> bool:
        """End a running job with its answer, an error, or both; False if it runs no more.

        A job that was cancelled may have an answer: the best that had been found.

        Raises
        ------
        InputError
            The answer is longer than :data:`ANSWER_LIMIT_BYTES`.
        """

    def orphans(self, alive: Alive, *, error: str, silent_s: float = 60.0) -> tuple[str, ...]:
        """Mark the running jobs whose worker is gone as failed, and return their ids.

        Parameters
        ----------
        alive
            Given a worker's pid and mark: does it live? None if that cannot be told from here;
            then a job is given up once it has not been heard of for ``silent_s``.
        error
            The sentence that the row gets.
        """

    def remove_old(self, *, hours: float, most: int = 1000) -> int:
        """Remove the jobs that ended more than so many hours ago, or before the ``most`` latest.

        Returns
        -------
        int
            How many were removed.
        """


class Store(Protocol):
    """What every store can do; a store is a subclass, so that nothing is left out.

    Attributes
    ----------
    address
        What :func:`~locator.store.open_store` opens it by in another process, such as
        ``geopackage:PATH``; empty where no other process can.
    jobs
        Its background jobs.
    """

    address: str
    jobs: Jobs

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

    def read_all(self, *layers: str) -> tuple[str, dict[str, gpd.GeoDataFrame]]:
        """Read several layers and the version they belong to, as of one moment."""

    def apply(self, *changes: Change, actor: str) -> Revision:
        """Commit changes in one transaction, with audit rows under the actor's name.

        Raises
        ------
        InputError, ConflictError
            A change is wrong or contradicts what is stored; nothing was written.
        StoreBusyError
            Somebody else held the store for too long.
        StoreError
            The store cannot be written (disk full, read-only).
        """

    def last_change(self) -> datetime | None:
        """Return the moment of the last change in the history, in UTC; None before the first."""

    def keep_document(
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
            The document; at most :data:`DOCUMENT_LIMIT_BYTES`.
        made_at
            The moment, with its time zone.
        data_version
            The store's version it was made from; None is the one now.

        Raises
        ------
        InputError
            It is too long, or something about it is wrong; nothing was written.
        """

    def list_documents(self, kind: str | None = None) -> tuple[DocumentFacts, ...]:
        """Return the facts of what is kept, of one kind or all, the newest first."""

    def read_document(self, digest: str) -> Document | None:
        """Return a kept document, or None if there is none of that digest.

        Raises
        ------
        StoreError
            What is stored is not what was kept.
        """

    def discard_document(self, digest: str, *, actor: str = "locator") -> bool:
        """Remove a kept document; the history keeps its facts. False: there was none."""

    def roads_source(self) -> str:
        """Return the name of the file that the store's roads were imported from, or nothing."""

    def remember_roads(self, source: str) -> None:
        """Remember from which file roads were imported; "" forgets. The version stays."""

    def migrate(self) -> int:
        """Bring an older store to this version, a backup first; return its schema version."""

    def close(self) -> None:
        """Give the connections back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HistoryStore(Store):
    """A store that keeps every change of every row; ask with :func:`history_of`."""

    @abstractmethod
    def audit(
        self,
        *,
        layer: str | None = None,
        feature_id: str | None = None,
        number: int | None = None,
    ) -> list[AuditRow]:
        """Return the audit rows, oldest first."""

    @abstractmethod
    def read_since(self, layer: str, stamp: str) -> tuple[list[Record], list[AuditRow]]:
        """Return a layer's rows now, and the audit rows after a moment, as of one moment.

        Parameters
        ----------
        stamp
            The moment, as audit rows write it; what counts is the last change at or before it.
        """


class FileStore(Store):
    """A store that is one file, at ``path``; ask with :func:`file_of`."""

    path: Path

    @abstractmethod
    def backup(self, target: Path) -> None:
        """Write a whole copy of the store as it is now, in use or not, to a new file.

        Raises
        ------
        StoreError
            The target exists already or cannot be written.
        """


def stamp_of(moment: datetime) -> str:
    """Return a moment as stores write it: UTC, to the millisecond."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def history_of(store: Store) -> HistoryStore:
    """Return a store's history.

    Raises
    ------
    StoreError
        It keeps none.
    """
    if isinstance(store, HistoryStore):
        return store
    raise StoreError("This store keeps no history; it knows only what is stored now.")


def file_of(store: Store, purpose: str) -> FileStore:
    """Return a store as the file it is.

    Parameters
    ----------
    purpose
        What a file is needed for, for the sentence where it is none.

    Raises
    ------
    StoreError
        It is no file.
    """
    if isinstance(store, FileStore):
        return store
    raise StoreError(f"This store is no file, and {purpose} needs one; use a geopackage:PATH.")
