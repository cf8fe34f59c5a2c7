"""``locator roads``: the road network in, and out again."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from locator import questions
from locator.cli.base import (
    DATUMS,
    FILE,
    CommandGroup,
    count,
    progress_bar,
    travel_option,
    with_travel,
    word,
)
from locator.questions import Box
from locator.schema import Datum
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.intake.roads import RoadsImport
    from locator.travel.lines import LineMapping

_SHOWN = 5


@click.group(cls=CommandGroup)
def roads() -> None:
    """Take riding times from the roads instead of from straight lines.

    \b
    Example:  locator roads import shaanxi-latest.osm.pbf
    """


@roads.command("import")
@click.argument("extract", type=FILE)
@word("--bbox", "W,S,E,N", questions.box, "Only roads that touch this box, in degrees.")
@click.option("--whole", is_flag=True, help="All of the extract; without, around the stations.")
@click.option("--map", "map_file", type=FILE, help="TOML that names a line layer's columns.")
@click.option("--class", "default_class", metavar="HIGHWAY", help="Of lines without a class.")
@click.option("--encoding", metavar="NAME", help="Of a Shapefile's texts, such as gb18030.")
@click.option("--split", is_flag=True, help="Cut lines where another ends on them.")
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True, help="Of a line layer.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def import_command(
    settings: Settings,
    extract: Path,
    bbox: Box | None,
    whole: bool,
    map_file: Path | None,
    default_class: str | None,
    encoding: str | None,
    split: bool,
    datum: str,
    as_json: bool,
) -> None:
    """Bring roads in: an OpenStreetMap extract (.osm.pbf), or a layer of lines.

    For a layer of lines give --map, --class, or both.

    Who rides is said by settings (LOCATOR_PROFILE, LOCATOR_RIDE_SPEED_KMH, …): after a change of
    them, import again. A running server takes new roads at its next answer.

    \b
    Example:  locator roads import shaanxi-latest.osm.pbf
    """
    from locator.intake.roads import import_roads
    from locator.store import open_store

    with open_store(settings.store) as store, progress_bar(extract.name) as progress:
        found = import_roads(
            settings,
            store,
            extract,
            bbox=bbox,
            whole=whole,
            mapping=_line_mapping(map_file, default_class, encoding, split),
            datum=Datum.parse(datum),
            progress=progress,
        )
    if as_json:
        report = asdict(found.roads.graph.report()) | {
            "travel": found.roads.describe(),
            "kept_in": str(found.path),
            "warnings": list(found.warnings),
            "stations_far": list(found.far),
            "stations_out_of_reach": list(found.out_of_reach),
        }
        click.echo(json.dumps(report, ensure_ascii=False, allow_nan=False))
    else:
        _tell(found)


@roads.command("calibrate")
@click.argument("rides", type=FILE)
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True)
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def calibrate_command(
    settings: Settings, rides: Path, datum: str, travel: str | None, as_json: bool
) -> None:
    """Compare timed rides with the model, and name the speed that tells them best.

    RIDES has the columns from_lon, from_lat, to_lon, to_lat, minutes. Nothing is changed.

    \b
    Example:  locator roads calibrate rides.csv
    """
    from locator.network import choose_travel
    from locator.register import read_table
    from locator.store import open_store
    from locator.study import RIDE_COLUMNS, calibrate

    with open_store(settings.store) as store:
        model = choose_travel(with_travel(settings, travel), store)
    found = calibrate(
        read_table(rides, columns=frozenset(RIDE_COLUMNS)),
        model,
        speed_kmh=settings.ride_speed_kmh,
        datum=Datum.parse(datum),
    )
    if as_json:
        click.echo(json.dumps(asdict(found), allow_nan=False))
        return
    click.echo(
        f"{count(found.rides, 'ride')}: the model is off by {found.error_before:.0%} (median); at "
        f"{found.speed_kmh:.1f} km/h it would be {found.error_after:.0%}."
    )
    if found.unreachable:
        click.echo(f"{count(found.unreachable, 'ride')} without a way in the model.", err=True)
    click.echo(
        f"To set it: LOCATOR_RIDE_SPEED_KMH={found.speed_kmh:.1f}, and import the roads again."
    )


@roads.command("remove")
@click.pass_obj
def remove_command(settings: Settings) -> None:
    """Go back to the straight line.

    \b
    Example:  locator roads remove
    """
    from locator.network import remove_roads
    from locator.store import open_store

    with open_store(settings.store) as store:
        there = remove_roads(store)
    click.echo(
        "Riding times are straight-line estimates again." if there else "There are no roads."
    )


def _line_mapping(
    file: Path | None, default_class: str | None, encoding: str | None, split: bool
) -> "LineMapping | None":
    """Return how a layer is read: what the file says, and what the options say over it."""
    from locator.travel.lines import LineMapping, read_line_mapping

    if file is None and default_class is None:
        return None
    mapping = read_line_mapping(file) if file else LineMapping()
    return replace(
        mapping,
        default_class=default_class or mapping.default_class,
        encoding=encoding or mapping.encoding,
        split=split or mapping.split,
    )


def _tell(found: "RoadsImport") -> None:
    report = found.roads.graph.report()
    click.echo(
        f"{count(report.nodes, 'junction')}, {count(report.edges, 'stretch')[:-1]}es of road, "
        f"{report.giant_share:.1%} of the kilometres in one network."
    )
    for name, km in sorted(report.km_by_class.items(), key=lambda item: -item[1]):
        click.echo(f"  {name}: {km:,.1f} km")
    for name, number in report.notes.items():
        if number:
            click.echo(f"  {name}: {number:,}")
    click.echo(f"Riding times from now on: {found.roads.describe()}.")
    for warning in found.warnings:
        click.echo(warning, err=True)
    for ids, words in (
        (found.out_of_reach, "out of reach of every road"),
        (found.far, "over 100 m from the nearest road; is the position right?"),
    ):
        if ids:
            some = ", ".join(ids[:_SHOWN]) + (", …" if len(ids) > _SHOWN else "")
            click.echo(f"{count(len(ids), 'station')} {words} {some}", err=True)
