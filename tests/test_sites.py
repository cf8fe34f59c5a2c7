"""Where next, as a study: worked out on paper, held against every selection, and honest."""

import dataclasses
import itertools
import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from locator.datum import geodesic_m
from locator.errors import InputError, SitingError
from locator.report.folder import TABLES_OF
from locator.schema import Amenity, Kind
from locator.service import Service
from locator.siting import Effort, Progress
from locator.study import SiteAnswer, SiteQuestion, site_inputs, solve_sites
from locator.study.sites_compare import compare_sites
from locator.study.sites_gains import hours_words
from locator.study.sites_prices import Prices
from locator.study.sites_setup import drawn_nearer
from tests.line_city import (
    CANDIDATES,
    EVENING,
    NOON,
    S2_HOURS,
    line_candidates,
    line_inputs,
)


def answer(service: Service, **asked: object) -> SiteAnswer:
    """Answer a question about the street, its candidates from a file."""
    asked.setdefault("candidates", "file")
    asked.setdefault("runs", 0)
    given = asked.pop("given", None)
    question = SiteQuestion(**asked)  # type: ignore[arg-type]
    return solve_sites(service, line_inputs(service, given), question)  # type: ignore[arg-type]


def ids(found: SiteAnswer) -> list[str]:
    return list(found.sites["id"])


def test_two_at_noon_and_two_in_the_evening_differ(service: Service) -> None:
    """At noon S1 and S2 cover 65 of 125: C1 adds 50, C3 10, C2 nothing after C1.

    In the evening S2 is closed and 40 are covered: C1 adds 50, C2 25 (and 45 alone), C3 10.
    """
    noon, evening = answer(service, new=2, at=NOON), answer(service, new=2, at=EVENING)
    assert ids(noon) == ["C1", "C3"]
    assert list(noon.sites["gain"]) == [50.0, 10.0]
    assert (noon.figures["covered_before"], noon.figures["covered_after"]) == (65.0, 125.0)
    assert ids(evening) == ["C1", "C2"]
    assert list(evening.sites["gain"]) == [50.0, 25.0]
    assert list(evening.sites["gain_alone"]) == [50.0, 45.0]
    assert list(evening.sites["lost_if_dropped"]) == [30.0, 25.0]
    assert evening.figures["objective"] == pytest.approx(115.0)
    for found in (noon, evening):
        assert found.figures["status"] == "optimal"
        assert found.figures["gap_added"] == 0.0
        assert found.figures["bound"] == pytest.approx(found.figures["objective"])


def test_the_reasons_are_read_from_the_data(service: Service) -> None:
    """C2 in the evening covers S2's demand, which S2 is too closed to serve; C1's has nobody."""
    first, second = answer(service, new=2, at=EVENING).sites.to_dict("records")
    assert first["reason"] == "none_near"
    assert first["nearest_station_id"] == "S2"  # 1.8 km at 3.846 m/s
    assert first["nearest_ride_s"] == pytest.approx(1800 * 1.3 / 5, rel=1e-3)
    assert second["reason"] == "closed_then"
    assert second["then_station_id"] == "S2"
    assert second["then_station_hours"] == "Mo-Fr 08:00-18:00"
    assert "station two: Mon–Fri 8:00–18:00" in second["why_en"]
    assert "station two”：周一至周五 8:00–18:00" in second["why_zh"]
    assert "不开放" in second["why_zh"]
    assert "no station is within 5 min" in first["why_en"]
    assert "(measured from the new post, the nearest, " in first["why_en"]
    assert "（从新站点出发，最近的现有站点“" in first["why_zh"]


def test_what_differs_between_two_moments_is_said_with_its_cause(service: Service) -> None:
    question = SiteQuestion(new=2, candidates="file", runs=0, curve=False)
    compared = compare_sites(service, line_inputs(service), question, (NOON, EVENING))
    rows = {row["id"]: row for row in compared.table.to_dict("records")}
    assert list(rows) == ["C1", "C3", "C2"]
    assert rows["C1"]["why_en"] == "Chosen at both moments."
    there = rows["C2"]
    assert there["rank"] is None
    assert there["other_rank"] == 2
    assert (there["demand"], there["covered"], there["other_covered"]) == (45.0, 25.0, 0.0)
    assert there["open_only_then"] == "=cmd|station two"
    assert "stations open there at 12:00 but not at 20:00: =cmd|station two" in there["why_en"]
    assert "other places that need one more" in rows["C3"]["why_en"]


