"""Dear work: few at a time, in order, and threads are left to riders."""

import threading
import time

import pytest
from flask.testing import FlaskClient

from locator.admission import KEPT_FREE, Admission
from locator.errors import BusyError
from locator.web.admission import admission_of
from tests.load_support import held


def test_three_threads_are_never_given_away() -> None:
    admission = Admission(threads=8)
    inside, end = threading.Semaphore(0), threading.Event()
    refused: list[str] = []

    def work() -> None:
        try:
            inside.release()
            with admission.turn("maps"):
                end.wait(30)
        except BusyError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(20)]
    for thread in threads:
        thread.start()
    for _ in threads:
        inside.acquire(timeout=30)
    deadline = time.monotonic() + 30
    while sum(thread.is_alive() for thread in threads) > 8 - KEPT_FREE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(refused) == 20 - (8 - KEPT_FREE)
    assert "ask again" in refused[0]
    end.set()
    for thread in threads:
        thread.join(30)


def test_each_kind_one_at_a_time_and_another_kind_beside_it() -> None:
    admission = Admission(threads=8)
    with held(lambda: admission.turn("exports")):
        with admission.turn("maps"), admission.turn("maps"):  # within its own turn
            pass
        with pytest.raises(BusyError, match="too long"), admission.turn("exports", wait_s=0.01):
            pass
        second = held(lambda: admission.turn("maps"))
        with second, pytest.raises(BusyError), admission.turn("planner", wait_s=0.01):
            pass
        with admission.turn("planner"):
            pass
    with admission.turn("exports"):
        pass


def test_a_turn_comes_back_whatever_happens() -> None:
    admission = Admission(threads=4)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), admission.turn("maps"):
            1 / 0  # noqa: B018
    other = pytest.raises(RuntimeError, match="another kind")
    with admission.turn("maps"), other, admission.turn("planner"):
        pass


@pytest.mark.parametrize(
    ("path", "kind", "media"),
    [
        ("/planner", "planner", "text/html"),
        ("/planner/ground.json", "planner", "application/json"),
        ("/map", "maps", "text/html"),
        ("/embed/map?for=list", "maps", "text/html"),
        ("/embed/coverage", "maps", "text/html"),
        ("/embed/coverage.js", "maps", "text/plain"),
        ("/embed/map.png", "maps", "text/plain"),
        ("/exports/stations.csv", "exports", "text/plain"),
        ("/exports/stations-osm.geojson", "exports", "text/plain"),
        ("/exports/gbfs/station_information.json", "exports", "application/json"),
        ("/exports", "exports", "text/html"),
        ("/ogc/collections/stations/items?f=html", "features", "text/html"),
    ],
)
def test_dear_work_of_every_door_waits_at_one_and_is_refused_in_words(
    client: FlaskClient, path: str, kind: str, media: str
) -> None:
    """Every door with dear work behind it; a reader of English is told in English."""
    admission = admission_of(client.application)
    admission._places = 1
    accept = {"Accept": "text/html,*/*;q=0.5"} if media == "text/html" else {}
    with held(lambda: admission.turn("planner" if kind == "maps" else "maps")):
        for spoken, words in (("zh", "请过几秒再试"), ("en", "try again in a few seconds")):
            answer = client.get(path, headers={"Accept-Language": spoken, **accept})
            assert (answer.status_code, answer.mimetype) == (503, media)
            assert int(answer.headers["Retry-After"]) > 0
            assert words in answer.text
        for cheap in ("/", "/stations.json", "/healthz", "/stations/BJ-R-045", "/notices"):
            assert client.get(cheap).status_code == 200
    assert client.get(path, headers=accept).status_code == 200
