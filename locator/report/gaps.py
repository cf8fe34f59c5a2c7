"""The report of a gap study: what is said in which order, and page one.

Page one: what was asked, the answer in numbers, how sure it is, and what it means.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from locator.report.blocks import percent
from locator.report.draft import GapsDraft, Report
from locator.report.folder import Cell, Result, Table, number
from locator.report.gaps_sections import add_sections
from locator.report.labels import (
    CODES,
    SCENARIO,
    TABLES,
    change_label,
    choose,
    code_label,
    column_of,
    hour_label,
    standard_label,
)
from locator.report.method import GAPS_METHOD, add_appendix, add_method, shown_settings
from locator.report.pictures import draw_gaps_picture
from locator.report.reading import GapsFolder
from locator.report.sentences import translate
from locator.schema import Language

_MOST = 0.005  # shares closer than this are said to be equal
_APART = 0.3  # points of a hundred; two counts of one share that lie farther apart are said to
_REJECTED = 20
_AREAS = ("hot_zones", "gaps", "stations")


def report_gaps(study: GapsFolder, language: Language) -> Report:
    """Draw up the report of a gap study."""
    draft = GapsDraft(study, language)
    title = draft.title(
        "骑手驿站服务覆盖与缺口分析报告", "Rider stations: coverage and gaps", areas=_AREAS
    )
    add_opening(draft)
    add_sections(draft)
    add_method(draft, GAPS_METHOD)
    _appendix(draft)
    first = study.summary["results"][0]["standard"]
    note = draft.say(
        f"需求中 {standard_label(first, 'zh')}之内有确定开放站点的占比",
        f"Share of demand within {first} of a station that is surely open",
    )
    draw = partial(draw_gaps_picture, draft)
    return Report(draft, title, draw, _manifest(draft, title), _tables(draft), week_note=note)


def add_opening(draft: GapsDraft) -> None:
    """Add page one."""
    if draft.made["illustrative"]:
        draft.warn(draft.illustrative())
    for warning in draft.study.summary["warnings"]:
        said = translate(warning, draft.language)
        draft.warn(draft.say("请注意：", "Please note: ") + draft.named(said))
    draft.heading("结论", "The answer")
    draft.text(*_coverage(draft))
    draft.text(*_week(draft))
    draft.text(*_how_sure(draft))
    draft.text(_scenario(draft))
    draft.heading("这意味着什么", "What this means", level=2)
    draft.points(_meanings(draft))
    draft.heading("本报告依据", "What this rests on", level=2)
    draft.facts(_facts(draft))
    draft.signatures()


def _facts(draft: GapsDraft) -> Iterator[tuple[str, str]]:
    summary, language, say = draft.study.summary, draft.language, draft.say
    yield from draft.when_made()
    districts = [
        draft.place(record["name"])
        for record in draft.study.tables["times"].records()
        if record.get("level") == "district" and record.get("name")
    ]
    if districts:
        yield say("范围", "Area"), say("、", ", ").join(districts)
    standards = [standard_label(r["standard"], language) for r in summary["results"]]
    yield say("覆盖标准", "Coverage standards"), say("、", ", ").join(standards)
    yield from draft.how_measured()
    everything = say("无（所有类型与服务）", "none (every kind and service)")
    yield say("筛选", "Filter"), draft.chosen(summary["filter"], everything)
    counted = f"{summary['stations_counted']:,}"
    if unknown := summary["stations_hours_unknown"]:
        counted += say(
            f"（另有 {unknown} 个当时开放与否未知）", f" (and {unknown} of unknown hours)"
        )
    if unknown := summary["stations_services_unknown"]:
        counted += say(f"（另有 {unknown} 个服务未登记）", f" (and {unknown} of unknown services)")
    yield say("计入站点", "Stations counted"), counted
    yield from draft.made_from()


def _appendix(draft: GapsDraft) -> None:
    """Add the settings, the notes of the run and the rejected points."""
    summary, say = draft.study.summary, draft.say
    said = [*summary["warnings"], *summary["notes"]]
    add_appendix(draft, [draft.named(translate(note, draft.language)) for note in said])
    draft.heading("被拒的需求点", "Rejected points", level=2)
    if not summary["rejected_points"]:
        draft.text(say("无。", "None."))
        return
    header, *rows = draft.study.rejected or [[]]
    draft.text(
        say(
            f"{summary['rejected_points']} 个需求点因无法读取被拒，未计入；全部见 rejected.csv。",
            f"{summary['rejected_points']} points could not be read and do not count; all are in "
            "rejected.csv.",
        )
    )
    whole = [row for row in rows if len(row) == len(header)][:_REJECTED]
    if header and whole:
        few = say(f"被拒的点（前 {len(whole)} 个）", f"Rejected points (the first {len(whole)})")
        draft.plain_grid(few, header, whole)


def _coverage(draft: GapsDraft) -> Iterator[str]:
    say, results = draft.say, draft.study.summary["results"]
    yield draft.condition()
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


def _if_open(draft: GapsDraft, result: Result) -> str:
    share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
    if share is None or possible is None or possible <= share:
        return ""
    return draft.say(
        f"；若开放时间未知的站点都开放，则为 {percent(possible)}",
        f"; {percent(possible)} if every station of unknown hours is open",
    )


def _if_offered(draft: GapsDraft, result: Result) -> str:
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


def _week(draft: GapsDraft) -> Iterator[str]:
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


def _how_sure(draft: GapsDraft) -> Iterator[str]:
    say, first, standard = draft.say, draft.study.summary["results"][0], draft.standard
    apart = draft.points_apart()
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


def _scenario(draft: GapsDraft) -> str:
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


def _meanings(draft: GapsDraft) -> Iterator[str]:
    yield from _worst_hour(draft)
    yield from _reasons(draft)
    yield from _stations(draft)
    yield from _backup(draft)
    yield from _hosts(draft)
    yield from _worst_served(draft)


def _worst_hour(draft: GapsDraft) -> Iterator[str]:
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


def _reasons(draft: GapsDraft) -> Iterator[str]:
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


def _stations(draft: GapsDraft) -> Iterator[str]:
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


def _backup(draft: GapsDraft) -> Iterator[str]:
    for row in draft.study.tables["backup"].records():
        one, two = number(row.get("share_with_1")), number(row.get("share_with_2"))
        if one is not None and two is not None:
            standard = standard_label(str(row["standard"]), draft.language)
            yield draft.say(
                f"{standard}之内，需求的 {percent(one - two)} 只有一个站点可去，没有备选。",
                f"Within {standard}, {percent(one - two)} of demand has one station and no second.",
            )
            return


def _hosts(draft: GapsDraft) -> Iterator[str]:
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


def _worst_served(draft: GapsDraft) -> Iterator[str]:
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


def _tables(draft: GapsDraft) -> dict[str, Table]:
    """Return the tables by name in the order of their sheets."""
    study = draft.study
    found = study.tables | {"results": _of_results(study.summary["results"])}
    unknown = draft.say("未知", "unknown")  # the row of those of which it is not recorded
    for name in ("kinds", "hosts"):
        rows = tuple((unknown if r[0] is None else r[0], *r[1:]) for r in found[name].rows)
        found[name] = Table(found[name].columns, rows)
    if study.summary["before"]:
        found["before"] = _of_results(study.summary["before"])
    if "hours" in found:
        found["week"] = found["hours"]
    return {name: found[name] for name in TABLES if name in found} | {
        name: table for name, table in found.items() if name not in TABLES
    }


def _of_results(results: Iterable[object]) -> Table:
    rows = [dict(result) for result in results if isinstance(result, dict)]
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows))


def _manifest(draft: GapsDraft, title: str) -> list[tuple[str, Cell]]:
    summary, say, language = draft.study.summary, draft.say, draft.language
    # They are not nought where nobody asked.
    hours, services = summary["stations_hours_unknown"], summary["stations_services_unknown"]
    rows: list[tuple[str, Cell]] = [(say("报告", "Report"), title)]
    if summary["illustrative"]:
        rows.append((say("数据性质", "Data"), draft.illustrative()))
    rows += [
        (say("计算时间", "Computed"), summary["made_at"]),
        (say("程序", "Program"), summary["program"]),
        (say("数据摘要", "Data hash"), summary["data_hash"]),
        (say("路网摘要", "Road network hash"), summary["network"]),
        (say("数据版本", "Data version"), summary["data_version"]),
        (say("登记册截至", "Register as of"), summary["as_of"] or say("当前", "now")),
        *draft.how_measured(),
        (say("计入站点", "Stations counted"), summary["stations_counted"]),
        (
            say("开放时间未知", "Stations of unknown hours"),
            say("未考虑", "not considered") if hours is None else hours,
        ),
        (
            say("服务未知", "Stations of unknown services"),
            say("未筛选", "not asked for") if services is None else services,
        ),
        (say("被拒的点", "Rejected points"), summary["rejected_points"]),
    ]
    for column, codes in summary["filter"].items():
        label = column_of(column).label(language)
        words = say("、", ", ").join(code_label(column, code, language) for code in codes)
        rows.append((say(f"筛选：{label}", f"Filter, {label}"), words or say("无", "none")))
    for key, value in (summary["scenario"] or {}).items():
        given = [value] if isinstance(value, str) else value
        text = say("；", "; ").join(change_label(key, item, language) for item in given)
        if text:
            label = choose(SCENARIO[key], language) if key in SCENARIO else key
            rows.append((say(f"方案：{label}", f"Scenario, {label}"), text))
    rows += [
        (say("请注意", "Please note"), draft.named(translate(warning, language)))
        for warning in summary["warnings"]
    ]
    rows += [(say("说明", "Note"), translate(note, language)) for note in summary["notes"]]
    return rows + [
        (say(f"设置：{name}", f"Setting: {name}"), text) for name, text in shown_settings(draft)
    ]
