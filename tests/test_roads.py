"""Roads: the same times as other ways to compute them, each direction for itself, within limits."""

import heapq
from dataclasses import replace
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from scipy.sparse.csgraph import dijkstra

from locator.datum import from_mercator, geodesic_m, local_crs, mercator_scale, steps_m, to_mercator
from locator.errors import InputError, RoadsError
from locator.intake.roads import box_around, fit_stations, import_extract, road_warnings
from locator.travel import BoundModel, TravelModel
from locator.travel.edges import RoadEdges
from locator.travel.graph import RoadGraph, build_graph, split_weight, weigh
from locator.travel.graph_file import file_digest, graph_path, load_graph, save_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE, WALK
from locator.travel.roads import BoundRoads, RoadOptions, Roads
from locator.travel.snap import SnapIndex
from tests.patience import examples
from tests.road_support import EXTRACTS, graph_of, in_networkx, network

EXTRACT_NAMES = ("porto", "helsinki", "newport")
Points = npt.NDArray[np.float64]


def make(edges: RoadEdges) -> RoadGraph:
    """Build a graph of a test's own network."""
    return build_graph(edges, E_BIKE, source="test")


def grid_city(side: int, seed: int, *, step: float = 0.002) -> RoadEdges:
    """Return a city of blocks with some one-way streets and some forbidden turns."""
    rng = np.random.default_rng(seed)
    axis = np.arange(side) * step
    lon, lat = np.meshgrid(107.1 + axis, 34.3 + axis)
    lonlat = np.column_stack([lon.ravel(), lat.ravel()]) + rng.normal(0, step / 20, (side**2, 2))
    roads = []
    for row, column in product(range(side), range(side)):
        here = row * side + column
        for there, ok in ((here + 1, column + 1 < side), (here + side, row + 1 < side)):
            if ok:
                speed = float(rng.choice([18.0, 12.0, 4.5]))
                kind = rng.random()
                roads.append((here, there, speed * (kind > 0.1), speed * (kind < 0.9)))
    edges = network(lonlat, roads)
    return replace(edges, forbidden=random_sequences(edges, rng, side))


def random_sequences(
    edges: RoadEdges, rng: np.random.Generator, count: int
) -> tuple[tuple[int, ...], ...]:
    """Return forbidden sequences of two to four arcs that could be travelled."""
    tail = np.column_stack([edges.tail, edges.head]).reshape(-1)
    head = np.column_stack([edges.head, edges.tail]).reshape(-1)
    sequences = []
    for _ in range(count):
        path = [int(rng.integers(len(tail)))]
        for _ in range(int(rng.integers(1, 4))):
            following = np.flatnonzero(tail == head[path[-1]])
            path.append(int(rng.choice(following)))
        sequences.append(tuple(path))
    return tuple(sequences)


def beside(edges: RoadEdges, count: int, seed: int, *, off: float = 0.0003) -> Points:
    """Return places near the roads."""
    rng = np.random.default_rng(seed)
    ends = edges.node_lonlat[np.stack([edges.tail, edges.head])]
    chosen = rng.integers(0, len(edges.tail), count)
    share = rng.uniform(0, 1, (count, 1))
    on = ends[0, chosen] * (1 - share) + ends[1, chosen] * share
    return np.asarray(on + rng.uniform(-off, off, (count, 2)))


# -- against other ways to compute the same --------------------------------------------------


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", EXTRACT_NAMES)
def test_two_thousand_pairs_equal_networkx_to_a_millisecond(realdata: Path, name: str) -> None:
    path = realdata / "roads" / f"{name}.osm.pbf"
    graph = build_graph(read_osm(path, E_BIKE), E_BIKE, source=path.name)
    compare_with_networkx(graph, sources=10, targets=200)


def compare_with_networkx(graph: RoadGraph, *, sources: int, targets: int) -> None:
    rng = np.random.default_rng(20261123)
    peer = in_networkx(graph)
    begin = rng.choice(graph.states, sources, replace=False)
    end = rng.choice(graph.states, targets, replace=False)
    ours = split_weight(dijkstra(graph.forward, indices=begin))[0]
    back = split_weight(dijkstra(graph.backward, indices=end))[0]
    for row, source in enumerate(begin.tolist()):
        lengths = nx.single_source_dijkstra_path_length(peer, source)
        expected = np.array([lengths.get(t, np.inf) for t in end.tolist()]) / 1000
        assert ours[row, end] == pytest.approx(expected, abs=0.001)
        assert back[:, source] == pytest.approx(expected, abs=0.001)


