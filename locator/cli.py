"""The ``locator`` command: parse, one library call, print.

Heavy rooms are imported inside the commands that need them: ``locator nearest`` must answer in
a second and a half of processor time.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from locator import __version__
from locator.errors import InputError, LocatorError
from locator.schema import Datum, Kind, Provenance, Service
from locator.settings import Settings, describe_settings, read_settings

if TYPE_CHECKING:
    from locator.register import Mapping, RegisterRead
    from locator.service import ImportResult
    from locator.service import Service as LocatorService

__all__ = ["main"]

_SHOWN_FAULTS = 10
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_KINDS = click.Choice([kind.value for kind in Kind])
_SERVICES = click.Choice([service.value for service in Service])
_DATUMS = click.Choice([datum.value for datum in Datum])


class _Group(click.Group):
    """A group whose commands end in one sentence, not in a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"locator: {error}", err=True)
            ctx.exit(2)
        except LocatorError as error:
            click.echo(f"locator: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--store", metavar="URL", help="The store: geopackage:PATH. Also LOCATOR_STORE.")
@click.option("--config", type=_FILE, help="A TOML file of settings. Also LOCATOR_CONFIG.")
@click.version_option(__version__, prog_name="locator")
@click.pass_context
def main(ctx: click.Context, store: str | None, config: Path | None) -> None:
    """Rest stations for delivery riders: the nearest open one, the gaps, the maps.

    \b
    Example:  locator init && locator nearest 107.1489 34.3692
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console may lack a character
    settings = read_settings(os.environ, config)
    ctx.obj = replace(settings, store=store) if store else settings


@contextmanager
def _service(settings: Settings) -> Iterator["LocatorService"]:
    from locator.service import open_service

    with open_service(settings) as service:
        yield service


@main.command()
@click.option(
    "--force", is_flag=True, help="Back up an existing store, then load geodata/ over it."
)
@click.pass_obj
def init(settings: Settings, force: bool) -> None:
    """Create the store and load the data that ships with the program.

    An existing store is left exactly as it is.

    \b
    Example:  locator init --force
    """
    from locator.service import create_store
    from locator.store import store_path

    revision, backup = create_store(settings, force=force)
    path = store_path(settings.store)
    if backup is not None:
        click.echo(f"The store as it was is kept in {backup}")
    if revision is None:
        click.echo(f"The store {path} exists already; nothing was changed (--force loads it anew).")
        return
    click.echo(f"The store {path} holds the shipped data: {_count(revision.inserted, 'new row')}.")
    click.echo("The shipped stations and hot zones are illustrative; 'locator stations import'")
    click.echo("with --mode replace puts your own register in their place.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64))
@click.pass_obj
def serve(settings: Settings, host: str, port: int, threads: int) -> None:
    """Serve the pages, maps and interfaces.

    \b
    Example:  locator serve --port 8080
    """
    import waitress

    from locator.web import create_app

    app = create_app(settings)
    try:
        server = waitress.create_server(app, host=host, port=port, threads=threads, ident="locator")
        click.echo(f"Serving on http://{host}:{port} — stop with Ctrl-C")
        server.run()
        server.close()
    except OSError as error:
        raise LocatorError(
            f"{host}:{port} cannot be used ({error.strerror or error}); choose another --port."
        ) from error
    finally:
        app.extensions["locator"].close()


@main.group(cls=_Group)
def stations() -> None:
    """Bring registers in and out."""


@stations.command("import")
@click.argument("file", type=_FILE)
@click.option("--datum", type=_DATUMS, default="wgs84", show_default=True)
@click.option(
    "--mode",
    type=click.Choice(["merge", "replace", "add"]),
    default="merge",
    show_default=True,
    help="merge: update by id; replace: close what is absent; add: only new ids.",
)
@click.option("--map", "map_file", type=_FILE, help="TOML that names foreign columns.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@click.option("--provenance", type=click.Choice([p.value for p in Provenance]))
@click.option("--dry-run", is_flag=True, help="Check only; write nothing.")
@click.option("--rejected", type=_FILE, help="CSV for the rejected rows, to mend and import again.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def import_command(
    settings: Settings,
    file: Path,
    datum: str,
    mode: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    provenance: str | None,
    dry_run: bool,
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Bring a register in: CSV, XLSX or GeoJSON, with Chinese or English headers.

    Bad rows are listed with row, column, value and reason; the good rows go in together.

    \b
    Example:  locator stations import list.xlsx --datum gcj02 --mode replace --rejected bad.csv
    """
    from typing import cast, get_args

    from locator.register import write_rejected
    from locator.service import ImportMode, import_register
    from locator.store import open_store

    assert mode in get_args(ImportMode)  # noqa: S101 - click has checked it
    with open_store(settings.store) as store:
        result = import_register(
            store,
            file,
            datum=Datum.parse(datum),
            mode=cast("ImportMode", mode),
            mapping=_mapping(map_file, fill),
            provenance=Provenance.parse(provenance) if provenance else None,
            dry_run=dry_run,
            actor="locator stations import",
        )
    if rejected is not None and result.read.rejected:
        write_rejected(result.read.rejected, result.read.header, rejected)
    if as_json:
        click.echo(json.dumps(_import_json(result), ensure_ascii=False))
    else:
        _tell_import(result, rejected, dry_run=dry_run)
    if not len(result.read.stations):
        raise LocatorError(f"No row of {file.name} could be taken; nothing was written.")


