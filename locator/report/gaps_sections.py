"""The body of a gap report: where, when, what for, how robust, how even, how sure, and what if."""

from collections.abc import Iterable, Iterator, Mapping

from locator.report.blocks import digits_of, percent
from locator.report.draft import GapsDraft
from locator.report.folder import Cell, number
from locator.report.labels import (
    SCENARIO,
    WINDS,
    change_label,
    choose,
    column_of,
    standard_label,
)
from locator.report.pictures import gaps_extent
from locator.schema import Language

_AREAS, _HOURS, _ZONES, _STATIONS = 20, 12, 12, 12
Record = dict[str, Cell]


def add_sections(draft: GapsDraft) -> None:
    """Add every section that the study has tables for."""
    _where(draft)
    _when(draft)
    _how_far(draft)
    _what_for(draft)
    _how_robust(draft)
    _how_even(draft)
    add_certainty(draft)
    add_scenario(draft)


def _first(rows: Iterable[Record], column: str, most: int) -> list[Record]:
    """Return the rows with the largest numbers in a column, ties in their order."""
    return sorted(rows, key=lambda row: -(number(row.get(column)) or 0.0))[:most]


def _where(draft: GapsDraft) -> None:
    draft.heading("缺口在哪里", "Where the gaps are")
    _gap_maps(draft)
    if areas := draft.records("gap_areas"):
        _gap_areas(draft, areas)
    else:
        standard = draft.standard
        draft.text(draft.say(f"{standard}标准下没有缺口。", f"There is no gap at {standard}."))


def _gap_maps(draft: GapsDraft) -> None:
    standard = draft.standard
    draft.picture(
        "gaps",
        draft.say(f"覆盖缺口，{standard}", f"Gaps in coverage, {standard}"),
        draft.say(
            f"{standard}标准的覆盖缺口。",
            f"Gaps in coverage at {standard}.",
        ),
    )
    if gaps_extent(draft) is not None:
        draft.picture(
            "city",
            draft.say(
                f"覆盖缺口，{standard}，站点密集区", f"Gaps in coverage, {standard}, the city"
            ),
            draft.say(
                f"站点密集区内 {standard}标准的覆盖缺口。",
                f"Gaps in coverage at {standard} where most stations are.",
            ),
        )


def _gap_areas(draft: GapsDraft, areas: list[Record]) -> None:
    """Say how areas are made, and list the first."""
    standard, say, shown = draft.standard, draft.say, areas[:_AREAS]
    if len(shown) == len(areas):
        many = say(f"下表列出全部 {len(areas)} 个", f"the table has all {len(areas)}")
    else:
        many = say(
            f"下表为前 {len(shown)} 个，全部 {len(areas)} 个见 tables.xlsx",
            f"the table has the first {len(shown)}, tables.xlsx all {len(areas)}",
        )
    draft.text(
        say(
            f"相距 300 米以内的缺口合为一个片区，按未覆盖需求排列，图中编号即表中名次；{many}。",
            "Gaps within 300 m of each other form an area, ranked by unserved demand; the numbers "
            f"on the map are the ranks of the table; {many}.",
        )
    )
    header = [
        say("名次", "Rank"), say("位置", "Where"), say("原因", "Why"), say("所缺服务", "Missing"),
        say("最近驿站（骑行）", "Nearest station (ride)"),
        say(f"未覆盖（{draft.per_h}）", f"Unserved ({draft.per_h})"),
    ]  # fmt: skip
    weekly = "worst_hour" in areas[0]
    if weekly:
        header.insert(5, say("最差时刻", "Worst hour"))
    digits = {
        name: digits_of(row.get(name) for row in shown)
        for name in ("unserved_demand_per_h", "nearest_ride_s")
    }
    rows = [_area(draft, row, digits, weekly=weekly) for row in shown]
    draft.plain_grid(
        say(f"缺口片区，{standard}", f"Gap areas at {standard}"),
        header,
        rows,
        right=len(header) - 1,
    )


def _area(draft: GapsDraft, row: Record, digits: dict[str, int], *, weekly: bool) -> list[str]:
    names = ("reason", "missing_services", "worst_hour", "unserved_demand_per_h", "nearest_ride_s")
    cell = {name: draft.plain_cell(row.get(name), name, digits=digits.get(name)) for name in names}
    if perhaps := row.get("unknown_services"):
        codes = draft.plain_cell(perhaps, "unknown_services")
        missing = f"{cell['missing_services']}" + draft.say("；", "; ")
        cell["missing_services"] = (missing if row.get("missing_services") else "") + draft.say(
            f"未知：{codes}", f"unknown: {codes}"
        )
    ride = draft.say(f"{cell['nearest_ride_s']} 分钟", f"{cell['nearest_ride_s']} min")
    nearest = f"{row.get('nearest_station_name') or '—'}" + draft.say(f"（{ride}）", f" ({ride})")
    texts = [
        str(row.get("rank")), _place(draft, row), cell["reason"], cell["missing_services"], nearest
    ]  # fmt: skip
    if weekly:
        texts.append(cell["worst_hour"])
    return [*texts, cell["unserved_demand_per_h"]]


