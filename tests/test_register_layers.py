"""Registers out for other maps: KML and Shapefile, whole or not at all, and back again."""

import errno
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from click.testing import Result
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from locator.errors import RegisterError
from locator.intake import import_register
from locator.paths import written_together
from locator.register import FORMATS, parse_table, read_table, write_register
from locator.schema import LAYERS, Datum, Host
from locator.store import Change, GeoPackageStore

PARTS = ["out.cpg", "out.dbf", "out.prj", "out.shp", "out.shx"]
HOSTILE = '<b>经二路</b> & "驿站" ]]> 🛵 <![CDATA[x]]> &amp;'


def names_in(folder: Path) -> list[str]:
    """Return what lies in a folder, the test's store aside."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("store."))


def stations_named(store: GeoPackageStore, name: str, notice: str = "") -> gpd.GeoDataFrame:
    """Return three of the shipped stations, the first with a name and a notice of its own."""
    stations = store.read("stations").head(3)
    stations["name"] = [name, *stations["name"].iloc[1:]]
    stations["notice"] = [notice or None, *stations["notice"].iloc[1:]]
    return stations


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".kml", ".shp"])
@pytest.mark.parametrize("language", [None, "zh", "en"])
def test_the_register_survives_there_and_back(
    cli: Callable[..., Result],
    store: GeoPackageStore,
    tmp_path: Path,
    ending: str,
    language: str | None,
) -> None:
    stations = store.read("stations")
    stations = stations.assign(source_datum=[*["bd09mc"] * 60, *["gcj02"] * 60])
    store.apply(Change("stations", stations), actor="test")
    path = tmp_path / f"out{ending}"
    options = ["--language", language] if language else []
    told = cli("stations", "export", path, *options)
    assert told.exit_code == 0, told.output
    again = import_register(store, path, datum=Datum.WGS84, actor="test")
    assert not again.tally.faults
    assert not again.tally.unread_columns
    assert again.revision is not None
    assert (again.revision.unchanged, again.revision.updated) == (len(stations), 0)


@pytest.mark.parametrize("ending", [".kml", ".shp"])
def test_texts_that_look_like_markup_stay_texts(
    store: GeoPackageStore, tmp_path: Path, ending: str
) -> None:
    frame = stations_named(store, HOSTILE, notice="{{ 7*7 }} <script>")
    path = tmp_path / f"out{ending}"
    write_register(frame, path)
    again = parse_table(read_table(path), datum=Datum.WGS84).stations
    assert again["name"].tolist() == frame["name"].tolist()
    assert again["notice"].tolist()[0] == "{{ 7*7 }} <script>"
    assert again["id"].tolist() == frame["id"].tolist()


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=60))
def test_any_name_survives_a_kml(store: GeoPackageStore, tmp_path: Path, text: str) -> None:
    name = " ".join(text.split()) or "站"
    assume(name.casefold() not in {"null", "<null>", "nan", "n/a", "#n/a", "[]"})  # no name
    write_register(stations_named(store, name), tmp_path / "any.kml")
    again = parse_table(read_table(tmp_path / "any.kml"), datum=Datum.WGS84).stations
    assert again["name"].tolist()[0] == name


def test_gdal_reads_what_is_exported(store: GeoPackageStore, tmp_path: Path) -> None:
    stations = store.read("stations")
    for name in ("out.kml", "out.shp"):
        write_register(stations, tmp_path / name, language="zh")
        frame = gpd.read_file(tmp_path / name)
        assert frame.crs.to_epsg() == 4326
        names = frame["Name" if name.endswith("kml") else "name"].tolist()
        assert names == stations["name"].tolist()
        assert frame.geometry.geom_equals_exact(stations.geometry, 1e-9).all()
    assert (tmp_path / "out.cpg").read_text() == "UTF-8"
    assert set(frame["host"].dropna()) <= {host.zh for host in Host}
    assert names_in(tmp_path) == sorted([*PARTS, "out.kml"])


def test_a_shapefiles_column_names_stay_apart() -> None:
    short = [column.name[:10] for column in LAYERS["stations"].columns]
    assert len(set(short)) == len(short)


def test_an_empty_register_is_written_too(store: GeoPackageStore, tmp_path: Path) -> None:
    for ending in FORMATS:
        write_register(store.read("stations").iloc[:0], tmp_path / f"out{ending}")
        assert (tmp_path / f"out{ending}").stat().st_size > 0


@pytest.mark.parametrize("text", ["x" * 254, "站" * 84])
def test_a_text_that_just_fits_a_shapefile_is_whole(
    store: GeoPackageStore, tmp_path: Path, text: str
) -> None:
    frame = stations_named(store, "站", notice=text)
    write_register(frame, tmp_path / "out.shp")
    again = parse_table(read_table(tmp_path / "out.shp"), datum=Datum.WGS84).stations
    assert again["notice"].tolist()[0] == text


@pytest.mark.parametrize("text", ["x" * 255, "站" * 85])
def test_a_text_that_a_shapefile_would_cut_is_refused(
    store: GeoPackageStore, tmp_path: Path, text: str
) -> None:
    frame = stations_named(store, "站", notice=text)
    with pytest.raises(RegisterError, match=r"notice of the station '\S+' has 255 bytes.*\.gpkg"):
        write_register(frame, tmp_path / "out.shp")
    assert names_in(tmp_path) == []


def test_a_shapefile_replaces_an_earlier_one_and_its_indexes(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    stations = store.read("stations")
    write_register(stations, tmp_path / "out.shp")
    (tmp_path / "out.qix").write_bytes(b"an index of the earlier points")
    (tmp_path / "out.qml").write_text("the reader's own style")
    write_register(stations.head(2), tmp_path / "out.shp")
    assert names_in(tmp_path) == sorted([*PARTS, "out.qml"])
    assert pyogrio.read_info(tmp_path / "out.shp")["features"] == 2


@pytest.mark.parametrize("failing", range(10))
def test_a_set_that_cannot_be_moved_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Five files go, five come; the disk refuses one of the moves."""
    ends = ("shx", "dbf", "prj", "cpg")
    for end in ("shp", *ends):
        (tmp_path / f"out.{end}").write_text("earlier")
    moves, replace = [], Path.replace

    def refuse_one(self: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) == failing + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_one)

    def write() -> None:
        with written_together(tmp_path / "out.shp", [f".{end}" for end in ends]) as draft:
            for end in ("shp", *ends):
                draft.with_suffix(f".{end}").write_text("new")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert names_in(tmp_path) == PARTS
    assert {path.read_text() for path in tmp_path.iterdir()} == {"earlier"}


