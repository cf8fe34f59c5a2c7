"""A siting study's folder and its command: what is written, what is proven, what is refused."""

import csv
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from click.testing import Result
from scipy.sparse import csr_array

from locator.cli.sites import _watched
from locator.errors import InputError, StudyError
from locator.report import folder as contract
from locator.service import Service
from locator.siting import Effort, Progress
from locator.study import SiteQuestion, run_sites, site_inputs
from locator.study.sites_output import run_comparison
from locator.study.sites_prices import DEFAULT_PRICES, Prices, read_prices
from tests.line_city import EVENING, NOON, line_candidates, line_inputs

FILES = {"summary.json", "tables.json", "sites.csv", "sites.geojson", "sites.gpkg"}


def run(service: Service, out: Path, **asked: object) -> contract.SiteSummary:
    """Write a study of the street."""
    asked = {"new": 2, "at": EVENING, "candidates": "file", "runs": 3} | asked
    question = SiteQuestion(**asked)  # type: ignore[arg-type]
    return run_sites(service, line_inputs(service), question, out=out)


@pytest.mark.slow
def test_a_study_writes_every_file_and_they_agree(service: Service, tmp_path: Path) -> None:
    out = tmp_path / "sites"
    summary = run(service, out)
    assert {path.name for path in out.iterdir()} == FILES | {"certificate.npz"}
    assert json.loads((out / "summary.json").read_text("utf-8")) == summary
    assert summary["question"]["new"] == 2
    assert summary["made_at"] == "2026-11-23T12:00:00+08:00"
    assert len(summary["data_hash"]) == 16
    assert "basemap_key" not in summary["settings"]
    assert summary["stations_counted"] == 1
    tables = json.loads((out / "tables.json").read_text("utf-8"))
    assert {name: tuple(table["columns"]) for name, table in tables.items()} == dict(
        contract.TABLES_OF
    )
    chosen = gpd.read_file(out / "sites.gpkg", layer="chosen")
    assert list(chosen["id"]) == [row[1] for row in tables["sites"]["rows"]] == ["C1", "C2"]
    assert chosen.crs.to_epsg() == 4326
    for layer, columns in contract.LAYERS_OF.items():
        assert set(gpd.read_file(out / "sites.gpkg", layer=layer).columns) == {*columns, "geometry"}
    stations = gpd.read_file(out / "sites.gpkg", layer="stations")
    assert list(stations[stations["counted"]]["id"]) == ["S1"]
    candidates = gpd.read_file(out / "sites.gpkg", layer="candidates")
    assert list(candidates[candidates["chosen"]]["id"]) == ["C1", "C2"]
    demand = gpd.read_file(out / "sites.gpkg", layer="demand")
    assert demand["demand"].sum() == summary["figures"]["demand"] == 125.0
    covered = (demand["demand"] * demand["after"]).sum()
    assert covered == pytest.approx(summary["figures"]["covered_after"])
    assert len(gpd.read_file(out / "sites.geojson")) == 2
    areas = [dict(zip(tables["areas"]["columns"], r, strict=True)) for r in tables["areas"]["rows"]]
    assert all(row["level"] in {"district", "zone"} for row in areas)


@pytest.mark.slow
def test_one_line_of_numpy_recomputes_the_bound(service: Service, tmp_path: Path) -> None:
    """The line is the one of ``locator.siting.Certificate``; nothing of ours is imported for it."""
    cases: list[dict[str, object]] = [
        {"new": 2},
        {"model": "backup"},
        {"hourly": True, "at": None},
        {"new": None, "budget": 6.0, "hourly": True, "at": None, "prices": DEFAULT_PRICES},
        {"apart_m": 1500.0, "forced_in": ("C2",)},
    ]
    for number, asked in enumerate(cases):
        out = tmp_path / str(number)
        figures = run(service, out, **asked)["figures"]
        c = np.load(out / "certificate.npz")
        assert set(c.files) == set(contract.CERTIFICATE_ARRAYS)
        a = csr_array((c["data"], c["indices"], c["indptr"]), shape=c["shape"])
        g = csr_array((c["rule_data"], c["rule_indices"], c["rule_indptr"]), shape=c["rule_shape"])
        once, y = c["first"] - c["rows"], c["rules"]
        phi = np.maximum(0, np.maximum(once, once + c["second"] - c["rows"])).sum()
        r = a.T @ c["rows"] - g.T @ y
        bound = phi + y @ c["right"] + np.where(r > 0, c["high"] * r, c["low"] * r).sum()
        assert (c["rows"] >= 0).all()
        assert (y >= 0).all()
        certified = figures["certificate_bound"]
        assert certified == pytest.approx(c["baseline"] + bound)
        assert figures["objective"] <= certified * (1 + 1e-9)
        assert figures["bound"] <= certified * (1 + 1e-9)