def candidates(graph: RoadGraph, place: Points, max_m: float) -> list[tuple[int, float, float]]:
    """Return the edges a place may be left by: the share along each, and the leg in ms.

    Written apart from the product: the distance to every edge, no index.
    """
    unit = float(mercator_scale(place[1]))
    point = shapely.Point(to_mercator(place[None])[0])
    start, vertices = graph.edges.vertex_start, to_mercator(graph.edges.vertex_lonlat)
    aboard = [name == "ferry" for name in graph.edges.classes]
    near = []
    for edge in np.flatnonzero(graph.edge_in_giant).tolist():
        line = shapely.LineString(vertices[start[edge] : start[edge + 1]])
        near.append((line.distance(point) / unit, edge, line.project(point, normalized=True)))
    near = sorted(near)
    least = near[0][0]
    near = [item for item in near if item[0] <= min(least + 20, max_m)]
    near = [item for item in near if item[0] <= near[min(len(near), 8) - 1][0] + 0.01]
    ms_per_m = 3600 / graph.profile.push_kmh
    return [
        (edge, share, metres * ms_per_m)
        for metres, edge, share in near
        if not aboard[graph.edges.road_class[edge]]
    ]


def brute_force_ms(graph: RoadGraph, roads: Roads, origin: Points, destination: Points) -> float:
    """Return the quickest time between two places, by states that remember the last arcs.

    Written apart from the product: arcs, what follows them, and the sequences as they are given.
    """
    edges = graph.edges
    tail = np.column_stack([edges.tail, edges.head]).reshape(-1)
    head = np.column_stack([edges.head, edges.tail]).reshape(-1)
    times = np.column_stack([edges.forward_ms, edges.backward_ms]).reshape(-1).astype(float)
    ends = [candidates(graph, place, roads.options.max_snap_m) for place in (origin, destination)]
    first, last = (
        {2 * e + side: (abs(side - share), ms) for e, share, ms in end for side in (0, 1)}
        for end in ends
    )
    best = np.inf
    queue: list[tuple[float, tuple[int, ...]]] = []
    for arc, (share, leg) in first.items():
        if times[arc]:
            heapq.heappush(queue, ((1 - share) * times[arc] + leg, (arc,)))
            if arc in last and last[arc][0] >= share:
                best = min(best, (last[arc][0] - share) * times[arc] + leg + last[arc][1])
    seen = set()
    while queue:
        ms, past = heapq.heappop(queue)
        if past in seen or ms > best:
            continue
        seen.add(past)
        for arc in np.flatnonzero(tail == head[past[-1]]).tolist():
            path = (*past, arc)
            if not times[arc] or any(path[-len(s) :] == s for s in edges.forbidden):
                continue
            if arc in last:
                best = min(best, ms + last[arc][0] * times[arc] + last[arc][1])
            heapq.heappush(queue, (ms + times[arc], path[-3:]))
    return float(best)


@settings(deadline=None, max_examples=examples(25))
@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_every_way_to_ask_equals_brute_force(side: int, seed: int) -> None:
    graph = make(grid_city(side, seed))
    roads = Roads(graph)
    stations, origins = beside(graph.edges, 6, seed + 1), beside(graph.edges, 5, seed + 2)
    expected = np.array([[brute_force_ms(graph, roads, o, s) for s in stations] for o in origins])
    bound = roads.bind(stations)
    searched = by_station(bound, origins)
    merged = bound._merge(roads.snap(origins), 6, np.arange(6))
    one = bound.nearest(origins, k=1)
    assert bound.prepare()
    looked_up = by_station(bound, origins)
    # Both legs are rounded to a millisecond.
    assert searched * 1000 == pytest.approx(expected, abs=3)
    assert np.array_equal(looked_up, searched)
    assert np.array_equal(split_weight(merged[0])[0], np.sort(searched, axis=1))
    assert one.seconds[:, 0] == pytest.approx(searched.min(axis=1), abs=1e-9)


def by_station(bound: BoundRoads, origins: Points) -> Points:
    """Return (n, m) seconds out of the ranked answer."""
    count = len(bound.places)
    near = bound.nearest(origins, k=count)
    seconds = np.full((len(origins), count), np.inf)
    row, place = np.nonzero(near.index >= 0)
    seconds[row, near.index[row, place]] = near.seconds[row, place]
    return seconds


