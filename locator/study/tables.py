"""The tables of a gap study: by hour, service, kind, place and station, and how sure they are."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.coverage import (
    bootstrap_share,
    cover_week,
    covered_by_limit,
    demand_lost_by_closing,
    floating_catchment,
    gini,
    moved_share,
    share_with_backup,
    summarise_times,
    week_lost_by_closing,
    worst_served_mean,
)
from locator.coverage.quality import nearest_seconds
from locator.coverage.uncertainty import ACCURACY_M
from locator.datum import Positions
from locator.report.folder import PlainTable
from locator.schema import Amenity, Host, Kind, LabelledEnum, split_set
from locator.study.basis import Basis
from locator.travel import StraightLine

Tables = dict[str, PlainTable]
Take = Callable[[str, Callable[[], pd.DataFrame]], PlainTable]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_CURVE_MINUTES = np.arange(1.0, 31.0)
# Bohannon 1997, Age and Ageing 26:15-19: comfortable gait is 1.27 m/s (4.6 km/h) on the mean of
# women in their seventies, 1.46 of men in their forties; a little less, for streets.
_WALK_KMH = 4.5
_UNVERIFIED_M = 100.0
_FACTORS = (0.8, 0.9, 1.1, 1.2)
_SEED = 20220801  # fixed: the same input gives the same bytes
_REPLICATES, _MOVES = 1000, 100


def make_tables(basis: Basis, take: Take, progress: Callable[[float], None]) -> Tables:
    """Return every table of the study by name; a share is 0 to 1, null where there is no demand.

    ``curve, times, services, kinds, hosts, modes, backup, stations, equity, districts,
    sensitivity, intervals``, and with a week ``hours, hours_by_zone, hours_by_district``. Columns
    carry their units; docs/methods.md says how each is worked out.

    Parameters
    ----------
    take
        Gives a table that a run cut off had finished, or makes it.
    progress
        Called with the share that is done, 0 to 1.
    """
    makers: dict[str, Callable[[Basis], pd.DataFrame]] = {
        "curve": _curve,
        "times": time_table,
        "services": _services,
        "kinds": lambda b: _members(b, Kind, "kind"),
        "hosts": lambda b: _members(b, Host, "host"),
        "modes": _modes,
        "backup": _backup,
        "stations": _stations,
        "equity": _equity,
        "sensitivity": _sensitivity,
        "intervals": _intervals,
    }
    if (week := basis.week_coverage) is not None:
        makers |= {
            "hours": lambda _: week.shares(),
            "hours_by_zone": lambda _: week.by("zone"),
            "hours_by_district": lambda _: week.by("district"),
        }
    tables = {}
    for number, (name, make) in enumerate(makers.items(), start=1):
        tables[name] = take(name, partial(make, basis))
        progress(number / len(makers))
    return tables


def _share(basis: Basis, seconds: Floats, limit_s: float) -> float | None:
    share = float(covered_by_limit(seconds, basis.demand_per_h, np.array([limit_s]))[0])
    return None if np.isnan(share) else share


def _seconds(basis: Basis, mask: Mask) -> Floats:
    return basis.study.seconds(mask)


def _curve(basis: Basis) -> pd.DataFrame:
    """Covered share against the standard, for the studied hour and with hours left out."""
    limits = _CURVE_MINUTES * 60
    table = pd.DataFrame({"minutes": _CURVE_MINUTES})
    table["covered_share"] = covered_by_limit(basis.seconds, basis.demand_per_h, limits)
    if basis.study.at is not None:
        around = _seconds(basis, basis.study.whatever_hours)
        table["covered_share_any_hours"] = covered_by_limit(around, basis.demand_per_h, limits)
    return table


def time_table(basis: Basis) -> pd.DataFrame:
    """Time to the nearest, for all demand, each district and each zone."""
    rows = [{"level": "total", "id": None, "name": None} | _summary(basis, slice(None))]
    for level in ("district", "zone"):
        labels = basis.points.pieces[[f"{level}_id", f"{level}_name"]]
        codes, _ = pd.factorize(labels[f"{level}_id"], sort=True, use_na_sentinel=False)
        if level == "zone" and labels[f"{level}_id"].isna().all():
            continue
        for number, first in enumerate(np.unique(codes, return_index=True)[1]):
            within = codes[basis.points.piece] == number
            head = {"level": level, "id": labels.iloc[first, 0], "name": labels.iloc[first, 1]}
            rows.append(head | _summary(basis, within))
    return pd.DataFrame(rows)


def _summary(basis: Basis, rows: "Mask | slice") -> dict[str, float | None]:
    demand, seconds = basis.demand_per_h[rows], basis.seconds[rows]
    worst = worst_served_mean(seconds, demand)
    return {
        "demand_per_h": float(demand.sum()),
        **asdict(summarise_times(seconds, demand)),
        "worst_tenth_s": None if worst is None or np.isinf(worst) else worst,
        "covered_share": _none(covered_by_limit(seconds, demand, np.array([basis.first_s]))[0]),
    }


def _none(value: float) -> float | None:
    return None if not np.isfinite(value) else float(value)


def _services(basis: Basis) -> pd.DataFrame:
    """Each service: the stations that offer it, and how much demand they cover.

    Then how many stations nobody recorded the services of, and the share if they all offer it.
    """
    offered = [split_set(text) for text in basis.study.inputs.snapshot.stations["services"]]
    masks: dict[str | None, Mask] = {
        service.value: basis.by_kind
        & np.array([service.value in given for given in offered], dtype=bool)
        for service in Amenity
    }
    table = _by_mask(basis, "service", masks)
    unknown = basis.by_kind & basis.unrecorded
    table.insert(2, "stations_unknown", int(unknown.sum()))
    for standard, limit_s in basis.standards:
        table[f"share_if_unknown_{standard.slug}"] = [
            _share_near(basis, mask | unknown, limit_s) for mask in masks.values()
        ]
    return table


def _members(basis: Basis, enum: type[LabelledEnum], column: str) -> pd.DataFrame:
    """Each kind or host among the stations that the study's filter lets through.

    Those of which it is not recorded have a row of their own, without a code.
    """
    values = basis.study.inputs.snapshot.stations[column].to_numpy()
    masks: dict[str | None, Mask] = {
        member.value: basis.study.whatever_hours & (values == member.value) for member in enum
    }
    unknown = basis.study.whatever_hours & ~np.isin(values.astype(str), list(enum))
    if unknown.any():
        masks[None] = unknown
    return _by_mask(basis, column, masks)


def _share_near(basis: Basis, mask: Mask, limit_s: float) -> float | None:
    """Return the share of demand that some stations cover while open at the studied hour."""
    return share_with_backup(
        basis.demand_per_h, basis.times, limit_s=limit_s, mask=mask & basis.open_then, least=1
    )


def _by_mask(basis: Basis, name: str, masks: Mapping[str | None, Mask]) -> pd.DataFrame:
    rows = []
    for code, mask in masks.items():
        row: dict[str, object] = {name: code, "stations": int(mask.sum())}
        for standard, limit_s in basis.standards:
            row[f"covered_share_{standard.slug}"] = _share_near(basis, mask, limit_s)
        if basis.week is not None:
            week = cover_week(
                basis.points, basis.times, basis.week, limit_s=basis.first_s, mask=mask
            ).week()
            row |= {
                "week_covered_share": week["covered_share"],
                "lost_to_hours": week["lost_to_hours"],
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _modes(basis: Basis) -> pd.DataFrame:
    """Riding by the study's model; riding and walking as the crow flies, for comparison."""
    settings = basis.study.settings
    line = StraightLine(settings.ride_speed_kmh, settings.detour_factor)
    models = {"ride": basis.study.travel, "ride_straight_line": line}
    models["walk_straight_line"] = StraightLine(_WALK_KMH, settings.detour_factor)
    rows = []
    for mode, model in models.items():
        if mode == "ride_straight_line" and isinstance(basis.study.travel, StraightLine):
            continue
        bound = model.bind(basis.study.lonlat)
        seconds = nearest_seconds(bound, basis.study.origins, basis.study.mask)
        row: dict[str, object] = {"mode": mode, "travel": model.describe()}
        for standard, _ in basis.standards:
            limit_s = (
                basis.study.limit_s(standard)
                if standard.unit == "min"
                else model.limit_s(standard.amount)
            )
            row[f"covered_share_{standard.slug}"] = _share(basis, seconds, limit_s)
        rows.append(row)
    return pd.DataFrame(rows)


