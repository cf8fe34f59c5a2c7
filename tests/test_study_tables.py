"""The tables of a gap study: through the command line and the library, and agreeing."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from shapely.geometry import Point, box

from locator.errors import InputError
from locator.nearest import StationFilter
from locator.report.folder import PlainTable, Summary
from locator.report.sentences import translate
from locator.schema import Amenity
from locator.service import Service
from locator.store import Change
from locator.study import (
    Question,
    Standard,
    gaps_inputs,
    parse_scenario,
    parse_standards,
    run_gaps,
)
from locator.study.checkpoints import Checkpoints, to_frame, to_plain
from locator.study.measure import Study
from tests.conftest import fixed_clock, local
from tests.test_network import river, take  # noqa: F401 - river is a fixture

MONDAY = date(2026, 11, 23)
FIVE = (Standard(5, "min"),)
ALWAYS = {"curve", "times", "services", "kinds", "hosts", "modes", "backup", "stations"}
ALWAYS |= {"equity", "sensitivity", "intervals"}
HOURLY = {"hours", "hours_by_zone", "hours_by_district"}
Tables = dict[str, pd.DataFrame]


def tables_of(out: Path) -> Tables:
    """Return a folder's tables as frames; a NaN in the file is an error, as in a browser."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (out / "tables.json").read_text("utf-8")
    return {name: to_frame(t) for name, t in json.loads(text, parse_constant=refuse).items()}


def run(service: Service, out: Path, **options: object) -> tuple[Summary, Tables]:
    options.setdefault("standards", FIVE)
    inputs = options.pop("inputs", None) or gaps_inputs(service)
    summary = run_gaps(service, inputs, Question(**options), out=out)  # type: ignore[arg-type]
    return summary, tables_of(out)


def zones_file(path: Path, *demands: float) -> Path:
    """Write squares of about 90 m in Baoji, a hot zone each."""
    shapes = [box(107.14 + n / 100, 34.36, 107.141 + n / 100, 34.3608) for n in range(len(demands))]
    ids = [f"z{n}" for n in range(len(demands))]
    gpd.GeoDataFrame(
        {"id": ids, "name": ids, "kind": "campus", "demand_per_h": demands},
        geometry=shapes,
        crs="EPSG:4326",
    ).to_file(path)
    return path


