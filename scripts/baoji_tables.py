"""The tables ``build_geodata.py`` reads: what is illustrative in geodata/, and the holidays.

Nobody surveyed the stations, the hot zones or the demand below. They are made up to look like
Baoji, so that maps, gap studies and siting runs have something to work on until the real
register is imported. Only the counts are fact (China Quality News, 2022): 110 rest posts,
5 business-district stations, 2 member stations, 3 battery-swap cabinets.

Columns stand between bars; blank lines and the spaces around a cell do not count. To change
the data, change a row and run the script again: a row's position is drawn from its own seed,
so the others stay where they are.
"""

from locator.schema import Host, ZoneKind

# --- Names ----------------------------------------------------------------------------------

DISTRICT_NAMES_EN = {
    "610302": "Weibin District",
    "610303": "Jintai District",
    "610304": "Chencang District",
    "610305": "Fengxiang District",
    "610323": "Qishan County",
    "610324": "Fufeng County",
    "610326": "Mei County",
    "610327": "Long County",
    "610328": "Qianyang County",
    "610329": "Linyou County",
    "610330": "Feng County",
    "610331": "Taibai County",
}

# Seats of districts and counties, and two misspelt names: GeoNames number, name, kind.
PLACE_NAMES = """
10942359 | 宝鸡市     | city
1809263  | 虢镇街道   | county_seat
7353795  | 凤翔城关镇 | county_seat
1811276  | 凤鸣镇     | county_seat
1811044  | 扶风城关街道 | county_seat
7352544  | 首善街道   | county_seat
1802300  | 陇县城关镇 | county_seat
7428592  | 千阳城关镇 | county_seat
1805229  | 九成宫镇   | county_seat
1794593  | 双石铺镇   | county_seat
1783625  | 咀头镇     | county_seat
7369679  | 磻溪镇     | town
"""

# --- Stations (illustrative) ------------------------------------------------------------------

