"""The addresses of ``/ogc``: each reads its request, asks ``features`` and links the answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from itertools import chain
from typing import cast

import numpy as np
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from locator.cache import Cache
from locator.features import (
    CRS84,
    Collection,
    Page,
    Shape,
    View,
    Views,
    collections_offered,
    encode_rows,
    find_collection,
    find_page,
    find_row,
)
from locator.features.encode import properties_of
from locator.features.view import Rows
from locator.hours_words import week_words
from locator.schema import Column, Hours, Json
from locator.service import Service, Snapshot
from locator.web.admission import dear
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.ogc.answers import (
    GEOJSON,
    HTML,
    JSON,
    OPENAPI,
    SCHEMA,
    CachedAnswer,
    Document,
    Link,
    address,
    answer,
    choose_format,
    here,
    link,
    not_modified,
    plain,
    stream,
    tag,
)
from locator.web.ogc.documents import (
    collection_document,
    collections_document,
    conformance_document,
    illustrative_note,
    landing_document,
    queryables_document,
)
from locator.web.ogc.openapi import openapi_document
from locator.web.ogc.parameters import (
    ITEM,
    ITEMS,
    PLAIN,
    check_parameters,
    queryable_names,
    read_query,
    read_shape,
)
from locator.web.request import best_media, get_service

blueprint = Blueprint("ogc", __name__, url_prefix="/ogc")

_STREAMED = 1_000  # features; a page of more is sent while it is made
_KEPT_ANSWERS, _KEPT_BYTES = 32, 16 * 2**20


def use_views(app: Flask) -> None:
    """Give an application its views of the collections."""
    service = cast("Service", app.extensions["locator"])
    app.extensions["locator.views"] = Views(service.rules.timezone)
    app.extensions["locator.answers"] = Cache[CachedAnswer](
        _KEPT_BYTES, lambda answer: max(len(answer.body), _KEPT_BYTES / _KEPT_ANSWERS)
    )


@blueprint.get("", strict_slashes=False)
def landing() -> Response:
    """Say what there is."""
    check_parameters(request.args, PLAIN)
    return answer(landing_document(), JSON, "landing", tag("landing"))


@blueprint.get("/conformance")
def conformance() -> Response:
    """Say which standards are kept."""
    check_parameters(request.args, PLAIN)
    return answer(conformance_document(), JSON, "conformance", tag("conformance"))


@blueprint.get("/api")
def api() -> Response:
    """Describe the interface as OpenAPI 3.0."""
    check_parameters(request.args, PLAIN)
    return answer(openapi_document(_offered()), OPENAPI, "api", tag(_version()))


@blueprint.get("/collections")
def collections() -> Response:
    """List the collections."""
    check_parameters(request.args, PLAIN)
    document = collections_document([_view(collection) for collection in _offered()])
    return answer(document, JSON, "collections", tag(_version()))


@blueprint.get("/collections/<collection>")
def collection(collection: str) -> Response:
    """Describe one collection."""
    check_parameters(request.args, PLAIN)
    view = _view(_find(collection))
    document = collection_document(view, alone=True)
    return answer(document, JSON, "collection", tag(_version()), view=view)


@blueprint.get("/collections/<collection>/queryables")
def queryables(collection: str) -> Response:
    """Describe what filters may name."""
    check_parameters(request.args, PLAIN)
    view = _view(_find(collection))
    own = url_for("ogc.queryables", collection=collection, _external=True)
    return answer(queryables_document(view, own), SCHEMA, "queryables", tag(_version()), view=view)


@blueprint.get("/collections/<collection>/items")
def items(collection: str) -> Response:
    """Answer a question to a collection with a page of features."""
    chosen, mark = _find(collection), tag(_version())
    kept = _answer_cache().find(mark)
    if kept is not None:
        return not_modified(mark) or _send(kept, mark)
    check_parameters(request.args, (*ITEMS, *queryable_names(chosen)))
    view, shape = _view(chosen), read_shape(request.args, chosen)
    shown, query = choose_format(GEOJSON), read_query(request.args, view)
    unchanged = not_modified(mark)
    if unchanged is not None:
        return unchanged
    page = find_page(view, query)
    if shown == "html":
        with dear():
            return _html_items(view, page, shape, mark)
    pieces = _feature_collection(view, page, shape)
    if len(page.rows) > _STREAMED:
        response = stream(chain(pieces, [_ending()]), GEOJSON, mark)
        response.headers["Content-Crs"] = f"<{shape.crs.uri}>"
        return response
    answered = CachedAnswer(b"".join(pieces), shape.crs.uri)
    return _send(_answer_cache().keep(mark, answered), mark)


def _send(kept: CachedAnswer, mark: str) -> Response:
    return plain(kept, _ending(), GEOJSON, mark)


@blueprint.get("/collections/<collection>/items/<path:item>")
def item(collection: str, item: str) -> Response:
    """Answer with one feature."""
    chosen = _find(collection)
    check_parameters(request.args, ITEM)
    view, shape = _view(chosen), read_shape(request.args, chosen)
    row = find_row(view, item)
    if row is None:
        abort(404, _("这个数据集里没有编号为“%(id)s”的要素。", id=item[:80]))
    (feature,) = encode_rows(view, np.array([row]), shape)
    own = {"collection": chosen.id}
    links = [*here(GEOJSON), link("collection", "collection", JSON, **own)]
    document: Document = json.loads(feature) | {"links": links} | _said(view)
    context = {"view": view, "row": item_rows(view, np.array([row]), shape)[0]}
    response = answer(document, GEOJSON, "item", tag(_version()), **context)
    response.headers["Content-Crs"] = f"<{shape.crs.uri}>"
    return response


def fault(status: int, title: str, reason: str) -> ResponseReturnValue:
    """Return an error as OGC 17-069r4 has it, or as a page for who asked for one."""
    best = best_media((JSON, HTML))
    if request.args.get("f", "html" if best == HTML else "json") == "html":
        return render_template("error.html", title=title, reason=reason), status
    body = json.dumps({"code": str(status), "description": reason}, ensure_ascii=False)
    return Response(body, status=status, mimetype=JSON)


def _snapshot() -> Snapshot:
    """Return the store at one version, the same throughout an answer."""
    if "ogc_snapshot" not in g:
        g.ogc_snapshot = get_service().snapshot()
    return cast("Snapshot", g.ogc_snapshot)


def _version() -> str:
    return _snapshot().version


def _offered() -> list[Collection]:
    """Return what this visitor is offered: district lines as on the maps."""
    return collections_offered(borders=_may_show_borders())


def _may_show_borders() -> bool:
    return bool(get_service().settings.map_approval) or bool(g.local)


def _find(name: str) -> Collection:
    found = find_collection(name)
    if found is None:
        known = ", ".join(own.id for own in _offered())
        abort(404, _("没有数据集“%(name)s”；有 %(known)s。", name=name[:40], known=known))
    if found.shows_borders and not _may_show_borders():
        abort(404, _("这里不公开区县界线：服务器没有设置审图号（LOCATOR_MAP_APPROVAL）。"))
    return found


def _answer_cache() -> Cache[CachedAnswer]:
    return cast("Cache[CachedAnswer]", current_app.extensions["locator.answers"])


def _view(collection: Collection) -> View:
    views = cast("Views", current_app.extensions["locator.views"])
    return views.view(_snapshot(), collection)


def _said(view: View) -> Document:
    said: Document = {"illustrative": view.illustrative}
    return said | ({"note": illustrative_note()} if view.illustrative else {})


def _links(view: View, page: Page) -> list[Link]:
    links = [
        *here(GEOJSON),
        link("collection", "collection", JSON, collection=view.collection.id),
    ]
    for rel, mark in _beside(page).items():
        links.append({"href": address(f="json", page=mark), "rel": rel, "type": GEOJSON})
    return links


def _beside(page: Page) -> dict[str, str]:
    """Return the marks of the pages beside, by their relation."""
    marks = {"next": page.following, "prev": page.previous}
    return {rel: mark for rel, mark in marks.items() if mark is not None}


def _ending() -> bytes:
    """Return how a feature collection ends: with what changes from answer to answer."""
    now = get_service().now().astimezone(UTC)
    return f',"timeStamp":"{now:%Y-%m-%dT%H:%M:%S}Z"}}'.encode()


def _feature_collection(view: View, page: Page, shape: Shape) -> Iterator[bytes]:
    """Yield a feature collection up to its ending, all but its features first."""
    head: Document = {
        "type": "FeatureCollection",
        "numberMatched": page.matched,
        "numberReturned": len(page.rows),
        **_said(view),
        "links": _links(view, page),
    }
    text = json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    yield text.encode()[:-1] + b',"features":['
    between = b""
    for features in encode_rows(view, page.rows, shape):
        yield between
        yield features
        between = b","
    yield b"]"


def _html_items(view: View, page: Page, shape: Shape, mark: str) -> Response:
    document: Document = {"links": here(GEOJSON)} | _said(view)
    beside = {rel: address(f="html", page=mark) for rel, mark in _beside(page).items()}
    rows = item_rows(view, page.rows, shape)
    context = {"view": view, "rows": rows, "matched": page.matched, "beside": beside}
    response = answer(document, GEOJSON, "items", mark, **context)
    response.headers["Content-Crs"] = f"<{CRS84.uri}>"
    return response


@dataclass(frozen=True)
class ItemRow:
    """One feature on a page: its name, its addresses, and its cells as (label, words)."""

    id: str
    name: str
    href: str
    page: str | None
    cells: list[tuple[str, str]]


def item_rows(view: View, rows: Rows, shape: Shape) -> list[ItemRow]:
    """Return rows in words; what is unknown is left out."""
    found = []
    for row, own in zip(rows, properties_of(view, rows, shape.properties), strict=True):
        identity, name = view.ids[int(row)], own.get("name")
        cells = [
            (column.label(language()), _words(own[column.name], column))
            for column in view.collection.columns
            if own.get(column.name) is not None and column.name != "name"
        ]
        station = view.collection.id == "stations"
        found.append(
            ItemRow(
                identity,
                identity if name is None else str(name),
                url_for("ogc.item", collection=view.collection.id, item=identity, f="html"),
                url_for("rider.station", station_id=identity) if station else None,
                cells,
            )
        )
    return found


def _words(value: Json, column: Column) -> str:
    if isinstance(column, Hours):
        return week_words(str(value), language())
    return _("无") if value == [] else column.words(value, language())
