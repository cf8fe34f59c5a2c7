"""Gap areas of a study: where they are, why, when, and what is missing there."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.coverage import (
    cover_week,
    explain_points,
    main_reasons,
    merge_gaps,
    name_areas,
)
from locator.coverage.quality import nearest_seconds
from locator.datum import Positions
from locator.schema import SET_SEPARATOR, Amenity, split_set
from locator.study.basis import Basis

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_MOST = 0.5


def describe_areas(basis: Basis, gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the gaps of the first standard joined into areas, the most unserved demand first.

    Parameters
    ----------
    gaps
        From :func:`locator.coverage.find_gaps`.

    Returns
    -------
    GeoDataFrame
        EPSG:4326: what :func:`locator.coverage.merge_gaps` gives, and ``place, place_m, bearing,
        reason, reason_share, missing_services, unknown_services`` and, where the week is studied,
        ``week_covered_share, worst_hour``. ``missing_services`` names what no station in reach
        offers to most of the area's demand; ``unknown_services`` what none is known to offer
        there, but a station in reach may, because nobody recorded its services. Both are null
        where no station is in reach at all.
    """
    areas, area_of_gap = merge_gaps(gaps, crs=basis.study.crs)
    places = basis.study.inputs.snapshot.places
    where = pd.DataFrame(name_areas(areas, places), columns=["place", "place_m", "bearing"])
    areas = areas.join(where)
    inside = _points_inside(basis, gaps, area_of_gap)
    lonlat, demand, area = _with_middles(basis, gaps, area_of_gap, inside)
    areas = areas.join(_why(basis, lonlat, demand, area, len(areas)))
    missing, unknown = _missing(basis, lonlat, demand, area, len(areas))
    areas["missing_services"] = pd.Series(missing, dtype=object, index=areas.index)
    areas["unknown_services"] = pd.Series(unknown, dtype=object, index=areas.index)
    if basis.week is not None:
        areas = areas.join(_hours(basis, inside, len(areas)), on="rank")
    last = [c for c in areas if c != "geometry"]
    return areas[[*last, "geometry"]]


def _points_inside(basis: Basis, gaps: gpd.GeoDataFrame, area_of_gap: Rows) -> Rows:
    """Return (n,) the area that each demand point lies in, -1 for none."""
    lonlat = basis.points.lonlat
    places = shapely.points(lonlat)
    point, gap = shapely.STRtree(gaps.geometry.to_numpy()).query(places, predicate="intersects")
    area = np.full(len(lonlat), -1, dtype=np.int64)
    area[point] = area_of_gap[gap]
    area[basis.seconds <= basis.first_s] = -1
    return area


def _with_middles(
    basis: Basis, gaps: gpd.GeoDataFrame, area_of_gap: Rows, inside: Rows
) -> tuple[Positions, Floats, Rows]:
    """Return the demand points in the areas, and a point without demand inside every gap."""
    kept = inside >= 0
    middle = gaps.geometry.representative_point()
    return (
        np.concatenate([basis.points.lonlat[kept], np.column_stack([middle.x, middle.y])]),
        np.concatenate([basis.demand_per_h[kept], np.zeros(len(gaps))]),
        np.concatenate([inside[kept], area_of_gap]),
    )


def _why(basis: Basis, lonlat: Positions, demand: Floats, area: Rows, count: int) -> pd.DataFrame:
    study = basis.study

    def reached(mask: Mask) -> Mask:
        return nearest_seconds(study.bound, lonlat, mask) <= basis.first_s

    every = reached(basis.in_service)
    straight = every
    if (line := study.straight_line()) is not None:
        bound = line.bind(study.lonlat)
        straight = nearest_seconds(bound, lonlat, basis.in_service) <= basis.first_s
    codes = explain_points(
        possible=reached(study.unknown),
        unrecorded=reached(study.unrecorded),
        chosen=reached(study.whatever_hours | study.perhaps),
        every=every,
        straight=straight,
    )
    return main_reasons(area, codes, demand, groups=count)


def _missing(
    basis: Basis, lonlat: Positions, demand: Floats, area: Rows, count: int
) -> tuple[list[str | None], list[str | None]]:
    """Return the services that most of an area's demand has in no station in reach.

    Then those that it has in none whose services are known, but may have in another.
    """
    weight = np.where(demand > 0, demand, np.finfo(float).tiny)
    whole = np.bincount(area, weights=weight, minlength=count)

    def share(mask: Mask) -> Floats:
        near = nearest_seconds(basis.study.bound, lonlat, mask) <= basis.first_s
        return np.bincount(area, weights=weight * near, minlength=count) / whole

    offered = [split_set(text) for text in basis.study.inputs.snapshot.stations["services"]]
    reach: Floats = share(basis.by_kind)
    missing: list[list[str]] = [[] for _ in range(count)]
    unknown: list[list[str]] = [[] for _ in range(count)]
    for service in Amenity:
        offers = np.array([service.value in given for given in offered], dtype=bool)
        lacking = share(basis.by_kind & offers) < _MOST
        perhaps = lacking & (share(basis.by_kind & (offers | basis.unrecorded)) >= _MOST)
        for number in np.flatnonzero(lacking):
            (unknown if perhaps[number] else missing)[number].append(service.value)

    def joined(found: list[list[str]]) -> list[str | None]:
        pairs = zip(found, reach, strict=True)
        return [SET_SEPARATOR.join(codes) if near >= _MOST else None for codes, near in pairs]

    return joined(missing), joined(unknown)


def _hours(basis: Basis, inside: Rows, count: int) -> pd.DataFrame:
    """Return each area's week by rank: its covered share and its worst hour."""
    assert basis.week is not None  # noqa: S101 - asked only where the week is studied
    labels = pd.DataFrame({"id": np.arange(1, count + 1), "name": np.arange(1, count + 1)})
    points = basis.points.regroup(inside, labels)
    times = basis.times[np.flatnonzero(inside >= 0)]
    week = cover_week(
        points, times, basis.week, limit_s=basis.first_s, mask=basis.study.whatever_hours
    )
    table = week.by("zone").set_index("id")
    names = {"covered_share": "week_covered_share", "worst_hour": "worst_hour"}
    return table[list(names)].rename(columns=names)
