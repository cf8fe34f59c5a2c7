"""Reach: where the nearest station is within a limit, as one area and as bands on maps."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import Result
from flask.testing import FlaskClient

from locator.datum import from_mercator, mercator_scale, to_mercator
from locator.errors import InputError
from locator.figures import FigureOptions, draw_map, render_figure
from locator.maps import MapLayers, MapOptions, build_map, render_file
from locator.maps.payload import build_payload
from locator.service import Service
from locator.showing import MapView, show_view
from locator.showing.compose import LANGUAGES
from locator.store import Change, GeoPackageStore
from locator.study import Question, gaps_inputs, parse_standards, run_gaps
from locator.study.maps import reach_bands, reach_caption
from locator.study.measure import Standard
from locator.travel import BoundModel, StraightLine
from locator.travel.osm import read_osm
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import BoundRoads, Roads
from tests.test_roads import Points, beside, grid_city, make

HOSTILE = "<img src=x onerror=alert(1)>${alert(1)}{{ 7 * 7 }}$x^2$"
OPTIONS = MapOptions(title="t", caption="c", basemap="none")


def alike(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Return intersection over union."""
    return float(one.intersection(other).area / one.union(other).area)


def union(bound: BoundModel, limit_s: float) -> shapely.Geometry:
    return shapely.union_all(bound.service_areas(limit_s=limit_s).to_numpy())


