"""``locator nearest`` and ``locator route``: from a place to stations."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from locator import questions
from locator.cli.base import (
    KIND,
    SERVICE,
    NumbersCommand,
    codes_of,
    opened,
    read_as,
    read_local,
    travel_option,
    with_travel,
    word,
)
from locator.schema import Amenity, Kind, Weather
from locator.settings import Settings

_F = TypeVar("_F", bound=Callable[..., object])


def _position(command: _F) -> _F:
    lat = click.argument("lat", callback=read_as(questions.lat))
    return click.argument("lon", callback=read_as(questions.lon))(lat(command))


@click.command(cls=NumbersCommand)
@_position
@word("-k", "INTEGER", questions.whole(1, 1000), "How many, at most 1,000.", default="5")
@KIND
@SERVICE
@click.option("--or-unknown", is_flag=True, help="List stations of unknown services, too.")
@click.option("--platform", help="Only stations for this platform's riders, such as meituan.")
@word("--at", "ISO", read_local, "Moment of leaving, local time; now by default.")
@word(
    "--open",
    "[any|known|yes]",
    questions.choice("any", "known", "yes"),
    "By the state on arrival: any; known: not closed; yes: surely open.",
    to="rule",
    default="any",
)
@click.option("--all-night", is_flag=True, help="Only those surely open from 00:00 to 06:00.")
@word(
    "--weather",
    codes_of(Weather),
    questions.code(Weather),
    "What helps in it counts as nearer; nothing is left out.",
    default="none",
)
@word(
    "--toward",
    "LON LAT",
    questions.place,
    "Where you go next: what adds least to that ride comes first.",
    nargs=2,
)
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print GeoJSON, as /api/nearest does.")
@click.pass_obj
def nearest(
    settings: Settings,
    lon: float,
    lat: float,
    k: int,
    kinds: tuple[Kind, ...],
    services: tuple[Amenity, ...],
    or_unknown: bool,
    platform: str | None,
    at: datetime | None,
    rule: str,
    all_night: bool,
    weather: Weather,
    toward: tuple[float, float] | None,
    travel: str | None,
    as_json: bool,
) -> None:
    """List the nearest stations to a place (WGS-84, longitude first).

    \b
    Example:  locator nearest 107.1489 34.3692 -k 3 --service hot_water --open yes
              locator nearest 107.1489 34.3692 --toward 107.20 34.36 --weather cold
    """
    from locator.answer import describe_line, nearest_answer
    from locator.nearest import OpenRule, StationFilter, Wishes

    chosen = StationFilter(
        kinds=frozenset(kinds),
        services=frozenset(services),
        platform=platform,
        or_unknown=or_unknown,
    )
    wishes = Wishes(all_night=all_night, weather=weather, toward=toward)
    with opened(with_travel(settings, travel)) as service:
        answer = nearest_answer(
            service, lon, lat, k=k, chosen=chosen, rule=OpenRule(rule), at=at, wishes=wishes
        )
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    if not answer["features"]:
        click.echo("No station fits; ask for fewer things, or for --open any.")
    for feature in answer["features"]:
        click.echo(describe_line(feature))
    if unknown := answer["services_unknown"]:
        click.echo(
            f"Left out: {unknown:,} station{'s' * (unknown > 1)} whose services are unknown; "
            "--or-unknown lists them, too."
        )
    click.echo(f"Travel time: {answer['travel']}.")
    for warning in answer["warnings"]:
        click.echo(warning)
    if answer["illustrative"]:
        click.echo("Illustrative data: these stations are made up for the demonstration.")


@click.command(cls=NumbersCommand)
@_position
@click.argument("station_id", metavar="ID")
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print GeoJSON, as /api/route does.")
@click.pass_obj
def route(
    settings: Settings, lon: float, lat: float, station_id: str, travel: str | None, as_json: bool
) -> None:
    """Describe the way from a place (WGS-84, longitude first) to a station.

    \b
    Example:  locator route 107.1489 34.3692 BJ-R-045
    """
    from locator.answer import route_answer

    with opened(with_travel(settings, travel)) as service:
        found = route_answer(service, lon, lat, station_id)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        return
    own = found["properties"]
    minutes, km = max(1, round(own["ride_s"] / 60)), own["ride_m"] / 1000
    click.echo(f"{minutes} min · {km:.1f} km · {own['name']} [{own['station']}]")
    for name, road_class, metres in own["streets"]:
        click.echo(f"  {metres:,.0f} m {name or road_class}")
    click.echo(f"Travel time: {own['travel']}.")
