"""What is ranked on a map: the largest gaps, or chosen sites, and their table beside the legend."""

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.figures.layers import Frames, numbers, unserved
from locator.figures.paper import Pen

__all__ = ["largest_gaps", "rank_table", "ranked"]


_TOP_GAPS = 10


_TOP_SITES = 15


def ranked(frames: Frames) -> gpd.GeoDataFrame:
    """Return what a map ranks: chosen sites where there are some, else the largest gaps."""
    if "sites" not in frames:
        return largest_gaps(frames.get("gaps", gpd.GeoDataFrame(geometry=[])))
    sites = frames["sites"]
    return sites.assign(rank=numbers(sites, "rank"), gain=numbers(sites, "gain")).dropna(
        subset=["rank"]
    )


def _site_table(sites: gpd.GeoDataFrame, pen: Pen) -> list[tuple[str, ...]]:
    """Return the first sites with what each adds."""
    unknown, shown = pen.word["unknown"], sites.head(_TOP_SITES)
    gains = [f"{gain:,.1f}" if np.isfinite(gain) else unknown for gain in shown["gain"]]
    names = [pen.plain(name) or unknown for name in shown["name"]]
    rows = [(f"{rank:.0f}", *row) for rank, *row in zip(shown["rank"], names, gains, strict=True)]
    return [("", pen.word["sites"], pen.word["gain"]), *rows] if rows else []


def largest_gaps(gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the largest gaps in order: by their rank, else by unserved demand, else by area."""
    rank, demand = numbers(gaps, "rank"), unserved(gaps)
    if np.isnan(rank).all():
        area = np.where(np.isnan(given := numbers(gaps, "area_m2")), gaps.area, given)
        rank[np.lexsort([-area, -np.nan_to_num(demand, nan=-1.0)])] = np.arange(1, len(gaps) + 1)
    ranked = gaps.assign(rank=rank)[np.isfinite(rank)]
    return ranked.sort_values("rank", kind="stable").head(_TOP_GAPS)


def rank_table(largest: gpd.GeoDataFrame, pen: Pen) -> list[tuple[str, ...]]:
    """Return gaps or sites as rows of rank, name and numbers; the first row is the heading."""
    if "gain" in largest:
        return _site_table(largest, pen)
    unknown, blank = pen.word["unknown"], pd.Series(None, index=largest.index, dtype=object)
    names = largest.get("zone_name", largest.get("district_name", blank))
    columns = [
        ["", *(f"{rank:.0f}" for rank in largest["rank"])],
        [
            pen.word["largest_areas" if "gaps" in largest else "largest"],
            *(pen.plain(name) or unknown for name in names),
        ],
    ]
    for column in ("unserved_demand_per_h", "unserved_demand"):
        if column in largest:
            demand = numbers(largest, column)
            texts = [f"{value:.1f}" if np.isfinite(value) else unknown for value in demand]
            columns.append([pen.word[column], *texts])
    for column in ("nearest_m", "nearest_ride_m"):
        if column in largest:
            texts = [pen.distance(metres) for metres in numbers(largest, column)]
            columns.append([pen.word["nearest"], *texts])
            break
    return list(zip(*columns, strict=True)) if len(largest) else []
