"""A report as a Word document: A4, headings, captions, repeated table headers, page numbers."""

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree as ET  # of our own files only

import docx
from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph

from locator.report.blocks import (
    Band,
    Block,
    Facts,
    Grid,
    Heading,
    Picture,
    Points,
    Signatures,
    Text,
)
from locator.report.draft import Draft, Report
from locator.report.pictures import Image
from locator.theme import PALETTE

_LATIN = "Arial"
_BODY, _HEADS = "宋体", "黑体"  # named for East Asian text; both come with Windows and WPS
_WIDTH_MM = 174.0
_LETTER_MM, _PADDING_MM = 1.75, 5.5  # of a wide face at 8.5 points; a cell's left and right
_SHORT_TABLE, _FIRST_ROWS = 16, 3  # rows, the header with them
_ENOUGH, _SHORT = 40.0, 10.0  # letters of a line that need not be longer, that stays whole
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
# What XML 1.0 has no place for.
_NOT_FOR_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Any library may tell Python's XML writer of other prefixes, so the usual ones are put back.
_PREFIXES = {
    b"http://schemas.openxmlformats.org/package/2006/metadata/core-properties": b"cp",
    b"http://purl.org/dc/elements/1.1/": b"dc",
    b"http://purl.org/dc/terms/": b"dcterms",
    b"http://www.w3.org/2001/XMLSchema-instance": b"xsi",
}
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def render_document(report: Report, images: Mapping[str, Image]) -> bytes:
    """Return a report as the bytes of a .docx; texts are runs, so nothing in them is markup."""
    draft, title = report.draft, report.title
    made = datetime.fromisoformat(draft.made["made_at"]).astimezone(UTC)
    document = docx.Document()
    _set_up(document, draft, title, made.replace(tzinfo=None))
    heading = document.add_heading(clean_text(title), level=0)
    heading.paragraph_format.space_after = Pt(2)
    document.add_paragraph(clean_text(draft.dated()), style="Subtitle")
    for number, block in enumerate(draft.blocks):
        _add(document, block, images, number)
        following = draft.blocks[number + 1] if number + 1 < len(draft.blocks) else None
        if isinstance(block, Text) and isinstance(following, Grid | Picture):
            document.paragraphs[-1].paragraph_format.keep_with_next = True
    stream = io.BytesIO()
    document.save(stream)
    return repack(stream.getvalue(), modified=f"{made:%Y-%m-%dT%H:%M:%SZ}")


def _set_up(document: Document, draft: Draft, title: str, made: datetime) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(18)
    about = document.core_properties
    about.title, about.author = clean_text(title)[:255], draft.made["program"][:255]
    about.language = "zh-CN" if draft.language == "zh" else "en"
    about.created = about.modified = made
    about.last_modified_by, about.comments = "", ""
    _font(document, "Normal", 10, _BODY)
    _font(document, "List Bullet", 10, _BODY)
    _style(document, "Normal").paragraph_format.space_after = Pt(4)
    _font(document, "Title", 20, _HEADS)
    _font(document, "Subtitle", 10.5, _BODY, "ink-quiet")
    _font(document, "Heading 1", 14, _HEADS)
    _font(document, "Heading 2", 11.5, _HEADS)
    _font(document, "Caption", 9, _HEADS, "ink-quiet")
    for name in ("Title", "Subtitle", "Heading 1", "Heading 2"):
        _style(document, name).paragraph_format.keep_with_next = True
    _language(document)
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _field(footer, "PAGE", "1")
    footer.add_run(" / ")
    _field(footer, "NUMPAGES", "1")


def _style(document: Document, name: str) -> ParagraphStyle:
    style = document.styles[name]
    assert isinstance(style, ParagraphStyle)  # noqa: S101 - one of the template's own
    return style


def _font(document: Document, name: str, size: float, east: str, colour: str = "ink") -> None:
    style = _style(document, name)
    style.font.name, style.font.size = _LATIN, Pt(size)
    style.font.italic = False
    style.font.color.rgb = RGBColor.from_string(PALETTE[colour].removeprefix("#").upper())
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{attribute}"), None)
    fonts.set(qn("w:eastAsia"), east)


def _language(document: Document) -> None:
    """Say which Chinese is meant: without it punctuation is set as in Taiwan or Japan."""
    properties = _style(document, "Normal").element.get_or_add_rPr()
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-GB")
    language.set(qn("w:eastAsia"), "zh-CN")
    properties.append(language)


def _field(paragraph: Paragraph, instruction: str, shown: str) -> None:
    """Add a field that Word works out, such as the page's number."""
    element = OxmlElement("w:fldSimple")
    element.set(qn("w:instr"), instruction)
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = shown
    run.append(text)
    element.append(run)
    paragraph._p.append(element)  # noqa: SLF001 - python-docx has no fields


def _add(document: Document, block: Block, images: Mapping[str, Image], number: int) -> None:
    match block:
        case Heading():
            document.add_heading(clean_text(block.text), level=block.level)
        case Text():
            document.add_paragraph(clean_text(block.text))
        case Points():
            for item in block.items:
                document.add_paragraph(clean_text(item), style="List Bullet")
        case Band():
            _add_band(document, block.text)
        case Facts():
            _add_facts(document, block)
        case Grid():
            _add_grid(document, block)
        case Picture():
            _add_picture(document, block, images[block.name], number)
        case Signatures():
            _add_signatures(document, block)


def _add_band(document: Document, text: str) -> None:
    table = document.add_table(rows=1, cols=1)
    table.style = "Table Grid"
    cell = table.cell(0, 0)
    _shade(cell, "warn-paper")
    run = cell.paragraphs[0].add_run(clean_text(text))
    run.bold = True
    run.font.color.rgb = RGBColor.from_string(PALETTE["warn"].removeprefix("#").upper())