def beyond(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Return the share of one area that lies outside another by more than a cell aslant (67 m)."""
    one, other = (shapely.transform(shape, to_mercator) for shape in (one, other))
    lat = from_mercator(np.array([one.centroid.coords[0]]))[0, 1]
    wider = other.buffer(67.0 * float(mercator_scale(lat)))
    return float(one.difference(wider).area / one.area)


def check_reach(bound: BoundRoads, nodes: Points, limit_s: float, margin_s: float) -> None:
    """Compare the area with the exact times of junctions, a cell (40 m) either way."""
    area = bound.reach(limit_s=limit_s)
    assert area.is_valid
    seconds = bound.nearest(nodes, k=1).seconds[:, 0]
    unit = float(mercator_scale(nodes[:, 1].mean()))
    outline = shapely.transform(area, to_mercator)
    points = shapely.points(to_mercator(nodes))
    distance_m = shapely.distance(outline, points) / unit
    within = seconds < limit_s - margin_s
    assert within.any()
    assert distance_m[within].max() <= 40
    depth_m = shapely.distance(shapely.boundary(outline), points) / unit
    late = (seconds > limit_s + margin_s) & (distance_m == 0) & (depth_m > 40)
    assert late.sum() <= max(1, 0.02 * (distance_m == 0).sum())


# Grids that are laid otherwise move an outline by up to a cell, which is much of a small area.


@pytest.mark.slow
@pytest.mark.parametrize(("limit_s", "stations"), [(120.0, 5), (300.0, 5), (240.0, 1)])
def test_reach_is_the_union_of_the_service_areas_on_a_grid(limit_s: float, stations: int) -> None:
    edges = grid_city(14, 31)
    bound = Roads(make(edges)).bind(beside(edges, stations, 1))
    area, whole = bound.reach(limit_s=limit_s), union(bound, limit_s)
    assert alike(area, whole) > 0.7
    assert beyond(area, whole) < 0.01
    assert beyond(whole, area) < 0.01
    check_reach(bound, edges.node_lonlat, limit_s, 20.0)


def test_maps_by_roads_of_openstreetmap_say_so() -> None:
    roads = Roads(make(replace(grid_city(3, 35), dated="2026-10-01")))
    assert reach_caption(roads, "zh").endswith("© OpenStreetMap contributors")
    assert reach_caption(roads, "en").startswith("reach by: roads, extract of 2026-10-01")
    assert "©" not in reach_caption(Roads(make(grid_city(3, 35))), "en")
    assert "©" not in reach_caption(StraightLine(18, 1.3), "zh")


@pytest.mark.soak
@pytest.mark.realdata
def test_reach_of_a_real_city(realdata: Path) -> None:
    edges = read_osm(realdata / "roads" / "porto.osm.pbf", E_BIKE)
    roads = Roads(make(edges))
    giant = np.flatnonzero(roads.graph.in_giant[: len(edges.node_lonlat)])
    stations = edges.node_lonlat[np.random.default_rng(1).choice(giant, 12)]
    bound = roads.bind(stations)
    for limit_s, least in ((300.0, 0.92), (600.0, 0.96)):
        area, whole = bound.reach(limit_s=limit_s), union(bound, limit_s)
        assert alike(area, whole) > least
        assert beyond(area, whole) < 0.002
        assert beyond(whole, area) < 0.002
        check_reach(bound, edges.node_lonlat[giant], limit_s, 30.0)


def test_what_is_traced_in_tiles_has_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = grid_city(14, 33)
    roads = Roads(make(edges))
    bound = roads.bind(beside(edges, 4, 2))
    whole = bound.reach(limit_s=300.0)
    monkeypatch.setattr("locator.travel.areas._TILE", 8)
    tiled = bound.reach(limit_s=300.0)
    assert alike(whole, tiled) > 0.995
    assert len(tiled.geoms) == len(whole.geoms)


def test_a_mask_leaves_stations_out_and_none_reach_nowhere() -> None:
    edges = grid_city(8, 34)
    roads, places = Roads(make(edges)), beside(grid_city(8, 34), 6, 3)
    for model in (roads, StraightLine(18, 1.3)):
        bound = model.bind(places)
        few = np.array([True, True, False, False, False, False])
        alone = model.bind(places[:2]).reach(limit_s=90.0)
        assert alike(bound.reach(limit_s=90.0, mask=few), alone) == pytest.approx(1)
        assert bound.reach(limit_s=90.0, mask=np.zeros(6, dtype=bool)).is_empty
        assert model.bind(np.empty((0, 2))).reach(limit_s=90.0).is_empty
    # An island, or a place far from every road, reaches nowhere by road.
    assert roads.bind(np.array([[108.5, 35.0]])).reach(limit_s=90.0).is_empty


def test_reach_as_the_crow_flies_is_the_union_of_the_circles() -> None:
    rng = np.random.default_rng(4)
    places = np.column_stack([107 + rng.normal(0, 0.05, 200), 34.3 + rng.normal(0, 0.05, 200)])
    bound = StraightLine(18, 1.3).bind(places)
    assert alike(bound.reach(limit_s=300.0), union(bound, 300.0)) == pytest.approx(1)
    origins = np.column_stack([rng.uniform(106.9, 107.1, 2000), rng.uniform(34.2, 34.4, 2000)])
    inside = shapely.contains_xy(bound.reach(limit_s=300.0), origins)
    seconds = bound.nearest(origins, k=1).seconds[:, 0]
    assert inside.any()
    assert (seconds[inside] <= 300.0).all()
    assert (seconds[~inside] > 299.8).all()  # 256 sides: within 0.02 % of the circle


# -- bands on maps ---------------------------------------------------------------------------------


def test_bands_do_not_overlap_and_lose_nothing() -> None:
    bound = StraightLine(18, 1.3).bind(np.array([[107.0, 34.0], [107.03, 34.0], [107.5, 34.0]]))
    areas = [(Standard(m, "min"), bound.reach(limit_s=60 * m)) for m in (3, 5, 10)]
    bands = reach_bands(areas, "zh")
    assert bands["name"].tolist() == ["3 分钟内可到驿站", "3–5 分钟可到驿站", "5–10 分钟可到驿站"]
    near, middle, far = bands.geometry
    assert near.intersection(middle).area == pytest.approx(0, abs=1e-12)
    assert middle.intersection(far).area == pytest.approx(0, abs=1e-12)
    assert alike(bands.union_all(), areas[-1][1]) > 0.97
    assert shapely.get_num_coordinates(bands.geometry.to_numpy()).sum() < 500
    english = reach_bands(areas[1:], "en")["name"].tolist()
    assert english == ["Within 5 min of a station", "5–10 min from a station"]
    metres = reach_bands([(Standard(1000, "m"), areas[0][1])], "zh")
    assert metres["name"].tolist() == ["1000 米内可到驿站"]


@pytest.mark.slow
def test_many_stations_give_a_tenth_of_their_corners_to_a_page() -> None:
    rng = np.random.default_rng(8)
    places = np.column_stack([107 + rng.normal(0, 0.4, 3000), 34.3 + rng.normal(0, 0.3, 3000)])
    area = StraightLine(18, 1.3).bind(places).reach(limit_s=300.0)
    band = reach_bands([(Standard(5, "min"), area)], "zh").geometry.iloc[0]
    corners = shapely.get_num_coordinates
    assert corners(band) < corners(area) / 10
    assert alike(band, area) > 0.95


def test_reach_is_of_stations_in_service_and_kept_until_the_store_changes(
    service: Service, store: GeoPackageStore
) -> None:
    first = service.snapshot()
    area = service.reach(first, 5)
    assert service.reach(first, 5) is area
    stations = store.read("stations")
    alone = stations.iloc[:1].assign(status="active")
    shut = stations.iloc[1:2].assign(status="temporarily_closed")
    store.apply(Change("stations", alone, absent="close"), actor="t")
    store.apply(Change("stations", shut), actor="t")
    later = service.reach(service.snapshot(), 5)
    assert len(later.geoms) == 1
    assert later.covers(alone.geometry.iloc[0])
    reach = show_view(service, "map", MapView(minutes=(5, 10), language="en")).layers.reach
    assert reach is not None
    assert list(reach["name"]) == ["Within 5 min of a station", "5–10 min from a station"]
    assert show_view(service, "map", MapView()).layers.reach is None


def test_what_is_shown_is_said_in_either_language(service: Service) -> None:
    view = MapView(minutes=(5, 10), bbox=(107.1, 34.3, 107.2, 34.4))
    both = {lang: show_view(service, "map", replace(view, language=lang)) for lang in LANGUAGES}
    for language in LANGUAGES:
        for own in both.values():
            said = own.said_in(language)
            assert said.options == both[language].options
            shown, wanted = said.layers.reach, both[language].layers.reach
            assert shown is not None
            assert wanted is not None
            assert shown.equals(wanted)


def test_a_band_is_in_the_page_with_its_name_as_data() -> None:
    square = shapely.box(107, 34, 107.01, 34.01)
    bands = gpd.GeoDataFrame({"name": [HOSTILE, "b"]}, geometry=[square, square], crs=4326)
    payload = build_payload(MapLayers(reach=bands), OPTIONS)
    own = [feature["properties"] for feature in payload["reach"]["features"]]  # type: ignore[index]
    assert own == [{"name": HOSTILE, "band": 1}, {"name": "b", "band": 2}]
    html = render_file(build_map(MapLayers(reach=bands), OPTIONS))
    assert "<img src=x" not in html
    assert "{{ 7 * 7 }}" in html
    with pytest.raises(InputError, match="EPSG:4326"):
        build_map(MapLayers(reach=bands.to_crs(3857)), OPTIONS)
    points = gpd.GeoDataFrame({"name": ["p"]}, geometry=[shapely.Point(107, 34)], crs=4326)
    with pytest.raises(InputError, match="Polygon"):
        build_map(MapLayers(reach=points), OPTIONS)


def test_a_figure_shows_the_bands_under_their_names() -> None:
    squares = [shapely.box(107, 34, 107.01, 34.01), shapely.box(107.01, 34, 107.02, 34.01)]
    bands = gpd.GeoDataFrame({"name": [HOSTILE, "外圈"]}, geometry=squares, crs=4326)
    stations = gpd.GeoDataFrame(
        {"id": ["a"], "kind": ["rest_post"]}, geometry=[shapely.Point(107.01, 34.005)], crs=4326
    )
    options = FigureOptions(title="t", caption="c")
    with_bands = draw_map(stations=stations, reach=bands, options=options)
    texts = [text.get_text() for text in with_bands.axes[0].texts]
    assert any("外圈" in text for text in texts)
    assert any("alert(1)" in text for text in texts)
    plain = draw_map(stations=stations, options=options)
    assert render_figure(with_bands, "png") != render_figure(plain, "png")
    bands_only = draw_map(reach=bands, options=options)
    assert render_figure(bands_only, "svg").startswith(b"<?xml")


@pytest.mark.slow
def test_the_command_draws_reach_and_names_the_model(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    plain, reach = tmp_path / "plain.html", tmp_path / "reach.html"
    assert cli("map", "--out", plain).exit_code == 0
    assert cli("map", "--out", reach, "--reach", "5,10").exit_code == 0
    html = reach.read_text("utf-8")
    assert "5–10 分钟可到驿站" in html
    assert re.search(r"可达范围按：估算：直线距离 × 1.3", html)
    assert '"reach":null' in plain.read_text("utf-8")
    assert reach.stat().st_size < 1.5 * plain.stat().st_size
    english = cli("map", "--out", tmp_path / "r.svg", "--reach", "5", "--language", "en")
    assert english.exit_code == 0
    for words in ("4,x", "0", "1,2,3,4", "90", ""):
        refused = cli("map", "--out", tmp_path / "no.html", "--reach", words)
        assert refused.exit_code == 2
        assert "reach" in refused.stderr
    assert not (tmp_path / "no.html").exists()


@pytest.mark.slow
def test_pages_show_reach_when_asked(client: FlaskClient) -> None:
    for path in ("/map", "/embed/map.js"):
        html = client.get(f"{path}?reach=10,5&lang=zh").get_data(as_text=True)
        assert "5–10 分钟可到驿站" in html
        assert "可达范围按：估算" in html
        assert '"reach":null' in client.get(path).get_data(as_text=True)
        assert "reach by: estimate" in client.get(f"{path}?reach=5&lang=en").get_data(as_text=True)
        for wrong in ("x", "1,2,3,4", "61", "-1", "0.5", "5," * 3000):
            answer = client.get(path, query_string={"reach": wrong})
            assert answer.status_code == 400
            assert "reach" in answer.get_data(as_text=True)


@pytest.mark.slow
def test_the_gap_map_shows_the_reach_of_its_first_standard(
    service: Service, tmp_path: Path
) -> None:
    question = Question(parse_standards(minutes="7,10", metres=None))
    run_gaps(service, gaps_inputs(service), question, out=tmp_path / "gaps", report="zh")
    html = (tmp_path / "gaps" / "map.html").read_text("utf-8")
    assert "7 分钟内可到驿站" in html
    assert "10 分钟可到驿站" not in html
