"""Taking up a study that was cut off: its finished tables wait beside its folder."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from locator.paths import written_whole
from locator.report.folder import Cell, PlainTable

_MARK = "question.txt"
_NOISE = 1e-12  # what is left where sums of the same numbers are taken from each other


def to_plain(table: pd.DataFrame) -> PlainTable:
    """Return a frame's columns and rows as JSON can hold them: no NaN, no infinity, no numpy."""
    columns = [str(name) for name in table.columns]
    cells = [[_plain(value) for value in table[name]] for name in table.columns]
    return PlainTable(columns=columns, rows=[list(row) for row in zip(*cells, strict=True)])


def _plain(value: object) -> Cell:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not np.isfinite(number):
            return None
        return 0.0 if abs(number) < _NOISE else number
    return str(value)


def to_frame(table: PlainTable) -> pd.DataFrame:
    """Return a plain table as a frame."""
    return pd.DataFrame(table["rows"], columns=table["columns"])


class Checkpoints:
    """Finished tables of one question, kept in a hidden folder until the study is whole.

    Parameters
    ----------
    folder
        Where they wait; another question's are thrown away.
    key
        Identifies the question: data, settings, standards, everything the tables follow from.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        mark = folder / _MARK
        kept = mark.read_bytes() if mark.is_file() else None
        if kept != key.encode():
            self._forget()
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_bytes(key.encode())

    def take(self, name: str, make: Callable[[], pd.DataFrame]) -> PlainTable:
        """Return a table that was finished before, or make it and keep it."""
        path = self._folder / f"{name}.json"
        kept = _read(path) if path.is_file() else None
        if kept is not None:
            return kept
        table = to_plain(make())
        with written_whole(path) as draft:
            text = json.dumps(table, ensure_ascii=False, allow_nan=False)
            draft.write_text(text, encoding="utf-8")
        return table

    def clear(self) -> None:
        """Throw the kept tables away."""
        self._forget()
        with suppress(OSError):  # somebody else's files lie in it
            self._folder.rmdir()

    def _forget(self) -> None:
        for path in (*self._folder.glob("*.json"), self._folder / _MARK):
            path.unlink(missing_ok=True)


def _read(path: Path) -> PlainTable | None:
    """Return a kept table; None for a file that was cut off or spoilt."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        table = json.loads(path.read_bytes(), parse_constant=refuse)
        columns, rows = table["columns"], table["rows"]
        whole = isinstance(columns, list) and all(len(row) == len(columns) for row in rows)
    except (ValueError, TypeError, KeyError):
        return None
    return PlainTable(columns=columns, rows=rows) if whole else None
