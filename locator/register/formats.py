"""Layers as files: one way of writing each format, whatever the layer."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import shapely
from openpyxl.cell import Cell as OpenpyxlCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.styles.numbers import FORMAT_TEXT
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.worksheet import Worksheet

from locator.errors import RegisterError
from locator.paths import written_together, written_whole
from locator.schema import POSITION_DECIMALS, Cell, Column, Language, Number

# What XML 1.0 has no place for; rows that another program wrote may hold it.
_NOT_FOR_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PIECE = 10_000
_SHAPEFILE = ".shp"
# The other files of a Shapefile; the last three are indexes that another program has made.
_SHAPEFILE_PARTS = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")
_SHAPEFILE_NAME_BYTES = 10
_SHAPEFILE_TEXT_BYTES = 254
_LON_NOTE = "十进制度，如 107.2330471；坐标系在导入时用 --datum 说明"
POSITION = (
    Number("lon", "经度", required=True, note=_LON_NOTE),
    Number("lat", "纬度", required=True, note="十进制度，如 34.3646018"),
)


@dataclass(frozen=True)
class LayerFile:
    """What a file of a layer holds.

    Attributes
    ----------
    name, zh
        Of the layer or sheet inside the file: a name for programs, and the Chinese one.
    columns
        In their order, :data:`POSITION` among them where a table has them. Of a polygon they are
        a point inside it: a cell of a spreadsheet has no room for a shape.
    geometry_type
        Of every row.
    """

    name: str
    zh: str
    columns: tuple[Column, ...]
    geometry_type: Literal["Point", "MultiPolygon"] = "Point"


def write_layer(
    frame: gpd.GeoDataFrame, path: Path, layer: LayerFile, *, language: Language | None = None
) -> None:
    """Write rows to a file by its ending; the file appears whole or not at all.

    Parameters
    ----------
    frame
        Rows in WGS-84, with an ``id``.
    path
        Ends in one of :data:`FORMATS`.
    language
        Headers and labels in a language; None writes field names and codes.

    Raises
    ------
    RegisterError
        The ending is another one, the place cannot be written, or a text is too long for a
        Shapefile.
    """
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        raise RegisterError(
            f"{path.name}: this ending cannot be written; use one of {', '.join(FORMATS)}."
        )
    several = path.suffix.lower() == _SHAPEFILE
    whole = written_together(path, _SHAPEFILE_PARTS) if several else written_whole(path)
    try:
        with whole as draft:
            known.write(_Rows(frame, layer, language), draft)
    except OSError as error:
        raise RegisterError(f"{path} cannot be written: {error.strerror or error}.") from error
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise RegisterError(f"{path} cannot be written: {error}.") from error


def guard_cell(value: Cell) -> Cell:
    """Keep a spreadsheet from running a text as a formula (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


def lay_out(sheet: Worksheet, names: Sequence[str], columns: Sequence[Column]) -> None:
    """Give a sheet columns that fit their headers, and a first row that stays.

    Where no numbers belong, cells are text: Excel would make a date of a ``24/7`` typed there.
    """
    for number, (name, column) in enumerate(zip(names, columns, strict=True), start=1):
        dimension = sheet.column_dimensions[get_column_letter(number)]
        dimension.width = max(12, len(name) * 2 + 4)
        if column.operand != "number":
            dimension.number_format = FORMAT_TEXT
    sheet.freeze_panes = "A2"


class _Rows:
    """The rows of a file, and how its cells are written."""

    def __init__(
        self, frame: gpd.GeoDataFrame, layer: LayerFile, language: Language | None
    ) -> None:
        self.frame = frame
        self.layer = layer
        self.language = language

    def header(self) -> list[str]:
        return [c.zh if self.language == "zh" else c.name for c in self.layer.columns]

    def records(self) -> Iterator[list[Cell]]:
        """Yield each row's cells, made in pieces, because all of them need much memory."""
        for start in range(0, len(self.frame), _PIECE):
            piece = self.frame.iloc[start : start + _PIECE]
            table = pd.DataFrame(piece.drop(columns="geometry"), dtype=object)
            places = piece.geometry
            if self.layer.geometry_type != "Point":
                places = places.representative_point()
            table["lon"], table["lat"] = places.x, places.y
            values = [
                [c.cell(v, self.language) for v in table[c.name]]
                if c.name in table
                else [None] * len(table)
                for c in self.layer.columns
            ]
            yield from (list(row) for row in zip(*values, strict=True))

    def table(self, names: Callable[[Column], str]) -> gpd.GeoDataFrame:
        """Return the columns under the names of a file."""
        frame = self.frame
        data = {
            names(c): pd.Series([c.cell(v, self.language) for v in frame[c.name]], dtype=c.dtype)
            for c in self.layer.columns
            if c.name in frame and c not in POSITION
        }
        return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=frame.crs)

    def write(self, table: gpd.GeoDataFrame, path: Path, driver: str) -> None:
        pyogrio.write_dataframe(
            table,
            path,
            driver=driver,
            geometry_type=self.layer.geometry_type,
            promote_to_multi=self.layer.geometry_type != "Point",
            # A Shapefile's layer is its file, and its texts have an encoding to be named.
            **({"encoding": "UTF-8"} if path.suffix == _SHAPEFILE else {"layer": self.layer.name}),
        )


