"""``locator nearest``, ``route``, ``gaps`` and ``report``: what the store is asked."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from locator import questions
from locator.cli.base import (
    AS_OF,
    DATUMS,
    FILE,
    FOLDER,
    KIND,
    SERVICE,
    NumbersCommand,
    codes_of,
    opened,
    progress_bar,
    read_as,
    read_columns,
    read_local,
    reading_options,
    travel_option,
    with_travel,
    word,
)
from locator.schema import Amenity, Datum, Kind, Language, Weather
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.register import ReadOptions

_F = TypeVar("_F", bound=Callable[..., object])


def _position(command: _F) -> _F:
    lat = click.argument("lat", callback=read_as(questions.lat))
    return click.argument("lon", callback=read_as(questions.lon))(lat(command))


@click.command(cls=NumbersCommand)
@_position
@word("-k", "INTEGER", questions.whole(1, 1000), "How many, at most 1,000.", default="5")
@KIND
@SERVICE
@click.option("--or-unknown", is_flag=True, help="List stations of unknown services, too.")
@click.option("--platform", help="Only stations for this platform's riders, such as meituan.")
@word("--at", "ISO", read_local, "Moment of leaving, local time; now by default.")
@word(
    "--open",
    "[any|known|yes]",
    questions.choice("any", "known", "yes"),
    "By the state on arrival: any; known: not closed; yes: surely open.",
    to="rule",
    default="any",
)
@click.option("--all-night", is_flag=True, help="Only those surely open from 00:00 to 06:00.")
@word(
    "--weather",
    codes_of(Weather),
    questions.code(Weather),
    "What helps in it counts as nearer; nothing is left out.",
    default="none",
)
@word(
    "--toward",
    "LON LAT",
    questions.place,
    "Where you go next: what adds least to that ride comes first.",
    nargs=2,
)
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print GeoJSON, as /api/nearest does.")
@click.pass_obj
def nearest(
    settings: Settings,
    lon: float,
    lat: float,
    k: int,
    kinds: tuple[Kind, ...],
    services: tuple[Amenity, ...],
    or_unknown: bool,
    platform: str | None,
    at: datetime | None,
    rule: str,
    all_night: bool,
    weather: Weather,
    toward: tuple[float, float] | None,
    travel: str | None,
    as_json: bool,
) -> None:
    """List the nearest stations to a place (WGS-84, longitude first).

    \b
    Example:  locator nearest 107.1489 34.3692 -k 3 --service hot_water --open yes
              locator nearest 107.1489 34.3692 --toward 107.20 34.36 --weather cold
    """
    from locator.answer import describe_line, nearest_answer
    from locator.nearest import OpenRule, StationFilter, Wishes

    chosen = StationFilter(
        kinds=frozenset(kinds),
        services=frozenset(services),
        platform=platform,
        or_unknown=or_unknown,
    )
    wishes = Wishes(all_night=all_night, weather=weather, toward=toward)
    with opened(with_travel(settings, travel)) as service:
        answer = nearest_answer(
            service, lon, lat, k=k, chosen=chosen, rule=OpenRule(rule), at=at, wishes=wishes
        )
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    if not answer["features"]:
        click.echo("No station fits; ask for fewer things, or for --open any.")
    for feature in answer["features"]:
        click.echo(describe_line(feature))
    if unknown := answer["services_unknown"]:
        click.echo(
            f"Left out: {unknown:,} station{'s' * (unknown > 1)} whose services are unknown; "
            "--or-unknown lists them, too."
        )
    click.echo(f"Travel time: {answer['travel']}.")
    for warning in answer["warnings"]:
        click.echo(warning)
    if answer["illustrative"]:
        click.echo("Illustrative data: these stations are made up for the demonstration.")


@click.command(cls=NumbersCommand)
@_position
@click.argument("station_id", metavar="ID")
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print GeoJSON, as /api/route does.")
@click.pass_obj
def route(
    settings: Settings, lon: float, lat: float, station_id: str, travel: str | None, as_json: bool
) -> None:
    """Describe the way from a place (WGS-84, longitude first) to a station.

    \b
    Example:  locator route 107.1489 34.3692 BJ-R-045
    """
    from locator.answer import route_answer

    with opened(with_travel(settings, travel)) as service:
        found = route_answer(service, lon, lat, station_id)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        return
    own = found["properties"]
    minutes, km = max(1, round(own["ride_s"] / 60)), own["ride_m"] / 1000
    click.echo(f"{minutes} min · {km:.1f} km · {own['name']} [{own['station']}]")
    for name, road_class, metres in own["streets"]:
        click.echo(f"  {metres:,.0f} m {name or road_class}")
    click.echo(f"Travel time: {own['travel']}.")


@click.command()
@click.option("--minutes", metavar="M[,M…]", help="Coverage standards in riding minutes.")
@click.option("--metres", metavar="M[,M…]", help="Coverage standards in metres, straight line.")
@click.option("--hot-zones", type=FILE, help="Hot zones from a file; the store's by default.")
@click.option("--points", type=FILE, help="Demand points (CSV, XLSX, GeoJSON) instead of zones.")
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True, help="Of the file.")
@click.option("--map", "map_file", type=FILE, help="TOML that names the columns of the file.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@reading_options
@KIND
@SERVICE
@word("--at", "ISO", read_local, "Demand of that hour, and only stations open then.")
@click.option("--hourly", is_flag=True, help="Go through the week hour by hour, too.")
@word(
    "--week",
    "DATE",
    questions.day,
    "A day of the week to go through; that of --at, or this one.",
)
@click.option("--scenario", type=FILE, help="YAML: stations closed, opened, moved, added.")
@AS_OF
@word("--language", "[zh|en]", questions.language, "Of maps and report.")
@click.option(
    "--no-report", is_flag=True, help="Layers and tables alone; 'locator report DIR' adds it."
)
@travel_option
@click.option("--out", type=FOLDER, required=True, help="Folder for the results.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json.")
@click.pass_obj
def gaps(
    settings: Settings,
    minutes: str | None,
    metres: str | None,
    hot_zones: Path | None,
    points: Path | None,
    datum: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    reading: "ReadOptions",
    kinds: tuple[Kind, ...],
    services: tuple[Amenity, ...],
    at: datetime | None,
    hourly: bool,
    week: date | None,
    scenario: Path | None,
    as_of: datetime | None,
    travel: str | None,
    language: Language | None,
    no_report: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Find where demand is out of reach, and write tables, layers, maps and a report.

    \b
    Example:  locator gaps --minutes 5,10 --at 2026-11-23T12:00 --out gaps-noon
              locator gaps --minutes 5 --hourly --scenario night.yaml --out gaps-night
    """
    from locator.nearest import StationFilter
    from locator.study import (
        Question,
        gaps_inputs,
        parse_standards,
        read_scenario,
        run_gaps,
        summary_lines,
    )
    from locator.study.maps import settings_language

    standards = parse_standards(minutes=minutes, metres=metres)
    chosen = StationFilter(kinds=frozenset(kinds), services=frozenset(services))
    written = language or settings_language(settings)
    with opened(with_travel(settings, travel)) as service:
        inputs = gaps_inputs(
            service,
            hot_zones=hot_zones,
            points=points,
            datum=Datum.parse(datum),
            mapping=read_columns(map_file, fill),
            options=reading,
            as_of=as_of,
        )
        with progress_bar("gaps") as progress:
            question = Question(
                standards=standards,
                chosen=chosen,
                at=at,
                week_of=week or ((at or service.now()).date() if hourly else None),
                scenario=read_scenario(scenario) if scenario else None,
                progress=progress,
            )
            summary = run_gaps(
                service, inputs, question, out=out, report=None if no_report else written
            )
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    for line in summary_lines(summary):
        click.echo(line)
    click.echo(f"Everything is in {out}")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@word("--language", "[zh|en]", questions.language, "Of the report.")
@click.pass_obj
def report(settings: Settings, folder: Path, language: Language | None) -> None:
    """Write the report of a finished study anew, from its folder alone.

    DIR is a folder that 'locator gaps' or 'locator site' wrote. The page, the Word document, the
    workbook and the figures in it are replaced; nothing is computed.

    \b
    Example:  locator report gaps-noon --language en
    """
    from locator.report import write_report
    from locator.study.maps import settings_language

    write_report(folder, language=language or settings_language(settings))
    click.echo(f"The report is {folder / 'report.html'}")
    click.echo("report.docx, tables.xlsx and figures lie beside it.")
