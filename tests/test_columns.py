"""A column that the program does not have yet, end to end: its line of the schema is enough.

The store is one that the program wrote before columns were classes (``stores/schema-4.gpkg.gz``,
by ``stores/write_store.py``), so that what migrates it is tested against old tables.
"""

import gzip
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point

from locator.errors import StoreVersionError
from locator.register import FORMATS, parse_table, read_table, write_register, write_template
from locator.schema import (
    LAYERS,
    Amenity,
    Choice,
    ChoiceSet,
    Column,
    Date,
    Datum,
    Integer,
    Moment,
    Number,
    OpenSet,
    Platform,
    Text,
    Url,
)
from locator.settings import Settings
from locator.store import Change, open_store
from locator.store.doctor import examine
from locator.store.file import newest_schema
from locator.store.history import read_as_of, read_log, undo
from locator.web import create_app
from tests.conftest import MONDAY_NOON, fixed_clock

ROOT = Path(__file__).resolve().parents[1]
OLD = ROOT / "tests" / "stores" / "schema-4.gpkg.gz"
ADDRESS = "https://example.org/站/1.jpg?w=2&h=3"
SEATS_AND_WATER = ("drinking_water;seats", ["drinking_water", "seats"])


@pytest.fixture
def sample() -> Iterator[Column]:
    """Give stations a column for the time of a test."""
    layer, columns = LAYERS["stations"], LAYERS["stations"].columns
    since = newest_schema() + 1
    column = Url("sample_url", "样品网址", "Sample", public=True, on_page=True, since=since)
    object.__setattr__(layer, "columns", (*columns[:7], column, *columns[7:]))
    yield column
    object.__setattr__(layer, "columns", columns)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a store that an older program wrote."""
    path = tmp_path / "s.gpkg"
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return path


def station(identity: str, **values: object) -> gpd.GeoDataFrame:
    data = {"id": [identity], "name": ["站"], "kind": ["rest_post"]}
    data |= {name: [value] for name, value in values.items()}
    return gpd.GeoDataFrame(data, geometry=[Point(107.1, 34.3)], crs="EPSG:4326")


def test_an_old_store_is_used_as_it_is_until_it_is_migrated(sample: Column, old: Path) -> None:
    with open_store(old, clock=fixed_clock) as store:
        stations = store.read("stations")
        assert stations["sample_url"].isna().all()
        assert stations["phone"].dropna().tolist() == ["0917-1"]
        assert store.read("stations", where={"sample_url": ADDRESS}).empty
        then = read_as_of(store, "stations", MONDAY_NOON.replace(month=12))
        assert then["sample_url"].isna().all()
        store.apply(Change("stations", station("A-1", phone="1")), actor="test")
        store.apply(Change("stations", station("B", sample_url=None)), actor="test")
        with pytest.raises(StoreVersionError, match=r"no column 'sample_url'; run 'locator init'"):
            store.apply(Change("stations", station("B", sample_url=ADDRESS)), actor="test")
    found = {finding.what for finding in examine(old)}
    assert found == {f"the store has schema 4; this program writes {sample.since}"}


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_old_store_gets_the_column_and_keeps_everything(
    sample: Column, old: Path, by_hand: bool
) -> None:
    if by_hand:  # somebody has added it in QGIS
        with closing(sqlite3.connect(old)) as connection:
            connection.execute("ALTER TABLE stations ADD COLUMN sample_url TEXT")
            connection.commit()
    with open_store(old, clock=fixed_clock) as store:
        before, version, log = store.read("stations"), store.version(), store.audit()
        assert store.migrate() == store.migrate() == sample.since
        assert (store.version(), store.audit()) == (version, log)
        assert store.read("stations").equals(before)
        assert store.list_documents()[0].title == "说明"
        store.apply(Change("stations", station("A-1", sample_url=ADDRESS)), actor="test")
        change = next(c for c in read_log(store, "stations", "A-1") if c.field == "sample_url")
        assert (change.before, change.after) == (None, ADDRESS)
        undo(store, change.number, actor="test")
        assert store.read("stations")["sample_url"].isna().all()
    assert examine(old) == []
    backup = old.with_name("s-schema-4.gpkg")
    assert {finding.what[:24] for finding in examine(backup)} == {"the store has schema 4; "}


def test_it_goes_out_to_every_format_and_comes_back(
    sample: Column, old: Path, tmp_path: Path
) -> None:
    with open_store(old, clock=fixed_clock) as store:
        stations = store.read("stations").assign(sample_url=[ADDRESS, None, None])
    for ending in FORMATS:
        path = tmp_path / f"out{ending}"
        write_register(stations, path, language="zh")
        assert sample.zh in read_table(path).header or ending == ".shp"
        read = parse_table(read_table(path), datum=Datum.WGS84)
        assert read.unread_columns == ()
        assert read.stations["sample_url"].tolist() == [ADDRESS, None, None]


def test_a_file_with_its_chinese_header_is_read_and_what_is_none_rejected(
    sample: Column, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    rows = [
        "A,甲,骑手服务驿站,107.1,34.3," + ADDRESS,
        "B,乙,骑手服务驿站,107.2,34.3,javascript:alert(1)",
    ]
    path.write_text("\n".join(["编号,名称,类型,经度,纬度,样品网址", *rows]), "utf-8")
    read = parse_table(read_table(path), datum=Datum.WGS84)
    assert read.stations["sample_url"].tolist() == [ADDRESS]
    ((fault,),) = (row.faults for row in read.rejected)
    assert (fault.column, fault.reason[:26]) == (sample.zh, "must be an address like ht")


def test_the_template_has_it(sample: Column, tmp_path: Path) -> None:
    write_template(tmp_path / "t.xlsx")
    sheet, notes, _ = openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets
    assert sample.zh in [cell.value for cell in sheet[1]]
    (said,) = [row for row in notes.iter_rows(values_only=True) if row[1] == sample.name]
    assert said == (sample.zh, sample.name, None, "网址，以 https:// 或 http:// 开头")


@pytest.mark.usefixtures("sample")
def test_the_interface_and_the_page_have_it(old: Path) -> None:
    with open_store(old, clock=fixed_clock) as store:
        store.migrate()
        store.apply(Change("stations", station("A-1", sample_url=ADDRESS)), actor="test")
        # As another program may write it: what a cell of a file may not hold.
        store.apply(Change("stations", station("A-3", sample_url="javascript:a()")), actor="test")
    app = create_app(Settings(store=f"geopackage:{old}", basemap="none"), clock=fixed_clock)
    with app.test_client() as client:
        asked = client.get("/ogc/collections/stations/queryables?lang=en").json["properties"]
        described = client.get("/ogc/api").json["components"]["schemas"]["stations_feature"]
        items = client.get("/ogc/collections/stations/items?sortby=-sample_url").json["features"]
        page = client.get("/stations/A-1?lang=en").text
        other = client.get("/stations/A-3").text
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()
    assert asked["sample_url"] == {"title": "Sample", "type": "string", "format": "uri"}
    assert described["properties"]["properties"]["properties"]["sample_url"]["format"] == "uri"
    assert [item["properties"]["sample_url"] for item in items] == [ADDRESS, None, None]
    assert "<dt>Sample</dt>" in page
    assert f'href="{ADDRESS.replace("&", "&amp;")}"' in page
    assert "javascript:a" not in other


def test_every_service_has_an_icon_and_every_icon_a_service() -> None:
    icons = re.findall(r'<symbol id="i-(\w+)"', (ROOT / "templates" / "_icons.svg").read_text())
    assert icons == [service.value for service in Amenity]


def test_columns_say_the_schema_they_came_with() -> None:
    """A column without it would be looked for in stores that were made before it."""
    with gzip.open(OLD) as stream:
        tables = stream.read()
    for layer in LAYERS.values():
        for column in layer.columns:
            assert column.since > 4 or f'"{column.name}" {column.sql}'.encode() in tables


@pytest.mark.parametrize(
    ("column", "text", "value", "given"),
    [
        (Text("a", "甲"), " 一  楼 ", "一 楼", "一 楼"),
        (Url("a", "甲"), ADDRESS, ADDRESS, ADDRESS),
        (Choice("a", "甲", choices=Amenity), "卫生间", "toilet", "toilet"),
        (ChoiceSet("a", "甲", choices=Amenity), "座椅、饮水", *SEATS_AND_WATER),
        (OpenSet("a", "甲", known=Platform), "饿了么，Dada", "dada;eleme", ["dada", "eleme"]),
        (Integer("a", "甲"), "1,200", 1200, 1200),
        (Number("a", "甲"), "1,200.5", 1200.5, 1200.5),
        (Date("a", "甲"), "2026年11月3日", "2026-11-03", "2026-11-03"),
    ],
)
def test_what_a_person_writes_is_kept_given_and_read_again(
    column: Column, text: str, value: object, given: object
) -> None:
    assert column.parse(text) == value
    (kept,) = column.from_store([column.to_store(value)])
    assert kept == value
    assert column.fits(kept)
    assert column.json(kept) == given
    for language in (None, "zh", "en"):
        assert column.parse(str(column.cell(kept, language))) == value
    unknown = column.from_store([column.to_store(None)]).iloc[0]
    assert (column.cell(unknown), column.json(unknown)) == (None, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Url("a", "甲"), "javascript:a()"),
        (Url("a", "甲"), "https://[1"),
        (Url("a", "甲"), "https://a b"),
        (Choice("a", "甲", choices=Amenity), "sauna"),
        (ChoiceSet("a", "甲", choices=Amenity), "sauna;bar"),
        (Integer("a", "甲"), -1),
        (Number("a", "甲"), -0.5),
        (Date("a", "甲"), "soon"),
        (Moment("a", "甲"), "soon"),
    ],
)
def test_what_another_program_writes_and_is_none_is_unknown(column: Column, value: object) -> None:
    assert not column.fits(value)
    if column.is_cleaned:
        assert column.usable(pd.Series([value])).isna().all()