@pytest.mark.parametrize("moments", [(), (NOON,), (NOON, NOON)])
def test_a_comparison_needs_two_moments(service: Service, moments: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="two or more different"):
        compare_sites(service, line_inputs(service), SiteQuestion(new=1), moments)


@pytest.mark.slow
def test_the_shipped_citys_noon_and_night_differ_and_it_says_why(service: Service) -> None:
    question = SiteQuestion(new=8, runs=0, curve=False)
    moments = ("2026-11-23T12:00", "2026-11-23T22:00")
    compared = compare_sites(service, site_inputs(service), question, moments)
    noon, night = (set(one.sites["id"]) for one in compared.answers)
    assert len(noon) == len(night) == 8
    assert len(noon & night) < 8
    for found in compared.answers:
        assert found.figures["status"] == "optimal"
    table = compared.table
    assert set(table["id"]) == noon | night
    only_night = table[table["rank"].isna()]
    # What is chosen at night alone is covered at noon by stations that close, or demand has moved.
    assert (only_night["covered"] >= only_night["other_covered"]).all()
    assert (only_night["covered"] > only_night["other_covered"]).sum() > len(only_night) / 2
    closed = only_night[only_night["covered"] > only_night["other_covered"]]
    assert closed["open_only_then"].notna().all()
    # What is chosen at noon alone has more uncovered demand then.
    only_noon = table[table["other_rank"].isna()]
    assert (only_noon["uncovered"] > only_noon["other_uncovered"]).all()
    assert table["why_en"].str.contains("demand has moved|but not at|both|other places").all()


def test_a_week_counts_orders_in_every_quarter_hour(service: Service) -> None:
    """C1: 50 x 168; C2 then 25 x (168 - 48.75), while S2 is closed; C3 would be 10 x 168."""
    found = answer(service, new=2, hourly=True, week_of="2026-11-23")
    assert ids(found) == ["C1", "C2"]
    assert list(found.sites["gain"]) == pytest.approx([8400.0, 25 * (168 - S2_HOURS)])
    before = 40 * 168 + 25 * S2_HOURS
    assert found.figures["covered_before"] == pytest.approx(before)
    assert found.figures["objective"] == pytest.approx(before + 8400 + 25 * (168 - S2_HOURS))
    by_hour = found.gains.by_hour
    assert by_hour is not None
    assert by_hour.sum(axis=1) == pytest.approx(found.sites["gain"])
    assert by_hour[1, 12] == 0.0  # Monday noon: S2 is there
    assert by_hour[1, 17] == pytest.approx(25 / 4)  # it closes within 15 min of the last quarter
    assert by_hour[1, 20] == pytest.approx(25.0)
    words = found.sites["gain_hours"].iloc[1]
    assert words == "Mo-Fr 00:00-08:00,17:00-24:00; Sa-Su 00:00-24:00"


def test_a_new_post_that_closes_gains_only_while_it_is_open(service: Service) -> None:
    found = answer(service, new=1, hourly=True, hours="Mo-Su 08:00-22:00")
    # 14 h less the last quarter of each day
    assert found.sites["gain"].iloc[0] == pytest.approx(50 * 7 * 13.75)
    assert answer(service, new=1, at=EVENING, hours="Mo-Su 08:00-19:00").figures["added"] == 0.0


