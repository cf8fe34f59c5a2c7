"""Figures: size, bytes, words, and what they do with what people wrote."""

import re
import struct
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from locator.datum import geodesic_m
from locator.errors import DatumError, InputError, LocatorError
from locator.figures import (
    Bar,
    FigureOptions,
    Line,
    build,
    choose_scale_m,
    draw_bars,
    draw_curve,
    draw_heat_table,
    draw_map,
    paper,
    render_figure,
    save_figure,
)
from locator.schema import Kind
from locator.theme import KIND_LOOKS, PALETTE

PAYLOADS = (
    "$\\frac{",
    "${alert(1)}",
    "<img src=x onerror=alert(1)>",
    "a --> b & \"c\" 'd'",
    "$x^2$",
)
CAPTION = "2026年11月23日；直线距离；示例。"


def options(**changes: Any) -> FigureOptions:
    given: dict[str, Any] = {"title": "宝鸡市骑手驿站", "caption": CAPTION, "dpi": 100}
    return FigureOptions(**(given | changes))


def make_stations(count: int = 20, **columns: Any) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(5)
    kinds = [list(Kind)[i % 4].value for i in range(count)]
    table = {
        "id": [f"s{i}" for i in range(count)],
        "name": [f"骑手驿站{i}" for i in range(count)],
        "kind": kinds,
    }
    points = gpd.points_from_xy(rng.uniform(107.1, 107.3, count), rng.uniform(34.34, 34.39, count))
    return gpd.GeoDataFrame(table | columns, geometry=points, crs=4326)


def make_squares(count: int, size: float = 0.01, **columns: Any) -> gpd.GeoDataFrame:
    west = 107.1 + 0.2 * np.arange(count) / max(count, 1)
    squares = [shapely.box(x, 34.36, x + size, 34.36 + size) for x in west]
    table: dict[str, Any] = {"id": [f"z{i}" for i in range(count)]}
    return gpd.GeoDataFrame(table | columns, geometry=squares, crs=4326)


def make_gaps(count: int = 12, **columns: Any) -> gpd.GeoDataFrame:
    table: dict[str, Any] = {
        "rank": range(1, count + 1),
        "zone_name": [f"行政中心商圈{i}" for i in range(count)],
        "unserved_demand_per_h": np.linspace(50, 5, count),
        "area_m2": 1e6,
        "nearest_m": np.linspace(600, 3000, count),
    }
    return make_squares(count, **(table | columns))


def make_districts(**columns: Any) -> gpd.GeoDataFrame:
    shapes = [shapely.box(106.5, 33.8, 107.2, 35.0), shapely.box(107.2, 33.8, 108.0, 35.0)]
    table = {"id": ["1", "2"], "name": ["渭滨区", "陈仓区"], "name_en": ["Weibin", None]}
    return gpd.GeoDataFrame(table | columns, geometry=shapes, crs=4326)


def make_places(**columns: Any) -> gpd.GeoDataFrame:
    table = {"id": ["a", "b"], "name": ["宝鸡市", "虢镇"], "population": [900_000.0, np.nan]}
    points = gpd.points_from_xy([107.15, 107.25], [34.35, 34.38])
    return gpd.GeoDataFrame(table | columns, geometry=points, crs=4326)


def everything() -> dict[str, gpd.GeoDataFrame]:
    return {
        "stations": make_stations(),
        "hot_zones": make_squares(30, demand_per_h=[np.nan, *range(1, 30)], name="商圈"),
        "districts": make_districts(),
        "places": make_places(),
        "gaps": make_gaps(),
    }


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def extents(figure: Figure, start: str = "") -> list[Bbox]:
    """Return the boxes of texts in pixels, measured in the style they are drawn in."""
    with paper.style():
        shown = [text for text in figure.findobj(Text) if text.get_text()]
        return [text.get_window_extent() for text in shown if text.get_text().startswith(start)]


def words(figure: Figure) -> str:
    return "\n".join(texts(figure))


