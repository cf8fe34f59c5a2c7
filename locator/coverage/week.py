"""Coverage hour by hour: the demand of each hour against the stations that are open then.

Hours are looked at in quarters. What a point can reach changes with the quarter only through the
schedules of the stations near it, and many stations keep the same hours: so points with the same
set of schedules in reach share one answer, and 168 hours cost little more than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array

from locator.coverage.demand import HOURS_OF_WEEK
from locator.coverage.points import DemandPoints
from locator.hours import STATES, HoursRules, HoursTable
from locator.schema import State

QUARTERS = 4
SLOTS = HOURS_OF_WEEK * QUARTERS
_QUARTER_S = 900
_SETS_AT_ONCE = 4096
ROUNDING = 1e-9  # of the demand: what sums of the same numbers in another order differ by
_BY_COLUMNS = (
    "id",
    "name",
    "demand_per_week",
    "covered_share",
    "lost_to_hours",
    "worst_hour",
    "worst_unserved_per_h",
)
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class OpenWeek:
    """When stations can be used, in the 672 quarter-hours of one week from Monday 00:00.

    Attributes
    ----------
    monday
        The week's first day: holidays and make-up workdays are those of this week.
    open
        (m, 672) surely open at the middle of the quarter, and for long enough after it.
    possible
        (m, 672) the same, or the hours are unknown.
    """

    monday: date
    open: Mask
    possible: Mask


def open_week(
    texts: Sequence[str | None],
    rules: HoursRules,
    *,
    day: date,
    min_minutes_left: int,
    places: npt.ArrayLike | None = None,
) -> OpenWeek:
    """Read opening hours over the week of a day.

    Parameters
    ----------
    texts
        Opening hours of each station, OpenStreetMap syntax; None is unknown.
    day
        Any day of the week that is looked at.
    min_minutes_left
        A station that closes sooner than this after the middle of a quarter is not open in it.
    places
        (m, 2) degrees, WGS-84: where each station's sun rises and sets.
    """
    monday = day - timedelta(days=day.weekday())
    start = datetime(monday.year, monday.month, monday.day, tzinfo=rules.timezone)
    table = HoursTable(texts, rules, start=start, places=places)
    middles = _middles(start)
    first, of = table.schedules()
    row = np.repeat(first, SLOTS)
    found = table.at(row, np.tile(middles, len(first)))
    left_s = found.sure_until - np.tile(middles, len(first))
    lasts = np.isnan(left_s) | (left_s >= 60 * min_minutes_left)
    is_open = ((found.state == STATES.index(State.OPEN)) & lasts).reshape(-1, SLOTS)
    unknown = (found.state == STATES.index(State.UNKNOWN)).reshape(-1, SLOTS)
    return OpenWeek(monday, is_open[of], (is_open | unknown)[of])


def _middles(start: datetime) -> Floats:
    """Return the POSIX times of the quarters' middles, by the clock on the wall.

    Where clocks change, a quarter of the week is still that of its weekday and hour.
    """
    first = timedelta(seconds=_QUARTER_S / 2)
    step = timedelta(seconds=_QUARTER_S)
    # Adding to a local time moves the hands of the clock, not the time that passes.
    return np.array([(start + first + slot * step).timestamp() for slot in range(SLOTS)])


def within_reach(times: csr_array, *, limit_s: float, mask: Mask) -> csr_array:
    """Return which stations (of those in the mask) each point reaches in time, (n, m) of ones."""
    kept = (times.data <= limit_s) & mask[times.indices]
    ends = np.concatenate([[0], np.cumsum(kept)])[times.indptr]
    data = np.ones(int(ends[-1]), dtype=np.float32)
    return csr_array((data, times.indices[kept], ends), shape=times.shape)


@dataclass(frozen=True)
class WeekCoverage:
    """Demand and covered demand of each piece of a zone in each hour of the week.

    Attributes
    ----------
    pieces
        One row a piece, as in :class:`~locator.coverage.points.DemandPoints`.
    demand_per_h
        (p, 168) orders per hour.
    covered_per_h
        (p, 168) within reach of a station that is surely open.
    possible_per_h
        (p, 168) the same if every station of unknown hours were open.
    always_per_h
        (p, 168) the same if every station that counts were open around the clock.
    """

    pieces: pd.DataFrame
    demand_per_h: Floats
    covered_per_h: Floats
    possible_per_h: Floats
    always_per_h: Floats

    def shares(self) -> pd.DataFrame:
        """Return one row an hour: ``hour, demand_per_h, covered_per_h`` and shares of the demand.

        ``lost_to_hours`` is the share that a station is near enough to but none surely open.
        An hour without demand has no shares.
        """
        demand = self.demand_per_h.sum(axis=0)
        table = pd.DataFrame({"hour": np.arange(HOURS_OF_WEEK), "demand_per_h": demand})
        for name, per_h in (
            ("covered", self.covered_per_h),
            ("possible", self.possible_per_h),
            ("always", self.always_per_h),
        ):
            table[f"{name}_per_h"] = per_h.sum(axis=0)
            table[f"{name}_share"] = _share(per_h.sum(axis=0), demand)
        lost = (table["always_per_h"] - table["covered_per_h"]).clip(lower=0.0)
        table["lost_to_hours"] = _share(lost, demand)
        return table

    def week(self) -> dict[str, float | None]:
        """Return the shares of the whole week's demand, over all hours together."""
        demand = float(self.demand_per_h.sum())
        if demand <= 0:
            return dict.fromkeys(
                ("covered_share", "possible_share", "always_share", "lost_to_hours")
            )
        covered, always = float(self.covered_per_h.sum()), float(self.always_per_h.sum())
        return {
            "covered_share": covered / demand,
            "possible_share": float(self.possible_per_h.sum()) / demand,
            "always_share": always / demand,
            "lost_to_hours": max(0.0, always - covered) / demand,
        }

    def by(self, key: str) -> pd.DataFrame:
        """Return one row a ``zone`` or ``district``: its week's shares and its worst hour.

        The worst hour is the one with the most uncovered demand; null where nothing is uncovered.
        """
        codes, first = _groups(self.pieces, key)
        rows = []
        for number, at in enumerate(first):
            part = codes == number
            demand, covered = (a[part].sum(axis=0) for a in (self.demand_per_h, self.covered_per_h))
            total, always = float(demand.sum()), float(self.always_per_h[part].sum())
            unserved, lost = demand - covered, max(0.0, always - float(covered.sum()))
            short = total > 0 and bool(unserved.max() > ROUNDING * total)
            rows.append(
                {
                    "id": self.pieces[f"{key}_id"].iloc[at],
                    "name": self.pieces[f"{key}_name"].iloc[at],
                    "demand_per_week": total,
                    "covered_share": float(covered.sum()) / total if total else None,
                    "lost_to_hours": lost / total if total else None,
                    "worst_hour": int(np.argmax(unserved)) if short else None,
                    "worst_unserved_per_h": float(unserved.max()) if short else 0.0,
                }
            )
        return pd.DataFrame(rows, columns=list(_BY_COLUMNS))


