"""An extract becomes roads: each rule by a road drawn for it, and what goes wrong in a sentence."""

import bz2
import gzip
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import osmium
import pytest

from locator.errors import InputError, RoadsError
from locator.network import rider_profile
from locator.settings import Settings
from locator.travel.graph import RoadGraph, build_graph
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE, WALK, Profile
from tests.road_support import EXTRACTS, graph_of, read, speeds

BOTH = (18.0, 18.0)
PUSHED = (4.5, 4.5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("street", BOTH),
        ("main road", BOTH),
        ("yard", (12.0, 12.0)),
        ("one-way", (18.0, 0.0)),
        ("one-way back", (0.0, 18.0)),
        ("one-way with a lane back", BOTH),
        ("one-way but for bicycles", BOTH),
        ("one-way with a track back", BOTH),
        ("one-way for bicycles alone", (18.0, 0.0)),
        ("by the hour", None),
        ("motorway", None),
        ("motorroad", None),
        ("trunk", None),
        ("trunk for bicycles", BOTH),
        ("trunk with a track", BOTH),
        ("trunk track apart", None),
        ("steps", None),
        ("steps with a ramp", (2.0, 2.0)),
        ("private", PUSHED),
        ("no access", None),
        ("no access but bicycles", (12.0, 12.0)),
        ("deliveries", (12.0, 12.0)),
        ("no vehicles", PUSHED),
        ("no bicycles", PUSHED),
        ("no e-bikes", None),
        ("footway", PUSHED),
        ("footway one-way", PUSHED),
        ("footway for bicycles", (10.0, 10.0)),
        ("dismount", PUSHED),
        ("cycleway", BOTH),
        ("square", PUSHED),
        ("slow", (10.0, 10.0)),
        ("slow miles", (8.0, 8.0)),
        ("bridleway", None),
        ("building site", None),
        ("ferry without bicycles", None),
    ],
)
def test_each_rule_of_the_table_for_an_e_bike(
    name: str, expected: tuple[float, float] | None
) -> None:
    assert speeds(read("rules"), name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("street", (5.0, 5.0)),
        ("one-way", (5.0, 5.0)),
        ("steps", (2.5, 2.5)),
        ("footway", (5.0, 5.0)),
        ("trunk", None),
        ("motorway", None),
        ("no access", None),
        ("no vehicles", (5.0, 5.0)),
    ],
)
def test_walking_knows_no_one_way(name: str, expected: tuple[float, float] | None) -> None:
    assert speeds(read("rules", WALK), name) == expected


@pytest.mark.parametrize("wait_minutes", [0, 5, 12])
def test_a_ferry_takes_its_duration_or_8_kmh_and_the_wait(wait_minutes: int) -> None:
    edges = read("rules", rider_profile(Settings(ferry_wait_minutes=wait_minutes)))
    names = [edges.names[name] for name in edges.name]
    aboard_s = {"ferry": 600, "ferry untimed": edges.length_m[names.index("ferry untimed")] * 0.45}
    for name, sails_s in aboard_s.items():
        row = names.index(name)
        expected = pytest.approx(sails_s + wait_minutes * 60, abs=0.001)
        assert edges.forward_ms[row] / 1000 == edges.backward_ms[row] / 1000 == expected


@pytest.mark.parametrize(
    ("changed", "name", "before", "after"),
    [
        ({"trunk_roads": "open"}, "trunk", None, BOTH),
        ({"private_ways": "closed"}, "private", PUSHED, None),
        ({"push_speed_kmh": 3.0}, "footway", PUSHED, (3.0, 3.0)),
        ({"ride_speed_kmh": 25.0}, "street", BOTH, (20.0, 20.0)),
        ({"ride_speed_kmh": 25.0}, "main road", BOTH, (25.0, 25.0)),
        ({"profile": "walk", "ride_speed_kmh": 5.0}, "steps", None, (2.5, 2.5)),
        ({"profile": "walk", "ride_speed_kmh": 4.0}, "footway", PUSHED, (4.0, 4.0)),
    ],
)
def test_each_setting_of_the_rider(
    changed: dict[str, str | float],
    name: str,
    before: tuple[float, float] | None,
    after: tuple[float, float] | None,
) -> None:
    assert rider_profile(Settings()) == E_BIKE
    assert speeds(read("rules"), name) == before
    profile = rider_profile(replace(Settings(), **changed))  # type: ignore[arg-type]
    assert speeds(read("rules", profile), name) == after


