"""Write what the shipped city's commands and pages give, and compare two such folders.

Before a change of structure and after it::

    python tests/goldens.py write /tmp/before
    python tests/goldens.py write /tmp/after
    python tests/goldens.py compare /tmp/before /tmp/after

Every file is text: a document's paragraphs, a workbook's cells, a layer's rows, a picture's size,
and the digest of its pixels (equal only in one environment). Moments of this run, its folder and
the digests that follow from them are left out. ``compare`` prints what differs and ends with 1.
"""

import argparse
import difflib
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import docx
import numpy as np
import openpyxl
from click.testing import CliRunner
from PIL import Image

from locator.cli import main as locator
from locator.intake import create_store
from locator.settings import Settings
from locator.web import create_app

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LANGUAGES = ("zh", "en")

SCENARIO = """
name: 夜间 "O'Neil" <b>
close: [{closed}]
add:
  - {{id: new-1, name: 新驿站, kind: rest_post, lon: 107.16, lat: 34.36, opening_hours: "24/7"}}
"""

STUDIES: dict[str, list[str]] = {
    "gaps": ["gaps", "--minutes", "5,10"],
    "gaps-week": [
        *["gaps", "--minutes", "5", "--at", "2026-11-23T22:30", "--hourly"],
        *["--service", "hot_water", "--scenario", "night.yaml"],
    ],
    "gaps-metres": ["gaps", "--metres", "1500"],
    "sites": ["site", "--new", "4", "--minutes", "5", "--at", "2026-11-23T12:00"],
    "sites-two": [
        *["site", "--new", "3", "--minutes", "5", "--spacing", "400"],
        *["--at", "2026-11-23T12:00", "--at", "2026-11-23T22:00"],
    ],
    "sites-cover": ["site", "--cover", "95%", "--minutes", "8", "--candidates", "venues"],
    "sites-options": ["site", "--budget", "40", "--options", "prices.yaml", "--minutes", "5"],
}
COMMANDS: dict[str, list[str]] = {
    "nearest": ["nearest", "107.1489", "34.3692", "--at", "2026-11-23T12:00"],
    "nearest-json": [
        *["nearest", "107.1489", "34.3692", "-k", "9", "--at", "2026-11-23T22:30"],
        *["--open", "known", "--service", "hot_water", "--json"],
    ],
    "nearest-way": [
        *["nearest", "107.1489", "34.3692", "--toward", "107.20", "34.36"],
        *["--at", "2026-11-23T12:00", "--weather", "cold", "--json"],
    ],
    "wrong-place": ["nearest", "34.3692", "107.1489"],
    "wrong-moment": ["nearest", "107.1489", "34.3692", "--at", "noon"],
    "wrong-minutes": ["gaps", "--minutes", "5,zero", "--out", "never"],
    "wrong-file": ["stations", "check", "missing.csv"],
    "route": ["route", "107.1489", "34.3692", "BJ-R-001"],
    "log": ["stations", "log", "BJ-R-001"],
    "settings": ["settings"],
    "doctor": ["doctor"],
    "options": ["site", "--show-options", "--minutes", "5", "--out", "never"],
}
PAGES = {
    "rider": "/?lon=107.1489&lat=34.3692",
    "rider-place": "/?place=陈仓区",
    "rider-filter": "/?service=hot_water&open=yes",
    "map": "/map?minutes=5",
    "planner": "/planner",
    "planner-inputs": "/planner/inputs.json",
    "phone": "/stations.json",
    "nearest": "/api/nearest?lon=107.1489&lat=34.3692&k=5",
    "nearest-wrong": "/api/nearest?lon=a&lat=34.3692",
    "embed": "/embed",
    "embed-map": "/embed/map?minutes=5&layers=stations,gaps",
    "embed-nearest": "/embed/nearest",
    "embed-coverage": "/embed/coverage?minutes=5",
    "embed-picture": "/embed/map.png?width=600",
    "oembed": "/oembed?url=http%3A%2F%2Flocalhost%2Fembed%2Fmap",
    "exports": "/exports",
    "gbfs": "/exports/gbfs/gbfs.json",
    "ogc": "/ogc/?f=json",
    "ogc-stations": "/ogc/collections/stations/items?f=json&limit=10&filter=kind='rest_post'",
    "ogc-queryables": "/ogc/collections/stations/queryables?f=json",
    "ogc-api": "/ogc/api?f=json",
    "missing": "/nowhere",
}
EXPORTS = ("csv", "xlsx", "geojson", "gpkg", "kml", "shp")

