"""The nearest station of many points, against sjoin_nearest in one national projection."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from clock import compared, cost
from pyproj import Geod
from scipy.spatial import cKDTree

from locator.travel import StraightLine

SEED = 20261123
CHINA_ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"
CANDIDATES = 20
SAMPLE, BRUTE = 20_000, 300
GEOD = Geod(ellps="WGS84")
Positions = npt.NDArray[np.float64]


def geodesics(here: Positions, there: Positions) -> npt.NDArray[np.float64]:
    """Return the geodesic from each row of ``here`` to each of its (n, m, 2) destinations."""
    lon, lat = np.broadcast_arrays(here[:, None, 0], here[:, None, 1], there[..., 0])[:2]
    _, _, metres = GEOD.inv(lon.ravel(), lat.ravel(), there[..., 0].ravel(), there[..., 1].ravel())
    return np.asarray(metres).reshape(there.shape[:2])


def on_sphere(lonlat: Positions) -> npt.NDArray[np.float64]:
    """Return unit vectors."""
    lon, lat = np.radians(lonlat).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def count_wrong(here: Positions, there: Positions, index: npt.NDArray[np.int64]) -> int:
    """Count answers that a geodesic to another station undercuts, without the program's code.

    A sample is compared with the 20 stations nearest on a sphere, some with every station.
    """
    rows = np.random.default_rng(SEED + 1).permutation(len(here))[:SAMPLE]
    _, near = cKDTree(on_sphere(there)).query(on_sphere(here[rows]), k=CANDIDATES)
    given = geodesics(here[rows], there[index[rows], None])[:, 0]
    wrong = int((geodesics(here[rows], there[near]).min(axis=1) < given).sum())
    for number, row in enumerate(rows[:BRUTE]):
        wrong += bool(geodesics(here[[row]], there[None]).min() < given[number])
    return wrong


def bench_nearest(stations: int, origins: int) -> dict[str, object]:
    """Compare from positions to the nearest station's number and distance."""
    rng = np.random.default_rng(SEED)
    there = np.column_stack([rng.uniform(80, 125, stations), rng.uniform(22, 48, stations)])
    here = np.column_stack([rng.uniform(80, 125, origins), rng.uniform(22, 48, origins)])
    left = gpd.GeoDataFrame(geometry=gpd.points_from_xy(here[:, 0], here[:, 1], crs=4326))
    right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(there[:, 0], there[:, 1], crs=4326))
    found: dict[str, npt.NDArray[np.int64]] = {}

    def ours() -> None:
        answer = StraightLine(18.0, 1.3).bind(there).nearest(here, k=1)
        found["ours"] = answer.index[:, 0]

    def theirs() -> None:
        joined = left.to_crs(CHINA_ALBERS).sjoin_nearest(
            right.to_crs(CHINA_ALBERS), distance_col="metres"
        )
        found["theirs"] = joined[~joined.index.duplicated()]["index_right"].to_numpy()

    row = compared(
        f"nearest of {stations:,} stations for {origins:,} points",
        "geopandas: sjoin_nearest in one Albers projection",
        cost(ours, repeat=3),
        cost(theirs, repeat=2),
    )
    checked = f"{min(SAMPLE, origins):,} by {CANDIDATES} candidates, {BRUTE} by every station"
    return row | {
        "checked": checked,
        "ours_wrong": count_wrong(here, there, found["ours"]),
        "peer_wrong_share": float((found["ours"] != found["theirs"]).mean()),
    }
