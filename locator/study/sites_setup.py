"""What a siting study rests on: demand by classes of hours, candidates, and what could be done."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from locator import questions
from locator.coverage.demand import HOURS_OF_WEEK
from locator.coverage.week import QUARTERS, OpenWeek, open_week, within_reach
from locator.hours import STATES, HoursTable
from locator.register import RejectedRow
from locator.schema import State
from locator.service import Service
from locator.study.basis import Basis, make_basis
from locator.study.measure import GapsInputs, Question, Standard, Study
from locator.study.sites_actions import Actions, make_actions
from locator.study.sites_candidates import Candidates, find_candidates
from locator.study.sites_question import SiteQuestion

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
WIDEST = 1.35  # the varied runs look so much farther than the standard
_HORIZON_S = 3600.0  # of a mean time; what is farther counts as this
_TIMES_POINTS = 8_000  # demand points of a model of times: each brings a row of every candidate
_MOST_TIMES = 2_000_000  # of a mean time: past it the horizon is drawn nearer
_FAR_S = 36_000.0  # of a longest time


@dataclass(frozen=True)
class SiteInputs:
    """What is read before a question is asked: stations, demand, and a file's candidates.

    ``stored`` is the store's layer of candidates, ``given`` a file's (None: no file), ``rejected``
    and ``header`` the file's rows that are none.
    """

    measured: GapsInputs
    stored: gpd.GeoDataFrame
    given: gpd.GeoDataFrame | None = None
    rejected: tuple[RejectedRow, ...] = ()
    header: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SiteSetup:
    """Everything that is the same for every model, worked out once.

    Hours in which the same stations and the same options run are one class of hours: c classes.
    Without hours there is one class.

    Attributes
    ----------
    question, basis
        What was asked; demand points (n), times to stations (m) and opening hours.
    candidates, actions
        The candidate sites, and what could be done (o): new posts, and options beside them.
    times
        (n, p) seconds from demand to candidates within ``horizon_s``.
    demand
        (n, c) orders per hour, or of the week's hours in the class.
    quarters
        (168, c) quarter-hours of each hour of the week in the class; None without a week.
    counts
        (m,) the stations that count, whatever their hours.
    open, possible
        (m, c) stations that count and are surely open then; and those of unknown hours with them.
    unrecorded
        (m, c) stations that would count if they offer what is asked, which nobody recorded, and
        that are not known to be closed then.
    action_hours
        (o, c) whether an option serves in the class: only what it adds.
    """

    question: SiteQuestion
    basis: Basis
    candidates: Candidates
    actions: Actions
    times: csr_array
    horizon_s: float
    demand: Floats
    quarters: Floats | None
    counts: Mask
    open: Mask
    possible: Mask
    unrecorded: Mask
    action_hours: Mask
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Return what demand and gains are counted in."""
        if self.basis.study.inputs.points is not None:
            per = "weight" if self.quarters is None else "weight-hours/week"
            return f"points' {per}"
        return "orders/h" if self.quarters is None else "orders/week"

    @cached_property
    def total(self) -> float:
        """Return the whole demand."""
        return float(self.demand.sum())

    @cached_property
    def reach_stations(self) -> csr_array:
        """Return (n, m) which stations that count each point reaches within the standard."""
        limit_s = self.question.limit_s
        return within_reach(self.basis.times, limit_s=limit_s, mask=self.counts)

    @cached_property
    def reach_perhaps(self) -> csr_array:
        """Return (n, m) the same with the stations that nobody recorded the services of."""
        mask = self.counts | self.unrecorded.any(axis=1)
        return within_reach(self.basis.times, limit_s=self.question.limit_s, mask=mask)

    @cached_property
    def served(self) -> Mask:
        """Return (n, c) whether a station that counts is open within reach then."""
        open_then = self.open.astype(np.float32)
        return np.asarray(self.reach_stations @ open_then) > 0

    @cached_property
    def served_s(self) -> Floats:
        """Return (n,) seconds to the nearest station that counts and is open; one class alone."""
        mask = self.open[:, 0]
        if not mask.any():
            return np.full(len(self.demand), np.inf)
        return self.basis.study.seconds(mask)

    @cached_property
    def reach_places(self) -> csr_array:
        """Return (n, p + m) which candidates, then which stations, each point reaches in time."""
        limit_s = self.question.limit_s
        every = np.ones(self.times.shape[1], dtype=bool)
        sites = within_reach(self.times, limit_s=limit_s, mask=every)
        stations = within_reach(
            self.basis.times, limit_s=limit_s, mask=np.ones(len(self.counts), dtype=bool)
        )
        return csr_array(hstack([sites, stations], format="csr"))

    @cached_property
    def reach_by_place(self) -> "csr_array":
        """Return the same by place: row p holds the points that reach it."""
        return csr_array(self.reach_places.T.tocsr())

    @cached_property
    def names(self) -> dict[str, str]:
        """Return the name of every candidate and station by its id."""
        stations = self.basis.study.inputs.snapshot.stations
        known = dict(zip(stations["id"], stations["name"], strict=True))
        frame = self.candidates.frame
        return known | dict(zip(frame["id"], frame["name"], strict=True))

    def action_id(self, action: int) -> str:
        """Return the id of an option's candidate or station."""
        candidate, station = self.actions.candidate[action], self.actions.station[action]
        if candidate >= 0:
            return str(self.candidates.frame["id"].iloc[candidate])
        return str(self.basis.study.inputs.snapshot.stations["id"].iloc[station])

    def points_of(self, action: int) -> npt.NDArray[np.int64]:
        """Return the demand points that an option serves when it is open."""
        place = int(self.actions.place[action])
        reach = self.reach_by_place
        rows = reach.indices[reach.indptr[place] : reach.indptr[place + 1]]
        return np.sort(rows).astype(np.int64)