def test_the_certificates_of_saving_and_of_fewest(service: Service, tmp_path: Path) -> None:
    median = run(service, tmp_path / "median", model="p-median", new=1, at=None)["figures"]
    c = np.load(tmp_path / "median" / "certificate.npz")
    s = csr_array((c["data"], c["indices"], c["indptr"]), shape=c["shape"]).toarray()
    g = csr_array((c["rule_data"], c["rule_indices"], c["rule_indptr"]), shape=c["rule_shape"])
    r = np.maximum(s - c["rows"][:, None], 0).sum(0) - g.T @ c["rules"]
    saved = c["rows"].sum() + c["rules"] @ c["right"]
    saved += np.where(r > 0, c["high"] * r, c["low"] * r).sum()
    assert median["bound"] == pytest.approx((c["baseline"] - saved) / median["demand"])
    fewest = run(service, tmp_path / "lscp", model="lscp", new=None)["figures"]
    c = np.load(tmp_path / "lscp" / "certificate.npz")
    a = csr_array((c["data"], c["indices"], c["indptr"]), shape=c["shape"])
    g = csr_array((c["rule_data"], c["rule_indices"], c["rule_indptr"]), shape=c["rule_shape"])
    r = c["prices"] - a.T @ c["rows"] + g.T @ c["rules"]
    cost = c["rows"].sum() - c["rules"] @ c["right"]
    cost += np.where(r < 0, c["high"] * r, c["low"] * r).sum()
    assert fewest["certificate_bound"] == pytest.approx(cost)
    assert fewest["objective"] >= cost - 1e-9


