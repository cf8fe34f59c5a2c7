"""The report: the study's numbers, in both languages, the same bytes, and texts that stay texts."""

import base64
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import docx
import geopandas as gpd
import openpyxl
import pytest
from click.testing import CliRunner, Result
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page

from locator.cli import main
from locator.coverage.reasons import Reason
from locator.errors import InputError, StudyError
from locator.figures.paper import Pen
from locator.report import write_report
from locator.report.blocks import digits_of, show
from locator.report.document import repack
from locator.report.folder import FOLDER_VERSION
from locator.report.gaps import whole_percents
from locator.report.labels import (
    CODES,
    COLUMNS,
    DAYS,
    SETTINGS,
    TABLES,
    WINDS,
    code_label,
    column_of,
    hour_label,
    standard_label,
)
from locator.report.pictures import areas_to_draw
from locator.report.reading import read_gaps
from locator.report.sentences import in_language, translate
from locator.schema import Amenity, Host, Kind, Language
from locator.service import open_service
from locator.settings import Settings
from locator.study import Question, gaps_inputs, parse_scenario, parse_standards, run_gaps
from locator.travel import StraightLine
from tests.conftest import FIGURES_DPI, MONDAY_NOON, fixed_clock, local
from tests.patience import patience
from tests.road_support import graph_of

LANGUAGES: tuple[Language, ...] = ("zh", "en")
REPORT = ("report.html", "report.docx", "tables.xlsx")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "{{ 7*7 }}{% raw %}",
    "${alert(1)} $x^2$",
    "a\x0bb",
)
SCENARIO = """
name: night
close: [BJ-R-013]
open: [BJ-R-001]
services: {BJ-R-002: [battery_swap, tools]}
add:
  - {id: X-1, name: New post, kind: rest_post, status: active, lon: "107.2151", lat: "34.42093"}
"""


def study(store: Path, out: Path, **asked: Any) -> Path:
    """Run a study on a store at noon of a Monday."""
    asked.setdefault("standards", parse_standards(minutes="5,10", metres=None))
    points = asked.pop("points", None)
    settings = Settings(store=f"geopackage:{store}", basemap="none")
    with open_service(settings, clock=fixed_clock) as service:
        inputs = gaps_inputs(service, points=points, hot_zones=asked.pop("hot_zones", None))
        run_gaps(service, inputs, Question(**asked), out=out, report="zh")
    return out


