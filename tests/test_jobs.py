"""Background jobs: real workers in processes of their own, ended, orphaned, cancelled, in line."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from locator.errors import InputError, JobsFullError
from locator.jobs import RESTARTED, JobQueue, Limits
from locator.jobs.process import lives, mark_of
from locator.jobs.sites import run_sites_job
from locator.service import Service
from locator.settings import Settings
from locator.siting import Effort
from locator.store import GeoPackageStore, Job, JobState, open_store
from tests.patience import patience, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kill -9 is a matter of POSIX"),
]

SHORT = {"sites": {"new": 3, "minutes": 5, "hours": "24/7", "curve": False, "runs": 0}}
# A second of search, and twenty varied runs of it.
LONG = {
    "sites": {"model": "p-median", "new": 40, "minutes": 5, "runs": 20, "spacing_m": 100.0},
}
OPEN = (JobState.WAITING, JobState.RUNNING)
PATIENCE_S = patience(60.0)


def wait_for(look: Callable[[], bool], what: str) -> None:
    """Wait until something is so; it is a failure if it never is."""
    wait_until(look, what, s=60)


def state_of(queue: JobQueue, job: str) -> Job:
    found = queue.look(job)
    assert found is not None
    return found


def end_of(queue: JobQueue, job: str) -> Job:
    """Wait until a job has ended, looking as a page does."""
    wait_for(lambda: state_of(queue, job).state not in OPEN, "the job has ended")
    return state_of(queue, job)


def worker_of(path: Path, job: str) -> int:
    """Return the pid in a job's row."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT pid FROM locator_jobs WHERE job = ?", (job,)).fetchone()
    return int(row[0])


def run_until_searching(queue: JobQueue, path: Path, job: str) -> int:
    """Wait until a worker searches for a job; return its pid."""
    wait_for(lambda: state_of(queue, job).phase != "", "the job runs")
    return worker_of(path, job)


def freeze(settings: Settings) -> int:
    """Stop the worker of the job that runs, so that it runs on; return its pid."""
    path = settings.store.removeprefix("geopackage:")
    query = "SELECT pid FROM locator_jobs WHERE state = 'running'"
    until = time.monotonic() + patience(30)
    with closing(sqlite3.connect(path, timeout=patience(10))) as connection:
        while (row := connection.execute(query).fetchone()) is None:
            assert time.monotonic() < until, "no job runs"
            time.sleep(0.005)
    os.kill(row[0], signal.SIGSTOP)
    with closing(sqlite3.connect(path, timeout=patience(10))) as connection:
        assert connection.execute(query).fetchone() == row, "it ended before it was stopped"
    return int(row[0])


@pytest.fixture
def queue(settings: Settings, store: GeoPackageStore) -> Iterator[JobQueue]:
    opened = JobQueue(settings, store, Limits(waiting=3, of_owner=2))
    yield opened
    opened.close()


