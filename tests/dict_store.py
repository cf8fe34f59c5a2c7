"""A store of dictionaries: what is left of the contract where there is no file and no SQL.

It lives in one process and keeps no history: :class:`locator.store.HistoryStore` is optional.
"""

# ruff: noqa: ARG002 - the contract names who writes, for a history that is not kept here
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import shapely

from locator.errors import StoreError
from locator.schema import LAYERS, check_frame
from locator.store import Change, Document, DocumentFacts, Job, Jobs, JobState, Revision, Store
from locator.store import records as rules
from locator.store.base import Alive, Record, Where
from locator.store.documents import check_document, digest_of
from locator.store.jobs import check_job_answer, check_job_question, check_queue

WAITING, RUNNING = JobState.WAITING, JobState.RUNNING
Clock = Callable[[], datetime]
Rows = dict[str, Record]


class DictStore(Store):
    """A store in this process alone: no other can open it."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock, self._lock, self._identity = clock, threading.RLock(), secrets.token_hex(6)
        self._rows: dict[str, Rows] = {layer: {} for layer in LAYERS}
        self._documents: dict[str, Document] = {}
        self._number, self._changed_at, self._roads = 0, None, ""
        self.address, self.jobs = "", DictJobs(clock)

    def version(self) -> str:
        return f"{self._identity}-{self._number}"

    def last_change(self) -> datetime | None:
        return self._changed_at

    def _commit(self) -> None:
        self._number, self._changed_at = self._number + 1, self._clock().astimezone(UTC)

    def read(
        self, layer: str, *, bbox: tuple[float, float, float, float] | None = None,
        where: Where | None = None, columns: Sequence[str] | None = None,
    ) -> gpd.GeoDataFrame:  # fmt: skip
        spec, own = rules.find_layer(layer), self._rows[layer]
        rules.choose_columns(spec, list(where or {}))
        wanted = {n: {v} if isinstance(v, str) else set(v) for n, v in (where or {}).items()}
        rows = [own[i] for i in sorted(own) if all(own[i][n] in wanted[n] for n in wanted)]
        frame = rules.make_frame(layer, rows, rules.choose_columns(spec, columns))
        if bbox is None:
            return frame
        met = shapely.intersects(shapely.envelope(frame.geometry.to_numpy()), shapely.box(*bbox))
        return frame[met].reset_index(drop=True)

    def read_all(self, *layers: str) -> tuple[str, dict[str, gpd.GeoDataFrame]]:
        with self._lock:
            return self.version(), {layer: self.read(layer) for layer in layers}

    def apply(self, *changes: Change, actor: str) -> Revision:
        with self._lock:
            draft = {layer: dict(rows) for layer, rows in self._rows.items()}
            counts, stamp = rules.Counts(), f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
            for change in changes:
                _carry_out(draft[rules.find_layer(change.layer).name], change, stamp, counts)
            if counts.inserted + counts.updated + counts.closed + counts.removed:
                self._rows = draft
                self._commit()
            return counts.revision(self.version())

    def keep_document(
        self, kind: str, title: str, question: str, body: bytes, *, made_at: datetime,
        data_version: str | None = None, actor: str = "locator",
    ) -> str:  # fmt: skip
        check_document(kind, title, question, body, made_at)
        digest, moment = digest_of(kind, title, question, body), made_at.astimezone(UTC)
        with self._lock:
            version = self.version() if data_version is None else data_version
            facts = digest, kind, moment.replace(microsecond=0), version, title, question, len(body)
            if digest not in self._documents:
                self._documents[digest] = Document(*facts, body)
                self._commit()
        return digest

    def list_documents(self, kind: str | None = None) -> tuple[DocumentFacts, ...]:
        found = [one for one in reversed(self._documents.values()) if kind in {None, one.kind}]
        return tuple(sorted(found, key=lambda one: one.made_at, reverse=True))

    def read_document(self, digest: str) -> Document | None:
        return self._documents.get(digest)

    def discard_document(self, digest: str, *, actor: str = "locator") -> bool:
        with self._lock:
            if there := self._documents.pop(digest, None) is not None:
                self._commit()
            return there

    def roads_source(self) -> str:
        return self._roads

    def remember_roads(self, source: str) -> None:
        self._roads = source

    def migrate(self) -> int:
        return 0

    def close(self) -> None: ...


def _carry_out(rows: Rows, change: Change, stamp: str, counts: rules.Counts) -> None:
    if change.unchanged_since is not None:
        raise StoreError("This store keeps no history, so nobody can tell what has changed since.")
    present: set[str] = set()
    whole = isinstance(change.upserts, gpd.GeoDataFrame)
    for piece in [change.upserts] if whole else change.upserts:
        check_frame(piece, change.layer)
        records = {str(record["id"]): record for record in rules.to_records(piece, change.layer)}
        if change.on_existing == "error" and records.keys() & rows.keys():
            raise rules.already_stored(records.keys() & rows.keys())
        for identity, record in records.items():
            _upsert(rows, change.layer, record | {"id": identity}, stamp, counts)
        present |= records.keys()
    gone = [i for i in rows if i not in present and change.absent == "remove"]
    for identity in {*gone, *change.removals} & rows.keys():
        del rows[identity]
        counts.removed += 1
    if change.absent == "close":
        rules.check_closable(LAYERS[change.layer])
        for identity in rows.keys() - present:
            if rows[identity]["status"] != "closed":
                rows[identity] = rows[identity] | {"status": "closed", "updated_at": stamp}
                counts.closed += 1


def _upsert(rows: Rows, layer: str, record: Record, stamp: str, counts: rules.Counts) -> None:
    identity = str(record["id"])
    old = rows.get(identity)
    changed = record if old is None else rules.changed_record(record, old)
    if changed is None:
        counts.unchanged += 1
        return
    blank = {column.name: column.default for column in LAYERS[layer].columns}
    rows[identity] = (old or blank) | changed | {"updated_at": stamp}
    counts.inserted, counts.updated = counts.inserted + (not old), counts.updated + bool(old)


@dataclass(frozen=True)
class Row(Job):
    """A job, and what nobody but its worker and who asked for it are told."""

    worker: tuple[int, str] = (0, "")
    seen_at: datetime | None = None
    result: str | None = None


class DictJobs(Jobs):
    """The jobs of such a store."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock, self._rows = clock, threading.RLock(), dict[str, Row]()

    def _in(self, *states: JobState) -> list[Row]:
        return [row for row in self._rows.values() if row.state in states]

    def _set(self, job: str, *states: JobState, **values: object) -> bool:
        """Change a job that is in one of some states."""
        with self._lock:
            there = job in self._rows and self._rows[job].state in states
            if there:
                self._rows[job] = replace(self._rows[job], **values)
            return there

    def make(
        self, kind: str, question: str, *, owner: str = "", most_waiting: int = 20,
        most_of_owner: int = 2,
    ) -> str:  # fmt: skip
        check_job_question(question)
        with self._lock:
            own = [row for row in self._in(WAITING, RUNNING) if owner and row.owner == owner]
            check_queue(len(self._in(WAITING)), most_waiting, len(own), most_of_owner)
            job, now = secrets.token_urlsafe(18), self._clock()
            begun = (0.0, "", None, None, now, None, None, 0, False, None)
            self._rows[job] = Row(job, kind, question, owner, WAITING, *begun)
        return job

    def find(self, job: str) -> Job | None:
        row = self._rows.get(job)
        if row is None or row.state is not WAITING:
            return row
        return replace(row, ahead=len(self._in(RUNNING)) + self._in(WAITING).index(row))

    def answer(self, job: str) -> str | None:
        return self._rows[job].result if job in self._rows else None

    def waits(self) -> bool:
        return bool(self._in(WAITING)) and not self._in(RUNNING)

    def claim(self, *, pid: int, mark: str, at_once: int = 1) -> Job | None:
        with self._lock:
            waiting, now = self._in(WAITING), self._clock()
            if not waiting or len(self._in(RUNNING)) >= at_once:
                return None
            begun = {"state": RUNNING, "started_at": now, "seen_at": now, "worker": (pid, mark)}
            self._set(waiting[0].id, WAITING, **begun)
            return self._rows[waiting[0].id]

    def progress(
        self, job: str, *, share: float, phase: str, objective: float | None = None,
        bound: float | None = None,
    ) -> bool:  # fmt: skip
        told = {"objective": objective, "bound": bound}
        told = {name: value for name, value in told.items() if value is not None}
        told |= {"share": min(max(share, 0.0), 1.0), "phase": phase, "seen_at": self._clock()}
        return self._set(job, RUNNING, **told) and not self._rows[job].cancel_asked

    def cancel(self, job: str) -> bool:
        ended = {"state": JobState.CANCELLED, "ended_at": self._clock(), "cancel_asked": True}
        return self._set(job, WAITING, **ended) or self._set(job, RUNNING, cancel_asked=True)

    def finish(
        self, job: str, *, answer: str | None, error: str | None = None, cancelled: bool = False
    ) -> bool:
        check_job_answer((answer or "").encode())
        state = JobState.CANCELLED if cancelled else JobState.DONE
        state = state if error is None else JobState.FAILED
        ended = {"state": state, "result": answer, "error": error, "ended_at": self._clock()}
        return self._set(job, RUNNING, **ended | ({} if error or cancelled else {"share": 1.0}))

    def orphans(self, alive: Alive, *, error: str, silent_s: float = 60.0) -> tuple[str, ...]:
        long_ago, gone = self._clock() - timedelta(seconds=silent_s), []
        for row in self._in(RUNNING):
            lives = alive(*row.worker)
            if not (row.seen_at >= long_ago if lives is None else lives):
                self.finish(row.id, answer=None, error=error)
                gone.append(row.id)
        return tuple(gone)

    def remove_old(self, *, hours: float, most: int = 1000) -> int:
        long_ago = self._clock() - timedelta(hours=hours)
        ended = [row for row in self._rows.values() if row.state not in {WAITING, RUNNING}]
        old = [r for n, r in enumerate(reversed(ended)) if n >= most or r.ended_at < long_ago]
        for row in old:
            del self._rows[row.id]
        return len(old)
