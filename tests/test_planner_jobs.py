"""Background jobs over HTTP: who may start one, what is refused, what a page is told."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from locator.settings import Settings
from locator.web import create_app
from locator.web.jobs import Throttle
from tests.conftest import fixed_clock, running_server
from tests.patience import patience
from tests.test_jobs import PATIENCE_S, freeze
from tests.test_store_kill import make_old

ASKED = {"minutes": 5, "hour": 12, "services": [], "kinds": [], "scenario": None, "new": 3}
PRICES = {"unit": "万元/年", "new_post": {"cost": 10, "hours": "24/7"}, "add_service": {"cost": 1}}


@contextmanager
def client_of(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings, clock=fixed_clock)
    with app.test_client() as opened:
        yield opened
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()


def start(client: FlaskClient, body: object = ASKED, **more: object) -> TestResponse:
    return client.post("/planner/sites", json=body, **more)  # type: ignore[arg-type]


def end_of(look: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Ask after a job as a page does, until it has ended."""
    until = time.monotonic() + PATIENCE_S
    while (found := look())["state"] in {"waiting", "running"}:
        assert time.monotonic() < until, "the job has not ended"
        time.sleep(0.1)
    return found


# --- a question and its answer ----------------------------------------------------------------


@pytest.mark.slow
def test_a_page_asks_and_finds_the_answer_under_the_jobs_id(client: FlaskClient) -> None:
    response = start(client)
    assert response.status_code == 202
    href = response.get_json()["href"]
    end = end_of(lambda: client.get(href).get_json())
    assert (end["state"], end["error"]) == ("done", None)
    answer = end["answer"]
    assert isinstance(answer, dict)
    assert len(answer["features"]) == 3
    figures = answer["figures"]
    gains = sum(site["properties"]["gain"] for site in answer["features"])
    assert gains == pytest.approx(figures["objective"] - figures["baseline"], rel=1e-6)
    assert figures["objective"] <= figures["bound"] + 1e-6
    assert answer["question"]["at"] == "2026-11-23T12:00"  # hour 12 of the week of the clock
    assert client.get(href).headers["Cache-Control"] == "no-store"


@pytest.mark.slow
def test_a_budget_buys_the_best_mix(client: FlaskClient) -> None:
    body = ASKED | {"new": None, "budget": 12, "prices": PRICES, "services": ["toilet"]}
    href = start(client, body).get_json()["href"]
    answer = end_of(lambda: client.get(href).get_json())["answer"]
    assert isinstance(answer, dict)
    costs = [site["properties"]["cost"] for site in answer["features"]]
    assert 0 < sum(costs) <= 12
    assert {site["properties"]["option"] for site in answer["features"]} <= {
        "new_post",
        "add_service",
        "add_service_and_hours",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"new": None}, "how many new sites"),
        ({"new": 3, "budget": 5, "prices": PRICES}, "how many new sites"),
        ({"new": 21}, "new='21' must lie from 1 to 20"),
        ({"new": True}, "is not a number"),
        ({"new": "three"}, "is not a number"),
        ({"new": None, "budget": 5}, "needs prices"),
        ({"new": None, "budget": "x", "prices": PRICES}, "budget='x' is not a number"),
        ({"new": None, "budget": 5, "prices": {}}, "offers nothing"),
        ({"minutes": 0}, "minutes='0'"),
        ({"hour": 168}, "hour='168' must lie"),
        ({"services": ["beer"]}, "services"),
        ({"candidates": "file:///etc/passwd"}, "candidates"),
        ({"bbox": [107, 34, 106, 35]}, "bbox"),
        ({"scenario": {"close": 7}}, "close"),
        ({"page": "x" * 65}, "page must"),
        ({"time_limit_s": 9999}, "'time_limit_s' is not a parameter"),
    ],
)
def test_a_question_that_is_none_is_one_sentence(
    client: FlaskClient, change: dict[str, object], sentence: str
) -> None:
    response = start(client, ASKED | change)
    assert response.status_code == 400
    assert sentence in response.get_json()["error"]


def test_a_body_that_is_too_long_or_no_json_is_refused(client: FlaskClient) -> None:
    assert client.post("/planner/sites", data={"new": 5}).status_code == 400
    long = json.dumps(ASKED | {"page": "x" * 70_000})
    response = client.post("/planner/sites", data=long, content_type="application/json")
    assert response.status_code == 413


def test_a_job_nobody_made_is_not_found(client: FlaskClient) -> None:
    for path in ("/planner/jobs/x", f"/planner/jobs/{'A' * 24}", "/planner/jobs/%00"):
        response = client.get(path)
        assert response.status_code == 404
        assert "no such job" in response.get_json()["error"]
    assert client.post("/planner/jobs/x/cancel").status_code == 404


def test_a_store_of_an_older_locator_says_what_to_do(settings: Settings) -> None:
    make_old(Path(settings.store.removeprefix("geopackage:")))
    with client_of(settings) as client:
        response = start(client)
        assert response.status_code == 503
        assert "locator init" in response.get_json()["error"]
        assert ".gpkg" not in response.get_json()["error"]
        assert client.get("/planner").status_code == 200


