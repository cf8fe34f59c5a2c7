"""How long the tests wait for what other processes, threads and browsers do.

No test measures a time. Each deadline is only there so that a fault ends, and a slow or busy
machine needs more: ``LOCATOR_TEST_PATIENCE=3`` makes every one of them three times as long.
"""

import os
import time
from collections.abc import Callable

import pytest

__all__ = ["patience", "wait_until"]

_FACTOR = float(os.environ.get("LOCATOR_TEST_PATIENCE") or 1)


def patience(duration: float) -> float:
    """Return a duration, of any unit, as long as this machine needs it."""
    return duration * _FACTOR


def wait_until(is_so: Callable[[], object], what: str, *, s: float = 5.0) -> None:
    """Wait for something that happens elsewhere; it is a failure if it never does."""
    until = time.monotonic() + patience(s)
    while not is_so():
        if time.monotonic() > until:
            pytest.fail(f"not so in {patience(s):g} s: {what}")
        time.sleep(0.05)
