"""The workbook of a siting report: what the manifest sheet says, and which tables follow."""

from collections.abc import Iterator

from locator.reporting.draft import Paper
from locator.reporting.folder import Cell, Table
from locator.reporting.labels import translate
from locator.reporting.method import shown_settings
from locator.reporting.opening import illustrative_words
from locator.reporting.sites.draft import SiteDraft
from locator.reporting.sites.opening import answer, facts, proof
from locator.reporting.workbook import render_book

__all__ = ["render_site_book", "shown_tables"]


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