# Where people and shops are: a middle (WGS-84) and the radius within which posts are scattered.
# The built-up strips keep clear of the Wei and of the slopes on both sides of the valley.
AREAS = """
area | district | subdistrict | lon | lat | radius_m
经二路     | 610302 | 经二路街道   | 107.1450 | 34.3700 | 380
新建路     | 610302 | 经二路街道   | 107.1340 | 34.3705 | 320
金陵       | 610302 | 金陵街道     | 107.1520 | 34.3700 | 250
桥南       | 610302 | 桥南街道     | 107.1440 | 34.3555 | 340
公园路     | 610302 | 桥南街道     | 107.1500 | 34.3535 | 300
石坝河     | 610302 | 石鼓镇       | 107.1640 | 34.3480 | 180
清姜       | 610302 | 清姜街道     | 107.1310 | 34.3450 | 350
姜城堡     | 610302 | 神农镇       | 107.1230 | 34.3540 | 280
姜谭路     | 610302 | 姜谭街道     | 107.1060 | 34.3590 | 340
桑园铺     | 610302 | 姜谭街道     | 107.0950 | 34.3610 | 280
高家       | 610302 | 高家镇       | 107.0690 | 34.3605 | 180
高新西     | 610302 | 石鼓镇       | 107.1960 | 34.3480 | 300
高新广场   | 610302 | 马营镇       | 107.2120 | 34.3475 | 340
宝鸡南站   | 610302 | 马营镇       | 107.2275 | 34.3385 | 220
马营       | 610302 | 马营镇       | 107.2290 | 34.3475 | 360
高新东     | 610302 | 马营镇       | 107.2480 | 34.3455 | 340
八鱼       | 610302 | 八鱼镇       | 107.2750 | 34.3400 | 280
中山东路   | 610303 | 中山东路街道 | 107.1470 | 34.3787 | 280
引渭路     | 610303 | 中山东路街道 | 107.1560 | 34.3782 | 220
中山西路   | 610303 | 中山西路街道 | 107.1350 | 34.3800 | 240
西关       | 610303 | 西关街道     | 107.1190 | 34.3795 | 250
福临堡     | 610303 | 西关街道     | 107.0960 | 34.3797 | 200
群众路     | 610303 | 群众路街道   | 107.1590 | 34.3835 | 280
北首岭     | 610303 | 群众路街道   | 107.1540 | 34.3895 | 180
东岭       | 610303 | 陈仓镇       | 107.1680 | 34.3730 | 250
东风路     | 610303 | 东风路街道   | 107.1780 | 34.3690 | 340
十里铺     | 610303 | 十里铺街道   | 107.1920 | 34.3680 | 340
宏文路     | 610303 | 十里铺街道   | 107.2050 | 34.3665 | 280
行政中心   | 610303 | 卧龙寺街道   | 107.2320 | 34.3652 | 360
卧龙寺     | 610303 | 卧龙寺街道   | 107.2530 | 34.3640 | 300
代家湾     | 610303 | 卧龙寺街道   | 107.2690 | 34.3628 | 220
蟠龙       | 610303 | 蟠龙镇       | 107.1985 | 34.4180 | 200
金河       | 610303 | 金河镇       | 107.1310 | 34.4412 | 120
虢镇       | 610304 | 虢镇街道     | 107.3620 | 34.3605 | 340
虢镇西     | 610304 | 虢镇街道     | 107.3500 | 34.3605 | 260
东关       | 610304 | 东关街道     | 107.3830 | 34.3580 | 300
千渭       | 610304 | 千渭街道     | 107.3260 | 34.3625 | 280
千河       | 610304 | 千河镇       | 107.3030 | 34.3925 | 160
阳平       | 610304 | 阳平镇       | 107.4895 | 34.3382 | 160
磻溪       | 610304 | 磻溪镇       | 107.4035 | 34.3225 | 140
县功       | 610304 | 县功镇       | 107.0680 | 34.5267 | 120
凤翔城关   | 610305 | 城关镇       | 107.3950 | 34.5220 | 400
柳林       | 610305 | 柳林镇       | 107.3095 | 34.5493 | 160
凤鸣       | 610323 | 凤鸣镇       | 107.6190 | 34.4435 | 300
蔡家坡     | 610323 | 蔡家坡镇     | 107.5970 | 34.3275 | 340
扶风城关   | 610324 | 城关街道     | 107.8860 | 34.3735 | 260
法门       | 610324 | 法门镇       | 107.8985 | 34.4372 | 160
首善       | 610326 | 首善街道     | 107.7475 | 34.2750 | 280
陇县城关   | 610327 | 城关镇       | 106.8525 | 34.8935 | 300
千阳城关   | 610328 | 城关镇       | 107.1295 | 34.6430 | 240
九成宫     | 610329 | 九成宫镇     | 107.7905 | 34.6785 | 180
双石铺     | 610330 | 双石铺镇     | 106.5225 | 33.9150 | 160
咀头       | 610331 | 咀头镇       | 107.3125 | 34.0608 | 160
"""

# Opening hours by the words used in the tables, in OpenStreetMap's syntax. "?" is unknown.
HOURS = {
    "?": "",
    "office": "Mo-Fr 08:30-17:30; PH off",
    "office-lunch": "Mo-Fr 08:30-12:00,14:00-18:00; PH off",
    "office-sat": "Mo-Sa 09:00-18:00; PH off",
    "office-season": (
        "May-Sep: Mo-Fr 08:30-12:00,14:30-18:30; Oct-Apr: Mo-Fr 08:30-12:00,14:00-18:00; PH off"
    ),
    "duty": "Mo-Fr 08:00-20:00; Sa,Su,PH 09:00-17:00",
    "daily-lunch": "Mo-Su 08:30-12:00,13:30-18:00",
    "day": "Mo-Su 09:00-18:00",
    "long": "Mo-Su 07:00-22:00",
    "shop": "Mo-Su 08:30-21:30",
    "shop-weekend": "Mo-Th 09:00-21:00; Fr-Su 09:00-22:30",
    "breakfast": "Mo-Su 06:00-14:00",
    "meals": "Mo-Su 10:00-14:30,16:30-21:30",
    "late": "Mo-Su 10:00-02:00",
    "night": "Mo-Su 18:00-03:00",
    "always": "24/7",
}

