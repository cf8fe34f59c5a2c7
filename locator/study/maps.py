"""What a map shows, of the store or of a study: ready layers, and the words beside them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.hours import STATES
from locator.maps import MapLayers, MapOptions
from locator.report.folder import MAP_PAGE, MAP_PICTURE, Made
from locator.report.sentences import in_language, translate
from locator.schema import CRS, Kind, Language, Status, is_illustrative
from locator.service import Service, Snapshot
from locator.settings import Settings
from locator.study.drawing import draw
from locator.study.measure import Standard, Study
from locator.travel import Routed, TravelModel

REACH_UP_TO = 5_000  # stations; the areas of more would outweigh the map
# For drawing only, degrees: about 15 m, more where there are too many corners to send, and about
# a hectare at the latitudes of China.
_TOLERANCES = (1.5e-4, 3e-4, 6e-4)
_MANY_CORNERS = 10_000
_SPECK = 1e-6
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


def settings_language(settings: Settings) -> Language:
    """Return the language of maps and files."""
    return "zh" if settings.language == "zh" else "en"


def as_of_words(moment: datetime, language: Language) -> str:
    """Say that a map shows the register of a past moment."""
    when = f"{moment:%Y-%m-%d %H:%M}"
    return f"登记册截至 {when}" if language == "zh" else f"register as of {when}"


def map_layers(snapshot: Snapshot, *, at: datetime | None) -> MapLayers:
    """Return the layers of the city's map: stations in service, with their state at a moment.

    None leaves the states out: a file is read later than it is written.
    """
    stations = snapshot.stations
    if at is not None:
        states = [STATES[code].value for code in snapshot.index.states(at)]
        stations = stations.assign(state=states)
    return MapLayers(
        stations=stations[stations["status"] != Status.CLOSED.value],
        hot_zones=snapshot.hot_zones,
        districts=snapshot.districts,
        places=snapshot.places,
    )


def map_caption(
    stations: gpd.GeoDataFrame, *, at: datetime, language: Language, states: bool = False
) -> str:
    """Say the date of the data shown and where they are from.

    ``states`` says that the stations are shown open or closed, as a column ``state`` does.
    """
    sources = pd.unique(stations["source"].dropna()) if len(stations) else np.array([])
    source = in_language(str(sources[0]), language) if len(sources) == 1 else ""
    when = f"{at:%Y-%m-%d}"
    if states or "state" in stations:
        when = (
            f"{at:%Y-%m-%d %H:%M} 的开放状态"
            if language == "zh"
            else f"what is open at {at:%Y-%m-%d %H:%M}"
        )
    words = f"制图日期 {when}" if language == "zh" else f"Map of {when}"
    return words + (f" · {source}" if source else "")


def map_options(
    settings: Settings, layers: MapLayers, *, at: datetime, title: str = "", caption: str = ""
) -> MapOptions:
    """Return the map's options as the settings have them."""
    language = settings_language(settings)
    stations = layers.stations
    if not caption and stations is not None:
        caption = map_caption(stations, at=at, language=language)
    frames = [frame for frame in (layers.stations, layers.hot_zones) if frame is not None]
    return MapOptions(
        title=title or map_title(drawn_layers(layers), language=language),
        caption=caption,
        language=language,
        basemap=settings.basemap,
        basemap_key=settings.basemap_key,
        map_approval=settings.map_approval,
        illustrative=any(is_illustrative(frame) for frame in frames),
        day=at.date(),
    )


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


def study_layers(
    study: Study, stations: gpd.GeoDataFrame, **found: gpd.GeoDataFrame | None
) -> MapLayers:
    """Return what a map of a study shows: stations, what it stands on, and what was found.

    Hot zones have the demand that was measured, the hour's where there is one.
    """
    snapshot, zones = study.inputs.snapshot, study.inputs.hot_zones
    if zones is not None:
        zones = zones.assign(demand_per_h=study.demand_per_h)
    return MapLayers(
        stations=stations,
        hot_zones=zones,
        districts=snapshot.districts,
        places=snapshot.places,
        **found,
    )


def write_study_map(
    folder: Path,
    service: Service,
    study: Study,
    made: Made,
    layers: MapLayers,
    *,
    title: str,
    words: Sequence[str],
    language: Language,
) -> None:
    """Write the map of a study as a page that opens from a disk, and as a figure.

    ``words`` stand in the caption between the day and what the demand rests on.
    """
    snapshot = study.inputs.snapshot
    demand = [translate(said, language) for said in made["demand_rests_on"]]
    data = f"{'数据' if language == 'zh' else 'data'} {made['data_hash']}"
    caption = [made["made_at"][:10], *words, *demand, data, made["credit"]]
    options = map_options(
        replace(service.settings, basemap="none", language=language),
        layers,
        at=snapshot.as_of or study.made_at,
        title=title,
        caption=" · ".join(filter(None, caption)),
    )
    options = replace(options, illustrative=made["illustrative"])
    for name in (MAP_PAGE, MAP_PICTURE):
        draw(layers, options, folder / name)


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
    bands = []
    inner: shapely.Geometry = shapely.MultiPolygon()
    for _, area in areas:
        outer = shapely.union(_simple(area), inner)  # a band begins exactly where the last ends
        bands.append(_polygons(shapely.difference(outer, inner)))
        inner = outer
    names = band_names([standard for standard, _ in areas], language)
    frame = gpd.GeoDataFrame({"name": names}, geometry=bands, crs=CRS)
    return frame[~frame.is_empty]


def band_names(standards: Sequence[Standard], language: Language) -> list[str]:
    """Say in words what each band is, of standards from the strictest on."""
    names, within = [], ""
    for standard in standards:
        amount, unit = f"{standard.amount:g}", standard.unit
        span = f"{within}–{amount}" if within else amount
        if language == "zh":
            unit = "分钟" if unit == "min" else "米"
            names.append(f"{span} {unit}可到驿站" if within else f"{span} {unit}内可到驿站")
        elif within:
            names.append(f"{span} {unit} from a station")
        else:
            names.append(f"Within {standard.label} of a station")
        within = amount
    return names


def reach_caption(travel: TravelModel, language: Language) -> str:
    """Say by which model the areas were worked out, and whose roads they rest on."""
    model = travel.describe(language)
    words = f"可达范围按：{model}" if language == "zh" else f"reach by: {model}"
    return " · ".join(filter(None, [words, roads_credit(travel)]))


def roads_credit(travel: TravelModel) -> str:
    """Return whose roads a model goes by; empty where it goes by none, or owes no notice."""
    return travel.credit if isinstance(travel, Routed) else ""


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
