"""The pages' English from its catalogue, which people edit as text and gettext reads compiled.

A wheel carries the compiled form (``hatch_build.py`` makes it with this very file, so nothing
but Babel may be imported here). A checkout has the text alone and compiles it in memory.
"""

import io
from pathlib import Path

from babel.support import Translations

_CATALOGUE = Path("en") / "LC_MESSAGES" / "messages.po"


def compiled(text: Path) -> bytes:
    """Return a catalogue as gettext reads it (``.mo``), from the text that people edit.

    Parameters
    ----------
    text
        The ``.po`` file.

    Raises
    ------
    babel.messages.pofile.PoFileError
        A line is not of the format.
    """
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with text.open("rb") as stream:
        catalogue = read_po(stream, locale="en", abort_invalid=True)
    made = io.BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def english(folder: Path, *, checkout: bool) -> Translations:
    """Return the English of the pages.

    Parameters
    ----------
    folder
        Where the catalogues lie.
    checkout
        Whether the text counts, which somebody may just have edited. A compiled file beside it,
        left by an older program, is not looked at; nothing is written, so that a checkout may
        be read-only and any number of programs may start at once.
    """
    text = folder / _CATALOGUE
    made = compiled(text) if checkout else text.with_suffix(".mo").read_bytes()
    return Translations(io.BytesIO(made))