# What a place of a sort offers; a row may add to it: "basic+tools".
SERVICES = {
    "basic": "drinking_water phone_charging seats",
    "centre": "drinking_water hot_water seats phone_charging toilet cooling heating wifi first_aid"
    " reading",
    "room": "drinking_water hot_water seats phone_charging toilet microwave cooling heating",
    "full": "drinking_water hot_water seats phone_charging toilet microwave cooling heating wifi"
    " first_aid rain_gear",
    "eatery": "drinking_water hot_water seats phone_charging microwave cooling",
    "pharmacy": "drinking_water seats phone_charging first_aid cooling",
    "store": "drinking_water hot_water phone_charging microwave rain_gear",
    "garage": "drinking_water seats tools vehicle_charging",
    "hub": "drinking_water hot_water seats phone_charging toilet microwave cooling heating wifi"
    " first_aid rain_gear tools reading",
    "swap": "battery_swap",
}

# The 110 rest posts by host. Their split by host is illustrative too.
REST_POSTS = {
    Host.COMMUNITY_CENTRE: """
area | name | street | hours | services | capacity
经二路   | 经二路社区党群服务中心驿站 | 经二路   | office-lunch  | centre | 12
经二路   | 经一路社区党群服务中心驿站 | 经一路   | office        | centre | 8
新建路   | 新建路社区党群服务中心驿站 | 新建路   | duty          | centre+microwave | 10
金陵     | 金渭路社区党群服务中心驿站 | 金渭路   | office-lunch  | centre | 10
金陵     | 新开路社区党群服务中心驿站 | 新开路   | ?             | room   | ?
桥南     | 火炬路社区党群服务中心驿站 | 火炬路   | office-season | centre | 10
公园路   | 公园路社区党群服务中心驿站 | 公园路   | duty          | centre+rain_gear | 16
石坝河   | 石坝河社区党群服务中心驿站 | 石坝河街 | office        | room   | 6
清姜     | 清姜路社区党群服务中心驿站 | 清姜路   | office-lunch  | centre | 12
姜城堡   | 姜城堡社区党群服务中心驿站 | 姜城堡街 | daily-lunch   | room   | 8
姜谭路   | 姜谭路社区党群服务中心驿站 | 姜谭路   | office-lunch  | centre | 12
桑园铺   | 桑园铺社区党群服务中心驿站 | 姜谭路   | ?             | basic+toilet | ?
高新西   | 渭水苑社区党群服务中心驿站 | 高新大道 | duty          | centre | 14
马营     | 和谐路社区党群服务中心驿站 | 和谐路   | office-sat    | centre+microwave | 12
高新东   | 天玺路社区党群服务中心驿站 | 天玺路   | office-season | centre | 10
中山东路 | 人民街社区党群服务中心驿站 | 中山东路 | office-lunch  | centre | 10
引渭路   | 引渭路社区党群服务中心驿站 | 引渭路   | office        | room   | 8
中山西路 | 东门口社区党群服务中心驿站 | 中山西路 | daily-lunch   | centre | 8
西关     | 西关社区党群服务中心驿站   | 新福路   | office-lunch  | centre | 10
福临堡   | 福临堡社区党群服务中心驿站 | 宝福路   | ?             | room   | 6
群众路   | 宝平路社区党群服务中心驿站 | 宝平路   | duty          | centre | 12
北首岭   | 北首岭社区党群服务中心驿站 | 群众路   | office        | basic+toilet+reading | 6
东岭     | 工农社区党群服务中心驿站   | 金陵东路 | office-season | centre | 10
东风路   | 陈仓园社区党群服务中心驿站 | 东风路   | duty          | centre+microwave | 16
十里铺   | 大庆路社区党群服务中心驿站 | 大庆路   | office-lunch  | centre | 12
宏文路   | 纺织家园社区党群服务中心驿站 | 宏文路 | office-sat    | room   | 10
行政中心 | 行政西路社区党群服务中心驿站 | 行政西路 | duty        | centre+rain_gear | 14
蟠龙     | 蟠龙新区党群服务中心驿站   | 蟠龙大道 | office        | centre | 12
虢镇     | 虢镇中街社区党群服务中心驿站 | 中大街 | office-lunch  | centre | 12
虢镇西   | 陈仓中路社区党群服务中心驿站 | 陈仓大道 | duty        | centre | 10
东关     | 科技园社区党群服务中心驿站 | 科技大道 | office-season | room   | 8
千渭     | 千渭星城社区党群服务中心驿站 | 千渭大道 | office      | centre | 12
阳平     | 阳平街道社区党群服务中心驿站 | 阳平街 | ?             | basic+toilet | ?
凤翔城关 | 凤翔东湖社区党群服务中心驿站 | 东湖路 | office-lunch  | centre | 12
凤翔城关 | 凤翔南大街社区党群服务中心驿站 | 南大街 | duty        | room   | 10
凤鸣     | 岐山凤鸣东路社区党群服务中心驿站 | 凤鸣东路 | office-season | centre | 10
蔡家坡   | 蔡家坡东街社区党群服务中心驿站 | 东大街 | office-lunch | centre | 12
扶风城关 | 扶风飞凤社区党群服务中心驿站 | 新区大道 | office     | centre | 8
法门     | 法门镇党群服务中心驿站     | 法门街   | daily-lunch   | room   | 6
首善     | 眉县滨河社区党群服务中心驿站 | 滨河路 | office-lunch  | centre | 10
陇县城关 | 陇县北城社区党群服务中心驿站 | 北大街 | office-season | centre | 8
千阳城关 | 千阳东城社区党群服务中心驿站 | 宝平路 | office        | room   | 6
九成宫   | 麟游九成宫社区党群服务中心驿站 | 西大街 | office-lunch | centre | 8
双石铺   | 凤县新建路社区党群服务中心驿站 | 新建路 | office-lunch | centre | 8
""",
    Host.CITY_STATION: """
area | name | street | hours | services | capacity
经二路   | 经二路城市驿站   | 经二路   | always       | full | 20
新建路   | 滨河北路城市驿站 | 滨河北路 | long         | room | 10
金陵     | 金陵河畔城市驿站 | 金陵西路 | day          | full | 12
公园路   | 人民公园城市驿站 | 公园路   | always       | full+vehicle_charging | 18
清姜     | 清姜路城市驿站   | 清姜路   | long         | full | 12
姜谭路   | 姜谭路城市驿站   | 姜谭路   | daily-lunch  | room | 10
高家     | 高家镇城市驿站   | 宝坪路   | day          | basic+toilet | 6
高新广场 | 高新广场城市驿站 | 高新大道 | always       | full+vehicle_charging | 24
宝鸡南站 | 宝鸡南站城市驿站 | 站前大道 | always       | full | 30
马营     | 高新大道城市驿站 | 高新大道 | long         | room | ?
中山东路 | 中山东路城市驿站 | 中山东路 | long         | full | 14
西关     | 西关城市驿站     | 宝福路   | day          | room | 8
群众路   | 金河尚居城市驿站 | 群众路   | long         | full | 12
东岭     | 金陵桥头城市驿站 | 金陵东路 | ?            | room | ?
东风路   | 东风路城市驿站   | 东风路   | always       | full | 16
十里铺   | 十里铺城市驿站   | 大庆路   | long         | room | 12
行政中心 | 行政中心城市驿站 | 行政大道 | always       | full+vehicle_charging+tools | 24
卧龙寺   | 卧龙寺城市驿站   | 行政大道 | day          | room | 10
金河     | 金河镇城市驿站   | 金河街   | daily-lunch  | basic | ?
虢镇     | 虢镇南关城市驿站 | 虢磻路   | long         | full | 14
东关     | 陈仓东关城市驿站 | 陈仓大道 | day          | room | 10
千渭     | 千渭会展城市驿站 | 千渭大道 | always       | full | 16
千河     | 千河镇城市驿站   | 千河街   | ?            | basic+toilet | ?
凤翔城关 | 凤翔东湖城市驿站 | 东湖路   | long         | full | 14
柳林     | 柳林镇城市驿站   | 柳林街   | daily-lunch  | basic+toilet | 6
凤鸣     | 岐山凤鸣城市驿站 | 凤鸣西路 | long         | room | 10
蔡家坡   | 蔡家坡站前城市驿站 | 站前路 | always       | full | 18
扶风城关 | 扶风新区城市驿站 | 新区大道 | day          | room | 8
首善     | 眉县美阳街城市驿站 | 美阳街 | long         | full | 12
咀头     | 太白县城市驿站   | 东大街   | day          | room | 8
""",
    Host.CARING_ENTERPRISE: """
area | name | street | hours | services | capacity
经二路   | 经二路爱心面馆     | 经二路   | meals        | eatery   | 8
经二路   | 红旗路爱心药店     | 红旗路   | shop         | pharmacy | 4
金陵     | 金渭路爱心夜宵店   | 金渭路   | night        | eatery   | 10
桥南     | 石鼓路爱心便利店   | 石鼓路   | always       | store    | ?
八鱼     | 八鱼爱心洗车行     | 高新大道 | shop         | garage   | 4
清姜     | 清姜爱心擀面皮店   | 清姜路   | breakfast    | eatery   | 6
姜谭路   | 姜谭路爱心药店     | 姜谭路   | ?            | pharmacy | 4
高新广场 | 高新广场爱心奶茶店 | 高新大道 | late         | eatery+wifi | 6
马营     | 马营爱心快餐店     | 马营路   | meals        | eatery   | 10
高新东   | 高新东爱心电动车修理铺 | 高新大道 | day      | garage   | 3
高新东   | 天玺路爱心超市     | 天玺路   | long         | store+seats | 4
中山东路 | 中山东路爱心书店   | 中山东路 | shop-weekend | basic+reading+cooling | 8
引渭路   | 引渭路爱心牛肉泡馍馆 | 引渭路 | meals        | eatery   | 10
中山西路 | 中山西路爱心药店   | 中山西路 | shop         | pharmacy | ?
群众路   | 群众路爱心早餐店   | 群众路   | breakfast    | eatery   | 6
东岭     | 东岭爱心烧烤店     | 金陵东路 | night        | eatery   | 12
东风路   | 东风路爱心便利店   | 东风路   | always       | store    | 4
十里铺   | 斗鸡爱心面馆       | 斗中路   | meals        | eatery   | 8
宏文路   | 宏文路爱心修车铺   | 宏文路   | day          | garage   | 3
行政中心 | 行政大道爱心快餐店 | 行政大道 | late         | eatery   | 12
代家湾   | 代家湾爱心超市     | 西宝路   | shop         | store+seats | 4
虢镇     | 虢镇爱心臊子面馆   | 中大街   | breakfast    | eatery   | 8
虢镇西   | 陈仓大道爱心药店   | 陈仓大道 | shop         | pharmacy | 4
东关     | 东关爱心洗车行     | 陈仓大道 | ?            | garage   | ?
磻溪     | 磻溪爱心超市       | 磻溪街   | shop         | store    | 3
县功     | 县功爱心便利店     | 县功街   | shop         | store    | ?
凤翔城关 | 凤翔雍城路爱心豆花泡馍馆 | 雍城路 | breakfast | eatery   | 8
凤翔城关 | 凤翔东大街爱心便利店 | 东大街 | late         | store    | 4
蔡家坡   | 蔡家坡爱心快餐店   | 渭北路   | meals        | eatery   | 10
蔡家坡   | 蔡家坡爱心电动车行 | 东大街   | ?            | garage   | 3
扶风城关 | 扶风爱心药店       | 新区大道 | shop         | pharmacy | 4
首善     | 眉县爱心水果店     | 平阳街   | shop-weekend | basic    | 3
首善     | 眉县爱心面馆       | 美阳街   | meals        | eatery   | 8
陇县城关 | 陇县爱心羊肉泡馍馆 | 东大街   | ?            | eatery   | 8
陇县城关 | 陇县爱心药店       | 北大街   | shop         | pharmacy | 4
千阳城关 | 千阳爱心超市       | 宝平路   | shop         | store+seats | ?
""",
}