def png_size(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", content[16:24])
    return width, height


class TestSizeAndBytes:
    @pytest.mark.usefixtures("print_dpi")
    def test_it_is_made_for_print(self) -> None:
        assert FigureOptions(title="", caption="").dpi == 300

    @pytest.mark.parametrize(("width_mm", "dpi"), [(170, 300), (120, 72), (156, 150), (210, 96)])
    def test_width_in_pixels(self, width_mm: float, dpi: int) -> None:
        figure = draw_map(stations=make_stations(), options=options(width_mm=width_mm, dpi=dpi))
        width, height = png_size(render_figure(figure, "png"))
        assert width == round(width_mm / 25.4 * dpi)
        assert height == int(figure.get_size_inches()[1] * dpi)

    @pytest.mark.slow
    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_same_input_same_bytes(self, ending: Any) -> None:
        first = draw_map(**everything(), options=options())
        second = draw_map(**everything(), options=options())
        once = render_figure(first, ending)
        assert once == render_figure(first, ending)
        assert once == render_figure(second, ending)

    def test_a_readers_matplotlibrc_does_not_show(self) -> None:
        plain = render_figure(draw_map(**everything(), options=options()), "png")
        with mpl.rc_context(
            {"axes.facecolor": "red", "savefig.bbox": "tight", "lines.marker": "x"}
        ):
            assert render_figure(draw_map(**everything(), options=options()), "png") == plain

    def test_leaves_matplotlib_as_it_was(self) -> None:
        before = dict(mpl.rcParams)
        fonts = list(mpl.font_manager.fontManager.ttflist)
        render_figure(draw_map(**everything(), options=options()), "svg")
        assert dict(mpl.rcParams) == before
        assert fonts == mpl.font_manager.fontManager.ttflist

    def test_threads_do_not_disturb_each_other(self) -> None:
        expected = render_figure(draw_map(stations=make_stations(), options=options()), "svg")
        found: list[bytes] = []

        def run() -> None:
            figure = draw_map(stations=make_stations(), options=options())
            found.append(render_figure(figure, "svg"))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 4

    def test_frames_are_not_changed(self) -> None:
        given, copies = everything(), everything()
        draw_map(**given, options=options())
        for name, frame in given.items():
            pd.testing.assert_frame_equal(frame, copies[name])

    @pytest.mark.parametrize(
        "wrong",
        [
            {"width_mm": 20},
            {"width_mm": float("nan")},
            {"dpi": 10},
            {"dpi": 600, "width_mm": 1200},
            {"caption": "长" * 2001},
        ],
    )
    def test_impossible_options(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            options(**wrong)


class TestWords:
    def test_every_character_is_in_the_font(self) -> None:
        # A missing glyph is a warning, and a warning is an error here.
        places = make_places(name=["骑驿宝鸡渭滨陈仓凤翔岐山扶风眉陇千阳麟游太白", "岐"])
        for language in ("zh", "en"):
            figure = draw_map(
                **(everything() | {"places": places}), options=options(language=language)
            )
            render_figure(figure, "png")
            render_figure(figure, "svg")
        pen = paper.Pen("zh")
        table = "".join(zh + en for zh, en in paper._WORDS.values())
        assert "□" not in pen.plain(table + "".join(kind.zh + kind.en for kind in Kind))

    def test_characters_the_font_lacks_become_boxes(self) -> None:
        places = make_places(name=["😀\u202eabc\x00\nd\ud800", "岐山"])
        figure = draw_map(stations=make_stations(), places=places, options=options())
        assert "□abc d□" in texts(figure)
        ET.fromstring(render_figure(figure, "svg"))

    @pytest.mark.slow
    @pytest.mark.parametrize("payload", PAYLOADS)
    def test_text_from_people_is_literal(self, payload: str) -> None:
        figure = draw_map(
            stations=make_stations(2, name=[payload, None]),
            districts=make_districts(name=payload),
            places=make_places(name=payload),
            gaps=make_gaps(2, zone_name=payload),
            options=options(title=payload, caption=payload, map_approval=payload),
        )
        assert texts(figure).count(payload) >= 4
        assert not any(text.get_parse_math() for text in figure.findobj(Text) if text.get_text())
        svg = render_figure(figure, "svg")
        tags = {re.sub(r"\{.*\}", "", element.tag) for element in ET.fromstring(svg).iter()}
        assert not tags & {"img", "script", "image", "foreignObject", "a"}
        assert b"<img" not in svg
        assert render_figure(figure, "png")

    def test_long_names_are_cut(self) -> None:
        long = "很长的名字" * 40
        figure = draw_map(
            stations=make_stations(1, name=[long]),
            places=make_places(name=long),
            gaps=make_gaps(2, zone_name=long),
            options=options(),
        )
        shown = [text for text in texts(figure) if text.startswith("很长")]
        assert shown
        assert all(text.endswith("…") and len(text) < 40 for text in shown)
        self.check_inside(figure)

    @pytest.mark.slow
    @pytest.mark.parametrize("language", ["zh", "en"])
    @pytest.mark.parametrize("width_mm", [120, 170])
    def test_nothing_sticks_out_of_the_sheet(self, language: Any, width_mm: float) -> None:
        long = "骑手 rest station https://example.org/" + "x" * 90 + " 说明，" * 40
        chosen = options(language=language, width_mm=width_mm, caption=long, title=long[:200])
        figure = draw_map(**everything(), options=chosen)
        assert "".join(long.split()) in "".join(words(figure).split())
        self.check_inside(figure)

    def check_inside(self, figure: Figure) -> None:
        width, height = figure.bbox.size
        for box in extents(figure):
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= width
            assert box.y1 <= height

    def test_language(self) -> None:
        figure = draw_map(**everything(), options=options(language="en"))
        shown = texts(figure)
        assert "Rider rest post (5)" in shown
        assert "Weibin" in shown
        assert "陈仓区" in shown  # has no English name
        assert "District line" in shown

    def test_labels_do_not_overlap(self) -> None:
        rng = np.random.default_rng(1)
        n = 200
        places = gpd.GeoDataFrame(
            {"id": range(n), "name": [f"地名{i}" for i in range(n)], "population": range(n)},
            geometry=gpd.points_from_xy(rng.uniform(107.1, 107.3, n), rng.uniform(34.3, 34.4, n)),
            crs=4326,
        )
        figure = draw_map(stations=make_stations(), places=places, options=options())
        assert "地名199" in texts(figure)  # the largest comes first
        boxes = extents(figure, "地名")
        assert len(boxes) > 10
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])


