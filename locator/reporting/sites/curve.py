"""Coverage against the number of new posts or the budget, and where more stops paying."""

from collections.abc import Iterator

from locator.reporting.folder import Cell, number
from locator.reporting.sites.draft import SiteDraft

__all__ = ["add_curve", "curve_points"]

_HALF = 0.5


def curve_points(draft: SiteDraft, *, nested: bool) -> list[dict[str, Cell]]:
    """Return the points of a curve in order of their limit."""
    rows = [
        row
        for row in draft.records("curve")
        if row["nested"] is nested and number(row["limit"]) is not None
    ]
    return sorted(rows, key=lambda row: number(row["limit"]) or 0.0)


def add_curve(draft: SiteDraft) -> None:
    """Add coverage against the number or the budget, and where it stops paying."""
    nested, free = (curve_points(draft, nested=which) for which in (True, False))
    if not free:
        return
    say = draft.say
    by_budget = free[0]["by"] == "budget"
    what = say("预算", "budget") if by_budget else say("新设数量", "number of new posts")
    draft.heading("多少为宜", "Where more stops paying")
    draft.picture(
        "curve",
        say(f"覆盖率与{what}，{draft.standard}", f"Covered share by {what}, {draft.standard}"),
        say(
            f"每个{what}的最好选法可覆盖多少需求，以及任何选法都不能超过的上限。",
            f"What the best choice of each {what} covers, and the bound that no choice passes.",
        ),
        rests_on=draft.rests_on(),
    )
    draft.text(*_paying(draft, nested or free), _price_of_order(draft, nested, free))
    whole = draft.study.summary["figures"]["demand"]
    limit = "budget" if by_budget else "new"
    table: list[dict[str, Cell]] = []
    for row in free:
        bound = number(row["bound"])
        share = None if bound is None or whole <= 0 else bound / whole
        table.append({**row, limit: row["limit"], "bound_share": share})
    draft.grid(
        f"每个{what}的最好选法（各自独立选取）",
        f"The best choice of each {what}, each chosen anew",
        [limit, "covered", "covered_share", "added", "bound_share", "gap_added"],
        table,
    )


def _paying(draft: SiteDraft, rows: list[dict[str, Cell]]) -> Iterator[str]:
    """Say what the first, the last asked and the one after it add."""
    steps = [(number(row["limit"]) or 0.0, number(row["marginal"]) or 0.0) for row in rows]
    asked, say = draft.study.asked, draft.say
    if rows[0]["by"] == "budget":
        yield from _paying_budget(draft, steps)
        return
    # Of a long curve not every number is there: a step's gain is then that of several posts.
    limits = [limit for limit, _ in steps]
    single = {limit: gain for limit, gain in steps if limit == 1 or limit - 1 in limits}
    first, last = single.get(1.0), asked["new"] or 0
    if first is not None and last > 1 and last in single:
        yield say(
            f"第 1 处新增{draft.demand(first)}，第 {last} 处新增{draft.demand(single[last])}。",
            f"The first adds {draft.demand(first)}, number {last} {draft.demand(single[last])}.",
        )
    if last + 1 in single:
        yield say(
            f"再多一处，只新增{draft.demand(single[last + 1])}。",
            f"One more would add {draft.demand(single[last + 1])}.",
        )
    half = [limit for limit, gain in single.items() if gain < _HALF * (first or 0.0)]
    if half:
        yield say(
            f"自第 {half[0]:g} 处起，每处新增不到第 1 处的一半。",
            f"From number {half[0]:g} on each adds less than half of the first.",
        )


def _paying_budget(draft: SiteDraft, steps: list[tuple[float, float]]) -> Iterator[str]:
    """Say up to which budget a unit of cost brings at least half of what it brings at first."""
    rates, before = [], 0.0
    for limit, gain in steps:
        rates.append((limit, gain / (limit - before) if limit > before else 0.0))
        before = limit
    first = next((rate for _, rate in rates if rate > 0), 0.0)
    reached = [limit for limit, rate in rates if rate >= _HALF * first]
    if first > 0 and reached:
        yield draft.say(
            f"预算在 {draft.cost(reached[-1])} 之前，每单位费用的新增不低于起初的一半。",
            f"Up to a budget of {draft.cost(reached[-1])} a unit of cost adds at least half of "
            "what it adds at first.",
        )


def _price_of_order(
    draft: SiteDraft, nested: list[dict[str, Cell]], free: list[dict[str, Cell]]
) -> str:
    """Say what opening them one after the other costs against choosing anew each time."""
    best = {number(row["limit"]): number(row["covered"]) for row in free}
    lost = [
        (best.get(number(row["limit"])) or 0.0) - (number(row["covered"]) or 0.0) for row in nested
    ]
    if not lost:
        return ""
    most = max(0.0, *lost)
    if most < 0.5:
        return draft.say(
            "逐个建设（先选的保留）与每次重新选取同样好。",
            "Opened one after the other, what was chosen first staying, they are as good as "
            "chosen anew each time.",
        )
    return draft.say(
        f"逐个建设（先选的保留）与每次重新选取相比，新增最多会少{draft.demand(most)}。",
        f"Opened one after the other, what was chosen first staying, costs {draft.demand(most)} "
        "at most against choosing anew each time.",
    )