def points_file(path: Path) -> Path:
    lines = ["lon,lat,demand_per_h,district"]
    rng = np.random.default_rng(6)
    for number in range(60):
        lon, lat = 107.13 + rng.random() / 10, 34.33 + rng.random() / 20
        lines.append(f"{lon},{lat},{number % 7},{'渭滨区' if number % 3 else ''}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_tables_of_a_week_agree_with_each_other(service: Service, tmp_path: Path) -> None:
    summary, tables = run(service, tmp_path / "g", week_of=MONDAY)
    assert set(tables) == ALWAYS | HOURLY
    hours, week = tables["hours"], summary["week"]
    assert week is not None
    assert (len(hours), week["monday"]) == (168, "2026-11-23")
    total, covered = hours["demand_per_h"].sum(), hours["covered_per_h"].sum()
    assert covered / total == pytest.approx(week["covered_share"])
    for level in ("zone", "district"):
        by = tables[f"hours_by_{level}"]
        assert by["demand_per_week"].sum() == pytest.approx(total)
        assert (by["demand_per_week"] * by["covered_share"]).sum() == pytest.approx(covered)
        times = tables["times"].query("level == @level")
        assert times["demand_per_h"].sum() * 168 == pytest.approx(total)
        assert (times["demand_per_h"] * times["covered_share"]).sum() == pytest.approx(
            tables["times"]["demand_per_h"][0] * tables["times"]["covered_share"][0]
        )
    unserved = hours["demand_per_h"] - hours["covered_per_h"]
    assert week["worst_hour"] == int(unserved.argmax())
    assert week["worst_unserved_per_h"] == pytest.approx(unserved.max())
    # Without hours every station counts around the clock: that is what the week could be.
    sampled = summary["sampling"]["covered_share"]
    assert hours["always_per_h"].sum() / total == pytest.approx(sampled, abs=0.02)
    assert tables["curve"].query("minutes == 5")["covered_share"].item() == pytest.approx(sampled)
    assert tables["backup"]["share_with_1"].item() == pytest.approx(sampled)
    assert summary["results"][0]["covered_share"] == pytest.approx(sampled, abs=0.003)
    assert tables["sensitivity"]["covered_share"][0] == pytest.approx(sampled)
    assert tables["modes"]["covered_share_5min"][0] == pytest.approx(sampled)


@pytest.mark.slow
def test_the_services_are_those_of_a_run_with_the_service(service: Service, tmp_path: Path) -> None:
    _, tables = run(service, tmp_path / "all", week_of=MONDAY, at=local("2026-11-23T20:00"))
    services = tables["services"].set_index("service")
    assert list(services.index) == [member.value for member in Amenity]
    for amenity in (Amenity.BATTERY_SWAP, Amenity.HOT_WATER):
        chosen = StationFilter(services=frozenset({amenity}))
        summary, alone = run(
            service, tmp_path / amenity, chosen=chosen, week_of=MONDAY, at=local("2026-11-23T20:00")
        )
        row = services.loc[amenity.value]
        assert row["covered_share_5min"] == pytest.approx(summary["sampling"]["covered_share"])
        assert summary["week"] is not None
        assert row["week_covered_share"] == pytest.approx(summary["week"]["covered_share"])
        # The services that the filter asks for are left out of the others' rows.
        pd.testing.assert_frame_equal(alone["services"], tables["services"])


@pytest.mark.slow
def test_a_filter_of_hosts_holds_in_every_row(service: Service, tmp_path: Path) -> None:
    chosen = StationFilter(platform="nobody")
    _, tables = run(service, tmp_path / "g", chosen=chosen)
    free = service.snapshot().stations
    for_all = free[free["platforms"].isna() | (free["platforms"] == "")]
    swaps = for_all["services"].str.contains("battery_swap", na=False).sum()
    row = tables["services"].set_index("service").loc["battery_swap"]
    assert row["stations"] == swaps == 0


@pytest.mark.slow
def test_what_closing_costs_is_the_difference_of_two_runs(service: Service, tmp_path: Path) -> None:
    before, tables = run(service, tmp_path / "a", week_of=MONDAY)
    top = tables["stations"].iloc[0]
    scenario = parse_scenario(f"close: [{top['id']}]", source="p")
    after, _ = run(service, tmp_path / "b", week_of=MONDAY, scenario=scenario)
    assert before["week"] is not None
    assert after["week"] is not None
    total = tables["hours"]["demand_per_h"].sum()
    was, now = before["week"]["covered_share"], after["week"]["covered_share"]
    assert was is not None
    assert now is not None
    assert top["lost_orders_per_week"] == pytest.approx((was - now) * total, rel=1e-4)
    assert top["lost_orders_per_week"] > 0
    assert not top["adds_nothing"]
    idle = tables["stations"].query("lost_orders_per_week == 0")
    assert idle["adds_nothing"].all()


@pytest.mark.slow
def test_before_and_after_are_two_runs(service: Service, tmp_path: Path) -> None:
    scenario = parse_scenario(
        "hours: {BJ-R-001: 24/7}\n"
        "close: [BJ-R-045, BJ-R-046]\n"
        "move: {BJ-R-002: [107.3, 34.35]}\n"
        "add: [{id: n, name: 新站, kind: rest_post, lon: 107.16, lat: 34.345}]",
        source="plan.yaml",
    )
    plain, _ = run(service, tmp_path / "plain")
    both, _ = run(service, tmp_path / "both", scenario=scenario)
    assert both["before"] == plain["results"]
    assert both["results"] != plain["results"]
    assert both["data_hash"] != plain["data_hash"]
    assert both["scenario"] is not None
    assert both["scenario"]["close"] == ["BJ-R-045", "BJ-R-046"]
    # The same register for good: the same results.
    inputs = gaps_inputs(service)
    from locator.coverage import apply_scenario

    stations = apply_scenario(inputs.snapshot.stations, scenario)
    service.store.apply(Change("stations", stations.drop(columns="updated_at")), actor="t")
    after, _ = run(service, tmp_path / "after")
    assert after["results"] == both["results"]
    was, now = (
        gpd.read_file(tmp_path / "both" / "gaps.gpkg", layer=name) for name in ("gained", "lost")
    )
    change = sum(r["covered_area_m2"] or 0 for r in both["results"]) - sum(
        r["covered_area_m2"] or 0 for r in both["before"]
    )
    assert was["area_m2"].sum() - now["area_m2"].sum() == pytest.approx(change, rel=0.01, abs=50)
    assert len(was) > 0


@pytest.mark.slow
def test_a_scenario_that_closes_everything(service: Service, tmp_path: Path) -> None:
    ids = ", ".join(service.snapshot().stations["id"])
    scenario = parse_scenario(f"close: [{ids}]", source="p")
    summary, tables = run(service, tmp_path / "g", scenario=scenario, week_of=MONDAY)
    assert summary["results"][0]["covered_share"] == 0.0
    assert summary["stations_counted"] == 0
    assert summary["week"] is not None
    assert summary["week"]["covered_share"] == 0.0
    assert len(tables["stations"]) == 0
    areas = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert set(areas["reason"]) == {"none_near"}
    assert areas["missing_services"].isna().all()


@pytest.mark.slow
def test_what_rests_on_illustrative_stations_says_so(service: Service, tmp_path: Path) -> None:
    """Zones of one's own; the stations are closed at that hour, filtered out, or by a scenario."""
    inputs = gaps_inputs(service, hot_zones=zones_file(tmp_path / "zones.gpkg", 5.0))
    ids = ", ".join(service.snapshot().stations["id"])
    questions: dict[str, dict[str, object]] = {
        "filter": {"chosen": StationFilter(services=frozenset(Amenity))},
        "scenario": {"scenario": parse_scenario(f"close: [{ids}]", source="p")},
    }
    for name, question in questions.items():
        summary, _ = run(service, tmp_path / name, inputs=inputs, **question)
        assert summary["stations_counted"] == 0
        assert summary["illustrative"], name
    stations = service.snapshot().stations.drop(columns="updated_at")
    surveyed = stations.assign(provenance="surveyed")
    service.store.apply(Change("stations", surveyed), actor="t")
    inputs = gaps_inputs(service, hot_zones=tmp_path / "zones.gpkg")
    summary, _ = run(service, tmp_path / "surveyed", inputs=inputs)
    assert not summary["illustrative"]


@pytest.mark.slow
def test_a_scenario_that_changes_nothing_in_reach(service: Service, tmp_path: Path) -> None:
    text = "add: [{id: n, name: n, kind: rest_post, lon: 110.0, lat: 34.3}]"
    summary, _ = run(service, tmp_path / "g", scenario=parse_scenario(text, source="p"))
    assert summary["before"][0]["covered_share"] == summary["results"][0]["covered_share"]
    for layer in ("gained", "lost"):
        assert len(gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer=layer)) == 0


