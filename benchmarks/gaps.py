"""Gap polygons of hot zones, against the obvious buffer, union and difference."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from clock import compared, cost

from locator.coverage import cover_zones, find_gaps
from locator.datum import local_crs
from locator.travel import StraightLine

SEED = 20261123
MODEL = StraightLine(18.0, 1.3)
RADIUS_M = 1154.0  # five minutes' ride
ZONE_RADIUS_M = 400.0
SLIVER_M2 = 1.0  # find_gaps leaves these out, so the peer does
SPARSE, DENSE = (
    0.28,
    2.5,
)  # stations a square kilometre: a third of the demand is out of reach, or none


@dataclass(frozen=True)
class City:
    """Zones and stations in one local projection, and the circles both ways start from."""

    pieces: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    circles: gpd.GeoSeries


def build_city(stations: int, zones: int, per_km2: float) -> City:
    """Scatter stations and zones over a square that holds so many stations a square kilometre."""
    rng = np.random.default_rng(SEED)
    half = 500.0 * np.sqrt(stations / per_km2)
    crs = local_crs((106.9, 34.2, 107.1, 34.4))
    centres = gpd.GeoSeries(shapely.points(rng.uniform(-half, half, (zones, 2))), crs=crs)
    points = gpd.GeoSeries(shapely.points(rng.uniform(-half, half, (stations, 2))), crs=crs)
    names = [f"s{number}" for number in range(stations)]
    pieces = gpd.GeoDataFrame(
        {"zone_id": [f"z{number}" for number in range(zones)], "demand_per_h": 1.0},
        geometry=centres.buffer(ZONE_RADIUS_M),
    )
    return City(
        pieces=pieces.assign(area_m2=pieces.geometry.area),
        stations=gpd.GeoDataFrame({"id": names, "name": names}, geometry=points.to_crs(4326)),
        circles=points.buffer(RADIUS_M),
    )


def large_enough(left: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Return the areas of the parts that are no slivers: what find_gaps keeps."""
    area = shapely.area(shapely.get_parts(left))
    return np.sort(area[area >= SLIVER_M2])


def find_ours(city: City) -> npt.NDArray[np.float64]:
    """Cut the gaps as the program does, up to the polygons."""
    return large_enough(cover_zones(city.pieces, city.circles).pieces.geometry.to_numpy())


def find_theirs(city: City) -> npt.NDArray[np.float64]:
    """Cut the gaps the obvious way, up to the polygons."""
    reached = shapely.union_all(city.circles.to_numpy())
    return large_enough(shapely.difference(city.pieces.geometry.to_numpy(), reached))


def describe(city: City) -> npt.NDArray[np.float64]:
    """Find the gaps with all the program says of them: rank, demand, names, nearest station."""
    lonlat = shapely.get_coordinates(city.stations.geometry.to_numpy())
    gaps = find_gaps(
        cover_zones(city.pieces, city.circles),
        city.stations,
        MODEL.bind(lonlat),
        mask=np.ones(len(lonlat), dtype=bool),
    )
    return np.sort(gaps["area_m2"].to_numpy())


def bench_gaps(stations: int, zones: int = 2000, per_km2: float = SPARSE) -> dict[str, object]:
    """Compare from the same circles to the same polygons; the program's description is extra."""
    city = build_city(stations, zones, per_km2)
    found: dict[str, npt.NDArray[np.float64]] = {}
    theirs = cost(lambda: found.update(theirs=find_theirs(city)))
    ours = cost(lambda: found.update(ours=find_ours(city)), repeat=5)
    described = cost(lambda: found.update(described=describe(city)), repeat=3)
    mine, peer = found["ours"], found["theirs"]
    if not np.array_equal(mine, found["described"]) or len(mine) != len(peer):
        raise RuntimeError("The two ways found other gaps.")
    row = compared(
        f"gap polygons, {stations:,} stations ({per_km2:g}/km²) x {zones:,} zones",
        "shapely: union of the buffers, difference",
        ours,
        theirs,
    )
    return row | {
        "described_s": described.wall_s,
        "gaps": len(mine),
        "relative_difference": float(abs(mine.sum() - peer.sum()) / peer.sum()),
        "worst_polygon": float(np.max(np.abs(mine - peer) / peer)),
    }
