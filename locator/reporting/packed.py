"""Office files whose bytes follow from their contents: no time of writing inside."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET  # of our own files only

__all__ = ["clean_text", "repack"]

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
