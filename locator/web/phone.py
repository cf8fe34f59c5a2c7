"""The register for the phone: whole, or in cells where it is large; no position comes here."""

import threading
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request

from locator.phone import Rows, cell_rows, phone_cell, phone_register
from locator.service import Snapshot
from locator.web.request import get_service

__all__ = ["blueprint", "keep_registers"]

blueprint = Blueprint("phone", __name__)

_KEPT = 64


class _Kept:
    """The last few answers: they are the same for everyone until the store or the hour changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, str] = {}
        self._cells: tuple[Snapshot, dict[str, Rows]] | None = None

    def cells_of(self, snapshot: Snapshot) -> dict[str, Rows]:
        with self._lock:
            if self._cells is None or self._cells[0] is not snapshot:
                self._cells = (snapshot, cell_rows(snapshot))
            return self._cells[1]

    def get(self, key: str, make: Callable[[], str]) -> str:
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
    return _send(text)


@blueprint.get("/stations/cells/<key>.json")
def cell(key: str) -> Response:
    """Send the stations of one cell."""
    service = get_service()
    snapshot = service.snapshot()
    rows = _kept().cells_of(snapshot).get(key)
    if rows is None:  # before anything is kept: made-up keys must not push real ones out
        abort(404, "There are no stations in this cell.")
    name = f"{snapshot.version} {service.now().date().isoformat()} {key}"
    return _send(_kept().get(name, lambda: phone_cell(service, rows, at=service.now())))


def _kept() -> _Kept:
    return cast("_Kept", current_app.extensions["locator.registers"])


def _send(text: str) -> Response:
    response = Response(text, mimetype="application/json")
    response.cache_control.no_cache = True  # kept by the phone, asked about each time
    response.add_etag(weak=True)
    return cast("Response", response.make_conditional(request))
