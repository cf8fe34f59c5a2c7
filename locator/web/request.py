"""What a request asks: its address, form or JSON body as the words of a question."""

import json
from collections.abc import Sequence
from typing import cast

from flask import current_app, request
from werkzeug.datastructures import MIMEAccept

from locator.errors import InputError
from locator.questions import Given
from locator.service import Service


def get_service() -> Service:
    """Return the application's service."""
    return cast("Service", current_app.extensions["locator"])


def best_media(offered: Sequence[str]) -> str | None:
    """Return which of some media types the request's ``Accept`` likes best, or None.

    What stands behind a media type (``;version=1``) is no reason to refuse, and ``*`` is any.
    """
    ranges = (
        (text.split(";", maxsplit=1)[0].strip(), quality)
        for text, quality in request.accept_mimetypes
    )
    plain = MIMEAccept(("*/*" if text == "*" else text, quality) for text, quality in ranges)
    return plain.best_match(offered)


def given_address(known: Sequence[str] | None = None, *, strict: bool = True) -> Given:
    """Return what the address asks; ``strict`` refuses a word that is not known."""
    return Given(dict(request.args.lists()), known, strict=strict)


def given_form(known: Sequence[str] | None = None) -> Given:
    """Return what the form in the body asks."""
    return Given(dict(request.form.lists()), known)


def given_body(known: Sequence[str]) -> Given:
    """Return what a JSON object in the body asks.

    Raises
    ------
    InputError
        It is something else, or holds a word that is not known.
    """
    if request.mimetype != "application/json":
        raise InputError("The question must be JSON, sent as application/json.")
    try:
        body = json.loads(request.get_data().decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError("The question is not JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise InputError(f"The question must be a map with {', '.join(known)}.")
    return Given(body, known)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number")
