"""Hot zones from a file of orders or shops: a layer and its cleaning report, or nothing."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator import __version__, register
from locator.coverage.demand import HOURS_OF_WEEK, zone_demand
from locator.errors import InputError
from locator.hotzones import FoundZones, ZoneNames, ZoneRules, find_zones
from locator.network import road_distances
from locator.paths import refuse_store, written_together
from locator.register import guard_cell
from locator.register.columns import open_columns
from locator.register.orders import ORDER_FIELDS, WEIGHT_UNITS, OrderFault, OrderRules
from locator.schema import Datum, Provenance, ZoneKind, drop_unusable
from locator.service import read_rules, utc_now
from locator.settings import Settings
from locator.store import Store, open_store
from locator.study.folder import write_geojson, write_layer, writing
from locator.study.hotzones_rows import Gathered, Gathering, Report, gather
from locator.study.maps import settings_language
from locator.study.zone_source import zone_source

CLEANING, SUMMARY = ".cleaning.csv", ".summary.json"
ENDINGS = (CLEANING, SUMMARY)
_SHOWN = 5
_MANY_SUPPRESSED = 0.2
_FINEST, _COARSEST = 11, 5


@dataclass(frozen=True)
class BuildOptions:
    """How hot zones are built; every one is a choice of the caller's.

    Attributes
    ----------
    datum, mapping
        Of the file.
    resolution
        Of the H3 cells: with 9, a cell and its neighbours have 0.7 km², a business district.
    k, alpha, normal
        As :class:`locator.hotzones.ZoneRules`.
    hour_of
        ``time`` (the default: when the rider is sent), ``end_time``, or None for no times.
    since, until
        Whole hours of what counts, local time and without a zone; None is as far as the file goes.
    profile
        Where there are no times: ``flat``, ``store`` (the mean of the store's hot zones), or a
        JSON file of 168 shares.
    anywhere
        Count points outside the store's districts too.
    swap, keep_identical
        Mend exchanged coordinates; count identical rows each by itself.
    """

    datum: Datum = Datum.WGS84
    mapping: register.Mapping | None = None
    resolution: int = 9
    k: int = 10
    alpha: float = 0.05
    normal: bool = False
    hour_of: str | None = "time"
    since: datetime | None = None
    until: datetime | None = None
    profile: str = "flat"
    anywhere: bool = False
    swap: bool = False
    keep_identical: bool = False
    kind: ZoneKind = ZoneKind.OTHER
    provenance: Provenance | None = None
    piece_rows: int = 10_000


class BuildSummary(TypedDict):
    """What was built, from what, with which settings; what does not exist is null."""

    title: str
    made_at: str
    program: str
    file: str
    data_hash: str
    datum: str
    demand: str
    since: str | None
    until: str | None
    hours: int | None
    days_with_rows: int | None
    rows_read: int
    rows_left_out: dict[str, int]
    rows_repaired: int
    rows_used: int
    rows_suppressed: int
    suppressed_share: float
    k: int
    resolution: int
    cells_compared: int
    cells_shown: int
    cells_significant: int
    alpha: float
    test: str
    p_below: float
    zones: int
    zones_without_hours: int | None
    demand_per_h: float
    demand_share_in_zones: float  # of what may be shown
    rows_in_zones: int
    rows_share_in_zones: float  # of all rows that count
    warnings: list[str]


@dataclass(frozen=True)
class _City:
    """What the store knows of the place; rows that cannot be used name nothing."""

    districts: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    hot_zones: gpd.GeoDataFrame


def build_hot_zones(
    settings: Settings,
    points: Path,
    out: Path,
    options: BuildOptions,
    *,
    clock: Callable[[], datetime] = utc_now,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[BuildSummary, FoundZones]:
    """Build hot zones from a file of orders or shops.

    ``out`` (.gpkg or .geojson) has the layer ``hot_zones``, and in a GeoPackage ``cells``; beside
    it ``.cleaning.csv`` lists every row left out, and ``.summary.json`` says what all rests on. The
    three appear together or not at all.

    Raises
    ------
    InputError
        The file or an option is wrong, or nothing in it can be shown.
    StudyError
        The place cannot be written.
    """
    _check(points, out, options)
    now = clock().astimezone(read_rules(settings).timezone)
    with open_store(settings.store) as store:
        _, stored = store.read_all("districts", "places", "hot_zones")
        city = _City(**{layer: drop_unusable(frame, layer)[0] for layer, frame in stored.items()})
        asked = _gathering(settings, store, city, options, now)
    shares, assumed = _read_profile(options.profile, city)
    with writing(out), written_together(out, ENDINGS) as draft:
        with (
            _reporting(draft.with_suffix(CLEANING)) as report,
            open_columns(points, columns=_names(options.mapping)) as table,
        ):
            gathered = gather(table, asked, report, progress=lambda s: progress(0.9 * s))
        rules = _zone_rules(options, gathered, shares)
        names = ZoneNames(city.places, city.districts, settings_language(settings))
        found = find_zones(gathered.cells, rules, names)
        demand = _demand_words(gathered, options, assumed)
        summary = _summarise(points, options, gathered, found, demand, now)
        _write_layers(draft, _with_source(found.zones, summary, options), found.cells)
        text = json.dumps(summary, ensure_ascii=False, indent=2, allow_nan=False)
        draft.with_suffix(SUMMARY).write_text(text + "\n", encoding="utf-8")
    progress(1.0)
    return summary, found


def _check(points: Path, out: Path, options: BuildOptions) -> None:
    if out.suffix.lower() not in {".gpkg", ".geojson"}:
        raise InputError(f"{out.name}: hot zones are written as .gpkg or .geojson.")
    for path in (out, *(out.with_suffix(ending) for ending in ENDINGS)):
        refuse_store(path)
        if path.resolve() == points.resolve():
            raise InputError(f"{points} would be written over; name another --out.")
    if not _COARSEST <= options.resolution <= _FINEST:
        raise InputError(
            f"--resolution must lie between {_COARSEST} (250 km² a cell) and {_FINEST} (0.002 km²)."
        )
    if options.k < 1:
        raise InputError("--k must be 1 or more; with 1 nothing is suppressed.")
    if not 0 < options.alpha < 1:
        raise InputError("--alpha must lie between 0 and 1, such as 0.05.")


def _names(mapping: register.Mapping | None) -> frozenset[str]:
    mapped = mapping.columns.values() if mapping else ()
    return frozenset([*mapped, *ORDER_FIELDS, *ORDER_FIELDS.values()])


def _gathering(
    settings: Settings, store: Store, city: _City, options: BuildOptions, now: datetime
) -> Gathering:
    districts = city.districts.iloc[:0] if options.anywhere else city.districts
    box = None
    if len(districts):
        west, south, east, north = (float(value) for value in districts.total_bounds)
        box = (west, south, east, north)
    zone = read_rules(settings).timezone
    return Gathering(
        rules=OrderRules(
            datum=options.datum,
            timezone=zone,
            now=np.datetime64(now.replace(tzinfo=None), "s"),
            box=box,
            repair_swapped=options.swap,
            hour_of=options.hour_of,
        ),
        resolution=options.resolution,
        districts=districts,
        since=_seconds(options.since),
        until=_seconds(options.until),
        keep_identical=options.keep_identical,
        mapping=options.mapping,
        road_distance_m=road_distances(settings, store) if len(districts) else None,
        piece_rows=options.piece_rows,
    )


def _seconds(moment: datetime | None) -> np.datetime64 | None:
    return None if moment is None else np.datetime64(moment, "s")


def _read_profile(text: str, city: _City) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Return the profile assumed where there are no times, and its name."""
    if text == "flat":
        return None, "flat"
    if text == "store":
        return _store_profile(city.hot_zones), "the mean of the store's hot zones"
    path = Path(text)
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"--profile {text}: cannot be read ({error.strerror or error}); it is flat, store or a "
            "JSON file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"--profile {path.name} is not JSON: {error}.") from error
    good = isinstance(value, list) and all(type(share) in {int, float} for share in value)
    zones = pd.DataFrame({"id": [path.name], "demand_per_h": [1.0], "profile": [value]})
    if not good:
        raise InputError(f"--profile {path.name} is not a list of {HOURS_OF_WEEK} numbers.")
    zone_demand(gpd.GeoDataFrame(zones), hour=0)
    shares = np.array(value, dtype=np.float64)
    return shares / shares.sum(), path.name


def _store_profile(zones: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    hours = [zone_demand(zones, hour=hour).sum() for hour in range(HOURS_OF_WEEK)]
    shares = np.array(hours, dtype=np.float64)
    if not shares.sum() > 0:
        raise InputError("--profile store: the store has no hot zones with demand.")
    return np.asarray(shares / shares.sum())


def _zone_rules(
    options: BuildOptions, gathered: Gathered, shares: npt.NDArray[np.float64] | None
) -> ZoneRules:
    return ZoneRules(
        k=options.k,
        alpha=options.alpha,
        normal=options.normal,
        unit=WEIGHT_UNITS,
        span=gathered.span,
        shares=shares if gathered.span is None else None,
        kind=options.kind,
    )


def _demand_words(gathered: Gathered, options: BuildOptions, assumed: str) -> str:
    weighted = "weight" in gathered.columns or "demand_per_h" in gathered.columns
    if gathered.span is not None:
        hour = "the time" if options.hour_of == "time" else "the end_time"
        return f"{'weighted orders' if weighted else 'orders'} at the hour of {hour}"
    amount = "the file's demand per hour" if weighted else "1 an hour each, assumed"
    return f"by shop or point, {amount}; profile assumed: {assumed}"


def _summarise(
    points: Path,
    options: BuildOptions,
    gathered: Gathered,
    found: FoundZones,
    demand: str,
    now: datetime,
) -> BuildSummary:
    span = gathered.span
    hidden = found.rows - found.rows_shown
    curve = "normal curve" if options.normal else "values shuffled"
    return BuildSummary(
        title="Hot zones from data",
        made_at=now.isoformat(timespec="seconds"),
        program=f"locator {__version__}",
        file=points.name,
        data_hash=_digest(points),
        datum=options.datum.value,
        demand=demand,
        since=None if span is None else str(span.since),
        until=None if span is None else str(span.until),
        hours=None if span is None else span.hours,
        days_with_rows=None if span is None else gathered.days_with_rows,
        rows_read=gathered.read,
        rows_left_out=gathered.left_out,
        rows_repaired=gathered.repaired,
        rows_used=found.rows,
        rows_suppressed=hidden,
        suppressed_share=hidden / found.rows,
        k=options.k,
        resolution=options.resolution,
        cells_compared=found.area_cells,
        cells_shown=len(found.cells),
        cells_significant=found.significant_cells,
        alpha=options.alpha,
        test=f"Gi*, two-sided, {curve}, false-discovery rate {options.alpha:g}",
        p_below=found.threshold,
        zones=len(found.zones),
        zones_without_hours=None if span is None else found.pools.count(1),
        demand_per_h=float(found.zones["demand_per_h"].sum()),
        demand_share_in_zones=found.demand_share,
        rows_in_zones=found.rows_in_zones,
        rows_share_in_zones=found.rows_in_zones / found.rows,
        warnings=[*gathered.warnings, *_suppression_warnings(hidden / found.rows)],
    )


def _suppression_warnings(share: float) -> list[str]:
    if share <= _MANY_SUPPRESSED:
        return []
    return [
        f"{share:.0%} of the rows are suppressed: take a coarser --resolution, or a lower --k if "
        "the points are public."
    ]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _with_source(
    zones: gpd.GeoDataFrame, summary: BuildSummary, options: BuildOptions
) -> gpd.GeoDataFrame:
    source = zone_source(
        file=summary["file"],
        data_hash=summary["data_hash"],
        when=f"{summary['since']} to {summary['until']}" if summary["since"] else "",
        demand=summary["demand"],
        test=f"H3 {summary['resolution']}, {summary['test']}",
        k=summary["k"],
        rows=summary["rows_used"],
        rows_in_zones=summary["rows_in_zones"],
    )
    provenance = options.provenance.value if options.provenance else None
    texts = {"provenance": provenance, "source": source}
    return zones.assign(
        **{name: pd.Series([text] * len(zones), dtype=object) for name, text in texts.items()}
    )


@contextmanager
def _reporting(path: Path) -> Iterator[Report]:
    """Give a function that adds findings to the cleaning report, a CSV.

    It holds row numbers and the cells at fault, so it belongs with the file that was read, not
    with the zones.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "reason", "column", "value", "what"])

        def report(fault: OrderFault) -> None:
            cells = (fault.row or "", fault.reason.value, fault.column, fault.value, fault.words)
            writer.writerow([guard_cell(cell) for cell in cells])

        yield report


def _write_layers(path: Path, zones: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> None:
    """Write the layer ``hot_zones``, and in a GeoPackage ``cells`` beside it."""
    if path.suffix.lower() == ".geojson":
        write_geojson(path, "hot_zones", zones, "MultiPolygon")
        return
    write_layer(path, "hot_zones", zones, "MultiPolygon")
    write_layer(path, "cells", cells, "Polygon")


def build_lines(summary: BuildSummary, found: FoundZones) -> Sequence[str]:
    """Say in words what was built."""
    left_out = ", ".join(f"{rows:,} {reason}" for reason, rows in summary["rows_left_out"].items())
    lines = [
        f"{summary['rows_read']:,} rows read, {summary['rows_used']:,} used; "
        f"left out: {left_out or 'none'}."
    ]
    if summary["rows_repaired"]:
        lines.append(f"{summary['rows_repaired']:,} had longitude and latitude exchanged; mended.")
    if summary["since"] is not None:
        lines.append(
            f"From {summary['since']} to {summary['until']}, {summary['hours']:,} hours; rows on "
            f"{summary['days_with_rows']:,} days."
        )
    lines.append(f"Demand: {summary['demand']}.")
    if summary["k"] > 1:
        lines.append(
            f"{summary['suppressed_share']:.1%} of the rows are suppressed, so that nothing shown "
            f"rests on fewer than {summary['k']}."
        )
    lines.append(
        f"{summary['cells_compared']:,} cells compared; {summary['cells_significant']:,} are "
        f"significantly high ({summary['test']}: p < {summary['p_below']:.2g}) and make "
        f"{summary['zones']:,} zones with {summary['demand_share_in_zones']:.0%} of the demand "
        "shown."
    )
    if summary["zones_without_hours"]:
        lines.append(
            f"{summary['zones_without_hours']:,} zones have too few rows to tell hours apart: "
            "their profile is flat."
        )
    for name, demand in found.zones[["name", "demand_per_h"]].head(_SHOWN).itertuples(index=False):
        lines.append(f"  {name}: {demand:,.1f} per hour")
    return [*lines, *(f"Doubt: {warning}" for warning in summary["warnings"])]
