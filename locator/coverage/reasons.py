"""Why a place is a gap: no station near, none open then, none with the service, a barrier."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["REASONS", "Reason", "explain_points", "main_reasons"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Reason(StrEnum):
    """What keeps a demand point from being covered, the easiest to cure first."""

    HOURS_UNKNOWN = "hours_unknown"
    CLOSED_THEN = "closed_then"
    SERVICE_MISSING = "service_missing"
    BARRIER = "barrier"
    NONE_NEAR = "none_near"


# Positions in this tuple are the codes of the arrays below.
REASONS: tuple[Reason, ...] = tuple(Reason)


def explain_points(
    *, possible: Mask, chosen: Mask, every: Mask, straight: Mask
) -> npt.NDArray[np.int8]:
    """Return the code (position in :data:`REASONS`) of what keeps each uncovered point uncovered.

    Parameters
    ----------
    possible
        (n,) a station that fits is in reach, and its hours are unknown.
    chosen
        (n,) a station that fits is in reach, whatever its hours.
    every
        (n,) any station in service is in reach, whatever it offers.
    straight
        (n,) any station would be in reach as the crow flies.
    """
    return np.select(
        [possible, chosen, every, straight],
        [np.int8(code) for code in range(4)],
        default=np.int8(4),
    ).astype(np.int8)


def main_reasons(
    group: npt.NDArray[np.int64], codes: npt.NDArray[np.int8], demand: Floats, *, groups: int
) -> pd.DataFrame:
    """Return each group's most frequent reason by demand, and its share: ``reason, reason_share``.

    Parameters
    ----------
    group
        (n,) the group of each point, 0 to ``groups`` - 1.
    codes
        From :func:`explain_points`.
    demand
        (n,) weights; a group whose demand is 0 counts its points.
    """
    weight = np.where(demand > 0, demand, np.finfo(float).tiny)
    table = np.bincount(
        group * len(REASONS) + codes, weights=weight, minlength=groups * len(REASONS)
    ).reshape(groups, len(REASONS))
    total = table.sum(axis=1)
    best = table.argmax(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = table[np.arange(groups), best] / total
    names = [
        REASONS[code].value if whole > 0 else None for code, whole in zip(best, total, strict=True)
    ]
    return pd.DataFrame({"reason": pd.Series(names, dtype=object), "reason_share": share})
