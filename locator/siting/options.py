"""Options instead of sites: open a post, extend hours, add a service, add a cabinet.

Covered order-hours of a week are maximum cover: a row is a demand point in an hour of the week, a
column is an option with a price, and an option covers the rows whose point is in reach of its place
and whose hour lies in its hours. Hours in which the same options run are one hour here, and rows
that the same options cover are merged later, so that a week costs little more than a few hours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from locator.errors import InputError
from locator.siting.problem import CoverProblem, Floats, Ints, Truths


@dataclass(frozen=True, eq=False)
class Options:
    """What could be done, one option a position.

    Attributes
    ----------
    place
        (o,) column of the reach matrix where the option serves from: a candidate site, or an
        existing station whose hours or services it extends.
    hours
        (o, h) whether the option serves in each hour of the week: only the hours that it adds.
    prices
        (o,) cost of each; give the same to :class:`~locator.siting.problem.Rules`.
    groups
        (o,) options of which at most one is taken (until 22:00, until 24:00) share a number; -1
        stands alone; give the same to the rules.
    """

    place: Ints
    hours: Truths
    prices: Floats
    groups: Ints


@dataclass(frozen=True, eq=False)
class HourClasses:
    """Which demand point and which hours each row of a week's problem stands for.

    Attributes
    ----------
    point
        (r,) position of the demand point.
    kind
        (r,) class of hours.
    of_hour
        (h,) the class of each hour of the week.
    """

    point: Ints
    kind: Ints
    of_hour: Ints


def week_problem(
    reach: csr_array,
    demand: npt.ArrayLike,
    served: npt.NDArray[np.bool_],
    options: Options,
) -> tuple[CoverProblem, HourClasses]:
    """Put demand by the hour and options together as a coverage problem.

    Parameters
    ----------
    reach
        (n, p) ``csr_array``; an entry says that the place is in reach of the demand point. For an
        option that needs a service, give the option a place of its own whose column says who
        would use it.
    demand
        (n, h) orders of each point in each hour of the week.
    served
        (n, h) whether an existing station in reach is open in that hour.
    options
        What could be done.

    Returns
    -------
    tuple
        The problem, one column an option, for :func:`~locator.siting.cover.solve_mclp` with
        ``Rules(budget=..., prices=options.prices, groups=options.groups)``, and what its rows
        stand for. Objective and baseline are order-hours of the week. In each row demand that is
        served already and that is not are told apart, so a point and class may have two rows.

    Raises
    ------
    InputError
        If a shape is wrong.
    """
    orders = np.asarray(demand, dtype=np.float64)
    hours = np.asarray(options.hours, dtype=bool)
    _check(reach, orders, served, hours, options)
    patterns, of_hour = np.unique(hours, axis=1, return_inverse=True)
    of_hour = of_hour.ravel().astype(np.int64)
    member = np.zeros((orders.shape[1], patterns.shape[1]))
    member[np.arange(orders.shape[1]), of_hour] = 1.0
    open_demand = np.where(served, 0.0, orders) @ member
    served_demand = np.where(served, orders, 0.0) @ member
    point, kind = np.nonzero(open_demand > 0)
    cover = _rows(reach, patterns, options.place, point, kind)
    done_point, done_kind = np.nonzero(served_demand > 0)
    empty = csr_array((len(done_point), len(options.place)), dtype=bool)
    everything = csr_array(
        (
            np.ones(cover.nnz, dtype=bool),
            cover.indices,
            np.concatenate([cover.indptr, np.full(empty.shape[0], cover.nnz)]),
        ),
        shape=(cover.shape[0] + empty.shape[0], len(options.place)),
    )
    problem = CoverProblem(
        everything,
        np.concatenate([open_demand[point, kind], served_demand[done_point, done_kind]]),
        served=np.repeat([False, True], [len(point), len(done_point)]),
    )
    rows = (np.concatenate([point, done_point]), np.concatenate([kind, done_kind]))
    return problem, HourClasses(rows[0], rows[1], of_hour)


def _check(
    reach: csr_array,
    orders: Floats,
    served: npt.NDArray[np.bool_],
    hours: Truths,
    options: Options,
) -> None:
    if orders.ndim != 2 or orders.shape[0] != reach.shape[0] or served.shape != orders.shape:
        raise InputError(
            f"Demand {orders.shape} and served {served.shape} must both be the demand points of "
            f"the reach matrix {reach.shape} by the hours."
        )
    count = len(options.place)
    if hours.shape != (count, orders.shape[1]):
        raise InputError(
            f"Hours of the options must be {count} by {orders.shape[1]}, not {hours.shape}."
        )
    if len(options.prices) != count or len(options.groups) != count:
        raise InputError(f"{count} options need as many prices and groups.")
    if count and not (options.place.min() >= 0 and options.place.max() < reach.shape[1]):
        raise InputError("An option's place is no column of the reach matrix.")


def _rows(reach: csr_array, patterns: Truths, place: Ints, point: Ints, kind: Ints) -> csr_array:
    """Return which options cover each (point, class of hours), as a matrix of flags."""
    by_place = coo_array(
        (np.ones(len(place)), (place, np.arange(len(place)))),
        shape=(reach.shape[1], len(place)),
    ).tocsr()
    flags = csr_array((np.ones(len(reach.indices)), reach.indices, reach.indptr), shape=reach.shape)
    usable = csr_array(flags @ by_place)[point]
    row = np.repeat(np.arange(len(point)), np.diff(usable.indptr))
    runs = patterns[usable.indices, kind[row]]
    indptr = np.concatenate([[0], np.cumsum(runs)])[usable.indptr]
    cover = csr_array(
        (np.ones(int(runs.sum()), dtype=bool), usable.indices[runs], indptr),
        shape=usable.shape,
    )
    cover.sort_indices()
    return cover
