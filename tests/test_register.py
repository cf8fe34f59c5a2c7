"""Registers: every format, both languages, each fault with its place, and back again."""

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from locator.errors import RegisterError
from locator.intake import import_register
from locator.register import (
    Mapping,
    RegisterRead,
    fit_datums,
    hint_datum,
    parse_points,
    parse_table,
    read_mapping,
    read_table,
    write_register,
    write_rejected,
    write_template,
)
from locator.schema import Datum, Provenance
from locator.store import GeoPackageStore

HEADER = "id,name,kind,lon,lat,services,opening_hours,status,capacity,last_verified,platforms\n"
GOOD = "a,驿站,rest_post,107.15,34.37,饮水;座椅,24/7,active,12,2026-11-01,美团\n"


def read(
    folder: Path, text: str | bytes, name: str = "list.csv", **options: object
) -> RegisterRead:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    options.setdefault("datum", Datum.WGS84)
    return parse_table(read_table(path), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_in_the_encodings_excel_writes(tmp_path: Path, encoding: str) -> None:
    row = read(tmp_path, (HEADER + GOOD).encode(encoding)).stations.iloc[0]
    assert (row["name"], row["services"]) == ("驿站", "drinking_water;seats")
    assert (row["platforms"], row["capacity"], row["last_verified"]) == (
        "meituan",
        12,
        "2026-11-01",
    )


def test_chinese_headers_and_labels(tmp_path: Path) -> None:
    header = "编号,名称,类型,经度,纬度,依托单位类型,状态,服务\n"
    text = header + "b,站,换电柜,107.1,34.3,爱心企业,暂停,换电、饮水\n"
    row = read(tmp_path, text).stations.iloc[0]
    assert (row["kind"], row["host"], row["status"]) == (
        "swap_cabinet",
        "caring_enterprise",
        "temporarily_closed",
    )
    assert row["services"] == "drinking_water;battery_swap"


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (",驿站,rest_post,107.1,34.3", "id", "required"),
        ("a,,rest_post,107.1,34.3", "name", "required"),
        ("a,驿站,pub,107.1,34.3", "kind", "must be one of"),
        ("a,驿站,rest_post,x,34.3", "lon", "must be degrees"),
        ("a,驿站,rest_post,34.3,107.1", "lat", "swapped"),
        ("a,驿站,rest_post,,34.3", "lon", "required"),
        ("a,驿站,rest_post,nan,34.3", "lon", "must lie between"),
        ("a,驿站,rest_post,0,0", "lon", "not a place"),
        ("a,驿站,rest_post,11943872,4075000", "lon", "metres"),
        ("a,驿站,rest_post,107.1,34.3,beer", "services", "must be one of"),
        ("a,驿站,rest_post,107.1,34.3,,,,-3", "capacity", "whole number"),
        ("a,驿站,rest_post,107.1,34.3,,,,,31-12-26", "last_verified", "must be a date"),
        ("a,驿站,rest_post,107.1,34.3,,,,,2026-02-30", "last_verified", "must be a date"),
        ("a,驿\x07站,rest_post,107.1,34.3", "name", "control characters"),
        (f"a,{'站' * 201},rest_post,107.1,34.3", "name", "longer than"),
    ],
)
def test_a_bad_row_comes_back_with_row_column_value_and_reason(
    tmp_path: Path, line: str, column: str, reason: str
) -> None:
    found = read(tmp_path, HEADER + GOOD.replace("a,", "ok,", 1) + line + "\n")
    assert found.stations["id"].tolist() == ["ok"]
    (rejected,) = found.rejected
    fault = next(f for f in rejected.faults if f.column == column)
    assert fault.row == 3
    assert reason in fault.reason


def test_the_second_row_of_an_id_is_rejected_and_names_the_first(tmp_path: Path) -> None:
    (rejected,) = read(tmp_path, HEADER + GOOD + GOOD).rejected
    assert rejected.faults[0].reason == "stands already in row 2"


