"""Sentences that a study writes in English, and their Chinese."""

import re

from locator.reporting.sites.sentences import SITE_SENTENCES
from locator.schema import Language

__all__ = ["in_language", "translate"]

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
