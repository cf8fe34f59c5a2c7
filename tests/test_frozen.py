"""Frozen copies: made by the command, never changing, checkable by whoever has them."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from locator.errors import InputError, StoreError
from locator.service import Service, open_service
from locator.settings import Settings
from locator.showing import MapView, freeze, open_frozen
from locator.store import Change, GeoPackageStore
from locator.web import create_app
from tests.conftest import fixed_clock, local

HOSTILE = "<img src=x onerror=alert(1)></script>{{7*7}}"
YEAR = "public, max-age=31536000, immutable"


def kept_by(cli: Callable[..., Result], *options: object) -> str:
    result = cli("embed", "freeze", *options, "--json")
    assert result.exit_code == 0, result.output
    digest: str = json.loads(result.output)["digest"]
    return digest


def change_the_register(store: GeoPackageStore) -> None:
    stations = store.read("stations")
    store.apply(Change("stations", stations.head(60).assign(status="closed")), actor="test")


@pytest.mark.slow
def test_a_copy_stays_as_it_is_while_the_live_one_moves_on(
    cli: Callable[..., Result], client: FlaskClient, store: GeoPackageStore
) -> None:
    digest = kept_by(cli, "coverage", "--minutes", "5", "--dpi", "60")
    live = client.get("/embed/coverage?minutes=5").text
    paths = [
        f"/embed/frozen/{digest}{end}"
        for end in ("", ".png", ".svg", ".svg?language=en", ".zip", "?language=en")
    ]
    before = {path: client.get(path) for path in paths}
    change_the_register(store)
    for path, answer in before.items():
        again = client.get(path)
        assert again.status_code == 200
        assert again.data == answer.data
        assert again.headers["ETag"] == answer.headers["ETag"]
    assert client.get("/embed/coverage?minutes=5").text != live
    pictures = {answer.data for answer in before.values()}
    assert len(pictures) == len(paths)  # each its own


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", ".png", ".svg", ".zip"])
def test_a_copy_may_be_kept_for_ever_by_a_strong_tag(
    cli: Callable[..., Result], client: FlaskClient, end: str
) -> None:
    digest = kept_by(cli, "map", "--dpi", "60", "--layers", "stations")
    path = f"/embed/frozen/{digest}{end}"
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
    for answer in (plain, packed):
        assert answer.headers["Cache-Control"] == YEAR
        assert not answer.headers["ETag"].startswith("W/")
        tag = {"If-None-Match": answer.headers["ETag"]}
        encoding = answer.headers.get("Content-Encoding", "identity")
        unchanged = client.get(path, headers=tag | {"Accept-Encoding": encoding})
        assert unchanged.status_code == 304
    # Different bytes never have the same strong tag.
    assert (plain.data == packed.data) == (plain.headers["ETag"] == packed.headers["ETag"])
    assert "nonce" not in plain.headers["Content-Security-Policy"]
    assert "unsafe" not in plain.headers["Content-Security-Policy"] or end in {".svg", ".png"}


@pytest.mark.slow
def test_whoever_has_the_file_can_check_the_hash(
    cli: Callable[..., Result], client: FlaskClient, store: GeoPackageStore
) -> None:
    """SHA-256 over name, line feed and content of each data file, worked out here by hand."""
    digest = kept_by(cli, "coverage", "--dpi", "60", "--bbox", "107.1,34.33,107.2,34.4")
    body = client.get(f"/embed/frozen/{digest}.zip").data
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        names = sorted(name for name in packed.namelist() if name.startswith("data/"))
        content = b"".join(name.encode() + b"\n" + packed.read(name) for name in names)
        about = json.loads(packed.read("about.json"))
        stations = json.loads(packed.read("data/stations.geojson"))["features"]
        zones = json.loads(packed.read("data/hot_zones.geojson"))["features"]
    assert hashlib.sha256(content).hexdigest() == about["data_sha256"]
    # What was measured is there whole, whatever part of it the picture shows.
    assert {one["properties"]["id"] for one in stations} == set(store.read("stations")["id"])
    assert len(zones) == len(store.read("hot_zones"))
    page = client.get(f"/embed/frozen/{digest}").text
    assert about["data_sha256"] in page


@pytest.mark.slow
def test_the_page_says_date_and_citation_in_both_languages(
    cli: Callable[..., Result], client: FlaskClient
) -> None:
    digest = kept_by(cli, "coverage", "--minutes", "7", "--dpi", "60")
    page = unescape(client.get(f"/embed/frozen/{digest}").text)
    # The day is the machine's: a command has no other clock.
    (day,) = set(re.findall(r"固定版，不再改变：(\d{4}-\d\d-\d\d \d\d:\d\d)", page))
    url = f"http://localhost/embed/frozen/{digest}"
    for words in (
        f"《7 分钟内到得了驿站的需求》（示例数据），骑手驿站定位系统，数据截至 {day}，",
        f"“Demand within 7 minutes of a rider station” (illustrative data). "
        f"Rider station locator, data as of {day}, data hash SHA-256 ",
        f"固定版：{url}",
        f"frozen copy: {url}",
    ):
        assert words in page
    (live,) = re.findall(r'<a href="([^"]+)" rel="noopener">今天的', page)
    assert live == "/embed/coverage?minutes=7"
    assert client.get(live).status_code == 200


@pytest.mark.slow
def test_the_same_data_on_the_same_day_are_the_same_copy(
    service: Service, store: GeoPackageStore
) -> None:
    view = MapView(minutes=(5,))
    first = freeze(service, "coverage", view)
    assert freeze(service, "coverage", view) == first
    assert freeze(service, "coverage", replace(view, minutes=(6,))) != first
    change_the_register(store)
    assert freeze(service, "coverage", view) != first
    assert len(store.list_documents("embed")) == 3


@pytest.mark.slow
def test_now_is_written_down_as_the_moment_it_was(service: Service) -> None:
    kept = service.store.read_document(freeze(service, "coverage", MapView(minutes=(5,), at="now")))
    assert kept is not None
    assert json.loads(kept.question)["at"] == "2026-11-23T12:00+08:00"
    assert "2026-11-23 12:00 确定开放" in open_frozen(kept).about["caption"]["zh"]


@pytest.mark.slow
def test_district_lines_are_kept_only_with_a_number(settings: Settings) -> None:
    found = {}
    for approval in ("", "GS(2026)1"):
        own = replace(settings, map_approval=approval)
        with open_service(own, clock=fixed_clock) as service:
            kept = service.store.read_document(freeze(service, "map", MapView()))
        assert kept is not None
        found[approval] = open_frozen(kept)
    assert "data/districts.geojson" not in found[""].files
    assert "data/districts.geojson" in found["GS(2026)1"].files
    assert found[""].picture("zh", "svg") != found["GS(2026)1"].picture("zh", "svg")


@pytest.mark.slow
def test_a_past_moment_of_the_register_can_be_frozen(settings: Settings) -> None:
    from datetime import timedelta

    later = fixed_clock() + timedelta(days=30)
    with open_service(settings, clock=lambda: later) as service:
        change_the_register(service.store)
        then = freeze(service, "map", MapView(), as_of=local("2026-12-01T12:00"))
        now = freeze(service, "map", MapView())
        for digest, number in ((then, 120), (now, 60)):
            kept = service.store.read_document(digest)
            assert kept is not None
            rows = json.loads(open_frozen(kept).read("data/stations.geojson"))["features"]
            assert len(rows) == number
    app = create_app(settings, clock=lambda: later)
    page = app.test_client().get(f"/embed/frozen/{then}").text
    app.extensions["locator"].close()
    assert "登记册截至 2026-12-01 12:00" in page
    assert "数据截至 2026-12-01 12:00" in page


@pytest.mark.slow
def test_text_from_people_stays_text_in_a_copy(
    service: Service, client: FlaskClient, store: GeoPackageStore
) -> None:
    row = store.read("stations").head(1).assign(name=HOSTILE, source=HOSTILE, notice=HOSTILE)
    store.apply(Change("stations", row), actor="test")
    digest = freeze(service, "map", MapView(layers=("stations",)))
    page = client.get(f"/embed/frozen/{digest}")
    assert "<img src=x" not in page.text
    assert b"<img" not in client.get(f"/embed/frozen/{digest}.svg").data


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["abc", "0" * 64, "0" * 63, f"{'0' * 64}.png", f"{'0' * 64}.zip", "..%2f..%2fetc"]
)
def test_a_copy_that_is_none_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"/embed/frozen/{path}").status_code == 404


def test_a_document_of_another_kind_is_no_copy(client: FlaskClient, store: GeoPackageStore) -> None:
    digest = store.keep_document("gaps", "t", "{}", b"body", made_at=fixed_clock())
    assert client.get(f"/embed/frozen/{digest}").status_code == 404
    other = store.keep_document("embed", "t", "{}", b"body", made_at=fixed_clock())
    kept = store.read_document(other)
    assert kept is not None
    with pytest.raises(StoreError, match="no frozen copy"):
        open_frozen(kept)
    assert client.get(f"/embed/frozen/{other}").status_code == 503
    assert client.get("/embed").status_code == 200


@pytest.mark.slow
def test_wrong_options_of_a_copy_are_told(cli: Callable[..., Result], client: FlaskClient) -> None:
    digest = kept_by(cli, "map", "--dpi", "60", "--layers", "stations")
    assert client.get(f"/embed/frozen/{digest}?language=fr").status_code == 400
    assert client.get(f"/embed/frozen/{digest}?minutes=5").status_code == 400


def test_a_dark_copy_is_refused(service: Service) -> None:
    with pytest.raises(InputError, match="light"):
        freeze(service, "map", MapView(theme="dark"))


@pytest.mark.slow
def test_the_pages_list_copies_and_oembed_frames_them(
    cli: Callable[..., Result], client: FlaskClient
) -> None:
    assert "还没有固定版" in client.get("/embed").text
    digest = kept_by(cli, "map", "--dpi", "60", "--layers", "stations")
    assert f"/embed/frozen/{digest}" in client.get("/embed").text
    url = f"http://localhost/embed/frozen/{digest}"
    body = client.get("/oembed", query_string={"url": url, "maxwidth": 300}).json
    assert f'src="{url}"' in body["html"]
    assert body["width"] == 300
    page = client.get(f"/embed/frozen/{digest}").text
    (href,) = re.findall(r'application/json\+oembed" href="([^"]+)"', page)
    assert client.get(unescape(href)).status_code == 200


@pytest.mark.slow
def test_copies_are_listed_and_can_be_discarded(
    cli: Callable[..., Result], client: FlaskClient
) -> None:
    assert "no frozen copy yet" in cli("embed", "list").output
    digest = kept_by(cli, "map", "--dpi", "60", "--layers", "stations")
    assert digest in cli("embed", "list").output
    (row,) = json.loads(cli("embed", "list", "--json").output)
    assert row["question"]["layers"] == "stations"
    assert cli("embed", "discard", digest).exit_code == 0
    assert client.get(f"/embed/frozen/{digest}").status_code == 404
    gone = cli("embed", "discard", digest)
    assert gone.exit_code == 2
    assert "no frozen copy" in gone.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("map", "--layers", "gaps"), "needs one number of minutes"),
        (("map", "--layers", ""), "--layers is empty"),
        (("coverage", "--minutes", "5,10"), "one standard"),
        (("coverage", "--bbox", "1,2"), "--bbox='1,2'"),
        (("coverage", "--kind", "pub"), "--kind='pub'"),
        (("map", "--width", "10"), "--width='10'"),
        (("map", "--as-of", "2001-01-01"), "2001"),
    ],
)
def test_a_wrong_command_keeps_nothing(
    cli: Callable[..., Result], store: GeoPackageStore, options: tuple[str, ...], said: str
) -> None:
    result = cli("embed", "freeze", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert store.list_documents("embed") == ()


# --------------------------------------------------------------------------- locator map


@pytest.mark.slow
def test_the_map_command_takes_the_words_of_an_address(
    cli: Callable[..., Result], client: FlaskClient, tmp_path: Path
) -> None:
    """The same question gives the same picture, byte for byte, from command and address."""
    options = {"layers": "stations,gaps", "minutes": "5", "width": "700", "dpi": "100"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    for ending in ("png", "svg"):
        out = tmp_path / f"map.{ending}"
        result = cli("map", "--out", out, *words, "--at", "2026-11-23T22:00", "--caption", "both")
        assert result.exit_code == 0, result.output
        more = {"at": "2026-11-23T22:00", "caption": "both", "language": "zh"}
        page = client.get(f"/embed/map.{ending}", query_string=options | more)
        assert page.status_code == 200
        assert out.read_bytes() == page.data


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "m.html", "--dpi", "100"), "a picture's"),
        (("--out", "m.html", "--width", "800"), "a picture's"),
        (("--out", "m.png", "--theme", "dark"), "always light"),
        (("--out", "m.png", "--bbox", "1,2,3"), "bbox='1,2,3'"),
        (("--out", "m.png", "--layers", "sea"), "layers='sea'"),
        (("--out", "m.png", "--minutes", "5", "--reach", "5"), "not both"),
    ],
)
def test_a_wrong_map_is_not_written(
    cli: Callable[..., Result], tmp_path: Path, options: tuple[str, ...], said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    result = cli("map", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.glob("m.*")) == []


def test_a_file_keeps_the_theme_it_was_given(cli: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "dark.html"
    assert cli("map", "--out", out, "--theme", "dark", "--kind", "换电柜").exit_code == 0
    text = out.read_text("utf-8")
    assert '<html lang="zh-CN" class="theme-dark">' in text
    assert "color-scheme: dark;" in text
    assert len(re.findall(r'"BJ-[A-Z]-\d+"', text)) == 3