def test_hours_as_people_write_them_are_read_when_certain(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + GOOD.replace("24/7", "早8点到晚10点"))
    assert found.stations["opening_hours"].tolist() == ["08:00-22:00"]
    (warning,) = found.warnings
    assert (warning.row, warning.column, warning.value) == (2, "opening_hours", "早8点到晚10点")
    assert warning.reason == "was read as '08:00-22:00'"


def test_hours_that_are_not_certain_are_kept_with_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + GOOD.replace("24/7", "看情况"))
    assert found.stations["opening_hours"].tolist() == ["看情况"]
    (warning,) = found.warnings
    assert "kept as it is" in warning.reason


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("list.csv", b"", "no header"),
        ("list.csv", HEADER.encode(), "no rows"),
        ("list.csv", b"id,name,name\n1,2,3\n", "stands twice"),
        ("list.csv", b"\xff\xff\xfa\x80", "neither UTF-8 nor surely"),
        ("list.csv", b"id,name\n\x00,x\n", "NUL"),
        ("list.csv", b'id,name\n"a,b\n', "line"),
        ("list.csv", b"id,name\na,b,c\n", "2 columns"),
        ("list.csv", b"id,name\na,b\n", "no column for kind, lon, lat"),
        ("list.csv", ("id,编号,name,kind,lon,lat\n1,1,a,rest_post,1,1\n").encode(), "both mean id"),
        ("list.xlsx", b"PK but not a workbook", "not an Excel workbook"),
        ("list.geojson", b"{", "not JSON"),
        ("list.geojson", b"[1]", "not a GeoJSON"),
        ("list.geojson", b"[" * 100_000, "not JSON"),
        ("list.doc", b"x", "ending is not known"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(RegisterError, match=reason):
        read(tmp_path, content, name)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)),
    ending=st.sampled_from(["csv", "geojson", "xlsx"]),
)
def test_no_bytes_end_in_a_traceback(tmp_path: Path, content: bytes, ending: str) -> None:
    with suppress(RegisterError):
        read(tmp_path, content, f"fuzz.{ending}")


def test_the_stated_datum_is_converted_and_kept(tmp_path: Path) -> None:
    text = HEADER + "a,驿站,rest_post,107.2377452,34.3631904\n"
    row = read(tmp_path, text, datum=Datum.GCJ02).stations.iloc[0]
    assert row["source_datum"] == "gcj02"
    assert row.geometry.x == pytest.approx(107.2330471, abs=1e-5)
    assert row.geometry.y == pytest.approx(34.3646018, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".geojson"])
@pytest.mark.parametrize("language", [None, "zh", "en"])
def test_the_register_survives_there_and_back(
    store: GeoPackageStore, tmp_path: Path, ending: str, language: str | None
) -> None:
    stations = store.read("stations")
    path = tmp_path / f"out{ending}"
    write_register(stations, path, language=language)  # type: ignore[arg-type]
    again = import_register(store, path, datum=Datum.WGS84, actor="test")
    assert not again.tally.rejected
    assert not again.tally.unread_columns
    assert again.revision is not None
    assert (again.revision.unchanged, again.revision.updated) == (len(stations), 0)


def test_gdal_reads_what_is_exported(store: GeoPackageStore, tmp_path: Path) -> None:
    stations = store.read("stations")
    for ending in (".gpkg", ".geojson"):
        path = tmp_path / f"out{ending}"
        write_register(stations, path)
        frame = gpd.read_file(path)
        assert len(frame) == 120
        assert frame.crs.to_epsg() == 4326
        assert frame["name"].tolist() == stations["name"].tolist()


HOSTILE = '=HYPERLINK("http://x")'