@settings(deadline=None, max_examples=examples(20))
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 34.3, -60.0]))
def test_snapping_equals_the_distance_to_every_edge(seed: int, lat: float) -> None:
    edges = grid_city(4, seed)
    shift = np.array([0.0, lat - 34.3])
    edges = network(
        edges.node_lonlat + shift,
        [(int(a), int(b), 18.0, 18.0) for a, b in zip(edges.tail, edges.head, strict=True)],
    )
    graph = make(edges)
    places = beside(edges, 40, seed, off=0.002)
    found = SnapIndex(graph).snap(places, max_m=150.0)
    plane = Transformer.from_crs(4326, local_crs(tuple(edges_bounds(edges))), always_xy=True)
    ends = np.column_stack(plane.transform(*edges.vertex_lonlat.T)).reshape(-1, 2, 2)
    lines = shapely.linestrings(ends)
    points = shapely.points(np.column_stack(plane.transform(*places.T)))
    distance = shapely.distance(points[:, None], lines[None, :])
    nearest = distance.min(axis=1)
    assert (~found.found == (nearest > 150)).all()
    assert found.nearest_m[found.found] == pytest.approx(nearest[found.found], rel=1e-3, abs=0.01)
    chosen = distance[found.owner, found.edge]
    assert found.access_m == pytest.approx(chosen, rel=1e-3, abs=0.01)
    share = shapely.line_locate_point(lines[found.edge], points[found.owner], normalized=True)
    assert found.share == pytest.approx(share, abs=2e-3)
    # The product measures on a sphere's plane: a centimetre either way.
    for row in np.flatnonzero(found.found).tolist():
        mine = set(found.edge[found.owner == row].tolist())
        limit = min(nearest[row] + 20, 150)
        eighth = np.sort(distance[row])[min(7, len(lines) - 1)]
        sure = distance[row] < min(limit, eighth) - 0.05
        possible = distance[row] < min(limit, eighth) + 0.05
        assert set(np.flatnonzero(sure).tolist()) <= mine <= set(np.flatnonzero(possible).tolist())


def edges_bounds(edges: RoadEdges) -> list[float]:
    low, high = edges.node_lonlat.min(axis=0), edges.node_lonlat.max(axis=0)
    return [float(v) for v in (*low, *high)]


# -- worked by hand --------------------------------------------------------------------------

# A block of four one-way streets, ridden anticlockwise, 0.01 degrees of latitude a side.
BLOCK = np.array([[107.0, 34.0], [107.01, 34.0], [107.01, 34.01], [107.0, 34.01]])
ROUND = [(0, 1, 18.0, 0.0), (1, 2, 18.0, 0.0), (2, 3, 18.0, 0.0), (3, 0, 18.0, 0.0)]


def test_there_is_not_back_on_one_way_streets() -> None:
    graph = make(network(BLOCK, ROUND))
    a, b = BLOCK[0] * 0.75 + BLOCK[1] * 0.25, BLOCK[0] * 0.25 + BLOCK[1] * 0.75
    roads = Roads(graph)
    there = roads.bind(b).nearest(a, k=1)
    back = roads.bind(a).nearest(b, k=1)
    length_m = geodesic_m(BLOCK[:, 0], BLOCK[:, 1], *np.roll(BLOCK, -1, axis=0).T)
    half = length_m[0] / 2
    assert there.metres[0, 0] == pytest.approx(half, abs=0.5)
    assert there.seconds[0, 0] == pytest.approx(half / 5, abs=0.1)
    assert back.metres[0, 0] == pytest.approx(length_m.sum() - half, abs=0.5)
    assert back.seconds[0, 0] == pytest.approx((length_m.sum() - half) / 5, abs=0.1)