@pytest.mark.usefixtures("all_demand_points")
def test_a_worker_answers_as_the_library_does(queue: JobQueue, service: Service) -> None:
    job = queue.ask("sites", SHORT)
    end = end_of(queue, job)
    assert (end.state, end.error, end.share) == (JobState.DONE, None, 1.0)
    answer = json.loads(queue.answer(job) or "")
    own = run_sites_job(service, SHORT, Effort())
    ids = [[site["properties"]["id"] for site in one["features"]] for one in (answer, own)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 3
    assert answer["figures"]["objective"] == own["figures"]["objective"]
    assert answer["version"] == service.store.version()


def test_the_scenario_of_a_page_counts(service: Service) -> None:
    """A post of the scenario where the first one was chosen: it is there, so it adds nothing."""
    first = run_sites_job(service, SHORT, Effort())["features"][0]["properties"]
    post = {"id": "NEW-1", "name": "试点", "kind": "rest_post", "lon": first["lon"]}
    scenario = {"add": [post | {"lat": first["lat"], "opening_hours": "24/7"}]}
    then = run_sites_job(service, SHORT | {"scenario": scenario}, Effort())
    assert first["id"] not in {site["properties"]["id"] for site in then["features"]}
    assert then["figures"]["covered_before"] > 0


def test_a_question_that_is_none_is_refused_before_it_waits(
    queue: JobQueue, store: GeoPackageStore
) -> None:
    for kind, question, sentence in [
        ("cook", SHORT, "no job 'cook'"),
        ("sites", {"sites": {}}, "how many"),
        ("sites", SHORT | {"else": 1}, "'else' is not a parameter"),
        ("sites", {"sites": {"new": 101}}, "new='101' must lie from 0 to 100"),
        ("sites", {"sites": {"new": 1, "time_limit_s": 500}}, "time_limit_s='500.0' must"),
        ("sites", {"sites": {"new": 1, "spacing_m": 20}}, "spacing_m='20.0' must be at least 100"),
        ("sites", {"sites": {"new": 1, "model": "p-center"}}, "use locator site"),
        ("sites", SHORT | {"scenario": {"x": 1}}, "'x' is not one of"),
    ]:
        with pytest.raises(InputError, match=sentence):
            queue.ask(kind, question)
    assert not store.jobs.waits()


def test_a_register_that_changed_meanwhile_is_one_sentence(queue: JobQueue) -> None:
    job = queue.ask("sites", SHORT | {"scenario": {"close": ["NO-SUCH-STATION"]}})
    end = end_of(queue, job)
    assert end.state is JobState.FAILED
    assert "NO-SUCH-STATION" in (end.error or "")
    assert queue.answer(job) is None


def test_a_worker_that_was_killed_leaves_a_failed_job_and_the_line_goes_on(
    queue: JobQueue, store: GeoPackageStore
) -> None:
    first, second = queue.ask("sites", LONG), queue.ask("sites", SHORT)
    os.kill(run_until_searching(queue, store.path, first), signal.SIGKILL)
    end = end_of(queue, first)
    assert (end.state, end.error) == (JobState.FAILED, RESTARTED)
    assert end_of(queue, second).state is JobState.DONE


def test_a_frozen_worker_is_seen_as_alive(queue: JobQueue, store: GeoPackageStore) -> None:
    job = queue.ask("sites", LONG)
    pid = run_until_searching(queue, store.path, job)
    os.kill(pid, signal.SIGSTOP)
    try:
        queue.tend(force=True)
        assert state_of(queue, job).state is JobState.RUNNING
        assert store.jobs.claim(pid=1, mark="another") is None
    finally:
        os.kill(pid, signal.SIGCONT)
    queue.cancel(job)
    end_of(queue, job)


def test_a_cancelled_job_keeps_the_best_it_had_and_the_line_goes_on(queue: JobQueue) -> None:
    first, second = queue.ask("sites", LONG), queue.ask("sites", SHORT)
    wait_for(lambda: state_of(queue, first).phase == "varied runs", "the search is over")
    assert state_of(queue, second).ahead == 1
    assert queue.cancel(first)
    end = end_of(queue, first)
    assert (end.state, end.error) == (JobState.CANCELLED, None)
    answer = json.loads(queue.answer(first) or "")
    assert len(answer["features"]) == 40
    assert any("Stopped early" in note for note in answer["notes"])
    assert end_of(queue, second).state is JobState.DONE


def test_progress_says_how_good_the_best_is(queue: JobQueue, store: GeoPackageStore) -> None:
    job = queue.ask("sites", LONG)
    seen: list[Job] = []

    def has_figures() -> bool:
        seen.append(state_of(queue, job))
        return seen[-1].objective is not None and seen[-1].bound is not None

    wait_for(has_figures, "there is a selection and a bound")
    assert 0 < seen[-1].share < 1
    assert min(seen[-1].objective or 0.0, seen[-1].bound or 0.0) > 0
    version = store.version()
    queue.cancel(job)
    end_of(queue, job)
    assert store.version() == version


def test_the_line_has_an_end(queue: JobQueue) -> None:
    jobs = [queue.ask("sites", LONG, owner="page") for _ in range(2)]
    with pytest.raises(JobsFullError, match="This page has 2 jobs"):
        queue.ask("sites", SHORT, owner="page")
    wait_for(lambda: state_of(queue, jobs[0]).state is JobState.RUNNING, "the first runs")
    jobs += [queue.ask("sites", LONG, owner=f"other {n}") for n in range(2)]
    with pytest.raises(JobsFullError, match="3 jobs are waiting already"):
        queue.ask("sites", SHORT, owner="one more")
    for job in reversed(jobs):
        queue.cancel(job)
    assert {end_of(queue, job).state for job in jobs} == {JobState.CANCELLED}


def test_what_a_server_that_ends_was_at_has_failed(
    settings: Settings, store: GeoPackageStore
) -> None:
    with open_store(settings.store) as own:
        other = JobQueue(settings, own)
        job = other.ask("sites", LONG)
        pid = run_until_searching(other, store.path, job)
        other.close()
    assert lives(pid, mark_of(pid)) is not True
    found = store.jobs.find(job)
    assert found is not None
    assert (found.state, found.error) == (JobState.FAILED, RESTARTED)


def test_a_worker_ends_when_its_server_is_killed(
    settings: Settings, store: GeoPackageStore, queue: JobQueue
) -> None:
    def is_begun() -> bool:  # looks at the row alone: a queue that looks begins a worker of its own
        found = store.jobs.find(job)
        return found is not None and found.phase != ""

    code = (
        "import json, sys, time\nfrom locator.jobs import JobQueue\n"
        "from locator.settings import Settings\nfrom locator.store import open_store\n"
        "settings = Settings(store=sys.argv[1], basemap='none')\n"
        "queue = JobQueue(settings, open_store(settings.store))\n"
        "print(queue.ask('sites', json.loads(sys.argv[2])), flush=True)\ntime.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, settings.store, json.dumps(LONG)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        job = server.stdout.readline().strip()
        wait_for(is_begun, "the job runs")
        pid = worker_of(store.path, job)
        mark = mark_of(pid)
        assert lives(pid, mark) is True
        server.kill()
    wait_for(lambda: lives(pid, mark) is False, "the worker has ended")
    end = end_of(queue, job)
    assert (end.state, end.error) == (JobState.FAILED, RESTARTED)


def test_two_servers_work_through_one_line(settings: Settings) -> None:
    with open_store(settings.store) as one, open_store(settings.store) as two:
        rooms = [JobQueue(settings, one), JobQueue(settings, two)]
        jobs = [rooms[n % 2].ask("sites", SHORT) for n in range(4)]
        most = 0

        def all_ended() -> bool:
            nonlocal most
            states = [state_of(rooms[n % 2], job).state for n, job in enumerate(jobs)]
            most = max(most, states.count(JobState.RUNNING))
            return not set(states) & set(OPEN)

        wait_for(all_ended, "all jobs have ended")
        ends = [state_of(rooms[0], job) for job in jobs]
        for queue in rooms:
            queue.close()
    assert [end.state for end in ends] == [JobState.DONE] * 4
    assert most == 1
    spans = sorted((end.started_at, end.ended_at) for end in ends)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))  # type: ignore[operator]


