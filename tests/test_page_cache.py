"""The front page is made once; its nonce is new in every answer, and nobody's position is a key."""

import gzip
import re
import zlib
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from flask.testing import FlaskClient

from locator.settings import Settings
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from locator.web.page_cache import NoncePage, PageCache
from tests.conftest import MONDAY_NOON, fixed_clock

GZIP = {"Accept-Encoding": "gzip"}


def kept(client: FlaskClient) -> PageCache:
    pages: PageCache = client.application.extensions["locator.pages"]
    return pages


def test_every_answer_has_a_nonce_of_its_own_and_nothing_else_differs(client: FlaskClient) -> None:
    seen, bodies = set(), set()
    for headers in ({}, GZIP, {}, GZIP):
        answer = client.get("/", headers=headers)
        assert ("Content-Encoding" in answer.headers) == bool(headers)
        body = gzip.decompress(answer.data) if headers else answer.data
        found = re.findall(r'nonce="([^"]+)"', body.decode())
        (nonce,) = set(found)
        assert answer.headers["Content-Security-Policy"].count(f"'nonce-{nonce}'") == 2
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "ETag" not in answer.headers  # a kept body would not match the new policy
        assert "Accept-Encoding" in answer.headers["Vary"]
        seen.add(nonce)
        bodies.add(body.replace(nonce.encode(), b""))
    assert (len(seen), len(bodies), len(kept(client))) == (4, 1, 1)
    assert kept(client).mark not in bodies.pop().decode()


def test_a_page_is_made_anew_for_data_minute_language_filter_and_name(
    settings: Settings, store: GeoPackageStore
) -> None:
    moment = [MONDAY_NOON.astimezone(UTC)]
    named = replace(settings, hosts="localhost one.example")
    app = create_app(named, clock=lambda: moment[0])
    client = app.test_client()

    def page(query: str = "", **options: object) -> str:
        return client.get(f"/{query}", **options).text  # type: ignore[arg-type]

    def expect(count: int) -> None:
        assert len(kept(client)) == count

    page()
    expect(1)
    moment[0] += timedelta(seconds=59)
    page()
    expect(1)
    moment[0] += timedelta(seconds=1)
    assert "12:01" in page()
    expect(2)
    assert 'lang="en"' in page(headers={"Accept-Language": "en"})
    expect(3)
    assert re.search(r'value="toilet" checked', page("?service=toilet"))
    assert not re.search(r'value="toilet" checked', page())
    expect(4)
    assert "http://one.example/" in page(base_url="http://one.example")
    assert "http://one.example/" not in page()
    expect(5)
    rows = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", rows.assign(name="换了名字", opening_hours="24/7")), actor="t")
    assert "换了名字" in page()
    expect(6)
    app.extensions["locator"].close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "?place=经二路商圈", "?place=107.1489,34.3692", "?toward=107.1,34.3", "?lon=107.1&lat=34.3",
        "?service=toilet&lon=107.1489", "?open=any&x=1", "?platform=34.3692", "?night=1071489",
        "?lang=zh&" + "&".join(f"service={'toilet,' * n}toilet" for n in range(30)),
    ],
)  # fmt: skip
def test_no_place_and_no_position_is_kept(client: FlaskClient, query: str) -> None:
    client.get("/")
    status = client.get(f"/{query}").status_code
    assert status in {200, 400}
    assert len(kept(client)) == 1
    (key,) = kept(client)._results
    assert "107.1" not in repr(key)


def test_a_form_sent_as_it_stands_is_kept_and_a_wrong_filter_is_not(client: FlaskClient) -> None:
    assert client.get("/?place=&open=any&platform=&kind=&weather=&app=amap").status_code == 200
    assert len(kept(client)) == 1
    assert client.get("/?service=nonsense").status_code == 400
    assert len(kept(client)) == 1


def test_filters_that_are_counted_through_push_out_no_more_than_the_memory_holds() -> None:
    pages = PageCache(most=5, most_bytes=3_000)

    def page(length: int) -> NoncePage:
        return NoncePage("x" * length, pages.mark)

    for number in range(100):
        pages.get(number, lambda: page(100))
    assert len(pages) == 5
    for number in range(100, 110):
        pages.get(number, lambda: page(1_000))
    assert pages.size <= 3_000
    pages.get("large", lambda: page(9_000))
    assert len(pages) == 1  # the last one is kept whatever its size, or it would be made each time


@pytest.mark.parametrize("text", ["", "@", "@@", "a@b", "<@>" * 50 + "长" * 70_000 + "@"])
def test_the_packed_page_is_the_page(text: str) -> None:
    page = NoncePage(text, "@")
    for nonce in ("n", "a-nonce_of-22-letters0"):
        packed = page.packed(nonce)
        assert gzip.decompress(packed) == page.plain(nonce) == text.replace("@", nonce).encode()
        reader = zlib.decompressobj(wbits=31)  # what a browser does: one stream, nothing after it
        assert reader.decompress(packed) == page.plain(nonce)
        assert (reader.eof, reader.unused_data) == (True, b"")


def test_a_station_named_like_a_nonce_changes_nothing(
    settings: Settings, store: GeoPackageStore
) -> None:
    rows = store.read("stations", where={"id": "BJ-R-045"})
    store.apply(Change("stations", rows.assign(name='"><script nonce="{{ g.nonce }}">')), actor="t")
    app = create_app(settings, clock=fixed_clock)
    text = app.test_client().get("/").text
    assert 'nonce="{{' not in text
    assert len(set(re.findall(r'nonce="([^"]+)"', text))) == 1
    app.extensions["locator"].close()
