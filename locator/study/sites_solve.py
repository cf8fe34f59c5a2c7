"""From a siting study's setup to a model of :mod:`locator.siting`, and its answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from locator.errors import InputError, SitingError
from locator.siting import (
    CoverProblem,
    Effort,
    HourClasses,
    Options,
    Progress,
    Rules,
    Siting,
    TimeProblem,
    solve_backup_cover,
    solve_capacitated_cover,
    solve_lscp,
    solve_mclp,
    solve_p_center,
    solve_p_median,
    week_problem,
)
from locator.study.sites_question import SiteQuestion
from locator.study.sites_setup import SiteSetup

_TIE = 1e-3
BACKUP = 0.5  # what a second station within the standard is worth


@dataclass(frozen=True, eq=False)
class Solved:
    """A model's answer and the problem behind it; ``problem`` is None for times."""

    siting: Siting
    problem: CoverProblem | None
    rules: Rules


def part_of(effort: Effort, phase: str, begin: float, end: float, seconds: float) -> Effort:
    """Return an effort that is one part of a longer run, and says so as it goes.

    A part with a name of its own asks other questions: their objective and bound are not told.
    """

    def tell(progress: Progress) -> None:
        share = begin + (end - begin) * progress.share
        if phase:
            progress = replace(progress, phase=phase, objective=None, bound=None)
        effort.progress(replace(progress, share=share))

    return replace(effort, time_limit_s=max(seconds, 1e-3), progress=tell)


def make_rules(setup: SiteSetup) -> Rules:
    """Return the rules of a question by positions of its options.

    Raises
    ------
    InputError
        A least number is asked in a district that there is none of.
    """
    asked, actions, frame = setup.question, setup.actions, setup.candidates.frame
    rows = {identity: row for row, identity in enumerate(frame["id"])}

    def positions(ids: tuple[str, ...]) -> tuple[int, ...]:
        wanted = {rows[identity] for identity in ids}
        return tuple(int(a) for a in range(len(actions)) if int(actions.candidate[a]) in wanted)

    codes, needs = _districts(setup)
    priced = asked.budget is not None or asked.model == "lscp"
    return Rules(
        new=asked.new,
        budget=asked.budget,
        prices=actions.cost if priced else None,
        forced_in=positions(asked.forced_in),
        forced_out=positions(asked.forced_out),
        groups=actions.group if (actions.group >= 0).any() else None,
        districts=codes if needs else None,
        at_least=needs,
        positions_m=_positions_m(setup) if asked.apart_m else None,
        apart_m=asked.apart_m,
    )


def _districts(setup: SiteSetup) -> tuple[npt.NDArray[np.int64], dict[int, int]]:
    """Return each option's district as a number (new sites alone), and what each needs."""
    known = list(setup.basis.study.inputs.snapshot.districts["id"])
    of = {identity: code for code, identity in enumerate(known)}
    needs = {}
    for identity, least in setup.question.at_least:
        if identity not in of:
            names = ", ".join(known[:20])
            raise InputError(f"There is no district {identity!r}; there are {names}.")
        needs[of[identity]] = least
    own = [of.get(identity, -1) for identity in setup.candidates.frame["district_id"]]
    codes = np.array([*own, -1], dtype=np.int64)[setup.actions.candidate]
    return codes, needs


def _positions_m(setup: SiteSetup) -> npt.NDArray[np.float64]:
    """Return (o, 2) metres; what is done at a station does not keep others away."""
    xy, at = setup.candidates.xy, setup.actions.candidate
    if (at >= 0).all():
        return xy[at]
    # Far from everything and from one another, so that no rule of distance touches them.
    aside = np.full((len(at), 2), -1e9)
    aside[:, 0] -= np.arange(len(at)) * 2e6
    return np.where((at >= 0)[:, None], xy[np.maximum(at, 0)], aside)


def pose_cover(setup: SiteSetup) -> tuple[CoverProblem, HourClasses | None]:
    """Return the coverage problem: points, or points by classes of hours; a column an option."""
    actions = setup.actions
    plain = (actions.candidate >= 0).all() and len(actions) == len(setup.candidates)
    if setup.demand.shape[1] == 1 and plain and setup.action_hours.all():
        limit_s = setup.question.limit_s
        served_s = setup.served_s
        problem = CoverProblem.within(
            setup.times, setup.demand[:, 0], limit_s=limit_s, served_s=served_s
        )
        if setup.question.model == "backup":
            count = np.asarray(setup.reach_stations @ setup.open[:, 0].astype(np.int64))
            problem = CoverProblem(problem.cover, problem.weights, served=count)
        return problem, None
    options = Options(actions.place, setup.action_hours, actions.cost, actions.group)
    return week_problem(setup.reach_places, setup.demand, setup.served, options)


