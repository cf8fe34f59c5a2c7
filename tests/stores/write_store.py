"""Write a small store as a file of tests/stores: run by the locator whose tables are to be kept.

``python tests/stores/write_store.py tests/stores/schema-4.gpkg.gz`` was run once, by the last
commit before column types became classes; such a file is never written anew by later code. A
change of the tables adds a file of its own, written by the code before it.
"""

import gzip
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
from shapely.geometry import Point, box

from locator.store import Change, GeoPackageStore
from locator.store.connect import register_functions


def clock() -> datetime:
    """Return the moment of every change."""
    return datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def write(path: Path) -> None:
    """Write stations of all sorts, a hot zone, a history, a document and an edit from outside."""
    points = [Point(107.14, 34.37), Point(107.15, 34.36), Point(107.16, 34.35)]
    stations = {
        "id": ["A-1", "A-2", "A-3"],
        "name": ["经二路驿站", "O'Brien 驿站", "换电柜"],
        "kind": ["rest_post", "rest_post", "swap_cabinet"],
        "services": ["drinking_water;seats", "", None],
        "opening_hours": ["Mo-Fr 09:00-18:00", None, "24/7"],
        "capacity": [12, None, 8],
        "last_verified": ["2026-11-23", None, None],
    }
    zone = {"id": ["Z-1"], "name": ["商圈"], "kind": ["business_district"], "demand_per_h": [12.5]}
    frame = gpd.GeoDataFrame(stations, geometry=points, crs="EPSG:4326")
    zones = gpd.GeoDataFrame(zone, geometry=[box(107.1, 34.3, 107.2, 34.4)], crs="EPSG:4326")
    with GeoPackageStore.create(path, clock=clock) as store:
        store.apply(Change("stations", frame), Change("hot_zones", zones), actor="li")
        store.apply(Change("stations", frame.assign(phone=["0917-1", None, None])), actor="wang")
        store.keep_document("note", "说明", "{}", b"body", made_at=clock())
    with closing(sqlite3.connect(path)) as connection:
        register_functions(connection)
        connection.execute("UPDATE stations SET access = '凭工牌' WHERE id = 'A-2'")
        connection.commit()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "store.gpkg"
        write(draft)
        Path(sys.argv[1]).write_bytes(gzip.compress(draft.read_bytes(), mtime=0))
