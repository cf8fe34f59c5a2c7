"""Rows of background jobs in a table: who waits, who works, how far, and what came of it."""

import secrets
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from locator.errors import InputError, JobsFullError
from locator.store.base import Alive, Job, Jobs, JobState, stamp_of
from locator.store.tables import jobs_table
from locator.store.text import any_broken

QUESTION_LIMIT_BYTES = 2**20
ANSWER_LIMIT_BYTES = 16 * 2**20
_OPEN = ("waiting", "running")

Transaction = Callable[[], AbstractContextManager[sa.Connection]]


def check_job_question(question: str) -> None:
    """Refuse a question that is longer than :data:`QUESTION_LIMIT_BYTES`.

    Raises
    ------
    InputError
        It is.
    """
    if len(question.encode("utf-8", "surrogatepass")) > QUESTION_LIMIT_BYTES:
        raise InputError(f"A job's question has more than {QUESTION_LIMIT_BYTES // 1024} kB.")


def check_job_answer(answer: bytes) -> None:
    """Refuse an answer that is longer than :data:`ANSWER_LIMIT_BYTES`.

    Raises
    ------
    InputError
        It is.
    """
    if len(answer) > ANSWER_LIMIT_BYTES:
        raise InputError(
            f"The answer has {len(answer) / 2**20:.1f} MB and a job keeps at most "
            f"{ANSWER_LIMIT_BYTES // 2**20} MB; ask for less."
        )


def check_queue(waiting: int, most_waiting: int, of_owner: int, most_of_owner: int) -> None:
    """Refuse one more job where as many as allowed wait, or are open for its owner.

    Raises
    ------
    JobsFullError
        There are.
    """
    if waiting >= most_waiting:
        raise JobsFullError(f"{waiting} jobs are waiting already; try again in a minute.")
    if of_owner >= most_of_owner:
        raise JobsFullError(
            f"This page has {of_owner} jobs that are not finished; wait for them, or cancel one."
        )