PRICES = Prices(
    new_post=(4.0, "24/7"),
    extend_hours=((2.0, "24/7"),),
    add_service=1.0,
    add_cabinet=(3.0, "24/7"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "options"),
    [
        (1.0, []),
        (2.0, [("S2", "extend_hours")]),
        (4.0, [("C1", "new_post")]),
        (6.0, [("C1", "new_post"), ("S2", "extend_hours")]),
        (10.0, [("C1", "new_post"), ("S2", "extend_hours"), ("C3", "new_post")]),
    ],
)
def test_the_best_mix_under_a_budget(
    service: Service, budget: float, options: list[tuple[str, str]]
) -> None:
    """Of a week: S2 around the clock 2981 for 2, C1 8400 for 4, C3 1680 for 4."""
    found = answer(service, budget=budget, hourly=True, prices=PRICES)
    assert list(zip(found.sites["id"], found.sites["option"], strict=True)) == options
    assert (found.figures["cost"] or 0.0) <= budget
    assert found.figures["status"] == "optimal"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_the_mix_is_the_best_of_all_mixes(service: Service, seed: int) -> None:
    """Against every set of options, a week's quarter-hours counted one by one."""
    rng = np.random.default_rng(seed)
    points = [
        (float(km), float(w))
        for km, w in zip(rng.uniform(-1, 9, 9), rng.integers(1, 40, 9), strict=True)
    ]
    quarter = np.arange(672)
    day, clock = quarter // 96, quarter % 96 / 4
    always = np.ones(672, dtype=bool)
    office = (day < 5) & (clock >= 8) & (clock < 17.75)  # 15 minutes must be left at its middle
    late = (clock >= 8) & (clock < 21.75)
    options = [(CANDIDATES[name], late, 4.0, name) for name in CANDIDATES]
    options += [
        (km, hours & ~own, cost, name)
        for km, own, name in ((0.0, always, "S1"), (5.0, office, "S2"))
        for hours, cost in ((late, 1.5), (always, 3.0))
    ]
    stations = [(0.0, always), (5.0, office)]
    reach = 300 * 5 / 1.3 / 1000

    def covered(taken: tuple[int, ...]) -> float:
        total = 0.0
        for km, weight in points:
            hours = np.zeros(672, dtype=bool)
            for at, own in [*stations, *((options[o][0], options[o][1]) for o in taken)]:
                if abs(at - km) <= reach:
                    hours |= own
            total += weight * hours.sum() / 4
        return total

    budget = float(rng.choice([2.0, 3.0, 5.5, 7.0, 9.0]))
    best = 0.0
    for count in range(5):
        for taken in itertools.combinations(range(len(options)), count):
            names = [options[o][3] for o in taken]
            if len(set(names)) == len(names) and sum(options[o][2] for o in taken) <= budget:
                best = max(best, covered(taken))
    prices = Prices(
        new_post=(4.0, "Mo-Su 08:00-22:00"),
        extend_hours=((1.5, "Mo-Su 08:00-22:00"), (3.0, "24/7")),
    )
    question = SiteQuestion(
        budget=budget, hourly=True, prices=prices, candidates="file", runs=0, curve=False
    )
    found = solve_sites(service, line_inputs(service, points=points), question)
    assert found.figures["objective"] == pytest.approx(best, rel=1e-6)
    assert found.figures["status"] == "optimal"
    assert found.figures["covered_before"] == pytest.approx(covered(()))


def test_the_curve_begins_where_the_rules_can_be_kept(service: Service) -> None:
    curve = answer(service, new=2, at=EVENING, forced_in=("C2", "C3")).curve
    assert list(curve[curve["nested"]]["limit"]) == [2.0, 3.0]


def test_without_demand_nothing_is_chosen_and_it_is_said(service: Service) -> None:
    question = SiteQuestion(new=2, candidates="file", runs=2)
    inputs = line_inputs(service, points=[(3.0, 0.0), (8.0, 0.0)])
    found = solve_sites(service, inputs, question)
    assert found.sites.empty
    assert found.figures["covered_share_after"] is None
    assert any("no demand" in note for note in found.notes)


def test_a_service_that_lacks_may_be_added(service: Service) -> None:
    """With hot water only S1 counts: at noon S2 gains its 25 for 1, by its own hours."""
    asked = {"services": (Amenity.HOT_WATER,), "prices": PRICES}
    noon = answer(service, budget=1.0, at=NOON, **asked)
    assert list(noon.sites["option"]) == ["add_service"]
    assert list(noon.sites["gain"]) == [25.0]
    assert noon.sites["reason"].iloc[0] == "service_missing"
    evening = answer(service, budget=1.0, at=EVENING, **asked)
    assert ids(evening) == []
    both = answer(service, budget=3.0, at=EVENING, **asked)
    assert list(both.sites["option"]) == ["add_service_and_hours"]
    assert list(both.sites["cost"]) == [3.0]


def test_a_cabinet_may_stand_beside_a_station(service: Service) -> None:
    """Nobody swaps batteries: C1 would reach 50, S1 40, S2 25."""
    asked = {"services": (Amenity.BATTERY_SWAP,), "prices": PRICES, "at": NOON}
    found = answer(service, budget=6.0, **asked)
    assert list(zip(found.sites["id"], found.sites["option"], strict=True)) == [
        ("C1", "add_cabinet"),
        ("S1", "add_cabinet"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({"model": "lscp", "share": 0.8}, ["C1"]),  # 115 of 125 with C1
        ({"model": "lscp"}, ["C1", "C3"]),
        ({"model": "p-median", "new": 1}, ["C1"]),
        ({"model": "p-center", "new": 1}, ["C3"]),  # the point at 8 km is the farthest
        ({"model": "capacitated", "new": 1, "capacity_per_h": 30.0}, ["C1"]),  # 30 of 50
        ({"model": "backup", "new": 1}, ["C1"]),
    ],
)
def test_every_model_answers(service: Service, asked: dict[str, object], chosen: list[str]) -> None:
    found = answer(service, **asked)
    assert ids(found) == chosen
    assert found.figures["status"] == "optimal"


