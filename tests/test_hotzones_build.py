"""Hot zones from files: known clusters come out, nothing is dropped unsaid."""

import csv
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from click.testing import Result
from esda import fdr
from esda.getisord import G_Local
from libpysal.weights import W

from locator.coverage.demand import HOURS_OF_WEEK
from locator.datum import from_wgs84
from locator.errors import InputError, StudyError
from locator.schema import Datum
from locator.settings import Settings
from locator.study.hotzones import BuildOptions, BuildSummary, build_hot_zones
from tests.conftest import fixed_clock

CENTRES = ((107.1489, 34.3692), (107.2371, 34.3550), (107.3862, 34.3536))
SHARES = (0.45, 0.35, 0.20)
PEAKS = np.tile([1] * 7 + [3, 5, 5, 8, 20, 24, 10, 5, 5, 8, 18, 22, 12, 6, 6, 5, 3], 7).astype(
    float
)
WEEKEND = np.repeat([1.0, 1.5], [120, 48])
PROFILE = PEAKS * WEEKEND / (PEAKS * WEEKEND).sum()
START = np.datetime64("2026-10-19T00:00:00")  # a Monday


def make_orders(rows: int = 24_000, noise: float = 0.4, seed: int = 5) -> pd.DataFrame:
    """Return orders of four weeks: three clusters 300 m wide, a known week, uniform noise."""
    rng = np.random.default_rng(seed)
    centre = rng.choice(3, rows, p=SHARES)
    lon, lat = np.array(CENTRES)[centre].T + rng.normal(0, 0.0022, (2, rows))
    away = rng.random(rows) < noise
    lon[away] = rng.uniform(107.10, 107.42, away.sum())
    lat[away] = rng.uniform(34.33, 34.385, away.sum())
    hour = rng.choice(HOURS_OF_WEEK, rows, p=PROFILE) + HOURS_OF_WEEK * rng.integers(0, 4, rows)
    second = hour * 3600 + rng.integers(0, 3600, rows)
    time = START + second.astype("timedelta64[s]")
    later = time + rng.integers(600, 3000, rows).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "id": [f"O{n:06d}" for n in range(rows)],
            "lon": lon.round(6),
            "lat": lat.round(6),
            "time": pd.Series(time).dt.strftime("%Y-%m-%d %H:%M:%S"),
            "end_time": pd.Series(later).dt.strftime("%Y-%m-%d %H:%M:%S"),
        }
    )


@pytest.fixture(scope="session")
def orders() -> pd.DataFrame:
    return make_orders()


@pytest.fixture
def build(settings: Settings, tmp_path: Path) -> Callable[..., BuildSummary]:
    """Return a function that builds zones from a frame, or from a file, into ``zones.gpkg``."""

    def run(source: pd.DataFrame | Path, **options: object) -> BuildSummary:
        path = source if isinstance(source, Path) else tmp_path / "orders.csv"
        if isinstance(source, pd.DataFrame):
            source.to_csv(path, index=False)
        chosen = replace(BuildOptions(), **options)  # type: ignore[arg-type]
        out = tmp_path / "zones.gpkg"
        return build_hot_zones(settings, path, out, chosen, clock=fixed_clock)[0]

    return run


