"""The datum of a register: Baidu's metres, what is said of a wrong one, and what hints at it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from locator.datum import from_wgs84, limits
from locator.register import (
    DatumFit,
    fit_datums,
    hint_datum,
    hint_unit,
    parse_points,
    parse_table,
    position_warnings,
    read_table,
)
from locator.register.coordinates import parse_coordinate, parse_metres, parse_pair
from locator.schema import Datum
from locator.store import GeoPackageStore
from tests.test_register_cases import CASES

HEADER = "id,name,kind,lon,lat\n"
BAOJI = (107.2330471, 34.3646018)
BAOJI_M = (11938512.59, 4054113.13)  # the same place in Baidu's metres


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11938512.59", 11938512.59),
        ("１１９３８５１２．５", 11938512.5),
        ("-4054113 米", -4054113.0),
    ],
)
def test_metres_as_people_write_them(text: str, expected: float) -> None:
    assert parse_metres(text, 20_037_726.37) == expected


@pytest.mark.parametrize(
    ("text", "axis", "reason"),
    [
        ("", "lon", "required"),
        ("107°13′58.9″", "lon", "must be metres as a number"),
        ("107.2330471", "lon", "--datum bd09"),
        ("0", "lat", "--datum bd09"),
        ("36521000", "lon", "must lie between -20037726 and 20037726 metres"),
        ("12500000", "lat", "must lie between -12474104 and 12474104 metres"),
        ("nan", "lat", "must lie between"),
    ],
)
def test_what_is_no_coordinate_in_baidus_metres(text: str, axis: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_coordinate(text, axis, Datum.BD09MC)  # type: ignore[arg-type]
    assert "must be degrees" not in str(caught.value)


@given(st.floats(181, 12_474_104), st.sampled_from(["lon", "lat"]), st.booleans())
def test_metres_are_read_as_they_are_written(value: float, axis: str, west: bool) -> None:
    given_m = -value if west else value
    assert parse_coordinate(repr(given_m), axis, Datum.BD09MC) == given_m  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", ["lon", "lat"])
def test_metres_in_a_file_of_degrees_name_the_option(axis: str) -> None:
    value = str(BAOJI_M[0 if axis == "lon" else 1])
    with pytest.raises(ValueError, match="--datum bd09mc"):
        parse_coordinate(value, axis, Datum.GCJ02)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="swapped, or is it metres"):
        parse_coordinate("36521000", axis, Datum.GCJ02)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("11938512.59,4054113.13", "坐标"),
        ("4054113.13，11938512.59", "坐标"),
        ("(11938512.59; 4054113.13)", "position"),
        ("4054113.13,11938512.59", "纬度,经度"),
    ],
)
def test_a_pair_of_metres_in_the_order_that_is_possible(text: str, header: str) -> None:
    assert parse_pair(text, header, Datum.BD09MC) == BAOJI_M


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("262341.4,6217978.8", "both orders"),  # Paris: metres do not tell which is which
        ("11938512.59", "such as 11938512.59,4054113.13"),
        ("11938512.59,x", "two numbers"),
        ("107.2330471,34.3646018", "--datum bd09"),
    ],
)
def test_a_pair_of_metres_that_is_not_certain_is_not_guessed(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_pair(text, "坐标", Datum.BD09MC)


def test_a_pair_of_metres_in_a_file_of_degrees_names_the_option() -> None:
    with pytest.raises(ValueError, match="--datum bd09mc"):
        parse_pair("11938512.59,4054113.13", "坐标")


def test_demand_points_in_baidus_metres(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("坐标\n11938512.59 4054113.13\n107.2 34.3\n", "utf-8")
    found = parse_points(read_table(path), datum=Datum.BD09MC)
    (point,) = found.points.geometry
    assert (point.x, point.y) == pytest.approx(BAOJI, abs=1e-6)
    assert [f.row for r in found.rejected for f in r.faults] == [3]


def test_an_import_in_baidus_metres(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}new,站,rest_post,{BAOJI_M[0]},{BAOJI_M[1]}\n", "utf-8")
    assert cli("stations", "import", path, "--datum", "bd09mc").exit_code == 0
    (row,) = store.read("stations", where={"id": "new"}).itertuples()
    assert (row.geometry.x, row.geometry.y) == pytest.approx(BAOJI, abs=1e-6)
    assert row.source_datum == "bd09mc"
    # A file of our own says what its rows arrived in, and keeps it.
    assert cli("stations", "export", tmp_path / "out.csv", "--language", "zh").exit_code == 0
    assert "百度米制坐标" in (tmp_path / "out.csv").read_text("utf-8-sig")
    again = parse_table(read_table(tmp_path / "out.csv"), datum=Datum.WGS84)
    assert not again.rejected
    assert again.stations.set_index("id").loc["new", "source_datum"] == "bd09mc"


@pytest.mark.slow
def test_a_check_in_metres_compares_no_degrees(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    stations = store.read("stations")
    east, north = from_wgs84(stations.geometry.x, stations.geometry.y, Datum.BD09MC)
    table = pd.DataFrame(stations[["id", "name", "kind"]]).assign(lon=east, lat=north)
    table.to_csv(tmp_path / "m.csv", index=False)
    told = cli("stations", "check", tmp_path / "m.csv", "--datum", "bd09mc").stdout
    assert "As bd09mc (as stated): 120 known stations off by 0 m, 100% inside" in told
    assert "As wgs84" not in told
    assert "Is the datum right" not in told
    # Read as degrees no row is good, and the reason is said once for the whole file.
    wrong = cli("stations", "check", tmp_path / "m.csv", "--datum", "bd09").stdout
    assert "100% of the rejected rows have coordinates like Baidu's metres (bd09mc)" in wrong
    degrees = tmp_path / "d.csv"
    table.assign(lon=stations.geometry.x, lat=stations.geometry.y).to_csv(degrees, index=False)
    swapped = json.loads(cli("stations", "check", degrees, "--datum", "bd09mc", "--json").stdout)
    assert swapped["datum_hint"].endswith("like degrees (bd09)")


@pytest.mark.slow
def test_an_import_of_metres_as_degrees_gets_the_hint(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    rows = "".join(f"n{i},站,rest_post,{BAOJI_M[0] + i},{BAOJI_M[1]}\n" for i in range(5))
    path.write_text(HEADER + rows, "utf-8")
    result = cli("stations", "import", path, "--dry-run")
    assert (
        "100% of the rejected rows have coordinates like Baidu's metres (bd09mc)" in result.stderr
    )


def hinted(
    pairs: list[tuple[float, float]], store: GeoPackageStore | None, rejected: int | None = None
) -> str:
    """Return what is said of pairs of numbers that are no position, empty for nothing."""
    nowhere = gpd.GeoDataFrame({"id": []}, geometry=[], crs=4326)
    districts = nowhere if store is None else store.read("districts")
    many = rejected or len(pairs)
    hint = hint_unit(pairs, many, Datum.WGS84, projected=False, districts=districts)
    return "" if hint is None else hint.reason


@pytest.mark.slow
def test_a_few_rows_in_another_unit_are_no_hint(store: GeoPackageStore) -> None:
    assert not hinted([BAOJI_M] * 2, store)
    assert not hinted([BAOJI_M] * 3, store, rejected=6)
    assert "Baidu's metres (bd09mc)" in hinted([BAOJI_M] * 4, store, rejected=7)
    assert not hinted([(5.0, 5e9)] * 4, store)


GAUSS_KRUGER = [(421712.06, 3804943.48), (426404.54, 3803884.66), (430996.16, 3802740.22)]


@pytest.mark.slow
@pytest.mark.parametrize("zone", [0, 36_000_000])
@pytest.mark.parametrize("turned", [False, True])
def test_gauss_kruger_is_named_and_not_taken_for_baidus(
    store: GeoPackageStore, zone: int, turned: bool
) -> None:
    pairs = [(n, e + zone) if turned else (e + zone, n) for e, n in GAUSS_KRUGER]
    assert hinted(pairs, store) == (
        "100% of the rejected rows have coordinates like Gauss–Krüger at 108° E (--crs EPSG:4545)"
    )
    alone = hinted(pairs, None)
    assert "Gauss–Krüger" in alone
    assert "bd09mc" not in alone


@pytest.mark.slow
def test_two_readings_that_fit_alike_are_both_named(store: GeoPackageStore) -> None:
    stations = store.read("stations")
    metres = stations.to_crs(3857).geometry
    said = hinted(list(zip(metres.x, metres.y, strict=True)), store)
    assert "Baidu's metres (bd09mc) or Web Mercator (--crs EPSG:3857)" in said
    assert "ask who sent the file" in said
    turned = list(zip(stations.geometry.y, stations.geometry.x, strict=True))
    assert "like exchanged longitude and latitude" in hinted(turned, store)


@pytest.mark.slow
def test_a_check_of_a_projection_names_it(cli: Callable[..., Result]) -> None:
    told = cli("stations", "check", CASES / "gk_metres.csv").output
    assert (
        "Is the datum right? 100% of the rejected rows have coordinates like Gauss–Krüger" in told
    )
    assert "--crs EPSG:4545" in told


def test_stations_are_not_compared_with_their_own_wrong_copy(store: GeoPackageStore) -> None:
    """A file in GCJ-02 that was imported as WGS-84 lies where the store has it, and is doubted."""
    fits = fits_of(store, named_stations(store, Datum.GCJ02, 30))
    off = {Datum.WGS84: 0.0, Datum.GCJ02: 530.0, Datum.BD09: 1_300.0}
    copied = tuple(replace(f, known_pairs=30, known_off_m=off[f.datum]) for f in fits)
    hint = hint_datum(copied, Datum.WGS84)
    assert hint is not None
    assert hint.datum is Datum.GCJ02
    # Read rightly now, the wrong copy does not draw it back.
    assert hint_datum(copied, Datum.GCJ02) is None


def test_points_beyond_the_roads_do_not_weaken_what_the_others_say(store: GeoPackageStore) -> None:
    town = np.column_stack([107.1 + np.arange(40) * 1e-3, np.full(40, 34.3)])

    def distance(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return metres from a road along 34.3 N that ends at 107.2 E."""
        beyond = np.maximum(lonlat[:, 0] - 107.2, 0) * 92_000
        return np.asarray(np.hypot(np.abs(lonlat[:, 1] - 34.3) * 111_000, beyond))

    here = np.column_stack(from_wgs84(town[:, 0], town[:, 1], Datum.GCJ02))
    points = np.concatenate([here, np.full((100, 2), (109.0, 36.0))])
    ids = [f"n{i}" for i in range(len(points))]
    data = {"id": ids, "name": ids, "address": [None] * len(ids)}
    frame = gpd.GeoDataFrame(data, geometry=gpd.points_from_xy(*points.T), crs="EPSG:4326")
    fits = fit_datums(
        frame,
        stated=Datum.WGS84,
        known=store.read("stations").iloc[:0],
        districts=store.read("districts").iloc[:0],
        road_distance_m=distance,
    )
    assert {fit.road_points for fit in fits} == {40}
    hint = hint_datum(fits, Datum.WGS84)
    assert hint is not None
    assert hint.datum is Datum.GCJ02


