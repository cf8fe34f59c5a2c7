"""A siting report after page one: where, could it be better, where it stops paying, how firmly."""

from collections.abc import Iterator

from locator.hours_words import week_words
from locator.report.blocks import percent
from locator.report.draft import SitesDraft
from locator.report.folder import Cell, number
from locator.report.labels import CODES, choose, numeral
from locator.report.pictures import sites_extent

_ZONES, _RIVALS = 15, 10
_FIRM = 0.5
_READ = (
    'import numpy as np; from scipy.sparse import csr_array; c = np.load("certificate.npz")',
    'A = csr_array((c["data"], c["indices"], c["indptr"]), shape=c["shape"])',
    'G = csr_array((c["rule_data"], c["rule_indices"], c["rule_indptr"]), shape=c["rule_shape"])',
)
# The lines of locator.siting.Certificate, by what the model looks for.
_COVER = (
    'u = c["first"] - c["rows"]; v = u + c["second"] - c["rows"]',
    'r = A.T @ c["rows"] - G.T @ c["rules"]',
    'print(c["baseline"] + np.maximum(0, np.maximum(u, v)).sum() + c["rules"] @ c["right"]'
    ' + np.where(r > 0, c["high"] * r, c["low"] * r).sum())',
)
_SAVING = (
    'S = A.tocoo(); more = np.maximum(S.data - c["rows"][S.row], 0)',
    'r = np.bincount(S.col, more, A.shape[1]) - G.T @ c["rules"]',
    'print(c["baseline"] - c["rows"].sum() - c["rules"] @ c["right"]'
    ' - np.where(r > 0, c["high"] * r, c["low"] * r).sum())',
)
_COST = (
    'r = c["prices"] - A.T @ c["rows"] + G.T @ c["rules"]',
    'short = np.maximum(0, c["share"] * c["first"] - c["rows"]).sum()',
    'asked = c["share"] * c["target"] - short if c["target"] > 0 else c["rows"].sum()',
    'print(asked - c["rules"] @ c["right"] + np.where(r < 0, c["high"] * r, c["low"] * r).sum())',
)
_BY_MODEL = {"mclp": _COVER, "backup": _COVER, "p-median": _SAVING, "lscp": _COST}


def add_sections(draft: SitesDraft) -> None:
    """Add every section that the study has something for."""
    _where(draft)
    _options(draft)
    _proof(draft)
    _curve(draft)
    _firmness(draft)
    _areas(draft)
    _changes(draft)


def _where(draft: SitesDraft) -> None:
    draft.heading("选在何处，为何", "Where, and why there")
    chosen = draft.study.summary["figures"]["chosen"]
    add_map(draft, "sites", chosen)
    if sites_extent(draft) is not None:
        add_map(draft, "sites-city", chosen, when=draft.say("市区", "the city"))
    add_where(draft)


def add_map(draft: SitesDraft, name: str, chosen: int, *, when: str = "") -> None:
    """Add the map of the chosen, under the name of its picture."""
    say, standard = draft.say, draft.standard
    at = say(f"，{when}", f", {when}") if when else ""
    draft.picture(
        name,
        say(
            f"所选站点与新增覆盖（{draft.per_h}），{standard}{at}",
            f"Chosen sites and what they add ({draft.per_h}), {standard}{at}",
        ),
        say(
            f"所选 {chosen} 处（数字为名次）、现有站点、{standard}之内新增覆盖的区域"
            f"与仍未覆盖的区域{at}。",
            f"The {chosen} chosen (numbered by rank), existing stations, what is newly covered "
            f"within {standard} and what stays uncovered{at}.",
        ),
    )


def add_where(draft: SitesDraft) -> None:
    """Add the reasons, one a site, and the table with positions."""
    rows = draft.sites()
    if not rows:
        return
    why = "why_zh" if draft.language == "zh" else "why_en"
    draft.points(
        f"{row['rank']}. {draft.place(row['name'])}" + draft.say("：", ": ") + str(row[why] or "")
        for row in rows
    )
    columns = ["rank", "id", "lon", "lat", "district_name", "place", "place_m", "hours"]
    columns += ["gain_alone", "lost_if_dropped"]
    shown = [name for name in columns if any(row[name] is not None for row in rows)]
    draft.grid(
        "位置（WGS-84）、开放时间，单独新增与只由它覆盖的需求",
        "Positions (WGS-84), hours, what each would add alone and what only it covers",
        shown,
        rows,
    )


