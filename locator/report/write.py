"""A report from a study's folder, into that folder: page, Word document, workbook, figures."""

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jinja2

from locator.errors import StudyError
from locator.paths import refuse_store, templates_dir
from locator.report.document import render_document
from locator.report.draft import Report
from locator.report.folder import DOCUMENT, FIGURES, PAGE, WORKBOOK
from locator.report.gaps import report_gaps
from locator.report.moments import report_moments
from locator.report.pictures import FIGURE_FILES, Image, draw_pictures
from locator.report.reading import GapsFolder, SitesFolder, read_folder
from locator.report.sites import report_sites
from locator.report.workbook import render_workbook
from locator.schema import Language
from locator.theme import PALETTE


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
    report = _report_of(folder, language)
    images = draw_pictures(report)
    files = {
        PAGE: render_page(report, images).encode(),
        DOCUMENT: render_document(report, images),
        WORKBOOK: render_workbook(report),
    }
    try:
        _put(folder, files, images)
    except OSError as error:
        raise StudyError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _report_of(folder: Path, language: Language) -> Report:
    study = read_folder(folder)
    if isinstance(study, GapsFolder):
        return report_gaps(study, language)
    if isinstance(study, SitesFolder):
        return report_sites(study, language)
    return report_moments(study, language)


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


def render_page(report: Report, images: Mapping[str, Image]) -> str:
    """Return a report as a page; what it holds is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    draft = report.draft
    return environment.get_template("report.html").render(
        language="zh-CN" if draft.language == "zh" else "en",
        title=report.title,
        blocks=[(type(block).__name__, block) for block in draft.blocks],
        images={name: _address(image) for name, image in images.items()},
        tokens=PALETTE,
        style=(templates_dir() / "report" / "report.css").read_text(encoding="utf-8"),
        dated=draft.dated(),
    )


def _address(image: Image) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(image.svg).decode()}"
