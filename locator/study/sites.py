"""Where next: from a question and its inputs to the sites chosen, and to one folder of results."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.coverage import Scenario
from locator.errors import SitingError
from locator.hours_words import week_words
from locator.register import AS_IT_IS, Mapping, ReadOptions, RejectedRow, read_table
from locator.register.candidates import CandidatesRead, parse_candidates
from locator.report.folder import TABLES_OF, SiteFigures
from locator.schema import Datum, drop_unusable
from locator.service import Service
from locator.siting import Curve, Effort, Progress, Siting, Stopped, trace_curve
from locator.study.checkpoints import to_plain
from locator.study.gaps import change_inputs, gaps_inputs, unread_words, warning_words
from locator.study.measure import GapsInputs
from locator.study.sites_gains import Gains, find_gains
from locator.study.sites_question import SiteQuestion
from locator.study.sites_sensitivity import vary
from locator.study.sites_setup import SiteInputs, SiteSetup, make_setup
from locator.study.sites_solve import Solved, part_of, solve_ground
from locator.study.sites_table import make_sites

Made = tuple[pd.DataFrame, list[str]]  # a table, and what could not be done
Keep = Callable[[str, Callable[[], Made]], Made]
_VERBS = {"p-median": "saved"}
_PHASES = {"curve": "curve", "sensitivity": "varied runs"}


_MOST_POINTS = 24
_BEYOND = 1.5  # past what was asked: what one more would bring
_STEPS = 12  # of a budget


@dataclass(frozen=True, eq=False)
class SiteAnswer:
    """What a siting study found; no files.

    Attributes
    ----------
    question
        What was asked.
    sites
        The chosen options, EPSG:4326, the columns of
        :data:`locator.report.folder.SITE_COLUMNS`.
    figures
        Objective, baseline, bound, gap, status, seconds.
    curve, sensitivity
        Tables of the same names, empty where they were not asked for.
    notes
        Sentences on what the figures rest on.
    setup, solved, gains
        What lies behind it: demand, candidates, the model's answer with its certificate.
    rejected_candidates
        Rows of the file of candidates that were none.
    """

    question: SiteQuestion
    sites: gpd.GeoDataFrame
    figures: SiteFigures
    curve: pd.DataFrame
    sensitivity: pd.DataFrame
    notes: tuple[str, ...]
    setup: SiteSetup
    solved: Solved
    gains: Gains
    rejected_candidates: int = 0

    @property
    def siting(self) -> Siting:
        """Return the model's own answer, with its certificate."""
        return self.solved.siting

    def to_json(self) -> dict[str, object]:
        """Return the chosen sites as GeoJSON with everything a page shows beside them.

        Text from people is in it as data: show it with ``textContent``.
        """
        plain = to_plain(pd.DataFrame(self.sites.drop(columns="geometry")))
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
                "properties": row | _hours_said(row["hours"]),
            }
            for row in (dict(zip(plain["columns"], cells, strict=True)) for cells in plain["rows"])
        ]
        return {
            "type": "FeatureCollection",
            "features": features,
            "question": self.question.to_json(),
            "figures": dict(self.figures),
            "curve": to_plain(self.curve),
            "sensitivity": to_plain(self.sensitivity),
            "notes": list(self.notes),
        }


def _hours_said(text: object) -> dict[str, str]:
    hours = str(text) if text else None
    return {"hours_zh": week_words(hours, "zh"), "hours_en": week_words(hours, "en")}


def site_inputs(
    service: Service,
    *,
    candidates: Path | None = None,
    candidates_datum: Datum = Datum.WGS84,
    candidates_mapping: Mapping | None = None,
    candidates_options: ReadOptions = AS_IT_IS,
    scenario: Scenario | None = None,
    **measured: object,
) -> SiteInputs:
    """Read what a siting study needs.

    Parameters
    ----------
    candidates
        A file of candidate sites (CSV, XLSX, GeoJSON, GeoPackage), in ``candidates_datum``.
    scenario
        The register as it might be: stations closed, opened, moved, added.
    measured
        As :func:`locator.study.gaps_inputs` takes it: ``hot_zones``, ``points``, ``as_of``, ...

    Raises
    ------
    InputError
        A file or the scenario cannot be read or does not fit, or there is nothing to measure.
    """
    inputs: GapsInputs = gaps_inputs(service, **measured)  # type: ignore[arg-type]
    read: CandidatesRead | None = None
    notes: tuple[str, ...] = ()
    if scenario is not None:
        inputs = change_inputs(service, inputs, scenario)
        notes = (f"Stations as the scenario {scenario.name!r} has them.",)
    if candidates is not None:
        named = (
            frozenset(candidates_mapping.columns.values()) if candidates_mapping else frozenset()
        )
        table = read_table(candidates, columns=named, options=candidates_options)
        read = parse_candidates(table, datum=candidates_datum, mapping=candidates_mapping)
        notes += (f"Candidates: {len(read.candidates):,} of {candidates.name}.",)
        notes += unread_words(candidates.name, read.unread_columns)
        notes += warning_words(candidates.name, read.warnings)
        if read.rejected:
            notes += (_rejected_words(candidates, read.rejected),)
    _, layers = service.store.read_all("candidates")
    stored, unusable = drop_unusable(layers["candidates"], "candidates")
    notes += unusable
    return SiteInputs(
        measured=inputs,
        stored=stored,
        given=None if read is None else read.candidates,
        rejected=() if read is None else read.rejected,
        header=() if read is None else read.header,
        notes=notes,
    )


