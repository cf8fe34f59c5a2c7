"""Dear work in answers to requests: who may do it, and what whoever comes too many is told."""

from contextlib import AbstractContextManager
from typing import cast

from flask import Flask, Response, current_app, jsonify, request
from markupsafe import escape

from locator.admission import Admission
from locator.errors import BusyError
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.request import best_media

RETRY_AFTER_S = 3


def open_admission(app: Flask, threads: int) -> None:
    """Give an application of so many threads its admission to dear work."""
    app.extensions["locator.admission"] = Admission(threads)
    app.register_error_handler(BusyError, _busy)


def admission_of(app: Flask) -> Admission:
    """Return an application's admission."""
    return cast("Admission", app.extensions["locator.admission"])


def dear() -> AbstractContextManager[None]:
    """Hold a turn for dear work in this request; see :meth:`Admission.turn`."""
    return admission_of(current_app).turn()


def busy_words() -> str:
    """Return what is said to whoever was sent away, in the page's language."""
    return _("现在请求地图、试算或文件的人太多，请过几秒再试。")


def _busy(_error: BusyError) -> Response:
    """Answer 503 at little cost: a page without the site's frame, text for a picture, else JSON."""
    words = busy_words()
    best = best_media(("application/json", "text/html", "text/plain"))
    if request.path.startswith(("/planner/", "/ogc/", "/exports/gbfs/")) and best != "text/html":
        response = jsonify(error=words, code="503", description=words)
    elif request.method == "GET" and best == "text/html":
        spoken = "zh-CN" if language() == "zh" else "en"
        again = f'<meta http-equiv="refresh" content="{RETRY_AFTER_S}">'
        response = Response(
            f'<!DOCTYPE html><html lang="{spoken}"><meta charset="utf-8">{again}'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(_('现在太忙'))}</title><p>{escape(words)}</p></html>"
        )
    else:
        response = Response(words, mimetype="text/plain")
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