def solve_ground(
    setup: SiteSetup, effort: Effort, *, favour: npt.NDArray[np.signedinteger] | None = None
) -> Solved:
    """Solve the model that the question names.

    Parameters
    ----------
    favour
        Options that are taken before others that do as well: together they count a thousandth
        of what is added more, or cost a thousandth less. Not for times.

    Raises
    ------
    InputError, SitingError
        As the models of :mod:`locator.siting`; what is forced or needed is called by its id.
    """
    rules = make_rules(setup)
    if favour is not None and setup.question.model == "lscp":
        prices = np.asarray(rules.prices, dtype=np.float64).copy()
        prices[favour] *= 1 - _TIE
        rules = replace(rules, prices=prices)
    try:
        return _solve(setup, rules, effort, favour)
    except SitingError as error:
        raise SitingError(_named(str(error), setup)) from error


def _solve(
    setup: SiteSetup,
    rules: Rules,
    effort: Effort,
    favour: npt.NDArray[np.signedinteger] | None,
) -> Solved:
    asked = setup.question
    if asked.model in {"p-median", "p-center"}:
        problem = TimeProblem(
            setup.times,
            setup.demand[:, 0],
            served_s=_within_horizon(setup),
            unserved_s=setup.horizon_s if asked.model == "p-median" else None,
        )
        solve_times = solve_p_median if asked.model == "p-median" else solve_p_center
        return Solved(solve_times(problem, rules, effort=effort), None, rules)
    cover, _ = pose_cover(setup)
    room = _capacity(setup) if asked.model == "capacitated" else None
    if favour is not None and asked.model != "lscp":
        cover, bonus = _favouring(cover, favour)
        if room is not None:
            room[favour] += bonus
    solve: dict[str, Callable[[], Siting]] = {
        "mclp": lambda: solve_mclp(cover, rules, effort=effort),
        "backup": lambda: solve_backup_cover(cover, rules, backup=BACKUP, effort=effort),
        "lscp": lambda: solve_lscp(cover, rules, share=_share(asked), effort=effort),
        "capacitated": lambda: solve_capacitated_cover(
            cover, rules, capacity=np.zeros(0) if room is None else room, effort=effort
        ),
    }
    return Solved(solve[asked.model](), cover, rules)


def _favouring(
    problem: CoverProblem, favour: npt.NDArray[np.signedinteger]
) -> tuple[CoverProblem, float]:
    """Return a problem in which each favoured option covers some demand of its own, how much."""
    among = np.zeros(problem.shape[1])
    among[favour] = 1.0
    touched = (problem.cover @ among > 0) & (problem.served == 0)
    bonus = _TIE * float(problem.weights[touched].sum()) / max(len(favour), 1)
    count = len(favour)
    own = csr_array(
        (np.ones(count, dtype=bool), (np.arange(count), favour)),
        shape=(count, problem.shape[1]),
    )
    flags = np.ones(problem.cover.nnz, dtype=bool)
    cover = csr_array((flags, problem.cover.indices, problem.cover.indptr), shape=problem.shape)
    favouring = CoverProblem(
        csr_array(vstack([cover, own], format="csr")),
        np.concatenate([problem.weights, np.full(count, bonus)]),
        served=np.concatenate([problem.served, np.zeros(count, dtype=np.int64)]),
    )
    return favouring, bonus


def _share(asked: SiteQuestion) -> float:
    return 1.0 if asked.share is None else asked.share


def _within_horizon(setup: SiteSetup) -> npt.NDArray[np.float64]:
    """Return times to existing stations; what is beyond the horizon is beyond reach."""
    near = setup.served_s
    return np.where(near <= setup.horizon_s, near, np.inf)


def _capacity(setup: SiteSetup) -> npt.NDArray[np.float64]:
    """Return the most demand that each option serves.

    Raises
    ------
    InputError
        A candidate has no capacity and none is given for all.
    """
    own = setup.candidates.frame["capacity"].to_numpy(dtype=np.float64)
    given = setup.question.capacity_per_h
    missing = np.isnan(own)
    if missing.any() and given is None:
        first = setup.candidates.frame["id"].to_numpy()[missing][0]
        raise InputError(
            f"Candidate {first!r} has no capacity: say how many orders per hour a post serves, "
            "for all of them (--capacity; capacity_per_h in JSON) or in a column capacity."
        )
    full = np.where(missing, given or 0.0, own)
    return np.asarray(full[setup.actions.candidate])


def _named(sentence: str, setup: SiteSetup) -> str:
    """Put ids in the place of positions."""
    known = list(setup.basis.study.inputs.snapshot.districts["id"])
    ids, of = list(setup.candidates.frame["id"]), setup.actions.candidate

    def district(found: re.Match[str]) -> str:
        return f"{found[1]} {known[int(found[2])]}"

    def candidate(found: re.Match[str]) -> str:
        return f"{found[1]} {ids[of[int(found[2])]]}"

    sentence = re.sub(r"([Dd]istrict) (\d+)", district, sentence)
    return re.sub(r"(Candidate|and|Candidates) (\d+)(?= (?:and|is|are))", candidate, sentence)
