"""Frames to the JSON the browser draws: compact, rounded, each distinct text written once.

The browser's half is ``templates/static/map.js``; the positions in the rows below are its
contract.
"""

import json
import math
from collections.abc import Callable, Iterator

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from locator.maps.facts import (
    Fact,
    Row,
    clean_text,
    code_of,
    gap_facts,
    gap_name,
    number_of,
    station_facts,
    zone_facts,
    zone_kind,
)
from locator.maps.model import CLUSTER_ABOVE, MAX_STATIONS, MapLayers, MapOptions
from locator.maps.words import FACTS, LABELS, say
from locator.schema import Kind, Language, State, Status
from locator.theme import KIND_LOOKS, dense_range

_POINT_DIGITS = 6  # 0.1 m
_LINE_DIGITS = 5  # 1 m
_DISTRICT_DIGITS = 4  # 10 m
# Tolerances of simplification, degrees: about 5 m for areas, 50 m for districts' lines.
_AREA_TOLERANCE = 5e-5
_DISTRICT_TOLERANCE = 5e-4
_UNKNOWN_WEIGHT = 0.2
# Median ± 3 median absolute deviations holds all of an even spread, 96 % of a normal cloud and,
# unlike percentiles, keeps to the town where a third of the stations lie scattered around it.
_SITE_FACTS = (
    ("gain", "gain_words"),
    ("opening_hours", "hours_words"),
    ("district_name", "district_name"),
)
_TERMS = {term: place for place, term in enumerate(FACTS)}


_ACROSS = 16  # parts side by side where most stations lie
_MOST = 1_000  # parts; a browser draws so many numbers at once
_DIGITS = 5  # 1 m
_AROUND = 1e-5  # degrees beside the outermost station of a part, so that its box holds it


class _Texts:
    """The distinct texts of a map, in the order they came."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        """Return a text's place in the list."""
        return self._places.setdefault(text, len(self._places))

    def flatten(self, facts: list[Fact]) -> list[int]:
        """Return facts as term, text, term, text, and so on."""
        return [number for term, text in facts for number in (_TERMS[term], self.place(text))]

    def listed(self) -> list[str]:
        """Return all texts."""
        return list(self._places)


def dump_json(value: object) -> str:
    """Serialise for use inside a ``<script>``: no ``<``, no line separators, no NaN."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def build_payload(layers: MapLayers, options: MapOptions) -> dict[str, object]:
    """Return everything the browser draws, ready for :func:`dump_json`."""
    texts = _Texts()
    shown = layers.stations
    many = shown is not None and len(shown) > MAX_STATIONS
    stations = [] if many else list(_stations(shown, options, texts))
    payload: dict[str, object] = {
        "cluster": len(stations) > CLUSTER_ABOVE,
        "forList": options.for_list,
        "labels": _labels(layers, options.language),
        "terms": [[key, say(pair, options.language)] for key, pair in FACTS.items()],
        "kinds": [[k.value, k.label(options.language), KIND_LOOKS[k].marker] for k in Kind],
        "states": [[s.value, s.label(options.language)] for s in State],
        "stationUrl": options.station_url,
        "stations": stations,
        "counts": count_stations(shown) if many else [],
        "zones": _zones(layers.hot_zones, options.language, texts),
        "gaps": _gaps(layers.gaps, options.language, texts),
        "sites": _sites(layers.sites, texts),
        "reach": _reach(layers.reach),
        "districts": _districts(layers.districts if options.show_districts else None, options),
        "places": list(_places(layers.places, options.language)),
        "showPlaces": options.basemap == "none",
    }
    return payload | {"texts": texts.listed()}


def view_box(
    layers: MapLayers, extent: tuple[float, float, float, float] | None = None
) -> list[list[float]] | None:
    """Return where the map starts, ``[[south, west], [north, east]]``: what answers the question.

    The extent if one is given, else all chosen sites, else the gaps if there are any, else the
    dense part of the stations, else whatever there is.
    """
    if extent is None and layers.sites is not None:
        west, south, east, north = (float(edge) for edge in layers.sites.total_bounds)
        extent = west, south, east, north
    if extent is not None:
        west, south, east, north = extent
        return [[south, west], [north, east]]
    first = (layers.gaps, layers.stations, layers.reach, layers.hot_zones)
    for frame in (*first, layers.districts, layers.places):
        if frame is None:
            continue
        bounds = frame.geometry.bounds.to_numpy()
        west, east = dense_range(np.concatenate([bounds[:, 0], bounds[:, 2]]))
        south, north = dense_range(np.concatenate([bounds[:, 1], bounds[:, 3]]))
        corners = [[south, west], [north, east]]
        return [[round(value, _POINT_DIGITS) for value in corner] for corner in corners]
    return None


def _rows(frame: gpd.GeoDataFrame) -> list[Row]:
    records: list[Row] = frame.drop(columns=frame.geometry.name).to_dict("records")
    return records


def _points(frame: gpd.GeoDataFrame, digits: int) -> list[list[float]]:
    corners = np.round(shapely.get_coordinates(frame.geometry.to_numpy()), digits)
    points: list[list[float]] = corners.tolist()
    return points


def _stations(
    frame: gpd.GeoDataFrame | None, options: MapOptions, texts: _Texts
) -> Iterator[list[object]]:
    """Yield ``[lon, lat, kind, state, id, name, note, facts]``; -1 stands for no kind, no state."""
    if frame is None:
        return
    kinds, states = list(Kind), list(State)
    for row, point in zip(_rows(frame), _points(frame, _POINT_DIGITS), strict=True):
        kind, state = code_of(row.get("kind"), Kind), _state(row)
        yield [
            *point,
            -1 if kind is None else kinds.index(kind),
            -1 if state is None else states.index(state),
            clean_text(row.get("id")),
            clean_text(row.get("name")),
            clean_text(row.get("hours_note")),
            texts.flatten(station_facts(row, options)),
        ]


def _state(row: Row) -> State | None:
    """Return a station's state; None where the frame holds no states at all."""
    if code_of(row.get("status"), Status) in {Status.CLOSED, Status.TEMPORARILY_CLOSED}:
        return State.CLOSED
    if "state" not in row:
        return None
    state = code_of(row["state"], State)
    return State.UNKNOWN if state is None else state


