"""``create_app``: settings in, application out; nothing happens at import."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime

from flask import Flask, Response, abort, g, jsonify, make_response, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from locator.errors import InputError, NoWayError, StoreError
from locator.hours import calendar_warnings, unannounced_year
from locator.maps import tile_origins
from locator.paths import templates_dir
from locator.schema import Provenance, Status, is_illustrative
from locator.service import Service, open_service, utc_now
from locator.settings import Settings
from locator.store import Store
from locator.theme import KIND_LOOKS, PALETTE
from locator.travel import Routed, StraightLine
from locator.web import api, assets, embed, exports, jobs, offline, ogc, phone, planner, rider
from locator.web.admission import open_admission
from locator.web.compress import compress
from locator.web.cors import open_to_scripts
from locator.web.embed.asking import frame_ancestors
from locator.web.hosts import caller, use_hosts
from locator.web.language import gettext as _
from locator.web.language import in_language, language, use_languages
from locator.web.page_cache import keep_pages
from locator.web.request import get_service

_MAX_FORM_BYTES = 8 * 1024  # of riders: a position and some names
_MAX_QUESTION_BYTES = 64 * 1024  # of planners: fifty stations and their hours
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class _PlainJson(DefaultJSONProvider):
    ensure_ascii = False
    compact = True


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    listens_here: bool = True,
    threads: int = 8,
    store: Store | None = None,
) -> Flask:
    """Build the application on the store that the settings name.

    Parameters
    ----------
    clock
        Where "now" comes from.
    listens_here
        Whether the server that runs it listens on a loopback address only.
    threads
        How many the server answers with; a few of them are kept from dear work.
    store
        One that is open already, in place of the one that the settings name.

    Raises
    ------
    SettingsError
        Others can reach it, and LOCATOR_HOSTS names no host.
    StoreMissingError
        There is no store yet; ``locator init`` makes it.
    """
    app = Flask("locator.web", template_folder=str(templates_dir()), static_folder=None)
    use_hosts(app, settings, listens_here=listens_here)
    service = open_service(settings, clock=clock, prepares=True, store=store)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_QUESTION_BYTES
    app.json = _PlainJson(app)  # words in pages as themselves: a third of their bytes
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["locator"] = service
    if settings.proxies:  # outside the check: it sees what these proxies say
        n = settings.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=0, x_proto=n, x_host=n, x_prefix=n
        )
    assets.load_assets(app)
    open_admission(app, threads)
    keep_pages(app)
    phone.keep_registers(app)
    planner.open_planner_page(app)
    jobs.open_jobs(app, settings)
    ogc.use_views(app)
    exports.keep_exports(app)
    for module in (rider, phone, planner, jobs, api, assets, offline, ogc, exports):
        app.register_blueprint(module.blueprint)
    embed.use_embeds(app)
    app.before_request(_begin)
    app.before_request(_limit_body)
    app.after_request(compress)  # runs after _secure: Flask goes through these from the last
    app.after_request(_secure)
    open_to_scripts(app)
    use_languages(app, settings)
    app.context_processor(lambda: _page_words(service))
    app.register_error_handler(InputError, _bad_input)
    app.register_error_handler(NoWayError, _no_way)
    app.register_error_handler(StoreError, _store_trouble)
    app.register_error_handler(HTTPException, _http_error)
    for warning in calendar_warnings(service.rules, service.now()):
        logging.getLogger("locator").warning("%s", warning)
    if not settings.map_approval:
        logging.getLogger("locator").warning(
            "LOCATOR_MAP_APPROVAL is empty: district lines are drawn only for who sits at this "
            "machine, because a map shown to the public needs its 审图号."
        )
    return app


def _page_words(service: Service) -> dict[str, object]:
    stations = service.snapshot().stations
    in_service = stations[stations["status"] != Status.CLOSED.value]
    return {
        "illustrative": is_illustrative(in_service),
        "unannounced_year": unannounced_year(service.rules, service.now()),
        # What the phone reckons with, whatever the server knows of roads.
        "travel": StraightLine(
            service.settings.ride_speed_kmh, service.settings.detour_factor
        ).describe(language()),
        "language": language(),
        "knows_roads": isinstance(service.travel, Routed),
        "in_language": in_language,
        "theme_colour": PALETTE["accent"],
        "kind_glyph": {kind.value: mark.glyph for kind, mark in KIND_LOOKS.items()},
        "provenance_label": lambda code: Provenance.parse(code).label(language()),
        "map_approval": service.settings.map_approval,
    }


def _begin() -> None:
    g.nonce = secrets.token_urlsafe(16)
    g.framed = False
    g.local = caller().local


def _limit_body() -> None:
    """Refuse a body that is too large for its address before anything of it is read."""
    most = _MAX_QUESTION_BYTES if request.path.startswith("/planner/") else _MAX_FORM_BYTES
    if (request.content_length or 0) > most:
        abort(413)


def _secure(response: Response) -> Response:
    """Set the headers of every answer; only /embed pages may be framed."""
    # Data and files need no more than a refusal; a worker's own policy says what it may fetch.
    page = response.mimetype == "text/html" or request.endpoint == "offline.worker"
    policy = _page_policy() if page else _NOTHING
    response.headers.setdefault("Content-Security-Policy", policy)  # a picture has its own
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if page:
        response.headers["Permissions-Policy"] = "geolocation=(self)"
    # A page holds nobody's position, so Back may show it again; an answer to one holds it.
    kept = "no-store" if request.path.startswith("/api/") else "no-cache"
    response.headers.setdefault("Cache-Control", kept)
    return response


def _page_policy() -> str:
    settings = get_service().settings
    tiles = " ".join(tile_origins(settings.basemap))
    ancestors = frame_ancestors(settings.frame_ancestors) if g.get("framed") else "'none'"
    nonce = g.get("nonce", "")
    policy = [
        "default-src 'none'",
        f"script-src 'nonce-{nonce}'",
        f"style-src 'self' 'nonce-{nonce}'",
        f"img-src 'self' data: {tiles}".rstrip(),
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        f"frame-ancestors {ancestors}",
    ]
    return "; ".join(policy)


def _answer_error(status: int, title: str, reason: str) -> ResponseReturnValue:
    if request.path.startswith(("/api/", "/healthz", "/planner/", "/oembed", "/exports/gbfs/")):
        return jsonify(error=reason), status
    if f"{request.path}/".startswith("/ogc/"):
        return ogc.fault(status, title, reason)
    return render_template("error.html", title=title, reason=reason), status


def _bad_input(error: InputError) -> ResponseReturnValue:
    return _answer_error(400, _("请求有误"), str(error))


def _no_way(error: NoWayError) -> ResponseReturnValue:
    return _answer_error(404, _("请求有误"), str(error))


def _store_trouble(error: StoreError) -> ResponseReturnValue:
    logging.getLogger("locator").error("the store failed: %s", error)
    if f"{request.path}/".startswith("/ogc/"):
        return jsonify(code="503", description="The store cannot be read just now."), 503
    return jsonify(error="The store cannot be read just now."), 503


def _http_error(error: HTTPException) -> ResponseReturnValue:
    titles = {404: _("没有这个页面"), 405: _("不支持这种请求"), 413: _("内容太大")}
    status = error.code or 500
    if isinstance(error, InternalServerError):
        return f"<!DOCTYPE html><title>500</title><p>{_('服务出错，请稍后再试。')}</p>", 500
    reason = error.description or error.name
    response = make_response(_answer_error(status, titles.get(status, error.name), reason))
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())  # RFC 9110, 15.5.6
    return response
