"""A graph of a million nodes: joined copies of an extract, and what 500 stations take on it.

``python benchmarks/roads_large.py EXTRACT.osm.pbf``. The graph is kept in a file and loaded by a
process of its own, whose memory is what a server takes.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from roads import LIMIT_S, ORIGINS, RNG_SEED, STATIONS, peak_mb, places_of, say, seconds

from locator.travel.edges import RoadEdges
from locator.travel.graph import build_graph
from locator.travel.graph_file import load_graph, save_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import Roads


def bench_queries(roads: Roads, rng: np.random.Generator, stations: int = STATIONS) -> None:
    """Time what riders and planners ask."""
    there, here = places_of(roads.graph, stations, rng), places_of(roads.graph, ORIGINS, rng)
    start = time.perf_counter()
    bound = roads.bind(there)
    say("bind", stations=stations, ours_s=time.perf_counter() - start)
    mine = seconds(lambda: bound.times(here, limit_s=LIMIT_S), 2)
    say(f"matrix {ORIGINS} x {stations} within {LIMIT_S:g} s", ours_s=mine)
    start = time.perf_counter()
    filled = bound.prepare()
    say("table", filled=str(filled), ours_s=time.perf_counter() - start, peak_mb=peak_mb())
    waits = [
        seconds(lambda at=at: bound.nearest(here[at : at + 1], k=5), 1) for at in range(ORIGINS)
    ]
    p50, p99 = np.percentile(waits, [50, 99])
    say("rider's five nearest", p50_ms=float(p50) * 1000, p99_ms=float(p99) * 1000)
    mask = rng.random(stations) < 0.3
    mine = seconds(lambda: bound.nearest(here, k=1, mask=mask))
    say(f"nearest of {ORIGINS} under a filter", ours_s=mine, peak_mb=peak_mb())
    changed = there.copy()
    changed[0] += 1e-3
    again = roads.bind(changed)
    start = time.perf_counter()
    again.prepare()
    say("table after one station moved", ours_s=time.perf_counter() - start)
    few = roads.bind(there[:20])
    few.service_areas(limit_s=LIMIT_S)
    each = seconds(lambda: few.service_areas(limit_s=LIMIT_S)) / 20
    say("service area", ours_ms=each * 1000)


def joined(edges: RoadEdges, nodes: int) -> RoadEdges:
    """Return copies of a network side by side, each joined to the next by a road."""
    size = len(edges.node_lonlat)
    copies = -(-nodes // size)
    step = np.ptp(edges.node_lonlat[:, 0]) * 1.02
    shift = np.repeat(np.arange(copies), len(edges.vertex_lonlat))
    shape = np.tile(edges.vertex_lonlat, (copies, 1))
    shape[:, 0] += (shift % 8) * step
    shape[:, 1] += (shift // 8) * np.ptp(edges.node_lonlat[:, 1]) * 1.02
    node = np.tile(edges.node_lonlat, (copies, 1))
    of = np.repeat(np.arange(copies), size)
    node[:, 0] += (of % 8) * step
    node[:, 1] += (of // 8) * np.ptp(edges.node_lonlat[:, 1]) * 1.02
    add = np.repeat(np.arange(copies) * size, len(edges.tail))
    hub = int(np.bincount(edges.tail).argmax()) + np.arange(copies) * size
    links = np.stack([node[hub[:-1]], node[hub[1:]]], axis=1).reshape(-1, 2)
    starts = np.concatenate(
        [edges.vertex_start[:-1] + i * len(edges.vertex_lonlat) for i in range(copies)]
    )
    bridges = len(shape) + 2 * np.arange(copies)

    def over(values: np.ndarray, bridge: float) -> np.ndarray:
        return np.append(np.tile(values, copies), np.full(copies - 1, bridge, dtype=values.dtype))

    return replace(
        edges,
        node_lonlat=node,
        tail=np.append(np.tile(edges.tail, copies) + add, hub[:-1]).astype(np.int32),
        head=np.append(np.tile(edges.head, copies) + add, hub[1:]).astype(np.int32),
        vertex_start=np.concatenate([starts, bridges]).astype(np.int64),
        vertex_lonlat=np.concatenate([shape, links]),
        length_m=over(edges.length_m, 10_000.0),
        forward_ms=over(edges.forward_ms, 2_000_000),
        backward_ms=over(edges.backward_ms, 2_000_000),
        road_class=over(edges.road_class, 0),
        name=over(edges.name, 0),
        forbidden=tuple(
            tuple(arc + 2 * len(edges.tail) * i for arc in sequence)
            for i in range(copies)
            for sequence in edges.forbidden
        ),
    )


def bench_million(edges: RoadEdges, nodes: int) -> None:
    """Print what a million nodes and 500 stations take in a process that loads the kept graph."""
    start = time.perf_counter()
    graph = build_graph(joined(edges, nodes), E_BIKE, source="joined")
    report = graph.report()
    say("joined", nodes=report.nodes, states=report.states, build_s=time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "joined.npz"
        save_graph(graph, kept)
        del graph
        subprocess.run([sys.executable, __file__, str(kept), "--kept"], check=True)


def bench_kept(kept: Path, rng: np.random.Generator) -> None:
    """Load a graph and ask it for the nearest, nothing else in this process."""
    start = time.perf_counter()
    roads = Roads(load_graph(kept))
    say("load", ours_s=time.perf_counter() - start)
    bench_queries(roads, rng)


def main() -> None:
    """Read, join, keep, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--kept", action="store_true", help="the file is a kept graph")
    given = parser.parse_args()
    if given.kept:
        bench_kept(given.extract, np.random.default_rng(RNG_SEED))
    else:
        bench_million(read_osm(given.extract, E_BIKE), given.nodes)


if __name__ == "__main__":
    main()
