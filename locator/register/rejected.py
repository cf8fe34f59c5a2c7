"""The file of rejected rows: as they stood, with what is wrong, to mend and import again."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from locator.errors import RegisterError
from locator.paths import written_whole
from locator.register.formats import guard_cell
from locator.register.rows import RejectedRow
from locator.register.tables import AS_REJECTED, OUR_COLUMNS_PREFIX, row_digest

_NOTES = (*(f"{OUR_COLUMNS_PREFIX}{name}" for name in ("row", "columns", "reasons")), AS_REJECTED)


def write_rejected(rejected: Sequence[RejectedRow], header: Sequence[str], path: Path) -> None:
    """Write rejected rows to a file at once; see :func:`keep_rejected`."""
    with keep_rejected(path, header) as keep:
        keep(rejected)


@contextmanager
def keep_rejected(
    path: Path | None, header: Sequence[str]
) -> Iterator[Callable[[Sequence[RejectedRow]], None]]:
    """Give a function that adds rejected rows to a CSV, which appears whole at the block's end.

    The columns that start with ``#`` say what is wrong; ``#as-rejected`` lets an import know a row
    that nobody has mended, such as the second row of an id, which alone would look good. Without
    a path, or if no row is added, no file is made.

    Raises
    ------
    RegisterError
        The place cannot be written.
    """
    columns = [name for name in header if name and name not in _NOTES]
    with ExitStack() as stack:
        write: list[Callable[[Iterable[object]], object]] = []

        def keep(rows: Sequence[RejectedRow]) -> None:
            if path is None or not rows:
                return
            with _told(path):
                add(path, rows)

        def add(path: Path, rows: Sequence[RejectedRow]) -> None:
            if not write:
                draft = stack.enter_context(written_whole(path))
                stream = draft.open("w", encoding="utf-8-sig", newline="")
                write.append(csv.writer(stack.enter_context(stream)).writerow)
                write[0]([*_NOTES, *columns])
            for item in rows:
                reasons = "; ".join(f"{f.column} {f.value!r} {f.reason}" for f in item.faults)
                faulty = ";".join(f.column for f in item.faults)
                cells = [item.row.cells.get(name, "") for name in columns]
                about = (str(item.row.number), faulty, reasons, row_digest(item.row))
                write[0](guard_cell(c) for c in (*about, *cells))

        yield keep
        with _told(path):
            stack.close()


@contextmanager
def _told(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RegisterError(f"{path} cannot be written: {error.strerror or error}.") from error
