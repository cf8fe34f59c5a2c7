"""The station, the hot zone, the candidate site and the words of their columns.

Frames carry these columns everywhere in the program. Geometry is EPSG:4326 (WGS-84), longitude
first. A null is *unknown*; sets (``services``, ``platforms``) are text joined with ``;`` in the
order of their enum, ``""`` being the empty set.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd

from locator.errors import InputError

__all__ = [
    "CRS",
    "LAYERS",
    "POSITION_DECIMALS",
    "SAME_PLACE_DEG",
    "STATION_COLUMNS",
    "Column",
    "ColumnType",
    "Datum",
    "Host",
    "Kind",
    "LabelledEnum",
    "Language",
    "Layer",
    "Platform",
    "Provenance",
    "Service",
    "State",
    "Status",
    "Weather",
    "ZoneKind",
    "check_frame",
    "drop_unusable",
    "is_decisive",
    "is_illustrative",
    "join_set",
    "split_set",
]

CRS = "EPSG:4326"
POSITION_DECIMALS = 7  # a centimetre
SAME_PLACE_DEG = 0.6e-7  # what rounding to them may move, and a little for the arithmetic
SET_SEPARATOR = ";"
Language = Literal["zh", "en"]


class LabelledEnum(StrEnum):
    """A code with a Chinese and an English label."""

    zh: str
    en: str

    def __new__(cls, code: str, zh: str, en: str) -> Self:
        """Build a member from its code and its two labels."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member

    def label(self, language: Language) -> str:
        """Return the label in a language."""
        return self.zh if language == "zh" else self.en

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code or either label; case and spaces around do not matter.

        Raises
        ------
        ValueError
            The text is none of them; the message lists what it may be.
        """
        wanted = text.strip().replace("(点)", "").replace("（点）", "").casefold()
        for member in cls:
            if wanted in {member.value.casefold(), member.zh.casefold(), member.en.casefold()}:
                return member
        allowed = ", ".join(f"{m.value} ({m.zh})" for m in cls)
        raise ValueError(f"must be one of: {allowed}")


class Kind(LabelledEnum):
    """What a station is."""

    REST_POST = "rest_post", "骑手服务驿站", "Rider rest post"
    DISTRICT_STATION = (
        "district_station",
        "商圈外卖骑手党群服务站",
        "Business-district rider station",
    )
    MEMBER_STATION = "member_station", "流动党员服务站", "Member service station"
    SWAP_CABINET = "swap_cabinet", "换电柜", "Battery-swap cabinet"


class Host(LabelledEnum):
    """Who gives the room."""

    COMMUNITY_CENTRE = "community_centre", "社区党群服务中心", "Community centre"
    CITY_STATION = "city_station", "城市驿站", "City station"
    CARING_ENTERPRISE = "caring_enterprise", "爱心企业", "Caring enterprise"
    OTHER = "other", "其他", "Other"


class Service(LabelledEnum):
    """What a rider can use there."""

    DRINKING_WATER = "drinking_water", "饮水", "Drinking water"
    HOT_WATER = "hot_water", "热水", "Hot water"
    SEATS = "seats", "座椅", "Seats"
    PHONE_CHARGING = "phone_charging", "手机充电", "Phone charging"
    TOILET = "toilet", "卫生间", "Toilet"
    MICROWAVE = "microwave", "微波炉", "Microwave"
    COOLING = "cooling", "空调", "Cooling"
    HEATING = "heating", "取暖", "Heating"
    WIFI = "wifi", "无线网络", "Wi-Fi"
    FIRST_AID = "first_aid", "急救箱", "First aid"
    RAIN_GEAR = "rain_gear", "雨具", "Rain gear"
    VEHICLE_CHARGING = "vehicle_charging", "电动车充电", "E-bike charging"
    BATTERY_SWAP = "battery_swap", "换电", "Battery swap"
    TOOLS = "tools", "修车工具", "Repair tools"
    READING = "reading", "书报", "Reading"


class Platform(LabelledEnum):
    """Delivery platforms known by name; others are kept as they are written."""

    MEITUAN = "meituan", "美团", "Meituan"
    ELEME = "eleme", "饿了么", "Ele.me"
    JD = "jd", "京东", "JD"
    SF = "sf", "顺丰同城", "SF Intra-city"


class Status(LabelledEnum):
    """Whether a station is in service at all (its hours are another matter)."""

    ACTIVE = "active", "启用", "Active"
    TEMPORARILY_CLOSED = "temporarily_closed", "暂停", "Temporarily closed"
    CLOSED = "closed", "停用", "Closed"


class Provenance(LabelledEnum):
    """How a fact came to be known."""

    SURVEYED = "surveyed", "实地核实", "Surveyed"
    OFFICIAL = "official", "官方提供", "Official"
    COMMUNITY = "community", "社区提供", "Community"
    ILLUSTRATIVE = "illustrative", "示例数据", "Illustrative"


class Datum(LabelledEnum):
    """The datum coordinates arrive in."""

    WGS84 = "wgs84", "WGS-84（GPS）", "WGS-84 (GPS)"
    GCJ02 = "gcj02", "GCJ-02（高德、腾讯）", "GCJ-02 (Amap, Tencent)"
    BD09 = "bd09", "BD-09（百度）", "BD-09 (Baidu)"
    BD09MC = "bd09mc", "百度米制坐标（BD-09MC）", "BD-09 in metres (Baidu)"


class State(LabelledEnum):
    """A station's state at a moment. Unknown is not closed."""

    OPEN = "open", "开放", "Open"
    CLOSED = "closed", "已关门", "Closed"
    UNKNOWN = "unknown", "时间未知", "Hours unknown"


