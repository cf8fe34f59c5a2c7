"""What a station offers has three states: it has it, it has it not, and nobody recorded it.

Null services and null hosts are unknown, and are said so by every door: they are neither counted
as what is asked for nor left out without a word.
"""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from locator.nearest import StationFilter
from locator.paths import static_dir
from locator.phone import phone_register
from locator.schema import Host, Service
from locator.service import Service as LocatorService
from locator.store import Change, GeoPackageStore
from tests.conftest import MONDAY_NOON
from tests.test_nearest import ids, make_index

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
