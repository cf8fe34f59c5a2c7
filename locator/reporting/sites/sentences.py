"""Sentences that a siting study writes in English, and their Chinese."""

from itertools import product

__all__ = ["SITE_SENTENCES"]

_VENUES = (
    (r"([\d,]+) of the store's candidates", "登记的候选点 {} 个"),
    (r"([\d,]+) places", "登记的地点 {} 个"),
    (r"([\d,]+) stations that do not count as they are", "不计入的现有站点 {} 个"),
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
    (
        r"Not proven best(?:, as the time was up)?: at most (\S+) of what could be added is "
        r"missing\.",
        r"未证明最优：可新增的覆盖至多还差 \1。",
    ),
    (
        r"Not proven best, as it was stopped: at most (\S+) of what could be added is missing\.",
        r"计算被中止，未证明最优：可新增的覆盖至多还差 \1。",
    ),
    (r"Stopped early: the curve(?: was| were) not made\.", r"提前停止：未计算曲线。"),
    (r"Stopped early: the varied runs were not made\.", r"提前停止：未做变动试算。"),
    (
        r"Stopped early: (\d+) of (\d+) varied runs were made\.",
        r"提前停止：\2 次变动试算只做了 \1 次。",
    ),
    (r"No curve: (.+)", r"没有曲线：\1"),
)