class TestLegend:
    def test_counts_by_kind_in_words(self) -> None:
        status = ["active"] * 9 + ["closed"]
        kinds = ["rest_post"] * 6 + ["swap_cabinet"] * 2 + ["who knows", None]
        stations = make_stations(10, kind=kinds, status=status)
        shown = texts(draw_map(stations=stations, options=options()))
        assert {"骑手服务驿站（6）", "换电柜（2）", "类型未知（1）"} <= set(shown)
        assert "类型未知，暂停或停用（1）" in shown
        assert not any(text.startswith("流动党员") for text in shown)

    def test_kinds_differ_by_shape_and_colour(self) -> None:
        figure = draw_map(stations=make_stations(), options=options())
        drawn = {
            (line.get_marker(), to_hex(line.get_markerfacecolor()))
            for axes in figure.axes
            for line in axes.get_lines()
        }
        looks = {(look.marker, look.colour) for look in KIND_LOOKS.values()}
        assert looks <= drawn
        assert len({marker for marker, _ in looks}) == len(Kind)

    def test_gaps_are_hatched_and_ranked(self) -> None:
        figure = draw_map(gaps=make_gaps(), options=options())
        hatched: list[Any] = [c for c in figure.axes[1].collections if c.get_hatch()]
        assert [to_hex(c.get_edgecolor()[0]) for c in hatched] == [PALETTE["gap"]]
        svg = render_figure(figure, "svg").decode()
        styles = re.findall(r'style="([^"]*url\(#h[^"]*)"', svg)
        assert len(styles) >= 2
        assert not [style for style in styles if "opacity" in style]  # would fade the hatch
        shown = texts(figure)
        for rank in range(1, 11):
            assert shown.count(str(rank)) == 2  # on the map and in the table
        assert "11" not in shown
        assert "覆盖缺口（12）" in shown

    def test_gaps_without_columns_are_ranked_by_demand_or_area(self) -> None:
        bare = gpd.GeoDataFrame(
            geometry=[
                shapely.box(107.1, 34.3, 107.11, 34.31),
                shapely.box(107.2, 34.3, 107.23, 34.33),
            ],
            crs=4326,
        )
        assert list(build.largest_gaps(bare.to_crs(32648)).index) == [1, 0]
        by_demand = bare.assign(unserved_demand_per_h=[3, None]).to_crs(32648)
        assert list(build.largest_gaps(by_demand).index) == [0, 1]
        assert "未知" in texts(draw_map(gaps=bare, options=options()))

    def test_unknown_numbers_are_said_to_be_unknown(self) -> None:
        gaps = make_gaps(2, nearest_m=[np.inf, 450], unserved_demand_per_h=[None, "x"])
        shown = texts(draw_map(gaps=gaps, options=options()))
        assert shown.count("未知") == 3
        assert "450 m" in shown

    def test_classes_of_demand_count_every_zone(self) -> None:
        zones = make_squares(30, demand_per_h=[np.nan, *range(1, 30)])
        shown = texts(draw_map(hot_zones=zones, options=options()))
        counted = [int(text[:-1].rsplit("（", 1)[1]) for text in shown if text.startswith("热区")]
        assert len(counted) == 4
        assert sum(counted) == 30
        assert "热区，需求未知（1）" in shown


