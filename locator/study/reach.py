"""Reach as a layer of maps: the areas within some minutes of a station, as bands, with words."""

from collections.abc import Sequence

import geopandas as gpd
import shapely

from locator.schema import CRS, Language
from locator.study.measure import Standard
from locator.travel import Routed, TravelModel

__all__ = [
    "reach_bands",
    "reach_caption",
    "roads_credit",
]

# For drawing only, degrees: about 15 m, more where there are too many corners to send, and about
# a hectare at the latitudes of China.
_TOLERANCES = (1.5e-4, 3e-4, 6e-4)
_MANY_CORNERS = 10_000
_SPECK = 1e-6


def reach_bands(
    areas: Sequence[tuple[Standard, shapely.Geometry]], language: Language
) -> gpd.GeoDataFrame:
    """Return areas as bands that do not overlap, the nearest first, simplified for drawing.

    Parameters
    ----------
    areas
        A standard and the area within it, EPSG:4326, from the strictest on.

    Returns
    -------
    GeoDataFrame
        EPSG:4326; ``name`` says in words what a band is.
    """
    names, bands = [], []
    inner: shapely.Geometry = shapely.MultiPolygon()
    within = ""
    for standard, area in areas:
        outer = shapely.union(_simple(area), inner)  # a band begins exactly where the last ends
        names.append(_words(standard, within, language))
        bands.append(_polygons(shapely.difference(outer, inner)))
        inner, within = outer, f"{standard.amount:g}"
    frame = gpd.GeoDataFrame({"name": names}, geometry=bands, crs=CRS)
    return frame[~frame.is_empty]


def reach_caption(travel: TravelModel, language: Language) -> str:
    """Say by which model the areas were worked out, and whose roads they rest on."""
    model = travel.describe(language)
    words = f"可达范围按：{model}" if language == "zh" else f"reach by: {model}"
    return " · ".join(filter(None, [words, roads_credit(travel)]))


def roads_credit(travel: TravelModel) -> str:
    """Return whose roads a model goes by; empty where it goes by none, or owes no notice."""
    return travel.credit if isinstance(travel, Routed) else ""


def _words(standard: Standard, within: str, language: Language) -> str:
    span = f"{within}–{standard.amount:g}" if within else f"{standard.amount:g}"
    if language == "zh":
        unit = "分钟" if standard.unit == "min" else "米"
        return f"{span} {unit}可到驿站" if within else f"{span} {unit}内可到驿站"
    if within:
        return f"{span} {standard.unit} from a station"
    return f"Within {standard.label} of a station"


def _simple(area: shapely.Geometry) -> shapely.MultiPolygon:
    """Return an area with fewer corners, without what is too small to see."""
    parts = [
        shapely.Polygon(
            part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > _SPECK]
        )
        for part in shapely.get_parts(area)
        if part.area > _SPECK
    ]
    whole = shown = shapely.MultiPolygon(parts)
    for tolerance in _TOLERANCES:
        shown = _polygons(shapely.simplify(whole, tolerance))
        if shapely.get_num_coordinates(shown) <= _MANY_CORNERS:
            break
    return shown


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    return shapely.MultiPolygon([p for p in parts if p.geom_type == "Polygon" and not p.is_empty])