def test_the_leg_to_the_road_is_pushed_and_too_far_is_out_of_reach() -> None:
    graph = make(network(BLOCK, ROUND))
    door = np.array([[107.005, 34.0 - 0.002]])  # 222 m south of the middle of a street
    station = BLOCK[0] * 0.25 + BLOCK[1] * 0.75
    bound = Roads(graph, RoadOptions(max_snap_m=250.0)).bind(station)
    found = bound.nearest(door, k=1)
    leg_m = float(geodesic_m(107.005, 34.0, 107.005, 33.998))
    ride_m = float(geodesic_m(107.0, 34.0, 107.01, 34.0)) / 4
    assert found.seconds[0, 0] == pytest.approx(leg_m / 1.25 + ride_m / 5, abs=0.2)
    assert found.metres[0, 0] == pytest.approx(leg_m + ride_m, abs=0.5)
    nearer = Roads(graph, RoadOptions(max_snap_m=200.0)).bind(station).nearest(door, k=1)
    assert nearer.index[0, 0] == -1
    assert np.isinf(nearer.seconds[0, 0])
    assert np.isinf(nearer.metres[0, 0])


def test_a_station_on_an_island_is_out_of_reach_and_named() -> None:
    roads = Roads(graph_of("shapes"))
    island, arm = [107.2005, 34.4], [107.1015, 34.3]
    bound = roads.bind(np.array([island, arm]))
    assert bound.out_of_reach.tolist() == [0]
    found = bound.nearest(np.array([[107.1, 34.3015]]), k=2)
    assert found.index.tolist() == [[1, -1]]
    assert bound.nearest(np.array([island]), k=1).index.tolist() == [[-1]]
    assert bound.service_areas(limit_s=300.0).is_empty.tolist() == [True, False]
    assert roads.route(np.array(arm), np.array(island)) is None
    assert bound.times(np.array([arm, island]), limit_s=np.inf).toarray()[:, 0].tolist() == [0, 0]


def test_at_the_very_place_a_time_is_a_millisecond() -> None:
    roads = Roads(make(network(BLOCK, ROUND)))
    here = BLOCK[0] * 0.5 + BLOCK[1] * 0.5
    bound = roads.bind(here)
    assert bound.nearest(here, k=1).seconds[0, 0] == pytest.approx(0.001, abs=0.001)
    assert bound.times(here, limit_s=60).toarray()[0, 0] > 0


def test_stations_at_one_place_keep_their_order_whichever_way_is_taken() -> None:
    edges = grid_city(4, 3)
    place = beside(edges, 1, 1)[0]
    bound = Roads(make(edges)).bind(np.stack([place, place, place]))
    origins = beside(edges, 8, 2)
    for _ in range(2):
        assert (bound.nearest(origins, k=1).index == 0).all()
        assert (bound.nearest(origins, k=3).index == [0, 1, 2]).all()
        masked = bound.nearest(origins, k=2, mask=np.array([False, True, True]))
        assert (masked.index == [1, 2]).all()
        bound.prepare()


def test_a_mask_without_stations_and_no_stations_at_all_find_nothing() -> None:
    edges = grid_city(3, 5)
    roads = Roads(make(edges))
    origins = beside(edges, 3, 1)
    bound = roads.bind(beside(edges, 2, 2))
    assert (bound.nearest(origins, k=2, mask=np.zeros(2, dtype=bool)).index == -1).all()
    empty = roads.bind(np.empty((0, 2)))
    assert empty.nearest(origins, k=2).index.tolist() == [[-1, -1]] * 3
    assert empty.times(origins, limit_s=60.0).shape == (3, 0)
    assert len(empty.service_areas(limit_s=60.0)) == 0
    assert empty.prepare()
    assert bound.nearest(np.empty((0, 2)), k=1).index.shape == (0, 1)


def test_bad_values_are_refused() -> None:
    roads = Roads(make(grid_city(3, 5)))
    with pytest.raises(InputError, match="not a number"):
        roads.bind(np.array([[np.nan, 34.0]]))
    with pytest.raises(InputError, match="1 or more"):
        roads.bind(np.array([[107.1, 34.3]])).nearest(np.array([[107.1, 34.3]]), k=0)
    with pytest.raises(InputError, match="above 0"):
        Roads(roads.graph, RoadOptions(max_snap_m=0.0))


def test_parallel_roads_are_not_added_up() -> None:
    lonlat = np.array([[107.0, 34.0], [107.01, 34.0]])
    graph = make(network(lonlat, [(0, 1, 9.0, 9.0), (0, 1, 18.0, 18.0)]))
    assert len(graph.edges.tail) == 1
    # Two ways of another shape stay two: the quicker counts.
    edges = network(
        np.array([*lonlat, [107.005, 34.005]]), [(0, 1, 18.0, 18.0), (0, 2, 18.0, 18.0)]
    )
    bent = replace(edges, tail=np.array([0, 0], np.int32), head=np.array([1, 1], np.int32))
    graph = make(bent)
    assert len(graph.edges.tail) == 2
    assert split_weight(graph.forward[[0], [1]])[0][0] * 1000 == graph.edges.forward_ms.min()