def test_a_datum_must_be_ahead_of_every_other() -> None:
    fits = (
        DatumFit(Datum.WGS84, 0, None, 0.5, points=100),
        DatumFit(Datum.GCJ02, 0, None, 1.0, points=100),
        DatumFit(Datum.BD09, 0, None, 1.0, points=100),
    )
    hint = hint_datum(fits, Datum.WGS84)
    assert hint is not None
    assert hint.datum is None
    assert "100% read as gcj02 or bd09" in hint.reason
    few = tuple(replace(fit, points=3) for fit in fits)
    assert hint_datum(few, Datum.WGS84) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(107, 34)] * 3, "3 rows are on one spot (rows 2, 3, 4"),
        ([(107, 34), (107.1, 34.3)], "lies on whole degrees"),
        ([(0.001, 0.002)], "lies near 0, 0"),
        ([*((11.5 + n / 100, 48.1) for n in range(5)), (48.1, 11.5)], "seem exchanged"),
        ([(107 + n / 100, 34 + n / 100) for n in range(1, 9)], "8 rows lie on one diagonal"),
    ],
)
def test_positions_that_look_made_up_are_doubted(
    cli: Callable[..., Result], tmp_path: Path, rows: list[tuple[float, float]], said: str
) -> None:
    path = tmp_path / "list.csv"
    lines = [f"n{i},站{i},rest_post,{x:.6f},{y:.6f}\n" for i, (x, y) in enumerate(rows)]
    path.write_text(HEADER + "".join(lines), "utf-8")
    for command in ("check", "import"):
        told = cli("stations", command, path)
        assert told.exit_code == 0
        assert said in told.output