def _place(draft: GapsDraft, row: Record) -> str:
    """Say where an area lies: its district, how far and which way from a place, its hot zones."""
    parts = []
    if row.get("district_name"):
        parts.append(draft.place(row["district_name"]))
    if row.get("place"):
        place, far = draft.place(row["place"]), number(row.get("place_m")) or 0.0
        wind = row.get("bearing")
        if isinstance(wind, str) and wind in WINDS:
            word = choose(WINDS[wind], draft.language)
            km = f"{far / 1000:.1f} km"
            parts.append(draft.say(f"{place}{word} {km}", f"{km} {word} of {place}"))
        else:
            parts.append(draft.say(f"{place}附近", f"at {place}"))
    text = draft.say("，", ", ").join(parts)
    zones = row.get("zone_names")
    return text + (draft.say(f"（{zones}）", f" ({zones})") if zones else "") or "—"


def _when(draft: GapsDraft) -> None:
    hours = draft.records("hours")
    if not hours:
        return
    standard = draft.standard
    week = draft.study.summary["week"]
    since = week["monday"] if week else ""
    draft.heading("什么时候没有覆盖", "When cover is missing")
    draft.picture(
        "week",
        draft.say(f"一周逐小时覆盖率，{standard}", f"Coverage hour by hour, {standard}"),
        draft.say(
            f"{since} 起一周每小时 {standard}之内有确定开放站点的需求占比（%），颜色越深越低，"
            "粗框为未覆盖需求最多的一小时。",
            f"Share of demand (%) within {standard} of a station that is surely open, each hour of "
            f"the week from {since}; darker is lower, the frame is the hour with most unserved "
            "demand.",
        ),
        rests_on=draft.rests_on_week(),
    )
    columns = ["hour", "demand_per_h", "unserved_demand_per_h", "covered_share", "possible_share"]
    columns += ["always_share", "lost_to_hours"]
    missing = [row | {"unserved_demand_per_h": _unserved(row)} for row in hours]
    worst = _first(missing, "unserved_demand_per_h", _HOURS)
    draft.grid(
        f"未覆盖需求最多的 {len(worst)} 个小时，{standard}",
        f"The {len(worst)} hours with most unserved demand, {standard}",
        columns,
        worst,
    )
    columns = ["name", "demand_per_week", "covered_share", "lost_to_hours", "worst_hour"]
    columns += ["worst_unserved_per_h"]
    if any(row.get("name") for row in draft.records("hours_by_district")):
        draft.grid(
            "各区县的一周", "The week by district", columns, draft.records("hours_by_district")
        )
    zones = [row for row in draft.records("hours_by_zone") if row.get("name")]
    zones = _first(zones, "worst_unserved_per_h", _ZONES)
    draft.grid(
        f"最差时刻未覆盖需求最多的 {len(zones)} 个热区（全部见 tables.xlsx）",
        f"The {len(zones)} hot zones with most unserved at their worst hour (all in tables.xlsx)",
        columns,
        zones,
    )


def _unserved(row: Record) -> float:
    return (number(row["demand_per_h"]) or 0.0) - (number(row["covered_per_h"]) or 0.0)


def _how_far(draft: GapsDraft) -> None:
    draft.heading("多远才算覆盖", "How far is near enough")
    draft.picture(
        "curve",
        draft.say("覆盖率曲线", "Coverage curve"),
        draft.say(
            "覆盖率随时间标准的变化。",
            "Covered share of demand against the time standard.",
        ),
    )
    columns = ["name", "demand_per_h", "covered_share", "mean_s", "median_s", "p90_s", "worst_s"]
    columns += ["worst_tenth_s"]
    rows = [row for row in draft.records("times") if row.get("level") != "zone"]
    whole = draft.say("合计", "Total")
    rows = [row | {"name": whole} if row.get("level") == "total" else row for row in rows]
    if len(rows) == 2 and not rows[1].get("name"):
        rows = rows[:1]
    draft.grid(
        f"到最近站点的骑行时间与 {draft.standard}覆盖率，按区县",
        f"Riding time to the nearest station, and cover at {draft.standard}, by district",
        columns,
        rows,
    )


