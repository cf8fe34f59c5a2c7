"""The tables of a report as a workbook: a sheet each, units in the header, numbers as numbers."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from locator.report.blocks import show
from locator.report.document import clean_text, repack
from locator.report.draft import Draft, Report
from locator.report.folder import Cell, Table, number
from locator.report.labels import DAYS, TABLES, Form, choose, column_of
from locator.theme import PALETTE

_FORMATS: dict[Form, str] = {
    "share": "0.0%",
    "change": "+0.0;-0.0;0.0",
    "number": "#,##0.00",
    "count": "#,##0",
    "minutes": "#,##0.0",
    "seconds": "#,##0",
    "metres": "#,##0",
    "area": "#,##0",
    "degrees": "0.000000",
    "cost": "General",
}
_SCALES: dict[Form, float] = {"change": 100.0, "minutes": 1 / 60}
_MOST_CHARACTERS = 32_000  # Excel's cell holds 32,767
_WIDEST = 60
_LIKE_A_FORMULA = frozenset("=+-@\t\r")


def render_workbook(report: Report) -> bytes:
    """Return the bytes of a workbook: the manifest first, then every table of the study.

    Texts are stored as texts: one that begins like a formula is none.
    """
    draft = report.draft
    made = datetime.fromisoformat(draft.made["made_at"]).astimezone(UTC)
    book = openpyxl.Workbook()
    _fill_manifest(book.worksheets[0], draft, report.manifest)
    for name, table in report.tables.items():
        pair = TABLES.get(name, (name, name))
        sheet = book.create_sheet(choose(pair, draft.language)[:31])
        if name == "week":
            _fill_week(sheet, draft, table, report.week_note)
        else:
            _fill_table(sheet, draft, table)
    book.properties.title = clean_text(report.title)[:255]
    book.properties.creator = clean_text(draft.made["program"])[:255]
    book.properties.created = made.replace(tzinfo=None)
    stream = io.BytesIO()
    book.save(stream)
    return repack(stream.getvalue(), modified=f"{made:%Y-%m-%dT%H:%M:%SZ}")


def _fill_manifest(sheet: Worksheet, draft: Draft, rows: Sequence[tuple[str, Cell]]) -> None:
    sheet.title = draft.say("说明", "Manifest")
    for number_, row in enumerate(rows, start=1):
        for place, cell in enumerate(row, start=1):
            _write(sheet, number_, place, cell)
        sheet.cell(number_, 2).alignment = Alignment(
            wrap_text=True, vertical="top", horizontal="left"
        )
        sheet.cell(number_, 1).font = Font(bold=True)
    sheet.column_dimensions["A"].width = 34
    sheet.column_dimensions["B"].width = 90
    sheet.freeze_panes = "B2"


def _fill_table(sheet: Worksheet, draft: Draft, table: Table) -> None:
    known = [column_of(name) for name in table.columns]
    _write_header(sheet, [draft.header(column) for column in known])
    widths = [float(len(draft.header(column))) for column in known]
    for number_, row in enumerate(table.rows, start=2):
        for place, (name, column, value) in enumerate(
            zip(table.columns, known, row, strict=True), start=1
        ):
            shown = _value(draft, value, name, column.form)
            _write(sheet, number_, place, shown, _FORMATS.get(column.form))
            widths[place - 1] = max(widths[place - 1], float(len(str(shown or ""))))
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(_WIDEST, width + 4)


def _value(draft: Draft, value: Cell, name: str, form: Form) -> Cell:
    """Return what a cell holds: numbers as numbers, in the unit of the header."""
    if value is None:
        return None
    if form in _FORMATS:
        amount = number(value)
        return None if amount is None else amount * _SCALES.get(form, 1.0)
    text = show(value, form, draft.language, column=name)
    return draft.place(text) if name in {"place", "district_name", "name"} else text


def _fill_week(sheet: Worksheet, draft: Draft, table: Table, note: str) -> None:
    """Write the covered share of each hour, days down and hours across."""
    _write_header(sheet, ["", *(f"{hour:02d}:00" for hour in range(24))])
    shares = table.numbers("covered_share")
    for day, pair in enumerate(DAYS):
        _write(sheet, day + 2, 1, choose(pair, draft.language))
        for hour in range(24):
            _write(sheet, day + 2, hour + 2, shares[24 * day + hour], "0%")
    _write(sheet, len(DAYS) + 3, 1, note)
    sheet.freeze_panes = "B2"


def _write_header(sheet: Worksheet, names: Sequence[str]) -> None:
    for place, name in enumerate(names, start=1):
        _write(sheet, 1, place, name)
        cell = sheet.cell(1, place)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.fill = PatternFill("solid", fgColor="FF" + PALETTE["paper-quiet"].removeprefix("#"))
    sheet.freeze_panes = "A2"


def _write(
    sheet: Worksheet, row: int, column: int, value: Cell, number_format: str | None = None
) -> None:
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = clean_text(value)[:_MOST_CHARACTERS]
        cell.data_type = "s"  # openpyxl takes a text that begins with "=" for a formula
        # So that it stays a text when somebody edits it.
        cell.quotePrefix = value[:1] in _LIKE_A_FORMULA
        return
    cell.value = value
    if number_format is not None:
        cell.number_format = number_format
