"""What a test needs beyond the packages: a browser, real files, foreign programs."""

import os
from typing import NoReturn

import pytest

__all__ = ["absent"]

REQUIRE_ALL = os.environ.get("LOCATOR_REQUIRE_ALL") == "1"


def absent(reason: str) -> NoReturn:
    """Skip with a reason; where everything is required, that is a failure."""
    if REQUIRE_ALL:
        pytest.fail(f"LOCATOR_REQUIRE_ALL=1, but {reason}")
    pytest.skip(reason)
