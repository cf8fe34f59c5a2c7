"""The gaps that a steward has published: a document in the store, and its rows as a layer.

A publication says what was studied and how, and nothing of where: no path, no address, no rejected
row of the study's folder is in it. Withdrawn ones are gone from every door at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NotRequired, TypedDict, cast

import geopandas as gpd
import pandas as pd
import shapely

from locator.errors import StoreError
from locator.lent import LentFrame
from locator.schema import (
    CRS,
    Amenity,
    Choice,
    ChoiceSet,
    Column,
    Integer,
    LabelledEnum,
    Language,
    Layer,
    Moment,
    Number,
    Provenance,
    Text,
    join_set,
    split_set,
)
from locator.store.base import Store

KIND = "gaps"
_FORMAT = 1
_ID = "gap-{:04d}"  # a view is ordered by its ids, and a spreadsheet takes 0001 for a number


class GapReason(LabelledEnum):
    """Why a place is out of reach; the codes of ``coverage.Reason``."""

    HOURS_UNKNOWN = "hours_unknown", "附近站点开放时间未知", "Hours of a station near are unknown"
    SERVICES_UNKNOWN = (
        "services_unknown",
        "附近站点的服务未登记",
        "Services of a station near are unknown",
    )
    CLOSED_THEN = "closed_then", "附近站点当时关闭", "A station is near but closed then"
    SERVICE_MISSING = (
        "service_missing",
        "附近站点无所需服务",
        "A station is near but lacks the service",
    )
    BARRIER = "barrier", "直线可达，沿路不可达", "Near as the crow flies, not by road"
    NONE_NEAR = "none_near", "附近没有站点", "No station near"


_COLUMNS: tuple[Column, ...] = (
    Text("id", "编号", required=True),
    Text("name", "名称", required=True),
    Integer("rank", "排名"),
    Text("standard", "标准"),
    Number("unserved_demand_per_h", "每小时未覆盖需求"),
    Number("area_m2", "面积（平方米）"),
    Integer("gaps", "缺口数"),
    Text("zone_names", "热区"),
    Text("district_name", "区县"),
    Text("place", "附近地名"),
    Number("place_m", "距地名（米）"),
    Text("bearing", "方位"),
    Text("nearest_station_id", "最近站点编号"),
    Text("nearest_station_name", "最近站点"),
    Number("nearest_m", "直线距离（米）"),
    Number("nearest_ride_s", "骑行时间（秒）"),
    Number("nearest_ride_m", "骑行距离（米）"),
    Choice("reason", "原因", choices=GapReason),
    Number("reason_share", "原因占比"),
    ChoiceSet("missing_services", "缺少的服务", choices=Amenity),
    ChoiceSet("unknown_services", "是否有未知的服务", choices=Amenity),
    Number("week_covered_share", "一周覆盖率"),
    Integer("worst_hour", "最差小时（周一零点起）"),
    Moment("studied_at", "研究时间"),
    Choice("provenance", "数据性质", choices=Provenance),
    Text("source", "来源"),
)
# What is published is public.
_PUBLIC = tuple(replace(column, public=column.name != "id") for column in _COLUMNS)
GAPS = Layer("gaps", _PUBLIC, "MultiPolygon")


class Said(TypedDict):
    """Texts of a study in one language."""

    standard: str
    travel: str
    hours: str
    demand: str


class About(TypedDict):
    """What a publication says of the study: of which data, by which model, with which settings."""

    title: str
    studied_at: str
    program: str
    illustrative: bool
    data_hash: str
    data_version: str
    as_of: str | None
    standard: str
    travel: str
    network: str
    credit: str
    hours: str
    demand: str
    filter: dict[str, list[str]]
    stations_counted: int
    stations_hours_unknown: int | None
    # Publications of an earlier locator do not say these two.
    stations_services_unknown: NotRequired[int | None]
    covered_share_if_unknown_offered: NotRequired[float | None]
    covered_share: float | None
    demand_per_h: float
    unserved_demand_per_h: float
    said: dict[Language, Said]
    settings: dict[str, str | float | int]


@dataclass(frozen=True)
class PublishedGaps:
    """The last publication.

    Attributes
    ----------
    digest, published_at
        Of the kept document.
    about
        What it says of the study.
    gaps
        Columns those of :data:`GAPS` and polygons, EPSG:4326, ordered by id.
    """

    digest: str
    published_at: datetime
    about: About
    gaps: LentFrame = LentFrame()  # noqa: RUF009 - a descriptor, not a default


def no_gaps() -> gpd.GeoDataFrame:
    """Return the layer while nothing is published."""
    return _frame([], [])


def pack_gaps(about: About, rows: Sequence[dict[str, object]], shapes: Sequence[bytes]) -> bytes:
    """Return the bytes that are kept: the same study gives the same bytes.

    Parameters
    ----------
    rows
        A dict an area, by the names of those of :data:`GAPS`; id and name are made of it.
    shapes
        Their polygons as WKB.
    """
    body = {
        "format": _FORMAT,
        "about": about,
        "rows": [dict(row) for row in rows],
        "shapes": [shape.hex() for shape in shapes],
    }
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return text.encode()


def unpack_gaps(body: bytes) -> tuple[About, gpd.GeoDataFrame]:
    """Return what a publication says, and its rows.

    Raises
    ------
    ValueError
        It is none, or of another form.
    """
    try:
        read = json.loads(body)
        if read["format"] != _FORMAT:
            raise ValueError(f"its form is {read['format']!r}, not {_FORMAT}")
        about = cast("About", read["about"])
        if lacking := About.__required_keys__ - set(about):
            raise ValueError(f"it does not say {min(lacking)}")
        shapes = [bytes.fromhex(text) for text in read["shapes"]]
        return about, _frame(_said(read["rows"], about), shapes)
    except (KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def read_published(store: Store) -> PublishedGaps | None:
    """Return what was published last and is not withdrawn; None where there is nothing.

    Raises
    ------
    StoreError
        The document is damaged, or a newer locator published it.
    """
    listed = store.list_documents(KIND)
    kept = store.read_document(listed[0].digest) if listed else None
    if kept is None:
        return None
    try:
        about, frame = unpack_gaps(kept.body)
    except ValueError as error:
        raise StoreError(
            f"The published gaps {kept.digest[:12]} cannot be read ({error}); withdraw them with "
            f"'locator publish --withdraw {kept.digest[:12]}' and publish the study again."
        ) from error
    return PublishedGaps(kept.digest, kept.made_at, about, frame)


def _said(rows: Sequence[dict[str, object]], about: About) -> list[dict[str, object]]:
    """Return the rows with what all of them have in common."""
    common: dict[str, object] = {
        "standard": about["standard"],
        "studied_at": about["studied_at"],
        "provenance": Provenance.ILLUSTRATIVE.value if about["illustrative"] else None,
        "source": f"{about['program']}; {about['travel']}; {about['data_hash']}",
    }
    made = []
    for number, row in enumerate(rows, start=1):
        services = {n: split_set(row.get(n)) for n in ("missing_services", "unknown_services")}
        name = row.get("zone_names") or row.get("place") or row.get("district_name") or f"{number}"
        own = {"id": _ID.format(number), "name": name}
        own |= {n: join_set(codes, Amenity) if codes else None for n, codes in services.items()}
        made.append({**row, **common, **own})
    return made


def _frame(rows: Sequence[dict[str, object]], shapes: Sequence[bytes]) -> gpd.GeoDataFrame:
    data = {
        column.name: pd.Series([row.get(column.name) for row in rows], dtype=column.dtype)
        for column in GAPS.columns
    }
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries.from_wkb(list(shapes), crs=CRS), crs=CRS)
