"""Real files' habits: title lines, merged cells, degrees and minutes, Shapefiles, KML, bombs."""

import csv
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locator.errors import RegisterError
from locator.register import (
    RegisterRead,
    parse_table,
    read_mapping,
    read_table,
    write_register,
)
from locator.register.coordinates import parse_degrees, parse_pair
from locator.schema import Datum
from locator.store import GeoPackageStore


def read(path: Path, datum: Datum = Datum.WGS84) -> RegisterRead:
    return parse_table(read_table(path), datum=datum)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("107.2330471", 107.2330471),
        ("107.2330471°", 107.2330471),
        ("１０７．５", 107.5),
        ("107°13′58.97″", 107 + 13 / 60 + 58.97 / 3600),
        ("107°13'58.97\"E", 107 + 13 / 60 + 58.97 / 3600),
        ("E107°13'58''", 107 + 13 / 60 + 58 / 3600),
        ("东107度13分58秒", 107 + 13 / 60 + 58 / 3600),
        ("107 13 58.97", 107 + 13 / 60 + 58.97 / 3600),
        ("107:13:58", 107 + 13 / 60 + 58 / 3600),
        ("107° 13.5′", 107.225),
        ("W107°30'", -107.5),
    ],
)
def test_longitudes_as_people_write_them(text: str, expected: float) -> None:
    assert parse_degrees(text, 180.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("text", ["", "x", "107°61′", "N107°13′", "107°13′58″ 5", "1e400", "nan"])
def test_what_is_no_longitude(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_degrees(text, 180.0)


@given(st.floats(-180, 180), st.sampled_from("°度: "))
def test_degrees_minutes_seconds_mean_the_same(value: float, mark: str) -> None:
    total = round(abs(value) * 3600, 6)
    degrees, minutes, seconds = int(total // 3600), int(total % 3600 // 60), total % 60
    seconds = min(round(seconds, 6), 59.999999)
    text = f"{degrees}{mark}{minutes}'{seconds:.6f}\"{'W' if value < 0 else 'E'}"
    assert parse_degrees(text, 180.0) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ("107.15,34.37", "坐标", (107.15, 34.37)),
        ("34.37，107.15", "坐标", (107.15, 34.37)),
        ("107.15 34.37", "经度,纬度", (107.15, 34.37)),
        ("34.37,87.6", "纬度,经度", (87.6, 34.37)),
        ("(107.15; 34.37)", "position", (107.15, 34.37)),
    ],
)
def test_both_in_one_cell(text: str, header: str, expected: tuple[float, float]) -> None:
    assert parse_pair(text, header) == expected


@pytest.mark.parametrize("text", ["87.6,43.8", "107.15", "a,b", "107.15,134.37", "1,2,3"])
def test_a_pair_that_may_mean_two_things_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_pair(text, "坐标")


def test_a_workbook_with_titles_group_headers_and_merged_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"] = "宝鸡市骑手驿站一览表"
    sheet.merge_cells("A1:F1")
    sheet["A2"] = "填表单位：市场监管局　2026年11月"
    for cell, text in {
        "A3": "编号",
        "B3": "名称",
        "C3": "类型",
        "D3": "位置",
        "F3": "依托单位类型",
    }.items():
        sheet[cell] = text
    sheet.merge_cells("A3:A4")
    sheet.merge_cells("D3:E3")
    sheet["D4"], sheet["E4"] = "经度", "纬度"
    sheet.append([1, "甲", "骑手服务驿站", 107.1, 34.3, "爱心企业"])
    sheet.append([2, "乙", "骑手服务驿站(点)", "107°6′", "３４．３", None])
    sheet.merge_cells("F5:F6")
    sheet.append([])
    sheet.append([3, "丙", "骑手服务驿站", None, 34.3, "其他"])
    path = tmp_path / "list.xlsx"
    book.save(path)
    found = read(path)
    assert found.stations["id"].tolist() == ["1", "2"]
    assert found.stations["host"].tolist() == ["caring_enterprise"] * 2
    assert found.stations.geometry.x.tolist() == [107.1, 107.1]
    (rejected,) = found.rejected
    assert (rejected.faults[0].row, rejected.faults[0].column) == (8, "经度")


def test_a_csv_with_a_title_line_and_coordinates_in_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        '骑手驿站\n编号,名称,类型,坐标\n1,甲,换电柜,"107.15,34.37"\n2,乙,换电柜,107.15\n', "utf-8"
    )
    found = read(path)
    assert found.stations.geometry.x.tolist() == [107.15]
    assert [(f.row, f.column) for r in found.rejected for f in r.faults] == [(4, "坐标")]


