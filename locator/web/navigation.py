"""Handing a station over to the rider's map app, each with its own datum and mode."""

from dataclasses import dataclass
from urllib.parse import quote

from locator.datum import from_wgs84
from locator.schema import Datum
from locator.web.language import gettext as _

_SOURCE = "rider-locator"

# {x},{y} are GCJ-02, {lon},{lat} WGS-84, {name} is percent-encoded. The start is left to the app.
# Amap rides; Baidu shows the place, because its directions want a start; Tencent takes GPS
# (coord_type=1) and walks, having no ride on the web; Apple's map of China is GCJ-02, and walks.
_WEB = {
    "amap": f"https://uri.amap.com/navigation?to={{x}},{{y}},{{name}}&mode=ride&src={_SOURCE}&callnative=1",
    "baidu": "https://api.map.baidu.com/marker?location={y},{x}&title={name}&content={name}"
    f"&coord_type=gcj02&output=html&src=webapp.{_SOURCE}.{_SOURCE}",
    "tencent": "https://apis.map.qq.com/uri/v1/routeplan?type=walk&to={name}"
    f"&tocoord={{lat}},{{lon}}&coord_type=1&referer={_SOURCE}",
    "apple": "https://maps.apple.com/?daddr={y},{x}&dirflg=w",
}

# What opens an app directly; WeChat blocks these, so pages hide them there.
_APPS = {
    "amap_app": "amapuri://openFeature?featureName=OnRideNavi&rideType=elebike"
    f"&sourceApplication={_SOURCE}&lat={{y}}&lon={{x}}&dev=0",
    "baidu_app": "bdapp://map/direction?mode=riding&destination=latlng:{y},{x}|name:{name}"
    f"&coord_type=gcj02&src=webapp.{_SOURCE}.{_SOURCE}",
    "tencent_app": "qqmap://map/routeplan?type=bike&to={name}&tocoord={y},{x}"
    f"&referer={_SOURCE}",
    "geo": "geo:{lat},{lon}?q={lat},{lon}({name})",
}


@dataclass(frozen=True)
class NavigationLink:
    """A map app's code, its name and the address that starts the way there."""

    code: str
    name: str
    url: str


def _names() -> dict[str, str]:
    return {
        "amap": _("高德地图"),
        "baidu": _("百度地图"),
        "tencent": _("腾讯地图"),
        "apple": _("苹果地图"),
        "amap_app": _("高德 App（电动车）"),
        "baidu_app": _("百度 App（骑行）"),
        "tencent_app": _("腾讯 App（骑行）"),
        "geo": _("其他地图 App"),
    }


def navigation_templates() -> list[list[str]]:
    """Return code, name and address with holes of each web map, for the script on the phone."""
    names = _names()
    return [[code, names[code], url] for code, url in _WEB.items()]


def navigation_links(name: str, lon: float, lat: float) -> list[NavigationLink]:
    """Return the web maps' links to a place in WGS-84."""
    return _fill(_WEB, name, lon, lat)


def app_links(name: str, lon: float, lat: float) -> list[NavigationLink]:
    """Return the links that open an app; inside WeChat they do nothing."""
    return _fill(_APPS, name, lon, lat)


def _fill(table: dict[str, str], name: str, lon: float, lat: float) -> list[NavigationLink]:
    lon, lat = round(lon, 6), round(lat, 6)  # as the phone has them, so that the links are its own
    x, y = (float(value) for value in from_wgs84(lon, lat, Datum.GCJ02))
    holes = {
        "x": f"{x:.6f}",
        "y": f"{y:.6f}",
        "lon": f"{lon:.6f}",
        "lat": f"{lat:.6f}",
        "name": quote(name, safe=""),
    }
    names = _names()
    return [NavigationLink(code, names[code], url.format(**holes)) for code, url in table.items()]
