"""OpenStreetMap's rules by times worked out by hand: access, one-way, speed, ferries, turns.

Places are metres east and north of 107.15 E, 34.36 N. A ride is 18 km/h, that is 5 m/s; pushing is
1.25 m/s.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from locator.travel.graph import RoadGraph, build_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import (
    E_BIKE,
    WALK,
    Profile,
    judge_barrier,
    judge_way,
    parse_duration_s,
    parse_speed_kmh,
)
from locator.travel.roads import Roads
from tests.road_support import graph_of

Place = tuple[float, float]
Tags = Mapping[str, str]


def lonlat(place: Place) -> Place:
    """Return degrees of a place in metres."""
    east = 111_320 * np.cos(np.radians(34.36))
    return 107.15 + place[0] / east, 34.36 + place[1] / 110_940


def ride_s(graph: RoadGraph, start: Place, end: Place) -> float:
    """Return the seconds from a place to another."""
    found = Roads(graph).bind(np.array([lonlat(end)])).nearest(np.array([lonlat(start)]), k=1)
    return float(found.seconds[0, 0])


@pytest.mark.parametrize(
    ("name", "start", "end", "expected_s"),
    [
        ("only_turn_single", (-400, 0), (400, 0), 160),
        ("only_turn_twin", (-400, 0), (400, 0), 160),
        ("ferry_iso", (0, 0), (1000, 0), 900),
        ("gate_vehicle_no", (100, 0), (-100, 0), 40),
        ("ow_bicycle_backward", (450, 0), (-450, 0), 180),
        ("vehicle_backward_no", (450, 0), (-450, 0), 820),
        ("vehicle_backward_no", (-450, 0), (450, 0), 180),
    ],
)
def test_times_worked_out_by_hand(name: str, start: Place, end: Place, expected_s: float) -> None:
    near = 10 if name == "ferry_iso" else 1
    assert ride_s(graph_of(name), start, end) == pytest.approx(expected_s, abs=near)


def draw(
    folder: Path,
    nodes: Mapping[int, tuple[Place, Tags]],
    ways: Mapping[int, tuple[Sequence[int], Tags]],
    turns: Sequence[tuple[Sequence[tuple[str, str, int]], Tags]] = (),
    profile: Profile = E_BIKE,
) -> RoadGraph:
    """Return the graph of an extract written here: nodes, ways, turn restrictions."""

    def marks(tags: Tags) -> str:
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())

    text = ['<osm version="0.6">']
    for ref, (place, tags) in sorted(nodes.items()):
        lon, lat = lonlat(place)
        text.append(f'<node id="{ref}" lon="{lon:.7f}" lat="{lat:.7f}">{marks(tags)}</node>')
    for number, (refs, tags) in sorted(ways.items()):
        line = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        text.append(f'<way id="{number}">{line}{marks({"highway": "residential", **tags})}</way>')
    for number, (members, tags) in enumerate(turns, 1):
        parts = "".join(
            f'<member type="{kind}" ref="{n}" role="{role}"/>' for role, kind, n in members
        )
        whole = {"type": "restriction", **tags}
        text.append(f'<relation id="{number}">{parts}{marks(whole)}</relation>')
    path = folder / "drawn.osm"
    path.write_text("".join((*text, "</osm>")), "utf-8")
    return build_graph(read_osm(path, profile), profile, source="drawn")


def street(folder: Path, tags: Tags, gate: Tags | None = None) -> tuple[float, float]:
    """Return the seconds along 800 m of a street and against it, the way round being 820 s.

    From (-450, 0) to (450, 0): 50 m of another road at both ends, the street between, a gate in its
    middle. The way round is 50 + 2 x 1500 + 1000 + 50 m.
    """
    places = ((-500, 0), (-400, 0), (0, 0), (400, 0), (500, 0), (500, 1500), (-500, 1500))
    nodes: dict[int, tuple[Place, Tags]] = {n: (place, {}) for n, place in enumerate(places, 1)}
    nodes[3] = (places[2], gate or {})
    ways: dict[int, tuple[Sequence[int], Tags]] = {
        10: ((1, 2), {}),
        11: ((2, 3, 4), tags),
        12: ((4, 5), {}),
        13: ((5, 6, 7, 1), {}),
    }
    graph = draw(folder, nodes, ways)
    return ride_s(graph, (-450, 0), (450, 0)), ride_s(graph, (450, 0), (-450, 0))


RIDDEN, PUSHED, ROUND = 180.0, 660.0, 820.0  # 800 m pushed take 640 s, the 100 m beside them 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tags", "there_s", "back_s"),
    [
        # Key:access: the most particular mode counts, then the direction.
        ({"access": "no"}, ROUND, ROUND),
        ({"access": "no", "vehicle": "yes"}, RIDDEN, RIDDEN),
        ({"vehicle": "no", "bicycle": "yes"}, RIDDEN, RIDDEN),
        ({"bicycle": "yes", "electric_bicycle": "no"}, PUSHED, PUSHED),
        ({"vehicle": "no"}, PUSHED, PUSHED),
        ({"vehicle": "no", "bicycle": "unknown"}, PUSHED, PUSHED),
        ({"vehicle": "no", "foot": "no"}, ROUND, ROUND),
        ({"access:backward": "no"}, RIDDEN, ROUND),
        ({"vehicle:forward": "no"}, ROUND, RIDDEN),
        ({"vehicle:backward": "no", "bicycle": "yes"}, RIDDEN, RIDDEN),
        ({"vehicle:backward": "no", "bicycle:backward": "yes"}, RIDDEN, RIDDEN),
        ({"bicycle": "no", "bicycle:forward": "yes"}, RIDDEN, ROUND),
        ({"bicycle:forward": "no", "bicycle:backward": "no"}, PUSHED, PUSHED),
        ({"bicycle:backward": "designated"}, RIDDEN, RIDDEN),
        ({"bicycle:backward": "dismount"}, RIDDEN, PUSHED),
        ({"bicycle:forward": "use_sidepath"}, PUSHED, RIDDEN),
        ({"bicycle:backward": "private"}, RIDDEN, ROUND),
        ({"access": "no", "bicycle": "dismount"}, PUSHED, PUSHED),
        # Key:oneway and its exceptions.
        ({"oneway": "yes"}, RIDDEN, ROUND),
        ({"oneway": "yes", "bicycle": "yes"}, RIDDEN, ROUND),
        ({"oneway": "yes", "bicycle:backward": "yes"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "bicycle:backward": "no"}, RIDDEN, ROUND),
        ({"oneway": "yes", "bicycle:backward": "dismount"}, RIDDEN, PUSHED),
        ({"oneway": "yes", "bicycle:backward": "yes", "electric_bicycle:backward": "no"},
         RIDDEN, ROUND),
        ({"oneway": "-1", "bicycle:forward": "permissive"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "vehicle:backward": "yes"}, RIDDEN, ROUND),
        ({"oneway:bicycle": "yes", "bicycle:backward": "yes"}, RIDDEN, ROUND),
        ({"oneway:vehicle": "yes"}, RIDDEN, ROUND),
        ({"oneway": "yes", "oneway:bicycle": "no", "bicycle:backward": "no"}, RIDDEN, ROUND),
        # Key:cycleway, contraflow.
        ({"oneway": "yes", "cycleway": "track", "cycleway:oneway": "no"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "cycleway": "lane", "cycleway:oneway": "-1"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "cycleway": "lane", "cycleway:oneway": "yes"}, RIDDEN, ROUND),
        ({"oneway": "yes", "cycleway": "lane"}, RIDDEN, ROUND),
        ({"oneway": "yes", "cycleway:left": "lane", "cycleway:left:oneway": "no"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "cycleway:both": "lane", "cycleway:both:oneway": "no"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "cycleway:both": "lane", "cycleway:left:oneway": "-1"}, RIDDEN, RIDDEN),
        ({"oneway": "yes", "cycleway:left": "separate", "cycleway:left:oneway": "no"},
         RIDDEN, ROUND),
        ({"oneway": "yes", "cycleway:right": "opposite_track"}, RIDDEN, RIDDEN),
        ({"oneway": "-1", "cycleway:left": "lane", "cycleway:left:oneway": "yes"}, RIDDEN, RIDDEN),
        ({"cycleway:right": "track", "cycleway:right:oneway": "yes"}, RIDDEN, RIDDEN),
        # Key:maxspeed: 800 m at 9 km/h take 320 s, and 20 s the rest.
        ({"maxspeed": "9"}, 340, 340),
        ({"maxspeed:forward": "9"}, 340, RIDDEN),
        ({"maxspeed": "9", "maxspeed:backward": "none"}, 340, RIDDEN),
        ({"maxspeed": "30", "maxspeed:bicycle": "9"}, 340, 340),
        ({"maxspeed": "CN:urban"}, RIDDEN, RIDDEN),
        ({"maxspeed": "walk"}, 500, 500),
    ],
)  # fmt: skip
def test_a_street_by_its_tags(tmp_path: Path, tags: Tags, there_s: float, back_s: float) -> None:
    assert street(tmp_path, tags) == pytest.approx((there_s, back_s), abs=1)


@pytest.mark.parametrize(
    ("gate", "there_s", "back_s"),
    [
        ({"barrier": "gate"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "vehicle": "no"}, RIDDEN, RIDDEN),  # pushed through
        ({"barrier": "gate", "bicycle": "no"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "bicycle": "no", "foot": "no"}, ROUND, ROUND),
        ({"barrier": "gate", "access": "no"}, ROUND, ROUND),
        ({"barrier": "gate", "access": "no", "foot": "designated"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "access": "no", "bicycle": "dismount"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "access": "no", "vehicle": "yes"}, RIDDEN, RIDDEN),
        ({"barrier": "stile", "access": "yes"}, ROUND, ROUND),
        ({"barrier": "stile", "bicycle": "yes"}, RIDDEN, RIDDEN),
        ({"barrier": "fence", "foot": "yes"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "access:backward": "no"}, RIDDEN, ROUND),
        ({"barrier": "gate", "access:forward": "no"}, ROUND, RIDDEN),
        ({"barrier": "gate", "access:backward": "no", "bicycle": "yes"}, RIDDEN, RIDDEN),
        ({"barrier": "gate", "vehicle:backward": "no"}, RIDDEN, RIDDEN),  # pushed through
    ],
)
def test_a_barrier_by_its_tags(tmp_path: Path, gate: Tags, there_s: float, back_s: float) -> None:
    assert street(tmp_path, {}, gate) == pytest.approx((there_s, back_s), abs=1)


@pytest.mark.parametrize("said", ["no", "yes", "private", "dismount", "unknown"])
@pytest.mark.parametrize("key", ["access", "vehicle", "bicycle", "electric_bicycle", "foot"])
@pytest.mark.parametrize("profile", [E_BIKE, WALK], ids=lambda profile: profile.name)
def test_a_gate_and_a_way_with_the_same_tag_let_the_same_riders_through(
    key: str, said: str, profile: Profile
) -> None:
    way = judge_way({"highway": "residential", key: said}, profile)
    passes = (way is not None and way.forward_kmh > 0, way is not None and way.backward_kmh > 0)
    assert judge_barrier({"barrier": "gate", key: said}, profile) == passes


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("30", 30), ("30 km/h", 30), ("12.5", 12.5), ("10 mph", 16.09344), ("10mph", 16.09344),
        ("5 knots", 9.26), ("walk", 6), ("DE:walk", 6), ("RU:living_street", 12),
        ("DE:zone30", 30), ("FR:zone:20", 20), ("BE:30", 30), ("50;30", 30), ("signals; 20", 20),
        ("none", None), ("signals", None), ("variable", None), ("CN:urban", None),
        ("BE-VLG:rural", None), ("GB:nsl_single", None), ("0", None), ("", None), ("fast", None),
        ("-5", None), ("inf", None), ("1e9", None),
    ],
)  # fmt: skip
def test_speed_limits(text: str, kmh: float | None) -> None:
    assert parse_speed_kmh(text) == (None if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("PT10M", 10), ("PT1H30M", 90), ("P0DT10M", 10), ("P0Y0M0DT0H10M0S", 10), ("PT90S", 1.5),
        ("PT0.5H", 30), ("PT0,5H", 30), ("pt10m", 10), ("P1D", 1440), ("P1W", 10_080),
        ("00:10", 10), ("1:30", 90), ("00:10:30", 10.5), ("10", 10), (" 25 ", 25), ("7.5", 7.5),
        ("PT", None), ("P", None), ("PT0S", None), ("0", None), ("00:00", None), ("", None),
        ("ten", None), ("10 min", None), ("P1Y", None), ("-10", None),
    ],
)  # fmt: skip
def test_durations(text: str, minutes: float | None) -> None:
    expected = None if minutes is None else pytest.approx(minutes * 60)
    assert parse_duration_s(text) == expected


FERRY = {"route": "ferry", "highway": ""}


@pytest.mark.parametrize(
    ("lines", "expected_s"),
    [
        # One line, 1 km: 450 s at 8 km/h where nothing is tagged; the wait is 300 s.
        ([((2, 3, 4), {})], 300 + 450),
        ([((2, 3, 4), {"duration": "soon"})], 300 + 450),
        ([((2, 3, 4), {"maxspeed": "5"})], 300 + 450),
        ([((2, 3, 4), {"duration": "PT20M"})], 300 + 1200),
        # The same drawn as two ways that meet on the water: one wait.
        ([((2, 3), {}), ((3, 4), {})], 300 + 450),
        ([((2, 3), {"duration": "5"}), ((4, 3), {"duration": "00:05:00"})], 300 + 600),
        # A line that calls at a pier with a road: to go on is to board again.
        ([((2, 3, 4), {}), ((3, 7), {"route": "", "highway": "service"})], 600 + 450),
        # A second line that crosses on the water is no landing.
        ([((2, 3, 4), {}), ((3, 7), {})], 300 + 450),
    ],
)
@pytest.mark.parametrize("profile", [E_BIKE, WALK], ids=lambda profile: profile.name)
def test_a_ferry_waits_once_where_it_is_boarded(
    tmp_path: Path,
    lines: list[tuple[Sequence[int], Tags]],
    expected_s: float,
    profile: Profile,
) -> None:
    places = ((0, -500), (0, 0), (500, 0), (1000, 0), (1000, 500), (500, 500), (500, 300))
    nodes: dict[int, tuple[Place, Tags]] = {n: (place, {}) for n, place in enumerate(places, 1)}
    ways: dict[int, tuple[Sequence[int], Tags]] = {1: ((1, 2), {}), 2: ((4, 5), {})}
    ways |= {10 + n: (refs, FERRY | dict(tags)) for n, (refs, tags) in enumerate(lines)}
    graph = draw(tmp_path, nodes, ways, profile=profile)
    assert ride_s(graph, (0, 0), (1000, 0)) == pytest.approx(expected_s, abs=1)
    assert ride_s(graph, (1000, 0), (0, 0)) == pytest.approx(expected_s, abs=1)


def crossing(
    folder: Path,
    kind: str,
    *,
    to: int = 11,
    twin: Tags | None = None,
    via: Sequence[tuple[str, str, int]] = (("via", "n", 2),),
    tags: Tags | None = None,
) -> RoadGraph:
    """Return West (10) and East (11) of a crossing, Side (12) north, and Round (13) from there.

    The twin (14) lies upon East.
    """
    places = ((-500, 0), (0, 0), (500, 0), (0, 500), (500, 500))
    nodes: dict[int, tuple[Place, Tags]] = {n: (place, {}) for n, place in enumerate(places, 1)}
    ways: dict[int, tuple[Sequence[int], Tags]] = {
        10: ((1, 2), {}), 11: ((2, 3), {}), 12: ((2, 4), {}), 13: ((4, 5, 3), {}),
    }  # fmt: skip
    if twin is not None:
        ways[14] = ((3, 2), twin)
    members = [("from", "w", 10), *via, ("to", "w", to)]
    named = [(role, {"w": "way", "n": "node"}[kind], ref) for role, kind, ref in members]
    return draw(folder, nodes, ways, [(named, {"restriction": kind, **(tags or {})})])


# (-400, 0) to (400, 0) straight on; and with 500 m up Side, a turn there, and 500 m down again.
STRAIGHT, AROUND = 160.0, 360.0


@pytest.mark.parametrize("twin", [None, {"highway": "footway"}, {"oneway": "-1"}, {}])
@pytest.mark.parametrize(
    ("kind", "to", "tags", "expected_s"),
    [
        ("only_straight_on", 11, {}, STRAIGHT),
        ("only_left_turn", 12, {}, AROUND),
        ("no_straight_on", 11, {}, AROUND),
        ("no_left_turn", 12, {}, STRAIGHT),
        ("no_straight_on", 11, {"except": "psv; bicycle"}, STRAIGHT),
        ("no_straight_on", 11, {"except": "psv"}, AROUND),
        ("no_straight_on", 11, {"hour_on": "07:00", "hour_off": "09:00"}, STRAIGHT),
    ],
)
def test_turns_are_the_same_where_a_road_is_drawn_twice(
    tmp_path: Path, kind: str, to: int, tags: Tags, expected_s: float, twin: Tags | None
) -> None:
    graph = crossing(tmp_path, kind, to=to, twin=twin, tags=tags)
    assert ride_s(graph, (-400, 0), (400, 0)) == pytest.approx(expected_s, abs=1)


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize(
    ("kind", "to", "expected_s"),
    # From (-400, 0) by Side to (250, 500), 400 + 500 + 250 m; or by East and the other end of
    # Round, 400 + 500 + 500 + 250 m. Whoever must turn left after Side must take Side, and turns at
    # the end of 15: 400 + 500 + 500 + 500 + 250 m.
    [("no_right_turn", 13, 330.0), ("only_right_turn", 13, 230.0), ("only_left_turn", 15, 430.0)],
)
def test_turns_by_a_way_are_the_same_where_the_way_is_drawn_twice(
    tmp_path: Path, kind: str, to: int, expected_s: float, twin: bool
) -> None:
    places = ((-500, 0), (0, 0), (500, 0), (0, 500), (500, 500), (-500, 500))
    nodes: dict[int, tuple[Place, Tags]] = {n: (place, {}) for n, place in enumerate(places, 1)}
    ways: dict[int, tuple[Sequence[int], Tags]] = {
        10: ((1, 2), {}), 11: ((2, 3), {}), 12: ((2, 4), {}), 13: ((4, 5, 3), {}),
        15: ((4, 6), {}),
    }  # fmt: skip
    if twin:
        ways |= {16: ((4, 2), {"highway": "footway"}), 17: ((2, 1), {"oneway": "yes"})}
    members = [("from", "way", 10), ("via", "way", 12), ("to", "way", to)]
    graph = draw(tmp_path, nodes, ways, [(members, {"restriction": kind})])
    assert ride_s(graph, (-400, 0), (250, 500)) == pytest.approx(expected_s, abs=1)