def _groups(pieces: pd.DataFrame, key: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each piece's zone or district as a number, by id, and the first piece of each."""
    codes, _ = pd.factorize(pieces[f"{key}_id"], sort=True, use_na_sentinel=False)
    return codes.astype(np.int64), np.unique(codes, return_index=True)[1].astype(np.int64)


def _share(part: "Floats | pd.Series[float]", whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, np.asarray(part) / whole, np.nan)


def cover_week(
    points: DemandPoints, times: csr_array, week: OpenWeek, *, limit_s: float, mask: Mask
) -> WeekCoverage:
    """Return covered demand in every hour of the week.

    Parameters
    ----------
    points
        The demand, n points.
    times
        (n, m) seconds to the stations, from a travel model's ``times`` with ``limit_s`` or more.
    week
        When the m stations are open.
    limit_s
        The coverage standard in seconds.
    mask
        The stations that count.
    """
    reach = within_reach(times, limit_s=limit_s, mask=mask)
    some = np.diff(reach.indptr) > 0
    always = np.bincount(
        points.piece[some], weights=points.demand_per_h[some], minlength=len(points.pieces)
    )
    covered, possible = _covered(points, reach, (week.open, week.possible))
    return WeekCoverage(
        pieces=points.pieces,
        demand_per_h=points.hourly(),
        covered_per_h=covered * points.factors,
        possible_per_h=possible * points.factors,
        always_per_h=always[:, None] * points.factors,
    )


def _covered(
    points: DemandPoints, reach: csr_array, weeks: tuple[Mask, ...]
) -> npt.NDArray[np.float64]:
    """Return (weeks, p, 168) mean demand within reach of a station that is usable in each week."""
    pieces = len(points.pieces)
    if not reach.nnz:
        return np.zeros((len(weeks), pieces, HOURS_OF_WEEK))
    # Stations of the same hours are one schedule, moments of the same open schedules one column.
    of, schedules = _distinct(_pack(np.hstack(weeks)))
    usable = np.hstack(weeks)[schedules]
    column, columns = _distinct(_pack(usable.T))
    usable = usable[:, columns].astype(np.float32)
    sets = _unite(reach, _pack(np.eye(len(usable), dtype=bool))[of])
    code, first = _distinct(sets)
    held = sets[first]
    # Orders per hour of each piece under each set of schedules: few pieces meet a set.
    pair, met = pd.factorize(points.piece * len(first) + code)
    orders = coo_array(
        (np.bincount(pair, weights=points.demand_per_h), np.divmod(met, len(first))),
        shape=(pieces, len(first)),
    ).tocsc()
    found = np.zeros((pieces, len(columns)))
    for begin in range(0, len(first), _SETS_AT_ONCE):
        part = slice(begin, begin + _SETS_AT_ONCE)
        reached = (_unpack(held[part], len(usable)).astype(np.float32) @ usable) > 0
        found += orders[:, part] @ reached.astype(np.float64)
    per_slot = found[:, column].reshape(pieces, len(weeks), HOURS_OF_WEEK, QUARTERS)
    per_hour: Floats = per_slot.mean(axis=3).transpose(1, 0, 2)
    return per_hour


def _pack(rows: Mask) -> Words:
    """Return rows of bits as rows of words."""
    bytes_ = np.packbits(rows, axis=1, bitorder="little")
    padded = np.zeros((len(rows), -(-bytes_.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : bytes_.shape[1]] = bytes_
    return padded.view(np.uint64)


def _unpack(words: Words, bits: int) -> npt.NDArray[np.uint8]:
    """Return the first so many bits of rows of words."""
    return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :bits]


def _distinct(rows: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each row's number among the distinct rows, and where each of those first stands."""
    code = np.zeros(len(rows), dtype=np.int64)
    for word in rows.T:
        number, values = pd.factorize(word)
        code, _ = pd.factorize(code * len(values) + number)
    # Numbers are given in the order of their rows: a new one stands above all before it.
    return code, np.flatnonzero(np.diff(np.maximum.accumulate(code), prepend=-1))


def _unite(reach: csr_array, words: Words) -> Words:
    """Return the bitwise union of the words of each row's stations, (n, w)."""
    united = np.zeros((reach.shape[0], words.shape[1]), dtype=np.uint64)
    some = np.flatnonzero(np.diff(reach.indptr))
    if len(some):
        starts = reach.indptr[some]
        united[some] = np.bitwise_or.reduceat(words[reach.indices], starts, axis=0)
    return united
