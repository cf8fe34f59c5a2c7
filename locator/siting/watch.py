"""How much effort a search may spend, who may stop it, and what it says on the way."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from types import FrameType
from typing import Literal, ParamSpec, TypeVar

from locator.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")
Stopped = Literal["", "time", "cancelled", "gap", "solver"]


@dataclass(frozen=True)
class Progress:
    """What a search says on the way.

    Attributes
    ----------
    phase
        ``greedy``, ``bound``, ``swaps`` or ``kernel``.
    elapsed_s
        Seconds since the search began.
    share
        Share of the time limit that is spent, 0 to 1.
    objective, bound
        The best selection found and the best bound proven so far, in the units of the objective;
        None before there is one.
    """

    phase: str
    elapsed_s: float
    share: float
    objective: float | None
    bound: float | None


def _never() -> bool:
    return False


def _say_nothing(progress: Progress) -> None:
    del progress


@dataclass(frozen=True)
class Effort:
    """How long to search, how close is close enough, and who may stop it.

    Attributes
    ----------
    time_limit_s
        Seconds on the wall after which the best selection found is returned with its gap. The
        solver's process is killed then; phases in this process look at the clock many times a
        second at a city's size, and every few seconds at a million demand points.
    gap
        Enough is a gap of the added coverage (or of the objective where nothing is added) of this
        much; 0 asks for a proof.
    cancelled
        Asked often; when it says True the search stops as if its time were up.
    progress
        Told a few times a second what was reached.
    clock
        Seconds, monotonic.
    """

    time_limit_s: float = 60.0
    gap: float = 0.0
    cancelled: Callable[[], bool] = _never
    progress: Callable[[Progress], None] = _say_nothing
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        if not self.time_limit_s > 0:
            raise InputError(f"The time limit is {self.time_limit_s} s; it must be above zero.")
        if not 0 <= self.gap < 1:
            raise InputError(f"The gap asked for is {self.gap}; it must lie from 0 to below 1.")


def interruptible(solve: Callable[P, R]) -> Callable[P, R]:
    """Make a function that takes ``effort`` end with the best it has at the first Ctrl-C."""

    @wraps(solve)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        given = kwargs.get("effort")
        effort = given if isinstance(given, Effort) else Effort()
        with catch_ctrl_c() as pressed:
            flagged = replace(effort, cancelled=lambda: pressed() or effort.cancelled())
            kwargs["effort"] = flagged
            return solve(*args, **kwargs)

    return wrapper


@contextmanager
def catch_ctrl_c(say: Callable[[], None] | None = None) -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C as a wish to end, and yield what tells whether it was pressed.

    The signal sets a flag: an exception could be raised inside a callback of the garbage
    collector, where Python drops it, and the search would go on. A second Ctrl-C is an exception.
    Nothing is changed in other threads than the main one, nor where the program has a handler of
    its own or was begun to ignore the signal; so the outermost of nested ones counts.

    Parameters
    ----------
    say
        Called at the first Ctrl-C.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield _never
        return
    times: list[int] = []

    def press(number: int, frame: FrameType | None) -> None:
        if times:
            signal.default_int_handler(number, frame)
        times.append(number)
        if say is not None:
            say()

    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(times)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Watch:
    """The clock of one search: phases, time left, cancellation, progress."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.began = effort.clock()
        self.until = self.began + effort.time_limit_s
        self.seconds: dict[str, float] = {}
        self.objective: float | None = None
        self.bound: float | None = None
        self.interrupted = False
        self._phase = ""
        self._phase_began = self.began
        self._told = -math.inf

    def begin(self, phase: str) -> None:
        """Close the phase that runs and begin another."""
        now = self.effort.clock()
        if self._phase:
            spent = self.seconds.get(self._phase, 0.0)
            self.seconds[self._phase] = spent + now - self._phase_began
        self._phase, self._phase_began = phase, now
        self.tell(force=True)

    def end(self) -> dict[str, float]:
        """Close the last phase and return the seconds of each, with ``total``."""
        self.begin("")
        return self.seconds | {"total": self.effort.clock() - self.began}

    def left_s(self) -> float:
        """Return the seconds that are left, never below zero."""
        return max(0.0, self.until - self.effort.clock())

    def stop(self) -> bool:
        """Return whether to stop now: out of time, cancelled or interrupted."""
        self.tell()
        if not self.interrupted and self.effort.cancelled():
            self.interrupted = True
        return self.interrupted or self.left_s() <= 0.0

    def part(self, share: float) -> Effort:
        """Return the effort of a part of the search: so much of the time that is left."""
        seconds = max(1e-3, self.left_s() * share)
        return replace(self.effort, time_limit_s=seconds, progress=_say_nothing)

    def why(self, gap: float) -> Stopped:
        """Return why the search ended with this gap, where it has proven no more."""
        if self.interrupted:
            return "cancelled"
        if self.left_s() <= 0.0:
            return "time"
        return "gap" if gap <= self.effort.gap else "solver"

    def tell(self, *, force: bool = False) -> None:
        """Say how far the search is, at most five times a second."""
        now = self.effort.clock()
        if not self._phase or (now - self._told < 0.2 and not force):
            return
        self._told = now
        elapsed = now - self.began
        share = min(1.0, elapsed / (self.until - self.began))
        self.effort.progress(Progress(self._phase, elapsed, share, self.objective, self.bound))
