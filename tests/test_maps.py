"""Maps: what is in the page, what is not, and what a browser makes of it."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, Route
from shapely.geometry import Point, Polygon, box, shape

from locator.errors import InputError
from locator.maps import (
    MAX_STATIONS,
    MapLayers,
    MapOptions,
    MapParts,
    asset_files,
    build_map,
    render_file,
    render_parts,
    tile_origins,
)
from locator.maps.payload import build_payload, dump_json, view_box
from locator.schema import CRS, LAYERS, ChoiceSet, Kind, OpenSet, Text
from tests.browser_support import watch_page

NONCE = "bm9uY2U="
OPTIONS = MapOptions(title="宝鸡骑手驿站", caption="2026-11-23 · 直线模型", basemap="none")
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
    "`+alert(1)+`",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "{{ 7 * 7 }}{% endraw %}{# #}",
    "\u2028alert(1)\u2029",
    "'\"></style><b>&amp;",
)
HOSTILE = " ".join(PAYLOADS)
# The browser folds the two separators and other white space into a space.
HOSTILE_SHOWN = " ".join(HOSTILE.replace("\u2028", " ").replace("\u2029", " ").split())

# --------------------------------------------------------------------------- small frames


def make_station(number: int = 0, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(LAYERS["stations"].column_names)
    row |= {
        "id": f"bj-{number}",
        "name": f"经二路驿站{number}",
        "kind": list(Kind)[number % len(Kind)].value,
        "status": "active",
        "geometry": Point(107.14 + 0.01 * (number % 10), 34.36 + 0.005 * (number // 10 % 10)),
    }
    return row | fields


def make_stations(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(rows), geometry="geometry", crs=CRS)


def make_areas(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(rows), geometry="geometry", crs=CRS)


def make_layers() -> MapLayers:
    """Return a few of everything, apart enough for each to be clicked."""
    zone = {"id": "z1", "name": "人民路商圈", "kind": "business_district", "demand_per_h": 120.0}
    gap = {
        "rank": 1,
        "zone_id": "z1",
        "zone_name": "人民路商圈",
        "district_name": "金台区",
        "unserved_demand_per_h": 52.25,
        "area_m2": 340_000.0,
        "nearest_station_name": "经二路驿站0",
        "nearest_m": 1_240.0,
    }
    return MapLayers(
        stations=make_stations(make_station(0), make_station(1), make_station(2), make_station(3)),
        hot_zones=make_areas(zone | {"geometry": box(107.14, 34.37, 107.15, 34.378)}),
        gaps=make_areas(gap | {"geometry": box(107.16, 34.37, 107.17, 34.378)}),
        districts=make_areas(
            {"id": "d", "name": "金台区", "geometry": box(107, 34.3, 107.2, 34.4)}
        ),
        places=make_areas(
            {"id": "p", "name": "斗鸡", "name_en": "Douji", "geometry": Point(107.155, 34.352)}
        ),
    )


def make_hostile() -> tuple[MapLayers, MapOptions]:
    """Return layers and options with every payload in every text."""
    layers = make_layers()
    texts = [
        c.name for c in LAYERS["stations"].columns if isinstance(c, Text | OpenSet | ChoiceSet)
    ]
    hostile = dict.fromkeys(texts[1:], HOSTILE) | {"hours_note": HOSTILE, "state": "open"}
    hostile["platforms"] = HOSTILE.replace(";", "")
    assert layers.hot_zones is not None
    assert layers.gaps is not None
    assert layers.districts is not None
    assert layers.places is not None
    names = {"zone_name": HOSTILE, "district_name": HOSTILE, "nearest_station_name": HOSTILE}
    return (
        MapLayers(
            stations=make_stations(make_station(0, id=HOSTILE) | hostile),
            hot_zones=layers.hot_zones.assign(name=HOSTILE, kind=HOSTILE, source=HOSTILE),
            gaps=layers.gaps.assign(**names),
            districts=layers.districts.assign(name=HOSTILE),
            places=layers.places.assign(name=HOSTILE),
        ),
        MapOptions(
            title=HOSTILE,
            caption=HOSTILE,
            map_approval=HOSTILE,
            basemap="none",
            station_url="/stations/",
        ),
    )


def asset_url(name: str) -> str:
    return f"/assets/{name}"


def read_payload(drawn: folium.Map) -> dict[str, Any]:
    """Read the data back out of the page."""
    script = render_parts(drawn, nonce=NONCE, asset_url=asset_url).script
    found = re.search(r"locatorMap\.draw\(\w+,\[[\w,]*\],(.*)\);", script)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def read_attributes(html: str) -> set[str]:
    """Return the names of all attributes of all tags, as a browser would read them."""
    names: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names.update(name for name, _ in attrs)

    Reader().feed(html)
    return names


def read_facts(data: dict[str, Any], flat: list[int]) -> dict[str, str]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {data["terms"][term][0]: data["texts"][text] for term, text in pairs}


# --------------------------------------------------------------------------- what is written


def test_json_cannot_leave_its_script() -> None:
    text = dump_json({"a": HOSTILE})
    assert not set("<>\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": HOSTILE}
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_json(float("nan"))


def test_no_template_engine_reads_what_people_wrote() -> None:
    # branca compiles the text of its elements: through folium's GeoJson this is a 49.
    layers, options = make_hostile()
    drawn = build_map(layers, options)
    data = read_payload(drawn)
    assert "{{ 7 * 7 }}" in data["stations"][0][5]
    assert "{{ 7 * 7 }}" in render_file(drawn)
    assert data["districts"]["labels"][0][2] == HOSTILE.strip()


def test_parts_carry_the_nonce_and_nothing_inline() -> None:
    parts = render_parts(build_map(*make_hostile()), nonce=NONCE, asset_url=asset_url)
    whole = parts.head + parts.body + parts.script
    tags = re.findall(r"<(?:script|style|link)\b[^>]*>", whole)
    assert len(tags) >= 6
    assert all(f'nonce="{NONCE}"' in tag for tag in tags)
    assert not [name for name in read_attributes(whole) if name == "style" or name[:2] == "on"]
    assert "jquery" not in whole.lower()
    assert "bootstrap" not in whole.lower()
    served = {re.sub(r"^/assets/", "", found) for found in re.findall(r'"(/assets/[^"]+)"', whole)}
    assert served <= set(asset_files())


def test_an_asset_address_and_a_nonce_are_checked() -> None:
    drawn = build_map(make_layers(), OPTIONS)
    parts = render_parts(drawn, nonce=NONCE, asset_url=lambda name: f'/a/{name}?a=1&b="')
    assert "?a=1&amp;b=&quot;" in parts.head
    with pytest.raises(InputError, match="nonce"):
        render_parts(drawn, nonce='"><script>', asset_url=asset_url)


def test_file_holds_everything_it_needs() -> None:
    text = render_file(build_map(make_layers(), replace(OPTIONS, illustrative=True)))
    assert '<html lang="zh-CN">' in text
    assert "<title>宝鸡骑手驿站</title>" in text
    assert "user-scalable" not in text
    assert "maximum-scale" not in text
    assert "示例数据" in text
    assert not re.search(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=", text)
    assert not re.search(r"url\((?!data:|#)", text)
    assert "sourceMappingURL" not in text


def test_language_is_said_and_used() -> None:
    english = replace(OPTIONS, language="en", illustrative=True)
    text = render_file(build_map(make_layers(), english))
    assert '<html lang="en">' in text
    assert "Illustrative data" in text
    data = read_payload(build_map(make_layers(), english))
    assert data["labels"]["legend"] == "Legend"
    assert data["places"][0][2] == "Douji"
    assert data["kinds"][0][1] == "Rider rest post"


def test_saving_and_notebooks_give_the_same_page(tmp_path: Path) -> None:
    drawn = build_map(make_layers(), OPTIONS)
    drawn.save(tmp_path / "map.html")
    assert "locatorMap.draw" in (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "cdn." not in drawn._repr_html_()
    assert "locatorMap.draw" in drawn._repr_html_()


def test_rendering_twice_gives_the_same_parts() -> None:
    drawn = build_map(make_layers(), OPTIONS)
    once = render_parts(drawn, nonce=NONCE, asset_url=asset_url)
    assert render_parts(drawn, nonce=NONCE, asset_url=asset_url) == once


def test_folium_itself_is_left_alone() -> None:
    before = list(folium.Map.default_js), list(folium.Map.default_css)
    drawn = build_map(make_layers(), OPTIONS)
    drawn.add_js_link("extra", "https://cdn.example/extra.js")
    assert (folium.Map.default_js, folium.Map.default_css) == before
    with pytest.raises(InputError, match=r"cdn\.example"):
        render_file(drawn)
    render_file(build_map(make_layers(), OPTIONS))


def test_a_map_from_elsewhere_is_refused() -> None:
    with pytest.raises(InputError, match="build_map"):
        render_file(folium.Map(tiles=None))


def test_asset_files_exist_and_styles_ask_for_no_others() -> None:
    files = asset_files()
    assert all(path.is_file() for path in files.values())
    for name in ("leaflet/leaflet.css", "map.css"):
        asked = re.findall(r"url\((?!#)([^)]+)\)", files[name].read_text(encoding="utf-8"))
        assert {f"leaflet/{image}" for image in asked} <= set(files)


def test_weight_of_a_city() -> None:
    stations = make_stations(*(make_station(n, address=f"经二路 {n} 号") for n in range(120)))
    parts = render_parts(build_map(MapLayers(stations), OPTIONS), nonce=NONCE, asset_url=asset_url)
    script = parts.script.encode()
    assert len(script) < 30_000
    assert len(gzip.compress(script)) < 6_000


# --------------------------------------------------------------------------- base maps


def test_osm_sends_its_origin_as_referrer() -> None:
    script = render_file(build_map(make_layers(), replace(OPTIONS, basemap="osm")))
    assert "https://tile.openstreetmap.org/{z}/{x}/{y}.png" in script
    assert '"referrerPolicy": "strict-origin"' in script
    assert "OpenStreetMap" in script
    assert tile_origins("osm") == ("https://tile.openstreetmap.org",)


def test_tianditu_draws_map_and_labels_with_the_key() -> None:
    options = replace(OPTIONS, basemap="tianditu", basemap_key="k&y{{1}}")
    script = render_file(build_map(make_layers(), options))
    for layer in ("vec", "cva"):
        assert f"/{layer}_w/wmts?" in script
    assert script.count("tk=k%26y%7B%7B1%7D%7D") == 2
    assert tile_origins("tianditu") == ("https://*.tianditu.gov.cn",)
    with pytest.raises(InputError, match="LOCATOR_BASEMAP_KEY"):
        build_map(make_layers(), replace(options, basemap_key=""))


def test_a_tile_address_is_a_base_map() -> None:
    options = replace(OPTIONS, basemap="https://{s}.tiles.example:8080/{z}/{x}/{y}{r}.png")
    assert "tiles.example:8080" in render_file(build_map(make_layers(), options))
    assert tile_origins(options.basemap) == ("https://*.tiles.example:8080",)
    assert tile_origins("http://127.0.0.1:8080/{z}/{x}/{y}.png") == ("http://127.0.0.1:8080",)
    assert tile_origins("none") == ()


@pytest.mark.parametrize(
    "address",
    [
        "bing",
        "https://tiles.example/{z}/{x}.png",
        "javascript:alert(1)//{z}{x}{y}",
        "https://tiles.example/{z}/{x}/{y}/{{7*7}}",
        "https://tiles.example/{z}/{x}/{y}/{%raw%}",
        'https://tiles.example/{z}/{x}/{y}"><b>',
    ],
)
def test_other_base_maps_are_refused(address: str) -> None:
    with pytest.raises(InputError, match="base map"):
        build_map(make_layers(), replace(OPTIONS, basemap=address))


# --------------------------------------------------------------------------- data


def test_nothing_is_shown_as_nan_or_none() -> None:
    stations = make_stations(
        make_station(0, kind=None, name=None, capacity=np.nan, notice=pd.NA, last_verified=pd.NaT),
        make_station(1, state=np.nan, hours_note=None, platforms=np.nan, services=np.nan),
    )
    layers = make_layers()
    assert layers.hot_zones is not None
    assert layers.gaps is not None
    layers = MapLayers(
        stations=stations,
        hot_zones=layers.hot_zones.assign(demand_per_h=np.nan, covered_share=np.nan, name=None),
        gaps=layers.gaps[["geometry"]].assign(nearest_m=np.nan, rank=np.nan, area_m2=np.inf),
    )
    data = read_payload(build_map(layers, OPTIONS))
    # Terms and labels are ours; what came from the frames is in the texts, rows and features.
    shown = json.dumps([data["texts"], data["stations"], data["zones"], data["gaps"]])
    assert not re.search(r"nan|None|NaT|<NA>|Infinity", shown)
    facts = read_facts(data, data["stations"][0][7])
    assert facts == {
        "opening_hours": "时间未知",
        "services": "未知",
        "last_verified": "未核实",
        "provenance": "未知",
    }
    assert [row[3] for row in data["stations"]] == [2, 2]  # a state column without a state
    zone = data["zones"]["features"][0]["properties"]
    assert zone["name"] == "未命名"
    assert read_facts(data, zone["facts"])["covered_share"] == "未计算"
    gap = data["gaps"]["features"][0]["properties"]
    assert gap["name"] == "覆盖缺口"
    assert read_facts(data, gap["facts"]) == {
        "unserved_demand_per_h": "未知",
        "nearest_station_name": "未知",
    }


def test_station_facts_are_words() -> None:
    row = make_station(
        3,
        services="toilet;drinking_water;karaoke",
        platforms="meituan",
        opening_hours="Mo-Fr 08:30-18:00; PH off",
        last_verified=pd.Timestamp("2026-11-20"),
        provenance="surveyed",
        status="temporarily_closed",
        state="open",
    )
    data = read_payload(build_map(MapLayers(make_stations(row)), OPTIONS))
    assert data["stations"][0][3] == 1  # out of service is closed, whatever the hours say
    assert read_facts(data, data["stations"][0][7]) == {
        "status": "暂停",
        "opening_hours": "周一至周五 8:30–18:00；节假日休息",
        "services": "饮水 · 卫生间 · karaoke",
        "platforms": "美团",
        "last_verified": "2026-11-20",
        "provenance": "实地核实",
    }


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (None, "停水\n2026-11-01 至 2026-11-30"),
        (date(2026, 11, 30), "停水\n2026-11-01 至 2026-11-30"),
        (date(2026, 10, 31), None),
        (date(2026, 12, 1), None),
    ],
)
def test_a_notice_is_shown_between_its_dates(day: date | None, shown: str | None) -> None:
    row = make_station(
        notice="停水", notice_from=date(2026, 11, 1), notice_until=date(2026, 11, 30)
    )
    data = read_payload(build_map(MapLayers(make_stations(row)), replace(OPTIONS, day=day)))
    assert read_facts(data, data["stations"][0][7]).get("notice") == shown


def test_gap_and_zone_say_their_numbers() -> None:
    data = read_payload(build_map(make_layers(), OPTIONS))
    gap = data["gaps"]["features"][0]["properties"]
    assert (gap["name"], gap["rank"]) == ("缺口 1 · 人民路商圈", 1)
    assert read_facts(data, gap["facts"]) == {
        "unserved_demand_per_h": "52.2 / 小时",
        "nearest_station_name": "经二路驿站0 · 1.2 km",
        "area_m2": "0.34 km²",
        "district_name": "金台区",
    }
    zone = data["zones"]["features"][0]["properties"]
    assert zone["kind"] == "商圈"
    assert read_facts(data, zone["facts"])["demand_per_h"] == "120 / 小时"


def test_districts_are_drawn_only_when_they_may_be() -> None:
    assert read_payload(build_map(make_layers(), OPTIONS))["districts"] is not None
    hidden = build_map(make_layers(), replace(OPTIONS, show_districts=False))
    assert read_payload(hidden)["districts"] is None


def test_a_line_between_two_districts_is_drawn_once() -> None:
    frame = make_areas(
        {"id": "a", "name": "甲", "geometry": box(107, 34, 108, 35)},
        {"id": "b", "name": "乙", "geometry": box(108, 34, 109, 35)},
    )
    payload = build_payload(MapLayers(districts=frame), OPTIONS)
    lines = shape(payload["districts"]["lines"])  # type: ignore[index]
    assert lines.length == pytest.approx(7)


def test_the_map_starts_where_the_question_is() -> None:
    town = [make_station(n) for n in range(40)]
    counties = [
        make_station(100 + n, geometry=Point(106.5 + 0.1 * n, 33.9 + 0.08 * n)) for n in range(14)
    ]
    stations = make_stations(*town, *counties)
    box_ = view_box(MapLayers(stations))
    assert box_ is not None
    (south, west), (north, east) = box_
    assert 107.0 < west < 107.15
    assert 107.22 < east < 107.4
    assert 34.2 < south < north < 34.5
    layers = make_layers()
    assert view_box(layers) == [[34.37, 107.16], [34.378, 107.17]]  # the gap
    assert view_box(MapLayers(make_stations(make_station()))) == [[34.36, 107.14], [34.36, 107.14]]
    assert view_box(MapLayers()) is None


@pytest.mark.parametrize(
    "layers",
    [
        MapLayers(),
        MapLayers(stations=make_stations(make_station()).iloc[:0]),
        MapLayers(stations=make_stations(make_station(geometry=Point()))),
        MapLayers(stations=make_stations(make_station())),
        replace(make_layers(), stations=None),
    ],
)
def test_little_or_nothing_is_a_map_too(layers: MapLayers) -> None:
    assert "locatorMap.draw" in render_file(build_map(layers, OPTIONS))


def test_wrong_frames_are_refused() -> None:
    stations = make_stations(make_station())
    with pytest.raises(InputError, match="EPSG:4326"):
        build_map(MapLayers(stations.to_crs("EPSG:3857")), OPTIONS)
    with pytest.raises(InputError, match="holds Polygon"):
        build_map(MapLayers(make_stations(make_station(geometry=box(107, 34, 108, 35)))), OPTIONS)


def test_more_stations_than_a_browser_draws_are_numbers_by_part() -> None:
    """Every station is counted once, in a box that holds it; places far outside cost no others."""
    rng = np.random.default_rng(1)
    count = MAX_STATIONS + 1
    lonlat = rng.normal((107, 34), 0.5, (count, 2))
    lonlat[:40] = rng.uniform((-180, -80), (180, 80), (40, 2))
    frame = gpd.GeoDataFrame({"id": range(count)}, geometry=gpd.points_from_xy(*lonlat.T), crs=CRS)
    payload = build_payload(MapLayers(frame), OPTIONS)
    parts = np.array(payload["counts"])
    assert payload["stations"] == []
    assert not payload["cluster"]
    assert 50 < len(parts) <= 1_000
    assert parts[:, 2].sum() == count
    assert parts[0, 2] == parts[:, 2].max() < count / 5
    for lon, lat, number, west, south, east, north in parts[::20]:
        inside = (lonlat > (west, south)).all(axis=1) & (lonlat < (east, north)).all(axis=1)
        assert inside.sum() >= number
        assert west < lon < east
        assert south < lat < north
    together = frame.set_geometry(gpd.points_from_xy([107.0] * count, [34.0] * count), crs=CRS)
    assert len(build_payload(MapLayers(together), OPTIONS)["counts"]) == 1  # type: ignore[arg-type]
    html = render_file(build_map(MapLayers(frame), OPTIONS))
    assert len(html) < 400_000


def test_many_stations_are_clustered() -> None:
    few = build_map(MapLayers(make_stations(make_station())), OPTIONS)
    many = build_map(MapLayers(make_stations(*map(make_station, range(1_001)))), OPTIONS)
    for drawn, clustered in ((few, False), (many, True)):
        parts = render_parts(drawn, nonce=NONCE, asset_url=asset_url)
        assert ("markercluster" in parts.script) is clustered


def test_areas_smaller_than_the_tolerance_stay() -> None:
    small = Polygon([(107, 34), (107.00004, 34), (107.00004, 34.00004)])
    payload = build_payload(MapLayers(gaps=make_areas({"rank": 1, "geometry": small})), OPTIONS)
    rings = payload["gaps"]["features"][0]["geometry"]["coordinates"]  # type: ignore[index]
    assert len(rings[0]) >= 4


# --------------------------------------------------------------------------- in a browser


def open_file(page: Page, folder: Path, layers: MapLayers, options: MapOptions) -> None:
    """Open a map as a file from the disk."""
    file = folder / "map.html"
    file.write_text(render_file(build_map(layers, options)), encoding="utf-8")
    page.goto(file.as_uri())


def open_page(page: Page, layers: MapLayers, options: MapOptions) -> None:
    """Open a map's parts in a page under a strict policy, from a server of three lines."""
    parts = render_parts(build_map(layers, options), nonce=NONCE, asset_url=asset_url)
    policy = (
        f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'nonce-{NONCE}'; "
        "img-src 'self' data:; base-uri 'none'"
    )

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix("http://map.test/")
        if not name:
            route.fulfill(
                body=wrap_parts(parts),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": policy},
            )
        elif name.removeprefix("assets/") in asset_files():
            route.fulfill(path=asset_files()[name.removeprefix("assets/")])
        else:
            route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto("http://map.test/")