def test_a_profile_that_nobody_has_is_refused() -> None:
    with pytest.raises(InputError, match="e-bike or walk"):
        Profile(name="horse")
    with pytest.raises(InputError, match="1 to 60"):
        Profile(speed_kmh=0)


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("bollard", True),
        ("gate", True),
        ("private gate", True),
        ("shut gate", False),
        ("gate for people on foot", True),
        ("stile", False),
        ("kissing gate", False),
        ("wall", False),
        ("wall with a door", True),
        ("no bicycles", True),  # pushed, as along a road with the same tag
    ],
)
def test_a_barrier_on_a_road(name: str, passes: bool) -> None:
    graph = graph_of("barriers")
    assert can_ride(graph, name) is passes
    if name == "private gate":
        assert not can_ride(graph_of("barriers", replace(E_BIKE, push_private=False)), name)
    if name == "kissing gate":
        assert can_ride(graph_of("barriers", WALK), name)


def can_ride(graph: RoadGraph, name: str) -> bool:
    """Tell whether a road is one stretch: a shut barrier makes it two that do not meet."""
    edges = graph.edges
    rows = [e for e in range(len(edges.tail)) if edges.names[edges.name[e]] == name]
    ends = {int(node) for e in rows for node in (edges.tail[e], edges.head[e])}
    assert len(ends) == 2 * len(rows)
    return len(rows) == 1


