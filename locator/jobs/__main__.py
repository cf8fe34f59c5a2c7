"""The worker of background jobs: ``python -m locator.jobs``, started by a server."""

import json
import os
import sys

from locator.jobs.worker import work
from locator.settings import Settings

__all__ = ["main"]


def main() -> None:
    """Read the settings from the first line of standard input, and work through the line."""
    if hasattr(os, "nice"):
        os.nice(10)  # riders' questions go first
    line = sys.stdin.buffer.readline()
    if line:
        work(Settings(**json.loads(line)), sys.stdin.buffer)


if __name__ == "__main__":
    main()