def _add_facts(document: Document, block: Facts) -> None:
    table = document.add_table(rows=0, cols=2)
    table.style = "Table Grid"
    for name, value in block.rows:
        cells = table.add_row().cells
        _fill(cells[0], name, bold=True)
        _fill(cells[1], value)
    _set_widths(table, [50.0, _WIDTH_MM - 50.0])


def _add_grid(document: Document, block: Grid) -> None:
    caption = document.add_paragraph(clean_text(block.caption), style="Caption")
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_before = Pt(8)
    table = document.add_table(rows=1, cols=len(block.header))
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for i, name in enumerate(block.header):
        cell = table.rows[0].cells[i]
        _fill(cell, name, bold=True, right=i in block.right)
        _shade(cell, "paper-quiet")
    _row_property(table.rows[0], "w:tblHeader")
    _row_property(table.rows[0], "w:cantSplit")
    for texts in block.rows:
        row = table.add_row()
        _row_property(row, "w:cantSplit")
        for i, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            _fill(cell, text, right=i in block.right)
    _keep_together(table)
    _set_widths(table, _widths(block))
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _keep_together(table: Table) -> None:
    """Keep a short table on one page, and of a long one the first rows with its header."""
    count = len(table.rows)
    kept = count - 1 if count <= _SHORT_TABLE else _FIRST_ROWS
    for row in table.rows[:kept]:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True


def _widths(block: Grid) -> list[float]:
    """Give every column room for its longest word, and share the rest by the longest texts."""
    columns = list(zip(block.header, *block.rows, strict=True))
    least = [
        _LETTER_MM * max(_length(word) for text in column for word in [*_words(text), ""])
        + _PADDING_MM
        for column in columns
    ]
    wanted = [
        max(_LETTER_MM * min(_ENOUGH, max(_length(text) for text in column)), low) + 1
        for column, low in zip(columns, least, strict=True)
    ]
    rest = _WIDTH_MM - sum(least)
    if rest <= 0:
        return [_WIDTH_MM * low / sum(least) for low in least]
    more = [want - low for want, low in zip(wanted, least, strict=True)]
    return [low + rest * part / sum(more) for low, part in zip(least, more, strict=True)]


def _words(text: str) -> list[str]:
    """Return what a line is not to break: short texts, words, units in brackets."""
    if _length(text) <= _SHORT:
        return [text]
    return re.findall(r"（[^）]*）|\([^)]*\)|[^\s\u2e80-\uffff]+|[\u2e80-\uffff]", text)


def _length(text: str) -> float:
    return float(sum(1 + (ord(c) > 0x2E7F) for c in text))


def _add_picture(document: Document, block: Picture, image: Image, number: int) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    shape = paragraph.add_run().add_picture(io.BytesIO(image.png), width=Mm(_WIDTH_MM))
    about = shape._inline.docPr  # noqa: SLF001 - the only way to a text instead of the picture
    about.set("descr", clean_text(block.alt))
    about.set("id", str(1000 + number))
    document.add_paragraph(clean_text(block.caption), style="Caption")


def _add_signatures(document: Document, block: Signatures) -> None:
    document.add_paragraph()
    table = document.add_table(rows=1, cols=len(block.labels))
    for cell, label in zip(table.rows[0].cells, block.labels, strict=True):
        _fill(cell, label)
        _line_above(cell)


def _line_above(cell: _Cell) -> None:
    """Draw the line to sign on."""
    borders, line = OxmlElement("w:tcBorders"), OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("color", "auto")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)  # noqa: SLF001 - python-docx has no borders


def _fill(cell: _Cell, text: str, *, bold: bool = False, right: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1.5)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(clean_text(text))
    run.bold, run.font.size = bold, Pt(8.5)


def _set_widths(table: Table, widths_mm: list[float]) -> None:
    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)


def _shade(cell: _Cell, colour: str) -> None:
    element: BaseOxmlElement = OxmlElement("w:shd")
    element.set(qn("w:val"), "clear")
    element.set(qn("w:fill"), PALETTE[colour].removeprefix("#"))
    cell._tc.get_or_add_tcPr().append(element)  # noqa: SLF001 - python-docx has no shading


def _row_property(row: _Row, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))  # noqa: SLF001 - nor repeated headers


def clean_text(text: str) -> str:
    """Return a text without the characters that an Office file cannot hold."""
    return _NOT_FOR_XML.sub("", text)


def repack(content: bytes, *, modified: str) -> bytes:
    """Return an Office file with every entry dated alike, and one date of its last change.

    Parameters
    ----------
    modified
        UTC, as ``2026-11-23T04:00:00Z``.
    """
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _with_prefixes(data)
                data = _MODIFIED.sub(rb"\g<1>" + modified.encode() + rb"\g<2>", data)
            entry = zipfile.ZipInfo(name, _FIRST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # what wrote it does not show
            target.writestr(entry, data)
    return packed.getvalue()


def _with_prefixes(core: bytes) -> bytes:
    """Return the core properties with the prefixes that Office writes, in the order of C14N."""
    for number, (uri, prefix) in enumerate(_PREFIXES.items()):
        found = re.search(rb'xmlns:([\w.-]+)="' + re.escape(uri) + rb'"', core)
        if found is not None and found[1] != prefix:
            # In two steps: one namespace may stand under the other's prefix.
            core = re.sub(
                rb"(?<![\w.-])" + re.escape(found[1]) + rb"(?=[:=])", b"q%d" % number, core
            )
    for number, prefix in enumerate(_PREFIXES.values()):
        core = re.sub(rb"(?<![\w.-])q%d(?=[:=])" % number, prefix, core)
    return ET.canonicalize(core.decode("utf-8")).encode("utf-8")