def wrap_parts(parts: MapParts) -> str:
    return (
        f'<!DOCTYPE html><html lang="zh-CN"><head><title>t</title>{parts.head}'
        f'<style nonce="{NONCE}">html,body,.frame{{height:100%;margin:0}}</style></head>'
        f'<body><div class="frame">{parts.body}</div>{parts.script}</body></html>'
    )


Opener = Callable[[Page, MapLayers, MapOptions], None]


@pytest.fixture(params=["file", "page"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Return a function that opens a map in one of its two forms."""
    if request.param == "page":
        return open_page
    return lambda page, layers, options: open_file(page, tmp_path, layers, options)


def shown_text(page: Page, selector: str) -> str:
    return " ".join(page.locator(selector).first.inner_text().split())


@pytest.mark.browser
def test_payloads_are_text_everywhere(page: Page, opener: Opener) -> None:
    opener(page, *make_hostile())
    assert HOSTILE_SHOWN in shown_text(page, ".lmap-title")
    assert HOSTILE_SHOWN in shown_text(page, ".lmap-source")
    assert HOSTILE_SHOWN in shown_text(page, ".lmap-approval")
    assert page.locator(".lmap-canvas").get_attribute("aria-label") == HOSTILE
    for label in (".is-district", ".is-place"):
        content = page.locator(f".lmap-label{label}").text_content() or ""
        assert " ".join(content.split()) == HOSTILE_SHOWN
    for target, lines in ((".lmap-mark", 10), (".lmap-rank", 2), (".lmap-zone", 2)):
        page.locator(target).dispatch_event("click")
        card = shown_text(page, ".lmap-card")
        assert card.count("<img src=x onerror=alert(1)>") >= lines, target
        assert "{{ 7 * 7 }}" in card
    page.locator(".lmap-search input").fill("onerror")
    assert "<img src=x" in shown_text(page, ".lmap-found li")
    page.keyboard.press("Enter")
    assert "<img src=x" in shown_text(page, ".lmap-card h3")
    href = page.locator(".lmap-details").get_attribute("href") or ""
    assert href.startswith("/stations/%3Cimg%20src%3Dx")
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.slow
@pytest.mark.browser
def test_everything_opens_and_says_its_words(page: Page, opener: Opener) -> None:
    layers = make_layers()
    assert layers.stations is not None
    states = layers.stations.assign(
        state=["open", "closed", "unknown", None], hours_note=["还有 50 分钟关门", None, None, None]
    )
    opener(page, replace(layers, stations=states), replace(OPTIONS, station_url="/stations/"))
    assert page.locator(".lmap-mark").count() == 4
    page.locator(".lmap-mark").nth(0).dispatch_event("click")
    card = shown_text(page, ".lmap-card")
    assert card.startswith("经二路驿站0 骑手服务驿站 开放 · 还有 50 分钟关门")
    assert page.locator(".lmap-details").get_attribute("href") == "/stations/bj-0"
    page.locator(".lmap-mark").nth(3).dispatch_event("click")
    assert "时间未知" in shown_text(page, ".lmap-card")
    page.locator(".lmap-gap").dispatch_event("click")
    assert "缺口 1 · 人民路商圈" in shown_text(page, ".lmap-card")
    legend = shown_text(page, ".lmap-legend")
    for word in ("驿站", "换电柜", "热区", "缺口", "区县界线", "地名", "已关门"):
        assert word in legend


@pytest.mark.slow
@pytest.mark.browser
def test_numbers_lead_to_a_part_of_the_map(page: Page, opener: Opener) -> None:
    """On a page to its address; in a file, where there is nobody to ask, the map looks there."""
    x, y = np.arange(MAX_STATIONS + 1) % 150 / 300, np.arange(MAX_STATIONS + 1) // 150 / 300
    stations = gpd.GeoDataFrame(geometry=gpd.points_from_xy(107 + x, 34 + y), crs=CRS)
    layers = MapLayers(stations.assign(name=HOSTILE))
    opener(page, layers, replace(OPTIONS, station_url="/stations/"))
    first = page.locator(".lmap-cluster").first
    first.focus()
    page.keyboard.press("Enter")
    assert re.fullmatch(r"\d+ 个驿站", shown_text(page, ".lmap-card h3"))
    link = page.get_by_role("link", name="只看这一片").get_attribute("href") or ""
    assert re.fullmatch(r"\?bbox=10[67][.\d]*(%2C[.\d]+){3}", link)
    opener(page, layers, OPTIONS)
    before = page.evaluate("document.querySelector('.leaflet-container').lmapMap.getZoom()")
    page.locator(".lmap-cluster").first.dispatch_event("click")
    page.wait_for_function(
        "zoom => document.querySelector('.leaflet-container').lmapMap.getZoom() > zoom + 1",
        arg=before,
    )


@pytest.mark.slow
@pytest.mark.browser
def test_search_by_keyboard(page: Page, opener: Opener) -> None:
    opener(page, make_layers(), OPTIONS)
    field = page.get_by_role("combobox", name="按名称或地址查找驿站")
    field.fill("驿站2")
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant")
    page.keyboard.press("Enter")
    assert shown_text(page, ".lmap-card h3") == "经二路驿站2"
    assert page.evaluate("document.activeElement.classList.contains('leaflet-popup')")
    page.keyboard.press("Escape")
    assert page.locator(".lmap-card").count() == 0
    assert field.evaluate("field => field === document.activeElement")
    field.fill("没有的")
    assert shown_text(page, ".lmap-status") == "没有找到驿站"


@pytest.mark.slow
@pytest.mark.browser
def test_markers_answer_to_the_keyboard(page: Page, opener: Opener) -> None:
    opener(page, make_layers(), OPTIONS)
    for selector, key in ((".lmap-mark", "Enter"), (".lmap-mark", " "), (".lmap-gap", "Enter")):
        page.locator(selector).first.focus()
        page.keyboard.press(key)
        page.locator(".lmap-card").wait_for()
        page.keyboard.press("Escape")
        assert page.locator(".lmap-card").count() == 0


@pytest.mark.slow
@pytest.mark.browser
def test_switches_hide_and_show_layers(page: Page, opener: Opener) -> None:
    opener(page, make_layers(), OPTIONS)
    for word, selector in (
        ("驿站", ".lmap-mark"),
        ("覆盖缺口", ".lmap-gap"),
        ("热区", ".lmap-zone"),
    ):
        switch = page.locator(".lmap-layer", has_text=word).first
        switch.click()
        assert page.locator(selector).count() == 0
        switch.click()
        assert page.locator(selector).count() > 0


@pytest.mark.slow
@pytest.mark.browser
def test_a_phone_can_use_it(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page, troubles = context.new_page(), []
    watch_page(page, troubles)
    open_file(page, tmp_path, make_layers(), replace(OPTIONS, station_url="/stations/"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".lmap-legend").get_attribute("open") is None  # folded
    page.locator(".lmap-legend summary").tap()
    page.locator(".lmap-mark").first.dispatch_event("click")
    targets = [
        ".lmap-search input",
        ".lmap-legend summary",
        ".lmap-layer",
        ".leaflet-control-zoom-in",
        ".lmap-mark",
        ".lmap-rank",
        ".leaflet-popup-close-button",
        ".lmap-details",
    ]
    for selector in targets:
        size = page.locator(selector).first.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 40, selector
    context.close()
    assert troubles == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_thousand_and_one_are_clustered_and_found(page: Page, opener: Opener) -> None:
    rng = np.random.default_rng(1)
    rows = [
        make_station(n, geometry=Point(*point))
        for n, point in enumerate(rng.uniform((107.0, 34.3), (107.4, 34.4), (1_001, 2)))
    ]
    opener(page, MapLayers(make_stations(*rows)), OPTIONS)
    assert 0 < page.locator(".lmap-cluster").count() < 200
    page.locator(".lmap-search input").fill("驿站1000")
    page.keyboard.press("Enter")
    assert shown_text(page, ".lmap-card h3") == "经二路驿站1000"


@pytest.mark.slow
@pytest.mark.browser
def test_without_tiles_our_own_names_stand_in(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(re.compile("^https?://"), refuse)
    open_file(page, tmp_path, make_layers(), replace(OPTIONS, basemap="osm"))
    page.locator(".lmap-note").wait_for()
    assert "底图" in shown_text(page, ".lmap-note")
    assert page.locator(".lmap-label.is-place").count() == 1
    assert asked
    assert all(url.startswith("https://tile.openstreetmap.org/") for url in asked)
    assert all(int(url.split("/")[3]) > 8 for url in asked)  # none of the whole world first


@pytest.mark.slow
@pytest.mark.browser
def test_an_empty_map_says_so(page: Page, opener: Opener) -> None:
    opener(page, MapLayers(), OPTIONS)
    assert shown_text(page, ".lmap-note") == "还没有可显示的数据"
    assert page.locator(".lmap-search").count() == 0


@pytest.mark.slow
@pytest.mark.browser
def test_a_hidden_map_fits_when_it_is_shown(page: Page) -> None:
    open_page(page, make_layers(), OPTIONS)
    zoom = "() => document.querySelector('.leaflet-control-scale-line').textContent"
    wanted = page.evaluate(zoom)
    parts = render_parts(build_map(make_layers(), OPTIONS), nonce=NONCE, asset_url=asset_url)
    hidden = wrap_parts(parts).replace('class="frame"', 'class="frame" hidden')
    page.route(
        "http://map.test/hidden",
        lambda route: route.fulfill(body=hidden, content_type="text/html; charset=utf-8"),
    )
    page.goto("http://map.test/hidden")
    page.evaluate("document.querySelector('.frame').hidden = false")
    page.wait_for_function(f"wanted => ({zoom})() === wanted", arg=wanted)
