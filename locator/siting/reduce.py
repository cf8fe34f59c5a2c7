"""Smaller models with the same best selection.

Demand that nobody can serve better is dropped, rows with the same candidates are merged, and
candidates that another one does everything for at no higher price are dropped (Toregas et al.
1971, Operations Research 19:1363-1373; Church & ReVelle 1974, Papers of the RSA 32:101-118).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.siting.problem import CoverProblem, Floats, Ints, Truths, sums_at, take_slices
from locator.siting.terms import Terms

_PIECE = 2_000_000
_PAIRS_LIMIT = 400_000_000  # products looked at for dominance: a few seconds


@dataclass(frozen=True, eq=False)
class Cover:
    """A coverage model without what changes nothing.

    Attributes
    ----------
    indptr, indices
        Columns of each row, ascending: the arrays of a csr matrix, (n' + 1,) and (nnz,).
    col_indptr, col_indices
        Rows of each column.
    first, second
        (n',) what a row is worth when covered once, and what a second time adds; ``second`` is
        never above ``first``.
    row_of
        (n,) the row that each demand point went into, -1 where dropped.
    width
        Number of columns.
    """

    indptr: Ints
    indices: Ints
    col_indptr: Ints
    col_indices: Ints
    first: Floats
    second: Floats
    row_of: Ints
    width: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.first)

    def matrix(self, dtype: npt.DTypeLike = np.float64) -> csr_array:
        """Return the rows as a matrix of ones."""
        ones = np.ones(len(self.indices), dtype=dtype)
        return csr_array((ones, self.indices, self.indptr), shape=(self.height, self.width))


def reduce_cover(problem: CoverProblem, terms: Terms, *, backup: float = 0.0) -> Cover:
    """Drop what is served or out of reach, columns that are out, and merge rows.

    Parameters
    ----------
    backup
        What a second cover is worth as a share of the first, 0 to 1.
    """
    served = problem.served
    first = np.where(served == 0, 1.0, np.where(served == 1, backup, 0.0)) * problem.weights
    second = np.where(served == 0, backup, 0.0) * problem.weights
    cover = problem.cover
    allowed = terms.high > 0
    indptr, indices = cover.indptr, cover.indices
    if not allowed.all():
        keep = allowed[indices]
        indptr = np.concatenate([[0], np.cumsum(keep)])[indptr].astype(indptr.dtype)
        indices = indices[keep]
    rows = np.flatnonzero((first > 0) & (np.diff(indptr) > 0))
    if len(rows) < len(first):
        indices, counts = take_slices(indptr, indices, rows)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(indptr.dtype)
    row_of = np.full(len(first), -1, dtype=np.int64)
    row_of[rows] = np.arange(len(rows))
    return _merged(indptr, indices, first[rows], second[rows], row_of, int(cover.shape[1]))


def _merged(
    indptr: Ints,
    indices: Ints,
    first: Floats,
    second: Floats,
    row_of: Ints,
    width: int,
) -> Cover:
    to, kept = merge_rows(indptr, indices, width)
    if len(kept) < len(first):
        first = sums_at(to, first, len(kept))
        second = sums_at(to, second, len(kept))
        indices, counts = take_slices(indptr, indices, kept)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(indptr.dtype)
        row_of = _chained(row_of, to)
    col_indptr, col_indices = by_column(indptr, indices, width)
    return Cover(indptr, indices, col_indptr, col_indices, first, second, row_of, width)


def _chained(row_of: Ints, to: Ints) -> Ints:
    """Return where each position goes after a second step; -1 stays -1."""
    result = np.full(len(row_of), -1, dtype=np.int64)
    inside = row_of >= 0
    result[inside] = to[row_of[inside]]
    return result


def by_column(indptr: Ints, indices: Ints, width: int) -> tuple[Ints, Ints]:
    """Return the same entries by column: pointers and row numbers, ascending."""
    flags = np.ones(len(indices), dtype=np.int8)
    turned = csr_array((flags, indices, indptr), shape=(len(indptr) - 1, width)).tocsc()
    return turned.indptr, turned.indices


def merge_rows(indptr: Ints, indices: Ints, width: int) -> tuple[Ints, Ints]:
    """Return for each row the merged row it belongs to, and one original row of each.

    Rows are grouped by the wrapping sum of a random 64-bit number per column and compared
    entry by entry with the first of their group; a row that differs stays by itself, so that
    chance can cost a merge but never an answer. Entries must be ascending within a row.
    """
    size = len(indptr) - 1
    if size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    keys = np.random.default_rng(20261123).integers(0, 2**63, width, dtype=np.uint64)
    total = np.zeros(size, dtype=np.uint64)
    for start in range(0, size, 65_536):
        stop = min(size, start + 65_536)
        part = np.zeros(indptr[stop] - indptr[start] + 1, dtype=np.uint64)
        np.cumsum(keys[indices[indptr[start] : indptr[stop]]], out=part[1:])
        sums = part[indptr[start : stop + 1] - indptr[start]]
        total[start:stop] = sums[1:] - sums[:-1]
    _, leader, group = np.unique(total, return_index=True, return_inverse=True)
    chief = leader[group.ravel()]
    other = np.flatnonzero(chief != np.arange(size))
    if len(other):
        chief[other] = np.where(
            _same_rows(indptr, indices, other, chief[other]), chief[other], other
        )
    kept, to = np.unique(chief, return_inverse=True)
    return to.ravel().astype(np.int64), kept.astype(np.int64)


def _same_rows(
    indptr: Ints,
    indices: Ints,
    one: Ints,
    other: Ints,
) -> Truths:
    same: Truths = np.diff(indptr)[one] == np.diff(indptr)[other]
    at = np.flatnonzero(same)
    for start in range(0, len(at), 50_000):
        piece = at[start : start + 50_000]
        left, counts = take_slices(indptr, indices, one[piece])
        right, _ = take_slices(indptr, indices, other[piece])
        row = np.repeat(np.arange(len(piece)), counts)
        wrong = sums_at(row, left != right, len(piece))
        same[piece] = wrong == 0
    return same


def dominated_columns(cover: Cover, terms: Terms) -> Truths:
    """Return which candidates another one makes needless.

    A candidate is needless when one of no higher price covers all that it covers, and putting
    that one in its place breaks no rule: neither is forced in, both belong to the same group or
    the other to none, and neither distances nor least numbers by district are asked. Of equals the
    first stays. Where the products of the matrix with itself are too many, none is named.
    """
    none = np.zeros(cover.width, dtype=bool)
    counts = np.diff(cover.indptr).astype(np.float64)
    if terms.near is not None or terms.needs or float(counts @ counts) > _PAIRS_LIMIT:
        return none
    matrix = cover.matrix(np.float32)
    shared = (matrix.T @ matrix).tocoo()
    size = np.diff(cover.col_indptr)
    inner, outer = shared.coords
    price, group = terms.prices, terms.group
    inside = (shared.data == size[inner]) & (inner != outer) & (price[outer] <= price[inner])
    inside &= (group[outer] == group[inner]) | (group[outer] < 0)
    inside &= (terms.low[inner] == 0) & (terms.low[outer] == 0)
    equal = (size[inner] == size[outer]) & (price[outer] == price[inner])
    equal &= group[outer] == group[inner]
    inside &= ~equal | (outer < inner)
    none[inner[inside]] = True
    none[(size == 0) & (terms.low == 0)] = True
    return none


def restrict(
    cover: Cover, terms: Terms, keep: Truths, ones: Truths
) -> tuple[Cover, Terms, Ints, float]:
    """Return the model of some columns, a few of them fixed at one.

    Parameters
    ----------
    keep
        (m,) columns that stay; those fixed or forced in stay anyway.
    ones
        (m,) columns to fix at one: what they cover is taken out of the rows.

    Returns
    -------
    tuple
        The model, its rules, the old position of each of its columns, and the value of ``ones``.
    """
    keep = keep | ones | (terms.low > 0)
    counts = np.zeros(cover.height, dtype=np.int64)
    for site in np.flatnonzero(ones):
        counts[cover.col_indices[cover.col_indptr[site] : cover.col_indptr[site + 1]]] += 1
    base = float(cover.first[counts > 0].sum() + cover.second[counts > 1].sum())
    first = np.where(counts == 0, cover.first, np.where(counts == 1, cover.second, 0.0))
    second = np.where(counts == 0, cover.second, 0.0)
    stays = (keep & ~ones)[cover.indices]
    stays &= np.repeat(first > 0, np.diff(cover.indptr))
    indptr = np.concatenate([[0], np.cumsum(stays)])[cover.indptr]
    new = np.cumsum(keep) - 1
    indices = new[cover.indices[stays]].astype(cover.indices.dtype)
    rows = np.flatnonzero(np.diff(indptr) > 0)
    starts = np.concatenate([[0], indptr[rows + 1]]).astype(cover.indptr.dtype)
    row_of = np.full(cover.height, -1, dtype=np.int64)
    row_of[rows] = np.arange(len(rows))
    small = _merged(starts, indices, first[rows], second[rows], row_of, int(keep.sum()))
    ids = np.flatnonzero(keep)
    return small, terms.take(ids, ones[ids]), ids, base


def select_entries(cover: Cover, rows: Truths, columns: Truths) -> Cover:
    """Return some rows with the entries of some columns, rows merged, columns not renumbered."""
    stays = columns[cover.indices] & np.repeat(rows, np.diff(cover.indptr))
    indptr = np.concatenate([[0], np.cumsum(stays)])[cover.indptr]
    kept = np.flatnonzero(rows)
    starts = np.concatenate([[0], indptr[kept + 1]]).astype(cover.indptr.dtype)
    to = np.full(cover.height, -1, dtype=np.int64)
    to[kept] = np.arange(len(kept))
    row_of = _chained(cover.row_of, to)
    indices = cover.indices[stays]
    return _merged(starts, indices, cover.first[kept], cover.second[kept], row_of, cover.width)


def implied_rows(cover: Cover) -> Truths:
    """Return the rows that are covered whenever another row is: its candidates are among theirs.

    Rows must differ, as merging leaves them. Where there are too many products, none is named.
    """
    gone = np.zeros(cover.height, dtype=bool)
    counts = np.diff(cover.col_indptr).astype(np.float64)
    if float(counts @ counts) > _PAIRS_LIMIT:
        return gone
    matrix = cover.matrix(np.float32)
    turned = csr_array(matrix.T)
    size = np.diff(cover.indptr)
    for start in range(0, cover.height, 1000):
        shared = (matrix[start : start + 1000] @ turned).tocoo()
        inner, outer = shared.coords[0] + start, shared.coords[1]
        inside = (shared.data == size[inner]) & (size[inner] < size[outer])
        gone[outer[inside]] = True
    return gone
