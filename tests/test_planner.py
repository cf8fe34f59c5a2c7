"""Trying things out: the page's numbers are a study's, and whoever asks wrongly is told."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from locator.coverage import Scenario, apply_scenario, open_week, summarise_times
from locator.errors import BusyError, InputError
from locator.nearest import StationFilter, StationIndex
from locator.planner import Ask, PlannerPage, check_size, find_reach, read_draft
from locator.planner.draft import MAX_ADDED
from locator.planner.reach import SLOTS
from locator.schema import Amenity, Kind
from locator.service import Service, open_service
from locator.settings import Settings
from locator.store import GeoPackageStore
from locator.study import GapsInputs, Question, Standard, gaps_inputs, parse_scenario
from locator.study.basis import Basis, make_basis
from locator.study.checkpoints import to_frame
from locator.study.measure import Study
from tests.conftest import fixed_clock
from tests.load_support import held
from tests.patience import examples
from tests.test_network import river, take  # noqa: F401 - a fixture

NEW = {
    "id": "NEW-1",
    "name": "假设驿站 1",
    "kind": "rest_post",
    "lon": 107.1977,
    "lat": 34.3472,
    "services": ["drinking_water", "toilet"],
    "opening_hours": "24/7",
}
CHANGES: dict[str, Any] = {
    "close": ["BJ-R-045"],
    "hours": {"BJ-R-001": "Mo-Su 18:00-24:00"},
    "services": {"BJ-R-002": ["toilet"]},
    "move": {"BJ-R-003": [107.102, 34.3616]},
    "add": [NEW],
}


def the_study(
    service: Service, minutes: float, chosen: StationFilter, scenario: Scenario | None
) -> Basis:
    """Return what ``locator gaps --hourly`` rests on for the same question."""
    inputs: GapsInputs = gaps_inputs(service)
    if scenario is not None:
        stations = apply_scenario(inputs.snapshot.stations, scenario)
        index = StationIndex(stations, service.travel, service.rules)
        inputs = replace(inputs, snapshot=replace(inputs.snapshot, stations=stations, index=index))
    standards = (Standard(minutes, "min"),)
    study = Study(service, inputs, Question(standards, chosen=chosen))
    return make_basis(service, study, standards, week_of=service.now().date())


# --------------------------------------------------------------------------- as a study has it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("minutes", "chosen"),
    [
        (3.0, StationFilter()),
        (7.5, StationFilter(services=frozenset({Amenity.TOILET, Amenity.MICROWAVE}))),
        (5.0, StationFilter(kinds=frozenset({Kind.SWAP_CABINET}))),
        (20.0, StationFilter(services=frozenset(Amenity))),  # nobody offers all
    ],
)
@pytest.mark.parametrize("changes", [None, CHANGES])
def test_every_hour_is_that_of_a_study(
    service: Service, minutes: float, chosen: StationFilter, changes: dict[str, Any] | None
) -> None:
    draft = read_draft(changes)
    ask = Ask(60 * minutes, hour=117, chosen=chosen)
    _, answer = PlannerPage(service).ask(ask, draft)
    view = answer.then or answer.now
    scenario = None if draft is None else draft.scenario
    coverage = the_study(service, minutes, chosen, scenario).week_coverage
    assert coverage is not None
    expected = coverage.shares()
    for column in expected.columns:
        np.testing.assert_allclose(view.hours[column], expected[column], atol=1e-9, err_msg=column)
    _, whole = PlannerPage(service).ask(replace(ask, hour=None), draft)
    figures = (whole.then or whole.now).figures
    for name, share in coverage.week().items():
        assert getattr(figures, name) == pytest.approx(share, abs=1e-12), name
    zones = coverage.by("zone").set_index("id")["covered_share"]
    found = (whole.then or whole.now).zones.set_index("zone_id")["covered_share"]
    np.testing.assert_allclose(found, zones.loc[found.index].astype(float), atol=1e-9)


@pytest.mark.slow
def test_with_all_open_around_the_clock_times_are_those_of_a_study(service: Service) -> None:
    """A study that leaves hours out asks the travel model itself for the nearest of each point."""
    ids = service.snapshot().stations["id"]
    draft = read_draft({"hours": dict.fromkeys(ids, "24/7")})
    for services in (frozenset[Amenity](), frozenset({Amenity.MICROWAVE})):
        chosen = StationFilter(services=services)
        _, answer = PlannerPage(service).ask(Ask(300.0, chosen=chosen), draft)
        basis = the_study(service, 5.0, chosen, None)
        expected = summarise_times(basis.seconds, basis.demand_per_h)
        assert answer.then is not None
        assert asdict(answer.then.figures.times) == pytest.approx(asdict(expected))
        assert answer.then.figures.covered_share == pytest.approx(answer.now.figures.always_share)


def test_the_squares_hold_the_unserved_demand(service: Service) -> None:
    inputs, answer = PlannerPage(service).ask(Ask(240.0, hour=117))
    demand = np.bincount(inputs.square, weights=inputs.points.at(117))
    assert demand @ answer.now.uncovered == pytest.approx(answer.now.figures.unserved_per_h)
    assert ((answer.now.uncovered >= 0) & (answer.now.uncovered <= 1)).all()


@pytest.mark.slow
def test_a_longer_limit_never_covers_less_and_a_new_station_never_does(service: Service) -> None:
    planner_page, draft = PlannerPage(service), read_draft({"add": [NEW]})
    before = 0.0
    for minutes in range(1, 30, 4):
        _, answer = planner_page.ask(Ask(60.0 * minutes, hour=118), draft)
        assert answer.then is not None
        now, then = answer.now.figures.covered_share, answer.then.figures.covered_share
        assert now is not None
        assert then is not None
        assert before <= now <= then <= 1
        assert (answer.then.uncovered <= answer.now.uncovered + 1e-12).all()
        before = now


@pytest.mark.slow
def test_the_figures_keep_their_order(service: Service) -> None:
    planner_page = PlannerPage(service)
    for hour in (None, 3, 12, 118):
        found = planner_page.ask(Ask(300.0, hour=hour))[1].now.figures
        assert found.covered_share <= found.possible_share <= found.always_share  # type: ignore[operator]
        assert found.open_stations <= found.stations
        lost = found.always_share - found.covered_share  # type: ignore[operator]
        assert found.lost_to_hours == pytest.approx(lost)


schedules = st.lists(
    st.tuples(st.integers(0, SLOTS), st.integers(0, SLOTS)).map(sorted), min_size=0, max_size=6
)


@trying(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans=schedules, seed=st.integers(0, 2**32 - 1))
def test_the_nearest_of_each_set_is_the_nearest_of_each_quarter(
    spans: list[list[int]], seed: int
) -> None:
    """Against a loop over all 672 quarters that looks at every station."""
    rng = np.random.default_rng(seed)
    usable = np.zeros((len(spans), SLOTS), dtype=bool)
    for row, (begin, end) in enumerate(spans):
        usable[row, begin:end] = True
    seconds = rng.uniform(0, 100, (len(spans), 5)).astype(np.float32)
    reach = find_reach(seconds, usable)
    for slot in range(0, SLOTS, 7):
        nearest = seconds[usable[:, slot]].min(axis=0, initial=np.inf)
        np.testing.assert_array_equal(reach.seconds[reach.set_of[slot]], nearest)


def test_times_of_an_hour_by_hand(service: Service) -> None:
    """Each quarter counts a quarter of the hour's demand: summed by a loop over the quarters."""
    planner_page, hour = PlannerPage(service), 6 * 24 + 21
    inputs, answer = planner_page.ask(Ask(300.0, hour=hour))
    stations = inputs.snapshot.stations
    texts = [None if pd.isna(text) else str(text) for text in stations["opening_hours"]]
    week = open_week(
        texts, service.rules, day=inputs.monday,
        min_minutes_left=service.settings.min_minutes_left,
    )  # fmt: skip
    active = (stations["status"] == "active").to_numpy()
    nearest = [
        inputs.seconds[active & week.open[:, slot]].min(axis=0)
        for slot in range(4 * hour, 4 * hour + 4)
    ]
    mean = np.average(np.mean(nearest, axis=0), weights=inputs.points.at(hour))
    assert answer.now.figures.times.mean_s == pytest.approx(mean)


