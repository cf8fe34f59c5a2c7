"""Clocks: for a function in this process, and for a command in a child of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Cost:
    """What a run cost: time on the wall, processor time of all threads, memory at its peak."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


def cost(action: Callable[[], object], repeat: int = 1) -> Cost:
    """Return the least of a few runs of a function."""
    runs = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return Cost(min(wall for wall, _ in runs), min(cpu for _, cpu in runs))


def child_cost(command: Sequence[str], repeat: int = 1) -> Cost:
    """Return the least of a few runs of a command, which must succeed."""
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            [sys.executable, str(CHILD), *command], check=True, capture_output=True, text=True
        )
        runs.append(Cost(**json.loads(done.stdout)))
    return Cost(
        min(run.wall_s for run in runs),
        min(run.cpu_s for run in runs),
        min(run.peak_mb for run in runs),
    )


def compared(what: str, peer: str, ours: Cost, theirs: Cost) -> dict[str, object]:
    """Return the two as a row: a ratio of 2 is half the peer's time, or memory."""
    row: dict[str, object] = {
        "what": what,
        "peer": peer,
        "ours_s": ours.wall_s,
        "peer_s": theirs.wall_s,
        "ratio": theirs.wall_s / ours.wall_s,
        "cpu_ratio": theirs.cpu_s / ours.cpu_s,
    }
    if ours.peak_mb:
        row |= {
            "ours_mb": ours.peak_mb,
            "peer_mb": theirs.peak_mb,
            "memory_ratio": theirs.peak_mb / ours.peak_mb,
        }
    return row
