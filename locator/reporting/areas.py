"""Gap areas as a map shows them: the numbers and the names of the report's table."""

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

__all__ = ["areas_to_draw"]


def areas_to_draw(
    areas: gpd.GeoDataFrame, *, demand_unit: str, names: Mapping[str, str] | None = None
) -> gpd.GeoDataFrame:
    """Return gap areas with ``zone_name``, by their hot zones or else the nearest place.

    Where demand is no number of orders an hour, ``unserved_demand`` stands in the place of
    ``unserved_demand_per_h``.

    Parameters
    ----------
    areas
        The layer ``gap_areas`` of a study.
    demand_unit
        ``orders``, ``weight`` or ``points``.
    names
        What places are called in the language, where it is not their name.
    """
    known = names or {}
    place = areas["place"].map(lambda name: known.get(name, name) if isinstance(name, str) else "")
    zone = areas["zone_names"].where(areas["zone_names"].notna(), place)
    drawn = areas.assign(zone_name=pd.Series(zone, dtype=object))
    if demand_unit == "orders":
        return drawn
    return drawn.rename(columns={"unserved_demand_per_h": "unserved_demand"})