def test_a_new_station_is_reached_by_road(
    river: Path,  # noqa: F811 - a fixture
    store: GeoPackageStore,
    settings: Settings,
) -> None:
    """North bank, 2 minutes: the station 1 km along is 3 minutes away, the one across 10 by road.

    One in the zone's middle covers it; one on the other bank, 400 m away, covers nothing.
    """
    take(settings, store, river)
    with open_service(settings, clock=fixed_clock) as service:
        planner_page = PlannerPage(service)
        covered = {}
        for bank, lat in (("north", 34.37), ("south", 34.366)):
            draft = read_draft({"add": [NEW | {"lon": 107.1015, "lat": lat}]})
            assert draft is not None
            _, answer = planner_page.ask(Ask(120.0), draft)
            assert answer.then is not None
            covered[bank] = answer.now.figures.covered_share, answer.then.figures.covered_share
            study = the_study(service, 2.0, StationFilter(), draft.scenario).week_coverage
            assert study is not None
            assert answer.then.figures.covered_share == pytest.approx(study.week()["covered_share"])
        assert covered == {"north": (0.0, pytest.approx(1.0)), "south": (0.0, 0.0)}


# --------------------------------------------------------------- one question after the other


@pytest.mark.slow
def test_the_desk_sees_a_changed_store_and_a_new_week(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner_page = PlannerPage(service)
    first = planner_page.inputs()
    assert planner_page.inputs() is first
    later = service.now() + timedelta(days=7)
    monkeypatch.setattr(service, "now", lambda: later)
    assert planner_page.inputs().monday == first.monday + timedelta(days=7)


@pytest.mark.slow
def test_who_waits_too_long_is_told(service: Service) -> None:
    planner_page = PlannerPage(service, wait_s=0.01)
    planner_page.inputs()
    with held(planner_page.turn), pytest.raises(BusyError, match="ask again"):
        planner_page.ask(Ask(300.0))
    planner_page.ask(Ask(300.0))  # the turn was given back


def test_what_is_too_much_for_a_page_is_refused_with_the_command(service: Service) -> None:
    snapshot = service.snapshot()
    zones = snapshot.hot_zones.iloc[np.zeros(2_001, dtype=int)]
    with pytest.raises(InputError, match="locator gaps --minutes 5 --hourly"):
        check_size(replace(snapshot, hot_zones=zones))
    many = snapshot.stations.iloc[np.zeros(100_000, dtype=int)]
    with pytest.raises(InputError, match=r"100,000 stations are too much"):
        check_size(replace(snapshot, stations=many))
    with pytest.raises(InputError, match="no hot zones"):
        check_size(replace(snapshot, hot_zones=snapshot.hot_zones.iloc[:0]))
    check_size(snapshot)


# --------------------------------------------------------------------------- drafts


def test_the_file_of_a_draft_says_the_same(service: Service) -> None:
    draft = read_draft(CHANGES)
    assert draft is not None
    read = parse_scenario(draft.text, source="scenario.yaml")
    stations = service.snapshot().stations
    pd.testing.assert_frame_equal(
        pd.DataFrame(apply_scenario(stations, read)),
        pd.DataFrame(apply_scenario(stations, draft.scenario)),
    )
    assert yaml.safe_load(draft.text)["add"][0]["lon"] == NEW["lon"]


@pytest.mark.parametrize(
    "name", ["on", "null", "1e3", "- a: b", "# 注", "'\"", "{{x}}", "=1+1", "😀"]
)
def test_any_name_comes_back_from_the_file(name: str) -> None:
    draft = read_draft({"add": [NEW | {"name": name}]})
    assert draft is not None
    added = parse_scenario(draft.text, source="x.yaml").add
    assert added is not None
    assert added["name"].tolist() == [name]


@pytest.mark.parametrize("given", [None, {}, {"close": [], "add": []}, {"name": "x"}])
def test_without_a_change_there_is_no_scenario(given: object) -> None:
    assert read_draft(given) is None


# --------------------------------------------------------------------------- over HTTP


@pytest.fixture
def ask(client: FlaskClient) -> Callable[..., Any]:
    """Return a function that asks the running page's question."""

    def post(**question: object) -> Any:
        return client.post("/planner/answer", json={"minutes": 5} | question)

    return post


def test_the_answer_holds_before_and_after(ask: Callable[..., Any]) -> None:
    body = ask(hour=118, scenario=CHANGES, services=["toilet"]).get_json()
    for name in ("now", "then"):
        view = body[name]
        assert len(view["hours"]) == len(view["unserved"]) == 168
        assert set(view["squares"]) <= set("0123456789")
        assert view["figures"]["covered_share"] == pytest.approx(view["hours"][118], abs=1e-4)
    assert body["then"]["added"] == {"NEW-1": "o"}
    assert body["file"]["name"] == "scenario.yaml"
    assert body["command"] == (
        "locator gaps --minutes 5 --service toilet --hourly --week 2026-11-23 "
        "--scenario scenario.yaml --out gaps-scenario"
    )


def test_the_ground_fits_the_answer(client: FlaskClient, ask: Callable[..., Any]) -> None:
    inputs, body = client.get("/planner/inputs.json").get_json(), ask().get_json()
    assert inputs["id"] == body["id"]
    assert len(inputs["squares"]) == 2 * len(body["now"]["squares"])
    assert len(inputs["stations"]) == len(body["now"]["states"])
    assert len(inputs["zones"]) == len(body["now"]["zones"]) == len(body["zone_demand"])
    tag = client.get("/planner/inputs.json").headers["ETag"]
    again = client.get("/planner/inputs.json", headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_the_command_gives_the_numbers_of_the_page(
    ask: Callable[..., Any], cli: Callable[..., Result], tmp_path: Path, monkeypatch: Any
) -> None:
    body = ask(minutes=4, hour=118, scenario=CHANGES).get_json()
    monkeypatch.chdir(tmp_path)
    Path(body["file"]["name"]).write_text(body["file"]["text"], encoding="utf-8")
    words = body["command"].split()[1:]
    result = cli(*words)
    assert result.exit_code == 0, result.output
    tables = json.loads((tmp_path / "gaps-scenario" / "tables.json").read_text("utf-8"))
    shares = to_frame(tables["hours"])["covered_share"].tolist()
    assert shares == pytest.approx(body["then"]["hours"], abs=1e-4)


WRONG: list[tuple[object, str]] = [
    ("{", "not JSON"),
    ("[" * 60_000, "not JSON"),
    ("[]", "must be a map"),
    ('{"minutes": NaN}', "not JSON"),
    ({}, "'minutes' is missing"),
    ({"minutes": "five"}, "minutes='five' is not a number"),
    ({"minutes": True}, "minutes='true' is not a number"),
    ({"minutes": 0}, "minutes='0' must lie from 1 to 60"),
    ({"minutes": 1e300}, "must lie from 1 to 60"),
    ({"minutes": 5, "hour": 168}, "hour='168' must lie from 0 to 167"),
    ({"minutes": 5, "hour": -1}, "hour='-1' must lie from 0"),
    ({"minutes": 5, "hour": 1.5}, "whole number"),
    ({"minutes": 5, "hour": True}, "hour='true' is not a number"),
    ({"minutes": 5, "services": {"toilet": 1}}, "must be a text"),
    ({"minutes": 5, "services": ["sauna"]}, "services='sauna' must be one of"),
    ({"minutes": 5, "kinds": [5]}, "kinds='5' must be a text"),
    ({"minutes": 5, "when": 1}, "'when' is not a parameter"),
    ({"minutes": 5, "scenario": []}, "must be a map"),
    ({"minutes": 5, "scenario": {"datum": "gcj02", "close": ["x"]}}, "'datum' is not one of"),
    ({"minutes": 5, "scenario": {"close": ["no"]}}, "no such station"),
    ({"minutes": 5, "scenario": {"close": "BJ-R-001"}}, "must be a list"),
    ({"minutes": 5, "scenario": {"close": [None]}}, "close holds"),
    ({"minutes": 5, "scenario": {"hours": {"BJ-R-001": "whenever"}}}, "cannot be read"),
    ({"minutes": 5, "scenario": {"move": {"BJ-R-001": [107]}}}, "longitude, latitude"),
    ({"minutes": 5, "scenario": {"move": {"BJ-R-001": [34.3, 107.1]}}}, "BJ-R-001"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"lat": 95}]}}, "lat"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"lat": 1e400}]}}, "not JSON"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"kind": "palace"}]}}, "kind"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"colour": "red"}]}}, "not 'colour'"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"id": "BJ-R-001"}]}}, "which the register has"),
    ({"minutes": 5, "scenario": {"add": [NEW, NEW]}}, "NEW-1"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"name": "a\nb"}]}}, "cannot be written"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"name": "\ud800"}]}}, "cannot be written"),
    ({"minutes": 5, "scenario": {"add": [NEW | {"name": "长" * 201}]}}, "more than 200 letters"),
    ({"minutes": 5, "scenario": {"add": [{"id": f"N{n}"} for n in range(51)]}}, "page takes 50"),
    ({"minutes": 5, "scenario": {"close": [f"N{n}" for n in range(201)]}}, "page takes 200"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("body", "says"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_a_wrong_question_gets_one_sentence(client: FlaskClient, body: object, says: str) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = client.post("/planner/answer", data=text, content_type="application/json")
    assert answer.status_code == 400
    assert says in answer.get_json()["error"]


def test_a_question_is_json_and_short(client: FlaskClient) -> None:
    form = client.post("/planner/answer", data={"minutes": 5})
    assert (form.status_code, "application/json" in form.get_json()["error"]) == (400, True)
    long = client.post("/planner/answer", data=" " * 70_000, content_type="application/json")
    assert long.status_code == 413
    assert client.get("/planner/answer").status_code == 405


@pytest.mark.slow
def test_fifty_stations_are_answered(ask: Callable[..., Any]) -> None:
    added = [NEW | {"id": f"N{n}", "lon": 107.0 + n / 100} for n in range(MAX_ADDED)]
    answer = ask(scenario={"add": added})
    assert answer.status_code == 200
    assert len(answer.get_json()["then"]["added"]) == MAX_ADDED


@pytest.mark.slow
def test_a_busy_desk_says_so_and_when_to_come_back(client: FlaskClient) -> None:
    client.post("/planner/answer", json={"minutes": 5})
    planner_page = client.application.extensions["locator.planner_page"]
    planner_page._wait_s = 0.01
    english = {"Accept-Language": "en"}
    with held(planner_page.turn):
        answer = client.post("/planner/answer", json={"minutes": 5}, headers=english)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert "try again" in answer.get_json()["error"]


def test_a_store_that_is_too_much_gets_a_sentence(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locator.planner.inputs.MAX_PAIRS", 1_000)
    page = client.get("/planner")
    assert page.status_code == 200
    assert "locator gaps --minutes 5 --hourly" in page.text
    assert "planner.js" not in page.text
    answer = client.post("/planner/answer", json={"minutes": 5})
    assert answer.status_code == 400
    assert "too much for a page" in answer.get_json()["error"]


@pytest.mark.parametrize(("asked", "heading"), [("zh-CN", "覆盖试算"), ("en", "Try out coverage")])
def test_the_page_speaks_both_languages(client: FlaskClient, asked: str, heading: str) -> None:
    page = client.get("/planner", headers={"Accept-Language": asked})
    assert f"<h1>{heading}</h1>" in page.text
    assert "'unsafe" not in page.headers["Content-Security-Policy"]


def test_a_riders_phone_keeps_nothing_of_it(client: FlaskClient) -> None:
    assert "planner" not in client.get("/sw.js").text.split(";\n", 1)[0]
    assert "planner.css" not in client.get("/").text
