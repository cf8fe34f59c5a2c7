"""The week's profile of a zone: demand an hour, 168 shares, and no hour that tells on a few."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locator.coverage.demand import HOURS_OF_WEEK
from locator.errors import InputError
from locator.hotzones.cells import hours_of_week

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_HOURS = np.arange(HOURS_OF_WEEK)
_HOUR_OF_DAY = _HOURS % 24
_WEEKEND = _HOURS >= 120
# Night, morning, noon, afternoon, evening, late: where meals part the riders' day.
_PART_OF_DAY = np.searchsorted([6, 10, 14, 17, 21], _HOUR_OF_DAY, side="right")
# What hours have in common, the nearest first: small ones are put together with their like.
_LEVELS = (
    _HOURS,
    _WEEKEND * 24 + _HOUR_OF_DAY,
    _WEEKEND * 6 + _PART_OF_DAY,
    _WEEKEND * 1,
    _HOURS * 0,
)


@dataclass(frozen=True)
class Span:
    """The time a file covers, whole hours: ``since`` is in it, ``until`` is not.

    Attributes
    ----------
    since, until
        Local ``datetime64[h]``.
    """

    since: np.datetime64
    until: np.datetime64

    @property
    def hours(self) -> int:
        """Number of hours."""
        return int((self.until - self.since).astype(np.int64))

    def times_each(self) -> Ints:
        """Return how often each hour of the week occurs, (168,): a part week counts as it is."""
        whole, rest = divmod(self.hours, HOURS_OF_WEEK)
        first = int(hours_of_week(np.array([self.since]))[0])
        times = np.full(HOURS_OF_WEEK, whole)
        times[(first + np.arange(rest)) % HOURS_OF_WEEK] += 1
        return times


@dataclass(frozen=True)
class WeekProfile:
    """A zone's mean demand per hour over the week, and each hour's share of it.

    Attributes
    ----------
    demand_per_h
        In the unit of the weights an hour.
    shares
        (168,) from Monday 00:00, adding up to 1; None is flat.
    pools
        Into how many groups of hours the rows were put; 168 is every hour by itself.
    """

    demand_per_h: float
    shares: Floats | None
    pools: int


def pool_hours(rows: Ints, k: int) -> Ints:
    """Put the hours of the week into pools of at least ``k`` rows each, as small as can be.

    An hour with ``k`` rows stands by itself. Smaller ones are put together: first the small ones
    of one hour of the day on working days (Monday to Friday) or at weekends, then what is still
    too small by part of the day, by working day or weekend, over the week. What is left in the end
    joins the pool with the fewest rows an hour. With a ``k`` of 1 nothing is pooled.

    Parameters
    ----------
    rows
        (168,) rows in each hour, at least ``k`` in all.

    Returns
    -------
    array
        (168,) number of the pool of each hour.
    """
    if k <= 1:
        return _HOURS
    pool = np.full(HOURS_OF_WEEK, -1)
    for level in _LEVELS:
        for group in np.unique(level):
            small = (level == group) & (pool < 0)
            if rows[small].sum() >= k:
                pool[small] = pool.max() + 1
    left = pool < 0
    if left.any():
        mean = np.bincount(pool[~left], weights=rows[~left]) / np.bincount(pool[~left])
        pool[left] = int(mean.argmin())
    return pool


def profile_demand(rows: Ints, weight: Ints, times_each: Ints, k: int, unit: int) -> WeekProfile:
    """Return demand per hour and shares from what was counted in a span.

    Demand of an hour of the week is its pool's weight over the hours that the pool occurred in the
    span: a part week, or five Mondays and four Tuesdays, does not bend the shares.

    Parameters
    ----------
    rows, weight
        (168,) counts of a zone.
    times_each
        (168,) how often each hour of the week occurred.
    k
        Fewest rows that may be told from others.
    unit
        Parts of a weight that make one.

    Raises
    ------
    InputError
        There are fewer than ``k`` rows.
    """
    if rows.sum() < k:
        raise InputError(f"A zone has fewer than {k} rows; nothing of it may be shown.")
    seen = times_each > 0
    pool = pool_hours(rows, k)
    count = int(pool.max()) + 1
    hours = np.bincount(pool, weights=times_each, minlength=count)
    demand = np.bincount(pool, weights=weight / unit, minlength=count) / np.maximum(hours, 1)
    rate = _fill_unseen(np.where(seen, demand[pool], np.nan))
    mean = float(rate.mean())
    shares = rate / rate.sum() if count > 1 and mean > 0 else None
    return WeekProfile(mean, shares, count)


def _fill_unseen(rate: Floats) -> Floats:
    """Give hours that the span does not have the mean of their like: nothing is known of them."""
    rate = rate.copy()
    for level in (*_LEVELS[1:2], _HOUR_OF_DAY, *_LEVELS[2:]):
        if not np.isnan(rate).any():
            break
        known = ~np.isnan(rate)
        size = int(level.max()) + 1
        count = np.bincount(level[known], minlength=size)
        total = np.bincount(level[known], weights=rate[known], minlength=size)
        fill = ~known & (count[level] > 0)
        rate[fill] = (total / np.maximum(count, 1))[level[fill]]
    return rate
