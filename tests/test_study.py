"""A planner's run: the folder, its files, its honesty, and what happens when it cannot be."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import Result

from locator.coverage import apply_scenario
from locator.datum import GEOD
from locator.errors import InputError, StudyError
from locator.nearest import StationFilter
from locator.report.folder import Summary
from locator.report.sentences import translate
from locator.schema import CRS, Amenity
from locator.service import Service
from locator.showing import write_map
from locator.store import Change
from locator.study import (
    Question,
    Standard,
    gaps_inputs,
    parse_scenario,
    parse_standards,
    run_gaps,
)
from locator.study.gaps import districts_away, place_warnings, scenario_warnings
from locator.study.manifest import store_kind
from tests.conftest import local

FILES = {"gaps.gpkg", "gaps.geojson", "summary.csv", "summary.json", "tables.json"}
FILES |= {"map.html", "map.png", "report.html", "report.docx", "tables.xlsx", "figures"}
TWO = (Standard(5, "min"), Standard(10, "min"))


def run(service: Service, out: Path, **options: object) -> Summary:
    options.setdefault("standards", TWO)
    report: Any = options.pop("report", None)
    question = Question(**options)  # type: ignore[arg-type]
    return run_gaps(service, gaps_inputs(service), question, out=out, report=report)


def test_a_run_writes_every_file_and_they_agree(service: Service, tmp_path: Path) -> None:
    out = tmp_path / "gaps"
    summary = run(service, out, report="zh")
    assert {path.name for path in out.iterdir()} == FILES
    assert json.loads((out / "summary.json").read_text("utf-8")) == summary
    five, ten = summary["results"]
    assert five["covered_share"] is not None
    assert ten["covered_share"] is not None
    assert 0 < five["covered_share"] < ten["covered_share"] < 1
    for result, slug in ((five, "5min"), (ten, "10min")):
        layer = gpd.read_file(out / "gaps.gpkg", layer=f"gaps_{slug}")
        assert layer.crs.to_epsg() == 4326
        assert len(layer) == result["gaps"]
        assert layer["unserved_demand_per_h"].sum() == pytest.approx(
            result["unserved_demand_per_h"], rel=1e-4
        )
        pieces = gpd.read_file(out / "gaps.gpkg", layer=f"coverage_{slug}")
        assert pieces["demand_per_h"].sum() == pytest.approx(result["demand_per_h"])
        assert result["covered_area_m2"] == pytest.approx(result["covered_area_exact_m2"], rel=1e-4)
    assert len(gpd.read_file(out / "gaps.geojson")) == five["gaps"] + ten["gaps"]
    with (out / "summary.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    total = next(r for r in rows if r["standard"] == "5 min" and r["level"] == "total")
    districts = [r for r in rows if r["standard"] == "5 min" and r["level"] == "district"]
    assert float(total["demand_per_h"]) == pytest.approx(
        sum(float(r["demand_per_h"]) for r in districts), rel=1e-4
    )
    assert sum(r["level"] == "zone" and r["standard"] == "5 min" for r in rows) == 49


@pytest.mark.slow
def test_the_run_says_what_it_rests_on(service: Service, tmp_path: Path) -> None:
    summary = run(service, tmp_path / "a", report="zh")
    assert summary["illustrative"]
    assert "not considered" in summary["hours"]
    assert summary["travel"].startswith("estimate")
    assert summary["made_at"] == "2026-11-23T12:00:00+08:00"
    assert len(summary["data_hash"]) == 16
    assert summary["settings"]["ride_speed_kmh"] == 18.0
    assert "basemap_key" not in summary["settings"]
    page = (tmp_path / "a" / "map.html").read_text("utf-8")
    assert "示例数据" in page
    assert "2026-11-23" in page
    assert run(service, tmp_path / "b") == summary


@pytest.mark.slow
def test_at_a_moment_only_open_stations_and_that_hours_demand_count(
    service: Service, tmp_path: Path
) -> None:
    noon = run(service, tmp_path / "noon", at=local("2026-11-23T12:00"), standards=TWO[:1])
    night = run(service, tmp_path / "night", at=local("2026-11-24T03:00"), standards=TWO[:1])
    assert night["stations_counted"] < noon["stations_counted"] < 120
    assert noon["stations_hours_unknown"] == night["stations_hours_unknown"] == 10
    at_noon, at_night = noon["results"][0], night["results"][0]
    assert at_night["demand_per_h"] < at_noon["demand_per_h"]
    sure, possible = at_noon["covered_share"], at_noon["covered_share_if_unknown_open"]
    assert sure is not None
    assert possible is not None
    assert sure <= possible


@pytest.mark.slow
def test_what_makes_a_figure_doubtful_is_said(service: Service, tmp_path: Path) -> None:
    later = run(service, tmp_path / "later", at=local("2027-02-08T12:00"), standards=TWO[:1])
    assert any("ends with 2026" in note for note in later["notes"])
    nobody = StationFilter(services=frozenset(Amenity), platform="nobody")
    empty = run(service, tmp_path / "empty", chosen=nobody, standards=TWO[:1])
    assert any("No station counts" in note for note in empty["notes"])


@pytest.mark.slow
def test_a_filter_narrows_the_stations(service: Service, tmp_path: Path) -> None:
    chosen = StationFilter(services=frozenset({Amenity.BATTERY_SWAP}))
    summary = run(service, tmp_path / "swap", chosen=chosen, standards=TWO[:1])
    assert summary["stations_counted"] == 3
    assert summary["filter"]["service"] == ["battery_swap"]


@pytest.mark.slow
def test_metres_are_metres_as_the_crow_flies(service: Service, tmp_path: Path) -> None:
    # 5 min at 18 km/h with a detour of 1.3 reach 1500 / 1.3 m.
    metres = parse_standards(minutes=None, metres=f"{1500 / 1.3!r}")
    by_metres = run(service, tmp_path / "m", standards=metres)["results"][0]
    by_minutes = run(service, tmp_path / "t", standards=TWO[:1])["results"][0]
    assert by_metres["covered_share"] == pytest.approx(by_minutes["covered_share"])


@pytest.mark.slow
def test_an_earlier_run_is_replaced_other_folders_are_not_touched(
    service: Service, tmp_path: Path
) -> None:
    out = tmp_path / "gaps"
    run(service, out)
    run(service, out, standards=TWO[:1])
    assert len(json.loads((out / "summary.json").read_text("utf-8"))["results"]) == 1
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.docx").write_text("years of work")
    with pytest.raises(StudyError, match="holds other files"):
        run(service, mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.docx"]
    (out / "notes.txt").write_text("mine too")
    with pytest.raises(StudyError, match="notes.txt"):
        run(service, out)
    assert (out / "notes.txt").exists()


@pytest.mark.slow
def test_a_run_cut_off_leaves_no_results_only_tables_to_take_up(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("locator.study.folder.write_json", fail)
    with pytest.raises(StudyError, match="No space left"):
        run(service, tmp_path / "out" / "gaps")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".gaps-unfinished"]
    monkeypatch.undo()
    run(service, tmp_path / "out" / "gaps")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["gaps"]


@pytest.mark.parametrize(
    ("minutes", "metres"),
    [
        (None, None),
        ("5", "500"),
        ("0", None),
        ("5,x", None),
        ("nan", None),
        ("1e9", None),
        (None, "1e9"),
    ],
)
def test_standards_that_are_none(minutes: str | None, metres: str | None) -> None:
    with pytest.raises(InputError):
        parse_standards(minutes=minutes, metres=metres)


@pytest.mark.slow
def test_hot_zones_from_a_file(cli: Callable[..., Result], tmp_path: Path) -> None:
    zone = gpd.GeoDataFrame(
        {"id": ["mine"], "name": ["我的热区"], "kind": ["campus"], "demand_per_h": [7.0]},
        geometry=gpd.GeoSeries.from_wkt(
            ["POLYGON((107.14 34.36,107.15 34.36,107.15 34.37,107.14 34.36))"]
        ),
        crs="EPSG:4326",
    )
    path = tmp_path / "zones.gpkg"
    zone.to_crs("EPSG:32648").to_file(path)
    result = cli(
        "gaps",
        "--metres",
        "300",
        "--hot-zones",
        path,
        "--out",
        tmp_path / "g",
        "--json",
        "--no-report",
    )
    assert json.loads(result.stdout)["results"][0]["demand_per_h"] == pytest.approx(7.0)
    zone.drop(columns="demand_per_h").to_file(path)
    wrong = cli("gaps", "--metres", "300", "--hot-zones", path, "--out", tmp_path / "h")
    assert wrong.exit_code == 2
    assert "no column for demand_per_h" in wrong.stderr


def test_maps_as_files(service: Service, tmp_path: Path) -> None:
    for name in ("map.html", "map.png", "map.svg"):
        write_map(service, tmp_path / name)
    assert (tmp_path / "map.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "<svg" in (tmp_path / "map.svg").read_text("utf-8")
    with pytest.raises(InputError, match=r"\.html, \.png or \.svg"):
        write_map(service, tmp_path / "map.pdf")


@pytest.mark.slow
def test_hours_that_are_not_considered_are_not_nought(service: Service, tmp_path: Path) -> None:
    summary = run(service, tmp_path / "a", standards=TWO[:1])
    assert summary["stations_hours_unknown"] is None
    assert summary["results"][0]["covered_share_if_unknown_open"] is None
    with (tmp_path / "a" / "summary.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert {row["covered_share_if_unknown_open"] for row in csv.DictReader(stream)} == {""}


@pytest.mark.slow
def test_a_manifest_does_not_say_where_the_store_is(service: Service, tmp_path: Path) -> None:
    """A store's address may hold a password, and a file's path a person's name."""
    run(service, tmp_path / "a", standards=TWO[:1])
    assert json.loads((tmp_path / "a" / "summary.json").read_text("utf-8"))["settings"][
        "store"
    ] == ("geopackage")
    assert store_kind("postgresql+psycopg://me:secret@host/db") == "postgresql"
    assert store_kind("") == "geopackage"


