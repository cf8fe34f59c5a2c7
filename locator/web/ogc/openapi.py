"""The OpenAPI 3.0 document of ``/ogc``, made from the tables that requests are read by."""

from flask import url_for

from locator import __version__
from locator.features import CRS_TABLE, Collection
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.ogc.answers import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Document
from locator.web.ogc.documents import column_schema
from locator.web.ogc.parameters import (
    ITEM,
    ITEMS,
    PLAIN,
    describe_parameters,
    queryable_names,
)

_POSITION: Document = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_TEXT: Document = {"type": "string"}
_NOT_EMPTY: Document = {"type": "string", "minLength": 1}


def openapi_document(collections: list[Collection]) -> Document:
    """Return the document for the collections that this visitor is offered."""
    paths: Document = {
        "/": _path("landing", _("有什么"), _get(JSON, _ref("landing"), PLAIN)),
        "/conformance": _path("conformance", _("遵循的标准"), _get(JSON, _ref("conforms"), PLAIN)),
        "/api": _path("api", _("接口定义"), _get(OPENAPI, {"type": "object"}, PLAIN)),
        "/collections": _path("collections", _("数据集"), _get(JSON, _ref("collections"), PLAIN)),
    }
    for collection in collections:
        paths |= _collection_paths(collection)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": _("骑手驿站：开放数据接口"),
            "version": __version__,
            "description": _("按 OGC API – Features 第 1、2、3 部分。只读，无需密钥。"),
        },
        "servers": [{"url": url_for("ogc.landing", _external=True)}],
        "paths": paths,
        "components": {
            "schemas": _schemas() | {f"{c.id}_feature": _feature(c) for c in collections},
            "responses": {
                "fault": {
                    "description": _("请求有误，或者没有这个资源"),
                    "content": {JSON: {"schema": _ref("fault")}, HTML: {"schema": _TEXT}},
                }
            },
        },
    }


def _collection_paths(collection: Collection) -> Document:
    base, own, title = f"/collections/{collection.id}", collection.id, _title(collection)
    items = (*ITEMS, *queryable_names(collection))
    feature: Document = {"$ref": f"#/components/schemas/{own}_feature"}
    listed: Document = {
        "type": "object",
        "required": ["type", "features", "links", "numberReturned", "timeStamp"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "timeStamp": {"type": "string", "format": "date-time"},
            "illustrative": {"type": "boolean"},
            "note": _TEXT,
            "links": _ref("links"),
            "features": {"type": "array", "items": feature},
        },
    }
    one = _get(GEOJSON, feature, ITEM, crs=True)
    one["parameters"] = [
        {
            "name": "featureId",
            "in": "path",
            "required": True,
            "style": "simple",
            "explode": False,
            "schema": _NOT_EMPTY,
        },
        *describe_parameters(ITEM, collection),
    ]
    return {
        base: _path(own, title, _get(JSON, _ref("collection"), PLAIN)),
        f"{base}/queryables": _path(
            f"{own}_queryables", _("可查询的属性"), _get(SCHEMA, {"type": "object"}, PLAIN)
        ),
        f"{base}/items": _path(
            f"{own}_items", title, _get(GEOJSON, listed, items, collection, crs=True)
        ),
        f"{base}/items/{{featureId}}": _path(f"{own}_item", title, one),
    }


def _title(collection: Collection) -> str:
    return collection.title.say(language())


def _path(operation: str, summary: str, get: Document) -> Document:
    return {"get": {"operationId": operation, "summary": summary, **get}}


def _get(
    media: str,
    schema: Document,
    parameters: tuple[str, ...],
    collection: Collection | None = None,
    *,
    crs: bool = False,
) -> Document:
    content = {media: {"schema": schema}, HTML: {"schema": _TEXT}}
    good: Document = {"description": "OK", "content": content}
    if crs:
        uris = [f"<{own.uri}>" for own in CRS_TABLE]
        good["headers"] = {"Content-Crs": {"schema": {"type": "string", "enum": uris}}}
    wrong = {"$ref": "#/components/responses/fault"}
    return {
        "parameters": describe_parameters(parameters, collection),
        "responses": {"200": good, "400": wrong, "404": wrong},
    }


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], **properties: Document) -> Document:
    return {"type": "object", "required": required, "properties": properties}


def _schemas() -> Document:
    texts: Document = {"type": "array", "items": _TEXT}
    collection = _object(
        ["id", "links"],
        id=_TEXT,
        title=_TEXT,
        description=_TEXT,
        links=_ref("links"),
        crs=texts,
        storageCrs=_TEXT,
        extent={"type": "object"},
        itemType={"type": "string", "enum": ["feature"]},
        published={"type": "object"},
    )
    return {
        "links": {
            "type": "array",
            "items": _object(["href", "rel"], href=_TEXT, rel=_TEXT, type=_TEXT, title=_TEXT),
        },
        "landing": _object(["links"], title=_TEXT, description=_TEXT, links=_ref("links")),
        "conforms": _object(["conformsTo"], conformsTo=texts),
        "collection": collection,
        "collections": _object(
            ["links", "collections"],
            links=_ref("links"),
            collections={"type": "array", "items": _ref("collection")},
        ),
        "fault": _object(["code"], code=_TEXT, description=_TEXT),
    }


def _feature(collection: Collection) -> Document:
    point = collection.geometry_type == "Point"
    kinds = ["Point"] if point else ["Polygon", "MultiPolygon"]
    coordinates: Document = _POSITION if point else {"type": "array", "items": {"type": "array"}}
    geometry = _object(
        ["type", "coordinates"], type={"type": "string", "enum": kinds}, coordinates=coordinates
    )
    properties: Document = {c.name: _nullable(column_schema(c)) for c in collection.columns}
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": _TEXT,
            "geometry": geometry,
            "properties": {"type": "object", "properties": properties},
            "links": _ref("links"),
        },
    }


def _nullable(schema: Document) -> Document:
    codes = schema.get("enum")
    listed: Document = {"enum": [*codes, None]} if isinstance(codes, list) else {}
    return schema | {"nullable": True} | listed
