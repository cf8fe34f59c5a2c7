"""Roads against named peers: OSMnx and pandana in an interpreter of their own, networkx in ours.

``python benchmarks/roads.py EXTRACT.osm.pbf`` prints a line a comparison. LOCATOR_PEERS names the
Python that has the peers; without it this one. They know no turn restrictions, so pandana is given
our turn-expanded graph, and answers are compared before times are. OSMnx reads the same extract.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import osmium
import shapely
from clock import Cost, compared
from roads_http import bench_server
from scipy.sparse.csgraph import dijkstra

from locator.datum import mercator_scale, to_mercator
from locator.travel.graph import RoadGraph, build_graph, split_weight
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import BoundRoads, Roads
from locator.travel.snap import SnapIndex

RNG_SEED = 20261123
STATIONS, ORIGINS, LIMIT_S = 500, 2000, 600.0
FEW, CENTRES = 110, 5
SNAPPED, SNAP_M = 100_000, 300.0
PEERS = Path(__file__).with_name("roads_peers.py")
SAME_S = 0.002  # both sides round each arc to a millisecond
Row = dict[str, object]
Took = dict[str, Cost]


def seconds(action: Callable[[], object], repeat: int = 3) -> float:
    """Return the best of a few runs, in seconds."""
    return timed(action, repeat).wall_s


def timed(action: Callable[[], object], repeat: int = 3) -> Cost:
    """Return the best of a few runs, and the most memory this process has held."""
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(min(walls), min(cpus), peak_mb())


def peak_mb() -> float:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(what: str, **figures: float | str) -> None:
    """Print one line."""
    show({"what": what} | figures)


def show(row: Row) -> None:
    """Print one line, figures to three digits."""
    short = {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()}
    print(json.dumps(short, ensure_ascii=False), flush=True)


def places_of(graph: RoadGraph, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return places some metres off the roads."""
    nodes = graph.edges.node_lonlat
    giant = np.flatnonzero(graph.in_giant[: len(nodes)])
    return nodes[rng.choice(giant, count)] + rng.normal(0, 3e-4, (count, 2))


