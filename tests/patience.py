"""How long the tests wait for others, and how many examples they try.

No test measures a time. Each deadline is only there so that a fault ends, and a slow or busy
machine needs more: ``LOCATOR_TEST_PATIENCE=3`` makes every one of them three times as long.
``LOCATOR_TEST_THOROUGH=1`` (``make test-all``) has hypothesis try five times as many examples.
"""

import os
import time
from collections.abc import Callable

import pytest

__all__ = ["examples", "patience", "wait_until"]

_FACTOR = float(os.environ.get("LOCATOR_TEST_PATIENCE") or 1)
_THOROUGH = os.environ.get("LOCATOR_TEST_THOROUGH") == "1"


def examples(number: int) -> int:
    """Return how many examples hypothesis tries of a number that is thorough."""
    return number if _THOROUGH else max(5, number // 5)


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
