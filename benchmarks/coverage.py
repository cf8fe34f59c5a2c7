"""Coverage hour by hour and service by service, and criticality, against the obvious loops."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from clock import Cost, compared, cost
from scipy.sparse import csr_array

from locator.coverage import DemandPoints, OpenWeek, cover_week, demand_lost_by_closing, open_week
from locator.coverage.week import within_reach
from locator.datum import local_crs
from locator.hours import HoursRules
from locator.travel import StraightLine

SEED = 20261123
MODEL = StraightLine(18.0, 1.3)
LIMIT_S = 300.0
RADIUS_M = LIMIT_S / MODEL.seconds_per_m
MONDAY = date(2026, 11, 23)
ZONES, SERVICES = 50, 8
# What the obvious loops are timed on (services and hours, closings); the rest is multiplied.
LOOP_HOURS = ((0, 12), (3, 139))  # Monday noon, Saturday 19:00: in the middle of a stretch
LOOP_CLOSINGS = 20
HOURS = [
    f"Mo-{last} {opens:02d}:{minute}-{closes:02d}:00"
    for last in ("Fr", "Sa", "Su")
    for opens, minute in ((7, "30"), (8, "00"), (9, "00"))
    for closes in (18, 21, 24)
] + ["24/7"]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class City:
    """Demand points and stations, and all that both ways start from."""

    points: DemandPoints
    stations: npt.NDArray[np.float64]
    week: OpenWeek
    offers: Mask  # (services, m)

    def times(self) -> csr_array:
        """Return the travel times of every pair within the standard."""
        return MODEL.bind(self.stations).times(self.points.lonlat, limit_s=LIMIT_S)


def box_of(stations: int) -> tuple[list[float], list[float]]:
    """Return a box in degrees that holds so many stations, five to 25 square kilometres."""
    side = np.sqrt(stations / 120)
    return [107.0, 34.2], [107.0 + 0.27 * side, 34.2 + 0.22 * side]


def build_city(points: int, stations: int) -> City:
    """Scatter points and stations, with a profile a zone and 28 opening hours."""
    rng = np.random.default_rng(SEED)
    box = box_of(stations)
    zones = [f"z{number}" for number in range(ZONES)]
    pieces = pd.DataFrame({"zone_id": zones, "zone_name": zones})
    profile = rng.random((ZONES, 168))
    rules = HoursRules(ZoneInfo("Asia/Shanghai"), "CN", {})
    texts = [HOURS[number] for number in rng.integers(0, len(HOURS), stations)]
    return City(
        points=DemandPoints(
            lonlat=rng.uniform(*box, (points, 2)),
            demand_per_h=rng.random(points),
            area_m2=np.zeros(points),
            piece=rng.integers(0, ZONES, points),
            pieces=pieces.assign(district_id="d", district_name="d"),
            factors=profile / profile.mean(axis=1, keepdims=True),
            cell_m=0.0,
        ),
        stations=rng.uniform(*box, (stations, 2)),
        week=open_week(texts, rules, day=MONDAY, min_minutes_left=15),
        offers=rng.random((SERVICES, stations)) < 0.5,
    )


def frames(city: City) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return points and stations as the obvious way has them: metric frames."""
    crs = local_crs((107.0, 34.2, 107.27, 34.42))
    here, there = (
        gpd.GeoSeries.from_xy(*lonlat.T, crs=4326).to_crs(crs)
        for lonlat in (city.points.lonlat, city.stations)
    )
    return gpd.GeoDataFrame(geometry=here), gpd.GeoDataFrame(geometry=there)


def obvious_hour(
    here: gpd.GeoDataFrame, there: gpd.GeoDataFrame, usable: Mask, demand: npt.NDArray[np.float64]
) -> float:
    """Return the demand near a usable station: buffers of them, a spatial join, a sum."""
    circles = gpd.GeoDataFrame(geometry=there.geometry[usable].buffer(RADIUS_M, quad_segs=64))
    joined = gpd.sjoin(here, circles, predicate="within")
    return float(demand[joined.index.unique()].sum())


def one_hour(city: City, times: csr_array, mask: Mask, hour: int) -> npt.NDArray[np.float64]:
    """Return the demand of each zone in reach in one hour, given the times: no more is needed."""
    usable = mask & city.week.open[:, 4 * hour]
    reached = np.diff(within_reach(times, limit_s=LIMIT_S, mask=usable).indptr) > 0
    demand = np.where(reached, city.points.at(hour), 0.0)
    return np.bincount(city.points.piece, weights=demand, minlength=ZONES)


