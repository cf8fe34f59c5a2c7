"""What the peers of roads.py take on plain files, in an interpreter that need not have locator.

pandana is AGPL: it is installed nowhere beside us. roads.py runs this file with the interpreter
that LOCATOR_PEERS names. Answers and times go into a file.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

BUFFER_M = 40.0


def clock(action: Callable[[], object]) -> tuple[dict[str, float], object]:
    """Return what an action took, and what it returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = action()
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    return took | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}, found


def run_osmnx(asked: dict[str, np.ndarray], extract: Path) -> tuple[dict, dict]:
    """Read an extract in XML, and draw service areas from ego graphs and buffers."""
    import networkx as nx
    import osmnx as ox

    def read() -> object:
        graph = ox.graph_from_xml(extract, bidirectional=False)
        for *_, road in graph.edges(data=True):
            road["travel_time"] = np.nan_to_num(road.get("length", 0.0)) / float(asked["m_per_s"])
        return graph

    took, graph = clock(read)
    flat = ox.project_graph(graph)
    lonlat = np.array([(row["x"], row["y"]) for _, row in graph.nodes(data=True)])
    scale = np.array([np.cos(np.radians(lonlat[0, 1])), 1.0])
    ids = list(graph.nodes)
    centres = [ids[np.square((lonlat - at) * scale).sum(axis=1).argmin()] for at in asked["places"]]

    def area(centre: int) -> object:
        reach = nx.ego_graph(flat, centre, radius=float(asked["limit_s"]), distance="travel_time")
        return ox.graph_to_gdfs(reach, nodes=False).buffer(BUFFER_M).union_all()

    drawn, areas = clock(lambda: [area(centre) for centre in centres])
    return {"read": took, "areas": drawn}, {"km2": np.array([a.area / 1e6 for a in areas])}


def run_pandana(asked: dict[str, np.ndarray], _: Path) -> tuple[dict, dict]:
    """Find the nearest of some nodes for all nodes, and the times between many pairs."""
    import pandana
    import pandas as pd

    # Each state gets a place of its own, so that a station is put on the state that is meant.
    x, y = (pd.Series(axis * np.arange(int(asked["states"]))) for axis in (1.0, 0.0))
    tail, head = pd.Series(asked["tail"]), pd.Series(asked["head"])
    times = pd.DataFrame({"s": asked["seconds"]})
    far = 36_000.0  # ten hours: farther than any two places of a city
    stations = asked["stations"]
    built, network = clock(lambda: pandana.Network(x, y, tail, head, times, twoway=False))
    network.set_pois("p", far, 1, x.iloc[stations], y.iloc[stations])
    near, found = clock(lambda: network.nearest_pois(far, "p", num_pois=1))
    begin = np.repeat(asked["sources"], len(asked["targets"]))
    end = np.tile(asked["targets"], len(asked["sources"]))
    pairs, lengths = clock(lambda: network.shortest_path_lengths(begin, end))
    answers = {"nearest_s": found[1].to_numpy(), "pairs_s": np.asarray(lengths)}
    return {"nearest": near, "build": built, "pairs": pairs}, answers


def main() -> None:
    """``roads_peers.py PEER ASKED.npz ANSWERS.npz EXTRACT``."""
    peer, asked, answers, extract = sys.argv[1:]
    run = {"osmnx": run_osmnx, "pandana": run_pandana}[peer]
    with np.load(asked) as held:
        took, found = run(dict(held), Path(extract))
    np.savez(answers, took=json.dumps(took), **found)


if __name__ == "__main__":
    main()
