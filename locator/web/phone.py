"""The register for the phone: whole, or in cells where it is large; no position comes here."""

import threading
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request

from locator.phone import phone_cell, phone_register
from locator.web.request import get_service

__all__ = ["blueprint", "keep_registers"]

blueprint = Blueprint("phone", __name__)

_KEPT = 64


class _Kept:
    """The last few answers: they are the same for everyone until the store or the hour changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, str | None] = {}

    def get(self, key: str, make: Callable[[], str | None]) -> str | None:
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        answer = make()
        with self._lock:
            while len(self._answers) >= _KEPT:
                self._answers.pop(next(iter(self._answers)))
            self._answers[key] = answer
        return answer


def keep_registers(app: Flask) -> None:
    """Give an application the memory that this blueprint uses."""
    app.extensions["locator.registers"] = _Kept()


@blueprint.get("/stations.json")
def stations() -> Response:
    """Send the register, or of a large one the cells that hold stations."""
    service = get_service()
    hour = service.now().replace(minute=0, second=0, microsecond=0)
    key = f"{service.snapshot().version} {service.travel.describe()} {hour.isoformat()}"
    text = _kept().get(key, lambda: phone_register(service, at=service.now()))
    return _send(text or "")


@blueprint.get("/stations/cells/<key>.json")
def cell(key: str) -> Response:
    """Send the stations of one cell."""
    service = get_service()
    day = service.now().date().isoformat()
    name = f"{service.store.version()} {day} {key}"
    text = _kept().get(name, lambda: phone_cell(service, key, at=service.now()))
    if text is None:
        abort(404, "There are no stations in this cell.")
    return _send(text)


def _kept() -> _Kept:
    return cast("_Kept", current_app.extensions["locator.registers"])


def _send(text: str) -> Response:
    response = Response(text, mimetype="application/json")
    response.cache_control.no_cache = True  # kept by the phone, asked about each time
    response.add_etag(weak=True)
    return cast("Response", response.make_conditional(request))
