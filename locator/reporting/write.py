"""A report from a study's folder, into that folder: page, Word document, workbook, figures."""

import tempfile
from pathlib import Path

import geopandas as gpd

from locator.datum import geodesic_m
from locator.errors import StudyError
from locator.paths import refuse_store
from locator.reporting.document import render_document
from locator.reporting.draft import Draft
from locator.reporting.folder import StudyFolder, read_folder
from locator.reporting.method import add_appendix, add_method
from locator.reporting.opening import add_opening, title_of
from locator.reporting.page import render_page
from locator.reporting.pictures import PICTURES, Image, draw_pictures
from locator.reporting.sections import add_sections
from locator.reporting.workbook import render_workbook
from locator.schema import Language

__all__ = ["FIGURES", "FIGURE_FILES", "REPORT_FILES", "write_report"]

_PAGE, _DOCUMENT, _WORKBOOK, FIGURES = "report.html", "report.docx", "tables.xlsx", "figures"
REPORT_FILES = (_PAGE, _DOCUMENT, _WORKBOOK, FIGURES)
FIGURE_FILES = frozenset(f"{name}.{ending}" for name in PICTURES for ending in ("png", "svg"))
_CITY_WITHIN_M = 60_000.0


def write_report(folder: Path, *, language: Language) -> None:
    """Write the report of a study into its folder; it follows from what the folder holds alone.

    ``report.html``, ``report.docx``, ``tables.xlsx`` and the folder ``figures`` (PNG at 300 dpi
    and SVG) take the place of earlier ones, only once all of them are made.

    Parameters
    ----------
    folder
        Of a study, as :func:`locator.study.run_gaps` writes it.
    language
        ``zh`` or ``en``.

    Raises
    ------
    InputError
        It is no folder of a study, or not of this locator's.
    StudyError
        The report cannot be written.
    """
    study = read_folder(folder)
    draft = Draft(study, language, names=_names(study, language))
    title = title_of(draft, _city(study, language))
    add_opening(draft)
    add_sections(draft)
    add_method(draft)
    add_appendix(draft)
    images = draw_pictures(draft)
    files = {
        _PAGE: render_page(draft, images, title=title).encode(),
        _DOCUMENT: render_document(draft, images, title=title),
        _WORKBOOK: render_workbook(draft, title=title),
    }
    try:
        _put(folder, files, images)
    except OSError as error:
        raise StudyError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _put(folder: Path, files: dict[str, bytes], images: dict[str, Image]) -> None:
    """Write everything beside its place first, then move it there."""
    for name in files:
        refuse_store(folder / name)
    for name, image in images.items():
        files |= {f"{FIGURES}/{name}.png": image.png, f"{FIGURES}/{name}.svg": image.svg}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".report-") as place:
        draft = Path(place)
        (draft / FIGURES).mkdir()
        (folder / FIGURES).mkdir(exist_ok=True)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        for name in files:
            (draft / name).replace(folder / name)
    for name in FIGURE_FILES:  # those of an earlier report that this one does not have
        if f"{FIGURES}/{name}" not in files:
            (folder / FIGURES / name).unlink(missing_ok=True)


def _names(study: StudyFolder, language: Language) -> dict[str, str]:
    """Return the English names of districts and places, where they have one."""
    if language != "en":
        return {}
    names: dict[str, str] = {}
    for layer in ("places", "districts"):
        frame = study.layers.get(layer)
        if frame is not None and {"name", "name_en"} <= set(frame.columns):
            known = frame.dropna(subset=["name", "name_en"])
            names |= dict(zip(known["name"].map(str), known["name_en"].map(str), strict=True))
    return names


def _city(study: StudyFolder, language: Language) -> str:
    """Return the largest city near what is measured; none where no place says so."""
    places, area = study.layers.get("places"), _area(study)
    if places is None or area is None or "kind" not in places:
        return ""
    cities = places[places["kind"] == "city"]
    west, south, east, north = (float(edge) for edge in area.total_bounds)
    if cities.empty:
        return ""
    x, y = cities.geometry.x.to_numpy(), cities.geometry.y.to_numpy()
    metres = geodesic_m(x, y, 0 * x + (west + east) / 2, 0 * y + (south + north) / 2)
    near = cities[metres <= _CITY_WITHIN_M]
    if near.empty:
        return ""
    first = near.sort_values("population", ascending=False).iloc[0]
    english = first.get("name_en") if language == "en" else None
    return str(english or first["name"])


def _area(study: StudyFolder) -> gpd.GeoDataFrame | None:
    for layer in ("hot_zones", "gaps", "stations"):
        frame = study.layers.get(layer)
        if frame is not None and len(frame):
            return frame
    return None
