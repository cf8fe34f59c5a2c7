"""Lists of places that others publish: made-up files of the kinds that were found in public."""

from pathlib import Path

import geopandas as gpd
import pytest

from locator.register import Mapping, Numbering, RegisterRead, parse_table, read_table
from locator.register.coordinates import parse_pair, split_pair
from locator.register.hours_text import normalise_hours
from locator.register.unit_hint import hint_unit
from locator.schema import Datum

FILLED = Mapping(fill={"kind": "rest_post"})
HERE = gpd.GeoDataFrame(
    {"name": ["城"]}, geometry=gpd.points_from_xy([107.1], [34.4]).buffer(0.5), crs="EPSG:4326"
)


def read(folder: Path, text: str, mapping: Mapping = FILLED) -> RegisterRead:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return parse_table(
        read_table(path), datum=Datum.WGS84, mapping=mapping, numbering=Numbering("N-")
    )


def test_a_type_of_another_scheme_gives_way_to_the_kind_that_is_set(tmp_path: Path) -> None:
    found = read(tmp_path, "name,type,lon,lat\n甲,科教文化;学校,107.1,34.3\n乙,公厕,107.2,34.3\n")
    assert list(found.stations["kind"]) == ["rest_post", "rest_post"]
    assert found.unread_columns == ("type",)


def test_a_type_that_holds_our_kinds_is_read_and_faults_in_it_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, "name,type,lon,lat\n甲,换电柜,107.1,34.3\n乙,公厕,107.2,34.3\n")
    assert list(found.stations["kind"]) == ["swap_cabinet"]
    assert "must be one of" in found.rejected[0].faults[0].reason


def test_our_own_column_and_a_mapped_one_never_give_way(tmp_path: Path) -> None:
    rows = ",lon,lat\n甲,公厕,107.1,34.3\n"
    assert read(tmp_path, f"name,类型{rows}").rejected
    assert read(tmp_path, f"name,t{rows}", Mapping({"kind": "t"}, {}, FILLED.fill)).rejected


def test_a_foreign_type_without_a_kind_set_names_the_way_out(tmp_path: Path) -> None:
    found = read(tmp_path, "name,type,lon,lat\n甲,公厕,107.1,34.3\n", Mapping())
    assert "--set kind=" in found.rejected[0].faults[0].reason
    mapped = read(tmp_path, "name,type,lon,lat\n甲,公厕,107.1,34.3\n", Mapping({"kind": "type"}))
    assert "--set" not in mapped.rejected[0].faults[0].reason


@pytest.mark.parametrize(
    "header",
    [
        "Station ID,Station Name,Opening Hours,Longitude,Latitude,Full Address,Phone Number",
        "StationID,StationName,opening-hours,lng,lat,Address,Tel",
        "站ID,名称,开放 时间,经度(°),纬度（度）,地址,电话",
        "id,名称,営業時間,経度,緯度,住所,電話番号",
        "id,시설명,운영시간,경도,위도,주소,전화번호",
        "id,nom,horaires,longitude (deg),latitude (deg),adresse,téléphone",
        "id,Bezeichnung,Öffnungszeiten,Längengrad,Breitengrad,Adresse,Telefon",
    ],
)
def test_headers_of_other_writers_and_languages(tmp_path: Path, header: str) -> None:
    (row,) = read(
        tmp_path, f"{header}\nA1,甲站,24/7,107.1,34.3,经二路,0917-1\n"
    ).stations.itertuples()
    assert (row.id, row.name, row.opening_hours, row.address, row.phone) == (
        "A1",
        "甲站",
        "24/7",
        "经二路",
        "0917-1",
    )
    assert (row.geometry.x, row.geometry.y) == (107.1, 34.3)


def test_a_header_that_names_another_datum_is_not_taken_for_degrees_of_the_stated(
    tmp_path: Path,
) -> None:
    with pytest.raises(Exception, match="no column for lon, lat"):
        read(tmp_path, "name,经度(百度),纬度(百度)\n甲,107.1,34.3\n")


