"""History: every field's changes, the register as it was, and taking a change back."""

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
from geopandas.testing import assert_geodataframe_equal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, box

from locator.errors import ConflictError, InputError
from locator.store import Change, GeoPackageStore
from locator.store.history import read_as_of, read_log, undo
from tests.patience import examples
from tests.test_store_kill import make_old
from tests.test_store_trouble import frame

START = datetime(2026, 11, 23, 4, tzinfo=UTC)


def ticking() -> Callable[[], datetime]:
    """Return a clock that goes on by a second whenever it is read."""
    seconds = itertools.count()
    return lambda: START + timedelta(seconds=next(seconds))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GeoPackageStore]:
    """Return an empty store with a ticking clock."""
    with GeoPackageStore.create(tmp_path / "s.gpkg", clock=ticking()) as store:
        yield store


def last_moment(store: GeoPackageStore) -> datetime:
    return datetime.fromisoformat(store.audit()[-1].at)


def zone(name: str, size: float, demand: float) -> gpd.GeoDataFrame:
    data = {"id": ["z"], "name": [name], "kind": ["campus"], "demand_per_h": [demand]}
    return gpd.GeoDataFrame(data, geometry=[box(107, 34, 107 + size, 34.1)], crs="EPSG:4326")


def test_the_log_names_every_field_who_and_when(store: GeoPackageStore) -> None:
    store.apply(Change("stations", frame("a")), actor="li")
    moved = frame("a", capacity=[8], phone=["0917"])
    moved.geometry = [Point(107.5, 34)]
    store.apply(Change("stations", moved), actor="wang")
    log = read_log(store, "stations", "a")
    assert {(c.field, c.after) for c in log if c.who == "li"} >= {
        ("id", "a"), ("name", "站 a"), ("status", "active"), ("lon", 107.0), ("lat", 34.0),
    }  # fmt: skip
    assert [(c.number, c.action, c.field, c.before, c.after) for c in log if c.who == "wang"] == [
        (2, "update", "phone", None, "0917"),
        (2, "update", "capacity", None, 8),
        (2, "update", "lon", 107.0, 107.5),
    ]
    assert log[0].when < log[-1].when
    assert log[-1].when.tzinfo is not None
    store.apply(Change("hot_zones", zone("A", 0.1, 1.5)), actor="li")
    store.apply(Change("hot_zones", zone("A", 0.2, 1.5)), actor="li")
    (change,) = read_log(store, "hot_zones", "z")[-1:]
    assert change.field == "geometry"
    assert str(change.after).startswith("MULTIPOLYGON (((107.2 34")
    with pytest.raises(InputError, match="knows no 'b'"):
        read_log(store, "stations", "b")
    with pytest.raises(InputError, match="no layer 'x'"):
        read_log(store, "x", "a")


