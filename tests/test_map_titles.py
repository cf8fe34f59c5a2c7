"""A map's title and legend name what is drawn, in both languages, and nothing else."""

import json
import re

import pytest
from flask.testing import FlaskClient

from locator.maps.payload import build_payload
from locator.questions import Given
from locator.schema import Kind, Language
from locator.service import Service
from locator.showing import MAP_NAMES, MapView, read_map_view, show_view
from locator.study.maps import drawn_layers, map_title


@pytest.mark.parametrize(
    ("drawn", "minutes", "kinds", "zh", "en"),
    [
        (("stations",), (), (), "骑手驿站", "Rider stations"),
        (
            ("stations", "hot_zones", "districts", "places"),
            (),
            (),
            "骑手驿站与配送热区",
            "Rider stations and delivery hot zones",
        ),
        (
            ("stations", "gaps"),
            (5,),
            (),
            "骑手驿站与 5 分钟覆盖缺口",
            "Rider stations and gaps beyond 5 min of a station",
        ),
        (
            ("stations", "reach", "gaps"),
            (5,),
            (Kind.SWAP_CABINET,),
            "换电柜、5 分钟可达范围与 5 分钟覆盖缺口",
            "Battery-swap cabinet, areas within 5 min of a station and gaps beyond 5 min of a "
            "station",
        ),
        (("reach",), (5, 10), (), "5、10 分钟可达范围", "Areas within 5, 10 min of a station"),
        (("gaps",), (), (), "覆盖缺口", "Gaps in coverage"),
        (("districts", "places"), (), (), "区县与地名", "Districts and places"),
        ((), (), (), "地图", "Map"),
    ],
)
def test_a_title_names_what_is_drawn(
    drawn: tuple[str, ...], minutes: tuple[int, ...], kinds: tuple[Kind, ...], zh: str, en: str
) -> None:
    def title(language: Language) -> str:
        return map_title(drawn, language=language, minutes=minutes, kinds=kinds)

    assert (title("zh"), title("en")) == (zh, en)


def view_of(service: Service, asked: dict[str, list[str]]) -> MapView:
    return read_map_view(Given(asked, MAP_NAMES), what="map", now=service.now())


@pytest.mark.parametrize("layers", ["stations", "stations,gaps", "hot_zones", "stations,reach"])
def test_title_and_legend_of_a_view_are_of_its_layers(service: Service, layers: str) -> None:
    asked = {"layers": [layers], "minutes": ["5"]} if "," in layers else {"layers": [layers]}
    view = view_of(service, asked)
    shown = show_view(service, "map", view)
    words = {"stations": "驿站", "gaps": "缺口", "hot_zones": "热区", "reach": "可达范围"}
    payload = build_payload(shown.layers, shown.options)
    keys = {"stations": "stations", "gaps": "gaps", "hot_zones": "zones", "reach": "reach"}
    for name, word in words.items():
        assert (word in shown.options.title) == (name in layers), shown.options.title
        assert bool(payload[keys[name]]) == (name in layers)
    assert set(layers.split(",")) <= set(drawn_layers(shown.layers))


def test_a_layer_without_rows_is_in_neither_title_nor_legend(service: Service) -> None:
    view = view_of(service, {"layers": ["stations,hot_zones"], "bbox": ["107.0,33.0,107.01,33.01"]})
    shown = show_view(service, "map", view)
    assert shown.options.title == "地图"
    assert build_payload(shown.layers, shown.options)["zones"] is None


def test_the_shell_of_a_map_and_the_map_have_one_title(client: FlaskClient) -> None:
    query = {"layers": "stations,gaps", "minutes": "5", "language": "zh"}
    shell = client.get("/embed/map", query_string=query).text
    titles = re.findall(r'class="lmap-title">([^<]+)<', shell)
    script = client.get("/embed/map.js", query_string=query).text
    said = re.search(r"locatorEmbed\.caption\((.*)\);\n$", script)
    assert said is not None
    _caption, title = json.loads(f"[{said[1]}]")
    assert titles == [title] == ["骑手驿站与 5 分钟覆盖缺口"]
