"""Equity: how evenly access is spread over the demand, and who is served worst."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def gini(values: Floats, weight: Floats) -> float | None:
    """Return the Gini coefficient of values, 0 (all equal) to 1, each counted by its weight.

    Half the weighted mean absolute difference over the mean, worked out as one less twice the area
    under the Lorenz curve, by trapezoids; on weights: Lerman & Yitzhaki 1989, Improving the
    accuracy of estimates of Gini coefficients, Journal of Econometrics 42:43-47. None without
    weight or where every value is 0.

    Parameters
    ----------
    values
        (n,) 0 or more.
    weight
        (n,) 0 or more, such as demand.
    """
    kept = weight > 0
    values, weight = values[kept], weight[kept]
    if not len(values) or float(weight @ values) <= 0:
        return None
    order = np.argsort(values, kind="stable")
    share = np.concatenate([[0.0], np.cumsum(weight[order])]) / weight.sum()
    income = np.concatenate([[0.0], np.cumsum((weight * values)[order])])
    income /= income[-1]
    # Equal values give rounding around 0.
    return max(0.0, float(1.0 - np.sum(np.diff(share) * (income[1:] + income[:-1]))))


def worst_served_mean(seconds: Floats, demand: Floats, *, share: float = 0.1) -> float | None:
    """Return the mean time of the share of demand that is farthest; ``inf`` where it reaches none.

    The point on the border counts with the part of its demand that makes up the share. None
    without demand.
    """
    total = float(demand.sum())
    if total <= 0:
        return None
    order = np.argsort(-seconds, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(demand[order])[:-1]])
    counted = np.clip(share * total - before, 0.0, demand[order])
    used = counted > 0
    return float(np.average(seconds[order][used], weights=counted[used]))
