"""``make bench``: each comparison against a named peer in the same run, printed as a ratio.

Figures hold as ratios only; nothing here is a test. Every peer's answer is compared with ours
before anything is timed.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from locator.coverage import cover_zones
from locator.travel import StraightLine

CHINA_ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"
RNG_SEED = 20261123


def seconds(action: Callable[[], object], repeat: int = 3) -> float:
    """Return the best of a few runs, in seconds."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best


def bench_gaps(stations: int, zones: int = 2000) -> dict[str, object]:
    """Gap areas by local difference, against the buffer, union and difference of everything."""
    rng = np.random.default_rng(RNG_SEED)
    span = 200_000.0 if stations > 10_000 else 60_000.0
    zone_xy, station_xy = rng.uniform(0, span, (zones, 2)), rng.uniform(0, span, (stations, 2))
    crs = "EPSG:32648"
    pieces = gpd.GeoDataFrame(
        {"demand_per_h": np.ones(zones), "area_m2": np.full(zones, np.pi)},
        geometry=gpd.points_from_xy(zone_xy[:, 0], zone_xy[:, 1], crs=crs).buffer(400),
        crs=crs,
    )
    pieces["area_m2"] = pieces.geometry.area
    circles = gpd.GeoSeries(gpd.points_from_xy(station_xy[:, 0], station_xy[:, 1], crs=crs))
    circles = circles.buffer(1154, quad_segs=16)

    def ours() -> float:
        coverage = cover_zones(pieces, circles)
        return coverage.area_m2 - coverage.covered_area_m2

    def naive() -> float:
        union = shapely.union_all(circles.to_numpy())
        return float(shapely.area(shapely.difference(pieces.geometry.to_numpy(), union)).sum())

    a, b = ours(), naive()
    mine, peer = seconds(ours), seconds(naive, repeat=1 if stations > 10_000 else 2)
    return {
        "what": f"gap areas, {stations:,} stations x {zones:,} zones",
        "peer": "buffer-union-difference",
        "ours_s": mine,
        "peer_s": peer,
        "ratio": peer / mine,
        "relative_difference": abs(a - b) / b,
    }


def bench_nearest(stations: int, origins: int) -> dict[str, object]:
    """Nearest station, against sjoin_nearest in one projection."""
    rng = np.random.default_rng(RNG_SEED)
    there = np.column_stack([rng.uniform(80, 125, stations), rng.uniform(22, 48, stations)])
    here = np.column_stack([rng.uniform(80, 125, origins), rng.uniform(22, 48, origins)])
    bound = StraightLine(18.0, 1.3).bind(there)
    left = gpd.GeoDataFrame(geometry=gpd.points_from_xy(here[:, 0], here[:, 1], crs=4326))
    right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(there[:, 0], there[:, 1], crs=4326))

    def peer() -> np.ndarray:
        joined = left.to_crs(CHINA_ALBERS).sjoin_nearest(right.to_crs(CHINA_ALBERS))
        return joined[~joined.index.duplicated()]["index_right"].to_numpy()

    ours = bound.nearest(here, k=1)
    theirs = peer()
    mine = seconds(lambda: StraightLine(18.0, 1.3).bind(there).nearest(here, k=1), repeat=2)
    other = seconds(peer, repeat=1)
    return {
        "what": f"nearest of {stations:,} stations for {origins:,} points",
        "peer": "geopandas sjoin_nearest in one Albers projection",
        "ours_s": mine,
        "peer_s": other,
        "ratio": other / mine,
        "peer_wrong_share": float((ours.index[:, 0] != theirs).mean()),
    }


def bench_command(store: Path) -> dict[str, object]:
    """Processor time of ``locator nearest``, against an interpreter that imports geopandas."""

    def spent(command: list[str]) -> float:
        best = float("inf")
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best = min(best, used)
        return best

    base = [sys.executable, "-m", "locator", "--store", f"geopackage:{store}"]
    if not store.exists():
        subprocess.run([*base, "init"], check=True, capture_output=True)
    mine = spent([*base, "nearest", "107.1489", "34.3692", "-k", "5", "--json"])
    peer = spent([sys.executable, "-c", "import geopandas"])
    return {
        "what": "locator nearest 107.1489 34.3692 -k 5 --json, processor time",
        "peer": "python -c 'import geopandas'",
        "ours_s": mine,
        "peer_s": peer,
        "ratio": peer / mine,
    }


def main() -> None:
    """Run the comparisons and print them, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="the largest sizes too (minutes)")
    parser.add_argument("--store", type=Path, default=Path("/tmp/locator-bench.gpkg"))
    options = parser.parse_args()
    runs: list[Callable[[], dict[str, object]]] = [
        lambda: bench_command(options.store),
        lambda: bench_gaps(110),
        lambda: bench_gaps(5_000),
        lambda: bench_nearest(20_000, 100_000),
    ]
    if options.large:
        runs += [lambda: bench_gaps(100_000), lambda: bench_nearest(180_000, 1_000_000)]
    for run in runs:
        row = run()
        shown = {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()}
        print(json.dumps(shown, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
