"""How sure a covered share is: demand drawn anew, stations moved within their accuracy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locator.datum import GEOD, Positions
from locator.errors import InputError

Floats = npt.NDArray[np.float64]

# How far a station may stand from where it is written, by provenance. Judgement, not measurement:
# a surveyor's phone, a geocoded address, a pin on a phone's screen, a made-up place.
ACCURACY_M = {"surveyed": 10.0, "official": 50.0, "community": 100.0, "illustrative": 300.0}


@dataclass(frozen=True)
class Interval:
    """The middle 95 per cent of what was found, and how many times it was tried."""

    low: float
    high: float
    replicates: int


def spread_of(found: Floats) -> Interval:
    """Return the 2.5th and 97.5th percentiles.

    Percentile interval: Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3.

    Raises
    ------
    InputError
        Nothing was found.
    """
    if not len(found):
        raise InputError("An interval needs at least one replicate.")
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(low), float(high), len(found))


def bootstrap_share(
    covered: Floats, demand: Floats, *, rng: np.random.Generator, replicates: int = 1000
) -> Interval | None:
    """Return the interval of a covered share when units of demand are drawn anew with repetition.

    Units are what was sampled: orders or shops where points were given, hot zones otherwise. It
    says how much the share hangs on which units there are, not on errors within them. None with
    fewer than two units that have demand.

    Parameters
    ----------
    covered, demand
        (n,) of each unit.
    """
    kept = demand > 0
    covered, demand = covered[kept], demand[kept]
    if len(demand) < 2:
        return None
    even = np.full(len(demand), 1 / len(demand))
    found = np.empty(replicates)
    for number in range(replicates):
        times = rng.multinomial(len(demand), even)
        found[number] = (times @ covered) / (times @ demand)
    return spread_of(found)


def move_within(lonlat: Positions, accuracy_m: Floats, *, rng: np.random.Generator) -> Positions:
    """Return places moved at random, evenly over discs of these radii in metres; (m, 2) degrees."""
    azimuth = rng.uniform(0.0, 360.0, len(lonlat))
    # The root spreads them evenly over the disc's area.
    metres = accuracy_m * np.sqrt(rng.uniform(0.0, 1.0, len(lonlat)))
    lon, lat, _ = GEOD.fwd(lonlat[:, 0], lonlat[:, 1], azimuth, metres)
    return np.column_stack([lon, lat])


def moved_share(
    measure: Callable[[Positions], float],
    lonlat: Positions,
    accuracy_m: Floats,
    *,
    rng: np.random.Generator,
    replicates: int = 100,
) -> Interval:
    """Return the interval of a share when stations stand elsewhere within their accuracy.

    Parameters
    ----------
    measure
        The share for stations at (m, 2) places.
    """
    return spread_of(
        np.array([measure(move_within(lonlat, accuracy_m, rng=rng)) for _ in range(replicates)])
    )
