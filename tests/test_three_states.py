"""What a station offers has three states: it has it, it has it not, and nobody recorded it.

Null services and null hosts are unknown, and are said so by every door: they are neither counted
as what is asked for nor left out without a word.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from shapely.geometry import Point

from locator.coverage.demand import hour_of_week
from locator.nearest import StationFilter, StationIndex
from locator.paths import static_dir
from locator.phone import phone_register
from locator.planner import Ask, Desk
from locator.schema import Host, Service
from locator.service import Service as LocatorService
from locator.store import Change, GeoPackageStore
from locator.study import SiteQuestion, gaps_inputs, solve_sites
from tests.conftest import MONDAY_NOON
from tests.line_city import line_inputs
from tests.test_nearest import ids, make_index
from tests.test_study_tables import run

WATER = StationFilter(services=frozenset({Service.DRINKING_WATER}))


@pytest.fixture
def unrecorded(store: GeoPackageStore) -> GeoPackageStore:
    """Return the store with every station's services and host unknown, but for seven."""
    stations = store.read("stations")
    known = stations["id"].isin(sorted(stations["id"])[:7])
    stations.loc[~known, ["services", "host"]] = None
    stations.loc[known, "services"] = "drinking_water"
    store.apply(Change("stations", stations), actor="test")
    return store


# ---- the nearest ------------------------------------------------------------------------------


def test_a_filter_tells_what_is_missing_from_what_is_unknown() -> None:
    at = {"lat": 34.0, "lon": 107.0}
    index = make_index(
        {"id": "has", **at, "services": "drinking_water;seats", "host": "other"},
        {"id": "has not", **at, "services": "seats", "host": "city_station"},
        {"id": "has nothing", **at, "services": ""},
        {"id": "unknown", **at, "services": None},
        {"id": "unknown, closed for good", **at, "services": None, "status": "closed"},
    )
    assert ids(index, chosen=WATER) == ["has"]
    assert index.possible(WATER).tolist() == [False, False, False, True, False]
    hosts = StationFilter(hosts=frozenset({Host.CITY_STATION}))
    assert ids(index, chosen=hosts) == ["has not"]
    assert index.possible(hosts).tolist() == [False, False, True, True, False]
    assert not index.possible(StationFilter()).any()
    both = StationFilter(hosts=hosts.hosts, services=WATER.services)
    assert index.possible(both).tolist() == [False, False, False, True, False]
    wide = StationFilter(services=WATER.services, or_unknown=True)
    assert ids(index, chosen=wide) == ["has", "unknown"]
    assert not index.possible(wide).any()


@pytest.mark.usefixtures("unrecorded")
def test_nearest_says_how_many_were_left_out(cli: Callable[..., Result]) -> None:
    asked = ["nearest", 107.1489, 34.3692, "-k", 3, "--service", "drinking_water"]
    said = cli(*asked).stdout
    assert "Left out: 113 stations whose services are unknown; --or-unknown lists them" in said
    assert json.loads(cli(*asked, "--json").stdout)["services_unknown"] == 113
    wide = cli(*asked, "--or-unknown").stdout
    assert wide.count("services unknown") == 2  # the third has what is asked for
    assert "Left out" not in wide
    assert "Left out" not in cli("nearest", 107.1489, 34.3692).stdout


@pytest.mark.usefixtures("unrecorded")
def test_the_interface_says_so_too(client: FlaskClient) -> None:
    query = "/api/nearest?lon=107.1489&lat=34.3692&service=drinking_water"
    answer = json.loads(client.get(query).data)
    assert answer["services_unknown"] == 113
    assert all(f["properties"]["services"] for f in answer["features"])
    wide = json.loads(client.get(query + "&unknown=1&k=1").data)
    assert wide["services_unknown"] == 0
    assert wide["features"][0]["properties"]["services"] is None
    assert client.get(query + "&unknown=maybe").status_code == 400


@pytest.mark.usefixtures("unrecorded")
def test_the_list_of_a_place_says_what_it_left_out_and_lists_it(client: FlaskClient) -> None:
    page = client.get("/?place=金台区&open=any&service=drinking_water").text
    assert "另有 113 个驿站没有登记服务，没有列出。" in page
    link = (
        "?place=%E9%87%91%E5%8F%B0%E5%8C%BA&amp;open=any&amp;service=drinking_water&amp;unknown=1"
    )
    assert f'href="{link}"' in page
    wide = client.get("/" + link.replace("&amp;", "&")).text
    assert 'id="left-out" hidden' in wide
    assert wide.count('<span class="services">服务未知</span>') >= 1
    embedded = client.get("/embed/nearest?place=金台区&service=drinking_water").text
    assert "另有 113 个驿站没有登记服务，没有列出。" in embedded
    english = client.get("/?place=金台区&open=any&service=drinking_water&lang=en").text
    assert "Stations not listed, because nobody has recorded what they offer: 113." in english