def test_gpkg_and_kml_there_and_back(store: GeoPackageStore, tmp_path: Path) -> None:
    stations = store.read("stations")
    path = tmp_path / "out.gpkg"
    write_register(stations, path)
    again = read(path)
    assert not again.rejected
    assert again.stations["name"].tolist() == stations["name"].tolist()
    assert (
        again.stations["services"].fillna("").tolist() == stations["services"].fillna("").tolist()
    )
    assert again.stations.geometry.geom_equals_exact(stations.geometry, 1e-7).all()


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@pytest.mark.parametrize("says", [True, False])
def test_a_shapefile_in_its_code_page(tmp_path: Path, encoding: str, says: bool) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["1"], "name": ["经二路驿站"], "kind": ["rest_post"], "opening_hours": ["24/7"]},
        geometry=gpd.points_from_xy([107.15], [34.37]),
        crs="EPSG:4490",
    )
    path = tmp_path / "stations.shp"
    with pytest.warns(RuntimeWarning, match="Normalized/laundered"):
        pyogrio.write_dataframe(frame, path, encoding=encoding)
    if not says:
        path.with_suffix(".cpg").unlink()
    row = read(path).stations.iloc[0]
    assert (row["name"], row["opening_hours"]) == ("经二路驿站", "24/7")
    assert row.geometry.x == pytest.approx(107.15)


def test_a_layer_in_another_projection_is_brought_to_degrees(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["1"], "name": ["站"], "kind": ["rest_post"]},
        geometry=gpd.points_from_xy([107.15], [34.37], crs="EPSG:4326"),
    ).to_crs("EPSG:32648")
    frame.to_file(tmp_path / "utm.gpkg")
    assert read(tmp_path / "utm.gpkg").stations.geometry.x.tolist() == pytest.approx([107.15])


def test_a_layer_of_polygons_is_rejected_row_by_row(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["1"], "name": ["站"], "kind": ["rest_post"]},
        geometry=gpd.points_from_xy([107.15], [34.37], crs="EPSG:32648").buffer(10),
    )
    frame.to_file(tmp_path / "areas.gpkg")
    found = read(tmp_path / "areas.gpkg")
    assert found.stations.empty
    assert found.rejected[0].faults[0].value == "(Polygon)"


def test_a_bomb_is_refused_before_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(RegisterError, match="would unpack to 60 MB"):
        read_table(path)


