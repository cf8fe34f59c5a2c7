"""Edges that a change could move without anybody seeing: one promise each."""

import csv
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from shapely.geometry import MultiPolygon, Point, Polygon, box
from sqlalchemy.dialects import sqlite

from locator.answer import state_words
from locator.coverage import cover_zones, covered_area_m2, find_gaps, split_zones, zone_demand
from locator.datum import wgs84_to_gcj02
from locator.errors import InputError, RegisterError
from locator.hours import STATES, CalendarDay, HoursRules, HoursTable, read_spans
from locator.hours_words import day_words, hours_by_day
from locator.intake import import_register
from locator.nearest import StationFilter
from locator.register import parse_table, read_table
from locator.schema import Amenity, Datum, Host, Provenance, State
from locator.service import Service
from locator.store import Change, GeoPackageStore
from locator.store.connect import register_functions
from locator.store.tables import Geometry
from locator.study import Question, Standard, gaps_inputs, run_gaps
from locator.travel import StraightLine
from tests.conftest import MONDAY_NOON, SHANGHAI
from tests.test_nearest import RULES, ids, make_index
from tests.test_register import GOOD, HEADER
from tests.test_store import frame


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_filters_by_host_and_by_every_service_named() -> None:
    here = {"lon": 107.0, "lat": 34.0}
    index = make_index(
        {"id": "a", **here, "host": "city_station", "services": "toilet"},
        {"id": "b", **here, "host": "other", "services": "toilet;wifi"},
    )
    assert ids(index, chosen=StationFilter(hosts=frozenset({Host.OTHER}))) == ["b"]
    both = frozenset({Amenity.TOILET, Amenity.WIFI})
    assert ids(index, chosen=StationFilter(services=both)) == ["b"]


def test_each_day_has_its_own_hours() -> None:
    index = make_index({"id": "a", "lon": 107.0, "lat": 34.0, "opening_hours": "Mo 00:00-24:00"})
    week = [index.states(at(f"2026-11-{day}T12:00"))[0] for day in range(23, 30)]
    assert [STATES[code] for code in week] == [State.OPEN] + [State.CLOSED] * 6
    # More days than are kept, and the first again.
    for day in range(1, 31):
        index.states(at(f"2026-12-{day:02}T12:00"))
    assert STATES[index.states(at("2026-11-23T12:00"))[0]] is State.OPEN


def test_a_day_like_another_takes_its_hours_at_its_own_date() -> None:
    saturday, friday = datetime(2026, 10, 10).date(), datetime(2026, 10, 9).date()  # noqa: DTZ001
    calendar = {saturday: CalendarDay(saturday, "workday", friday, "")}
    rules = HoursRules(SHANGHAI, "CN", calendar)
    spans = read_spans("Mo-Fr 09:00-18:00", rules, start=at("2026-10-10T00:00"), days=1)
    open_spans = [(s.start, s.end) for s in spans if s.state is State.OPEN]
    assert open_spans == [(at("2026-10-10T09:00"), at("2026-10-10T18:00"))]


def test_an_opening_after_unknown_hours_is_not_promised() -> None:
    text = "Mo 10:00-12:00 unknown, Mo 14:00-16:00"
    table = HoursTable([text], RULES, start=at("2026-11-23T08:00"))
    early = table.at(np.array([0]), np.array([at("2026-11-23T08:00").timestamp()]))
    assert STATES[early.state[0]] is State.CLOSED
    assert np.isnan(early.opens_at[0])
    later = table.at(np.array([0]), np.array([at("2026-11-23T13:00").timestamp()]))
    assert later.opens_at[0] == at("2026-11-23T14:00").timestamp()


def test_hours_are_of_the_stations_time_zone_and_country() -> None:
    porto = HoursRules(ZoneInfo("Europe/Lisbon"), "PT", {})
    when = datetime(2026, 12, 1, 10, tzinfo=ZoneInfo("Europe/Lisbon"))  # a holiday in Portugal
    for rules, expected in (
        (porto, State.CLOSED),
        (HoursRules(porto.timezone, "CN", {}), State.OPEN),
    ):
        table = HoursTable(["Mo-Su 09:00-18:00; PH off"], rules, start=when)
        found = table.at(np.array([0]), np.array([when.timestamp()]))
        assert STATES[found.state[0]] is expected
    # 10:00 in Lisbon is 18:00 in Shanghai: the same moment, another state.
    table = HoursTable(["09:00-18:00"], RULES, start=when)
    found = table.at(np.array([0]), np.array([when.timestamp()]))
    assert STATES[found.state[0]] is State.CLOSED