def test_a_stations_page_tells_none_from_unknown(
    unrecorded: GeoPackageStore, client: FlaskClient
) -> None:
    stations = unrecorded.read("stations")
    first, last = stations["id"].min(), stations["id"].max()
    assert '<dd class="services">未知</dd>' in client.get(f"/stations/{last}").text
    stations = stations[stations["id"] == first].assign(services="")
    unrecorded.apply(Change("stations", stations), actor="test")
    assert '<dd class="services">无</dd>' in client.get(f"/stations/{first}").text


@pytest.mark.browser
@pytest.mark.usefixtures("unrecorded")
def test_the_phone_counts_them_and_lists_them_on_request(
    service: LocatorService, chromium: Browser
) -> None:
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    assert sum(row[5] is None for row in register["stations"]) == 113
    page = chromium.new_page()
    page.add_script_tag(path=static_dir() / "rank.js")
    ask = """([register, services, orUnknown]) => {
        const index = locatorRank.load(register);
        const here = { lon: 107.1489, lat: 34.3692, at: 1e3 * register.made_at, k: 20 };
        const asked = Object.assign(here, { services, orUnknown });
        const found = locatorRank.rank(index, asked);
        const unknown = found.filter((one) => one.services_unknown);
        return [locatorRank.leftOut(index, asked), unknown.length, found.length];
    }"""
    assert page.evaluate(ask, [register, ["drinking_water"], False]) == [113, 0, 7]
    assert page.evaluate(ask, [register, ["toilet"], False]) == [113, 0, 0]
    assert page.evaluate(ask, [register, ["toilet"], True]) == [0, 20, 20]
    assert page.evaluate(ask, [register, [], False])[0] == 0
    page.close()


# ---- studies ------------------------------------------------------------------------------------

HOT_WATER = StationFilter(services=frozenset({Service.HOT_WATER}))
EVENING = "2026-11-23T20:00"


@pytest.fixture
def street(service: LocatorService, tmp_path: Path) -> Path:
    """Return five zones 4.6 km apart, and put a station into four of them.

    Hot water at 20:00: A's station has it. B's may: nobody recorded its services or its host. C's
    may, and closes at 18:00. D's has only seats. E has no station. Demand 5, 4, 3, 2 and 1.
    """
    x, y = 107.5, 34.2
    stations = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "name": ["有水", "不知", "不知且关", "无水"],
            "kind": "rest_post",
            "host": pd.Series(["other", None, "other", "other"], dtype=object),
            "services": pd.Series(["hot_water", None, None, "seats"], dtype=object),
            "opening_hours": ["24/7", "24/7", "08:00-18:00", "24/7"],
        },
        geometry=[Point(x + 0.05 * n, y) for n in range(4)],
        crs="EPSG:4326",
    )
    service.store.apply(Change("stations", stations, absent="close"), actor="t")
    zones = gpd.GeoDataFrame(
        {"id": list("ABCDE"), "name": list("甲乙丙丁戊"), "kind": "campus"},
        geometry=[Point(x + 0.05 * n, y).buffer(0.002) for n in range(5)],
        crs="EPSG:4326",
    ).assign(demand_per_h=[5.0, 4.0, 3.0, 2.0, 1.0])
    zones["provenance"] = "surveyed"
    zones.to_file(tmp_path / "z.gpkg")
    return tmp_path / "z.gpkg"


def test_a_study_says_the_most_it_can_be_and_why_a_gap_may_be_none(
    service: LocatorService, street: Path, tmp_path: Path
) -> None:
    inputs = gaps_inputs(service, hot_zones=street)
    asked = {"inputs": inputs, "chosen": HOT_WATER, "week_of": MONDAY_NOON.date()}
    summary, tables = run(service, tmp_path / "g", at=EVENING, **asked)
    (result,) = summary["results"]
    assert result["covered_share"] == pytest.approx(5 / 15)
    assert result["covered_share_if_unknown_open"] == pytest.approx(5 / 15)
    assert result["covered_share_if_unknown_offered"] == pytest.approx(9 / 15)  # C's is closed
    assert summary["stations_services_unknown"] == 1
    areas = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert areas["zone_names"].tolist() == list("乙丙丁戊")
    reasons = ["services_unknown", "closed_then", "service_missing", "none_near"]
    assert areas["reason"].tolist() == reasons
    missing, unknown = areas["missing_services"], areas["unknown_services"]
    assert [isinstance(m, str) and "hot_water" in m for m in missing] == [False, False, True, False]
    assert [isinstance(u, str) and "hot_water" in u for u in unknown] == [True, True, False, False]
    services = tables["services"].set_index("service")
    assert services["stations_unknown"].unique().tolist() == [2]
    assert services.loc["hot_water", "stations"] == 1
    assert services.loc["hot_water", "covered_share_5min"] == pytest.approx(5 / 15)
    assert services.loc["hot_water", "share_if_unknown_5min"] == pytest.approx(9 / 15)
    assert services.loc["seats", "share_if_unknown_5min"] == pytest.approx(6 / 15)
    # By the week C's is open for ten hours of a day, less the last quarter of an hour.
    assert summary["week"] is not None
    assert summary["week"]["possible_share"] == pytest.approx(5 / 15)
    assert summary["week"]["offered_share"] == pytest.approx((9 + 3 * 9.75 / 24) / 15)