def test_no_demand_has_no_shares_and_no_traceback(service: Service, tmp_path: Path) -> None:
    zones = zones_file(tmp_path / "zones.gpkg", 0.0, 0.0)
    inputs = gaps_inputs(service, hot_zones=zones)
    summary, tables = run(service, tmp_path / "g", inputs=inputs, week_of=MONDAY)
    assert summary["results"][0]["covered_share"] is None
    assert summary["sampling"]["covered_share"] is None
    assert tables["sensitivity"]["covered_share"].isna().all()
    assert tables["services"]["covered_share_5min"].isna().all()
    assert len(tables["intervals"]) == 0
    assert summary["week"] is not None
    assert summary["week"]["worst_hour"] is None


def test_where_all_is_covered_there_are_no_gaps(service: Service, tmp_path: Path) -> None:
    """A zone of 90 m at a station's door that never closes."""
    place = Point(107.5, 34.2)
    station = gpd.GeoDataFrame(
        {"id": ["door"], "name": ["门口"], "kind": "rest_post", "opening_hours": "24/7"},
        geometry=[place],
        crs="EPSG:4326",
    )
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["z"], "kind": ["campus"], "demand_per_h": [0.1]},
        geometry=[box(place.x, place.y, place.x + 0.001, place.y + 0.0008)],
        crs="EPSG:4326",
    )
    zone.to_file(tmp_path / "z.gpkg")
    service.store.apply(Change("stations", station), actor="t")
    inputs = gaps_inputs(service, hot_zones=tmp_path / "z.gpkg")
    summary, tables = run(service, tmp_path / "g", inputs=inputs, week_of=MONDAY)
    assert summary["results"][0]["gaps"] == 0
    assert summary["week"] is not None
    assert summary["week"]["covered_share"] == pytest.approx(1.0)
    assert summary["week"]["worst_hour"] is None
    assert tables["hours_by_zone"]["worst_hour"].isna().all()
    layer = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert len(layer) == 0
    assert {"reason", "place", "week_covered_share", "missing_services"} <= set(layer.columns)