def test_mean_times_are_seconds_of_a_rider(service: Service) -> None:
    """A point beyond an hour's ride counts an hour; all are nearer here.

    Before: 0 km 0 s (1 ms), 3.0 km to S2 2 km, 3.5 km 1.5 km, 5 km 0, 8 km 3 km; 0.26 s a metre.
    """
    found = answer(service, model="p-median", new=1)
    before = 0.26 * (30 * 2000 + 20 * 1500 + 10 * 3000) / 125
    after = 0.26 * (30 * 200 + 20 * 300 + 10 * 3000) / 125
    assert found.figures["mean_s_before"] == pytest.approx(before, rel=1e-3)
    assert found.figures["mean_s_after"] == pytest.approx(after, rel=1e-3)
    assert found.figures["gap_added"] == pytest.approx(0.0, abs=1e-6)


def test_rules_are_kept(service: Service) -> None:
    assert "C2" in ids(answer(service, new=1, forced_in=("C2",)))
    assert ids(answer(service, new=1, forced_out=("C1",))) == ["C2"]
    assert ids(answer(service, new=2, at=EVENING, apart_m=1500.0)) == ["C1", "C3"]
    assert ids(answer(service, new=3, existing=False))[:2] == ["C1", "C2"]
    west = (107.0, 34.0, 107.14, 34.6)
    assert ids(answer(service, new=3, bbox=west)) == ["C1"]


def test_a_rule_that_cannot_be_kept_is_named_by_ids(service: Service) -> None:
    with pytest.raises(SitingError, match="610302 needs 4 sites"):
        answer(service, new=5, at_least=(("610302", 4),))
    with pytest.raises(InputError, match="no district '1'"):
        answer(service, new=5, at_least=(("1", 1),))
    with pytest.raises(InputError, match="'C9' is forced"):
        answer(service, new=1, forced_in=("C9",))
    with pytest.raises(SitingError, match="Candidates C1 and C2 are both forced"):
        answer(service, new=2, forced_in=("C1", "C2"), apart_m=5000.0)


def test_a_post_of_no_known_capacity_needs_one(service: Service) -> None:
    with pytest.raises(InputError, match="'C1' has no capacity"):
        answer(service, model="capacitated", new=1)
    given = line_candidates(capacity=[20, 20, 20])
    found = answer(service, model="capacitated", new=1, given=given)
    assert found.figures["added"] == pytest.approx(20.0)


@pytest.mark.slow
def test_the_choice_is_the_best_of_every_selection(service: Service) -> None:
    """Of the shipped city, against every pair of a coarse grid, distances by the geodesic."""
    question = SiteQuestion(new=2, at="2026-11-23T22:00", spacing_m=900.0, runs=0, curve=False)
    found = solve_sites(service, site_inputs(service), question)
    points, demand = found.setup.basis.points.lonlat, found.setup.demand[:, 0]
    lonlat = found.setup.candidates.lonlat

    def within(places: np.ndarray) -> np.ndarray:
        metres = geodesic_m(
            points[:, None, 0], points[:, None, 1], places[None, :, 0], places[None, :, 1]
        )
        return metres * 1.3 / 5.0 <= 300.0

    snapshot = service.snapshot()
    served = within(snapshot.index.lonlat[found.setup.open[:, 0]]).any(axis=1)
    reach = within(lonlat)
    best = max(
        float(demand[served | reach[:, a] | reach[:, b]].sum())
        for a, b in itertools.combinations(range(len(lonlat)), 2)
    )
    assert found.figures["objective"] == pytest.approx(best)
    assert found.figures["covered_before"] == pytest.approx(float(demand[served].sum()))


def test_the_curve_is_certified_and_nested_is_never_above_free(service: Service) -> None:
    found = answer(service, new=2, at=EVENING)
    curve = found.curve
    assert set(curve["by"]) == {"new"}
    nested = curve[curve["nested"]].set_index("limit")
    free = curve[~curve["nested"]].set_index("limit")
    assert list(nested["covered"]) == [90.0, 115.0, 125.0]
    assert (nested["covered"] <= free["covered"] + 1e-9).all()
    assert (curve["bound"] >= curve["covered"]).all()
    assert list(nested["marginal"]) == [50.0, 25.0, 10.0]
    assert free.loc[2.0, "ids"] == "C1;C2"


