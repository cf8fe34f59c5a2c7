"""The query parameters of ``/ogc``: one table, which requests are read by and which is published.

Whatever is not in it is refused, as OGC 17-069r4, requirement 8, has it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from locator import questions
from locator.errors import InputError
from locator.features import (
    CRS84,
    CRS_TABLE,
    MAX_LIMIT,
    Collection,
    Crs,
    Query,
    Shape,
    View,
    parse_crs,
    parse_period,
    parse_sort,
    read_bbox,
)
from locator.schema import Column
from locator.web.language import gettext as _

PLAIN = ("f", "lang")
ITEM = (*PLAIN, "crs")
ITEMS = (
    *ITEM,
    *("limit", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs"),
    *("sortby", "properties", "page"),
)
_DEFAULT_LIMIT = 100
# The second is the name that older drafts and GDAL use.
_FILTER_LANGUAGES = ("cql2-text", "cql-text")
Values = MultiDict[str, str]
Document = dict[str, object]


@dataclass(frozen=True)
class Parameter:
    """A query parameter as OpenAPI 3.0 describes it."""

    name: str
    description: str
    schema: Document

    def document(self) -> Document:
        """Return the parameter object; where it is an array, commas stand between."""
        body: Document = {"name": self.name, "in": "query", "required": False}
        body |= {"style": "form", "explode": False}
        return body | {"description": self.description, "schema": self.schema}


def queryable_names(collection: Collection) -> list[str]:
    """Return the properties that are parameters of their own."""
    return ["id", *(column.name for column in collection.columns)]


def check_parameters(values: Values, known: Sequence[str]) -> None:
    """Refuse a parameter that there is not, or that is given twice or empty.

    Raises
    ------
    InputError
        Names it.
    """
    lists = dict(values.lists())
    given = questions.Given(lists, known)
    for name, texts in lists.items():
        if not texts[0]:
            raise InputError(f"The parameter {name!r} is empty.")
        questions.text(name, texts)  # given once
    given.read("f", questions.choice("json", "html"))
    given.read("lang", questions.language)


def read_shape(values: Values, collection: Collection) -> Shape:
    """Read how features are to be written: ``crs`` and ``properties``."""
    names = values.get("properties")
    chosen = None
    if names is not None:
        chosen = tuple(name.strip() for name in names.split(","))
        known = [column.name for column in collection.columns]
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise InputError(
                f"properties={unknown[0][:40]!r} is not a property; there are {', '.join(known)}."
            )
    return Shape(parse_crs(values["crs"]) if "crs" in values else CRS84, chosen)


def read_query(values: Values, view: View) -> Query:
    """Read what is asked of a collection.

    Raises
    ------
    InputError
        A value is wrong, or two of them contradict each other.
    """
    collection, bbox, period = view.collection, values.get("bbox"), values.get("datetime")
    if "filter-lang" in values:
        questions.choice(*_FILTER_LANGUAGES)("filter-lang", values["filter-lang"])
    # Read even where nothing needs them: a wrong value is wrong.
    bbox_crs, filter_crs = _crs(values, "bbox-crs"), _crs(values, "filter-crs")
    return Query(
        limit=_limit(values.get("limit")),
        boxes=read_bbox(bbox, bbox_crs) if bbox is not None else (),
        period=parse_period(period, view.timezone) if period is not None else None,
        filter=values.get("filter"),
        filter_crs=filter_crs,
        equal={n: values[n] for n in queryable_names(collection) if n in values},
        sort=parse_sort(values["sortby"], collection) if "sortby" in values else (),
        page=values.get("page"),
    )


def _crs(values: Values, name: str) -> Crs:
    return parse_crs(values[name], parameter=name) if name in values else CRS84


def _limit(text: str | None) -> int:
    """Read ``limit``; more than the most is the most (OGC 17-069r4, requirement 22)."""
    if text is None:
        return _DEFAULT_LIMIT
    return min(questions.whole(1, math.inf)("limit", text), MAX_LIMIT)


def describe_parameters(names: Sequence[str], collection: Collection | None) -> list[Document]:
    """Return the parameter objects of a path."""
    table = {p.name: p for p in _table(collection)}
    return [table[name].document() for name in names]


def _table(collection: Collection | None) -> list[Parameter]:
    crs: Document = {"type": "string", "format": "uri", "enum": [c.uri for c in CRS_TABLE]}
    named: list[Parameter] = [
        Parameter("f", _("格式"), {"type": "string", "enum": ["json", "html"]}),
        Parameter("lang", _("说明文字的语言"), {"type": "string", "enum": ["zh", "en"]}),
        Parameter(
            "limit",
            _("一页的要素数，大于 %(most)d 时按 %(most)d", most=MAX_LIMIT),
            {"type": "integer", "minimum": 1, "default": _DEFAULT_LIMIT},
        ),
        Parameter(
            "bbox",
            _("范围：四个数（或带高程的六个），轴的次序按 bbox-crs"),
            {
                "type": "array",
                "items": {"type": "number"},
                "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)],
            },
        ),
        Parameter("bbox-crs", _("bbox 的坐标系"), crs),
        Parameter(
            "datetime",
            _("时刻、日期，或用 / 隔开的时段；.. 表示不限，一边可写时长（P1D）"),
            {"type": "string", "format": "ogc-interval"},
        ),
        Parameter("crs", _("坐标的坐标系"), crs),
        Parameter("filter", _("CQL2 文本条件"), {"type": "string", "format": "cql2-text"}),
        Parameter(
            "filter-lang",
            _("filter 的语言"),
            {"type": "string", "enum": list(_FILTER_LANGUAGES)},
        ),
        Parameter("filter-crs", _("filter 中几何的坐标系"), crs),
        Parameter(
            "page",
            _("上一页或下一页的标记，取自 prev 和 next 链接，只用于同样的排序"),
            {"type": "string", "format": "mark"},
        ),
    ]
    return named if collection is None else named + _of_collection(collection)


def _of_collection(collection: Collection) -> list[Parameter]:
    names = [column.name for column in collection.columns]
    sortable = [c.name for c in collection.columns if c.operand != "set"]
    signed = [sign + name for name in ["id", *sortable] for sign in ("", "+", "-")]
    ways: Document = {"type": "array", "minItems": 1, "maxItems": 5}
    some: Document = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": names}}
    return [
        Parameter(
            "sortby",
            _("排序：属性前加 - 为降序，未知的排最后；可用逗号列出最多五个"),
            ways | {"items": {"type": "string", "enum": signed}},
        ),
        Parameter("properties", _("只要这些属性"), some),
        Parameter("id", _("编号"), {"type": "string", "minLength": 1}),
        *(_equal(column) for column in collection.columns),
    ]


def _equal(column: Column) -> Parameter:
    schema = column.json_schema()
    items = schema.get("items")
    if isinstance(items, dict):
        several: Document = {"type": "array", "minItems": 1, "items": _not_empty(items)}
        return Parameter(column.name, _("含有这些值"), several)
    return Parameter(column.name, _("等于这个值"), _not_empty(schema))


def _not_empty(schema: Document) -> Document:
    return schema | {"minLength": 1} if schema == {"type": "string"} else schema