def test_gaps_between_the_points_have_a_reason_too(service: Service, tmp_path: Path) -> None:
    """The zone's middle is reached in 50 s, its corners are not: no sampled point is in a gap."""
    place = Point(107.5, 34.2)
    station = gpd.GeoDataFrame(
        {"id": ["mid"], "name": ["中间"], "kind": "rest_post", "opening_hours": "24/7"},
        geometry=[place],
        crs="EPSG:4326",
    )
    service.store.apply(Change("stations", station), actor="t")
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["z"], "kind": ["campus"], "demand_per_h": [3.0]},
        geometry=[box(place.x - 4e-4, place.y - 4e-4, place.x + 4e-4, place.y + 4e-4)],
        crs="EPSG:4326",
    )
    zone.to_file(tmp_path / "z.gpkg")
    inputs = gaps_inputs(service, hot_zones=tmp_path / "z.gpkg")
    # 53 m to a corner, 39 and 48 m to the sides' middles: 50 m of reach leaves the corners.
    standards = parse_standards(minutes=None, metres="50")
    summary, _ = run(service, tmp_path / "g", inputs=inputs, standards=standards, week_of=MONDAY)
    assert summary["results"][0]["gaps"] == 4
    areas = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert areas["reason"].tolist() == ["none_near"]


def test_four_zones_each_a_gap_for_a_reason_of_its_own(service: Service, tmp_path: Path) -> None:
    """Hot water on a Monday at 20:00, within 5 minutes; zones 4.6 km apart, a station at three.

    z0's station has it and closes at 18:00, z1's has it and nobody knows its hours, z2's never
    closes and has only seats, z3 has no station. Demand 4, 3, 2, 1 ranks them. What is missing is
    looked up among all stations in reach, open or not: hot water is missing only at z2.
    """
    x, y = 107.5, 34.2
    stations = gpd.GeoDataFrame(
        {
            "id": ["s0", "s1", "s2"],
            "name": ["晚关", "不知", "无水"],
            "kind": "rest_post",
            "services": ["hot_water", "hot_water;seats", "seats"],
            "opening_hours": pd.Series(["08:00-18:00", None, "24/7"], dtype=object),
        },
        geometry=[Point(x + 0.05 * n, y) for n in range(3)],
        crs="EPSG:4326",
    )
    service.store.apply(Change("stations", stations, absent="close"), actor="t")
    zones = gpd.GeoDataFrame(
        {"id": [f"z{n}" for n in range(4)], "name": list("甲乙丙丁"), "kind": "campus"},
        geometry=[Point(x + 0.05 * n, y).buffer(0.002) for n in range(4)],
        crs="EPSG:4326",
    ).assign(demand_per_h=[4.0, 3.0, 2.0, 1.0])
    zones.to_file(tmp_path / "z.gpkg")
    summary, tables = run(
        service,
        tmp_path / "g",
        inputs=gaps_inputs(service, hot_zones=tmp_path / "z.gpkg"),
        chosen=StationFilter(services=frozenset({Amenity.HOT_WATER})),
        at=local("2026-11-23T20:00"),
        week_of=MONDAY,
    )
    (result,) = summary["results"]
    assert result["covered_share"] == 0.0
    assert result["covered_share_if_unknown_open"] == pytest.approx(0.3)
    areas = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert areas["zone_names"].tolist() == list("甲乙丙丁")
    reasons = ["closed_then", "hours_unknown", "service_missing", "none_near"]
    assert areas["reason"].tolist() == reasons
    assert areas["reason_share"].tolist() == pytest.approx([1.0] * 4)
    missing = [None if pd.isna(m) else m.split(";") for m in areas["missing_services"]]
    assert missing[3] is None
    assert ["hot_water" in (m or []) for m in missing] == [False, False, True, False]
    assert ["seats" in (m or []) for m in missing] == [True, False, False, False]
    # By the week: z0 is served in 10 of 24 hours, less the last quarter of an hour, nobody else.
    open_h = 10 - 0.25
    assert areas["week_covered_share"].tolist() == pytest.approx([open_h / 24, 0, 0, 0])
    assert summary["week"] is not None
    assert summary["week"]["covered_share"] == pytest.approx(0.4 * open_h / 24)
    assert summary["week"]["possible_share"] == pytest.approx(0.4 * open_h / 24 + 0.3)
    assert summary["week"]["lost_to_hours"] == pytest.approx(0.7 - 0.4 * open_h / 24)
    by_service = tables["services"].set_index("service")["covered_share_5min"]
    assert by_service[["hot_water", "seats", "toilet"]].tolist() == pytest.approx([0, 0.2, 0])
    # Nothing is covered at 20:00, so no closing costs anything then; over the week s0's does.
    lost = tables["stations"].set_index("id")["lost_orders_per_week"]
    assert lost["s0"] == pytest.approx(4 * 7 * open_h, rel=1e-4)
    assert lost["s1"] == 0
    assert pd.isna(lost["s2"])


