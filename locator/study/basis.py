"""What every table of a study rests on: demand points, times to stations, opening hours."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from locator.coverage import (
    DemandPoints,
    OpenWeek,
    WeekCoverage,
    cover_week,
    hour_of_week,
    open_week,
)
from locator.coverage.catchment import BANDS
from locator.nearest import StationFilter
from locator.service import Service
from locator.study.measure import Standard, Study

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Basis:
    """Demand points and what each can reach.

    Attributes
    ----------
    study
        The stations that count, and the travel model.
    points
        The demand, n points; polygons are sampled.
    demand_per_h
        (n,) demand of the hour that is studied, or of the week's mean.
    times
        (n, m) seconds to every station within ``widest_s``.
    seconds
        (n,) to the nearest station that counts; ``inf`` is out of reach.
    standards
        The coverage standards, each with its limit in seconds.
    week
        When stations are open, where the study goes through the week.
    in_service
        (m,) the active stations, whatever they offer and whenever they open.
    by_kind
        (m,) of those the stations that the filter lets through when services are left out.
    unrecorded
        (m,) the stations of which nobody recorded what they offer.
    """

    study: Study
    points: DemandPoints
    demand_per_h: Floats
    times: csr_array
    widest_s: float
    seconds: Floats
    standards: tuple[tuple[Standard, float], ...]
    week: OpenWeek | None
    in_service: Mask
    by_kind: Mask
    unrecorded: Mask

    @property
    def first_s(self) -> float:
        """Return the limit of the first standard in seconds: the one that is looked into."""
        return self.standards[0][1]

    @cached_property
    def week_coverage(self) -> WeekCoverage | None:
        """Return the first standard hour by hour, where the study goes through the week."""
        if self.week is None:
            return None
        mask = self.study.whatever_hours
        return cover_week(self.points, self.times, self.week, limit_s=self.first_s, mask=mask)

    @property
    def open_then(self) -> Mask:
        """Return the stations that are open at the studied hour; all where there is none."""
        return self.study.open_then


def make_basis(
    service: Service,
    study: Study,
    standards: tuple[Standard, ...],
    *,
    week_of: date | None,
) -> Basis:
    """Ask the travel model once for every time, and read the week's hours if it is studied."""
    points = study.points
    limits = tuple((standard, study.limit_s(standard)) for standard in standards)
    widest_s = max([BANDS[-1][0], *(limit for _, limit in limits)])
    index = study.inputs.snapshot.index
    hour = None if study.at is None else hour_of_week(study.at)
    week = None
    if week_of is not None:
        texts = [None if pd.isna(t) else str(t) for t in index.stations["opening_hours"]]
        least = service.settings.min_minutes_left
        week = open_week(
            texts, service.rules, day=week_of, min_minutes_left=least, places=index.lonlat
        )
    return Basis(
        study=study,
        points=points,
        demand_per_h=points.at(hour),
        times=study.bound.times(study.origins, limit_s=widest_s),
        widest_s=widest_s,
        seconds=study.seconds(study.mask),
        standards=limits,
        week=week,
        in_service=index.mask(StationFilter()),
        by_kind=index.mask(replace(study.chosen, services=frozenset())),
        unrecorded=index.stations["services"].isna().to_numpy(dtype=bool),
    )
