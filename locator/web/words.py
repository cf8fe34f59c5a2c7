"""What pages and the script on the phone say, from one set of messages.

Messages stand here in Chinese; ``templates/translations`` holds them in English.
"""

from datetime import date

from locator.schema import Amenity, Kind, Platform
from locator.theme import KIND_LOOKS
from locator.web.language import gettext as _
from locator.web.language import language, ngettext
from locator.web.navigation import navigation_templates

Words = dict[str, object]


def platform_label(code: str) -> str:
    """Return the name of a platform; those not known by name are shown as they are written."""
    try:
        return Platform.parse(code).label(language())
    except ValueError:
        return code


def age_words(checked: str | None, today: date) -> str:
    """Say when a station was last checked."""
    if not checked:
        return _("未经核实")
    try:
        days = (today - date.fromisoformat(checked)).days
    except ValueError:
        return _("核实于 %(day)s", day=checked)
    if days <= 0:
        return _("今天核实")
    if days > 90:
        return _("核实于 %(day)s", day=checked)
    return ngettext("核实于 %(num)d 天前", "核实于 %(num)d 天前", days)


def script_words() -> Words:
    """Return the messages and labels that the script on the phone uses.

    Holes are ``{name}``; the script fills them.
    """
    shown = language()
    return {
        "language": shown,
        "kinds": {k.value: [k.label(shown), KIND_LOOKS[k].glyph] for k in Kind},
        "services": {s.value: s.label(shown) for s in Amenity},
        "platforms": {p.value: p.label(shown) for p in Platform},
        "navigation": navigation_templates(),
        "weekdays": [_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")],
        **_state_words(),
        **_position_words(),
        **_list_words(),
    }


def way_words() -> Words:
    """Return what the rider's page says of the way to a station, where the roads are known."""
    main, side = _("大路"), _("支路")
    small, path, walk = _("街巷"), _("小路"), _("人行道")
    return {
        "asking_roads": _("正在按道路计算…"),
        "by_roads": _("下面是按道路算的时间。"),
        "no_roads": _("现在算不了道路时间；下面仍是估算。"),
        "way_to": _("去{name}"),
        "way_close": _("收起路线"),
        "way_offline": _("现在连不上网，或者网太慢，算不了路线。"),
        "way_ask": _("算路线要把出发位置（约 100 米精度）发给网站；算完就丢，不记录。"),
        "way_send": _("发送位置，看路线"),
        "way_asking": _("正在把出发位置（约 100 米精度）发给网站，算路线…"),
        "way_roads": _("按道路：{minutes} 分钟 · {km}"),
        "way_none": _("按道路到不了：没有路从这里通到那里，或者离路太远。"),
        "way_trouble": _("服务器出错，算不了路线。请稍后再试。"),
        "way_retry": _("再试一次"),
        "way_more": _("还有 {count} 段"),
        "way_streets": _("依次经过"),
        "road_other": _("无名路"),
        "road_classes": {
            "trunk": main, "primary": main, "secondary": main,
            "tertiary": side, "unclassified": side,
            "residential": small, "living_street": small, "service": _("内部道路"),
            "track": path, "path": path, "cycleway": _("自行车道"),
            "footway": walk, "pedestrian": walk, "steps": _("台阶"), "ferry": _("渡船"),
        },
    }  # fmt: skip


def copy_words() -> Words:
    """Return what a station's page says when its address is copied."""
    return {"copied": _("已复制"), "copy_failed": _("复制不了，请长按选择文字。")}


def _state_words() -> Words:
    return {
        "open": _("开放"),
        "open_end": _("开放 · 关门时间未知"),
        "open_at_least": _("开放 · 至少到 {time}"),
        "open_left": _("开放 · {time} 关门（到时还剩 {minutes} 分）"),
        "open_until": _("开放 · {time} 关门"),
        "closed": _("已关门"),
        "closed_until": _("已关门 · {time} 开门"),
        "unknown": _("开放时间未知"),
        "today": _("今天"),
        "tomorrow": _("明天"),
        "next_week": _("下{day}"),
        "checked_today": _("今天核实"),
        "checked_days": _("核实于 {days} 天前"),
        "checked_on": _("核实于 {day}"),
        "not_checked": _("未经核实"),
        "only_platform": _("仅限{platforms}骑手"),
        "notice": _("通知：{text}"),
    }


def _position_words() -> Words:
    return {
        "locating": _("正在定位…"),
        "denied": _("没有位置权限。可以在浏览器设置里允许，或者在下面输入地点。"),
        "unavailable": _("手机现在定不了位。请到开阔处再试，或者在下面输入地点。"),
        "timeout": _("定位用时太久。请再试一次，或者在下面输入地点。"),
        "insecure": _("这个页面读不到位置（需要 https）。请在下面输入地点。"),
        "here": _("离您最近"),
        "near": _("离{place}最近"),
        "last": _("上次的位置，{age}"),
        "last_also": _("下面先用上次的位置。"),
        "accuracy": _("定位精度约 {metres} 米"),
        "coarse": _("定位很粗（约 {km} 公里），顺序可能不对。请打开精确定位，或者输入地点。"),
        "far": _(
            "最近的驿站在 {km} 公里以外：这个位置可能不在本市，或者定位有误。请输入地点再找。"
        ),
        "minutes_ago": _("{minutes} 分钟前"),
        "hours_ago": _("{hours} 小时前"),
        "days_ago": _("{days} 天前"),
        "just_now": _("刚才"),
    }


def _list_words() -> Words:
    return {
        "relaxed": _(
            "附近没有到达后确定还能开 {minutes} 分钟的驿站。下面是没有确定关门的，请先看时间。"
        ),
        "none": _("没有符合条件的驿站。减少条件，或者取消“到时开着”。"),
        "left_out": _("另有 {count} 个驿站没有登记服务，没有列出。"),
        "services_unknown": _("服务未知"),
        "added": _("顺路 +{minutes} 分钟"),
        "on_the_way": _("顺路去{place}"),
        "no_place": _("没有找到“{text}”。换一个地名，或者从下面的列表里选。"),
        "station": _("驿站"),
        "place": _("地点"),
        "data_of": _("数据更新于 {age}"),
        "data_old": _("现在连不上网：这是 {age} 的数据。"),
        "hours_ended": _("手机里的开放时间已经过期，联网后会更新；现在都按“未知”显示。"),
        "no_data": _("读不到驿站数据。请联网后再试，或者看下面的列表。"),
        "map_show": _("地图"),
        "map_hide": _("收起地图"),
        "tap_map": _("在地图上点一下要去的地方"),
        "tapped": _("地图上的点"),
    }


def planner_words() -> Words:
    """Return the messages and labels that the planner's page uses; holes are ``{name}``."""
    shown = language()
    return {
        "language": shown,
        "weekdays": [_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")],
        "kind_names": [[k.value, k.label(shown)] for k in Kind],
        "service_names": [[s.value, s.label(shown)] for s in Amenity],
        **_figure_words(),
        **_change_words(),
        **_site_words(),
        **_site_progress_words(),
    }


def _figure_words() -> Words:
    return {
        "whole_week": _("全周"),
        "minutes": _("{n} 分钟"),
        "within": _("{n} 分钟内"),
        "against": _("现状 {now}，变化 {points} 个百分点"),
        "cell": _("{when}：覆盖 {share}%，每小时 {unserved} 单够不到"),
        "cell_none": _("{when}：没有需求"),
        "strip_share": _(
            "数字是覆盖的百分比，颜色越深缺口越大。点一格看那个小时；再点一次看全周。"
        ),
        "strip_change": _("数字是覆盖变化的百分点：+ 是多了，− 是少了。"),
        "figure_covered": _("覆盖的需求（确定开着）"),
        "figure_possible": _("时间未知的也算开着"),
        "figure_offered": _("服务未登记的也算提供（几个）"),
        "figure_always": _("如果驿站都全天开放"),
        "figure_lost": _("因开放时间失去"),
        "figure_demand": _("需求（单/小时）"),
        "figure_unserved": _("够不到的（单/小时）"),
        "figure_stations": _("驿站：计入 / 其间开着"),
        "figure_median": _("到最近驿站：一半在"),
        "figure_mean": _("到最近驿站：平均"),
        "figure_p90": _("到最近驿站：九成在"),
        "legend_gap": _("够不到的需求：{m} 米方格，越深越多"),
        "legend_gap_both": _("仍然够不到"),
        "legend_gain": _("新覆盖"),
        "legend_loss": _("失去覆盖（有边框）"),
        "legend_station_open": _("驿站：其间开着"),
        "legend_station_closed": _("空心：关门，或者时间、服务未知"),
        "basis": _(
            "{monday} 起一周的开放时间；热区按 {m} 米方格取样，"
            "与 locator gaps --hourly 的数字相同；地图画的是方格，缺口的准确边界在报告里。"
        ),
        "busy": _("同时在算的人太多，稍后自动再试。"),
        "no_answer": _("连不上服务器，稍后自动再试。"),
        "refused": _("没有算：{reason}"),
        "renewed": _("驿站数据已经更新：请刷新页面，假设会保留。"),
    }


def _change_words() -> Words:
    return {
        "place": _("在地图上放驿站"),
        "placing": _("点一下地图（Esc 取消）"),
        "full": _("网页最多放 50 个驿站；更多请写情景文件。"),
        "new_name": _("假设驿站 {n}"),
        "added": _("新增"),
        "moved": _("移动"),
        "closed_then": _("关闭"),
        "opened_then": _("重新开放"),
        "remove": _("去掉"),
        "name": _("名称"),
        "kind": _("类型"),
        "hours": _("开放时间"),
        "own_hours": _("自己写（OSM 格式）"),
        "always": _("24 小时"),
        "daily": _("每天 "),
        "services": _("服务"),
        "lon": _("经度"),
        "lat": _("纬度"),
        "act_close": _("假设关闭"),
        "act_open": _("假设开放"),
        "act_move": _("假设移动"),
        "act_hours": _("假设改时间"),
        "copy_link": _("复制链接"),
        "copied": _("已复制"),
        "copy_failed": _("复制不了，请复制地址栏。"),
    }


def _site_words() -> Words:
    return {
        "price_unit": _("万元/年"),
        "unit_hour": _("单/小时"),
        "unit_week": _("单/周"),
        "sites_headline": _("{n} 处：覆盖从 {now} 到 {then}，多 {more} {unit}"),
        "sites_no_more": _("再多的地点也添不了覆盖。"),
        "sites_none": _("没有地点能添覆盖。"),
        "sites_best_then": _("已取消；当时最好的："),
        "sites_proven": _(
            "已证明最好：覆盖 {best} {unit}，"
            "按这些规则没有别的选法更多（上限 {bound}，差距 {gap}）。"
        ),
        "sites_not_proven": _(
            "没有证明最好：覆盖 {best} {unit}，上限 {bound}；能添的覆盖里最多还差 {gap}。"
        ),
        "sites_why": _("为什么在这里"),
        "sites_basis": _("按{what}算。"),
        "at_moment": _("{when} 整点那一刻（{day}）"),
        "week_from": _("{day} 起一周"),
        "sites_in_view": _("只在当时地图上看到的部分"),
        "sites_with_scenario": _("连同当时的假设"),
        "sites_older": _("那以后登记的数据改过，可以再算一次。"),
        "sites_near": _("离 {place} {km} 公里"),
        "sites_cost": _("{cost} {unit}"),
        "sites_kept": _("输入变动时 {share}% 仍选它"),
        "option_new_post": _("新驿站"),
        "option_extend_hours": _("延长开放"),
        "option_add_service": _("添服务"),
        "option_add_service_and_hours": _("添服务并延长开放"),
        "option_add_cabinet": _("添换电柜"),
    }


def _site_progress_words() -> Words:
    return {
        "sites_asking": _("正在问服务器…"),
        "sites_soon": _("马上开始…"),
        "sites_ahead": _("排队中，前面还有 {n} 个。"),
        "sites_so_far": _("目前最好 {best}，上限 {bound}，差距 {gap}"),
        "sites_cancelling": _("正在取消…"),
        "sites_cancelled": _("已取消，还没有结果。"),
        "sites_restarted": _("服务器中途停了，没有算完；可以再算一次。"),
        "sites_gone": _("这次计算已经不在了：结果只保留 72 小时。"),
        "phase_setup": _("准备需求和候选地点"),
        "phase_search": _("寻找最好的地点"),
        "phase_varied_runs": _("变动输入，看选择稳不稳"),
        "phase_done": _("写下结果"),
    }
