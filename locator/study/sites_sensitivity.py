"""How firmly each site is chosen: the question asked again with inputs that are a little other.

Three things are varied, each by itself and from a fixed seed: the riding speed by up to a tenth,
the standard by up to a fifth (both evenly), and demand, whose units (hot zones, or points where
points were given) are drawn anew with repetition (Efron & Tibshirani 1993, *An Introduction to the
Bootstrap*, chapter 6). A choice of ours, not a forecast: it says what the choice hangs on. Optima
are seldom alone: where another selection adds less than a thousandth more, the answer's own sites
count as chosen again.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.errors import SitingError
from locator.report.folder import TABLES_OF
from locator.siting import Effort
from locator.study.sites_setup import SiteSetup
from locator.study.sites_solve import Solved, part_of, solve_ground

SPEED, THRESHOLD = 0.1, 0.2
_WHAT = ("speed", "demand", "threshold")
_SHOWN = 1000
_LEAST_S = 1.0
_LOOSE = 0.01


def vary(setup: SiteSetup, solved: Solved, effort: Effort) -> tuple[pd.DataFrame, list[str]]:
    """Return the table ``sensitivity``, and what could not be done.

    A site of the answer that is chosen again counts by its id, whatever the option; the others
    are those that another run chose instead.
    """
    asked = setup.question
    empty = pd.DataFrame(columns=list(TABLES_OF["sensitivity"]))
    what = ("demand",) if asked.model == "p-median" else _WHAT
    if asked.model == "p-center":
        return empty, []  # the longest time does not hang on demand, speed or the standard
    if not asked.runs or not len(solved.siting.chosen):
        return empty, []
    made: dict[str, int] = dict.fromkeys(what, 0)
    kept: dict[str, dict[str, int]] = {name: {} for name in what}
    notes = []
    loose = 0
    for run in range(asked.runs):
        if effort.cancelled():
            notes.append(f"Stopped early: {run} of {asked.runs} varied runs were made.")
            break
        name = what[run % len(what)]
        share = (run / asked.runs, (run + 1) / asked.runs)
        seconds = max(_LEAST_S, effort.time_limit_s / asked.runs)
        part = part_of(effort, "varied runs", *share, seconds)
        try:
            varied = _varied(setup, name, asked.seed, run)
            siting = solve_ground(varied, part, favour=solved.siting.chosen).siting
        except SitingError:
            made[name] += 1  # no selection keeps the rules then: nothing stays
            continue
        made[name] += 1
        loose += siting.gap_added > _LOOSE
        for identity in {setup.action_id(int(action)) for action in siting.chosen}:
            kept[name][identity] = kept[name].get(identity, 0) + 1
    if loose:
        notes.append(
            f"{loose} of {sum(made.values())} varied runs ended more than {_LOOSE:.0%} from their "
            "bound; how often a site stays chosen is uncertain by that (a longer time limit helps)."
        )
    return _table(setup, solved, made, kept), notes


def _varied(setup: SiteSetup, what: str, seed: int, run: int) -> SiteSetup:
    rng = np.random.default_rng([seed, run])
    if what == "demand":
        return replace(setup, demand=setup.demand * _drawn(setup, rng)[:, None])
    # Riding so much faster reaches as far as a standard so much longer.
    width = SPEED if what == "speed" else THRESHOLD
    factor = float(rng.uniform(1 - width, 1 + width))
    minutes = setup.question.minutes * factor
    return replace(setup, question=replace(setup.question, minutes=minutes))


def _drawn(setup: SiteSetup, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return how often each point's unit of demand was drawn, (n,)."""
    points = setup.basis.points
    if setup.basis.study.inputs.points is not None:
        count = len(points)
        unit = np.arange(count)
    else:
        unit = pd.factorize(points.pieces["zone_id"], sort=True)[0][points.piece]
        count = int(unit.max(initial=0)) + 1
    times = rng.multinomial(count, np.full(count, 1 / count))
    return times[unit].astype(np.float64)


def _table(
    setup: SiteSetup, solved: Solved, made: dict[str, int], kept: dict[str, dict[str, int]]
) -> pd.DataFrame:
    own = list(dict.fromkeys(setup.action_id(int(a)) for a in solved.siting.chosen))
    total: dict[str, int] = {}
    for found in kept.values():
        for identity, times in found.items():
            total[identity] = total.get(identity, 0) + times
    others = sorted((i for i in total if i not in set(own)), key=lambda i: (-total[i], i))
    runs = sum(made.values())
    rows = []
    for identity in [*own, *others[:_SHOWN]]:
        row: dict[str, object] = {
            "id": identity,
            "name": setup.names.get(identity),
            "chosen": identity in set(own),
            "runs": runs,
            "kept": total.get(identity, 0),
            "kept_share": total.get(identity, 0) / runs if runs else None,
        }
        for name in _WHAT:
            times = made.get(name, 0)
            row[f"kept_share_{name}"] = kept[name].get(identity, 0) / times if times else None
        rows.append(row)
    return pd.DataFrame(rows, columns=list(TABLES_OF["sensitivity"]))
