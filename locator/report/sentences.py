"""Sentences that a study writes in English, and their Chinese."""

import re
from itertools import product

from locator.schema import Language

Pair = tuple[str, str]


def _builds() -> tuple[Pair, ...]:
    """Return what is said of hot zones that were built, for each way of counting rows."""
    profiles = (
        ("flat", "全周均匀（假设）"),
        ("the mean of the store's hot zones", "每周曲线取现有热区的平均（假设）"),
        ("(?P<profile>[^;]+)", r"每周曲线取自 \g<profile>（假设）"),
    )
    amounts = (
        ("1 an hour each, assumed", "每个点按每小时 1 单计（假设）"),
        ("the file's demand per hour", "每小时需求取自文件"),
    )
    ways = [
        (f": by shop or point, {amount}; profile assumed: {profile}", f"{amount_zh}，{profile_zh}")
        for amount, amount_zh in amounts
        for profile, profile_zh in profiles
    ]
    when = r", (?P<since>\d{4}-\S+) to (?P<until>\d{4}-\S+?)"
    ways += [
        (
            rf"{when}: {weight}orders at the hour of the {column}",
            rf"\g<since> 至 \g<until> 的{weight_zh}订单，按 {column} 的小时计",
        )
        for weight, weight_zh in (("", ""), ("weighted ", "加权"))
        for column in ("time", "end_time")
    ]
    first = r"(?P<n>[\d,]+) of (?P<all>[\d,]+) hot zones were built from (?P<file>.+?)"
    first_zh = r"\g<all> 个热区中的 \g<n> 个由 \g<file> 生成："
    k, k_zh = r"; k (?P<k>\d+), cells of fewer rows left out", r"；k 为 \g<k>，行数更少的格不计"
    share = r"; (?P<share>\S+) of all (?P<rows>[\d,]+) rows lie in zones"
    share_zh = r"；全部 \g<rows> 行中有 \g<share> 在热区内"
    return tuple(
        (first + way + k + end, first_zh + way_zh + k_zh + end_zh)
        for way, way_zh in ways
        for end, end_zh in ((share, share_zh), ("", ""))
    )


