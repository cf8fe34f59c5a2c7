"""The room where jobs are asked for: a short line, a worker when one waits, order kept."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from locator.errors import JobsFullError, StoreVersionError
from locator.jobs.kinds import check_question
from locator.jobs.process import lives, mark_of
from locator.settings import Settings
from locator.store import GeoPackageStore, Job

__all__ = ["RESTARTED", "JobRoom", "Limits"]

RESTARTED = "The server was stopped or its worker was ended while this ran; start it again."
_NO_WORKER = "No worker could be started on the server; its log says why."
_TEND_S = 0.5
_MOST_FAILURES = 3


@dataclass(frozen=True)
class Limits:
    """How many jobs wait, how many are one page's, and how long they are kept."""

    waiting: int = 10
    of_owner: int = 2
    kept_hours: float = 72.0


class JobRoom:
    """The jobs of one server process; several may share a store.

    Parameters
    ----------
    settings
        Handed to the worker, which opens the store itself.
    store
        Where the rows are.
    """

    def __init__(
        self, settings: Settings, store: GeoPackageStore, limits: Limits | None = None
    ) -> None:
        self._settings, self._jobs = settings, store.jobs
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
            The store cannot be written.
        """
        check_question(kind, question)
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
        """Give up orphans, remove what is old, start a worker if a job waits and none works."""
        with self._lock:
            now = time.monotonic()
            if now - self._tended < _TEND_S and not force:
                return
            self._tended = now
            try:
                gone = self._jobs.orphans(lives, error=RESTARTED)
            except StoreVersionError:
                return  # an older store has no jobs: who asks for one is told
            self._jobs.remove_old(hours=self.limits.kept_hours)
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
        command = [sys.executable, "-m", "locator.jobs"]
        priority = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        worker = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, creationflags=priority
        )
        self._worker = worker
        if worker.stdin is None:
            raise JobsFullError(_NO_WORKER)
        try:
            # Through a pipe, not the command line, which everybody on the machine can read.
            worker.stdin.write(json.dumps(asdict(self._settings)).encode() + b"\n")
            worker.stdin.flush()
        except OSError:
            logging.getLogger("locator").warning("a job's worker ended before it began")

    def _give_up(self) -> None:
        """Fail the waiting jobs: a worker that ends at once would leave them waiting for ever."""
        pid = os.getpid()
        while (job := self._jobs.claim(pid=pid, mark=mark_of(pid))) is not None:
            self._jobs.finish(job.id, answer=None, error=_NO_WORKER)
        self._failures = 0
