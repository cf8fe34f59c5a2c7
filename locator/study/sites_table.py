"""The chosen options as a table: where each is, what it brings, in which hours, and why."""

import math
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.hours_words import week_words
from locator.report.folder import SITE_COLUMNS
from locator.schema import CRS
from locator.study.sites_candidates import locate
from locator.study.sites_gains import Gains, hours_words
from locator.study.sites_setup import SiteSetup
from locator.study.sites_solve import Solved

UNITS_ZH = {
    "orders/h": "单/小时",
    "orders/week": "单/周",
    "points' weight": "（点权重）",
    "points' weight-hours/week": "（点权重·小时/周）",
}


def make_sites(
    setup: SiteSetup, solved: Solved, gains: Gains, sensitivity: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Return one row a chosen option, the one that adds most first; see ``SITE_COLUMNS``."""
    actions, stations = setup.actions, setup.basis.study.inputs.snapshot.stations
    rows = []
    kept = {}
    if len(sensitivity):
        kept = dict(zip(sensitivity["id"], sensitivity["kept_share"], strict=True))
    alike = bool((actions.cost == 1).all()) and setup.question.budget is None
    priced = solved.rules.prices is not None and not alike
    serves = _serves(setup, solved)
    for at, action in enumerate(gains.order):
        candidate, station = int(actions.candidate[action]), int(actions.station[action])
        row: dict[str, object] = dict.fromkeys(SITE_COLUMNS)
        row |= _candidate(setup, candidate) if candidate >= 0 else _station(setup, station)
        row |= {
            "rank": at + 1,
            "option": str(actions.option[action]),
            "cost": float(actions.cost[action]) if priced else None,
            "hours": actions.hours[action],
            "serves": None if serves is None else round(float(serves[action]), 6),
            "kept_share": kept.get(row["id"]),
        }
        row |= _gain(setup, gains, at) | _stations_near(setup, gains, at, row, stations)
        row["why_zh"], row["why_en"] = why(
            row,
            unit=setup.unit,
            minutes=setup.question.minutes,
            full=setup.question.model == "capacitated",
        )
        rows.append(row)
    frame = pd.DataFrame(rows, columns=list(SITE_COLUMNS))
    places = [(row["lon"], row["lat"]) for row in rows]
    geometry = shapely.points(np.array(places, dtype=np.float64).reshape(-1, 2))
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=CRS)


def _serves(setup: SiteSetup, solved: Solved) -> npt.NDArray[np.float64] | None:
    """Return (o,) the demand assigned to each option: the nearest, within the standard."""
    assignment = solved.siting.assignment
    if len(assignment) != len(setup.demand) or setup.demand.shape[1] != 1:
        return None
    ours = assignment >= 0
    weights = setup.demand[ours, 0]
    sums = np.bincount(assignment[ours], weights=weights, minlength=len(setup.actions))
    return np.asarray(sums, dtype=np.float64)


def _candidate(setup: SiteSetup, at: int) -> dict[str, object]:
    row = setup.candidates.frame.iloc[at]
    names = ("id", "name", "origin", "host", "place", "district_id", "district_name")
    return {name: _text(row[name]) for name in names} | {
        "place_m": _number(row["place_m"]),
        "lon": float(row.geometry.x),
        "lat": float(row.geometry.y),
    }


def _station(setup: SiteSetup, at: int) -> dict[str, object]:
    study = setup.basis.study
    row = study.inputs.snapshot.stations.iloc[at]
    here = gpd.GeoSeries([row.geometry], crs=CRS)
    where = locate(here, study.inputs.snapshot, study.crs).iloc[0]
    return {
        "id": _text(row["id"]),
        "name": _text(row["name"]),
        "origin": "station",
        "host": _text(row["host"]),
        "lon": float(row.geometry.x),
        "lat": float(row.geometry.y),
        "place": _text(where["place"]),
        "place_m": _number(where["place_m"]),
        "district_id": _text(where["district_id"]),
        "district_name": _text(where["district_name"]),
    }


def _gain(setup: SiteSetup, gains: Gains, at: int) -> dict[str, object]:
    zone = int(gains.zone[at])
    reason = gains.reasons.iloc[at]
    name = setup.basis.points.pieces["zone_name"].iloc[zone] if zone >= 0 else None
    hours = None
    if gains.by_hour is not None:
        hours = hours_words(gains.by_hour[at] > 0) or None
    return {
        "gain": round(float(gains.gain[at]), 6),
        "gain_share": float(gains.gain[at]) / setup.total if setup.total > 0 else 0.0,
        "gain_alone": round(float(gains.alone[at]), 6),
        "lost_if_dropped": round(float(gains.lost[at]), 6),
        "zone_name": _text(name),
        "zone_share": _number(gains.zone_share[at]),
        "reason": _text(reason["reason"]),
        "reason_share": _number(reason["reason_share"]),
        "gain_hours": hours,
    }


def _stations_near(
    setup: SiteSetup,
    gains: Gains,
    at: int,
    row: dict[str, object],
    stations: gpd.GeoDataFrame,
) -> dict[str, object]:
    """Return the station that could help but does not then, and the nearest that counts."""
    found: dict[str, object] = {}
    then = int(gains.then[at])
    if then >= 0:
        found |= {
            "then_station_id": _text(stations["id"].iloc[then]),
            "then_station_name": _text(stations["name"].iloc[then]),
            "then_station_hours": _text(stations["opening_hours"].iloc[then]),
        }
    if row["origin"] != "station" and setup.counts.any():
        here = np.array([[row["lon"], row["lat"]]], dtype=np.float64)
        near = setup.basis.study.bound.nearest(here, k=1, mask=setup.counts)
        if near.index[0, 0] >= 0:
            station = int(near.index[0, 0])
            found |= {
                "nearest_station_id": _text(stations["id"].iloc[station]),
                "nearest_station_name": _text(stations["name"].iloc[station]),
                "nearest_ride_s": round(float(near.seconds[0, 0]), 1),
            }
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: "float | npt.NDArray[np.float64]") -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def why(
    row: Mapping[str, object], *, unit: str, minutes: float, full: bool = False
) -> tuple[str, str]:
    """Return the reasons for one chosen site in Chinese and in English.

    Parameters
    ----------
    row
        The columns of a chosen site, see :mod:`locator.report.folder`.
    unit, minutes
        What gains are counted in, and the standard.
    full
        Whether sites can be full, so that one may be needed where nothing more is covered.
    """
    said = [_gain_words(row, unit, full=full), _cause_words(row, minutes)]
    if row["gain_hours"]:
        zh, en = _hours_words(row["gain_hours"])
        said.append((f"新增覆盖的时段：{zh}。", f"It gains in the hours: {en}."))
    return "".join(zh for zh, _ in said), " ".join(en for _, en in said if en)


def _gain_words(row: Mapping[str, object], unit: str, *, full: bool) -> tuple[str, str]:
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


def _cause_words(row: Mapping[str, object], minutes: float) -> tuple[str, str]:
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
    near_zh, near_en = _near_words(row, reason)
    return (
        f"这部分需求现在未覆盖，{share:.0%} 是因为{' ' * zh[0].isdigit()}{zh}{near_zh}。",
        f"Today {share:.0%} of that is uncovered because {en}{near_en}.",
    )


def _near_words(row: Mapping[str, object], reason: str) -> tuple[str, str]:
    """Name the station that would have helped, or the nearest one."""
    known = {"closed_then", "hours_unknown", "services_unknown"}
    if reason in known and isinstance(row["then_station_name"], str):
        helper, hours = row["then_station_name"], row["then_station_hours"]
        if reason != "closed_then" or not isinstance(hours, str):
            return f"（如“{helper}”）", f" (such as {helper})"
        zh, en = _hours_words(hours)
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


def _hours_words(text: object) -> tuple[str, str]:
    return week_words(str(text), "zh"), week_words(str(text), "en")
