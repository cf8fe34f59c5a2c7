"""Files of other programs: read as GDAL reads them, and nothing opened but what was given."""

import http.server
import json
import re
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import product
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locator.errors import InputError
from locator.files import ENDINGS, open_layers, read_layer
from locator.files.encoding import decode, find_encoding
from locator.register import read_table
from tests.patience import examples

REPOSITORY = Path(__file__).resolve().parents[1]
SECRET = "TOPSECRET-7731"
POINT = '{"type": "Point", "coordinates": [107.15, 34.37]}'
KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
MARK = (
    "<Placemark><name>站</name><Point><coordinates>107.15,34.37,0</coordinates></Point></Placemark>"
)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """Give a server's address and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET  # noqa: N815 - the library's own names

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Give a file that nobody was given."""
    path = tmp_path / "elsewhere" / "secret.geojson"
    path.parent.mkdir()
    properties = {"id": SECRET, "name": SECRET, "kind": "rest_post", "highway": "primary"}
    feature = f'{{"type": "Feature", "properties": {json.dumps(properties)}, "geometry": {POINT}}}'
    path.write_text(f'{{"type": "FeatureCollection", "features": [{feature}]}}', "utf-8")
    return path


def vrt(source: str) -> str:
    return (
        "<OGRVRTDataSource><OGRVRTLayer name='secret'>"
        f"<SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )


def gdal_lines(source: str) -> str:
    """Return a pipeline of GDAL's, another text that one of its drivers opens."""
    return json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector read {source}"})


READERS = [
    ("stations", "import", "{}"),
    ("stations", "check", "{}"),
    ("hotzones", "import", "{}"),
    ("hotzones", "build", "{}", "--out", "out.gpkg"),
    ("gaps", "--minutes", "5", "--hot-zones", "{}", "--out", "out"),
    ("gaps", "--minutes", "5", "--points", "{}", "--out", "out"),
    ("site", "--new", "1", "--minutes", "5", "--candidates", "{}", "--out", "out"),
    ("roads", "import", "{}", "--map", "roads.toml"),
    ("roads", "calibrate", "{}"),
]


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda r: "-".join(r[:2]))
def test_a_vrt_by_another_name_opens_nothing(
    cli: Callable[..., Result],
    listener: tuple[str, list[str]],
    secret: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roads.toml").write_text("[columns]\nroad_class = 'highway'\n")
    address, asked = listener
    texts = (
        vrt(str(secret)),
        vrt(f"/vsicurl/{address}/a.geojson"),
        gdal_lines(str(secret)),
        f"<!-- {vrt(str(secret))} -->{KML.format('')}",
    )
    pairs = [*product([".kml"], texts), *product([*ENDINGS, ".csv", ".xlsx"], texts[:1])]
    for ending, text in pairs:
        path = tmp_path / f"given{ending}"
        path.write_text(text, "utf-8")
        done = cli(*(part.format(path) for part in reader))
        assert done.exit_code in {1, 2}
        assert re.search(r"^locator: .", done.output, re.MULTILINE)
        assert SECRET not in done.output
    assert not asked
    assert not list(tmp_path.glob("out*"))


def test_gdal_reads_layers_nowhere() -> None:
    """It takes a text for whatever it looks like; locator.files reads by content and ending."""
    wrong = [
        f"{path.name}: {line.strip()}"
        for path in (REPOSITORY / "locator").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"pyogrio\.(read|list_layers|open)|\bread_file\(|read_dataframe", line)
    ]
    assert not wrong


@pytest.mark.parametrize(
    "name", ["/vsicurl/{}/a.gpkg", "{}/a.gpkg", "zip://{}/a.zip!a.shp", "/vsizip/{}/a.zip/a.shp"]
)
def test_an_address_is_no_file(
    cli: Callable[..., Result], listener: tuple[str, list[str]], name: str
) -> None:
    address, asked = listener
    for command in (("stations", "import"), ("hotzones", "import"), ("roads", "import")):
        done = cli(*command, name.format(address))
        assert done.exit_code in {1, 2}
    assert not asked