class Weather(LabelledEnum):
    """The weather a rider is out in; what helps in it counts in the order of an answer."""

    NONE = "none", "平常", "Ordinary"
    HEAT = "heat", "高温", "Heat"
    COLD = "cold", "严寒", "Severe cold"
    RAIN = "rain", "下雨", "Rain"


class ZoneKind(LabelledEnum):
    """What makes a hot zone hot."""

    BUSINESS_DISTRICT = "business_district", "商圈", "Business district"
    RESIDENTIAL = "residential", "居住区", "Residential area"
    CAMPUS = "campus", "校园", "Campus"
    HOSPITAL = "hospital", "医院", "Hospital"
    INDUSTRIAL = "industrial", "产业园区", "Industrial park"
    TRANSPORT = "transport", "交通枢纽", "Transport hub"
    TOWN_CENTRE = "town_centre", "县镇中心", "Town centre"
    OTHER = "other", "其他", "Other"


# No layer has a boolean yet; filters know them.
ColumnType = Literal[
    "text", "enum", "set", "integer", "number", "boolean", "date", "datetime", "profile"
]


@dataclass(frozen=True)
class Column:
    """One column of a layer: its name, its Chinese name, its type and whether it is required."""

    name: str
    zh: str
    dtype: ColumnType = "text"
    required: bool = False
    choices: type[LabelledEnum] | None = None
    default: str | None = None


STATION_COLUMNS: tuple[Column, ...] = (
    Column("id", "编号", required=True),
    Column("name", "名称", required=True),
    Column("kind", "类型", "enum", required=True, choices=Kind),
    Column("host", "依托单位类型", "enum", choices=Host),
    Column("address", "地址"),
    Column("entrance_note", "入口说明"),
    Column("phone", "电话"),
    Column("services", "服务", "set", choices=Service),
    Column("opening_hours", "开放时间"),
    Column("platforms", "适用平台", "set"),
    Column("access", "准入"),
    Column("notice", "通知"),
    Column("notice_from", "通知开始日期", "date"),
    Column("notice_until", "通知结束日期", "date"),
    Column("status", "状态", "enum", choices=Status, default=Status.ACTIVE.value),
    Column("capacity", "容量", "integer"),
    Column("source_datum", "原坐标系", "enum", choices=Datum),
    Column("provenance", "数据性质", "enum", choices=Provenance),
    Column("source", "来源"),
    Column("last_verified", "核实日期", "date"),
    Column("updated_at", "更新时间", "datetime"),
)

HOT_ZONE_COLUMNS: tuple[Column, ...] = (
    Column("id", "编号", required=True),
    Column("name", "名称", required=True),
    Column("kind", "类型", "enum", required=True, choices=ZoneKind),
    Column("demand_per_h", "每小时需求", "number", required=True),
    Column("profile", "每周需求曲线", "profile"),
    Column("provenance", "数据性质", "enum", choices=Provenance),
    Column("source", "来源"),
    Column("updated_at", "更新时间", "datetime"),
)

DISTRICT_COLUMNS: tuple[Column, ...] = (
    Column("id", "编号", required=True),
    Column("name", "名称", required=True),
    Column("name_en", "英文名"),
    Column("provenance", "数据性质", "enum", choices=Provenance),
    Column("source", "来源"),
    Column("updated_at", "更新时间", "datetime"),
)

PLACE_COLUMNS: tuple[Column, ...] = (
    Column("id", "编号", required=True),
    Column("name", "名称", required=True),
    Column("name_en", "英文名"),
    Column("kind", "类型"),
    Column("population", "人口", "integer"),
    Column("provenance", "数据性质", "enum", choices=Provenance),
    Column("source", "来源"),
    Column("updated_at", "更新时间", "datetime"),
)

CANDIDATE_COLUMNS: tuple[Column, ...] = (
    Column("id", "编号", required=True),
    Column("name", "名称", required=True),
    Column("host", "依托单位类型", "enum", choices=Host),
    Column("cost", "费用", "number"),
    Column("capacity", "容量", "integer"),
    Column("provenance", "数据性质", "enum", choices=Provenance),
    Column("source", "来源"),
    Column("updated_at", "更新时间", "datetime"),
)


