"""Roads against named peers in one run: networkx always, pandana and OSMnx where installed.

``python benchmarks/roads.py EXTRACT.osm.pbf`` prints a line a comparison. The peers know no turn
restrictions; times are compared with networkx on our own graph before anything is timed.
``--million`` joins copies of the extract to a million nodes and prints what 500 stations take.
"""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.sparse.csgraph import dijkstra

from locator.travel.edges import RoadEdges
from locator.travel.graph import RoadGraph, build_graph, split_weight
from locator.travel.graph_file import load_graph, save_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import BoundRoads, Roads

RNG_SEED = 20261123
STATIONS, ORIGINS, LIMIT_S = 500, 2000, 600.0


def seconds(action: Callable[[], object], repeat: int = 3) -> float:
    """Return the best of a few runs, in seconds."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best


def peak_mb() -> float:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(what: str, **figures: float | str) -> None:
    """Print one line."""
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps({"what": what} | rounded, ensure_ascii=False), flush=True)


def places_of(graph: RoadGraph, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return places some metres off the roads."""
    nodes = graph.edges.node_lonlat
    giant = np.flatnonzero(graph.in_giant[: len(nodes)])
    return nodes[rng.choice(giant, count)] + rng.normal(0, 3e-4, (count, 2))


def in_networkx(graph: RoadGraph) -> nx.DiGraph:
    """Return the collapsed turn-expanded graph, weights in seconds."""
    forward = graph.forward.tocoo()
    peer = nx.DiGraph()
    times = split_weight(forward.data)[0]
    peer.add_weighted_edges_from(
        zip(forward.row.tolist(), forward.col.tolist(), times.tolist(), strict=True)
    )
    return peer


def bench_against_networkx(graph: RoadGraph, rng: np.random.Generator) -> None:
    """Compare one-to-all times, then time them; and the nearest of all nodes."""
    peer = in_networkx(graph)
    source = int(rng.choice(np.flatnonzero(graph.in_giant)))
    lengths = nx.single_source_dijkstra_path_length(peer, source)
    ours = split_weight(dijkstra(graph.forward, indices=source))[0]
    gap = max(abs(ours[node] - value) for node, value in lengths.items())
    mine = seconds(lambda: dijkstra(graph.forward, indices=source))
    theirs = seconds(lambda: nx.single_source_dijkstra_path_length(peer, source), 1)
    say("one to all", ours_s=mine, peer="networkx", ratio=theirs / mine, largest_gap_s=gap)
    stations = rng.choice(np.flatnonzero(graph.in_giant), 110, replace=False)
    turned = peer.reverse(copy=False)
    mine = seconds(lambda: dijkstra(graph.backward, indices=stations, min_only=True))
    theirs = seconds(
        lambda: nx.multi_source_dijkstra_path_length(turned, set(stations.tolist())), 1
    )
    say("all nodes, nearest of 110", ours_s=mine, peer="networkx", ratio=theirs / mine)
    if importlib.util.find_spec("pandana"):
        bench_pandana(graph, stations, mine)
    else:
        say("all nodes, nearest of 110", peer="pandana", skipped="not installed")


def bench_pandana(graph: RoadGraph, stations: np.ndarray, mine: float) -> None:
    """Ask pandana for the nearest of all nodes; it is given our states and times."""
    import pandana
    import pandas as pd

    forward = graph.forward.tocoo()
    lonlat = graph.edges.node_lonlat[graph.state_node]
    times = pd.DataFrame({"s": split_weight(forward.data)[0]})
    x, y = pd.Series(lonlat[:, 0]), pd.Series(lonlat[:, 1])
    # The way to a station is the way from it in the graph turned round.
    network = pandana.Network(
        x, y, pd.Series(forward.col), pd.Series(forward.row), times, twoway=False
    )
    network.set_pois("p", 1e6, 1, x.iloc[stations], y.iloc[stations])
    theirs = seconds(lambda: network.nearest_pois(1e6, "p", num_pois=1))
    say("all nodes, nearest of 110", ours_s=mine, peer="pandana", ratio=theirs / mine)


def bench_read(path: Path, *, peers: bool) -> RoadEdges:
    """Read and build, against OSMnx where it is installed and the file is one it reads."""
    before, start = peak_mb(), time.perf_counter()
    edges = read_osm(path, E_BIKE)
    graph = build_graph(edges, E_BIKE, source=path.name)
    mine = time.perf_counter() - start
    say("read and build", ours_s=mine, grown_mb=peak_mb() - before)
    if peers and importlib.util.find_spec("osmnx"):
        bench_osmnx(path, graph, mine)
    elif peers:
        say("read and build", peer="osmnx", skipped="not installed")
    return edges


def bench_osmnx(path: Path, graph: RoadGraph, mine: float) -> None:
    """Read the same extract with OSMnx, and draw a service area from its ego graph."""
    import geopandas as gpd
    import osmium
    import osmnx as ox

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "extract.osm"  # OSMnx reads XML only; the change is not timed
        with osmium.SimpleWriter(str(plain)) as writer:
            for item in osmium.FileProcessor(path):
                writer.add(item)
        start, before = time.perf_counter(), peak_mb()
        peer = ox.graph_from_xml(plain, bidirectional=False)
    for *_, road in peer.edges(data=True):
        road["travel_time"] = np.nan_to_num(road.get("length", 0.0)) / (E_BIKE.speed_kmh / 3.6)
    theirs = time.perf_counter() - start
    grown = peak_mb() - before
    say("read and build", ours_s=mine, peer="osmnx", ratio=theirs / mine, peer_grown_mb=grown)
    roads = Roads(graph)
    giant = graph.edges.node_lonlat[graph.in_giant[: len(graph.edges.node_lonlat)]]
    bound = roads.bind(giant[len(giant) // 2])
    bound.service_areas(limit_s=LIMIT_S)
    ours = seconds(lambda: bound.service_areas(limit_s=LIMIT_S))
    flat = ox.project_graph(peer)
    centre = list(flat.nodes)[len(flat) // 2]

    def area() -> object:
        reach = nx.ego_graph(flat, centre, radius=LIMIT_S, distance="travel_time")
        lines: gpd.GeoDataFrame = ox.graph_to_gdfs(reach, nodes=False)
        return lines.buffer(40).union_all()

    theirs = seconds(area, 1)
    say("service area", ours_s=ours, peer="osmnx, ego graph and buffer", ratio=theirs / ours)


def bench_queries(roads: Roads, rng: np.random.Generator, stations: int = STATIONS) -> BoundRoads:
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
    return bound


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


def main() -> int:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--million", action="store_true", help="memory of a graph of --nodes")
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--kept", action="store_true", help="the file is a kept graph")
    given = parser.parse_args()
    rng = np.random.default_rng(RNG_SEED)
    if given.kept:
        bench_kept(given.extract, rng)
        return 0
    edges = bench_read(given.extract, peers=not given.million)
    if given.million:
        bench_million(edges, given.nodes)
        return 0
    graph = build_graph(edges, E_BIKE, source=given.extract.name)
    bench_against_networkx(graph, rng)
    bench_queries(Roads(graph), rng)
    return 0


if __name__ == "__main__":
    sys.exit(main())