def turns(graph: RoadGraph, coming: str) -> set[str]:
    """Return the names of the roads that may follow a road, travelled along its shape."""
    edges = graph.edges
    names = [edges.names[n] for n in edges.name]
    state = graph.arc_state[2 * names.index(coming)]
    arcs = graph.link_arc[graph.link_start[state] : graph.link_start[state + 1]]
    return {names[arc // 2].split()[0] for arc in arcs}


@pytest.mark.parametrize(
    ("crossing", "after_south"),
    [
        (1, {"north", "east", "south"}),  # no_left_turn
        (2, {"north"}),  # only_straight_on
        (3, {"north", "east", "south", "west"}),  # except=bus;bicycle
        (4, {"north", "east", "south"}),  # restriction:bicycle
        (5, {"north", "east", "south", "west"}),  # restriction:hgv
        (6, {"north", "east", "south", "west"}),  # conditional
        (7, {"north", "east", "west"}),  # no_u_turn
        (8, {"north", "east", "south", "west"}),  # the way it leads to is missing
        (9, {"north", "east", "south"}),  # no_entry, from two ways
    ],
)
def test_a_turn_restriction_by_a_node(crossing: int, after_south: set[str]) -> None:
    graph = graph_of("turns")
    assert turns(graph, f"south {crossing}") == after_south
    everything = {"north", "east", "south", "west"}
    assert turns(graph, f"east {crossing}") == everything
    after_north = everything - {"west"} if crossing == 9 else everything
    assert turns(graph, f"north {crossing}") == after_north


def test_restrictions_are_counted_by_what_became_of_them() -> None:
    notes = graph_of("turns").report().notes
    assert notes["restrictions honoured"] == 5
    assert notes["restrictions: others"] == 2
    assert notes["restrictions: conditional"] == 1
    assert notes["restrictions not understood"] == 1


def test_walkers_turn_as_they_like() -> None:
    assert turns(graph_of("turns", WALK), "south 1") == {"north", "east", "south", "west"}


def test_a_turn_restriction_by_a_way() -> None:
    graph = graph_of("via_way")
    # From the west end the link may be entered, and left towards "west 2" only by those who did
    # not come along "east 1".
    assert turns(graph, "east 1") == {"east", "link"}
    names = [graph.edges.names[n] for n in graph.edges.name]
    link = 2 * names.index("link")
    fresh, turned = graph.arc_state[link], set()
    start = graph.arc_state[2 * names.index("east 1")]
    for entry in range(graph.link_start[start], graph.link_start[start + 1]):
        if graph.link_arc[entry] == link:
            turned.add(int(graph.link_state[entry]))
    (after,) = turned
    assert after != fresh

    def ways(state: int) -> set[str]:
        arcs = graph.link_arc[graph.link_start[state] : graph.link_start[state + 1]]
        return {names[arc // 2] for arc in arcs}

    assert ways(int(fresh)) == {"west 2", "link"}
    assert ways(after) == {"link"}


def test_a_roundabout_is_ridden_one_way_round() -> None:
    edges = read("shapes")
    assert speeds(edges, "roundabout") == (18.0, 0.0)
    rows = [e for e in range(len(edges.tail)) if edges.names[edges.name[e]] == "roundabout"]
    assert len(rows) == 4  # cut at its four arms


def test_a_road_cut_at_the_border_keeps_what_is_inside() -> None:
    edges = read("shapes")
    rows = [e for e in range(len(edges.tail)) if edges.names[edges.name[e]] == "cut at the border"]
    assert len(rows) == 2
    assert edges.notes["vertices missing"] == 1


def test_a_road_drawn_twice_is_one_and_a_road_without_length_takes_a_millisecond() -> None:
    graph = graph_of("shapes")
    names = [graph.edges.names[n] for n in graph.edges.name]
    assert names.count("twice") == 1
    assert graph.report().notes["edges drawn more than once"] == 1
    assert names.count("one node") == 0
    short = names.index("no length")
    assert graph.edges.length_m[short] == 0
    assert graph.edges.forward_ms[short] == 1


def test_an_island_is_not_in_the_giant_component() -> None:
    graph = graph_of("shapes")
    names = [graph.edges.names[n] for n in graph.edges.name]
    apart = {name for name, inside in zip(names, graph.edge_in_giant, strict=True) if not inside}
    assert apart == {"island", "cut at the border"}  # the piece beyond the border
    report = graph.report()
    assert 0.8 < report.giant_share < 1
    assert report.km_by_class.keys() == {"tertiary", "residential"}


def test_every_ending_reads_the_same(tmp_path: Path) -> None:
    plain = EXTRACTS / "shapes.osm"
    text = plain.read_bytes()
    (tmp_path / "a.osm.gz").write_bytes(gzip.compress(text))
    (tmp_path / "a.osm.bz2").write_bytes(bz2.compress(text))
    shares: list[float] = []
    for name in ("a.osm.gz", "a.osm.bz2"):
        edges = read_osm(tmp_path / name, E_BIKE, progress=shares.append)
        assert np.array_equal(edges.forward_ms, read("shapes").forward_ms)
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)


def test_a_box_leaves_out_the_ways_outside_it() -> None:
    box = (107.19, 34.39, 107.21, 34.41)
    edges = read_osm(EXTRACTS / "shapes.osm", E_BIKE, bbox=box)
    assert [edges.names[n] for n in edges.name] == ["island"]
    with pytest.raises(RoadsError, match="no road inside the box"):
        read_osm(EXTRACTS / "shapes.osm", E_BIKE, bbox=(0.0, 0.0, 1.0, 1.0))


def test_what_is_no_extract_is_said_in_a_sentence(tmp_path: Path, realdata: Path) -> None:
    whole = (realdata / "roads" / "helsinki.osm.pbf").read_bytes()
    cases = {
        "cut.osm.pbf": (whole[: len(whole) // 2], "cut off"),
        "empty.osm.pbf": (b"", "is empty; download it again"),
        "empty.osm": (b"", "is empty; download it again"),
        "head.osm.pbf": (whole[:200], "cut off"),
        "cut.osm.gz": (gzip.compress((EXTRACTS / "rules.osm").read_bytes())[:-900], "cut off"),
        "cut.osm.bz2": (bz2.compress((EXTRACTS / "rules.osm").read_bytes())[:-900], "cut off"),
        "nothing.osm": (b'<osm version="0.6"></osm>', "holds no ways with a highway tag"),
        "page.osm": (b"<html></html>", "not an OpenStreetMap extract"),
        "half.osm": ((EXTRACTS / "shapes.osm").read_bytes()[:900], "cut off"),
    }
    for name, (content, said) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RoadsError, match=said):
            read_osm(tmp_path / name, E_BIKE)


def test_files_without_roads_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RoadsError, match="is not an OpenStreetMap extract"):
        read_osm(tmp_path / "roads.csv", E_BIKE)
    with pytest.raises(RoadsError, match="cannot be read"):
        read_osm(tmp_path / "absent.osm.pbf", E_BIKE)
    motorway = tmp_path / "motorway.osm"
    shutil.copy(EXTRACTS / "rules.osm", motorway)
    lines = [line for line in motorway.read_text("utf-8").splitlines() if "<way" not in line]
    motorway.write_text("\n".join(lines), "utf-8")
    with pytest.raises(RoadsError, match="holds no ways with a highway tag"):
        read_osm(motorway, E_BIKE)
    ways_only = tmp_path / "ways.osm"
    ways_only.write_text(f'<osm version="0.6">{WAY}</osm>', "utf-8")
    with pytest.raises(RoadsError, match="its nodes are missing"):
        read_osm(ways_only, E_BIKE)


WAY = (
    '<way id="1" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/>'
    '<tag k="highway" v="primary"/></way>'
)
NODES = [f'<node id="{n}" version="1" lon="{107 + n / 1000}" lat="34"/>' for n in range(1, 4)]


@pytest.mark.parametrize(
    ("parts", "root", "said"),
    [
        ((WAY, *NODES), "osm", r"is not sorted.*osmium sort a\.osm"),
        ((NODES[0], NODES[1], WAY, NODES[2]), "osm", "is not sorted"),  # a part of them alone
        ((*NODES, WAY, WAY.replace('version="1"', 'version="2"', 1)), "osm", "way 1 twice"),
        ((*NODES, WAY.replace('version="1"', 'version="2" visible="false"', 1)), "osm", "deleted"),
        (("<modify>", *NODES, WAY, "</modify>"), "osmChange", "change file.*osmium time-filter"),
    ],
)
def test_files_in_another_order_and_of_several_days_are_named_as_such(
    tmp_path: Path, parts: tuple[str, ...], root: str, said: str
) -> None:
    path = tmp_path / "a.osm"
    path.write_text(f'<{root} version="0.6">{"".join(parts)}</{root}>', "utf-8")
    with pytest.raises(RoadsError, match=said):
        read_osm(path, E_BIKE)


@pytest.mark.parametrize("bbox", [None, (106.0, 33.0, 108.0, 35.0)])
def test_roads_drawn_in_an_editor_have_negative_ids(
    tmp_path: Path, bbox: tuple[float, float, float, float] | None
) -> None:
    path = tmp_path / "a.osm"
    text = "".join((*NODES, WAY)).replace('id="', 'id="-').replace('ref="', 'ref="-')
    path.write_text(f'<osm version="0.6">{text}</osm>', "utf-8")
    edges = read_osm(path, E_BIKE, bbox=bbox)
    assert edges.vertex_lonlat[:, 0] == pytest.approx([107.001, 107.002, 107.003])
    assert edges.notes["vertices missing"] == 0


def test_a_history_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "city.osh.pbf"
    with osmium.SimpleWriter(path) as writer:
        writer.add_node(osmium.osm.mutable.Node(id=1, version=1, location=(107.1, 34.3)))
    with pytest.raises(RoadsError, match="is a history"):
        read_osm(path, E_BIKE)


def test_a_node_outside_the_file_parts_a_road_wherever_it_stands(tmp_path: Path) -> None:
    """Nodes 1 to 6 lie 0.001 degrees apart; 8 and 9 are not in the file.

    By way: 8 1 2 is joined from 1 to 2; 2 8 3 4 from 3 to 4; 4 8 8 9 5 6 from 5 to 6; 6 6 8 6 and
    8 9 nowhere.
    """
    nodes = "".join(f'<node id="{n}" lon="{107 + n / 1000}" lat="34"/>' for n in range(1, 7))
    ways = ("8 1 2", "2 8 3 4", "4 8 8 9 5 6", "6 6 8 6", "8 9", "")
    drawn = "".join(
        f'<way id="{number}">'
        + "".join(f'<nd ref="{ref}"/>' for ref in refs.split())
        + '<tag k="highway" v="primary"/></way>'
        for number, refs in enumerate(ways, 1)
    )
    path = tmp_path / "border.osm"
    path.write_text(f'<osm version="0.6">{nodes}{drawn}</osm>', "utf-8")
    edges = read_osm(path, E_BIKE)
    ends = np.rint((edges.node_lonlat[np.stack([edges.tail, edges.head]), 0] - 107) * 1000)
    assert ends.T.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert edges.notes["vertices missing"] == 8


@pytest.mark.slow
@pytest.mark.realdata
def test_progress_rises_evenly_to_the_end(realdata: Path) -> None:
    shares: list[float] = []
    read_osm(realdata / "roads" / "newport.osm.pbf", E_BIKE, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert max(np.diff([0.0, *shares])) < 0.1


@pytest.mark.slow
@pytest.mark.realdata
def test_reading_needs_little_memory_for_what_it_reads(realdata: Path) -> None:
    """The aim is 50 MB per million nodes of the file; libosmium's 16 are not traced here.

    They are gone before the most is held, and a fixed base of 2 MB stands for parsers and text.
    """
    path = realdata / "roads" / "porto.osm.pbf"
    nodes = 347_944
    read_osm(EXTRACTS / "rules.osm", E_BIKE)
    tracemalloc.start()
    read_osm(path, E_BIKE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6 + 50 * nodes


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["porto", "helsinki", "newport"])
def test_real_extracts_hang_together(realdata: Path, name: str) -> None:
    path = realdata / "roads" / f"{name}.osm.pbf"
    graph = build_graph(read_osm(path, E_BIKE), E_BIKE, source=path.name)
    report = graph.report()
    assert report.giant_share > 0.95
    assert report.notes["restrictions honoured"] >= 40
    assert report.states < 1.02 * report.nodes
