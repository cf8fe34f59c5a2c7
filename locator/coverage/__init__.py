"""How much of the demand lies within reach of a station, and where it does not.

One noun a file. Over polygons: :mod:`~locator.coverage.demand` (hot zones to pieces and demand),
:mod:`~locator.coverage.share` (covered demand and area), :mod:`~locator.coverage.gaps` (what is out
of reach), :mod:`~locator.coverage.areas` (gaps under a name), :mod:`~locator.coverage.circles` (the
exact area). Over demand points (:mod:`~locator.coverage.points`) and times to stations:
:mod:`~locator.coverage.week` (hour by hour), :mod:`~locator.coverage.quality` (times, second
choices, closings), :mod:`~locator.coverage.catchment`, :mod:`~locator.coverage.equity`,
:mod:`~locator.coverage.uncertainty`, :mod:`~locator.coverage.reasons` (why a gap is one). And
:mod:`~locator.coverage.scenario`: the register as it might be.
"""

from locator.coverage.areas import merge_gaps, name_areas
from locator.coverage.catchment import floating_catchment
from locator.coverage.circles import covered_area_m2
from locator.coverage.demand import hour_of_week, hourly_factors, split_zones, zone_demand
from locator.coverage.equity import gini, worst_served_mean
from locator.coverage.gaps import compare_gaps, find_gaps, find_point_gaps
from locator.coverage.points import DemandPoints, choose_cells_m, sample_zones, take_points
from locator.coverage.quality import (
    TimeSummary,
    covered_by_limit,
    demand_lost_by_closing,
    share_with_backup,
    summarise_times,
    week_lost_by_closing,
)
from locator.coverage.reasons import Reason, explain_points, main_reasons
from locator.coverage.scenario import Idle, Scenario, apply_scenario, idle_changes
from locator.coverage.share import Coverage, cover_points, cover_zones
from locator.coverage.uncertainty import Interval, bootstrap_share, moved_share
from locator.coverage.week import OpenWeek, WeekCoverage, cover_week, open_week

__all__ = [
    "Coverage",
    "DemandPoints",
    "Idle",
    "Interval",
    "OpenWeek",
    "Reason",
    "Scenario",
    "TimeSummary",
    "WeekCoverage",
    "apply_scenario",
    "bootstrap_share",
    "choose_cells_m",
    "compare_gaps",
    "cover_points",
    "cover_week",
    "cover_zones",
    "covered_area_m2",
    "covered_by_limit",
    "demand_lost_by_closing",
    "explain_points",
    "find_gaps",
    "find_point_gaps",
    "floating_catchment",
    "gini",
    "hour_of_week",
    "hourly_factors",
    "idle_changes",
    "main_reasons",
    "merge_gaps",
    "moved_share",
    "name_areas",
    "open_week",
    "sample_zones",
    "share_with_backup",
    "split_zones",
    "summarise_times",
    "take_points",
    "week_lost_by_closing",
    "worst_served_mean",
    "zone_demand",
]