@stations.command("export")
@click.argument("file", type=_FILE)
@click.option(
    "--language", type=click.Choice(["zh", "en"]), help="Headers and labels in a language."
)
@click.pass_obj
def export_command(settings: Settings, file: Path, language: str | None) -> None:
    """Write the register to a file: .geojson, .gpkg, .csv or .xlsx by its ending.

    \b
    Example:  locator stations export stations.xlsx --language zh
    """
    from locator.register import write_register
    from locator.store import open_store

    with open_store(settings.store) as store:
        frame = store.read("stations")
    write_register(frame, file, language="zh" if language == "zh" else "en" if language else None)
    click.echo(f"{_count(len(frame), 'station')} written to {file}")


@stations.command()
@click.option("--out", type=_FILE, required=True, help="The .xlsx to write.")
def template(out: Path) -> None:
    """Write an empty workbook with pick lists, for people to fill in.

    \b
    Example:  locator stations template --out stations.xlsx
    """
    from locator.register import write_template

    write_template(out)
    click.echo(f"The template is in {out}")


@main.command()
@click.argument("lon", type=float)
@click.argument("lat", type=float)
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option("--kind", "kinds", type=_KINDS, multiple=True)
@click.option("--service", "services", type=_SERVICES, multiple=True, help="All that are named.")
@click.option("--platform", help="Only stations for this platform's riders, such as meituan.")
@click.option("--at", metavar="ISO", help="Moment of leaving, local time; now by default.")
@click.option(
    "--open",
    "rule",
    type=click.Choice(["any", "known", "yes"]),
    default="any",
    show_default=True,
    help="By the state on arrival: any; known: not closed; yes: surely open.",
)
@click.option("--json", "as_json", is_flag=True, help="Print GeoJSON, as /api/nearest does.")
@click.pass_obj
def nearest(
    settings: Settings,
    lon: float,
    lat: float,
    k: int,
    kinds: tuple[str, ...],
    services: tuple[str, ...],
    platform: str | None,
    at: str | None,
    rule: str,
    as_json: bool,
) -> None:
    """List the nearest stations to a place (WGS-84, longitude first).

    \b
    Example:  locator nearest 107.1489 34.3692 -k 3 --service hot_water --open yes
    """
    from locator.answer import describe_line, nearest_answer
    from locator.nearest import OpenRule, StationFilter

    chosen = StationFilter(
        kinds=frozenset(map(Kind.parse, kinds)),
        services=frozenset(map(Service.parse, services)),
        platform=platform,
    )
    with _service(settings) as service:
        answer = nearest_answer(service, lon, lat, k=k, chosen=chosen, rule=OpenRule(rule), at=at)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    if not answer["features"]:
        click.echo("No station fits; ask for fewer things, or for --open any.")
    for feature in answer["features"]:
        click.echo(describe_line(feature))
    click.echo(f"Travel time: {answer['travel']}.")
    if answer["illustrative"]:
        click.echo("Illustrative data: these stations are made up for the demonstration.")


