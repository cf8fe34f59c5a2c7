"""``locator publish``: a finished study, for everybody to see."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from locator.cli.base import FOLDER, count
from locator.errors import InputError
from locator.settings import Settings

if TYPE_CHECKING:
    from locator.store import DocumentFacts

_ACTOR = "locator publish"
_SHOWN_DIGITS = 12


@click.command()
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@click.option("--list", "listed", is_flag=True, help="List what is published, the last one first.")
@click.option("--withdraw", metavar="DIGEST", help="Take a publication back, by how it begins.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def publish(
    settings: Settings, folder: Path | None, listed: bool, withdraw: str | None, as_json: bool
) -> None:
    """Publish the gaps of a finished study, the folder of 'locator gaps --out DIR'.

    The last publication is what /ogc/collections/gaps and /exports/gaps.* show: the areas with
    their figures, date, model and settings. Nothing else of the folder is published. A
    publication never changes; a newer one takes its place, and a withdrawn one gives it back.

    \b
    Example:  locator publish gaps-noon
              locator publish --list
              locator publish --withdraw 1f3c9a02
    """
    from locator.published import KIND
    from locator.service import utc_now
    from locator.store import open_store
    from locator.study import publish_study, withdraw_study

    if sum((folder is not None, listed, withdraw is not None)) != 1:
        raise InputError("Give one of DIR, --list and --withdraw DIGEST.")
    with open_store(settings.store) as store:
        done = ""
        if folder is not None:
            digest = publish_study(store, folder, made_at=utc_now(), actor=_ACTOR)
            done = (
                f"Published as {digest[:_SHOWN_DIGITS]}: /ogc/collections/gaps, /exports/gaps.csv"
            )
        elif withdraw is not None:
            gone = withdraw_study(store, withdraw, actor=_ACTOR)
            done = f"Withdrawn: {gone.digest[:_SHOWN_DIGITS]} {gone.title}"
        kept = store.list_documents(KIND)
    if as_json:
        click.echo(json.dumps([_facts(facts) for facts in kept], ensure_ascii=False))
        return
    if done:
        click.echo(done)
    if listed or withdraw is not None:
        _tell(kept)


def _tell(kept: "tuple[DocumentFacts, ...]") -> None:
    if not kept:
        click.echo("Nothing is published.")
        return
    for number, facts in enumerate(kept):
        question = json.loads(facts.question)
        shown = "shown" if number == 0 else "     "
        click.echo(
            f"{shown}  {facts.digest[:_SHOWN_DIGITS]}  {facts.made_at:%Y-%m-%d %H:%M}Z  "
            f"{question.get('standard', '')}  {facts.title}"
        )
    click.echo(f"{count(len(kept), 'publication')} in all.")


def _facts(facts: "DocumentFacts") -> dict[str, object]:
    return {
        "digest": facts.digest,
        "published_at": facts.made_at.isoformat(),
        "title": facts.title,
        "data_version": facts.data_version,
        "size_bytes": facts.size_bytes,
        **json.loads(facts.question),
    }
