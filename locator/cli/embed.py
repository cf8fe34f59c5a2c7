"""``locator embed``: frozen copies of maps, for reports that others shall be able to check."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from getpass import getuser

import click

from locator import questions
from locator.cli.base import (
    AS_OF,
    CommandGroup,
    given_options,
    opened,
    travel_option,
    with_travel,
    word,
)
from locator.cli.maps import picture_options, view_options
from locator.errors import InputError
from locator.schema import Language
from locator.settings import Settings


@click.group(cls=CommandGroup)
def embed() -> None:
    """Frozen copies of maps: dated, with the data's hash, never changing.

    \b
    Example:  locator embed freeze coverage --minutes 5
    """


@embed.command()
@click.argument("what", type=click.Choice(["map", "coverage"]))
@view_options
@word("--language", "[zh|en]", questions.language, "Of the names in the data.")
@picture_options(dpi=200)
@AS_OF
@travel_option
@click.option("--json", "as_json", is_flag=True, help="Print the copy's digest and address.")
@click.pass_obj
def freeze(
    settings: Settings,
    /,
    what: str,
    language: Language | None,
    as_of: datetime | None,
    travel: str | None,
    as_json: bool,
    **words: object,
) -> None:
    """Keep what a map, or the coverage, shows now, and print its address.

    District lines are kept only where LOCATOR_MAP_APPROVAL is set.

    \b
    Example:  locator embed freeze coverage --minutes 5
    """
    from locator.showing import freeze, read_map_view, read_picture
    from locator.study.maps import settings_language

    given = given_options(words)
    settings = replace(with_travel(settings, travel), basemap="none")
    with opened(settings) as locator:
        shown = language or settings_language(settings)
        view = read_map_view(given, what=what, now=locator.now(), language=shown)
        picture = read_picture(given, dpi=200)
        digest = freeze(
            locator, what, view, picture=picture, as_of=as_of, actor=f"embed freeze: {_user()}"
        )
    path = f"/embed/frozen/{digest}"
    if as_json:
        click.echo(json.dumps({"digest": digest, "path": path}))
        return
    click.echo(f"Kept for good: {path}")
    if not settings.map_approval:
        click.echo("Without district lines: LOCATOR_MAP_APPROVAL is empty.")


@embed.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_command(settings: Settings, as_json: bool) -> None:
    """List the frozen copies, the newest first.

    \b
    Example:  locator embed list
    """
    from locator.showing.frozen import FROZEN_KIND
    from locator.store import open_store

    with open_store(settings.store) as store:
        kept = store.list_documents(FROZEN_KIND)
    rows = [
        {
            "digest": one.digest,
            "made_at": one.made_at.astimezone(UTC).isoformat(timespec="seconds"),
            "title": one.title,
            "question": json.loads(one.question),
        }
        for one in kept
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['made_at']}  {row['digest']}  {row['title']}")
    if not rows:
        click.echo("There is no frozen copy yet; make one with locator embed freeze.")


@embed.command()
@click.argument("digest")
@click.pass_obj
def discard(settings: Settings, digest: str) -> None:
    """Remove a frozen copy; whoever cites it finds nothing, and the history keeps its facts.

    \b
    Example:  locator embed discard DIGEST
    """
    from locator.showing.frozen import FROZEN_KIND
    from locator.store import open_store

    with open_store(settings.store) as store:
        kept = store.read_document(digest)
        if kept is None or kept.kind != FROZEN_KIND:
            raise InputError(f"There is no frozen copy {digest}; see locator embed list.")
        store.discard_document(digest, actor=f"embed discard: {_user()}")
    click.echo(f"Removed {digest}")


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # an account without a name
        return "unknown"
