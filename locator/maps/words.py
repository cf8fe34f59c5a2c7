"""The words on a map, Chinese and English, in one table."""

from locator.schema import Language

# What stands on and around the map.
LABELS: dict[str, tuple[str, str]] = {
    "legend": ("图例", "Legend"),
    "stations": ("驿站", "Stations"),
    "hot_zones": ("热区：颜色越深，需求越多", "Hot zones: darker is more demand"),
    "gaps": ("覆盖缺口：数字是名次", "Gaps in coverage, ranked by number"),
    "reach": ("可达范围", "Reach"),
    "sites": ("所选站点：数字是名次", "Chosen sites, ranked by number"),
    "newly_covered": ("新增覆盖", "Newly covered"),
    "uncovered": ("仍未覆盖", "Still uncovered"),
    "route": ("去所选驿站的路线", "The way to the chosen station"),
    "districts": ("区县界线", "District lines"),
    "places": ("地名", "Place names"),
    "cluster": ("数字：此处的驿站数", "Number: stations here"),
    "rider": ("您的位置；圈是误差范围", "You; the circle shows how exactly"),
    "ranked": ("数字：列表中的名次", "Number: place in your list"),
    "search": ("按名称或地址查找驿站", "Find a station by name or address"),
    "found": ("找到 {n} 个驿站", "{n} stations found"),
    "none_found": ("没有找到驿站", "No station found"),
    "zoom_in": ("放大", "Zoom in"),
    "zoom_out": ("缩小", "Zoom out"),
    "close": ("关闭", "Close"),
    "details": ("查看详情", "Details"),
    "here": ("{n} 个驿站，放大查看", "{n} stations, zoom in"),
    "counted": ("{n} 个驿站", "{n} stations"),
    "look_here": ("只看这一片", "This part alone"),
    "empty": ("还没有可显示的数据", "There is nothing to show yet"),
    "no_tiles": ("底图暂时无法连接，已改用本地地名", "Base map out of reach; place names shown"),
    "script": ("此地图需要 JavaScript。", "This map needs JavaScript."),
    "unnamed": ("未命名", "Unnamed"),
    "unknown": ("未知", "Unknown"),
    "kind_unknown": ("类型未知", "Kind unknown"),
    "gap": ("覆盖缺口", "Gap in coverage"),
    "gap_ranked": ("缺口 {n}", "Gap {n}"),
    "area_ranked": ("缺口片区 {n}", "Gap area {n}"),
    "illustrative": (
        "示例数据：位置与数值仅作演示，并非实地调查。",
        "Illustrative data: positions and figures are made up, not surveyed.",
    ),
    "approval": ("审图号：", "Map approval no.: "),
    "no_approval": ("未填审图号，仅供内部使用", "No map approval number: internal use only"),
}

# The terms of a popup; the key is also the class of its line.
FACTS: dict[str, tuple[str, str]] = {
    "notice": ("通知", "Notice"),
    "status": ("状态", "Status"),
    "opening_hours": ("开放时间", "Opening hours"),
    "services": ("服务", "Services"),
    "platforms": ("仅限平台", "Only for"),
    "access": ("准入", "Access"),
    "address": ("地址", "Address"),
    "entrance_note": ("入口", "Entrance"),
    "phone": ("电话", "Phone"),
    "last_verified": ("核实", "Checked"),
    "provenance": ("数据性质", "Data"),
    "source": ("来源", "Source"),
    "demand_per_h": ("需求", "Demand"),
    "covered_share": ("已覆盖", "Covered"),
    "unserved_demand_per_h": ("未覆盖需求", "Unserved"),
    "nearest_station_name": ("最近驿站", "Nearest"),
    "area_m2": ("面积", "Area"),
    "district_name": ("区县", "District"),
    "gain": ("新增覆盖", "Adds"),
}

NOT_VERIFIED = ("未核实", "Not checked")
NOT_COMPUTED = ("未计算", "Not computed")
# When a notice holds.
SPANS: dict[str, tuple[str, str]] = {
    "during": ("{begins} 至 {ends}", "{begins} to {ends}"),
    "since": ("{begins} 起", "From {begins}"),
    "until": ("至 {ends}", "Until {ends}"),
}

PER_HOUR = ("{n} / 小时", "{n} per hour")
NO_SERVICES = ("无", "None")


def say(pair: tuple[str, str], language: Language) -> str:
    """Return a pair's word in a language."""
    return pair[0] if language == "zh" else pair[1]
