"""Method, limits and references of a report, and its appendix."""

from collections.abc import Iterable, Mapping

from locator.reporting.columns import Pair
from locator.reporting.draft import Draft, Facts, Paper
from locator.reporting.folder import Cell
from locator.reporting.labels import CHOICES, SETTINGS, choose, translate

__all__ = ["add_appendix", "add_method", "add_settings", "shown_settings", "write_method"]

_REJECTED = 20
# What each measure is; docs/methods.md has the formulas.
_METHODS: tuple[Pair, ...] = (
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
_LIMITS: tuple[Pair, ...] = (
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
_REFERENCES = (
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


def add_method(draft: Draft) -> None:
    """Add the method in a page: what each number is, what it is not, and from where."""
    write_method(draft, _METHODS, _LIMITS, _REFERENCES)


def write_method(
    draft: Paper, methods: Iterable[Pair], limits: Iterable[Pair], references: Iterable[str]
) -> None:
    """Write a method, its limits and its references, in that order."""
    draft.heading("方法与局限", "Method and limits")
    draft.points(choose(pair, draft.language) for pair in methods)
    draft.heading("局限", "Limits", level=2)
    draft.points(choose(pair, draft.language) for pair in limits)
    draft.heading("参考文献", "References", level=2)
    draft.points(references)


def shown_settings(
    draft: Paper, settings: Mapping[str, str | float | int]
) -> list[tuple[str, Cell]]:
    """Return the settings by name, in words; numbers stay numbers."""
    rows: list[tuple[str, Cell]] = []
    for name, value in settings.items():
        label = choose(SETTINGS[name], draft.language) if name in SETTINGS else name
        shown: Cell = value
        if isinstance(value, str):
            word = CHOICES.get(name, {}).get(value)
            shown = choose(word, draft.language) if word else value
        rows.append((label, draft.say("（默认）", "(default)") if shown == "" else shown))
    return rows


def add_settings(draft: Paper, settings: Mapping[str, str | float | int]) -> None:
    """Add the settings as names and values."""
    shown = shown_settings(draft, settings)
    draft.blocks.append(Facts(tuple((label, _plain(value)) for label, value in shown)))


def _plain(value: Cell) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def add_appendix(draft: Draft) -> None:
    """Add the settings, the notes of the run and the rejected points."""
    summary, say = draft.study.summary, draft.say
    draft.heading("附录", "Appendix")
    draft.heading("设置", "Settings", level=2)
    shown = tuple(
        (label, _plain(value)) for label, value in shown_settings(draft, summary["settings"])
    )
    draft.blocks.append(Facts(shown))
    draft.heading("说明", "Notes", level=2)
    said = [*summary["warnings"], *summary["notes"]]
    notes = [draft.named(translate(note, draft.language)) for note in said]
    draft.points(notes or [say("无。", "None.")])
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