class TestFoot:
    def test_map_approval(self) -> None:
        drawn, number = {"districts": make_districts()}, "GS(2026)1号"
        missing = "未填审图号，仅供内部使用"
        assert missing in texts(draw_map(**drawn, options=options()))
        assert missing not in texts(draw_map(**drawn, options=options(show_districts=False)))
        assert missing not in texts(draw_map(stations=make_stations(), options=options()))
        approved = texts(draw_map(**drawn, options=options(map_approval=number)))
        assert f"审图号：{number}" in approved
        assert missing not in approved
        english = texts(draw_map(**drawn, options=options(language="en")))
        assert "No map approval number: internal use only" in english

    def test_hidden_districts_leave_no_line(self) -> None:
        figure = draw_map(**everything(), options=options(show_districts=False))
        assert "区县界" not in texts(figure)
        assert "渭滨区" not in texts(figure)
        assert len(figure.axes) == 2  # the sheet and the map; no overview

    def test_illustrative_by_option_or_by_a_row(self) -> None:
        stations = make_stations(3, provenance=["surveyed", None, "illustrative"])
        assert "示例数据" in words(draw_map(stations=stations, options=options()))
        assert "示例数据" not in words(draw_map(stations=stations[:2], options=options()))
        marked = draw_map(options=options(illustrative=True, language="en"))
        assert "Illustrative data" in words(marked)

    def test_what_is_not_drawn_is_counted(self) -> None:
        stations = make_stations(30)
        far = gpd.points_from_xy([120.0], [30.0], crs=4326)
        stations.geometry = [*far, None, shapely.Point(np.nan, 1), *stations.geometry[3:]]
        shown = words(draw_map(stations=stations, options=options()))
        assert "图外未画：驿站 " in shown
        assert "位置缺失或不可用，未画：驿站 2。" in shown