@pytest.mark.slow
def test_a_curve_by_budget_begins_where_nothing_can_be_paid(service: Service) -> None:
    curve = answer(service, budget=8.0, hourly=True, prices=PRICES).curve
    assert set(curve["by"]) == {"budget"}
    assert curve["limit"].max() == 12.0
    assert curve.groupby("nested")["covered"].apply(lambda c: c.is_monotonic_increasing).all()
    assert (curve["bound"] >= curve["covered"] - 1e-9).all()
    free = curve[~curve["nested"]].set_index("limit")
    assert free.loc[1.0, "added"] == 0.0
    assert free.loc[2.0, "added"] == pytest.approx(25 * (168 - S2_HOURS))


def test_how_often_a_site_stays_chosen(service: Service) -> None:
    """C1 leads whatever varies; the seed fixes the runs."""
    found = answer(service, new=1, at=EVENING, runs=12)
    table = found.sensitivity.set_index("id")
    assert table.loc["C1", "runs"] == 12
    assert table.loc["C1", "chosen"]
    assert table.loc["C1", "kept_share_speed"] == 1.0
    assert found.sites["kept_share"].iloc[0] == table.loc["C1", "kept_share"]
    again = answer(service, new=1, at=EVENING, runs=12)
    pd.testing.assert_frame_equal(found.sensitivity, again.sensitivity)
    assert (table["kept"] <= table["runs"]).all()


@pytest.mark.slow
def test_of_equal_choices_the_answers_own_stays(service: Service) -> None:
    """Five candidates at one place: another of them is no change of mind."""
    question = SiteQuestion(new=3, spacing_m=60.0, at="2026-11-23T12:00", runs=6, curve=False)
    found = solve_sites(service, site_inputs(service), question)
    threshold = found.sensitivity[found.sensitivity["chosen"]]["kept_share_threshold"]
    assert threshold.max() == 1.0


def test_progress_runs_from_nothing_to_all_and_a_stop_is_obeyed(service: Service) -> None:
    told: list[Progress] = []
    question = SiteQuestion(new=2, candidates="file", runs=3)
    found = solve_sites(
        service, line_inputs(service), question, effort=Effort(progress=told.append)
    )
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert {"setup", "curve", "varied runs", "done"} <= {progress.phase for progress in told}
    assert not any("Stopped" in note for note in found.notes)
    stopped = solve_sites(
        service, line_inputs(service), question, effort=Effort(cancelled=lambda: True)
    )
    assert len(stopped.sites) <= 2
    assert stopped.figures["bound"] >= stopped.figures["objective"]
    assert stopped.curve.empty
    assert tuple(stopped.sensitivity.columns) == TABLES_OF["sensitivity"]
    assert any("Stopped early" in note for note in stopped.notes)