def layers(folder: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    zones, cells = (
        gpd.read_file(folder / "zones.gpkg", layer=name) for name in ("hot_zones", "cells")
    )
    return zones, cells


def cleaning(folder: Path) -> list[dict[str, str]]:
    with (folder / "zones.cleaning.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


# What is found -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_known_clusters_and_their_week_come_out(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    summary = build(orders)
    zones, cells = layers(tmp_path)
    assert summary["zones"] == len(zones) == 3
    shapes = zones.geometry.to_numpy()
    order = [int(shapely.distance(shapes, shapely.Point(xy)).argmin()) for xy in CENTRES]
    assert sorted(order) == [0, 1, 2]
    assert zones["demand_per_h"].is_monotonic_decreasing
    assert (summary["hours"], summary["days_with_rows"]) == (672, 28)
    for place, share in zip(order, SHARES, strict=True):
        zone = zones.iloc[place]
        expected = 24_000 * 0.6 * share / 672
        # The zone is the cells that stand out: most of the cluster, and the noise within.
        assert 0.5 * expected < zone["demand_per_h"] < 1.1 * expected
        shares = np.array(json.loads(zone["profile"]))
        assert shares.sum() == pytest.approx(1, abs=1e-6)
        by_day = shares.reshape(7, 24)
        weekday = PROFILE[:24] / PROFILE[:24].sum()
        got = by_day[:5].sum(axis=0) / by_day[:5].sum()
        assert np.abs(got - weekday).sum() < 0.12
        assert by_day[5:].sum() == pytest.approx(PROFILE[120:].sum(), abs=0.03)
    hot = cells[cells["significant"]]
    assert set(hot["zone_id"]) == set(zones["id"])
    assert hot["rows"].sum() / 672 == pytest.approx(zones["demand_per_h"].sum(), rel=1e-4)


@pytest.mark.slow
def test_noise_alone_makes_no_zone(build: Callable[..., BuildSummary], tmp_path: Path) -> None:
    summary = build(make_orders(20_000, noise=1.0))
    assert summary["zones"] == 0
    zones, cells = layers(tmp_path)
    assert len(zones) == 0
    assert not cells["significant"].any()


@pytest.mark.slow
@pytest.mark.parametrize("piece_rows", [997, 50_000])
def test_neither_the_order_of_rows_nor_the_pieces_change_the_result(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path, piece_rows: int
) -> None:
    twice = pd.concat([orders, orders.iloc[::7].assign(time="2026-11-01 12:00:00")])
    twice["weight"] = (np.arange(len(twice)) % 7 + 1) / 3
    first = build(twice)
    expected = layers(tmp_path)
    shuffled = twice.sample(frac=1, random_state=3)
    second = build(shuffled, piece_rows=piece_rows)
    for one, other in zip(expected, layers(tmp_path), strict=True):
        assert one.to_json() == other.to_json().replace(second["data_hash"], first["data_hash"])
    assert first | {"data_hash": ""} == second | {"data_hash": ""}


@pytest.mark.slow
def test_a_part_week_is_corrected_and_the_span_can_be_stated(
    build: Callable[..., BuildSummary], orders: pd.DataFrame
) -> None:
    whole = build(orders)
    days = (datetime.fromisoformat(day) for day in ("2026-10-19", "2026-10-29T12:00"))
    part = build(orders, **dict(zip(("since", "until"), days, strict=True)))
    assert part["hours"] == 252
    assert part["rows_left_out"]["other_time"] > 10_000
    assert part["demand_per_h"] == pytest.approx(whole["demand_per_h"], rel=0.15)


@pytest.mark.slow
def test_the_hour_is_that_of_the_time_that_is_named(
    build: Callable[..., BuildSummary], orders: pd.DataFrame
) -> None:
    late = orders.assign(end_time=orders["time"].str.replace(r" \d\d:", " 23:", regex=True))
    assert "orders at the hour of the time" in build(late)["demand"]
    summary = build(late, hour_of="end_time")
    assert "the end_time" in summary["demand"]
    assert summary["since"] == "2026-10-19T23"


@pytest.mark.slow
@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09, Datum.BD09MC])
def test_any_datum_gives_the_same_zones(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path, datum: Datum
) -> None:
    build(orders)
    here = layers(tmp_path)[0]
    x, y = from_wgs84(orders["lon"], orders["lat"], datum)
    build(orders.assign(lon=x, lat=y), datum=datum)
    there = layers(tmp_path)[0]
    assert here["id"].tolist() == there["id"].tolist()
    np.testing.assert_allclose(here["demand_per_h"], there["demand_per_h"], rtol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".xlsx", ".geojson", ".gpkg"])
def test_every_kind_of_file_gives_the_same_zones(
    build: Callable[..., BuildSummary], tmp_path: Path, ending: str
) -> None:
    orders = make_orders(5_000)
    build(orders)
    expected = layers(tmp_path)[0]
    path = tmp_path / f"other{ending}"
    if ending == ".xlsx":
        book = openpyxl.Workbook()
        for row in [list(orders), *orders.values.tolist()]:  # noqa: PD011 - rows, not a column
            book.active.append(row)
        book.save(path)
    else:
        points = gpd.points_from_xy(orders["lon"], orders["lat"])
        gpd.GeoDataFrame(orders.drop(columns=["lon", "lat"]), geometry=points, crs=4326).to_file(
            path
        )
    build(path)
    found = layers(tmp_path)[0]
    assert found.drop(columns="source").to_json() == expected.drop(columns="source").to_json()


