"""From a view and the store to what is drawn: layers, and the words that stand with them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.errors import InputError
from locator.hours import STATES
from locator.maps import MAX_STATIONS, MapLayers, MapOptions
from locator.nearest import StationFilter
from locator.report.folder import Result
from locator.report.sentences import translate
from locator.schema import Language, State, Status
from locator.service import Service, Snapshot
from locator.showing.view import LAYERS, MapView
from locator.study.maps import (
    REACH_UP_TO,
    as_of_words,
    band_names,
    drawn_layers,
    map_caption,
    map_layers,
    map_options,
    map_title,
    reach_bands,
    reach_caption,
)
from locator.study.measure import GapsInputs, Outcome, Question, Standard, Study
from locator.study.zone_source import demand_rests_on

LANGUAGES: tuple[Language, ...] = ("zh", "en")
MOST_ZONES = 2_000  # past that coverage is measured with the command line, not for a page
_SHOWN_BY_ITSELF = {
    "map": ("stations", "hot_zones", "districts", "places"),
    "coverage": ("stations", "gaps", "reach", "districts", "places"),
}


@dataclass(frozen=True)
class Shown:
    """What a view shows, ready to be drawn, with its words in both languages.

    Attributes
    ----------
    layers
        For :func:`locator.maps.build_map`; texts in the view's language.
    rests_on
        The rows that what is said rests on: shares on every one of them, drawn or not.
    language
        The view's.
    words
        Title, caption and the rest, by language.
    minutes
        The standards that areas are of.
    at
        The moment whose opening hours count, or None.
    coverage, gaps
        What was measured, and the gaps of all zones, the largest first; None where the view asks
        for neither coverage nor gaps.
    """

    layers: MapLayers
    rests_on: MapLayers
    language: Language
    words: dict[Language, MapOptions]
    minutes: tuple[int, ...]
    at: datetime | None
    coverage: Result | None
    gaps: gpd.GeoDataFrame | None

    @property
    def options(self) -> MapOptions:
        """Return how it is drawn, in the view's language."""
        return self.words[self.language]

    def said_in(self, language: Language) -> "Shown":
        """Return the same in a language."""
        reach = self.layers.reach
        if reach is not None:
            names = band_names(_standards(self.minutes), language)
            reach = reach.assign(name=[names[band] for band in reach.index])
        return replace(self, layers=replace(self.layers, reach=reach), language=language)


@dataclass(frozen=True)
class _Counted:
    """Which stations of a snapshot count, and what was measured with them."""

    mask: npt.NDArray[np.bool_]
    outcome: Outcome | None


def show_view(
    service: Service,
    what: str,
    view: MapView,
    *,
    snapshot: Snapshot | None = None,
    now_states: bool = False,
    borders: bool = True,
    bounded: bool = False,
) -> Shown:
    """Return what a view shows of the store.

    Parameters
    ----------
    what
        ``map`` or ``coverage``.
    snapshot
        A past moment of the store; the present by default.
    now_states
        Mark stations open or closed now where the view names no moment; for pages, which are
        read when they are made.
    borders
        Draw the districts' lines.
    bounded
        Refuse what would keep a server busy for long.

    Raises
    ------
    InputError
        There is too much for a page or a map, or no hot zones to measure coverage with.
    """
    snapshot = service.snapshot() if snapshot is None else snapshot
    if bounded:
        _check_size(snapshot, what, view)
    clock = snapshot.as_of or service.now()
    at = view.moment(clock)
    counted = _count(service, snapshot, what, view, at)
    wanted = view.layers or _wanted_by_itself(what, view)
    seen = at or (clock if now_states else None)
    layers = _layers(service, snapshot, view, counted, seen, wanted)
    outcome = counted.outcome
    words = {
        language: map_words(
            service,
            snapshot,
            what,
            replace(view, language=language),
            layers=layers,
            outcome=outcome,
            borders=borders,
        )
        for language in LANGUAGES
    }
    rests_on = layers
    if outcome is not None:
        every = map_layers(snapshot, at=None)
        rests_on = replace(layers, stations=every.stations, hot_zones=every.hot_zones)
    return Shown(
        layers=layers,
        rests_on=rests_on,
        language=view.language,
        words=words,
        minutes=view.minutes,
        at=at,
        coverage=None if outcome is None else outcome.result,
        gaps=None if outcome is None else outcome.gaps,
    )


