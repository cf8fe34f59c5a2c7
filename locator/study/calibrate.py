"""How well the travel model tells timed rides, and the speed that would tell them best."""

from dataclasses import dataclass

import numpy as np

from locator.datum import Positions, to_wgs84
from locator.errors import InputError
from locator.register import Table
from locator.register.coordinates import parse_coordinate
from locator.schema import Datum
from locator.travel import TravelModel

RIDE_COLUMNS = ("from_lon", "from_lat", "to_lon", "to_lat", "minutes")
_ENOUGH = 3


@dataclass(frozen=True)
class Calibration:
    """What timed rides say of the model; errors are medians of |model - ride| / ride.

    Attributes
    ----------
    rides, unreachable
        Rides that were compared, and those the model knows no way for.
    factor
        Ride over model, the median: 1.2 is a model a fifth too fast.
    speed_kmh
        The speed to set, so that half the rides are told too long and half too short.
    error_before, error_after
        With the speed as it is, and with that one.
    """

    rides: int
    unreachable: int
    factor: float
    speed_kmh: float
    error_before: float
    error_after: float


def calibrate(table: Table, travel: TravelModel, *, speed_kmh: float, datum: Datum) -> Calibration:
    """Compare timed rides with the model.

    The median of the ratios is taken, not a least-squares fit, because one ride with a long wait
    at a restaurant must not move the speed (Theil 1950, Sen 1968: the median of slopes).

    Parameters
    ----------
    table
        Columns :data:`RIDE_COLUMNS`: where from, where to, and the minutes it took.
    speed_kmh
        The speed that the model rides at.

    Raises
    ------
    InputError
        A column is missing, a cell cannot be read, or fewer than three rides can be compared.
    """
    missing = [name for name in RIDE_COLUMNS if name not in table.header]
    if missing:
        raise InputError(
            f"{table.source} has no column {missing[0]}; name {', '.join(RIDE_COLUMNS)}."
        )
    rides = np.array([_read(table.source, row.number, row.cells, datum) for row in table.rows])
    model_s = np.array([_ride_s(travel, ride[:2], ride[2:4]) for ride in rides])
    known = np.isfinite(model_s)
    if int(known.sum()) < _ENOUGH:
        raise InputError(
            f"{table.source}: {int(known.sum())} of {len(rides)} rides can be compared; "
            f"at least {_ENOUGH} are needed."
        )
    actual, told = rides[known, 4] * 60, model_s[known]
    factor = float(np.median(actual / told))
    return Calibration(
        rides=int(known.sum()),
        unreachable=int((~known).sum()),
        factor=factor,
        speed_kmh=speed_kmh / factor,
        error_before=float(np.median(np.abs(told - actual) / actual)),
        error_after=float(np.median(np.abs(told * factor - actual) / actual)),
    )


def _ride_s(travel: TravelModel, origin: Positions, destination: Positions) -> float:
    near = travel.bind(destination.reshape(1, 2)).nearest(origin.reshape(1, 2), k=1)
    return float(near.seconds[0, 0])


def _read(source: str, number: int, cells: dict[str, str], datum: Datum) -> list[float]:
    values = []
    for name in RIDE_COLUMNS:
        try:
            text = cells.get(name, "")
            if name == "minutes":
                values.append(_minutes(text))
            else:
                values.append(parse_coordinate(text, "lon" if "lon" in name else "lat", datum))
        except ValueError as error:
            value = cells.get(name, "")
            raise InputError(f"{source}, row {number}, {name} {value!r}: {error}.") from error
    lon, lat = to_wgs84(values[0:3:2], values[1:4:2], datum)
    return [float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]), values[4]]


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError("must be a number of minutes above 0") from error
    if not 0 < value < np.inf:
        raise ValueError("must be a number of minutes above 0")
    return value
