"""The layers of a store and their columns, and what a frame of a layer must hold.

Frames carry these columns everywhere in the program. Geometry is EPSG:4326 (WGS-84), longitude
first. A null is *unknown*; sets (``services``, ``platforms``) are text joined with ``;`` in the
order of their enum, ``""`` being the empty set.
"""

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np

from locator.errors import InputError
from locator.schema.columns import (
    Choice,
    ChoiceSet,
    Column,
    Date,
    Hours,
    Identifier,
    Integer,
    Moment,
    Number,
    OpenSet,
    Phone,
    Profile,
    Text,
)
from locator.schema.enums import Amenity, Datum, Host, Kind, Platform, Provenance, Status, ZoneKind

CRS = "EPSG:4326"
SAME_PLACE_DEG = 0.6e-7  # what rounding to a file's decimals may move, and a little


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

    @property
    def given(self) -> tuple[Column, ...]:
        """The columns that a file may give: when a row was changed the store knows itself."""
        return tuple(column for column in self.columns if column.name != "updated_at")

    @property
    def required(self) -> list[str]:
        """Names of the columns without which a row is no row."""
        return [column.name for column in self.columns if column.required]

    @property
    def public(self) -> tuple[Column, ...]:
        """The columns that everybody is given, beside the id."""
        return tuple(column for column in self.columns if column.public)

    def column(self, name: str) -> Column | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)


# Of every layer's rows: what they rest on.
_PROVENANCE = (
    Choice("provenance", "数据性质", choices=Provenance, public=True),
    Text("source", "来源", public=True),
)
_CHANGED = Moment("updated_at", "更新时间", public=True)


_ID = Text("id", "编号", required=True, longest=200)
_NAME = Text("name", "名称", required=True, public=True, longest=200)
_PLATFORMS_NOTE = "哪些平台的骑手可用，如 美团;饿了么；留空表示所有骑手"

# A line a column: what files, stores, interfaces and pages need to know of it.
LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer(
            "stations",
            (
                Identifier("id", "编号", required=True, note="固定编号，不重复、不再次使用"),
                _NAME,
                Choice("kind", "类型", required=True, choices=Kind, public=True),
                Choice("host", "依托单位类型", choices=Host, public=True),
                Text("address", "地址", public=True, on_page=True),
                Text("entrance_note", "入口说明", "Entrance", public=True, on_page=True),
                Phone("phone", "电话", public=True, on_page=True),
                ChoiceSet("services", "服务", choices=Amenity, public=True, on_page=True),
                Hours("opening_hours", "开放时间", public=True),
                OpenSet("platforms", "适用平台", known=Platform, public=True, note=_PLATFORMS_NOTE),
                Text("access", "准入", public=True),
                Text("notice", "通知", public=True),
                Date("notice_from", "通知开始日期", public=True),
                Date("notice_until", "通知结束日期", public=True),
                Choice("status", "状态", choices=Status, default=Status.ACTIVE.value, public=True),
                Integer("capacity", "容量", public=True, on_page=True),
                Choice("source_datum", "原坐标系", choices=Datum),
                *_PROVENANCE,
                Date("last_verified", "核实日期", public=True),
                _CHANGED,
            ),
            "Point",
        ),
        Layer(
            "hot_zones",
            (
                _ID,
                _NAME,
                Choice("kind", "类型", required=True, choices=ZoneKind, public=True),
                Number("demand_per_h", "每小时需求", required=True, public=True),
                Profile("profile", "每周需求曲线"),
                *_PROVENANCE,
                _CHANGED,
            ),
            "MultiPolygon",
        ),
        Layer(
            "districts",
            (_ID, _NAME, Text("name_en", "英文名", public=True), *_PROVENANCE, _CHANGED),
            "MultiPolygon",
        ),
        Layer(
            "places",
            (
                _ID,
                _NAME,
                Text("name_en", "英文名", public=True),
                Text("kind", "类型", public=True),
                Integer("population", "人口", public=True),
                *_PROVENANCE,
                _CHANGED,
            ),
            "Point",
        ),
        Layer(
            "candidates",
            (
                Text("id", "编号", required=True, longest=80),
                _NAME,
                Choice("host", "依托单位类型", choices=Host),
                Number("cost", "费用"),
                Integer("capacity", "容量"),
                *_PROVENANCE,
                _CHANGED,
            ),
            "Point",
        ),
    )
}


def is_illustrative(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether any row is made up for illustration, so that whatever shows it says so."""
    return "provenance" in frame and bool((frame["provenance"] == Provenance.ILLUSTRATIVE).any())


def drop_unusable(frame: gpd.GeoDataFrame, layer: str) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Return a layer's rows that can be shown, and a sentence for each that cannot.

    Other programs edit the store, and leave what they do not know empty or misspelt: a row without
    a place or a value that decides what it is (:attr:`Column.is_decisive`) is left out, any other
    code or amount that is none becomes unknown. What is empty and has a default takes it.
    """
    spec = LAYERS[layer]
    kept = frame.copy()
    # An empty geometry has no bounds: they are NaN.
    usable = np.isfinite(frame.geometry.bounds.to_numpy(dtype=np.float64)).all(axis=1)
    warnings = [f"{layer}: row {i!r} has no usable place; not shown." for i in frame["id"][~usable]]
    for column in spec.columns:
        if column.name not in kept:
            continue
        kept[column.name] = column.usable(kept[column.name])
        if column.is_decisive:
            values = kept[column.name]
            missing = (values.isna() | (values.astype(object) == "")).to_numpy(dtype=bool)
            for row in np.flatnonzero(missing & usable):
                identity = frame["id"].iloc[row]
                warnings.append(
                    f"{layer}: row {identity!r} has no usable {column.name}; not shown."
                )
            usable &= ~missing
    return kept[usable].reset_index(drop=True), tuple(warnings)


def check_frame(frame: gpd.GeoDataFrame, layer: str) -> None:
    """Check a frame against its layer's contract, once, at the border.

    Raises
    ------
    InputError
        Names the first fault: a missing column, another datum, a wrong or missing geometry,
        an id that is missing or stands twice.
    """
    spec = LAYERS[layer]
    missing = [name for name in spec.required if name not in frame.columns]
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
