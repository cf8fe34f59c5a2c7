"""The report of a siting study: what is said in which order, and page one.

Page one: what was asked, the answer, how good it is, what it rests on. A report of several moments
is in :mod:`locator.report.moments`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from locator.figures import Figure
from locator.hours_words import week_words
from locator.report.blocks import Picture, percent
from locator.report.draft import Draft, Report, SitesDraft
from locator.report.folder import Cell, SiteSummary, Table, number
from locator.report.labels import CODES, MODELS, choose, numeral
from locator.report.method import SITES_METHOD, add_appendix, add_method, shown_settings
from locator.report.pictures import draw_sites_picture
from locator.report.reading import SitesFolder
from locator.report.sentences import translate
from locator.report.sites_sections import add_sections, missing
from locator.schema import Language

_AREAS = ("hot_zones", "demand", "stations")


def report_sites(study: SitesFolder, language: Language) -> Report:
    """Draw up the report of a siting study."""
    draft = SitesDraft(study, language)
    title = title_of(draft)
    add_opening(draft)
    add_sections(draft)
    add_end(draft, [study.summary])
    return finished(draft, title, partial(draw_sites_picture, draft))


def title_of(draft: SitesDraft, more: str = "") -> str:
    """Return the report's title."""
    return draft.title(f"骑手驿站选址报告{more}", f"Rider stations: where next{more}", areas=_AREAS)


def add_end(draft: SitesDraft, summaries: Sequence[SiteSummary]) -> None:
    """Add the method, the settings, the notes of the runs and what was rejected."""
    add_method(draft, SITES_METHOD)
    said = dict.fromkeys(note for each in summaries for note in each["notes"])
    notes = [translate(note, draft.language) for note in said]
    summary = summaries[0]
    rejected = (
        (summary["rejected_points"], "需求点", "demand points", "rejected.csv"),
        (summary["rejected_candidates"], "候选点", "candidates", "rejected_candidates.csv"),
    )
    notes += [
        draft.say(
            f"{count:,} 行{zh}无法读取，未计入，见 {file}。",
            f"{count:,} rows of {en} could not be read and do not count; see {file}.",
        )
        for count, zh, en, file in rejected
        if count
    ]
    add_appendix(draft, notes)


def finished(draft: SitesDraft, title: str, draw: Callable[[Picture], Figure]) -> Report:
    """Return a siting report with its workbook."""
    return Report(draft, title, draw, list(_manifest(draft, title)), _shown_tables(draft))


def add_opening(draft: SitesDraft) -> None:
    """Add page one."""
    add_bands(draft, [draft])
    draft.heading("结论", "The answer")
    draft.text(draft.condition(), answer(draft), _first_ones(draft))
    draft.text(proof(draft), _firm(draft))
    _short_table(draft)
    draft.heading("本报告依据", "What this rests on", level=2)
    draft.facts(facts(draft))
    draft.signatures()


def add_bands(draft: SitesDraft, parts: Sequence[SitesDraft]) -> None:
    """Add what nobody may overlook."""
    summaries = [part.study.summary for part in parts]
    if any(summary["illustrative"] for summary in summaries):
        draft.warn(draft.illustrative())
    figures = [summary["figures"] for summary in summaries]
    early = {"time", "cancelled", "solver"}  # not where it is as good as was asked for
    if any(each["stopped"] in early and each["status"] != "optimal" for each in figures):
        draft.warn(
            draft.say(
                "请注意：计算提前结束，以下是已找到的最好方案，未证明最优。",
                "Please note: the search ended early; this is the best it had found, and not "
                "proven best.",
            )
        )


def facts(draft: SitesDraft) -> Iterator[tuple[str, str]]:
    """Yield what the answer rests on, names and values."""
    summary, asked, say = draft.study.summary, draft.study.asked, draft.say
    yield from draft.when_made()
    yield say("所问", "Asked"), _asked(draft)
    for scenario in draft.what_if():
        yield say("情景", "Scenario"), scenario
    yield say("覆盖标准", "Coverage standard"), draft.standard
    yield from draft.how_measured()
    everything = say("所有类型与服务", "every kind and service")
    codes = {"kind": asked["kinds"], "service": asked["services"]}
    yield say("计入的站点", "Stations that count"), draft.chosen(codes, everything)
    counted = f"{summary['stations_counted']:,}"
    if unknown := summary["stations_hours_unknown"]:
        counted += say(f"（另有 {unknown} 个开放与否未知）", f" (and {unknown} of unknown hours)")
    if left := summary["stations_services_unknown"]:
        counted += say(f"（另有 {left} 个服务未登记）", f" (and {left} of unknown services)")
    yield say("当时可用的站点", "Stations in use then"), counted
    yield say("候选点", "Candidates"), f"{summary['figures']['candidates']:,}"
    yield say("规则", "Rules"), say("；", "; ").join(_rules(draft)) or say("无", "none")
    yield from draft.made_from()