@pytest.mark.parametrize("name", ["a!b", "a;b", "a?b#c", "zip+file"])
def test_a_name_with_signs_of_an_address_is_a_name(tmp_path: Path, name: str) -> None:
    frame = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(107, 34)], crs=4326)
    frame.to_file(tmp_path / "plain.shp")
    for part in tmp_path.glob("plain.*"):
        part.rename(tmp_path / f"{name}{part.suffix}")
    assert read_layer(tmp_path / f"{name}.shp")["id"].tolist() == ["1"]


def test_links_of_a_kml_are_not_followed(
    listener: tuple[str, list[str]], secret: Path, tmp_path: Path
) -> None:
    address, asked = listener
    links = (
        f"<NetworkLink><Link><href>{address}/a.kml</href></Link></NetworkLink>"
        f"<NetworkLink><Link><href>{secret}</href></Link></NetworkLink>"
        f"<Style id='s'><IconStyle><Icon><href>{address}/i.png</href></Icon></IconStyle></Style>"
        f"<Schema schemaUrl='{address}/s'/>"
    )
    path = tmp_path / "a.kml"
    path.write_text(KML.format(links + MARK), "utf-8")
    assert len(read_layer(path)) == 1
    for kind in ("SYSTEM", "PUBLIC 'x'"):
        for place in (secret.as_uri(), f"{address}/x"):
            entity = f"<!DOCTYPE kml [<!ENTITY e {kind} '{place}'>]>"
            for encoding in ("utf-8", "utf-16"):
                mark = MARK.replace("站", "&e;")
                path.write_bytes((entity + KML.format(mark)).encode(encoding))
                with pytest.raises(InputError, match="document type"):
                    read_layer(path)
    assert not asked


def test_a_crs_by_link_or_by_a_file_of_shifts_is_refused(
    listener: tuple[str, list[str]], secret: Path, tmp_path: Path
) -> None:
    address, asked = listener
    document = json.loads(secret.read_text("utf-8"))
    path = tmp_path / "a.geojson"
    for crs in (
        {"type": "link", "properties": {"href": f"{address}/crs", "type": "proj4"}},
        {"type": "name", "properties": {"name": f"{address}/crs"}},
        {"type": "name", "properties": {"name": f"+proj=longlat +nadgrids={secret}"}},
        {"type": "name", "properties": {"name": str(secret)}},
    ):
        path.write_text(json.dumps(document | {"crs": crs}), "utf-8")
        with pytest.raises(InputError, match="--crs EPSG:n"):
            read_layer(path)
    frame = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(107, 34)], crs=4326)
    frame.to_file(tmp_path / "a.shp")
    wkt = frame.crs.to_wkt("WKT1_GDAL")
    (tmp_path / "a.prj").write_text(
        f'{wkt[:-1]},EXTENSION["PROJ4","+proj=longlat +nadgrids={secret}"]]'
    )
    with pytest.raises(InputError, match="names another file"):
        read_layer(tmp_path / "a.shp")
    assert not asked


def test_views_and_virtual_tables_of_a_geopackage_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(107, 34)], crs=4326)
    frame.to_file(path, layer="good", driver="GPKG")
    with sqlite3.connect(path) as db:
        db.execute("CREATE VIEW v AS SELECT fid, geom, load_extension('/tmp/x') AS id FROM good")
        db.execute("CREATE VIRTUAL TABLE f USING fts5(geom, id)")
        for name in ("v", "f"):
            db.execute("INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id) "
                       "VALUES (?, 'features', ?, 4326)", (name, name))  # fmt: skip
            db.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POINT', 4326, 0, 0)",
                       (name,))  # fmt: skip
    with open_layers(path) as file:
        assert [info.name for info in file.layers] == ["good"]
    before = path.read_bytes()
    assert read_layer(path)["id"].tolist() == ["1"]
    assert path.read_bytes() == before


def test_a_part_of_a_shapefile_that_links_elsewhere_is_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"id": [SECRET]}, geometry=[shapely.Point(107, 34)], crs=4326)
    (tmp_path / "other").mkdir()
    frame.to_file(tmp_path / "other" / "a.shp")
    shutil.copy(tmp_path / "other" / "a.shp", tmp_path / "a.shp")
    (tmp_path / "a.dbf").symlink_to(tmp_path / "other" / "a.dbf")
    with pytest.raises(InputError, match="a link to another folder"):
        read_layer(tmp_path / "a.shp")