@pytest.mark.parametrize("header", ["x,y,lng,lat", "x,y,lon,纬度", "x,y,longitude,latitude"])
def test_both_coordinates_come_from_one_pair_of_columns(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, f"name,{header}\n甲,108.9,35.9,107.1,34.3\n")
    (place,) = found.stations.geometry
    assert (place.x, place.y) == (107.1, 34.3)
    assert found.unread_columns == ("x", "y")


@pytest.mark.parametrize("header", ["lng,lat", "x,lat", "经度,纬度", "x,y"])
def test_a_pair_in_one_cell_beside_two_columns(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, f'name,坐标,{header}\n甲,"107.1,34.3",107.1,34.3\n')
    (place,) = found.stations.geometry
    assert (place.x, place.y) == (107.1, 34.3)


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("WKT", "POINT (107.1 34.3)"),
        ("geometry", "SRID=4326;Point Z(107.1 34.3 600)"),
        ("the_geom", '"{""type"":""Point"",""coordinates"":[107.1,34.3]}"'),
        ("geom", '"{""coordinates"": [[107.1, 34.3]], ""type"": ""MultiPoint""}"'),
        ("geo_point_2d", '"34.3, 107.1"'),
        ('"lat,lng"', '"34.3,107.1"'),
        ("lnglat", '"[107.1, 34.3]"'),
    ],
)
def test_a_point_in_one_cell(tmp_path: Path, header: str, cell: str) -> None:
    (place,) = read(tmp_path, f"name,{header}\n甲,{cell}\n").stations.geometry
    assert (place.x, place.y) == (107.1, 34.3)


def test_the_order_in_a_point_is_that_of_its_format() -> None:
    assert parse_pair("POINT (2.34 48.86)", "WKT") == (2.34, 48.86)
    assert parse_pair('{"type": "Point", "coordinates": [2.34, 48.86]}', "g") == (2.34, 48.86)
    assert parse_pair("48.86, 2.34", "geo_point_2d") == (2.34, 48.86)
    with pytest.raises(ValueError, match="lon,lat or lat,lon"):
        parse_pair("48.86, 2.34", "place")


@pytest.mark.parametrize(
    "cell",
    [
        '{"type": "LineString", "coordinates": [[107.1, 34.3], [107.2, 34.3]]}',
        '{"type": "Point", "coordinates": {"a": 1}}',
        '{"type": "Point", "coordinates": [true, null]}',
        '{"type": "Point"',
        "{" * 100_000,
        "[" * 100_000,
        "LINESTRING (107.1 34.3, 107.2 34.4)",
        "POINT EMPTY",
        "POINT ()",
    ],
)
def test_what_is_no_point_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        split_pair(cell)


def test_words_for_nothing_are_no_text(tmp_path: Path) -> None:
    words = ["null", "NULL", "<Null>", "NaN", "N/A", "#N/A", "[]", "\\N"]
    rows = "".join(f"站{n},107.{n},34.3,{word}\n" for n, word in enumerate(words))
    found = read(tmp_path, f"name,lon,lat,address\n{rows}站x,107.5,34.4,Null Road 1\n")
    assert [a for a in found.stations["address"] if a is not None] == ["Null Road 1"]
    assert not found.rejected


@pytest.mark.slow
def test_web_mercator_elsewhere_is_not_called_gauss_kruger() -> None:
    seoul = [
        (14_130_133.75, 4_515_936.12),
        (14_133_097.96, 4_516_056.79),
        (14_131_517.4, 4_514_887),
    ]
    hint = hint_unit(seoul, 3, Datum.WGS84, projected=False, districts=HERE)
    assert hint is not None
    assert "EPSG:3857" in hint.reason
    assert "latitude 37.5, longitude 126.9" in hint.reason
    assert "Gauss" not in hint.reason


@pytest.mark.slow
@pytest.mark.parametrize("pair", [(170.0, 95.0), (3e7, 4e6), (float("nan"), 4e6), (1e30, 1e30)])
def test_numbers_of_no_known_unit_get_no_hint(pair: tuple[float, float]) -> None:
    assert hint_unit([pair] * 4, 4, Datum.WGS84, projected=False, districts=HERE) is None