# The ten others, each with a place of its own. Every district station lies in a hot zone below.
OTHER_STATIONS = """
kind | name | district | subdistrict | street | lon | lat | hours | services | capacity
district_station | 经二路商圈外卖骑手党群服务站 | 610302 | 经二路街道 | 经二路 \
    | 107.1462 | 34.3694 | long | hub | 30
district_station | 高新广场商圈外卖骑手党群服务站 | 610302 | 马营镇 | 高新大道 \
    | 107.2108 | 34.3478 | long | hub+vehicle_charging | 36
district_station | 中山东路商圈外卖骑手党群服务站 | 610303 | 中山东路街道 | 中山东路 \
    | 107.1452 | 34.3794 | duty | hub | 24
district_station | 行政中心商圈外卖骑手党群服务站 | 610303 | 卧龙寺街道 | 行政大道 \
    | 107.2330 | 34.3650 | always | hub+vehicle_charging | 30
district_station | 虢镇商圈外卖骑手党群服务站 | 610304 | 虢镇街道 | 中大街 \
    | 107.3612 | 34.3606 | long | hub | 20
member_station | 金陵街道流动党员服务站 | 610302 | 金陵街道 | 新开路 \
    | 107.1509 | 34.3712 | office-sat | centre | 16
member_station | 卧龙寺街道流动党员服务站 | 610303 | 卧龙寺街道 | 行政东路 \
    | 107.2455 | 34.3648 | office-lunch | centre | 16
swap_cabinet | 经二路换电柜 | 610302 | 经二路街道 | 经二路 \
    | 107.1431 | 34.3706 | always | swap | 10
swap_cabinet | 高新大道换电柜 | 610302 | 马营镇 | 高新大道 \
    | 107.2139 | 34.3489 | always | swap | 12
swap_cabinet | 行政大道换电柜 | 610303 | 卧龙寺街道 | 行政大道 \
    | 107.2301 | 34.3661 | always | swap | 8
"""

