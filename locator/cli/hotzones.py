"""``locator hotzones`` and ``locator districts``: areas from data, and into the store."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import click

from locator import questions
from locator.cli.base import (
    DATUMS,
    FILE,
    CommandGroup,
    codes_of,
    count,
    progress_bar,
    read_columns,
    reading_options,
    word,
)
from locator.errors import LocatorError
from locator.schema import Datum, Provenance, ZoneKind
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.register import ReadOptions

_F = TypeVar("_F", bound=Callable[..., object])
_SHOWN = 10


@click.group(cls=CommandGroup)
def hotzones() -> None:
    """Build hot zones from orders or shops, and bring hot zones in."""


@hotzones.command("build")
@click.argument("points", type=FILE)
@click.option("--out", type=FILE, required=True, help="FILE.gpkg or .geojson.")
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True, help="Of the points.")
@click.option("--map", "map_file", type=FILE, help="TOML that names the file's columns.")
@click.option(
    "--resolution", type=int, default=9, show_default=True, help="Of the H3 cells; 8 is coarser."
)
@click.option("--k", type=int, default=10, show_default=True, help="Fewest rows ever shown.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="False-discovery rate.")
@click.option(
    "--test",
    type=click.Choice(["shuffled", "normal"]),
    default="shuffled",
    show_default=True,
    help="What significance is judged by; normal is PySAL's analytic p.",
)
@click.option(
    "--hour-of",
    type=click.Choice(["time", "end_time"]),
    default="time",
    show_default=True,
    help="Which of two times counts.",
)
@click.option("--no-times", is_flag=True, help="Take the points without times.")
@word("--from", "ISO", questions.hour, "First hour that counts, local time.", to="since")
@word("--until", "ISO", questions.hour, "First hour that no longer counts.")
@click.option(
    "--profile",
    default="flat",
    show_default=True,
    metavar="flat|store|FILE",
    help="Without times: the week assumed. FILE is JSON, 168 shares from Monday 00:00.",
)
@click.option("--anywhere", is_flag=True, help="Also points outside the store's districts.")
@click.option("--swap", is_flag=True, help="Mend exchanged longitude and latitude.")
@click.option("--keep-identical", is_flag=True, help="Count rows that are the same in every cell.")
@word("--kind", codes_of(ZoneKind), questions.code(ZoneKind), default="other")
@word(
    "--provenance",
    codes_of(Provenance),
    questions.code(Provenance),
    "Of the zones; unknown by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary.")
@click.pass_obj
def build(
    settings: Settings,
    points: Path,
    out: Path,
    datum: str,
    map_file: Path | None,
    resolution: int,
    k: int,
    alpha: float,
    test: str,
    hour_of: str,
    no_times: bool,
    since: datetime | None,
    until: datetime | None,
    profile: str,
    anywhere: bool,
    swap: bool,
    keep_identical: bool,
    kind: ZoneKind,
    provenance: Provenance | None,
    as_json: bool,
) -> None:
    """Find where orders or shops cluster, and write the clusters as hot zones.

    POINTS is a CSV, XLSX, GeoJSON or GeoPackage with columns lon, lat and, if you have them, time,
    end_time, id, weight. Beside the output, .cleaning.csv lists every row left out (it holds the
    cells at fault: keep it with the file, not with the zones), .summary.json what all rests on.

    \b
    Example:  locator hotzones build orders.csv --datum gcj02 --out zones.gpkg
              locator hotzones build shops.csv --k 1 --resolution 8 --profile store --out z.gpkg
    """
    from locator.study.hotzones import BuildOptions, build_hot_zones, build_lines

    options = BuildOptions(
        datum=Datum.parse(datum),
        mapping=read_columns(map_file, ()),
        resolution=resolution,
        k=k,
        alpha=alpha,
        normal=test == "normal",
        hour_of=None if no_times else hour_of,
        since=since,
        until=until,
        profile=profile,
        anywhere=anywhere,
        swap=swap,
        keep_identical=keep_identical,
        kind=kind,
        provenance=provenance,
    )
    with progress_bar(points.name) as progress:
        summary, found = build_hot_zones(settings, points, out, options, progress=progress)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    for line in build_lines(summary, found):
        click.echo(line)
    if not summary["zones"]:
        click.echo(f"No cluster stands out from chance; {out} has no zone to import.")
        return
    click.echo(f"The zones are in {out}; 'locator hotzones import {out} --mode replace' puts them")
    click.echo("in the place of the store's.")


def _import_options(command: _F) -> _F:
    """Add what an import of areas can be told, but ``--json``."""
    for option in (
        reading_options,
        click.option("--rejected", type=FILE, help="CSV for rejected rows; the rest is taken."),
        click.option(
            "--mode",
            type=click.Choice(["merge", "replace"]),
            help="merge: what is not in the file stays; replace: it goes. To be said if any is.",
        ),
        click.option("--dry-run", is_flag=True, help="Check only; write nothing."),
        click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill cells."),
        click.option("--map", "map_file", type=FILE, help="TOML that names foreign columns."),
        click.option("--datum", type=DATUMS, default="wgs84", show_default=True),
    ):
        command = option(command)
    return command


@hotzones.command("import")
@click.argument("file", type=FILE)
@_import_options
@click.pass_obj
def import_zones(settings: Settings, /, file: Path, **options: object) -> None:
    """Bring hot zones of a file into the store.

    A GeoPackage, Shapefile, KML or GeoJSON with columns id, name, kind, demand_per_h (编号, 名称,
    类型, 每小时需求) and, if you have it, profile. A row that is no valid area stops the import,
    unless --rejected says where such rows go.

    \b
    Example:  locator hotzones import zones.gpkg --mode replace
              locator hotzones import zones.shp --crs EPSG:4545 --set kind=other --dry-run
    """
    _import_areas(settings, file, "hot_zones", "Hot zones", **cast("dict[str, Any]", options))


@click.group(cls=CommandGroup)
def districts() -> None:
    """Bring the city's districts in."""


