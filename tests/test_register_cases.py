"""Small files of kinds that people have: each is read right, or the way out is named."""

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result

from locator.store import GeoPackageStore

CASES = Path(__file__).parent / "register"
FIRST = (107.1489, 34.3692)


def place_of(store: GeoPackageStore, identity: str) -> tuple[float, float]:
    (row,) = store.read("stations", where={"id": [identity]}).itertuples()
    return round(row.geometry.x, 4), round(row.geometry.y, 4)


def name_of(store: GeoPackageStore, identity: str) -> str:
    (row,) = store.read("stations", where={"id": [identity]}).itertuples()
    return str(row.name)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_a_shapefile_with_a_wide_column_is_utf8(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    done = cli("stations", "import", CASES / "utf8_no_cpg_width254.shp")
    assert done.exit_code == 0, done.output
    assert name_of(store, "S1") == "宝鸡市渭滨区驿站"


@pytest.mark.slow
@pytest.mark.parametrize("said", ["GBK", "ISO-8859-1", "UTF-8", "936", "nonsense"])
@pytest.mark.parametrize("real", ["gbk", "utf-8"])
def test_a_cpg_may_be_wrong(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path, said: str, real: str
) -> None:
    for part in CASES.glob("utf8_no_cpg_width254.*"):
        (tmp_path / f"a{part.suffix}").write_bytes(part.read_bytes())
    table = (tmp_path / "a.dbf").read_bytes()
    for text in ("宝鸡市渭滨区驿站", "经二路"):
        was, now = text.encode(), text.encode(real)
        table = table.replace(was, now + b" " * (len(was) - len(now)))
    (tmp_path / "a.dbf").write_bytes(table)
    (tmp_path / "a.cpg").write_text(said)
    assert cli("stations", "import", tmp_path / "a.shp").exit_code == 0
    assert name_of(store, "S1") == "宝鸡市渭滨区驿站"


@pytest.mark.slow
def test_big5_is_read_right(cli: Callable[..., Result], store: GeoPackageStore) -> None:
    done = cli("stations", "import", CASES / "big5.csv")
    assert done.exit_code == 0, done.output
    assert name_of(store, "T2") == "丙站"
    assert name_of(store, "T3") == "捷運路飲水站"


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("ending", [".csv", ".txt"])
def test_text_says_itself_how_it_is_encoded(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path, encoding: str, ending: str
) -> None:
    rows = "编号\t名称\t类型\t经度\t纬度\nW1\t经二路驿站\t骑手服务驿站\t107.1\t34.3\n"
    path = write(tmp_path / f"a{ending}", rows, encoding)
    assert cli("stations", "import", path).exit_code == 0
    assert name_of(store, "W1") == "经二路驿站"


def test_a_doubtful_encoding_names_the_option_which_decides(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "id,name,kind,lon,lat\nW1,Größe,rest_post,12,50\n", "cp1252")
    done = cli("stations", "import", path)
    assert (done.exit_code, "say --encoding" in done.output) == (2, True)
    assert cli("stations", "import", path, "--encoding", "cp1252").exit_code == 0
    assert name_of(store, "W1") == "Größe"
    korean = write(
        tmp_path / "b.csv", "id,name,kind,lon,lat\nW2,한강역,rest_post,127,37\n", "cp949"
    )
    if cli("stations", "import", korean).exit_code == 2:  # a word may be Chinese, and is asked
        assert cli("stations", "import", korean, "--encoding", "euc-kr").exit_code == 0
    assert name_of(store, "W2") == "한강역"
    wrong = cli("stations", "import", path, "--encoding", "utf-8")
    assert (wrong.exit_code, "is not text in utf-8" in wrong.output) == (2, True)
    none = cli("stations", "import", path, "--encoding", "utf-9")
    assert (none.exit_code, "no encoding 'utf-9'" in none.output) == (2, True)


def test_a_declared_projection_is_obeyed(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    done = cli("stations", "import", CASES / "crs3857.geojson")
    assert done.exit_code == 0, done.output
    assert "bd09mc" not in done.output.replace("(bd09mc for its metres)", "")
    assert place_of(store, "M1") == FIRST


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "crs"),
    [
        (lambda e, n: (e, n), "EPSG:4545"),
        (lambda e, n: (e, n), "4545"),
        (lambda e, n: (36_000_000 + e, n), "EPSG:4545"),
        (lambda e, n: (36_000_000 + e, n), "EPSG:4524"),
        (lambda e, n: (e, n), "EPSG:4524"),
        (lambda e, n: (n, e), "EPSG:4545"),
        (lambda e, n: (n, 36_000_000 + e), "EPSG:4545"),
        (lambda e, n: (n, 36_000_000 + e), "EPSG:4524"),
    ],
)
def test_gauss_kruger_with_its_zone_or_north_first(
    cli: Callable[..., Result],
    store: GeoPackageStore,
    tmp_path: Path,
    change: Callable[[float, float], tuple[float, float]],
    crs: str,
) -> None:
    rows = (CASES / "gk_metres.csv").read_text("utf-8").split()
    lines = [rows[0]]
    for row in rows[1:]:
        *cells, east, north = row.split(",")
        lines.append(",".join([*cells, *map(str, change(float(east), float(north)))]))
    path = write(tmp_path / "gk.csv", "\n".join(lines))
    done = cli("stations", "import", path, "--crs", crs)
    assert done.exit_code == 0, done.output
    assert place_of(store, "M1") == FIRST
    moved = cli("stations", "import", path, "--crs", crs, "--datum", "gcj02", "--dry-run", "--json")
    changes = json.loads(moved.stdout)["foreseen"]["changes"]
    assert any(field == "position" and to.startswith("moved 4") for _, field, _, to in changes)