# How to get in, by the station's name.
ENTRANCE_NOTES = {
    "经二路社区党群服务中心驿站": "一楼大厅右手边",
    "新建路社区党群服务中心驿站": "小区西门进，物业旁",
    "火炬路社区党群服务中心驿站": "二楼，楼梯在北侧",
    "公园路社区党群服务中心驿站": "临街门头，可停电动车",
    "和谐路社区党群服务中心驿站": "一楼便民服务厅内",
    "陈仓园社区党群服务中心驿站": "小区南门内五十米",
    "行政西路社区党群服务中心驿站": "一楼东侧，门口有坡道",
    "虢镇中街社区党群服务中心驿站": "从中大街巷口进",
    "人民公园城市驿站": "公园南门外，公厕旁",
    "高新广场城市驿站": "广场东北角，公交站后",
    "宝鸡南站城市驿站": "出站口东侧，站前停车场旁",
    "行政中心城市驿站": "广场西侧，绿道入口处",
    "蔡家坡站前城市驿站": "站前广场东侧",
    "八鱼爱心洗车行": "店内休息区，从侧门进",
    "东风路爱心便利店": "夜间按门铃",
    "经二路商圈外卖骑手党群服务站": "商场背街一侧，骑手专用通道",
    "高新广场商圈外卖骑手党群服务站": "负一层，电动车坡道进",
    "行政中心商圈外卖骑手党群服务站": "一楼临街，全天可进",
    "高新大道换电柜": "路边绿化带旁",
}

