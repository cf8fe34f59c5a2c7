"""A planner's question and its answer: now, and as a scenario has it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from locator import questions
from locator.coverage import (
    DemandPoints,
    OpenWeek,
    Scenario,
    TimeSummary,
    apply_scenario,
    summarise_times,
)
from locator.coverage.demand import HOURS_OF_WEEK
from locator.coverage.week import QUARTERS, WeekCoverage
from locator.nearest import StationFilter, possible_mask, station_mask
from locator.planner.inputs import PlannerInputs
from locator.planner.reach import SLOTS, Reach, find_reach
from locator.questions import Given
from locator.schema import Amenity, Kind

MINUTES = (1.0, 60.0)  # the least and the most of a page's standard

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_NOTHING = 1e-9  # of a square's demand: what rounding leaves


@dataclass(frozen=True)
class Ask:
    """What is asked.

    Attributes
    ----------
    limit_s
        The coverage standard: riding time in seconds.
    hour
        Hour of the week, 0 is Monday 00:00 to 01:00; None is all of the week.
    chosen
        The stations that count, whatever their hours.
    scenario
        The register as it might be, or None.
    """

    limit_s: float
    hour: int | None = None
    chosen: StationFilter = field(default_factory=StationFilter)
    scenario: Scenario | None = None


def read_ask(given: Given) -> Ask:
    """Read ``minutes``, ``hour``, ``services`` and ``kinds``.

    Raises
    ------
    InputError
        One of them is wrong.
    """
    return Ask(
        limit_s=60.0 * given.need("minutes", questions.number(*MINUTES)),
        hour=given.read("hour", questions.whole(0, HOURS_OF_WEEK - 1)),
        chosen=StationFilter(
            kinds=frozenset(given.read("kinds", questions.codes(Kind), ())),
            services=frozenset(given.read("services", questions.codes(Amenity), ())),
        ),
    )


@dataclass(frozen=True)
class Standing:
    """Stations that count, and how near they are; the same for every threshold and hour.

    Attributes
    ----------
    ids
        (m,) of all stations.
    counted
        (m,) those that the filter lets through.
    unrecorded
        (m,) those that it may let through: nobody recorded what they offer.
    week
        When each of them is open.
    open, possible, always
        The nearest that is surely open; the same with unknown hours as open; and around the clock.
    offered
        As ``possible``, with the unrecorded ones, too; None where there are none.
    times
        To the nearest that is surely open, of the hours that were asked about.
    """

    ids: tuple[str, ...]
    counted: Mask
    unrecorded: Mask
    week: OpenWeek
    open: Reach
    possible: Reach
    offered: Reach | None
    always: Reach
    times: dict[int | None, TimeSummary] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Return how many numbers are held."""
        reaches = (self.open, self.possible, self.always, self.offered)
        return sum(reach.seconds.size for reach in reaches if reach is not None)


@dataclass(frozen=True)
class Figures:
    """The figures of one hour, or of the whole week; shares are of the demand, None without any.

    Attributes
    ----------
    demand_per_h, unserved_per_h
        Orders per hour, and those that reach no station that is surely open.
    covered_share, possible_share, always_share
        Surely open; with unknown hours as open; with every station open around the clock.
    offered_share
        The most it can be: with unknown services granted, too. None where neither services nor
        hosts are asked for.
    services_unknown
        How many stations may count, because nobody recorded what they offer.
    lost_to_hours
        A station is near enough, but none is surely open.
    stations, open_stations
        How many count, and how many of them are surely open at some time of the hour.
    times
        Riding time to the nearest that is surely open, at every quarter of an hour.
    """

    demand_per_h: float
    unserved_per_h: float
    covered_share: float | None
    possible_share: float | None
    always_share: float | None
    lost_to_hours: float | None
    stations: int
    open_stations: int
    times: TimeSummary
    offered_share: float | None
    services_unknown: int


@dataclass(frozen=True)
class View:
    """One register, looked at.

    Attributes
    ----------
    figures
        Of the hour that is asked about, or of the week.
    hours
        168 rows: ``hour, demand_per_h, covered_share, lost_to_hours`` and more, as a study's table.
    zones
        ``zone_id, demand_per_h, covered_share`` at that hour, ordered by id.
    uncovered
        (q,) uncovered share of the demand in each square of the inputs at that hour.
    states
        Id of each station in service to ``open``, ``closed``, ``unknown``, ``unrecorded`` (it may
        count: nobody recorded what it offers) or ``uncounted``.
    """

    figures: Figures
    hours: pd.DataFrame
    zones: pd.DataFrame
    uncovered: Floats
    states: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """The register now, and as the scenario has it (None without one)."""

    now: View
    then: View | None


def make_standing(
    inputs: PlannerInputs, chosen: StationFilter, scenario: Scenario | None
) -> Standing:
    """Work out what holds for every threshold and hour.

    Raises
    ------
    InputError
        The scenario does not fit the register.
    """
    stations = inputs.snapshot.stations
    if scenario is not None:
        stations = apply_scenario(stations, scenario)
    seconds = inputs.seconds if scenario is None else inputs.seconds_to(stations)
    counted = station_mask(stations, chosen)
    week = inputs.open_week(stations)
    unrecorded = possible_mask(stations, chosen)
    near = seconds[counted]
    offered = None
    if unrecorded.any():
        either = counted | unrecorded
        offered = find_reach(seconds[either], week.possible[either])
    return Standing(
        ids=tuple(str(identity) for identity in stations["id"]),
        counted=counted,
        unrecorded=unrecorded,
        week=week,
        open=find_reach(near, week.open[counted]),
        possible=find_reach(near, week.possible[counted]),
        offered=offered,
        always=find_reach(near, np.ones((len(near), SLOTS), dtype=bool)),
    )


