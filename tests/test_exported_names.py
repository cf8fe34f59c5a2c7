"""What packages export exists, in one order: a package's ``__init__`` is its interface."""

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "locator"
ROOT = PACKAGE.parent
NAMES = sorted(
    ".".join(("locator", *path.parent.relative_to(PACKAGE).parts))
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE and "share" not in path.parts
)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_package_exports_exists(name: str) -> None:
    package = importlib.import_module(name)
    exported = getattr(package, "__all__", [])
    assert not [entry for entry in exported if not hasattr(package, entry)]
    assert exported == sorted(exported, key=lambda n: (not n.isupper(), not n[0].isupper(), n))


def test_other_modules_export_what_they_define() -> None:
    others = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert not [path for path in others if "\n__all__" in path.read_text("utf-8")]


@pytest.mark.parametrize("folder", ["benchmarks", "scripts", ".ci"])
def test_what_is_run_by_hand_imports_what_there_is(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("locator"):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    found = hasattr(module, alias.name)
                    assert found or importlib.import_module(f"{node.module}.{alias.name}"), path