@pytest.mark.slow
def test_gauss_kruger_elsewhere_is_called_that() -> None:
    for east in (421_712.0, 38_421_712.0):
        far = [(east, 3_003_000.0 + n) for n in range(4)]
        hint = hint_unit(far, 4, Datum.WGS84, projected=False, districts=HERE)
        assert hint is not None
        assert "Gauss–Krüger metres" in hint.reason
        assert "3857" not in hint.reason


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("周一至周五：9:00-18:00；周日：休息", "Mo-Fr 09:00-18:00; Su off"),
        ("Mon-Fri: 9am-5pm; Sunday: closed", "Mo-Fr 09:00-17:00; Su off"),
        ("24時間", "24/7"),
        ("Monday: [7:30 am-6 pm], Sunday: [Closed]", "Mo 07:30-18:00; Su off"),
        ("Monday: [Open 24 hours]", "Mo 00:00-24:00"),
        ("【24小时】", "24/7"),
    ],
)
def test_hours_as_others_write_them(written: str, hours: str) -> None:
    assert normalise_hours(written) == hours


def test_a_line_longer_than_the_header_names_both_causes(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="a name missing in the header"):
        read(tmp_path, "name,lon,lat\n甲,107.1,34.3,经二路\n")


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("amenities", '"{""wheelchair"": false, ""free"": true}"'),
        ("设施", "电梯、报刊"),
        ("依托单位", "渭滨区总工会"),
    ],
)
def test_a_guessed_column_without_any_of_our_words_is_left_and_named(
    tmp_path: Path, header: str, cell: str
) -> None:
    found = read(tmp_path, f"name,{header},lon,lat\n甲,{cell},107.1,34.3\n乙,,107.2,34.3\n")
    assert list(found.stations["name"]) == ["甲", "乙"]
    assert found.unread_columns == (header,)


def test_a_guessed_column_with_some_of_our_words_is_read_and_its_faults_said(
    tmp_path: Path,
) -> None:
    found = read(tmp_path, "name,设施,lon,lat\n甲,热水、报刊,107.1,34.3\n乙,,107.2,34.3\n")
    assert "'报刊' must be one of" in found.rejected[0].faults[0].reason
    closed = read(tmp_path, "name,运营状态,lon,lat\n甲,拆了,107.1,34.3\n")
    assert closed.rejected, "a status is never passed over: the station may be closed"


@pytest.mark.parametrize(
    "above",
    [
        "Name; Lat; Lon\n甲; 34.3; 107.1\n乙; 34.4; 107.2\n\n\n",
        "name,lat,lon\n甲,34.3,107.1\n乙,34.4,107.2\n丙,34.4,107.2\n",
        "name,lat,lon,address\n甲,34.3,107.1\n",
    ],
)
def test_a_table_above_the_one_that_is_read_is_not_passed_over(tmp_path: Path, above: str) -> None:
    with pytest.raises(Exception, match="two tables: one begins in row 1, another in row"):
        read(tmp_path, f"{above}id,name,kind,lon,lat\na,丁,rest_post,107.3,34.3\n")


def test_titles_and_notes_above_a_table_are_passed_over(tmp_path: Path) -> None:
    notes = "宝鸡市驿站,2026,,\n说明：名称, 经度, 纬度 均为必填\n填报人：李, 电话：1\n"
    found = read(tmp_path, f"{notes}id,name,kind,lon,lat\na,丁,rest_post,107.3,34.3\n")
    assert list(found.stations["id"]) == ["a"]


def test_a_column_that_stands_twice_is_refused_only_where_it_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, "name,备注,lon,lat,备注,备注\n甲,a,107.1,34.3,b,c\n")
    assert list(found.stations["name"]) == ["甲"]
    assert found.unread_columns == (
        "备注",
        "备注 (again, column 5)",
        "备注 (again, column 6)",
    )
    with pytest.raises(Exception, match="'经度' stands twice"):
        read(tmp_path, "name,经度,纬度,经度\n甲,107.1,34.3,107.1\n")
    with pytest.raises(Exception, match="'tel' stands twice"):
        read(tmp_path, "name,tel,lon,lat,tel\n甲,1,107.1,34.3,2\n")
