"""What every store promises, shown on each: a file, and dictionaries in this process.

A store of another kind is a parameter more of :func:`store`.
"""

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
from geopandas.testing import assert_geodataframe_equal
from shapely.geometry import box

from locator.errors import ConflictError, InputError, JobsFullError, StoreError
from locator.jobs import JobQueue
from locator.network import choose_travel, roads_folder
from locator.settings import Settings
from locator.store import (
    DOCUMENT_LIMIT_BYTES,
    Change,
    FileStore,
    GeoPackageStore,
    HistoryStore,
    JobState,
    Store,
    file_of,
    history_of,
    store_path,
)
from locator.store.history import read_as_of, read_log, undo
from locator.travel import StraightLine
from locator.web import create_app
from tests.conftest import MONDAY_NOON, fixed_clock
from tests.dict_store import DictStore
from tests.test_store import frame

BODY = "<p>驿站</p>".encode()
QUESTION = '{"bbox": [107, 34, 108, 35]}'
VARYING = re.compile(r"nonce=\S+|\b[0-9a-f]{12}-\d+\b|map_[0-9a-f]{32}")
Made = Callable[..., Store]
OTHERS = pytest.mark.parametrize("make", ["dict"], indirect=True)  # the file is their witness


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty file, to be copied."""
    path = tmp_path_factory.mktemp("blank") / "blank.gpkg"
    GeoPackageStore.create(path, clock=fixed_clock).close()
    return path


@pytest.fixture(params=["geopackage", "dict"])
def make(request: pytest.FixtureRequest, blank: Path, tmp_path: Path) -> Made:
    """Return what makes an empty store with a clock."""

    def made(clock: Callable[[], datetime] = fixed_clock) -> Store:
        if request.param == "dict":
            return DictStore(clock=clock)
        return GeoPackageStore.open(Path(shutil.copy(blank, tmp_path)), clock=clock)

    return made


@pytest.fixture
def store(make: Made) -> Iterator[Store]:
    """Return an empty store."""
    with make() as store:
        yield store


@pytest.fixture
def shipped(settings: Settings) -> Iterator[GeoPackageStore]:
    """Return the file of the shipped city."""
    with GeoPackageStore.open(store_path(settings.store), clock=fixed_clock) as store:
        yield store


def keep(store: Store, body: bytes = BODY, kind: str = "embed") -> str:
    return store.keep_document(kind, "宝鸡 <b>", QUESTION, body, made_at=MONDAY_NOON, actor="li")


# --- rows -------------------------------------------------------------------------------------


def test_the_version_changes_with_every_commit_and_only_then(store: Store) -> None:
    seen = [store.version()]
    assert store.last_change() is None
    seen.append(store.apply(Change("stations", frame("a")), actor="t").version)
    same = store.apply(Change("stations", frame("a")), actor="t")
    assert (same.version, same.unchanged) == (seen[-1], 1)
    digest = keep(store)
    seen.append(store.version())
    store.discard_document(digest)
    seen.append(store.version())
    store.remember_roads("a.pbf")
    store.jobs.make("sites", "{}")
    assert (store.version(), store.roads_source()) == (seen[-1], "a.pbf")
    assert len(set(seen)) == 4
    assert store.last_change() == fixed_clock()


def test_what_a_change_does_is_counted_and_read_again(store: Store) -> None:
    """By hand: a new, b updated, c unchanged; then d comes, a and b close, c goes."""
    store.apply(Change("stations", frame("b", "c", capacity=[1, 2])), actor="t")
    rows = frame("b", "c", "a", name=["新", "站 c", "站 a"])
    rows.geometry = [*frame("b", "c").geometry, frame("a").geometry[0]]
    done = store.apply(Change("stations", rows), actor="t")
    assert (done.inserted, done.updated, done.unchanged) == (1, 1, 1)
    read = store.read("stations").set_index("id")
    assert read["name"].to_dict() == {"a": "站 a", "b": "新", "c": "站 c"}
    assert read["capacity"].fillna(0).to_dict() == {"a": 0, "b": 1, "c": 2}  # absent: as it was
    assert set(read["status"]) == {"active"}
    pieces = iter([frame("d"), frame("c")])
    done = store.apply(Change("stations", pieces, absent="close", removals=["c"]), actor="t")
    assert (done.inserted, done.closed, done.removed) == (1, 2, 1)
    assert store.read("stations")["id"].tolist() == ["a", "b", "d"]
    assert store.read("stations", where={"status": "closed"})["id"].tolist() == ["a", "b"]
    done = store.apply(Change("stations", frame("d"), absent="remove"), actor="t")
    assert (done.removed, store.read("stations")["id"].tolist()) == (2, ["d"])


@OTHERS
def test_every_store_reads_what_the_file_reads(make: Made, shipped: GeoPackageStore) -> None:
    """Every layer of the shipped city, to the last digit and type."""
    layers = ("stations", "hot_zones", "districts", "places", "candidates")
    with make() as store:
        store.apply(*(Change(layer, shipped.read(layer)) for layer in layers), actor="t")
        for layer in layers:
            assert_geodataframe_equal(store.read(layer), shipped.read(layer))
        window = {"bbox": (107.1, 34.3, 107.2, 34.4), "columns": ["name", "id"]}
        found = store.read("stations", **window)  # type: ignore[arg-type]
        assert 0 < len(found) < 120
        assert_geodataframe_equal(found, shipped.read("stations", **window))  # type: ignore[arg-type]


def test_a_read_is_at_one_version(store: Store) -> None:
    """Each change writes its number into two layers; nobody sees two numbers, or another's."""
    zones = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["0"], "kind": ["campus"], "demand_per_h": [1.0]},
        geometry=[box(107, 34, 108, 35)], crs="EPSG:4326",
    )  # fmt: skip
    written: dict[str, str] = {}

    def write(number: int) -> None:
        name = str(number)
        changes = (
            Change("stations", frame("a", name=[name])),
            Change("hot_zones", zones.assign(name=name)),
        )
        written[store.apply(*changes, actor="t").version] = name

    write(0)
    writer = threading.Thread(target=lambda: [write(n) for n in range(1, 8)])
    writer.start()
    seen: dict[str, set[str]] = {}
    while writer.is_alive() or not seen:
        version, layers = store.read_all("stations", "hot_zones")
        seen[version] = {str(rows["name"].item()) for rows in layers.values()}
    writer.join()
    assert {version: {written[version]} for version in seen} == seen