def test_the_same_question_writes_the_same_bytes(service: Service, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(service, tmp_path / name)
    for path in sorted((tmp_path / "a").iterdir()):
        other = tmp_path / "b" / path.name
        if path.name == "summary.json":  # how long the search took is no two times the same
            one, two = (json.loads(p.read_text("utf-8")) for p in (path, other))
            one["figures"].pop("seconds")
            two["figures"].pop("seconds")
            assert one == two
        else:
            assert path.read_bytes() == other.read_bytes(), path.name


def test_text_from_people_is_no_formula_in_a_spreadsheet(service: Service, tmp_path: Path) -> None:
    given = line_candidates(name=["=1+1", "@x", "+y"])
    question = SiteQuestion(new=2, at=EVENING, candidates="file", runs=0)
    run_sites(service, line_inputs(service, given), question, out=tmp_path / "a")
    raw = (tmp_path / "a" / "sites.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "a" / "sites.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["'=1+1", "'@x"]
    assert rows[1]["then_station_name"] == "'=cmd|station two"
    assert float(rows[0]["gain"]) == 50.0
    assert rows[0]["unit"] == "'points' weight" or rows[0]["unit"] == "points' weight"


def test_an_earlier_study_is_replaced_and_nothing_else_is(service: Service, tmp_path: Path) -> None:
    out = tmp_path / "sites"
    run(service, out)
    run(service, out, model="p-center", new=1, at=None)
    assert "certificate.npz" not in {path.name for path in out.iterdir()}
    (out / "mine.txt").write_text("keep")
    with pytest.raises(StudyError, match=r"holds other files \(mine.txt\)"):
        run(service, out)
    assert (out / "mine.txt").read_text() == "keep"
    with pytest.raises(StudyError, match="is a file"):
        run(service, out / "mine.txt")


def test_a_study_that_fails_leaves_no_folder(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run(service, tmp_path / "sites", forced_in=("C9",))
    assert not any("sites" in path.name for path in tmp_path.iterdir())


@pytest.mark.slow
def test_a_study_cut_off_takes_up_what_was_finished(service: Service, tmp_path: Path) -> None:
    question = SiteQuestion(new=2, at=EVENING, candidates="file", runs=3)
    inputs, out = line_inputs(service), tmp_path / "sites"

    def fall(progress: Progress) -> None:
        if progress.phase == "varied runs":
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        run_sites(service, inputs, question, out=out, effort=Effort(progress=fall))
    assert not out.exists()
    (kept,) = tmp_path.glob(".*-unfinished")
    table = json.loads((kept / "curve.json").read_text("utf-8"))
    table["rows"][0][3] = 12345.0  # to be known again
    (kept / "curve.json").write_text(json.dumps(table))
    run_sites(service, inputs, question, out=out)
    again = json.loads((out / "tables.json").read_text("utf-8"))["curve"]
    assert again == table
    assert list(tmp_path.glob(".*")) == []
    other = replace(question, new=1)
    with pytest.raises(RuntimeError):
        run_sites(service, inputs, question, out=out, effort=Effort(progress=fall))
    run_sites(service, inputs, other, out=out)  # another question's tables are thrown away
    assert json.loads((out / "summary.json").read_text("utf-8"))["question"]["new"] == 1


@pytest.mark.slow
def test_the_layers_hold_what_a_map_needs(service: Service, tmp_path: Path) -> None:
    question = SiteQuestion(new=1, runs=0, curve=False)
    run_sites(service, site_inputs(service), question, out=tmp_path / "a")
    layers = set(gpd.list_layers(tmp_path / "a" / "sites.gpkg")["name"])
    assert layers == {*contract.LAYERS_OF, *contract.BACKGROUND_LAYERS}
    zones = gpd.read_file(tmp_path / "a" / "sites.gpkg", layer="hot_zones")
    assert zones["demand_per_h"].sum() == pytest.approx(2059.0)


def test_ctrl_c_asks_to_stop_and_a_second_one_ends() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with _watched() as effort:
        assert not effort.cancelled()
        signal.raise_signal(signal.SIGINT)
        assert effort.cancelled()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_fewest_are_counted_and_cheapest_are_paid(service: Service, tmp_path: Path) -> None:
    """In the evening 40 of 125 are covered; C1 makes it 90, C2 85, each by itself."""
    asked: dict[str, object] = {"model": "lscp", "new": None, "share": 0.7}
    counted = run(service, tmp_path / "a", **asked)["figures"]
    assert (counted["unit"], counted["objective"], counted["cost"]) == ("sites", 1.0, None)
    given = line_candidates(cost=[9.0, 2.0, 1.0])
    question = SiteQuestion(model="lscp", share=0.6, at=EVENING, candidates="file", runs=0)
    paid = run_sites(service, line_inputs(service, given), question, out=tmp_path / "b")
    assert (paid["figures"]["unit"], paid["figures"]["cost"]) == ("cost", 2.0)


@pytest.mark.slow
def test_where_next_if_a_station_closes(cli: Callable[..., Result], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("name: without one\nclose: [BJ-R-028]\n", encoding="utf-8")
    words = ("site", "--new", "1", "--minutes", "5", "--runs", "0", "--json")
    now = json.loads(cli(*words, "--out", tmp_path / "a").stdout)
    then = json.loads(cli(*words, "--scenario", plan, "--out", tmp_path / "b").stdout)
    assert then["figures"]["covered_before"] < now["figures"]["covered_before"]
    assert "Stations as the scenario 'without one' has them." in then["notes"]
    plan.write_text("close: [nobody]\n", encoding="utf-8")
    wrong = cli(*words, "--scenario", plan, "--out", tmp_path / "c")
    assert wrong.exit_code == 2
    assert "nobody" in wrong.stderr


@pytest.mark.slow
def test_a_comparison_has_a_folder_a_moment(service: Service, tmp_path: Path) -> None:
    question = SiteQuestion(new=2, candidates="file", runs=0, curve=False)
    out = tmp_path / "two"
    for _ in range(2):  # the second replaces the first
        whole = run_comparison(service, line_inputs(service), question, (NOON, EVENING), out=out)
    assert whole["folders"] == ["at-2026-11-23T1200", "at-2026-11-23T2000"]
    assert {path.name for path in out.iterdir()} == {
        *whole["folders"],
        "comparison.json",
        "comparison.csv",
    }
    read = json.loads((out / "comparison.json").read_text("utf-8"))
    assert read == whole
    assert tuple(read["table"]["columns"]) == contract.COMPARISON_COLUMNS
    for name, summary in zip(whole["folders"], whole["summaries"], strict=True):
        assert json.loads((out / name / "summary.json").read_text("utf-8")) == summary


@pytest.mark.slow
def test_a_stopped_search_leaves_the_best_found_with_its_gap(
    service: Service, tmp_path: Path
) -> None:
    question = SiteQuestion(new=8, hourly=True)
    effort = Effort(cancelled=lambda: True)
    summary = run_sites(service, site_inputs(service), question, out=tmp_path / "a", effort=effort)
    figures = summary["figures"]
    assert figures["stopped"] == "cancelled"
    assert figures["status"] == "feasible"
    assert figures["baseline"] is not None
    assert figures["baseline"] <= figures["objective"] <= figures["bound"]
    assert any("it was stopped" in note for note in summary["notes"])


def write_prices(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_prices_are_read_as_they_are_shown(cli: Callable[..., Result], tmp_path: Path) -> None:
    shown = cli("site", "--show-options")
    assert shown.exit_code == 0
    assert read_prices(write_prices(tmp_path, shown.output)) == DEFAULT_PRICES
    assert Prices.from_json(DEFAULT_PRICES.to_json()) == DEFAULT_PRICES
    only = read_prices(write_prices(tmp_path, "unit: 万元\nadd_service: {cost: 2}\n"))
    assert only == Prices("万元", None, (), 2.0, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "needs keys such as unit"),
        ("- 1", "needs keys such as unit"),
        ("unit: a\nunit: b\nadd_service: {cost: 1}", "'unit' stands twice"),
        ("a: [", r"not YAML \(line"),
        ("new_posts: {cost: 1}", "'new_posts' is not one of"),
        ("unit: yuan", "offers nothing"),
        ("new_post: {hours: 24/7}", "new_post needs a cost"),
        ("new_post: {cost: -1}", "0 or more"),
        ("new_post: {cost: .nan}", "0 or more"),
        ("new_post: {cost: 1, hours: late}", "hours must be opening hours"),
        ("new_post: {cost: 1, price: 2}", "'price' is not one of cost, hours"),
        ("extend_hours: {cost: 1}", "extend_hours must be a list"),
        ("add_service: 3", "add_service needs a cost"),
    ],
)
def test_wrong_prices_are_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_prices(write_prices(tmp_path, text))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--minutes", "5"), 2, "Missing option '--out'"),
        (("--new", "8", "--out", "x"), 2, "Missing option '--minutes'"),
        (("--minutes", "5", "--out", "x"), 2, "how many new sites"),
        (("--minutes", "5", "--new", "8", "--cover", "0.9", "--out", "x"), 2, "take no number"),
        (("--minutes", "5", "--cover", "most", "--out", "x"), 2, "write 0.95 or 95%"),
        (("--minutes", "5", "--cover", "120%", "--out", "x"), 2, "--cover='120%' is not a share"),
        (("--minutes", "5", "--new", "1", "--at", "noon", "--out", "x"), 2, "local time"),
        (("--minutes", "5", "--new", "1", "--candidates", "no.csv", "--out", "x"), 2, "no.csv"),
        (("--minutes", "5", "--new", "1", "--district", "610302", "--out", "x"), 2, "610302=2"),
        (("--minutes", "5", "--new", "1", "--force", "G-9", "--out", "x"), 2, "forced in or out"),
        (("--minutes", "5", "--new", "1", "--options", "no.yaml", "--out", "x"), 2, "cannot be"),
        (
            ("--minutes", "5", "--new", "99999", "--out", "x"),
            2,
            "--new='99999' must lie from 0 to 10,000",
        ),
        (
            ("--minutes", "5", "--new", "1", "--district", "610302=2", "--out", "x"),
            1,
            "raise the number",
        ),
        (
            ("--minutes", "5", "--new", "1", "--hourly", "--at", NOON, "--out", "x"),
            2,
            "not for both",
        ),
    ],
)
def test_a_wrong_command_is_one_sentence(
    cli: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("site", *words)
    assert result.exit_code == code, result.output
    assert reason in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_the_command_says_what_was_found(cli: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "sites"
    words = ("site", "--new", "2", "--minutes", "5", "--runs", "0", "--out", out)
    result = cli(*words)
    assert result.exit_code == 0, result.output
    assert "MCLP, 5 min: 2 chosen; demand covered" in result.output
    assert "Proven best" in result.output
    assert "Illustrative data" in result.output
    told = json.loads(cli(*words, "--json").stdout)
    assert told["figures"]["chosen"] == 2
    two = cli(*words[:-2], "--at", NOON, "--at", EVENING, "--out", tmp_path / "two")
    assert two.exit_code == 0, two.output
    assert "Chosen at both:" in two.output
