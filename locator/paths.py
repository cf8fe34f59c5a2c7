"""Where the files that ship with the program lie, and where a user's own file goes.

``templates/`` and ``geodata/`` sit at the top of a checkout and inside the wheel under
``locator/share/``. A checkout wins: an editable install leaves a stale copy of
force-included folders in site-packages.
"""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import platformdirs

from locator.errors import InputError

_SQLITE = b"SQLite format 3\0"
_BESIDE_A_STORE = ("-wal", "-shm", "-journal")


_PACKAGE = Path(__file__).resolve().parent


def in_checkout() -> bool:
    """Return whether the program runs from a checkout, not from an installed wheel."""
    checkout = _PACKAGE.parent
    return (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir()


def _shipped(name: str) -> Path:
    return _PACKAGE.parent / name if in_checkout() else _PACKAGE / "share" / name


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


def refuse_store(path: Path) -> None:
    """Refuse to write over a locator's store, by whatever name, or over what belongs to it.

    The file itself is asked: it may be a copy, or have come by a link or another spelling.

    Raises
    ------
    InputError
        The file is a store, or the log or the index of one.
    """
    for ending in ("", *_BESIDE_A_STORE):
        owner = path.with_name(path.name.removesuffix(ending))
        if path.name.endswith(ending) and owner.name and _is_store(owner):
            what = "is a locator's store" if owner == path else f"belongs to the store {owner.name}"
            raise InputError(f"{path} {what} and was not touched; write to another file.")


def _is_store(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        if stream.read(len(_SQLITE)) != _SQLITE:
            return False
    # "immutable" leaves no log beside a file that is only looked at.
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'locator_meta'"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a draft beside ``path`` that takes its name only if the block ends well.

    The draft keeps the ending of ``path``, by which libraries choose a format.

    Raises
    ------
    InputError
        There is a locator's store at ``path``.
    """
    _prepare(path)
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


@contextmanager
def written_together(path: Path, endings: Sequence[str]) -> Iterator[Path]:
    """Yield a draft that is several files, which take their places together or not at all.

    The file of ``path``'s own ending makes the others a set: an earlier one goes first and the new
    one comes last, so that a set cut off in between does not open.

    Parameters
    ----------
    endings
        Of the other files; those of an earlier set are removed even where the new one has none.

    Raises
    ------
    InputError
        One of the files is a locator's store.
    """
    _prepare(path)
    for ending in endings:
        refuse_store(path.with_suffix(ending))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft-") as folder:
        new, old = Path(folder, "new"), Path(folder, "old")
        new.mkdir()
        old.mkdir()
        yield new / path.name
        earlier = [path, *(path.with_suffix(ending) for ending in endings)]
        drafts = sorted(new.iterdir(), key=lambda file: file.suffix == path.suffix)
        moves = [(file, old / file.name) for file in earlier if file.exists()]
        moves += [(file, path.with_name(file.name)) for file in drafts]
        _move(moves)


def _move(moves: Sequence[tuple[Path, Path]]) -> None:
    """Move files one after the other; if one cannot be moved, all go back."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.replace(target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            target.replace(source)
        raise


def _prepare(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file")
    refuse_store(path)
    path.parent.mkdir(parents=True, exist_ok=True)
