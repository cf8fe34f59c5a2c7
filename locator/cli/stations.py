"""``locator stations``: registers in and out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from locator.cli.base import DATUMS, FILE, CommandGroup, count, read_columns
from locator.errors import InputError, LocatorError
from locator.schema import Datum, Provenance
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.register import RegisterRead
    from locator.service import CheckResult, ImportResult

__all__ = ["stations"]

_SHOWN_FAULTS = 10


@click.group(cls=CommandGroup)
def stations() -> None:
    """Bring registers in and out."""


@stations.command("import")
@click.argument("file", type=FILE)
@click.option("--datum", type=DATUMS, help="Of the file's coordinates; wgs84 by default.")
@click.option(
    "--mode",
    type=click.Choice(["merge", "replace", "add"]),
    default="merge",
    show_default=True,
    help="merge: update by id; replace: close what is absent; add: only new ids.",
)
@click.option("--map", "map_file", type=FILE, help="TOML that names foreign columns.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@click.option("--provenance", type=click.Choice([p.value for p in Provenance]))
@click.option("--dry-run", is_flag=True, help="Check only; write nothing.")
@click.option("--rejected", type=FILE, help="CSV for the rejected rows, to mend and import again.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def import_command(
    settings: Settings,
    file: Path,
    datum: str | None,
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

    from locator.service import ImportMode, import_register
    from locator.store import open_store

    assert mode in get_args(ImportMode)  # noqa: S101 - click has checked it
    with open_store(settings.store) as store:
        result = import_register(
            store,
            file,
            datum=Datum.parse(datum or Datum.WGS84.value),
            mode=cast("ImportMode", mode),
            mapping=read_columns(map_file, fill),
            provenance=Provenance.parse(provenance) if provenance else None,
            dry_run=dry_run,
            rejected=rejected,
            actor="locator stations import",
        )
    if as_json:
        click.echo(json.dumps(_import_json(result), ensure_ascii=False))
    else:
        _tell_import(result, mode, dry_run=dry_run)
        if datum is None:
            click.echo(
                "Read as wgs84; say --datum gcj02 for Amap's and Tencent's, bd09 for Baidu's."
            )
        if rejected is not None and result.read.rejected:
            again = [
                f"--datum {datum}" if datum else "",
                f"--provenance {provenance}" if provenance else "",
            ]
            again += [f"--map {map_file}" if map_file else "", *(f"--set {item}" for item in fill)]
            words = " ".join(filter(None, again))
            click.echo(f"Mend the rejected rows, then: locator stations import {rejected} {words}")
    if result.refused:
        raise InputError(result.refused)
    if not len(result.read.stations):
        raise LocatorError(f"No row of {file.name} could be taken; nothing was written.")


@stations.command("check")
@click.argument("file", type=FILE)
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True)
@click.option("--map", "map_file", type=FILE, help="TOML that names foreign columns.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def check_command(
    settings: Settings,
    file: Path,
    datum: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    as_json: bool,
) -> None:
    """Look a register over without importing it: datum, duplicates, changes.

    \b
    Example:  locator stations check list.xlsx --datum gcj02
    """
    from dataclasses import asdict

    from locator.service import check_register
    from locator.store import open_store

    with open_store(settings.store) as store:
        result = check_register(
            store, file, datum=Datum.parse(datum), mapping=read_columns(map_file, fill)
        )
    if as_json:
        found: dict[str, object] = {
            "good": len(result.read.stations),
            "rejected": [asdict(f) for row in result.read.rejected for f in row.faults],
            "warnings": [asdict(fault) for fault in result.read.warnings],
            "datums": [asdict(fit) for fit in result.fits],
            "datum_hint": result.hint.reason if result.hint else None,
            "duplicates": [asdict(pair) for pair in result.duplicates],
            "changes": asdict(result.changes),
            "outside_districts": list(result.outside),
        }
        click.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        return
    _tell_check(result, datum)


@stations.command("export")
@click.argument("file", type=FILE)
@click.option(
    "--language", type=click.Choice(["zh", "en"]), help="Headers and labels in a language."
)
@click.option("--as-of", metavar="ISO", help="The register as it was then, local time.")
@click.pass_obj
def export_command(settings: Settings, file: Path, language: str | None, as_of: str | None) -> None:
    """Write the register to a file: .geojson, .gpkg, .csv or .xlsx by its ending.

    \b
    Example:  locator stations export stations.xlsx --language zh
    """
    from locator.hours import parse_moment
    from locator.register import write_register
    from locator.store import open_store
    from locator.store.history import read_as_of

    with open_store(settings.store) as store:
        if as_of is None:
            frame = store.read("stations")
        else:
            frame = read_as_of(store, "stations", parse_moment(as_of, ZoneInfo(settings.timezone)))
    write_register(frame, file, language="zh" if language == "zh" else "en" if language else None)
    click.echo(f"{count(len(frame), 'station')} written to {file}")


@stations.command("log")
@click.argument("station_id")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@click.pass_obj
def log_command(settings: Settings, station_id: str, as_json: bool) -> None:
    """List every change of a station's fields: number, when, who, before and after.

    \b
    Example:  locator stations log BJ-R-001
    """
    from dataclasses import asdict

    from locator.store import open_store
    from locator.store.history import read_log

    with open_store(settings.store) as store:
        changes = read_log(store, "stations", station_id)
    if as_json:
        rows = [asdict(change) | {"when": change.when.isoformat()} for change in changes]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for change in changes:
        when = f"{change.when:%Y-%m-%d %H:%M:%S}Z"
        told = f"{change.field}: {change.before!r} -> {change.after!r}"
        click.echo(f"{change.number} {when} {change.who} {change.action} {told}")


@stations.command("undo")
@click.argument("number", type=int)
@click.pass_obj
def undo_command(settings: Settings, number: int) -> None:
    """Take one change back; 'locator stations log ID' gives its number.

    A station that was added is closed, not removed: ids are never used again.

    \b
    Example:  locator stations undo 291
    """
    from locator.store import open_store
    from locator.store.history import undo

    with open_store(settings.store) as store:
        undo(store, number, actor="locator stations undo")
    click.echo(f"Change {number} was taken back.")


@stations.command()
@click.option("--out", type=FILE, required=True, help="The .xlsx to write.")
def template(out: Path) -> None:
    """Write an empty workbook with pick lists, for people to fill in.

    \b
    Example:  locator stations template --out stations.xlsx
    """
    from locator.register import write_template

    write_template(out)
    click.echo(f"The template is in {out}")


def _tell_import(result: "ImportResult", mode: str, *, dry_run: bool) -> None:
    read, revision = result.read, result.revision
    good, bad = count(len(read.stations), "row"), count(len(read.rejected), "row")
    click.echo(f"{good} good, {bad} rejected.")
    if revision is not None:
        click.echo(
            f"Written: {revision.inserted} new, {revision.updated} changed, "
            f"{revision.unchanged} as they were, {revision.closed} closed."
        )
    elif dry_run:
        new = len(result.changes.new)
        changed = len({change[0] for change in result.changes.changed})
        closed = len(result.changes.absent) if mode == "replace" else 0
        click.echo(
            f"Dry run, nothing written: {new} new, {changed} changed, {closed} to be closed."
        )
    _tell_faults(read)
    if read.unread_columns:
        click.echo(f"Columns that were not read: {', '.join(read.unread_columns)}", err=True)
    if result.outside:
        some = ", ".join(result.outside[:5])
        number = count(len(result.outside), "station")
        click.echo(f"{number} outside the known districts: {some}", err=True)
    if result.hint is not None:
        click.echo(f"Is the datum right? {result.hint.reason}.", err=True)


def _tell_check(result: "CheckResult", datum: str) -> None:
    read, changes = result.read, result.changes
    good, bad = count(len(read.stations), "row"), count(len(read.rejected), "row")
    click.echo(f"{good} good, {bad} rejected; nothing was written.")
    for fit in result.fits:
        parts = []
        if fit.known_off_m is not None:
            parts.append(f"{fit.known_pairs} known stations off by {fit.known_off_m:.0f} m")
        if fit.inside_share is not None:
            parts.append(f"{fit.inside_share:.0%} inside the districts")
        mark = " (as stated)" if fit.datum.value == datum else ""
        click.echo(f"As {fit.datum.value}{mark}: {', '.join(parts) or 'nothing to compare with'}")
    if result.hint is not None:
        click.echo(f"Is the datum right? {result.hint.reason}.")
    for pair in result.duplicates[:_SHOWN_FAULTS]:
        where = "in the store" if pair.other_is_stored else "in the file"
        click.echo(
            f"Perhaps twice: {pair.id} {pair.name} and {pair.other_id} {pair.other_name} "
            f"({where}), {pair.distance_m:.0f} m apart"
        )
    changed = len({change[0] for change in changes.changed})
    told = f"{len(changes.new)} new, {changed} changed, {len(changes.absent)} absent"
    click.echo(f"Against the store: {told}.")
    for station, field_name, before, after in changes.changed[:_SHOWN_FAULTS]:
        click.echo(f"  {station} {field_name}: {before!r} -> {after!r}")
    _tell_faults(read)


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