def _backup(basis: Basis) -> pd.DataFrame:
    """Return the share with one, two and three stations in reach, at each standard."""
    rows = []
    for standard, limit_s in basis.standards:
        row: dict[str, object] = {"standard": standard.label}
        for least in (1, 2, 3):
            row[f"share_with_{least}"] = share_with_backup(
                basis.demand_per_h, basis.times, limit_s=limit_s, mask=basis.study.mask, least=least
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _stations(basis: Basis) -> pd.DataFrame:
    """Each station in service: what closing it alone would cost."""
    stations = basis.study.inputs.snapshot.stations
    table = pd.DataFrame(stations[["id", "name", "kind", "host"]])
    table["counted"] = basis.study.mask
    table["lost_demand_per_h"] = demand_lost_by_closing(
        basis.demand_per_h, basis.times, limit_s=basis.first_s, mask=basis.study.mask
    )
    by = "lost_demand_per_h"
    if basis.week is not None:
        table["lost_orders_per_week"] = week_lost_by_closing(
            basis.points,
            basis.times,
            basis.week,
            limit_s=basis.first_s,
            mask=basis.study.whatever_hours,
        )
        by = "lost_orders_per_week"
    lost = table[by]
    table["adds_nothing"] = lost.eq(0).astype("boolean").mask(lost.isna())
    table = table[basis.in_service]
    return table.sort_values([by, "id"], ascending=[False, True], ignore_index=True)


def _equity(basis: Basis) -> pd.DataFrame:
    """Say how evenly access is spread: catchments, Gini, the worst-served tenth."""
    stations = basis.study.inputs.snapshot.stations
    supply = np.where(basis.study.mask, 1.0, 0.0)
    given = pd.to_numeric(stations["capacity"], errors="coerce").to_numpy(dtype=np.float64)
    counted = given[basis.study.mask]
    # Places are compared only where every station says how many it has; else a station is one.
    by_places = bool(len(counted)) and not np.isnan(counted).any()
    if by_places:
        supply = np.where(basis.study.mask, given, 0.0)
    access = floating_catchment(basis.times, basis.demand_per_h, supply)
    unit = "places" if by_places else "stations"
    every = np.ones(len(access), dtype=bool)
    rows = [_equity_row("total", None, basis, access, every, unit)]
    names = basis.points.pieces["district_name"]
    codes, distinct = pd.factorize(names, sort=True, use_na_sentinel=False)
    for number, name in enumerate(distinct):
        within = codes[basis.points.piece] == number
        label = None if pd.isna(name) else str(name)
        rows.append(_equity_row("district", label, basis, access, within, unit))
    return pd.DataFrame(rows)


def _equity_row(
    level: str, name: str | None, basis: Basis, access: Floats, rows: Mask, unit: str
) -> dict[str, object]:
    """Return a row; access is left out where it is of all demand.

    There it is an identity: the supply in reach over the demand, wherever the stations are.
    """
    demand, seconds = basis.demand_per_h[rows], basis.seconds[rows]
    total = float(demand.sum())
    worst = worst_served_mean(seconds, demand)
    return {
        "level": level,
        "name": name,
        "demand_per_h": total,
        "supply": unit,
        "access_per_1000_orders_h": (
            1000 * float(demand @ access[rows]) / total if total and not rows.all() else None
        ),
        "gini_of_access": gini(access[rows], demand),
        "worst_tenth_s": None if worst is None or np.isinf(worst) else worst,
        "covered_share": _none(covered_by_limit(seconds, demand, np.array([basis.first_s]))[0]),
    }


def _sensitivity(basis: Basis) -> pd.DataFrame:
    """Vary one setting at a time for the first standard; all times are scaled alike."""
    settings = basis.study.settings
    standard, limit_s = basis.standards[0]
    varied: list[tuple[str, float | None, float]] = [("as_set", None, limit_s)]
    if standard.unit == "m":
        # Metres as the crow flies hang on no speed.
        varied += [("limit_m", standard.amount * f, limit_s * f) for f in _FACTORS]
    else:
        # Of the travel model: roads may have been imported for another speed than the setting.
        speed = settings.detour_factor * 3600 / basis.study.travel.limit_s(1000.0)
        varied += [("speed_kmh", speed * f, limit_s * f) for f in _FACTORS]
        if isinstance(basis.study.travel, StraightLine):
            detour = settings.detour_factor
            varied += [("detour_factor", d, limit_s * detour / d) for d in (1.1, 1.2, 1.4, 1.5)]
        changed = [limit_s + 60 * minutes for minutes in (-2, -1, 1, 2)]
        varied += [("limit_min", changed_s / 60, changed_s) for changed_s in changed]
    rows = [
        {"what": what, "value": value, "covered_share": _share(basis, basis.seconds, varied_s)}
        for what, value, varied_s in varied
        if varied_s > 0
    ]
    table = pd.DataFrame(rows).astype({"covered_share": np.float64})
    table["change"] = table["covered_share"] - table["covered_share"].iloc[0]
    return table


def _intervals(basis: Basis) -> pd.DataFrame:
    """Intervals of the first standard's share: demand drawn anew, stations moved."""
    rng = np.random.default_rng(_SEED)
    demand, unit = basis.demand_per_h, "points"
    covered = np.where(basis.seconds <= basis.first_s, demand, 0.0)
    if basis.study.inputs.points is None:
        zone, _ = pd.factorize(basis.points.pieces["zone_id"])
        sums = pd.DataFrame({"covered": covered, "demand": demand})
        sums = sums.groupby(zone[basis.points.piece]).sum()
        covered, demand, unit = sums["covered"].to_numpy(), sums["demand"].to_numpy(), "hot_zones"
    rows: list[dict[str, object]] = []
    if drawn := bootstrap_share(covered, demand, rng=rng, replicates=_REPLICATES):
        rows.append({"what": "demand_drawn_anew", "of": unit, **asdict(drawn)})
    stations = basis.study.inputs.snapshot.stations
    given = stations["provenance"].map(ACCURACY_M).fillna(_UNVERIFIED_M)
    accuracy_m = given.to_numpy(dtype=np.float64)[basis.study.mask]
    if len(accuracy_m) and basis.demand_per_h.sum() > 0:

        def measure(lonlat: Positions) -> float:
            bound = basis.study.travel.bind(lonlat)
            every = np.ones(len(lonlat), dtype=bool)
            seconds = nearest_seconds(bound, basis.study.origins, every)
            return float(_share(basis, seconds, basis.first_s) or 0.0)

        places = basis.study.lonlat[basis.study.mask]
        moved = moved_share(measure, places, accuracy_m, rng=rng, replicates=_MOVES)
        rows.append({"what": "stations_moved", "of": "stations", **asdict(moved)})
    return pd.DataFrame(rows, columns=["what", "of", "low", "high", "replicates"])
