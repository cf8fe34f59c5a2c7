"""A bureau's own list into the store: its columns, its datum, its words.

    python scripts/import_stations.py list.csv
    python scripts/import_stations.py list.csv --write

Change MAPPING to the columns of your list, and DATUM to what its coordinates are in: Amap's and
Tencent's are gcj02, Baidu's bd09 (bd09mc in metres), a GPS receiver's wgs84. Without --write
nothing is written.
"""

import os
from pathlib import Path

import click

from locator.cli.base import Recipe
from locator.intake import import_register
from locator.register import Mapping
from locator.schema import Datum, Provenance
from locator.settings import read_settings
from locator.store import open_store

DATUM = Datum.GCJ02
MAPPING = Mapping(
    columns={"id": "序号", "name": "驿站名称", "lon": "经度", "lat": "纬度", "address": "详细地址"},
    values={"host": {"社区": "community_centre", "企业": "caring_enterprise"}},
    fill={"kind": "rest_post"},
)


@click.command(cls=Recipe)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Write to the store; otherwise only check.")
def main(file: Path, write: bool) -> None:
    """Check FILE, and with --write put its good rows into the store."""
    bad = file.with_name(f"{file.stem}-rejected.csv")
    with open_store(read_settings(os.environ).store) as store:
        result = import_register(
            store,
            file,
            datum=DATUM,
            mapping=MAPPING,
            provenance=Provenance.OFFICIAL,
            dry_run=not write,
            rejected=bad,
            actor="scripts/import_stations.py",
        )
    for fault in result.tally.faults:
        click.echo(f"row {fault.row}, {fault.column} {fault.value!r}: {fault.reason}")
    if result.hint is not None:
        click.echo(f"Is the datum right? {result.hint.reason}.")
    if result.tally.rejected:
        click.echo(f"The rejected rows are in {bad}; mend them there and import that file.")
    click.echo(
        f"{result.tally.good} good rows, {'written' if result.revision else 'nothing written'}."
    )


if __name__ == "__main__":
    main()
