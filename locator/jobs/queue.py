"""The queue where jobs are asked for: a short line, a worker when one waits, order kept."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from locator.errors import StoreError
from locator.jobs.kinds import check_question
from locator.jobs.process import lives, mark_of
from locator.settings import Settings
from locator.store import Job, Store

RESTARTED = "The server was stopped or its worker was ended while this ran; start it again."
_NO_WORKER = "No worker could be started on the server; its log says why."
_TEND_S = 0.5
_MOST_FAILURES = 3


@dataclass(frozen=True)
class Limits:
    """How many jobs wait, how many are one page's, and how long and how many are kept."""

    waiting: int = 10
    of_owner: int = 2
    kept_hours: float = 72.0
    kept: int = 1000


class JobQueue:
    """The jobs of one server process; several may share a store.

    Parameters
    ----------
    settings
        Handed to the worker, which opens the store itself, by its address.
    store
        Where the rows are.
    """

    def __init__(self, settings: Settings, store: Store, limits: Limits | None = None) -> None:
        self._settings, self._jobs = replace(settings, store=store.address), store.jobs
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._tended = -_TEND_S

    def ask(self, kind: str, question: Mapping[str, object], *, owner: str = "") -> str:
        """Put a job in the line, see that somebody works, and return its id.

        Raises
        ------
        InputError
            The question is not one.
        JobsFullError
            The line is full, or this page has too many in it.
        StoreError
            The store cannot be written, or no other process can open it.
        """
        check_question(kind, question)
        if not self._settings.store:
            raise StoreError("No worker can open this store, so no job can be carried out.")
        self.tend(force=True)  # what a restart left behind takes nobody's place in the line
        text = json.dumps(question, ensure_ascii=False, allow_nan=False, sort_keys=True)
        job = self._jobs.make(
            kind,
            text,
            owner=owner,
            most_waiting=self.limits.waiting,
            most_of_owner=self.limits.of_owner,
        )
        self.tend(force=True)
        return job

    def look(self, job: str) -> Job | None:
        """Return a job, or None if there is none of that id; whoever looks keeps the line going."""
        self.tend()
        return self._jobs.find(job)

    def answer(self, job: str) -> str | None:
        """Return what came of a job, a JSON text, or None."""
        return self._jobs.answer(job)

    def cancel(self, job: str) -> bool:
        """Ask for a job's end; False if it is unknown or has ended."""
        return self._jobs.cancel(job)

    def tend(self, *, force: bool = False) -> None:
        """Give up orphans, remove what is old, start a worker if a job waits and none works.

        Unless it is forced, it is done now and then, by one thread, and a store that cannot be
        written just now is left for the next time.
        """
        if not self._lock.acquire(blocking=force):
            return
        try:
            now = time.monotonic()
            if force or now - self._tended >= _TEND_S:
                self._tended = now
                self._put_in_order()
        except StoreError as error:
            if force:
                raise
            _log().warning("jobs were not put in order: %s", error)
        finally:
            self._lock.release()

    def _put_in_order(self) -> None:
        gone = self._jobs.orphans(lives, error=RESTARTED)
        for job in gone:
            _log().warning("the job %s… was orphaned", job[:6])
        self._jobs.remove_old(hours=self.limits.kept_hours, most=self.limits.kept)
        works = self._works()
        if gone:  # it had begun, so what ended it was the job
            self._failures = 0
        if self._jobs.waits() and not works:
            self._start()

    def close(self) -> None:
        """End this process's worker; what it was at has failed."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is None:
            return
        if worker.stdin is not None:
            worker.stdin.close()  # it then writes why it ends, and ends
        try:
            worker.wait(timeout=5)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()

    def _works(self) -> bool:
        if self._worker is None:
            return False
        status = self._worker.poll()
        if status is None:
            return True
        self._failures = 0 if status == 0 else self._failures + 1
        if self._worker.stdin is not None:
            self._worker.stdin.close()
        self._worker = None
        return False

    def _start(self) -> None:
        if self._failures >= _MOST_FAILURES:
            self._give_up()
            return
        try:
            worker = _start_process()
        except OSError as error:
            self._failures += 1
            _log().warning("no worker could be started: %s", error)
            return
        self._worker = worker
        try:
            # Through a pipe, not the command line, which everybody on the machine can read.
            if worker.stdin is not None:
                worker.stdin.write(json.dumps(asdict(self._settings)).encode() + b"\n")
                worker.stdin.flush()
        except OSError:
            _log().warning("a job's worker ended before it began")

    def _give_up(self) -> None:
        """Fail the waiting jobs: a worker that ends at once would leave them waiting for ever."""
        pid = os.getpid()
        while (job := self._jobs.claim(pid=pid, mark=mark_of(pid))) is not None:
            self._jobs.finish(job.id, answer=None, error=_NO_WORKER)
        self._failures = 0


def _start_process() -> "subprocess.Popen[bytes]":
    # The same modules as here, wherever they were found.
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109
    return subprocess.Popen(
        [sys.executable, "-m", "locator.jobs.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )


def _log() -> logging.Logger:
    return logging.getLogger("locator")
