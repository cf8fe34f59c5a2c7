"""The command line: answers, wrong input in one sentence, exit codes, and its price."""

import json
import re
import shutil
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
from tests.conftest import fixed_clock


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
    if words not in {("stations",), ("hotzones",), ("districts",)}:
        assert "Example:" in result.output


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("nearest", "207", "34"), 2, "longitude first"),
        (("nearest", "107"), 2, "Missing argument"),
        (("nearest", "107", "34", "--at", "noon"), 2, "local time"),
        (("nearest", "107", "34", "-k", "0"), 2, "-k='0' must lie from 1 to 1,000"),
        (("nearest", "107", "34", "--kind", "pub"), 2, "must be one of"),
        (("gaps", "--out", "x"), 2, "--minutes 5,10"),
        (("gaps", "--minutes", "five", "--out", "x"), 2, "--minutes='five' is not a number"),
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_change_is_logged_undone_and_the_register_as_it_was(
    cli: Callable[..., Result],
    store: GeoPackageStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("locator.service.utc_now", fixed_clock)
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
    for moment, reason in (("2020-01-01", "has no station of 2020"), ("2030-01-01", "the future")):
        refused = cli("stations", "export", tmp_path / "other.csv", "--as-of", moment)
        assert refused.exit_code == 2
        assert reason in refused.stderr
        assert not (tmp_path / "other.csv").exists()
    for number in (10**30, -(10**30), 0, 99_999_999):
        unknown = cli("stations", "undo", "--", number)
        assert unknown.exit_code == 2
        assert f"There is no change {number}" in unknown.stderr
    nobody = cli("stations", "log", "nobody")
    assert nobody.exit_code == 2


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("stations", "export", "store.gpkg"),
        ("stations", "export", "hard.gpkg"),
        ("stations", "export", "soft.gpkg"),
        ("stations", "export", "../here/store.gpkg"),
        ("stations", "import", "bad.csv", "--rejected", "store.gpkg"),
        ("stations", "import", "good.csv", "--rejected", "store.gpkg"),
        ("stations", "import", "bad.csv", "--rejected", "store.gpkg-wal"),
        ("stations", "import", "bad.csv", "--rejected", "store.gpkg-shm"),
        ("stations", "template", "--out", "store.xlsx"),
        ("map", "--out", "store.html"),
        ("map", "--out", "store.png"),
        ("gaps", "--minutes", "5", "--out", "results"),
        ("backup", "store.gpkg-shm"),
    ],
    ids=" ".join,
)
def test_no_command_writes_over_a_store(
    settings: Settings, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    (here / "results").mkdir(parents=True)
    store = here / "store.gpkg"
    tmp_path.joinpath("store.gpkg").rename(store)
    store.with_name("hard.gpkg").hardlink_to(store)
    store.with_name("soft.gpkg").symlink_to(store)
    for copy in ("store.xlsx", "store.html", "store.png", "results/gaps.gpkg"):
        shutil.copy(store, here / copy)
    head = "id,name,kind,lon,lat\n"
    (here / "bad.csv").write_text(head + "a,x,rest_post,107,\n", "utf-8")
    (here / "good.csv").write_text(head + "a,x,rest_post,107,34\n", "utf-8")
    monkeypatch.chdir(here)
    result = CliRunner(env={"LOCATOR_BASEMAP": "none"}).invoke(
        main, ["--store", "store.gpkg", *words], catch_exceptions=False
    )
    assert result.exit_code in {1, 2}
    assert "was not touched" in result.stderr or "exists already" in result.stderr
    for name in ("store.gpkg", "store.xlsx", "store.html", "store.png", "results/gaps.gpkg"):
        with GeoPackageStore.open(here / name, clock=fixed_clock) as opened:
            assert len(opened.read("stations")) == 120
    del settings


def test_an_older_export_is_written_over(cli: Callable[..., Result], tmp_path: Path) -> None:
    for _ in range(2):
        assert cli("stations", "export", tmp_path / "out.gpkg").exit_code == 0


def _import_with_ctrl_c(cli: Callable[..., Result], path: Path, *, after: bool) -> Result:
    """Import a register and press Ctrl-C in the middle of it, or after its commit."""
    real = GeoPackageStore.apply

    def apply(store: GeoPackageStore, *changes: Change, actor: str) -> None:
        if after:
            real(store, *changes, actor=actor)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GeoPackageStore, "apply", apply)
        return cli("stations", "import", path)


