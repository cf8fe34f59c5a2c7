"""Quality of cover: how long to the nearest, who has a second choice, what a closing costs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from locator.coverage.points import DemandPoints
from locator.coverage.week import QUARTERS, OpenWeek, within_reach
from locator.travel import BoundModel
from locator.travel.base import Origins

_ROWS_AT_ONCE = 4096
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TimeSummary:
    """Riding time to the nearest station in seconds, weighted by demand; None if none is reached.

    Attributes
    ----------
    mean_s, median_s, p90_s, worst_s
        Over the demand that reaches a station at all.
    unreachable_share
        Share of demand from which no way leads to any.
    """

    mean_s: float | None
    median_s: float | None
    p90_s: float | None
    worst_s: float | None
    unreachable_share: float | None


def nearest_seconds(bound: BoundModel, points: Origins, mask: Mask) -> Floats:
    """Return (n,) seconds from each place to the nearest station in the mask; ``inf`` is none."""
    return bound.nearest(points, k=1, mask=mask).seconds[:, 0]


def summarise_times(seconds: Floats, demand: Floats) -> TimeSummary:
    """Summarise (n,) seconds to the nearest station; ``inf`` is out of reach."""
    total = float(demand.sum())
    reached = np.isfinite(seconds) & (demand > 0)
    if total <= 0 or not reached.any():
        return TimeSummary(None, None, None, None, 1.0 if total > 0 else None)
    unreached = float(demand[~np.isfinite(seconds)].sum())
    seconds, weight = seconds[reached], demand[reached]
    return TimeSummary(
        mean_s=float(np.average(seconds, weights=weight)),
        median_s=weighted_quantile(seconds, weight, 0.5),
        p90_s=weighted_quantile(seconds, weight, 0.9),
        worst_s=float(seconds.max()),
        unreachable_share=unreached / total,
    )


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """Return the smallest value that at least this share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    # A sum of shares may fall short of the whole by rounding.
    at = int(np.searchsorted(below, share * below[-1] * (1 - 1e-12), side="left"))
    return float(values[order][min(at, len(values) - 1)])


def covered_by_limit(seconds: Floats, demand: Floats, limits_s: Floats) -> Floats:
    """Return the share of demand within each limit; NaN without demand."""
    order = np.argsort(seconds, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(demand[order])])
    if below[-1] <= 0:
        return np.full(len(limits_s), np.nan)
    share: Floats = below[np.searchsorted(seconds[order], limits_s, side="right")] / below[-1]
    return share


def share_with_backup(
    demand: Floats, times: csr_array, *, limit_s: float, mask: Mask, least: int = 2
) -> float | None:
    """Return the share of demand with at least two stations within the limit.

    Backup coverage: Hogan & ReVelle 1986, Concepts and applications of backup coverage,
    Management Science 32:1434-1444.
    """
    count = np.diff(within_reach(times, limit_s=limit_s, mask=mask).indptr)
    total = float(demand.sum())
    return float(demand[count >= least].sum()) / total if total > 0 else None


def demand_lost_by_closing(
    demand: Floats, times: csr_array, *, limit_s: float, mask: Mask
) -> Floats:
    """Return (m,) demand per hour that would lose its cover if one station closed, each alone.

    A point is lost when the closed station is the only one it reaches. All stations in one pass:
    the points with one station in reach, added up by that station. NaN for stations not counted.
    """
    reach = within_reach(times, limit_s=limit_s, mask=mask)
    alone = np.flatnonzero(np.diff(reach.indptr) == 1)
    station = reach.indices[reach.indptr[alone]]
    lost = np.bincount(station, weights=demand[alone], minlength=reach.shape[1])
    return np.where(mask, lost, np.nan)


def week_lost_by_closing(
    points: DemandPoints, times: csr_array, week: OpenWeek, *, limit_s: float, mask: Mask
) -> Floats:
    """Return (m,) orders per week that would lose their cover if one station closed, each alone.

    As :func:`demand_lost_by_closing`, in every quarter-hour against the stations open then.
    """
    reach = within_reach(times, limit_s=limit_s, mask=mask)
    usable = week.open.astype(np.float32)
    lost = np.zeros(usable.shape[0])
    by_quarter = np.repeat(points.factors, QUARTERS, axis=1).astype(np.float32) / QUARTERS
    for begin in range(0, len(points), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        part = reach[rows]
        orders = points.demand_per_h[rows, None] * by_quarter[points.piece[rows]]
        alone = np.where(part @ usable == 1, orders, 0).astype(np.float32)
        lost += np.einsum("ms,ms->m", part.T @ alone, usable, dtype=np.float64)
    return np.where(mask, lost, np.nan)
