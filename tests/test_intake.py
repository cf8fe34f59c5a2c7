"""Registers into the store in pieces: the same as at once, in bounded memory, all or nothing."""

import csv
import json
import sqlite3
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from click.testing import Result
from geopandas.testing import assert_geodataframe_equal

from locator.errors import ConflictError, InputError, RegisterError
from locator.intake import ImportResult, import_register
from locator.register import (
    FORMATS,
    open_table,
    parse_pieces,
    parse_table,
    read_table,
    write_register,
)
from locator.schema import Datum
from locator.store import GeoPackageStore
from locator.store.connect import register_functions
from tests.conftest import fixed_clock

PIECE = 200
ROWS = 450  # more than two pieces


def write_rows(path: Path, rows: int, *, bad: int = 0) -> None:
    """Write a register of ``rows`` good rows, then ``bad`` ones whose latitude is missing."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["编号", "名称", "类型", "经度", "纬度", "开放时间"])
        for n in range(rows):
            place = (107 + n % 1000 * 1e-4, 34 + n // 1000 * 1e-4)
            writer.writerow([f"S{n}", f"驿站{n}", "rest_post", *place, "Mo-Su 08:00-20:00"])
        for n in range(bad):
            writer.writerow([f"B{n}", f"坏{n}", "rest_post", 107, "", ""])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of three pieces, with one id twice in pieces far apart, and two bad rows."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    write_rows(path, ROWS, bad=1)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("S0,again,rest_post,107,34,\n")
    return path


def test_pieces_hold_what_the_whole_holds(large: Path) -> None:
    whole = parse_table(read_table(large), datum=Datum.GCJ02)
    with open_table(large) as table:
        pieces = list(parse_pieces(table, datum=Datum.GCJ02, rows=PIECE))
        assert table.share_read() == 1.0
    assert [len(piece.stations) for piece in pieces] == [200, 200, 50]
    joined = gpd.pd.concat([piece.stations for piece in pieces], ignore_index=True)
    assert_geodataframe_equal(joined, whole.stations)
    assert [fault for p in pieces for row in p.rejected for fault in row.faults] == [
        fault for row in whole.rejected for fault in row.faults
    ]
    twice = whole.rejected[-1].faults[0]
    assert (twice.row, twice.reason) == (ROWS + 3, "stands already in row 2")


@pytest.mark.slow
def test_an_import_in_pieces_is_one_change(
    large: Path, store: GeoPackageStore, tmp_path: Path
) -> None:
    def run(**options: object) -> ImportResult:
        options = {"datum": Datum.WGS84, "actor": "t", "piece_rows": PIECE} | options
        return import_register(store, large, **options)  # type: ignore[arg-type]

    shares: list[float] = []
    before = store.version()
    dry = run(dry_run=True)
    assert store.version() == before
    assert dry.foreseen is not None
    assert (dry.foreseen.new, dry.foreseen.changed, len(dry.foreseen.new_ids)) == (ROWS, 0, ROWS)
    refused = run(mode="replace")
    assert "2 rows of large.csv are rejected" in refused.refused
    assert refused.revision is None
    assert store.version() == before
    bad = tmp_path / "bad.csv"
    done = run(rejected=bad, progress=shares.append)
    assert done.revision is not None
    assert (done.revision.inserted, done.tally.good, done.tally.rejected) == (ROWS, ROWS, 2)
    assert len(store.read("stations")) == ROWS + 120
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(read_table(bad).rows) == 2  # type: ignore[arg-type]
    with sqlite3.connect(store.path) as reader:
        moments = reader.execute(
            "SELECT COUNT(DISTINCT at) FROM locator_audit WHERE actor = 't'"
        ).fetchone()
    assert moments == (1,)


def test_replace_in_pieces_closes_what_no_piece_has(store: GeoPackageStore, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    write_rows(path, 250)
    options = {"datum": Datum.WGS84, "mode": "replace", "actor": "t", "piece_rows": PIECE}
    dry = import_register(store, path, dry_run=True, **options).foreseen  # type: ignore[arg-type]
    assert dry is not None
    assert (dry.new, dry.absent) == (250, 120)
    done = import_register(store, path, **options).revision  # type: ignore[arg-type]
    assert done is not None
    assert (done.inserted, done.closed) == (250, 120)
    again = import_register(store, path, **options).revision  # type: ignore[arg-type]
    assert again is not None
    assert (again.unchanged, again.closed, again.updated) == (250, 0, 0)


@pytest.mark.parametrize("damage", ['S9,"open quote', "x,y,rest_post,107,34,,,,too,many"])
def test_what_is_damaged_in_the_last_piece_writes_nothing(
    store: GeoPackageStore, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "damaged.csv"
    write_rows(path, 410)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(damage + "\n")
    before = store.version()
    rejected = tmp_path / "bad.csv"
    with pytest.raises(RegisterError, match="damaged.csv, (line|row) 412"):
        import_register(
            store, path, datum=Datum.WGS84, rejected=rejected, actor="t", piece_rows=PIECE
        )
    assert store.version() == before
    assert not rejected.exists()
    assert not list(tmp_path.glob(".draft-*"))
    assert len(store.read("stations")) == 120


def test_add_refuses_an_id_that_comes_in_a_later_piece(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "add.csv"
    write_rows(path, 210)
    known = store.read("stations")["id"][0]
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{known},x,rest_post,107,34,\n")
    with pytest.raises(ConflictError, match=known):
        import_register(store, path, datum=Datum.WGS84, mode="add", actor="t", piece_rows=PIECE)
    assert len(store.read("stations")) == 120


_PEAK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from locator.intake import ImportResult, import_register
from locator.schema import Datum
from locator.store import GeoPackageStore
from locator.store.connect import register_functions
with GeoPackageStore.open(Path(sys.argv[1]), clock=lambda: datetime.now(UTC)) as store:
    import_register(store, Path(sys.argv[2]), datum=Datum.WGS84, dry_run=True, actor="t")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_four_times_the_rows_take_hardly_more_memory(tmp_path: Path) -> None:
    peaks = []
    for rows in (20_000, 80_000):
        path, store = tmp_path / f"{rows}.csv", tmp_path / f"{rows}.gpkg"
        write_rows(path, rows)
        GeoPackageStore.create(store, clock=fixed_clock).close()
        command = [sys.executable, "-c", _PEAK, str(store), str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.25 * peaks[0]


@pytest.mark.slow
def test_layers_and_workbooks_come_in_pieces_too(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.csv", 25_000)
    whole = parse_table(read_table(tmp_path / "r.csv"), datum=Datum.WGS84).stations
    whole.drop(columns="source_datum").to_file(tmp_path / "r.gpkg")
    with open_table(tmp_path / "r.gpkg") as table:
        pieces = list(parse_pieces(table, datum=Datum.WGS84))
        assert table.share_read() == 1.0
    assert [len(piece.stations) for piece in pieces] == [20_000, 5_000]
    assert [i for p in pieces for i in p.stations["id"]] == whole["id"].tolist()
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    with (tmp_path / "r.csv").open(encoding="utf-8") as stream:
        for row in csv.reader(stream):
            sheet.append(row)
    book.save(tmp_path / "r.xlsx")
    read = parse_table(read_table(tmp_path / "r.xlsx"), datum=Datum.WGS84)
    assert_geodataframe_equal(read.stations, whole)


def _sheet(path: Path, body: str) -> None:
    """Write a workbook whose sheet is the given XML, as small as a bomb would be."""
    book = openpyxl.Workbook()
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{space}">{body}</worksheet>'.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _cells(row: int, *places: str) -> str:
    cells = "".join(f'<c r="{p}{row}" t="inlineStr"><is><t>{p}</t></is></c>' for p in places)
    return f'<row r="{row}">{cells}</row>'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            f"<sheetData>{_cells(1, 'A', 'B')}</sheetData>"
            '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            "merged cells",
        ),
        (f"<sheetData>{_cells(1, 'A', 'XFD')}{_cells(1048576, 'XFD')}</sheetData>", "columns"),
        (f"<sheetData>{_cells(1, 'A', 'B')}{_cells(1048576, 'XFD')}</sheetData>", "columns"),
        (f"<sheetData>{_cells(1, 'A', 'B')}{_cells(1048576, 'A')}</sheetData>", "no column for"),
        ("<sheetData><row r='1'><c r='A1'><v>1</v>", "damaged"),
    ],
)
def test_a_sheet_that_says_it_is_huge_ends_in_a_sentence(
    tmp_path: Path, body: str, told: str
) -> None:
    path = tmp_path / "huge.xlsx"
    _sheet(path, body)
    with pytest.raises(RegisterError, match=told):
        parse_table(read_table(path), datum=Datum.WGS84)


def test_the_command_counts_what_it_does_not_list(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    assert len(store.read("stations")) == 120
    path = tmp_path / "many.csv"
    write_rows(path, 1, bad=1_500)
    told = json.loads(cli("stations", "import", path, "--dry-run", "--json").stdout)
    assert (told["good"], told["rejected_rows"], len(told["rejected"])) == (1, 1_500, 1_000)
    plain = cli("stations", "import", path, "--dry-run")
    assert "1 row good, 1,500 rows rejected." in plain.stdout
    assert "1,500 rows in all" in plain.stderr


def test_a_number_of_five_thousand_digits_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "long.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [' + "9" * 5000 + "]}", "utf-8")
    with pytest.raises(RegisterError, match="is not JSON"):
        read_table(path)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("decimals", [7, 9])
def test_an_export_of_ones_own_changes_nothing(
    cli: Callable[..., Result],
    store: GeoPackageStore,
    tmp_path: Path,
    ending: str,
    decimals: int,
) -> None:
    """Also where an earlier version, or QGIS, has left more decimals in the store."""
    path = tmp_path / "list.csv"
    write_rows(path, 40)
    import_register(store, path, datum=Datum.GCJ02, actor="t")
    if decimals == 9:
        with sqlite3.connect(store.path) as connection:
            register_functions(connection, lenient=True)
            connection.executemany(
                "UPDATE stations SET geom = ? WHERE id = ?", list(_nine_decimals(connection))
            )
    assert cli("stations", "export", tmp_path / f"out{ending}").exit_code == 0
    before = store.version()
    dry = import_register(
        store, tmp_path / f"out{ending}", datum=Datum.WGS84, actor="t", dry_run=True
    )
    assert dry.foreseen is not None
    assert (dry.foreseen.new, dry.foreseen.changed) == (0, 0)
    done = import_register(store, tmp_path / f"out{ending}", datum=Datum.WGS84, actor="t")
    assert done.revision is not None
    assert (done.revision.unchanged, done.revision.updated) == (160, 0)
    assert store.version() == before


def _nine_decimals(connection: sqlite3.Connection) -> Iterator[tuple[bytes, str]]:
    """Yield each station's geometry moved by less than seven decimals show."""
    for station, blob in connection.execute("SELECT id, geom FROM stations").fetchall():
        x, y = struct.unpack("<2d", blob[-16:])
        yield blob[:-16] + struct.pack("<2d", x + 3.3e-8, y - 3.3e-8), station


