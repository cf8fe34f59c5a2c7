"""Where the files that ship with the program lie, and where a user's own file goes.

``templates/`` and ``geodata/`` sit at the top of a checkout and inside the wheel under
``locator/share/``. A checkout wins: an editable install leaves a stale copy of
force-included folders in site-packages.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

__all__ = ["default_store_path", "geodata_dir", "static_dir", "templates_dir", "written_whole"]


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return package / "share" / name


def templates_dir() -> Path:
    """Return the folder of the HTML templates."""
    return _shipped("templates")


def static_dir() -> Path:
    """Return the folder of our own style sheets and scripts."""
    return templates_dir() / "static"


def geodata_dir() -> Path:
    """Return the folder of the data that ships with the program (its README says from where)."""
    return _shipped("geodata")


def default_store_path() -> Path:
    """Return the store a user gets without asking: a file in their own data folder."""
    return Path(platformdirs.user_data_dir("locator", appauthor=False)) / "locator.gpkg"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a draft beside ``path`` that takes its name only if the block ends well.

    The draft keeps the ending of ``path``, by which libraries choose a format.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".draft-", suffix=path.suffix)
    os.close(handle)
    draft = Path(name)
    draft.unlink()  # GDAL and SQLite want to make their files themselves
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        for leftover in path.parent.glob(f"{draft.name}*"):  # and SQLite's journals beside it
            leftover.unlink(missing_ok=True)
