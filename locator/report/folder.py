"""A study's folder, as the study writes it and a report reads it: its files, tables and columns.

A gap study: ``summary.json`` (:class:`Summary`), ``tables.json`` (as ``locator/study/tables.py``
makes them), ``summary.csv``, ``gaps.gpkg`` and ``gaps.geojson``, and ``rejected.csv`` where demand
points were rejected.

A siting study: ``summary.json`` (:class:`SiteSummary`), ``tables.json`` (the tables of
:data:`TABLES_OF`), ``sites.csv`` (the table ``sites``), ``sites.geojson``, ``sites.gpkg``
(:data:`LAYERS_OF` and :data:`BACKGROUND_LAYERS`), ``certificate.npz`` (:data:`CERTIFICATE_ARRAYS`;
not for p-center and capacitated cover, whose bound is the solver's), ``rejected.csv`` and
``rejected_candidates.csv`` where rows were rejected.

Where moments are compared, the folder holds one such folder a moment, ``at-2026-11-23T1200``, and
``comparison.json`` (:class:`Comparison`) and ``comparison.csv`` with :data:`COMPARISON_COLUMNS`.

The report of each (``report.html``, ``report.docx``, ``tables.xlsx``, ``figures``) follows from the
folder alone; see :func:`locator.report.write_report`. :mod:`locator.report.reading` reads it back.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

# The contract's number: it goes up when what is written there, or what it means, changes.
# A folder without one was written before there was a number, and counts as 1.
FOLDER_VERSION = 1

MANIFEST, TABLES, REJECTED = "summary.json", "tables.json", "rejected.csv"
MAP_PAGE, MAP_PICTURE = "map.html", "map.png"
PAGE, DOCUMENT, WORKBOOK, FIGURES = "report.html", "report.docx", "tables.xlsx", "figures"
REPORT_FILES = (PAGE, DOCUMENT, WORKBOOK, FIGURES)
GAPS_CSV, GAPS_GEOJSON, GAPS_LAYERS = "summary.csv", "gaps.geojson", "gaps.gpkg"
SITES_CSV, SITES_GEOJSON, SITES_LAYERS = "sites.csv", "sites.geojson", "sites.gpkg"
CERTIFICATE, REJECTED_CANDIDATES = "certificate.npz", "rejected_candidates.csv"
COMPARISON, COMPARISON_CSV = "comparison.json", "comparison.csv"
_OF_ANY = {MANIFEST, TABLES, REJECTED, MAP_PAGE, MAP_PICTURE, *REPORT_FILES}
GAPS_FILES = frozenset({GAPS_CSV, GAPS_GEOJSON, GAPS_LAYERS} | _OF_ANY)
SITES_FILES = frozenset(
    {SITES_CSV, SITES_GEOJSON, SITES_LAYERS, CERTIFICATE, REJECTED_CANDIDATES} | _OF_ANY
)
COMPARISON_FILES = frozenset({COMPARISON, COMPARISON_CSV, *REPORT_FILES})

# One row a chosen option, the one that adds most first. What does not exist is null.
SITE_COLUMNS = (
    "rank",
    "id",  # of the candidate, or of the station that is changed
    "name",
    "option",  # new_post, extend_hours, add_service, add_service_and_hours, add_cabinet
    "origin",  # grid, road grid, candidate, place, station
    "host",
    "lon",
    "lat",
    "place",  # the nearest one of the store
    "place_m",
    "district_id",
    "district_name",
    "cost",
    "hours",  # in which it serves, or to which the station is extended
    "gain",  # demand it covers beside those ranked before it; they add up to what all add
    "gain_share",  # of the whole demand
    "gain_alone",  # if it were the only one
    "lost_if_dropped",  # what only it covers
    "serves",  # demand that goes to it rather than elsewhere; null for a week and for options
    "zone_name",  # where most of the gain lies
    "zone_share",
    "reason",  # why that demand is uncovered today, locator.coverage.Reason
    "reason_share",
    "then_station_id",  # the station near enough to most of it that is closed, or unknown, then
    "then_station_name",
    "then_station_hours",
    "nearest_station_id",  # of those that count whatever their hours, from the site
    "nearest_station_name",
    "nearest_ride_s",
    "gain_hours",  # in which it gains, such as Mo-Fr 18:00-22:00; null without a week
    "kept_share",  # of the varied runs in which it was chosen again; null where none were made
    "why_zh",
    "why_en",
)
# One row a site of either moment; "other_" is the second one. Demand: within the standard of it.
COMPARISON_COLUMNS = (
    "at", "other_at", "id", "name", "option", "rank", "other_rank",
    "demand", "covered", "uncovered", "stations_open",
    "other_demand", "other_covered", "other_uncovered", "other_stations_open",
    "open_only_then", "open_only_other", "why_zh", "why_en",
)  # fmt: skip
TABLES_OF = MappingProxyType(
    {
        "sites": SITE_COLUMNS,
        # Coverage against the number or the budget; bound: no selection of that limit covers more.
        "curve": (
            "by",  # new, budget
            "nested",  # true: what was chosen first stays
            "limit",
            "covered",
            "covered_share",
            "added",
            "marginal",
            "bound",
            "gap_added",
            "ids",  # chosen, joined with ;
        ),
        # How often a site stays chosen, and a row for each that another run chose instead.
        "sensitivity": (
            "id",
            "name",
            "chosen",  # whether the answer has it
            "runs",
            "kept",
            "kept_share",
            "kept_share_speed",
            "kept_share_demand",
            "kept_share_threshold",
        ),
        # What each adds in each hour of the week, 0 is Monday 00:00; only where it adds something.
        "hours": ("rank", "id", "hour", "gain"),
        # Demand, what is covered before and after, by district and by hot zone.
        "areas": ("level", "id", "name", "demand", "covered_before", "covered_after"),
    }
)
LAYERS_OF = MappingProxyType(
    {
        "chosen": SITE_COLUMNS,
        "candidates": (
            "id", "name", "origin", "host", "cost", "capacity",
            "district_id", "district_name", "place", "place_m", "provenance", "chosen",
        ),
        # Demand points; before and after: the share of its demand that is covered.
        "demand": ("demand", "before", "after", "zone_name", "district_name"),
        # Where demand points are covered for more of their demand than before, and for less than
        # half of it after all; squares of the sampling, cut to the hot zones.
        "newly_covered": ("demand",),
        "uncovered": ("demand",),
    }
)  # fmt: skip
# What the maps stand on, with the columns of the store; as in a gap study's layers.
BACKGROUND_LAYERS = (
    # And ``counted``: it counts and is open at the hour (in the week: at some time); ``eligible``:
    # it would count if it were open; ``state`` at the moment, where one was asked for.
    "stations",
    "hot_zones",  # not where points were measured; demand_per_h of the hour, of the week its mean
    "districts",
    "places",
)
# With A = csr(data, indices, indptr), G likewise, r as in locator.siting.Certificate.
CERTIFICATE_ARRAYS = (
    "kind", "baseline", "shape", "indptr", "indices", "data", "first", "second", "rows", "rules",
    "rule_shape", "rule_indptr", "rule_indices", "rule_data", "right", "low", "high", "prices",
    "share", "target",
)  # fmt: skip

Cell = str | int | float | bool | None


def number(cell: Cell) -> float | None:
    """Return a cell's number; None where it is no finite number."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    return float(cell) if math.isfinite(cell) else None


