"""``/ogc`` keeps OGC API – Features, Parts 1 to 3, requirement by requirement, and hides nothing.

The numbers in brackets are requirements of OGC 17-069r4 (Part 1) unless another is named.
"""

import gzip
import html
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import geopandas as gpd
import jsonschema_rs
import numpy as np
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from locator.features import COLLECTIONS
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from tests.conftest import fixed_clock
from tests.patience import examples

CRS = "http://www.opengis.net/def/crs/"
CRS84, EPSG4326 = CRS + "OGC/1.3/CRS84", CRS + "EPSG/0/4326"
EPSG3857, EPSG4490 = CRS + "EPSG/0/3857", CRS + "EPSG/0/4490"
STATIONS = "/ogc/collections/stations/items"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
PATHS = [
    ("/ogc", "application/json"),
    ("/ogc/conformance", "application/json"),
    ("/ogc/api", OPENAPI),
    ("/ogc/collections", "application/json"),
    *((f"/ogc/collections/{c.id}", "application/json") for c in COLLECTIONS),
    *((f"/ogc/collections/{c.id}/queryables", "application/schema+json") for c in COLLECTIONS),
    *((f"/ogc/collections/{c.id}/items", GEOJSON) for c in COLLECTIONS),
    (f"{STATIONS}/BJ-R-045", GEOJSON),
]
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}</script>\"'&"


@contextmanager
def application(settings: Settings, **changed: object) -> Iterator[FlaskClient]:
    app = create_app(replace(settings, **changed), clock=fixed_clock)  # type: ignore[arg-type]
    yield app.test_client()
    app.extensions["locator"].close()


