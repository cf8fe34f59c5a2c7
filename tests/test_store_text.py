"""Bytes that are not UTF-8 in a store cost their row, not the site, and the doctor mends them."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from click.testing import Result

from locator.errors import InputError, StoreError
from locator.schema import LAYERS
from locator.settings import Settings
from locator.store import open_store
from locator.store.connect import register_functions
from locator.store.doctor import examine, mend
from locator.store.history import read_as_of, read_log, undo
from locator.store.text import mended
from locator.web import create_app
from tests.conftest import MONDAY_NOON, fixed_clock

BROKEN = b"\xe7\xab\xff<b>"
PAGES = (
    "/", "/stations.json", "/healthz", "/map", "/embed/nearest", "/embed/coverage", "/notices",
    "/planner", "/planner/inputs.json", "/api/nearest?lon=107.15&lat=34.36", "/exports",
    "/exports/stations.csv", "/exports/stations.gpkg", "/exports/gbfs/station_information.json",
    *(f"/ogc/collections/{name}/items" for name in ("stations", "hot_zones", "places")),
)  # fmt: skip


def path_of(settings: Settings) -> Path:
    return Path(settings.store.removeprefix("geopackage:"))


def write(settings: Settings, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Write as a script would, with nothing but SQLite."""
    with closing(sqlite3.connect(path_of(settings))) as connection:
        register_functions(connection)
        for statement, values in statements:
            connection.execute(statement, values)
        connection.commit()


