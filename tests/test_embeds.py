"""Embeds as they are sent: options, shells, pictures, snippets, oEmbed."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from io import BytesIO
from itertools import product
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import geopandas as gpd
import pytest
import shapely
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from shapely.geometry import Point, box
from werkzeug.test import TestResponse

from locator.admission import Admission
from locator.cache import Cache
from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from locator.web.embed.snippet import Frame, frame_html, snippet_html
from tests.conftest import fixed_clock
from tests.patience import patience

FRAMED = ("/embed/map", "/embed/nearest", "/embed/coverage")
DRAWN = ("/embed/map.js", "/embed/coverage.js", "/embed/map.png", "/embed/coverage.svg")
SHELL_BYTES = 10_000
HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}</script><script>alert(4)</script>{{7*7}}"
SVG = {"svg": "http://www.w3.org/2000/svg"}


@pytest.fixture
def public(settings: Settings) -> Iterator[Flask]:
    """Return the application, to be asked for by names of the world."""
    told = replace(settings, proxies=1, hosts="localhost riders.example.cn")
    app = create_app(told, clock=fixed_clock)
    yield app
    app.extensions["locator"].close()


def text_of(answer: TestResponse) -> str:
    return unescape(answer.get_data(as_text=True))


# --------------------------------------------------------------------------- the shell


@pytest.mark.parametrize("path", ["/embed/map", "/embed/coverage"])
def test_the_document_before_the_map_is_at_most_10_kb_uncompressed(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(path, query_string={"minutes": "5", "kind": "rest_post", "at": "now"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
    assert len(answer.data) <= SHELL_BYTES
    assert "<h1" in answer.text
    assert re.search(r'<a href="/map[^"]*" rel="noopener">打开完整页面</a>', answer.text)
    assert "locatorMap" not in answer.text  # the map itself comes later


def test_the_list_is_at_most_10_kb_as_it_travels(client: FlaskClient) -> None:
    answer = client.get("/embed/nearest", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) <= SHELL_BYTES
    assert "用我的位置找最近的" in gzip.decompress(answer.data).decode()


@pytest.mark.slow
def test_without_scripts_the_map_is_a_picture(client: FlaskClient) -> None:
    for path in ("/embed/map", "/embed/coverage"):
        (source,) = re.findall(r'<noscript><p><img src="([^"]+)"', client.get(path).text)
        picture = client.get(unescape(source))
        assert picture.status_code == 200
        assert picture.mimetype == "image/png"


def test_the_shell_and_the_drawing_speak_of_the_same_map(client: FlaskClient) -> None:
    shell = client.get("/embed/map?language=zh")
    (name,) = re.findall(r'<div class="lmap-canvas" id="(\w+)"', shell.text)
    told = json.loads(re.findall(r'id="embed">(.*?)</script>', shell.text)[0])
    drawing = client.get(told["drawing"])
    assert drawing.mimetype == "text/javascript"
    assert f'locatorMap.create(\n                "{name}"' in drawing.text
    assert {client.get(url).status_code for url in told["styles"] + told["scripts"]} == {200}
    again = client.get(told["drawing"], headers={"If-None-Match": drawing.headers["ETag"]})
    assert again.status_code == 304


def test_coverage_says_share_and_date_before_the_map(client: FlaskClient) -> None:
    page = text_of(client.get("/embed/coverage?minutes=10&language=zh"))
    assert re.search(r"<b>9\d\.\d%</b> 到得了", page)
    assert page.index("示例数据") < page.index("到得了")
    assert "2026-11-23 12:00 的登记册" in page
    assert "未考虑开放时间" in page
    english = text_of(client.get("/embed/coverage?minutes=5&language=en&at=2026-11-23T22:00"))
    assert "stations surely open at 2026-11-23 22:00" in english
    assert "Largest gaps" in english


@pytest.mark.slow
def test_coverage_is_what_a_study_measures(client: FlaskClient, settings: Settings) -> None:
    from locator.service import open_service
    from locator.study import GapsInputs, Question, Standard
    from locator.study.measure import Study

    standard = Standard(7, "min")
    with open_service(settings, clock=fixed_clock) as service:
        snapshot = service.snapshot()
        study = Study(
            service, GapsInputs(snapshot, snapshot.hot_zones, None), Question((standard,))
        )
        result = study.measure(standard).result
    page = text_of(client.get("/embed/coverage?minutes=7"))
    share = result["covered_share"]
    assert share is not None
    assert f"<b>{share:.1%}</b>" in page
    assert f"其中 {result['unserved_demand_per_h']:,.0f} 单" in page


def test_a_frame_keeps_nothing_of_its_reader(client: FlaskClient) -> None:
    for path in FRAMED:
        for language in ("lang", "language"):
            assert "Set-Cookie" not in client.get(f"{path}?{language}=en").headers


# --------------------------------------------------------------------------- options

WRONG = {
    "nonsense=1": "'nonsense' is not a parameter",
    "kind=pub": "kind='pub'",
    "service=beer": "service='beer'",
    "theme=pink": "theme='pink'",
    "language=fr": "language='fr'",
    "language=zh&language=en": "is given 2 times",
}
WRONG_MAPS = {
    "layers=sea": "layers='sea'",
    "bbox=1,2,3": "bbox='1,2,3'",
    "bbox=2,1,1,2": "bbox='2,1,1,2'",
    "bbox=nan,1,2,3": "bbox='nan,1,2,3'",
    "minutes=0": "minutes='0'",
    "minutes=5.5": "minutes='5.5'",
    "at=noon": "'noon' is not a moment",
    "at=1900-01-01": "too far from our time",
    "minutes=5&reach=5": "not both",
    "bbox=" + "1" * 600: "longer than",
}


@pytest.mark.slow
@pytest.mark.parametrize("path", [*FRAMED, *DRAWN])
@pytest.mark.parametrize(("query", "said"), WRONG.items())
def test_a_wrong_option_is_told_in_a_sentence(
    client: FlaskClient, path: str, query: str, said: str
) -> None:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert said in text_of(answer)
    framed = path in FRAMED
    assert ("frame-ancestors *" in answer.headers["Content-Security-Policy"]) == framed
    if framed:
        assert "<header" not in answer.text  # the site's menu is of no use in a frame


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/embed/map", "/embed/coverage", *DRAWN])
@pytest.mark.parametrize(("query", "said"), WRONG_MAPS.items())
def test_a_wrong_option_of_a_map_is_told(
    client: FlaskClient, path: str, query: str, said: str
) -> None:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert said in text_of(answer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/embed/map?layers=gaps", "needs one number of minutes"),
        ("/embed/map?layers=reach", "needs minutes"),
        ("/embed/map?minutes=1,2,3,4", "at most 3"),
        ("/embed/map?for=other", "for='other'"),
        ("/embed/map?width=500", "'width' is not a parameter"),
        ("/embed/coverage?minutes=5,10", "one standard"),
        ("/embed/nearest?bbox=1,2,3,4", "'bbox' is not a parameter"),
        ("/embed/nearest?lon=107&lat=34", "'lon' is not a parameter"),
        ("/embed/nearest?count=11", "count='11'"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    client: FlaskClient, path: str, said: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert said in text_of(answer)


def test_empty_fields_of_a_form_are_no_options(client: FlaskClient) -> None:
    for path in FRAMED:
        assert client.get(f"{path}?kind=&service=&theme=").status_code == 200


def payload_of(drawing: str) -> dict[str, object]:
    match = re.search(r"locatorMap\.draw\(\w+,\[[^]]*\],(\{.*\})\);", drawing)
    assert match
    found: dict[str, object] = json.loads(match[1])
    return found


def test_layers_kinds_and_box_choose_what_is_drawn(client: FlaskClient) -> None:
    def drawn(**query: str) -> dict[str, object]:
        return payload_of(client.get("/embed/map.js", query_string=query).text)

    every = drawn()
    assert len(every["stations"]) == 120  # type: ignore[arg-type]
    assert every["zones"]
    assert every["gaps"] is None
    only = drawn(layers="stations", kind="swap_cabinet")
    assert len(only["stations"]) == 3  # type: ignore[arg-type]
    assert only["zones"] is None
    assert only["districts"] is None
    west, south, east, north = 107.13, 34.35, 107.17, 34.39
    boxed = drawn(layers="stations,gaps", bbox="107.13,34.35,107.17,34.39", minutes="3")
    rows = boxed["stations"]
    assert 0 < len(rows) < 120  # type: ignore[arg-type]
    assert all(west <= row[0] <= east and south <= row[1] <= north for row in rows)  # type: ignore[attr-defined]
    served = drawn(service="microwave", layers="stations")["stations"]
    assert 0 < len(served) < 120  # type: ignore[arg-type]


def test_themes_and_languages_are_those_that_were_asked_for(client: FlaskClient) -> None:
    dark = client.get("/embed/map?theme=dark&language=en").text
    assert '<html lang="en" class="theme-dark">' in dark
    assert "color-scheme: dark" in dark
    assert "prefers-color-scheme" not in dark
    assert "stations in service" in dark
    plain = client.get("/embed/map", headers={"Accept-Language": "en"}).text
    assert "prefers-color-scheme: dark" in plain
    assert '<html lang="en">' in plain


# --------------------------------------------------------------------------- who may frame


@pytest.mark.slow
def test_only_embeds_are_framed_and_by_whom_a_setting_says(settings: Settings) -> None:
    narrow = replace(settings, frame_ancestors="https://www.example.gov.cn")
    app = create_app(narrow, clock=fixed_clock)
    client = app.test_client()
    for path in (*FRAMED, "/embed/map?for=list", "/embed/map?x=1"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self' https://www.example.gov.cn")
    for path in ("/", "/map", "/embed", "/planner", "/oembed?url=x", *DRAWN, "/embed/nope"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'none'"), path
    app.extensions["locator"].close()


# --------------------------------------------------------------------------- pictures


@pytest.mark.slow
def test_a_picture_has_the_size_that_was_asked_for(client: FlaskClient) -> None:
    answer = client.get("/embed/map.png?width=900&height=700&dpi=120")
    assert Image.open(BytesIO(answer.data)).size == (900, 700)
    wide = client.get("/embed/coverage.png?width=640&dpi=96")
    assert Image.open(BytesIO(wide.data)).width == 640
    for pixels in (300, 600, 708):  # too narrow at 150 pixels an inch: then fewer
        narrow = client.get(f"/embed/map.png?width={pixels}")
        assert Image.open(BytesIO(narrow.data)).width == pixels
    svg = ET.fromstring(client.get("/embed/map.svg?width=900&dpi=120").data)
    assert svg.tag == f"{{{SVG['svg']}}}svg"
    assert float(str(svg.get("width")).removesuffix("pt")) == pytest.approx(540, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("width=299", "width='299' must lie from 300 to 4,096"),
        ("width=5000", "width='5000'"),
        ("width=400&dpi=300", "mm of paper"),
        ("dpi=10", "dpi='10'"),
        ("height=300&width=800&dpi=150", "less than 60 mm"),
        ("height=400&width=1000&dpi=150", "leaves no room for the map"),
        ("caption=de", "caption='de'"),
        ("theme=dark", "always light"),
        ("width=1e9", "width='1e9'"),
        ("width=--1", "width='--1'"),
    ],
)
def test_a_size_that_cannot_be_is_told(client: FlaskClient, query: str, said: str) -> None:
    answer = client.get(f"/embed/map.png?{query}")
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert said in answer.text


@pytest.mark.slow
def test_a_picture_is_drawn_once_and_asked_for_again_cheaply(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    first = client.get("/embed/map.png?dpi=60")
    assert client.get("/embed/map.png?dpi=60").data == first.data
    tag = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/embed/map.png?dpi=60", headers=tag).status_code == 304
    assert client.get("/embed/map.png?dpi=61", headers=tag).status_code == 200
    gone = store.read("stations").head(1).assign(status="closed")
    store.apply(Change("stations", gone), actor="test")
    changed = client.get("/embed/map.png?dpi=60", headers=tag)
    assert changed.status_code == 200
    assert changed.data != first.data


def test_a_caption_in_both_languages_stands_in_the_picture(client: FlaskClient) -> None:
    one = Image.open(BytesIO(client.get("/embed/map.png?dpi=60").data))
    both = Image.open(BytesIO(client.get("/embed/map.png?dpi=60&caption=both").data))
    assert both.height > one.height


def test_a_picture_depends_on_its_address_alone(client: FlaskClient) -> None:
    """A cache between keeps it for all readers, whatever their browsers ask for."""
    pictures = [
        client.get("/embed/map.png?dpi=60", headers={"Accept-Language": language}).data
        for language in ("zh-CN", "en")
    ]
    assert pictures[0] == pictures[1]
    assert client.get("/embed/map.png?dpi=60&language=en").data != pictures[0]


@pytest.mark.slow
def test_an_empty_register_is_shown_as_such(client: FlaskClient, store: GeoPackageStore) -> None:
    stations = store.read("stations").assign(status="closed")
    store.apply(Change("stations", stations), actor="test")
    for path in (*FRAMED, *DRAWN, "/embed"):
        assert client.get(path).status_code == 200
    page = text_of(client.get("/embed/coverage"))
    assert "<b>0.0%</b>" in page
    zones = list(store.read("hot_zones")["id"])
    empty = store.read("hot_zones").head(0)
    store.apply(Change("hot_zones", empty, removals=zones), actor="test")
    assert client.get("/embed/map").status_code == 200
    told = client.get("/embed/coverage")
    assert told.status_code == 400
    assert "no hot zones" in text_of(told)


@pytest.mark.slow
def test_district_lines_are_in_a_visitors_picture_only_with_a_number(settings: Settings) -> None:
    """A picture without lines is another picture; with the number both visitors get the same."""
    pictures = {}
    for approval, host in product(("", "GS(2026)1"), ("http://localhost", "http://map.example.cn")):
        hosts = "" if host == "http://localhost" else "map.example.cn"
        told = replace(settings, map_approval=approval, hosts=hosts)
        app = create_app(told, clock=fixed_clock)
        client = app.test_client()
        answer = client.get("/embed/map.png?dpi=60", base_url=host)
        pictures[approval, host] = answer.data
        drawn = client.get("/embed/map.js", base_url=host).text
        assert (payload_of(drawn)["districts"] is not None) == bool(
            approval or host == "http://localhost"
        )
        app.extensions["locator"].close()
    assert pictures["", "http://localhost"] != pictures["", "http://map.example.cn"]
    approved = [picture for (approval, _), picture in pictures.items() if approval]
    assert approved[0] == approved[1]


def test_too_many_pictures_at_once_are_sent_away_with_a_time(public: Flask) -> None:
    cache: Cache[bytes] = Cache(10, len, turn=Admission(threads=4).turn)
    public.extensions["locator.caches"]["pictures"] = cache
    begun, end = threading.Event(), threading.Event()

    def draw() -> bytes:
        begun.set()
        assert end.wait(patience(10))
        return b"picture"

    worker = threading.Thread(target=lambda: cache.get("another", draw))
    worker.start()
    assert begun.wait(patience(10))
    answer = public.test_client().get("/embed/map.png?dpi=60")
    end.set()
    worker.join()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert public.test_client().get("/embed/map.png?dpi=60").status_code == 200


# --------------------------------------------------------------------------- the snippet


@pytest.mark.slow
def test_the_builder_writes_what_was_chosen(client: FlaskClient) -> None:
    page = client.get(
        "/embed",
        query_string={
            "what": "map", "layers": ["stations", "gaps"], "minutes": "5", "kind": "rest_post",
            "language": "en", "count": "3", "bbox": "", "theme": "auto",
        },
    )  # fmt: skip
    assert page.status_code == 200
    area = unescape(
        re.findall(r"<textarea id=\"snippet\"[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[0]
    )
    (source,) = re.findall(r'<iframe [^>]*src="([^"]+)"', area)
    url = urlsplit(unescape(source))
    assert url.path == "/embed/map"
    assert parse_qs(url.query) == {
        "layers": ["stations,gaps"], "minutes": ["5"], "kind": ["rest_post"], "language": ["en"],
    }  # fmt: skip
    assert client.get(unescape(source)).status_code == 200
    assert f'src="{source}"' in page.text  # the preview
    assert "geolocation" not in area
    for picture in re.findall(r'<a href="([^"]+)">(?:PNG|SVG)</a>', page.text):
        assert client.get(unescape(picture)).status_code == 200


def test_the_language_of_an_embed_is_not_that_of_the_page_about_it(client: FlaskClient) -> None:
    for what in ("map", "nearest", "coverage"):
        page = client.get(f"/embed?what={what}&language=en")
        assert '<html lang="zh-CN">' in page.text
        (source,) = re.findall(r'<iframe class="[^"]*" src="([^"]+)"', page.text)
        assert "language=en" in source
        assert '<html lang="en"' in client.get(unescape(source)).text


@pytest.mark.slow
def test_the_builder_says_what_is_wrong_and_keeps_what_was_typed(client: FlaskClient) -> None:
    page = client.get("/embed?what=map&bbox=1,2&kind=rest_post")
    assert page.status_code == 400
    assert "bbox='1,2'" in text_of(page)
    assert 'value="1,2"' in page.text
    assert "<textarea" not in page.text.split('id="frozen"')[0]
    assert client.get("/embed?nonsense=1").status_code == 400


def test_only_the_list_may_ask_for_a_position_and_the_page_says_why(client: FlaskClient) -> None:
    page = text_of(client.get("/embed?what=nearest"))
    assert 'allow="geolocation"' in page
    assert "读者在哪里" in page
    assert 'allow="geolocation"' not in text_of(client.get("/embed?what=coverage"))


def test_a_snippet_cannot_be_broken_out_of() -> None:
    evil = Frame(url='https://x.cn/embed/map?a="><script>', title='"><script>alert(1)', height=3)
    for html in (frame_html(evil), snippet_html(evil)):
        assert "<script>alert" not in html
        assert html.count("<iframe") == 1
    snippet = snippet_html(Frame(url="https://x.cn/embed/map", title="t", height=300))
    assert 'event.origin !== "https://x.cn"' in snippet
    assert "event.source !== frame.contentWindow" in snippet


def test_the_scripts_of_embeds_read_nothing_of_the_page_around(client: FlaskClient) -> None:
    for name in ("embed.js", "embed-nearest.js"):
        code = client.get(f"/assets/{name}").text
        assert not re.search(r"document\.referrer|ancestorOrigins|frameElement|\btop\.", code)
        assert set(re.findall(r"window\.parent\b\.?\w*", code)) <= {
            "window.parent", "window.parent.postMessage",
        }  # fmt: skip


# --------------------------------------------------------------------------- oEmbed

# https://oembed.com, 2.3.4: what every answer has, and what the type rich has besides.
REQUIRED = {"type": str, "version": str, "html": str, "width": int, "height": int}
OPTIONAL = {
    "title": str, "author_name": str, "author_url": str, "provider_name": str,
    "provider_url": str, "cache_age": int, "thumbnail_url": str, "thumbnail_width": int,
    "thumbnail_height": int,
}  # fmt: skip


def check_oembed(body: dict[str, object]) -> None:
    assert REQUIRED.keys() <= body.keys() <= REQUIRED.keys() | OPTIONAL.keys()
    for name, value in body.items():
        assert type(value) is (REQUIRED | OPTIONAL)[name], name
    assert body["type"] == "rich"
    assert body["version"] == "1.0"
    assert len({f"thumbnail_{n}" for n in ("url", "width", "height")} & body.keys()) in {0, 3}
    html = str(body["html"])
    frame = ET.fromstring(html.replace("allow=", "data-allow="))  # whole markup, one element
    assert frame.tag == "iframe"
    assert frame.get("width") == str(body["width"])
    assert frame.get("height") == str(body["height"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/", "/map", "/map?minutes=5", *FRAMED, "/embed/map?layers=stations&theme=dark"]
)
def test_oembed_answers_in_both_formats_alike(client: FlaskClient, path: str) -> None:
    url = f"http://localhost{path}"
    answer = client.get("/oembed", query_string={"url": url})
    assert answer.mimetype == "application/json"
    body = json.loads(answer.data)
    check_oembed(body)
    xml = client.get("/oembed", query_string={"url": url, "format": "xml"})
    assert xml.content_type == "text/xml; charset=utf-8"
    assert xml.data.startswith(b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>')
    root = ET.fromstring(xml.data)
    assert root.tag == "oembed"
    assert {child.tag: child.text for child in root} == {k: str(v) for k, v in body.items()}
    frame = ET.fromstring(body["html"].replace("allow=", "data-allow="))
    assert client.get(str(frame.get("src"))).status_code == 200
    if "thumbnail_url" in body:
        picture = client.get(body["thumbnail_url"])
        size = Image.open(BytesIO(picture.data)).size
        assert size == (body["thumbnail_width"], body["thumbnail_height"])


@pytest.mark.parametrize(("wide", "high"), [(400, 300), (200, 150), (640, 10_000), (1, 1)])
def test_oembed_stays_within_the_size_that_is_asked_for(
    client: FlaskClient, wide: int, high: int
) -> None:
    for path in ("/map", *FRAMED):
        query = {"url": f"http://localhost{path}", "maxwidth": wide, "maxheight": high}
        body = json.loads(client.get("/oembed", query_string=query).data)
        check_oembed(body)
        assert body["width"] <= wide
        assert body["height"] <= high
        assert body.get("thumbnail_width", 0) <= wide
        assert body.get("thumbnail_height", 0) <= high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("url=http://localhost/map&format=yaml", 501),
        ("url=http://elsewhere.cn/map", 404),
        ("url=http://localhost/planner", 404),
        ("url=http://localhost/embed/map%3Fbbox%3D1", 404),
        ("url=ftp://localhost/map", 404),
        ("url=http://[", 404),
        ("url=x", 404),
        ("", 400),
        ("url=http://localhost/map&maxwidth=wide", 400),
        ("url=http://localhost/map&maxwidth=0", 400),
        ("url=http://localhost/map&nonsense=1", 400),
    ],
)
def test_oembed_refuses_as_the_specification_says(
    client: FlaskClient, query: str, status: int
) -> None:
    answer = client.get(f"/oembed?{query}")
    assert answer.status_code == status
    assert answer.is_json
    assert answer.json["error"]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/map", *FRAMED])
def test_pages_lead_to_their_oembed(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    for kind in ("application/json+oembed", "text/xml+oembed"):
        (href,) = re.findall(
            rf'<link rel="alternate" type="{re.escape(kind)}" href="([^"]+)"', page
        )
        answer = client.get(unescape(href))
        assert answer.status_code == 200
        assert ("json" in kind) == answer.is_json


def test_addresses_are_right_behind_a_proxy(public: Flask) -> None:
    headers = {
        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "riders.example.cn",
        "X-Forwarded-Prefix": "/stations-map",
    }  # fmt: skip
    client, base = public.test_client(), "https://riders.example.cn/stations-map"
    body = client.get(f"/oembed?{urlencode({'url': f'{base}/map'})}", headers=headers).json
    assert f'src="{base}/embed/map"' in body["html"]
    assert body["thumbnail_url"].startswith(f"{base}/embed/map.png?")
    assert (
        client.get("/oembed?url=https://riders.example.cn/map", headers=headers).status_code == 404
    )
    snippet = text_of(client.get("/embed?what=nearest", headers=headers))
    assert f'src="{base}/embed/nearest"' in snippet
    assert 'event.origin !== "https://riders.example.cn"' in snippet


# --------------------------------------------------------------------------- text from people


def hostile_store(store: GeoPackageStore) -> None:
    changes = []
    for layer, shape in (
        ("stations", Point(107.1490, 34.3693)),
        ("hot_zones", box(107.3, 34.2, 107.31, 34.21)),
        ("districts", box(107.3, 34.2, 107.32, 34.22)),
        ("places", Point(107.15, 34.37)),
    ):
        row = store.read(layer).head(1).copy()
        row["id"] = f"hostile-{layer}"
        row["name"] = HOSTILE
        if layer == "hot_zones":
            row["demand_per_h"] = 9000.0
        if layer == "stations":
            row["notice"] = row["access"] = row["source"] = HOSTILE
            row["status"], row["opening_hours"] = "active", "24/7"
        multi = shapely.MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape
        row = gpd.GeoDataFrame(row, geometry=[multi], crs=4326)
        changes.append(Change(layer, row))
    store.apply(*changes, actor="test")


@pytest.mark.slow
def test_text_from_people_stays_text_in_every_embed(
    client: FlaskClient, store: GeoPackageStore
) -> None:
    hostile_store(store)
    for path in (*FRAMED, "/embed", "/embed/nearest?place=" + HOSTILE.replace("&", "")):
        page = client.get(path)
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "<script>alert" not in page.text
    assert HOSTILE in text_of(client.get("/embed/coverage"))
    for path in ("/embed/map.js", "/embed/coverage.js?minutes=5"):
        assert "</script" not in client.get(path).text
        assert "{{7*7}}" in client.get(path).text.replace("{{ 7", "{{7")
    svg = client.get("/embed/map.svg").text
    assert "<script" not in svg
    assert "onerror" not in ET.tostring(ET.fromstring(svg), encoding="unicode")