class JobRows(Jobs):
    """The jobs of a store that keeps tables; see :class:`~locator.store.base.Jobs`.

    Parameters
    ----------
    reading, writing
        Transactions of the store; the second is the only writer while it lasts.
    clock
        The time.
    """

    def __init__(
        self, reading: Transaction, writing: Transaction, clock: Callable[[], datetime]
    ) -> None:
        self._reading, self._writing, self._clock = reading, writing, clock

    def make(
        self,
        kind: str,
        question: str,
        *,
        owner: str = "",
        most_waiting: int = 20,
        most_of_owner: int = 2,
    ) -> str:
        """Put a job in the line and return its id."""
        check_job_question(question)
        table, job = jobs_table(), secrets.token_urlsafe(18)
        with self._writing() as connection:
            waiting = _count(connection, table, table.c.state == "waiting")
            own = _count(connection, table, table.c.state.in_(_OPEN), table.c.owner == owner)
            check_queue(waiting, most_waiting, own if owner else 0, most_of_owner)
            row = {"job": job, "kind": kind, "question": question, "owner": owner}
            start = {"state": "waiting", "share": 0.0, "phase": "", "cancel": 0}
            connection.execute(sa.insert(table), row | start | {"made_at": self._stamp()})
        return job

    def find(self, job: str) -> Job | None:
        """Return a job, or None if there is none of that id."""
        table = jobs_table()
        with self._reading() as connection:
            query = sa.select(table).where(table.c.job == job)
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            before = sa.or_(
                table.c.state == "running",
                sa.and_(table.c.state == "waiting", table.c.id < row["id"]),
            )
            ahead = _count(connection, table, before) if row["state"] == "waiting" else 0
        try:
            return None if any_broken(row.values()) else _job(row, ahead)
        except ValueError:  # somebody wrote into it; 'locator doctor' says so
            return None

    def answer(self, job: str) -> str | None:
        """Return what came of a job, a JSON text, or None."""
        table = jobs_table()
        with self._reading() as connection:
            query = sa.select(table.c.answer).where(table.c.job == job)
            packed = connection.execute(query).scalar_one_or_none()
        return None if packed is None else zlib.decompress(packed).decode()

    def waits(self) -> bool:
        """Tell whether a job waits and none runs, so that somebody should begin."""
        table = jobs_table()
        with self._reading() as connection:
            running = _count(connection, table, table.c.state == "running")
            return not running and _count(connection, table, table.c.state == "waiting") > 0

    def claim(self, *, pid: int, mark: str, at_once: int = 1) -> Job | None:
        """Take the job that has waited longest, unless ``at_once`` run already."""
        table = jobs_table()
        with self._writing() as connection:
            if _count(connection, table, table.c.state == "running") >= at_once:
                return None
            first = sa.select(sa.func.min(table.c.id)).where(table.c.state == "waiting")
            number = connection.execute(first).scalar_one()
            if number is None:
                return None
            now = self._stamp()
            values = {"state": "running", "pid": pid, "mark": mark, "started_at": now}
            own = table.c.id == number
            connection.execute(sa.update(table).where(own).values(**values, seen_at=now))
            row = connection.execute(sa.select(table).where(own)).mappings().one()
        return _job(row, 0)

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
        table = jobs_table()
        values: dict[str, str | float] = {"share": min(max(share, 0.0), 1.0), "phase": phase}
        if objective is not None:
            values["objective"] = objective
        if bound is not None:
            values["bound"] = bound
        own = sa.and_(table.c.job == job, table.c.state == "running")
        with self._writing() as connection:
            connection.execute(sa.update(table).where(own).values(**values, seen_at=self._stamp()))
            return _count(connection, table, own, table.c.cancel == 0) == 1

    def cancel(self, job: str) -> bool:
        """Ask for a job's end: at once while it waits, by a flag while it runs."""
        table = jobs_table()
        own = table.c.job == job
        ended = {"state": "cancelled", "cancel": 1, "ended_at": self._stamp()}
        with self._writing() as connection:
            waiting = sa.update(table).where(own, table.c.state == "waiting").values(**ended)
            running = sa.update(table).where(own, table.c.state == "running").values(cancel=1)
            return any(connection.execute(ask).rowcount for ask in (waiting, running))

    def finish(
        self, job: str, *, answer: str | None, error: str | None = None, cancelled: bool = False
    ) -> bool:
        """End a running job with its answer, an error, or both; False if it runs no more."""
        body = None if answer is None else answer.encode()
        check_job_answer(body or b"")
        state = "failed" if error is not None else "cancelled" if cancelled else "done"
        values = {"state": state, "error": error, "ended_at": self._stamp()}
        packed = None if body is None else zlib.compress(body, 6)
        table = jobs_table()
        own = sa.and_(table.c.job == job, table.c.state == "running")
        with self._writing() as connection:
            ask = sa.update(table).where(own).values(**values, answer=packed)
            if state == "done":
                ask = ask.values(share=1.0)
            return connection.execute(ask).rowcount == 1

    def orphans(self, alive: Alive, *, error: str, silent_s: float = 60.0) -> tuple[str, ...]:
        """Mark the running jobs whose worker is gone as failed, and return their ids."""
        table = jobs_table()
        running = sa.select(table.c.id, table.c.job, table.c.pid, table.c.mark, table.c.seen_at)
        with self._reading() as connection:
            rows = connection.execute(running.where(table.c.state == "running")).all()
        long_ago = self._clock() - timedelta(seconds=silent_s)
        gone = []
        for number, job, pid, mark, seen_at in rows:
            lives = alive(pid, mark)
            if lives is None:
                lives = _last_seen(seen_at) >= long_ago
            if not lives:
                gone.append((number, job))
        if not gone:
            return ()
        values = {"state": "failed", "error": error, "ended_at": self._stamp()}
        numbers = [number for number, _ in gone]
        with self._writing() as connection:
            still = sa.and_(table.c.id.in_(numbers), table.c.state == "running")
            connection.execute(sa.update(table).where(still).values(**values))
        return tuple(job for _, job in gone)

    def remove_old(self, *, hours: float, most: int = 1000) -> int:
        """Remove the jobs that ended more than so many hours ago, or before the ``most`` latest."""
        table = jobs_table()
        long_ago = stamp_of(self._clock() - timedelta(hours=hours))
        ended = table.c.state.not_in(_OPEN)
        first = sa.select(table.c.id).where(ended).order_by(table.c.id.desc()).offset(most).limit(1)
        with self._reading() as connection:
            last = connection.execute(first).scalar_one_or_none() or 0
            old = sa.and_(ended, sa.or_(table.c.ended_at < long_ago, table.c.id <= last))
            if not _count(connection, table, old):
                return 0
        with self._writing() as connection:
            return connection.execute(sa.delete(table).where(old)).rowcount

    def _stamp(self) -> str:
        return stamp_of(self._clock())


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _last_seen(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # somebody wrote into it: it was not heard of
        return datetime.min.replace(tzinfo=UTC)


def _count(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _job(row: sa.RowMapping, ahead: int) -> Job:
    return Job(
        id=row["job"],
        kind=row["kind"],
        question=row["question"],
        owner=row["owner"],
        state=JobState(row["state"]),
        share=row["share"],
        phase=row["phase"],
        objective=row["objective"],
        bound=row["bound"],
        made_at=datetime.fromisoformat(row["made_at"]),
        started_at=_moment(row["started_at"]),
        ended_at=_moment(row["ended_at"]),
        ahead=ahead,
        cancel_asked=bool(row["cancel"]),
        error=row["error"],
    )