UNCOMPARED = {"Date", "Content-Length"}  # of an answer's head
RUN_DAYS = [str((datetime.now(UTC) + timedelta(days=days)).date()) for days in (-1, 0, 1)]
# What no run repeats: its moment, its folder, digests of files that hold them, a page's nonces.
UNREPEATED = (
    (
        re.compile(rf"({'|'.join(RUN_DAYS)})([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+\d\d:?\d\d)?)?"),
        "MOMENT",
    ),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "DIGEST"),
    (re.compile(r"\b[0-9a-f]{12}-\d+\b"), "VERSION"),
    (re.compile(r"(map_|W/\"|\")[0-9a-f]{20,32}\b"), r"\1NUMBER"),
    (re.compile(r'(nonce="|nonce-)[A-Za-z0-9_-]+'), r"\1NONCE"),
    (re.compile(r'(\?v=|"version": ?")[A-Za-z0-9_.-]+'), r"\1VERSION"),
    (re.compile(r"\b\d+(\.\d+)? s(econds?)?\b"), "SECONDS s"),
    (re.compile(r'("[a-z_]*seconds": )[0-9.]+'), r"\1SECONDS"),
)


def as_text(name: str, content: bytes) -> str:
    """Return what a file says, as lines of text."""
    readers: dict[str, Callable[[bytes], str]] = {
        ".docx": read_document,
        ".xlsx": read_workbook,
        ".gpkg": read_layers,
        ".png": read_picture,
        ".npz": read_arrays,
        ".json": read_json,
        ".geojson": read_json,
    }
    reader = readers.get(Path(name).suffix)
    if reader:
        return reader(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}\n"


def read_document(content: bytes) -> str:
    """Return a Word file's paragraphs, tables and properties."""
    document = docx.Document(io.BytesIO(content))
    lines = [document.core_properties.title, document.core_properties.subject]
    for block in document.iter_inner_content():
        if isinstance(block, docx.text.paragraph.Paragraph):
            style = block.style.name if block.style else ""
            lines.append(f"{style}: {block.text}")
        else:
            lines += ["| ".join(cell.text for cell in row.cells) for row in block.rows]
    for section in document.sections:
        lines += [p.text for p in (*section.header.paragraphs, *section.footer.paragraphs)]
    return "\n".join(lines)


def read_workbook(content: bytes) -> str:
    """Return a workbook's sheets, row by row."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    lines = []
    for sheet in book.worksheets:
        lines.append(f"== {sheet.title}")
        lines += ["\t".join(map(repr, row)) for row in sheet.iter_rows(values_only=True)]
    return "\n".join(lines)


def read_layers(content: bytes) -> str:
    """Return a GeoPackage's tables, row by row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.gpkg"
        path.write_bytes(content)
        with sqlite3.connect(path) as connection:
            names = connection.execute(
                "SELECT table_name FROM gpkg_contents ORDER BY table_name"
            ).fetchall()
            lines = []
            for (name,) in names:
                lines.append(f"== {name}")
                rows = connection.execute(f'SELECT * FROM "{name}"')
                lines.append("\t".join(column[0] for column in rows.description))
                lines += [
                    "\t".join(
                        hashlib.sha256(cell).hexdigest()[:12]
                        if isinstance(cell, bytes)
                        else repr(cell)
                        for cell in row
                    )
                    for row in rows
                ]
    return "\n".join(lines)


def read_picture(content: bytes) -> str:
    """Return a picture's size and the digest of its pixels."""
    with Image.open(io.BytesIO(content)) as picture:
        pixels = hashlib.sha256(picture.convert("RGBA").tobytes()).hexdigest()[:16]
        return f"{picture.width} x {picture.height}, pixels {pixels}\n"


def read_arrays(content: bytes) -> str:
    """Return every array of an archive, its shape and the digest of its numbers."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        lines = [
            f"{name} {arrays[name].dtype} {arrays[name].shape} "
            f"{hashlib.sha256(np.ascontiguousarray(arrays[name]).tobytes()).hexdigest()[:16]}"
            for name in sorted(arrays.files)
        ]
    return "\n".join(lines)


def read_json(content: bytes) -> str:
    """Return JSON, one value a line, keys as they stand."""

    def without_times(members: dict[str, object]) -> dict[str, object]:
        return members | {"seconds": "SECONDS"} if "seconds" in members else members

    try:
        members = json.loads(content, object_hook=without_times)
    except ValueError:
        return content.decode("utf-8", "replace")
    return json.dumps(members, ensure_ascii=False, indent=1)


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file, or the files of an archive of several."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in sorted(archive.namelist()):
                yield f"{name}/{member}", archive.read(member)
    else:
        yield name, content


class Writer:
    """Writes texts below a folder, without what no run repeats."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work

    def text(self, name: str, text: str) -> None:
        """Write a text."""
        text = text.replace(str(self.work), "WORK")
        for pattern, instead in UNREPEATED:
            text = pattern.sub(instead, text)
        path = self.folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")

    def file(self, name: str, content: bytes) -> None:
        """Write what a file says."""
        for member, inside in unpacked(name, content):
            self.text(member, as_text(member, inside))

    def tree(self, name: str, folder: Path) -> None:
        """Write every file of a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.file(f"{name}/{path.relative_to(folder)}", path.read_bytes())


def write(folder: Path) -> None:
    """Write the goldens of the shipped city into a new folder."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        settings = Settings(store=f"geopackage:{work}/store.gpkg", basemap="none")
        create_store(settings, clock=lambda: NOON.astimezone(UTC))
        writer = Writer(folder.resolve(), Path(work))
        write_commands(writer, settings)
        for language in LANGUAGES:
            write_studies(writer, settings, language)
            write_pages(writer, settings, language)


