"""Method, limits and references of a report, and the appendix of its settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from locator.report.draft import Draft
from locator.report.folder import Cell
from locator.report.labels import CHOICES, SETTINGS, Pair, choose


@dataclass(frozen=True)
class Method:
    """What each number is, what it is not, and from where the method is taken."""

    what: tuple[Pair, ...]
    limits: tuple[Pair, ...]
    references: tuple[str, ...]


# What each measure is; docs/methods.md has the formulas.
_GAPS_WHAT: tuple[Pair, ...] = (
    (
        "覆盖率是需求的占比，不是站点或热区个数的占比：热区需求在面内均匀分布，落在服务范围之内的部分"
        "为已覆盖（Church & ReVelle 1974）。",
        "The covered share is of demand, not of stations or zones: a zone's demand is spread "
        "evenly over it, and the part within a service area is covered (Church & ReVelle 1974).",
    ),
    (
        "直线估算的时间为 绕行系数 × 测地线 ÷ 速度（绕行系数见 Ballou 等 2002；测地线见 Karney "
        "2013）；按道路计算时为最短骑行时间。",
        "Estimated time is detour × geodesic ÷ speed (detour: Ballou et al. 2002; geodesic: Karney "
        "2013); along roads it is the quickest ride.",
    ),
    (
        "逐小时：每刻钟核对站点是否确定开放，且到下一次关闭至少还有设定的分钟数；开放时间未知的站点"
        "单独列出，不算开放，也不算关闭。",
        "Hour by hour: each quarter asks which stations are surely open, and for at least the "
        "minutes that the settings name; unknown hours are told apart, neither open nor closed.",
    ),
    (
        "缺口按未覆盖需求排列；原因按需求取最多者：时间未知、当时关闭、无所需服务、道路阻隔、附近无站。",
        "Gaps are ranked by unserved demand; a reason is that of most of the demand: hours "
        "unknown, closed then, service missing, barrier, none near.",
    ),
    (
        "备选：限时内有至少两个站点的需求占比（Hogan & ReVelle 1986）。关键站点：逐一关闭，"
        "只有它可达的需求即为失去。",
        "Second choice: the share of demand with two or more stations in time (Hogan & ReVelle "
        "1986). Critical stations: each is closed alone; demand that reaches only it is lost.",
    ),
    (
        "可达性：增强型两步移动搜寻法（Luo & Qi 2009）；基尼系数与最差十分之一均按需求加权。",
        "Access: enhanced two-step floating catchment (Luo & Qi 2009); the Gini coefficient and "
        "the worst-served tenth are weighted by demand.",
    ),
    (
        "区间：需求单位有放回抽样的百分位区间（Efron & Tibshirani 1993）；"
        "站点在数据性质对应的精度内随机移动。"
        "随机数种子固定，同样的输入得到同样的结果。",
        "Intervals: percentiles with demand units drawn anew (Efron & Tibshirani 1993), and with "
        "stations moved at random within the accuracy of their provenance. The seed is fixed: the "
        "same input gives the same report.",
    ),
)
_GAPS_LIMITS: tuple[Pair, ...] = (
    (
        "直线估算不知道河流、铁路、单行道与高差；默认速度与绕行系数并非本地实测。",
        "The straight-line estimate knows no river, railway, one-way street or slope; the default "
        "speed and detour were not measured locally.",
    ),
    (
        "热区需求在面内均匀分布是假设；各热区的逐小时曲线来自数据本身。",
        "That demand is even within a hot zone is an assumption; its hourly profile is as given.",
    ),
    (
        "能到达不等于能坐下：除两步移动搜寻法外，不考虑站点容量。",
        "Within reach is not the same as a free seat: capacity counts only in the catchments.",
    ),
    (
        "开放时间取自登记册；实际开放情况需由核实确认。",
        "Opening hours are as the register has them; whether doors are open, a visit tells.",
    ),
    (
        "本报告不提出选址建议；它只说明何处、何时、为何没有覆盖。",
        "This report recommends no site; it says where, when and why there is no cover.",
    ),
)
_GAPS_REFERENCES = (
    "Ballou, R. H., Rahardja, H., Sakai, N. (2002). Selected country circuity factors for road "
    "travel distance estimation. Transportation Research Part A 36:843–848.",
    "Bohannon, R. W. (1997). Comfortable and maximum walking speed of adults aged 20–79 years. "
    "Age and Ageing 26:15–19.",
    "Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the "
    "Regional Science Association 32:101–118.",
    "Efron, B., Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.",
    "Hogan, K., ReVelle, C. (1986). Concepts and applications of backup coverage. Management "
    "Science 32:1434–1444.",
    "Karney, C. F. F. (2013). Algorithms for geodesics. Journal of Geodesy 87:43–55.",
    "Luo, W., Qi, Y. (2009). An enhanced two-step floating catchment area (E2SFCA) method. Health "
    "& Place 15:1100–1107.",
)
GAPS_METHOD = Method(_GAPS_WHAT, _GAPS_LIMITS, _GAPS_REFERENCES)
_SITES_WHAT: tuple[Pair, ...] = (
    (
        "覆盖是需求的占比：热区需求在面内均匀分布，取方格为点（边长 5 至 100 米，共约三万个）；"
        "标准时间之内有可用站点的方格为已覆盖。",
        "Cover is a share of demand: a zone's demand is sampled by squares of 5 to 100 m, about "
        "30,000 in all; a square within the standard of a station in use is covered.",
    ),
    (
        "最大覆盖选址（MCLP，Church & ReVelle 1974）在候选点中选取新增覆盖最多的组合，"
        "现有站点保留。"
        "最少设施（LSCP，Toregas 等 1971）、p-中位（Hakimi 1964）按所问选用。",
        "The maximal covering location problem (MCLP, Church & ReVelle 1974) chooses the "
        "candidates that add most cover, existing stations staying; the set covering problem "
        "(LSCP, Toregas et al. 1971) and the p-median (Hakimi 1964) where they were asked for.",
    ),
    (
        "上限来自线性松弛的对偶：任何可行的对偶数都给出有效的上限，因此可独立复算。",
        "The bound is of the dual of the linear relaxation: any feasible dual numbers give a valid "
        "one, so that anybody can recompute it.",
    ),
    (
        "名次按逐个新增排列：第一处新增最多，第二处在其基础上新增最多，依此类推，合计等于总新增。",
        "Ranks go by what each adds to those before it: the gains add up to what all of them add.",
    ),
    (
        "变动试算：车速、标准在范围内均匀抽取，需求单位有放回抽样（Efron & Tibshirani 1993），"
        "种子固定。"
        "它说明选择取决于什么，不是预测。",
        "Varied runs: speed and standard are drawn evenly, demand units with repetition (Efron & "
        "Tibshirani 1993), from a fixed seed. They say what the choice hangs on, and forecast "
        "nothing.",
    ),
)
_SITES_LIMITS: tuple[Pair, ...] = (
    (
        "“最优”只就所给的候选点、规则与数据而言；候选点之外可能有更好的位置。",
        "“Best” is of the candidates, rules and data given; a better place may lie between them.",
    ),
    (
        "除按容量的模型外，不考虑站点会满；需求不因新站点而改变。",
        "Except in the model of capacities no station is ever full; demand does not move because "
        "of a new post.",
    ),
    (
        "场地、租金、意愿与许可未考虑；点位须现场核实。",
        "Rooms, rents, willing hosts and permits are not considered; each point wants a visit.",
    ),
    (
        "开放时间未知的站点不算开放；开放时间取自登记册。",
        "Stations of unknown hours count as not open; hours are as the register has them.",
    ),
)
_SITES_REFERENCES = (
    "Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the "
    "Regional Science Association 32:101–118.",
    "Efron, B., Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.",
    "Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers and "
    "medians of a graph. Operations Research 12:450–459.",
    "Toregas, C., Swain, R., ReVelle, C., Bergman, L. (1971). The location of emergency service "
    "facilities. Operations Research 19:1363–1373.",
)
SITES_METHOD = Method(_SITES_WHAT, _SITES_LIMITS, _SITES_REFERENCES)


def add_method(draft: Draft, method: Method) -> None:
    """Add the method in a page."""
    draft.heading("方法与局限", "Method and limits")
    draft.points(choose(pair, draft.language) for pair in method.what)
    draft.heading("局限", "Limits", level=2)
    draft.points(choose(pair, draft.language) for pair in method.limits)
    draft.heading("参考文献", "References", level=2)
    draft.points(method.references)


def add_appendix(draft: Draft, notes: Sequence[str]) -> None:
    """Add the settings and the notes of the run."""
    draft.heading("附录", "Appendix")
    draft.heading("设置", "Settings", level=2)
    draft.facts(
        (label, f"{value:g}" if isinstance(value, float) else str(value))
        for label, value in shown_settings(draft)
    )
    draft.heading("说明", "Notes", level=2)
    draft.points(notes or [draft.say("无。", "None.")])


def shown_settings(draft: Draft) -> list[tuple[str, Cell]]:
    """Return the settings by name, in words; numbers stay numbers."""
    rows: list[tuple[str, Cell]] = []
    for name, value in draft.made["settings"].items():
        label = choose(SETTINGS[name], draft.language) if name in SETTINGS else name
        shown: Cell = value
        if isinstance(value, str):
            word = CHOICES.get(name, {}).get(value)
            shown = choose(word, draft.language) if word else value
        rows.append((label, draft.say("（默认）", "(default)") if shown == "" else shown))
    return rows
