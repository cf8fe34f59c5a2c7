"""By which name the server is asked, who counts as this machine, and what links are made of."""

import errno
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from locator.cli.app import cannot_listen
from locator.errors import SettingsError
from locator.settings import Settings, read_settings
from locator.store import GeoPackageStore
from locator.web import create_app
from locator.web.hosts import HostCheck, judge
from tests.conftest import fixed_clock, free_port, running_server

SITE = "rest.example.gov.cn"
DIRECT = {"HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1"}
JOB = b'{"minutes": 5, "new": 1, "hour": 12}'
BROKEN = [
    "", " ", "a..b", "-a.cn", ".", "a b", "a/b", "a@b", "a:b", "[::1", "::1]", "[nonsense]",
    "x" * 64 + ".cn", ".".join(["abcd"] * 60), "localhost:99999999", "localhost, evil.example",
    "%6c", "xn--\xff", "宝鸡", "a\\b", "<script>", "localhost#", "localhost?x",
]  # fmt: skip


@contextmanager
def asked(settings: Settings, **changed: object) -> Iterator[FlaskClient]:
    """Give a client of an application with some settings changed."""
    app = create_app(replace(settings, **changed), clock=fixed_clock)  # type: ignore[arg-type]
    yield app.test_client()
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()


def raw(port: int, text: bytes) -> tuple[int, str]:
    """Send bytes as they are; return the status and all of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(text)
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
    answer = b"".join(pieces).decode("utf-8", "replace")
    return int(answer.split(" ", 2)[1]), answer


# --- this machine -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"HTTP_HOST": "127.0.0.1:5000"},
        {"HTTP_HOST": "[::1]:5000", "REMOTE_ADDR": "::1"},
        {"HTTP_HOST": "LOCALHOST.", "REMOTE_ADDR": "::ffff:127.0.0.1"},
    ],
)
def test_who_asks_without_a_way_round_is_at_this_machine(changed: dict[str, str]) -> None:
    found = judge(DIRECT | changed, Settings(), listens_here=True)
    assert found.local
    assert found.refusal == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"HTTP_HOST": SITE},
        {"HTTP_HOST": "localhost.example.cn"},
        {"HTTP_HOST": "192.168.1.5:5000"},
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        *(
            {f"HTTP_{name.upper().replace('-', '_')}": "127.0.0.1"}
            for name in (
                "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
                "X-Forwarded-Server", "X-Forwarded", "Forwarded", "Forwarded-For", "Via",
                "X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP", "CF-Connecting-IP",
                "X-Cluster-Client-IP", "X-Original-Host", "X-Original-URL", "Fastly-Client-IP",
                "X-Remote-IP", "X-ProxyUser-IP", "CDN-Loop",
            )
        ),
    ],
)  # fmt: skip
def test_a_sign_of_somebody_else_is_answered_with_the_settings_name(
    changed: dict[str, str],
) -> None:
    found = judge(DIRECT | changed, Settings(), listens_here=True)
    assert not found.local
    assert "LOCATOR_HOSTS" in found.refusal


@pytest.mark.parametrize(
    ("told", "listens_here"),
    [(Settings(hosts="localhost"), True), (Settings(proxies=1), True), (Settings(), False)],
)
def test_a_server_that_others_reach_has_no_local_requests(
    told: Settings, listens_here: bool
) -> None:
    assert not judge(DIRECT, told, listens_here=listens_here).local


# --- the nginx block of an older version of docs/deployer.md ------------------------------------


@pytest.mark.slow
def test_through_the_older_nginx_block_nobody_is_at_this_machine(settings: Settings) -> None:
    """That block sends HTTP/1.0, ``Host: $host`` and ``Connection: close``, and nothing more."""
    body = f"Content-Type: application/json\r\nContent-Length: {len(JOB)}\r\n\r\n".encode()
    with running_server(settings) as server:
        port = urlsplit(server.url).port or 0
        for host in ("localhost", "127.0.0.1", f"127.0.0.1:{port}", SITE):
            head = f"HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n".encode()
            newer = head.replace(b"HTTP/1.0", b"HTTP/1.1")
            for text in (
                b"POST /planner/sites " + head + body + JOB,
                b"GET /map " + head + b"\r\n",
                b"GET /ogc/collections/districts/items " + head + b"\r\n",
                # One that was told to speak HTTP/1.1 and to name the visitor.
                b"GET /map " + newer + b"X-Forwarded-For: 192.0.2.7\r\n\r\n",
            ):
                status, answer = raw(port, text)
                assert status == 400
                assert "LOCATOR_HOSTS" in answer
                assert "districts" not in answer
            status, answer = raw(port, b"GET /map " + newer + b"\r\n")
            assert status == (400 if host == SITE else 200)
            assert ('"districts":{' in answer) == (host != SITE)


@pytest.mark.slow
def test_behind_todays_nginx_block_a_visitor_is_a_visitor(settings: Settings) -> None:
    more = {"LOCATOR_PROXIES": "1", "LOCATOR_PUBLIC_URL": f"https://{SITE}"}
    with running_server(settings, **more) as server:
        port = urlsplit(server.url).port or 0
        tail = (
            "HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-Host: {}\r\nConnection: close\r\n"
        )
        mine = tail.format(SITE, SITE).encode()
        body = f"Content-Type: application/json\r\nContent-Length: {len(JOB)}\r\n\r\n".encode()
        assert raw(port, b"POST /planner/sites " + mine + body + JOB)[0] == 403
        status, page = raw(port, b"GET /map " + mine + b"\r\n")
        assert status == 200
        assert '"districts":{' not in page
        other = tail.format("localhost", "localhost").encode()
        assert raw(port, b"GET /map " + other + b"\r\n")[0] == 400
        assert raw(port, b"GET /healthz HTTP/1.0\r\n\r\n")[0] == 200  # whoever looks after it


# --- other hosts ------------------------------------------------------------------------------


def test_other_hosts_and_no_hosts_are_400(settings: Settings) -> None:
    with asked(settings, hosts=SITE) as client:
        for host in ("evil.example", f"{SITE}.evil.example", "localhost", *BROKEN):
            for path in ("/", "/map", "/api/nearest?lon=107&lat=34", "/nope", "/assets/site.css"):
                answer = client.get(path, environ_overrides={"HTTP_HOST": host})
                assert answer.status_code == 400, (host, path)
                assert answer.mimetype == "text/plain"
                assert len(host) < 3 or host not in answer.text
            assert client.get("/healthz", environ_overrides={"HTTP_HOST": host}).status_code == 200
        assert client.get("/", headers={"Host": f"{SITE.upper()}:8443"}).status_code == 200


def test_refused_hosts_are_one_line_and_no_flood(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    moments = iter([0.0, *[1.0] * 98, 61.0])
    check = HostCheck(
        lambda _, __: [], replace(settings, hosts=SITE), listens_here=True, clock=moments.__next__
    )
    with caplog.at_level(logging.WARNING, logger="locator"):
        for number in range(100):
            environ = {"HTTP_HOST": f"h{number}\n.example" * 50, "REQUEST_METHOD": "GET"}
            check(environ, lambda *_: lambda _: None)  # type: ignore[arg-type,return-value]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("1 request(s) refused")
    assert lines[1].startswith("99 request(s) refused")
    assert all("\n" not in line and len(line) < 300 for line in lines)


# --- whole links ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("base", [f"https://{SITE}", f"https://{SITE}:8443/stations-map"])
def test_whole_links_are_made_of_the_public_address(
    settings: Settings, store: GeoPackageStore, cli: Callable[..., Result], base: str
) -> None:
    store.close()
    (digest,) = re.findall(r"[0-9a-f]{64}", cli("embed", "freeze", "map").stdout)[:1]
    own = urlsplit(base)
    origin = f"{own.scheme}://{own.netloc}"  # a snippet listens to it
    with asked(settings, public_url=base, hosts="alias.example.cn") as client:
        alias = {"Host": "alias.example.cn"}  # as it reaches us inside, over http

        def text(path: str) -> str:
            answer = client.get(path, headers=alias)
            assert answer.status_code == 200, path
            return unescape(answer.text)

        pages = ["/", "/map", "/embed", "/embed/map", "/stations/BJ-R-001", "/ogc", "/ogc/api"]
        pages.append(f"/embed/frozen/{digest}")
        pages += ["/ogc/collections/stations/items?limit=2", "/exports", "/exports/gbfs/gbfs.json"]
        pages += [f"/oembed?url={quote(url + '/map')}" for url in (base, "http://alias.example.cn")]
        if own.path:
            pages.pop()
            pages.append(f"{own.path}/map")  # where the proxy leaves the folder on
        for page in pages:
            found = text(page)
            assert "alias.example.cn" not in found, page
            whole = re.findall(rf"https?://{re.escape(SITE)}[^\s\"'<>\\]*", found)
            assert all(link in {base, origin} or link.startswith(f"{base}/") for link in whole), (
                page
            )
            if page not in {"/exports", "/map"}:
                assert whole or own.path + "/map" == page, page


def test_the_public_address_is_a_host_of_its_own(settings: Settings) -> None:
    with asked(settings, public_url=f"https://{SITE}") as client:
        assert client.get("/", headers={"Host": SITE}).status_code == 200
        assert client.get("/").status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HOSTS", "https://rest.example.cn", "without scheme"),
        ("HOSTS", "rest.example.cn:80", "without scheme"),
        ("HOSTS", "*", "without scheme"),
        ("HOSTS", "a..b", "without scheme"),
        ("PUBLIC_URL", "rest.example.cn", "whole address"),
        ("PUBLIC_URL", "ftp://rest.example.cn", "whole address"),
        ("PUBLIC_URL", "https://a@rest.example.cn", "whole address"),
        ("PUBLIC_URL", "https://rest.example.cn/?x", "whole address"),
        ("PUBLIC_URL", "https://rest.example.cn/a b", "whole address"),
        ("PUBLIC_URL", "https://rest.example.cn:x", "whole address"),
        ("PUBLIC_URL", "https://", "whole address"),
    ],
)
def test_a_host_that_is_none_is_refused_at_the_start(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=f"LOCATOR_{name}.*{told}"):
        read_settings({f"LOCATOR_{name}": value})


def test_hosts_are_read_as_people_write_them() -> None:
    told = {"LOCATOR_HOSTS": "Rest.Example.CN., 192.168.1.5  [::1] 宝鸡.example.cn"}
    found = read_settings(told | {"LOCATOR_PUBLIC_URL": "https://Site.example.cn/a/"})
    names = {"rest.example.cn", "192.168.1.5", "::1", "xn--0kqt08i.example.cn", "site.example.cn"}
    assert found.host_names >= names - {"xn--0kqt08i.example.cn"}
    assert all(name.isascii() for name in found.host_names)
    assert found.public_url == "https://site.example.cn/a"


# --- the command line -------------------------------------------------------------------------


def serve(settings: Settings, *arguments: str, **more: str) -> tuple[int, str]:
    """Run ``locator serve`` where it cannot begin; return the exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "locator", "--store", settings.store, "serve", *arguments],
        env=os.environ | {"LOCATOR_BASEMAP": "none", "PYTHONUTF8": "1"} | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "more"),
    [(["--host", "0.0.0.0"], {}), (["--host", "::"], {}), ([], {"LOCATOR_PROXIES": "1"})],
)
def test_who_is_reached_by_others_must_name_the_hosts(
    settings: Settings, arguments: list[str], more: dict[str, str]
) -> None:
    code, said = serve(settings, "--port", str(free_port()), *arguments, **more)
    assert code == 2
    assert said.startswith("locator: LOCATOR_HOSTS must name the hosts")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "300.1.2.3", "", " ", "a" * 70, "a..b", "宝鸡", "[::1"]
)
def test_a_host_to_listen_at_that_is_none_is_a_sentence(
    cli: Callable[..., Result], host: str
) -> None:
    done = cli("serve", f"--host={host}")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert done.stderr.startswith("locator: --host ")


