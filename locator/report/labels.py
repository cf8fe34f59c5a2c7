"""The words of a report: every column and code of a study's tables, Chinese and English."""

import re
from dataclasses import dataclass
from typing import Literal

from locator.errors import InputError
from locator.hours_words import week_words
from locator.schema import SET_SEPARATOR, Amenity, Host, Kind, LabelledEnum, Language

Pair = tuple[str, str]
Form = Literal[
    "text", "code", "codes", "flag", "count", "share", "change", "number", "minutes", "seconds",
    "metres", "area", "hour", "standard", "words", "degrees", "cost", "hours",
]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column's header in both languages, with its unit, and the form of its values."""

    zh: str
    en: str
    form: Form

    def label(self, language: Language) -> str:
        """Return the header in a language."""
        return self.zh if language == "zh" else self.en


# "{per_h}" is orders an hour, or what the demand points count; "{cost}" what a cost is counted in.
COLUMNS: dict[str, Column] = {
    "access_per_1000_orders_h": Column("每千{per_h}可用供给", "Supply per 1,000 {per_h}", "number"),
    "adds_nothing": Column("关闭无影响", "Closing it changes nothing", "flag"),
    "always_per_h": Column(
        "全天开放时可覆盖（{per_h}）", "Covered if always open ({per_h})", "number"
    ),
    "always_share": Column("全天开放时覆盖率（%）", "Share if always open (%)", "share"),
    "area_m2": Column("面积（平方米）", "Area (m²)", "area"),
    "bearing": Column("方位", "Bearing", "code"),
    "change": Column("变化（百分点）", "Change (points)", "change"),
    "counted": Column("计入", "Counted", "flag"),
    "covered_area_exact_m2": Column(
        "覆盖面积，真圆（平方米）", "Covered area, true circles (m²)", "area"
    ),
    "covered_area_m2": Column("覆盖面积（平方米）", "Covered area (m²)", "area"),
    "covered_demand_per_h": Column("已覆盖需求（{per_h}）", "Covered ({per_h})", "number"),
    "covered_per_h": Column("已覆盖（{per_h}）", "Covered ({per_h})", "number"),
    "covered_share": Column("覆盖率（%）", "Covered (%)", "share"),
    "covered_share_any_hours": Column(
        "覆盖率，不计开放时间（%）", "Covered, hours left out (%)", "share"
    ),
    "covered_share_if_unknown_open": Column(
        "覆盖率，时间未知者均开放（%）", "Covered if unknown hours are open (%)", "share"
    ),
    "covered_share_if_unknown_offered": Column(
        "覆盖率，服务与时间未知者均提供（%）",
        "Covered if all that is unknown is offered (%)",
        "share",
    ),
    "covered_share_straight_line": Column(
        "覆盖率，直线估算（%）", "Covered as the crow flies (%)", "share"
    ),
    "demand_per_h": Column("需求（{per_h}）", "Demand ({per_h})", "number"),
    "demand_per_week": Column("需求（{per_week}）", "Demand ({per_week})", "number"),
    "district_name": Column("区县", "District", "text"),
    "gaps": Column("缺口数", "Gaps", "count"),
    "gini_of_access": Column("可达性基尼系数（0–1）", "Gini of access (0–1)", "number"),
    "high": Column("上限（%）", "High (%)", "share"),
    "host": Column("依托单位类型", "Host", "code"),
    "hour": Column("时刻", "Hour of the week", "hour"),
    "id": Column("编号", "Id", "text"),
    "kind": Column("类型", "Kind", "code"),
    "level": Column("层级", "Level", "code"),
    "limit_s": Column("限时（秒）", "Limit (s)", "seconds"),
    "lost_demand_per_h": Column("关闭将失去（{per_h}）", "Lost if closed ({per_h})", "number"),
    "lost_orders_per_week": Column(
        "关闭将失去（{per_week}）", "Lost if closed ({per_week})", "number"
    ),
    "lost_to_hours": Column("因时间失去（%）", "Lost to hours (%)", "share"),
    "low": Column("下限（%）", "Low (%)", "share"),
    "mean_s": Column("平均（分钟）", "Mean (min)", "minutes"),
    "median_s": Column("中位（分钟）", "Median (min)", "minutes"),
    "minutes": Column("标准（分钟）", "Standard (min)", "count"),
    "missing_services": Column("所缺服务", "Missing services", "codes"),
    "mode": Column("方式", "Mode", "code"),
    "name": Column("名称", "Name", "text"),
    "nearest_m": Column("最近站直线（米）", "Nearest, straight (m)", "metres"),
    "nearest_ride_m": Column("最近站骑行（米）", "Nearest, ride (m)", "metres"),
    "nearest_ride_s": Column("最近站骑行（分钟）", "Ride to nearest (min)", "minutes"),
    "nearest_station_id": Column("最近站编号", "Nearest station, id", "text"),
    "nearest_station_name": Column("最近驿站", "Nearest station", "text"),
    "of": Column("抽样单位", "Of", "code"),
    "p90_s": Column("90% 分位（分钟）", "90th percentile (min)", "minutes"),
    "place": Column("最近地名", "Nearest place", "text"),
    "place_m": Column("距地名（米）", "From the place (m)", "metres"),
    "possible_per_h": Column(
        "时间未知者均开放（{per_h}）", "If unknown hours are open ({per_h})", "number"
    ),
    "offered_share": Column(
        "服务与时间未知者均提供（%）", "If all that is unknown is offered (%)", "share"
    ),
    "possible_share": Column("时间未知者均开放（%）", "If unknown hours are open (%)", "share"),
    "rank": Column("名次", "Rank", "count"),
    "reason": Column("原因", "Why", "code"),
    "reason_share": Column("原因占比（%）", "Share of the reason (%)", "share"),
    "replicates": Column("重复次数", "Replicates", "count"),
    "service": Column("服务", "Service", "code"),
    "share_with_1": Column("至少 1 站（%）", "1 station or more (%)", "share"),
    "share_with_2": Column("至少 2 站（%）", "2 or more (%)", "share"),
    "share_with_3": Column("至少 3 站（%）", "3 or more (%)", "share"),
    "standard": Column("覆盖标准", "Standard", "standard"),
    "stations": Column("站点数", "Stations", "count"),
    "stations_unknown": Column("服务未知的站点", "Stations of unknown services", "count"),
    "supply": Column("供给单位", "Supply in", "code"),
    "travel": Column("出行模型", "Travel model", "words"),
    "unknown_services": Column("是否有未知的服务", "Not known whether offered", "codes"),
    "unreachable_share": Column("不可达（%）", "Unreachable (%)", "share"),
    "unserved_demand_per_h": Column("未覆盖（{per_h}）", "Unserved ({per_h})", "number"),
    "value": Column("取值", "Value", "number"),
    "week_covered_share": Column("全周覆盖率（%）", "Covered over the week (%)", "share"),
    "what": Column("项目", "What", "code"),
    "worst_hour": Column("最差时刻", "Worst hour", "hour"),
    "worst_s": Column("最长（分钟）", "Worst (min)", "minutes"),
    "worst_tenth_s": Column(
        "最差十分之一平均（分钟）", "Worst-served tenth, mean (min)", "minutes"
    ),
    "worst_unserved_per_h": Column(
        "最差时未覆盖（{per_h}）", "Unserved at worst ({per_h})", "number"
    ),
    "zone_names": Column("热区", "Hot zones", "text"),
    # Of a siting study.
    "added": Column("新增覆盖（{per_h}）", "Added ({per_h})", "number"),
    "at": Column("时刻", "Moment", "text"),
    "bound": Column("上限（{per_h}）", "Bound ({per_h})", "number"),
    "bound_share": Column("任何方案的上限（%）", "No choice passes (%)", "share"),
    "budget": Column("预算{cost}", "Budget{cost}", "cost"),
    "by": Column("按", "By", "code"),
    "chosen": Column("已选", "Chosen", "flag"),
    "cost": Column("费用{cost}", "Cost{cost}", "cost"),
    "covered": Column("已覆盖（{per_h}）", "Covered ({per_h})", "number"),
    "covered_after": Column("之后已覆盖（{per_h}）", "Covered after ({per_h})", "number"),
    "covered_before": Column("现在已覆盖（{per_h}）", "Covered today ({per_h})", "number"),
    "demand": Column("需求（{per_h}）", "Demand ({per_h})", "number"),
    "district_id": Column("区县代码", "District, id", "text"),
    "gain": Column("新增覆盖（{per_h}）", "Adds ({per_h})", "number"),
    "gain_alone": Column("单独新增（{per_h}）", "Alone it adds ({per_h})", "number"),
    "gain_hours": Column("新增的时段", "Hours of the gain", "hours"),
    "gain_share": Column("占总需求（%）", "Of all demand (%)", "share"),
    "gap_added": Column("可能的差距（新增的 %）", "Gap at most (% of added)", "share"),
    "hours": Column("开放时间", "Hours", "hours"),
    "ids": Column("所选编号", "Chosen, ids", "text"),
    "kept": Column("再次选中（次）", "Chosen again (runs)", "count"),
    "kept_share": Column("再次选中（%）", "Chosen again (%)", "share"),
    "kept_share_demand": Column("需求变化时（%）", "With other demand (%)", "share"),
    "kept_share_speed": Column("车速变化时（%）", "With another speed (%)", "share"),
    "kept_share_threshold": Column("标准变化时（%）", "With another standard (%)", "share"),
    "lat": Column("纬度", "Latitude", "degrees"),
    "left": Column("仍未覆盖（{per_h}）", "Still uncovered ({per_h})", "number"),
    "limit": Column("数量或预算", "Number or budget", "cost"),
    "lon": Column("经度", "Longitude", "degrees"),
    "lost_if_dropped": Column("只由它覆盖（{per_h}）", "Only it covers ({per_h})", "number"),
    "marginal": Column("再多一步新增（{per_h}）", "This step adds ({per_h})", "number"),
    "new": Column("新设数量", "New posts", "count"),
    "nested": Column("逐步保留", "Nested", "flag"),
    "open_only_other": Column("仅另一时刻开放的站点", "Open at the other moment only", "text"),
    "open_only_then": Column("仅该时刻开放的站点", "Open at this moment only", "text"),
    "option": Column("措施", "What is done", "code"),
    "options": Column("项数", "Number", "count"),
    "origin": Column("候选点来源", "Candidate from", "code"),
    "other_at": Column("另一时刻", "Other moment", "text"),
    "other_covered": Column("另一时刻已覆盖（{per_h}）", "Other: covered ({per_h})", "number"),
    "other_demand": Column("另一时刻需求（{per_h}）", "Other: demand ({per_h})", "number"),
    "other_rank": Column("另一时刻名次", "Other: rank", "count"),
    "other_stations_open": Column("另一时刻开放站点", "Other: stations open", "count"),
    "other_uncovered": Column("另一时刻未覆盖（{per_h}）", "Other: uncovered ({per_h})", "number"),
    "runs": Column("变动次数", "Runs", "count"),
    "serves": Column("由它服务（{per_h}）", "It serves ({per_h})", "number"),
    "share_after": Column("之后覆盖率（%）", "Covered after (%)", "share"),
    "share_before": Column("现在覆盖率（%）", "Covered today (%)", "share"),
    "stations_open": Column("开放站点", "Stations open", "count"),
    "then_station_hours": Column("该站开放时间", "Its hours", "hours"),
    "then_station_id": Column("当时帮不上的站点，编号", "Station no help then, id", "text"),
    "then_station_name": Column("当时帮不上的站点", "Station no help then", "text"),
    "uncovered": Column("未覆盖（{per_h}）", "Uncovered ({per_h})", "number"),
    "why_en": Column("理由", "Why", "text"),
    "why_zh": Column("理由", "Why", "text"),
    "zone_name": Column("热区", "Hot zone", "text"),
    "zone_share": Column("在该热区（%）", "In that zone (%)", "share"),
}


