"""The documents tell the truth: their commands run, their links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from locator.cli import main
from locator.settings import Settings
from tests.test_cli import commands

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "geodata" / "README.md"])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def runnable(path: Path) -> Iterator[str]:
    """Yield the commands of the blocks marked to be run; none of a document that is not there."""
    text = path.read_text("utf-8") if path.exists() else ""
    for block in re.findall(r"<!-- run -->\n```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            assert line.startswith("$ locator "), line
            yield line.removeprefix("$ locator ")


TRANSLATED = ".zh-CN.md"
WITH_COMMANDS = [
    path
    for path in DOCUMENTS
    if not path.name.endswith(TRANSLATED)
    and [*runnable(path), *runnable(path.with_suffix(TRANSLATED))]
]


def write_files(path: Path, folder: Path) -> None:
    """Write the files that a document shows under their names, for its commands to read."""
    text = path.read_text("utf-8") if path.exists() else ""
    shown = re.findall(r"<!-- file: ([\w.-]+) -->\n```[a-z]+\n(.*?)```", text, re.DOTALL)
    for name, text in shown:
        (folder / name).write_text(text, encoding="utf-8")


def in_no_language(command: str) -> str:
    """Return a command without its language: a translation repeats it."""
    return re.sub(r" --language (zh|en)", "", command)


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_document_and_its_translation_run(
    path: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    done = set()
    for document in (path, path.with_suffix(TRANSLATED)):
        write_files(document, folder)
        for command in runnable(document):
            if in_no_language(command) in done:
                continue
            done.add(in_no_language(command))
            words = ["--store", settings.store, *shlex.split(command)]
            result = CliRunner().invoke(main, words, catch_exceptions=False)
            assert result.exit_code == 0, f"{document.name}: {command}: {result.output}"


def test_the_planners_scenario_uses_every_key() -> None:
    from locator.study.scenario import KEYS, parse_scenario

    (text,) = re.findall(
        r"<!-- file: night.yaml -->\n```yaml\n(.*?)```",
        (ROOT / "docs/planner.md").read_text("utf-8"),
        re.DOTALL,
    )
    parse_scenario(text, source="night.yaml")
    assert [key for key in KEYS if not re.search(rf"^{key}:", text, re.MULTILINE)] == []


def test_each_reader_finds_commands_to_run() -> None:
    for name in ("README.md", "README.zh-CN.md", "docs/planner.md", "docs/steward.md"):
        assert list(runnable(ROOT / name)), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_and_option_named_exists(path: Path) -> None:
    known = {" ".join(words) for words in commands(main)}
    for line in re.findall(r"locator ((?:stations )?[a-z]+)(?=[ `\n'])", path.read_text("utf-8")):
        if line.split()[0] in {c.split()[0] for c in known}:
            assert line in known or line.split()[0] in known, line


def rows_of_packages() -> Iterator[tuple[list[str], list[str]]]:
    """Yield (packages, their modules) of each row of the table of the architecture."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for row in re.findall(r"^\| \d \| (.*?) \| (.*?) \| .*? \|$", text, re.MULTILINE):
        packages, modules = (re.findall(r"`([\w/]+(?:\.py|/))`", cell) for cell in row)
        yield packages, modules


def test_the_architecture_is_the_tree_as_it_is() -> None:
    named = set()
    for packages, modules in rows_of_packages():
        named |= {package.rstrip("/") for package in packages}
        folders = [ROOT / "locator" / p for p in packages if p.endswith("/")]
        within = [ROOT / "locator" / p / m for p in packages for m in modules if m.endswith("/")]
        for package in packages:
            assert (ROOT / "locator" / package).exists(), package
        for module in modules:
            places = [folder / module for folder in (*folders, *within)]
            assert any(place.exists() for place in places), f"{packages}: {module}"
    there = {
        path.name
        for path in (ROOT / "locator").iterdir()
        if not path.name.startswith(("__", "py."))
    }
    assert there - {"share"} <= named


def test_every_setting_that_is_named_exists() -> None:
    from dataclasses import fields

    known = {f"LOCATOR_{field.name.upper()}" for field in fields(Settings)}
    known |= {"LOCATOR_CONFIG", "LOCATOR_PEERS", "LOCATOR_REALDATA", "LOCATOR_REQUIRE_ALL"}
    known |= {"LOCATOR_TEST_PATIENCE", "LOCATOR_TEST_THOROUGH"}
    for path in DOCUMENTS:
        for name in re.findall(r"LOCATOR_[A-Z_]+[A-Z]", path.read_text("utf-8")):
            assert name in known, f"{path.name}: {name}"


def test_the_python_of_the_planners_guide_runs(settings: Settings) -> None:
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/planner.md").read_text("utf-8"), re.DOTALL
    )
    exec(code.replace("open_service()", f"open_service({settings.store!r})"), {})
