"""Messages of the pages into their catalogues: find them, keep what is translated.

    python scripts/translate.py

Run it after a change to a message, fill in what it lists in messages.po, and run it again.
Nothing is compiled here: a checkout reads messages.po, and hatch_build.py compiles it for a wheel.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # the same messages give the same files
ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "templates" / "translations" / "en" / "LC_MESSAGES" / "messages.po"


def found_messages() -> Catalog:
    """Return the messages that pages and their code say today."""
    catalogue = Catalog(
        locale="en", project="locator", fuzzy=False, creation_date=EPOCH, revision_date=EPOCH
    )
    for folder in ("locator/web", "templates"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, method_map=[("**.py", "python"), ("**.html", "jinja2")]
        ):
            catalogue.add(message)
    return catalogue


def renewed_catalogue() -> Catalog:
    """Return the messages of today with the translations there are."""
    with CATALOGUE.open("rb") as stream:
        known = read_po(stream, locale="en")
    catalogue = found_messages()
    for message in catalogue:
        before = known.get(message.id) if message.id else None
        if before is not None:
            message.string = before.string
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as the text that people edit."""
    text = io.BytesIO()
    catalogue.header_comment = "# The pages in English; the messages are the Chinese words."
    write_po(text, catalogue, sort_output=True, omit_header=True, width=100)
    return text.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the messages that have no translation yet."""
    ids = [(m.id if isinstance(m.id, str) else m.id[0], m.string) for m in catalogue if m.id]
    return sorted(key for key, string in ids if not string or not all(string))


def main() -> int:
    """Renew the file; exit code 1 while a message has no translation."""
    catalogue = renewed_catalogue()
    CATALOGUE.write_bytes(written(catalogue))
    for message in untranslated(catalogue):
        print(f"not translated: {message}")
    return 1 if untranslated(catalogue) else 0


if __name__ == "__main__":
    sys.exit(main())