def _zones(
    frame: gpd.GeoDataFrame | None, language: Language, texts: _Texts
) -> dict[str, object] | None:
    if frame is None or frame.empty:
        return None
    demands = [number_of(row.get("demand_per_h")) for row in _rows(frame)]
    most = max((demand for demand in demands if demand is not None), default=0.0)

    def describe(row: Row) -> dict[str, object]:
        demand = number_of(row.get("demand_per_h"))
        known = demand is not None and demand >= 0 and most > 0
        return {
            "name": clean_text(row.get("name")) or say(LABELS["unnamed"], language),
            "kind": zone_kind(row, language),
            "weight": round(math.sqrt((demand or 0.0) / most), 2) if known else _UNKNOWN_WEIGHT,
            "facts": texts.flatten(zone_facts(row, language)),
        }

    return _collection(frame, describe)


def _gaps(
    frame: gpd.GeoDataFrame | None, language: Language, texts: _Texts
) -> dict[str, object] | None:
    if frame is None or frame.empty:
        return None

    def describe(row: Row) -> dict[str, object]:
        rank = number_of(row.get("rank"))
        return {
            "name": gap_name(row, language),
            "rank": None if rank is None else int(rank),
            "facts": texts.flatten(gap_facts(row, language)),
        }

    return _collection(frame, describe)


def _labels(layers: MapLayers, language: Language) -> dict[str, str]:
    """Return the words on the map; with chosen sites its areas are what those cover."""
    labels = dict(LABELS)
    if layers.sites is not None:
        labels |= {"gaps": LABELS["uncovered"], "reach": LABELS["newly_covered"]}
    return {key: say(pair, language) for key, pair in labels.items()}


def _sites(frame: gpd.GeoDataFrame | None, texts: _Texts) -> list[dict[str, object]] | None:
    """Return the chosen sites, each with its rank, where it stands, and what its card says."""
    if frame is None:
        return None
    found: list[dict[str, object]] = []
    for row, at in zip(_rows(frame), _points(frame, _POINT_DIGITS), strict=True):
        rank = number_of(row.get("rank"))
        facts = [(term, clean_text(row.get(name))) for term, name in _SITE_FACTS]
        found.append(
            {
                "name": clean_text(row.get("name")),
                "rank": 0 if rank is None else int(rank),
                "at": at,
                "facts": texts.flatten([fact for fact in facts if fact[1]]),
            }
        )
    return found