def test_weights_hold_time_and_length_exactly() -> None:
    rng = np.random.default_rng(1)
    times, lengths = rng.integers(1, 60_000, 500), rng.integers(0, 500_000, 500)
    total = weigh(times, lengths / 100).sum()
    seconds, metres = split_weight(np.array([total]))
    assert seconds[0] == times.sum() / 1000
    assert metres[0] == lengths.sum() / 100
    assert split_weight(np.array([np.inf])) == (np.inf, np.inf)


def test_the_model_says_what_it_is() -> None:
    model: TravelModel = Roads(make(replace(grid_city(2, 0), dated="2026-10-01")))
    assert model.describe() == "roads, extract of 2026-10-01, e-bike 18 km/h"
    assert "2026-10-01" in model.describe("zh")
    assert model.limit_s(1000.0) == pytest.approx(1000 * 1.3 / 5)
    bound: BoundModel = model.bind(np.array([[107.1, 34.3]]))
    assert bound.nearest(np.array([[107.1, 34.3]]), k=1).index[0, 0] == 0
    walk = Roads(build_graph(grid_city(2, 0), WALK, source="lines"))
    assert Roads(make(replace(grid_city(2, 0), dated="2026-10-01"))).credit.startswith("© Open")
    undated = Roads(build_graph(grid_city(2, 0), E_BIKE, source="city.osm.pbf"))
    assert undated.credit.startswith("© OpenStreetMap")
    assert walk.credit == ""
    assert walk.describe() == "roads, lines, walk 5 km/h"
    assert "步行" in walk.describe("zh")


# -- matrices, tables, routes, areas -----------------------------------------------------------


def test_times_hold_exactly_the_pairs_within_the_limit_whichever_way_they_are_found() -> None:
    edges = grid_city(8, 11)
    roads = Roads(make(edges))
    for stations, origins in ((9, 30), (30, 9)):
        bound = roads.bind(beside(edges, stations, 1))
        places = beside(edges, origins, 2)
        seconds = by_station(bound, places)
        for prepared in (False, True):
            times = bound.times(places, limit_s=200.0).toarray()
            assert np.array_equal(times > 0, seconds <= 200.0)
            assert np.array_equal(times[times > 0], seconds[seconds <= 200.0])
            assert bound.prepare() or not prepared


def test_a_changed_station_costs_one_search_and_the_rest_is_shared() -> None:
    edges = grid_city(8, 12)
    graph = make(edges)
    stations, origins = beside(edges, 70, 1), beside(edges, 20, 2)
    roads = Roads(graph)
    first = roads.bind(stations)
    first.prepare()
    before = first.nearest(origins, k=70)
    changed = np.concatenate([beside(edges, 1, 3), stations[:40], stations[41:]])
    second = roads.bind(changed)
    searched: list[int] = []
    plain = second._from_stations
    second._from_stations = lambda chosen, limit: (  # type: ignore[method-assign]
        searched.append(len(chosen)),
        plain(chosen, limit),
    )[1]
    second.prepare()
    assert searched == [1]
    assert first._table is not None
    assert second._table is not None
    shared = [a is b for a, b in zip(first._table.blocks, second._table.blocks, strict=True)]
    assert sum(shared) == len(shared) - 1
    fresh = Roads(graph).bind(changed)
    fresh.prepare()
    for a, b in ((second.nearest(origins, k=70), fresh.nearest(origins, k=70)),
                 (first.nearest(origins, k=70), before)):  # fmt: skip
        assert np.array_equal(a.index, b.index)
        assert np.array_equal(a.seconds, b.seconds)


def test_a_table_past_its_limit_is_not_filled_and_answers_are_the_same() -> None:
    edges = grid_city(6, 13)
    graph = make(edges)
    stations, origins = beside(edges, 5, 1), beside(edges, 80, 2)
    small = Roads(graph, RoadOptions(table_bytes=100)).bind(stations)
    assert not small.fits
    assert not small.prepare()
    large = Roads(graph).bind(stations)
    assert large.prepare()
    a, b = small.nearest(origins, k=3), large.nearest(origins, k=3)
    assert np.array_equal(a.index, b.index)
    assert np.array_equal(a.seconds, b.seconds)
    assert a.metres == pytest.approx(b.metres, abs=0.5)


