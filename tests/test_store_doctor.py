"""The doctor: what is wrong with a store's file is found, said, and mended where it can be."""

import importlib.metadata
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from shapely.geometry import Point, Polygon

from locator.errors import StoreMissingError, StoreVersionError
from locator.service import open_service
from locator.settings import Settings
from locator.store import Change, GeoPackageStore, open_store
from locator.store.connect import register_functions
from locator.store.doctor import Finding, examine, mend
from locator.store.file import newest_schema, trigger_statements
from tests.conftest import fixed_clock
from tests.required import absent
from tests.test_store_kill import check_file, make_old
from tests.test_store_trouble import frame, ids_of, make_store


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sound store of three stations and a zone, to be copied."""
    path = tmp_path_factory.mktemp("sound") / "s.gpkg"
    with GeoPackageStore.create(path, clock=fixed_clock) as store:
        zone = gpd.GeoDataFrame(
            {"id": ["z"], "name": ["Z"], "kind": ["campus"], "demand_per_h": [1.5]},
            geometry=[Polygon([(107, 34), (107.1, 34), (107.1, 34.1)])],
            crs="EPSG:4326",
        )
        store.apply(Change("stations", frame("a", "b", "c")), Change("hot_zones", zone), actor="t")
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    """Return a sound store of this test's own, closed."""
    return Path(shutil.copy(sound, tmp_path))