def _rejected_words(path: Path, rejected: tuple[RejectedRow, ...]) -> str:
    fault = rejected[0].faults[0]
    many = len(rejected)
    return (
        f"{many:,} {'row' if many == 1 else 'rows'} of {path.name} cannot be candidates; the first "
        f"is row {rejected[0].row.number}, {fault.column} {fault.value[:40]!r}: {fault.reason}."
    )


def _make(_name: str, make: Callable[[], Made]) -> Made:
    return make()


def solve_sites(
    service: Service,
    inputs: SiteInputs,
    question: SiteQuestion,
    *,
    effort: Effort | None = None,
    keep: Keep = _make,
) -> SiteAnswer:
    """Choose sites, say why there, and how far from the best the choice can be.

    Parameters
    ----------
    effort
        Who may stop it (``cancelled``) and who is told (``progress``: shares of the whole run);
        how long and how close are the question's. The curve and the varied runs take up to as
        long again, and are left out once it is cancelled.
    keep
        Makes a table, or takes up one that was made before.

    Raises
    ------
    InputError
        The question does not fit the inputs.
    SitingError
        No selection keeps the rules, or none was found in time; the sentence says which rule.
    """
    effort = replace(effort or Effort(), time_limit_s=question.time_limit_s, gap=question.gap)
    effort.progress(Progress("setup", 0.0, 0.0, None, None))
    setup = make_setup(service, inputs, question)
    solved = solve_ground(setup, part_of(effort, "", 0.05, 0.5, question.time_limit_s))
    gains = find_gains(setup, solved.siting.chosen)
    (curve, no_curve), (sensitivity, no_runs) = _extras(setup, solved, effort, keep)
    figures = _figures(setup, solved, gains)
    sites = make_sites(setup, solved, gains, sensitivity)
    effort.progress(Progress("done", 0.0, 1.0, figures["objective"], figures["bound"]))
    notes = [*setup.notes, *no_curve, *no_runs, *_warnings(solved.siting)]
    if setup.total <= 0:
        notes.append("There is no demand to cover: nothing can be gained.")
    return SiteAnswer(
        question=question,
        sites=sites,
        figures=figures,
        curve=curve,
        sensitivity=sensitivity,
        notes=tuple(notes),
        setup=setup,
        solved=solved,
        gains=gains,
        rejected_candidates=len(inputs.rejected),
    )


def _extras(setup: SiteSetup, solved: Solved, effort: Effort, keep: Keep) -> tuple[Made, Made]:
    """Make the curve and the varied runs, unless somebody has said stop."""
    half_s = effort.time_limit_s / 2
    made = []
    for name, make, begin, end in (
        ("curve", trace_curves, 0.5, 0.7),
        ("sensitivity", vary, 0.7, 1.0),
    ):
        phase = _PHASES[name]
        if solved.siting.stopped == "cancelled" or effort.cancelled():
            empty = pd.DataFrame(columns=list(TABLES_OF[name]))
            made.append((empty, [f"Stopped early: no {phase}."]))
            continue
        part = part_of(effort, phase, begin, end, half_s)
        made.append(keep(name, partial(make, setup, solved, part)))
    return made[0], made[1]


