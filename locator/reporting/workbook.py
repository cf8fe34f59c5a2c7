"""The tables of a report as a workbook: a sheet each, units in the header, numbers as numbers."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from locator.reporting.columns import Form
from locator.reporting.draft import Draft, Paper, show
from locator.reporting.folder import Cell, Table, number
from locator.reporting.labels import (
    DAYS,
    SCENARIO,
    TABLES,
    change_label,
    choose,
    code_label,
    column_of,
    standard_label,
    translate,
)
from locator.reporting.method import shown_settings
from locator.reporting.opening import illustrative_words
from locator.reporting.packed import clean_text, repack
from locator.theme import PALETTE

__all__ = ["render_book", "render_workbook"]

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


def render_workbook(draft: Draft, *, title: str) -> bytes:
    """Return the bytes of a workbook: the manifest first, then every table of the study.

    Texts are stored as texts: one that begins like a formula is none.
    """
    first = draft.study.summary["results"][0]["standard"]
    note = draft.say(
        f"需求中 {standard_label(first, 'zh')}之内有确定开放站点的占比",
        f"Share of demand within {first} of a station that is surely open",
    )
    return render_book(
        draft, title=title, manifest=_manifest(draft, title), tables=_tables(draft), week_note=note
    )


def render_book(
    draft: Paper,
    *,
    title: str,
    manifest: Sequence[tuple[str, Cell]],
    tables: Mapping[str, Table],
    week_note: str = "",
) -> bytes:
    """Return the bytes of a workbook of a manifest and tables, a sheet each, in their order.

    Parameters
    ----------
    manifest
        Names and values.
    tables
        By name; ``week`` is shown as days and hours, with ``week_note`` below.
    """
    made = datetime.fromisoformat(draft.head.made_at).astimezone(UTC)
    book = openpyxl.Workbook()
    _fill_manifest(book.worksheets[0], draft, manifest)
    for name, table in tables.items():
        pair = TABLES.get(name, (name, name))
        sheet = book.create_sheet(choose(pair, draft.language)[:31])
        if name == "week":
            _fill_week(sheet, draft, table, week_note)
        else:
            _fill_table(sheet, draft, table)
    book.properties.title = clean_text(title)[:255]
    book.properties.creator = clean_text(draft.head.program)[:255]
    book.properties.created = made.replace(tzinfo=None)
    stream = io.BytesIO()
    book.save(stream)
    return repack(stream.getvalue(), modified=f"{made:%Y-%m-%dT%H:%M:%SZ}")


def _tables(draft: Draft) -> dict[str, Table]:
    """Return the tables by name in the order of their sheets."""
    study = draft.study
    found = study.tables | {"results": _of_results(study.summary["results"])}
    unknown = draft.say("未知", "unknown")  # the row of those of which it is not recorded
    for name in ("kinds", "hosts"):
        rows = tuple((unknown if r[0] is None else r[0], *r[1:]) for r in found[name].rows)
        found[name] = Table(found[name].columns, rows)
    if study.summary["before"]:
        found["before"] = _of_results(study.summary["before"])
    if "hours" in found:
        found["week"] = found["hours"]
    return {name: found[name] for name in TABLES if name in found} | {
        name: table for name, table in found.items() if name not in TABLES
    }


def _of_results(results: Iterable[object]) -> Table:
    rows = [dict(result) for result in results if isinstance(result, dict)]
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows))


def _unknown_hours(draft: Draft) -> Cell:
    """Return how many stations' hours were unknown; they are not nought where nobody asked."""
    count = draft.study.summary["stations_hours_unknown"]
    return draft.say("未考虑", "not considered") if count is None else count


def _unknown_services(draft: Draft) -> Cell:
    """Return how many stations' services were unknown; they are not nought where nobody asked."""
    count = draft.study.summary["stations_services_unknown"]
    return draft.say("未筛选", "not asked for") if count is None else count


def _manifest(draft: Draft, title: str) -> list[tuple[str, Cell]]:
    summary, say, language = draft.study.summary, draft.say, draft.language
    rows: list[tuple[str, Cell]] = [(say("报告", "Report"), title)]
    if summary["illustrative"]:
        rows.append((say("数据性质", "Data"), illustrative_words(draft)))
    rows += [
        (say("计算时间", "Computed"), summary["made_at"]),
        (say("程序", "Program"), summary["program"]),
        (say("数据摘要", "Data hash"), summary["data_hash"]),
        (say("路网摘要", "Road network hash"), summary["network"]),
        (say("数据版本", "Data version"), summary["data_version"]),
        (say("登记册截至", "Register as of"), summary["as_of"] or say("当前", "now")),
        (say("出行模型", "Travel model"), translate(summary["travel"], language)),
        (say("开放时间", "Opening hours"), translate(summary["hours"], language)),
        (say("需求", "Demand"), translate(summary["demand"], language)),
        *(
            (say("需求的依据", "Demand rests on"), translate(said, language))
            for said in summary["demand_rests_on"]
        ),
        (say("计入站点", "Stations counted"), summary["stations_counted"]),
        (say("开放时间未知", "Stations of unknown hours"), _unknown_hours(draft)),
        (say("服务未知", "Stations of unknown services"), _unknown_services(draft)),
        (say("被拒的点", "Rejected points"), summary["rejected_points"]),
    ]
    for column, codes in summary["filter"].items():
        label = column_of(column).label(language)
        words = say("、", ", ").join(code_label(column, code, language) for code in codes)
        rows.append((say(f"筛选：{label}", f"Filter, {label}"), words or say("无", "none")))
    for key, value in (summary["scenario"] or {}).items():
        given = [value] if isinstance(value, str) else value
        text = say("；", "; ").join(change_label(key, item, language) for item in given)
        if text:
            label = choose(SCENARIO[key], language) if key in SCENARIO else key
            rows.append((say(f"方案：{label}", f"Scenario, {label}"), text))
    rows += [
        (say("请注意", "Please note"), draft.named(translate(warning, language)))
        for warning in summary["warnings"]
    ]
    rows += [(say("说明", "Note"), translate(note, language)) for note in summary["notes"]]
    return rows + [
        (say(f"设置：{name}", f"Setting: {name}"), text)
        for name, text in shown_settings(draft, summary["settings"])
    ]


def _fill_manifest(sheet: Worksheet, draft: Paper, rows: Sequence[tuple[str, Cell]]) -> None:
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


def _fill_table(sheet: Worksheet, draft: Paper, table: Table) -> None:
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


def _value(draft: Paper, value: Cell, name: str, form: Form) -> Cell:
    """Return what a cell holds: numbers as numbers, in the unit of the header."""
    if value is None:
        return None
    if form in _FORMATS:
        amount = number(value)
        return None if amount is None else amount * _SCALES.get(form, 1.0)
    text = show(value, form, draft.language, column=name)
    return draft.place(text) if name in {"place", "district_name", "name"} else text


def _fill_week(sheet: Worksheet, draft: Paper, table: Table, note: str) -> None:
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
