"""The command line: answers, wrong input in one sentence, exit codes, and its price."""

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from locator.cli import main
from locator.settings import Settings
from locator.store import Change, GeoPackageStore


def commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, click.Group):
            found += commands(command, *before, name)
    return found


@pytest.mark.parametrize("words", commands(main), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    if words not in {("stations",), ("hotzones",)}:
        assert "Example:" in result.output


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("nearest", "207", "34"), 2, "longitude first"),
        (("nearest", "107"), 2, "Missing argument"),
        (("nearest", "107", "34", "--at", "noon"), 2, "local time"),
        (("nearest", "107", "34", "-k", "0"), 2, "0 is not in the range"),
        (("nearest", "107", "34", "--kind", "pub"), 2, "must be one of"),
        (("gaps", "--out", "x"), 2, "--minutes 5,10"),
        (("gaps", "--minutes", "five", "--out", "x"), 2, "numbers above 0"),
        (("gaps", "--minutes", "5", "--hot-zones", "none.gpkg", "--out", "x"), 2, "cannot be read"),
        (("stations", "import", "none.csv"), 2, "cannot be read"),
        (("stations", "import", "none.doc"), 2, "ending is not known"),
        (("stations", "export", "out.doc"), 2, "ending cannot be written"),
        (("stations", "template", "--out", "x.csv"), 2, ".xlsx"),
        (("map", "--out", "x.gif"), 2, ".png or .svg"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_wrong_input_is_one_sentence_and_code_2(
    cli: Callable[..., Result], words: tuple[str, ...], code: int, reason: str
) -> None:
    result = cli(*words)
    assert result.exit_code == code
    assert reason in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_without_a_store_it_says_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["--store", str(tmp_path / "no.gpkg"), "nearest", "107", "34"]
    )
    assert result.exit_code == 1
    assert "locator init" in result.stderr


def test_init_twice(tmp_path: Path) -> None:
    store = str(tmp_path / "deep" / "er" / "s.gpkg")
    first = CliRunner().invoke(main, ["--store", store, "init"])
    assert first.exit_code == 0, first.output
    assert "illustrative" in first.output
    second = CliRunner().invoke(main, ["--store", store, "init"])
    assert second.exit_code == 0
    assert "nothing was changed" in second.output


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": "3", "kind": "swap_cabinet"},
        {"service": "hot_water,toilet", "open": "yes"},
        {"open": "known", "at": "2026-11-23T03:00"},
        {"platform": "eleme", "k": "20"},
    ],
)
def test_the_command_and_the_interface_give_the_same_answer(
    cli: Callable[..., Result], client: FlaskClient, options: dict[str, str]
) -> None:
    asked = {"at": "2026-11-23T12:00"} | options
    page = client.get("/api/nearest", query_string={"lon": "107.1489", "lat": "34.3692"} | asked)
    assert page.mimetype == "application/geo+json"
    words: list[str] = []
    for name, value in asked.items():
        flag = "-k" if name == "k" else f"--{name}"
        for part in value.split(",") if name == "service" else [value]:
            words += [flag, part]
    result = cli("nearest", "107.1489", "34.3692", *words, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads(page.data)


def test_nearest_in_words(cli: Callable[..., Result]) -> None:
    result = cli("nearest", "107.1489", "34.3692", "-k", "2", "--at", "2026-11-23T12:00")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1. 1 min · 0.1 km · 经二路城市驿站 [BJ-R-045] · open")
    assert lines[-2].startswith("Travel time: estimate")
    assert lines[-1].startswith("Illustrative data")


def test_nearest_does_not_import_what_it_does_not_need(settings: Settings) -> None:
    code = (
        "import sys\nfrom locator.cli import main\n"
        f"main(['--store', {settings.store!r}, 'nearest', '107', '34'], standalone_mode=False)\n"
        "heavy = ('scipy.spatial', 'matplotlib', 'folium', 'flask')\n"
        "print([m for m in heavy if m in sys.modules])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_port_in_use_is_a_sentence(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "locator", "--store", settings.store, "serve", "--port"]
        port = str(taken.getsockname()[1])
        result = subprocess.run([*command, port], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "choose another --port" in result.stderr


def test_backup_and_export(cli: Callable[..., Result], tmp_path: Path) -> None:
    assert cli("backup", tmp_path / "b.gpkg").exit_code == 0
    assert cli("backup", tmp_path / "b.gpkg").exit_code == 1
    result = cli("stations", "export", tmp_path / "s.csv", "--language", "zh")
    assert result.stdout.startswith("120 stations")


def test_a_change_is_logged_undone_and_the_register_as_it_was(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    row = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", row.assign(name="改了名")), actor="li")
    changes = json.loads(cli("stations", "log", "BJ-R-045", "--json").stdout)
    (last,) = [change for change in changes if change["action"] == "update"]
    assert (last["field"], last["after"], last["who"]) == ("name", "改了名", "li")
    assert "改了名" in cli("stations", "log", "BJ-R-045").stdout
    assert cli("stations", "undo", last["number"]).exit_code == 0
    assert store.read("stations", where={"id": "BJ-R-045"})["name"].tolist() == row["name"].tolist()
    again = cli("stations", "undo", last["number"])
    assert again.exit_code == 1
    done = cli("stations", "export", tmp_path / "then.csv", "--as-of", "2026-11-23T12:00")
    assert done.stdout.startswith("120 stations")
    before = cli("stations", "export", tmp_path / "before.csv", "--as-of", "2020-01-01")
    assert before.stdout.startswith("0 stations")
    nobody = cli("stations", "log", "nobody")
    assert nobody.exit_code == 2


def test_the_doctor_finds_a_lost_trigger_and_mends_it(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    assert "is well" in cli("doctor").stdout
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TRIGGER locator_stations_update")
        connection.commit()
    found = cli("doctor", "--json")
    assert found.exit_code == 1
    assert [finding["mended"] for finding in json.loads(found.stdout)] == [False]
    assert cli("doctor", "--mend").exit_code == 0
    assert "is well" in cli("doctor").stdout
