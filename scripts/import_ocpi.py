"""Charging or swapping sites from an OCPI feed (2.1.1 or 2.2) to a register that can be imported.

    python scripts/import_ocpi.py locations.json cabinets.csv
    locator stations import cabinets.csv --provenance community --dry-run

Nested feeds are flattened here, not by the register: copy this recipe for another feed. The
structured weekly hours become OpenStreetMap's syntax; a site without hours stays unknown. OCPI's
coordinates are WGS-84 (OCPI 2.2.1, section 8.4.13, class GeoLocation).
"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from locator.schema import Kind

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HEADER = ("id", "name", "kind", "lon", "lat", "address", "services", "opening_hours", "capacity")


def weekly_hours(times: Mapping[str, Any] | None) -> str:
    """Return OCPI's ``opening_times`` in OpenStreetMap's syntax; empty where it says nothing."""
    if not times:
        return ""
    if times.get("twentyfourseven"):
        return "24/7"
    spans: dict[int, list[str]] = {}
    for period in times.get("regular_hours") or []:
        begin, end = period["period_begin"], period["period_end"]
        end = "24:00" if end in {"23:59", "00:00"} else end
        spans.setdefault(int(period["weekday"]), []).append(f"{begin}-{end}")
    alike: dict[str, list[str]] = {}
    for day, hours in sorted(spans.items()):
        alike.setdefault(",".join(sorted(hours)), []).append(DAYS[day - 1])
    if list(alike) == ["00:00-24:00"] and len(alike["00:00-24:00"]) == len(DAYS):
        return "24/7"
    return "; ".join(f"{','.join(days)} {hours}" for hours, days in alike.items())


@click.command()
@click.argument("feed", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice([k.value for k in Kind]), default="swap_cabinet")
@click.option("--services", default="vehicle_charging", show_default=True)
def main(feed: Path, out: Path, kind: str, services: str) -> None:
    """Write the locations of FEED to OUT, a CSV in the register's columns."""
    document = json.loads(feed.read_text("utf-8"))
    locations = document["data"] if isinstance(document, dict) else document
    with out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for site in locations:
            place = site.get("coordinates") or {}
            position = (place.get("longitude"), place.get("latitude"))
            address = " ".join(filter(None, (site.get("address"), site.get("city"))))
            hours = weekly_hours(site.get("opening_times"))
            capacity = len(site.get("evses") or []) or None
            row = (site.get("id"), site.get("name") or address, kind, *position)
            writer.writerow([*row, address, services, hours, capacity])
    click.echo(f"{len(locations)} locations written to {out}")


if __name__ == "__main__":
    main()
