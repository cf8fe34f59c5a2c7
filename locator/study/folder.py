"""A study's folder on the disk: refused, replaced whole, or not touched."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyogrio

from locator.errors import StudyError
from locator.paths import refuse_store

__all__ = ["check_folder", "replaced_folder"]


def check_folder(
    out: Path, files: frozenset[str], inside: Mapping[str, frozenset[str]] | None = None
) -> None:
    """Refuse a folder that holds anything but an earlier study's files.

    Parameters
    ----------
    files
        Names that an earlier study may have left in ``out``; they are replaced.
    inside
        The same for folders in ``out``.

    Raises
    ------
    StudyError
        It is a file, the current folder, or holds other files.
    InputError
        One of the files is a locator's store.
    """
    inside = inside or {}
    if out.exists() and not out.is_dir():
        raise StudyError(f"{out} is a file; name a folder with --out.")
    if out.resolve() == Path.cwd():
        raise StudyError(f"{out} is the folder you are in; name another with --out.")
    known = files | set(inside)
    others = sorted(p.name for p in out.iterdir() if p.name not in known) if out.is_dir() else []
    for name, allowed in inside.items():
        folder = out / name
        if folder.is_dir():
            others += sorted(f"{name}/{p.name}" for p in folder.iterdir() if p.name not in allowed)
    for name in sorted(files):
        refuse_store(out / name)
    if others:
        raise StudyError(f"{out} holds other files ({others[0]}); name a new folder with --out.")


@contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``out`` if the block ends well.

    Raises
    ------
    StudyError
        The place cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            draft = Path(folder) / "run"
            draft.mkdir()
            yield draft
            if out.exists():
                out.rename(Path(folder) / "earlier")
            draft.rename(out)
            shutil.rmtree(Path(folder) / "earlier", ignore_errors=True)
    except OSError as error:
        raise StudyError(f"{out} cannot be written: {error.strerror or error}.") from error
    except pyogrio.errors.DataSourceError as error:
        raise StudyError(f"{out} cannot be written: {error}.") from error
