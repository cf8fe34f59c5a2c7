"""A finished study, published by the steward, and read by everybody through every door."""

import csv
import io
import json
import shutil
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pyogrio
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from owslib.ogcapi.features import Features

from locator.cli import main
from locator.published import read_published, unpack_gaps
from locator.service import open_service
from locator.settings import Settings
from locator.store import GeoPackageStore
from locator.study import gaps_inputs, parse_standards, run_gaps
from locator.study.measure import Question
from tests.conftest import fixed_clock, running_server
from tests.patience import patience

GAPS = "/ogc/collections/gaps"
HOSTILE = "=1+1<img src=x onerror=alert(1)>{{7*7}}]]>"


@pytest.fixture(scope="module")
def studies(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of studies, ``five`` and ``ten`` minutes, to be copied and not changed."""
    folder = tmp_path_factory.mktemp("studies")
    shutil.copy(loaded_store, folder / "store.gpkg")
    settings = Settings(store=f"geopackage:{folder / 'store.gpkg'}", basemap="none")
    with open_service(settings, clock=fixed_clock) as service:
        for name, minutes in (("five", "5"), ("ten", "10")):
            question = Question(standards=parse_standards(minutes=minutes, metres=None))
            run_gaps(service, gaps_inputs(service), question, out=folder / name)
    return folder


@pytest.fixture
def study(studies: Path, tmp_path: Path) -> Path:
    """Return a study's folder of this test's own."""
    return Path(shutil.copytree(studies / "five", tmp_path / "five"))


@pytest.fixture
def run(cli: Callable[..., Result]) -> Iterator[Callable[..., list[str]]]:
    """Return a function that runs the command and returns its lines."""

    def lines(*words: object) -> list[str]:
        result = cli("publish", *words)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    return lines


def areas_of(folder: Path) -> list[float]:
    frame = pyogrio.read_dataframe(folder / "gaps.gpkg", layer="gap_areas")
    return [float(x) for x in frame.sort_values("rank")["unserved_demand_per_h"]]


def shown(client: FlaskClient) -> list[float]:
    features = client.get(f"{GAPS}/items?limit=1000&sortby=rank").json["features"]
    return [own["properties"]["unserved_demand_per_h"] for own in features]


def test_before_anything_is_published_the_collection_is_empty_and_says_so(
    client: FlaskClient,
) -> None:
    """A saved QGIS project keeps its layer, so the collection is there; its properties as well."""
    document = client.get(GAPS).json
    assert "目前没有发布的研究" in document["description"]
    assert "published" not in document
    assert "spatial" not in document["extent"]
    assert shown(client) == []
    assert "rank" in client.get(f"{GAPS}/queryables").json["properties"]
    text = client.get("/exports/gaps.csv").get_data().decode("utf-8-sig")
    assert len(text.splitlines()) == 1


@pytest.mark.slow
def test_a_published_study_is_shown_with_its_figures_and_how_they_came_about(
    client: FlaskClient, run: Callable[..., list[str]], study: Path
) -> None:
    run(study)
    summary = json.loads((study / "summary.json").read_text("utf-8"))
    assert shown(client) == areas_of(study)
    document = client.get(GAPS, headers={"Accept-Language": "en"}).json
    published = document["published"]
    for name in ("data_hash", "data_version", "travel", "hours", "program", "stations_counted"):
        assert published[name] == summary[name]
    assert published["studied_at"] == summary["made_at"]
    assert published["covered_share"] == summary["results"][0]["covered_share"]
    assert published["settings"]["ride_speed_kmh"] == 18.0
    assert "standard 5 min" in document["description"]
    assert document["illustrative"] is True
    chinese = client.get(GAPS).json["description"]
    assert "标准 5 分钟" in chinese
    assert "straight" not in chinese


def test_nothing_of_where_the_study_lies_is_published(
    client: FlaskClient, run: Callable[..., list[str]], study: Path, store: GeoPackageStore
) -> None:
    run(study)
    (facts,) = store.list_documents("gaps")
    kept = store.read_document(facts.digest)
    assert kept is not None
    for text in (kept.body.decode(), client.get(GAPS).text, client.get(f"{GAPS}/items").text):
        assert str(study.parent) not in text
        assert "geopackage:" not in text
        assert "basemap" not in text


@pytest.mark.slow
def test_gdal_owslib_and_the_files_agree(
    settings: Settings, run: Callable[..., list[str]], study: Path, tmp_path: Path
) -> None:
    run(study)
    own = pyogrio.read_dataframe(study / "gaps.gpkg", layer="gap_areas").sort_values("rank")
    with running_server(settings) as server:
        read = pyogrio.read_dataframe(f"OAPIF:{server.url}/ogc", layer="gaps")
        some = pyogrio.read_dataframe(f"OAPIF:{server.url}/ogc", layer="gaps", where="rank <= 3")
        page = Features(f"{server.url}/ogc/").collection_items("gaps", limit=2)
        files = {}
        for ending in ("geojson", "gpkg", "kml", "csv", "xlsx"):
            with urllib.request.urlopen(
                f"{server.url}/exports/gaps.{ending}", timeout=patience(60)
            ) as answer:
                (tmp_path / f"g.{ending}").write_bytes(answer.read())
            files[ending] = tmp_path / f"g.{ending}"
    assert read["rank"].tolist() == own["rank"].tolist()
    assert some["rank"].tolist() == [1, 2, 3]
    assert (page["numberMatched"], page["numberReturned"]) == (len(own), 2)
    hectares = own.to_crs(32648).area
    for ending in ("geojson", "gpkg", "kml"):
        frame = pyogrio.read_dataframe(files[ending])
        assert abs(frame.to_crs(32648).area.sum() / hectares.sum() - 1) < 1e-6, ending
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text("utf-8-sig"))))
    sheet = openpyxl.load_workbook(files["xlsx"]).worksheets[0]
    assert [row["id"] for row in rows] == [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert [float(r["unserved_demand_per_h"]) for r in rows] == pytest.approx(areas_of(study))


@pytest.mark.slow
def test_the_last_publication_counts_and_withdrawing_gives_the_one_before(
    client: FlaskClient, run: Callable[..., list[str]], studies: Path, store: GeoPackageStore
) -> None:
    run(studies / "five")
    before = client.get(f"{GAPS}/items")
    run(studies / "ten")
    after = client.get(f"{GAPS}/items", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert shown(client) == areas_of(studies / "ten")
    lines = run("--list")
    assert lines[0].startswith("shown")
    assert "10 min" in lines[0]
    assert "5 min" in lines[1]
    run(studies / "five")  # published before: it is the last one again
    assert shown(client) == areas_of(studies / "five")
    digest = store.list_documents("gaps")[0].digest
    assert "Withdrawn" in run("--withdraw", digest[:8])[0]
    assert shown(client) == areas_of(studies / "ten")
    run("--withdraw", store.list_documents("gaps")[0].digest)
    assert shown(client) == []
    assert run("--list") == ["Nothing is published."]


def test_the_same_study_again_is_the_same_publication(
    run: Callable[..., list[str]], study: Path, store: GeoPackageStore
) -> None:
    first = json.loads("".join(run(study, "--json")))
    again = json.loads("".join(run(study, "--json")))
    assert first == again
    assert [own["standard"] for own in again] == ["5 min"]
    kinds = [row.action for row in store.audit(layer="kept")]
    assert kinds == ["insert"]


def test_hostile_text_of_a_study_stays_text(
    client: FlaskClient, run: Callable[..., list[str]], study: Path
) -> None:
    with sqlite3.connect(study / "gaps.gpkg") as connection:
        for name, text in connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'gap_areas'"
        ).fetchall():
            assert text
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE gap_areas SET zone_names = ?", [HOSTILE])
    connection.close()
    run(study)
    for path in (f"{GAPS}/items?f=html", f"{GAPS}?f=html", "/exports"):
        assert "<img src=x" not in client.get(path).text
    body = client.get("/exports/gaps.csv").get_data().decode("utf-8-sig")
    assert all(row["name"] == f"'{HOSTILE}" for row in csv.DictReader(io.StringIO(body)))
    assert HOSTILE in json.dumps(client.get(f"{GAPS}/items").json, ensure_ascii=False)


def no_summary(folder: Path) -> None:
    (folder / "summary.json").unlink()


def a_scenario(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    summary["scenario"] = {"name": "more", "close": ["BJ-R-001"]}
    (folder / "summary.json").write_text(json.dumps(summary), "utf-8")


def points_for_areas(folder: Path) -> None:
    frame = pyogrio.read_dataframe(folder / "gaps.gpkg", layer="gap_areas")
    frame["geometry"] = frame.geometry.representative_point()
    pyogrio.write_dataframe(frame, folder / "gaps.gpkg", layer="gap_areas")


def words_for_ranks(folder: Path) -> None:
    frame = pyogrio.read_dataframe(folder / "gaps.gpkg", layer="gap_areas")
    frame["unserved_demand_per_h"] = "many"
    pyogrio.write_dataframe(frame, folder / "gaps.gpkg", layer="gap_areas")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (no_summary, "no summary.json"),
        (a_scenario, "study of a scenario"),
        (points_for_areas, "no polygon"),
        (words_for_ranks, "changed by hand"),
    ],
)
def test_what_is_no_finished_study_is_refused_in_one_sentence(
    cli: Callable[..., Result],
    study: Path,
    store: GeoPackageStore,
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    spoil(study)
    result = cli("publish", study)
    assert result.exit_code == 2
    assert reason in result.output
    assert result.output.count("\n") == 1
    assert store.list_documents() == ()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "Give one of"),
        (("--list", "--withdraw", "12345678"), "Give one of"),
        (("--withdraw", "12345678"), "names 0 publication"),
        (("--withdraw", "1"), "8 or more"),
        (("--withdraw", ""), "8 or more"),
    ],
)
def test_wrong_words_are_refused_in_one_sentence(
    cli: Callable[..., Result], words: tuple[str, ...], reason: str
) -> None:
    result = cli("publish", *words)
    assert result.exit_code == 2
    assert reason in result.output


def test_a_damaged_publication_hides_no_station(
    client: FlaskClient,
    run: Callable[..., list[str]],
    study: Path,
    store: GeoPackageStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(study)
    with sqlite3.connect(store.path) as connection:
        connection.execute("DROP TRIGGER locator_kept_update")
        connection.execute("UPDATE locator_kept SET body = x'00'")
    connection.close()
    store.apply(actor="test")
    assert shown(client) == []
    assert client.get("/stations.json").status_code == 200
    assert "was damaged in the store" in caplog.text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 1, "about": {}}']
)
def test_what_is_no_publication_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        unpack_gaps(body)


def test_what_is_kept_for_other_purposes_is_no_publication(store: GeoPackageStore) -> None:
    store.keep_document("embed", "a map", "{}", b"x", made_at=fixed_clock())
    assert read_published(store) is None
    assert main.commands["publish"].help