def _what_for(draft: GapsDraft) -> None:
    standard = draft.standard
    draft.heading("按服务、类型与方式", "By service, kind and way of travel")
    draft.picture(
        "services",
        draft.say(f"各项服务的覆盖率，{standard}", f"Coverage by service, {standard}"),
        draft.say(
            f"{standard}之内有该项服务的需求占比；菱形为一周内确定开放时的占比。"
            + _unrecorded(draft, "zh"),
            f"Share of demand with the service within {standard}; the diamond is the share over "
            "the week while surely open." + _unrecorded(draft, "en"),
        ),
    )
    slugs = [
        r["standard"].replace(" ", "").replace(".", "_") for r in draft.study.summary["results"]
    ]
    shares = [f"covered_share_{slug}" for slug in slugs]
    weekly = ["week_covered_share", "lost_to_hours"]
    for name, zh, en in (
        ("services", "按服务", "By service"),
        ("kinds", "按站点类型", "By kind of station"),
        ("hosts", "按依托单位类型", "By host"),
    ):
        code = name.removesuffix("s")
        columns = [code, "stations", *shares, *weekly]
        rows = draft.records(name)
        if name == "services" and any(row["stations_unknown"] for row in rows):
            granted = [f"share_if_unknown_{slug}" for slug in slugs]
            columns = [code, "stations", "stations_unknown", *shares, *granted, *weekly]
        unknown = draft.say("未知", "unknown")
        rows = [row if row[code] is not None else row | {code: unknown} for row in rows]
        draft.grid(zh, en, columns, rows)
    draft.grid(
        "按出行方式", "By way of travel", ["mode", "travel", *shares], draft.records("modes")
    )


def _unrecorded(draft: GapsDraft, language: Language) -> str:
    """Say of how many stations nobody recorded the services; nothing where there are none."""
    count = max(
        (number(r["stations_unknown"]) or 0.0 for r in draft.records("services")), default=0
    )
    if not count:
        return ""
    if language == "zh":
        return f"另有 {count:.0f} 个站点没有登记服务，未计入。"
    return f" Not counted: {count:.0f} stations of unknown services."


def _how_robust(draft: GapsDraft) -> None:
    draft.heading("备选与关键站点", "Second choices and critical stations")
    columns = ["standard", "share_with_1", "share_with_2", "share_with_3"]
    draft.grid(
        "近处有一、二、三个站点的需求占比",
        "Share of demand with one, two and three stations near",
        columns,
        draft.records("backup"),
    )
    stations = draft.records("stations")
    weekly = bool(stations) and "lost_orders_per_week" in stations[0]
    by = "lost_orders_per_week" if weekly else "lost_demand_per_h"
    costly = [row for row in stations if (number(row.get(by)) or 0.0) > 0][:_STATIONS]
    if not costly:
        draft.text(
            draft.say(
                "单独关闭任一站点都不会使需求失去覆盖。",
                "No station's closing alone would take cover from any demand.",
            )
        )
        return
    draft.picture(
        "critical",
        draft.say(f"关键站点，{draft.standard}", f"Critical stations, {draft.standard}"),
        draft.say(
            f"单独关闭一个站点会使多少需求失去 {draft.standard}覆盖，最多的 {len(costly)} 个。",
            f"Demand that would lose its cover at {draft.standard} if one station closed alone: "
            f"the {len(costly)} largest.",
        ),
    )
    columns = ["id", "name", "kind", "host", "lost_demand_per_h", "lost_orders_per_week"]
    first = column_of(by)
    draft.grid(
        f"关闭影响最大的站点，按“{draft.header(first)}”由大到小（全部见 tables.xlsx）",
        f"Stations whose closing costs most, by “{draft.header(first)}”, the largest first "
        "(all in tables.xlsx)",
        columns,
        costly,
    )


def _how_even(draft: GapsDraft) -> None:
    draft.heading("是否公平", "How even")
    draft.text(
        draft.say(
            "可用供给按增强型两步移动搜寻法计算，供区县之间比较；"
            "基尼系数 0 为人人相同，1 为全归一处；"
            "最差十分之一指骑行时间最长的十分之一需求。",
            "Supply in reach is by the enhanced two-step floating catchment, to compare districts; "
            "a Gini of 0 is the same for all, 1 is all for one; the worst-served tenth is the "
            "tenth of demand with the longest rides.",
        )
    )
    whole = draft.say("合计", "Total")
    rows = [
        row | {"name": whole} if row.get("level") == "total" else row
        for row in draft.records("equity")
        if row.get("level") == "total" or row.get("name")
    ]
    columns = ["name", "demand_per_h", "supply", "access_per_1000_orders_h", "gini_of_access"]
    draft.grid(
        "按区县的公平性", "Equity by district", [*columns, "worst_tenth_s", "covered_share"], rows
    )


def add_certainty(draft: GapsDraft) -> None:
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


def _comparisons(draft: GapsDraft) -> Iterator[str]:
    """Hold the share by area against the one by sampled points, and roads against lines."""
    summary, say = draft.study.summary, draft.say
    if (apart := draft.points_apart()) is not None:
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


def _changes(draft: GapsDraft, scenario: Mapping[str, str | list[str]]) -> Iterator[str]:
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


def add_scenario(draft: GapsDraft) -> None:
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
        )
    else:
        draft.text(
            say(
                "方案不改变覆盖范围（若只改变开放时间，请看一周的变化或加 --at）。",
                "The scenario does not change which areas are covered (where it changes only "
                "hours, look at the week, or ask for an hour with --at).",
            )
        )
