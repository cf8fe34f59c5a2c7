"""Page one: what was asked, the answer in numbers, how sure it is, and what it means."""

from collections.abc import Iterator, Sequence

from locator.reporting.draft import Band, Draft, Facts, Paper, Signatures, percent
from locator.reporting.folder import Cell, Result, Summary, Table, number
from locator.reporting.labels import CODES, choose, hour_label, standard_label, translate

__all__ = ["add_opening", "illustrative_words", "rests_on", "title_of", "whole_percents"]

_MOST = 0.005  # shares closer than this are said to be equal
_APART = 0.3  # points of a hundred; two counts of one share that lie farther apart are said to


def title_of(draft: Draft, city: str) -> str:
    """Return the report's title."""
    what = draft.say("骑手驿站服务覆盖与缺口分析报告", "Rider stations: coverage and gaps")
    return draft.say(f"{city}{what}", f"{what}, {city}" if city else what)


def illustrative_words(draft: Paper) -> str:
    """Say that the data are made up."""
    return draft.say(
        "示例数据：本报告所用的站点或热区为演示而编，任何数字均不反映真实城市。",
        "Illustrative data: the stations or hot zones used here are made up for demonstration; "
        "no figure in this report describes the real city.",
    )


def rests_on(draft: Draft, *, weekly: bool = False) -> str:
    """Return what a caption must say: date, model, hours, data hash, and illustrative data.

    ``weekly`` is what goes by the week that was studied, not by the study's hour.
    """
    summary, language = draft.study.summary, draft.language
    hours, week = translate(summary["hours"], language), summary["week"]
    if weekly and week is not None:
        monday = week["monday"]
        hours = draft.say(f"{monday} 起一周逐小时", f"hour by hour in the week from {monday}")
    parts = [
        summary["made_at"][:10],
        translate(summary["travel"], language),
        hours,
        *(translate(said, language) for said in summary["demand_rests_on"]),
        draft.say(f"数据 {summary['data_hash']}", f"data {summary['data_hash']}"),
    ]
    if summary["illustrative"]:
        parts.append(draft.say("示例数据", "illustrative data"))
    return draft.say("（", "(") + draft.say("；", "; ").join(parts) + draft.say("）", ")")


def add_opening(draft: Draft) -> None:
    """Add page one."""
    if draft.study.summary["illustrative"]:
        draft.blocks.append(Band(illustrative_words(draft)))
    for warning in draft.study.summary["warnings"]:
        said = translate(warning, draft.language)
        draft.blocks.append(Band(draft.say("请注意：", "Please note: ") + draft.named(said)))
    draft.heading("结论", "The answer")
    draft.text(*_coverage(draft))
    draft.text(*_week(draft))
    draft.text(*_how_sure(draft))
    draft.text(_scenario(draft))
    draft.heading("这意味着什么", "What this means", level=2)
    draft.points(_meanings(draft))
    draft.heading("本报告依据", "What this rests on", level=2)
    draft.blocks.append(Facts(tuple(_facts(draft))))
    labels = (("编制", "Prepared by"), ("审核", "Reviewed by"), ("批准", "Approved by"))
    draft.blocks.append(
        Signatures((*(choose(pair, draft.language) for pair in labels), draft.say("日期", "Date")))
    )