def test_a_change_is_all_or_nothing(store: Store) -> None:
    good = frame("a", "b")
    store.apply(Change("stations", good), actor="test")
    before = store.version()
    with pytest.raises(ConflictError, match=r"1 of the ids .*\(b\)"):
        store.apply(
            Change("stations", frame("c")),
            Change("stations", frame("b", "d"), on_existing="error"),
            actor="t",
        )
    assert store.read("stations")["id"].tolist() == ["a", "b"]
    assert store.version() == before


def test_reading_with_conditions(store: Store) -> None:
    store.apply(
        Change("stations", frame("a", "b", "c", host=["other", "city_station", None])), actor="t"
    )
    assert store.read("stations", where={"host": "other"})["id"].tolist() == ["a"]
    assert store.read("stations", where={"id": ["c", "a"]})["id"].tolist() == ["a", "c"]
    assert store.read("stations", bbox=(107.005, 33, 107.015, 35))["id"].tolist() == ["b"]
    with pytest.raises(InputError, match="no column 'x'"):
        store.read("stations", where={"x": "y"})
    with pytest.raises(InputError, match="no layer 'x'"):
        store.read("x")


def test_frames_that_break_the_contract_are_refused(store: Store) -> None:
    with pytest.raises(InputError, match="'kind' is missing"):
        store.apply(Change("stations", frame("a").drop(columns="kind")), actor="t")
    with pytest.raises(InputError, match="stands twice"):
        store.apply(Change("stations", frame("a", "a")), actor="t")
    with pytest.raises(InputError, match="EPSG:4326"):
        store.apply(Change("stations", frame("a").to_crs(3857)), actor="t")
    square = frame("a").set_geometry([box(0, 0, 1, 1)], crs="EPSG:4326")
    with pytest.raises(InputError, match="needs a Point, it has Polygon"):
        store.apply(Change("stations", square), actor="t")
    zones = square.assign(demand_per_h=1.0)
    with pytest.raises(InputError, match="cannot be closed"):
        store.apply(Change("hot_zones", zones, absent="close"), actor="t")
    assert store.read("stations").empty


