"""Local files of the pages: our style sheets and scripts, Leaflet, and nothing else."""

import mimetypes

from flask import Blueprint, Response, abort, request, url_for

from locator import __version__
from locator.look import css_variables
from locator.maps import asset_files
from locator.paths import static_dir

__all__ = ["asset_url", "blueprint"]

blueprint = Blueprint("assets", __name__)

_OWN = ("site.css", "rider.js")
_A_DAY_S = 86_400


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """Send one of the files that are served; any other name does not exist."""
    if name == "tokens.css":
        response = Response(css_variables(), mimetype="text/css")
    else:
        files = asset_files() | {own: static_dir() / own for own in _OWN}
        if name not in files:
            abort(404, "There is no such file.")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = Response(files[name].read_bytes(), mimetype=kind)
    response.headers["Cache-Control"] = f"public, max-age={_A_DAY_S}"
    response.add_etag()
    response.make_conditional(request)
    return response


def asset_url(name: str) -> str:
    """Return the address of a served file; it changes with the program's version."""
    return url_for("assets.asset", name=name, v=__version__)


@blueprint.app_context_processor
def _functions() -> dict[str, object]:
    return {"asset_url": asset_url}
