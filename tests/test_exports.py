"""The files of ``/exports`` as other programs read them, the server in a process of its own."""

import csv
import gzip
import io
import json
import shutil
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from locator.admission import Admission
from locator.cache import Cache
from locator.exports import FORMATS, CachedFile, cached_file, osm_tags
from locator.register import parse_table, read_table
from locator.schema import Amenity, Datum, Host, Kind
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from tests.conftest import Server, running_server
from tests.patience import patience

HOSTILE = "=cmd|'/c calc'!A1<script>alert(1)</script>{{7*7}}]]>&\""
PRIVATE = ("source_datum", "profile")
FILES = [f"{name}.{ending}" for name in ("stations", "hot_zones") for ending in FORMATS]


@pytest.fixture(scope="module")
def site(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server whose first station has a hostile name, for all tests here: they only read."""
    path = tmp_path_factory.mktemp("exports") / "store.gpkg"
    shutil.copy(loaded_store, path)
    settings = Settings(store=f"geopackage:{path}")
    with GeoPackageStore.open(path, clock=lambda: datetime.fromisoformat("2026-11-23T00:00Z")) as s:
        stations = s.read("stations", where={"id": "BJ-R-001"})
        stations["name"] = HOSTILE
        s.apply(Change("stations", stations), actor="test")
    with running_server(settings) as server:
        yield server


def fetch(server: Server, name: str, **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(f"{server.url}/exports/{name}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=patience(60)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def saved(server: Server, name: str, folder: Path) -> Path:
    """Return a file as a person saves it."""
    status, _, body = fetch(server, name)
    assert status == 200, body[:300]
    path = folder / name.partition("?")[0]
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "kml"])
@pytest.mark.parametrize("name", ["stations", "hot_zones"])
def test_gdal_reads_every_row_and_place(
    site: Server, store: GeoPackageStore, tmp_path: Path, name: str, ending: str
) -> None:
    read = pyogrio.read_dataframe(saved(site, f"{name}.{ending}", tmp_path))
    own = store.read(name)
    assert read.crs.to_epsg() == 4326
    names = read["Name" if ending == "kml" else "name"]
    assert len(read) == len(own)
    assert names.tolist() == own["name"].mask(own["id"] == "BJ-R-001", HOSTILE).tolist()
    assert read.geometry.normalize().geom_equals_exact(own.geometry.normalize(), 1e-7).all()
    assert set(read.geometry.geom_type) == set(own.geometry.geom_type)


def test_a_csv_opens_right_in_excel_and_runs_nothing(site: Server) -> None:
    _, headers, body = fetch(site, "stations.csv?labels=zh")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) == 120
    first = next(row for row in rows if row["编号"] == "BJ-R-001")
    assert first["名称"] == "'" + HOSTILE
    assert {row["类型"] for row in rows} == {kind.zh for kind in Kind}
    assert not any(cell[:1] in {"=", "+", "-", "@"} for row in rows for cell in row.values())


@pytest.mark.parametrize(("labels", "header"), [("zh", "名称"), ("en", "name")])
def test_a_workbook_holds_the_same_as_texts(
    site: Server, tmp_path: Path, labels: str, header: str
) -> None:
    book = openpyxl.load_workbook(saved(site, f"stations.xlsx?labels={labels}", tmp_path))
    header_row, *rows = book.worksheets[0].iter_rows()
    column = [cell.value for cell in header_row].index(header)
    names = {row[0].value: row[column] for row in rows}
    assert len(names) == 120
    assert (names["BJ-R-001"].value, names["BJ-R-001"].data_type) == (HOSTILE, "s")
    assert names["BJ-R-001"].number_format == "@"  # what is typed over it stays as it is typed


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_table_of_areas_gives_a_point_inside_each(
    site: Server, store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    path = saved(site, f"hot_zones.{ending}", tmp_path)
    if ending == "csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    else:
        header, *cells = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
        rows = [dict(zip(header, own, strict=True)) for own in cells]
    points = gpd.points_from_xy([float(r["lon"]) for r in rows], [float(r["lat"]) for r in rows])
    assert store.read("hot_zones").geometry.contains(gpd.GeoSeries(points, crs=4326)).all()


def test_nothing_private_is_in_any_file(site: Server, tmp_path: Path) -> None:
    for name in FILES:
        body = saved(site, name, tmp_path).read_bytes()
        for private in PRIVATE:
            assert private.encode() not in body, name
    for ending in ("geojson", "gpkg"):
        layers = pyogrio.list_layers(tmp_path / f"stations.{ending}")
        assert layers[:, 0].tolist() == ["stations"]


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_fetched_can_be_imported_again(
    site: Server, store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    again = parse_table(read_table(saved(site, f"stations.{ending}", tmp_path)), datum=Datum.WGS84)
    assert not again.rejected
    own, read = store.read("stations"), again.stations.set_index("id")
    own = own[own["id"] != "BJ-R-001"]
    read = read.loc[own["id"]]
    for column in ("name", "kind", "services", "opening_hours", "capacity", "provenance"):
        assert read[column].fillna(0).tolist() == own[column].fillna(0).tolist(), column


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_its_name_date_mark_and_length(site: Server, name: str) -> None:
    status, headers, body = fetch(site, name)
    assert status == 200
    stem, ending = name.split(".")
    today = datetime.now().astimezone().date()
    named = headers["Content-Disposition"]
    assert named.startswith(f'attachment; filename="{stem.replace("_", "-")}-')
    day = datetime.fromisoformat(named[-12 - len(ending) : -2 - len(ending)]).date()
    assert abs((day - today).days) <= 1  # the server counts days in the stations' time zone
    assert headers["ETag"].startswith('W/"')
    assert parsedate_to_datetime(headers["Last-Modified"]).year >= 2026
    assert int(headers["Content-Length"]) == len(body)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("name", FILES)
def test_who_has_a_file_already_is_not_sent_it_again(site: Server, name: str) -> None:
    _, headers, _ = fetch(site, name)
    for condition in (
        {"If-None-Match": headers["ETag"]},
        {"If-Modified-Since": headers["Last-Modified"]},
    ):
        status, _, body = fetch(site, name, **condition)
        assert (status, body) == (304, b"")


def test_head_says_the_same_and_sends_nothing(client: FlaskClient) -> None:
    got, head = client.get("/exports/stations.gpkg"), client.head("/exports/stations.gpkg")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Content-Disposition", "Last-Modified"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("ending", FORMATS)
def test_texts_are_packed_for_who_takes_it(site: Server, ending: str) -> None:
    _, plain, body = fetch(site, f"stations.{ending}")
    _, headers, packed = fetch(site, f"stations.{ending}", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain
    if ending in {"xlsx", "gpkg"}:  # packed already, or of little use
        assert packed == body
        return
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == body
    assert "Accept-Encoding" in headers["Vary"]


def test_a_change_of_the_store_changes_the_files(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    before = client.get("/exports/stations.geojson")
    store.apply(
        Change("stations", store.read("stations").iloc[:0], removals=["BJ-R-001"]), actor="t"
    )
    after = client.get(
        "/exports/stations.geojson", headers={"If-None-Match": before.headers["ETag"]}
    )
    assert after.status_code == 200
    assert (len(before.json["features"]), len(after.json["features"])) == (120, 119)


def test_closed_for_good_is_in_no_file(client: FlaskClient, store: GeoPackageStore) -> None:
    stations = store.read("stations", where={"id": "BJ-S-01"})
    store.apply(Change("stations", stations.assign(status="closed")), actor="test")
    for path in ("stations.csv", "stations.kml", "gbfs/station_information.json"):
        assert "BJ-S-01" not in client.get(f"/exports/{path}").text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("stations.shp", 404, "geojson, csv"),
        ("districts.geojson", 404, "stations, hot_zones"),
        ("candidates.csv", 404, "stations, hot_zones"),
        ("stations.csv?format=x", 400, "labels"),
        ("stations.csv?labels=fr", 400, "must be one of zh, en"),
        ("stations.csv?labels=zh&labels=en", 400, "is given 2 times"),
        ("stations.geojson?labels=zh", 400, "codes"),
        ("gbfs/vehicle_status.json", 404, "station_status"),
        ("gbfs/gbfs.json?x=1", 400, "none"),
        ("stations-osm.geojson?x=1", 400, "none"),
        ("?x=1", 400, "lang"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    client: FlaskClient, path: str, status: int, reason: str
) -> None:
    answer = client.get(f"/exports/{path}" if not path.startswith("?") else f"/exports{path}")
    assert answer.status_code == status
    assert reason in answer.text.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["WGS-84", "数据日期", "许可", "示例数据"]),
        ("en", ["WGS-84", "Licence", "llustrative"]),
    ],
)
def test_the_page_lists_every_file_with_its_size(
    client: FlaskClient, lang: str, words: list[str]
) -> None:
    page = client.get(f"/exports?lang={lang}").text
    for name in FILES:
        assert f">{name}</a>" in page
    assert page.count(" kB") >= len(FILES)
    for word in words:
        assert word in page
    for address in ("/exports/gbfs/gbfs.json", "/exports/stations-osm.geojson", "/ogc?f=html"):
        assert address in page


@pytest.mark.slow
def test_a_licence_is_said_where_the_keeper_states_one(settings: Settings) -> None:
    with running_server(settings, LOCATOR_DATA_LICENCE="CC-BY-4.0") as server:
        assert json.loads(fetch(server, "stations.geojson")[2])["license"] == "CC-BY-4.0"
        with urllib.request.urlopen(f"{server.url}/exports", timeout=patience(30)) as page:
            assert b"CC-BY-4.0" in page.read()


def file_cache(limit_bytes: int, admission: Admission | None = None) -> Cache[CachedFile]:
    turn = None if admission is None else admission.turn
    return Cache(limit_bytes, lambda file: file.size_bytes, turn=turn)


def test_kept_files_stay_within_their_bytes_and_are_made_once() -> None:
    """Three files of 40 bytes and room for 100: the one unused for the longest time goes."""
    kept, made = file_cache(100), []

    def write(path: Path) -> None:
        made.append(path.suffix)
        path.write_bytes(b"x" * 40)

    for name in ("a.csv", "b.kml", "a.csv", "c.gpkg", "a.csv", "b.kml"):
        file = kept.get(name, partial(cached_file, name, write), version="1")
        assert b"".join(file.pieces()) == b"x" * 40
    assert made == [".csv", ".kml", ".gpkg", ".kml"]
    kept.get("a.csv", lambda: cached_file("a.csv", write), version="2")
    assert made[4:] == [".csv"]


def test_a_file_that_is_let_go_is_read_to_its_end() -> None:
    kept = file_cache(1)

    def file(content: bytes) -> CachedFile:
        return cached_file("a.csv", lambda path: path.write_bytes(content) and None)

    pieces = kept.get("a.csv", lambda: file(b"y" * 300_000), version="1").pieces()
    first = next(pieces)
    kept.get("b.csv", lambda: file(b"z"), version="2")
    assert "a.csv" not in kept
    assert first + b"".join(pieces) == b"y" * 300_000


def test_a_full_disk_is_the_servers_trouble_and_names_no_place(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    for name in FILES:
        answer = client.get(f"/exports/{name}")
        assert answer.status_code == 503
        assert str(tmp_path) not in answer.text
    monkeypatch.undo()
    assert client.get("/exports/stations.csv").status_code == 200


def test_many_who_ask_at_once_wait_for_one_writer() -> None:
    kept, made, found = file_cache(1000, Admission(threads=16)), [], []
    begin = threading.Barrier(8)

    def write(path: Path) -> None:
        made.append(path.write_bytes(b"x" * 9))

    def ask() -> None:
        begin.wait()
        file = kept.get("a.csv", lambda: cached_file("a.csv", write))
        found.append(b"".join(file.pieces()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [9]
    assert found == [b"x" * 9] * 8


def test_osm_tags_by_hand() -> None:
    """A post in a community centre with water and Wi-Fi; what has no agreed tag is left out."""
    row = {
        "name": "经二路驿站",
        "kind": Kind.REST_POST.value,
        "host": Host.COMMUNITY_CENTRE.value,
        "services": "drinking_water;microwave;wifi",
        "opening_hours": "Mo-Fr 09:00-18:00",
        "phone": None,
        "last_verified": "2026-11-01",
        "capacity": 12,
    }
    assert osm_tags(row) == {
        "name": "经二路驿站",
        "opening_hours": "Mo-Fr 09:00-18:00",
        "check_date": "2026-11-01",
        "amenity": "community_centre",
        "drinking_water": "yes",
        "internet_access": "wlan",
    }


@given(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=300),
            "kind": st.sampled_from([*(k.value for k in Kind), None]),
            "host": st.sampled_from([*(h.value for h in Host), None]),
            "services": st.sets(st.sampled_from([s.value for s in Amenity])).map(";".join),
        }
    )
)
def test_osm_tags_are_short_texts_with_a_main_tag_or_a_word_to_the_mapper(
    row: dict[str, object],
) -> None:
    tags = osm_tags(row)
    assert all(value and len(value) <= 255 for value in tags.values())
    assert ("amenity" in tags) != ("fixme" in tags)


def test_made_up_stations_have_no_osm_tags(client: FlaskClient, store: GeoPackageStore) -> None:
    path = "/exports/stations-osm.geojson"
    assert client.get(path).json["features"] == []
    stations = store.read("stations", where={"id": ["BJ-R-002", "BJ-R-003"]})
    store.apply(Change("stations", stations.assign(provenance="surveyed")), actor="test")
    features = client.get(path).json["features"]
    assert [own["properties"]["name"] for own in features] == stations["name"].tolist()
    assert np.allclose(
        [own["geometry"]["coordinates"] for own in features],
        np.column_stack([stations.geometry.x, stations.geometry.y]),
    )


def test_the_guide_to_osm_tags_has_every_kind_host_service_and_tag() -> None:
    from locator.exports import OSM_HOSTS, OSM_KINDS, OSM_SERVICES

    text = (Path(__file__).resolve().parents[1] / "docs" / "osm-tags.md").read_text("utf-8")
    for table, enum in ((OSM_KINDS, Kind), (OSM_HOSTS, Host), (OSM_SERVICES, Amenity)):
        for member in enum:
            (line,) = [own for own in text.splitlines() if own.startswith(f"| `{member.value}`")]
            for key, value in table.get(member, {}).items():  # type: ignore[call-overload]
                assert key == "fixme" or f"`{key}={value}`" in line
            if not table.get(member):  # type: ignore[call-overload]
                assert "none" in line


@pytest.mark.slow
def test_a_geopackage_is_whole(site: Server, tmp_path: Path) -> None:
    path = saved(site, "hot_zones.gpkg", tmp_path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM rtree_hot_zones_geom").fetchone() == (49,)
    connection.close()
