"""The chosen options as a table: where each is, what it brings, in which hours, and why."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.reporting.folder import SITE_COLUMNS
from locator.schema import CRS
from locator.study.sites_candidates import locate
from locator.study.sites_gains import Gains, hours_words
from locator.study.sites_setup import SiteSetup
from locator.study.sites_solve import Solved
from locator.study.sites_words import why

__all__ = ["make_sites"]


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