def test_the_day_the_clocks_change_is_whole() -> None:
    porto = HoursRules(ZoneInfo("Europe/Lisbon"), "PT", {})
    spans = read_spans(
        "24/7", porto, start=datetime(2026, 10, 25, 12, tzinfo=porto.timezone), days=1
    )
    assert (spans[-1].end.timestamp() - spans[0].start.timestamp()) == 25 * 3600


def test_past_two_thousand_stations_the_tree_keeps_order_and_ties() -> None:
    rng = np.random.default_rng(3)
    spots = np.column_stack([rng.uniform(107, 107.3, 1500), rng.uniform(34.3, 34.4, 1500)])
    lonlat = np.concatenate([spots, spots])  # every place twice
    origins = spots[:200] + rng.normal(0, 1e-3, (200, 2))
    bound = StraightLine(18.0, 1.3).bind(lonlat)
    found = bound.nearest(origins, k=4)
    few = StraightLine(18.0, 1.3).bind(spots).nearest(origins, k=2)
    assert found.index[:, 0::2].tolist() == few.index.tolist()
    assert found.index[:, 1::2].tolist() == (few.index + 1500).tolist()


def test_gcj02_ends_where_china_does() -> None:
    assert wgs84_to_gcj02(107.0, 0.8)[1] == 0.8
    assert wgs84_to_gcj02(107.0, 0.9)[1] != 0.9
    assert wgs84_to_gcj02(137.9, 35.0)[0] == 137.9
    assert wgs84_to_gcj02(137.8, 35.0)[0] != 137.8


def test_a_profile_with_a_negative_share_is_refused() -> None:
    shares = [1 / 168] * 168
    shares[0], shares[1] = -0.5, shares[1] + 0.5 + 1 / 168
    zone = gpd.GeoDataFrame({"id": ["z"], "demand_per_h": [1.0], "profile": [json.dumps(shares)]})
    with pytest.raises(InputError, match="0 or more"):
        zone_demand(zone, hour=5)


def test_a_gaps_nearest_station_is_one_that_counts_and_null_districts_are_summed() -> None:
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["区"], "kind": ["campus"], "demand_per_h": [4.0]},
        geometry=[box(107.0, 34.0, 107.01, 34.01)],
        crs="EPSG:4326",
    )
    stations = frame("near", "far")
    stations.geometry = gpd.points_from_xy([107.02, 107.2], [34.0, 34.0])
    nowhere = gpd.GeoDataFrame({"id": [], "name": []}, geometry=[], crs="EPSG:4326")
    pieces = split_zones(zone, nowhere, crs=zone.estimate_utm_crs(), demand_per_h=np.array([4.0]))
    coverage = cover_zones(pieces, gpd.GeoSeries([], crs=pieces.crs))
    bound = StraightLine(18.0, 1.3).bind(
        np.column_stack([stations.geometry.x, stations.geometry.y])
    )
    gaps = find_gaps(coverage, stations, bound, mask=np.array([False, True]))
    assert gaps["nearest_station_id"].tolist() == ["far"]
    assert coverage.by("district_id")["demand_per_h"].tolist() == [4.0]


@pytest.mark.slow
def test_what_a_figure_rests_on_changes_its_hash(service: Service, tmp_path: Path) -> None:
    def digest(name: str) -> str:
        question = Question((Standard(5, "min"),))
        return run_gaps(service, gaps_inputs(service), question, out=tmp_path / name)["data_hash"]

    first = digest("a")
    row = service.store.read("stations", where={"id": "BJ-R-001"})
    moved = row.set_geometry(row.geometry.translate(1e-5, 0))
    service.store.apply(Change("stations", moved), actor="t")
    second = digest("b")
    assert second != first
    service.store.apply(Change("stations", row), actor="t")
    assert digest("c") == first