def _options(draft: SitesDraft) -> None:
    """Add what the money goes to, where more than new posts was on offer."""
    rows = draft.sites()
    if not draft.options_offered() or not rows:
        return
    draft.heading("措施组合", "The mix of measures")
    table: list[dict[str, Cell]] = []
    for option in CODES["option"]:
        mine = [row for row in rows if row["option"] == option]
        if mine:
            costs = [number(row["cost"]) or 0.0 for row in mine]
            gain = draft.gain(mine)
            table.append(
                {"option": option, "options": len(mine), "cost": round(sum(costs), 6), "gain": gain}
            )
    draft.text(
        draft.say(
            "在同一预算内同时比较新设驿站、延长开放时间、增加服务与换电柜，取新增覆盖最多的组合。各项报价：",
            "New posts, longer hours, services and cabinets were weighed together under one "
            "budget; this mix adds the most. What was on offer:",
        )
    )
    draft.facts(_offers(draft))
    draft.grid("按措施", "By measure", ["option", "options", "cost", "gain"], table)
    draft.text(_no_new(draft, table))
    best = max(table, key=lambda row: (number(row["gain"]) or 0) / (number(row["cost"]) or 1e-9))
    word = choose(CODES["option"][str(best["option"])], draft.language)
    if len(table) > 1 and (number(best["cost"]) or 0) > 0:
        each = (number(best["gain"]) or 0.0) / (number(best["cost"]) or 1.0)
        draft.text(
            draft.say(
                f"每单位费用新增最多的是“{word}”：{draft.demand(each)}。",
                f"For its cost, {word} adds the most: {draft.demand(each)} for each unit of cost.",
            )
        )


def _offers(draft: SitesDraft) -> Iterator[tuple[str, str]]:
    """Yield what was on offer, and for how much."""
    prices = draft.study.summary["question"].get("prices")
    for option, pair in CODES["option"].items():
        offered = prices.get(option) if isinstance(prices, dict) else None
        for offer in offered if isinstance(offered, list) else [offered]:
            if isinstance(offer, dict) and isinstance(cost := offer.get("cost"), int | float):
                hours = offer.get("hours")
                text = draft.cost(float(cost)) + _open(draft, hours)
                yield draft.one_of(pair), text


def _open(draft: SitesDraft, hours: object) -> str:
    return f", {week_words(hours, draft.language)}" if isinstance(hours, str) else ""


def _no_new(draft: SitesDraft, table: list[dict[str, Cell]]) -> str:
    """Say that no new post is needed, where one could have been had."""
    prices = draft.study.summary["question"].get("prices")
    offered = isinstance(prices, dict) and prices.get("new_post") is not None
    if not offered or any(row["option"] == "new_post" for row in table):
        return ""
    return draft.say(
        "其中没有新设驿站：同样的费用用于现有站点，新增的覆盖更多。",
        "No new post is among them: for the same money existing stations add more.",
    )


def _proof(draft: SitesDraft) -> None:
    """Add the certificate in plain words, and how anybody recomputes it."""
    figures, say = draft.study.summary["figures"], draft.say
    draft.heading("还能更好吗", "Could it be better")
    if figures["status"] == "optimal":
        draft.text(
            say(
                "不能。在同样的规则、候选点与数据下，没有其他选法更好（精确到百万分之一）。",
                "No. Under the same rules, candidates and data no other choice does better, to a "
                "millionth.",
            )
        )
    else:
        words = missing(draft)
        draft.text(say("也许能，但不多：", "Perhaps, but not by much: ") + words)
    draft.facts(_bounds(draft))
    lines = recompute(draft) if draft.study.certificate else ()
    if not lines:
        draft.text(
            say(
                "此模型没有可独立复算的凭证，上限由求解器给出。",
                "This model has no certificate that can be recomputed; the bound is the solver's.",
            )
        )
        return
    draft.text(
        say(
            "凭证（certificate.npz）是一组对偶数：任何人用下面几行 numpy "
            "即可复算上限，无须相信求解器。",
            "The certificate (certificate.npz) is a set of dual numbers: these lines of numpy "
            "recompute the bound, and no solver need be believed.",
        )
    )
    draft.points(lines)
    draft.text(_weaker(draft))


