"""The pages' English: whole in the text, and served from a checkout and from a wheel."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po

from locator.settings import Settings
from locator.web.catalogue import compiled
from tests.required import absent

ROOT = Path(__file__).resolve().parents[1]
PO = ROOT / "templates" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
# Run by a Python that takes the program from a folder of our choice: what it says in each language.
SERVED = """
import json, sys
from pathlib import Path
import locator
from flask import g
from locator.settings import Settings
from locator.web import create_app
from locator.web.language import gettext, ngettext

asked = json.load(sys.stdin)
app = create_app(Settings(store=asked["store"], basemap="none"))
said = {}
for language in ("zh", "en"):
    with app.test_request_context():
        g.language = language
        said[language] = [
            gettext(message) if isinstance(message, str)
            else [ngettext(*message, 1), ngettext(*message, 2)]
            for message in asked["messages"]
        ]
print(json.dumps({"from": str(Path(locator.__file__).parents[1]), **said}))
"""


def _recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translate", ROOT / "scripts" / "translate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """Return the messages and their English."""
    with PO.open("rb") as stream:
        return read_po(stream, locale="en")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of this checkout, unpacked as an installation unpacks it."""
    if not all(importlib.util.find_spec(name) for name in ("hatchling", "editables", "build")):
        absent("the build backend is not installed (make setup)")
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as packed:
        packed.extractall(folder / "site-packages")
    return folder / "site-packages"


def check_served(program: Path, catalogue: Catalog, settings: Settings) -> None:
    """Ask a program for every message in both languages."""
    messages = [message for message in catalogue if message.id]
    answer = subprocess.run(
        [sys.executable, "-c", SERVED],
        input=json.dumps({"store": settings.store, "messages": [m.id for m in messages]}),
        env=os.environ | {"PYTHONPATH": str(program), "PYTHONUTF8": "1"},
        cwd=program.parent,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    said = json.loads(answer.stdout)
    assert Path(said["from"]) == program
    assert said["zh"] == [_filled(message.id) for message in messages]
    assert said["en"] == [_filled(message.string) for message in messages]
    assert len(messages) > 400


def _filled(words: Any) -> Any:
    """Return a message as it is served: a plural for one and for two things."""
    if isinstance(words, str):
        return words
    return [text % {"num": number} for number, text in enumerate(words, 1)]


@pytest.mark.slow
def test_a_checkout_serves_every_message_and_writes_nothing(
    catalogue: Catalog, settings: Settings
) -> None:
    check_served(ROOT, catalogue, settings)
    assert not list(PO.parents[2].rglob("*.mo"))


@pytest.mark.slow
def test_a_wheel_serves_every_message(wheel: Path, catalogue: Catalog, settings: Settings) -> None:
    assert next(wheel.rglob("messages.mo")).read_bytes() == compiled(PO)
    check_served(wheel, catalogue, settings)


def test_a_broken_catalogue_is_not_served_in_part(tmp_path: Path) -> None:
    broken = tmp_path / "messages.po"
    broken.write_text('msgid "a"\nmsgstr "b"\nmsgid c\n', encoding="utf-8")
    with pytest.raises(PoFileError):
        compiled(broken)


def test_the_catalogue_is_whole() -> None:
    recipe = _recipe()
    catalogue = recipe.renewed_catalogue()
    assert recipe.untranslated(catalogue) == []
    assert recipe.CATALOGUE.read_bytes() == recipe.written(catalogue), "run scripts/translate.py"
    for message in catalogue:
        pairs = zip(
            message.id if isinstance(message.id, tuple) else (message.id,),
            message.string if isinstance(message.string, tuple) else (message.string,),
            strict=False,
        )
        for ours, theirs in pairs:
            holes = [sorted(re.findall(r"%\(\w+\)\w|\{\w+\}", side)) for side in (ours, theirs)]
            assert holes[0] == holes[1], ours