def test_a_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    frame = read(
        tmp_path, HEADER + f'"a","{HOSTILE.replace(chr(34), chr(34) * 2)}",rest_post,107.1,34.3\n'
    ).stations
    assert frame["name"].tolist() == [HOSTILE]
    write_register(frame, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["name"] == "'" + HOSTILE
    write_register(frame, tmp_path / "out.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]["B2"]
    assert (cell.value, cell.data_type) == (HOSTILE, "s")
    for name in ("out.csv", "out.xlsx"):
        again = parse_table(read_table(tmp_path / name), datum=Datum.WGS84)
        assert again.stations["name"].tolist() == [HOSTILE]


def test_rejected_rows_can_be_mended_and_imported_again(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "a,驿站,pub,107.1,34.3,饮水\nb,站,rest_post,107.1,34.3\n")
    path = tmp_path / "rejected.csv"
    write_rejected(found.rejected, found.header, path)
    text = path.read_text("utf-8-sig")
    assert "kind 'pub' must be one of" in text
    path.write_text(text.replace(",pub,", ",rest_post,"), encoding="utf-8-sig")
    mended = parse_table(read_table(path), datum=Datum.WGS84)
    assert mended.stations["id"].tolist() == ["a"]
    assert not mended.unread_columns


def test_a_rejected_row_that_nobody_mended_stays_rejected(tmp_path: Path) -> None:
    """The second row of an id, alone in the file of rejected rows, would look good."""
    found = read(tmp_path, HEADER + GOOD + GOOD.replace("驿站", "另一站"))
    write_rejected(found.rejected, found.header, tmp_path / "bad.csv")
    again = parse_table(read_table(tmp_path / "bad.csv"), datum=Datum.WGS84)
    assert again.stations.empty
    assert "is as it was rejected: id 'a' stands already" in again.rejected[0].faults[0].reason
    text = (tmp_path / "bad.csv").read_text("utf-8-sig").replace(",a,另一站", ",b,另一站")
    (tmp_path / "bad.csv").write_text(text, "utf-8-sig")
    mended = parse_table(read_table(tmp_path / "bad.csv"), datum=Datum.WGS84)
    assert mended.stations["id"].tolist() == ["b"]


def test_rejected_rows_are_written_before_anything_else(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD + "b,站,pub,107.1,34.3\n", encoding="utf-8")
    before = store.version()
    itself = cli("stations", "import", path, "--rejected", path)
    assert itself.exit_code == 2
    assert "name another file" in itself.stderr
    folder = cli("stations", "import", path, "--rejected", "/dev/null")
    assert folder.exit_code == 2
    assert "not a regular file" in folder.stderr
    assert store.version() == before
    refused = cli(
        "stations", "import", path, "--mode", "replace", "--rejected", tmp_path / "bad.csv"
    )
    assert refused.exit_code == 2
    assert "row 3, kind 'pub'" in refused.stderr
    assert (tmp_path / "bad.csv").exists()
    assert store.version() == before


def test_a_dry_run_says_what_would_happen(cli: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    result = cli("stations", "import", path, "--mode", "replace", "--dry-run")
    assert "nothing written: 1 new, 0 changed, 120 to be closed" in result.stdout


def test_the_template_is_filled_in_and_read(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    write_template(path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert len(sheet.data_validations.dataValidation) == 4  # kind, host, status, provenance
    names = [cell.value for cell in sheet[1]]
    formats = {  # of 24/7 Excel would make a date, of a long id 6.10302E+11
        name: sheet.column_dimensions[get_column_letter(number)].number_format
        for number, name in enumerate(names, start=1)
    }
    assert (formats["开放时间"], formats["编号"], formats["经度"]) == ("@", "@", "General")
    row = {"编号": 7, "名称": "驿站", "类型": "骑手服务驿站", "经度": 107.1, "纬度": 34.3}
    sheet.append([row.get(name) for name in names])
    book.save(path)
    frame = parse_table(read_table(path), datum=Datum.WGS84).stations
    assert frame["id"].tolist() == ["7"]


def test_a_foreign_file_is_read_with_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(
        '[columns]\nid = "ref"\nname = "title"\nlon = "x"\nlat = "y"\nkind = "type"\n'
        '[values.kind]\nwater = "rest_post"\n[set]\nprovenance = "community"\n',
        encoding="utf-8",
    )
    found = read(
        tmp_path,
        "ref,title,x,y,type,colour\n1,井,107.1,34.3,water,blue\n",
        mapping=read_mapping(tmp_path / "map.toml"),
    )
    row = found.stations.iloc[0]
    assert (row["id"], row["kind"], row["provenance"]) == ("1", "rest_post", "community")
    assert found.unread_columns == ("colour",)
    with pytest.raises(RegisterError, match="no field 'colour'"):
        read(tmp_path, HEADER + GOOD, mapping=Mapping(fill={"colour": "blue"}))
    with pytest.raises(RegisterError, match="no column 'nope'"):
        read(tmp_path, HEADER + GOOD, mapping=Mapping(columns={"name": "nope"}))


def test_a_wrong_datum_gets_a_hint(store: GeoPackageStore) -> None:
    from locator.datum import from_wgs84

    stations, districts = store.read("stations"), store.read("districts")
    lon, lat = from_wgs84(stations.geometry.x, stations.geometry.y, Datum.GCJ02)
    shifted = stations.set_geometry(gpd.points_from_xy(lon, lat, crs="EPSG:4326"))

    def hint(frame: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> Datum | None:
        fits = fit_datums(frame, stated=Datum.WGS84, known=known, districts=districts)
        found = hint_datum(fits, Datum.WGS84)
        return found.datum if found else None

    assert hint(shifted, stations) is Datum.GCJ02
    assert hint(stations, stations) is None
    # Without known stations only the districts' edges can tell; they may be silent, never wrong.
    assert hint(shifted, stations.iloc[:0]) is not Datum.WGS84
    assert hint(stations, stations.iloc[:0]) is None
    # A file that moves three stations and leaves the rest is a correction, not another datum.
    moved = stations.copy()
    moved.geometry = [*shifted.geometry[:3], *stations.geometry[3:]]
    assert hint(moved, stations) is None


def test_check_says_what_an_import_would_do(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    stations = store.read("stations")
    row = stations.iloc[0]
    path = tmp_path / "list.csv"
    lon, lat = row.geometry.x, row.geometry.y
    path.write_text(
        "id,name,kind,lon,lat\n"
        f"{row['id']},改了名,{row['kind']},{lon},{lat}\n"
        f"new,{row['name']}（新）,rest_post,{lon + 1e-4},{lat}\n"
        f"far,{row['name']},rest_post,{lon + 1e-2},{lat}\n",
        encoding="utf-8",
    )
    before = store.version()
    result = json.loads(cli("stations", "check", path, "--json").stdout)
    assert store.version() == before
    against = result["against_store"]
    assert against["new_ids"] == ["new", "far"]
    assert against["changes"] == [[row["id"], "name", row["name"], "改了名"]]
    assert (against["new"], against["changed"], against["absent"]) == (2, 1, 119)
    assert {d["datum"]: d["known_pairs"] for d in result["datums"]} == {
        "wgs84": 1,
        "gcj02": 1,
        "bd09": 1,
    }
    path.write_text(
        f"id,name,kind,lon,lat\nnew,{row['name']}（新）,rest_post,{lon + 1e-4},{lat}\n", "utf-8"
    )
    (pair,) = json.loads(cli("stations", "check", path, "--json").stdout)["duplicates"]
    assert (pair["id"], pair["other_id"], pair["other_is_stored"]) == ("new", row["id"], True)
    assert 5 < pair["distance_m"] < 12
    assert "Perhaps twice: new" in cli("stations", "check", path).stdout


def test_import_modes(cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    assert cli("stations", "import", path, "--mode", "add").exit_code == 0
    again = cli("stations", "import", path, "--mode", "add")
    assert again.exit_code == 1
    assert "in the store already" in again.stderr
    replaced = cli("stations", "import", path, "--mode", "replace", "--provenance", "surveyed")
    assert "0 new, 1 changed, 0 as they were, 120 closed" in replaced.stdout
    stations = store.read("stations")
    active = stations[stations["status"] == "active"]
    assert active["id"].tolist() == ["a"]
    assert active["provenance"].tolist() == ["surveyed"]


def test_replace_refuses_a_file_with_rejected_rows(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD + "b,站,pub,107.1,34.3\n", encoding="utf-8")
    before = store.version()
    result = cli("stations", "import", path, "--mode", "replace")
    assert result.exit_code == 2
    assert "mend them first" in result.stderr
    assert store.version() == before


def test_merge_keeps_the_columns_a_file_does_not_have(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    before = store.read("stations", where={"id": "BJ-R-001"}).iloc[0]
    path.write_text(
        f"id,name,kind,lon,lat\nBJ-R-001,新名,rest_post,{before.geometry.x},{before.geometry.y}\n",
        "utf-8",
    )
    result = import_register(
        store, path, datum=Datum.WGS84, provenance=Provenance.OFFICIAL, actor="t"
    )
    after = store.read("stations", where={"id": "BJ-R-001"}).iloc[0]
    assert result.revision is not None
    assert result.revision.updated == 1
    assert (after["name"], after["services"]) == ("新名", before["services"])


@pytest.mark.realdata
def test_the_taiwan_register_with_a_mapping(realdata: Path) -> None:
    table = read_table(realdata / "registers" / "taiwan_drinking_water.geojson")
    bare = parse_table(
        table, datum=Datum.WGS84, mapping=Mapping(fill={"kind": "rest_post", "name": "飲水機"})
    )
    assert len(bare.stations) == 708
    assert not bare.rejected
    assert len(bare.warnings) == 17
    assert all(warning.column == "opening_hours" for warning in bare.warnings)
    kept = [w.value for w in bare.warnings if "kept as it is" in w.reason]
    assert kept == ["09-18", "00; 00-24:00"]
    # Without a name for the nameless, they are the ones that are rejected, each with its reason.
    strict = parse_table(table, datum=Datum.WGS84, mapping=Mapping(fill={"kind": "rest_post"}))
    nameless = sum("name" not in row.cells for row in table.rows)
    assert len(strict.rejected) == nameless > 0
    assert {f.reason for r in strict.rejected for f in r.faults} == {"is empty; it is required"}


@pytest.mark.realdata
def test_the_shops_of_shanghai_as_demand_points(realdata: Path) -> None:
    table = read_table(realdata / "points" / "shanghai_food.csv")
    found = parse_points(table, datum=Datum.WGS84, mapping=Mapping(columns={"district": "adname"}))
    assert len(found.points) + len(found.rejected) == len(table.rows)
    assert len(found.points) > 14_000
    assert not found.weighted
    west, south, east, north = found.points.total_bounds
    assert 120.8 < west < east < 122.1
    assert 30.6 < south < north < 31.9


def test_demand_points_name_their_faults(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "lon,lat,demand_per_h\n107.1,34.3,2\n107.1,x,1\n107,34,-1\n", "utf-8"
    )
    found = parse_points(read_table(tmp_path / "p.csv"), datum=Datum.WGS84)
    assert found.points["demand_per_h"].tolist() == [2.0]
    assert [(f.row, f.column) for r in found.rejected for f in r.faults] == [
        (3, "lat"),
        (4, "demand_per_h"),
    ]


def test_json_output_of_an_import_lists_everything(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + GOOD + "b,站,pub,107.1,34.3\n", encoding="utf-8")
    result = json.loads(cli("stations", "import", path, "--json", "--dry-run").stdout)
    assert result["good"] == 1
    assert result["written"] is None
    assert [(f["row"], f["column"], f["value"]) for f in result["rejected"]] == [(3, "kind", "pub")]
