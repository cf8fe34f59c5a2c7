"""Positions that look made up, a default or exchanged; they are taken, and said."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from locator.register.rows import Fault

Floats = npt.NDArray[np.float64]

_ON_ONE_SPOT = 3  # two hosts in one building are common, three on a point are not
_NULL_ISLAND_DEG = 0.1
_MIN_DIAGONAL = 5
_MOSTLY = 0.5
_FAR_DEG, _NEAR_DEG = 3.0, 1.0
_SHOWN = 3


def position_warnings(
    lon: Floats, lat: Floats, rows: Sequence[int], *, crowds: bool = True
) -> list[Fault]:
    """Return what is doubtful of positions in degrees, named by the file's rows.

    Three or more on one spot; whole degrees; near 0, 0; a row whose exchanged coordinates lie among
    the others, while its own lie far from them; and most rows on one diagonal, as positions do that
    were made by adding the same to longitude and latitude.

    Parameters
    ----------
    lon, lat
        (n,) degrees WGS-84.
    rows
        (n,) the file's rows.
    crowds
        Whether several on one spot are doubtful: orders and shops share a building.
    """
    numbers = np.asarray(rows, dtype=np.int64)
    if not len(numbers):
        return []
    found = _crowds(lon, lat, numbers) if crowds else []
    whole = (lon == np.round(lon)) & (lat == np.round(lat))
    found += _named(numbers[whole], "lies on whole degrees; is it a default?")
    null = (np.abs(lon) < _NULL_ISLAND_DEG) & (np.abs(lat) < _NULL_ISLAND_DEG)
    found += _named(numbers[null], "lies near 0, 0; is it a default?")
    found += _named(numbers[_exchanged(lon, lat)], "longitude and latitude seem exchanged")
    difference = np.round(lon - lat, 6)
    value, count = np.unique(difference, return_counts=True)
    spots = len(np.unique(np.round(np.column_stack([lon, lat]), 6), axis=0))
    if count.max() >= _MIN_DIAGONAL and count.max() > _MOSTLY * len(lon) and spots >= _MIN_DIAGONAL:
        on = numbers[difference == value[np.argmax(count)]]
        reason = f"{len(on):,} rows lie on one diagonal (as far east as north); are they made up?"
        found.append(Fault(int(on[0]), "position", "", reason))
    return found


def _crowds(lon: Floats, lat: Floats, numbers: npt.NDArray[np.int64]) -> list[Fault]:
    spots = np.round(np.column_stack([lon, lat]), 6)
    unique, of, counts = np.unique(spots, axis=0, return_inverse=True, return_counts=True)
    of = of.reshape(-1)
    found = []
    for spot in np.flatnonzero(counts >= _ON_ONE_SPOT):
        there = numbers[of == spot]
        some = ", ".join(map(str, there[:_SHOWN].tolist()))
        reason = f"{len(there):,} rows are on one spot (rows {some} …); is it a default?"
        value = f"{unique[spot][0]:g}, {unique[spot][1]:g}"
        found.append(Fault(int(there[0]), "position", value, reason))
    return found


def _exchanged(lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
    if len(lon) < _ON_ONE_SPOT:
        return np.zeros(len(lon), dtype=bool)
    x, y = float(np.median(lon)), float(np.median(lat))
    far = (np.abs(lon - x) > _FAR_DEG) & (np.abs(lat - y) > _FAR_DEG)
    turned = (np.abs(lat - x) < _NEAR_DEG) & (np.abs(lon - y) < _NEAR_DEG)
    return np.asarray(far & turned)


def _named(numbers: npt.NDArray[np.int64], reason: str) -> list[Fault]:
    return [Fault(int(number), "position", "", reason) for number in numbers]
