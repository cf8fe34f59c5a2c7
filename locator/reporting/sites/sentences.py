"""Sentences that a siting study writes in English, and their Chinese."""

from itertools import product

__all__ = ["SITE_SENTENCES"]

_VENUES = (
    (r"([\d,]+) candidates?", "登记的候选点 {} 个"),
    (r"([\d,]+) places?", "登记的地点 {} 个"),
    (r"([\d,]+) stations? that (?:does|do) not count as (?:it is|they are)", "不计入的站点 {} 个"),
)


_ENDED = (
    (", as the time was up", "时间已到，"),
    (", as it was stopped", "计算被中止，"),
    (", as this is as close as was asked for", "已达到所要求的精度，"),
    (", as the solver gave up", "求解器未能继续，"),
    ("", ""),
)
_LEFT_OPEN = (
    (r"at most (\S+) of what could be added is missing", r"可新增的至多还差 \1"),
    (r"at most (\S+) of what could be saved is missing", r"可节省的时间至多还差 \1"),
    (r"nothing costs less than (\S+), (\S+) below this", r"没有低于 \1 的选法，至多再省 \2"),
    (r"no selection brings the longest ride below (\S+) s", r"最长骑行时间不会低于 \1 秒"),
)


def _venues() -> tuple[tuple[str, str], ...]:
    """Return the sentence on host venues for every selection of their sources."""
    found = []
    for chosen in product((True, False), repeat=len(_VENUES)):
        parts = [pair for pair, there in zip(_VENUES, chosen, strict=True) if there]
        pattern = ", ".join(english for english, _ in parts)
        words = "，".join(zh.format(rf"\{n}") for n, (_, zh) in enumerate(parts, start=1))
        found.append((rf"Candidates: host venues of the store: {pattern}\.", f"候选点：{words}。"))
    return tuple(found)


SITE_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"Of ([\d,]+) of the ([\d,]+) stations to which services may be added nobody recorded what "
        r"they offer: each is priced as if it had none of them\.",
        r"可增加服务的 \2 个站点中有 \1 个没有登记提供什么服务，均按一项也没有计价。",
    ),
    (
        r"([\d,]+) stations? (?:is|are) not counted, because nobody recorded what they offer; what "
        r"is proposed may stand beside one that offers it already\.",
        r"\1 个站点没有登记提供什么服务，未计入；建议的站点旁可能已有提供所需服务的站点。",
    ),
    *_venues(),
    (
        r"([\d,]+) rows? of (.+) cannot be candidates; the first is row (\d+), (.+)",
        r"\2 中有 \1 行不能作候选点，第一处在第 \3 行；原因见 rejected_candidates.csv。",
    ),
    (
        r"every quarter-hour of the week of (\S+), hour by hour demand",
        r"\1 所在的一周，逐刻钟核对开放，需求逐小时",
    ),
    (
        r"Candidates: ([\d,]+) points of a grid of (\S+) m in hot zones, brought to the nearest "
        r"road\.",
        r"候选点：热区内 \2 米网格的 \1 个点，已移至最近的道路。",
    ),
    (
        r"Candidates: ([\d,]+) points of a grid of (\S+) m (.+), brought to the nearest road\.",
        r"候选点：需求点周围 \2 米网格的 \1 个点，已移至最近的道路。",
    ),
    (
        r"Candidates: ([\d,]+) points of a grid of (\S+) m in hot zones, not checked against roads "
        r"or buildings, as no road network was imported\.",
        r"候选点：热区内 \2 米网格的 \1 个点；未导入路网，未与道路或建筑核对。",
    ),
    (
        r"Candidates: ([\d,]+) points of a grid of (\S+) m (.+), not checked against roads "
        r"or buildings, as no road network was imported\.",
        r"候选点：需求点周围 \2 米网格的 \1 个点；未导入路网，未与道路或建筑核对。",
    ),
    (r"Candidates: ([\d,]+) of (.+)\.", r"候选点：\2 中的 \1 个。"),
    (
        r"New posts are taken to be open at every hour that is looked at \(--hours\)\.",
        r"新设驿站假定在所看的每个时刻都开放（--hours 可改）。",
    ),
    (r"New posts are open (.+)\.", r"新设驿站的开放时间：\1。"),
    (
        r"Existing stations were left out: the city is planned anew\.",
        r"未计现有站点：按从零开始规划。",
    ),
    (
        r"No candidate has a cost: each counts 1 of the budget\.",
        r"候选点均无费用：每个按 1 计入预算。",
    ),
    (
        r"That it is best rests on the solver's search; the certificate alone proves less\.",
        r"“最优”由求解器的搜索证明；仅凭凭证得到的上限略松。",
    ),
    *(
        (rf"Not proven best{when}: {words}\.", f"{zh_when}未证明最优：{zh}。")
        for (when, zh_when), (words, zh) in product(_ENDED, _LEFT_OPEN)
    ),
    (r"Stopped early: no curve\.", r"提前停止：未计算曲线。"),
    (r"Stopped early: no varied runs\.", r"提前停止：未做变动试算。"),
    (
        r"Stopped early: (\d+) of (\d+) varied runs were made\.",
        r"提前停止：\2 次变动试算只做了 \1 次。",
    ),
    (
        r"(\d+) of (\d+) varied runs ended more than (\S+) from their bound; .+",
        r"\2 次变动试算中有 \1 次距上限超过 \3，再次选中的比例因此不太确定（可延长计算时间）。",
    ),
    (r"Stations as the scenario '(.+)' has them\.", r"站点按方案“\1”。"),
    (r"There is no demand to cover: nothing can be gained\.", r"没有可覆盖的需求，无从新增。"),
    (
        r"Demand farther than (\S+) min from every station counts as \S+ min\.",
        r"距任何站点超过 \1 分钟的需求按 \1 分钟计。",
    ),
    (r"No curve: (.+)", r"没有曲线：\1"),
)