@pytest.fixture(scope="module")
def store_file(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store for this module's studies, which only read it."""
    path = tmp_path_factory.mktemp("reporting") / "store.gpkg"
    shutil.copy(loaded_store, path)
    return path


@pytest.fixture(scope="module")
def weekly(store_file: Path) -> Path:
    """Return a study of a week with a scenario, its report in Chinese."""
    scenario = parse_scenario(SCENARIO, source="night.yaml")
    out = store_file.parent / "weekly"
    return study(store_file, out, week_of=MONDAY_NOON.date(), scenario=scenario)


@pytest.fixture(scope="module")
def english(weekly: Path) -> Path:
    """Return the same study with its report in English."""
    folder = weekly.parent / "english"
    shutil.copytree(weekly, folder)
    write_report(folder, language="en")
    return folder


@pytest.fixture(scope="module")
def points(store_file: Path) -> Path:
    """Return a study of demand points at an hour, in metres, two points of it rejected."""
    file = store_file.parent / "points.csv"
    rows = [f"{107.12 + i / 500},{34.35 + i / 1000},{i + 1},p{i}" for i in range(30)]
    text = "\n".join(["lon,lat,demand_per_h,name", *rows, "abc,34,1,=bad", "207,34,1,bad"])
    file.write_text(text, encoding="utf-8")
    metres = parse_standards(minutes=None, metres="500.5,1000")
    out = store_file.parent / "by-points"
    return study(store_file, out, points=file, at=local("2026-11-28T22:00"), standards=metres)


@pytest.fixture
def folder(points: Path, tmp_path: Path) -> Path:
    """Return a copy of a finished study to spoil: the one that is made anew the fastest."""
    return Path(shutil.copytree(points, tmp_path / "study"))


def of(language: Language, weekly: Path, english: Path) -> Path:
    return weekly if language == "zh" else english


class Tags(HTMLParser):
    """Collects a page's elements and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


def document_text(folder: Path) -> str:
    document = docx.Document(str(folder / "report.docx"))
    cells = (c.text for t in document.tables for row in t.rows for c in row.cells)
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


# What it says


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_document_have_the_manifests_numbers(
    language: Language, weekly: Path, english: Path
) -> None:
    folder = of(language, weekly, english)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    week = summary["week"]
    wanted = [f"{r['covered_share']:.1%}" for r in [*summary["results"], summary["before"][0]]]
    wanted += [f"{week[key]:.1%}" for key in ("covered_share", "lost_to_hours")]
    wanted += [f"{week['worst_unserved_per_h']:,.0f}", hour_label(week["worst_hour"], language)]
    wanted += [summary["data_hash"], summary["made_at"][:10], summary["program"], "X-1 New post"]
    wanted += [translate(summary["travel"], language), translate(summary["hours"], language)]
    for text in ("".join(Tags(page_of(folder)).texts), document_text(folder)):
        assert not [number for number in wanted if number not in text]


def test_the_worst_hour_is_said_as_the_tables_have_it(english: Path) -> None:
    """Of the unserved at the worst hour, (always - covered) / (demand - covered) is near."""
    tables = json.loads((english / "tables.json").read_text("utf-8"))
    rows = [dict(zip(tables["hours"]["columns"], r, strict=True)) for r in tables["hours"]["rows"]]
    worst = max(rows, key=lambda row: row["demand_per_h"] - row["covered_per_h"])
    unserved = worst["demand_per_h"] - worst["covered_per_h"]
    near = (worst["always_per_h"] - worst["covered_per_h"]) / unserved
    when = hour_label(worst["hour"], "en")
    text = "".join(Tags(page_of(english)).texts)
    assert f"On {when}, {unserved:,.0f} orders an hour lie beyond 5 min" in text
    assert f"{near:.0%} of them are near one that is closed" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_caption_says_what_it_rests_on(
    language: Language, weekly: Path, english: Path
) -> None:
    folder = of(language, weekly, english)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page_of(folder), re.DOTALL)
    assert len(captions) == 7
    made_up = "示例数据" if language == "zh" else "illustrative data"
    for caption in captions:
        for part in (summary["made_at"][:10], summary["data_hash"], made_up):
            assert part in caption
    # The week's figure is of the week, not of the study's hour.
    of_hour = translate(summary["hours"], language)
    of_week = "起一周逐小时" if language == "zh" else "hour by hour in the week from"
    assert sum(of_hour in caption.replace("&#39;", "'") for caption in captions) == 6
    assert [of_week in caption for caption in captions].index(True) == [
        of_hour in caption.replace("&#39;", "'") for caption in captions
    ].index(False)
    document = docx.Document(str(folder / "report.docx"))
    written = [p.text for p in document.paragraphs if p.style and p.style.name == "Caption"]
    assert sum(made_up in text for text in written) == 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_illustrative_data_are_called_so_before_anything_else(
    language: Language, weekly: Path, english: Path
) -> None:
    page = page_of(of(language, weekly, english))
    band = page.index('<p class="band"')
    assert band < page.index("<h2>")
    assert ("示例数据" if language == "zh" else "Illustrative data") in page[band : band + 100]


@pytest.mark.slow
def test_a_study_of_points_at_an_hour_says_weights_and_rejected_rows(points: Path) -> None:
    text = "".join(Tags(page_of(points)).texts)
    assert "500.5 米" in text
    assert "2 个需求点因无法读取被拒" in text
    assert "=bad" in text
    assert "单/小时" not in text
    assert "未覆盖（权重）" in text
    assert "未逐小时研究一周" in text
    assert not (points / "figures" / "week.svg").exists()


@pytest.mark.slow
def test_points_without_weights_are_points_and_no_orders_an_hour(
    store_file: Path, tmp_path: Path
) -> None:
    """Two points, one beside a station: 1 of 2, and over the week each counts at 168 hours."""
    file = tmp_path / "two.csv"
    with open_service(Settings(store=f"geopackage:{store_file}"), clock=fixed_clock) as service:
        at = service.snapshot().stations.geometry.iloc[0]
    file.write_text(f"lon,lat\n{at.x},{at.y}\n107.5,34.1\n", encoding="utf-8")
    folder = study(store_file, tmp_path / "two", points=file, week_of=MONDAY_NOON.date())
    write_report(folder, language="en")
    text = "".join(Tags(page_of(folder)).texts)
    assert "(1 of 2 points)" in text
    assert "Unserved (points)" in text
    sheets = openpyxl.load_workbook(folder / "tables.xlsx").worksheets
    heads = [str(cell.value) for sheet in sheets for cell in sheet[1]]
    assert any("(point-hours)" in head for head in heads)
    assert not [head for head in heads if "orders" in head or "/h" in head]
    assert not re.search(r"orders|points?/h|points? an hour|per hour", text.partition("Method")[0])
    assert read_gaps(folder).summary["demand_unit"] == "points"


@pytest.mark.slow
def test_a_study_without_gaps_or_stations_is_reported_too(store_file: Path, tmp_path: Path) -> None:
    far = parse_standards(minutes="600", metres=None)
    text = page_of(study(store_file, tmp_path / "all", standards=far))
    assert "没有缺口" in text
    from locator.nearest import StationFilter

    nobody = StationFilter(services=frozenset(Amenity), platform="nobody")
    none = study(store_file, tmp_path / "none", chosen=nobody, week_of=MONDAY_NOON.date())
    assert "没有计入任何站点" in page_of(none)
    for name in REPORT:
        assert (none / name).stat().st_size > 1000


# Words


def test_every_column_and_code_of_a_study_has_words(weekly: Path, points: Path) -> None:
    for folder in (weekly, points):
        for name, table in read_gaps(folder).tables.items():
            assert name in TABLES, name
            for column in table.columns:
                known = column_of(column)
                assert known.zh, column
                assert known.en, column
                assert known.zh != known.en
                if known.form not in {"code", "codes"}:
                    continue
                for record in table.records():
                    for code in str(record[column] or "").split(";"):
                        assert not code or code in CODES[column], f"{name}.{column}: {code}"


def test_every_code_of_the_program_has_words() -> None:
    enums = {"kind": Kind, "host": Host, "service": Amenity, "reason": Reason}
    for column, members in enums.items():
        assert {member.value for member in members} == set(CODES[column])
    pairs = [pair for codes in CODES.values() for pair in codes.values()]
    for zh, en in [*pairs, *TABLES.values(), *DAYS, *SETTINGS.values()]:
        assert zh
        assert en
        assert not re.search(r"[一-鿿]", en)
    assert set(SETTINGS) == {field for field in vars(Settings()) if field != "basemap_key"}


def test_every_word_has_its_glyphs_in_the_figures() -> None:
    pairs = [pair for codes in CODES.values() for pair in codes.values()]
    pairs += [(column.zh, column.en) for column in COLUMNS.values()]
    pairs += [*TABLES.values(), *DAYS, *WINDS.values()]
    for number, language in enumerate(LANGUAGES):
        pen = Pen(language)
        for pair in pairs:
            assert "□" not in pen.plain(pair[number]), pair[number]


def test_what_a_study_says_in_english_is_said_in_chinese(weekly: Path, points: Path) -> None:
    assert translate(StraightLine(18, 1.3).describe(), "zh") == StraightLine(18, 1.3).describe("zh")
    for folder in (weekly, points):
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        for sentence in (summary["travel"], summary["hours"], summary["demand"], *summary["notes"]):
            assert re.search(r"[一-鿿]", translate(sentence, "zh")), sentence
            assert translate(sentence, "en") == sentence
    assert translate("Something new.", "zh") == "Something new."


def test_the_roads_are_described_as_the_roads_describe_themselves() -> None:
    from locator.travel.roads import Roads

    roads = Roads(graph_of("barriers"))
    assert translate(roads.describe(), "zh") == roads.describe("zh")


def test_shares_in_whole_per_cent_add_up() -> None:
    """Thirds are 34, 33, 33; 0.5 + 49.75 + 49.75 is 0 + 50 + 50; nothing is 0."""
    assert whole_percents([1, 1, 1]) == [34, 33, 33]
    assert whole_percents([0.5, 49.75, 49.75]) == [0, 50, 50]
    assert whole_percents([26.5, 26.5, 47]) == [27, 26, 47]
    assert whole_percents([0, 0]) == [0, 0]
    assert whole_percents([29, 71]) == [29, 71]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=9).filter(lambda v: sum(v) > 1e-3))
def test_whole_per_cents_are_100_and_each_within_one(amounts: list[float]) -> None:
    shares = whole_percents(amounts)
    assert sum(shares) == 100
    for share, amount in zip(shares, amounts, strict=True):
        assert abs(share - 100 * amount / sum(amounts)) < 1 + 1e-6


def test_numbers_of_a_column_have_decimals_alike() -> None:
    assert digits_of([100.4, 3.0, None]) == 0
    assert digits_of([35.0, 9.4]) == 1
    assert digits_of([0.5, 9.99]) == 2
    assert digits_of([]) == 2
    assert show(9.4, "number", "en", digits=1) == "9.4"


def test_a_text_in_two_languages_gives_the_one_that_is_asked() -> None:
    both = "示意：均为虚构。Illustrative: all is made up (News, 2022). No more."
    assert in_language(both, "zh") == "示意：均为虚构。"
    assert in_language(both, "en") == "Illustrative: all is made up (News, 2022). No more."
    assert in_language("只有中文", "en") == "只有中文"
    assert in_language("English. Only.", "zh") == "English. Only."


@pytest.mark.parametrize("language", LANGUAGES)
def test_settings_and_scenario_are_words(language: Language, weekly: Path, english: Path) -> None:
    text = document_text(of(language, weekly, english))
    for code in ("battery_swap", "straightline", "geopackage:"):
        assert code not in text
    assert ("BJ-R-002: 换电" if language == "zh" else "BJ-R-002: Battery swap") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_warnings_stand_on_the_first_page(language: Language, weekly: Path, english: Path) -> None:
    page = page_of(of(language, weekly, english))
    bands = re.findall(r'<p class="band"[^>]*>(.*?)</p>', page, re.DOTALL)
    said = "在服务中" if language == "zh" else "in service already"
    assert any("BJ-R-001" in band and said in band for band in bands)


def test_chinese_captions_have_no_stray_space(weekly: Path) -> None:
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page_of(weekly), re.DOTALL)
    assert captions
    assert not [caption for caption in captions if " （" in caption]
    assert not [caption for caption in captions if "Illustrative" in caption]


def test_the_map_has_the_numbers_of_the_table(english: Path) -> None:
    """The ranks over the figure, in the page's map and in the first table are those of areas."""
    areas = read_gaps(english).tables["gap_areas"]
    assert areas.numbers("rank") == [float(n + 1) for n in range(len(areas.rows))]
    drawn = areas_to_draw(read_gaps(english).layers["gap_areas"], demand_unit="orders")
    assert list(drawn["rank"]) == areas.numbers("rank")
    page = (english / "map.html").read_text("utf-8")
    for row in areas.records():
        assert f"缺口片区 {row['rank']} · {row['zone_names']}" in page
    assert "缺口 1 ·" not in page


def test_a_table_says_what_it_is_sorted_by(weekly: Path, english: Path) -> None:
    assert "按“关闭将失去（单/周）”由大到小" in page_of(weekly)
    assert "by “Lost if closed (orders/week)”, the largest first" in page_of(english)
    assert "first 9, tables.xlsx all 9" not in page_of(english)


def test_short_tables_stay_whole_and_captions_with_them(weekly: Path) -> None:
    document = docx.Document(str(weekly / "report.docx"))
    for name in ("Heading 1", "Heading 2"):
        assert document.styles[name].paragraph_format.keep_with_next  # type: ignore[attr-defined]
    grids = [t for t in document.tables if t.rows[0]._tr.findall(f".//{qn('w:tblHeader')}")]
    for table in grids:
        kept = [bool(row.cells[0].paragraphs[0].paragraph_format.keep_with_next)
                for row in table.rows]  # fmt: skip
        assert kept[0]
        assert not kept[-1]
        assert all(kept[:-1]) or len(kept) > 16


def test_tables_hold_no_noise_of_sums(weekly: Path) -> None:
    for name, table in read_gaps(weekly).tables.items():
        for column in table.columns:
            tiny = [v for v in table.numbers(column) if v is not None and 0 < abs(v) < 1e-12]
            assert not tiny, (name, column)


def test_cells_are_shown_in_the_unit_of_their_header() -> None:
    assert show(0.5, "share", "en") == "50.0"
    assert show(-0.0123, "change", "en") == "-1.2"
    assert show(1e-9, "change", "en") == "0.0"
    assert show(90.0, "minutes", "en") == "1.5"
    assert show(162, "hour", "zh") == "周日 18:00"
    assert show(None, "share", "zh") == "—"
    assert show(float("nan"), "number", "en") == "—"
    assert show(False, "flag", "zh") == "否"
    assert show("seats;toilet", "codes", "en", column="missing_services") == "Seats, Toilet"
    assert standard_label("2.5 min", "zh") == "2.5 分钟"
    assert code_label("reason", "something_new", "zh") == "something_new"
    with pytest.raises(InputError, match="knows no column"):
        column_of("favourite_colour")


# The same input, the same bytes


@pytest.mark.slow
def test_two_runs_give_the_same_bytes_in_every_file(
    store_file: Path, weekly: Path, tmp_path: Path
) -> None:
    scenario = parse_scenario(SCENARIO, source="night.yaml")
    again = study(store_file, tmp_path / "weekly", week_of=MONDAY_NOON.date(), scenario=scenario)
    files = sorted(p.relative_to(weekly) for p in weekly.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert len(files) > 20
    differ = [str(f) for f in files if (weekly / f).read_bytes() != (again / f).read_bytes()]
    assert differ == []


@pytest.mark.slow
def test_a_report_is_a_function_of_its_folder(weekly: Path, english: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(english, folder)
    write_report(folder, language="zh")
    for name in (*REPORT, "figures/gaps.png", "figures/change.svg", "summary.json"):
        assert (folder / name).read_bytes() == (weekly / name).read_bytes(), name


def test_office_files_do_not_hang_on_what_else_is_loaded(weekly: Path) -> None:
    """Libraries tell Python's XML writer prefixes of their own: OWSLib, here in its place."""
    content = (weekly / "tables.xlsx").read_bytes()
    other = io_with(content, {b"dcterms:": b"dct:", b"xmlns:dcterms=": b"xmlns:dct="})
    moment = "2026-11-23T04:00:00Z"
    assert repack(other, modified=moment) == repack(content, modified=moment)


def io_with(content: bytes, words: dict[bytes, bytes]) -> bytes:
    """Return an Office file whose core properties have other words."""
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                for one, other in words.items():
                    data = data.replace(one, other)
            target.writestr(name, data)
    return packed.getvalue()


def test_office_files_hold_no_time_of_writing(weekly: Path) -> None:
    for name in ("report.docx", "tables.xlsx"):
        with zipfile.ZipFile(weekly / name) as archive:
            assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
            core = archive.read("docProps/core.xml").decode()
        dates = re.findall(r"<dcterms:(created|modified)[^>]*>([^<]*)<", core)
        assert sorted(dates) == [
            ("created", "2026-11-23T04:00:00Z"),
            ("modified", "2026-11-23T04:00:00Z"),
        ]
    content = (weekly / "tables.xlsx").read_bytes()
    assert repack(content, modified="2026-11-23T04:00:00Z") == content


# Texts from people


@pytest.fixture(scope="module")
def hostile(store_file: Path) -> Path:
    """Return a study whose zones, stations and scenario are named by somebody unkind."""
    place = store_file.parent
    with open_service(Settings(store=f"geopackage:{store_file}"), clock=fixed_clock) as service:
        zones = service.snapshot().hot_zones.head(20).copy()
    zones["name"] = [HOSTILE[i % len(HOSTILE)] for i in range(len(zones))]
    zones["provenance"] = None
    zones.to_file(place / "hostile.gpkg")
    places = zip(HOSTILE[:6], zones.geometry.representative_point(), strict=False)
    added = [
        {
            "id": f"X{i}",
            "name": name,
            "kind": "rest_post",
            "status": "active",
            "lon": str(at.x),
            "lat": str(at.y),
        }
        for i, (name, at) in enumerate(places)
    ]
    text = json.dumps({"name": HOSTILE[0], "close": [f"BJ-R-{i:03d}" for i in range(1, 90)],
                       "add": added})  # fmt: skip
    scenario = parse_scenario(text, source="hostile.yaml")
    return study(
        store_file,
        place / "hostile",
        hot_zones=place / "hostile.gpkg",
        scenario=scenario,
        standards=parse_standards(minutes="1", metres=None),
    )


@pytest.mark.slow
def test_hostile_names_are_text_in_the_page(hostile: Path) -> None:
    tags = Tags(page_of(hostile))
    assert not {tag for tag, _ in tags.found} & {"script", "iframe", "object", "embed", "link"}
    images = [attributes for tag, attributes in tags.found if tag == "img"]
    assert all((image["src"] or "").startswith("data:image/svg+xml;base64,") for image in images)
    assert not [a for _, attributes in tags.found for a in attributes if a.startswith("on")]
    text = "".join(tags.texts)
    for name in HOSTILE[:6]:
        assert name in text
    assert "49{% raw %}" not in text
    for image in images:
        svg = base64.b64decode((image["src"] or "").partition(",")[2])
        for element in ET.fromstring(svg).iter():
            assert not element.tag.endswith("script")
            assert not [name for name in element.attrib if name.startswith("on")]


def test_hostile_names_are_text_in_word_and_excel(hostile: Path) -> None:
    text = document_text(hostile)
    for name in HOSTILE[:6]:
        assert name in text
    assert "ab" in text  # the control character is gone
    book = openpyxl.load_workbook(hostile / "tables.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    found = {str(cell.value): cell for cell in cells if cell.value in HOSTILE}
    for name in HOSTILE[:6]:
        assert name in found, name
    assert found[HOSTILE[2]].quotePrefix
    assert found[HOSTILE[3]].data_type == "s"


# Files as their readers need them


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_from_elsewhere(
    language: Language, weekly: Path, english: Path
) -> None:
    page = page_of(of(language, weekly, english))
    tags = Tags(page)
    assert {"script", "link", "iframe", "base"}.isdisjoint(tag for tag, _ in tags.found)
    addresses = [v or "" for _, a in tags.found for k, v in a.items() if k in {"src", "href"}]
    assert len(addresses) == 7
    assert all(address.startswith("data:") for address in addresses)
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page
    policy = next(a for tag, a in tags.found if a.get("http-equiv") == "Content-Security-Policy")
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_the_document_is_one_to_file(weekly: Path) -> None:
    document = docx.Document(str(weekly / "report.docx"))
    section = document.sections[0]
    assert section.page_width is not None
    assert round(section.page_width.mm) == 210
    fields = section.footer._element.iter(qn("w:fldSimple"))
    assert [field.get(qn("w:instr")) for field in fields] == ["PAGE", "NUMPAGES"]
    east = {
        name: document.styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
        for name in ("Normal", "Heading 1", "Caption")
    }
    assert east == {"Normal": "宋体", "Heading 1": "黑体", "Caption": "黑体"}
    levels = {p.style.name for p in document.paragraphs if p.style}
    assert {"Title", "Heading 1", "Heading 2", "Caption"} <= levels
    captions = [p.text for p in document.paragraphs if p.style and p.style.name == "Caption"]
    grids = [t for t in document.tables if t.rows[0]._tr.findall(f".//{qn('w:tblHeader')}")]
    assert len(grids) == sum(text.startswith("表 ") for text in captions)
    assert len(document.inline_shapes) == sum(text.startswith("图 ") for text in captions) == 7
    for table in document.tables:
        widths = [cell.width.mm for cell in table.rows[0].cells if cell.width]
        assert sum(widths) <= 176
    for shape in document.inline_shapes:
        assert shape._inline.docPr.get("descr")
    pictures = [part for part in document.part.package.iter_parts() if "png" in part.content_type]
    assert all(b"pHYs" in part.blob[:200] for part in pictures)


def test_the_workbook_has_every_table_with_its_numbers(english: Path) -> None:
    book = openpyxl.load_workbook(english / "tables.xlsx")
    study_folder = read_gaps(english)
    manifest = {row[0].value: row[1].value for row in book.worksheets[0].iter_rows()}
    assert manifest["Data hash"] == study_folder.summary["data_hash"]
    assert manifest["Setting: Store"] == "geopackage"
    assert manifest["Stations counted"] == study_folder.summary["stations_counted"]
    assert manifest["Stations of unknown hours"] == "not considered"
    assert manifest["Setting: Detour factor"] == 1.3
    assert manifest["Setting: Weather"] == "not considered"
    assert manifest["Scenario, Services added"] == "BJ-R-002: Battery swap, Repair tools"
    assert set(book.sheetnames[1:]) == {
        TABLES[name][1] for name in (*study_folder.tables, "results", "before", "week")
    }
    for name, table in study_folder.tables.items():
        sheet = book[TABLES[name][1]]
        assert sheet.freeze_panes == "A2"
        header = [cell.value for cell in sheet[1]]
        units = {"per_h": "orders/h", "per_week": "orders/week"}
        assert header == [column_of(c).en.format(**units) for c in table.columns]
        assert sheet.max_row == len(table.rows) + 1
        for place, column in enumerate(table.columns):
            if column_of(column).form == "share":
                values = [sheet.cell(row + 2, place + 1).value for row in range(len(table.rows))]
                assert values == pytest.approx(table.numbers(column), rel=1e-12)
                assert sheet.cell(2, place + 1).number_format == "0.0%"
    week = book["Week"]
    assert (week.max_column, week.freeze_panes) == (25, "B2")
    assert week["T8"].value == study_folder.tables["hours"].numbers("covered_share")[6 * 24 + 18]


def test_figures_lie_beside_as_png_and_svg(weekly: Path) -> None:
    names = {path.stem for path in (weekly / "figures").iterdir()}
    assert names == {"gaps", "city", "week", "curve", "services", "critical", "change"}
    for name in names:
        png = (weekly / "figures" / f"{name}.png").read_bytes()
        at = png.index(b"pHYs") + 4
        assert round(int.from_bytes(png[at : at + 4]) * 0.0254) == FIGURES_DPI
        assert b"<svg" in (weekly / "figures" / f"{name}.svg").read_bytes()


# What cannot be


def report(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["report", str(folder), *words], catch_exceptions=False)


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def no_manifest(folder: Path) -> None:
    (folder / "summary.json").unlink()


def broken_manifest(folder: Path) -> None:
    (folder / "summary.json").write_text('{"title": ', encoding="utf-8")


def older_manifest(folder: Path) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text("utf-8"))
    del summary["sampling"]["cell_m"]
    path.write_text(json.dumps(summary), encoding="utf-8")


def other_type(folder: Path) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text("utf-8"))
    summary["results"][0]["covered_share"] = "most"
    path.write_text(json.dumps(summary), encoding="utf-8")


def newer_number(folder: Path) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(summary | {"folder_version": FOLDER_VERSION + 1}), encoding="utf-8")


def no_number(folder: Path) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(summary | {"folder_version": "one"}), encoding="utf-8")


