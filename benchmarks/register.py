"""A national register brought in, against pandas and geopandas writing the same rows."""

import csv
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from clock import child_cost, compared

from locator.schema import LAYERS, Amenity, Host, Kind

SEED = 20261123
HOURS = ["24/7", "Mo-Fr 08:30-17:30", "Mo-Su 09:00-21:00", "Mo-Sa 07:00-22:00; PH off", ""]
PREFIX = "BENCH-"

# What somebody would write who trusts the file: no checks, no history, no rejected rows.
PEER = """
import sys
import geopandas, pandas
table = pandas.read_csv(sys.argv[1], dtype={"phone": str})
points = geopandas.points_from_xy(table.pop("lon"), table.pop("lat"), crs=4326)
geopandas.GeoDataFrame(table, geometry=points).to_file(sys.argv[2], layer="stations")
"""


def write_register(path: Path, rows: int) -> None:
    """Write a register of made-up stations; the same for the same number of rows."""
    rng = np.random.default_rng(SEED)
    lon, lat = rng.uniform(98, 122, rows), rng.uniform(23, 42, rows)
    kinds, hosts, services = ([member.value for member in enum] for enum in (Kind, Host, Amenity))
    kind, host = rng.integers(len(kinds), size=rows), rng.integers(len(hosts), size=rows)
    hours = rng.integers(len(HOURS), size=rows)
    offered = rng.random((rows, len(services))) < 0.4
    header = [column.name for column in LAYERS["stations"].given]
    header[3:3] = ["lon", "lat"]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, header)
        table.writeheader()
        for row in range(rows):
            chosen = [name for name, has in zip(services, offered[row], strict=True) if has]
            table.writerow(
                {
                    "id": f"{PREFIX}{row:07d}",
                    "name": f"第{row}号骑手驿站",
                    "kind": kinds[kind[row]],
                    "lon": f"{lon[row]:.7f}",
                    "lat": f"{lat[row]:.7f}",
                    "host": hosts[host[row]],
                    "address": f"幸福路{row % 999 + 1}号",
                    "phone": f"0917-{row % 10_000_000:07d}",
                    "services": ";".join(chosen),
                    "opening_hours": HOURS[hours[row]],
                    "status": "active",
                    "capacity": row % 30 + 1,
                    "provenance": "official",
                    "last_verified": f"2026-{row % 12 + 1:02d}-{row % 28 + 1:02d}",
                }
            )


def count_rows(path: Path) -> int:
    """Count the register's rows in a GeoPackage, whoever wrote it."""
    with sqlite3.connect(path) as connection:
        query = f"SELECT count(*) FROM stations WHERE id LIKE '{PREFIX}%'"
        return int(connection.execute(query).fetchone()[0])


def bench_import(rows: int = 180_000) -> dict[str, object]:
    """Compare child processes from the CSV to a GeoPackage of the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        source, mine, peer = (Path(folder, name) for name in ("in.csv", "ours.gpkg", "peer.gpkg"))
        write_register(source, rows)
        base = [sys.executable, "-m", "locator", "--store", f"geopackage:{mine}"]
        subprocess.run([*base, "init"], check=True, capture_output=True)
        ours = child_cost([*base, "stations", "import", str(source)])
        theirs = child_cost([sys.executable, "-c", PEER, str(source), str(peer)])
        counted = {"rows": count_rows(mine), "peer_rows": count_rows(peer)}
        megabytes = source.stat().st_size / 2**20
    row = compared(
        f"locator stations import, {rows:,} rows",
        "pandas.read_csv and GeoDataFrame.to_file",
        ours,
        theirs,
    )
    return row | counted | {"file_mb": megabytes}