_BY_STANDARD: dict[str, tuple[Pair, Form]] = {
    "covered_share_": (("{} 覆盖率（%）", "Covered, {} (%)"), "share"),
    "share_if_unknown_": (("{}，未知者均提供（%）", "{} if the unknown offer it (%)"), "share"),
}


def _enum(members: type[LabelledEnum]) -> dict[str, Pair]:
    return {member.value: (member.zh, member.en) for member in members}


WINDS: dict[str, Pair] = {
    "N": ("北", "north"),
    "NE": ("东北", "north-east"),
    "E": ("东", "east"),
    "SE": ("东南", "south-east"),
    "S": ("南", "south"),
    "SW": ("西南", "south-west"),
    "W": ("西", "west"),
    "NW": ("西北", "north-west"),
}
# Codes by column; "of", "what" and "supply" mean the same wherever they stand.
CODES: dict[str, dict[str, Pair]] = {
    "bearing": WINDS,
    "host": _enum(Host),
    "kind": _enum(Kind),
    "service": _enum(Amenity),
    "missing_services": _enum(Amenity),
    "unknown_services": _enum(Amenity),
    "level": {
        "total": ("合计", "Total"),
        "district": ("区县", "District"),
        "zone": ("热区", "Hot zone"),
    },
    "mode": {
        "ride": ("骑行", "Riding"),
        "ride_straight_line": ("骑行，直线估算", "Riding, as the crow flies"),
        "walk_straight_line": ("步行，直线估算", "Walking, as the crow flies"),
    },
    "reason": {
        "hours_unknown": ("附近站点开放时间未知", "hours of a station near are unknown"),
        "services_unknown": ("附近站点的服务未登记", "services of a station near are unknown"),
        "closed_then": ("附近站点当时关闭", "a station is near but closed then"),
        "service_missing": ("附近站点无所需服务", "a station is near but lacks the service"),
        "barrier": ("直线可达，沿路不可达", "near as the crow flies, not by road"),
        "none_near": ("附近没有站点", "no station near"),
    },
    "supply": {"stations": ("站", "stations"), "places": ("座位或仓位", "places")},
    "what": {
        "as_set": ("按设定", "As set"),
        "speed_kmh": ("骑行速度（公里/小时）", "Riding speed (km/h)"),
        "profile": ("路网适用对象", "Profile of the roads"),
        "push_speed_kmh": ("推行速度（公里/小时）", "Pushing speed (km/h)"),
        "trunk_roads": ("国道等干线", "Trunk roads"),
        "private_ways": ("内部道路", "Private ways"),
        "ferry_wait_minutes": ("候渡时间（分钟）", "Wait for a ferry (min)"),
        "detour_factor": ("绕行系数", "Detour factor"),
        "limit_min": ("时间标准（分钟）", "Time standard (min)"),
        "limit_m": ("距离标准（米）", "Distance standard (m)"),
        "demand_drawn_anew": ("需求重新抽样", "Demand drawn anew"),
        "stations_moved": ("站点在精度内移动", "Stations moved within their accuracy"),
    },
    "of": {
        "points": ("需求点", "demand points"),
        "hot_zones": ("热区", "hot zones"),
        "stations": ("站点", "stations"),
    },
    # Of a siting study.
    "option": {
        "new_post": ("新设驿站", "new post"),
        "extend_hours": ("延长开放时间", "longer hours"),
        "add_service": ("增加服务", "added service"),
        "add_service_and_hours": ("增加服务并延长时间", "added service and longer hours"),
        "add_cabinet": ("增设换电柜", "battery-swap cabinet"),
    },
    "origin": {
        "grid": ("热区网格", "grid in hot zones"),
        "road grid": ("热区网格，移至道路", "grid in hot zones, moved to roads"),
        "candidate": ("候选点名单", "list of candidates"),
        "place": ("登记的地点", "the store's places"),
        "station": ("现有站点", "an existing station"),
    },
    "by": {"new": ("数量", "number"), "budget": ("预算", "budget")},
}
TABLES: dict[str, Pair] = {
    "results": ("结果", "Results"),
    "gap_areas": ("缺口片区", "Gap areas"),
    "week": ("一周热力表", "Week"),
    "hours": ("逐小时", "Hours"),
    "hours_by_zone": ("热区全周", "Week by hot zone"),
    "hours_by_district": ("区县全周", "Week by district"),
    "curve": ("覆盖率曲线", "Curve"),
    "times": ("到站时间", "Times"),
    "services": ("服务", "Services"),
    "kinds": ("类型", "Kinds"),
    "hosts": ("依托单位", "Hosts"),
    "modes": ("方式", "Modes"),
    "backup": ("备选站点", "Backup"),
    "stations": ("站点", "Stations"),
    "equity": ("公平性", "Equity"),
    "sensitivity": ("敏感性", "Sensitivity"),
    "intervals": ("区间", "Intervals"),
    "before": ("方案前", "Before the scenario"),
    # Of a siting study.
    "sites": ("所选站点", "Sites"),
    "areas": ("区县与热区", "Areas"),
    "comparison": ("时刻对比", "Moments"),
}
DAYS: tuple[Pair, ...] = (
    ("周一", "Mon"), ("周二", "Tue"), ("周三", "Wed"), ("周四", "Thu"), ("周五", "Fri"),
    ("周六", "Sat"), ("周日", "Sun"),
)  # fmt: skip
SETTINGS: dict[str, Pair] = {
    "store": ("存储", "Store"),
    "timezone": ("时区", "Time zone"),
    "country": ("国家（法定假日）", "Country of the public holidays"),
    "calendar": ("调休日历", "Calendar of make-up workdays"),
    "language": ("语言", "Language"),
    "min_minutes_left": ("到站后至少还开放（分钟）", "Open for at least, after arrival (min)"),
    "weather": ("天气", "Weather"),
    "travel": ("出行模型", "Travel model"),
    "max_snap_m": ("离道路最远（米）", "Farthest from a road (m)"),
    "ride_speed_kmh": ("骑行速度（公里/小时）", "Riding speed (km/h)"),
    "profile": ("路网适用对象", "Profile of the roads"),
    "push_speed_kmh": ("推行速度（公里/小时）", "Pushing speed (km/h)"),
    "trunk_roads": ("国道等干线", "Trunk roads"),
    "private_ways": ("内部道路", "Private ways"),
    "ferry_wait_minutes": ("候渡时间（分钟）", "Wait for a ferry (min)"),
    "detour_factor": ("绕行系数", "Detour factor"),
    "basemap": ("底图", "Base map"),
    "proxies": ("代理层数", "Proxies in front"),
    "hosts": ("对外域名", "Host names it is served under"),
    "public_url": ("对外网址", "Address it is known by"),
    "map_approval": ("审图号", "Map approval number"),
    "frame_ancestors": ("可嵌入的网站", "Sites that may embed the pages"),
    "contact_email": ("联系邮箱", "E-mail to write to"),
    "data_licence": ("数据许可", "Licence of the data"),
    "jobs": ("后台计算", "Background jobs"),
}
# What settings with few values say of them.
CHOICES: dict[str, dict[str, Pair]] = {
    "language": {"zh": ("中文", "Chinese"), "en": ("英文", "English")},
    "weather": {
        "none": ("不考虑", "not considered"),
        "heat": ("高温", "heat"),
        "cold": ("寒冷", "cold"),
        "rain": ("下雨", "rain"),
    },
    "travel": {
        "auto": ("自动：有路网则按道路", "automatic: by road where roads were imported"),
        "roads": ("按道路", "by road"),
        "straightline": ("直线估算", "estimated from straight lines"),
    },
    "profile": {"e-bike": ("电动自行车", "e-bike"), "walk": ("步行", "on foot")},
    "trunk_roads": {
        "tagged": ("仅标注可骑行者", "only where cycling is tagged"),
        "open": ("可骑行", "open"),
    },
    "private_ways": {"push": ("推行", "pushed along"), "closed": ("不进入", "closed")},
    "basemap": {
        "none": ("无", "none"),
        "osm": ("OpenStreetMap", "OpenStreetMap"),
        "tianditu": ("天地图", "Tianditu"),
    },
    "frame_ancestors": {"*": ("任何网站", "any")},
}
SCENARIO: dict[str, Pair] = {
    "name": ("名称", "name"),
    "close": ("关闭", "Closed"),
    "open": ("重新开放", "Opened again"),
    "hours": ("改变开放时间", "Hours changed"),
    "services": ("增加服务", "Services added"),
    "move": ("迁移", "Moved"),
    "add": ("新增", "Added"),
}

