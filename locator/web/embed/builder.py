"""``/embed``: the page that writes the snippet and shows what it will look like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from locator import questions
from locator.errors import InputError
from locator.questions import Given
from locator.schema import Amenity, Kind
from locator.showing import LAYERS
from locator.showing.frozen import FROZEN_KIND
from locator.theme import THEMES
from locator.web.embed.asking import MAP_WORDS, map_view, whole_address
from locator.web.embed.oembed import ENDPOINTS
from locator.web.embed.pages import NEAREST_NAMES, heading_of, read_nearest_view
from locator.web.embed.snippet import HEIGHTS, Frame, snippet_html
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.request import get_service, given_address

blueprint = Blueprint("builder", __name__)

_LISTED = 20
_FORM = (
    "what", "layers", "bbox", "kind", "service", "minutes", "at", "count", "language", "lang",
    "theme",
)  # fmt: skip
_NOT_OF = {"map": {"count"}, "coverage": {"count"}, "nearest": {"layers", "bbox", "minutes", "at"}}


@dataclass(frozen=True)
class _Built:
    """What the page offers for a choice."""

    url: str
    snippet: str
    picture: str
    oembed: str
    asks_position: bool
    height: int


@blueprint.get("/embed")
def page() -> ResponseReturnValue:
    """Show the form, the snippet, and the embed itself; without a script, too."""
    texts = {name: values for name, values in request.args.lists() if any(values)}
    trouble, built, what = "", None, "map"
    try:
        what = given_address(_FORM).read("what", questions.choice(*ENDPOINTS), "map")
        built = _build(what, texts)
    except InputError as error:
        trouble = str(error)
    given = {
        name: [part for t in values for part in t.split(",")] for name, values in texts.items()
    }
    page = render_template(
        "embed/builder.html",
        what=what,
        whats={name: heading_of(name) for name in ENDPOINTS},
        given=given,
        built=built,
        trouble=trouble,
        layers=_layer_names(),
        kinds={kind.value: kind.label(language()) for kind in Kind},
        services={service.value: service.label(language()) for service in Amenity},
        themes=_theme_names(),
        heading=_("把地图放进别的网页"),
        frozen=_frozen(),
    )
    return page, 400 if trouble else 200


def _build(what: str, asked: Mapping[str, Sequence[str]]) -> _Built:
    # The form has fields for all three; those that another embed would need are left out.
    own = {
        name: values
        for name, values in asked.items()
        if name != "what" and name not in _NOT_OF[what]
    }
    if what == "nearest":
        query = read_nearest_view(Given(own, NEAREST_NAMES)).query()
    else:
        query = map_view(what, Given(own, MAP_WORDS)).query()
    if not request.args.get("language"):
        query.pop("language", None)  # then each reader's browser chooses
    url = whole_address(ENDPOINTS[what], query)
    light = {name: text for name, text in query.items() if name != "theme"}
    drawn = what != "nearest"
    frame = Frame(
        url=url, title=heading_of(what), height=HEIGHTS[what], asks_position=what == "nearest"
    )
    return _Built(
        url=url,
        snippet=snippet_html(frame),
        picture=whole_address("pictures.picture", light, what=what, ending="png") if drawn else "",
        oembed=whole_address("oembed.oembed", {"url": url, "format": "json"}),
        asks_position=frame.asks_position,
        height=frame.height,
    )


def _frozen() -> list[dict[str, str]]:
    """Return the newest frozen copies, as the page lists them."""
    zone = get_service().rules.timezone
    copies = []
    for kept in get_service().store.list_documents(FROZEN_KIND)[:_LISTED]:
        url = whole_address("frozen.page", {}, digest=kept.digest)
        frame = Frame(url=url, title=kept.title, height=HEIGHTS["coverage"])
        made_at = kept.made_at.astimezone(zone)
        copies.append(
            {
                "url": url,
                "title": kept.title,
                "made_at": f"{made_at:%Y-%m-%d %H:%M}",
                "digest": kept.digest,
                "snippet": snippet_html(frame),
            }
        )
    return copies


def _layer_names() -> dict[str, str]:
    names = {
        "stations": _("驿站"),
        "hot_zones": _("热区"),
        "gaps": _("覆盖缺口"),
        "reach": _("可达范围"),
        "districts": _("区县界"),
        "places": _("地名"),
    }
    return {name: names[name] for name in LAYERS}


def _theme_names() -> dict[str, str]:
    names = {"auto": _("随读者的设备"), "light": _("浅色"), "dark": _("深色")}
    return {theme: names[theme] for theme in THEMES}