# Who is let in where a venue restricts it, by the station's name.
OUTDOOR_WORKERS = "仅限骑手、环卫工等户外劳动者"
ACCESS = {
    "经一路社区党群服务中心驿站": "请在前台登记",
    "大庆路社区党群服务中心驿站": "请在前台登记",
    "科技园社区党群服务中心驿站": "请在门卫处登记",
    "人民公园城市驿站": OUTDOOR_WORKERS,
    "中山东路城市驿站": OUTDOOR_WORKERS,
    "宝鸡南站城市驿站": OUTDOOR_WORKERS,
    "虢镇南关城市驿站": OUTDOOR_WORKERS,
    "高新广场爱心奶茶店": "穿工装或出示接单页面",
    "行政大道爱心快餐店": "穿工装或出示接单页面",
    "经二路商圈外卖骑手党群服务站": OUTDOOR_WORKERS,
    "虢镇商圈外卖骑手党群服务站": OUTDOOR_WORKERS,
    "经二路换电柜": "仅限美团骑手",
    "高新大道换电柜": "仅限美团骑手",
    "行政大道换电柜": "仅限美团骑手",
}

# --- Hot zones (illustrative) -----------------------------------------------------------------

# A zone is an uneven polygon around a middle (WGS-84): half its size, how much longer than wide,
# and the direction of its long side in degrees from east. Demand is in orders an hour.
HOT_ZONES = """
name | kind | lon | lat | radius_m | stretch | angle | demand_per_h
经二路商圈       | business_district | 107.1458 | 34.3692 | 330 | 1.5 | -4  | 138
金陵桥商圈       | business_district | 107.1570 | 34.3690 | 260 | 1.2 | 60  | 72
高新广场商圈     | business_district | 107.2112 | 34.3478 | 340 | 1.3 | 3   | 118
中山东路商圈     | business_district | 107.1450 | 34.3794 | 280 | 1.4 | -3  | 92
行政中心商圈     | business_district | 107.2328 | 34.3648 | 340 | 1.4 | -2  | 104
东风路商圈       | business_district | 107.1785 | 34.3692 | 310 | 1.4 | -6  | 66
虢镇商圈         | business_district | 107.3612 | 34.3606 | 330 | 1.2 | 8   | 84
凤翔东大街商圈   | business_district | 107.3965 | 34.5222 | 300 | 1.3 | 0   | 46
清姜居住区       | residential | 107.1312 | 34.3450 | 380 | 1.5 | 80  | 64
姜城堡居住区     | residential | 107.1230 | 34.3543 | 290 | 1.1 | 20  | 42
桑园铺居住区     | residential | 107.0985 | 34.3612 | 340 | 1.4 | -8  | 40
公园路居住区     | residential | 107.1502 | 34.3528 | 320 | 1.2 | -30 | 55
群众路居住区     | residential | 107.1592 | 34.3836 | 310 | 1.5 | 65  | 48
西关居住区       | residential | 107.1188 | 34.3795 | 280 | 1.7 | 2   | 36
十里铺居住区     | residential | 107.1932 | 34.3676 | 370 | 1.3 | -5  | 52
马营居住区       | residential | 107.2296 | 34.3478 | 370 | 1.3 | 0   | 60
卧龙寺居住区     | residential | 107.2540 | 34.3640 | 320 | 1.4 | -4  | 34
八鱼居住区       | residential | 107.2725 | 34.3405 | 290 | 1.2 | 10  | 22
千渭居住区       | residential | 107.3256 | 34.3625 | 340 | 1.2 | 15  | 33
蟠龙居住区       | residential | 107.1985 | 34.4172 | 360 | 1.2 | 30  | 26
高新大学园区     | campus      | 107.1930 | 34.3468 | 320 | 1.4 | 6   | 70
石鼓路校园       | campus      | 107.1425 | 34.3502 | 230 | 1.1 | 40  | 40
蟠龙职教园区     | campus      | 107.2150 | 34.4206 | 380 | 1.3 | 10  | 35
蔡家坡职教校园   | campus      | 107.6090 | 34.3335 | 240 | 1.2 | 0   | 24
姜谭路医院片区   | hospital    | 107.1076 | 34.3588 | 210 | 1.1 | 0   | 44
桥南医院片区     | hospital    | 107.1395 | 34.3570 | 190 | 1.2 | 15  | 30
行政大道医院片区 | hospital    | 107.2215 | 34.3668 | 230 | 1.2 | 0   | 30
虢镇医院片区     | hospital    | 107.3735 | 34.3588 | 210 | 1.1 | 0   | 22
高新东产业园     | industrial  | 107.2490 | 34.3445 | 370 | 1.5 | -3  | 40
姬家殿产业园     | industrial  | 107.2900 | 34.3412 | 390 | 1.4 | 5   | 16
底店产业园       | industrial  | 107.2868 | 34.3658 | 340 | 1.3 | -15 | 18
东关科技产业园   | industrial  | 107.3868 | 34.3568 | 390 | 1.4 | -8  | 28
科技新城产业园   | industrial  | 107.4620 | 34.3105 | 370 | 1.4 | -20 | 14
柳林产业园       | industrial  | 107.3260 | 34.5400 | 320 | 1.3 | -25 | 17
蔡家坡产业园     | industrial  | 107.6300 | 34.3225 | 370 | 1.5 | -6  | 30
常兴产业园       | industrial  | 107.8290 | 34.2755 | 300 | 1.3 | -10 | 12
宝鸡站片区       | transport   | 107.1482 | 34.3748 | 200 | 2.2 | -5  | 56
宝鸡南站片区     | transport   | 107.2278 | 34.3376 | 270 | 1.5 | 0   | 46
蔡家坡镇中心     | town_centre | 107.5965 | 34.3270 | 350 | 1.4 | -5  | 48
岐山凤鸣县城     | town_centre | 107.6190 | 34.4435 | 330 | 1.3 | 0   | 34
扶风县城         | town_centre | 107.8857 | 34.3735 | 310 | 1.3 | 35  | 28
眉县首善县城     | town_centre | 107.7475 | 34.2748 | 330 | 1.3 | 0   | 32
绛帐镇中心       | town_centre | 107.9215 | 34.2602 | 220 | 1.3 | 0   | 10
汤峪旅游镇       | town_centre | 107.8730 | 34.1500 | 240 | 1.5 | 80  | 15
陇县县城         | town_centre | 106.8525 | 34.8935 | 350 | 1.3 | -20 | 30
千阳县城         | town_centre | 107.1295 | 34.6430 | 270 | 1.3 | 10  | 20
麟游县城         | town_centre | 107.7905 | 34.6785 | 230 | 1.6 | 15  | 12
凤县双石铺县城   | town_centre | 106.5225 | 33.9150 | 230 | 1.6 | 50  | 14
太白咀头县城     | town_centre | 107.3125 | 34.0608 | 220 | 1.3 | 0   | 12
"""

