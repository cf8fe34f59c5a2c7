"""The words that stand with what is shown, Chinese and English."""

from collections.abc import Collection
from datetime import datetime

from locator.maps import map_title
from locator.nearest import StationFilter
from locator.schema import Language
from locator.showing.view import MapView
from locator.study.measure import Result

__all__ = ["choice_words", "coverage_words", "hours_words", "many_words", "percent", "title_of"]


def title_of(what: str, view: MapView, drawn: Collection[str]) -> str:
    """Return the title of a map: what is measured, or what is drawn where that was chosen.

    Parameters
    ----------
    drawn
        Names of the layers that hold something.
    """
    if what == "coverage" and not view.layers:
        if view.language == "en":
            return f"Demand within {view.minutes[0]} minutes of a rider station"
        return f"{view.minutes[0]} 分钟内到得了驿站的需求"
    kinds = view.chosen.kinds
    return map_title(drawn, language=view.language, minutes=view.minutes, kinds=kinds)


def choice_words(chosen: StationFilter, language: Language, unrecorded: int = 0) -> str:
    """Say which stations are shown; empty where it is all of them.

    ``unrecorded`` is how many are left out only because nobody recorded what they offer.
    """
    kinds = [kind.label(language) for kind in sorted(chosen.kinds, key=lambda k: k.value)]
    services = [s.label(language) for s in sorted(chosen.services, key=lambda s: s.value)]
    if language == "zh":
        parts = [f"只含{'、'.join(kinds)}"] if kinds else []
        parts += [f"只含提供{'、'.join(services)}的驿站"] if services else []
        parts += [f"另有 {unrecorded:,} 个驿站没有登记服务，未计入"] if unrecorded else []
    else:
        parts = [f"only {', '.join(kinds)}"] if kinds else []
        parts += [f"only stations with {', '.join(services)}"] if services else []
        parts += [f"left out: {unrecorded:,} of unknown services"] if unrecorded else []
    return " · ".join(parts)


def many_words(stations: int, language: Language) -> str:
    """Say that a map counts stations instead of drawing each."""
    if language == "zh":
        return f"共 {stations:,} 个站点，数字是各处的个数"
    return f"{stations:,} stations, as numbers of each part"


def hours_words(at: datetime | None, language: Language) -> str:
    """Say whose opening hours count for areas and gaps."""
    if at is None:
        return "未考虑开放时间" if language == "zh" else "opening hours not considered"
    when = f"{at:%Y-%m-%d %H:%M}"
    return f"只计 {when} 确定开放的驿站" if language == "zh" else f"stations surely open at {when}"


def percent(share: float) -> str:
    """Return a share in percent with one decimal, never rounded to all or to nothing."""
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        return "99.9%"
    return "0.1%" if shown == "0.0%" and share > 0 else shown


def coverage_words(result: Result, minutes: int, language: Language) -> str:
    """Say how much of the demand of all hot zones is covered."""
    if result["covered_share"] is None:
        return "没有需求可算" if language == "zh" else "no demand to measure"
    share, offered = percent(result["covered_share"]), result["covered_share_if_unknown_offered"]
    most = "" if offered is None else percent(offered)
    if language == "zh":
        said = f"全部热区的需求有 {share} 在 {minutes} 分钟内到得了驿站"
        return said + (f"（未知者都算，至多 {most}）" if most and most != share else "")
    said = f"{share} of the demand of all hot zones is within {minutes} minutes of a station"
    return said + (f" (up to {most} with all that is unknown)" if most and most != share else "")