def answer(draft: SitesDraft) -> str:
    """Return the sentence that a director reads first."""
    figures, say, standard = draft.study.summary["figures"], draft.say, draft.standard
    if not figures["chosen"]:
        return say(
            "在所定的规则内，没有任何措施能再增加覆盖，因此未选任何站点。",
            "Within the rules nothing adds anything, so nothing was chosen.",
        )
    what, model = _what(draft), draft.study.asked["model"]
    if model == "p-median" and figures["mean_s_before"] is not None:
        was, now = _minutes(figures["mean_s_before"]), _minutes(figures["mean_s_after"])
        return say(
            f"{what}，可使到最近站点的平均骑行时间由 {was} 分钟降至 {now} 分钟；{standard}之内的"
            f"需求由 {_before(draft)} 升至 {_after(draft)}。",
            f"{what} would shorten the mean ride to the nearest station from {was} to {now} "
            f"minutes; demand within {standard} would go from {_before(draft)} to {_after(draft)}.",
        )
    if model == "p-center":
        longest = _minutes(figures["objective"])
        return say(
            f"{what}，可使最远的需求到最近站点的骑行时间为 {longest} 分钟；{standard}之内的"
            f"需求由 {_before(draft)} 升至 {_after(draft)}。",
            f"With {what[:1].lower()}{what[1:]} the longest ride to the nearest station is "
            f"{longest} minutes; demand within {standard} goes from {_before(draft)} to "
            f"{_after(draft)}.",
        )
    gained, whole = figures["covered_after"] - figures["covered_before"], figures["demand"]
    near = say("之内有站点可用的需求", "of a usable station")
    return say(
        f"{what}，可使 {standard}{near}由 {_before(draft)} 升至 {_after(draft)}："
        f"{draft.demand(gained)}是新增的，总需求为{draft.demand(whole)}。",
        f"{what} would bring the demand within {standard} {near} from {_before(draft)} to "
        f"{_after(draft)}: {draft.demand(gained)} more, of {whole:,.0f}.",
    ) + _served(draft)


def _served(draft: SitesDraft) -> str:
    figures = draft.study.summary["figures"]
    if draft.study.asked["model"] != "capacitated":
        return ""
    served = draft.demand(figures["objective"])
    return draft.say(f"在容量之内可服务{served}。", f" Within capacity {served} would be served.")


def _before(draft: SitesDraft) -> str:
    return percent(draft.study.summary["figures"]["covered_share_before"])


def _after(draft: SitesDraft) -> str:
    return percent(draft.study.summary["figures"]["covered_share_after"])


def _minutes(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds / 60:.1f}"


def _what(draft: SitesDraft) -> str:
    """Return what is done: so many of each option, and for how much."""
    figures, say = draft.study.summary["figures"], draft.say
    count = numeral(figures["chosen"], draft.language)
    options = {str(row["option"]) for row in draft.sites()}
    if options <= {"new_post"}:
        posts = "post" if figures["chosen"] == 1 else "posts"
        text = say(f"新设 {figures['chosen']} 处驿站", f"{count} new {posts}".capitalize())
    else:
        taken = "measure" if figures["chosen"] == 1 else "measures"
        text = say(
            f"采取 {figures['chosen']} 项措施（{_mix(draft)}）",
            f"{count} {taken} ({_mix(draft)})".capitalize(),
        )
    if figures["cost"] is not None:
        cost = draft.cost(figures["cost"])
        text += say(f"，费用共 {cost}", f" for {cost}")
    return text


def _mix(draft: SitesDraft) -> str:
    counted: dict[str, int] = {}
    for row in draft.sites():
        counted[str(row["option"])] = counted.get(str(row["option"]), 0) + 1
    words = [
        draft.say(
            f"{choose(pair, 'zh')} {counted[code]} 项", f"{choose(pair, 'en')}: {counted[code]}"
        )
        for code, pair in CODES["option"].items()
        if code in counted
    ]
    return draft.say("、", ", ").join(words)


def _first_ones(draft: SitesDraft) -> str:
    rows = draft.sites()
    whole = draft.gain(rows)
    if len(rows) < 4 or not whole > 0:
        return ""
    few = (len(rows) + 1) // 3
    part = draft.share(draft.gain(rows[:few]), whole)
    return draft.say(
        f"其中前 {few} 项占新增的 {part}。",
        f"The first {numeral(few, 'en')} bring {part} of that.",
    )


