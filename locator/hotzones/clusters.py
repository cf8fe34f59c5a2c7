"""Significant clusters: Getis-Ord Gi* through PySAL, the false-discovery rate kept."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from esda import fdr
from esda.getisord import G_Local
from libpysal.graph import Graph

from locator.errors import InputError

MIN_CELLS = 20
_LEVELS = 4_096  # into which the values are rounded for their exact distribution

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """Gi* of every cell of an area.

    Attributes
    ----------
    z
        (n,) standardised Gi*.
    p, p_normal
        (n,) two-sided p of a sum this high: from the values shuffled, and from the normal curve.
    threshold
        Cells with ``p`` below it are significant; of ``p`` or ``p_normal``, as was asked.
    significant
        (n,) which cells are significant and high.
    """

    z: Floats
    p: Floats
    p_normal: Floats
    threshold: float
    significant: npt.NDArray[np.bool_]


def find_clusters(
    values: Ints, focal: Ints, near: Ints, *, alpha: float = 0.05, normal: bool = False
) -> Clusters:
    """Return Gi* of each cell, and where it is significantly high.

    ``G*_i = sum of x over i and its neighbours / sum of x``, standardised by its moments when the
    values are shuffled over the cells (Getis & Ord 1992, *The analysis of spatial association by
    use of distance statistics*, Geographical Analysis 24:189-206; Ord & Getis 1995, *Local spatial
    autocorrelation statistics*, 27:286-306, eq. 6):

    ``z_i = (sum - c m) / sqrt(s² c (n - c) / (n - 1))``, c cells summed, m and s² mean and
    variance of all n.

    As many tests as cells are made. The false-discovery rate is kept at ``alpha`` (Benjamini &
    Hochberg 1995, J. R. Stat. Soc. B 57:289-300; for local statistics Caldas de Castro & Singer
    2006, *Controlling the false discovery rate*, Geographical Analysis 38:180-208) by ``esda.fdr``.

    Parameters
    ----------
    values
        (n,) whole numbers, 0 or more.
    focal, near
        Pairs of cells: each with itself and with each of its neighbours.
    normal
        Judge by ``p_normal``, as most programs do. Counts are skewed: where cells hold few rows,
        chance alone then makes zones (docs/methods.md).

    Raises
    ------
    InputError
        There are too few cells for the statistic to have a meaning.
    """
    if len(values) < MIN_CELLS:
        raise InputError(
            f"The points fill {len(values)} cells, and clusters are told from chance among "
            f"{MIN_CELLS} or more; take a finer --resolution or more points."
        )
    if values.min() == values.max():
        flat = np.ones(len(values))
        return Clusters(flat * 0.0, flat, flat, 0.0, np.zeros(len(values), dtype=bool))
    # esda and libpysal count in float64: whole numbers up to 2**53 stay exact.
    pairs = pd.MultiIndex.from_arrays([focal, near], names=["focal", "neighbor"])
    graph = Graph(pd.Series(1.0, index=pairs, name="weight").sort_index())
    found = G_Local(values.astype(np.float64), graph, transform="B", star=True, permutations=0)
    z = np.asarray(found.Zs, dtype=np.float64)
    p_normal = np.where(z > 0, 2 * np.asarray(found.p_norm), 1.0)
    p = shuffled_p(values, focal, near)
    judged = p_normal if normal else p
    threshold = float(fdr(judged, alpha))
    return Clusters(z, p, p_normal, threshold, (judged < threshold) & (z > 0))


def shuffled_p(values: Ints, focal: Ints, near: Ints) -> Floats:
    """Return twice the probability of a sum as high as each cell's when values are shuffled.

    The normal curve is the limit of this distribution for many neighbours; six are few, and counts
    are skewed. The sum of c values drawn from the n at hand has the c-fold convolution of their
    distribution, which is computed, not simulated: no seed, and no smallest p. Draws are taken
    with replacement; without, tails are no heavier (Hoeffding 1963, J. Am. Stat. Assoc. 58:13-30,
    theorem 4), so the p is on the safe side.

    Past 4,096 the values are rounded to as many levels, for the sum and its distribution alike.
    """
    levels = values // max(int(np.gcd.reduce(values)), 1)
    if levels.max() > _LEVELS:
        levels = np.round(levels * (_LEVELS / levels.max())).astype(np.int64)
    share = np.bincount(levels) / len(levels)
    sums = np.bincount(focal, weights=levels[near], minlength=len(levels)).astype(np.int64)
    drawn = np.bincount(focal, minlength=len(levels))
    p = np.ones(len(levels))
    density = np.ones(1)
    for size in range(1, int(drawn.max(initial=0)) + 1):
        density = np.convolve(density, share)
        at_least = np.cumsum(density[::-1])[::-1]
        here = drawn == size
        p[here] = np.minimum(1.0, 2 * at_least[sums[here]])
    return p