def test_a_workbook_opens_nothing_else(
    listener: tuple[str, list[str]], secret: Path, tmp_path: Path
) -> None:
    address, asked = listener
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "name", "kind", "lon", "lat"])
    book.worksheets[0].append([1, "=WEBSERVICE('x')", "rest_post", 107, 34])
    clean, path = tmp_path / "clean.xlsx", tmp_path / "a.xlsx"
    book.save(clean)
    relation = (
        '<?xml version="1.0"?><Relationships xmlns='
        '"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"'
        f' Target="{address}/b.xlsx" TargetMode="External"/></Relationships>'
    )
    for place in (secret.as_uri(), f"{address}/x"):
        with zipfile.ZipFile(clean) as source, zipfile.ZipFile(path, "w") as target:
            for item in source.infolist():
                body = source.read(item)
                if item.filename == "xl/worksheets/sheet1.xml":
                    entity = f"<!DOCTYPE x [<!ENTITY e SYSTEM '{place}'>]>".encode()
                    body = entity + body.replace(b"<sheetData>", b"<sheetData>&e;")
                target.writestr(item, body)
            target.writestr("xl/externalLinks/_rels/externalLink1.xml.rels", relation)
            target.writestr("../../escaped.txt", "x")
        try:
            told = str(list(read_table(path).rows))
        except InputError as error:
            told = str(error)
        assert SECRET not in told
    assert not asked
    assert not (tmp_path.parent / "escaped.txt").exists()


_FIXTURES = [HealthCheck.function_scoped_fixture]
coordinates = st.floats(-180, 180).map(lambda v: round(v, 6))
points = st.builds(shapely.Point, coordinates, coordinates)
boxes = st.tuples(coordinates, coordinates, st.floats(0.01, 5), st.floats(0.01, 5)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
rings = boxes.map(lambda b: b.difference(b.centroid.buffer(0.002)))
lines = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=5, unique=True).map(
    shapely.LineString
)
several = st.lists(lines, min_size=2, max_size=3).map(shapely.MultiLineString)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=_FIXTURES)
@given(
    st.one_of(
        *(
            st.lists(kind, min_size=1, max_size=4)
            for kind in (points, st.one_of(boxes, rings), lines, several)
        )
    ),
    st.sampled_from(["a.shp", "a.gpkg", "a.geojson"]),
)
def test_shapes_are_those_that_gdal_reads(
    tmp_path: Path, shapes: list[shapely.Geometry], name: str
) -> None:
    path = tmp_path / name
    frame = gpd.GeoDataFrame(
        {
            "名称": [f"站{n}" for n in range(len(shapes))],
            "n": np.arange(len(shapes)),
            "x": np.arange(len(shapes)) + 0.5,
        },
        geometry=shapes,
        crs=4326,
    )
    frame.to_file(path, engine="pyogrio", encoding="UTF-8")
    ours, theirs = read_layer(path), pyogrio.read_dataframe(path)
    assert list(ours.columns) == list(theirs.columns)
    for column in ("名称", "n", "x"):
        assert ours[column].tolist() == theirs[column].tolist()
    assert shapely.equals(ours.geometry.to_numpy(), theirs.geometry.to_numpy()).all()
    assert ours.crs.to_epsg() == 4326


def test_what_a_table_of_a_shapefile_may_hold(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "t": ["a", None, ""],
            "i": gpd.pd.array([1, None, -3], dtype="Int64"),
            "f": [1.5, np.nan, 2e10],
            "d": gpd.pd.to_datetime(["2026-11-30", None, "2026-01-02"]),
        },
        geometry=[shapely.Point(107, 34), None, shapely.Point(1, 2)],
        crs=4326,
    )
    with pytest.warns(RuntimeWarning, match="created as String field"):
        frame.to_file(tmp_path / "a.shp")
    read = read_layer(tmp_path / "a.shp")
    assert read["f"].replace({np.nan: None}).tolist() == [1.5, None, 2e10]
    assert read["i"].replace({np.nan: None}).tolist() == [1, None, -3]
    assert read["t"].tolist()[:2] == ["a", None]
    assert read["d"].tolist()[1] is None
    assert str(read["d"].tolist()[0]).startswith("2026/11/30")
    assert read.geometry.isna().tolist() == [False, True, False]
    (tmp_path / "a.shx").unlink()  # it only says where the shapes stand
    assert read_layer(tmp_path / "a.shp").geometry.isna().tolist() == [False, True, False]