def test_a_study_without_hours_and_one_without_a_filter(
    service: LocatorService, street: Path, tmp_path: Path
) -> None:
    inputs = gaps_inputs(service, hot_zones=street)
    summary, _ = run(service, tmp_path / "g", inputs=inputs, chosen=HOT_WATER)
    assert summary["results"][0]["covered_share_if_unknown_offered"] == pytest.approx(12 / 15)
    assert summary["stations_services_unknown"] == 2
    page = (tmp_path / "g" / "report.html").read_text("utf-8")
    assert "若 2 个没有登记服务的站点都提供，则至多为 80.0%" in page
    assert "未知：" in page
    whole, tables = run(service, tmp_path / "w", inputs=inputs)
    assert whole["stations_services_unknown"] is None
    assert whole["results"][0]["covered_share_if_unknown_offered"] is None
    hosts = tables["hosts"]
    unknown = hosts[hosts["host"].isna()].iloc[0]
    assert unknown["stations"] == 1
    assert unknown["covered_share_5min"] == pytest.approx(4 / 15)
    assert hosts["stations"].sum() == whole["stations_counted"] == 4
    assert not tables["kinds"]["kind"].isna().any()


@pytest.mark.usefixtures("unrecorded")
def test_baoji_of_seven_known_stations_says_so_of_the_others(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "g"
    asked = ["gaps", "--minutes", 5, "--service", "drinking_water", "--language", "en"]
    said = cli(*asked, "--out", out).stdout
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    (result,) = summary["results"]
    share, most = result["covered_share"], result["covered_share_if_unknown_offered"]
    assert share < most
    assert f"5 min: {share:.1%} of demand covered (up to {most:.1%} if the 113 stations" in said
    assert "Stations counted: 7 (113 more stations' services are unknown)" in said
    page = (out / "report.html").read_text("utf-8")
    assert f"up to {most:.1%} if the 113 stations of unknown services offer it" in page
    assert "7 (and 113 of unknown services)" in page
    areas = gpd.read_file(out / "gaps.gpkg", layer="gap_areas")
    assert "services_unknown" in set(areas["reason"])
    assert not areas["missing_services"].fillna("").str.contains("toilet").any()


def test_a_site_beside_a_station_of_unknown_services_says_so(service: LocatorService) -> None:
    """S2 reaches the 25 at kilometre 5 and may have hot water; C1 then C2 are chosen."""
    inputs = line_inputs(service)
    snapshot = inputs.measured.snapshot
    stations = snapshot.stations.assign(services=pd.Series(["hot_water", None], dtype=object))
    index = StationIndex(stations, service.travel, service.rules)
    snapshot = replace(snapshot, stations=stations, index=index)
    inputs = replace(inputs, measured=replace(inputs.measured, snapshot=snapshot))
    asked = SiteQuestion(new=2, services=(Service.HOT_WATER,), candidates="file", runs=0)
    found = solve_sites(service, inputs, asked)
    assert found.sites["id"].tolist() == ["C1", "C2"]
    assert found.sites["reason"].tolist() == ["none_near", "services_unknown"]
    assert found.sites["then_station_name"].tolist()[1] == stations["name"].iloc[1]
    assert "没有登记提供什么服务" in found.sites["why_zh"].iloc[1]
    assert any(note.startswith("1 station is not counted, because nobody") for note in found.notes)
    free = solve_sites(service, line_inputs(service), replace(asked, services=()))
    assert not any("nobody recorded" in note for note in free.notes)


@pytest.mark.usefixtures("unrecorded")
def test_the_planners_page_says_the_most_it_can_be(
    service: LocatorService, client: FlaskClient
) -> None:
    ask = Ask(limit_s=300.0, chosen=WATER)
    _, answer = Desk(service).ask(ask)
    figures = answer.now.figures
    assert (figures.stations, figures.services_unknown) == (7, 113)
    # With all of them granted it is what every station gives, but that unknown hours count as open.
    _, every = Desk(service).ask(Ask(limit_s=300.0))
    assert figures.offered_share == pytest.approx(every.now.figures.possible_share)
    assert every.now.figures.offered_share is None
    noon = replace(ask, hour=hour_of_week(MONDAY_NOON))
    _, then = Desk(service).ask(noon)
    _, all_then = Desk(service).ask(replace(noon, chosen=StationFilter()))
    assert then.now.figures.offered_share == pytest.approx(all_then.now.figures.possible_share)
    body = {"minutes": 5, "services": ["drinking_water"]}
    view = json.loads(client.post("/planner/answer", json=body).data)["now"]
    assert view["figures"]["services_unknown"] == 113
    assert view["states"].count("?") == 113
