"""What each chosen site brings: demand, where, in which hours, and why there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from locator.coverage import explain_points, main_reasons
from locator.coverage.demand import HOURS_OF_WEEK
from locator.coverage.quality import nearest_seconds
from locator.coverage.reasons import Reason
from locator.coverage.week import QUARTERS, within_reach
from locator.study.sites_setup import SiteSetup

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True, eq=False)
class Gains:
    """What k chosen options bring, in the order of their rank.

    Attributes
    ----------
    order
        (k,) the options: first the one that adds most, then the one that adds most to it, ...
    gain, alone, lost
        (k,) what each adds to those before it; would add alone; and what would be lost without
        it. The gains add up to what all of them add.
    by_hour
        (k, 168) what each adds to those before it, orders in each hour of the week; None without
        a week.
    zone, zone_share
        (k,) row in the pieces' zones with most of the gain, -1 for none, and its share of it.
    reasons
        ``reason, reason_share``: what keeps most of that demand from being covered today.
    then
        (k,) the station that most of that demand is near enough to but cannot use, -1 for none.
    covered
        (n, c) what is covered in the end.
    """

    order: Ints
    gain: Floats
    alone: Floats
    lost: Floats
    by_hour: Floats | None
    zone: Ints
    zone_share: Floats
    reasons: pd.DataFrame
    then: Ints
    covered: Mask


def find_gains(setup: SiteSetup, chosen: Ints) -> Gains:
    """Rank chosen options by what they add one after the other, and look into each."""
    reach = {int(a): setup.points_of(int(a)) for a in chosen}
    order, gain, pieces = _rank(setup, reach)
    served = setup.served
    times_covered = served.astype(np.int32)
    for action in order:
        times_covered[reach[action]] += setup.action_hours[action][None, :]
    alone, lost = [], []
    for action in order:
        rows, hours = reach[action], setup.action_hours[action]
        demand = setup.demand[rows]
        alone.append(float(demand[~served[rows] & hours].sum()))
        lost.append(float(demand[(times_covered[rows] == 1) & ~served[rows] & hours].sum()))
    zone, zone_share = _zones(setup, pieces)
    reasons, then = _reasons(setup, pieces)
    return Gains(
        order=np.array(order, dtype=np.int64),
        gain=np.array(gain),
        alone=np.array(alone),
        lost=np.array(lost),
        by_hour=_by_hour(setup, pieces),
        zone=zone,
        zone_share=zone_share,
        reasons=reasons,
        then=then,
        covered=times_covered > 0,
    )


Piece = tuple[Ints, Mask]  # the points an option newly covers, and in which classes of hours


def _rank(setup: SiteSetup, reach: dict[int, Ints]) -> tuple[list[int], list[float], list[Piece]]:
    """Return options by what each adds to those before it; of equals the first of the table."""
    covered = setup.served.copy()
    left = sorted(reach)
    order: list[int] = []
    gains: list[float] = []
    pieces: list[Piece] = []
    worth = dict.fromkeys(left, np.inf)
    while left:
        best, best_gain = -1, -1.0
        for action in sorted(left, key=lambda a: (-worth[a], a)):
            if worth[action] < best_gain:
                break  # what an option adds only shrinks as others are taken
            rows = reach[action]
            new = ~covered[rows] & setup.action_hours[action]
            worth[action] = float(setup.demand[rows][new].sum())
            if worth[action] > best_gain or (worth[action] == best_gain and action < best):
                best, best_gain = action, worth[action]
        rows = reach[best]
        new = ~covered[rows] & setup.action_hours[best]
        kept = new.any(axis=1)
        pieces.append((rows[kept], new[kept]))
        covered[rows] |= setup.action_hours[best]
        left.remove(best)
        order.append(best)
        gains.append(best_gain)
    return order, gains, pieces


def _by_hour(setup: SiteSetup, pieces: list[Piece]) -> Floats | None:
    """Return what each adds in each hour: a class's demand in proportion to its quarter-hours."""
    if setup.quarters is None:
        return None
    points = setup.basis.points
    result = np.zeros((len(pieces), HOURS_OF_WEEK))
    for at, (rows, new) in enumerate(pieces):
        orders = np.zeros((len(points.pieces), new.shape[1]))
        np.add.at(orders, points.piece[rows], points.demand_per_h[rows, None] * new)
        result[at] = ((orders @ setup.quarters.T) / QUARTERS * points.factors).sum(axis=0)
    return result


