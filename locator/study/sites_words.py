"""Why a site was chosen, in plain words: every word follows from a column of its row."""

import math
from collections.abc import Mapping

from locator.hours_words import week_words

__all__ = ["UNITS_ZH", "why"]

UNITS_ZH = {
    "orders/h": "单/小时",
    "orders/week": "单/周",
    "points' weight": "（点权重）",
    "points' weight-hours/week": "（点权重·小时/周）",
}


def why(
    row: Mapping[str, object], *, unit: str, minutes: float, full: bool = False
) -> tuple[str, str]:
    """Return the reasons for one chosen site in Chinese and in English.

    Parameters
    ----------
    row
        The columns of a chosen site, see :mod:`locator.reporting.folder`.
    unit, minutes
        What gains are counted in, and the standard.
    full
        Whether sites can be full, so that one may be needed where nothing more is covered.
    """
    said = [_gain(row, unit, full=full), _cause(row, minutes)]
    if row["gain_hours"]:
        zh, en = _hours(row["gain_hours"])
        said.append((f"新增覆盖的时段：{zh}。", f"It gains in the hours: {en}."))
    return "".join(zh for zh, _ in said), " ".join(en for _, en in said if en)


def _gain(row: Mapping[str, object], unit: str, *, full: bool) -> tuple[str, str]:
    if row["gain"] == 0.0 and full:
        return "为附近已满的站点分担需求。", "Takes demand that those around have no room for."
    if row["gain"] == 0.0:
        serves = row["serves"]
        if isinstance(serves, float) and serves > 0:
            amount = f"{serves:,.1f}"
            return (
                f"使 {amount} {UNITS_ZH.get(unit, unit)}需求有更近的站点，覆盖不变。",
                f"Brings a station nearer to {amount} {unit}; covers no more.",
            )
        return "不增加覆盖。", "Covers no more."
    gain, share = float(str(row["gain"])), float(str(row["gain_share"]))
    zh = f"新增覆盖 {gain:,.1f} {UNITS_ZH.get(unit, unit)}（总需求的 {share:.1%}）"
    en = f"Adds {gain:,.1f} {unit} ({share:.1%} of the demand)"
    zone, part = row["zone_name"], row["zone_share"]
    if isinstance(zone, str) and isinstance(part, float) and not math.isnan(part):
        zh += f"，其中 {part:.0%} 在“{zone}”"
        en += f", {part:.0%} of it in {zone}"
    return f"{zh}。", f"{en}."


def _cause(row: Mapping[str, object], minutes: float) -> tuple[str, str]:
    reason, share = row["reason"], row["reason_share"]
    if not isinstance(reason, str) or not isinstance(share, float):
        return "", ""
    zh, en = {
        "hours_unknown": (
            f"{minutes:g} 分钟内有站点，但开放时间未知",
            f"a station is within {minutes:g} min but its hours are unknown",
        ),
        "services_unknown": (
            f"{minutes:g} 分钟内有站点，但没有登记提供什么服务",
            f"a station is within {minutes:g} min but nobody recorded what it offers",
        ),
        "closed_then": (
            f"{minutes:g} 分钟内的站点那时不开放",
            f"the stations within {minutes:g} min are closed then",
        ),
        "service_missing": (
            f"{minutes:g} 分钟内的站点没有所需服务或类型不符",
            f"the stations within {minutes:g} min are of another kind or lack the service",
        ),
        "barrier": (
            f"直线距离不远，但沿道路 {minutes:g} 分钟到不了任何站点",
            f"a station is near as the crow flies, but not within {minutes:g} min by road",
        ),
        "none_near": (f"{minutes:g} 分钟内没有站点", f"no station is within {minutes:g} min"),
    }[reason]
    near_zh, near_en = _near(row, reason)
    return (
        f"这部分需求现在未覆盖，{share:.0%} 是因为{' ' * zh[0].isdigit()}{zh}{near_zh}。",
        f"Today {share:.0%} of that is uncovered because {en}{near_en}.",
    )


def _near(row: Mapping[str, object], reason: str) -> tuple[str, str]:
    """Name the station that would have helped, or the nearest one."""
    known = {"closed_then", "hours_unknown", "services_unknown"}
    if reason in known and isinstance(row["then_station_name"], str):
        helper, hours = row["then_station_name"], row["then_station_hours"]
        if reason != "closed_then" or not isinstance(hours, str):
            return f"（如“{helper}”）", f" (such as {helper})"
        zh, en = _hours(hours)
        return f"（如“{helper}”：{zh}）", f" (such as {helper}: {en})"
    name, seconds = row["nearest_station_name"], row["nearest_ride_s"]
    if reason != "none_near" or not isinstance(name, str) or not isinstance(seconds, float):
        return "", ""
    if not math.isfinite(seconds):
        return "", ""
    # The demand it covers lies elsewhere: a station may be a minute from here and none near there.
    minutes = f"{seconds / 60:.0f}"
    new = row["option"] == "new_post"
    return (
        f"（从{'新站点' if new else '这里'}出发，最近的现有站点“{name}”要骑 {minutes} 分钟）",
        f" (measured from {'the new post' if new else 'here'}, the nearest, {name}, "
        f"is {minutes} min away)",
    )


def _hours(text: object) -> tuple[str, str]:
    return week_words(str(text), "zh"), week_words(str(text), "en")
