"""Registers out again, in the format that the ending names, and a template to fill in."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import openpyxl
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from locator.errors import RegisterError
from locator.paths import written_whole
from locator.register.formats import POSITION, LayerFile, lay_out, write_layer
from locator.schema import LAYERS, Column, Language

_TEMPLATE_ROWS = 1000


def write_register(
    stations: gpd.GeoDataFrame, path: Path, *, language: Language | None = None
) -> None:
    """Write stations to a file by its ending; the file appears whole or not at all.

    Parameters
    ----------
    stations
        Rows in WGS-84.
    path
        Ends in one of :data:`FORMATS`; a ``.shp`` has four files beside it.
    language
        Headers and labels in a language; None writes field names and codes. Both can be imported.
        A Shapefile's columns are always field names, of which it keeps ten letters.

    Raises
    ------
    RegisterError
        The ending is another one, the place cannot be written, or a text is too long for a
        Shapefile.
    """
    layer = LayerFile("stations", "站点", place_columns(LAYERS["stations"].columns))
    write_layer(stations, path, layer, language=language)


def write_template(path: Path) -> None:
    """Write an empty workbook with Chinese headers, pick lists and a sheet that explains.

    Raises
    ------
    RegisterError
        The ending is not ``.xlsx``, or the place cannot be written.
    """
    if path.suffix.lower() != ".xlsx":
        raise RegisterError(f"{path.name}: the template is a workbook; end its name in .xlsx.")
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "站点"
    columns = [c for c in place_columns(LAYERS["stations"].given) if c.name != "source_datum"]
    _fill_header(sheet, columns)
    notes = book.create_sheet("说明")
    lists = book.create_sheet("选项")
    lists.sheet_state = "hidden"
    notes.append(["列", "字段", "必填", "说明"])
    for number, column in enumerate(columns, start=1):
        notes.append([column.zh, column.name, "是" if column.required else "", column.explain()])
        if column.is_picked:
            _add_pick_list(sheet, lists, number, [m.zh for m in column.choices])
    for letter, width in zip("ABCD", (18, 18, 8, 100), strict=True):
        notes.column_dimensions[letter].width = width
    try:
        with written_whole(path) as draft:
            book.save(draft)
    except OSError as error:
        raise RegisterError(f"{path} cannot be written: {error.strerror or error}.") from error


def place_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return a station's columns as a file has them: the position after the kind."""
    after = [c.name for c in columns].index("kind") + 1
    return (*columns[:after], *POSITION, *columns[after:])


def _fill_header(sheet: Worksheet, columns: Sequence[Column]) -> None:
    names = [column.zh for column in columns]
    sheet.append(names)
    for number, column in enumerate(columns, start=1):
        cell = sheet.cell(row=1, column=number)
        cell.font = Font(bold=True)
        if column.required:
            cell.fill = PatternFill("solid", fgColor="FFF0C419")
    lay_out(sheet, names, columns)


def _add_pick_list(sheet: Worksheet, lists: Worksheet, number: int, labels: list[str]) -> None:
    letter = get_column_letter(number)
    for row, label in enumerate(labels, start=1):
        lists.cell(row=row, column=number, value=label)
    rule = DataValidation(
        type="list", formula1=f"'选项'!${letter}$1:${letter}${len(labels)}", allow_blank=True
    )
    rule.error = "请从列表中选择"
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{_TEMPLATE_ROWS}")
