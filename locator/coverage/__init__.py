"""How much of the demand lies within reach of a station, and where it does not.

One noun a file: :mod:`~locator.coverage.demand` (hot zones and points to demand),
:mod:`~locator.coverage.share` (covered demand and area), :mod:`~locator.coverage.gaps`
(polygons out of reach), :mod:`~locator.coverage.circles` (the exact area, without polygons).
"""

from locator.coverage.circles import covered_area_m2
from locator.coverage.demand import hour_of_week, split_zones, zone_demand
from locator.coverage.gaps import find_gaps, find_point_gaps
from locator.coverage.share import Coverage, cover_points, cover_zones

__all__ = [
    "Coverage",
    "cover_points",
    "cover_zones",
    "covered_area_m2",
    "find_gaps",
    "find_point_gaps",
    "hour_of_week",
    "split_zones",
    "zone_demand",
]
