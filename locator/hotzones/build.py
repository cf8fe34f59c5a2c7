"""From counted cells to hot zones: the steps of the method, one after the other."""

import json
from dataclasses import dataclass

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.coverage.demand import HOURS_OF_WEEK
from locator.errors import InputError
from locator.hotzones.cells import Cells, find_neighbours, study_area
from locator.hotzones.clusters import Clusters, find_clusters
from locator.hotzones.profile import Span, WeekProfile, profile_demand
from locator.hotzones.zones import (
    ZoneNames,
    cell_polygons,
    join_cells,
    name_zones,
    outline_cells,
    zone_id,
)
from locator.schema import CRS, ZoneKind

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ZoneRules:
    """How zones are found.

    Attributes
    ----------
    k
        Fewest rows that anything shown may rest on.
    alpha
        False-discovery rate.
    normal
        Judge by the normal curve instead of by the values shuffled.
    unit
        Parts of a weight that make one.
    span
        The time the rows cover; None where they have no times: then a weight is demand per hour.
    shares
        (168,) the profile assumed where there are no times; None is flat.
    kind
        Of every zone: points do not tell what makes a place hot.
    """

    k: int = 10
    alpha: float = 0.05
    normal: bool = False
    unit: int = 1
    span: Span | None = None
    shares: npt.NDArray[np.float64] | None = None
    kind: ZoneKind = ZoneKind.OTHER


@dataclass(frozen=True)
class FoundZones:
    """Hot zones, the cells they were found in, and what was counted.

    Attributes
    ----------
    zones
        ``id, name, kind, demand_per_h, profile`` (JSON or null), EPSG:4326, the greatest demand
        first.
    cells
        The cells that may be shown: ``cell, rows, weight, z, p, p_normal, significant, zone_id``.
    rows, rows_shown
        All rows, and those in cells that may be shown.
    area_cells
        Cells that were compared, with the empty ones around.
    significant_cells
        Cells of zones.
    threshold
        What their p lies below.
    rows_in_zones
        Of all rows, those in the cells of zones.
    demand_share
        Share of the weight shown that lies in zones.
    pools
        For each zone, into how many groups of hours its rows were put; empty without times.
    """

    zones: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    rows: int
    rows_shown: int
    area_cells: int
    significant_cells: int
    threshold: float
    rows_in_zones: int
    demand_share: float
    pools: tuple[int, ...]


def find_zones(cells: Cells, rules: ZoneRules, names: ZoneNames) -> FoundZones:
    """Find the significant clusters of counted cells and make zones of them.

    1. Cells with fewer than ``k`` rows count as empty from here on (:meth:`Cells.shown`).
    2. Gi* of every cell that has rows or lies beside one that has (:func:`study_area`).
    3. Significant high cells that may be shown and share an edge are one zone.
    4. A zone's demand and profile are those of its cells (:func:`profile_demand`).

    Raises
    ------
    InputError
        No cell has ``k`` rows, or there are too few cells.
    """
    shown = cells.shown(rules.k)
    if not shown.any():
        raise InputError(
            f"No cell has {rules.k} rows or more, so nothing may be shown; take a coarser "
            "--resolution, or a lower --k if the points are public."
        )
    area, clusters = _compare(cells, shown, rules)
    at = np.searchsorted(area, cells.ids)
    hot = shown & clusters.significant[at]
    zone = np.full(len(cells.ids), -1)
    zone[hot] = join_cells(cells.ids[hot]) if hot.any() else []
    zones, ids, pools = _zone_frame(cells, zone, rules, names)
    table = {
        "cell": [f"{cell:x}" for cell in cells.ids[shown].tolist()],
        "rows": cells.rows[shown],
        "weight": cells.weight[shown] / rules.unit,
        "z": clusters.z[at][shown],
        "p": clusters.p[at][shown],
        "p_normal": clusters.p_normal[at][shown],
        "significant": hot[shown],
        "zone_id": pd.Series([ids[i] if i >= 0 else None for i in zone[shown]], dtype=object),
    }
    weight = int(cells.weight[shown].sum())
    return FoundZones(
        zones=zones,
        cells=gpd.GeoDataFrame(table, geometry=cell_polygons(cells.ids[shown]), crs=CRS),
        rows=int(cells.rows.sum()),
        rows_shown=int(cells.rows[shown].sum()),
        area_cells=len(area),
        significant_cells=int(hot.sum()),
        threshold=clusters.threshold,
        rows_in_zones=int(cells.rows[hot].sum()),
        demand_share=int(cells.weight[hot].sum()) / weight if weight else 0.0,
        pools=pools,
    )


def _compare(
    cells: Cells, shown: Bools, rules: ZoneRules
) -> tuple[npt.NDArray[np.uint64], Clusters]:
    area = study_area(cells.ids)
    values = np.zeros(len(area), dtype=np.int64)
    values[np.searchsorted(area, cells.ids[shown])] = cells.weight[shown]
    focal, near = find_neighbours(area)
    return area, find_clusters(values, focal, near, alpha=rules.alpha, normal=rules.normal)


def _zone_frame(
    cells: Cells, zone: Ints, rules: ZoneRules, names: ZoneNames
) -> tuple[gpd.GeoDataFrame, list[str], tuple[int, ...]]:
    """Return the zones, the greatest first; each zone's id by its number; their pools."""
    members = [np.flatnonzero(zone == number) for number in range(int(zone.max(initial=-1)) + 1)]
    profiles = [_profile(cells, rows, rules) for rows in members]
    ids = [zone_id(cells.ids[rows], cells.weight[rows]) for rows in members]
    demand = np.array([profile.demand_per_h for profile in profiles])
    middles = [h3.cell_to_latlng(int(identity.removeprefix("HZ-"), 16)) for identity in ids]
    centres = np.array([(lon, lat) for lat, lon in middles]).reshape(-1, 2)
    frame = gpd.GeoDataFrame(
        {
            "id": pd.Series(ids, dtype=object),
            "name": pd.Series(name_zones(centres, demand, names), dtype=object),
            "kind": rules.kind.value,
            "demand_per_h": demand.round(6),
            "profile": pd.Series([_as_text(profile) for profile in profiles], dtype=object),
        },
        geometry=gpd.GeoSeries([outline_cells(cells.ids[rows]) for rows in members], crs=CRS),
        crs=CRS,
    )
    order = np.lexsort((np.array(ids), -demand)) if ids else np.zeros(0, dtype=np.int64)
    pools = tuple(profiles[i].pools for i in order) if rules.span is not None else ()
    return frame.iloc[order].reset_index(drop=True), ids, pools


def _profile(cells: Cells, members: Ints, rules: ZoneRules) -> WeekProfile:
    if rules.span is None:
        demand = float(cells.weight[members].sum()) / rules.unit
        return WeekProfile(demand, rules.shares, 1)
    inside = np.isin(cells.cell, members)
    rows, weight = (
        np.bincount(cells.hour[inside], weights=count[inside], minlength=HOURS_OF_WEEK)
        for count in (cells.hour_rows, cells.hour_weight)
    )
    return profile_demand(
        rows.astype(np.int64),
        weight.astype(np.int64),
        rules.span.times_each(),
        rules.k,
        rules.unit,
    )


def _as_text(profile: WeekProfile) -> str | None:
    if profile.shares is None:
        return None
    return json.dumps([round(float(share), 8) for share in profile.shares])
