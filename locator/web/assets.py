"""Local files of the pages: our style sheets and scripts, Leaflet, and nothing else."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for
from markupsafe import Markup

from locator.maps import asset_files
from locator.paths import static_dir
from locator.theme import css_variables
from locator.web.compress import takes_gzip

blueprint = Blueprint("assets", __name__)

_OWN = (
    "site.css",
    "rank.js",
    "words.js",
    "phone.js",
    "cards.js",
    "rider-map.js",
    "rider.js",
    "route.js",
    "station.js",
)
# Kept apart: what planners use is no part of what a rider's phone keeps for days without a network.
PLANNER_FILES = (
    "planner.css",
    "planner-strip.js",
    "planner-map.js",
    "planner-draft.js",
    "planner-changes.js",
    "planner-sites.js",
    "planner.js",
)
EMBED_FILES = (
    "embed.css",
    "embed.js",
    "embed-nearest.js",
    "embed-builder.css",
    "embed-builder.js",
)
APART = (*PLANNER_FILES, *EMBED_FILES)  # of no use to a rider's phone
_TEXTS = ("text/", "application/javascript", "image/svg")
_A_YEAR_S = 31_536_000


@dataclass(frozen=True)
class _Asset:
    content: bytes
    packed: bytes
    kind: str
    digest: str


def load_assets(app: Flask) -> None:
    """Read the files that are served, once, when the application is made."""
    files = asset_files() | {own: static_dir() / own for own in (*_OWN, *APART)}
    contents = {name: _lean(name, path.read_bytes()) for name, path in files.items()}
    contents["tokens.css"] = css_variables().encode()
    app.extensions["locator.assets"] = {
        name: _Asset(
            content,
            gzip.compress(content, mtime=0),
            mimetypes.guess_type(name)[0] or "application/octet-stream",
            hashlib.sha256(content).hexdigest()[:12],
        )
        for name, content in contents.items()
    }


def _lean(name: str, content: bytes) -> bytes:
    """Leave out the comment lines of our own scripts, and indents: riders pay for every byte."""
    if name not in (*_OWN, *APART) or not name.endswith(".js"):
        return content
    lines = (line.strip() for line in content.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"//"))


def _assets() -> dict[str, _Asset]:
    return cast("dict[str, _Asset]", current_app.extensions["locator.assets"])


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Send one of the files that are served; any other name does not exist."""
    found = _assets().get(name)
    if found is None:
        abort(404, "There is no such file.")
    packed = found.kind.startswith(_TEXTS) and takes_gzip()
    response = Response(found.packed if packed else found.content, mimetype=found.kind)
    response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # An address with the content's digest never changes its content.
    forever = request.args.get("v") == found.digest
    response.cache_control.public = True
    response.cache_control.max_age = _A_YEAR_S if forever else 300
    response.set_etag(found.digest, weak=True)  # the same file, packed or not
    return cast("Response", response.make_conditional(request))


def asset_names() -> list[str]:
    """Return the names of the files that are served."""
    return sorted(_assets())


def asset_text(name: str) -> str:
    """Return a served file's text, to stand in a page."""
    return _assets()[name].content.decode()


def asset_url(name: str) -> str:
    """Return the address of a served file; it changes with the file's content."""
    return url_for("assets.asset", name=name, v=_assets()[name].digest)


@blueprint.app_context_processor
def _functions() -> dict[str, object]:
    return {"asset_url": asset_url, "style_text": _style_text}


def _style_text() -> Markup:
    """Return the site's own styles, to stand in a page: a phone waits for two files less."""
    found = _assets()
    text = "".join(found[name].content.decode() for name in ("tokens.css", "site.css"))
    return Markup(text)  # noqa: S704 - our own files; nothing of the store is in them
