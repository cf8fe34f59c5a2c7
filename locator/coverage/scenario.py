"""What if: the register with stations closed, opened, moved, kept open longer, or added."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.errors import InputError
from locator.hours import is_readable
from locator.schema import CRS, Service, Status, join_set, split_set

__all__ = ["Scenario", "apply_scenario"]


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


def apply_scenario(stations: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
    """Return the stations as the scenario has them, ordered by id; nothing given is changed.

    Raises
    ------
    InputError
        An id is not in the register, or an added one is; hours cannot be read.
    """
    changed = stations.copy().set_index("id", drop=False)
    changed.index.name = None
    named = {"close": scenario.close, "reopen": scenario.reopen, "hours": scenario.hours}
    named |= {"services": scenario.services, "move": scenario.move}
    for verb, ids in named.items():
        for identity in ids:
            if identity not in changed.index:
                raise InputError(
                    f"The scenario's {verb!r} names {identity!r}; the register has no such station."
                )
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
        twice = [identity for identity in scenario.add["id"] if identity in changed.index]
        if twice:
            raise InputError(
                f"The scenario adds {twice[0]!r}, which the register has; give it another id."
            )
        added = scenario.add.reindex(columns=stations.columns)
        changed = pd.concat([changed, added], ignore_index=True)
    frame = gpd.GeoDataFrame(changed, geometry="geometry", crs=CRS)
    return frame.sort_values("id", ignore_index=True)


def _with_services(given: object, codes: frozenset[str]) -> str:
    return join_set(split_set(given) | codes, Service)
