"""``locator gaps`` and ``locator report``: a study of coverage, and its report anew."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from locator import questions
from locator.cli.base import (
    AS_OF,
    DATUMS,
    FILE,
    FOLDER,
    KIND,
    SERVICE,
    opened,
    progress_bar,
    read_columns,
    read_local,
    reading_options,
    travel_option,
    with_travel,
    word,
)
from locator.schema import Amenity, Datum, Kind, Language
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.register import ReadOptions


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