def broken(layer: str) -> list[tuple[str, tuple[object, ...]]]:
    """Return what breaks a text column a row, every one of the layer."""
    texts = [c.name for c in LAYERS[layer].columns if c.operand != "number"]
    names = [name for name in texts if name != "updated_at"]  # an edit from outside is dated anew
    chosen = "fid = (SELECT fid FROM {0} ORDER BY fid LIMIT 1 OFFSET {1})"
    return [
        (f"UPDATE {layer} SET {name} = CAST(? AS TEXT) WHERE {chosen.format(layer, n)}", (BROKEN,))
        for n, name in enumerate(names)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("layer", [name for name in LAYERS if name != "candidates"])
def test_a_broken_text_costs_its_row_whatever_the_column(
    settings: Settings, layer: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(settings.store, clock=fixed_clock) as store:
        whole = len(store.read(layer))
    statements = broken(layer)
    write(settings, *statements)
    app = create_app(replace(settings, map_approval="GS(2026)1"), clock=fixed_clock)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    with caplog.at_level(logging.WARNING, logger="locator"):
        for _ in range(2):
            for page in PAGES:
                assert client.get(page).status_code == 200, page
    app.extensions["locator"].close()
    aside = [r.getMessage() for r in caplog.records if "not UTF-8" in r.getMessage()]
    assert len(aside) == len(statements)  # each row once, however often it was asked
    assert all(line.startswith(f"{layer}, row ") and "doctor" in line for line in aside)
    with open_store(settings.store, clock=fixed_clock) as store:
        assert len(store.read(layer)) == whole - len(statements)
    found = [own for own in examine(path_of(settings)) if own.where.startswith(f"{layer}, fid")]
    assert len(found) == len(statements)
    mend(path_of(settings))
    left = examine(path_of(settings))  # texts now, but no codes and no dates
    assert all(own.where.startswith(f"{layer}, fid") and "holds" in own.what for own in left)
    with open_store(settings.store, clock=fixed_clock) as store:
        assert len(store.read(layer)) == whole


def test_what_was_written_in_gbk_is_read_and_what_was_cut_off_is_not_guessed() -> None:
    def as_read(raw: bytes) -> str:
        return raw.decode("utf-8", "surrogateescape")

    assert mended(as_read("渭滨区驿站".encode("gbk"))) == "渭滨区驿站"
    assert mended(as_read("宝鸡驿站".encode()[:-1])) == "宝鸡驿\ufffd"
    assert mended(as_read(b"caf\xe9 \xff")) == "caf\ufffd \ufffd"


def test_history_and_its_undoing_stand_a_broken_text(
    settings: Settings, cli: Callable[..., Result]
) -> None:
    write(
        settings,
        ("UPDATE stations SET name = CAST(? AS TEXT) WHERE id = 'BJ-R-001'", (BROKEN,)),
        ("UPDATE stations SET name = '好' WHERE id = 'BJ-R-001'", ()),
        ("UPDATE stations SET phone = '1' WHERE id = 'BJ-R-001'", ()),
    )
    with open_store(settings.store, clock=fixed_clock) as store:
        number = read_log(store, "stations", "BJ-R-001")[-1].number
        assert len(read_as_of(store, "stations", MONDAY_NOON.astimezone(UTC))) >= 119
        with pytest.raises(InputError, match="UTF-8"):
            undo(store, number - 1, actor="test")
    assert cli("stations", "log", "BJ-R-001").exit_code == 0
    mend(path_of(settings))
    assert examine(path_of(settings)) == []
    with open_store(settings.store, clock=fixed_clock) as store:
        undo(store, number, actor="test")


@pytest.mark.slow
@pytest.mark.parametrize(
    "column", ["layer", "feature_id", "action", "at", "actor", "before", "after"]
)
def test_a_broken_history_keeps_nobody_from_the_stations(settings: Settings, column: str) -> None:
    last = "(SELECT max(id) FROM locator_audit)"
    write(
        settings,
        (f"UPDATE locator_audit SET {column} = CAST(? AS TEXT) WHERE id = {last}", (BROKEN,)),
    )
    app = create_app(settings, clock=fixed_clock)
    client = app.test_client()
    assert client.get("/").status_code == 200
    assert client.get("/stations.json").status_code == 200
    app.extensions["locator"].close()
    assert [finding.mended for finding in mend(path_of(settings))] == [True]
    assert examine(path_of(settings)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "column", ["digest", "kind", "made_at", "data_version", "title", "question"]
)
def test_a_broken_document_is_not_shown_and_costs_no_other(settings: Settings, column: str) -> None:
    with open_store(settings.store, clock=fixed_clock) as store:
        for title in ("a", "b"):
            digest = store.keep_document("frozen", title, "{}", b"x", made_at=MONDAY_NOON)
    guard = "DROP TRIGGER locator_kept_update"
    broke = f"UPDATE locator_kept SET {column} = CAST(? AS TEXT) WHERE digest = '{digest}'"
    write(settings, (guard, ()), (broke, (BROKEN,)))
    with open_store(settings.store, clock=fixed_clock) as store:
        assert [facts.title for facts in store.list_documents()] == ["a"]
        if column != "digest":
            with pytest.raises(StoreError, match="damaged"):
                store.read_document(digest)
    mend(path_of(settings))
    assert examine(path_of(settings)) == []


@pytest.mark.slow
@pytest.mark.parametrize("column", ["question", "owner", "state", "phase", "made_at", "seen_at"])
def test_a_broken_job_is_no_job(settings: Settings, column: str) -> None:
    with open_store(settings.store, clock=fixed_clock) as store:
        job = store.jobs.make("sites", "{}", owner="x")
    write(settings, (f"UPDATE locator_jobs SET {column} = CAST(? AS TEXT)", (BROKEN,)))
    app = create_app(settings, clock=fixed_clock)
    assert app.test_client().get(f"/planner/jobs/{job}").status_code == 404
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()
    mend(path_of(settings))
    assert examine(path_of(settings)) == []


KEYS = ("schema_version", "version", "store_id", "actor", "moment", "jobs", "another")


@pytest.mark.slow
@pytest.mark.parametrize(("key", "column"), [*((key, "value") for key in KEYS), ("another", "key")])
def test_a_store_whose_own_numbers_are_broken_says_so_and_is_mended(
    settings: Settings, key: str, column: str
) -> None:
    write(
        settings,
        ("INSERT OR IGNORE INTO locator_meta (key, value) VALUES ('another', 'x')", ()),
        (f"UPDATE locator_meta SET {column} = CAST(? AS TEXT) WHERE key = '{key}'", (BROKEN,)),
    )
    if key in {"schema_version", "version"}:
        with pytest.raises(StoreError, match="locator doctor"):
            open_store(settings.store, clock=fixed_clock)
    else:
        with open_store(settings.store, clock=fixed_clock) as store:
            assert len(store.read("stations")) == 120
            assert store.version().isascii()
    assert any("UTF-8" in finding.what for finding in examine(path_of(settings)))
    mend(path_of(settings))
    assert examine(path_of(settings)) == []
    with open_store(settings.store, clock=fixed_clock) as store:
        assert len(store.read("stations")) == 120


@pytest.mark.slow
@pytest.mark.parametrize("what", ["trigger", "view", "table"])
def test_broken_text_in_the_schema_is_found(settings: Settings, what: str) -> None:
    """As a script leaves it that makes its statements in GBK."""
    made = {
        "trigger": "CREATE TRIGGER mine AFTER INSERT ON stations BEGIN SELECT '@'; END",
        "view": "CREATE VIEW mine AS SELECT '@' AS x",
        "table": "CREATE TABLE mine (x DEFAULT '@')",
    }[what]
    write(
        settings,
        (made, ()),
        ("PRAGMA writable_schema=ON", ()),
        (
            "UPDATE sqlite_master SET sql = CAST(replace(CAST(sql AS BLOB), '@', ?) AS TEXT) "
            "WHERE name = 'mine'",
            (BROKEN,),
        ),
    )
    with open_store(settings.store, clock=fixed_clock) as store:
        assert len(store.read("stations")) == 120
    (finding,) = examine(path_of(settings))
    assert what in finding.where
    mend(path_of(settings))
    assert len(examine(path_of(settings))) == (1 if what == "table" else 0)


@pytest.mark.slow
def test_what_is_no_number_is_unknown_and_named(settings: Settings) -> None:
    write(
        settings,
        ("UPDATE stations SET capacity = 'many' WHERE id = 'BJ-R-001'", ()),
        ("UPDATE stations SET capacity = 9e999 WHERE id = 'BJ-R-002'", ()),
        ("UPDATE stations SET capacity = 2.5 WHERE id = 'BJ-R-003'", ()),
        ("UPDATE hot_zones SET demand_per_h = 'x' WHERE fid = 1", ()),
        ("UPDATE hot_zones SET demand_per_h = 9e999 WHERE fid = 2", ()),
    )
    app = create_app(settings, clock=fixed_clock)
    for page in PAGES:
        # No coverage is told where a demand is unknown; that is an answer.
        assert app.test_client().get(page).status_code in {200, 400}, page
    app.extensions["locator"].close()
    found = [finding.what for finding in examine(path_of(settings))]
    assert sum("no number" in what for what in found) == 2
