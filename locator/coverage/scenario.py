"""What if: the register with stations closed, opened, moved, kept open longer, or added."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from locator.errors import InputError
from locator.hours import is_readable
from locator.schema import CRS, LAYERS, Amenity, Status, join_set, split_set


@dataclass(frozen=True)
class Scenario:
    """Changes to a register, by station id; a station may be in several of them.

    Attributes
    ----------
    close, reopen
        Ids that become closed, or active.
    hours
        New opening hours of an id, OpenStreetMap syntax.
    services
        Services that an id offers in addition, by code.
    move
        New longitude and latitude of an id, WGS-84.
    add
        New stations with the columns of the schema, or None.
    """

    name: str
    close: tuple[str, ...] = ()
    reopen: tuple[str, ...] = ()
    hours: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, frozenset[str]] = field(default_factory=dict)
    move: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    add: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class Idle:
    """A change that changes nothing: the verb, the station's id and name, and what it has."""

    verb: str
    id: str
    name: str
    has: str


def idle_changes(stations: gpd.GeoDataFrame, scenario: Scenario) -> tuple[Idle, ...]:
    """Return the changes of a scenario that leave a station as it is.

    Parameters
    ----------
    stations
        The register before the scenario; it has every id that the scenario names.
    """
    now = {str(row["id"]): row for _, row in stations.iterrows()}
    found = [
        (verb, identity, now[identity]["status"])
        for verb, ids, there in (("open", scenario.reopen, True), ("close", scenario.close, False))
        for identity in ids
        if (now[identity]["status"] == Status.ACTIVE.value) is there
    ]
    found += [
        ("hours", identity, text)
        for identity, text in scenario.hours.items()
        if str(now[identity]["opening_hours"]).split() == text.split()
    ]
    found += [
        ("services", identity, join_set(codes, Amenity))
        for identity, codes in scenario.services.items()
        if codes <= split_set(now[identity]["services"])
    ]
    found += [
        ("move", identity, f"{lon:.7f}, {lat:.7f}")
        for identity, (lon, lat) in scenario.move.items()
        if now[identity]["geometry"].equals(shapely.Point(lon, lat))
    ]
    return tuple(Idle(verb, i, str(now[i]["name"]), str(has)) for verb, i, has in found)


def apply_scenario(stations: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
    """Return the stations as the scenario has them, ordered by id; nothing given is changed.

    Raises
    ------
    InputError
        An id is not in the register, or an added one is; one is both closed and opened; hours
        cannot be read.
    """
    changed = stations.copy().set_index("id", drop=False)
    changed.index.name = None
    _check_ids(changed, scenario)
    changed.loc[list(scenario.close), "status"] = Status.CLOSED.value
    changed.loc[list(scenario.reopen), "status"] = Status.ACTIVE.value
    for identity, text in scenario.hours.items():
        if not is_readable(text):
            raise InputError(f"The scenario's hours of {identity!r} cannot be read: {text!r}.")
        changed.loc[identity, "opening_hours"] = text
    for identity, codes in scenario.services.items():
        changed.loc[identity, "services"] = _with_services(changed.loc[identity, "services"], codes)
    if scenario.move:
        ids = list(scenario.move)
        there = np.array([scenario.move[identity] for identity in ids], dtype=np.float64)
        changed.loc[ids, "geometry"] = gpd.points_from_xy(there[:, 0], there[:, 1], crs=CRS)
    if scenario.add is not None:
        changed = pd.concat([changed, _as_rows_of(stations, scenario.add)], ignore_index=True)
    frame = gpd.GeoDataFrame(changed, geometry="geometry", crs=CRS)
    return frame.sort_values("id", ignore_index=True)


def _check_ids(stations: gpd.GeoDataFrame, scenario: Scenario) -> None:
    named = {"close": scenario.close, "open": scenario.reopen, "hours": scenario.hours}
    named |= {"services": scenario.services, "move": scenario.move}
    for verb, ids in named.items():
        for identity in ids:
            if identity not in stations.index:
                raise InputError(
                    f"The scenario's {verb!r} names {identity!r}; the register has no such station."
                )
    both = sorted(set(scenario.close) & set(scenario.reopen))
    if both:
        raise InputError(f"The scenario both closes and opens {both[0]!r}; leave one.")
    added = [] if scenario.add is None else list(scenario.add["id"])
    twice = [identity for identity in added if identity in stations.index]
    if twice:
        raise InputError(
            f"The scenario adds {twice[0]!r}, which the register has; give it another id."
        )


def _as_rows_of(stations: gpd.GeoDataFrame, added: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return new stations with the register's columns and what the store would fill in."""
    rows = added.reindex(columns=stations.columns)
    for column in LAYERS["stations"].columns:
        if column.default is not None:
            given = rows[column.name].astype(object)
            rows[column.name] = given.where(given.notna(), column.default)
    return rows


def _with_services(given: object, codes: frozenset[str]) -> str:
    return join_set(split_set(given) | codes, Amenity)