@pytest.mark.slow
def test_a_port_that_cannot_be_had_is_a_sentence(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = serve(settings, "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert said.splitlines()[-1].endswith("is in use by another program; choose another --port.")
    assert "Traceback" not in said
    code, said = serve(settings, "--host", "192.0.2.1", LOCATOR_HOSTS=SITE)
    assert code == 1
    assert "is no address of this machine" in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.mark.parametrize("port", ["70000", "0", "-1", "x", "1e3"])
def test_a_port_that_is_none_is_bad_usage(cli: Callable[..., Result], port: str) -> None:
    done = cli("serve", f"--port={port}")
    assert done.exit_code == 2
    assert "--port" in done.stderr


def test_a_port_of_the_administrators_is_a_sentence() -> None:
    said = str(cannot_listen("127.0.0.1", 80, PermissionError(errno.EACCES, "Permission denied")))
    assert said.startswith("127.0.0.1:80 may not be used by this user")


# --- the documented block ---------------------------------------------------------------------


def test_the_nginx_example_holds_what_the_program_counts_on() -> None:
    page = (Path(__file__).parents[1] / "docs" / "deployer.md").read_text("utf-8")
    (block,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    for line in (
        "default_server", "return 444;", "limit_req_zone $binary_remote_addr", "limit_req zone=",
        "limit_conn_zone $binary_remote_addr", "limit_conn ", "Strict-Transport-Security",
        "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Host $host;", "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_cache_key $scheme$host$request_uri;", 'log_format private',
    ):  # fmt: skip
        assert line in block, line
    assert "LOCATOR_PUBLIC_URL=https://" in page
    assert "LOCATOR_PROXIES=1" in page
