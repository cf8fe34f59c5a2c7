"""``locator hotzones``: hot zones from data, and into the store."""

import json
from pathlib import Path

import click

from locator.cli.base import (
    DATUMS,
    FILE,
    CommandGroup,
    EnumType,
    progress_bar,
    read_columns,
)
from locator.schema import Datum, Provenance, ZoneKind
from locator.settings import Settings

__all__ = ["hotzones"]


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
@click.option("--from", "since", metavar="ISO", help="First hour that counts, local time.")
@click.option("--until", metavar="ISO", help="First hour that no longer counts.")
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
@click.option("--kind", type=EnumType(ZoneKind), default="other", show_default=True)
@click.option("--provenance", type=EnumType(Provenance), help="Of the zones; unknown by default.")
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
    since: str | None,
    until: str | None,
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
    from locator.study.hotzones import BuildOptions, build_hot_zones
    from locator.study.hotzones_output import build_lines

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
    click.echo(f"The zones are in {out}; 'locator hotzones import {out}' takes them in.")


@hotzones.command("import")
@click.argument("file", type=FILE)
@click.pass_obj
def import_zones(settings: Settings, file: Path) -> None:
    """Put hot zones from a file in the place of the store's.

    Anything GDAL reads, with its datum; columns id, name, kind, demand_per_h and, if you have
    it, profile.

    \b
    Example:  locator hotzones import zones.gpkg
    """
    from locator.intake import import_hot_zones
    from locator.store import open_store

    with open_store(settings.store) as store:
        done = import_hot_zones(store, file, actor="locator hotzones import")
    click.echo(f"Hot zones: {done.inserted} new, {done.updated} changed, {done.removed} removed.")
