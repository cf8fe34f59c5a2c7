"""Dear work: few at a time, in order, and threads are left to riders."""

import sys
import threading
import time

import pytest
from flask.testing import FlaskClient

from locator.admission import KEPT_FREE, Admission
from locator.errors import BusyError
from locator.settings import Settings
from locator.web.admission import admission_of
from tests.load_support import busy, held, measure_riders, served


def test_three_threads_are_never_given_away() -> None:
    admission = Admission(threads=8)
    inside, end = threading.Semaphore(0), threading.Event()
    refused: list[str] = []

    def work() -> None:
        try:
            inside.release()
            with admission.turn():
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


def test_one_at_a_time_in_the_order_they_came() -> None:
    admission = Admission(threads=8)
    late = pytest.raises(BusyError, match="too long")
    with held(admission.turn), late, admission.turn(wait_s=0.01):
        pass
    with admission.turn(), admission.turn():  # within its own turn
        pass
    came: list[int] = []

    def work(number: int) -> None:
        with admission.turn():
            came.append(number)

    with held(admission.turn):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for count, thread in enumerate(threads, start=2):
            thread.start()
            while len(admission._line) < count:
                time.sleep(0.001)
    for thread in threads:
        thread.join(30)
    assert came == [0, 1, 2, 3]


def test_a_turn_comes_back_whatever_happens() -> None:
    admission = Admission(threads=4)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), admission.turn():
            1 / 0  # noqa: B018


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/planner", "text/html"),
        ("/planner/inputs.json", "application/json"),
        ("/map", "text/html"),
        ("/embed/map?for=list", "text/html"),
        ("/embed/coverage", "text/html"),
        ("/embed/coverage.js", "text/plain"),
        ("/embed/map.png", "text/plain"),
        ("/exports/stations.csv", "text/plain"),
        ("/exports/stations-osm.geojson", "text/plain"),
        ("/exports/gbfs/station_information.json", "application/json"),
        ("/exports", "text/html"),
        ("/ogc/collections/stations/items?f=html", "text/html"),
    ],
)
def test_dear_work_of_every_door_waits_at_one_and_is_refused_in_words(
    client: FlaskClient, path: str, media: str
) -> None:
    """Every door with dear work behind it; a reader of English is told in English."""
    admission = admission_of(client.application)
    admission._places = 1
    accept = {"Accept": "text/html,*/*;q=0.5"} if media == "text/html" else {}
    with held(admission.turn):
        for spoken, words in (("zh", "请过几秒再试"), ("en", "try again in a few seconds")):
            answer = client.get(path, headers={"Accept-Language": spoken, **accept})
            assert (answer.status_code, answer.mimetype) == (503, media)
            assert int(answer.headers["Retry-After"]) > 0
            assert words in answer.text
        for cheap in ("/", "/stations.json", "/healthz", "/stations/BJ-R-045", "/notices"):
            assert client.get(cheap).status_code == 200
    assert client.get(path, headers=accept).status_code == 200


@pytest.mark.soak
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="another's processor time: Linux")
@pytest.mark.parametrize("clients", [{"slide": 10}, {"draw": 18}], ids=["slider", "pictures"])
def test_riders_wait_little_longer_while_others_ask_for_dear_things(
    settings: Settings, clients: dict[str, int]
) -> None:
    """In the server's processor time: other work of the machine lengthens no wait."""
    with served(settings) as (url, process):
        measure_riders(url, 40, pid=process.pid)
        quiet = measure_riders(url, 200, pid=process.pid, pause_s=0)
        with busy(url, **clients) as answers:
            waits = measure_riders(url, 200, pid=process.pid)
            assert not answers.empty()
    # 20 ms are allowed beside: a single call into a library gives way to nobody.
    assert waits.share(0.99) <= 3 * quiet.share(0.99) + 20, (quiet.figures(), waits.figures())
