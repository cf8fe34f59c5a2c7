"""Local files of the pages: our style sheets and scripts, Leaflet, and nothing else."""

import hashlib
import mimetypes
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for

from locator.look import css_variables
from locator.maps import asset_files
from locator.paths import static_dir

__all__ = ["asset_url", "blueprint", "load_assets"]

blueprint = Blueprint("assets", __name__)

_OWN = ("site.css", "rider.js")
_A_YEAR_S = 31_536_000


@dataclass(frozen=True)
class _Asset:
    content: bytes
    kind: str
    digest: str


def load_assets(app: Flask) -> None:
    """Read the files that are served, once, when the application is made."""
    files = asset_files() | {own: static_dir() / own for own in _OWN}
    contents = {name: path.read_bytes() for name, path in files.items()}
    contents["tokens.css"] = css_variables().encode()
    app.extensions["locator.assets"] = {
        name: _Asset(
            content,
            mimetypes.guess_type(name)[0] or "application/octet-stream",
            hashlib.sha256(content).hexdigest()[:12],
        )
        for name, content in contents.items()
    }


def _assets() -> dict[str, _Asset]:
    return cast("dict[str, _Asset]", current_app.extensions["locator.assets"])


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Send one of the files that are served; any other name does not exist."""
    found = _assets().get(name)
    if found is None:
        abort(404, "There is no such file.")
    response = Response(found.content, mimetype=found.kind)
    # An address with the content's digest never changes its content.
    forever = request.args.get("v") == found.digest
    response.cache_control.public = True
    response.cache_control.max_age = _A_YEAR_S if forever else 300
    response.set_etag(found.digest)
    return cast("Response", response.make_conditional(request))


def asset_url(name: str) -> str:
    """Return the address of a served file; it changes with the file's content."""
    return url_for("assets.asset", name=name, v=_assets()[name].digest)


@blueprint.app_context_processor
def _functions() -> dict[str, object]:
    return {"asset_url": asset_url}
