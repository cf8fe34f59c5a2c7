"""The register for the phone: whole, or in cells where it is large; no position comes here."""

from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, request

from locator.cache import Cache
from locator.phone import Rows, cell_rows, phone_cell, phone_register
from locator.service import Snapshot
from locator.web.request import get_service

blueprint = Blueprint("phone", __name__)

_KEPT = 64


def keep_registers(app: Flask) -> None:
    """Give an application the caches of this blueprint.

    Its answers are the same for everyone until the store or the hour changes.
    """
    app.extensions["locator.registers"] = Cache[str](_KEPT)
    app.extensions["locator.cells"] = Cache[dict[str, Rows]](1)


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
    rows = _cells(snapshot).get(key)
    if rows is None:  # before anything is kept: made-up keys must not push real ones out
        abort(404, "There are no stations in this cell.")
    name = f"{snapshot.version} {service.now().date().isoformat()} {key}"
    return _send(_kept().get(name, lambda: phone_cell(service, rows, at=service.now())))


def _kept() -> Cache[str]:
    return cast("Cache[str]", current_app.extensions["locator.registers"])


def _cells(snapshot: Snapshot) -> dict[str, Rows]:
    cells = cast("Cache[dict[str, Rows]]", current_app.extensions["locator.cells"])
    return cells.get("", lambda: cell_rows(snapshot), version=snapshot)


def _send(text: str) -> Response:
    response = Response(text, mimetype="application/json")
    response.cache_control.no_cache = True  # kept by the phone, asked about each time
    response.add_etag(weak=True)
    return cast("Response", response.make_conditional(request))