def test_while_a_set_is_being_moved_none_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.shp").write_text("earlier")
    (tmp_path / "out.dbf").write_text("earlier")
    seen, replace = [], Path.replace

    def watch(self: Path, target: Path) -> Path:
        done = replace(self, target)
        files = (tmp_path / "out.shp", tmp_path / "out.dbf")
        seen.append([file.read_text() if file.exists() else "" for file in files])
        return done

    monkeypatch.setattr(Path, "replace", watch)
    with written_together(tmp_path / "out.shp", [".dbf"]) as draft:
        draft.write_text("new")
        draft.with_suffix(".dbf").write_text("new")
    assert seen == [["", "earlier"], ["", ""], ["", "new"], ["new", "new"]]


def test_a_folder_in_the_place_of_a_shapefile_is_one_sentence(
    store: GeoPackageStore, tmp_path: Path
) -> None:
    (tmp_path / "out.shp").mkdir()
    with pytest.raises(RegisterError, match="not a regular file"):
        write_register(stations_named(store, "站"), tmp_path / "out.shp")


def test_a_kml_of_another_program_keeps_its_own_id(tmp_path: Path) -> None:
    """GDAL calls a placemark's attribute id, and the file's own column id2."""
    frame = pd.DataFrame({"ID": ["7"], "name": ["站"], "类型": ["换电柜"]})
    points = gpd.points_from_xy([107.15], [34.37], crs="EPSG:4326")
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(frame, geometry=points), tmp_path / "q.kml", driver="KML"
    )
    found = parse_table(read_table(tmp_path / "q.kml"), datum=Datum.WGS84)
    assert found.stations["id"].tolist() == ["7"]
    placemark = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark id="p1"><name>站</name>'
        "<ExtendedData><Data name='kind'><value>rest_post</value></Data></ExtendedData>"
        "<Point><coordinates>107.15,34.37,0</coordinates></Point></Placemark></Document></kml>"
    )
    (tmp_path / "g.kml").write_text(placemark, "utf-8")
    found = parse_table(read_table(tmp_path / "g.kml"), datum=Datum.WGS84)
    assert found.stations["id"].tolist() == ["p1"]
