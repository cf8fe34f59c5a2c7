"""One question has one number: every door's share of covered demand, against the roads themselves.

On real extracts: gaps' headline, its tables, the planner's page, the embedded coverage and siting,
held against a lattice of 5 m whose every point is asked for its own nearest station.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from flask.testing import FlaskClient
from shapely.geometry import Point

from locator.coverage.demand import hour_of_week
from locator.datum import local_crs
from locator.intake.roads import import_roads
from locator.planner import Ask, PlannerPage
from locator.service import Service, open_service
from locator.settings import Settings
from locator.store import Change, open_store
from locator.study import GapsInputs, Question, SiteQuestion, Standard, site_inputs, solve_sites
from locator.study.basis import make_basis
from locator.study.measure import Study
from locator.study.tables import time_table
from locator.travel.base import Origins
from locator.web import create_app
from tests.conftest import fixed_clock, local

MINUTES = (1.0, 2.0, 3.0, 5.0)
AT_NIGHT = "2026-11-23T22:00"
HOURS = ("24/7", "Mo-Su 08:00-20:00", "Mo-Fr 09:00-24:00", None)
MIDDLES = {"newport": (-3.0, 51.585), "helsinki": (24.945, 60.17), "porto": (-8.61, 41.15)}
# Siting and the page are asked for these alone: they take most of the time.
WHOLE = ((2.0, None), (5.0, AT_NIGHT))
ZONES = 6
LATTICE_M = 5.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class City:
    """A service on a real extract with made-up stations and zones, and the lattice in the zones.

    ``origins`` are the lattice's n points as the roads know them, ``weight`` (n,) the share of all
    demand that each stands for.
    """

    service: Service
    origins: Origins
    weight: Floats

    def truth(self, study: Study, minutes: float) -> float:
        """Return the share of demand whose own nearest station that counts is in reach."""
        seconds = study.bound.nearest(self.origins, k=1, mask=study.mask).seconds[:, 0]
        return float(self.weight[seconds <= 60 * minutes].sum())


def _inputs(service: Service) -> GapsInputs:
    snapshot = service.snapshot()
    return GapsInputs(snapshot, snapshot.hot_zones, None)


def _question(minutes: float, at: str | None) -> Question:
    return Question((Standard(minutes, "min"),), at=local(at) if at else None)


def _lattice(zones: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    crs = local_crs(tuple(zones.total_bounds))
    places, weights = [], []
    for shape, demand in zip(zones.geometry.to_crs(crs), zones["demand_per_h"], strict=True):
        west, south, east, north = shape.bounds
        x, y = np.meshgrid(
            np.arange(west + LATTICE_M / 2, east, LATTICE_M),
            np.arange(south + LATTICE_M / 2, north, LATTICE_M),
        )
        points = shapely.points(x.ravel(), y.ravel())
        shapely.prepare(shape)
        inside = points[shapely.contains(shape, points)]
        places.append(gpd.GeoSeries(inside, crs=crs).to_crs(4326))
        weights.append(np.full(len(inside), demand / len(inside)))
    lonlat = np.concatenate([np.column_stack([part.x, part.y]) for part in places])
    weight = np.concatenate(weights)
    return lonlat, weight / weight.sum()


def _zones(nodes: Floats, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return hexagons of 150 to 400 m around places on roads, of very different demand."""
    middles = gpd.GeoSeries.from_xy(
        *nodes[rng.choice(len(nodes), ZONES, replace=False)].T, crs=4326
    )
    crs = local_crs(tuple(middles.total_bounds))
    radius_m = rng.uniform(150, 400, ZONES)
    shapes = middles.to_crs(crs).buffer(radius_m, quad_segs=2).to_crs(4326)
    return gpd.GeoDataFrame(
        {
            "id": [f"z{n}" for n in range(ZONES)],
            "name": [f"Z{n}" for n in range(ZONES)],
            "kind": "campus",
            "demand_per_h": np.geomspace(1.0, 60.0, ZONES).round(2),
        },
        geometry=shapes.to_numpy(),
        crs="EPSG:4326",
    )


