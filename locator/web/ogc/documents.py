"""The documents of ``/ogc`` but the features themselves: what there is, and how it may be asked."""

from locator.features import CRS84, CRS_TABLE, View
from locator.features.encode import iso_moment
from locator.schema import Column
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.ogc.answers import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Document, Link, here, link

_QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
_CONFORMANCE = "http://www.opengis.net/def/rel/ogc/1.0/conformance"
_GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_SPEC = "http://www.opengis.net/spec/"
CONFORMANCE = (
    *(f"{_SPEC}ogcapi-features-1/1.0/conf/{c}" for c in ("core", "oas30", "html", "geojson")),
    f"{_SPEC}ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}ogcapi-features-3/1.0/conf/{c}"
        for c in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_SPEC}cql2/1.0/conf/{c}"
        for c in (
            *("cql2-text", "basic-cql2", "advanced-comparison-operators"),
            *("case-insensitive-comparison", "accent-insensitive-comparison"),
            *("basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions"),
            *("temporal-functions", "array-functions", "property-property", "arithmetic"),
        )
    ),
)


def landing_document() -> Document:
    """Return the landing page."""
    return {
        "title": _("骑手驿站：开放数据接口"),
        "description": _(
            "外卖骑手驿站、配送热区和地名，按 OGC API – Features 提供，无需密钥。"
            "在 QGIS 里新建“WFS / OGC API - Features”连接，填本页地址。"
        ),
        "links": [
            *here(JSON),
            link("service-desc", "api", OPENAPI, _("接口定义（OpenAPI 3.0）"), f="json"),
            link("service-doc", "api", HTML, _("接口说明"), f="html"),
            link("conformance", "conformance", JSON, _("遵循的标准")),
            link(_CONFORMANCE, "conformance", JSON, _("遵循的标准")),
            link("data", "collections", JSON, _("数据集")),
        ],
    }


def conformance_document() -> Document:
    """Return the conformance classes."""
    return {"conformsTo": list(CONFORMANCE), "links": here(JSON)}


def collections_document(views: list[View]) -> Document:
    """Return the list of collections."""
    return {
        "links": here(JSON),
        "crs": [crs.uri for crs in CRS_TABLE],
        "collections": [collection_document(view) for view in views],
    }


def collection_document(view: View, *, alone: bool = False) -> Document:
    """Return one collection; ``alone`` where it is the answer itself."""
    collection, spoken = view.collection, language()
    own = {"collection": collection.id}
    self_link = here(JSON) if alone else [link("self", "collection", JSON, **own)]
    description = collection.description.say(spoken)
    if view.about is not None:
        description += ("" if spoken == "zh" else " ") + view.about.sentence.say(spoken)
    if view.illustrative:
        description += ("" if spoken == "zh" else " ") + illustrative_note()
    title = collection.title.say(spoken)
    links: list[Link] = [
        *self_link,
        # Without f: GDAL puts an id right behind this address.
        link("items", "items", GEOJSON, title, **own),
        link("items", "items", HTML, title, f="html", **own),
        link(_QUERYABLES, "queryables", SCHEMA, _("可查询的属性"), **own),
    ]
    document: Document = {"id": collection.id, "title": title, "description": description}
    document |= {"links": links, "itemType": "feature", "illustrative": view.illustrative}
    if view.about is not None and view.about.facts:
        document["published"] = dict(view.about.facts)
    document |= {"crs": [crs.uri for crs in CRS_TABLE], "storageCrs": CRS84.uri}
    return document | {"extent": _extent(view)}


def illustrative_note() -> str:
    """Say that the data are made up."""
    return _("其中有示例数据：位置、服务和时间是演示用的，不是真实情况。")


def _extent(view: View) -> Document:
    extent: Document = {}
    box = view.extent()
    if box is not None:
        corners = [round(side, CRS84.decimals) for side in box]
        extent["spatial"] = {"bbox": [corners], "crs": CRS84.uri}
    times = [None if t is None else iso_moment(t) for t in view.time_extent()]
    extent["temporal"] = {"interval": [times], "trs": _GREGORIAN}
    return extent


def queryables_document(view: View, address: str) -> Document:
    """Return the properties that filters may name, as a JSON schema."""
    collection = view.collection
    kind = "point" if collection.geometry_type == "Point" else "multipolygon"
    properties: Document = {
        "geometry": {
            "title": _("几何"),
            "format": f"geometry-{kind}",
            "x-ogc-role": "primary-geometry",
        },
        "id": {"title": _("编号"), "type": "string", "x-ogc-role": "id"},
    }
    for column in collection.columns:
        properties[column.name] = column_schema(column)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": collection.title.say(language()),
        "properties": properties,
        "additionalProperties": False,
    }


def column_schema(column: Column) -> Document:
    """Return a column's JSON schema, without null."""
    return {"title": column.label(language())} | column.json_schema()