def test_a_dry_run_and_an_import_agree_on_a_small_move(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    head = "id,name,kind,lon,lat\n"
    path.write_text(head + "a,x,rest_post,107.1234567,34\n", "utf-8")
    import_register(store, path, datum=Datum.WGS84, actor="t")
    path.write_text(head + "a,x,rest_post,107.1234597,34\n", "utf-8")
    dry = import_register(store, path, datum=Datum.WGS84, actor="t", dry_run=True).foreseen
    assert dry is not None
    assert dry.changes == [("a", "position", "", "moved 0.28 m")]
    done = import_register(store, path, datum=Datum.WGS84, actor="t").revision
    assert done is not None
    assert done.updated == 1


def test_a_part_of_a_layers_columns_can_be_read(store: GeoPackageStore) -> None:
    part = store.read("stations", columns=["name", "id"])
    assert list(part.columns) == ["id", "name", "geometry"]
    assert_geodataframe_equal(part, store.read("stations")[["id", "name", "geometry"]])
    with pytest.raises(InputError, match="no column 'x'"):
        store.read("stations", columns=["id", "x"])


@pytest.mark.slow
def test_a_workbook_of_four_times_the_rows_takes_hardly_more_memory(
    store: GeoPackageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locator.register.formats._PIECE", 250)
    stations, peaks = store.read("stations"), []
    for times in (1, 5, 20):  # the first is to warm up
        many = gpd.pd.concat([stations] * times, ignore_index=True)
        tracemalloc.start()
        write_register(many, tmp_path / "many.xlsx")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1]
