"""Hot zones and districts from files: Chinese and short names, projections, nothing by accident."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely
from click.testing import Result

from locator.store import GeoPackageStore
from tests.test_register_cases import CASES, write

REPLACE = ("--mode", "replace")


def test_zones_are_never_removed_by_accident(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    zones = store.read("hot_zones")
    some = zones.head(2).assign(demand_per_h=7.0)
    some.to_file(tmp_path / "z.gpkg")
    before = store.version()
    done = cli("hotzones", "import", tmp_path / "z.gpkg")
    assert done.exit_code == 1
    assert "47 of the store's 49 hot zones are not in z.gpkg" in done.output
    assert "--mode replace" in done.output
    assert store.version() == before
    done = cli("hotzones", "import", tmp_path / "z.gpkg", "--mode", "merge")
    assert "0 new, 2 changed, 0 removed" in done.output
    after = store.read("hot_zones").set_index("id")
    assert sorted(after.index) == sorted(zones["id"])
    assert after["demand_per_h"].loc[some["id"]].tolist() == [7.0, 7.0]


def test_one_bad_area_writes_nothing(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    before = store.version()
    done = cli("hotzones", "import", CASES / "hz.geojson")
    assert done.exit_code == 1
    assert "row 2, geometry 'Polygon': is no valid polygon: Self-intersection" in done.output
    assert "row 3, geometry 'Polygon': reaches latitude 107.1400" in done.output
    assert "are longitude and latitude exchanged?" in done.output
    assert "Nothing was written. 2 of 3 rows of hz.geojson are rejected" in done.output
    assert store.version() == before
    dry = cli("hotzones", "import", CASES / "hz.geojson", "--dry-run")
    assert dry.exit_code == 0
    assert "Dry run, nothing written: 1 new, 0 changed, 49 removed" in dry.output
    assert store.version() == before
    bad = tmp_path / "bad.csv"
    assert (
        cli("hotzones", "import", CASES / "hz.geojson", "--rejected", bad, *REPLACE).exit_code == 0
    )
    assert store.read("hot_zones")["id"].tolist() == ["cw"]
    assert len(bad.read_text("utf-8-sig").splitlines()) == 3


def test_a_rejected_row_leaves_the_stored_one(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    zones = store.read("hot_zones").head(3)
    shapes = zones.geometry.tolist()
    shapes[1] = shapely.Polygon([(107.3, 34.3), (107.4, 34.4), (107.4, 34.3), (107.3, 34.4)])
    zones.assign(demand_per_h=1.0).set_geometry(shapes, crs=4326).to_file(tmp_path / "z.gpkg")
    done = cli(
        "hotzones", "import", tmp_path / "z.gpkg", "--rejected", tmp_path / "bad.csv", *REPLACE
    )
    assert done.exit_code == 0, done.output
    after = store.read("hot_zones").set_index("id")
    assert sorted(after.index) == sorted(zones["id"])
    assert after["demand_per_h"].loc[zones["id"][1]] == zones["demand_per_h"][1]
    assert after["demand_per_h"].loc[zones["id"][0]] == 1.0


def test_a_shapefile_with_chinese_names_in_another_projection(
    cli: Callable[..., Result], store: GeoPackageStore
) -> None:
    before = store.read("hot_zones").head(10)
    done = cli("hotzones", "import", CASES / "hz_cn.shp", *REPLACE)
    assert done.exit_code == 0, done.output
    after = store.read("hot_zones")
    assert after["id"].tolist() == before["id"].tolist()
    assert after["name"].tolist() == before["name"].tolist()
    assert after["demand_per_h"].tolist() == before["demand_per_h"].tolist()
    assert shapely.hausdorff_distance(
        after.geometry.to_numpy(), before.geometry.to_numpy()
    ).max() < 1e-6  # fmt: skip


def test_names_that_a_dbf_shortens_are_known_again(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    zones = store.read("hot_zones").head(2)[["id", "name", "kind", "demand_per_h", "geometry"]]
    with pytest.warns(RuntimeWarning, match="laundered"):
        pyogrio.write_dataframe(zones, tmp_path / "z.shp", encoding="UTF-8")
    assert "demand_per" in gpd.read_file(tmp_path / "z.shp")
    assert cli("hotzones", "import", tmp_path / "z.shp", *REPLACE).exit_code == 0
    assert store.read("hot_zones")["demand_per_h"].tolist() == zones["demand_per_h"].tolist()


def test_foreign_columns_are_mapped_filled_and_named(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    shape = shapely.box(107.1, 34.3, 107.12, 34.32)
    frame = gpd.GeoDataFrame({"nr": ["a"], "商圈": ["甲"], "vol": ["1,200"], "x9": [1]},
                             geometry=[shape], crs=4326)  # fmt: skip
    frame.to_crs(4545).set_crs(3857, allow_override=True).to_file(tmp_path / "z.gpkg")
    names = write(tmp_path / "m.toml", '[columns]\nid="nr"\nname="商圈"\ndemand_per_h="vol"\n')
    done = cli(
        "hotzones", "import", tmp_path / "z.gpkg", "--map", names, "--set", "kind=商圈",
        "--crs", "EPSG:4545", "--datum", "wgs84", *REPLACE,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Columns that were not read: x9" in done.output
    (zone,) = store.read("hot_zones").itertuples()
    assert (zone.kind, zone.demand_per_h) == ("business_district", 1200.0)
    assert zone.geometry.equals_exact(shape, 1e-6) or zone.geometry.hausdorff_distance(shape) < 1e-6
    moved = cli("hotzones", "import", tmp_path / "z.gpkg", "--map", names, "--set", "kind=商圈",
                "--crs", "EPSG:4545", "--datum", "gcj02", "--dry-run")  # fmt: skip
    assert "0 new, 1 changed, 0 removed" in moved.output


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"id": "a", "name": "a", "kind": "other"}, "is empty; it is required"),
        ({"id": "a", "name": "a", "kind": "shop", "demand_per_h": 1}, "must be one of"),
        ({"id": "a", "name": "a", "kind": "other", "demand_per_h": -1}, "0 or more"),
        ({"id": "b", "name": "a", "kind": "other", "demand_per_h": 1}, "stands already in row 1"),
        (
            {"id": "a", "name": "a", "kind": "other", "demand_per_h": 1, "profile": [1, 2]},
            "must be 168 numbers",
        ),
    ],
)
def test_a_cell_of_an_area_is_said_with_its_place(
    cli: Callable[..., Result], tmp_path: Path, properties: dict[str, object], reason: str
) -> None:
    shape = shapely.geometry.mapping(shapely.box(107.1, 34.3, 107.12, 34.32))
    good = {"id": "b", "name": "b", "kind": "other", "demand_per_h": 1}
    features = [
        {"type": "Feature", "properties": item, "geometry": shape} for item in (good, properties)
    ]
    path = write(
        tmp_path / "z.geojson", json.dumps({"type": "FeatureCollection", "features": features})
    )
    done = cli("hotzones", "import", path)
    assert done.exit_code == 1
    assert "row 2" in done.output
    assert reason in done.output
    study = cli("gaps", "--minutes", "5", "--hot-zones", path, "--out", tmp_path / "out")
    assert (study.exit_code, reason in study.output) == (2, True)
    assert not (tmp_path / "out").exists()


def test_zones_outside_the_districts_are_doubted(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    zones = store.read("hot_zones").head(2)
    frame = zones.set_geometry(shapely.transform(zones.geometry.to_numpy(), lambda c: c - [20, 0]))
    frame.set_crs(4326, allow_override=True).to_file(tmp_path / "z.gpkg")
    done = cli("hotzones", "import", tmp_path / "z.gpkg", "--dry-run")
    assert "2 of 2 lie outside the known districts" in done.output


def test_districts_come_in_the_same_way(
    cli: Callable[..., Result], store: GeoPackageStore, tmp_path: Path
) -> None:
    districts = store.read("districts")[["id", "name", "geometry"]]
    districts.rename(columns={"id": "编号", "name": "名称"}).to_file(
        tmp_path / "d.shp", encoding="GBK"
    )
    done = cli("districts", "import", tmp_path / "d.shp")
    assert done.exit_code == 0, done.output
    assert store.read("districts")["name"].tolist() == districts["name"].tolist()


def test_a_column_of_costs_that_is_not_read_is_refused(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.csv", "编号,名称,经度,纬度,建设费（万元）\nC1,甲,107.15,34.37,5\n")
    asked = ("site", "--budget", "5", "--minutes", "5", "--candidates", path)
    done = cli(*asked, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "'建设费（万元）' looks like costs and was not read" in done.output
