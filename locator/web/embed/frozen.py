"""``/embed/frozen/<digest>``: a copy made with ``locator embed freeze``, which never changes."""

import gzip
import hashlib
import json
import re
from typing import cast

from flask import Blueprint, Response, abort, g, render_template, request, url_for

from locator import questions
from locator.schema import Language
from locator.showing import Frozen, citation, open_frozen
from locator.showing.frozen import FROZEN_KIND
from locator.web.compress import takes_gzip
from locator.web.embed.asking import frame_ancestors, own_address
from locator.web.embed.pictures import MEDIA, send_picture
from locator.web.request import get_service, given_address

blueprint = Blueprint("frozen", __name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_A_YEAR_S = 31_536_000


@blueprint.before_request
def _frame() -> None:
    g.framed = request.endpoint == "frozen.page"


def find_frozen(digest: str) -> Frozen | None:
    """Return a copy by its digest, if the store has it."""
    kept = get_service().store.read_document(digest) if _DIGEST.fullmatch(digest) else None
    return None if kept is None or kept.kind != FROZEN_KIND else open_frozen(kept)


def _find(digest: str) -> Frozen:
    found = find_frozen(digest)
    if found is None:
        abort(404, "没有这个固定版。There is no such frozen copy.")
    return found


def _language() -> Language:
    return given_address(("language",)).read("language", questions.language, "zh")


@blueprint.get("/embed/frozen/<digest>")
def page(digest: str) -> Response:
    """Show a copy: picture, date, the data's hash, and how to cite it, in both languages.

    Nothing in it depends on the reader but the picture's language, which stands in the address:
    the same bytes for everybody, with no nonce, so that it may be kept for ever.
    """
    language, frozen = _language(), _find(digest)
    url = url_for("frozen.page", digest=digest, _external=True)
    made_at = frozen.kept.made_at.astimezone(get_service().rules.timezone)
    about = frozen.about
    live = {k: v for k, v in about["query"].items() if k not in {"at", "language"}}
    endpoint = "embed.map_page" if about["what"] == "map" else "embed.coverage"
    text = render_template(
        "embed/frozen.html",
        about=about,
        digest=digest,
        made_at=made_at,
        shown_in=language,
        citations={each: citation(frozen, url, each, made_at=made_at) for each in ("zh", "en")},
        live=own_address(endpoint, live),
        moment=about["as_of"] or about["query"].get("at", ""),
    )
    response = _unchanging(text.encode(), "text/html; charset=utf-8", digest)
    ancestors = frame_ancestors(get_service().settings.frame_ancestors)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    return response


@blueprint.get("/embed/frozen/<digest>.<any(png, svg):ending>")
def picture(digest: str, ending: str) -> Response:
    """Send a copy's picture."""
    body = _find(digest).picture(_language(), ending)
    named = send_picture(body, ending, name=f"rider-stations-{digest[:12]}")
    response = _unchanging(body, MEDIA[ending], digest)
    for header in ("Content-Disposition", "Content-Security-Policy"):
        response.headers[header] = named.headers[header]
    return response


@blueprint.get("/embed/frozen/<digest>.zip")
def whole(digest: str) -> Response:
    """Send all of a copy, data included, for whoever wants to check it."""
    response = _unchanging(_find(digest).kept.body, "application/zip", digest)
    name = f"rider-stations-{digest[:12]}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _unchanging(body: bytes, media: str, digest: str) -> Response:
    """Return an answer that may be kept for ever; its tag is of the very bytes that are sent."""
    packs = media.startswith(("text/", "image/svg"))
    packed = packs and takes_gzip() and request.method != "HEAD"
    sent = gzip.compress(body, compresslevel=6, mtime=0) if packed else body
    response = Response(sent, content_type=media)
    if packs:
        response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    mark = hashlib.sha256(json.dumps([digest, packed]).encode() + body).hexdigest()[:32]
    response.set_etag(mark)
    response.cache_control.public = True
    response.cache_control.max_age = _A_YEAR_S
    response.cache_control.immutable = True
    return cast("Response", response.make_conditional(request))