def test_the_register_as_it_was(store: GeoPackageStore) -> None:
    store.apply(Change("stations", frame("a", "b")), actor="li")
    first, moment = store.read("stations"), last_moment(store)
    store.apply(Change("stations", frame("b", "c", name=["x", "y"]), absent="close"), actor="li")
    store.apply(Change("stations", frame("c"), absent="remove"), actor="li")
    assert_geodataframe_equal(read_as_of(store, "stations", moment), first)
    assert len(read_as_of(store, "stations", START - timedelta(days=1))) == 0
    assert_geodataframe_equal(
        read_as_of(store, "stations", START + timedelta(days=1)), store.read("stations")
    )
    with pytest.raises(InputError, match="needs a time zone"):
        read_as_of(store, "stations", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_a_row_that_was_renamed_has_its_old_name_then(store: GeoPackageStore) -> None:
    """Only other programs change an id."""
    store.apply(Change("stations", frame("a")), actor="li")
    moment = last_moment(store)
    with store._connections.writing() as connection:
        for old, new in [("a", "b"), ("b", "c")]:
            connection.exec_driver_sql(f"UPDATE stations SET id = '{new}' WHERE id = '{old}'")
    assert read_as_of(store, "stations", moment)["id"].tolist() == ["a"]
    with pytest.raises(ConflictError, match="turned the id 'b' into 'c'"):
        undo(store, 3, actor="li")


@pytest.mark.slow
def test_undo(store: GeoPackageStore) -> None:
    store.apply(Change("stations", frame("a", capacity=[3])), actor="li")
    before = store.read("stations")
    store.apply(Change("stations", frame("a", name=["x"], capacity=[None])), actor="wang")
    revision = undo(store, 2, actor="zhao")
    assert (revision.updated, store.audit()[-1].actor) == (1, "zhao")
    same = store.read("stations").assign(updated_at=before["updated_at"])
    assert_geodataframe_equal(same, before)
    with pytest.raises(ConflictError, match=r"'a' was changed since by zhao .*change 3"):
        undo(store, 2, actor="zhao")
    undo(store, 3, actor="zhao")  # an undoing is undone
    assert store.read("stations")["name"].tolist() == ["x"]
    with pytest.raises(InputError, match="no change 99"):
        undo(store, 99, actor="zhao")


def test_an_undone_insertion_closes_and_an_undone_removal_brings_back(
    store: GeoPackageStore,
) -> None:
    store.apply(Change("stations", frame("a")), actor="li")
    undo(store, 1, actor="li")
    assert store.read("stations")[["id", "status"]].to_numpy().tolist() == [["a", "closed"]]
    before = store.read("stations")
    store.apply(Change("stations", frame("b"), absent="remove"), actor="li")
    removal = next(row for row in store.audit(feature_id="a") if row.action == "delete")
    undo(store, removal.number, actor="li")
    again = store.read("stations", where={"id": "a"}).assign(updated_at=before["updated_at"])
    assert_geodataframe_equal(again, before)
    store.apply(Change("hot_zones", zone("A", 0.1, 1.5)), actor="li")
    revision = undo(store, store.audit()[-1].number, actor="li")
    assert (revision.removed, len(store.read("hot_zones"))) == (1, 0)


def test_the_history_of_an_older_schema_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "s.gpkg"
    with GeoPackageStore.create(path, clock=ticking()) as store:
        make_old(path)
        store.apply(Change("stations", frame("a", "b")), actor="li")
        first, moment = store.read("stations"), store.audit()[-1].number
        store.apply(Change("stations", frame("a", name=["x"])), actor="li")
        undo(store, store.audit()[-1].number, actor="li")
        now = store.read("stations").assign(updated_at=first["updated_at"])
        assert_geodataframe_equal(now, first)
        assert moment == 2


TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(0, 1e9, allow_nan=False)
DEGREES = st.floats(-90, 90, allow_nan=False)


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Draw what one apply may do: stations and zones, merged, closed or removed."""
    done = []
    ids = draw(st.lists(st.sampled_from("abcde"), unique=True, min_size=1))
    columns = {
        "name": [draw(TEXTS) for _ in ids],
        "capacity": [draw(st.none() | st.integers(0, 2**53)) for _ in ids],
        "services": [draw(TEXTS) for _ in ids],
    }
    rows = frame(*ids, **columns)
    rows.geometry = [Point(draw(DEGREES), draw(DEGREES)) for _ in ids]
    done.append(Change("stations", rows, absent=draw(st.sampled_from(["keep", "close", "remove"]))))
    if draw(st.booleans()):
        size = draw(st.floats(0.001, 1))
        zones = zone("Z", size, draw(NUMBERS))
        zones.geometry = [MultiPolygon([box(107, 34, 107 + size, 35), box(109, 34, 110, 35)])]
        done.append(Change("hot_zones", zones))
    return done


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty store, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "blank.gpkg"
    GeoPackageStore.create(path, clock=ticking()).close()
    return path


@pytest.mark.slow
@given(steps=st.lists(changes(), min_size=1, max_size=5))
@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
def test_every_moment_is_found_again_and_the_last_change_undone_exactly(
    blank: Path, steps: list[list[Change]]
) -> None:
    layers = ("stations", "hot_zones")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(blank, folder))
        store = GeoPackageStore.open(path, clock=ticking())
        snapshots = [(START - timedelta(days=1), {name: store.read(name) for name in layers})]
        for step in steps:
            store.apply(*step, actor="t")
            snapshots.append((last_moment(store), {name: store.read(name) for name in layers}))
        for moment, frames in snapshots:
            for name in layers:
                assert_geodataframe_equal(read_as_of(store, name, moment), frames[name])
        last = store.audit()[-1]
        undo(store, last.number, actor="t")
        if last.before is not None:
            mine = json.loads(last.before)["id"]
            undone = store.audit(layer=last.layer, feature_id=mine)[-1]
            expected, found = json.loads(last.before), json.loads(undone.after or "null")
            expected.pop("updated_at"), found.pop("updated_at")
            assert found == expected
        store.close()
