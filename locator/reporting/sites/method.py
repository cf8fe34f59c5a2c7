"""Method, limits, references and appendix of a siting report."""

from collections.abc import Sequence

from locator.reporting.columns import Pair
from locator.reporting.draft import Paper
from locator.reporting.labels import translate
from locator.reporting.method import add_settings, write_method
from locator.reporting.sites_folder import SiteSummary

__all__ = ["add_appendix", "add_method"]

_METHODS: tuple[Pair, ...] = (
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
_LIMITS: tuple[Pair, ...] = (
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
_REFERENCES = (
    "Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the "
    "Regional Science Association 32:101–118.",
    "Efron, B., Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.",
    "Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers and "
    "medians of a graph. Operations Research 12:450–459.",
    "Toregas, C., Swain, R., ReVelle, C., Bergman, L. (1971). The location of emergency service "
    "facilities. Operations Research 19:1363–1373.",
)


def add_method(draft: Paper) -> None:
    """Add the method in a page: what each number is, what it is not, and from where."""
    write_method(draft, _METHODS, _LIMITS, _REFERENCES)


def add_appendix(draft: Paper, summaries: Sequence[SiteSummary]) -> None:
    """Add the settings, the notes of the runs and what was rejected."""
    summary = summaries[0]
    say = draft.say
    draft.heading("附录", "Appendix")
    draft.heading("设置", "Settings", level=2)
    add_settings(draft, summary["settings"])
    draft.heading("说明", "Notes", level=2)
    said = dict.fromkeys(note for each in summaries for note in each["notes"])
    notes = [translate(note, draft.language) for note in said]
    rejected = (
        (summary["rejected_points"], "需求点", "demand points", "rejected.csv"),
        (summary["rejected_candidates"], "候选点", "candidates", "rejected_candidates.csv"),
    )
    notes += [
        say(
            f"{count:,} 行{zh}无法读取，未计入，见 {file}。",
            f"{count:,} rows of {en} could not be read and do not count; see {file}.",
        )
        for count, zh, en, file in rejected
        if count
    ]
    draft.points(notes or [say("无。", "None.")])
