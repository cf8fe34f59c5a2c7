"""A study's folder on the disk: refused, replaced whole, or not touched, and what is in it."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from locator.errors import StudyError
from locator.paths import refuse_store
from locator.register import guard_cell, write_rejected
from locator.report import FIGURE_FILES
from locator.report.folder import FIGURES, MANIFEST, REJECTED, TABLES, Made
from locator.schema import CRS
from locator.study.measure import GapsInputs, Study

Layer = tuple[str, gpd.GeoDataFrame, str]  # its name, its rows, and what they are: Point, ...


def check_folder(
    out: Path, files: frozenset[str], inside: Mapping[str, frozenset[str]] | None = None
) -> None:
    """Refuse a folder that holds anything but an earlier study's files and figures.

    Parameters
    ----------
    files
        Names that an earlier study may have left in ``out``; they are replaced.
    inside
        The same for folders in ``out``.

    Raises
    ------
    StudyError
        It is a file, the current folder, or holds other files.
    InputError
        One of the files is a locator's store.
    """
    inside = {FIGURES: FIGURE_FILES, **(inside or {})}
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            raise StudyError(f"{place} is a file; name a folder with --out.")
    if out.resolve() == Path.cwd():
        raise StudyError(f"{out} is the folder you are in; name another with --out.")
    known = files | set(inside)
    others = sorted(p.name for p in out.iterdir() if p.name not in known) if out.is_dir() else []
    for name, allowed in inside.items():
        folder = out / name
        if folder.is_dir():
            others += sorted(f"{name}/{p.name}" for p in folder.iterdir() if p.name not in allowed)
    for name in sorted(files):
        refuse_store(out / name)
    if others:
        raise StudyError(f"{out} holds other files ({others[0]}); name a new folder with --out.")


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Say in one sentence what keeps a place from being written.

    Raises
    ------
    StudyError
        The block could not write.
    """
    try:
        yield
    except OSError as error:
        raise StudyError(f"{out} cannot be written: {error.strerror or error}.") from error
    except pyogrio.errors.DataSourceError as error:
        raise StudyError(f"{out} cannot be written: {error}.") from error


@contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``out`` if the block ends well.

    Raises
    ------
    StudyError
        The place cannot be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            draft = Path(folder) / "run"
            draft.mkdir()
            yield draft
            if out.exists():
                out.rename(Path(folder) / "earlier")
            draft.rename(out)
            shutil.rmtree(Path(folder) / "earlier", ignore_errors=True)


def write_results(
    folder: Path,
    inputs: GapsInputs,
    summary: Made,
    tables: Mapping[str, object],
    *,
    csv: tuple[str, pd.DataFrame],
    layers: tuple[str, Iterable[Layer]],
    geojson: tuple[str, str, gpd.GeoDataFrame],
) -> None:
    """Write what every study leaves into an empty folder, its manifest and tables first.

    Parameters
    ----------
    inputs
        What was measured, for its rejected points.
    csv, layers, geojson
        The names of the files, and what they hold; of GeoJSON the name of the layer too.
    """
    write_json(folder / MANIFEST, summary)
    write_json(folder / TABLES, tables)
    write_csv(folder / csv[0], csv[1])
    with _dated(datetime.fromisoformat(summary["made_at"])):
        for layer in layers[1]:
            write_layer(folder / layers[0], *layer)
        name, layer_name, frame = geojson
        write_geojson(folder / name, layer_name, frame)
    if inputs.rejected:
        write_rejected(inputs.rejected, inputs.header, folder / REJECTED)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a manifest or tables; NaN and infinity are refused."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table for a spreadsheet, none of whose texts it runs."""
    table = table.copy()
    for column in table.columns:
        # Names are other people's text.
        if any(isinstance(value, str) for value in table[column]):
            values = [guard_cell(v) if isinstance(v, str) else v for v in table[column]]
            table[column] = pd.Series(values, dtype=object, index=table.index)
    table.to_csv(path, index=False, encoding="utf-8-sig")


def background_layers(study: Study, stations: gpd.GeoDataFrame) -> Iterator[Layer]:
    """Yield what a map of a study stands on; hot zones with the demand that was measured."""
    snapshot, zones = study.inputs.snapshot, study.inputs.hot_zones
    yield "stations", stations, "Point"
    if zones is not None:
        zones = zones.assign(demand_per_h=study.demand_per_h).to_crs(CRS)
        yield "hot_zones", zones, "MultiPolygon"
    yield "districts", snapshot.districts, "MultiPolygon"
    yield "places", snapshot.places, "Point"


def write_layer(path: Path, layer: str, frame: gpd.GeoDataFrame, geometry_type: str) -> None:
    """Write a frame as one layer of a GeoPackage."""
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer,
        driver="GPKG",
        geometry_type=geometry_type,
        promote_to_multi=geometry_type.startswith("Multi"),
    )


def write_geojson(
    path: Path, layer: str, frame: gpd.GeoDataFrame, geometry_type: str | None = None
) -> None:
    """Write a frame as GeoJSON."""
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer,
        driver="GeoJSON",
        geometry_type=geometry_type,
        promote_to_multi=None if geometry_type is None else geometry_type.startswith("Multi"),
        layer_options={"COORDINATE_PRECISION": "7", "RFC7946": "YES"},
    )


@contextmanager
def _dated(moment: datetime) -> Iterator[None]:
    """Have GDAL date what it writes by the study's clock: the same input gives the same bytes."""
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    pyogrio.set_gdal_config_options({key: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({key: before})