def test_a_worker_that_cannot_begin_does_not_leave_jobs_waiting_for_ever(
    settings: Settings, store: GeoPackageStore, tmp_path: Path
) -> None:
    broken = Settings(store=settings.store, calendar=str(tmp_path / "none.csv"))
    queue = JobQueue(broken, store)
    job = queue.ask("sites", SHORT)
    end = end_of(queue, job)
    queue.close()
    assert end.state is JobState.FAILED
    assert "No worker could be started" in (end.error or "")


# A worker whose computation neither listens nor ends, or breaks; its limits are shortened.
DEAF = """
import sys, time
import locator.jobs.worker as worker
from locator.settings import Settings
def compute(*_):
    {act}
worker.run_job = compute
worker.{limit} = {seconds}
worker.LINGER_S = 1.0
worker.work(Settings(store=sys.argv[1]), sys.stdin.buffer)
"""


@pytest.mark.parametrize(
    ("act", "limit", "state", "sentence"),
    [
        ("time.sleep(600)", "_PATIENCE_S", JobState.CANCELLED, ""),
        ("time.sleep(600)", "MOST_S", JobState.FAILED, "took longer than"),
        ("raise ValueError('secret')", "MOST_S", JobState.FAILED, "its log says why"),
        ("raise MemoryError", "MOST_S", JobState.FAILED, "not enough memory"),
        ("return 'x' * (17 * 2**20)", "MOST_S", JobState.FAILED, "keeps at most 16 MB"),
    ],
)
def test_a_computation_that_goes_wrong_ends_with_its_job(
    store: GeoPackageStore, act: str, limit: str, state: JobState, sentence: str
) -> None:
    job = store.jobs.make("sites", json.dumps(SHORT))
    seconds = 2.0 if "sleep" in act else 900.0
    code = DEAF.format(act=act, limit=limit, seconds=seconds)
    command = [sys.executable, "-c", code, str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        wait_for(lambda: not store.jobs.waits(), "the job was taken")
        if state is JobState.CANCELLED:
            store.jobs.cancel(job)

        def has_ended() -> bool:
            found = store.jobs.find(job)
            return found is not None and found.state not in OPEN

        wait_for(has_ended, "the job has ended")
        assert worker.wait(timeout=PATIENCE_S) == 0
    found = store.jobs.find(job)
    assert found is not None
    assert found.state is state
    assert sentence in (found.error or "")
    assert "secret" not in (found.error or "")
    assert store.jobs.answer(job) is None


# --- who lives --------------------------------------------------------------------------------


def test_a_number_that_was_given_again_is_not_the_worker() -> None:
    own = os.getpid()
    mark = mark_of(own)
    if not mark:
        pytest.skip("only Linux says when a process began")
    assert lives(own, mark) is True
    boot, _, started = mark.rpartition("/")
    assert lives(own, f"{boot}/{int(started) + 1}") is False
    assert lives(own, f"0000{mark}") is None  # another machine, or another boot
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        mark = mark_of(child.pid)
        until = time.monotonic() + PATIENCE_S
        while lives(child.pid, mark) and time.monotonic() < until:
            time.sleep(0.01)
        assert lives(child.pid, mark) is False  # ended, and nobody has asked after it yet