@main.command()
@click.option("--minutes", metavar="M[,M…]", help="Coverage standards in riding minutes.")
@click.option("--metres", metavar="M[,M…]", help="Coverage standards in metres, straight line.")
@click.option("--hot-zones", type=_FILE, help="Hot zones from a file; the store's by default.")
@click.option("--points", type=_FILE, help="Demand points (CSV, XLSX, GeoJSON) instead of zones.")
@click.option("--datum", type=_DATUMS, default="wgs84", show_default=True, help="Of --points.")
@click.option("--map", "map_file", type=_FILE, help="TOML that names the columns of --points.")
@click.option("--kind", "kinds", type=_KINDS, multiple=True)
@click.option("--service", "services", type=_SERVICES, multiple=True, help="All that are named.")
@click.option("--at", metavar="ISO", help="Demand of that hour, and only stations open then.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of map and figure.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for the results.")
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
    kinds: tuple[str, ...],
    services: tuple[str, ...],
    at: str | None,
    language: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Find where demand is out of reach, and write tables, layers, a map and a figure.

    \b
    Example:  locator gaps --minutes 5,10 --at 2026-11-23T12:00 --out gaps-noon
    """
    from locator.nearest import StationFilter
    from locator.study import gaps_inputs, parse_standards, run_gaps, summary_lines

    standards = parse_standards(minutes=minutes, metres=metres)
    chosen = StationFilter(
        kinds=frozenset(map(Kind.parse, kinds)), services=frozenset(map(Service.parse, services))
    )
    if language:
        settings = replace(settings, language=language)
    with _service(settings) as service:
        inputs = gaps_inputs(
            service,
            hot_zones=hot_zones,
            points=points,
            datum=Datum.parse(datum),
            mapping=_mapping(map_file, ()),
        )
        with click.progressbar(
            length=1000, label="gaps", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            summary = run_gaps(
                service,
                inputs,
                standards=standards,
                chosen=chosen,
                at=at,
                out=out,
                progress=lambda share: bar.update(int(share * 1000) - bar.pos),
            )
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    for line in summary_lines(summary):
        click.echo(line)
    click.echo(f"Everything is in {out}")


@main.command("map")
@click.option("--out", type=_FILE, required=True, help="FILE.html, .png or .svg.")
@click.option("--language", type=click.Choice(["zh", "en"]))
@click.option("--basemap", help="osm, tianditu, none or a tile address; none by default in a file.")
@click.pass_obj
def map_command(settings: Settings, out: Path, language: str | None, basemap: str | None) -> None:
    """Write the map of stations and hot zones as one file.

    The .html opens from a disk without a network; .png and .svg are figures for a report.

    \b
    Example:  locator map --out map.png
    """
    from locator.study import write_map

    settings = replace(settings, language=language or settings.language, basemap=basemap or "none")
    with _service(settings) as service:
        write_map(service, out)
    click.echo(f"The map is in {out}")


@main.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write a whole copy of the store, in use or not, to a new file.

    \b
    Example:  locator backup locator-2026-11-23.gpkg
    """
    from locator.store import open_store

    with open_store(settings.store) as store:
        store.backup(file)
    click.echo(f"The backup is in {file}")


@main.command("settings")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def settings_command(settings: Settings, as_json: bool) -> None:
    """Print every setting with its value, default and meaning.

    \b
    Example:  LOCATOR_RIDE_SPEED_KMH=20 locator settings
    """
    rows = describe_settings(settings)
    if as_json:
        click.echo(json.dumps({row.name: row.value for row in rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row.name} = {row.value!r} (default {row.default!r})\n    {row.help}")


def _mapping(file: Path | None, fill: Sequence[str]) -> "Mapping | None":
    from locator.register import Mapping, read_mapping

    mapping = read_mapping(file) if file else Mapping()
    extra = {}
    for item in fill:
        name, separator, value = item.partition("=")
        if not separator or not value:
            raise InputError(f"--set {item!r}: write it as FIELD=VALUE, such as kind=rest_post.")
        extra[name] = value
    return replace(mapping, fill=mapping.fill | extra)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _tell_import(result: "ImportResult", rejected: Path | None, *, dry_run: bool) -> None:
    read, revision = result.read, result.revision
    click.echo(
        f"{_count(len(read.stations), 'row')} good, {_count(len(read.rejected), 'row')} rejected."
    )
    if revision is not None:
        click.echo(
            f"Written: {revision.inserted} new, {revision.updated} changed, "
            f"{revision.unchanged} as they were, {revision.closed} closed."
        )
    elif dry_run:
        click.echo("Dry run: nothing was written.")
    _tell_faults(read)
    if rejected is not None and read.rejected:
        click.echo(f"The rejected rows are in {rejected}; mend them there and import that file.")
    if read.unread_columns:
        click.echo(f"Columns that were not read: {', '.join(read.unread_columns)}", err=True)
    if result.outside:
        some = ", ".join(result.outside[:5])
        click.echo(
            f"{_count(len(result.outside), 'station')} outside the known districts: {some}",
            err=True,
        )
    if result.hint is not None:
        click.echo(f"Is the datum right? {result.hint.reason}.", err=True)


def _tell_faults(read: "RegisterRead") -> None:
    lines = [
        f"row {f.row}, {f.column} {f.value!r}: {f.reason}" for r in read.rejected for f in r.faults
    ]
    doubts = [f"row {f.row}, {f.column} {f.value!r}: {f.reason}" for f in read.warnings]
    for title, found in (("Rejected", lines), ("Taken with a doubt", doubts)):
        for line in found[:_SHOWN_FAULTS]:
            click.echo(f"{title}: {line}", err=True)
        if len(found) > _SHOWN_FAULTS:
            click.echo(
                f"{title}: and {len(found) - _SHOWN_FAULTS} more (--json lists all)", err=True
            )


def _import_json(result: "ImportResult") -> dict[str, object]:
    from dataclasses import asdict

    read = result.read
    return {
        "good": len(read.stations),
        "rejected": [asdict(fault) for row in read.rejected for fault in row.faults],
        "warnings": [asdict(fault) for fault in read.warnings],
        "unread_columns": list(read.unread_columns),
        "outside_districts": list(result.outside),
        "datum_hint": result.hint.reason if result.hint else None,
        "written": asdict(result.revision) if result.revision else None,
    }
