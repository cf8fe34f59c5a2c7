"""The recipes run as a planner runs them, and stay short enough to read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from locator.register import parse_table, read_table
from locator.schema import Datum
from locator.settings import Settings

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
RECIPES = (
    "hot_zones.py",
    "gap_analysis.py",
    "select_sites.py",
    "export_map.py",
    "import_stations.py",
)


def run(settings: Settings, name: str, *words: str) -> str:
    environment = os.environ | {"LOCATOR_STORE": settings.store, "PYTHONUTF8": "1"}
    command = [sys.executable, str(SCRIPTS / name), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_gap_analysis(settings: Settings) -> None:
    text = run(settings, "gap_analysis.py", "--minutes", "5", "--at", "2026-11-23T22:00")
    assert "5 min: 48.1% covered" in text
    assert "estimate" in text


@pytest.mark.slow
def test_select_sites(settings: Settings) -> None:
    text = run(settings, "select_sites.py", "--new", "3", "--at", "2026-11-23T22:00")
    assert "48.1% of demand is covered now, 63.7% with them." in text
    assert "No 3 candidates cover more than 63.7% of demand." in text


@pytest.mark.slow
def test_a_recipe_given_nonsense_ends_in_one_sentence(settings: Settings) -> None:
    command = [sys.executable, str(SCRIPTS / "gap_analysis.py"), "--minutes", "x"]
    environment = os.environ | {"LOCATOR_STORE": settings.store, "PYTHONUTF8": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_export_map(settings: Settings, tmp_path: Path) -> None:
    for name in ("a.html", "b.png"):
        run(settings, "export_map.py", str(tmp_path / name), "--district", "金台区")
        assert (tmp_path / name).stat().st_size > 10_000


@pytest.mark.slow
def test_hot_zones(settings: Settings, tmp_path: Path) -> None:
    from tests.test_hotzones_build import make_orders

    path = tmp_path / "orders.csv"
    make_orders(6_000).to_csv(path, index=False)
    lines = run(settings, "hot_zones.py", str(path)).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("HZ-89")
    assert lines[-1].endswith("of 6,000 rows lie in zones.")


@pytest.mark.slow
def test_import_stations(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    header = "序号,驿站名称,经度,纬度,详细地址\n"
    path.write_text(header + "1,站,107.15,34.37,路\n2,站,,34.37,路\n", encoding="utf-8")
    assert "1 good rows, nothing written" in run(settings, "import_stations.py", str(path))
    assert "1 good rows, written" in run(settings, "import_stations.py", str(path), "--write")
    assert (tmp_path / "list-rejected.csv").exists()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_short_and_only_calls_the_package(name: str) -> None:
    lines = (SCRIPTS / name).read_text("utf-8").splitlines()
    assert len(lines) <= 80


@pytest.mark.slow
@pytest.mark.realdata
def test_an_ocpi_feed_becomes_a_register(
    settings: Settings, realdata: Path, tmp_path: Path
) -> None:
    out = tmp_path / "sites.csv"
    feed = realdata / "registers" / "ocpi_chargesini.json"
    assert "448 locations" in run(settings, "import_ocpi.py", str(feed), str(out))
    found = parse_table(read_table(out), datum=Datum.WGS84)
    assert (len(found.stations), len(found.rejected), len(found.warnings)) == (448, 0, 0)
    assert set(found.stations["opening_hours"]) == {"24/7"}


@pytest.mark.slow
def test_structured_hours_become_openstreetmaps_syntax(settings: Settings, tmp_path: Path) -> None:
    """Monday and Tuesday with a lunch break, Saturday past noon, the rest closed."""
    week = [
        (1, "08:00", "12:00"),
        (1, "13:00", "18:00"),
        (2, "08:00", "12:00"),
        (2, "13:00", "18:00"),
    ]
    week.append((6, "14:00", "00:00"))
    hours = [{"weekday": d, "period_begin": b, "period_end": e} for d, b, e in week]
    site = {
        "id": "a",
        "name": "站",
        "coordinates": {"longitude": "107.1", "latitude": "34.3"},
        "opening_times": {"twentyfourseven": False, "regular_hours": hours},
    }
    feed, out = tmp_path / "feed.json", tmp_path / "out.csv"
    feed.write_text(
        json.dumps({"data": [site, site | {"id": "b", "opening_times": None}]}), "utf-8"
    )
    run(settings, "import_ocpi.py", str(feed), str(out))
    stations = parse_table(read_table(out), datum=Datum.WGS84).stations
    expected = "Mo,Tu 08:00-12:00,13:00-18:00; Sa 14:00-24:00"
    assert stations["opening_hours"].tolist() == [expected, None]