class PlainTable(TypedDict):
    """A table as JSON holds it; what is unknown or does not exist is null."""

    columns: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Table:
    """A table as a report reads it: columns by name, and rows of plain cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def records(self) -> Iterator[dict[str, Cell]]:
        """Yield the rows with their columns' names."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def numbers(self, column: str) -> list[float | None]:
        """Return a column's numbers; none where there is no such column."""
        return [number(record.get(column)) for record in self.records()]


class Origin(TypedDict):
    """What a study was made of, when, by which program and model."""

    folder_version: int  # FOLDER_VERSION of the locator that wrote it
    title: str
    made_at: str
    program: str
    illustrative: bool
    data_hash: str
    data_version: str
    as_of: str | None
    travel: str
    network: str  # digest of what the roads were read from; empty as the crow flies
    credit: str  # whose roads they are, where somebody is owed a notice
    hours: str


class Made(Origin):
    """What the manifest of every study says."""

    stations_counted: int
    stations_services_unknown: int | None  # null where no service or host is asked for
    demand: str
    demand_rests_on: list[str]  # what hot zones that were built assumed; a sentence a build
    rejected_points: int
    notes: list[str]
    settings: dict[str, str | float | int]


class Result(TypedDict):
    """One standard's totals; what does not exist is null."""

    standard: str
    limit_s: float
    demand_per_h: float
    covered_demand_per_h: float
    covered_share: float | None
    covered_share_if_unknown_open: float | None
    covered_share_if_unknown_offered: float | None  # null where no service or host is asked for
    covered_share_straight_line: float | None  # for comparison, where times are along roads
    area_m2: float | None
    covered_area_m2: float | None
    covered_area_exact_m2: float | None
    gaps: int
    unserved_demand_per_h: float


