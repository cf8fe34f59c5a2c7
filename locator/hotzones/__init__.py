"""Hot zones from orders or shops: cells, counts by hour of the week, clusters, polygons.

One noun a file: :mod:`~locator.hotzones.cells` (points to H3 cells, and which may be shown),
:mod:`~locator.hotzones.clusters` (Gi* and the false-discovery rate),
:mod:`~locator.hotzones.profile` (168 shares), :mod:`~locator.hotzones.zones` (polygons and names),
:mod:`~locator.hotzones.cleaning` (what makes points doubtful). Needs the extra ``hotzones``.
"""

from locator.errors import LocatorError

try:
    from locator.hotzones.build import FoundZones, ZoneRules, find_zones
    from locator.hotzones.cells import (
        Cells,
        CellTally,
        assign_cells,
        find_neighbours,
        hours_of_week,
        study_area,
    )
    from locator.hotzones.cleaning import (
        AreaTest,
        CrowdedPositions,
        Offset,
        first_of_each,
        fit_offset,
    )
    from locator.hotzones.clusters import Clusters, find_clusters
    from locator.hotzones.profile import Span, WeekProfile, pool_hours, profile_demand
    from locator.hotzones.zones import (
        ZoneNames,
        cell_polygons,
        join_cells,
        name_zones,
        outline_cells,
        zone_id,
    )
except ModuleNotFoundError as error:
    raise LocatorError(
        f"Hot zones from data need the package {error.name!r}, which is not installed; run: "
        'pip install "locator[hotzones]"'
    ) from error

__all__ = [
    "AreaTest",
    "CellTally",
    "Cells",
    "Clusters",
    "CrowdedPositions",
    "FoundZones",
    "Offset",
    "Span",
    "WeekProfile",
    "ZoneNames",
    "ZoneRules",
    "assign_cells",
    "cell_polygons",
    "find_clusters",
    "find_neighbours",
    "find_zones",
    "first_of_each",
    "fit_offset",
    "hours_of_week",
    "join_cells",
    "name_zones",
    "outline_cells",
    "pool_hours",
    "profile_demand",
    "study_area",
    "zone_id",
]
