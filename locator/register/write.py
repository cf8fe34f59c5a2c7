"""Registers out again, in the format that the ending names, and a template to fill in."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
from openpyxl.cell import Cell as OpenpyxlCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from locator.errors import RegisterError
from locator.paths import written_together, written_whole
from locator.schema import POSITION_DECIMALS, STATION_COLUMNS, Column, Language, split_set

__all__ = ["WRITABLE", "guard_cell", "write_register", "write_template"]

# What XML 1.0 has no place for; rows that another program wrote may hold it.
_NOT_FOR_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEMPLATE_ROWS = 1000
_PIECE = 10_000
_LEFT_OUT_OF_TEMPLATE = {"source_datum", "updated_at"}
_SHAPEFILE = ".shp"
# The other files of a Shapefile; the last three are indexes that another program has made.
_SHAPEFILE_PARTS = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")
_SHAPEFILE_NAME_BYTES = 10
_SHAPEFILE_TEXT_BYTES = 254

Cell = str | int | float | None


def write_register(
    stations: gpd.GeoDataFrame, path: Path, *, language: Language | None = None
) -> None:
    """Write stations to a file by its ending; the file appears whole or not at all.

    Parameters
    ----------
    stations
        Rows in WGS-84.
    path
        ``.csv`` (UTF-8 with BOM, so that Excel opens it right), ``.xlsx``, ``.geojson``, ``.gpkg``,
        ``.kml``, ``.shp`` (and the four files beside it).
    language
        Headers and labels in a language; None writes field names and codes. Both can be imported.
        A Shapefile's columns are always field names, of which it keeps ten letters.

    Raises
    ------
    RegisterError
        The ending is another one, the place cannot be written, or a text is too long for a
        Shapefile.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise RegisterError(
            f"{path.name}: this ending cannot be written; use one of {', '.join(WRITABLE)}."
        )
    several = path.suffix.lower() == _SHAPEFILE
    whole = written_together(path, _SHAPEFILE_PARTS) if several else written_whole(path)
    try:
        with whole as draft:
            writer(stations, draft, language)
    except OSError as error:
        raise RegisterError(f"{path} cannot be written: {error.strerror or error}.") from error
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise RegisterError(f"{path} cannot be written: {error}.") from error


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
    columns = [c for c in _columns() if c.name not in _LEFT_OUT_OF_TEMPLATE]
    _fill_header(sheet, [c.zh for c in columns], {c.zh for c in columns if c.required})
    notes = book.create_sheet("说明")
    lists = book.create_sheet("选项")
    lists.sheet_state = "hidden"
    notes.append(["列", "字段", "必填", "说明"])
    for number, column in enumerate(columns, start=1):
        notes.append([column.zh, column.name, "是" if column.required else "", _explain(column)])
        if column.choices is not None and column.dtype == "enum":
            _add_pick_list(sheet, lists, number, [m.zh for m in column.choices])
    for letter, width in zip("ABCD", (18, 18, 8, 100), strict=True):
        notes.column_dimensions[letter].width = width
    try:
        with written_whole(path) as draft:
            book.save(draft)
    except OSError as error:
        raise RegisterError(f"{path} cannot be written: {error.strerror or error}.") from error


def _columns() -> list[Column]:
    """Return the columns of a file: the station's, the position after the kind."""
    position = [Column("lon", "经度", "number", required=True)]
    position.append(Column("lat", "纬度", "number", required=True))
    columns = list(STATION_COLUMNS)
    after = [c.name for c in columns].index("kind") + 1
    return [*columns[:after], *position, *columns[after:]]


def _fill_header(sheet: Worksheet, names: Sequence[str], required: set[str]) -> None:
    sheet.append(list(names))
    for number, name in enumerate(names, start=1):
        cell = sheet.cell(row=1, column=number)
        cell.font = Font(bold=True)
        if name in required:
            cell.fill = PatternFill("solid", fgColor="FFF0C419")
    _lay_out(sheet, names)