def _bounds(draft: SitesDraft) -> Iterator[tuple[str, str]]:
    figures, say = draft.study.summary["figures"], draft.say
    unit, demand = figures["unit"], f"（{draft.per_h}）" if draft.language == "zh" else ""
    demand = demand or f" ({draft.per_h})"
    if unit in {"mean seconds", "longest seconds"}:
        demand = say("（秒）", " (s)")
    elif draft.study.asked["model"] == "lscp":
        demand = say("（个数或费用）", " (number or cost)")
    yield say("本方案", "This choice") + demand, f"{figures['objective']:,.3f}"
    least = draft.study.asked["model"] in {"lscp", "p-median", "p-center"}
    words = (
        ("任何选法不低于", "No choice is below")
        if least
        else ("任何选法的上限", "No choice passes")
    )
    yield say(*words) + demand, f"{figures['bound']:,.3f}"
    if figures["certificate_bound"] is not None:
        yield (
            say("其中由凭证证明", "Proven by the certificate") + demand,
            (f"{figures['certificate_bound']:,.3f}"),
        )
    yield say("可能的差距", "Gap at most"), percent(figures["gap_added"], 2)


def _weaker(draft: SitesDraft) -> str:
    figures = draft.study.summary["figures"]
    certified, added = figures["certificate_bound"], figures["added"]
    if figures["proof"] == "certificate" or certified is None:
        return ""
    if draft.study.asked["model"] == "lscp" or not added:
        return draft.say(
            f"仅凭凭证，可证明的是 {certified:,.3f}；余下的由求解器的搜索排除。",
            f"The certificate alone proves {certified:,.3f}; the rest was ruled out by the "
            "solver's search.",
        )
    apart = abs(certified - figures["objective"])
    return draft.say(
        f"仅凭凭证，至多还差新增的 {apart / added:.3%}；余下的由求解器的搜索排除。",
        f"By the certificate alone {apart / added:.3%} of what is added may be missing; the rest "
        "was ruled out by the solver's search.",
    )


def _firmness(draft: SitesDraft) -> None:
    """Add how firmly each site is chosen, and its rivals."""
    table = draft.records("sensitivity")
    ranks = {row["id"]: position for position, row in enumerate(draft.sites())}
    mine = [row for row in table if row["chosen"] is True and row["id"] in ranks]
    mine.sort(key=lambda row: ranks[row["id"]])
    if not mine:
        return
    asked, say = draft.study.asked, draft.say
    draft.heading("有多稳", "How firmly they are chosen")
    draft.text(
        say(
            f"用略有变动的输入重做 {asked['runs']} 次（车速 ±10%、标准 ±20%、需求重新抽样，随机种子"
            f" {asked['seed']}），看各站点再次选中的次数。",
            f"The question was asked {asked['runs']} times more with inputs a little other (speed "
            f"± 10%, standard ± 20%, demand drawn anew, seed {asked['seed']}); this is how often "
            "each was chosen again.",
        ),
        *_firm_words(draft, mine),
    )
    draft.picture(
        "firmness",
        say("各站点再次选中的比例", "How often each is chosen again"),
        say(
            f"{asked['runs']} 次变动试算中，各站点再次选中的比例。",
            f"Share of the {asked['runs']} varied runs in which each is chosen again.",
        ),
    )
    kinds = [f"kept_share_{name}" for name in ("speed", "demand", "threshold")]
    shown = [name for name in kinds if any(row[name] is not None for row in mine)]
    columns = ["name", "id", "runs", "kept", "kept_share", *shown]
    draft.grid("所选站点", "The chosen", columns, mine)
    rivals = [row for row in table if row["chosen"] is False][:_RIVALS]
    draft.grid(
        f"变动后替代它们的候选点（前 {len(rivals)} 个）",
        f"Candidates that other inputs put in their place (the first {len(rivals)})",
        columns,
        rivals,
    )


