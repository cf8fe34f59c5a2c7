"""What a build of hot zones leaves behind: layers, the cleaning report, the summary, and words."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import geopandas as gpd
import pyogrio

from locator.errors import InputError
from locator.hotzones import FoundZones
from locator.register import guard_cell
from locator.register.orders import OrderFault
from locator.study.hotzones_rows import Report

__all__ = ["ENDINGS", "BuildSummary", "build_lines", "check_ending", "reporting", "write_layers"]

CLEANING, SUMMARY = ".cleaning.csv", ".summary.json"
ENDINGS = (CLEANING, SUMMARY)
_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
_SHOWN = 5


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
    doubts: list[str]


def check_ending(out: Path) -> None:
    """Refuse an output whose ending is not known.

    Raises
    ------
    InputError
        It is neither .gpkg nor .geojson.
    """
    if out.suffix.lower() not in _DRIVERS:
        raise InputError(f"{out.name}: hot zones are written as .gpkg or .geojson.")


@contextmanager
def reporting(path: Path) -> Iterator[Report]:
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


def write_layers(path: Path, zones: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> None:
    """Write the layer ``hot_zones``, and in a GeoPackage ``cells`` beside it."""
    driver = _DRIVERS[path.suffix.lower()]
    options = {} if driver == "GPKG" else {"COORDINATE_PRECISION": "7", "RFC7946": "YES"}
    pyogrio.write_dataframe(
        zones,
        path,
        layer="hot_zones",
        driver=driver,
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        layer_options=options,
    )
    if driver == "GPKG":
        pyogrio.write_dataframe(
            cells, path, layer="cells", driver=driver, geometry_type="Polygon", append=False
        )


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
    return [*lines, *(f"Doubt: {doubt}" for doubt in summary["doubts"])]
