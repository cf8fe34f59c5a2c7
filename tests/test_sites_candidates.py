"""Candidate sites: from a file in any datum, from the store's venues, from a grid, on roads."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import Result

from locator.datum import GEOD, from_wgs84, geodesic_m
from locator.errors import InputError, RegisterError
from locator.register import read_table
from locator.register.candidates import parse_candidates
from locator.register.points import parse_points
from locator.schema import CRS, Datum, Kind
from locator.service import Service
from locator.store import Change
from locator.study import SiteQuestion, site_inputs, solve_sites
from locator.study.sites_setup import SiteSetup, make_setup
from locator.travel.graph import build_graph
from locator.travel.osm_profile import E_BIKE
from locator.travel.roads import Roads
from tests.road_support import network

GOOD = "id,name,host,cost,capacity,lon,lat\nC1,某社区,社区党群服务中心,3.5,20,107.15,34.36\n"


def write(folder: Path, text: str, name: str = "sites.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def setup(service: Service, **asked: object) -> SiteSetup:
    asked = {"new": 1} | asked
    question = SiteQuestion(**asked)  # type: ignore[arg-type]
    return make_setup(service, site_inputs(service), question)


def test_a_file_is_read_with_its_columns(tmp_path: Path) -> None:
    read = parse_candidates(read_table(write(tmp_path, GOOD)), datum=Datum.WGS84)
    (row,) = read.candidates.to_dict("records")
    assert (row["id"], row["name"], row["host"]) == ("C1", "某社区", "community_centre")
    assert (row["cost"], row["capacity"]) == (3.5, 20)
    assert read.rejected == ()
    chinese = '编号,名称,坐标\nC1,甲,"107.15,34.36"\n'
    other = parse_candidates(read_table(write(tmp_path, chinese, "b.csv")), datum=Datum.WGS84)
    assert other.candidates.geometry.iloc[0].equals(read.candidates.geometry.iloc[0])


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,200", 1200.0), ("1,234,567.5", 1234567.5), (" 3.5 ", 3.5), ("0", 0.0)]
    + [(text, None) for text in ("1,5", "1,2000", "12,34", ",5", "-1", "nan", "inf", "x")],
)
def test_an_amount_that_could_be_two_is_none(
    tmp_path: Path, text: str, amount: float | None
) -> None:
    """``1,5`` is one and a half to some and fifteen to a program that drops the comma.

    A cost of a site and the demand of a point are read alike; both files have a good row too.
    """
    sites = f'id,name,cost,lon,lat\nC1,a,1,107.15,34.36\nC2,b,"{text}",107.15,34.36\n'
    read = parse_candidates(read_table(write(tmp_path, sites)), datum=Datum.WGS84)
    shops = f'name,demand_per_h,lon,lat\na,1,107.15,34.36\nb,"{text}",107.15,34.36\n'
    points = parse_points(read_table(write(tmp_path, shops, "shops.csv")), datum=Datum.WGS84)
    rejected = [one.faults[0].reason for one in (*read.rejected, *points.rejected)]
    if amount is None:
        assert rejected == ["must be a number, 0 or more"] * 2
    else:
        assert rejected == []
        assert read.candidates["cost"].tolist() == [1.0, amount]
        assert points.points["demand_per_h"].tolist() == [1.0, amount]


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09, Datum.BD09MC])
def test_any_datum_comes_out_as_wgs84(tmp_path: Path, datum: Datum) -> None:
    x, y = from_wgs84(np.array([107.15]), np.array([34.36]), datum)
    text = f"id,name,lon,lat\nC1,a,{float(x[0])!r},{float(y[0])!r}\n"
    read = parse_candidates(read_table(write(tmp_path, text)), datum=datum)
    point = read.candidates.geometry.iloc[0]
    assert geodesic_m([107.15], [34.36], [point.x], [point.y])[0] < 0.05


@pytest.mark.slow
def test_rows_that_are_none_are_named_and_written_back(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    text = (
        GOOD
        + "C1,again,,,,107.16,34.36\n"
        + ",nameless,,,,107.16,34.36\n"
        + "C3,no place,,,,,34.36\n"
        + "C4,dear,,lots,,107.16,34.36\n"
        + "C5,nowhere,,,,0,0\n"
        + "C6,full,pub,1,-3,107.16,34.36\n"
    )
    read = parse_candidates(read_table(write(tmp_path, text)), datum=Datum.WGS84)
    assert list(read.candidates["id"]) == ["C1"]
    reasons = {row.row.number: row.faults[0].reason for row in read.rejected}
    assert list(reasons) == [3, 4, 5, 6, 7, 8]
    assert reasons[3] == "stands already in row 2"
    assert "required" in reasons[4]
    assert "number" in reasons[6]
    assert len(read.rejected[-1].faults) == 2
    out = tmp_path / "out"
    words = ("--candidates", tmp_path / "sites.csv", "--new", 1, "--minutes", 5, "--runs", 0)
    result = cli("site", *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert "6 rows of sites.csv cannot be candidates; the first is row 3" in result.output
    rejected = (out / "rejected_candidates.csv").read_text("utf-8-sig")
    assert "stands already in row 2" in rejected
    assert len(rejected.splitlines()) == 7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,lon,lat\na,107,34\n", "no column for id"),
        ("id,name\nC1,a\n", "no column for lon, lat"),
        ("id,name,lon,lat\nC1,a,x,34\n", "no row is a candidate site: row 2, lon 'x'"),
        ("id,name,lon,lat\n", "no rows below its header"),
    ],
)
def test_a_file_without_candidates_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RegisterError, match=reason):
        parse_candidates(read_table(write(tmp_path, text)), datum=Datum.WGS84)


@pytest.mark.slow
def test_a_file_that_is_asked_for_must_be_given(service: Service) -> None:
    with pytest.raises(InputError, match="no file was given"):
        setup(service, candidates="file")


def zone_of(service: Service, metres: float) -> None:
    """Put one square hot zone of this side into the store."""
    lon, lat = 107.15, 34.36
    x = GEOD.fwd(lon, lat, 90, metres / 2)[0] - lon
    y = GEOD.fwd(lon, lat, 0, metres / 2)[1] - lat
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["方区"], "kind": ["campus"], "demand_per_h": [8.0]},
        geometry=[shapely.box(lon - x, lat - y, lon + x, lat + y)],
        crs=CRS,
    )
    service.store.apply(Change("hot_zones", zone, absent="remove"), actor="t")


def test_a_grid_has_a_candidate_in_each_square_of_a_hot_zone(service: Service) -> None:
    """The zone's middle is the projection's: 1,000 m hold ten columns and rows of squares."""
    zone_of(service, 1000.0)
    found = setup(service, spacing_m=100.0)
    assert len(found.candidates) == 100
    frame = found.candidates.frame
    assert set(frame["origin"]) == {"grid"}
    assert frame["id"].is_unique
    assert list(frame["name"][:2]) == ["方区 1", "方区 2"]
    assert sorted(set(found.candidates.xy[:, 0].round())) == list(range(-450, 451, 100))
    assert set(frame["district_name"]) == {"渭滨区"} or set(frame["district_name"]) == {"金台区"}
    assert frame["place"].notna().all()
    assert "not checked against roads" in " ".join(found.notes)


def test_a_zone_smaller_than_the_grid_has_a_candidate_inside(service: Service) -> None:
    zone_of(service, 50.0)
    found = setup(service, spacing_m=1000.0)
    assert len(found.candidates) == 1
    zones = service.snapshot().hot_zones
    assert zones.geometry.iloc[0].contains(found.candidates.frame.geometry.iloc[0])


@pytest.mark.slow
def test_too_fine_a_grid_is_refused(service: Service) -> None:
    zone_of(service, 20_000.0)
    with pytest.raises(InputError, match="more than 20,000 candidates"):
        setup(service, spacing_m=50.0)


def test_the_nearest_place_is_the_nearest(service: Service) -> None:
    found = setup(service)
    frame, places = found.candidates.frame, service.snapshot().places
    lonlat = found.candidates.lonlat[::20]
    metres = geodesic_m(
        lonlat[:, None, 0],
        lonlat[:, None, 1],
        places.geometry.x.to_numpy()[None, :],
        places.geometry.y.to_numpy()[None, :],
    )
    nearest = places["name"].to_numpy()[metres.argmin(axis=1)]
    assert list(frame["place"][::20]) == list(nearest)
    # The local projection lengthens nothing by more than a thousandth.
    assert frame["place_m"].to_numpy()[::20] == pytest.approx(metres.min(axis=1), rel=1e-3)


def test_venues_are_candidates_places_and_stations_that_do_not_count(service: Service) -> None:
    stored = gpd.GeoDataFrame(
        {"id": ["V1"], "name": ["某商场"], "cost": [7.0]},
        geometry=shapely.points([[107.15, 34.36]]),
        crs=CRS,
    )
    service.store.apply(Change("candidates", stored), actor="t")
    first = service.snapshot().stations.iloc[[0]].assign(status="closed")
    service.store.apply(Change("stations", first), actor="t")
    found = setup(service, candidates="venues", budget=20.0)
    count = found.candidates.frame["origin"].value_counts()
    assert dict(count) == {"place": 109, "candidate": 1, "station": 1}
    assert found.actions.cost[0] == 7.0
    assert found.actions.cost[1] == 1.0
    assert "of the store: 1 candidate, 109 places, 1 station that does not count" in " ".join(
        found.notes
    )


def test_points_without_zones_have_a_grid_of_their_own(service: Service, tmp_path: Path) -> None:
    text = "lon,lat,demand_per_h\n107.15,34.36,5\n107.1501,34.36,5\n107.17,34.36,2\n"
    inputs = site_inputs(service, points=write(tmp_path, text, "points.csv"))
    question = SiteQuestion(new=1, existing=False, runs=0)
    found = solve_sites(service, inputs, question)
    assert len(found.setup.candidates) == 2
    assert found.sites["gain"].iloc[0] == 10.0
    assert found.figures["unit"] == "points' weight"


def test_with_roads_candidates_lie_on_them_and_a_river_is_a_barrier(service: Service) -> None:
    """Two banks and a bridge 3 km east: the station across is 440 m away and 6 km by road."""
    north, south, west, east = 34.3700, 34.3660, 107.1000, 107.1300
    nodes = np.array([[west, north], [east, north], [east, south], [west, south]])
    roads = network(nodes, [(0, 1, 18.0, 18.0), (1, 2, 18.0, 18.0), (2, 3, 18.0, 18.0)])
    service.travel = Roads(build_graph(roads, E_BIKE, source="river"))
    zone = gpd.GeoDataFrame(
        {"id": ["z"], "name": ["北岸"], "kind": ["campus"], "demand_per_h": [8.0]},
        geometry=[shapely.box(107.1010, north - 0.0005, 107.1040, north + 0.0005)],
        crs=CRS,
    )
    station = service.snapshot().stations.iloc[[0]].copy()
    station = station.set_geometry([shapely.Point(107.1020, south)], crs=CRS)
    service.store.apply(
        Change("hot_zones", zone, absent="remove"),
        Change("stations", station, absent="close"),
        actor="t",
    )
    inputs = site_inputs(service)
    found = solve_sites(service, inputs, SiteQuestion(new=1, spacing_m=50.0, runs=0))
    frame = found.setup.candidates.frame
    assert set(frame["origin"]) == {"road grid"}
    assert len(frame) == 6  # six columns of 50 m have their middle in 276 m; two rows, one road
    offset = np.abs(frame.geometry.y - north)
    assert offset.max() < 1e-6
    assert found.sites["reason"].iloc[0] == "barrier"
    assert "not within 5 min by road" in found.sites["why_en"].iloc[0]
    assert found.figures["covered_share_after"] == pytest.approx(1.0)
    assert "brought to the nearest road" in " ".join(found.notes)


@pytest.mark.slow
def test_candidates_keep_to_a_box(service: Service) -> None:
    found = setup(service, bbox=(107.1, 34.3, 107.2, 34.4))
    lonlat = found.candidates.lonlat
    assert (lonlat[:, 0] < 107.2).all()
    assert 0 < len(lonlat) < len(setup(service).candidates)
    with pytest.raises(InputError, match="no candidate site in the box"):
        setup(service, bbox=(0.0, 0.0, 1.0, 1.0))


def test_a_station_of_another_kind_is_a_venue(service: Service) -> None:
    found = setup(service, candidates="venues", kinds=(Kind.SWAP_CABINET,))
    assert (found.candidates.frame["origin"] == "station").sum() == 117


@pytest.mark.slow
@pytest.mark.realdata
def test_shops_of_a_real_city_as_demand(service: Service, realdata: Path) -> None:
    """14,398 shops, no station: what is said to be covered is what the geodesics say."""
    inputs = site_inputs(service, points=realdata / "points" / "shanghai_food.csv")
    question = SiteQuestion(
        new=5, existing=False, spacing_m=2000.0, runs=0, curve=False, time_limit_s=20.0
    )
    found = solve_sites(service, inputs, question)
    assert len(found.sites) == 5
    shops = found.setup.basis.points.lonlat
    metres = geodesic_m(
        shops[:, None, 0],
        shops[:, None, 1],
        found.sites["lon"].to_numpy()[None, :],
        found.sites["lat"].to_numpy()[None, :],
    )
    covered = (metres.min(axis=1) * 1.3 / 5.0 <= 300.0).sum()
    assert found.figures["objective"] == covered
    assert found.figures["gap_added"] < 0.01
