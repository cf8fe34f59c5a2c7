"""The store in trouble: full disks, folders that cannot be written, files that are replaced."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point

from locator.errors import StoreError, StoreMissingError
from locator.store import Change, GeoPackageStore, open_store
from locator.store.file import newest_schema
from tests.conftest import fixed_clock
from tests.patience import patience
from tests.test_store_kill import check_file, make_old


def frame(*ids: str, **columns: object) -> gpd.GeoDataFrame:
    data = {"id": list(ids), "name": [f"站 {i}" for i in ids], "kind": "rest_post"} | columns
    points = [Point(107 + n / 1e4, 34) for n in range(len(ids))]
    return gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326")


def make_store(path: Path, *ids: str) -> Path:
    """Make a store with stations, closed."""
    with GeoPackageStore.create(path, clock=fixed_clock) as store:
        store.apply(Change("stations", frame(*ids)), actor="test")
    return path


def ids_of(store: GeoPackageStore) -> list[str]:
    return store.read("stations")["id"].tolist()


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a file system in memory, or skip."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if os.name == "nt" or not shutil.which("mount"):
        pytest.skip("no mount command")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs the rights of root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)


# --- a full disk ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "small", "size=2m") as folder,
        open_store(str(make_store(folder / "s.gpkg", "a")), clock=fixed_clock) as store,
    ):
        version = store.version()
        many = frame(*(f"n{n}" for n in range(9000)))
        with pytest.raises(StoreError, match=r"disk is full, and nothing was written") as caught:
            store.apply(Change("stations", many), actor="test")
        assert str(caught.value).count(".gpkg") == 1
        assert (ids_of(store), store.version()) == (["a"], version)
        with pytest.raises(StoreError, match="could not be written"):
            store.backup(fill(folder) / "backup.gpkg")
        assert not list(folder.glob("*backup*")) + list(folder.glob(".draft*"))
        (folder / "ballast").unlink()
        store.apply(Change("stations", frame("b")), actor="test")
        assert ids_of(store) == ["a", "b"]
        check_file(store.path)


def fill(folder: Path) -> Path:
    """Leave no room in a folder's file system."""
    with (folder / "ballast").open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            return folder
    return folder


