"""A report from a study's folder, into that folder: page, Word document, workbook, figures."""

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jinja2

from locator.errors import StudyError
from locator.paths import refuse_store, templates_dir
from locator.reporting.document import render_document
from locator.reporting.draft import Draft, Paper
from locator.reporting.folder import read_folder
from locator.reporting.method import add_appendix, add_method
from locator.reporting.names import city_of, english_names
from locator.reporting.opening import add_opening, title_of
from locator.reporting.pictures import PICTURES, Image, draw_pictures
from locator.reporting.sections import add_sections
from locator.reporting.sites.make import draw_up
from locator.reporting.sites.pictures import SITE_PICTURES
from locator.reporting.sites.read import is_comparison, is_siting
from locator.reporting.workbook import render_workbook
from locator.schema import Language
from locator.theme import PALETTE

__all__ = ["FIGURES", "FIGURE_FILES", "REPORT_FILES", "write_report"]

_PAGE, _DOCUMENT, _WORKBOOK, FIGURES = "report.html", "report.docx", "tables.xlsx", "figures"
REPORT_FILES = (_PAGE, _DOCUMENT, _WORKBOOK, FIGURES)
_NAMES = (*PICTURES, *SITE_PICTURES)
FIGURE_FILES = frozenset(f"{name}.{ending}" for name in _NAMES for ending in ("png", "svg"))
_AREAS = ("hot_zones", "gaps", "stations")


def write_report(folder: Path, *, language: Language) -> None:
    """Write the report of a study into its folder; it follows from what the folder holds alone.

    ``report.html``, ``report.docx``, ``tables.xlsx`` and the folder ``figures`` (PNG at 300 dpi
    and SVG) take the place of earlier ones, only once all of them are made.

    Parameters
    ----------
    folder
        Of a study of gaps or of sites, or of sites at several moments, as
        :func:`locator.study.run_gaps` and :func:`locator.study.run_sites` write it.
    language
        ``zh`` or ``en``.

    Raises
    ------
    InputError
        It is no folder of a study, or not of this locator's.
    StudyError
        The report cannot be written.
    """
    siting = is_comparison(folder) or is_siting(folder)
    drawn_up = draw_up(folder, language) if siting else _gaps(folder, language)
    draft, title, images, workbook = drawn_up
    files = {
        _PAGE: render_page(draft, images, title=title).encode(),
        _DOCUMENT: render_document(draft, images, title=title),
        _WORKBOOK: workbook,
    }
    try:
        _put(folder, files, images)
    except OSError as error:
        raise StudyError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _gaps(folder: Path, language: Language) -> tuple[Paper, str, dict[str, Image], bytes]:
    """Return the draft of a gap study's report, its title, its pictures and its workbook."""
    study = read_folder(folder)
    draft = Draft(study, language, names=english_names(study.layers, language))
    title = title_of(draft, city_of(study.layers, _AREAS, language))
    add_opening(draft)
    add_sections(draft)
    add_method(draft)
    add_appendix(draft)
    return draft, title, draw_pictures(draft), render_workbook(draft, title=title)


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


def render_page(draft: Paper, images: Mapping[str, Image], *, title: str) -> str:
    """Return a draft as a page; what it holds is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    head = draft.head
    return environment.get_template("report.html").render(
        language="zh-CN" if draft.language == "zh" else "en",
        title=title,
        blocks=[(type(block).__name__, block) for block in draft.blocks],
        images={name: _address(image) for name, image in images.items()},
        tokens=PALETTE,
        style=(templates_dir() / "report" / "report.css").read_text(encoding="utf-8"),
        dated=draft.say(
            f"{head.made_at[:10]}　数据 {head.data_hash}",
            f"{head.made_at[:10]} · data {head.data_hash}",
        ),
    )


def _address(image: Image) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(image.svg).decode()}"