class TestLayers:
    def test_nothing_at_all(self) -> None:
        figure = draw_map(options=options())
        assert "没有可画的数据" in texts(figure)
        assert render_figure(figure, "png")

    def test_empty_register(self) -> None:
        shown = texts(draw_map(stations=make_stations(0), options=options()))
        assert "没有驿站。" in shown
        empty = gpd.GeoDataFrame()
        assert "没有驿站。" in texts(
            draw_map(stations=empty, districts=make_districts(), options=options())
        )

    def test_one_station_is_named_on_two_kilometres(self) -> None:
        figure = draw_map(stations=make_stations(1), options=options())
        assert "骑手驿站0" in texts(figure)
        x0, x1 = figure.axes[1].get_xlim()
        assert 2000 <= x1 - x0 < 2500

    @pytest.mark.slow
    @pytest.mark.parametrize("layer", ["stations", "hot_zones", "districts", "places", "gaps"])
    def test_each_layer_alone(self, layer: str) -> None:
        frame = everything()[layer]
        assert render_figure(draw_map(**{layer: frame}, options=options()), "svg")
        bare = frame[["geometry"]]
        assert render_figure(draw_map(**{layer: bare}, options=options()), "svg")

    def test_unusual_polygons(self) -> None:
        bowtie = shapely.Polygon([(107.1, 34.3), (107.2, 34.4), (107.2, 34.3), (107.1, 34.4)])
        ring = shapely.box(107.1, 34.3, 107.2, 34.4).difference(
            shapely.box(107.12, 34.32, 107.18, 34.38)
        )
        mixed = shapely.GeometryCollection([ring, shapely.LineString([(107, 34), (108, 35)])])
        gaps = gpd.GeoDataFrame(geometry=[bowtie, ring, mixed, shapely.Polygon()], crs=4326)
        figure = draw_map(gaps=gaps, options=options())
        assert "覆盖缺口 1。" in words(figure)
        render_figure(figure, "svg")

    def test_another_datum_is_refused(self) -> None:
        with pytest.raises(InputError, match="stations"):
            draw_map(stations=make_stations().to_crs(3857), options=options())
        with pytest.raises(InputError, match="gaps"):
            draw_map(gaps=make_gaps().set_crs(None, allow_override=True), options=options())
        metres = make_stations(2)
        metres.geometry = gpd.points_from_xy([4e5, 5e5], [3e6, 4e6], crs=4326)
        with pytest.raises(DatumError):
            draw_map(stations=metres, options=options())

    def test_map_shows_gaps_and_not_the_whole_prefecture(self) -> None:
        gaps = make_gaps(40)
        gaps.loc[39, "geometry"] = shapely.box(107.9, 34.9, 107.91, 34.91)  # with little demand
        figure = draw_map(**(everything() | {"gaps": gaps}), options=options())
        x0, x1 = figure.axes[1].get_xlim()
        assert x1 - x0 < 30_000
        assert len(figure.axes) == 3  # the overview
        assert re.search(r"图外未画：.*覆盖缺口 [1-3]。", words(figure))

    def test_extent_can_be_given(self) -> None:
        chosen = options(extent=(107.1, 34.35, 107.14, 34.38))
        figure = draw_map(**everything(), options=chosen)
        x0, x1 = figure.axes[1].get_xlim()
        assert 3600 < x1 - x0 < 5000


class TestScale:
    @pytest.mark.parametrize(
        ("width_m", "length_m"),
        [
            (2000, 500),
            (3999, 500),
            (4000, 1000),
            (30_000, 5000),
            (79_999, 10_000),
            (80_000, 20_000),
        ],
    )
    def test_choose(self, width_m: float, length_m: float) -> None:
        assert choose_scale_m(width_m) == length_m

    @pytest.mark.parametrize("width_m", [0, -5, float("inf"), float("nan")])
    def test_no_width(self, width_m: float) -> None:
        with pytest.raises(InputError):
            choose_scale_m(width_m)

    def test_bar_is_as_long_as_it_says(self) -> None:
        figure = draw_map(**everything(), options=options())
        axes = figure.axes[1]
        bar: Any = next(patch for patch in axes.patches if patch.get_gid() == "scale-bar")
        assert bar.get_width() == choose_scale_m(np.ptp(axes.get_xlim()))
        assert f"{bar.get_width() / 1000:g} km" in texts(figure)

    def test_a_kilometre_on_the_map_is_one_on_the_ground(self) -> None:
        stations = make_stations(2, name=["a", "b"], kind="rest_post")
        figure = draw_map(stations=stations, options=options())
        line = figure.axes[1].get_lines()[0]
        pixels = figure.axes[1].transData.transform(np.asarray(line.get_xydata()))
        bar: Any = next(p for p in figure.axes[1].patches if p.get_gid() == "scale-bar")
        scale = bar.get_window_extent().width / bar.get_width()
        lon, lat = stations.geometry.x, stations.geometry.y
        ground = geodesic_m(lon[:1], lat[:1], lon[1:], lat[1:])[0]
        assert np.hypot(*(pixels[1] - pixels[0])) / scale == pytest.approx(ground, rel=1e-4)


