"""The words of a siting study's columns and codes, Chinese and English."""

from locator.reporting.columns import Column, Pair

__all__ = ["MODELS", "SITE_CODES", "SITE_COLUMNS", "SITE_TABLES", "UNITS"]

# "{per_h}" is what demand counts, "{cost}" what a cost is counted in, in brackets.
SITE_COLUMNS: dict[str, Column] = {
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
SITE_CODES: dict[str, dict[str, Pair]] = {
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
SITE_TABLES: dict[str, Pair] = {
    "sites": ("所选站点", "Sites"),
    "areas": ("区县与热区", "Areas"),
    "comparison": ("时刻对比", "Moments"),
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