@pytest.mark.slow
def test_text_from_people_comes_back_as_data(client: FlaskClient) -> None:
    """A name that is markup, a template and a formula travels as JSON and as nothing else."""
    evil = '</script><img src=x onerror=alert(1)>{{ 7*7 }} "=cmd|1"'
    post = {"id": "NEW-1", "name": evil, "kind": "rest_post", "lon": 107.1, "lat": 34.36}
    href = start(client, ASKED | {"scenario": {"add": [post]}}).get_json()["href"]
    end_of(lambda: client.get(href).get_json())
    response = client.get(href)
    assert response.mimetype == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.get_json()["question"]["scenario"]["add"][0]["name"] == evil


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jobs", "hosts", "more", "status"),
    [
        ("local", "", {}, 202),
        # Who is told its hosts is reached by others, whatever this request says.
        ("local", "localhost", {}, 403),
        ("local", "localhost", {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}, 403),
        ("local", "localhost", {"headers": {"X-Forwarded-For": "192.0.2.7"}}, 403),
        ("local", "localhost", {"environ_base": {"REMOTE_ADDR": ""}}, 403),
        ("nobody", "", {}, 403),
        ("everyone", "localhost", {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}, 202),
    ],
)
def test_who_may_start_a_job_is_a_setting(
    settings: Settings, jobs: str, hosts: str, more: dict[str, object], status: int
) -> None:
    with client_of(replace(settings, jobs=jobs, hosts=hosts)) as client:
        response = start(client, **more)
        assert response.status_code == status
        if status == 403:
            assert "LOCATOR_JOBS" in response.get_json()["error"]
        else:
            client.post(f"{response.get_json()['href']}/cancel")


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    ],
)
def test_another_sites_page_can_neither_start_nor_cancel(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    href = start(client, headers=own).get_json()["href"]
    assert start(client, headers=headers).status_code == 403
    assert client.post(f"{href}/cancel", headers=headers).status_code == 403
    assert client.post(f"{href}/cancel", headers=own).status_code == 200


@pytest.mark.slow
def test_a_page_and_an_address_start_few(settings: Settings) -> None:
    with client_of(replace(settings, jobs="everyone", hosts="localhost")) as client:
        where = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
        made, refused = [], None
        for n in range(20):
            response = start(client, ASKED | {"page": f"p{n}"}, **where)
            if response.status_code != 202:
                refused = response
                break
            made.append(response.get_json()["href"])
            client.post(f"{made[-1]}/cancel")
        assert refused is not None
        assert (refused.status_code, len(made)) == (429, 10)
        assert "from your address" in refused.get_json()["error"]
        assert int(refused.headers["Retry-After"]) > 0
        other = start(client, environ_base={"REMOTE_ADDR": "192.0.2.8"})
        assert other.status_code == 202
        client.post(f"{other.get_json()['href']}/cancel")


def test_a_throttle_forgets() -> None:
    now = [0.0]
    throttle = Throttle(2, 60.0, clock=lambda: now[0])
    assert [throttle.passes("a") for _ in range(3)] == [True, True, False]
    assert throttle.passes("b")
    now[0] = 60.0
    assert throttle.passes("a")
    for n in range(20_000):
        throttle.passes(str(n))
    assert throttle.size <= 10_000


@pytest.mark.slow
def test_no_address_is_kept(settings: Settings) -> None:
    """The store and its log hold no trace of who asked."""
    with client_of(replace(settings, jobs="everyone", hosts="localhost")) as client:
        href = start(client, environ_base={"REMOTE_ADDR": "203.0.113.77"}).get_json()["href"]
        client.post(f"{href}/cancel")
    path = settings.store.removeprefix("geopackage:")
    for name in (path, f"{path}-wal"):
        if os.path.exists(name):  # noqa: PTH110
            with open(name, "rb") as stream:  # noqa: PTH123
                assert b"203.0.113.77" not in stream.read()


# --- a server in its own process --------------------------------------------------------------


def ask(url: str, body: object = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=patience(10)) as response:
        return dict(json.load(response))


@pytest.mark.slow
def test_a_job_is_there_again_after_the_server_was_started_anew(settings: Settings) -> None:
    with running_server(settings) as server:
        href = ask(f"{server.url}/planner/sites", ASKED)["href"]
        done = end_of(lambda: ask(f"{server.url}{href}"))
        assert done["state"] == "done"
    with running_server(settings) as server:
        assert ask(f"{server.url}{href}") == done


@pytest.mark.slow
def test_two_servers_show_each_others_jobs(settings: Settings) -> None:
    with running_server(settings) as one, running_server(settings) as two:
        jobs = [ask(f"{server.url}/planner/sites", ASKED)["href"] for server in (one, two, one)]
        for href in jobs:
            ends = [end_of(lambda s=s, h=href: ask(f"{s.url}{h}")) for s in (two, one)]  # type: ignore[misc]
            assert ends[0] == ends[1]
            assert ends[0]["state"] == "done"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are found in /proc")
def test_a_server_that_was_killed_leaves_a_job_that_says_so(settings: Settings) -> None:
    """The server and its worker end by kill -9 at once, as in a power cut; another one begins."""
    with running_server(settings) as server:
        href = ask(f"{server.url}/planner/sites", ASKED)["href"]
        worker = freeze(settings)
        parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        for pid in (parent, worker):
            os.kill(pid, signal.SIGKILL)
    with running_server(settings) as server:
        end = end_of(lambda: ask(f"{server.url}{href}"))
        assert (end["state"], end["restarted"], end["answer"]) == ("failed", True, None)
        href = ask(f"{server.url}/planner/sites", ASKED)["href"]
        assert end_of(lambda: ask(f"{server.url}{href}"))["state"] == "done"