# By the question's model: what it looks for.
MODELS: dict[str, Pair] = {
    "mclp": ("最大覆盖（MCLP）", "most demand covered (MCLP)"),
    "backup": (
        "最大覆盖，标准内的第二个站点计一半",
        "most demand covered, a second station within the standard counts half",
    ),
    "capacitated": ("在容量之内服务最多需求", "most demand served within capacity"),
    "lscp": ("以最少（或最省）达到所要求的覆盖", "the fewest, or cheapest, for a share of demand"),
    "p-median": ("平均骑行时间最短（p-中位）", "shortest mean ride (p-median)"),
    "p-center": ("最长骑行时间最短（p-中心）", "shortest longest ride (p-center)"),
}
# Of demand: whether points have weights, and whether a week is summed.
UNITS: dict[str, str] = {"hot zones": "orders", "points": "weight"}
_FEW_EN = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def choose(pair: Pair, language: Language) -> str:
    """Return a pair's text in a language."""
    return pair[0] if language == "zh" else pair[1]


def column_of(name: str) -> Column:
    """Return what is known of a table's column.

    Raises
    ------
    InputError
        No table has such a column.
    """
    if name in COLUMNS:
        return COLUMNS[name]
    for beginning, (pair, form) in _BY_STANDARD.items():
        if found := re.fullmatch(beginning + r"(\d+(?:_\d+)?)(min|m)", name):
            amount = f"{found[1].replace('_', '.')} {found[2]}"
            zh, en = (
                text.format(standard_label(amount, language))
                for text, language in zip(pair, ("zh", "en"), strict=True)
            )
            return Column(zh, en, form)
    raise InputError(f"A report knows no column {name!r}; make the study anew.")