def test_three_stations_on_one_round_place_are_named(cli: Callable[..., Result]) -> None:
    told = cli("stations", "check", CASES / "low.csv").output
    assert "3 rows are on one spot (rows 2, 3, 4" in told
    assert told.count("lies on whole degrees") == 3


def test_an_ordinary_register_is_not_doubted(store: GeoPackageStore) -> None:
    points = store.read("stations").geometry
    rows = range(2, len(points) + 2)
    assert not position_warnings(points.x.to_numpy(), points.y.to_numpy(), rows)


def named_stations(store: GeoPackageStore, datum: Datum, count: int) -> gpd.GeoDataFrame:
    """Return stations that name a place each, coordinates of a datum taken for WGS-84."""
    places = store.read("places")
    towns = places[places["kind"] == "town"].head(count)
    apart = np.random.default_rng(7).normal(0, 0.001, (2, len(towns)))
    lon, lat = from_wgs84(towns.geometry.x + apart[0], towns.geometry.y + apart[1], datum)
    names = [f"{name}驿站" for name in towns["name"]]
    ids = [f"n{i}" for i in range(len(towns))]
    data = {"id": ids, "name": names, "address": [None] * len(ids)}
    return gpd.GeoDataFrame(data, geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326")


def fits_of(store: GeoPackageStore, frame: gpd.GeoDataFrame) -> tuple[DatumFit, ...]:
    nothing = store.read("stations").iloc[:0]
    districts, places = store.read("districts"), store.read("places")
    return fit_datums(frame, stated=Datum.WGS84, known=nothing, districts=districts, places=places)


@pytest.mark.parametrize("actual", [Datum.WGS84, Datum.GCJ02, Datum.BD09])
def test_places_that_stations_name_tell_the_datum(store: GeoPackageStore, actual: Datum) -> None:
    fits = fits_of(store, named_stations(store, actual, 30))
    off = {fit.datum: fit.place_off_m or 0.0 for fit in fits}
    assert {fit.place_pairs for fit in fits} == {30}
    assert min(off, key=lambda datum: off[datum]) is actual
    hint = hint_datum(fits, Datum.WGS84)
    if actual is Datum.WGS84:
        assert hint is None
    else:
        assert hint is not None
        assert hint.datum is actual


def test_few_places_or_other_evidence_against_them_are_no_hint(store: GeoPackageStore) -> None:
    fits = fits_of(store, named_stations(store, Datum.BD09, 7))
    inside = tuple(replace(fit, inside_share=None) for fit in fits)
    assert hint_datum(inside, Datum.WGS84) is None
    many = fits_of(store, named_stations(store, Datum.BD09, 30))
    # Stations that are known lie where they should: they decide, whatever the places say.
    known = tuple(
        replace(fit, known_pairs=3, known_off_m=5.0 if fit.datum is Datum.WGS84 else 500.0)
        for fit in many
    )
    assert hint_datum(known, Datum.WGS84) is None
    # The other datum throws points out of the districts.
    outside = tuple(
        replace(fit, inside_share=1.0 if fit.datum is Datum.WGS84 else 0.9) for fit in many
    )
    assert hint_datum(outside, Datum.WGS84) is None


def test_names_that_say_no_place_are_not_compared(store: GeoPackageStore) -> None:
    names = ["宝鸡市驿站", "太白县驿站", "虢镇街道和千河镇之间", "没有名字的驿站", "县功镇驿站"]
    frame = gpd.GeoDataFrame(
        {"id": list("abcde"), "name": names},
        geometry=gpd.points_from_xy([107.2] * 5, [34.3] * 5),
        crs="EPSG:4326",
    )
    # The city, a district's name, two places at once, none; the last one counts.
    assert {fit.place_pairs for fit in fits_of(store, frame)} == {1}
    assert {fit.place_pairs for fit in fits_of(store, frame.iloc[:4])} == {0}
    assert {fit.place_off_m for fit in fits_of(store, frame.iloc[:4])} == {None}


def test_limits_of_metres_hold_china() -> None:
    corners = from_wgs84(np.array([73.0, 135.5]), np.array([3.0, 54.0]), Datum.BD09MC)
    assert (np.abs(corners[0]) < limits(Datum.BD09MC)[0]).all()
    for lon, lat in zip(*corners, strict=True):
        assert parse_coordinate(repr(float(lon)), "lon", Datum.BD09MC) == lon
        assert parse_coordinate(repr(float(lat)), "lat", Datum.BD09MC) == lat
