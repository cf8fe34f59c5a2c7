"""``/map`` with the frame of the site, and what other sites frame: map, list, coverage."""

from dataclasses import dataclass, replace

from flask import Blueprint, Response, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from locator import questions
from locator.errors import BusyError, InputError
from locator.maps import (
    CLUSTER_ABOVE,
    MapParts,
    build_map,
    frame_files,
    render_frame,
    render_parts,
)
from locator.maps.payload import dump_json
from locator.nearest import OpenRule, StationFilter, filter_words, read_filter
from locator.places import Place
from locator.questions import Given
from locator.schema import Language
from locator.showing import MapView, map_words
from locator.showing.compose import percent
from locator.theme import THEMES, Theme, css_variables
from locator.web.admission import RETRY_AFTER_S, busy_words, dear
from locator.web.assets import asset_text, asset_url
from locator.web.embed.asking import (
    MAP_WORDS,
    borders,
    drawing_of,
    map_view,
    own_address,
    shown_for,
    states_of,
    whole_address,
)
from locator.web.embed.snippet import HEIGHTS
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.request import get_service, given_address
from locator.web.rider import list_around
from locator.web.words import script_words

blueprint = Blueprint("embed", __name__)

NEAREST_NAMES = ("kind", "service", "unknown", "count", "place", "language", "theme", "lang")
_FRAMED = frozenset({"embed.embedded_map", "embed.nearest", "embed.coverage"})
_COUNTS = (1, 10)
_LISTED, _GAPS_LISTED, _PLACES_LISTED = 3, 5, 8


@dataclass(frozen=True)
class NearestView:
    """What the list shows: which stations, how many, around which place before it is asked."""

    chosen: StationFilter
    count: int
    place: str
    language: Language
    theme: Theme

    def query(self) -> dict[str, str]:
        """Return the texts that it is read from, but for the place."""
        given = {
            **filter_words(self.chosen),
            "unknown": "1" if self.chosen.or_unknown else "",
            "count": "" if self.count == _LISTED else str(self.count),
            "language": self.language,
            "theme": "" if self.theme == "auto" else self.theme,
        }
        return {name: text for name, text in given.items() if text}


def read_nearest_view(given: Given) -> NearestView:
    """Read the options of the list.

    Raises
    ------
    InputError
        One of them is wrong.
    """
    return NearestView(
        chosen=read_filter(given),
        count=given.read("count", questions.whole(*_COUNTS), _LISTED),
        place=given.read("place", questions.text, ""),
        language=given.read("language", questions.language, language()),
        theme=given.read("theme", questions.choice(*THEMES), "auto"),
    )


def heading_of(what: str) -> str:
    """Return the title of an embed in the page's language."""
    headings = {
        "map": _("骑手驿站地图"),
        "nearest": _("离您最近的骑手驿站"),
        "coverage": _("骑手驿站的覆盖"),
    }
    return headings[what]


@blueprint.before_request
def _frame() -> None:
    """Let others frame the embeds; what goes wrong in a frame is said in the frame."""
    g.framed = request.endpoint in _FRAMED


@blueprint.errorhandler(InputError)
def _wrong(error: InputError) -> ResponseReturnValue:
    return _trouble(400, str(error))


@blueprint.errorhandler(BusyError)
def _busy(_error: BusyError) -> ResponseReturnValue:
    response = make_response(_trouble(503, busy_words()))
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _trouble(status: int, reason: str) -> ResponseReturnValue:
    if request.endpoint == "embed.drawing":
        return Response(reason, status=status, mimetype="text/plain")
    title = _("请求有误") if status == 400 else _("现在太忙")
    if not g.framed:
        return render_template("error.html", title=title, reason=reason), status
    return render_template("embed/trouble.html", title=title, reason=reason, **_look()), status


@blueprint.get("/map")
def map_page() -> str:
    """Show the city's map in a page, with the options of ``/embed/map``."""
    view = map_view("map", given_address(MAP_WORDS, strict=False))
    return render_template(
        "map.html",
        parts=_parts(view),
        heading=heading_of("map"),
        discovery=whole_address("embed.map_page", view.query()),
    )


@blueprint.get("/embed/map")
def embedded_map() -> str:
    """Show the city's map alone: a shell at once, the map when it is looked at.

    ``?for=list`` is the map in the rider's own page: it follows the list there by messages
    (``templates/static/map-list.js``).
    """
    given = given_address((*MAP_WORDS, "for"))
    view = map_view("map", given)
    if given.read("for", questions.choice("list")):
        return render_template(
            "embed/list.html", parts=_parts(view, for_list=True), heading=heading_of("map")
        )
    service = get_service()
    snapshot = service.snapshot()
    options = map_words(service, snapshot, "map", view, borders=borders(), states=True)
    number = int(snapshot.index.mask(view.chosen).sum())
    return render_template(
        "embed/map.html",
        words=_("%(number)s 个在用的驿站。", number=f"{number:,}"),
        **_shell("map", view, render_frame(options)),
    )