def _facts(draft: Draft) -> Iterator[tuple[str, str]]:
    summary, language, say = draft.study.summary, draft.language, draft.say
    yield say("计算时间", "Computed"), summary["made_at"][:16].replace("T", " ")
    if summary["as_of"] is not None:
        yield say("登记册截至", "Register as of"), summary["as_of"][:16].replace("T", " ")
    districts = [
        draft.place(record["name"])
        for record in draft.study.tables["times"].records()
        if record.get("level") == "district" and record.get("name")
    ]
    if districts:
        yield say("范围", "Area"), say("、", ", ").join(districts)
    standards = [standard_label(r["standard"], language) for r in summary["results"]]
    yield say("覆盖标准", "Coverage standards"), say("、", ", ").join(standards)
    yield say("出行模型", "Travel model"), translate(summary["travel"], language)
    yield say("开放时间", "Opening hours"), translate(summary["hours"], language)
    yield say("需求", "Demand"), translate(summary["demand"], language)
    for said in summary["demand_rests_on"]:
        yield say("需求的依据", "Demand rests on"), translate(said, language)
    chosen = [
        choose(CODES[column][code], language) if code in CODES[column] else code
        for column, codes in summary["filter"].items()
        if column in CODES
        for code in codes
    ]
    everything = say("无（所有类型与服务）", "none (every kind and service)")
    yield say("筛选", "Filter"), say("、", ", ").join(chosen) or everything
    counted = f"{summary['stations_counted']:,}"
    if summary["stations_hours_unknown"]:
        number_unknown = summary["stations_hours_unknown"]
        counted += say(
            f"（另有 {number_unknown} 个当时开放与否未知）",
            f" (and {number_unknown} of unknown hours)",
        )
    if unknown := summary["stations_services_unknown"]:
        counted += say(f"（另有 {unknown} 个服务未登记）", f" (and {unknown} of unknown services)")
    yield say("计入站点", "Stations counted"), counted
    yield say("数据摘要", "Data hash"), summary["data_hash"]
    if summary["network"]:
        yield say("路网摘要", "Road network hash"), summary["network"]
    yield say("程序", "Program"), summary["program"]


def _coverage(draft: Draft) -> Iterator[str]:
    say, results = draft.say, draft.study.summary["results"]
    yield _condition(draft)
    for result in results:
        standard, share = (
            standard_label(result["standard"], draft.language),
            result["covered_share"],
        )
        if share is None:
            yield say(f"{standard}：没有需求。", f"{standard}: there is no demand.")
            continue
        covered, demand = result["covered_demand_per_h"], result["demand_per_h"]
        yield say(
            f"{standard}标准下，需求的 {percent(share)} 在标准之内"
            f"（{draft.demand(demand)}中的 {covered:,.0f}）"
            f"{_if_open(draft, result)}{_if_offered(draft, result)}。",
            f"Within {standard} lies {percent(share)} of demand ({covered:,.0f} of "
            f"{draft.demand(demand)}){_if_open(draft, result)}{_if_offered(draft, result)}.",
        )
    first = results[0]
    areas = draft.study.tables["gap_areas"]
    if not areas.rows:
        return
    largest = sum(v or 0.0 for v in areas.numbers("unserved_demand_per_h")[:3])
    unserved = first["unserved_demand_per_h"]
    standard = standard_label(first["standard"], draft.language)
    part = percent(largest / unserved if unserved > 0 else None, 0)
    few = min(3, len(areas.rows))
    yield say(
        f"{standard}标准之外为{draft.demand(unserved)}，有 {first['gaps']} 处缺口，"
        f"合为 {len(areas.rows)} 个片区；其中最大的 {few} 个占 {part}。",
        f"Beyond {standard} lie {draft.demand(unserved)} in {first['gaps']} gaps, "
        f"which form {len(areas.rows)} areas; the largest {few} hold {part} of it.",
    )


def _condition(draft: Draft) -> str:
    """Say first whether opening hours count: nothing changes the shares more."""
    hours = translate(draft.study.summary["hours"], draft.language)
    return draft.say(f"条件：{hours}。", f"{hours[:1].upper()}{hours[1:]}.")


def _if_open(draft: Draft, result: Result) -> str:
    share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
    if share is None or possible is None or possible <= share:
        return ""
    return draft.say(
        f"；若开放时间未知的站点都开放，则为 {percent(possible)}",
        f"; {percent(possible)} if every station of unknown hours is open",
    )


