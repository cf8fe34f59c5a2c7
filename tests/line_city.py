"""A city on one street, small enough to work every siting study out on paper.

Kilometres along the street; 5 minutes at 18 km/h with a detour of 1.3 reach 1,153.8 m::

    0        3.0  3.2  3.5      4.4       5.0              8.0
    S1 (40)  (30) C1   (20)     C2        S2 (25)          C3 (10)

In brackets the demand of a point there. S1 is open around the clock and has hot water; S2 is open
from Monday to Friday 08:00 to 18:00 and has none. C1 reaches 30 + 20, C2 reaches 20 + 25, C3 its
own 10, S1 its 40, S2 its 25. A station that closes within 15 minutes does not count in a week: S2
is open for 5 x 9.75 = 48.75 hours of 168.
"""

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import GEOD
from locator.nearest import StationIndex
from locator.schema import CRS
from locator.service import Service
from locator.study.measure import GapsInputs
from locator.study.sites_setup import SiteInputs

START = (107.1, 34.35)
NOON, EVENING = "2026-11-23T12:00", "2026-11-23T20:00"
POINTS = ((0.0, 40.0), (3.0, 30.0), (3.5, 20.0), (5.0, 25.0), (8.0, 10.0))
CANDIDATES = {"C1": 3.2, "C2": 4.4, "C3": 8.0}
S2_HOURS = 48.75  # of the week


def at_km(*km: float) -> np.ndarray:
    """Return points so many kilometres along the street."""
    count = len(km)
    lon, lat, _ = GEOD.fwd(
        np.full(count, START[0]),
        np.full(count, START[1]),
        np.full(count, 90.0),
        np.array(km) * 1000,
    )
    return shapely.points(np.column_stack([lon, lat]))


def line_stations(template: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return S1 and S2 with the columns of a register."""
    frame = template.iloc[:2].copy().reset_index(drop=True)
    frame["id"], frame["name"] = ["S1", "S2"], ["Station one", "=cmd|station two"]
    frame["kind"], frame["status"] = "rest_post", "active"
    frame["opening_hours"] = ["24/7", "Mo-Fr 08:00-18:00"]
    frame["services"] = ["hot_water", ""]
    frame["platforms"] = ""
    return frame.set_geometry(gpd.GeoSeries(at_km(0.0, 5.0), crs=CRS))


def line_candidates(**columns: object) -> gpd.GeoDataFrame:
    """Return C1, C2 and C3, as a file of candidates would give them."""
    data: dict[str, object] = {
        "id": list(CANDIDATES),
        "name": [f"Host {name}" for name in CANDIDATES],
        "host": [None] * 3,
        "cost": [None] * 3,
        "capacity": [None] * 3,
        "provenance": [None] * 3,
        "source": [None] * 3,
    }
    return gpd.GeoDataFrame(data | columns, geometry=at_km(*CANDIDATES.values()), crs=CRS)


def line_inputs(
    service: Service,
    given: gpd.GeoDataFrame | None = None,
    points: Sequence[tuple[float, float]] = POINTS,
) -> SiteInputs:
    """Return the inputs of a study of the street; points are kilometres and weights."""
    snapshot = service.snapshot()
    stations = line_stations(snapshot.stations)
    index = StationIndex(stations, service.travel, service.rules)
    demand = gpd.GeoDataFrame(
        {
            "name": pd.Series([f"P{km:g}" for km, _ in points], dtype=object),
            "district_name": pd.Series([None] * len(points), dtype=object),
            "demand_per_h": [weight for _, weight in points],
        },
        geometry=at_km(*(km for km, _ in points)),
        crs=CRS,
    )
    measured = GapsInputs(replace(snapshot, stations=stations, index=index), None, demand)
    _, stored = service.store.read_all("candidates")
    given = line_candidates() if given is None else given
    return SiteInputs(measured, stored["candidates"], given)