def map_words(
    service: Service,
    snapshot: Snapshot,
    what: str,
    view: MapView,
    *,
    layers: MapLayers | None = None,
    outcome: Outcome | None = None,
    borders: bool = True,
    states: bool = False,
) -> MapOptions:
    """Return a map's options with its title and caption; without layers those of a whole map.

    ``states`` says that stations are marked open or closed, where there are no layers to see it.

    The caption says everything that the map leaves out: which stations count, when, by which
    model, and where the facts are from.
    """
    language, day = view.language, snapshot.as_of or service.now()
    at = view.moment(day)
    if layers is None:
        layers = map_layers(snapshot, at=None)
        wanted = view.layers or _wanted_by_itself(what, view)
        there = drawn_layers(layers, borders=borders)
        drawn = tuple(n for n in wanted if n in there or n in {"gaps", "reach"})
    else:
        drawn = drawn_layers(layers, borders=borders)
    shown = snapshot.stations if layers.stations is None else layers.stations
    parts = [map_caption(shown, at=at or service.now(), language=language, states=states)]
    if snapshot.as_of is not None:
        parts.insert(0, as_of_words(snapshot.as_of, language))
    unrecorded = int(snapshot.index.possible(view.chosen).sum())
    parts.append(_choice_words(view.chosen, language, unrecorded))
    if layers.stations is not None and len(layers.stations) > MAX_STATIONS:
        parts.append(_many_words(len(layers.stations), language))
    if outcome is not None:
        parts.append(_coverage_words(outcome.result, view.minutes[0], language))
        parts += [translate(said, language) for said in demand_rests_on(snapshot.hot_zones)]
    if view.minutes:
        parts += [_hours_words(at, language), reach_caption(service.travel, language)]
    options = map_options(
        replace(service.settings, language=language),
        layers,
        at=day,
        title=_title_of(what, view, drawn),
        caption=" · ".join(filter(None, parts)),
    )
    return replace(options, show_districts=borders, extent=view.bbox, theme=view.theme)


def _check_size(snapshot: Snapshot, what: str, view: MapView) -> None:
    zones, stations = len(snapshot.hot_zones), len(snapshot.stations)
    measured = what == "coverage" or "gaps" in view.layers
    if measured and (zones > MOST_ZONES or stations > MAX_STATIONS):
        raise InputError(
            f"{zones:,} hot zones and {stations:,} stations are too much for a page; use the "
            "command line: locator gaps --minutes 5 --out gaps"
        )


def _wanted_by_itself(what: str, view: MapView) -> tuple[str, ...]:
    first = _SHOWN_BY_ITSELF[what]
    return (*first, "reach") if view.minutes and "reach" not in first else first


def _count(
    service: Service, snapshot: Snapshot, what: str, view: MapView, at: datetime | None
) -> _Counted:
    mask = snapshot.index.mask(view.chosen)
    if at is not None:
        mask = mask & (snapshot.index.states(at) == STATES.index(State.OPEN))
    if what != "coverage" and "gaps" not in view.layers:
        return _Counted(mask, None)
    if snapshot.hot_zones.empty:
        raise InputError("There are no hot zones to measure; bring some in or leave gaps out.")
    standard = Standard(view.minutes[0], "min")
    question = Question((standard,), chosen=view.chosen, at=at)
    study = Study(service, GapsInputs(snapshot, snapshot.hot_zones, None), question)
    return _Counted(study.mask, study.measure(standard))


def _layers(
    service: Service,
    snapshot: Snapshot,
    view: MapView,
    counted: _Counted,
    seen: datetime | None,
    wanted: tuple[str, ...],
) -> MapLayers:
    every = map_layers(snapshot, at=seen)
    in_service = frozenset({Status.ACTIVE, Status.TEMPORARILY_CLOSED})
    passing = snapshot.index.mask(replace(view.chosen, statuses=in_service))
    frames: dict[str, gpd.GeoDataFrame | None] = {
        name: getattr(every, name) for name in ("hot_zones", "districts", "places")
    }
    if every.stations is not None:
        ids = snapshot.stations["id"].to_numpy()[passing]
        frames["stations"] = every.stations[every.stations["id"].isin(ids)]
    frames["gaps"] = None if counted.outcome is None else counted.outcome.gaps
    if "reach" in wanted and view.minutes and int(counted.mask.sum()) <= REACH_UP_TO:
        frames["reach"] = _reach(service, snapshot, view, counted)
    cut = {name: _within(frames.get(name), view) for name in wanted}
    stations = cut.get("stations")
    if stations is not None and len(stations) > MAX_STATIONS:  # numbers show no states
        cut["stations"] = stations.drop(columns="state", errors="ignore")
    return MapLayers(**{name: cut.get(name) for name in LAYERS})


