"""Where places meet the road: several candidates, never a ferry, in every question alike."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.ops

from locator.datum import mercator_scale, to_mercator
from locator.travel import StraightLine
from locator.travel.graph import RoadGraph, build_graph
from locator.travel.graph_file import load_graph, save_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import RoadOptions, Roads
from tests.road_support import EXTRACTS, graph_of, network
from tests.test_roads import Points, beside, by_station, grid_city, make

# As in the extracts: metres east and north of a place in Baoji.
EAST_M, NORTH_M = 111_320 * np.cos(np.radians(34.36)), 110_940


def at(*metres: tuple[float, float]) -> Points:
    """Return places by metres east and north."""
    return np.array([[107.15 + x / EAST_M, 34.36 + y / NORTH_M] for x, y in metres])


def every_answer(graph: RoadGraph, origin: Points, station: Points) -> dict[str, float]:
    """Return the seconds from one place to another, each way they can be asked for."""
    roads = Roads(graph)
    bound = roads.bind(station)
    found = {
        "search": float(bound.nearest(origin, k=1).seconds[0, 0]),
        "of many": float(bound.nearest(np.repeat(origin, 3, axis=0), k=1).seconds[0, 0]),
        "matrix": float(bound.times(origin, limit_s=1e5).toarray()[0, 0]),
        "by station": float(bound.times(np.repeat(origin, 9, axis=0), limit_s=1e5).toarray()[8, 0]),
        "merged": float(bound._merge(roads.snap(origin), 1, np.array([0]))[0][0, 0] / 2**28 / 1000),
    }
    assert bound.prepare()
    found["table"] = float(bound.nearest(origin, k=1).seconds[0, 0])
    route = roads.route(origin, station)
    assert route is not None
    found["route"] = route.ride_s
    return found


@pytest.mark.parametrize(
    ("origin", "station"),
    [((-500, 0), (0, 0)), ((0, -500), (0, 0)), ((0, 0), (500, 0)), ((0, 0), (0, 500))],
)
def test_a_place_at_a_junction_belongs_to_every_arm(
    origin: tuple[float, float], station: tuple[float, float]
) -> None:
    graph = graph_of("crossing_two_oneways")
    answers = every_answer(graph, at(origin), at(station))
    assert answers == {name: pytest.approx(100, abs=1) for name in answers}
    area = Roads(graph).bind(at(station)).service_areas(limit_s=140)[0]
    assert shapely.contains_xy(area, *at(origin)[0])


def test_ferries_are_boarded_at_their_landings_alone() -> None:
    roads = Roads(graph_of("ferry"))
    bound = roads.bind(at((2000, 100)))
    aboard = at((1900, 0), (1500, 0), (1000, 0))
    for limit_s in (900.0, 1200.0):
        for area in (bound.service_areas(limit_s=limit_s)[0], bound.reach(limit_s=limit_s)):
            assert not shapely.contains_xy(area, *aboard.T).any()
            assert shapely.contains_xy(area, *at((2000, 0))[0])
    assert shapely.contains_xy(bound.reach(limit_s=1200.0), *at((0, 0))[0])
    assert (bound.nearest(aboard, k=1).index == -1).all()
    # Across the water: 10 minutes aboard, 5 of waiting, 100 m of road.
    across = bound.nearest(at((0, 0)), k=1).seconds[0, 0]
    assert across == pytest.approx(920, abs=10)
    # At the landing, the road counts and not the ferry that lies as near.
    landing = roads.snap(at((2000, 0)))
    names = {roads.graph.edges.names[roads.graph.edges.name[e]] for e in landing.edge}
    assert names == {"East bank"}


def test_of_many_roads_the_eight_nearest_are_taken_and_all_that_tie() -> None:
    turn = np.radians(np.arange(12) * 30)
    rim = np.column_stack([500 * np.cos(turn), 500 * np.sin(turn)])
    star = at((0, 0), *map(tuple, rim.tolist()))
    arms = [(0, i + 1, 18.0, 18.0) for i in range(12)]
    roads = Roads(make(network(star, arms)))
    assert len(roads.snap(at((0, 0))).edge) == 12
    # 5 m along one arm: the rest are 2.5 to 5 m away, and the seven behind are one tie.
    assert len(roads.snap(at((5, 0))).edge) == 12
    parallel = [(x, y) for x in range(0, 20, 2) for y in (-500, 500)]
    ladder = [(2 * i, 2 * i + 1, 18.0, 18.0) for i in range(10)]
    ladder += [(2 * i + 1, 2 * i + 3, 18.0, 18.0) for i in range(9)]
    found = Roads(make(network(at(*parallel), ladder))).snap(at((0, 0)))
    assert len(found.edge) == 8
    assert found.access_m == pytest.approx(np.arange(0, 16, 2), abs=0.05)


def test_places_snapped_once_answer_as_places_do_and_know_their_network() -> None:
    edges = grid_city(6, 41)
    roads, other = Roads(make(edges)), Roads(make(grid_city(6, 41)))
    origins, stations = beside(edges, 40, 1), beside(edges, 5, 2)
    far = np.array([[120.0, 30.0], [np.nan, np.nan]])
    origins = np.concatenate([origins[:7], far, origins[7:]])
    line = StraightLine(18, 1.3)
    for model, k in product((roads, other, line), (1, 3)):
        bound = model.bind(stations)
        mask = np.array([True, False, True, True, False])
        plain = bound.nearest(origins[:7] if model is line else origins, k=k, mask=mask)
        kept = (model if model is line else roads).snap(origins[:7] if model is line else origins)
        again = bound.nearest(kept, k=k, mask=mask)
        assert np.array_equal(again.index, plain.index)
        assert np.array_equal(again.seconds, plain.seconds)
    assert line.bind(stations).nearest(roads.snap(origins[:7]), k=1).index.shape == (7, 1)
    assert roads.snap(roads.snap(origins)).graph is roads.graph
    assert other.snap(roads.snap(origins)).graph is other.graph


def test_one_search_answers_for_many_also_beside_a_table() -> None:
    edges = grid_city(5, 42)
    bound = Roads(make(edges)).bind(beside(edges, 9, 1))
    origins = beside(edges, 60, 2)
    before = bound.nearest(origins, k=1)
    bound.prepare()
    after = bound.nearest(origins, k=1)
    assert np.array_equal(before.seconds, after.seconds)
    assert after.seconds[:, 0] == pytest.approx(by_station(bound, origins).min(axis=1), abs=1e-9)


# -- barriers ---------------------------------------------------------------------------------

# Between two streets 100 m apart there is a line of each kind, 30 m from the northern one. A door
# is 20 m from that line: the northern street is nearer, and behind it.
BEHIND = {"fence": -1500, "wall": -1300, "hedge": -1100, "rail": -900, "river": -700}
BEHIND |= {"motorway": -500, "stile": 700, "lake without tags on its banks": 900}
PASSED = {"bridge": -300, "culvert": -100, "tram": 100, "gate": 300, "level crossing": 500}


def streets(roads: Roads, *door: tuple[float, float]) -> list[set[str]]:
    """Return the streets that each door is brought to."""
    edges, found = roads.graph.edges, roads.snap(at(*door))
    names = np.array(edges.names)[edges.name[found.edge]]
    return [set(names[found.owner == row].tolist()) for row in range(len(found))]


def test_no_leg_crosses_a_barrier_but_at_gates_crossings_bridges_and_tunnels() -> None:
    roads = Roads(graph_of("walls"))
    for kind, x in BEHIND.items():
        assert streets(roads, (x, 52)) == [{"South"}], kind
    for kind, x in PASSED.items():
        assert streets(roads, (x, 62)) == [{"North"}], kind
    # Beside the gate the fence is a fence.
    assert streets(roads, (330, 62)) == [{"South"}]
    # Both are in reach, within 20 m of each other.
    assert streets(roads, (PASSED["gate"], 52)) == [{"North", "South"}]
    # On a line, or behind its end, nothing is crossed.
    assert streets(roads, (BEHIND["fence"], 70), (BEHIND["fence"] - 61, 70)) == [{"North"}] * 2
    # The legs of a station are bound alike, and so are routes.
    door, over = at((BEHIND["river"], 52)), at((BEHIND["river"], 100))
    seconds = Roads(roads.graph).bind(door).nearest(over, k=1).seconds[0, 0]
    assert seconds == pytest.approx(2 * 1300 / 5 + 100 / 5 + 52 / 1.25, abs=1)
    route = roads.route(door[0], over[0])
    assert route is not None
    assert route.ride_s == pytest.approx(seconds, abs=0.01)


def test_where_every_road_lies_behind_a_barrier_the_nearest_counts() -> None:
    roads = Roads(graph_of("walls"))
    assert streets(roads, (1100, 80)) == [{"North"}]
    near = Roads(roads.graph, RoadOptions(max_snap_m=40.0))
    assert streets(near, (BEHIND["fence"], 80)) == [{"North"}]
    assert streets(near, (BEHIND["fence"], 62)) == [{"North"}]  # the other is 62 m away
    assert streets(near, (BEHIND["fence"], 50)) == [set()]


def test_barriers_are_kept_with_the_graph(tmp_path: Path) -> None:
    graph = graph_of("walls")
    save_graph(graph, tmp_path / "roads.npz")
    again = load_graph(tmp_path / "roads.npz")
    assert np.array_equal(again.edges.barrier_lonlat, graph.edges.barrier_lonlat)
    assert streets(Roads(again), (BEHIND["river"], 52)) == [{"South"}]
    # A box leaves out lines that lie outside.
    west = read_osm(EXTRACTS / "walls.osm", E_BIKE, bbox=(107.12, 34.3, 107.14, 34.4))
    assert 0 < len(west.barrier_start) < len(graph.edges.barrier_start)
    assert west.barrier_lonlat[:, 0].max() < 107.145


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["newport", "helsinki", pytest.param("porto", marks=pytest.mark.soak)]
)
def test_snapping_equals_a_look_at_every_road_and_barrier(realdata: Path, name: str) -> None:
    path = realdata / "roads" / f"{name}.osm.pbf"
    graph = build_graph(read_osm(path, E_BIKE), E_BIKE, source=name)
    rng = np.random.default_rng(20261130)
    giant = np.flatnonzero(graph.in_giant[: len(graph.edges.node_lonlat)])
    places = graph.edges.node_lonlat[rng.choice(giant, 300)] + rng.normal(0, 6e-4, (300, 2))
    found = Roads(graph).snap(places)
    witness = Witness(graph)
    for row, place in enumerate(places):
        mine = set(found.edge[found.start[row] : found.start[row + 1]].tolist())
        assert mine == witness.candidates(place, 300.0), (row, place)


class Witness:
    """The rule of candidates, place by place, every road and every barrier: no index."""

    def __init__(self, graph: RoadGraph) -> None:
        edges = graph.edges
        aboard = np.array(edges.classes)[edges.road_class] == "ferry"
        size = np.diff(edges.vertex_start)
        xy = to_mercator(edges.vertex_lonlat)
        lines = shapely.linestrings(xy, indices=np.repeat(np.arange(len(size)), size))
        self.road = np.flatnonzero(graph.edge_in_giant & ~aboard)
        self.ferries = lines[graph.edge_in_giant & aboard]
        self.lines = lines[self.road]
        wall = to_mercator(edges.barrier_lonlat)
        ends = edges.barrier_start
        self.walls = shapely.multilinestrings(
            [shapely.LineString(wall[a:b]) for a, b in pairwise(ends.tolist())]
        )

    def candidates(self, place: Points, max_m: float) -> set[int]:
        point = shapely.Point(to_mercator(place[None])[0])
        unit = float(mercator_scale(place[1]))
        metres = shapely.distance(self.lines, point) / unit
        nearest = float(metres.min())
        aboard = min((f.distance(point) / unit for f in self.ferries), default=np.inf)
        if nearest > max_m or (aboard <= 20 and aboard + 20 < nearest):
            return set()
        around = point.buffer(1.01 * max_m * unit)
        walls = shapely.intersection(self.walls, around)

        def is_free(row: int) -> bool:
            leg = shapely.shortest_line(point, self.lines[row])
            cut = 0.5 * unit
            middle = shapely.ops.substring(leg, cut, leg.length - cut)
            return bool(leg.length <= 2 * cut or not middle.intersects(walls))

        every = [row for row in np.argsort(metres).tolist() if metres[row] <= max_m]
        near = [row for row in every if metres[row] <= nearest + 20]
        chosen = [row for row in near if is_free(row)]
        if not chosen:
            around = metres[every[min(len(every), 64) - 1]] + 0.01
            free = [row for row in every if metres[row] <= around and is_free(row)]
            chosen = [row for row in free if metres[row] <= metres[free[0]] + 20] or near
        last = metres[chosen[min(len(chosen), 8) - 1]]
        return {int(self.road[row]) for row in chosen if metres[row] <= last + 0.01}