def test_xml_entities_do_not_unfold(tmp_path: Path) -> None:
    """The billion laughs, in the place where a workbook keeps its texts."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "name"])
    clean, path = tmp_path / "clean.xlsx", tmp_path / "laughs.xlsx"
    book.save(clean)
    laughs = '<!DOCTYPE x [<!ENTITY a "haha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    with zipfile.ZipFile(clean) as source, zipfile.ZipFile(path, "w") as target:
        for item in source.infolist():
            body = source.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                body = (laughs + "]>").encode() + body.replace(b"<sheetData>", b"<sheetData>&j;")
            target.writestr(item, body)
    with pytest.raises(RegisterError):
        read_table(path)


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".kml", ".xlsx"])
def test_truncated_files_are_one_sentence(
    store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    whole = tmp_path / "whole.gpkg"
    write_register(store.read("stations"), whole)
    path = tmp_path / f"cut{ending}"
    path.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(RegisterError):
        read_table(path)


@pytest.mark.parametrize("value", ["[" * 3000, "{a=" * 3000, "1" * 5000, "'\xff'"])
def test_a_mapping_too_deep_or_too_long_to_read_is_one_sentence(tmp_path: Path, value: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(f"[columns]\nid = {value}\n".encode("latin-1"))
    with pytest.raises(RegisterError, match="is not TOML"):
        read_mapping(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_says_what_parts_the_cells(tmp_path: Path, delimiter: str) -> None:
    """Lists and hours hold more of the other delimiters than a row has of its own."""
    path = tmp_path / "list.csv"
    lists = "hot_water;microwave;charging;toilet;rest_seats"
    hours = "Mo 09:00-18:00; Tu 09:00-18:00; We 09:00-18:00; Th 09:00-18:00"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["宝鸡市;骑手驿站,一览表"])
        writer.writerow(["编号", "名称", "类型", "经度", "纬度", "服务设施", "开放时间", "地址"])
        for n in range(30):
            row = [f"S{n}", "站", "rest_post", 107, 34, lists, hours, "a,b,c,d,e,f,g,h,i,j"]
            writer.writerow(row)
    table = read_table(path)
    assert len(table.header) == 8
    assert [len(row.cells) for row in table.rows] == [8] * 30


def test_unknown_headers_are_parted_by_what_the_first_line_has(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("p,q,r\n1,x;y;z;w;v;u,2\n", "utf-8")
    assert read_table(path).header == ("p", "q", "r")


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".kml"])
@pytest.mark.parametrize("kept", [0, 60, 0.5])
def test_a_damaged_layer_is_told_without_advice_to_programmers(
    store: GeoPackageStore, tmp_path: Path, ending: str, kept: float
) -> None:
    write_register(store.read("stations"), tmp_path / f"out{ending}")
    path = tmp_path / f"out{ending}"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    (tmp_path / "out.shx").unlink(missing_ok=True)
    with pytest.raises(RegisterError, match="is damaged or not a .*; export it again") as told:
        read_table(path)
    words = str(told.value)
    assert "DRIVER" not in words
    assert "RESTORE" not in words
    assert str(tmp_path) not in words
    assert words.endswith(").")
    assert ".." not in words


@pytest.mark.parametrize("text", ["\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\x07"])
def test_what_is_no_character_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.geojson"
    feature = {
        "type": "Feature",
        "properties": {"id": "a", "name": f"站{text}x", "kind": "rest_post"},
        "geometry": {"type": "Point", "coordinates": [107, 34]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    (row,) = read(path).rejected
    assert "control characters" in row.faults[0].reason


@pytest.mark.parametrize("ending", [".xlsx", ".kml"])
def test_what_xml_forbids_does_not_damage_a_file(
    store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    """QGIS wrote it into the store."""
    frame = store.read("stations").head(2)
    frame["name"] = ["站\ufffe\uffff\x07一", "b"]
    path = tmp_path / f"out{ending}"
    write_register(frame, path)
    assert read(path).stations["name"].tolist() == ["站一", "b"]


@pytest.mark.parametrize("station", [".", "..", "/a", "a/", "a//b", "a/../b", "cells/1_2"])
def test_an_id_that_no_page_can_have_is_refused(tmp_path: Path, station: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        f"id,name,kind,lon,lat\n{station},x,rest_post,107,34\na/b,x,rest_post,107,34\n", "utf-8"
    )
    found = read(path)
    assert "address of a page" in found.rejected[0].faults[0].reason
    assert found.stations["id"].tolist() == ["a/b"]


def test_a_table_of_20000_columns_is_refused_at_once_in_every_format(tmp_path: Path) -> None:
    """Not read whole: what stands below the header is damaged, and nobody gets as far."""
    names = [f"c{n}" for n in range(20_000)]
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(names) + "\n" + "x,y,1\n" * 1000 + '"never closed', "utf-8")
    features = tmp_path / "wide.geojson"
    point = {"type": "Point", "coordinates": [107.1, 34.3]}
    feature = {"type": "Feature", "properties": dict.fromkeys(names, "1"), "geometry": point}
    features.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    layer = tmp_path / "wide.gpkg"
    columns = {name: ["1"] for name in names[:1_200]}
    frame = gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy([107.1], [34.3]), crs=4326)
    pyogrio.write_dataframe(frame, layer)
    for path in (wide, features, layer):
        with pytest.raises(RegisterError, match=r"columns; at most 1,000 are read"):
            read_table(path)


def test_a_line_of_absurd_length_is_refused_before_it_is_taken_apart(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,name,kind,lon,lat\n" + "1," * 2_000_000, "utf-8")
    with pytest.raises(RegisterError, match=r"a line of more than 1,048,576 bytes"):
        read_table(path)
