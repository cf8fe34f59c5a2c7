"""The siting report: the answer, its proof and its reasons, in both languages, from the folder."""

import contextlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docx
import geopandas as gpd
import openpyxl
import pytest
from click.testing import Result
from docx.oxml.ns import qn
from matplotlib.text import Text as Written
from PIL import Image
from playwright.sync_api import Page

from locator.errors import InputError
from locator.report import write_report
from locator.report.blocks import Facts, Grid, Picture, Points
from locator.report.draft import SitesDraft
from locator.report.folder import COMPARISON_COLUMNS, FOLDER_VERSION, TABLES_OF
from locator.report.labels import CODES, MODELS, TABLES, column_of
from locator.report.pictures import draw_sites_picture
from locator.report.reading import read_compared, read_sites
from locator.report.sentences import translate
from locator.report.sites import add_opening, answer
from locator.report.sites_sections import add_sections, recompute
from locator.schema import Language
from locator.service import Service, open_service
from locator.settings import Settings
from locator.study import SiteQuestion, parse_scenario, run_sites, site_inputs
from locator.study.sites_output import run_comparison
from locator.study.sites_prices import DEFAULT_PRICES
from locator.study.sites_question import MODELS as ALL_MODELS
from tests.conftest import FIGURES_DPI, fixed_clock
from tests.line_city import EVENING, NOON, line_candidates, line_inputs