def test_demand_points_through_the_command_line(cli: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "g"
    points = points_file(tmp_path / "orders.csv")
    done = cli(
        "gaps",
        "--minutes",
        "5",
        "--points",
        points,
        "--hourly",
        "--out",
        out,
        "--json",
        "--no-report",
    )
    assert done.exit_code == 0, done.output
    summary, tables = json.loads(done.stdout), tables_of(out)
    share = summary["results"][0]["covered_share"]
    assert summary["sampling"] == {"points": 60, "cell_m": 0.0, "covered_share": share}
    levels = tables["times"]["level"].tolist()
    assert levels == ["total", "district", "district"]
    assert tables["hours_by_district"]["demand_per_week"].sum() == pytest.approx(
        168 * summary["results"][0]["demand_per_h"]
    )
    assert tables["intervals"]["of"].tolist()[0] == "points"
    # Points carry no profile: each hour is like the next, but for who is open.
    assert len(set(tables["hours"]["demand_per_h"])) == 1
    areas = gpd.read_file(out / "gaps.gpkg", layer="gap_areas")
    assert areas["reason"].notna().all()


def test_one_point(cli: Callable[..., Result], tmp_path: Path) -> None:
    points = tmp_path / "one.csv"
    points.write_text("lon,lat\n107.14,34.36\n", encoding="utf-8")
    out = tmp_path / "g"
    done = cli(
        "gaps",
        "--minutes",
        "5",
        "--points",
        points,
        "--week",
        "2026-10-01",
        "--out",
        out,
        "--no-report",
    )
    assert done.exit_code == 0, done.output
    assert "demand_drawn_anew" not in set(tables_of(out)["intervals"]["what"])


@pytest.mark.slow
def test_the_whole_question_through_the_command_line(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    plan, out = tmp_path / "night.yaml", tmp_path / "g"
    plan.write_text("name: 夜间\nhours: {BJ-R-001: 24/7}\n", encoding="utf-8")
    words = ("gaps", "--minutes", "3,5", "--at", "2026-11-27T22:00", "--hourly")
    done = cli(*words, "--scenario", plan, "--out", out)
    assert done.exit_code == 0, done.output
    assert re.search(r"Before the scenario, 3 min: .*\+\d\.\d percentage points", done.stdout)
    assert "Week of 2026-11-23, 3 min:" in done.stdout
    assert "Illustrative data" in done.stdout
    summary, tables = json.loads((out / "summary.json").read_text("utf-8")), tables_of(out)
    assert summary["scenario"]["name"] == "夜间"
    assert len(summary["before"]) == len(summary["results"]) == 2
    assert {"covered_share", "covered_share_any_hours"} < set(tables["curve"].columns)
    hours = tables["hours"].set_index("hour").loc[4 * 24 + 22]
    assert hours["demand_per_h"] == pytest.approx(summary["results"][0]["demand_per_h"])
    assert hours["covered_share"] <= summary["sampling"]["covered_share"] + 1e-9


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--week", "someday"), "--week='someday' is not a date"),
        (("--week", "9999-12-31"), "9999-12-31"),
        (("--week", "0001-01-01"), "0001-01-01"),
        (("--hourly", "--at", "noon"), "--at='noon' is not a moment"),
        (("--at", "9999-12-31T12:00"), "'9999-12-31T12:00' is too far from our time"),
        (("--at", "0001-01-01T00:00+08:00", "--hourly"), "too far from our time"),
    ],
)
def test_a_week_that_is_none(
    cli: Callable[..., Result], tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    done = cli("gaps", "--minutes", "5", *words, "--out", tmp_path / "g")
    assert done.exit_code == 2, done.output
    assert reason in done.stderr
    assert not (tmp_path / "g").exists()


@pytest.mark.slow
def test_the_last_week_there_is(cli: Callable[..., Result], tmp_path: Path) -> None:
    words = ("--at", "9998-12-31T12:00", "--hourly", "--no-report", "--out", tmp_path / "g")
    assert cli("gaps", "--minutes", "5", *words).exit_code == 0
    for far in ("9999-12-31T12:00", "0001-01-01T00:00"):
        refused = cli("nearest", "107.1", "34.3", "--at", far)
        assert refused.exit_code == 2
        assert "too far from our time" in refused.stderr


def test_the_folder_one_is_in_is_left_alone(
    cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    refused = cli("gaps", "--minutes", "5", "--out", ".")
    assert refused.exit_code == 1
    assert "is the folder you are in" in refused.stderr
    assert sorted(tmp_path.iterdir()) == before


def notes_of(service: Service, **asked: object) -> list[str]:
    """Return what a study says of its moment and week, before anything is measured."""
    return Study(service, gaps_inputs(service), Question(FIVE, **asked)).notes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "named"),
    [
        # The calendar has the days around a holiday: the holiday itself is the first of them.
        ("2026-09-30", ["2026-10-01 国庆节放假", "2026-10-02 国庆节放假", "2026-10-04 国庆节放假"]),
        (
            "2026-10-07",
            ["2026-10-05 国庆节放假", "2026-10-07 国庆节放假", "2026-10-10 国庆节调休上班"],
        ),
        ("2026-05-01", ["2026-05-01 劳动节放假", "2026-05-02 劳动节放假"]),  # 4 April runs like it
        ("2026-01-01", ["2026-01-01 元旦放假", "2026-01-04 元旦调休上班"]),
        ("2026-11-23", []),
    ],
)
def test_the_holidays_of_the_week_are_named(service: Service, day: str, named: list[str]) -> None:
    notes = notes_of(service, week_of=date.fromisoformat(day))
    said = [note for note in notes if note.startswith("The week studied has days")]
    assert len(said) == bool(named)
    for words in named:
        moment, reason = words.split()
        assert f"{moment} ({reason})" in said[0]
        assert f"{moment} ({reason})" in translate(said[0], "zh")


