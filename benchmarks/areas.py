"""Service areas against the times they are drawn from: ``benchmarks/areas.py EXTRACT [STATIONS]``.

The truth is a random tenth of the cells of 5 m around a station, each asked for its own time. For
every limit: mean and least intersection over union of seeded stations, and the processor time of
an area against that of the station's search alone, in the same run. Prints one JSON object a line.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import shapely

from locator.travel.graph import build_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import BoundRoads, Roads

MINUTES = (5, 10)
SHARE = 0.1  # of the cells
CELL_M = 5.0
DEGREE_M = 111_320.0


def overlap(bound: BoundRoads, area: shapely.MultiPolygon, limit_s: float, seed: int) -> float:
    """Return intersection over union of an area and the cells that are within the limit."""
    west, south, east, north = area.bounds
    lat = np.radians((south + north) / 2)
    size = np.array([CELL_M / (DEGREE_M * np.cos(lat)), CELL_M / DEGREE_M])
    low, high = np.array([west, south]) - 40 * size, np.array([east, north]) + 40 * size
    counts = np.ceil((high - low) / size).astype(int)
    chosen = np.random.default_rng(seed).random(counts.prod()) < SHARE
    column, row = np.divmod(np.flatnonzero(chosen), counts[1])
    places = low + (np.column_stack([column, row]) + 0.5) * size
    every = np.ones(1, dtype=bool)
    truth = np.concatenate(
        [
            bound.nearest(part, k=1, mask=every).seconds[:, 0] <= limit_s
            for part in np.array_split(places, len(places) // 100_000 + 1)
        ]
    )
    shapely.prepare(area)
    drawn = shapely.contains_xy(area, *places.T)
    return float((truth & drawn).sum() / (truth | drawn).sum())


def main() -> None:
    """Measure one extract."""
    path, count = Path(sys.argv[1]), int((sys.argv[2:] or ["20"])[0])
    edges = read_osm(path, E_BIKE)
    graph = build_graph(edges, E_BIKE, source=path.name)
    model = Roads(graph)
    nodes = graph.edges.node_lonlat[np.unique(graph.edges.tail[graph.edge_in_giant])]
    middle = np.median(nodes, axis=0)
    near = nodes[(np.abs(nodes - middle) < (0.04, 0.025)).all(axis=1)]
    rng = np.random.default_rng(1)
    stations = near[rng.choice(len(near), count, replace=False)] + rng.normal(0, 1e-4, (count, 2))
    model.snap(stations)
    for minutes in MINUTES:
        found, spent, searched = [], 0.0, 0.0
        for number, station in enumerate(stations):
            bound = model.bind(station[None])
            bound.nearest(station[None].repeat(2, 0), k=1)
            begin = time.process_time()
            bound.nearest(station[None].repeat(2, 0), k=1)
            searched += time.process_time() - begin
            begin = time.process_time()
            area = bound.service_areas(limit_s=60.0 * minutes).iloc[0]
            spent += time.process_time() - begin
            found.append(overlap(bound, area, 60.0 * minutes, number))
        print(
            json.dumps(
                {
                    "extract": path.name,
                    "minutes": minutes,
                    "stations": count,
                    "iou_mean": round(float(np.mean(found)), 4),
                    "iou_least": round(float(np.min(found)), 4),
                    "area_ms": round(1000 * spent / count, 1),
                    "area_over_search": round(spent / searched, 1),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