def _if_offered(draft: Draft, result: Result) -> str:
    """Say the most that the share can be, where nobody recorded what stations offer."""
    summary, share = draft.study.summary, result["covered_share"]
    offered, count = (
        result["covered_share_if_unknown_offered"],
        summary["stations_services_unknown"],
    )
    if share is None or offered is None or not count:
        return ""
    hours = bool(summary["stations_hours_unknown"])
    zh_hours = "，且时间未知者均开放" if hours else ""
    en_hours = " and unknown hours are open" if hours else ""
    return draft.say(
        f"；若 {count:,} 个没有登记服务的站点都提供{zh_hours}，则至多为 {percent(offered)}",
        f"; up to {percent(offered)} if the {count:,} stations of unknown services offer it"
        f"{en_hours}",
    )


def _week(draft: Draft) -> Iterator[str]:
    week = draft.study.summary["week"]
    if week is None or week["covered_share"] is None:
        yield draft.say(
            "本次未逐小时研究一周（--hourly），开放时间造成的损失未计算。",
            "The week was not studied hour by hour (--hourly): what opening hours cost is not "
            "computed.",
        )
        return
    share, possible = week["covered_share"], week["possible_share"]
    standard = standard_label(week["standard"], draft.language)
    unknown = 0.0 if possible is None else max(0.0, possible - share)
    lost = week["lost_to_hours"]
    yield draft.say(
        f"{week['monday']} 起的一周中，需求的 {percent(share)} 在发生时 {standard}之内有确定开放的"
        f"站点；{percent(lost)} 近处有站点但当时不确定开放，即仅因开放时间而失去"
        f"（其中 {percent(unknown)} 是因为开放时间未知）。",
        f"Over the week from {week['monday']}, {percent(share)} of demand arises within {standard} "
        f"of a station that is surely open; {percent(lost)} is near a station that is not surely "
        f"open then, so it is lost to opening hours alone ({percent(unknown)} of demand because "
        "the hours are unknown).",
    )
    hours = draft.study.tables.get("hours")
    if hours is not None and (low := _lowest(hours)) is not None:
        hour, least = low
        yield draft.say(
            f"覆盖率最低的是{hour_label(hour, 'zh')}，为 {percent(least)}。",
            f"The share is lowest on {hour_label(hour, 'en')}: {percent(least)}.",
        )


def _lowest(hours: Table) -> tuple[int, float] | None:
    shares = [
        (share, n) for n, share in enumerate(hours.numbers("covered_share")) if share is not None
    ]
    return (min(shares)[1], min(shares)[0]) if shares else None


def _how_sure(draft: Draft) -> Iterator[str]:
    say, first, standard = draft.say, draft.study.summary["results"][0], draft.standard
    apart = points_apart(draft.study.summary)
    if apart is not None and apart > _APART:
        yield say(
            f"以上覆盖率与后面各表按点计算的结果相差 {apart:.1f} 个百分点，两种算法均见方法一节。",
            f"The share above and that of the tables, which count points, lie {apart:.1f} points "
            "apart; the section on methods tells both.",
        )
    for row in draft.study.tables["intervals"].records():
        low, high = number(row.get("low")), number(row.get("high"))
        what = choose(CODES["what"].get(str(row["what"]), ("", "")), draft.language)
        yield say(
            f"{what}（{row['replicates']} 次）时，95% 的 {standard}覆盖率在 {percent(low)} 至 "
            f"{percent(high)} 之间。",
            f"{what} ({row['replicates']} times), 95% of the shares at {standard} lie between "
            f"{percent(low)} and {percent(high)}.",
        )
    if len(tenth := list(_tenth_faster(draft.study.tables["sensitivity"]))) == 2:
        yield say(
            f"骑行速度慢或快一成，覆盖率为 {percent(min(tenth))} 或 {percent(max(tenth))}。",
            f"A tenth slower or faster, riders would be covered at {percent(min(tenth))} or "
            f"{percent(max(tenth))}.",
        )
    share, straight = first["covered_share"], first["covered_share_straight_line"]
    if share is not None and straight is not None:
        yield say(
            f"沿道路计算为 {percent(share)}，按直线估算则为 {percent(straight)}。",
            f"Along roads it is {percent(share)}; as the crow flies it would be "
            f"{percent(straight)}.",
        )
    elif straight is None:
        yield say(
            "时间为直线估算，未按道路计算，河流、铁路与单行道未考虑。",
            "Times are estimated along straight lines, not roads: the estimate knows no river, "
            "railway or one-way street.",
        )