def test_what_is_not_known_of_a_week_is_said(service: Service) -> None:
    later = notes_of(service, week_of=date(2027, 2, 8))
    assert sum("ends with 2026" in note for note in later) == 1
    both = notes_of(service, week_of=date(2027, 2, 8), at=local("2027-02-08T12:00"))
    assert sum("ends with 2026" in note for note in both) == 1


@pytest.mark.slow
def test_a_standard_in_metres_does_not_hang_on_speed(service: Service, tmp_path: Path) -> None:
    standards = parse_standards(minutes=None, metres="1000")
    summary, tables = run(service, tmp_path / "g", standards=standards)
    rows = tables["sensitivity"]
    assert rows["change"][0] == 0.0
    assert set(rows["what"]) == {"as_set", "limit_m"}
    assert rows["value"].dropna().tolist() == [800.0, 900.0, 1100.0, 1200.0]
    quicker, _ = run(
        service, tmp_path / "h", standards=parse_standards(minutes=None, metres="1100")
    )
    share = rows.set_index("value").loc[1100.0, "covered_share"]
    assert share == pytest.approx(quicker["sampling"]["covered_share"])
    assert len(set(tables["modes"]["covered_share_1000m"])) == 1
    assert summary["sampling"]["covered_share"] == rows["covered_share"][0]