def read(client: FlaskClient, address: str, **query: str) -> dict[str, object]:
    answer = client.get(address, query_string=query or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.get_json()
    return found


def links(document: dict[str, object]) -> dict[str, dict[str, str]]:
    """Return the first link of each relation."""
    listed = document["links"]
    assert isinstance(listed, list)
    return {link["rel"]: link for link in reversed(listed)}


def ids(document: dict[str, object]) -> list[str]:
    features = document["features"]
    assert isinstance(features, list)
    return [feature["id"] for feature in features]


@pytest.mark.parametrize(("path", "media"), PATHS)
def test_every_resource_answers_in_its_media_type_and_as_a_page(
    client: FlaskClient, path: str, media: str
) -> None:
    """[3, 5, 9, 12, 16, 28, 33]; text/html of the class HTML."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert "示例数据" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.get(path, query_string={"f": "html"}).mimetype == "text/html"
    own = media.split(";", maxsplit=1)[0]
    for odd in ("image/png", "*", f"{own};odd=1", "x", "text/html;q=0", ";;,/"):
        assert client.get(path, headers={"Accept": odd}).headers["Content-Type"] == media, odd
    parametrised = client.get(path, headers={"Accept": "text/html;level=1, application/json;q=0.9"})
    assert parametrised.mimetype == "text/html"
    assert client.get(path, headers={"Accept": "text/html"}, query_string={"f": "json"}).is_json


@pytest.mark.slow
@pytest.mark.parametrize(("path", "media"), PATHS)
def test_head_options_and_etag_of_every_resource(
    client: FlaskClient, path: str, media: str
) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Type"] == media
    tag = got.headers["ETag"]
    same = client.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    other = client.get(path, headers={"If-None-Match": tag, "Accept-Language": "en"})
    assert other.status_code == 200
    options = client.options(path)
    assert options.headers["Access-Control-Allow-Origin"] == "*"
    refused = client.post(path)
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "media"), PATHS)
def test_unknown_repeated_and_empty_parameters_are_refused(
    client: FlaskClient, path: str, media: str
) -> None:
    """[7, 8]."""
    for query in ("nobody=1", "f=json&f=json", "f=", "f=xml", "lang=fr", "LIMIT=1"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 400, query
        assert answer.get_json()["code"] == "400"
        assert answer.get_json()["description"].endswith((".", "html."))
    assert media


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "relations"),
    [
        ("/ogc", {"self", "alternate", "service-desc", "service-doc", "conformance", "data"}),
        ("/ogc/collections", {"self", "alternate"}),
        (
            "/ogc/collections/stations",
            {"self", "alternate", "items", "http://www.opengis.net/def/rel/ogc/1.0/queryables"},
        ),
        (STATIONS + "?limit=5", {"self", "alternate", "collection", "next"}),
        (STATIONS + "/BJ-R-045", {"self", "alternate", "collection"}),
    ],
)
def test_links_have_their_relations_and_lead_somewhere(
    client: FlaskClient, path: str, relations: set[str]
) -> None:
    """[2, 13, 15, 29, 34]; Part 3 [7]."""
    document = read(client, path)
    found = links(document)
    assert relations <= set(found)
    for link in document["links"]:  # type: ignore[attr-defined]
        assert link["href"].startswith("http://localhost/ogc")
        there = client.get(link["href"], headers={"Accept": link["type"] + ", */*;q=0.1"})
        assert there.status_code == 200, link
        assert there.headers["Content-Type"].split(";")[0] == link["type"].split(";")[0]


def test_conformance_names_the_classes_that_are_kept(client: FlaskClient) -> None:
    """[6]."""
    classes = read(client, "/ogc/conformance")["conformsTo"]
    assert isinstance(classes, list)
    for name in (
        *(f"ogcapi-features-1/1.0/conf/{c}" for c in ("core", "geojson", "html", "oas30")),
        "ogcapi-features-2/1.0/conf/crs",
        *(f"ogcapi-features-3/1.0/conf/{c}" for c in ("queryables", "filter", "features-filter")),
        "cql2/1.0/conf/cql2-text",
    ):
        assert f"http://www.opengis.net/spec/{name}" in classes


def test_a_collection_says_what_it_is_where_and_in_which_systems(client: FlaskClient) -> None:
    """[14, 15, 16]; Part 2 [2, 3, 5]."""
    document = read(client, "/ogc/collections/stations")
    assert document["itemType"] == "feature"
    assert document["storageCrs"] == CRS84
    assert document["crs"] == [CRS84, EPSG4326, EPSG3857, EPSG4490]
    west, south, east, north = document["extent"]["spatial"]["bbox"][0]  # type: ignore[index]
    assert 106 < west < east < 109
    assert 33 < south < north < 36
    assert "示例数据" in str(document["description"])
    english = client.get("/ogc/collections/stations", headers={"Accept-Language": "en"})
    assert "Illustrative" in english.get_json()["description"]
    assert english.headers["Content-Language"] == "en"


@pytest.mark.slow
def test_features_say_how_many_when_and_of_what_kind(client: FlaskClient) -> None:
    """[29, 30, 31]: numberMatched, numberReturned, timeStamp; and what is made up is said so."""
    document = read(client, STATIONS, limit="7")
    assert document["type"] == "FeatureCollection"
    assert (document["numberMatched"], document["numberReturned"]) == (120, 7)
    assert len(ids(document)) == 7
    assert document["timeStamp"] == "2026-11-23T04:00:00Z"
    assert document["illustrative"] is True
    assert "示例" in str(document["note"])
    assert read(client, "/ogc/collections/places/items", limit="1")["illustrative"] is False


def test_limit_is_a_hundred_at_most_ten_thousand_and_never_an_error_above(
    client: FlaskClient,
) -> None:
    """[20, 21, 22]."""
    assert len(ids(read(client, STATIONS))) == 100
    assert len(ids(read(client, STATIONS, limit="99999999999999999999999"))) == 120
    for wrong in ("0", "-1", "1.5", "x"):
        assert client.get(STATIONS, query_string={"limit": wrong}).status_code == 400


def test_next_and_prev_lead_through_every_feature_once(client: FlaskClient) -> None:
    seen: list[str] = []
    address = f"{STATIONS}?limit=17&sortby=-capacity,name"
    while True:
        page = read(client, address)
        seen += ids(page)
        if "next" not in links(page):
            break
        address = links(page)["next"]["href"]
    everything = ids(read(client, STATIONS, limit="200", sortby="-capacity,name"))
    assert seen == everything
    assert len(set(seen)) == 120
    back = read(client, links(page)["prev"]["href"])
    assert ids(back) == everything[-17 - len(ids(page)) : -len(ids(page))]
    assert client.get(links(page)["prev"]["href"]).headers["Content-Crs"] == f"<{CRS84}>"


def test_a_page_stays_in_step_while_a_station_goes(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    first = read(client, STATIONS, limit="10")
    row = store.read("stations", where={"id": ids(first)[0]})
    store.apply(Change("stations", row.assign(status="closed")), actor="test")
    second = read(client, links(first)["next"]["href"])
    assert second["numberMatched"] == 119
    assert not set(ids(first)) & set(ids(second))
    together = ids(read(client, STATIONS, limit="200"))
    assert ids(first)[1:] + ids(second) == together[:19]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("crs", "decimals", "expected"),
    [
        (CRS84, 7, lambda lon, lat: (lon, lat)),
        (EPSG4326, 7, lambda lon, lat: (lat, lon)),
        (EPSG4490, 7, lambda lon, lat: (lat, lon)),
        (EPSG3857, 3, None),
    ],
)
def test_crs_changes_the_axes_and_is_said_in_a_header(
    client: FlaskClient,
    crs: str,
    decimals: int,
    expected: Callable[[float, float], tuple[float, float]] | None,
) -> None:
    """Part 2 [6, 10, 11, 16]."""
    for address in (f"{STATIONS}/BJ-R-045", STATIONS):
        plain = client.get(address, query_string={"id": "BJ-R-045"} if address == STATIONS else {})
        other = client.get(address, query_string={**plain.request.args, "crs": crs})
        assert other.headers["Content-Crs"] == f"<{crs}>"
        lon, lat = point(plain.get_json())
        x, y = point(other.get_json())
        if expected is not None:
            assert (x, y) == expected(lon, lat)
        else:
            metres = gpd.GeoSeries.from_xy([lon], [lat], crs=4326).to_crs(3857)
            assert (x, y) == pytest.approx((metres.x[0], metres.y[0]), abs=0.01)
        assert (x, y) == (round(x, decimals), round(y, decimals))


def point(document: dict[str, object]) -> tuple[float, float]:
    feature = document["features"][0] if "features" in document else document  # type: ignore[index]
    x, y = feature["geometry"]["coordinates"]  # type: ignore[index]
    return x, y


def test_a_box_and_a_filter_are_read_in_their_own_systems(client: FlaskClient) -> None:
    """Part 2 [8]; Part 3 [16]: the same box in four systems finds the same stations."""
    box = gpd.GeoSeries.from_wkt(
        ["POLYGON((107.1 34.3,107.2 34.3,107.2 34.4,107.1 34.3))"], crs=4326
    )
    west, south, east, north = box.to_crs(3857).total_bounds
    boxes = {
        CRS84: "107.1,34.3,107.2,34.4",
        EPSG4326: "34.3,107.1,34.4,107.2",
        EPSG4490: "34.3,107.1,34.4,107.2",
        EPSG3857: f"{west},{south},{east},{north}",
    }
    wanted = ids(read(client, STATIONS, bbox=boxes[CRS84]))
    assert 0 < len(wanted) < 120
    for crs, corners in boxes.items():
        assert ids(read(client, STATIONS, bbox=corners, **{"bbox-crs": crs})) == wanted
        condition = f"S_INTERSECTS(geometry, BBOX({corners}))"
        assert ids(read(client, STATIONS, filter=condition, **{"filter-crs": crs})) == wanted
    polygon = (
        "S_WITHIN(geometry, POLYGON((34.3 107.1,34.4 107.1,34.4 107.2,34.3 107.2,34.3 107.1)))"
    )
    assert ids(read(client, STATIONS, filter=polygon, **{"filter-crs": EPSG4326})) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("bbox=1,2,3", "must be west,south,east,north"),
        ("bbox=107,35,108,34", "must be west,south,east,north"),
        ("bbox-crs=EPSG:4326", "is not offered"),
        ("crs=http://www.opengis.net/def/crs/EPSG/0/32649", "is not offered"),
        ("filter-crs=x", "is not offered"),
        ("datetime=yesterday", "is not a moment"),
        ("filter=name", "no condition"),
        ("filter=phone_number = 'x'", "is no property"),
        ("filter-lang=cql2-json", "must be one of cql2-text"),
        ("sortby=nobody", "sort by id, name"),
        ("properties=name,nobody", "is not a property"),
        ("kind=pub", "must be one of"),
        ("services=pub", "must be one of"),
        ("capacity=many", "capacity='many' is not a number"),
        ("last_verified=soon", "is not a date"),
        ("page=xyz", "links of the first page"),
        ("source_datum=wgs84", "is not a parameter"),
    ],
)
def test_a_wrong_value_is_a_400_with_a_sentence(
    client: FlaskClient, query: str, reason: str
) -> None:
    """[7, 24, 26]; Part 2 [7, 9]; Part 3 [2, 14]."""
    answer = client.get(f"{STATIONS}?{query}")
    assert answer.status_code == 400
    assert reason in answer.get_json()["description"]
    page = client.get(f"{STATIONS}?{query}", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (400, "text/html")


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        *("/ogc/nope", "/ogc/collections/nope", "/ogc/collections/nope/items", STATIONS + "/nope"),
        *("/ogc/collections/candidates", "/ogc/collections/locator_audit/items", "/ogcx"),
    ],
)
def test_what_there_is_not_is_a_404(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 404


def test_properties_select_and_parameters_filter(client: FlaskClient) -> None:
    """Part 3 [8]: queryables are parameters; a set must hold all that are named."""
    document = read(client, STATIONS, kind="swap_cabinet", properties="name,platforms")
    assert document["numberMatched"] == 3
    for feature in document["features"]:  # type: ignore[attr-defined]
        assert set(feature["properties"]) == {"name", "platforms"}
        assert feature["properties"]["platforms"] == ["meituan"]
    both = read(client, STATIONS, services="hot_water,microwave", limit="200")
    for feature in both["features"]:  # type: ignore[attr-defined]
        assert {"hot_water", "microwave"} <= set(feature["properties"]["services"])
    condition = "A_CONTAINS(services, ('hot_water','microwave'))"
    assert ids(both) == ids(read(client, STATIONS, filter=condition, limit="200"))


def test_queryables_are_a_schema_that_every_feature_keeps(client: FlaskClient) -> None:
    """Part 3 [4, 6]; enums, dates and arrays are as the schema says."""
    for collection in COLLECTIONS:
        schema = read(client, f"/ogc/collections/{collection.id}/queryables")
        assert "2020-12" in str(schema["$schema"])
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert properties.pop("geometry")["format"].startswith("geometry-")
        validator = jsonschema_rs.validator_for(schema)
        features = read(client, f"/ogc/collections/{collection.id}/items", limit="500")["features"]
        for feature in features:  # type: ignore[attr-defined]
            own = feature["properties"] | {"id": feature["id"]}
            validator.validate({name: value for name, value in own.items() if value is not None})


def test_the_definition_is_openapi_3_and_names_every_parameter(client: FlaskClient) -> None:
    """[3, 4] of the class oas30; what it names is taken, what it does not is refused."""
    document = read(client, "/ogc/api")
    assert str(document["openapi"]).startswith("3.0")
    assert document["servers"][0]["url"] == "http://localhost/ogc"  # type: ignore[index]
    operation = document["paths"]["/collections/stations/items"]["get"]  # type: ignore[index]
    named = {parameter["name"] for parameter in operation["parameters"]}
    assert {"limit", "bbox", "datetime", "crs", "filter", "page", "kind", "services"} <= named
    for path in document["paths"].values():  # type: ignore[attr-defined]
        for parameter in path["get"]["parameters"]:
            style = {"query": "form", "path": "simple"}[parameter["in"]]
            assert (parameter["style"], parameter["explode"]) == (style, False)
    told = client.get(f"{STATIONS}?nobody=1").get_json()["description"]
    assert all(name in told for name in named)


def test_nothing_internal_is_published(client: FlaskClient, store: GeoPackageStore) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(source_datum="gcj02")), actor="Zhang San")
    for path, _ in PATHS:
        text = client.get(
            path, query_string={"limit": "500"} if path.endswith("items") else {}
        ).text
        for word in ("Zhang San", "gcj02", "source_datum", "locator_audit"):
            assert word not in text


def test_stations_closed_for_good_are_not_in_it(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(status="temporarily_closed")), actor="test")
    assert client.get(f"{STATIONS}/BJ-R-045").get_json()["properties"]["status"] != "active"
    store.apply(Change("stations", row.assign(status="closed")), actor="test")
    assert client.get(f"{STATIONS}/BJ-R-045").status_code == 404
    assert read(client, STATIONS)["numberMatched"] == 119


def test_district_lines_wait_for_the_approval_number(settings: Settings) -> None:
    public = {"Host": "stations.example.cn"}
    hosts = "stations.example.cn"
    with application(settings, hosts=hosts) as client:
        for path in ("", "/items", "/items/610302", "/queryables"):
            answer = client.get(f"/ogc/collections/districts{path}", headers=public)
            assert answer.status_code == 404
            assert "审图号" in answer.get_json()["description"]
        listed = client.get("/ogc/collections", headers=public).get_json()["collections"]
        assert "districts" not in {collection["id"] for collection in listed}
        assert "districts" not in client.get("/ogc/api", headers=public).text
    with application(settings) as client:
        assert client.get("/ogc/collections/districts/items").status_code == 200
    with application(settings, hosts=hosts, map_approval="GS(2026)0000号") as client:
        answer = client.get("/ogc/collections/districts/items", headers=public)
        assert answer.status_code == 200


def test_a_changed_register_changes_the_tag_and_the_features(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    before = client.get(f"{STATIONS}/BJ-R-045")
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(name="换了名字")), actor="test")
    after = client.get(f"{STATIONS}/BJ-R-045", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.get_json()["properties"]["name"] == "换了名字"


def test_strange_ids_and_names_have_addresses_and_stay_text(
    cli: Callable[..., Result], client: FlaskClient, tmp_path: Path
) -> None:
    path = tmp_path / "x.geojson"
    strange = "node/1?#<b>&%20'\""
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [107.1489, 34.3692]},
        "properties": {"id": strange, "name": HOSTILE, "kind": "rest_post", "access": HOSTILE},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    assert cli("stations", "import", path).exit_code == 0
    page = client.get(STATIONS, query_string={"f": "html", "filter": "name LIKE '%alert%'"}).text
    assert "<img" not in page
    assert "49</script>" not in page
    (way,) = re.findall(f'href="({STATIONS}/[^"]+)"', page)
    assert (
        "49" not in client.get(html.unescape(way)).text.partition("<h1>")[2].partition("</h1>")[0]
    )
    address = f"{STATIONS}/{quote(strange)}"
    one = client.get(address)
    assert one.get_json()["id"] == strange
    assert one.get_json()["properties"]["name"] == HOSTILE
    own = links(one.get_json())["self"]["href"]
    assert client.get(own).get_json()["id"] == strange
    shown = client.get(address, query_string={"f": "html"}).text
    assert "<img" not in shown
    assert "{{7*7}}" in shown
    missing = client.get(f"{STATIONS}/{quote(HOSTILE)}", headers={"Accept": "text/html"})
    assert (missing.status_code, "<img" in missing.text) == (404, False)


def test_pages_link_to_this_site_only(client: FlaskClient) -> None:
    for path, _ in PATHS:
        page = client.get(path, query_string={"f": "html"}).text
        for attribute in ('src="http', "src='http", "@import", "url(http"):
            assert attribute not in page


def test_pages_speak_both_languages(client: FlaskClient) -> None:
    chinese = client.get("/ogc?f=html&lang=zh").text
    english = client.get("/ogc?f=html&lang=en").text
    assert "数据集" in chinese
    assert "Collections" in english
    assert "数据集" not in english


def test_forwarded_headers_count_only_where_a_proxy_is_set(settings: Settings) -> None:
    forwarded = {
        "X-Forwarded-Host": "stations.example.cn",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/baoji",
    }
    with application(settings, hosts="localhost") as client:
        own = links(client.get("/ogc", headers=forwarded).get_json())["self"]["href"]
        assert own == "http://localhost/ogc?f=json"
    with application(settings, proxies=1, hosts="stations.example.cn") as client:
        page = client.get(f"{STATIONS}?limit=5", headers=forwarded).get_json()
        for link in page["links"]:
            assert link["href"].startswith("https://stations.example.cn/baoji/ogc/")
        assert client.get("/ogc/collections/districts", headers=forwarded).status_code == 404


def many_stations(count: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(20261123)
    points = gpd.points_from_xy(rng.uniform(105, 109, count), rng.uniform(33, 36, count), crs=4326)
    data = {"id": [f"M{n:05d}" for n in range(count)], "name": "站", "kind": "rest_post"}
    return gpd.GeoDataFrame(data, geometry=points)


@pytest.mark.slow
def test_a_large_page_is_streamed_whole_and_packed(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    store.apply(Change("stations", many_stations(2_600), absent="remove"), actor="test")
    answer = client.get(STATIONS, query_string={"limit": "10000"}, buffered=False)
    assert answer.is_streamed
    assert "Content-Length" not in answer.headers
    pieces = list(answer.iter_encoded())
    assert len(pieces) > 4
    assert b'"numberReturned":2600' in pieces[0]
    document = json.loads(b"".join(pieces))
    assert len(document["features"]) == 2_600
    packed = client.get(
        STATIONS, query_string={"limit": "10000"}, headers={"Accept-Encoding": "gzip"}
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.data))["features"] == document["features"]


def test_an_empty_register_is_an_empty_collection(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    everything = store.read("stations")
    store.apply(
        Change("stations", everything.iloc[:0], removals=list(everything["id"])), actor="test"
    )
    document = read(
        client, STATIONS, filter="name = 'x' AND updated_at > '2026-01-01'", sortby="name"
    )
    assert (document["numberMatched"], ids(document)) == (0, [])
    assert "next" not in links(document)
    assert "spatial" not in read(client, "/ogc/collections/stations")["extent"]  # type: ignore[operator]
    assert client.get(STATIONS, query_string={"f": "html"}).status_code == 200


def test_a_store_that_fails_is_503(client: FlaskClient, settings: Settings) -> None:
    with sqlite3.connect(settings.store.removeprefix("geopackage:")) as connection:
        connection.execute("DROP TABLE locator_meta")
    connection.close()
    for accept in ("application/json", "text/html"):
        answer = client.get(STATIONS, headers={"Accept": accept})
        assert (answer.status_code, answer.get_json()["code"]) == (503, "503")


NAMES = [
    *("limit", "bbox", "bbox-crs", "datetime", "crs", "filter", "filter-crs", "sortby"),
    *("properties", "page", "kind", "capacity", "last_verified", "services", "f", "lang"),
]


@hypothesis_settings(
    deadline=None,
    max_examples=examples(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(st.text(max_size=30), st.floats().map(str), st.integers().map(str)),
        max_size=4,
    ),
    st.sampled_from([path for path, _ in PATHS]),
)
def test_no_query_ends_in_a_500(client: FlaskClient, query: dict[str, str], path: str) -> None:
    assert client.get(path, query_string=query).status_code in {200, 400}


def test_an_address_without_its_scheme_leads_nowhere_else(client: FlaskClient) -> None:
    for path in ("/ogc//evil.example", "/ogc/collections//evil.example/items"):
        answer = client.get(path)
        target = answer.headers.get("Location", "")
        assert urlsplit(target).netloc in {"", "localhost"}