class TestSave:
    @pytest.mark.parametrize("name", ["map.png", "map.SVG"])
    def test_by_ending(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        save_figure(draw_map(stations=make_stations(), options=options()), path)
        assert path.read_bytes()[:5] in {b"\x89PNG\r", b"<?xml"}
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("name", ["map.pdf", "map", "map.png.txt"])
    def test_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError):
            save_figure(draw_map(options=options()), tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_a_failure_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "map.png"
        path.write_bytes(b"old")
        figure = draw_map(options=options())

        def half(self: Path, content: bytes) -> int:
            with self.open("wb") as stream:
                stream.write(content[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", half)
        with pytest.raises(OSError, match="space"):
            save_figure(figure, path)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    def test_without_the_font_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.metadata.files", lambda _: None)
        with pytest.raises(LocatorError, match="zhplot"):
            draw_map(options=options())

    def test_svg_says_what_it_is_and_no_date(self) -> None:
        figure = draw_map(stations=make_stations(), options=options(title="缺口 & 驿站"))
        root = ET.fromstring(render_figure(figure, "svg"))
        assert root.findtext("{http://www.w3.org/2000/svg}title") == "缺口 & 驿站"
        assert not [e for e in root.iter() if e.tag.endswith("}date")]


@pytest.mark.slow
def test_pyplot_stays_out() -> None:
    code = "import sys, locator.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def charts(**changes: Any) -> dict[str, Figure]:
    """Return one chart of each sort."""
    x = np.arange(1.0, 31.0)
    shares = np.linspace(0, 1, 168)
    shares[5] = np.nan
    name = changes.pop("name", "饮水")
    look = options(**changes)
    days = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"]
    return {
        "heat": draw_heat_table(shares, days=days, worst=162, options=look),
        "curve": draw_curve([Line(name, x, x / 30)], marks=[(5, name)], unit=name, options=look),
        "bars": draw_bars(
            [Bar(name, 0.9, 0.5), Bar("—", None)], names=("a", "b"), percent=True, options=look
        ),
    }


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_heat_table_has_a_number_for_each_hour_and_a_dash_for_none() -> None:
    texts = written(charts()["heat"])
    assert texts.count("–") == 1
    numbers = [text for text in texts if text.isdigit() and len(text) < 4]
    assert len(numbers) == 24 + 167


def test_a_heat_table_tells_low_from_high_in_grey() -> None:
    figure = draw_heat_table(
        np.linspace(0, 1, 168), days=["d"] * 7, worst=None, options=options(dpi=50)
    )
    faces = [patch.get_facecolor()[:3] for patch in figure.axes[0].patches][:168]
    grey = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in faces]
    assert all(a < b for a, b in pairwise(grey))


@pytest.mark.slow
@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_in_charts_are_text(payload: str) -> None:
    for name, figure in charts(name=payload, title=payload).items():
        svg = render_figure(figure, "svg")
        assert all(not e.tag.endswith("script") for e in ET.fromstring(svg).iter())
        if name != "heat":
            assert any(text.startswith(payload[:6]) for text in written(figure))


@pytest.mark.slow
def test_charts_are_the_same_bytes_again() -> None:
    for name, figure in charts().items():
        for ending in ("png", "svg"):
            again = charts()[name]
            assert render_figure(figure, ending) == render_figure(again, ending)


def test_charts_that_cannot_be() -> None:
    look = options()
    with pytest.raises(InputError, match="168 hours"):
        draw_heat_table(np.zeros(24), days=["d"] * 7, worst=None, options=look)
    with pytest.raises(InputError, match="needs a line"):
        draw_curve([], marks=[], unit="", options=look)
    for bars in ([], [Bar("a", -1.0)], [Bar("a", np.inf)]):
        with pytest.raises(InputError, match="Bars need"):
            draw_bars(bars, names=("a", "b"), percent=False, options=look)
    nothing = draw_bars([Bar("a", 0.0)], names=("a", ""), percent=False, options=look)
    assert "0" in written(nothing)


def test_a_map_of_changes_shows_all_of_them_and_counts_them() -> None:
    gained, lost = make_squares(1), make_squares(1).translate(0.3, 0.1)
    lost = gpd.GeoDataFrame({"id": ["l"]}, geometry=lost, crs=4326)
    figure = draw_map(
        stations=make_stations(), changes={"gained": gained, "lost": lost}, options=options()
    )
    texts = written(figure)
    assert "新增覆盖（1）" in texts
    assert "不再覆盖（1）" in texts
    assert not [text for text in texts if "不再覆盖 1" in text]  # none outside of the map


@pytest.mark.parametrize(
    "values", [(5, 6, 10), (5, 5.5, 6, 6.5, 7), (1, 29, 29.5, 30), (10, 5, 6)], ids=str
)
def test_names_of_close_standards_do_not_overprint(values: tuple[float, ...]) -> None:
    """Each name keeps clear of every other, and stays inside the sheet."""
    x = np.linspace(1.0, 30.0, 30)
    names = [f"{value:g} min 91.4%" for value in values]
    marks = list(zip(values, names, strict=True))
    figure = draw_curve([Line("now", x, x / 30)], marks=marks, unit="min", options=options())
    shown = {t.get_text(): t.get_window_extent() for t in figure.findobj(Text) if t.get_text()}
    named = [shown[name] for name in names]
    for i, one in enumerate(named):
        assert one.x1 <= figure.bbox.x1
        for other in named[i + 1 :]:
            assert not one.overlaps(other)


def test_the_heading_of_the_table_of_gaps_is_not_cut() -> None:
    """Where every name is shorter than the heading, the column is just as wide as that."""
    gaps = make_gaps(zone_name=None)
    for language, heading in (("en", "Largest gaps"), ("zh", "最大的缺口")):
        figure = draw_map(gaps=gaps, options=options(language=language))
        assert heading in texts(figure)
    areas = gaps.assign(gaps=1).rename(columns={"unserved_demand_per_h": "unserved_demand"})
    said = texts(draw_map(gaps=areas, options=options(language="en")))
    assert {"Largest gap areas", "Unserved"} <= set(said)
    assert "Unserved/h" not in said


def test_an_overview_shows_districts_and_data_that_lie_far_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Gaps 1,300 km east of the districts: both lie in the overview, which stays a square."""
    far = make_gaps().translate(xoff=14.0, yoff=-3.0)
    gaps = make_gaps().set_geometry(far)
    figure = draw_map(gaps=gaps, districts=make_districts(), options=options())
    render_figure(figure, "svg")
    assert not caplog.records
    overview = figure.axes[-1]
    (x0, x1), (y0, y1) = overview.get_xlim(), overview.get_ylim()
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert x1 - x0 > 1_000_000
    assert overview.collections
    for collection in overview.collections:
        for path in collection.get_paths():
            box = path.get_extents()
            assert x0 < box.x0 < box.x1 < x1
            assert y0 < box.y0 < box.y1 < y1


def test_states_stand_in_the_legend_each_with_its_count() -> None:
    """Of 20 stations of four kinds in turn, the first ten are open, six closed, four unknown."""
    states = ["open"] * 10 + ["closed"] * 6 + ["unknown"] * 4
    figure = draw_map(stations=make_stations(20).assign(state=states), options=options())
    texts = [text.get_text() for text in figure.axes[0].texts]
    kind = Kind.REST_POST.label("zh")  # rows 0, 4, 8, 12 and 16
    assert f"{kind}（3）" in texts
    assert f"{kind}，其时关门（1）" in texts
    assert f"{kind}，时间未知（1）" in texts
    plain = draw_map(stations=make_stations(20), options=options())
    assert f"{kind}（5）" in [text.get_text() for text in plain.axes[0].texts]


@pytest.mark.parametrize("height_mm", [120, 170, 260])
def test_a_figure_is_as_high_as_it_shall_be_and_the_map_takes_the_room(height_mm: float) -> None:
    figure = draw_map(stations=make_stations(), options=options(height_mm=height_mm))
    size_mm = figure.get_size_inches() * 25.4
    assert size_mm == pytest.approx([170, height_mm], abs=0.3)  # in whole pixels
    box = figure.axes[1].get_position()
    assert box.width * size_mm[0] == pytest.approx(162, abs=0.5)
    assert box.height * size_mm[1] > 0.3 * height_mm
    # A metre is as long upwards as sideways.
    x0, x1 = figure.axes[1].get_xlim()
    y0, y1 = figure.axes[1].get_ylim()
    shape = (y1 - y0) / (x1 - x0)
    assert box.height * size_mm[1] / (box.width * size_mm[0]) == pytest.approx(shape, rel=0.01)


def test_a_height_without_room_for_the_map_is_refused_with_the_one_it_needs() -> None:
    with pytest.raises(InputError, match="leaves no room") as refused:
        draw_map(stations=make_stations(), options=options(height_mm=62))
    (needed,) = re.findall(r"at least (\d+) mm", str(refused.value))
    draw_map(stations=make_stations(), options=options(height_mm=float(needed)))
    with pytest.raises(InputError, match="60 to 1200"):
        options(height_mm=20)
