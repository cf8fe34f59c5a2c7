"""The store: one live GeoPackage that GDAL reads, with version and audit whoever writes."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyogrio
import pytest
from shapely.geometry import Point

from locator.errors import (
    InputError,
    StoreBusyError,
    StoreError,
    StoreMissingError,
    StoreVersionError,
)
from locator.intake import create_store
from locator.schema import LAYERS
from locator.settings import Settings
from locator.store import Change, GeoPackageStore, open_store, store_path
from locator.store.connect import register_functions
from locator.store.history import undo
from locator.store.styles import add_styles
from tests.conftest import fixed_clock
from tests.patience import patience


def frame(*ids: str, **columns: object) -> gpd.GeoDataFrame:
    data = {"id": list(ids), "name": [f"站 {i}" for i in ids], "kind": "rest_post"} | columns
    return gpd.GeoDataFrame(
        data, geometry=[Point(107 + n / 100, 34) for n in range(len(ids))], crs="EPSG:4326"
    )


@pytest.fixture
def empty(tmp_path: Path) -> GeoPackageStore:
    with GeoPackageStore.create(tmp_path / "empty.gpkg", clock=fixed_clock) as store:
        yield store


def test_gdal_reads_every_layer_as_it_is(store: GeoPackageStore) -> None:
    counts = {name: len(store.read(name)) for name in LAYERS}
    assert counts["stations"] == 120
    for name, count in counts.items():
        info = pyogrio.read_info(store.path, layer=name)
        assert info["features"] == count
        assert info["crs"] == "EPSG:4326"
        assert info["geometry_type"] == LAYERS[name].geometry_type
    stations = gpd.read_file(store.path, layer="stations", bbox=(107.1, 34.3, 107.2, 34.4))
    ours = store.read("stations", bbox=(107.1, 34.3, 107.2, 34.4))
    assert sorted(stations["id"]) == ours["id"].tolist()
    assert 0 < len(ours) < 120


def test_the_extent_and_the_rtree_follow_the_rows(store: GeoPackageStore) -> None:
    far = frame("far")
    far.geometry = [Point(10.0, 50.0)]
    store.apply(Change("stations", far), actor="test")
    with sqlite3.connect(store.path) as connection:
        row = connection.execute(
            "SELECT min_x, max_y FROM gpkg_contents WHERE table_name = 'stations'"
        ).fetchone()
        tree = connection.execute("SELECT count(*) FROM rtree_stations_geom").fetchone()
    connection.close()
    assert row == (10.0, 50.0)
    assert tree == (121,)


def test_the_version_changes_with_every_commit_and_only_then(empty: GeoPackageStore) -> None:
    first = empty.version()
    second = empty.apply(Change("stations", frame("a")), actor="test").version
    assert second != first
    same = empty.apply(Change("stations", frame("a")), actor="test")
    assert (same.version, same.unchanged) == (second, 1)
    with sqlite3.connect(empty.path) as connection:  # an edit from outside, as QGIS makes it
        connection.create_function("ST_MinX", 1, lambda _: 107.0)
        connection.create_function("ST_MinY", 1, lambda _: 34.0)
        connection.create_function("ST_MaxX", 1, lambda _: 107.0)
        connection.create_function("ST_MaxY", 1, lambda _: 34.0)
        connection.create_function("ST_IsEmpty", 1, lambda _: 0)
        connection.execute("UPDATE stations SET name = '改名' WHERE id = 'a'")
    connection.close()
    assert empty.version() != second
    assert empty.read("stations")["name"].tolist() == ["改名"]
    assert empty.audit()[-1].actor == "outside"


@pytest.mark.slow
def test_gdal_can_edit_the_live_store(store: GeoPackageStore) -> None:
    """GDAL, like QGIS, adds a row that leaves our columns empty; defaults fill what they can."""
    before = store.version()
    script = "import sys, geopandas, pyogrio\n" + (
        "row = geopandas.GeoDataFrame({'id': ['q'], 'name': ['QGIS']}, "
        "geometry=geopandas.points_from_xy([107.2], [34.3]), crs='EPSG:4326')\n"
        "pyogrio.write_dataframe(row, sys.argv[1], layer='stations', append=True)\n"
    )  # in a process of its own: two SQLites in one would break each other's locks
    subprocess.run([sys.executable, "-c", script, str(store.path)], check=True)
    added = store.read("stations", where={"id": "q"}).iloc[0]
    assert added["status"] == "active"
    assert store.version() != before
    assert store.audit(feature_id="q")[0].actor == "outside"


def test_an_edit_from_outside_is_filled_and_dated_and_is_one_change(empty: GeoPackageStore) -> None:
    """QGIS writes NULL where a form was left alone, and does not know what updated_at is for."""
    empty.apply(Change("stations", frame("a", "b")), actor="li")
    with closing(sqlite3.connect(empty.path)) as connection:
        register_functions(connection)
        old = "2001-01-01T00:00:00Z"
        connection.execute("UPDATE locator_meta SET value = 'li' WHERE key = 'actor'")
        connection.execute("UPDATE stations SET updated_at = ?", (old,))
        connection.execute("UPDATE locator_meta SET value = 'outside' WHERE key = 'actor'")
        connection.execute("UPDATE stations SET status = NULL, name = '改' WHERE id = 'a'")
        connection.execute(
            "INSERT INTO stations (geom, id, name, status, updated_at) "
            "SELECT geom, 'q', 'Q', NULL, ? FROM stations WHERE id = 'a'", (old,)
        )  # fmt: skip
        connection.execute("UPDATE hot_zones SET name = 'x'")
        connection.commit()
    rows = empty.read("stations").set_index("id")
    assert set(rows["status"]) == {"active"}
    assert rows["updated_at"]["b"] == old
    assert rows["updated_at"][["a", "q"]].min() > old
    for changed in ("a", "q"):
        last = empty.audit(feature_id=changed)[-1]
        after = json.loads(last.after or "null")
        assert (last.actor, after["status"]) == ("outside", "active")
        assert after["updated_at"] == rows["updated_at"][changed]
    assert len(empty.audit(feature_id="q")) == 1
    undo(empty, empty.audit(feature_id="a")[-1].number, actor="li")
    assert empty.read("stations", where={"id": "a"})["name"].item() == "站 a"
    assert empty.audit()[-1].actor == "li"


def test_qgis_is_offered_lists_of_codes(empty: GeoPackageStore) -> None:
    """QgsOgrProviderMetadata finds a default style by table and geometry; NULL has its own code."""
    with closing(sqlite3.connect(empty.path)) as connection:
        styles = connection.execute(
            "SELECT f_table_name, styleQML FROM layer_styles "
            "WHERE useAsDefault AND f_geometry_column = 'geom' AND f_table_schema = ''"
        ).fetchall()
        connection.execute("UPDATE layer_styles SET useAsDefault = 0")
        connection.execute(
            "INSERT INTO layer_styles (f_table_name, styleName, useAsDefault) "
            "VALUES ('stations', 'mine', 1)"
        )
        add_styles(connection)  # a later version of this program
        defaults = "SELECT styleName FROM layer_styles WHERE f_table_name = ? AND useAsDefault"
        assert connection.execute(defaults, ("stations",)).fetchall() == [("mine",)]
        assert connection.execute(defaults, ("hot_zones",)).fetchall() == [("locator",)]
    assert {name for name, _ in styles} == set(LAYERS)
    root = ET.fromstring(dict(styles)["stations"])
    assert root.attrib["styleCategories"] == "Fields|Forms"
    for column in LAYERS["stations"].columns:
        widget = root.find(f"fieldConfiguration/field[@name='{column.name}']/editWidget")
        if not column.is_picked:
            assert widget is None
            continue
        assert widget is not None
        assert widget.attrib["type"] == "ValueMap"
        options = [dict(option.attrib) for option in widget.iter("Option")]
        offered = [option["value"] for option in options if "value" in option]
        assert offered[: len(column.codes)] == list(column.codes)
        assert any(code.startswith("{2839923C") for code in offered) == (
            not column.required and column.default is None
        )


def test_every_change_is_audited_with_who_before_and_after(empty: GeoPackageStore) -> None:
    empty.apply(Change("stations", frame("a")), actor="li")
    empty.apply(Change("stations", frame("a", name=["改"])), actor="wang")
    empty.apply(Change("stations", frame("b"), absent="close"), actor="zhao")
    rows = empty.audit(layer="stations", feature_id="a")
    assert [(row.action, row.actor) for row in rows] == [
        ("insert", "li"),
        ("update", "wang"),
        ("update", "zhao"),
    ]
    after = [json.loads(row.after or "null") for row in rows]
    assert rows[0].before is None
    assert json.loads(rows[1].before or "null")["name"] == "站 a"
    assert (after[1]["name"], after[2]["status"]) == ("改", "closed")
    assert (after[0]["lon"], after[0]["lat"]) == (107.0, 34.0)


def test_a_writer_that_waits_too_long_says_so(
    empty: GeoPackageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(empty.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("locator.store.geopackage._BUSY_S", 0.1)
    try:
        with (
            open_store(str(empty.path)) as impatient,
            pytest.raises(StoreBusyError, match="try again"),
        ):
            impatient.apply(Change("stations", frame("a")), actor="t")
        assert len(empty.read("stations")) == 0  # readers are not kept waiting
    finally:
        other.rollback()
        other.close()


@pytest.mark.slow
def test_two_processes_write_at_once_and_nothing_is_lost(empty: GeoPackageStore) -> None:
    code = (
        "import sys\nfrom locator.store import open_store, Change\n"
        "from tests.test_store import frame\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    for n in range(40):\n"
        "        store.apply(Change('stations', frame(f'{sys.argv[2]}{n}')), actor=sys.argv[2])\n"
    )
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", code, str(empty.path)]
    writers = [subprocess.Popen([*command, name], cwd=root) for name in ("p", "q")]
    assert [writer.wait(timeout=patience(60)) for writer in writers] == [0, 0]
    assert len(empty.read("stations")) == 80
    assert len(empty.audit()) == 80


def test_a_backup_is_whole_while_in_use(store: GeoPackageStore, tmp_path: Path) -> None:
    target = tmp_path / "backup.gpkg"
    store.backup(target)
    with open_store(str(target)) as copy:
        assert copy.version() == store.version()
        assert len(copy.read("stations")) == 120
    with pytest.raises(StoreError, match="exists already"):
        store.backup(target)


def test_what_is_not_our_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="locator init"):
        open_store(str(tmp_path / "none.gpkg"))
    (tmp_path / "text.gpkg").write_text("not a database")
    with pytest.raises(StoreVersionError, match="not a locator's store"):
        open_store(str(tmp_path / "text.gpkg"))
    foreign = tmp_path / "foreign.gpkg"
    pyogrio.write_dataframe(frame("a"), foreign, layer="x", driver="GPKG")
    with pytest.raises(StoreVersionError, match="not a locator's store"):
        open_store(str(foreign))
    with pytest.raises(InputError, match=r"geopackage:PATH\.gpkg"):
        store_path("mysql://host/db")


def test_a_newer_store_is_refused(store: GeoPackageStore) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE locator_meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(StoreVersionError, match="newer locator"):
        open_store(str(store.path))


def test_init_leaves_a_store_alone_and_force_backs_it_up(
    settings: Settings, store: GeoPackageStore
) -> None:
    store.apply(Change("stations", frame("mine")), actor="me")
    version = store.version()
    assert create_store(settings, clock=fixed_clock) == (None, None)
    assert store.version() == version
    revision, backup = create_store(settings, force=True, clock=fixed_clock)
    assert revision is not None
    assert (revision.removed, revision.inserted) == (1, 0)
    assert backup is not None
    with open_store(str(backup)) as kept:
        assert "mine" in set(kept.read("stations")["id"])


def test_a_store_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("locator.store.geopackage.write_file", fail)
    with pytest.raises(StoreError, match="No space left"):
        GeoPackageStore.create(tmp_path / "x.gpkg", clock=fixed_clock)
    assert list(tmp_path.iterdir()) == []
