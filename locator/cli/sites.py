"""``locator site``: where the next stations should be."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
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
    given_options,
    opened,
    progress_bar,
    read_columns,
    read_local,
    reading_options,
    travel_option,
    with_travel,
    word,
)
from locator.schema import Datum, Language
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.register import ReadOptions
    from locator.service import Service
    from locator.siting import Effort
    from locator.study import SiteInputs, SiteQuestion

_MODELS = ("mclp", "lscp", "p-median", "p-center", "backup", "capacitated")


def _show_prices(ctx: click.Context, _param: click.Parameter, value: object) -> None:
    if not value or ctx.resilient_parsing:
        return
    import yaml

    from locator.study.sites_prices import DEFAULT_PRICES

    click.echo(
        yaml.safe_dump(DEFAULT_PRICES.to_json(), allow_unicode=True, sort_keys=False), nl=False
    )
    ctx.exit()


def _moments(name: str, value: object) -> tuple[str, ...]:
    texts = tuple(map(str, value)) if isinstance(value, tuple) else ()
    for text in texts:
        read_local(name, text)
    return texts  # as they were typed: folders are called after them


@click.command()
@word("--new", "K", None, "Choose so many.")
@word("--cover", "SHARE", None, "Fewest for this share of demand: 0.95 or 95%.", to="share")
@word("--budget", "N", None, "Choose for so much.")
@click.option(
    "--minutes", metavar="FLOAT", required=True, help="Coverage standard, riding minutes."
)
@click.option(
    "--candidates",
    default="grid",
    show_default=True,
    metavar="FILE|venues|grid",
    help="A file of sites, the store's host venues, or a grid in hot zones.",
)
@word("--spacing", "FLOAT", None, "Of the grid, m.", to="spacing_m", default="200.0")
@click.option("--candidates-datum", type=DATUMS, default="wgs84", show_default=True)
@click.option("--candidates-map", type=FILE, help="TOML that names the columns of the file.")
@click.option("--candidates-set", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@click.option("--candidates-crs", metavar="EPSG:n", help="Projection of the file's coordinates.")
@word(
    "--at",
    "ISO",
    _moments,
    "Demand of that hour, and only stations open then; given twice, both are compared.",
    multiple=True,
)
@click.option("--hourly", is_flag=True, help="Covered orders of the whole week, hour by hour.")
@word("--week", "DATE", None, "A day of the week for --hourly; this week's else.", to="week_of")
@word("--model", f"[{'|'.join(_MODELS)}]", None, "mclp, or lscp with --cover.")
@KIND
@SERVICE
@click.option("--hours", metavar="TEXT", help="Opening hours of a new post; else always open.")
@click.option(
    "--options", "prices", type=FILE, help="YAML: longer hours, services, cabinets, with costs."
)
@click.option(
    "--show-options",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_prices,
    help="Print an example for --options and end.",
)
@word("--apart", "M", None, "New sites so far apart.", to="apart_m")
@word("--district", "ID=N", None, "At least N new ones there.", to="at_least", multiple=True)
@word("--force", "ID", None, "A candidate that must be chosen.", to="forced_in", multiple=True)
@word("--forbid", "ID", None, "One that must not.", to="forced_out", multiple=True)
@click.option("--from-scratch", is_flag=True, help="As if there were no station yet.")
@word(
    "--capacity",
    "FLOAT",
    None,
    "Orders per hour a new post serves (capacitated).",
    to="capacity_per_h",
)
@click.option("--hot-zones", type=FILE, help="Hot zones from a file; the store's by default.")
@click.option("--points", type=FILE, help="Demand points (CSV, XLSX, GeoJSON) instead of zones.")
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True, help="Of that file.")
@click.option("--map", "map_file", type=FILE, help="TOML that names the columns of that file.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill its empty cells.")
@reading_options
@click.option("--scenario", type=FILE, help="YAML: stations closed, opened, moved, added.")
@AS_OF
@word("--time-limit", "FLOAT", None, "Seconds.", to="time_limit_s", default="60.0")
@word("--gap", "FLOAT", None, "Good enough: 0.01 is 1% of what is added.")
@word("--runs", "INTEGER", None, "Of varied inputs.", default="20")
@word("--seed", "INTEGER", None, "Of the varied inputs.", default="1")
@travel_option
@word("--language", "[zh|en]", questions.language, "Of the report.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the results.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json.")
@click.pass_obj
def site(
    settings: Settings,
    /,
    candidates: str,
    candidates_datum: str,
    candidates_map: Path | None,
    candidates_set: tuple[str, ...],
    candidates_crs: str | None,
    at: tuple[str, ...],
    model: str | None,
    prices: Path | None,
    from_scratch: bool,
    hot_zones: Path | None,
    points: Path | None,
    datum: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    reading: "ReadOptions",
    scenario: Path | None,
    as_of: datetime | None,
    travel: str | None,
    language: Language | None,
    out: Path,
    as_json: bool,
    **words: object,
) -> None:
    """Choose where the next stations should be, and say how far from the best that can be.

    Writes the chosen sites with the reasons for each, curves, layers, a certificate and a report
    for whoever decides. Ctrl-C
    ends the search with the best found so far and its gap; a second one ends the command.

    \b
    Example:  locator site --new 8 --minutes 5 --at 2026-11-23T12:00 --out eight
              locator site --new 8 --minutes 5 --at 2026-11-23T12:00 --at 2026-11-23T22:00 --out two
              locator site --budget 60 --options prices.yaml --hourly --minutes 5 --out mix
              locator site --cover 95% --minutes 8 --candidates venues.csv --out fewest
    """
    from locator.register import ReadOptions, projection_of
    from locator.study import read_scenario
    from locator.study.maps import settings_language
    from locator.study.sites import site_inputs
    from locator.study.sites_prices import read_prices
    from locator.study.sites_question import SiteQuestion

    source = candidates if candidates in {"venues", "grid"} else "file"
    question = SiteQuestion.read(
        given_options(
            words
            | {
                "model": model or ("mclp" if words["share"] is None else "lscp"),
                "at": at[0] if at else None,
                "candidates": source,
                "existing": not from_scratch,
                "prices": read_prices(prices) if prices else None,
            }
        )
    )
    chosen = language or settings_language(settings)
    with opened(with_travel(settings, travel)) as service:
        inputs = site_inputs(
            service,
            candidates=Path(candidates) if source == "file" else None,
            candidates_datum=Datum.parse(candidates_datum),
            candidates_mapping=read_columns(candidates_map, candidates_set),
            candidates_options=ReadOptions(
                crs=projection_of(candidates_crs) if candidates_crs else None
            ),
            hot_zones=hot_zones,
            points=points,
            datum=Datum.parse(datum),
            mapping=read_columns(map_file, fill),
            options=reading,
            scenario=read_scenario(scenario) if scenario else None,
            as_of=as_of,
        )
        result, lines = _answer(service, inputs, question, at, out, report=chosen)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, allow_nan=False))
        return
    for line in lines:
        click.echo(line)
    click.echo(f"Everything is in {out}")


def _answer(
    service: "Service",
    inputs: "SiteInputs",
    question: "SiteQuestion",
    moments: Sequence[str],
    out: Path,
    *,
    report: Language,
) -> tuple[Mapping[str, object], list[str]]:
    """Write the folder, and return what is printed: as JSON, and as lines."""
    from locator.study.lines import comparison_lines, site_lines
    from locator.study.sites_output import read_rows, run_comparison, run_sites

    with _watched() as effort:
        if len(moments) < 2:
            summary = run_sites(service, inputs, question, out=out, effort=effort, report=report)
            return summary, site_lines(read_rows(out), summary)
        compared = run_comparison(
            service, inputs, question, tuple(moments), out=out, effort=effort, report=report
        )
        return compared, comparison_lines(compared)


@contextmanager
def _watched() -> Iterator["Effort"]:
    """Show a bar, and take the first Ctrl-C as a wish to end with the best found."""
    from locator.siting import Effort, Progress, catch_ctrl_c

    with progress_bar("site") as move, catch_ctrl_c(_say_stopping) as pressed:

        def tell(progress: Progress) -> None:
            move(progress.share)

        yield Effort(cancelled=pressed, progress=tell)


def _say_stopping() -> None:
    click.echo("\nStopping with the best found so far …", err=True)