def _figures(setup: SiteSetup, solved: Solved, gains: Gains) -> SiteFigures:
    """Return the figures of an answer, times as means or longest, demand in the setup's unit."""
    siting, asked, total = solved.siting, setup.question, setup.total
    before = float(setup.demand[setup.served].sum())
    after = float(setup.demand[gains.covered].sum())
    alike = bool((setup.actions.cost == 1).all())
    scale = 1.0
    unit = setup.unit
    if asked.model == "p-median":
        scale, unit = 1.0 / total if total > 0 else 1.0, "mean seconds"
    elif asked.model == "p-center":
        unit = "longest seconds"
    elif asked.model == "lscp":
        unit = "sites" if alike else "cost" if asked.prices is None else asked.prices.unit
    median = asked.model == "p-median"
    priced = solved.rules.prices is not None and not (alike and asked.budget is None)
    return SiteFigures(
        model=siting.model,
        unit=unit,
        minutes=asked.minutes,
        demand=total,
        covered_before=before,
        covered_after=after,
        covered_share_before=before / total if total > 0 else None,
        covered_share_after=after / total if total > 0 else None,
        mean_s_before=_finite(siting.baseline * scale) if median else None,
        mean_s_after=_finite(siting.objective * scale) if median else None,
        objective=siting.objective * scale,
        baseline=_finite(siting.baseline * scale),
        added=_finite(siting.added * scale),
        bound=max(siting.bound * scale, 0.0),
        gap=siting.gap,
        gap_added=siting.gap_added,
        status=siting.status,
        proof=siting.proof,
        certificate_bound=_finite(siting.certificate_bound * scale),
        stopped=siting.stopped,
        chosen=len(siting.chosen),
        cost=float(setup.actions.cost[siting.chosen].sum()) if priced else None,
        candidates=len(setup.candidates),
        demand_points=len(setup.demand),
        seconds={name: round(spent, 3) for name, spent in siting.seconds.items()},
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def left_open(siting: Siting) -> str:
    """Say how far from the best an answer may be."""
    share = siting.gap_added
    if siting.model == "LSCP":
        return f"nothing costs less than {siting.bound:,.1f}, {share:.2%} below this"
    if siting.model == "p-center":
        return f"no selection brings the longest ride below {siting.bound:,.0f} s"
    return f"at most {share:.2%} of what could be {_VERBS.get(siting.model, 'added')} is missing"


_WHY: dict[Stopped, str] = {
    "": "",
    "time": ", as the time was up",
    "cancelled": ", as it was stopped",
    "gap": ", as this is as close as was asked for",
    "solver": ", as the solver gave up",
}


def _warnings(siting: Siting) -> list[str]:
    """Say what the search itself leaves open."""
    if siting.status == "optimal" and siting.proof == "certificate":
        return []
    if siting.status == "optimal":
        return ["That it is best rests on the solver's search; the certificate alone proves less."]
    return [f"Not proven best{_WHY[siting.stopped]}: {left_open(siting)}."]


def trace_curves(
    setup: SiteSetup, solved: Solved, effort: Effort
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table ``curve``, nested and free, and why there is none; mclp alone has one."""
    asked = setup.question
    empty = pd.DataFrame(columns=list(TABLES_OF["curve"]))
    if not asked.curve or asked.model != "mclp" or solved.problem is None:
        return empty, []
    by_budget = asked.budget is not None and asked.new is None
    rules = solved.rules
    rules = replace(rules, budget=None) if by_budget else replace(rules, new=None)
    parts = []
    try:
        for nested, begin, end in ((True, 0.0, 0.4), (False, 0.4, 1.0)):
            if effort.cancelled():
                return empty, ["Stopped early: no curve."]
            limits = _budgets(asked.budget or 0.0) if by_budget else ()
            curve = trace_curve(
                solved.problem,
                rules,
                new=()
                if by_budget
                else _numbers(asked.new or 0, _least(setup), len(setup.actions)),
                budgets=limits,
                nested=nested,
                effort=part_of(effort, "", begin, end, effort.time_limit_s * (end - begin)),
            )
            parts.append(_table(curve, setup))
    except SitingError as error:
        return empty, [f"No curve: {error}"]
    return _tightened(pd.concat(parts, ignore_index=True), solved), []


def _tightened(table: pd.DataFrame, solved: Solved) -> pd.DataFrame:
    """Give both curves the better bound of each limit, and the search's own where it was made."""
    table["bound"] = table.groupby("limit")["bound"].transform("min")
    asked = solved.rules.budget if table["by"].iloc[0] == "budget" else solved.rules.new
    at = table["limit"] == asked
    table.loc[at, "bound"] = np.minimum(table.loc[at, "bound"], solved.siting.bound)
    table["bound"] = np.maximum(table["bound"], table["covered"])
    room = table["bound"] - solved.siting.baseline
    table["gap_added"] = np.where(room > 0, (table["bound"] - table["covered"]) / room, 0.0)
    return table


def _least(setup: SiteSetup) -> int:
    """Return the fewest sites that the rules may ask for, at least one."""
    asked = setup.question
    return max(1, len(asked.forced_in) + sum(least for _, least in asked.at_least))


def _numbers(new: int, least: int, most: int) -> tuple[int, ...]:
    """Return the numbers of a curve, from the fewest to half as many again as were asked."""
    last = max(least, min(most, max(new + 2, round(new * _BEYOND))))
    spread = np.linspace(least, last, min(last, _MOST_POINTS)).round().astype(int)
    wanted = {int(k) for k in spread} | ({new} if least <= new <= last else set())
    return tuple(sorted(wanted))


def _budgets(budget: float) -> tuple[float, ...]:
    steps = {round(budget * _BEYOND * k / _STEPS, 6) for k in range(1, _STEPS + 1)} | {budget}
    return tuple(sorted(step for step in steps if step > 0)) or (0.0,)


def _table(curve: Curve, setup: SiteSetup) -> pd.DataFrame:
    total = setup.total
    rows = [
        {
            "by": curve.by,
            "nested": curve.nested,
            "limit": point.limit,
            "covered": point.covered,
            "covered_share": point.covered / total if total > 0 else None,
            "added": point.added,
            "marginal": point.marginal,
            "bound": point.bound,
            "gap_added": point.gap_added,
            "ids": ";".join(setup.action_id(int(action)) for action in point.chosen),
        }
        for point in curve.points
    ]
    return pd.DataFrame(rows, columns=list(TABLES_OF["curve"]))