def points_apart(summary: Summary) -> float | None:
    """Return how many points of a hundred the tables' sampled share lies off page one's.

    None where nothing was sampled, or there is no demand.
    """
    share, sampled = summary["results"][0]["covered_share"], summary["sampling"]["covered_share"]
    if share is None or sampled is None or summary["sampling"]["cell_m"] <= 0:
        return None
    return 100 * abs(sampled - share)


def _tenth_faster(sensitivity: Table) -> Iterator[float]:
    """Yield the shares at nine and eleven tenths of the speed: the middle two of four.

    None where the standard is a distance: no speed changes those.
    """
    shares = [
        share
        for row in sensitivity.records()
        if row["what"] == "speed_kmh" and (share := number(row.get("covered_share"))) is not None
    ]
    yield from sorted(shares)[1:3] if len(shares) == 4 else []


def _scenario(draft: Draft) -> str:
    summary = draft.study.summary
    if summary["scenario"] is None or not summary["before"]:
        return ""
    before, now = summary["before"][0]["covered_share"], summary["results"][0]["covered_share"]
    if before is None or now is None:
        return ""
    name, change = summary["scenario"].get("name", ""), 100 * (now - before)
    standard = standard_label(summary["results"][0]["standard"], draft.language)
    return draft.say(
        f"以上为方案“{name}”实施后的情形；实施前 {standard}覆盖率为 {percent(before)}，"
        f"变化 {change:+.1f} 个百分点。",
        f"All this is with the scenario “{name}”; without it {standard} covers {percent(before)}, "
        f"a change of {change:+.1f} points.",
    )


def _meanings(draft: Draft) -> Iterator[str]:
    yield from _worst_hour(draft)
    yield from _reasons(draft)
    yield from _stations(draft)
    yield from _backup(draft)
    yield from _hosts(draft)
    yield from _worst_served(draft)


def _worst_hour(draft: Draft) -> Iterator[str]:
    week, hours = draft.study.summary["week"], draft.study.tables.get("hours")
    if week is None or week["worst_hour"] is None or hours is None:
        return
    row = list(hours.records())[week["worst_hour"]]
    always, covered = number(row["always_per_h"]) or 0.0, number(row["covered_per_h"]) or 0.0
    unserved = week["worst_unserved_per_h"]
    near = percent(max(0.0, always - covered) / unserved if unserved > 0 else None, 0)
    standard = standard_label(week["standard"], draft.language)
    when = hour_label(week["worst_hour"], draft.language)
    yield draft.say(
        f"{when}，{draft.demand(unserved)}在 {standard}之内没有确定开放的站点；"
        f"其中 {near} 近处有站点，只是当时不确定开放。",
        f"On {when}, {draft.demand(unserved)} lie beyond {standard} of a station that "
        f"is surely open; {near} of them are near one that is closed or of unknown hours.",
    )


def _reasons(draft: Draft) -> Iterator[str]:
    """Add up the areas' unserved demand by their main reason."""
    sums: dict[str, float] = {}
    for row in draft.study.tables["gap_areas"].records():
        reason = str(row.get("reason"))
        sums[reason] = sums.get(reason, 0.0) + (number(row.get("unserved_demand_per_h")) or 0.0)
    total = sum(sums.values())
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    shares = whole_percents([demand for _, demand in ranked])
    for (reason, demand), share in zip(ranked, shares, strict=True):
        if reason in CODES["reason"] and total > 0 and demand / total > _MOST:
            why = choose(CODES["reason"][reason], draft.language)
            yield draft.say(
                f"未覆盖需求的 {share}% 在主要原因为“{why}”的片区。",
                f"{share}% of the unserved demand lies in areas whose main reason is: {why}.",
            )


