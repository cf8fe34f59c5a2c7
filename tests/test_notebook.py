"""The notebook runs as it is read, and what it shows holds in a browser without a network."""

import ast
import json
import os
import subprocess
import sys
from html import escape
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from playwright.sync_api import Page

import locator
from locator.errors import InputError
from locator.nearest import OpenRule
from locator.notebook import facts_table
from locator.schema import Amenity
from locator.service import Service, open_service
from locator.settings import Settings
from locator.store import GeoPackageStore, open_store
from tests.conftest import MONDAY_NOON

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "notebook.ipynb"
OFFERED = list(Amenity)
HOSTILE = "</table><img src=x onerror=alert(1)>"


def sources(kind: str) -> list[str]:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def run_cell(source: str, names: dict[str, object]) -> object:
    """Run a cell as Jupyter does: all its lines, and the value of the last if it is one."""
    *lines, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        lines, last = [*lines, last], None
    exec(compile(ast.Module(lines, []), "<cell>", "exec"), names)
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], dict[str, object]]:
    """Run the notebook once in an empty folder; return what its cells show, and its names."""
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("reader"))
        shown = [run_cell(source, names) for source in sources("code")]
    return shown, names


def html_of(value: object) -> str:
    return str(value._repr_html_())  # type: ignore[attr-defined]


def test_the_notebook_is_a_notebook_without_outputs() -> None:
    """Version 4.5 of the format: ids of cells; nothing kept of a run, so that diffs are read."""
    book = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_it_is_said_in_both_languages() -> None:
    for text in sources("markdown"):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text)
        assert sum(letter.isascii() and letter.isalpha() for letter in text) > 30


@pytest.mark.slow
def test_every_cell_runs_and_shows_what_a_person_wants_to_see(
    ran: tuple[list[object], dict[str, object]],
) -> None:
    shown, names = ran
    register, cabinets, near, covered, gaps, siting, sites, drawn, end = shown
    assert "<td>120</td>" in html_of(register)
    assert len(cabinets) == 3  # type: ignore[arg-type]
    assert near["rank"].tolist() == [1, 2, 3]  # type: ignore[index]
    assert near["ride_s"].is_monotonic_increasing  # type: ignore[index]
    assert f"{names['covered'].covered_share:.1%}" in html_of(covered)  # type: ignore[attr-defined]
    assert gaps["rank"].tolist() == [1, 2, 3, 4, 5]  # type: ignore[index]
    assert "MCLP" in html_of(siting)
    assert np.shape(sites) == (3, 2)
    assert "srcdoc" in html_of(drawn)
    assert end is None


@pytest.mark.slow
def test_the_covered_share_is_that_of_the_recipe(
    ran: tuple[list[object], dict[str, object]], settings: Settings
) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/gap_analysis.py", "--minutes", "5"],
        cwd=NOTEBOOK.parents[1],
        env=os.environ | {"LOCATOR_STORE": settings.store},
        capture_output=True,
        text=True,
        check=True,
    )
    share = ran[1]["covered"].covered_share  # type: ignore[attr-defined]
    assert done.stdout.startswith(f"5 min: {share:.1%} covered")


