"""Why a place is a gap: none near, none open, none with the service, a barrier, nobody knows."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Reason(StrEnum):
    """What keeps a demand point from being covered, the easiest to cure first."""

    HOURS_UNKNOWN = "hours_unknown"
    SERVICES_UNKNOWN = "services_unknown"
    CLOSED_THEN = "closed_then"
    SERVICE_MISSING = "service_missing"
    BARRIER = "barrier"
    NONE_NEAR = "none_near"


# Positions in this tuple are the codes of the arrays below.
REASONS: tuple[Reason, ...] = tuple(Reason)


def explain_points(
    *, possible: Mask, unrecorded: Mask, chosen: Mask, every: Mask, straight: Mask
) -> npt.NDArray[np.int8]:
    """Return the code (position in :data:`REASONS`) of what keeps each uncovered point uncovered.

    Parameters
    ----------
    possible
        (n,) a station that fits is in reach, and its hours are unknown.
    unrecorded
        (n,) a station is in reach that may fit, because nobody recorded what it offers or who
        hosts it, and that is not known to be closed.
    chosen
        (n,) a station that fits or may fit is in reach, whatever its hours.
    every
        (n,) any station in service is in reach, whatever it offers.
    straight
        (n,) any station would be in reach as the crow flies.
    """
    return np.select(
        [possible, unrecorded, chosen, every, straight],
        [np.int8(code) for code in range(5)],
        default=np.int8(5),
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
