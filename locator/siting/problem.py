"""What a siting model is asked: who is where, what counts as covered, and the rules.

Demand points and candidate sites are positions in arrays; nothing here knows of maps or stations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger]
Truths = npt.NDArray[np.bool_]


_Entry = TypeVar("_Entry", bound=np.generic)


def all_whole(*values: Floats) -> bool:
    """Return whether all are whole numbers, whose sums are whole and exact too."""
    return all(
        bool(np.all(some == np.round(some)) and np.abs(some).sum() < 2**52) for some in values
    )


def floor_bound(bound: float) -> float:
    """Return the largest whole number that an upper bound allows, but for rounding errors."""
    return float(np.floor(bound + 1e-6 + 1e-12 * abs(bound))) if np.isfinite(bound) else bound


def _checked_matrix(matrix: csr_array, what: str) -> csr_array:
    if not isinstance(matrix, csr_array) or matrix.ndim != 2:
        raise InputError(f"The {what} must be a two-dimensional scipy csr_array.")
    if matrix.shape[1] == 0:
        raise InputError("There is no candidate site; add candidates.")
    if not (matrix.has_canonical_format or matrix.nnz == 0):
        matrix = matrix.copy()
        before = matrix.nnz
        matrix.sum_duplicates()
        if matrix.nnz != before:
            raise InputError(f"The {what} holds two entries for one demand point and candidate.")
    if matrix.dtype != np.bool_ and not (
        np.isfinite(matrix.data).all() and (matrix.data > 0).all()
    ):
        raise InputError(
            f"The {what} holds an entry that is zero, negative or not a number; "
            "leave out what is beyond reach, and write 0.001 for no time at all."
        )
    return matrix


def _checked_row(values: npt.ArrayLike, size: int, what: str, *, infinite: bool = False) -> Floats:
    row = np.ascontiguousarray(values, dtype=np.float64)
    if row.shape != (size,):
        raise InputError(f"{what}: {size} values are needed, {row.shape} came.")
    wrong = np.isnan(row) | (row < 0)
    if not infinite:
        wrong |= np.isinf(row)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{what}, position {first}: {row[first]} is not a number from zero up.")
    return row


@dataclass(frozen=True, eq=False)
class CoverProblem:
    """Which candidate covers which demand, and what is covered already.

    Attributes
    ----------
    cover
        (n, m) ``csr_array``; an entry, whatever its value, says that the candidate covers the
        demand point. Options and demand by the hour come as columns and rows of the same kind
        (:mod:`locator.siting.options`).
    weights
        (n,) demand, in any unit (orders per hour).
    served
        (n,) how many existing stations cover each point already: True or 1 once, 2 twice.
        Beyond the first only backup cover cares.
    times, served_s
        Seconds behind it, if known: for the assignment to the nearest.
    """

    cover: csr_array
    weights: Floats
    served: Ints
    times: csr_array | None = None
    served_s: Floats | None = None

    def __init__(
        self,
        cover: csr_array,
        weights: npt.ArrayLike,
        *,
        served: npt.ArrayLike | None = None,
        times: csr_array | None = None,
        served_s: Floats | None = None,
    ) -> None:
        cover = _checked_matrix(cover, "coverage matrix")
        size = int(cover.shape[0])
        count = _checked_row(np.zeros(size) if served is None else served, size, "Served demand")
        object.__setattr__(self, "cover", cover)
        object.__setattr__(self, "weights", _checked_row(weights, size, "Weights of demand"))
        object.__setattr__(self, "served", count.astype(np.int64))
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "served_s", served_s)

    @classmethod
    def within(
        cls,
        times: csr_array,
        weights: npt.ArrayLike,
        *,
        limit_s: float,
        served_s: npt.ArrayLike | None = None,
    ) -> "CoverProblem":
        """Apply a coverage standard to travel times.

        Parameters
        ----------
        times
            (n, m) seconds from demand to candidate; an absent entry is beyond reach.
        weights
            (n,) demand.
        limit_s
            The coverage standard in seconds; a time of exactly so much is covered.
        served_s
            (n,) seconds to the nearest existing station, ``inf`` where none is in reach.

        Raises
        ------
        InputError
            If a shape or a value is wrong.
        """
        times = _checked_matrix(times, "travel times")
        if not limit_s > 0:
            raise InputError(f"The coverage standard is {limit_s} s; it must be above zero.")
        size = int(times.shape[0])
        far = np.full(size, np.inf) if served_s is None else served_s
        near = _checked_row(far, size, "Times to existing stations", infinite=True)
        within = times.data <= limit_s
        if within.all():
            cover = times
        else:
            starts = np.concatenate([[0], np.cumsum(within)])[times.indptr]
            indices = times.indices[within]
            ones = np.ones(len(indices), dtype=np.bool_)
            cover = csr_array((ones, indices, starts.astype(indices.dtype)), shape=times.shape)
            cover.has_canonical_format = True
        return cls(cover, weights, served=near <= limit_s, times=times, served_s=near)

    @property
    def shape(self) -> tuple[int, int]:
        """Demand points and candidates."""
        return int(self.cover.shape[0]), int(self.cover.shape[1])


@dataclass(frozen=True, eq=False)
class TimeProblem:
    """How long demand rides to each candidate and to the nearest existing station.

    Attributes
    ----------
    times
        (n, m) ``csr_array`` of seconds; an absent entry is beyond reach.
    weights
        (n,) demand.
    served_s
        (n,) seconds to the nearest existing station, ``inf`` where none is in reach.
    unserved_s
        What a demand point that nobody reaches counts in a mean; the longest time that occurs,
        unless said otherwise. It must not be below any time.
    """

    times: csr_array
    weights: Floats
    served_s: Floats
    unserved_s: float

    def __init__(
        self,
        times: csr_array,
        weights: npt.ArrayLike,
        *,
        served_s: npt.ArrayLike | None = None,
        unserved_s: float | None = None,
    ) -> None:
        times = _checked_matrix(times, "travel times")
        size = int(times.shape[0])
        far = np.full(size, np.inf) if served_s is None else served_s
        near = _checked_row(far, size, "Times to existing stations", infinite=True)
        longest = float(max(times.data.max(initial=0.0), near[np.isfinite(near)].max(initial=0.0)))
        beyond = longest if unserved_s is None else float(unserved_s)
        if not beyond >= longest:
            raise InputError(
                f"Demand out of reach is to count {beyond:g} s, less than the longest time "
                f"({longest:g} s); name at least that."
            )
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "weights", _checked_row(weights, size, "Weights of demand"))
        object.__setattr__(self, "served_s", near)
        object.__setattr__(self, "unserved_s", beyond)

    @property
    def shape(self) -> tuple[int, int]:
        """Demand points and candidates."""
        return int(self.times.shape[0]), int(self.times.shape[1])


@dataclass(frozen=True, eq=False)
class Rules:
    """What a selection of candidates must keep to.

    Attributes
    ----------
    new
        At most so many are chosen, those forced in included.
    budget, prices
        The chosen ones cost at most so much; (m,) cost of each, 1 unless given.
    forced_in, forced_out
        Positions of candidates that must, or must not, be chosen.
    groups
        (m,) at most one candidate of each group is chosen; -1 belongs to none.
    districts, at_least
        (m,) district of each candidate, and the least number chosen in some districts.
    positions_m, apart_m
        (m, 2) metres in a local projection; chosen sites lie at least ``apart_m`` apart.
    """

    new: int | None = None
    budget: float | None = None
    prices: npt.ArrayLike | None = None
    forced_in: tuple[int, ...] = ()
    forced_out: tuple[int, ...] = ()
    groups: npt.ArrayLike | None = None
    districts: npt.ArrayLike | None = None
    at_least: Mapping[int, int] = field(default_factory=dict)
    positions_m: npt.ArrayLike | None = None
    apart_m: float = 0.0


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