def test_a_route_is_the_way_the_times_are_of() -> None:
    edges = grid_city(7, 14)
    roads = Roads(make(edges))
    stations, origins = beside(edges, 6, 1), beside(edges, 12, 2)
    near = roads.bind(stations).nearest(origins, k=6)
    for row, column in product(range(12), range(6)):
        station = near.index[row, column]
        route = roads.route(origins[row], stations[station])
        assert route is not None
        assert route.ride_s == near.seconds[row, column]
        assert route.ride_m == pytest.approx(near.metres[row, column], abs=0.05)
        drawn = float(steps_m(shapely.get_coordinates(route.line)).sum())
        assert drawn == pytest.approx(route.ride_m, rel=1e-3, abs=1.0)
        ends = shapely.get_coordinates(route.line)[[0, -1]]
        assert ends == pytest.approx(np.stack([origins[row], stations[station]]))


def test_a_route_names_its_streets() -> None:
    box = (107.105, 34.2, 107.115, 34.4)
    roads = Roads(make(read_osm(EXTRACTS / "turns.osm", E_BIKE, bbox=box)))
    south, west = np.array([107.11, 34.2995]), np.array([107.1095, 34.3])
    route = roads.route(south, west)
    assert route is not None
    # No left turn: straight on, or right, then a turn back and straight over.
    names = [street.name for street in route.streets]
    assert names[0] == "south 1"
    assert names[-1] == "west 1"
    assert len(names) == 3
    back = roads.route(west, south)
    assert back is not None
    assert [street.name for street in back.streets] == ["west 1", "south 1"]
    assert back.ride_m == pytest.approx(sum(s.length_m for s in back.streets), abs=0.1)
    assert roads.route(south, south) is not None


def check_area(roads: Roads, stations: Points, limit_s: float, *, margin_s: float) -> None:
    """Compare each outline with the exact times of the nodes, 40 m either way."""
    areas = roads.bind(stations).service_areas(limit_s=limit_s)
    graph = roads.graph
    nodes = graph.edges.node_lonlat
    inside = np.flatnonzero(graph.in_giant[: len(nodes)])
    assert areas.is_valid.all()
    for place, area in zip(stations, areas, strict=True):
        near = roads.bind(place).times(nodes[inside], limit_s=1e6).toarray()[:, 0]
        unit = float(mercator_scale(place[1]))
        outline = shapely.transform(area, to_mercator)
        points = shapely.points(to_mercator(nodes[inside]))
        distance = shapely.distance(outline, points) / unit
        within = near < limit_s - margin_s
        assert within.any()
        assert distance[within].max() <= 40
        depth = shapely.distance(shapely.boundary(outline), points) / unit
        beyond = (near > limit_s + margin_s) & (distance == 0) & (depth > 40)
        # A slow path within a cell of a quick road is all that may be missed.
        assert beyond.sum() <= max(1, 0.02 * (distance == 0).sum())


def test_service_areas_agree_with_the_times_of_the_nodes() -> None:
    edges = grid_city(14, 21)
    check_area(Roads(make(edges)), beside(edges, 3, 1), 300.0, margin_s=20.0)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["newport", pytest.param("porto", marks=pytest.mark.soak)])
def test_service_areas_of_a_real_city(realdata: Path, name: str) -> None:
    edges = read_osm(realdata / "roads" / f"{name}.osm.pbf", E_BIKE)
    roads = Roads(make(edges))
    giant = np.flatnonzero(roads.graph.in_giant[: len(edges.node_lonlat)])
    chosen = np.random.default_rng(1).choice(giant, 2)
    check_area(roads, edges.node_lonlat[chosen], 600.0, margin_s=30.0)


def test_a_small_limit_still_gives_an_area() -> None:
    edges = grid_city(4, 22)
    areas = Roads(make(edges)).bind(edges.node_lonlat[5]).service_areas(limit_s=30.0)
    assert shapely.area(areas.iloc[0]) > 0


# -- kept in a file ----------------------------------------------------------------------------


