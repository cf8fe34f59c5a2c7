"""A map for a report or a page: this district, these kinds, at this hour.

python scripts/export_map.py out/map.html
python scripts/export_map.py out/jintai-night.png --district 金台区 --at 2026-11-23T22:00
"""

import os
from dataclasses import replace
from pathlib import Path

import click

from locator import questions
from locator.cli.base import Recipe
from locator.errors import InputError
from locator.service import open_service
from locator.settings import read_settings
from locator.study import draw, map_layers, map_options


@click.command(cls=Recipe)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--district", help="Only stations and hot zones of this district.")
@click.option("--at", help="Show which are open at this moment, local time.")
@click.option("--title", default="", help="Stands above the map.")
def main(out: Path, district: str | None, at: str | None, title: str) -> None:
    """Write a map to OUT, which ends in .html, .png or .svg."""
    settings = replace(read_settings(os.environ), basemap="none")
    with open_service(settings) as service:
        read_moment = questions.moment(service.rules.timezone)
        moment = read_moment("--at", at) if at else service.now()
        layers = map_layers(service.snapshot(), at=moment if at else None)
        if district:
            shapes = service.snapshot().districts
            shape = shapes[shapes["name"] == district]
            if shape.empty:
                raise InputError(f"There is no district {district}; see geodata/districts.geojson.")
            inside = shape.geometry.iloc[0]
            assert layers.stations is not None  # noqa: S101 - map_layers fills both
            assert layers.hot_zones is not None  # noqa: S101
            layers = replace(
                layers,
                stations=layers.stations[layers.stations.within(inside)],
                hot_zones=layers.hot_zones[layers.hot_zones.intersects(inside)],
            )
        draw(layers, map_options(settings, layers, at=moment, title=title), out)
    click.echo(f"The map is in {out}")


if __name__ == "__main__":
    main()