@pytest.mark.slow
def test_illustrative_zones_make_a_figure_illustrative(service: Service, tmp_path: Path) -> None:
    stations = service.store.read("stations").assign(provenance=Provenance.OFFICIAL.value)
    service.store.apply(Change("stations", stations), actor="t")
    question = Question((Standard(5, "min"),))
    summary = run_gaps(service, gaps_inputs(service), question, out=tmp_path / "g")
    assert summary["illustrative"]


def test_more_rows_than_one_query_takes_are_compared(store: GeoPackageStore) -> None:
    many = frame(*(f"n{number:04}" for number in range(1200)))
    assert store.apply(Change("stations", many), actor="t").inserted == 1200
    again = store.apply(Change("stations", many), actor="t")
    assert (again.unchanged, again.updated, again.inserted) == (1200, 0, 0)


def test_an_empty_status_is_active_and_replace_reopens(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    store.apply(Change("stations", frame("x", status=[None])), actor="t")
    assert store.read("stations", where={"id": "x"})["status"].tolist() == ["active"]
    store.apply(Change("stations", frame("x", status=["closed"])), actor="t")
    path = tmp_path / "list.csv"
    path.write_text("id,name,kind,lon,lat\nx,站,rest_post,107.1,34.3\n", "utf-8")
    import_register(store, path, datum=Datum.WGS84, mode="replace", actor="t")
    assert store.read("stations", where={"id": "x"})["status"].tolist() == ["active"]


def test_stations_outside_the_districts_are_named(store: GeoPackageStore, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "id,name,kind,lon,lat\nin,a,rest_post,107.15,34.37\nout,b,rest_post,121,31\n", "utf-8"
    )
    result = import_register(store, path, datum=Datum.WGS84, dry_run=True, actor="t")
    assert result.tally.outside_ids == ["out"]


def test_an_export_keeps_the_datum_its_rows_arrived_in(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    header = "id,name,kind,lon,lat,source_datum,provenance\n"
    path.write_text(
        header + "a,站,rest_post,107.15,34.37,bd09,surveyed\nb,站,rest_post,107.2,34.3,,\n", "utf-8"
    )
    ours = parse_table(read_table(path), datum=Datum.WGS84, provenance=Provenance.OFFICIAL).stations
    assert ours["source_datum"].tolist() == ["bd09", "wgs84"]
    assert ours["provenance"].tolist() == ["surveyed", "official"]
    theirs = parse_table(read_table(path), datum=Datum.GCJ02).stations
    assert theirs["source_datum"].tolist() == ["gcj02", "gcj02"]
    precise = tmp_path / "precise.csv"
    precise.write_text(header + "a,站,rest_post,107.1234567,34.3456789,,\n", "utf-8")
    assert parse_table(read_table(precise), datum=Datum.WGS84).stations.geometry.x[0] == 107.1234567


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text((HEADER + GOOD).replace(";", "、").replace(",", delimiter), "utf-8")
    assert parse_table(read_table(path), datum=Datum.WGS84).stations["id"].tolist() == ["a"]


def test_a_file_past_the_limit_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locator.register.tables._MAX_BYTES", 100)
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD * 5, "utf-8")
    with pytest.raises(RegisterError, match="divide it"):
        read_table(path)


@pytest.mark.parametrize(
    ("opens", "expected"),
    [
        ("2026-11-23T18:00+08:00", "已关门 · 今天 18:00 开门"),
        ("2026-11-24T09:00+08:00", "已关门 · 明天 9:00 开门"),
        ("2026-11-28T09:00+08:00", "已关门 · 周六 9:00 开门"),
        ("2026-11-30T09:00+08:00", "已关门 · 下周一 9:00 开门"),
        (None, "已关门"),
    ],
)
def test_the_next_opening_has_its_day(opens: str | None, expected: str) -> None:
    arrives = "2026-11-23T12:05+08:00"
    own: dict[str, str | None] = {"state": "closed", "opens_at": opens, "arrives_at": arrives}
    assert state_words(own, "zh") == expected  # type: ignore[arg-type]


def test_a_week_says_nights_and_whole_days() -> None:
    spans = read_spans("Mo 18:00-02:00, We 00:00-24:00", RULES, start=MONDAY_NOON, days=3)
    begun = hours_by_day(spans)
    days = [at(f"2026-11-{day}T00:00").date() for day in range(23, 26)]
    words = [day_words(begun.get(day, ()), "zh") for day in days]
    assert words == ["18:00–次日 2:00", "休息", "全天"]


def test_coordinates_have_seven_decimals(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    point = gpd.points_from_xy([107.12345678], [34.34567891])
    store.apply(Change("stations", frame("x").set_geometry(point, crs="EPSG:4326")), actor="t")
    found = json.loads(cli("nearest", "107.12345678", "34.34567891", "-k", "1", "--json").stdout)
    assert found["features"][0]["geometry"]["coordinates"] == [107.1234568, 34.3456789]


def test_answers_to_a_position_are_not_kept_and_pages_are_asked_for_anew(
    client: FlaskClient,
) -> None:
    assert client.get("/api/nearest?lon=107&lat=34").headers["Cache-Control"] == "no-store"
    page = client.get("/")
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["Permissions-Policy"] == "geolocation=(self)"
    asset = re.search(r"/assets/rider\.js\?v=\w+", page.text)
    assert asset is not None
    kept = client.get(asset[0])
    assert "max-age=31536000" in kept.headers["Cache-Control"]
    assert client.get(asset[0], headers={"If-None-Match": kept.headers["ETag"]}).status_code == 304


def test_the_interface_takes_platforms_in_any_case_and_bounds_k(client: FlaskClient) -> None:
    base = "/api/nearest?lon=107.1489&lat=34.3692&kind=swap_cabinet&platform="
    assert len(client.get(base + "MeiTuan").get_json()["features"]) == 3
    assert client.get(base + "eleme").get_json()["features"] == []
    assert client.get("/api/nearest?lon=107&lat=34&k=101").status_code == 400
    assert client.get("/api/nearest?lon=107&lat=34&k=100").status_code == 200


def test_closing_soon_is_another_sign(client: FlaskClient, store: GeoPackageStore) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    for hours, glyph in (("09:00-12:40", "◐"), ("09:00-14:00", "●"), ("off", "○")):
        store.apply(Change("stations", row.assign(opening_hours=hours)), actor="t")
        assert f'<span aria-hidden="true">{glyph}</span>' in client.get("/stations/BJ-R-045").text


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ("2026-11-23T22:00+08:00", "开放 · 22:00 关门"),
        ("2026-11-24T00:00+08:00", "开放 · 24:00 关门"),
        ("2026-11-24T03:00+08:00", "开放 · 3:00 关门"),
        ("2026-11-27T00:00+08:00", "开放 · 周四 24:00 关门"),
        ("2026-11-25T18:00+08:00", "开放 · 周三 18:00 关门"),
    ],
)
def test_a_closing_on_another_day_says_which(closes: str, expected: str) -> None:
    own = {"state": "open", "minutes_left": 300, "closes_at": closes}
    assert state_words(own | {"arrives_at": "2026-11-23T12:05+08:00"}, "zh") == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"state": "open", "sure_until": "2026-11-24T00:00+08:00"}, "开放 · 关门时间未知"),
        ({"state": "open", "sure_until": "2026-11-23T18:00+08:00"}, "开放 · 至少到 18:00"),
        ({"state": "open", "sure_until": None}, "开放"),
        ({"state": "unknown", "hours_comment": "凭预约"}, "开放时间未知 · 凭预约"),
        ({"state": "unknown", "hours_comment": None}, "开放时间未知"),
    ],
)
def test_what_is_not_known_of_an_end_and_why_hours_are_unknown(
    own: dict[str, str | None], expected: str
) -> None:
    known = {"minutes_left": None, "closes_at": None, "arrives_at": "2026-11-23T12:05+08:00"}
    assert state_words(own | known, "zh") == expected  # type: ignore[arg-type]


