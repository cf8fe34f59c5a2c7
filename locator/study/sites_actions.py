"""What could be done: open a post, extend a station's hours, add a service, add a cabinet."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.errors import InputError
from locator.schema import Amenity, Kind, split_set
from locator.study.basis import Basis
from locator.study.sites_candidates import Candidates
from locator.study.sites_prices import Prices
from locator.study.sites_question import SiteQuestion

ACTIONS = ("new_post", "extend_hours", "add_service", "add_service_and_hours", "add_cabinet")
_ALWAYS = "24/7"
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Actions:
    """Options, one a position.

    Attributes
    ----------
    option
        (o,) one of :data:`ACTIONS`.
    place
        (o,) column of the places: candidates first, stations after them.
    candidate, station
        (o,) row of the candidate or of the station; -1 for the other.
    hours
        (o,) opening hours in which it serves, or to which a station is extended.
    extends
        (o,) only hours in which the station is not open yet are added.
    keeps_hours
        (o,) the station's own hours count as well.
    cost
        (o,) in the unit of the prices; 1 each where there are none.
    group
        (o,) at most one of a group; -1 stands alone.
    notes
        Sentences on what the prices mean here.
    """

    option: npt.NDArray[np.str_]
    place: Ints
    candidate: Ints
    station: Ints
    hours: tuple[str, ...]
    extends: Mask
    keeps_hours: Mask
    cost: npt.NDArray[np.float64]
    group: Ints
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class _Row:
    option: str
    candidate: int
    station: int
    hours: str
    cost: float


def make_actions(
    question: SiteQuestion,
    candidates: Candidates,
    stations: gpd.GeoDataFrame,
    basis: Basis,
    counts: Mask,
) -> Actions:
    """Return the options that a question allows, new posts first.

    Parameters
    ----------
    counts
        (m,) the stations that count as they are, whatever their hours.

    Raises
    ------
    InputError
        Nothing that is on offer fits the question.
    """
    notes: list[str] = []
    if question.prices is None:
        hours = question.hours or _ALWAYS
        cost = candidates.frame["cost"].fillna(1.0).to_numpy(dtype=np.float64)
        rows = [_Row("new_post", at, -1, hours, float(price)) for at, price in enumerate(cost)]
        if question.budget is not None and candidates.frame["cost"].isna().all():
            notes.append("No candidate has a cost: each counts 1 of the budget.")
    else:
        rows = _priced(question, question.prices, candidates, stations, basis, counts)
        added = {row.station for row in rows if row.option.startswith("add_service")}
        if unknown := int(basis.unrecorded[sorted(added)].sum()):
            notes.append(
                f"Of {unknown:,} of the {len(added):,} stations to which services may be added "
                "nobody recorded what they offer: each is priced as if it had none of them."
            )
    if not rows:
        raise InputError(
            "None of the options fits the question: longer hours need at or hourly, services need "
            "the services that are asked for."
        )
    return _pack(rows, len(candidates), tuple(notes))


def _priced(
    question: SiteQuestion,
    prices: Prices,
    candidates: Candidates,
    stations: gpd.GeoDataFrame,
    basis: Basis,
    counts: Mask,
) -> list[_Row]:
    own = candidates.frame["cost"]
    rows = []
    swap = _is_swap(question)
    offer = prices.add_cabinet if swap else prices.new_post
    if offer is not None:
        cost, hours = offer
        if Amenity.BATTERY_SWAP in question.services and not swap:
            cost += 0.0 if prices.add_cabinet is None else prices.add_cabinet[0]
        name = "add_cabinet" if swap else "new_post"
        for at, price in enumerate(own):
            rows.append(_Row(name, at, -1, hours, cost if pd.isna(price) else float(price)))
    if question.at or question.hourly:
        for station in np.flatnonzero(counts):
            rows += [
                _Row("extend_hours", -1, int(station), hours, cost)
                for cost, hours in prices.extend_hours
            ]
    if swap:
        rows += _cabinets(prices, counts, basis)
    elif question.services and prices.add_service is not None:
        rows += _services(question, prices, stations, basis, counts)
    return rows


def _is_swap(question: SiteQuestion) -> bool:
    """Whether what is asked for is a cabinet: battery swap alone, or the kind itself."""
    return question.services == (Amenity.BATTERY_SWAP,) or question.kinds == (Kind.SWAP_CABINET,)


def _cabinets(prices: Prices, counts: Mask, basis: Basis) -> list[_Row]:
    """Return a cabinet beside each station in service that has none."""
    if prices.add_cabinet is None:
        return []
    cost, hours = prices.add_cabinet
    return [
        _Row("add_cabinet", -1, int(station), hours, cost)
        for station in np.flatnonzero(basis.in_service & ~counts)
    ]


def _services(
    question: SiteQuestion,
    prices: Prices,
    stations: gpd.GeoDataFrame,
    basis: Basis,
    counts: Mask,
) -> list[_Row]:
    """Return what a station lacks of the services asked for, with its own hours and with more."""
    wanted = frozenset(service.value for service in question.services)
    each = prices.add_service or 0.0
    rows = []
    # Nobody pours water at a cabinet in the street.
    cabinet = (stations["kind"] == Kind.SWAP_CABINET.value).to_numpy(dtype=bool)
    for station in np.flatnonzero(basis.by_kind & ~counts & ~cabinet):
        missing = wanted - split_set(stations["services"].iloc[station])
        if Amenity.BATTERY_SWAP.value in missing:
            continue  # a swap needs a cabinet
        text = stations["opening_hours"].iloc[station]
        cost = each * len(missing)
        if isinstance(text, str) and text:
            rows.append(_Row("add_service", -1, int(station), text, cost))
        rows += [
            _Row("add_service_and_hours", -1, int(station), hours, cost + more)
            for more, hours in prices.extend_hours
        ]
    return rows


def _pack(rows: list[_Row], candidates: int, notes: tuple[str, ...]) -> Actions:
    candidate = np.array([row.candidate for row in rows], dtype=np.int64)
    station = np.array([row.station for row in rows], dtype=np.int64)
    option = np.array([row.option for row in rows], dtype=np.str_)
    return Actions(
        option=option,
        place=np.where(candidate >= 0, candidate, candidates + station),
        candidate=candidate,
        station=station,
        hours=tuple(row.hours for row in rows),
        extends=option == "extend_hours",
        keeps_hours=option == "add_service_and_hours",
        cost=np.array([row.cost for row in rows], dtype=np.float64),
        group=np.where(station >= 0, station, -1),
        notes=notes,
    )
