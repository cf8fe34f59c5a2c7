"""Where places meet the road: several candidates, never a ferry, in every question alike."""

from itertools import product

import numpy as np
import pytest
import shapely

from locator.travel import StraightLine
from locator.travel.graph import RoadGraph
from locator.travel.roads import Roads
from tests.road_support import graph_of, network
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
