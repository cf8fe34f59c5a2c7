"""The city's map from the store, for pages, files and figures alike."""

from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.errors import InputError, StudyError
from locator.figures import FigureOptions, draw_map, save_figure
from locator.hours import STATES
from locator.maps import (
    MapLayers,
    MapOptions,
    build_map,
    drawn_layers,
    map_title,
    render_file,
)
from locator.paths import written_whole
from locator.reporting.sentences import in_language
from locator.schema import Language, Status, is_illustrative
from locator.service import Service, Snapshot
from locator.settings import Settings

__all__ = [
    "as_of_words",
    "draw",
    "map_caption",
    "map_layers",
    "map_options",
    "read_snapshot",
    "settings_language",
]


def settings_language(settings: Settings) -> Language:
    """Return the language of maps and files."""
    return "zh" if settings.language == "zh" else "en"


def read_snapshot(service: Service, as_of: datetime | None) -> Snapshot:
    """Return what the store holds, or held at a moment.

    Raises
    ------
    InputError
        The history does not reach back to it.
    """
    return service.snapshot() if as_of is None else service.snapshot_as_of(as_of)


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


def draw(layers: MapLayers, options: MapOptions, path: Path) -> None:
    """Draw layers into a file by its ending.

    Raises
    ------
    InputError
        The ending is none of .html, .png, .svg.
    StudyError
        The file cannot be written.
    """
    try:
        _draw(layers, options, path)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror or error}.") from error


def _check_ending(path: Path) -> str:
    """Return a map's ending, before anything is worked out for it."""
    ending = path.suffix.lower()
    if ending not in {".html", ".png", ".svg"}:
        raise InputError(f"{path.name}: a map is written as .html, .png or .svg.")
    return ending


def _draw(layers: MapLayers, options: MapOptions, path: Path) -> None:
    if _check_ending(path) == ".html":
        with written_whole(path) as draft:
            draft.write_text(render_file(build_map(layers, options)), encoding="utf-8")
        return
    with_sites = layers.sites is not None
    changes = {"sites": layers.sites, "gained": layers.reach, "uncovered": layers.gaps}
    shown = {name: frame for name, frame in changes.items() if frame is not None}
    figure = draw_map(
        stations=layers.stations,
        hot_zones=layers.hot_zones,
        districts=layers.districts,
        places=layers.places,
        gaps=None if with_sites else layers.gaps,
        reach=None if with_sites else layers.reach,
        changes=shown if with_sites else None,
        options=FigureOptions(
            title=options.title,
            caption=options.caption,
            language=options.language,
            map_approval=options.map_approval,
            illustrative=options.illustrative,
            show_districts=options.show_districts,
        ),
    )
    save_figure(figure, path)