def no_tables(folder: Path) -> None:
    (folder / "tables.json").unlink()


def fewer_tables(folder: Path) -> None:
    (folder / "tables.json").write_text("{}", encoding="utf-8")


def short_row(folder: Path) -> None:
    path = folder / "tables.json"
    tables = json.loads(path.read_text("utf-8"))
    tables["backup"]["rows"][0].pop()
    path.write_text(json.dumps(tables), encoding="utf-8")


def no_layers(folder: Path) -> None:
    (folder / "gaps.gpkg").write_bytes(b"not a GeoPackage")


def foreign_layers(folder: Path) -> None:
    (folder / "gaps.gpkg").unlink()
    point = gpd.GeoSeries.from_wkt(["POINT(107 34)"], crs=4326)
    gpd.GeoDataFrame({"a": [1]}, geometry=point).to_file(folder / "gaps.gpkg", layer="other")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (no_folder, "it has no summary.json"),
        (no_manifest, "it has no summary.json"),
        (broken_manifest, "is not JSON"),
        (older_manifest, "summary.json, sampling, cell_m"),
        (other_type, "summary.json, results, covered_share"),
        (newer_number, f"a newer locator wrote, and this one reads folders up to {FOLDER_VERSION}"),
        (no_number, "summary.json, folder_version"),
        (no_tables, "tables.json cannot be read"),
        (fewer_tables, "no table 'curve'"),
        (short_row, "backup: a row"),
        (no_layers, "gaps.gpkg is damaged"),
        (foreign_layers, "has no layer 'gap_areas'"),
    ],
)
def test_what_is_no_study_is_refused_in_a_sentence(
    folder: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    before = page_of(folder)
    spoil(folder)
    result = report(folder)
    assert result.exit_code == 2, result.output
    assert reason in result.stderr
    assert "Traceback" not in result.output
    if folder.exists():
        assert page_of(folder) == before


@pytest.mark.slow
def test_a_folder_from_before_the_number_is_reported_as_ever(folder: Path) -> None:
    before = page_of(folder)
    path = folder / "summary.json"
    summary = json.loads(path.read_text("utf-8"))
    assert summary.pop("folder_version") == FOLDER_VERSION == 1
    path.write_text(json.dumps(summary), encoding="utf-8")
    write_report(folder, language="zh")
    assert page_of(folder) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert report(tmp_path / "file").exit_code == 2


@pytest.mark.slow
def test_the_command_makes_the_report_anew(folder: Path) -> None:
    for name in REPORT:
        (folder / name).unlink()
    (folder / "figures" / "mine.png").write_bytes(b"mine")
    result = report(folder, "--language", "en")
    assert result.exit_code == 0, result.output
    assert '<html lang="en">' in page_of(folder)
    assert (folder / "figures" / "mine.png").read_bytes() == b"mine"
    assert not list(folder.glob(".report*"))


def test_figures_of_somebody_else_keep_a_study_from_replacing_its_folder(
    folder: Path, store_file: Path
) -> None:
    (folder / "figures" / "mine.png").write_bytes(b"mine")
    with pytest.raises(StudyError, match=r"figures/mine\.png"):
        study(store_file, folder)
    assert (folder / "figures" / "mine.png").exists()


@pytest.mark.slow
def test_a_report_cut_off_leaves_what_was_there(
    folder: Path, store_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(*_: object, **__: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StudyError, match="No space left"):
        write_report(folder, language="en")
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    monkeypatch.setattr("locator.study.gaps.write_report", fail)
    with pytest.raises(StudyError, match="No space left"):
        study(store_file, folder.parent / "new")
    assert not (folder.parent / "new").exists()


# Looked at


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_shows_the_page_without_scrolling_sideways(
    language: Language, weekly: Path, english: Path, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((of(language, weekly, english) / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf[:5] == b"%PDF-"


@pytest.fixture(scope="session")
def office() -> str:
    """Return LibreOffice, or skip."""
    found = shutil.which("soffice")
    if found is None:
        # Not part of the gate: two hundred megabytes to look at what python-docx has read already.
        pytest.skip("there is no LibreOffice (Debian: apt-get install libreoffice-writer)")
    return str(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_libreoffice_opens_the_document(
    language: Language, weekly: Path, english: Path, office: str, tmp_path: Path
) -> None:
    source = of(language, weekly, english) / "report.docx"
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    words = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*words, str(source)], check=True, capture_output=True, timeout=patience(120))
    pdf = (tmp_path / "report.pdf").read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 8 <= pages <= 25


def test_the_document_survives_a_reader_that_is_strict(weekly: Path) -> None:
    from lxml import etree

    with zipfile.ZipFile(BytesIO((weekly / "report.docx").read_bytes())) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(name))
        root = etree.fromstring(archive.read("word/document.xml"))
    ids = [element.get("id") for element in root.iter(qn("wp:docPr"))]
    assert len(ids) == len(set(ids)) == 7
