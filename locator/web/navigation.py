"""Handing a station over to the rider's map app, each with its own datum and mode."""

from dataclasses import dataclass
from urllib.parse import quote

from locator.datum import from_wgs84
from locator.schema import Datum

__all__ = ["NavigationLink", "navigation_links"]

_SOURCE = "rider-locator"


@dataclass(frozen=True)
class NavigationLink:
    """A map app's name and the web address that starts the way there."""

    name: str
    url: str


def navigation_links(name: str, lon: float, lat: float) -> list[NavigationLink]:
    """Return the links to a place in WGS-84; the start is left to the app.

    Amap takes GCJ-02 and rides; Baidu shows the place, told that it gets GCJ-02, because its
    directions want a start; Tencent takes GPS (``coord_type=1``) and walks, having no ride on
    the web; Apple's map of China is GCJ-02, and walks.
    """
    x, y = (float(value) for value in from_wgs84(lon, lat, Datum.GCJ02))
    label = quote(name, safe="")
    amap = f"https://uri.amap.com/navigation?to={x:.6f},{y:.6f},{label}&mode=ride"
    baidu = (
        f"https://api.map.baidu.com/marker?location={y:.6f},{x:.6f}&title={label}&content={label}"
        "&coord_type=gcj02&output=html"
    )
    tencent = f"https://apis.map.qq.com/uri/v1/routeplan?type=walk&to={label}"
    return [
        NavigationLink("高德地图", f"{amap}&src={_SOURCE}&callnative=1"),
        NavigationLink("百度地图", f"{baidu}&src=webapp.{_SOURCE}.{_SOURCE}"),
        NavigationLink(
            "腾讯地图", f"{tencent}&tocoord={lat:.6f},{lon:.6f}&coord_type=1&referer={_SOURCE}"
        ),
        NavigationLink("苹果地图", f"https://maps.apple.com/?daddr={y:.6f},{x:.6f}&dirflg=w"),
    ]