@dataclass(frozen=True)
class Layer:
    """A layer of the store: its columns and its geometry."""

    name: str
    columns: tuple[Column, ...]
    geometry_type: Literal["Point", "MultiPolygon"]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, geometry left out, in their order."""
        return [column.name for column in self.columns]


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer("stations", STATION_COLUMNS, "Point"),
        Layer("hot_zones", HOT_ZONE_COLUMNS, "MultiPolygon"),
        Layer("districts", DISTRICT_COLUMNS, "MultiPolygon"),
        Layer("places", PLACE_COLUMNS, "Point"),
        Layer("candidates", CANDIDATE_COLUMNS, "Point"),
    )
}


def split_set(text: object) -> frozenset[str]:
    """Return the members of a set column's cell; unknown (null) and empty are both no members."""
    if not isinstance(text, str) or not text:
        return frozenset()
    return frozenset(text.split(SET_SEPARATOR))


def join_set(members: Iterable[str], enum: type[LabelledEnum] | None = None) -> str:
    """Return the canonical text of a set: enum order where there is one, else sorted."""
    given = set(members)
    if enum is None:
        return SET_SEPARATOR.join(sorted(given))
    return SET_SEPARATOR.join(member.value for member in enum if member.value in given)


def is_illustrative(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether any row is made up for illustration, so that whatever shows it says so."""
    return "provenance" in frame and bool((frame["provenance"] == Provenance.ILLUSTRATIVE).any())


def drop_unusable(frame: gpd.GeoDataFrame, layer: str) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Return a layer's rows that can be shown, and a sentence for each that cannot.

    Other programs edit the store, and leave what they do not know empty or misspelt: a row without
    a place or a value that decides what it is (:func:`is_decisive`) is left out, any other code or
    amount that is none becomes unknown. What is empty and has a default takes it.
    """
    spec = LAYERS[layer]
    kept = frame.copy()
    # An empty geometry has no bounds: they are NaN.
    usable = np.isfinite(frame.geometry.bounds.to_numpy(dtype=np.float64)).all(axis=1)
    doubts = [f"{layer}: row {i!r} has no usable place; not shown." for i in frame["id"][~usable]]
    for column in spec.columns:
        if column.name not in kept:
            continue
        if column.dtype in {"integer", "number"}:
            series = kept[column.name].where(kept[column.name] >= 0)
            values = list(series.astype(object).where(series.notna(), None))
        elif column.dtype in {"text", "enum", "set"}:
            values = [_usable_value(value, column) for value in kept[column.name]]
            series = pd.Series(values, index=kept.index, dtype=object)
        else:
            continue
        kept[column.name] = series
        if is_decisive(column):
            missing = np.array([value is None or value == "" for value in values], dtype=bool)
            for row in np.flatnonzero(missing & usable):
                identity = frame["id"].iloc[row]
                doubts.append(f"{layer}: row {identity!r} has no usable {column.name}; not shown.")
            usable &= ~missing
    return kept[usable].reset_index(drop=True), tuple(doubts)


def is_decisive(column: Column) -> bool:
    """Tell whether a row without a usable value in a column is shown nowhere.

    Required values decide what a row is; a status that is none, whether anybody may go there.
    """
    return column.required or column.default is not None


def _usable_value(value: object, column: Column) -> str | None:
    if column.default is not None and (not isinstance(value, str) or not value.strip()):
        return column.default
    if not isinstance(value, str):
        return None
    if column.choices is None:
        return value
    codes = {member.value for member in column.choices}
    if column.dtype == "set":
        known = split_set(value) & codes
        # Of a text that names nothing that is known it is not known what it says.
        return join_set(known, column.choices) if known or not value.strip() else None
    return value if value in codes else None


def check_frame(frame: gpd.GeoDataFrame, layer: str) -> None:
    """Check a frame against its layer's contract, once, at the border.

    Raises
    ------
    InputError
        Names the first fault: a missing column, another datum, a wrong or missing geometry,
        an id that is missing or stands twice.
    """
    spec = LAYERS[layer]
    missing = [c.name for c in spec.columns if c.required and c.name not in frame.columns]
    if missing:
        raise InputError(f"{layer}: the column {missing[0]!r} is missing; it is required.")
    if frame.crs is None or frame.crs.to_epsg() != 4326:
        raise InputError(f"{layer}: geometry must be EPSG:4326 (WGS-84), it is {frame.crs}.")
    ids = frame["id"]
    if ids.isna().any():
        raise InputError(f"{layer}: a row has no id; every row needs one.")
    if ids.duplicated().any():
        raise InputError(f"{layer}: the id {ids[ids.duplicated()].iloc[0]!r} stands twice.")
    allowed = {"Point"} if spec.geometry_type == "Point" else {"Polygon", "MultiPolygon"}
    empty = frame.geometry.isna() | frame.geometry.is_empty
    wrong = empty | ~frame.geometry.geom_type.isin(allowed)
    if wrong.any():
        row = frame[wrong].iloc[0]
        found = "nothing" if empty[row.name] else row.geometry.geom_type
        raise InputError(
            f"{layer}: row {row['id']!r} needs a {spec.geometry_type}, it has {found}."
        )