def test_a_comment_alone_says_nothing_of_when() -> None:
    table = HoursTable(['"by appointment"'], RULES, start=MONDAY_NOON)
    found = table.at(np.array([0]), np.array([MONDAY_NOON.timestamp()]))
    assert STATES[found.state[0]] is State.UNKNOWN


@pytest.mark.parametrize("sides", [4, 20, 32, 64, 120, 256])
@pytest.mark.parametrize("centre", [(0.0, 0.0), (123.456, -77.7), (1e4 / 3, 2e4 / 7)])
def test_a_polygon_drawn_on_the_circle_itself_is_wholly_inside(
    sides: int, centre: tuple[float, float]
) -> None:
    polygon = Point(centre).buffer(433.3, quad_segs=sides // 4)
    found = covered_area_m2(polygon, np.array([centre]), 433.3)
    assert found == pytest.approx(polygon.area, rel=1e-9)


def test_a_name_that_looks_like_a_formula_stays_text_in_the_summary(
    service: Service, tmp_path: Path
) -> None:
    zones = service.store.read("hot_zones").assign(name='=HYPERLINK("http://x")')
    service.store.apply(Change("hot_zones", zones), actor="t")
    question = Question((Standard(5, "min"),))
    run_gaps(service, gaps_inputs(service), question, out=tmp_path / "g")
    with (tmp_path / "g" / "summary.csv").open(encoding="utf-8-sig", newline="") as stream:
        names = {row["name"] for row in csv.DictReader(stream) if row["level"] == "zone"}
    assert names == {'\'=HYPERLINK("http://x")'}


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns",
    [
        {"kind": [None]},
        {"kind": ["pub"]},
        {"name": [None]},
        {"services": ["beer;toilet"]},
        {"host": ["nobody"]},
        {"status": ["open"]},
        {"provenance": ["rumour"]},
    ],
)
def test_what_another_program_left_empty_or_misspelt_breaks_no_page(
    client: FlaskClient,
    cli: Callable[..., Result],
    store: GeoPackageStore,
    tmp_path: Path,
    columns: dict[str, list[str | None]],
) -> None:
    """QGIS and GDAL write rows as they please; the pages and exports go on."""
    row = frame("q").assign(**columns)
    row.geometry = gpd.points_from_xy([107.1489], [34.3692])
    write_outside(store, "stations", row)
    pages = ["/", "/?place=经二路商圈", "/?place=镇", "/stations/q", "/map", "/embed/map"]
    assert {client.get(page).status_code for page in pages} <= {200, 404}
    assert client.get("/stations.json").status_code == 200
    assert cli("nearest", "107.1489", "34.3692").exit_code == 0
    assert cli("stations", "export", tmp_path / "o.xlsx", "--language", "zh").exit_code == 0
    shown = client.get("/stations/q").status_code
    assert shown == (404 if columns.keys() & {"kind", "name", "status"} else 200)