def _firm_words(draft: SitesDraft, mine: list[dict[str, Cell]]) -> Iterator[str]:
    say, language = draft.say, draft.language
    for row in mine:
        share = number(row["kept_share"])
        if share is not None and share < _FIRM:
            name, kept = draft.place(row["name"]), percent(share, 0)
            yield say(
                f"{name}只在 {kept} 中再次选中，近处有同样好的点。",
                f"{name} is chosen again in {kept} only: others are about as good.",
            )
    if firm := [row for row in mine if (number(row["kept_share"]) or 0.0) >= 0.9]:
        count, verb = numeral(len(firm), language), "is" if len(firm) == 1 else "are"
        yield say(
            f"{len(firm)} 处在九成以上的试算中再次选中。",
            f"{count} of them {verb} chosen again in nine runs of ten or more.".capitalize(),
        )


def _areas(draft: SitesDraft) -> None:
    """Add what changes by district, and the hot zones with most that stays uncovered."""
    rows: dict[str, list[dict[str, Cell]]] = {"district": [], "zone": []}
    for row in draft.records("areas"):
        whole, before, after = (
            number(row[name]) or 0.0 for name in ("demand", "covered_before", "covered_after")
        )
        if str(row["level"]) in rows and row["name"] and whole > 0:
            shares = {"share_before": before / whole, "share_after": after / whole}
            rows[str(row["level"])].append({**row, **shares, "left": max(0.0, whole - after)})
    if not rows["district"] and not rows["zone"]:
        return
    draft.heading("各区县与热区", "By district and hot zone")
    columns = ["name", "demand", "share_before", "share_after", "left"]
    draft.grid("按区县", "By district", columns, rows["district"])
    left = [row for row in rows["zone"] if (number(row["left"]) or 0.0) >= 0.05]
    left.sort(key=lambda row: (-(number(row["left"]) or 0.0), str(row["name"])))
    draft.grid(
        f"仍未覆盖最多的热区（前 {min(_ZONES, len(left))} 个）",
        f"Hot zones with most that stays uncovered (the first {min(_ZONES, len(left))})",
        columns,
        left[:_ZONES],
    )


def _changes(draft: SitesDraft) -> None:
    draft.heading("什么会改变这个答案", "What would change this answer")
    draft.points(_what_changes(draft))


def _what_changes(draft: SitesDraft) -> Iterator[str]:
    rows, say = draft.sites(), draft.say
    whole = draft.gain(rows)
    for reason, zh, en in (
        (
            "hours_unknown",
            "附近有站点但开放时间未知。请先核实其时间：若当时开放，这些站点可以不建",
            "lies near stations whose hours are unknown. Ask them first: if they are open then, "
            "those posts are not needed",
        ),
        (
            "services_unknown",
            "附近有站点但没有登记提供什么服务。请先核实：若提供所需服务，这些站点可以不建",
            "lies near stations whose services nobody recorded. Ask them first: if they offer what "
            "is needed, those posts are not needed",
        ),
        (
            "closed_then",
            "附近的站点当时关闭。延长它们的开放时间可能更省（--options）",
            "lies near stations that are closed then. Longer hours there may be cheaper "
            "(--options)",
        ),
        (
            "service_missing",
            "附近的站点没有所需服务或类型不符。为其增加服务可能更省（--options）",
            "lies near stations that lack the service or are of another kind. Adding it there may "
            "be cheaper (--options)",
        ),
    ):
        mine = [row for row in rows if row["reason"] == reason]
        if mine and whole > 0:
            part = draft.share(draft.gain(mine), whole)
            ranks = say("、", ", ").join(str(row["rank"]) for row in mine)
            yield say(
                f"新增的 {part}（名次 {ranks}）主要因为{zh}。",
                f"{part} of what is added (rank {ranks}) {en}.",
            )
    yield from _assumptions(draft)