def whole_percents(amounts: Sequence[float]) -> list[int]:
    """Return the parts of a whole as whole per cent that add up to 100, by largest remainder.

    Hamilton's rule: each part is cut to a whole number, and what is left goes one by one to the
    parts that were cut most, the earlier of two alike. All are 0 where there is no amount.
    """
    total = sum(amounts)
    if not total > 0:
        return [0] * len(amounts)
    exact = [100 * amount / total for amount in amounts]
    cut = [int(share + 1e-9) for share in exact]
    order = sorted(range(len(cut)), key=lambda i: (-(exact[i] - cut[i]), i))
    for i in order[: 100 - sum(cut)]:
        cut[i] += 1
    return cut


def _stations(draft: Draft) -> Iterator[str]:
    rows = list(draft.study.tables["stations"].records())
    nothing = sum(row.get("adds_nothing") is True for row in rows)
    counted = sum(row.get("adds_nothing") is not None for row in rows)
    weekly = "lost_orders_per_week" in draft.study.tables["stations"].columns
    lost, by = _first_loss(rows, "lost_orders_per_week" if weekly else "lost_demand_per_h")
    if not counted:
        return
    yield draft.say(
        f"{counted} 个站点中，{nothing} 个单独关闭不会使任何需求失去 {draft.standard}覆盖。",
        f"Of {counted} stations, {nothing} could each close alone without any demand losing its "
        f"cover at {draft.standard}.",
    )
    if lost:
        cost = draft.demand(lost, weekly=weekly)
        yield draft.say(
            f"单独关闭影响最大的是“{by}”：{cost}失去覆盖。",
            f"The station whose closing alone costs most is {by}: {cost}.",
        )


def _first_loss(rows: list[dict[str, Cell]], column: str) -> tuple[float, str]:
    if not rows:
        return 0.0, ""
    return number(rows[0].get(column)) or 0.0, str(rows[0].get("name"))


def _backup(draft: Draft) -> Iterator[str]:
    for row in draft.study.tables["backup"].records():
        one, two = number(row.get("share_with_1")), number(row.get("share_with_2"))
        if one is not None and two is not None:
            standard = standard_label(str(row["standard"]), draft.language)
            yield draft.say(
                f"{standard}之内，需求的 {percent(one - two)} 只有一个站点可去，没有备选。",
                f"Within {standard}, {percent(one - two)} of demand has one station and no second.",
            )
            return


def _hosts(draft: Draft) -> Iterator[str]:
    """Name the host whose stations lose most to their hours."""
    lost = [
        (number(row.get("lost_to_hours")) or 0.0, str(row["host"]), number(row.get("stations")))
        for row in draft.study.tables["hosts"].records()
        if row["host"] is not None  # nobody's hours can be told to them
    ]
    if lost and max(lost)[0] > _MOST:
        share, host, count = max(lost)
        name = choose(CODES["host"].get(host, (host, host)), draft.language)
        yield draft.say(
            f"按依托单位，{name}（{count or 0:.0f} 个）因开放时间失去最多：全周需求的"
            f" {percent(share)} 在其近处，但当时不确定开放。",
            f"By host, stations in “{name}” ({count or 0:.0f}) lose most to their hours: "
            f"{percent(share)} of the week's demand is near one while it is not surely open.",
        )


def _worst_served(draft: Draft) -> Iterator[str]:
    total = next(
        (row for row in draft.study.tables["times"].records() if row.get("level") == "total"), None
    )
    if total is None:
        return
    worst, median = number(total.get("worst_tenth_s")), number(total.get("median_s"))
    if worst is not None and median is not None:
        yield draft.say(
            f"到最近站点的骑行时间中位数为 {median / 60:.1f} 分钟，最差的十分之一需求平均 "
            f"{worst / 60:.1f} 分钟。",
            f"Half of demand rides {median / 60:.1f} min or less to the nearest station; the "
            f"worst-served tenth rides {worst / 60:.1f} min on average.",
        )
