"""Use without a network: the service worker, the manifest of the installed page, the icons."""

import hashlib
import json
import mimetypes
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Response, abort, current_app, g, request, url_for
from flask.blueprints import BlueprintSetupState

from locator.maps import asset_files
from locator.paths import static_dir
from locator.schema import Language
from locator.theme import PALETTE
from locator.web.assets import APART, asset_names, asset_url

blueprint = Blueprint("offline", __name__)

_A_YEAR_S = 31_536_000
_A_DAY_S = 86_400
_STYLES = ("tokens.css", "site.css")
_PNG_SIZES = (192, 512)
_PURPOSES = {"any": "icon", "maskable": "maskable"}
# Name, name below an icon, description.
_WORDS: dict[Language, tuple[str, str, str]] = {
    "zh": ("骑手驿站", "骑手驿站", "离您最近、正在开放的骑手驿站。"),
    "en": ("Rider stations", "Stations", "The nearest open rest stations for delivery riders."),
}


@dataclass(frozen=True)
class _Icon:
    content: bytes
    kind: str
    digest: str


@blueprint.record_once
def _read_files(state: BlueprintSetupState) -> None:
    """Read what is served, once, when the application is made."""
    icons = {}
    for path in sorted((static_dir() / "icons").iterdir()):
        kind, content = mimetypes.guess_type(path.name)[0], path.read_bytes()
        if kind is not None:
            icons[path.name] = _Icon(content, kind, hashlib.sha256(content).hexdigest()[:12])
    state.app.extensions["locator.icons"] = icons
    state.app.extensions["locator.worker"] = (static_dir() / "sw.js").read_text("utf-8")


def _icons() -> dict[str, _Icon]:
    return cast("dict[str, _Icon]", current_app.extensions["locator.icons"])


def icon_url(name: str) -> str:
    """Return the address of an icon; it changes with the icon."""
    return url_for("offline.icon", name=name, v=_icons()[name].digest)


@blueprint.app_context_processor
def _functions() -> dict[str, object]:
    return {"icon_url": icon_url}


@blueprint.get("/icons/<name>")
def icon(name: str) -> Response:
    """Send an icon; without its digest in the address it may be kept for a day."""
    found = _icons().get(name)
    if found is None:
        abort(404, "There is no such icon.")
    response = Response(found.content, mimetype=found.kind)
    forever = request.args.get("v") == found.digest
    response.cache_control.public = True
    response.cache_control.max_age = _A_YEAR_S if forever else _A_DAY_S
    response.set_etag(found.digest)
    return cast("Response", response.make_conditional(request))


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """Say what the site is called and looks like on a phone's home screen."""
    language: Language = "en" if g.get("language", "zh") == "en" else "zh"
    name, short, description = _WORDS[language]
    body = {
        "id": "/",
        "name": name,
        "short_name": short,
        "description": description,
        "lang": "zh-CN" if language == "zh" else "en",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": PALETTE["accent"],
        "background_color": PALETTE["paper"],
        "icons": [
            {
                "src": icon_url(f"{start}-{size}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for purpose, start in _PURPOSES.items()
            for size in _PNG_SIZES
        ],
    }
    response = Response(json.dumps(body, ensure_ascii=False), mimetype="application/manifest+json")
    return _asked_each_time(response)


@blueprint.get("/sw.js")
def worker() -> Response:
    """Send the service worker with what it has to keep written above it.

    Browsers take a worker as new when its text has changed: a changed asset changes the list.
    """
    code = str(current_app.extensions["locator.worker"])
    optional = [asset_url(name) for name in _shell_names()]
    optional += ["/stations.json", url_for("offline.manifest"), *map(icon_url, _icons())]
    build: dict[str, object] = {
        "home": "/",
        "optional": optional,
        "styles": [asset_url(name) for name in _STYLES],
    }
    build["digest"] = hashlib.sha256((code + json.dumps(build)).encode()).hexdigest()[:12]
    response = Response(
        f"self.LOCATOR_BUILD = {json.dumps(build)};\n{code}", mimetype="text/javascript"
    )
    response.headers["Service-Worker-Allowed"] = "/"
    return _asked_each_time(response)


def _shell_names() -> list[str]:
    """Return the assets of the rider's pages; those of the map are kept when it is looked at."""
    return sorted(set(asset_names()) - set(asset_files()) - set(APART))


def _asked_each_time(response: Response) -> Response:
    response.cache_control.no_cache = True
    response.add_etag(weak=True)
    return cast("Response", response.make_conditional(request))