@pytest.mark.slow
def test_foreign_columns_are_named_by_a_mapping(
    cli: Callable[..., Result], orders: pd.DataFrame, tmp_path: Path
) -> None:
    names = {"id": "订单", "lon": "X", "lat": "Y", "time": "取餐"}
    orders.drop(columns="end_time").rename(columns=names).to_csv(tmp_path / "o.csv", index=False)
    toml = "[columns]\n" + "".join(f'{ours} = "{theirs}"\n' for ours, theirs in names.items())
    (tmp_path / "m.toml").write_text(toml, encoding="utf-8")
    out = tmp_path / "z.geojson"
    words = ["hotzones", "build", tmp_path / "o.csv", "--map", tmp_path / "m.toml", "--out", out]
    result = cli(*words, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["zones"] == 3
    assert {path.name for path in tmp_path.glob("z.*")} == {
        "z.geojson",
        "z.cleaning.csv",
        "z.summary.json",
    }


@pytest.mark.slow
def test_shops_have_an_assumed_week_and_it_is_said(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    shops = orders[["lon", "lat"]]
    assert "profile assumed: flat" in build(shops)["demand"]
    flat = layers(tmp_path)[0]
    assert flat["profile"].isna().all()
    assert "1 an hour each, assumed" in flat["source"].iloc[0]
    assert "mean of the store's hot zones" in build(shops, profile="store")["demand"]
    (tmp_path / "week.json").write_text(json.dumps(PROFILE.tolist()), encoding="utf-8")
    build(shops.assign(demand_per_h=2.5), profile=str(tmp_path / "week.json"))
    doubled = layers(tmp_path)[0]
    np.testing.assert_allclose(json.loads(doubled["profile"].iloc[0]), PROFILE, atol=1e-8)
    np.testing.assert_allclose(doubled["demand_per_h"], 2.5 * flat["demand_per_h"])
    no_times = build(orders, hour_of=None)
    assert no_times["since"] is None
    np.testing.assert_allclose(no_times["demand_per_h"], flat["demand_per_h"].sum())


@pytest.mark.slow
def test_zones_go_into_the_store_and_into_a_gap_study(
    cli: Callable[..., Result], orders: pd.DataFrame, tmp_path: Path
) -> None:
    orders.to_csv(tmp_path / "o.csv", index=False)
    out = tmp_path / "z.gpkg"
    assert cli("hotzones", "build", tmp_path / "o.csv", "--out", out).exit_code == 0
    study = cli(
        "gaps",
        "--minutes",
        "5",
        "--hot-zones",
        out,
        "--out",
        tmp_path / "g",
        "--json",
        "--no-report",
    )
    assert study.exit_code == 0, study.output
    expected = gpd.read_file(out, layer="hot_zones")["demand_per_h"].sum()
    found = json.loads(study.stdout)["results"][0]["demand_per_h"]
    assert found == pytest.approx(expected, rel=1e-6)
    done = cli("hotzones", "import", out, "--mode", "replace")
    assert "3 new, 0 changed, 49 removed" in done.stdout


# What is left out --------------------------------------------------------------------------------


def test_every_row_left_out_is_listed_with_its_reason(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    """Each reason once or twice, among good rows; the file's rows start at 2."""
    bad = {
        "no_position": [{"lon": ""}, {"lat": "north"}],
        "zero": [{"lon": "0", "lat": "0.0"}],
        "swapped": [{"lon": "34.36", "lat": "107.2"}],
        "outside": [{"lon": "121.4", "lat": "31.2"}],
        "time_unreadable": [{"time": "noon"}, {"time": ""}],
        "time_implausible": [{"time": "2030-01-01 12:00:00"}, {"time": "1970-01-01 08:00:00"}],
        "time_order": [{"end_time": "2026-10-01 12:00:00"}],
        "weight": [{"weight": "-1"}, {"weight": "many"}],
        "duplicate": [{"id": "O000003"}],
    }
    good = orders.iloc[:3_000].assign(weight="1").astype(str)
    base, rows, expected = good.iloc[0].to_dict(), [], []
    for reason, changes in bad.items():
        for change in changes:
            expected.append((str(3_002 + len(rows)), reason))
            later = {"time": "2026-11-10 12:00:00", "end_time": "2026-11-10 12:30:00"}
            rows.append(base | {"id": f"B{len(rows)}"} | later | change)
    summary = build(pd.concat([good, pd.DataFrame(rows)]), resolution=8)
    listed = cleaning(tmp_path)
    assert sorted((row["row"], row["reason"]) for row in listed) == sorted(expected)
    assert summary["rows_left_out"] == {reason: len(bad[reason]) for reason in sorted(bad)}
    assert summary["rows_read"] == 3_000 + len(rows)
    assert summary["rows_used"] == 3_000
    by_row = {row["row"]: row for row in listed}
    assert by_row[expected[1][0]]["value"] == "north"
    assert by_row[expected[1][0]]["column"] == "lat"
    assert by_row[expected[-1][0]]["value"] == "row 5"  # O000003, below the header and O000002


@pytest.mark.slow
def test_swapped_rows_are_mended_only_when_asked_and_still_listed(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    swapped = orders.copy()
    swapped.loc[::4, ["lon", "lat"]] = orders.loc[::4, ["lat", "lon"]].to_numpy()
    left = build(swapped)
    assert left["rows_left_out"] == {"swapped": 6_000}
    mended = build(swapped, swap=True)
    assert (mended["rows_left_out"], mended["rows_repaired"]) == ({}, 6_000)
    assert len(cleaning(tmp_path)) == 6_000
    straight = build(orders)
    assert mended["demand_per_h"] == straight["demand_per_h"]


@pytest.mark.slow
def test_rows_without_an_id_that_are_the_same_count_once_unless_told(
    build: Callable[..., BuildSummary], orders: pd.DataFrame
) -> None:
    plain = orders[["lon", "lat", "time"]]
    twice = pd.concat([plain, plain.iloc[:4_000]])
    once = build(twice)
    assert once["rows_left_out"] == {"identical": 4_000}
    assert any("same as another" in warning for warning in once["warnings"])
    kept = build(twice, keep_identical=True)
    assert kept["rows_used"] == 28_000
    assert any("all were counted" in warning for warning in kept["warnings"])


@pytest.mark.slow
def test_what_looks_made_up_is_doubted_and_counted(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    pinned = orders.copy()
    pinned.loc[:999, ["lon", "lat"]] = [107.2, 34.35]
    summary = build(pinned)
    assert summary["rows_used"] == 24_000
    assert any("1 exact position(s) hold 4%" in warning for warning in summary["warnings"])
    (row,) = cleaning(tmp_path)
    assert (row["reason"], row["value"]) == ("one_position", "107.200000,34.350000")
    rounded = build(orders.assign(lon=orders["lon"].round(2), lat=orders["lat"].round(2)))
    assert any("three decimals or fewer" in warning for warning in rounded["warnings"])
    stray = orders.copy()
    stray.loc[0, ["time", "end_time"]] = "2019-01-01 12:00:00"
    assert any("say --from and --until" in warning for warning in build(stray)["warnings"])
    assert [warning for warning in build(orders)["warnings"] if "suppressed" not in warning] == []


@pytest.mark.slow
def test_points_that_fit_only_after_an_offset_are_doubted_and_not_moved(
    build: Callable[..., BuildSummary],
) -> None:
    """Drawn over the districts, then moved 20 km east."""
    districts = gpd.read_file(Path(__file__).resolve().parents[1] / "geodata/districts.geojson")
    rng = np.random.default_rng(1)
    points = districts.geometry.sample_points(900, rng=rng).explode()
    shifted = pd.DataFrame({"lon": points.x + 0.2177, "lat": points.y})
    summary = build(shifted, resolution=6, k=1)
    assert any("a constant offset? Nothing was moved" in warning for warning in summary["warnings"])
    assert summary["rows_left_out"]["outside"] > 100


# What may not be told ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "k"), [(3_000, 10), (24_000, 10), (24_000, 40)])
def test_nothing_that_is_written_tells_on_fewer_than_k(
    build: Callable[..., BuildSummary], tmp_path: Path, rows: int, k: int
) -> None:
    """Every count that the files hold, or that follows by taking one from another, is 0 or >= k.

    A zone's hours give counts back: rate times how often the hour occurs; hours of one rate are one
    pool. Cells give theirs; total less cells is what is suppressed.
    """
    summary = build(make_orders(rows), k=k)
    zones, cells = layers(tmp_path)
    assert (cells["rows"] >= k).all()
    hidden = summary["rows_used"] - int(cells["rows"].sum())
    assert hidden == summary["rows_suppressed"]
    assert hidden == 0 or hidden >= k
    outside_zones = int(cells.loc[~cells["significant"], "rows"].sum())
    assert outside_zones == 0 or outside_zones >= k
    assert set(cells.columns) & {"hour", "profile"} == set()
    for zone in zones.itertuples():
        shares = np.full(168, 1 / 168) if zone.profile is None else json.loads(zone.profile)
        hourly = np.asarray(shares) * 168 * zone.demand_per_h * 4  # four weeks
        pools = pd.Series(hourly).groupby(np.round(hourly, 4)).sum()
        assert pools.min() >= k - 0.01
        assert pools.sum() == pytest.approx(
            cells.loc[cells.zone_id == zone.id, "rows"].sum(), rel=1e-4
        )
    leaves = {path.name for path in tmp_path.glob("zones.*")}
    assert leaves == {"zones.gpkg", "zones.cleaning.csv", "zones.summary.json"}


def test_one_small_cell_is_not_found_as_what_is_missing_from_the_total(
    build: Callable[..., BuildSummary], tmp_path: Path
) -> None:
    """Cells of 20 rows and one of 3, far away: 3 would be total less shown."""
    middles = [h3.cell_to_latlng(c) for c in h3.grid_disk(h3.latlng_to_cell(34.36, 107.2, 9), 4)]
    lonely = (34.40, 107.5)
    rows = [(lat, lon) for lat, lon in middles for _ in range(20)] + [lonely] * 3
    points = pd.DataFrame(rows, columns=["lat", "lon"])
    summary = build(points.assign(id=np.arange(len(points))))
    assert summary["rows_suppressed"] == 23
    assert len(layers(tmp_path)[1]) == len(middles) - 1


# Wrong input -------------------------------------------------------------------------------------

HEAD = "id,lon,lat,time\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [
        (None, (), "cannot be read"),
        ("", (), "no header"),
        (HEAD, (), "no row can be used (there are none)"),
        ("a,b\n1,2\n", (), "no column for lon, lat"),
        (HEAD + "1,107.2,34.36,noon\n", (), "1 time_unreadable"),
        (HEAD + "1,34.36,107.2,2026-11-02 12:00\n", (), "Say --swap"),
        (HEAD + "1,121.4,31.2,2026-11-02 12:00\n", (), "--anywhere"),
        (HEAD + "1,107.2,34.36,2026-11-02\n", (), "dates without hours"),
        (HEAD + "1,107.2,34.36,2026-11-02 12:00\n", (), "No cell has 10 rows"),
        (HEAD + "1,107.2,34.36,2026-11-02 12:00\n", ("--k", "1"), "fill 7 cells"),
        (HEAD + "1,107.2,34.36,2026-11-02 12:00\n", ("--from", "2026-11-03"), "no row lies in"),
        (HEAD + '1,107.2,34.36,"2026-11-02\n', (), "line"),
        (HEAD, ("--hour-of", "end_time"), "no column for end_time"),
        (HEAD, ("--from", "yesterday"), "is not a moment"),
        (HEAD, ("--from", "2026-11-03T12:30"), "whole hour"),
        (HEAD, ("--k", "0"), "--k must be 1 or more"),
        (HEAD, ("--alpha", "5"), "between 0 and 1"),
        (HEAD, ("--resolution", "15"), "between 5"),
        (HEAD, ("--profile", "none.json"), "cannot be read"),
        ("lon,lat,weight,demand_per_h\n", (), "remove one"),
        ("lon,lat,time,demand_per_h\n", (), "name that column 'weight'"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_nothing(
    cli: Callable[..., Result],
    tmp_path: Path,
    text: str | None,
    words: tuple[str, ...],
    reason: str,
) -> None:
    path, out = tmp_path / "o.csv", tmp_path / "out" / "z.gpkg"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    result = cli("hotzones", "build", path, "--out", out, *words)
    assert result.exit_code == 2, result.output
    assert reason in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not out.parent.exists() or not list(out.parent.iterdir())


def test_a_profile_that_is_none_is_refused(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    for text, reason in (
        ("[1, 2", "not JSON"),
        ('{"a": 1}', "not a list of 168"),
        ('["x"]', "not a list of 168"),
        (json.dumps([1.0] * 168), "add up to 1"),
        (json.dumps([1 / 24] * 24), "168 shares"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=reason):
            build(orders[["lon", "lat"]], profile=str(path))


def test_the_output_is_whole_or_not_there(
    settings: Settings, orders: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "o.csv"
    orders.to_csv(path, index=False)
    store = Path(settings.store.removeprefix("geopackage:"))
    before = store.read_bytes()
    for out, kind, reason in (
        (store, InputError, "locator's store"),
        (tmp_path / "o.cleaning.csv", InputError, ".gpkg or .geojson"),
        (path / "z.gpkg", StudyError, "cannot be written"),
    ):
        with pytest.raises(kind, match=reason):
            build_hot_zones(settings, path, out, BuildOptions(), clock=fixed_clock)
    assert store.read_bytes() == before
    earlier = tmp_path / "z.cleaning.csv"
    earlier.write_text("lon,lat\n", encoding="utf-8")
    with pytest.raises(InputError, match="written over"):
        build_hot_zones(settings, earlier, tmp_path / "z.gpkg", BuildOptions(), clock=fixed_clock)
    assert sorted(p.name for p in tmp_path.glob("*")) == ["o.csv", "store.gpkg", "z.cleaning.csv"]


def test_cells_that_a_spreadsheet_would_run_are_kept_from_it(
    build: Callable[..., BuildSummary], orders: pd.DataFrame, tmp_path: Path
) -> None:
    bad = orders.iloc[:6_000].copy()
    bad["lon"] = bad["lon"].astype(str)
    bad.loc[0, "lon"] = '=HYPERLINK("x")'
    build(bad)
    (row,) = cleaning(tmp_path)
    assert row["value"].startswith("'=")


@pytest.mark.slow
def test_without_the_extra_one_sentence_says_what_to_install(
    settings: Settings, tmp_path: Path
) -> None:
    code = (
        "import sys\nsys.modules['h3.api.basic_int'] = sys.modules['h3'] = None\n"
        "from locator.cli import main\n"
        f"main(['--store', {settings.store!r}, 'hotzones', 'build', 'o.csv', '--out', 'z.gpkg'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert 'pip install "locator[hotzones]"' in done.stderr
    assert "Traceback" not in done.stderr


# Real shops --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.realdata
def test_the_shops_of_shanghai_give_pysals_clusters(
    build: Callable[..., BuildSummary], realdata: Path, tmp_path: Path
) -> None:
    """The other construction: pandas counts, h3's text interface, PySAL's W, esda by hand."""
    path = realdata / "points" / "shanghai_food.csv"
    summary = build(path, resolution=8, k=1, anywhere=True, normal=True)
    shops = pd.read_csv(path)
    assert summary["rows_used"] == len(shops) == 14_398
    cells = [h3.latlng_to_cell(y, x, 8) for y, x in zip(shops["lat"], shops["lon"], strict=True)]
    counts = pd.Series(cells).value_counts()
    area = sorted({near for cell in counts.index for near in h3.grid_disk(cell, 1)})
    inside = set(area)
    neighbours = {c: [d for d in h3.grid_ring(c, 1) if d in inside] for c in area}
    weights = W(neighbours, id_order=area, silence_warnings=True)
    values = counts.reindex(area, fill_value=0).to_numpy(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the shops' cells are no one piece
        theirs = G_Local(values, weights, transform="B", star=True, permutations=0)
    table = pd.DataFrame({"z": theirs.Zs, "p": np.where(theirs.Zs > 0, 2 * theirs.p_norm, 1.0)})
    table.index = pd.Index(area)
    _, found = layers(tmp_path)
    ours = found.set_index("cell")
    same = table.loc[ours.index]
    np.testing.assert_allclose(ours["z"], same["z"], rtol=1e-9)
    np.testing.assert_allclose(ours["p_normal"], same["p"], rtol=1e-7)
    cut = fdr(table["p"].to_numpy(), 0.05)
    assert summary["p_below"] == pytest.approx(cut)
    hot = set(table.index[(table["p"] < cut) & (table["z"] > 0)]) & set(counts.index)
    assert set(ours.index[ours["significant"]]) == hot
    assert len(hot) > 300
    # By the values shuffled fewer stand out, and each of them does by the normal curve too.
    build(path, resolution=8, k=1, anywhere=True)
    zones, cells_shuffled = layers(tmp_path)
    strict = set(cells_shuffled.loc[cells_shuffled["significant"], "cell"])
    assert strict < hot
    people_square = gpd.points_from_xy([121.4737], [31.2304])[0]
    assert zones.geometry.iloc[0].contains(people_square)
