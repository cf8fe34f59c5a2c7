"""Roads beside the store: imported, taken by every answer, compared, and taken out again."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from click.testing import Result
from playwright.sync_api import Browser, Request, expect
from shapely.geometry import LineString, Point, box

from locator import network
from locator.answer import route_answer
from locator.datum import wgs84_to_gcj02
from locator.errors import NoWayError, RoadsError
from locator.intake.roads import import_roads
from locator.network import choose_travel, remove_roads, roads_folder
from locator.service import Service, open_service
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.travel import Nearest, StraightLine
from locator.travel.graph_file import file_digest
from locator.travel.lines import LineMapping
from locator.travel.straightline import BoundStraightLine
from locator.web import create_app
from tests.browser_support import watch_page
from tests.conftest import MONDAY_NOON, fixed_clock, served
from tests.patience import patience

# A river from west to east with one bridge, far in the east: the near station is far by road.
NORTH, SOUTH, WEST, EAST = 34.3700, 34.3660, 107.1000, 107.1300
ROADS = (
    ((WEST, NORTH), (EAST, NORTH), "primary"),
    ((WEST, SOUTH), (EAST, SOUTH), "primary"),
    ((EAST, NORTH), (EAST, SOUTH), "primary"),
)
RIDER = (107.1010, NORTH)


@pytest.fixture
def river(store: GeoPackageStore, tmp_path: Path) -> Path:
    """Give roads on both banks, and a store with a station on each: the near one across."""
    stations = gpd.GeoDataFrame(
        {
            "id": ["across", "along", "far-away"],
            "name": ["对岸", "同岸", "没有路"],
            "kind": "rest_post",
            "opening_hours": "24/7",
        },
        geometry=[Point(107.1010, SOUTH), Point(107.1120, NORTH), Point(107.2, 34.5)],
        crs="EPSG:4326",
    )
    store.apply(Change("stations", stations, absent="close"), actor="t")
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["北岸"], "kind": ["campus"], "demand_per_h": [8.0]},
        geometry=[box(107.1000, 34.3697, 107.1030, 34.3703)],
        crs="EPSG:4326",
    )
    store.apply(Change("hot_zones", zone, absent="remove"), actor="t")
    path = tmp_path / "roads.gpkg"
    lines = gpd.GeoDataFrame(
        {"highway": [kind for _, _, kind in ROADS], "name": ["北路", "南路", "桥"]},
        geometry=[LineString(ends) for *ends, _ in ROADS],
        crs="EPSG:4326",
    )
    lines.to_file(path)
    (tmp_path / "map.toml").write_text(
        '[columns]\nroad_class = "highway"\nname = "name"\n', encoding="utf-8"
    )
    return path


def take(settings: Settings, store: GeoPackageStore, path: Path) -> None:
    import_roads(settings, store, path, mapping=LineMapping("highway", name="name"))


def test_every_answer_goes_by_the_roads_once_there_are_any(
    cli: Callable[..., Result], river: Path, tmp_path: Path
) -> None:
    ask = ("nearest", *RIDER, "-k", "3", "--at", "2026-11-23T12:00", "--json")
    before = json.loads(cli(*ask).stdout)
    assert [f["id"] for f in before["features"]] == ["across", "along", "far-away"]
    assert "not along roads" in before["travel"]
    done = cli("roads", "import", river, "--map", tmp_path / "map.toml")
    assert done.exit_code == 0
    assert "Riding times from now on: roads, " in done.stdout
    assert "1 station out of reach of every road far-away" in done.stderr
    after = json.loads(cli(*ask).stdout)
    # 11 thousandths of a degree along, against 29 to the bridge, over it, and 29 back.
    assert [f["id"] for f in after["features"]] == ["along", "across"]
    assert after["travel"].startswith("roads, ")
    metres = {f["id"]: f["properties"]["ride_m"] for f in after["features"]}
    assert metres["along"] == pytest.approx(1012, abs=2)
    assert metres["across"] == pytest.approx(2 * 2668 + 444, abs=6)
    compared = json.loads(cli(*ask, "--travel", "straightline").stdout)
    assert compared["features"] == before["features"]
    assert cli("roads", "remove").exit_code == 0
    assert json.loads(cli(*ask).stdout)["features"] == before["features"]
    refused = cli("nearest", *RIDER, "--travel", "roads")
    assert refused.exit_code == 1
    assert "locator roads import" in refused.stderr


def test_a_layer_without_a_mapping_is_imported_by_its_default_class(
    cli: Callable[..., Result], river: Path, tmp_path: Path
) -> None:
    done = cli("roads", "import", river, "--class", "tertiary", "--split", "--encoding", "utf-8")
    assert done.exit_code == 0
    assert "  tertiary: " in done.stdout
    assert "3 lines have no class" in done.stderr
    (tmp_path / "a.osm.pbf").write_bytes(b"")
    for arguments, words in (
        ((river,), "with --class which road every line is"),
        ((river, "--class", "street"), "'street' is no highway value"),
        ((tmp_path / "a.osm.pbf", "--class", "tertiary"), "is an extract"),
        ((tmp_path / "a.osm.pbf",), "is empty"),
    ):
        refused = cli("roads", "import", *arguments)
        assert refused.exit_code in {1, 2}
        assert words in refused.stderr


def test_a_route_names_its_streets(
    cli: Callable[..., Result], settings: Settings, store: GeoPackageStore, river: Path
) -> None:
    straight = json.loads(cli("route", *RIDER, "across", "--json").stdout)
    assert len(straight["geometry"]["coordinates"]) == 2
    assert straight["properties"]["streets"] == []
    take(settings, store, river)
    found = json.loads(cli("route", *RIDER, "across", "--json").stdout)
    assert [street[0] for street in found["properties"]["streets"]] == ["北路", "桥", "南路"]
    line = found["geometry"]["coordinates"]
    assert max(x for x, _ in line) == pytest.approx(EAST, abs=1e-6)
    told = cli("route", *RIDER, "across").stdout
    assert "北路" in told
    for station, words in (("far-away", "No road leads"), ("nope", "no station 'nope'")):
        refused = cli("route", *RIDER, station)
        assert refused.exit_code == 2
        assert words in refused.stderr
    app = create_app(settings, clock=fixed_clock)
    client = app.test_client()
    by_web = client.get(
        "/api/route", query_string={"lon": RIDER[0], "lat": NORTH, "station": "across"}
    )
    assert by_web.get_json() == found
    assert client.get("/api/route?lon=1&lat=2&station=nope").status_code == 400
    assert client.get("/api/route?lon=1&lat=2&x=y").status_code == 400
    app.extensions["locator"].close()


@pytest.mark.slow
def test_gaps_along_roads_say_what_the_straight_line_would(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
) -> None:
    take(settings, store, river)
    done = cli("gaps", "--minutes", "2", "--out", tmp_path / "g", "--json", "--no-report")
    summary = json.loads(done.stdout)
    assert summary["network"] == file_digest(river)[:16]
    result = summary["results"][0]
    # 2 minutes are 600 m along the road, and 461 m as the crow flies: only across the river.
    assert result["covered_share"] < 0.05
    assert result["covered_share_straight_line"] > 0.2
    line = cli(
        "gaps", "--minutes", "2", "--out", tmp_path / "h", "--travel", "straightline", "--no-report"
    )
    assert "as the crow flies" not in line.stdout
    told = cli("gaps", "--minutes", "2", "--out", tmp_path / "i", "--no-report").stdout
    assert "as the crow flies" in told


def test_what_gives_no_network_leaves_the_one_there_is(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
) -> None:
    take(settings, store, river)
    before = choose_travel(settings, store).describe()
    elsewhere = gpd.read_file(river)
    elsewhere.geometry = elsewhere.translate(10, 0)
    elsewhere.to_file(tmp_path / "elsewhere.gpkg")
    (tmp_path / "text.osm.pbf").write_text("not a map")
    for arguments, words in (
        ((tmp_path / "elsewhere.gpkg", "--map", tmp_path / "map.toml"), "stations' city"),
        ((river,), "--map"),
        ((tmp_path / "text.osm.pbf",), "not an OpenStreetMap extract"),
        ((tmp_path / "none.osm.pbf",), "No such file"),
        ((tmp_path / "text.osm.pbf", "--bbox", "1,2,3"), "west,south,east,north"),
        ((tmp_path / "text.osm.pbf", "--bbox", "3,2,1,4"), "west,south,east,north"),
    ):
        refused = cli("roads", "import", *arguments)
        assert refused.exit_code in {1, 2}
        assert words in refused.stderr
        assert choose_travel(settings, store).describe() == before


@pytest.mark.parametrize("had", [False, True])
def test_a_refused_import_leaves_no_file_behind(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
    had: bool,
) -> None:
    if had:
        take(settings, store, river)
    folder = roads_folder(store)
    before = sorted(folder.iterdir()) if had else None
    elsewhere = gpd.read_file(river)
    elsewhere.geometry = elsewhere.translate(10, 0)
    elsewhere.to_file(tmp_path / "elsewhere.gpkg")
    refused = cli("roads", "import", tmp_path / "elsewhere.gpkg", "--map", tmp_path / "map.toml")
    assert refused.exit_code == 1
    assert (sorted(folder.iterdir()) if folder.exists() else None) == before
    assert store.roads_source() == ("roads.gpkg" if had else "")


def test_networks_that_are_used_no_longer_go(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take(settings, store, river)
    folder = roads_folder(store)
    (first,) = folder.glob("roads-*.npz")
    with open_service(settings, clock=fixed_clock) as service:
        travel = service.travel
        frame = gpd.read_file(river)
        frame.iloc[:3].assign(name="新").to_file(river)
        take(settings, store, river)
        (second,) = folder.glob("roads-*.npz")
        assert second != first
        # What a running server answered from was read whole: it goes on until it takes the new.
        assert np.isfinite(travel.bind(np.array([RIDER])).nearest(np.array([RIDER]), k=1).seconds)
        service.snapshot()
        assert service.travel is not travel
    # Windows lets nobody remove what another has open: then it stays until the next import.
    unlink = Path.unlink

    def busy(path: Path, missing_ok: bool = False) -> None:
        if path == second:
            raise PermissionError(13, "in use")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", busy)
    take(replace(settings, ride_speed_kmh=20.0), store, river)
    assert len(list(folder.glob("roads-*.npz"))) == 2
    monkeypatch.undo()
    take(replace(settings, ride_speed_kmh=21.0), store, river)
    assert len(list(folder.glob("roads-*.npz"))) == 1
    assert cli("roads", "remove").exit_code == 0
    assert not folder.exists()


def test_roads_that_change_while_they_are_read_are_read_again(
    settings: Settings, store: GeoPackageStore, river: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(settings, store, river)
    stamps = iter(["roads-gone.npz 1"])
    real = network.roads_stamp
    monkeypatch.setattr(network, "roads_stamp", lambda s: next(stamps, None) or real(s))
    assert choose_travel(settings, store).describe().startswith("roads, ")


@pytest.mark.slow
def test_a_store_without_its_roads_says_so_everywhere(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    take(settings, store, river)
    assert cli("doctor").exit_code == 0
    folder = roads_folder(store)
    folder.rename(tmp_path / "elsewhere")
    gone = "the imported roads, roads.gpkg, are missing"
    sick = cli("doctor")
    assert sick.exit_code == 1
    assert "roads of this store (roads.gpkg) are not beside it" in sick.stdout
    found = json.loads(cli("nearest", *RIDER, "--json").stdout)
    assert gone in found["travel"]
    assert "not beside it" in caplog.text
    gaps = json.loads(
        cli("gaps", "--minutes", "2", "--out", tmp_path / "g", "--json", "--no-report").stdout
    )
    assert gone in gaps["travel"]
    refused = cli("nearest", *RIDER, "--travel", "roads")
    assert refused.exit_code == 1
    assert "locator roads remove" in refused.stderr
    # Who asks for straight lines is told nothing of roads.
    chosen = json.loads(cli("nearest", *RIDER, "--travel", "straightline", "--json").stdout)
    assert gone not in chosen["travel"]
    app = create_app(settings, clock=fixed_clock)
    client = app.test_client()
    assert client.get("/healthz").get_json()["roads"] == "missing"
    assert "导入过的路网 roads.gpkg 缺失" in client.get("/planner").get_data(as_text=True)
    (tmp_path / "elsewhere").rename(folder)
    assert client.get("/healthz").get_json()["roads"] == "used"
    app.extensions["locator"].close()
    (folder / "current.txt").unlink()
    assert cli("roads", "remove").stdout.startswith("Riding times are straight-line")
    assert cli("doctor").exit_code == 0
    assert gone not in json.loads(cli("nearest", *RIDER, "--json").stdout)["travel"]


def test_a_backup_takes_the_roads_along_and_can_be_restored(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
) -> None:
    assert "Its roads" not in cli("backup", tmp_path / "none.gpkg").stdout
    take(settings, store, river)
    target = tmp_path / "kept" / "copy.gpkg"
    done = cli("backup", target)
    assert done.exit_code == 0
    assert f"Its roads are in {target.with_name('copy-roads')}" in done.stdout
    ask = ("nearest", *RIDER, "--at", "2026-11-23T12:00", "--json")
    expected = json.loads(cli(*ask).stdout)
    # The copy answers where it lies, and under another name with its folder named alike.
    assert json.loads(cli("--store", target, *ask).stdout) == expected
    restored = tmp_path / "new" / "store.gpkg"
    restored.parent.mkdir()
    target.rename(restored)
    assert "are missing" in json.loads(cli("--store", restored, *ask).stdout)["travel"]
    target.with_name("copy-roads").rename(restored.with_name("store-roads"))
    assert json.loads(cli("--store", restored, *ask).stdout) == expected
    roads_folder(store).rename(tmp_path / "away")
    refused = cli("backup", tmp_path / "half.gpkg")
    assert refused.exit_code == 1
    assert "not beside it" in refused.stderr


def test_a_damaged_graph_is_told_and_can_be_gone_around(
    cli: Callable[..., Result], settings: Settings, store: GeoPackageStore, river: Path
) -> None:
    take(settings, store, river)
    folder = Path(settings.store.removeprefix("geopackage:")).with_name("store-roads")
    (graph,) = folder.glob("roads-*.npz")
    graph.write_bytes(graph.read_bytes()[:1000])
    refused = cli("nearest", *RIDER)
    assert refused.exit_code == 1
    assert "import the extract again" in refused.stderr
    assert cli("nearest", *RIDER, "--travel", "straightline").exit_code == 0
    take(settings, store, river)
    assert cli("nearest", *RIDER).exit_code == 0
    graph.write_bytes(b"")
    assert "is damaged" in cli("doctor").stdout
    graph.unlink()
    with pytest.raises(RoadsError, match="import an extract"):
        choose_travel(settings, store)


def test_a_running_service_takes_new_roads_at_its_next_answer(
    settings: Settings, store: GeoPackageStore, river: Path
) -> None:
    with open_service(settings, clock=fixed_clock) as service:
        assert isinstance(service.travel, StraightLine)
        first = service.snapshot()
        take(settings, store, river)
        second = service.snapshot()
        assert second is not first
        assert service.travel.describe().startswith("roads, ")
        assert service.snapshot() is second
        found = second.index.find(np.array([RIDER]), at=MONDAY_NOON, k=1)
        assert second.stations["id"][int(found.index[0, 0])] == "along"
        assert remove_roads(store)
        service.snapshot()
        assert isinstance(service.travel, StraightLine)
    other = replace(settings, travel="straightline")
    take(settings, store, river)
    assert isinstance(choose_travel(other, store), StraightLine)


def test_roads_of_another_rider_are_refused_until_they_are_imported_again(
    settings: Settings, store: GeoPackageStore, river: Path
) -> None:
    take(settings, store, river)
    folder = roads_folder(store)
    for changed, word in (
        ({"ride_speed_kmh": 20.0}, "LOCATOR_RIDE_SPEED_KMH than 20.0"),
        ({"profile": "walk", "ride_speed_kmh": 5.0}, "LOCATOR_PROFILE than walk"),
        ({"push_speed_kmh": 4.0}, "LOCATOR_PUSH_SPEED_KMH than 4.0"),
        ({"trunk_roads": "open"}, "LOCATOR_TRUNK_ROADS than open"),
        ({"private_ways": "closed"}, "LOCATOR_PRIVATE_WAYS than closed"),
        ({"ferry_wait_minutes": 9}, "LOCATOR_FERRY_WAIT_MINUTES than 9"),
    ):
        other = replace(settings, **changed)
        with pytest.raises(RoadsError, match=f"{word}; run 'locator roads import EXTRACT' again"):
            choose_travel(other, store)
        assert isinstance(choose_travel(replace(other, travel="straightline"), store), StraightLine)
        take(other, store, river)
        assert len(list(folder.glob("roads-*.npz"))) == 1  # the one before is used no longer
        assert choose_travel(other, store).describe().startswith("roads, ")
        take(settings, store, river)
    assert choose_travel(settings, store).describe().endswith("e-bike 18 km/h")


def test_a_running_service_goes_on_when_it_cannot_take_the_new_roads(
    settings: Settings, store: GeoPackageStore, river: Path, caplog: pytest.LogCaptureFixture
) -> None:
    take(settings, store, river)
    with open_service(settings, clock=fixed_clock) as service:
        first = service.snapshot()
        take(replace(settings, ride_speed_kmh=10.0), store, river)
        assert service.snapshot() is first
        assert service.snapshot() is first
        (said,) = [record.getMessage() for record in caplog.records]
        assert "import EXTRACT' again" in said
        assert said.endswith("Answers go on as before.")
        take(settings, store, river)
        assert service.snapshot() is not first


def test_a_server_prepares_while_riders_are_answered(
    settings: Settings, store: GeoPackageStore, river: Path
) -> None:
    take(settings, store, river)
    here = np.array([RIDER, (EAST, SOUTH)])
    with open_service(settings) as plain, open_service(settings, prepares=True) as server:
        index = server.snapshot().index
        asked = [plain.snapshot().index.find(here, at=MONDAY_NOON, k=3)]
        asked.append(index.find(here, at=MONDAY_NOON, k=3))
        for thread in threading.enumerate():
            if thread.name == "prepare":
                thread.join(patience(60))
        asked.append(index.find(here, at=MONDAY_NOON, k=3))
        assert index._bound.table is not None  # type: ignore[attr-defined]
        assert plain.snapshot().index._bound.table is None  # type: ignore[attr-defined]
    for other in asked[1:]:
        assert (other.index == asked[0].index).all()
        assert (other.ride_s == asked[0].ride_s).all()


def test_timed_rides_name_the_speed_that_tells_them_best(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
) -> None:
    take(settings, store, river)
    rides = tmp_path / "rides.csv"
    # Along one bank at 12 km/h (1,840 m in 9.2 minutes), one ride with a long wait, one nowhere.
    rides.write_text(
        "from_lon,from_lat,to_lon,to_lat,minutes\n"
        f"107.10,{NORTH},107.12,{NORTH},9.2\n107.105,{NORTH},107.125,{NORTH},9.2\n"
        f"107.12,{SOUTH},107.10,{SOUTH},9.2\n107.10,{NORTH},107.12,{NORTH},40\n"
        "107.5,34.5,107.6,34.5,5\n",
        encoding="utf-8",
    )
    found = json.loads(cli("roads", "calibrate", rides, "--json").stdout)
    assert (found["rides"], found["unreachable"]) == (4, 1)
    assert found["speed_kmh"] == pytest.approx(12, abs=0.05)
    assert found["error_before"] == pytest.approx(1 / 3, abs=0.01)
    assert found["error_after"] < 0.01
    assert "LOCATOR_RIDE_SPEED_KMH=12.0" in cli("roads", "calibrate", rides).stdout
    for text, words in (
        ("from_lon,from_lat,to_lon,to_lat\n1,2,3,4\n", "no column minutes"),
        ("from_lon,from_lat,to_lon,to_lat,minutes\n107,34,107,34,fast\n", "row 2, minutes 'fast'"),
        ("from_lon,from_lat,to_lon,to_lat,minutes\n107,x,107,34,3\n", "row 2, from_lat 'x'"),
        ("from_lon,from_lat,to_lon,to_lat,minutes\n1,2,3,4,5\n", "0 of 1 rides"),
    ):
        rides.write_text(text, encoding="utf-8")
        refused = cli("roads", "calibrate", rides)
        assert refused.exit_code == 2
        assert words in refused.stderr


@pytest.mark.slow
def test_stations_far_from_every_road_are_of_another_datum(
    cli: Callable[..., Result],
    settings: Settings,
    store: GeoPackageStore,
    river: Path,
    tmp_path: Path,
) -> None:
    take(settings, store, river)
    east = np.linspace(WEST, EAST, 40)
    north = np.where(np.arange(40) % 2, NORTH, SOUTH) + 1e-4  # 11 m off the road
    lon, lat = wgs84_to_gcj02(east, north)
    path = tmp_path / "new.csv"
    lines = [
        f"n{i},新站{i},rest_post,{x},{y}" for i, (x, y) in enumerate(zip(lon, lat, strict=True))
    ]
    path.write_text("id,name,kind,lon,lat\n" + "\n".join(lines), encoding="utf-8")
    told = json.loads(cli("stations", "check", path, "--json").stdout)
    off = {fit["datum"]: fit["road_off_m"] for fit in told["datums"]}
    assert off["gcj02"] == pytest.approx(11, abs=1)
    assert off["wgs84"] > 100
    assert "m from a road read as wgs84, 11 m read as gcj02" in told["datum_hint"]
    assert "half of them over 11 m from a road" in cli("stations", "check", path).stdout
    right = json.loads(cli("stations", "check", path, "--datum", "gcj02", "--json").stdout)
    assert right["datum_hint"] is None
    few = tmp_path / "few.csv"
    few.write_text("id,name,kind,lon,lat\n" + "\n".join(lines[:29]), encoding="utf-8")
    assert json.loads(cli("stations", "check", few, "--json").stdout)["datum_hint"] is None


@dataclass
class Site:
    """A running site."""

    url: str


@pytest.fixture
def site(settings: Settings, store: GeoPackageStore, river: Path) -> Iterator[Site]:
    """Run a site that knows the roads."""
    take(settings, store, river)
    with served(create_app(settings, clock=fixed_clock)) as url:
        yield Site(url)


@pytest.mark.slow
@pytest.mark.browser
def test_a_position_travels_only_when_asked_rounded_and_in_a_body(
    chromium: Browser, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", base_url=site.url,
        geolocation={"longitude": 107.101049, "latitude": 34.370012}, permissions=["geolocation"],
    )  # fmt: skip
    page = context.new_page()
    troubles: list[str] = []
    watch_page(page, troubles)
    page.clock.set_fixed_time(MONDAY_NOON)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    page.goto("/")
    names = page.locator("#cards .name")
    expect(names.first).to_have_text("对岸")
    button = page.locator("#by-road")
    expect(button).to_contain_text("约 100 米精度的位置发给网站")
    assert {request.method for request in asked} == {"GET"}
    button.click()
    expect(page.locator("#status")).to_have_text("下面是按道路算的时间。")
    expect(names.first).to_have_text("同岸")
    assert names.all_inner_texts() == ["同岸", "对岸"]
    posts = [request for request in asked if request.method == "POST"]
    assert [post.url for post in posts] == [f"{site.url}/api/ride-times"]
    assert (posts[0].post_data or "").startswith("lon=107.101&lat=34.370&station=")
    assert not [r for r in asked if "107.10" in r.url]
    assert "107.101" not in caplog.text
    assert page.locator("footer").inner_text().count("直线距离") == 1
    expect(page.locator("footer")).to_contain_text(
        "只有您按“按道路算时间”或“发送位置，看路线”时才发送"
    )
    context.close()
    assert not troubles


def test_a_station_that_a_model_without_ways_does_not_reach_is_no_way(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Nearest(np.array([[-1]]), np.array([[np.inf]]), np.array([[np.inf]]))
    monkeypatch.setattr(BoundStraightLine, "nearest", lambda *_, **__: none)
    with pytest.raises(NoWayError, match=r"is out of reach of 107\.15, 34\.36"):
        route_answer(service, 107.15, 34.36, "BJ-R-001")
