"""Studies and maps of a past moment: the register as it was then, and a word that it was."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from locator.errors import InputError
from locator.report.folder import Summary
from locator.service import Service, open_service
from locator.settings import Settings
from locator.showing import write_map
from locator.store import Change, open_store
from locator.study import Question, Standard, gaps_inputs, run_gaps
from tests.conftest import MONDAY_NOON, local

LATER = MONDAY_NOON + timedelta(days=30)
THEN = "2026-12-01T12:00"  # between the two
FIVE = (Standard(5, "min"),)


def change_in_december(settings: Settings) -> None:
    """Close all but ten stations and double the hot zones' demand, three weeks later."""
    december = (MONDAY_NOON + timedelta(days=20)).astimezone(UTC)
    with open_store(settings.store, clock=lambda: december) as store:
        stations, zones = store.read("stations"), store.read("hot_zones")
        first = stations.head(10).assign(name="改了名")
        doubled = zones.assign(demand_per_h=zones["demand_per_h"] * 2)
        store.apply(
            Change("stations", first, absent="close"), Change("hot_zones", doubled), actor="test"
        )


@pytest.fixture
def later(settings: Settings) -> Iterator[Service]:
    """Return the service of this test's store in late December."""
    with open_service(settings, clock=lambda: LATER.astimezone(UTC)) as opened:
        yield opened


def run(service: Service, out: Path, as_of: str | None) -> Summary:
    inputs = gaps_inputs(service, as_of=local(as_of) if as_of else None)
    return run_gaps(service, inputs, Question(FIVE), out=out, report="zh" if as_of else None)


@pytest.mark.slow
def test_a_study_of_then_is_the_study_that_was_made_then(
    settings: Settings, service: Service, later: Service, tmp_path: Path
) -> None:
    was = run(service, tmp_path / "was", None)
    change_in_december(settings)
    now = run(later, tmp_path / "now", None)
    then = run(later, tmp_path / "then", THEN)
    assert then["results"] == was["results"] != now["results"]
    assert (then["stations_counted"], now["stations_counted"]) == (120, 10)
    assert then["data_hash"] == was["data_hash"] != now["data_hash"]
    assert (was["as_of"], now["as_of"]) == (None, None)
    assert then["as_of"] == "2026-12-01T12:00:00+08:00"
    page = (tmp_path / "then" / "map.html").read_text("utf-8")
    assert "登记册截至 2026-12-01 12:00" in page
    assert "改了名" not in page


@pytest.mark.slow
def test_the_command_says_which_register_it_was(
    settings: Settings, cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_in_december(settings)
    monkeypatch.setattr(Service, "now", lambda self: LATER.astimezone(self.rules.timezone))
    words = ("gaps", "--minutes", "5", "--out", tmp_path / "g", "--language", "en")
    told = cli(*words, "--as-of", THEN).stdout
    assert "Register as of 2026-12-01 12:00 local time." in told
    assert json.loads((tmp_path / "g" / "summary.json").read_text("utf-8"))["as_of"] is not None
    assert "register as of 2026-12-01 12:00" in (tmp_path / "g" / "map.html").read_text("utf-8")
    assert "Register as of" not in cli(*words).stdout
    assert cli("map", "--out", tmp_path / "m.html", "--as-of", THEN).exit_code == 0
    page = (tmp_path / "m.html").read_text("utf-8")
    assert "登记册截至 2026-12-01 12:00 · 制图日期 2026-12-23" in page
    assert "改了名" not in page


def test_a_map_of_then_shows_the_stations_of_then(
    settings: Settings, later: Service, tmp_path: Path
) -> None:
    change_in_december(settings)
    write_map(later, tmp_path / "then.html", as_of=local(THEN))
    write_map(later, tmp_path / "now.html")
    write_map(later, tmp_path / "then.svg", as_of=local(THEN))
    then, now = ((tmp_path / f"{n}.html").read_text("utf-8") for n in ("then", "now"))
    assert "登记册截至" in then
    assert "登记册截至" not in now
    assert "改了名" in now
    assert then.count("BJ-R-0") > now.count("BJ-R-0")


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2020-01-01", "2020-01-01 00:00; it begins at 2026-11-23 12:01: name that"),
        ("2030-01-01", "lies in the future"),
    ],
)
def test_a_moment_that_the_history_does_not_have(
    service: Service, cli: Callable[..., Result], tmp_path: Path, moment: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        gaps_inputs(service, as_of=local(moment))
    with pytest.raises(InputError, match=reason):
        write_map(service, tmp_path / "m.html", as_of=local(moment))
    result = cli("gaps", "--minutes", "5", "--as-of", moment, "--out", tmp_path / "g")
    assert result.exit_code == 2
    assert reason in result.stderr
    assert not (tmp_path / "g").exists()


def test_hot_zones_that_were_not_there_yet_are_one_sentence(
    settings: Settings, later: Service
) -> None:
    day = timedelta(days=1)
    with open_store(settings.store, clock=lambda: (MONDAY_NOON + day).astimezone(UTC)) as store:
        zones = store.read("hot_zones")
        store.apply(Change("hot_zones", zones.iloc[:0], absent="remove"), actor="test")
    with open_store(settings.store, clock=lambda: (MONDAY_NOON + 3 * day).astimezone(UTC)) as store:
        store.apply(Change("hot_zones", zones), actor="test")
    with pytest.raises(InputError, match="no hot zones to measure at 2026-11-25 12:00"):
        gaps_inputs(later, as_of=local("2026-11-25T12:00"))


def test_the_snapshot_of_now_is_not_changed_by_one_of_then(
    settings: Settings, later: Service
) -> None:
    change_in_december(settings)
    then = later.snapshot_as_of(datetime(2026, 12, 1, tzinfo=UTC))
    now = later.snapshot()
    assert (then.as_of is None, now.as_of) == (False, None)
    assert (then.stations["status"] == "active").sum() > (now.stations["status"] == "active").sum()
    assert len(then.index.lonlat) == len(then.stations)
    assert then.districts.equals(now.districts)