def _reach(
    service: Service, snapshot: Snapshot, view: MapView, counted: _Counted
) -> gpd.GeoDataFrame:
    if view.chosen == StationFilter() and not view.at:
        # Everyone's, which many maps ask for, so that it is kept.
        areas = [service.reach(snapshot, minutes) for minutes in view.minutes]
    else:
        areas = [snapshot.index.reach(minutes * 60.0, counted.mask) for minutes in view.minutes]
    return reach_bands(list(zip(_standards(view.minutes), areas, strict=True)), view.language)


def _standards(minutes: Sequence[int]) -> list[Standard]:
    return [Standard(m, "min") for m in minutes]


def _within(frame: gpd.GeoDataFrame | None, view: MapView) -> gpd.GeoDataFrame | None:
    """Return the rows that meet the view's box."""
    if frame is None or view.bbox is None:
        return frame
    return frame[shapely.intersects(frame.geometry.to_numpy(), shapely.box(*view.bbox))]


# The words, Chinese and English


def _title_of(what: str, view: MapView, drawn: Collection[str]) -> str:
    """Return the title of a map: what is measured, or what is drawn where that was chosen.

    Parameters
    ----------
    drawn
        Names of the layers that hold something.
    """
    if what == "coverage" and not view.layers:
        if view.language == "en":
            return f"Demand within {view.minutes[0]} minutes of a rider station"
        return f"{view.minutes[0]} 分钟内到得了驿站的需求"
    kinds = view.chosen.kinds
    return map_title(drawn, language=view.language, minutes=view.minutes, kinds=kinds)


def _choice_words(chosen: StationFilter, language: Language, unrecorded: int = 0) -> str:
    """Say which stations are shown; empty where it is all of them.

    ``unrecorded`` is how many are left out only because nobody recorded what they offer.
    """
    kinds = [kind.label(language) for kind in sorted(chosen.kinds, key=lambda k: k.value)]
    services = [s.label(language) for s in sorted(chosen.services, key=lambda s: s.value)]
    if language == "zh":
        parts = [f"只含{'、'.join(kinds)}"] if kinds else []
        parts += [f"只含提供{'、'.join(services)}的驿站"] if services else []
        parts += [f"另有 {unrecorded:,} 个驿站没有登记服务，未计入"] if unrecorded else []
    else:
        parts = [f"only {', '.join(kinds)}"] if kinds else []
        parts += [f"only stations with {', '.join(services)}"] if services else []
        parts += [f"left out: {unrecorded:,} of unknown services"] if unrecorded else []
    return " · ".join(parts)


def _many_words(stations: int, language: Language) -> str:
    """Say that a map counts stations instead of drawing each."""
    if language == "zh":
        return f"共 {stations:,} 个站点，数字是各处的个数"
    return f"{stations:,} stations, as numbers of each part"


def _hours_words(at: datetime | None, language: Language) -> str:
    """Say whose opening hours count for areas and gaps."""
    if at is None:
        return "未考虑开放时间" if language == "zh" else "opening hours not considered"
    when = f"{at:%Y-%m-%d %H:%M}"
    return f"只计 {when} 确定开放的驿站" if language == "zh" else f"stations surely open at {when}"


def percent(share: float) -> str:
    """Return a share in percent with one decimal, never rounded to all or to nothing."""
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        return "99.9%"
    return "0.1%" if shown == "0.0%" and share > 0 else shown


def _coverage_words(result: Result, minutes: int, language: Language) -> str:
    """Say how much of the demand of all hot zones is covered."""
    if result["covered_share"] is None:
        return "没有需求可算" if language == "zh" else "no demand to measure"
    share, offered = percent(result["covered_share"]), result["covered_share_if_unknown_offered"]
    most = "" if offered is None else percent(offered)
    if language == "zh":
        said = f"全部热区的需求有 {share} 在 {minutes} 分钟内到得了驿站"
        return said + (f"（未知者都算，至多 {most}）" if most and most != share else "")
    said = f"{share} of the demand of all hot zones is within {minutes} minutes of a station"
    return said + (f" (up to {most} with all that is unknown)" if most and most != share else "")