@settings(max_examples=examples(200), deadline=None, suppress_health_check=_FIXTURES)
@given(st.data(), st.sampled_from([".shp", ".dbf", ".shx", ".gpkg", ".kml", ".geojson"]))
def test_a_damaged_file_is_one_sentence(tmp_path: Path, data: st.DataObject, ending: str) -> None:
    main = tmp_path / ("a.shp" if ending in {".dbf", ".shx"} else f"a{ending}")
    frame = gpd.GeoDataFrame(
        {"id": ["1", "2"]}, geometry=[shapely.box(1, 2, 3, 4), shapely.box(5, 2, 6, 4)], crs=4326
    )
    if not main.exists():
        frame.to_file(main, driver="KML" if ending == ".kml" else None)
    path = main.with_suffix(ending)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    byte = data.draw(st.integers(0, 255))
    path.write_bytes(whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :])
    try:
        with suppress(InputError):
            read_layer(main)
            assert not (cut and at < 4), "nothing is left of it"
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("encoding", ["u-f-8", "big5", "utf-16"])
def test_a_kml_in_an_encoding_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "a.kml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?><kml/>', encoding="ascii")
    with pytest.raises(InputError, match=r"a\.kml"):
        read_layer(path)


def own_names() -> list[str]:
    names = {
        str(feature["properties"]["name"])
        for layer in ("hot_zones", "districts", "places")
        for feature in json.loads((REPOSITORY / "geodata" / f"{layer}.geojson").read_text("utf-8"))[
            "features"
        ]
    }
    rows = read_table(REPOSITORY / "geodata" / "stations.csv").rows
    return sorted(names | {row.cells["name"] for row in rows})


def test_a_text_with_one_of_our_names_alone_is_read_without_a_question() -> None:
    for name in own_names():
        for encoding in ("gbk", "utf-8"):
            raw = name.encode(encoding)
            assert raw.decode(find_encoding([raw], "x")) == name


TAIWAN = ["捷運路飲水站", "國父紀念館", "士林區公所", "臺北車站", "飲水機", "運動中心"]
JAPAN = ["東京都新宿区", "札幌駅前", "渋谷センター", "休憩所", "コンビニ", "名古屋市中区", "ひろば"]


@pytest.mark.parametrize(
    ("encoding", "words"), [("big5", TAIWAN), ("shift_jis", JAPAN), ("gbk", ["兴隆大家庭超市"])]
)
def test_a_text_is_read_right_or_refused_with_the_option_named(
    encoding: str, words: list[str]
) -> None:
    for text in [*words, "\n".join(words), *(word[:2] for word in words)]:
        raw = text.encode(encoding)
        refused = nullcontext() if len(text) > 3 else suppress(_NamesEncodingError)
        with refused, _told():
            assert raw.decode(find_encoding([raw], "list.csv")) == text


class _NamesEncodingError(Exception):
    """A refusal that names the option."""


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        if "--encoding" in str(error):
            raise _NamesEncodingError from error
        raise


def test_what_a_file_says_of_its_encoding_counts_only_in_doubt() -> None:
    text = "经二路驿站".encode("gbk")
    assert find_encoding([text], "x", said="utf-8") == "gb18030"
    assert find_encoding(["经二路驿站".encode()], "x", said="gbk") == "utf-8-sig"
    assert find_encoding(["Größe".encode("cp1252")], "x", said="cp1252") == "cp1252"
    with pytest.raises(InputError, match="--encoding"):
        find_encoding([b"\xff\xff\xfa\x80"], "x")


def test_half_a_character_at_the_end_of_a_cut_text_is_left_out() -> None:
    raw = "经二路".encode()
    assert decode(raw[:-1], "utf-8", cut=True) == "经二"
    with pytest.raises(UnicodeDecodeError):
        decode(raw[:-1], "utf-8")