def test_ctrl_c_during_an_import_says_what_became_of_it(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,name,kind,lon,lat\na,x,rest_post,107,34\n", "utf-8")
    before = _import_with_ctrl_c(cli, path, after=False)
    assert (before.exit_code, before.stdout) == (130, "")
    assert "nothing was written" in before.stderr
    after = _import_with_ctrl_c(cli, path, after=True)
    assert after.exit_code == 130
    assert "the store has changed" in after.stderr


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback() -> None:
    code = (
        "import builtins, locator.__main__\nreal = builtins.__import__\n"
        "def stop(name, *rest):\n    if name.startswith('locator.settings'):\n"
        "        raise KeyboardInterrupt\n    return real(name, *rest)\n"
        "builtins.__import__ = stop\nlocator.__main__.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "Aborted!")


def test_ctrl_c_in_any_command_ends_with_130(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(GeoPackageStore, "audit", stop)
    result = cli("stations", "log", "BJ-R-001")
    assert (result.exit_code, result.stderr.strip()) == (130, "Aborted!")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["merge", "add"])
def test_a_dry_run_that_closes_nothing_does_not_speak_of_closing(
    cli: Callable[..., Result], tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "all.csv"
    cli("stations", "export", path)
    words = ("stations", "import", path, "--dry-run", "--mode", mode)
    told = cli(*words)
    assert "nothing written: 0 new, 0 changed." in told.stdout
    assert json.loads(cli(*words, "--json").stdout)["foreseen"]["absent"] is None
    whole = cli("stations", "import", path, "--dry-run", "--mode", "replace")
    assert "0 new, 0 changed, 0 to be closed." in whole.stdout


def test_the_advice_on_rejected_rows_fits_what_was_done(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    path, bad = tmp_path / "list.csv", tmp_path / "bad.csv"
    path.write_text("id,name,kind,lon,lat\na,x,rest_post,107,34\nb,x,rest_post,,34\n", "utf-8")
    words = ("stations", "import", path, "--rejected", bad)
    dry = cli(*words, "--dry-run")
    assert "mend" not in dry.stdout.lower()
    refused = cli(*words, "--mode", "replace")
    assert f"mend the rejected rows in {path}, then import it again" in refused.stdout
    assert f"import {bad}" not in refused.stdout
    assert (
        f"then: locator stations import {bad} --set status=active"
        in cli(*words, "--set", "status=active").stdout
    )


def test_the_help_of_import_names_all_it_reads() -> None:
    told = CliRunner().invoke(main, ["stations", "import", "--help"]).output
    assert all(ending in told for ending in ("CSV", "XLSX", "GeoJSON", ".gpkg", ".shp", "KML"))


def test_help_writes_codes_as_they_are_typed(cli: Callable[..., Result]) -> None:
    for words in (("gaps",), ("hotzones", "build")):
        told = cli(*words, "--help").stdout
        assert "--kind [" in told
        assert not re.search(r"--(kind|service|provenance) \[?[A-Z]", told)


def test_a_place_west_or_south_of_nought_is_no_option(cli: Callable[..., Result]) -> None:
    """Bristol, and a place in the southern hemisphere; any other dash still is an option."""
    for place in (("-2.99", "51.59"), ("-.5", "-33.9"), ("-1e1", "-0")):
        assert cli("nearest", *place, "-k", "1", "--toward", "-2.9", "51.5").exit_code == 0
    assert "is not a longitude" in cli("nearest", "-200", "51").output
    assert "No such option" in cli("nearest", "-2.99", "51.59", "--opne", "yes").output
    assert "No such option" in cli("nearest", "-x", "51.59").output
    assert "经二路城市驿站" in cli("route", "-2.99", "-51.59", "BJ-R-045").output
    assert cli("stations", "undo", "-5").output.startswith("locator: ")
