"""Telling one process from another: a pid is used again, after a while or after a restart."""

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def mark_of(pid: int) -> str:
    """Return what tells a process from a later one of that number.

    On Linux the boot, the space in which the pid counts (containers have their own), and the
    moment the process began; elsewhere an empty text.
    """
    started = _started(pid)
    return "" if started is None else f"{_here()}/{started}"


def lives(pid: int, mark: str) -> bool | None:
    """Tell whether a worker lives; None if that cannot be told from here.

    Parameters
    ----------
    pid, mark
        As the worker said them, see :func:`mark_of`.
    """
    if os.name != "posix":
        return None  # os.kill would end the process there
    boot, _, rest = mark.partition("/")
    space, _, started = rest.partition("/")
    here = _here()
    if not mark or not here:
        return None if _signal_reaches(pid) else False
    own_boot, _, own_space = here.partition("/")
    if boot != own_boot:
        return None  # another machine, or this one before it was started anew
    if space != own_space:
        return None
    return _started(pid) == started


def _here() -> str:
    try:
        return f"{_BOOT.read_text().strip()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process began, in ticks since the boot; None if it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in "ZXx" else fields[19]


def _signal_reaches(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
