"""From a siting study's folder, or one of several moments, to its drawn-up report."""

from collections.abc import Iterator
from pathlib import Path

from locator.figures import render_figure
from locator.reporting.draft import Paper, Picture
from locator.reporting.folder import Cell, Table
from locator.reporting.labels import translate
from locator.reporting.method import shown_settings
from locator.reporting.names import city_of, english_names
from locator.reporting.opening import illustrative_words
from locator.reporting.pictures import Image
from locator.reporting.sites.draft import SiteDraft
from locator.reporting.sites.method import add_appendix, add_method
from locator.reporting.sites.moments import MomentsDraft, add_moments
from locator.reporting.sites.opening import add_opening, answer, facts, proof
from locator.reporting.sites.pictures import site_figure
from locator.reporting.sites.read import is_comparison, read_compared, read_sites
from locator.reporting.sites.sections import add_sections
from locator.reporting.workbook import render_book
from locator.schema import Language

__all__ = ["draw_up"]

_AREAS = ("hot_zones", "demand", "stations")


def draw_up(folder: Path, language: Language) -> tuple[SiteDraft, str, dict[str, Image], bytes]:
    """Return the draft of a folder's report, its title, its pictures and its workbook.

    Raises
    ------
    InputError
        A file in the folder cannot be read, or another locator wrote it.
    """
    if is_comparison(folder):
        compared = read_compared(folder)
        names = english_names(compared.studies[0].layers, language)
        moments = MomentsDraft(compared, language, names=names)
        title = _title(moments, _clocks(moments))
        add_moments(moments)
        draft: SiteDraft = moments
        parts = moments.parts
    else:
        study = read_sites(folder)
        draft = SiteDraft(study, language, names=english_names(study.layers, language))
        title = _title(draft, "")
        add_opening(draft)
        add_sections(draft)
        parts = [draft]
    add_method(draft)
    add_appendix(draft, [part.study.summary for part in parts])
    images = _draw(draft)
    return draft, title, images, render_site_book(draft, title=title)


def _title(draft: SiteDraft, more: str) -> str:
    city = city_of(draft.study.layers, _AREAS, draft.language)
    what = draft.say(f"骑手驿站选址报告{more}", f"Rider stations: where next{more}")
    return draft.say(f"{city}{what}", f"{what}, {city}" if city else what)


def _clocks(draft: MomentsDraft) -> str:
    clocks = draft.say(" 与 ", " and ").join(draft.clocks)
    return draft.say(f"：{clocks} 对比", f", {clocks} compared")


def _draw(draft: SiteDraft) -> dict[str, Image]:
    """Draw the figures that a draft names; that of a moment from the moment's own study."""
    drawn = {}
    for block in draft.blocks:
        if isinstance(block, Picture):
            of = draft
            if isinstance(draft, MomentsDraft):
                of = draft.parts[int(block.name.rpartition("-")[2]) - 1]
            figure = site_figure(of, block)
            drawn[block.name] = Image(render_figure(figure, "png"), render_figure(figure, "svg"))
    return drawn


def render_site_book(draft: SiteDraft, *, title: str) -> bytes:
    """Return the bytes of the workbook of one study."""
    return render_book(
        draft, title=title, manifest=list(_manifest(draft, title)), tables=shown_tables(draft)
    )


def _manifest(draft: SiteDraft, title: str) -> Iterator[tuple[str, Cell]]:
    summary, say = draft.study.summary, draft.say
    yield say("报告", "Report"), title
    if summary["illustrative"]:
        yield say("数据性质", "Data"), illustrative_words(draft)
    yield say("结论", "The answer"), answer(draft)
    yield say("凭证", "Proof"), proof(draft)
    yield from facts(draft)
    yield say("数据版本", "Data version"), summary["data_version"]
    for note in summary["notes"]:
        yield say("说明", "Note"), translate(note, draft.language)
    for name, text in shown_settings(draft, summary["settings"]):
        yield say(f"设置：{name}", f"Setting: {name}"), text


def shown_tables(draft: Paper) -> dict[str, Table]:
    """Return the tables with rows, the reasons in the report's language alone."""
    left_out = "why_en" if draft.language == "zh" else "why_zh"
    found = {}
    for name, table in draft.tables.items():
        if table.rows:
            kept = [i for i, column in enumerate(table.columns) if column != left_out]
            found[name] = Table(
                tuple(table.columns[i] for i in kept),
                tuple(tuple(row[i] for i in kept) for row in table.rows),
            )
    return found