# Heights of a day's curve: a floor while people are awake, and four meals.
DAY_CURVES: dict[ZoneKind, tuple[tuple[float, ...], tuple[float, ...]]] = {
    #                            weekday: floor, breakfast, lunch, dinner, night; then weekend
    ZoneKind.BUSINESS_DISTRICT: ((0.10, 0.22, 1.05, 0.80, 0.32), (0.12, 0.15, 1.00, 1.05, 0.45)),
    ZoneKind.RESIDENTIAL: ((0.08, 0.28, 0.65, 1.00, 0.35), (0.10, 0.25, 0.95, 1.15, 0.42)),
    ZoneKind.CAMPUS: ((0.08, 0.25, 0.90, 0.95, 0.80), (0.08, 0.15, 0.85, 0.95, 0.85)),
    ZoneKind.HOSPITAL: ((0.25, 0.40, 0.75, 0.65, 0.30), (0.25, 0.38, 0.72, 0.64, 0.30)),
    ZoneKind.INDUSTRIAL: ((0.05, 0.20, 1.10, 0.60, 0.25), (0.04, 0.08, 0.38, 0.28, 0.10)),
    ZoneKind.TRANSPORT: ((0.16, 0.35, 0.70, 0.72, 0.40), (0.16, 0.35, 0.76, 0.82, 0.42)),
    ZoneKind.TOWN_CENTRE: ((0.06, 0.25, 0.90, 0.85, 0.20), (0.07, 0.25, 1.00, 0.95, 0.26)),
}
MEALS_H = (7.8, 12.1, 18.3, 22.6)  # the clock at each peak
MEAL_WIDTHS_H = (0.8, 1.0, 1.2, 1.4)  # standard deviations
ASLEEP_H = (1, 6)
ASLEEP_FACTOR = 0.15