def test_another_zone_is_no_place(cli: Callable[..., Result], tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,name,kind,lon,lat\nA,a,rest_post,37421712,3804943\n")
    done = cli("stations", "import", path, "--crs", "EPSG:4545")
    assert done.exit_code == 1
    assert "is of zone 37, and EPSG:4545 is of zone 36" in done.output
    far = write(tmp_path / "b.csv", "id,name,kind,lon,lat\nA,a,rest_post,12,34\n")
    assert "nowhere near the area of EPSG:4545" in cli(
        "stations", "import", far, "--crs", "EPSG:4545"
    ).output  # fmt: skip
    assert cli("stations", "import", far, "--crs", "EPSG:1").exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".shp", ".xlsx", ".json"])
def test_a_projection_can_be_said_of_every_format(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    import geopandas as gpd

    data = {"id": ["M1"], "name": ["站"], "kind": ["rest_post"]}
    east, north = 421712.06, 3804943.48
    path = tmp_path / f"a{ending}"
    if ending == ".xlsx":
        gpd.pd.DataFrame(data | {"经度": [east], "纬度": [north]}).to_excel(path, index=False)
    elif ending == ".json":
        path.write_text(json.dumps([{k: v[0] for k, v in data.items()} | {"x": east, "y": north}]))
    else:
        frame = gpd.GeoDataFrame(data, geometry=gpd.points_from_xy([east], [north]), crs=3857)
        frame.to_file(path)
    done = cli("stations", "import", path, "--crs", "EPSG:4545")
    assert done.exit_code == 0, done.output
    assert place_of(store, "M1") == FIRST


def test_members_of_a_set_are_mapped_one_by_one(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    done = cli(
        "stations", "import", CASES / "sets.csv", "--map", CASES / "sets.toml",
        "--set", "kind=rest_post",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "3 rows good, 0 rows rejected" in done.output
    assert "Columns that were not read: district" in done.output
    (row,) = store.read("stations", where={"id": ["ZZ000"]}).itertuples()
    assert row.services == "drinking_water;seats;phone_charging;cooling;wifi;first_aid"


def test_extended_data_of_a_kml_may_be_called_id(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    assert cli("stations", "import", CASES / "one.kml").exit_code == 0
    (row,) = store.read("stations", where={"id": ["N1"]}).itertuples()
    assert (row.kind, row.name) == ("rest_post", "一")


@pytest.mark.parametrize("sheet", [(), ("--sheet", "站点"), ("--sheet", "2")])
def test_the_table_may_stand_on_another_sheet(
    cli: Callable[..., Result], store: GeoPackageStore, sheet: tuple[str, ...]
) -> None:
    done = cli("stations", "import", CASES / "sheet2.xlsx", *sheet)
    assert done.exit_code == 0, done.output
    assert name_of(store, "001") == "甲站"
    wrong = cli("stations", "import", CASES / "sheet2.xlsx", "--sheet", "x")
    assert "has no sheet 'x'; it has 说明, 站点" in wrong.output


def test_two_sheets_with_tables_are_a_question(cli: Callable[..., Result], tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["填写说明"])
    for name in ("金台", "渭滨"):
        sheet = book.create_sheet(name)
        sheet.append(["编号", "名称", "类型", "经度", "纬度"])
        sheet.append([name, name, "rest_post", 107.1, 34.3])
    book.save(tmp_path / "a.xlsx")
    done = cli("stations", "import", tmp_path / "a.xlsx")
    assert (done.exit_code, "金台, 渭滨; say which with --sheet" in done.output) == (2, True)


@pytest.mark.parametrize("name", ["semi.csv", "tab.txt"])
def test_decimal_commas_and_two_kinds_of_dates(
    cli: Callable[..., Result], store: GeoPackageStore, name: str
) -> None:
    done = cli("stations", "import", CASES / name)
    assert done.exit_code == 0, done.output
    assert place_of(store, "A-1") == (107.1422, 34.3712)
    found = store.read("stations", where={"id": ["A-1", "A-2"]})
    assert found["last_verified"].tolist() == ["2026-11-03", "2026-11-03"]


def test_ids_on_request_stay_the_same(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    head = "名称,类型,lng,latitude\n"
    rows = ["甲,rest_post,107.1,34.3\n", "乙,rest_post,107.2,34.3\n", "甲,rest_post,107.3,34.3\n"]
    path = write(tmp_path / "a.csv", head + "".join(rows))
    refused = cli("stations", "import", path)
    assert (refused.exit_code, "--number PREFIX" in refused.output) == (2, True)
    assert cli("stations", "import", path, "--number", "NX-").exit_code == 0
    assert place_of(store, "NX-0003") == (107.3, 34.3)
    again = write(
        tmp_path / "b.csv", head + rows[2] + "丁,rest_post,107.4,34.3\n" + rows[1] + rows[0]
    )
    done = cli("stations", "import", again, "--number", "NX-")
    assert "1 new, 0 changed, 3 as they were" in done.output
    assert name_of(store, "NX-0004") == "丁"
    assert cli("stations", "import", path, "--number", "a b").exit_code == 2


def test_columns_of_a_file_without_a_header_are_numbers(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "Q1,甲,107.1,34.3,x\nQ2,乙,107.2,34.3,y\n")
    mapping = write(tmp_path / "m.toml", '[columns]\nid="1"\nname="2"\nlon="3"\nlat="4"\n')
    done = cli(
        "stations", "import", path, "--no-header", "--map", mapping, "--set", "kind=rest_post"
    )
    assert done.exit_code == 0, done.output
    assert "not read: 5" in done.output
    assert name_of(store, "Q1") == "甲"


@pytest.mark.slow
def test_an_id_and_what_changes_are_enough(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    before = store.read("stations").iloc[0]
    path = write(tmp_path / "a.csv", f"id,phone\n{before['id']},0917-1\n")
    dry = cli("stations", "import", path, "--dry-run")
    assert f"{before['id']} phone: '' -> '0917-1'" in dry.output
    assert "1 changed" in dry.output
    assert cli("stations", "import", path).exit_code == 0
    after = store.read("stations").iloc[0]
    assert after["phone"] == "0917-1"
    for column in ("name", "kind", "source_datum", "geometry", "status"):
        assert after[column] == before[column]
    new = write(tmp_path / "b.csv", f"id,phone\nNEW,0917-1\n{before['id']},0917-2\n")
    told = cli("stations", "import", new)
    assert told.exit_code == 0
    assert "is empty; it is required for a station that is new" in told.output
    refused = cli("stations", "import", new, "--mode", "replace")
    assert refused.exit_code == 2


def test_what_excel_has_done_is_said(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,name,kind,lon,lat,phone,opening_hours\n"
        "6.10302E+11,甲,rest_post,107.1,34.3,,\n"
        "E2,乙,rest_post,107.1,34.3,1.39E+10,Jul-24\n"
        "E3,丙,rest_post,107.2,34.3,,7月24日\n",
    )
    done = cli("stations", "import", path)
    assert "'6.10302E+11': is a number that Excel has shortened" in done.output
    assert "'1.39E+10': is a number that Excel has shortened; left out" in done.output
    assert done.output.count("is a date that Excel made") == 2
    (row,) = store.read("stations", where={"id": ["E2"]}).itertuples()
    assert row.phone is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [
        "站点编号,站点名称,类别,lng,lat",
        "ID,Title,Type,Longitude,Latitude",
        "編號,名稱,類型,經度,緯度",
        "code,站名,category,x,y",
        "编号,名称,类型,point_x,point_y",
    ],
)
def test_headers_that_others_use(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path, header: str
) -> None:
    path = write(tmp_path / "a.csv", f"{header}\nH1,甲,rest_post,107.1,34.3\n")
    done = cli("stations", "import", path)
    assert done.exit_code == 0, done.output
    assert place_of(store, "H1") == (107.1, 34.3)


def test_an_array_of_objects_is_a_table(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    items = [{"编号": "J1", "名称": "甲", "类型": "rest_post", "lng": 107.1, "lat": 34.3, "x1": {}}]
    path = write(tmp_path / "a.json", json.dumps(items))
    assert cli("stations", "import", path).exit_code == 0
    assert name_of(store, "J1") == "甲"


def test_an_array_of_features_is_a_collection(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    point = {"type": "Point", "coordinates": [107.1, 34.3]}
    data = {"id": "J2", "label": "甲", "kind": "rest_post", "opentime": "08:00~20:00"}
    features = [{"type": "Feature", "properties": data, "geometry": point}]
    path = write(tmp_path / "a.json", json.dumps(features))
    assert cli("stations", "import", path).exit_code == 0
    assert place_of(store, "J2") == (107.1, 34.3)


def test_numbers_do_not_stand_in_for_a_name(cli: Callable[..., Result], tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "lng,lat,kind\n107.1,34.3,rest_post\n")
    done = cli("stations", "import", path, "--number", "X-")
    assert (done.exit_code, "has no column for name" in done.output) == (2, True)
