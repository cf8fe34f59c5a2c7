"""What a station offers has three states: it has it, it has it not, and nobody recorded it.

Null services and null hosts are unknown, and are said so by every door: they are neither counted
as what is asked for nor left out without a word.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from shapely.geometry import Point

from locator.nearest import StationFilter, StationIndex
from locator.paths import static_dir
from locator.phone import phone_register
from locator.report.draft import GapsDraft
from locator.report.folder import Summary
from locator.report.gaps import add_opening
from locator.report.gaps_sections import add_sections
from locator.report.reading import read_gaps
from locator.schema import Amenity, Host, drop_unusable
from locator.service import Service
from locator.showing.compose import LANGUAGES, map_words
from locator.showing.view import MapView
from locator.store import Change, GeoPackageStore
from locator.study import GapsInputs, Question, SiteQuestion, Standard, solve_sites
from locator.study.areas import describe_areas
from locator.study.basis import make_basis
from locator.study.checkpoints import to_frame, to_plain
from locator.study.manifest import make_summary
from locator.study.measure import Study
from locator.study.sites_prices import Prices
from locator.study.tables import make_tables
from tests.conftest import MONDAY_NOON, local
from tests.line_city import line_inputs
from tests.test_nearest import ids, make_index

WATER = StationFilter(services=frozenset({Amenity.DRINKING_WATER}))


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


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("unrecorded")
def test_the_phone_counts_them_and_lists_them_on_request(
    service: Service, chromium: Browser
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


def test_words_that_name_no_service_are_unknown_not_none() -> None:
    """Other programs write into the store: a text that cannot be read is not the empty set."""
    at = {"lat": 34.0, "lon": 107.0, "name": "n"}
    texts = ("热水?", "", "热水?;seats")
    index = make_index(*({"id": f"s{n}", "services": t} | at for n, t in enumerate(texts)))
    kept, _ = drop_unusable(index.stations, "stations")
    assert kept["services"].tolist() == [None, "", "seats"]


# ---- studies ------------------------------------------------------------------------------------

HOT_WATER = StationFilter(services=frozenset({Amenity.HOT_WATER}))
EVENING = "2026-11-23T20:00"


@pytest.fixture
def street(service: Service) -> GapsInputs:
    """Return five places of demand 4.6 km apart, and put a station at four of them.

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
    demand = gpd.GeoDataFrame(
        {"name": list("ABCDE"), "district_name": pd.Series([None] * 5, dtype=object)},
        geometry=[Point(x + 0.05 * n, y) for n in range(5)],
        crs="EPSG:4326",
    ).assign(demand_per_h=[5.0, 4.0, 3.0, 2.0, 1.0])
    return GapsInputs(service.snapshot(), None, demand)


def measured(
    service: Service, inputs: GapsInputs, **asked: Any
) -> tuple[Summary, dict[str, pd.DataFrame], gpd.GeoDataFrame]:
    """Return the manifest, some tables and the gap areas of a study at 5 minutes, unwritten."""
    question = Question((Standard(5, "min"),), **asked)
    study = Study(service, inputs, question)
    basis = make_basis(service, study, question.standards, week_of=question.week_of)
    outcome = study.measure(question.standards[0])
    summary = make_summary(study, basis, [outcome], [], given=inputs.snapshot)
    tables = make_tables(basis, lambda _, make: to_plain(make()), lambda _: None)
    frames = {name: to_frame(table) for name, table in tables.items()}
    return summary, frames, describe_areas(basis, outcome.gaps)


def test_a_study_says_the_most_it_can_be_and_why_a_gap_may_be_none(
    service: Service, street: GapsInputs
) -> None:
    week = MONDAY_NOON.date()
    summary, tables, areas = measured(
        service, street, chosen=HOT_WATER, at=local(EVENING), week_of=week
    )
    (result,) = summary["results"]
    assert result["covered_share"] == pytest.approx(5 / 15)
    assert result["covered_share_if_unknown_open"] == pytest.approx(5 / 15)
    assert result["covered_share_if_unknown_offered"] == pytest.approx(9 / 15)  # C's is closed
    assert summary["stations_services_unknown"] == 1
    assert areas["unserved_demand_per_h"].tolist() == [4, 3, 2, 1]
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
    # Of all demand, access is supply by demand wherever the stations are.
    assert tables["equity"]["access_per_1000_orders_h"].isna().all()
    assert tables["equity"]["gini_of_access"].notna().all()


def test_a_study_without_hours_and_one_without_a_filter(
    service: Service, street: GapsInputs
) -> None:
    summary, _, _ = measured(service, street, chosen=HOT_WATER)
    assert summary["results"][0]["covered_share_if_unknown_offered"] == pytest.approx(12 / 15)
    assert summary["stations_services_unknown"] == 2
    whole, tables, _ = measured(service, street)
    assert whole["stations_services_unknown"] is None
    assert whole["results"][0]["covered_share_if_unknown_offered"] is None
    hosts = tables["hosts"]
    unknown = hosts[hosts["host"].isna()].iloc[0]
    assert unknown["stations"] == 1
    assert unknown["covered_share_5min"] == pytest.approx(4 / 15)
    assert hosts["stations"].sum() == whole["stations_counted"] == 4
    assert not tables["kinds"]["kind"].isna().any()


