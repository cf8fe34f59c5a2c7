"""Coverage against the number of new sites, or against the budget, each point with its bound."""

from dataclasses import replace

import numpy as np
import pandas as pd

from locator.errors import SitingError
from locator.reporting.sites_folder import TABLES_OF
from locator.siting import Curve, Effort, trace_curve
from locator.study.sites_setup import SiteSetup
from locator.study.sites_solve import Solved, part_of

__all__ = ["trace_curves"]

_MOST_POINTS = 24
_BEYOND = 1.5  # past what was asked: what one more would bring
_STEPS = 12  # of a budget


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
