"""A writer is killed, again and again: nothing acknowledged is lost, nothing is half done.

``KILLS=200 pytest tests/test_store_kill.py`` runs the long version.
"""

import json
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from locator.errors import LocatorError
from locator.schema import LAYERS
from locator.store import Change, GeoPackageStore, open_store
from locator.store.file import newest_schema, trigger_statements
from tests.conftest import fixed_clock
from tests.patience import patience

KILLS = int(os.environ.get("KILLS", "12"))
KILLS_PER_STORE = 25  # then a new store, so that each check stays short
GROUPS, ROWS, ZONES = 4, 12, 5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kill -9 is a matter of POSIX"),
]


def make_old(path: Path) -> None:
    """Turn a store into one of the first schema, in one transaction."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=patience(10))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for name, statement in trigger_statements().items():
            old = statement.replace(", 'geom', hex(NEW.geom)", "")
            connection.execute(f'DROP TRIGGER "{name}"')
            if "_fill" in name:
                continue
            connection.execute(old.replace(", 'geom', hex(OLD.geom)", ""))
        for table in ("locator_kept", "locator_jobs", "layer_styles"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute("DELETE FROM gpkg_contents WHERE table_name = ?", (table,))
        connection.execute("DELETE FROM locator_meta WHERE key IN ('moment', 'jobs')")
        connection.execute("UPDATE locator_meta SET value = '1' WHERE key = 'schema_version'")
        connection.execute("COMMIT")


def group_rows(group: int, batch: int) -> Change:
    """Return all rows of a group; they always bear the same batch."""
    data = {
        "id": [f"g{group}-{n}" for n in range(ROWS)],
        "name": str(batch),
        "kind": "rest_post",
        "capacity": batch,
    }
    points = [Point(107 + n / 100 + batch % 7 / 1e4, 34 + group / 100) for n in range(ROWS)]
    return Change("stations", gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326"))


def zone_rows(batch: int) -> Change:
    """Return zones that take the place of all zones there are."""
    data = {
        "id": [f"z{batch}-{n}" for n in range(ZONES)],
        "name": str(batch),
        "kind": "campus",
        "demand_per_h": batch / 3,
    }
    boxes = [box(107 + n / 10, 34, 107.05 + n / 10, 34.05) for n in range(ZONES)]
    frame = gpd.GeoDataFrame(data, geometry=boxes, crs="EPSG:4326")
    return Change("hot_zones", frame, absent="remove")


def write_until_killed(path: Path, first_batch: int, tell: Connection) -> None:
    """Change the store; say what is tried before it, and that it is done after it."""
    dice = random.Random(first_batch)
    batch = first_batch
    while True:
        batch += 1
        action = dice.choice(["group"] * 5 + ["edit"] * 3 + ["zones"] * 3 + ["migrate", "backup"])
        tell.send(("try", action, batch))
        with open_store(str(path), clock=fixed_clock) as store:
            if action == "group":
                store.apply(group_rows(batch % GROUPS, batch), actor=f"group {batch}")
            elif action == "edit":
                one = group_rows(9, batch).upserts.iloc[[0]]
                store.apply(Change("stations", one), actor=f"edit {batch}")
            elif action == "zones":  # two layers in one change
                changes = (zone_rows(batch), group_rows(batch % GROUPS, batch))
                store.apply(*changes, actor=f"zones {batch}")
            elif action == "backup":
                store.backup(path.with_name(f"backup-{batch}.gpkg"))
            else:
                make_old(path)
                assert store.migrate() == newest_schema()
        tell.send(("done", action, batch))


def faults_of(stations: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> list[str]:
    """Return where a reader saw half a change."""
    faults = []
    for group in range(GROUPS):
        rows = stations[stations["id"].str.startswith(f"g{group}-")]
        if len(rows) not in {0, ROWS} or rows["name"].nunique() > 1:
            faults.append(f"group {group}: {rows['name'].tolist()}")
        elif len(rows) and set(rows["capacity"]) != {int(rows["name"].iloc[0])}:
            faults.append(f"group {group}: {rows['capacity'].tolist()}")
    if len(zones) not in {0, ZONES} or zones["name"].nunique() > 1:
        faults.append(f"zones: {zones['name'].tolist()}")
    if len(zones) and not (stations["name"].astype(int) >= int(zones["name"].iloc[0])).any():
        faults.append("zones came without the stations of the same change")
    return faults


def read_until_told(path: Path, stop: object, tell: Connection) -> None:
    """Read without a pause and report what was half done or failed."""
    reads, faults = 0, []
    with open_store(str(path), clock=fixed_clock) as store:
        while not stop.is_set():  # type: ignore[attr-defined]
            try:
                _, frames = store.read_all("stations", "hot_zones")
                faults += faults_of(frames["stations"], frames["hot_zones"])
            except LocatorError as error:
                faults.append(repr(error))
            reads += 1
            time.sleep(0.05)  # leave the processor to the writer
    tell.send((reads, faults[:5]))


@dataclass
class Ledger:
    """What the writers said."""

    done: list[tuple[str, int]] = field(default_factory=list)
    tried: tuple[str, int] = ("", 0)  # in hand when the writer was killed
    cut: list[tuple[str, int]] = field(default_factory=list)  # whatever was in hand at a kill

    def hear(self, ear: Connection) -> None:
        """Take in what a dead writer still said."""
        try:
            while True:
                self.hear_one(ear)
        except EOFError:
            return

    def hear_one(self, ear: Connection) -> None:
        """Take in one word."""
        word, action, batch = ear.recv()
        if word == "done":
            self.done.append((action, batch))
            self.tried = ("", batch)
        else:
            self.tried = (action, batch)


EXPECTED = {"group": ROWS, "edit": 1}


def check_after_kill(path: Path, ledger: Ledger) -> None:
    """Open the store anew: all that was acknowledged is there, and nothing is torn."""
    with open_store(str(path), clock=fixed_clock) as store:
        assert store.migrate() == newest_schema()  # killed between the two halves of "migrate"
        _, frames = store.read_all("stations", "hot_zones")
        audit = store.audit()
    assert not faults_of(frames["stations"], frames["hot_zones"])
    written = Counter(row.actor for row in audit)
    removed = Counter(row.actor for row in audit if row.action == "delete")
    known = {*ledger.done, *ledger.cut}
    for action, batch in ledger.done:
        if action in {"group", "edit", "zones"}:
            assert written[f"{action} {batch}"], f"{action} {batch} was acknowledged, and is lost"
        if action == "backup":
            assert path.with_name(f"backup-{batch}.gpkg").is_file()
    for actor, rows in written.items():
        action, _, batch = actor.partition(" ")
        assert (action, int(batch)) in known, f"{actor} was never tried"
        expected = EXPECTED.get(action, ROWS + ZONES + (ZONES if removed[actor] else 0))
        assert rows == expected, f"{actor} is torn: {rows} rows"
    numbers = [row.number for row in audit]
    assert numbers == list(range(1, len(numbers) + 1))
    last = max((b for a, b in ledger.done if a in {"group", "zones"}), default=0)
    assert not last or str(last) in set(frames["stations"]["name"]) or ledger.tried[0]
    for row in audit[-ROWS:]:  # what the history says is what the rows say
        after = json.loads(row.after or "{}")
        layer = frames[row.layer].set_index("id")
        if row.action != "delete" and int(after["name"]) == int(layer.loc[row.feature_id, "name"]):
            assert after.get("capacity") == layer.loc[row.feature_id].get("capacity")
    check_file(path)


def check_file(path: Path) -> None:
    """Check the file itself: pages, R-trees, version."""
    with closing(sqlite3.connect(path, timeout=patience(10))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for layer in LAYERS:
            rows, boxes = connection.execute(
                f'SELECT (SELECT count(*) FROM "{layer}"), '
                f"(SELECT count(*) FROM rtree_{layer}_geom)"
            ).fetchone()
            assert rows == boxes
        version, last = connection.execute(
            "SELECT (SELECT value FROM locator_meta WHERE key = 'version'), "
            "(SELECT max(id) FROM locator_audit)"
        ).fetchone()
        assert int(version) == (last or 0)


def kill_many(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill a writer of one store so many times beside two readers; return what was counted."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.test_store_kill"])
    path = folder / "store.gpkg"
    GeoPackageStore.create(path, clock=fixed_clock).close()
    dice, ledger, counts = random.Random(seed), Ledger(), Counter[str]()
    stop, ears, readers = context.Event(), [], []
    for _ in range(2):
        ear, mouth = context.Pipe(duplex=False)
        readers.append(context.Process(target=read_until_told, args=(path, stop, mouth)))
        readers[-1].start()
        mouth.close()
        ears.append(ear)
    for _ in range(kills):
        ear, mouth = context.Pipe(duplex=False)
        writer = context.Process(target=write_until_killed, args=(path, ledger.tried[1], mouth))
        writer.start()
        mouth.close()
        for _ in range(dice.randrange(1, 10)):
            ledger.hear_one(ear)
        time.sleep(dice.uniform(0, 0.03))  # a commit takes about half as long
        writer.kill()
        writer.join()
        assert writer.exitcode == -9, "the writer ended by itself"
        ledger.hear(ear)
        ledger.cut.append(ledger.tried)
        counts[f"in hand: {ledger.tried[0] or 'nothing'}"] += 1
        check_after_kill(path, ledger)
    stop.set()
    for ear, reader in zip(ears, readers, strict=True):
        reads, faults = ear.recv()
        reader.join()
        assert not faults
        counts["reads"] += reads
    for backup in folder.glob("backup-*.gpkg"):  # acknowledged or not: whole, or not there
        with open_store(str(backup), clock=fixed_clock) as store:
            assert not faults_of(store.read("stations"), store.read("hot_zones"))
        check_file(backup)
    counts.update(f"done: {action}" for action, _ in ledger.done)
    return counts


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    counts = Counter[str]()
    memory = Path("/dev/shm")  # a kill is the same there, and nobody waits for a disk
    base = memory if KILLS < 100 and os.access(memory, os.W_OK) else tmp_path
    for number, start in enumerate(range(0, KILLS, KILLS_PER_STORE)):
        with tempfile.TemporaryDirectory(dir=base, prefix="locator-kill-") as folder:
            kills = min(KILLS_PER_STORE, KILLS - start)
            counts += kill_many(Path(folder), kills, seed=number)
    sys.stdout.write(f"{dict(sorted(counts.items()))}\n")
    assert counts["reads"] > 0
    assert sum(n for name, n in counts.items() if name.startswith("done")) > KILLS
