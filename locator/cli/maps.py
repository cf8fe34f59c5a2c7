"""``locator map``: the map as a page or a picture."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from locator import questions
from locator.cli.base import (
    AS_OF,
    FILE,
    given_options,
    opened,
    travel_option,
    with_travel,
    word,
)
from locator.schema import Language
from locator.settings import Settings

_F = TypeVar("_F", bound=Callable[..., object])

# As they stand in addresses (docs/embeds.md), so that a command and a page show the same.
_OPTIONS = (
    click.option("--layers", metavar="L[,L…]", help="stations, hot_zones, gaps, reach, …"),
    click.option("--bbox", metavar="W,S,E,N", help="Only what meets this box, WGS-84."),
    click.option("--kind", multiple=True, help="Only stations of these kinds."),
    click.option("--service", multiple=True, help="Only stations with all of these services."),
    click.option(
        "--minutes", metavar="M[,M…]", help="From where a station is within so many minutes."
    ),
    click.option("--at", metavar="ISO", help="Only stations open then count; or now."),
)


def view_options(command: _F) -> _F:
    """Add the options of what a map shows."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def picture_options(dpi: int) -> Callable[[_F], _F]:
    """Return what adds the options of a picture, with so many pixels an inch by default."""
    options = (
        click.option("--caption", metavar="[zh|en|both]", help="Of a picture."),
        click.option("--width", help="Of a picture, pixels; 170 mm by default."),
        click.option("--height", help="Of a picture, pixels; what the contents need by default."),
        click.option("--dpi", help=f"Of a picture; {dpi} by default."),
    )

    def add(command: _F) -> _F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command("map")
@click.option("--out", type=FILE, required=True, help="FILE.html, .png or .svg.")
@view_options
@click.option("--reach", metavar="M[,M…]", help="The older name of --minutes.")
@word("--language", "[zh|en]", questions.language, "Of its words.")
@click.option("--theme", metavar="[auto|light|dark]", help="Of an .html.")
@picture_options(dpi=300)
@click.option("--basemap", help="osm, tianditu, none or a tile address; none by default in a file.")
@AS_OF
@travel_option
@click.pass_obj
def map_command(
    settings: Settings,
    /,
    out: Path,
    language: Language | None,
    basemap: str | None,
    as_of: datetime | None,
    travel: str | None,
    **words: object,
) -> None:
    """Write the map of stations and hot zones as one file.

    The .html opens from a disk without a network; .png and .svg are figures for a report.

    \b
    Example:  locator map --out map.png
              locator map --minutes 5,10 --out reach.html
              locator map --layers stations,gaps --minutes 5 --caption both --out gaps.svg
    """
    from locator.showing import (
        PICTURE_NAMES,
        check_map_file,
        read_map_view,
        read_picture,
        write_map,
    )
    from locator.study.maps import settings_language

    given = given_options(words)
    sized = any(name in given for name in PICTURE_NAMES)
    check_map_file(out, sized=sized)
    settings = replace(settings, language=language or settings.language, basemap=basemap or "none")
    with opened(with_travel(settings, travel)) as locator:
        shown = settings_language(settings)
        view = read_map_view(given, what="map", now=locator.now(), language=shown)
        picture = read_picture(given, dpi=300) if sized else None
        write_map(locator, out, view=view, picture=picture, as_of=as_of)
    click.echo(f"The map is in {out}")
