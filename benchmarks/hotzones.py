"""Hot zones from a file of orders, against reading it whole with pandas and geopandas."""

import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
from clock import child_cost, compared

SEED = 20261123
CENTRES = [(107.1489, 34.3692), (107.2371, 34.3620), (107.3862, 34.3536)]

# What somebody would write who trusts the file: all of it in memory, a geometry for every row,
# Gi* by PySAL's normal curve; no cleaning, no suppression, no names.
PEER = """
import sys
import esda, geopandas, h3, numpy, pandas
from libpysal.graph import Graph
orders = pandas.read_csv(sys.argv[1], parse_dates=["time"])
points = geopandas.points_from_xy(orders.lon, orders.lat, crs=4326)
orders = geopandas.GeoDataFrame(orders, geometry=points).drop_duplicates("id")
orders["cell"] = [h3.latlng_to_cell(p.y, p.x, 9) for p in orders.geometry]
orders["hour"] = orders.time.dt.dayofweek * 24 + orders.time.dt.hour
hours = orders.groupby(["cell", "hour"]).size().unstack(fill_value=0)
area = sorted({near for cell in hours.index for near in h3.grid_disk(cell, 1)})
counts = hours.sum(axis=1).reindex(area, fill_value=0)
place = {cell: number for number, cell in enumerate(area)}
pairs = [(i, place[d]) for c, i in place.items() for d in h3.grid_disk(c, 1) if d in place]
index = pandas.MultiIndex.from_tuples(pairs, names=["focal", "neighbor"])
graph = Graph(pandas.Series(1.0, index=index, name="weight").sort_index())
y = counts.to_numpy(float)
g = esda.G_Local(y, graph, transform="B", star=True, permutations=0)
hot = (2 * g.p_norm < esda.fdr(2 * g.p_norm)) & (g.Zs > 0)
cells = [c for c, h, n in zip(area, hot, y) if h and n >= 10]
shapes = geopandas.GeoSeries([h3.cells_to_h3shape([c]) for c in cells], crs=4326)
zones = geopandas.GeoDataFrame(geometry=[shapes.union_all()], crs=4326).explode()
zones.to_file(sys.argv[2], layer="hot_zones")
"""


def write_orders(path: Path, rows: int) -> None:
    """Write made-up orders of four weeks around three centres; the same for the same rows."""
    rng = np.random.default_rng(SEED)
    centre = rng.integers(len(CENTRES), size=rows)
    spread = rng.normal(0, 0.008, (rows, 2))
    away = rng.random(rows) < 0.4
    place = np.array(CENTRES)[centre] + spread
    place[away] = np.column_stack([rng.uniform(107.0, 107.5, rows), rng.uniform(34.3, 34.4, rows)])[
        away
    ]
    start = np.datetime64("2026-10-19T00:00:00")
    time = start + rng.integers(0, 28 * 86_400, rows).astype("timedelta64[s]")
    with path.open("w", encoding="utf-8") as file:
        file.write("id,lon,lat,time\n")
        for row in range(rows):
            lon, lat = place[row]
            file.write(f"O{row:09d},{lon:.6f},{lat:.6f},{time[row]!s:.19}\n".replace("T", " "))


def bench_hotzones(rows: int = 2_000_000) -> dict[str, object]:
    """Compare child processes from the CSV to a GeoPackage of zones."""
    with tempfile.TemporaryDirectory() as folder:
        source, store, mine, peer = (
            Path(folder, name) for name in ("orders.csv", "s.gpkg", "ours.gpkg", "peer.gpkg")
        )
        write_orders(source, rows)
        base = [sys.executable, "-m", "locator", "--store", f"geopackage:{store}"]
        subprocess.run([*base, "init"], check=True, capture_output=True)
        build = [*base, "hotzones", "build", str(source), "--test", "normal", "--out", str(mine)]
        ours = child_cost(build)
        theirs = child_cost([sys.executable, "-c", PEER, str(source), str(peer)])
        areas = [
            gpd.read_file(path, layer="hot_zones").to_crs("ESRI:102025").area.sum() / 1e6
            for path in (mine, peer)
        ]
        megabytes = source.stat().st_size / 2**20
    row = compared(
        f"locator hotzones build, {rows:,} orders", "pandas, geopandas and esda", ours, theirs
    )
    return row | {"zones_km2": areas[0], "peer_zones_km2": areas[1], "file_mb": megabytes}