def _lay_out(sheet: Worksheet, names: Sequence[str]) -> None:
    for number, name in enumerate(names, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = max(12, len(name) * 2 + 4)
    sheet.freeze_panes = "A2"


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


def _explain(column: Column) -> str:
    notes = {
        "id": "固定编号，不重复、不再次使用",
        "lon": "十进制度，如 107.2330471；坐标系在导入时用 --datum 说明",
        "lat": "十进制度，如 34.3646018",
        "opening_hours": "OpenStreetMap opening_hours 写法，如 Mo-Fr 09:00-18:00; PH off 或 24/7",
        "platforms": "哪些平台的骑手可用，如 美团;饿了么；留空表示所有骑手",
    }
    if column.name in notes:
        return notes[column.name]
    if column.choices is not None:
        joined = "、".join(m.zh for m in column.choices)
        return f"可多选，用分号隔开：{joined}" if column.dtype == "set" else f"选一：{joined}"
    return {"date": "日期，如 2026-11-23", "integer": "整数"}.get(column.dtype, "")


def _cell(value: object, column: Column, language: Language | None) -> Cell:
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN is unknown
        return None
    if column.dtype == "integer":
        return int(str(value).removesuffix(".0"))
    if column.dtype == "number":
        return round(float(str(value)), POSITION_DECIMALS)
    text = str(value)
    if language is None or column.choices is None or not text:
        return text
    if column.dtype == "set":
        chosen = split_set(text)
        return ";".join(m.label(language) for m in column.choices if m.value in chosen)
    labels = {member.value: member.label(language) for member in column.choices}
    return labels.get(text, text)


def _records(stations: gpd.GeoDataFrame, language: Language | None) -> Iterator[list[Cell]]:
    """Yield each station's cells; they are made in pieces, because all of them need much memory."""
    columns = _columns()
    for start in range(0, len(stations), _PIECE):
        piece = stations.iloc[start : start + _PIECE]
        table = pd.DataFrame(piece.drop(columns="geometry"), dtype=object)
        table["lon"], table["lat"] = piece.geometry.x, piece.geometry.y
        values = [
            [_cell(v, c, language) for v in table[c.name]]
            if c.name in table
            else [None] * len(table)
            for c in columns
        ]
        yield from (list(row) for row in zip(*values, strict=True))


def _header(language: Language | None) -> list[str]:
    return [c.zh if language == "zh" else c.name for c in _columns()]


def guard_cell(value: Cell) -> Cell:
    """Keep a spreadsheet from running a text as a formula (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


def _for_xml(value: Cell) -> Cell:
    return _NOT_FOR_XML.sub("", value) if isinstance(value, str) else value


def _write_csv(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_header(language))
        writer.writerows([guard_cell(cell) for cell in row] for row in _records(stations, language))


def _write_xlsx(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    book = openpyxl.Workbook(write_only=True)  # a row is written and forgotten
    sheet = book.create_sheet("站点" if language == "zh" else "stations")
    names = _header(language)
    _lay_out(cast("Worksheet", sheet), names)
    header = [WriteOnlyCell(sheet, name) for name in names]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in _records(stations, language):
        sheet.append([_sheet_cell(sheet, value) for value in row])
    book.save(path)


def _sheet_cell(sheet: WriteOnlyWorksheet, value: Cell) -> OpenpyxlCell | Cell:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, _for_xml(value))
    cell.data_type = "s"  # a text that starts with = stays a text
    return cell


def _write_geojson(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    names = _header(language)
    skip = {names.index(n) for n in names if n in {"lon", "lat", "经度", "纬度"}}
    lines = []
    for row, point in zip(_records(stations, language), stations.geometry, strict=True):
        properties = {
            n: v for i, (n, v) in enumerate(zip(names, row, strict=True)) if i not in skip
        }
        position = [round(axis, POSITION_DECIMALS) for axis in (point.x, point.y)]
        feature = {
            "type": "Feature",
            "id": row[0],
            "properties": properties,
            "geometry": {"type": "Point", "coordinates": position},
        }
        lines.append(json.dumps(feature, ensure_ascii=False, allow_nan=False))
    body = ",\n".join(lines)
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8"
    )


def _frame(
    stations: gpd.GeoDataFrame, language: Language | None, names: Callable[[Column], str]
) -> gpd.GeoDataFrame:
    """Return a layer's columns under the names of a file."""
    data = {
        names(c): pd.Series(
            [_cell(v, c, language) for v in stations[c.name]],
            dtype="Int64" if c.dtype == "integer" else object,
        )
        for c in _columns()
        if c.name in stations and c.name not in {"lon", "lat"}
    }
    return gpd.GeoDataFrame(data, geometry=stations.geometry.to_numpy(), crs=stations.crs)


def _write_gpkg(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    frame = _frame(stations, language, lambda c: c.zh if language == "zh" else c.name)
    pyogrio.write_dataframe(frame, path, layer="stations", driver="GPKG", geometry_type="Point")


def _write_kml(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    # A placemark's own name is what maps show; the other columns are its extended data.
    frame = _frame(
        stations, language, lambda c: c.zh if language == "zh" and c.name != "name" else c.name
    )
    for name in frame.columns.difference(["geometry"]):
        frame[name] = frame[name].map(_for_xml)
    pyogrio.write_dataframe(frame, path, layer="stations", driver="KML", geometry_type="Point")


def _write_shp(stations: gpd.GeoDataFrame, path: Path, language: Language | None) -> None:
    frame = _frame(stations, language, lambda c: c.name)
    table = pd.DataFrame(frame.drop(columns="geometry"))
    for name in table.select_dtypes(object):
        for station, value in zip(table["id"], table[name], strict=True):
            size = len(value.encode()) if isinstance(value, str) else 0
            if size > _SHAPEFILE_TEXT_BYTES:
                raise RegisterError(
                    f"{path.name}: {name} of the station {station!r} has {size} bytes, and a "
                    f"Shapefile cuts a text at {_SHAPEFILE_TEXT_BYTES}; write a .gpkg instead."
                )
    short = frame.rename(columns=lambda name: name[:_SHAPEFILE_NAME_BYTES])
    pyogrio.write_dataframe(
        short, path, driver="ESRI Shapefile", geometry_type="Point", encoding="UTF-8"
    )


_WRITERS: dict[str, Callable[[gpd.GeoDataFrame, Path, Language | None], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".geojson": _write_geojson,
    ".gpkg": _write_gpkg,
    _SHAPEFILE: _write_shp,
    ".kml": _write_kml,
}
WRITABLE = tuple(_WRITERS)