def test_a_graph_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    graph = graph_of("turns")
    path = graph_path(tmp_path, "abc", E_BIKE)
    assert path != graph_path(tmp_path, "abc", WALK)
    assert path != graph_path(tmp_path, "abd", E_BIKE)
    assert path != graph_path(tmp_path, "abc", E_BIKE, extra="box")
    save_graph(graph, path)
    again = load_graph(path)
    assert again.report() == graph.report()
    assert again.profile == graph.profile
    assert again.edges.names == graph.edges.names
    stations = np.array([[107.11, 34.2995], [107.1195, 34.3]])
    origins = beside(graph.edges, 20, 1)
    a, b = (Roads(g).bind(stations).nearest(origins, k=2) for g in (graph, again))
    assert np.array_equal(a.seconds, b.seconds)


def test_a_damaged_or_foreign_graph_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "roads.npz"
    with pytest.raises(RoadsError, match="import an extract first"):
        load_graph(path)
    save_graph(graph_of("turns"), path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"not a graph"):
        path.write_bytes(content)
        with pytest.raises(RoadsError, match="damaged"):
            load_graph(path)
    np.savez(path, about=np.frombuffer(b'{"format": 0}', dtype=np.uint8))
    with pytest.raises(RoadsError, match="another version"):
        load_graph(path)
    path.write_bytes(whole)
    assert len(file_digest(path)) == 64
    with pytest.raises(RoadsError, match="cannot be read"):
        file_digest(tmp_path / "absent")


def test_the_mercator_plane_is_that_of_proj_and_comes_back() -> None:
    rng = np.random.default_rng(4)
    lonlat = np.column_stack([rng.uniform(-180, 180, 200), rng.uniform(-85, 85, 200)])
    plane = to_mercator(lonlat)
    proj = Transformer.from_crs(4326, 3395, always_xy=True)
    assert plane == pytest.approx(np.column_stack(proj.transform(*lonlat.T)), abs=1e-6)
    assert from_mercator(plane) == pytest.approx(lonlat, abs=1e-11)
    step = np.array([0.0, 1e-4])
    metres = geodesic_m(*lonlat.T, *(lonlat + step).T)
    plain = np.hypot(*(to_mercator(lonlat + step) - plane).T)
    assert plain / metres == pytest.approx(mercator_scale(lonlat[:, 1]), rel=1e-3)


@given(st.floats(-180, 179), st.floats(-88, 88), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_steps_are_as_long_as_geodesics(lon: float, lat: float, x: float, y: float) -> None:
    line = np.array([[lon, lat], [lon + x, lat + y]])
    _, _, metres = Geod(ellps="WGS84").inv(*line[0], *line[1])
    assert steps_m(line)[0] == pytest.approx(metres, abs=0.001)


def test_an_import_is_kept_and_taken_again(tmp_path: Path) -> None:
    shares: list[float] = []
    extract = EXTRACTS / "shapes.osm"
    graph, kept = import_extract(extract, tmp_path, E_BIKE, progress=shares.append)
    assert shares[-1] == 1.0
    shares.clear()
    again, same = import_extract(extract, tmp_path, E_BIKE, progress=shares.append)
    assert same == kept
    assert shares == []
    assert again.report() == graph.report()
    kept.write_bytes(b"torn")
    assert import_extract(extract, tmp_path, E_BIKE)[0].report() == graph.report()
    assert import_extract(extract, tmp_path, WALK)[1] != kept
    assert import_extract(extract, tmp_path, E_BIKE, bbox=(107.0, 34.0, 107.15, 34.35))[1] != kept


def test_roads_that_do_not_fit_the_stations_are_said_in_a_sentence() -> None:
    graph = graph_of("shapes")
    roads = Roads(graph)
    stations = np.array([[107.1015, 34.3], [107.1015, 34.2985], [107.2005, 34.4]])
    fit = fit_stations(roads, stations)
    assert fit.far == (1,)
    assert fit.out_of_reach == (2,)
    with pytest.raises(RoadsError, match="import the extract of the stations' city"):
        fit_stations(roads, np.array([[110.0, 30.0]]))
    (cut,) = road_warnings(graph.report())
    assert "lie outside the extract" in cut
    torn = road_warnings(graph_of("turns").report())
    assert "hang together" in torn[0]
    west, south, east, north = box_around(stations, margin_km=10)
    assert geodesic_m(west, 34.3, stations[:, 0].min(), 34.3) >= 10_000
    assert geodesic_m(107.1, south, 107.1, stations[:, 1].min()) >= 9_900
    assert (east, north) > (107.2, 34.4)
