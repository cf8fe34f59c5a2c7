"""What a register file would do, without doing it: datum, duplicates, changes."""

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.datum import geodesic_m
from locator.schema import SAME_PLACE_DEG

_NEAR_M = 30.0
_SIMILAR = 0.6
_METRES_A_DEGREE = 111_320.0
_NOT_COMPARED = frozenset({"updated_at", "source_datum"})


@dataclass(frozen=True)
class Duplicate:
    """Two stations that may be one: near each other, of a similar name, under two ids."""

    id: str
    name: str
    other_id: str
    other_name: str
    distance_m: float
    other_is_stored: bool


@dataclass(frozen=True)
class Changes:
    """What a file says that the store does not.

    ``changed`` holds id, field, stored value and the file's; a move is the field ``position`` with
    its length.
    """

    new: tuple[str, ...]
    absent: tuple[str, ...]
    changed: tuple[tuple[str, str, str, str], ...]


def find_duplicates(stations: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> tuple[Duplicate, ...]:
    """Return pairs within 30 m and of a similar name, in the file and against the store.

    Parameters
    ----------
    stations
        The file's rows, WGS-84.
    known
        The store's rows; those with an id of the file are the same station, not a duplicate.
    """
    others = known[~known["id"].isin(stations["id"])]
    ids = [*stations["id"], *others["id"]]
    names = [*stations["name"], *others["name"]]
    points = np.concatenate([stations.geometry.to_numpy(), others.geometry.to_numpy()])
    x, y = shapely.get_x(points), shapely.get_y(points)
    # Degrees of longitude that are at least as far, so that no near pair is missed.
    reach = 1.01 * _NEAR_M / _METRES_A_DEGREE / np.maximum(np.cos(np.radians(y)), 0.01)
    mine = slice(len(stations))
    first, second = shapely.STRtree(points).query(
        points[mine], predicate="dwithin", distance=reach[mine]
    )
    keep = first < second
    first, second = first[keep], second[keep]
    metres = geodesic_m(x[first], y[first], x[second], y[second])
    return tuple(
        Duplicate(ids[a], names[a], ids[b], names[b], float(m), bool(b >= len(stations)))
        for a, b, m in zip(first, second, metres, strict=True)
        if m <= _NEAR_M and _similar(str(names[a]), str(names[b]))
    )


def _similar(one: str, other: str) -> bool:
    a, b = (unicodedata.normalize("NFKC", name).casefold() for name in (one, other))
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= _SIMILAR


def find_changes(stations: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> Changes:
    """Compare a file with the store, field by field, in the columns that the file has."""
    stored, given = known.set_index("id"), stations.set_index("id")
    both = [i for i in given.index if i in stored.index]
    changed = []
    columns = [c for c in given.columns if c in stored.columns and c not in _NOT_COMPARED]
    for column in columns:
        if column == "geometry":
            continue
        before, after = stored[column].to_dict(), given[column].to_dict()
        for station in both:
            old, new = _words(before[station]), _words(after[station])
            if old != new:
                changed.append((station, column, old, new))
    if both:
        a, b = stored.geometry.loc[both], given.geometry.loc[both]
        moved = ((a.x - b.x).abs() > SAME_PLACE_DEG) | ((a.y - b.y).abs() > SAME_PLACE_DEG)
        a, b = a[moved], b[moved]
        for station, metres in zip(a.index, geodesic_m(a.x, a.y, b.x, b.y), strict=True):
            length = f"{metres:.0f}" if metres >= 1 else f"{metres:.2f}"
            changed.append((station, "position", "", f"moved {length} m"))
    return Changes(
        new=tuple(i for i in given.index if i not in stored.index),
        absent=tuple(i for i in stored.index if i not in given.index),
        changed=tuple(sorted(changed)),
    )


def _words(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]