@pytest.mark.slow
@pytest.mark.browser
def test_what_the_notebook_shows_holds_in_a_browser_without_a_network(
    ran: tuple[list[object], dict[str, object]], page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    parts = [html_of(value) for value in ran[0] if hasattr(value, "_repr_html_")]
    assert len(parts) == 7
    page.set_content(f"<!DOCTYPE html><body>{''.join(parts)}</body>")
    frame = page.frame_locator("iframe")
    frame.locator(".leaflet-marker-icon, path.leaflet-interactive").first.wait_for()
    assert frame.locator("figcaption").inner_text()
    assert page.locator("caption").count() == 3
    foreign = [url for url in asked if not url.startswith(("about:", "data:"))]
    assert foreign == []


def test_a_fact_is_escaped() -> None:
    text = facts_table(
        HOSTILE, {HOSTILE: HOSTILE, "share": 0.123456789, "unknown": None, "none": float("nan")}
    )
    assert "<img" not in text
    assert text.count(escape(HOSTILE)) == 3
    assert "0.123457" in text
    assert "<td>?</td>" in text
    assert "<td>—</td>" in text


def test_a_register_with_a_hostile_version_shows_it_as_text(service: Service) -> None:
    from dataclasses import replace

    text = replace(service.snapshot(), version=HOSTILE)._repr_html_()
    assert "<img" not in text


def test_a_table_of_the_nearest_says_what_the_arrays_say(service: Service) -> None:
    """Two origins, the second far from every station that is open at night: fewer rows."""
    city = service.snapshot()
    origins = [(107.1489, 34.3692), (107.9, 34.2)]
    found = city.index.find(origins, at=MONDAY_NOON, k=4, rule=OpenRule.YES)
    table = found.to_frame(city.stations)
    assert len(table) == (found.index >= 0).sum()
    for origin in (0, 1):
        rows = table[table["origin"] == origin]
        listed = list(found.of(origin))
        assert rows["id"].tolist() == [city.stations["id"].iloc[own.row] for own in listed]
        assert rows["ride_s"].tolist() == [own.ride_s for own in listed]
        assert rows["state"].tolist() == [own.state.value for own in listed]
        closes = [None if own.closes_at is None else own.closes_at for own in listed]
        said = rows["closes_at"].astype(object).where(rows["closes_at"].notna(), None).tolist()
        assert said == closes
        places = [(p.x, p.y) for p in rows.geometry]
        assert places == [tuple(city.index.lonlat[own.row]) for own in listed]
    assert table.crs.to_epsg() == 4326


def test_nothing_found_is_an_empty_table(service: Service) -> None:
    from locator.nearest import StationFilter

    city = service.snapshot()
    every = StationFilter(services=frozenset(OFFERED))  # no station offers all of them
    table = city.index.find([(0.0, 0.0)], at=MONDAY_NOON, k=1, chosen=every).to_frame(city.stations)
    assert table.empty
    assert str(table["closes_at"].dt.tz) == "Asia/Shanghai"


def test_a_store_is_opened_by_its_path_or_its_address(store: GeoPackageStore) -> None:
    for where in (store.path, str(store.path), f"geopackage:{store.path}"):
        with open_store(where) as opened, open_service(where) as service:
            assert opened.version() == service.snapshot().version == store.version()


def test_the_package_loads_its_doors_only_when_they_are_asked_for() -> None:
    assert locator.open_store is open_store
    assert locator.open_service is open_service
    assert {"open_store", "open_service"} <= set(dir(locator))
    with pytest.raises(AttributeError, match="open_sesame"):
        _ = locator.open_sesame  # type: ignore[attr-defined]


def test_importing_the_package_loads_no_library() -> None:
    program = (
        "import sys, locator; print(sorted(m for m in sys.modules if m.startswith('locator')))"
    )
    heavy = "print({'numpy', 'pandas', 'click', 'flask', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {heavy}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['locator']", "set()"]


@pytest.mark.slow
def test_the_rooms_of_the_notebook_come_by_their_names() -> None:
    program = (
        "from locator import coverage, maps, nearest, open_store, siting; print(siting.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "locator.siting\n"


def test_what_a_snapshot_hands_out_cannot_change_it(service: Service) -> None:
    snapshot = service.snapshot()
    for name in ("stations", "hot_zones", "districts", "places"):
        taken = getattr(snapshot, name)
        taken["name"] = "changed"
        taken.loc[0, "id"] = "changed"
        del taken["provenance"]
        taken.geometry = taken.geometry.translate(1)
        again = getattr(snapshot, name)
        assert "changed" not in set(again["name"]) | set(again["id"])
        assert "provenance" in again
        assert not again.geometry.geom_equals(taken.geometry).any()
    taken = snapshot.index.stations
    taken.loc[0, "opening_hours"] = "24/7"
    assert snapshot.index.stations.equals(snapshot.stations)
    with pytest.raises(ValueError, match="read-only"):
        snapshot.index.lonlat[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        snapshot.district_rows[0] = 0


def test_places_in_any_system_are_found_and_none_is_guessed(service: Service) -> None:
    index, noon = service.snapshot().index, MONDAY_NOON
    lonlat = [[107.1489, 34.3692], [107.2, 34.3]]
    places = gpd.GeoSeries.from_xy(*zip(*lonlat, strict=True), crs="EPSG:4326")
    expected = index.find(lonlat, at=noon)
    for crs in ("EPSG:4326", "EPSG:3857", "EPSG:4545"):
        for given in (places.to_crs(crs), places.to_crs(crs).to_frame("geometry")):
            found = index.find(given, at=noon)
            assert (found.index == expected.index).all()
            assert np.allclose(found.distance_m, expected.distance_m, atol=0.01)
    with pytest.raises(InputError, match="no coordinate system"):
        index.find(places.set_crs(None, allow_override=True), at=noon)
    with pytest.raises(InputError, match="all be points"):
        index.find(places.to_crs("EPSG:4545").buffer(1), at=noon)
    with pytest.raises(InputError, match="all be points"):
        index.find(gpd.GeoSeries([None], crs="EPSG:4326"), at=noon)