def code_label(column: str, code: str, language: Language) -> str:
    """Return a code's word; several joined with ``;`` as a list; what is not known as it is."""
    known = CODES.get(column, {})
    parts = code.split(SET_SEPARATOR)
    comma = "、" if language == "zh" else ", "
    return comma.join(choose(known[part], language) if part in known else part for part in parts)


def change_label(key: str, text: str, language: Language) -> str:
    """Return what a scenario changes, as the manifest has it: services and hours in words."""
    identity, colon, codes = text.partition(": ")
    if key == "hours" and colon:
        return f"{identity}: {week_words(codes, language)}"
    if key != "services" or not colon:
        return text
    return f"{identity}: {code_label('service', SET_SEPARATOR.join(codes.split()), language)}"


def standard_label(label: str, language: str) -> str:
    """Return a standard such as ``5 min`` in a language."""
    amount, _, unit = label.partition(" ")
    if language == "en" or unit not in {"min", "m"}:
        return label
    return f"{amount} {'分钟' if unit == 'min' else '米'}"


def hour_label(hour: int, language: Language) -> str:
    """Return an hour of the week, 0 to 167 from Monday 00:00, such as ``Sun 18:00``."""
    day, clock = divmod(hour, 24)
    name = choose(DAYS[day], language)
    return f"{name} {clock:02d}:00"


def numeral(count: int, language: Language) -> str:
    """Return a count within a sentence: up to ten as a word in English."""
    return _FEW_EN[count] if language == "en" and count < len(_FEW_EN) else f"{count:,}"