def _stations(nodes: Floats, count: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return stations up to some 30 m off the roads, every fourth of unknown hours."""
    at = nodes[rng.choice(len(nodes), count, replace=False)] + rng.normal(0, 1.5e-4, (count, 2))
    return gpd.GeoDataFrame(
        {
            "id": [f"s{n:03}" for n in range(count)],
            "name": [f"S{n}" for n in range(count)],
            "kind": "rest_post",
            "opening_hours": [HOURS[n % 4] for n in range(count)],
            "services": "drinking_water",
        },
        geometry=gpd.points_from_xy(*at.T),
        crs="EPSG:4326",
    )


@pytest.fixture(scope="module")
def extract(
    request: pytest.FixtureRequest,
    realdata: Path,
    loaded_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """Return settings of a store with the roads of a real extract."""
    path = tmp_path_factory.mktemp(request.param) / "city.gpkg"
    shutil.copy(loaded_store, path)
    settings = Settings(store=f"geopackage:{path}", basemap="none")
    middle = gpd.GeoDataFrame(
        {"id": ["m"], "name": ["m"], "kind": ["rest_post"]},
        geometry=[Point(MIDDLES[request.param])],
        crs=4326,
    )
    with open_store(settings.store, clock=fixed_clock) as store:
        store.apply(Change("stations", middle, absent="close"), actor="test")
        import_roads(settings, store, realdata / "roads" / f"{request.param}.osm.pbf")
    return settings


@pytest.fixture
def city(request: pytest.FixtureRequest, extract: Settings) -> Iterator[City]:
    """Return the extract with so many stations."""
    rng = np.random.default_rng(request.param)
    with open_service(extract, clock=fixed_clock) as service:
        graph = service.travel.graph  # type: ignore[attr-defined]
        giant = np.unique(graph.edges.tail[graph.edge_in_giant])
        nodes = graph.edges.node_lonlat[giant]
        middle = np.median(nodes, axis=0)
        nodes = nodes[(np.abs(nodes - middle) < (0.03, 0.02)).all(axis=1)]
        zones = _zones(nodes, rng)
        changes = (
            Change("stations", _stations(nodes, request.param, rng), absent="close"),
            Change("hot_zones", zones, absent="remove"),
        )
        with open_store(extract.store, clock=fixed_clock) as store:
            store.apply(*changes, actor="test")
        lonlat, weight = _lattice(zones)
        yield City(service, service.travel.snap(lonlat), weight)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extract", "city"),
    [
        ("newport", 14),
        pytest.param("newport", 150, marks=pytest.mark.soak),
        pytest.param("helsinki", 14, marks=pytest.mark.soak),
        pytest.param("helsinki", 150, marks=pytest.mark.soak),
        pytest.param("porto", 14, marks=pytest.mark.soak),
        pytest.param("porto", 150, marks=pytest.mark.soak),
    ],
    indirect=True,
)
@pytest.mark.realdata
@pytest.mark.usefixtures("all_demand_points")
def test_every_door_says_the_same_share_and_it_is_the_roads_own(
    city: City, extract: Settings
) -> None:
    service, client = city.service, create_app(extract, clock=fixed_clock).test_client()
    planner_page = PlannerPage(service)
    misses = []
    for minutes in MINUTES:
        for at in (None, AT_NIGHT):
            study = Study(service, _inputs(service), _question(minutes, at))
            shares = _measured(service, study) | {"planner": _planned(planner_page, minutes, at)}
            if (minutes, at) in WHOLE:
                shares |= {
                    "site": _sited(service, minutes, at),
                    "embed": _embedded(client, minutes, at),
                }
            truth = city.truth(study, minutes)
            apart = 100 * (max(shares.values()) - min(shares.values()))
            off = 100 * max(abs(share - truth) for share in shares.values())
            if apart > 0.2 or off > 0.3:
                misses.append((minutes, at, truth, shares))
    assert not misses, "\n".join(map(str, misses))


def _measured(service: Service, study: Study) -> dict[str, float]:
    outcome = study.measure(study.question.standards[0])
    basis = make_basis(service, study, study.question.standards, week_of=None)
    unserved = float(outcome.gaps["unserved_demand_per_h"].sum())
    return {
        "headline": _number(outcome.result["covered_share"]),
        "gaps": 1 - unserved / outcome.result["demand_per_h"],
        "table": _number(time_table(basis)["covered_share"].iloc[0]),
    }


def _planned(planner_page: PlannerPage, minutes: float, at: str | None) -> float:
    hour = None if at is None else hour_of_week(datetime.fromisoformat(at))
    figures = planner_page.ask(Ask(60 * minutes, hour))[1].now.figures
    return _number(figures.always_share if at is None else figures.covered_share)


def _sited(service: Service, minutes: float, at: str | None) -> float:
    asked = SiteQuestion(minutes=minutes, new=1, at=at, time_limit_s=5.0, curve=False, runs=0)
    return _number(
        solve_sites(service, site_inputs(service), asked).figures["covered_share_before"]
    )


def _embedded(client: FlaskClient, minutes: float, at: str | None) -> float:
    page = client.get(f"/embed/coverage?minutes={minutes:g}" + (f"&at={at}" if at else ""))
    assert page.status_code == 200, page.text
    found = re.search(r"([\d.]+)%", page.text[page.text.index("<body") :])
    assert found, page.text
    return float(found[1]) / 100


def _number(share: float | None) -> float:
    assert share is not None
    return float(share)