def write_outside(store: GeoPackageStore, layer: str, row: gpd.GeoDataFrame) -> None:
    """Add a row as another program does that knows none of our columns' rules.

    Not by GDAL: its SQLite beside Python's in one process breaks the file, for POSIX locks are a
    process's, and the one that closes gives up the other's (sqlite.org/howtocorrupt, 2.2.1).
    """
    columns = [name for name in row.columns if name != row.geometry.name]
    values = [None if pd.isna(row[name].iloc[0]) else str(row[name].iloc[0]) for name in columns]
    shape = row.geometry.iloc[0]
    whole = MultiPolygon([shape]) if isinstance(shape, Polygon) else shape
    geometry = Geometry().process_bind_param(whole.wkb, sqlite.dialect())
    marks = ", ".join("?" * (len(columns) + 1))
    with closing(sqlite3.connect(store.path)) as connection:
        register_functions(connection)
        connection.execute(
            f"INSERT INTO {layer} (geom, {', '.join(columns)}) VALUES ({marks})",
            (geometry, *values),
        )
        connection.commit()


def test_a_place_or_zone_without_a_name_breaks_no_page(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    for layer, shape in (
        ("places", Point(107.1, 34.3)),
        ("hot_zones", box(107.1, 34.3, 107.2, 34.4)),
    ):
        row = gpd.GeoDataFrame({"id": ["q"]}, geometry=[shape], crs="EPSG:4326")
        write_outside(store, layer, row)
    for page in ("/", "/?place=镇", "/map"):
        assert client.get(page).status_code == 200


def test_a_station_without_a_place_breaks_no_page(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    row = frame("q").set_geometry([Point()], crs="EPSG:4326")
    write_outside(store, "stations", row)
    for page in ("/", "/map", "/healthz", "/api/nearest?lon=107.1489&lat=34.3692"):
        assert client.get(page).status_code == 200
    assert client.get("/stations/q").status_code == 404
