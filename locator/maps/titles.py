"""A map's title, from what is drawn on it: it names that and nothing else."""

from collections.abc import Collection

import geopandas as gpd

from locator.maps.model import MapLayers
from locator.schema import Kind, Language

__all__ = ["drawn_layers", "map_title"]

# The ground of a map, in no title beside what stands on it.
_GROUND: dict[str, tuple[str, str]] = {
    "districts": ("区县", "districts"),
    "places": ("地名", "places"),
}
_NAMES: dict[str, tuple[str, str]] = {
    "stations": ("骑手驿站", "rider stations"),
    "sites": ("所选站点", "chosen sites"),
    "hot_zones": ("配送热区", "delivery hot zones"),
    "reach": ("{n}可达范围", "areas within {n} of a station"),
    "gaps": ("{n}覆盖缺口", "gaps beyond {n} of a station"),
}
_UNTIMED: dict[str, tuple[str, str]] = {
    "reach": ("可达范围", "areas of reach"),
    "gaps": ("覆盖缺口", "gaps in coverage"),
}


def drawn_layers(layers: MapLayers, *, borders: bool = True) -> tuple[str, ...]:
    """Return the names of the layers that hold something to draw.

    ``borders`` says whether the districts' lines are drawn.
    """
    found = []
    for name in (*_NAMES, *_GROUND):
        frame: gpd.GeoDataFrame | None = getattr(layers, name)
        if frame is not None and len(frame) and (borders or name != "districts"):
            found.append(name)
    return tuple(found)


def map_title(
    drawn: Collection[str],
    *,
    language: Language,
    minutes: tuple[int, ...] = (),
    kinds: Collection[Kind] = (),
) -> str:
    """Return the title of a map: ``骑手驿站与 5 分钟覆盖缺口``.

    Parameters
    ----------
    drawn
        Names of layers, as :func:`drawn_layers` has them.
    minutes
        The standards that areas and gaps are of.
    kinds
        What stations are drawn, where it is not all kinds.
    """
    place = language == "en"
    times = (", " if place else "、").join(str(n) for n in minutes)
    unit = f"{times} {'min' if place else '分钟'}"
    names = _NAMES if any(name in drawn for name in _NAMES) else _GROUND
    parts = []
    for name in names:
        if name not in drawn:
            continue
        if name == "stations" and len(kinds) == 1:
            parts.append(next(iter(kinds)).label(language))
            continue
        pair = names[name] if minutes else _UNTIMED.get(name, names[name])
        parts.append(pair[place].format(n=unit))
    if not parts:
        return "Map" if place else "地图"
    return _joined(parts, language)


def _joined(parts: list[str], language: Language) -> str:
    if language == "en":
        whole = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
        return whole[:1].upper() + whole[1:]
    space = " " if parts[-1][0].isdigit() else ""
    return "、".join(parts[:-1]) + ("与" + space if len(parts) > 1 else "") + parts[-1]