def _zones(setup: SiteSetup, pieces: list[Piece]) -> tuple[Ints, Floats]:
    names = setup.basis.points.pieces["zone_name"]
    codes, _ = pd.factorize(names.where(names.notna(), None), use_na_sentinel=True)
    first = {int(code): row for row, code in reversed(list(enumerate(codes))) if code >= 0}
    zone = np.full(len(pieces), -1, dtype=np.int64)
    share = np.full(len(pieces), np.nan)
    for at, (rows, new) in enumerate(pieces):
        gained = (setup.demand[rows] * new).sum(axis=1)
        code = codes[setup.basis.points.piece[rows]]
        total = float(gained.sum())
        if total <= 0 or not (code >= 0).any():
            continue
        sums = np.bincount(code[code >= 0], weights=gained[code >= 0])
        zone[at] = first[int(sums.argmax())]
        share[at] = float(sums.max()) / total
    return zone, share


def _reasons(setup: SiteSetup, pieces: list[Piece]) -> tuple[pd.DataFrame, Ints]:
    """Return why the newly covered demand is not covered today, and the station nearest to help."""
    limit_s, basis = setup.question.limit_s, setup.basis
    lacking = within_reach(basis.times, limit_s=limit_s, mask=basis.in_service)
    straight = _straight(setup)
    every = np.diff(lacking.indptr) > 0
    chosen = np.diff(setup.reach_perhaps.indptr) > 0
    then = np.full(len(pieces), -1, dtype=np.int64)
    parts = [pd.DataFrame({"reason": [], "reason_share": []})]
    for at, (rows, new) in enumerate(pieces):
        weight = setup.demand[rows] * new
        if not setup.question.existing or weight.sum() <= 0:
            parts.append(pd.DataFrame({"reason": [None], "reason_share": [np.nan]}))
            continue
        near = setup.reach_perhaps[rows]
        possible, unrecorded = (
            np.asarray(near @ mask.astype(np.float32)) > 0
            for mask in (setup.possible, setup.unrecorded)
        )
        flat = [np.repeat(mask[rows], new.shape[1]) for mask in (chosen, every, straight)]
        codes = explain_points(
            possible=possible.ravel(),
            unrecorded=unrecorded.ravel(),
            chosen=flat[0],
            every=flat[1],
            straight=flat[2],
        )
        group = np.zeros(len(codes), dtype=np.int64)
        parts.append(main_reasons(group, codes, weight.ravel(), groups=1))
        shut = _shut(setup, parts[-1]["reason"].iloc[0])
        then[at] = _most_near(near, weight.sum(axis=1), shut)
    frame = pd.concat([pd.DataFrame(part).astype(object) for part in parts], ignore_index=True)
    return frame, then


def _shut(setup: SiteSetup, reason: object) -> Mask:
    """Return (m,) the stations that would help but for a reason."""
    if reason == Reason.SERVICES_UNKNOWN:
        return np.asarray(setup.unrecorded.any(axis=1))
    unknown = (setup.possible & ~setup.open).any(axis=1)
    shut = setup.counts & ~setup.open.all(axis=1)
    return np.asarray(shut & (unknown if reason == Reason.HOURS_UNKNOWN else ~unknown))


def _straight(setup: SiteSetup) -> Mask:
    """Return (n,) whether a station in service would be in reach as the crow flies."""
    study = setup.basis.study
    line = study.straight_line()
    if line is None:
        return np.zeros(len(setup.demand), dtype=bool)
    bound = line.bind(study.lonlat)
    seconds = nearest_seconds(bound, study.origins, setup.basis.in_service)
    return seconds <= setup.question.limit_s


def _most_near(near: csr_array, weight: Floats, shut: Mask) -> int:
    """Return of some stations the one that most of the weight has in reach, -1 for none."""
    if not near.nnz:
        return -1
    sums = np.where(shut, np.asarray(near.T @ weight), 0.0)
    return int(sums.argmax()) if sums.max() > 0 else -1


def hours_words(hours: Mask) -> str:
    """Return hours of a week as days and spans, such as ``Mo-Fr 18:00-24:00; Sa,Su 00:00-24:00``.

    Parameters
    ----------
    hours
        (168,) from Monday 00:00.
    """
    by_day = hours.reshape(7, 24)
    parts = []
    done: set[int] = set()
    for day in range(7):
        if day in done or not by_day[day].any():
            continue
        same = [d for d in range(day, 7) if d not in done and (by_day[d] == by_day[day]).all()]
        done.update(same)
        parts.append(f"{_days(same)} {_spans(by_day[day])}")
    return "; ".join(parts)


def _days(days: list[int]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [
        _DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" for run in runs
    ]
    return ",".join(words)


def _spans(day: Mask) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], day, [False]]).astype(np.int8)))
    return ",".join(f"{a:02d}:00-{b:02d}:00" for a, b in edges.reshape(-1, 2))
