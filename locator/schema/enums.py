"""The codes of columns, each with a Chinese and an English label, and sets of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, Self

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


class Weather(LabelledEnum):
    """The weather a rider is out in; what helps in it counts in the order of an answer."""

    NONE = "none", "平常", "Ordinary"
    HEAT = "heat", "高温", "Heat"
    COLD = "cold", "严寒", "Severe cold"
    RAIN = "rain", "下雨", "Rain"


class Amenity(LabelledEnum):
    """What a rider can use there, and the weather in which it helps.

    Each has its icon in ``templates/_icons.svg``.
    """

    helps: Weather | None

    def __new__(cls, code: str, zh: str, en: str, helps: Weather | None = None) -> Self:
        """Build a member from its code, its labels and the weather it helps in."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh, member.en, member.helps = zh, en, helps
        return member

    DRINKING_WATER = "drinking_water", "饮水", "Drinking water", Weather.HEAT
    HOT_WATER = "hot_water", "热水", "Hot water", Weather.COLD
    SEATS = "seats", "座椅", "Seats", Weather.RAIN
    PHONE_CHARGING = "phone_charging", "手机充电", "Phone charging"
    TOILET = "toilet", "卫生间", "Toilet"
    MICROWAVE = "microwave", "微波炉", "Microwave"
    COOLING = "cooling", "空调", "Cooling", Weather.HEAT
    HEATING = "heating", "取暖", "Heating", Weather.COLD
    WIFI = "wifi", "无线网络", "Wi-Fi"
    FIRST_AID = "first_aid", "急救箱", "First aid"
    RAIN_GEAR = "rain_gear", "雨具", "Rain gear", Weather.RAIN
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
