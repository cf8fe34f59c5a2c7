"""The worker: takes one job after the other, says how far it is, and ends when none comes.

A server starts it as ``python -m locator.jobs.worker``.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from typing import BinaryIO, Self

from locator.errors import LocatorError, StoreError
from locator.jobs.kinds import run_job
from locator.jobs.process import mark_of
from locator.jobs.queue import RESTARTED
from locator.service import Service, open_service
from locator.settings import Settings
from locator.siting import Effort, Progress
from locator.store import Job, Store

MOST_S = 900.0  # no job runs longer
LINGER_S = 20.0  # who asked once asks again: the next job need not wait for a process to begin
_LOOK_S = 0.2
_TICK_S = 0.5
_PATIENCE_S = 10.0  # who was asked to stop and does not is ended
_TOO_LONG = "This took longer than {minutes:.0f} minutes and was ended; ask for less."
_BROKEN = "The computation failed on the server; its log says why."


def main() -> None:
    """Read the settings from the first line of standard input, and work through the line."""
    if hasattr(os, "nice"):
        os.nice(10)  # riders' questions go first
    line = sys.stdin.buffer.readline()
    if line:
        work(Settings(**json.loads(line)), sys.stdin.buffer)


def work(settings: Settings, server: BinaryIO) -> None:
    """Work through the waiting jobs.

    Parameters
    ----------
    server
        Ends when the server does: then nobody wants the answer any more.
    """
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    threading.Thread(target=_watch_server, args=(server, stop), daemon=True).start()
    with open_service(settings) as service:
        pid, jobs, idle_since = os.getpid(), service.store.jobs, time.monotonic()
        while not stop.is_set() and time.monotonic() - idle_since < LINGER_S:
            job = jobs.claim(pid=pid, mark=mark_of(pid)) if jobs.waits() else None
            if job is None:
                stop.wait(_LOOK_S)
                continue
            _carry_out(service, job, stop)
            idle_since = time.monotonic()


def _watch_server(server: BinaryIO, stop: threading.Event) -> None:
    # Not through the buffer, whose lock an interpreter that ends would find taken.
    with contextlib.suppress(OSError, ValueError):
        while os.read(server.fileno(), 4096):
            pass
    stop.set()


def _carry_out(service: Service, job: Job, stop: threading.Event) -> None:
    with _Reporter(service.store, job, stop) as reporter:
        effort = Effort(cancelled=reporter.is_cancelled, progress=reporter.hear)
        try:
            answer = run_job(service, job.kind, job.question, effort)
        except LocatorError as error:
            reporter.finish(answer=None, error=None if reporter.is_cancelled() else str(error))
        except MemoryError:
            reporter.finish(answer=None, error="The server has not enough memory; ask for less.")
        # Whatever it was, the row must end: a sentence on the page, the traceback in the log.
        except Exception:
            logging.getLogger("locator").exception("a job of the kind %s failed", job.kind)
            reporter.finish(answer=None, error=None if reporter.is_cancelled() else _BROKEN)
        else:
            reporter.finish(answer=answer, error=None)


class _Reporter:
    """What passes between a computation and its job's row, by a thread beside it.

    The computation only leaves word here; the row is written twice a second, and says that the
    worker lives even while the computation is silent.
    """

    def __init__(self, store: Store, job: Job, stop: threading.Event) -> None:
        self._jobs, self._job, self._stop = store.jobs, job.id, stop
        self._began = time.monotonic()
        self._asked_at: float | None = None
        self._heard = Progress("", 0.0, 0.0, None, None)
        self._over = threading.Event()
        self._closing = threading.Lock()
        self._is_closed = False
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ticker.join()

    def is_cancelled(self) -> bool:
        """Return whether the computation should end with what it has."""
        return self._asked_at is not None or self._stop.is_set()

    def hear(self, progress: Progress) -> None:
        """Take word from the computation."""
        self._heard = progress

    def finish(self, *, answer: str | None, error: str | None) -> None:
        """Write the end; tried again while somebody else holds the store."""
        if self._stop.is_set() and self._asked_at is None:
            answer, error = None, RESTARTED
        cancelled = self._asked_at is not None
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            for _ in range(5):
                try:
                    self._jobs.finish(self._job, answer=answer, error=error, cancelled=cancelled)
                except StoreError as trouble:
                    logging.getLogger("locator").warning("a job's end: %s", trouble)
                    time.sleep(_TICK_S)
                except LocatorError as trouble:  # an answer that is too long
                    answer, error = None, str(trouble)
                else:
                    return

    def _tick(self) -> None:
        while not self._over.wait(_TICK_S):
            now, word = time.monotonic(), self._heard
            with contextlib.suppress(StoreError):  # somebody else holds it: next time
                goes_on = self._jobs.progress(
                    self._job,
                    share=word.share,
                    phase=word.phase,
                    objective=word.objective,
                    bound=word.bound,
                )
                if not goes_on and self._asked_at is None:
                    self._asked_at = now
            if now - self._began > MOST_S:
                self._end(_TOO_LONG.format(minutes=MOST_S / 60))
            elif self._stop.is_set():
                self._end(RESTARTED)
            elif self._asked_at is not None and now - self._asked_at > _PATIENCE_S:
                self._end(None)

    def _end(self, error: str | None) -> None:
        """Leave at once: a computation in a library cannot be asked."""
        self.finish(answer=None, error=error)
        os._exit(0)


if __name__ == "__main__":
    main()
