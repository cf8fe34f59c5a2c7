"""The table of collections: which layers are published, and which of their columns.

A column is public because its line in the schema says so; a new one is not until it does. What a
station's page shows is public; the datum a row came in, and the history, are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd

from locator.published import GAPS, no_gaps
from locator.schema import LAYERS, Column, Language, Layer, Status
from locator.service import Snapshot


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str

    def say(self, language: Language) -> str:
        """Return the text in a language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class About:
    """A sentence for the description, and facts for the metadata."""

    sentence: Words
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Collection:
    """One published collection.

    Attributes
    ----------
    layer
        Its columns and geometry.
    dates
        The public columns that the parameter ``datetime`` looks at.
    rows
        Takes the collection's rows out of a snapshot: EPSG:4326, ordered by id.
    about
        What a snapshot says of the collection besides its rows.
    shows_borders
        The collection draws district lines, which the public sees only on a map that has its
        approval number (审图号).
    """

    id: str
    title: Words
    description: Words
    layer: Layer
    dates: tuple[str, ...]
    rows: Callable[[Snapshot], gpd.GeoDataFrame]
    shows_borders: bool = False
    about: Callable[[Snapshot], "About | None"] = lambda _snapshot: None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The public columns beside ``id``, in their order."""
        return self.layer.public

    @property
    def geometry_type(self) -> Literal["Point", "MultiPolygon"]:
        """The geometry of its rows."""
        return self.layer.geometry_type

    def column(self, name: str) -> Column | None:
        """Return a public column by its name, ``id`` included."""
        column = self.layer.column(name)
        return column if column is not None and (column.public or name == "id") else None


def _in_service(snapshot: Snapshot) -> gpd.GeoDataFrame:
    """Return the stations but those closed for good, which no list and no map shows either."""
    stations = snapshot.stations
    return stations[stations["status"] != Status.CLOSED.value].reset_index(drop=True)


def _published_gaps(snapshot: Snapshot) -> gpd.GeoDataFrame:
    return no_gaps() if snapshot.published is None else snapshot.published.gaps


def _about_gaps(snapshot: Snapshot) -> About:
    last = snapshot.published
    if last is None:
        nothing = Words("目前没有发布的研究。", "No study is published at present.")
        return About(nothing, {})
    about, day = last.about, last.about["studied_at"][:10]
    zh, en = about["said"]["zh"], about["said"]["en"]
    sentence = Words(
        f"研究日期 {day}；标准 {zh['standard']}；{zh['travel']}；{zh['hours']}；{zh['demand']}。",
        f"Studied on {day}; standard {en['standard']}; {en['travel']}; {en['hours']}; "
        f"{en['demand']}.",
    )
    facts: dict[str, object] = {key: value for key, value in about.items() if key != "said"}
    facts |= {"digest": last.digest, "published_at": last.published_at.isoformat()}
    return About(sentence, facts)


COLLECTIONS: tuple[Collection, ...] = (
    Collection(
        "stations",
        Words("骑手驿站", "Rest stations for riders"),
        Words(
            "外卖骑手可以歇脚、饮水、充电的站点。坐标为 WGS-84；空值表示未知，未知不等于关门。"
            "永久停用的站点不在其中。datetime 按更新时间、核实日期和通知的起止日期选取。",
            "Where delivery riders can rest, drink and charge. Positions are WGS-84; null is "
            "unknown, and unknown is not closed. Stations closed for good are left out. datetime "
            "looks at the time of the last change, the day of the last check, and a notice's days.",
        ),
        LAYERS["stations"],
        ("updated_at", "last_verified", "notice_from", "notice_until"),
        _in_service,
    ),
    Collection(
        "hot_zones",
        Words("配送热区", "Hot zones"),
        Words(
            "骑手集中的区域，以及每小时需求（一周的平均值）。",
            "Where riders gather, with demand per hour as the mean of a week.",
        ),
        LAYERS["hot_zones"],
        ("updated_at",),
        lambda snapshot: snapshot.hot_zones,
    ),
    Collection(
        "districts",
        Words("区县", "Districts and counties"),
        Words("宝鸡市的区和县。", "The districts and counties of Baoji."),
        LAYERS["districts"],
        ("updated_at",),
        lambda snapshot: snapshot.districts,
        shows_borders=True,
    ),
    Collection(
        "places",
        Words("地名", "Named places"),
        Words("镇、街道和其他有名字的地方。", "Towns, sub-districts and other places with a name."),
        LAYERS["places"],
        ("updated_at",),
        lambda snapshot: snapshot.places,
    ),
    Collection(
        "gaps",
        Words("覆盖缺口（最近发布）", "Gaps in coverage, last published"),
        Words(
            "按标准到不了任何站点的需求区域，按未覆盖需求排序。",
            "Areas of demand from where no station is in reach by the standard, ranked by unserved "
            "demand.",
        ),
        GAPS,
        ("studied_at",),
        _published_gaps,
        about=_about_gaps,
    ),
)


def collections_offered(*, borders: bool) -> list[Collection]:
    """Return the collections; those that draw district lines only if these may be shown."""
    return [c for c in COLLECTIONS if borders or not c.shows_borders]


def find_collection(name: str) -> Collection | None:
    """Return a collection by its id, offered or not."""
    return next((c for c in COLLECTIONS if c.id == name), None)
