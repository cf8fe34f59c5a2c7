"""The manifest of a study: what was asked of which data, with which settings, and the totals."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

import geopandas as gpd
import numpy as np
import pandas as pd

from locator import __version__
from locator.coverage import Scenario, cover_week
from locator.coverage.quality import covered_by_limit
from locator.coverage.week import ROUNDING
from locator.nearest import StationFilter
from locator.report.folder import FOLDER_VERSION, Origin, Sampling, Summary, WeekTotals
from locator.schema import is_illustrative
from locator.service import Snapshot
from locator.settings import Settings
from locator.study.basis import Basis
from locator.study.maps import roads_credit
from locator.study.measure import Outcome, Study
from locator.study.zone_source import demand_rests_on
from locator.travel import Routed

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def make_summary(
    study: Study, basis: Basis, outcomes: list[Outcome], before: list[Outcome], *, given: Snapshot
) -> Summary:
    """Return the manifest of a run.

    ``before`` is what a scenario is compared with, ``given`` the register it was measured on.
    """
    inputs, snapshot = study.inputs, study.inputs.snapshot
    zones = inputs.hot_zones
    # The tables are of every station in service, whatever the filter and the hour.
    used = [snapshot.stations[basis.in_service], given.stations[given.index.mask(StationFilter())]]
    if zones is not None:
        used.append(zones)
    data = (snapshot.stations, zones if zones is not None else inputs.points)
    return {
        **make_origin(study, "Gaps in rider-station coverage", used=used, data=data),
        "stations_counted": int(study.mask.sum()),
        "stations_hours_unknown": None if study.at is None else int(study.unknown.sum()),
        "stations_services_unknown": (
            int(study.unrecorded.sum()) if study.asks_what_may_be_unknown else None
        ),
        "filter": {
            "kind": sorted(kind.value for kind in study.chosen.kinds),
            "service": sorted(service.value for service in study.chosen.services),
        },
        "demand": "hot zones, spread evenly over each polygon" if zones is not None else "points",
        "demand_rests_on": demand_rests_on(zones),
        "demand_unit": "orders" if zones is not None else "weight" if inputs.weighted else "points",
        "results": [outcome.result for outcome in outcomes],
        "week": _week_totals(basis),
        "sampling": _sampling(basis),
        "scenario": _scenario_words(study.question.scenario),
        "before": [outcome.result for outcome in before],
        "rejected_points": len(inputs.rejected),
        "notes": study.notes,
        "warnings": study.warnings,
        "settings": shown_settings(study.settings),
    }


def make_origin(
    study: Study,
    title: str,
    *,
    used: Sequence[gpd.GeoDataFrame],
    data: Sequence[gpd.GeoDataFrame | None],
    hours: str = "",
) -> Origin:
    """Return what a manifest says first.

    Parameters
    ----------
    used
        What the figures may be illustrative by.
    data
        What the data's digest is of.
    hours
        How opening hours count; else by the moment that was asked for.
    """
    snapshot, at = study.inputs.snapshot, study.at
    if at is not None:
        hours = f"stations open at {at:%Y-%m-%d %H:%M} local time; demand of that hour"
    return {
        "folder_version": FOLDER_VERSION,
        "title": title,
        "made_at": study.made_at.isoformat(timespec="seconds"),
        "program": f"locator {__version__}",
        "illustrative": any(is_illustrative(frame) for frame in used),
        "data_hash": hash_frames(*data),
        "data_version": snapshot.version,
        "as_of": snapshot.as_of.isoformat() if snapshot.as_of else None,
        "travel": study.travel.describe(),
        "network": study.travel.digest if isinstance(study.travel, Routed) else "",
        "credit": roads_credit(study.travel),
        "hours": hours or "opening hours were not considered; demand is the week's mean",
    }


def _week_totals(basis: Basis) -> WeekTotals | None:
    """Return the first standard's week in a few numbers."""
    coverage = basis.week_coverage
    if coverage is None or basis.week is None:
        return None
    shares = coverage.week()
    unserved = (coverage.demand_per_h - coverage.covered_per_h).sum(axis=0)
    short = bool(unserved.max() > ROUNDING * coverage.demand_per_h.sum())
    return WeekTotals(
        monday=basis.week.monday.isoformat(),
        standard=basis.standards[0][0].label,
        covered_share=shares["covered_share"],
        possible_share=shares["possible_share"],
        offered_share=_offered_share(basis),
        always_share=shares["always_share"],
        lost_to_hours=shares["lost_to_hours"],
        worst_hour=int(np.argmax(unserved)) if short else None,
        worst_unserved_per_h=float(unserved.max()) if short else 0.0,
    )


def _offered_share(basis: Basis) -> float | None:
    """Return the most that the week's share can be; None where no service or host is asked for."""
    study = basis.study
    if basis.week is None or not study.asks_what_may_be_unknown:
        return None
    mask = study.whatever_hours | study.perhaps
    granted = cover_week(basis.points, basis.times, basis.week, limit_s=basis.first_s, mask=mask)
    return granted.week()["possible_share"]


def _sampling(basis: Basis) -> Sampling:
    share = covered_by_limit(basis.seconds, basis.demand_per_h, np.array([basis.first_s]))[0]
    return Sampling(
        points=len(basis.points),
        cell_m=basis.points.cell_m,
        covered_share=None if np.isnan(share) else float(share),
    )


def _scenario_words(scenario: Scenario | None) -> dict[str, str | list[str]] | None:
    """Return what a scenario changes, for the manifest."""
    if scenario is None:
        return None
    added = [] if scenario.add is None else [str(i) for i in scenario.add["id"]]
    return {
        "name": scenario.name,
        "close": list(scenario.close),
        "open": list(scenario.reopen),
        "hours": [f"{i}: {text}" for i, text in scenario.hours.items()],
        "services": [f"{i}: {' '.join(sorted(more))}" for i, more in scenario.services.items()],
        "move": [f"{i}: {lon:.7f}, {lat:.7f}" for i, (lon, lat) in scenario.move.items()],
        "add": added,
    }


def shown_settings(settings: Settings) -> dict[str, str | float | int]:
    """Return the settings as a manifest may show them: no key, no address of store or site."""
    shown = asdict(settings)
    for name in ("basemap_key", "hosts", "public_url"):
        shown.pop(name)
    shown["store"] = store_kind(settings.store)
    return shown


def store_kind(url: str) -> str:
    """Return what kind of store it is; its address may hold a password, its path a name."""
    kind, colon, _ = url.partition(":")
    return kind.partition("+")[0] if colon else "geopackage"


def hash_frames(*frames: gpd.GeoDataFrame | None) -> str:
    """Return a digest of what the figures rest on: attributes and geometry, not when stored."""
    digest = hashlib.sha256()
    for frame in frames:
        if frame is None:
            continue
        table = pd.DataFrame(frame.drop(columns=["geometry", "updated_at"], errors="ignore"))
        digest.update(table.to_csv(index=False).encode())
        for wkb in frame.geometry.to_wkb():
            digest.update(wkb)
    return digest.hexdigest()[:16]