@pytest.mark.slow
def test_a_quicker_rider_is_a_run_at_that_speed(service: Service, tmp_path: Path) -> None:
    _, tables = run(service, tmp_path / "a")
    rows = tables["sensitivity"].set_index(["what", "value"])["covered_share"]
    from locator.service import open_service

    for setting, key, value in (
        ("ride_speed_kmh", "speed_kmh", 18 * 1.2),
        ("detour_factor", "detour_factor", 1.5),
    ):
        faster = replace(service.settings, **{setting: value})
        with open_service(faster, clock=fixed_clock) as other:
            summary, _ = run(other, tmp_path / key)
        assert rows.loc[(key, value)] == pytest.approx(summary["sampling"]["covered_share"])
    four, _ = run(service, tmp_path / "four", standards=(Standard(4, "min"),))
    assert rows.loc[("limit_min", 4.0)] == pytest.approx(four["sampling"]["covered_share"])


@pytest.mark.slow
def test_capacity_counts_only_where_every_station_says_it(service: Service, tmp_path: Path) -> None:
    _, tables = run(service, tmp_path / "a")
    known = service.snapshot().stations["capacity"].notna().all()
    assert set(tables["equity"]["supply"]) == {"places" if known else "stations"}
    stations = service.snapshot().stations.drop(columns="updated_at").assign(capacity=4)
    service.store.apply(Change("stations", stations), actor="t")
    _, whole = run(service, tmp_path / "b")
    assert set(whole["equity"]["supply"]) == {"places"}
    stations.loc[3, "capacity"] = None
    service.store.apply(Change("stations", stations), actor="t")
    _, gap = run(service, tmp_path / "c")
    assert set(gap["equity"]["supply"]) == {"stations"}
    # Four places a station and one a station are four times as many, and as evenly spread.
    totals = [t["equity"].iloc[0] for t in (gap, whole)]
    # Of all demand it would be supply by demand, wherever the stations are: that says nothing.
    assert [pd.isna(row["access_per_1000_orders_h"]) for row in totals] == [True, True]
    assert totals[0]["gini_of_access"] == pytest.approx(totals[1]["gini_of_access"])
    one, four = (t["equity"].iloc[1] for t in (gap, whole))
    assert one["level"] == "district"
    assert four["access_per_1000_orders_h"] == pytest.approx(4 * one["access_per_1000_orders_h"])
    assert four["gini_of_access"] == pytest.approx(one["gini_of_access"])


