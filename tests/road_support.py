"""What the tests of roads share: the hand-made extracts, small networks, a graph in networkx."""

from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import numpy as np
import numpy.typing as npt

from locator.travel.edges import RoadEdges, shape_lengths_m, travel_ms
from locator.travel.graph import RoadGraph, build_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE, Profile

EXTRACTS = Path(__file__).resolve().parent / "roads"


def read(name: str, profile: Profile = E_BIKE) -> RoadEdges:
    """Read one of the hand-made extracts."""
    return read_osm(EXTRACTS / f"{name}.osm", profile)


def graph_of(name: str, profile: Profile = E_BIKE) -> RoadGraph:
    """Return the graph of one of the hand-made extracts."""
    return build_graph(read(name, profile), profile, source=name)


def speeds(edges: RoadEdges, name: str) -> tuple[float, float] | None:
    """Return the speeds along and against the road of a name, in km/h; None if there is none."""
    rows = [e for e in range(len(edges.tail)) if edges.names[edges.name[e]] == name]
    if not rows:
        return None
    length_m = edges.length_m[rows].sum()
    times = [edges.forward_ms[rows], edges.backward_ms[rows]]
    there, back = (length_m / t.sum() * 3600 if t.all() else 0.0 for t in times)
    return round(float(there), 1), round(float(back), 1)


def network(
    lonlat: npt.NDArray[np.float64],
    roads: Sequence[tuple[int, int, float, float]],
    forbidden: Sequence[tuple[int, ...]] = (),
) -> RoadEdges:
    """Return straight roads between nodes: (tail, head, km/h along, km/h against)."""
    tail = np.array([road[0] for road in roads], dtype=np.int32)
    head = np.array([road[1] for road in roads], dtype=np.int32)
    shape = lonlat[np.column_stack([tail, head]).reshape(-1)]
    start = np.arange(0, 2 * len(roads) + 1, 2, dtype=np.int64)
    length_m = shape_lengths_m(shape, start)
    return RoadEdges(
        node_lonlat=lonlat,
        tail=tail,
        head=head,
        vertex_start=start,
        vertex_lonlat=shape,
        length_m=length_m,
        forward_ms=travel_ms(length_m, np.array([road[2] for road in roads])),
        backward_ms=travel_ms(length_m, np.array([road[3] for road in roads])),
        road_class=np.zeros(len(roads), dtype=np.uint8),
        classes=("residential",),
        name=np.zeros(len(roads), dtype=np.int32),
        names=("",),
        forbidden=tuple(forbidden),
    )


def in_networkx(graph: RoadGraph) -> nx.MultiDiGraph:
    """Return the turn-expanded graph link by link, nothing collapsed, times in milliseconds."""
    times = np.column_stack([graph.edges.forward_ms, graph.edges.backward_ms]).reshape(-1)
    whole = nx.MultiDiGraph()
    whole.add_nodes_from(range(graph.states))
    whole.add_weighted_edges_from(
        zip(
            graph.link_from.tolist(),
            graph.link_state.tolist(),
            times[graph.link_arc].astype(int).tolist(),
            strict=True,
        )
    )
    return whole