# --- documents


def test_a_kept_document_comes_back_byte_for_byte(store: Store) -> None:
    before = store.version()
    digest = keep(store)
    kept = store.read_document(digest)
    assert kept is not None
    assert (kept.body, kept.title, kept.question, kept.kind) == (
        BODY,
        "宝鸡 <b>",
        QUESTION,
        "embed",
    )
    assert (kept.made_at, kept.data_version) == (MONDAY_NOON, before)
    assert kept.size_bytes == len(BODY)
    assert store.read_document("0" * 64) is None


def test_anyone_can_work_out_the_digest(store: Store) -> None:
    """By hand: the JSON text [kind, title, question], a line feed, the body."""
    head = '["embed","宝鸡 <b>",' + json.dumps(QUESTION) + "]\n"
    assert keep(store) == hashlib.sha256(head.encode() + BODY).hexdigest()


def test_the_same_content_again_is_the_same_document(store: Store) -> None:
    digest = keep(store)
    version = store.version()
    later = MONDAY_NOON + timedelta(days=1)
    assert store.keep_document("embed", "宝鸡 <b>", QUESTION, BODY, made_at=later) == digest
    assert store.version() == version
    assert [facts.made_at for facts in store.list_documents()] == [MONDAY_NOON]
    assert keep(store, kind="gaps") != digest
    assert keep(store, body=BODY + b" ") != digest


def test_what_is_kept_is_listed_by_kind_the_newest_first(store: Store) -> None:
    moments = [MONDAY_NOON + timedelta(hours=n) for n in (0, 2, 1)]
    for n, moment in enumerate(moments):
        store.keep_document("gaps", f"缺口 {n}", "{}", b"", made_at=moment)
    keep(store)
    assert [facts.title for facts in store.list_documents("gaps")] == ["缺口 1", "缺口 2", "缺口 0"]
    assert len(store.list_documents()) == 4
    assert store.list_documents("nothing") == ()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "Not A Word"}, "must be a word"),
        ({"question": "{"}, "must be a JSON text"),
        ({"body": bytes(DOCUMENT_LIMIT_BYTES + 1)}, "keeps at most 16 MB"),
        ({"title": "x" * 10_001}, "10000 are allowed"),
        ({"title": "\ud800"}, "half a character"),
        ({"made_at": datetime(2026, 1, 1)}, "needs a time zone"),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_kept_is_refused(
    store: Store, wrong: dict[str, object], sentence: str
) -> None:
    good = {"kind": "embed", "title": "t", "question": "{}", "body": b"", "made_at": MONDAY_NOON}
    version = store.version()
    with pytest.raises(InputError, match=sentence):
        store.keep_document(**(good | wrong))  # type: ignore[arg-type]
    assert (store.version(), store.list_documents()) == (version, ())


def test_a_job_from_line_to_answer(store: Store) -> None:
    jobs = store.jobs
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


def test_jobs_are_taken_in_turn_and_one_at_a_time(store: Store) -> None:
    first, second = (store.jobs.make("sites", "{}") for _ in range(2))
    assert [store.jobs.find(job).ahead for job in (first, second)] == [0, 1]  # type: ignore[union-attr]
    assert store.jobs.claim(pid=1, mark="m").id == first  # type: ignore[union-attr]
    assert store.jobs.claim(pid=2, mark="m") is None
    assert store.jobs.find(second).ahead == 1  # type: ignore[union-attr]
    store.jobs.finish(first, answer=None)
    assert store.jobs.claim(pid=2, mark="m").id == second  # type: ignore[union-attr]
    assert store.jobs.claim(pid=3, mark="m") is None


def test_a_waiting_job_is_cancelled_at_once_a_running_one_by_its_flag(
    store: Store,
) -> None:
    jobs = store.jobs
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


def test_the_line_is_short_and_a_page_has_few_of_it(store: Store) -> None:
    for _ in range(2):
        store.jobs.make("sites", "{}", owner="a")
    with pytest.raises(JobsFullError, match="This page has 2 jobs"):
        store.jobs.make("sites", "{}", owner="a")
    store.jobs.make("sites", "{}", owner="b", most_waiting=3)
    with pytest.raises(JobsFullError, match="3 jobs are waiting already; try again"):
        store.jobs.make("sites", "{}", owner="c", most_waiting=3)