def _assumptions(draft: SitesDraft) -> Iterator[str]:
    asked, say, summary = draft.study.asked, draft.say, draft.study.summary
    if asked["candidates"] == "grid":
        yield say(
            f"候选点是 {asked['spacing_m']:g} 米的网格，不是现成的场所：须在点位附近找到"
            "愿意接纳的依托单位，或用 --candidates 给出名单重新计算。",
            f"Candidates are a grid of {asked['spacing_m']:g} m, not venues: a host must be found "
            "near each point, or a list be given with --candidates and the question asked anew.",
        )
    if not asked["hours"] and not draft.options_offered() and (asked["at"] or asked["hourly"]):
        yield say(
            "新设驿站假定在所看的时刻开放；若开放时间较短，用 --hours 重新计算。",
            "New posts are taken to be open whenever it is looked at; where they would not be, "
            "ask anew with --hours.",
        )
    if asked["at"]:
        yield say(
            f"这只是 {draft.moment} 的答案；给出两个 --at 可比较两个时刻，--hourly 计全周。",
            f"It is the answer for {draft.moment} alone; two --at compare moments, --hourly takes "
            "the whole week.",
        )
    elif not asked["hourly"]:
        yield say(
            "未考虑开放时间：夜间的缺口不在其中（--at、--hourly）。",
            "Opening hours were left out: gaps at night are not in it (--at, --hourly).",
        )
    if not summary["network"]:
        yield say(
            "时间为直线估算；导入路网后，被河流或铁路隔开的需求会改变选法。",
            "Times are estimated along straight lines; with roads, demand behind a river or a "
            "railway changes the choice.",
        )
    yield say(
        "另一覆盖标准（--minutes）或另一数量会给出另一组站点；曲线与稳定性两节说明变化多大。",
        "Another standard (--minutes) or number gives other sites; the curve and the varied runs "
        "show how much.",
    )


def recompute(draft: SitesDraft) -> tuple[str, ...]:
    """Return the lines that print the bound; none where the model has no certificate.

    With ``p-median`` they print the sum over demand, which the report divides by the demand.
    """
    lines = _BY_MODEL.get(draft.study.asked["model"])
    return () if lines is None else (*_READ, *lines)


_HALF = 0.5


def _curve(draft: SitesDraft) -> None:
    """Add coverage against the number or the budget, and where it stops paying."""
    nested, free = (draft.curve(nested=which) for which in (True, False))
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


def _paying(draft: SitesDraft, rows: list[dict[str, Cell]]) -> Iterator[str]:
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


def _paying_budget(draft: SitesDraft, steps: list[tuple[float, float]]) -> Iterator[str]:
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
    draft: SitesDraft, nested: list[dict[str, Cell]], free: list[dict[str, Cell]]
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


def missing(draft: SitesDraft) -> str:
    """Say how much more any other choice could bring at most."""
    figures, say = draft.study.summary["figures"], draft.say
    apart, share = abs(figures["bound"] - figures["objective"]), percent(figures["gap_added"], 2)
    unit = figures["unit"]
    if unit in {"mean seconds", "longest seconds"}:
        amount = say(f"{apart:,.1f} 秒", f"{apart:,.1f} seconds")
        return say(
            f"换任何其他选法，时间至多再短 {amount}。",
            f"any other choice could shorten it by {amount} at most.",
        )
    if draft.study.asked["model"] == "lscp":
        amount = draft.cost(apart) if draft.cost_unit else f"{apart:,.10g}"
        return say(
            f"换任何其他选法，至多再省 {amount}。",
            f"any other choice could do with {amount} less at most.",
        )
    return say(
        f"换任何其他选法，至多再多{draft.demand(apart)}（可新增覆盖的 {share}）。",
        f"at most {draft.demand(apart)} more could be had by any other choice ({share} of what "
        "could be added).",
    )
