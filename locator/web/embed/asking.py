"""What every embed asks: its options from the address, and what the store shows for them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast
from urllib.parse import urlencode

from flask import Flask, current_app, g, request, url_for

from locator import __version__
from locator.cache import Cache
from locator.maps import build_map, render_drawing
from locator.questions import Given
from locator.showing import MAP_NAMES, MapView, Shown, read_map_view, show_view
from locator.web.admission import admission_of
from locator.web.language import language
from locator.web.request import get_service

# ``lang`` is the site's own word for it, ``reach`` the older name of minutes.
MAP_WORDS = (*MAP_NAMES, "lang", "reach")

_KEPT_VIEWS = 8
_KEPT_TEXTS = 8 * 2**20
_KEPT_PICTURES = 32 * 2**20


def open_caches(app: Flask) -> None:
    """Give an application the caches of maps, which are drawn one at a time."""
    turn = admission_of(app).turn
    app.extensions["locator.caches"] = {
        "views": Cache[Shown](_KEPT_VIEWS, turn=turn),
        "drawings": Cache[str](_KEPT_TEXTS, len, turn=turn),
        "pictures": Cache[bytes](_KEPT_PICTURES, len, turn=turn),
    }


def picture_cache() -> Cache[bytes]:
    """Return the cache of pictures."""
    return cast("Cache[bytes]", current_app.extensions["locator.caches"]["pictures"])


def map_view(what: str, given: Given) -> MapView:
    """Read a map's options; the language is that of the page where they name none.

    Raises
    ------
    InputError
        An option is wrong.
    """
    return read_map_view(given, what=what, now=get_service().now(), language=language())


def borders() -> bool:
    """Tell whether this visitor is shown the districts' lines."""
    return bool(get_service().settings.map_approval) or bool(g.local)


def frame_ancestors(others: str) -> str:
    """Return who may frame an embed: our own page always, and the others that are set."""
    if others in {"", "'none'"}:
        return "'self'"
    return others if others == "*" else f"'self' {others}"


def states_of(what: str) -> bool:
    """Tell whether an embed marks stations as they are now.

    Coverage does not: its shares leave opening hours out unless a moment is named.
    """
    return what == "map"


def shown_for(what: str, view: MapView, *, now_states: bool) -> Shown:
    """Return what a view shows; made once for everybody until the data or the minute change."""
    service = get_service()

    def make() -> Shown:
        return show_view(
            service, what, view, now_states=now_states, borders=borders(), bounded=True
        )

    cache = cast("Cache[Shown]", current_app.extensions["locator.caches"]["views"])
    return cache.get(mark_of(what, view, str(now_states), by_minute=now_states), make)


def drawing_of(what: str, view: MapView) -> tuple[str, Callable[[], str]]:
    """Return the mark of a map's drawing and what makes its script."""
    now_states = states_of(what)
    mark = mark_of(what, view, "drawing", by_minute=now_states)

    def make() -> str:
        shown = shown_for(what, view, now_states=now_states)
        options = replace(shown.options, station_url="/stations/")
        return render_drawing(build_map(shown.layers, options))

    cache = cast("Cache[str]", current_app.extensions["locator.caches"]["drawings"])
    return mark, lambda: cache.get(mark, make)


def mark_of(what: str, view: MapView, *more: str, by_minute: bool = False) -> str:
    """Return the mark of an answer: the same while data, program, question and day are the same."""
    service = get_service()
    now = service.now()
    by_minute = by_minute or view.at == "now"
    moment = now.strftime("%Y-%m-%dT%H:%M") if by_minute else now.date().isoformat()
    snapshot = service.snapshot()
    settings = repr(service.settings)  # speeds, approval number, language: all may show
    parts = [__version__, snapshot.version, settings, service.travel.describe(), moment, what]
    parts += [urlencode(view.query()), str(borders()), *more]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def own_address(endpoint: str, query: Mapping[str, str], **values: str) -> str:
    """Return the address of one of our pages for use in our pages, whatever stands in front."""
    base = url_for(endpoint, _external=False, **values)
    return f"{base}?{urlencode(query, safe=',:')}" if query else base


def whole_address(endpoint: str, query: Mapping[str, str], **values: str) -> str:
    """Return the address of one of our pages as the world sees it, behind a proxy too."""
    path = own_address(endpoint, query, **values)
    return f"{request.scheme}://{request.host}{path}"