def _reach(frame: gpd.GeoDataFrame | None) -> dict[str, object] | None:
    """Return bands of reach; they share their borders, so they are rounded and nothing more."""
    if frame is None or frame.empty:
        return None
    shown = shapely.transform(
        frame.geometry.to_numpy(), lambda corners: np.round(corners, _LINE_DIGITS)
    )
    features = [
        {
            "type": "Feature",
            "properties": {"name": clean_text(row.get("name")), "band": band},
            "geometry": area.__geo_interface__,
        }
        for band, (row, area) in enumerate(zip(_rows(frame), shown, strict=True), start=1)
    ]
    return {"type": "FeatureCollection", "features": features}


def _districts(frame: gpd.GeoDataFrame | None, options: MapOptions) -> dict[str, object] | None:
    """Return the lines between districts, each once, and their names as places have them."""
    if frame is None or frame.empty:
        return None
    areas = frame.geometry.to_numpy()
    # Merged lines end where three districts meet, and simplifying keeps ends: no slivers.
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(areas)))
    shown = shapely.transform(
        shapely.simplify(lines, _DISTRICT_TOLERANCE),
        lambda corners: np.round(corners, _DISTRICT_DIGITS),
    )
    labels = [
        [*at, _name(row, options.language)]
        for row, at in zip(_rows(frame), _inside(areas), strict=True)
    ]
    return {"lines": shown.__geo_interface__, "labels": [row for row in labels if row[2]]}


def _places(frame: gpd.GeoDataFrame | None, language: Language) -> Iterator[list[object]]:
    """Yield ``[lon, lat, name]``, the most populous first: labels that collide yield to them."""
    if frame is None:
        return
    places = zip(_rows(frame), _points(frame, _LINE_DIGITS), strict=True)
    by_size = sorted(places, key=lambda place: -(number_of(place[0].get("population")) or 0.0))
    for row, point in by_size:
        name = _name(row, language)
        if name:
            yield [*point, name]


def _name(row: Row, language: Language) -> str:
    english = clean_text(row.get("name_en")) if language == "en" else ""
    return english or clean_text(row.get("name"))


def _collection(
    frame: gpd.GeoDataFrame, describe: Callable[[Row], dict[str, object]]
) -> dict[str, object]:
    """Return a GeoJSON collection; ``at`` is a point inside each area, for its label."""
    whole = frame.geometry.to_numpy()
    simple = shapely.simplify(whole, _AREA_TOLERANCE)  # keeps an area that is smaller than that
    shown = shapely.transform(simple, lambda corners: np.round(corners, _LINE_DIGITS))
    features = [
        {
            "type": "Feature",
            "properties": describe(row) | {"at": at},
            "geometry": area.__geo_interface__,
        }
        for row, at, area in zip(_rows(frame), _inside(whole), shown, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def _inside(areas: npt.NDArray[np.object_]) -> list[list[float]]:
    corners = shapely.get_coordinates(shapely.point_on_surface(areas))
    points: list[list[float]] = np.round(corners, _LINE_DIGITS).tolist()
    return points


def count_stations(stations: gpd.GeoDataFrame) -> list[list[float]]:
    """Return the parts of a grid that hold stations, the fullest first.

    Returns
    -------
    ``[lon, lat, number, west, south, east, north]`` of each: the middle of its stations, how many
    they are, and the box around them, in degrees, EPSG:4326.
    """
    x, y = stations.geometry.x.to_numpy(), stations.geometry.y.to_numpy()
    (west, east), (south, north) = dense_range(x), dense_range(y)
    shrunk = max(0.05, float(np.cos(np.radians((south + north) / 2))))
    size = max((east - west), (north - south) / shrunk, 1e-6) / _ACROSS
    places = pd.DataFrame({"x": x, "y": y})
    while True:  # stations far outside may need more parts than there should be
        grid = np.floor((x - west) / size), np.floor((y - south) / (size * shrunk))
        groups = places.groupby(list(grid))
        if groups.ngroups <= _MOST:
            break
        size *= 2
    table = groups.agg(
        lon=("x", "mean"),
        lat=("y", "mean"),
        number=("x", "size"),
        west=("x", "min"),
        south=("y", "min"),
        east=("x", "max"),
        north=("y", "max"),
    )
    table[["west", "south"]] -= _AROUND
    table[["east", "north"]] += _AROUND
    fullest = table.sort_values("number", ascending=False, kind="stable").round(_DIGITS)
    parts: list[list[float]] = fullest.astype(object).to_numpy().tolist()
    return parts