def spoil(path: Path, *statements: str) -> None:
    """Do to a store what other programs do."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        register_functions(connection, lenient=True)
        connection.create_function("ST_IsEmpty", 1, lambda _: 0)
        for statement in ("PRAGMA synchronous = OFF", *statements):
            connection.execute(statement)


def whats(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings]


def test_a_sound_store_has_no_findings_and_is_not_touched(
    path: Path, store: GeoPackageStore
) -> None:
    whole = path.read_bytes()
    assert examine(path) == []
    assert mend(path) == []
    assert path.read_bytes() == whole
    assert [p.name for p in path.parent.glob("s[.-]*")] == ["s.gpkg"]
    assert examine(store.path) == []  # the shipped data, in use


MENDABLE = {
    "trigger is missing": ["DROP TRIGGER locator_stations_update"],
    "trigger .* not as it should be": [
        "DROP TRIGGER locator_stations_delete",
        "CREATE TRIGGER locator_stations_delete AFTER DELETE ON stations BEGIN SELECT 1; END",
    ],
    "rows are not in the R-tree": ["DELETE FROM rtree_stations_geom WHERE id = 2"],
    "1 rows are not in the R-tree": [
        "UPDATE rtree_stations_geom SET minx = 1, maxx = 2 WHERE id = 2"
    ],
    "R-tree or its triggers": ["DROP TRIGGER rtree_stations_geom_insert"],
    "the R-tree or its": ["DROP TABLE rtree_hot_zones_geom"],
    "index that keeps ids unique": ["DROP INDEX stations_id"],
    "extent": ["UPDATE gpkg_contents SET min_x = 107.00005 WHERE table_name = 'stations'"],
    "extent in the table": ["UPDATE gpkg_contents SET max_y = NULL WHERE table_name = 'hot_zones'"],
    "as it should be: locator_kept_update": ["DROP TRIGGER locator_kept_update"],
    "as it should be: locator_jobs": ["DROP TABLE locator_jobs"],
    "as it should be: locator_kept": ["DELETE FROM gpkg_contents WHERE table_name='locator_kept'"],
    "counts 99 changes": ["UPDATE locator_meta SET value = '99' WHERE key = 'version'"],
    "'capacity' is missing": [
        "DROP TRIGGER locator_stations_insert",
        "DROP TRIGGER locator_stations_update",
        "DROP TRIGGER locator_stations_delete",
        "ALTER TABLE stations DROP COLUMN capacity",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("what", MENDABLE)
def test_what_is_made_from_the_rows_is_mended_after_a_backup(path: Path, what: str) -> None:
    spoil(path, *MENDABLE[what])
    spoilt = path.read_bytes()
    found = examine(path)
    assert any(re.search(what.replace("trigger is", "trigger .* is"), w) for w in whats(found))
    assert not any(finding.mended for finding in found)
    assert path.read_bytes() == spoilt
    mended = mend(path)
    assert set(whats(found)) <= set(whats(mended))
    assert all(finding.mended for finding in mended)
    assert examine(path) == []
    assert path.with_name("s-before-mend.gpkg").is_file()
    check_file(path)
    with open_store(str(path), clock=fixed_clock) as store:
        assert ids_of(store) == ["a", "b", "c"]
        store.apply(Change("stations", frame("d", capacity=3)), actor="t")
        assert store.audit()[-1].actor == "t"
        assert "locator doctor" in {row.actor for row in store.audit()}
    assert examine(path) == []


REPORTED = {
    "rows have no geometry": "UPDATE stations SET geom = NULL WHERE id = 'b'",
    "rows have no id": "UPDATE stations SET id = NULL WHERE id = 'b'",
    "not a GeoPackage geometry": "UPDATE stations SET geom = x'0102' WHERE id = 'b'",
    "not in EPSG:4326": "UPDATE stations SET geom = (SELECT CAST(substr(geom, 1, 4) || x'110F0000' "
    "|| substr(geom, 9) AS BLOB)) WHERE id = 'b'",
    "cannot be read": "UPDATE stations SET geom = (SELECT CAST(substr(geom, 1, 8) || x'0101' "
    "AS BLOB)) WHERE id = 'b'",
    "not a Point": "UPDATE stations SET geom = (SELECT geom FROM hot_zones) WHERE id = 'b'",
    "not a MultiPolygon": "UPDATE hot_zones SET geom = (SELECT geom FROM stations WHERE id = 'b')",
}


def test_values_that_are_none_are_named(path: Path) -> None:
    """As QGIS lets anybody type them; what a row is then, doors and doctor say alike."""
    spoil(
        path,
        "UPDATE stations SET kind = 'pub', services = 'wifi;beer', capacity = -4 WHERE id = 'a'",
        "UPDATE stations SET kind = NULL, host = '', last_verified = 'soon' WHERE id = 'b'",
        "UPDATE stations SET status = 'opened' WHERE id = 'c'",
        "UPDATE hot_zones SET demand_per_h = -1, kind = 'Campus'",
        "DROP TRIGGER locator_stations_fillinsert",
        "INSERT INTO stations (geom, id, name, kind, status) "
        "SELECT geom, 'd', 'D', 'rest_post', NULL FROM stations WHERE id = 'a'",
        trigger_statements()["locator_stations_fillinsert"],
    )
    assert [f"{f.where}: {f.what}" for f in examine(path)] == [
        "stations, fid 2: kind is empty; not shown",
        "stations, fid 1: kind holds 'pub'; not shown",
        "stations, fid 1: services holds 'wifi;beer'; read as unknown",
        "stations, fid 4: status is empty, which counts as active",
        "stations, fid 3: status holds 'opened'; not shown",
        "stations, fid 1: capacity holds '-4'; read as unknown",
        "stations, fid 2: last_verified holds 'soon'; read as unknown",
        "hot_zones, fid 1: kind holds 'Campus'; not shown",
        "hot_zones, fid 1: demand_per_h holds '-1.0'; not shown",
    ]
    with open_service(Settings(store=f"geopackage:{path}"), clock=fixed_clock) as service:
        shown = service.snapshot()
    assert list(shown.stations["id"]) == ["d"]
    assert list(shown.stations["status"]) == ["active"]
    assert shown.hot_zones.empty
    assert [f.what for f in mend(path) if f.mended] == ["status is empty, which counts as active"]


@pytest.mark.slow
@pytest.mark.parametrize("what", REPORTED)
def test_what_people_wrote_is_reported_and_left_alone(path: Path, what: str) -> None:
    tables = ("stations", "hot_zones")
    triggers = [
        f"DROP TRIGGER {row[0]}"
        for row in sqlite3.connect(path).execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'rtree%'"
        )
    ]
    spoil(path, *triggers, REPORTED[what])

    def rows() -> list[object]:
        with closing(sqlite3.connect(path)) as connection:
            return [connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables]

    before = rows()
    findings = mend(path)
    assert rows() == before
    mine = [finding for finding in findings if what in finding.what]
    assert len(mine) == 1
    assert not mine[0].mended
    assert "fid " in mine[0].where
    assert "again" in mine[0].advice
    assert [finding.mended for finding in examine(path)] == [False]


def test_ids_that_stand_twice_are_named(path: Path) -> None:
    spoil(path, "DROP INDEX stations_id", "UPDATE stations SET id = 'a' WHERE id = 'b'")
    assert [(f.what, f.where, f.mended) for f in mend(path)] == [
        ("1 ids stand more than once", "stations: a", False)
    ]


def test_a_layer_written_over_by_another_program_is_mended(path: Path) -> None:
    """What ``ogr2ogr -overwrite`` does: a new table, without our triggers, index and columns."""
    far = frame("x", "y")
    far.geometry = [Point(10, 50), Point(11, 51)]
    pyogrio.write_dataframe(
        far, path, layer="stations", driver="GPKG", layer_options={"GEOMETRY_NAME": "geom"}
    )
    assert examine(path)
    assert all(finding.mended for finding in mend(path))
    assert examine(path) == []
    with open_store(str(path), clock=fixed_clock) as store:
        assert ids_of(store) == ["x", "y"]
        store.apply(Change("stations", frame("x", "z")), actor="t")
        assert store.read("stations", bbox=(106, 33, 108, 35))["id"].tolist() == ["x", "z"]


def test_an_older_schema_is_brought_up(path: Path) -> None:
    make_old(path)
    assert whats(examine(path)) == [
        f"the store has schema 1; this program writes {newest_schema()}"
    ]
    assert [finding.mended for finding in mend(path)] == [True]
    assert examine(path) == []


def test_a_log_of_another_store_is_put_aside_not_deleted(path: Path, tmp_path: Path) -> None:
    other = make_store(tmp_path / "other.gpkg", "x")
    with open_store(str(other), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("y")), actor="t")
        for ending in ("-wal", "-shm"):
            shutil.copy(f"{other}{ending}", f"{path}{ending}")
    whole = path.read_bytes()
    assert [finding.mended for finding in examine(path)] == [False]
    assert path.read_bytes() == whole
    assert [finding.mended for finding in mend(path)] == [True]
    assert len(list(tmp_path.glob("s-*of-another*"))) == 2
    with open_store(str(path), clock=fixed_clock) as store:
        assert ids_of(store) == ["a", "b", "c"]


def test_damaged_pages_are_said_and_never_mended_silently(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'stations'"
        ).fetchone()[0]
    whole[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(whole)
    for look in (examine, mend):
        findings = look(path)
        assert len(findings) == 1
        assert "the file is damaged" in findings[0].what
        assert not findings[0].mended
        assert path.read_bytes() == whole


def test_an_index_that_does_not_fit_its_rows_is_made_anew(path: Path) -> None:
    spoil(
        path,
        "DROP INDEX stations_id",
        "CREATE UNIQUE INDEX stations_id ON stations (id) WHERE fid <> 2",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET sql = replace(sql, ' WHERE fid <> 2', '') "
        "WHERE name = 'stations_id'",
    )
    assert "an index does not fit" in examine(path)[0].what
    assert all(finding.mended for finding in mend(path))
    assert examine(path) == []


def test_what_is_no_store_is_refused(tmp_path: Path, path: Path) -> None:
    for look in (examine, mend):
        with pytest.raises(StoreMissingError):
            look(tmp_path / "none.gpkg")
        (tmp_path / "text.gpkg").write_text("not a database, and long enough to have a header" * 9)
        with pytest.raises(StoreVersionError):
            look(tmp_path / "text.gpkg")
    spoil(path, "UPDATE locator_meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StoreVersionError, match="newer"):
        examine(path)


# --- the validator of GDAL's own tools --------------------------------------------------------


def find_validator() -> Path | None:
    """Return ``validate_gpkg.py`` of gdal-utils: installed, or unpacked and named."""
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("gdal-utils") or []:
            if file.name == "validate_gpkg.py":
                return Path(str(file.locate()))
    named = os.environ.get("VALIDATE_GPKG")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def validate() -> Callable[[Path], str]:
    """Return a function that runs the validator on a file and returns what it found wrong."""
    script = find_validator()
    python = next(
        (
            name
            for name in ("/usr/bin/python3", "python3")
            if shutil.which(name)
            and not subprocess.run(
                [name, "-c", "from osgeo import gdal"], capture_output=True, check=False
            ).returncode
        ),
        None,
    )
    if script is None or python is None:
        absent(
            "no validate_gpkg.py (of gdal-utils, or named by VALIDATE_GPKG), "
            "or no Python with GDAL (python3-gdal)"
        )

    def run(path: Path) -> str:
        done = subprocess.run(
            [str(python), str(script), str(path)], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr if done.returncode else ""

    return run


def test_the_validator_passes(path: Path, validate: Callable[[Path], str], tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.gpkg"
    GeoPackageStore.create(fresh, clock=fixed_clock).close()
    assert validate(fresh) == ""
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("a", "d", name=["甲", "丁"])), actor="t")
        store.apply(Change("stations", frame("d"), absent="close"), actor="t")
        assert validate(path) == ""
        store.backup(tmp_path / "backup.gpkg")
    assert validate(tmp_path / "backup.gpkg") == ""


@pytest.mark.slow
@pytest.mark.parametrize("what", MENDABLE)
def test_the_validator_passes_after_mending(
    path: Path, validate: Callable[[Path], str], what: str
) -> None:
    spoil(path, *MENDABLE[what])
    mend(path)
    assert validate(path) == ""


def test_the_validator_passes_after_a_migration(
    path: Path, validate: Callable[[Path], str]
) -> None:
    make_old(path)
    with open_store(str(path), clock=fixed_clock) as store:
        store.migrate()
    assert validate(path) == ""