def make_setup(service: Service, inputs: SiteInputs, question: SiteQuestion) -> SiteSetup:
    """Sample demand, find candidates, ask the travel model, read opening hours.

    Raises
    ------
    InputError
        There is no demand or no candidate, or a moment or an id is wrong.
    """
    basis = _sample(service, inputs, question)
    study, snapshot = basis.study, inputs.measured.snapshot
    candidates = find_candidates(
        snapshot,
        question,
        basis.points,
        given=inputs.given,
        stored=inputs.stored,
        zones=inputs.measured.hot_zones,
        travel=service.travel,
        crs=study.crs,
    )
    counts = study.whatever_hours & question.existing
    perhaps = study.perhaps & question.existing
    actions = make_actions(question, candidates, snapshot.stations, basis, counts)
    lonlat = np.vstack([candidates.lonlat, study.inputs.snapshot.index.lonlat])
    opened = _Openings(service, basis, actions, lonlat[actions.place])
    times, horizon_s = _times_to(service, candidates, basis, question)
    said = (
        study.warnings,
        inputs.notes,
        study.notes,
        candidates.notes,
        _assumed(question, actions, horizon_s, int(perhaps.sum())),
    )
    return SiteSetup(
        question=question,
        basis=basis,
        candidates=candidates,
        actions=actions,
        times=times,
        horizon_s=horizon_s,
        demand=opened.demand,
        quarters=opened.quarters,
        counts=counts,
        open=opened.open & counts[:, None],
        possible=opened.possible & counts[:, None],
        unrecorded=opened.possible & perhaps[:, None],
        action_hours=opened.actions,
        notes=tuple(note for notes in said for note in notes),
    )


def _sample(service: Service, inputs: SiteInputs, question: SiteQuestion) -> Basis:
    """Return demand points, times to the stations and opening hours, as the gap study has them."""
    zone = service.rules.timezone
    week_of = None
    if question.hourly:
        week_of = date.fromisoformat(question.week_of) if question.week_of else service.now().date()
    asked = Question(
        standards=(
            Standard(question.minutes, "min"),
            Standard(question.minutes * WIDEST, "min"),  # for the varied runs
        ),
        chosen=question.chosen,
        at=questions.moment(zone)("at", question.at) if question.at else None,
        week_of=week_of,
    )
    by_times = question.model in {"p-median", "p-center"}
    study = Study(service, inputs.measured, asked, sample=_TIMES_POINTS if by_times else None)
    return make_basis(service, study, asked.standards, week_of=week_of)


def _times_to(
    service: Service, candidates: Candidates, basis: Basis, question: SiteQuestion
) -> tuple[csr_array, float]:
    """Return times from demand to candidates, and the horizon within which they are known."""
    horizon_s = _horizon_s(question)
    bound = service.travel.bind(candidates.lonlat)
    times = bound.times(basis.study.origins, limit_s=horizon_s)
    if question.model == "p-median":
        return drawn_nearer(times, horizon_s, question.limit_s)
    return times, horizon_s


