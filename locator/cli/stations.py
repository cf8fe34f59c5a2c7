"""``locator stations``: registers in and out."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from locator import questions
from locator.cli.base import (
    DATUMS,
    FILE,
    CommandGroup,
    NumbersCommand,
    count,
    progress_bar,
    read_columns,
    read_local,
    reading_options,
    word,
)
from locator.errors import InputError, LocatorError
from locator.schema import Datum, Language, Provenance
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.intake import CheckResult, Foreseen, ImportResult, Tally
    from locator.register import ReadOptions
    from locator.store import Store

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
@click.option("--number", metavar="PREFIX", help="Give ids to rows without; the same ones again.")
@reading_options
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
    number: str | None,
    reading: "ReadOptions",
    as_json: bool,
) -> None:
    """Bring a register in: CSV, XLSX, GeoJSON, GeoPackage (.gpkg), Shapefile (.shp) or KML.

    Headers are Chinese or English. Bad rows are listed with row, column, value and reason; the
    good rows go in together. Of stations that are there, id and what changes are enough.

    \b
    Example:  locator stations import list.xlsx --datum gcj02 --mode replace --rejected bad.csv
              locator stations import list.csv --crs EPSG:4545 --number BJ- --set kind=rest_post
    """
    from typing import cast, get_args

    from locator.files import ENDINGS as LAYER_ENDINGS
    from locator.intake import ImportMode, import_register
    from locator.network import road_distances
    from locator.store import open_store

    assert mode in get_args(ImportMode)  # noqa: S101 - click has checked it
    with (
        open_store(settings.store) as store,
        _told_if_stopped(store),
        progress_bar(file.name) as progress,
    ):
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
            progress=progress,
            road_distance_m=road_distances(settings, store),
            options=reading,
            number=number,
        )
    if as_json:
        click.echo(json.dumps(_import_json(result), ensure_ascii=False))
    else:
        _tell_import(result)
        if datum is None:
            click.echo(
                "Read as wgs84; say --datum gcj02 for Amap's and Tencent's, bd09 for Baidu's "
                "(bd09mc for its metres)."
            )
        if rejected is not None and result.tally.rejected:
            metres = reading.crs if file.suffix.lower() not in LAYER_ENDINGS else None
            options = {
                "--datum": datum,
                "--provenance": provenance,
                "--map": map_file,
                "--crs": metres.name if metres else None,
                "--number": number,
            }
            _advise(result, file, rejected, [*options.items(), *(("--set", f) for f in fill)])
    if result.refused:
        raise InputError(result.refused)
    if not result.tally.good:
        raise LocatorError(f"No row of {file.name} could be taken; nothing was written.")


@stations.command("check")
@click.argument("file", type=FILE)
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True)
@click.option("--map", "map_file", type=FILE, help="TOML that names foreign columns.")
@click.option("--set", "fill", multiple=True, metavar="FIELD=VALUE", help="Fill empty cells.")
@click.option("--number", metavar="PREFIX", help="Give ids to rows without; the same ones again.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def check_command(
    settings: Settings,
    file: Path,
    datum: str,
    map_file: Path | None,
    fill: tuple[str, ...],
    number: str | None,
    reading: "ReadOptions",
    as_json: bool,
) -> None:
    """Look a register over without importing it: datum, duplicates, changes.

    \b
    Example:  locator stations check list.xlsx --datum gcj02
    """
    from dataclasses import asdict

    from locator.intake import check_register
    from locator.network import road_distances
    from locator.store import open_store

    with open_store(settings.store) as store, progress_bar(file.name) as progress:
        result = check_register(
            store,
            file,
            datum=Datum.parse(datum),
            mapping=read_columns(map_file, fill),
            progress=progress,
            road_distance_m=road_distances(settings, store),
            options=reading,
            number=number,
        )
    if as_json:
        found = _tally_json(result.tally) | {
            "datums": [asdict(fit) for fit in result.fits],
            "datum_hint": result.hint.reason if result.hint else None,
            "duplicates": [asdict(pair) for pair in result.duplicates],
            "against_store": asdict(result.foreseen),
        }
        click.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        return
    _tell_check(result, datum)


@stations.command("export")
@click.argument("file", type=FILE)
@word("--language", "[zh|en]", questions.language, "Headers and labels in a language.")
@word("--as-of", "ISO", read_local, "The register as it was then, local time.")
@click.pass_obj
def export_command(
    settings: Settings, file: Path, language: Language | None, as_of: datetime | None
) -> None:
    """Write the register to a file: .csv, .xlsx, .geojson, .gpkg, .kml or .shp by its ending.

    A .shp comes with .shx, .dbf, .prj and .cpg beside it; its columns are field names cut to ten
    letters, in every language, and a text it would cut is refused.

    \b
    Example:  locator stations export stations.xlsx --language zh
    """
    from locator.register import write_register
    from locator.service import utc_now
    from locator.store import open_store
    from locator.store.history import read_stations_as_of

    with open_store(settings.store) as store:
        if as_of is None:
            frame = store.read("stations")
        else:
            frame = read_stations_as_of(store, as_of, now=utc_now())
    write_register(frame, file, language=language)
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


@stations.command("undo", cls=NumbersCommand)
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


@contextmanager
def _told_if_stopped(store: "Store") -> Iterator[None]:
    """Let Ctrl-C say what became of the store, which may have been committed a moment before."""
    before = store.version()
    try:
        yield
    except KeyboardInterrupt:
        kept = store.version() == before
        told = "nothing was written" if kept else "but the store has changed meanwhile"
        click.echo(f"\nlocator: Aborted; {told}.", err=True)
        click.get_current_context().exit(130)


def _advise(
    result: "ImportResult", file: Path, rejected: Path, options: Sequence[tuple[str, object]]
) -> None:
    """Say how the rejected rows come in once they are mended; a dry run has left all to be done."""
    if result.refused:
        click.echo(f"Nothing was written: mend the rejected rows in {file}, then import it again.")
    elif result.foreseen is None:
        words = " ".join(f"{name} {value}" for name, value in options if value)
        click.echo(f"Mend the rejected rows, then: locator stations import {rejected} {words}")


def _tell_import(result: "ImportResult") -> None:
    tally, revision, foreseen = result.tally, result.revision, result.foreseen
    click.echo(f"{count(tally.good, 'row')} good, {count(tally.rejected, 'row')} rejected.")
    if revision is not None:
        click.echo(
            f"Written: {revision.inserted:,} new, {revision.updated:,} changed, "
            f"{revision.unchanged:,} as they were, {revision.closed:,} closed."
        )
    elif foreseen is not None:
        closed = "" if foreseen.absent is None else f", {foreseen.absent:,} to be closed"
        told = f"{foreseen.new:,} new, {foreseen.changed:,} changed{closed}"
        click.echo(f"Dry run, nothing written: {told}.")
        _tell_changes(foreseen)
    _tell_faults(tally)
    if tally.unread_columns:
        click.echo(f"Columns that were not read: {', '.join(tally.unread_columns)}", err=True)
    if tally.outside:
        some = ", ".join(tally.outside_ids[:5])
        click.echo(
            f"{count(tally.outside, 'station')} outside the known districts: {some}", err=True
        )
    if result.hint is not None:
        click.echo(f"Is the datum right? {result.hint.reason}.", err=True)


def _tell_check(result: "CheckResult", datum: str) -> None:
    tally, foreseen = result.tally, result.foreseen
    good, bad = count(tally.good, "row"), count(tally.rejected, "row")
    click.echo(f"{good} good, {bad} rejected; nothing was written.")
    for fit in result.fits:
        parts = []
        if fit.known_off_m is not None:
            parts.append(f"{fit.known_pairs} known stations off by {fit.known_off_m:.0f} m")
        if fit.inside_share is not None:
            parts.append(f"{fit.inside_share:.0%} inside the districts")
        if fit.place_off_m is not None:
            parts.append(f"{fit.place_pairs} named places off by {fit.place_off_m:.0f} m")
        if fit.road_off_m is not None:
            parts.append(f"half of them over {fit.road_off_m:.0f} m from a road")
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
    told = f"{foreseen.new:,} new, {foreseen.changed:,} changed, {foreseen.absent or 0:,} absent"
    click.echo(f"Against the store: {told}.")
    _tell_changes(foreseen)
    _tell_faults(tally)


def _tell_changes(foreseen: "Foreseen") -> None:
    for station, field_name, before, after in foreseen.changes[:_SHOWN_FAULTS]:
        click.echo(f"  {station} {field_name}: {before!r} -> {after!r}")
    if len(foreseen.changes) > _SHOWN_FAULTS:
        click.echo("  ... (--json lists more)")


def _tell_faults(tally: "Tally") -> None:
    told = (
        ("Rejected", tally.faults, tally.rejected, "row"),
        ("Taken with a doubt", tally.warnings, tally.doubtful, "cell"),
    )
    for title, faults, number, thing in told:
        for f in faults[:_SHOWN_FAULTS]:
            click.echo(f"{title}: row {f.row}, {f.column} {f.value!r}: {f.reason}", err=True)
        if len(faults) > _SHOWN_FAULTS:
            click.echo(f"{title}: {count(number, thing)} in all (--json lists more)", err=True)


def _tally_json(tally: "Tally") -> dict[str, object]:
    """Return the numbers of rows, and the first findings of each kind."""
    from dataclasses import asdict

    return {
        "good": tally.good,
        "rejected_rows": tally.rejected,
        "rejected": [asdict(fault) for fault in tally.faults],
        "doubtful_cells": tally.doubtful,
        "warnings": [asdict(fault) for fault in tally.warnings],
        "unread_columns": list(tally.unread_columns),
        "outside_districts": tally.outside,
        "outside_ids": tally.outside_ids,
    }


def _import_json(result: "ImportResult") -> dict[str, object]:
    from dataclasses import asdict

    return _tally_json(result.tally) | {
        "datum_hint": result.hint.reason if result.hint else None,
        "written": asdict(result.revision) if result.revision else None,
        "foreseen": asdict(result.foreseen) if result.foreseen else None,
    }