QUESTIONS = (
    SiteQuestion(new=8),
    SiteQuestion(budget=60.0, hourly=True, week_of="2026-11-23", prices=Prices()),
    SiteQuestion(
        model="lscp",
        share=0.9,
        at=NOON,
        services=(Amenity.HOT_WATER,),
        kinds=(Kind.REST_POST,),
        candidates="venues",
        forced_in=("a",),
        forced_out=("b",),
        at_least=(("610302", 2),),
        apart_m=300.0,
        existing=False,
        bbox=(107.0, 34.0, 108.0, 35.0),
    ),
    SiteQuestion(model="capacitated", new=3, capacity_per_h=30.0, runs=0, seed=7, gap=0.01),
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_goes_through_json_unchanged(question: SiteQuestion) -> None:
    text = json.dumps(question.to_json(), allow_nan=False)
    assert SiteQuestion.from_json(json.loads(text)) == question


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "object with keys"),
        ({}, "how many new sites"),
        ({"new": 8, "colour": "red"}, "'colour' is not a parameter"),
        ({"new": 8.5}, "whole number"),
        ({"new": True}, "new='true' is not a number"),
        ({"new": -1}, "new='-1' must lie"),
        ({"new": 8, "minutes": 0}, "minutes='0' must be above 0"),
        ({"new": 8, "minutes": "five"}, "is not a number"),
        ({"new": 8, "minutes": float("nan")}, "minutes='NaN' is not a number"),
        ({"new": 8, "model": "best"}, "must be one of mclp"),
        ({"new": 8, "share": 0.9}, "goes with the model lscp"),
        ({"model": "lscp", "share": 1.5}, "share='1.5' is not a share"),
        ({"model": "lscp", "new": 3}, "take no number"),
        ({"new": 8, "at": NOON, "hourly": True}, "not for both"),
        ({"new": 8, "week_of": "2026-11-23"}, "week is named"),
        ({"new": 8, "hourly": True, "week_of": "tomorrow"}, "not a date"),
        ({"new": 8, "hourly": True, "model": "p-median"}, "one hour or none"),
        ({"new": 8, "services": ["sauna"]}, "must be one of"),
        ({"new": 8, "kinds": "pub"}, "must be one of"),
        ({"new": 8, "hours": "whenever"}, "no opening hours"),
        ({"new": 8, "candidates": "/etc/passwd"}, "must be one of grid"),
        ({"new": 8, "spacing_m": 1}, "spacing_m='1' must"),
        ({"new": 8, "forced_in": ["a"], "forced_out": ["a"]}, "forced in and forced out"),
        ({"new": 8, "at_least": [["610302"]]}, "id and a number"),
        ({"new": 8, "bbox": [1, 2, 3]}, "west,south"),
        ({"new": 8, "bbox": [3, 2, 1, 4]}, "west,south"),
        ({"new": 8, "capacity_per_h": 3}, "capacitated alone"),
        ({"new": 8, "runs": 10**9}, "runs='1000000000'"),
        ({"new": 8, "gap": 1}, "gap='1' must"),
        ({"new": 8, "time_limit_s": 0}, "time_limit_s='0' must"),
        ({"new": 8, "prices": {"new_post": 3}}, "needs a cost"),
        ({"new": 8, "prices": {}}, "offers nothing"),
    ],
)
def test_a_wrong_question_is_refused_in_one_sentence(given: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        SiteQuestion.from_json(given)
    assert str(caught.value).count("\n") == 0


WORDS = st.text(alphabet="aM=0:-/\n\x00驿", max_size=8)
NUMBERS = st.integers() | st.floats() | st.booleans()
VALUES = st.recursive(
    st.none() | NUMBERS | WORDS | st.sampled_from(["24/7", "2026-11-23", "lscp"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted(SiteQuestion(new=1).to_json()))


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_whatever_a_page_sends_is_a_question_or_one_sentence(given: dict[str, object]) -> None:
    with suppress(InputError):
        question = SiteQuestion.from_json({"new": 1} | given)
        assert SiteQuestion.from_json(json.loads(json.dumps(question.to_json()))) == question


def test_a_horizon_is_drawn_nearer_by_whole_minutes() -> None:
    """Ten times of 30, 90, ..., 570 s: four are within 240 s; the standard is never cut."""
    times = csr_array(np.arange(30.0, 600.0, 60.0)[None, :])
    kept, horizon_s = drawn_nearer(times, 3600.0, 60.0, most=4)
    assert horizon_s == 240.0
    assert list(kept.data) == [30.0, 90.0, 150.0, 210.0]
    assert drawn_nearer(times, 3600.0, 400.0, most=4)[1] == 400.0
    assert drawn_nearer(times, 3600.0, 60.0, most=10)[1] == 3600.0


def test_every_field_of_a_question_is_read() -> None:
    names = {one.name for one in dataclasses.fields(SiteQuestion)}
    assert set(SiteQuestion(new=1).to_json()) == names
    for name in names:
        with pytest.raises(InputError):  # no field takes an object of nothing
            SiteQuestion.from_json({"new": 1} | {name: {}})


def test_an_answer_for_a_page_is_geojson_without_nan(service: Service) -> None:
    found = answer(service, new=2, at=NOON, runs=2)
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert plain["type"] == "FeatureCollection"
    assert [f["properties"]["id"] for f in plain["features"]] == ["C1", "C3"]
    assert SiteQuestion.from_json(plain["question"]) == found.question
    assert plain["figures"]["gap_added"] == 0.0
    assert plain["curve"]["columns"][0] == "by"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ((), ""),
        (range(168), "Mo-Su 00:00-24:00"),
        ((8, 9, 32, 33), "Mo-Tu 08:00-10:00"),
        ((8, 56), "Mo,We 08:00-09:00"),
        ((0, 23), "Mo 00:00-01:00,23:00-24:00"),
    ],
)
def test_hours_in_words(hours: object, words: str) -> None:
    flags = np.zeros(168, dtype=bool)
    flags[list(hours)] = True  # type: ignore[call-overload]
    assert hours_words(flags) == words
