"""Three stations and four zones, small enough to work every measure out on paper.

Seconds of riding, and what is open when::

            S1    S2    S3      demand_per_h
        a   100   250    -          40
        b   200    -     -          30      twice as much until Thursday noon, then none
        c    -    280   400         20
        d    -     -    700         10

S1 is open around the clock, S2 from Monday to Friday 08:00 to 18:00, the hours of S3 are unknown.
Zones a and b lie in district n, c in district s, d in none.
"""

from collections.abc import Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from locator.coverage import DemandPoints, OpenWeek

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MONDAY = date(2026, 11, 23)
FAR = np.inf
SECONDS = np.array([[100, 250, FAR], [200, FAR, FAR], [FAR, 280, 400], [FAR, FAR, 700]])
DEMAND = np.array([40.0, 30.0, 20.0, 10.0])
ALL = np.ones(3, dtype=bool)
HOURS = ("24/7", "Mo-Fr 08:00-18:00", None)


def sparse(seconds: npt.ArrayLike) -> csr_array:
    """Return a table of seconds as a travel model gives it: what is infinite is absent."""
    table = np.asarray(seconds, dtype=np.float64)
    row, column = np.nonzero(np.isfinite(table))
    return csr_array((table[row, column], (row, column)), shape=table.shape)


def pieces(zones: Sequence[str | None], districts: Sequence[str | None]) -> pd.DataFrame:
    """Return pieces by the ids of their zones and districts."""
    table = {"zone_id": list(zones), "zone_name": list(zones)}
    table |= {"district_id": list(districts), "district_name": list(districts)}
    return pd.DataFrame(table, dtype=object)


def demand_points(
    demand: npt.ArrayLike, piece: npt.ArrayLike, table: pd.DataFrame, factors: Floats | None = None
) -> DemandPoints:
    """Return demand points at one place: only their times count here."""
    weights = np.asarray(demand, dtype=np.float64)
    return DemandPoints(
        lonlat=np.tile([107.0, 34.0], (len(weights), 1)),
        demand_per_h=weights,
        area_m2=np.full(len(weights), 10_000.0),
        piece=np.asarray(piece, dtype=np.int64),
        pieces=table,
        factors=np.ones((len(table), 168)) if factors is None else factors,
        cell_m=100.0,
    )


def paper_points() -> DemandPoints:
    """Return the four zones, a point each."""
    factors = np.ones((4, 168))
    factors[1] = np.repeat([2.0, 0.0], 84)
    table = pieces("abcd", ["n", "n", "s", None])
    return demand_points(DEMAND, [0, 1, 2, 3], table, factors)


def paper_week() -> OpenWeek:
    """Return the week of the three stations, a quarter-hour a column."""
    hour = np.repeat(np.arange(168), 4)
    office = (hour // 24 < 5) & (hour % 24 >= 8) & (hour % 24 < 18)
    always, never = np.ones(672, dtype=bool), np.zeros(672, dtype=bool)
    surely = np.stack([always, office, never])
    return OpenWeek(MONDAY, surely, surely | np.array([False, False, True])[:, None])


def gaps(shapes: Sequence[object], **columns: object) -> gpd.GeoDataFrame:
    """Return gaps in EPSG:4326 with the columns that areas are made of."""
    count = len(shapes)
    data: dict[str, object] = {
        "unserved_demand_per_h": [float(count - n) for n in range(count)],
        "area_m2": [1.0] * count,
        "district_name": ["n"] * count,
        "zone_name": [f"z{n}" for n in range(count)],
        "nearest_station_id": [f"s{n}" for n in range(count)],
    }
    return gpd.GeoDataFrame(data | columns, geometry=list(shapes), crs="EPSG:4326")