def drawn_nearer(
    times: csr_array, horizon_s: float, limit_s: float, *, most: int = _MOST_TIMES
) -> tuple[csr_array, float]:
    """Return times within a horizon of whole minutes that leaves no more than can be searched.

    The horizon is never drawn nearer than the standard.
    """
    if times.nnz <= most:
        return times, horizon_s
    kth = float(np.partition(times.data, most)[most])
    kth = np.nextafter(kth, 0.0)  # of times that are equal, all or none
    horizon_s = max(float(np.floor(kth / 60) * 60), limit_s)
    kept = times.data <= horizon_s
    ends = np.concatenate([[0], np.cumsum(kept)])[times.indptr]
    return csr_array((times.data[kept], times.indices[kept], ends), shape=times.shape), horizon_s


def _horizon_s(question: SiteQuestion) -> float:
    if question.model == "p-median":
        return max(_HORIZON_S, question.limit_s)
    return _FAR_S if question.model == "p-center" else question.limit_s * WIDEST


def _assumed(question: SiteQuestion, actions: Actions, horizon_s: float, perhaps: int) -> list[str]:
    """Say what is taken for granted of what is not there yet, or not recorded."""
    notes = []
    if question.model == "p-median":
        far = f"{horizon_s / 60:g} min"
        notes.append(f"Demand farther than {far} from every station counts as {far}.")
    if question.prices is None and question.hours is None and (question.at or question.hourly):
        notes.append("New posts are taken to be open at every hour that is looked at (--hours).")
    if question.hours is not None:
        notes.append(f"New posts are open {question.hours}.")
    if perhaps and question.existing:
        are = "station is" if perhaps == 1 else "stations are"
        notes.append(
            f"{perhaps:,} {are} not counted, because nobody recorded what they offer; what is "
            "proposed may stand beside one that offers it already."
        )
    if not question.existing:
        notes.append("Existing stations were left out: the city is planned anew.")
    return [*notes, *actions.notes]


class _Openings:
    """Demand and openings by classes of hours.

    Three cases: no hours (one class, everything open), a moment (one class), a week.
    """

    def __init__(self, service: Service, basis: Basis, actions: Actions, places: Floats) -> None:
        self._service, self._basis, self._table = service, basis, actions
        self._places = places  # (o, 2) degrees, WGS-84
        self.quarters: Floats | None = None
        if basis.week is not None:
            self._take_week(basis.week)
        else:
            self._take_hour()

    def _take_hour(self) -> None:
        study = self._basis.study
        self.demand = self._basis.demand_per_h[:, None].copy()
        self.open = study.open_then[:, None]
        self.possible = (study.open_then | study.unknown | study.unrecorded)[:, None]
        given = np.ones(len(self._table.place), dtype=bool)
        if study.at is not None:
            rules, hours = self._service.rules, self._table.hours
            table = HoursTable(hours, rules, start=study.at, places=self._places)
            when = np.full(len(given), study.at.timestamp())
            given = table.at(np.arange(len(given)), when).state == STATES.index(State.OPEN)
        self.actions = self._added(given[:, None])

    def _added(self, given: Mask) -> Mask:
        """Return the hours that options add: a station's own are not new, unless it is changed."""
        added = given.copy()
        station, keeps = self._table.station, self._table.keeps_hours
        own = keeps & (station >= 0)
        added[own] |= self.open[station[own]]
        extends = self._table.extends & (station >= 0)
        added[extends] &= ~self.open[station[extends]]
        return added

    def _take_week(self, week: OpenWeek) -> None:
        rules, least = self._service.rules, self._service.settings.min_minutes_left
        hours = self._table.hours
        read = open_week(hours, rules, day=week.monday, min_minutes_left=least, places=self._places)
        given = read.open if len(hours) else np.zeros((0, week.open.shape[1]), dtype=bool)
        stacked = np.packbits(np.vstack([week.open, week.possible, given]), axis=0)
        _, first, kind = np.unique(stacked, axis=1, return_index=True, return_inverse=True)
        kind = kind.ravel()
        self.quarters = np.zeros((HOURS_OF_WEEK, len(first)))
        np.add.at(self.quarters, (np.arange(len(kind)) // QUARTERS, kind), 1.0)
        points = self._basis.points
        share = points.factors @ self.quarters / QUARTERS
        self.demand = points.demand_per_h[:, None] * share[points.piece]
        self.open, self.possible = week.open[:, first], week.possible[:, first]
        self.actions = self._added(given[:, first])