def test_a_job_whose_worker_is_gone_has_failed(store: Store) -> None:
    job = store.jobs.make("sites", "{}")
    store.jobs.claim(pid=7, mark="boot")
    asked: list[tuple[int, str]] = []

    def lives(pid: int, mark: str) -> bool:
        asked.append((pid, mark))
        return len(asked) == 1

    assert store.jobs.orphans(lives, error="gone.") == ()
    assert store.jobs.orphans(lives, error="gone.") == (job,)
    assert asked == [(7, "boot")] * 2
    found = store.jobs.find(job)
    assert found is not None
    assert (found.state, found.error) == (JobState.FAILED, "gone.")
    assert not store.jobs.progress(job, share=0.1, phase="search")


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


def test_only_the_latest_jobs_are_kept(store: Store) -> None:
    jobs = [store.jobs.make("sites", "{}") for _ in range(6)]
    for job in jobs[:5]:
        store.jobs.cancel(job)
    assert store.jobs.remove_old(hours=1, most=3) == 2
    there = [store.jobs.find(job) is not None for job in jobs]
    assert there == [False, False, True, True, True, True]


# --- what not every store can do --------------------------------------------------------------


def test_a_history_is_offered_or_refused_in_a_sentence(store: Store) -> None:
    store.apply(Change("stations", frame("a")), actor="li")
    moment, renamed = store.last_change(), frame("a", name=["新"])
    assert moment is not None
    asks = (
        lambda: read_log(store, "stations", "a"),
        lambda: read_as_of(store, "stations", moment),
        lambda: undo(store, 1, actor="li"),
        lambda: store.apply(Change("stations", renamed, unchanged_since=2), actor="t"),
    )
    if isinstance(store, HistoryStore):
        log, then, undone, _ = (ask() for ask in asks)
        assert {(change.who, change.action) for change in log} == {("li", "insert")}
        assert (then["id"].tolist(), undone.updated) == (["a"], 1)
        assert [row.feature_id for row in history_of(store).audit()] == ["a", "a", "a"]
        return
    for ask in asks:
        with pytest.raises(StoreError, match="keeps no history"):
            ask()


def test_what_needs_a_file_is_refused_in_a_sentence_where_there_is_none(
    store: Store, tmp_path: Path
) -> None:
    assert isinstance(choose_travel(Settings(), store), StraightLine)
    if isinstance(store, FileStore):
        file_of(store, "a backup").backup(tmp_path / "copy.gpkg")
        assert roads_folder(store).parent == tmp_path
        return
    for ask in (lambda: file_of(store, "a road network"), lambda: roads_folder(store)):
        with pytest.raises(StoreError, match="no file, and a road network needs one"):
            ask()
    with pytest.raises(StoreError, match="No worker can open this store"):
        JobQueue(Settings(), store).ask("sites", {"sites": {"new": 1, "minutes": 5}})


# --- the application over it ------------------------------------------------------------------


@OTHERS
def test_pages_and_interface_answer_alike_over_every_store(
    make: Made, shipped: GeoPackageStore, settings: Settings
) -> None:
    """The witness is the file; versions differ, what is said does not."""
    over = make()
    layers = ("stations", "hot_zones", "districts", "places")
    over.apply(*(Change(layer, shipped.read(layer)) for layer in layers), actor="t")
    apps = [create_app(settings, clock=fixed_clock, store=one) for one in (over, shipped)]
    own, witness = (app.test_client() for app in apps)
    for path in ("/", "/api/nearest?lon=107.15&lat=34.36&k=5", "/stations.json", "/map"):
        answers = [one.get(path) for one in (own, witness)]
        assert [answer.status_code for answer in answers] == [200, 200], path
        texts = [VARYING.sub("", answer.text) for answer in answers]
        assert texts[0] == texts[1], path
    rows = over.read("stations", where={"id": "BJ-R-045"})
    over.apply(Change("stations", rows.assign(name="换了名字")), actor="t")
    assert "换了名字" in own.get("/stations.json").text
