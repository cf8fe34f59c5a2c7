"""What a report calls the city and its places."""

from collections.abc import Mapping, Sequence

import geopandas as gpd

from locator.datum import geodesic_m
from locator.schema import Language

__all__ = ["city_of", "english_names"]

_CITY_WITHIN_M = 60_000.0


def english_names(layers: Mapping[str, gpd.GeoDataFrame], language: Language) -> dict[str, str]:
    """Return the English names of districts and places, where they have one."""
    if language != "en":
        return {}
    names: dict[str, str] = {}
    for layer in ("places", "districts"):
        frame = layers.get(layer)
        if frame is not None and {"name", "name_en"} <= set(frame.columns):
            known = frame.dropna(subset=["name", "name_en"])
            names |= dict(zip(known["name"].map(str), known["name_en"].map(str), strict=True))
    return names


def city_of(
    layers: Mapping[str, gpd.GeoDataFrame], areas: Sequence[str], language: Language
) -> str:
    """Return the largest city near what is measured; none where no place says so.

    ``areas`` are the layers that say what is measured; the first that holds something counts.
    """
    places = layers.get("places")
    area = next((layers[name] for name in areas if name in layers and len(layers[name])), None)
    if places is None or area is None or "kind" not in places:
        return ""
    cities = places[places["kind"] == "city"]
    west, south, east, north = (float(edge) for edge in area.total_bounds)
    if cities.empty:
        return ""
    x, y = cities.geometry.x.to_numpy(), cities.geometry.y.to_numpy()
    metres = geodesic_m(x, y, 0 * x + (west + east) / 2, 0 * y + (south + north) / 2)
    near = cities[metres <= _CITY_WITHIN_M]
    if near.empty:
        return ""
    first = near.sort_values("population", ascending=False).iloc[0]
    english = first.get("name_en") if language == "en" else None
    return str(english or first["name"])
