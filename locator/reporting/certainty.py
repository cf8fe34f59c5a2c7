"""How sure the numbers are, and what a scenario changes in them."""

from collections.abc import Iterator, Mapping

from locator.reporting.draft import Draft, percent
from locator.reporting.labels import SCENARIO, change_label, choose, standard_label
from locator.reporting.opening import points_apart, rests_on

__all__ = ["add_certainty", "add_scenario"]


def add_certainty(draft: Draft) -> None:
    """Add what varying a setting, the demand or the stations does to the share."""
    say = draft.say
    draft.heading("有多大把握", "How sure this is")
    draft.grid(
        f"敏感性：一次改变一项设定，{draft.standard}覆盖率的变化",
        f"Sensitivity: one setting changed at a time, and cover at {draft.standard}",
        ["what", "value", "covered_share", "change"],
        draft.records("sensitivity"),
    )
    draft.grid(
        "区间：中间 95% 的结果",
        "Intervals: the middle 95% of the results",
        ["what", "of", "low", "high", "replicates"],
        draft.records("intervals"),
    )
    draft.text(*_comparisons(draft))
    draft.text(
        say(
            "区间只反映所列的原因；速度、绕行系数与需求本身若有误，不在其内。",
            "An interval holds only the cause it names: wrong speeds, detour factors or demand "
            "are not in it.",
        )
    )


def _comparisons(draft: Draft) -> Iterator[str]:
    """Hold the share by area against the one by sampled points, and roads against lines."""
    summary, say = draft.study.summary, draft.say
    if (apart := points_apart(summary)) is not None:
        sampling = summary["sampling"]
        share, sampled = summary["results"][0]["covered_share"], sampling["covered_share"]
        yield say(
            f"各表以边长不超过 {sampling['cell_m']:.0f} 米的方格取 {sampling['points']:,} 个点，"
            f"覆盖率为 {percent(sampled, 2)}；第一页为 {percent(share, 2)}，"
            f"相差 {apart:.2f} 个百分点。",
            f"The tables sample {sampling['points']:,} points by squares of at most "
            f"{sampling['cell_m']:.0f} m, which gives {percent(sampled, 2)}; page one has "
            f"{percent(share, 2)}, {apart:.2f} points apart.",
        )
    for result in summary["results"]:
        straight, share = result["covered_share_straight_line"], result["covered_share"]
        if straight is not None and share is not None:
            standard = standard_label(result["standard"], draft.language)
            yield say(
                f"{standard}：沿道路 {percent(share)}，直线估算 {percent(straight)}。",
                f"{standard}: {percent(share)} along roads, {percent(straight)} as the crow flies.",
            )


def _changes(draft: Draft, scenario: Mapping[str, str | list[str]]) -> Iterator[str]:
    """Say what a scenario changes, stations with their names."""
    stations = draft.study.layers["stations"]
    names = dict(zip(stations["id"].map(str), stations["name"].map(str), strict=True))
    for key, pair in SCENARIO.items():
        given = scenario.get(key)
        if isinstance(given, list) and given:
            said = [change_label(key, item, draft.language) for item in given]
            texts = [f"{item} {names.get(item, '')}".strip() for item in said]
            listed = draft.say("；", "; ").join(texts)
            yield choose(pair, draft.language) + draft.say("：", ": ") + listed


def add_scenario(draft: Draft) -> None:
    """Add what a scenario changes, if there is one."""
    summary, say = draft.study.summary, draft.say
    if summary["scenario"] is None:
        return
    name = summary["scenario"].get("name", "")
    draft.heading(f"方案“{name}”前后对比", f"Before and after the scenario “{name}”")
    draft.points(_changes(draft, summary["scenario"]))
    rows = []
    for was, now in zip(summary["before"], summary["results"], strict=False):
        before, after = was["covered_share"], now["covered_share"]
        known = before is not None and after is not None
        rows.append(
            [
                standard_label(now["standard"], draft.language),
                percent(before),
                percent(after),
                f"{100 * ((after or 0) - (before or 0)):+.1f}" if known else "—",
                f"{was['unserved_demand_per_h']:,.1f}",
                f"{now['unserved_demand_per_h']:,.1f}",
                f"{was['gaps']}",
                f"{now['gaps']}",
            ]
        )
    header = [
        say("标准", "Standard"), say("覆盖率，前", "Covered, before"), say("后", "After"),
        say("变化（百分点）", "Change (points)"),
        say(f"未覆盖，前（{draft.per_h}）", f"Unserved, before ({draft.per_h})"),
        say("后", "After"),
        say("缺口，前", "Gaps, before"), say("后", "After"),
    ]  # fmt: skip
    draft.plain_grid(say("方案前后", "Before and after"), header, rows, right=1)
    if any(len(draft.study.layers.get(layer, ())) for layer in ("gained", "lost")):
        draft.picture(
            "change",
            say(f"方案“{name}”带来的变化"[:80], f"What “{name}” changes"[:80]),
            say(
                f"方案使 {draft.standard}覆盖发生的变化：新增与不再覆盖的区域。",
                f"What the scenario changes at {draft.standard}: areas newly covered and no "
                "longer covered.",
            ),
            rests_on=rests_on(draft),
        )
    else:
        draft.text(
            say(
                "方案不改变覆盖范围（若只改变开放时间，请看一周的变化或加 --at）。",
                "The scenario does not change which areas are covered (where it changes only "
                "hours, look at the week, or ask for an hour with --at).",
            )
        )