@pytest.mark.slow
@pytest.mark.usefixtures("unrecorded")
def test_baoji_of_seven_known_stations_says_so_of_the_others(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "g"
    asked = ["gaps", "--minutes", 5, "--service", "drinking_water"]
    said = cli(*asked, "--no-report", "--out", out).stdout
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    (result,) = summary["results"]
    share, most = result["covered_share"], result["covered_share_if_unknown_offered"]
    assert share < most
    assert f"5 min: {share:.1%} of demand covered (up to {most:.1%} if the 113 stations" in said
    assert "Stations counted: 7 (113 more stations' services are unknown)" in said
    for language, words in {
        "zh": (
            f"若 113 个没有登记服务的站点都提供，则至多为 {most:.1%}",
            "7（另有 113 个服务未登记）",
            "另有 113 个站点没有登记服务，未计入。",
            "未知：",
        ),
        "en": (
            f"up to {most:.1%} if the 113 stations of unknown services offer it",
            "7 (and 113 of unknown services)",
            "Not counted: 113 stations of unknown services.",
            "unknown: ",
        ),
    }.items():
        draft = GapsDraft(read_gaps(out), "zh" if language == "zh" else "en")
        add_opening(draft)
        add_sections(draft)
        text = str(draft.blocks)
        assert [word for word in words if word not in text] == []
    areas = gpd.read_file(out / "gaps.gpkg", layer="gap_areas")
    assert "services_unknown" in set(areas["reason"])
    assert not areas["missing_services"].fillna("").str.contains("toilet").any()


@pytest.mark.usefixtures("unrecorded")
def test_a_map_of_a_service_says_what_it_leaves_out(service: Service, client: FlaskClient) -> None:
    snapshot = service.snapshot()
    view = MapView(chosen=WATER, minutes=(), language="zh")
    zh, en = (
        map_words(service, snapshot, "map", replace(view, language=language)).caption
        for language in LANGUAGES
    )
    assert "只含提供饮水的驿站 · 另有 113 个驿站没有登记服务，未计入" in zh
    assert "only stations with Drinking water · left out: 113 of unknown services" in en
    page = client.get("/embed/coverage?minutes=5&service=drinking_water").text
    assert re.search(r"没有登记服务的驿站也都算：至多 \d+\.\d%。", page)


def test_a_site_beside_a_station_of_unknown_services_says_so(service: Service) -> None:
    """S2 reaches the 25 at kilometre 5 and may have hot water; C1 then C2 are chosen."""
    inputs = line_inputs(service)
    snapshot = inputs.measured.snapshot
    stations = snapshot.stations.assign(services=pd.Series(["hot_water", None], dtype=object))
    index = StationIndex(stations, service.travel, service.rules)
    snapshot = replace(snapshot, stations=stations, index=index)
    inputs = replace(inputs, measured=replace(inputs.measured, snapshot=snapshot))
    asked = SiteQuestion(new=2, services=(Amenity.HOT_WATER,), candidates="file", runs=0)
    found = solve_sites(service, inputs, asked)
    assert found.sites["id"].tolist() == ["C1", "C2"]
    assert found.sites["reason"].tolist() == ["none_near", "services_unknown"]
    assert found.sites["then_station_name"].tolist()[1] == stations["name"].iloc[1]
    assert "没有登记提供什么服务" in found.sites["why_zh"].iloc[1]
    assert any(note.startswith("1 station is not counted, because nobody") for note in found.notes)
    bought = replace(asked, new=None, budget=1.0, prices=Prices(add_service=1.0))
    options = solve_sites(service, inputs, bought)
    assert options.sites["id"].tolist() == ["S2"]
    assert any(note.startswith("Of 1 of the 1 stations to which") for note in options.notes)
    free = solve_sites(service, line_inputs(service), replace(asked, services=()))
    assert not any("nobody recorded" in note for note in free.notes)


def test_the_planners_page_says_the_most_it_can_be(
    service: Service, street: GapsInputs, client: FlaskClient
) -> None:
    assert street.points is not None
    places = street.points.geometry
    zones = gpd.GeoDataFrame(
        {"id": list("ABCDE"), "name": list("ABCDE"), "kind": "campus", "provenance": "surveyed"},
        geometry=[place.buffer(0.0005) for place in places],
        crs="EPSG:4326",
    ).assign(demand_per_h=street.points["demand_per_h"])
    service.store.apply(Change("hot_zones", zones, absent="remove"), actor="t")
    body = {"minutes": 5, "services": ["hot_water"], "hour": 20}
    view = json.loads(client.post("/planner/answer", json=body).data)["now"]
    figures = view["figures"]
    assert figures["covered_share"] == pytest.approx(5 / 15)
    assert figures["offered_share"] == pytest.approx(9 / 15)
    assert (figures["stations"], figures["services_unknown"]) == (1, 2)
    assert sorted(view["states"].replace("-", "")) == ["?", "?", "o"]
    free = json.loads(client.post("/planner/answer", json={"minutes": 5}).data)["now"]["figures"]
    assert (free["offered_share"], free["services_unknown"]) == (None, 0)
