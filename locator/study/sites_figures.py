"""A siting study's figures: what was reached, and how good it is known to be."""

import numpy as np
import pandas as pd

from locator.reporting.folder import TABLES_OF, SiteFigures
from locator.study.sites_gains import Gains
from locator.study.sites_setup import SiteSetup
from locator.study.sites_solve import Solved

__all__ = ["area_table", "hours_table", "make_figures"]


def make_figures(setup: SiteSetup, solved: Solved, gains: Gains) -> SiteFigures:
    """Return the figures of an answer, times as means or longest, demand in the setup's unit."""
    siting, asked, total = solved.siting, setup.question, setup.total
    before = float(setup.demand[setup.served].sum())
    after = float(setup.demand[gains.covered].sum())
    alike = bool((setup.actions.cost == 1).all())
    scale = 1.0
    unit = setup.unit
    if asked.model == "p-median":
        scale, unit = 1.0 / total if total > 0 else 1.0, "mean seconds"
    elif asked.model == "p-center":
        unit = "longest seconds"
    elif asked.model == "lscp":
        unit = "sites" if alike else "cost" if asked.prices is None else asked.prices.unit
    median = asked.model == "p-median"
    priced = solved.rules.prices is not None and not (alike and asked.budget is None)
    return SiteFigures(
        model=siting.model,
        unit=unit,
        minutes=asked.minutes,
        demand=total,
        covered_before=before,
        covered_after=after,
        covered_share_before=before / total if total > 0 else None,
        covered_share_after=after / total if total > 0 else None,
        mean_s_before=_finite(siting.baseline * scale) if median else None,
        mean_s_after=_finite(siting.objective * scale) if median else None,
        objective=siting.objective * scale,
        baseline=_finite(siting.baseline * scale),
        added=_finite(siting.added * scale),
        bound=max(siting.bound * scale, 0.0),
        gap=siting.gap,
        gap_added=siting.gap_added,
        status=siting.status,
        proof=siting.proof,
        certificate_bound=_finite(siting.certificate_bound * scale),
        stopped=siting.stopped,
        chosen=len(siting.chosen),
        cost=float(setup.actions.cost[siting.chosen].sum()) if priced else None,
        candidates=len(setup.candidates),
        demand_points=len(setup.demand),
        seconds={name: round(spent, 3) for name, spent in siting.seconds.items()},
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def hours_table(sites: pd.DataFrame, gains: Gains) -> pd.DataFrame:
    """Return what each chosen one adds in each hour of the week, where it adds something."""
    columns = list(TABLES_OF["hours"])
    if gains.by_hour is None:
        return pd.DataFrame(columns=columns)
    row, hour = np.nonzero(gains.by_hour > 0)
    return pd.DataFrame(
        {
            "rank": row + 1,
            "id": sites["id"].to_numpy(dtype=object)[row],
            "hour": hour,
            "gain": np.round(gains.by_hour[row, hour], 6),
        }
    )


def area_table(setup: SiteSetup, gains: Gains) -> pd.DataFrame:
    """Return demand and what of it is covered before and after, by district and by hot zone."""
    points = setup.basis.points
    parts = []
    for level in ("district", "zone"):
        ids = points.pieces[f"{level}_id"].to_numpy(dtype=object)[points.piece]
        names = points.pieces[f"{level}_name"].to_numpy(dtype=object)[points.piece]
        frame = pd.DataFrame(
            {
                "id": ids,
                "name": names,
                "demand": setup.demand.sum(axis=1),
                "covered_before": np.where(setup.served, setup.demand, 0.0).sum(axis=1),
                "covered_after": np.where(gains.covered, setup.demand, 0.0).sum(axis=1),
            }
        )
        if frame["id"].isna().all():
            continue
        grouped = frame.groupby(["id", "name"], dropna=False, as_index=False).sum()
        parts.append(grouped.assign(level=level))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=list(TABLES_OF["areas"])).round(6)