def grow_until_forbidden(path: str, said: "multiprocessing.SimpleQueue[str]") -> None:
    """In a process of its own: files may not grow past a limit, as under a quota."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_store(path, clock=fixed_clock) as store:
        limit = 600_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            store.apply(Change("stations", frame(*(f"n{n}" for n in range(5000)))), actor="test")
        except StoreError as error:
            said.put(str(error))
        said.put(",".join(ids_of(store)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        store.apply(Change("stations", frame("b")), actor="test")
        said.put(",".join(ids_of(store)))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits on file size are a matter of POSIX")
def test_a_limit_on_file_size_is_like_a_full_disk(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    context = multiprocessing.get_context("spawn")
    said = context.SimpleQueue()
    child = context.Process(target=grow_until_forbidden, args=(str(path), said))
    child.start()
    child.join(patience(60))
    assert child.exitcode == 0
    assert "nothing was written" in said.get()
    assert [said.get(), said.get()] == ["a", "a,b"]
    check_file(path)


# --- what can only be read --------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "size=8m") as folder:
        path = make_store(folder / "s.gpkg", "a")
        remount(folder, "ro")
        with open_store(str(path), clock=fixed_clock) as store:
            assert ids_of(store) == ["a"]
            with pytest.raises(StoreError, match="can only be read here, and nothing was written"):
                store.apply(Change("stations", frame("b")), actor="test")
            assert ids_of(store) == ["a"]
            store.backup(tmp_path / "copy.gpkg")
            with pytest.raises(StoreError, match="No store can be made"):
                GeoPackageStore.create(folder / "new.gpkg", clock=fixed_clock)
            remount(folder, "rw")  # somebody else may write: that is noticed
            make_store(folder / "t.gpkg", "x", "y")
            (folder / "t.gpkg").replace(path)
            assert ids_of(store) == ["x", "y"]
        with open_store(str(tmp_path / "copy.gpkg"), clock=fixed_clock) as copy:
            assert ids_of(copy) == ["a"]


def test_a_log_that_cannot_be_read_in_such_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "size=8m") as folder:
        path = make_store(folder / "s.gpkg", "a")
        with open_store(str(path), clock=fixed_clock) as store:
            store.apply(Change("stations", frame("b")), actor="test")
            crashed = folder / "crashed.gpkg"  # as a power cut leaves it
            shutil.copy(path, crashed)
            shutil.copy(f"{path}-wal", f"{crashed}-wal")
        remount(folder, "ro")
        with pytest.raises(StoreError, match=r"cannot be opened|can only be read"):
            open_store(str(crashed), clock=fixed_clock)
        remount(folder, "rw")
        with open_store(str(crashed), clock=fixed_clock) as store:
            assert ids_of(store) == ["a", "b"]


def test_a_file_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    if not shutil.which("chattr"):
        pytest.skip("no chattr command")
    if subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False).returncode:
        pytest.skip("chattr needs the rights of root and a file system that knows it")
    try:
        with open_store(str(path), clock=fixed_clock) as store:
            assert ids_of(store) == ["a"]
            with pytest.raises(StoreError, match="nothing was written"):
                store.apply(Change("stations", frame("b")), actor="test")
            assert ids_of(store) == ["a"]
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("b")), actor="test")
        assert ids_of(store) == ["a", "b"]


# --- a file that is replaced under a running store --------------------------------------------


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    other = make_store(tmp_path / "other.gpkg", "x", "y")
    with open_store(str(path), clock=fixed_clock) as store:
        before = store.version()
        assert ids_of(store) == ["a"]
        other.replace(path)
        assert ids_of(store) == ["x", "y"]
        assert store.version() != before
        store.apply(Change("stations", frame("z")), actor="test")
        assert ids_of(store) == ["x", "y", "z"]
    check_file(path)


def test_the_log_of_the_replaced_file_is_never_applied_to_the_new_one(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    other = make_store(tmp_path / "other.gpkg", "x", "y")
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("b")), actor="test")  # now there is a log
        whole = other.read_bytes()
        other.replace(path)
        for _ in range(2):
            with pytest.raises(StoreError, match="still lies beside it"):
                store.read("stations")
        with pytest.raises(StoreError, match="locator doctor --mend"):
            open_store(str(path), clock=fixed_clock)
        assert path.read_bytes() == whole
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink()
        assert ids_of(store) == ["x", "y"]
    check_file(path)


def test_an_older_copy_put_in_place_of_a_store_in_use_is_not_mixed_with_it(tmp_path: Path) -> None:
    """The copy has the same identity, so the log alone does not show that it is not its own."""
    path = make_store(tmp_path / "s.gpkg", "a")
    with open_store(str(path), clock=fixed_clock) as store:
        store.backup(tmp_path / "backup.gpkg")
        store.apply(Change("stations", frame("b")), actor="test")
        assert ids_of(store) == ["a", "b"]
        (tmp_path / "backup.gpkg").replace(path)
        with pytest.raises(StoreError, match="still lies beside it"):
            store.read("stations")


@pytest.mark.parametrize("log", [False, True])
def test_a_deleted_file_is_noticed(tmp_path: Path, log: bool) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    with open_store(str(path), clock=fixed_clock) as store:
        if log:
            store.apply(Change("stations", frame("b")), actor="test")
        path.unlink()
        for _ in range(2):
            with pytest.raises(StoreMissingError, match="restore a backup"):
                store.read("stations")
        with pytest.raises(StoreMissingError):
            store.apply(Change("stations", frame("c")), actor="test")
        assert not path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("log", [False, True])
def test_a_truncated_file_is_noticed(tmp_path: Path, share: float, log: bool) -> None:
    path = make_store(tmp_path / "s.gpkg", *(f"n{n}" for n in range(300)))
    with open_store(str(path), clock=fixed_clock) as store:
        assert len(ids_of(store)) == 300
        if log:
            store.apply(Change("stations", frame("b")), actor="test")
        os.truncate(path, int(path.stat().st_size * share))
        for _ in range(2):
            with pytest.raises(StoreError):
                store.read("stations")
            with pytest.raises(StoreError):
                store.apply(Change("stations", frame("c")), actor="test")


def test_a_file_that_was_only_tidied_is_read_on(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", *(f"n{n}" for n in range(300)))
    with open_store(str(path), clock=fixed_clock) as store:
        size = path.stat().st_size
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP INDEX locator_audit_feature")
            other.execute("VACUUM")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert path.stat().st_size < size
        assert len(ids_of(store)) == 300


# --- logs left behind -------------------------------------------------------------------------


def test_a_log_left_by_a_crash_is_applied(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("b")), actor="test")
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", tmp_path / f"crashed.gpkg{ending}")
    with open_store(str(tmp_path / "crashed.gpkg"), clock=fixed_clock) as store:
        assert ids_of(store) == ["a", "b"]


def test_a_log_left_beside_another_store_is_refused(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    other = make_store(tmp_path / "other.gpkg", "x", "y")
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("b")), actor="test")
        for ending in ("-wal", "-shm"):
            shutil.copy(f"{path}{ending}", f"{other}{ending}")
    whole = other.read_bytes()
    with pytest.raises(StoreError, match="still lies beside it"):
        open_store(str(other), clock=fixed_clock)
    assert other.read_bytes() == whole


# --- clocks, many readers, older stores -------------------------------------------------------


def test_a_clock_that_goes_back_does_not_turn_the_order_round(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 4, tzinfo=UTC)
    moments = [now, now - timedelta(days=400), now + timedelta(days=1)]
    clock = iter(moment for moment in moments for _ in range(2))  # one for the row, one for history
    path = tmp_path / "s.gpkg"
    with GeoPackageStore.create(path, clock=lambda: next(clock)) as store:
        versions = [
            store.apply(Change("stations", frame("a", name=[name])), actor=name).version
            for name in ("first", "second", "third")
        ]
        rows = store.audit()
        assert [row.actor for row in rows] == ["first", "second", "third"]
        assert [row.number for row in rows] == [1, 2, 3]
        assert rows[1].at < rows[0].at < rows[2].at
        assert len(set(versions)) == 3
        assert store.read("stations")["name"].tolist() == ["third"]


def read_while_written(path: str, said: "multiprocessing.SimpleQueue[tuple[int, int]]") -> None:
    """Count reads and torn reads until the batch 30 is seen."""
    reads = torn = last = 0
    with open_store(path, clock=fixed_clock) as store:
        while last < 30:
            batches = store.read("stations")["capacity"].to_numpy(dtype=np.int64)
            torn += len(set(batches.tolist())) > 1 or len(batches) != 100 or batches[0] < last
            last = int(batches[0])
            reads += 1
    said.put((reads, torn))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="starting processes takes too long there")
def test_several_processes_read_while_one_writes(tmp_path: Path) -> None:
    ids = [f"n{n}" for n in range(100)]
    path = tmp_path / "s.gpkg"
    context = multiprocessing.get_context("forkserver")
    said = context.SimpleQueue()
    with GeoPackageStore.create(path, clock=fixed_clock) as store:
        store.apply(Change("stations", frame(*ids, capacity=0)), actor="test")
        readers = [
            context.Process(target=read_while_written, args=(str(path), said)) for _ in range(4)
        ]
        for reader in readers:
            reader.start()
        for batch in range(1, 31):
            store.apply(Change("stations", frame(*ids, capacity=batch)), actor="test")
        for reader in readers:
            reader.join(patience(60))
        counts = [said.get() for _ in readers]
    assert [torn for _, torn in counts] == [0, 0, 0, 0]
    check_file(path)


def test_an_older_store_is_used_as_it_is_and_migrated_with_a_backup_first(tmp_path: Path) -> None:
    path = make_store(tmp_path / "s.gpkg", "a")
    make_old(path)
    with open_store(str(path), clock=fixed_clock) as store:
        store.apply(Change("stations", frame("b")), actor="test")
        assert '"geom"' not in (store.audit()[-1].after or "")
        before = store.version()
        assert store.migrate() == newest_schema()
        assert store.migrate() == newest_schema()  # once is enough
        assert store.version() == before
        store.apply(Change("stations", frame("c")), actor="test")
        assert '"geom"' in (store.audit()[-1].after or "")
    backups = [p for p in tmp_path.glob("*.gpkg") if p != path]
    assert [p.name for p in backups] == ["s-schema-1.gpkg"]
    with open_store(str(backups[0]), clock=fixed_clock) as kept:
        assert ids_of(kept) == ["a", "b"]
    check_file(path)