class WeekTotals(TypedDict):
    """The first standard over a whole week."""

    monday: str
    standard: str
    covered_share: float | None
    possible_share: float | None
    offered_share: float | None  # the most, with unknown services granted too; as of Result
    always_share: float | None
    lost_to_hours: float | None
    worst_hour: int | None
    worst_unserved_per_h: float


class Sampling(TypedDict):
    """How polygons were turned into points for the tables, and what that changes."""

    points: int
    cell_m: float
    covered_share: float | None  # of the first standard, to hold against the polygons'


class Summary(Made):
    """The manifest of a gap study: what was run, and the totals."""

    stations_hours_unknown: int | None  # null where opening hours are not considered
    filter: dict[str, list[str]]
    demand_unit: str  # orders an hour, the weight of points, or points
    results: list[Result]
    week: WeekTotals | None
    sampling: Sampling
    scenario: dict[str, str | list[str]] | None
    before: list[Result]
    warnings: list[str]  # what a reader must see first


class SiteFigures(TypedDict):
    """What was reached, and how good it is known to be; what does not exist is null.

    ``objective``, ``baseline`` and ``bound`` are demand covered in ``unit`` (mclp; backup counts a
    second cover half; capacitated: demand served), cost (lscp), mean seconds (p-median) or the
    longest seconds (p-center). ``gap_added`` is the share of what could be added at best that may
    be missing. ``proof``: ``certificate`` (anybody recomputes the bound) or ``solver``.
    """

    model: str
    unit: str
    minutes: float
    demand: float
    covered_before: float
    covered_after: float
    covered_share_before: float | None
    covered_share_after: float | None
    mean_s_before: float | None
    mean_s_after: float | None
    objective: float
    baseline: float | None
    added: float | None
    bound: float
    gap: float
    gap_added: float
    status: str
    proof: str
    certificate_bound: float | None
    stopped: str
    chosen: int
    cost: float | None
    candidates: int
    demand_points: int
    seconds: dict[str, float]


class Asked(TypedDict):
    """What a report reads of the question; the rest is for who asks it again."""

    model: str
    minutes: float
    new: int | None
    budget: float | None
    share: float | None
    at: str | None
    hourly: bool
    week_of: str | None
    services: list[str]
    kinds: list[str]
    candidates: str
    spacing_m: float
    forced_in: list[str]
    forced_out: list[str]
    apart_m: float
    existing: bool
    hours: str | None
    runs: int
    seed: int


class SiteSummary(Made):
    """The manifest of a siting study: what was asked, and the figures."""

    stations_hours_unknown: int
    question: dict[str, object]
    figures: SiteFigures
    rejected_candidates: int


class Comparison(TypedDict):
    """One question at several moments: ``comparison.json``."""

    folder_version: int
    moments: list[str]
    folders: list[str]
    table: PlainTable
    summaries: list[SiteSummary]
