"""The language of a page: what the reader chose, else what the browser asks for, Chinese first."""

from functools import cached_property
from urllib.parse import urlencode

import flask_babel
from babel.support import NullTranslations
from flask import Flask, Response, g, request

from locator.paths import in_checkout, templates_dir
from locator.schema import Language
from locator.settings import Settings
from locator.web.catalogue import english

COOKIE = "lang"
_LOCALES: dict[Language, str] = {"zh": "zh_Hans_CN", "en": "en"}
_A_YEAR_S = 31_536_000


class _Spoken(flask_babel.Domain):  # type: ignore[misc]
    """The translations of one application, read once when it starts."""

    def __init__(self) -> None:
        super().__init__()
        self._english = english(templates_dir() / "translations", checkout=in_checkout())
        self._as_written = NullTranslations()

    def get_translations(self) -> NullTranslations:
        """Return those of the request; outside of one the messages as they are written."""
        in_english = str(flask_babel.get_locale()) == _LOCALES["en"]
        return self._english if in_english else self._as_written


class _Babel(flask_babel.Babel):  # type: ignore[misc]
    """Flask-Babel with translations that need no compiled file on the disk."""

    @cached_property
    def domain_instance(self) -> _Spoken:
        """Return what every message is looked up in."""
        return _Spoken()


def use_languages(app: Flask, settings: Settings) -> None:
    """Let an application speak Chinese and English; its messages stand in Chinese in the code."""
    app.config["BABEL_DEFAULT_LOCALE"] = _LOCALES["zh"]

    def begin() -> None:
        g.language = _choose(settings)

    app.before_request(begin)
    spoken = _Babel(app, locale_selector=lambda: _LOCALES[language()])
    _ = spoken.domain_instance  # a catalogue that cannot be read is said at the start

    @app.after_request
    def remember(response: Response) -> Response:
        asked = request.args.get("lang")
        # In another's page nothing is kept, and a program's choice is not the reader's.
        page = response.mimetype == "text/html" and request.method != "OPTIONS"
        if asked in _LOCALES and page and not g.get("framed"):
            response.set_cookie(COOKIE, asked, max_age=_A_YEAR_S, samesite="Lax")
        return response


def language() -> Language:
    """Return the language of the page that is being made."""
    chosen: Language = "en" if g.get("language") == "en" else "zh"
    return chosen


def in_language(other: Language) -> str:
    """Return the address of this very page in a language, what was asked of it included."""
    asked = [(k, v) for k, v in request.args.items(multi=True) if k != "lang"]
    return "?" + urlencode([*asked, ("lang", other)])


def gettext(message: str, **holes: object) -> str:
    """Return a message in the page's language, its ``%(name)s`` filled."""
    return str(flask_babel.gettext(message, **holes))


def ngettext(one: str, many: str, number: int) -> str:
    """Return the message for a number of things, ``%(num)d`` filled."""
    return str(flask_babel.ngettext(one, many, number))


def _choose(settings: Settings) -> Language:
    # ``language`` is a word of the maps' addresses; elsewhere it is what a form asks about.
    of_map = request.path.startswith(("/embed/", "/map"))
    for asked in (
        request.args.get("language") if of_map else None,
        request.args.get("lang"),
        request.cookies.get(COOKIE),
    ):
        if asked in _LOCALES:
            return "en" if asked == "en" else "zh"
    best = None
    if "Accept-Language" in request.headers:  # programs send none, and need not wait for a choice
        best = request.accept_languages.best_match(["zh", "en"])
    return "en" if (best or settings.language) == "en" else "zh"
