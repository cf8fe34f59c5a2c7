"""Supply against demand: the enhanced two-step floating catchment area."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.errors import InputError

Floats = npt.NDArray[np.float64]

# Luo & Qi 2009, An enhanced two-step floating catchment area (E2SFCA) method, Health & Place
# 15:1100-1107: weights of three bands of travel time, as PySAL's access takes them from there.
# Their bands are 10, 20 and 30 minutes by car; here they are as wide in proportion, to ten
# minutes' ride.
BANDS: tuple[tuple[float, float], ...] = ((200.0, 1.0), (400.0, 0.68), (600.0, 0.22))


def floating_catchment(
    times: csr_array,
    demand: Floats,
    supply: Floats,
    *,
    bands: Sequence[tuple[float, float]] = BANDS,
) -> Floats:
    """Return (n,) accessibility: places per unit of demand that each demand point can count on.

    Step one: each station's supply over the weighted demand that reaches it. Step two: the
    weighted sum of these ratios over the stations that a point reaches. The demand-weighted sum of
    the answer is the supply of all stations that any demand reaches.

    Parameters
    ----------
    times
        (n, m) seconds, with all pairs within the last band.
    demand
        (n,) demand of the points.
    supply
        (m,) supply of the stations, such as seats; 0 for those that do not count.
    bands
        (upper limit in seconds, weight), limits rising.

    Raises
    ------
    InputError
        Limits do not rise, or a weight is not in 0 to 1.
    """
    limits = np.array([limit for limit, _ in bands])
    weights = np.array([weight for _, weight in bands] + [0.0])
    if not len(limits) or (np.diff(limits) <= 0).any() or limits[0] <= 0:
        raise InputError("The catchment's time bands must rise: write the shortest first.")
    if (weights < 0).any() or (weights > 1).any():
        raise InputError("The weights of the catchment's bands must be 0 to 1.")
    row = np.repeat(np.arange(times.shape[0]), np.diff(times.indptr))
    column = times.indices
    weight = weights[np.searchsorted(limits, times.data, side="left")]
    asked = np.bincount(column, weights=weight * demand[row], minlength=times.shape[1])
    ratio = np.divide(supply, asked, out=np.zeros(len(asked)), where=asked > 0)
    served = weight * ratio[column]
    access: Floats = np.bincount(row, weights=served, minlength=times.shape[0]).astype(np.float64)
    return access