@blueprint.get("/embed/coverage")
def coverage() -> str:
    """Show what is covered at a standard and what is not, in words, and as a map when looked at."""
    view = map_view("coverage", given_address(MAP_WORDS))
    shown = shown_for("coverage", view, now_states=states_of("coverage"))
    result, now = shown.coverage, get_service().now()
    assert result is not None  # noqa: S101 - coverage is always measured
    share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
    offered = result["covered_share_if_unknown_offered"]
    gaps = [] if shown.gaps is None else shown.gaps.head(_GAPS_LISTED).to_dict("records")
    return render_template(
        "embed/coverage.html",
        minutes=view.minutes[0],
        result=result,
        share=None if share is None else percent(share),
        missing=None if share is None else percent(1 - share),
        possible=percent(possible) if possible is not None and possible != share else "",
        offered=percent(offered) if offered is not None and offered != share else "",
        gaps=gaps,
        made_up=shown.options.illustrative,
        at=shown.at,
        now=now,
        model=get_service().travel.describe(language()),
        **_shell("coverage", view, render_frame(shown.options)),
    )


@blueprint.get("/embed/<any(map, coverage):what>.js")
def drawing(what: str) -> Response:
    """Send the script that draws a map into its shell."""
    view = map_view(what, given_address(MAP_WORDS))
    mark, make = drawing_of(what, view)
    if request.if_none_match.contains_weak(mark):
        response = Response(status=304)
    else:
        words = shown_for(what, view, now_states=states_of(what)).options
        said = f"{dump_json(words.caption)}, {dump_json(words.title)}"
        script = f"{make()}\nlocatorEmbed.caption({said});\n"
        response = Response(script, mimetype="text/javascript")
    response.set_etag(mark, weak=True)
    response.cache_control.no_cache = True
    return response


@blueprint.get("/embed/nearest")
def nearest() -> str:
    """Show the nearest stations: around a named place, or the reader after a tap.

    The position stays in the reader's browser, which ranks the stations by itself.
    """
    view = read_nearest_view(given_address(NEAREST_NAMES))
    places = get_service().snapshot().named_places
    matches = [place for place in places if view.place and view.place in place.name]
    exact = [place for place in matches if place.name == view.place]
    context: dict[str, object] = {}
    place: Place | None = None
    if exact or len(matches) == 1:
        place = (exact or matches)[0]
        context = list_around(place, view.chosen, OpenRule.YES, k=view.count)
    settings = {
        "count": view.count,
        "kinds": [kind.value for kind in view.chosen.kinds],
        "services": [service.value for service in view.chosen.services],
        "unknown": view.chosen.or_unknown,
    }
    return render_template(
        "embed/nearest.html",
        view=view,
        place=place,
        matches=[] if place else matches[:_PLACES_LISTED],
        unknown=bool(view.place) and not matches,
        words=script_words(),
        kept=view.query(),
        settings=settings,
        min_left=get_service().settings.min_minutes_left,
        full=url_for("rider.home"),
        heading=heading_of("nearest"),
        discovery=whole_address("embed.nearest", view.query()),
        **{name: context.get(name) for name in ("cards", "relaxed", "left_out", "also_unknown")},
        **_look(view.theme),
    )


def _parts(view: MapView, *, for_list: bool = False) -> MapParts:
    """Return the map's HTML, marked as such: locator.maps has escaped what people wrote."""
    with dear():
        shown = shown_for("map", view, now_states=True)
        options = replace(shown.options, station_url="/stations/", for_list=for_list)
        parts = render_parts(build_map(shown.layers, options), nonce=g.nonce, asset_url=asset_url)
    return MapParts(*(Markup(part) for part in (parts.head, parts.body, parts.script)))  # noqa: S704


def _shell(what: str, view: MapView, figure: str) -> dict[str, object]:
    """Return what a template needs to show words now and the map later."""
    query = view.query()
    drawn = own_address("embed.drawing", query, what=what)
    picture = own_address("pictures.picture", _light(query), what=what, ending="png")
    stations = len(get_service().snapshot().stations)
    styles, scripts = frame_files(clustered=stations > CLUSTER_ABOVE)
    full = own_address("embed.map_page", _as_map(what, query))
    return {
        "heading": heading_of(what),
        "figure": Markup(figure),  # noqa: S704 - escaped where it is made
        "picture": picture,
        "full": full,
        "discovery": whole_address(request.endpoint or "", query),
        "settings": {
            "styles": [asset_url(name) for name in styles],
            "scripts": [asset_url(name) for name in scripts],
            "drawing": drawn,
            "picture": picture,
            "height": HEIGHTS[what],
            "words": {
                "loading": _("地图正在载入…"),
                "slow": _("网络慢，地图还在路上。"),
                "failed": _("地图没有载入。"),
                "again": _("再试一次"),
            },
        },
        **_look(view.theme),
    }


def _light(query: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in query.items() if name != "theme"}


def _as_map(what: str, query: dict[str, str]) -> dict[str, str]:
    if what == "coverage" and "layers" not in query:
        return {"layers": "stations,gaps,reach", **query}
    return query


def _look(theme: Theme = "auto") -> dict[str, object]:
    return {
        "theme": theme,
        "embed_style": Markup(css_variables(theme) + asset_text("embed.css")),  # noqa: S704 - ours
    }
