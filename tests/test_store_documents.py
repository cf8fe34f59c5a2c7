"""Kept documents, which never change, and the rows of background jobs."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from locator.errors import StoreError, StoreVersionError
from locator.service import open_service
from locator.settings import Settings
from locator.store import GeoPackageStore, open_store
from locator.store.connect import log_is_foreign
from locator.store.doctor import examine
from tests.conftest import MONDAY_NOON, fixed_clock
from tests.patience import patience
from tests.test_store_kill import check_file, make_old

BODY = "<p>驿站</p>".encode()
QUESTION = '{"bbox": [107, 34, 108, 35]}'


@pytest.fixture
def empty(tmp_path: Path) -> GeoPackageStore:
    with GeoPackageStore.create(tmp_path / "empty.gpkg", clock=fixed_clock) as store:
        yield store


def keep(store: GeoPackageStore, body: bytes = BODY, kind: str = "embed") -> str:
    return store.keep_document(kind, "宝鸡 <b>", QUESTION, body, made_at=MONDAY_NOON, actor="li")


# --- kept documents ---------------------------------------------------------------------------


def test_keeping_and_discarding_are_in_the_history(empty: GeoPackageStore) -> None:
    digest = keep(empty)
    assert empty.discard_document(digest, actor="wang") is True
    assert empty.discard_document(digest, actor="wang") is False
    assert empty.read_document(digest) is None
    rows = empty.audit(layer="kept", feature_id=digest)
    assert [(row.action, row.actor) for row in rows] == [("insert", "li"), ("delete", "wang")]
    assert json.loads(rows[1].before or "")["title"] == "宝鸡 <b>"
    assert empty.version().endswith("-2")
    check_file(empty.path)


def test_nobody_changes_a_kept_document(empty: GeoPackageStore) -> None:
    digest = keep(empty)
    with closing(sqlite3.connect(empty.path)) as other, pytest.raises(sqlite3.IntegrityError):
        other.execute("UPDATE locator_kept SET title = '改'")
    with closing(sqlite3.connect(empty.path)) as other:  # one who goes round the guard is found out
        other.execute("DROP TRIGGER locator_kept_update")
        other.execute("UPDATE locator_kept SET title = '改'")
        other.commit()
    with pytest.raises(StoreError, match="was damaged"):
        empty.read_document(digest)


# --- jobs -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_processes_never_take_the_same_job(empty: GeoPackageStore) -> None:
    jobs = [empty.jobs.make("sites", "{}", most_waiting=99) for _ in range(60)]
    code = (
        "import sys\nfrom locator.store import open_store\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    while (job := store.jobs.claim(pid=1, mark='m', at_once=99)):\n"
        "        print(job.id)\n"
    )
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", code, str(empty.path)]
    workers = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    taken = [worker.communicate(timeout=patience(60))[0].split() for worker in workers]
    assert sorted(taken[0] + taken[1]) == sorted(jobs)


# --- beside the register ----------------------------------------------------------------------


def test_jobs_do_not_make_a_running_service_read_anew(settings: Settings) -> None:
    with open_service(settings, clock=fixed_clock) as service, open_store(settings.store) as other:
        before = service.snapshot()
        job = other.jobs.make("sites", "{}")
        other.jobs.claim(pid=1, mark="m")
        for n in range(5):
            other.jobs.progress(job, share=n / 5, phase="search")
        other.jobs.finish(job, answer="{}")
        assert service.snapshot() is before
        assert other.audit(layer="jobs") == []
    assert examine(other.path) == []


def test_the_log_of_a_job_shows_whose_it_is(empty: GeoPackageStore, tmp_path: Path) -> None:
    """A log that holds nothing but a job's progress must not be applied to another store."""
    other = tmp_path / "other.gpkg"
    GeoPackageStore.create(other, clock=fixed_clock).close()
    job = empty.jobs.make("sites", "{}")
    empty.jobs.claim(pid=1, mark="m")
    with closing(sqlite3.connect(empty.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
    empty.jobs.progress(job, share=0.5, phase="search")
    log = Path(f"{empty.path}-wal")
    Path(f"{other}-wal").write_bytes(log.read_bytes())
    assert not log_is_foreign(empty.path)
    assert log_is_foreign(other)


def test_an_older_store_says_what_to_do_and_can_keep_once_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "s.gpkg"
    GeoPackageStore.create(path, clock=fixed_clock).close()
    make_old(path)
    with open_store(str(path), clock=fixed_clock) as store:
        assert (store.list_documents(), store.read_document("0" * 64)) == ((), None)
        assert store.discard_document("0" * 64) is False
        for ask in (lambda: keep(store), lambda: store.jobs.make("sites", "{}")):
            with pytest.raises(StoreVersionError, match="run 'locator init'"):
                ask()
        version = store.version()
        store.migrate()
        assert store.version() == version
        digest = keep(store)
        store.jobs.make("sites", "{}")
        store.backup(tmp_path / "copy.gpkg")
    with open_store(str(tmp_path / "copy.gpkg")) as copy:
        assert copy.read_document(digest) is not None
    assert examine(path) == []
    check_file(path)