@pytest.mark.slow
def test_a_scenario_that_changes_nothing_says_so(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("open: [BJ-R-001]", encoding="utf-8")
    result = cli("gaps", "--minutes", "5", "--scenario", plan, "--out", tmp_path / "g")
    assert "Warning: The scenario (open) changes nothing at BJ-R-001 (" in result.stdout
    assert "it is in service already." in result.stdout
    page = (tmp_path / "g" / "report.html").read_text("utf-8")
    assert "方案（open）对 BJ-R-001" in page
    assert "本就在服务中" in page


def test_how_far_places_lie_from_the_districts() -> None:
    """One degree of latitude is 110.9 km at 34° N; a place inside is 0 away."""
    district = gpd.GeoDataFrame(
        {"name": ["甲"]}, geometry=[shapely.box(107.0, 34.0, 107.4, 34.4)], crs=CRS
    )
    metres, names = districts_away(
        np.array([[107.2, 34.2], [107.2, 33.0], [108.4, 34.2]]), district
    )
    east = GEOD.inv(107.4, 34.2, 108.4, 34.2)[2]
    assert metres == pytest.approx([0.0, GEOD.inv(107.2, 34.0, 107.2, 33.0)[2], east], rel=1e-3)
    assert names == ["甲"] * 3
    assert len(districts_away(np.array([[107.2, 34.2]]), district.iloc[:0])[0]) == 0


def test_every_doubt_is_said_in_chinese_too(service: Service) -> None:
    """Each verb on a station that it leaves as it is, and stations and demand elsewhere."""
    snapshot = service.snapshot()
    row = snapshot.stations.set_index("id").loc["BJ-R-003"]
    at = row["geometry"]
    closed = apply_scenario(snapshot.stations, parse_scenario("close: [BJ-R-002]", source="p"))
    text = f"""
        open: [BJ-R-001]
        close: [BJ-R-002]
        hours: {{BJ-R-003: "{row["opening_hours"]}"}}
        services: {{BJ-R-003: {row["services"].split(";")[0]}}}
        move: {{BJ-R-003: [{at.x}, {at.y}], BJ-R-004: [121.47, 31.23]}}
        add: [{{id: n, name: n, kind: rest_post, lon: 121.47, lat: 31.23}}]
    """
    scenario = parse_scenario(text, source="p")
    said = scenario_warnings(closed, scenario, snapshot.districts)
    assert len(said) == 7
    there = np.array([[121.47, 31.23]])
    for what in ("demand points of a.csv", "hot zones of b.gpkg"):
        said += place_warnings(there, snapshot.districts, what=what)
    for sentence in said:
        chinese = translate(sentence, "zh")
        assert chinese != sentence
        assert re.search(r"没有改变|公里", chinese)


@pytest.mark.slow
def test_demand_and_stations_of_another_city_are_said(
    cli: Callable[..., Result], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("lon,lat\n121.47,31.23\n121.48,31.24\n", encoding="utf-8")
    told = cli("gaps", "--minutes", "5", "--points", points, "--out", tmp_path / "g").stdout
    assert re.search(
        r"Outside the known districts: 2 of 2 demand points of points.csv, 1,[23]\d\d.* km", told
    )
    assert not [record.message for record in caplog.records]
    assert "需求点中有 2 个在已知区县之外" in (tmp_path / "g" / "report.html").read_text("utf-8")
    points.write_text("lon,lat\n121.47,31.23\n107.15,34.36\n", encoding="utf-8")
    torn = cli("gaps", "--minutes", "5", "--points", points, "--out", tmp_path / "h")
    assert torn.exit_code == 2
    assert "1 of 2 demand points" in torn.stderr
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "add: [{id: n, name: n, kind: rest_post, lon: 121.47, lat: 31.23}]", encoding="utf-8"
    )
    told = cli(
        "gaps", "--minutes", "5", "--scenario", plan, "--out", tmp_path / "i", "--no-report"
    ).stdout
    assert re.search(r"station n, added, lies 1,[23]\d\d km from the nearest known district", told)


def test_a_folder_below_a_file_is_refused_in_words(service: Service, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match=r"file is a file; name a folder"):
        run(service, tmp_path / "file" / "sub" / "gaps")


@pytest.mark.slow
@pytest.mark.realdata
def test_the_shops_of_shanghai_against_stations_there(
    cli: Callable[..., Result], realdata: Path, tmp_path: Path
) -> None:
    """Every fiftieth shop opens its door as a station; the rest is demand, one a shop."""
    shops = (realdata / "points" / "shanghai_food.csv").read_text("utf-8").splitlines()
    register = tmp_path / "stations.csv"
    lines = ["id,name,kind,lon,lat"]
    for number, shop in enumerate(csv.DictReader(shops)):
        if number % 50 == 0:
            name = shop["name"].replace('"', "")
            lines.append(f'"s{number}","{name}",rest_post,{shop["lon"]},{shop["lat"]}')
    register.write_text("\n".join(lines), encoding="utf-8")
    imported = cli("stations", "import", register, "--mode", "replace")
    assert imported.exit_code == 0, imported.output
    mapping = tmp_path / "shops.toml"
    mapping.write_text('[columns]\nname = "name"\ndistrict = "adname"\n', encoding="utf-8")
    out = tmp_path / "gaps"
    result = cli(
        "gaps",
        "--minutes",
        "2,5",
        "--points",
        realdata / "points" / "shanghai_food.csv",
        "--map",
        mapping,
        "--out",
        out,
        "--json",
    )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    two, five = summary["results"]
    assert summary["demand"] == "points"
    assert "1 a point" in summary["notes"][0]
    assert 0.2 < two["covered_share"] < five["covered_share"] < 1
    points = gpd.read_file(out / "gaps.gpkg", layer="points_5min")
    assert points["covered"].mean() == pytest.approx(five["covered_share"])
    gaps = gpd.read_file(out / "gaps.gpkg", layer="gaps_5min")
    assert gaps["unserved_demand_per_h"].sum() == pytest.approx(five["unserved_demand_per_h"])
    near = cli("nearest", "121.4737", "31.2304", "-k", "3", "--json")
    assert [f["properties"]["rank"] for f in json.loads(near.stdout)["features"]] == [1, 2, 3]


@pytest.mark.slow
def test_circles_that_meet_no_zone_are_not_drawn(service: Service, tmp_path: Path) -> None:
    """North of the largest gap by 400 m, where five minutes reach 1,154 m, and in another city."""
    alone = run(service, tmp_path / "alone", standards=TWO[:1])["results"][0]
    gap = gpd.read_file(tmp_path / "alone" / "gaps.gpkg", layer="gaps_5min").geometry.iloc[0]
    x, y = max(shapely.get_coordinates(gap), key=lambda xy: xy[1])
    station = service.store.read("stations", where={"id": "BJ-R-001"})
    for identity, north_m in (("FAR", 300_000.0), ("NEAR", 400.0)):
        lon, lat, _ = GEOD.fwd(x, y, 0.0, north_m)
        placed = station.assign(id=identity).set_geometry([shapely.Point(lon, lat)], crs=CRS)
        service.store.apply(Change("stations", placed), actor="t")
        found = run(service, tmp_path / identity, standards=TWO[:1])["results"][0]
        grown = found["covered_area_m2"] - alone["covered_area_m2"]  # type: ignore[operator]
        assert (grown > 1.0) is (identity == "NEAR")
        assert found["covered_area_m2"] == pytest.approx(found["covered_area_exact_m2"], rel=1e-4)