LANGUAGES: tuple[Language, ...] = ("zh", "en")
LUNCH, NIGHT = "2026-11-23T12:00", "2026-11-23T22:00"
REPORT = ("report.html", "report.docx", "tables.xlsx")
HOSTILE = ["<script>alert(1)</script>", '=HYPERLINK("http://evil.example","x")', "{{ 7*7 }}"]
CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module")
def shipped(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of the shipped city: ``one`` moment, ``two``, in Chinese; ``english``."""
    place = tmp_path_factory.mktemp("siting")
    store = shutil.copy(loaded_store, place / "store.gpkg")
    settings = Settings(store=f"geopackage:{store}", basemap="none", map_approval="GS(2026)1")
    asked = SiteQuestion(new=8, at=LUNCH, runs=3)
    two = replace(asked, curve=False, runs=0)
    with open_service(settings, clock=fixed_clock) as service:
        inputs = site_inputs(service)
        run_sites(service, inputs, asked, out=place / "one", report="zh")
        run_comparison(service, inputs, two, (LUNCH, NIGHT), out=place / "two", report="zh")
    for name in ("one", "two"):
        shutil.copytree(place / name, place / f"{name}-en")
        write_report(place / f"{name}-en", language="en")
    return {p.name: p for p in place.iterdir() if p.is_dir()}


@pytest.fixture(scope="module")
def street(loaded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a week's study of the street: a budget, options, hostile names; no report yet."""
    place = tmp_path_factory.mktemp("street")
    store = shutil.copy(loaded_store, place / "store.gpkg")
    settings = Settings(store=f"geopackage:{store}", basemap="none")
    prices = replace(DEFAULT_PRICES, unit="万元/年")
    asked = SiteQuestion(budget=12.0, hourly=True, candidates="file", prices=prices, runs=3)
    with open_service(settings, clock=fixed_clock) as service:
        inputs = line_inputs(service, line_candidates(name=HOSTILE, cost=[4.0, 4.0, 4.0]))
        run_sites(service, inputs, asked, out=place / "mix")
    return place / "mix"


@pytest.fixture
def folder(street: Path, tmp_path: Path) -> Path:
    """Return a copy of a small study to spoil."""
    return Path(shutil.copytree(street, tmp_path / "mix"))


def named(shipped: dict[str, Path], name: str, language: Language) -> Path:
    return shipped[name if language == "zh" else f"{name}-en"]


def summary_of(folder: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads((folder / "summary.json").read_text("utf-8"))
    return read


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


def document_text(folder: Path) -> str:
    document = docx.Document(str(folder / "report.docx"))
    cells = (c.text for t in document.tables for row in t.rows for c in row.cells)
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def said(draft: SitesDraft) -> str:
    """Return everything a draft says, without its pictures."""
    parts: list[str] = []
    for block in draft.blocks:
        match block:
            case Points():
                parts += block.items
            case Facts():
                parts += [f"{name}: {value}" for name, value in block.rows]
            case Grid():
                parts += [block.caption, *block.header, *(c for row in block.rows for c in row)]
            case Picture():
                parts += [block.title, block.caption]
            case _:
                parts.append(str(getattr(block, "text", "")))
    return "\n".join(parts)


def drawn_up(folder: Path, language: Language) -> SitesDraft:
    draft = SitesDraft(read_sites(folder), language)
    add_opening(draft)
    add_sections(draft)
    return draft


# What it says


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_sentence_is_the_answer(language: Language, shipped: dict[str, Path]) -> None:
    folder = named(shipped, "one", language)
    study = read_sites(folder)
    figures = study.summary["figures"]
    sentence = answer(SitesDraft(study, language))
    gained = figures["covered_after"] - figures["covered_before"]
    for part in (
        f"{figures['covered_share_before']:.1%}",
        f"{figures['covered_share_after']:.1%}",
        f"{gained:,.0f}",
        "Eight new posts" if language == "en" else "新设 8 处驿站",
    ):
        assert part in sentence
    for text in (page_of(folder), document_text(folder)):
        assert sentence in text
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    assert sentence in [row[1].value for row in book.worksheets[0].iter_rows(max_col=2)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_document_say_the_same_of_every_site(
    language: Language, shipped: dict[str, Path]
) -> None:
    folder = named(shipped, "one", language)
    page, document = page_of(folder), document_text(folder)
    rows = list(read_sites(folder).tables["sites"].records())
    assert len(rows) == 8
    for row in rows:
        position = (f"{row['lon']:.5f}", f"{row['lat']:.5f}")
        for text in (str(row["name"]), str(row["id"]), str(row[f"why_{language}"]), *position):
            assert text in document
            assert text in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_date_data_model_settings_and_that_data_are_illustrative(
    language: Language, shipped: dict[str, Path]
) -> None:
    for name in ("one", "two"):
        folder = named(shipped, name, language)
        text = document_text(folder)
        summary = read_sites(folder if name == "one" else folder / "at-2026-11-23T1200").summary
        travel, hours = (translate(summary[key], language) for key in ("travel", "hours"))  # type: ignore[literal-required]
        for part in (summary["data_hash"], summary["made_at"][:10], summary["program"], travel):
            assert part in text
        assert hours in text
        assert ("Illustrative data" if language == "en" else "示例数据") in text
        assert ("Riding speed (km/h)" if language == "en" else "骑行速度（公里/小时）") in text


@pytest.mark.slow
def test_the_lines_it_prints_recompute_the_bound(
    shipped: dict[str, Path], street: Path, service: Service, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """They are run as they stand in the report; nothing of ours is imported by them."""
    folders = [shipped["one-en"], street]
    for model, more in (("lscp", {"share": 0.8}), ("lscp", {}), ("p-median", {"new": 1})):
        out = tmp_path / f"{model}{len(more)}{len(folders)}"
        question = SiteQuestion(model=model, candidates="file", runs=0, **more)  # type: ignore[arg-type]
        run_sites(service, line_inputs(service), question, out=out)
        folders.append(out)
    for folder in folders:
        draft = SitesDraft(read_sites(folder), "en")
        figures = draft.study.summary["figures"]
        monkeypatch.chdir(folder)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec("\n".join(recompute(draft)), {})
        scale = figures["demand"] if draft.study.asked["model"] == "p-median" else 1.0
        assert float(printed.getvalue()) / scale == pytest.approx(figures["certificate_bound"])
    assert all(line in document_text(shipped["one-en"]) for line in recompute(
        SitesDraft(read_sites(shipped["one-en"]), "en")))  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_noon_and_night_differ_and_the_report_says_why(
    language: Language, shipped: dict[str, Path]
) -> None:
    """Counted anew from the table: who is chosen when, whose stations have closed, what demand."""
    folder = named(shipped, "two", language)
    compared = read_compared(folder)
    rows = list(compared.table.records())
    noon = [row for row in rows if row["other_rank"] is None]
    night = [row for row in rows if row["rank"] is None]
    assert len(noon) == len(night) == 8 - (len(rows) - len(noon) - len(night)) > 0
    closed = {name for row in night for name in str(row["open_only_then"] or "").split(";") if name}
    assert closed
    uncovered = sum(float(str(row["other_uncovered"])) for row in night if row["open_only_then"])
    page = page_of(folder)
    for part in (str(len(closed)), f"{uncovered:,.0f}", "12:00", "22:00"):
        assert part in page
    for row in [*noon, *night]:
        assert str(row[f"why_{language}"]) in document_text(folder)
    for study in compared.studies:
        assert answer(SitesDraft(study, language)) in page
    assert {p.name for p in (folder / "figures").iterdir()} == {
        f"sites-{number}.{ending}" for number in (1, 2) for ending in ("png", "svg")
    }


@pytest.mark.slow
def test_the_console_says_at_which_moment_stations_are_open(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    asked = ("--new", 2, "--minutes", 5, "--spacing", 900, "--runs", 0, "--language", "en")
    result = cli("site", *asked, "--at", LUNCH, "--at", NIGHT, "--out", tmp_path / "two")
    assert result.exit_code == 0, result.output
    assert "stations open there at 12:00 but not at 22:00:" in result.output
    assert (tmp_path / "two" / "report.html").is_file()
    assert 'lang="en"' in page_of(tmp_path / "two")


def test_curve_firmness_and_areas_follow_their_tables(shipped: dict[str, Path]) -> None:
    folder = shipped["one-en"]
    tables, text = read_sites(folder).tables, document_text(folder)
    nested = [row for row in tables["curve"].records() if row["nested"]]
    last = next(row for row in nested if row["limit"] == 8)
    after = next(row for row in nested if row["limit"] == 9)
    assert f"number 8 {float(str(last['marginal'])):,.0f} orders an hour" in text
    assert f"One more would add {float(str(after['marginal'])):,.0f} orders an hour" in text
    for row in tables["sensitivity"].records():
        if row["chosen"]:
            assert f"{100 * float(str(row['kept_share'])):.1f}" in text
    districts = [r for r in tables["areas"].records() if r["level"] == "district"]
    whole = sum(float(str(row["demand"])) for row in districts)
    assert whole == pytest.approx(read_sites(folder).summary["figures"]["demand"])


def test_a_mix_of_measures_is_added_up_by_measure(street: Path) -> None:
    """12 万元: what each measure costs and adds comes to the whole."""
    study = read_sites(street)
    rows = list(study.tables["sites"].records())
    assert len({row["option"] for row in rows}) > 1
    draft = drawn_up(street, "en")
    grid = next(b for b in draft.blocks if isinstance(b, Grid) and "By measure" in b.caption)
    assert sum(int(row[1]) for row in grid.rows) == len(rows)
    assert sum(float(row[2]) for row in grid.rows) == study.summary["figures"]["cost"]
    assert "Cost (万元/年)" in grid.header
    assert "weight × h" in " ".join(grid.header)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"model": "p-median", "new": 1}, ("平均骑行时间", "mean ride")),
        ({"model": "p-center", "new": 1}, ("骑行时间为", "longest ride")),
        ({"model": "lscp", "share": 0.8}, ("已证明最少", "proven to be the fewest")),
        ({"model": "backup", "new": 1}, ("第二个站点计一半", "counts half")),
        ({"model": "capacitated", "new": 1, "capacity_per_h": 30.0}, ("容量之内", "capacity")),
        ({"new": 0}, ("未选任何站点", "nothing was chosen")),
        ({"new": 2, "at": EVENING, "existing": False}, ("不计现有站点", "left out")),
    ],
)
def test_every_model_has_its_sentence(
    language: Language, asked: dict[str, object], wanted: tuple[str, str], service: Service,
    tmp_path: Path,
) -> None:  # fmt: skip
    question = SiteQuestion(candidates="file", runs=0, curve=False, **asked)  # type: ignore[arg-type]
    run_sites(service, line_inputs(service), question, out=tmp_path / "sites")
    text = said(drawn_up(tmp_path / "sites", language))
    assert wanted[LANGUAGES.index(language)] in text
    assert not re.search(r"\bnan\b|\binf\b|None|\{|\}", text.replace("{{ 7*7 }}", ""))


def test_what_is_not_proven_says_how_much_more_there_could_be(folder: Path) -> None:
    """A bound of 30 above what was found, of 120 that could be added: a quarter."""
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    figures = summary["figures"]
    figures |= {"status": "feasible", "stopped": "time", "gap_added": 0.25}
    figures["bound"] = figures["objective"] + 30.0
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    english, chinese = (said(drawn_up(folder, language)) for language in ("en", "zh"))
    assert "at most 30 weight-hours a week more could be had by any other choice" in english
    assert "25.00% of what could be added" in english
    assert "not proven best" in english
    assert "proven best: under" not in english
    assert "可新增覆盖的 25.00%" in chinese


@pytest.mark.slow
def test_a_scenario_is_said_on_page_one_and_under_every_figure(
    service: Service, tmp_path: Path
) -> None:
    scenario = parse_scenario("name: 关两站\nclose: [BJ-R-013]", source="x.yaml")
    inputs = site_inputs(service, scenario=scenario)
    question = SiteQuestion(new=1, spacing_m=900.0, runs=0, curve=False)
    run_sites(service, inputs, question, out=tmp_path / "sites")
    draft = SitesDraft(read_sites(tmp_path / "sites"), "zh")
    add_opening(draft)
    facts = next(block for block in draft.blocks if isinstance(block, Facts))
    assert ("情景", "站点按方案“关两站”") in facts.rows
    assert "关两站" in draft.rests_on()


# Words


def test_every_column_and_code_has_words_in_both_languages() -> None:
    for column in {c for columns in TABLES_OF.values() for c in columns} | {*COMPARISON_COLUMNS}:
        known = column_of(column)
        assert CHINESE.search(known.zh) or known.zh.isascii()
        assert known.en
        assert not CHINESE.search(known.en)
    assert set(MODELS) == set(ALL_MODELS)
    assert {*TABLES_OF, "comparison"} <= set(TABLES)
    assert {"new_post", "extend_hours", "add_service", "add_cabinet"} <= set(CODES["option"])


@pytest.mark.slow
def test_what_the_study_says_in_english_is_said_in_chinese(
    shipped: dict[str, Path], street: Path, service: Service, tmp_path: Path
) -> None:
    folders = [shipped["one"], street, *(shipped["two"].glob("at-*"))]
    more: tuple[dict[str, object], ...] = (
        {"new": 1, "candidates": "venues"},
        {"new": 1, "hours": "Mo-Su 08:00-22:00", "existing": False},
        {"budget": 2.0, "candidates": "grid", "spacing_m": 900.0},
        {"new": 1, "hourly": True, "week_of": "2026-10-01"},
    )
    for number, asked in enumerate(more):
        question = SiteQuestion(runs=0, curve=False, **({"candidates": "file"} | asked))  # type: ignore[arg-type]
        run_sites(service, line_inputs(service), question, out=tmp_path / str(number))
        folders.append(tmp_path / str(number))
    for folder in folders:
        summary = read_sites(folder).summary
        for sentence in (summary["travel"], summary["hours"], summary["demand"], *summary["notes"]):
            assert CHINESE.search(translate(sentence, "zh")), sentence


def test_the_english_report_has_no_chinese_but_names(shipped: dict[str, Path]) -> None:
    names = set()
    for name in ("one-en", "two-en"):
        folder = shipped[name]
        parts = [folder] if name == "one-en" else list(folder.glob("at-*"))
        for part in parts:
            study = read_sites(part)
            for layer in ("stations", "hot_zones", "chosen", "candidates"):
                names |= set(study.layers[layer]["name"].dropna())
            names |= set(study.layers["stations"]["source"].dropna())
        text = document_text(folder)
        for known in sorted(names, key=len, reverse=True):
            text = text.replace(str(known), "")
        assert sorted(set(CHINESE.findall(text))) == []


# The files


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(
    shipped: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        moved = shutil.copytree(shipped[f"{name}-en"], tmp_path / name)
        write_report(moved, language="zh")
        files = sorted(p.relative_to(moved) for p in moved.rglob("*") if p.is_file())
        assert len(files) > 10
        for file in files:
            assert (moved / file).read_bytes() == (shipped[name] / file).read_bytes(), file


@pytest.mark.slow
def test_the_command_makes_a_report_anew_without_a_store(
    shipped: dict[str, Path], tmp_path: Path, cli: Callable[..., Result]
) -> None:
    moved = shutil.copytree(shipped["two"], tmp_path / "two")
    for name in REPORT:
        (moved / name).unlink()
    result = cli("--store", f"geopackage:{tmp_path}/none.gpkg", "report", moved, "--language", "en")
    assert result.exit_code == 0, result.output
    for name in REPORT:
        assert (moved / name).read_bytes() == (shipped["two-en"] / name).read_bytes()
    of_one = cli("report", moved / "at-2026-11-23T2200", "--language", "en")
    assert of_one.exit_code == 0, of_one.output
    assert "The answer" in page_of(moved / "at-2026-11-23T2200")


def test_figures_are_as_wide_as_a_page_and_say_what_a_map_must(shipped: dict[str, Path]) -> None:
    figures = shipped["one"] / "figures"
    names = {path.stem for path in figures.iterdir()}
    assert {"sites", "curve", "firmness"} <= names
    for path in figures.glob("*.png"):
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((FIGURES_DPI, FIGURES_DPI), abs=0.1)
            assert image.width == pytest.approx(170 / 25.4 * FIGURES_DPI, abs=1)
    draft = drawn_up(shipped["one"], "zh")
    picture = next(b for b in draft.blocks if isinstance(b, Picture) and b.name == "sites")
    written = [t.get_text() for t in draw_sites_picture(draft, picture).findobj(Written)]
    joined = "\n".join(written)
    for part in (
        "所选站点",
        "新增覆盖",
        "仍未覆盖",
        "北",
        "km",
        "审图号：GS(2026)1",
        "示例数据",
        "来源",
    ):
        assert part in joined
    assert {str(rank) for rank in range(1, 9)} <= set(written)
    for row in draft.sites():
        assert any(str(row["name"]) in text for text in written)


def test_the_workbook_has_every_table_as_numbers(shipped: dict[str, Path]) -> None:
    book = openpyxl.load_workbook(shipped["one-en"] / "tables.xlsx")
    tables = read_sites(shipped["one-en"]).tables
    for name in ("sites", "curve", "sensitivity", "areas"):
        sheet = book[TABLES[name][1]]
        assert sheet.max_row == len(tables[name].rows) + 1
    header = [cell.value for cell in book["Sites"][1]]
    assert "Adds (orders/h)" in header
    gains = [book["Sites"].cell(n + 2, header.index("Adds (orders/h)") + 1).value for n in range(8)]
    assert gains == pytest.approx(tables["sites"].numbers("gain"))


@pytest.mark.slow
def test_text_of_others_stays_text(folder: Path) -> None:
    write_report(folder, language="en")
    page = page_of(folder)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page or HOSTILE[2] not in document_text(folder)
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    with zipfile.ZipFile(folder / "report.docx") as packed:
        assert b"<script" not in packed.read("word/document.xml")


@pytest.mark.parametrize("name", ["one", "two/at-2026-11-23T2200"])
def test_the_map_shows_the_chosen_by_rank_and_their_names_as_text(
    name: str, shipped: dict[str, Path], page: Page
) -> None:
    folder = shipped["one"].parent / name
    sites = read_sites(folder).layers["chosen"]
    page.goto((folder / "map.html").as_uri())
    badges = page.locator(".lmap-rank.is-site")
    assert sorted(badges.all_inner_texts(), key=int) == [str(r) for r in range(1, len(sites) + 1)]
    badges.first.focus()
    page.keyboard.press("Enter")
    card = page.locator(".lmap-popup .lmap-card")
    assert card.locator("h3").inner_text() in set(sites["name"])
    assert "单/小时" in card.inner_text()
    legend = page.locator(".lmap-legend").inner_text()
    for word in ("所选站点", "新增覆盖", "仍未覆盖"):
        assert word in legend
    assert (folder / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_headings_and_captions_stay_with_what_they_head(shipped: dict[str, Path]) -> None:
    document = docx.Document(str(shipped["one"] / "report.docx"))
    grids = [t for t in document.tables if t.rows[0]._tr.findall(f".//{qn('w:tblHeader')}")]
    assert len(grids) >= 5
    for table in grids:
        before = table._tbl.getprevious()
        assert before is not None
        assert before.findall(f".//{qn('w:keepNext')}")
        first = table.rows[0].cells[0].paragraphs[0]
        assert first.paragraph_format.keep_with_next


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_on_a_phone_and_on_a_desk(
    language: Language, width: int, shipped: dict[str, Path], page: Page
) -> None:
    for name in ("one", "two"):
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))  # type: ignore[misc]
        page.set_viewport_size({"width": width, "height": 844})
        page.goto((named(shipped, name, language) / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
        assert page.evaluate(broken) == 0
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_folder_that_is_none_is_refused_with_both_commands(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    result = cli("report", tmp_path)
    assert result.exit_code == 2
    assert "'locator gaps' or 'locator site … --out FOLDER'" in result.output
    assert not list(tmp_path.glob("report*"))


# What is refused


def spoil_json(file: str, change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        read = json.loads((folder / file).read_text("utf-8"))
        change(read)
        (folder / file).write_text(json.dumps(read), encoding="utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "summary.json").unlink(), "summary.json cannot be read"),
        (lambda f: (f / "tables.json").write_text("{", "utf-8"), "tables.json is not JSON"),
        (spoil_json("tables.json", lambda t: t.pop("areas")), "has no table 'areas'"),
        (
            spoil_json("tables.json", lambda t: t["sites"]["columns"].__setitem__(0, "rang")),  # type: ignore[index]
            "the table 'sites' has no column 'rank'",
        ),
        (
            spoil_json("tables.json", lambda t: t["sites"]["rows"][0].pop()),  # type: ignore[index]
            "a row is not as long as the header",
        ),
        (spoil_json("summary.json", lambda s: s.pop("figures")), "summary.json, figures"),
        (
            spoil_json("summary.json", lambda s: s.update(folder_version=99)),
            "99, which a newer locator wrote",
        ),
        (
            spoil_json("summary.json", lambda s: s["question"].update(minutes="5")),  # type: ignore[attr-defined]
            "question, minutes",
        ),
        (lambda f: (f / "sites.gpkg").write_bytes(b"no"), "sites.gpkg is damaged"),
        (
            lambda f: gpd.read_file(f / "sites.geojson").to_file(
                (f / "sites.gpkg").unlink() or f / "sites.gpkg", layer="chosen"
            ),
            "has no layer 'candidates'",
        ),
    ],
)
def test_a_damaged_folder_is_refused_in_one_sentence(
    spoil: Callable[[Path], object], words: str, folder: Path
) -> None:
    spoil(folder)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(InputError, match=re.escape(words)) as refused:
        write_report(folder, language="zh")
    assert "\n" not in str(refused.value)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["folders"].__setitem__(0, "../elsewhere"), "'../elsewhere' of a moment"),
        (lambda c: c["folders"].pop(), "does not have a folder a moment"),
        (lambda c: c.pop("table"), "comparison.json, table"),
        (lambda c: c.update(folder_version=99), "99, which a newer locator wrote"),
        (lambda c: c["table"]["columns"].__setitem__(0, "x"), "has no column 'at'"),
    ],
)
def test_a_damaged_comparison_is_refused_in_one_sentence(
    change: Callable[[dict[str, object]], object],
    words: str,
    shipped: dict[str, Path],
    tmp_path: Path,
) -> None:
    moved = shutil.copytree(shipped["two"], tmp_path / "two")
    spoil_json("comparison.json", change)(moved)
    with pytest.raises(InputError, match=re.escape(words)) as refused:
        write_report(moved, language="en")
    assert "locator site" in str(refused.value)


@pytest.mark.slow
def test_a_comparison_from_before_the_number_is_read_as_ever(
    shipped: dict[str, Path], tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(shipped["two"], tmp_path / "two"))
    for file in (moved / "comparison.json", *moved.glob("at-*/summary.json")):
        read = json.loads(file.read_text("utf-8"))
        for each in (read, *read.get("summaries", ())):
            assert each.pop("folder_version") == FOLDER_VERSION == 1
        file.write_text(json.dumps(read), encoding="utf-8")
    assert read_compared(moved).table == read_compared(shipped["two"]).table


@pytest.mark.slow
def test_a_run_takes_the_place_of_an_earlier_one_with_its_report(
    service: Service, tmp_path: Path
) -> None:
    question = SiteQuestion(new=1, at=NOON, candidates="file", runs=0, curve=False)
    for _ in range(2):
        run_sites(service, line_inputs(service), question, out=tmp_path / "sites", report="en")
    assert {*REPORT, "figures"} <= {path.name for path in (tmp_path / "sites").iterdir()}