def proof(draft: SitesDraft) -> str:
    """Say in plain words how good the choice is known to be."""
    figures, say = draft.study.summary["figures"], draft.say
    if figures["status"] == "optimal" and draft.study.asked["model"] == "lscp":
        return say(
            "已证明最少（或最省）：在同样的规则与候选点内，更少则达不到所要求的覆盖。",
            "This is proven to be the fewest, or cheapest: under the same rules and of the same "
            "candidates less would not reach the share asked for.",
        )
    if figures["status"] == "optimal":
        return say(
            "这是已证明的最优：在同样的规则与候选点内，没有任何其他选法更好。",
            "This is proven best: under the same rules and of the same candidates no other choice "
            "does better.",
        )
    return say("未证明最优：", "Not proven best: ") + missing(draft)


def _firm(draft: SitesDraft) -> str:
    shares = [s for row in draft.sites() if (s := number(row["kept_share"])) is not None]
    runs = draft.study.asked["runs"]
    if not shares or not runs:
        return ""
    low, high = percent(min(shares), 0), percent(max(shares), 0)
    if low == high:
        return draft.say(
            f"在 {runs} 次变动试算中，每个站点都有 {low} 再次选中。",
            f"In {runs} runs with other inputs each of them is chosen again in {low}.",
        )
    return draft.say(
        f"在 {runs} 次变动试算中，各站点再次选中的比例为 {low} 至 {high}。",
        f"In {runs} runs with other inputs they are chosen again in {low} to {high} of the runs.",
    )


def _short_table(draft: SitesDraft) -> None:
    """Add the chosen as a short table."""
    columns = ["rank", "name", "district_name", "gain", "gain_share", "kept_share"]
    if draft.options_offered():
        columns.insert(2, "option")
    rows = draft.sites()
    if draft.study.summary["figures"]["cost"] is not None:
        columns.insert(columns.index("gain"), "cost")
    if all(row["kept_share"] is None for row in rows):
        columns.remove("kept_share")
    draft.grid(
        "所选站点，按先后可新增的覆盖排列",
        "The chosen, in the order of what each adds to those before it",
        columns,
        rows,
    )


def _asked(draft: SitesDraft) -> str:
    asked, say = draft.study.asked, draft.say
    model = MODELS.get(asked["model"])
    parts = [choose(model, draft.language) if model else asked["model"]]
    if asked["new"] is not None:
        parts.append(say(f"新设 {asked['new']} 处", f"{asked['new']} new"))
    if asked["budget"] is not None:
        parts.append(say("预算 ", "budget ") + draft.cost(asked["budget"]))
    if asked["model"] == "lscp":
        share = percent(asked["share"] if asked["share"] is not None else 1.0)
        parts.append(say(f"覆盖 {share} 的需求", f"{share} of demand"))
    return say("；", "; ").join(parts)


def _rules(draft: SitesDraft) -> Iterator[str]:
    asked, say = draft.study.asked, draft.say
    if not asked["existing"]:
        yield say("不计现有站点", "existing stations left out")
    if asked["apart_m"]:
        apart = f"{asked['apart_m']:,.0f}"
        yield say(f"新站点相距至少 {apart} 米", f"new sites {apart} m apart or more")
    if asked["forced_in"]:
        yield say("必选 ", "must be chosen: ") + say("、", ", ").join(asked["forced_in"])
    if asked["forced_out"]:
        yield say("不选 ", "must not be chosen: ") + say("、", ", ").join(asked["forced_out"])
    least = draft.study.summary["question"].get("at_least")
    for pair in least if isinstance(least, list) else []:
        if isinstance(pair, list) and len(pair) == 2:
            yield say(f"区县 {pair[0]} 至少 {pair[1]} 处", f"at least {pair[1]} in {pair[0]}")
    if asked["hours"]:
        hours = week_words(asked["hours"], draft.language)
        yield say(f"新站点开放时间：{hours}", f"hours of new posts: {hours}")


def _manifest(draft: SitesDraft, title: str) -> Iterator[tuple[str, Cell]]:
    summary, say = draft.study.summary, draft.say
    yield say("报告", "Report"), title
    if summary["illustrative"]:
        yield say("数据性质", "Data"), draft.illustrative()
    yield say("结论", "The answer"), answer(draft)
    yield say("凭证", "Proof"), proof(draft)
    yield from facts(draft)
    yield say("数据版本", "Data version"), summary["data_version"]
    for note in summary["notes"]:
        yield say("说明", "Note"), translate(note, draft.language)
    for name, text in shown_settings(draft):
        yield say(f"设置：{name}", f"Setting: {name}"), text


def _shown_tables(draft: Draft) -> dict[str, Table]:
    """Return the tables with rows, the reasons in the report's language alone."""
    left_out = "why_en" if draft.language == "zh" else "why_zh"
    found = {}
    for name, table in draft.tables.items():
        if table.rows:
            kept = [i for i, column in enumerate(table.columns) if column != left_out]
            found[name] = Table(
                tuple(table.columns[i] for i in kept),
                tuple(tuple(row[i] for i in kept) for row in table.rows),
            )
    return found