def bench_week(points: int = 50_000, stations: int = 120) -> list[dict[str, object]]:
    """Compare 168 hours x 8 services with the loop, and a week with one hour."""
    city = build_city(points, stations)
    everyone = np.ones(stations, dtype=bool)
    here, there = frames(city)
    covered: dict[int, npt.NDArray[np.float64]] = {}

    def whole() -> None:
        times = city.times()
        for service, mask in enumerate(city.offers):
            week = cover_week(city.points, times, city.week, limit_s=LIMIT_S, mask=mask)
            covered[service] = week.covered_per_h

    loop: dict[tuple[int, int], float] = {}

    def obvious() -> None:
        for service, hour in LOOP_HOURS:
            usable = city.offers[service] & city.week.open[:, 4 * hour]
            loop[service, hour] = obvious_hour(here, there, usable, city.points.at(hour))

    ours, part = cost(whole, repeat=5), cost(obvious, repeat=3)
    check_equal(
        [float(covered[service][:, hour].sum()) for service, hour in loop],
        list(loop.values()),
        1e-3,
    )
    times = city.times()
    check_equal(
        cover_week(city.points, times, city.week, limit_s=LIMIT_S, mask=everyone).covered_per_h[
            :, 12
        ],
        one_hour(city, times, everyone, 12),
        1e-9,
    )
    row = compared(
        f"168 hours x {SERVICES} services x {stations} stations x {points:,} points",
        f"geopandas: buffer, sjoin each hour ({len(LOOP_HOURS)} of {168 * SERVICES}, multiplied)",
        ours,
        scaled(part, 168 * SERVICES / len(LOOP_HOURS)),
    )
    return [row, compare_hours(city, everyone)]


def compare_hours(city: City, mask: Mask) -> dict[str, object]:
    """Compare a week with one of its hours, with travel times and without."""
    times = city.times()

    def week(known: csr_array) -> None:
        cover_week(city.points, known, city.week, limit_s=LIMIT_S, mask=mask)

    hour_whole = cost(lambda: one_hour(city, city.times(), mask, 12), repeat=7)
    week_whole = cost(lambda: week(city.times()), repeat=7)
    hour_known = cost(lambda: one_hour(city, times, mask, 12), repeat=15)
    week_known = cost(lambda: week(times), repeat=15)
    return {
        "what": f"168 hours over one hour, {len(mask)} stations x {len(city.points):,} points",
        "times_of_one_hour": week_whole.wall_s / hour_whole.wall_s,
        "times_of_one_hour_travel_times_known": week_known.wall_s / hour_known.wall_s,
        "hour_s": hour_whole.wall_s,
        "week_s": week_whole.wall_s,
    }


def bench_criticality(points: int = 50_000, stations: int = 5_000) -> dict[str, object]:
    """Compare what each closing costs with closing stations one after the other."""
    city = build_city(points, stations)
    times, demand = city.times(), city.points.demand_per_h
    everyone = np.ones(stations, dtype=bool)
    pairs = pd.DataFrame(
        {
            "point": np.repeat(np.arange(points), np.diff(times.indptr)),
            "station": times.indices,
            "seconds": times.data,
        }
    )
    found: dict[str, npt.NDArray[np.float64]] = {}

    def ours() -> None:
        found["ours"] = demand_lost_by_closing(demand, times, limit_s=LIMIT_S, mask=everyone)

    # Those whose closing costs something are compared, so that zeros are not all that agrees.
    ours()
    chosen = np.argsort(-found["ours"], kind="stable")[:LOOP_CLOSINGS]

    def theirs() -> None:
        near = pairs[pairs["seconds"] <= LIMIT_S]
        before = demand[near["point"].unique()].sum()
        found["theirs"] = np.array(
            [
                before - demand[near.loc[near["station"] != station, "point"].unique()].sum()
                for station in chosen
            ]
        )

    mine, part = cost(ours, repeat=5), cost(theirs, repeat=3)
    check_equal(found["ours"][chosen], found["theirs"], 1e-6)
    row = compared(
        f"closing each of {stations:,} stations, {points:,} points, {len(pairs):,} pairs",
        f"pandas: each closed in turn ({LOOP_CLOSINGS} of {stations:,}, multiplied)",
        mine,
        scaled(part, stations / LOOP_CLOSINGS),
    )
    return row | {"largest_loss_per_h": float(found["ours"].max())}


def scaled(part: Cost, factor: float) -> Cost:
    """Return the cost of the whole where a part was run."""
    return Cost(part.wall_s * factor, part.cpu_s * factor)


def check_equal(ours: npt.ArrayLike, theirs: npt.ArrayLike, relative: float) -> None:
    """Stop where the two ways found other answers."""
    if not np.allclose(ours, theirs, rtol=relative, atol=1e-9):
        raise RuntimeError("The two ways found other answers.")