def ask_peer(peer: str, extract: Path, asked: dict[str, object]) -> tuple[Took, dict] | str:
    """Return what a peer took and found, or why it was not asked."""
    python = os.environ.get("LOCATOR_PEERS", sys.executable)
    try:
        there = subprocess.run([python, "-c", f"import {peer}"], capture_output=True, check=False)
    except OSError as error:
        return f"LOCATOR_PEERS names no Python: {error}"
    if there.returncode:
        return f"not installed in {'LOCATOR_PEERS' if 'LOCATOR_PEERS' in os.environ else 'ours'}"
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "asked.npz"), Path(folder, "found.npz")
        np.savez(given, **asked)
        command = [python, str(PEERS), peer, str(given), str(found), str(extract)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
            return f"it failed on this file: {last}"
        with np.load(found) as held:
            took = json.loads(str(held["took"]))
            return {name: Cost(**cost) for name, cost in took.items()}, dict(held)


def read_ours(extract: Path) -> None:
    """Read and build in this process, and print what it took: run as a child."""
    took = timed(lambda: build_graph(read_osm(extract, E_BIKE), E_BIKE, source="bench"), 1)
    print(json.dumps(vars(took)))


def bench_osmnx(extract: Path, graph: RoadGraph, rng: np.random.Generator) -> Iterator[Row]:
    """Read and build, and service areas."""
    child = [sys.executable, __file__, str(extract), "--read"]
    runs = [subprocess.run(child, check=True, capture_output=True, text=True) for _ in range(3)]
    ours = min((Cost(**json.loads(run.stdout)) for run in runs), key=lambda cost: cost.wall_s)
    places = places_of(graph, CENTRES, rng)
    bound = Roads(graph).bind(places)
    areas = bound.service_areas(limit_s=LIMIT_S)
    drawn = timed(lambda: bound.service_areas(limit_s=LIMIT_S))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "extract.osm"  # OSMnx reads XML only; the change is not timed
        with osmium.SimpleWriter(str(plain)) as writer:
            for item in osmium.FileProcessor(extract):
                writer.add(item)
        asked = {"places": places, "limit_s": LIMIT_S, "m_per_s": E_BIKE.speed_kmh / 3.6}
        answer = ask_peer("osmnx", plain, asked)
    if isinstance(answer, str):
        yield {"what": "read and build", "peer": "osmnx", "skipped": answer, "ours_s": ours.wall_s}
        return
    took, found = answer
    yield compared("read and build", "osmnx.graph_from_xml", ours, took["read"])
    # Not the same area: the peer rides everything at one speed.
    km2 = {"ours_km2": float(areas.to_crs(areas.estimate_utm_crs()).area.sum() / 1e6)}
    what = f"{CENTRES} service areas of {LIMIT_S / 60:g} minutes"
    peer = "osmnx, ego graph and buffer"
    plain_ours = Cost(drawn.wall_s, drawn.cpu_s)
    yield (
        compared(what, peer, plain_ours, took["areas"])
        | km2
        | {"peer_km2": float(found["km2"].sum())}
    )


def bench_pandana(extract: Path, graph: RoadGraph, rng: np.random.Generator) -> Iterator[Row]:
    """Answer the nearest of all nodes and a matrix as pandana does, from the same graph."""
    nodes = graph.edges.node_lonlat
    giant = np.flatnonzero(graph.in_giant[: len(nodes)])
    stations = rng.choice(giant, FEW, replace=False)
    sources, targets = rng.choice(giant, ORIGINS), rng.choice(giant, STATIONS, replace=False)
    forward = graph.forward.tocoo()
    asked: dict[str, object] = {"states": graph.states, "tail": forward.row, "head": forward.col}
    asked |= {"seconds": split_weight(forward.data)[0], "stations": stations}
    asked |= {"sources": sources, "targets": targets}
    search = timed(lambda: dijkstra(graph.backward, indices=stations, min_only=True))
    nearest = split_weight(dijkstra(graph.backward, indices=stations, min_only=True))[0]
    roads = Roads(graph)
    roads.snap(nodes[:1])  # the index over the roads is made once, as the peer's hierarchy is
    matrix = timed(lambda: roads.bind(nodes[targets]).times(nodes[sources], limit_s=LIMIT_S), 2)
    what = f"nearest of {FEW} stations for {graph.states:,} nodes"
    pairs = f"matrix {ORIGINS:,} x {STATIONS} within {LIMIT_S / 60:g} minutes"
    answer = ask_peer("pandana", extract, asked)
    if isinstance(answer, str):
        for label, cost in ((what, search), (pairs, matrix)):
            yield {"what": label, "peer": "pandana", "skipped": answer, "ours_s": cost.wall_s}
        return
    took, found = answer
    reached = np.isfinite(nearest)
    gap_s = float(np.abs(nearest - found["nearest_s"])[reached].max())
    if gap_s > SAME_S * 2000:  # of hundreds of arcs, each rounded by the peer
        raise RuntimeError(f"The nearest stations are {gap_s} s apart.")
    yield compared(what, "pandana.nearest_pois", _time(search), _time(took["nearest"])) | {
        "largest_gap_s": gap_s
    }
    theirs = found["pairs_s"].reshape(len(sources), len(targets))
    exact = split_weight(dijkstra(graph.backward, indices=targets)[:, sources].T)[0]
    gap_s = float(np.abs(exact - theirs).max())
    within = roads.bind(nodes[targets]).times(nodes[sources], limit_s=LIMIT_S).toarray()
    both = (within > 0) & (theirs <= LIMIT_S)
    yield compared(pairs, "pandana.shortest_path_lengths", _time(matrix), _time(took["pairs"])) | {
        "largest_gap_s": gap_s,
        "pairs_within": int(both.sum()),
        "snapped_alike": float((np.abs(within - theirs)[both] < 0.02).mean()),
        "peer_build_s": took["build"].wall_s,
    }


def _time(cost: Cost) -> Cost:
    return Cost(cost.wall_s, cost.cpu_s)


def bench_networkx(graph: RoadGraph, rng: np.random.Generator) -> Row:
    """Compare one-to-all times on the collapsed turn-expanded graph, then time them."""
    forward = graph.forward.tocoo()
    peer = nx.DiGraph()
    times = split_weight(forward.data)[0]
    peer.add_weighted_edges_from(
        zip(forward.row.tolist(), forward.col.tolist(), times.tolist(), strict=True)
    )
    source = int(rng.choice(np.flatnonzero(graph.in_giant)))
    lengths = nx.single_source_dijkstra_path_length(peer, source)
    ours = split_weight(dijkstra(graph.forward, indices=source))[0]
    gap_s = max(abs(ours[node] - value) for node, value in lengths.items())
    if gap_s > 0.001 or len(lengths) != np.isfinite(ours).sum():
        raise RuntimeError(f"Times differ from networkx's by up to {gap_s} s.")
    mine = timed(lambda: dijkstra(graph.forward, indices=source))
    theirs = timed(lambda: nx.single_source_dijkstra_path_length(peer, source), 1)
    return compared("one to all", "networkx", _time(mine), _time(theirs)) | {"largest_gap_s": gap_s}


def bench_rider(graph: RoadGraph, rng: np.random.Generator) -> Iterator[Row]:
    """Time what a rider asks inside the process, before the table of times and from it."""
    there, here = places_of(graph, STATIONS, rng), places_of(graph, ORIGINS, rng)
    bound = Roads(graph).bind(there)
    bound.nearest(here[:1], k=5)
    what = f"a rider's five nearest of {STATIONS}"
    yield {"what": f"{what}, by search"} | _waits(bound, here[:100])
    filled = timed(bound.prepare, 1)
    yield {"what": f"table of {graph.states:,} x {STATIONS}", "ours_s": filled.wall_s}
    yield {"what": f"{what}, from the table"} | _waits(bound, here)


def bench_snap(graph: RoadGraph, rng: np.random.Generator) -> Row:
    """Time snapping in bulk against the nearest line alone, without candidates and barriers."""
    index, places = SnapIndex(graph), places_of(graph, SNAPPED, rng)
    index.snap(places[:10], max_m=SNAP_M)
    points, unit = shapely.points(to_mercator(places)), mercator_scale(places[:, 1])
    tree = shapely.STRtree(index.lines)

    def nearest_line() -> None:
        (at, line), _ = tree.query_nearest(
            points,
            max_distance=SNAP_M * float(unit.max()),
            all_matches=False,
            return_distance=True,
        )
        shapely.line_locate_point(index.lines[line], points[at], normalized=True)

    ours, theirs = timed(lambda: index.snap(places, max_m=SNAP_M)), timed(nearest_line)
    return compared(
        f"snap {SNAPPED:,} places", "the nearest line alone", _time(ours), _time(theirs)
    )


def _waits(bound: BoundRoads, here: np.ndarray) -> Row:
    """Return milliseconds on the wall, and of the processor: the rest is others' work."""
    waits = []
    for at in range(len(here)):
        wall, cpu = time.perf_counter(), time.thread_time()
        bound.nearest(here[[at]], k=5)
        waits.append((time.perf_counter() - wall, time.thread_time() - cpu))
    p50, p99 = np.percentile(waits, [50, 99], axis=0) * 1000
    found = {"p50_ms": p50[0], "p99_ms": p99[0], "p50_cpu_ms": p50[1], "p99_cpu_ms": p99[1]}
    return {name: float(value) for name, value in found.items()}


def bench_roads(extract: Path | None = None) -> Iterator[Row]:
    """Compare on an extract; without one on Porto's, where the real files are."""
    if extract is None:
        folder = os.environ.get("LOCATOR_REALDATA")
        if not folder:
            yield {"what": "roads", "skipped": "LOCATOR_REALDATA names no folder of real files"}
            return
        extract = Path(folder, "roads", "porto.osm.pbf")
        if not extract.is_file():
            yield {"what": "roads", "skipped": f"no {extract.name} in LOCATOR_REALDATA"}
            return
    rng = np.random.default_rng(RNG_SEED)
    graph = build_graph(read_osm(extract, E_BIKE), E_BIKE, source=extract.name)
    yield bench_snap(graph, rng)
    yield bench_networkx(graph, rng)
    yield from bench_osmnx(extract, graph, rng)
    yield from bench_pandana(extract, graph, rng)
    yield from bench_rider(graph, rng)
    yield bench_server(extract, places_of(graph, FEW, rng), places_of(graph, 500, rng))


def main() -> None:
    """Run the comparisons on one extract."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--read", action="store_true", help="only read and build, as a child does")
    given = parser.parse_args()
    if given.read:
        read_ours(given.extract)
        return
    for row in bench_roads(given.extract):
        show(row)


if __name__ == "__main__":
    main()
