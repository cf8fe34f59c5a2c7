"""Long files as columns: blocks give what lines do; times as people write them."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locator.errors import RegisterError
from locator.register import open_table
from locator.register.columns import open_columns
from locator.register.times import parse_times

SHANGHAI = ZoneInfo("Asia/Shanghai")
CELLS = st.text(alphabet="ab1 ,\"\n\r'=度", max_size=5)


def read(path: Path, size: int) -> list[tuple[int, str, str, str]]:
    with open_columns(path) as table:
        return [
            (int(number), *row, whole)
            for piece in table.pieces(["lon", "name"], size)
            for number, *row, whole in zip(
                piece.numbers, piece.cells["lon"], piece.cells["name"], piece.whole, strict=True
            )
        ]


@pytest.mark.slow
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=25, max_size=60),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 30),
    st.integers(1, 40),
)
@settings(deadline=None)
def test_columns_are_what_rows_are(
    rows: list[tuple[str, str, str]], end: str, plain: int, size: int
) -> None:
    """Whether a cell is quoted, where the first quote stands, and how many are read at once."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=end)
    writer.writerow(["lon", "lat", "name"])
    writer.writerows([["1", "2", "x"]] * plain + [list(row) for row in rows])
    if not any(cell.strip() for row in rows for cell in row) and not plain:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "long.csv")
        path.write_bytes(stream.getvalue().encode())
        found = read(path, size)
        with open_table(path) as table:
            expected = [
                (row.number, row.cells.get("lon", ""), row.cells.get("name", ""))
                for row in table.rows
            ]
    assert [item[:3] for item in found] == expected


def test_rows_that_are_the_same_are_known_across_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    plain = "\n".join(f"{n},2,x" for n in range(30))
    path.write_text(f'lon,lat,name\n{plain}\n5,2,x\n"5",2,"x"\n', "utf-8")
    whole = [row[3] for row in read(path, 7)]
    assert whole[5] == whole[30] == whole[31]
    assert len(set(whole)) == 30


def test_a_line_with_too_many_cells_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("lon,lat,name\n" + "1,2,x\n" * 40 + "1,2,x,y\n", "utf-8")
    with pytest.raises(RegisterError, match=r"row 42: 4 cells for 3 columns"):
        read(path, 10)


def test_short_and_empty_lines_are_filled_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("lon,lat,name\n" + "1,2,x\n" * 30 + "\n,,\n5\n6,2,z", "utf-8")
    assert [row[:3] for row in read(path, 8)][30:] == [(34, "5", ""), (35, "6", "z")]


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-23 12:05:33", "2026-11-23T12:05:33"),
        ("2026-11-23T12:05", "2026-11-23T12:05:00"),
        ("2026-11-23T12:05:33.250", "2026-11-23T12:05:33"),
        ("2026-11-23T04:05:33Z", "2026-11-23T12:05:33"),
        ("2026-11-23T04:05:33+00:00", "2026-11-23T12:05:33"),
        ("2026-11-22T23:05:33-0500", "2026-11-23T12:05:33"),
        ("2026/11/3 9:05", "2026-11-03T09:05:00"),
        ("2026.11.3 9:05:07", "2026-11-03T09:05:07"),
        ("2026年11月3日 9时5分", "2026-11-03T09:05:00"),
        ("2026年11月3日9点5分7秒", "2026-11-03T09:05:07"),
        ("2026-11-23", "2026-11-23T00:00:00"),
        ("20261123120533", "2026-11-23T12:05:33"),
        ("1795406733", "2026-11-23T12:05:33"),
        ("1795406733000", "2026-11-23T12:05:33"),
        ("", "NaT"),
        ("noon", "NaT"),
        ("2026-13-01 00:00:00", "NaT"),
        ("2026-02-30 12:00", "NaT"),
        ("2026/2/30 12:00", "NaT"),
        ("25:00", "NaT"),
        ("99999999999999", "NaT"),
    ],
)
def test_times_as_files_write_them(text: str, local: str) -> None:
    (found,) = parse_times([text], SHANGHAI)
    assert str(found) == local


@given(st.lists(st.datetimes(), max_size=30))
def test_a_column_of_times_is_its_cells(moments: list[object]) -> None:
    texts = [str(moment)[:19] for moment in moments] + ["noon", "2026/1/2 3:04"]
    together = parse_times(texts, SHANGHAI)
    apart = np.concatenate([parse_times([text], SHANGHAI) for text in texts])
    np.testing.assert_array_equal(together, apart)
