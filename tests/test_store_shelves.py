"""Kept documents, which never change, and the rows of background jobs."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from locator.errors import InputError, JobsFullError, StoreError, StoreVersionError
from locator.service import open_service
from locator.settings import Settings
from locator.store import KEPT_LIMIT_BYTES, GeoPackageStore, JobState, open_store
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
    return store.keep(kind, "宝鸡 <b>", QUESTION, body, made_at=MONDAY_NOON, actor="li")


# --- kept documents ---------------------------------------------------------------------------


def test_a_kept_document_comes_back_byte_for_byte(empty: GeoPackageStore) -> None:
    before = empty.version()
    digest = keep(empty)
    kept = empty.read_kept(digest)
    assert kept is not None
    assert (kept.body, kept.title, kept.question, kept.kind) == (
        BODY,
        "宝鸡 <b>",
        QUESTION,
        "embed",
    )
    assert (kept.made_at, kept.data_version) == (MONDAY_NOON, before)
    assert kept.size_bytes == len(BODY)
    assert empty.read_kept("0" * 64) is None


def test_anyone_can_work_out_the_digest(empty: GeoPackageStore) -> None:
    """By hand: the JSON text [kind, title, question], a line feed, the body."""
    head = '["embed","宝鸡 <b>",' + json.dumps(QUESTION) + "]\n"
    assert keep(empty) == hashlib.sha256(head.encode() + BODY).hexdigest()


def test_the_same_content_again_is_the_same_document(empty: GeoPackageStore) -> None:
    digest = keep(empty)
    version = empty.version()
    later = MONDAY_NOON + timedelta(days=1)
    assert empty.keep("embed", "宝鸡 <b>", QUESTION, BODY, made_at=later) == digest
    assert empty.version() == version
    assert [facts.made_at for facts in empty.list_kept()] == [MONDAY_NOON]
    assert keep(empty, kind="gaps") != digest
    assert keep(empty, body=BODY + b" ") != digest


def test_what_is_kept_is_listed_by_kind_the_newest_first(empty: GeoPackageStore) -> None:
    moments = [MONDAY_NOON + timedelta(hours=n) for n in (0, 2, 1)]
    for n, moment in enumerate(moments):
        empty.keep("gaps", f"缺口 {n}", "{}", b"", made_at=moment)
    keep(empty)
    assert [facts.title for facts in empty.list_kept("gaps")] == ["缺口 1", "缺口 2", "缺口 0"]
    assert len(empty.list_kept()) == 4
    assert empty.list_kept("nothing") == ()


def test_keeping_and_discarding_are_in_the_history(empty: GeoPackageStore) -> None:
    digest = keep(empty)
    assert empty.discard_kept(digest, actor="wang") is True
    assert empty.discard_kept(digest, actor="wang") is False
    assert empty.read_kept(digest) is None
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
        empty.read_kept(digest)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "Not A Word"}, "must be a word"),
        ({"question": "{"}, "must be a JSON text"),
        ({"body": bytes(KEPT_LIMIT_BYTES + 1)}, "keeps at most 16 MB"),
        ({"title": "x" * 10_001}, "10000 are allowed"),
        ({"title": "\ud800"}, "half a character"),
        ({"made_at": datetime(2026, 1, 1)}, "needs a time zone"),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_kept_is_refused(
    empty: GeoPackageStore, wrong: dict[str, object], sentence: str
) -> None:
    good = {"kind": "embed", "title": "t", "question": "{}", "body": b"", "made_at": MONDAY_NOON}
    version = empty.version()
    with pytest.raises(InputError, match=sentence):
        empty.keep(**(good | wrong))  # type: ignore[arg-type]
    assert (empty.version(), empty.list_kept()) == (version, ())


# --- jobs -------------------------------------------------------------------------------------


def test_a_job_from_line_to_answer(empty: GeoPackageStore) -> None:
    jobs = empty.jobs
    job = jobs.make("sites", '{"new": 5}', owner="page")
    assert len(job) >= 20
    waiting = jobs.find(job)
    assert waiting is not None
    assert (waiting.state, waiting.share, waiting.ahead) == (JobState.WAITING, 0.0, 0)
    assert jobs.waits()
    claimed = jobs.claim(pid=1, mark="m")
    assert claimed is not None
    assert (claimed.id, claimed.question) == (job, '{"new": 5}')
    assert not jobs.waits()
    assert jobs.progress(job, share=0.4, phase="search", objective=10.0, bound=12.0)
    assert jobs.progress(job, share=7, phase="bound")
    now = jobs.find(job)
    assert now is not None
    assert (now.share, now.phase, now.objective, now.bound) == (1.0, "bound", 10.0, 12.0)
    assert jobs.answer(job) is None
    assert jobs.finish(job, answer='{"名": 1}')
    assert jobs.answer(job) == '{"名": 1}'
    assert not jobs.finish(job, answer=None, error="too late")
    assert not jobs.cancel(job)
    done = jobs.find(job)
    assert done is not None
    assert (done.state, done.error) == (JobState.DONE, None)


def test_jobs_are_taken_in_turn_and_one_at_a_time(empty: GeoPackageStore) -> None:
    first, second = (empty.jobs.make("sites", "{}") for _ in range(2))
    assert [empty.jobs.find(job).ahead for job in (first, second)] == [0, 1]  # type: ignore[union-attr]
    assert empty.jobs.claim(pid=1, mark="m").id == first  # type: ignore[union-attr]
    assert empty.jobs.claim(pid=2, mark="m") is None
    assert empty.jobs.find(second).ahead == 1  # type: ignore[union-attr]
    empty.jobs.finish(first, answer=None)
    assert empty.jobs.claim(pid=2, mark="m").id == second  # type: ignore[union-attr]
    assert empty.jobs.claim(pid=3, mark="m") is None


def test_a_waiting_job_is_cancelled_at_once_a_running_one_by_its_flag(
    empty: GeoPackageStore,
) -> None:
    jobs = empty.jobs
    running, waiting = jobs.make("sites", "{}"), jobs.make("sites", "{}")
    jobs.claim(pid=1, mark="m")
    assert jobs.cancel(waiting)
    assert jobs.find(waiting).state is JobState.CANCELLED  # type: ignore[union-attr]
    assert jobs.cancel(running)
    assert jobs.find(running).state is JobState.RUNNING  # type: ignore[union-attr]
    assert not jobs.progress(running, share=0.5, phase="search")
    assert jobs.finish(running, answer='{"best": 1}', cancelled=True)
    assert jobs.find(running).state is JobState.CANCELLED  # type: ignore[union-attr]
    assert jobs.answer(running) == '{"best": 1}'
    assert not jobs.cancel("no such job")


def test_the_line_is_short_and_a_page_has_few_of_it(empty: GeoPackageStore) -> None:
    for _ in range(2):
        empty.jobs.make("sites", "{}", owner="a")
    with pytest.raises(JobsFullError, match="This page has 2 jobs"):
        empty.jobs.make("sites", "{}", owner="a")
    empty.jobs.make("sites", "{}", owner="b", most_waiting=3)
    with pytest.raises(JobsFullError, match="3 jobs are waiting already; try again"):
        empty.jobs.make("sites", "{}", owner="c", most_waiting=3)


def test_a_job_whose_worker_is_gone_has_failed(empty: GeoPackageStore) -> None:
    job = empty.jobs.make("sites", "{}")
    empty.jobs.claim(pid=7, mark="boot")
    asked: list[tuple[int, str]] = []

    def lives(pid: int, mark: str) -> bool:
        asked.append((pid, mark))
        return len(asked) == 1

    assert empty.jobs.orphans(lives, error="gone.") == ()
    assert empty.jobs.orphans(lives, error="gone.") == (job,)
    assert asked == [(7, "boot")] * 2
    found = empty.jobs.find(job)
    assert found is not None
    assert (found.state, found.error) == (JobState.FAILED, "gone.")
    assert not empty.jobs.progress(job, share=0.1, phase="search")


def test_a_worker_that_cannot_be_seen_from_here_is_given_up_when_it_is_silent(
    tmp_path: Path,
) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    with GeoPackageStore.create(tmp_path / "s.gpkg", clock=lambda: now[0]) as store:
        job = store.jobs.make("sites", "{}")
        store.jobs.claim(pid=7, mark="elsewhere")
        now[0] += timedelta(seconds=50)
        store.jobs.progress(job, share=0.1, phase="search")
        now[0] += timedelta(seconds=50)
        assert store.jobs.orphans(lambda *_: None, error="gone.") == ()
        now[0] += timedelta(seconds=11)
        assert store.jobs.orphans(lambda *_: None, error="gone.") == (job,)
        assert store.jobs.remove_old(hours=24) == 0
        now[0] += timedelta(hours=25)
        assert store.jobs.remove_old(hours=24) == 1
        assert store.jobs.find(job) is None


def test_only_the_latest_jobs_are_kept(empty: GeoPackageStore) -> None:
    jobs = [empty.jobs.make("sites", "{}") for _ in range(6)]
    for job in jobs[:5]:
        empty.jobs.cancel(job)
    assert empty.jobs.remove_old(hours=1, most=3) == 2
    there = [empty.jobs.find(job) is not None for job in jobs]
    assert there == [False, False, True, True, True, True]


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
        assert (store.list_kept(), store.read_kept("0" * 64)) == ((), None)
        assert store.discard_kept("0" * 64) is False
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
        assert copy.read_kept(digest) is not None
    assert examine(path) == []
    check_file(path)
