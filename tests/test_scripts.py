"""The recipes run as a planner runs them, and stay short enough to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from locator.settings import Settings

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
RECIPES = ("gap_analysis.py", "export_map.py", "import_stations.py")


def run(settings: Settings, name: str, *words: str) -> str:
    import os

    environment = os.environ | {"LOCATOR_STORE": settings.store, "PYTHONUTF8": "1"}
    command = [sys.executable, str(SCRIPTS / name), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gap_analysis(settings: Settings) -> None:
    text = run(settings, "gap_analysis.py", "--minutes", "5", "--at", "2026-11-23T22:00")
    assert "5 min: 48.1% covered" in text
    assert "estimate" in text


def test_export_map(settings: Settings, tmp_path: Path) -> None:
    for name in ("a.html", "b.png"):
        run(settings, "export_map.py", str(tmp_path / name), "--district", "金台区")
        assert (tmp_path / name).stat().st_size > 10_000


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