_SENTENCES: tuple[Pair, ...] = (
    *_builds(),
    (
        r"estimate: straight line × (\S+) at (\S+) km/h, not along roads",
        r"估算：直线距离 × \1，时速 \2 公里，未按道路计算",
    ),
    (
        r"roads, extract of (.+), e-bike (\S+) km/h",
        r"按道路计算：\1 的路网，电动自行车，时速 \2 公里",
    ),
    (r"roads, (.+), e-bike (\S+) km/h", r"按道路计算：路网 \1，电动自行车，时速 \2 公里"),
    (r"roads, extract of (.+), walk (\S+) km/h", r"按道路计算：\1 的路网，步行，时速 \2 公里"),
    (r"roads, (.+), walk (\S+) km/h", r"按道路计算：路网 \1，步行，时速 \2 公里"),
    (
        r"opening hours were not considered; demand is the week's mean",
        r"未考虑开放时间，需求为一周平均",
    ),
    (
        r"stations open at (.+) local time; demand of that hour",
        r"当地时间 \1 开放的站点，需求为该小时",
    ),
    (r"hot zones, spread evenly over each polygon", r"热区，需求在面内均匀分布"),
    (r"points", r"需求点"),
    (
        r"Demand: (\d+) points of (.+), the file's weights\.",
        r"需求：\2 中的 \1 个点，权重取自文件。",
    ),
    (
        r"Demand: (\d+) points of (.+), 1 a point, the same at every hour\.",
        r"需求：\2 中的 \1 个点，每点计 1，各小时相同。",
    ),
    (
        r"No station counts: the filter, or the hour, leaves none\.",
        r"没有计入任何站点：筛选条件或时刻排除了全部站点。",
    ),
    (
        r"The week studied has days that are not what the week says: (.+)\.",
        r"所研究的一周中有与星期不符的日子：\1。",
    ),
    (
        r"The calendar of make-up workdays and moved holidays ends with (\d+); on such days of "
        r"(\d+) opening hours may be wrong \(LOCATOR_CALENDAR\)\.",
        r"调休日历止于 \1 年；\2 年的调休日开放时间可能有误（LOCATOR_CALENDAR）。",
    ),
    (
        r"The calendar of make-up workdays and moved holidays ends with (\d+): the public holidays "
        r"of (\d+) are expected \(预计\), by law and the lunar calendar, and make-up workdays are "
        r"not known; near holidays opening hours may be wrong \(LOCATOR_CALENDAR\)\.",
        r"调休日历止于 \1 年：\2 年的节假日为预计（按放假办法和农历推算），调休未知；"
        r"节假日前后开放时间可能有误（LOCATOR_CALENDAR）。",
    ),
    (
        r"The scenario \((\w+)\) changes nothing at (.+) \((.*)\): it is in service already\.",
        r"方案（\1）对 \2（\3）没有改变：它本就在服务中。",
    ),
    (
        r"The scenario \((\w+)\) changes nothing at (.+) \((.*)\): it is out of service already\.",
        r"方案（\1）对 \2（\3）没有改变：它本就不在服务中。",
    ),
    (
        r"The scenario \((\w+)\) changes nothing at (.+) \((.*)\): it has these opening hours "
        r"already: (.+)\.",
        r"方案（\1）对 \2（\3）没有改变：它的开放时间本就是 \4。",
    ),
    (
        r"The scenario \((\w+)\) changes nothing at (.+) \((.*)\): it offers these services "
        r"already: (.+)\.",
        r"方案（\1）对 \2（\3）没有改变：它本就提供这些服务（\4）。",
    ),
    (
        r"The scenario \((\w+)\) changes nothing at (.+) \((.*)\): it stands there already: (.+)\.",
        r"方案（\1）对 \2（\3）没有改变：它本就在该处（\4）。",
    ),
    (
        r"The scenario's station (.+), added, lies (\S+) km from the nearest known district, (.+): "
        r"check its position\.",
        r"方案新增的站点 \1 距最近的已知区县（\3）\2 公里，请核对位置。",
    ),
    (
        r"The scenario's station (.+), moved, lies (\S+) km from the nearest known district, (.+): "
        r"check its position\.",
        r"方案迁移的站点 \1 距最近的已知区县（\3）\2 公里，请核对位置。",
    ),
    (
        r"Outside the known districts: (\S+) of (\S+) demand points of (.+), (.+) km from the "
        r"nearest, (.+); check their datum, or that they are of this city\.",
        r"\3 的 \2 个需求点中有 \1 个在已知区县之外，距最近的区县（\5）\4 公里；"
        r"请核对坐标系，或是否为本市数据。",
    ),
    (
        r"Outside the known districts: (\S+) of (\S+) hot zones of (.+), (.+) km from the nearest, "
        r"(.+); check their datum, or that they are of this city\.",
        r"\3 的 \2 个热区中有 \1 个在已知区县之外，距最近的区县（\5）\4 公里；"
        r"请核对坐标系，或是否为本市数据。",
    ),
)


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


def in_language(text: str, language: Language) -> str:
    """Return of a text in Chinese and English the sentences of a language; all, if in one only."""
    parts = [part for part in re.split(r"(?<=。)\s*|(?<=[.!?])\s+", text) if part.strip()]
    chinese = [bool(re.search(r"[\u4e00-\u9fff]", part)) for part in parts]
    if all(chinese) or not any(chinese):
        return text
    wanted = [
        part for part, is_zh in zip(parts, chinese, strict=True) if is_zh == (language == "zh")
    ]
    return ("" if language == "zh" else " ").join(wanted)


def translate(sentence: str, language: Language) -> str:
    """Return a sentence of the study in a language; one that is not known as it is."""
    if language == "en":
        return sentence
    for pattern, chinese in (*_SENTENCES, *SITE_SENTENCES):
        if found := re.fullmatch(pattern, sentence):
            return found.expand(chinese)
    return sentence