def _for_xml(value: Cell) -> Cell:
    return _NOT_FOR_XML.sub("", value) if isinstance(value, str) else value


def _write_csv(rows: _Rows, path: Path) -> None:
    # With a byte-order mark Excel opens it right.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(rows.header())
        writer.writerows([guard_cell(cell) for cell in row] for row in rows.records())


def _write_xlsx(rows: _Rows, path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)  # a row is written and forgotten
    sheet = book.create_sheet(rows.layer.zh if rows.language == "zh" else rows.layer.name)
    names = rows.header()
    lay_out(cast("Worksheet", sheet), names, rows.layer.columns)
    header = [WriteOnlyCell(sheet, name) for name in names]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in rows.records():
        sheet.append([_sheet_cell(sheet, value) for value in row])
    book.save(path)


def _sheet_cell(sheet: WriteOnlyWorksheet, value: Cell) -> OpenpyxlCell | Cell:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, _for_xml(value))
    cell.data_type = "s"  # a text that starts with = stays a text
    cell.number_format = FORMAT_TEXT
    return cell


def _write_geojson(rows: _Rows, path: Path) -> None:
    names = rows.header()
    skip = {i for i, c in enumerate(rows.layer.columns) if c in POSITION}
    own = next(i for i, c in enumerate(rows.layer.columns) if c.name == "id")
    # Rounded number by number: a grid of shapely's would join what lies close together.
    shapes = shapely.transform(rows.frame.geometry.to_numpy(), lambda c: c.round(POSITION_DECIMALS))
    lines = []
    for row, shape in zip(rows.records(), shapely.to_geojson(shapes), strict=True):
        properties = {
            n: v for i, (n, v) in enumerate(zip(names, row, strict=True)) if i not in skip
        }
        feature = {
            "type": "Feature",
            "id": row[own],
            "properties": properties,
            "geometry": json.loads(shape),
        }
        lines.append(json.dumps(feature, ensure_ascii=False, allow_nan=False))
    body = ",\n".join(lines)
    path.write_text(
        f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8"
    )


def _write_gpkg(rows: _Rows, path: Path) -> None:
    rows.write(rows.table(lambda c: c.zh if rows.language == "zh" else c.name), path, "GPKG")


def _write_kml(rows: _Rows, path: Path) -> None:
    # A placemark's own name is what maps show; the other columns are its extended data.
    table = rows.table(lambda c: c.zh if rows.language == "zh" and c.name != "name" else c.name)
    for name in table.columns.difference(["geometry"]):
        if table[name].dtype == object:
            table[name] = table[name].map(_for_xml)
    rows.write(table, path, "KML")


def _write_shp(rows: _Rows, path: Path) -> None:
    table = rows.table(lambda c: c.name)
    plain = pd.DataFrame(table.drop(columns="geometry"))
    for name in plain.select_dtypes(object):
        for identity, value in zip(plain["id"], plain[name], strict=True):
            size = len(value.encode()) if isinstance(value, str) else 0
            if size > _SHAPEFILE_TEXT_BYTES:
                raise RegisterError(
                    f"{path.name}: {name} of the station {identity!r} has {size} bytes, and a "
                    f"Shapefile cuts a text at {_SHAPEFILE_TEXT_BYTES}; write a .gpkg instead."
                )
    short = table.rename(columns=lambda name: name[:_SHAPEFILE_NAME_BYTES])
    rows.write(short, path, "ESRI Shapefile")


@dataclass(frozen=True)
class Format:
    """A way of writing a layer, and what is said of it where it is fetched by link.

    Attributes
    ----------
    media_type
        As IANA lists it; empty where no link offers the format.
    zh, en
        Whom a file is for.
    is_text
        A file shrinks when it is packed.
    """

    write: Callable[[_Rows, Path], None]
    media_type: str = ""
    zh: str = ""
    en: str = ""
    is_text: bool = False


# By ending, in the order of a page that offers them.
FORMATS: dict[str, Format] = {
    ".geojson": Format(
        _write_geojson,
        "application/geo+json",
        "给程序和网页，用代码",
        "for programs and web pages, with codes",
        is_text=True,
    ),
    ".csv": Format(
        _write_csv,
        "text/csv; charset=utf-8",
        "表格，给程序用（Excel 会把 24/7 当成日期，请取工作簿）；面只给出一点的坐标",
        "table for programs: Excel takes 24/7 for a date, so for Excel take the workbook; of an "
        "area the position of a point inside it",
        is_text=True,
    ),
    ".xlsx": Format(
        _write_xlsx,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Excel 工作簿，直接打开；面只给出其中一点的坐标",
        "Excel workbook that opens right; of an area the position of a point inside it",
    ),
    ".gpkg": Format(
        _write_gpkg,
        "application/geopackage+sqlite3",
        "给 QGIS 等地理信息软件，用代码",
        "for QGIS and other GIS, with codes",
    ),
    _SHAPEFILE: Format(_write_shp),  # several files: no link can offer it
    ".kml": Format(
        _write_kml,
        "application/vnd.google-earth.kml+xml",
        "给 Google Earth 等地图软件，用代码",
        "for Google Earth and other maps, with codes",
        is_text=True,
    ),
}