@pytest.mark.slow
def test_the_same_question_gives_the_same_bytes(service: Service, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(service, tmp_path / name, week_of=MONDAY)
    for name in ("tables.json", "summary.json", "summary.csv", "gaps.geojson"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.slow
def test_by_road_a_river_is_a_barrier(
    service: Service,
    settings: object,
    store: object,
    river: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """North of the river the near station lies across: as the crow flies in reach, by road not."""
    from locator.service import open_service

    take(settings, store, river)  # type: ignore[arg-type]
    with open_service(service.settings, clock=fixed_clock) as by_road:
        close = parse_scenario("close: [along]", source="p")
        summary, tables = run(by_road, tmp_path / "g", scenario=close, week_of=MONDAY)
    assert summary["travel"].startswith("roads, ")
    assert summary["results"][0]["covered_share"] == 0.0
    assert summary["results"][0]["covered_share_straight_line"] == 1.0
    areas = gpd.read_file(tmp_path / "g" / "gaps.gpkg", layer="gap_areas")
    assert areas["reason"].tolist() == ["barrier"]
    modes = tables["modes"].set_index("mode")["covered_share_5min"]
    assert modes.to_dict() == {"ride": 0.0, "ride_straight_line": 1.0, "walk_straight_line": 0.0}
    rows = tables["sensitivity"]
    assert "detour_factor" not in set(rows["what"])
    speeds = rows.loc[rows["what"] == "speed_kmh", "value"]
    assert speeds.tolist() == pytest.approx([18 * f for f in (0.8, 0.9, 1.1, 1.2)])
    assert tables["intervals"].set_index("what").loc["stations_moved", "high"] >= 0.0


# --- taking up what a run cut off had finished ---


def fake(text: str) -> PlainTable:
    columns = ["hour", "standard", "share_with_1", "share_with_2"]
    return PlainTable(columns=columns, rows=[[text, 5.0, 0.5, 0.25]])


def unfinished(
    service: Service, out: Path, monkeypatch: pytest.MonkeyPatch, **options: object
) -> Path:
    """Run into a full disk after the tables, and return where they wait."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("locator.study.folder.write_json", fail)
        with pytest.raises(Exception, match="No space left"):
            run(service, out, **options)
    return out.parent / f".{out.name}-unfinished"


@pytest.mark.slow
def test_a_finished_table_is_taken_up(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = unfinished(service, tmp_path / "g", monkeypatch)
    (waiting / "backup.json").write_text(json.dumps(fake("kept")))
    _, tables = run(service, tmp_path / "g")
    assert tables["backup"]["hour"].tolist() == ["kept"]
    assert not waiting.exists()
    _, tables = run(service, tmp_path / "g")
    assert "hour" not in tables["backup"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        {"standards": (Standard(5, "min"), Standard(10, "min"))},
        {"standards": (Standard(6, "min"),)},
        {"week_of": MONDAY},
        {"at": local("2026-11-23T12:00:30")},
        {"chosen": StationFilter(platform="meituan")},
        {"scenario": parse_scenario("close: [BJ-R-001]", source="p")},
    ],
    ids=["standards", "standard", "week", "at", "filter", "scenario"],
)
def test_another_questions_tables_are_thrown_away(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    waiting = unfinished(service, tmp_path / "g", monkeypatch)
    (waiting / "backup.json").write_text(json.dumps(fake("another's")))
    _, tables = run(service, tmp_path / "g", **other)
    assert "hour" not in tables["backup"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"columns": ["a"]}',
        b'{"columns": 1, "rows": []}',
        b'{"columns": ["a"], "rows": [[1, 2]]}',
        b'{"columns": ["a"], "rows": [[NaN]]}',
    ],
)
def test_a_table_that_was_cut_off_is_made_anew(tmp_path: Path, content: bytes) -> None:
    checkpoints = Checkpoints(tmp_path / "wait", "key")
    (tmp_path / "wait" / "curve.json").write_bytes(content)
    table = checkpoints.take("curve", lambda: pd.DataFrame({"a": [1.0, np.nan]}))
    assert table == {"columns": ["a"], "rows": [[1.0], [None]]}
    again = Checkpoints(tmp_path / "wait", "key").take("curve", pd.DataFrame)
    assert again == table


def test_a_mark_that_cannot_be_read_is_another_question(tmp_path: Path) -> None:
    folder = tmp_path / "wait"
    Checkpoints(folder, "key").take("curve", lambda: pd.DataFrame({"a": [1]}))
    (folder / "question.txt").write_bytes(b"\xff\xfe")
    made = Checkpoints(folder, "key").take("curve", lambda: pd.DataFrame({"a": [2]}))
    assert made["rows"] == [[2]]


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "wait"
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    checkpoints = Checkpoints(folder, "key")
    assert (folder / "thesis.docx").exists()
    checkpoints.take("curve", lambda: pd.DataFrame({"a": [1]}))
    checkpoints.clear()
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]


def test_a_table_as_json_holds_no_nan() -> None:
    frame = pd.DataFrame(
        {
            "n": [np.int64(1), 2],
            "x": [np.inf, np.nan],
            "b": [np.bool_(True), pd.NA],
            "t": ["热", None],
        }
    )
    plain = to_plain(frame)
    assert plain["rows"] == [[1, None, True, "热"], [2, None, None, None]]
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert to_plain(to_frame(plain)) == plain


def test_a_wrong_scenario_is_an_input_error_of_the_library(
    service: Service, tmp_path: Path
) -> None:
    scenario = parse_scenario("close: [nope]", source="p")
    with pytest.raises(InputError, match="nope"):
        run(service, tmp_path / "deep" / "g", scenario=scenario)
    assert not (tmp_path / "deep").exists()