def run(settings: Settings, *words: str) -> str:
    """Return what a command prints, and how it ends."""
    runner = CliRunner(env={"LOCATOR_BASEMAP": "none", "COLUMNS": "100"})
    result = runner.invoke(locator, ["--store", settings.store, *words])
    return f"$ locator {' '.join(words)}\n{result.output}exit {result.exit_code}\n"


def command_paths(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    yield path
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield from command_paths(command, (*path, name))


def write_commands(writer: Writer, settings: Settings) -> None:
    """Write each command's help, some answers, some errors, the exports."""
    for path in command_paths(locator):
        writer.text(f"help/{'-'.join(path) or 'locator'}", run(settings, *path, "--help"))
    for name, words in COMMANDS.items():
        writer.text(f"commands/{name}", run(settings, *words))
    for ending in EXPORTS:
        for language in LANGUAGES:
            out = Path(f"exports-{language}-{ending}")
            out.mkdir()
            run(settings, "stations", "export", f"{out}/stations.{ending}", "--language", language)
            writer.tree(f"exports/{language}-{ending}", out)


def write_studies(writer: Writer, settings: Settings, language: str) -> None:
    """Write the folders of some studies, and the maps."""
    closed = "BJ-R-001"
    Path("night.yaml").write_text(SCENARIO.format(closed=closed), encoding="utf-8")
    prices = run(settings, *COMMANDS["options"]).split("\n", 1)[1].rsplit("exit 0", 1)[0]
    Path("prices.yaml").write_text(prices, encoding="utf-8")
    for name, words in STUDIES.items():
        out = Path(f"{name}-{language}")
        printed = run(settings, *words, "--language", language, "--out", str(out))
        writer.text(f"{language}/{name}/printed", printed)
        if out.is_dir():
            writer.tree(f"{language}/{name}", out)
            shutil.rmtree(out)
    for ending in ("html", "png", "svg"):
        file = Path(f"map-{language}.{ending}")
        words = ["map", "--minutes", "5,10", "--language", language, "--out", str(file)]
        writer.text(f"{language}/map/printed-{ending}", run(settings, *words))
        writer.file(f"{language}/map/map.{ending}", file.read_bytes())


def write_pages(writer: Writer, settings: Settings, language: str) -> None:
    """Write pages and interfaces at noon of a Monday."""
    app = create_app(settings, clock=lambda: NOON.astimezone(UTC))
    with app.test_client() as client:
        client.set_cookie("lang", language)
        for name, address in PAGES.items():
            answer = client.get(
                address,
                headers={"Accept-Language": language, "Accept-Encoding": "identity"},
            )
            kind = answer.headers.get("Content-Type", "").split(";")[0]
            ending = {"image/png": ".png", "text/html": ".html"}.get(kind, "")
            ending = ".json" if "json" in kind else ending
            writer.file(f"{language}/pages/{name}{ending}", answer.get_data())
            head = {key: value for key, value in answer.headers if key not in UNCOMPARED}
            writer.text(f"{language}/pages/{name}.headers", f"{answer.status}\n{head}")
    app.extensions["locator.jobs"].close()
    app.extensions["locator"].close()


def compare(before: Path, after: Path, lines: int) -> int:
    """Print what differs between two folders, and return how many files do."""
    names = {
        str(path.relative_to(folder))
        for folder in (before, after)
        for path in folder.rglob("*.txt")
    }
    different = 0
    for name in sorted(names):
        old, new = (
            (folder / name).read_text("utf-8").splitlines() if (folder / name).exists() else None
            for folder in (before, after)
        )
        if old == new:
            continue
        different += 1
        if old is None or new is None:
            print(f"{name}: only {'after' if old is None else 'before'}")
            continue
        changes = [
            line[:200]
            for line in difflib.unified_diff(old, new, n=0, lineterm="")
            if line[:2] not in {"--", "++", "@@"}
        ]
        print(f"{name}: {len(changes)} lines", *changes[:lines], sep="\n  ")
    print(f"{different} of {len(names)} files differ")
    return different


def run_script() -> None:
    """Write goldens, or compare two folders of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    tasks = parser.add_subparsers(dest="task", required=True)
    writing = tasks.add_parser("write")
    writing.add_argument("folder", type=Path)
    comparing = tasks.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--lines", type=int, default=6)
    asked = parser.parse_args()
    if asked.task == "write":
        write(asked.folder)
    elif compare(asked.before, asked.after, asked.lines):
        sys.exit(1)


if __name__ == "__main__":
    run_script()
