"""``/oembed``: an editor that is given one of our addresses asks here for the frame to put in.

oEmbed 1.0, https://oembed.com: ``url``, ``maxwidth``, ``maxheight``, ``format``; the answer is of
type ``rich``. An address that is not ours, or nothing to frame, is 404; another format is 501.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

from flask import Blueprint, Response, abort, g, jsonify, request

from locator import questions
from locator.errors import InputError
from locator.questions import Given
from locator.schema import Language
from locator.web.embed.asking import MAP_WORDS, map_view, whole_address
from locator.web.embed.frozen import find_frozen
from locator.web.embed.pages import NEAREST_NAMES, heading_of, read_nearest_view
from locator.web.embed.snippet import HEIGHTS, Frame, frame_html
from locator.web.hosts import names_us
from locator.web.language import gettext as _
from locator.web.request import get_service, given_address

blueprint = Blueprint("oembed", __name__)

_NAMES = ("url", "format", "maxwidth", "maxheight", "language", "lang")
_WIDTH = 640
_CACHE_S = 3600
_PICTURE = (480, 360)  # of the small picture beside a link, pixels
_PICTURE_DPI = 60  # small letters, so that legend and notes leave room for the map
_PAGES = {"/": "nearest", "/map": "map"}
_PAGES |= {f"/embed/{what}": what for what in ("map", "nearest", "coverage")}
ENDPOINTS = {
    "map": "embed.embedded_map",
    "nearest": "embed.nearest",
    "coverage": "embed.coverage",
}
_HIGHEST = 1_000_000
_A_YEAR_S = 31_536_000
_FROZEN = re.compile(r"/embed/frozen/([0-9a-f]{64})")


@blueprint.get("/oembed")
def oembed() -> Response:
    """Answer with the frame of one of our addresses."""
    given = given_address(_NAMES)
    chosen = given.read("format", questions.text, "json")
    if chosen not in {"json", "xml"}:
        abort(501, "There are the formats json and xml.")
    address = request.args.get("url", "").strip()
    if not address:
        raise InputError("'url' is missing: the whole address of one of our maps or lists.")
    most = (
        given.read("maxwidth", questions.whole(1, _HIGHEST), _HIGHEST),
        given.read("maxheight", questions.whole(1, _HIGHEST), _HIGHEST),
    )
    body = _describe(*_find(address), most)
    response = _xml(body) if chosen == "xml" else jsonify(body)
    response.cache_control.max_age = _CACHE_S
    return response


def _find(address: str) -> tuple[str, Mapping[str, Sequence[str]]]:
    """Return what one of our addresses shows, and its options."""
    try:
        parts = urlsplit(address)
        texts = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        abort(404, _("这不是本网站的地址。"))
    root = request.root_path.rstrip("/")
    ours = parts.scheme in {"http", "https"} and names_us(parts.netloc, get_service().settings)
    path = parts.path.removeprefix(root) if parts.path.startswith(root) else ""
    what = _PAGES.get(path or "/") if ours and (path or not root) else None
    copy = _FROZEN.fullmatch(path) if ours else None
    if copy and find_frozen(copy[1]) is not None:
        return copy[1], texts
    if what is None:
        abort(404, _("这个地址不能嵌入。"))
    return what, texts


def _describe(
    what: str, texts: Mapping[str, Sequence[str]], most: tuple[int, int]
) -> dict[str, str | int]:
    """Return what oEmbed wants to know; frame and picture stay within ``maxwidth, maxheight``."""
    if what not in ENDPOINTS:
        return _describe_frozen(what, most)
    asked = [text for name in ("language", "lang") for text in texts.get(name, ())]
    if asked and asked[0] in {"zh", "en"}:
        language: Language = "en" if asked[0] == "en" else "zh"
        g.language = language
    query = _query(what, texts)
    url = whole_address(ENDPOINTS[what], query)
    width, height = min(_WIDTH, most[0]), min(HEIGHTS[what], most[1])
    title = heading_of(what)
    frame = Frame(
        url=url,
        title=title,
        width=str(width),
        height=height,
        asks_position=what == "nearest",
    )
    body = _rich(frame, width, _CACHE_S)
    if what != "nearest" and most[0] >= _PICTURE[0] and most[1] >= _PICTURE[1]:
        body |= _picture(what, query)
    return body


def _describe_frozen(digest: str, most: tuple[int, int]) -> dict[str, str | int]:
    frozen = find_frozen(digest)
    assert frozen is not None  # noqa: S101 - found just now
    width, height = min(_WIDTH, most[0]), min(HEIGHTS["coverage"], most[1])
    url = whole_address("frozen.page", {}, digest=digest)
    frame = Frame(url=url, title=frozen.kept.title, width=str(width), height=height)
    return _rich(frame, width, _A_YEAR_S)


def _rich(frame: Frame, width: int, cache_s: int) -> dict[str, str | int]:
    return {
        "version": "1.0",
        "type": "rich",
        "title": frame.title,
        "provider_name": _("骑手驿站"),
        "provider_url": whole_address("rider.home", {}),
        "cache_age": cache_s,
        "html": frame_html(frame),
        "width": width,
        "height": frame.height,
    }


def _query(what: str, texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    try:
        if what == "nearest":
            query = read_nearest_view(Given(texts, NEAREST_NAMES, strict=False)).query()
        else:
            query = map_view(what, Given(texts, MAP_WORDS, strict=False)).query()
    except InputError as error:
        abort(404, str(error))
    named = bool(texts.get("language") or texts.get("lang"))
    return {name: text for name, text in query.items() if named or name != "language"}


def _picture(what: str, query: dict[str, str]) -> dict[str, str | int]:
    width, height = _PICTURE
    size = {"width": str(width), "height": str(height), "dpi": str(_PICTURE_DPI)}
    own = {name: text for name, text in query.items() if name != "theme"}
    url = whole_address("pictures.picture", own | size, what=what, ending="png")
    return {"thumbnail_url": url, "thumbnail_width": width, "thumbnail_height": height}


def _xml(body: Mapping[str, str | int]) -> Response:
    root = ET.Element("oembed")
    for name, value in body.items():
        ET.SubElement(root, name).text = str(value)
    text = ET.tostring(root, encoding="unicode")
    whole = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n{text}\n'
    return Response(whole, content_type="text/xml; charset=utf-8")