@districts.command("import")
@click.argument("file", type=FILE)
@_import_options
@click.pass_obj
def import_districts(settings: Settings, /, file: Path, **options: object) -> None:
    """Bring districts of a file into the store.

    A GeoPackage, Shapefile, KML or GeoJSON with columns id and name (编号, 名称).

    \b
    Example:  locator districts import districts.geojson --dry-run
    """
    _import_areas(settings, file, "districts", "Districts", **cast("dict[str, Any]", options))


def _import_areas(
    settings: Settings,
    file: Path,
    layer: str,
    title: str,
    *,
    datum: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    mode: Literal["merge", "replace"] | None,
    dry_run: bool,
    rejected: Path | None,
    reading: "ReadOptions",
) -> None:
    from locator.intake import import_areas
    from locator.store import open_store

    with open_store(settings.store) as store:
        done = import_areas(
            store,
            file,
            layer,
            datum=Datum.parse(datum),
            mapping=read_columns(map_file, fill),
            options=reading,
            mode=mode,
            dry_run=dry_run,
            rejected=rejected,
            actor=f"locator {title.lower().replace(' ', '')} import",
        )
    for item in done.rejected[:_SHOWN]:
        for fault in item.faults:
            words = f"row {fault.row}, {fault.column} {fault.value!r}: {fault.reason}"
            click.echo(f"Rejected: {words}", err=True)
    if len(done.rejected) > _SHOWN:
        click.echo(f"Rejected: {count(len(done.rejected), 'row')} in all", err=True)
    if done.unread_columns:
        click.echo(f"Columns that were not read: {', '.join(done.unread_columns)}", err=True)
    for warning in done.warnings:
        click.echo(f"Is the datum right? {warning}", err=True)
    told = f"{len(done.new)} new, {len(done.changed)} changed, {len(done.removed)} removed"
    if done.refused:
        raise LocatorError(f"Nothing was written. {done.refused}")
    click.echo(f"{title}: {told}." if done.written else f"Dry run, nothing written: {told}.")