def answer_ask(inputs: PlannerInputs, ask: Ask, now: Standing, then: Standing | None) -> Answer:
    """Answer a question from what :func:`make_standing` has worked out."""
    return Answer(
        now=_look(inputs, ask, now), then=None if then is None else _look(inputs, ask, then)
    )


def _look(inputs: PlannerInputs, ask: Ask, standing: Standing) -> View:
    points = inputs.points
    week = WeekCoverage(
        pieces=points.pieces,
        demand_per_h=points.hourly(),
        covered_per_h=standing.open.covered_per_h(points, limit_s=ask.limit_s),
        possible_per_h=standing.possible.covered_per_h(points, limit_s=ask.limit_s),
        always_per_h=standing.always.covered_per_h(points, limit_s=ask.limit_s),
    )
    hours = week.shares()
    weight = _by_point(points, standing.open.weights(points, ask.hour))
    if ask.hour not in standing.times:
        standing.times[ask.hour] = _times(standing.open, weight)
    return View(
        figures=_figures(points, ask, standing, week, hours),
        hours=hours,
        zones=_zones(week, ask.hour),
        uncovered=_uncovered(inputs, standing.open, weight, ask.limit_s),
        states=_states(standing, ask.hour),
    )


def _figures(
    points: DemandPoints, ask: Ask, standing: Standing, week: WeekCoverage, hours: pd.DataFrame
) -> Figures:
    if ask.hour is None:
        shares = week.week()
        demand = float(hours["demand_per_h"].mean())
        covered = float(hours["covered_per_h"].mean())
    else:
        row = hours.iloc[ask.hour]
        names = ("covered_share", "possible_share", "always_share", "lost_to_hours")
        shares = {name: None if pd.isna(row[name]) else float(row[name]) for name in names}
        demand, covered = float(row["demand_per_h"]), float(row["covered_per_h"])
    opened = standing.week.open[:, _slots(ask.hour)].any(axis=1)
    offered = shares["possible_share"] if ask.chosen.services or ask.chosen.hosts else None
    if standing.offered is not None:
        offered = _offered_share(points, standing.offered, ask)
    return Figures(
        demand_per_h=demand,
        unserved_per_h=max(0.0, demand - covered),
        stations=int(standing.counted.sum()),
        open_stations=int((standing.counted & opened).sum()),
        times=standing.times[ask.hour],
        offered_share=offered,
        services_unknown=int(standing.unrecorded.sum()),
        **shares,
    )


def _offered_share(points: DemandPoints, offered: Reach, ask: Ask) -> float | None:
    pick = slice(None) if ask.hour is None else slice(ask.hour, ask.hour + 1)
    demand = float(points.hourly()[:, pick].sum())
    covered = float(offered.covered_per_h(points, limit_s=ask.limit_s)[:, pick].sum())
    return covered / demand if demand > 0 else None


def _by_point(points: DemandPoints, weight: Floats) -> Floats:
    """Return (c, n) orders per hour of each point under each set of open stations."""
    by_point: Floats = points.demand_per_h * weight.T[:, points.piece]
    return by_point


def _times(reach: Reach, weight: Floats) -> TimeSummary:
    used = weight > 0
    return summarise_times(reach.seconds[used].astype(np.float64), weight[used])


def _uncovered(inputs: PlannerInputs, reach: Reach, weight: Floats, limit_s: float) -> Floats:
    count = len(inputs.squares)
    missed = np.where(reach.seconds > limit_s, weight, 0.0).sum(axis=0)
    total = np.bincount(inputs.square, weights=weight.sum(axis=0), minlength=count)
    beyond = np.bincount(inputs.square, weights=missed, minlength=count)
    share = np.divide(beyond, total, out=np.zeros(count), where=total > 0)
    result: Floats = np.where(share > _NOTHING, share, 0.0)
    return result


def _zones(week: WeekCoverage, hour: int | None) -> pd.DataFrame:
    pick = slice(None) if hour is None else slice(hour, hour + 1)
    table = pd.DataFrame(
        {
            "zone_id": week.pieces["zone_id"],
            "demand_per_h": week.demand_per_h[:, pick].mean(axis=1),
            "covered_per_h": week.covered_per_h[:, pick].mean(axis=1),
        }
    )
    zones = table.groupby("zone_id", sort=True)[["demand_per_h", "covered_per_h"]].sum()
    share = zones["covered_per_h"] / zones["demand_per_h"].where(zones["demand_per_h"] > 0)
    return zones.assign(covered_share=share).reset_index()


def _states(standing: Standing, hour: int | None) -> dict[str, str]:
    slots = _slots(hour)
    opened = standing.week.open[:, slots].any(axis=1)
    possible = standing.week.possible[:, slots].any(axis=1)
    states = np.where(opened, "open", np.where(possible, "unknown", "closed"))
    left_out = np.where(standing.unrecorded, "unrecorded", "uncounted")
    states = np.where(standing.counted, states, left_out)
    return dict(zip(standing.ids, states.tolist(), strict=True))


def _slots(hour: int | None) -> slice:
    return (
        slice(0, HOURS_OF_WEEK * QUARTERS)
        if hour is None
        else slice(hour * QUARTERS, (hour + 1) * QUARTERS)
    )
