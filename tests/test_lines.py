"""A layer of lines becomes roads: columns by a mapping, datums, ends that meet, clear refusals."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, Point

from locator.datum import from_wgs84, geodesic_m
from locator.errors import RoadsError
from locator.intake.roads import road_warnings
from locator.schema import Datum
from locator.travel.graph import build_graph
from locator.travel.lines import LineMapping, read_line_mapping, read_lines
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import Roads
from tests.road_support import speeds
from tests.test_roads import compare_with_networkx

PLAIN = LineMapping("highway", oneway="oneway", speed="kmh", name="name")


def layer(path: Path, *rows: tuple[object, ...], crs: object = "EPSG:4326") -> Path:
    """Write (line, class, oneway, km/h, name) to a file."""
    names = ("highway", "oneway", "kmh", "name")
    data = {name: [row[i + 1] for row in rows] for i, name in enumerate(names)}
    gpd.GeoDataFrame(data, geometry=[row[0] for row in rows], crs=crs).to_file(path)
    return path


def line(*points: tuple[float, float]) -> LineString:
    """Return a line from places in thousandths of a degree off Baoji."""
    return LineString([(107.1 + x / 1000, 34.3 + y / 1000) for x, y in points])


ROWS = (
    (line((0, 0), (1, 0)), "primary", "0", 0, "main"),
    (line((1, 0), (2, 0)), "residential", "1", 10, "there"),
    (line((2, 0), (2, 1)), "residential", "-1", 15, "back"),
    (line((2, 1), (1, 0)), "residential", "B", None, "both"),
    (line((2, 1), (3, 1)), "motorway", "0", 0, "motorway"),
)


@pytest.mark.parametrize("ending", ["shp", "gpkg", "geojson"])
def test_class_direction_and_speed_come_from_their_columns(tmp_path: Path, ending: str) -> None:
    edges = read_lines(layer(tmp_path / f"roads.{ending}", *ROWS), PLAIN, E_BIKE)
    assert speeds(edges, "main") == (18.0, 18.0)
    assert speeds(edges, "there") == (10.0, 0.0)
    assert speeds(edges, "back") == (0.0, 15.0)
    assert speeds(edges, "both") == (18.0, 18.0)
    assert speeds(edges, "motorway") is None
    assert edges.notes["lines closed to the profile"] == 1
    assert len(edges.node_lonlat) == 4
    assert build_graph(edges, E_BIKE, source="roads").in_giant.sum() == 4 - 1


def test_a_mapping_translates_the_layers_own_words(tmp_path: Path) -> None:
    rows = (
        (line((0, 0), (1, 0)), "主干路", "顺", 30, "经一路"),
        (line((1, 0), (2, 0)), "支路", "逆", 30, "经二路"),
        (line((2, 0), (3, 0)), "支路", "断", 30, "经三路"),
    )
    text = """
        [columns]
        road_class = "highway"
        oneway = "oneway"
        name = "name"
        [classes]
        "主干路" = "primary"
        "支路" = "residential"
        [directions]
        "顺" = "forward"
        "逆" = "backward"
        "断" = "closed"
    """
    (tmp_path / "roads.toml").write_text(text, "utf-8")
    mapping = read_line_mapping(tmp_path / "roads.toml")
    edges = read_lines(layer(tmp_path / "roads.gpkg", *rows), mapping, E_BIKE)
    assert edges.classes == ("primary", "residential")
    assert speeds(edges, "经一路") == (18.0, 0.0)
    assert speeds(edges, "经二路") == (0.0, 18.0)
    assert speeds(edges, "经三路") is None


@pytest.mark.parametrize("datum", list(Datum))
def test_any_datum_comes_to_the_same_place(tmp_path: Path, datum: Datum) -> None:
    moved = tuple(
        (
            shapely.transform(
                row[0], lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum))
            ),
            *row[1:],
        )
        for row in ROWS
    )
    edges = read_lines(layer(tmp_path / "roads.gpkg", *moved), PLAIN, E_BIKE, datum=datum)
    expected = read_lines(layer(tmp_path / "plain.gpkg", *ROWS), PLAIN, E_BIKE)
    apart = geodesic_m(*edges.vertex_lonlat.T, *expected.vertex_lonlat.T)
    assert apart.max() < 0.001


def test_metres_are_projected_back_if_the_layer_says_from_where(tmp_path: Path) -> None:
    frame = gpd.read_file(layer(tmp_path / "plain.gpkg", *ROWS)).to_crs(4545)  # CGCS2000, zone 36
    frame.to_file(tmp_path / "metres.shp")
    edges = read_lines(tmp_path / "metres.shp", PLAIN, E_BIKE)
    expected = read_lines(tmp_path / "plain.gpkg", PLAIN, E_BIKE)
    assert geodesic_m(*edges.vertex_lonlat.T, *expected.vertex_lonlat.T).max() < 0.5
    (tmp_path / "metres.prj").unlink()
    with pytest.raises(RoadsError, match=r"metres.*\.prj"):
        read_lines(tmp_path / "metres.shp", PLAIN, E_BIKE)


def test_ends_within_half_a_metre_meet(tmp_path: Path) -> None:
    # 0.003 thousandths of a degree are 0.3 m, 0.03 are 3 m.
    near = (line((0, 0), (1, 0)), line((1 + 0.003, 0), (2, 0)), line((2 + 0.03, 0), (3, 0)))
    rows = tuple((one, "primary", "0", 0, "") for one in near)
    edges = read_lines(layer(tmp_path / "roads.gpkg", *rows), PLAIN, E_BIKE)
    assert len(edges.node_lonlat) == 5
    assert edges.head[0] == edges.tail[1]
    assert edges.head[1] != edges.tail[2]


def test_parallel_lines_twins_and_lines_without_length(tmp_path: Path) -> None:
    rows = (
        (line((0, 0), (1, 0)), "residential", "1", 0, "there"),
        (line((1, 0), (0, 0)), "residential", "1", 0, "back"),
        (line((0, 0), (0.5, 0.5), (1, 0)), "primary", "0", 0, "around"),
        (line((1, 0), (1, 0)), "primary", "0", 0, "point"),
        (Point(107.1, 34.3), "primary", "0", 0, "no line"),
    )
    edges = read_lines(layer(tmp_path / "roads.geojson", *rows), PLAIN, E_BIKE)
    assert edges.notes["lines without length"] == 1
    assert edges.notes["rows without a line"] == 1
    graph = build_graph(edges, E_BIKE, source="roads")
    assert len(graph.edges.tail) == 2
    assert speeds(graph.edges, "there") == (18.0, 18.0)  # a row a direction: one road
    several = MultiLineString([line((0, 0), (1, 0)), line((2, 0), (3, 0))])
    path = layer(tmp_path / "several.gpkg", (several, "primary", "0", 0, "a"))
    assert len(read_lines(path, PLAIN, E_BIKE).tail) == 2


def test_what_is_wrong_with_a_layer_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = layer(tmp_path / "roads.gpkg", *ROWS)
    with pytest.raises(RoadsError, match=r"no column 'klasse'; it has highway, oneway"):
        read_lines(path, LineMapping("klasse"), E_BIKE)
    strange = layer(tmp_path / "strange.gpkg", (*ROWS[0][:2], "sideways", 0, ""))
    with pytest.raises(RoadsError, match="direction 'sideways' is not understood"):
        read_lines(strange, PLAIN, E_BIKE)
    odd = layer(tmp_path / "odd.gpkg", (ROWS[0][0], "主干路", "0", 0, ""))
    with pytest.raises(RoadsError, match="class '主干路' is not known"):
        read_lines(odd, PLAIN, E_BIKE)
    closed = layer(tmp_path / "closed.gpkg", ROWS[4])
    with pytest.raises(RoadsError, match="no line open to the profile e-bike"):
        read_lines(closed, PLAIN, E_BIKE)
    with pytest.raises(RoadsError, match="absent.shp cannot be read"):
        read_lines(tmp_path / "absent.shp", PLAIN, E_BIKE)
    (tmp_path / "torn.shp").write_bytes(b"not a shapefile")
    with pytest.raises(RoadsError, match="damaged or not a Shapefile"):
        read_lines(tmp_path / "torn.shp", PLAIN, E_BIKE)
    with pytest.raises(RoadsError, match="has no layer 'another'"):
        read_lines(path, PLAIN, E_BIKE, layer="another")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns", "not TOML"),
        ("[rows]\na = 1", "write the tables"),
        ("[columns]\nname = 'n'", "names road_class"),
        ("[columns]\nroad_class = 'c'\nlanes = 'l'", "names road_class"),
        ("direction = 'up'\n[columns]\nroad_class = 'c'", "'up' is no direction"),
        ("[columns]\nroad_class = 'c'\n[directions]\nx = 'up'", "'up' is no direction"),
    ],
)
def test_a_mapping_that_is_none_says_so(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "roads.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RoadsError, match=said):
        read_line_mapping(path)
    with pytest.raises(RoadsError, match="cannot be read"):
        read_line_mapping(tmp_path / "absent.toml")


def test_a_dbf_without_a_cpg_is_read_in_gbk_or_utf_8(tmp_path: Path) -> None:
    rows = (
        (line((0, 0), (1, 0)), "主干路", "0", 0, "经二路"),
        (line((1, 0), (2, 0)), "支路", "双向", 0, "联通"),  # these two are UTF-8 in GBK's bytes
    )
    mapping = LineMapping(
        "highway", "oneway", name="name", classes={"主干路": "primary", "支路": "residential"}
    )
    frame = gpd.read_file(layer(tmp_path / "plain.gpkg", *rows))
    for encoding in ("UTF-8", "GBK", "BIG5"):
        path = tmp_path / f"{encoding}.shp"
        named = (
            frame
            if encoding != "BIG5"
            else frame.replace({"主干路": "主幹路", "双向": "B", "联通": "通"}).replace(
                "经二路", "經二路"
            )
        )
        named.to_file(path, encoding=encoding)
        if encoding != "BIG5":
            assert "经二路" in read_lines(path, mapping, E_BIKE).names  # as its .cpg says
        path.with_suffix(".cpg").unlink()
    for encoding in ("UTF-8", "GBK"):
        edges = read_lines(tmp_path / f"{encoding}.shp", mapping, E_BIKE)
        assert set(edges.names) == {"", "经二路", "联通"}
        assert edges.classes == ("primary", "residential")
    big5 = tmp_path / "BIG5.shp"
    with pytest.raises(RoadsError, match="class '主幹路' is not known"):  # the text says Big5
        read_lines(big5, mapping, E_BIKE)
    other = replace(mapping, encoding="big5", classes={"主幹路": "primary", "支路": "residential"})
    assert set(read_lines(big5, other, E_BIKE).names) == {"", "經二路", "通"}
    with pytest.raises(RoadsError, match="no encoding 'klingon'"):
        read_lines(big5, replace(mapping, encoding="klingon"), E_BIKE)
    with pytest.raises(RoadsError, match=r"not utf-8; name what they are in with --encoding"):
        read_lines(tmp_path / "GBK.shp", replace(mapping, encoding="utf-8"), E_BIKE)


def test_a_layer_without_classes_takes_the_default_one_and_says_what_that_means(
    tmp_path: Path,
) -> None:
    rows = (
        (line((0, 0), (1, 0)), "primary", "0", 0, "main"),
        (line((1, 0), (2, 0)), None, "0", 0, "lane"),
        (line((2, 0), (3, 0)), None, "0", 0, "连霍高速公路"),
    )
    path = layer(tmp_path / "roads.gpkg", *rows)
    with pytest.raises(RoadsError, match="2 of 3 lines have no class; say with --class"):
        read_lines(path, PLAIN, E_BIKE)
    edges = read_lines(path, replace(PLAIN, default_class="service"), E_BIKE)
    assert speeds(edges, "main") == (18.0, 18.0)
    assert speeds(edges, "lane") == (12.0, 12.0)
    graph = build_graph(edges, E_BIKE, source="roads")
    (warning,) = road_warnings(graph.report())
    assert warning.startswith("2 lines have no class")
    assert "1 are named like motorways" in warning
    assert "e-bikes now ride them" in warning
    all_alike = read_lines(path, LineMapping(default_class="residential"), E_BIKE)
    assert all_alike.classes == ("residential",)
    assert all_alike.notes["lines without a class"] == 3
    with pytest.raises(RoadsError, match="'street' is no highway value"):
        read_lines(path, LineMapping(default_class="street"), E_BIKE)


def test_lines_that_end_on_the_middle_of_another_are_counted_and_split_if_asked(
    tmp_path: Path,
) -> None:
    # Three side roads end on a main road of two vertices, two of them at one place; a fourth ends
    # where the main road does, and a bridge crosses it without an end.
    rows = tuple(
        (one, "residential", "0", 0, name)
        for one, name in (
            (line((0, 0), (4, 0)), "main"),
            (line((1, 1), (1, 0)), "north"),
            (line((1, -1), (1, 0.002)), "south"),
            (line((3, 0.001), (3, 1)), "east"),
            (line((4, 0), (4, 1)), "end"),
            (line((2, -1), (2, 1)), "bridge"),
        )
    )
    path = layer(tmp_path / "roads.gpkg", *rows)
    apart = read_lines(path, PLAIN, E_BIKE)
    assert apart.notes["lines that end on the middle of another"] == 3
    warnings = road_warnings(build_graph(apart, E_BIKE, source="roads").report())
    assert any(
        d.startswith("3 ends of lines lie on the middle") and "--split" in d for d in warnings
    )
    joined = read_lines(path, replace(PLAIN, split=True), E_BIKE)
    names = [joined.names[name] for name in joined.name]
    assert names.count("main") == 3
    assert names.count("bridge") == 1
    assert joined.notes["lines that end on the middle of another"] == 0
    assert joined.length_m.sum() == pytest.approx(apart.length_m.sum(), abs=1)
    graph = build_graph(joined, E_BIKE, source="roads")
    inside = {n for n, ok in zip(names, graph.edge_in_giant, strict=True) if ok}
    assert inside == {"main", "north", "south", "east", "end"}
    # 1 + 2 + 1 thousandths of a degree from the north road's end to the east one's, at 5 m/s.
    start, end = ([107.101, 34.301], [107.103, 34.301])
    way_m = geodesic_m(107.101, 34.3, 107.103, 34.3) + 2 * geodesic_m(107.1, 34.3, 107.1, 34.301)
    found = Roads(graph).bind(np.array([end])).nearest(np.array([start]), k=1)
    assert found.seconds[0, 0] == pytest.approx(way_m / 5, abs=1)


def test_rows_without_a_shape_are_counted(tmp_path: Path) -> None:
    with np.errstate(invalid="ignore"):
        broken = LineString([(107.1, 34.3), (np.nan, 34.3), (107.2, 34.3)])
    rows = (
        ROWS[0],
        (None, "primary", "0", 0, "none"),
        (LineString(), "primary", "0", 0, "empty"),
        (broken, "primary", "0", 0, "broken"),
        (Point(107.1, 34.3), "primary", "0", 0, "no line"),
    )
    edges = read_lines(layer(tmp_path / "roads.gpkg", *rows), PLAIN, E_BIKE)
    assert len(edges.tail) == 1
    assert edges.notes["rows without a geometry"] == 2
    assert edges.notes["rows without a line"] == 1
    assert edges.notes["lines with a vertex that is no number"] == 1
    nothing = layer(tmp_path / "nothing.gpkg", *rows[1:])
    with pytest.raises(RoadsError, match="None of the 4 rows of nothing.gpkg holds a line"):
        read_lines(nothing, PLAIN, E_BIKE)


@pytest.mark.slow
@pytest.mark.realdata
def test_the_lines_of_jinan(realdata: Path) -> None:
    path = realdata / "roads" / "jinan" / "edges.shp"
    mapping = LineMapping("highway", direction="forward")  # a row for each direction
    graph = build_graph(read_lines(path, mapping, E_BIKE), E_BIKE, source=path.name)
    report = graph.report()
    assert report.giant_share > 0.9
    assert report.notes["edges drawn more than once"] > 10_000
    assert "motorway" not in report.km_by_class
    compare_with_networkx(graph, sources=10, targets=200)
    places = graph.edges.node_lonlat[graph.in_giant][:3] + 1e-4
    near = Roads(graph).bind(places).nearest(places, k=3)
    assert np.isfinite(near.seconds).all()
    assert not np.allclose(near.seconds[0], near.seconds[1])