# --- Calendar -----------------------------------------------------------------------------------

# Days off and make-up workdays of 2026. 'like' is the day a row runs like: for a holiday one that
# opening-hours-py knows as PH (it knows only one of each holiday and none of Qingming; 1 May
# stands in), for a make-up workday the nearest ordinary one.
CALENDAR_SOURCE = "国务院办公厅关于2026年部分节假日安排的通知（2025年11月4日）"
HOLIDAYS = """
first | last | like | reason
2026-01-01 | 2026-01-03 | 2026-01-01 | 元旦放假
2026-02-15 | 2026-02-23 | 2026-02-17 | 春节放假
2026-04-04 | 2026-04-06 | 2026-05-01 | 清明节放假
2026-05-01 | 2026-05-05 | 2026-05-01 | 劳动节放假
2026-06-19 | 2026-06-21 | 2026-06-19 | 端午节放假
2026-09-25 | 2026-09-27 | 2026-09-25 | 中秋节放假
2026-10-01 | 2026-10-07 | 2026-10-01 | 国庆节放假
"""
MAKE_UP_WORKDAYS = """
date | like | reason
2026-01-04 | 2026-01-05 | 元旦调休上班
2026-02-14 | 2026-02-13 | 春节调休上班
2026-02-28 | 2026-02-27 | 春节调休上班
2026-05-09 | 2026-05-08 | 劳动节调休上班
2026-09-20 | 2026-09-21 | 国庆节调休上班
2026-10-10 | 2026-10-09 | 国庆节调休上班
"""


def read_table(text: str) -> list[dict[str, str]]:
    """Read a table of this file: bars between cells, the first line names the columns."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
