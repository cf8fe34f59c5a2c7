"""Sums and slices of arrays that the searches need often."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from locator.siting.problem import Floats, Ints

__all__ = ["sums_at", "take_slices"]

_Entry = TypeVar("_Entry", bound=np.generic)


def sums_at(at: Ints, values: Floats, size: int) -> Floats:
    """Return the sum of the values at each position, (size,)."""
    sums: Floats = np.bincount(at, weights=values, minlength=size).astype(np.float64, copy=False)
    return sums


def take_slices(
    indptr: Ints, entries: npt.NDArray[_Entry], which: Ints
) -> tuple[npt.NDArray[_Entry], Ints]:
    """Return the entries of some rows of a sparse matrix one after the other, and how many each."""
    starts = indptr[which].astype(np.int64)
    counts = indptr[which + 1].astype(np.int64) - starts
    before = np.cumsum(counts) - counts
    at = np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
    return entries[at], counts
